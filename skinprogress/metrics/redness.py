"""Redness: how much more red than green the skin sends back."""

import numpy as np

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.metrics.inputs import HALF_AMPLITUDE_SIGMA, FloatMap, MetricInput

RAMP = 1.0
"""Width over which skin begins to count as red, a*-equivalents: a hard border would make noise of every px near it."""

_RED_SHARE = 90.0
# Single px are noise: detail finer than this is averaged, wavelength in mm.
_SMOOTHED_MM = 2.0


def redness(data: MetricInput) -> FloatMap:
    """CIELAB a* of every px, unitless, about 5 to 35 on skin.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32

    Notes
    -----
    Moves with exposure (half the light: −3) and white balance (1 % of red gain: +0.33), and shows less of the same
    blood on dark skin. Comparable only between photos whose colour was matched on something that is not the skin.

    References
    ----------
    CIE 15:2004, Colorimetry. Visible threshold of about 2.5: COLIPA guideline on erythema.
    """
    return data.lab[..., 1]


def log_redness_index(data: MetricInput) -> FloatMap:
    """Erythema index ln R − ln G of every px in linear light, natural-log units, about 0.2 to 1.4 on skin.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32

    Notes
    -----
    Free of shading and exposure of one light; not of its colour, nor of two lights of different colour. Melanin
    raises it too (half as much as blood per unit of density).

    References
    ----------
    Diffey, Oliver, Farr 1984, "A portable instrument for quantifying erythema induced by ultraviolet radiation",
    Br J Dermatol 111.
    """
    return data.log_rgb[..., 0] - data.log_rgb[..., 1]


def redness_index(data: MetricInput) -> FloatMap:
    """Erythema index in a*-equivalents: (ln R − ln G) / 0.0405, about 5 to 35 on skin.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32

    Notes
    -----
    As :func:`log_redness_index`; the division only makes the number readable beside a*. Unlike a* it does not shrink
    on dark skin.
    """
    return log_redness_index(data) / EI_PER_A_STAR


def _smooth_redness(data: MetricInput) -> FloatMap:
    plane = data.kept("redness_index", redness_index)
    return data.blurred(plane, sigma_mm=HALF_AMPLITUDE_SIGMA * _SMOOTHED_MM)


def redness_uniformity(data: MetricInput) -> FloatMap:
    """Redness index without detail finer than 2 mm, a*-equivalents; its spread over a region is the metric.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32

    Notes
    -----
    Blotches, spots and vessels of 2 mm and more count, and slow changes over the region; noise and pores hardly do.
    Light of two colours spreads it too.
    """
    return np.where(data.skin, data.kept("smooth_redness", _smooth_redness), np.float32(np.nan))


def find_red_level(data: MetricInput) -> float:
    """Redness index that nine tenths of the face's skin stay below, a*-equivalents: from here on it counts as red.

    Parameters
    ----------
    data : MetricInput
        The client's reference photo.

    Returns
    -------
    float
        NaN without skin.
    """
    plane = data.kept("smooth_redness", _smooth_redness)[data.skin]
    return float(np.nanpercentile(plane, _RED_SHARE)) if plane.size else float("nan")


def red_share(data: MetricInput) -> FloatMap:
    """How far each px counts as red, 0 to 1: from half an a*-equivalent below the client's red level to half above.

    Parameters
    ----------
    data : MetricInput
        With :attr:`~skinprogress.metrics.inputs.MetricInput.red_level` of the client's reference photo.

    Returns
    -------
    (S, S) float32

    Notes
    -----
    In the reference photo itself a tenth of the face is red by definition: only the change says something. The level
    is an absolute redness, so the colours of both photos have to be matched.
    """
    level = find_red_level(data) if data.red_level is None else data.red_level
    plane = data.kept("smooth_redness", _smooth_redness)
    share = np.clip((plane - np.float32(level)) / np.float32(RAMP) + np.float32(0.5), 0.0, 1.0)
    return np.where(data.skin, share, np.float32(np.nan))


def red_area(data: MetricInput) -> FloatMap:
    """:func:`red_share` in percent: its mean over a region is the share of the skin that is red.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
    """
    return np.asarray(100.0 * red_share(data), np.float32)
