"""What stands in a picture so that nobody takes it at face value."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from skinprogress.outputs.composing.warnings import short_warnings
from skinprogress.records import ClientResult, Comparison, Course, Flag, Phase, Treatment


def _graded(
    result: ClientResult, grade: str, decisive: Flag, *, sharpness_ratio: float = 1.0
) -> tuple[ClientResult, Comparison]:
    """The result with one settled pair graded as told, and that pair."""
    calm = {s for s, p in result.plan.phases.items() if p.name in ("before", "settled")} - {
        *result.plan.covered_sessions
    }
    pair = next(c for c in result.comparisons if {c.from_session, c.to_session} <= calm and c.against == "baseline")
    pair = replace(
        pair, grade=grade, decisive=decisive, flags=decisive | Flag.POSE_DIFFERS, sharpness_ratio=sharpness_ratio
    )
    return replace(result, comparisons=(pair,)), pair


@pytest.mark.parametrize(
    ("grade", "decisive", "ratio", "told"),
    [
        ("B", Flag.NONE, 1.0, ()),
        ("C", Flag.LIGHT_DIFFERS, 1.0, ("different light",)),
        ("D", Flag.SHARPNESS_DIFFERS | Flag.EXPRESSION_DIFFERS, 0.6, ("other expression", "less sharp")),
        ("D", Flag.SHARPNESS_DIFFERS, 1.6, ("sharper",)),
        ("C", Flag.COLOR_NOT_MATCHED, 1.0, ("colour not matched",)),
        ("C", Flag.COLOR_NOT_MATCHED | Flag.POSE_DIFFERS, 1.0, ("face turned",)),
        ("F", Flag.LIGHT_DIFFERS | Flag.POSE_DIFFERS, 1.0, ("not comparable: different light, face turned",)),
        ("F", Flag.NONE, 1.0, ("not comparable",)),
    ],
)
def test_what_lowers_the_grade_is_named_and_nothing_else(
    fake_result: Callable[..., ClientResult], grade: str, decisive: Flag, ratio: float, told: tuple[str, ...]
) -> None:
    result, pair = _graded(fake_result(n_sessions=6), grade, decisive, sharpness_ratio=ratio)
    assert short_warnings(result, pair.view, pair.from_session, pair.to_session) == told


def test_days_after_a_treatment_and_cream_are_told_of_both_photos(fake_result: Callable[..., ClientResult]) -> None:
    result = fake_result(n_sessions=6)
    phases = {s: p for s, p in result.plan.phases.items() if p.name == "acute" and p.days_after is not None}
    acute = next(iter(phases))
    calm = next(s for s in result.sessions if result.plan.phases[s].name in ("before", "settled"))
    result = replace(result, comparisons=())
    (told,) = short_warnings(result, "front", calm, acute)
    assert told.endswith("after a treatment") and not told.startswith("before")
    assert short_warnings(result, "front", acute, calm) == (f"before: {told}",)
    assert short_warnings(result, "front", calm, calm) == ()
    covered = replace(result, plan=replace(result.plan, covered_sessions=(calm,)))
    assert short_warnings(covered, "front", calm, calm) == ("cream on the skin",)


def test_a_session_on_an_unknown_side_of_a_treatment_is_told(fake_result: Callable[..., ClientResult]) -> None:
    result = replace(fake_result(n_sessions=6), comparisons=())
    first, last = result.sessions[0], result.sessions[-1]
    phases = {
        first: Phase(session=first, days_after=None, treatment_number=None, name="before"),
        last: Phase(session=last, days_after=None, treatment_number=None, name="unknown"),
    }
    day = next(i.ref.taken_at for i in result.inspections.values() if i.ref.session == last)
    assert day is not None
    for days, told in ((0, "day of a treatment, time unknown"), (9, "time since a treatment unknown")):
        course = Course(treatments=(Treatment(at=day - timedelta(days=days)),))
        unknown = replace(result, plan=replace(result.plan, phases=phases, course=course))
        assert short_warnings(unknown, "front", first, last) == (told,)
        assert short_warnings(unknown, "front", last, first) == (f"before: {told}",)
    nothing_recorded = replace(result, plan=replace(result.plan, phases=phases, course=Course()))
    assert short_warnings(nothing_recorded, "front", first, last) == ()


def test_cream_is_told_once(fake_result: Callable[..., ClientResult]) -> None:
    result, pair = _graded(fake_result(n_sessions=6), "C", Flag.CREAM_DECLARED)
    result = replace(result, plan=replace(result.plan, covered_sessions=(pair.to_session,)))
    assert short_warnings(result, pair.view, pair.from_session, pair.to_session) == ("cream on the skin",)
