"""Fit how far comparisons differ when nothing changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar

from skinprogress.comparison.calibration import rendering_error
from skinprogress.comparison.calibration_table import SMALL_MM2
from skinprogress.comparison.uncertainty import simultaneous_z
from skinprogress.metrics.table import METRICS
from skinprogress.records import Comparison, Flag, Method
from skinprogress.settings import Repeatability
from skinprogress.validation.retakes import Retake, is_mark, mark_area_mm2

COVARIATES = ("per_light", "per_light_color", "per_exposure", "per_expression", "per_blur", "per_misfit")

Array = npt.NDArray[np.float64]

# All pairs of one tier together count for as much as this share of the true ones. What is rephotographed flatters.
_SHARES = {"T0": 0.5, "T1": 0.5, "T3": 1.0}
_COVERED = 0.95

PRIOR_PAIRS = 10.0
"""So many pairs the program's own figures count for where few are fitted to."""
# Of true retakes, squared scores are so large on the average: rows are stretched until the long tails are covered.
_MEAN_SQUARE = 0.6
_NOTHING = MappingProxyType[str, float]({})


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """Differences of one metric in which nothing changed, n of them, in units of what its errors grow with.

    Attributes
    ----------
    difference : (n,) float64
    squares : (n, 7) float64
        A leading 1, and the squares of what the photos differ in, in the order of :data:`COVARIATES`.
    known : (n,) float64
        Variance that is told without the calibration: of the skin within the photo, of colour and light.
    pair : (n,) int64
        Number of the pair of photos.
    weight : (n,) float64
        Sums to the number of independent pairs.
    tier : (n,) str
        Of simulated photos; empty for true ones.
    area_mm2 : (n,) float64
        NaN for regions.
    """

    difference: Array
    squares: Array
    known: Array
    pair: npt.NDArray[np.int64]
    weight: Array
    tier: npt.NDArray[np.str_]
    area_mm2: Array

    @property
    def n_pairs(self) -> float:
        """Independent pairs."""
        return float(self.weight.sum())

    def of(self, some: npt.NDArray[np.bool_]) -> "Differences":
        """Some of them."""
        return Differences(*(getattr(self, name)[some] for name in self.__slots__))

    @property
    def share(self) -> Array:
        """Weight that each gets in a fit; their sum is 1."""
        true = self.of(self.tier == "").n_pairs
        share = self.weight.copy()
        for tier in set(self.tier) - {""}:
            one = self.tier == tier
            share[one] *= _SHARES[tier] * true / share[one].sum() if true else 1.0
        return np.asarray(share / share.sum())

    def score(self, sizes: Array) -> Array:
        """Sizes of the differences in standard errors, where the sessions' variance is ``squares @ sizes``."""
        return np.asarray(np.abs(self.difference) / np.sqrt(self.squares @ sizes + self.known + 1e-12))


def collect_differences(
    retakes: Sequence[Retake], metric: str, *, method: Method, size: Callable[[float], float], marks: bool = False
) -> Differences:
    """The differences of one metric in all regions of all retakes, or in all marks.

    Parameters
    ----------
    retakes : sequence of Retake
    metric : str
    method : {'raw', 'compensated'}
        Pairs in which the light was treated otherwise are left out.
    size : callable
        What the errors of a value grow with; :meth:`skinprogress.settings.Repeatability.size`.
    marks : bool
    """
    rows: list[tuple[float, Array, float, int, float, str, float]] = []
    for k, retake in enumerate(retakes):
        squares = _squares(retake.comparison, metric)
        found = [c for c in retake.changes if c.metric == metric and np.isfinite(c.difference) and c.method == method]
        found = [c for c in found if is_mark(c.region) == marks and not (marks and Flag.LOW_COVERAGE in c.flags)]
        for c in found:
            value = (abs(c.baseline) + abs(c.followup)) / 2.0
            scale = max(size(value), 1e-9)
            overstated = retake.overstated.get(metric, 0.0)
            if retake.is_unnamed:
                overstated += (
                    rendering_error(METRICS[metric], value=value, one_camera=False, rung=c.color_reference) ** 2
                )
            known = max(c.standard_error**2 - overstated, 0.0) / scale**2
            weight, area = retake.pair.weight / len(found), mark_area_mm2(c.region) if marks else float("nan")
            rows.append((c.difference / scale, squares, known, k, weight, retake.pair.tier, area))
    columns = list(zip(*rows, strict=True)) or [()] * 7
    kinds = (np.float64, np.float64, np.float64, np.int64, np.float64, np.str_, np.float64)
    arrays: list[Any] = [np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    return Differences(arrays[0], arrays[1].reshape(-1, 7), *arrays[2:])


def _squares(c: Comparison, metric: str) -> Array:
    # The colour of the light is read off the melanin index: as photographed, it cannot explain its error too.
    is_itself = metric == "melanin_index" and np.isnan(c.light_removed)
    color = 0.0 if is_itself else c.light_color_difference
    blur = np.log(c.sharpness_ratio) if METRICS[metric].needs_sharpness else 0.0
    differs = [1.0, c.light_difference, color, c.exposure_difference, c.expression_difference, blur]
    return np.nan_to_num(np.square([*differs, c.misfit_percent_iod]))


def fit_metric(
    found: Differences, metric: str, *, at_least: Mapping[str, float] = _NOTHING, prior: Repeatability | None = None
) -> tuple[dict[str, float], dict[str, float]]:
    """Fit the session error of one metric by maximum likelihood: one variance, and one for each way to differ.

    Parameters
    ----------
    found : Differences
        Of regions.
    metric : str
    at_least : mapping
        Covariate to the smallest figure that it may get.
    prior : Repeatability or None
        What is believed of the covariates beforehand, give or take a factor of 1.6: photos that do not differ in
        something say nothing of what that would do.

    Returns
    -------
    row : dict
        Figures of :class:`skinprogress.settings.Repeatability`.
    fit : dict
        Of the true retakes: share of the differences that the 95 % interval covers, share of the pairs with no region
        outside of the simultaneous interval; number of independent pairs.
    """
    weight = found.share
    believed = [getattr(prior, name) if prior else 0.0 for name in COVARIATES]
    centre = np.log(np.maximum(np.square(believed), 1e-12))
    strength = np.array([size > 0.0 for size in believed]) / found.n_pairs

    def loss(log_size: Array) -> float:
        variance = found.squares @ np.exp(log_size) + found.known + 1e-12
        likelihood = np.sum(weight * (np.log(variance) + found.difference**2 / variance))
        return float(likelihood + np.sum(strength * (log_size[1:] - centre) ** 2))

    start = np.log(np.var(found.difference) * 0.3 / (found.squares.mean(axis=0) + 1e-9) + 1e-9)
    bounds = [(_least_session(found), 12.0), *[(-16.0, 12.0)] * len(COVARIATES)]
    for name, size in at_least.items():
        low = max(-16.0, 2.0 * np.log(max(size, 1e-9)))
        bounds[1 + COVARIATES.index(name)] = (low, max(12.0, low + 2.0))
    starts = [np.clip(start + shift, *np.transpose(bounds)) for shift in np.diag(np.full(len(start), 2.0))]
    best = min((minimize(loss, s, method="L-BFGS-B", bounds=bounds) for s in starts), key=lambda tried: tried.fun)
    # Where colour does not count, what is known is the skin's patchiness alone, and as likely to be understated.
    lift = 0.0 if METRICS[metric].color_gradient else float(np.median(found.known))
    sizes, fit = _stretch(found, np.exp(best.x), lift=lift)
    # Of what no photos differ in, the smallest figure allowed stays.
    seen = (found.squares.max(axis=0) > 0.0) | np.array([True, *(name in at_least for name in COVARIATES)])
    error = np.sqrt(sizes * (seen | np.array([True, *(strength > 0.0)])))
    row = {"session": float(error[0] / np.sqrt(2.0))}
    row.update(zip(COVARIATES, map(float, error[1:]), strict=True))
    return row, fit


def _least_session(found: Differences) -> float:
    """Something always differs: at least a quarter of what the most alike pairs show beyond what is known, as a log."""
    alike = found.squares[:, 1] <= np.median(found.squares[:, 1])
    scatter, known = np.mean(found.difference[alike] ** 2), np.mean(found.known[alike])
    return float(np.log(0.25 * max(scatter - known, 0.1 * scatter) + 1e-12))


def _stretch(found: Differences, sizes: Array, *, lift: float) -> tuple[Array, dict[str, float]]:
    """Stretch the sessions' part until it covers: errors are more peaked and longer-tailed than a normal distribution.

    One by one and pair by pair: the true retakes alone, and those together with the rendered ones, whose light truly
    differs. One by one: all that there are, by their shares.
    """
    _, of = np.unique(found.pair, return_inverse=True)
    z = np.array([simultaneous_z(_COVERED, n) for n in np.bincount(of)])
    groups = [found.tier == "", np.isin(found.tier, ("", "T3"))]
    for _ in range(30):
        score = found.score(sizes)
        needed = [_quantile(score, found.share) / 1.96]
        outside = []
        for group in groups:
            # Of each pair, what is farthest out, in shares of its simultaneous interval.
            far = np.sort([score[of == k].max() / z[k] for k in np.unique(of[group])])[::-1]
            outside.append(float(np.mean(far > 1.0)))
            needed += [_quantile(score[group], found.weight[group]) / 1.96, far[int((1.0 - _COVERED) * len(far))]]
        if not max(needed) > 1.0:
            break
        # What is known cannot be stretched with the rest: the session's constant part makes up for it.
        grown = (max(needed) + 1e-3) ** 2
        sizes = sizes * grown
        sizes[0] += (grown - 1.0) * lift
    fit = {
        "coverage": float(np.mean(score[groups[0]] <= 1.96)),
        "pairs_without_false_change": 1.0 - outside[0],
        "n_pairs": found.of(groups[0]).n_pairs,
    }
    return sizes, fit


def _quantile(score: Array, weight: Array) -> float:
    order = np.argsort(score)
    reached = np.cumsum(weight[order]) / weight.sum()
    return float(score[order][min(int(np.searchsorted(reached, _COVERED)), len(score) - 1)])


def fit_scale(found: Differences, shipped: Repeatability) -> float:
    """Fit one factor on the variances of a row, held towards 1 as by :data:`PRIOR_PAIRS` pairs that say so.

    Parameters
    ----------
    found : Differences
    shipped : Repeatability

    Returns
    -------
    float
        Mode of the posterior: a normal likelihood in which the regions of one pair count as one, and a scaled inverse
        chi-squared prior.
    """
    session = found.squares @ variances(shipped)

    def loss(log_factor: float) -> float:
        factor = float(np.exp(log_factor))
        variance = session * factor + found.known + 1e-12
        fit = np.sum(found.weight * (np.log(variance) + found.difference**2 / (_MEAN_SQUARE * variance)))
        return float(fit + PRIOR_PAIRS * (log_factor + 1.0 / factor))

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 6.0), method="bounded").x))


def scaled(row: Repeatability, factor: float) -> Repeatability:
    """A row all of whose variances are multiplied by a factor."""
    return replace(row, **{name: getattr(row, name) * float(np.sqrt(factor)) for name in ("session", *COVARIATES)})


def needed_power(marks: Differences, sizes: Array) -> float:
    """Smallest power of the area, in steps of 0.05, with which the intervals of marks cover 95 % of true retakes.

    Parameters
    ----------
    marks : Differences
    sizes : (7,) float64
        Variances of the row that regions got; the session's part of a mark is multiplied by
        ``(SMALL_MM2 / area) ** (2 · power)``.

    Returns
    -------
    float
        NaN where no power up to 2 does, or there are no marks.
    """
    small = marks.of((marks.tier == "") & (marks.area_mm2 < SMALL_MM2))
    session = small.squares @ sizes
    for power in np.arange(0.0, 2.01, 0.05):
        variance = session * (SMALL_MM2 / small.area_mm2) ** (2.0 * power) + small.known
        if len(session) and np.mean(np.abs(small.difference) <= 1.96 * np.sqrt(variance)) >= _COVERED:
            return float(power)
    return float("nan")


def variances(row: Repeatability) -> Array:
    """The variances of :class:`Differences` that a row of the calibration stands for, (7,) float64."""
    return np.square([np.sqrt(2.0) * row.session, *(getattr(row, name) for name in COVARIATES)])
