"""Regions in the pictures of the viewer: their outlines in every photo, and how each measure changed in them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.comparison.sentences import region_title
from skinprogress.comparison.verdicts import Better
from skinprogress.face.canonical import apply_affine
from skinprogress.face.mapping import FaceMap, map_landmarks
from skinprogress.face.regions import REGIONS, WHOLE_FACE, region_mask
from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.alignment import Affine
from skinprogress.outputs.chosen import best_of, better_of
from skinprogress.outputs.groups import sized, story_of
from skinprogress.outputs.mark_outlines import mark_outlines_xy, marks_of
from skinprogress.outputs.rows import interval_of, word_of
from skinprogress.records import Change, ClientResult, View

_MASK_PX = 256
_STEPS = 6
# In px of the picture: what is left out of an outline is not seen.
_STRAIGHT_PX = 1.0
COLOR_STEPS = 9
"""Of a colour scale that the script draws as a gradient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlines:
    """Regions and marks of one photo in px of its picture.

    Attributes
    ----------
    paths : dict of str to str
        Region to its outlines as an SVG path.
    middles : dict of str to (x, y)
        The place that lies deepest inside, for a sign.
    """

    paths: dict[str, str]
    middles: dict[str, tuple[int, int]]


def outline_regions(result: ClientResult, view: View, face_map: FaceMap, to_picture: Affine) -> Outlines:
    """Outlines of the regions and marks in the picture of one photo.

    Parameters
    ----------
    result : ClientResult
    view : View
    face_map : FaceMap
        Of the photo.
    to_picture : (2, 3) float64
        From photo px to px of the picture.
    """
    places = {name: ([outline], middle) for name, (outline, middle) in _region_places().items()}
    places |= _mark_places(result, view)
    paths, middles = {}, {}
    for name, (outlines, middle) in places.items():
        paths[name] = "".join(_path(apply_affine(to_picture, face_map.at(uv))) for uv in outlines)
        x, y = apply_affine(to_picture, face_map.at(middle[None]))[0]
        middles[name] = round(x), round(y)
    return Outlines(paths=paths, middles=middles)


Places = npt.NDArray[np.float64]


@lru_cache(maxsize=1)
def _region_places() -> dict[str, tuple[Places, Places]]:
    """Region to its outline, densely, and the place deepest inside, both in the canonical frame, 0..1."""
    found = {}
    for name, region in REGIONS.items():
        corners = np.array(region.polygon_uv, np.float64)
        ends = np.roll(corners, -1, axis=0)
        steps = np.linspace(0.0, 1.0, _STEPS, endpoint=False)[:, None, None]
        outline = (corners + steps * (ends - corners)).swapaxes(0, 1).reshape(-1, 2)
        depth = cv2.distanceTransform(region_mask(name, _MASK_PX).astype(np.uint8), cv2.DIST_L2, 5)
        # Among the deep places the one nearest the centre: a long band bears its sign in its middle.
        rows, columns = np.nonzero(depth >= 0.85 * depth.max())
        deep = (np.stack([columns, rows], axis=1) + 0.5) / _MASK_PX
        found[name] = outline, deep[np.argmin(np.hypot(*(deep - corners.mean(axis=0)).T))]
    return found


def _mark_places(result: ClientResult, view: View) -> dict[str, tuple[list[Places], Places]]:
    reference = result.inspections.get(result.plan.reference_of.get(view, ""))
    if reference is None:
        return {}
    face_map, found = map_landmarks(reference.landmarks), {}
    for mark in marks_of(result, view):
        outlines = [face_map.places(xy) for xy in mark_outlines_xy(result, mark)]
        outlines = [uv[np.isfinite(uv).all(axis=1)] for uv in outlines]
        outlines = [uv for uv in outlines if len(uv) > 2]
        if outlines:
            found[mark.name] = outlines, max(outlines, key=len).mean(axis=0)
    return found


def _path(xy: Places) -> str:
    points = cv2.approxPolyDP(xy.astype(np.float32), _STRAIGHT_PX, True)[:, 0]
    return "M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in points) + "Z"


def describe_changes(result: ClientResult, view: View, sessions: Sequence[str]) -> dict[str, Any]:
    """Changes of every charted measure between the sessions, short enough to be carried in a page.

    Parameters
    ----------
    result : ClientResult
    view : View
    sessions : sequence of str
        Those that are shown, in order of time.

    Returns
    -------
    dict
        ``measures``: name, title, colours from least to most with the words for both ends, and
        whether it is for clients too; ``regions``: name, title
        and whether it is the whole face; ``verdicts``: sign, word and whether better or worse could be said;
        ``changes``: pair, then measure, to rows of region, verdict (both as places in these lists), colour (empty: not
        comparable) and figure; ``unjudged``: colours of what is called neither better nor worse.
    """
    place = {session: k for k, session in enumerate(sessions)}
    found = best_of(c for c in result.changes if c.view == view and METRICS[c.metric].charted)
    mine = [c for c in found if c.from_session in place and c.to_session in place]
    limits = _limits(result, view)
    better = {metric: better_of(result, metric) for metric in dict.fromkeys(c.metric for c in mine)}
    regions = style.ordered_regions(c.region for c in mine)
    verdicts: dict[tuple[str, str, bool], int] = {}
    changes: dict[str, dict[str, list[Any]]] = {}
    for c in sorted(mine, key=lambda c: regions.index(c.region)):
        a, b = sorted((place[c.from_session], place[c.to_session]))
        judged = not style.is_unjudged(c, better[c.metric])
        told = verdicts.setdefault((style.symbol_of(c), word_of(c), judged), len(verdicts))
        row = [regions.index(c.region), told, *_color_and_figure(c, better[c.metric], limits[c.metric, c.against])]
        rows = changes.setdefault(f"{a}-{b}", {}).setdefault(c.metric, [])
        # The first session may be both the baseline and the one before.
        if all(r[0] != row[0] for r in rows):
            rows.append(row)
    return {
        "measures": list(_measures(better)),
        "regions": [{"name": r, "title": region_title(r), "whole": r == WHOLE_FACE} for r in regions],
        "verdicts": [list(v) for v in verdicts],
        "changes": changes,
        "unjudged": _unjudged_colors(),
    }


def _limits(result: ClientResult, view: View) -> dict[tuple[str, str], float]:
    """The change at which the colours of a measure are full, as in the charts."""
    unsettled = style.unsettled_sessions(result)
    by_scale: dict[tuple[str, str], list[Change]] = {}
    for c in result.changes:
        if c.view == view and METRICS[c.metric].charted:
            by_scale.setdefault((c.metric, c.against), []).append(c)
    return {key: style.color_limit(changes, unsettled) for key, changes in by_scale.items()}


def _color_and_figure(change: Change, better: Better, limit: float) -> tuple[str, str]:
    metric = METRICS[change.metric]
    fill = style.change_fill(change, better, limit)
    if fill is None:
        return "", ""
    figure = sized(style.number_text(change.difference, metric.decimals, sign=True), metric)
    interval = interval_of(change, metric)
    return hex_of(fill), f"{figure} ({interval})" if interval else figure


def _measures(better: Mapping[str, Better]) -> Iterator[dict[str, Any]]:
    stories = set()
    for metric in METRICS.values():
        if metric.name not in better:
            continue
        colors = style.change_colormap(better[metric.name])(np.linspace(0.0, 1.0, COLOR_STEPS))
        # For the client one measure of a kind, and only what can get better.
        plain = metric.better is not None and story_of(metric.name) not in stories
        stories.add(story_of(metric.name) if plain else "")
        yield {
            "name": metric.name,
            "title": metric.title,
            "colors": [hex_of(c[:3]) for c in colors],
            "ends": style.ENDS[better[metric.name]],
            "plain": plain,
        }


def _unjudged_colors() -> list[str]:
    """From no to a large change that is called neither better nor worse."""
    from matplotlib.colors import to_rgb

    full, paper = (np.array(to_rgb(color)) for color in (style.UNJUDGED, style.PAPER))
    return [hex_of(paper + (full - paper) * share) for share in np.linspace(0.1, 0.85, COLOR_STEPS)]


def hex_of(rgb: Iterable[float]) -> str:
    """A colour as ``#rrggbb`` from R, G and B, 0..1."""
    return "#" + "".join(f"{round(255 * float(v)):02x}" for v in rgb)
