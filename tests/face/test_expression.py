"""What an expression moves, and what it leaves alone."""

import pytest

from skinprogress.face.expression import MOVEMENTS, measure_movement
from skinprogress.face.landmarks import find_landmarks
from skinprogress.face.regions import REGIONS

CALM: dict[str, float] = {}


def moved_by(after: dict[str, float]) -> dict[str, float]:
    return {m.name: measure_movement(CALM, after, m) for m in MOVEMENTS}


def test_every_movement_names_regions_and_blendshapes_that_exist(astronaut):
    known = set(find_landmarks(astronaut)[0].blendshapes)
    for movement in MOVEMENTS:
        assert set(movement.regions) <= set(REGIONS)
        assert set(movement.blendshapes) <= known, set(movement.blendshapes) - known
    assert len({m.name for m in MOVEMENTS}) == len(MOVEMENTS)


@pytest.mark.parametrize(
    ("shapes", "moving"),
    [
        ({"mouthSmileLeft": 0.8, "mouthSmileRight": 0.7}, "mouth"),
        ({"jawOpen": 0.5}, "mouth"),
        ({"browInnerUp": 0.6}, "brows"),
        ({"browDownRight": 0.6}, "brows"),
        ({"eyeSquintLeft": 0.6}, "left eye"),
        ({"eyeSquintRight": 0.6}, "right eye"),
    ],
)
def test_an_expression_moves_its_own_part_only(shapes: dict[str, float], moving: str) -> None:
    found = moved_by(shapes)
    assert found.pop(moving) == pytest.approx(max(shapes.values()))
    assert set(found.values()) == {0.0}


def test_a_smile_moves_the_mouth_regions_and_no_others():
    (mouth,) = [m for m in MOVEMENTS if m.name == "mouth"]
    assert set(mouth.regions) == {"upper_lip", "chin", "jaw_left", "jaw_right"}


def test_left_and_right_are_the_clients_own():
    for side in ("Left", "Right"):
        (eye,) = [m for m in MOVEMENTS if m.blendshapes == (f"eyeSquint{side}",)]
        assert eye.regions == (f"periorbital_{side.lower()}",)


def test_what_stays_is_no_movement_and_there_is_as_far_as_back():
    smile = {"mouthSmileLeft": 0.7, "browInnerUp": 0.1}
    for movement in MOVEMENTS:
        assert measure_movement(smile, smile, movement) == 0.0
        assert measure_movement(smile, CALM, movement) == measure_movement(CALM, smile, movement)


def test_looking_elsewhere_is_no_movement_of_skin():
    assert set(moved_by({"eyeLookOutLeft": 0.9, "eyeBlinkLeft": 0.9}).values()) == {0.0}
