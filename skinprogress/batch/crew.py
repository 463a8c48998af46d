"""Who works on what: workers are started, watched and replaced, and clients are tried again."""

import os
import pickle
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from skinprogress.batch.deaths import Death, of_exit_code
from skinprogress.batch.records import BatchEvent, ClientSummary, ClientTask, EventKind, Report
from skinprogress.batch.worker_process import ENVIRONMENT, Work, serve
from skinprogress.errors import OutputError, PhotoError, SkinprogressError

OnDeath = Callable[[ClientTask, str, str, PhotoError], None]

USUAL_MEGAPIXELS = 12.0
_LARGE_MEGAPIXELS = 48.0
_LONGEST_MESSAGE = 64_000_000
"""Bytes; a summary of ten thousand photos has two million. What announces more is no message."""
_START_LIMIT_S = 120.0
_SILENCE = 10.0
"""Outside photos, a worker may be silent for so many times the limit of a photo."""
_FAILED_STARTS = 3
_DEATHS = 4


def memory_needed_mb(megapixels: float, *, photos_at_once: int = 1) -> float:
    """Estimate the most memory that a worker takes, MB.

    Parameters
    ----------
    megapixels : float
        Of the largest photo.
    photos_at_once : int
    """
    return 500.0 + 50.0 / 3.0 * megapixels * photos_at_once


@dataclass(slots=True, kw_only=True, eq=False)
class Attempt:
    """A client that waits or is worked on, and how often that went wrong."""

    task: ClientTask
    begun: bool = False
    deaths: int = 0  # without a photo to blame
    suspects: set[str] = field(default_factory=set)
    blamed: set[str] = field(default_factory=set)
    alone: bool = False  # with all the memory there is


@dataclass(slots=True, kw_only=True, eq=False)
class _Worker:
    """A process, what it has in hand, and since when."""

    process: SpawnProcess
    pipe: Connection
    heard: float
    ready: bool = False
    attempt: Attempt | None = None
    photos: dict[tuple[str, str], float] = field(default_factory=dict)
    n_done: int = 0
    spent: bool = False  # takes too much memory by now

    def listen(self) -> tuple[list[object], bool]:
        """What it has said, and whether the line is cut."""
        messages: list[object] = []
        try:
            while self.pipe.poll():
                messages.append(pickle.loads(self.pipe.recv_bytes(_LONGEST_MESSAGE)))
        except Exception:  # the end of the line, or what came over it is no message: any error at all
            return messages, True
        return messages, False

    def end(self, *, patience_s: float = 0.0) -> int | None:
        """End the process; its exit code if it ends by itself within a time."""
        # Not join() with a time: it waits for ever once a stray byte stands in the pipe that it listens to.
        deadline = time.monotonic() + patience_s
        while self.process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        code = self.process.exitcode
        self.process.kill()
        self.process.join()
        self.pipe.close()
        return code


@dataclass(slots=True, kw_only=True, eq=False)
class Crew:
    """All workers, and what is left to do."""

    waiting: deque[Attempt]
    work: Work
    prepare: Callable[[], object] | None
    jobs: int
    max_memory_mb: float | None
    photo_limit_s: float
    report: Report
    on_death: OnDeath
    needed_mb: float  # of one worker: by estimate, or as much as one took for its first client
    workers: list[_Worker] = field(default_factory=list)
    failed_starts: int = 0

    @property
    def busy(self) -> list[Attempt]:
        return [worker.attempt for worker in self.workers if worker.attempt is not None]

    @property
    def limit(self) -> int:
        """How many workers may be there now."""
        if any(attempt.alone for attempt in self.busy) or (self.waiting and self.waiting[0].alone):
            return 1
        if self.max_memory_mb is None:
            return self.jobs
        return min(self.jobs, max(1, int(self.max_memory_mb // self.needed_mb)))

    def warn_of_memory(self) -> None:
        """Say so where even one worker may need more than it should."""
        if self.waiting and self.max_memory_mb is not None and self.needed_mb > self.max_memory_mb:
            text = (
                f"one worker may need {self.needed_mb:.0f} MB, and all together are to have "
                f"{self.max_memory_mb:.0f} MB: clients are done one at a time, and may still take more than that"
            )
            self.report(BatchEvent(kind="warning", client="", text=text))

    def finish(self) -> Iterator[ClientSummary]:
        """Do all that is waiting."""
        while self.waiting or self.busy:
            self._staff()
            yield from self._hear()

    def dismiss(self, worker: _Worker) -> None:
        """End a worker, whatever it does."""
        self.workers.remove(worker)
        worker.end()

    def _staff(self) -> None:
        """Have as many workers as there should be, and give each something to do."""
        idle = [worker for worker in self.workers if worker.attempt is None]
        too_many = len(self.workers) - self.limit
        for n, worker in enumerate(sorted(idle, key=lambda worker: not worker.spent)):
            if worker.spent or n < too_many:
                self.dismiss(worker)
        while len(self.workers) < min(self.limit, len(self.waiting) + len(self.busy)):
            self.workers.append(self._start())
        for worker in self.workers:
            if worker.ready and worker.attempt is None and self.waiting and len(self.busy) < self.limit:
                self._hand_out(worker, self.waiting.popleft())

    def _start(self) -> _Worker:
        ours, theirs = get_context("spawn").Pipe()
        process = get_context("spawn").Process(target=serve, args=(theirs, self.work, self.prepare), daemon=True)
        try:
            with _surroundings_of_a_worker():
                process.start()
        except OSError as error:
            ours.close()
            raise SkinprogressError(
                f"A worker process cannot be started ({error.strerror or error})",
                "close other programs or use fewer --jobs, and run the same command again",
            ) from error
        finally:
            theirs.close()  # or the end of the process would not be heard
        return _Worker(process=process, pipe=ours, heard=time.monotonic())

    def _hand_out(self, worker: _Worker, attempt: Attempt) -> None:
        worker.attempt, worker.heard = attempt, time.monotonic()
        with suppress(BrokenPipeError, ConnectionResetError):  # it has just ended, and is heard of next
            worker.pipe.send(attempt.task)
        if not attempt.begun:
            attempt.begun = True
            self.report(BatchEvent(kind="begin", client=attempt.task.label))

    def _hear(self) -> Iterator[ClientSummary]:
        """Wait until something happens, and see to it."""
        pause_s = max(0.02, min(1.0, self.photo_limit_s / 10.0))
        before = time.monotonic()
        wait([worker.pipe for worker in self.workers], timeout=pause_s)  # a pipe ends with its process
        # A machine or a terminal that was put to sleep is no fault of the photos.
        overslept_s = max(0.0, time.monotonic() - before - pause_s - 1.0)
        for worker in list(self.workers):
            worker.heard += overslept_s
            worker.photos = {photo: begun + overslept_s for photo, begun in worker.photos.items()}
            ended = not worker.process.is_alive()  # asked first: then all that it said is there to be heard
            messages, cut = worker.listen()
            try:
                for message in messages:
                    yield from self._take(worker, message)
            except _NotUnderstoodError:
                cut = True
            if cut or ended:
                # What cut the line may be the end of the process, whose cause is known a moment later.
                yield from self._bury(worker, of_exit_code(worker.end(patience_s=1.0)))
            elif (late := self._lateness(worker)) is not None:
                worker.end()
                yield from self._bury(worker, late)

    def _take(self, worker: _Worker, message: object) -> Iterator[ClientSummary]:
        """See to one message."""
        worker.heard = time.monotonic()
        match message:
            case ("ready",):
                worker.ready, self.failed_starts = True, 0
            case ("event", BatchEvent() as event):
                if event.kind == "photo begins":
                    worker.photos[event.file, event.sha256] = worker.heard
                elif event.kind == "photo ends":
                    worker.photos.pop((event.file, event.sha256), None)
                self.report(event)
            case ("done", ClientSummary() as summary, float() as peak_mb, float() as seconds):
                worker.attempt = None
                worker.photos.clear()
                worker.n_done += 1
                self._weigh(worker, peak_mb)
                yield self._done(summary, seconds)
            case ("stop", str() as reason, str() as remedy):
                raise OutputError(reason, remedy)
            case _:
                raise _NotUnderstoodError

    def _weigh(self, worker: _Worker, peak_mb: float) -> None:
        """Learn from the memory that a worker took."""
        budget_mb = 2.0 * memory_needed_mb(_LARGE_MEGAPIXELS)
        if self.max_memory_mb is not None:
            if worker.n_done == 1:  # later, it may have grown for no good reason
                self.needed_mb = max(self.needed_mb, peak_mb)
            budget_mb = self.max_memory_mb / self.limit
        worker.spent = peak_mb > budget_mb

    def _done(self, summary: ClientSummary, seconds: float = 0.0) -> ClientSummary:
        kind: EventKind = "failed" if summary.status == "failed" else "done"
        event = BatchEvent(kind=kind, client=summary.client, text=summary.reason, seconds=seconds, summary=summary)
        self.report(event)
        return summary

    def _lateness(self, worker: _Worker) -> Death | None:
        """Whether a worker has to be ended because nothing comes of it."""
        now = time.monotonic()
        limit_s = self.photo_limit_s
        if worker.ready and worker.attempt is None:
            return None
        if any(now - begun > limit_s for begun in worker.photos.values()):
            return Death(kind="hung", detail=f"{limit_s:g} s")
        silence_s = _SILENCE * limit_s if worker.ready else _START_LIMIT_S
        if not worker.photos and now - worker.heard > silence_s:
            return Death(kind="silent", detail=f"{silence_s:g} s")
        return None

    def _bury(self, worker: _Worker, death: Death) -> Iterator[ClientSummary]:
        """Find out whom to blame for the end of a worker, and try its client again."""
        self.workers.remove(worker)
        attempt = worker.attempt
        if attempt is None:
            self.failed_starts += not worker.ready
            if self.failed_starts >= _FAILED_STARTS:
                raise SkinprogressError(
                    f"Worker processes cannot be started: the last one {death.text}",
                    "look at what it printed above; skinprogress doctor may know more",
                )
            return
        task = attempt.task
        photos = [photo for photo in worker.photos if photo[1] not in attempt.blamed]
        # Who kills from outside may mean any process: only the photo that is there again is to blame.
        if len(photos) == 1 and (death.kind != "ended" or photos[0][1] in attempt.suspects):
            file, sha256 = photos[0]
            error = death.of_photo()
            attempt.blamed.add(sha256)
            attempt.deaths, attempt.alone = 0, False
            self.on_death(task, file, sha256, error)
            text = f"{file} is rejected: {error}"
        else:
            attempt.deaths += 1
            attempt.suspects |= {sha256 for _, sha256 in photos}
            attempt.alone = death.kind == "ended"
            if attempt.deaths >= (_DEATHS if photos else 2):
                reason, remedy = death.of_client()
                yield self._done(ClientSummary(client=task.label, status="failed", reason=reason, remedy=remedy))
                return
            # One photo at a time shows which it is.
            attempt.task = replace(task, threads=1)
            file, sha256, text = "", "", f"the process that worked on it {death.text}: it is tried again"
        self.report(BatchEvent(kind="warning", client=task.label, file=file, sha256=sha256, text=text))
        self.waiting.appendleft(attempt)


class _NotUnderstoodError(Exception):
    """A worker said something that is no message."""


@contextmanager
def _surroundings_of_a_worker() -> Iterator[None]:
    """Set what a process inherits when it is started."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    mask = None
    if sys.platform != "win32":
        # Ctrl-C while it starts would end it with a page of text. The tracker lifts the block when it is started.
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if sys.platform != "win32" and mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
