"""Bands, relief and co-occurrence answer to texture of their own size, and to nothing else."""

from functools import partial

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.feature import graycomatrix, graycoprops

from skinprogress.metrics import texture
from skinprogress.metrics.inputs import MetricInput, band_mm
from skinprogress.metrics.pigmentation import HAEMOGLOBIN, MELANIN

SKIN = np.array([0.45, 0.25, 0.18], np.float32)
BANDS = {
    "texture_uniformity": (1.0, 4.0),
    "pores": (0.5, 1.0),
    "fine_texture": (1.0, 2.0),
    "coarse_texture": (2.0, 4.0),
    "relief_contrast": (2.0, 8.0),
}
NAMES = [*BANDS, "glcm_contrast", "glcm_homogeneity"]


def make_input(log_plane, *, mm_per_px=0.125, photo_px_per_mm=12.0, skin=None) -> MetricInput:
    """Skin of one colour under light that varies as the plane says, ln units."""
    shape = log_plane.shape
    return MetricInput(
        linear_rgb=(SKIN * np.exp(log_plane)[..., None]).astype(np.float32),
        skin=np.ones(shape, bool) if skin is None else skin,
        mm_per_px=np.full(shape, mm_per_px, np.float32),
        photo_px_per_mm=np.full(shape, photo_px_per_mm, np.float32),
    )


def wave(wavelength_mm, *, amplitude=0.05, mm_per_px=0.125, side=384):
    row = amplitude * np.sin(2 * np.pi * np.arange(side) * mm_per_px / wavelength_mm)
    return np.broadcast_to(row.astype(np.float32), (side, side))


def rough(seed=0, *, side=384, sigmas=(2.0, 6.0, 12.0), amount=0.03):
    rng = np.random.default_rng(seed)
    layers = (cv2.GaussianBlur(rng.normal(0, 1, (side, side)).astype(np.float32), (0, 0), s) * s for s in sigmas)
    return amount * sum(layers)


def value(name, data):
    plane = getattr(texture, name)(data)
    assert plane.shape == data.skin.shape
    assert plane.dtype == np.float32
    values = plane[np.isfinite(plane)]
    if not values.size:
        return float("nan")
    if name in BANDS:
        return float(np.subtract(*np.percentile(values, [84, 16])) / 2)
    return float(values.mean())


@pytest.mark.parametrize("name", BANDS)
def test_a_band_hears_its_own_wavelengths_and_not_others(name):
    low, high = BANDS[name]
    own, longer, shorter = (
        value(name, make_input(wave(length, mm_per_px=0.06, side=720), mm_per_px=0.06, photo_px_per_mm=20.0))
        for length in (np.sqrt(low * high), 5 * high, 0.3 * low)
    )
    assert own > 5 * longer
    assert own > 5 * shorter


@pytest.mark.parametrize("name", BANDS)
def test_bands_are_linear_in_the_contrast(name):
    relief = rough(amount=0.01)
    assert value(name, make_input(2 * relief)) == pytest.approx(2 * value(name, make_input(relief)), rel=0.01)


def test_more_texture_is_more_contrast_and_less_homogeneity():
    calm, coarse = make_input(rough(amount=0.01)), make_input(rough(amount=0.02))
    assert value("glcm_contrast", coarse) == pytest.approx(4 * value("glcm_contrast", calm), rel=0.02)
    assert value("glcm_homogeneity", coarse) < value("glcm_homogeneity", calm) - 0.05
    even = make_input(np.zeros((128, 128), np.float32))
    assert value("glcm_contrast", even) == pytest.approx(0.0, abs=1e-6)
    assert value("glcm_homogeneity", even) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
@given(exposure=st.floats(0.3, 2.0), mirror=st.booleans(), flip=st.booleans())
@settings(max_examples=5, deadline=None)
def test_exposure_and_mirroring_change_nothing(name, exposure, mirror, flip):
    relief = rough(side=192)
    moved = relief[:: -1 if flip else 1, :: -1 if mirror else 1]
    other = value(name, make_input(np.ascontiguousarray(moved) + np.float32(np.log(exposure))))
    # Every neighbour is counted from one of its two ends: mirroring changes from which, and nothing but the edge.
    assert other == pytest.approx(value(name, make_input(relief)), rel=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_the_scale_of_the_frame_does_not_matter(name):
    fine = rough(side=576, sigmas=(4.0, 9.0), amount=0.012)
    coarse = cv2.resize(fine, (384, 384), interpolation=cv2.INTER_AREA)
    values = [value(name, make_input(plane, mm_per_px=48 / plane.shape[0])) for plane in (coarse, fine)]
    assert values[0] == pytest.approx(values[1], rel=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_slow_shading_changes_little(name):
    relief = rough()
    slope = np.log(np.linspace(0.85, 1.15, relief.shape[1], dtype=np.float32))[None]
    assert value(name, make_input(relief + slope)) == pytest.approx(value(name, make_input(relief)), rel=0.02)


def test_what_the_photo_does_not_resolve_is_no_number():
    assert np.isnan(value("pores", make_input(rough(), photo_px_per_mm=4.9)))
    assert np.isfinite(value("pores", make_input(rough(), photo_px_per_mm=5.1)))
    assert np.isnan(value("pores", make_input(rough(), mm_per_px=0.22)))
    for name in ("fine_texture", "glcm_contrast", "glcm_homogeneity"):
        assert np.isnan(value(name, make_input(rough(), photo_px_per_mm=2.4)))
    assert np.isfinite(value("coarse_texture", make_input(rough(), photo_px_per_mm=1.3)))


def test_relief_is_blind_to_blood_and_melanin_but_luminance_is_not():
    spots = rough(sigmas=(8.0,), amount=0.2)
    for pigment in (HAEMOGLOBIN, MELANIN):
        data = make_input(np.zeros_like(spots))
        colored = MetricInput(
            linear_rgb=(data.linear_rgb * np.exp(-spots[..., None] * pigment)).astype(np.float32),
            skin=data.skin, mm_per_px=data.mm_per_px, photo_px_per_mm=data.photo_px_per_mm,
        )  # fmt: skip
        assert value("coarse_texture", colored) > 0.3
        assert value("relief_contrast", colored) < 0.02 * value("coarse_texture", colored)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_skin_does_not_count(name):
    relief = rough()
    skin = np.zeros(relief.shape, bool)
    skin[40:300, 60:350] = True
    dirty = np.where(skin, relief, np.float32(2.0))
    planes = [getattr(texture, name)(make_input(plane, skin=skin)) for plane in (relief, dirty)]
    np.testing.assert_allclose(planes[0], planes[1], atol=1e-4)
    assert np.isnan(planes[0][~skin]).all()
    assert np.isfinite(planes[0][skin]).all()


@pytest.mark.parametrize("scale", [1, 8])
def test_co_occurrence_maps_average_to_haralicks_figures(scale):
    """Against scikit-image, one period of a repeating texture, so that every px has all its neighbours.

    On eighths of a level, scikit-image's rounded levels and ours are the same numbers.
    """
    period, px = 48, 4
    rng = np.random.default_rng(5)
    tile = cv2.GaussianBlur(np.tile(rng.normal(0, 1, (period, period)), (3, 3)), (0, 0), 2.0)[
        period:-period, period:-period
    ]
    whole = np.round(np.clip(tile / tile.std() * 4, -16, 15.9) * scale).astype(int)
    tiled = np.tile(whole, (3, 3))
    # 4 px straight are 3 px along a diagonal for an offset of 3 √2 there: one frame for each.
    steps = {(0, px): px, (px, 0): px, (px, px): px * np.sqrt(2), (px, -px): px * np.sqrt(2)}
    contrast, homogeneity = [], []
    for (dy, dx), _ in steps.items():
        crop = tiled[period : 2 * period + dy, period + min(dx, 0) : 2 * period + max(dx, 0)]
        angle, distance = np.arctan2(dy, dx), np.hypot(dy, dx)
        matrix = graycomatrix(
            (crop + 16 * scale).astype(np.uint8),
            [distance],
            [angle],
            levels=32 * scale + 1,
            symmetric=True,
            normed=True,
        )
        contrast.append(graycoprops(matrix, "contrast")[0, 0] / scale**2)
        i, j = np.indices(matrix.shape[:2])
        homogeneity.append((matrix[..., 0, 0] / (1 + ((i - j) / scale) ** 2)).sum())
        if scale == 1:
            assert homogeneity[-1] == pytest.approx(graycoprops(matrix, "homogeneity")[0, 0])
    inner = (slice(period, 2 * period),) * 2
    for offset, chosen in ((px, slice(0, 2)), (px * np.sqrt(2), slice(2, 4))):
        maps = texture._compare_neighbours(
            (tiled / scale).astype(np.float32), np.full(tiled.shape, offset, np.float32), step=1
        )
        straight = [np.mean(figures[chosen]) for figures in (contrast, homogeneity)]
        # Each offset is whole for two of the four directions; the other two lie between two whole ones.
        others = [_between(tiled / scale, offset, diagonal=chosen.start == 0, inner=inner, figure=f) for f in (0, 1)]
        for plane, ours, rest in zip(maps, straight, others, strict=True):
            assert plane[inner].mean() == pytest.approx((ours + rest) / 2, rel=1e-4)


def _between(levels, offset, *, diagonal, inner, figure):
    """The figure of the other two directions, from the whole offsets on both sides."""
    wanted = offset / np.sqrt(2) if diagonal else offset
    total = 0.0
    for px, weight in ((int(wanted), 1 - wanted % 1), (int(wanted) + 1, wanted % 1)):
        for dy, dx in ((px, px), (px, -px)) if diagonal else ((0, px), (px, 0)):
            squared = (levels - np.roll(levels, (-dy, -dx), axis=(0, 1)))[inner] ** 2
            total += weight / 2 * (squared if figure == 0 else 1 / (1 + squared)).mean()
    return total


def test_golden_values():
    data = make_input(rough(seed=3))
    found = {name: value(name, data) for name in NAMES}
    expected = {
        "texture_uniformity": 0.6417,
        "pores": 0.1626,
        "fine_texture": 0.3029,
        "coarse_texture": 0.3812,
        "relief_contrast": 0.7555,
        "glcm_contrast": 1.508,
        "glcm_homogeneity": 0.5859,
    }
    assert found == pytest.approx(expected, rel=2e-3)


def passed(power_gain, *, sigma_mm: float) -> float:
    """Variance that comes through of white noise of spectral density 1, blurred by so much."""
    per_mm = np.linspace(0.002, 6.0, 3000)
    blurred = np.exp(-((2.0 * np.pi * sigma_mm * per_mm) ** 2))
    return float(np.trapezoid(power_gain(per_mm) * blurred * 2.0 * np.pi * per_mm, per_mm))


def noise(sd: float, px: float, sigma_mm: float, side: int) -> np.ndarray:
    plane = np.random.default_rng(1).normal(0, sd, (side, side)).astype(np.float32)
    return cv2.GaussianBlur(plane, (0, 0), sigma_mm / px) if sigma_mm else plane


@pytest.mark.parametrize("sigma_mm", [0.0, 0.2])
@pytest.mark.parametrize(("low_mm", "high_mm"), [(0.5, 1.0), (1.0, 2.0), (1.0, 4.0), (2.0, 8.0)])
def test_power_gain_of_a_band_is_what_noise_does(low_mm, high_mm, sigma_mm):
    px, sd = 0.05, 0.01
    data = make_input(noise(sd, px, sigma_mm, 900), mm_per_px=px, photo_px_per_mm=50.0)
    band = 100.0 * band_mm(data, data.log_luminance, low_mm=low_mm, high_mm=high_mm)[60:-60, 60:-60]
    gain = partial(texture.band_power_gain, low_mm=low_mm, high_mm=high_mm)
    assert band.var() == pytest.approx(passed(gain, sigma_mm=sigma_mm) * sd**2 * px**2, rel=0.06)


@pytest.mark.parametrize("sigma_mm", [0.0, 0.2])
def test_power_gain_of_the_contrast_is_what_noise_does(sigma_mm):
    px, sd = 0.1, 0.05
    data = make_input(noise(sd, px, sigma_mm, 700), mm_per_px=px, photo_px_per_mm=50.0)
    found = texture.glcm_contrast(data)[60:-60, 60:-60].mean()
    assert found == pytest.approx(passed(texture.glcm_power_gain, sigma_mm=sigma_mm) * sd**2 * px**2, rel=0.05)


def test_blur_lowers_every_band_and_noise_raises_it():
    relief = rough(seed=4)
    noisy = relief + np.random.default_rng(0).normal(0, 0.1, relief.shape).astype(np.float32)
    for name in ("texture_uniformity", "pores", "fine_texture", "glcm_contrast"):
        sharp = value(name, make_input(relief))
        assert value(name, make_input(cv2.GaussianBlur(relief, (0, 0), 3.0))) < sharp < value(name, make_input(noisy))
