"""What a photo's colour was matched on, in pictures: the card's patches, the grey patch, the px of the background."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.card_fit import CardFit
from skinprogress.color.card_values import COLUMNS, ROWS
from skinprogress.color.correcting import apply_correction
from skinprogress.color.spaces import delta_e_2000, encode_srgb8, linear_rgb_to_lab
from skinprogress.outputs.alignment import Rgb
from skinprogress.outputs.lettering import font
from skinprogress.outputs.style import number_text
from skinprogress.records import BoolArray, CardReading, ColorCorrection, Inspection, PatchReading

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

THUMB_PX = 384
"""Longer side of a small photo: twice what a page gives it, for screens with fine px."""
CARD_PX = 720
"""Width of the picture of a card, likewise."""
_GAP, _LETTERS = 10, 26
# The black frame of a card, and letters on it.
_FRAME, _ON_FRAME, _DIM_ON_FRAME = (26, 27, 29), (236, 238, 239), (150, 156, 160)
_MARK = (255, 200, 40)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def render_thumb(
    inspection: Inspection,
    *,
    correction: ColorCorrection | None = None,
    bright: BoolArray | None = None,
    outline_xy: npt.NDArray[np.floating] | None = None,
) -> Rgb:
    """A small copy of a photo.

    Parameters
    ----------
    inspection : Inspection
    correction : ColorCorrection or None
        None: the colours as the photo has them.
    bright : (h, w) bool or None
        Px of the background thumbnail that keep their colour; the rest becomes dark and grey.
    outline_xy : (n, 2) float or None
        A closed line around something, photo px.

    Returns
    -------
    (H, W, 3) uint8
        sRGB, the longer side 384 px.
    """
    sample = inspection.background
    linear = sample.linear_rgb.astype(np.float32)
    rgb = encode_srgb8(linear if correction is None else apply_correction(linear, correction))
    if bright is not None:
        # Never quite black: one should see in a dark photo too where the person stands.
        dimmed = np.repeat((28 + 0.25 * (rgb @ _LUMA)).astype(np.uint8)[..., None], 3, axis=2)
        rgb = np.where(bright[..., None], rgb, dimmed)
    factor = THUMB_PX / max(rgb.shape[:2])
    size = max(1, round(rgb.shape[1] * factor)), max(1, round(rgb.shape[0] * factor))
    way = cv2.INTER_CUBIC if bright is None else cv2.INTER_NEAREST_EXACT
    shown = np.asarray(cv2.resize(rgb, size, interpolation=way))
    if outline_xy is not None:
        line = np.round(outline_xy * factor / sample.px_per_thumb * 8).astype(np.int32)
        for color, width in (((0, 0, 0), 5), (_MARK, 2)):
            cv2.polylines(shown, [line], True, color, width, cv2.LINE_AA, shift=3)
    return np.asarray(shown, np.uint8)


def card_distances(reading: CardReading, fit: CardFit) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """CIEDE2000 of each patch to its true colour, as photographed and corrected, (24,) each; exposure counts."""
    true = linear_rgb_to_lab(fit.reference)
    before, after = (delta_e_2000(linear_rgb_to_lab(x), true) for x in (reading.linear_rgb, fit.predicted))
    return before, after


def render_card(reading: CardReading, fit: CardFit) -> Rgb:
    """The patches of a card in its own layout, each split in three: as photographed, corrected, true.

    Parameters
    ----------
    reading : CardReading
    fit : CardFit

    Returns
    -------
    (H, W, 3) uint8
        sRGB; below each patch its CIEDE2000 before and after, or "left out" where the fit does not rest on it.
    """
    from PIL import Image, ImageDraw

    pitch = (CARD_PX - _GAP) // COLUMNS
    side, step = pitch - _GAP, pitch - 34 + _LETTERS
    canvas = Image.new("RGB", (CARD_PX, ROWS * step + 2 * _GAP), _FRAME)
    draw = ImageDraw.Draw(canvas)
    colors = [encode_srgb8(x) for x in (reading.linear_rgb, fit.predicted, fit.reference)]
    before, after = card_distances(reading, fit)
    for k in range(COLUMNS * ROWS):
        x, y = _GAP + k % COLUMNS * pitch, _GAP + k // COLUMNS * step
        box = (x, y, x + side, y + step - _LETTERS - _GAP)
        _draw_thirds(draw, box, [c[k] for c in colors])
        if fit.used[k]:
            words = f"{number_text(before[k], 1)} → {number_text(after[k], 1)}"
        else:
            words = "left out"
            draw.line((x, y, box[2], box[3]), fill=_ON_FRAME, width=3)
            draw.line((x, box[3], box[2], y), fill=_FRAME, width=3)
        shade = _ON_FRAME if fit.used[k] else _DIM_ON_FRAME
        draw.text((x + side / 2, box[3] + 3), words, font=font(20), fill=shade, anchor="ma")
    return np.asarray(canvas, np.uint8)


def render_patch(reading: PatchReading, correction: ColorCorrection) -> Rgb:
    """A grey or white object in three parts: as photographed, corrected, a true grey of its reflectance."""
    from PIL import Image, ImageDraw

    canvas = Image.new("RGB", (CARD_PX // 2, 110), _FRAME)
    true = np.full(3, reading.reflectance, np.float32)
    colors = [encode_srgb8(x) for x in (reading.linear_rgb, apply_correction(reading.linear_rgb, correction), true)]
    _draw_thirds(ImageDraw.Draw(canvas), (_GAP, _GAP, CARD_PX // 2 - _GAP, 110 - _GAP), colors)
    return np.asarray(canvas, np.uint8)


def _draw_thirds(draw: "ImageDraw", box: tuple[int, int, int, int], colors: Sequence[npt.NDArray[np.uint8]]) -> None:
    """Three upright stripes without a gap: what is equal shows no edge."""
    left, top, right, bottom = box
    edges = np.linspace(left, right, len(colors) + 1).round().astype(int).tolist()
    for color, start, end in zip(colors, edges, edges[1:], strict=False):
        draw.rectangle((start, top, end - 1, bottom), fill=tuple(int(c) for c in color))
