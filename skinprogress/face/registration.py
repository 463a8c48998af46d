"""Draw a face into the canonical frame, by one resampling in linear light."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import (
    N_VERTICES,
    STABLE_POINTS,
    estimate_similarity,
    mesh,
    paint,
    raster,
    resample,
    vertex_mean,
)
from skinprogress.face.mapping import FaceMap, map_landmarks, read_grid
from skinprogress.face.refinement import DETAIL_SIDE, Detail, prepare_detail
from skinprogress.face.skin import estimate_visibility
from skinprogress.photos.reading import to_linear
from skinprogress.records import Landmarks, Photo

_BAND_BLOCKS = 128


@dataclass(frozen=True, slots=True, eq=False)
class FaceCrop:
    """The part of a photo that shows the face, in linear light, without detail finer than the canonical frame can hold.

    Attributes
    ----------
    linear_rgb : (h, w, 3) float32
    clipped : (h, w) uint8
        Share of the px that is clipped, 0..255.
    low_xy : (2,) float64
        Photo position of the crop's corner.
    factor : (2,) float64
        Crop px per photo px, in x and y.
    """

    linear_rgb: npt.NDArray[np.float32]
    clipped: npt.NDArray[np.uint8]
    low_xy: npt.NDArray[np.float64]
    factor: npt.NDArray[np.float64]


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


@dataclass(frozen=True, slots=True, eq=False)
class PlacedFace:
    """A face that the landmarks have placed, ready to be registered and drawn.

    Attributes
    ----------
    face_map : FaceMap
        Of the landmarks alone.
    crop : FaceCrop
    detail : Detail
        What the refinement looks at.
    """

    face_map: FaceMap
    crop: FaceCrop
    detail: Detail


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The reference photo of a view, as far as the others need it; without its pixels."""

    face_map: FaceMap
    detail: Detail


def place_face(photo: Photo, landmarks: Landmarks, *, side_px: int) -> PlacedFace:
    """First stage: lay a face into the canonical frame as the landmarks say.

    Parameters
    ----------
    photo : Photo
    landmarks : Landmarks
    side_px : int
        Side of the canonical frame in which the face will be measured.

    Returns
    -------
    PlacedFace
    """
    face_map = map_landmarks(landmarks)
    crop = cut_face(photo, face_map, side_px=side_px)
    with np.errstate(invalid="ignore"):
        visible = estimate_visibility(landmarks.pose_deg, DETAIL_SIDE) > 0.3
    detail = prepare_detail(draw_detail(crop, face_map, side_px=DETAIL_SIDE), visible)
    return PlacedFace(face_map=face_map, crop=crop, detail=detail)


def cut_face(photo: Photo, face_map: FaceMap, *, side_px: int) -> FaceCrop:
    """Take the face out of a photo; where the photo is finer than the frame it is averaged down, so nothing aliases.

    Parameters
    ----------
    photo : Photo
    face_map : FaceMap
        The landmarks' map; room is left for its refinement.
    side_px : int
        Side S of the canonical frame.

    Returns
    -------
    FaceCrop
    """
    height, width = photo.pixels.shape[:2]
    outline = face_map.at(mesh().uv)
    room = 0.03 * np.ptp(outline, axis=0)
    low = np.clip(np.floor(outline.min(axis=0) - room).astype(int), 0, [width - 1, height - 1])
    high = np.clip(np.ceil(outline.max(axis=0) + room).astype(int), low + 1, [width, height])
    coarse = 128
    scale = face_map.px_per_px(coarse)[raster(coarse).inside] * np.float32(coarse / side_px)
    finest = float(np.percentile(scale, 75))
    # Whole blocks of px are averaged first: the part that is taken is a multiple of them where it can be.
    block = max(1, int(finest))
    high = np.minimum(low - (low - high) // block * block, [width, height])
    rows, cols = slice(low[1], high[1]), slice(low[0], high[0])
    linear = _softened(_averaged_linear(photo, rows, cols, block), finest / block)
    clipped = _averaged(_find_clipped(photo.pixels[rows, cols]), block)
    factor = np.array([linear.shape[1], linear.shape[0]]) / (high - low)
    return FaceCrop(linear_rgb=linear, clipped=clipped, low_xy=low.astype(np.float64), factor=factor)


def _averaged_linear(photo: Photo, rows: slice, cols: slice, block: int) -> npt.NDArray[np.float32]:
    """Means of whole blocks of a part of a photo in linear light, band by band: it takes 12 bytes a px of the photo."""
    if block == 1 or (rows.stop - rows.start) % block:
        return _averaged(to_linear(photo, rows=rows, cols=cols), block)
    ends = [*range(rows.start, rows.stop - block, _BAND_BLOCKS * block), rows.stop]
    bands = (slice(start, stop) for start, stop in pairwise(ends))
    return np.concatenate([_averaged(to_linear(photo, rows=band, cols=cols), block) for band in bands])


def _averaged(image: npt.NDArray[Any], block: int) -> npt.NDArray[Any]:
    """Means of whole blocks of px."""
    if block == 1:
        return image
    size = max(1, image.shape[1] // block), max(1, image.shape[0] // block)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _softened(image: npt.NDArray[np.float32], coarser: float) -> npt.NDArray[np.float32]:
    """An image that is about to be sampled so many times more coarsely than its px, so that nothing aliases.

    Not made smaller: each resampling would leave its own pattern of crisper and softer px.
    """
    if coarser <= 1.0:
        return image
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.4 * np.sqrt(coarser**2 - 1.0)), np.float32)


def draw_face(crop: FaceCrop, face_map: FaceMap, *, side_px: int) -> AlignedFace:
    """Draw a face into the canonical frame by one resampling in linear light.

    Parameters
    ----------
    crop : FaceCrop
    face_map : FaceMap
        With or without its refinement.
    side_px : int

    Returns
    -------
    AlignedFace
    """
    off = ~raster(side_px).inside
    xy = face_map.moved(crop.low_xy, crop.factor).over_frame(side_px)
    xy[off] = np.nan
    # Outside of the photo counts as clipped.
    clipped = np.asarray(cv2.copyMakeBorder(crop.clipped, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=255.0))
    scale = face_map.px_per_px(side_px)
    scale[off] = np.nan
    # What is seen from behind folds over something else.
    folded = ~(scale > 0)
    return AlignedFace(
        # No colour is negative: what overshoots at the edge of a highlight is cut off.
        linear_rgb=np.maximum(resample(crop.linear_rgb, xy, crisp=True), 0.0),
        clipped=(resample(clipped, xy + np.float32(1.0), outside=255.0) > 12) | folded,
        photo_px_per_px=np.abs(scale),
    )


def draw_detail(crop: FaceCrop, face_map: FaceMap, *, side_px: int) -> npt.NDArray[np.float32]:
    """Luminance of a face and of what lies around it, (S, S) float32, linear: what the refinement looks at."""
    weights = np.array([[0.2126, 0.7152, 0.0722]], np.float32)
    luminance = np.asarray(cv2.transform(crop.linear_rgb, weights), np.float32)
    inside = raster(128).inside
    coarser = float(np.median(np.abs(face_map.px_per_px(128)[inside]))) * 128 / side_px * float(crop.factor[0])
    xy = face_map.moved(crop.low_xy, crop.factor).over_frame(side_px)
    return read_grid(_softened(luminance, coarser), xy - np.float32(0.5))  # OpenCV puts px centres at integers


def _find_clipped(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """255 where a stored value is at either end of its range: above 250 or, in green, below 4 of 255."""
    unit = 1 if pixels.dtype == np.uint8 else 257
    within = cv2.inRange(pixels, (0, 4 * unit, 0), (250 * unit, 250 * unit, 250 * unit))
    return np.asarray(cv2.bitwise_not(within), np.uint8)


def estimate_relative_scale(face_map: FaceMap, reference: FaceMap) -> float:
    """Photo px per px of the reference photo, from landmarks that expression moves least, at their refined places."""
    places = mesh().uv[list(STABLE_POINTS)]
    similarity = estimate_similarity(reference.at(places), face_map.at(places))
    return float(np.hypot(similarity[0, 0], similarity[1, 0]))


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
