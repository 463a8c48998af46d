"""The way back from a photo to the canonical frame: what is drawn on the map of the face appears on the photo."""

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import N_VERTICES, mesh

CANONICAL_PX_PER_MM = 4.4 / 1024
"""Canonical px per mm of skin for each px of the frame's side: the median over an average face (3.2 to 5.1 / 1024)."""


def photo_to_canonical(points_xy: npt.NDArray[np.float64], shape_hw: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Place in the canonical frame of every photo px.

    Parameters
    ----------
    points_xy : (478, 2) or (468, 2) float64
        Landmarks, photo px, px edges at integers.
    shape_hw : (int, int)
        Height and width of the photo.

    Returns
    -------
    (H, W, 2) float32
        u and v, 0..1, v downward; NaN off the face and where the mesh is seen from behind.
    """
    m = mesh()
    corners = np.asarray(points_xy, np.float64)[:N_VERTICES][m.triangles]
    uv = m.uv[m.triangles].astype(np.float64)
    out = np.full((*shape_hw, 2), np.nan, np.float32)
    edge_1, edge_2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = edge_1[:, 0] * edge_2[:, 1] - edge_1[:, 1] * edge_2[:, 0]
    # The canonical triangles all turn one way; one that turns the other way in the photo is seen from behind.
    flat_1, flat_2 = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    facing = area * (flat_1[:, 0] * flat_2[:, 1] - flat_1[:, 1] * flat_2[:, 0]) > 1e-12
    limit = np.array([shape_hw[1], shape_hw[0]])
    for index in np.flatnonzero(facing):
        triangle = corners[index]
        low = np.clip(np.floor(triangle.min(axis=0)).astype(int), 0, limit)
        high = np.clip(np.ceil(triangle.max(axis=0)).astype(int), 0, limit)
        if (high <= low).any():
            continue
        x = np.arange(low[0], high[0]) + 0.5 - triangle[0, 0]
        y = (np.arange(low[1], high[1]) + 0.5 - triangle[0, 1])[:, None]
        second = (x * edge_2[index, 1] - y * edge_2[index, 0]) / area[index]
        third = (y * edge_1[index, 0] - x * edge_1[index, 1]) / area[index]
        hit = (second >= -1e-6) & (third >= -1e-6) & (second + third <= 1.0 + 1e-6)
        place = uv[index, 0] + second[..., None] * flat_1[index] + third[..., None] * flat_2[index]
        out[low[1] : high[1], low[0] : high[0]][hit] = place[hit]
    return out


def from_canonical(plane: npt.NDArray[np.float32], uv: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Draw a canonical picture on the photo, bilinear.

    Parameters
    ----------
    plane : (S, S) or (S, S, c) float32
    uv : (H, W, 2) float32
        From :func:`photo_to_canonical`.

    Returns
    -------
    (H, W) or (H, W, c) float32
        0 off the face.
    """
    side = plane.shape[0]
    at = uv * np.float32(side) - np.float32(0.5)  # OpenCV puts px centres at integers
    inside = np.isfinite(uv[..., 0])
    at = np.where(inside[..., None], at, np.float32(-10.0))
    source = np.ascontiguousarray(plane, np.float32)
    out = cv2.remap(source, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    out[~inside] = 0.0
    return np.asarray(out, np.float32)
