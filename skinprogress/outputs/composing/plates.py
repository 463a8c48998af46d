"""What a composite consists of beside its photos: lines, warnings and their letters, on a plate of a shape."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skinprogress.outputs.composing.recipe import CompositeOptions, Shape
from skinprogress.outputs.lettering import font

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

Spot = tuple[int, int]

RATIOS: dict[Shape, tuple[int, int]] = {"1:1": (1, 1), "4:5": (4, 5), "9:16": (9, 16), "16:9": (16, 9)}
ONE_PANEL = ("split", "flicker", "timelapse")
"""Layouts with one picture at a time."""

_SCALE = {"title": 1.0, "text": 0.86, "warning": 0.8, "footer": 0.7}
_TOLD = ("warning", "footer")
"""What must be read however small the labels are wished."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text: its left (or, drawn from the right, its right) end on top."""

    xy: Spot
    text: str
    kind: str
    color: str
    bold: bool = False
    from_right: bool = False
    frame: int | None = None


@dataclass(frozen=True, slots=True)
class Strip:
    """Warnings on a dark ground: box (left, top, right, bottom) and lines of white text."""

    box: tuple[int, int, int, int]
    lines: tuple[str, ...]
    frame: int


@dataclass(frozen=True, slots=True)
class Plate:
    """Everything in a composite that is not a photo, and where the photos lie.

    Attributes
    ----------
    size : (width, height)
        Of the whole picture.
    content : (width, height)
        Of what is in it: less than the size where the photos do not fill a shape.
    panels : tuple of (x, y)
        Upper left corners of the photos.
    letter_px : int
    bar : (x, y) or None
        Upper right corner of the photo over which the scale bar stands.
    """

    size: tuple[int, int]
    content: tuple[int, int]
    panels: tuple[Spot, ...]
    letter_px: int
    lines: tuple[Line, ...]
    strips: tuple[Strip, ...]
    bar: Spot | None = None


def canvas_size(options: CompositeOptions) -> tuple[int, int]:
    """Width and height of a composite of a shape whose longer side is ``size_px``; even, as films need it."""
    across, down = RATIOS[options.shape]
    unit = (options.size_px or 0) / max(across, down)
    return max(2, 2 * round(unit * across / 2)), max(2, 2 * round(unit * down / 2))


def face_of(options: CompositeOptions, letter_px: int, kind: str, *, bold: bool = False) -> "FreeTypeFont":
    """The font of a kind of text; what must be told is never set in the user's, whose letters may be blank."""
    scale = _SCALE[kind] / (min(1.0, options.label_scale) if kind in _TOLD else 1.0)
    # Letters under 11 px cannot be read.
    return font(max(11, round(scale * letter_px)), bold=bold, file=None if kind in _TOLD else options.font)
