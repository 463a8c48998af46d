"""Redness after a treatment: known curves are found, what cannot be known is refused, treatments are compared."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from skinprogress.comparison.recovery import compare_recoveries, find_recoveries
from skinprogress.comparison.recovery_fit import count_times, fit_recovery
from skinprogress.records import Recovery, Treatment

TREATED = datetime(2026, 3, 2, 15)
USUAL_H = np.array([2.0, 8.0, 24.0, 48.0, 96.0])
N = 500


def hour(h: float) -> str:
    return (TREATED + timedelta(hours=h)).isoformat(timespec="minutes")


def followed(hours, rise, *, error: float = 0.35, region="face", treatment=1, before="before") -> Recovery:
    """``error`` is that of a difference of two sessions: half of its variance is either's."""
    n, own = len(hours), error / np.sqrt(2.0)
    recovery = Recovery(
        client="c", view="front", region=region, metric="redness_index", unit="a*-eq", treatment=treatment,
        before=before, sessions=tuple(f"{treatment}: {h} h" for h in hours), hours=tuple(map(float, hours)),
        rise=tuple(map(float, rise)), standard_error=(error,) * n, quoted_days=3.0,
    )  # fmt: skip
    return fit_recovery(recovery, own=np.full(n, own), of_before=own)


def simulate(hours, truth, *, error: float, seed: int = 3, n: int = N) -> list[Recovery]:
    rng, own = np.random.default_rng(seed), error / np.sqrt(2.0)
    return [
        followed(hours, truth + own * (rng.standard_normal(len(hours)) - rng.standard_normal()), error=error)
        for _ in range(n)
    ]


def test_a_known_curve_is_found_again():
    found = followed(USUAL_H, 6.0 * np.exp(-USUAL_H / 24.0), error=0.05)
    assert found.reason == ""
    assert found.tau_h == pytest.approx(24.0, rel=0.01)
    assert found.amplitude == pytest.approx(6.0, rel=0.01)
    assert found.level == pytest.approx(0.0, abs=0.02)
    assert found.half_life_h == pytest.approx(24.0 * np.log(2.0), rel=0.01)
    assert found.half_life_low_h < found.half_life_h < found.half_life_high_h
    assert found.amplitude_low < 6.0 < found.amplitude_high


@pytest.mark.parametrize(("error", "median", "worst"), [(0.25, 10.0, 20.0), (0.35, 14.0, 25.0), (0.5, 18.0, 36.0)])
def test_tau_from_five_photos(error, median, worst):
    """A = 6, τ = 24 h: |error| of τ in percent, and how often the interval of the half-life holds it."""
    found = [r for r in simulate(USUAL_H, 6.0 * np.exp(-USUAL_H / 24.0), error=error, n=300) if not r.reason]
    assert len(found) >= 200
    off = [100.0 * abs(r.tau_h / 24.0 - 1.0) for r in found]
    assert np.median(off) < median
    assert np.quantile(off, 0.9) < worst
    covered = np.mean([r.tau_low_h <= 24.0 <= r.tau_high_h for r in found])
    assert 0.92 <= covered <= 1.0


@pytest.mark.parametrize("error", [0.5])
@pytest.mark.parametrize(
    ("hours", "truth"),
    [
        pytest.param([2.0, 24.0, 48.0], lambda h: 6.0 * np.exp(-h / 24.0), id="too few times"),
        pytest.param(USUAL_H, lambda h: 0.0 * h, id="no rise"),
        pytest.param([96.0, 110.0, 130.0, 150.0, 168.0], lambda h: 6.0 * np.exp(-h / 12.0), id="all over"),
        pytest.param([24.0, 24.1, 24.2, 24.3, 24.4], lambda h: 0.0 * h + 3.0, id="one time"),
        pytest.param([2.0, 24.0, 48.0, 96.0, 168.0], lambda h: 10.0 * (1.0 - h / 168.0), id="linear, to its end"),
        pytest.param(USUAL_H, lambda h: 6.0 * (1.0 - h / 168.0), id="linear, not to its end"),
        pytest.param(USUAL_H, lambda h: 0.0 * h + 2.0, id="no fall"),
        pytest.param(USUAL_H, lambda h: 6.0 * (1.0 - np.exp(-h / 24.0)), id="still rising"),
    ],
)
def test_what_cannot_be_known_is_refused(hours, truth, error):
    hours = np.array(hours)
    for found in simulate(hours, truth(hours), error=error):
        assert found.reason
        assert np.isnan([found.tau_h, found.half_life_h, found.half_life_low_h, found.amplitude]).all()


@pytest.mark.parametrize(
    ("hours", "rise", "reason"),
    [
        ([2, 24, 48], [5, 3, 1], "photos at 3 different times within a week; a curve needs 4"),
        ([24], [3], "photos at 1 time within a week; a curve needs 4"),
        (USUAL_H, [0.2, 0.1, 0.3, 0.0, 0.1], "redness did not rise by more than these photos can tell for certain"),
        (USUAL_H, [6, 6, 5.8, 5.9, 5.7], "redness had not fallen far enough by the last photo to tell how quickly"),
        ([12, 48, 72, 96, 120], [5, 0, 0, 0, 0], "redness had fallen before the photos could show how quickly"),
        (USUAL_H, 6 - USUAL_H / 17, "a straight line fits the photos as well as a curve that levels off"),
    ],
)
def test_the_reason_says_what_is_missing(hours, rise, reason):
    assert followed(hours, rise).reason == reason


def test_photos_off_the_curve_widen_the_interval():
    smooth = 6.0 * np.exp(-USUAL_H / 24.0)
    one = followed(USUAL_H, smooth, error=0.2)
    two = followed(USUAL_H, smooth + np.array([0.4, -0.4, 0.4, -0.3, 0.3]), error=0.2)
    assert two.half_life_high_h - two.half_life_low_h > 1.5 * (one.half_life_high_h - one.half_life_low_h)


def test_times_are_different_from_half_an_hour_on():
    assert count_times([0.0, 0.2, 0.4, 0.6, 24.0]) == 3


def course_of(make_course, make_change, *treated_h, calm_change=0.0):
    """A baseline, five photos after each treatment and a calm one three weeks later; and their changes."""
    treatments = tuple(Treatment(at=TREATED + timedelta(hours=h)) for h in treated_h)
    sessions, values = [hour(-24)], {}
    for start in treated_h:
        for after in USUAL_H:
            sessions.append(hour(start + after))
            values[sessions[-1]] = calm_change * (start > 0) + 6.0 * np.exp(-after / 24.0)
        sessions.append(hour(start + 24 * 25))
        values[sessions[-1]] = calm_change
    plan = make_course(*sessions, treatments=treatments)
    return plan, [make_change(s, v, from_session=sessions[0], error=0.3) for s, v in values.items()]


def test_rises_are_told_over_the_last_calm_session_before(make_course, make_change):
    plan, changes = course_of(make_course, make_change, 0.0, 24 * 30.0, calm_change=-1.0)
    one, two = find_recoveries(plan, changes)
    assert (one.treatment, one.before) == (1, hour(-24))
    assert (two.treatment, two.before) == (2, hour(24 * 25))
    assert one.hours == two.hours == pytest.approx(tuple(USUAL_H))
    assert two.rise == pytest.approx(tuple(6.0 * np.exp(-USUAL_H / 24.0)))
    # Half of either variance is the baseline's, which cancels.
    assert one.standard_error == two.standard_error == pytest.approx((0.3,) * 5)
    assert (one.reason, two.reason) == ("", "")
    assert (one.quoted_days, one.unit) == (3.0, "a*-eq")


def test_late_covered_and_uncompared_photos_are_no_part_of_it(make_course, make_change):
    nan = float("nan")
    sessions = [hour(-24), hour(2), hour(24), hour(48), hour(200)]
    plan = make_course(*sessions, treatments=(Treatment(at=TREATED),), covered=(hour(24),))
    changes = [make_change(s, 3.0, from_session=sessions[0]) for s in sessions[1:]]
    changes[2] = make_change(hour(48), nan, from_session=sessions[0], error=nan)
    (found,) = find_recoveries(plan, changes)
    assert found.sessions == (hour(2),)
    assert "1 time" in found.reason


def test_nothing_without_a_calm_session_before_or_another_metric(make_course, make_change):
    plan = make_course(hour(1), hour(24), treatments=(Treatment(at=TREATED),))
    assert find_recoveries(plan, [make_change(hour(24), 2.0, from_session=hour(1))]) == []
    plan = make_course(hour(-1), hour(24), treatments=(Treatment(at=TREATED),))
    assert find_recoveries(plan, [make_change(hour(24), 2.0, from_session=hour(-1), metric="red_area")]) == []
    assert len(find_recoveries(plan, [make_change(hour(24), 2.0, from_session=hour(-1))])) == 1


def after(treatment, rise, *, hours=USUAL_H, **more):
    return followed(hours, rise, treatment=treatment, before=f"before {treatment}", **more)


def test_a_quicker_recovery_is_said_to_be_one():
    rise = 6.0 * np.exp(-USUAL_H / 30.0)
    (found,) = compare_recoveries([after(1, rise), after(2, rise - 1.5)])
    assert found.kind == "recovery_compared"
    assert found.figure == pytest.approx(-1.5)
    # Five photos of either, and the session before either, share the error of 0.35.
    assert found.ci_high == pytest.approx(-1.5 + 1.96 * 0.35 * np.sqrt(1.0 + 1.0 / 5.0), abs=1e-3)
    assert found.text.startswith(
        "whole face: redness calmed down quicker after treatment 2 than after treatment 1, −1.5"
    )
    assert "at 2, 8, 24, 48 and 96 hours after each" in found.text


def test_no_difference_that_the_photos_show_is_called_one():
    rise = 6.0 * np.exp(-USUAL_H / 24.0)
    (found,) = compare_recoveries([after(1, rise), after(2, rise - 0.3)])
    assert found.text.startswith("whole face: no difference in redness after treatments 1 and 2 that these photos")
    assert found.ci_low < 0 < found.ci_high


def test_only_hours_that_match_are_compared():
    rise = 6.0 * np.exp(-USUAL_H / 24.0)
    assert compare_recoveries([after(1, rise[:2], hours=[2, 8]), after(2, [1.0], hours=[48])]) == []
    assert compare_recoveries([after(1, rise)]) == []
    (found,) = compare_recoveries([after(1, [6.0, 5.0], hours=[2, 8]), after(2, [3.0], hours=[2])])
    assert "rose less after treatment 2" in found.text


def test_unequal_hours_never_make_a_difference():
    """Two courses of the same skin, photographed up to a factor of 1.5 apart, without any error."""
    for tau in np.geomspace(4.0, 200.0, 12):
        for factor in (0.67, 0.8, 1.25, 1.49):
            one, two = (6.0 * np.exp(-h / tau) for h in (USUAL_H, USUAL_H * factor))
            (found,) = compare_recoveries(
                [after(1, one, error=1e-6), after(2, two, error=1e-6, hours=USUAL_H * factor)]
            )
            assert found.ci_low <= 0.0 <= found.ci_high


def test_regions_that_differ_are_one_sentence():
    rise = 6.0 * np.exp(-USUAL_H / 24.0)
    lower = {"face": 0.0, "nose": 2.5, "chin": 3.0, "cheek_left": 0.1}
    rows = [after(1, rise, region=r) for r in lower] + [after(2, rise - d, region=r) for r, d in lower.items()]
    face, regions = compare_recoveries(rows)
    assert (face.region, regions.region) == ("face", "chin")
    assert "chin −3.0" in regions.text and "nose −2.5" in regions.text and "left cheek" not in regions.text
