"""The face map: changes per region on the client's own face, named in the margins so that no two labels meet."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.regions import region_polygons_xy
from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.timeline import session_title
from skinprogress.photos.reading import read_photo, to_srgb8
from skinprogress.records import Change, ClientResult, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CROP_PX = 720
_WHOLE = 0.5
"""A region that covers this share of the area of all others together is the frame of the picture, not a patch in it."""
Outlines = dict[str, list[npt.NDArray[np.float64]]]


@dataclass(frozen=True, slots=True, eq=False)
class FaceCrop:
    """The face of a reference photo, pale, and the regions on it.

    Attributes
    ----------
    rgb : (h, w, 3) uint8
        sRGB, grey and lightened so that colours and labels can be read on it.
    outlines_xy : dict of str to list of (n, 2) float64
        Regions in px of `rgb`, px edges at integers.
    """

    rgb: npt.NDArray[np.uint8]
    outlines_xy: Outlines


def read_face_crop(result: ClientResult, *, view: View) -> FaceCrop:
    """Read the reference photo of a view again and cut out the face.

    Raises
    ------
    PhotoError
        The photo is gone or can no longer be read.
    """
    inspection = result.inspections[result.plan.reference_of[view]]
    points_xy = inspection.landmarks.points_xy
    low, high = points_xy.min(axis=0), points_xy.max(axis=0)
    size = float(np.max(high - low))
    # A little more room above: the landmarks end below the hairline.
    left, top = low - np.array([0.14, 0.20]) * size
    right, bottom = high + np.array([0.14, 0.10]) * size
    long_side = max(inspection.height_px, inspection.width_px)
    max_side = min(long_side, math.ceil(long_side * _CROP_PX / (bottom - top)))
    rgb = to_srgb8(read_photo(inspection.ref), max_side=max_side)
    scale = np.array([rgb.shape[1] / inspection.width_px, rgb.shape[0] / inspection.height_px])
    x0, y0 = np.clip(np.floor((left, top) * scale), 0, None).astype(int)
    x1, y1 = np.ceil((right, bottom) * scale).astype(int)
    cut = rgb[y0:y1, x0:x1]
    grey = cv2.cvtColor(np.ascontiguousarray(cut), cv2.COLOR_RGB2GRAY).astype(np.float32)
    # A backdrop to find one's way by, not a measurement: stretched so that dim and flat photos show a face as well.
    dark, bright = np.percentile(grey, (1, 99))
    pale = (125 + 120 * np.clip((grey - dark) / max(bright - dark, 1.0), 0, 1)).astype(np.uint8)
    outlines = {
        name: [polygon * scale - (x0, y0) for polygon in polygons]
        for name, polygons in region_polygons_xy(points_xy).items()
    }
    return FaceCrop(rgb=np.repeat(pale[..., None], 3, axis=2), outlines_xy=outlines)


def plot_face_map(
    result: ClientResult,
    *,
    metric: str,
    view: View,
    from_session: str,
    to_session: str,
    crop: FaceCrop | None = None,
) -> "Figure":
    """Draw the change of each region on the client's own face.

    Parameters
    ----------
    result : ClientResult
    metric : str
        Name in the METRICS table.
    view : View
    from_session, to_session : str
        The pair of sessions; a change between them must be in the result.
    crop : FaceCrop, optional
        From :func:`read_face_crop`, so that several maps read the photo once.

    Returns
    -------
    Figure
        Colours as in the map of changes; left and right are the client's own, as one sees a client from the front.

    Raises
    ------
    ValueError
        The result holds no such change.
    PhotoError
        The reference photo can no longer be read.
    """
    with style.chart_style():
        spec = METRICS[metric]
        changes = _changes_between(result, metric, view, from_session, to_session)
        if not changes:
            raise ValueError(f"no change of {metric} from {from_session} to {to_session} in the {view} view")
        crop = crop or read_face_crop(result, view=view)
        h, w = crop.rgb.shape[:2]
        inches_per_px = min(6.0 / h, 6.5 / w)
        face_w, face_h = w * inches_per_px, h * inches_per_px
        margin, top, foot = 1.6, 0.68, 0.95
        width, height = face_w + 2 * margin + 0.75, face_h + top + foot
        figure = style.new_figure(width, height)
        ax = figure.add_axes((margin / width, foot / height, face_w / width, face_h / height))
        ax.imshow(crop.rgb, extent=(0, w, h, 0), interpolation="bilinear", aspect="auto")
        ax.set(xlim=(0, w), ylim=(h, 0))
        ax.set_axis_off()
        limit = _limit(result, metric, view, list(changes.values()))
        whole = _whole_faces(crop.outlines_xy)
        for region, change in changes.items():
            _draw_region(
                ax, crop.outlines_xy.get(region, []), style.change_fill(change, spec.better, limit), region in whole
            )
        _draw_labels(ax, changes, crop.outlines_xy, whole, spec.decimals, margin / face_w * w)
        bar = ((width - 0.72) / width, (foot + 0.5) / height, 0.11 / width, (face_h - 1.0) / height)
        style.draw_color_bar(figure, bar, spec.better, limit, spec.decimals)
        names = [session_title(result, s) for s in (from_session, to_session)]
        style.draw_heading(
            figure,
            f"{spec.title}: change from {names[0]} to {names[1]}",
            f"{style.about_text(spec.unit, view, spec.better)} · left and right are the client's own",
        )
        style.draw_symbol_key(figure, changes.values(), result.settings.confidence_level)
    return figure


def _changes_between(
    result: ClientResult, metric: str, view: View, from_session: str, to_session: str
) -> dict[str, Change]:
    found: dict[str, Change] = {}
    for c in result.changes:
        if (c.metric, c.view, c.from_session, c.to_session) == (metric, view, from_session, to_session) and (
            c.region not in found or c.method == "compensated"
        ):
            found[c.region] = c
    return {name: found[name] for name in style.ordered_regions(found)}


def _limit(result: ClientResult, metric: str, view: View, shown: list[Change]) -> float:
    """Return the full-colour change: the same as in the map of changes, so that both can be read together."""
    same = [c for c in result.changes if c.metric == metric and c.view == view and c.against == shown[0].against]
    return style.color_limit(same, style.early_sessions(result))


def _area(polygon: npt.NDArray[np.float64]) -> float:
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


def _whole_faces(outlines: Outlines) -> frozenset[str]:
    """Return the regions that hold most of the others, like the whole face: drawn as a line, named at the foot."""
    areas = {name: sum(map(_area, polygons)) for name, polygons in outlines.items()}
    return frozenset(name for name, area in areas.items() if area > _WHOLE * (sum(areas.values()) - area) > 0)


def _draw_region(
    ax: "Axes", polygons: list[npt.NDArray[np.float64]], fill: tuple[float, float, float] | None, is_whole: bool
) -> None:
    from matplotlib.patches import Polygon

    for polygon in polygons:
        if len(polygon) < 3:
            continue
        if is_whole:
            ax.add_patch(Polygon(polygon, fill=False, ec=style.MUTED, lw=0.8, ls=(0, (4, 3)), zorder=2))
        elif fill is None:
            ax.add_patch(
                Polygon(polygon, fc=(*_rgb(style.NOT_COMPARABLE), 0.75), hatch="////", ec="#8d959b", lw=0.8, zorder=3)
            )
        else:
            ax.add_patch(Polygon(polygon, fc=(*fill, 0.80), ec=style.PAPER, lw=1.0, zorder=3))


def _rgb(color: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(color)


def _draw_labels(
    ax: "Axes",
    changes: dict[str, Change],
    outlines: Outlines,
    whole: frozenset[str],
    decimals: int,
    margin_px: float,
) -> None:
    """Name each region in the nearer margin, with a thin line to it; whole faces are named below the picture."""
    width, height = ax.get_xlim()[1], ax.get_ylim()[0]
    places = {
        name: _inner_point(max(outlines[name], key=_area))
        for name in changes
        if name not in whole and any(map(_area, outlines.get(name, [])))
    }
    for side, names in zip((-1, 1), _sides(places), strict=True):
        rows = spread([float(places[n][1]) for n in names], 0.03 * height, 0.95 * height)
        for name, y in zip(names, rows, strict=True):
            x = -0.04 * margin_px if side < 0 else width + 0.04 * margin_px
            align = "right" if side < 0 else "left"
            point = places[name]
            ax.plot([x, point[0]], [y, point[1]], color=style.INK, lw=0.6, clip_on=False, zorder=4)
            ax.plot(*point, marker="o", ms=2.2, color=style.INK, zorder=5)
            x += side * 0.03 * margin_px
            lines = _label_lines(name, changes[name], decimals)
            ax.text(x, y - 0.006 * height, lines[0], ha=align, va="bottom", fontsize=7, color=style.MUTED)
            ax.text(x, y + 0.002 * height, lines[1], ha=align, va="top", fontsize=8.2, weight="bold")
    below = [" ".join(_label_lines(name, changes[name], decimals)) for name in changes if name in whole]
    ax.text(width / 2, height * 1.015, "     ".join(below), ha="center", va="top", fontsize=8.2, weight="bold")


def _label_lines(name: str, change: Change, decimals: int) -> tuple[str, str]:
    if change.verdict == "not comparable" or not math.isfinite(change.difference):
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
