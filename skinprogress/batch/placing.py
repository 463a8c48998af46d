"""Where a client's files stand, and how new results take the place of old ones: whole, or not at all.

Renaming a folder is one step that a kill or a power loss cannot halve. Between two renames there is always a next run
that can tell from the names what was going on; :func:`mend` does that.
"""

import contextlib
import errno
import hashlib
import itertools
import json
import os
import re
import shutil
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from skinprogress.batch.pseudonyms import keyed, salt_of
from skinprogress.batch.records import CLIENTS, STORE
from skinprogress.errors import OutputError
from skinprogress.outputs.files import RECORD, make_folder

NEW = "new"
"""Folder in a client's store folder that results are written to before they are placed."""

NEW_TABLES = "tables"
"""Folder beside it for tables that are shared with other clients, laid out as in the output folder."""

_OLD = "old"
_GONE = "gone"
_AT_ONCE = 16
_MAX_BYTES = 120
"""Of a folder's name: encrypting file systems allow 143, others 255; some count in other units."""
_UNSAFE = re.compile(r'[<>:"\\|?*\x00-\x1f\x7f]|[. ]\Z')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$) *(\..*)?", re.IGNORECASE)
_MARKED = re.compile(r"~[0-9a-f]{8}\Z")


def key_of(out: Path, id: str) -> str:
    """Name of a client's folder in the store: 16 hexadecimal digits that tell nobody who it is."""
    return keyed(salt_of(out), id)[:16]


def store_folder(out: Path, id: str) -> Path:
    """Folder in which everything about one client is remembered; need not be there."""
    return out / STORE / key_of(out, id)


def results_folder(out: Path, label: str) -> Path:
    """Folder of a client's results: ``out/clients/{label}``, a folder for every part of the label.

    Parameters
    ----------
    out : Path
        Output folder of the batch.
    label : str

    Returns
    -------
    Path
        Another one for every label, and never outside ``out/clients``. A part of the label that some file system
        could not hold is changed and ends in eight digits of its hash; where capitals and small letters are the same
        to the file system of `out`, every part with a capital does.
    """
    ignores_case = _ignores_case(os.path.realpath(out))
    return out.joinpath(CLIENTS, *(_safe_part(part, ignores_case=ignores_case) for part in label.split("/")))


def _safe_part(part: str, *, ignores_case: bool) -> str:
    name = _UNSAFE.sub("_", "" if part in (".", "..") else part) or "_"
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    known_apart = not ignores_case or part == unicodedata.normalize("NFC", part).casefold()
    if name == part and known_apart and len(name.encode()) <= _MAX_BYTES and not _MARKED.search(name):
        return name
    mark = "~" + hashlib.sha256(part.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return name.encode("utf-8", "replace")[: _MAX_BYTES - len(mark)].decode("utf-8", "ignore") + mark


@lru_cache(maxsize=8)
def _ignores_case(out: str) -> bool:
    """Whether a folder's file system takes capitals and small letters for the same; the store's own name tells."""
    make_folder(Path(out, STORE))
    return os.path.lexists(Path(out, STORE.upper()))


def mend(store: Path, target: Path, *, ours: Collection[str] = ()) -> None:
    """Put in order what a run that was stopped left behind.

    Parameters
    ----------
    store : Path
        The client's store folder.
    target : Path
        Folder of the client's results.
    ours : collection of str
        As for :func:`place`.

    Notes
    -----
    Results that were put aside for new ones that never arrived are put back. Those that new ones have replaced are
    removed, after everything that is not ours. Results that were being written are removed.
    """
    _remove(store / _GONE)
    if os.path.lexists(store / _OLD):
        if os.path.lexists(target):
            _clear_old(store, target, ours)
        else:
            make_folder(target.parent)
            _rename(store / _OLD, target)
    _remove(store / NEW)
    _remove(store / NEW_TABLES)


def place(store: Path, target: Path, *, ours: Collection[str] = ()) -> None:
    """Let the results in ``store/new`` take the place of those in `target`.

    Parameters
    ----------
    store : Path
        The client's store folder, after :func:`mend`.
    target : Path
        Folder of the client's results; need not be there.
    ours : collection of str
        Files, relative to `target`, that are known to come from this program besides those listed in the old record
        of the run. All others are carried over; one whose name is taken by now gets another name.

    Raises
    ------
    OSError
        A file cannot be renamed.
    OutputError
        `target` lies on another drive than `store`.
    """
    # A name may reach the disk before what it stands for, and a loss of power would leave empty files.
    sync(store / NEW)
    make_folder(target.parent)
    if os.path.lexists(target):
        _rename(target, store / _OLD)
    _rename(store / NEW, target)
    if os.path.lexists(store / _OLD):
        _clear_old(store, target, ours)


def place_tables(store: Path, out: Path) -> None:
    """Let the tables in ``store/tables`` take the places of those in `out`, one after the other.

    Parameters
    ----------
    store : Path
        The client's store folder.
    out : Path
        Output folder of the batch.

    Raises
    ------
    OSError
        A file cannot be renamed.
    OutputError
        One lies on another drive than the store.
    """
    new = store / NEW_TABLES
    sync(new)
    for name, path in list(_files_in(new)):
        check_way(out, (out / name).parent)
        make_folder((out / name).parent)
        _rename(path, out / name)
    _remove(new)


def remove_files(out: Path, names: Iterable[str]) -> None:
    """Remove files of a client by their names relative to `out`, and the folders that are empty then.

    Names that lead out of `out`, by themselves or by links, are left: a list of files may have been changed.
    """
    for name in names:
        path = out / name
        if ".." in path.parts or not path.is_relative_to(out) or _leading_link(out, path.parent):
            continue
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # it holds something
            for folder in path.parents[: len(Path(name).parts) - 2]:
                folder.rmdir()


def check_way(out: Path, *folders: Path) -> None:
    """See that folders below the output folder are no links and lie in none; those that are missing are fine.

    Raises
    ------
    OutputError
        Whatever was written or removed there would be so somewhere else.
    """
    for folder in folders:
        if (link := _leading_link(out, folder)) is not None:
            raise OutputError(
                f"{link} is a link, and nothing is written or removed outside the output folder",
                "put the folder itself in its place, then run the same command again",
            )


def _leading_link(out: Path, folder: Path) -> Path | None:
    steps = (out.joinpath(*folder.relative_to(out).parts[:depth]) for depth in range(1, len(folder.parts) + 1))
    return next((step for step in steps if step != out and step.is_symlink()), None)


def sync(*paths: Path) -> None:
    """Wait until files, and everything in folders, are on the disk."""
    if os.name != "posix":
        return  # only there can a folder, and a file opened for reading, be synchronized
    inner = [Path(folder, name) for path in paths for folder, _, names in os.walk(path) for name in names]
    folders = [Path(folder) for path in paths for folder, *_ in os.walk(path)]
    # All at once: the disk writes in one go what it is asked for at the same time, which takes a twentieth of the time.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for group in (inner, [path for path in paths if not path.is_dir()], folders):
            list(pool.map(_sync, group))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear_old(store: Path, target: Path, ours: Collection[str]) -> None:
    old = store / _OLD
    _carry_over(old, target, {RECORD, *_listed(old), *ours})
    # In one step: half of a folder of results would look like files of somebody else.
    _rename(old, store / _GONE)
    _remove(store / _GONE)


def _carry_over(old: Path, target: Path, ours: Collection[str]) -> None:
    if old.is_symlink() or not old.is_dir():  # not results at all
        _rename(old, _free(target / target.name))
        make_folder(old)
        return
    for name, path in list(_files_in(old)):
        if name not in ours:
            make_folder((target / name).parent)
            _rename(path, _free(target / name))


def _files_in(folder: Path, before: str = "") -> Iterator[tuple[str, Path]]:
    """Everything in a folder that is no folder itself, with its name relative to it."""
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files_in(Path(entry.path), f"{before}{entry.name}/")
        else:
            yield f"{before}{entry.name}", Path(entry.path)


def _free(path: Path) -> Path:
    """A name that nothing has yet."""
    kept = (path.with_name(f"{path.stem} (kept {count}){path.suffix}") for count in itertools.count(1))
    return next(p for p in itertools.chain([path], kept) if not os.path.lexists(p))


def _listed(results: Path) -> list[str]:
    """Files that the record of a run lists."""
    try:
        files = json.loads((results / RECORD).read_bytes())["files"]
        return [name for name in files if isinstance(name, str)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _rename(source: Path, target: Path) -> None:
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        raise OutputError(
            f"{target.parent} lies on another drive than {source.parent}",
            "keep the output folder on one drive; a link may lead to all of it, but not to a part",
        ) from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()
