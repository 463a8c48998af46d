"""The charts of a run as they stand in the report: each with its caption and what it shows in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skinprogress.metrics.table import METRICS
from skinprogress.outputs.groups import by_group
from skinprogress.outputs.pairs import used_views
from skinprogress.outputs.pictures import embed_file, size_of
from skinprogress.outputs.recovery import describe_recovery, recoveries_of
from skinprogress.outputs.style import PAGE_SCALE
from skinprogress.outputs.summary import Summary
from skinprogress.outputs.wording import VIEW_TITLES
from skinprogress.records import ClientResult

CHARTS = {
    "trend": "over the sessions",
    "face_map": "change drawn on the face",
    "change_map": "change since the baseline, by region and session",
}
"""Kind of chart, as it stands first in the file name, to what it shows."""
_CHART_PX = 1600


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartPicture:
    """One chart of one metric for the report."""

    uri: str
    caption: str
    alt: str
    width: int
    height: int


def charts_for_report(summary: Summary, out: Path) -> list[dict[str, Any]]:
    """Charts by metric, in the order of the groups; the first that shows a change lies open."""
    found: dict[str, list[ChartPicture]] = {}
    folder = out / "charts"
    order = list(CHARTS)
    named = [(*_parse_chart_name(path.stem), path) for path in sorted(folder.glob("*.png"))]
    named.sort(key=lambda row: order.index(row[0]) if row[0] in order else len(order))
    for kind, metric, view, path in named:
        if not metric:
            continue
        caption = f"{METRICS[metric].title} {CHARTS.get(kind, kind.replace('_', ' '))}, {VIEW_TITLES[view]} view"
        says = [p.text for p in summary.points if p.metric == metric]
        if picture := _embed(path, caption, f"{caption}. {' '.join(says) or 'No change could be shown.'}"):
            found.setdefault(metric, []).append(picture)
    real = {g.metric.name for g in summary.groups if g.shown}
    theme_of = {m.name: title for title, metrics in by_group(found).items() for m in metrics}
    ordered = list(theme_of)
    first = next((name for name in ordered if name in real), ordered[0] if ordered else "")
    return [
        {"metric": METRICS[name], "theme": theme_of[name], "pictures": found[name], "open": name == first}
        for name in ordered
    ]


def _parse_chart_name(stem: str) -> tuple[str, str, str]:
    """``trend_relative_redness_front`` to kind, metric and view; the longest metric name that fits is meant."""
    view = next((v for v in VIEW_TITLES if stem.endswith(f"_{v}")), "")
    rest = stem.removesuffix(f"_{view}")
    metric = max((m for m in METRICS if view and rest.endswith(f"_{m}")), key=len, default="")
    return rest.removesuffix(f"_{metric}"), metric, view


def recovery_charts(result: ClientResult, out: Path) -> Iterable[ChartPicture]:
    """The charts of the days after a treatment, one a view."""
    for view in used_views(result):
        if recoveries_of(result, view):
            picture = _embed(out / "charts" / f"recovery_{view}.png", *describe_recovery(result, view))
            yield from filter(None, [picture])


def _embed(path: Path, caption: str, alt: str) -> ChartPicture | None:
    size = size_of(path)
    uri = embed_file(path, max_side=_CHART_PX, quality=90)
    if size is None or uri is None:
        return None
    width, height = (round(px * PAGE_SCALE) for px in size)
    return ChartPicture(uri=uri, caption=caption, alt=alt, width=width, height=height)
