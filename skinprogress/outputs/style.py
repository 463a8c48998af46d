"""What all charts share: colours, type sizes, and how numbers, intervals and verdicts are written."""

import math
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from skinprogress.comparison.course import is_covered, is_recent
from skinprogress.face.regions import NECK, REGIONS
from skinprogress.metrics.table import METRICS
from skinprogress.records import Change, ClientResult, CourseStatus, FloatArray, Verdict, View

if TYPE_CHECKING:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure
    from matplotlib.ft2font import FT2Font

PRINT_DPI = 300
"""Of the files in the folder of charts."""
CHART_DPI = 150
"""Of pictures on a page."""
PAGE_SCALE = 97.5 / CHART_DPI
"""Px on a page per px of a chart: all charts in one scale, so that their letters are of one size."""
PHOTO_ID = "photo"
"""Name of the artist that lays a photo into a chart."""
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
SLOPE_BAND = "#d5d8db"
NOT_COMPARABLE = "#e9ebec"
HATCH = "#a3abb2"

# Both ends are equally dark, so that printed grey shows the size of a change and never the direction; blue against
# brown and violet against olive stay apart for every common kind of colour blindness.
_BETTER_WORSE = ("#0b4f7d", "#5b9cc5", "#cfe2ee", "#f6f5f2", "#f3dcc0", "#d0955a", "#8a4b12")
_LESS_MORE = ("#5b3a86", "#9d84bf", "#ddd4ea", "#f6f5f2", "#dfe3c4", "#98a35a", "#55611c")

# The size of what is not judged is told in a grey with a touch of violet: it is no alarm, and no praise.
UNJUDGED = "#a294aa"
_UNJUDGED = (0.635, 0.580, 0.667)

HATCHING = "/////"
ENDS: dict[str | None, tuple[str, str]] = {
    "lower": ("better", "worse"), "higher": ("worse", "better"), None: ("less", "more")
}  # fmt: skip
"""Which way is better, to what the low and the high end of an axis of changes are called."""

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
    "hatch.color": HATCH,
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
    own["font.family"] = list(font_families())
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


@lru_cache(maxsize=3)
def _change_colors(better: str | None) -> FloatArray:
    return np.asarray(change_colormap(better)(np.arange(256))[:, :3])


def direction_text(better: str | None) -> str:
    """Return which way is better in words."""
    return f"{better} is better" if better else "neither direction is better"


def about_text(unit: str, view: View, better: str | None) -> str:
    """Return the line below a chart's title: unit, view and which way is better."""
    return " · ".join(filter(None, [unit, f"{view.replace('_', ' ')} view", direction_text(better)]))


def ordered_regions(found: Iterable[str]) -> list[str]:
    """Return the client's marks first, which somebody asked about, then regions as in their table, the neck last."""
    order = {name: i for i, name in enumerate((*REGIONS, NECK))}
    return sorted(dict.fromkeys(found), key=lambda name: order.get(name, -1))


def region_title(name: str) -> str:
    """Return the name of a region for people, in the glyphs of charts; a mark keeps the name that it was given."""
    return REGIONS[name].title if name in REGIONS else printable(name)


_FONT = "DejaVu Sans"
"""Comes with matplotlib: the same letters, and so the same files, on every machine."""
_WITH_HAN = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Noto Sans SC", "Source Han Sans", "Hiragino Sans",
    "PingFang SC", "Yu Gothic", "Microsoft YaHei", "Malgun Gothic", "WenQuanYi Zen Hei", "IPAexGothic",
    "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip


def fallback_families(installed: Iterable[str]) -> tuple[str, ...]:
    """Return the family to take for letters that the charts' font lacks: the first with Chinese signs, if any.

    Examples
    --------
    >>> fallback_families(["Arial", "Yu Gothic", "Noto Sans CJK JP"]), fallback_families(["Arial"])
    (('Noto Sans CJK JP',), ())
    """
    found = set(installed)
    return tuple(name for name in _WITH_HAN if name in found)[:1]


@lru_cache(maxsize=1)
def font_families() -> tuple[str, ...]:
    """Return the families that charts are set in: the charts' own, and one for what it lacks, if any is installed."""
    from matplotlib import font_manager

    return (_FONT, *fallback_families(font.name for font in font_manager.fontManager.ttflist))


@lru_cache(maxsize=2)
def chart_font(*, bold: bool) -> "FT2Font":
    """Return the charts' font, to measure letters with."""
    from matplotlib import font_manager

    weight = "bold" if bold else "normal"
    return font_manager.get_font(font_manager.findfont(font_manager.FontProperties(family=_FONT, weight=weight)))


@lru_cache(maxsize=1)
def _known_glyphs() -> frozenset[int]:
    from matplotlib import font_manager

    return frozenset().union(*(font_manager.get_font(font_manager.findfont(f)).get_charmap() for f in font_families()))


def printable(text: str, *, max_chars: int = 40) -> str:
    """Return a user's text in one line of glyphs that the charts' fonts have; others become □.

    Examples
    --------
    >>> printable("a\\nname"), printable("Gro\u0308\u00dfe")
    ('a name', 'Größe')
    """
    flat = " ".join(unicodedata.normalize("NFC", text).split())
    # Marks of the direction of writing have no glyph, and would turn the words around them.
    flat = "".join(ch for ch in flat if unicodedata.category(ch) != "Cf")
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
    low, high = _ends(change)
    below, above = change.difference - low, high - change.difference
    if not (math.isfinite(below) and math.isfinite(above)):
        return ""
    if abs(above - below) <= 0.15 * (above + below):
        return f"±{(above + below) / 2:.{decimals}f}"
    return f"{number_text(low, decimals)} … {number_text(high, decimals)}"


def _ends(change: Change) -> tuple[float, float]:
    """Interval of a change; that of a share cannot be more than all there is."""
    most = METRICS[change.metric].most if change.metric in METRICS else math.inf
    return max(change.ci_low, -most), min(change.ci_high, most)


def change_text(change: Change, decimals: int) -> str:
    """Return a change with both ends of its interval, ``−1.2 (−1.9 to −0.5)``; empty where nothing can be compared."""
    if is_incomparable(change):
        return ""
    middle, low, high = (
        number_text(value, decimals, sign=True) if math.isfinite(value) else "–"
        for value in (change.difference, *_ends(change))
    )
    return f"{middle} ({low} to {high})"


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


def is_incomparable(change: Change) -> bool:
    """Tell if two sessions cannot be held against each other: hatched, without a number."""
    return change.verdict == "not comparable" or not math.isfinite(change.difference)


def is_unjudged(change: Change, better: str | None) -> bool:
    """Tell if a change of a metric that has a good direction is called neither better nor worse."""
    return bool(change.course_status) or (better is not None and change.verdict == "changed")


def is_muted(change: Change) -> bool:
    """Tell if a change is drawn pale, because nothing was detected."""
    return change.verdict in ("unchanged", "no detectable change") and not change.course_status


def change_fill(change: Change, better: str | None, limit: float) -> tuple[float, float, float] | None:
    """Return the colour of a change, RGB 0..1; None where nothing can be compared."""
    if is_incomparable(change):
        return None
    share = 0.5 + 0.5 * float(np.clip(change.difference / limit, -1, 1))
    rgb = _change_colors(better)[min(int(share * 256), 255)]
    # Neither better nor worse is said in the days after a treatment, under cream, and where too little was seen.
    if is_unjudged(change, better):
        rgb, strength = np.array(_UNJUDGED), 0.1 + 0.75 * abs(2 * share - 1)
    else:
        strength = 0.25 if is_muted(change) else 1.0
    rgb = strength * rgb + (1 - strength) * np.array([0.965, 0.965, 0.96])
    return float(rgb[0]), float(rgb[1]), float(rgb[2])


def ink_on(fill: tuple[float, float, float]) -> str:
    """Return the text colour that reads on a fill."""
    linear = ((np.array(fill) + 0.055) / 1.055) ** 2.4
    luminance = float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
    # Contrast as WCAG 2 defines it, (L1 + 0.05) / (L2 + 0.05): INK has 0.03, PAPER 1.0.
    return INK if (luminance + 0.05) / 0.08 >= 1.05 / (luminance + 0.05) else PAPER


def incomparable_sessions(result: ClientResult, view: View) -> frozenset[str]:
    """Return the sessions whose photos of a view are too different from the baseline to be set beside it."""
    graded = {c.to_session: c.grade for c in result.comparisons if c.against == "baseline" and c.view == view}
    return frozenset(s for s, grade in graded.items() if grade == "F")


def draw_heading(figure: "Figure", title: str, below: str) -> None:
    """Write the title of a figure and the line below it, at the upper left."""
    height, width = figure.get_figheight(), figure.get_figwidth()
    figure.text(0.16 / width, 1 - 0.12 / height, title, fontsize=11.5, weight="bold", va="top")
    figure.text(0.16 / width, 1 - 0.36 / height, below, fontsize=8, color=MUTED, va="top")
