"""What runs inside a worker process: one client after the other, until the parent hangs up."""

import contextlib
import errno
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path

from skinprogress.batch.records import ClientSummary, ClientTask, Report
from skinprogress.errors import OutputError, SkinprogressError

Work = Callable[[ClientTask, Report], ClientSummary]

ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
"""Set before a worker starts, since the libraries read it when they are loaded."""

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_PR_SET_PDEATHSIG = 1


def serve(pipe: Connection, work: Work, prepare: Callable[[], object] | None) -> None:
    """Do what comes over a pipe, and end with the parent.

    Parameters
    ----------
    pipe : Connection
        ClientTasks come in; tuples go out: ``("ready",)``, ``("event", BatchEvent)``,
        ``("done", ClientSummary, peak memory in MB, seconds)``, and ``("stop", reason, remedy)`` where nothing more
        can be written.
    work : callable
    prepare : callable or None
        Called before the first task; what it returns is kept until the process ends.
    """
    tasks: queue.SimpleQueue[ClientTask] = queue.SimpleQueue()
    _kept = _settle_in(pipe, tasks, prepare)
    talking = threading.Lock()

    def say(*message: object) -> None:
        try:
            with talking:  # photos in parallel report from several threads
                pipe.send(message)
        except OSError:
            os._exit(1)  # nobody listens: nothing may be written any more

    say("ready")
    while True:
        task = tasks.get()
        started = time.monotonic()
        try:
            summary = work(task, lambda event: say("event", event))
        except Exception as error:
            if (stop := _reason_to_stop(error)) is not None:
                say("stop", stop.reason, stop.remedy)
                continue
            summary = failure(task.label, error)
        say("done", summary, _peak_memory_mb(), time.monotonic() - started)


def failure(label: str, error: Exception) -> ClientSummary:
    """Summary of a client whose work raised an error.

    Parameters
    ----------
    label : str
    error : Exception
        Of one that is not meant for people, only kind and place are told: its text may hold names and paths.
    """
    if isinstance(error, SkinprogressError):
        reason, remedy = error.reason, error.remedy
    elif isinstance(error, MemoryError):
        reason, remedy = "there was not enough memory for it", "close other programs or use fewer --jobs"
    else:
        *_, place = traceback.extract_tb(error.__traceback__) or [None]
        where = f", {Path(place.filename).name} line {place.lineno}" if place else ""
        reason = f"the program met a fault of its own ({type(error).__name__}{where})"
        remedy = "run this client alone with skinprogress run to see all of it, and report it"
    return ClientSummary(client=label, status="failed", reason=reason, remedy=remedy)


def _reason_to_stop(error: BaseException) -> OutputError | None:
    """The error to stop everything with, where nothing more can be written."""
    if isinstance(error, OutputError):
        return error
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return OutputError(
                f"The results cannot be written ({cause.strerror})", "make room, and run the same command again"
            )
        cause = cause.__cause__ or cause.__context__
    return None


def _settle_in(
    pipe: Connection, tasks: "queue.SimpleQueue[ClientTask]", prepare: Callable[[], object] | None
) -> object:
    """Make this process quiet, private, single-threaded, and mortal."""
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the parent decides
    if sys.platform == "linux":
        import ctypes

        # At once and without this process's help: it may hang in a decoder that lets no other thread run.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _end_with_parent()
    kept = prepare() if prepare else None
    _end_with_parent()  # again: whoever finds the lock of a dead parent free is to see this process, or none
    threading.Thread(target=_listen, args=(pipe, tasks), daemon=True).start()
    with contextlib.suppress(OSError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
        os.dup2(nowhere.fileno(), 1)  # what a library prints would get between the lines of the log
    import cv2

    cv2.setNumThreads(1)  # photos are done in parallel, not parts of them; and sums come out the same everywhere
    return kept


def _end_with_parent() -> None:
    """End, where the parent was gone before the system was asked to tell of it."""
    parent = parent_process()
    if os.name == "posix" and parent is not None and os.getppid() != parent.pid:
        os._exit(1)


def _listen(pipe: Connection, tasks: "queue.SimpleQueue[ClientTask]") -> None:
    """Hear of new tasks, and of the end of the parent, while the main thread works."""
    while True:
        try:
            tasks.put(pipe.recv())
        except (EOFError, OSError):
            os._exit(0)


def _peak_memory_mb() -> float:
    """The most memory that this process has had so far, MB; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux: what getrusage tells there counts the process that started this one too
        peak_kb = next(line.split()[1] for line in status.read_text("ascii").splitlines() if line.startswith("VmHWM:"))
        return int(peak_kb) * 1024 / 1e6
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (peak if sys.platform == "darwin" else peak * 1024) / 1e6
