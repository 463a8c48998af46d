"""Still composites, and the single pictures of animations, put together from their photos and words."""

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from skinprogress.outputs.alignment import Rgb
from skinprogress.outputs.composing.arranging import arrange
from skinprogress.outputs.composing.plates import Plate, Spot, face_of
from skinprogress.outputs.composing.recipe import CompositeOptions, Recipe
from skinprogress.outputs.lettering import line_px
from skinprogress.outputs.style import INK, MUTED, PAPER

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

BAR_MM = 10
"""Length of the scale bar."""


def compose(recipe: Recipe, frames: list[Rgb]) -> Rgb:
    """Put a still composite together.

    Parameters
    ----------
    recipe : Recipe
    frames : list of (h, w, 3) uint8
        As the recipe says, all of one size.

    Returns
    -------
    (H, W, 3) uint8
        sRGB.
    """
    plate = arrange(recipe)
    panels = [_split(frames, recipe.options)] if recipe.options.layout == "split" else frames
    return _draw(recipe, plate, dict(zip(plate.panels, panels, strict=True)), shown=None)


def compose_frame(recipe: Recipe, frame: Rgb, k: int) -> Rgb:
    """One picture of an animation with its letters: all of them are of one size.

    Parameters
    ----------
    recipe : Recipe
    frame : (h, w, 3) uint8
    k : int
        Which frame of the recipe it is.

    Returns
    -------
    (H, W, 3) uint8
        sRGB.
    """
    plate = arrange(recipe)
    return _draw(recipe, plate, {plate.panels[0]: frame}, shown=k)


def _draw(recipe: Recipe, plate: Plate, panels: dict[Spot, Rgb], *, shown: int | None) -> Rgb:
    from PIL import Image
    from PIL.ImageDraw import Draw

    canvas = Image.new("RGB", plate.size, PAPER)
    draw = Draw(canvas)
    for spot, picture in panels.items():
        canvas.paste(Image.fromarray(picture), spot)
    for line in plate.lines:
        if shown is None or line.frame in (None, shown):
            face = face_of(recipe.options, plate.letter_px, line.kind, bold=line.bold)
            draw.text(line.xy, line.text, font=face, fill=line.color, anchor="ra" if line.from_right else "la")
    face = face_of(recipe.options, plate.letter_px, "warning", bold=True)
    for strip in plate.strips:
        if shown is None or strip.frame == shown:
            left, top, right, bottom = strip.box
            draw.rectangle((left, top, right - 1, bottom - 1), fill=INK)
            for n, text in enumerate(strip.lines):
                middle = (top + bottom) / 2 + (n - (len(strip.lines) - 1) / 2) * line_px(face)
                draw.text((left + round(0.35 * plate.letter_px), middle), text, font=face, fill=PAPER, anchor="lm")
    if plate.bar is not None and (mm_per_px := recipe.frames[0].mm_per_px):
        _draw_bar(draw, recipe, plate, plate.bar, BAR_MM / mm_per_px)
    return np.asarray(canvas, np.uint8)


def _split(frames: list[Rgb], options: CompositeOptions) -> Rgb:
    """One face: the first photo on the left of a line, the second on its right."""
    first, second = frames
    beyond = _beyond_line(first.shape[:2], options.slant_deg)
    width = max(2.0, min(first.shape[:2]) / 260)
    # A white line, and a hairline of shadow beside it, which keeps it seen on white walls.
    line = np.clip(width / 2 + 0.5 - np.abs(beyond), 0, 1)[..., None]
    shadow = 0.35 * np.clip(width / 2 + 1.5 - np.abs(beyond), 0, 1)[..., None]
    share = np.clip(beyond + 0.5, 0, 1)[..., None]
    mixed = (1 - share) * first + share * second
    mixed = (1 - shadow) * mixed
    return np.asarray(np.round((1 - line) * mixed + line * 255), np.uint8)


def _beyond_line(shape: tuple[int, ...], slant_deg: float) -> npt.NDArray[np.float32]:
    """How far each px lies to the right of a line through the middle that leans to the right by an angle, px."""
    angle = math.radians(slant_deg)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    x, y = columns + 0.5 - shape[1] / 2, rows + 0.5 - shape[0] / 2
    return np.asarray(x * math.cos(angle) + y * math.sin(angle), np.float32)


def _draw_bar(draw: "ImageDraw", recipe: Recipe, plate: Plate, corner: Spot, length_px: float) -> None:
    """A bar of ten millimetres over the upper right corner of a photo: on it, it would hide skin."""
    thick, space = max(2, round(0.11 * plate.letter_px)), round(0.3 * plate.letter_px)
    right, bottom = corner[0] - 1, corner[1] - space
    left = right - round(length_px) + 1
    draw.rectangle((left, bottom - thick + 1, right, bottom), fill=INK)
    face = face_of(recipe.options, plate.letter_px, "footer")
    draw.text((left - space, bottom + 1), f"{BAR_MM} mm", font=face, fill=MUTED, anchor="rs")
