"""A run that cannot reach a network: the proof that it needs none.

``python -m skinprogress.checking.offline FOLDER OUT`` runs a client's folder and prints what was seen as JSON.
"""

import ctypes
import json
import platform
import struct
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
# Machine to its audit architecture and the number of socket(). io_uring_setup() is another way to sockets.
_SYSCALLS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
_IO_URING_SETUP = 425
_X32 = 0x40000000
_ALLOW, _END_PROCESS = 0x7FFF0000, 0x80000000
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _MACHINE_AT, _FAMILY_AT = 0, 4, 16
_AF_UNIX = 1
_TIMEOUT_S = 300
# Names of this computer, and sockets within it, reach nobody.
_HARMLESS = ("socket.gethostname",)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineRun:
    """What a run did that could not reach a network.

    Attributes
    ----------
    finished : bool
        It came to its end, and all files were written.
    filtered : bool
        The system would have ended it at the first socket that leads out of this computer.
    sockets : tuple of str
        What it asked of sockets, as Python saw it; empty where it asked for nothing.
    said : str
        Why it did not finish, last line.
    """

    finished: bool
    filtered: bool
    sockets: tuple[str, ...] = ()
    said: str = ""


def run_offline(folder: Path, out: Path) -> OfflineRun:
    """Run a client's folder in a process of its own that any network socket would end.

    Parameters
    ----------
    folder : Path
        Client's folder.
    out : Path
        For the results.

    Returns
    -------
    OfflineRun
    """
    command = [sys.executable, "-m", "skinprogress.checking.offline", str(folder), str(out)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return OfflineRun(finished=False, filtered=False, said=str(error))
    try:
        seen = json.loads(ended.stdout.strip().splitlines()[-1])
        return OfflineRun(finished=True, filtered=seen["filtered"], sockets=tuple(seen["sockets"]))
    except (ValueError, KeyError, TypeError, IndexError):
        lines = ended.stderr.strip().splitlines()
        why = lines[-1] if lines else "no word of it"
        # A process that the filter ended had no time to say anything: its end is SIGSYS.
        return OfflineRun(finished=False, filtered=ended.returncode == -31, said=f"{why} (exit {ended.returncode})")


def forbid_network() -> bool:
    """Have the system end this process, and all that it starts, at the first socket that is not within this computer.

    Returns
    -------
    bool
        False where the system has no such filter (Linux on x86-64 and ARM has), and nothing was changed.

    Notes
    -----
    There is no way back. seccomp judges ``socket()`` by its family; a process without a socket has nothing to connect.
    """
    known = _SYSCALLS.get(platform.machine())
    if sys.platform != "linux" or known is None or struct.calcsize("P") != 8:
        return False
    machine, socket_number = known

    def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    program = b"".join(
        [
            step(_LOAD, _MACHINE_AT),
            step(_IF_EQUAL, machine, 0, 7),  # another machine's calls have other numbers
            step(_LOAD, _NUMBER_AT),
            step(_IF_AT_LEAST, _X32, 5, 0),
            step(_IF_EQUAL, _IO_URING_SETUP, 4, 0),
            step(_IF_EQUAL, socket_number, 0, 2),
            step(_LOAD, _FAMILY_AT),
            step(_IF_EQUAL, _AF_UNIX, 0, 1),
            step(_RETURN, _ALLOW),
            step(_RETURN, _END_PROCESS),
        ]
    )
    steps = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: a count, padding, the address of the steps.
    filter_ = ctypes.create_string_buffer(struct.pack("=H6xQ", len(program) // 8, ctypes.addressof(steps)))
    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_ulong
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, number(1), number(0), number(0), number(0)) != 0:
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, number(_MODE_FILTER), filter_, number(0), number(0)) == 0)


def watch_sockets() -> list[str]:
    """Note from now on whatever Python asks of sockets, but of those within this computer; the list grows."""
    seen: list[str] = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if not event.startswith("socket.") or event in _HARMLESS:
            return
        family = arguments[1] if event == "socket.__new__" else getattr(arguments[0], "family", None)
        if family != _AF_UNIX:
            seen.append(f"{event} {arguments[1:]}")

    sys.addaudithook(watch)
    return seen


def main(run: Callable[[Path, Path], None] | None = None) -> None:
    """Run a folder without a network and print what was seen."""
    folder, out = map(Path, sys.argv[1:3])
    seen, filtered = watch_sockets(), forbid_network()
    (run or _run)(folder, out)
    sys.stdout.write(json.dumps({"filtered": filtered, "sockets": seen}) + "\n")


def _run(folder: Path, out: Path) -> None:
    from skinprogress.outputs.table import write_outputs
    from skinprogress.photos.folder import list_folder
    from skinprogress.pipeline.comparing import compare_client
    from skinprogress.settings import OutputOptions, Settings

    settings = Settings()
    listing = list_folder(folder, settings=settings)
    result = compare_client(
        listing.photos, client=listing.client, folder=folder, course=listing.course, settings=settings
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        write_outputs(result, out, options=OutputOptions())


if __name__ == "__main__":
    main()
