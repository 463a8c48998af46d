"""The command line: parses, calls, prints. No logic of its own, and nothing heavy imported before it is needed."""

import io
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn

import typer

from skinprogress.cli.batching import batch, forget, names
from skinprogress.cli.checking import check, init, metrics
from skinprogress.cli.doctor import doctor
from skinprogress.cli.pictures import composite, verify
from skinprogress.cli.running import compare, demo, run
from skinprogress.cli.validating import calibrate, validate

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

app = typer.Typer(
    name="skinprogress",
    help="Compare skin-treatment photos: aligned, colour-checked, measured per facial region, each change with its "
    "uncertainty. Nothing leaves this computer. Not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (
    run,
    batch,
    forget,
    names,
    compare,
    composite,
    verify,
    demo,
    check,
    init,
    metrics,
    validate,
    calibrate,
    doctor,
):
    app.command()(_command)

_STOPPED = "stopped; no file was left half-written"
_SECOND_CTRL_C_S = 2.0


def main() -> None:
    """Entry point: one clear line for every error that a person can mend, and the exit code of the contract."""
    from skinprogress.errors import SkinprogressError

    prepare_process()
    try:
        code = app(standalone_mode=False)
    except KeyboardInterrupt:
        _fail(_STOPPED, 130)
    except SkinprogressError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        from skinprogress.cli.console import shown

        _fail(f"{shown(str(error.filename or 'the output'))}: {error.strerror or error}", 1)
    except Exception as error:
        # click's own errors (unknown option, missing argument) know how to show themselves.
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            error.show()
            sys.exit(error.exit_code)
        if type(error).__name__ == "Abort":
            _fail(_STOPPED, 130)
        raise
    if code == 130:  # typer's word for Ctrl-C
        _fail(_STOPPED, 130)
    sys.exit(code if isinstance(code, int) else 0)


def prepare_process() -> None:
    """Make sure that no terminal, pipe, library or impatient finger can spoil what a run says and leaves."""
    import logging

    # Of matrices as small as ours, threads make more work than they save, and on a busy machine much more. Read by
    # numpy when it is first imported, which no line has done yet.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        # A name or a sign that the terminal's encoding does not have must not end the run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Where the home folder cannot be written it tells at length what it did about its font cache.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt_once())


def interrupt_once() -> "Callable[[int, FrameType | None], None]":
    """Ctrl-C as always, but a second one does not cut into the clearing up after the first."""
    last = -_SECOND_CTRL_C_S

    def handle(_number: int, _frame: "FrameType | None") -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECOND_CTRL_C_S:
            last = now
            raise KeyboardInterrupt

    return handle


def _fail(message: str, code: int) -> NoReturn:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True).print(Text.assemble(("error: ", "bold"), message), soft_wrap=True)
    sys.exit(code)
