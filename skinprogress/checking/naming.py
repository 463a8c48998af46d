"""Photos and folders as they are named on a command line, with all that is recorded of them."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from skinprogress.errors import NothingMeasuredError, UsageError
from skinprogress.photos.folder import FolderListing, list_folder
from skinprogress.photos.loose import dated_refs, find_client_folder, loose_refs
from skinprogress.photos.scan import one_line, printable
from skinprogress.records import PhotoRef
from skinprogress.settings import Settings


def list_shown(photos: Sequence[Path], settings: Settings) -> tuple[FolderListing, Path | None, Path]:
    """What the named photos or the named folder hold.

    Parameters
    ----------
    photos : sequence of Path
        One folder, or at least two photos. Those that lie in a client's folder (one with ``course.toml``) are taken as
        that folder lists them: what is recorded there cannot be got round by naming its files.
    settings : Settings

    Returns
    -------
    listing : FolderListing
        Of these photos only.
    client_folder : Path or None
        None for loose photos.
    folder : Path
        That the names of the photos count from.

    Raises
    ------
    UsageError
        Photos are missing, the same, of two clients, in the wrong order, or left out by the course file.
    NothingMeasuredError
        The folder, or one of the named photos in it, cannot be used.
    """
    if len(photos) == 1 and os.path.isdir(photos[0]):  # noqa: PTH112 - no exception for a path that is too long
        return list_folder(photos[0], settings=settings), photos[0], photos[0]
    refs = loose_refs(photos)
    if len(refs) < 2:
        raise UsageError(
            f"{one_line(str(photos[0]))} is one photo, and a composite needs two",
            "name the later photo too, or give the client's folder",
        )
    _check_different(refs)
    folders = {find_client_folder(ref.path) for ref in refs}
    if folders == {None}:
        folder = _common_folder(refs)
        named = [replace(ref, file=_name_in(folder, ref)) for ref in refs]
        return FolderListing(client=_loose_name(refs), photos=tuple(dated_refs(named))), None, folder
    if len(folders) > 1:
        owned = next(ref for ref in refs if find_client_folder(ref.path))
        other = next(ref for ref in refs if find_client_folder(ref.path) != find_client_folder(owned.path))
        raise UsageError(
            f"{one_line(str(owned.path))} lies in the folder of a client with a course.toml, and "
            f"{one_line(str(other.path))} does not lie in the same",
            "put all photos of the client into that folder: its dates, treatments and consent must hold for all",
        )
    folder = next(f for f in folders if f)
    listing = list_folder(folder, settings=settings)
    return replace(listing, photos=tuple(_as_listed(refs, listing)), rejected=(), skipped=()), folder, folder


def _check_different(refs: Sequence[PhotoRef]) -> None:
    seen: dict[str, PhotoRef] = {}
    for ref in refs:
        twin = seen.setdefault(ref.sha256, ref) if ref.sha256 else ref
        if twin is not ref:
            raise UsageError(
                f"{one_line(str(twin.path))} and {one_line(str(ref.path))} are the same picture",
                "name photos of different visits",
            )


def _as_listed(refs: Sequence[PhotoRef], listing: FolderListing) -> list[PhotoRef]:
    """Named photos as their client's folder lists them, in order of time; each a session of its own."""
    wanted = {os.path.realpath(ref.path) for ref in refs}, {ref.sha256 for ref in refs if ref.sha256}
    found = [p for p in listing.photos if os.path.realpath(p.path) in wanted[0] or p.sha256 in wanted[1]]
    for ref in refs:
        if any(os.path.realpath(p.path) == os.path.realpath(ref.path) or p.sha256 == ref.sha256 for p in found):
            continue
        path = os.path.realpath(ref.path)
        for rejection in listing.rejected:
            if path.endswith(f"/{rejection.file}"):
                raise NothingMeasuredError(rejection.reason, rejection.remedy)
        why = next((reason for file, reason in listing.skipped if path.endswith(f"/{file}")), "it is not listed there")
        raise UsageError(
            f"{one_line(str(ref.path))} is not among the photos of its client's folder: {why}",
            "name another photo, or see `skinprogress check FOLDER`",
        )
    visits = Counter(p.session for p in found)
    return [p if visits[p.session] == 1 else replace(p, session=f"{p.session} ({k})") for p, k in _counted(found)]


def _counted(photos: Sequence[PhotoRef]) -> Iterator[tuple[PhotoRef, int]]:
    """Each photo, and which of its visit's photos it is, from 1."""
    seen = Counter[str]()
    for photo in photos:
        seen[photo.session] += 1
        yield photo, seen[photo.session]


def _loose_name(refs: Sequence[PhotoRef]) -> str:
    return " and ".join((refs[0].path.stem, refs[-1].path.stem))


def _common_folder(refs: Sequence[PhotoRef]) -> Path:
    folders = [_lies_at(ref).parent for ref in refs]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # other drives
        return folders[0]


def _name_in(folder: Path, ref: PhotoRef) -> str:
    """The way from the photos' folder to a photo, by which a recipe finds it again."""
    path = _lies_at(ref)
    return printable(path.relative_to(folder).as_posix()) if path.is_relative_to(folder) else ref.file


def _lies_at(ref: PhotoRef) -> Path:
    return ref.path.parent.resolve() / ref.path.name
