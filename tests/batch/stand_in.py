"""A pipeline made of cardboard, so that what is tested is how results are written; run as a script, it gets killed.

``stand_in.py BASE EVERY``: work for one client is stopped by SIGKILL before its n-th change to the disk, for every n
that EVERY divides, and done again; prints what went wrong each time as JSON.
"""

import importlib.util
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from skinprogress.batch import job, thumbnails
from skinprogress.batch.done import find_done
from skinprogress.batch.records import BatchEvent, BatchOptions, ClientFolder, ClientTask
from skinprogress.outputs import table
from skinprogress.outputs.files import write_whole
from skinprogress.photos import folder as listing
from skinprogress.pipeline import comparing
from skinprogress.records import ClientResult

CHANGES = frozenset({"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.truncate", "os.chmod"})


def stand_in(result: ClientResult, set_attribute: Callable[[Any, str, Any], None] = setattr) -> None:
    """Let every client have one made-up result, and a report that says what is in its ``photo.jpg``.

    A word in ``photo.jpg`` says which other files there are: ``composites/WORD.txt`` for each.
    """

    content: list[str] = []

    def list_folder(folder: Path, **_: Any) -> listing.FolderListing:
        content[:] = [(folder / "photo.jpg").read_text()]
        return listing.FolderListing(client=folder.name, photos=tuple(i.ref for i in result.inspections.values()))

    def compare(refs: Any, *, client: str, folder: Path, store: Any, **_: Any) -> ClientResult:
        return replace(result, client=client, folder=folder, timings_s={"look": 1.0})

    def write_report(result: ClientResult, out: Path) -> list[Path]:
        more = [write_whole(out / "composites" / f"{word}.txt", word) for word in content[0].split()]
        return [write_whole(out / "report.html", f"<p>{content[0]}"), *more]

    outputs = {
        "tables": table.OUTPUTS["tables"],
        "report": table.Output(name="report", title="report", write=write_report),
    }
    set_attribute(listing, "list_folder", list_folder)
    set_attribute(comparing, "compare_client", compare)
    set_attribute(table, "OUTPUTS", outputs)
    set_attribute(thumbnails, "write_thumbnails", lambda _, folder: [write_whole(folder / "thumbnails/a.jpg", b"a")])


def make_task(base: Path, **options: Any) -> ClientTask:
    """The work for the client ``base/clients/2026/Anna``, into ``base/out``."""
    client = ClientFolder(id="2026/Anna", path=base / "clients" / "2026" / "Anna")
    return ClientTask(client=client, out=base / "out", label=client.id, options=BatchOptions(**options))


def results(out: Path) -> dict[str, bytes]:
    """Every file in an output folder but the store's own."""
    inside = (path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    return {name: (out / name).read_bytes() for name in inside if not name.startswith(".store/")}


def work(task: ClientTask) -> list[BatchEvent]:
    """Do the work and return what was reported; fails where it does."""
    events: list[BatchEvent] = []
    summary = job.work(task, events.append)
    assert summary.status == "compared", (summary, events)
    return events


def prepare(base: Path) -> None:
    """An earlier run's results, with files of the user's own among them, and a photo that has changed since."""
    task = make_task(base)
    task.client.path.mkdir(parents=True)
    (task.client.path / "photo.jpg").write_text("earlier gone")
    work(task)
    target = task.out / "clients" / "2026" / "Anna"
    (target / "my notes.txt").write_text("mine")
    (target / "composites" / "taken.txt").write_text("mine too")  # a name that the next run wants
    (target / "mine" / "deep").mkdir(parents=True)
    (target / "mine" / "deep" / "er.txt").write_text("mine as well")
    (task.client.path / "photo.jpg").write_text("new taken")


def _run_apart(do: Callable[[], Any]) -> int:
    """Do something in a process of its own, and return what it ended with."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        do()
        code = 0
    finally:
        os._exit(code)


def _work_and_die(task: ClientTask, at: int) -> None:
    seen = 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event not in CHANGES:
            return
        writes = event != "open" or (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR))
        seen += bool(writes)
        if writes and seen == at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    work(task)


def _check(task: ClientTask, undisturbed: dict[str, bytes]) -> str:
    """What is wrong after a run that came after a killed one; empty where nothing is."""
    now = results(task.out)
    if now != undisturbed:
        different = sorted(n for n in now.keys() | undisturbed.keys() if now.get(n) != undisturbed.get(n))
        return f"not the same: {different}"
    left = [p.name for p in task.out.rglob("*") if p.suffix == ".tmp" or p.name in ("new", "old", "gone", "tables")]
    if left:
        return f"left behind: {left}"
    return "" if find_done(task) else "not done"


def main(base: Path, every: int) -> None:
    builder = Path(__file__).parents[1] / "outputs" / "fake_result.py"
    spec = importlib.util.spec_from_file_location("fake_result", builder)
    assert spec is not None and spec.loader is not None
    module = sys.modules["fake_result"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stand_in(module.fake_result(2, metrics=("redness",), regions=("face",)))
    trial = base / "trial"
    task = make_task(trial)
    prepare(trial)
    shutil.copytree(trial, base / "before")
    work(task)
    undisturbed = results(task.out)
    faults: dict[int, str] = {}
    at, code = every, -signal.SIGKILL
    while code:
        shutil.rmtree(trial)
        shutil.copytree(base / "before", trial)
        code = _run_apart(lambda at=at: _work_and_die(task, at))  # type: ignore[misc]
        if _run_apart(lambda: work(task)):
            faults[at] = "the next run failed"
        elif fault := _check(task, undisturbed):
            faults[at] = fault
        at += every
    sys.stdout.write(json.dumps({"trials": at // every - 2, "faults": faults, "files": sorted(undisturbed)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
