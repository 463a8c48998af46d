"""What a batch shows while it runs: bars on a terminal, a line for each client elsewhere, a log for machines."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinprogress.cli.console import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from skinprogress.batch.records import BatchEvent, ClientSummary

_LEVELS = {"failed": "error", "warning": "warning", "photo begins": "debug", "photo ends": "debug", "stage": "debug"}


class Log:
    """A file of JSON lines, one event a line, each written at once.

    Parameters
    ----------
    target : Path or None
        Appended to, and made for its owner alone where it is missing; ``-`` is standard error, None writes nothing.

    Raises
    ------
    OutputError
        It cannot be opened.
    """

    def __init__(self, target: Path | None) -> None:
        self._number: int | None = None
        self._stages: dict[str, str] = {}
        self._photos: dict[tuple[str, str], float] = {}
        self._ours = target is not None and str(target) != "-"
        if target is None:
            return
        if not self._ours:
            self._number = sys.stderr.fileno()
            return
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._number = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            from skinprogress.errors import OutputError

            reason = f"the log {shown(str(target))} cannot be written ({error.strerror or error})"
            raise OutputError(reason, "choose another file with --log") from error

    def write(self, level: str, event: str, **values: Any) -> None:
        """Add a line; what is empty is left out."""
        if self._number is None:
            return
        said = {name: value for name, value in values.items() if value not in ("", None)}
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "level": level, "event": event, **said}) + "\n"
        # A disk that is full is told by the batch itself, whose files matter more than the log of them.
        with contextlib.suppress(OSError):
            os.write(self._number, line.encode())

    def hear(self, event: "BatchEvent") -> None:
        """Add what a batch reports."""
        seconds = event.seconds
        if event.kind == "stage":
            if self._stages.get(event.client) == event.text:
                return  # the same for the next photo
            self._stages[event.client] = event.text
        elif event.kind == "photo begins":
            self._photos[event.client, event.file] = time.monotonic()
        elif event.kind == "photo ends":
            seconds = time.monotonic() - self._photos.pop((event.client, event.file), time.monotonic())
        summary = event.summary
        values: dict[str, Any] = {"client": event.client, "file": event.file, "sha256": event.sha256}
        key = "reason" if event.kind in ("failed", "unchanged") else "text"
        values |= {key: event.text, "seconds": round(seconds, 3) or None}
        if summary is not None:
            values |= {"status": summary.status, "remedy": summary.remedy, "headline": summary.headline}
            values |= {"sessions": summary.n_sessions, "photos": summary.n_photos, "rejected": summary.n_rejected}
        self.write(_LEVELS.get(event.kind, "info"), event.kind, **values)
        if summary is None or event.kind == "unchanged":
            return
        for rejection in summary.rejected:
            told = {"code": rejection.code, "reason": rejection.reason, "remedy": rejection.remedy}
            self.write("warning", "photo rejected", client=event.client, file=rejection.file, **told)
        for file in summary.other_person:
            self.write("warning", "may be another person", client=event.client, file=file)

    @contextlib.contextmanager
    def whole_run(self, *, named: bool, **about: Any) -> Iterator[dict[str, Any]]:
        """Tell of the beginning and the end of a run, and close the file.

        Parameters
        ----------
        named : bool
            Whether paths, and errors that may quote them, are told.
        **about
            Of the run.

        Yields
        ------
        dict
            To be filled with what the last line shall say.
        """
        from skinprogress.errors import SkinprogressError

        started = time.monotonic()
        about = {name: value for name, value in about.items() if named or not isinstance(value, str)}
        end: dict[str, Any] = {}
        try:
            self.write("info", "run begins", process=os.getpid(), **about)
            yield end
        except BaseException as error:
            told = {"error": type(error).__name__}
            if named and isinstance(error, SkinprogressError):
                told |= {"reason": error.reason, "remedy": error.remedy}
            elif named:
                told |= {"reason": str(error)}
            self.write("error", "run stops", **told, seconds=round(time.monotonic() - started, 3))
            raise
        else:
            self.write("info", "run ends", **end, seconds=round(time.monotonic() - started, 3))
        finally:
            if self._number is not None and self._ours:
                os.close(self._number)
            self._number = None


@dataclass(slots=True, eq=False)
class _Busy:
    """A client that is worked on."""

    row: "TaskID"
    files: set[str] = field(default_factory=set)
    done: int = 0
    total: int = 0

    @property
    def share(self) -> float:
        return min(1.0, self.done / self.total) if self.total else 0.0


class Display:
    """What a person sees of a batch.

    Parameters
    ----------
    console : Console
    errors : Console
        For clients that failed, where nothing else is to be shown.
    quiet : bool
        Show nothing else.
    """

    def __init__(self, console: "Console", errors: "Console", *, quiet: bool) -> None:
        self._console = errors if quiet else console
        self._quiet = quiet
        self._busy: dict[str, _Busy] = {}
        self._photos = 0
        self._n_done = self._n_new = 0
        self._started = time.monotonic()
        self._bar: Progress | None = None
        self._row: TaskID | None = None

    @contextlib.contextmanager
    def showing(self) -> Iterator[None]:
        """Bars for as long as the batch runs, where there is a terminal to show them."""
        if self._quiet or not self._console.is_terminal:
            yield
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}", markup=False),
        )
        with Progress(*columns, console=self._console, transient=True) as self._bar:
            self._row = self._bar.add_task("clients", total=None, told="")
            yield
        self._bar = None

    def hear(self, event: "BatchEvent") -> None:
        """Show what a batch reports."""
        if event.kind in ("done", "failed", "unchanged"):
            self._finish(event)
        elif event.kind == "warning" and not self._quiet:
            # The last line: what a fault of the program's own left behind is for the log.
            where = f"{shown(event.client)}: " if event.client else ""
            self._say("warning", where + shown(event.text.strip().rpartition("\n")[2]))
        elif self._bar is not None:
            self._move(self._bar, event)

    def _finish(self, event: "BatchEvent") -> None:
        busy = self._busy.pop(event.client, None)
        self._n_done += 1
        summary = event.summary
        if event.kind != "unchanged":
            self._n_new += 1
            self._photos += summary.n_photos if summary else 0
        if self._bar is not None:
            if busy is not None:
                self._bar.remove_task(busy.row)
            self._tell(self._bar)
        if summary is not None and summary.status == "failed":
            self._say("failed", f"{shown(event.client)}: {shown(summary.reason)}; {shown(summary.remedy)}")
        elif event.kind == "done" and self._bar is None and not self._quiet:
            self._say("done", f"{shown(event.client)}: {_in_short(summary)} ({event.seconds:.0f} s)")

    def _move(self, bar: "Progress", event: "BatchEvent") -> None:
        """Move the bars."""
        if not event.client:
            if self._row is not None and event.total:
                bar.update(self._row, total=event.total)
            return
        busy = self._busy.get(event.client)
        if busy is None:
            row = bar.add_task(f"  {shown(event.client)}", total=None, told="")
            busy = self._busy[event.client] = _Busy(row)
        if event.kind == "stage":
            if event.total:
                busy.done, busy.total = event.done, event.total
            bar.update(busy.row, completed=busy.done, total=busy.total or None, told=shown(event.text))
        elif event.kind == "photo begins":
            busy.files.add(event.file)
            bar.update(busy.row, told=shown(event.file))
        self._tell(bar)

    def _tell(self, bar: "Progress") -> None:
        """How quick it goes, and how long it will take."""
        assert self._row is not None
        seconds = time.monotonic() - self._started
        photos = self._photos + sum(len(busy.files) * busy.share for busy in self._busy.values())
        told = f"{photos / seconds:.2f} photos/s" if photos and seconds > 1.0 else ""
        total = bar.tasks[0].total
        new = self._n_new + sum(busy.share for busy in self._busy.values())
        if told and total and new:
            left = seconds / new * (total - self._n_done - (new - self._n_new))
            told += f", {_in_words(left)} left"
        bar.update(self._row, completed=self._n_done, told=told)

    def _say(self, what: str, text: str) -> None:
        self._console.print(f"{what:<9} {text}", markup=False, highlight=False, soft_wrap=True)


def _in_short(summary: "ClientSummary | None") -> str:
    if summary is None:
        return "through"
    photos = "1 photo" if summary.n_photos == 1 else f"{summary.n_photos} photos"
    used = f"{summary.n_used} of {photos} used" if summary.n_rejected else photos
    grade = f", grade {summary.grade}" if summary.grade else ""
    return f"{summary.n_sessions} session{'' if summary.n_sessions == 1 else 's'}, {used}{grade}"


def _in_words(seconds: float) -> str:
    minutes = round(seconds / 60.0)
    if minutes < 1:
        return "less than a minute"
    return f"about {minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"about {minutes} min"
