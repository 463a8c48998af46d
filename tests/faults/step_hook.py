"""Put on the path of a command as ``sitecustomize``: ends it just before one of its steps in the output folder.

A step is what changes a file or folder there: opening for writing, making, renaming, removing. The program itself is
the real one. The surroundings say what to do: ``FAULTS_OUT`` the output folder, ``FAULTS_IN`` the kind of process
(``parent`` or ``worker``), ``FAULTS_STEP`` the number of the step (0: none), ``FAULTS_WHO`` who is ended (``self``,
``parent``, ``group``), ``FAULTS_HALF`` whether a file that is being written is cut, ``FAULTS_ONCE`` a file that says
that it has happened, ``FAULTS_COUNT`` a file for one line a step.
"""

import os
import signal
import sys

_OUT = os.environ.get("FAULTS_OUT", "")
_STEP = int(os.environ.get("FAULTS_STEP", "0"))
_ONCE = os.environ.get("FAULTS_ONCE", "")
_COUNT = os.environ.get("FAULTS_COUNT", "")
_CHANGING = ("os.rename", "os.remove", "os.rmdir", "os.mkdir")
_n_steps = 0


def _kind() -> str:
    words = " ".join(sys.orig_argv)
    if "resource_tracker" in words:
        return "tracker"
    return "worker" if "--multiprocessing-fork" in words else "parent"


def _is_step(event: str, args: tuple[object, ...]) -> bool:
    if event not in _CHANGING and event != "open":
        return False
    if event == "open" and not (isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
        return False
    path = os.fsdecode(args[0]) if isinstance(args[0], str | bytes | os.PathLike) else ""
    return path.startswith(_OUT) or (event != "open" and not path.startswith("/"))  # relative to a folder's descriptor


def _hear(event: str, args: tuple[object, ...]) -> None:
    global _n_steps
    if not event.startswith(("os.", "open")) or not _is_step(event, args):
        return
    _n_steps += 1
    if _COUNT:
        descriptor = os.open(_COUNT, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, f"{_KIND} {event} {args[0]}\n".encode())
        os.close(descriptor)
    if _n_steps == _STEP:
        _end(event, args)


def _end(event: str, args: tuple[object, ...]) -> None:
    try:
        os.close(os.open(_ONCE, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    if os.environ.get("FAULTS_HALF") and event == "os.rename" and str(args[0]).endswith(".tmp"):
        os.truncate(str(args[0]), os.stat(str(args[0])).st_size // 2)  # noqa: PTH116 - as if in the middle of writing
    who = os.environ["FAULTS_WHO"]
    if who == "group":
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getppid() if who == "parent" and _KIND == "worker" else os.getpid(), signal.SIGKILL)


if _OUT:
    _KIND = _kind()
    if os.environ.get("FAULTS_IN", _KIND) == _KIND and (_STEP or _COUNT):
        sys.addaudithook(_hear)
