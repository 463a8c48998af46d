"""The person of the sample client: a public-domain portrait, enlarged and given skin that a phone would show."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import encode_srgb8, lab_to_linear_rgb, linear_rgb_to_lab, srgb_to_linear
from skinprogress.face.canonical import mesh
from skinprogress.face.landmarks import find_landmarks
from skinprogress.face.quality import measure_iris_px
from skinprogress.face.regions import EYE_LEFT, EYE_RIGHT, LIPS
from skinprogress.records import Landmarks
from skinprogress.synthetic.changes import canonical_weight, inject_pigment
from skinprogress.synthetic.skin_detail import band_noise, draw_relief, draw_spots, draw_unevenness
from skinprogress.synthetic.surface import from_canonical, photo_to_canonical

ENLARGEMENT = 5.4
SIDE_PX = 1536  # side of the canonical frame in which skin is drawn
IRIS_MM = 11.7  # visible iris, Rüfer 2005
_CROP = (slice(0, 310), slice(72, 376))  # head, shoulders, and a margin for moving the frame
_HEADROOM_PX = 13  # the portrait ends close above the hair: the wall is mirrored upward by this much
_UNEVENNESS = 0.045


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A scene to be photographed.

    Attributes
    ----------
    linear_rgb : (H, W, 3) float32
        Linear sRGB.
    landmarks : Landmarks
    uv : (H, W, 2) float32
        Place in the canonical frame of every px, NaN off the face.
    skin : (H, W) float32
        0..1: how much of a px is skin of the face: no hair, eyes, lips; brows are thin and count.
    mm_per_px : float
        Millimetres of skin per px, by the irises.
    """

    linear_rgb: npt.NDArray[np.float32]
    landmarks: Landmarks
    uv: npt.NDArray[np.float32]
    skin: npt.NDArray[np.float32]
    mm_per_px: float

    def draw(self, plane: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Bring a canonical picture onto the portrait, on skin alone."""
        # The frame is finer than the photo: averaged first, so that pores do not alias.
        soft = cv2.GaussianBlur(plane, (0, 0), 0.4 * plane.shape[0] / 1024)
        return from_canonical(np.asarray(soft, np.float32), self.uv) * self.skin


def make_portrait(seed: int) -> Portrait:
    """Enlarge the astronaut's portrait and give her skin, seeded.

    Parameters
    ----------
    seed : int
        Of pores, spots and patches.

    Returns
    -------
    Portrait

    Notes
    -----
    The picture is `skimage.data.astronaut()`: Eileen Collins, NASA, public domain. Her skin here is invented.
    """
    from skimage import data

    read: Callable[[], Any] = data.astronaut
    crop = np.asarray(read(), np.uint8)[_CROP]
    with_headroom = cv2.copyMakeBorder(crop, _HEADROOM_PX, 0, 0, 0, cv2.BORDER_REFLECT_101)
    soft = _enlarge(np.asarray(with_headroom, np.uint8))
    landmarks, _ = find_landmarks(encode_srgb8(soft))
    shape = (soft.shape[0], soft.shape[1])
    uv = photo_to_canonical(landmarks.points_xy, shape)
    bare = Portrait(soft, landmarks, uv, _face_skin(soft, uv), IRIS_MM / measure_iris_px(landmarks))
    melanin, blood = draw_spots(seed, side_px=SIDE_PX)
    image = inject_pigment(soft, bare.draw(melanin), direction="melanin")
    image = inject_pigment(image, bare.draw(blood), direction="haemoglobin")
    patches = bare.draw(draw_unevenness(seed, side_px=SIDE_PX))
    image = inject_pigment(image, _UNEVENNESS * patches, direction="haemoglobin")
    detail = bare.draw(draw_relief(seed, side_px=SIDE_PX)) + _rest_detail(seed, soft, bare.skin)
    image = image * np.exp(detail)[..., None]
    return Portrait(np.asarray(image, np.float32), landmarks, uv, bare.skin, bare.mm_per_px)


def _enlarge(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Enlarge in two steps, sharpened within the range of neighbouring px: crisp edges without halos or stairs."""
    lab = linear_rgb_to_lab(srgb_to_linear(rgb))
    lightness = np.asarray(cv2.bilateralFilter(np.ascontiguousarray(lab[..., 0]), 5, 3.0, 1.2), np.float32)
    height, width = rgb.shape[:2]
    half = float(np.sqrt(ENLARGEMENT))
    lightness = _sharpen(_resize(lightness, width * half, height * half), sigma=1.2, amount=0.7, reach_px=5)
    lightness = np.asarray(cv2.GaussianBlur(lightness, (0, 0), 0.5), np.float32)
    size = width * ENLARGEMENT, height * ENLARGEMENT
    lightness = _sharpen(_resize(lightness, *size), sigma=2.2, amount=0.9, reach_px=9)
    chroma = _resize(np.asarray(cv2.GaussianBlur(lab[..., 1:], (0, 0), 0.8), np.float32), *size)
    return np.clip(lab_to_linear_rgb(np.dstack([lightness, chroma])), 0.0, 1.0)


def _resize(plane: npt.NDArray[np.float32], width: float, height: float) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.resize(plane, (round(width), round(height)), interpolation=cv2.INTER_CUBIC), np.float32)


def _sharpen(plane: npt.NDArray[np.float32], *, sigma: float, amount: float, reach_px: int) -> npt.NDArray[np.float32]:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach_px, reach_px))
    low, high = (cv2.GaussianBlur(f(plane, kernel), (0, 0), reach_px / 5) for f in (cv2.erode, cv2.dilate))
    return np.asarray(np.clip(plane + amount * (plane - cv2.GaussianBlur(plane, (0, 0), sigma)), low, high), np.float32)


def _face_skin(linear_rgb: npt.NDArray[np.float32], uv: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How much of a px is skin of the face: within the mesh, not eye or lip, lighter than the hair."""
    side = 1024
    features = np.zeros((side, side), np.uint8)
    for outline in (EYE_RIGHT, EYE_LEFT, LIPS):
        cv2.fillPoly(features, [np.round(mesh().uv[list(outline)] * side).astype(np.int32)], 1)
    grown = np.asarray(cv2.dilate(features, np.ones((7, 7), np.uint8)), np.float32)
    edge = np.asarray(cv2.GaussianBlur(grown, (0, 0), 3.0), np.float32)
    plane = canonical_weight({"face": 1.0}, feather_mm=2.5, side_px=side, leave_features=False) * (1.0 - edge)
    face = from_canonical(plane, uv)
    lightness = linear_rgb_to_lab(cv2.GaussianBlur(linear_rgb, (0, 0), 2.0))[..., 0]
    # The fringe is fair, the shaded side of the face is not: the limit is higher on the forehead.
    limit = 40.0 + 14.0 * np.clip((0.32 - np.nan_to_num(uv[..., 1], nan=1.0)) / 0.06, 0.0, 1.0)
    light = np.clip((lightness - limit) / 8.0, 0.0, 1.0)
    # A fringe is never skin a little inside its edge either: shrink, then soften.
    light = cv2.GaussianBlur(cv2.erode(light, np.ones((7, 7), np.uint8)), (0, 0), 3.0)
    return np.asarray(face * light, np.float32)


def _rest_detail(
    seed: int, linear_rgb: npt.NDArray[np.float32], skin: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """A little grain on everything that is not the face: cloth, hair, neck and wall have structure too."""
    height, width = skin.shape
    rng = np.random.default_rng([seed, 9])
    side = max(height, width)
    grain = 0.009 * band_noise(rng, side, 2.5, 7.0) + 0.006 * band_noise(rng, side, 7.0, 20.0)
    return np.asarray(grain[:height, :width] * (1.0 - skin), np.float32)
