"""Text in pictures that are made without a chart library: the font, and lines that fit."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from skinprogress.outputs.style import printable

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont


@lru_cache(maxsize=16)
def font(size_px: int, *, bold: bool = False) -> "FreeTypeFont":
    """The font of all pictures in one size."""
    import matplotlib
    from PIL import ImageFont

    # The font that matplotlib ships: it knows umlauts and is there on every machine.
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size_px)


def line_px(face: "FreeTypeFont") -> int:
    """Height of a line of text."""
    return round(1.35 * face.size)


def wrap(text: str, face: "FreeTypeFont", width_px: int) -> list[str]:
    """Break a text into lines that fit."""
    lines: list[str] = []
    for word in printable(text, max_chars=600).split():
        if lines and face.getlength(f"{lines[-1]} {word}") <= width_px:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
