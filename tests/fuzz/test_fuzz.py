"""A short run of the fuzzer: what damaged files raise is documented."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("resource") is None, reason="memory is told by Unix alone")
SECONDS = os.environ.get("SKINPROGRESS_FUZZ_SECONDS", "1")


def fuzz(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(Path(__file__).parent), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def test_damaged_files_raise_only_what_is_documented(tmp_path: Path) -> None:
    run = fuzz("--seconds", SECONDS, "--keep", str(tmp_path))
    assert run.returncode == 0, run.stdout + run.stderr
    told = [line for line in run.stdout.splitlines() if " inputs in " in line]
    assert told and all(int(line.split(": ")[1].split()[0]) >= 20 for line in told)


def test_a_reader_that_dies_is_noticed_and_what_killed_it_is_kept(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os, tomllib\ntomllib.loads = lambda text: os.abort()\n")
    run = fuzz("--seconds", "0.01", "--target", "course", "--keep", str(tmp_path / "kept"), PYTHONPATH=str(tmp_path))
    assert run.returncode == 1 and "died with -6" in run.stdout, run.stdout + run.stderr
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["course-0-died-course.toml"]
