"""The forest plot: every region's change between two sessions, beside what the photos could have shown at all."""

import math
from typing import TYPE_CHECKING

import numpy as np

from skinprogress.metrics.metric import Metric
from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.change_keys import HATCHED, NOT_COMPARABLE, interval_note
from skinprogress.outputs.chosen import best_of, better_of
from skinprogress.outputs.series import tick_texts, tick_values
from skinprogress.outputs.sheet import MARGIN, Entry, Panel, Sheet, width_of
from skinprogress.outputs.timeline import session_title
from skinprogress.records import Change, ClientResult, View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROW, _NAME_PT, _NUMBER_PT, _WORD_PT, _TICK_PT = 19.0, 8.0, 7.6, 7.2, 6.8
_PLOT = 300.0
# Shape and lightness tell the verdicts apart as well as the colour does.
_BETTER, _WORSE, _OTHER = ("#0b4f7d", "o"), ("#8a4b12", "D"), ("#5b3a86", "s")


def plot_forest(result: ClientResult, *, metric: str, view: View, from_session: str, to_session: str) -> "Figure":
    """Draw the change of each region with its interval, over the band of what these photos could not have shown.

    Parameters
    ----------
    result : ClientResult
    metric : str
        Name in the METRICS table.
    view : View
    from_session, to_session : str
        The pair of sessions; a change between them must be in the result.

    Returns
    -------
    Figure
        One row a region. A point inside its band is a change that could have come about by chance.

    Raises
    ------
    ValueError
        The result holds no such change.
    """
    spec = METRICS[metric]
    changes, better = changes_between(result, metric, view, from_session, to_session), better_of(result, metric)
    limits = _limits([c for c in changes.values() if not style.is_incomparable(c)], spec)
    texts = {name: style.change_text(c, spec.decimals) for name, c in changes.items()}
    names = max(width_of(style.region_title(r), _NAME_PT) for r in changes) + 10.0
    figures = max((width_of(text, _NUMBER_PT) for text in texts.values()), default=0.0) + 14.0
    words = max(width_of(_word(c), _WORD_PT) for c in changes.values()) + 4.0
    start, end = (session_title(result, s) for s in (from_session, to_session))
    with style.chart_style():
        sheet = Sheet(
            2 * MARGIN + names + _PLOT + figures + words, 22.0 + _ROW * len(changes) + 20.0,
            title=f"{spec.title}: change from {start} to {end}",
            about=style.about_text(spec.unit, view, better),
            key=_key(list(changes.values()), better),
            notes=[interval_note(result.settings.confidence_level)],
        )  # fmt: skip
        panel = Panel(
            left=MARGIN + names, bottom=sheet.bottom + 20.0, width=_PLOT, height=_ROW * len(changes), xlim=limits,
            ylim=(len(changes), 0.0),
        )  # fmt: skip
        _draw_axis(sheet, panel, better)
        for row, (name, change) in enumerate(changes.items()):
            y = float(panel.y(row + 0.5))
            sheet.text(panel.left - 8.0, y, style.region_title(name), size=_NAME_PT, ha="right", va="center_baseline")
            _draw_row(sheet, panel, y, change, better)
            x = panel.left + _PLOT + 10.0
            sheet.text(x, y, texts[name], size=_NUMBER_PT, va="center_baseline")
            sheet.text(x + figures, y, _word(change), size=_WORD_PT, color=style.MUTED, va="center_baseline")
        return sheet.finish()


def changes_between(
    result: ClientResult, metric: str, view: View, from_session: str, to_session: str
) -> dict[str, Change]:
    """Changes of one metric between two sessions by region, in the order of charts.

    Raises
    ------
    ValueError
        The result holds none.
    """
    pair = (metric, view, from_session, to_session)
    shown = best_of(c for c in result.changes if (c.metric, c.view, c.from_session, c.to_session) == pair)
    found = {c.region: c for c in shown}
    if not found:
        raise ValueError(f"no change of {metric} from {from_session} to {to_session} in the {view} view")
    return {name: found[name] for name in style.ordered_regions(found)}


def _limits(changes: list[Change], spec: Metric) -> tuple[float, float]:
    """Range of the axis, zero in it; one huge interval does not flatten the rest."""
    if not changes:
        return -1.0, 1.0
    ends = np.array([(c.difference, c.ci_low, c.ci_high, c.detectable_change) for c in changes], np.float64)
    reach = np.nanmax(np.abs(np.where(np.isfinite(ends), ends, np.nan)), axis=1)
    least = max(float(np.abs(ends[:, 0]).max()), 10.0**-spec.decimals)
    most = min(max(min(float(reach.max()), 3.0 * float(np.median(reach))), least), spec.most)
    low = max(-most, float(np.nanmin(np.minimum(ends[:, :2].min(axis=1), -ends[:, 3]))))
    high = min(most, float(np.nanmax(np.maximum(ends[:, [0, 2]].max(axis=1), ends[:, 3]))))
    room = 0.05 * (high - low)
    return min(low, 0.0) - room, max(high, 0.0) + room


def _word(change: Change) -> str:
    if style.is_incomparable(change):
        return "not comparable"
    return f"{style.symbol_of(change)}  {change.course_status or change.verdict}"


def _look(change: Change, better: str | None) -> tuple[str, str, bool]:
    """Colour and shape of a point, and whether it is filled."""
    if change.course_status:
        return style.TREATMENT, "^", False
    if change.verdict in ("improved", "worsened"):
        return (*(_BETTER if change.verdict == "improved" else _WORSE), True)
    if change.verdict == "changed":
        return (style.TREATMENT, "^", False) if better is not None else (*_OTHER, True)
    return style.MUTED, "o", False


def _draw_row(sheet: Sheet, panel: Panel, y: float, change: Change, better: str | None) -> None:
    sheet.line((panel.left, panel.left + panel.width), (y - _ROW / 2,) * 2, color=style.GRID, width=0.5, z=0.4)
    if style.is_incomparable(change):
        sheet.box(panel.left, y - 5.0, panel.width, 10.0, **HATCHED, z=0.6)
        return
    if math.isfinite(change.detectable_change):
        low, high = panel.x((-change.detectable_change, change.detectable_change))
        sheet.box(low, y - 6.0, high - low, 12.0, fill=style.BAND, z=0.6)
    color, marker, filled = _look(change, better)
    if math.isfinite(change.ci_low) and math.isfinite(change.ci_high):
        sheet.line(panel.x((change.ci_low, change.ci_high)), (y, y), color=color, width=1.4, z=3.0)
        # An interval that goes on beyond the axis ends in an arrow.
        for value, side, arrow in ((change.ci_low, 0, "<"), (change.ci_high, 1, ">")):
            if (value < panel.xlim[0]) if side == 0 else (value > panel.xlim[1]):
                sheet.mark(panel.left + side * panel.width, y, marker=arrow, face=color, edge=color, size=4.0)
    face = color if filled else style.PAPER
    sheet.mark(float(panel.x(change.difference)), y, marker=marker, face=face, edge=color, size=5.6)


def _draw_axis(sheet: Sheet, panel: Panel, better: str | None) -> None:
    top = panel.bottom + panel.height
    values = tick_values(panel.xlim, panel.width)
    for value, text in zip(values, tick_texts(values), strict=True):
        x = float(panel.x(value))
        sheet.line((x, x), (panel.bottom, top), color=style.GRID, width=0.6, z=0.4)
        sign = "+" if value > 0 else ""
        sheet.text(x, panel.bottom - 4.0, f"{sign}{text}", size=_TICK_PT, color=style.MUTED, ha="center", va="top")
    zero = float(panel.x(0.0))
    sheet.line((zero, zero), (panel.bottom, top + 4.0), color=style.INK, width=0.9, z=1.5)
    low, high = style.ENDS[better]
    # Where zero lies at the rim there is no room, and nothing, on that side.
    if zero - panel.left > width_of(f"← {low}", _WORD_PT) + 6.0:
        sheet.text(zero - 6.0, top + 6.0, f"← {low}", size=_WORD_PT, color=style.MUTED, ha="right")
    if panel.left + panel.width - zero > width_of(f"{high} →", _WORD_PT) + 6.0:
        sheet.text(zero + 6.0, top + 6.0, f"{high} →", size=_WORD_PT, color=style.MUTED)


def _key(changes: list[Change], better: str | None) -> list[Entry]:
    looks = {_look(c, better): _meaning(c) for c in changes if not style.is_incomparable(c)}
    entries = [
        Entry(
            mark=marker, face=color if filled else style.PAPER, edge=color, line=(color, 1.4, ()) if filled else None,
            label=label,
        )
        for (color, marker, filled), label in sorted(looks.items(), key=lambda row: row[1])
    ]  # fmt: skip
    entries.append(Entry(fill=style.BAND, label="too small for these photos to show"))
    if any(style.is_incomparable(c) for c in changes):
        entries.append(NOT_COMPARABLE)
    return entries


def _meaning(change: Change) -> str:
    if change.course_status:
        return "within days of a treatment, not judged"
    if change.verdict in ("improved", "worsened"):
        return change.verdict
    return "changed" if change.verdict == "changed" else "no change shown"
