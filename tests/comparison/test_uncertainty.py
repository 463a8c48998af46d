"""Predicted errors are tested against errors that are known."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from skinprogress.comparison.uncertainty import (
    cut_blocks,
    region_statistic,
    resampled_statistic,
    resampling_error,
    simultaneous_z,
)

SIDE = 160


def blocks_of(mask: np.ndarray, *, block_mm: float = 8.0, mm_per_px: float = 1.0, n: int = 400, seed: int = 0):
    scale = np.full(mask.shape, mm_per_px, np.float32)
    return cut_blocks(mask, scale, block_mm=block_mm, n_resamples=n, rng=np.random.default_rng(seed))


def test_statistics() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, 20000)
    assert region_statistic(values, "trimmed_mean") == pytest.approx(3.0, abs=0.05)
    assert region_statistic(values, "spread") == pytest.approx(2.0, abs=0.05)
    assert np.isnan(region_statistic(np.array([]), "trimmed_mean"))


@pytest.mark.parametrize("statistic", ["trimmed_mean", "spread"])
def test_resampled_statistic_centres_on_the_plain_one(statistic: str) -> None:
    plane = np.random.default_rng(1).normal(10.0, 2.0, (SIDE, SIDE)).astype(np.float32)
    mask = np.ones((SIDE, SIDE), bool)
    draws = resampled_statistic(plane, blocks_of(mask), statistic)
    assert draws.shape == (400,)
    assert np.mean(draws) == pytest.approx(region_statistic(plane, statistic), abs=0.01)


def test_error_of_independent_px_is_the_textbook_one() -> None:
    """Standard error of a median of n normal values: 1.2533 σ / √n."""
    plane = np.random.default_rng(2).normal(0.0, 2.0, (SIDE, SIDE)).astype(np.float32)
    blocks = blocks_of(np.ones((SIDE, SIDE), bool))
    error = resampling_error(resampled_statistic(plane, blocks, "trimmed_mean"), blocks.n_blocks)
    assert error == pytest.approx(1.2533 * 2.0 / SIDE, rel=0.2)


def test_error_of_patchy_skin_covers_the_truth() -> None:
    """Skin that varies over 5 mm: px by px the error would be far too small; block by block 95 % intervals hold."""
    rng = np.random.default_rng(3)
    mask = np.ones((96, 96), bool)
    hits, errors = 0, []
    trials = 120
    for k in range(trials):
        plane = gaussian_filter(rng.normal(0, 1, mask.shape), 2.5, mode="wrap").astype(np.float32)
        plane /= plane.std()
        blocks = blocks_of(mask, block_mm=12.0, n=200, seed=k)
        error = resampling_error(resampled_statistic(plane, blocks, "trimmed_mean"), blocks.n_blocks)
        errors.append(error)
        hits += abs(region_statistic(plane, "trimmed_mean")) <= 1.96 * error
    assert 0.88 <= hits / trials <= 1.0
    assert np.mean(errors) > 4 * 1.2533 / 96  # what independent px would claim


def test_shared_blocks_cancel_what_differs_from_place_to_place() -> None:
    """A map that is the same in both photos has no error in the difference, however uneven it is."""
    plane = np.cumsum(np.random.default_rng(4).normal(0, 1, (SIDE, SIDE)), axis=1).astype(np.float32)
    blocks = blocks_of(np.ones((SIDE, SIDE), bool))
    before = resampled_statistic(plane, blocks, "trimmed_mean")
    after = resampled_statistic(plane + 1.5, blocks, "trimmed_mean")
    assert resampling_error(before, blocks.n_blocks) > 0.1
    assert resampling_error(after - before, blocks.n_blocks) < 0.01


def test_small_regions_get_smaller_blocks() -> None:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[:20, :20] = True
    assert blocks_of(mask).n_blocks >= 9
    assert blocks_of(np.ones((SIDE, SIDE), bool)).n_blocks == pytest.approx((SIDE / 8) ** 2, rel=0.15)


def test_same_seed_same_draws() -> None:
    plane = np.random.default_rng(5).random((SIDE, SIDE)).astype(np.float32)
    mask = np.ones((SIDE, SIDE), bool)
    first, second = (resampled_statistic(plane, blocks_of(mask, seed=9), "spread") for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_nothing_to_resample() -> None:
    empty = blocks_of(np.zeros((SIDE, SIDE), bool))
    assert empty.n_blocks == 0
    assert np.isnan(resampling_error(resampled_statistic(np.zeros((SIDE, SIDE), np.float32), empty, "trimmed_mean"), 0))


def test_simultaneous_intervals_hold_together() -> None:
    rng = np.random.default_rng(6)
    z = simultaneous_z(0.95, 12)
    assert (np.abs(rng.normal(size=(20000, 12))) < z).all(axis=1).mean() == pytest.approx(0.95, abs=0.006)
