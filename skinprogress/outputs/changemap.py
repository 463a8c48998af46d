"""The map of changes: regions by sessions, with number, interval and verdict in each cell."""

import math
from typing import TYPE_CHECKING

from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.chosen import changes_since_baseline
from skinprogress.outputs.timeline import Timeline, lay_out_sessions, session_title
from skinprogress.records import Change, ClientResult, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
    with style.chart_style():
        spec = METRICS[metric]
        changes = {(c.region, c.to_session): c for c in changes_since_baseline(result, metric, view)}
        regions = style.ordered_regions({r: None for r, _ in changes})
        sessions = [s for s in result.sessions if any(to == s for _, to in changes)]
        line = lay_out_sessions(result)
        texts = [style.interval_text(c, spec.decimals) for c in changes.values()]
        baseline = next((c.from_session for c in changes.values()), "")
        since = session_title(result, baseline) if baseline else "the baseline"
        title = f"{spec.title}: change since {since}"
        # Names at 8 pt; a mark has the name that it was given.
        left_in = max(1.45, 0.3 + 0.072 * max((len(style.region_title(r)) for r in regions), default=0))
        right_in, foot_in = 0.85, 0.95
        needed_in = max(0.062 * max(map(len, texts), default=1) + 0.1, 0.56)
        cell_in = max(needed_in, min(1.4, 4.8 / max(len(sessions), 1)))
        # Few sessions: the cells grow, so that heading and key have room and no white remains beside them.
        cell_in = max(cell_in, (min(max(0.1 * len(title) + 0.4, 4.4), 6.0) - left_in - right_in) / len(sessions))
        width = left_in + cell_in * len(sessions) + right_in
        badges = any(s in style.early_sessions(result) for s in sessions)
        height = 0.37 * len(regions) + (1.15 if badges else 0.95) + foot_in
        figure = style.new_figure(width, height)
        grid = (left_in / width, foot_in / height, cell_in * len(sessions) / width, 0.37 * len(regions) / height)
        ax = figure.add_axes(grid)
        limit = style.color_limit(list(changes.values()), style.unsettled_sessions(result))
        _draw_cells(ax, changes, regions, sessions, spec.better, spec.decimals, limit)
        _label_cells(ax, regions, sessions, line, result)
        bar_x = grid[0] + grid[2] + 0.18 / width
        style.draw_color_bar(figure, (bar_x, grid[1], 0.11 / width, grid[3]), spec.better, limit, spec.decimals)
        style.draw_heading(figure, title, style.about_text(spec.unit, view, spec.better))
        style.draw_symbol_key(figure, changes.values(), result.settings.confidence_level)
    return figure


def _draw_cells(
    ax: "Axes",
    changes: dict[tuple[str, str], Change],
    regions: list[str],
    sessions: list[str],
    better: str | None,
    decimals: int,
    limit: float,
) -> None:
    for (region, session), change in changes.items():
        row, column = regions.index(region), sessions.index(session)
        fill = style.change_fill(change, better, limit)
        style.draw_cell(ax, column, row, fill)
        if change.verdict == "not comparable" or not math.isfinite(change.difference):
            ax.text(column, row, style.symbol_of(change), ha="center", va="center", fontsize=8, color=style.MUTED)
            continue
        ink = style.ink_on(fill) if not style.is_muted(change) else style.MUTED
        number = f"{style.number_text(change.difference, decimals, sign=True)} {style.symbol_of(change)}"
        ax.text(column, row - 0.17, number, ha="center", va="center", fontsize=7.2, color=ink)
        ax.text(
            column, row + 0.24, style.interval_text(change, decimals), ha="center", va="center", fontsize=5.8, color=ink
        )


def _label_cells(ax: "Axes", regions: list[str], sessions: list[str], line: Timeline, result: ClientResult) -> None:
    """Name rows and columns; the days after a treatment and numbing photos are named above their column."""
    ax.set_xlim(-0.5, len(sessions) - 0.5)
    ax.set_ylim(len(regions) - 0.5, -0.5)
    ax.set_yticks(range(len(regions)), [style.region_title(r) for r in regions])
    ax.xaxis.tick_top()
    ax.set_xticks(range(len(sessions)), ["\n".join(filter(None, line.heads[s])) for s in sessions])
    ax.tick_params(length=0, pad=3, labelsize=8, labelcolor=style.INK)
    ax.tick_params(axis="x", labelsize=6.8)
    for spine in ax.spines.values():
        spine.set_visible(False)
    early = style.early_sessions(result) - style.aside_sessions(result).keys()
    for column, session in enumerate(sessions):
        if session in early:
            ax.annotate(
                result.plan.phases[session].name, (column, -0.5), (0, 23), textcoords="offset points", ha="center",
                va="bottom", fontsize=6.3, color=style.PAPER,
                bbox={"boxstyle": "round,pad=0.2", "fc": style.TREATMENT, "ec": "none"},
            )  # fmt: skip
