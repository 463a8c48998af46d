"""The charts of a run: which measures get which chart."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinprogress.metrics.table import METRICS
from skinprogress.outputs.changemap import plot_change_map
from skinprogress.outputs.chart_files import DrawnChart, draw_chart, save_chart, save_drawn
from skinprogress.outputs.chosen import changes_since_baseline, headline_session
from skinprogress.outputs.facemap import plot_face_map, plot_outline_map, read_face_crop
from skinprogress.outputs.forest import plot_forest
from skinprogress.outputs.overview import overview_values, plot_overview
from skinprogress.outputs.recovery import plot_recovery, recoveries_of
from skinprogress.outputs.series import session_values
from skinprogress.outputs.sides import paired_regions, plot_sides
from skinprogress.outputs.trendchart import plot_trend
from skinprogress.records import ClientResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_WAITING = 2

__all__ = ["plot_trend", "save_chart", "write_charts"]


def write_charts(result: ClientResult, out: Path) -> list[Path]:
    """Write all charts that the result has data for to ``out/charts``, each as PNG and SVG.

    Per metric and view: ``trend_{metric}_{view}`` (from two sessions on), ``change_map_…``, ``face_map_…``,
    ``outline_map_…`` and ``forest_…`` (the outcome against the baseline), ``sides_…`` (from two sessions on, where
    both sides were measured); per view ``overview_{view}`` and ``recovery_{view}`` (the days after each treatment).

    Returns
    -------
    list of Path
        The files, in order of view and metric.

    Raises
    ------
    PhotoError
        The reference photo of a view can no longer be read.
    OutputError
        A file cannot be written.

    Notes
    -----
    Every charted metric gets every kind of chart that its data allow: which of them tells the story is known only to
    who looks, and a folder in which some measures lack a kind of chart asks to be explained.
    """
    folder = out / "charts"
    saved: list[Future[list[Path]]] = []
    # One chart is encoded, which needs no interpreter, while the next is drawn.
    with ThreadPoolExecutor(1, thread_name_prefix="charts") as pool:
        for stem, plot in list_charts(result):
            saved.append(pool.submit(save_drawn, _draw_and_clear(plot()), folder / stem))
            # A drawn chart takes some 30 MB: no more than a few wait.
            saved[max(len(saved) - _MOST_WAITING, 0)].result()
    return [path for chart in saved for path in chart.result()]


def _draw_and_clear(figure: "Figure") -> DrawnChart:
    """Draw a figure that is not wanted any more: its parts hold each other, and with them px of its own, for long."""
    from matplotlib.backend_bases import FigureCanvasBase

    drawn = draw_chart(figure)
    figure.clear()
    FigureCanvasBase(figure)  # in the place of the one that it was drawn on
    return drawn


def list_charts(result: ClientResult) -> "Iterator[tuple[str, Callable[[], Figure]]]":
    """Yield the name of each chart of a run and what draws it."""
    for view in dict.fromkeys(m.view for m in result.measurements):
        if overview_values(result, view):
            yield f"overview_{view}", partial(plot_overview, result, view=view)
        crop = None
        for metric in (name for name, spec in METRICS.items() if spec.charted):
            of: dict[str, Any] = {"metric": metric, "view": view}
            several = len({s for points in session_values(result, metric, view).values() for s in points}) >= 2
            if several:
                yield f"trend_{metric}_{view}", partial(plot_trend, result, **of)
            shown = [c for c in changes_since_baseline(result, metric, view) if math.isfinite(c.difference)]
            if shown:
                yield f"change_map_{metric}_{view}", partial(plot_change_map, result, **of)
                crop = crop or read_face_crop(result, view=view)
                session = headline_session(result, shown)
                start = next(c.from_session for c in shown if c.to_session == session)
                pair = {**of, "from_session": start, "to_session": session}
                yield f"forest_{metric}_{view}", partial(plot_forest, result, **pair)
                yield f"face_map_{metric}_{view}", partial(plot_face_map, result, **pair, crop=crop)
                yield f"outline_map_{metric}_{view}", partial(plot_outline_map, result, **pair)
            if several and paired_regions(result, metric, view):
                yield f"sides_{metric}_{view}", partial(plot_sides, result, **of)
        if recoveries_of(result, view):
            yield f"recovery_{view}", partial(plot_recovery, result, view=view)
