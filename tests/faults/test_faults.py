"""A trial of each kind; ``trials.py`` runs hundreds, and so does this with SKINPROGRESS_LONG set."""

import os
import random
import sys
from pathlib import Path

import pytest
from clinic import Clinic
from trials import KINDS, run_trial, small_disk

LONG = bool(os.environ.get("SKINPROGRESS_LONG"))
# One after the other in one test: what an undisturbed run leaves is made once. These numbers are quick, and do meet
# what they are about.
TRIALS = [[(kind, n)] for kind in KINDS for n in range(30)] if LONG else [[("kill", 10), ("disk", 3), ("together", 14)]]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    """Two clients; without much time, one of them has nothing that takes long."""
    return Clinic(tmp_path_factory.mktemp("faults"), **({} if LONG else {"clients": ("anna",)}))


@pytest.mark.skipif(sys.platform != "linux", reason="signals, and disks in memory")
@pytest.mark.parametrize("trials", TRIALS, ids=lambda trials: "-".join(kind for kind, _ in trials))
def test_killed_or_out_of_room_or_twice_at_once_the_end_is_the_same_bytes(
    clinic: Clinic, tmp_path: Path, trials: list[tuple[str, int]]
) -> None:
    if not may_mount(tmp_path / "disk"):
        trials = [(kind, number) for kind, number in trials if kind != "disk"]
    if not trials:
        pytest.skip("this account may not mount a disk in memory")
    for kind, number in trials:
        start, options = ("", "") if LONG else ("redone", "lean")
        if not LONG:  # what the first run did comes near enough, but for what it measured
            clinic.reference(options)
            steps = clinic.steps[options, "fresh"]
            clinic.steps[options, start] = [step for step in steps if "parent" in step or "/new/" in step]
            clinic.took_s[options, start] = clinic.took_s[options, "fresh"]
        trial = run_trial(clinic, kind, random.Random(f"{kind} {number}"), start=start, options=options)
        assert not trial.faults, (kind, number, trial)


def may_mount(folder: Path) -> bool:
    try:
        with small_disk(folder):
            return True
    except PermissionError:
        return False
