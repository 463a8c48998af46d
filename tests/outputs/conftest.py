"""Fixtures of the tests of what is drawn."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

from skinprogress.face.canonical import apply_affine
from skinprogress.records import ClientResult

Fake = Callable[..., ClientResult]


def _rephotograph(result: ClientResult, session: str, *, angle_deg: float, scale: float, size: tuple[int, int]) -> None:
    """Turn, scale and shift the photos of a session and their landmarks: the same head, held otherwise."""
    for file, inspection in list(result.inspections.items()):
        if inspection.ref.session != session:
            continue
        pixels = cv2.imread(str(inspection.ref.path))
        matrix = cv2.getRotationMatrix2D((700, 500), angle_deg, scale)
        matrix[:, 2] += (40, 90)
        place = matrix.copy()
        place[:, 2] += place[:, :2] @ [0.5, 0.5] - 0.5
        cv2.imwrite(str(inspection.ref.path), cv2.warpAffine(pixels, place, size, flags=cv2.INTER_AREA))
        marks = dataclasses.replace(
            inspection.landmarks, points_xy=apply_affine(matrix, inspection.landmarks.points_xy)
        )
        result.inspections[file] = dataclasses.replace(inspection, landmarks=marks, width_px=size[0], height_px=size[1])


@pytest.fixture
def client(fake_result: Fake, known_anew: Callable[[ClientResult], None], tmp_path: Path) -> ClientResult:
    """Two sessions; the second from a smaller, turned photo that is not square."""
    result = fake_result(2, folder=tmp_path / "photos", metrics=("redness",), regions=("face",), photos_per_session=1)
    _rephotograph(result, result.sessions[-1], angle_deg=12, scale=0.8, size=(1300, 1500))
    known_anew(result)
    return result


@pytest.fixture
def correct(client: ClientResult) -> Callable[..., None]:
    """Change the colour correction of the photos of a session of ``client``: ``correct(session, **values)``."""

    def change(session: str, **values: Any) -> None:
        for file, inspection in client.inspections.items():
            if inspection.ref.session == session:
                client.plan.corrections[file] = dataclasses.replace(client.plan.corrections[file], **values)

    return change
