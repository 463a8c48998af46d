"""The light page as a picture of its own: two faces and the light on them, and the redness with and without it."""

from pathlib import Path
from typing import TYPE_CHECKING

from skinprogress.outputs.alignment import Rgb
from skinprogress.outputs.catalogue import text
from skinprogress.outputs.color_sheet import INNER_PX, stack_blocks, text_block
from skinprogress.outputs.composites import encode_jpeg
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.lettering import font
from skinprogress.outputs.light_page import MAP_TITLES, LitPhoto, PairLight, describe_lights, draw_maps
from skinprogress.outputs.light_pictures import render_scale
from skinprogress.outputs.style import INK, MUTED, PAPER
from skinprogress.outputs.wording import VIEW_TITLES
from skinprogress.records import ClientResult

if TYPE_CHECKING:
    from PIL.Image import Image

_GAP = 20
_FACE_PX, _BALL_PX, _MAP_PX = 380, 200, 560
_SMALL = 0.56  # the light itself beside the two maps that are to be compared
_JPEG_QUALITY = 88


def write_light_sheets(result: ClientResult, out: Path) -> list[Path]:
    """Write ``composites/light_{view}.jpg`` for every view in which the light of two sessions was compared.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Output folder.

    Returns
    -------
    list of Path
        A view whose photos can no longer be read is left out.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    written = []
    for pair in describe_lights(result):
        if pair.maps is not None:
            data = encode_jpeg(render_light_sheet(pair), quality=_JPEG_QUALITY)
            written.append(write_whole(out / "composites" / f"light_{pair.view}.jpg", data))
    return written


def render_light_sheet(pair: PairLight) -> Rgb:
    """One pair of sessions: words, both faces with a ball in their light, and the maps of redness.

    Parameters
    ----------
    pair : PairLight
        With its maps.

    Returns
    -------
    (H, W, 3) uint8
        sRGB, 1500 px wide.

    Raises
    ------
    ValueError
        The pair has no maps: its photos are gone.
    """
    from PIL import Image

    title = f"Light, {VIEW_TITLES.get(pair.view, pair.view)} view: {pair.names}"
    lines = [(title, font(27, bold=True), INK), *((text, font(19), INK) for text in pair.lead)]
    half = (INNER_PX - _GAP) // 2
    faces = Image.new("RGB", (INNER_PX, _FACE_PX), PAPER)
    for k, photo in enumerate(pair.photos):
        faces.paste(_lit_face(photo, half), (k * (half + _GAP), 0))
    return stack_blocks([text_block(lines, INNER_PX), faces, _maps(pair)])


def _lit_face(photo: LitPhoto, width: int) -> "Image":
    """A face, and at its right the ball and the words."""
    from PIL import Image

    canvas = Image.new("RGB", (width, _FACE_PX), PAPER)
    x = 0
    if photo.face is not None:
        face = _fitted(photo.face, width - _BALL_PX - _GAP, _FACE_PX)
        canvas.paste(face, (0, 0))
        x = face.width + _GAP
    ball = _fitted(photo.ball, _BALL_PX, _BALL_PX)
    canvas.paste(ball, (x, 0))
    words = [(photo.name, font(20, bold=True), INK), (photo.words, font(18), INK)]
    canvas.paste(text_block(words, width - x), (x, ball.height + _GAP // 2))
    return canvas


def _maps(pair: PairLight) -> "Image":
    """The redness with and without the light beside each other; what was taken out, smaller, with the scale."""
    from PIL import Image

    if pair.maps is None:
        raise ValueError("the photos of this pair are gone: there are no maps to draw")
    raw, compensated, removed = draw_maps(pair.maps)
    height, width = raw.shape[:2]
    share = min(_MAP_PX / height, (INNER_PX - 2 * _GAP) / (width * (2 + _SMALL)))
    large = round(width * share), round(height * share)
    third = INNER_PX - 2 * (large[0] + _GAP)
    widths = (large[0], large[0], third)
    titles = [text_block([(t, font(18, bold=True), INK)], w) for t, w in zip(MAP_TITLES, widths, strict=True)]
    top = max(t.height for t in titles) + _GAP // 2
    canvas = Image.new("RGB", (INNER_PX, top + large[1]), PAPER)
    for k, (heading, rgb) in enumerate(zip(titles, (raw, compensated, removed), strict=True)):
        x = k * (large[0] + _GAP)
        canvas.paste(heading, (x, 0))
        factor = share * (_SMALL if k == 2 else 1.0)
        canvas.paste(Image.fromarray(rgb).resize((round(width * factor), round(height * factor))), (x, top))
    x, y = 2 * (large[0] + _GAP), top + round(height * share * _SMALL) + _GAP
    scale = Image.fromarray(render_scale(pair.maps.limit, width_px=min(third, 340)))
    canvas.paste(scale, (x, y))
    canvas.paste(text_block([(text("lights.maps"), font(17), MUTED)], third), (x, y + scale.height + _GAP // 2))
    return canvas


def _fitted(rgb: Rgb, width: int, height: int) -> "Image":
    from PIL import Image

    picture = Image.fromarray(rgb)
    picture.thumbnail((width, height), Image.Resampling.LANCZOS)
    return picture
