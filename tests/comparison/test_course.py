"""Days since a treatment, phases, outcome, and what clinics quote for them."""

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from skinprogress.comparison.course import (
    in_maintenance,
    is_bare,
    is_calm,
    is_recent,
    last_treatment,
    phase_of,
    photo_phase,
    quoted_redness_days,
    redness_status,
)
from skinprogress.comparison.outcome import (
    Outcome,
    find_baseline,
    find_outcome,
    find_outcomes,
    maintenance_baseline,
    outcome_session,
)
from skinprogress.face.regions import REGIONS
from skinprogress.records import ClientPlan, Course, Flag, Phase, PhotoRef, Treatment

FIRST, SECOND = datetime(2026, 3, 14, 15), datetime(2026, 4, 25, 15)
COURSE = Course(treatments=(Treatment(at=FIRST), Treatment(at=SECOND)))
HOME = Treatment(at=FIRST, kind="dermaroller", setting="home", depth_mm={"face": 0.5})


def ref(
    session: str,
    *,
    hours: float | None = None,
    taken: datetime | None = None,
    stage: str = "",
    flags: Flag = Flag.NONE,
) -> PhotoRef:
    return PhotoRef(
        path=Path("x.jpg"),
        file="x.jpg",
        client="c",
        session=session,
        hours_after=hours,
        taken_at=taken,
        stage=stage,  # type: ignore[arg-type]
        flags=flags,
    )


def after(days: float, treatment: Treatment) -> Phase:
    taken = treatment.at + timedelta(days=days)
    return phase_of("s", [ref("s", hours=24 * days, taken=taken)], Course(treatments=(treatment,)))


def plan_of(course: Course, sessions: dict[str, PhotoRef], **changes: Any) -> ClientPlan:
    """A plan as the pipeline makes it of sessions with one photo each."""
    refs = {label: [photo] for label, photo in sessions.items()}
    phases = {label: phase_of(label, photos, course) for label, photos in refs.items()}
    plan = ClientPlan(
        client="c",
        sessions=tuple(sessions),
        view_of={},
        reference_of={},
        mm_per_px={},
        scale_relative_se=0.05,
        corrections={},
        canonical_px={},
        baseline=find_baseline(sessions, refs, phases),
        phases=phases,
        course=course,
        settings_hash="",
        flags={},
        covered_sessions=tuple(label for label, photo in sessions.items() if not is_bare(photo)),
    )
    return replace(plan, **changes)


def dated(course: Course, days: Iterable[float], *, start: datetime = FIRST) -> dict[str, PhotoRef]:
    """Photos so many days after the first treatment, with their hours counted from the last one before."""
    photos = {}
    for day in days:
        taken = start + timedelta(days=day)
        given = [t.at for t in course.treatments if t.at <= taken]
        hours = (taken - max(given)).total_seconds() / 3600 if given else None
        photos[f"day {day:g}"] = ref(f"day {day:g}", hours=hours, taken=taken)
    return photos


# ---- phases ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "name"),
    [
        (2, "acute"),
        (71, "acute"),
        (100, "peeling"),
        (24 * 8, "settling"),
        (24 * 20.9, "settling"),
        (24 * 42, "settled"),
    ],
)
def test_phases(hours: float, name: str) -> None:
    phase = phase_of("s", [ref("s", hours=hours, taken=datetime(2026, 3, 20))], COURSE)
    assert phase.name == name
    assert phase.days_after == pytest.approx(hours / 24)
    assert phase.treatment_number == 1
    assert (phase.redness_days, phase.bony_days) == (3.0, 5.0)


@pytest.mark.parametrize(
    ("days", "name"), [(0.5, "acute"), (1.5, "peeling"), (4.5, "peeling"), (5.5, "settling"), (21.5, "settled")]
)
def test_home_rolling_heals_sooner(days: float, name: str) -> None:
    phase = after(days, HOME)
    assert phase.name == name
    assert (phase.redness_days, phase.bony_days) == (1.0, 1.0)


@pytest.mark.parametrize(
    "treatment",
    [
        replace(HOME, depth_mm={}),  # not recorded: the clinic's figures
        replace(HOME, depth_mm={"face": 1.0}),
        replace(HOME, depth_mm={"forehead": 0.25, "cheek_left": 1.0}),
        replace(HOME, setting="clinic"),
    ],
)
def test_only_needles_of_home_length_used_at_home_heal_sooner(treatment: Treatment) -> None:
    phase = after(2.0, treatment)
    assert (phase.name, phase.redness_days) == ("acute", 3.0)


def test_full_effect_counts_in_whole_days() -> None:
    assert after(41.8, Treatment(at=FIRST)).full_effect
    assert not after(41.0, Treatment(at=FIRST)).full_effect


def test_the_freshest_photo_of_a_session_decides() -> None:
    photos = [ref("s", hours=80, taken=FIRST + timedelta(hours=80)), ref("s", hours=70)]
    assert phase_of("s", photos, COURSE).name == "acute"


def test_before_the_first_treatment() -> None:
    assert phase_of("s", [ref("s", taken=datetime(2026, 3, 14, 9))], COURSE).name == "before"
    assert phase_of("s", [ref("s", stage="pre")], Course()).name == "before"


def test_without_course_and_names_the_phase_is_unknown() -> None:
    phase = phase_of("s", [ref("s", taken=datetime(2026, 3, 14))], Course())
    assert phase.name == "unknown"
    assert math.isnan(phase.redness_days)


def test_on_the_day_of_a_treatment_nothing_is_guessed() -> None:
    midnight = ref("s", taken=datetime(2026, 3, 14), flags=Flag.TIME_UNKNOWN)
    assert phase_of("s", [midnight], COURSE).name == "unknown"
    noon = ref("s", taken=datetime(2026, 3, 14, 12))
    without_time = Course(treatments=(Treatment(at=datetime(2026, 3, 14)),))
    assert phase_of("s", [noon], without_time).name == "unknown"
    assert phase_of("s", [replace(midnight, stage="pre")], COURSE).name == "before"
    the_day_before = replace(midnight, taken_at=datetime(2026, 3, 13))
    assert phase_of("s", [the_day_before], COURSE).name == "before"


def test_hours_of_photos_without_a_time_count_from_the_right_treatment() -> None:
    same_day = ref("s", hours=2.0, taken=datetime(2026, 4, 25), flags=Flag.TIME_UNKNOWN)
    assert phase_of("s", [same_day], COURSE).treatment_number == 2
    before_it = ref("s", hours=24.0 * 42, taken=datetime(2026, 4, 25), flags=Flag.TIME_UNKNOWN)
    assert phase_of("s", [before_it], COURSE).treatment_number == 1
    only_named = ref("s", hours=48.0)
    assert phase_of("s", [only_named], COURSE).treatment_number is None
    assert phase_of("s", [only_named], COURSE).redness_days == 3.0


def test_a_photo_has_the_phase_of_its_own_hours() -> None:
    session = phase_of("s", [ref("s", hours=70)], COURSE)
    assert photo_phase(ref("s", hours=80), session, COURSE) == "peeling"
    assert photo_phase(ref("s"), session, COURSE) == "acute"
    assert photo_phase(ref("s", stage="pre"), None, COURSE) == "before"


# ---- what is quoted -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("treatment", "region", "days"),
    [
        (None, "cheek_left", 3.0),
        (None, "forehead", 5.0),
        (Treatment(at=FIRST, depth_mm={"face": 1.5}), "jaw_left", 5.0),
        (HOME, "forehead", 1.0),
        (replace(HOME, depth_mm={"forehead": 0.25, "cheek_left": 1.0}), "forehead", 1.0),
        (replace(HOME, depth_mm={"forehead": 0.25, "cheek_left": 1.0}), "cheek_left", 3.0),
        (replace(HOME, depth_mm={"forehead": 0.25, "cheek_left": 1.0}), "nose", 5.0),
        (replace(HOME, depth_mm={"forehead": 0.25, "cheek_left": 1.0}), "face", 3.0),
        (replace(HOME, areas=("forehead",)), "cheek_left", math.nan),
        (replace(HOME, areas=("forehead",)), "face", 1.0),  # where it was treated
        (replace(HOME, areas=("forehead",)), "scar on chin", 1.0),  # a mark: where it lies is not known here
        (replace(HOME, areas=("face",)), "cheek_left", 1.0),
        (Treatment(at=FIRST, kind="fractional RF microneedling"), "cheek_left", math.nan),
        (Treatment(at=FIRST, kind="chemical peel"), "cheek_left", math.nan),
        (Treatment(at=FIRST, kind="Microneedling with hyaluronic acid"), "cheek_left", 3.0),
    ],
)
def test_quoted_days_by_kind_depth_and_area(treatment: Treatment | None, region: str, days: float) -> None:
    assert quoted_redness_days(treatment, region) == pytest.approx(days, nan_ok=True)


@pytest.mark.parametrize(
    ("region", "days", "interval", "status"),
    [
        ("cheek_left", 0.1, (3.0, 6.0), "within quoted range"),
        ("cheek_left", 4.0, (1.0, 3.0), "longer than quoted"),
        ("forehead", 4.0, (1.0, 3.0), "within quoted range"),  # over bone marks are quoted for 3–5 days
        ("forehead", 6.0, (1.0, 3.0), "longer than quoted"),
        ("cheek_left", 5.0, (-0.5, 1.0), "cannot say"),
        ("cheek_left", 5.0, (-2.0, -0.1), "within quoted range"),
        ("cheek_left", 1.0, (float("nan"), float("nan")), "cannot say"),
    ],
)
def test_redness_status(region: str, days: float, interval: tuple[float, float], status: str) -> None:
    assert redness_status(after(days, Treatment(at=FIRST)), region, *interval) == status


def test_redness_status_goes_by_the_depth_in_the_region() -> None:
    treatment = replace(HOME, depth_mm={"forehead": 0.25, "cheek_left": 1.0})
    phase = after(2.0, treatment)
    assert redness_status(phase, "forehead", 1.0, 3.0) == "within quoted range"
    assert redness_status(phase, "forehead", 1.0, 3.0, treatment=treatment) == "longer than quoted"
    assert redness_status(phase, "cheek_left", 1.0, 3.0, treatment=treatment) == "within quoted range"


def test_nothing_is_said_where_nothing_is_quoted() -> None:
    unknown = phase_of("s", [ref("s")], Course())
    assert redness_status(unknown, "cheek_left", 1.0, 3.0) == "cannot say"
    assert redness_status(after(2.0, Treatment(at=FIRST, kind="laser")), "cheek_left", 1.0, 3.0) == "cannot say"
    treated = Treatment(at=FIRST, areas=("forehead",))
    assert redness_status(after(2.0, treated), "cheek_left", 1.0, 3.0, treatment=treated) == "cannot say"


# ---- baseline -------------------------------------------------------------------------------------------------------


def test_numbing_and_fresh_sessions_are_no_baseline() -> None:
    refs = {
        "a": [ref("a", stage="numbing", taken=datetime(2026, 3, 14, 14))],
        "b": [ref("b", hours=2, taken=datetime(2026, 3, 14, 17))],
        "c": [ref("c", hours=24 * 30, taken=datetime(2026, 4, 13))],
    }
    phases = {s: phase_of(s, r, COURSE) for s, r in refs.items()}
    assert find_baseline(list(refs), refs, phases) == "c"
    only_recent = {"b": refs["b"]}
    assert find_baseline(["b"], only_recent, phases) == "b"
    assert find_baseline(["a"], {"a": refs["a"]}, phases) is None


def test_declared_cream_is_no_baseline() -> None:
    photos = {"a": ref("a", stage="pre", flags=Flag.NOT_A_BASELINE), "b": ref("b", stage="pre")}
    assert plan_of(Course(), photos).baseline == "b"


def test_a_settled_session_beats_one_that_may_be_just_treated() -> None:
    may_be_after = ref("first", taken=datetime(2026, 3, 14), flags=Flag.TIME_UNKNOWN)
    photos = {"first": may_be_after} | dated(COURSE, [10, 30, 70])
    assert plan_of(COURSE, photos).baseline == "day 30"
    # As the only result it stays one.
    photos = {"first": may_be_after} | dated(COURSE, [70])
    plan = plan_of(COURSE, photos)
    assert plan.baseline == "first"
    assert find_outcome(plan) == Outcome("first", "day 70", "baseline", "unknown", "course")


# ---- outcome --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "to_session", "kind"),
    [
        ([-1, 0.1, 7, 30, 41.9, 43], "day 41.9", "settled"),
        ([-1, 30, 80], "day 80", "settled"),
        ([30, 41, 80], "day 80", "settled"),
        ([-1, 0.1, 2, 7], "day 7", "early"),
        ([-1, 6, 7.5, 20], "day 20", "early"),
        ([-1, 0.1, 2], "day 2", "too soon"),
        ([10, 30, 80], "day 80", "settled"),
    ],
)
def test_outcome_of_a_course(days: list[float], to_session: str, kind: str) -> None:
    plan = plan_of(COURSE, dated(COURSE, days))
    outcome = find_outcome(plan)
    assert outcome is not None
    assert (outcome.from_session, outcome.to_session, outcome.kind) == (plan.baseline, to_session, kind)
    assert outcome_session(plan) == (None if kind == "too soon" else to_session)


def test_nothing_to_compare() -> None:
    assert find_outcome(plan_of(COURSE, dated(COURSE, [-1]))) is None
    assert find_outcome(plan_of(COURSE, dated(COURSE, [-9, -1]))) is None  # two photos before any treatment
    assert find_outcomes(plan_of(COURSE, {"a": ref("a", stage="numbing")})) == ()


def test_a_biweekly_course_never_settles() -> None:
    course = Course(treatments=tuple(Treatment(at=FIRST + timedelta(days=14 * n)) for n in range(4)))
    plan = plan_of(course, dated(course, [-1, 13.9, 27.8, 41.7, 49]))
    # Day 49 lies 7 days after a treatment, the others nearly 14: the last of those counts.
    assert find_outcome(plan) == Outcome("day -1", "day 41.7", "baseline", "most settled", "course")


def test_weekly_home_rolling_never_settles() -> None:
    course = Course(treatments=tuple(replace(HOME, at=FIRST + timedelta(days=7 * n)) for n in range(6)))
    plan = plan_of(course, dated(course, [-1, 6.9, 13.5, 20.8, 34.6, 35.5]))
    assert find_outcome(plan) == Outcome("day -1", "day 34.6", "baseline", "most settled", "course")


def test_rolling_every_other_day_has_an_outcome_once_the_redness_is_over() -> None:
    course = Course(treatments=tuple(replace(HOME, at=FIRST + timedelta(days=2 * n)) for n in range(20)))
    outcome = find_outcome(plan_of(course, dated(course, [-1, 31.8, 32.5])))
    assert outcome == Outcome("day -1", "day 31.8", "baseline", "most settled", "course")
    outcome = find_outcome(plan_of(course, dated(course, [-1, 32.5])))
    assert outcome is not None
    assert outcome.kind == "too soon"


def test_cream_is_never_an_outcome() -> None:
    photos = dated(COURSE, [-1, 30, 40])
    photos["day 40"] = replace(photos["day 40"], stage="after cream")
    assert outcome_session(plan_of(COURSE, photos)) == "day 30"


def test_dates_alone_still_give_an_outcome() -> None:
    photos = {f"{m}": ref(f"{m}", taken=datetime(2026, m, 1)) for m in (1, 2, 3)}
    assert find_outcome(plan_of(Course(), photos)) == Outcome("1", "3", "baseline", "unknown", "course")
    named = {"before": ref("before", stage="pre"), "day 7": ref("day 7", hours=168.0)}
    outcome = find_outcome(plan_of(Course(), named))
    assert outcome is not None
    assert outcome.kind == "early"


# ---- maintenance ----------------------------------------------------------------------------------------------------

MAINTAINED = Course(
    treatments=(
        Treatment(at=FIRST),
        Treatment(at=SECOND),
        *(Treatment(at=FIRST + timedelta(days=days), setting="maintenance") for days in (200, 320)),
    )
)


def test_maintenance_is_a_segment_of_its_own() -> None:
    plan = plan_of(MAINTAINED, dated(MAINTAINED, [-1, 30, 90, 199, 202, 230, 350]))
    assert find_outcomes(plan) == (
        Outcome("day -1", "day 199", "baseline", "settled", "course"),
        Outcome("day 199", "day 350", "maintenance", "settled", "maintenance"),
    )
    assert maintenance_baseline(plan) == "day 199"
    assert [s for s in plan.sessions if in_maintenance(plan, s)] == ["day 202", "day 230", "day 350"]
    assert is_recent(plan, "day 202")
    treatment = last_treatment(plan, "day 230")
    assert treatment is not None
    assert treatment.setting == "maintenance"


def test_maintenance_needs_a_settled_session_before_it() -> None:
    # Day 50 is 8 days after the second treatment; day -1 would count the course as the work of maintenance.
    plan = plan_of(MAINTAINED, dated(MAINTAINED, [-1, 50, 230]))
    assert maintenance_baseline(plan) is None
    assert [outcome.segment for outcome in find_outcomes(plan)] == ["course"]
    assert maintenance_baseline(plan_of(COURSE, dated(COURSE, [-1, 90]))) is None


def test_maintenance_after_a_course_given_elsewhere() -> None:
    course = Course(treatments=(Treatment(at=FIRST, setting="maintenance"),))
    plan = plan_of(course, dated(course, [-1, 30]))
    assert find_outcomes(plan) == (Outcome("day -1", "day 30", "maintenance", "settled", "maintenance"),)
    assert outcome_session(plan) is None


@pytest.mark.parametrize(("areas", "days"), [((), None), (("face",), None), (("face", "neck"), 3.0)])
def test_all_of_the_face_is_not_the_neck(areas: tuple[str, ...], days: float | None) -> None:
    found = quoted_redness_days(Treatment(at=datetime(2026, 3, 14), areas=areas), "neck")
    assert found == days if days else math.isnan(found)


def test_a_session_that_may_lie_right_after_a_treatment_is_not_calm() -> None:
    plan = plan_of(COURSE, dated(COURSE, [-1, 30]))
    assert is_calm(plan, "day -1") and is_calm(plan, "day 30")
    unknown = Phase(session="day 30", days_after=None, treatment_number=None, name="unknown")
    plan = replace(plan, phases={**plan.phases, "day 30": unknown})
    assert not is_calm(plan, "day 30")
    # Of a client without recorded treatments nothing else is known either.
    assert is_calm(replace(plan, course=Course()), "day 30")


@pytest.mark.parametrize(
    ("areas", "quoted"),
    [((), True), (("face",), True), (("cheek_left",), False), (tuple(r for r in REGIONS if r != "face")[:8], True)],
)
def test_the_whole_face_was_treated_where_most_of_it_was(areas: tuple[str, ...], quoted: bool) -> None:
    treatment = Treatment(at=FIRST, areas=areas)
    phase = Phase(session="s", days_after=1.0, treatment_number=1, name="acute", redness_days=3.0, bony_days=5.0)
    status = redness_status(phase, "face", 2.0, 4.0, treatment=treatment)
    assert status == ("within quoted range" if quoted else "cannot say")
