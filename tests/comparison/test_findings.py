"""Sentences with figures: what can be said at least, and that it is what the interval says."""

import math
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skinprogress.comparison.findings import VISIBLE_REDNESS, find_findings
from skinprogress.comparison.pairs import compare_pair
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
def px_metrics(monkeypatch):
    for name in [m.name for m in METRICS.values() if not m.local]:
        monkeypatch.delitem(METRICS, name)


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
