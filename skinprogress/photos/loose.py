"""Single photos, named by the user one by one."""

import errno
import hashlib
import os
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from skinprogress.errors import PhotoError, UsageError
from skinprogress.photos.reading import read_header
from skinprogress.photos.scan import COURSE_FILE, one_line
from skinprogress.records import PhotoRef

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
    """Loose photos with the dates that their cameras wrote into them, which are then what their sessions are called.

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
    dated = []
    for ref in refs:
        try:
            dated.append(replace(ref, taken_at=read_header(ref.path).taken_at))
        except PhotoError:
            dated.append(ref)  # what is wrong with it is told when it is decoded
    known = [ref for ref in dated if ref.taken_at is not None]
    for earlier, later in pairwise(known):
        if earlier.taken_at and later.taken_at and later.taken_at < earlier.taken_at:
            raise UsageError(
                f"{one_line(later.file)} was taken before {one_line(earlier.file)}, by the dates in both files",
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
            label = label if dated in labels else dated
        labels.append(label)
    return labels


def find_client_folder(path: Path) -> Path | None:
    """The folder with a course file that a photo lies in, up to three levels up; links are followed."""
    folders = Path(os.path.realpath(path)).parents[:_FOLDERS_UP]
    return next((folder for folder in folders if os.path.lexists(folder / COURSE_FILE)), None)


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
