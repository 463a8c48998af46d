"""Single photos, named by the user one by one."""

import errno
import hashlib
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, time
from functools import cache
from itertools import pairwise
from pathlib import Path

from skinprogress.errors import PhotoError, UsageError
from skinprogress.photos.course import read_course
from skinprogress.photos.dates import find_date
from skinprogress.photos.reading import read_header
from skinprogress.photos.scan import find_course_file, one_line
from skinprogress.records import Consent, Flag, PhotoRef

# A client's folder holds sessions, and those sometimes views: no course file is looked for further up.
_FOLDERS_UP = 3


def loose_refs(paths: Sequence[str | Path], *, client: str = "photos") -> list[PhotoRef]:
    """Photo references for single files, one session each, in the order given.

    Raises
    ------
    UsageError
        A file is missing, or is a folder. What cannot be opened is told, like every fault of a single photo, by
        whoever reads it.
    """
    files = [Path(path) for path in paths]
    alike = Counter(path.name for path in files)
    refs = []
    for path in files:
        file = path.name if alike[path.name] == 1 else f"{path.absolute().parent.name}/{path.name}"
        refs.append(PhotoRef(path=path, file=file, client=client, session=file, sha256=_digest(path)))
    return refs


def dated_refs(refs: Sequence[PhotoRef]) -> list[PhotoRef]:
    """Loose photos with the dates that their cameras, else their names, give: their sessions are called by them.

    Parameters
    ----------
    refs : sequence of PhotoRef
        From :func:`loose_refs`, the earlier photo first. Two that are not
        both dated are called ``before`` and ``after``.

    Raises
    ------
    UsageError
        A photo was taken before the one that was named ahead of it: "before" and "after" would be exchanged.
    """
    dated = [_dated(ref) for ref in refs]
    known = [ref for ref in dated if ref.taken_at is not None]
    for earlier, later in pairwise(known):
        if _is_before(later, earlier):
            raise UsageError(
                f"{one_line(later.file)} was taken before {one_line(earlier.file)}, by the dates in both files or "
                "in their names",
                "name the earlier photo first; where a camera's clock was wrong, put the photos into a folder and "
                "write their times into its course.toml (`skinprogress init FOLDER` drafts it)",
            )
    first = known[0].taken_at if known else None
    return [
        replace(
            ref,
            session=session,
            day=(ref.taken_at - first).total_seconds() / 86400 if ref.taken_at and first else None,
        )
        for ref, session in zip(dated, _sessions(dated), strict=True)
    ]


def _dated(ref: PhotoRef) -> PhotoRef:
    try:
        if (taken_at := read_header(ref.path).taken_at) is not None:
            return replace(ref, taken_at=taken_at)
    except PhotoError:
        return ref  # what is wrong with it is told when it is decoded
    named = find_date(ref.path.stem)
    if named.day is None or named.other_day is not None:  # none, or one that can be read both ways
        return ref
    flags = ref.flags if named.at else ref.flags | Flag.TIME_UNKNOWN
    return replace(ref, taken_at=datetime.combine(named.day, named.at or time(0)), flags=flags)


def _is_before(one: PhotoRef, other: PhotoRef) -> bool:
    """Whether a photo was surely taken before another."""
    if one.taken_at is None or other.taken_at is None:
        return False
    if Flag.TIME_UNKNOWN in one.flags | other.flags:
        return one.taken_at.date() < other.taken_at.date()
    return one.taken_at < other.taken_at


def _sessions(refs: Sequence[PhotoRef]) -> list[str]:
    """Labels that tell the photos apart: the day, the time where days repeat, else the place in the row.

    Never the file's name: it may be the client's, and labels are seen by others.
    """
    if len(refs) == 2 and not all(ref.taken_at for ref in refs):
        return ["before", "after"]
    days = Counter(ref.taken_at.date() for ref in refs if ref.taken_at)
    labels: list[str] = []
    for k, ref in enumerate(refs):
        label = f"Photo {k + 1}" if k else "before"
        if ref.taken_at is not None:
            alone = days[ref.taken_at.date()] == 1
            dated = ref.taken_at.date().isoformat() if alone else ref.taken_at.isoformat(timespec="minutes")
            has_time = Flag.TIME_UNKNOWN not in ref.flags
            label = dated if dated not in labels and (alone or has_time) else label
        labels.append(label)
    return labels


def find_client_folder(path: Path, *, is_client: Callable[[Path], bool] | None = None) -> Path | None:
    """The folder with a course file that a photo lies in, up to three levels up; links are followed."""
    folders = Path(os.path.realpath(path)).parents[:_FOLDERS_UP]
    return next(filter(is_client or _holds_course, folders), None)


def _holds_course(folder: Path) -> bool:
    return find_course_file(folder) is not None


def find_consents(photos: Iterable[Path], *, besides: Path | None = None) -> list[Consent]:
    """What is recorded of consent to show photos, in whichever clients' folders they lie.

    A part of a client's folder, or a folder above it, or a link to it, is no way around its course file.

    Parameters
    ----------
    photos : iterable of Path
    besides : Path, optional
        A folder whose own course file has been read already.

    Raises
    ------
    CourseFileError
        A course file is not understood: it may say no.
    """
    # One photo of a folder stands for all: only their folders matter.
    one_each = {Path(os.path.realpath(photo)).parent: photo for photo in photos}
    # Above thousands of folders lies one and the same: it is looked through once.
    is_client = cache(_holds_course)
    folders = {find_client_folder(photo, is_client=is_client) for photo in one_each.values()}
    folders -= {None if besides is None else Path(os.path.realpath(besides))}
    courses = [read_course(folder) for folder in sorted(filter(None, folders))]
    return [course.to_course().consent for course in courses if course is not None]


def _digest(path: Path) -> str:
    """SHA-256 of a photo, empty where it cannot be read."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise UsageError(f"{one_line(str(path))} is a folder", "give photos, or one client folder alone")
        if not stat.S_ISREG(mode):  # a pipe or a device would wait, or go on, for ever
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP):
            return ""
        raise UsageError(
            f"there is no file {one_line(str(path))}", "check the spelling, and whether its drive is connected"
        ) from error
