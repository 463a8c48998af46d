"""Covering parts of a face so that nothing of them is left in the picture: outlines from the landmarks, and paint."""

import math
from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import encode_srgb8, srgb_to_linear
from skinprogress.errors import UsageError
from skinprogress.face.canonical import canonical_map, raster, triangle_scale
from skinprogress.face.regions import (
    BROW_LEFT,
    BROW_RIGHT,
    EYE_LEFT,
    EYE_RIGHT,
    REGIONS,
    WHOLE_FACE,
    bare_face_mask,
    region_mask,
)
from skinprogress.outputs.composing.recipe import Hide, HideWith
from skinprogress.outputs.style import ASIDE, INK
from skinprogress.records import Inspection, View

Rgb = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]
Polygon = tuple[tuple[float, float], ...]
Points = npt.NDArray[np.float64]

BAR_RGB: tuple[int, ...] = tuple(bytes.fromhex(INK.removeprefix("#")))
SHEET_RGB: tuple[int, ...] = tuple(bytes.fromhex(ASIDE.removeprefix("#")))
"""Half a picture in the dark colour of a bar would look like a mask."""
BLOCKS = 6
"""Blocks of a mosaic over the width of both eyes and brows at most: each is about as large as an eye."""

_FOREHEAD_TOP, _CHIN, _LOWER_BRIDGE = 10, 152, 195
_IRIS_RIGHT, _IRIS_LEFT = 468, 473
_EYES_AND_BROWS = [*EYE_RIGHT, *EYE_LEFT, *BROW_RIGHT, *BROW_LEFT]
# Shares of the distance between the eyes: toward the ears, above the brows, below the lower lids.
_BESIDE, _ABOVE, _BELOW = 0.30, 0.14, 0.24
_SIDE_PX = 512
# Skin seen so much from the side that it is this much narrower than most of the face is not skin that one can judge.
_EDGE_ON = 0.25
_SMALLEST_PX, _SLIVER_PX = 250, 9
_GROW_SHARE, _GROW_PX = 0.02, 6
# Width of the soft edge of a blur; around windows it must not fill them.
_RIM_SHARE, _WINDOW_RIM_SHARE = 0.06, 0.008
_SHEET_SHARE = 4.0
_SUBPIXEL = 16
_SMALLEST_CROP_PX = 32
_AIR_SHARE = 0.04
_NOTES = {
    "eyes": "A bar over the eyes is not anonymity: people who know the client will know them by mouth, hair and ears.",
    "upper-face": "A hidden upper face is not anonymity: mouth, chin, jewellery and clothes can still be known.",
    "all-but-regions": "Patches of skin are hard to tell apart, but scars, moles and tattoos in them can be known.",
}


def find_hidden(inspection: Inspection, *, hide: Hide, regions: Iterable[str] = (), view: View) -> tuple[Polygon, ...]:
    """Outlines of what is covered in one photo, by its landmarks.

    Parameters
    ----------
    inspection : Inspection
    hide : Hide
    regions : iterable of str
        For ``all-but-regions``: what stays visible; empty: every region that the photo shows.
    view : View

    Returns
    -------
    tuple of polygons
        Photo px, px edges at integers, (x, y) each. A place is covered where an odd number of outlines goes around it:
        an outline within another is a window in it. The first edge of the first outline is as long as a bar over both
        eyes, which says how coarse a blur must be. Empty where nothing is hidden.

    Raises
    ------
    UsageError
        A region is unknown, or none of them can be seen in the photo.
    """
    if hide == "nothing":
        return ()
    points = inspection.landmarks.points_xy
    across, up = _axes(points, view)
    bar = _bar(points, across, up)
    far = 4.0 * max(inspection.height_px, inspection.width_px)
    if hide == "eyes":
        return (_polygon(bar),)
    if hide == "upper-face":
        # Level with the lower bridge of the nose, and never above the lower edge of a bar over the eyes.
        low = min(float(points[_LOWER_BRIDGE] @ up), float(bar[2] @ up))
        start, end = (p + (low - float(p @ up)) * up for p in (bar[3], bar[2]))
        outline = [start, end, end + far * across, end + far * (across + up), start + far * (up - across)]
        return (_polygon([*outline, start - far * across]),)
    middle, width = points.mean(axis=0), float(np.linalg.norm(bar[1] - bar[0]))
    (x0, y0), (x1, y1) = middle - far, middle + far
    sheet = np.array([(x0, y0), (x0 + width, y0), (x1, y0), (x1, y1), (x0, y1)])
    return (_polygon(sheet), *_windows(points, regions, file=inspection.ref.file))


def _axes(points: Points, view: View) -> tuple[Points, Points]:
    """Unit vectors across the face, to the right of the photo, and up: they follow the roll of the head."""
    if "profile" in view:
        # One eye is hidden and only guessed: the line between the eyes says nothing there.
        up = points[_FOREHEAD_TOP] - points[_CHIN]
        up = up / np.linalg.norm(up)
        return np.array([-up[1], up[0]]), up
    across = points[EYE_LEFT, :].mean(axis=0) - points[EYE_RIGHT, :].mean(axis=0)
    across = across / np.linalg.norm(across)
    return across, np.array([across[1], -across[0]])


def _bar(points: Points, across: Points, up: Points) -> Points:
    """Corners (4, 2) of a bar over eyes and brows: above from left to right of the photo, then below."""
    eyes = points[_EYES_AND_BROWS]
    height = float(np.linalg.norm(points[_FOREHEAD_TOP] - points[_CHIN]))
    unit = max(float(np.linalg.norm(points[_IRIS_LEFT] - points[_IRIS_RIGHT])), 0.25 * height)
    x, y = eyes @ across, eyes @ up
    left, right = x.min() - _BESIDE * unit, x.max() + _BESIDE * unit
    bottom, top = y.min() - _BELOW * unit, y.max() + _ABOVE * unit
    return np.array([a * across + b * up for a, b in ((left, top), (right, top), (right, bottom), (left, bottom))])


def _windows(points: Points, regions: Iterable[str], *, file: str) -> list[Polygon]:
    """Outlines of the bare skin of regions, as far as the photo shows it."""
    wanted = tuple(regions)
    if unknown := [name for name in wanted if name not in REGIONS]:
        raise UsageError(
            f"{unknown[0]!r} is no region that can be left visible", f"the regions are {', '.join(REGIONS)}"
        )
    seen = np.zeros((_SIDE_PX, _SIDE_PX), bool)
    for name in wanted or [name for name in REGIONS if name != WHOLE_FACE]:
        seen |= region_mask(name, _SIDE_PX)
    # Windows show skin alone: eyes, brows and lips are features that a face is known by.
    seen &= bare_face_mask(_SIDE_PX)
    scale = triangle_scale(points, _SIDE_PX)
    facing = scale > _EDGE_ON * np.median(scale[scale > 0])
    face = raster(_SIDE_PX)
    seen[face.inside] &= facing[face.triangle]
    # Opened: slivers between triangles are no skin that anybody could judge.
    whole = cv2.morphologyEx(seen.astype(np.uint8), cv2.MORPH_OPEN, np.ones((_SLIVER_PX, _SLIVER_PX), np.uint8))
    outlines, _ = cv2.findContours(whole, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    xy = canonical_map(points, _SIDE_PX)
    windows = []
    for outline in outlines:
        if cv2.contourArea(outline) < _SMALLEST_PX:
            continue
        cols, rows = cv2.approxPolyDP(outline, 1.0, True)[:, 0].T
        windows.append(_polygon(xy[rows, cols].astype(np.float64)))
    if not windows:
        raise UsageError(
            f"{file} shows none of the regions that shall stay visible", "choose others, or a photo from another side"
        )
    return windows


def _polygon(corners: Iterable[Points]) -> Polygon:
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in corners)


def hidden_mask(hidden: Sequence[Polygon], *, width_px: int, height_px: int) -> npt.NDArray[np.bool_]:
    """Which px of a frame are covered: the outlines, and some px more on every side.

    Parameters
    ----------
    hidden : sequence of polygons
        As :func:`find_hidden` gives them, in px of the frame.
    width_px, height_px : int

    Returns
    -------
    (height_px, width_px) bool
    """
    if not hidden:
        return np.zeros((height_px, width_px), bool)
    # Px at the rim were mixed with covered ones when the frame was turned and scaled.
    reach = max(_GROW_PX, round(_GROW_SHARE * _eyes_px(hidden)))
    bare = ~_outlined(hidden, width_px=width_px, height_px=height_px, beyond_px=reach)
    away = np.asarray(cv2.distanceTransform(bare.astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    return away[reach : reach + height_px, reach : reach + width_px] <= np.float32(reach)


def _outlined(hidden: Sequence[Polygon], *, width_px: int, height_px: int, beyond_px: int = 0) -> npt.NDArray[np.bool_]:
    """What the outlines themselves cover of a frame and of some px beyond its edges."""
    mask = np.zeros((height_px + 2 * beyond_px, width_px + 2 * beyond_px), np.uint8)
    places = (np.round((np.array(p) + beyond_px) * _SUBPIXEL - _SUBPIXEL / 2) for p in hidden)
    cv2.fillPoly(mask, [place.astype(np.int32) for place in places], 1, shift=int(math.log2(_SUBPIXEL)))
    return mask > 0


def _eyes_px(hidden: Sequence[Polygon]) -> float:
    (x0, y0), (x1, y1) = hidden[0][:2]
    return math.hypot(x1 - x0, y1 - y0)


def cover(frame_rgb: Rgb, hidden: Sequence[Polygon], how: HideWith) -> Rgb:
    """Cover parts of a frame for good.

    Parameters
    ----------
    frame_rgb : (h, w, 3) uint8
        Not written to.
    hidden : sequence of polygons
        As :func:`find_hidden` gives them, in px of the frame.
    how : HideWith
        ``bar``: one flat colour. ``blur``: averages of blocks as large as an eye, drawn softly. ``crop``: as ``bar``
        for what is still within the box that remains (:func:`crop_box`).

    Returns
    -------
    (h, w, 3) uint8
        A copy.

    Notes
    -----
    What a blur shows is computed from the averages of blocks alone, so that no filter can bring back anything finer.
    The blocks begin at a corner of the outline, not of the frame: another crop of the photo has the same blocks.
    """
    height, width = frame_rgb.shape[:2]
    mask = hidden_mask(hidden, width_px=width, height_px=height)
    covered = frame_rgb.copy()
    if not mask.any():
        return covered
    if how == "blur":
        block = max(2, math.ceil(_eyes_px(hidden) / BLOCKS))
        rim = round((_WINDOW_RIM_SHARE if len(hidden) > 1 else _RIM_SHARE) * _eyes_px(hidden))
        place = _around(mask, margin_px=2 * block + rim)
        start = hidden[0][0][0] - place[1].start, hidden[0][0][1] - place[0].start
        soft = _blocks(frame_rgb[place], start=start, block_px=block)
        covered[place] = _blend(frame_rgb[place], soft, mask[place], rim_px=rim)
        return covered
    is_sheet = np.ptp(np.array(hidden[0]), axis=0).max() > _SHEET_SHARE * _eyes_px(hidden)
    covered[mask] = SHEET_RGB if is_sheet else BAR_RGB
    return covered


def _around(mask: npt.NDArray[np.bool_], *, margin_px: int) -> tuple[slice, slice]:
    """Rows and columns that hold all of a mask and a margin: nothing else needs to be looked at."""
    spans = [np.nonzero(mask.any(axis=axis))[0] for axis in (1, 0)]
    rows, cols = (slice(max(0, int(s[0]) - margin_px), int(s[-1]) + 1 + margin_px) for s in spans)
    return rows, cols


def _blocks(rgb: Rgb, *, start: tuple[float, float], block_px: int) -> Rgb:
    """A soft picture made from the averages of square blocks, in linear light, and from nothing else."""
    height, width = rgb.shape[:2]
    left, top = (-math.floor(v) % block_px for v in start)
    right, bottom = -(width + left) % block_px, -(height + top) % block_px
    linear = srgb_to_linear(cv2.copyMakeBorder(rgb, top, bottom, left, right, cv2.BORDER_REFLECT))
    size = linear.shape[1] // block_px, linear.shape[0] // block_px
    averages = encode_srgb8(cv2.resize(linear, size, interpolation=cv2.INTER_AREA))
    soft = cv2.resize(averages, (size[0] * block_px, size[1] * block_px), interpolation=cv2.INTER_CUBIC)
    return np.asarray(soft[top : top + height, left : left + width], np.uint8)


def _blend(rgb: Rgb, soft: Rgb, mask: npt.NDArray[np.bool_], *, rim_px: int) -> Rgb:
    """The soft picture within the mask alone, and a gentle way over to the frame outside of it."""
    size = 2 * rim_px + 1, 2 * rim_px + 1
    # The mean over a square of a mask that was grown by half of it is still one everywhere in the mask itself.
    share = cv2.blur(cv2.dilate(mask.astype(np.float32), np.ones(size, np.uint8)), size)
    share[mask] = 1.0
    mixed = rgb + share[..., None] * (soft.astype(np.float32) - rgb)
    return np.round(mixed).astype(np.uint8)


def crop_box(hidden: Sequence[Sequence[Polygon]], *, hide: Hide, width_px: int, height_px: int) -> Box:
    """What remains of frames of one size when what is hidden is cut away from all of them.

    Parameters
    ----------
    hidden : sequence of sequences of polygons
        Of each frame, in px of the frame.
    hide : Hide
        ``eyes``, ``upper-face``: all below remains. ``all-but-regions``: the box around what any frame shows.
    width_px, height_px : int

    Returns
    -------
    (left, top, right, bottom)
        Frame px, right and bottom not included.

    Raises
    ------
    UsageError
        Next to nothing remains.
    """
    left, top, right, bottom = 0, 0, width_px, height_px
    draw = _outlined if hide == "all-but-regions" else hidden_mask
    masks = np.array([draw(h, width_px=width_px, height_px=height_px) for h in hidden])
    if hide == "all-but-regions":
        rows, cols = np.nonzero(~masks.all(axis=0))
        if not len(rows):
            raise _nothing_left()
        air = round(_AIR_SHARE * max(np.ptp(rows), np.ptp(cols)))
        left, top = max(0, int(cols.min()) - air), max(0, int(rows.min()) - air)
        right, bottom = min(width_px, int(cols.max()) + 1 + air), min(height_px, int(rows.max()) + 1 + air)
    elif hide != "nothing":
        rows = np.nonzero(masks.any(axis=(0, 2)))[0]
        top = int(rows[-1]) + 1 if len(rows) else 0
    if min(right - left, bottom - top) < _SMALLEST_CROP_PX:
        raise _nothing_left()
    return left, top, right, bottom


def _nothing_left() -> UsageError:
    return UsageError("Nothing that can be shown remains when what is hidden is cut away", "hide it with a bar")


def hiding_note(hide: Hide) -> str:
    """What the person who publishes the picture must know about hiding; empty where nothing is hidden."""
    if hide == "nothing":
        return ""
    return _NOTES[hide] + " Ask the client, and show them the picture before it is published."
