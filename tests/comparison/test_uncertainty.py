"""Predicted errors are tested against errors that are known."""

from typing import get_args

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from skinprogress.comparison.uncertainty import (
    Blocks,
    ShotScatter,
    Statistic,
    block_error,
    block_influence,
    cut_blocks,
    holm_adjusted,
    region_statistic,
    simultaneous_z,
    two_sided_p,
)

SIDE = 160
STATISTICS = get_args(Statistic)


def blocks_of(mask: np.ndarray, *, block_mm: float = 8.0, mm_per_px: float = 1.0) -> Blocks:
    return cut_blocks(mask, np.full(mask.shape, mm_per_px, np.float32), block_mm=block_mm)


def influence_of(plane: np.ndarray, blocks: Blocks, statistic: Statistic) -> np.ndarray:
    return block_influence(plane.ravel()[blocks.where], blocks.block, blocks.n_blocks, statistic)[1]


def patchy(rng: np.random.Generator, side: int) -> np.ndarray:
    """Skin that varies over 5 mm, standard deviation 1."""
    plane = gaussian_filter(rng.normal(0, 1, (side, side)), 2.5, mode="wrap").astype(np.float32)
    return plane / plane.std()


def test_statistics() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, 20000)
    assert region_statistic(values, "trimmed_mean") == pytest.approx(3.0, abs=0.05)
    assert region_statistic(values, "spread") == pytest.approx(2.0, abs=0.05)
    assert region_statistic(values, "mean") == pytest.approx(values.mean())
    assert region_statistic(values, "total") == pytest.approx(values.sum())
    assert np.isnan(region_statistic(np.array([]), "trimmed_mean"))


@pytest.mark.parametrize("statistic", STATISTICS)
def test_value_is_the_plain_statistic(statistic: Statistic) -> None:
    values = np.random.default_rng(1).normal(10.0, 2.0, 5000).astype(np.float32)
    value, influence = block_influence(values, np.arange(5000) // 100, 50, statistic)
    assert value == pytest.approx(region_statistic(values, statistic), rel=1e-6)
    assert influence.sum() == pytest.approx(0.0, abs=0.01 * abs(value))


@pytest.mark.parametrize("statistic", STATISTICS)
def test_error_is_that_of_a_block_bootstrap(statistic: Statistic) -> None:
    """The same blocks, drawn a thousand times with replacement."""
    rng = np.random.default_rng(2)
    plane = patchy(rng, 96) + 5.0
    blocks = blocks_of(np.ones(plane.shape, bool), block_mm=12.0)
    values = plane.ravel()[blocks.where]
    by_block = [values[blocks.block == k] for k in range(blocks.n_blocks)]
    draws = rng.integers(0, len(by_block), (1000, len(by_block)))
    drawn = [region_statistic(np.concatenate([by_block[k] for k in draw]), statistic) for draw in draws]
    factor = np.sqrt(blocks.n_blocks / (blocks.n_blocks - 1.0))
    assert block_error(influence_of(plane, blocks, statistic)) == pytest.approx(factor * np.std(drawn), rel=0.12)


def test_error_of_independent_px_is_the_textbook_one() -> None:
    """Standard error of the 20 % trimmed mean of n normal values: 1.066 σ / √n; of their spread: 0.74 σ / √n."""
    plane = np.random.default_rng(2).normal(0.0, 2.0, (SIDE, SIDE)).astype(np.float32)
    blocks = blocks_of(np.ones((SIDE, SIDE), bool))
    assert block_error(influence_of(plane, blocks, "trimmed_mean")) == pytest.approx(1.066 * 2.0 / SIDE, rel=0.1)
    # √(q(1−q)) / f(q) for both ends, correlated by q / (1−q), halved.
    q, density = 0.1587, 0.24197
    spread = np.sqrt(2.0 * (q * (1 - q) - q * q)) / density / 2.0
    assert block_error(influence_of(plane, blocks, "spread")) == pytest.approx(spread * 2.0 / SIDE, rel=0.1)


@pytest.mark.parametrize("statistic", ["trimmed_mean", "spread"])
def test_error_of_patchy_skin_covers_the_truth(statistic: Statistic) -> None:
    """Px by px the error would be far too small; block by block 95 % intervals hold."""
    rng = np.random.default_rng(3)
    blocks = blocks_of(np.ones((96, 96), bool), block_mm=12.0)
    planes = [patchy(rng, 96) + rng.normal(0, 0.1, (96, 96)).astype(np.float32) for _ in range(200)]
    true = {"trimmed_mean": 0.0, "spread": region_statistic(np.stack(planes), "spread")}[statistic]
    errors = np.array([block_error(influence_of(plane, blocks, statistic)) for plane in planes])
    values = np.array([region_statistic(plane, statistic) for plane in planes])
    assert 0.88 <= np.mean(np.abs(values - true) <= 1.96 * errors) <= 1.0
    assert np.mean(errors) > 3 / 96  # what independent px would claim


def test_shared_blocks_cancel_what_differs_from_place_to_place() -> None:
    """A map that is the same in both photos has no error in the difference, however uneven it is."""
    plane = np.cumsum(np.random.default_rng(4).normal(0, 1, (SIDE, SIDE)), axis=1).astype(np.float32)
    blocks = blocks_of(np.ones((SIDE, SIDE), bool))
    for statistic in STATISTICS:
        before, after = (influence_of(plane + shift, blocks, statistic) for shift in (0.0, 1.5))
        assert block_error(before) > 0.1
        assert block_error(after - before) < 0.01 * block_error(before)


def test_small_regions_get_smaller_blocks() -> None:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[:20, :20] = True
    assert blocks_of(mask).n_blocks >= 9
    assert blocks_of(np.ones((SIDE, SIDE), bool)).n_blocks == pytest.approx((SIDE / 8) ** 2, rel=0.15)


def test_nothing_to_measure() -> None:
    empty = blocks_of(np.zeros((SIDE, SIDE), bool))
    assert empty.n_blocks == 0
    value, influence = block_influence(np.array([], np.float32), empty.block, 0, "trimmed_mean")
    assert np.isnan(value)
    assert np.isnan(block_error(influence))


def test_simultaneous_intervals_hold_together() -> None:
    rng = np.random.default_rng(6)
    z = simultaneous_z(0.95, 12)
    assert (np.abs(rng.normal(size=(20000, 12))) < z).all(axis=1).mean() == pytest.approx(0.95, abs=0.006)


def test_shots_of_all_sessions_count_and_a_single_one_counts_for_nothing() -> None:
    scatter = ShotScatter.of([(1.0, 3.0), (5.0,), (2.0, 2.0, float("nan"))])
    assert (scatter.squares, scatter.n_free) == (2.0, 2)
    assert ShotScatter.of([(5.0,), ()]).excess(1.0) == 0.0


def test_shots_that_scatter_as_the_calibration_says_hardly_widen_anything() -> None:
    rng = np.random.default_rng(3)
    widened = [ShotScatter.of(rng.normal(0.0, 1.0, (2, 2))).excess(1.0) for _ in range(2000)]
    assert np.mean(widened) < 0.25
    worse = [ShotScatter.of(rng.normal(0.0, 3.0, (8, 3))).excess(1.0) for _ in range(200)]
    assert np.median(worse) == pytest.approx((16 * 9 + 6) / 22 - 1, rel=0.15)


def test_an_unknown_error_gets_no_part_of_shots() -> None:
    assert ShotScatter.of([(1.0, 9.0)]).excess(float("nan")) == 0.0


def test_holm_holds_whatever_the_dependence() -> None:
    """Of twelve true nulls, independent or one and the same, any is called real in no more than one of twenty."""
    rng = np.random.default_rng(5)
    alone = rng.normal(size=(4000, 12))
    for z in (alone, np.repeat(alone[:, :1], 12, axis=1), 0.8 * alone[:, :1] + 0.6 * alone):
        any_real = [holm_adjusted(two_sided_p(row)).min() <= 0.05 for row in z]
        assert np.mean(any_real) <= 0.06
    assert holm_adjusted(np.array([])).size == 0


def test_holm_lets_the_second_pass_more_easily_than_bonferroni() -> None:
    p = np.array([0.03, 0.001, 0.012, 0.9])
    adjusted = holm_adjusted(p)
    np.testing.assert_allclose(adjusted, [0.06, 0.004, 0.036, 0.9])
    assert adjusted[2] < 4 * p[2]
