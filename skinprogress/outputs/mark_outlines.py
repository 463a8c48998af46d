"""Where the marks of the course file lie in a reference photo."""

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import canonical_map
from skinprogress.face.mapping import map_landmarks
from skinprogress.metrics.maps import grid_step
from skinprogress.records import ClientResult, MarkPlace, View

Points = npt.NDArray[np.float64]

_SOFTENED_PX = 0.8


def marks_of(result: ClientResult, view: View) -> Iterable[MarkPlace]:
    """The marks that were outlined in photos of a view and lie on the face."""
    return (place for place in result.marks if place.view == view and place.mask.any())


def mark_outlines_xy(result: ClientResult, place: MarkPlace) -> list[Points]:
    """Outlines of a mark in the reference photo of its view, px, edges at integers, (n, 2) each; empty off the face."""
    reference = result.inspections[result.plan.reference_of[place.view]]
    face_map = map_landmarks(reference.landmarks)
    return [face_map.at(uv) for uv in mark_outlines_uv(place, side_px=result.plan.canonical_px[place.view])]


def mark_outlines_uv(place: MarkPlace, *, side_px: int) -> list[Points]:
    """Outlines of a mark in the canonical frame of `side_px` px, 0..1, (n, 2) each."""
    from skimage.measure import find_contours

    # Softened, so that the px of the grid do not show as steps; a rim for marks at the edge of the frame.
    soft = cv2.GaussianBlur(np.pad(place.mask.astype(np.float32), 2), (0, 0), _SOFTENED_PX)
    found = [c[:-1, ::-1] - 2.0 for c in find_contours(soft, 0.5)]  # type: ignore[no-untyped-call]
    # The mask holds every so many px of the frame, from the first on.
    return [(c * grid_step(side_px) + 0.5) / side_px for c in found if len(c) > 3]


def mark_outlines_on(points_xy: Points, place: MarkPlace, *, side_px: int) -> list[Points]:
    """Outlines of a mark on a face whose landmarks are given, (478, 2) px: where the mesh lays it, (n, 2) px each."""
    grid = 512
    xy = canonical_map(points_xy, grid).astype(np.float64)
    found = []
    for uv in mark_outlines_uv(place, side_px=side_px):
        columns, rows = np.clip(uv * grid, 0, grid - 1).astype(int).T
        points = xy[rows, columns]
        found.append(points[np.isfinite(points).all(axis=1)])
    return found
