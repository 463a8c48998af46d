"""Feed damaged files to everything that reads: only errors that are documented, no crash, no hang.

Run by hand, for hours if you like, from the project's folder::

    python tests/fuzz --seconds 3600 --target picture --seed 7 --keep found

Every target runs in a process of its own. What it was given last lies in ``--keep`` when the process dies or hangs, and
so does the smallest input that raises something else than a documented error.
"""

import argparse
import faulthandler
import json
import logging
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from mutations import course_texts, damaged, sheets
from seeds import COURSE, build_pictures, build_sheets

from skinprogress.errors import PhotoError, UsageError
from skinprogress.photos import files
from skinprogress.photos.course import read_course
from skinprogress.photos.reading import read_header, read_photo
from skinprogress.photos.sheet import read_sheet
from skinprogress.records import Photo, PhotoRef

_LIMIT_S = 20
_LIMIT_MB = 300
_BATCH = 200
_CODES = {"truncated", "unreadable", "unsupported", "not_an_image", "too_large", "too_small", "empty_file"}

Target = tuple[st.SearchStrategy[tuple[str, bytes]], Callable[[Path], None]]


class Undocumented(Exception):
    """Something was raised or returned that no caller expects."""


def _check_picture(path: Path) -> None:
    photo = None
    ref = PhotoRef(path=path, file=path.name, client="c", session="s")
    for read in (lambda: read_header(path), lambda: read_photo(ref)):
        try:
            photo = read()
        except PhotoError as error:
            photo = None
            if error.code not in _CODES or not error.remedy or path.name not in error.reason:
                raise Undocumented(f"{error.code}: {error}") from error
            if not str(error).isprintable():
                raise Undocumented(f"not to be shown in one line: {error!r}") from error
        else:
            if any(not text.isprintable() or len(text) > 200 for text in photo.metadata.values()):
                raise Undocumented(f"metadata {photo.metadata}")
    if isinstance(photo, Photo):
        finite = np.isfinite(photo.curve).all() and np.isfinite(photo.matrix).all()
        if photo.pixels.ndim != 3 or photo.pixels.shape[2] != 3 or not finite:
            raise Undocumented("not a photo")


def _check_course(path: Path) -> None:
    with _only_usage_errors():
        course = read_course(path.parent)
        if course is None:
            raise Undocumented("the file was not found")
        course.to_course()


def _check_sheet(path: Path) -> None:
    with _only_usage_errors():
        for client, course in read_sheet(path).items():
            if not client or ".." in client.split("/"):
                raise Undocumented(f"not a client's folder: {client!r}")
            course.to_course()


@contextmanager
def _only_usage_errors() -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        # Of several mistakes each line ends with its own remedy.
        if not (error.remedy or "\n" in error.reason):
            raise Undocumented(f"no remedy: {error}") from error
        if not all(character.isprintable() or character == "\n" for character in str(error)):
            raise Undocumented(f"not to be shown: {error!r}") from error


def _pictures() -> st.SearchStrategy[tuple[str, bytes]]:
    return st.one_of(
        *(
            damaged(seeds).map(lambda data, suffix=suffix: (f"input{suffix}", data))
            for suffix, seeds in build_pictures().items()
        )
    )


TARGETS: dict[str, Callable[[], Target]] = {
    "picture": lambda: (_pictures(), _check_picture),
    "sheet": lambda: (sheets(build_sheets()).map(lambda data: ("sheet.csv", data)), _check_sheet),
    "course": lambda: (course_texts(COURSE).map(lambda data: ("course.toml", data)), _check_course),
}


def work(name: str, *, seconds: float, start: int, folder: Path, keep: Path) -> None:
    """Try inputs on one target until the time is over or one fails; a line of JSON about it at the end."""
    inputs, check = TARGETS[name]()
    # Sound files of 200 megapixels are slow and no fault: here all large ones are refused.
    files.MAX_MEGAPIXELS = 2
    logging.disable()
    warnings.simplefilter("error")
    count, slowest, number, until = 0, 0.0, start, time.monotonic() + seconds
    given_file = folder / "none"

    def try_one(pair: tuple[str, bytes]) -> None:
        nonlocal count, slowest, given_file
        count += 1
        given_file.unlink(missing_ok=True)
        given_file = folder / pair[0]
        given_file.write_bytes(pair[1])
        began = time.process_time()
        check(given_file)
        slowest = max(slowest, time.process_time() - began)

    def watch_clock() -> None:
        # One thread for all inputs: to set a timer for each takes longer than most of them. Work is counted, not time
        # on the wall, which stands still for minutes on a busy machine.
        seen, spent = -1, 0.0
        while seen != count or time.process_time() - spent < _LIMIT_S:
            if seen != count:
                seen, spent = count, time.process_time()
            time.sleep(1.0)
        faulthandler.dump_traceback()
        os._exit(1)

    threading.Thread(target=watch_clock, daemon=True).start()
    fault = ""
    while not fault and time.monotonic() < until:
        size = _BATCH if seconds > 5 else 20
        run = settings(max_examples=size, database=None, deadline=None, suppress_health_check=list(HealthCheck),
                       phases=(Phase.generate, Phase.shrink))  # fmt: skip
        before = _peak_mb()
        try:
            seed(number)(run(given(inputs)(try_one)))()
            if (more := _peak_mb() - before) > _LIMIT_MB:
                raise Undocumented(f"memory: {more} MB more after the inputs of seed {number}")
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            error.__notes__ = []  # the input, which lies in a file
            fault = traceback.format_exc()
            (keep / f"{name}-{number}-{given_file.name}").write_bytes(given_file.read_bytes())
            (keep / f"{name}-{number}.txt").write_text(fault)
        number += 1
    line = {"inputs": count, "seed": number, "slowest_s": round(slowest, 2), "peak_mb": _peak_mb(), "fault": fault}
    sys.stdout.write(json.dumps(line) + "\n")


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def watch(name: str, *, seconds: float, start: int, keep: Path) -> int:
    """Keep a process at work on one target, a new one wherever it died; the number of faults."""
    keep.mkdir(parents=True, exist_ok=True)
    faults = inputs = 0
    began, left, number = time.monotonic(), seconds, start
    while left > 0:
        with tempfile.TemporaryDirectory() as folder:
            # A process is renewed now and then: libraries that lose memory would be taken for greedy ones.
            wanted = [str(min(left, 600.0)), str(number), folder, str(keep)]
            child = subprocess.run(
                [sys.executable, __file__, "--worker", name, *wanted], capture_output=True, text=True, check=False
            )
            try:
                found = json.loads(child.stdout.splitlines()[-1])
            except (IndexError, ValueError):
                found = {"inputs": 0, "seed": number + 1, "fault": f"died with {child.returncode}\n{child.stderr}"}
                if not (given_files := list(Path(folder).iterdir())):
                    sys.exit(child.stderr)
                for path in given_files:
                    shutil.move(path, keep / f"{name}-{number}-died-{path.name}")
        inputs, number = inputs + found["inputs"], found["seed"]
        if found["fault"]:
            faults += 1
            sys.stdout.write(f"{name}: {found['fault'].strip()}\n")
        passed = time.monotonic() - began
        left = seconds - passed
        rest = ", ".join(f"{key} {found[key]}" for key in ("slowest_s", "peak_mb", "seed") if key in found)
        sys.stdout.write(
            f"{name}: {inputs} inputs in {passed:.0f} s ({inputs / passed:.0f}/s), {faults} faults; {rest}\n"
        )
        sys.stdout.flush()
    return faults


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        name, seconds, start, folder, keep = sys.argv[2:]
        work(name, seconds=float(seconds), start=int(start), folder=Path(folder), keep=Path(keep))
        return
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--target", choices=TARGETS, action="append", help="default: all of them")
    parser.add_argument("--seed", type=int, default=0, help="another number tries other inputs")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "skinprogress-fuzz")
    wanted = parser.parse_args()
    names = wanted.target or list(TARGETS)
    faults = sum(watch(name, seconds=wanted.seconds, start=wanted.seed, keep=wanted.keep) for name in names)
    sys.exit(min(faults, 1))


if __name__ == "__main__":
    main()
