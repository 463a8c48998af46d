"""Whether a client's results are those that another run would leave: told by names, sizes and times, no file opened."""

import contextlib
import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from skinprogress.batch.placing import store_folder, sync
from skinprogress.batch.records import ClientSummary, ClientTask
from skinprogress.outputs.files import write_whole
from skinprogress.photos.scan import COURSE_FILE
from skinprogress.records import Consent, Rejection
from skinprogress.store import digest, made_with

_FILE = "done.json"
_FORMAT = 1
# A file that changes twice within one tick of its file system's clock looks the same after both: FAT and HFS+ count
# whole seconds, others at least hundredths.
_COARSE_TICK_NS = 2_000_000_000
_FINE_TICK_NS = 50_000_000
_SECOND_NS = 1_000_000_000
_FOLDERS_UP = 2
_NOT_CODE = frozenset((".pyc", ".db"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What everything that decides on a client's results looked like.

    Attributes
    ----------
    digest : str
    settled_ns : int
        Time since the epoch, ns, from which on no change can go unseen any more: before it, a file could be written to
        once more within the same tick of its clock.
    """

    digest: str
    settled_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was noted when a client was through.

    Attributes
    ----------
    fingerprint : str
        Empty where the client has to be looked at again whatever its folder looks like.
    outputs : dict of str to (size, mtime_ns)
        By path relative to the output folder, with ``/``.
    ruled_on, given, until : date or None
        The day on which it was decided whether pictures may be shown, and the days that the decision depends on.
    """

    fingerprint: str
    summary: ClientSummary
    outputs: dict[str, tuple[int, int]]
    ruled_on: date | None = None
    given: date | None = None
    until: date | None = None

    def holds_on(self, today: date) -> bool:
        """Whether what was decided about consent is still so on a day."""
        then = self.ruled_on or today
        begun = self.given is None or (self.given > then) == (self.given > today)
        ended = self.until is None or (self.until < then) == (self.until < today)
        return begun and ended

    def files_in(self, folder: Path, *, out: Path) -> set[str]:
        """Of the files that were noted, those in a folder, relative to it."""
        paths = [out / name for name in self.outputs]
        return {path.relative_to(folder).as_posix() for path in paths if path.is_relative_to(folder)}


def find_done(task: ClientTask) -> ClientSummary | None:
    """What became of a client the last time, if another run would find nothing else.

    Parameters
    ----------
    task : ClientTask

    Returns
    -------
    ClientSummary or None
        None where anything differs: a file in the client's folder or a course file above it, the sheet, settings or
        options, the program or its libraries, what the consent allows today, or a file of the results, by size and
        times. No photo is opened.
    """
    done = read_done(store_folder(task.out, task.client.id))
    if done is None or not done.holds_on(date.today()) or not _are_there(task.out, done.outputs):
        return None
    return done.summary if done.fingerprint == take_fingerprint(task).digest else None


def settle(task: ClientTask) -> Fingerprint:
    """Take a fingerprint, once the clocks have moved on since the last change in the folder; two seconds at most.

    Returns
    -------
    Fingerprint
        Still not settled where a clock is ahead of ours.
    """
    fingerprint = take_fingerprint(task)
    wait_ns = fingerprint.settled_ns - time.time_ns()
    if not 0 < wait_ns <= _COARSE_TICK_NS:
        return fingerprint
    time.sleep(wait_ns / _SECOND_NS)
    return take_fingerprint(task)


def is_settled(fingerprint: Fingerprint) -> bool:
    """Whether every change from now on will be seen."""
    return fingerprint.settled_ns <= time.time_ns()


def take_fingerprint(task: ClientTask) -> Fingerprint:
    """Look at everything that decides on a client's results, from outside."""
    folder, options = task.client.path, task.options
    entries = [*_entries(folder), *_course_files_above(folder)]
    course = task.client.course
    parts = (
        _FORMAT,
        made_with(),
        drawn_with(),
        os.path.abspath(task.out),  # noqa: PTH100 - recipes lead from here to the photos; links stay
        os.path.abspath(folder),  # noqa: PTH100
        task.client.id,
        task.label,
        repr([entry.facts for entry in entries]),
        repr(course),
        options.settings.hash,
        options.output,
        (options.pseudonyms, options.thumbnails, options.photo_limit_s),
    )
    return Fingerprint(digest=digest(*parts), settled_ns=max((entry.settled_ns for entry in entries), default=0))


def read_done(store: Path) -> Done | None:
    """What was noted about a client; None where nothing is, or not whole.

    Parameters
    ----------
    store : Path
        The client's store folder.
    """
    try:
        noted = json.loads((store / _FILE).read_bytes())
        if noted.pop("format") != _FORMAT:
            return None
        days = {name: noted[name] and date.fromisoformat(noted[name]) for name in ("ruled_on", "given", "until")}
        outputs = {name: (int(size), int(mtime)) for name, (size, mtime) in noted["outputs"].items()}
        return Done(**noted | days | {"outputs": outputs, "summary": _to_summary(noted["summary"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_done(
    task: ClientTask,
    fingerprint: str,
    summary: ClientSummary,
    *,
    outputs: Iterable[Path],
    consent: Consent | None = None,
    ruled_on: date | None = None,
) -> None:
    """Note that a client is through; the note is on the disk when this returns, and is the last thing to be written.

    Parameters
    ----------
    task : ClientTask
    fingerprint : str
        Taken before the first file was read.
    summary : ClientSummary
    outputs : iterable of Path
        Files in ``task.out`` that belong to the client.
    consent : Consent, optional
    ruled_on : date, optional
        When the consent was looked at.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    noted = {
        "format": _FORMAT,
        "fingerprint": fingerprint,
        "summary": asdict(summary),
        "outputs": {path.relative_to(task.out).as_posix(): _size_and_time(path) for path in outputs},
        "ruled_on": ruled_on and ruled_on.isoformat(),
        "given": consent and consent.given and consent.given.isoformat(),
        "until": consent and consent.until and consent.until.isoformat(),
    }
    sync(write_whole(store_folder(task.out, task.client.id) / _FILE, json.dumps(noted)))


@lru_cache(maxsize=1)
def drawn_with() -> str:
    """Hash of what results are drawn with: templates, styles, and the versions of all libraries in use."""
    package = Path(__file__).parents[1]
    parts = []
    for path in sorted(package.joinpath("outputs").rglob("*")) + sorted(package.joinpath("batch").rglob("*")):
        if path.is_file() and path.suffix not in _NOT_CODE:
            parts.append((path.name, hashlib.sha256(path.read_bytes()).hexdigest()))
    for requirement in requires("skinprogress") or ():
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        with contextlib.suppress(PackageNotFoundError):
            parts.append((name, version(name)))
    return digest(parts)


@dataclass(frozen=True, slots=True)
class _Entry:
    facts: tuple[str | int, ...]
    settled_ns: int


def _entries(root: Path) -> Iterator[_Entry]:
    """Everything in a folder, in links to folders too, in an order of its own that is always the same."""
    queue, seen = [(os.fspath(root), "")], set[tuple[int, int]]()
    while queue:
        folder, before = queue.pop()
        try:
            here = os.stat(folder)  # noqa: PTH116 - a Path for every file of a clinic takes its time
            if (here.st_dev, here.st_ino) in seen:
                continue
            seen.add((here.st_dev, here.st_ino))
            with os.scandir(folder) as listing:
                found = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield _Entry((before, "not opened", error.errno or 0), 0)
            continue
        for entry in found:
            name = f"{before}{entry.name}"
            yield from _looked_at(entry.path, name)
            with contextlib.suppress(OSError):
                if entry.is_dir():
                    queue.append((entry.path, f"{name}/"))


def _looked_at(path: str, name: str) -> Iterator[_Entry]:
    """A file or folder from outside; of a link, what it leads to as well."""
    try:
        status = os.lstat(path)
        yield _entry(name, status)
        # Rights can change with the account or on a server, and leave a file's own times as they are.
        yield _Entry((name, "may be read", os.access(path, os.R_OK)), 0)
        if stat.S_ISLNK(status.st_mode):
            yield _Entry((name, "leads to", os.readlink(path)), 0)  # noqa: PTH115
            yield _entry(name, os.stat(path))  # noqa: PTH116
            if not stat.S_ISDIR(os.stat(path).st_mode):  # noqa: PTH116
                yield from _course_files_above(Path(os.path.realpath(path)).parent, itself=True)
            else:
                yield from _course_files_above(Path(os.path.realpath(path)))
    except OSError as error:
        yield _Entry((name, "not looked at", error.errno or 0), 0)


def _entry(name: str, status: os.stat_result) -> _Entry:
    if stat.S_ISDIR(status.st_mode):
        return _Entry((name, "folder"), 0)  # its times tell of files that stand in the list themselves
    facts = (name, stat.S_IFMT(status.st_mode), status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    # Anybody may set an mtime; the ctime is the system's own. On Windows it is the time at which the file was made.
    changed_ns = status.st_mtime_ns if os.name == "nt" else status.st_ctime_ns
    tick_ns = _FINE_TICK_NS if changed_ns % _SECOND_NS else _COARSE_TICK_NS
    return _Entry(facts, changed_ns + tick_ns)


def _course_files_above(folder: Path, *, itself: bool = False) -> Iterator[_Entry]:
    """Course files further up, which may forbid to show the photos in a folder."""
    real = Path(os.path.realpath(folder))
    for above in (*([real] if itself else []), *real.parents[:_FOLDERS_UP]):
        with contextlib.suppress(OSError):
            for name in sorted(os.listdir(above)):  # noqa: PTH208 - names alone
                if name.lower() == COURSE_FILE:
                    yield _entry(os.path.join(above, name), os.stat(above / name))  # noqa: PTH116, PTH118


def _are_there(out: Path, outputs: dict[str, tuple[int, int]]) -> bool:
    try:
        return all(_size_and_time(os.path.join(out, name)) == known for name, known in outputs.items())  # noqa: PTH118
    except OSError:
        return False


def _size_and_time(path: str | Path) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116
    return status.st_size, status.st_mtime_ns


def _to_summary(noted: dict[str, Any]) -> ClientSummary:
    lists = {name: tuple(value) for name, value in noted.items() if isinstance(value, list)}
    return ClientSummary(**noted | lists | {"rejected": tuple(Rejection(**r) for r in noted["rejected"])})
