"""Blood on the skin, wet or dried: far redder than any flush, and to be kept out of every redness number."""

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.metrics.inputs import FloatMap, MetricInput, log_light
from skinprogress.metrics.pigmentation import HAEMOGLOBIN, unmixing_matrix

# Above the skin around, a*-equivalents. Flushes reach 12 and a pimple 10: one on the other has to stay below.
_CERTAIN = 23.0
# What adjoins certain blood, as the thin rim of a drop does, counts from here.
_LIKELY = 14.0
# The skin around a place, and how much a px may raise it, so that a drop does not hide itself.
_AROUND_MM = 6.0
_CLIP = 8.0
_STEP = 8  # grid of that mean, px
# Rims of lips, lids and nostrils are deep red or dark: a certain px keeps this distance from the border of the skin.
_MARGIN_MM = 0.6
_FINE_PX = 0.7  # blur against the noise of single px
# Least size in px of the photo, squared: JPEG leaves a dark dot the colour of the skin around, which makes it look red.
_LEAST_PX = 4.0


def find_blood(data: MetricInput) -> npt.NDArray[np.bool_]:
    """Where blood lies on the skin, wet or dried.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) bool
        Found once per face.

    Notes
    -----
    Blood is where both the erythema index and the haemoglobin index, in a*-equivalents, rise 23 above the skin within a
    centimetre, together with what adjoins it above 14. Flushed skin stays below, and so do moles and make-up that is
    not red. Not found: films under about 40 µm (dried: 80 µm), which look no redder than a strong flush; points that
    the photo shows on less than 4 px; blood that covers most of the skin within a centimetre. Red paint is taken for
    blood.
    """
    return data.kept("blood", _find)


def blood(data: MetricInput) -> FloatMap:
    """Blood on the skin, share of it; the total over a region is its area in mm².

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        1 where blood lies, 0 on other skin, NaN elsewhere.

    Notes
    -----
    As :func:`find_blood`: the least that is there, since thin films are not found.
    """
    return np.where(data.skin, find_blood(data).astype(np.float32), np.float32(np.nan))


def _find(data: MetricInput) -> npt.NDArray[np.bool_]:
    found = np.zeros(data.skin.shape, bool)
    if not data.skin.any():
        return found
    left, top, width, height = cv2.boundingRect(data.skin.astype(np.uint8))
    box = (slice(top, top + height), slice(left, left + width))
    skin, scale = np.ascontiguousarray(data.skin[box]), data.mm_per_px[box]
    log = np.asarray(cv2.GaussianBlur(log_light(data.linear_rgb[box]), (5, 5), _FINE_PX), np.float32)
    row = -unmixing_matrix()[0] * (HAEMOGLOBIN[1] - HAEMOGLOBIN[0])
    weights = (np.stack([np.array([1.0, -1.0, 0.0]), row]) / EI_PER_A_STAR).astype(np.float32)
    sigma_px = _AROUND_MM / float(np.median(scale[skin][::16]))
    # Blood shows in both planes: the lesser of the two tells.
    excess = [_above_surroundings(np.asarray(cv2.transform(log, w[None])), skin, sigma_px) for w in weights]
    rise = np.where(skin, np.minimum(*excess), np.float32(0.0))
    likely = (rise >= _LIKELY).astype(np.uint8)
    certain = rise >= _CERTAIN
    if not certain.any():
        return found
    room = cv2.distanceTransform(np.pad(skin.astype(np.uint8), 1), cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    certain &= room * scale >= _MARGIN_MM
    n_labels, labels = cv2.connectedComponents(likely, connectivity=8)
    share = np.square(scale * data.photo_px_per_mm[box], dtype=np.float64)  # photo px squared on each px of the frame
    size = np.bincount(labels[likely > 0], weights=share[likely > 0], minlength=n_labels)
    holds = np.bincount(labels[certain], minlength=n_labels) > 0
    found[box] = (holds & (size >= _LEAST_PX))[labels] & (likely > 0)
    return found


def _above_surroundings(plane: FloatMap, skin: npt.NDArray[np.bool_], sigma_px: float) -> FloatMap:
    """A plane minus its mean within about a centimetre, blood itself left out of the mean as far as can be."""
    height, width = plane.shape
    small = (-(-width // _STEP), -(-height // _STEP))
    weight = np.asarray(cv2.resize(skin.astype(np.float32), small, interpolation=cv2.INTER_AREA))
    reach = np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma_px / _STEP), 1e-3)
    limit = np.full(weight.shape, float(np.median(plane[skin][::16])) + 2.0 * _CLIP, np.float32)
    for _ in range(2):
        calm = np.minimum(plane, cv2.resize(limit, (width, height), interpolation=cv2.INTER_LINEAR)) * skin
        total = cv2.GaussianBlur(cv2.resize(calm, small, interpolation=cv2.INTER_AREA), (0, 0), sigma_px / _STEP)
        around = np.asarray(total / reach, np.float32)
        limit = around + np.float32(_CLIP)
    return plane - np.asarray(cv2.resize(around, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
