"""Colour spaces: sRGB, linear light, CIELAB (D65, 2°), and the figures that skin is described with.

Everything works on arrays of shape (..., 3), in float32, and leaves its input as it was. Values outside 0..1, as a
wide-gamut photo has them in linear sRGB, are carried through and not clipped, except where a function says so.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

LINEAR_SRGB_TO_XYZ: npt.NDArray[np.float64] = np.array(
    [
        [0.41239080, 0.35758434, 0.18048079],
        [0.21263901, 0.71516868, 0.07219232],
        [0.01933082, 0.11919478, 0.95053215],
    ]
)
"""Linear sRGB to CIE XYZ, D65, Y of white = 1: from the primaries and the white (0.3127, 0.3290) of IEC 61966-2-1."""

XYZ_D65: npt.NDArray[np.float64] = LINEAR_SRGB_TO_XYZ.sum(axis=1)
"""White of sRGB: what R = G = B = 1 becomes, so that greys have a* = b* = 0."""

EI_PER_A_STAR = 0.0405
"""Erythema index (ln R - ln G) that goes with one unit of a* on light skin; EI / this = "a*-equivalent"."""

DENSITY_FLOOR = 1e-4
"""Linear values below this are raised to it before a logarithm."""

_EPSILON = (6 / 29) ** 3
_SLOPE = (29 / 6) ** 2 / 3
_F_TO_LAB = np.array([[0.0, 116.0, 0.0, -16.0], [500.0, -500.0, 0.0, 0.0], [0.0, 200.0, -200.0, 0.0]])
_LAB_TO_F = np.array(
    [[1 / 116, 1 / 500, 0.0, 16 / 116], [1 / 116, 0.0, 0.0, 16 / 116], [1 / 116, 0.0, -1 / 200, 16 / 116]]
)
_TO_WHITE_RELATIVE = LINEAR_SRGB_TO_XYZ / XYZ_D65[:, None]
_FROM_WHITE_RELATIVE = np.linalg.inv(_TO_WHITE_RELATIVE)
_XYZ_TO_LINEAR_SRGB = np.linalg.inv(LINEAR_SRGB_TO_XYZ)


def apply_matrix(array: npt.ArrayLike, matrix: npt.NDArray[np.floating[Any]]) -> Array:
    """Multiply every triple by a 3×3 matrix, or by a 3×4 one whose last column is added.

    Parameters
    ----------
    array : (..., 3) array_like
    matrix : (3, 3) or (3, 4) array

    Returns
    -------
    (..., 3) float32
    """
    values = np.asarray(array, dtype=np.float32)
    if values.size == 0:
        return values.copy()
    # cv2.transform is several times faster than a matmul with an inner dimension of three.
    flat = cv2.transform(np.ascontiguousarray(values).reshape(-1, 1, 3), matrix.astype(np.float64))
    return np.asarray(flat, dtype=np.float32).reshape(values.shape)


def apply_curve(stored: npt.NDArray[Any], curve: Array) -> Array:
    """Look stored numbers up in a photo's tone curves.

    Parameters
    ----------
    stored : (..., 3) uint8 or uint16
    curve : (3, levels) float32
        Linear light of each channel's numbers.

    Returns
    -------
    (..., 3) float32
        Linear light of the file's own colour space.
    """
    return np.stack([curve[channel][stored[..., channel]] for channel in range(3)], axis=-1)


def srgb_to_linear(rgb: npt.ArrayLike) -> Array:
    """Decode sRGB to linear light.

    Parameters
    ----------
    rgb : array_like
        Floats 0..1, or uint8 or uint16 over their whole range. Negative floats are mirrored, floats above 1 follow
        the same curve.

    Returns
    -------
    float32 array of the same shape

    Examples
    --------
    >>> srgb_to_linear([0.0, 0.5, 1.0]).round(4).tolist()
    [0.0, 0.21400000154972076, 1.0]
    """
    values = np.asarray(rgb)
    if values.dtype in (np.uint8, np.uint16):
        levels = np.iinfo(values.dtype).max
        table = srgb_to_linear(np.arange(levels + 1) / levels)
        return np.asarray(table[values], dtype=np.float32)
    encoded = values.astype(np.float32)
    size = np.abs(encoded)
    linear = np.power((size + np.float32(0.055)) / np.float32(1.055), np.float32(2.4))
    np.copyto(linear, size / np.float32(12.92), where=size <= 0.04045)
    return np.asarray(np.copysign(linear, encoded), dtype=np.float32)


def linear_to_srgb(linear_rgb: npt.ArrayLike) -> Array:
    """Encode linear light as sRGB, 0..1, without clipping.

    Parameters
    ----------
    linear_rgb : array_like of float
        Negative values are mirrored, values above 1 follow the same curve.

    Returns
    -------
    float32 array of the same shape

    Examples
    --------
    >>> linear_to_srgb([0.0, 0.21404, 1.0]).round(3).tolist()
    [0.0, 0.5, 1.0]
    """
    linear = np.asarray(linear_rgb, dtype=np.float32)
    size = np.abs(linear)
    encoded = np.power(size, np.float32(1 / 2.4))
    encoded *= np.float32(1.055)
    encoded -= np.float32(0.055)
    np.copyto(encoded, size * np.float32(12.92), where=size <= 0.0031308)
    return np.asarray(np.copysign(encoded, linear), dtype=np.float32)


def encode_srgb8(linear_rgb: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Encode linear light as 8-bit sRGB, clipped to 0..255 and rounded.

    Parameters
    ----------
    linear_rgb : array_like of float
        NaN becomes 0.

    Returns
    -------
    uint8 array of the same shape

    Examples
    --------
    >>> encode_srgb8([-0.1, 0.2159, 1.2]).tolist()
    [0, 128, 255]
    """
    # fmax and fmin prefer the number over NaN.
    encoded = linear_to_srgb(np.fmin(np.fmax(np.asarray(linear_rgb, dtype=np.float32), 0), 1))
    encoded *= 255
    encoded += 0.5
    return encoded.astype(np.uint8)


def linear_rgb_to_xyz(linear_rgb: npt.ArrayLike) -> Array:
    """CIE XYZ (D65, 2°; Y of white is 1) of linear sRGB, without clipping.

    Parameters
    ----------
    linear_rgb : (..., 3) array_like of float

    Returns
    -------
    (..., 3) float32

    Examples
    --------
    >>> linear_rgb_to_xyz([1.0, 1.0, 1.0]).round(4).tolist()
    [0.9505000114440918, 1.0, 1.0891000032424927]
    """
    return apply_matrix(linear_rgb, LINEAR_SRGB_TO_XYZ)


def xyz_to_linear_rgb(xyz: npt.ArrayLike) -> Array:
    """Linear sRGB of CIE XYZ: the inverse of :func:`linear_rgb_to_xyz`, without clipping.

    Parameters
    ----------
    xyz : (..., 3) array_like of float

    Returns
    -------
    (..., 3) float32

    Examples
    --------
    >>> xyz_to_linear_rgb([0.9505, 1.0, 1.0889]).round(3).tolist()
    [1.0, 1.0, 1.0]
    """
    return apply_matrix(xyz, _XYZ_TO_LINEAR_SRGB)


def linear_rgb_to_lab(linear_rgb: npt.ArrayLike) -> Array:
    """CIELAB (D65, 2°) of linear sRGB.

    Parameters
    ----------
    linear_rgb : (..., 3) array_like of float
        Linear sRGB; values outside 0..1 are legitimate colours outside the sRGB gamut.

    Returns
    -------
    (..., 3) float32
        L* (0..100 within the gamut), a*, b*.

    Notes
    -----
    OpenCV's own conversion clips its input to 0..1 and interpolates a table (errors to 0.03), so it is not used.

    References
    ----------
    CIE 15:2018, Colorimetry, 4th edition.

    Examples
    --------
    >>> linear_rgb_to_lab([1.0, 0.0, 0.0]).round(2).tolist()
    [53.2400016784668, 80.08999633789062, 67.19999694824219]
    """
    ratio = apply_matrix(linear_rgb, _TO_WHITE_RELATIVE)
    low = ratio <= _EPSILON
    f = np.cbrt(ratio)
    if low.any():
        f[low] = ratio[low] * np.float32(_SLOPE) + np.float32(4 / 29)
    return apply_matrix(f, _F_TO_LAB)


def lab_to_linear_rgb(lab: npt.ArrayLike) -> Array:
    """Linear sRGB of CIELAB (D65, 2°): the inverse of :func:`linear_rgb_to_lab`, without clipping.

    Parameters
    ----------
    lab : (..., 3) array_like of float

    Returns
    -------
    (..., 3) float32

    Examples
    --------
    >>> lab_to_linear_rgb([100.0, 0.0, 0.0]).round(3).tolist()
    [1.0, 1.0, 1.0]
    """
    f = apply_matrix(lab, _LAB_TO_F)
    ratio = f * f * f
    low = f <= 6 / 29
    if low.any():
        ratio[low] = (f[low] - np.float32(4 / 29)) / np.float32(_SLOPE)
    return apply_matrix(ratio, _FROM_WHITE_RELATIVE)


def delta_e_76(lab_a: npt.ArrayLike, lab_b: npt.ArrayLike) -> Array:
    """Colour difference CIE76: the Euclidean distance in CIELAB.

    Parameters
    ----------
    lab_a, lab_b : (..., 3) array_like of float
        Shapes that broadcast.

    Returns
    -------
    (...) float32

    Examples
    --------
    >>> float(delta_e_76([50, 0, 0], [50, 3, 4]))
    5.0
    """
    difference = np.asarray(lab_a, dtype=np.float32) - np.asarray(lab_b, dtype=np.float32)
    return np.asarray(np.sqrt(np.sum(difference * difference, axis=-1)), dtype=np.float32)


def delta_e_2000(lab_a: npt.ArrayLike, lab_b: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Colour difference CIEDE2000 with kL = kC = kH = 1.

    Parameters
    ----------
    lab_a, lab_b : (..., 3) array_like of float
        Shapes that broadcast.

    Returns
    -------
    (...) float64

    References
    ----------
    Sharma, Wu, Dalal (2005), Color Research & Application 30(1), 21–30.

    Examples
    --------
    >>> round(float(delta_e_2000([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485])), 4)
    2.0425
    """
    l1, a1, b1 = np.moveaxis(np.asarray(lab_a, dtype=np.float64), -1, 0)
    l2, a2, b2 = np.moveaxis(np.asarray(lab_b, dtype=np.float64), -1, 0)
    # Greys are stretched along a* before chroma and hue are taken.
    stretch = 1.5 - 0.5 * _chroma_weight((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2)
    c1, c2 = np.hypot(a1 * stretch, b1), np.hypot(a2 * stretch, b2)
    h1, h2 = np.arctan2(b1, a1 * stretch) % (2 * np.pi), np.arctan2(b2, a2 * stretch) % (2 * np.pi)
    colored = c1 * c2 > 0
    turn = np.where(colored, (h2 - h1 + np.pi) % (2 * np.pi) - np.pi, 0.0)
    mean_h = np.where(colored, _mean_hue(h1, h2), h1 + h2)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * np.cos(mean_h - np.radians(30))
        + 0.24 * np.cos(2 * mean_h)
        + 0.32 * np.cos(3 * mean_h + np.radians(6))
        - 0.20 * np.cos(4 * mean_h - np.radians(63))
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    lightness = (l2 - l1) / s_l
    chroma = (c2 - c1) / (1 + 0.045 * mean_c)
    hue = 2 * np.sqrt(c1 * c2) * np.sin(turn / 2) / (1 + 0.015 * mean_c * t)
    blue = np.radians(60) * np.exp(-(((np.degrees(mean_h) - 275) / 25) ** 2))
    rotation = -np.sin(blue) * 2 * _chroma_weight(mean_c)
    return np.asarray(np.sqrt(lightness**2 + chroma**2 + hue**2 + rotation * chroma * hue), dtype=np.float64)


def _chroma_weight(chroma: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(np.sqrt(chroma**7 / (chroma**7 + 25.0**7)))


def _mean_hue(h1: npt.NDArray[np.float64], h2: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mean of two hue angles in [0, 2π) on the shorter arc between them, in the branches of Sharma's paper."""
    total = h1 + h2
    wrapped = np.where(total < 2 * np.pi, total + 2 * np.pi, total - 2 * np.pi)
    return np.asarray(np.where(np.abs(h1 - h2) <= np.pi, total, wrapped) / 2)


def individual_typology_angle(lab: npt.ArrayLike) -> Array:
    """Individual typology angle (ITA), degrees: above 55 very light skin, below -30 dark skin.

    Parameters
    ----------
    lab : (..., 3) array_like of float

    Returns
    -------
    (...) float32
        Degrees, -180..180; within ±90 wherever b* is positive, as it is on skin.

    References
    ----------
    Chardon, Cretois, Hourseau (1991), Int. J. Cosmetic Science 13(4), 191–208.

    Examples
    --------
    >>> round(float(individual_typology_angle([65.0, 10.0, 15.0])), 3)
    45.0
    """
    values = np.asarray(lab, dtype=np.float32)
    return np.asarray(np.degrees(np.arctan2(values[..., 0] - 50, values[..., 2])), dtype=np.float32)


def optical_density(linear_rgb: npt.ArrayLike) -> Array:
    """Optical density per channel, -ln of linear light: pigments add up in it.

    Parameters
    ----------
    linear_rgb : array_like of float
        Values under 1e-4 are raised to 1e-4.

    Returns
    -------
    float32 array of the same shape, at most 9.21

    Examples
    --------
    >>> optical_density([1.0, 0.5, 0.0]).round(2).tolist()
    [-0.0, 0.6899999976158142, 9.210000038146973]
    """
    return -np.log(np.maximum(np.asarray(linear_rgb, dtype=np.float32), np.float32(DENSITY_FLOOR)))


def erythema_index(linear_rgb: npt.ArrayLike) -> Array:
    """Erythema index ln R - ln G: grows with blood in the skin and does not depend on shading.

    Parameters
    ----------
    linear_rgb : (..., 3) array_like of float
        Values under 1e-4 are raised to 1e-4.

    Returns
    -------
    (...) float32
        Natural log units; divide by :data:`EI_PER_A_STAR` for "a*-equivalent".

    Notes
    -----
    Melanin and the colour of the light move it too: compare only under the same light or after correction.

    Examples
    --------
    >>> round(float(erythema_index([0.4, 0.2, 0.1])), 4)
    0.6931
    """
    values = np.asarray(linear_rgb, dtype=np.float32)
    red, green = (np.maximum(values[..., i], np.float32(DENSITY_FLOOR)) for i in (0, 1))
    return np.asarray(np.log(red / green), dtype=np.float32)
