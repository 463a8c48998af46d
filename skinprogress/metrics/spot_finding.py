"""Small red and brown spots, 0.5 to 4 mm across: where they are, how large, and how much they stand out.

References
----------
Lindeberg 1998, "Feature detection with automatic scale selection", Int J Comput Vis 30: blobs as maxima over place and
scale. The indices that the spots are looked for in are those of :mod:`~skinprogress.metrics.redness` and
:mod:`~skinprogress.metrics.pigmentation`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.metrics.blood import find_blood
from skinprogress.metrics.inputs import MIN_PX, FloatMap, MetricInput
from skinprogress.metrics.spot_places import Places, measure_places
from skinprogress.metrics.spot_planes import KINDS, NOISE_FACTOR, VISIBLE, Kind, Scene, blur_log_rgb, spot_scene
from skinprogress.records import SpotKind

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

SMALLEST_MM, LARGEST_MM = 0.5, 4.0
# Where not even spots of this size are resolved nothing is said.
COARSEST_MM = 2.0

# A level of the scale space shows less of a spot than its own size does: candidates need this share of the limits.
_CANDIDATE = 0.6
# Widths of neighbouring levels of the scale space; a disc answers best to the level between two of them.
_RATIO = 1.6
# Answer of that level to a disc of contrast 1: exp(-1 / ratio) - exp(-ratio).
_DISC = float(np.exp(-1.0 / _RATIO) - np.exp(-_RATIO))


@dataclass(frozen=True, slots=True)
class Spot:
    """One spot.

    Attributes
    ----------
    row, col : float
        Centre, px of the frame (the middle of the first px is 0).
    diameter_mm : float
        Of a disc of the same area.
    area_mm2 : float
        Within the contour of half the contrast.
    contrast : float
        Mean index within it minus that of the ring around it: a*-equivalents (red), optical density (brown).
    """

    row: float
    col: float
    diameter_mm: float
    area_mm2: float
    contrast: float


@dataclass(frozen=True, eq=False)
class Spots:
    """The spots of one kind on a face.

    Attributes
    ----------
    spots : tuple of Spot
    labels : (S, S) int32
        Number of the spot on each px, from 1 in the order of ``spots``; 0 elsewhere.
    measured : (S, S) bool
        Skin on which spots of 2 mm can be seen.
    """

    spots: tuple[Spot, ...]
    labels: npt.NDArray[np.int32]
    measured: Mask


def find_spots(data: MetricInput, kind: SpotKind) -> Spots:
    """Find the spots of one kind.

    Parameters
    ----------
    data : MetricInput
    kind : {'red', 'brown'}

    Returns
    -------
    Spots
        Found once per face and kind.

    Notes
    -----
    A red spot stands out in the erythema index and, a third as much as blood would or more, in darkness and in the
    haemoglobin index: blocks of JPEG colour are not dark, and brown moles have no haemoglobin. A brown spot stands out
    in the melanin index and is darker than its blood explains. What is more than twice as long as wide (lines, hairs,
    rims) is no spot, nor what touches the border of the skin mask, nor blood on the skin. Where a photo shows the
    smallest spots with less than 2.5 px, only larger ones count: photos of different resolution have different counts.
    """
    found = data.kept(f"spot planes:{kind}", lambda face: _find(face, kind))
    data.kept(f"spots:{kind}", lambda _: found.spots)
    return found


def list_spots(data: MetricInput, kind: SpotKind) -> tuple[Spot, ...]:
    """The spots of one kind: :func:`find_spots` without its planes, which are large and not stored with a face."""
    return data.kept(f"spots:{kind}", lambda face: find_spots(face, kind).spots)


def _find(data: MetricInput, kind: SpotKind) -> Spots:
    smallest = smallest_mm(data)
    with np.errstate(invalid="ignore"):
        measured = data.skin & (smallest <= COARSEST_MM)
    labels = np.zeros(data.skin.shape, np.int32)
    if not measured.any():
        return Spots((), labels, measured)
    row_col, radius = data.kept("spots:candidates", _candidates)[kind]
    if not len(radius):
        return Spots((), labels, measured)
    found = measure_places(data, kind, row_col, radius)
    good = found.is_spot(VISIBLE[kind])
    at = np.clip(np.round(found.row_col).astype(int), 0, len(labels) - 1)
    least = smallest[at[:, 0], at[:, 1]]
    good &= (measured & ~find_blood(data))[at[:, 0], at[:, 1]]
    good &= (found.diameter_mm >= 0.9 * least) & (found.diameter_mm <= 1.15 * LARGEST_MM)
    kept: list[int] = []
    for i in np.flatnonzero(good).tolist():  # strongest first
        if not labels[at[i, 0], at[i, 1]]:
            kept.append(i)
            _draw(labels, found, i, len(kept))
    labels[:] = 0
    # Where outlines overlap, the px belong to the stronger spot.
    for number, i in reversed(list(enumerate(kept, start=1))):
        _draw(labels, found, i, number)
    figures = np.stack([*found.row_col.T, found.diameter_mm, found.area_mm2, found.contrast], axis=1)[kept]
    return Spots(tuple(Spot(*row) for row in figures.tolist()), labels, measured)


def _draw(labels: npt.NDArray[np.int32], found: Places, i: int, number: int) -> None:
    # Polygons are filled with the px that their outline runs through: half a px too far.
    outline = found.outline_xy(i, grown_px=-0.5)
    cv2.fillPoly(labels, [np.round(16.0 * outline).astype(np.int32)], number, cv2.LINE_8, 4)
    row, col = np.clip(np.round(found.row_col[i]).astype(int), 0, len(labels) - 1)
    labels[row, col] = number


def smallest_mm(data: MetricInput) -> FloatMap:
    """Diameter of the smallest spots that count, mm, (S, S) float32: 0.5, or what 2.5 px of photo and frame show."""
    return data.kept("spots:smallest", _smallest)


def _smallest(data: MetricInput) -> FloatMap:
    with np.errstate(divide="ignore", invalid="ignore"):
        shown = MIN_PX * np.maximum(1.0 / data.photo_px_per_mm, data.mm_per_px)
    return np.asarray(np.maximum(shown, np.float32(SMALLEST_MM)), np.float32)


def _levels(data: MetricInput, scene: Scene) -> Iterator[tuple[int, float, FloatMap]]:
    """Differences of Gaussians of ln RGB: step of the grid, diameter in mm that answers best, (h, w, 3) float32."""
    least = float(np.percentile(smallest_mm(data)[data.skin][::16], 10.0))
    # The first level answers best to spots a little larger than the smallest: its blur takes the noise of single px.
    n_levels = 1 + int(np.ceil(np.log(LARGEST_MM / least) / np.log(_RATIO) - 0.3))
    diameters = [max(least * 1.1, 0.6) * _RATIO**k for k in range(n_levels)]
    at, step = 0.0, 1
    plane = scene.log_rgb
    for k in range(n_levels + 1):
        sigma = diameters[0] * _RATIO ** (k - 0.5) / np.sqrt(8.0) / scene.mm_per_px
        wider = blur_log_rgb(plane, float(np.sqrt(sigma**2 - at**2)) / step)
        if k:
            yield step, diameters[k - 1], np.subtract(plane, wider, out=plane)
        plane, at = wider, float(sigma)
        while at / step > 1.6:  # what is this smooth keeps all it has on every other px
            plane, step = np.ascontiguousarray(plane[::2, ::2]), 2 * step


def _candidates(data: MetricInput) -> dict[SpotKind, tuple[Floats, Floats]]:
    """By kind: places (n, 2) in the frame and radii in mm, strongest first."""
    scene = spot_scene(data)
    found: dict[SpotKind, list[tuple[Floats, Floats, FloatMap]]] = {kind: [] for kind in KINDS}
    # Both kinds level by level: all levels at once are large.
    for step, diameter, level in _levels(data, scene):
        for kind, what in KINDS.items():
            places, answers = _peaks(level, scene, what, step)
            found[kind].append((places, np.full(len(places), diameter / 2.0), answers))
    by_kind = {}
    for kind, parts in found.items():
        places, radii, answers = (np.concatenate(one) for one in zip(*parts, strict=True))
        order = np.argsort(-answers, kind="stable")
        by_kind[kind] = places[order], radii[order]
    return by_kind


def _peaks(level: FloatMap, scene: Scene, what: Kind, step: int) -> tuple[Floats, FloatMap]:
    """Where one level may show spots of a kind, (n, 2) in the frame, and how clearly."""
    answer = np.asarray(cv2.transform(level, what.weights[:1]), np.float32)
    inside = scene.skin[::step, ::step]
    peak = answer >= np.maximum(
        cv2.dilate(answer, np.ones((3, 3), np.uint8)), np.float32(_DISC * _CANDIDATE * what.visible)
    )
    rows, cols = np.nonzero(peak & inside)
    shares = level[rows, cols] @ what.weights[1:].T / answer[rows, cols, None]
    agreed = (shares >= _CANDIDATE * what.shares).all(axis=1)
    rows, cols = rows[agreed], cols[agreed]
    noise = _scatter(answer, inside, 8.0 / scene.mm_per_px / step, rows, cols)
    clear = answer[rows, cols] >= NOISE_FACTOR * noise
    rows, cols = rows[clear], cols[clear]
    places = np.stack([rows, cols], axis=1) * step + (scene.top, scene.left)
    return places.astype(np.float64), answer[rows, cols]


def _scatter(
    plane: FloatMap, inside: Mask, reach_px: float, rows: npt.NDArray[np.intp], cols: npt.NDArray[np.intp]
) -> FloatMap:
    """Standard deviation of a band-passed plane around some px; the spots themselves hardly enter."""
    step = max(1, int(reach_px / 5.0))
    # Every other px will do: neighbours are alike in a blurred plane.
    thin = 2 if step > 1 else 1
    size, mask = np.abs(plane[::thin, ::thin]), inside[::thin, ::thin]
    if not mask.any():
        return np.zeros(len(rows), np.float32)
    limit = 3.0 * 1.4826 * float(np.median(size[mask][::16]))
    size = np.minimum(size, np.float32(limit)) * mask
    small = (-(-plane.shape[1] // step), -(-plane.shape[0] // step))
    total, weight = (
        cv2.GaussianBlur(cv2.resize(p, small, interpolation=cv2.INTER_AREA), (0, 0), reach_px / step)
        for p in (size, mask.astype(np.float32))
    )
    mean = np.asarray(total / np.maximum(weight, 1e-3), np.float32)
    return np.float32(1.2533) * mean[rows // step, cols // step]
