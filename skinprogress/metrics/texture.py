"""Texture: the fine relief of light and dark that pores and small lines draw."""

from skinprogress.metrics.inputs import FloatMap, MetricInput, band_mm


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
    return 100.0 * band_mm(data, data.log_luminance, low_mm=1.0, high_mm=4.0)
