"""Days since a treatment, phases, and what clinics quote for them."""

from datetime import datetime
from pathlib import Path

import pytest

from skinprogress.comparison.course import find_baseline, phase_of, redness_status
from skinprogress.records import Course, PhotoRef, Treatment

COURSE = Course(treatments=(Treatment(at=datetime(2026, 3, 14, 15)), Treatment(at=datetime(2026, 4, 25, 15))))


def ref(session: str, *, hours: float | None = None, taken: datetime | None = None, stage: str = "") -> PhotoRef:
    return PhotoRef(
        path=Path("x.jpg"), file="x.jpg", client="c", session=session, hours_after=hours, taken_at=taken, stage=stage
    )


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


def test_before_the_first_treatment() -> None:
    assert phase_of("s", [ref("s", taken=datetime(2026, 3, 14, 9))], COURSE).name == "before"
    assert phase_of("s", [ref("s", stage="pre")], Course()).name == "before"


def test_without_course_and_names_the_phase_is_unknown() -> None:
    assert phase_of("s", [ref("s", taken=datetime(2026, 3, 14))], Course()).name == "unknown"


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


@pytest.mark.parametrize(
    ("region", "days", "interval", "status"),
    [
        ("cheek_left", 0.1, (3.0, 6.0), "within quoted range"),
        ("cheek_left", 4.0, (1.0, 3.0), "longer than quoted"),
        ("forehead", 4.0, (1.0, 3.0), "within quoted range"),  # over bone marks are quoted for 3–5 days
        ("forehead", 6.0, (1.0, 3.0), "longer than quoted"),
        ("cheek_left", 5.0, (-0.5, 1.0), "cannot say"),
        ("cheek_left", 5.0, (-2.0, -0.1), "within quoted range"),
        ("cheek_left", None, (1.0, 2.0), "cannot say"),
        ("cheek_left", 1.0, (float("nan"), float("nan")), "cannot say"),
    ],
)
def test_redness_status(region: str, days: float | None, interval: tuple[float, float], status: str) -> None:
    assert redness_status(region, days, *interval) == status
