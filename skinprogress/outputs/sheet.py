"""The paper that charts are drawn on: in points, with heading and foot, and as few artists as there are styles.

A chart of twelve panels made of twelve ``Axes`` spends most of its time on their ticks. Here everything alike (all
intervals, all grid lines) is collected and becomes one artist when the sheet is finished.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.outputs import style
from skinprogress.outputs.quick_text import quick_text_class

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from matplotlib.text import Text

Points = npt.NDArray[np.float64]
Color = str | tuple[float, float, float]
Dash = tuple[float, ...]

MARGIN = 14.0
"""Left and right of everything, points."""
_TITLE_PT, _ABOUT_PT, _KEY_PT, _NOTE_PT = 12.0, 8.0, 7.5, 6.8
_TITLE_LINE, _ABOUT_LINE, _KEY_LINE, _NOTE_LINE = 15.0, 11.0, 13.0, 9.6
_SAMPLE, _KEY_GAP = 18.0, 16.0


@lru_cache(maxsize=4096)
def _advance(char: str, bold: bool) -> float:
    """Width of a letter of size 1."""
    font = style.chart_font(bold=bold)
    if not font.get_char_index(ord(char)):
        return 1.0  # of another font: Chinese and Japanese signs are as wide as high
    font.set_size(100.0, 72.0)
    return float(font.load_char(ord(char)).linearHoriAdvance) / 65536.0 / 100.0


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Width of one line of text, points; a little generous, since small letters are set on whole px."""
    return 1.02 * size * sum(_advance(char, bold) for char in text)


def wrap(text: str, size: float, *, width: float, bold: bool = False) -> list[str]:
    """Break a text into lines that are no wider than `width` points; words that are too long are cut."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if width_of(joined, size, bold=bold) <= width:
            lines[-1] = joined
            continue
        lines += [word] if lines[-1] else []
        lines[-1] = shorten(word, size, width=width, bold=bold)
    return lines


def wrap_items(items: Iterable[str], size: float, *, width: float, bold: bool = False) -> list[str]:
    """Set items in lines that are no wider than `width` points, without breaking one."""
    lines: list[str] = []
    for item in items:
        joined = f"{lines[-1]}     {item}" if lines else item
        if lines and width_of(joined, size, bold=bold) <= width:
            lines[-1] = joined
        else:
            lines.append(shorten(item, size, width=width, bold=bold))
    return lines


def shorten(text: str, size: float, *, width: float, bold: bool = False) -> str:
    """Cut a line so that it is no wider than `width` points, with … at its end."""
    if width_of(text, size, bold=bold) <= width:
        return text
    while text and width_of(f"{text}…", size, bold=bold) > width:
        text = text[:-1].rstrip()
    return f"{text}…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a key: what it looks like (a point, a line, an area or a sign) and what it means."""

    label: str
    mark: str = ""
    face: Color = style.LINE
    edge: Color = style.LINE
    line: tuple[Color, float, Dash] | None = None
    fill: Color | None = None
    hatch: str = ""
    sign: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A box on the sheet with its scales; `y` keeps what is drawn inside the box."""

    left: float
    bottom: float
    width: float
    height: float
    xlim: tuple[float, float]
    ylim: tuple[float, float]

    def x(self, values: npt.ArrayLike) -> Points:
        share = (np.asarray(values, np.float64) - self.xlim[0]) / (self.xlim[1] - self.xlim[0])
        return self.left + self.width * np.clip(share, 0.0, 1.0)

    def y(self, values: npt.ArrayLike) -> Points:
        share = (np.asarray(values, np.float64) - self.ylim[0]) / (self.ylim[1] - self.ylim[0])
        return self.bottom + self.height * np.clip(share, 0.0, 1.0)


class Sheet:
    """A figure measured in points from its lower left corner.

    Attributes
    ----------
    figure : Figure
    width, height : float
    top, bottom : float
        Upper and lower end of the room between heading and foot.
    """

    def __init__(
        self,
        width: float,
        body: float,
        *,
        title: str,
        about: str,
        key: Sequence[Entry] = (),
        notes: Iterable[str] = (),
    ) -> None:
        """Lay out a sheet with `body` points of room between its heading and its key and notes."""
        inner = width - 2 * MARGIN
        titles = wrap(title, _TITLE_PT, width=inner, bold=True)
        abouts = wrap(about, _ABOUT_PT, width=inner)
        told = [line for note in notes if note for line in wrap(note, _NOTE_PT, width=inner)]
        rows = _key_rows(key, inner)
        foot = 16.0 + _NOTE_LINE * len(told) + _KEY_LINE * len(rows) + (4.0 if rows and told else 0.0)
        self.width, self.bottom = width, foot
        self.top = foot + body
        self.height = self.top + 12.0 + _TITLE_LINE * len(titles) + _ABOUT_LINE * len(abouts)
        self.figure = style.new_figure(width / 72, self.height / 72)
        self._lines: dict[tuple[Any, ...], list[Points]] = {}
        self._areas: dict[tuple[Any, ...], list[tuple[Points, Color]]] = {}
        self._marks: dict[tuple[Any, ...], list[tuple[float, float]]] = {}
        y = self.height - 12.0
        for line in titles:
            self.text(MARGIN, y, line, size=_TITLE_PT, weight="bold", va="top")
            y -= _TITLE_LINE
        for line in abouts:
            self.text(MARGIN, y, line, size=_ABOUT_PT, color=style.MUTED, va="top")
            y -= _ABOUT_LINE
        for i, line in enumerate(reversed(told)):
            self.text(MARGIN, 9.0 + _NOTE_LINE * i, line, size=_NOTE_PT, color=style.MUTED)
        for i, row in enumerate(reversed(rows)):
            self._draw_key_row(row, foot - 7.0 - _KEY_LINE * (len(rows) - i) + 3.0)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        color: Color = style.INK,
        ha: Literal["left", "center", "right"] = "left",
        va: Literal["baseline", "top", "bottom", "center_baseline"] = "baseline",
        weight: str = "normal",
        rotation: float = 0.0,
        z: float = 6.0,
    ) -> "Text":
        made = quick_text_class()(
            x, y, text, fontsize=size, color=color, horizontalalignment=ha, verticalalignment=va, fontweight=weight,
            rotation=rotation, zorder=z,
        )  # fmt: skip
        self.add(made)
        return made

    def line(
        self, xs: npt.ArrayLike, ys: npt.ArrayLike, *, color: Color, width: float, dash: Dash = (), z: float = 2.0
    ) -> None:
        """Draw a line through points."""
        points = np.column_stack([np.asarray(xs, np.float64), np.asarray(ys, np.float64)])
        if len(points) > 1:
            self._lines.setdefault((color, width, dash, z), []).append(points)

    def area(
        self, corners: npt.ArrayLike, *, fill: Color, edge: Color = "none", width: float = 0.0, hatch: str = "",
        alpha: float = 1.0, z: float = 1.0,
    ) -> None:  # fmt: skip
        """Fill a polygon, (n, 2); its edge is never transparent."""
        self._areas.setdefault((edge, width, hatch, alpha, z), []).append((np.asarray(corners, np.float64), fill))

    def box(self, left: float, bottom: float, width: float, height: float, **look: Any) -> None:
        """Fill a rectangle; the look is that of :meth:`area`."""
        right, top = left + width, bottom + height
        self.area([(left, bottom), (right, bottom), (right, top), (left, top)], **look)

    def mark(
        self, x: float, y: float, *, marker: str = "o", size: float = 4.2, face: Color, edge: Color, width: float = 1.1,
        z: float = 4.0,
    ) -> None:  # fmt: skip
        """Draw one point."""
        self._marks.setdefault((marker, size, face, edge, width, z), []).append((float(x), float(y)))

    def picture(
        self, grey: npt.NDArray[np.uint8], left: float, bottom: float, width: float, height: float, *, z: float = 0.0
    ) -> None:
        """Lay a grey picture, (h, w), into a box."""
        self.figure.add_artist(_picture_artist(self.figure, grey, (left, bottom, width, height), z))

    def add(self, artist: "Artist") -> None:
        """Add an artist whose coordinates are points of the sheet."""
        from matplotlib.transforms import Affine2D

        artist.set_transform(Affine2D().scale(1 / 72) + self.figure.dpi_scale_trans)
        self.figure.add_artist(artist)

    def finish(self) -> "Figure":
        """Draw what was collected, one artist a style, and return the figure."""
        from matplotlib.collections import PolyCollection
        from matplotlib.colors import to_rgba_array
        from matplotlib.lines import Line2D
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        for (edge, width, hatch, alpha, z), rows in self._areas.items():
            look = {"hatch": hatch} if hatch else {}
            fills = to_rgba_array([fill for _, fill in rows])
            fills[:, 3] *= alpha
            self.add(PolyCollection([p for p, _ in rows], facecolors=fills, edgecolors=edge, linewidths=width,
                                    zorder=z, **look))  # fmt: skip
        for (color, width, dash, z), strokes in self._lines.items():
            dashes: Any = (0, dash) if dash else "-"
            path = Path.make_compound_path(*(Path(points) for points in strokes))
            self.add(PathPatch(path, fill=False, edgecolor=color, linewidth=width, linestyle=dashes, zorder=z,
                               capstyle="butt", joinstyle="round"))  # fmt: skip
        for (marker, size, face, edge, width, z), points in self._marks.items():
            self.add(Line2D(*np.array(points).T, linestyle="", marker=marker, markersize=size, markerfacecolor=face,
                            markeredgecolor=edge, markeredgewidth=width, zorder=z))  # fmt: skip
        self._lines, self._areas, self._marks = {}, {}, {}
        return self.figure

    def _draw_key_row(self, row: list[tuple[float, Entry]], y: float) -> None:
        for x, entry in row:
            middle = y + 2.6
            if entry.fill is not None:
                edge = style.HATCH if entry.hatch else "none"
                self.box(x, y - 0.6, 14, 7, fill=entry.fill, hatch=entry.hatch, edge=edge)
            if entry.line is not None:
                color, width, dash = entry.line
                self.line((x, x + 14), (middle, middle), color=color, width=width, dash=dash)
            if entry.mark:
                self.mark(x + 7, middle, marker=entry.mark, face=entry.face, edge=entry.edge, size=4.6)
            if entry.sign:
                self.text(x + 7, y, entry.sign, size=_KEY_PT, ha="center")
            self.text(x + _SAMPLE, y, entry.label, size=_KEY_PT)


def _picture_artist(
    figure: "Figure", grey: npt.NDArray[np.uint8], place: tuple[float, float, float, float], z: float
) -> "Artist":
    """Make the artist of a picture: resampled once to the px of the paper, or put whole into a vector file.

    ``imshow`` would take half a second to resample a picture of a face for print.
    """
    from matplotlib.artist import Artist
    from matplotlib.backend_bases import RendererBase
    from matplotlib.transforms import Affine2D

    class Picture(Artist):
        def draw(self, renderer: RendererBase) -> None:
            left, bottom, width, height = (v / 72 * figure.dpi for v in place)
            gc = renderer.new_gc()
            if renderer.option_scale_image():
                shape = Affine2D().scale(width, height)
                renderer.draw_image(gc, left, bottom, grey[::-1], shape)
            else:
                size = max(round(width), 1), max(round(height), 1)
                shown = cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR)[::-1]
                rgba = cv2.cvtColor(np.ascontiguousarray(shown), cv2.COLOR_GRAY2RGBA)
                renderer.draw_image(gc, round(left), round(bottom), rgba)
            gc.restore()

    picture = Picture()
    picture.set_zorder(z)
    picture.set_gid(style.PHOTO_ID)
    return picture


def _key_rows(key: Sequence[Entry], width: float) -> list[list[tuple[float, Entry]]]:
    """Set the entries of a key in rows, each with its place from the left."""
    rows: list[list[tuple[float, Entry]]] = []
    x = math.inf
    for entry in key:
        needed = _SAMPLE + width_of(entry.label, _KEY_PT)
        if x + needed > MARGIN + width:
            rows.append([])
            x = MARGIN
        rows[-1].append((x, entry))
        x += needed + _KEY_GAP
    return rows
