"""Evenness between 4 and 16 mm, of light, blood and melanin each on its own, and patches with their area."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.comparison.uncertainty import region_statistic
from skinprogress.metrics.inputs import MetricInput
from skinprogress.metrics.pigmentation import HAEMOGLOBIN, MELANIN
from skinprogress.metrics.table import METRICS

MM = 0.3
COLOR = np.array([0.45, 0.25, 0.18])
AXES = {"tone_uniformity": np.ones(3), "haemoglobin_uniformity": HAEMOGLOBIN, "melanin_uniformity": MELANIN}
PATCHES = {"dark_patches": 1.0, "pale_patches": -1.0}
NAMES = [*AXES, *PATCHES]


def make_input(density, *, light=1.0, mm_per_px=MM, photo_px_per_mm=6.0) -> MetricInput:
    shape = density.shape[:2]
    return MetricInput(
        linear_rgb=(COLOR * light * np.exp(-density)).astype(np.float32),
        skin=np.ones(shape, bool),
        mm_per_px=np.full(shape, mm_per_px, np.float32),
        photo_px_per_mm=np.full(shape, photo_px_per_mm, np.float32),
    )


def value(name, data) -> float:
    plane = METRICS[name].compute(data)
    if METRICS[name].statistic == "total":
        plane = plane * data.mm_per_px**2
    return region_statistic(plane[np.isfinite(plane)], METRICS[name].statistic)


def wave(wavelength_mm, amplitude, axis, *, side=384) -> np.ndarray:
    row = amplitude * np.sin(2 * np.pi * np.arange(side) * MM / wavelength_mm)
    return np.broadcast_to(row[:, None], (96, side, 1)) * axis


def patchy(seed=0, *, side=256, amount=0.25) -> np.ndarray:
    """Light, blood and melanin that vary over some millimetres, each on its own."""
    rng = np.random.default_rng(seed)
    fields = [cv2.GaussianBlur(rng.normal(0, 1, (side, side)), (0, 0), 8.0 * side / 256) for _ in AXES]
    return sum((amount * f / f.std())[..., None] * axis for f, axis in zip(fields, AXES.values(), strict=True))


def disc(radius_mm, amount, *, side=288) -> np.ndarray:
    rows, cols = np.indices((side, side)) + 0.5
    away = np.hypot(rows - side / 2, cols - side / 2) * MM
    return (amount * np.clip((radius_mm - away) / MM + 0.5, 0, 1))[..., None] * MELANIN


@pytest.mark.parametrize("name", AXES)
def test_unevenness_hears_its_own_wavelengths(name):
    own, longer, shorter = (value(name, make_input(wave(mm, 0.05, AXES[name]))) for mm in (8.0, 80.0, 1.5))
    assert own > 5 * longer
    assert own > 5 * shorter


@pytest.mark.parametrize("name", AXES)
def test_unevenness_is_linear_in_the_contrast(name):
    calm, strong = (value(name, make_input(wave(8.0, amplitude, AXES[name]))) for amplitude in (0.02, 0.06))
    assert strong == pytest.approx(3 * calm, rel=0.01)
    # Half of the distance between the 16th and the 84th percentile of a sine is 0.88 of its amplitude.
    percent = 100.0 if name == "tone_uniformity" else 1.0
    assert 0.7 * 0.88 * 0.06 * percent < strong < 0.88 * 0.06 * percent


@pytest.mark.parametrize("name", AXES)
def test_pigments_and_light_do_not_hear_each_other(name):
    others = [axis for other, axis in AXES.items() if other != name]
    own = value(name, make_input(wave(8.0, 0.05, AXES[name])))
    for axis in others:
        heard = value(name, make_input(wave(8.0, 0.05, axis)))
        # Pigment is dark: the luminance hears all three, pigments neither light nor the other one.
        assert heard > 0.1 * own if name == "tone_uniformity" else heard < 0.01 * own


@pytest.mark.parametrize("name", NAMES)
@given(light=st.floats(0.2, 1.9), axis=st.sampled_from([None, 0, 1]))
@settings(max_examples=6, deadline=None)
def test_exposure_and_mirroring_change_nothing(name, light, axis):
    density = patchy()
    moved = density if axis is None else np.flip(density, axis)
    assert value(name, make_input(moved, light=light)) == pytest.approx(value(name, make_input(density)), rel=5e-3)
    assert value(name, make_input(density)) > 0.0


@pytest.mark.parametrize("name", NAMES)
def test_a_slope_of_light_changes_little(name):
    density, slope = patchy(), np.log(np.linspace(0.8, 1.25, 256))[None, :, None]
    assert value(name, make_input(density + slope)) == pytest.approx(value(name, make_input(density)), rel=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_the_scale_of_the_frame_does_not_matter(name):
    """Frames of 1024 and of 1536 px show the same skin."""
    fine = patchy(side=576)
    coarse = np.log(cv2.resize(np.exp(fine), (384, 384), interpolation=cv2.INTER_AREA))
    values = [value(name, make_input(plane, mm_per_px=115.2 / plane.shape[0])) for plane in (coarse, fine)]
    assert values[0] == pytest.approx(values[1], rel=0.03)


@pytest.mark.parametrize("name", PATCHES)
@pytest.mark.parametrize("radius_mm", [2.5, 4.0, 6.0, 7.0])
def test_a_patch_has_its_true_area(name, radius_mm):
    """Of half a unit of melanin, as a marked patch has."""
    found = value(name, make_input(disc(radius_mm, 0.5 * PATCHES[name])))
    assert found == pytest.approx(np.pi * radius_mm**2, rel=0.15)


@pytest.mark.parametrize("name", PATCHES)
@given(amount=st.floats(0.25, 0.7), more=st.floats(0.05, 0.3))
@settings(max_examples=6, deadline=None)
def test_a_stronger_patch_is_no_smaller(name, amount, more):
    sizes = [value(name, make_input(disc(5.0, a * PATCHES[name]))) for a in (amount, amount + more)]
    assert sizes[0] <= sizes[1]


@pytest.mark.parametrize("name", PATCHES)
def test_what_is_no_patch(name):
    sign = PATCHES[name]
    (other,) = set(PATCHES) - {name}
    assert value(other, make_input(disc(5.0, 0.5 * sign))) == 0.0
    assert value(name, make_input(disc(5.0, 0.15 * sign))) == 0.0  # too faint
    assert value(name, make_input(disc(0.5, 0.5 * sign))) == 0.0  # a spot
    assert value(name, make_input(disc(5.0, 0.0) + 0.5 * sign * MELANIN)) == 0.0  # all of the skin
    red = disc(5.0, 0.5 * sign) / MELANIN * HAEMOGLOBIN
    assert value(name, make_input(red)) == 0.0
    shade = disc(5.0, 0.5 * sign) / MELANIN
    assert value(name, make_input(shade)) == 0.0


def test_tone_needs_little_resolution():
    assert np.isfinite(value("tone_uniformity", make_input(patchy(), photo_px_per_mm=0.7)))
    assert np.isnan(METRICS["tone_uniformity"].compute(make_input(patchy(), photo_px_per_mm=0.6))).all()
