"""A client's folder: which photos it holds, when they were taken, and which visit each belongs to."""

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from skinprogress.errors import CourseFileError, NothingMeasuredError, UsageError
from skinprogress.photos.consents import strictest
from skinprogress.photos.course import CourseFile, PhotoEntry, check_places, read_course
from skinprogress.photos.course_checks import find_course_notes
from skinprogress.photos.course_names import match_names
from skinprogress.photos.dates import find_date, natural_key
from skinprogress.photos.dating import Shot, date_shots
from skinprogress.photos.loose import find_consents
from skinprogress.photos.scan import Found, Scan, one_line, original_stem, printable, scan_folder
from skinprogress.photos.sessions import Session, find_mixed, group_sessions
from skinprogress.photos.suggestions import nearest
from skinprogress.photos.timeline import (
    find_clock_contradictions,
    find_days,
    find_hours_after,
    find_stages,
    find_unplaced,
)
from skinprogress.records import Course, Flag, PhotoRef, Rejection, Stage
from skinprogress.settings import Settings
from skinprogress.store import Store

_EXCLUDED = "left out by course.toml (exclude = true)"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderListing:
    """What a client's folder holds.

    Attributes
    ----------
    client : str
        Label from the course file, else the name of the folder.
    photos : tuple of PhotoRef
        In order of time.
    rejected : tuple of Rejection
        Files that are or claim to be photos and cannot be used.
    skipped : tuple of (file, reason)
        Everything else in the folder, what was excluded among it.
    excluded : tuple of str
        Files that the course file leaves out.
    course : Course
        From the course file; its marks name photos by :attr:`PhotoRef.file`.
    notes : tuple of str
        Sentences for the report about what was assumed.
    """

    client: str
    photos: tuple[PhotoRef, ...]
    rejected: tuple[Rejection, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    excluded: tuple[str, ...] = ()
    course: Course = field(default_factory=Course)
    notes: tuple[str, ...] = ()


def list_folder(
    folder: Path, *, settings: Settings, course: CourseFile | None = None, store: Store | None = None
) -> FolderListing:
    """Read the course file of a client's folder, where there is one, and list the photos.

    Parameters
    ----------
    folder, settings, store
        As for :func:`list_photos`.
    course : CourseFile or None
        What a sheet of many clients says of this one; see :func:`skinprogress.photos.sheet.course_for`.

    Returns
    -------
    FolderListing

    Raises
    ------
    UsageError, NothingMeasuredError, AmbiguousDateError, CourseFileError
        As :func:`list_photos`; and where the course file is not understood.
    """
    # Not folder.is_dir(): a path that is too long or locked raises there, and is told in words by list_photos.
    own = read_course(folder) if os.path.isdir(folder) else None  # noqa: PTH112
    if course is None:
        return list_photos(folder, settings=settings, course=own, store=store)
    from skinprogress.photos.sheet import course_for

    course, notes = course_for(own, course)
    listing = list_photos(folder, settings=settings, course=course, store=store)
    return replace(listing, notes=(*listing.notes, *notes))


def list_photos(
    folder: Path, *, settings: Settings, course: CourseFile | None = None, store: Store | None = None
) -> FolderListing:
    """List the photos of one client, grouped into visits. No pixel is decoded.

    Parameters
    ----------
    folder : Path
        The client's folder, with a folder per session or flat.
    settings : Settings
        ``visit_gap_minutes`` and ``date_order`` are used.
    course : CourseFile or None
        Beats everything that is found out here.
    store : Store, optional
        Remembers what stands in files that have not changed.

    Returns
    -------
    FolderListing

    Raises
    ------
    UsageError
        `folder` does not exist, is a file, or cannot be opened.
    NothingMeasuredError
        It holds no photo that can be used.
    AmbiguousDateError
        A date in a name could be day first or month first, and ``settings.date_order`` does not say.
    CourseFileError
        The course file names a photo that is not there, or puts photos into one session that cannot be replicates.

    Notes
    -----
    A photo's day is that of its folder's name, else of the camera, else of the file's name; the time of day is that of
    the camera if it agrees on the day.
    """
    _check_folder(folder)
    scan = scan_folder(folder, store=store)
    entries, marks, notes = match_names(course, scan)
    if course:
        check_places(course, entries=entries, marks=marks, folder=folder)
    excluded = _exclude(scan, entries)
    shots, dating_notes = date_shots(_drop_copies(scan), entries=entries, date_order=settings.date_order)
    treatments = course.treatment_times() if course else ()
    sessions = group_sessions(shots, treatments=treatments, gap_minutes=settings.visit_gap_minutes)
    sessions = _drop_repeats(sessions, scan)
    if course and (mixed := find_mixed(sessions, treatments=treatments)):
        raise _mixed_sessions(course, mixed)
    if not sessions:
        raise _nothing(folder, scan, excluded)
    client = (course.client.label if course else None) or _name_of(folder)
    stages = find_stages(sessions, treatments=treatments)
    days = find_days(sessions, stages=stages)
    twice = _same_pictures(sessions)
    start_known = any(shot.clues.stage == "pre" or shot.clues.day == 0 for s in sessions for shot in s.shots)
    photos = []
    for session in sessions:
        for shot in session.shots:
            stage = stages[shot.found.file]
            hours = find_hours_after(shot, stage, treatments=treatments, start_known=start_known)
            ref = _to_ref(shot, client=client, session=session.label, stage=stage, hours_after=hours)
            flags = ref.flags | (Flag.SAME_PICTURE_TWICE if shot.found.sha256 in twice else Flag.NONE)
            photos.append(replace(ref, day=days[shot.found.file], flags=flags))
    notes += dating_notes + find_clock_contradictions(sessions, treatments=treatments) + list(twice.values())
    notes += find_unplaced(sessions, treatments=treatments) + _undated_notes(sessions) + _raw_notes(sessions)
    notes += find_course_notes(course) if course else []
    record = course.to_course() if course else Course()
    consents = [
        *([record.consent] if course else []),
        *find_consents((photo.path for photo in photos), besides=folder if course else None),
    ]
    record = replace(record, consent=strictest(consents))
    record = replace(record, marks=tuple(replace(m, photo=marks.get(m.photo, m.photo)) for m in record.marks))
    return FolderListing(
        client=client,
        photos=tuple(photos),
        rejected=tuple(_with_session(rejection, settings) for rejection in scan.rejected),
        skipped=tuple(sorted(scan.skipped, key=lambda item: natural_key(item[0]))),
        excluded=tuple(excluded),
        course=record,
        notes=tuple(notes),
    )


def _check_folder(folder: Path) -> None:
    name = one_line(str(folder))
    try:
        if folder.is_dir():
            next(folder.iterdir(), None)
            return
        is_there = folder.exists()
    except OSError as error:
        raise UsageError(
            f"the folder {name} cannot be opened ({error.strerror or error})",
            "allow reading in its properties, or copy the photos into a folder of your own",
        ) from error
    if is_there:
        raise UsageError(f"{name} is a file, not a folder", "give the folder that holds the client's photos")
    beside = folder.absolute().parent
    try:
        like = nearest(folder.name, [entry.name for entry in beside.iterdir() if entry.is_dir()])
    except OSError:
        like = None
    hint = f"did you mean {one_line(str(folder.parent / like))}? " if like else ""
    raise UsageError(
        f"the folder {name} does not exist", f"{hint}check the spelling, and whether its drive is connected"
    )


def _name_of(folder: Path) -> str:
    return printable(folder.resolve().name) or "client"


def _exclude(scan: Scan, entries: Mapping[str, PhotoEntry]) -> list[str]:
    out = {file for file, entry in entries.items() if entry.exclude}
    excluded = [found.file for found in scan.photos if found.file in out]
    excluded += [rejection.file for rejection in scan.rejected if rejection.file in out]
    scan.photos = [found for found in scan.photos if found.file not in out]
    scan.rejected = [rejection for rejection in scan.rejected if rejection.file not in out]
    scan.skipped += [(file, _EXCLUDED) for file in excluded]
    return excluded


def _drop_copies(scan: Scan) -> list[Found]:
    """Leave out what is named a copy of a file beside it and holds the same bytes."""
    originals = {(*found.shot, found.sha256): found for found in scan.photos}
    kept = []
    for found in scan.photos:
        stem = original_stem(found)
        original = originals.get((found.folders, stem, found.sha256)) if stem else None
        if original:
            scan.skipped.append((found.file, f"a copy of {one_line(original.file)}"))
        else:
            kept.append(found)
    return kept


def _drop_repeats(sessions: list[Session], scan: Scan) -> list[Session]:
    """The same picture twice in a session is no replicate: the first is kept."""
    result = []
    for session in sessions:
        first: dict[str, Shot] = {}
        for shot in session.shots:
            kept = first.setdefault(shot.found.sha256, shot)
            if kept is not shot:
                scan.skipped.append((shot.found.file, f"the same picture as {one_line(kept.found.file)}"))
        result.append(replace(session, shots=tuple(first.values())))
    return result


def _mixed_sessions(course: CourseFile, mixed: list[tuple[Shot, str]]) -> CourseFileError:
    written = {id(entry): name for name, entry in course.photos.items()}
    remedy = "give them different sessions: the photos of one session are averaged"
    return course.error(*((("photos", written[id(shot.entry)], "session"), reason, remedy) for shot, reason in mixed))


def _same_pictures(sessions: list[Session]) -> dict[str, str]:
    """A note for each picture that stands in several sessions, by SHA-256."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for session in sessions:
        for shot in session.shots:
            places[shot.found.sha256].append(one_line(shot.found.file))
    text = "{} are the same picture in different sessions: one of them is not what its session says"
    return {sha: text.format(" and ".join(files)) for sha, files in places.items() if len(files) > 1}


def _undated_notes(sessions: list[Session]) -> list[str]:
    shots = [shot for session in sessions for shot in session.shots]
    undated = sum(shot.day is None for shot in shots)
    if not undated:
        return []
    if undated == len(shots):
        return ["no photo has a date: sessions are in the order of their names; write dates into course.toml if known"]
    photos = "1 photo has" if undated == 1 else f"{undated} photos have"
    return [f"{photos} no date and cannot be placed among the dated ones: write dates into course.toml"]


def _raw_notes(sessions: list[Session]) -> list[str]:
    kinds = [shot.found.kind == "RAW" for session in sessions for shot in session.shots]
    if all(kinds) or not any(kinds):
        return []
    return [
        f"{sum(kinds)} of {len(kinds)} photos are camera RAW and the others are not: cameras bend the tones of "
        "finished pictures, so colours of the two kinds compare less well; use one kind for the whole course"
    ]


def _to_ref(shot: Shot, *, client: str, session: str, stage: Stage, hours_after: float | None) -> PhotoRef:
    entry, flags = shot.entry, shot.flags
    declared = {
        Flag.MIRRORED: entry.mirrored,
        Flag.MAKEUP_DECLARED: entry.makeup,
        Flag.CREAM_DECLARED: entry.cream,
        Flag.FILTER_DECLARED: entry.filter,
        Flag.NOT_A_BASELINE: stage in ("numbing", "after cream") or entry.cream,
    }
    for flag, applies in declared.items():
        if applies:
            flags |= flag
    return PhotoRef(
        path=shot.found.path,
        file=shot.found.file,
        client=client,
        session=session,
        taken_at=shot.taken_at,
        stage=stage,
        hours_after=hours_after,
        view=entry.view,
        sha256=shot.found.sha256,
        mirrored=entry.mirrored,
        patch=entry.patch,
        patch_reflectance=entry.patch_reflectance,
        # People count from 1, indices from 0.
        face_index=None if entry.face is None else entry.face - 1,
        points_xy=entry.points,
        flags=flags,
    )


def _with_session(rejection: Rejection, settings: Settings) -> Rejection:
    """Name the session of a file that was never opened: the date of its folder or name, else its folder."""
    folders, _, name = rejection.file.rpartition("/")
    for text in (*reversed(folders.split("/")), name):
        read = find_date(text, date_order=settings.date_order)
        if read.day and not read.other_day:
            return replace(rejection, session=read.day.isoformat())
    return replace(rejection, session=folders)


def _nothing(folder: Path, scan: Scan, excluded: list[str]) -> NothingMeasuredError:
    name = one_line(str(folder))
    if scan.rejected:
        first = scan.rejected[0]
        more = f" (and {len(scan.rejected) - 1} more like it)" if len(scan.rejected) > 1 else ""
        return NothingMeasuredError(f"no photo in {name} can be used: {first.reason}{more}", first.remedy)
    if excluded:
        return NothingMeasuredError(f"course.toml leaves out every photo in {name}", "take exclude = true off some")
    if scan.skipped:
        file, reason = scan.skipped[0]
        what = f"no photo among the {len(scan.skipped)} things in it (such as {one_line(file)}: {reason})"
    else:
        what = "it is empty"
    return NothingMeasuredError(
        f"the folder {name} holds no photo: {what}", "put JPEG, PNG, TIFF or HEIC photos into it"
    )
