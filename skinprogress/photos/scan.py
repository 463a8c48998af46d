"""Walking a client's folder: which files are photos, which stand for a shot already present, which are left aside."""

import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from skinprogress.errors import PhotoError
from skinprogress.photos.dates import natural_key
from skinprogress.photos.formats import SUFFIXES, find_kind
from skinprogress.photos.ordinary import open_ordinary
from skinprogress.photos.raw import RAW_REMEDY, raw_is_readable
from skinprogress.records import Flag, Rejection
from skinprogress.store import FileFacts, Store

COURSE_FILE = "course.toml"
RECIPE_SUFFIX = ".recipe.json"
"""Of the file beside a composite, after the composite's name without its own suffix."""


def _suffixes(names: str) -> frozenset[str]:
    return frozenset(f".{name}" for name in names.split())


PHOTO_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
_SIDECARS = _suffixes("xmp aae json thm dop pp3 xml rpp on1 acr")
_VIDEOS = _suffixes("mov mp4 m4v avi 3gp mts m2ts webm mkv mpg mpeg wmv insv")
_UNFINISHED = _suffixes("part partial crdownload download tmp icloud")
_SYSTEM_FILES = frozenset(("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "$recycle.bin"))
_OUTPUT_FOLDERS = frozenset(("charts", "composites", "aligned"))

_COPY_AGAIN = "copy it again from the camera or phone"
_EDIT_OF = (re.compile(r"^(img_)e(\d+)$"), re.compile(r"^(.+?)()[ _-]*\(?(?:edited|bearbeitet)\)?$"))
_COPY_OF = re.compile(r"^(.+?)(?:(?:[ _-]+(?:copy|kopie|copie))(?: ?\(?\d+\)?)?|(?: - copy)?[ _]?\(\d+\)|~\d+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that is, or claims to be, a photo.

    Attributes
    ----------
    file : str
        Path relative to the client folder with ``/``; bytes that are no text stand as escapes.
    folders : tuple of str
        Folders between the client folder and the file.
    kind : str
        By content, as in :data:`skinprogress.photos.formats.SUFFIXES`.
    taken_at : datetime or None
        By the camera's clock.
    """

    path: Path
    file: str
    folders: tuple[str, ...]
    kind: str = ""
    sha256: str = ""
    taken_at: datetime | None = None
    flags: Flag = Flag.NONE

    @property
    def stem(self) -> str:
        """File name without its extension, printable."""
        name = self.file.rpartition("/")[2]
        return name[: -len(self.path.suffix)] if self.path.suffix and name.endswith(self.path.suffix) else name

    @property
    def suffix(self) -> str:
        """Extension in lower case, with the dot."""
        return self.path.suffix.lower()

    @property
    def order(self) -> tuple[tuple[tuple[int, int, str], ...], ...]:
        """Sort key: folder by folder, then the name without its extension, so that "a" comes before "a 2"."""
        return (*(natural_key(folder) for folder in self.folders), natural_key(self.stem), natural_key(self.suffix))

    @property
    def shot(self) -> tuple[tuple[str, ...], str]:
        """Folder and stem without regard to case and Unicode form: what the files of one shot share."""
        return self.folders, unicodedata.normalize("NFC", self.stem).casefold()


@dataclass(slots=True)
class Scan:
    """What lies in a folder; every file is in exactly one of the three lists, but the course file."""

    photos: list[Found] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def scan_folder(folder: Path, *, store: Store | None = None) -> Scan:
    """Find the photos below a folder, in natural order of their names, with their SHA-256.

    Links are followed, but no folder is read twice. Pipes, sockets and devices are never opened; nor are files that the
    store knows and that look unchanged.
    """
    scan = Scan()
    files = sorted(_walk(folder, scan), key=lambda found: found.order)
    for found in files:
        _sort_in(found, scan, store)
    if store is not None:
        store.keep_facts()
    _drop_twins(scan)
    return scan


def one_line(text: str) -> str:
    """Text for a message: line breaks and other control characters as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in printable(text))


def find_course_file(folder: Path) -> Path | None:
    """The course file of a folder, however its name is written; also a link that leads nowhere."""
    if os.path.lexists(exact := folder / COURSE_FILE):
        return exact
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names alone
    except OSError:
        return None
    return next((folder / name for name in sorted(names) if name.lower() == COURSE_FILE), None)


def printable(name: str) -> str:
    """A name that every encoding and file can hold: bytes that are no text become escapes such as ``\\udcff``."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def original_stem(found: Found) -> str | None:
    """Stem of the file that this one is named a copy of ("- Copy", " (1)"), or None."""
    match = _COPY_OF.match(found.shot[1])
    return match[1] if match else None


def _walk(root: Path, scan: Scan) -> Iterator[Found]:
    """Yield candidates; folders that are links come last, so that a photo keeps its own place and not the link's."""
    queue: list[tuple[Path, tuple[str, ...]]] = [(root, ())]
    links: list[tuple[Path, tuple[str, ...]]] = []
    seen: set[tuple[int, int]] = set()
    while queue or links:
        folder, names = queue.pop() if queue else links.pop(0)
        shown = "/".join(names)
        try:
            here = folder.stat()
            if (here.st_dev, here.st_ino) in seen:
                scan.skipped.append((shown, "a link to a folder that has been read already"))
                continue
            seen.add((here.st_dev, here.st_ino))
            entries = sorted(os.scandir(folder), key=lambda entry: natural_key(entry.name))
        except OSError as error:
            scan.rejected.append(_not_opened(shown, error))
            continue
        beside = {entry.name for entry in entries}
        is_output = is_results_folder(folder, beside)
        if is_output and names:
            scan.skipped.append((shown, "a folder of results that this program made"))
            continue
        for entry in entries:
            name = printable(entry.name)
            file = "/".join((*names, name))
            if reason := reason_by_name(entry.name, is_output=is_output):
                if reason != COURSE_FILE:
                    scan.skipped.append((file, reason))
                elif names:
                    scan.skipped.append((file, "a course file is read only from the client's own folder"))
                continue
            if f"{Path(entry.name).stem}{RECIPE_SUFFIX}" in beside:
                scan.skipped.append((file, "a picture that this program made, with its recipe beside it"))
                continue
            try:
                mode = entry.stat().st_mode
            except OSError as error:
                scan.skipped.append((file, _broken_link(entry, error)))
                continue
            if stat.S_ISDIR(mode):
                (links if entry.is_symlink() else queue).append((Path(entry.path), (*names, name)))
            elif stat.S_ISREG(mode):
                yield Found(path=Path(entry.path), file=file, folders=names)
            else:
                scan.skipped.append((file, "a pipe, socket or device, not a file"))


def is_results_folder(folder: Path, names: set[str]) -> bool:
    """True for a folder of results, of a run that was stopped before its report too."""
    if "run.json" not in names or "report.html" in names:
        return "run.json" in names
    try:
        with open_ordinary(folder / "run.json") as file:
            return b'"settings_hash"' in file.read(1 << 22)
    except OSError:
        return False


def reason_by_name(name: str, *, is_output: bool) -> str:
    """Why an entry is left aside without a look inside; empty where it is not."""
    lower = name.lower()
    suffix = Path(lower).suffix
    if lower == COURSE_FILE:
        return COURSE_FILE
    if lower == f"{COURSE_FILE}.txt":
        return f"looks like the course file with a hidden extension: rename it to {COURSE_FILE}"
    if suffix in _UNFINISHED:
        return "not fully downloaded: download it again"
    if lower in _SYSTEM_FILES:
        return "made by the operating system"
    if name.startswith("."):
        return "hidden"
    if suffix in _SIDECARS:
        return "a sidecar file of a photo program"
    if suffix in _VIDEOS:
        return "a video"
    return "a folder of results that this program made" if is_output and lower in _OUTPUT_FOLDERS else ""


def _broken_link(entry: os.DirEntry[str], error: OSError) -> str:
    if entry.is_symlink():
        return "a link that leads nowhere or in a circle"
    return f"cannot be looked at ({error.strerror or error})"


def _sort_in(found: Found, scan: Scan, store: Store | None) -> None:
    """Look into one file and put it where it belongs."""
    try:
        facts = _look_into(found, store) if store is None else store.facts(found.path, lambda: _look_into(found, store))
    except OSError as error:
        if found.suffix in PHOTO_SUFFIXES:
            scan.rejected.append(_not_opened(found.file, error))
        else:
            reason = f"not a photo by its name, and cannot be read ({error.strerror or error})"
            scan.skipped.append((found.file, reason))
        return
    kind = find_kind(facts.head, suffix=found.suffix)
    if not facts.head and found.suffix in PHOTO_SUFFIXES:
        scan.rejected.append(_empty(found.file))
    elif kind:
        flags = Flag.NONE if found.suffix in SUFFIXES[kind] else Flag.WRONG_EXTENSION
        scan.photos.append(replace(found, kind=kind, sha256=facts.sha256, taken_at=facts.taken_at, flags=flags))
    elif found.suffix in PHOTO_SUFFIXES:
        scan.rejected.append(_not_an_image(found.file, facts.sha256))
    else:
        scan.skipped.append((found.file, "not a photo"))


def _look_into(found: Found, store: Store | None) -> FileFacts:
    """Read a file through, and its header where it is a photo."""
    from skinprogress.photos.reading import read_header

    with open_ordinary(found.path) as file:
        head = file.read(32)
        digest = hashlib.sha256(head)
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    sha256, taken_at = digest.hexdigest(), None
    if find_kind(head, suffix=found.suffix):
        try:
            with nullcontext() if store is None else store.handling(found.file, sha256):
                taken_at = read_header(found.path).taken_at
        except PhotoError:
            pass  # whoever decodes the photo will say what is wrong with it
    return FileFacts(sha256=sha256, head=head, taken_at=taken_at)


def _drop_twins(scan: Scan) -> None:
    """Leave one file of each shot: RAW or the picture beside it, no edit beside its original, no JPEG beside its HEIC.

    A RAW is better for colour (no tone curve, no smoothing), but photos of both kinds are worse than either: RAWs are
    used where they can be read and every photo of the client is one, and where nothing lies beside them.
    """
    raws = {found.shot: found for found in scan.photos if found.kind == "RAW"}
    finished = {found.shot: found for found in scan.photos if found.kind not in ("RAW", "JPEG", "HEIC")}
    finished |= {found.shot: found for found in scan.photos if found.kind == "JPEG"}
    # A phone that exports both made the JPEG from the HEIC: compressed twice, and often with fewer colours.
    heic = {found.shot: found for found in scan.photos if found.kind == "HEIC"}
    finished |= heic
    readable = raw_is_readable()
    all_raw = readable and all(shot in raws or _find_original(found, finished) for shot, found in finished.items())
    kept = []
    for found in scan.photos:
        if found.kind == "RAW":
            if (twin := finished.get(found.shot)) and not all_raw:
                scan.skipped.append((found.file, f"the RAW of {one_line(twin.file)}, which is used"))
            elif readable:
                kept.append(found)
            else:
                scan.rejected.append(_raw(found))
        elif all_raw and found.shot in raws:
            raw = one_line(raws[found.shot].file)
            scan.skipped.append((found.file, f"the finished picture of {raw}, a camera RAW, which is used"))
        elif found.kind == "JPEG" and found.shot in heic:
            scan.skipped.append((found.file, f"a converted copy of {one_line(heic[found.shot].file)}, which is used"))
        elif original := _find_original(found, finished):
            scan.skipped.append((found.file, f"an edited version of {one_line(original.file)}, which is used"))
        else:
            kept.append(found)
    scan.photos = kept


def _find_original(found: Found, finished: dict[tuple[tuple[str, ...], str], Found]) -> Found | None:
    folders, stem = found.shot
    for pattern in _EDIT_OF:
        if match := pattern.match(stem):
            return finished.get((folders, match[1] + match[2]))
    return None


def _not_opened(file: str, error: OSError) -> Rejection:
    name = one_line(file) or "the folder"
    if isinstance(error, PermissionError):
        return _rejection(
            file,
            "permission_denied",
            f"{name} may not be read by this user account",
            "allow reading in its properties, or copy it into a folder of your own",
        )
    if isinstance(error, FileNotFoundError):
        return _rejection(
            file,
            "file_missing",
            f"{name} disappeared while the folder was read",
            "check whether the drive or the cloud folder that holds it is connected, then run again",
        )
    return _rejection(file, "unreadable", f"{name} cannot be read ({error.strerror or error})", _COPY_AGAIN)


def _empty(file: str) -> Rejection:
    return _rejection(file, "empty_file", f"{one_line(file)} is empty (0 bytes)", _COPY_AGAIN)


def _not_an_image(file: str, sha256: str) -> Rejection:
    reason = f"{one_line(file)} is named like a photo, but its content is not a picture"
    remedy = "take it out of the folder, or copy the photo again from the camera or phone"
    return _rejection(file, "not_an_image", reason, remedy, sha256)


def _raw(found: Found) -> Rejection:
    reason = f"{one_line(found.file)} is a camera RAW file, and the package that reads those is not installed"
    return _rejection(found.file, "raw_not_supported", reason, RAW_REMEDY, found.sha256)


def _rejection(file: str, code: str, reason: str, remedy: str, sha256: str = "") -> Rejection:
    return Rejection(file=file, session="", code=code, reason=reason, remedy=remedy, sha256=sha256)
