"""Hold a 24-patch colour card into a photo: where it might be, and drawn with its true reflectances."""

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.card_values import COLUMNS, ROWS, Edition, reference_linear_rgb

LIGHT = 0.95
_PATCH_SHARE = 0.86  # side of a patch in units of the distance between patches
_FRAME = 0.35  # width of the black frame around the field of patches, in the same units
_FRAME_REFLECTANCE = 0.025
_TEXELS = 100  # px of the drawing per patch: frame and gaps come to whole numbers of them
_OVERSAMPLING = 3
_SHADOW_SOFTNESS = 0.12
_TRIES = 200


def paste_card(
    linear_rgb: npt.NDArray[np.floating],
    *,
    corners_xy: npt.NDArray[np.floating],
    edition: Edition = "2014",
    shade: tuple[float, float] | None = None,
    light: float = LIGHT,
) -> npt.NDArray[np.float32]:
    """Draw a card into a scene, with black frame and gaps, anti-aliased.

    Parameters
    ----------
    linear_rgb : (H, W, 3) float
        The scene, linear sRGB; left as it is.
    corners_xy : (4, 2) float
        Where the corners of the field of patches go, half a gap outside the outermost patches, px: beside dark skin,
        bluish green, black and white, in this order. The frame lies outside of them.
    edition : {'2014', 'classic'}
        Pigments of the card.
    shade : (share, factor) or None
        That share of the card, counted from the side of bluish green, lies in a shadow that leaves the factor of the
        light; its edge is slanted and a little soft.
    light : float
        The scene's value of a perfect white: reflectances times this are drawn. Under the default the white patch
        comes to about 0.85. A perfect correction by the card returns the scene divided by this.

    Returns
    -------
    (H, W, 3) float32
    """
    scene = np.array(linear_rgb, np.float32)
    drawing = _draw(edition, shade, light)
    field = np.array([[0, 0], [COLUMNS, 0], [COLUMNS, ROWS], [0, ROWS]], np.float32)
    outer = field + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32) * np.float32(_FRAME)
    to_photo = cv2.getPerspectiveTransform(field, np.asarray(corners_xy, np.float32))
    shown = cv2.perspectiveTransform(outer[None], to_photo)[0]
    low = np.clip(np.floor(shown.min(axis=0)).astype(int) - 2, 0, None)
    high = np.minimum(np.ceil(shown.max(axis=0)).astype(int) + 2, scene.shape[1::-1])
    if (high <= low).any():
        return scene
    # From px of the drawing to px of an oversampled cut-out of the photo; both count px centres.
    texel, first = 1 / _TEXELS, 0.5 / _TEXELS - _FRAME
    texel_to_field = np.array([[texel, 0, first], [0, texel, first], [0, 0, 1.0]])
    n = _OVERSAMPLING
    to_cutout = np.array([[n, 0, -n * low[0] - 0.5], [0, n, -n * low[1] - 0.5], [0, 0, 1.0]])
    carry = to_cutout @ to_photo @ texel_to_field
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    fine = cv2.warpPerspective(drawing, carry, (size[0] * n, size[1] * n), flags=cv2.INTER_LINEAR)
    small = np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA), np.float32)
    part = scene[low[1] : high[1], low[0] : high[0]]
    part *= 1.0 - small[..., 3:]
    part += small[..., :3]
    return scene


def _draw(edition: Edition, shade: tuple[float, float] | None, light: float) -> npt.NDArray[np.float32]:
    """The card from straight above: what it sends back and, last, how much of each px it covers."""
    height, width = (round((n + 2 * _FRAME) * _TEXELS) for n in (ROWS, COLUMNS))
    x = (np.arange(width) + 0.5) / _TEXELS - _FRAME
    y = (np.arange(height) + 0.5) / _TEXELS - _FRAME
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    inside = [(np.abs(v - np.floor(v) - 0.5) < _PATCH_SHARE / 2) for v in (x, y)]
    patch = (inside[1] & (row >= 0) & (row < ROWS))[:, None] & (inside[0] & (column >= 0) & (column < COLUMNS))[None]
    index = np.clip(row, 0, ROWS - 1)[:, None] * COLUMNS + np.clip(column, 0, COLUMNS - 1)[None]
    colors = reference_linear_rgb(edition)[index]
    drawn = np.where(patch[..., None], colors, np.float32(_FRAME_REFLECTANCE))
    if shade is not None:
        share, factor = shade
        past = (x[None] - COLUMNS * (1.0 - share)) + 0.25 * (y[:, None] - ROWS / 2)
        depth = 1.0 / (1.0 + np.exp(-past / _SHADOW_SOFTNESS))
        drawn = drawn * (1.0 - depth * (1.0 - factor))[..., None]
    return np.concatenate([drawn * light, np.ones((height, width, 1))], axis=2).astype(np.float32)


def draw_card_corners(
    rng: np.random.Generator,
    shape_hw: tuple[int, int],
    *,
    width_share: float,
    avoid_xy: npt.NDArray[np.floating] | None = None,
    max_tilt_deg: float = 30.0,
) -> npt.NDArray[np.float64]:
    """Draw where a hand-held card comes to lie: rotated, tilted out of the plane, all of it in the photo.

    Parameters
    ----------
    rng : numpy Generator
    shape_hw : (int, int)
        Height and width of the photo.
    width_share : float
        Length of the field of patches, before it is tilted, as share of the width of the photo.
    avoid_xy : (n, 2) float or None
        Outline of what the card should not cover, px; where nothing is free, the place that covers least of it.
    max_tilt_deg : float
        Rotation within the photo and about both of the card's axes, each drawn evenly from ± this.

    Returns
    -------
    (4, 2) float64
        Corners as :func:`paste_card` takes them.
    """
    height, width = shape_hw
    best: npt.NDArray[np.float64] | None = None
    least = np.inf
    for _ in range(_TRIES):
        tilt = np.radians(rng.uniform(-max_tilt_deg, max_tilt_deg, 3))
        field, frame = (_project(margin, tilt, width_share * width, 1.3 * width) for margin in (0.0, _FRAME))
        low, high = -frame.min(axis=0), np.array([width, height]) - frame.max(axis=0)
        if (high < low).any():
            continue
        place = rng.uniform(low, high)
        covered = 0.0
        if avoid_xy is not None:
            card, other = (cv2.convexHull(np.asarray(xy, np.float32)) for xy in (frame + place, avoid_xy))
            covered = float(cv2.intersectConvexConvex(card, other)[0])
        if covered < least:
            best, least = np.asarray(field + place, np.float64), covered
        if covered == 0.0:
            break
    if best is None:
        raise ValueError(f"a card of {width_share:.0%} of the width does not fit into {width} × {height} px")
    return best


def _project(
    margin: float, tilt: npt.NDArray[np.float64], length_px: float, distance_px: float
) -> npt.NDArray[np.float64]:
    """Corners of a tilted card as a camera at that distance sees them, px from its middle; margin in patches."""
    half = np.array([COLUMNS / 2 + margin, ROWS / 2 + margin]) * length_px / COLUMNS
    flat = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) * half
    (cx, cy, cz), (sx, sy, sz) = np.cos(tilt), np.sin(tilt)
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]])
    about_y = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
    about_z = np.array([[cz, -sz, 0.0], [sz, cz, 0.0], [0.0, 0.0, 1.0]])
    solid = np.pad(flat, ((0, 0), (0, 1))) @ (about_z @ about_y @ about_x).T
    return np.asarray(solid[:, :2] * (distance_px / (distance_px + solid[:, 2:])))
