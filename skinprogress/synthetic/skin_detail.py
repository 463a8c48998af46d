"""Plausible skin, drawn in the canonical frame: pores, fine lines, bumps, scars, freckles, marks of needles, flakes.

All of it is drawn once from a seed, so that the same pore is at the same place in every photo of a person. Lengths are
in millimetres of skin by the frame's mean scale.
"""

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.synthetic.changes import canonical_weight
from skinprogress.synthetic.surface import CANONICAL_PX_PER_MM

Plane = npt.NDArray[np.float32]

# The light of a portrait comes from above and from one side: a dent is dark on that side and bright on the other.
_LIGHT_XY = (-0.5, -0.86)
_PORES: Mapping[str, float] = {
    "face": 0.55, "nose": 1.0, "glabella": 0.9, "cheek_left": 0.85, "cheek_right": 0.85, "chin": 0.9, "forehead": 0.8,
    "upper_lip": 0.6, "periorbital_left": 0.3, "periorbital_right": 0.3,
}  # fmt: skip
_SCARS: Mapping[str, float] = {"cheek_left": 1.0, "cheek_right": 1.0, "jaw_left": 0.6, "jaw_right": 0.6, "chin": 0.5}
_FRECKLES: Mapping[str, float] = {"cheek_left": 1.0, "cheek_right": 1.0, "nose": 0.9, "forehead": 0.5, "jaw_left": 0.3}
# Bony places redden and bleed most.
_NEEDLED: Mapping[str, float] = {
    "face": 0.55, "forehead": 1.0, "glabella": 1.0, "upper_lip": 0.9, "jaw_left": 0.9, "jaw_right": 0.9, "chin": 0.8,
}  # fmt: skip
_FLAKING: Mapping[str, float] = {
    "face": 0.25, "chin": 1.0, "nose": 0.8, "upper_lip": 0.9, "cheek_left": 0.6, "cheek_right": 0.6, "forehead": 0.5,
}  # fmt: skip


def draw_relief(seed: int, *, side_px: int) -> Plane:
    """Pores, fine lines, bumps and shallow scars as change of log-luminance.

    Parameters
    ----------
    seed : int
    side_px : int
        Side S of the canonical frame.

    Returns
    -------
    (S, S) float32
        Natural log; spread about 0.03 between 1 and 4 mm, a rather coarse but usual skin.
    """
    rng = np.random.default_rng([seed, 1])
    px = _px_per_mm(side_px)
    density = _weight(_PORES, feather_mm=2.0, side_px=side_px)
    relief = _pores(rng, density, px)
    lines = np.abs(band_noise(rng, side_px, 0.7 * px, 1.6 * px))
    relief += 0.016 * (0.8 - lines)
    bumps = band_noise(rng, side_px, 1.6 * px, 5.0 * px)
    # Skin is coarse here and fine there: an even relief would look like orange peel.
    patches = np.exp(0.45 * band_noise(rng, side_px, 8.0 * px, 25.0 * px))
    relief += (0.016 * _lit(bumps) + 0.018 * bumps) * patches * (0.5 + 0.5 * density)
    scars = _dents(rng, _weight(_SCARS, feather_mm=4.0, side_px=side_px), px)
    return np.float32(1.3) * (relief + np.float32(0.17) * scars)


def draw_unevenness(seed: int, *, side_px: int) -> Plane:
    """Patches of lighter and darker tone 5 to 16 mm wide, (S, S) float32, standard deviation 1."""
    px = _px_per_mm(side_px)
    return band_noise(np.random.default_rng([seed, 2]), side_px, 5.0 * px, 16.0 * px)


def draw_spots(seed: int, *, side_px: int) -> tuple[Plane, Plane]:
    """Freckles and small red spots.

    Returns
    -------
    melanin, haemoglobin : (S, S) float32
        Amounts in optical-density units.
    """
    rng = np.random.default_rng([seed, 3])
    px = _px_per_mm(side_px)
    where = _weight(_FRECKLES, feather_mm=6.0, side_px=side_px)
    freckles = _spots(rng, where, px, spacing_mm=4.2, share=0.5, radius_mm=(0.35, 0.8), amount=(0.04, 0.15))
    red = _spots(rng, where, px, spacing_mm=11.0, share=0.4, radius_mm=(0.6, 1.3), amount=(0.05, 0.14))
    return freckles, red


def draw_needle_marks(seed: int, *, side_px: int) -> Plane:
    """Small red dots where needles went in, (S, S) float32, 0..1; densest where bone lies close."""
    rng = np.random.default_rng([seed, 4])
    where = _weight(_NEEDLED, feather_mm=5.0, side_px=side_px)
    marks = _spots(
        rng, where, _px_per_mm(side_px), spacing_mm=1.9, share=0.55, radius_mm=(0.22, 0.42), amount=(0.35, 1.0)
    )
    return np.minimum(marks, np.float32(1.0))


def draw_flakes(seed: int, *, side_px: int) -> Plane:
    """Dry, peeling skin as change of log-luminance, (S, S) float32: pale flecks with a shadowed edge."""
    rng = np.random.default_rng([seed, 5])
    px = _px_per_mm(side_px)
    field = band_noise(rng, side_px, 0.9 * px, 3.0 * px)
    where = _weight(_FLAKING, feather_mm=5.0, side_px=side_px)
    patches = band_noise(rng, side_px, 8.0 * px, 22.0 * px)
    raised = 1.0 / (1.0 + np.exp(-(field + 0.9 * patches - 1.5) * 5.0))
    raised = np.asarray(raised, np.float32)
    edge = _lit(np.asarray(cv2.GaussianBlur(raised, (0, 0), 0.12 * px), np.float32), normalise=False) * px
    return np.asarray(where * (0.045 * raised + 0.035 * np.clip(edge, -1.5, 1.5)), np.float32)


def band_noise(rng: np.random.Generator, side_px: int, low_px: float, high_px: float) -> Plane:
    """Smooth random plane with wavelengths from `low_px` to `high_px`, mean 0, standard deviation 1, (S, S) float32."""
    fine, coarse = 0.19 * low_px, 0.19 * high_px  # half of the amplitude passes at each end
    # Long waves are drawn on a coarser grid: the same picture for a fraction of the work.
    factor = max(1, int(fine / 1.5))
    small = -(-side_px // factor)
    noise = rng.standard_normal((small, small), np.float32)
    blurred = [np.asarray(cv2.GaussianBlur(noise, (0, 0), s / factor), np.float32) for s in (fine, coarse)]
    band: Plane = blurred[0] - blurred[1]
    if factor > 1:
        full = (small * factor, small * factor)
        band = np.asarray(cv2.resize(band, full, interpolation=cv2.INTER_CUBIC), np.float32)[:side_px, :side_px]
    return np.asarray((band - band.mean()) / band.std(), np.float32)


def _weight(levels: Mapping[str, float], *, feather_mm: float, side_px: int) -> Plane:
    """Where on the face; what is no skin is left out when the plane is drawn on a portrait."""
    return canonical_weight(levels, feather_mm=feather_mm, side_px=side_px, leave_features=False)


def _px_per_mm(side_px: int) -> float:
    return CANONICAL_PX_PER_MM * side_px


def _lit(height: Plane, *, normalise: bool = True) -> Plane:
    """Brightness of a relief under slanting light: its slope toward the light."""
    dx = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=1 / 8)
    dy = cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=1 / 8)
    slope = -(_LIGHT_XY[0] * dx + _LIGHT_XY[1] * dy)
    return np.asarray(slope / slope.std() if normalise else slope, np.float32)


def _scatter(rng: np.random.Generator, side_px: int, spacing_px: float) -> npt.NDArray[np.intp]:
    """Points (n, 2), row and column, one in each cell of a grid: random, yet never crowded."""
    n = int(side_px / spacing_px)
    cells = np.stack(np.meshgrid(np.arange(n), np.arange(n), indexing="ij"), axis=-1).reshape(-1, 2)
    points = (cells + rng.uniform(0.05, 0.95, cells.shape)) * spacing_px
    return np.clip(points.astype(np.intp), 0, side_px - 1)


def _stamp(
    side_px: int,
    points_rc: npt.NDArray[np.intp],
    radii_px: npt.NDArray[np.floating],
    amounts: npt.NDArray[np.floating],
    kinds: int = 4,
) -> Plane:
    """Sum of Gaussian spots of the given radii (sigma) and heights; radii are rounded to a few kinds."""
    plane = np.zeros((side_px, side_px), np.float32)
    bounds = np.quantile(radii_px, np.linspace(0, 1, kinds + 1)) if len(radii_px) else np.zeros(kinds + 1)
    kind = np.clip(np.searchsorted(bounds, radii_px, side="right") - 1, 0, kinds - 1)
    for k in range(kinds):
        chosen = kind == k
        if not chosen.any():
            continue
        dots = np.zeros_like(plane)
        np.add.at(dots, (points_rc[chosen, 0], points_rc[chosen, 1]), amounts[chosen].astype(np.float32))
        radius = float(radii_px[chosen].mean())
        plane += cv2.GaussianBlur(dots, (0, 0), radius) * np.float32(2 * np.pi * radius**2)
    return plane


def _pores(rng: np.random.Generator, density: Plane, px: float) -> Plane:
    """Dark dots with a lit lower rim, deeper where `density` is high."""
    side = density.shape[0]
    points = _scatter(rng, side, 1.25 * px)
    local = density[points[:, 0], points[:, 1]]
    radii = px * rng.uniform(0.16, 0.30, len(points)) * (0.7 + 0.5 * local)
    depths = rng.gamma(2.5, 0.4, len(points)) * local**1.5 * (rng.uniform(size=len(points)) < 0.8)
    pits = _stamp(side, points, radii, depths)
    rim = _stamp(side, np.clip(points + (np.array([0.45, 0.25]) * px).astype(np.intp), 0, side - 1), radii, depths)
    return 0.105 * (0.45 * rim - pits)


def _dents(rng: np.random.Generator, where: Plane, px: float) -> Plane:
    side = where.shape[0]
    points = _scatter(rng, side, 6.0 * px)
    local = where[points[:, 0], points[:, 1]]
    depth = rng.uniform(0.4, 1.0, len(points)) * local * (rng.uniform(size=len(points)) < 0.55)
    radii = px * rng.uniform(0.45, 0.95, len(points))
    holes = _stamp(side, points, radii, depth)
    # Slopes are made equally steep for small and large dents by their own width of about 0.7 mm.
    return _lit(-holes, normalise=False) * np.float32(0.7 * px) - 0.35 * holes


def _spots(
    rng: np.random.Generator,
    where: Plane,
    px: float,
    *,
    spacing_mm: float,
    share: float,
    radius_mm: tuple[float, float],
    amount: tuple[float, float],
) -> Plane:
    side = where.shape[0]
    points = _scatter(rng, side, spacing_mm * px)
    kept = rng.uniform(size=len(points)) < share * where[points[:, 0], points[:, 1]]
    points = points[kept]
    radii = px * rng.uniform(*radius_mm, len(points)) / 1.5  # the visible edge of a spot lies at about 1.5 sigma
    return _stamp(side, points, radii, rng.uniform(*amount, len(points)))
