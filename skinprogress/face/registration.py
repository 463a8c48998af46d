"""Lay a face into the canonical frame, and say how far its details still lie from those of another."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import (
    N_VERTICES,
    canonical_map,
    mesh,
    paint,
    raster,
    resample,
    triangle_scale,
    vertex_mean,
)
from skinprogress.photos.reading import to_linear
from skinprogress.records import Landmarks, Photo

_FLOW_SIDE = 512


@dataclass(frozen=True, slots=True, eq=False)
class AlignedFace:
    """Pixels of one face in the canonical frame, before colour correction.

    Attributes
    ----------
    linear_rgb : (S, S, 3) float32
    clipped : (S, S) bool
        True where the photo was clipped, or does not reach.
    photo_px_per_px : (S, S) float32
        NaN off the face.
    """

    linear_rgb: npt.NDArray[np.float32]
    clipped: npt.NDArray[np.bool_]
    photo_px_per_px: npt.NDArray[np.float32]


def align_face(photo: Photo, landmarks: Landmarks, *, side_px: int) -> AlignedFace:
    """Draw a face into the canonical frame by one resampling in linear light.

    Where the photo is finer than the frame it is averaged down first, so that nothing aliases.

    Parameters
    ----------
    photo : Photo
    landmarks : Landmarks
    side_px : int
        Side S of the canonical frame.

    Returns
    -------
    AlignedFace
    """
    height, width = photo.pixels.shape[:2]
    points = landmarks.points_xy
    low = np.clip(np.floor(points[:N_VERTICES].min(axis=0)).astype(int) - 2, 0, [width - 1, height - 1])
    high = np.clip(np.ceil(points[:N_VERTICES].max(axis=0)).astype(int) + 2, low + 1, [width, height])
    rows, cols = slice(low[1], high[1]), slice(low[0], high[0])
    linear = to_linear(photo, rows=rows, cols=cols)
    clipped = _find_clipped(photo.pixels[rows, cols])
    scale = triangle_scale(points, side_px)
    finest = float(np.percentile(scale, 75))
    if finest > 1.15:
        size = max(1, round(linear.shape[1] / finest)), max(1, round(linear.shape[0] / finest))
        linear = np.asarray(cv2.resize(linear, size, interpolation=cv2.INTER_AREA), np.float32)
        clipped = np.asarray(cv2.resize(clipped, size, interpolation=cv2.INTER_AREA))
    factor = np.array([linear.shape[1], linear.shape[0]]) / (high - low)
    xy = canonical_map((points - low) * factor, side_px)
    # Outside of the photo counts as clipped.
    clipped = np.asarray(cv2.copyMakeBorder(clipped, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=255.0))
    # Triangles that are seen from behind fold over others.
    folded = _per_triangle(scale <= 0, side_px)
    return AlignedFace(
        linear_rgb=resample(linear, xy),
        clipped=(resample(clipped, xy + np.float32(1.0), outside=255.0) > 12) | folded,
        photo_px_per_px=paint(np.abs(vertex_mean(scale)), side_px),
    )


def _find_clipped(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """255 where a stored value is at either end of its range: above 250 or, in green, below 4 of 255."""
    unit = 1 if pixels.dtype == np.uint8 else 257
    within = cv2.inRange(pixels, (0, 4 * unit, 0), (250 * unit, 250 * unit, 250 * unit))
    return np.asarray(cv2.bitwise_not(within), np.uint8)


def _per_triangle(values: npt.NDArray[np.bool_], side_px: int) -> npt.NDArray[np.bool_]:
    r = raster(side_px)
    out = np.zeros((side_px, side_px), bool)
    out[r.inside] = values[r.triangle]
    return out


def surface_scale(landmarks: Landmarks, *, mm_per_photo_px: float, side_px: int) -> npt.NDArray[np.float32]:
    """Millimetres of skin surface per canonical px, (S, S) float32, NaN off the face.

    The landmarks' depth takes the foreshortening out: the sides of the face are larger than they look.
    """
    m = mesh()
    xyz = np.concatenate([landmarks.points_xy[:N_VERTICES], landmarks.depth[:N_VERTICES, None]], axis=1)
    t = xyz[m.triangles]
    area = np.linalg.norm(np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]), axis=1)
    u = m.uv[m.triangles].astype(np.float64) * side_px
    e, f = u[:, 1] - u[:, 0], u[:, 2] - u[:, 0]
    flat = np.abs(e[:, 0] * f[:, 1] - e[:, 1] * f[:, 0])
    return paint(vertex_mean(np.sqrt(area / flat)) * mm_per_photo_px, side_px)


def estimate_misfit(
    picture: npt.NDArray[np.uint8], reference: npt.NDArray[np.uint8], skin: npt.NDArray[np.bool_]
) -> float:
    """How far details lie from those of the reference, median over the skin, % of the IOD.

    Parameters
    ----------
    picture, reference : (512, 512) uint8
        Two faces in the canonical frame, prepared by :func:`detail_picture`.
    skin : (S, S) bool
        Usable skin.

    Returns
    -------
    float
        NaN where less than a third of the skin can be followed from one photo to the other and back.

    Notes
    -----
    Dense optical flow (DIS) on band-passed, locally normalised log-luminance, never on colour; only places where the
    flow there and back cancels within 0.5 % of the IOD are counted. A measure of what the landmarks left over, not a
    correction.

    References
    ----------
    Kroeger, Timofte, Dai, Van Gool 2016, "Fast optical flow using dense inverse search", ECCV.
    """
    start = np.zeros((_FLOW_SIDE, _FLOW_SIDE, 2), np.float32)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    forward = np.asarray(flow.calc(reference, picture, start.copy()))
    backward = np.asarray(flow.calc(picture, reference, start.copy()))
    ys, xs = np.mgrid[0:_FLOW_SIDE, 0:_FLOW_SIDE].astype(np.float32)
    back = cv2.remap(backward, xs + forward[..., 0], ys + forward[..., 1], cv2.INTER_LINEAR)
    # The irises lie about 0.31 of the frame apart.
    iod = 0.31 * _FLOW_SIDE
    loop = np.hypot(*np.moveaxis(forward + back, 2, 0)) / iod * 100.0
    small = cv2.resize(skin.astype(np.uint8), (_FLOW_SIDE, _FLOW_SIDE), interpolation=cv2.INTER_NEAREST) > 0
    good = small & (loop <= 0.5)
    if not small.any() or good.sum() < small.sum() / 3:
        return float("nan")
    return float(np.median(np.hypot(forward[..., 0], forward[..., 1])[good]) / iod * 100.0)


def detail_picture(linear_rgb: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Band-passed, locally normalised log of the green channel, (512, 512) uint8: detail without colour or shading."""
    small = cv2.resize(linear_rgb[..., 1], (_FLOW_SIDE, _FLOW_SIDE), interpolation=cv2.INTER_AREA)
    log = np.log(np.maximum(small, 1e-3))
    band = cv2.GaussianBlur(log, (0, 0), 1.0) - cv2.GaussianBlur(log, (0, 0), 6.0)
    spread = np.sqrt(cv2.GaussianBlur(band * band, (0, 0), 12.0)) + 0.01
    return np.clip(127.5 + 50.0 * band / spread, 0, 255).astype(np.uint8)
