"""The charts of a run as they stand in the report: those that carry the result, each with what it shows in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from skinprogress.comparison.findings import REAL
from skinprogress.face.regions import WHOLE_FACE
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.catalogue import has_text, text
from skinprogress.outputs.chosen import changes_since_baseline
from skinprogress.outputs.client_words import plain_title
from skinprogress.outputs.facemap import plot_plain_map
from skinprogress.outputs.groups import by_group, group_of, in_text, story_of
from skinprogress.outputs.misfitmap import figure_rgb
from skinprogress.outputs.pairs import used_views
from skinprogress.outputs.pictures import Embed, size_of
from skinprogress.outputs.recovery import describe_recovery, recoveries_of
from skinprogress.outputs.rows import word_of
from skinprogress.outputs.style import CHART_DPI, PAGE_SCALE, PRINT_DPI
from skinprogress.outputs.summary import Summary
from skinprogress.outputs.trendchart import plot_trend
from skinprogress.outputs.wording import VIEW_TITLES, listed
from skinprogress.records import ClientResult, View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OF_A_MEASURE = ("trend", "face_map", "change_map")
"""Kinds of charts of one measure that stand on the page, in its order; the others are in the folder."""
_MOST_MEASURES = 4
# Half as fine as the files: enough for screens with fine px and for paper, and drawings shrink best by whole numbers.
_PER_PAGE_PX = 1.55


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartPicture:
    """One chart for the report."""

    uri: str
    caption: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartFile:
    """A chart in the folder: ``KIND_METRIC_VIEW.png``, or ``KIND_VIEW.png`` for all metrics at once."""

    path: Path
    kind: str
    metric: str
    view: str

    @property
    def caption(self) -> str:
        """What it shows, a title."""
        key = f"charts.kind.{self.kind}"
        view = VIEW_TITLES[self.view]
        if not has_text(key):
            return text("charts.kind.other", kind=self.kind.replace("_", " ").capitalize(), view=view)
        told = text(key, view=view, **({"measure": in_text(METRICS[self.metric])} if self.metric else {}))
        return told[:1].upper() + told[1:]


def list_charts(out: Path) -> list[ChartFile]:
    """The charts that a run has written, in the order of their names."""
    found = [_parse_chart(path) for path in sorted((out / "charts").glob("*.png"))]
    return [chart for chart in found if chart.view]


def _parse_chart(path: Path) -> ChartFile:
    """``trend_relative_redness_front`` to kind, metric and view; the longest metric name that fits is meant."""
    view = next((v for v in VIEW_TITLES if path.stem.endswith(f"_{v}")), "")
    rest = path.stem.removesuffix(f"_{view}")
    metric = max((m for m in METRICS if view and rest.endswith(f"_{m}")), key=len, default="")
    return ChartFile(path=path, kind=rest.removesuffix(f"_{metric}"), metric=metric, view=view)


def overview_charts(summary: Summary, charts: Sequence[ChartFile], embed: Embed) -> list[ChartPicture]:
    """The charts of all metrics at once."""
    found = [c for c in charts if c.kind == "overview" and not c.metric]
    return [p for c in found if (p := _embed(c, summary.headline, embed))]


def measure_charts(summary: Summary, charts: Sequence[ChartFile], embed: Embed) -> list[dict[str, Any]]:
    """Charts by metric: those with a change, one a story; where there is none, the first of every group.

    Returns
    -------
    list of dict
        ``metric``, ``theme``, ``pictures``, ``open``; that of the surest change lies open.
    """
    by_metric: dict[str, list[ChartPicture]] = {}
    chosen = _chosen_metrics(summary, charts)
    for metric in chosen:
        says = " ".join(p.text for p in summary.points if p.metric == metric) or text("charts.nothing")
        files = [c for kind in OF_A_MEASURE for c in charts if c.metric == metric and c.kind == kind]
        by_metric[metric] = [p for c in files if (p := _embed(c, says, embed))]
    theme_of = {m.name: title for title, metrics in by_group(by_metric).items() for m in metrics}
    return [
        {"metric": METRICS[name], "theme": theme_of[name], "pictures": by_metric[name], "open": name == chosen[0]}
        for name in theme_of
        if by_metric[name]
    ]


def client_charts(
    result: ClientResult, summary: Summary, charts: Sequence[ChartFile], headline: str, embed: Embed
) -> list[ChartPicture]:
    """Two plain charts for a client: where on the face the surest change is, and how the whole face went."""
    for metric in _chosen_metrics(summary, charts):
        view = cast(View, next((c.view for c in charts if c.metric == metric), ""))
        # The scale of a trend is that of the figures: "smoothness" that falls would be misread.
        drawn = {
            text("client.chart_map", measure=plain_title(metric)): _plain_map(result, summary, metric, view),
            text("client.chart_trend", measure=METRICS[metric].title): _whole_face(result, metric, view),
        }
        return [_drawn(figure, told, headline, embed) for told, figure in drawn.items() if figure is not None]
    return []


def _drawn(figure: "Figure", caption: str, headline: str, embed: Embed) -> ChartPicture:
    rgb = figure_rgb(figure)
    height, width = (round(px * PAGE_SCALE) for px in rgb.shape[:2])
    alt = text("charts.alt", caption=caption, finding=headline)
    return ChartPicture(uri=embed(rgb), caption=caption, alt=alt, width=width, height=height)


def _plain_map(result: ClientResult, summary: Summary, metric: str, view: View) -> "Figure | None":
    pair = summary.pair
    mine = [c for c in changes_since_baseline(result, metric, view) if (c.from_session, c.to_session) == pair]
    if pair is None or not any(word_of(c) in REAL for c in mine):
        return None
    before, after = pair
    title = plain_title(metric)
    return plot_plain_map(result, metric=metric, view=view, from_session=before, to_session=after, title=title)


def _whole_face(result: ClientResult, metric: str, view: View) -> "Figure | None":
    """The trend of one metric in a single panel: that of the folder has one a region, too much for a layman."""
    mine = [m for m in result.measurements if (m.metric, m.region, m.view) == (metric, WHOLE_FACE, view)]
    if len({m.session for m in mine}) < 2:
        return None
    return plot_trend(replace(result, measurements=tuple(mine)), metric=metric, view=view, plain=True)


def _chosen_metrics(summary: Summary, charts: Sequence[ChartFile]) -> list[str]:
    """What the page shows charts of: what is surest first, of every story one."""
    there = {c.metric for c in charts if c.metric}
    real = [g for g in summary.groups if g.shown and g.metric.name in there]
    real.sort(key=lambda g: -sum(row.sure for row in g.shown))
    names = [g.metric.name for g in real] or [m for m in METRICS if m in there]
    one_each = {story_of(name) if real else group_of(name): name for name in reversed(names)}
    return [name for name in dict.fromkeys(names) if name in one_each.values()][:_MOST_MEASURES]


def name_others(charts: Sequence[ChartFile], shown: Iterable[str]) -> str:
    """Which metrics have charts in the folder that are not on the page; empty where all are."""
    others = [m for m in METRICS if m in {c.metric for c in charts} - set(shown)]
    return text("charts.more", names=listed(in_text(METRICS[m]) for m in others)) if others else ""


def recovery_charts(result: ClientResult, out: Path, embed: Embed) -> Iterable[ChartPicture]:
    """The charts of the days after a treatment, one a view."""
    for view in used_views(result):
        if recoveries_of(result, view):
            caption, alt = describe_recovery(result, view)
            chart = ChartFile(path=out / "charts" / f"recovery_{view}.png", kind="recovery", metric="", view=view)
            if picture := _embed(chart, "", embed, caption=caption, alt=alt):
                yield picture


def _embed(chart: ChartFile, says: str, embed: Embed, *, caption: str = "", alt: str = "") -> ChartPicture | None:
    if (size := size_of(chart.path)) is None:
        return None
    width, height = (round(px * PAGE_SCALE * CHART_DPI / PRINT_DPI) for px in size)
    caption = caption or chart.caption
    return ChartPicture(
        uri=embed(chart.path, max_side=round(_PER_PAGE_PX * max(width, height)), quality=85),
        caption=caption,
        alt=alt or text("charts.alt", caption=caption, finding=says),
        width=width,
        height=height,
    )
