"""Tone: how evenly light, blood and pigment lie over the skin at 4 mm and more."""

import numpy as np

from skinprogress.metrics.inputs import FloatMap, MetricInput, band_mm
from skinprogress.metrics.pigmentation import haemoglobin_index, melanin_index

PATCH_LEVEL = 0.2
"""How much more or less melanin than the skin around it makes a patch, optical density."""

PATCH_RAMP = 0.06
"""Width over which skin begins to count as a patch, optical density."""

_EVENNESS_MM = (4.0, 16.0)
_PATCH_MM = (4.0, 32.0)


def tone_uniformity(data: MetricInput) -> FloatMap:
    """Log-luminance between 4 and 16 mm, percent; its spread over a region is the metric (lower is more even).

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        100 × band-passed ln of the luminance; NaN where not measurable.

    Notes
    -----
    The shape of the face under another light shows in this band too: compare only photos under similar light.

    References
    ----------
    Matts, Fink, Grammer, Burquest 2007, "Color homogeneity and visual perception of age, health, and attractiveness
    of female facial skin", J Am Acad Dermatol 57: homogeneity against perceived health r = .40.
    """
    low, high = _EVENNESS_MM
    return 100.0 * band_mm(data, data.log_luminance, low_mm=low, high_mm=high)


def haemoglobin_uniformity(data: MetricInput) -> FloatMap:
    """Haemoglobin index between 4 and 16 mm, optical-density units; its spread over a region is the metric.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32

    Notes
    -----
    Blind to shading, so less exposed to the direction of the light than :func:`tone_uniformity`; shine and light of
    two colours disturb it.
    """
    low, high = _EVENNESS_MM
    return band_mm(data, data.kept("haemoglobin", haemoglobin_index), low_mm=low, high_mm=high)


def melanin_uniformity(data: MetricInput) -> FloatMap:
    """Melanin index between 4 and 16 mm, optical-density units; its spread over a region is the metric.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32

    Notes
    -----
    As :func:`haemoglobin_uniformity`; it rests on the blue channel, which phones smooth and compress most.
    """
    low, high = _EVENNESS_MM
    return band_mm(data, data.kept("melanin", melanin_index), low_mm=low, high_mm=high)


def _patches(data: MetricInput, sign: float) -> FloatMap:
    low, high = _PATCH_MM
    band = band_mm(data, data.kept("melanin", melanin_index), low_mm=low, high_mm=high)
    return np.asarray(np.clip((sign * band - PATCH_LEVEL) / PATCH_RAMP + 0.5, 0.0, 1.0), np.float32)


def dark_patches(data: MetricInput) -> FloatMap:
    """How far each px belongs to a patch with more melanin than the skin around it, 0 to 1; the sum is an area in mm².

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        Of the melanin index between 4 and 32 mm: 0 below 0.17, 1 above 0.23 optical density.

    Notes
    -----
    Of patches larger than about 15 mm a part is lost, and what a whole cheek shares does not count. Pigment may shift
    for weeks after a treatment and come back.
    """
    return _patches(data, 1.0)


def pale_patches(data: MetricInput) -> FloatMap:
    """How far each px belongs to a patch with less melanin than the skin around it, 0 to 1; the sum is an area in mm².

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32

    Notes
    -----
    The counterpart of :func:`dark_patches`; broad shine looks like it.
    """
    return _patches(data, -1.0)
