"""Redness: more blood is more of it, and neither shade, melanin nor the frame's scale are."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.comparison.uncertainty import region_statistic
from skinprogress.metrics.inputs import MetricInput
from skinprogress.metrics.pigmentation import HAEMOGLOBIN, MELANIN
from skinprogress.metrics.redness import find_red_level, red_share
from skinprogress.metrics.table import METRICS

MM = 0.3
COLOR = np.array([0.45, 0.25, 0.18])
INDEX = np.log(0.45 / 0.25) / EI_PER_A_STAR
A_STAR_OF_BLOOD = 0.46 / EI_PER_A_STAR
LOG = ("redness_index", "log_redness_index", "redness_uniformity", "red_area", "red_area_mm2")


def make_input(density, *, light=1.0, mm_per_px=MM, red_level=None, skin=None) -> MetricInput:
    """Skin with some pigment on it, −ln linear RGB, (h, w, 3)."""
    shape = density.shape[:2]
    return MetricInput(
        linear_rgb=(COLOR * light * np.exp(-density)).astype(np.float32),
        skin=np.ones(shape, bool) if skin is None else skin,
        mm_per_px=np.full(shape, mm_per_px, np.float32),
        photo_px_per_mm=np.full(shape, 6.0, np.float32),
        red_level=red_level,
    )


def value(name, data) -> float:
    plane = METRICS[name].compute(data)
    if METRICS[name].statistic == "total":
        plane = plane * data.mm_per_px**2
    return region_statistic(plane[np.isfinite(plane)], METRICS[name].statistic)


def uneven(seed=0, *, side=256, sd=0.06) -> np.ndarray:
    """Blood that varies over some millimetres, and relief that has no colour."""
    rng = np.random.default_rng(seed)
    blood = cv2.GaussianBlur(rng.normal(0, 1, (side, side)), (0, 0), 8.0)
    relief = cv2.GaussianBlur(rng.normal(0, 1, (side, side)), (0, 0), 2.0)
    return (sd * blood / blood.std())[..., None] * HAEMOGLOBIN + (0.05 * relief / relief.std())[..., None]


def discs(radius_mm, amount, *, side=256, mm_per_px=MM) -> np.ndarray:
    """A round patch of blood whose index stands ``amount`` a*-equivalents out."""
    rows, cols = np.indices((side, side)) + 0.5
    away = np.hypot(rows - side / 2, cols - side / 2) * mm_per_px
    inside = np.clip((radius_mm - away) / mm_per_px + 0.5, 0, 1)
    return (amount / A_STAR_OF_BLOOD * inside)[..., None] * HAEMOGLOBIN


def test_blood_raises_redness_by_the_stated_amount():
    """1 % of blood is (0.07, 0.195, 0.20) in −ln linear sRGB: 0.125 of the log index, 3.1 a*-equivalents."""
    skin = uneven()
    before, after = make_input(skin), make_input(skin + np.array([0.07, 0.195, 0.20]))
    rise = {name: value(name, after) - value(name, before) for name in ("redness", *LOG[:3])}
    assert rise["log_redness_index"] == pytest.approx(0.125, abs=1e-3)
    assert rise["redness_index"] == pytest.approx(3.09, abs=0.02)
    assert rise["redness"] == pytest.approx(3.2, abs=0.4)
    # Blood that lies evenly makes the skin no less even.
    assert rise["redness_uniformity"] == pytest.approx(0.0, abs=0.01)


@given(blood=st.floats(0.01, 0.4), more=st.floats(0.02, 0.3))
@settings(max_examples=10, deadline=None)
def test_more_blood_is_more_of_every_redness(blood, more):
    skin, level = uneven(), INDEX + 2.0
    less, full = (make_input(skin + b * HAEMOGLOBIN, red_level=level) for b in (blood, blood + more))
    for name in ("redness", "redness_index", "log_redness_index"):
        assert value(name, full) > value(name, less)
    for name in ("red_area", "red_area_mm2"):
        assert value(name, full) > value(name, less) or value(name, less) == pytest.approx(value(name, full), rel=1e-6)
    assert value("red_area", full) <= 100.0
    assert value("red_area_mm2", full) == pytest.approx(value("red_area", full) / 100.0 * (256 * MM) ** 2, rel=1e-4)


@given(amount=st.floats(1.0, 3.0))
@settings(max_examples=5, deadline=None)
def test_blood_that_lies_unevenly_is_uneven(amount):
    smooth = value("redness_uniformity", make_input(uneven(sd=0.05)))
    assert value("redness_uniformity", make_input(uneven(sd=0.05 * amount))) == pytest.approx(amount * smooth, rel=0.02)


def test_melanin_raises_the_index_half_as_much_as_blood():
    skin = uneven()
    rise = [
        value("log_redness_index", make_input(skin + 0.1 * pigment)) - value("log_redness_index", make_input(skin))
        for pigment in (HAEMOGLOBIN, MELANIN)
    ]
    assert rise[0] == pytest.approx(0.046, abs=1e-3)
    assert rise[1] == pytest.approx(0.024, abs=1e-3)


@pytest.mark.parametrize("name", LOG)
@given(light=st.floats(0.2, 1.9))
@settings(max_examples=5, deadline=None)
def test_exposure_changes_no_index(name, light):
    skin, level = uneven(), INDEX + 1.0
    lit, plain = (value(name, make_input(skin, light=k, red_level=level)) for k in (light, 1.0))
    assert lit == pytest.approx(plain, rel=2e-3)


def test_a_star_falls_with_the_exposure():
    """Half the light takes about three a* away: that is why exposure is part of the colour correction."""
    skin = uneven()
    change = value("redness", make_input(skin, light=0.5)) - value("redness", make_input(skin))
    assert -5.0 < change < -2.0


@pytest.mark.parametrize("name", LOG)
def test_shade_over_the_face_changes_no_index(name):
    skin, level = uneven(), INDEX + 1.0
    slope = np.log(np.linspace(0.75, 1.3, 256))[None, :, None]
    shaded, plain = (value(name, make_input(plane, red_level=level)) for plane in (skin - slope, skin))
    assert shaded == pytest.approx(plain, rel=0.01)


@pytest.mark.parametrize("name", ("redness", *LOG))
def test_the_scale_of_the_frame_does_not_matter(name):
    """Frames of 1024 and of 1536 px show the same skin."""
    fine = uneven(side=576)
    coarse = np.log(cv2.resize(np.exp(fine), (384, 384), interpolation=cv2.INTER_AREA))
    level = INDEX + 1.0
    values = [value(name, make_input(p, mm_per_px=172.8 / p.shape[0], red_level=level)) for p in (coarse, fine)]
    assert values[0] == pytest.approx(values[1], rel=0.01)


@pytest.mark.parametrize("radius_mm", [1.5, 2.0, 4.0, 8.0])
@pytest.mark.parametrize("amount", [2.0, 5.0, 10.0])
def test_a_red_patch_has_its_true_area(radius_mm, amount):
    data = make_input(discs(radius_mm, amount), red_level=INDEX + amount / 2.0)
    true = np.pi * radius_mm**2
    assert value("red_area_mm2", data) == pytest.approx(true, rel=0.15)
    assert value("red_area", data) == pytest.approx(100.0 * true / (256 * MM) ** 2, rel=0.15)


def test_single_red_px_are_noise():
    density = np.zeros((256, 256, 3))
    density[::12, ::12] = 10.0 / A_STAR_OF_BLOOD * HAEMOGLOBIN
    assert value("red_area_mm2", make_input(density, red_level=INDEX + 3.0)) == 0.0


@given(seed=st.integers(0, 1000), sd=st.floats(0.1, 0.3), blood=st.floats(-0.1, 0.4))
@settings(max_examples=10, deadline=None)
def test_a_tenth_of_the_reference_photo_is_red_by_definition(seed, sd, blood):
    data = make_input(uneven(seed, sd=sd) + blood * HAEMOGLOBIN)
    assert value("red_area", data) == pytest.approx(10.0, abs=1.5)
    assert value("red_area", make_input(uneven(seed, sd=sd) + blood * HAEMOGLOBIN, red_level=find_red_level(data))) == (
        pytest.approx(value("red_area", data))
    )


def test_the_red_level_is_that_of_the_skin_alone():
    skin = np.zeros((256, 256), bool)
    skin[40:200, 30:220] = True
    density = uneven()
    stained = np.where(skin[..., None], density, 1.5 * HAEMOGLOBIN)
    levels = [find_red_level(make_input(plane, skin=skin)) for plane in (density, stained)]
    assert levels[0] == pytest.approx(levels[1], abs=1e-3)
    assert np.isnan(find_red_level(make_input(density, skin=np.zeros_like(skin))))


def test_skin_begins_to_count_half_a_unit_below_the_level_and_counts_in_full_half_above():
    for above, share in ((-0.6, 0.0), (-0.25, 0.25), (0.0, 0.5), (0.25, 0.75), (0.6, 1.0)):
        density = np.zeros((64, 64, 3)) + (5.0 + above) / A_STAR_OF_BLOOD * HAEMOGLOBIN
        assert red_share(make_input(density, red_level=INDEX + 5.0)) == pytest.approx(share, abs=1e-3)


@pytest.mark.parametrize("name", ["redness_index", "log_redness_index", "relative_redness", "redness_over_neck"])
def test_the_gradient_of_an_index_is_what_a_shift_of_colour_does(name):
    data = make_input(np.zeros((2, 2, 3)))
    for channel, slope in enumerate(METRICS[name].gradient_at(0.0)):
        shifted = make_input(-0.01 * np.eye(3)[channel] + np.zeros((2, 2, 3)))
        assert value(name, shifted) - value(name, data) == pytest.approx(0.01 * slope, abs=1e-4)


def test_the_gradient_of_a_star_is_that_of_light_skin():
    light_skin = np.array([0.49, 0.27, 0.2]) / COLOR  # L* 62, a* 16, b* 16
    for channel, slope in enumerate(METRICS["redness"].gradient_at(0.0)):
        ends = [
            value("redness", make_input(np.zeros((2, 2, 3)), light=light_skin * np.exp(h * np.eye(3)[channel])))
            for h in (-0.01, 0.01)
        ]
        assert (ends[1] - ends[0]) / 0.02 == pytest.approx(slope, rel=0.05)
