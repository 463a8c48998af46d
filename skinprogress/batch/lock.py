"""One run at a time on one output folder, and no process of a killed run that goes on writing into it."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from skinprogress.batch.placing import check_way
from skinprogress.batch.records import STORE
from skinprogress.errors import OutputError, UsageError
from skinprogress.outputs.files import clear_half_written, make_folder, write_whole

_PATIENCE_S = 10.0
"""How long processes of a killed run are given to be gone: they end themselves within moments."""


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Keep other runs away from an output folder.

    The system releases the lock when the process ends, however it ends.

    Parameters
    ----------
    out : Path
        Output folder of a batch; it and the store in it are made where they are missing.

    Raises
    ------
    UsageError
        Another run writes into it, or a process of a killed run is still there.
    OutputError
        The lock cannot be written.
    """
    store = out / STORE
    holder = store / "holder"
    try:
        check_way(out, store / "lock")
        make_folder(store)
        lock = _take(store / "lock", patience_s=0.0)
    except Timeout:
        raise UsageError(
            f"The output folder {out} is being written by another run ({_read(holder)})",
            "wait until it is through, or stop it, and start again; or choose another folder with -o",
        ) from None
    except OSError as error:
        raise OutputError(
            f"The output folder {out} cannot be locked ({error.strerror or error})", "choose another folder with -o"
        ) from error
    try:
        _await_workers(out)
        for folder in (out, store):
            clear_half_written(folder)
        with suppress(OutputError):  # on a full disk, the next one hears only that there is another run
            who = f"process {os.getpid()} on {platform.node()} since {datetime.now():%Y-%m-%d %H:%M}"
            write_whole(holder, who)
        try:
            yield
        finally:
            for left in (holder, *store.glob("worker-*")):
                with suppress(OSError):
                    left.unlink()
    finally:
        lock.release()


def hold_as_worker(out: Path) -> object:
    """Take the lock of one worker process, so that no run can begin before this process is gone.

    Parameters
    ----------
    out : Path
        Output folder of the batch.

    Returns
    -------
    object
        To be kept: the lock goes with it.
    """
    return _take(out / STORE / f"worker-{os.getpid()}", patience_s=0.0)


def _await_workers(out: Path) -> None:
    """Wait until no worker of an earlier run is left; they outlive a run that was killed by moments."""
    for path in (out / STORE).glob("worker-*"):
        if path.is_symlink():  # none of ours
            path.unlink()
            continue
        try:
            _take(path, patience_s=_PATIENCE_S).release()
        except Timeout:
            raise UsageError(
                f"A process of an earlier run ({path.name.removeprefix('worker-')}) still writes into {out}",
                "end that process, and start again",
            ) from None
        path.unlink(missing_ok=True)


def _take(path: Path, *, patience_s: float) -> BaseFileLock:
    # A new lock each time, even in the same process: a second run of a notebook must not walk in.
    lock = FileLock(path, timeout=patience_s, mode=0o600, is_singleton=False)
    lock.acquire()
    return lock


def _read(holder: Path) -> str:
    try:
        return holder.read_text(encoding="utf-8", errors="replace") or "it has just begun"
    except OSError:
        return "it has just begun"
