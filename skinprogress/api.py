"""What a notebook or a program imports: compare a client's folder, look at the result, save it."""

import errno
import hashlib
import os
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skinprogress.checking.comparability import ComparabilityCheck
from skinprogress.checking.comparability import check_against as _check_against
from skinprogress.checking.quality import PhotoCheck, check_photos
from skinprogress.errors import UsageError
from skinprogress.outputs.tables import changes_frame, measurements_frame
from skinprogress.pipeline import Progress
from skinprogress.pipeline import compare_client as _compare_client
from skinprogress.records import ClientResult, Course, Flag, PhotoRef, View
from skinprogress.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from skinprogress.photos.folder import FolderListing

__all__ = [
    "ComparabilityCheck",
    "PhotoCheck",
    "changes_frame",
    "check_against",
    "check_photos",
    "compare_client",
    "compare_photos",
    "figure",
    "list_client",
    "measurements_frame",
    "save",
]

ChartKind = Literal["trend", "change_map", "face_map"]


def list_client(folder: str | Path, *, settings: Settings | None = None) -> "tuple[FolderListing, Course]":
    """List a client's photos, grouped into sessions, and read the course file.

    Parameters
    ----------
    folder : path
    settings : Settings, optional

    Returns
    -------
    listing : FolderListing
    course : Course

    Raises
    ------
    UsageError
        No such folder, a wrong course file, or dates that can be read in two ways.
    NothingMeasuredError
        No photo in it.
    """
    from skinprogress.photos.course import read_course
    from skinprogress.photos.folder import list_photos

    folder = Path(folder)
    # Not folder.is_dir(): a path that is too long or locked raises there, and is told in words by list_photos.
    course = read_course(folder) if os.path.isdir(folder) else None  # noqa: PTH112
    listing = list_photos(folder, settings=settings or Settings(), course=course)
    return listing, listing.course


def compare_client(
    folder: str | Path,
    *,
    settings: Settings | None = None,
    listing: "FolderListing | None" = None,
    notes: Sequence[str] = (),
    progress: Progress | None = None,
) -> ClientResult:
    """Compare all sessions in a client's folder.

    Parameters
    ----------
    folder : path
        A folder per session, or flat files with dates; ``course.toml`` beside them is read.
    settings : Settings, optional
    listing : FolderListing, optional
        From :func:`list_client` with the same settings, where it is at hand: no photo is hashed twice.
    notes : sequence of str
        Sentences to print at the top of the report.
    progress : callable, optional
        Called with what is being done, photos done, photos in all.

    Returns
    -------
    ClientResult

    Raises
    ------
    UsageError
        No such folder, a wrong course file, or dates that can be read in two ways.
    NothingMeasuredError
        No photo could be used.
    """
    settings = settings or Settings()
    if listing is None:
        listing, _ = list_client(folder, settings=settings)
    return _compare_client(
        listing.photos,
        client=listing.client,
        folder=Path(folder),
        course=listing.course,
        settings=settings,
        rejected=listing.rejected,
        skipped=listing.skipped,
        notes=(*notes, *listing.notes),
        progress=progress,
    )


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


def _digest(path: Path) -> str:
    """SHA-256 of a photo, empty where it cannot be read."""
    from skinprogress.photos.scan import one_line

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


def compare_photos(
    before: str | Path, after: str | Path, *, settings: Settings | None = None, progress: Progress | None = None
) -> ClientResult:
    """Compare two photos as if each were a session.

    Parameters
    ----------
    before, after : path
    settings : Settings, optional
    progress : callable, optional

    Returns
    -------
    ClientResult
        Sessions are called ``before`` and ``after``.

    Raises
    ------
    UsageError
        A file is missing.
    NothingMeasuredError
        Neither photo could be used.
    """
    refs = loose_refs([before, after], client=f"{Path(before).stem} and {Path(after).stem}")
    same = bool(refs[0].sha256) and refs[0].sha256 == refs[1].sha256
    named = []
    for ref, session in zip(refs, ("before", "after"), strict=True):
        # Both files may have the same name, in two folders.
        file = ref.file if refs[0].file != refs[1].file else f"{session}/{ref.file}"
        flags = ref.flags | (Flag.SAME_PICTURE_TWICE if same else Flag.NONE)
        named.append(replace(ref, session=session, file=file, flags=flags))
    return _compare_client(
        named,
        client=named[0].client,
        folder=Path(before).parent,
        course=Course(),
        settings=settings or Settings(),
        notes=["both files are the same picture: there is nothing to compare"] if same else [],
        progress=progress,
    )


def check_against(
    photos: Sequence[str | Path], folder: str | Path, *, settings: Settings | None = None
) -> list[ComparabilityCheck]:
    """Grade new photos against a client's reference photo, while the client is still there.

    Parameters
    ----------
    photos : sequence of path
        Whether they are in the client's folder or not.
    folder : path
        The client's folder. Only the baseline session's photos are opened where they show the view of the new photos.
    settings : Settings, optional

    Returns
    -------
    list of ComparabilityCheck
        Grade, what differs with its remedy, and what is fine, in the order of `photos`.

    Raises
    ------
    UsageError
        No such photo or folder, a wrong course file, or dates that can be read in two ways.
    NothingMeasuredError
        The folder holds no photo that can serve as a reference.
    """
    refs = loose_refs(photos)
    listing, _ = list_client(folder, settings=settings)
    return _check_against(refs, listing, settings=settings)


def figure(
    result: ClientResult,
    kind: ChartKind = "trend",
    *,
    metric: str = "redness_index",
    view: View = "front",
    from_session: str | None = None,
    to_session: str | None = None,
) -> "Figure":
    """Draw one chart.

    Parameters
    ----------
    result : ClientResult
    kind : {'trend', 'change_map', 'face_map'}
    metric : str
    view : View
    from_session, to_session : str, optional
        For the face map; by default the baseline and the last session.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from skinprogress.outputs.changemap import plot_change_map
    from skinprogress.outputs.charts import plot_trend
    from skinprogress.outputs.facemap import plot_face_map

    if kind == "trend":
        return plot_trend(result, metric=metric, view=view)
    if kind == "change_map":
        return plot_change_map(result, metric=metric, view=view)
    return plot_face_map(
        result,
        metric=metric,
        view=view,
        from_session=from_session or result.plan.baseline or result.sessions[0],
        to_session=to_session or result.sessions[-1],
    )


def save(result: ClientResult, out: str | Path) -> Path:
    """Write every output file of a run.

    Parameters
    ----------
    result : ClientResult
    out : path
        Made where it is missing.

    Returns
    -------
    Path
        ``report.html``.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    from skinprogress.outputs.table import write_outputs

    out = Path(out)
    write_outputs(result, out)
    return out / "report.html"
