"""Apply a colour correction, and chain two of them."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import Array, apply_matrix
from skinprogress.records import ColorCorrection

_TONE_LEVELS = 4096


def apply_correction(linear_rgb: npt.NDArray[np.floating], correction: ColorCorrection) -> Array:
    """Correct the colour of linear light: gains, then tone curve, then matrix.

    Parameters
    ----------
    linear_rgb : (..., 3) float
        Linear sRGB as the photo has it; values outside 0..1 are carried through.
    correction : ColorCorrection

    Returns
    -------
    (..., 3) float32
    """
    values = np.asarray(linear_rgb, np.float32)
    if correction.tone is None and correction.matrix.shape[1] == 3:
        return apply_matrix(values, correction.matrix * correction.gains)
    values = values * correction.gains
    if correction.tone is not None:
        values = apply_tone(values, correction.tone)
    if correction.matrix.shape[1] == 3:
        return apply_matrix(values, correction.matrix)
    return root_polynomial(values) @ correction.matrix.T


def apply_tone(linear_rgb: Array, tone: npt.NDArray[np.floating]) -> Array:
    """Send every value through a rising curve.

    Parameters
    ----------
    linear_rgb : (..., 3) float32
    tone : (n, 2) float
        Knots: linear light before and after. Beyond the first and the last knot values keep the ratio that they have
        there, so that nothing is clipped.

    Returns
    -------
    (..., 3) float32
    """
    before, after = np.asarray(tone, np.float64).T
    low, high = after[0] / before[0], after[-1] / before[-1]
    # By a table over the square root, which is finer in the dark; np.interp on every px takes three times as long.
    top = before[-1]
    grid = np.linspace(0.0, 1.0, _TONE_LEVELS) ** 2 * top
    table = np.where(grid < before[0], grid * low, np.interp(grid, before, after)).astype(np.float32)
    at = np.sqrt(np.clip(linear_rgb / np.float32(top), 0.0, 1.0)) * np.float32(_TONE_LEVELS - 1)
    index = np.minimum(at.astype(np.int32), _TONE_LEVELS - 2)
    share = at - index
    inside = table[index] * (1.0 - share) + table[index + 1] * share
    outside = np.where(linear_rgb > top, linear_rgb * np.float32(high), linear_rgb * np.float32(low))
    return np.asarray(np.where((linear_rgb >= 0.0) & (linear_rgb <= top), inside, outside), np.float32)


def root_polynomial(linear_rgb: npt.NDArray[np.floating]) -> Array:
    """R, G, B, √(GR), √(BG), √(RB): colour terms that scale with exposure.

    Parameters
    ----------
    linear_rgb : (..., 3) float

    Returns
    -------
    (..., 6) float32

    References
    ----------
    Finlayson, Mackiewicz, Hurlbert 2015, "Color correction using root-polynomial regression", IEEE Trans Image
    Process 24(5), 1460–1470.
    """
    values = np.asarray(linear_rgb, np.float32)
    roots = np.sqrt(np.maximum(values * np.roll(values, -1, axis=-1), 0.0))
    # roll: R·G, G·B, B·R
    return np.concatenate([values, roots], axis=-1)


def chain(first: ColorCorrection, then: ColorCorrection) -> ColorCorrection:
    """One correction that does ``first``, which has gains alone, and ``then``; its uncertainties add up.

    Parameters
    ----------
    first : ColorCorrection
        Toward the rendering of another photo.
    then : ColorCorrection
        That photo's own correction.

    Returns
    -------
    ColorCorrection
        With the rung, reason and residual of ``first`` and the anchor of ``then``.
    """
    return replace(
        first,
        anchor=then.anchor,
        gains=first.gains * then.gains,
        tone=then.tone,
        matrix=then.matrix,
        log_gain_covariance=first.log_gain_covariance + then.log_gain_covariance,
        relative_redness_se=float(np.hypot(first.relative_redness_se, then.relative_redness_se)),
    )
