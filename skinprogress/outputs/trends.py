"""The slope over all calm sessions, in words and in the figures of a table."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from skinprogress.comparison.sentences import date_text, session_text
from skinprogress.face.regions import WHOLE_FACE
from skinprogress.metrics.metric import Metric
from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.groups import sized
from skinprogress.outputs.wording import VIEW_TITLES
from skinprogress.records import ClientResult, Trend, View


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendRow:
    """The slope of one metric over the whole face, ready to be printed."""

    metric: Metric
    where: str
    sessions: str
    per_month: str
    per_session: str
    overall: str


def trends_of(result: ClientResult, metric: str, view: View) -> dict[str, list[Trend]]:
    """Trends of a metric and view by region: that of the course, then that of maintenance."""
    found: dict[str, list[Trend]] = {}
    for trend in sorted(result.trends, key=lambda t: t.segment != "course"):
        if (trend.metric, trend.view) == (metric, view):
            found.setdefault(trend.region, []).append(trend)
    return found


def slope_text(trend: Trend) -> str:
    """``−0.4 a* per month (−0.7 to −0.1)``."""
    metric = METRICS[trend.metric]
    return _figure(trend.per_month, trend.per_month_low, trend.per_month_high, metric, " per month")


def find_divider(result: ClientResult, x: Mapping[str, float]) -> tuple[float, str] | None:
    """Where maintenance begins on the axis of time, and its name; None where there is none."""
    phases = result.plan.phases
    kept_up = [s for s in x if s in phases and phases[s].segment == "maintenance"]
    before = [x[s] for s in x if s not in kept_up]
    if not kept_up or not before:
        return None
    first = min(x[s] for s in kept_up)
    dates = [t.at for t in result.plan.course.treatments if t.setting == "maintenance"]
    since = date_text(min(dates)) if dates else session_text(kept_up[0]).split(",")[0]
    return (max(b for b in [min(before), *before] if b <= first) + first) / 2, f"maintenance from {since}"


def list_trends(result: ClientResult) -> list[TrendRow]:
    """Slopes of the whole face, one row a charted metric, view and segment."""
    views = {t.view for t in result.trends}
    return [
        _row(trend, metric, where=VIEW_TITLES[trend.view] if len(views) > 1 else "")
        for metric in METRICS.values()
        if metric.charted
        for trend in sorted(result.trends, key=lambda t: t.segment != "course")
        if trend.metric == metric.name and trend.region == WHOLE_FACE
    ]


def _row(trend: Trend, metric: Metric, *, where: str) -> TrendRow:
    segment = "maintenance" if trend.segment == "maintenance" else ""
    first, last = (session_text(trend.sessions[k]) for k in (0, -1))
    return TrendRow(
        metric=metric,
        where=", ".join(filter(None, [where, segment])),
        sessions=f"{len(trend.sessions)} sessions, {first} to {last}",
        per_month=_figure(trend.per_month, trend.per_month_low, trend.per_month_high, metric),
        per_session=_figure(trend.per_session, trend.per_session_low, trend.per_session_high, metric),
        overall=_figure(trend.difference, trend.ci_low, trend.ci_high, metric),
    )


def _decimals(values: tuple[float, ...], metric: Metric) -> int:
    """As many as the metric has; more where rounding would move an end of an interval onto zero."""
    decimals = metric.decimals
    while decimals < metric.decimals + 2 and any(v != 0 and round(v, decimals) == 0 for v in values):
        decimals += 1
    return decimals


def _figure(middle: float, low: float, high: float, metric: Metric, per: str = "") -> str:
    """``−0.4 a* per month (−0.7 to −0.1)``; a dash where there is no number."""
    if not all(map(math.isfinite, (middle, low, high))):
        return "–"
    decimals = _decimals((low, high), metric)
    number, *ends = (style.number_text(v, decimals, sign=True) for v in (middle, low, high))
    return f"{sized(number, metric)}{per} ({' to '.join(ends)})"
