"""What part of the photos a composite shows: covered by every photo, and shaped to fill the picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skinprogress.outputs.alignment import Affine, Box, invert_affine
from skinprogress.records import Inspection

# Px of a photo that stay unused at its edges: what is drawn there mixes in px that do not exist.
_EDGE_PX = 2.0
_PARALLEL = 1e-9
_ROUNDS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """What all photos cover, in the frame that they are laid over each other in.

    Attributes
    ----------
    normals : (n, 2) float64
    limits : (n,) float64
        A place x is covered where ``normals @ x <= limits``.
    """

    normals: npt.NDArray[np.float64]
    limits: npt.NDArray[np.float64]

    def within(self, box: Box) -> "Reach":
        """The same, but for what lies outside a box; its sides may be infinite."""
        left, top, right, bottom = box
        sides = [((-1.0, 0.0), -left), ((0.0, -1.0), -top), ((1.0, 0.0), right), ((0.0, 1.0), bottom)]
        kept = [(normal, limit) for normal, limit in sides if np.isfinite(limit)]
        return Reach(
            np.vstack([self.normals, *(normal for normal, _ in kept)]),
            np.append(self.limits, [limit for _, limit in kept]),
        )

    def span(self, axis: int, across: tuple[float, float]) -> tuple[float, float]:
        """How far a box may reach along an axis (0: x, 1: y) that takes up ``across`` on the other one."""
        other = self.normals[:, 1 - axis]
        left = self.limits - np.maximum(other * across[0], other * across[1])
        along = self.normals[:, axis]
        ahead, behind = along > _PARALLEL, along < -_PARALLEL
        return float((left[behind] / along[behind]).max()), float((left[ahead] / along[ahead]).min())

    def fitted(self, box: Box) -> Box:
        """A box moved to where all photos cover it, and made smaller where there is no such place."""
        left, top, right, bottom = box
        for _ in range(_ROUNDS):
            left, right = _moved((left, right), self.span(0, (top, bottom)))
            top, bottom = _moved((top, bottom), self.span(1, (left, right)))
        return left, top, right, bottom


def _moved(part: tuple[float, float], room: tuple[float, float]) -> tuple[float, float]:
    size = min(part[1] - part[0], room[1] - room[0])
    start = min(max(part[0], room[0]), room[1] - size)
    return start, start + size


def find_reach(inspections: Sequence[Inspection], maps: Sequence[Affine]) -> Reach:
    """What all photos cover.

    Parameters
    ----------
    inspections : sequence of Inspection
    maps : sequence of (2, 3) float64
        Px of each photo to the frame.
    """
    normals, limits = [], []
    for inspection, to_frame in zip(inspections, maps, strict=True):
        back = invert_affine(to_frame)
        for row, length in zip(back, (inspection.width_px, inspection.height_px), strict=True):
            normals += [row[:2], -row[:2]]
            limits += [length - _EDGE_PX - row[2], row[2] - _EDGE_PX]
    return Reach(np.array(normals), np.array(limits))


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """One place to cut out of all photos.

    Attributes
    ----------
    core : (left, top, right, bottom)
        What must be seen, in the frame; covered by all photos.
    reach : Reach
    centered : bool
        Whether what is seen beside the core is the same on its left and right.
    """

    core: Box
    reach: Reach
    centered: bool = False

    def widened(self, aspect: float) -> Box:
        """The core, made wider or higher toward a ratio of width to height, as far as all photos reach."""
        left, top, right, bottom = self.core
        if right - left < aspect * (bottom - top):
            wanted = aspect * (bottom - top)
            left, right = _grow((left, right), wanted, self.reach.span(0, (top, bottom)), centered=self.centered)
        else:
            top, bottom = _grow((top, bottom), (right - left) / aspect, self.reach.span(1, (left, right)))
        return left, top, right, bottom


def _grow(
    part: tuple[float, float], wanted: float, room: tuple[float, float], *, centered: bool = False
) -> tuple[float, float]:
    """A longer part around a part, within a room: in its middle where there is place, else moved."""
    middle = (part[0] + part[1]) / 2
    low, high = min(room[0], part[0]), max(room[1], part[1])
    if centered:
        half = min(wanted / 2, middle - low, high - middle)
        return middle - half, middle + half
    size = min(wanted, high - low)
    start = min(max(middle - size / 2, low), high - size)
    return start, start + size


def common_size(cuts: Sequence[Cut], aspect: float) -> tuple[list[Box], float, float]:
    """Boxes of one size around all cores, and that size: the smallest of what each can be widened to."""
    boxes = [cut.widened(aspect) for cut in cuts]
    width = min(right - left for left, _, right, _ in boxes)
    height = min(bottom - top for _, top, _, bottom in boxes)
    middles = [((left + right) / 2, (top + bottom) / 2) for left, top, right, bottom in boxes]
    same = [(x - width / 2, y - height / 2, x + width / 2, y + height / 2) for x, y in middles]
    return same, width, height
