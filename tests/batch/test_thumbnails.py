"""Small pictures for the page of all clients."""

import dataclasses
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from skinprogress.batch.thumbnails import write_thumbnails
from skinprogress.outputs.files import FOLDERS, prepare_output
from skinprogress.records import ClientResult

Fake = Callable[..., ClientResult]
Make = Callable[[int], ClientResult]


def _repaint(result: ClientResult, shades: dict[str, int]) -> None:
    """Make the photos of a session plain grey, as its inspections know them from now on."""
    for file, inspection in list(result.inspections.items()):
        picture = np.full((inspection.height_px, inspection.width_px, 3), shades[inspection.ref.session], np.uint8)
        cv2.imwrite(str(inspection.ref.path), picture)
        sha256 = hashlib.sha256(inspection.ref.path.read_bytes()).hexdigest()
        result.inspections[file] = dataclasses.replace(
            inspection, ref=dataclasses.replace(inspection.ref, sha256=sha256)
        )
    result.plan.corrections.clear()


@pytest.fixture
def make(fake_result: Fake, tmp_path: Path) -> Callable[[int], ClientResult]:
    """A client of so many sessions, photographed in shades of grey from 90 on in steps of 20."""

    def make_(n_sessions: int) -> ClientResult:
        made = fake_result(
            n_sessions, folder=tmp_path / "photos", metrics=("redness",), regions=("face",), photos_per_session=1
        )
        _repaint(made, {session: 90 + 20 * k for k, session in enumerate(made.sessions)})
        return made

    return make_


def test_the_first_and_the_last_session_in_one_cut_without_metadata(make: Make, tmp_path: Path) -> None:
    result, out = make(3), tmp_path / "out"
    written = write_thumbnails(result, out)
    assert [path.relative_to(out).as_posix() for path in written] == ["thumbnails/first.jpg", "thumbnails/last.jpg"]
    pictures = [Image.open(io.BytesIO(path.read_bytes())) for path in written]
    assert pictures[0].size == pictures[1].size and pictures[0].height == 160
    shades = [np.asarray(picture)[60:100, 40:80].mean() for picture in pictures]
    assert shades == pytest.approx([90, 130], abs=2)
    for picture in pictures:
        assert not picture.getexif()
        assert {key for key in picture.info if not key.startswith("jfif")} <= {"dpi", "icc_profile"}
    before = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in write_thumbnails(result, out)] == before
    # A run into this folder takes them for its own, not for somebody's photos.
    assert "thumbnails" in FOLDERS
    prepare_output(out)


def test_one_session_gives_one_picture(make: Make, tmp_path: Path) -> None:
    assert [path.name for path in write_thumbnails(make(1), tmp_path / "out")] == ["first.jpg"]


def test_nothing_where_a_photo_has_gone(make: Make, tmp_path: Path) -> None:
    client = make(2)
    for inspection in client.inspections.values():
        if inspection.ref.session == client.sessions[-1]:
            inspection.ref.path.unlink()
    assert write_thumbnails(client, tmp_path / "out") == []
    assert not (tmp_path / "out").exists()
