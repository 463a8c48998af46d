"""What every metric is computed from, prepared once per face."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import linear_rgb_to_lab
from skinprogress.records import Face

T = TypeVar("T")
FloatMap = npt.NDArray[np.float32]

# Below this linear value a log is noise: one step of 8-bit sRGB is 0.0003.
LOG_FLOOR = 1e-3
# Rec. 709 luminance of linear sRGB.
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
# Px of the photo, and of the frame, that the shortest wavelength of a band needs.
MIN_PX = 2.5
# A Gaussian of this sigma, in wavelengths, passes half of the amplitude: exp(-2 (pi sigma / wavelength)^2) = 1/2.
HALF_AMPLITUDE_SIGMA = float(np.sqrt(np.log(2.0) / 2.0) / np.pi)


@dataclass(frozen=True, eq=False)
class MetricInput:
    """One face in the canonical frame, and the planes that metrics are computed from, made when first used.

    Attributes
    ----------
    linear_rgb : (S, S, 3) float32
        Linear sRGB, colour-corrected.
    skin : (S, S) bool
        Usable skin.
    mm_per_px : (S, S) float32
        Millimetres per canonical px, NaN off the face.
    photo_px_per_mm : (S, S) float32
        Photo px per mm of skin, as if each place faced the camera; NaN off the face.
    red_level : float or None
        Redness index above which skin counts as red, a*-equivalents: the client's own, from the reference photo; None:
        this photo's.
    """

    linear_rgb: FloatMap
    skin: npt.NDArray[np.bool_]
    mm_per_px: FloatMap
    photo_px_per_mm: FloatMap
    red_level: float | None = None
    _blurred: dict[tuple[int, float], tuple[FloatMap, FloatMap]] = field(default_factory=dict, init=False)
    _kept: dict[str, Any] = field(default_factory=dict, init=False)

    @cached_property
    def lab(self) -> FloatMap:
        """CIELAB, D65/2°, (S, S, 3) float32."""
        return linear_rgb_to_lab(self.linear_rgb)

    @cached_property
    def log_rgb(self) -> FloatMap:
        """Natural log of linear sRGB, (S, S, 3) float32."""
        return log_light(self.linear_rgb)

    @cached_property
    def log_luminance(self) -> FloatMap:
        """Natural log of the relative luminance, (S, S) float32."""
        return log_light(np.asarray(cv2.transform(self.linear_rgb, LUMINANCE[None]), np.float32))

    def blurred(self, plane: FloatMap, *, sigma_mm: float) -> FloatMap:
        """One of the planes, blurred over skin; kept, since neighbouring bands share a border."""
        key = (id(plane), sigma_mm)
        if key not in self._blurred:
            # The plane stays with what was made of it: of one that is gone, another could have the id.
            self._blurred[key] = plane, blur_mm(plane, self.skin, self.mm_per_px, sigma_mm=sigma_mm)
        return self._blurred[key][1]

    def kept(self, name: str, make: Callable[["MetricInput"], T]) -> T:
        """What ``make`` finds out about this face, made once: several metrics may rest on it."""
        if name not in self._kept:
            self._kept[name] = make(self)
        found: T = self._kept[name]
        return found

    def forget(self, *, but: Collection[str] = ()) -> None:
        """Drop all that is :meth:`blurred` and :meth:`kept`, but for some names: planes as large as the face itself."""
        self._blurred.clear()
        for name in [name for name in self._kept if name not in but]:
            del self._kept[name]

    def with_finds(self, other: "MetricInput", names: Iterable[str]) -> "MetricInput":
        """The same face with what is :meth:`kept` of another under the given names: small things that took long."""
        self._kept.update({name: other._kept[name] for name in names if name in other._kept})
        return self

    def every(self, step: int) -> "MetricInput":
        """The same face on every ``step``-th px of each row and column: what is computed px by px needs no more."""
        grid = (slice(None, None, step), slice(None, None, step))
        return replace(
            self,
            linear_rgb=np.ascontiguousarray(self.linear_rgb[grid]),
            skin=np.ascontiguousarray(self.skin[grid]),
            mm_per_px=self.mm_per_px[grid] * np.float32(step),
            photo_px_per_mm=np.ascontiguousarray(self.photo_px_per_mm[grid]),
        )

    def averaged(self, step: int) -> "MetricInput":
        """The same face with the skin of ``step`` × ``step`` px averaged: finer detail and noise do not alias."""
        if step == 1:
            return self
        weight = self.skin.astype(np.float32)
        total = average_px(self.linear_rgb * weight[..., None], step)
        share = average_px(weight, step)
        skin = (share >= 0.5) & np.isfinite(self.mm_per_px[::step, ::step])
        mean = total / np.maximum(share, np.float32(1e-6))[..., None]
        coarse = self.every(step)
        return replace(coarse, linear_rgb=np.where(skin[..., None], mean, coarse.linear_rgb), skin=skin)


def log_light(linear: FloatMap) -> FloatMap:
    """Natural log of linear light, which is raised to 0.001 first."""
    floored = np.maximum(linear, np.float32(LOG_FLOOR))
    return np.asarray(np.log(floored, out=floored), np.float32)


def average_px(image: npt.NDArray[np.float32], step: int) -> npt.NDArray[np.float32]:
    """Means of ``step`` × ``step`` px, (S, S) or (S, S, c) float32 to a grid of every ``step``-th px."""
    height, width = (-(-side // step) for side in image.shape[:2])
    below, right = height * step - image.shape[0], width * step - image.shape[1]
    if below or right:
        image = np.asarray(cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE), np.float32)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def prepare_input(face: Face) -> MetricInput:
    """Hand a face to the metrics."""
    return MetricInput(
        linear_rgb=np.ascontiguousarray(face.linear_rgb),
        skin=face.skin,
        mm_per_px=face.mm_per_px,
        photo_px_per_mm=np.asarray(
            face.photo_px_per_px / face.mm_per_px / np.sqrt(np.clip(face.visibility, 0.4, 1.0)), np.float32
        ),
    )


def blur_mm(plane: FloatMap, skin: npt.NDArray[np.bool_], mm_per_px: FloatMap, *, sigma_mm: float) -> FloatMap:
    """Gaussian mean over usable skin, with a width in millimetres of skin.

    The scale of the canonical frame varies over the face, so the plane is blurred at two scales and interpolated.

    Parameters
    ----------
    plane : (S, S) float32
    skin : (S, S) bool
        Only these px count (normalised convolution).
    mm_per_px : (S, S) float32
    sigma_mm : float

    Returns
    -------
    (S, S) float32
        NaN where no skin is within reach.
    """
    scale = mm_per_px[skin]
    out = np.full(plane.shape, np.nan, np.float32)
    if scale.size == 0:
        return out
    low, high = np.percentile(scale[:: 1 + scale.size // 20000], [10.0, 90.0])
    box = _box_around(skin)
    plane, skin, mm_per_px = plane[box], skin[box], mm_per_px[box]
    # Where the scale hardly varies one width is exact enough.
    if high < 1.05 * low:
        out[box] = _normalised_blur(plane, skin, 2.0 * sigma_mm / float(low + high))
        return out
    fine, coarse = (_normalised_blur(plane, skin, sigma_mm / float(level)) for level in (low, high))
    position = np.clip((mm_per_px - np.float32(low)) / np.float32(high - low), 0.0, 1.0)
    out[box] = fine + position * (coarse - fine)
    return out


def _box_around(mask: npt.NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns that hold any True, grown to multiples of 32 so that coarser grids keep their places."""
    ends = (
        (found[0] // 32 * 32, -(-(found[-1] + 1) // 32) * 32)
        for found in map(np.flatnonzero, (mask.any(1), mask.any(0)))
    )
    (top, bottom), (left, right) = ends
    return slice(top, bottom), slice(left, right)


def _normalised_blur(plane: FloatMap, skin: npt.NDArray[np.bool_], sigma_px: float) -> FloatMap:
    value = np.where(skin, plane, np.float32(0.0))
    # A wide Gaussian is smooth: computed on a coarser grid it is the same and much cheaper.
    factor = max(1, int(sigma_px / 2.5))
    size = plane.shape[1] // factor, plane.shape[0] // factor
    both = np.asarray(cv2.merge([value, skin.astype(np.float32)]))
    if factor > 1:
        both = np.asarray(cv2.resize(both, size, interpolation=cv2.INTER_AREA))
    both = np.asarray(cv2.GaussianBlur(both, (0, 0), sigma_px / factor, borderType=cv2.BORDER_CONSTANT))
    if factor > 1:
        both = np.asarray(cv2.resize(both, (plane.shape[1], plane.shape[0]), interpolation=cv2.INTER_LINEAR))
    total, weight = both[..., 0], both[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(weight > 0.02, total / weight, np.nan), np.float32)


def band_mm(data: MetricInput, plane: FloatMap, *, low_mm: float, high_mm: float) -> FloatMap:
    """Band-pass a plane between two wavelengths in millimetres of skin, by a difference of Gaussians.

    Parameters
    ----------
    data : MetricInput
    plane : (S, S) float32
    low_mm, high_mm : float
        Shortest and longest wavelength; half of the amplitude passes at both.

    Returns
    -------
    (S, S) float32
        NaN off the skin, and where the photo or the canonical frame shows the shortest wavelength with less than
        2.5 px.
    """
    with np.errstate(invalid="ignore"):
        resolved = (low_mm * data.photo_px_per_mm >= MIN_PX) & (low_mm / data.mm_per_px >= MIN_PX) & data.skin
    if not resolved.any():
        return np.full(plane.shape, np.nan, np.float32)
    fine = data.blurred(plane, sigma_mm=HALF_AMPLITUDE_SIGMA * low_mm)
    coarse = data.blurred(plane, sigma_mm=HALF_AMPLITUDE_SIGMA * high_mm)
    return np.where(resolved, fine - coarse, np.float32(np.nan))
