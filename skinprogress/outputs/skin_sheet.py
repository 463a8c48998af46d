"""The maps of the skin as a picture of their own: redness, pigment, texture and spots of two sessions."""

from pathlib import Path
from typing import TYPE_CHECKING

from skinprogress.outputs.alignment import Rgb
from skinprogress.outputs.catalogue import text
from skinprogress.outputs.color_sheet import INNER_PX, stack_blocks, text_block
from skinprogress.outputs.composites import encode_jpeg
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.lettering import font
from skinprogress.outputs.skin_page import SkinRow, ViewSkin, describe_skin
from skinprogress.outputs.style import INK, MUTED, PAPER
from skinprogress.outputs.wording import VIEW_TITLES
from skinprogress.records import ClientResult

if TYPE_CHECKING:
    from PIL.Image import Image

_GAP, _COLUMNS = 20, 3
_JPEG_QUALITY = 88


def write_skin_sheets(result: ClientResult, out: Path) -> list[Path]:
    """Write ``composites/skin_{view}.jpg`` for every view that has maps.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Output folder.

    Returns
    -------
    list of Path
        A view whose reference photo can no longer be read is left out.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    return [
        write_whole(
            out / "composites" / f"skin_{skin.view}.jpg",
            encode_jpeg(render_skin_sheet(skin), quality=_JPEG_QUALITY),
        )
        for skin in describe_skin(result)
        if skin.rows
    ]


def render_skin_sheet(skin: ViewSkin) -> Rgb:
    """One view: a row of pictures for every metric that is mapped, and one for the spots.

    Parameters
    ----------
    skin : ViewSkin

    Returns
    -------
    (H, W, 3) uint8
        sRGB, 1500 px wide.
    """
    title = f"Maps of the skin, {VIEW_TITLES.get(skin.view, skin.view)} view: {skin.title}"
    lines = [(title, font(27, bold=True), INK), (text("skin.about"), font(18), MUTED)]
    if skin.note:
        lines.append((skin.note, font(19, bold=True), INK))
    return stack_blocks([text_block(lines, INNER_PX), *map(_row, skin.rows)])


def _row(row: SkinRow) -> "Image":
    """Words above, pictures beside each other, each with its title above and its key below."""
    from PIL import Image

    words = text_block([(row.title, font(22, bold=True), INK), *((t, font(17), INK) for t in row.lead)], INNER_PX)
    width = (INNER_PX - (_COLUMNS - 1) * _GAP) // _COLUMNS
    columns = []
    for p in row.pictures:
        title = text_block([(p.title, font(18, bold=True), INK)], width)
        face = Image.fromarray(p.rgb)
        face = face.resize((width, round(face.height * width / face.width)), Image.Resampling.LANCZOS)
        parts = [title, face, *([Image.fromarray(p.key)] if p.key is not None else [])]
        columns.append(parts)
    height = max(sum(part.height + _GAP // 2 for part in parts) for parts in columns)
    canvas = Image.new("RGB", (INNER_PX, words.height + _GAP + height), PAPER)
    canvas.paste(words, (0, 0))
    for k, parts in enumerate(columns):
        y = words.height + _GAP
        for part in parts:
            canvas.paste(part, (k * (width + _GAP), y))
            y += part.height + _GAP // 2
    return canvas
