"""Compare two sessions of one client in one view, on the skin that all their photos show."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from skinprogress.comparison import course
from skinprogress.comparison.calibration import change_error, session_error
from skinprogress.comparison.conditions import PairConditions, estimate_conditions, grade_pair
from skinprogress.comparison.faces import (
    Area,
    MeasuredFace,
    applies_to,
    area_draws,
    area_value,
    cut_area,
    usable_reference_region,
)
from skinprogress.comparison.light import LIGHT_TEXTURE_LIMIT
from skinprogress.comparison.uncertainty import resampling_error, simultaneous_z
from skinprogress.comparison.verdicts import Better, decide_verdict
from skinprogress.face.regions import REGIONS, WHOLE_FACE
from skinprogress.metrics.redness import EI_PER_A_STAR
from skinprogress.metrics.table import METRICS, Metric
from skinprogress.records import Change, ClientPlan, Comparison, CourseStatus, Flag, Rung
from skinprogress.settings import Settings

Against = Literal["baseline", "previous"]


def _reference_is_untreated(plan: ClientPlan) -> bool:
    region = usable_reference_region(plan)
    treated = [set(t.areas) for t in plan.course.treatments]
    return region is not None and bool(treated) and all(areas and not areas & {region, WHOLE_FACE} for areas in treated)


def compare_pair(
    baseline: Sequence[MeasuredFace],
    followup: Sequence[MeasuredFace],
    *,
    against: Against,
    plan: ClientPlan,
    settings: Settings,
) -> tuple[list[Change], Comparison]:
    """Compare two sessions of one view, region by region and metric by metric.

    Only skin that is usable in all photos of both sessions counts, so that a fringe in one photo shifts nothing. Both
    sides are resampled with the same blocks of skin: what differs from place to place cancels.

    Parameters
    ----------
    baseline, followup : sequence of MeasuredFace
        Replicates of each session, one view.
    against : {'baseline', 'previous'}
    plan : ClientPlan
    settings : Settings

    Returns
    -------
    changes : list of Change
    comparison : Comparison
    """
    conditions = estimate_conditions(baseline, followup)
    grade, reasons, remedies, flags = grade_pair(conditions)
    skin = np.logical_and.reduce([f.skin for f in [*baseline, *followup]])
    reference = usable_reference_region(plan)
    areas = {
        region: cut_area(region, skin, baseline[0], reference_region=reference, settings=settings) for region in REGIONS
    }
    changes: list[Change] = []
    for metric in METRICS.values():
        estimates = {
            region: _estimate(baseline, followup, metric, area, conditions, grade)
            for region, area in areas.items()
            if applies_to(metric, region)
        }
        n_tests = sum(np.isfinite(e.error) for e in estimates.values())
        z = simultaneous_z(settings.confidence_level, n_tests)
        for region, estimate in estimates.items():
            changes.append(
                _change(baseline, followup, metric, region, estimate, z, grade, flags, conditions.rung, against, plan)
            )
    comparison = _comparison(
        baseline, followup, against, plan, conditions, grade, reasons, remedies, flags, int(skin.sum())
    )
    return _flag_disagreement(changes), comparison


@dataclass(frozen=True, slots=True)
class _Estimate:
    baseline: float
    followup: float
    error: float
    n_px: int
    flags: Flag


def _estimate(
    baseline: Sequence[MeasuredFace],
    followup: Sequence[MeasuredFace],
    metric: Metric,
    area: Area | None,
    conditions: PairConditions,
    grade: str,
) -> _Estimate:
    """Both values and the standard error of their difference; the error is NaN where they must not be compared."""
    nan = float("nan")
    if area is None:
        return _Estimate(nan, nan, nan, 0, Flag.TOO_FEW_PIXELS)
    values = [[area_value(f, metric, area) for f in group] for group in (baseline, followup)]
    before, after = (float(np.mean(v)) for v in values)
    if not (np.isfinite(before) and np.isfinite(after)):
        return _Estimate(before, after, nan, area.n_px, area.flags | Flag.BAND_NOT_RESOLVED)
    draws = [np.mean([area_draws(f, metric, area) for f in group], axis=0) for group in (baseline, followup)]
    within = resampling_error(draws[1] - draws[0], area.blocks.n_blocks)
    session = change_error(
        metric.name,
        conditions.rung,
        value=(abs(before) + abs(after)) / 2.0,
        light=conditions.light_difference,
        light_color=conditions.light_color_difference,
        exposure=conditions.exposure_difference,
        expression=conditions.expression_difference,
        blur=abs(float(np.log(conditions.sharpness_ratio))),
    )
    shot = _excess_shot_variance(values, metric, conditions.rung) * sum(1.0 / len(v) for v in values)
    error = float(np.sqrt(within**2 + session**2 + shot))
    flags = area.flags
    unlike_light = not conditions.light_difference <= LIGHT_TEXTURE_LIMIT
    if metric.needs_sharpness and unlike_light:
        error, flags = nan, flags | Flag.LIGHT_DIFFERS
    return _Estimate(before, after, nan if grade == "F" else error, area.n_px, flags)


def _excess_shot_variance(values: list[list[float]], metric: Metric, rung: Rung) -> float:
    """Variance between shots of one session, beyond what the calibration table already holds."""
    groups = [np.array(v) for v in values if len(v) > 1]
    degrees = sum(len(g) - 1 for g in groups)
    if degrees == 0:
        return 0.0
    pooled = sum(float(((g - g.mean()) ** 2).sum()) for g in groups) / degrees
    known = session_error(metric.name, rung, value=float(np.mean(np.concatenate(groups))))
    return max(0.0, pooled - known**2)


def _change(
    baseline: Sequence[MeasuredFace],
    followup: Sequence[MeasuredFace],
    metric: Metric,
    region: str,
    estimate: _Estimate,
    z: float,
    grade: str,
    flags: Flag,
    rung: Rung,
    against: Against,
    plan: ClientPlan,
) -> Change:
    from_session, to_session = baseline[0].ref.session, followup[0].ref.session
    # A difference without an interval is not published.
    difference = estimate.followup - estimate.baseline if np.isfinite(estimate.error) else float("nan")
    low, high = difference - z * estimate.error, difference + z * estimate.error
    recent = course.is_recent(plan, from_session) or course.is_recent(plan, to_session)
    covered = course.is_covered(plan, from_session) or course.is_covered(plan, to_session)
    better: Better = metric.better
    # Coverage is told of each region, sharpness only of what moves with it.
    relevant = flags & ~Flag.LOW_COVERAGE
    if not metric.needs_sharpness:
        relevant &= ~Flag.SHARPNESS_DIFFERS
    if metric.relative:
        if _reference_is_untreated(plan):
            better = "lower"
        else:
            relevant |= Flag.REFERENCE_MAY_BE_TREATED
    if recent:
        relevant |= Flag.RECENT_TREATMENT
    if covered:
        relevant |= Flag.NOT_A_BASELINE
    for face in (*baseline, *followup):
        relevant |= face.flags & (Flag.MAKEUP_DECLARED | Flag.CREAM_DECLARED | Flag.FILTER_DECLARED)
    status: CourseStatus = ""
    if course.is_recent(plan, to_session):
        days = plan.phases[to_session].days_after
        is_redness = metric.needs_color and metric.better == "lower" and against == "baseline"
        status = course.redness_status(region, days, low, high) if is_redness else "cannot say"
    return Change(
        client=plan.client,
        view=baseline[0].view,
        region=region,
        metric=metric.name,
        metric_version=metric.version,
        unit=metric.unit,
        method="raw",
        against=against,
        from_session=from_session,
        to_session=to_session,
        baseline=estimate.baseline,
        followup=estimate.followup,
        difference=difference,
        ci_low=low,
        ci_high=high,
        detectable_change=z * estimate.error,
        n_baseline=len(baseline),
        n_followup=len(followup),
        color_reference=rung,
        grade=grade,
        verdict=decide_verdict(
            difference, low, high, metric=metric, better=better, rung=rung, recent=recent or covered
        ),
        course_status=status,
        n_common_px=estimate.n_px,
        flags=relevant | estimate.flags,
    )


def _flag_disagreement(changes: list[Change]) -> list[Change]:
    """Flag redness changes that the haemoglobin index contradicts: light, shine or melanin may play a part."""
    blood = {c.region: c for c in changes if c.metric == "haemoglobin_index"}
    out = []
    for change in changes:
        other = blood.get(change.region)
        kept = change
        if change.metric == "redness_index" and other is not None:
            # One unit of haemoglobin is 0.46 of ln R − ln G.
            factor = 0.46 / EI_PER_A_STAR
            gap = abs(change.difference - factor * other.difference)
            if gap > change.detectable_change + factor * other.detectable_change:
                kept = replace(change, flags=change.flags | Flag.INDICES_DISAGREE)
        out.append(kept)
    return out


def _comparison(
    baseline: Sequence[MeasuredFace],
    followup: Sequence[MeasuredFace],
    against: Against,
    plan: ClientPlan,
    conditions: PairConditions,
    grade: str,
    reasons: tuple[str, ...],
    remedies: tuple[str, ...],
    flags: Flag,
    n_common_px: int,
) -> Comparison:
    from_session, to_session = baseline[0].ref.session, followup[0].ref.session
    phases = [plan.phases[s] for s in (from_session, to_session)]
    days = [[f.ref.day for f in group if f.ref.day is not None] for group in (baseline, followup)]
    nan = float("nan")
    after = [nan if p.days_after is None else p.days_after for p in phases]
    return Comparison(
        client=plan.client,
        view=baseline[0].view,
        against=against,
        from_session=from_session,
        to_session=to_session,
        days_between=min(days[1]) - min(days[0]) if days[0] and days[1] else nan,
        from_phase=phases[0].name,
        to_phase=phases[1].name,
        from_days_after=after[0],
        to_days_after=after[1],
        grade=grade,
        reasons=reasons,
        remedies=remedies,
        color_reference=conditions.rung,
        light_difference=conditions.light_difference,
        sharpness_ratio=conditions.sharpness_ratio,
        pose_difference_deg=conditions.pose_difference_deg,
        n_common_px=n_common_px,
        flags=flags,
        light_color_difference=conditions.light_color_difference,
        expression_difference=conditions.expression_difference,
        exposure_difference=conditions.exposure_difference,
    )
