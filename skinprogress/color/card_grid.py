"""Flat squares of like size that stand in a grid: what a colour card looks like before its colours are compared."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

MIN_GRID = 6
_EDGE_PX = 3.0  # what the steps at its edges take from the width of a square
_MIN_SIDE_PX, _MAX_SIDE_PX = 5, 200

Grid = dict[tuple[int, int], int]
"""Place in the grid to index of the square."""
Vector = npt.NDArray[np.float64]
_Found = tuple[tuple[int, int], int, Vector]


@dataclass(frozen=True, slots=True, eq=False)
class Squares:
    """Centres, (n, 2), and lengths of the sides, (n,), px; pixel edges at integers."""

    centers_xy: npt.NDArray[np.float64]
    sides: npt.NDArray[np.float64]


def find_squares(soft: npt.NDArray[np.uint8], flat_step: int) -> Squares:
    """Find flat places that are about as wide as they are high and have neighbours of the same kind.

    Parameters
    ----------
    soft : (H, W, 3) uint8
        A photo, a little blurred.
    flat_step : int
        Px that differ from their neighbours by more than this in a channel are taken for an edge.

    Returns
    -------
    Squares
    """
    step = cv2.morphologyEx(soft, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    red, green, blue = cv2.split(step)
    flat = cv2.threshold(cv2.max(cv2.max(red, green), blue), flat_step, 255, cv2.THRESH_BINARY_INV)[1]
    # A grain of noise within a patch leaves its outline whole; labelled components take ten times as long.
    outlines, _ = cv2.findContours(flat, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    centers, sides = [], []
    for outline in outlines:
        if len(outline) < 4:
            continue
        short, long = sorted(cv2.boundingRect(outline)[2:])
        if short < _MIN_SIDE_PX or long > min(2.2 * short, _MAX_SIDE_PX):
            continue
        center, (a, b), _ = cv2.minAreaRect(outline)
        # Outlines run through px centres.
        if cv2.contourArea(outline) > 0.72 * a * b and max(a, b) + 1.0 < 2.0 * (min(a, b) + 1.0):
            centers.append((center[0] + 0.5, center[1] + 0.5))
            sides.append(np.sqrt((a + 1.0) * (b + 1.0)) + _EDGE_PX)
    return _with_neighbors(Squares(np.array(centers, np.float64).reshape(-1, 2), np.array(sides, np.float64)), soft)


def _with_neighbors(squares: Squares, soft: npt.NDArray[np.uint8]) -> Squares:
    """Those that have at least two neighbours of like size and another colour, as all patches of a card do."""
    n = len(squares.sides)
    if n < MIN_GRID:
        return Squares(np.zeros((0, 2)), np.zeros(0))
    away, other = cKDTree(squares.centers_xy).query(squares.centers_xy, k=min(16, n))
    col, row = squares.centers_xy.astype(int).T
    color = soft[row, col].astype(np.int16)
    differs = np.abs(color[other] - color[:, None]).max(axis=2) > 6 + 0.08 * color.max(axis=1)[:, None]
    side = squares.sides[:, None]
    neighbors = (
        (away > 0.75 * side) & (away < 1.7 * side) & (np.abs(np.log(squares.sides[other] / side)) < 0.5) & differs
    )
    keep = np.ones(n, bool)
    for _ in range(3):
        keep = (neighbors & keep[other]).sum(axis=1) >= 2
    return Squares(squares.centers_xy[keep], squares.sides[keep])


def grow_grids(squares: Squares) -> Iterator[Grid]:
    """Join squares that continue each other along two directions.

    Parameters
    ----------
    squares : Squares

    Yields
    ------
    dict of (int, int) to int
        Place in the grid to index of the square; at least six of them. Directions and handedness are arbitrary.
    """
    taken = np.zeros(len(squares.sides), bool)
    for seed in range(len(taken)):
        axes = None if taken[seed] else _axes(squares, seed)
        if axes is None:
            continue
        grid: Grid = {(0, 0): seed}
        waiting = deque([((0, 0), *axes)])
        while waiting:
            place, u, v = waiting.popleft()
            for new, k, step in _continue(squares, grid, place, u, v):
                grid[new] = k
                # Perspective bends the steps a little from square to square.
                waiting.append((new, (u + step) / 2, v) if new[0] != place[0] else (new, u, (v + step) / 2))
        if len(grid) >= MIN_GRID:
            taken[list(grid.values())] = True
            yield grid


def _continue(squares: Squares, grid: Grid, place: tuple[int, int], u: Vector, v: Vector) -> list[_Found]:
    """Squares next to one of the grid, where its steps say that they should be: place, index, step along its axis."""
    here, side = squares.centers_xy[grid[place]], squares.sides[grid[place]]
    found = []
    for di, dj, along in ((1, 0, u), (-1, 0, -u), (0, 1, v), (0, -1, -v)):
        new = (place[0] + di, place[1] + dj)
        away = np.hypot(*(squares.centers_xy - (here + along)).T)
        k = int(away.argmin())
        like = 0.6 < squares.sides[k] / side < 1.65
        if new not in grid and like and away[k] < 0.22 * np.hypot(*along) and k not in grid.values():
            found.append((new, k, (squares.centers_xy[k] - here) * (di + dj)))
    return found


def _axes(squares: Squares, seed: int) -> tuple[Vector, Vector] | None:
    """Steps to two neighbours of a square that lie in directions well apart."""
    side = squares.sides[seed]
    steps = squares.centers_xy - squares.centers_xy[seed]
    away = np.hypot(*steps.T)
    near = np.flatnonzero((away > 0.75 * side) & (away < 1.7 * side) & (np.abs(np.log(squares.sides / side)) < 0.5))
    near = near[np.argsort(away[near])]
    for k in near[1:]:
        u, v = steps[near[0]], steps[k]
        if abs(u[0] * v[1] - u[1] * v[0]) > 0.7 * away[near[0]] * away[k]:
            return u, v
    return None
