"""Where each place of the canonical frame lies in a photo: a smooth map through the landmarks, and its refinement.

A thin-plate spline instead of the bare mesh: it has no kinks, it averages the landmarks' noise, the outline points,
which are twice as uncertain as the others, pull less, and it goes on beyond the outline.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from skinprogress.face.canonical import N_VERTICES, mesh
from skinprogress.face.regions import FACE_OVAL
from skinprogress.records import Landmarks, Registration

_GRID = 64
# The grid reaches beyond the frame: a refined place may lie outside of it.
_LOW, _HIGH = -0.15, 1.15
_SMOOTHING = 1e-2
_OUTLINE_VARIANCE = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class FaceMap:
    """Photo position of every canonical place.

    Attributes
    ----------
    grid_xy : (64, 64, 2) float64
        Photo px (edges at integers) at the nodes of a grid over the frame and a little beyond; bilinear in between.
    shift : (G, G, 2) float32 or None
        Added to a canonical place before the grid is read, shares of the frame: see
        :class:`~skinprogress.records.Registration`.
    """

    grid_xy: npt.NDArray[np.float64]
    shift: npt.NDArray[np.float32] | None = None

    def at(self, uv: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Photo positions (n, 2) of canonical places (n, 2), shares of the frame."""
        # Positions relative to the first node keep float32 exact to a thousandth of a px in any photo.
        origin = self.grid_xy[0, 0]
        found = _look_up(self.grid_xy - origin, self._moved(uv[None].astype(np.float32)))
        return np.asarray(found[0].astype(np.float64) + origin)

    def over_frame(self, side_px: int) -> npt.NDArray[np.float32]:
        """Photo positions (S, S, 2) float32 of the middles of all canonical px, also off the face."""
        return _look_up(self.grid_xy, self._moved(_frame_places(side_px)))

    def _moved(self, uv: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if self.shift is None:
            return uv
        return np.asarray(
            uv + read_grid(self.shift, uv * np.float32(self.shift.shape[0]) - np.float32(0.5)), np.float32
        )

    def px_per_px(self, side_px: int) -> npt.NDArray[np.float32]:
        """Photo px per canonical px, (S, S) float32: root of the Jacobian determinant, negative where folded.

        Of the landmarks' map alone: the refinement changes it by less than it can be known.
        """
        step = (_HIGH - _LOW) / _GRID * side_px
        du, dv = np.gradient(self.grid_xy, step, axis=1), np.gradient(self.grid_xy, step, axis=0)
        determinant = _cross(du, dv)
        return _look_up(np.sign(determinant) * np.sqrt(np.abs(determinant)), _frame_places(side_px))

    def moved(self, low_xy: npt.NDArray[np.float64], factor: npt.NDArray[np.float64]) -> "FaceMap":
        """The same map in the px of a part of the photo that begins at ``low_xy`` and is scaled by ``factor``."""
        return replace(self, grid_xy=(self.grid_xy - low_xy) * factor)

    def refined(self, registration: Registration | None) -> "FaceMap":
        """This map of the landmarks, with the shift of a registration."""
        return self if registration is None else replace(self, shift=registration.shift)

    def places(self, points_xy: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Canonical places (n, 2) of photo positions (n, 2): the way back, by Newton's method.

        Positions far off the face come back as NaN.
        """
        nodes = self.grid_xy.reshape(-1, 2)
        nearest = np.asarray(KDTree(nodes).query(points_xy)[1])
        uv = (np.stack([nearest % _GRID, nearest // _GRID], axis=1) + 0.5) / _GRID * (_HIGH - _LOW) + _LOW
        h = 2e-4
        for _ in range(12):
            here = self.at(uv)
            du, dv = (self.at(uv + np.array([h, 0.0])) - here) / h, (self.at(uv + np.array([0.0, h])) - here) / h
            left = points_xy - here
            determinant = _cross(du, dv)
            # Beyond the grid the map stands still: nothing is found from there.
            determinant[np.abs(determinant) < 1e-9] = np.inf
            step = np.stack([_cross(left, dv), _cross(du, left)], axis=1) / determinant[:, None]
            uv = uv + np.clip(step, -0.05, 0.05)
        missed = np.hypot(*(points_xy - self.at(uv)).T) > 1e-4 * np.ptp(nodes, axis=0).max()
        uv[missed] = np.nan
        return uv


def map_landmarks(landmarks: Landmarks) -> FaceMap:
    """The smooth map through the landmarks.

    Parameters
    ----------
    landmarks : Landmarks

    Returns
    -------
    FaceMap

    References
    ----------
    Bookstein 1989, "Principal warps: thin-plate splines and the decomposition of deformations"; smoothing with weights
    after Wahba 1990, "Spline Models for Observational Data".
    """
    grid = _spline() @ landmarks.points_xy[:N_VERTICES]
    return FaceMap(grid_xy=grid.reshape(_GRID, _GRID, 2))


@lru_cache(maxsize=1)
def _spline() -> npt.NDArray[np.float64]:
    """Linear operator (64 · 64, 468) from values at the mesh's vertices to a smoothing spline's values on the grid."""
    uv = mesh().uv.astype(np.float64)
    variance = np.ones(N_VERTICES)
    variance[list(FACE_OVAL)] = _OUTLINE_VARIANCE
    affine = np.column_stack([np.ones(N_VERTICES), uv])
    system = np.block([[_kernel(uv, uv) + _SMOOTHING * np.diag(variance), affine], [affine.T, np.zeros((3, 3))]])
    solved = np.linalg.inv(system)[:, :N_VERTICES]
    ticks = (np.arange(_GRID) + 0.5) / _GRID * (_HIGH - _LOW) + _LOW
    nodes = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    return np.asarray(np.column_stack([_kernel(nodes, uv), np.ones(len(nodes)), nodes]) @ solved)


def _kernel(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    squared = ((a[:, None] - b[None]) ** 2).sum(axis=2)
    return np.asarray(0.5 * squared * np.log(np.maximum(squared, 1e-12)))


def _cross(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])


def _frame_places(side_px: int) -> npt.NDArray[np.float32]:
    ticks = ((np.arange(side_px) + 0.5) / side_px).astype(np.float32)
    return np.stack(np.meshgrid(ticks, ticks), axis=-1)


def _look_up(grid: npt.NDArray[np.floating], uv: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    zoom = _GRID / (_HIGH - _LOW)
    on_grid = uv * np.float32(zoom) - np.float32(_LOW * zoom + 0.5)
    return read_grid(grid.astype(np.float32), on_grid)


def read_grid(grid: npt.NDArray[np.float32], at: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Bilinear values of a grid (h, w) or (h, w, k) at node coordinates (…, 2), x then y, edges repeated."""
    # Plane by plane: OpenCV 5 rounds positions to 1/32 where there are two channels, and is exact for one. Bilinear
    # throughout: its cubic does not keep a straight line straight.
    planes = [
        cv2.remap(plane, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
        for plane in (cv2.split(grid) if grid.ndim == 3 else [grid])
    ]
    return np.asarray(cv2.merge(planes) if grid.ndim == 3 else planes[0], np.float32)
