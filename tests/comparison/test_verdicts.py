"""Interval and word never disagree; grades name their reasons."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skinprogress.color.references import uncorrected
from skinprogress.comparison.calibration import (
    COMPENSATED,
    REPEATABILITY,
    Repeatability,
    change_error,
    color_error,
    session_error,
)
from skinprogress.comparison.conditions import PairConditions
from skinprogress.comparison.grading import find_decisive, grade_pair
from skinprogress.comparison.light import estimate_light_difference, shading_basis
from skinprogress.comparison.verdicts import decide_verdict
from skinprogress.face.refinement import LANDMARK_MISFIT_PERCENT
from skinprogress.face.regions import bare_face_mask
from skinprogress.metrics.table import METRICS
from skinprogress.records import ColorCorrection, Flag

REDNESS = METRICS["redness_index"]
GOOD = PairConditions(
    light_difference=0.03,
    light_color_difference=0.02,
    exposure_difference=0.05,
    sharpness_ratio=1.02,
    pose_difference_deg=2.0,
    expression_difference=0.1,
    moved_regions=frozenset(),
    nearness_difference=0.001,
    misfit_percent_iod=0.2,
    coverage=0.75,
    iod_px=250.0,
    rung="background",
)
numbers = st.floats(-20, 20)


@given(low=numbers, width=st.floats(0.01, 10), better=st.sampled_from(["lower", "higher", None]), recent=st.booleans())
def test_interval_and_verdict_never_disagree(low: float, width: float, better: str | None, recent: bool) -> None:
    high = low + width
    verdict = decide_verdict(
        (low + high) / 2, low, high, metric=REDNESS, better=better, rung="background", recent=recent
    )
    real = low > 0 or high < 0
    assert (verdict in ("improved", "worsened", "changed")) == real
    if real and better and not recent:
        assert (verdict == "improved") == ((low > 0) == (better == "higher"))
    if verdict == "unchanged":
        assert max(abs(low), abs(high)) <= REDNESS.equivalence


@pytest.mark.parametrize(
    ("interval", "rung", "expected"),
    [
        ((-2.0, -0.5), "background", "improved"),
        ((0.5, 2.0), "background", "worsened"),
        ((-0.4, 0.6), "background", "unchanged"),
        ((-0.4, 1.6), "background", "no detectable change"),
        ((-0.4, 0.6), "none", "not comparable"),
        ((5.0, 9.0), "none", "worsened"),
        ((np.nan, np.nan), "card", "not comparable"),
    ],
)
def test_words(interval: tuple[float, float], rung: str, expected: str) -> None:
    low, high = interval
    assert (
        decide_verdict((low + high) / 2, low, high, metric=REDNESS, better="lower", rung=rung, recent=False) == expected
    )


def test_within_a_week_of_a_treatment_nothing_is_better_or_worse() -> None:
    verdict = decide_verdict(4.0, 3.0, 5.0, metric=REDNESS, better="lower", rung="background", recent=True)
    assert verdict == "changed"


@pytest.mark.parametrize("name", ["texture_uniformity", "wrinkle_index", "melanin_index", "brown_spots", "ita"])
def test_within_a_week_of_a_treatment_nothing_but_redness_is_judged(name: str) -> None:
    options = {"metric": METRICS[name], "better": "lower", "rung": "card"}
    assert decide_verdict(4.0, 3.0, 5.0, recent=True, **options) == "not comparable"
    assert decide_verdict(0.0, -0.001, 0.001, recent=True, **options) == "not comparable"
    assert decide_verdict(4.0, 3.0, 5.0, recent=False, **options) == "worsened"
    # Cream lies on the skin: what changed is not the skin, but something did.
    assert decide_verdict(4.0, 3.0, 5.0, recent=False, covered=True, **options) == "changed"


def test_alike_photos_get_an_a() -> None:
    assert grade_pair(GOOD) == ("A", (), (), Flag.NONE)


@pytest.mark.parametrize(
    ("change", "grade", "flag"),
    [
        ({"light_difference": 0.15}, "B", Flag.LIGHT_DIFFERS),
        ({"light_difference": 0.9}, "F", Flag.LIGHT_DIFFERS),
        ({"light_color_difference": 0.25}, "C", Flag.LIGHT_DIFFERS),
        ({"exposure_difference": 0.6}, "C", Flag.EXPOSURE_DIFFERS),
        ({"sharpness_ratio": 0.7}, "C", Flag.SHARPNESS_DIFFERS),
        ({"sharpness_ratio": 1 / 0.7}, "C", Flag.SHARPNESS_DIFFERS),
        ({"pose_difference_deg": 12.0}, "C", Flag.POSE_DIFFERS),
        ({"pose_difference_deg": 31.0}, "F", Flag.POSE_DIFFERS),
        ({"expression_difference": 0.9}, "D", Flag.EXPRESSION_DIFFERS),
        ({"rung": "none"}, "C", Flag.COLOR_NOT_MATCHED),
        ({"iod_px": 70.0}, "D", Flag.LOW_RESOLUTION),
        ({"coverage": 0.05}, "F", Flag.LOW_COVERAGE),
        ({"nearness_difference": 1 / 35 - 1 / 40}, "B", Flag.PERSPECTIVE_DIFFERS),
        ({"nearness_difference": 1 / 30 - 1 / 60}, "D", Flag.PERSPECTIVE_DIFFERS),
        ({"misfit_percent_iod": 0.6}, "B", Flag.POOR_REGISTRATION),
        ({"misfit_percent_iod": 1.0}, "C", Flag.POOR_REGISTRATION),
        ({"misfit_percent_iod": LANDMARK_MISFIT_PERCENT}, "F", Flag.POOR_REGISTRATION),
        # A photo too small to show pores says nothing about whose face it is.
        (
            {"misfit_percent_iod": LANDMARK_MISFIT_PERCENT, "iod_px": 90.0},
            "D",
            Flag.POOR_REGISTRATION | Flag.LOW_RESOLUTION,
        ),
        ({"misfit_percent_iod": float("nan")}, "A", Flag.NONE),
    ],
)
def test_grades(change: dict[str, object], grade: str, flag: Flag) -> None:
    found, reasons, remedies, flags = grade_pair(replace(GOOD, **change))
    assert found == grade
    assert flags == flag
    assert len(reasons) == len(remedies) == len(flag)


def test_many_small_differences_are_no_small_difference() -> None:
    three = {"light_difference": 0.12, "pose_difference_deg": 6.0, "expression_difference": 0.3}
    assert grade_pair(replace(GOOD, **three))[0] == "B"
    assert grade_pair(replace(GOOD, **three, sharpness_ratio=1.2))[0] == "C"


def test_what_lowers_the_grade_below_b_is_told_apart_from_what_does_not() -> None:
    turned, lit = {"pose_difference_deg": 6.0}, {"light_difference": 0.25}
    assert find_decisive(replace(GOOD, **turned)) == Flag.NONE
    assert find_decisive(replace(GOOD, **turned, **lit)) == Flag.LIGHT_DIFFERS
    small = {**turned, "light_difference": 0.12, "expression_difference": 0.3, "sharpness_ratio": 1.2}
    assert find_decisive(replace(GOOD, **small)) == grade_pair(replace(GOOD, **small))[3] != Flag.NONE


def test_only_metrics_are_calibrated_and_every_error_is_positive() -> None:
    assert set(REPEATABILITY) <= set(METRICS)
    assert set(COMPENSATED) <= {name for name in REPEATABILITY if METRICS[name].compensable}
    for name in METRICS:
        assert (session_error(name) > 0) == (name in REPEATABILITY)


@pytest.mark.parametrize(("scale", "growth"), [("unit", 1.0), ("value", 4.0), ("root", 2.0)])
def test_errors_grow_with_the_value_or_its_root_or_not_at_all(monkeypatch, scale: str, growth: float) -> None:
    monkeypatch.setitem(REPEATABILITY, "made_up", Repeatability(session=0.3, per_light=1.0, scale=scale))
    alike = dict.fromkeys(("light_color", "exposure", "expression", "blur", "misfit"), 0.0)
    for light in (0.0, 0.4):
        few, many = (change_error("made_up", value=v, light=light, **alike) for v in (9.0, 36.0))
        assert many == pytest.approx(growth * few)
    assert session_error("made_up", value=36.0) == pytest.approx(growth * session_error("made_up", value=9.0))
    # Values around zero, as a difference from the rest of the face has, are as large as their distance from it.
    assert session_error("made_up", value=-36.0) == session_error("made_up", value=36.0)
    # Nobody counts to less than one: without a single spot the count is still not certain.
    if scale == "root":
        assert session_error("made_up", value=0.0) == session_error("made_up", value=1.0) == 0.3


def test_unmatched_colour_costs_what_a_white_balance_is_off() -> None:
    matched = ColorCorrection(
        rung="background", matrix=np.eye(3, dtype=np.float32), log_gain_covariance=1e-4 * np.eye(3),
        relative_redness_se=0.002,
    )  # fmt: skip
    for name, metric in METRICS.items():
        known, unknown = color_error(metric, matched), color_error(metric, uncorrected(""))
        if metric.needs_color:
            assert unknown > 3 * known > 0
            # Of metrics that count px this is what moves each px, not yet how many that moves.
            if name in REPEATABILITY and metric.ramp is None:
                assert unknown > 3 * session_error(name)
        elif metric.relative:
            assert known == pytest.approx(0.002 / 0.0405) and unknown > known
        else:
            assert known == unknown == 0
    # Two channels of 1 % each, 0.33 a* and 0.35 a* per 1 %, and a little blue.
    assert color_error(METRICS["redness"], matched) == pytest.approx(np.hypot(np.hypot(0.334, 0.354), 0.073))


def test_what_colour_leaves_in_the_skin_tone_angle_depends_on_the_skin() -> None:
    sure = ColorCorrection(
        rung="card", matrix=np.eye(3, dtype=np.float32), log_gain_covariance=1e-4 * np.eye(3), relative_redness_se=0.0
    )
    angle = METRICS["ita"]
    for value in (-60.0, -47.0, 0.0, 30.0, 45.0, 50.0, 70.0):
        expected = 0.01 * np.linalg.norm(angle.gradient_at(value))
        assert color_error(angle, sure, value=value) == pytest.approx(expected)
    # Between the values of the table the gradient moves on evenly; outside it stays.
    assert angle.gradient_at(70.0) == angle.gradient_at(50.0)
    low, high = (np.array(angle.gradient_at(v)) for v in (14.0, 37.0))
    np.testing.assert_allclose(angle.gradient_at(25.5), (low + high) / 2.0)


def test_light_that_was_taken_out_counts_less_and_is_told_in_its_own_words() -> None:
    words = ("light from the left in one photo, from the right in the other", "turn the chair")
    lit = replace(GOOD, light_difference=0.5, light_words=words)
    raw, compensated = grade_pair(lit), grade_pair(replace(lit, compensated=True))
    assert raw[0] > compensated[0] > "A"
    for _, reasons, remedies, flags in (raw, compensated):
        assert (reasons, remedies, flags) == ((words[0],), (words[1],), Flag.LIGHT_DIFFERS)
    # There is an end to what can be taken out, and nothing but light is judged otherwise.
    assert grade_pair(replace(lit, light_difference=2.0, compensated=True))[0] == "F"
    turned = replace(GOOD, pose_difference_deg=12.0)
    assert grade_pair(replace(turned, compensated=True)) == grade_pair(turned)
    assert grade_pair(replace(GOOD, light_words=words)) == grade_pair(GOOD)


def test_taking_out_light_that_differs_makes_no_interval_wider() -> None:
    differs = {"light": 0.5, "light_color": 0.3, "exposure": 0.1, "expression": 0.05, "blur": 0.02, "misfit": 0.2}
    for name in REPEATABILITY:
        raw, relit = (change_error(name, value=2.0, **differs, compensated=c) for c in (False, True))
        assert 0.0 < relit < raw if name in COMPENSATED else relit == raw


def test_an_uncalibrated_metric_has_no_error_bar() -> None:
    assert np.isnan(session_error("made_up"))
    assert np.isnan(
        change_error("made_up", value=1, light=0, light_color=0, exposure=0, expression=0, blur=0, misfit=0)
    )


@pytest.mark.parametrize("what", ["light", "light_color", "exposure", "expression", "blur", "misfit"])
def test_photos_that_differ_more_are_less_certain(what: str) -> None:
    like = {"light": 0.02, "light_color": 0.02, "exposure": 0.02, "expression": 0.05, "blur": 0.02, "misfit": 0.2}
    for name in ("relative_redness", "texture_uniformity"):
        calm = change_error(name, value=2.0, **like)
        assert change_error(name, value=2.0, **{**like, what: 0.5}) >= calm
    assert change_error("relative_redness", value=2.0, **{**like, "light": 0.5}) > 1.0


def test_light_difference_is_read_off_the_shading() -> None:
    side = 128
    skin = bare_face_mask(side)
    rng = np.random.default_rng(0)
    log = rng.normal(-1.0, 0.05, (side, side)).astype(np.float32)
    basis = np.nan_to_num(shading_basis(side))
    lamp = 0.3 * basis[..., 0] + 0.1 * basis[..., 1]
    assert estimate_light_difference(log, log, skin) == pytest.approx(0.0, abs=1e-3)
    assert estimate_light_difference(log + np.float32(0.7), log, skin) == pytest.approx(0.0, abs=1e-3)
    found = estimate_light_difference(log + lamp.astype(np.float32), log, skin)
    assert found == pytest.approx(float(lamp[skin].std()), rel=0.1)
    assert estimate_light_difference(log, log + lamp.astype(np.float32), skin) == pytest.approx(found, rel=0.05)
    spotted = log.copy()
    spotted[60:66, 30:36] += 1.0  # a mole is not the light
    assert estimate_light_difference(spotted, log, skin) < 0.02
    assert np.isnan(estimate_light_difference(log, log, np.zeros_like(skin)))
