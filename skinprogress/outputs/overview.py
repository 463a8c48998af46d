"""All measures at a glance: a small panel each, the whole face over the sessions."""

import math
from typing import TYPE_CHECKING

from skinprogress.face.regions import WHOLE_FACE
from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.chosen import changes_since_baseline, headline_session
from skinprogress.outputs.groups import in_text
from skinprogress.outputs.series import (
    OWN_SKIN,
    TITLE_PT,
    Course,
    Point,
    SessionLabels,
    draw_frame,
    draw_series,
    session_values,
    value_limits,
)
from skinprogress.outputs.sheet import MARGIN, Entry, Panel, Sheet, shorten
from skinprogress.outputs.timeline import session_title
from skinprogress.outputs.wording import VIEW_TITLES, listed
from skinprogress.records import ClientResult, View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GAP_X, _TICKS, _HEIGHT, _FIGURE_PT = 10.0, 26.0, 66.0, 6.8


def overview_values(result: ClientResult, view: View) -> dict[str, dict[str, Point]]:
    """Value and half-interval of the whole face by charted metric and session, of metrics with two sessions or more."""
    values = {
        name: session_values(result, name, view).get(WHOLE_FACE, {}) for name, spec in METRICS.items() if spec.charted
    }
    return {name: points for name, points in values.items() if len(points) >= 2}


def plot_overview(result: ClientResult, *, view: View) -> "Figure":
    """Draw all charted metrics of the whole face over the sessions, a small panel each with a scale of its own.

    Parameters
    ----------
    result : ClientResult
    view : View

    Returns
    -------
    Figure
        Above each panel the change that the headline speaks of, with interval and verdict.

    Raises
    ------
    ValueError
        No metric was measured on the whole face in two sessions.
    """
    values = overview_values(result, view)
    if not values:
        raise ValueError(f"nothing was measured on the whole face in two sessions of the {view} view")
    course = Course.of(result, view)
    every = [c for c in changes_since_baseline(result, view=view) if c.region == WHOLE_FACE]
    told = headline_session(result, every)
    since = {c.metric: c for c in every if c.to_session == told}
    columns = min(len(values), 3 if len(values) in (3, 5, 6, 9) else 4)
    rows = math.ceil(len(values) / columns)
    width = max(2 * MARGIN + 190.0 * columns, 420.0)
    panel_width = (width - 2 * MARGIN - _GAP_X * (columns - 1)) / columns - _TICKS
    labels = SessionLabels.fitting(course.line, panel_width)
    head = 36.0
    about = f"{VIEW_TITLES[view]} view"
    if since:
        start = next(iter(since.values())).from_session
        about += f" · figures: change from {session_title(result, start)} to {session_title(result, told or start)}"
    key = [Entry(mark="o", line=(style.LINE, 1.2, ()), label="session, 95 % interval"), *course.entries()]
    without = [in_text(m) for m in METRICS.values() if m.charted and m.name not in values and m.regions]
    apart = f"Measured in single regions only: {listed(without)}." if without else ""
    with style.chart_style():
        sheet = Sheet(
            width, rows * (_HEIGHT + head) + labels.height + 6.0, title="The whole face over the sessions",
            about=about, key=key, notes=[apart, OWN_SKIN, course.line.note],
        )  # fmt: skip
        for i, (metric, points) in enumerate(values.items()):
            row, column = divmod(i, columns)
            panel = Panel(
                left=MARGIN + _TICKS + column * (panel_width + _TICKS + _GAP_X),
                bottom=sheet.top - (row + 1) * (_HEIGHT + head), width=panel_width, height=_HEIGHT,
                xlim=course.line.span, ylim=value_limits(points.values(), metric),
            )  # fmt: skip
            lowest = i + columns >= len(values)
            draw_frame(sheet, panel, course, ticks=True, labels=labels if lowest else None, numbers=row == 0)
            draw_series(sheet, panel, course, points)
            spec, y = METRICS[metric], panel.bottom + _HEIGHT + (22.0 if row == 0 else 16.0)
            title = spec.title if spec.title.lower().endswith(spec.unit) else f"{spec.title}, {spec.unit}"
            sheet.text(panel.left, y, shorten(title, TITLE_PT, width=panel_width), size=TITLE_PT)
            if metric in since:
                change = since[metric]
                said = filter(None, [style.change_text(change, spec.decimals), change.course_status or change.verdict])
                text = shorten(", ".join(said), _FIGURE_PT, width=panel_width + _GAP_X)
                sheet.text(panel.left, y - 9.0, text, size=_FIGURE_PT, color=style.MUTED)
        return sheet.finish()
