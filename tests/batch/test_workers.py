"""Real worker processes that are killed, hang, exit and talk nonsense; no photos."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from skinprogress.batch.crew import memory_needed_mb
from skinprogress.batch.placing import store_folder
from skinprogress.batch.records import BatchEvent, BatchOptions, ClientFolder, ClientSummary, ClientTask
from skinprogress.batch.workers import plan_threads, run_tasks
from skinprogress.errors import OutputError, PhotoError, SkinprogressError
from skinprogress.store import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@pytest.fixture
def jobs_module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """``worker_jobs``, importable by name in this process and in the workers."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import worker_jobs

    return worker_jobs


class Outcome:
    """What a run said and left."""

    def __init__(self) -> None:
        self.events: list[BatchEvent] = []
        self.deaths: list[tuple[str, str, str, PhotoError]] = []
        self.summaries: dict[str, ClientSummary] = {}

    def kinds(self, client: str) -> list[str]:
        return [event.kind for event in self.events if event.client == client]

    def texts(self, kind: str) -> list[str]:
        return [event.text for event in self.events if event.kind == kind]


@pytest.fixture
def run(tmp_path: Path, jobs_module: ModuleType) -> Callable[..., Outcome]:
    """Let workers do what the names of clients ask for; see ``worker_jobs``."""

    def run(*ids: str, jobs: int = 2, photo_limit_s: float = 60.0, threads: int = 1, **options: object) -> Outcome:
        outcome = Outcome()

        def blame(task: ClientTask, file: str, sha256: str, error: PhotoError) -> None:
            outcome.deaths.append((task.label, file, sha256, error))
            Store(store_folder(tmp_path, task.client.id)).blame(sha256, error)

        for summary in run_tasks(
            make_tasks(tmp_path, ids, threads=threads), work=jobs_module.work, jobs=jobs, photo_limit_s=photo_limit_s,
            report=outcome.events.append, on_death=blame, **options,
        ):  # fmt: skip
            outcome.summaries[summary.client] = summary
        return outcome

    return run


def make_tasks(out: Path, ids: tuple[str, ...], *, threads: int = 1) -> list[ClientTask]:
    return [
        ClientTask(
            client=ClientFolder(id=id_, path=out), out=out, label=id_, options=BatchOptions(), threads=threads
        )
        for id_ in ids
    ]  # fmt: skip


def test_everything_is_done_in_order_and_reported_in_order(run: Callable[..., Outcome]) -> None:
    before = dict(os.environ)
    outcome = run("one", "surroundings", "bug", "last", jobs=1)
    assert dict(os.environ) == before
    begun = [event.client for event in outcome.events if event.kind == "begin"]
    assert begun == list(outcome.summaries) == ["one", "surroundings", "bug", "last"]
    assert outcome.kinds("one") == ["begin", "photo begins", "photo ends", "stage", "done"]
    assert outcome.events[4].summary == outcome.summaries["one"]
    # One thread per library, private files, and Ctrl-C left to the parent.
    assert outcome.summaries["surroundings"].headline == "1 1 2 1 077 True"
    # A fault of the program is one client's, and tells no names.
    bug = outcome.summaries["bug"]
    assert bug.status == "failed" and "ValueError, worker_jobs.py line" in bug.reason
    assert "secret" not in repr(outcome.events)
    assert outcome.kinds("bug") == ["begin", "failed"] and not outcome.deaths


def test_a_photo_that_ends_its_process_is_blamed_and_its_client_is_done_without_it(
    run: Callable[..., Outcome],
) -> None:
    outcome = run("crash:SIGSEGV", "exit", "one", "garbage", "hang", photo_limit_s=2.0)
    assert {s.status for s in outcome.summaries.values()} == {"compared"} and len(outcome.summaries) == 5
    assert {(file, sha256) for _, file, sha256, _ in outcome.deaths} == {("a.jpg", "aa")}
    errors = {client: error for client, _, _, error in outcome.deaths}
    assert len(outcome.deaths) == 4 and {client: error.code for client, error in errors.items()} == {
        "crash:SIGSEGV": "decoder_crashed",
        "exit": "decoder_crashed",
        "garbage": "decoder_crashed",
        "hang": "decoder_hung",
    }
    assert "SIGSEGV" in errors["crash:SIGSEGV"].reason and "exit code 3" in errors["exit"].reason
    assert "understood" in errors["garbage"].reason and "2 s" in errors["hang"].reason
    assert all("JPEG or PNG" in error.remedy for error in errors.values())
    kinds = outcome.kinds("crash:SIGSEGV")
    assert kinds[:5] == ["begin", "photo begins", "photo ends", "photo begins", "warning"]
    assert kinds.count("begin") == 1 and kinds[-1] == "done"
    assert all(text.startswith("a.jpg is rejected") for text in outcome.texts("warning"))


def test_a_kill_from_outside_is_held_against_a_photo_only_when_it_comes_again(run: Callable[..., Outcome]) -> None:
    outcome = run("crashonce:SIGKILL", "crash:SIGKILL")
    assert {s.status for s in outcome.summaries.values()} == {"compared"}
    ((client, _, sha256, error),) = outcome.deaths
    assert (client, sha256, error.code) == ("crash:SIGKILL", "aa", "decoder_crashed") and "twice" in error.reason
    (once,) = [event.text for event in outcome.events if (event.client, event.kind) == ("crashonce:SIGKILL", "warning")]
    assert "SIGKILL" in once and "memory" in once


def test_a_client_whose_process_ends_twice_without_a_photo_in_hand_fails(run: Callable[..., Outcome]) -> None:
    outcome = run("crashbetween:SIGKILL", "crashbetween:SIGABRT")
    killed, aborted = outcome.summaries["crashbetween:SIGKILL"], outcome.summaries["crashbetween:SIGABRT"]
    assert killed.status == aborted.status == "failed" and not outcome.deaths
    assert "SIGKILL" in killed.reason and "memory" in killed.reason and "--jobs" in killed.remedy
    assert "SIGABRT" in aborted.reason and aborted.remedy
    assert outcome.kinds(killed.client) == ["begin", "warning", "failed"]


def test_a_worker_that_is_silent_for_long_is_replaced(run: Callable[..., Outcome]) -> None:
    outcome = run("freeze", photo_limit_s=0.3)
    assert outcome.summaries["freeze"].status == "compared" and not outcome.deaths
    assert outcome.texts("warning") == ["the process that worked on it said nothing for 3 s: it is tried again"]


def test_with_photos_in_parallel_the_bad_one_is_found_one_by_one(run: Callable[..., Outcome]) -> None:
    outcome = run("two", threads=2)
    assert [(file, sha256) for _, file, sha256, _ in outcome.deaths] == [("a.jpg", "aa")]
    assert outcome.summaries["two"].headline == "one by one"


def test_a_full_disk_stops_everything(run: Callable[..., Outcome]) -> None:
    with pytest.raises(OutputError, match="disk is full"):
        run("full", "one", jobs=1)


def test_workers_are_used_again_until_they_have_grown_and_stay_within_the_memory(run: Callable[..., Outcome]) -> None:
    outcome = run("process:1", "process:2", "process:3", "process:4", max_memory_mb=1000.0)
    numbers, together = zip(*(s.headline.split() for s in outcome.summaries.values()), strict=True)
    assert len(set(numbers)) == 1 and set(together) == {"1"}  # 1000 MB are enough for one
    # One that takes more than its share is replaced after its client.
    outcome = run("memory:10", "memory:300", "memory:11", "memory:12", max_memory_mb=300.0, jobs=1)
    numbers = [s.headline.split()[0] for s in outcome.summaries.values()]
    assert numbers[0] == numbers[1] != numbers[2] == numbers[3]


def test_one_worker_runs_even_with_too_little_memory_and_it_is_said(run: Callable[..., Outcome]) -> None:
    outcome = run("one", max_memory_mb=100.0)
    assert outcome.summaries["one"].status == "compared"
    assert "700 MB" in outcome.texts("warning")[0] and "100 MB" in outcome.texts("warning")[0]


def test_workers_that_cannot_begin_are_an_error_not_the_clients_fault(run: Callable[..., Outcome]) -> None:
    with pytest.raises(SkinprogressError, match=r"cannot be started.*exit code 7"):
        run("one", prepare=_ExitAtOnce())


class _ExitAtOnce:
    def __reduce__(self) -> tuple[Callable[[int], None], tuple[int]]:
        return os._exit, (7,)


def test_closing_the_iterator_ends_the_workers(tmp_path: Path, jobs_module: ModuleType) -> None:
    finished = run_tasks(
        make_tasks(tmp_path, ("one", "write")), work=jobs_module.work, jobs=2, photo_limit_s=60.0,
        report=lambda event: None, on_death=lambda *_: None,
    )  # fmt: skip
    assert next(finished).client == "one"
    finished.close()
    assert not [path for path in tmp_path.glob("written-*") if is_alive(int(path.name.partition("-")[2]))]


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "parent.py"
    program.write_text(
        textwrap.dedent(f"""
        import sys
        from functools import partial
        from pathlib import Path
        sys.path[:0] = [{str(Path(__file__).parent)!r}]
        import worker_jobs
        from skinprogress.batch.lock import hold_as_worker, locked
        from skinprogress.batch.records import BatchOptions, ClientFolder, ClientTask
        from skinprogress.batch.workers import run_tasks
        if __name__ == "__main__":
            out = Path({str(tmp_path)!r})
            tasks = [ClientTask(client=ClientFolder(id="write", path=out), out=out, label=label, options=BatchOptions())
                     for label in "ab"]
            with locked(out):
                list(run_tasks(tasks, work=worker_jobs.work, jobs=2, photo_limit_s=60.0, report=lambda event: None,
                               on_death=print, prepare=partial(hold_as_worker, out)))
        """)
    )
    from skinprogress.batch.lock import locked
    from skinprogress.errors import UsageError

    parent = subprocess.Popen([sys.executable, str(program)])
    try:
        wait_until(lambda: len(list(tmp_path.glob("written-*"))) == 2)
        with pytest.raises(UsageError, match=f"process {parent.pid} on .* since "), locked(tmp_path):
            pass
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    # Whoever gets the lock now finds nobody who still writes.
    with locked(tmp_path):
        before = [path.read_text() for path in sorted(tmp_path.glob("written-*"))]
        time.sleep(0.1)
        assert [path.read_text() for path in sorted(tmp_path.glob("written-*"))] == before
    left = [path.name for path in (tmp_path / ".store").iterdir()]
    assert left == ["lock"] and (tmp_path / ".store" / "lock").stat().st_mode & 0o777 == 0o600


def test_memory_and_threads() -> None:
    assert memory_needed_mb(12.0) <= 700.0 and memory_needed_mb(48.0) == pytest.approx(1300.0)
    assert plan_threads(1, jobs=4, max_memory_mb=None) == 4
    assert plan_threads(2, jobs=4, max_memory_mb=None) == 2
    assert plan_threads(3, jobs=4, max_memory_mb=None) == plan_threads(9, jobs=4, max_memory_mb=None) == 1
    assert plan_threads(1, jobs=4, max_memory_mb=950.0) == 2
    assert plan_threads(0, jobs=0, max_memory_mb=1.0) == 1


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
