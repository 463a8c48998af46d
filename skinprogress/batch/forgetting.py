"""Removing everything that a batch made and remembers of one client."""

import csv
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from skinprogress.batch.cohort import remove_from_cohort
from skinprogress.batch.done import Done, read_done
from skinprogress.batch.index_page import write_batch_table, write_index
from skinprogress.batch.lock import locked
from skinprogress.batch.placing import check_way, key_of, mend, results_folder
from skinprogress.batch.pseudonyms import label_of
from skinprogress.batch.records import CLIENTS, COHORT, STORE
from skinprogress.errors import OutputError, UsageError
from skinprogress.outputs.files import RECORD
from skinprogress.photos.suggestions import did_you_mean

_KEY = re.compile(r"[0-9a-f]{16}")
_PSEUDONYM = re.compile(r"client-([0-9a-f]{8})")
_NOT_TOUCHED = (
    "The photos themselves are untouched, and so are logs and copies elsewhere.",
    "While the client's folder stays among the clients', the next batch makes everything again: move it away first.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """One kind of thing that was removed.

    Attributes
    ----------
    what : str
        ``results``, ``what was remembered``, ``tables of all clients``.
    files : tuple of str
        Relative to the output folder, with ``/``.
    n_bytes : int
    """

    what: str
    files: tuple[str, ...]
    n_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was removed of a client, and what was not.

    Attributes
    ----------
    client : str
        Label.
    removed : tuple of Removed
    left : tuple of str
        Files in the folder of results that this program did not make, relative to the output folder.
    notes : tuple of str
        Sentences.
    """

    client: str
    removed: tuple[Removed, ...]
    left: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def n_files(self) -> int:
        """Files that were removed."""
        return sum(len(part.files) for part in self.removed)

    @property
    def n_bytes(self) -> int:
        """Bytes of those files."""
        return sum(part.n_bytes for part in self.removed)


def forget_client(out: Path, name: str) -> Forgotten:
    """Remove a client's results, tables, row in the index and everything that is remembered of the photos.

    Parameters
    ----------
    out : Path
        Output folder of a batch. Nothing outside it is touched: of a link, the link alone is removed.
    name : str
        The client's id, or the label or made-up name that the index shows.

    Returns
    -------
    Forgotten

    Raises
    ------
    UsageError
        `out` holds no batch, knows no client of that name, or is being written by another run.
    OutputError
        Something cannot be removed. Do it again once the reason is gone: it goes on where it stopped.

    Notes
    -----
    Whatever stops it, the store folder goes last, so that the client is found again. Until then the client may still
    be shown with links that lead nowhere.
    """
    if not (out / STORE / "salt").is_file():
        raise UsageError(f"{out} holds no results of `skinprogress batch`", "name its output folder with -o")
    with locked(out):
        try:
            return _forget(out, name)
        except OSError as error:
            where = error.filename or out
            raise OutputError(
                f"{where} cannot be removed ({error.strerror or error})", "close it elsewhere, then forget again"
            ) from error


def _forget(out: Path, name: str) -> Forgotten:
    known = {folder: read_done(folder) for folder in _store_folders(out)}
    check_way(out, out / STORE)
    store = _find(out, name, known)
    done = known.pop(store, None)
    summaries = [other.summary for other in known.values() if other is not None]
    label = done.summary.client if done else name
    labels = dict.fromkeys((label, name, *([] if _PSEUDONYM.fullmatch(name) else [label_of(out, name)])))
    others = {summary.client for summary in summaries}
    removed: list[Removed] = []
    results: list[tuple[str, int]] = []
    tables: list[tuple[str, int]] = []
    left: list[str] = []
    for each in (each for each in labels if each not in others):
        target = results_folder(out, each)
        check_way(out, target.parent, *out.joinpath(COHORT).glob("*"))
        if target.is_symlink():
            results.append((_shown(out, target), 0))
            target.unlink()
        if not store.is_symlink():
            mend(store, target, ours=_ours(out, target, done))
        results += _remove_results(out, target, _ours(out, target, done))
        left += _foreign(out, target, {results_folder(out, other) for other in others})
        _remove_empty(out / CLIENTS, target)
        sizes = {path: _size(path) for path in out.joinpath(COHORT).glob("*/client=*/*")}
        tables += [(_shown(out, path), sizes.get(path, 0)) for path in remove_from_cohort(out, each)]
    remembered = [(_shown(out, path), _size(path)) for path in _files_in(store)]
    listed = _listed_clients(out)
    shown = [summary for summary in summaries if listed is None or summary.client in listed]
    write_batch_table(out, shown)
    write_index(out, shown)
    _remove_tree(store)
    for what, files in (("results", results), ("tables of all clients", tables), ("what was remembered", remembered)):
        if files:
            removed.append(Removed(what=what, files=tuple(f for f, _ in files), n_bytes=sum(n for _, n in files)))
    return Forgotten(client=label, removed=tuple(removed), left=tuple(left), notes=_NOT_TOUCHED)


def _store_folders(out: Path) -> list[Path]:
    return sorted(path for path in out.joinpath(STORE).iterdir() if _KEY.fullmatch(path.name))


def _find(out: Path, name: str, known: dict[Path, Done | None]) -> Path:
    """The store folder of a client, by label, id or made-up name."""
    shown = {done.summary.client: folder for folder, done in known.items() if done is not None}
    if name in shown:
        return shown[name]
    by_id = out / STORE / key_of(out, name)
    if by_id in known:
        return by_id
    # What was stopped half-way may know no label any more; made-up names are those of the folders, cut short.
    made_up = _PSEUDONYM.fullmatch(name)
    by_name = [folder for folder in known if made_up and folder.name.startswith(made_up[1])]
    if len(by_name) == 1:
        return by_name[0]
    hint = did_you_mean(name, shown) or ("write it as index.html shows it" if shown else "no client is known there")
    raise UsageError(f"{out} knows no client called {name}", hint.strip())


def _ours(out: Path, target: Path, done: Done | None) -> set[str]:
    """Files in a folder of results that are known to come from this program, relative to it."""
    ours = done.files_in(target, out=out) if done else set()
    try:
        listed = json.loads((target / RECORD).read_bytes())["files"]
        ours |= {name for name in listed if isinstance(name, str)}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    # A changed list must lead nowhere else.
    return {name for name in (*ours, RECORD) if ".." not in Path(name).parts and not Path(name).is_absolute()}


def _remove_results(out: Path, target: Path, ours: Iterable[str]) -> list[tuple[str, int]]:
    """Remove our files, the record of them last; of a link to a file or folder, the link."""
    removed: list[tuple[str, int]] = []
    for name in sorted(ours, key=lambda name: (name == RECORD, name)):
        steps = [target.joinpath(*Path(name).parts[:count]) for count in range(1, len(Path(name).parts) + 1)]
        path = next((step for step in steps if step.is_symlink()), steps[-1])
        if path.is_symlink() or path.is_file():
            removed.append((_shown(out, path), _size(path)))
            path.unlink()
    return removed


def _foreign(out: Path, target: Path, others: set[Path]) -> Iterator[str]:
    """Files that are left in a folder of results, but those of other clients below it."""
    if not target.is_dir() or target in others:
        return
    for path in sorted(target.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from _foreign(out, path, others)
        else:
            yield _shown(out, path)


def _remove_empty(top: Path, folder: Path) -> None:
    """Remove the folders in `folder` that hold nothing, and those above it up to `top`."""
    for inner, _, _ in os.walk(folder, topdown=False):
        _remove_if_empty(Path(inner))
    while folder != top and folder.is_relative_to(top):
        folder = folder.parent
        _remove_if_empty(folder)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()


def _remove_tree(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    elif folder.is_dir():
        shutil.rmtree(folder)  # links in it go, what they lead to stays


def _files_in(folder: Path) -> list[Path]:
    if folder.is_symlink():
        return [folder]
    return [Path(inner, name) for inner, _, names in os.walk(folder) for name in sorted(names)]


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _shown(out: Path, path: Path) -> str:
    return path.relative_to(out).as_posix()


def _listed_clients(out: Path) -> set[str] | None:
    """Clients in ``batch.csv``: where names are made up, those of earlier runs with names are not shown."""
    try:
        with (out / "batch.csv").open(encoding="utf-8-sig", newline="") as file:
            named = [row["client"] for row in csv.DictReader(file)]
    except (OSError, ValueError, KeyError, csv.Error):
        return None
    return {*named, *(name.removeprefix("'") for name in named)}  # which formulas get in front of them
