"""Haemoglobin and melanin: two fixed directions in optical density, with shading as the third."""

import numpy as np
import numpy.typing as npt

from skinprogress.metrics.inputs import FloatMap, MetricInput

# Directions of absorption in −ln linear sRGB, unit length, from modelled skin under daylight; close to the
# pair of Tsumura et al. 1999. Fixed, never fitted to a photo: axes that adapt to each photo drift.
HAEMOGLOBIN = np.array([0.23, 0.69, 0.68])
MELANIN = np.array([0.24, 0.48, 0.85])
SHADING = np.array([1.0, 1.0, 1.0])


def unmixing_matrix() -> npt.NDArray[np.float64]:
    """Rows that turn optical densities (R, G, B) into amounts of haemoglobin, melanin and shading.

    Examples
    --------
    >>> unmixing_matrix()[0].round(1)  # blind to melanin and to shading
    array([-2.1,  3.5, -1.4])
    """
    return np.asarray(np.linalg.inv(np.stack([HAEMOGLOBIN, MELANIN, SHADING], axis=1)))


def lightness(data: MetricInput) -> FloatMap:
    """CIELAB L* of every px, 0 to 100, about 25 to 80 on skin.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32

    Notes
    -----
    Follows the exposure and the light on the face before it follows the skin (10 % more light: +2.5): comparable
    between photos with a colour card in the light of the face.

    References
    ----------
    CIE 15:2004, Colorimetry.
    """
    return data.lab[..., 0]


def ita(data: MetricInput) -> FloatMap:
    """Individual typology angle arctan((L* − 50) / b*), degrees: above 55 very light, below −30 dark skin.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32

    Notes
    -----
    Rests on the exposure and on the blue channel: without a colour reference it is off by 10° and more.

    References
    ----------
    Chardon, Cretois, Hourseau 1991, "Skin colour typology and suntanning pathways", Int J Cosmet Sci 13.
    """
    return np.asarray(np.degrees(np.arctan2(data.lab[..., 0] - 50.0, data.lab[..., 2])), np.float32)


def _amount(data: MetricInput, row: int) -> FloatMap:
    weights = -unmixing_matrix()[row].astype(np.float32)
    return np.asarray(data.log_rgb @ weights, np.float32)


def log_shading(data: MetricInput) -> FloatMap:
    """Natural log of the light that reaches the surface, up to a constant: blind to haemoglobin and to melanin.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32

    Notes
    -----
    The third axis of the same separation. Unlike the luminance it does not fall where the skin turns red: a difference
    of light can be told from a difference of skin.
    """
    return -_amount(data, 2)


def haemoglobin_index(data: MetricInput) -> FloatMap:
    """Amount of haemoglobin along a fixed axis, optical-density units; 1 % of blood adds about 0.26.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32

    Notes
    -----
    Blind to shading and to melanin, and for that more exposed to noise, shine and the blue channel than the erythema
    index: a cross-check of it. The zero has no meaning; differences have.

    References
    ----------
    Tsumura, Haneishi, Miyake 1999, "Independent-component analysis of skin color image", J Opt Soc Am A 16.
    """
    return _amount(data, 0)


def melanin_index(data: MetricInput) -> FloatMap:
    """Amount of melanin along a fixed axis, optical-density units.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32

    Notes
    -----
    Rests on the blue channel, which phones treat worst; a yellow light looks like melanin. The zero has no meaning;
    differences have.

    References
    ----------
    Tsumura, Haneishi, Miyake 1999, "Independent-component analysis of skin color image", J Opt Soc Am A 16.
    """
    return _amount(data, 1)
