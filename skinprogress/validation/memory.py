"""How much memory one client takes, from listing the folder to the last output: for each stage, and at most.

    python -m skinprogress.validation.memory CLIENT_FOLDER …
    python -m skinprogress.validation.memory --megapixels 12 48 [--sessions 2] [--shots 1]

Each client is done in a process of its own, started as a batch starts its workers. With ``--megapixels`` the clients
are made of the sample client's photos, enlarged. Linux only: other systems do not tell a process what it takes now.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from skinprogress.batch.worker_process import ENVIRONMENT
from skinprogress.settings import Settings
from skinprogress.synthetic.sample_client import sample_folder

EVERY_S = 0.003
_JPEG_QUALITY = 90
_AT_MOST = "at most"


def resident_mb(figure: str = "VmRSS") -> float:
    """Memory of this process in MB: now (``VmRSS``), or at most since it was started (``VmHWM``)."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        name, _, value = line.partition(":")
        if name == figure:
            return int(value.split()[0]) / 1024
    raise KeyError(figure)


class Watch:
    """Most memory of this process in each stage, looked up many times a second.

    Attributes
    ----------
    stage : str
        What is being done; assign to it.
    peaks_mb : dict of str to float
        By stage, in order.
    """

    def __init__(self) -> None:
        self.stage = "start"
        self.peaks_mb: dict[str, float] = {}

    def look(self) -> None:
        """Look now."""
        stage, now = self.stage, resident_mb()
        self.peaks_mb[stage] = max(now, self.peaks_mb.get(stage, 0.0))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look all the time within the block."""
        ended = threading.Event()

        def look_on() -> None:
            while not ended.wait(EVERY_S):
                self.look()

        thread = threading.Thread(target=look_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def measure_here(folder: Path) -> dict[str, float]:
    """Compare a client and write every output, in this process, which should be a fresh one.

    Parameters
    ----------
    folder : Path
        The client's.

    Returns
    -------
    dict of str to float
        Peak of each stage, MB, and last that of all, as the system counted it.
    """
    watch = Watch()
    with watch.watching(), tempfile.TemporaryDirectory(prefix="skinprogress-") as out:
        from skinprogress.outputs.table import write_outputs
        from skinprogress.photos.folder import list_folder
        from skinprogress.pipeline.comparing import compare_client

        cv2.setNumThreads(1)
        settings = Settings()
        watch.stage = "list"
        listing = list_folder(folder, settings=settings)

        def tell(stage: str, *_: int) -> None:
            watch.stage = stage

        result = compare_client(
            listing.photos,
            client=listing.client,
            folder=folder,
            course=listing.course,
            settings=settings,
            progress=tell,
        )
        write_outputs(result, Path(out), progress=tell)
    return {**watch.peaks_mb, _AT_MOST: resident_mb("VmHWM")}


def measure_apart(folder: Path) -> dict[str, float]:
    """What :func:`measure_here` finds, in a new process.

    Raises
    ------
    subprocess.CalledProcessError
        The client could not be done; why stands on the terminal.
    """
    command = [sys.executable, "-m", __spec__.name, "--here", str(folder)]
    done = subprocess.run(command, env=os.environ | ENVIRONMENT, stdout=subprocess.PIPE, text=True, check=True)
    peaks_mb: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return peaks_mb


def make_client(folder: Path, megapixels: float, *, sessions: int = 2, shots: int = 1) -> Path:
    """Make a client of the sample client's photos, enlarged.

    Parameters
    ----------
    folder : Path
        Made.
    megapixels : float
        Size of each photo.
    sessions, shots : int
        So many sessions a month apart, of so many photos each.

    Returns
    -------
    Path
        `folder`.
    """
    photos = sorted((sample_folder() / "client").glob("*/*.jpg"))
    for n in range(sessions * shots):
        small = np.asarray(cv2.imread(str(photos[n % len(photos)])))
        factor = float(np.sqrt(megapixels * 1e6 / (small.shape[0] * small.shape[1])))
        large = cv2.resize(small, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        session = folder / f"{2025 + n // shots // 12}-{n // shots % 12 + 1:02}-15"
        session.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(session / f"IMG_{n + 1}.jpg"), large, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return folder


def render_table(found: dict[str, dict[str, float]]) -> str:
    """Lay out the peaks: a row a stage, a column a client, and the largest of all last.

    Examples
    --------
    >>> print(render_table({"12 MP": {"list": 98.6, "at most": 612.2}, "48 MP": {"list": 99.4, "at most": 1101.0}}))
    MB                                                        12 MP     48 MP
    list                                                         99        99
    at most                                                     612      1101
    """
    stages = list(dict.fromkeys(stage for peaks in found.values() for stage in peaks if stage != _AT_MOST))
    lines = [f"{'MB':<54}" + "".join(f"{name:>10}" for name in found)]
    for stage in [*stages, _AT_MOST]:
        peaks = (p.get(stage, float("nan")) for p in found.values())
        lines.append(f"{stage[:54]:<54}" + "".join(f"{peak:>10.0f}" for peak in peaks))
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Peak memory of one client.")
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--megapixels", nargs="+", type=float, default=[])
    parser.add_argument("--sessions", type=int, default=2)
    parser.add_argument("--shots", type=int, default=1)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.here:
        sys.stdout.write(json.dumps(measure_here(asked.folders[0])) + "\n")
        return
    found = {folder.name: measure_apart(folder) for folder in asked.folders}
    with tempfile.TemporaryDirectory(prefix="skinprogress-") as scratch:
        for megapixels in asked.megapixels:
            name = f"{megapixels:g} MP"
            client = make_client(Path(scratch) / name, megapixels, sessions=asked.sessions, shots=asked.shots)
            found[name] = measure_apart(client)
    sys.stdout.write(render_table(found) + "\n")


if __name__ == "__main__":
    main()
