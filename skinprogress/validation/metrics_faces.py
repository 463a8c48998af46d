"""What is tested on one aligned face alone: spots painted on it, and what measuring it costs."""

import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import cv2
import numpy as np

from skinprogress.comparison.measuring import measure_face
from skinprogress.metrics.inputs import MetricInput, prepare_input
from skinprogress.metrics.maps import Layers, compute_maps, grid_step, make_layers
from skinprogress.metrics.spot_finding import find_spots, smallest_mm
from skinprogress.metrics.table import METRICS
from skinprogress.pipeline.inspecting import inspect_photo
from skinprogress.pipeline.measuring import align_and_correct, measure_photo
from skinprogress.pipeline.planning import plan_client, reference_scale
from skinprogress.records import Course, PhotoRef, SpotKind
from skinprogress.settings import Settings
from skinprogress.synthetic.spots import paint_spots
from skinprogress.validation.color_scores import grouped
from skinprogress.validation.table import Figure, wilson_interval

KINDS: tuple[SpotKind, ...] = ("red", "brown")
SPOTS_MM = (1.0, 4.0)
"""Diameters of painted spots."""

_N_SPOTS = 16
_AWAY_MM = 1.5  # from the client's own spots
_REPEATS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotScore:
    """Spots of one kind, painted on one face.

    Attributes
    ----------
    n_painted, n_found, n_false : int
        Painted; found of these; found where there was none before and none was painted.
    area_ratios : tuple of float
        Found over painted area of those found.
    """

    kind: SpotKind
    n_painted: int
    n_found: int
    n_false: int
    area_ratios: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceScore:
    """What was tried on one aligned face.

    Attributes
    ----------
    file : str
    spots : tuple of SpotScore
    map_ms : dict of str to float
        Metric to ms of its map on one core. What several share (lightness, blurs, spots) is told of the first of them.
    all_ms : float
        Everything that is measured of an aligned face, with light and standard errors.
    peak_mb : float
        Most memory of arrays while the maps are made, beyond the face itself.
    """

    file: str
    spots: tuple[SpotScore, ...] = ()
    map_ms: Mapping[str, float] = field(default_factory=dict)
    all_ms: float = float("nan")
    peak_mb: float = float("nan")


def score_face(ref: PhotoRef, *, seed: Sequence[int], timed: bool, settings: Settings) -> FaceScore:
    """Align the face of a photo, paint spots on it, find them, and time its metrics.

    Parameters
    ----------
    ref : PhotoRef
    seed : sequence of int
    timed : bool
        Measure time and memory too.
    settings : Settings

    Returns
    -------
    FaceScore

    Raises
    ------
    PhotoError
        No face that could be measured.
    """
    inspection = inspect_photo(ref, settings=settings)
    plan, _ = plan_client([inspection], client="", sessions=[ref.session], course=Course(), settings=settings)
    if ref.file not in plan.view_of:
        return FaceScore(file=ref.file)
    mm_per_px = reference_scale(plan, plan.view_of[ref.file], {ref.file: inspection})
    align = partial(align_and_correct, inspection, plan, mm_per_px=mm_per_px, reference=None)
    face = align().face
    data = prepare_input(face)
    number = int(np.random.default_rng(seed).integers(2**31))
    spots = tuple(score_spots(data, kind, seed=number) for kind in KINDS)
    if not timed:
        return FaceScore(file=ref.file, spots=spots)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:

        def measure() -> None:
            measured, _ = measure_photo(inspection, plan, mm_per_px=mm_per_px, reference=None, settings=settings)
            measure_face(measured, plan=plan, settings=settings)

        # Aligning is no part of what is asked for, but measuring a photo begins with it.
        spent = [_milliseconds(measure) - _milliseconds(align) for _ in range(_REPEATS)]
        runs = [time_maps(data, step=grid_step(face.skin.shape[0])) for _ in range(_REPEATS)]
        peak = _peak_mb(partial(time_maps, data, step=grid_step(face.skin.shape[0])))
    finally:
        cv2.setNumThreads(threads)
    map_ms = {name: float(np.median([run[name] for run in runs])) for name in runs[0]}
    return FaceScore(file=ref.file, spots=spots, map_ms=map_ms, all_ms=float(np.median(spent)), peak_mb=peak)


def score_spots(data: MetricInput, kind: SpotKind, *, seed: int) -> SpotScore:
    """Paint spots away from the client's own, and see which are found.

    Parameters
    ----------
    data : MetricInput
        An aligned face.
    kind : {'red', 'brown'}
    seed : int

    Returns
    -------
    SpotScore
        No spots where the photo is too coarse for them.
    """
    own = find_spots(replace(data), kind)
    scale = float(np.nanmedian(data.mm_per_px[data.skin])) if data.skin.any() else 1.0
    reach = 2 * round(_AWAY_MM / scale) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    taken = cv2.dilate((own.labels > 0).astype(np.uint8), kernel) > 0
    with np.errstate(invalid="ignore"):
        room = own.measured & ~taken & (smallest_mm(data) <= SPOTS_MM[0])
    rgb, painted = paint_spots(
        data.linear_rgb, room, data.mm_per_px, kind=kind, n_spots=_N_SPOTS, seed=seed, diameter_mm=SPOTS_MM
    )
    found = find_spots(replace(data, linear_rgb=rgb), kind).spots
    ratios, matched = [], set[int]()
    for spot in painted:
        near = [
            (float(np.hypot(f.row - spot.row, f.col - spot.col)) * scale, i)
            for i, f in enumerate(found)
            if i not in matched
        ]
        distance, nearest = min(near, default=(float("inf"), -1))
        if distance <= spot.diameter_mm / 2.0:
            matched.add(nearest)
            ratios.append(found[nearest].area_mm2 / spot.area_mm2)
    before = {i for i, f in enumerate(found) if taken[round(f.row), round(f.col)]}
    return SpotScore(
        kind=kind, n_painted=len(painted), n_found=len(matched), n_false=len(found) - len(matched | before),
        area_ratios=tuple(ratios),
    )  # fmt: skip


def time_maps(data: MetricInput, *, step: int) -> dict[str, float]:
    """Milliseconds that the map of each metric takes, in the order of the table, on a face that nothing is known of."""
    layers: list[Layers] = []
    fresh = replace(data)  # without what was kept
    spent = {"preparing": _milliseconds(lambda: layers.append(make_layers(fresh, bare=fresh, step=step)))}
    for metric in METRICS.values():
        spent[metric.name] = _milliseconds(partial(compute_maps, layers[0], [metric]))
    return spent


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return 1000.0 * (time.perf_counter() - start)


def _peak_mb(call: Callable[[], object]) -> float:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def face_figures(kind: str, faces: Sequence[FaceScore]) -> list[Figure]:
    """Spots found again over all faces, and the cost of the median face."""
    new = partial(Figure, kind=kind, method="any", subject="all")
    found: list[Figure] = []
    for kind_of_spot, scores in grouped((s for face in faces for s in face.spots if s.n_painted), lambda s: s.kind):
        n, n_found, n_false = (sum(getattr(s, what) for s in scores) for what in ("n_painted", "n_found", "n_false"))
        spot = partial(new, tier="T0", test="spots", metric=f"{kind_of_spot} spots of 1–4 mm", unit="share")
        for figure, hits, trials in (("recall", n_found, n), ("precision", n_found, n_found + n_false)):
            if trials:
                low, high = wilson_interval(hits / trials, trials)
                values = {figure: hits / trials, f"{figure}_low": low, f"{figure}_high": high}
                found += [spot(figure=f, value=v, n=trials) for f, v in values.items()]
        ratios = np.array([ratio for s in scores for ratio in s.area_ratios])
        if ratios.size:
            off = np.abs(ratios - 1.0)
            values = {
                "area_bias_median": float(np.median(ratios)) - 1.0, "area_error_median": float(np.median(off)),
                "area_error_p95": float(np.percentile(off, 95.0)),
            }  # fmt: skip
            found += [spot(figure=f, value=v, n=ratios.size) for f, v in values.items()]
    timed = [face for face in faces if face.map_ms]
    if timed:
        cost = partial(new, tier="T4", test="cost", n=len(timed))
        for name in timed[0].map_ms:
            spent = float(np.median([face.map_ms[name] for face in timed]))
            found.append(cost(metric=name, figure="milliseconds", value=spent, unit="ms"))
        maps = float(np.median([sum(face.map_ms.values()) for face in timed]))
        everything, peak = (float(np.median([getattr(f, a) for f in timed])) for a in ("all_ms", "peak_mb"))
        found.append(cost(metric="all maps", figure="milliseconds", value=maps, unit="ms"))
        found.append(cost(metric="everything", figure="milliseconds", value=everything, unit="ms"))
        found.append(cost(metric="all maps", figure="peak_memory", value=peak, unit="MB"))
    return found
