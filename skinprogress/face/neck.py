"""The neck below the jaw: skin that a treatment of the face leaves alone, cleared of what is no skin."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.mapping import map_landmarks
from skinprogress.face.regions import FACE_OVAL, REGIONS
from skinprogress.photos.reading import to_linear
from skinprogress.records import Landmarks, Photo

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

PX_PER_MM = 2.0
MIN_AREA_MM2 = 300.0
"""A smaller neck says more about its place and shade than about the client."""
# Natural logs of linear R, G, B. Blood changes neither; melanin does not change the first, nor the lamp's power the
# second. The same planes as for telling skin from hair on the face.
_SHADE = np.array([[1.507, -0.187, -0.320]], np.float32)
_TINT = np.array([[0.0, 1.0, -1.0]], np.float32)
_RED = np.array([[1.0, -1.0, 0.0]], np.float32)
_LOG_FLOOR = 0.004
# Millimetres: how far the neck is followed below the chin, how far to stay away from the landmarks of the jaw, which
# are as uncertain as that, and how near to them the neck is: of two parts, the lower is cloth.
_REACH_MM = 60.0
_BELOW_JAW_MM = 6.0
_NEAR_JAW_MM = 15.0
# Jaw landmarks from ear to ear: what lies beside them is hair and background.
_JAW = FACE_OVAL[FACE_OVAL.index(288) : FACE_OVAL.index(58) + 1]
_CHIN, _BETWEEN_EYES = 152, 168
# Skin of the face that no beard covers.
_SAMPLED = ("cheek_left", "cheek_right", "nose")
# How far the neck's tint and shade may lie from those of the face: it is less tanned, and lit by its own surroundings.
_TINT_LESS, _TINT_MORE = 0.24, 0.30
_DARKER, _BRIGHTER = 0.75, 0.40
# And from those of the neck itself, once it is found.
_OWN_TINT, _OWN_SHADE = 0.13, 0.45
# Steps within 3 mm of tint, shade and redness that folds and shading do not make, or this many times the usual ones of
# the face where noise makes larger: collars, straps, hair, the outline before a wall. A step of redness cuts pale skin
# from a white collar, which differ in nothing else; it takes away both sides alike, the red and the pale.
_STEPS = (0.10, 0.28, 0.085)
_USUAL_STEPS = 2.5
# Fine dark detail of stubble and hair, log units; skin has a third of it.
_BRISTLE = 0.09


@dataclass(frozen=True, slots=True, eq=False)
class NeckPatch:
    """The neck, cut out of a photo upright and at a fixed scale.

    Attributes
    ----------
    linear_rgb : (h, w, 3) float32
        Linear sRGB, before colour correction; two px a mm where the neck is as far away as the eyes.
    skin : (h, w) bool
        Bare skin of the neck that can be measured.
    mm_per_px : float
    photo_px_per_mm : float
    to_patch : (2, 3) float64
        Photo px (edges at integers) to px of the patch.
    """

    linear_rgb: npt.NDArray[np.float32]
    skin: Mask
    mm_per_px: float
    photo_px_per_mm: float
    to_patch: npt.NDArray[np.float64]

    @property
    def area_mm2(self) -> float:
        """Area of the usable skin, mm²."""
        return float(np.count_nonzero(self.skin)) * self.mm_per_px**2


def find_neck(photo: Photo, landmarks: Landmarks, *, mm_per_px: float) -> NeckPatch | None:
    """Find the bare skin of the neck in a front or oblique view.

    Parameters
    ----------
    photo : Photo
    landmarks : Landmarks
    mm_per_px : float
        Millimetres per photo px at the face.

    Returns
    -------
    NeckPatch or None
        None in profile, and where less than 300 mm² can be told to be the neck's skin.

    Notes
    -----
    What is compared with the face, tint and shade, does not change with blood: a red neck is found like a pale one, and
    so is a pale neck below a red face. Redness only cuts, where it changes abruptly. Exposure and white balance change
    nothing.

    No two photos show the same part of the neck, nor in the same light from below: as a reference it is as good as the
    forehead (standard deviation of a cheek's redness relative to it between two photos of one sitting: 0.43
    a*-equivalents against 0.42, 14 people), and no better where the head is held otherwise or the light comes from one
    side. Cloth or a hand of skin's own colour that hides the jaw's edge passes for skin.
    """
    if landmarks.view.endswith("profile"):
        return None
    to_patch, size = _lay_out(landmarks, PX_PER_MM * mm_per_px)
    linear_rgb, whole = _draw(photo, to_patch, size)
    points = landmarks.points_xy @ to_patch[:, :2].T + to_patch[:, 2]
    look = _prepare(linear_rgb)
    sampled = _sample_face(landmarks, to_patch, size) & whole
    from_jaw_mm = _below_jaw(points, size)
    zone = (from_jaw_mm > _BELOW_JAW_MM) & whole
    if not sampled.any() or not zone.any():
        return None
    neck = _connect(_like_face(look, sampled) & zone, from_jaw_mm)
    skin = _connect(_keep_own(look, neck), from_jaw_mm)
    if np.count_nonzero(skin) < MIN_AREA_MM2 * PX_PER_MM**2:
        return None
    # The face above has done its part.
    top = int(np.flatnonzero(skin.any(axis=1))[0])
    to_patch[1, 2] -= top
    return NeckPatch(linear_rgb[top:], skin[top:], 1.0 / PX_PER_MM, 1.0 / mm_per_px, to_patch)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What tells skin from what lies on it and beside it: planes (h, w), natural-log units.

    ``steps`` are how much tint, shade and redness differ within 3 mm.
    """

    tint: Plane
    shade: Plane
    steps: tuple[Plane, ...]
    bristle: Plane


def _prepare(linear_rgb: npt.NDArray[np.float32]) -> _Look:
    log = cv2.log(np.maximum(linear_rgb, _LOG_FLOOR))
    fine = cv2.transform(log, _SHADE)
    log = cv2.GaussianBlur(log, (0, 0), 0.8 * PX_PER_MM)
    planes = [np.asarray(cv2.transform(log, row), np.float32) for row in (_TINT, _SHADE, _RED)]
    near = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    steps = tuple(np.asarray(cv2.morphologyEx(plane, cv2.MORPH_GRADIENT, near), np.float32) for plane in planes)
    depth = cv2.morphologyEx(fine, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)) - fine
    bristle = cv2.GaussianBlur(np.minimum(depth, 0.3), (0, 0), 1.5 * PX_PER_MM)
    return _Look(planes[0], planes[1], steps, np.asarray(bristle, np.float32))


def _lay_out(landmarks: Landmarks, px_per_photo_px: float) -> tuple[npt.NDArray[np.float64], tuple[int, int]]:
    """Photo to patch, (2, 3), and its width and height: upright as the head, from the eyes to below the chin."""
    roll = np.radians(landmarks.pose_deg[2])
    turn = px_per_photo_px * np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    points = landmarks.points_xy @ turn.T
    outline = points[list(FACE_OVAL)]
    low = np.array([outline[:, 0].min(), points[_BETWEEN_EYES, 1]])
    high = np.array([outline[:, 0].max(), points[_CHIN, 1] + _REACH_MM * PX_PER_MM])
    width, height = np.ceil(high - low).astype(int)
    return np.column_stack([turn, -low]), (int(width), int(height))


def _draw(
    photo: Photo, to_patch: npt.NDArray[np.float64], size: tuple[int, int]
) -> tuple[npt.NDArray[np.float32], Mask]:
    """The patch in linear light, and where the photo reaches and is not clipped."""
    linear_part = np.linalg.inv(to_patch[:, :2])
    corners = np.array([[0, 0], [size[0], 0], [0, size[1]], size], np.float64)
    corners = (corners - to_patch[:, 2]) @ linear_part.T
    limits = np.array([photo.pixels.shape[1], photo.pixels.shape[0]])
    low = np.clip(np.floor(corners.min(axis=0) - 4).astype(int), 0, limits - 1)
    high = np.clip(np.ceil(corners.max(axis=0) + 4).astype(int), low + 1, limits)
    rows, cols = slice(low[1], high[1]), slice(low[0], high[0])
    linear = to_linear(photo, rows=rows, cols=cols)
    stored = photo.pixels[rows, cols]
    unit = 1 if stored.dtype == np.uint8 else 257
    within = np.asarray(cv2.inRange(stored, (0, 4 * unit, 0), (250 * unit,) * 3))
    place = to_patch.copy()
    place[:, 2] += place[:, :2] @ low
    shrink = float(np.hypot(*place[:, 0]))
    if shrink < 1.0:
        # Averaging first, then turning at about one to one: a direct warp to a coarser patch would alias.
        shape = max(1, round(linear.shape[1] * shrink)), max(1, round(linear.shape[0] * shrink))
        place[:, :2] *= np.array([linear.shape[1] / shape[0], linear.shape[0] / shape[1]])
        linear = np.asarray(cv2.resize(linear, shape, interpolation=cv2.INTER_AREA), np.float32)
        within = np.asarray(cv2.resize(within, shape, interpolation=cv2.INTER_AREA))
    # Ours have px edges at integers, OpenCV's px centres.
    place[:, 2] += place[:, :2] @ np.array([0.5, 0.5]) - 0.5
    drawn = cv2.warpAffine(linear, place, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    whole = cv2.warpAffine(within, place, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(drawn, np.float32), np.asarray(whole > 243)


def _fill(outline: npt.NDArray[np.floating], size: tuple[int, int]) -> Mask:
    mask = np.zeros(size[::-1], np.uint8)
    return np.asarray(cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 1) > 0)


def _sample_face(landmarks: Landmarks, to_patch: npt.NDArray[np.float64], size: tuple[int, int]) -> Mask:
    """Skin of the face to compare with; of a turned head, the side that is seen."""
    face_map = map_landmarks(landmarks)
    hidden = {"left_oblique": "cheek_left", "right_oblique": "cheek_right"}.get(landmarks.view)
    mask = np.zeros(size[::-1], bool)
    for name in _SAMPLED:
        if name != hidden:
            mask |= _fill(face_map.at(np.array(REGIONS[name].polygon_uv)) @ to_patch[:, :2].T + to_patch[:, 2], size)
    return mask


def _below_jaw(points: npt.NDArray[np.float64], size: tuple[int, int]) -> Plane:
    """Distance to the face, mm, of what lies below the jaw from ear to ear; 0 elsewhere."""
    jaw = points[list(_JAW)]
    below = _fill(np.concatenate([jaw, [[jaw[-1, 0], size[1]], [jaw[0, 0], size[1]]]]), size)
    off_face = (~_fill(points[list(FACE_OVAL)], size)).astype(np.uint8)
    away = cv2.distanceTransform(off_face, cv2.DIST_L2, 3) * np.float32(1.0 / PX_PER_MM)
    return np.where(below, away, np.float32(0.0))


def _like_face(look: _Look, sampled: Mask) -> Mask:
    """What could be the same person's skin in another light, and is not at an edge."""
    tint = look.tint - np.median(look.tint[sampled])
    shade = look.shade - np.median(look.shade[sampled])
    # Dark skin that shines, and faces lit from the side, differ more within themselves.
    darkest, brightest = np.percentile(shade[sampled], [3, 97])
    like = (tint > -_TINT_LESS) & (tint < _TINT_MORE)
    like &= (shade > min(-_DARKER, darkest)) & (shade < max(_BRIGHTER, brightest))
    for step, most in zip(look.steps, _STEPS, strict=True):
        like &= step < max(most, _USUAL_STEPS * float(np.median(step[sampled])))
    return like & (look.bristle < _BRISTLE)


def _connect(like: Mask, from_jaw_mm: Plane) -> Mask:
    """The largest connected part, the nearer to the jaw the better, without what hangs on by less than 4 mm."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    opened = np.asarray(cv2.morphologyEx(like.astype(np.uint8), cv2.MORPH_OPEN, kernel)) > 0
    n_labels, labels = cv2.connectedComponents(opened.astype(np.uint8), connectivity=4)
    weight = np.bincount(labels[opened], np.exp(-from_jaw_mm[opened] / _NEAR_JAW_MM), minlength=n_labels)
    return np.asarray(opened & (labels == np.argmax(weight)))


def _keep_own(look: _Look, neck: Mask) -> Mask:
    """What differs little from the neck as a whole."""
    if not neck.any():
        return neck
    for plane, most in ((look.tint, _OWN_TINT), (look.shade, _OWN_SHADE)):
        neck = neck & (np.abs(plane - np.median(plane[neck])) < most)
    return neck
