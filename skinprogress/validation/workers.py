"""The jobs of a validation, done in several processes."""

import multiprocessing
import os
import signal
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

import cv2

from skinprogress.errors import SkinprogressError

Score = TypeVar("Score")


def run_jobs(jobs: Sequence[Callable[[], Score]], *, workers: int) -> Iterator[Score]:
    """Do the jobs in so many processes, and yield what they return in the order of the jobs.

    Parameters
    ----------
    jobs : sequence of callable
        With more than one process they are sent to it by pickle.
    workers : int

    Raises
    ------
    SkinprogressError
        A process was ended by the computer.
    """
    workers = min(workers, len(jobs), os.cpu_count() or 1)
    if workers < 2:
        yield from (job() for job in jobs)
        return
    # One folder for what all of them write: a process that is ended cannot clear up, and the photos show faces.
    with tempfile.TemporaryDirectory(prefix="skinprogress-") as folder:
        yield from _run_apart(jobs, workers=workers, folder=folder)


def _run_apart(jobs: Sequence[Callable[[], Score]], *, workers: int, folder: str) -> Iterator[Score]:
    # Spawned, not forked: the landmark model's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(folder,))
    try:
        # A few at a time: ending a process while others' jobs are being called off is not silent.
        waiting: deque[Future[Score]] = deque()
        for job in jobs:
            waiting.append(pool.submit(job))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except (KeyboardInterrupt, GeneratorExit):
        # A photo takes half a minute: nobody who stops wants to wait for it.
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
            process.join()
        raise
    except BrokenProcessPool as error:
        raise SkinprogressError(
            "a part of the validation was ended by the computer, most likely for want of memory",
            "close other programs, or validate fewer or smaller photos",
        ) from error
    finally:
        pool.shutdown(wait=False)


def _start_worker(folder: str) -> None:
    """One core a process; Ctrl-C is for the one that started it, and so is clearing up."""
    tempfile.tempdir = folder
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
