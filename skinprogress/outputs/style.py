"""What all charts share: colours, type sizes, and how numbers, intervals and verdicts are written."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from skinprogress.comparison.course import is_covered, is_recent
from skinprogress.face.regions import NECK, REGIONS
from skinprogress.records import Change, ClientResult, CourseStatus, Verdict, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

CHART_DPI = 150
PAGE_SCALE = 97.5 / CHART_DPI
"""Px on a page per px of a chart: all charts in one scale, so that their letters are of one size."""
Z95 = 1.959964
"""Half-width of a 95 % interval in standard errors."""
INK = "#22303c"
MUTED = "#6b7780"
GRID = "#e4e8eb"
PAPER = "#ffffff"
LINE = "#1f5f8b"
BAND = "#dfeaf2"
ASIDE = "#a3abb2"
TREATMENT = "#7d5a8c"
SLOPE = "#33414c"
NOT_COMPARABLE = "#e3e5e7"

# Both ends are equally dark, so that printed grey shows the size of a change and never the direction; blue against
# brown and violet against olive stay apart for every common kind of colour blindness.
_BETTER_WORSE = ("#0b4f7d", "#5b9cc5", "#cfe2ee", "#f6f5f2", "#f3dcc0", "#d0955a", "#8a4b12")
_LESS_MORE = ("#5b3a86", "#9d84bf", "#ddd4ea", "#f6f5f2", "#dfe3c4", "#98a35a", "#55611c")

SYMBOLS: dict[Verdict, str] = {
    "improved": "✓",
    "worsened": "✗",
    "changed": "≠",
    "unchanged": "=",
    "no detectable change": "~",
    "not comparable": "–",
}
EARLY_SYMBOLS: dict[CourseStatus, tuple[str, str]] = {
    "within quoted range": ("◷", "within the days usually quoted for it"),
    "longer than quoted": ("»", "lasts longer than usually quoted"),
    "cannot say": ("?", "not judged: too soon, or not bare skin"),
}
"""Course status to its sign and the words for it."""

_STYLE = {
    "font.family": "sans-serif",
    "font.size": 8.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "hatch.linewidth": 0.6,
    "hatch.color": "#b3b9be",
    "text.usetex": False,
    "text.parse_math": False,  # a "$" in a name is a dollar
    "axes.unicode_minus": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "skinprogress",
}


@contextmanager
def chart_style() -> Iterator[None]:
    """Draw with our settings whatever the user's ``matplotlibrc`` says, and leave theirs as they were."""
    import matplotlib

    own: dict[Any, Any] = {k: v for k, v in matplotlib.rcParamsDefault.items() if k.split(".")[0] in _FAMILIES}
    own.update(_STYLE)
    # Inside another of ours nothing has changed, and setting some hundred values again costs more than a small chart.
    if all(matplotlib.rcParams.get(k) == v for k, v in own.items()):
        yield
        return
    with matplotlib.rc_context(own):
        yield


_FAMILIES = ("font", "text", "axes", "xtick", "ytick", "figure", "savefig", "lines", "patch", "hatch", "legend", "svg")


def new_figure(width_in: float, height_in: float) -> "Figure":
    """Return an empty figure that no window system and no global state knows of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in))
    FigureCanvasAgg(figure)
    return figure


def change_colormap(better: str | None) -> "LinearSegmentedColormap":
    """Return the colours from -1 to 1: better is blue and worse is brown, or less is violet and more is olive."""
    from matplotlib.colors import LinearSegmentedColormap

    colors = _LESS_MORE if better is None else _BETTER_WORSE
    return LinearSegmentedColormap.from_list("change", colors[::-1] if better == "higher" else colors)


def about_text(unit: str, view: View, better: str | None) -> str:
    """Return the line below a chart's title: unit, view and which way is better."""
    direction = f"{better} is better" if better else "neither direction is better"
    return " · ".join(filter(None, [unit, f"{view.replace('_', ' ')} view", direction]))


def ordered_regions(found: Iterable[str]) -> list[str]:
    """Return the client's marks first, which somebody asked about, then regions as in their table, the neck last."""
    order = {name: i for i, name in enumerate((*REGIONS, NECK))}
    return sorted(dict.fromkeys(found), key=lambda name: order.get(name, -1))


def region_title(name: str) -> str:
    """Return the name of a region for people, in the glyphs of charts; a mark keeps the name that it was given."""
    return REGIONS[name].title if name in REGIONS else printable(name)


@lru_cache(maxsize=1)
def _known_glyphs() -> frozenset[int]:
    from matplotlib import font_manager

    return frozenset(font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap())


def printable(text: str, *, max_chars: int = 40) -> str:
    """Return a user's text in one line of glyphs that the charts' font has; others become □."""
    flat = " ".join(text.split())
    shown = "".join(ch if ord(ch) in _known_glyphs() and ch.isprintable() else "□" for ch in flat)
    return shown if len(shown) <= max_chars else shown[: max_chars - 1] + "…"


def number_text(value: float, decimals: int, *, sign: bool = False) -> str:
    """Return a number with a true minus sign; minus zero is zero."""
    text = f"{value:+.{decimals}f}" if sign else f"{value:.{decimals}f}"
    if float(text) == 0:
        text = f"{0.0:.{decimals}f}"
    return text.replace("-", "−")


def interval_text(change: Change, decimals: int) -> str:
    """Return the interval of a change: ``±0.7``, or both ends where they lie unevenly."""
    below, above = change.difference - change.ci_low, change.ci_high - change.difference
    if not (math.isfinite(below) and math.isfinite(above)):
        return ""
    if abs(above - below) <= 0.15 * (above + below):
        return f"±{(above + below) / 2:.{decimals}f}"
    return f"{number_text(change.ci_low, decimals)} … {number_text(change.ci_high, decimals)}"


def symbol_of(change: Change) -> str:
    """Return the sign that stands for the verdict, or in the days after a treatment for the course status."""
    # Texture and pigment have figures in these days, and no verdict.
    if change.course_status and math.isfinite(change.difference):
        return EARLY_SYMBOLS[change.course_status][0]
    return SYMBOLS[change.verdict]


def color_limit(changes: list[Change], early: frozenset[str]) -> float:
    """Return the change at which the colours are full, in the metric's unit.

    The days after a treatment are left out where there are others: their peak would bleach everything that lasts.
    Noise is kept pale by going at least to the detectable change.
    """
    real = [c for c in changes if math.isfinite(c.difference)]
    calm = [c for c in real if c.to_session not in early] or real
    sizes = [abs(c.difference) for c in calm]
    floor = [c.detectable_change for c in real if math.isfinite(c.detectable_change)]
    return max([*sizes, 1.2 * float(np.median(floor)) if floor else 0.0, 1e-9])


def early_sessions(result: ClientResult) -> frozenset[str]:
    """Return the sessions in the acute and peeling phases."""
    return frozenset(s for s in result.sessions if is_recent(result.plan, s))


def aside_sessions(result: ClientResult) -> dict[str, str]:
    """Return the sessions that show no bare skin with the word for what is on it (numbing, after cream)."""
    stages = {i.ref.session: i.ref.stage for i in result.inspections.values() if i.ref.stage}
    return {s: stages.get(s, "covered") for s in result.sessions if is_covered(result.plan, s)}


def unsettled_sessions(result: ClientResult) -> frozenset[str]:
    """Return the sessions that show no calm bare skin: none of them sets the scale of the colours."""
    return early_sessions(result) | aside_sessions(result).keys()


def is_muted(change: Change) -> bool:
    """Tell if a change is drawn pale, because nothing was detected."""
    return change.verdict in ("unchanged", "no detectable change") and not change.course_status


def change_fill(change: Change, better: str | None, limit: float) -> tuple[float, float, float] | None:
    """Return the colour of a change, RGB 0..1; None where nothing can be compared."""
    if change.verdict == "not comparable" or not math.isfinite(change.difference):
        return None
    share = 0.5 + 0.5 * float(np.clip(change.difference / limit, -1, 1))
    rgb = np.array(change_colormap(better)(share)[:3])
    # Soft where neither better nor worse is said: days after a treatment, under cream, where too little was seen.
    open_ended = bool(change.course_status) or (better is not None and change.verdict == "changed")
    strength = 0.25 if is_muted(change) else 0.45 if open_ended else 1.0
    rgb = strength * rgb + (1 - strength) * np.array([0.965, 0.965, 0.96])
    return float(rgb[0]), float(rgb[1]), float(rgb[2])


def ink_on(fill: tuple[float, float, float] | None) -> str:
    """Return the text colour that reads on a fill."""
    if fill is None:
        return MUTED
    linear = ((np.array(fill) + 0.055) / 1.055) ** 2.4
    luminance = float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
    # Contrast as WCAG 2 defines it, (L1 + 0.05) / (L2 + 0.05): INK has 0.03, PAPER 1.0.
    return INK if (luminance + 0.05) / 0.08 >= 1.05 / (luminance + 0.05) else PAPER


def draw_cell(ax: "Axes", column: int, row: int, fill: tuple[float, float, float] | None) -> None:
    """Draw one cell of a map around (column, row); hatched without a fill."""
    from matplotlib.patches import Rectangle

    corner = (column - 0.48, row - 0.46)
    if fill is None:
        ax.add_artist(Rectangle(corner, 0.96, 0.92, fc=NOT_COMPARABLE, ec="#b3b9be", hatch="/////", lw=0))
    else:
        ax.add_artist(Rectangle(corner, 0.96, 0.92, fc=fill, ec="none"))


def incomparable_sessions(result: ClientResult, view: View) -> frozenset[str]:
    """Return the sessions whose photos of a view are too different from the baseline to be set beside it."""
    graded = {c.to_session: c.grade for c in result.comparisons if c.against == "baseline" and c.view == view}
    return frozenset(s for s, grade in graded.items() if grade == "F")


def draw_heading(figure: "Figure", title: str, below: str) -> None:
    """Write the title of a figure and the line below it, at the upper left."""
    height, width = figure.get_figheight(), figure.get_figwidth()
    figure.text(0.16 / width, 1 - 0.12 / height, title, fontsize=11.5, weight="bold", va="top")
    figure.text(0.16 / width, 1 - 0.36 / height, below, fontsize=8, color=MUTED, va="top")


def draw_color_bar(
    figure: "Figure", place: tuple[float, float, float, float], better: str | None, limit: float, decimals: int
) -> None:
    """Draw an upright colour bar from -limit to +limit; `place` is left, bottom, width and height in figure shares."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax = figure.add_axes(place)
    bar = figure.colorbar(ScalarMappable(Normalize(-limit, limit), change_colormap(better)), cax=ax, extend="both")
    bar.outline.set_visible(False)
    bar.locator = MaxNLocator(nbins=6, symmetric=True)
    bar.formatter = FuncFormatter(lambda value, _: number_text(value, decimals, sign=True))
    bar.update_ticks()
    ax.tick_params(length=2, labelsize=6.5, width=0.5)
    low, high = {"lower": ("better", "worse"), "higher": ("worse", "better")}.get(better or "", ("less", "more"))
    x, gap = place[0] + place[2] / 2, 0.04 / figure.get_figheight()
    figure.text(x, place[1] + place[3] + gap, high, ha="center", va="bottom", fontsize=6.5, color=MUTED)
    figure.text(x, place[1] - gap, low, ha="center", va="top", fontsize=6.5, color=MUTED)


def draw_symbol_key(figure: "Figure", changes: Iterable[Change], confidence_level: float) -> None:
    """Write at the foot what the signs mean, those that occur only."""
    rows = list(changes)
    used = {symbol_of(c) for c in rows}
    words = [f"{sign}  {verdict}" for verdict, sign in SYMBOLS.items() if sign in used]
    words += [f"{sign}  {text}" for sign, text in EARLY_SYMBOLS.values() if sign in used]
    width, height = figure.get_figwidth(), figure.get_figheight()
    lines = _wrapped(words, max_chars=int(13.5 * (width - 0.3)))
    lines.append(
        f"The interval beside each number covers {100 * confidence_level:g} %, adjusted for all regions of the pair."
    )
    for i, text in enumerate(reversed(lines)):
        figure.text(0.16 / width, (0.12 + 0.17 * i) / height, text, fontsize=7, color=MUTED, va="bottom")


def _wrapped(words: list[str], *, max_chars: int) -> list[str]:
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) + 5 > max_chars:
            lines.append("")
        lines[-1] += ("     " if lines[-1] else "") + word
    return lines
