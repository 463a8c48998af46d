"""A whole clinic's folders: what is done is skipped, the rest is handed out, and the index tells of all."""

import math
import time
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from skinprogress.batch.clients import ClientSearch, find_clients
from skinprogress.batch.done import Done, find_done, read_done
from skinprogress.batch.lock import hold_as_worker, locked
from skinprogress.batch.placing import check_way, key_of, mend, results_folder, store_folder
from skinprogress.batch.pseudonyms import label_of
from skinprogress.batch.records import (
    CLIENTS,
    COHORT,
    STORE,
    BatchEvent,
    BatchOptions,
    ClientSummary,
    ClientTask,
    Report,
)
from skinprogress.batch.workers import plan_threads, run_tasks
from skinprogress.errors import OutputError, PhotoError, SkinprogressError, UsageError
from skinprogress.outputs.files import is_within, prepare_output
from skinprogress.photos.course import CourseFile
from skinprogress.photos.suggestions import nearest
from skinprogress.store import Store

_NAMED_AT_MOST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What a batch came to.

    Attributes
    ----------
    summaries : tuple of ClientSummary
        All clients that the output folder knows, those of earlier runs too.
    n_done, n_unchanged, n_failed : int
        Of the clients that this run was about: compared now; as they were; failed, now or before with no change since.
    index : Path
        ``index.html``.
    seconds : float
    """

    summaries: tuple[ClientSummary, ...]
    n_done: int
    n_unchanged: int
    n_failed: int
    index: Path
    seconds: float


def run_batch(
    root: Path,
    out: Path,
    *,
    options: BatchOptions,
    only: Sequence[str] = (),
    sheet: Path | None = None,
    report: Report = lambda event: None,
) -> BatchResult:
    """Compare every client in a folder of clients' folders.

    Parameters
    ----------
    root : Path
        The clients' folder.
    out : Path
        Folder for everything that is made, found out and remembered; made where it is missing.
    options : BatchOptions
    only : sequence of str
        Patterns (``*`` and ``?``) for the clients to do, by id or label; empty: all.
    sheet : Path, optional
        CSV or XLSX file with the courses of all clients.
    report : callable
        Hears what happens.

    Returns
    -------
    BatchResult

    Raises
    ------
    UsageError
        No client, no client of that name, a wrong sheet, or another run writes into `out`.
    OutputError
        `out` cannot be used, or its disk is full. Clients that are done stay done.
    SkinprogressError
        No worker process can be started.
    KeyboardInterrupt
        After the index was written for what is done.
    """
    started = time.monotonic()
    _check_apart(root, out)
    search = find_clients(root, sheet=_read_sheet(sheet, options))
    prepare_output(out, photos_folder=root)
    check_way(out, out / CLIENTS, out / COHORT)
    with locked(out):
        label = partial(label_of, out) if options.pseudonyms else str
        tasks = [ClientTask(client=c, out=out, label=label(c.id), options=options) for c in search.clients]
        if options.pseudonyms:
            # In the order of their names, log and times of files would tell who is who.
            tasks.sort(key=lambda task: task.label)
            _check_labels(tasks)
        run = _Run(out=out, options=options, search=search, tasks=_choose(tasks, only), report=report)
        report(BatchEvent(kind="stage", client="", text="clients", total=len(run.tasks)))
        run.tell_notes()
        try:
            run.skip_what_is_done()
            run.do_the_rest()
        except BaseException:
            # Ctrl-C and a full disk too: the index tells what there is by now, if it still can be written.
            with suppress(SkinprogressError, OSError):
                run.write_index()
            raise
        index, summaries = run.write_index()
    n_failed = sum(summary.status == "failed" for summary in run.results.values())
    return BatchResult(
        summaries=tuple(summaries), n_failed=n_failed, n_unchanged=run.n_unchanged,
        n_done=len(run.results) - n_failed - run.n_unchanged, index=index, seconds=time.monotonic() - started,
    )  # fmt: skip


@dataclass(slots=True, kw_only=True, eq=False)
class _Run:
    """One run of a batch."""

    out: Path
    options: BatchOptions
    search: ClientSearch
    tasks: list[ClientTask]
    report: Report
    results: dict[str, ClientSummary] = field(default_factory=dict)  # by label
    n_unchanged: int = 0

    def skip_what_is_done(self) -> None:
        """Take over what another run would find again."""
        for task in self.tasks:
            summary = find_done(task)
            if summary is not None:
                self.results[task.label] = summary
                self.n_unchanged += summary.status != "failed"
                self.report(BatchEvent(kind="unchanged", client=task.label, text=summary.reason, summary=summary))

    def do_the_rest(self) -> None:
        """Hand out the other clients to workers."""
        rest = [task for task in self.tasks if task.label not in self.results]
        if not rest or self._has_to_stop(self.results.values()):
            return
        from skinprogress.batch.job import work

        jobs, max_memory_mb = self.options.jobs, self.options.max_memory_mb
        threads = plan_threads(len(rest), jobs=jobs, max_memory_mb=max_memory_mb)
        finished = run_tasks(
            [replace(task, threads=threads) for task in rest],
            work=work, jobs=jobs, max_memory_mb=max_memory_mb, photo_limit_s=self.options.photo_limit_s,
            report=self.report, on_death=self._blame, prepare=partial(hold_as_worker, self.out),
        )  # fmt: skip
        with closing(finished):
            for summary in finished:
                self.results[summary.client] = summary
                if self._has_to_stop([summary]):
                    return

    def write_index(self) -> tuple[Path, list[ClientSummary]]:
        """Write what is known of all clients, those of earlier runs too."""
        from skinprogress.batch.cohort import mend_cohort
        from skinprogress.batch.index_page import write_batch_table, write_index

        now = {key_of(self.out, task.client.id): self.results.get(task.label) for task in self.tasks}
        there = {key_of(self.out, client.id) for client in self.search.clients}
        summaries, known, gone, n_named = [], set[str](), set(), 0
        for folder in sorted(self.out.joinpath(STORE).iterdir()):
            if now.get(folder.name) is not None or (done := read_done(folder)) is None:
                continue
            # The name that is made up for a client and its folder in the store come from the same hash.
            if self.options.pseudonyms and done.summary.client != f"client-{folder.name[:8]}":
                n_named += 1
                continue
            self._mend(folder, done)
            summaries.append(done.summary)
            known.add(folder.name)
            if folder.name not in there:
                gone.add(done.summary.client)
        summaries += [summary for summary in now.values() if summary is not None]
        notes, strays = self._shown_notes(n_named)
        # After Ctrl-C or with --only, a page that lists some of the clients must not look like one of all.
        if n_open := len(there - known - {key for key, summary in now.items() if summary is not None}):
            notes.insert(0, f"clients that were not compared yet, until the batch is run again for all: {n_open}")
        mend_cohort(self.out)
        write_batch_table(self.out, summaries)
        return write_index(self.out, summaries, notes=notes, strays=strays, gone=gone), summaries

    def tell_notes(self) -> None:
        """Report what the index will say of the clients' folder."""
        notes, strays = self._shown_notes(0)
        if strays:
            notes.append(f"photos lie in no client's folder: {len(strays)}, such as {strays[0]}")
        for note in notes:
            self.report(BatchEvent(kind="warning", client="", text=note))

    def _mend(self, store: Path, done: Done) -> None:
        """Put in order what a killed run left of a client that this run is not about."""
        target = results_folder(self.out, done.summary.client)
        check_way(self.out, store, target.parent)
        mend(store, target, ours=done.files_in(target, out=self.out))

    def _shown_notes(self, n_named: int) -> tuple[list[str], tuple[str, ...]]:
        """Notes and strays; where clients have made-up names, none that tells another."""
        if not self.options.pseudonyms:
            return list(self.search.notes), self.search.strays
        counts = {
            "notes about the clients' folder that are left out here, since they name folders": len(self.search.notes),
            "photos lie in no client's folder": len(self.search.strays),
            "clients of earlier runs that are left out here, since their results stand under their names": n_named,
        }
        return [f"{text}: {count}" for text, count in counts.items() if count], ()

    def _has_to_stop(self, summaries: Iterable[ClientSummary]) -> bool:
        return self.options.fail_fast and any(summary.status == "failed" for summary in summaries)

    def _blame(self, task: ClientTask, file: str, sha256: str, error: PhotoError) -> None:
        limit_s = self.options.photo_limit_s if error.code == "decoder_hung" else math.inf
        Store(store_folder(task.out, task.client.id)).blame(sha256, error, limit_s=limit_s)


def _read_sheet(sheet: Path | None, options: BatchOptions) -> dict[str, CourseFile]:
    if sheet is None:
        return {}
    from skinprogress.photos.sheet import read_sheet

    return read_sheet(sheet, date_order=options.settings.date_order)


def _choose(tasks: list[ClientTask], only: Sequence[str]) -> list[ClientTask]:
    """The tasks that patterns name; each must name one."""
    if not only:
        return tasks
    matching = {
        pattern: [task for task in tasks if any(_matches(name, pattern) for name in (task.client.id, task.label))]
        for pattern in only
    }
    for pattern, found in matching.items():
        if not found:
            some = ", ".join(task.label for task in tasks[:_NAMED_AT_MOST])
            more = f" and {len(tasks) - _NAMED_AT_MOST} more" if len(tasks) > _NAMED_AT_MOST else ""
            hint = f"did you mean {inner!r}? " if (inner := _meant(pattern, tasks)) else ""
            raise UsageError(
                f"No client is called {pattern}", f"{hint}the clients are {some}{more}; * stands for any part of a name"
            )
    chosen = {task.client.id for found in matching.values() for task in found}
    return [task for task in tasks if task.client.id in chosen]


def _meant(pattern: str, tasks: list[ClientTask]) -> str | None:
    """What would name a client: a folder of clients, a name without its folders, or the nearest name."""
    labels = [task.label for task in tasks]
    tried = (f"{pattern.rstrip('/')}/*", f"*/{pattern}", f"*{pattern}*")
    found = (other for other in tried if any(_matches(label, other) for label in labels))
    return next(found, None) or nearest(pattern, [*labels, *(f"*/{label.rpartition('/')[2]}" for label in labels)])


def _matches(name: str, pattern: str) -> bool:
    # As people compare names: some systems keep ü as two signs, and capitals are forgotten.
    return fnmatchcase(*(unicodedata.normalize("NFC", text).casefold() for text in (name, pattern)))


def _check_labels(tasks: Sequence[ClientTask]) -> None:
    """See that no two clients are called alike: with ten thousand of them, one in a hundred output folders has two."""
    if len({task.label for task in tasks}) < len(tasks):
        raise UsageError("Two clients would get the same made-up name", "choose a new output folder with -o")


def _check_apart(root: Path, out: Path) -> None:
    """See that results and photos cannot mix."""
    if is_within(out, root):
        raise OutputError(
            f"The output folder {out} lies in the clients' folder, where results and photos would mix",
            "choose a folder elsewhere with -o",
        )
    if out.is_dir() and is_within(root, out):
        raise OutputError(
            f"The clients' folder {root} lies in the output folder {out}, where results and photos would mix",
            "choose a folder elsewhere with -o",
        )
