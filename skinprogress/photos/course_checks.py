"""What is right line by line in ``course.toml`` and cannot be true together, and what is odd but possible."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from skinprogress.photos.course_errors import Problem
from skinprogress.photos.course_schema import REGION_NAMES, MarkEntry, PhotoEntry, TreatmentEntry
from skinprogress.photos.moments import Moment, as_moment

if TYPE_CHECKING:
    from skinprogress.photos.course import CourseFile

_DIRECTLY_AFTER_LIMIT = timedelta(hours=24)
_ON_THE_FACE = frozenset(REGION_NAMES) - {"face", "neck"}


def find_contradictions(course: "CourseFile") -> list[Problem]:
    """What is right line by line and cannot be true together."""
    problems = [*_treatment_contradictions(course), *_early_maintenance(course), *_area_contradictions(course)]
    given, until = course.consent.given, course.consent.until
    if given and until and until < given:
        reason = f"consent until {until} ends before it was given ({given})"
        problems.append(Problem(("consent", "until"), reason, "put the dates in order"))
    problems += [*_mark_contradictions(course), *_point_contradictions(course)]
    for name, photo in course.photos.items():
        if problem := _stage_contradiction(name, photo, course.treatment_times()):
            problems.append(problem)
    return problems


def find_course_notes(course: "CourseFile") -> list[str]:
    """What is odd in a course file and may still be right, as sentences for the report."""
    planned = course.course.planned
    given = [entry for entry in course.treatments if entry.setting != "maintenance"]
    highest = max([0, *(entry.number or 0 for entry in given)])
    if planned is None or max(len(given), highest) <= planned:
        return []
    records = f"{len(given)} that are not maintenance" if len(given) > planned else f"one with number = {highest}"
    return [
        f"course.toml plans {planned} treatments and records {records}: if the course was made longer, correct "
        'planned; what only keeps up the result has setting = "maintenance"'
    ]


def _early_maintenance(course: "CourseFile") -> Iterator[Problem]:
    """Maintenance keeps up what a course has brought, so it cannot come before it."""
    starts = [as_moment(entry.at) for entry in course.treatments if entry.setting != "maintenance"]
    if not starts:
        return
    first = min(starts, key=lambda moment: moment.at)
    for index, entry in enumerate(course.treatments):
        here = as_moment(entry.at)
        if entry.setting == "maintenance" and here.at < first.at:
            reason = f"maintenance on {here} comes before the first treatment of the course ({first})"
            remedy = 'correct the date, write setting = "clinic" or "home", or add the treatments that came before it'
            yield Problem(("treatments", index, "setting"), reason, remedy)


def _area_contradictions(course: "CourseFile") -> Iterator[Problem]:
    """Depths where nothing was treated, and an untreated reference that was treated."""
    reference = course.course.reference_region
    for index, entry in enumerate(course.treatments):
        outside = [name for name in entry.depth_mm if name != "face" and not _is_treated(entry, name)]
        if entry.areas and outside:
            reason = f"it gives a depth for {outside[0]!r}, which is not among the areas of this treatment"
            yield Problem(("treatments", index, "depth_mm"), reason, "add it to areas, or take its depth out")
        if reference is None or not (_is_treated(entry, reference) or reference in entry.depth_mm):
            continue
        if reference in {*entry.areas, *entry.depth_mm}:
            reason = f"{reference!r} was treated, so it cannot be the untreated reference_region"
            key = "areas" if reference in entry.areas else "depth_mm"
            yield Problem(("treatments", index, key), reason, "name another reference_region")
            continue
        what = 'areas = ["face"] is' if entry.areas else "a treatment without areas means"
        reason = f"{reference!r} is said to be untreated, and {what} the whole face (treatments[{index + 1}])"
        remedy = 'list the areas that were treated in every treatment, or write reference_region = "neck"'
        yield Problem(("course", "reference_region"), reason, remedy)
        return


def _is_treated(entry: TreatmentEntry, region: str) -> bool:
    return region in entry.areas or ((not entry.areas or "face" in entry.areas) and region in _ON_THE_FACE)


def _mark_contradictions(course: "CourseFile") -> Iterator[Problem]:
    first: dict[str, MarkEntry] = {}
    for index, mark in enumerate(course.marks):
        photo = course.photos.get(mark.photo)
        if photo and photo.exclude:
            reason = f"the mark {mark.name!r} is outlined in {mark.photo!r}, which is left out (exclude = true)"
            yield Problem(("marks", index, "photo"), reason, "outline it in another photo, or take exclude away")
        other = first.setdefault(mark.name.casefold(), mark)
        if other is mark:
            continue
        key, reason = ("marks", index, "name"), f"the mark {mark.name!r} is outlined twice"
        if other.photo == mark.photo:
            yield Problem(key, f"{reason} in the photo {mark.photo!r}", "take one out, or give it another name")
            continue
        remedy = "outline it in one photo, it is found in the others by itself; or give this one another name"
        yield Problem(key, f"{reason}, in {other.photo!r} and {mark.photo!r}", remedy)


def _point_contradictions(course: "CourseFile") -> Iterator[Problem]:
    """Photos with points are laid over each other: all need the same points."""
    placed = [(name, photo) for name, photo in course.photos.items() if photo.points and not photo.exclude]
    for name, photo in placed[1:]:
        count, wanted = len(photo.points), len(placed[0][1].points)
        if count != wanted:
            reason = f"it has {count} points, and {placed[0][0]!r} has {wanted}"
            remedy = "set the same places in the same order in both; photos of another place of the body go into a "
            yield Problem(("photos", name, "points"), reason, remedy + "client folder of their own")


def _treatment_contradictions(course: "CourseFile") -> list[Problem]:
    problems: list[Problem] = []
    entries = list(enumerate(course.treatments))
    for position, (index, entry) in enumerate(entries):
        here = as_moment(entry.at)
        for earlier, other in entries[:position]:
            there = as_moment(other.at)
            where = f"treatments[{earlier + 1}]"
            if entry.number is not None and entry.number == other.number:
                reason = f"number {entry.number} is also that of {where}"
                problems.append(Problem(("treatments", index, "number"), reason, "give each treatment its own number"))
            if here == there:
                reason = f"{here} is also the time of {where}"
                remedy = "keep one of them, with the areas and depths of both, or correct its date"
                problems.append(Problem(("treatments", index, "at"), reason, remedy))
            elif here.at.date() == there.at.date() and not (here.time_known and there.time_known):
                reason = f"two treatments on {here.at.date()} and one of them ({where} or this one) has no time"
                problems.append(Problem(("treatments", index, "at"), reason, "give both a time, such as T15:30"))
            elif (
                entry.number is not None
                and other.number is not None
                and entry.number != other.number
                and (entry.number > other.number) != (here.at > there.at)
            ):
                reason = f"number {entry.number} at {here} does not fit {where}: number {other.number} at "
                problems.append(
                    Problem(("treatments", index, "number"), f"{reason}{there}", "number them in order of time")
                )
    return problems


def _stage_contradiction(name: str, photo: PhotoEntry, treatments: tuple[Moment, ...]) -> Problem | None:
    """A stage that the photo's own ``at`` and the treatments rule out."""
    if photo.stage is None or photo.at is None or not treatments:
        return None
    if photo.stage == "directly after" and not any(_is_soon_after(as_moment(photo.at), t) for t in treatments):
        reason = f"no treatment is recorded in the 24 hours before the photo ({as_moment(photo.at)})"
        return Problem(("photos", name, "stage"), reason, "correct stage or at, or add the treatment")
    if not isinstance(photo.at, datetime):
        return None
    at = photo.at
    before = [moment for moment in treatments if moment.time_known and moment.at <= at]
    later_today = any(moment.at.date() == at.date() and moment not in before for moment in treatments)
    if photo.stage in ("pre", "numbing") and before and before[-1].at.date() == at.date() and not later_today:
        reason = f"{photo.stage!r} comes before a treatment, and the photo ({as_moment(at)}) was taken after "
        return Problem(("photos", name, "stage"), reason + f"that of {before[-1]}", "correct stage or at")
    return None


def _is_soon_after(photo: Moment, treatment: Moment) -> bool:
    if photo.time_known and treatment.time_known:
        return timedelta(0) <= photo.at - treatment.at <= _DIRECTLY_AFTER_LIMIT
    return 0 <= (photo.at.date() - treatment.at.date()).days <= 1
