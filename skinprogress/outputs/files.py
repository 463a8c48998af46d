"""Files that appear whole or not at all, readable by their owner alone, and the folder that they go into."""

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from skinprogress.errors import OutputError

ASSETS = "report_files"
"""Subfolder for the pictures of a report that keeps them beside it."""

THUMBNAILS = "thumbnails"
"""Subfolder for the small pictures that the page of all clients shows."""

FOLDERS = ("charts", "composites", "aligned", ASSETS, THUMBNAILS)
"""Subfolders of an output folder that hold pictures made by this program."""

RECORD = "run.json"
"""The file that says that a folder holds results of this program."""

_RESULTS = (
    "report.html", "report.pdf", "photos.csv", "measurements.csv", "measurements.parquet", "changes.csv",
    "changes.parquet", "comparisons.csv", "findings.csv", "spots.csv",
)  # fmt: skip
_PHOTO_SUFFIXES = {f".{kind}" for kind in ("jpg", "jpeg", "jpe", "png", "tif", "tiff", "webp", "heic", "heif", "avif")}
_RAW_SUFFIXES = {f".{kind}" for kind in ("dng", "cr2", "cr3", "nef", "arw", "raf", "orf", "rw2")}

_HALF_WRITTEN = re.compile(r"\.[0-9a-f]{12}\.tmp")
"""Names of files that are being written; nobody's own."""


def is_ordinary(path: Path) -> bool:
    """True for a file that can be read to its end; not for folders, pipes, devices, and links that lead to one."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def write_whole(path: Path, data: bytes | str) -> Path:
    """Write a file so that it is there whole or not at all.

    Parameters
    ----------
    path : Path
        Its folder is made where it is missing; see :func:`make_folder`.
    data : bytes or str
        Text is written as UTF-8 with its line ends as they are; what UTF-8 cannot hold (undecodable bytes of a file
        name) is written as an escape.

    Returns
    -------
    Path
        `path`, for chaining.

    Raises
    ------
    OutputError
        The file cannot be written.

    Notes
    -----
    Pictures of faces are health data: only the file's owner may read it (mode 0600), whatever the umask allows, and
    whoever might read the file that it replaces.
    """
    payload = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    # A short name of its own: a long file name plus a suffix could pass the limit of the file system.
    beside = path.with_name(f".{secrets.token_hex(6)}.tmp")
    try:
        make_folder(path.parent)
        with open(beside, "xb", opener=_private) as file:
            file.write(payload)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        is_full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
        remedy = "make room, then run again" if is_full else "close it elsewhere or choose another folder"
        raise OutputError(f"{path} cannot be written ({error.strerror or error})", remedy) from error
    except BaseException:
        # Ctrl-C too: no half-written file stays behind.
        beside.unlink(missing_ok=True)
        raise
    return path


def clear_half_written(folder: Path) -> None:
    """Remove from a folder what a process that was killed while writing whole files left in it.

    Parameters
    ----------
    folder : Path
        Nobody else writes into it meanwhile. Folders in it are left alone.
    """
    with contextlib.suppress(OSError):  # it is in nobody's way
        for path in [path for path in folder.iterdir() if _HALF_WRITTEN.fullmatch(path.name)]:
            path.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner alone (mode 0700); others stay as they are.

    Raises
    ------
    OSError
        It cannot be made, or a file has its name.
    """
    # One by one: Path.mkdir(parents=True) gives its mode to the innermost alone.
    for missing in reversed([p for p in (folder, *folder.parents) if not os.path.lexists(p)]):
        missing.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(exist_ok=True)  # says what is wrong where something else has its name


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def prepare_output(out: Path, *, photos_folder: Path | None = None) -> None:
    """Make the output folder, or say in one line why it cannot be used.

    Parameters
    ----------
    out : Path
        Folder for the results; made with its parents.
    photos_folder : Path or None
        Folder that is read for photos: `out` must not be it or lie inside it, or the next run would read pictures
        made by this one.

    Raises
    ------
    OutputError
        `out` is a file or lies inside one, cannot be written, or holds photos, or files of another origin that would
        be overwritten.
    """
    # os.path rather than Path: names that are too long and links in a circle are "not there" to it, no exceptions.
    blocker = next((p for p in (out, *out.parents) if os.path.lexists(p)), None)
    if blocker is not None and not os.path.isdir(blocker):  # noqa: PTH112 - as above
        what = "file" if os.path.exists(blocker) else "link that leads nowhere"  # noqa: PTH110 - as above
        where = f"is a {what}" if blocker == out else f"lies inside the {what} {blocker}"
        raise OutputError(f"The output folder {out} {where}", "choose a folder with -o")
    if photos_folder is not None and is_within(out, photos_folder):
        raise OutputError(
            f"The output folder {out} lies in the folder of the photos, where results and photos would mix",
            "choose a folder elsewhere with -o",
        )
    if (photo := _find_photo(out)) is not None:
        raise OutputError(
            f"The output folder {out} holds photos ({photo.name}), and results would mix with them",
            "choose a new or empty folder with -o",
        )
    if (foreign := _find_foreign(out)) is not None:
        raise OutputError(
            f"The output folder {out} holds a {foreign} that is not known to come from this program, and a run would "
            "overwrite it",
            "choose a new or empty folder with -o, or take that file out",
        )
    probe = out / f".{secrets.token_hex(6)}.tmp"
    try:
        make_folder(out)
        probe.touch(exist_ok=False)  # the only test that tells the truth about rights, shares and full disks
    except OSError as error:
        raise OutputError(
            f"The output folder {out} cannot be written ({error.strerror or error})", "choose another folder with -o"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


@contextlib.contextmanager
def reserved_output(out: Path, *, photos_folder: Path | None = None) -> Iterator[None]:
    """Keep an output folder ready during the work, and leave none behind if the work fails before the first file.

    Parameters
    ----------
    out, photos_folder
        As for :func:`prepare_output`.

    Raises
    ------
    OutputError
        As :func:`prepare_output`.
    """
    missing = [p for p in (out, *out.parents) if not os.path.lexists(p)]
    try:
        prepare_output(out, photos_folder=photos_folder)
        yield
    except BaseException:
        for folder in missing:
            with contextlib.suppress(OSError):  # it holds something, or was never made
                folder.rmdir()
        raise


def is_within(out: Path, folder: Path) -> bool:
    """Whether a path is a folder or lies in it, whatever names and links lead there."""
    if not folder.is_dir():
        return False
    # samefile: file systems that ignore case, or show one folder in two places, know the folder by other names too.
    inner = Path(os.path.realpath(out))
    return any(os.path.exists(p) and p.samefile(folder) for p in (inner, *inner.parents))  # noqa: PTH110 - as above


def _find_foreign(out: Path) -> str | None:
    """Name of a file in `out` that a run would overwrite, unless a record, broken or not, says that a run was here."""
    if os.path.lexists(out / RECORD):
        return None
    return next((name for name in _RESULTS if os.path.lexists(out / name)), None)


def _find_photo(out: Path) -> Path | None:
    """First photo in `out` or one folder below it, leaving out the folders that this program fills."""
    suffixes = _PHOTO_SUFFIXES | _RAW_SUFFIXES
    try:
        here = sorted(out.iterdir()) if out.is_dir() else []
        below = [p for d in here if d.is_dir() and d.name not in FOLDERS and d.name[0] != "." for p in _listed(d)]
        return next((p for p in (*here, *below) if p.suffix.lower() in suffixes and p.is_file()), None)
    except OSError:
        return None  # the probe says it better


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []  # a folder that cannot be read is not one of ours to judge
