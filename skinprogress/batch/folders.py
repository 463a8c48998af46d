"""The folders below the clients' folder, and what their names say of them. No photo is opened."""

import contextlib
import os
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from skinprogress.batch.records import STORE
from skinprogress.errors import UsageError
from skinprogress.photos.clues import find_clues
from skinprogress.photos.dates import find_date, natural_key
from skinprogress.photos.scan import (
    PHOTO_SUFFIXES,
    RECIPE_SUFFIX,
    find_course_file,
    is_results_folder,
    one_line,
    printable,
    reason_by_name,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The visit that a name speaks of, as far as it does; everything may be absent."""

    day: date | None = None
    number: int | None = None
    days_after: float | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Folder:
    """A folder that was looked into, and what is known of it once those below it are known.

    Attributes
    ----------
    names : tuple of str
        Of the folders that lead to it, and its own.
    marked : bool
        It is a client's, by a course file in it or by the sheet.
    photos : list of str
        That lie directly in it, in natural order.
    below : list of Folder
        Once weighed, only those with photos, or marked.
    visit : Visit or None
        That its name speaks of; None too where more than one visit lies in it for sure.
    holds_client : bool
        It is a client's or holds one for sure.
    """

    path: Path
    names: tuple[str, ...]
    parent: "Folder | None" = None
    marked: bool = False
    photos: list[str] = field(default_factory=list)
    below: list["Folder"] = field(default_factory=list)
    visit: Visit | None = None
    holds_client: bool = False

    @property
    def id(self) -> str:
        """Path relative to the clients' folder, with ``/``."""
        return "/".join(self.names)

    @property
    def order(self) -> list[tuple[tuple[int, int, str], ...]]:
        """Sort key: natural order, folder by folder."""
        return [natural_key(name) for name in self.names]

    @property
    def is_client(self) -> bool:
        """Whether all of it is one client's, unless it lies in a client's folder."""
        if self.marked or any(folder.holds_client for folder in self.below):
            return self.marked
        return bool(self.photos) or self.is_made_of_visits

    @property
    def is_made_of_visits(self) -> bool:
        """Whether all its folders with photos are named like visits."""
        return bool(self.below) and all(folder.visit for folder in self.below)

    def weigh(self) -> None:
        """Find out what kind of folder this is; those below it have been weighed."""
        bearing = (folder for folder in self.below if folder.marked or folder.photos or folder.below)
        self.below = sorted(bearing, key=lambda folder: natural_key(folder.names[-1]))
        visit = visit_of(self.names[-1]) if self.names else None
        inner = {(folder.visit.day, folder.visit.number) for folder in self.below if folder.visit} - {(None, None)}
        # "Session 1" may hold all days up to the next session, a day no other days.
        of_visits = self.is_made_of_visits and len(inner) > 1 and (visit is None or visit.number is None)
        self.holds_client = self.marked or of_visits or any(folder.holds_client for folder in self.below)
        self.visit = None if self.holds_client else visit


def walk(root: Path, *, named: Collection[str], problems: dict[tuple[str, ...], str]) -> Iterator[Folder]:
    """Look into a folder and those below it.

    Parameters
    ----------
    root : Path
    named : collection of str
        Ids of clients, as :func:`same_name` writes them: what lies in their folders is not looked at.
    problems : dict
        Takes a sentence for every folder that was left out, by its names.

    Yields
    ------
    Folder
        `root` first, each before those below it; links last, so that a folder keeps its own place.

    Raises
    ------
    UsageError
        `root` cannot be read, or holds results.
    """
    top = Folder(path=root, names=())
    queue, links = [top], list[Folder]()
    # A link to a folder above the clients' would let in whatever lies beside them.
    seen = set(_identities(Path(os.path.realpath(root)).parents))
    while queue or links:
        folder = queue.pop() if queue else links.pop(0)
        try:
            here = folder.path.stat()
            if (here.st_dev, here.st_ino) in seen:
                problems[folder.names] = (
                    f"{one_line(folder.id)} leads to a folder that is read at another place, and was left out"
                )
                continue
            seen.add((here.st_dev, here.st_ino))
            folder.marked = find_course_file(folder.path) is not None or same_name(folder.id) in named
            # What lies in a client's folder is for whoever lists it.
            found = [] if folder.marked else _look_into(folder)
        except OSError as error:
            if folder is top:
                raise _not_opened(root, error) from error
            problems[folder.names] = (
                f"{one_line(folder.id)} cannot be opened ({error.strerror or error}), and was left out"
            )
            continue
        if found is None:
            if folder is top:
                reason = f"the folder {one_line(str(root))} holds results that this program made"
                raise UsageError(reason, "give the folder that holds one folder for each client")
            continue
        if folder.parent:
            folder.parent.below.append(folder)
        yield folder
        for path, is_link in found:
            inner = Folder(path=path, names=(*folder.names, printable(path.name)), parent=folder)
            (links if is_link else queue).append(inner)


def _look_into(folder: Folder) -> list[tuple[Path, bool]] | None:
    """Note a folder's photos and return the folders in it, and whether each is a link; None for one of results.

    A link that leads nowhere may be that of a client on a drive that is not connected, and is told.
    """
    with os.scandir(folder.path) as listing:
        entries = list(listing)
    beside = {entry.name for entry in entries}
    if STORE in beside or is_results_folder(folder.path, beside):
        return None
    found = []
    for entry in entries:
        if reason_by_name(entry.name, is_output=False):
            continue
        try:
            leads_nowhere = entry.is_symlink() and not os.path.exists(entry.path)  # noqa: PTH110 - or in a circle
            if leads_nowhere or entry.is_dir():
                found.append((Path(entry.path), entry.is_symlink()))
            elif _is_photo(entry.name, beside) and entry.is_file():
                folder.photos.append(printable(entry.name))
        except OSError:
            continue  # a link to what may not be looked at
    folder.photos.sort(key=natural_key)
    return found


def _is_photo(name: str, beside: set[str]) -> bool:
    """By its suffix, unless a recipe beside it says that it was made of photos."""
    return Path(name).suffix.lower() in PHOTO_SUFFIXES and f"{Path(name).stem}{RECIPE_SUFFIX}" not in beside


def visit_of(name: str) -> Visit | None:
    """What a name says about a visit; None where it says nothing."""
    day, clues = find_date(name).day, find_clues(name)
    visit = Visit(day=day, number=clues.visit, days_after=clues.day)
    return visit if visit != Visit() or clues.offset is not None else None


def _identities(folders: Iterable[Path]) -> Iterator[tuple[int, int]]:
    for folder in folders:
        with contextlib.suppress(OSError):
            status = folder.stat()
            yield status.st_dev, status.st_ino


def _not_opened(root: Path, error: OSError) -> UsageError:
    name = one_line(str(root))
    if isinstance(error, NotADirectoryError):
        return UsageError(f"{name} is a file, not a folder", "give the folder that holds one folder for each client")
    if isinstance(error, FileNotFoundError):
        return UsageError(f"the folder {name} does not exist", "check the spelling, and whether its drive is connected")
    reason = f"the folder {name} cannot be opened ({error.strerror or error})"
    return UsageError(reason, "allow reading in its properties, or give another folder")


def same_name(id_: str) -> str:
    """An id in the one way of writing it that is compared: systems keep ü as one sign or as two."""
    return unicodedata.normalize("NFC", id_)
