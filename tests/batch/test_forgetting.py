"""A client that is forgotten leaves nothing in the output folder, and nothing of others goes with it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from skinprogress.batch import forgetting
from skinprogress.batch.cohort import write_cohort
from skinprogress.batch.done import write_done
from skinprogress.batch.forgetting import forget_client
from skinprogress.batch.index_page import write_batch_table, write_index
from skinprogress.batch.placing import results_folder, store_folder
from skinprogress.batch.pseudonyms import label_of, salt_of
from skinprogress.batch.records import BatchOptions, ClientFolder, ClientSummary, ClientTask
from skinprogress.errors import OutputError, UsageError
from skinprogress.outputs.files import write_whole
from skinprogress.records import ClientResult

Batch = Callable[..., Path]


@pytest.fixture(scope="module")
def result(fake_result: Callable[..., ClientResult], tmp_path_factory: pytest.TempPathFactory) -> ClientResult:
    made = fake_result(2, folder=tmp_path_factory.mktemp("photos"))
    return replace(made, measurements=made.measurements[:2], changes=made.changes[:2])


@pytest.fixture
def batch(tmp_path: Path, result: ClientResult) -> Batch:
    """An output folder as a batch of some clients leaves it."""

    def make(*ids: str, pseudonyms: bool = False) -> Path:
        out = tmp_path / "OUT"
        salt_of(out)
        summaries = []
        for id in ids:
            label = label_of(out, id) if pseudonyms else id
            client = ClientFolder(id=id, path=tmp_path / "Kunden" / id)
            task = ClientTask(client=client, out=out, label=label, options=BatchOptions())
            target = results_folder(out, label)
            names = ["report.html", "charts/trend.png", "first.jpg"]
            files = [write_whole(target / name, f"{name} of {label}") for name in names]
            files.append(write_whole(target / "run.json", json.dumps({"files": names[:2]})))
            tables = write_cohort(result, out, label=label)
            write_whole(store_folder(out, id) / "inspection.bin", b"remembered")
            summaries.append(ClientSummary(client=label, status="compared", report="r", headline="calm"))
            write_done(task, "f", summaries[-1], outputs=[*files, *tables])
        write_batch_table(out, summaries)
        write_index(out, summaries)
        return out

    return make


def everything(out: Path) -> dict[str, bytes]:
    """Files of an output folder, but the lock and the pages of all clients."""
    skip = {"lock", "holder", "index.html", "batch.csv"}
    paths = [path for path in out.rglob("*") if path.is_file() and path.name not in skip]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in paths}


def text_of_all(out: Path, names: Iterable[str]) -> list[str]:
    return [
        f"{path.name}: {name}"
        for path in out.rglob("*")
        for name in names
        if name in path.name or (path.is_file() and name.encode() in path.read_bytes())
    ]


@pytest.mark.parametrize("name", ["2026/Anna", "pseudonym"])
def test_nothing_is_left_of_the_client_and_all_of_the_others(batch: Batch, name: str) -> None:
    made_up = name == "pseudonym"
    out = batch("2026/Anna", "2026/Ben", pseudonyms=made_up)
    anna, ben = (label_of(out, id) if made_up else id for id in ("2026/Anna", "2026/Ben"))
    before = everything(out)
    forgotten = forget_client(out, anna if made_up else name)
    after = everything(out)
    removed = {file for part in forgotten.removed for file in part.files}
    assert forgotten.client == anna and set(before) - set(after) == removed
    assert forgotten.n_files == len(removed) and forgotten.n_bytes == sum(len(before[file]) for file in removed)
    assert [part.what for part in forgotten.removed] == ["results", "tables of all clients", "what was remembered"]
    assert all(after[file] == before[file] for file in after)
    assert not text_of_all(out, [anna, anna.replace("/", "%2F"), "Anna"])
    assert ben in (out / "index.html").read_text("utf-8") and ben in (out / "batch.csv").read_text("utf-8")
    assert "photos themselves are untouched" in " ".join(forgotten.notes) and not forgotten.left


def test_with_pseudonyms_the_folders_own_name_is_known_too(batch: Batch) -> None:
    out = batch("2026/Anna", "2026/Ben", pseudonyms=True)
    assert forget_client(out, "2026/Anna").client == label_of(out, "2026/Anna")
    assert not text_of_all(out, [label_of(out, "2026/Anna")]) and text_of_all(out, [label_of(out, "2026/Ben")])


def test_folders_that_are_empty_go_too(batch: Batch) -> None:
    out = batch("2026/Anna")
    forget_client(out, "2026/Anna")
    assert sorted(path.name for path in out.iterdir()) == [".store", "batch.csv", "cohort", "index.html"]
    assert not list(out.glob(".store/*/"))


def test_a_client_below_another_stays(batch: Batch) -> None:
    out = batch("Anna", "Anna/2026")
    forgotten = forget_client(out, "Anna")
    assert not forgotten.left
    assert sorted(p.name for p in (out / "clients" / "Anna" / "2026").iterdir()) == [
        "charts",
        "first.jpg",
        "report.html",
        "run.json",
    ]
    assert not (out / "clients" / "Anna" / "report.html").exists()


def test_a_name_that_is_nobody_s_is_told_with_the_nearest(batch: Batch) -> None:
    out = batch("2026/Anna")
    before = everything(out)
    for name in ("2026/Anne", "2026", "anna"):
        with pytest.raises(UsageError, match="knows no client"):
            forget_client(out, name)
    with pytest.raises(UsageError, match=r"did you mean '2026/Anna'\?"):
        forget_client(out, "2026/Anne")
    with pytest.raises(UsageError, match="no results of"):
        forget_client(out.parent / "elsewhere", "2026/Anna")
    assert everything(out) == before and not (out.parent / "elsewhere").exists()


def test_files_of_others_in_the_results_are_told_and_left(batch: Batch) -> None:
    out = batch("Anna")
    (out / "clients" / "Anna" / "charts" / "my notes.txt").write_text("mine", "utf-8")
    forgotten = forget_client(out, "Anna")
    assert forgotten.left == ("clients/Anna/charts/my notes.txt",)
    assert [path.name for path in (out / "clients").rglob("*") if path.is_file()] == ["my notes.txt"]


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_links_go_and_what_they_lead_to_stays(batch: Batch, tmp_path: Path) -> None:
    out = batch("Anna", "Ben")
    kept = tmp_path / "elsewhere"
    write_whole(kept / "trend.png", "mine")
    write_whole(kept / "part-0.parquet", "mine")
    places = [out / "clients/Anna/charts", out / "cohort/changes/client=Anna", store_folder(out, "Anna") / "more"]
    for place in places:
        for path in place.iterdir() if place.is_dir() else ():
            path.unlink()
        if place.is_dir():
            place.rmdir()
        place.symlink_to(kept)
    record = out / "clients/Anna/run.json"
    record.write_text(
        json.dumps({"files": ["../../../elsewhere/trend.png", str(kept / "trend.png"), "charts/trend.png"]})
    )
    forget_client(out, "Anna")
    assert sorted(path.name for path in kept.iterdir()) == ["part-0.parquet", "trend.png"]
    assert not any(place.is_symlink() for place in places)
    clients = out / "clients"
    clients.rename(tmp_path / "moved")
    clients.symlink_to(tmp_path / "moved")
    with pytest.raises(UsageError, match="is a link"):
        forget_client(out, "Ben")
    assert (tmp_path / "moved/Ben/report.html").exists()


def test_leftovers_of_an_interrupted_swap_go_too(batch: Batch) -> None:
    out = batch("Anna", "Ben")
    store = store_folder(out, "Anna")
    write_whole(store / "new" / "report.html", "half of Anna")
    (out / "clients/Anna").rename(store / "old")
    forget_client(out, "Anna")
    assert not store.exists() and not (out / "clients/Anna").exists()


KILLED = """
import os, sys
from pathlib import Path
from skinprogress.batch import forgetting
left = int(sys.argv[3])
def dying(event, arguments):
    global left
    if event in ("os.remove", "os.rmdir", "os.rename", "shutil.rmtree"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
sys.addaudithook(dying)
forgetting.forget_client(Path(sys.argv[1]), sys.argv[2])
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
@pytest.mark.parametrize("steps", [2, 9])
def test_killed_in_the_middle_and_done_again_it_ends_clean(batch: Batch, steps: int) -> None:
    out = batch("Anna", "Ben")
    ended = subprocess.run([sys.executable, "-c", KILLED, str(out), "Anna", str(steps)], capture_output=True)
    assert ended.returncode == -9, ended.stderr
    forget_client(out, "Anna")
    assert not text_of_all(out, ["Anna"])
    assert "Ben" in (out / "index.html").read_text("utf-8") and (out / "clients/Ben/report.html").exists()


def test_what_cannot_be_removed_is_told_in_words(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    out = batch("Anna")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "report.html")

    monkeypatch.setattr(forgetting, "_remove_results", refuse)
    with pytest.raises(OutputError, match="cannot be removed"):
        forget_client(out, "Anna")
