"""Names made up for clients, photos and sessions, so that what is written names nobody."""

import hashlib
import hmac
import itertools
import os
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from skinprogress.batch.hiding import Hider, is_ordinary
from skinprogress.batch.records import STORE
from skinprogress.errors import OutputError
from skinprogress.outputs.files import write_whole
from skinprogress.photos.clues import find_clues
from skinprogress.photos.folder import FolderListing
from skinprogress.photos.scan import PHOTO_SUFFIXES
from skinprogress.records import Course, PhotoRef, Rejection

_SALT_BYTES = 32
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d)?(?=$| )")
_NUMBERED = re.compile(r" \(\d+\)$")


def salt_of(out: Path) -> bytes:
    """The secret of an output folder, 32 bytes, made when it is first asked for.

    Parameters
    ----------
    out : Path
        Of a batch.

    Raises
    ------
    OutputError
        It can be neither read nor written, or is damaged.
    """
    path = out / STORE / "salt"
    try:
        salt = path.read_bytes()
    except FileNotFoundError:
        salt = secrets.token_bytes(_SALT_BYTES)
        write_whole(path, salt)
        _make_lasting(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be read ({error.strerror or error})", "allow reading it") from error
    if len(salt) != _SALT_BYTES:
        raise OutputError(
            f"{path} is damaged, and the names made up with it cannot be made again",
            "put it back from a backup, or choose a new output folder",
        )
    return salt


def salt_is_there(out: Path) -> bool:
    """Whether an output folder has a secret that names were made up with."""
    return (out / STORE / "salt").is_file()


def label_of(out: Path, id: str) -> str:
    """The name made up for a client, ``client-3f9a2c1b``: always the same in one output folder, another in the next.

    Parameters
    ----------
    out : Path
        Of a batch.
    id : str
        As in :attr:`~skinprogress.batch.records.ClientFolder.id`.

    Raises
    ------
    OutputError
        As :func:`salt_of`.
    """
    return f"client-{keyed(salt_of(out), id)[:8]}"


def keyed(salt: bytes, id: str) -> str:
    """HMAC-SHA256 of a client's id, hexadecimal."""
    return hmac.new(salt, id.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


def hide_names(listing: FolderListing, *, label: str, folder: Path, id: str = "") -> tuple[FolderListing, Hider]:
    """Give everything that a client's folder names another name.

    Parameters
    ----------
    listing : FolderListing
    label : str
        What the client is called from now on.
    folder : Path
        The client's.
    id : str
        The client's; its parts are hidden in texts as the folder's name is.

    Returns
    -------
    listing : FolderListing
        Photos are called ``2026-03-14/photo-1.jpg`` by their session and place in it, the rejected ones after those
        that can be used; what is no photo is ``file-1``. Sessions keep their date and the words that say when
        ("before", "day 7"); others are ``session-1`` and so on. Marks keep their names, but for names of the client in
        them: whoever shares results looks through the marks first. Every :attr:`PhotoRef.path` stays real.
    hider : Hider
        For texts that were made elsewhere.

    Notes
    -----
    Give ``Path(label)`` as the folder to whoever compares the photos, so that no path is in the result.
    """
    sessions = _name_sessions([*(p.session for p in listing.photos), *(r.session for r in listing.rejected)])
    counts: dict[str, int] = {}

    def number(file: str, group: str, word: str) -> str:
        counts[group] = counts.get(group, 0) + 1
        suffix = PurePosixPath(file).suffix.lower()
        folder = f"{group.replace('/', ' ')}/" if group else ""
        # Only a suffix that is known says nothing more than the kind of file.
        return f"{folder}{word}-{counts[group]}{suffix if suffix in PHOTO_SUFFIXES else ''}"

    files: dict[str, str] = {}
    items: tuple[PhotoRef | Rejection, ...] = (*listing.photos, *listing.rejected)
    for item in items:
        files.setdefault(item.file, number(item.file, sessions[item.session], "photo"))
    for file in (*listing.excluded, *(file for file, _ in listing.skipped)):
        if file not in files:
            files[file] = number(file, "", "file")
    hider = Hider(_names(files, sessions), label=label, folder=folder, called=(id, listing.client))
    hidden = FolderListing(
        client=label,
        photos=tuple(replace(p, client=label, file=files[p.file], session=sessions[p.session]) for p in listing.photos),
        rejected=tuple(
            hider.hide_rejection(replace(r, file=files[r.file], session=sessions[r.session])) for r in listing.rejected
        ),
        skipped=tuple((files[file], hider.hide(reason)) for file, reason in listing.skipped),
        excluded=tuple(files[file] for file in listing.excluded),
        course=_hide_course(listing.course, hider.hide, files, label),
        notes=tuple(map(hider.hide, listing.notes)),
    )
    return hidden, hider


def _hide_course(course: Course, hide: Callable[[str], str], files: Mapping[str, str], label: str) -> Course:
    def all_of(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(hide, texts))

    marks = [
        replace(mark, name=hide(mark.name), photo=files.get(mark.photo, hide(mark.photo))) for mark in course.marks
    ]
    return replace(
        course,
        label=label if course.label else "",
        aim=all_of(course.aim),
        treatments=tuple(
            replace(t, kind=hide(t.kind), device=hide(t.device), products=all_of(t.products)) for t in course.treatments
        ),
        consent=replace(course.consent, scope=all_of(course.consent.scope)),
        marks=tuple(replace(mark, name=name) for mark, name in zip(marks, _unique(m.name for m in marks), strict=True)),
    )


def _name_sessions(labels: Iterable[str]) -> dict[str, str]:
    """Every label to one that holds its date and the words that say when, and nothing else."""
    originals = [label for label in dict.fromkeys(labels) if label]
    made_up = (f"session-{number}" for number in itertools.count(1))
    named = []
    for label in originals:
        found = _DAY.match(label)
        day = found[0] if found else ""
        words = _NUMBERED.sub("", label.removeprefix(day)).strip()
        said = find_clues(words).words or (next(made_up) if words or not day else "")
        named.append(f"{day} {said}".strip())
    return {"": "", **dict(zip(originals, _unique(named), strict=True))}


def _unique(names: Iterable[str]) -> list[str]:
    taken: dict[str, None] = {}
    for name in names:
        number, chosen = 2, name
        while chosen in taken:
            number, chosen = number + 1, f"{name} ({number})"
        taken[chosen] = None
    return list(taken)


def _names(files: Mapping[str, str], sessions: Mapping[str, str]) -> dict[str, str]:
    """Files, their names without folder and suffix, their folders, and sessions, to what stands for them."""
    names = dict(files)
    several: dict[str, set[str]] = {}
    for file, instead in files.items():
        path, made_up = PurePosixPath(file), PurePosixPath(instead)
        several.setdefault(path.name, set()).add(made_up.name)
        if not is_ordinary(path.stem):
            several.setdefault(path.stem, set()).add(made_up.stem)
        for above in path.parents:
            for text in (str(above), above.name):
                if not is_ordinary(text):
                    several.setdefault(text, set()).add(str(made_up.parent) if str(made_up.parent) != "." else "folder")
    for name, instead_of in several.items():
        names.setdefault(name, next(iter(instead_of)) if len(instead_of) == 1 else "(hidden)")
    return names | {old: new for old, new in sessions.items() if old != new and not is_ordinary(old)}


def _make_lasting(path: Path) -> None:
    """See that a new file outlasts a loss of power: a second salt would be another name for everybody."""
    for name in (path, path.parent):
        try:
            number = os.open(name, os.O_RDONLY)
        except OSError:
            continue  # folders cannot be opened on Windows
        try:
            os.fsync(number)
        except OSError:
            pass
        finally:
            os.close(number)
