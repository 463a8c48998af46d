"""What commands say and show on the terminal, and the folders that they write to where nobody named one."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from skinprogress.pipeline.comparing import Progress
    from skinprogress.records import Rejection


def make_console(*, stderr: bool = False) -> "Console":
    """A console that a reader who leaves early (``| head -1``) does not end."""
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            # The reader has enough: the run goes on silently, and its exit code says how it went.
            os.dup2(os.open(os.devnull, os.O_WRONLY), (sys.stderr if stderr else sys.stdout).fileno())

    return Terminal(emoji=False, stderr=stderr)


def shown(text: str) -> str:
    """A name as a line of its own may show it: no line breaks, no control sequences for the terminal."""
    from skinprogress.photos.scan import one_line

    return one_line(text)


def why(rejection: "Rejection") -> str:
    """File, reason and remedy."""
    from skinprogress.comparison.bookkeeping import rejection_text

    return f"{rejection_text(rejection)}; {rejection.remedy}"


@contextmanager
def show_progress(console: "Console") -> "Iterator[Progress]":
    """A bar while photos are worked on; nothing where the output is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=None)

        def report(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        yield report


def default_out(client_folder: Path, *, prefix: str = "skinprogress") -> Path:
    """``PREFIX-NAME`` in the current folder; beside the photos where the current folder is among them."""
    folder = client_folder.resolve()
    name = shortened(f"{prefix}-{folder.name}")
    return folder.parent / name if Path.cwd().resolve().is_relative_to(folder) else Path(name)


def shortened(name: str, most: int = 200) -> str:
    """A name that every file system takes: at most so many bytes of it."""
    encoded = os.fsencode(name)
    return name if len(encoded) <= most else encoded[:most].decode("utf-8", "ignore")
