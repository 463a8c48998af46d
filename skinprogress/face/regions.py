"""The regions of the face, outlined once in the canonical frame."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import canonical_map, mesh, raster

Polygon = tuple[tuple[float, float], ...]

# Corners were placed by hand on the mean of six aligned faces, in units of 1/1092 of the frame.
OUTLINE_UNIT = 1092.0
FACE_OVAL: tuple[int, ...] = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377)
FACE_OVAL += (152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)
EYE_RIGHT = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
EYE_LEFT = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
BROW_RIGHT = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
BROW_LEFT = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
_NOSTRIL_RIGHT = ((486, 596), (512, 590), (534, 600), (532, 640), (500, 648), (470, 640), (468, 612))


@dataclass(frozen=True, slots=True)
class Region:
    """A region of the face.

    Attributes
    ----------
    name : str
        Identifier; ``left`` and ``right`` are the client's own.
    title : str
        Name for people.
    polygon_uv : tuple of (u, v)
        Outline in the canonical frame, 0..1, v downward.
    """

    name: str
    title: str
    polygon_uv: Polygon


def _outline(*corners: tuple[float, float]) -> Polygon:
    return tuple((x / OUTLINE_UNIT, y / OUTLINE_UNIT) for x, y in corners)


def _mirrored(polygon: Polygon) -> Polygon:
    """The same outline on the other half of the face: the canonical frame is symmetric about u = 0.5."""
    return tuple((1.0 - u, v) for u, v in reversed(polygon))


def _symmetric(*half: tuple[float, float]) -> Polygon:
    """Close an outline that is given on the client's right half, from top to bottom."""
    right = _outline(*half)
    return right + _mirrored(right)


def _of_landmarks(indices: tuple[int, ...]) -> Polygon:
    return tuple((float(u), float(v)) for u, v in mesh().uv[list(indices)])


_CHEEK_RIGHT = _outline(
    (190, 560), (212, 505), (280, 515), (340, 525), (400, 540), (424, 580), (414, 630), (396, 672),
    (362, 716), (325, 745), (268, 755),
    (212, 728), (194, 650),
)  # fmt: skip
_PERIORBITAL_RIGHT = _outline(
    (200, 378), (252, 385), (268, 415), (285, 432), (330, 447), (380, 450), (430, 447), (456, 444),
    (462, 470), (425, 497),
    (360, 508), (290, 500), (230, 490), (200, 460),
)  # fmt: skip
_JAW_RIGHT = _outline(
    (140, 705), (205, 742), (270, 770), (338, 764), (385, 792), (418, 850), (408, 930), (438, 1004),
    (350, 962), (290, 928),
    (215, 888), (148, 842), (104, 780),
)  # fmt: skip


def _regions() -> tuple[Region, ...]:
    return (
        Region("forehead", "forehead", _symmetric(
            (546, 124), (450, 128), (364, 141), (268, 175), (196, 232), (246, 306), (300, 262), (360, 240),
            (440, 244), (546, 248))),
        Region("glabella", "between the brows", _symmetric((546, 254), (492, 254), (488, 300), (502, 346), (546, 348))),
        Region("nose", "nose", _symmetric(
            (546, 354), (506, 354), (493, 420), (478, 490), (452, 540), (436, 590), (438, 612), (462, 600),
            (492, 590), (546, 592))),
        Region("cheek_left", "left cheek", _mirrored(_CHEEK_RIGHT)),
        Region("cheek_right", "right cheek", _CHEEK_RIGHT),
        Region("periorbital_left", "around the left eye", _mirrored(_PERIORBITAL_RIGHT)),
        Region("periorbital_right", "around the right eye", _PERIORBITAL_RIGHT),
        Region("upper_lip", "above the upper lip", _symmetric(
            (546, 670), (470, 662), (426, 696), (404, 738), (442, 718), (492, 703), (546, 707))),
        Region("chin", "chin", _symmetric((546, 838), (472, 830), (428, 880), (422, 950), (452, 1010), (546, 1030))),
        Region("jaw_left", "left jaw", _mirrored(_JAW_RIGHT)),
        Region("jaw_right", "right jaw", _JAW_RIGHT),
        Region("face", "whole face", _of_landmarks(FACE_OVAL)),
    )  # fmt: skip


REGIONS: dict[str, Region] = {region.name: region for region in _regions()}
WHOLE_FACE = "face"
NECK = "neck"
"""The region below the jaw; it lies outside of the canonical frame, so it is not among the others."""

# What is on the face and is not skin: outline, and how far to stay away from it (shares of the frame).
NOT_SKIN: tuple[tuple[Polygon, float], ...] = (
    (_of_landmarks(EYE_RIGHT), 0.016),
    (_of_landmarks(EYE_LEFT), 0.016),
    (_of_landmarks(BROW_RIGHT), 0.022),
    (_of_landmarks(BROW_LEFT), 0.022),
    (_of_landmarks(LIPS), 0.010),
    (_outline(*_NOSTRIL_RIGHT), 0.006),
    (_mirrored(_outline(*_NOSTRIL_RIGHT)), 0.006),
)


def _fill(polygon: Polygon, side_px: int) -> npt.NDArray[np.uint8]:
    mask = np.zeros((side_px, side_px), np.uint8)
    corners = np.round(np.array(polygon) * side_px * 16 - 8).astype(np.int32)  # px centres at integers in OpenCV
    cv2.fillPoly(mask, [corners], 1, lineType=cv2.LINE_8, shift=4)
    return mask


def region_mask(name: str, side_px: int) -> npt.NDArray[np.bool_]:
    """Which canonical px belong to a region, (S, S) bool; skin or not."""
    return (_fill(REGIONS[name].polygon_uv, side_px) > 0) & raster(side_px).inside


@lru_cache(maxsize=8)
def bare_face_mask(side_px: int) -> npt.NDArray[np.bool_]:
    """Canonical px of the face without eyes, brows, lips and nostrils, (S, S) bool. Read-only, cached."""
    mask = raster(side_px).inside.copy()
    for polygon, margin in NOT_SKIN:
        size = 2 * round(margin * side_px) + 1
        grown = cv2.dilate(_fill(polygon, side_px), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
        mask &= grown == 0
    mask.setflags(write=False)
    return mask


def nearest_region(side_px: int) -> npt.NDArray[np.int8]:
    """The region nearest to each canonical px, (S, S) int8: its place in :data:`REGIONS` without the whole face.

    Regions leave gaps between them; what is decided for a region holds up to the middle of the gap. Read-only, cached.
    """
    return _nearest(side_px, tuple(name for name in REGIONS if name != WHOLE_FACE))


@lru_cache(maxsize=3)
def _nearest(side_px: int, names: tuple[str, ...]) -> npt.NDArray[np.int8]:
    least = np.full((side_px, side_px), np.inf, np.float32)
    nearest = np.zeros((side_px, side_px), np.int8)
    for number, name in enumerate(names):
        away = cv2.distanceTransform((~region_mask(name, side_px)).astype(np.uint8), cv2.DIST_L2, 5)
        nearest[away < least] = number
        np.minimum(least, away, out=least)
    nearest.setflags(write=False)
    return nearest


def region_polygons_xy(points_xy: npt.NDArray[np.float64]) -> dict[str, list[npt.NDArray[np.float64]]]:
    """Outlines of all regions in a photo.

    Parameters
    ----------
    points_xy : (478, 2) float64
        Landmarks, photo px.

    Returns
    -------
    dict of str to list of (n, 2) float64
        Region name to outlines, photo px, px edges at integers. The whole face follows the landmark outline.
    """
    side = 512
    xy = canonical_map(points_xy, side)
    outlines = {}
    for name, region in REGIONS.items():
        if name == WHOLE_FACE:
            outlines[name] = [points_xy[list(FACE_OVAL)].copy()]
            continue
        corners = np.array(region.polygon_uv)
        ends = np.roll(corners, -1, axis=0)
        steps = np.linspace(0.0, 1.0, 8, endpoint=False)[:, None, None]
        dense = (corners + steps * (ends - corners)).swapaxes(0, 1).reshape(-1, 2)
        rows, cols = (np.clip(dense[:, axis] * side, 0, side - 1).astype(int) for axis in (1, 0))
        points = xy[rows, cols].astype(np.float64)
        outlines[name] = [points[np.isfinite(points).all(axis=1)]]
    return outlines
