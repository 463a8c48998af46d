"""A neutral face, drawn from the mean mesh of the landmark model: it can be shared, for it shows nobody."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import mesh
from skinprogress.face.regions import (
    BROW_LEFT,
    BROW_RIGHT,
    EYE_LEFT,
    EYE_RIGHT,
    LIPS,
    REGIONS,
    WHOLE_FACE,
    region_polygons_xy,
)
from skinprogress.outputs.sheet import Sheet
from skinprogress.records import View

Points = npt.NDArray[np.float64]

_TURN_DEG: dict[View, float] = {
    "front": 0.0, "left_oblique": 38.0, "right_oblique": -38.0, "left_profile": 68.0, "right_profile": -68.0
}  # fmt: skip
_HIGH_PX, _MARGIN_PX = 720.0, 30.0
_MOUTH = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
_NOSE = (64, 98, 97, 2, 326, 327, 294)
_WINGS = ((129, 64), (358, 294))
# Landmarks of a photo are ten more: the irises, which have no place on the mesh.
_N_LANDMARKS = 478
# Cosine of the angle at which a region is seen: below it is a sliver at the edge of the face.
_LEAST_FACING = 0.2
_SKIN, _LINE = "#f1f0ee", "#b9b6b1"


@dataclass(frozen=True, slots=True, eq=False)
class NeutralFace:
    """The mean face from one side, px, y downward.

    Attributes
    ----------
    size_px : (int, int)
        Width and height.
    points_xy : (478, 2) float64
    outlines_xy : dict of str to list of (n, 2) float64
        Regions that are seen from there.
    silhouette_xy : (n, 2) float64
    features_xy : tuple of (n, 2) float64
        Eyes, brows, lips and nose as lines, closed ones with the first point again at their end.
    """

    size_px: tuple[int, int]
    points_xy: Points
    outlines_xy: dict[str, list[Points]]
    silhouette_xy: Points
    features_xy: tuple[Points, ...]


@lru_cache(maxsize=5)
def neutral_face(view: View) -> NeutralFace:
    """Return the mean face as it is seen in a view."""
    vertices = mesh().vertices_cm.astype(np.float64)
    turn = np.radians(_TURN_DEG[view])
    # The client's left comes toward the viewer where the left side is looked at.
    x = vertices[:, 0] * np.cos(turn) - vertices[:, 2] * np.sin(turn)
    depth = vertices[:, 0] * np.sin(turn) + vertices[:, 2] * np.cos(turn)
    flat = np.column_stack([x, -vertices[:, 1]])
    low, high = flat.min(axis=0), flat.max(axis=0)
    xy = (flat - low) * (_HIGH_PX / (high - low)[1]) + _MARGIN_PX
    width, height = (int(v) for v in np.ceil(xy.max(axis=0) + _MARGIN_PX))
    points = np.concatenate([xy, np.repeat(xy[:1], _N_LANDMARKS - len(xy), axis=0)])
    toward = _toward_viewer(np.column_stack([xy[:, 0], -xy[:, 1], depth * _HIGH_PX / (high - low)[1]]))
    closed = [np.append(line, line[0]) for line in map(list, (EYE_RIGHT, EYE_LEFT, BROW_RIGHT, BROW_LEFT, LIPS))]
    open_ = [np.array(line) for line in (_MOUTH, _NOSE, *_WINGS)]
    # A profile hides the other eye and half of the mouth.
    lines = (*closed, *open_)
    if abs(_TURN_DEG[view]) > 60:
        lines = tuple(line[toward[line] > 0.05] for line in lines if np.mean(toward[line] > 0.05) > 0.5)
    return NeutralFace(
        size_px=(width, height),
        points_xy=points,
        outlines_xy={name: rows for name, rows in region_polygons_xy(points).items() if _is_seen(name, toward)},
        silhouette_xy=_silhouette(xy, (width, height)),
        features_xy=tuple(_smooth(xy[line]) for line in lines),
    )


def _is_seen(region: str, toward: Points) -> bool:
    """Tell if a region faces the viewer; the whole face goes without its line, for the head has one."""
    if region == WHOLE_FACE:
        return False
    corners = np.array(REGIONS[region].polygon_uv)
    nearest = np.hypot(*(mesh().uv[:, None] - corners).T).argmin(axis=1)
    return bool(np.mean(toward[nearest]) > _LEAST_FACING)


def _toward_viewer(points: Points) -> Points:
    """How far the surface at each vertex faces the viewer, -1..1."""
    a, b, c = (points[mesh().triangles[:, k]] for k in range(3))
    faces = np.cross(b - a, c - a)
    normals = np.zeros_like(points)
    for k in range(3):
        np.add.at(normals, mesh().triangles[:, k], faces)
    return np.asarray(normals[:, 2] / np.maximum(np.linalg.norm(normals, axis=1), 1e-9))


def _silhouette(xy: Points, size: tuple[int, int]) -> Points:
    """Outline of all triangles together."""
    drawing = np.zeros(size[::-1], np.uint8)
    for triangle in np.round(xy[mesh().triangles]).astype(np.int32):
        cv2.fillConvexPoly(drawing, triangle, 255)
    drawing = cv2.GaussianBlur(drawing, (0, 0), 5.0)
    contours, _ = cv2.findContours((drawing > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=cv2.contourArea)[::6, 0].astype(np.float64) + 0.5
    return np.asarray(outline)


def _smooth(line: Points) -> Points:
    """A soft curve through the points of a line."""
    from scipy.interpolate import make_interp_spline

    along = np.concatenate([[0.0], np.cumsum(np.maximum(np.hypot(*np.diff(line, axis=0).T), 1e-6))])
    is_closed = np.allclose(line[0], line[-1])
    if len(line) < 5:
        return line
    curve = make_interp_spline(along, line, k=3, bc_type="periodic" if is_closed else None)
    return np.asarray(curve(np.linspace(0.0, along[-1], 8 * len(line))))


def draw_neutral_face(sheet: Sheet, face: NeutralFace, place: tuple[float, float, float, float]) -> None:
    """Draw the face into a box of a sheet: left, bottom, width and height, points."""
    left, bottom, width, height = place
    origin, scale = np.array([left, bottom + height]), width / face.size_px[0] * np.array([1.0, -1.0])
    sheet.area(origin + face.silhouette_xy * scale, fill=_SKIN, edge=_LINE, width=1.1, z=0.2)
    for line in face.features_xy:
        sheet.line(*(origin + line * scale).T, color=_LINE, width=1.2, z=3.5)
