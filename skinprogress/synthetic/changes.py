"""Known changes put into a photo of skin, in linear light: pigment added or taken away, texture scaled."""

from collections.abc import Collection, Mapping
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import DENSITY_FLOOR
from skinprogress.face.regions import REGIONS, WHOLE_FACE, bare_face_mask, region_mask
from skinprogress.synthetic.surface import CANONICAL_PX_PER_MM, from_canonical, photo_to_canonical

FloatMap = npt.NDArray[np.float32]
Direction = Literal["haemoglobin", "melanin", "haemoglobin_tsumura", "melanin_tsumura"]

DIRECTIONS: dict[Direction, tuple[float, float, float]] = {
    "haemoglobin": (0.23, 0.69, 0.68),
    "melanin": (0.24, 0.48, 0.85),
    "haemoglobin_tsumura": (0.299, 0.684, 0.666),
    "melanin_tsumura": (0.414, 0.357, 0.837),
}
"""Absorption of the pigments in −ln linear sRGB (R, G, B). The first pair was modelled under daylight, the second is
that of Tsumura, Haneishi, Miyake 1999 (J Opt Soc Am A 16): two of each, so that no estimator is graded on its own
constants.
"""

ONE_PERCENT_BLOOD = 0.288
"""Amount along ``haemoglobin`` that 1 % more blood volume adds: (0.07, 0.195, 0.20) in −ln linear sRGB."""

_FEATURE_FEATHER_MM = 1.5
_SIDE_PX = 1024  # side of the canonical frame in which weights are drawn
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
# A Gaussian of this sigma, in wavelengths, passes half of the amplitude: exp(-2 (pi sigma / wavelength)^2) = 1/2.
_HALF_AMPLITUDE_SIGMA = float(np.sqrt(np.log(2.0) / 2.0) / np.pi)


def redness_per_unit(direction: Direction) -> float:
    """Rise of the erythema index ln R − ln G for one unit of pigment along ``direction``, natural-log units.

    Examples
    --------
    >>> round(redness_per_unit("haemoglobin") * ONE_PERCENT_BLOOD, 3)
    0.132
    """
    red, green, _ = DIRECTIONS[direction]
    return green - red


def inject_pigment(
    linear_rgb: npt.NDArray[np.floating], amount_map: npt.ArrayLike, *, direction: Direction
) -> npt.NDArray[np.float32]:
    """Shift the optical density of a photo along the absorption of one pigment.

    Parameters
    ----------
    linear_rgb : (H, W, 3) float
        Linear sRGB.
    amount_map : (H, W) array_like or float
        How much pigment is added, optical-density units along `direction`; negative takes pigment away.
        :data:`ONE_PERCENT_BLOOD` is 1 % more blood.
    direction : {'haemoglobin', 'melanin', 'haemoglobin_tsumura', 'melanin_tsumura'}

    Returns
    -------
    (H, W, 3) float32
        A new array. Not clipped: taking pigment away from bright skin may pass 1.

    Raises
    ------
    ValueError
        The direction is unknown, or the map has another size than the photo.

    Notes
    -----
    Light that the surface mirrors never passed the pigment, but is tinted here with the rest: leave shine out of the
    map where that matters.

    Examples
    --------
    >>> skin = np.full((2, 2, 3), (0.5, 0.3, 0.2), np.float32)
    >>> redder = inject_pigment(skin, ONE_PERCENT_BLOOD, direction="haemoglobin")
    >>> redder[0, 0].round(3)
    array([0.468, 0.246, 0.164], dtype=float32)
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"unknown direction {direction!r}: choose one of {', '.join(DIRECTIONS)}")
    amount = np.asarray(amount_map, np.float32)
    if amount.ndim and amount.shape != linear_rgb.shape[:2]:
        raise ValueError(f"the amount map is {amount.shape}, and the photo {linear_rgb.shape[:2]}: give one value a px")
    density = amount[..., None] * np.array(DIRECTIONS[direction], np.float32)
    return np.asarray(linear_rgb, np.float32) * np.exp(-density)


def inject_texture(
    linear_rgb: npt.NDArray[np.floating],
    weight_map: npt.NDArray[np.floating],
    *,
    gain: float,
    mm_per_px: float,
    band_mm: tuple[float, float] = (1.0, 4.0),
) -> npt.NDArray[np.float32]:
    """Scale the contrast of log-luminance within a band of wavelengths; colour stays.

    Parameters
    ----------
    linear_rgb : (H, W, 3) float
        Linear sRGB.
    weight_map : (H, W) float
        Where to change it, 0..1, from :func:`region_weight`. What has no weight does not enter the band either: the
        edge of a brow is no texture.
    gain : float
        Factor on the contrast, 0 or more; 1 leaves the photo as it is.
    mm_per_px : float
        Millimetres of skin per photo px.
    band_mm : (float, float)
        Shortest and longest wavelength, mm.

    Returns
    -------
    (H, W, 3) float32
        A new array.

    Raises
    ------
    ValueError
        The gain is negative, or the sizes or the band make no sense.

    Notes
    -----
    The contrast is the spread, without the few steepest places, of a difference of Gaussians with half amplitude at the
    two wavelengths. Its soft edges reach beyond them, so neighbouring bands change a little too, and under a gain of
    about 0.2 some contrast stays. Wavelengths under 2 px cannot be changed.
    """
    low_mm, high_mm = band_mm
    if gain < 0.0 or mm_per_px <= 0.0 or not 0.0 < low_mm < high_mm:
        raise ValueError(f"gain {gain}, {mm_per_px} mm per px, band {band_mm} mm: above 0, band from low to high")
    if weight_map.shape != linear_rgb.shape[:2]:
        raise ValueError(f"the weights are {weight_map.shape}, the photo {linear_rgb.shape[:2]}: give one value a px")
    image = np.asarray(linear_rgb, np.float32)
    weight = np.asarray(weight_map, np.float32)
    if gain == 1.0 or not weight.any():
        return image.copy()
    log = np.log(np.maximum(image @ _LUMINANCE, np.float32(DENSITY_FLOOR)))
    sigmas = (_HALF_AMPLITUDE_SIGMA * low_mm / mm_per_px, _HALF_AMPLITUDE_SIGMA * high_mm / mm_per_px)
    # 1 − (1 − B)²: flatter inside the band than the difference of Gaussians B itself.
    first = _band(log, weight, sigmas)
    detail = weight * (first + _band(log - first, weight, sigmas))
    share = _share_for(gain, first, _band(detail, weight, sigmas), weight)
    return image * np.exp(np.float32(share) * detail)[..., None]


def _share_for(gain: float, band: FloatMap, of_detail: FloatMap, weight: FloatMap) -> float:
    """How much of the detail to add, so that the spread of the band becomes `gain` times what it was."""
    inside = weight > 0.9 * weight.max()
    middle, spread = np.median(band[inside]), np.subtract(*np.percentile(band[inside], [84.0, 16.0])) / 2.0
    # Folds and rims are few and steep: they would decide alone what happens to the pores.
    inside &= np.abs(band - middle) <= 2.0 * spread
    b, d = (plane[inside] - plane[inside].mean() for plane in (band, of_detail))
    bb, bd, dd = (float(np.mean(product)) for product in (b * b, b * d, d * d))
    if dd <= 0.0:
        return gain - 1.0
    # dd x² + 2 bd x + bb (1 − gain²) = 0; without a root the least deviation that can be had.
    root = float(np.sqrt(max(bd * bd - dd * bb * (1.0 - gain * gain), 0.0)))
    return max((root - bd) / dd, -1.0)


def _band(plane: FloatMap, weight: FloatMap, sigmas_px: tuple[float, float]) -> FloatMap:
    fine, coarse = (_weighted_blur(plane, weight, sigma) for sigma in sigmas_px)
    return fine - coarse


def _weighted_blur(plane: FloatMap, weight: FloatMap, sigma_px: float) -> FloatMap:
    # Weights are taken as they are, not as 0 or 1: the soft edge of the map then leaves no line in the photo.
    total = cv2.GaussianBlur(plane * weight, (0, 0), sigma_px)
    reach = cv2.GaussianBlur(weight, (0, 0), sigma_px)
    return np.asarray(np.where(reach > 1e-4, total / np.maximum(reach, 1e-4), plane), np.float32)


def region_weight(
    points_xy: npt.NDArray[np.float64],
    shape_hw: tuple[int, int],
    regions: Collection[str] | Mapping[str, float] = (WHOLE_FACE,),
    *,
    exclude: Collection[str] = (),
    feather_mm: float = 4.0,
) -> npt.NDArray[np.float32]:
    """Soft weights of regions in a photo; eyes, brows, lips and nostrils are left out.

    Parameters
    ----------
    points_xy : (478, 2) float64
        Landmarks, photo px, px edges at integers.
    shape_hw : (int, int)
        Height and width of the photo.
    regions : names, or mapping of name to weight 0..1
        Rows of ``REGIONS``. With a mapping neighbouring regions blend into each other over `feather_mm`.
    exclude : names
        Regions that stay untouched.
    feather_mm : float
        Distance over which the weight rises from 0 at the edge, mm of skin.

    Returns
    -------
    (H, W) float32
        0..1; 0 outside the regions.

    Raises
    ------
    KeyError
        A region that does not exist.
    """
    levels = dict(regions) if isinstance(regions, Mapping) else dict.fromkeys(regions, 1.0)
    plane = canonical_weight(levels, exclude=exclude, feather_mm=feather_mm, side_px=_SIDE_PX)
    return from_canonical(plane, photo_to_canonical(points_xy, shape_hw))


def canonical_weight(
    levels: Mapping[str, float],
    *,
    exclude: Collection[str] = (),
    feather_mm: float,
    side_px: int,
    leave_features: bool = True,
) -> npt.NDArray[np.float32]:
    """As :func:`region_weight`, in the canonical frame.

    Parameters
    ----------
    levels : mapping of region to weight
    exclude, feather_mm
        As in :func:`region_weight`.
    side_px : int
        Side S of the frame.
    leave_features : bool
        Leave out eyes, brows, lips and nostrils, with a margin.

    Returns
    -------
    (S, S) float32

    Raises
    ------
    KeyError
        A region that does not exist.
    """
    unknown = sorted((set(levels) | set(exclude)) - set(REGIONS))
    if unknown:
        raise KeyError(f"no region named {', '.join(unknown)}: the regions are {', '.join(REGIONS)}")
    level = np.zeros((side_px, side_px), np.float32)
    for name in sorted(levels, key=lambda n: n != WHOLE_FACE):  # the whole face first: the others stand on it
        level[region_mask(name, side_px)] = levels[name]
    inside = level > 0.0
    for name in exclude:
        inside &= ~region_mask(name, side_px)
    px_per_mm = CANONICAL_PX_PER_MM * side_px
    if len(set(levels.values())) > 1:
        level = _weighted_blur(level, (level > 0.0).astype(np.float32), max(feather_mm * px_per_mm / 2, 0.1))
    weight = level * _ramp(inside, feather_mm * px_per_mm)
    if not leave_features:
        return weight
    # A region may end far from its edge, but treated skin goes close up to lips and brows.
    to_features = _ramp(bare_face_mask(side_px), min(feather_mm, _FEATURE_FEATHER_MM) * px_per_mm)
    return weight * to_features


def _ramp(inside: npt.NDArray[np.bool_], width_px: float) -> FloatMap:
    """Rise smoothly from 0 at the edge of a mask to 1 `width_px` further in."""
    # The face reaches the edge of its map, which is an edge of the region too.
    framed = np.pad(inside.astype(np.uint8), 1)
    distance = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    ramp = np.clip((distance - 0.5) / max(width_px, 1e-3), 0.0, 1.0)
    return np.asarray(ramp * ramp * (3.0 - 2.0 * ramp), np.float32)
