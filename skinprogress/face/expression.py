"""Which parts of the face an expression moves."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Movement:
    """A part of the face that moves as a whole.

    Attributes
    ----------
    name : str
        For people.
    blendshapes : tuple of str
        Scores of the landmark model, 0..1, any of which says that it moves.
    regions : tuple of str
        Regions whose skin it stretches or folds.
    """

    name: str
    blendshapes: tuple[str, ...]
    regions: tuple[str, ...]


def _both(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}{side}" for name in names for side in ("Left", "Right"))


MOVEMENTS: tuple[Movement, ...] = (
    Movement(
        "mouth",
        (*_both("mouthSmile", "mouthUpperUp", "mouthFrown", "mouthPress", "mouthStretch"), "jawOpen", "mouthPucker"),
        ("upper_lip", "chin", "jaw_left", "jaw_right"),
    ),
    Movement("brows", (*_both("browDown", "browOuterUp"), "browInnerUp"), ("forehead", "glabella")),
    Movement("left eye", ("eyeSquintLeft",), ("periorbital_left",)),
    Movement("right eye", ("eyeSquintRight",), ("periorbital_right",)),
)


def measure_movement(before: Mapping[str, float], after: Mapping[str, float], movement: Movement) -> float:
    """How differently a part of the face is held in two photos, 0..1: the largest difference of its blendshapes."""
    return max(abs(after.get(shape, 0.0) - before.get(shape, 0.0)) for shape in movement.blendshapes)
