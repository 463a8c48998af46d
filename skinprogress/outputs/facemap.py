"""Maps of the face: changes per region on the client's own face, or on a neutral one that shows nobody."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.comparison.sentences import duration_text
from skinprogress.face.regions import REGIONS, WHOLE_FACE, region_polygons_xy
from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.change_keys import BAR_ROOM, HATCHED, draw_color_bar, interval_note, symbol_entries
from skinprogress.outputs.chosen import better_of, changes_since_baseline
from skinprogress.outputs.facelabels import FIGURE_PT, NAME_PT, Outlines, area_of, draw_labels, label_lines, plain_lines
from skinprogress.outputs.forest import changes_between
from skinprogress.outputs.mark_outlines import mark_outlines_on, mark_outlines_xy, marks_of
from skinprogress.outputs.neutral_face import draw_neutral_face, neutral_face
from skinprogress.outputs.sheet import MARGIN, Sheet, width_of, wrap_items
from skinprogress.outputs.timeline import session_title
from skinprogress.outputs.wording import phase_text
from skinprogress.photos.reading import read_photo, to_srgb8
from skinprogress.records import Change, ClientResult, View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CROP_PX = 720
_FACE_HIGH, _FACE_WIDE, _LEAST_MARGIN, _FOOT_LINE = 420.0, 460.0, 66.0, 13.0


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
    changes = changes_between(result, metric, view, from_session, to_session)
    crop = crop or read_face_crop(result, view=view)
    names = [session_title(result, s) for s in (from_session, to_session)]
    return _draw_map(
        result, changes, crop.outlines_xy, (crop.rgb.shape[1], crop.rgb.shape[0]),
        words=f"change from {names[0]} to {names[1]}",
        backdrop=lambda sheet, place: sheet.picture(crop.rgb[..., 0], *place),
    )  # fmt: skip


def plot_outline_map(result: ClientResult, *, metric: str, view: View, from_session: str, to_session: str) -> "Figure":
    """Draw the change of each region on a neutral face, which shows nobody: no photo, no name and no date is in it.

    Parameters
    ----------
    result : ClientResult
    metric : str
        Name in the METRICS table.
    view : View
    from_session, to_session : str
        The pair of sessions; a change between them must be in the result.

    Returns
    -------
    Figure
        The mean face of the landmark model, seen from the side of the view. Marks of the course file keep the names
        that they were given.

    Raises
    ------
    ValueError
        The result holds no such change.
    """
    return _draw_outline_map(result, changes_between(result, metric, view, from_session, to_session))


def plot_plain_map(
    result: ClientResult, *, metric: str, view: View, from_session: str, to_session: str, title: str
) -> "Figure":
    """Draw the same for laymen: `title` is what they call the metric, and words stand at the regions, not figures.

    Raises
    ------
    ValueError
        The result holds no such change.
    """
    return _draw_outline_map(result, changes_between(result, metric, view, from_session, to_session), plain_title=title)


def _draw_outline_map(result: ClientResult, changes: dict[str, Change], *, plain_title: str = "") -> "Figure":
    first = next(iter(changes.values()))
    face = neutral_face(first.view)
    side_px = result.plan.canonical_px[first.view]
    marks = {m.name: mark_outlines_on(face.points_xy, m, side_px=side_px) for m in marks_of(result, first.view)}
    outlines = {**face.outlines_xy, **marks}
    return _draw_map(
        result, changes, outlines, face.size_px, words=_undated(result, first.from_session, first.to_session),
        backdrop=lambda sheet, place: draw_neutral_face(sheet, face, place), plain_title=plain_title,
    )  # fmt: skip


Place = tuple[float, float, float, float]


@style.chart_style()
def _draw_map(
    result: ClientResult,
    changes: dict[str, Change],
    outlines_xy: Outlines,
    size_px: tuple[int, int],
    *,
    words: str,
    backdrop: Callable[[Sheet, Place], None],
    plain_title: str = "",
) -> "Figure":
    """Draw regions in the colours of their changes over a face of some width and height, px."""
    first = next(iter(changes.values()))
    spec, better = METRICS[first.metric], better_of(result, first.metric)
    w, h = size_px
    scale = min(_FACE_HIGH / h, _FACE_WIDE / w)
    lines = {
        name: plain_lines(name, change) if plain_title else label_lines(name, change, spec.decimals)
        for name, change in changes.items()
    }
    needed = [max(width_of(a, NAME_PT), width_of(b, FIGURE_PT, bold=True)) for a, b in lines.values()]
    margin = max(_LEAST_MARGIN, *needed) + 14.0
    # What has no outline, as the neck, and the whole face are named at the foot.
    apart = [name for name in changes if name == WHOLE_FACE or not any(map(area_of, outlines_xy.get(name, [])))]
    width = 2 * margin + w * scale
    between = ": " if plain_title else " "
    foot = wrap_items([between.join(lines[name]) for name in apart], FIGURE_PT, width=width - 2 * MARGIN, bold=True)
    sheet = Sheet(
        width + BAR_ROOM, h * scale + 22.0, title=f"{plain_title or spec.title}: {words}",
        about="left and right are your own" if plain_title
        else f"{style.about_text(spec.unit, first.view, better)} · left and right are the client's own",
        key=[e for e in symbol_entries(changes.values(), better) if not (plain_title and e.sign)],
        notes=[] if plain_title else [interval_note(result.settings.confidence_level)],
    )  # fmt: skip
    place = (margin, sheet.bottom + 6.0 + _FOOT_LINE * len(foot), w * scale, h * scale)
    backdrop(sheet, place)
    # The full-colour change is that of the map of changes, so that both can be read together.
    alike = changes_since_baseline(result, first.metric, first.view, against=first.against)
    limit = style.color_limit(alike, style.unsettled_sessions(result))
    for region in sorted(changes, key=lambda r: r not in REGIONS):  # marks lie on top of the regions
        fill = style.change_fill(changes[region], better, limit)
        for polygon in outlines_xy.get(region, []):
            if len(polygon) >= 3:
                corners = np.array([place[0], place[1] + place[3]]) + polygon * scale * (1, -1)
                _draw_region(sheet, corners, fill, is_whole=region == WHOLE_FACE)
    for k, text in enumerate(foot):
        y = place[1] - _FOOT_LINE * (k + 1)
        sheet.text(width / 2, y, text, size=FIGURE_PT, weight="bold", ha="center")
    draw_color_bar(
        sheet, sheet.width - BAR_ROOM + 8.0, place[1] + place[3] / 2 - 95.0, 190.0, better=better, limit=limit,
        decimals=None if plain_title else spec.decimals,
    )  # fmt: skip
    figure = sheet.finish()
    left, bottom, width, height = np.array(place) / (sheet.width, sheet.height, sheet.width, sheet.height)
    ax = figure.add_axes((left, bottom, width, height), zorder=5)
    ax.set(xlim=(0, w), ylim=(h, 0))
    ax.set_axis_off()
    draw_labels(ax, lines, outlines_xy, frozenset(apart), margin / scale)
    return figure


def _undated(result: ClientResult, from_session: str, to_session: str) -> str:
    """Name a pair of sessions by what came before them, without their dates."""
    start, end = (phase_text(result.plan.phases.get(s)) for s in (from_session, to_session))
    if start and end and start != end:
        return f"change from {start} to {end}"
    days = next(
        (c.days_between for c in result.comparisons if (c.from_session, c.to_session) == (from_session, to_session)),
        math.nan,
    )
    return f"change over {duration_text(abs(days))}" if math.isfinite(days) else "change between two sessions"


def _draw_region(
    sheet: Sheet, corners: npt.NDArray[np.float64], fill: tuple[float, float, float] | None, *, is_whole: bool
) -> None:
    if is_whole:
        sheet.line(*np.vstack([corners, corners[:1]]).T, color=style.MUTED, width=0.8, dash=(4.0, 3.0), z=2.0)
    elif fill is None:
        sheet.area(corners, **HATCHED, alpha=0.8, width=0.8, z=3.0)
    else:
        sheet.area(corners, fill=fill, alpha=0.82, edge=style.PAPER, width=1.0, z=3.0)
