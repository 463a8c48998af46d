"""How long a batch takes: with one worker and with two, again with nothing new, and with one photo more.

    python -m skinprogress.validation.batch_speed [--clients 4] [--sessions 4] [--megapixels 2] [--outputs tables]

The clients are made of the sample client's photos, enlarged or reduced. Every run is a command of its own, as a person
or cron starts it. Figures of a busy machine mean nothing but their ratios.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from skinprogress.validation.memory import make_client


def time_batch(clients: Path, out: Path, *, jobs: int, outputs: str = "") -> float:
    """Run a batch.

    Parameters
    ----------
    clients, out : Path
    jobs : int
    outputs : str
        As the command's ``--outputs``; empty: all.

    Returns
    -------
    float
        Seconds, from the start of the command to its end.

    Raises
    ------
    subprocess.CalledProcessError
        A client failed.
    """
    command = [sys.executable, "-m", "skinprogress.cli", "batch", str(clients), "-o", str(out), "-q", "-j", str(jobs)]
    started = time.perf_counter()
    subprocess.run(command + (["--outputs", outputs] if outputs else []), check=True)
    return time.perf_counter() - started


def measure(folder: Path, *, n_clients: int, sessions: int, megapixels: float, outputs: str) -> dict[str, float]:
    """Time all kinds of runs on made-up clients.

    Parameters
    ----------
    folder : Path
        Empty; filled with clients and results.
    n_clients, sessions : int
        So many clients with so many sessions of one photo.
    megapixels : float
        Of each photo.
    outputs : str

    Returns
    -------
    dict of str to float
        Seconds of each run: ``two workers``, ``one worker``, ``nothing new``, ``one photo more``.
    """
    clients = folder / "clients"
    first = make_client(clients / "client-1", megapixels, sessions=sessions + 1)
    later = max(first.iterdir())
    for n in range(1, n_clients):
        shutil.copytree(first, clients / f"client-{n + 1}")
        shutil.rmtree(clients / f"client-{n + 1}" / later.name)
    shutil.move(later, folder / "later")
    seconds = {
        "two workers": time_batch(clients, folder / "two", jobs=2, outputs=outputs),
        "one worker": time_batch(clients, folder / "one", jobs=1, outputs=outputs),
        "nothing new": time_batch(clients, folder / "one", jobs=1, outputs=outputs),
    }
    shutil.move(folder / "later", first / later.name)
    return seconds | {"one photo more": time_batch(clients, folder / "one", jobs=1, outputs=outputs)}


def render(seconds: dict[str, float], *, n_photos: int) -> str:
    """Lay out the figures of :func:`measure`.

    Examples
    --------
    >>> found = {"two workers": 52.0, "one worker": 100.0, "nothing new": 1.0, "one photo more": 11.0}
    >>> print(render(found, n_photos=20))
    one worker         100.0 s   5.00 s a photo
    two workers         52.0 s   1.92 times as fast
    nothing new          1.0 s   1.0 % of the first run
    one photo more      11.0 s   2.0 photos' worth
    """
    one = seconds["one worker"]
    told = {
        "one worker": f"{one / n_photos:.2f} s a photo",
        "two workers": f"{one / seconds['two workers']:.2f} times as fast",
        "nothing new": f"{100 * seconds['nothing new'] / one:.1f} % of the first run",
        "one photo more": f"{(seconds['one photo more'] - seconds['nothing new']) * n_photos / one:.1f} photos' worth",
    }
    return "\n".join(f"{name:<15}{seconds[name]:>9.1f} s   {text}" for name, text in told.items())


def main(argv: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Time of a batch.")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--sessions", type=int, default=4)
    parser.add_argument("--megapixels", type=float, default=2.0)
    parser.add_argument("--outputs", default="")
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="skinprogress-") as scratch:
        seconds = measure(
            Path(scratch),
            n_clients=asked.clients,
            sessions=asked.sessions,
            megapixels=asked.megapixels,
            outputs=asked.outputs,
        )
    sys.stdout.write(render(seconds, n_photos=asked.clients * asked.sessions) + "\n")


if __name__ == "__main__":
    main()
