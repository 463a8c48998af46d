"""The map of changes: regions by sessions, with number, interval and verdict in each cell."""

from typing import TYPE_CHECKING

from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.change_keys import BAR_ROOM, HATCHED, draw_color_bar, interval_note, symbol_entries
from skinprogress.outputs.chosen import better_of, changes_since_baseline
from skinprogress.outputs.sheet import MARGIN, Sheet, width_of
from skinprogress.outputs.timeline import lay_out_sessions, session_title
from skinprogress.records import Change, ClientResult, View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROW = 27.0
_NAME_PT, _HEAD_PT, _NUMBER_PT, _INTERVAL_PT, _PHASE_PT = 8.0, 6.8, 7.4, 5.9, 6.3


def plot_change_map(result: ClientResult, *, metric: str, view: View) -> "Figure":
    """Draw the change of every region and session against the baseline: number, interval and verdict in each cell.

    Parameters
    ----------
    result : ClientResult
    metric : str
        Name in the METRICS table.
    view : View

    Returns
    -------
    Figure
        Blue is better and brown is worse, violet is less and olive is more where neither is better. Changes that
        cannot be told from none are pale, pairs that cannot be compared are hatched.
    """
    spec, better = METRICS[metric], better_of(result, metric)
    changes = {(c.region, c.to_session): c for c in changes_since_baseline(result, metric, view)}
    regions = style.ordered_regions({r: None for r, _ in changes})
    sessions = [s for s in result.sessions if any(to == s for _, to in changes)]
    heads = lay_out_sessions(result).heads
    baseline = next((c.from_session for c in changes.values()), "")
    since = session_title(result, baseline) if baseline else "the baseline"
    title = f"{spec.title}: change since {since}"
    intervals = [style.interval_text(c, spec.decimals) for c in changes.values()]
    names = max((width_of(style.region_title(r), _NAME_PT) for r in regions), default=0.0) + 8.0
    upright = any(width_of(part, _HEAD_PT) > 92.0 for s in sessions for part in heads[s])
    needed = max((width_of(text, _INTERVAL_PT) for text in intervals), default=0.0) + 7.0
    if not upright:
        needed = max(needed, *(width_of(part, _HEAD_PT) + 12.0 for s in sessions for part in heads[s]), 40.0)
    # Few sessions: the cells grow, so that heading and key have room and no white remains beside them.
    cell = max(needed, min((420.0 - names) / max(len(sessions), 1), 110.0))
    early = style.early_sessions(result) - style.aside_sessions(result).keys()
    head = 26.0 if not upright else max(width_of("  ".join(heads[s]), _HEAD_PT) for s in sessions) + 8.0
    head += 12.0 if early & set(sessions) else 0.0
    with style.chart_style():
        sheet = Sheet(
            2 * MARGIN + names + cell * len(sessions) + BAR_ROOM,
            head + _ROW * len(regions),
            title=title,
            about=style.about_text(spec.unit, view, better),
            key=symbol_entries(changes.values(), better),
            notes=[interval_note(result.settings.confidence_level)],
        )
        left, top = MARGIN + names, sheet.top - head
        limit = style.color_limit(list(changes.values()), style.unsettled_sessions(result))
        for (region, session), change in changes.items():
            x = left + cell * (sessions.index(session) + 0.5)
            y = top - _ROW * (regions.index(region) + 0.5)
            _draw_cell(sheet, change, (x, y), cell, style.change_fill(change, better, limit), spec.decimals)
        for row, region in enumerate(regions):
            y = top - _ROW * (row + 0.5)
            sheet.text(left - 6.0, y, style.region_title(region), size=_NAME_PT, ha="right", va="center_baseline")
        for column, session in enumerate(sessions):
            phase = result.plan.phases[session].name if session in early else ""
            _draw_head(sheet, left + cell * (column + 0.5), top, heads[session], phase, upright=upright)
        height = _ROW * len(regions)
        bar = min(height - 18.0, 190.0) if height > 60.0 else height
        draw_color_bar(
            sheet, left + cell * len(sessions) + 14.0, top - height / 2 - bar / 2, bar,
            better=better, limit=limit, decimals=spec.decimals,
        )  # fmt: skip
        return sheet.finish()


def _draw_cell(
    sheet: Sheet,
    change: Change,
    center: tuple[float, float],
    width: float,
    fill: tuple[float, float, float] | None,
    decimals: int,
) -> None:
    x, y = center
    place = (x - width / 2 + 1.0, y - _ROW / 2 + 1.0, width - 2.0, _ROW - 2.0)
    if fill is None:
        sheet.box(*place, **HATCHED)
        return
    sheet.box(*place, fill=fill)
    ink = style.MUTED if style.is_muted(change) else style.ink_on(fill)
    number = f"{style.number_text(change.difference, decimals, sign=True)} {style.symbol_of(change)}"
    sheet.text(x, y + 1.6, number, size=_NUMBER_PT, color=ink, ha="center")
    if interval := style.interval_text(change, decimals):
        sheet.text(x, y - 7.6, interval, size=_INTERVAL_PT, color=ink, ha="center")


def _draw_head(sheet: Sheet, x: float, top: float, head: tuple[str, str], phase: str, *, upright: bool) -> None:
    """Name a column; in the days after a treatment with the phase that the skin is in."""
    y = top + 5.0
    if phase:
        sheet.box(x - 16.0, y - 1.0, 32.0, 9.5, fill=style.TREATMENT)
        sheet.text(x, y + 1.4, phase, size=_PHASE_PT, color=style.PAPER, ha="center")
        y += 12.0
    if upright:
        words = "  ".join(filter(None, head))
        sheet.text(x, y, words, size=_HEAD_PT, color=style.INK, ha="center", va="bottom", rotation=90)
        return
    for part, color in ((head[1], style.MUTED), (head[0], style.INK)):
        if part:
            sheet.text(x, y, part, size=_HEAD_PT, color=color, ha="center")
            y += 9.0
