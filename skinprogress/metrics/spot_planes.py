"""What red and brown spots show in: weights of the logarithms of colour, and the part of the face that holds skin."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.metrics.inputs import FloatMap, MetricInput, log_light
from skinprogress.metrics.pigmentation import HAEMOGLOBIN, MELANIN, unmixing_matrix
from skinprogress.records import SpotKind

Mask = npt.NDArray[np.bool_]

# ln luminance of skin from ln R, ln G, ln B: the three shares hardly differ between light and dark skin.
_LUMINANCE = np.array([0.33, 0.62, 0.05])
NOISE_FACTOR = 4.0
"""A spot has to stand out by this many times the scatter of its surroundings."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """What spots of a kind show in.

    Attributes
    ----------
    weights : (k, 3) float32
        Of ln R, ln G, ln B, all in units of the index. The first row is what spots are looked for in: a mean of the
        index and of the darkness that as much pigment brings, since cameras and JPEG keep darkness sharper than colour.
        The second row is the index, the others are what else the pigment has to show in.
    shares : (k - 1,) float32
        Least contrast in those planes, as a share of that in the first.
    visible : float
        Least contrast in the first.
    """

    weights: FloatMap
    shares: FloatMap
    visible: float


def _kinds() -> dict[SpotKind, Kind]:
    # Planes of logs rise by their product with −(absorption of the pigment).
    blood, melanin, _ = -unmixing_matrix()
    dark = -_LUMINANCE
    erythema = np.array([1.0, -1.0, 0.0]) / EI_PER_A_STAR
    red_dark = dark * (erythema @ HAEMOGLOBIN) / (dark @ HAEMOGLOBIN)
    red_blood = blood * (erythema @ HAEMOGLOBIN) / (blood @ HAEMOGLOBIN)
    # Darkness that is not of blood.
    brown_dark = dark - blood * (dark @ HAEMOGLOBIN) / (blood @ HAEMOGLOBIN)
    brown_dark, all_dark = (plane * (melanin @ MELANIN) / (plane @ MELANIN) for plane in (brown_dark, dark))
    return {
        "red": Kind(
            np.stack([0.65 * erythema + 0.35 * red_dark, erythema, red_dark, red_blood]).astype(np.float32),
            np.array([0.4, 0.4, 0.3], np.float32),
            2.5,
        ),
        # Phones blur the little colour of freckles away, so that a trace of it has to do.
        "brown": Kind(
            np.stack([0.5 * melanin + 0.5 * all_dark, melanin, brown_dark]).astype(np.float32),
            np.array([0.12, 0.5], np.float32),
            0.2,
        ),
    }


KINDS = _kinds()
VISIBLE: dict[SpotKind, float] = {name: kind.visible for name, kind in KINDS.items()}
"""Least contrast of a spot: a*-equivalents (red), optical density of melanin (brown)."""


@dataclass(frozen=True, eq=False)
class Scene:
    """The part of the frame that holds skin, without holes."""

    top: int
    left: int
    log_rgb: FloatMap
    skin: Mask
    mm_per_px: float


def spot_scene(data: MetricInput) -> Scene:
    """The part of the frame that holds skin, made once per face."""
    return data.kept("spots:scene", _scene)


def _scene(data: MetricInput) -> Scene:
    left, top, width, height = cv2.boundingRect(data.skin.astype(np.uint8))
    box = (slice(top, top + height), slice(left, left + width))
    skin = np.ascontiguousarray(data.skin[box])
    scale = float(np.median(data.mm_per_px[box][skin][::16]))
    mask = skin.astype(np.uint8)
    log = log_light(data.linear_rgb[box])
    # Holes get the colour of the skin around them, or their rims would look like spots.
    small = (-(-width // 8), -(-height // 8))
    total, reach = (
        np.asarray(cv2.GaussianBlur(cv2.resize(p, small, interpolation=cv2.INTER_AREA), (0, 0), 1.0 / scale / 8 + 0.5))
        for p in (cv2.copyTo(log, mask), mask.astype(np.float32))
    )
    around = cv2.resize(total / np.maximum(reach, 1e-3)[..., None], (width, height), interpolation=cv2.INTER_LINEAR)
    log = np.asarray(cv2.copyTo(log, mask, around), np.float32)
    return Scene(top, left, log, skin, scale)


def blur_log_rgb(plane: FloatMap, sigma_px: float) -> FloatMap:
    """Gaussian blur of a scene, sigma in its px."""
    # Cut at three sigmas instead of OpenCV's four: a quarter faster, and the same to a thousandth.
    size = 2 * int(np.ceil(3.0 * sigma_px)) + 1
    return np.asarray(cv2.GaussianBlur(plane, (size, size), sigma_px), np.float32)
