"""Photos laid over each other by points that were set by hand: for skin off the face, which is not measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skinprogress.comparison.sentences import session_text
from skinprogress.errors import PhotoError
from skinprogress.face.canonical import apply_affine, estimate_similarity
from skinprogress.face.marks import as_read
from skinprogress.outputs.alignment import Affine, Box, Rgb, invert_affine, render_aligned, scale_of
from skinprogress.outputs.composing.consent import rule_for_outputs
from skinprogress.outputs.composites import encode_jpeg
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.lettering import font, line_px, wrap
from skinprogress.outputs.style import INK, MUTED, PAPER
from skinprogress.outputs.wording import MATCHED, sentence
from skinprogress.photos.reading import read_photo, to_srgb8
from skinprogress.records import ClientResult, PhotoRef
from skinprogress.settings import OutputOptions

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

FILE = "composites/points.jpg"
# Points that miss each other by more than this, % of their spread, are told of.
_LARGE_MISFIT_PERCENT = 3.0
_PER_ROW = 3
_MAX_PANEL_PX = 1100
_MAX_PHOTOS = 24
_CELLS = 160

Line = tuple[str, "FreeTypeFont", str]


@dataclass(frozen=True, slots=True, eq=False)
class _Pointed:
    """A photo, its points as its pixels are read, and the way from its px to those of the first photo."""

    ref: PhotoRef
    rgb: Rgb
    points_xy: Affine
    to_first: Affine
    misfit_percent: float


def write_points(result: ClientResult, out: Path, *, options: OutputOptions | None = None) -> list[Path]:
    """Write the picture of :func:`write_points_composites` for a run; none where the consent forbids it."""
    allowed = rule_for_outputs(result.plan.course.consent, options).allowed
    return write_points_composites(result.pointed, out) if allowed else []


def write_points_composites(refs: Sequence[PhotoRef], out: Path) -> list[Path]:
    """Write ``composites/points.jpg``: all photos with points, turned, scaled and shifted onto the first of them.

    Parameters
    ----------
    refs : sequence of PhotoRef
        In order of time; those without ``points_xy`` are passed over.
    out : Path
        Output folder.

    Returns
    -------
    list of Path
        Empty where fewer than two photos with points can be read, or where they have no place in common.

    Raises
    ------
    OutputError
        The file cannot be written.

    Notes
    -----
    A similarity cannot follow skin that is stretched or seen from another side: points then miss each other, and by
    how much is said beside the photo. Colours are as they were taken, and nothing may be concluded from them.

    References
    ----------
    Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns".
    """
    picture = render_points_composite(refs)
    return [] if picture is None else [write_whole(out / FILE, encode_jpeg(picture))]


def render_points_composite(refs: Sequence[PhotoRef]) -> Rgb | None:
    """The picture of :func:`write_points_composites`, (h, w, 3) uint8 sRGB; None where there is none."""
    pointed = _place([ref for ref in refs if ref.points_xy][:_MAX_PHOTOS])
    if len(pointed) < 2:
        return None
    box = _common_window(pointed)
    if box is None:
        return None
    finest = min(1.0 / scale_of(p.to_first) for p in pointed)
    px_per_unit = min(finest, _MAX_PANEL_PX / max(box[2] - box[0], box[3] - box[1]))
    panels = [render_aligned(p.rgb, p.to_first, box, px_per_unit=px_per_unit) for p in pointed]
    return _compose(panels, pointed)


def _place(refs: Sequence[PhotoRef]) -> list[_Pointed]:
    """Fit each photo's points to those of the first that can be read; a photo that has gone is left out."""
    placed: list[_Pointed] = []
    for ref in refs:
        try:
            rgb = to_srgb8(read_photo(ref))
        except (PhotoError, OSError):
            continue
        points = as_read(ref.points_xy, mirrored=ref.mirrored, width_px=rgb.shape[1])
        wanted = placed[0].points_xy if placed else points
        if len(points) != len(wanted):
            continue  # told when the course file is read
        to_first = estimate_similarity(points, wanted)
        missed = np.sqrt(((apply_affine(to_first, points) - wanted) ** 2).sum(axis=1).mean())
        spread = np.sqrt(((wanted - wanted.mean(axis=0)) ** 2).sum(axis=1).mean())
        placed.append(_Pointed(ref, rgb, points, to_first, float(100.0 * missed / spread)))
    return placed


def _common_window(pointed: Sequence[_Pointed]) -> Box | None:
    """The part of the first photo that all photos show: the side that misses most is moved in until all is covered."""
    height, width = pointed[0].rgb.shape[:2]
    step_x, step_y = width / _CELLS, height / _CELLS
    ticks = np.arange(_CELLS) + 0.5
    cells = np.stack(np.meshgrid(ticks * step_x, ticks * step_y), axis=-1).reshape(-1, 2)
    covered = np.ones(len(cells), bool)
    for p in pointed[1:]:
        to_photo = invert_affine(p.to_first)
        # The corners of a cell must be covered as well as its middle.
        room = 2.0 + 0.75 * max(step_x, step_y) * scale_of(to_photo)
        at = apply_affine(to_photo, cells)
        covered &= ((at > room) & (at < np.array([p.rgb.shape[1], p.rgb.shape[0]]) - room)).all(axis=1)
    grid = covered.reshape(_CELLS, _CELLS)
    top, left, bottom, right = 0, 0, _CELLS, _CELLS
    while bottom > top and right > left:
        part = grid[top:bottom, left:right]
        if part.all():
            return left * step_x, top * step_y, right * step_x, bottom * step_y
        missing = [1.0 - edge.mean() for edge in (part[0], part[:, 0], part[-1], part[:, -1])]
        side = int(np.argmax(missing))
        top, left = top + (side == 0), left + (side == 1)
        bottom, right = bottom - (side == 2), right - (side == 3)
    return None


def _caption(p: _Pointed, *, size: int, column: int, is_first: bool) -> list[Line]:
    title, small = font(round(1.15 * size), bold=True), font(round(0.85 * size))
    lines: list[Line] = [(line, title, INK) for line in wrap(session_text(p.ref.session) or p.ref.file, title, column)]
    lines += [(line, small, MUTED) for line in wrap(p.ref.file, small, column)]
    if not is_first and p.misfit_percent > _LARGE_MISFIT_PERCENT:
        text = f"fits badly: the points miss those of the first photo by {p.misfit_percent:.0f} % of their spread"
        lines += [(line, small, INK) for line in wrap(text, small, column)]
    return lines


def _footer(pointed: Sequence[_Pointed]) -> str:
    count = len(pointed[0].points_xy)
    lines = [f"laid over the first photo by rotation, scale and shift, on {count} points set by hand", MATCHED["none"]]
    if count == 2:
        lines.append("two points always fit: with three or more the fit could be judged")
    return " ".join(map(sentence, [*lines, "no number was taken from this picture"]))


def _compose(panels: Sequence[Rgb], pointed: Sequence[_Pointed]) -> Rgb:
    """The panels in rows on white, captions above each, one footer below."""
    from PIL import Image, ImageDraw

    height, width = panels[0].shape[:2]
    # Four photos make two rows of two.
    columns = -(-len(panels) // -(-len(panels) // _PER_ROW))
    size = int(np.clip(width / 26, 13, 34))
    column = max(width, 14 * size)
    margin, gap = round(1.2 * size), max(4, round(0.35 * size))
    total = columns * column + (columns - 1) * gap + 2 * margin
    captions = [_caption(p, size=size, column=column, is_first=k == 0) for k, p in enumerate(pointed)]
    rows = [range(k, min(k + columns, len(panels))) for k in range(0, len(panels), columns)]
    heads = [max(sum(line_px(face) for _, face, _ in captions[k]) for k in row) + round(0.5 * size) for row in rows]
    small = font(max(11, round(0.72 * size)))
    footer = wrap(_footer(pointed), small, total - 2 * margin)
    between = round(1.2 * size)
    foot = margin + sum(heads) + len(rows) * height + (len(rows) - 1) * between + round(0.7 * size)
    canvas = Image.new("RGB", (total, foot + len(footer) * line_px(small) + round(0.8 * margin)), PAPER)
    draw = ImageDraw.Draw(canvas)
    top = margin
    for row, head in zip(rows, heads, strict=True):
        for x, k in zip(range(margin, total, column + gap), row, strict=False):
            canvas.paste(Image.fromarray(panels[k]), (x, top + head))
            y = top
            for text, face, color in captions[k]:
                draw.text((x, y), text, font=face, fill=color)
                y += line_px(face)
        top += head + height + between
    for n, text in enumerate(footer):
        draw.text((margin, foot + n * line_px(small)), text, font=small, fill=MUTED)
    return np.asarray(canvas, np.uint8)
