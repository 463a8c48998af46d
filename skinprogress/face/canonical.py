"""The canonical frame: every face laid flat on the same map, so that one pixel is one place of the skin.

The map is the UV layout of the canonical face mesh inside the landmark model's bundle. A face is drawn into it triangle
by triangle, from 468 landmarks, by one resampling in linear light.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

N_VERTICES = 468
# Landmarks that expression moves least: eye corners, nose bridge and sides, cheekbones. A similarity between two
# photos, and the relative scale, rest on them and never on the outline or the mouth.
STABLE_POINTS = (
    33, 133, 362, 263, 6, 168, 197, 195, 5, 4, 1, 122, 351, 98, 327, 48, 278, 9, 8, 107, 336, 116, 345, 50,
    280,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """The canonical face mesh.

    Attributes
    ----------
    vertices_cm : (468, 3) float32
        x to the client's left, y up, z toward the viewer, cm.
    uv : (468, 2) float32
        Place in the canonical frame, 0..1, v downward.
    triangles : (898, 3) int32
    """

    vertices_cm: npt.NDArray[np.float32]
    uv: npt.NDArray[np.float32]
    triangles: npt.NDArray[np.int32]


@lru_cache(maxsize=1)
def mesh() -> Mesh:
    """Read the canonical mesh out of the model bundle (member ``geometry_pipeline_metadata_landmarks.binarypb``)."""
    bundle = files("skinprogress.face") / "model" / "face_landmarker.task"
    with bundle.open("rb") as handle, zipfile.ZipFile(handle) as archive:
        message = archive.read("geometry_pipeline_metadata_landmarks.binarypb")
    mesh_message = next(v for f, v in _fields(message) if f == 1 and isinstance(v, bytes))
    floats: list[bytes] = []
    indices: list[int] = []
    for number, value in _fields(mesh_message):
        if number == 3 and isinstance(value, bytes):
            floats.append(value)
        elif number == 4:
            indices.extend([value] if isinstance(value, int) else _packed_varints(value))
    table = np.frombuffer(b"".join(floats), "<f4").reshape(N_VERTICES, 5)
    triangles = np.array(indices, np.int32).reshape(-1, 3)
    return Mesh(vertices_cm=table[:, :3].copy(), uv=table[:, 3:].copy(), triangles=triangles)


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _packed_varints(message: bytes) -> list[int]:
    values, at = [], 0
    while at < len(message):
        value, at = _varint(message, at)
        values.append(value)
    return values


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Fields of a protocol-buffer message, in order: number and raw value."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(message, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"unknown protocol-buffer wire type {wire} in the canonical mesh")
        yield number, message[at : at + size]
        at += size


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Which triangle covers each canonical px, and where in it.

    Attributes
    ----------
    inside : (S, S) bool
    triangle : (n,) int16
        Triangle of every inside px, in row-major order.
    weights : (3, n) float32
        Barycentric: how much each corner of its triangle counts.
    """

    inside: npt.NDArray[np.bool_]
    triangle: npt.NDArray[np.int16]
    weights: npt.NDArray[np.float32]


@lru_cache(maxsize=8)
def raster(side_px: int) -> Raster:
    """Rasterise the mesh's UV layout at ``side_px`` × ``side_px``; cached."""
    m = mesh()
    corners = m.uv[m.triangles].astype(np.float64) * side_px  # (898, 3, 2), px edges at integers
    owner = np.full((side_px, side_px), -1, np.int16)
    low = np.floor(corners.min(axis=1)).astype(int).clip(0, side_px)
    high = np.ceil(corners.max(axis=1)).astype(int).clip(0, side_px)
    centres = np.arange(side_px) + 0.5
    for index, (a, b, c) in enumerate(corners):
        cols, rows = (slice(*ends) for ends in zip(low[index], high[index], strict=True))
        (ux, uy), (vx, vy) = b - a, c - a
        # Barycentric weights as in _barycentric, but of a row and a column of centres: that is most of the time.
        x, y = centres[cols] - a[0], centres[rows, None] - a[1]
        det = ux * vy - uy * vx
        w1, w2 = (x * vy - y * vx) / det, (ux * y - uy * x) / det
        hit = (w1 >= -1e-9) & (w2 >= -1e-9) & (1.0 - w1 - w2 >= -1e-9)
        block = owner[rows, cols]
        block[hit & (block < 0)] = index
    inside = owner >= 0
    triangle_of = owner[inside]
    weights = np.empty((3, len(triangle_of)), np.float32)
    at = 0
    for y, row in enumerate(inside):  # row by row: in double precision all of it at once is large
        xs = np.flatnonzero(row)
        part = slice(at, at := at + len(xs))
        centre = np.stack([xs + 0.5, np.full(len(xs), y + 0.5)], axis=1)
        weights[:, part] = _barycentric(corners[triangle_of[part]], centre).T
    return Raster(inside=inside, triangle=triangle_of, weights=weights)


def _barycentric(triangle: npt.NDArray[np.float64], points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Barycentric weights (n, 3) of points (n, 2) in triangles (n or 1, 3, 2)."""
    a, b, c = triangle[:, 0], triangle[:, 1], triangle[:, 2]
    v0, v1, v2 = b - a, c - a, points - a
    det = v0[:, 0] * v1[:, 1] - v0[:, 1] * v1[:, 0]
    w1 = (v2[:, 0] * v1[:, 1] - v2[:, 1] * v1[:, 0]) / det
    w2 = (v0[:, 0] * v2[:, 1] - v0[:, 1] * v2[:, 0]) / det
    return np.stack([1.0 - w1 - w2, w1, w2], axis=1)


def paint(values: npt.NDArray[np.floating], side_px: int) -> npt.NDArray[np.float32]:
    """Spread one value (or vector) per vertex over the canonical frame by barycentric interpolation.

    Parameters
    ----------
    values : (468,) or (468, k) float
        One row a vertex.
    side_px : int

    Returns
    -------
    (S, S) or (S, S, k) float32
        NaN off the face.
    """
    r = raster(side_px)
    corners = np.asarray(values, np.float32)[mesh().triangles]
    first, second, third = (corner.reshape(-1, *[1] * (corners.ndim - 2)) for corner in r.weights)
    painted = corners[r.triangle, 0] * first
    painted += corners[r.triangle, 1] * second
    painted += corners[r.triangle, 2] * third
    out = np.full((side_px, side_px, *painted.shape[1:]), np.nan, np.float32)
    out[r.inside] = painted
    return out


def canonical_map(points_xy: npt.NDArray[np.float64], side_px: int) -> npt.NDArray[np.float32]:
    """Photo position of every canonical px.

    Parameters
    ----------
    points_xy : (478, 2) float64
        Landmarks in photo px, px edges at integers.
    side_px : int

    Returns
    -------
    (S, S, 2) float32
        x, y in the photo, px edges at integers; NaN off the face.
    """
    return paint(points_xy[:N_VERTICES].astype(np.float32), side_px)


def triangle_scale(points_xy: npt.NDArray[np.float64], side_px: int) -> npt.NDArray[np.float64]:
    """Photo px per canonical px of each triangle: the root of the map's Jacobian determinant; negative where flipped.

    Returns
    -------
    (898,) float64
    """
    m = mesh()

    def double_area(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        t = p[m.triangles]
        u, v = t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]
        return np.asarray(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])

    ratio = double_area(points_xy[:N_VERTICES]) / double_area(m.uv.astype(np.float64) * side_px)
    return np.asarray(np.sign(ratio) * np.sqrt(np.abs(ratio)))


def vertex_mean(per_triangle: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Mean over the triangles that meet in each vertex: (898,) or (898, k) to (468,) or (468, k)."""
    m = mesh()
    flat = m.triangles.ravel()
    values = np.repeat(np.asarray(per_triangle, np.float64), 3, axis=0)
    total = np.zeros((N_VERTICES, *values.shape[1:]))
    np.add.at(total, flat, values)
    count = np.bincount(flat, minlength=N_VERTICES).astype(np.float64)
    return total / count.reshape(-1, *([1] * (values.ndim - 1)))


def vertex_normals(points_xyz: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Unit normals (468, 3) of the mesh at the given vertex positions (468, 3)."""
    m = mesh()
    t = np.asarray(points_xyz, np.float64)[m.triangles]
    face_normals = np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0])
    total = np.zeros((N_VERTICES, 3))
    for corner in range(3):
        np.add.at(total, m.triangles[:, corner], face_normals)
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12))


@lru_cache(maxsize=1)
def mesh_normals() -> npt.NDArray[np.float64]:
    """Unit normals (468, 3) of the canonical mesh: x to the client's left, y up, z toward the viewer; read-only."""
    normals = vertex_normals(mesh().vertices_cm)
    normals.setflags(write=False)
    return normals


def estimate_similarity(
    source_xy: npt.NDArray[np.float64], target_xy: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Least-squares rotation, uniform scale and shift that carry ``source_xy`` to ``target_xy``.

    Parameters
    ----------
    source_xy, target_xy : (n, 2) float64

    Returns
    -------
    (2, 3) float64
        Affine matrix without shear or mirroring.

    References
    ----------
    Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns".
    """
    mean_s, mean_t = source_xy.mean(axis=0), target_xy.mean(axis=0)
    s, t = source_xy - mean_s, target_xy - mean_t
    # In the plane the optimum has a closed form: one complex number.
    a = (s * t).sum()
    b = (s[:, 0] * t[:, 1] - s[:, 1] * t[:, 0]).sum()
    norm = (s**2).sum()
    cos, sin = a / norm, b / norm
    linear = np.array([[cos, -sin], [sin, cos]])
    return np.concatenate([linear, (mean_t - linear @ mean_s)[:, None]], axis=1)


def apply_affine(matrix: npt.NDArray[np.float64], points_xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Apply a (2, 3) affine matrix to points (n, 2)."""
    return np.asarray(points_xy @ matrix[:, :2].T + matrix[:, 2])


def resample(
    image: npt.NDArray[Any], xy: npt.NDArray[np.float32], *, outside: float = 0.0, crisp: bool = False
) -> npt.NDArray[Any]:
    """Sample an image at photo positions.

    Parameters
    ----------
    image : (h, w) or (h, w, c) float32 or uint8
        Colours in linear light: averages of encoded values are wrong.
    xy : (S, S, 2) float32
        Px edges at integers.
    outside : float
        Value where ``xy`` is NaN or beyond the image.
    crisp : bool
        Bicubic instead of bilinear: half a px between two px, bilinear takes a fifth of the contrast of waves of 5 px
        away, bicubic adds 2 %. Overshoots at sharp edges, also below 0.
    """
    centred = xy - np.float32(0.5)  # OpenCV puts px centres at integers
    centred[np.isnan(centred)] = -1e4
    border = (outside,) * 4
    # Both coordinates are in the first map. The stubs know no missing second map, and an empty array is not the same.
    drawn = cv2.remap(  # type: ignore[call-overload]
        image,
        centred,
        None,
        cv2.INTER_CUBIC if crisp else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=border,
    )
    return np.asarray(drawn)
