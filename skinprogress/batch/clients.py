"""Which folders below the clients' folder are clients, told by names alone, and what could be meant otherwise."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from skinprogress.batch.folders import Folder, same_name, visit_of, walk
from skinprogress.batch.records import ClientFolder
from skinprogress.errors import UsageError
from skinprogress.photos.course import CourseFile
from skinprogress.photos.scan import COURSE_FILE, one_line
from skinprogress.photos.suggestions import did_you_mean

_YEAR_OR_MONTH = re.compile(r"(19|20)\d\d([-_. ]\d\d)?")
_PHOTOS_OF_A_VISIT = 5
_NAMED_AT_MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSearch:
    """What lies below a clients' folder.

    Attributes
    ----------
    clients : tuple of ClientFolder
        In natural order of their ids.
    notes : tuple of str
        What was left out, and what could be meant otherwise.
    strays : tuple of str
        Photos that lie in no client's folder, relative to the clients' folder with ``/``.
    """

    clients: tuple[ClientFolder, ...]
    notes: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()


def find_clients(root: Path, *, sheet: Mapping[str, CourseFile] | None = None) -> ClientSearch:
    """Find the clients' folders below a folder.

    A folder is a client's where a course file lies in it, where the sheet names it, where photos lie in it, or where
    all its folders with photos are named like visits: by a date, or by words such as "before", "day 7", "session 2".
    Otherwise those below it are looked at.

    Parameters
    ----------
    root : Path
        The clients' folder; it is never a client itself.
    sheet : mapping of str to CourseFile, optional
        What the sheet of all clients says, by :attr:`~skinprogress.batch.records.ClientFolder.id`.

    Returns
    -------
    ClientSearch
        Links are followed, and no folder counts twice. A folder that cannot be read is a note.

    Raises
    ------
    UsageError
        `root` is no folder or cannot be read, is one client's folder, holds results, or holds no client.
    """
    courses = {same_name(id_): course for id_, course in (sheet or {}).items()}
    problems: dict[tuple[str, ...], str] = {}
    folders = list(walk(root, named=courses.keys(), problems=problems))
    for folder in reversed(folders):
        folder.weigh()
    top = folders[0]
    _check_not_a_client(root, top)
    groups, found = [], []
    open_folders = [top]
    while open_folders:
        folder = open_folders.pop()
        if folder is not top and folder.is_client:
            found.append(folder)
        else:
            groups.append(folder)
            open_folders += folder.below
    found.sort(key=lambda folder: folder.order)
    groups.sort(key=lambda folder: folder.order)
    clients = {folder.id: folder for folder in reversed(found)}
    if not clients:
        raise UsageError(
            f"the folder {one_line(str(root))} holds no client: no photo lies in a folder below it",
            "give the folder that holds one folder for each client, and check whether its drive is connected",
        )
    inside = {folder.names for folder in found}
    notes = [
        *(note for group in groups for note in _group_notes(group, root)),
        *(note for folder in found for note in _client_notes(folder)),
        *(f"{one_line(f.id)} stands for two folders: rename one" for f in found if clients[f.id] is not f),
        *(text for names, text in sorted(problems.items()) if not _lies_in(names, inside)),
        *_sheet_notes(sheet or {}, clients),
        *_empty_note(folders, found, groups),
    ]
    return ClientSearch(
        clients=tuple(
            ClientFolder(id=folder.id, path=folder.path, course=courses.get(same_name(folder.id)))
            for folder in reversed(clients.values())
        ),
        notes=tuple(notes),
        strays=tuple("/".join((*group.names, photo)) for group in groups for photo in group.photos),
    )


def _check_not_a_client(root: Path, top: Folder) -> None:
    if not top.is_client:
        return
    name = one_line(str(root))
    if top.marked:
        what = f"a {COURSE_FILE} lies in it"
    elif top.photos:
        what = f"photos lie directly in it, such as {one_line(top.photos[0])}"
    else:
        what = f"it holds visits ({_named(top.below)})"
    remedy = (
        f"`skinprogress run` compares one client; for many, give the folder that holds a folder for each. If {name} is "
        f"that one, take the photos out of it; a {COURSE_FILE} in a folder says that it is a client's"
    )
    raise UsageError(f"{name} looks like the folder of one client, since {what}", remedy)


def _group_notes(group: Folder, root: Path) -> Iterator[str]:
    """Say where the folders of a group could as well be the visits of one client."""
    clients = [folder for folder in group.below if folder.is_client and not folder.marked]
    doubtful = [f for f in clients if f.visit or _YEAR_OR_MONTH.fullmatch(f.names[-1])]
    if not doubtful and len(clients) > 1 and len(clients) == len(group.below) and all(map(_may_be_one_visit, clients)):
        doubtful = clients
    if not doubtful:
        return
    what = f"{_named(doubtful)} could be visits of one client and" if len(doubtful) > 1 else f"{_named(doubtful)} could"
    verb = "are taken for clients" if len(doubtful) > 1 else "be a visit and is taken for a client"
    if group.names:
        where = one_line(group.id)
        remedy = f"if {where} is one client, say so with a {COURSE_FILE} in it (`skinprogress init` drafts one)"
    else:
        where = "the clients' folder"
        remedy = f"if all of {one_line(str(root))} is one client, `skinprogress run` compares it"
    yield f"in {where}, {what} {verb}: {remedy}"


def _may_be_one_visit(folder: Folder) -> bool:
    """Whether a folder holds no more than one visit's photos, as far as names tell."""
    if folder.below or not 0 < len(folder.photos) <= _PHOTOS_OF_A_VISIT:
        return False
    visits = {visit_of(name.rpartition(".")[0]) for name in folder.photos}
    return len(visits) == 1 and not folder.holds_client


def _client_notes(folder: Folder) -> Iterator[str]:
    others = [inner for inner in folder.below if not inner.visit]
    if folder.photos and len(others) > 1:
        name = one_line(folder.id)
        yield (
            f"photos lie directly in {name}, so all of it is taken for one client, with its folders {_named(others)}: "
            f"if those are clients, take the photos out of {name}, or put a {COURSE_FILE} into each"
        )


def _sheet_notes(sheet: Mapping[str, CourseFile], clients: Mapping[str, object]) -> list[str]:
    notes = []
    known = {same_name(id_) for id_ in clients}
    folders = {tuple(name.split("/")) for name in known}
    for id_ in sheet:
        name = same_name(id_)
        if name in known:
            continue
        if _lies_in(tuple(name.split("/")), folders):
            what = "which lies in the folder of another client: the rows of that client are the ones that count"
        else:
            what = f"and there is no such folder: {did_you_mean(id_, clients)}correct the name in the sheet"
        notes.append(f"the sheet names the client {one_line(id_)!r}, {what}")
    return notes


def _empty_note(folders: list[Folder], clients: list[Folder], groups: list[Folder]) -> list[str]:
    shown = {id(folder) for folder in groups}
    counted = {id(folder) for folder in clients}
    empty = [f for f in folders if id(f.parent) in shown and not {id(f)} & (shown | counted)]
    if not empty:
        return []
    return [f"no photo lies in {_named(sorted(empty, key=lambda folder: folder.order))}"]


def _named(folders: list[Folder]) -> str:
    """Some folders by their names, the first ones where they are many."""
    names = [one_line(folder.id) for folder in folders[:_NAMED_AT_MOST]]
    if more := len(folders) - len(names):
        return f"{', '.join(names)} and {more} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _lies_in(names: tuple[str, ...], clients: set[tuple[str, ...]]) -> bool:
    return any(names[:depth] in clients for depth in range(1, len(names)))
