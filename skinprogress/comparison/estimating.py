"""Two sessions of one client in one view: what each metric is on the skin that all their photos show, and its error."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import numpy as np

from skinprogress.color.references import uncorrected
from skinprogress.comparison.areas import (
    Area,
    applies_to,
    estimate_area,
    estimate_shared,
    sensitivity,
    within_error,
)
from skinprogress.comparison.calibration import change_error, color_error, rendering_error, session_error
from skinprogress.comparison.compensation import light_variance
from skinprogress.comparison.conditions import estimate_conditions
from skinprogress.comparison.faces import MeasuredFace, common_skin
from skinprogress.comparison.grading import grade_pair
from skinprogress.comparison.measuring import cut_areas, why_nothing
from skinprogress.comparison.pairing import align_maps
from skinprogress.comparison.session_pair import SessionPair, comparison_of, flags_of, reference_is_untreated
from skinprogress.comparison.verdicts import Better
from skinprogress.metrics.metric import Metric
from skinprogress.metrics.table import METRICS
from skinprogress.records import Against, Change, ClientPlan, Comparison, Flag
from skinprogress.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A change before it has an interval.

    Attributes
    ----------
    change : Change
        Without difference, interval, verdict and course status.
    better : {'lower', 'higher', None}
        Direction of improvement in this comparison.
    variance : float
        Of the difference, without what the client's own repeated shots add; NaN where it must not be compared.
    known : float
        Variance of a single shot that `variance` already counts.
    shots : ((n,) floats, (m,) floats)
        Value in each photo of both sessions.
    is_mark : bool
        The user outlined it: a question of its own, which makes the answers on the regions no less certain.
    """

    change: Change
    better: Better
    variance: float
    known: float
    shots: tuple[tuple[float, ...], tuple[float, ...]]
    is_mark: bool


@dataclass(frozen=True, slots=True)
class PairDraft:
    """Two sessions of one view, compared but for the intervals."""

    comparison: Comparison
    drafts: tuple[Draft, ...]


def estimate_pair(
    baseline: Sequence[MeasuredFace],
    followup: Sequence[MeasuredFace],
    *,
    against: Against,
    plan: ClientPlan,
    settings: Settings,
) -> PairDraft:
    """Estimate all metrics of two sessions of one view, region by region.

    Only skin that is usable in all photos of both sessions counts, so that a fringe in one photo shifts nothing. Both
    sides are cut into the same blocks of skin: what differs from place to place cancels.

    Parameters
    ----------
    baseline, followup : sequence of MeasuredFace
        Replicates of each session, one view.
    against : {'baseline', 'previous', 'maintenance'}
    plan : ClientPlan
    settings : Settings

    Returns
    -------
    PairDraft
        Holds no pixels: the drafts of a whole course can wait for its last photo.
    """
    phases = plan.phases[baseline[0].ref.session], plan.phases[followup[0].ref.session]
    conditions = estimate_conditions(baseline, followup, phases=phases)
    grade, reasons, remedies, flags = grade_pair(conditions)
    faces = [*baseline, *followup]
    skin = common_skin(faces)
    with_blood = common_skin(faces, with_blood=True) if any(f.blood.any() for f in faces) else skin
    matched = align_maps(faces, skin)
    baseline, followup = matched.faces[: len(baseline)], matched.faces[len(baseline) :]
    pair = SessionPair(
        baseline, followup, against, plan, settings, conditions, grade, flags, matched.blur_px, matched.finest_mm
    )
    areas = cut_areas(baseline[0], skin, with_blood, plan=plan, settings=settings)
    drafts = tuple(
        _draft(pair, metric, region, _estimate(pair, metric, areas[region, metric.on_blood]))
        for metric in METRICS.values()
        for region in baseline[0].places
        if applies_to(metric, region)
    )
    return PairDraft(comparison_of(pair, reasons, remedies, int(skin.sum()), _light_left(drafts)), drafts)


@dataclass(frozen=True, slots=True)
class _Estimate:
    """Values of both sessions and the variance of their difference, NaN where they must not be compared."""

    baseline: float
    followup: float
    n_px: int
    flags: Flag
    variance: float = float("nan")
    known: float = float("nan")
    shots: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    light_error: float = float("nan")


def _estimate(pair: SessionPair, metric: Metric, area: Area | None) -> _Estimate:
    nan = float("nan")
    if area is None:
        return _Estimate(nan, nan, 0, Flag.TOO_FEW_PIXELS)
    if metric.color_gradient is not None and any(Flag.NO_COLOR in f.flags for group in pair.groups for f in group):
        return _Estimate(nan, nan, area.n_px, Flag.NO_COLOR)
    shared = [estimate_shared(group, metric, area) for group in pair.groups_for(metric)]
    if all(shared):
        # Two shots of each session tell its noise better than a model of it does.
        found = [[e] for e in shared if e is not None]
    else:
        found = [[estimate_area(f, metric, area) for f in group] for group in pair.groups_for(metric)]
    values = tuple(tuple(e.value for e in group) for group in found)
    before, after = (float(np.mean(v)) for v in values)
    flags = area.flags
    if metric.finest_mm is not None and not np.isfinite(pair.matched_blur_px):
        return _Estimate(nan, nan, area.n_px, flags | Flag.SHARPNESS_NOT_MATCHED)
    if metric.finest_mm is not None and metric.finest_mm < pair.finest_mm:
        return _Estimate(nan, nan, area.n_px, flags | Flag.BAND_NOT_RESOLVED)
    if not np.isfinite([before, after]).all():
        unseen = [why_nothing(f, metric, area) for group in pair.groups for f in group if not _has(f, metric, area)]
        return _Estimate(before, after, area.n_px, flags | reduce(or_, unseen, Flag.NONE))
    if metric.needs_light and pair.relief_differs:
        return _Estimate(before, after, area.n_px, flags | Flag.LIGHT_DIFFERS)
    light = light_variance(pair.groups_for(metric), metric, area, value=(before + after) / 2.0)
    color = _color_variances(pair, metric, area, (before, after))
    variance = within_error(*found) ** 2 + _session_variance(pair, metric, area, (before, after)) + sum(color) + light
    if not np.isfinite(variance):
        flags |= Flag.TOO_FEW_PIXELS if area.blocks and area.blocks.n_blocks < 2 else Flag.NOT_CALIBRATED
    return _Estimate(
        before,
        after,
        area.n_px,
        flags,
        variance=nan if pair.grade == "F" else variance,
        known=_single_shot_variance(pair, metric, area, (before + after) / 2.0) + max(color),
        shots=(values[0], values[1]),
        light_error=float(np.sqrt(light)) if pair.is_compensated(metric) else nan,
    )


def _has(face: MeasuredFace, metric: Metric, area: Area) -> bool:
    return bool(np.isfinite(estimate_area(face, metric, area).value))


def _session_variance(pair: SessionPair, metric: Metric, area: Area, values: tuple[float, float]) -> float:
    """What two sessions add to a difference, colour and light aside: a variance."""
    c, size = pair.conditions, float(np.mean(np.abs(values)))
    error = change_error(
        metric.name,
        value=size,
        light=c.light_difference,
        light_color=c.light_color_difference,
        exposure=c.exposure_difference,
        expression=c.expression_difference,
        blur=abs(float(np.log(c.sharpness_ratio))),
        misfit=c.misfit_percent_iod,
        area_mm2=area.area_mm2,
        compensated=pair.is_compensated(metric),
        calibration=pair.settings.calibration,
    )
    rendering = rendering_error(metric, value=size, one_camera=c.one_camera, rung=c.rung)
    return error**2 + rendering**2


def _single_shot_variance(pair: SessionPair, metric: Metric, area: Area, value: float) -> float:
    """What the calibration says of a single shot; it was made from such."""
    error = session_error(
        metric.name,
        value=value,
        area_mm2=area.area_mm2,
        compensated=pair.is_compensated(metric),
        calibration=pair.settings.calibration,
    )
    return error**2


def _color_variances(pair: SessionPair, metric: Metric, area: Area, values: tuple[float, float]) -> list[float]:
    """What the colour correction leaves in each session's mean: shots of one room err alike, so they do not average."""
    unmatched = uncorrected("") if pair.conditions.rung == "none" else None
    variances = []
    for group, at in zip(pair.groups_for(metric), values, strict=True):
        errors = [
            color_error(metric, unmatched or f.correction, value=at) * sensitivity(f, metric, area) for f in group
        ]
        variances.append(float(np.mean(errors)) ** 2)
    return variances


def _draft(pair: SessionPair, metric: Metric, region: str, estimate: _Estimate) -> Draft:
    untreated = metric.relative and reference_is_untreated(metric, pair.plan)
    better: Better = ("lower" if untreated else None) if metric.relative else metric.better
    if Flag.LOW_COVERAGE in estimate.flags:
        # Where hair or shadow hides most of a region, its edges may be what changed: no direction is claimed.
        better = None
    from_session, to_session = pair.sessions
    groups, nan = pair.groups_for(metric), float("nan")
    change = Change(
        client=pair.plan.client,
        view=pair.baseline[0].view,
        region=region,
        metric=metric.name,
        metric_version=metric.version,
        unit=metric.unit,
        method="compensated" if pair.is_compensated(metric) else "raw",
        against=pair.against,
        from_session=from_session,
        to_session=to_session,
        baseline=estimate.baseline,
        followup=estimate.followup,
        difference=nan,
        ci_low=nan,
        ci_high=nan,
        detectable_change=nan,
        n_baseline=len(groups[0]),
        n_followup=len(groups[1]),
        color_reference=pair.conditions.rung,
        grade=pair.grade,
        verdict="not comparable",
        course_status="",
        n_common_px=estimate.n_px,
        flags=estimate.flags | flags_of(pair, metric, region, untreated=untreated),
        light_standard_error=estimate.light_error,
    )
    return Draft(
        change=change,
        better=better,
        variance=estimate.variance,
        known=estimate.known,
        shots=estimate.shots,
        is_mark=region in pair.baseline[0].marks,
    )


def _light_left(drafts: Sequence[Draft]) -> float:
    """Median over the regions of the error of relative redness that the light leaves; NaN where none was taken out."""
    left = [d.change.light_standard_error for d in drafts if METRICS[d.change.metric].relative]
    known = [size for size in left if np.isfinite(size)]
    return float(np.median(known)) if known else float("nan")
