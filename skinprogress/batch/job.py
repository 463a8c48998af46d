"""What a worker does for one client: compare, write beside the earlier results, put the new ones in their place."""

import contextlib
import errno
import traceback
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from skinprogress.batch.done import Done, is_settled, read_done, settle, take_fingerprint, write_done
from skinprogress.batch.placing import (
    NEW,
    NEW_TABLES,
    check_way,
    mend,
    place,
    place_tables,
    remove_files,
    results_folder,
    store_folder,
)
from skinprogress.batch.records import COHORT, BatchEvent, ClientSummary, ClientTask, EventKind, Report
from skinprogress.errors import (
    AmbiguousDateError,
    CourseFileError,
    NothingMeasuredError,
    OutputError,
    SkinprogressError,
)
from skinprogress.outputs.files import RECORD
from skinprogress.store import Store

if TYPE_CHECKING:
    from skinprogress.batch.hiding import Hider
    from skinprogress.photos.folder import FolderListing
    from skinprogress.records import ClientResult
    from skinprogress.settings import OutputOptions

_LASTING = (NothingMeasuredError, CourseFileError, AmbiguousDateError)
"""What comes from the content of the folder, and comes again while that stays the same."""
_PASSING = ("file_missing", "changed", "not_read")
"""Codes of rejections of photos that may be there again, as if nothing had been, the next time."""
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def work(task: ClientTask, report: Report) -> ClientSummary:
    """Compare a client's sessions, and let the new results take the place of the earlier ones.

    Parameters
    ----------
    task : ClientTask
    report : callable
        Told of photos, stages and warnings; begin and end of the client are left to whoever hands out the work.

    Returns
    -------
    ClientSummary
        ``failed`` with reason and remedy where nothing could be compared; earlier results stay then.

    Raises
    ------
    OutputError
        The disk is full: no other client can be written either.
    """
    job = _Job(task=task, report=report)
    try:
        return job.finish()
    except Exception as error:  # one client's fault must not end the others' work, whatever it is
        with contextlib.suppress(OSError, OutputError):
            job.mend()
        if any(isinstance(cause, OSError) and cause.errno in _FULL for cause in _causes(error)):
            raise _as_output_error(error, task.out) from error
        return job.fail(error)


@dataclass(kw_only=True, eq=False)
class _Job:
    """One client's work, and what is known by now in case that it fails."""

    task: ClientTask
    report: Report
    earlier: Done | None = None
    fingerprint: str = ""
    today: date = field(default_factory=date.today)
    listing: "FolderListing | None" = None
    hider: "Hider | None" = None
    placed: list[Path] = field(default_factory=list)
    points: Path | None = None

    @cached_property
    def store(self) -> Path:
        return store_folder(self.task.out, self.task.client.id)

    @cached_property
    def target(self) -> Path:
        return results_folder(self.task.out, self.task.label)

    @property
    def options(self) -> "OutputOptions":
        """As asked for, but that nothing is made for publishing unless the client said so."""
        return replace(self.task.options.output, need_consent=True, home=self.target)

    def finish(self) -> ClientSummary:
        """All of it; the note that it is done comes last."""
        self.earlier = read_done(self.store)
        self.mend()
        seen = settle(self.task)
        self.fingerprint = seen.digest if is_settled(seen) else ""
        store = Store(self.store, watch=self.watch, photo_limit_s=self.task.options.photo_limit_s)
        listing = self.listing = self.list_photos(store)
        try:
            result = self.compare(listing, store)
        except NothingMeasuredError:
            self.show_points(listing)
            raise
        summary = self.write(result)
        store.keep_facts()
        store.sweep()
        self.note(summary)
        return summary

    def mend(self) -> None:
        out = self.task.out
        check_way(out, self.store, self.target.parent, *(out / COHORT).glob("*"))
        mend(self.store, self.target, ours=self.ours())

    def ours(self) -> set[str]:
        """Files in the folder of results that an earlier run noted as its own."""
        return self.earlier.files_in(self.target, out=self.task.out) if self.earlier else set()

    def list_photos(self, store: Store) -> "FolderListing":
        from skinprogress.photos.folder import list_folder

        client, options = self.task.client, self.task.options
        listing = list_folder(client.path, settings=options.settings, course=client.course, store=store)
        if options.pseudonyms:
            from skinprogress.batch.pseudonyms import hide_names

            listing, self.hider = hide_names(listing, label=self.task.label, folder=client.path, id=client.id)
        return listing

    def compare(self, listing: "FolderListing", store: Store) -> "ClientResult":
        """The result without what differs from run to run."""
        from skinprogress.pipeline.comparing import compare_client

        result = compare_client(
            listing.photos,
            client=listing.client,
            folder=Path(self.task.label) if self.hider else self.task.client.path,
            course=listing.course,
            settings=self.task.options.settings,
            rejected=listing.rejected,
            skipped=listing.skipped,
            notes=listing.notes,
            progress=lambda text, done, total: self.tell("stage", text, done=done, total=total),
            store=store,
            threads=self.task.threads,
        )
        took = ", ".join(f"{name.replace('_', ' ')} {seconds:.1f} s" for name, seconds in result.timings_s.items())
        self.tell("stage", f"took: {took}")
        result = replace(result, timings_s={})
        return self.hider.hide_result(result) if self.hider else result

    def write(self, result: "ClientResult") -> ClientSummary:
        """Write everything, put it in its place, and sum it up."""
        from skinprogress.batch.cohort import write_cohort
        from skinprogress.batch.summing import sum_up
        from skinprogress.batch.thumbnails import write_thumbnails
        from skinprogress.outputs.table import write_outputs
        from skinprogress.outputs.tables import write_run

        new = self.store / NEW
        with self.hearing_warnings() as told:
            written = write_outputs(
                result, new, options=self.options, progress=lambda title: self.tell("stage", f"writing {title}")
            )
            thumbnails = write_thumbnails(result, new) if self.task.options.thumbnails else []
        files = [new / RECORD, *(path for paths in written.values() for path in paths), *thumbnails]
        names = list(dict.fromkeys(path.relative_to(new).as_posix() for path in files))
        write_run(result, new, files=names, complete=True)  # the thumbnails are the run's too
        tables = write_cohort(result, self.store / NEW_TABLES, label=self.task.label)
        summary = sum_up(result, self.options, label=self.task.label, today=self.today)
        place(self.store, self.target, ours=self.ours())
        place_tables(self.store, self.task.out)
        self.placed = [self.target / name for name in names]
        self.placed += [self.task.out / path.relative_to(self.store / NEW_TABLES) for path in tables]
        self.clear_earlier()
        return replace(
            summary,
            report=self.relative(self.target / "report.html") if "report.html" in names else "",
            thumbnails=tuple(self.relative(self.target / path.relative_to(new)) for path in thumbnails),
            notes=(*result.notes, *told),
        )

    def show_points(self, listing: "FolderListing") -> None:
        """Where no face was found: the photos laid over each other by points set by hand, if there are any."""
        from skinprogress.outputs.composing.consent import rule_for_outputs
        from skinprogress.outputs.points_composite import write_points_composites

        if not rule_for_outputs(listing.course.consent, self.options).allowed:
            return
        if made := write_points_composites(listing.photos, self.store / NEW):
            place(self.store, self.target, ours=self.ours())
            self.placed = [self.target / path.relative_to(self.store / NEW) for path in made]
            self.points = self.placed[0]
            self.clear_earlier()

    def clear_earlier(self) -> None:
        """Remove what is no longer made: tables, or everything of a client that had another name before."""
        if self.earlier is not None:
            remove_files(self.task.out, set(self.earlier.outputs) - set(map(self.relative, self.placed)))

    def note(self, summary: ClientSummary) -> None:
        """Note what became of the client; as done, unless its folder has changed meanwhile."""
        lasting = not any(rejection.code in _PASSING for rejection in summary.rejected)
        unchanged = self.fingerprint == take_fingerprint(self.task).digest
        earlier = [self.task.out / name for name in (self.earlier.outputs if self.earlier else ())]
        write_done(
            self.task,
            self.fingerprint if unchanged and lasting else "",
            summary,
            outputs=self.placed or [path for path in earlier if path.exists()],
            consent=self.listing.course.consent if self.listing else None,
            ruled_on=self.today,
        )

    def fail(self, error: Exception) -> ClientSummary:
        """Sum up why nothing could be compared; noted as done if it would come again the next time."""
        reason, remedy = _explain(error)
        if not isinstance(error, SkinprogressError | OSError):
            self.tell("warning", self.hide("".join(traceback.format_exception(error))))
        listing, notes = self.listing, []
        rejected = getattr(error, "rejected", ()) or (listing.rejected if listing else ())
        if self.points:
            notes.append(f"{self.relative(self.points)} shows the photos laid over each other by their points")
        elif self.target.is_dir():
            notes.append(f"{self.relative(self.target)} still holds the results of an earlier run")
        summary = ClientSummary(
            client=self.task.label,
            status="failed",
            reason=self.hide(reason),
            remedy=self.hide(remedy),
            n_photos=len(listing.photos) + len(listing.rejected) if listing else 0,
            n_rejected=len(rejected),
            rejected=rejected,
            pictures={photo.file: photo.sha256 for photo in listing.photos} if listing else {},
            notes=tuple(notes),
        )
        if isinstance(error, _LASTING) and not any(isinstance(cause, OSError) for cause in _causes(error)):
            self.note(summary)
        return summary

    @contextlib.contextmanager
    def hearing_warnings(self) -> Iterator[list[str]]:
        """Pass on what outputs warn of."""
        told: list[str] = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            yield told
        for warning in caught:
            text = self.hide(str(warning.message))
            self.tell("warning", text)
            if warning.category is UserWarning:
                told.append(text)

    def tell(self, kind: EventKind, text: str, *, done: int = 0, total: int = 0) -> None:
        self.report(BatchEvent(kind=kind, client=self.task.label, text=text, done=done, total=total))

    def watch(self, file: str, sha256: str, begins: bool) -> None:
        kind: EventKind = "photo begins" if begins else "photo ends"
        self.report(BatchEvent(kind=kind, client=self.task.label, file=self.hide(file), sha256=sha256))

    def hide(self, text: str) -> str:
        """The text without names, where names are made up."""
        if not self.task.options.pseudonyms:
            return text
        if self.hider is None:
            from skinprogress.batch.hiding import hider_of

            client = self.task.client
            self.hider = hider_of(client.path, label=self.task.label, called=(client.id,))
        return self.hider.hide(text)

    def relative(self, path: Path) -> str:
        return path.relative_to(self.task.out).as_posix()


def _explain(error: Exception) -> tuple[str, str]:
    """Reason and remedy, for a person."""
    if isinstance(error, SkinprogressError):
        return error.reason, error.remedy
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}", "check the drive and the rights of its folder, then run again"
    message = " ".join(str(error).split())
    reason = f"the program met a fault of its own ({type(error).__name__}{': ' if message else ''}{message})"
    return reason, "run again; if it comes again, report it with the warning in the log"


def _as_output_error(error: Exception, out: Path) -> OutputError:
    if isinstance(error, OutputError):
        return error
    return OutputError(f"the disk that holds {out} is full", "make room on it, then run again")


def _causes(error: BaseException) -> Iterable[BaseException]:
    """An error and those that led to it."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
