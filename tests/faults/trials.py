"""Trials of the real command under faults: ``python tests/faults/trials.py kill --trials 200 --seed 1 -o FOLDER``.

Each ends with a run that nothing disturbs, and compares what it leaves, byte by byte, with what a run leaves that was
never disturbed. Prints a line a trial and a summary; ends with 1 if any trial found a fault, and keeps what it left.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from clinic import Clinic, Ended, damage, read_tree

from skinprogress.batch.records import STORE

STARTS = {"fresh": 1, "remembered": 5, "redone": 2, "changed": 5}
"""Where a trial starts, and how often: measuring takes long, and what comes after it is where files change places."""
OPTIONS = {"lean": 30, "report": 5, "full": 1}
BUSY = "is being written by another run"
_BUSY_WORKER = "still writes into"


@dataclass
class Trial:
    """What was done in one trial, and what was wrong after it."""

    start: str
    options: str
    notes: bool
    done: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def kill(clinic: Clinic, rng: random.Random, *, start: str, options: str) -> Trial:
    """Kill the command, its rerun too now and then; sometimes damage files as a loss of power does."""
    trial = _begin(clinic, rng, start=start, options=options)
    if start in ("redone", "changed") and rng.random() < 0.08:
        _kill_forgetting(clinic, rng, trial)
    wanted = rng.choice((1, 1, 1, 2, 2, 3))
    for _ in range(wanted + 3):
        jobs, who = rng.choice((1, 2)), rng.choice(("parent", "worker", "group", "group"))
        way = _kill_at_time if rng.random() < 0.5 else _kill_at_step
        ended, how, met = way(clinic, rng, trial, jobs=jobs, who=who)
        trial.counts["kills"] += met
        trial.done.append(how if met else f"{how} (ended first)")
        _check_words(trial, ended)
        if trial.counts["kills"] and len(trial.done) >= wanted:
            break
        if not trial.counts["kills"]:
            _set_out(clinic, trial)  # it came through, and has nothing more to do
    trial.counts["trials with a kill"] = int(trial.counts["kills"] > 0)
    if rng.random() < 0.3:
        time.sleep(0.2)  # workers outlive their parent by moments
        trial.done += damage(clinic.out, rng)
        trial.counts["damaged"] += 1
    _finish(clinic, trial)
    return trial


def disk(clinic: Clinic, rng: random.Random, *, start: str, options: str) -> Trial:
    """Let the disk be full, on the first run or on one that adds a photo; then make room."""
    before = read_tree(clinic.reference(options))
    after = read_tree(clinic.reference(options, later=start == "changed"))
    with small_disk(clinic.out) as resize:
        trial = _begin(clinic, rng, start=start, options=options)
        used = _kilobytes(clinic.out)
        # Where photos are measured already, only the results come on top, twice while they change places.
        whole = _kilobytes(clinic.reference(options))
        room = 4 + int(rng.random() ** 2 * whole * (1.1 if start == "fresh" else 0.4))
        resize(used + room)
        ended = clinic.run(options, jobs=rng.choice((1, 2)))
        trial.done.append(f"{used} kB used, {room} kB more: code {ended.code}")
        trial.counts["full" if "error:" in ended.told else "was enough"] += 1
        _check_words(trial, ended)
        if "error:" in ended.told:
            if not any(words in ended.told for words in ("full", "No space left")):
                trial.faults.append(f"does not say that the disk is full: {ended.told}")
            trial.faults += _halves(clinic.out, before, after, started=start != "fresh" and start != "remembered")
        elif ended.code not in (0, 1):
            trial.faults.append(f"code {ended.code}: {ended.told}")
        resize(1_000_000)
        _finish(clinic, trial)
        if trial.faults:
            shutil.copytree(clinic.out, clinic.folder / "left", dirs_exist_ok=True)
    return trial


def together(clinic: Clinic, rng: random.Random, *, start: str, options: str) -> Trial:
    """Start two or three commands on one output folder; one of them may forget a client."""
    trial = _begin(clinic, rng, start=start, options=options)
    took_s = clinic.took_s[options, start]
    forgets = start not in ("fresh", "remembered") and rng.random() < 0.4
    commands = [clinic.command(options, jobs=rng.choice((1, 2))) for _ in range(rng.choice((2, 2, 3)))]
    if forgets:
        commands[-1] = clinic.forget_command(options)
    spread_s = took_s * rng.choice((0.05, 0.3, 1.2))
    waits_s = [0.0, *(rng.uniform(0.0, spread_s) for _ in commands[1:])]
    rng.shuffle(waits_s)
    processes = {}
    began = time.monotonic()
    for wait_s, command in sorted(zip(waits_s, commands, strict=True), key=lambda pair: pair[0]):
        time.sleep(max(0.0, began + wait_s - time.monotonic()))
        processes[clinic.start_process(command)] = (command[2], wait_s)
    codes = []
    for process, (word, wait_s) in processes.items():
        ended = clinic.await_end(process)
        codes.append(ended.code)
        trial.done.append(f"{word} after {wait_s:.2f} s: code {ended.code}")
        _check_words(trial, ended)
        if ended.code == 2:
            trial.counts["kept out"] += 1
            unknown = word == "batch" or "has no client" not in ended.told
            if BUSY not in ended.told and _BUSY_WORKER not in ended.told and unknown:
                trial.faults.append(f"{word} ended with 2 and says: {ended.told}")
        elif ended.code not in (0, 1) or (ended.code == 1 and "error:" in ended.told):
            trial.faults.append(f"{word} ended with {ended.code} and says: {ended.told}")
    if all(code == 2 for code in codes):
        trial.faults.append("each kept the others out")
    if not forgets:
        trial.faults += clinic.compare(options, later=start == "changed", notes=trial.notes)
    if forgets or rng.random() < 0.5:
        _finish(clinic, trial)
    return trial


KINDS: dict[str, Callable[..., Trial]] = {"kill": kill, "disk": disk, "together": together}


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[int], None]]:
    """Mount a disk in memory; what is yielded sets its size, kB.

    Raises
    ------
    PermissionError
        This account may not mount, or the system has no such disks.
    """

    def mount(*words: str) -> None:
        try:
            subprocess.run(["mount", "-t", "tmpfs", *words, "tmpfs", str(folder)], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise PermissionError(f"cannot mount a small disk: {error}") from error

    folder.mkdir(mode=0o700, exist_ok=True)
    mount("-o", "size=1000000k,mode=0700")
    try:
        yield lambda size: mount("-o", f"remount,size={size}k")
    finally:
        subprocess.run(["umount", str(folder)], check=True, capture_output=True)


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--first", type=int, default=1, help="number of the first trial, to repeat one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--options", choices=OPTIONS, default="", help="those alone, not drawn")
    parser.add_argument("-o", dest="folder", type=Path, required=True, help="folder for all of it; must be new or ours")
    given = parser.parse_args(arguments)
    shutil.rmtree(given.folder / "reference", ignore_errors=True)
    clinic = Clinic(given.folder)
    total: Counter[str] = Counter()
    for number in range(given.first, given.first + given.trials):
        rng = random.Random(f"{given.seed} {given.kind} {number}")
        trial = run_trial(clinic, given.kind, rng, options=given.options)
        total += trial.counts + Counter(trials=1, **{"with faults": bool(trial.faults)})
        where = f"{trial.options} from {trial.start}{', with notes' if trial.notes else ''}"
        came_to = f"FAULTS: {'; '.join(trial.faults)}" if trial.faults else "the same bytes"
        _tell(f"{given.kind} {number}: {where}: {'; '.join(trial.done)} -> {came_to}")
        if trial.faults:
            left = clinic.folder / "left"
            shutil.copytree(left if left.exists() else clinic.out, clinic.folder / "faults" / f"{given.kind}-{number}")
        shutil.rmtree(clinic.folder / "left", ignore_errors=True)
    n, n_faults = total["trials"], total["with faults"]
    _tell(f"{given.kind}: " + ", ".join(f"{count} {name}" for name, count in sorted(total.items())))
    _tell(f"{given.kind}: faults in {n_faults} of {n} trials; rate below {100 * upper_bound(n_faults, n):.2f} % (95 %)")
    return int(n_faults > 0)


def run_trial(clinic: Clinic, kind: str, rng: random.Random, *, start: str = "", options: str = "") -> Trial:
    """One trial, from a start and with options that are drawn unless given."""
    options = options or rng.choices(list(OPTIONS), list(OPTIONS.values()))[0]
    start = start or rng.choices(list(STARTS), list(STARTS.values()))[0]
    if kind != "disk":
        clinic.measure(options, start)
    photos = clinic.photo_bytes()
    trial = KINDS[kind](clinic, rng, start=start, options=options)
    expected = {name: facts for name, facts in photos.items() if not name.startswith("anna/2025-04-07")}
    found = {name: facts for name, facts in clinic.photo_bytes().items() if not name.startswith("anna/2025-04-07")}
    if found != expected:
        trial.faults.append("photos changed")
    return trial


def upper_bound(n_faults: int, n: int) -> float:
    """Rate of faults that so few in `n` trials leave possible, with 95 % confidence (Clopper and Pearson)."""
    from scipy.stats import beta

    return float(beta.ppf(0.95, n_faults + 1, n - n_faults)) if n_faults < n else 1.0


def _begin(clinic: Clinic, rng: random.Random, *, start: str, options: str) -> Trial:
    trial = Trial(start=start, options=options, notes=rng.random() < 0.5)
    _set_out(clinic, trial)
    return trial


def _set_out(clinic: Clinic, trial: Trial) -> None:
    clinic.prepare(trial.options, trial.start)
    if trial.notes:
        clinic.add_notes(trial.options)


def _finish(clinic: Clinic, trial: Trial) -> None:
    """Run to the end, and compare."""
    began = time.monotonic()
    ended = clinic.run(trial.options)
    expected_code = int(len(clinic.clients) < 2)
    if ended.code != expected_code or "error:" in ended.told:
        trial.faults.append(f"the last run ended with {ended.code}: {ended.told}")
    trial.faults += clinic.compare(trial.options, later=trial.start == "changed", notes=trial.notes)
    trial.done.append(f"the end took {time.monotonic() - began:.1f} s")


def _kill_at_time(clinic: Clinic, rng: random.Random, trial: Trial, *, jobs: int, who: str) -> tuple[Ended, str, bool]:
    took_s = clinic.took_s[trial.options, trial.start]
    after_s = took_s * (rng.uniform(0.0, 1.05) if rng.random() < 0.5 else rng.uniform(0.6, 1.1))
    process = clinic.start_process(clinic.command(trial.options, jobs=jobs))
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=after_s)
    workers = _workers(process.pid) if who == "worker" else []
    met = process.poll() is None and (who != "worker" or bool(workers))
    if met:
        with contextlib.suppress(ProcessLookupError):
            if who == "worker":
                os.kill(rng.choice(workers), signal.SIGKILL)
            elif who == "group":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                os.kill(process.pid, signal.SIGKILL)
    return clinic.await_end(process), f"{who} killed after {after_s:.2f} s", met


def _kill_at_step(clinic: Clinic, rng: random.Random, trial: Trial, *, jobs: int, who: str) -> tuple[Ended, str, bool]:
    steps = clinic.steps[trial.options, trial.start]
    where = "worker" if who == "worker" else rng.choice(("worker", "worker", "parent"))
    most = sum(step.startswith(where) for step in steps)
    if where == "worker" and jobs == 2:
        most = most // 2 + 4  # each does half of them
    # Where files change places comes last.
    step = rng.randint(max(1, most - 60) if rng.random() < 0.6 else 1, most)
    command = clinic.command(trial.options, jobs=jobs)
    ended, met = _end_at(clinic, command, step, where=where, who=who, half=rng.random() < 0.5)
    return ended, f"{who} killed at step {step} of {most} of a {where}", met


def _kill_forgetting(clinic: Clinic, rng: random.Random, trial: Trial) -> None:
    step = rng.randint(1, 100)
    command = clinic.forget_command(trial.options)
    ended, met = _end_at(clinic, command, step, where="parent", who="parent", half=rng.random() < 0.5)
    trial.done.append(f"forget killed at step {step}" if met else "forget was through first")
    trial.counts["kills of forget"] += met
    _check_words(trial, ended)


def _end_at(clinic: Clinic, command: list[str], step: int, *, where: str, who: str, half: bool) -> tuple[Ended, bool]:
    """Run a command that is killed at a step; whether it came to it."""
    once = clinic.folder / "once"
    once.unlink(missing_ok=True)
    ended = clinic.await_end(clinic.start_process(
        command, FAULTS_IN=where, FAULTS_STEP=str(step), FAULTS_ONCE=str(once),
        FAULTS_WHO="self" if who == "worker" else who, FAULTS_HALF="1" if half else "",
    ))  # fmt: skip
    return ended, once.exists()


def _workers(parent: int) -> list[int]:
    """Worker processes of a command, by what the system says."""
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [int(c) for c in children if b"multiprocessing-fork" in Path(f"/proc/{c}/cmdline").read_bytes()]
    return []


def _check_words(trial: Trial, ended: Ended) -> None:
    if "Traceback" in ended.told:
        trial.faults.append(f"a page of text: {ended.told}")


def _halves(
    out: Path, before: dict[str, tuple[str, str]], after: dict[str, tuple[str, str]], *, started: bool
) -> list[str]:
    """What is not whole in an output folder after its disk was full, in words."""
    faults = []
    tree = {name: facts for name, facts in read_tree(out).items() if not name.startswith(STORE)}
    own = ("note.txt", "mine.txt", "plan.txt", "my own", "charts")
    for name, facts in tree.items():
        path = out / name
        if name == "index.html":
            if not path.read_bytes().rstrip().endswith(b"</html>"):
                faults.append("index.html is half")
        elif name == "batch.csv":
            if not path.read_bytes().endswith(b"\n"):
                faults.append("batch.csv is half")
        elif path.name not in own and facts not in (before.get(name), after.get(name)):
            faults.append(f"not whole on a full disk: {name}")
    for name in before if started else ():
        if name.startswith(("clients", "cohort", "index", "batch")) and name not in tree:
            faults.append(f"lost on a full disk: {name}")
    for folder in sorted((out / "clients").glob("*")):
        results = {n: facts for n, facts in tree.items() if n.startswith(f"clients/{folder.name}/")}
        mixed = [
            {n: f for n, f in whole.items() if n.startswith(f"clients/{folder.name}/")} for whole in (before, after)
        ]
        if not any(whole.items() <= results.items() for whole in mixed) and any("photos.csv" in n for n in results):
            faults.append(f"results of two runs are mixed: {folder.name}")
    return faults


def _kilobytes(folder: Path) -> int:
    """What a disk of pages of 4 kB needs for a folder."""
    return sum(4 * -(-path.lstat().st_size // 4096) for path in folder.rglob("*") if path.is_file())


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
