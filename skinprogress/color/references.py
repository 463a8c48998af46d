"""Colour references: what is the same in two photos and is not the treated skin. Best available wins.

To add one: a function from two :class:`ColorEvidence` to a correction or a refusal, and a row in ``REFERENCES``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import delta_e_76, linear_rgb_to_lab
from skinprogress.records import BackgroundSample, ColorCorrection, Flag, FloatArray, Photo, Rung

THUMB_SIDE = 192
# A background px agrees with the consensus when its colour does within this (natural log of channel ratios).
_CHROMA_TOLERANCE = 0.06
_LUMINANCE_TOLERANCE = 0.25
_MIN_SHARE_OF_PHOTO = 0.03
_MIN_CONSENSUS = 0.5
# White balance and exposure differ between photos of one phone by no more than this; beyond, the object is another one.
_MAX_CHROMA_GAIN = 0.45
_MAX_EXPOSURE_GAIN = 1.5
# Below this spread of log-lightness a background has no structure that could prove that it is the same.
_PLAIN_SPREAD = 0.12
_MIN_CORRELATION = 0.7
# The light on the wall is not quite the light on the face: what remains although the wall matches perfectly
# (natural log of a channel ratio).
_WALL_TO_FACE_SE = 0.012


@dataclass(frozen=True, slots=True, eq=False)
class ColorEvidence:
    """What one photo offers for matching colours.

    Attributes
    ----------
    background : BackgroundSample
    head_xy : (2, 3) float64
        Similarity that carries canonical head coordinates to photo px: where the head is, how large, how tilted.
    size_px : (height, width) of the photo
    """

    background: BackgroundSample
    head_xy: npt.NDArray[np.float64]
    size_px: tuple[int, int]


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
    # A whole number of px first: several times faster than one step by an odd factor.
    whole = int(factor)
    pixels = photo.pixels[: height // whole * whole, : width // whole * whole]
    rough = cv2.resize(pixels, (width // whole, height // whole), interpolation=cv2.INTER_AREA)
    small = np.asarray(cv2.resize(rough, size, interpolation=cv2.INTER_AREA))
    top = photo.curve.shape[1] - 1
    clipped = (small >= 0.965 * top).any(axis=2) | (small <= 0.03 * top).any(axis=2)
    linear = np.stack([photo.curve[c][small[..., c]] for c in range(3)], axis=2) @ photo.matrix.T
    return BackgroundSample(
        linear_rgb=linear.astype(np.float16),
        usable=~clipped & ~_person_mask(outline_xy / factor, (size[1], size[0])),
        px_per_thumb=factor,
    )


def _person_mask(outline_xy: npt.NDArray[np.float64], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Generous area of face, hair and neck: an ellipse around the head and a column below it."""
    centre, (short, long), angle = cv2.fitEllipse(outline_xy.astype(np.float32))
    mask = np.zeros(shape, np.uint8)
    cv2.ellipse(mask, (centre, (1.7 * short, 1.75 * long), angle), 1, -1)
    below = int(centre[1])
    left, right = int(centre[0] - 0.75 * short), int(centre[0] + 0.75 * short)
    mask[below : below + int(1.5 * long), max(left, 0) : max(right, 0)] = 1
    return mask > 0


def match_background(photo: ColorEvidence, reference: ColorEvidence) -> ColorCorrection | str:
    """Match exposure and white balance on a background that two photos share.

    The background is looked for in two ways: at the same place of the frame (fixed camera), and moved along with the
    head (hand-held camera, person before a wall). Channel gains are the consensus of the px that agree.

    Parameters
    ----------
    photo, reference : ColorEvidence

    Returns
    -------
    ColorCorrection or str
        The map from ``photo`` to ``reference``, or the reason why there is none.
    """
    reasons = []
    best: ColorCorrection | None = None
    for carry in (_same_frame(photo, reference), _same_head(photo, reference)):
        found = _consensus(photo.background, reference.background, carry)
        if isinstance(found, str):
            reasons.append(found)
        elif best is None or found.redness_index_se < best.redness_index_se:
            best = found
    return best if best is not None else reasons[-1]


def _same_frame(photo: ColorEvidence, reference: ColorEvidence) -> npt.NDArray[np.float64]:
    sy, sx = (p / r for p, r in zip(photo.size_px, reference.size_px, strict=True))
    return np.array([[sx, 0.0, 0.0], [0.0, sy, 0.0]])


def _same_head(photo: ColorEvidence, reference: ColorEvidence) -> npt.NDArray[np.float64]:
    to_photo, to_reference = (np.vstack([e.head_xy, [0.0, 0.0, 1.0]]) for e in (photo, reference))
    return np.asarray((to_photo @ np.linalg.inv(to_reference))[:2])


def _consensus(
    photo: BackgroundSample, reference: BackgroundSample, carry: npt.NDArray[np.float64]
) -> ColorCorrection | str:
    """Channel gains on which the px that both photos show agree; ``carry`` maps reference px to photo px."""
    shape = reference.usable.shape
    thumb = carry.copy()
    thumb[:, :2] *= reference.px_per_thumb / photo.px_per_thumb
    thumb[:, 2] /= photo.px_per_thumb
    warp = (shape[1], shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = np.asarray(cv2.warpAffine(photo.linear_rgb.astype(np.float32), thumb, warp, flags=flags), np.float32)
    seen = cv2.warpAffine(photo.usable.astype(np.float32), thumb, warp, flags=flags) > 0.99
    ours = reference.linear_rgb.astype(np.float32)
    both = seen & reference.usable & _is_flat(ours) & _is_flat(moved)
    both &= (moved > 1e-3).all(axis=2) & (ours > 1e-3).all(axis=2)
    if both.sum() < _MIN_SHARE_OF_PHOTO * both.size:
        return "too little of the background can be seen in both photos"
    log_ours, log_moved = np.log(ours[both]), np.log(moved[both])
    ratio = log_ours - log_moved
    gain = np.median(ratio, axis=0)
    for _ in range(5):
        agree = _agrees(ratio - gain)
        if agree.sum() < 20:
            return "the background is another one, or its light changed"
        gain = np.median(ratio[agree], axis=0)
    share = float(agree.mean())
    if share < _MIN_CONSENSUS or agree.sum() < _MIN_SHARE_OF_PHOTO * both.size:
        return f"only {share:.0%} of the background agrees on one change of light: the scene changed"
    if max(abs(gain[0] - gain[1]), abs(gain[2] - gain[1])) > _MAX_CHROMA_GAIN or abs(gain[1]) > _MAX_EXPOSURE_GAIN:
        return "the background would need a larger correction than one camera's settings explain"
    spread = float(log_ours[agree][:, 1].std())
    plain = spread < _PLAIN_SPREAD
    if not plain and np.corrcoef(log_ours[:, 1], log_moved[:, 1])[0, 1] < _MIN_CORRELATION:
        return "the background shows other things in the two photos"
    return _correction(gain, ratio[agree] - gain, ours[both][agree], moved[both][agree], plain=plain)


def _agrees(residual: FloatArray) -> npt.NDArray[np.bool_]:
    chroma = np.maximum(np.abs(residual[:, 0] - residual[:, 1]), np.abs(residual[:, 2] - residual[:, 1]))
    return np.asarray((chroma < _CHROMA_TOLERANCE) & (np.abs(residual[:, 1]) < _LUMINANCE_TOLERANCE))


def _is_flat(linear_rgb: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Away from edges, where a small shift would compare different things."""
    log = np.log(np.maximum(linear_rgb[..., 1], 1e-3))
    step = np.hypot(cv2.Sobel(log, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(log, cv2.CV_32F, 0, 1, scale=1 / 8))
    return np.asarray(cv2.dilate((step > 0.12).astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)


def _correction(
    gain: FloatArray, residual: FloatArray, ours: FloatArray, moved: FloatArray, *, plain: bool
) -> ColorCorrection:
    # Neighbouring px repeat each other: about one independent sample in 60 thumbnail px.
    independent = max(4.0, len(residual) / 60.0)
    index_se = float(np.hypot(1.4826 * _mad(residual[:, 0] - residual[:, 1]) / np.sqrt(independent), _WALL_TO_FACE_SE))
    light_se = float(np.hypot(1.4826 * _mad(residual[:, 1]) / np.sqrt(independent), 0.03))
    if plain:
        index_se *= 1.5
    after = linear_rgb_to_lab((moved * np.exp(gain)).astype(np.float32))
    distance = delta_e_76(after, linear_rgb_to_lab(ours.astype(np.float32)))
    return ColorCorrection(
        rung="background",
        matrix=np.diag(np.exp(gain)).astype(np.float32),
        residual_delta_e=float(np.mean(distance)),
        # One per cent of a channel moves a* by 0.33; exposure by far less.
        a_star_se=float(np.hypot(index_se * 33.0 / np.sqrt(2.0), light_se * 5.0)),
        lightness_se=light_se * 25.0,
        redness_index_se=index_se,
        relative_redness_se=index_se / 8.0,
        reason="matched on the background" + (", a plain one that is assumed to be the same" if plain else ""),
        flags=Flag.BACKGROUND_PLAIN if plain else Flag.NONE,
    )


def _mad(values: FloatArray) -> float:
    return float(np.median(np.abs(values - np.median(values))))


def uncorrected(reason: str, *, rung: Rung = "none") -> ColorCorrection:
    """The correction that changes nothing.

    Under rung ``none`` it carries the scatter of a camera's own white balance and exposure, as measured on selfies.
    """
    none = rung == "none"
    return ColorCorrection(
        rung=rung,
        matrix=np.eye(3, dtype=np.float32),
        residual_delta_e=float("nan") if none else 0.0,
        a_star_se=5.2 if none else 0.0,
        lightness_se=6.0 if none else 0.0,
        redness_index_se=0.173 if none else 0.0,
        relative_redness_se=0.025 if none else 0.0,
        reason=reason,
        flags=Flag.COLOR_NOT_MATCHED if none else Flag.NONE,
    )


REFERENCES: dict[Rung, Callable[[ColorEvidence, ColorEvidence], ColorCorrection | str]] = {
    "background": match_background,
}
"""Colour references from best to worst; ``none`` is what remains when all refuse."""


def match_color(photo: ColorEvidence, reference: ColorEvidence) -> ColorCorrection:
    """Best colour correction from one photo to another; :func:`uncorrected`, with the reason, where there is none."""
    reasons = []
    for find in REFERENCES.values():
        found = find(photo, reference)
        if isinstance(found, ColorCorrection):
            return found
        reasons.append(found)
    return uncorrected("; ".join(reasons))
