"""Tone: how evenly light and dark the skin is over 4 to 16 mm."""

from skinprogress.metrics.inputs import FloatMap, MetricInput, band_mm


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
    return 100.0 * band_mm(data, data.log_luminance, low_mm=4.0, high_mm=16.0)
