"""What a notebook or a program imports: compare a client's folder, look at the result, save it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skinprogress.checking.comparability import ComparabilityCheck
from skinprogress.checking.comparability import check_against as _check_against
from skinprogress.checking.quality import PhotoCheck, check_photos
from skinprogress.outputs.tables import changes_frame, measurements_frame
from skinprogress.photos.consents import strictest
from skinprogress.photos.loose import find_consents, loose_refs
from skinprogress.pipeline.comparing import Progress
from skinprogress.pipeline.comparing import compare_client as _compare_client
from skinprogress.records import ClientResult, Course, Flag, View
from skinprogress.settings import OutputOptions, Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from skinprogress.batch.records import BatchOptions, Report
    from skinprogress.batch.running import BatchResult
    from skinprogress.checking.showing import Composition
    from skinprogress.outputs.composing.recipe import CompositeOptions
    from skinprogress.outputs.composing.verifying import Verification
    from skinprogress.photos.folder import FolderListing

__all__ = [
    "ComparabilityCheck",
    "PhotoCheck",
    "changes_frame",
    "check_against",
    "check_photos",
    "compare_client",
    "compare_photos",
    "compose",
    "figure",
    "list_client",
    "loose_refs",
    "measurements_frame",
    "run_batch",
    "save",
    "verify",
]

ChartKind = Literal[
    "trend", "change_map", "face_map", "outline_map", "forest", "sides", "overview", "recovery"
]  # fmt: skip


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
    from skinprogress.photos.folder import list_folder

    listing = list_folder(Path(folder), settings=settings or Settings())
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
        Sessions are called ``before`` and ``after``. Of a client's ``course.toml`` above the photos only the consent is
        read.

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
        course=Course(consent=strictest(find_consents(ref.path for ref in refs))),
        settings=settings or Settings(),
        notes=["both files are the same picture: there is nothing to compare"] if same else [],
        progress=progress,
    )


def run_batch(
    clients_folder: str | Path,
    out: str | Path,
    *,
    options: "BatchOptions | None" = None,
    only: Sequence[str] = (),
    sheet: str | Path | None = None,
    report: "Report | None" = None,
) -> "BatchResult":
    """Compare every client in a folder of clients' folders. What is done is not done again.

    Parameters
    ----------
    clients_folder : path
        A folder per client, nested deeper too.
    out : path
        Folder for everything that is made, found out and remembered; only one run at a time writes into it.
    options : BatchOptions, optional
        Settings, outputs, workers, memory; by default one worker.
    only : sequence of str
        Names of clients, or patterns with ``*`` and ``?``; empty: all.
    sheet : path, optional
        CSV or XLSX file with every client's course, see :func:`skinprogress.photos.sheet.read_sheet`.
    report : callable, optional
        Hears a :class:`~skinprogress.batch.records.BatchEvent` for whatever happens.

    Returns
    -------
    BatchResult
        A summary of every client, how many were done, unchanged and failed, and where ``index.html`` is.

    Raises
    ------
    UsageError
        No such folder, no client in it, a wrong sheet, or another run that writes into `out`. A client that fails is
        no error: its summary says why.

    Notes
    -----
    Workers are processes that import the calling program: in a script, call it below ``if __name__ == "__main__":``.
    """
    from skinprogress.batch.records import BatchOptions
    from skinprogress.batch.running import run_batch as _run_batch

    return _run_batch(
        Path(clients_folder),
        Path(out),
        options=options or BatchOptions(),
        only=only,
        sheet=None if sheet is None else Path(sheet),
        report=report or (lambda _event: None),
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
    kind : {'trend', 'change_map', 'face_map', 'outline_map', 'forest', 'sides', 'overview', 'recovery'}
        Values of each region over the sessions; changes by region and session; changes of one pair of sessions on the
        client's face, on a neutral face that shows nobody, or with their intervals over what the photos could have
        shown; the left side against the right; all measures of the whole face; redness in the days after treatments.
    metric : str
        Not used by ``overview`` and ``recovery``.
    view : View
    from_session, to_session : str, optional
        For one pair of sessions; by default the baseline and the last session.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        The result holds nothing to draw.
    PhotoError
        The photo under a face map can no longer be read.
    """
    from skinprogress.outputs import facemap
    from skinprogress.outputs.changemap import plot_change_map
    from skinprogress.outputs.forest import plot_forest
    from skinprogress.outputs.overview import plot_overview
    from skinprogress.outputs.recovery import plot_recovery
    from skinprogress.outputs.sides import plot_sides
    from skinprogress.outputs.trendchart import plot_trend

    if kind in ("overview", "recovery"):
        return (plot_overview if kind == "overview" else plot_recovery)(result, view=view)
    over_sessions = {"trend": plot_trend, "change_map": plot_change_map, "sides": plot_sides}
    if kind in over_sessions:
        return over_sessions[kind](result, metric=metric, view=view)
    of_a_pair = {"face_map": facemap.plot_face_map, "outline_map": facemap.plot_outline_map, "forest": plot_forest}
    return of_a_pair[kind](
        result,
        metric=metric,
        view=view,
        from_session=from_session or result.plan.baseline or result.sessions[0],
        to_session=to_session or result.sessions[-1],
    )


def compose(
    photos: str | Path | Sequence[str | Path],
    *,
    options: "CompositeOptions | None" = None,
    view: View | None = None,
    sessions: Sequence[str] = (),
    purpose: str = "",
    settings: Settings | None = None,
) -> "Composition":
    """Plan a before-and-after picture to show: aligned, colours matched, never retouched, consent checked.

    Parameters
    ----------
    photos : path, or sequence of path
        A client's folder, or the earlier photo and the later ones.
    options : CompositeOptions, optional
        Layout, shape, labels, what is hidden; see :mod:`skinprogress.outputs.composing.recipe`.
    view : View, optional
    sessions : sequence of str
        Labels of the sessions to show, or how they begin.
    purpose : str
        What the picture is for, held against the scope of the consent in the course file.
    settings : Settings, optional

    Returns
    -------
    Composition
        ``.render()`` gives the picture as an array, ``.write(FILE)`` writes it with its recipe beside it.

    Raises
    ------
    UsageError
        The consent forbids it, or what was asked for cannot be made of these photos.
    NothingMeasuredError
        Fewer than two sessions can be used.
    """
    from skinprogress.checking.showing import compose as _compose

    named = [photos] if isinstance(photos, (str, Path)) else photos
    return _compose(
        [Path(p) for p in named], options=options, view=view, sessions=sessions, purpose=purpose, settings=settings
    )


def verify(
    composite: str | Path, *, photos: str | Path | None = None, client: str | Path | None = None
) -> "Verification":
    """Make a composite again from its recipe and photos, and see whether it is what it claims to be.

    Parameters
    ----------
    composite : path
        With its recipe beside it.
    photos : path, optional
        Folder of the photos, where they are no longer where they were.
    client : path, optional
        The client's folder: the composite is planned anew from it too, and labels, warnings, places and colours are
        compared. The recipe is not signed, so only this tells whether it was made up.

    Returns
    -------
    Verification
        Every check with its outcome in words.
    """
    if client is not None:
        from skinprogress.checking.planned_anew import verify_anew

        return verify_anew(Path(composite), client_folder=Path(client))
    from skinprogress.outputs.composing.verifying import verify_composite

    return verify_composite(Path(composite), photos=None if photos is None else Path(photos))


def save(result: ClientResult, out: str | Path, *, options: OutputOptions | None = None) -> Path:
    """Write every output file of a run.

    Parameters
    ----------
    result : ClientResult
    out : path
        Made where it is missing.
    options : OutputOptions, optional
        Whom the report speaks to, where its pictures lie, and whether it is printed to a PDF too.

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
    write_outputs(result, out, options=options)
    return out / "report.html"
