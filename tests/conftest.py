"""Fixtures that several test modules share."""

import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import ModuleType

# Before numpy is imported: every worker of pytest has a core of its own at most.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from skinprogress.records import ClientResult


def _load(path: Path) -> ModuleType:
    """Import a helper file by its path: test folders are no packages and stay off ``sys.path``."""
    name = f"skinprogress_tests_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


# Folders and modules of tests that take seconds each.
_LONG = {
    "notebooks", "fuzz", "faults", "validation", "browser", "test_pipeline.py", "test_cli.py", "test_remembering.py",
}  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: where workers share the tests, none then waits for the other at the end."""
    items.sort(key=lambda item: _LONG.isdisjoint((item.path.name, item.path.parent.name)))


@pytest.fixture(scope="session")
def fake_result() -> Callable[..., ClientResult]:
    """The builder of made-up results: ``fake_result(n_sessions=6, seed=0, folder=tmp_path, …)``."""
    builder: Callable[..., ClientResult] = _load(Path(__file__).parent / "outputs" / "fake_result.py").fake_result
    return builder


@pytest.fixture(scope="session")
def known_anew() -> Callable[[ClientResult], None]:
    """Tell a result that its photos were written anew: it reads no others than those that it knows."""

    def tell(result: ClientResult) -> None:
        for file, inspection in list(result.inspections.items()):
            digest = hashlib.sha256(inspection.ref.path.read_bytes()).hexdigest()
            result.inspections[file] = replace(inspection, ref=replace(inspection.ref, sha256=digest))

    return tell


@pytest.fixture(scope="session")
def astronaut() -> npt.NDArray[np.uint8]:
    """Portrait of Eileen Collins (NASA, public domain), 512 × 512, sRGB; her irises are 43 px apart."""
    import skimage.data

    return np.asarray(skimage.data.astronaut(), np.uint8)


@pytest.fixture(scope="session")
def portrait(astronaut: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The same head, enlarged ×5, not square, with a little fixed grain so that it has fine detail: sRGB uint8."""
    large = cv2.resize(astronaut[0:330, 60:340], None, fx=5.0, fy=5.0, interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(7).normal(0.0, 1.0, large.shape[:2]).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 2.0) * 40.0
    return np.clip(large + grain[..., None], 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def small_portrait(portrait: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The same, just large enough to be measured, so that each run is quick."""
    return np.asarray(cv2.resize(portrait, None, fx=0.45, fy=0.45, interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture
def write_photo() -> Callable[..., Path]:
    """Write an RGB array as a photo; ``taken_at`` goes into its EXIF data."""

    def write(path: Path, rgb: npt.NDArray[np.uint8], *, taken_at: datetime | None = None, quality: int = 95) -> Path:
        from PIL import Image

        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(rgb)
        exif = image.getexif()
        if taken_at is not None:
            exif.get_ifd(0x8769)[0x9003] = taken_at.strftime("%Y:%m:%d %H:%M:%S")
        # PNG: the quickest compression, since some hundred are written.
        lossy = path.suffix in (".jpg", ".jpeg")
        kind = {"quality": quality, "subsampling": 0} if lossy else {"compress_level": 1}
        image.save(path, exif=exif, **kind)
        return path

    return write


@pytest.fixture
def redden() -> Callable[..., npt.NDArray[np.uint8]]:
    """Add ``a_star_equivalent`` of blood colour to an sRGB picture, everywhere or within a mask."""

    def add(
        rgb: npt.NDArray[np.uint8], a_star_equivalent: float, *, mask: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.uint8]:
        from skinprogress.color.spaces import encode_srgb8, srgb_to_linear

        # One unit of haemoglobin density is 0.46 of ln R − ln G; a*-equivalents are that index over 0.0405.
        density = a_star_equivalent * 0.0405 / 0.46 * np.array([0.23, 0.69, 0.68], np.float32)
        weight = np.ones(rgb.shape[:2], np.float32) if mask is None else mask.astype(np.float32)
        return encode_srgb8(srgb_to_linear(rgb) * np.exp(-weight[..., None] * density))

    return add


@pytest.fixture
def only_metrics() -> Iterator[Callable[..., None]]:
    """``only_metrics("redness_index", …)``: for one test these are all there are. Each is judged by itself: quicker."""
    from skinprogress.metrics.table import METRICS

    every = dict(METRICS)

    def keep(*names: str) -> None:
        METRICS.clear()
        METRICS.update({name: metric for name, metric in every.items() if name in names})

    yield keep
    METRICS.clear()
    METRICS.update(every)


@pytest.fixture(scope="session")
def real_photos() -> Path:
    """Folder of real photos and renders, from the environment variable SKINPROGRESS_PHOTOS."""
    folder = os.environ.get("SKINPROGRESS_PHOTOS")
    if not folder:
        pytest.skip("needs real photos: set SKINPROGRESS_PHOTOS to their folder")
    return Path(folder)
