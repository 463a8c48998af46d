"""How a chart becomes files: a PNG for print with a small picture for pages inside it, and an SVG."""

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.outputs import style
from skinprogress.outputs.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

_SVG_DPI = 120
_PRINT_COLORS, _PAGE_COLORS = 256, 128
# A private chunk, which every other program skips.
_PAGE_CHUNK = b"spPg"
_PNG_HEAD = 8 + 25
"""Bytes of a PNG before the first chunk after its size: signature and IHDR."""


@dataclass(frozen=True, slots=True, eq=False)
class DrawnChart:
    """A chart as it was drawn, yet to be encoded: px for print, (h, w, 4) uint8, and the text of the SVG."""

    rgba: npt.NDArray[np.uint8]
    svg: str
    has_photo: bool


def save_chart(figure: "Figure", stem: Path) -> list[Path]:
    """Write a figure as ``STEM.png`` (300 dpi) and ``STEM.svg`` (text as text); the same figure gives the same bytes.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    return save_drawn(draw_chart(figure), stem)


def draw_chart(figure: "Figure") -> DrawnChart:
    """Draw a figure both ways, without writing anything."""
    buffer = io.StringIO()
    with style.chart_style():
        rgba = _pixels(figure)
        figure.savefig(buffer, format="svg", dpi=_SVG_DPI, metadata={"Date": None})
    has_photo = any(artist.get_gid() == style.PHOTO_ID for artist in figure.artists)
    return DrawnChart(rgba, buffer.getvalue(), has_photo)


def save_drawn(drawn: DrawnChart, stem: Path) -> list[Path]:
    """Encode and write what was drawn; safe in another thread.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    return [
        write_whole(stem.with_name(f"{stem.name}.png"), _png(drawn)),
        write_whole(stem.with_name(f"{stem.name}.svg"), drawn.svg),
    ]


def page_picture(path: Path) -> bytes | None:
    """Read the picture of a chart for a page out of its PNG, without decoding that.

    Parameters
    ----------
    path : Path
        A PNG that :func:`save_chart` wrote.

    Returns
    -------
    bytes or None
        A PNG, or a WebP where the chart holds a photo, of :data:`style.CHART_DPI`; None where the file holds none, or
        cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_PNG_HEAD + 8)
            size, kind = struct.unpack(">I4s", head[_PNG_HEAD:])
            return file.read(size) if kind == _PAGE_CHUNK else None
    except (OSError, struct.error):
        return None


def _png(drawn: DrawnChart) -> bytes:
    """Encode for print; the page's picture is the same one made small."""
    from PIL import Image

    # A palette would show a photo in steps.
    picture = (
        Image.fromarray(drawn.rgba).convert("RGB") if drawn.has_photo else _with_palette(drawn.rgba, _PRINT_COLORS)
    )
    level = 1 if drawn.has_photo else 5
    data = _encoded(picture, "PNG", compress_level=level, dpi=(style.PRINT_DPI, style.PRINT_DPI))
    share = style.CHART_DPI / style.PRINT_DPI
    small = np.asarray(cv2.resize(drawn.rgba, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), np.uint8)
    return data[:_PNG_HEAD] + _chunk(_PAGE_CHUNK, _for_page(small, has_photo=drawn.has_photo)) + data[_PNG_HEAD:]


def _for_page(rgba: npt.NDArray[np.uint8], *, has_photo: bool) -> bytes:
    from PIL import Image, features

    if has_photo and features.check("webp"):
        return _encoded(Image.fromarray(rgba).convert("RGB"), "WEBP", quality=75, method=1)
    # Letters and lines: a palette is smaller than WebP would be, and sharper.
    return _encoded(_with_palette(rgba, _PAGE_COLORS), "PNG", compress_level=6)


def _encoded(picture: "Image", kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _pixels(figure: "Figure") -> npt.NDArray[np.uint8]:
    """Pixels of a figure at the resolution of print, (h, w, 4); ``savefig`` would copy them twice more."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    own, canvas = figure.dpi, FigureCanvasAgg(figure)
    figure.dpi = style.PRINT_DPI
    try:
        canvas.draw()  # type: ignore[no-untyped-call]
        return np.asarray(canvas.buffer_rgba(), np.uint8)  # type: ignore[no-untyped-call]
    finally:
        figure.dpi = own


def _with_palette(rgba: npt.NDArray[np.uint8], n_colors: int) -> "Image":
    """Reduce to the most frequent colours and those that lie far from them; every px takes the nearest of these.

    Colours are told apart to 5 or 6 bits a channel, and each group is shown by its mean, so that large areas and
    greys keep their colour. The colours of a key cover few px: taken by frequency alone, a bar of colours would lose
    them to the soft rims of letters. Five times as fast as Pillow's octree, which makes steps of soft greys.
    """
    from PIL import Image

    group = cv2.cvtColor(rgba, cv2.COLOR_BGRA2BGR565).view(np.uint16)[..., 0]
    count = cv2.calcHist([group], [0], None, [65536], [0, 65536]).ravel()
    used = np.flatnonzero(count)
    used = used[np.argsort(-count[used], kind="stable")]
    # Every fourth px each way: a group that is not among them is a handful of px at the rim of letters.
    some, seen = group[::4, ::4].ravel(), rgba[::4, ::4].reshape(-1, 4)
    number = np.bincount(some, minlength=65536)[used, None]
    total = np.stack([np.bincount(some, weights=seen[:, k], minlength=65536)[used] for k in range(3)], axis=1)
    middle = np.stack([(used & 31) << 3, (used >> 5 & 63) << 2, used >> 11 << 3], axis=1)
    colors = np.where(number > 0, np.round(total / np.maximum(number, 1)), middle).astype(np.int32)
    kept = _spread_out(colors, np.sqrt(count[used]), n_colors)
    nearest = ((colors[:, None] - colors[None, kept]) ** 2).sum(axis=2).argmin(axis=1)
    index = np.zeros(65536, np.uint8)
    index[used] = nearest
    picture = Image.fromarray(index[group])
    picture.putpalette(colors[kept].astype(np.uint8).tobytes())
    return picture


def _spread_out(colors: npt.NDArray[np.int32], weight: npt.NDArray[np.float64], n_colors: int) -> list[int]:
    """Choose among colours, (n, 3), sorted by frequency: the first half from the top, then what is worst served."""
    kept = list(range(min(n_colors // 2, len(colors))))
    away = ((colors[:, None] - colors[None, kept]) ** 2).sum(axis=2).min(axis=1)
    while len(kept) < n_colors and away.any():
        kept.append(int((away * weight).argmax()))
        away = np.minimum(away, ((colors - colors[kept[-1]]) ** 2).sum(axis=1))
    return kept
