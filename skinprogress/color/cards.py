"""Find a 24-patch colour card in a photo and read its patches.

The patches are found as flat places of like size that stand in a grid, and the grid is recognised by its colours in
any of the eight ways in which a card can lie in a photo, mirrored ones included.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.card_grid import Grid, Squares, find_squares, grow_grids
from skinprogress.color.card_values import COLUMNS, ROWS, reference_linear_rgb
from skinprogress.color.spaces import apply_curve, apply_matrix, encode_srgb8, srgb_to_linear
from skinprogress.color.surroundings import shrink_whole
from skinprogress.records import BoolArray, CardReading, Photo

SEARCH_PX = 1280
_CELLS = np.array([(c + 0.5, r + 0.5) for r in range(ROWS) for c in range(COLUMNS)])
_FIELD = np.array([[0.0, 0.0], [COLUMNS, 0.0], [COLUMNS, ROWS], [0.0, ROWS]])
# Shrink by this and take for flat what steps by less than that, 8-bit steps: for fine pictures, for grainy ones, and
# for blurred ones, which are sharper at half the size.
_PASSES = ((1, 12), (1, 24), (2, 12))
_LOG_FLOOR = 0.01
_LOG_REFERENCE = np.log(np.maximum(reference_linear_rgb("2014"), 0.0) + _LOG_FLOOR)
# Mean colour misfit of the best half of the patches, natural log units: right ways to lie stay under 0.2, wrong ones
# above 0.35, other grids above 0.5.
_MIN_SEEN, _MAX_MISFIT = 12, 0.27
_GOOD_MISFIT = 0.12  # of all patches; anything worse is looked at again in the other ways
_MANY_SQUARES = 16  # as many say where the card lies; of fewer the far corners hang loose
_MAX_MOVE = 0.6
_COVERED_MISFIT = 0.7
_MIN_STRONG_HUES = 4
# Samples across a patch, out to this share of the distance between patches; colours come from the inner ones.
_PATCH_REACH = 0.37  # patches reach out to 0.4 or more
_SAMPLES, _REACH, _INNER, _RING = 33, 0.33, 0.24, 0.29
_MIN_STEP_PX = 12.0
_MIN_USABLE, _MIN_USABLE_GREYS = 16, 4
_SKIN_PATCHES, _GREYS = slice(0, 2), slice(18, 24)
_MAX_UNEVEN = 0.15
_MIN_RING = 0.85


def read_card(photo: Photo) -> CardReading | None:
    """Find a 24-patch colour card of any size, turned or mirrored, and read its patches.

    Parameters
    ----------
    photo : Photo
        Full resolution; colours are taken from it, the card is looked for in a copy of at most 1280 px.

    Returns
    -------
    CardReading or None
        None where no card is seen. A card that is seen and cannot be used says why in ``problem`` and what to do in
        ``remedy``.

    Notes
    -----
    A card is anything whose squares stand in a grid and match the card's 24 colours after one gain a channel, so
    the light may have any colour, and neither a chequered shirt nor a tiled wall passes for one.
    """
    small, scale = _shrink(photo)
    seen: CardReading | None = None
    best, place = np.inf, np.eye(3)
    for shrink, flat_step in _PASSES:
        size = small.shape[1] // shrink, small.shape[0] // shrink
        soft = np.asarray(cv2.blur(cv2.resize(small, size, interpolation=cv2.INTER_AREA), (3, 3)), np.uint8)
        whole = scale * small.shape[1::-1] / size
        squares = find_squares(soft, flat_step)
        for grid in grow_grids(squares):
            misfit, placed = _recognize(grid, squares, soft)
            if misfit < best:
                settled = placed if len(grid) >= _MANY_SQUARES else _settle(soft, placed)
                best, place = misfit, np.diag([*whole, 1.0]) @ settled
            elif seen is None and _looks_like_card(grid, squares, soft):
                seen = _unrecognized(grid, squares, whole)
        if best < _GOOD_MISFIT:
            break
    return _read_patches(photo, place) if np.isfinite(best) else seen


def _shrink(photo: Photo) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """The photo small, 8-bit and encoded, and photo px per px of it along x and y."""
    height, width = photo.pixels.shape[:2]
    factor = max(1.0, max(height, width) / SEARCH_PX)
    whole = int(factor)
    small: npt.NDArray[Any] = shrink_whole(photo.pixels, whole)
    seen = np.array(small.shape[1::-1]) * whole
    if factor > 1.2 * whole:
        size = round(small.shape[1] * whole / factor), round(small.shape[0] * whole / factor)
        small = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA))
    if small.dtype != np.uint8:
        small = encode_srgb8(apply_curve(small, photo.curve))
    return np.asarray(small, np.uint8), seen / small.shape[1::-1]


def _ways_to_lie(grid: Grid) -> npt.NDArray[np.float64]:
    """All ways in which a card may lie on a grid, mirrored ones included: (n, 2, 3) affine maps, cells to grid."""
    places = np.array(list(grid))
    first, last = places.min(axis=0), places.max(axis=0)
    ways = []
    for turned in (False, True):
        size = (ROWS, COLUMNS) if turned else (COLUMNS, ROWS)
        starts = [range(min(a, b - n + 1), max(a, b - n + 1) + 1) for a, b, n in zip(first, last, size, strict=True)]
        for i in starts[0]:
            for j in starts[1]:
                for sign_i in (1, -1):
                    for sign_j in (1, -1):
                        axes = np.array([[0.0, sign_i], [sign_j, 0.0]]) if turned else np.diag([sign_i, sign_j])
                        corner = np.array([i, j]) - np.minimum(axes @ [COLUMNS, ROWS], 0.0) - 0.5
                        ways.append(np.column_stack([axes, corner]))
    return np.array(ways, np.float64)


def _recognize(grid: Grid, squares: Squares, rgb: npt.NDArray[np.uint8]) -> tuple[float, npt.NDArray[np.float64]]:
    """Mean misfit and homography from cells to px of the best way to lie on a grid; infinite where none fits."""
    nothing = np.inf, np.eye(3)
    places, chosen = np.array(list(grid), np.float64), list(grid.values())
    tolerance = 0.15 * float(np.median(squares.sides[chosen]))
    to_photo, _ = cv2.findHomography(places, squares.centers_xy[chosen], cv2.RANSAC, tolerance)
    if to_photo is None:
        return nothing
    ways = _ways_to_lie(grid)
    cells = _CELLS @ ways[:, :, :2].transpose(0, 2, 1) + ways[:, None, :, 2]
    at = cv2.perspectiveTransform(cells.reshape(1, -1, 2), to_photo)[0].reshape(cells.shape)
    height, width = rgb.shape[:2]
    inside = ((at >= 0) & (at < [width, height])).all(axis=2)
    enough = inside.sum(axis=1) >= _MIN_SEEN
    if not enough.any():
        return nothing
    ways, at, inside = ways[enough], at[enough], inside[enough]
    col, row = np.clip(at, 0, [width - 1, height - 1]).astype(int).transpose(2, 0, 1)
    misfit = np.sort(_misfit(srgb_to_linear(rgb[row, col]), inside), axis=1)
    half = misfit[:, :_MIN_SEEN].mean(axis=1)
    best = int(half.argmin())
    if half[best] > _MAX_MISFIT:
        return nothing
    return float(misfit[best].mean()), np.asarray(to_photo @ np.vstack([ways[best], [0.0, 0.0, 1.0]]))


def _settle(rgb: npt.NDArray[np.uint8], to_photo: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Move a found card so that its windows lie in the middle of the patches: few squares may have told its place."""
    line = np.linspace(-0.3, 0.3, 13)
    shifts = np.stack(np.meshgrid(line, line), axis=2).reshape(-1, 2)
    window = np.stack(np.meshgrid(*[np.linspace(-_PATCH_REACH, _PATCH_REACH, 7)] * 2), axis=2).reshape(-1, 2)
    height, width = rgb.shape[:2]
    for _ in range(2):
        at = _CELLS[:, None, None] + shifts[:, None] + window
        xy = cv2.perspectiveTransform(at.reshape(1, -1, 2), to_photo)[0]
        inside = ((xy >= 0) & (xy < [width, height])).all(axis=1).reshape(at.shape[:3]).all(axis=2)
        col, row = np.clip(xy, 0, [width - 1, height - 1]).astype(int).T
        spread = rgb[row, col].reshape(*at.shape[:3], 3).astype(np.float32).std(axis=2).max(axis=2)
        even = (spread <= 1.5 * spread.min(axis=1, keepdims=True) + 1.0) & inside
        # A patch as dark as the frame says nothing, nor does a covered one.
        tells = (even.mean(axis=1) < 0.3) & even.any(axis=1)
        if tells.sum() < _MIN_SEEN // 2:
            break
        center = (even[..., None] * shifts).sum(axis=1) / np.maximum(even.sum(axis=1), 1)[:, None]
        target = cv2.perspectiveTransform((_CELLS + center)[None], to_photo)[0]
        pitch = np.hypot(*np.diff(cv2.perspectiveTransform(_CELLS[None, [0, 5]], to_photo)[0], axis=0)[0]) / 5.0
        moved, _ = cv2.findHomography(_CELLS[tells], target[tells], cv2.RANSAC, 0.08 * pitch)
        if moved is None:
            break
        away = cv2.perspectiveTransform(_FIELD[None], moved)[0] - cv2.perspectiveTransform(_FIELD[None], to_photo)[0]
        if np.hypot(*away.T).max() > _MAX_MOVE * pitch:  # led astray by what covers it
            break
        to_photo = np.asarray(moved)
    return to_photo


def _misfit(linear_rgb: npt.NDArray[np.floating], valid: BoolArray) -> npt.NDArray[np.float64]:
    """How far patches are from their colours after one gain a channel, natural log units, 2 where not valid: (n, 24).

    The gain is that of the half which it suits best, so that the other half may be covered.
    """
    log = np.log(np.maximum(linear_rgb, 0.0) + _LOG_FLOOR) - _LOG_REFERENCE
    trusted = valid | ~valid.any(axis=1, keepdims=True)
    for _ in range(3):
        gain = np.nanmedian(np.where(trusted[..., None], log, np.nan), axis=1, keepdims=True)
        away = log - gain
        lightness = away.mean(axis=2)
        # Light differs over a card, its colour hardly does.
        chroma = np.abs(away - lightness[..., None]).max(axis=2)
        misfit = np.where(valid, np.minimum(chroma, 1.0) + 0.3 * np.minimum(np.abs(lightness), 1.0), 2.0)
        trusted = misfit <= np.partition(misfit, _MIN_SEEN - 1, axis=1)[:, _MIN_SEEN - 1 : _MIN_SEEN]
    return np.asarray(misfit)


def _looks_like_card(grid: Grid, squares: Squares, rgb: npt.NDArray[np.uint8]) -> bool:
    """Whether squares in a grid show several strong hues."""
    x, y = squares.centers_xy[list(grid.values())].astype(int).T
    hsv = cv2.cvtColor(rgb[y, x][None], cv2.COLOR_RGB2HSV)[0]
    strong = hsv[(hsv[:, 1] > 90) & (hsv[:, 2] > 40), 0]
    return len(np.unique(strong // 30)) >= _MIN_STRONG_HUES


def _unrecognized(grid: Grid, squares: Squares, scale: npt.NDArray[np.float64]) -> CardReading:
    points = squares.centers_xy[list(grid.values())] * scale
    low, high = points.min(axis=0), points.max(axis=0)
    corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
    return CardReading(
        corners_xy=corners,
        patches_xy=np.full((24, 2), np.nan),
        linear_rgb=np.full((24, 3), np.nan, np.float32),
        scatter=np.full(24, np.nan, np.float32),
        usable=np.zeros(24, bool),
        width_px=float(high[0] - low[0]),
        problem="something like a colour card is in the photo, but too little of it can be seen, or it is not a "
        "24-patch ColorChecker",
        remedy="show all of a 24-patch ColorChecker (Classic or Passport), facing the camera, in even light",
    )


def _read_patches(photo: Photo, to_photo: npt.NDArray[np.float64]) -> CardReading:
    """Colours of the patches at full resolution, and which of them can be used."""
    line = np.linspace(-_REACH, _REACH, _SAMPLES)
    across = np.stack(np.meshgrid(line, line), axis=2).reshape(-1, 2)
    at = cv2.perspectiveTransform((_CELLS[:, None] + across).reshape(1, -1, 2), to_photo)[0]
    height, width = photo.pixels.shape[:2]
    inside = ((at >= 0) & (at < [width, height])).all(axis=1).reshape(24, -1).all(axis=1)
    col, row = np.clip(at, 0, [width - 1, height - 1]).astype(int).T
    stored = photo.pixels[row, col].reshape(24, -1, 3)
    linear = apply_curve(stored, photo.curve)
    far = np.abs(across).max(axis=1)
    inner, ring = far <= _INNER, far >= _RING
    # Medians in the file's own colours, where noise is not yet mixed between channels.
    middle = np.median(linear[:, inner], axis=1)
    noise = 1.4826 * np.median(np.abs(linear[:, inner] - middle[:, None]), axis=1)
    scatter = (noise / np.maximum(middle, _LOG_FLOOR)).max(axis=1)
    top = photo.curve.shape[1] - 1
    clipped = ((stored[:, inner] >= 0.985 * top) | (stored[:, inner] <= 0.004 * top)).mean(axis=1).max(axis=1) > 0.05
    corners = cv2.perspectiveTransform(_FIELD[None], to_photo)[0]
    length = float(np.hypot(*(corners[1] - corners[0])) + np.hypot(*(corners[2] - corners[3]))) / 2
    n_px = max(2.0 * _INNER * length / COLUMNS, 2.0) ** 2
    even = _unevenness(linear[:, inner], across[inner]) < _MAX_UNEVEN + 6.0 * scatter / np.sqrt(n_px / 4)
    rgb = apply_matrix(middle, photo.matrix)
    shown = _misfit(rgb[None], inside[None])[0] < _COVERED_MISFIT
    usable = inside & ~clipped & even & shown
    lost = {
        "cut off by the edge of the photo": ~inside,
        "over- or underexposed": inside & clipped,
        "crossed by the edge of a shadow or of glare": inside & ~clipped & ~even,
        "covered or in glare": inside & ~clipped & even & ~shown,
    }
    bright = inside & (middle.max(axis=1) > 0.3 * middle.max())
    edge = np.median(linear[:, ring], axis=1).max(axis=1) / np.maximum(middle.max(axis=1), _LOG_FLOOR)
    sharp = not bright.any() or float(np.median(edge[bright])) >= _MIN_RING
    problem, remedy = _find_problem(length, usable, lost, sharp=sharp)
    return CardReading(
        corners_xy=corners,
        patches_xy=cv2.perspectiveTransform(_CELLS[None], to_photo)[0],
        linear_rgb=rgb,
        scatter=scatter.astype(np.float32),
        usable=usable,
        width_px=length,
        problem=problem,
        remedy=remedy,
    )


def _unevenness(linear: npt.NDArray[np.float32], across: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Relative difference between the brightest and the darkest quarter of each patch: a shadow's edge or glare."""
    light = linear.mean(axis=2)
    quarters = [(across[:, 0] * sx > 0) & (across[:, 1] * sy > 0) for sx in (1, -1) for sy in (1, -1)]
    levels = np.stack([np.median(light[:, quarter], axis=1) for quarter in quarters])
    return np.asarray((levels.max(axis=0) - levels.min(axis=0)) / (levels.mean(axis=0) + _LOG_FLOOR))


_REMEDIES = {
    "cut off by the edge of the photo": "move it so that all of it is in the photo",
    "over- or underexposed": "tap on the face to set the exposure, or use softer light",
    "crossed by the edge of a shadow or of glare": "hold it in even light",
    "covered or in glare": "hold it by its frame, and tilt it until no lamp is mirrored in it",
}


def _find_problem(length_px: float, usable: BoolArray, lost: dict[str, BoolArray], *, sharp: bool) -> tuple[str, str]:
    """Why no correction can be fitted and what to do; both empty where one can."""
    if length_px / COLUMNS < _MIN_STEP_PX:
        return (
            f"the colour card is too small: {length_px:.0f} px wide, and {_MIN_STEP_PX * COLUMNS:.0f} are needed",
            "hold the card closer to the camera, or use the photo in its full size",
        )
    if not sharp:
        return "the colour card is too blurred", "let the camera focus on the plane of the face and the card"
    greys, skin = int(usable[_GREYS].sum()), int(usable[_SKIN_PATCHES].sum())
    if int(usable.sum()) >= _MIN_USABLE and greys >= _MIN_USABLE_GREYS and skin >= 1:
        return "", ""
    cause = max(lost, key=lambda name: int(lost[name].sum()))
    return f"{int(lost[cause].sum())} of the 24 patches of the colour card are {cause}", _REMEDIES[cause]
