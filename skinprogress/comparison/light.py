"""What of the difference between two registered photos is light, and what is skin: one fit for both, with its error."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.comparison.lightmodel import (
    CELLS,
    CHROMA,
    WARMTH,
    Cells,
    Term,
    Values,
    build_terms,
    estimate_shade,
    gather_cells,
    shading_basis,
    spread,
)
from skinprogress.metrics.pigmentation import HAEMOGLOBIN, unmixing_matrix

# Natural-log units of shading that vary over the face. Where the light is left in, the pair says so beyond the first
# and nothing is compared beyond the third; beyond the second texture and relief are not compared in any case.
LIGHT_NOTICED = 0.10
LIGHT_TEXTURE_LIMIT = 0.30
LIGHT_LIMIT = 0.75

PRIORS: Final[dict[str, float]] = {
    # light, camera
    "warmth": 0.015, "tint": 0.0025, "patch_warmth": 0.0045, "patch_light": 0.006,
    "region_light": 0.002, "hollow_light": 0.010, "curve": 0.12, "curve_change": 0.20, "gamma": 0.10, "sheen": 0.06,
    # skin
    "blood": 0.20, "patch_blood": 0.07, "smooth_blood": 0.01, "melanin": 0.03, "patch_melanin": 0.015,
    # what all places share; what is left in each cell, of light (per unit of its spread of colour) and of anything else
    "constant": 10.0, "cell_warmth": 0.005, "noise_warmth": 0.008, "noise_tint": 0.0095,
    # how much light and its colour may differ, in units of the usual, where no difference of shading is seen
    "least_light": 0.4, "least_warmth": 1.0,
}  # fmt: skip
"""Standard deviations of the terms' coefficients and of what is left in the cells, natural log.

Those of light and camera were found by marginal likelihood on 50 pairs in which nothing had changed (rendered retakes
of one head under twelve lights, 14 people in a studio), those of skin set to what treatments do (0.1 is 1.1 a*-eq).
Then both were adjusted together until known changes came out neither swallowed nor blown up: on the same photos, so
that figures from those photos flatter.
"""

# Which terms grow with the difference of light.
_WITH_LIGHT = frozenset({"tint", "region_light", "hollow_light", "patch_light"})
# A change of shading by so much (SD over the face, natural log) doubles what else light does.
_USUAL_LIGHT = 0.4
_ROUNDS = 4
# Degrees of freedom of Student's t: of cells (moles, shine, shadow edges), and of what treatments do to regions.
_CELL_FREEDOM = 4.0
_CHANGE_FREEDOM = 2.0
_MIN_CELLS = 60
_WIDE_START = 4.0
# Amount of haemoglobin per ln R, G, B; and the share of what was taken out in that colour that stays in doubt.
_BLOOD = -unmixing_matrix()[0]
_DOUBT = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class LightFit:
    """How the light of one photo differs from that of another, as fitted together with the change of skin.

    Attributes
    ----------
    log_ratio : (CELLS, CELLS, 3) float32
        Natural log of the light after over the light before, linear R, G, B; zero mean over the face, continued over
        cells without skin.
    shade_sd, warmth_sd : float
        Standard deviation over the face of its grey part and of its part from blue to yellow.
    """

    log_ratio: npt.NDArray[np.float32]
    shade_sd: float
    warmth_sd: float
    _where: npt.NDArray[np.bool_]
    _weight: Values
    _columns: Values
    _covariance: Values

    def over(self, side_px: int) -> npt.NDArray[np.float32]:
        """:attr:`log_ratio` on every px of the canonical frame, (S, S, 3) float32."""
        return spread(self.log_ratio, side_px)

    def standard_error(self, shares: npt.NDArray[np.floating], gradient: tuple[float, float, float]) -> float:
        """Standard error that the light leaves in a mean over places, in the unit of ``gradient``.

        Parameters
        ----------
        shares : (CELLS, CELLS) float
            How much each cell counts; negative where it is subtracted. Their sum is 0: the light has zero mean.
        gradient : (float, float, float)
            What is measured per unit of ln R, ln G and ln B.
        """
        reach = shares[self._where] @ np.einsum("nck,c->nk", self._columns, np.array(gradient))
        # What passed for light and has the colour of blood may have been blood after all.
        blood = float((shares * (self.log_ratio @ _BLOOD)).sum()) * float(np.array(gradient) @ -HAEMOGLOBIN)
        return float(np.hypot(np.sqrt(max(reach @ self._covariance @ reach, 0.0)), _DOUBT * blood))

    def redness_error(self) -> npt.NDArray[np.float32]:
        """Standard error of the redness index that the light leaves in each cell, a*-equivalents; NaN off the skin."""
        reach = (self._columns[:, 0] - self._columns[:, 1]) / EI_PER_A_STAR
        reach -= np.average(reach, axis=0, weights=self._weight)
        blood = (self.log_ratio[self._where] @ _BLOOD) * (HAEMOGLOBIN[1] - HAEMOGLOBIN[0]) / EI_PER_A_STAR
        variance = np.einsum("ni,ij,nj->n", reach, self._covariance, reach, optimize=True)
        error = np.full((CELLS, CELLS), np.nan, np.float32)
        error[self._where] = np.sqrt(variance + (_DOUBT * blood) ** 2)
        return error

    def even_shares(self) -> npt.NDArray[np.float64]:
        """Shares of the whole face, (CELLS, CELLS), sum 1: what "zero mean" refers to."""
        shares = np.zeros((CELLS, CELLS))
        shares[self._where] = self._weight / self._weight.sum()
        return shares


def fit_light(
    before: npt.NDArray[np.float32],
    after: npt.NDArray[np.float32],
    skin: npt.NDArray[np.bool_],
    *,
    priors: dict[str, float] = PRIORS,
) -> LightFit | None:
    """Fit light, tone curve and change of skin to the log-ratio of two registered photos.

    Parameters
    ----------
    before, after : (s, s, 3) float32
        Natural log of linear R, G, B in the canonical frame.
    skin : (s, s) bool
        Usable in both.
    priors : dict of str to float
        Others than :data:`PRIORS`, by the same names.

    Returns
    -------
    LightFit or None
        None with too little skin.

    Notes
    -----
    Weighted linear Bayesian regression of the two colour parts of the ratio over cells of 6 mm. Cells are weighted by
    Student's t; the amounts of blood and melanin of a region have heavy-tailed priors (most regions do not change, and
    one that does may do so by much), found by expectation-maximisation; how much the colour of the light varies is
    found by marginal likelihood. A change that light could have made as well comes out with a wide interval. What the
    whole face shares is left to the colour reference.

    References
    ----------
    Basri, Jacobs 2003, IEEE TPAMI 25 (shading as polynomials of the normal); Tipping 2001, "Sparse Bayesian learning
    and the relevance vector machine", JMLR 1 (priors found from the data); Lange, Little, Taylor 1989, "Robust
    statistical modeling using the t distribution", JASA 84.
    """
    cells = gather_cells(before, after, skin)
    if len(cells.weight) < _MIN_CELLS:
        return None
    terms = build_terms(cells)
    solution = _solve(cells, terms, priors)
    light = np.concatenate([t.columns for t in terms if t.of_light], axis=-1)
    of_light = np.concatenate([np.full(t.columns.shape[-1], t.of_light) for t in terms])
    chroma = (light @ solution.coefficients[of_light]) @ CHROMA.T @ CHROMA
    chroma += (solution.cell_share * solution.residual[:, :1]) * WARMTH
    shade = estimate_shade(cells, cells.ratio - chroma)
    ratio = chroma + shade[:, None]
    ratio -= np.average(ratio, axis=0, weights=cells.weight)
    return LightFit(
        log_ratio=_continued(ratio, cells),
        shade_sd=float(np.sqrt(np.average(shade**2, weights=cells.weight))),
        warmth_sd=float(np.sqrt(np.average((ratio @ WARMTH) ** 2, weights=cells.weight))),
        _where=cells.where,
        _weight=cells.weight,
        _columns=light,
        _covariance=solution.covariance[np.ix_(of_light, of_light)],
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Solution:
    """Coefficients with covariance; residuals (n, 2) of warmth and tint; the share of warmth's that is light."""

    coefficients: Values
    covariance: Values
    residual: Values
    cell_share: float


def _solve(cells: Cells, terms: list[Term], priors: dict[str, float]) -> _Solution:
    columns = np.concatenate([t.columns for t in terms], axis=-1)
    names = np.concatenate([np.full(t.columns.shape[-1], t.prior) for t in terms])
    base = np.array([priors[n] for n in names])
    shade = estimate_shade(cells, cells.ratio)
    extra = float(np.sqrt(np.average(shade**2, weights=cells.weight))) / _USUAL_LIGHT
    base[np.isin(names, list(_WITH_LIGHT))] *= priors["least_light"] + extra
    change = np.isin(names, ["blood", "melanin"])
    usual_change = base[change]
    # Patches that show no colour of the light must not talk the whole face out of it: its own prior never shrinks.
    warm = (names == "patch_warmth", names == "warmth")
    usual = priors["least_warmth"] + extra
    warmth = usual
    projected = np.einsum("dc,nck->dnk", CHROMA, columns)
    target = cells.ratio @ CHROMA.T
    weight = np.ones(len(cells.weight))
    # Any region may have changed by much to begin with: what looks like an outlier is a change more often.
    base[change] *= _WIDE_START
    for round_ in range(_ROUNDS):
        grams = [_gram(p, t, cells.weight * weight) for p, t in zip(projected, target.T, strict=True)]
        solve = partial(_normal, grams, base, warm, usual=usual, priors=priors)
        fit = solve(warmth)
        if round_ in (1, 2):
            fit, warmth = _climb(solve, fit, warmth, step=(2.5, 1.6)[round_ - 1])
        residual = target - np.einsum("dnk,k->nd", projected, fit.coefficients)
        distance = ((residual / fit.noise) ** 2).sum(axis=1) * cells.weight
        weight = (_CELL_FREEDOM + 2.0) / (_CELL_FREEDOM + distance)
        if round_ < _ROUNDS - 1:
            expected = fit.coefficients[change] ** 2 + fit.variances[change]
            base[change] = np.sqrt((_CHANGE_FREEDOM * usual_change**2 + expected) / (_CHANGE_FREEDOM + 1.0))
    of_cell = (priors["cell_warmth"] * warmth) ** 2
    return _Solution(
        coefficients=fit.coefficients,
        covariance=fit.covariance(),
        residual=residual,
        cell_share=of_cell / (of_cell + priors["noise_warmth"] ** 2),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Gram:
    """Normal equations of one colour direction, before noise and priors."""

    matrix: Values
    vector: Values
    square: float
    n: int


def _gram(columns: Values, target: Values, weight: Values) -> _Gram:
    weighted = columns * weight[:, None]
    return _Gram(weighted.T @ columns, weighted.T @ target, float(weight @ target**2), len(target))


@dataclass(frozen=True, slots=True, eq=False)
class _Normal:
    """One weighted solution under given priors."""

    coefficients: Values
    noise: Values
    log_likelihood: float
    _unwhiten: Values

    @property
    def variances(self) -> Values:
        """Posterior variances of the coefficients."""
        return np.asarray((self._unwhiten**2).sum(axis=0))

    def covariance(self) -> Values:
        """Posterior covariance of the coefficients."""
        return np.asarray(self._unwhiten.T @ self._unwhiten)


def _normal(
    grams: list[_Gram],
    base: Values,
    warm: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]],
    scale: float,
    *,
    usual: float,
    priors: dict[str, float],
) -> _Normal:
    """Solve for the coefficients with priors ``base``, where the colour of the light varies by ``scale``."""
    prior = base * np.select(warm, [scale, max(scale, usual)], 1.0)
    noise = np.array([np.hypot(priors["noise_warmth"], priors["cell_warmth"] * scale), priors["noise_tint"]])
    matrix = sum(g.matrix / s**2 for g, s in zip(grams, noise, strict=True)) * np.outer(prior, prior)
    vector = sum(g.vector / s**2 for g, s in zip(grams, noise, strict=True)) * prior
    square = sum(g.square / s**2 for g, s in zip(grams, noise, strict=True))
    matrix[np.diag_indices(len(prior))] += 1.0
    factor = np.linalg.cholesky(matrix)
    inverse = solve_triangular(factor, np.eye(len(prior)), lower=True, check_finite=False)
    half = inverse @ vector
    log_likelihood = (
        -0.5 * (square - half @ half)
        - float(np.log(np.diag(factor)).sum())
        - grams[0].n * float(np.log(noise).sum())
        - 0.5 * float(np.log(scale / usual)) ** 2  # the scale itself is log-normal
    )
    return _Normal((half @ inverse) * prior, noise, log_likelihood, inverse * prior)


def _climb(solve: Callable[[float], _Normal], fit: _Normal, scale: float, *, step: float) -> tuple[_Normal, float]:
    """Follow the likelihood up in steps of a factor, first up, then down."""
    for factor in (step, 1.0 / step):
        moved = False
        while (tried := solve(scale * factor)).log_likelihood > fit.log_likelihood + 0.05:
            fit, scale, moved = tried, scale * factor, True
        if moved:
            break
    return fit, scale


def _continued(ratio: Values, cells: Cells) -> npt.NDArray[np.float32]:
    """Values at the cells as a plane, smoothly continued over cells without skin, (CELLS, CELLS, 3)."""
    plane = np.zeros((CELLS, CELLS, 3), np.float32)
    plane[cells.where] = ratio
    known = cells.where.astype(np.float32)
    filled = plane.copy()
    for sigma in (1.0, 2.0, 4.0, 8.0):  # the nearest skin that there is
        total, weight = cv2.GaussianBlur(plane, (0, 0), sigma), cv2.GaussianBlur(known, (0, 0), sigma)
        missing = (weight > 0.02) & ~cells.where & (filled == 0.0).all(axis=-1)
        filled[missing] = total[missing] / weight[missing][:, None]
    return filled


def estimate_light_difference(
    log_plane: npt.NDArray[np.float32], reference: npt.NDArray[np.float32], skin: npt.NDArray[np.bool_]
) -> float:
    """Standard deviation over the face of the smooth part of the difference between two photos' planes.

    Parameters
    ----------
    log_plane, reference : (S, S) float32
        Natural log of the shading (for the light) or of a pigment (for its colour), canonical frame.
    skin : (S, S) bool
        Usable in both.

    Returns
    -------
    float
        0 for the same light; about 0.1 for a lamp moved a little, 0.5 for a window on the other side. NaN with too
        little skin. Exposure does not count.
    """
    rows, cols = np.nonzero(skin)
    if rows.size < 200:
        return float("nan")
    step = max(1, rows.size // 20000)
    at = rows[::step], cols[::step]
    basis = shading_basis(skin.shape[0])[at].astype(np.float64)
    ratio = (log_plane[at] - reference[at]).astype(np.float64)
    good = np.isfinite(basis).all(axis=1) & np.isfinite(ratio)
    if not good.any():
        return float("nan")
    basis, ratio = basis[good] - basis[good].mean(axis=0), ratio[good] - np.median(ratio[good])
    weight = np.ones_like(ratio)
    fitted = np.zeros_like(ratio)
    for _ in range(4):  # Huber weights: moles, shine and shadow edges are not the light's smooth part
        root = np.sqrt(weight)
        gram = (basis * root[:, None]).T @ (basis * root[:, None]) + 1e-3 * len(ratio) * np.eye(basis.shape[1])
        fitted = basis @ np.linalg.solve(gram, basis.T @ (weight * ratio))
        residual = np.abs(ratio - fitted)
        weight = 1.0 / np.maximum(1.0, residual / (2.0 * np.median(residual) + 1e-6))
    return float(np.std(fitted))
