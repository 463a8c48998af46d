"""Haemoglobin, melanin, lightness and ITA move with their own pigment and with nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.color.spaces import srgb_to_linear
from skinprogress.metrics.inputs import MetricInput
from skinprogress.metrics.pigmentation import HAEMOGLOBIN, MELANIN, log_shading, unmixing_matrix
from skinprogress.metrics.table import METRICS

COLOR = np.array([0.45, 0.25, 0.18])
# sRGB of skin from very light to dark; ITA 61, 49, 38, 24, 5, −19, −42.
SKINS = [
    (228, 185, 165), (224, 172, 145), (210, 155, 125), (198, 134, 104), (170, 110, 85), (141, 85, 62), (110, 68, 50),
]  # fmt: skip


def make_input(linear_rgb) -> MetricInput:
    rgb = np.broadcast_to(np.asarray(linear_rgb, np.float32), (2, 2, 3))
    plane = np.ones((2, 2), np.float32)
    return MetricInput(linear_rgb=rgb.copy(), skin=plane > 0, mm_per_px=plane, photo_px_per_mm=plane)


def value(name, linear_rgb) -> float:
    return float(METRICS[name].compute(make_input(linear_rgb))[0, 0])


def linear(srgb) -> np.ndarray:
    return np.asarray(srgb_to_linear(np.array([[srgb]], np.uint8))[0, 0], np.float64)


@given(blood=st.floats(0.02, 0.5), melanin=st.floats(0.02, 0.8))
def test_haemoglobin_and_melanin_do_not_see_each_other(blood, melanin):
    for name, own, other in (("haemoglobin_index", HAEMOGLOBIN, MELANIN), ("melanin_index", MELANIN, HAEMOGLOBIN)):
        plain = value(name, COLOR)
        assert value(name, COLOR * np.exp(-blood * own)) - plain == pytest.approx(blood, abs=2e-4)
        assert value(name, COLOR * np.exp(-melanin * other)) - plain == pytest.approx(0.0, abs=2e-4)


def test_one_percent_of_blood():
    bloody = COLOR * np.exp([-0.07, -0.195, -0.20])
    assert value("haemoglobin_index", bloody) - value("haemoglobin_index", COLOR) == pytest.approx(0.26, abs=0.01)
    # The published direction of blood and the axis differ a little: what that leaves in melanin is a tenth.
    assert abs(value("melanin_index", bloody) - value("melanin_index", COLOR)) < 0.03


@given(blood=st.floats(0.02, 0.5), melanin=st.floats(0.02, 0.8))
def test_pigment_of_either_kind_darkens_the_skin_and_lowers_its_angle(blood, melanin):
    for pigment in (blood * HAEMOGLOBIN, melanin * MELANIN):
        darker = COLOR * np.exp(-pigment)
        assert value("lightness", darker) < value("lightness", COLOR)
        assert value("ita", darker) < value("ita", COLOR)


@given(light=st.floats(0.1, 2.0))
def test_the_light_changes_neither_pigment_but_shade_and_lightness(light):
    for name in ("haemoglobin_index", "melanin_index"):
        assert value(name, COLOR * light) == pytest.approx(value(name, COLOR), abs=1e-4)
    shade = log_shading(make_input(COLOR * light)) - log_shading(make_input(COLOR))
    assert shade == pytest.approx(np.log(light), abs=1e-4)
    assert (value("lightness", COLOR * light) > value("lightness", COLOR)) == (light > 1.0) or light == 1.0


def test_shading_is_blind_to_both_pigments():
    plain = log_shading(make_input(COLOR))
    for pigment in (HAEMOGLOBIN, MELANIN):
        assert log_shading(make_input(COLOR * np.exp(-0.3 * pigment))) == pytest.approx(plain, abs=1e-4)
    axes = np.stack([HAEMOGLOBIN, MELANIN, np.ones(3)], axis=1)
    np.testing.assert_allclose(unmixing_matrix() @ axes, np.eye(3), atol=1e-12)


def test_the_angle_is_that_of_the_formula():
    lab = make_input(COLOR).lab[0, 0]
    assert value("ita", COLOR) == pytest.approx(np.degrees(np.arctan((lab[0] - 50.0) / lab[2])), abs=1e-3)
    assert [value("ita", linear(s)) for s in SKINS] == pytest.approx([61, 49, 38, 24, 5, -19, -42], abs=0.7)


@pytest.mark.parametrize("srgb", SKINS)
def test_the_gradient_of_the_angle_is_what_a_shift_of_colour_does(srgb):
    """Of skin colours between those that the table was made from, which differ in b* too: 2° for a tenth of light."""
    color, step = linear(srgb), 0.05
    for channel, slope in enumerate(METRICS["ita"].gradient_at(value("ita", color))):
        ends = [value("ita", color * np.exp(h * np.eye(3)[channel])) for h in (-step, step)]
        assert ends[1] - ends[0] == pytest.approx(2.0 * step * slope, abs=2.0)


@pytest.mark.parametrize("name", ["haemoglobin_index", "melanin_index"])
@given(shift=st.tuples(*[st.floats(-0.1, 0.1)] * 3))
@settings(max_examples=20)
def test_the_gradient_of_a_pigment_is_exact(name, shift):
    change = value(name, COLOR * np.exp(shift)) - value(name, COLOR)
    assert change == pytest.approx(np.dot(METRICS[name].gradient_at(0.0), shift), abs=1e-4)


def test_the_gradient_of_lightness_is_that_of_light_skin():
    color = np.array([0.49, 0.27, 0.2])  # L* 62, a* 16, b* 16
    for channel, slope in enumerate(METRICS["lightness"].gradient_at(0.0)):
        ends = [value("lightness", color * np.exp(h * np.eye(3)[channel])) for h in (-0.01, 0.01)]
        assert (ends[1] - ends[0]) / 0.02 == pytest.approx(slope, rel=0.05)
