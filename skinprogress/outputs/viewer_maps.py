"""The map of redness of every session, laid half transparent over its picture in the viewer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import apply_affine
from skinprogress.face.mapping import FaceMap, read_grid
from skinprogress.metrics.maps import grid_step
from skinprogress.metrics.table import METRICS, Metric
from skinprogress.outputs.alignment import Affine, Rgb, invert_affine
from skinprogress.outputs.catalogue import text
from skinprogress.outputs.groups import sized
from skinprogress.outputs.pairs import share_colors
from skinprogress.outputs.skin_pictures import Plane, scale_colors
from skinprogress.outputs.style import number_text
from skinprogress.outputs.viewer_regions import COLOR_STEPS, hex_of
from skinprogress.records import ClientResult, Inspection, View

METRIC = "redness_index"
# Side of a map as a share of that of the picture: it is smooth.
_SHARE = 0.48
# The way back from the picture to the canonical frame is looked up at every so many px and interpolated.
_STEP_PX = 12
_OPACITY = 0.78
_LEVELS = 256
# Of the grid that statistics are taken on: noise goes, vessels and spots stay.
_SOFTENED_PX = 1.5
_SAMPLED = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RednessMaps:
    """Redness of a view's sessions on one scale.

    Attributes
    ----------
    planes : dict of str to (s, s) float32
        Session to values on the grid that statistics are taken on; NaN off the skin.
    side_px : int
        Side of the canonical frame that they were taken from.
    low, high : float
        Ends of the scale.
    key : dict
        Title, colours and ends in words, for the script.
    """

    planes: Mapping[str, Plane]
    side_px: int
    low: float
    high: float
    key: Mapping[str, Any]


def plan_redness(result: ClientResult, view: View, photos: Sequence[Inspection]) -> RednessMaps | None:
    """One scale for the maps of redness of all sessions of a view; None where there are none.

    Where the colours of the photos could not all be matched, each map is drawn against the median of its own face.
    """
    sessions = {i.ref.session for i in photos}
    found = {m.session: m for m in result.maps if m.view == view and m.metric == METRIC and m.session in sessions}
    if not found:
        return None
    planes = {session: m.values.astype(np.float32) for session, m in found.items()}
    centred = any(share_colors(result, photos[0], i).rung == "none" for i in photos[1:])
    if centred:
        planes = {s: p - np.float32(np.nanmedian(p)) for s, p in planes.items() if np.isfinite(p).any()}
    thinned = [p[::_SAMPLED, ::_SAMPLED] for p in planes.values()]
    sample = np.concatenate([p[np.isfinite(p)] for p in thinned])
    if not sample.size:
        return None
    low, high = (float(x) for x in np.percentile(sample, (2, 99)))
    metric = METRICS[METRIC]
    high = max(high, low + 8 * metric.equivalence)
    colors = scale_colors(metric)(np.linspace(0, 1, COLOR_STEPS, dtype=np.float32))
    key = {
        "colors": [hex_of(c) for c in colors],
        "ends": [_value(low, metric, centred=centred), _value(high, metric, centred=centred)],
        "note": text("viewer.map_centred" if centred else "viewer.map_note"),
    }
    return RednessMaps(planes=planes, side_px=result.plan.canonical_px[view], low=low, high=high, key=key)


def _value(value: float, metric: Metric, *, centred: bool) -> str:
    return sized(number_text(value, metric.decimals, sign=centred), metric)


def draw_redness(
    maps: RednessMaps, session: str, face_map: FaceMap, to_picture: Affine, size: tuple[int, int]
) -> Rgb | None:
    """The map of one session over the picture of its photo.

    Parameters
    ----------
    maps : RednessMaps
    session : str
    face_map : FaceMap
        Of the photo that is shown of the session.
    to_picture : (2, 3) float64
        From photo px to px of the picture.
    size : (int, int)
        Width and height of the picture, px; the map is coarser.

    Returns
    -------
    (h, w, 4) uint8 or None
        sRGB and opacity; None where the session has no map.
    """
    plane = maps.planes.get(session)
    if plane is None:
        return None
    width, height = (max(1, round(_SHARE * s)) for s in size)
    at = _places(face_map, _SHARE * to_picture, (width, height)) * np.float32(maps.side_px)
    at = (at - np.float32(0.5)) / np.float32(grid_step(maps.side_px))
    known = np.isfinite(plane).astype(np.float32)
    total, weight = (
        cv2.GaussianBlur(p, (0, 0), _SOFTENED_PX) for p in (np.where(known > 0, plane, np.float32(0)), known)
    )
    values = total / np.maximum(weight, np.float32(1e-3))
    # A rim without skin for places off the frame.
    drawn, skin = (read_grid(np.pad(p, 1), at + np.float32(1)) for p in (values, weight * known))
    level = np.clip((drawn - maps.low) / (maps.high - maps.low), 0, 1)
    table = np.round(255 * scale_colors(METRICS[METRIC])(np.linspace(0, 1, _LEVELS, dtype=np.float32)))
    rgb = table.astype(np.uint8)[np.round(level * (_LEVELS - 1)).astype(np.int32)]
    # One opacity, not a soft rim: that would take half of the file.
    return np.dstack([rgb, np.where(skin > 0.5, np.uint8(round(255 * _OPACITY)), np.uint8(0))])


def _places(face_map: FaceMap, to_map: Affine, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Canonical places of every px of a map, (h, w, 2); far outside where there is no face."""
    width, height = size
    xs, ys = (np.arange(0, n + _STEP_PX, _STEP_PX) + 0.5 for n in (width, height))
    grid = np.stack(np.meshgrid(xs, ys), axis=-1)
    found = face_map.places(apply_affine(invert_affine(to_map), grid.reshape(-1, 2)))
    coarse = found.reshape(grid.shape).astype(np.float32)
    finer = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
    # NaN spreads to the px between: half a place is none.
    return np.nan_to_num(read_grid(coarse, finer / np.float32(_STEP_PX)), nan=-1.0)
