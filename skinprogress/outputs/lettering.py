"""Text in pictures that are made without a chart library: the font, and lines that fit."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from skinprogress.outputs.style import printable

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont


@lru_cache(maxsize=64)
def font(size_px: int, *, bold: bool = False, file: Path | None = None) -> "FreeTypeFont":
    """The font of all pictures in one size, or a file of the user's, which then stands for bold letters too.

    Raises
    ------
    OSError
        The file is no font.
    """
    import matplotlib
    from PIL import ImageFont

    if file is None:
        # The font that matplotlib ships: it knows umlauts and is there on every machine.
        name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
        file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(str(file), size_px)


def line_px(face: "FreeTypeFont") -> int:
    """Height of a line of text."""
    return round(1.35 * face.size)


def wrap(text: str, face: "FreeTypeFont", width_px: float, *, max_lines: int | None = None) -> list[str]:
    """Break a text into lines that fit; words that are longer than a line, such as names of files, too.

    What goes beyond `max_lines` is left out, with … at the end.
    """
    return list(_wrapped(text, face, width_px, max_lines))


@lru_cache(maxsize=1024)
def _wrapped(text: str, face: "FreeTypeFont", width_px: float, max_lines: int | None) -> tuple[str, ...]:
    lines: list[str] = []
    for word in printable(text, max_chars=600).split():
        for part in _broken(word, face, width_px):
            if lines and part == word and face.getlength(f"{lines[-1]} {part}") <= width_px:
                lines[-1] += f" {part}"
            else:
                lines.append(part)
    if max_lines is None or len(lines) <= max_lines:
        return tuple(lines)
    last = lines[max_lines - 1]
    while last and face.getlength(f"{last}…") > width_px:
        last = last[:-1]
    return (*lines[: max_lines - 1], f"{last.rstrip()}…")


def _broken(word: str, face: "FreeTypeFont", width_px: float) -> list[str]:
    """A word in parts that are no longer than a line."""
    if face.getlength(word) <= width_px:
        return [word]
    parts = [""]
    for letter in word:
        if parts[-1] and face.getlength(parts[-1] + letter) > width_px:
            parts.append("")
        parts[-1] += letter
    return parts
