"""The face map: changes per region on the client's own face, named in the margins so that no two labels meet."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.regions import REGIONS, region_polygons_xy
from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.chosen import best_of
from skinprogress.outputs.facelabels import Outlines, area_of, draw_labels, label_lines
from skinprogress.outputs.mark_outlines import mark_outlines_xy, marks_of
from skinprogress.outputs.timeline import session_title
from skinprogress.photos.reading import read_photo, to_srgb8
from skinprogress.records import Change, ClientResult, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CROP_PX = 720
_WHOLE = 0.5
"""A region that covers this share of the area of all others together is the frame of the picture, not a patch in it."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceCrop:
    """The face of a reference photo, pale, and the regions on it.

    Attributes
    ----------
    rgb : (h, w, 3) uint8
        sRGB, grey and lightened so that colours and labels can be read on it.
    outlines_xy : dict of str to list of (n, 2) float64
        Regions and marks in px of `rgb`, px edges at integers.
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
    for place in marks_of(result, view):
        outlines[place.name] = [p * scale - (x0, y0) for p in mark_outlines_xy(result, place)]
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
        lines = {name: label_lines(name, change, spec.decimals) for name, change in changes.items()}
        # Room for the longest name (7 pt) and the longest figure (8.2 pt, bold).
        margin = max(1.1, *(max(0.062 * len(a), 0.09 * len(b)) + 0.16 for a, b in lines.values()))
        top, foot = 0.68, 0.95
        width, height = face_w + 2 * margin + 0.75, face_h + top + foot
        figure = style.new_figure(width, height)
        ax = figure.add_axes((margin / width, foot / height, face_w / width, face_h / height))
        ax.imshow(crop.rgb, extent=(0, w, h, 0), interpolation="bilinear", aspect="auto")
        ax.set(xlim=(0, w), ylim=(h, 0))
        ax.set_axis_off()
        limit = _limit(result, metric, view, list(changes.values()))
        # What has no outline, as the neck, is named at the foot beside the whole face.
        apart = _whole_faces(crop.outlines_xy) | {r for r in changes if not crop.outlines_xy.get(r)}
        for region in sorted(changes, key=lambda r: r not in REGIONS):  # marks lie on top of the regions
            fill = style.change_fill(changes[region], spec.better, limit)
            _draw_region(ax, crop.outlines_xy.get(region, []), fill, region in apart)
        draw_labels(ax, lines, crop.outlines_xy, frozenset(apart), margin / face_w * w)
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
    pair = (metric, view, from_session, to_session)
    shown = best_of(c for c in result.changes if (c.metric, c.view, c.from_session, c.to_session) == pair)
    found = {c.region: c for c in shown}
    return {name: found[name] for name in style.ordered_regions(found)}


def _limit(result: ClientResult, metric: str, view: View, shown: list[Change]) -> float:
    """Return the full-colour change: the same as in the map of changes, so that both can be read together."""
    same = [c for c in result.changes if c.metric == metric and c.view == view and c.against == shown[0].against]
    return style.color_limit(same, style.unsettled_sessions(result))


def _whole_faces(outlines: Outlines) -> frozenset[str]:
    """Return the regions that hold most of the others, like the whole face: drawn as a line, named at the foot."""
    areas = {name: sum(map(area_of, polygons)) for name, polygons in outlines.items()}
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
