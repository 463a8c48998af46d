"""Laying photos over each other for people to look at: rotation, one scale and a shift, never a warp."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.correcting import apply_correction
from skinprogress.color.spaces import encode_srgb8, srgb_to_linear
from skinprogress.face.canonical import STABLE_POINTS, apply_affine, estimate_similarity
from skinprogress.photos.reading import to_linear
from skinprogress.records import ClientResult, ColorCorrection, Inspection, Photo, View

Rgb = npt.NDArray[np.uint8]
Light = npt.NDArray[np.uint16] | npt.NDArray[np.float32]
Affine = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]

_FOREHEAD_TOP, _CHIN, _NOSE_TIP, _OUTER_EYE_RIGHT, _OUTER_EYE_LEFT = 10, 152, 4, 33, 263
_MESH = slice(0, 468)

PAD_LINEAR = 0.83
"""Flat light grey, linear light: what lies outside a photo in an aligned picture."""
_WHITE = 65535


@dataclass(frozen=True, slots=True, eq=False)
class HeadFrame:
    """A level frame around the head of one view's reference photo; its unit is that photo's IOD.

    Attributes
    ----------
    points_xy : (478, 2) float64
        Landmarks of the reference photo in the frame.
    box : (left, top, right, bottom)
        The whole head with a little air, in the frame.
    """

    points_xy: npt.NDArray[np.float64]
    box: Box


def invert_affine(matrix: Affine) -> Affine:
    """The way back of a (2, 3) matrix."""
    inverse = np.linalg.inv(matrix[:, :2])
    return np.column_stack([inverse, -inverse @ matrix[:, 2]])


def head_frame(result: ClientResult, view: View) -> HeadFrame:
    """The frame in which the photos of one view are shown.

    Parameters
    ----------
    result : ClientResult
    view : View
        At least one used photo has it.

    Returns
    -------
    HeadFrame
    """
    files = [f for f in result.inspections if result.plan.view_of.get(f) == view]
    file = result.plan.reference_of.get(view, "")
    reference = result.inspections.get(file) or max((result.inspections[f] for f in files), key=lambda i: i.quality)
    points = reference.landmarks.points_xy
    across = points[_OUTER_EYE_LEFT] - points[_OUTER_EYE_RIGHT]
    # In profile one eye is hidden and only guessed: the line between the eyes says nothing about level there.
    roll = 0.0 if "profile" in view else math.atan2(across[1], across[0])
    size = max(reference.landmarks.iod_px, 0.25 * float(np.ptp(points[_MESH, 1])))
    cos, sin = math.cos(-roll) / size, math.sin(-roll) / size
    level = points @ np.array([[cos, -sin], [sin, cos]]).T
    return HeadFrame(points_xy=level, box=_head_box(level))


def _head_box(points: npt.NDArray[np.float64]) -> Box:
    height = float(points[_CHIN, 1] - points[_FOREHEAD_TOP, 1])
    left, right = float(points[_MESH, 0].min()), float(points[_MESH, 0].max())
    middle = (left + right) / 2
    # The back of the head lies away from where the nose points.
    middle -= 0.6 * (float(points[_NOSE_TIP, 0]) - middle)
    half = max(0.72 * height, 0.5 * (right - left) + 0.25 * height)
    return (
        middle - half,
        float(points[_FOREHEAD_TOP, 1]) - 0.56 * height,
        middle + half,
        float(points[_CHIN, 1]) + 0.3 * height,
    )


def photo_to_frame(inspection: Inspection, frame: HeadFrame) -> Affine:
    """Rotation, scale and shift from photo px to the frame, (2, 3)."""
    stable = list(STABLE_POINTS)
    return estimate_similarity(inspection.landmarks.points_xy[stable], frame.points_xy[stable])


def scale_of(matrix: Affine) -> float:
    """How much a similarity enlarges."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def common_box(inspections: Sequence[Inspection], frame: HeadFrame) -> Box:
    """The part of the frame's box that all photos cover: sides are moved in where a photo has no pixels.

    Parameters
    ----------
    inspections : sequence of Inspection
    frame : HeadFrame

    Returns
    -------
    (left, top, right, bottom)
        In the frame; inside every photo by a px or more.
    """
    left, top, right, bottom = frame.box
    n = 160
    step_x, step_y = (right - left) / n, (bottom - top) / n
    xs, ys = left + (np.arange(n) + 0.5) * step_x, top + (np.arange(n) + 0.5) * step_y
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    covered = np.ones(n * n, bool)
    for inspection in inspections:
        to_photo = invert_affine(photo_to_frame(inspection, frame))
        x, y = apply_affine(to_photo, grid).T
        # Half a cell and two px of margin: the corners of a cell must be covered as well as its middle.
        margin = 2.0 + 0.75 * max(step_x, step_y) * scale_of(to_photo)
        covered &= (
            (x > margin) & (x < inspection.width_px - margin) & (y > margin) & (y < inspection.height_px - margin)
        )
    x0, y0, x1, y1 = _shrink_to(covered.reshape(n, n))
    return left + x0 * step_x, top + y0 * step_y, left + x1 * step_x, top + y1 * step_y


def _shrink_to(covered: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Move in the side that misses most until all is covered: (x0, y0, x1, y1)."""
    y0, x0, (y1, x1) = 0, 0, covered.shape
    while x1 - x0 > 1 and y1 - y0 > 1:
        part = covered[y0:y1, x0:x1]
        if part.all():
            break
        missing = (~part[:, 0]).mean(), (~part[0]).mean(), (~part[:, -1]).mean(), (~part[-1]).mean()
        side = int(np.argmax(missing))
        if side == 0:
            x0 += 1
        elif side == 1:
            y0 += 1
        elif side == 2:
            x1 -= 1
        else:
            y1 -= 1
    return x0, y0, x1, y1


def correct_for_show(
    linear_rgb: npt.NDArray[np.float32], correction: ColorCorrection | None, brightness: float = 1.0
) -> npt.NDArray[np.float32]:
    """Linear light in matched colours, (..., 3) float32, times a factor that is the same for all photos shown."""
    if correction is not None:
        linear_rgb = apply_correction(linear_rgb, correction)
    return linear_rgb if brightness == 1.0 else linear_rgb * np.float32(brightness)


def stored_light(photo: Photo, rows: slice, columns: slice) -> Light:
    """Linear sRGB of a part of a photo: uint16 (65535 is white) where its numbers are sRGB, else float32 (1.0)."""
    if photo.pixels.dtype == np.uint8 and (photo.matrix == np.eye(3)).all():
        table = np.round(_WHITE * np.clip(photo.curve.T, 0, 1)).astype(np.uint16).reshape(1, 256, 3)
        return np.asarray(cv2.LUT(photo.pixels[rows, columns], table), np.uint16)
    return to_linear(photo, rows=rows, cols=columns)


def shown_part(place: Affine, size: tuple[int, int], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of a photo that a picture of it needs.

    Parameters
    ----------
    place : (2, 3) float64
        Px of the photo to px of the picture, both counted from the edge of the first px.
    size : (width, height)
        Of the picture.
    shape : (H, W, ...)
        Of the photo.
    """
    width, height = size
    corners = apply_affine(invert_affine(place), np.array([[0.0, 0.0], [width, 0], [width, height], [0, height]]))
    reach = 4.0 / scale_of(place) + 2
    x0, y0 = np.clip(np.floor(corners.min(axis=0) - reach), 0, [shape[1] - 1, shape[0] - 1]).astype(int)
    x1, y1 = np.clip(np.ceil(corners.max(axis=0) + reach), [x0 + 1, y0 + 1], [shape[1], shape[0]]).astype(int)
    return slice(int(y0), int(y1)), slice(int(x0), int(x1))


def warp_light(light: Light, place: Affine, size: tuple[int, int], *, pad: float | None = None) -> Light:
    """Turn, scale and shift linear light: averaged over areas first, then turned at about one to one.

    Parameters
    ----------
    light : (h, w, 3) uint16 or float32
    place : (2, 3) float64
        Its px to px of the picture, both counted from the edge of the first px.
    size : (width, height)
    pad : float or None
        Linear light, 0..1, of what lies outside; None: there is nothing outside, and px at the edge go on for what
        the interpolation needs beyond it.

    Returns
    -------
    (height, width, 3) of the same type
    """
    place = place.copy()
    shrink = scale_of(place)
    if shrink < 1:
        # A direct warp to a smaller picture would alias.
        smaller = max(1, round(light.shape[1] * shrink)), max(1, round(light.shape[0] * shrink))
        place[:, :2] /= np.array([smaller[0] / light.shape[1], smaller[1] / light.shape[0]])
        light = cast(Light, cv2.resize(light, smaller, interpolation=cv2.INTER_AREA))
    # Landmarks count from the edge of the first px, OpenCV from its middle.
    place[:, 2] += place[:, :2] @ np.array([0.5, 0.5]) - 0.5
    outside = 0.0 if pad is None else pad * (_WHITE if light.dtype == np.uint16 else 1.0)
    warped = cv2.warpAffine(
        light,
        place,
        size,
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE if pad is None else cv2.BORDER_CONSTANT,
        borderValue=(outside,) * 3,
    )
    return cast(Light, warped)


def encode_shown(light: Light, correction: ColorCorrection | None = None, brightness: float = 1.0) -> Rgb:
    """8-bit sRGB of linear light (uint16 or float32) in matched colours, times a factor."""
    if correction is not None and (correction.tone is not None or correction.matrix.shape[1] != 3):
        linear = light.astype(np.float32) / np.float32(_WHITE) if light.dtype == np.uint16 else light
        return encode_srgb8(correct_for_show(np.asarray(linear, np.float32), correction, brightness))
    matrix = brightness * (np.eye(3) if correction is None else correction.matrix * correction.gains)
    if not (matrix == np.eye(3)).all():
        light = cast(Light, cv2.transform(light, np.asarray(matrix, np.float64)))
    if light.dtype == np.uint16:
        return np.asarray(cv2.LUT(light, _encoding_table()), np.uint8)
    return encode_srgb8(light)


@lru_cache(maxsize=1)
def _encoding_table() -> Rgb:
    """8-bit sRGB of every 16-bit number of linear light."""
    return encode_srgb8(np.arange(_WHITE + 1, dtype=np.float32) / np.float32(_WHITE))


@lru_cache(maxsize=1)
def _light_table() -> npt.NDArray[np.uint16]:
    """16-bit linear light of every 8-bit number of sRGB."""
    return np.round(_WHITE * srgb_to_linear(np.arange(256, dtype=np.uint8))).astype(np.uint16)


def render_aligned(
    rgb: Rgb,
    to_frame: Affine,
    box: Box,
    *,
    px_per_unit: float,
    correction: ColorCorrection | None = None,
    brightness: float = 1.0,
) -> Rgb:
    """One photo, rotated, scaled and shifted to the frame and cut to a box.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        sRGB photo, upright; not written to.
    to_frame : (2, 3) float64
        From :func:`photo_to_frame`.
    box : (left, top, right, bottom)
        In the frame.
    px_per_unit : float
        Px of the picture per unit of the frame; at most one px per photo px keeps it free of invented detail.
    correction : ColorCorrection or None
        The same map for every pixel, applied in linear light.
    brightness : float
        Factor on linear light after that.

    Returns
    -------
    (h, w, 3) uint8
        sRGB; flat light grey where the photo has no pixels.
    """
    left, top, right, bottom = box
    size = max(1, round((right - left) * px_per_unit)), max(1, round((bottom - top) * px_per_unit))
    place = px_per_unit * to_frame
    place[:, 2] -= px_per_unit * np.array([left, top])
    rows, columns = shown_part(place, size, rgb.shape)
    place[:, 2] += place[:, :2] @ np.array([columns.start, rows.start], np.float64)
    light = np.asarray(cv2.LUT(rgb[rows, columns], _light_table()), np.uint16)
    return encode_shown(warp_light(light, place, size, pad=PAD_LINEAR), correction, brightness)
