"""The days after each treatment: how far redness rose and how fast it fell, one panel a region."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from skinprogress.comparison.course import in_order
from skinprogress.comparison.quoted import QUOTES, quote_text
from skinprogress.comparison.sentences import date_text, duration_text
from skinprogress.face.regions import NECK, WHOLE_FACE
from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.wording import VIEW_TITLES, listed
from skinprogress.records import ClientResult, FloatArray, Recovery, View

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_TREATMENTS = 6
"""As many treatments can be told apart in one panel: the first, and the last ones."""
# They differ in grey and for every common kind of colour blindness; the signs tell them apart as well.
_LOOKS = (
    ("#123f66", "o"), ("#c98b2b", "s"), ("#7a57a0", "^"), ("#3f9c8a", "D"), ("#6b4a1f", "v"), ("#8b959c", "P"),
)  # fmt: skip
_TICKS_H = {2: "2 h", 6: "6 h", 12: "12 h", 24: "1 d", 48: "2 d", 72: "3 d", 120: "5 d", 168: "7 d"}
_PANEL_IN, _GAP_IN, _HEAD_IN = 1.75, 0.36, 0.78
_LINE_PT = 9.5
_QUOTED = "as long as clinics quote redness"


def plot_recovery(result: ClientResult, *, view: View) -> "Figure":
    """Draw how redness rose and fell after each treatment, by hours since it; the treatments lie over each other.

    Parameters
    ----------
    result : ClientResult
    view : View

    Returns
    -------
    Figure
        Points with 95 % intervals: the rise over the last calm session before the treatment. A curve only where the
        photos bear one, from the first to the last of them; the band is the time that clinics quote for redness.

    Raises
    ------
    ValueError
        The view has no recovery.
    """
    shown = recoveries_of(result, view)
    if not shown:
        raise ValueError(f"no recovery in the {view} view")
    regions, numbers = _regions(shown), sorted({r.treatment for r in shown})
    with style.chart_style():
        n_columns = min(len(regions), 3)
        n_rows = math.ceil(len(regions) / n_columns)
        width = max(3.3 * n_columns + 0.6, 5.6)
        notes = _wrapped(_notes(shown), max_chars=int(18 * width))
        legend, n_legend = _legend(result, numbers), 4 if width > 8 else 2
        foot_in = 0.5 + 0.17 * math.ceil(len(legend) / n_legend) + 0.145 * len(notes)
        height = _HEAD_IN + _PANEL_IN * n_rows + _GAP_IN * (n_rows - 1) + foot_in
        figure = style.new_figure(width, height)
        figure.subplots_adjust(
            left=0.5 / width, right=1 - 0.14 / width, top=1 - _HEAD_IN / height, bottom=foot_in / height,
            hspace=_GAP_IN / _PANEL_IN, wspace=0.07,
        )  # fmt: skip
        axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        limits = _limits(shown)
        for i, ax in enumerate(axes):
            if i >= len(regions):
                ax.set_visible(False)
                continue
            _frame_panel(ax, limits, first=i % n_columns == 0, lowest=i >= len(regions) - n_columns)
            ax.set_title(style.region_title(regions[i]), loc="left", fontsize=8.5, pad=3)
            _draw_panel(ax, [r for r in shown if r.region == regions[i]], numbers)
        spec = METRICS[shown[0].metric]
        about = f"{spec.unit} above the photos before the treatment · {VIEW_TITLES[view]} view"
        style.draw_heading(figure, f"{spec.title} in the days after a treatment", about)
        figure.legend(
            handles=legend, loc="lower left", bbox_to_anchor=(0.42 / width, (0.1 + 0.145 * len(notes)) / height),
            ncols=n_legend, frameon=False, fontsize=7.5, handletextpad=0.5, columnspacing=1.6,
            borderaxespad=0, borderpad=0, labelspacing=0.45,
        )  # fmt: skip
        for i, text in enumerate(reversed(notes)):
            figure.text(0.42 / width, (0.07 + 0.145 * i) / height, text, fontsize=6.8, color=style.MUTED, va="bottom")
    return figure


def recoveries_of(result: ClientResult, view: View) -> list[Recovery]:
    """Recoveries that the chart of a view shows: of one metric, the first and the last treatments."""
    mine = [r for r in result.recoveries if r.view == view and r.region != NECK and r.hours]
    metric = next((name for name in METRICS if any(r.metric == name for r in mine)), "")
    numbers = sorted({r.treatment for r in mine if r.metric == metric})
    kept = {*numbers[:1], *numbers[1:][-(MOST_TREATMENTS - 1) :]}
    return [r for r in mine if r.metric == metric and r.treatment in kept]


def describe_recovery(result: ClientResult, view: View) -> tuple[str, str]:
    """Caption of the chart of a view, and what it shows in words for those who cannot see it."""
    shown = recoveries_of(result, view)
    spec = METRICS[shown[0].metric]
    caption = (
        f"{spec.title} in the days after {_treatments_text([r.treatment for r in shown])}, {VIEW_TITLES[view]} view. "
        "Each point is a session with its 95 % interval; the band is the time that clinics quote for redness."
    )
    said, first = [], _regions(shown)[0]
    for r in (r for r in shown if r.region == first):
        k = int(np.argmax(r.rise))
        rise = f"{style.number_text(r.rise[k], spec.decimals, sign=True)} {spec.unit}"
        fall = "" if r.reason else f", half of it gone after {half_life_text(r)}"
        said.append(
            f"Treatment {r.treatment}, {style.region_title(first)}: {rise} {duration_text(r.hours[k] / 24)} after it"
            f"{fall}."
        )
    return caption, " ".join([caption, *said])


def half_life_text(recovery: Recovery) -> str:
    """Hours until half of the rise is gone, with the 95 % interval: ``22 h (17 to 30)``."""
    low, high = recovery.half_life_low_h, recovery.half_life_high_h
    ends = f" ({low:.0f} to {high:.0f})" if math.isfinite(low) and math.isfinite(high) else ""
    return f"{recovery.half_life_h:.0f} h{ends}"


def _regions(shown: Sequence[Recovery]) -> list[str]:
    """The whole face first, then the marks and regions in their order."""
    return sorted(style.ordered_regions(r.region for r in shown), key=lambda name: name != WHOLE_FACE)


def _treatments_text(numbers: Sequence[int]) -> str:
    found = sorted(set(numbers))
    return f"treatment{'s' if len(found) > 1 else ''} {listed(map(str, found))}"


def _half(r: Recovery) -> FloatArray:
    return np.nan_to_num(style.Z95 * np.array(r.standard_error, float))


def _limits(shown: Sequence[Recovery]) -> tuple[float, float]:
    """Range of the rise, the same for all panels, with room for the words above and below the points."""
    rises = np.concatenate([np.array(r.rise, float) for r in shown])
    half = np.concatenate([_half(r) for r in shown])
    # One huge interval does not flatten the rest.
    half = np.minimum(half, 4 * np.median(half))
    low, high = min(float(np.min(rises - half)), 0.0), max(float(np.max(rises + half)), 0.0)
    lines = max(sum(not r.reason for r in shown if r.region == name) for name in _regions(shown))
    room = max(high - low, 1e-9) / (1 - (_LINE_PT * lines + 5 + 13) / (72 * _PANEL_IN))
    return low - 13 / (72 * _PANEL_IN) * room, high + (_LINE_PT * lines + 5) / (72 * _PANEL_IN) * room


def _frame_panel(ax: "Axes", limits: tuple[float, float], *, first: bool, lowest: bool) -> None:
    """Hours on an axis on which both two hours and seven days are seen; names under the lowest panels only."""
    from matplotlib.ticker import MaxNLocator

    low, high = limits
    ax.set_xscale("function", functions=(_compress, _expand))
    ax.set(xlim=(0, 185), ylim=limits)
    ax.spines[["top", "right"]].set_visible(False)
    heights = [y for y in MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high) if low <= y <= high]
    ax.hlines([y for y in heights if y], 0, 185, color=style.GRID, lw=0.6, zorder=0.5)
    ax.axhline(0, color=style.MUTED, lw=0.7, zorder=1)
    ax.set_yticks(heights if first else [])
    ax.set_xticks(list(_TICKS_H), list(_TICKS_H.values()) if lowest else [""] * len(_TICKS_H))
    ax.minorticks_off()
    ax.tick_params(length=2.5, width=0.6, labelsize=7)


def _compress(hours: FloatArray) -> FloatArray:
    return np.log1p(np.maximum(hours, -2.9) / 3)


def _expand(x: FloatArray) -> FloatArray:
    return 3 * np.expm1(x)


def _draw_panel(ax: "Axes", recoveries: Sequence[Recovery], numbers: Sequence[int]) -> None:
    from matplotlib.transforms import ScaledTranslation

    for days in sorted({r.quoted_days for r in recoveries if math.isfinite(r.quoted_days)}, reverse=True):
        ax.axvspan(0, min(24 * days, 185), color=style.BAND, alpha=0.75, lw=0, zorder=0)
    ax.annotate(
        quoted_text(recoveries), (0, 0), (3, 3), "axes fraction", "offset points", fontsize=6.3, color=style.MUTED
    )
    curves = 0
    for r in recoveries:
        index = numbers.index(r.treatment)
        color, marker = _LOOKS[index % len(_LOOKS)]
        # Treatments photographed at the same hour stand side by side, curve and all.
        aside = (index - (len(numbers) - 1) / 2) * min(4.5, 14 / max(len(numbers) - 1, 1)) / 72
        at = ax.transData + ScaledTranslation(aside, 0, ax.figure.dpi_scale_trans)
        rise, half = np.array(r.rise), _half(r)
        ax.vlines(r.hours, rise - half, rise + half, color=color, lw=1.2, zorder=3, transform=at)
        ax.plot(
            r.hours, rise, ls="", marker=marker, ms=4.4, mfc=color, mec=style.PAPER, mew=0.5, zorder=4, transform=at
        )
        if r.reason:
            continue
        hours = np.linspace(min(r.hours), max(r.hours), 200)
        fall = r.level + r.amplitude * np.exp(-hours / r.tau_h)
        ax.plot(hours, fall, color=color, lw=1.1, alpha=0.8, zorder=2, transform=at)
        text = f"{r.treatment}: half gone after {half_life_text(r)}"
        ax.annotate(
            text, (1, 1), (-2, -2 - _LINE_PT * curves), "axes fraction", "offset points", ha="right", va="top",
            fontsize=6.8, color=style.INK,
        )  # fmt: skip
        curves += 1


def quoted_text(recoveries: Sequence[Recovery]) -> str:
    """How long clinics quote redness for, ``quoted: up to 3 days``; both ends where treatments differ."""
    days = sorted({r.quoted_days for r in recoveries if math.isfinite(r.quoted_days)})
    if not days:
        return "not treated, or nothing quoted"
    ends = " or ".join(f"{d:g}" for d in dict.fromkeys((days[0], days[-1])))
    return f"quoted: up to {ends} day{'' if ends == '1' else 's'}"


def _legend(result: ClientResult, numbers: Sequence[int]) -> "list[Artist]":
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    treatments = in_order(result.plan.course)
    handles: list[Artist] = []
    for index, number in enumerate(numbers):
        color, marker = _LOOKS[index % len(_LOOKS)]
        when = f", {date_text(treatments[number - 1].at)}" if number <= len(treatments) else ""
        handles.append(
            Line2D([], [], ls="", marker=marker, ms=4.8, mfc=color, mec=color, label=f"treatment {number}{when}")
        )
    return [*handles, Patch(fc=style.BAND, label=_QUOTED)]


def _notes(shown: Sequence[Recovery]) -> list[str]:
    """What must be known to read the chart, and why some points bear no curve."""
    notes = ["Points are sessions with their 95 % interval. Early hours take more room than late ones."]
    if any(not r.reason for r in shown):
        notes.append("“Half gone”: hours until half of the rise is gone, with its 95 % interval.")
    notes.append(
        f"Quoted for redness after needling: {quote_text(QUOTES['redness'])}; over bone: "
        f"{quote_text(QUOTES['redness_bony'])}."
    )
    for reason in list(dict.fromkeys(r.reason for r in shown if r.reason))[:3]:
        mine = [r for r in shown if r.reason == reason]
        where = listed(style.region_title(name) for name in _regions(mine))
        place = "" if len(_regions(mine)) == len(_regions(shown)) else f" ({where})"
        notes.append(f"No curve after {_treatments_text([r.treatment for r in mine])}{place}: {reason}.")
    return notes


def _wrapped(texts: Sequence[str], *, max_chars: int) -> list[str]:
    import textwrap

    return [line for text in texts for line in textwrap.wrap(text, max_chars)]
