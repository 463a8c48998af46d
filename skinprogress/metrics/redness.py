"""Redness: how much more red than green the skin sends back."""

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.metrics.inputs import FloatMap, MetricInput


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
