"""Many clients' folders: what is skipped, done, stopped and told. Real workers, made-up work, no photos."""

import csv
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from skinprogress.batch.lock import hold_as_worker, locked
from skinprogress.batch.placing import store_folder
from skinprogress.batch.records import STORE, BatchEvent, BatchOptions
from skinprogress.batch.running import BatchResult, run_batch
from skinprogress.errors import OutputError, UsageError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., BatchResult]:
    """Run a batch over folders of these names, with made-up work; events stand in ``clinic.events``."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import worker_jobs

    monkeypatch.setattr("skinprogress.batch.job.work", worker_jobs.remembering)

    def run(*ids: str, only: tuple[str, ...] = (), jobs: int = 2, report=None, **options: object) -> BatchResult:
        run.events = []
        for id_ in ids:
            add_client(tmp_path / "clinic", id_)
        return run_batch(
            tmp_path / "clinic", tmp_path / "out", options=BatchOptions(jobs=jobs, **options), only=only,
            report=report or run.events.append,
        )  # fmt: skip

    return run


def add_client(root: Path, id_: str) -> None:
    (root / id_).mkdir(parents=True, exist_ok=True)
    (root / id_ / "a.jpg").write_bytes(b"no photo at all")


def rows(out: Path) -> list[str]:
    with (out / "batch.csv").open(encoding="utf-8-sig", newline="") as file:
        return [row["client"] for row in csv.DictReader(file)]


def test_what_is_done_is_not_done_again_and_starts_no_process(
    clinic: Callable[..., BatchResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = clinic("anna", "2026/berta", "broken", photo_limit_s=99.0)
    assert (first.n_done, first.n_unchanged, first.n_failed) == (2, 0, 1)
    assert first.index == tmp_path / "out" / "index.html" and first.index.is_file()
    assert sorted(rows(tmp_path / "out")) == ["2026/berta", "anna", "broken"]
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert clinic.events[0].total == 3 and clinic.events[0].client == ""

    with monkeypatch.context() as forbidden:
        forbidden.setattr("skinprogress.batch.running.run_tasks", None)
        again = clinic(only=("ANNA", "2026/*"), photo_limit_s=99.0)
    assert (again.n_done, again.n_unchanged, again.n_failed) == (0, 2, 0)
    assert [event.kind for event in clinic.events] == ["stage", "unchanged", "unchanged"]
    # One that was not selected, and failed in a way that was not noted, is not known any more.
    assert sorted(rows(tmp_path / "out")) == ["2026/berta", "anna"]

    # A client of an earlier run whose folder is gone stays in the index, and is marked.
    (tmp_path / "clinic" / "anna" / "a.jpg").unlink()
    (tmp_path / "clinic" / "broken" / "a.jpg").unlink()
    add_client(tmp_path / "clinic", "clara")
    later = clinic(photo_limit_s=99.0)
    assert (later.n_done, later.n_unchanged, later.n_failed) == (1, 1, 0)
    assert (
        sorted(rows(tmp_path / "out")) == ["2026/berta", "anna", "clara"] == sorted(s.client for s in later.summaries)
    )
    assert sorted(path.name for path in (tmp_path / "out" / STORE).glob("*[!0-9a-f]*")) == ["lock", "salt"]


def test_one_client_gets_all_jobs_for_its_photos_and_a_bad_photo_is_remembered(
    clinic: Callable[..., BatchResult], tmp_path: Path
) -> None:
    from skinprogress.batch.placing import store_folder
    from skinprogress.errors import PhotoError
    from skinprogress.store import Store

    clinic("two")
    kinds = [(event.kind, event.file) for event in clinic.events if event.kind in ("photo begins", "warning")]
    assert sorted(kinds[:2]) == [("photo begins", "a.jpg"), ("photo begins", "good.jpg")]
    good, bad = ("photo begins", "good.jpg"), ("photo begins", "a.jpg")
    assert kinds[2:] == [("warning", ""), good, bad, ("warning", "a.jpg"), good]
    with (
        pytest.raises(PhotoError, match="SIGABRT"),
        Store(store_folder(tmp_path / "out", "two")).handling("a.jpg", "aa"),
    ):
        pass


def test_fail_fast_stops_at_the_first_client_that_fails(clinic: Callable[..., BatchResult], tmp_path: Path) -> None:
    result = clinic("a", "broken", "c", "d", jobs=1, fail_fast=True)
    assert (result.n_done, result.n_failed) == (1, 1)
    assert rows(tmp_path / "out") == ["a", "broken"]
    # A page of some of the clients says so.
    assert "Clients that were not compared yet, until the batch is run again for all: 2" in result.index.read_text()


def test_a_full_disk_stops_with_one_error_and_what_is_done_stays(
    clinic: Callable[..., BatchResult], tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match="disk is full: make room"):
        clinic("a", "full", "z", jobs=1)
    assert rows(tmp_path / "out") == ["a"]


def test_ctrl_c_ends_the_workers_and_still_writes_the_index(clinic: Callable[..., BatchResult], tmp_path: Path) -> None:
    def stop(event: BatchEvent) -> None:
        if event.kind == "done":
            # As a terminal does it: to this process while it waits.
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        clinic("a", "write", jobs=1, report=stop)
    assert rows(tmp_path / "out") == ["a"]
    with locked(tmp_path / "out"):  # no worker is left
        pass


def test_made_up_names_only(clinic: Callable[..., BatchResult], tmp_path: Path) -> None:
    clinic("anna")
    result = clinic("berta", only=("berta",), pseudonyms=True)
    (name,) = rows(tmp_path / "out")
    assert name.startswith("client-") and [s.client for s in result.summaries] == [name]
    assert not any(secret in repr(clinic.events) for secret in ("anna", "berta"))
    page = result.index.read_text().lower()
    assert "anna" not in page and "berta" not in page and "1" in page
    with pytest.raises(UsageError, match="client-") as error:
        clinic(only=("nobody",), pseudonyms=True)
    assert "anna" not in str(error.value)
    # By its made-up name too; it is known as done.
    assert clinic(only=(name,), pseudonyms=True).n_unchanged == 1


def test_the_order_of_made_up_names_is_not_that_of_the_names(
    clinic: Callable[..., BatchResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic("anna", "berta", "carl", "dora", "emil", jobs=1, pseudonyms=True)
    order = [event.client for event in clinic.events if event.kind == "begin"]
    assert len(order) == 5 and order == sorted(order)
    monkeypatch.setattr("skinprogress.batch.running.label_of", lambda *_: "client-12345678")
    with pytest.raises(UsageError, match="the same made-up name"):
        clinic(pseudonyms=True)


def test_what_cannot_be_run_is_said(clinic: Callable[..., BatchResult], tmp_path: Path) -> None:
    add_client(tmp_path / "clinic", "anna")
    with pytest.raises(UsageError, match="No client is called bert: the clients are anna"):
        clinic(only=("an*", "bert"))
    add_client(tmp_path / "clinic", "2026/Zoe")
    for wrong, right in {"2026": "2026/*", "zoe": "*/zoe", "2026/Zo": "*2026/Zo*", "ana": "anna"}.items():
        with pytest.raises(UsageError) as error:
            clinic(only=(wrong,))
        assert f"did you mean {right!r}?" in str(error.value)
    options = BatchOptions()
    with pytest.raises(OutputError, match="lies in the clients' folder"):
        run_batch(tmp_path / "clinic", tmp_path / "clinic" / "anna" / "out", options=options)
    with pytest.raises(OutputError, match="lies in the output folder"):
        run_batch(tmp_path / "clinic", tmp_path, options=options)
    assert not (tmp_path / "clinic" / "anna" / "out").exists() and not (tmp_path / STORE).exists()
    with pytest.raises(UsageError):
        run_batch(tmp_path / "nowhere", tmp_path / "new", options=options)
    assert not (tmp_path / "new").exists()


def test_a_second_run_is_refused_with_a_clear_message(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with locked(out):
        told = (
            rf"{out} is being written by another run \(process {os.getpid()} on .* since \d{{4}}-\d\d-\d\d \d\d:\d\d\)"
        )
        with pytest.raises(UsageError, match=told), locked(out):
            pass
        # From another process too; and the refusal leaves the holder's note alone.
        program = "import pathlib, sys, skinprogress.batch.lock as l; l.locked(pathlib.Path(sys.argv[1])).__enter__()"
        other = subprocess.run([sys.executable, "-c", program, str(out)], capture_output=True, text=True, check=False)
        assert other.returncode == 1 and f"process {os.getpid()} on" in other.stderr
        assert str(os.getpid()) in (out / STORE / "holder").read_text()
    with locked(out):
        pass
    assert [path.name for path in (out / STORE).iterdir()] == ["lock"]
    assert (out / STORE).stat().st_mode & 0o777 == 0o700


def test_the_lock_writes_nothing_where_a_planted_link_leads(tmp_path: Path) -> None:
    store, mine = tmp_path / "out" / STORE, tmp_path / "mine"
    store.mkdir(parents=True)
    mine.write_text("mine")
    for name in ("holder", "worker-7"):
        (store / name).symlink_to(mine)
    with locked(tmp_path / "out"):
        pass
    (store / "lock").unlink()
    (store / "lock").symlink_to(mine)
    with pytest.raises(OutputError, match="is a link"), locked(tmp_path / "out"):
        pass
    assert mine.read_text() == "mine"


def test_a_worker_that_outlives_its_run_keeps_others_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skinprogress.batch.lock._PATIENCE_S", 0.1)
    with locked(tmp_path):
        pass
    kept = hold_as_worker(tmp_path)
    with pytest.raises(UsageError, match=f"process of an earlier run .{os.getpid()}. still writes"), locked(tmp_path):
        pass
    kept.release()
    with locked(tmp_path):
        pass


def test_what_a_killed_run_was_writing_is_cleared_away(clinic: Callable[..., BatchResult], tmp_path: Path) -> None:
    store = tmp_path / "out" / STORE
    store.mkdir(parents=True)
    left = [folder / ".0123456789ab.tmp" for folder in (store.parent, store)]
    mine = store.parent / ".mine.tmp"
    for path in (*left, mine):
        path.write_bytes(b"half a page")
    clinic("anna")
    assert not any(path.exists() for path in left) and mine.read_bytes() == b"half a page"


def test_results_that_a_killed_run_put_aside_come_back_whatever_the_next_run_is_about(
    clinic: Callable[..., BatchResult], tmp_path: Path
) -> None:
    clinic("anna", "berta")
    out = tmp_path / "out"
    results, aside = out / "clients" / "anna", store_folder(out, "anna") / "old"
    results.mkdir(parents=True, exist_ok=True)
    (results / "note.txt").write_bytes(b"my own")
    results.rename(aside)
    clinic(only=("berta",))
    assert (results / "note.txt").read_bytes() == b"my own" and not aside.exists()
