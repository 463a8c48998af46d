"""Pure statistics: region statistics, their error by blocks of skin, simultaneous intervals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

Statistic = Literal["trimmed_mean", "spread", "mean", "total"]
FloatMap = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

# Share of the px on either side of a quantile that its density is taken from.
_NEAR = 0.05
_ENOUGH_PX = 4000
_SPREAD = (0.1587, 0.8413)
_TRIMMED = (0.2, 0.8)


def region_statistic(values: npt.NDArray[np.floating], statistic: Statistic) -> float:
    """Trimmed mean, half the distance between the 16th and 84th percentile, mean or sum; NaN for no values.

    Parameters
    ----------
    values : (n,) float
    statistic : {'trimmed_mean', 'spread', 'mean', 'total'}
        Trimmed: the mean of what is left without the lowest and the highest fifth; it does not snap to the steps of
        8-bit photos, as a median does (that alone made 0.3 a*-eq), and moles and stray hairs hardly move it.

    Returns
    -------
    float

    References
    ----------
    Wilcox 2017, "Introduction to robust estimation and hypothesis testing": 20 % from each end as the rule.

    Examples
    --------
    >>> region_statistic(np.array([1.0, 2.0, 3.0, 4.0, 90.0]), "trimmed_mean")
    3.0
    """
    if values.size == 0:
        return float("nan")
    if statistic == "total":
        return float(np.sum(values, dtype=np.float64))
    if statistic == "mean":
        return float(np.mean(values, dtype=np.float64))
    if statistic == "spread":
        low, high = np.quantile(values, _SPREAD)
        return float(high - low) / 2.0
    cut = int(_TRIMMED[0] * values.size)
    ordered = np.partition(values.ravel(), (cut, values.size - cut - 1))
    return float(np.mean(ordered[cut : values.size - cut], dtype=np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """A region cut into square blocks of skin, for everything that is measured in it.

    Attributes
    ----------
    where : (n,) int64
        Flat indices of the region's px.
    block : (n,) int64
        Block of each px, 0..n_blocks-1.
    n_blocks : int
        Number of blocks that hold any skin.
    """

    where: npt.NDArray[np.int64]
    block: npt.NDArray[np.int64]
    n_blocks: int


def cut_blocks(mask: Mask, mm_per_px: FloatMap, *, block_mm: float) -> Blocks:
    """Cut the usable skin of a region into blocks.

    Parameters
    ----------
    mask : (S, S) bool
    mm_per_px : (S, S) float32
    block_mm : float
        Wanted side, mm; smaller, down to 3 mm, where the region would yield fewer than 12 blocks.

    Returns
    -------
    Blocks

    References
    ----------
    Künsch 1989, "The jackknife and the bootstrap for general stationary observations", Ann Stat 17: neighbouring px
    repeat each other, so whole blocks are drawn and not px.
    """
    where = np.flatnonzero(mask)
    rows, cols = np.divmod(where, mask.shape[1])
    scale = float(np.nanmedian(mm_per_px.ravel()[where])) if where.size else 1.0
    side_mm = float(np.clip(np.sqrt(where.size * scale**2 / 12.0), 3.0, block_mm))
    side_px = max(1, round(side_mm / scale))
    label = (rows // side_px) * (mask.shape[1] // side_px + 1) + cols // side_px
    present = np.bincount(label) > 0
    return Blocks(where=where, block=(np.cumsum(present) - 1)[label], n_blocks=int(present.sum()))


def block_influence(
    values: npt.NDArray[np.floating], block: npt.NDArray[np.int64], n_blocks: int, statistic: Statistic
) -> tuple[float, npt.NDArray[np.float64]]:
    """A statistic, and how much it moves when one block of skin is drawn once more than it is there.

    Parameters
    ----------
    values : (n,) float
        Without NaN.
    block : (n,) int
        Block of each value.
    n_blocks : int
    statistic : {'trimmed_mean', 'spread', 'mean', 'total'}

    Returns
    -------
    value : float
        NaN without values.
    influence : (n_blocks,) float64
        Their sum is about 0; the root of the sum of their squares is the standard error, see :func:`block_error`.

    Notes
    -----
    The block bootstrap to first order, with infinitely many resamples and without their noise. Of two photos of the
    same blocks the influences are subtracted before they are squared: what differs from place to place cancels.

    References
    ----------
    Efron 1982, "The jackknife, the bootstrap and other resampling plans", SIAM, section 6: the infinitesimal
    jackknife. Wilcox 2017, "Introduction to robust estimation and hypothesis testing": influence of quantiles and
    trimmed means.
    """
    if values.size == 0:
        return float("nan"), np.full(n_blocks, np.nan)
    if statistic == "spread":
        value, each = _spread_influence(values)
    else:
        value = region_statistic(values, statistic)
        if statistic == "total":
            sums = np.bincount(block, weights=values, minlength=n_blocks)
            return value, sums - sums.mean()
        each = values - np.float32(value)
        if statistic == "trimmed_mean":
            # The borders of what is clipped need not be exact.
            clipped = np.clip(values, *np.quantile(values[:: 1 + values.size // _ENOUGH_PX], _TRIMMED))
            each = (clipped - clipped.mean()) / np.float32(_TRIMMED[1] - _TRIMMED[0])
    return value, np.bincount(block, weights=each, minlength=n_blocks) / values.size


def _spread_influence(values: npt.NDArray[np.floating]) -> tuple[float, npt.NDArray[np.float32]]:
    """The spread, and how much each value moves it, times their number."""
    around = np.quantile(values, [q + step for q in _SPREAD for step in (-_NEAR, 0.0, _NEAR)])
    low, high = around[1], around[4]
    # One over the density of the values at the two quantiles.
    per_low, per_high = (float(around[k + 2] - around[k]) / (2.0 * _NEAR) for k in (0, 3))
    each = np.float32(_SPREAD[1] * per_high - _SPREAD[0] * per_low) + np.zeros(values.shape, np.float32)
    each -= (values <= high) * np.float32(per_high)
    each += (values <= low) * np.float32(per_low)
    return float(high - low) / 2.0, each / np.float32(2.0)


def block_error(influence: npt.NDArray[np.float64]) -> float:
    """Standard error from the influence of the blocks, with the small-sample factor for few of them.

    NaN for fewer than two blocks.
    """
    n_blocks = influence.size
    if n_blocks < 2:
        return float("nan")
    return float(np.sqrt(np.sum((influence - influence.mean()) ** 2) * n_blocks / (n_blocks - 1.0)))


def simultaneous_z(confidence_level: float, n_tests: int) -> float:
    """Normal quantile of intervals that hold together for ``n_tests`` regions (Šidák).

    References
    ----------
    Šidák 1967, "Rectangular confidence regions for the means of multivariate normal distributions", JASA 62:
    conservative for any correlation between the regions.

    Examples
    --------
    >>> round(simultaneous_z(0.95, 1), 2), round(simultaneous_z(0.95, 12), 2)
    (1.96, 2.86)
    """
    each = confidence_level ** (1.0 / max(n_tests, 1))
    return float(ndtri(0.5 + each / 2.0))


# The calibration knows a single shot about as well as so many repeated shots would tell.
_SHOTS_KNOWN = 6.0


@dataclass(frozen=True, slots=True)
class ShotScatter:
    """How far shots of the same session lie from each other.

    Attributes
    ----------
    squares : float
        Sum of squared deviations from the means of their sessions.
    n_free : int
        Degrees of freedom: shots less sessions.
    """

    squares: float = 0.0
    n_free: int = 0

    @classmethod
    def of(cls, sessions: Iterable[Sequence[float]]) -> "ShotScatter":
        """Pool the shots of several sessions, one series a session; shots that were not measured (NaN) do not count."""
        squares, n_free = 0.0, 0
        for values in sessions:
            finite = np.array([v for v in values if np.isfinite(v)])
            if finite.size > 1:
                squares += float(((finite - finite.mean()) ** 2).sum())
                n_free += finite.size - 1
        return cls(squares, n_free)

    def excess(self, known: float) -> float:
        """Variance of a shot beyond what is known of it, never less than 0.

        Parameters
        ----------
        known : float
            Variance of a single shot as the calibration has it; NaN gives 0.

        Notes
        -----
        Few shots say little: the known variance counts as six more of them (a scaled inverse chi-square prior), so
        that two shots which happen to differ do not double the interval.

        Examples
        --------
        >>> ShotScatter.of([(1.0, 3.0)]).excess(2.0), ShotScatter.of([(0.0, 8.0)]).excess(2.0) > 0
        (0.0, True)
        """
        if not self.n_free or not known >= 0.0:
            return 0.0
        pooled = (self.squares + _SHOTS_KNOWN * known) / (self.n_free + _SHOTS_KNOWN)
        return max(0.0, pooled - known)


def two_sided_p(z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Probability of a normal deviate at least so far from 0, on either side."""
    return np.asarray(2.0 * ndtr(-np.abs(z)))


def holm_adjusted(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Probabilities adjusted so that those below a level hold together at that level, whatever their dependence.

    Parameters
    ----------
    p : (n,) float64
        Without NaN.

    References
    ----------
    Holm 1979, "A simple sequentially rejective multiple test procedure", Scand J Stat 6.

    Examples
    --------
    >>> holm_adjusted(np.array([0.01, 0.5, 0.02])).round(2).tolist()
    [0.03, 0.5, 0.04]
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1.0))
    adjusted = np.empty(p.size)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
