"""Whether a client is done: what counts as a change, and what may not be taken for none."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from skinprogress.batch import done
from skinprogress.batch.done import find_done, is_settled, settle, take_fingerprint, write_done
from skinprogress.batch.placing import store_folder
from skinprogress.batch.records import BatchOptions, ClientFolder, ClientSummary, ClientTask
from skinprogress.photos.course import CourseFile
from skinprogress.records import Consent, Rejection
from skinprogress.settings import OutputOptions, Settings

SUMMARY = ClientSummary(
    client="Anna",
    status="compared",
    grade="B",
    rejected=(Rejection(file="a\udcff.jpg", session="", code="no_face", reason="no face", remedy="another photo"),),
    thumbnails=("clients/Anna/thumbnails/first.jpg",),
    pictures={"day 1/a.jpg": "0" * 64},
    notes=("ä",),
)


@pytest.fixture
def task(tmp_path: Path) -> ClientTask:
    """A client with a photo in a folder, a link to another, and one file of results; noted as done."""
    folder, out = tmp_path / "all" / "clients" / "Anna", tmp_path / "out"
    (folder / "day 1").mkdir(parents=True)
    (folder / "day 1" / "a.jpg").write_bytes(b"photo")
    (folder / "course.toml").write_text("[course]\nplanned = 3\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.jpg").write_bytes(b"other photo")
    (folder / "b.jpg").symlink_to(tmp_path / "elsewhere" / "b.jpg")
    (out / "clients" / "Anna").mkdir(parents=True)
    (out / "clients" / "Anna" / "report.html").write_text("report")
    task = ClientTask(client=ClientFolder(id="Anna", path=folder), out=out, label="Anna", options=BatchOptions())
    note(task)
    return task


def note(task: ClientTask, **consent: Any) -> None:
    report = task.out / "clients" / "Anna" / "report.html"
    known = {"consent": Consent(**consent), "ruled_on": date.today()} if consent else {}
    write_done(task, settle(task).digest, SUMMARY, outputs=[report], **known)


def test_what_was_noted_is_found_again(task: ClientTask) -> None:
    assert find_done(task) == SUMMARY


def test_more_workers_or_threads_change_nothing(task: ClientTask) -> None:
    options = replace(task.options, jobs=8, max_memory_mb=900.0, fail_fast=True)
    assert find_done(replace(task, options=options, threads=4)) == SUMMARY


CHANGES: dict[str, Callable[[Path], object]] = {
    "a photo more": lambda folder: (folder / "day 1" / "c.jpg").write_bytes(b""),
    "a photo less": lambda folder: (folder / "day 1" / "a.jpg").unlink(),
    "a folder more": lambda folder: (folder / "day 2").mkdir(),
    "another name": lambda folder: (folder / "day 1").rename(folder / "day 2"),
    "other content of the same size": lambda folder: (folder / "day 1" / "a.jpg").write_bytes(b"PHOTO"),
    "other content behind a link": lambda folder: (folder / "b.jpg").write_bytes(b"OTHER PHOTO"),
    "a course file": lambda folder: (folder / "course.toml").write_text("[course]\nplanned = 4\n"),
    "a course file two folders above": lambda folder: (folder.parents[1] / "Course.TOML").touch(),
    "a course file beside a photo that is linked to": lambda folder: (
        (folder / "b.jpg").resolve().with_name("course.toml").touch()
    ),
    "a file of results removed": lambda folder: _report(folder).unlink(),
    "a file of results cut off": lambda folder: _report(folder).write_text(""),
    "a file of results replaced by one as long": lambda folder: _report(folder).write_text("TROPER"),
    "the note cut off": lambda folder: os.truncate(_note(folder), 200),
    "the note emptied": lambda folder: os.truncate(_note(folder), 0),
    "the note of no use": lambda folder: _note(folder).write_text("[1]"),
}  # fmt: skip


def _report(folder: Path) -> Path:
    return folder.parents[2] / "out" / "clients" / "Anna" / "report.html"


def _note(folder: Path) -> Path:
    return store_folder(folder.parents[2] / "out", "Anna") / "done.json"


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_on_disk_is_seen(task: ClientTask, change: str) -> None:
    CHANGES[change](task.client.path)
    assert find_done(task) is None


def test_a_change_that_hides_its_time_is_seen(task: ClientTask) -> None:
    photo = task.client.path / "day 1" / "a.jpg"
    before = photo.stat()
    photo.write_bytes(b"PHOTO")
    os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert find_done(task) is None


def test_rights_that_change_elsewhere_are_seen(task: ClientTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("a.jpg"))
    assert find_done(task) is None


def test_reading_is_no_change(task: ClientTask) -> None:
    (task.client.path / "day 1" / "a.jpg").read_bytes()
    assert find_done(task) == SUMMARY


@pytest.mark.parametrize(
    "options",
    [
        BatchOptions(settings=Settings(seed=1)),
        BatchOptions(output=OutputOptions(audience="client")),
        BatchOptions(pseudonyms=True),
        BatchOptions(thumbnails=False),
        BatchOptions(photo_limit_s=5.0),
    ],
)
def test_other_options_are_other_work(task: ClientTask, options: BatchOptions) -> None:
    assert find_done(replace(task, options=options)) is None


def test_another_label_and_another_row_of_the_sheet_are_other_work(task: ClientTask) -> None:
    assert find_done(replace(task, label="client-12345678")) is None
    assert find_done(replace(task, client=replace(task.client, course=CourseFile()))) is None


def test_days_and_areas_of_a_treatment_in_the_sheet_count(task: ClientTask) -> None:
    digests = {
        take_fingerprint(replace(task, client=replace(task.client, course=course))).digest
        for at in ("2026-03-14", "2026-03-15", "2026-03-14T15:30")
        for areas in ([], ["cheeks"])
        for course in [CourseFile.model_validate({"treatments": [{"at": at, "kind": "roller", "areas": areas}]})]
    }
    assert len(digests) == 6


def test_another_program_is_other_work(task: ClientTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(done, "made_with", lambda: "another version")
    assert find_done(task) is None


def test_other_libraries_to_draw_with_are_other_work(task: ClientTask, monkeypatch: pytest.MonkeyPatch) -> None:
    known = done.drawn_with()
    done.drawn_with.cache_clear()
    monkeypatch.setattr(done, "version", lambda name: "99.0" if name == "matplotlib" else done_version(name))
    try:
        assert done.drawn_with() != known
    finally:
        done.drawn_with.cache_clear()


done_version = done.version


@pytest.mark.parametrize(
    ("consent", "steps"),
    [
        ({"publish": True, "until": 3}, {0: True, 3: True, 4: False}),
        ({"publish": True, "given": 2}, {0: True, 1: True, 2: False}),
        ({"publish": True, "given": 0, "until": 0}, {-1: False, 0: True, 1: False}),
        ({"publish": None}, {0: True, 4000: True}),
    ],
)
def test_consent_that_begins_or_ends_is_a_change(
    task: ClientTask, monkeypatch: pytest.MonkeyPatch, consent: dict[str, Any], steps: dict[int, bool]
) -> None:
    today = date.today()
    note(task, **{key: today + timedelta(days=v) if key != "publish" else v for key, v in consent.items()})
    for later, same in steps.items():

        class Calendar(date):
            @classmethod
            def today(cls, days: int = later) -> date:  # type: ignore[override]
                return today + timedelta(days=days)

        monkeypatch.setattr(done, "date", Calendar)
        assert (find_done(task) is not None) == same, later


def test_a_fingerprint_waits_until_no_change_can_hide_in_the_same_tick(task: ClientTask) -> None:
    (task.client.path / "new.jpg").touch()
    young = take_fingerprint(task)
    assert young.settled_ns > (task.client.path / "new.jpg").stat().st_ctime_ns
    assert is_settled(settle(task))


@pytest.mark.skipif(os.name == "nt", reason="only there does the time of a change stand still")
@pytest.mark.parametrize(("changed_ns", "wait_ns"), [(5_000_000_000, 2_000_000_000), (5_123_456_789, 50_000_000)])
def test_clocks_that_tell_whole_seconds_need_longer(changed_ns: int, wait_ns: int) -> None:
    status = os.stat_result((0o100600, 1, 1, 1, 0, 0, 7, 5, 5, 5), {"st_mtime_ns": 1, "st_ctime_ns": changed_ns})
    assert done._entry("a", status).settled_ns == changed_ns + wait_ns


def test_a_clock_that_is_ahead_never_settles(task: ClientTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    assert not is_settled(settle(task))


def test_links_in_a_circle_and_folders_without_end_are_looked_at_once(task: ClientTask) -> None:
    (task.client.path / "day 1" / "up").symlink_to(task.client.path)
    (task.client.path / "self").symlink_to("self")
    os.mkfifo(task.client.path / "pipe")
    note(task)
    assert find_done(task) == SUMMARY


def test_a_folder_that_is_not_there_is_a_change(task: ClientTask) -> None:
    task.client.path.rename(task.client.path.with_name("Ann"))
    assert find_done(task) is None


def test_no_photo_is_opened(task: ClientTask, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest, **more: opened.append(str(path)) or real(path, *rest, **more))
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: opened.append(str(self)) or read_bytes(self))
    assert find_done(task) == SUMMARY
    assert {Path(path).name for path in opened} == {"salt", "done.json"}
