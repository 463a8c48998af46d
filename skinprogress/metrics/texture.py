"""Texture: the fine relief of light and dark that pores and small lines draw."""

import cv2
import numpy as np

from skinprogress.metrics.bands import box_around, coarse_step, repeat_px
from skinprogress.metrics.inputs import FloatMap, MetricInput, band_mm
from skinprogress.metrics.noise import band_gain
from skinprogress.metrics.pigmentation import log_shading
from skinprogress.records import FloatArray

GLCM_OFFSET_MM = 1.0
GLCM_BAND_MM = (1.0, 16.0)
"""What is left of the log-luminance before grey levels are compared: flattened by a Gaussian of sigma 3 mm."""
GLCM_LEVEL_PERCENT = 1.0
GLCM_LEVELS = 32
"""Fixed grey levels: 32 of 1 % each, from −16 to 16 %; what lies further out counts as the outermost."""


def texture_uniformity(data: MetricInput) -> FloatMap:
    """Log-luminance between 1 and 4 mm, percent; its spread over a region is the metric (lower is smoother).

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        100 × band-passed ln of the luminance; NaN where the photo shows 1 mm with less than 2.5 px.

    Notes
    -----
    Free of exposure and slow shading. Blur of one px takes a third of the 1–2 mm part away, noise adds to it, and
    grazing light deepens it: photos that differ in sharpness or light get wider intervals.
    """
    return _luminance_band(data, 1.0, 4.0)


def pores(data: MetricInput) -> FloatMap:
    """Log-luminance between 0.5 and 1 mm, percent; its spread over a region is the metric (lower is smoother).

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        As :func:`texture_uniformity`; NaN where the photo or the frame shows 0.5 mm with less than 2.5 px.

    Notes
    -----
    What pores, fine hairs, scales and noise have in common: it does not tell them apart. The most fragile band: the
    least blur, sharpening or smoothing by the phone changes it, and noise easily doubles it.
    """
    return _luminance_band(data, 0.5, 1.0)


def fine_texture(data: MetricInput) -> FloatMap:
    """Log-luminance between 1 and 2 mm, percent; its spread over a region is the metric (lower is smoother).

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        As :func:`texture_uniformity`, of which this is the finer half.

    Notes
    -----
    Blur of one px takes about a third of it away and noise adds to it; compare only photos of equal sharpness.
    """
    return _luminance_band(data, 1.0, 2.0)


def coarse_texture(data: MetricInput) -> FloatMap:
    """Log-luminance between 2 and 4 mm, percent; its spread over a region is the metric (lower is smoother).

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        As :func:`texture_uniformity`, of which this is the coarser half; NaN where the photo shows 2 mm with less than
        2.5 px.

    Notes
    -----
    Hardly disturbed by blur and noise of phones, but by the direction of the light as all relief is; brown and red
    spots of this size are in it too.
    """
    return _luminance_band(data, 2.0, 4.0)


def relief_contrast(data: MetricInput) -> FloatMap:
    """Shadow relief between 2 and 8 mm, percent; its spread over a region is the metric (lower is flatter).

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        100 × band-passed ln of the light that the surface gets, after blood and melanin are taken out along their
        fixed axes; NaN where the photo shows 2 mm with less than 2.5 px.

    Notes
    -----
    The depth of a scar and the firmness of skin cannot be measured from a photo: this says how strong its light and
    shade are, and the same dent is twice as strong under light that falls half as steeply. Compare only photos whose
    light comes from the same direction; oblique views show relief best, frontal flash hides it. Shine adds to it, and
    pigment that absorbs along other axes leaves a trace.

    References
    ----------
    Tsumura, Haneishi, Miyake 1999, "Independent-component analysis of skin color image", J Opt Soc Am A 16, for the
    separation.
    """
    return np.float32(100.0) * band_mm(data, data.kept("log_shading", log_shading), low_mm=2.0, high_mm=8.0)


def glcm_contrast(data: MetricInput) -> FloatMap:
    """Contrast of the grey-level co-occurrence matrix at 1 mm, squared grey levels; its mean is the metric.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        Mean of (i − j)² over the four neighbours of each px in 1 mm distance (0°, 45°, 90°, 135°). Its mean over a
        region is the contrast of the region's matrix, symmetric, all four directions pooled, of one px in about
        0.9 mm. NaN as in :func:`texture_uniformity`.

    Notes
    -----
    Grey levels are 1 % of log-luminance between 1 and 16 mm, fixed, 32 of them: never stretched to the photo, which
    would make smooth skin look like rough skin. They are not rounded to whole levels: that would add 1/6 to every
    contrast and make it depend on nothing that the skin does. Free of exposure and slow shading; blur lowers it and
    noise raises it as they do :func:`texture_uniformity`, squared. Numbers from other offsets, levels or scales of a
    photo are not comparable with it.

    References
    ----------
    Haralick, Shanmugam, Dinstein 1973, "Textural features for image classification", IEEE Trans Syst Man Cybern 3.
    """
    return data.kept("glcm", _cooccurrence)[0]


def glcm_homogeneity(data: MetricInput) -> FloatMap:
    """Homogeneity of the grey-level co-occurrence matrix at 1 mm, 0..1; its mean is the metric (higher is smoother).

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        Mean of 1 / (1 + (i − j)²) over the same neighbours and grey levels as :func:`glcm_contrast`.

    Notes
    -----
    As :func:`glcm_contrast`, and less moved by few strong edges.

    References
    ----------
    Haralick, Shanmugam, Dinstein 1973, "Textural features for image classification", IEEE Trans Syst Man Cybern 3
    (as inverse difference moment).
    """
    return data.kept("glcm", _cooccurrence)[1]


def band_power_gain(per_mm: FloatArray, *, low_mm: float, high_mm: float) -> FloatArray:
    """Power that a band in percent lets through of waves in ln luminance.

    Parameters
    ----------
    per_mm : (n,) float
        Frequencies, cycles per mm.
    low_mm, high_mm : float
        Shortest and longest wavelength of the band, mm.

    Returns
    -------
    (n,) float
        Percent² per ln².

    Examples
    --------
    >>> band_power_gain(np.array([0.001, 0.5]), low_mm=1.0, high_mm=4.0).round(-2)
    array([   0., 6100.])
    """
    return np.asarray(1e4 * band_gain(per_mm, low_mm, high_mm))


def glcm_power_gain(per_mm: FloatArray) -> FloatArray:
    """Power that :func:`glcm_contrast` lets through of waves in ln luminance, the same from all directions.

    Parameters
    ----------
    per_mm : (n,) float
        Frequencies, cycles per mm.

    Returns
    -------
    (n,) float
        Squared grey levels per ln².

    Notes
    -----
    Exact only as long as few values lie outside of the 32 grey levels.
    """
    from scipy.special import j0

    low_mm, high_mm = GLCM_BAND_MM
    band = band_power_gain(per_mm, low_mm=low_mm, high_mm=high_mm) / GLCM_LEVEL_PERCENT**2
    return np.asarray(band * 2.0 * (1.0 - j0(2.0 * np.pi * per_mm * GLCM_OFFSET_MM)))


def _luminance_band(data: MetricInput, low_mm: float, high_mm: float) -> FloatMap:
    return np.float32(100.0) * band_mm(data, data.log_luminance, low_mm=low_mm, high_mm=high_mm)


def _cooccurrence(data: MetricInput) -> tuple[FloatMap, FloatMap]:
    """Contrast and homogeneity of each px with its four neighbours."""
    # Neighbours 1 mm away tell no more from px to px: one px in about 0.9 mm is asked, the others take its answer.
    step = 2 * coarse_step(data)
    box = box_around(data.skin)
    band = _luminance_band(data, *GLCM_BAND_MM)[box]
    reach = GLCM_LEVELS / 2.0
    levels = np.clip(band / np.float32(GLCM_LEVEL_PERCENT), np.float32(-reach), np.float32(reach))
    maps = _compare_neighbours(levels, GLCM_OFFSET_MM / data.mm_per_px[box], step=step)
    contrast, homogeneity = (np.full(data.skin.shape, np.nan, np.float32) for _ in maps)
    for out, plane in zip((contrast, homogeneity), maps, strict=True):
        out[box] = repeat_px(plane, np.isfinite(band), step=step)
    return contrast, homogeneity


def _compare_neighbours(levels: FloatMap, offset_px: FloatMap, *, step: int) -> tuple[FloatMap, FloatMap]:
    """Mean of (i − j)² and of 1 / (1 + (i − j)²) over four directions, for every `step`-th px.

    The offset varies over the face and is no whole number: the two nearest whole ones are weighted by how near they
    are, which, unlike an interpolated picture, blurs nothing.
    """
    known = np.isfinite(levels) & np.isfinite(offset_px)
    wanted = np.where(known, offset_px, np.float32(0.0))[::step, ::step]
    margin = 1 + int(wanted.max())
    low = float(offset_px.min(where=known, initial=np.inf)) if known.any() else 1.0
    around, there = (np.pad(plane, margin) for plane in (np.where(known, levels, np.float32(0.0)), np.float32(known)))
    first = _every(around, step, (margin, margin), levels.shape)
    total, alike, weight = (np.zeros(first.shape, np.float32) for _ in range(3))
    for directions, share in ((((0, 1), (1, 0)), 1.0), (((1, 1), (1, -1)), float(np.sqrt(0.5)))):
        for px in range(max(1, int(low * share)), 1 + int(np.ceil(wanted.max() * share))):
            nearness = np.maximum(1.0 - np.abs(wanted * np.float32(share) - px), np.float32(0.0))
            for dy, dx in directions:
                start = margin + px * dy, margin + px * dx
                counts = cv2.multiply(nearness, _every(there, step, start, levels.shape))
                difference = cv2.subtract(first, _every(around, step, start, levels.shape))
                squared = cv2.multiply(difference, difference)
                cv2.accumulateProduct(counts, squared, total)
                cv2.accumulate(cv2.divide(counts, squared + np.float32(1.0)), alike)
                cv2.accumulate(counts, weight)
    # At the edge the px that is asked may lie off the skin, and others of its block on it: the next ones answer.
    alone = weight == 0.0
    total, alike, weight = (np.where(alone, cv2.blur(plane, (3, 3)), plane) for plane in (total, alike, weight))
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / weight, alike / weight


def _every(plane: FloatMap, step: int, start: tuple[int, int], shape: tuple[int, ...]) -> FloatMap:
    rows, columns = (slice(s, s + n, step) for s, n in zip(start, shape, strict=True))
    return np.ascontiguousarray(plane[rows, columns])
