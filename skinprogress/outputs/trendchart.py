"""The trend of one metric: a panel a region, with intervals, treatments and the slope over the calm sessions."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from skinprogress.comparison.trend import DAYS_PER_MONTH
from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.chosen import better_of
from skinprogress.outputs.series import (
    OWN_SKIN,
    TITLE_PT,
    Course,
    Grid,
    Point,
    SessionLabels,
    draw_frame,
    draw_series,
    session_values,
    value_limits,
)
from skinprogress.outputs.sheet import Entry, Panel, Sheet, shorten
from skinprogress.outputs.trends import slope_text, trends_of
from skinprogress.records import ClientResult, Trend, View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SLOPE_PT, _LINE = 6.6, 9.0


def plot_trend(result: ClientResult, *, metric: str, view: View, plain: bool = False) -> "Figure":
    """Draw a metric over the sessions, one panel a region, with 95 % intervals.

    Parameters
    ----------
    result : ClientResult
    metric : str
        Name in the METRICS table.
    view : View
    plain : bool
        For laymen: the points and the treatments only.

    Returns
    -------
    Figure
        A session's value is the mean over its photos; its interval is 1.96 times their mean standard error. All panels
        share one scale. Where the calm sessions of a region bear a slope, it is drawn with its band and its figure.

    Notes
    -----
    The interval is that of one session. Two intervals that overlap may still be a detectable change: that is for the
    map of changes, which compares the two on the same skin.
    """
    spec, better = METRICS[metric], better_of(result, metric)
    values = session_values(result, metric, view)
    regions = style.ordered_regions(values)
    course = Course.of(result, view)
    slopes = {} if plain else trends_of(result, metric, view)
    band = result.plan.baseline is not None and not plain
    limits = value_limits((p for sessions in values.values() for p in sessions.values()), metric)
    grid = Grid.of(len(regions), ticks=30.0)
    height = {1: 190.0, 2: 130.0}.get(grid.rows, 84.0)
    heads = {r: _head(r, slopes.get(r, []), grid.panel_width) for r in regions}
    head = _LINE * max((len(lines) for lines in heads.values()), default=1) + 16.0
    numbers = 9.0 if course.line.treatments else 0.0
    labels = SessionLabels.fitting(course.line, grid.panel_width)
    key = [
        Entry(
            mark="o",
            line=(style.LINE, 1.2, ()),
            label="a visit; the bar shows how exact it is" if plain else "session, 95 % interval",
        ),
        *course.entries(),
        *([Entry(line=(style.SLOPE, 1.6, ()), label="slope over the calm sessions")] if slopes else []),
        *([Entry(fill=style.BAND, label="interval of the baseline")] if band else []),
    ]
    with style.chart_style():
        sheet = Sheet(
            grid.width, grid.rows * (head + height) + numbers + labels.height + 6.0, title=spec.title,
            about=style.direction_text(better) if plain else style.about_text(spec.unit, view, better), key=key,
            notes=[course.line.note] if plain else [OWN_SKIN, course.line.note],
        )  # fmt: skip
        for i, region in enumerate(regions):
            row, column = divmod(i, grid.columns)
            panel = Panel(
                left=grid.left(column), bottom=sheet.top - numbers - (row + 1) * (head + height),
                width=grid.panel_width, height=height, xlim=course.line.span, ylim=limits,
            )  # fmt: skip
            lowest = i + grid.columns >= len(regions)
            draw_frame(sheet, panel, course, ticks=column == 0, labels=labels if lowest else None, numbers=row == 0)
            for k, (text, size, color) in enumerate(heads[region]):
                y = panel.bottom + height + (numbers if row == 0 else 0.0) + head - 18.0 - _LINE * k
                sheet.text(panel.left, y, text, size=size, color=color)
            if band:
                _draw_baseline(sheet, panel, values[region].get(result.plan.baseline or ""))
            own = slopes.get(region, [])
            draw_series(sheet, panel, course, values[region], joint=0.35 if own else 0.8)
            for trend in own:
                _draw_slope(sheet, panel, course, trend, values[region])
        return sheet.finish()


def _head(region: str, slopes: Sequence[Trend], width: float) -> list[tuple[str, float, str]]:
    """Lines above a panel, text, size and colour each: the region and the figures of its slopes."""
    title = shorten(style.region_title(region), TITLE_PT, width=width)
    texts = [f"{'in maintenance ' if t.segment == 'maintenance' else ''}{slope_text(t)}" for t in slopes]
    figures = [(shorten(text, _SLOPE_PT, width=width), _SLOPE_PT, style.MUTED) for text in texts]
    return [(title, TITLE_PT, style.INK), *figures]


def _draw_baseline(sheet: Sheet, panel: Panel, point: Point | None) -> None:
    if point is None or not math.isfinite(point[1]):
        return
    low, high = panel.y((point[0] - point[1], point[0] + point[1]))
    sheet.box(panel.left, low, panel.width, high - low, fill=style.BAND, z=0.3)


def _draw_slope(sheet: Sheet, panel: Panel, course: Course, trend: Trend, points: dict[str, Point]) -> None:
    """Draw one slope with its band; only the calm sessions are under it."""
    used = [(s, d) for s, d in zip(trend.sessions, trend.days, strict=True) if s in points and s in course.line.x]
    if len(used) < 2:
        return
    x = panel.x([course.line.x[s] for s, _ in used])
    months = np.array([d for _, d in used]) / DAYS_PER_MONTH
    values = np.array([points[s][0] for s, _ in used])
    # The level of a robust line: as many sessions lie above it as below.
    level = float(np.median(values - trend.per_month * months))
    middle = float(np.median(months))
    center = level + trend.per_month * middle
    if math.isfinite(trend.per_month_low) and math.isfinite(trend.per_month_high):
        slopes = trend.per_month_low, trend.per_month_high
        low, high = (panel.y(center + slope * (months - middle)) for slope in slopes)
        corners = np.concatenate([np.column_stack([x, low]), np.column_stack([x, high])[::-1]])
        sheet.area(corners, fill=style.SLOPE_BAND, z=1.1)
    sheet.line(x, panel.y(level + trend.per_month * months), color=style.SLOPE, width=1.6, z=2.5)
