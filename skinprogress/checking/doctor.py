"""Whether this computer has what the program needs, and whether a run reaches for a network: found out by trying."""

import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Literal

from skinprogress.checking.offline import OfflineRun, run_offline
from skinprogress.errors import SkinprogressError

Status = Literal["good", "missing", "wrong"]

_LIBRARIES = (
    "numpy", "scipy", "opencv-python", "scikit-image", "mediapipe", "pillow", "pillow-heif", "rawpy", "matplotlib",
    "pandas", "pyarrow", "imageio-ffmpeg",
)  # fmt: skip
_OPENCVS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
_NEEDED_BYTES = 500e6
_SIDE_PX = 64
_RUN_WIDTH_PX = 480


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    status : {'good', 'missing', 'wrong'}
        ``missing``: the program goes without it; ``wrong``: it has to be mended.
    text : str
        What was found, and what to do where it is not good.
    """

    name: str
    status: Status
    text: str


def examine(out: Path) -> Iterator[Check]:
    """Look at everything, one after the other; the run without a network comes last and takes some seconds.

    Parameters
    ----------
    out : Path
        Folder in which results are to be written; need not be there.

    Yields
    ------
    Check
    """
    yield Check(
        name="program",
        status="good",
        text=f"skinprogress {_version('skinprogress')}, Python {platform.python_version()}, {platform.platform()}",
    )
    yield Check(name="libraries", status="good", text=", ".join(f"{n} {_version(n)}" for n in _LIBRARIES))
    yield check_opencv([found.name for found in distributions()])
    yield _check_model()
    with tempfile.TemporaryDirectory(prefix="skinprogress-", ignore_cleanup_errors=True) as folder:
        for kind in _TINY:
            yield check_format(kind, Path(folder))
        yield _check_pdf(Path(folder))
        yield _check_films()
        yield _check_computer()
        yield check_writing("temporary files", Path(tempfile.gettempdir()))
        yield check_writing("results", out)
        yield from check_network(Path(folder))


def check_opencv(installed: list[str]) -> Check:
    """Whether several packages of OpenCV lie over each other: which one is used then is chance."""
    found = sorted({name for name in installed if name in _OPENCVS})
    if len(found) > 1:
        text = (
            f"{' and '.join(found)} are installed over each other: uninstall all of them, then install skinprogress "
            "again in an environment of its own"
        )
        return Check(name="OpenCV", status="wrong", text=text)
    if found and found != ["opencv-python"]:
        return Check(name="OpenCV", status="wrong", text=f"{found[0]} is installed in place of opencv-python")
    return Check(name="OpenCV", status="good", text="one package")


def check_format(kind: str, folder: Path) -> Check:
    """Whether a kind of photo can be read: a tiny one is made and read."""
    from skinprogress.photos.reading import read_photo
    from skinprogress.records import PhotoRef

    if kind == "RAW" and _version("rawpy") == "not installed":
        return Check(name="camera RAW", status="missing", text='not read; pip install "skinprogress[raw]" adds it')
    name = "camera RAW" if kind == "RAW" else kind
    try:
        path = _TINY[kind](folder)
        height, width = read_photo(PhotoRef(path=path, file=path.name, client="", session="")).pixels.shape[:2]
    except SkinprogressError as error:
        return Check(name=name, status="wrong", text=f"{error.reason}: install skinprogress again")
    except Exception as error:  # a library that is broken fails in ways of its own
        return Check(name=name, status="wrong", text=f"{type(error).__name__}: {error}: install skinprogress again")
    if (height, width) != (_SIDE_PX, _SIDE_PX):
        return Check(name=name, status="wrong", text=f"read as {width} × {height} px, not {_SIDE_PX} × {_SIDE_PX}")
    return Check(name=name, status="good", text="a picture was read")


def check_writing(name: str, folder: Path) -> Check:
    """Whether a folder, or the one that it would be made in, can be written to, and what is free there."""
    there = next((p for p in (folder, *folder.absolute().parents) if os.path.lexists(p)), folder)
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"skinprogress")
        free = shutil.disk_usage(there).free
    except OSError as error:
        remedy = "choose another folder" if name == "results" else "set the environment variable TMPDIR"
        return Check(name=name, status="wrong", text=f"{there} cannot be written ({error.strerror or error}): {remedy}")
    room = f"{free / 1e9:.1f} GB are free in {there}"
    if free < _NEEDED_BYTES:
        return Check(name=name, status="wrong", text=f"only {room}: make room on it")
    return Check(name=name, status="good", text=room)


def check_network(folder: Path, *, run: Callable[[Path, Path], OfflineRun] = run_offline) -> Iterator[Check]:
    """Whether a run of two photos of the sample client, from reading to report, reaches for a network.

    Parameters
    ----------
    folder : Path
        For the photos and the results.
    run : callable
        What runs them; see :func:`skinprogress.checking.offline.run_offline`.
    """
    photos = folder / "client"
    _two_photos(photos)
    done = run(photos, folder / "results")
    yield from judge_network(done)


def judge_network(done: OfflineRun) -> Iterator[Check]:
    """What a run without a network proves."""
    if done.finished:
        yield Check(name="a run", status="good", text="two photos were compared and their results written")
    else:
        yield Check(name="a run", status="wrong", text=f"two photos could not be compared: {done.said}")
    if done.sockets:
        asked = "; ".join(done.sockets[:3])
        yield Check(name="network", status="wrong", text=f"the run asked for a network: {asked}")
    elif not done.finished and done.filtered:
        yield Check(name="network", status="wrong", text="the run opened a network socket and was ended by the system")
    elif not done.finished:
        yield Check(name="network", status="wrong", text="nothing is proven, for the run did not finish")
    elif done.filtered:
        text = (
            "not reached for: the system (seccomp) would have ended the run at its first network socket, and it "
            "finished; Python's own record of sockets is empty too"
        )
        yield Check(name="network", status="good", text=text)
    else:
        text = (
            "not reached for: Python's own record of sockets is empty. The stronger proof, a filter of the system "
            "(seccomp), is not to be had here"
        )
        yield Check(name="network", status="good", text=text)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _check_model() -> Check:
    from skinprogress.face.landmarks import MODEL_SHA256, model_path

    try:
        found = hashlib.sha256(model_path().read_bytes()).hexdigest()
    except OSError as error:
        text = f"it cannot be read ({error.strerror or error}): install skinprogress again"
        return Check(name="face model", status="wrong", text=text)
    if found != MODEL_SHA256:
        return Check(name="face model", status="wrong", text=f"{found} is not the shipped one: install again")
    return Check(name="face model", status="good", text=f"the shipped one, SHA-256 {found}")


def _check_pdf(folder: Path) -> Check:
    from skinprogress.outputs.pdf import find_browser, print_pdf

    browser = find_browser()
    if browser is None:
        text = "not made: install Chromium, Chrome or Edge; `--pdf` needs one"
        return Check(name="PDF", status="missing", text=text)
    page = folder / "page.html"
    page.write_text("<!doctype html><title>skinprogress</title><p>skinprogress", encoding="utf-8")
    if why_not := print_pdf(page, folder / "page.pdf", browser=browser):
        return Check(name="PDF", status="missing", text=why_not)
    return Check(name="PDF", status="good", text=f"printed by {browser}")


def _check_films() -> Check:
    import numpy as np

    from skinprogress.outputs.composing.animations import render_timelapse

    try:
        render_timelapse([np.full((_SIDE_PX, _SIDE_PX, 3), tone, np.uint8) for tone in (90, 160)], seconds=0.1)
    except SkinprogressError as error:
        return Check(name="films", status="missing", text=str(error))
    return Check(name="films", status="good", text="a film was made by ffmpeg")


def _check_computer() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    names = getattr(os, "sysconf_names", {})
    memory = "memory not known"
    if "SC_PHYS_PAGES" in names and "SC_PAGE_SIZE" in names:
        memory = f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.1f} GB of memory"
    return Check(name="computer", status="good", text=f"{cores} cores, {memory}")


def _two_photos(folder: Path) -> None:
    """First and last photo of the sample client, small, so that they take seconds."""
    from PIL import Image

    from skinprogress.synthetic.sample_client import sample_folder

    folder.mkdir()
    photos = sorted(sample_folder().joinpath("client").rglob("*.jpg"))
    for path in (photos[0], photos[-1]):
        with Image.open(path) as image:
            height = round(image.height * _RUN_WIDTH_PX / image.width)
            image.resize((_RUN_WIDTH_PX, height)).save(folder / path.name, exif=image.getexif(), quality=90)


def _with_pillow(suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        import pillow_heif
        from PIL import Image

        pillow_heif.register_heif_opener()
        path = folder / f"tiny{suffix}"
        Image.new("RGB", (_SIDE_PX, _SIDE_PX), (200, 150, 130)).save(path)
        return path

    return make


def _raw(folder: Path) -> Path:
    """A DNG of a sensor behind red, green, green and blue."""
    import numpy as np
    import tifffile

    short, byte, text, fraction = 3, 1, 2, 10
    unity = tuple(part for row in range(3) for column in range(3) for part in (int(row == column), 1))
    tags = [
        (33421, short, 2, (2, 2), True),  # the pattern's size, and its colours
        (33422, byte, 4, bytes((0, 1, 1, 2)), True),
        (50706, byte, 4, bytes((1, 4, 0, 0)), True),  # DNG version
        (50708, text, 0, "skinprogress", True),
        (50721, fraction, 9, unity, True),  # XYZ to the camera's colours
    ]
    path = folder / "tiny.dng"
    pixels = np.full((_SIDE_PX, _SIDE_PX), 20000, np.uint16)
    tifffile.imwrite(path, pixels, photometric=32803, metadata=None, extratags=tags)
    return path


_TINY: dict[str, Callable[[Path], Path]] = {
    "JPEG": _with_pillow(".jpg"),
    "PNG": _with_pillow(".png"),
    "TIFF": _with_pillow(".tif"),
    "WEBP": _with_pillow(".webp"),
    "HEIC": _with_pillow(".heic"),
    "AVIF": _with_pillow(".avif"),
    "RAW": _raw,
}
