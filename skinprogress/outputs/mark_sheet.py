"""The crops of a mark as a picture of their own."""

from pathlib import Path
from typing import TYPE_CHECKING

from skinprogress.outputs.alignment import Rgb
from skinprogress.outputs.color_sheet import INNER_PX, stack_blocks, text_block
from skinprogress.outputs.composites import encode_jpeg
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.lettering import font
from skinprogress.outputs.mark_pictures import CROP_PX, MarkCrop, MarkStrip, describe_marks
from skinprogress.outputs.style import INK, MUTED, PAPER
from skinprogress.outputs.wording import VIEW_TITLES, safe_name
from skinprogress.records import ClientResult

if TYPE_CHECKING:
    from PIL.Image import Image

_PER_ROW, _GAP = 5, 22
_QUALITY = 90


def write_mark_sheets(result: ClientResult, out: Path) -> list[Path]:
    """Write ``composites/mark_{name}.jpg`` for every mark.

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
    written: list[Path] = []
    taken: set[str] = set()
    for strip in describe_marks(result):
        name = label = safe_name(strip.place.name)
        # Two marks may differ only in what a file name cannot hold.
        number = 1
        while name.lower() in taken:
            number += 1
            name = f"{label}_{number}"
        taken.add(name.lower())
        data = encode_jpeg(render_mark_sheet(strip), quality=_QUALITY)
        written.append(write_whole(out / "composites" / f"mark_{name}.jpg", data))
    return written


def render_mark_sheet(strip: MarkStrip) -> Rgb:
    """One mark: crops in order of time, five in a row, with date and figures beneath, (H, 1500, 3) uint8."""
    place = strip.place
    title = f"{place.name}, {VIEW_TITLES.get(place.view, place.view)} view"
    lines = [(title, font(26, bold=True), INK), *((text, font(17), MUTED) for text in strip.lead)]
    rows = [strip.crops[k : k + _PER_ROW] for k in range(0, len(strip.crops), _PER_ROW)]
    return stack_blocks([text_block(lines, INNER_PX), *map(_sheet_row, rows)])


def _sheet_row(crops: tuple[MarkCrop, ...]) -> "Image":
    from PIL import Image

    blocks = []
    for crop in crops:
        lines = [(crop.name, font(18, bold=True), INK)]
        lines += [(crop.when, font(15), MUTED)] if crop.when else []
        lines += [(text, font(15), INK) for text in crop.figures]
        blocks.append(text_block(lines, CROP_PX))
    canvas = Image.new("RGB", (INNER_PX, CROP_PX + 8 + max(b.height for b in blocks)), PAPER)
    for k, (crop, block) in enumerate(zip(crops, blocks, strict=True)):
        canvas.paste(Image.fromarray(crop.rgb), (k * (CROP_PX + _GAP), 0))
        canvas.paste(block, (k * (CROP_PX + _GAP), CROP_PX + 8))
    return canvas
