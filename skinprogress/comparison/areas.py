"""Areas of skin, cut into blocks: what a metric is in them, and how far that can be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

import numpy as np
import numpy.typing as npt

from skinprogress.comparison.faces import MeasuredFace
from skinprogress.comparison.lightmodel import CELLS, WARMTH
from skinprogress.comparison.uncertainty import Blocks, block_error, block_influence, cut_blocks
from skinprogress.face.regions import NECK, REGIONS, WHOLE_FACE, bare_face_mask, region_mask
from skinprogress.metrics.maps import sample_grid
from skinprogress.metrics.metric import Metric
from skinprogress.metrics.noise import noise_free_spread, shared_spread
from skinprogress.records import BoolArray, ClientPlan, Flag
from skinprogress.settings import Settings

_MAX_UNRESOLVED = 0.3
# Where noise makes up more of the variance than this, what is left after taking it out is not the skin's.
_MAX_NOISE = 0.5
# So many px of an area tell its brightness and its noise.
_ENOUGH_PX = 6000
# Shots may lie off each other by this share of the shortest wavelength: a spread loses 2 % by it.
_MAX_MISPLACED = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """A region (and what it is referred to) on given skin, cut into blocks.

    Attributes
    ----------
    region : str
    blocks : Blocks or None
        None for the neck: each photo has its own.
    rest : Blocks or None
        The reference region; None where it holds too little skin.
    n_px : int
    area_mm2 : float
        Infinite for the neck.
    """

    region: str
    blocks: Blocks | None
    rest: Blocks | None
    n_px: int
    flags: Flag
    area_mm2: float = float("inf")
    _found: dict[tuple[int, str, int], tuple["Part", float, float, npt.NDArray[np.float64]]] = field(
        default_factory=dict
    )

    def part(self, face: MeasuredFace, metric: Metric) -> "Part | None":
        """Where the metric is taken in one face; None where there is nothing."""
        return _of_neck(face, metric) if self.blocks is None else Part(face.maps[metric.name], self.blocks)

    def reference(self, face: MeasuredFace, metric: Metric) -> "Part | None":
        """What the metric is referred to in one face; None where there is nothing, or nothing is needed."""
        if metric.reference == "neck":
            return _of_neck(face, metric)
        return Part(face.maps[metric.name], self.rest) if metric.reference == "rest" and self.rest else None

    def read(self, part: "Part", metric: Metric) -> tuple[float, float, npt.NDArray[np.float64]]:
        """Statistic, share of px that were resolved, and influence of each block; kept, since metrics share maps."""
        key = (id(part.plane), metric.statistic, id(part.blocks))
        if key not in self._found:
            values = part.values
            finite = np.isfinite(values)
            block = part.blocks.block
            if not finite.all():
                values, block = values[finite], block[finite]
            found = block_influence(values, block, part.blocks.n_blocks, metric.statistic)
            # The part stays with what was found: of one that is gone, another could have the id.
            self._found[key] = (part, found[0], float(finite.mean()), found[1])
        return self._found[key][1:]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Blocks of skin, and the map that a metric is read from."""

    plane: npt.NDArray[np.float32]
    blocks: Blocks

    @property
    def values(self) -> npt.NDArray[np.float32]:
        """The map in the blocks, (n,) float32."""
        return self.plane.ravel()[self.blocks.where]


def _of_neck(face: MeasuredFace, metric: Metric) -> Part | None:
    return Part(face.neck.maps[metric.name], face.neck.blocks) if face.neck else None


def untreated_regions(plan: ClientPlan) -> tuple[str, ...]:
    """Regions of the face that no treatment of the course file touches; none where one does not say where it was."""
    treated = [set(t.areas) for t in plan.course.treatments]
    if not treated or not all(treated):
        return ()
    every = set.union(*treated)
    return () if WHOLE_FACE in every else tuple(r for r in REGIONS if r not in every and r != WHOLE_FACE)


def reference_regions(plan: ClientPlan) -> tuple[str, ...]:
    """What relative metrics refer to: the course file's region, else all untreated ones; empty: the rest."""
    wanted = plan.course.reference_region
    if wanted is not None and wanted in REGIONS and wanted != WHOLE_FACE:
        return (wanted,)
    return untreated_regions(plan)


def neck_is_treated(plan: ClientPlan) -> bool:
    """Whether the course file says that the neck was treated."""
    return any(NECK in t.areas for t in plan.course.treatments)


def cut_area(region: str, skin: BoolArray, face: MeasuredFace, *, plan: ClientPlan, settings: Settings) -> Area | None:
    """Cut one region of the given skin into blocks; None where it holds too little skin.

    Parameters
    ----------
    region : str
        One of the face's places.
    skin : (s, s) bool
        Usable skin of the face.
    face : MeasuredFace
    plan : ClientPlan
    settings : Settings

    Returns
    -------
    Area or None
    """
    if region == NECK:
        n_px = face.neck.blocks.where.size if face.neck else 0
        return Area(region=region, blocks=None, rest=None, n_px=n_px, flags=Flag.NONE)

    def cut(mask: BoolArray, least_mm2: float) -> Blocks | None:
        if float(np.sum(face.mm_per_px[mask] ** 2)) < least_mm2:
            return None
        return cut_blocks(mask, face.mm_per_px, block_mm=settings.block_mm)

    inside = face.marks[region] if region in face.marks else _region_on_grid(region, face.side_px)
    blocks = cut(skin & inside, settings.min_mark_mm2 if region in face.marks else settings.min_region_mm2)
    if blocks is None:
        return None
    # The reference is many times larger than the region: a quarter of its px place its median just as well.
    other = np.zeros_like(skin)
    quarter = (slice(None, None, 2), slice(None, None, 2))
    other[quarter] = _allowed(face, plan)[quarter] & skin[quarter] & ~inside[quarter]
    n_bare = np.count_nonzero(_bare_on_grid(face.side_px) & inside)
    return Area(
        region=region,
        blocks=blocks,
        rest=cut(other, settings.min_region_mm2 / 4.0),
        n_px=blocks.where.size,
        flags=Flag.LOW_COVERAGE if blocks.where.size < 0.5 * n_bare else Flag.NONE,
        area_mm2=float(np.sum(face.mm_per_px.ravel()[blocks.where] ** 2)),
    )


@lru_cache(maxsize=32)
def _region_on_grid(region: str, side_px: int) -> BoolArray:
    return np.ascontiguousarray(sample_grid(region_mask(region, side_px)))


@lru_cache(maxsize=2)
def _bare_on_grid(side_px: int) -> BoolArray:
    return np.ascontiguousarray(sample_grid(bare_face_mask(side_px)))


def _allowed(face: MeasuredFace, plan: ClientPlan) -> BoolArray:
    """Where the reference of relative metrics may lie."""
    wanted = reference_regions(plan) or (WHOLE_FACE,)
    return np.asarray(np.logical_or.reduce([_region_on_grid(region, face.side_px) for region in wanted]))


def applies_to(metric: Metric, region: str) -> bool:
    """Whether a metric is measured in a region at all.

    The whole face cannot be referred to the rest of the face, and of the neck there are the colours px by px alone.
    """
    if region == NECK:
        return metric.local and not metric.relative
    return not (metric.reference == "rest" and region == WHOLE_FACE) and region in (metric.regions or (region,))


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A metric in the area of one face.

    Attributes
    ----------
    value : float
        NaN where too much of the area is not resolved, or what the metric is referred to cannot be seen.
    influence : (n,) float64
        Of the blocks of skin that all faces of a comparison share, those of the area before those of the reference;
        see :func:`~skinprogress.comparison.uncertainty.block_influence`.
    own_error : float
        Standard error from blocks that no other photo has: those of the neck.
    """

    value: float
    influence: npt.NDArray[np.float64]
    own_error: float = 0.0


_NOTHING = Estimate(float("nan"), np.empty(0))


def estimate_area(face: MeasuredFace, metric: Metric, area: Area) -> Estimate:
    """The metric in the area of one face, and how each block of skin bears on it."""
    part = area.part(face, metric)
    if part is None:
        return _NOTHING
    value, resolved, influence = area.read(part, metric)
    if not metric.sparse and resolved < 1.0 - _MAX_UNRESOLVED:
        return _NOTHING
    if area.blocks is None:
        return Estimate(value, np.zeros(0), block_error(influence))
    value, influence = _without_noise(face, metric, part, value, influence)
    if not metric.relative:
        return Estimate(value, influence)
    reference = area.reference(face, metric)
    if reference is None:
        return _NOTHING
    rest, _, of_rest = area.read(reference, metric)
    if metric.reference == "neck":
        return Estimate(value - rest, influence, block_error(of_rest))
    return Estimate(value - rest, np.concatenate([influence, -of_rest]))


def _without_noise(
    face: MeasuredFace, metric: Metric, part: Part, value: float, influence: npt.NDArray[np.float64]
) -> tuple[float, npt.NDArray[np.float64]]:
    """A statistic without what the photo's noise adds to it; NaN where hardly anything else is in it."""
    if metric.power_gain is None or face.matched_noise is None:
        return value, influence
    some = part.blocks.where[:: 1 + part.blocks.where.size // _ENOUGH_PX]
    px_per_mm = float(np.median(face.seen_px_per_mm.ravel()[some]))
    brightness = face.data.log_luminance.ravel()[some]
    parts = [
        weight * part.variance_through(metric.power_gain, px_per_mm=px_per_mm) * part.brightness_factor(brightness)
        for part, weight in face.matched_noise
    ]
    noise = max(sum(parts), 0.0)
    if metric.statistic != "spread":
        return (value - noise if noise <= _MAX_NOISE * value else float("nan")), influence
    spread, share = noise_free_spread(part.plane.ravel()[some], noise)
    if not share <= _MAX_NOISE:
        return float("nan"), influence
    return spread, influence * (value / max(spread, 1e-9))


def estimate_shared(shots: Sequence[MeasuredFace], metric: Metric, area: Area) -> Estimate | None:
    """A spread that several shots of one session have in common: their noise differs, and drops out.

    Parameters
    ----------
    shots : sequence of MeasuredFace
        Made equally soft.
    metric : Metric
    area : Area

    Returns
    -------
    Estimate or None
        None for a single shot, for shots that do not lie well enough on each other (skin that is misplaced would count
        as noise), and for metrics that noise is not taken out of.
    """
    if metric.power_gain is None or metric.statistic != "spread" or metric.finest_mm is None or len(shots) < 2:
        return None
    misplaced_mm = max(face.misfit_mm(area.region) for face in shots)
    if area.blocks is None or not misplaced_mm <= _MAX_MISPLACED * metric.finest_mm:
        return None
    planes = [face.maps[metric.name].ravel()[area.blocks.where] for face in shots]
    values = [shared_spread(one, other) for one, other in combinations(planes, 2)]
    read = [area.read(Part(face.maps[metric.name], area.blocks), metric) for face in shots]
    value = float(np.mean(values))
    if min(resolved for _, resolved, _ in read) < 1.0 - _MAX_UNRESOLVED or not value > 0.0:
        return None
    influence = np.mean([i * (whole / value) for whole, _, i in read], axis=0)
    return Estimate(value, influence)


def within_error(baseline: Sequence[Estimate], followup: Sequence[Estimate] = ()) -> float:
    """Standard error that the patchiness of the skin leaves in a value, or in a difference of two sessions.

    Parameters
    ----------
    baseline, followup : sequence of Estimate
        Replicates of each session; without a follow-up the error is that of the mean of the first.

    Returns
    -------
    float
        NaN for fewer than two blocks. Of blocks that both sessions share, what differs from place to place cancels.
    """
    means = [np.mean([e.influence for e in group], axis=0) for group in (baseline, followup) if group]
    own = [float(np.mean([e.own_error**2 for e in group])) for group in (baseline, followup) if group]
    if not means[0].size:  # the neck
        return float(np.sqrt(sum(own)))
    shared = block_error(means[-1] - means[0] if followup else means[0])
    return float(np.sqrt(shared**2 + sum(own)))


def sensitivity(face: MeasuredFace, metric: Metric, area: Area) -> float:
    """How much the statistic moves when all px of the area move by one unit of the colour gradient.

    One, but for metrics that count px: there only those that are about to count do.
    """
    part = area.part(face, metric)
    if metric.ramp is None or part is None:
        return 1.0
    per_px = face.mm_per_px.ravel()[part.blocks.where] ** 2 if metric.statistic == "total" else np.float32(100.0)
    share = part.values / per_px
    slope = np.where((share > 0.0) & (share < 1.0), per_px / metric.ramp, 0.0)
    return float(slope.sum() if metric.statistic == "total" else slope.mean())


def light_error(face: MeasuredFace, metric: Metric, area: Area, *, value: float = 0.0) -> float:
    """Standard error that taking out the light has left in a metric of an area, in the metric's unit.

    Parameters
    ----------
    face : MeasuredFace
    metric : Metric
    area : Area
    value : float
        The metric's own, for metrics whose colour gradient depends on it.

    Returns
    -------
    float
        0 where the light was left alone, and for metrics that do not look at colour.
    """
    if face.light is None or metric.color_gradient is None or area.blocks is None:
        return 0.0
    gradient, side_px = metric.gradient_at(value), face.skin.shape[0]
    here = _shares(area.blocks.where, side_px)
    if metric.reference == "rest" and area.rest is not None:
        return face.light.standard_error(here - _shares(area.rest.where, side_px), gradient)
    # A lamp that tints one side of the face more than the other tints all of it, and the wall behind need not see it.
    whole_face = face.light.warmth_sd * float(np.array(gradient) @ WARMTH)
    error = np.hypot(face.light.standard_error(here - face.light.even_shares(), gradient), whole_face)
    return float(error) * sensitivity(face, metric, area)


def _shares(where: npt.NDArray[np.int64], side_px: int) -> npt.NDArray[np.float64]:
    """How many of the px lie in each of the light's cells, as shares, (CELLS, CELLS)."""
    rows, cols = where // side_px * CELLS // side_px, where % side_px * CELLS // side_px
    counts = np.bincount(rows * CELLS + cols, minlength=CELLS * CELLS).reshape(CELLS, CELLS)
    return np.asarray(counts / max(counts.sum(), 1))
