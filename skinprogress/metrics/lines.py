"""Lines on the skin: dark ones, as wrinkles are, and red ones, as a roller leaves them.

Both rest on one detector. Along each of 24 directions the plane is averaged over a short stretch. What counts is by how
much that stretch stands out against both its neighbours, left and right (a step or a slope does so on one side only),
and only as far as it does so over the whole length of a line (a grey opening): pores, single spots and noise do not
last that long.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.metrics.bands import box_around, coarse_step, repeat_px
from skinprogress.metrics.inputs import FloatMap, MetricInput, blur_mm
from skinprogress.metrics.redness import redness_index

N_DIRECTIONS = 24
WRINKLE_FLOOR = 2.0
"""What is taken off the depth of each dark line, percent: pores in a row by chance reach that."""
TRACK_FLOOR = 0.4
"""The same for red lines, a*-equivalents."""
CLEAR_TRACK = 1.2
"""Least height, before that is taken off, of a red line that is counted in its length, a*-equivalents."""

_ALONG_MM = 0.65  # sigma: joins dots up to 1.5 mm apart, exp(-2 (pi 0.65 / 1.5)^2) = 2 % of their rhythm is left
_BESIDE_MM = 1.2  # further out than half of the widest line, 1.5 mm
_LENGTH_MM = 7.0
_EXTENSION_MM = 1.5
_RESOLVED_PX_PER_MM = 2.5  # of the photo: as for the texture from 1 mm
_UNKNOWN = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class _Lines:
    """Height of lines on a coarse grid, and which way each runs."""

    height: FloatMap
    direction: npt.NDArray[np.uint8]
    mm_per_px: FloatMap
    step: int


def wrinkle_index(data: MetricInput) -> FloatMap:
    """Depth of dark lines 0.3 to 1.5 mm wide and about 7 mm or more long, percent of the luminance; 0 beside lines.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        100 × ln of the luminance; its mean over a region is the metric (lower is smoother). NaN off the skin and where
        the photo shows a millimetre with less than 2.5 px.

    Notes
    -----
    Free of exposure, slow shading, single pores and edges of shadows; coarse texture without direction adds a little,
    in proportion. A stray hair is a dark line too. Another expression folds other skin, grazing light deepens lines,
    and blur fills the finest: compare only photos that agree in these. A mean over a region, most of which is no line,
    is a small number: one line of 20 % through every 20 × 20 mm makes about 0.2. The first 2 % of each depth
    (:data:`WRINKLE_FLOOR`) do not count, so shallow lines change out of proportion.

    References
    ----------
    A grey opening along straight segments: Soille & Talbot 2001, "Directional morphological filtering", IEEE Trans
    Pattern Anal Mach Intell 23.
    """
    lines = data.kept("wrinkles", _wrinkles)
    return _on_frame(lines.height, lines, data)


def red_tracks(data: MetricInput) -> FloatMap:
    """Height of red lines, and of lines of red dots, over the skin beside them, a*-equivalents; 0 beside lines.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        In units of the redness index; its mean over a region is the metric. NaN as in :func:`wrinkle_index`.

    Notes
    -----
    For lines up to 1.5 mm wide and from about 7 mm on; dots count where they follow one another at 1.5 mm or closer,
    faint at the wider pitch. Single spots and an even flush add nothing, dots strewn densely at random a little. Small
    vessels beside the nose and the reddish shade in a fold are red lines as well: what a treatment left is the
    difference from the photo before it. Strong noise draws lines of its own, most of all on dark skin.

    References
    ----------
    Diffey, Oliver, Farr 1984 for the index; Soille & Talbot 2001 for the opening.
    """
    lines = data.kept("red_tracks", _red_tracks)
    return _on_frame(lines.height, lines, data)


def red_tracks_length(data: MetricInput) -> FloatMap:
    """Length of the centre lines of clear red tracks, mm per mm²: its total over a region is their length in mm.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        0 off the centre lines; NaN as in :func:`wrinkle_index`.

    Notes
    -----
    Clear is a height of :data:`CLEAR_TRACK` over about 7 mm: of tracks 5 a*-equivalents high nearly all is found, of
    faint ones half. Tracks closer than 2.5 mm to one another hide each other, and a millimetre at each end is
    uncertain. Otherwise as :func:`red_tracks`.
    """
    lines = data.kept("red_tracks", _red_tracks)
    clear = np.where(lines.height >= CLEAR_TRACK - TRACK_FLOOR, lines.height, np.float32(0.0))
    angle = np.pi / N_DIRECTIONS * np.arange(N_DIRECTIONS)
    level = (np.abs(np.cos(angle)) >= np.abs(np.sin(angle)))[lines.direction]
    # A line that runs rather level has one highest px in each column it crosses, a steep one in each row.
    crest = np.where(level, _is_crest(clear, axis=0), _is_crest(clear, axis=1)) & (clear > 0.0)
    length_px = (1.0 / np.maximum(np.abs(np.cos(angle)), np.abs(np.sin(angle)))).astype(np.float32)[lines.direction]
    return _on_frame(np.where(crest, length_px / lines.mm_per_px, np.float32(0.0)), lines, data)


def _wrinkles(data: MetricInput) -> _Lines:
    return _find_lines(data, lambda coarse: np.float32(-100.0) * coarse.log_luminance, floor=WRINKLE_FLOOR)


def _red_tracks(data: MetricInput) -> _Lines:
    return _find_lines(data, redness_index, floor=TRACK_FLOOR)


def _find_lines(data: MetricInput, plane_of: Callable[[MetricInput], FloatMap], *, floor: float) -> _Lines:
    """Lines that are higher than what lies beside them, less the height that texture without direction reaches."""
    step = coarse_step(data)
    coarse = data if step == 1 else data.kept("averaged", lambda fine: fine.averaged(step))
    skin = coarse.skin
    height = np.zeros(skin.shape, np.float32)
    direction = np.zeros(skin.shape, np.uint8)
    if skin.any():
        plane = plane_of(coarse)
        # Off the skin its local mean goes on, so that a line that runs out of the mask keeps its height up to there.
        outside = np.nan_to_num(blur_mm(plane, skin, coarse.mm_per_px, sigma_mm=_EXTENSION_MM))
        filled = np.where(skin, plane, outside)
        box = box_around(skin)
        px_per_mm = 1.0 / float(np.median(coarse.mm_per_px[skin]))
        found, direction[box] = _highest_line(np.ascontiguousarray(filled[box]), skin[box], px_per_mm)
        height[box] = np.maximum(found - np.float32(floor), np.float32(0.0))
    return _Lines(height, direction, coarse.mm_per_px, step)


def _highest_line(
    plane: FloatMap, skin: npt.NDArray[np.bool_], px_per_mm: float
) -> tuple[FloatMap, npt.NDArray[np.uint8]]:
    """Greatest height over all directions, and the number of that direction; y grows downward."""
    height = np.zeros(plane.shape, np.float32)
    direction = np.zeros(plane.shape, np.uint8)
    # Off the skin nothing is known: it counts as higher than any line, so that no line follows the edge of the mask.
    unknown = np.where(skin, np.float32(-_UNKNOWN), np.float32(_UNKNOWN))
    for number in range(N_DIRECTIONS):
        angle = np.pi * number / N_DIRECTIONS
        along = np.array([np.cos(angle), np.sin(angle)])
        stretch = cv2.max(cv2.filter2D(plane, -1, _stretch_kernel(along, _ALONG_MM * px_per_mm)), unknown)
        beside = _two_points(_BESIDE_MM * px_per_mm * np.array([-along[1], along[0]]))
        neighbour = cv2.dilate(stretch, beside, borderType=cv2.BORDER_CONSTANT, borderValue=_UNKNOWN)
        rise = cv2.min(cv2.subtract(stretch, neighbour), -unknown)
        segment = _segment(along, _LENGTH_MM * px_per_mm)
        lasting = cv2.morphologyEx(rise, cv2.MORPH_OPEN, segment, borderType=cv2.BORDER_CONSTANT, borderValue=0.0)
        direction[lasting > height] = number
        height = np.asarray(cv2.max(height, lasting))
    return height, direction


def _stretch_kernel(along: npt.NDArray[np.float64], sigma_px: float) -> FloatMap:
    """Gaussian mean along a direction, over about one px across."""
    reach = int(np.ceil(2.5 * sigma_px))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    lengthwise, across = x * along[0] + y * along[1], y * along[0] - x * along[1]
    kernel = np.exp(-0.5 * (lengthwise / sigma_px) ** 2) * np.maximum(1.0 - np.abs(across), 0.0)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _two_points(offset_px: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Structuring element of the two places at plus and minus an offset."""
    offset_xy = np.round(offset_px).astype(int)
    reach = int(np.abs(offset_xy).max())
    element = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
    for x, y in (offset_xy, -offset_xy):
        element[reach + y, reach + x] = 1
    return element


def _segment(along: npt.NDArray[np.float64], length_px: float) -> npt.NDArray[np.uint8]:
    """Structuring element: a straight piece one px wide."""
    end = np.round((length_px - 1.0) / 2.0 * along).astype(int)
    reach = int(np.abs(end).max())
    element = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.line(element, (reach - end[0], reach - end[1]), (reach + end[0], reach + end[1]), 1))


def _is_crest(plane: FloatMap, *, axis: int) -> npt.NDArray[np.bool_]:
    """Whether a px is higher than the one before it and at least as high as the one after it."""
    shape = (3, 1) if axis == 0 else (1, 3)
    before, after = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    before.flat[0], after.flat[2] = 1, 1
    return np.asarray((plane > cv2.dilate(plane, before)) & (plane >= cv2.dilate(plane, after)))


def _on_frame(plane: FloatMap, lines: _Lines, data: MetricInput) -> FloatMap:
    """Back to the full frame, where the photo is fine enough."""
    with np.errstate(invalid="ignore"):
        known = data.skin & (data.photo_px_per_mm >= _RESOLVED_PX_PER_MM)
    return repeat_px(plane, known, step=lines.step)
