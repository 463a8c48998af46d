"""Pure statistics: region statistics, block bootstrap, simultaneous intervals."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

Statistic = Literal["trimmed_mean", "spread"]
FloatMap = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_BINS = 64
# Share of the px on either side of a quantile within which its resamples are looked for.
_REACH = 0.25
_SPREAD = (0.1587, 0.8413)
_TRIMMED = (0.2, 0.8)


def region_statistic(values: npt.NDArray[np.floating], statistic: Statistic) -> float:
    """Trimmed mean, or half the distance between the 16th and 84th percentile; NaN for no values.

    Parameters
    ----------
    values : (n,) float
    statistic : {'trimmed_mean', 'spread'}
        The mean of what is left without the lowest and the highest fifth; it does not snap to the steps of 8-bit
        photos, as a median does (that alone made 0.3 a*-eq), and moles and stray hairs hardly move it.

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
    if statistic == "spread":
        low, high = np.quantile(values, _SPREAD)
        return float(high - low) / 2.0
    cut = int(_TRIMMED[0] * values.size)
    ordered = np.partition(values.ravel(), (cut, values.size - cut - 1))
    return float(np.mean(ordered[cut : values.size - cut], dtype=np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """A region cut into square blocks of skin, with one set of resamples for everything measured in it.

    Attributes
    ----------
    where : (n,) int64
        Flat indices of the region's px.
    block : (n,) int64
        Block of each px, 0..n_blocks-1.
    weights : (n_resamples, n_blocks) float32
        How often each block is drawn in each resample.
    """

    where: npt.NDArray[np.int64]
    block: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]

    @property
    def n_blocks(self) -> int:
        """Number of blocks that hold any skin."""
        return int(self.weights.shape[1])


def cut_blocks(
    mask: Mask, mm_per_px: FloatMap, *, block_mm: float, n_resamples: int, rng: np.random.Generator
) -> Blocks:
    """Cut the usable skin of a region into blocks and draw their resamples.

    Parameters
    ----------
    mask : (S, S) bool
    mm_per_px : (S, S) float32
    block_mm : float
        Wanted side, mm; smaller, down to 3 mm, where the region would yield fewer than 12 blocks.
    n_resamples : int
    rng : numpy.random.Generator

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
    block = (np.cumsum(present) - 1)[label]
    n_blocks = int(present.sum())
    weights = np.zeros((n_resamples, n_blocks), np.int64)
    if n_blocks:
        drawn = rng.integers(0, n_blocks, size=(n_resamples, n_blocks)) + n_blocks * np.arange(n_resamples)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=n_resamples * n_blocks).reshape(n_resamples, n_blocks)
    return Blocks(where=where, block=block.astype(np.int64), weights=weights.astype(np.float32))


def resampled_statistic(
    plane: FloatMap, blocks: Blocks, statistic: Statistic, *, max_px: int | None = None
) -> npt.NDArray[np.float64]:
    """The statistic in every resample, (n_resamples,), by histograms of each block.

    Drawing a block twice counts its histogram twice, so that no px needs to be sorted again. Of a quantile only the
    neighbourhood is resolved: no resample moves it further than that.
    """
    every = slice(None, None, 1 if max_px is None else 1 + blocks.where.size // max_px)
    values, block = plane.ravel()[blocks.where[every]], blocks.block[every]
    finite = np.isfinite(values)
    if not finite.all():
        values, block = values[finite], block[finite]
    if not values.size:
        return np.full(len(blocks.weights), np.nan)
    if statistic == "trimmed_mean":
        return _resampled_trimmed_mean(values, block, blocks)
    around = [np.clip([q - _REACH, q + _REACH], 0.0, 1.0) for q in _SPREAD]
    # The edges only frame the histogram: a few thousand px place them well enough.
    edges = np.quantile(values[:: 1 + values.size // 4000], np.concatenate(around)).reshape(-1, 2)
    low, high = (
        _resampled_quantile(values, block, blocks, q, float(start), float(end))
        for q, (start, end) in zip(_SPREAD, edges, strict=True)
    )
    return np.asarray((high - low) / 2.0)


def _resampled_trimmed_mean(
    values: npt.NDArray[np.float32], block: npt.NDArray[np.int64], blocks: Blocks
) -> npt.NDArray[np.float64]:
    """The trimmed mean in every resample, from counts and sums of each block's histogram."""
    n_blocks = blocks.weights.shape[1]
    low, high = np.quantile(values[:: 1 + values.size // 4000], [0.01, 0.99])
    if not high > low:
        return np.full(len(blocks.weights), float(low))
    bins = np.clip((values - np.float32(low)) * np.float32(_BINS / (high - low)) + 1.0, 0.0, _BINS + 1.0)
    place = block * (_BINS + 2) + bins.astype(np.int64)
    shape, size = (n_blocks, _BINS + 2), n_blocks * (_BINS + 2)
    # Counted from the low end, so that small sums are not lost in large ones.
    sums = np.bincount(place, weights=values - low, minlength=size).reshape(shape)
    counts = np.bincount(place, minlength=size).reshape(shape)
    n, total = (blocks.weights.astype(np.float64) @ np.cumsum(c, axis=1) for c in (counts, sums))
    start, end = (_sum_up_to(n, total, share) for share in _TRIMMED)
    return np.asarray(low + (end - start) / ((_TRIMMED[1] - _TRIMMED[0]) * n[:, -1]))


def _sum_up_to(counts: npt.NDArray[np.float64], sums: npt.NDArray[np.float64], share: float) -> npt.NDArray[np.float64]:
    """Sum of the lowest ``share`` of the px of each resample, from cumulative counts and sums over bins."""
    target = share * counts[:, -1:]
    at = np.clip((counts < target).sum(axis=1), 1, counts.shape[1] - 1)[:, None]
    (n0, n1), (s0, s1) = ([np.take_along_axis(c, at - k, axis=1) for k in (1, 0)] for c in (counts, sums))
    inside = np.clip((target - n0) / np.maximum(n1 - n0, 1e-9), 0.0, 1.0)
    return np.asarray((s0 + inside * (s1 - s0))[:, 0])


def _resampled_quantile(
    values: npt.NDArray[np.float32],
    block: npt.NDArray[np.int64],
    blocks: Blocks,
    q: float,
    low: float,
    high: float,
) -> npt.NDArray[np.float64]:
    """One quantile in every resample, resolved between ``low`` and ``high``."""
    n_resamples, n_blocks = blocks.weights.shape
    if not high > low:
        return np.full(n_resamples, low)
    per_unit = _BINS / (high - low)
    # Bin 0 gathers everything below, the last bin everything above.
    bins = np.clip((values - np.float32(low)) * np.float32(per_unit) + 1.0, 0.0, _BINS + 1.0).astype(np.int32)
    counts = np.bincount(block * (_BINS + 2) + bins, minlength=n_blocks * (_BINS + 2)).reshape(n_blocks, _BINS + 2)
    cumulative = blocks.weights @ np.cumsum(counts, axis=1).astype(np.float32)
    target = q * cumulative[:, -1:]
    at = np.clip((cumulative < target).sum(axis=1), 1, _BINS)[:, None]
    above, below = (np.take_along_axis(cumulative, at - k, axis=1) for k in (0, 1))
    inside = np.clip((target - below) / np.maximum(above - below, 1e-9), 0.0, 1.0)
    return np.asarray(low + (at - 1 + inside)[:, 0] / per_unit, np.float64)


def resampling_error(draws: npt.NDArray[np.float64], n_blocks: int) -> float:
    """Standard error from bootstrap draws, with the small-sample factor for few blocks."""
    if n_blocks < 2 or draws.size < 2:
        return float("nan")
    return float(np.std(draws, ddof=1) * np.sqrt(n_blocks / (n_blocks - 1.0)))


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
