"""The colour page as a picture of its own: one row a photo, what its colour was matched on and what is left."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skinprogress.outputs.alignment import Rgb
from skinprogress.outputs.catalogue import text
from skinprogress.outputs.color_page import PhotoColor, describe_colors, explain_colors
from skinprogress.outputs.composites import encode_jpeg
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.lettering import font, line_px, wrap
from skinprogress.outputs.pairs import used_views
from skinprogress.outputs.style import GRID, INK, MUTED, PAPER
from skinprogress.outputs.wording import VIEW_TITLES, sentence
from skinprogress.records import ClientResult

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

_WIDTH, _MARGIN, _TEXT_WIDTH, _GAP = 1500, 30, 560, 18
INNER_PX = _WIDTH - 2 * _MARGIN
"""Width of a sheet between its margins."""
_THUMB_PX, _CARD_PX = 230, 470
_JPEG_QUALITY = 75


def write_color_sheets(result: ClientResult, out: Path) -> list[Path]:
    """Write ``composites/color_{view}.jpg`` for every view.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Output folder.

    Returns
    -------
    list of Path

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    written = []
    for view in used_views(result):
        if photos := list(describe_colors(result, view)):
            title = f"Colour of the photos, {VIEW_TITLES.get(view, view)} view: what it was matched on"
            sheet = render_color_sheet(photos, title=title, lead=explain_colors(result, view))
            data = encode_jpeg(sheet, quality=_JPEG_QUALITY)
            written.append(write_whole(out / "composites" / f"color_{view}.jpg", data))
    return written


def render_color_sheet(photos: list[PhotoColor], *, title: str, lead: list[str]) -> Rgb:
    """All photos below each other: words at the left, pictures at the right.

    Parameters
    ----------
    photos : list of PhotoColor
        At least one.
    title : str
    lead : list of str
        Sentences that hold for all of them.

    Returns
    -------
    (H, W, 3) uint8
        sRGB, 1500 px wide.
    """

    lines = [(title, font(25, bold=True), INK), (text("colors.room"), font(17, bold=True), INK)]
    head = text_block([*lines, *((text, font(17), INK) for text in lead)], INNER_PX)
    blocks = [head, *map(_row, photos)]
    return stack_blocks(blocks)


def _row(photo: PhotoColor) -> "Image":
    from PIL import Image

    plain = font(16)
    lines = [(f"{photo.file}: {photo.title}", font(18, bold=True), INK), (sentence(photo.reason), plain, INK)]
    lines += [(f"{what}: {value}", plain, INK) for what, value in photo.figures]
    lines += [(text, plain, MUTED) for text in photo.remarks]
    words = text_block(lines, _TEXT_WIDTH)
    pictures = []
    for p in photo.pictures:
        picture = Image.fromarray(p.rgb)
        side = _CARD_PX if p.wide else _THUMB_PX
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        below = text_block([(p.caption, font(13), MUTED)], max(picture.width, 150))
        pictures.append((picture, below))
    height = max([words.height, *(a.height + 6 + b.height for a, b in pictures)])
    canvas = Image.new("RGB", (INNER_PX, height), PAPER)
    canvas.paste(words, (0, 0))
    x = _TEXT_WIDTH + 2 * _GAP
    for picture, below in pictures:
        canvas.paste(picture, (x, 0))
        canvas.paste(below, (x, picture.height + 6))
        x += max(picture.width, below.width) + _GAP
    return canvas


def stack_blocks(blocks: "list[Image]") -> Rgb:
    """Blocks of :data:`INNER_PX` below each other on white with thin lines between them, (H, 1500, 3) uint8."""
    from PIL import Image

    canvas = Image.new("RGB", (_WIDTH, sum(b.height for b in blocks) + _MARGIN * (len(blocks) + 1)), PAPER)
    y = _MARGIN
    for k, block in enumerate(blocks):
        if k:
            canvas.paste(Image.new("RGB", (INNER_PX, 1), GRID), (_MARGIN, y - _MARGIN // 2))
        canvas.paste(block, (_MARGIN, y))
        y += block.height + _MARGIN
    return np.asarray(canvas, np.uint8)


def text_block(lines: list[tuple[str, "FreeTypeFont", str]], width: int) -> "Image":
    """Texts with font and colour below each other on white, each broken into lines that fit."""
    from PIL import Image, ImageDraw

    broken = [(line, face, color) for text, face, color in lines for line in wrap(text, face, width)]
    canvas = Image.new("RGB", (width, max(1, sum(line_px(face) for _, face, _ in broken))), PAPER)
    draw = ImageDraw.Draw(canvas)
    y = 0
    for line, face, color in broken:
        draw.text((0, y), line, font=face, fill=color)
        y += line_px(face)
    return canvas
