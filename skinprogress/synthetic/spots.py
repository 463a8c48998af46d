"""Spots of known size and blood of known thickness, painted on skin through optical density."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.synthetic.changes import Direction, inject_pigment, redness_per_unit

FloatMap = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Shape = Literal["point", "drop", "smear"]

SIZES_MM: dict[Shape, tuple[float, float]] = {"point": (0.3, 2.0), "drop": (2.0, 5.0), "smear": (2.0, 4.0)}
"""Diameters of points and drops and widths of smears, mm."""

WET_BLOOD = (0.0055, 0.0375, 0.050)
"""Optical density of whole blood per µm of film, −ln linear sRGB (R, G, B), for light that passes it twice.

Rough estimates, not integrals over spectra: oxygenated blood with 150 g/L of haemoglobin takes about 28 per mm and way
at 540 nm and a hundredth of that at 630 nm; green and blue of a camera see stronger and weaker wavelengths mixed."""

DRIED_BLOOD = (0.016, 0.037, 0.046)
"""The same for a dried film, a guess: methaemoglobin lets less red through, which looks brown."""

# Light that the surface of the film sends back without having seen blood, as a share of what white would send.
_SURFACE = 0.012


@dataclass(frozen=True, slots=True)
class PaintedSpot:
    """Truth about one spot.

    Attributes
    ----------
    row, col : float
        Centre, px (the middle of the first px is 0).
    diameter_mm, area_mm2 : float
        Where half of the contrast is reached.
    contrast : float
        In the middle: a*-equivalents (red), optical density along melanin (brown).
    """

    row: float
    col: float
    diameter_mm: float
    area_mm2: float
    contrast: float


def paint_spots(
    linear_rgb: npt.NDArray[np.floating],
    skin: Mask,
    mm_per_px: npt.NDArray[np.floating],
    *,
    kind: Literal["red", "brown"],
    n_spots: int,
    seed: int,
    diameter_mm: tuple[float, float] = (1.0, 4.0),
    contrast: tuple[float, float] | None = None,
    edge_mm: float = 0.15,
    gap_mm: float = 1.5,
    direction: Direction | None = None,
) -> tuple[FloatMap, tuple[PaintedSpot, ...]]:
    """Paint round spots that do not touch each other nor the border of the skin.

    Parameters
    ----------
    linear_rgb : (H, W, 3) float
        Linear sRGB.
    skin : (H, W) bool
        Where spots may lie.
    mm_per_px : (H, W) float
        Millimetres per px.
    kind : {'red', 'brown'}
    n_spots : int
        Fewer are painted where there is no room for more.
    seed : int
    diameter_mm : (float, float)
        Smallest and largest, evenly drawn.
    contrast : (float, float), optional
        Least and most, a*-equivalents (red; 4 to 12 unless given) or optical density (brown; 0.25 to 0.8).
    edge_mm : float
        Softness of the edge: standard deviation of the blur that a sharp edge would need.
    gap_mm : float
        Least distance between the edges of two spots, and half as far between a spot and the border of the skin.
    direction : str, optional
        Pigment; ``haemoglobin`` or ``melanin`` unless given.

    Returns
    -------
    painted : (H, W, 3) float32
        A new array.
    spots : tuple of PaintedSpot
        Left to chance, but the same for the same seed.

    Notes
    -----
    A spot of blood is not only redder but darker, as blood is; shine on the skin is tinted with it.
    """
    rng = np.random.default_rng([seed, 41])
    pigment: Direction = direction or ("haemoglobin" if kind == "red" else "melanin")
    low, high = contrast or ((4.0, 12.0) if kind == "red" else (0.25, 0.8))
    per_unit = EI_PER_A_STAR / redness_per_unit(pigment) if kind == "red" else 1.0
    room = cv2.distanceTransform(np.pad(skin.astype(np.uint8), 1), cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    amount = np.zeros(skin.shape, np.float32)
    spots: list[PaintedSpot] = []
    places = np.argwhere(skin)
    for place in rng.permutation(len(places))[: 200 * n_spots]:
        if len(spots) == n_spots:
            break
        size, strength = rng.uniform(*diameter_mm), rng.uniform(low, high)
        row, col = places[place] + rng.uniform(-0.5, 0.5, 2)
        scale = float(mm_per_px[tuple(places[place])])
        free = room[tuple(places[place])] * scale >= (size + gap_mm) / 2.0
        if not free or any(
            np.hypot(s.row - row, s.col - col) * scale < (s.diameter_mm + size) / 2.0 + gap_mm for s in spots
        ):
            continue
        _add_disc(amount, row, col, size / 2.0 / scale, edge_mm / scale, strength * per_unit)
        spots.append(PaintedSpot(float(row), float(col), size, float(np.pi * size**2 / 4.0), strength))
    return inject_pigment(linear_rgb, amount, direction=pigment), tuple(spots)


def _add_disc(plane: FloatMap, row: float, col: float, radius: float, edge: float, height: float) -> None:
    """Add a disc with a soft edge, in place; half of its height is reached at the radius."""
    from scipy.special import erfc

    reach = int(np.ceil(radius + 4.0 * edge)) + 1
    top, left = max(int(row) - reach, 0), max(int(col) - reach, 0)
    part = plane[top : int(row) + reach + 2, left : int(col) + reach + 2]
    y, x = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
    part += np.float32(height / 2.0) * erfc((np.hypot(y - row, x - col) - radius) / (np.sqrt(2.0) * max(edge, 1e-3)))


def paint_blood(
    linear_rgb: npt.NDArray[np.floating],
    skin: Mask,
    mm_per_px: npt.NDArray[np.floating],
    *,
    shape: Shape,
    n_marks: int,
    seed: int,
    thickness_um: tuple[float, float] = (20.0, 200.0),
    size_mm: tuple[float, float] | None = None,
    dried: bool = False,
) -> tuple[FloatMap, FloatMap]:
    """Paint blood on skin: points where needles went in, drops, or smears of a wiping finger.

    Parameters
    ----------
    linear_rgb : (H, W, 3) float
        Linear sRGB.
    skin : (H, W) bool
        Where blood may lie.
    mm_per_px : (H, W) float
    shape : {'point', 'drop', 'smear'}
        Points are 0.3–2 mm across, drops 2–5 mm, smears 2–4 mm wide and 6–15 mm long.
    n_marks : int
    seed : int
    thickness_um : (float, float)
        Least and most thickness of the film where it is thickest, µm. Drops thin out towards their edge.
    size_mm : (float, float), optional
        Other diameters or widths than those of the shape.
    dried : bool
        Browner, and without red light coming through.

    Returns
    -------
    painted : (H, W, 3) float32
        A new array.
    thickness_um : (H, W) float32
        Of the film on each px.
    """
    rng = np.random.default_rng([seed, 42])
    film = np.zeros(skin.shape, np.float32)
    places = np.argwhere(skin)
    for place in rng.choice(len(places), n_marks):
        row, col = places[place]
        scale = float(mm_per_px[row, col])
        mark = np.zeros_like(film)
        width = rng.uniform(*(size_mm or SIZES_MM[shape])) / scale
        length = rng.uniform(6.0, 15.0) / scale if shape == "smear" else 0.0
        angle = rng.uniform(0.0, np.pi)
        ends = [
            (round(16 * (col + s * length * np.cos(angle) / 2)), round(16 * (row + s * length * np.sin(angle) / 2)))
            for s in (-1, 1)
        ]
        if length:
            cv2.line(mark, ends[0], ends[1], 1.0, max(round(width), 1), cv2.LINE_AA, 4)
        else:
            _add_disc(mark, float(row), float(col), width / 2.0, 0.08 / scale, 1.0)
        thick = rng.uniform(*thickness_um)
        if shape != "point":
            mark = mark * np.asarray(cv2.GaussianBlur(mark, (0, 0), 0.15 * width), np.float32)
        if shape == "smear":
            # A finger leaves streaks along its way.
            y, x = np.indices(mark.shape, np.float32)
            across = (y - row) * np.cos(angle) - (x - col) * np.sin(angle)
            mark *= np.asarray(0.6 + 0.4 * np.cos(2.0 * np.pi * across * scale / 0.9), np.float32)
        film = np.maximum(film, np.float32(thick) * mark)
    film *= skin
    density = film[..., None] * np.array(DRIED_BLOOD if dried else WET_BLOOD, np.float32)
    image = np.asarray(linear_rgb, np.float32)
    # The surface of the film shines as much as the skin is lit; its own brightness tells how much.
    light = np.asarray(cv2.GaussianBlur(image.max(axis=2), (0, 0), 3.0), np.float32)
    shine = np.float32(_SURFACE) * np.minimum(1.0, film / np.float32(5.0)) * light
    return np.asarray(image * np.exp(-density) + shine[..., None], np.float32), film
