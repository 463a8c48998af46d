"""Noise: what it adds to a band is predicted, and taken off it."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.metrics.inputs import MetricInput, band_mm
from skinprogress.metrics.noise import NoiseDensity, noise_free_spread, resampling_power, shared_spread

SIDE, PX_PER_FRAME_PX = 512, 0.7


def _noisy_face(sd: float, *, softness_px: float = 0.0, luminance: float = 0.3) -> MetricInput:
    """Even skin in all the frame, photographed with noise on a coarser grid and drawn into the frame."""
    rng = np.random.default_rng(3)
    n = round(SIDE * PX_PER_FRAME_PX)
    grain = rng.normal(0.0, 1.0, (n, n)).astype(np.float32)
    if softness_px:
        grain = cv2.GaussianBlur(grain, (0, 0), softness_px)
    grain *= np.float32(sd / grain.std())
    log = cv2.resize(grain, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    mm = np.full((SIDE, SIDE), 0.3, np.float32)
    return MetricInput(
        linear_rgb=np.repeat(np.float32(luminance) * np.exp(log)[..., None], 3, axis=2),
        skin=np.ones((SIDE, SIDE), bool),
        mm_per_px=mm,
        photo_px_per_mm=np.float32(PX_PER_FRAME_PX) / mm,
    )


FACING = np.ones((SIDE, SIDE), np.float32)


@pytest.mark.parametrize("band", [(1.1, 2.0), (2.0, 4.0)])
def test_the_variance_that_white_noise_leaves_in_a_band_is_predicted(band: tuple[float, float]) -> None:
    data = _noisy_face(0.05)
    found = band_mm(data, data.log_luminance, low_mm=band[0], high_mm=band[1])
    noise = NoiseDensity(density=0.05**2, softness=0.0, log_luminance=float(np.log(0.3)))
    predicted = noise.band_variance(data, low_mm=band[0], high_mm=band[1], visibility=FACING)
    middle = slice(30, -30)
    assert np.mean(predicted[middle, middle]) == pytest.approx(np.var(found[middle, middle]), rel=0.06)


def test_soft_noise_weighs_more_in_a_coarse_band_than_white_noise_of_the_same_size() -> None:
    white, soft = _noisy_face(0.05), _noisy_face(0.05, softness_px=0.6)
    one, other = (band_mm(d, d.log_luminance, low_mm=2.0, high_mm=4.0)[30:-30, 30:-30].var() for d in (white, soft))
    assert other > 2.0 * one
    # What a kernel that sums to 1 makes of white noise: the density stays, the variance falls by the sum of squares.
    kept = float((cv2.getGaussianKernel(5, 0.6) ** 2).sum()) ** 2
    noise = NoiseDensity(density=0.05**2 / kept, softness=14.0, log_luminance=float(np.log(0.3)))
    assert noise.variance_at(2.0, 4.0, px_per_mm=PX_PER_FRAME_PX / 0.3) == pytest.approx(other, rel=0.08)


def test_dark_skin_and_coarse_photos_are_noisier() -> None:
    noise = NoiseDensity(density=1e-3, log_luminance=float(np.log(0.3)))
    bright, dark = (_noisy_face(0.0, luminance=level) for level in (0.3, 0.1))
    fine = noise.band_variance(bright, low_mm=2.0, high_mm=4.0, visibility=FACING)
    assert np.all(noise.band_variance(dark, low_mm=2.0, high_mm=4.0, visibility=FACING) > 2.0 * fine)
    assert noise.variance_at(2.0, 4.0, px_per_mm=2.0) > noise.variance_at(2.0, 4.0, px_per_mm=4.0)


def test_blur_takes_noise_away() -> None:
    noise = NoiseDensity(density=1e-3)
    twice = noise.blurred(0.6).blurred(0.8)
    assert twice.blur_px == pytest.approx(1.0)
    assert twice.variance_at(1.0, 2.0, px_per_mm=3.0) < 0.5 * noise.variance_at(1.0, 2.0, px_per_mm=3.0)


def test_resampling_leaves_slow_waves_and_dampens_fast_ones() -> None:
    power = resampling_power(np.array([0.0, 0.1, 0.3, 0.45]))
    assert power[0] == pytest.approx(1.0, abs=1e-3)
    assert power[1] == pytest.approx(1.0, abs=0.05)
    assert power[1] > power[2] > power[3] > 0.0


def _skin(rng: np.random.Generator, n: int = 40_000) -> npt.NDArray[np.float64]:
    """Few strong and many weak places."""
    return np.asarray(rng.normal(0.0, 1.0, n) * np.exp(rng.normal(0.0, 0.5, n)))


@pytest.mark.parametrize("noise", [0.3, 0.7, 1.2])
def test_noise_is_taken_off_the_spread_of_skin_that_is_not_normal(noise: float) -> None:
    rng = np.random.default_rng(1)
    skin = _skin(rng)
    noisy = skin + rng.normal(0.0, noise, skin.size)
    clean = noise_free_spread(skin, 0.0)[0]
    found, share = noise_free_spread(noisy, noise**2)
    assert found == pytest.approx(clean, rel=0.02)
    assert share == pytest.approx(noise**2 / (noise**2 + clean**2), abs=0.02)


def test_noise_may_change_from_place_to_place() -> None:
    rng = np.random.default_rng(2)
    skin, sd = _skin(rng), rng.uniform(0.2, 1.2, 40_000)
    found = noise_free_spread(skin + rng.normal(0.0, 1.0, sd.size) * sd, sd**2)[0]
    assert found == pytest.approx(noise_free_spread(skin, 0.0)[0], rel=0.02)


def test_spread_of_a_normal_distribution_is_its_standard_deviation() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, 100_000)
    assert noise_free_spread(values, 0.0)[0] == pytest.approx(2.0, rel=0.01)


@settings(max_examples=20, deadline=None)
@given(factor=st.floats(0.01, 100.0), shift=st.floats(-5.0, 5.0))
def test_spread_goes_with_the_contrast_and_not_with_the_level(factor: float, shift: float) -> None:
    values = _skin(np.random.default_rng(4), 4000)
    expected = noise_free_spread(values, 0.3)[0] * factor
    assert noise_free_spread(values * factor + shift, 0.3 * factor**2)[0] == pytest.approx(expected, rel=1e-6)


def test_a_few_moles_hardly_move_the_spread() -> None:
    values = _skin(np.random.default_rng(5))
    clean = noise_free_spread(values, 0.0)[0]
    values[:400] = 40.0
    assert noise_free_spread(values, 0.0)[0] == pytest.approx(clean, rel=0.05)


def test_nothing_but_noise_leaves_nothing() -> None:
    values = np.random.default_rng(6).normal(0.0, 1.0, 40_000)
    spread, share = noise_free_spread(values, 1.0)
    assert spread < 0.15
    assert share == pytest.approx(1.0, abs=0.02)


def test_spread_of_no_or_even_values() -> None:
    assert np.isnan(noise_free_spread(np.full(5, np.nan), 0.1)[0])
    assert noise_free_spread(np.full(50, 2.0), 0.1)[0] == 0.0


def test_unmeasured_places_are_left_out_of_the_spread() -> None:
    values = _skin(np.random.default_rng(7), 5000)
    gaps = np.concatenate([values, np.full(900, np.nan)])
    assert noise_free_spread(gaps, 0.1) == noise_free_spread(values, 0.1)


def test_two_shots_tell_what_they_share() -> None:
    rng = np.random.default_rng(8)
    skin = rng.normal(0.0, 1.0, 60_000)
    one, other = (skin + rng.normal(0.0, 0.8, skin.size) for _ in range(2))
    one[:100] = np.nan
    assert shared_spread(one, other) == pytest.approx(1.0, rel=0.02)
    assert shared_spread(rng.normal(size=5000), -rng.normal(size=5000)) < 0.3
    assert np.isnan(shared_spread(np.full(3, np.nan), np.ones(3)))
