"""The curve of fading redness, B + A exp(−t/τ), where the photos bear one."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from skinprogress.comparison.quoted import QUOTES
from skinprogress.records import Recovery

LEAST_TIMES = 4
_SAME_TIME_H = 0.5
_UPPER = 0.975
_QUANTILES = (0.5, 1.0 - _UPPER, _UPPER)
# τ that can be told from photos of one week, hours, evenly in its logarithm.
_TAUS = np.geomspace(1.0, 300.0, 115)
# Redness after needling reaches 2–12 a*-equivalents: wide enough that the photos decide.
_PRIOR_AMPLITUDE, _PRIOR_LEVEL = 15.0, 5.0
# Fall of twice the log likelihood at the ends of a 95 % interval; and what chance gains once in 5,000 over a line.
_BOUND, _BETTER_THAN_LINE = 3.84, 13.8

Floats = npt.NDArray[np.float64]


def fit_recovery(recovery: Recovery, *, own: Floats, of_before: float) -> Recovery:
    """Fit R(t) = B + A exp(−t/τ), or say why the photos do not bear it.

    Parameters
    ----------
    recovery : Recovery
        With its points.
    own : (n,) float
        Standard error of each photo's redness by itself.
    of_before : float
        That of the session before, which is taken as an observation of B: long after or before any treatment.

    Returns
    -------
    Recovery
        With the curve, or with the reason why there is none.

    Notes
    -----
    For each τ of a grid, B and A are a linear model with normal errors and are integrated out; τ has a log-normal prior
    from what clinics quote. A curve is published only where the photos alone, without this prior, bound τ on both
    sides, where A is certainly above the detectable change, and where the curve fits clearly better than a straight
    line: redness that is still falling evenly has no half-life yet. Where the photos lie further from the curve than
    their errors say, the errors are widened.

    References
    ----------
    Gelman et al. 2013, "Bayesian data analysis", section 14: the linear model with known errors.
    """
    hours, rise = np.array(recovery.hours), np.array(recovery.rise)
    times = count_times(recovery.hours)
    if times < LEAST_TIMES:
        number = "1 time" if times == 1 else f"{times} different times"
        return replace(recovery, reason=f"photos at {number} within a week; a curve needs {LEAST_TIMES}")
    model = _Model(hours, rise, np.append(own, of_before))
    profile = model.profile()
    best = float(profile.min())
    # One more observation than photos, three parameters.
    widened = max(1.0, best / (hours.size - 2.0))
    fit = replace(model, errors=model.errors * np.sqrt(widened)).posterior()
    first, last = (profile[[0, -1]] - best) / widened
    # 1.96 · √2 · the standard error of one photo.
    detectable = ndtri(_UPPER) * np.sqrt(2.0 * np.mean(own**2) * widened)
    if not fit.amplitude[1] > detectable:
        return replace(recovery, reason="redness did not rise by more than these photos can tell for certain")
    if first < _BOUND:
        return replace(recovery, reason="redness had fallen before the photos could show how quickly")
    if last < _BOUND:
        return replace(recovery, reason="redness had not fallen far enough by the last photo to tell how quickly")
    if (_line_misfit(hours, rise, own) - best) / widened < _BETTER_THAN_LINE:
        return replace(recovery, reason="a straight line fits the photos as well as a curve that levels off")
    tau, tau_low, tau_high = fit.tau
    half = float(np.log(2.0))
    return replace(
        recovery,
        level=fit.level,
        amplitude=fit.amplitude[0],
        amplitude_low=fit.amplitude[1],
        amplitude_high=fit.amplitude[2],
        tau_h=tau,
        tau_low_h=tau_low,
        tau_high_h=tau_high,
        half_life_h=tau * half,
        half_life_low_h=tau_low * half,
        half_life_high_h=tau_high * half,
    )


def count_times(hours: Iterable[float]) -> int:
    """How many different times photos were taken at; half an hour apart counts as different.

    Examples
    --------
    >>> count_times([2.0, 2.2, 24.0, 48.0])
    3
    """
    count, last = 0, -np.inf
    for hour in sorted(hours):
        if hour - last >= _SAME_TIME_H:
            count, last = count + 1, hour
    return count


@dataclass(frozen=True, slots=True)
class _Fit:
    """Medians of the posterior, A and τ with their 95 % intervals."""

    level: float
    amplitude: tuple[float, float, float]
    tau: tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """Rises of the photos, after them the session before (0, at infinity), and the error of each by itself."""

    hours: Floats
    rise: Floats
    errors: Floats

    @property
    def design(self) -> Floats:
        """(τ, n + 1, 2): what B and A make of each observation."""
        decay = np.exp(-np.append(self.hours, np.inf) / _TAUS[:, None])
        return np.stack([np.ones_like(decay), decay], axis=2) / self.errors[:, None]

    @property
    def seen(self) -> Floats:
        return np.append(self.rise, 0.0) / self.errors

    def profile(self) -> Floats:
        """Chi-square of the best B and A for each τ, (τ,): what the photos say without any prior."""
        design, seen = self.design, self.seen
        # With A told at the first photo, which loses nothing and keeps short τ from vanishing.
        design[..., 1] *= np.exp(self.hours.min() / _TAUS)[:, None]
        turned = np.swapaxes(design, 1, 2)
        best = np.linalg.solve(turned @ design, (turned @ seen)[..., None])
        return np.asarray(np.sum((seen - (design @ best)[..., 0]) ** 2, axis=1))

    def posterior(self) -> _Fit:
        design, prior = self.design, np.array([_PRIOR_LEVEL, _PRIOR_AMPLITUDE]) ** -2.0
        precision = np.swapaxes(design, 1, 2) @ design + np.diag(prior)
        covariance = np.linalg.inv(precision)
        moment = np.swapaxes(design, 1, 2) @ self.seen
        mean = np.einsum("tij,tj->ti", covariance, moment)
        log_p = 0.5 * np.einsum("ti,ti->t", moment, mean) - 0.5 * np.linalg.slogdet(precision)[1] + _log_prior()
        weight = np.exp(log_p - log_p.max())
        weight /= weight.sum()
        spread = np.sqrt(covariance[:, 1, 1])
        likely = weight > 1e-6
        ends = mean[likely, 1] + 5.0 * spread[likely] * np.array([[-1.0], [1.0]])
        reach = np.linspace(ends.min(), ends.max(), 400)
        below = weight @ ndtr((reach - mean[:, 1, None]) / spread[:, None])
        # Mass up to the middle of each cell of the grid.
        mass = np.cumsum(weight) - weight / 2.0
        tau, tau_low, tau_high = np.exp(np.interp(_QUANTILES, mass, np.log(_TAUS)))
        rise, low, high = np.interp(_QUANTILES, below, reach)
        return _Fit(
            level=float(weight @ mean[:, 0]),
            amplitude=(float(rise), float(low), float(high)),
            tau=(float(tau), float(tau_low), float(tau_high)),
        )


def _log_prior() -> Floats:
    """Log-normal, with 95 % between what is quoted at least and at most."""
    quote = QUOTES["tau"][0]
    median, width = np.sqrt(quote.low * quote.high), np.log(quote.high / quote.low)
    return np.asarray(-0.5 * (np.log(_TAUS / median) / (width / (2.0 * ndtri(_UPPER)))) ** 2)


def _line_misfit(hours: Floats, rise: Floats, own: Floats) -> float:
    """Chi-square of a straight line through the photos."""
    design = np.column_stack([np.ones_like(hours), hours]) / own[:, None]
    solution = np.linalg.lstsq(design, rise / own)[0]
    return float(np.sum((rise / own - design @ solution) ** 2))
