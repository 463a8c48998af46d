"""Charts of a result: trends over the sessions, maps of change, and the files that hold them."""

import io
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.changemap import plot_change_map
from skinprogress.outputs.chosen import best_measurements, changes_since_baseline, headline_session
from skinprogress.outputs.facemap import plot_face_map, read_face_crop
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.recovery import plot_recovery, recoveries_of
from skinprogress.outputs.timeline import Timeline, lay_out_sessions
from skinprogress.outputs.trends import LINE_PT, draw_trends, find_divider, trends_of
from skinprogress.records import ClientResult, Measurement, Trend, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

Point = tuple[float, float]


def write_charts(result: ClientResult, out: Path) -> list[Path]:
    """Write all charts that the result has data for to ``out/charts``, each as PNG and SVG.

    Per metric and view: ``trend_{metric}_{view}`` (from two sessions on), ``change_map_{metric}_{view}`` and
    ``face_map_{metric}_{view}`` (the outcome against the baseline); per view ``recovery_{view}`` (the days after each
    treatment).

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
    """
    paths: list[Path] = []
    folder = out / "charts"
    for view in dict.fromkeys(m.view for m in result.measurements):
        crop = None
        for metric in (name for name, spec in METRICS.items() if spec.charted):
            if len({m.session for m in _measured(result, metric, view)}) >= 2:
                paths += _save(plot_trend(result, metric=metric, view=view), folder / f"trend_{metric}_{view}")
            changes = changes_since_baseline(result, metric, view)
            shown = [c for c in changes if math.isfinite(c.difference)]
            if not shown:
                continue
            paths += _save(plot_change_map(result, metric=metric, view=view), folder / f"change_map_{metric}_{view}")
            crop = crop or read_face_crop(result, view=view)
            session = headline_session(result, shown)
            start, end = next((c.from_session, c.to_session) for c in shown if c.to_session == session)
            figure = plot_face_map(result, metric=metric, view=view, from_session=start, to_session=end, crop=crop)
            paths += _save(figure, folder / f"face_map_{metric}_{view}")
        if recoveries_of(result, view):
            paths += _save(plot_recovery(result, view=view), folder / f"recovery_{view}")
    return paths


def plot_trend(result: ClientResult, *, metric: str, view: View) -> "Figure":
    """Draw a metric over the sessions, one panel a region, with 95 % intervals.

    Parameters
    ----------
    result : ClientResult
    metric : str
        Name in the METRICS table.
    view : View

    Returns
    -------
    Figure
        A session's value is the mean over its photos; its interval is 1.96 times their mean standard error over the
        root of their number. All panels share one scale. Where the calm sessions of a region bear a slope, it is drawn
        with its band and its figure.

    Notes
    -----
    The interval is that of one session. Two intervals that overlap may still be a detectable change: that is for the
    map of changes, which compares the two on the same skin.
    """
    with style.chart_style():
        spec = METRICS[metric]
        values = _session_values(_measured(result, metric, view))
        regions = style.ordered_regions(values)
        line = lay_out_sessions(result)
        n_columns = min(len(regions), 3 if len(line.x) <= 8 else 2) or 1
        n_rows = max(1, math.ceil(len(regions) / n_columns))
        labels, turned = _session_labels(line, 720 / n_columns)
        # Upright labels take as much room as the longest has letters.
        foot_in = 0.62 + (0.06 * max(map(len, labels), default=0) if turned else 0.3)
        apart = style.incomparable_sessions(result, view)
        slopes = trends_of(result, metric, view)
        handles = _trend_handles(result, line, apart, has_slope=bool(slopes))
        # At 7.5 pt a letter takes 4.2 pt, sign and gap of an entry 36 pt.
        n_rows_of_legend = math.ceil(sum(4.2 * len(str(h.get_label())) + 36 for h in handles) / 700)
        foot_in += 0.17 * (n_rows_of_legend - 1)
        height = 1.45 * n_rows + 0.75 + foot_in
        figure = style.new_figure(10.5, height)
        figure.subplots_adjust(
            left=0.06, right=0.985, top=1 - 0.72 / height, bottom=foot_in / height, hspace=0.34, wspace=0.07
        )
        axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        for ax, region in zip(axes, regions, strict=False):
            _draw_panel(ax, values[region], line, result, apart, slopes.get(region, []))
            ax.set_title(style.region_title(region), loc="left", fontsize=8.5, y=1.0, pad=3)
        _frame_panels(axes, len(regions), n_columns, line, _limits(values, slopes), labels, turned)
        style.draw_heading(figure, spec.title, style.about_text(spec.unit, view, spec.better))
        figure.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(0.05, 0.19 / height),
            ncols=math.ceil(len(handles) / n_rows_of_legend), frameon=False, fontsize=7.5, handletextpad=0.5,
            columnspacing=1.8, borderaxespad=0,
        )  # fmt: skip
        figure.text(0.0565, 0.07 / height, line.note, fontsize=7, color=style.MUTED, va="bottom")
    return figure


def _measured(result: ClientResult, metric: str, view: View) -> list[Measurement]:
    return [m for m in best_measurements(result, metric, view) if math.isfinite(m.value)]


def _session_values(measurements: list[Measurement]) -> dict[str, dict[str, Point]]:
    """Return value and half-interval by region and session."""
    groups: dict[str, dict[str, list[Measurement]]] = {}
    for m in measurements:
        groups.setdefault(m.region, {}).setdefault(m.session, []).append(m)
    return {
        region: {
            session: (
                float(np.mean([m.value for m in rows])),
                # Most of the error is the session's and the same for all its photos: more shots do not shrink it.
                style.Z95 * float(np.mean([m.standard_error for m in rows])),
            )
            for session, rows in sessions.items()
        }
        for region, sessions in groups.items()
    }


def _limits(values: dict[str, dict[str, Point]], slopes: dict[str, list[Trend]]) -> tuple[float, float]:
    """Return the range of y with room for numbers and slopes in words; one huge interval does not flatten the rest."""
    points = np.array([p for sessions in values.values() for p in sessions.values()]).reshape(-1, 2)
    if not points.size:
        return 0.0, 1.0
    known = points[np.isfinite(points[:, 1]), 1]
    half = np.nan_to_num(np.minimum(points[:, 1], 4 * np.median(known) if known.size else 0.0))
    low, high = float(np.min(points[:, 0] - half)), float(np.max(points[:, 0] + half))
    room = max(high - low, 1e-9)
    # A panel is some 78 pt high.
    words = max(map(len, slopes.values()), default=0) * LINE_PT / 78
    return low - (0.06 + 1.26 * words / (1 - words)) * room, high + 0.2 * room


def _draw_panel(
    ax: "Axes",
    points: dict[str, Point],
    line: Timeline,
    result: ClientResult,
    apart: frozenset[str],
    slopes: list[Trend],
) -> None:
    """Draw the sessions of one region; numbing and what cannot be compared stand aside, unjoined."""
    early, aside = style.early_sessions(result), {*style.aside_sessions(result), *apart}
    baseline = points.get(result.plan.baseline or "")
    if baseline is not None and math.isfinite(baseline[1]):
        ax.axhspan(baseline[0] - baseline[1], baseline[0] + baseline[1], color=style.BAND, lw=0, zorder=0)
    for x, _ in line.treatments:
        ax.axvline(x, color=style.TREATMENT, lw=0.8, ls=(0, (3, 2)), zorder=1)
    joined = [s for s in line.x if s in points and s not in aside]
    thin = 0.25 if slopes else 0.55
    ax.plot([line.x[s] for s in joined], [points[s][0] for s in joined], color=style.LINE, lw=0.9, alpha=thin, zorder=2)
    draw_trends(ax, slopes, points, line.x)
    if divider := find_divider(result, line.x):
        ax.axvline(divider[0], color=style.MUTED, lw=0.8, zorder=1)
    for shown, color, face in (
        ([s for s in joined if s not in early], style.LINE, style.LINE),
        ([s for s in joined if s in early], style.LINE, style.PAPER),
        ([s for s in line.x if s in points and s in aside], style.ASIDE, style.ASIDE),
    ):
        at, y = np.array([line.x[s] for s in shown]), np.array([points[s][0] for s in shown])
        half = np.array([points[s][1] for s in shown])
        ax.vlines(at, y - half, y + half, color=color, lw=1.3, zorder=3)
        ax.plot(at, y, ls="", marker="o", ms=4.2, mfc=face, mec=color, mew=1.1, zorder=4)


def _session_labels(line: Timeline, width_pt: float) -> tuple[list[str], bool]:
    """Return the names under the axis, and whether they must stand upright to fit a panel of that width."""
    at = sorted(line.x.values())
    step_pt = width_pt * min(np.diff(at), default=math.inf) / (line.span[1] - line.span[0])
    longest = max((len(part) for head in line.heads.values() for part in head), default=0)
    turned = bool(step_pt < 3.9 * longest + 5)
    return [("  " if turned else "\n").join(filter(None, line.heads[s])) for s in line.x], turned


def _frame_panels(
    axes: "Iterable[Axes]",
    n_used: int,
    n_columns: int,
    line: Timeline,
    limits: tuple[float, float],
    labels: list[str],
    turned: bool,
) -> None:
    """Give all panels the same frame; session names stand under the lowest panel of each column only."""
    from matplotlib.ticker import MaxNLocator

    span = line.span
    heights = [
        y for y in MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]).tick_values(*limits) if limits[0] <= y <= limits[1]
    ]
    for i, ax in enumerate(axes):
        if i >= n_used:
            ax.set_visible(False)
            continue
        ax.set(xlim=span, ylim=limits)
        ax.spines[["top", "right"]].set_visible(False)
        ax.hlines(heights, *span, color=style.GRID, lw=0.6, zorder=0.5)
        # Ticks are the costliest part of a chart: only the panels at the rim have them.
        ax.set_yticks(heights if i % n_columns == 0 else [])
        ax.set_xticks(list(line.x.values()) if i >= n_used - n_columns else [])
        if i >= n_used - n_columns:
            ax.set_xticklabels(labels)
        ax.tick_params(axis="y", length=2.5, width=0.6, labelsize=7)
        ax.tick_params(axis="x", length=2.5, width=0.6, labelsize=6.8, rotation=90 if turned else 0)
        _number_treatments(ax, line, 720 / n_columns / (span[1] - span[0]))


def _number_treatments(ax: "Axes", line: Timeline, pt_per_step: float) -> None:
    previous = -math.inf
    for x, number in line.treatments:
        if number and (x - previous) * pt_per_step >= 11:
            previous = x
            ax.text(
                x, 0.995, number, transform=ax.get_xaxis_transform(), ha="center", va="top", fontsize=6.5,
                color=style.PAPER, bbox={"boxstyle": "circle,pad=0.18", "fc": style.TREATMENT, "ec": "none"}, zorder=5,
            )  # fmt: skip


def _trend_handles(
    result: ClientResult, line: Timeline, apart: frozenset[str], *, has_slope: bool
) -> "list[Line2D | Patch]":
    """Return the entries of the legend, of what the chart shows only."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    early, aside = style.early_sessions(result), style.aside_sessions(result)
    mark: dict[str, Any] = {"ls": "", "marker": "o", "ms": 4.5, "mew": 1.1}
    handles: list[Line2D | Patch] = [Line2D([], [], **mark, color=style.LINE, label="session, 95 % interval")]
    if early:
        handles.append(Line2D([], [], **mark, mec=style.LINE, mfc=style.PAPER, label="within days of a treatment"))
    if aside:
        words = " or ".join(sorted({style.printable(word) for word in aside.values()}))
        handles.append(Line2D([], [], **mark, color=style.ASIDE, label=f"not bare skin ({words})"))
    if apart:
        handles.append(Line2D([], [], **mark, color=style.ASIDE, label="cannot be compared with the baseline"))
    if line.treatments:
        handles.append(Line2D([], [], color=style.TREATMENT, lw=0.9, ls=(0, (3, 2)), label="treatment"))
    if has_slope:
        handles.append(Line2D([], [], color=style.SLOPE, lw=1.4, label="slope over the calm sessions"))
    if divider := find_divider(result, line.x):
        handles.append(Line2D([], [], color=style.MUTED, lw=0.8, label=divider[1]))
    if result.plan.baseline is not None:
        handles.append(Patch(fc=style.BAND, label="interval of the baseline"))
    return handles


def _save(figure: "Figure", stem: Path) -> list[Path]:
    """Write a figure as PNG and SVG; the same result gives the same bytes."""
    paths = []
    with style.chart_style():
        for kind in ("png", "svg"):
            buffer = io.BytesIO()
            if kind == "png":
                figure.savefig(buffer, format=kind, dpi=style.CHART_DPI, pil_kwargs={"compress_level": 4})
            else:
                # The face lies in it at its own 120 px an inch.
                figure.savefig(buffer, format=kind, dpi=120, metadata={"Date": None})
            paths.append(write_whole(stem.with_name(f"{stem.name}.{kind}"), buffer.getvalue()))
    return paths
