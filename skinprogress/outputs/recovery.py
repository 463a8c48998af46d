"""The days after each treatment: how far redness rose and how fast it fell, one panel a region."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from skinprogress.comparison.course import in_order
from skinprogress.comparison.quoted import QUOTES, quote_text
from skinprogress.comparison.sentences import date_text, duration_text
from skinprogress.face.regions import NECK, WHOLE_FACE
from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.series import TICK_PT, TITLE_PT, Grid, draw_scale
from skinprogress.outputs.sheet import Entry, Panel, Sheet, shorten
from skinprogress.outputs.wording import VIEW_TITLES, listed
from skinprogress.records import ClientResult, FloatArray, Recovery, View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_TREATMENTS = 6
"""As many treatments can be told apart in one panel: the first, and the last ones."""
# They differ in grey and for every common kind of colour blindness; the signs tell them apart as well.
_LOOKS = (
    ("#123f66", "o"), ("#c98b2b", "s"), ("#7a57a0", "^"), ("#3f9c8a", "D"), ("#6b4a1f", "v"), ("#8b959c", "P"),
)  # fmt: skip
_TICKS_H = {2: "2 h", 6: "6 h", 12: "12 h", 24: "1 d", 48: "2 d", 72: "3 d", 120: "5 d", 168: "7 d"}
_LAST_H = 185.0
_HEIGHT, _LINE, _TEXT_PT = 104.0, 8.8, 6.4


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
    spec = METRICS[shown[0].metric]
    grid = Grid.of(len(regions), ticks=28.0)
    of_region = {name: [r for r in shown if r.region == name] for name in regions}
    limits = _limits(shown)
    said = {name: _said(found) for name, found in of_region.items()}
    head = 23.0 + _LINE * max(map(len, said.values()))
    with style.chart_style():
        sheet = Sheet(
            grid.width, grid.rows * (head + _HEIGHT) + 18.0, title=f"{spec.title} in the days after a treatment",
            about=f"{spec.unit} above the photos before the treatment · {VIEW_TITLES[view]} view",
            key=_key(result, numbers), notes=_notes(shown),
        )  # fmt: skip
        for i, name in enumerate(regions):
            row, column = divmod(i, grid.columns)
            panel = Panel(
                left=grid.left(column), bottom=sheet.top - (row + 1) * (head + _HEIGHT),
                width=grid.panel_width, height=_HEIGHT,
                xlim=(0.0, float(_compress(_LAST_H))), ylim=limits,
            )  # fmt: skip
            _frame_panel(sheet, panel, first=column == 0, lowest=i + grid.columns >= len(regions))
            for k, text in enumerate(said[name]):
                y = panel.bottom + _HEIGHT + head - 27.0 - _LINE * k
                sheet.text(panel.left, y, shorten(text, _TEXT_PT, width=panel.width), size=_TEXT_PT, color=style.MUTED)
            y = panel.bottom + _HEIGHT + head - 17.0
            sheet.text(panel.left, y, shorten(style.region_title(name), TITLE_PT, width=panel.width), size=TITLE_PT)
            _draw_panel(sheet, panel, of_region[name], numbers)
        return sheet.finish()


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
    """Range of the rise, the same for all panels; one huge interval does not flatten the rest."""
    rises = np.concatenate([np.array(r.rise, float) for r in shown])
    half = np.concatenate([_half(r) for r in shown])
    half = np.minimum(half, 4 * np.median(half))
    low, high = min(float(np.min(rises - half)), 0.0), max(float(np.max(rises + half)), 0.0)
    room = 0.06 * max(high - low, 1e-9)
    return low - room, high + room


def _compress(hours: npt.ArrayLike) -> FloatArray:
    """Hours on an axis on which both two hours and seven days are seen."""
    return np.asarray(np.log1p(np.asarray(hours, np.float64) / 3.0))


def _frame_panel(sheet: Sheet, panel: Panel, *, first: bool, lowest: bool) -> None:
    """Grid, zero line, figures at the left and hours under the lowest panels."""
    draw_scale(sheet, panel, ticks=first)
    right = panel.left + panel.width
    zero = float(panel.y(0.0))
    sheet.line((panel.left, right), (zero, zero), color=style.MUTED, width=0.8, z=1.0)
    for hour, text in _TICKS_H.items():
        x = float(panel.x(_compress(hour)))
        sheet.line((x, x), (panel.bottom, panel.bottom - 2.5), color=style.MUTED, width=0.6, z=1.4)
        if lowest:
            sheet.text(x, panel.bottom - 4.0, text, size=TICK_PT, color=style.MUTED, ha="center", va="top")


def _said(recoveries: Sequence[Recovery]) -> list[str]:
    """Lines above a panel: what is quoted, and the half-lives."""
    curves = [f"treatment {r.treatment}: half gone after {half_life_text(r)}" for r in recoveries if not r.reason]
    return [quoted_text(recoveries), *curves]


def _draw_panel(sheet: Sheet, panel: Panel, recoveries: Sequence[Recovery], numbers: Sequence[int]) -> None:
    days = max((r.quoted_days for r in recoveries if math.isfinite(r.quoted_days)), default=0.0)
    if days:
        right = float(panel.x(_compress(24.0 * days)))
        sheet.box(panel.left, panel.bottom, right - panel.left, panel.height, fill=style.BAND, z=0.2)
    for r in recoveries:
        index = numbers.index(r.treatment)
        color, marker = _LOOKS[index % len(_LOOKS)]
        # Treatments photographed at the same hour stand side by side, curve and all.
        aside = (index - (len(numbers) - 1) / 2) * min(4.5, 14 / max(len(numbers) - 1, 1))
        for hour, rise, half in zip(r.hours, r.rise, _half(r), strict=True):
            x = float(panel.x(_compress(hour))) + aside
            sheet.line((x, x), panel.y((rise - half, rise + half)), color=color, width=1.2, z=3.0)
            sheet.mark(x, float(panel.y(rise)), marker=marker, face=color, edge=style.PAPER, width=0.5, size=4.8)
        if not r.reason:
            hours = np.geomspace(max(min(r.hours), 0.1), max(r.hours), 60)
            fall = r.level + r.amplitude * np.exp(-hours / r.tau_h)
            sheet.line(panel.x(_compress(hours)) + aside, panel.y(fall), color=color, width=1.2, z=2.0)


def quoted_text(recoveries: Sequence[Recovery]) -> str:
    """How long clinics quote redness for, ``quoted: up to 3 days``; both ends where treatments differ."""
    days = sorted({r.quoted_days for r in recoveries if math.isfinite(r.quoted_days)})
    if not days:
        return "not treated, or nothing quoted"
    ends = " or ".join(f"{d:g}" for d in dict.fromkeys((days[0], days[-1])))
    return f"quoted: up to {ends} day{'' if ends == '1' else 's'}"


def _key(result: ClientResult, numbers: Sequence[int]) -> list[Entry]:
    treatments = in_order(result.plan.course)
    entries = []
    for index, number in enumerate(numbers):
        color, marker = _LOOKS[index % len(_LOOKS)]
        when = f", {date_text(treatments[number - 1].at)}" if number <= len(treatments) else ""
        entries.append(Entry(mark=marker, face=color, edge=color, label=f"treatment {number}{when}"))
    return [*entries, Entry(fill=style.BAND, label="as long as clinics quote redness")]


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
