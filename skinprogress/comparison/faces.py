"""Faces whose metrics are computed, and the measurements of their regions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from skinprogress.comparison.calibration import color_error, session_error
from skinprogress.comparison.light import LightFit
from skinprogress.comparison.lightmodel import CELLS, WARMTH
from skinprogress.comparison.uncertainty import (
    Blocks,
    cut_blocks,
    region_statistic,
    resampled_statistic,
    resampling_error,
)
from skinprogress.face.refinement import NOTHING_FOUND_PERCENT, SHOWS_PORES_IOD_PX
from skinprogress.face.regions import REGIONS, WHOLE_FACE, bare_face_mask, region_mask
from skinprogress.face.skin import Coverage
from skinprogress.metrics.inputs import MetricInput
from skinprogress.metrics.table import METRICS, Metric
from skinprogress.records import (
    ClientPlan,
    ColorCorrection,
    Flag,
    Inspection,
    Measurement,
    PhotoLight,
    PhotoRef,
    Registration,
    View,
)
from skinprogress.settings import Settings

# Region statistics are taken on a grid of this side, every second or third canonical px: neighbours repeat each other.
STATISTICS_SIDE = 512
# More px than this add nothing to a bootstrap over blocks.
_MAX_BOOTSTRAP_PX = 20_000
_MAX_UNRESOLVED = 0.3
# A surface at 45° from the line of sight that turns away by 8°, at 38° by 12°.
_MIN_FORESHORTENING_RATIO = 0.85
_FORESHORTENED = 0.65


def grid_step(side_px: int) -> int:
    """Canonical px from one px of the statistics grid to the next."""
    return max(1, side_px // STATISTICS_SIDE)


def sample_grid(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The px of a canonical plane that region statistics are taken on; a view."""
    step = grid_step(plane.shape[0])
    return plane[::step, ::step]


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredFace:
    """What is kept of a face once its metrics are computed: maps on the statistics grid.

    Attributes
    ----------
    maps : dict of str to (s, s) float32
        Metric to map; NaN off the skin.
    skin : (s, s) bool
    mm_per_px : (s, s) float32
        Millimetres per px of these maps.
    data : MetricInput
        The face itself on that grid, as photographed.
    side_px : int
        Side of the canonical frame that the maps were taken from.
    visibility : (s, s) float32
        Cosine of the angle at which the camera sees the surface.
    coverage : dict of str to Coverage
        By region.
    registration : Registration or None
        None for the reference photo.
    photo_light : PhotoLight
    light : LightFit or None
        How its light differs from the reference photo's, once that was taken out of the maps.
    """

    ref: PhotoRef
    view: View
    inspection: Inspection
    maps: dict[str, npt.NDArray[np.float32]]
    skin: npt.NDArray[np.bool_]
    mm_per_px: npt.NDArray[np.float32]
    data: MetricInput
    side_px: int
    visibility: npt.NDArray[np.float32]
    coverage: dict[str, Coverage]
    registration: Registration | None
    mm_per_photo_px: float
    clipped_share: float
    correction: ColorCorrection
    flags: Flag
    photo_light: PhotoLight = field(default_factory=PhotoLight)
    light: LightFit | None = None

    @property
    def misfit_percent_iod(self) -> float:
        """How far details of the face are expected to lie from those of the reference photo, % of the IOD."""
        return 0.0 if self.registration is None else self.registration.misfit_percent_iod[WHOLE_FACE]

    @property
    def fits(self) -> bool:
        """False where hardly anything of the reference photo was found again though the photo is fine enough for it."""
        fine = self.inspection.landmarks.iod_px >= SHOWS_PORES_IOD_PX
        return not (fine and self.misfit_percent_iod >= NOTHING_FOUND_PERCENT)

    def registration_flag(self, region: str) -> Flag:
        """:attr:`Flag.POOR_REGISTRATION` where the region lies as the landmarks alone say."""
        found = self.registration is None or region == WHOLE_FACE or region in self.registration.accepted
        return Flag.NONE if found else Flag.POOR_REGISTRATION


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """A region (and what it is referred to) on the common skin, cut into blocks."""

    blocks: Blocks
    reference: Blocks | None
    n_px: int
    flags: Flag
    _drawn: dict[tuple[int, str, bool], npt.NDArray[np.float64]] = field(default_factory=dict)


def common_skin(faces: Sequence[MeasuredFace]) -> npt.NDArray[np.bool_]:
    """Skin that all the photos show, and show from about the same side.

    Where the surface is foreshortened much more in one photo than in another (for heads turned by more than 8–10°
    against each other: the cheek that turns away) neither texture nor light can be compared.

    Parameters
    ----------
    faces : sequence of MeasuredFace
        Of one view.

    Returns
    -------
    (s, s) bool
    """
    skin = np.logical_and.reduce([f.skin for f in faces])
    seen = np.stack([f.visibility for f in faces])
    with np.errstate(invalid="ignore"):
        alike = seen.min(axis=0) >= _MIN_FORESHORTENING_RATIO * seen.max(axis=0)
        return np.asarray(skin & (alike | (seen.min(axis=0) >= _FORESHORTENED)))


def _region_masks(
    region: str, skin: npt.NDArray[np.bool_], side_px: int, reference_region: str | None
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Usable skin of the region, and of what relative metrics refer it to."""
    inside = sample_grid(region_mask(region, side_px))
    allowed = skin if reference_region is None else skin & sample_grid(region_mask(reference_region, side_px))
    return skin & inside, allowed & ~inside


def cut_area(
    region: str, skin: npt.NDArray[np.bool_], face: MeasuredFace, *, reference_region: str | None, settings: Settings
) -> Area | None:
    """Cut one region of the given skin into blocks; None where it holds too little skin."""
    mask, other = _region_masks(region, skin, face.side_px, reference_region)
    if float(np.sum(face.mm_per_px[mask] ** 2)) < settings.min_region_mm2:
        return None
    # The same region is cut the same way in every comparison, whatever was computed before it.
    rng = np.random.default_rng([settings.seed, *region.encode()])
    blocks = cut_blocks(mask, face.mm_per_px, block_mm=settings.block_mm, n_resamples=settings.n_resamples, rng=rng)
    reference = None
    if float(np.sum(face.mm_per_px[other] ** 2)) >= settings.min_region_mm2:
        # The reference is many times larger than the region: a quarter of its px place its median just as well.
        thinned = np.zeros_like(other)
        thinned[::2, ::2] = other[::2, ::2]
        reference = cut_blocks(
            thinned, face.mm_per_px, block_mm=settings.block_mm, n_resamples=settings.n_resamples, rng=rng
        )
    whole = sample_grid(region_mask(region, face.side_px) & bare_face_mask(face.side_px))
    flags = Flag.LOW_COVERAGE if mask.sum() < 0.5 * whole.sum() else Flag.NONE
    return Area(blocks=blocks, reference=reference, n_px=int(mask.sum()), flags=flags)


def area_value(face: MeasuredFace, metric: Metric, area: Area) -> float:
    """The metric in the area of one face; NaN where too much of the area is not resolved."""
    plane = face.maps[metric.name].ravel()
    values = plane[area.blocks.where]
    finite = np.isfinite(values)
    if finite.mean() < 1.0 - _MAX_UNRESOLVED:
        return float("nan")
    value = region_statistic(values[finite], metric.statistic)
    if metric.relative:
        if area.reference is None:
            return float("nan")
        rest = plane[area.reference.where]
        value -= region_statistic(rest[np.isfinite(rest)], metric.statistic)
    return value


def area_draws(face: MeasuredFace, metric: Metric, area: Area) -> npt.NDArray[np.float64]:
    """The metric in every bootstrap resample of the area, (n_resamples,)."""
    draws = _drawn(face, metric, area, area.blocks, of_reference=False)
    if metric.relative and area.reference is not None:
        return draws - _drawn(face, metric, area, area.reference, of_reference=True)
    return draws


def _drawn(
    face: MeasuredFace, metric: Metric, area: Area, blocks: Blocks, *, of_reference: bool
) -> npt.NDArray[np.float64]:
    """Draws, kept per map: several metrics are statistics of one and the same map."""
    plane = face.maps[metric.name]
    key = (id(plane), metric.statistic, of_reference)
    if key not in area._drawn:
        area._drawn[key] = resampled_statistic(plane, blocks, metric.statistic, max_px=_MAX_BOOTSTRAP_PX)
    return area._drawn[key]


def light_error(face: MeasuredFace, metric: Metric, area: Area) -> float:
    """Standard error that taking out the light has left in a metric of an area, in the metric's unit.

    Parameters
    ----------
    face : MeasuredFace
    metric : Metric
    area : Area

    Returns
    -------
    float
        0 where the light was left alone, and for metrics that do not look at colour.
    """
    if face.light is None or metric.color_gradient is None:
        return 0.0
    gradient, side_px = metric.color_gradient, face.skin.shape[0]
    here = _shares(area.blocks.where, side_px)
    if metric.relative and area.reference is not None:
        return face.light.standard_error(here - _shares(area.reference.where, side_px), gradient)
    # A lamp that tints one side of the face more than the other tints all of it, and the wall behind need not see it.
    whole_face = face.light.warmth_sd * float(np.array(gradient) @ WARMTH)
    return float(np.hypot(face.light.standard_error(here - face.light.even_shares(), gradient), whole_face))


def _shares(where: npt.NDArray[np.int64], side_px: int) -> npt.NDArray[np.float64]:
    """How many of the px lie in each of the light's cells, as shares, (CELLS, CELLS)."""
    rows, cols = where // side_px * CELLS // side_px, where % side_px * CELLS // side_px
    counts = np.bincount(rows * CELLS + cols, minlength=CELLS * CELLS).reshape(CELLS, CELLS)
    return np.asarray(counts / max(counts.sum(), 1))


def applies_to(metric: Metric, region: str) -> bool:
    """The whole face cannot be referred to the rest of the face."""
    return not (metric.relative and region == WHOLE_FACE)


def usable_reference_region(plan: ClientPlan) -> str | None:
    """The course file's reference region, where it is one that is measured."""
    wanted = plan.course.reference_region
    return wanted if wanted in REGIONS and wanted != WHOLE_FACE else None


def measure_face(face: MeasuredFace, *, plan: ClientPlan, settings: Settings) -> list[Measurement]:
    """Every metric of every region of one face, with its standard error.

    Of a face whose light was compensated, only what this changes: the metrics that are compensable.

    Parameters
    ----------
    face : MeasuredFace
    plan : ClientPlan
    settings : Settings

    Returns
    -------
    list of Measurement
        NaN, with a flag, where a region holds too little skin or the photo is not fine enough.
    """
    rows = []
    for region in REGIONS:
        area = cut_area(region, face.skin, face, reference_region=usable_reference_region(plan), settings=settings)
        for metric in METRICS.values():
            if not applies_to(metric, region) or (face.light is not None and not metric.compensable):
                continue
            value = error = float("nan")
            flags = face.flags | face.registration_flag(region)
            if metric.color_gradient is not None and Flag.NO_COLOR in flags:
                pass
            elif area is None:
                flags |= Flag.TOO_FEW_PIXELS
            else:
                flags |= area.flags
                value = area_value(face, metric, area)
                if np.isfinite(value):
                    within = resampling_error(area_draws(face, metric, area), area.blocks.n_blocks)
                    session = session_error(metric.name, value=value, compensated=face.light is not None)
                    variance = within**2 + session**2 + color_error(metric, face.correction) ** 2
                    error = float(np.sqrt(variance + light_error(face, metric, area) ** 2))
                else:
                    flags |= Flag.BAND_NOT_RESOLVED
            rows.append(
                Measurement(
                    client=face.ref.client,
                    session=face.ref.session,
                    photo=face.ref.file,
                    view=face.view,
                    region=region,
                    metric=metric.name,
                    metric_version=metric.version,
                    method="raw" if face.light is None else "compensated",
                    value=value,
                    standard_error=error,
                    unit=metric.unit,
                    n_px=area.n_px if area else 0,
                    color_reference=face.correction.rung,
                    flags=flags,
                    coverage=face.coverage[region].skin,
                    hidden_by=str(face.coverage[region]),
                )
            )
    return rows
