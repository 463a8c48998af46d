"""What the tests let workers do, in place of looking at photos: a module of its own, since workers import it by name.

The client's id says what happens: ``crash:SIGSEGV``, ``exit``, ``hang`` …; other ids are done at once.
"""

import contextlib
import errno
import os
import signal
import threading
import time
from collections.abc import Callable

from skinprogress.batch.done import take_fingerprint, write_done
from skinprogress.batch.placing import store_folder
from skinprogress.batch.records import BatchEvent, ClientSummary, ClientTask, Report
from skinprogress.errors import OutputError, PhotoError
from skinprogress.store import Store

PHOTO = ("a.jpg", "aa")


def work(task: ClientTask, report: Report) -> ClientSummary:
    """Do what the client's id asks for; a photo that was blamed is left out."""
    kind, _, detail = task.client.id.partition(":")
    job: Callable[[ClientTask, Report, str], str | None] = globals().get(f"_{kind}", _nothing)
    note = job(task, report, detail) or ""
    report(BatchEvent(kind="stage", client=task.label, text="written"))
    return ClientSummary(client=task.label, status="compared", headline=note)


def look(task: ClientTask, report: Report, action: Callable[[], object], photo: tuple[str, str] = PHOTO) -> None:
    """Do something with a photo in hand."""

    def watch(file: str, sha256: str, begins: bool) -> None:
        kind = "photo begins" if begins else "photo ends"
        report(BatchEvent(kind=kind, client=task.label, file=file, sha256=sha256))

    store = Store(store_folder(task.out, task.client.id), watch=watch)
    with contextlib.suppress(PhotoError), store.handling(*photo):
        action()


def once(task: ClientTask, action: Callable[[], object]) -> None:
    """Do something the first time only."""
    try:
        (task.out / f"seen-{task.label}").touch(exist_ok=False)
    except FileExistsError:
        return
    action()


def _kill(name: str) -> None:
    os.kill(os.getpid(), signal.Signals[name])


def _nothing(task: ClientTask, report: Report, detail: str) -> None:
    look(task, report, lambda: None)


def _crash(task: ClientTask, report: Report, detail: str) -> None:
    look(task, report, lambda: None, ("good.jpg", "00"))
    look(task, report, lambda: _kill(detail))


def _crashonce(task: ClientTask, report: Report, detail: str) -> None:
    look(task, report, lambda: once(task, lambda: _kill(detail)))


def _crashbetween(task: ClientTask, report: Report, detail: str) -> None:
    _kill(detail)


def _exit(task: ClientTask, report: Report, detail: str) -> None:
    look(task, report, lambda: os._exit(3))


def _hang(task: ClientTask, report: Report, detail: str) -> None:
    look(task, report, lambda: time.sleep(600))


def _freeze(task: ClientTask, report: Report, detail: str) -> None:
    once(task, lambda: time.sleep(600))


def _garbage(task: ClientTask, report: Report, detail: str) -> None:
    os.write(1, b"libpng warning: on stdout\n")
    look(task, report, lambda: _write_to_every_pipe(b"Premature end of JPEG file\n"))


def _write_to_every_pipe(text: bytes) -> None:
    for number in range(3, 64):
        try:
            os.write(number, text)
        except OSError:
            continue
    time.sleep(600)


def _two(task: ClientTask, report: Report, detail: str) -> str:
    """Two photos at once where there are threads; the second one is bad."""

    def second() -> None:
        os.abort()

    if task.threads == 1:
        look(task, report, lambda: None, ("good.jpg", "00"))
        look(task, report, second)
        return "one by one"
    begun = threading.Barrier(2)
    threads = [
        threading.Thread(target=look, args=(task, report, lambda: (begun.wait(), time.sleep(600)), ("good.jpg", "00"))),
        threading.Thread(target=look, args=(task, report, lambda: (begun.wait(), second()))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "at once"


def _bug(task: ClientTask, report: Report, detail: str) -> None:
    raise ValueError("the secret name of a client")


def _full(task: ClientTask, report: Report, detail: str) -> None:
    try:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise OutputError("The disk is full", "make room") from error


def _surroundings(task: ClientTask, report: Report, detail: str) -> str:
    import cv2

    mask = os.umask(0)
    os.umask(mask)
    variables = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MALLOC_ARENA_MAX")
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return " ".join([*(os.environ[name] for name in variables), str(cv2.getNumThreads()), f"{mask:03o}", str(ignored)])


def _memory(task: ClientTask, report: Report, detail: str) -> str:
    filled = bytearray(os.urandom(1)) * (int(detail) * 1_000_000)
    return f"{os.getpid()} {len(filled)}"


def _process(task: ClientTask, report: Report, detail: str) -> str:
    """The number of this process, and how many others work at the same time."""
    mark = task.out / f"working-{os.getpid()}"
    mark.touch()
    time.sleep(0.15)
    together = len(list(task.out.glob("working-*")))
    mark.unlink()
    return f"{os.getpid()} {together}"


def _write(task: ClientTask, report: Report, detail: str) -> None:
    """Write for ever."""
    mark = task.out / f"written-{os.getpid()}"
    while True:
        mark.write_text(str(time.monotonic()))
        time.sleep(0.005)


def remembering(task: ClientTask, report: Report) -> ClientSummary:
    """Do what the client's id asks for, and note that it is done."""
    if task.client.id == "broken":
        return ClientSummary(client=task.label, status="failed", reason="no photo could be used")
    summary = work(task, report)
    store_folder(task.out, task.client.id).mkdir(parents=True, exist_ok=True)
    write_done(task, take_fingerprint(task).digest, summary, outputs=[])
    return summary
