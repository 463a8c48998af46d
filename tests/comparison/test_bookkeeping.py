"""What is told about each photo in ``photos.csv``."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from skinprogress.comparison.bookkeeping import report_photos
from skinprogress.comparison.course import phase_of
from skinprogress.records import ClientPlan, Course, Phase, PhotoRef, Rejection, Treatment

COURSE = Course(treatments=(Treatment(at=datetime(2026, 3, 14, 15)),))


def photo(file: str, session: str, hours: float | None) -> PhotoRef:
    taken = datetime(2026, 3, 20)
    return PhotoRef(path=Path(file), file=file, client="c", session=session, taken_at=taken, hours_after=hours)


def plan_of(phases: dict[str, Phase]) -> ClientPlan:
    return ClientPlan(
        client="c",
        sessions=tuple(phases),
        view_of={},
        reference_of={},
        mm_per_px={},
        scale_relative_se=0.05,
        corrections={},
        canonical_px={},
        baseline=next(iter(phases), None),
        phases=phases,
        course=COURSE,
        settings_hash="",
        flags={},
    )


def test_each_photo_has_its_own_days_and_phase() -> None:
    refs = [photo("a.jpg", "s", 71.0), photo("b.jpg", "s", 73.0), photo("c.jpg", "s", None), photo("d.jpg", "t", 24.0)]
    plan = plan_of({"s": phase_of("s", refs[:3], COURSE)})
    rows = {row.file: row for row in report_photos(refs, [], plan, {}, {})}
    assert {file: row.phase for file, row in rows.items()} == {
        "a.jpg": "acute",
        "b.jpg": "peeling",  # its session is acute, by its freshest photo
        "c.jpg": "acute",
        "d.jpg": "acute",  # no photo of its session was used, so the plan does not know it
    }
    assert [row.days_after for row in rows.values()] == [71 / 24, 73 / 24, None, 1.0]


def test_a_file_that_is_no_photo_has_no_phase() -> None:
    broken = Rejection(file="x.jpg", session="s", code="unreadable", reason="it is broken", remedy="export it again")
    refs = [replace(photo("a.jpg", "s", None), taken_at=None)]
    plan = plan_of({})
    rows = report_photos(refs, [broken], plan, {}, {})
    assert [(row.file, row.phase) for row in rows] == [("a.jpg", "unknown"), ("x.jpg", None)]
