"""The commands for many clients as people and schedulers meet them; who does the work is a stand-in here."""

import io
import json
import os
import pickle
import stat
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from skinprogress import api
from skinprogress.batch import forgetting
from skinprogress.batch.records import BatchEvent, BatchOptions, ClientSummary, Report
from skinprogress.batch.running import BatchResult
from skinprogress.cli import batch_display, batching
from skinprogress.cli.main import app, main
from skinprogress.errors import UsageError
from skinprogress.records import Rejection

REJECTED = Rejection(file="x\n.jpg", session="", code="too_dark", reason="it is dark", remedy="more light")
DONE = ClientSummary(
    client="2026/Anna", status="compared", grade="B", n_photos=3, n_used=2, n_rejected=1, n_sessions=2,
    rejected=(REJECTED,), other_person=("y.jpg",), pictures={"a.jpg": "1" * 64},
)  # fmt: skip
FAILED = ClientSummary(
    client="Bea\x1b[2J", status="failed", reason="no photo", remedy="take some", pictures={"b.jpg": "1" * 64}
)
SAME = ClientSummary(client="Carl", status="compared", n_photos=2, n_used=2, n_sessions=1)

EVENTS = [
    BatchEvent(kind="stage", client="", text="clients", total=3),
    BatchEvent(kind="warning", client="", text="the sheet names nobody"),
    BatchEvent(kind="unchanged", client="Carl", summary=SAME),
    BatchEvent(kind="begin", client="2026/Anna"),
    BatchEvent(kind="photo begins", client="2026/Anna", file="a.jpg", sha256="1" * 64),
    BatchEvent(kind="photo ends", client="2026/Anna", file="a.jpg", sha256="1" * 64),
    BatchEvent(kind="stage", client="2026/Anna", text="looking", done=1, total=6),
    BatchEvent(kind="stage", client="2026/Anna", text="looking", done=2, total=6),
    BatchEvent(kind="done", client="2026/Anna", seconds=12.3456, summary=DONE),
    BatchEvent(kind="begin", client=FAILED.client),
    BatchEvent(kind="failed", client=FAILED.client, text=FAILED.reason, summary=FAILED),
]


class StandIn:
    """Takes the place of ``api.run_batch`` and notes what it was told."""

    def __init__(self, out: Path, *, n_failed: int = 1, error: BaseException | None = None) -> None:
        self.out = out
        self.n_failed = n_failed
        self.error = error
        self.options = BatchOptions()
        self.said: dict[str, Any] = {}

    def __call__(
        self, folder: Path, out: Path, *, options: BatchOptions, only: Sequence[str], sheet: Path, report: Report
    ) -> BatchResult:
        self.options = options
        self.said = {"folder": folder, "out": out, "only": list(only), "sheet": sheet}
        for event in EVENTS:
            report(event)
        if self.error is not None:
            raise self.error
        return BatchResult(
            summaries=(DONE, FAILED, SAME), n_done=1, n_unchanged=1, n_failed=self.n_failed,
            index=self.out / "index.html", seconds=13.0,
        )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, StandIn]]:
    """Run the command with a stand-in: ``run("-q", error=…)`` gives the exit code and the stand-in."""

    def run(*arguments: str | Path, **stand_in: Any) -> tuple[int, StandIn]:
        doing = StandIn(tmp_path / "out", **stand_in)
        monkeypatch.setattr(api, "run_batch", doing)
        command = ["skinprogress", "batch", str(tmp_path), "-o", str(tmp_path / "out"), *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), doing

    monkeypatch.setenv("COLUMNS", "300")
    return run


def read_log(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_without_a_terminal_a_line_for_each_client_and_a_summary(run, tmp_path, capsys) -> None:
    code, _ = run()
    out = capsys.readouterr().out
    assert code == 1
    assert out.splitlines() == [
        "warning   the sheet names nobody",
        "done      2026/Anna: 2 sessions, 2 of 3 photos used, grade B (12 s)",
        "failed    Bea\\x1b[2J: no photo; take some",
        "clients   1 done, 1 unchanged, 1 failed",
        "photos    1 rejected, with the reasons on the index page",
        "look at   1 photo that may show another person: 2026/Anna/y.jpg",
        "look at   1 picture in the folders of several clients: 2026/Anna/a.jpg = Bea\\x1b[2J/b.jpg",
        f"index     {tmp_path / 'out' / 'index.html'}",
    ]


def test_quiet_tells_errors_only(run, capsys) -> None:
    assert run("-q")[0] == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "failed    Bea\\x1b[2J: no photo; take some\n"


@pytest.mark.parametrize(
    ("stand_in", "code"),
    [
        ({"n_failed": 0}, 0),
        ({"n_failed": 2}, 1),
        ({"error": UsageError("no client", "give another folder")}, 2),
        ({"error": KeyboardInterrupt()}, 130),
    ],
)
def test_exit_codes(run, tmp_path, capsys, stand_in, code) -> None:
    log = tmp_path / "log.jsonl"
    assert run("--log", log, **stand_in)[0] == code
    assert ("goes on from there" in capsys.readouterr().out) == (code == 130)
    last = read_log(log)[-1]
    assert last["event"] == ("run ends" if code < 2 else "run stops")
    assert last.get("reason", "") == ("no client" if code == 2 else "")


def test_every_option_arrives(run, tmp_path) -> None:
    _, doing = run(
        "--courses", tmp_path / "c.csv", "--only", "2026/*", "--only", "Bea", "-j", "3", "--max-memory", "1.5 GB",
        "--photo-limit", "30", "--fail-fast", "--pseudonym", "--outputs", "report, Tables",
        "--date-order", "dmy", "--color", "none", "--card-edition", "classic", "--light", "raw",
        "--audience", "client", "--assets", "--pdf",
    )  # fmt: skip
    assert doing.said == {
        "folder": tmp_path, "out": tmp_path / "out", "only": ["2026/*", "Bea"], "sheet": tmp_path / "c.csv",
    }  # fmt: skip
    options = doing.options
    assert (options.jobs, options.max_memory_mb, options.photo_limit_s) == (3, 1500.0, 30.0)
    assert options.fail_fast and options.pseudonyms and not options.thumbnails
    assert options.output.kinds == ("tables", "report")
    assert options.output.audience == "client" and options.output.assets and options.output.pdf
    settings = options.settings
    assert (settings.date_order, settings.color_reference, settings.card_edition, settings.light) == (
        "dmy", "none", "classic", "raw",
    )  # fmt: skip
    pickle.loads(pickle.dumps(options))  # it goes to other processes


def test_as_many_jobs_as_cores(run, monkeypatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 3, 5}, raising=False)
    assert run()[1].options.jobs == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert batching.count_cores() == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--outputs", "tabels"], ["no output 'tabels'", "did you mean 'tables'?"]),
        (["--max-memory", "lots"], ["'lots' is no amount of memory", "2GB"]),
        (["--max-memory", "0GB"], ["no amount"]),
        (["-j", "0"], ["--jobs"]),
        (["--log", "/proc/none/log"], ["cannot be written"]),
    ],
)
def test_wrong_use(run, capsys, arguments, words) -> None:
    code, doing = run(*arguments)
    told = capsys.readouterr().err
    assert code == 2 and not doing.said
    assert all(word in told for word in words), told


@pytest.mark.parametrize(
    ("text", "megabytes"), [("2GB", 2000.0), ("1500MB", 1500.0), ("800", 800.0), ("1 GiB", 1073.741824), ("2g", 2000.0)]
)
def test_amounts_of_memory(text, megabytes) -> None:
    assert batching.read_megabytes(text) == pytest.approx(megabytes)
    with pytest.raises(typer.BadParameter):
        batching.read_megabytes(f"-{text}")


def test_the_log_is_json_lines_for_its_owner_alone(run, tmp_path) -> None:
    log = tmp_path / "logs" / "batch.jsonl"
    before = datetime.now().astimezone()
    run("--log", log)
    lines = read_log(log)
    if sys.platform != "win32":
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert [line["event"] for line in lines] == [
        "run begins", "stage", "warning", "unchanged", "begin", "photo begins", "photo ends", "stage", "done",
        "photo rejected", "may be another person", "begin", "failed", "run ends",
    ]  # fmt: skip
    for line in lines:
        assert abs(datetime.fromisoformat(line["time"]) - before) < timedelta(minutes=5)
        assert line["time"].endswith("+00:00")
    levels = {line["event"]: line["level"] for line in lines}
    assert (levels["failed"], levels["warning"], levels["done"], levels["photo ends"]) == (
        "error", "warning", "info", "debug",
    )  # fmt: skip
    (done,) = (line for line in lines if line["event"] == "done")
    assert (done["client"], done["seconds"], done["photos"]) == ("2026/Anna", 12.346, 3)
    (rejected,) = (line for line in lines if line["event"] == "photo rejected")
    assert (rejected["file"], rejected["reason"]) == ("x\n.jpg", "it is dark")
    (failed,) = (line for line in lines if line["event"] == "failed")
    assert (failed["reason"], failed["remedy"]) == ("no photo", "take some")
    assert lines[-1]["failed"] == 1
    run("--log", log)
    assert len(read_log(log)) == 2 * len(lines), "a log is added to"


def test_a_log_without_names_quotes_no_path_and_no_error(run, tmp_path) -> None:
    log = tmp_path / "log.jsonl"
    run("--log", log, "--pseudonym", error=UsageError(f"{tmp_path}/Anna is wrong"))
    ends = [line for line in read_log(log) if line["event"].startswith("run ")]
    assert len(ends) == 2 and ends[1]["error"] == "UsageError"
    assert str(tmp_path) not in json.dumps(ends)


def test_a_full_disk_under_the_log_does_not_end_the_run(run, tmp_path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no such device")
    assert run("--log", "/dev/full", n_failed=0)[0] == 0


def test_the_log_can_be_standard_error(run, capfd) -> None:
    run("-q", "--log", "-")
    lines = capfd.readouterr().err.splitlines()
    assert json.loads(lines[0])["event"] == "run begins"
    assert any(line.startswith("failed") for line in lines)


def test_on_a_terminal_bars_move_and_only_failures_stay(monkeypatch) -> None:
    clock = iter(range(0, 10_000, 2))
    monkeypatch.setattr(batch_display.time, "monotonic", lambda: float(next(clock)))
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=160, legacy_windows=False)
    display = batch_display.Display(console, console, quiet=False)
    seen = []
    with display.showing():
        for event in EVENTS[:8]:
            display.hear(event)
        bars = display._bar
        assert bars is not None
        seen = [(task.description, task.completed, task.total, task.fields["told"]) for task in bars.tasks]
        for event in EVENTS[8:]:
            display.hear(event)
        assert [task.description for task in bars.tasks] == ["clients"]
        assert bars.tasks[0].completed == 3
    clients, anna = seen
    assert clients[:3] == ("clients", 1, 3) and "photos/s, " in clients[3] and clients[3].endswith("left")
    assert anna == ("  2026/Anna", 2, 6, "looking")
    assert "failed    Bea\\x1b[2J" in screen.getvalue() and "done      2026" not in screen.getvalue()


def test_forget_says_what_it_removed(tmp_path, monkeypatch, capsys) -> None:
    forgotten = forgetting.Forgotten(
        client="An\nna",
        removed=(forgetting.Removed(what="results", files=("a", "b"), n_bytes=2_500_000),),
        left=("clients/An\nna/mine.txt",),
        notes=("The photos themselves are untouched.",),
    )
    asked = []
    monkeypatch.setattr(forgetting, "forget_client", lambda out, name: asked.append((out, name)) or forgotten)
    assert not app(["forget", "Anna", "-o", str(tmp_path)], standalone_mode=False)
    assert asked == [(tmp_path, "Anna")]
    assert capsys.readouterr().out.splitlines() == [
        "forgot    An\\nna: 2 files, 2.5 MB",
        "removed   results: 2 files, 2.5 MB",
        "left      clients/An\\nna/mine.txt, which this program did not make",
        "note      The photos themselves are untouched.",
    ]


def test_names_tells_who_stands_behind_made_up_names(tmp_path, capsys) -> None:
    from skinprogress.batch.pseudonyms import label_of
    from skinprogress.errors import UsageError

    for name in ("Anna", "Bea"):
        (tmp_path / "clients" / name / "2026-01-10").mkdir(parents=True)
        (tmp_path / "clients" / name / "2026-01-10" / "a.jpg").write_bytes(b"not opened")
    command = ["names", str(tmp_path / "clients"), "-o", str(tmp_path / "out")]
    with pytest.raises(UsageError, match="no names were made up"):
        app(command, standalone_mode=False)
    assert not (tmp_path / "out").exists()
    told = sorted(f"{label_of(tmp_path / 'out', name)}  {name}" for name in ("Anna", "Bea"))
    app(command, standalone_mode=False)
    assert capsys.readouterr().out.splitlines() == told


def test_only_the_outputs_asked_for_are_written(fake_result, tmp_path, monkeypatch) -> None:
    from skinprogress.outputs.table import OUTPUTS, Output, write_outputs
    from skinprogress.settings import OutputOptions

    asked = []
    for name in OUTPUTS:

        def write(_result: object, _out: Path, name: str = name, **_: object) -> list[Path]:
            asked.append(name)
            return []

        monkeypatch.setitem(OUTPUTS, name, Output(name=name, title=name, write=write, last=name == "report"))
    result = fake_result(n_sessions=1)
    written = write_outputs(result, tmp_path / "a", options=OutputOptions(kinds=("report", "tables")))
    assert asked == ["tables", "report"] == list(written)
    assert (tmp_path / "a" / "run.json").is_file()
    write_outputs(result, tmp_path / "b")
    assert asked[2:] == list(OUTPUTS)
