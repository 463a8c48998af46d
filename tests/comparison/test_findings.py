"""Sentences with figures: what can be said at least, and that it is what the interval says."""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skinprogress.comparison.findings import VISIBLE_REDNESS, find_findings
from skinprogress.comparison.pairs import compare_pair
from skinprogress.comparison.recovery import find_recoveries
from skinprogress.comparison.trend import find_trends
from skinprogress.comparison.verdicts import redness_is_judged
from skinprogress.face.regions import WHOLE_FACE
from skinprogress.metrics.pigmentation import HAEMOGLOBIN
from skinprogress.metrics.table import METRICS
from skinprogress.records import Change, Course, Flag, Treatment
from skinprogress.settings import Settings

UNIT = 0.0405 / 0.46
TREATED = Flag.REFERENCE_MAY_BE_TREATED


def row(metric, region, low, high, *, against="baseline", flags=Flag.NONE, view="front", to="two") -> Change:
    middle = (low + high) / 2.0
    return Change(
        client="c", view=view, region=region, metric=metric, metric_version=2, unit=METRICS[metric].unit, method="raw",
        against=against, from_session="one", to_session=to, baseline=15.0, followup=15.0 + middle, difference=middle,
        ci_low=low, ci_high=high, detectable_change=(high - low) / 2.0, n_baseline=1, n_followup=1,
        color_reference="background", grade="A", verdict="changed" if low > 0 or high < 0 else "no detectable change",
        course_status="", n_common_px=1000, flags=flags,
    )  # fmt: skip


def relative(region, low, high, **options) -> Change:
    return row("relative_redness", region, low, high, **{"flags": TREATED, **options})


@pytest.fixture
def bounds(make_plan):
    def find(*changes):
        return [f for f in find_findings(make_plan(), changes, []) if f.kind == "bound"]

    return find


def test_at_least_and_at_most(bounds):
    redder, paler = bounds(
        relative("cheek_left", 2.14, 4.0), relative("nose", 1.5, 9.0), relative("chin", -0.4, 0.9),
        relative("forehead", -3.0, -1.25), relative("jaw_left", -5.0, -0.2),
    )  # fmt: skip
    assert redder.text == (
        "left cheek: at least 2.1 a*-eq redder, unless the rest of the face became less red, from one to two"
    )
    assert (redder.region, redder.metric, redder.ci_low, redder.ci_high) == ("cheek_left", "relative_redness", 2.14, 4)
    assert paler.text == (
        "forehead: at least 1.2 a*-eq less red, unless the rest of the face became redder, from one to two"
    )
    assert (paler.figure, paler.ci_high) == (-2.125, -1.25)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (2.7, 4.0, "whole face: at least 2.7 a*-eq redder, from one to two"),
        (-6.0, -3.04, "whole face: at least 3.0 a*-eq less red, from one to two"),
        (
            -1.0,
            VISIBLE_REDNESS,
            "whole face: redness changed by no more than people see (2.5 a*-eq), whatever the direction, from one to "
            "two",
        ),
        (-2.6, 1.0, None),
        (float("nan"), float("nan"), None),
    ],
)
def test_of_the_whole_face(bounds, low, high, text):
    found = bounds(row("redness_index", WHOLE_FACE, low, high))
    assert [f.text for f in found] == ([text] if text else [])


def test_no_condition_that_is_known_not_to_hold(bounds):
    """The eye is spared while the face flushes: "unless the rest became redder" is then no bound."""
    paler, redder = relative("periorbital_left", -5.0, -3.7), relative("chin", 1.0, 2.0)
    up, down = row("redness_index", WHOLE_FACE, 3.5, 6.2), row("redness_index", WHOLE_FACE, -6.2, -3.5)
    assert [f.region for f in bounds(paler, redder, up)] == ["chin", WHOLE_FACE]
    assert [f.region for f in bounds(paler, redder, down)] == ["periorbital_left", WHOLE_FACE]


def test_nothing_is_told_of_redness_under_cream(make_course, make_change):
    given = (Treatment(at=TREATED_AT),)
    rows = [
        make_change(day(0.04), 4.0, from_session=day(-1)),
        relative("chin", 1.0, 2.0, to=day(0.04)),
        make_change(day(1), 2.0, from_session=day(-1)),
    ]
    sessions = (day(-1), day(0.04), day(1))
    bare = told(make_course(*sessions, treatments=given), rows)
    assert {f.to_session for f in bare if f.kind in ("redness_peak", "bound")} == {day(0.04), day(1)}
    covered = told(make_course(*sessions, treatments=given, covered=(day(0.04),)), rows)
    assert {f.to_session for f in covered if f.kind in ("redness_peak", "bound")} == {day(1)}


def test_no_bound_where_the_reference_is_known_to_be_untreated(bounds):
    """There the change itself is told, with its direction."""
    assert bounds(relative("cheek_left", 2.0, 4.0, flags=Flag.NONE)) == []


def test_only_against_the_baseline_and_once_for_each_view_and_session(bounds):
    assert bounds(relative("cheek_left", 2.0, 4.0, against="previous")) == []
    assert bounds(row("redness_index", WHOLE_FACE, 3.0, 4.0, against="previous")) == []
    rows = [
        relative(region, 2.0, 4.0, view=view, to=to)
        for region in ("cheek_left", "nose")
        for view in ("front", "left_oblique")
        for to in ("two", "three")
    ]
    assert len(bounds(*rows)) == 4


def test_no_bound_from_what_has_no_interval_or_spans_zero(bounds):
    nan = float("nan")
    assert bounds(relative("cheek_left", nan, nan), relative("nose", -0.1, 3.0), relative("chin", -3.0, 0.0)) == []
    assert bounds() == []


@given(ends=st.lists(st.tuples(st.floats(-9, 9), st.floats(0.01, 5)), min_size=1, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_bound_is_never_more_than_the_published_interval_says(bounds, ends):
    changes = [relative(f"mark {k}", low, low + width) for k, (low, width) in enumerate(ends)]
    by_region = {c.region: c for c in changes}
    found = bounds(*changes)
    # Less than a tenth is not worth a sentence.
    assert len(found) == any(c.ci_low >= 0.1 for c in changes) + any(c.ci_high <= -0.1 for c in changes)
    for finding in found:
        said = float(finding.text.split("at least ")[1].split(" ")[0])
        change = by_region[finding.region]
        end = change.ci_low if "redder, unless" in finding.text else -change.ci_high
        assert end > 0.0
        assert said <= end + 1e-9 and end - said < 0.1 + 1e-9
        # The one that says the most.
        assert end == max(c.ci_low if "redder, unless" in finding.text else -c.ci_high for c in changes)
        assert (finding.figure, finding.ci_low, finding.ci_high) == (change.difference, change.ci_low, change.ci_high)


@pytest.fixture
def px_metrics():
    # Not monkeypatch.delitem: what that puts back comes last in the table.
    with patch.dict(METRICS, {name: m for name, m in METRICS.items() if m.local}, clear=True):
        yield


@pytest.mark.parametrize("elsewhere", [0.0, 2.0])
def test_what_is_said_of_two_photos_is_true(calibrated, px_metrics, make_face, make_plan, region, elsewhere):
    """The cheek got 6 redder; the rest of the face too, or not at all."""
    blood = (elsewhere + (6.0 - elsewhere) * region("cheek_left")[..., None]) * UNIT * HAEMOGLOBIN
    one, two = make_face("one"), make_face("two", change=blood)

    def said(course=None):
        plan = make_plan(course=course)
        changes, _ = compare_pair([one], [two], against="baseline", plan=plan, settings=Settings())
        return {f.region: f for f in find_findings(plan, changes, []) if f.kind == "bound"}, changes

    found, changes = said()
    (cheek,) = [c for c in changes if (c.region, c.metric) == ("cheek_left", "relative_redness")]
    at_least = found["cheek_left"]
    assert f"at least {math.floor(10 * cheek.ci_low) / 10:.1f} a*-eq redder" in at_least.text
    assert 2.0 < cheek.ci_low < 6.0  # the true change, since the rest did not get paler
    # Nowhere did anything get less red by as much as is said to be the least.
    assert all("less red, unless" not in f.text or f.region != "cheek_left" for f in found.values())
    # With a region that no treatment touched to refer to, the change itself can be told.
    untreated = Course(treatments=(Treatment(at=datetime(2026, 3, 14), areas=("cheek_left",)),))
    assert not any(f.metric == "relative_redness" for f in said(untreated)[0].values())


def test_figures_have_no_numbers_that_are_none(bounds):
    for finding in bounds(relative("cheek_left", 2.0, 4.0), row("redness_index", WHOLE_FACE, 3.0, 4.0)):
        assert np.isfinite([finding.figure, finding.ci_low, finding.ci_high]).all()
        assert "nan" not in finding.text


def test_a_mark_is_told_by_its_own_name(bounds):
    (found,) = bounds(replace(relative("scar on chin", 2.0, 4.0)))
    assert found.text.startswith("scar on chin: at least 2.0 a*-eq redder")


TREATED_AT = datetime(2026, 3, 2, 15)


def day(k: float) -> str:
    return (TREATED_AT + timedelta(days=k)).isoformat(timespec="minutes")


def told(plan, changes):
    trends = find_trends(plan, changes, confidence_level=0.95)
    return find_findings(plan, changes, [], trends=trends, recoveries=find_recoveries(plan, changes))


@pytest.fixture
def outcomes(make_course, make_change):
    """Of redness 2 a*-eq lower and texture 1 % lower at the last of some days; ``given`` are days of treatments."""

    def find(*days, given=(0,), **more):
        treatments = tuple(Treatment(at=TREATED_AT + timedelta(days=d), **more) for d in given)
        plan = make_course(day(-1), *map(day, days), treatments=treatments)
        changes = [
            make_change(day(at), size, from_session=day(-1), metric=metric, verdict="improved", error=0.1)
            for at in days
            for metric, size in (("redness_index", -2.0), ("texture_uniformity", -1.0))
        ]
        kinds = ("outcome", "early_result", "maintenance")
        return [f for f in told(plan, changes) if f.kind in kinds]

    return find


def test_settled_photos_give_the_outcome(outcomes):
    found = outcomes(2, 14, 42)
    assert {(f.kind, f.metric, f.to_session) for f in found} == {
        ("outcome", "texture_uniformity", day(42)),
        ("outcome", "redness_index", day(42)),
    }
    redness = next(f for f in found if f.metric == "redness_index")
    assert redness.text == (
        "whole face: redness index improved, −2.0 a*-eq (−2.3 to −1.7), from 1 March 2026, 15:00 to 13 April 2026, "
        "15:00"
    )
    assert (redness.view, redness.unit, redness.from_session) == ("front", "a*-eq", day(-1))


def test_an_early_result_is_called_one(outcomes):
    found = outcomes(2, 12)
    assert {(f.kind, f.to_session) for f in found} == {("early_result", day(12))}
    assert all(f.text.endswith("; early result, 12 days after treatment 1") for f in found)


def test_peeling_skin_tells_of_redness_alone_and_acute_skin_of_nothing(outcomes):
    assert {(f.kind, f.metric) for f in outcomes(2, 6)} == {("early_result", "redness_index")}
    assert outcomes(1, 2) == []


def test_no_texture_or_pigment_from_acute_or_peeling_sessions(make_course, make_change):
    plan = make_course(day(-1), day(1), day(4), day(6), treatments=(Treatment(at=TREATED_AT),))
    metrics = [m for m in METRICS.values() if m.name not in ("redness_index", "relative_redness")]
    changes = [
        make_change(day(at), 9.0, from_session=day(-1), metric=m.name, verdict="changed", region=region)
        for at in (1, 4, 6)
        for m in metrics
        for region in ("cheek_left", "cheek_right")
    ]
    for finding in told(plan, changes):
        assert finding.metric == "" or redness_is_judged(METRICS[finding.metric])


def test_skin_that_never_settles_gives_the_most_settled_photos(outcomes):
    found = outcomes(12, 26, given=(0, 14))
    assert {(f.kind, f.to_session) for f in found} == {("outcome", day(26))}
    assert all(f.text.endswith("; the skin had not settled: 12 days after treatment 2") for f in found)


def test_maintenance_is_told_by_itself(make_course, make_change):
    treatments = (Treatment(at=TREATED_AT), Treatment(at=TREATED_AT + timedelta(days=100), setting="maintenance"))
    plan = make_course(day(-1), day(42), day(150), treatments=treatments)
    changes = [
        make_change(day(42), -2.0, from_session=day(-1), verdict="improved"),
        make_change(day(150), -5.0, from_session=day(-1), verdict="improved"),
        make_change(day(150), -3.0, from_session=day(42), verdict="improved", against="maintenance"),
    ]
    found = {f.kind: f for f in told(plan, changes) if f.kind in ("outcome", "maintenance")}
    assert (found["outcome"].figure, found["outcome"].to_session) == (-2.0, day(42))
    assert (found["maintenance"].figure, found["maintenance"].from_session) == (-3.0, day(42))


def test_a_trend_is_one_sentence_for_the_face_and_one_for_the_regions_that_moved(make_course, make_change):
    days = (40, 80, 120)
    plan = make_course(day(0), *map(day, days))
    slopes = {"face": -0.01, "nose": -0.02, "chin": 0.0, "cheek_left": -0.03}
    changes = [
        make_change(day(d), slope * d, from_session=day(0), region=region)
        for d in days
        for region, slope in slopes.items()
    ]
    face, regions = (f for f in told(plan, changes) if f.kind == "trend")
    assert face.text.startswith("whole face: redness index fell, −0.30 a*-eq per month (−0.43 to −0.18), over")
    assert face.text.endswith("; −1.2 a*-eq (−1.8 to −0.6) at the last against the first")
    assert "over 4 sessions from 2 March 2026, 15:00 to 30 June 2026, 15:00" in face.text
    assert (face.unit, face.from_session, face.to_session) == ("a*-eq per month", day(0), day(120))
    assert face.figure == pytest.approx(-0.3044)
    assert "left cheek −0.91" in regions.text and "nose −0.61" in regions.text and "chin" not in regions.text
    assert regions.region == "cheek_left"
    flat = [replace(c, difference=0.0) for c in changes]
    (face,) = (f for f in told(plan, flat) if f.kind == "trend")
    assert "no steady trend of redness index that these photos could show, +0.00 a*-eq per month" in face.text


def test_the_recovery_is_told_with_its_half_life_or_with_what_is_missing(make_course, make_change):
    hours = np.array([2.0, 8.0, 24.0, 48.0, 96.0])

    def recovery(hours):
        plan = make_course(day(-1), *(day(h / 24) for h in hours), treatments=(Treatment(at=TREATED_AT),))
        rises = 6.0 * np.exp(-hours / 24.0)
        changes = [make_change(day(h / 24), r, from_session=day(-1)) for h, r in zip(hours, rises, strict=True)]
        return next(f for f in told(plan, changes) if f.kind == "recovery")

    curve = recovery(hours)
    assert curve.text.startswith("whole face: redness rose by +6.0 a*-eq (")
    assert "after treatment 1, and half of that was gone after 17 hours (" in curve.text
    assert (curve.unit, curve.from_session, curve.to_session) == ("hours", day(-1), day(4))
    assert curve.ci_low < curve.figure < curve.ci_high
    points = recovery(hours[:2])
    assert math.isnan(points.figure)
    assert points.text == (
        "whole face: how quickly redness faded after treatment 1 cannot be told: photos at 2 different times within a "
        "week; a curve needs 4"
    )


def test_without_recorded_treatments_that_is_said(make_course, make_change):
    plan = make_course(day(0), day(42))
    (found,) = (f for f in told(plan, [make_change(day(42), 1.0, from_session=day(0))]) if f.kind == "no_course")
    assert found.text.startswith(
        "no treatments are recorded: the days after a treatment cannot be told from the others"
    )
    assert "`skinprogress init FOLDER` drafts a course.toml" in found.text
    plan = make_course(day(0), day(42), treatments=(Treatment(at=TREATED_AT),))
    assert not any(f.kind == "no_course" for f in told(plan, []))


def test_a_pair_that_is_filed_twice_is_told_once(make_plan, make_face):
    _, comparison = compare_pair(
        [make_face("one")], [make_face("two")], against="baseline", plan=make_plan(), settings=Settings()
    )
    bad = replace(comparison, grade="F", reasons=("the head is turned",), view="left_oblique")
    filed = [bad, replace(bad, against="previous"), replace(bad, against="maintenance")]
    (found,) = [f for f in find_findings(make_plan(), [], filed) if f.kind == "not_comparable"]
    assert found.text == "one and two (left oblique view) cannot be compared: the head is turned"
