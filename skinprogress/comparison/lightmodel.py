"""What may differ between two photos of one face: the terms of light, of the camera's tone curve, and of the skin.

The log-ratio of two registered photos is, place by place, a sum: light (smooth in the surface normal), tone curve (a
function of how bright a channel is), and skin (haemoglobin and melanin, region by region and patch by patch). Each term
is a set of columns with a prior standard deviation, so that one weighted fit can weigh them against each other.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import mesh_normals, paint
from skinprogress.face.regions import REGIONS, WHOLE_FACE, region_mask
from skinprogress.metrics.pigmentation import HAEMOGLOBIN, MELANIN, unmixing_matrix

Values = npt.NDArray[np.float64]

CELLS = 32
"""Cells of the canonical frame along one side, each about 6 mm: what the fit looks at."""

# Directions in ln R, ln G, ln B, unit length and orthogonal to each other. Black bodies from 3000 to 7000 K move skin
# along the first (measured on rendered retakes: 0.69, 0.04, −0.73); what is left of colour is green against magenta.
GREY = np.ones(3) / np.sqrt(3.0)
WARMTH = np.array([1.0, 0.05, -1.05]) / np.linalg.norm([1.0, 0.05, -1.05])
TINT = np.cross(GREY, WARMTH)
CHROMA = np.stack([WARMTH, TINT])
# The direction in which sheen, tone and light reflected from skin to skin show: blood's, without its darkening.
_RUDDY = -(HAEMOGLOBIN - HAEMOGLOBIN.mean()) / np.linalg.norm(HAEMOGLOBIN - HAEMOGLOBIN.mean())
# Blind to blood and to melanin.
_SHADE = unmixing_matrix()[2]

# A change of shade that the normals do not explain counts from here on, natural log: cast shadows do, skin does not.
_SHADOW = 0.15
# The same for shine; what a change of blood is taken for, where its colour is not quite the published one, stays below.
_SHINE = 0.10
# Tone curves are sums of bumps over the log level of a channel.
_LEVELS = np.arange(-4.2, 0.4, 0.8)
_LEVEL_WIDTH = 1.0
# Distance between the patches in which skin or light may go their own way, shares of the frame (about 23 mm).
_PATCH = 0.13
# Shares of a cell that must be skin.
_MIN_SKIN = 0.3
# Small regions between large shapes, where a few normals say little about the light.
_HOLLOWS = ("glabella", "nose", "upper_lip", "chin")


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Two registered photos, averaged over the cells that show skin in both.

    Attributes
    ----------
    where : (CELLS, CELLS) bool
    weight : (n,) float64
        Share of the cell that is skin.
    before, after : (n, 3) float64
        Mean natural log of linear R, G, B.
    """

    where: npt.NDArray[np.bool_]
    weight: Values
    before: Values
    after: Values

    @property
    def ratio(self) -> Values:
        """Natural log of after over before, (n, 3)."""
        return self.after - self.before


def gather_cells(before: npt.NDArray[np.float32], after: npt.NDArray[np.float32], skin: npt.NDArray[np.bool_]) -> Cells:
    """Average two photos' logs over cells.

    Parameters
    ----------
    before, after : (s, s, 3) float32
        Natural log of linear R, G, B in the canonical frame.
    skin : (s, s) bool
        Usable in both.
    """
    share = shrink(skin.astype(np.float32))
    where = share > _MIN_SKIN
    means = [shrink(np.where(skin[..., None], plane, np.float32(0.0)))[where] for plane in (before, after)]
    weight = share[where]
    a, b = (np.asarray(m / weight[:, None], np.float64) for m in means)
    return Cells(where=where, weight=weight.astype(np.float64), before=a, after=b)


def shrink(plane: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Mean of a plane over each cell, (CELLS, CELLS) or (CELLS, CELLS, k)."""
    return np.asarray(cv2.resize(plane, (CELLS, CELLS), interpolation=cv2.INTER_AREA), np.float32)


def spread(cells: npt.NDArray[np.float32], side_px: int) -> npt.NDArray[np.float32]:
    """The way back: a plane of cells on every px of the canonical frame, bilinear."""
    return np.asarray(cv2.resize(cells, (side_px, side_px), interpolation=cv2.INTER_LINEAR), np.float32)


@lru_cache(maxsize=3)
def shading_basis(side_px: int) -> npt.NDArray[np.float32]:
    """Second-order polynomials of the surface normal, (S, S, 8) float32, NaN off the face: what soft light can do.

    References
    ----------
    Basri, Jacobs 2003, "Lambertian reflectance and linear subspaces", IEEE TPAMI 25: nine harmonics hold 99 % of the
    shading of a convex matte body; the constant is left out here.
    """
    x, y, z = mesh_normals().T
    terms = np.stack([x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], axis=1)
    return paint(terms, side_px)


@lru_cache(maxsize=1)
def _cell_basis() -> npt.NDArray[np.float32]:
    """The shading basis averaged over each cell's share of the face, (CELLS, CELLS, 8)."""
    basis = shading_basis(512)
    on_face = np.isfinite(basis[..., 0])
    share = shrink(on_face.astype(np.float32))
    return np.asarray(shrink(np.nan_to_num(basis)) / np.maximum(share, np.float32(1e-3))[..., None], np.float32)


@lru_cache(maxsize=1)
def _cell_regions() -> npt.NDArray[np.float32]:
    """Share of each cell that lies in each region, (CELLS, CELLS, regions)."""
    return np.stack([shrink(region_mask(r, 512).astype(np.float32)) for r in _PARTS], axis=-1)


_PARTS = tuple(r for r in REGIONS if r != WHOLE_FACE)


@lru_cache(maxsize=1)
def _cell_patches() -> npt.NDArray[np.float64]:
    """Bumps on a grid over the face, (CELLS, CELLS, patches)."""
    at = (np.arange(CELLS) + 0.5) / CELLS
    centre = np.arange(_PATCH / 2.0, 1.0, _PATCH)
    line = np.exp(-0.5 * ((at[:, None] - centre) / _PATCH) ** 2)
    bumps = np.einsum("ri,cj->rcij", line, line).reshape(CELLS, CELLS, -1)
    on_face = _cell_regions().sum(axis=-1) > 0
    return np.asarray(bumps[..., (bumps * on_face[..., None]).sum(axis=(0, 1)) > 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """Columns of one kind.

    Attributes
    ----------
    columns : (n, 3, k) float64
        Natural log of R, G, B at each cell per unit of each coefficient.
    prior : str
        Name of its prior standard deviation.
    of_light : bool
        Belongs to light and camera, not to skin.
    """

    columns: Values
    prior: str
    of_light: bool


def estimate_shade(cells: Cells, ratio: Values) -> Values:
    """How much more light falls on each cell after than before, (n,), natural log, zero mean; blind to blood, melanin.

    What the normals explain in full, and of the rest what is too large to be skin: cast shadows. A smooth difference
    of the light's colour is not taken for melanin.
    """
    smooth, rest = _split_shade(cells, ratio)
    return np.asarray(_centred(cells, smooth + _shrunk(rest, _SHADOW)))


def _split_shade(cells: Cells, ratio: Values) -> tuple[Values, Values]:
    """The shade that the normals explain, and the rest, (n,) each."""
    columns = np.concatenate([np.ones((len(ratio), 1)), _normalised(cells)], axis=1)
    warmth = ratio @ WARMTH
    shade = (ratio - _smooth_part(cells, columns, warmth)[:, None] * WARMTH) @ _SHADE
    smooth = _smooth_part(cells, columns, shade)
    return smooth, shade - smooth


def _sheen(cells: Cells) -> Values:
    """White light added to skin where it is brighter than its normal explains, per unit of that, (n, 3, 1)."""
    pallor = np.exp(-(cells.before + cells.after) / 2.0)
    brighter = _shrunk(_split_shade(cells, cells.ratio)[1], _SHINE)
    # What is seen of it beside blood and melanin: a third on light skin; of very yellow pictures nothing, or less.
    seen = np.maximum(pallor @ _SHADE, 0.2 * pallor.mean(axis=1))
    return np.asarray((brighter / seen)[:, None, None] * pallor[:, :, None])


def _shrunk(values: Values, threshold: float) -> Values:
    """Values well above the threshold as they are, those below it next to nothing."""
    return np.asarray(values**3 / (values**2 + threshold**2))


def _smooth_part(cells: Cells, columns: Values, values: Values) -> Values:
    """What of the values the columns explain, robustly, (n,)."""
    weight = cells.weight
    smooth = np.zeros_like(values)
    for _ in range(3):
        gram = (columns * weight[:, None]).T @ columns + 1e-3 * np.eye(columns.shape[1])
        smooth = columns @ np.linalg.solve(gram, columns.T @ (weight * values))
        weight = cells.weight / (1.0 + ((values - smooth) / 0.1) ** 2)
    return np.asarray(smooth)


def build_terms(cells: Cells) -> list[Term]:
    """All terms that may explain the log-ratio of two photos; see the module's first lines."""
    shading = _normalised(cells)
    regions = _cell_regions()[cells.where].astype(np.float64)
    patches = _cell_patches()[cells.where]
    hollow = np.array([r in _HOLLOWS for r in _PARTS])
    # What a channel reads in each photo, without the change of skin between them: half of it stays in the mean of
    # both, and would let a tone curve explain any change if the photos' own values were taken.
    mean = (cells.before + cells.after) / 2.0
    half = estimate_shade(cells, cells.ratio)[:, None] / 2.0
    before, after = _level_bumps(mean - half), _level_bumps(mean + half)
    gamma = (mean - float(np.average(mean.mean(axis=1), weights=cells.weight)))[..., None]
    return [
        Term(_along(shading, WARMTH), "warmth", of_light=True),
        Term(_along(shading, TINT), "tint", of_light=True),
        Term(after - before, "curve", of_light=True),
        Term((after + before) / 2.0, "curve_change", of_light=True),
        Term(gamma, "gamma", of_light=True),
        Term(_sheen(cells), "sheen", of_light=True),
        Term(_along(regions[:, ~hollow], _RUDDY), "region_light", of_light=True),
        Term(_along(regions[:, hollow], _RUDDY), "hollow_light", of_light=True),
        Term(_along(patches, WARMTH), "patch_warmth", of_light=True),
        Term(_along(patches, _RUDDY), "patch_light", of_light=True),
        Term(np.repeat(CHROMA.T[None], len(cells.weight), axis=0), "constant", of_light=False),
        Term(_along(regions, -HAEMOGLOBIN), "blood", of_light=False),
        Term(_along(regions, -MELANIN), "melanin", of_light=False),
        Term(_along(patches, -HAEMOGLOBIN), "patch_blood", of_light=False),
        # Skin may change in the very shape of light, too: only with this does the covariance say so.
        Term(_along(shading, -HAEMOGLOBIN), "smooth_blood", of_light=False),
        Term(_along(patches, -MELANIN), "patch_melanin", of_light=False),
    ]


def _along(columns: Values, direction: Values) -> Values:
    """Columns (n, k) that act along one direction of colour: (n, 3, k)."""
    return np.asarray(columns[:, None, :] * direction[None, :, None])


def _level_bumps(level: Values) -> Values:
    return np.asarray(np.exp(-0.5 * ((level[..., None] - _LEVELS) / _LEVEL_WIDTH) ** 2))


def _centred(cells: Cells, columns: Values) -> Values:
    return np.asarray(columns - np.average(columns, axis=0, weights=cells.weight))


def _normalised(cells: Cells) -> Values:
    """The shading basis at the cells, zero mean and unit spread over the face."""
    columns = _centred(cells, _cell_basis()[cells.where].astype(np.float64))
    return np.asarray(columns / np.sqrt(np.average(columns**2, axis=0, weights=cells.weight)))
