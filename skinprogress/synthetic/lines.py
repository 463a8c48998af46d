"""Lines of known depth, width and length painted on skin: wrinkles, and the red tracks of a roller."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_erosion
from scipy.spatial import cKDTree

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.synthetic.changes import inject_pigment, redness_per_unit

_STEP_MM = 0.05
_MARGIN_MM = 2.0
_TRIES = 2000
_FWHM_PER_SIGMA = 2.3548


@dataclass(frozen=True, slots=True, eq=False)
class DrawnLines:
    """Lines and where they are.

    Attributes
    ----------
    plane : (S, S) float32
        0..1: 1 on the centre line, half of it at half of the width beside it.
    paths_xy : tuple of (n, 2) float64
        Centre lines, px, px centres at integers.
    length_mm : float
        Sum of their lengths.
    """

    plane: npt.NDArray[np.float32]
    paths_xy: tuple[npt.NDArray[np.float64], ...]
    length_mm: float


def draw_lines(
    skin: npt.NDArray[np.bool_],
    mm_per_px: npt.NDArray[np.floating],
    *,
    n_lines: int,
    length_mm: float,
    width_mm: float,
    seed: int,
    dot_pitch_mm: float | None = None,
    radius_mm: float = np.inf,
    spacing_mm: float = 4.0,
) -> DrawnLines:
    """Draw lines of one length and width at random places, in random directions, apart from one another.

    Parameters
    ----------
    skin : (S, S) bool
        Where lines may lie, with 2 mm between them and its edge.
    mm_per_px : (S, S) float
        Millimetres of skin per px.
    n_lines : int
    length_mm, width_mm : float
        Length of the centre line, and full width at half of its depth.
    seed : int
    dot_pitch_mm : float or None
        Not a line but a row of round dots of that width, this far from one to the next (a roller: 1 to 1.5 mm).
    radius_mm : float
        Of the arc that each line follows; the default is straight.
    spacing_mm : float
        Least distance between two lines.

    Returns
    -------
    DrawnLines

    Raises
    ------
    ValueError
        There is no room for so many.
    """
    rng = np.random.default_rng(seed)
    scale = float(np.median(mm_per_px[skin])) if skin.any() else 1.0
    room = np.asarray(binary_erosion(skin, iterations=max(1, round(_MARGIN_MM / scale))), np.bool_)
    starts = np.argwhere(room)
    paths: list[npt.NDArray[np.float64]] = []
    for _ in range(_TRIES if len(starts) else 0):
        if len(paths) == n_lines:
            break
        row, column = starts[rng.integers(len(starts))]
        angle, turn = rng.uniform(0.0, 2.0 * np.pi), rng.choice([-1.0, 1.0]) / radius_mm
        path = _walk(np.array([column, row], float), angle, turn, room, mm_per_px, length_mm)
        if path is None:
            continue
        apart = np.asarray(cKDTree(np.concatenate(paths)).query(path)[0]) * scale if paths else np.array([np.inf])
        if apart.min() < spacing_mm:
            continue
        paths.append(path)
    if len(paths) < n_lines:
        raise ValueError(
            f"only {len(paths)} of {n_lines} lines of {length_mm} mm find room: draw fewer or shorter ones"
        )
    every = 1 if dot_pitch_mm is None else round(dot_pitch_mm / _STEP_MM)
    marks = np.concatenate([path[::every] for path in paths]) if paths else np.empty((0, 2))
    return DrawnLines(_profile(marks, mm_per_px, width_mm), tuple(paths), n_lines * length_mm)


def paint_wrinkles(linear_rgb: npt.NDArray[np.floating], lines: DrawnLines, *, depth: float) -> npt.NDArray[np.float32]:
    """Darken lines by an optical density, all channels alike.

    Parameters
    ----------
    linear_rgb : (S, S, 3) float
    lines : DrawnLines
    depth : float
        On the centre line, natural-log units: 0.1 takes a tenth of the light.

    Returns
    -------
    (S, S, 3) float32
        A new array.
    """
    darker = np.exp(np.float32(-depth) * lines.plane)[..., None]
    return np.asarray(linear_rgb * darker, np.float32)


def paint_red_tracks(
    linear_rgb: npt.NDArray[np.floating], lines: DrawnLines, *, height_a_star: float
) -> npt.NDArray[np.float32]:
    """Redden lines with haemoglobin.

    Parameters
    ----------
    linear_rgb : (S, S, 3) float
    lines : DrawnLines
    height_a_star : float
        On the centre line, a*-equivalents of the redness index.

    Returns
    -------
    (S, S, 3) float32
        A new array.
    """
    amount = height_a_star * EI_PER_A_STAR / redness_per_unit("haemoglobin")
    return inject_pigment(linear_rgb, np.float32(amount) * lines.plane, direction="haemoglobin")


def _walk(
    start_xy: npt.NDArray[np.float64],
    angle: float,
    turn_per_mm: float,
    room: npt.NDArray[np.bool_],
    mm_per_px: npt.NDArray[np.floating],
    length_mm: float,
) -> npt.NDArray[np.float64] | None:
    """Points every 0.05 mm of skin; None where the line leaves the room."""
    heading = angle + turn_per_mm * _STEP_MM * np.arange(round(length_mm / _STEP_MM))
    steps_mm = _STEP_MM * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    at = round(start_xy[1]), round(start_xy[0])
    scale = np.full(len(heading), float(mm_per_px[at]))
    limit = np.array(room.shape[::-1])
    # The scale changes little along a line: known from a first walk, it is right in the second and third.
    for _ in range(3):
        path = np.concatenate([start_xy[None], start_xy + np.cumsum(steps_mm / scale[:, None], axis=0)])
        columns, rows = np.round(path).astype(int).T
        if (path < 0.0).any() or (path > limit - 1).any() or not room[rows, columns].all():
            return None
        scale = np.asarray(mm_per_px[rows[:-1], columns[:-1]], np.float64)
    return path


def _profile(
    marks_xy: npt.NDArray[np.float64], mm_per_px: npt.NDArray[np.floating], width_mm: float
) -> npt.NDArray[np.float32]:
    """Gaussian of the distance in mm to the nearest mark."""
    plane = np.zeros(mm_per_px.shape, np.float32)
    if not len(marks_xy):
        return plane
    sigma_mm = width_mm / _FWHM_PER_SIGMA
    known = np.isfinite(mm_per_px)
    reach_px = 4.0 * sigma_mm / float(mm_per_px[known].min())
    rows, columns = np.nonzero(known)
    places = np.column_stack([columns, rows])
    distance = np.asarray(cKDTree(marks_xy).query(places, distance_upper_bound=reach_px)[0])
    near = np.isfinite(distance)
    rows, columns = rows[near], columns[near]
    plane[rows, columns] = np.exp(-0.5 * (distance[near] * mm_per_px[rows, columns] / sigma_mm) ** 2)
    return plane
