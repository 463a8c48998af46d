"""What surrounds the person in a photo: a thumbnail, and which px of it may serve as a colour reference."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import apply_curve
from skinprogress.records import BackgroundSample, BoolArray, FloatArray, Photo

THUMB_SIDE = 192
DARKEST = 0.02
"""Linear light: what is darker tells of the lens's flare and the toe of the tone curve, not of the light."""

TO_OPPONENT = np.array([[0.0, 1.0, 0.0], [1.0, -1.0, 0.0], [0.0, -1.0, 1.0]])
"""From ln R, ln G, ln B to ln G, ln R − ln G, ln B − ln G: brightness and two axes of colour."""

FROM_OPPONENT = np.linalg.inv(TO_OPPONENT)

# Mean distance (natural log of a channel ratio) of px from the mean colour of their brightness: real photos 0.05–0.5.
_COLORLESS = 0.012
# Toning in sepia or blue colours shadows and lights a little differently.
_MOST_TONING = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """A photo's background and where the head is in it.

    Attributes
    ----------
    sample : BackgroundSample
    head_xy : (2, 3) float64
        Similarity that carries canonical head coordinates to photo px: where the head is, how large, how tilted.
    size_px : (height, width) of the photo
    camera : str
        Make and model; empty where not known.
    """

    sample: BackgroundSample
    head_xy: npt.NDArray[np.float64]
    size_px: tuple[int, int]
    camera: str = ""


def sample_background(photo: Photo, outline_xy: npt.NDArray[np.float64]) -> BackgroundSample:
    """Shrink a photo and mark what surrounds the person.

    Parameters
    ----------
    photo : Photo
    outline_xy : (n, 2) float64
        Outline of the face, photo px.

    Returns
    -------
    BackgroundSample
    """
    height, width = photo.pixels.shape[:2]
    factor = max(1.0, max(height, width) / THUMB_SIDE)
    size = max(1, round(width / factor)), max(1, round(height / factor))
    small = np.asarray(cv2.resize(shrink_whole(photo.pixels, int(factor)), size, interpolation=cv2.INTER_AREA))
    top = photo.curve.shape[1] - 1
    clipped = (small >= 0.965 * top).any(axis=2) | (small <= 0.03 * top).any(axis=2)
    linear = apply_curve(small, photo.curve) @ photo.matrix.T
    usable = ~clipped & ~_person_mask(outline_xy / factor, (size[1], size[0]))
    centre, (short, long), angle = cv2.fitEllipse((outline_xy / factor).astype(np.float32))
    face = np.zeros(usable.shape, np.uint8)
    cv2.ellipse(face, (centre, (0.7 * short, 0.7 * long), angle), 1, -1)
    skin = np.median(linear[face > 0], axis=0) if face.any() else np.array([0.45, 0.25, 0.18])
    return BackgroundSample(
        linear_rgb=linear.astype(np.float16),
        usable=usable & ~_like_skin(linear, usable, skin, float(np.pi / 4.0 * short * long)),
        skin_rgb=skin.astype(np.float32),
        px_per_thumb=factor,
    )


def shrink_whole(pixels: npt.NDArray[Any], factor: int) -> npt.NDArray[Any]:
    """Average squares of so many px; several times faster than one step by an odd factor, and a good first half of it.

    Parameters
    ----------
    pixels : (H, W, 3) uint8 or uint16
    factor : int
        From 1 up; what does not fill a square at the right and the bottom is left out.
    """
    height, width = pixels.shape[0] // factor, pixels.shape[1] // factor
    whole = pixels[: height * factor, : width * factor]
    return whole if factor == 1 else np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA))


def is_colorless(sample: BackgroundSample) -> bool:
    """Whether a photo is black and white, or toned in one hue: its brightness says all about its colour."""
    linear = sample.linear_rgb.astype(np.float64).reshape(-1, 3)
    lit = linear[(linear > DARKEST).all(axis=1)]
    if len(lit) < 100:
        return False
    green, red_green, blue_green = (np.log(lit) @ TO_OPPONENT.T).T
    level = np.round((green - green.min()) / 0.1).astype(np.int64)
    count = np.bincount(level)
    for chroma in (red_green, blue_green):
        mean = np.bincount(level, chroma) / np.maximum(count, 1)
        if np.mean(np.abs(chroma - mean[level])) > _COLORLESS or np.ptp(mean[count > 20]) > _MOST_TONING:
            return False
    return True


def _person_mask(outline_xy: npt.NDArray[np.float64], shape: tuple[int, int]) -> BoolArray:
    """Generous area of face, hair and neck: an ellipse around the head and a column below it."""
    centre, (short, long), angle = cv2.fitEllipse(outline_xy.astype(np.float32))
    mask = np.zeros(shape, np.uint8)
    cv2.ellipse(mask, (centre, (1.7 * short, 1.75 * long), angle), 1, -1)
    below = int(centre[1])
    left, right = int(centre[0] - 0.75 * short), int(centre[0] + 0.75 * short)
    mask[below : below + int(1.5 * long), max(left, 0) : max(right, 0)] = 1
    return mask > 0


def _like_skin(linear_rgb: FloatArray, usable: BoolArray, skin_rgb: FloatArray, face_px: float) -> BoolArray:
    """Hands, arms and shoulders: patches of the face's own colour, none larger than the face; larger ones are walls."""
    colors, skin = (np.log(np.maximum(values, 1e-3)) @ TO_OPPONENT.T for values in (linear_rgb, skin_rgb))
    alike = usable & np.asarray((np.abs(colors - skin) < [0.8, 0.12, 0.2]).all(axis=2))
    joined = cv2.morphologyEx(alike.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, label, stats, _ = cv2.connectedComponentsWithStats(joined)
    small = stats[:, cv2.CC_STAT_AREA] <= face_px
    small[0] = False
    return np.asarray(small[label])
