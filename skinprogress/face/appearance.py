"""A shrunk face, prepared for telling skin from hair, cloth and shine without ever looking at redness."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import mesh_normals, paint

Mask = npt.NDArray[np.bool_]
Plane = npt.NDArray[np.float32]

SIDE_PX = 512
"""Side of the shrunk face, px: about 0.36 mm a px."""
_FIT_SIDE = 64
# In natural logs of linear R, G, B. Neither haemoglobin (0.23, 0.69, 0.68) nor melanin (0.24, 0.48, 0.85) changes the
# first, and a change of light by a factor changes it by its log. Redness and moles are invisible in it; hair is not.
_SHADE = np.array([1.507, -0.187, -0.320], np.float32)
# Haemoglobin hardly changes ln G − ln B; grey cloth, hair and reflected light have less of it than skin.
_YELLOW = np.array([0.0, 1.0, -1.0], np.float32)
# Reflected light raises this, and blood leaves it alone: pale skin beside red skin must not pass for shine.
_GLARE = np.array([1.5, -0.9, 0.4], np.float32)
# Fine detail of very smooth pictures is not divided by less than this (mean depth, log units).
_LEAST_DETAIL = 0.03
# Hair hangs into the face no lower than this share of the frame: strands are looked for above it only.
_HAIR_END = 0.48
# One px counts for so many times the usual steepness of the upper face at most.
_STEEPEST = 8.0
# What counts as near for shine: an odd number of px of a quarter of the side, 2 cm across.
_NEAR = 15


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """What tells skin from what lies on it: planes (512, 512) float32, in natural-log units unless said otherwise.

    Attributes
    ----------
    inside : (512, 512) bool
        Where the planes mean something.
    rim : (512, 512) bool
        The outer 4 mm of it, where hair and cloth come in from.
    shade : Plane
        Log brightness that neither blood nor melanin changes.
    darkness : Plane
        How much darker than the light on the face explains, and than the nearest skin that is not dark.
    tint : Plane
        ln G − ln B beyond what the light on the face explains.
    bristle : Plane
        Log of the fine dark detail over that of the upper face, plus a bonus for darkness.
    strands : Plane
        Depth of dark lines that run on for a centimetre, in units of the usual detail.
    streaks : Plane
        Log of the fine contrast that runs one way, within 3 mm, over that of the upper face: light hair has it too.
    glare : Plane
        Log brightness that reflected light raises and blood does not change, smoothed.
    yellow : Plane
        ln G − ln B, smoothed: reflected light lowers it.
    """

    inside: Mask
    rim: Mask
    shade: Plane
    darkness: Plane
    tint: Plane
    bristle: Plane
    strands: Plane
    streaks: Plane
    glare: Plane
    yellow: Plane


def estimate_appearance(linear_rgb: npt.NDArray[np.float32], visible: Mask) -> Appearance | None:
    """Prepare a face; None where less than a hundredth of the frame can be seen.

    Parameters
    ----------
    linear_rgb : (S, S, 3) float32
        Face in the canonical frame.
    visible : (S, S) bool
        Where skin may be.
    """
    size = (SIDE_PX, SIDE_PX)
    small = np.asarray(cv2.resize(linear_rgb, size, interpolation=cv2.INTER_AREA), np.float32)
    inside = np.asarray(cv2.resize(visible.astype(np.float32), size, interpolation=cv2.INTER_AREA)) > 0.99
    if np.count_nonzero(inside) < 0.01 * inside.size:
        return None
    log = np.asarray(cv2.log(np.maximum(small, 0.004)), np.float32)
    shade, yellow = (np.asarray(cv2.transform(log, row[None]), np.float32) for row in (_SHADE, _YELLOW))
    weight = inside.astype(np.float32)
    smooth = _blur(shade, weight, 2.0)
    light = _fit_light(shade, inside)
    darkness = _darkness(smooth, light, inside)
    depth = cv2.morphologyEx(shade, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)) - shade
    detail = _mean_depth(depth, inside)
    # The upper face as a whole, so that what a treatment does to the cheeks does not decide about a beard.
    upper = inside.copy()
    upper[round(0.6 * SIDE_PX) :] = False
    upper = upper if upper.any() else inside
    usual = max(float(np.median(detail[upper])), _LEAST_DETAIL)
    bristle = np.log(np.maximum(detail / usual, 0.1)) + np.clip(darkness, -0.5, 0.3)
    # Noise of the camera looks coarser where little light falls.
    gloom = np.exp(0.5 * np.clip(float(np.median(light[upper])) - light, 0.0, 1.5)).astype(np.float32)
    glare = np.asarray(cv2.transform(log, _GLARE[None]), np.float32)
    return Appearance(
        inside=inside,
        rim=_outer_edge(inside),
        shade=shade,
        darkness=darkness,
        tint=_wide_blur(yellow, weight, 4.0) - _fit_light(yellow, inside),
        bristle=np.asarray(bristle, np.float32),
        strands=_strands(depth / (usual * gloom)),
        streaks=_streaks(shade, inside, upper),
        glare=_blur(glare, weight, 1.5),
        yellow=_blur(yellow, weight, 1.5),
    )


def medians_nearby(planes: Sequence[Plane], known: Mask) -> list[Plane]:
    """Median of the known px within a centimetre, for each of the planes.

    A median follows shading, which is broad, and what is small does not move it; a mean would be pulled by both.

    Parameters
    ----------
    planes : sequence of (512, 512) float32
        Log units; what is more than 1.2 from the median of all counts as that.
    known : (512, 512) bool
        The px that count.
    """
    quarter = (SIDE_PX // 4, SIDE_PX // 4)
    weight = known.astype(np.float32)
    share = cv2.resize(weight, quarter, interpolation=cv2.INTER_AREA)
    # As many lowest as highest values: unknown px leave the median of the others as it is.
    chequered = np.indices(quarter).sum(axis=0) % 2 * 255
    medians = []
    for plane in planes:
        mean = cv2.resize(plane * weight, quarter, interpolation=cv2.INTER_AREA) / np.maximum(share, 0.01)
        middle = float(np.median(mean[share > 0.5])) if (share > 0.5).any() else 0.0
        levels = np.clip(100.0 * (mean - middle) + 128.0, 1, 254)
        levels = np.where(share > 0.5, levels, chequered).astype(np.uint8)
        median = cv2.medianBlur(levels, _NEAR).astype(np.float32) * 0.01 + np.float32(middle - 1.28)
        medians.append(np.asarray(cv2.resize(median, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR), np.float32))
    return medians


def _darkness(shade: Plane, light: Plane, inside: Mask) -> Plane:
    """How much darker than the light on the face explains, and than the nearest skin that is not dark."""
    by_light = light - shade
    # On shining dark skin the fit of the light goes astray: the neighbours have a say too.
    near = _wide_blur(shade, (inside & (by_light < 0.5)).astype(np.float32), 45.0)
    return np.asarray(np.minimum(by_light, near - shade), np.float32)


def _outer_edge(inside: Mask) -> Mask:
    """A band of some 4 mm along the outer edge of what is seen, where hair and cloth come in from."""
    contours, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    band = cv2.drawContours(np.zeros(inside.shape, np.uint8), contours, -1, 1, thickness=21)
    return np.asarray((band > 0) & inside)


@lru_cache(maxsize=1)
def _harmonics() -> Plane:
    """Spherical harmonics up to second order of the canonical mesh's normals, (64, 64, 9) float32, NaN off the face."""
    x, y, z = np.moveaxis(paint(mesh_normals(), _FIT_SIDE), 2, 0)
    terms = [np.ones_like(x), x, y, z, x * y, y * z, x * z, x * x - y * y, 3 * z * z - 1]
    return np.stack(terms, axis=-1).astype(np.float32)


def _fit_light(plane: Plane, inside: Mask) -> Plane:
    """What the light on the face explains of a log plane: second-order harmonics of the normals, fitted robustly.

    Hair pulls down any mean of its neighbourhood; here it is an outlier among all of the face, and dark outliers are
    trusted less than bright ones.
    """
    size = (_FIT_SIDE, _FIT_SIDE)
    harmonics = _harmonics()
    known = np.isfinite(harmonics[..., 0])
    known &= np.asarray(cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_AREA)) > 0.99
    design = harmonics[known].astype(np.float64)
    values = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)[known].astype(np.float64)
    if len(values) < 100:
        return np.full_like(plane, np.median(plane[inside]))
    weight = np.ones(len(values))
    ridge = 1e-3 * len(values) * np.diag([0.0] + [0.03] * 8)
    for _ in range(6):
        weighted = design * weight[:, None]
        solution = np.linalg.solve(weighted.T @ design + ridge, weighted.T @ values)
        residual = values - design @ solution
        scale = max(1.48 * float(np.median(np.abs(residual - np.median(residual)))), 0.05)
        weight = 1.0 / (1.0 + (residual / (np.where(residual < 0, 1.0, 2.0) * scale)) ** 2) ** 2
    fitted = np.nan_to_num(harmonics @ solution.astype(np.float32))
    return np.asarray(cv2.resize(fitted, plane.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _blur(plane: Plane, weight: Plane, sigma: float) -> Plane:
    """Gaussian mean over the weighted px only."""
    total = cv2.GaussianBlur(plane * weight, (0, 0), sigma)
    return np.asarray(total / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 0.02), np.float32)


def _wide_blur(plane: Plane, weight: Plane, sigma: float) -> Plane:
    """The same for wide blurs, on a quarter of the side: what is lost is far finer than the blur."""
    quarter = (SIDE_PX // 4, SIDE_PX // 4)
    total, share = (cv2.resize(p, quarter, interpolation=cv2.INTER_AREA) for p in (plane * weight, weight))
    total, share = (cv2.GaussianBlur(p, (0, 0), sigma / 4) for p in (total, share))
    mean = np.asarray(total / np.maximum(share, 0.02), np.float32)
    return np.asarray(cv2.resize(mean, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR), np.float32)


def _mean_depth(depth: Plane, inside: Mask) -> Plane:
    """Mean depth of dark things up to 2 mm wide, over about 3 mm."""
    inner = cv2.erode(inside.astype(np.float32), np.ones((7, 7), np.uint8), borderValue=0)
    # One hole or one mole is not hair: no px counts for more than a strand would.
    return _blur(np.minimum(depth, 0.2).astype(np.float32), np.asarray(inner, np.float32), 4.0)


@lru_cache(maxsize=1)
def _lines() -> tuple[npt.NDArray[np.uint8], ...]:
    """Line-shaped kernels of 15 px (11 mm at 256 px), upright to slanting: wrinkles of the forehead lie flat."""
    kernels = []
    for angle in np.radians([90, 68, 112, 46, 134, 28, 152]):
        kernel = np.zeros((15, 15), np.uint8)
        step = np.array([np.cos(angle), -np.sin(angle)]) * 7
        ends = [tuple(int(v) for v in np.round(7 + sign * step)) for sign in (-1, 1)]
        kernels.append(np.asarray(cv2.line(kernel, ends[0], ends[1], 1), np.uint8))
    return tuple(kernels)


def _strands(relative_depth: Plane) -> Plane:
    """How deep dark lines are that run on for a centimetre, in units of the usual detail; pores and moles vanish."""
    half = SIDE_PX // 2
    widened = cv2.dilate(relative_depth, np.ones((3, 3), np.uint8))
    small = np.clip(cv2.resize(widened, (half, half), interpolation=cv2.INTER_NEAREST) * 8.0, 0, 255).astype(np.uint8)
    best = np.zeros_like(small)
    for kernel in _lines():
        best = np.maximum(best, cv2.morphologyEx(small, cv2.MORPH_OPEN, kernel))
    longest = cv2.resize(best, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
    return np.asarray(longest / np.float32(8.0), np.float32)


def _streaks(shade: Plane, inside: Mask, upper: Mask) -> Plane:
    """Log of the fine contrast that runs one way, over the usual one; 0 below the fringe.

    The gradients' angles are doubled, so that both sides of a strand add up, and pores, which have all angles, cancel.
    """
    rows = slice(0, round(_HAIR_END * SIDE_PX))
    known, upper = inside[rows].astype(np.float32), upper[rows]
    fine = cv2.GaussianBlur(shade[rows], (0, 0), 1.0)
    right, down = (cv2.Sobel(fine, cv2.CV_32F, dx, 1 - dx, ksize=3, scale=0.125) for dx in (1, 0))
    # One edge, of a shadow or a hairband, is not hair: no px counts for much more than a strand would.
    steep = cv2.magnitude(right, down)
    most = _STEEPEST * float(np.median(steep[upper])) if upper.any() else 1.0
    inner = cv2.erode(known, np.ones((7, 7), np.uint8), borderValue=0)
    inner *= np.minimum(most / np.maximum(steep, 1e-6), 1.0) ** 2
    along, across = (
        cv2.GaussianBlur(p * inner, (0, 0), 4.0) for p in (right * right - down * down, 2.0 * right * down)
    )
    contrast = cv2.sqrt(cv2.magnitude(along, across) / np.maximum(cv2.GaussianBlur(inner, (0, 0), 4.0), 0.1))
    usual = max(float(np.median(contrast[upper])), 1e-4) if upper.any() else 1.0
    streaks = np.zeros_like(shade)
    streaks[rows] = cv2.log(np.maximum(contrast / np.float32(usual), np.float32(0.1)))
    return streaks
