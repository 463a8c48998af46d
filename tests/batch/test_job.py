"""What a worker does for one client: results that are whole whatever happens, and failures that harm nobody else."""

import errno
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from skinprogress.batch import job, placing
from skinprogress.batch.done import find_done, read_done
from skinprogress.batch.placing import mend, place, results_folder, store_folder
from skinprogress.batch.records import BatchEvent, BatchOptions, ClientFolder, ClientSummary, ClientTask
from skinprogress.errors import AmbiguousDateError, CourseFileError, NothingMeasuredError, OutputError, UsageError
from skinprogress.outputs import points_composite
from skinprogress.outputs.files import write_whole
from skinprogress.photos import folder as listing
from skinprogress.pipeline import comparing
from skinprogress.records import ClientResult, Consent, Course, Rejection
from skinprogress.settings import OutputOptions

HERE = Path(__file__).parent
NAMES = [
    "Anna", "anna", "Zoë", "2026/Anna", "..", ".", "", "/etc", "a/../../b", "CON", "aux.txt", "com1 .x", "a.", "a ",
    "a:b", "a\\b", "a\nb", "n" * 250, "n" * 251, "ñ" * 120, "ñ" * 119 + "o", "Anna~12345678", "日本" * 60, "_", "__",
]  # fmt: skip


@pytest.fixture
def standing_in(fake_result: Callable[..., ClientResult], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module ``stand_in``, with its pipeline of cardboard in place."""
    spec = importlib.util.spec_from_file_location("skinprogress_tests_stand_in", HERE / "stand_in.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.stand_in(fake_result(2, metrics=("redness",), regions=("face",)), monkeypatch.setattr)
    return module


@pytest.fixture
def task(standing_in: ModuleType, tmp_path: Path) -> ClientTask:
    made: ClientTask = standing_in.make_task(tmp_path)
    made.client.path.mkdir(parents=True)
    (made.client.path / "photo.jpg").write_text("one two")
    return made


def work(task: ClientTask) -> tuple[ClientSummary, list[BatchEvent]]:
    events: list[BatchEvent] = []
    return job.work(task, events.append), events


def files_in(folder: Path) -> dict[str, str]:
    inside = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_text(errors="replace") for path in inside}


def write_all(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        write_whole(folder / name, text)


# Where results stand


def test_every_label_has_a_folder_of_its_own_that_every_file_system_can_hold(tmp_path: Path) -> None:
    folders = [results_folder(tmp_path, label) for label in NAMES]
    assert len(set(folders)) == len(NAMES)
    for folder in folders:
        parts = folder.relative_to(tmp_path / "clients").parts
        assert parts and ".." not in parts
        assert all(len(part.encode()) <= 120 and part == part.rstrip(". ") for part in parts)
        folder.mkdir(parents=True)
    assert results_folder(tmp_path, "2026/Anna") == tmp_path / "clients" / "2026" / "Anna"


def test_labels_that_differ_in_capitals_keep_apart_where_the_file_system_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placing, "_ignores_case", lambda out: True)
    folders = {
        str(results_folder(tmp_path, label)).casefold() for label in ("Anna", "anna", "ANNA", "Zoë", "Zoe\u0308")
    }
    assert len(folders) == 5
    assert results_folder(tmp_path, "client-3f9a2c1b").name == "client-3f9a2c1b"


def test_the_store_tells_nobody_who_a_client_is(tmp_path: Path) -> None:
    folder = store_folder(tmp_path, "Anna")
    assert folder.parent == tmp_path / ".store" and len(folder.name) == 16
    assert folder == store_folder(tmp_path, "Anna") != store_folder(tmp_path, "anna")


# New results in the place of old ones

OLD = {"run.json": json.dumps({"files": ["run.json", "report.html", "charts/a.png"]}), "report.html": "old"}
MINE = {"notes.txt": "mine", "charts/mine.png": "mine", "new.csv": "mine", "a/b/c.txt": "mine", ".hidden": "mine"}
NEW = {
    "run.json": json.dumps({"files": ["run.json", "report.html", "new.csv"]}),
    "report.html": "new",
    "new.csv": "new",
}
AFTER = {**NEW, **MINE, "new.csv": "new", "new (kept 1).csv": "mine"}


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """A store folder with new results, and old results with files of the user's among them."""
    store, target = tmp_path / "store", tmp_path / "clients" / "Anna"
    write_all(target, {**OLD, "charts/a.png": "old", "noted.txt": "old", **MINE})
    write_all(store / "new", NEW)
    return store, target


def test_nothing_of_the_users_is_lost(places: tuple[Path, Path]) -> None:
    store, target = places
    place(store, target, ours=["noted.txt"])
    assert files_in(target) == AFTER
    assert list(store.iterdir()) == []


def test_without_a_record_everything_is_taken_for_the_users(places: tuple[Path, Path]) -> None:
    store, target = places
    (target / "run.json").write_text("{")
    place(store, target)
    kept = {"report (kept 1).html": "old", "charts/a.png": "old", "noted.txt": "old"}
    assert files_in(target) == AFTER | kept


def test_a_file_in_the_place_of_the_folder_is_kept(tmp_path: Path) -> None:
    store, target = tmp_path / "store", tmp_path / "clients" / "Anna"
    write_all(tmp_path / "clients", {"Anna": "a file"})
    write_all(store / "new", NEW)
    place(store, target)
    assert files_in(target) == {**NEW, "Anna": "a file"}


def test_results_whose_successor_never_came_are_put_back(places: tuple[Path, Path]) -> None:
    store, target = places
    before = files_in(target)
    target.rename(store / "old")
    target.parent.rmdir()
    mend(store, target)
    assert files_in(target) == before
    assert list(store.iterdir()) == []


def test_results_whose_successor_has_come_are_cleared_away(places: tuple[Path, Path]) -> None:
    store, target = places
    write_all(store, {"gone/report.html": "older", "tables/cohort/x.parquet": "half"})
    target.rename(store / "old")
    (store / "new").rename(target)
    mend(store, target, ours=["noted.txt"])
    assert files_in(target) == AFTER
    assert list(store.iterdir()) == []


# A client's work


def test_a_client_that_is_through_is_done(task: ClientTask) -> None:
    summary, events = work(task)
    assert find_done(task) == summary
    assert summary.status == "compared" and summary.headline and summary.n_sessions == 2
    assert summary.report == "clients/2026/Anna/report.html" and (task.out / summary.report).is_file()
    assert summary.thumbnails == ("clients/2026/Anna/thumbnails/a.jpg",)
    assert summary.n_photos == summary.n_used + summary.n_rejected == len(summary.pictures)
    assert summary.consent == "the client's consent to publish is not recorded"
    assert any(event.text == "took: look 1.0 s" for event in events)
    assert not {"begin", "done", "failed"} & {event.kind for event in events}  # whoever hands out the work tells these


def test_the_record_of_the_run_is_the_same_in_every_run_and_lists_the_thumbnails(task: ClientTask) -> None:
    work(task)
    record = json.loads((task.out / "clients/2026/Anna/run.json").read_text())
    assert record["complete"] and record["timings_s"] == {}
    target = results_folder(task.out, task.label)
    assert set(record["files"]) == set(files_in(target)) and "thumbnails/a.jpg" in record["files"]


def test_files_and_folders_are_for_their_owner_alone(task: ClientTask) -> None:
    work(task)
    modes = {path.is_dir(): set[int]() for path in task.out.rglob("*")}
    for path in task.out.rglob("*"):
        modes[path.is_dir()].add(path.stat().st_mode & 0o777)
    assert modes == {True: {0o700}, False: {0o600}}


def test_what_is_no_longer_made_goes_and_what_is_the_users_stays(task: ClientTask) -> None:
    work(task)
    target = results_folder(task.out, task.label)
    (target / "composites" / "mine.txt").write_text("mine")
    (task.client.path / "photo.jpg").write_text("two three")
    assert find_done(task) is None
    work(task)
    assert sorted(p.name for p in (target / "composites").iterdir()) == ["mine.txt", "three.txt", "two.txt"]


def test_another_name_for_a_client_takes_the_old_one_away(task: ClientTask) -> None:
    work(task)
    (task.out / "clients/2026/Anna/mine.txt").write_text("mine")
    renamed = replace(task, label="client-12345678", options=BatchOptions(pseudonyms=True))
    summary, _ = work(renamed)
    assert files_in(task.out / "clients" / "2026") == {"Anna/mine.txt": "mine"}
    assert {path.name for path in task.out.joinpath("cohort", "changes").iterdir()} == {
        "client=%2F",
        "client=client-12345678",
    }
    assert (task.out / summary.report).is_file()


@pytest.mark.parametrize("part", ["clients/2026", "cohort", "cohort/changes", "cohort/changes/client=2026%2FAnna", ""])
def test_nothing_is_written_or_removed_where_a_planted_link_leads(task: ClientTask, tmp_path: Path, part: str) -> None:
    work(task)
    place = task.out / part if part else store_folder(task.out, task.client.id)
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    write_all(tmp_path / "elsewhere", {"x.bin": "mine", "new/y": "mine", "old/z": "mine"})
    before = files_in(tmp_path / "elsewhere")
    (task.client.path / "photo.jpg").write_text("two three")
    summary, _ = work(task)
    assert summary.status == "failed" and "is a link" in summary.reason
    assert files_in(tmp_path / "elsewhere") == before


def test_a_planted_list_of_results_removes_nothing_else(task: ClientTask, tmp_path: Path) -> None:
    work(task)
    write_all(tmp_path, {"mine": "1", "linked/mine": "2"})
    (task.out / "clients/way").symlink_to(tmp_path / "linked")
    note = store_folder(task.out, task.client.id) / "done.json"
    noted = json.loads(note.read_text())
    names = ("../mine", str(tmp_path / "mine"), "clients/2026/Anna/../../../../mine", "clients/way/mine")
    noted["outputs"] |= dict.fromkeys(names, (1, 1))
    note.write_text(json.dumps(noted))
    (task.client.path / "photo.jpg").write_text("two three")
    assert work(task)[0].status == "compared"
    assert (tmp_path / "mine").exists() and (tmp_path / "linked/mine").exists()


def test_a_folder_that_changes_during_the_work_is_not_done(task: ClientTask, monkeypatch: pytest.MonkeyPatch) -> None:
    compare = comparing.compare_client

    def change_and_compare(*args: Any, **kwargs: Any) -> ClientResult:
        (task.client.path / "more.jpg").touch()
        return compare(*args, **kwargs)

    monkeypatch.setattr(comparing, "compare_client", change_and_compare)
    summary, _ = work(task)
    assert summary.status == "compared" and find_done(task) is None
    noted = read_done(store_folder(task.out, task.client.id))
    assert noted is not None and noted.summary == summary


# Failures


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception, *, after_listing: bool = False) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(*((comparing, "compare_client") if after_listing else (listing, "list_folder")), fail)


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("error", [NothingMeasuredError, CourseFileError, AmbiguousDateError])
def test_a_failure_that_would_come_again_is_done(
    task: ClientTask, monkeypatch: pytest.MonkeyPatch, error: type[UsageError]
) -> None:
    fail_with(monkeypatch, error("no photo", "take some"), after_listing=error is NothingMeasuredError)
    summary, events = work(task)
    assert (summary.status, summary.reason, summary.remedy) == ("failed", "no photo", "take some")
    assert find_done(task) == summary and not [event for event in events if event.kind == "warning"]


def test_a_failure_is_noted_though_a_file_of_earlier_results_was_removed(
    task: ClientTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(task)
    (task.out / "clients/2026/Anna/report.html").unlink()
    fail_with(monkeypatch, CourseFileError("not understood"))
    assert work(task)[0] == find_done(task)


def test_a_photo_that_vanished_is_looked_for_again(task: ClientTask, monkeypatch: pytest.MonkeyPatch) -> None:
    compare = comparing.compare_client
    lost = Rejection(file="a.jpg", session="", code="file_missing", reason="not there", remedy="see to the drive")
    monkeypatch.setattr(comparing, "compare_client", lambda *a, **k: replace(compare(*a, **k), rejected=(lost,)))
    summary, _ = work(task)
    assert summary.rejected == (lost,) and summary.status == "compared"
    assert find_done(task) is None


@pytest.mark.parametrize("publish", [True, None])
def test_photos_without_a_face_are_laid_over_each_other_by_their_points_where_the_client_consents(
    task: ClientTask, monkeypatch: pytest.MonkeyPatch, publish: bool | None
) -> None:
    work(task)
    (task.client.path / "photo.jpg").write_text("three")
    course = Course(consent=Consent(publish=publish))
    monkeypatch.setattr(
        listing, "list_folder", lambda *_, **__: listing.FolderListing(client="A", photos=(), course=course)
    )
    monkeypatch.setattr(
        points_composite,
        "write_points_composites",
        lambda _, out: [write_whole(out / "composites" / "points.jpg", b"")],
    )
    fail_with(monkeypatch, NothingMeasuredError("no face"), after_listing=True)
    summary, _ = work(task)
    assert summary.status == "failed" and find_done(task) == summary
    points, rows = task.out / "clients/2026/Anna/composites/points.jpg", task.out / "cohort/changes/client=2026%2FAnna"
    assert (points.exists(), rows.exists()) == (bool(publish), not publish)
    assert (task.out / "clients/2026/Anna/report.html").exists() == (not publish)
    assert any("composites/points.jpg" in note for note in summary.notes) == bool(publish)


@pytest.mark.parametrize(
    "error",
    [
        UsageError("the folder does not exist", "check the drive"),
        caused(CourseFileError("course.toml cannot be read"), PermissionError(errno.EACCES, "denied")),
        PermissionError(errno.EACCES, "Permission denied", "photo.jpg"),
        ValueError("odd"),
        MemoryError(),
    ],
)
def test_a_failure_that_may_pass_is_tried_again(
    task: ClientTask, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with monkeypatch.context() as patch:
        fail_with(patch, error)
        summary, events = work(task)
    assert summary.status == "failed" and summary.reason and find_done(task) is None
    told = [event.text for event in events if event.kind == "warning"]
    assert bool(told) == isinstance(error, ValueError | MemoryError)
    if told:
        assert "Traceback" in told[0] and type(error).__name__ in summary.reason
    assert work(task)[0].status == "compared"


def test_a_failure_leaves_the_earlier_results_and_says_so(task: ClientTask, monkeypatch: pytest.MonkeyPatch) -> None:
    work(task)
    before = files_in(results_folder(task.out, task.label))
    with monkeypatch.context() as patch:
        (task.client.path / "course.toml").write_text("?")
        fail_with(patch, CourseFileError("not understood"))
        summary, _ = work(task)
        assert find_done(task) == summary
    assert files_in(results_folder(task.out, task.label)) == before
    assert summary.report == "" and summary.notes == ("clients/2026/Anna still holds the results of an earlier run",)
    (task.client.path / "course.toml").unlink()
    work(task)
    assert files_in(results_folder(task.out, task.label)) == before


def test_a_failure_halfway_leaves_nothing_half_done(task: ClientTask, monkeypatch: pytest.MonkeyPatch) -> None:
    work(task)
    before = files_in(results_folder(task.out, task.label))
    (task.client.path / "photo.jpg").write_text("three")
    with monkeypatch.context() as patch:
        patch.setattr(job, "place_tables", lambda *_: (_ for _ in ()).throw(ValueError("odd")))
        assert work(task)[0].status == "failed"
    with monkeypatch.context() as patch:
        (task.client.path / "photo.jpg").write_text("one two")
        patch.setattr(job, "place", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.EIO, "I/O error")))
        assert work(task)[0].status == "failed"
    assert [path.name for path in store_folder(task.out, task.client.id).iterdir()] == ["done.json"]
    assert work(task)[0].status == "compared"
    assert files_in(results_folder(task.out, task.label)) == before


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        caused(OutputError("x cannot be written"), OSError(errno.ENOSPC, "No space left on device")),
        caused(ValueError("odd"), OSError(errno.EDQUOT, "Disk quota exceeded")),
    ],
)
def test_a_full_disk_ends_the_batch(task: ClientTask, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    work(task)
    before = files_in(results_folder(task.out, task.label))
    (task.client.path / "photo.jpg").write_text("three")
    monkeypatch.setattr(job, "place", lambda *_, **__: (_ for _ in ()).throw(error))
    with pytest.raises(OutputError, match=r"full|cannot be written"):
        work(task)
    assert files_in(results_folder(task.out, task.label)) == before
    assert [path.name for path in store_folder(task.out, task.client.id).iterdir()] == ["done.json"]


def test_where_names_are_made_up_a_fault_tells_none(task: ClientTask, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = replace(task, label="client-12345678", options=BatchOptions(pseudonyms=True))
    fail_with(monkeypatch, ValueError(f"{task.client.path}/photo of Anna.jpg is odd"))
    summary, events = work(hidden)
    everything = repr((summary, events))
    assert "ValueError" in summary.reason and "Anna" not in everything and str(task.client.path) not in everything


# Killed


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_killed_before_any_change_to_the_disk_the_next_run_ends_with_the_same_bytes(tmp_path: Path) -> None:
    every = "1" if os.environ.get("SKINPROGRESS_LONG") else "31"
    script = subprocess.run(
        [sys.executable, HERE / "stand_in.py", tmp_path, every], capture_output=True, text=True, check=False
    )
    assert script.returncode == 0, script.stderr
    told = json.loads(script.stdout)
    assert told["faults"] == {} and told["trials"] * int(every) > 100
    # The user's own files among them.
    assert {"clients/2026/Anna/my notes.txt", "clients/2026/Anna/mine/deep/er.txt"} <= set(told["files"])
    assert "clients/2026/Anna/composites/taken (kept 1).txt" in told["files"]


# A real client


def test_a_real_client(tmp_path: Path, small_portrait: Any, write_photo: Callable[..., Path]) -> None:
    folder = tmp_path / "clients" / "Anna"
    write_photo(folder / "2026-03-14" / "IMG_1.jpg", small_portrait, taken_at=datetime(2026, 3, 14, 9))
    options = BatchOptions(output=OutputOptions(kinds=("tables", "report")))
    task = ClientTask(
        client=ClientFolder(id="Anna", path=folder), out=tmp_path / "out", label="Anna", options=options, threads=2
    )
    summary, events = work(task)
    assert summary.status == "one session" and summary.n_used == 1, (summary, events)
    begun, ended = ([e.file for e in events if e.kind == f"photo {what}"] for what in ("begins", "ends"))
    assert begun and sorted(begun) == sorted(ended) and set(begun) == {"2026-03-14/IMG_1.jpg"}
    assert find_done(task) == summary
    before = {path: path.read_bytes() for path in (tmp_path / "out" / "clients").rglob("*") if path.is_file()}
    (tmp_path / "out" / "clients" / "Anna" / "report.html").unlink()
    assert find_done(task) is None
    again, events = work(task)
    assert again == summary and {path: path.read_bytes() for path in before} == before
    # Drawn anew from what is known; a file that is younger than two seconds is hashed once more.
    assert len([event for event in events if event.kind == "photo begins"]) <= 1 < len(begun)
