"""Spots ringed on the client's own face, by what became of them between two sessions."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from skinprogress.color.spaces import encode_srgb8
from skinprogress.outputs.alignment import Rgb
from skinprogress.outputs.lettering import font
from skinprogress.outputs.skin_pictures import KEY_TEXT, FaceCanvas
from skinprogress.outputs.style import INK, PAPER
from skinprogress.records import Spot, SpotStatus

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

STATUS_COLORS: dict[SpotStatus, str] = {"new": "#c2410c", "gone": "#1f6fb5", "persistent": "#3f464d"}
"""Spots by what became of them; each has a line of its own as well: bold, dashed, thin."""

_LINES: dict[SpotStatus, float] = {"new": 3.0, "gone": 2.2, "persistent": 1.3}
_PHOTO = 0.55  # how much of the photo is left beneath the rings
_FINE = 3  # rings are drawn so many times larger, and made smaller again: PIL knows no soft edges


def render_spots(canvas: FaceCanvas, spots: Iterable[Spot]) -> Rgb:
    """Spots ringed on the pale photo: new ones boldly, gone ones dashed, persistent ones thinly.

    Parameters
    ----------
    canvas : FaceCanvas
    spots : iterable of Spot
        Of one pair of sessions in the view of the canvas.

    Returns
    -------
    (h, w, 3) uint8
        sRGB.
    """
    from PIL import Image, ImageDraw

    found = sorted(spots, key=lambda s: ("persistent", "gone", "new").index(s.status))
    photo = encode_srgb8(canvas.linear_rgb).astype(np.float32)
    picture = Image.fromarray(np.round(_PHOTO * photo + (1 - _PHOTO) * 245.0).astype(np.uint8))
    if not found:
        return np.asarray(picture, np.uint8)
    height, width = photo.shape[:2]
    large = picture.resize((_FINE * width, _FINE * height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(large)
    places = canvas.find_xy(np.array([(s.u, s.v) for s in found], np.float64))
    for spot, (x, y) in zip(found, places, strict=True):
        area = np.nanmax([spot.area_before_mm2, spot.area_after_mm2, 0.2])
        _ring(draw, x, y, max(6.0, float(np.sqrt(area / np.pi)) * canvas.px_per_mm + 3.0), spot.status)
    return np.asarray(large.resize((width, height), Image.Resampling.LANCZOS), np.uint8)


def _ring(draw: "ImageDraw", x: float, y: float, radius: float, status: SpotStatus) -> None:
    box = tuple(_FINE * v for v in (x - radius, y - radius, x + radius, y + radius))
    color, line = STATUS_COLORS[status], _FINE * _LINES[status]
    dashes = [(a, a + 40) for a in range(-20, 340, 72)] if status == "gone" else [(0, 360)]
    for start, end in dashes:
        draw.arc(box, start, end, fill=color, width=round(line))


def render_spot_key(counts: dict[SpotStatus, int], *, width_px: int) -> Rgb:
    """What the rings mean, and how many there are of each, (h, width_px, 3) uint8."""
    from PIL import Image, ImageDraw

    face = font(max(11, round(width_px * KEY_TEXT)))
    line = round(1.7 * face.size)
    canvas = Image.new("RGB", (_FINE * width_px, _FINE * line * len(STATUS_COLORS)), PAPER)
    draw = ImageDraw.Draw(canvas)
    for row, status in enumerate(STATUS_COLORS):
        _ring(draw, 0.9 * face.size, (row + 0.5) * line, 0.6 * face.size, status)
    small = canvas.resize((width_px, line * len(STATUS_COLORS)), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(small)
    for row, status in enumerate(STATUS_COLORS):
        text = f"{counts.get(status, 0)} {status}"
        draw.text((2.1 * face.size, (row + 0.5) * line), text, font=face, fill=INK, anchor="lm")
    return np.asarray(small, np.uint8)
