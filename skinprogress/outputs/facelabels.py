"""The names and figures beside a face map: in the nearer margin, with a line that keeps off other regions."""

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.outputs import style
from skinprogress.records import Change

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME_PT, FIGURE_PT = 7.0, 8.2
Outlines = dict[str, list[npt.NDArray[np.float64]]]
"""Region to its polygons, (n, 2) px each."""


def area_of(polygon: npt.NDArray[np.float64]) -> float:
    """Return the area of a polygon, px²."""
    return float(abs(cv2.contourArea(polygon.astype(np.float32)))) if len(polygon) > 2 else 0.0


def _inner_point(polygon: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the point that lies deepest inside an outline, which a crescent's centre of mass may not."""
    low = polygon.min(axis=0) - 2
    w, h = np.ceil(polygon.max(axis=0) - low).astype(int) + 3
    inside = np.zeros((h, w), np.uint8)
    cv2.fillPoly(inside, [np.round(polygon - low).astype(np.int32)], 1)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    # Among the deep points the one nearest the centre: a long band is named at its middle.
    rows, cols = np.nonzero(depth >= 0.8 * depth.max())
    points = np.stack([cols, rows], axis=1) + low
    chosen: npt.NDArray[np.float64] = points[np.argmin(np.hypot(*(points - polygon.mean(axis=0)).T))]
    return chosen


def draw_labels(
    ax: "Axes",
    lines: dict[str, tuple[str, str]],
    outlines: Outlines,
    whole: frozenset[str],
    margin_px: float,
) -> None:
    """Name each region in the nearer margin, with a thin line to it; others are left to the caller.

    Parameters
    ----------
    ax : Axes
        With the picture, its px as units.
    lines : dict of str to (str, str)
        Region to its name and to what is written below it in bold.
    outlines : Outlines
    whole : frozenset of str
        Regions that get no line.
    margin_px : float
        Room beside the picture.
    """
    width, height = ax.get_xlim()[1], ax.get_ylim()[0]
    places = {
        name: _inner_point(max(outlines[name], key=area_of))
        for name in lines
        if name not in whole and any(map(area_of, outlines.get(name, [])))
    }
    labels = _label_image({n: outlines[n] for n in places}, round(width), round(height))
    for side, names in zip((-1, 1), _sides(places), strict=True):
        exits = {n: _exit_row(labels, list(places).index(n) + 1, places[n], side) for n in names}
        names = sorted(names, key=lambda n: exits[n])
        rows = spread([exits[n] for n in names], 0.03 * height, 0.95 * height)
        for name, y in zip(names, rows, strict=True):
            x = -0.04 * margin_px if side < 0 else width + 0.04 * margin_px
            align = "right" if side < 0 else "left"
            point, edge = places[name], _edge(labels, side)
            path = np.array([point, (point[0], exits[name]), (edge, exits[name]), (x, y)])
            ax.plot(*path.T, color=style.INK, lw=0.6, clip_on=False, zorder=4, solid_joinstyle="round")
            ax.plot(*point, marker="o", ms=2.6, mfc=style.INK, mec=style.PAPER, mew=0.4, zorder=5)
            x += side * 0.03 * margin_px
            ax.text(x, y - 0.006 * height, lines[name][0], ha=align, va="bottom", fontsize=NAME_PT, color=style.MUTED)
            ax.text(x, y + 0.002 * height, lines[name][1], ha=align, va="top", fontsize=FIGURE_PT, weight="bold")


def _label_image(outlines: Outlines, width: int, height: int) -> npt.NDArray[np.uint8]:
    """Return for each px the number of its region, from 1 in the order given; 0 outside."""
    labels = np.zeros((height, width), np.uint8)
    for number, polygons in enumerate(outlines.values(), start=1):
        cv2.fillPoly(labels, [np.round(p).astype(np.int32) for p in polygons if len(p) > 2], number)
    return labels


def _exit_row(labels: npt.NDArray[np.uint8], number: int, point_xy: npt.NDArray[np.float64], side: int) -> float:
    """Return the height at which a line leaves the face with the least of its way across other regions.

    The line runs upright from the region's point to that height and level from there; a long upright part costs too,
    so that only lines that would cross a cheek or a jaw make a bend.
    """
    height, width = labels.shape
    others = ((labels > 0) & (labels != number)).astype(np.uint8)
    others = cv2.dilate(others, np.ones((5, 5), np.uint8)).astype(np.int64)
    x, y = (int(np.clip(v, 0, n - 1)) for v, n in zip(point_xy, (width, height), strict=True))
    level = others[:, x:].sum(axis=1) if side > 0 else others[:, : x + 1].sum(axis=1)
    column = np.cumsum(others[:, x])
    upright = np.abs(column - column[y])
    away = np.abs(np.arange(height) - y)
    allowed = away <= 0.2 * height
    return float(np.argmin(np.where(allowed, level + upright + 0.2 * away, np.inf)))


def _edge(labels: npt.NDArray[np.uint8], side: int) -> float:
    """Return where all regions end on a side, and a little further."""
    columns = np.flatnonzero(labels.any(axis=0))
    last = columns[-1] if side > 0 else columns[0]
    return float(np.clip(last + side * 0.015 * labels.shape[1], 0, labels.shape[1]))


_PLAIN = {"improved": "better", "worsened": "worse", "changed": "changed"}


def plain_lines(name: str, change: Change) -> tuple[str, str]:
    """A region and what happened to it, for laymen."""
    if style.is_incomparable(change):
        return style.region_title(name), "not compared"
    judged = _PLAIN.get(change.verdict, "no change seen")
    return style.region_title(name), "not judged yet" if change.course_status else judged


def label_lines(name: str, change: Change, decimals: int) -> tuple[str, str]:
    if style.is_incomparable(change):
        return style.region_title(name), "not comparable"
    number = style.number_text(change.difference, decimals, sign=True)
    interval = style.interval_text(change, decimals)
    # An uneven interval is two numbers already: brackets keep it apart from the change.
    shown = interval if interval.startswith("±") else f"({interval})" if interval else ""
    return style.region_title(name), f"{number} {shown} {style.symbol_of(change)}"


def _sides(places: dict[str, npt.NDArray[np.float64]]) -> tuple[list[str], list[str]]:
    """Share the regions out to the two margins: those in the middle go to the shorter one."""
    if not places:
        return [], []
    middle = float(np.median([p[0] for p in places.values()]))
    spread_px = float(np.ptp([p[0] for p in places.values()])) or 1.0
    left = [n for n, p in places.items() if (p[0] - middle) / spread_px < -0.12]
    right = [n for n, p in places.items() if (p[0] - middle) / spread_px > 0.12]
    for name in sorted(places.keys() - {*left, *right}, key=lambda n: float(places[n][1])):
        (left if len(left) < len(right) else right).append(name)

    def height(name: str) -> float:
        return float(places[name][1])

    return sorted(left, key=height), sorted(right, key=height)


def spread(wanted: list[float], low: float, high: float, *, gap: float | None = None) -> list[float]:
    """Move sorted positions apart to at least `gap`, as little as possible, within low … high.

    Parameters
    ----------
    wanted : list of float
        Ascending.
    gap : float, optional
        By default a twelfth of the range; less where that many do not fit.

    Returns
    -------
    list of float
        Ascending.

    Examples
    --------
    >>> spread([5.0, 5.0, 9.0], 0.0, 12.0, gap=2.0)
    [4.0, 6.0, 9.0]
    """
    n = len(wanted)
    if n == 0:
        return []
    step = min((high - low) / 12 if gap is None else gap, (high - low) / max(n - 1, 1))
    # Least squares with a minimum gap is isotonic regression of the positions less their share of the gaps.
    blocks: list[list[float]] = []
    for i, position in enumerate(wanted):
        blocks.append([position - i * step])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    flat = [float(np.mean(block)) for block in blocks for _ in block]
    top = high - (n - 1) * step
    return [min(max(p, low), top) + i * step for i, p in enumerate(flat)]
