"""Compare two sessions of one client in one view, on the skin that all their photos show."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

import numpy as np

from skinprogress.color.references import shared_rung, uncorrected
from skinprogress.comparison import course
from skinprogress.comparison.areas import (
    Area,
    applies_to,
    estimate_area,
    estimate_shared,
    neck_is_treated,
    reference_regions,
    sensitivity,
    within_error,
)
from skinprogress.comparison.calibration import change_error, color_error, session_error
from skinprogress.comparison.compensation import light_variance, redness_removed
from skinprogress.comparison.conditions import PairConditions, estimate_conditions, grade_pair
from skinprogress.comparison.faces import MeasuredFace, common_skin
from skinprogress.comparison.light import LIGHT_TEXTURE_LIMIT
from skinprogress.comparison.measuring import cut_areas, why_nothing
from skinprogress.comparison.pairing import align_maps
from skinprogress.comparison.photolight import LIGHT_ANGLE_LIMIT_DEG
from skinprogress.comparison.uncertainty import simultaneous_z
from skinprogress.comparison.verdicts import Better, decide_verdict
from skinprogress.face.regions import WHOLE_FACE
from skinprogress.metrics.metric import Metric
from skinprogress.metrics.table import METRICS
from skinprogress.records import Against, Change, ClientPlan, Comparison, CourseStatus, Flag
from skinprogress.settings import Settings

# What lies on the skin, or was done to the photo, bears on every figure.
_ON_THE_SKIN = (
    Flag.MAKEUP_DECLARED
    | Flag.CREAM_DECLARED
    | Flag.FILTER_DECLARED
    | Flag.MAKEUP_SUSPECTED
    | Flag.SMOOTHING_SUSPECTED
    | Flag.SHINE_BROAD
)


def _reference_is_untreated(metric: Metric, plan: ClientPlan) -> bool:
    if metric.reference == "neck":
        return not neck_is_treated(plan)
    reference = set(reference_regions(plan))
    treated = [set(t.areas) for t in plan.course.treatments]
    return bool(reference and treated) and all(areas and not areas & {*reference, WHOLE_FACE} for areas in treated)


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """Two sessions of one view and everything that holds for all their regions and metrics."""

    baseline: Sequence[MeasuredFace]
    followup: Sequence[MeasuredFace]
    against: Against
    plan: ClientPlan
    conditions: PairConditions
    grade: str
    flags: Flag
    matched_blur_px: float
    finest_mm: float

    @property
    def sessions(self) -> tuple[str, str]:
        return self.baseline[0].ref.session, self.followup[0].ref.session

    @property
    def groups(self) -> tuple[Sequence[MeasuredFace], Sequence[MeasuredFace]]:
        return self.baseline, self.followup

    def groups_for(self, metric: Metric) -> tuple[Sequence[MeasuredFace], Sequence[MeasuredFace]]:
        """The photos of both sessions; where colour counts, those that the best colour reference brings together."""
        if not metric.needs_color:
            return self.groups
        rung = self.conditions.rung
        one = [a for a in self.baseline if any(shared_rung(a.correction, b.correction) == rung for b in self.followup)]
        two = [b for b in self.followup if any(shared_rung(a.correction, b.correction) == rung for a in self.baseline)]
        return one, two

    def is_compensated(self, metric: Metric) -> bool:
        """Whether the difference of light was taken out of what is compared."""
        return metric.compensable and self.conditions.compensated

    @property
    def relief_differs(self) -> bool:
        """Whether the light throws pores and lines into other shadows."""
        c = self.conditions
        return not c.light_difference <= LIGHT_TEXTURE_LIMIT or c.light_angle_deg > LIGHT_ANGLE_LIMIT_DEG

    @property
    def recent(self) -> bool:
        return any(course.is_recent(self.plan, s) for s in self.sessions)

    @property
    def covered(self) -> bool:
        return any(course.is_covered(self.plan, s) for s in self.sessions)


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
    faces = [*baseline, *followup]
    skin = common_skin(faces)
    with_blood = common_skin(faces, with_blood=True) if any(f.blood.any() for f in faces) else skin
    matched = align_maps(faces, skin)
    baseline, followup = matched.faces[: len(baseline)], matched.faces[len(baseline) :]
    pair = _Pair(baseline, followup, against, plan, conditions, grade, flags, matched.blur_px, matched.finest_mm)
    areas = cut_areas(baseline[0], skin, with_blood, plan=plan, settings=settings)
    changes: list[Change] = []
    marks = set(baseline[0].marks)
    for metric in METRICS.values():
        places = [r for r in baseline[0].places if applies_to(metric, r)]
        estimates = {r: _estimate(pair, metric, areas[r, metric.on_blood]) for r in places}
        # What the user outlined is a question of its own: it makes the answers on the regions no less certain.
        for family in (marks, set(places) - marks):
            n_tests = sum(np.isfinite(estimates[r].error) for r in places if r in family)
            z = simultaneous_z(settings.confidence_level, n_tests)
            changes += [_change(pair, metric, r, estimates[r], z) for r in places if r in family]
    return _flag_disagreement(changes), _comparison(pair, reasons, remedies, int(skin.sum()), _light_left(changes))


@dataclass(frozen=True, slots=True)
class _Estimate:
    """Values of both sessions and the standard error of their difference, NaN where they must not be compared."""

    baseline: float
    followup: float
    error: float
    n_px: int
    flags: Flag
    light_error: float = float("nan")


def _estimate(pair: _Pair, metric: Metric, area: Area | None) -> _Estimate:
    nan = float("nan")
    if area is None:
        return _Estimate(nan, nan, nan, 0, Flag.TOO_FEW_PIXELS)
    if metric.color_gradient is not None and any(Flag.NO_COLOR in f.flags for group in pair.groups for f in group):
        return _Estimate(nan, nan, nan, area.n_px, Flag.NO_COLOR)
    shared = [estimate_shared(group, metric, area) for group in pair.groups_for(metric)]
    if all(shared):
        # Two shots of each session tell its noise better than a model of it does.
        found = [[e] for e in shared if e is not None]
    else:
        found = [[estimate_area(f, metric, area) for f in group] for group in pair.groups_for(metric)]
    values = [[e.value for e in group] for group in found]
    before, after = (float(np.mean(v)) for v in values)
    flags = area.flags
    if metric.finest_mm is not None and not np.isfinite(pair.matched_blur_px):
        return _Estimate(nan, nan, nan, area.n_px, flags | Flag.SHARPNESS_NOT_MATCHED)
    if metric.finest_mm is not None and metric.finest_mm < pair.finest_mm:
        return _Estimate(nan, nan, nan, area.n_px, flags | Flag.BAND_NOT_RESOLVED)
    if not np.isfinite([before, after]).all():
        unseen = [why_nothing(f, metric, area) for group in pair.groups for f in group if not _has(f, metric, area)]
        return _Estimate(before, after, nan, area.n_px, flags | reduce(or_, unseen, Flag.NONE))
    if metric.needs_light and pair.relief_differs:
        return _Estimate(before, after, nan, area.n_px, flags | Flag.LIGHT_DIFFERS)
    light = light_variance(pair.groups_for(metric), metric, area, value=(before + after) / 2.0)
    error = _error(pair, metric, area, values, light, within_error(*found))
    if not np.isfinite(error):
        flags |= Flag.TOO_FEW_PIXELS if area.blocks and area.blocks.n_blocks < 2 else Flag.NOT_CALIBRATED
    left = float(np.sqrt(light)) if pair.is_compensated(metric) else nan
    return _Estimate(before, after, nan if pair.grade == "F" else error, area.n_px, flags, left)


def _has(face: MeasuredFace, metric: Metric, area: Area) -> bool:
    return bool(np.isfinite(estimate_area(face, metric, area).value))


def _error(pair: _Pair, metric: Metric, area: Area, values: list[list[float]], light: float, within: float) -> float:
    """Standard error of the difference: skin within the photo, shots, sessions, and what the light leaves."""
    c = pair.conditions
    session = change_error(
        metric.name,
        value=float(np.mean([abs(np.mean(v)) for v in values])),
        light=c.light_difference,
        light_color=c.light_color_difference,
        exposure=c.exposure_difference,
        expression=c.expression_difference,
        blur=abs(float(np.log(c.sharpness_ratio))),
        misfit=c.misfit_percent_iod,
        compensated=pair.is_compensated(metric),
    )
    color = _color_variances(pair, metric, area, values)
    shots = [np.array(v) for v in values if len(v) > 1]
    shot_variance = 0.0
    if shots:
        pooled = sum(float(((v - v.mean()) ** 2).sum()) for v in shots) / sum(len(v) - 1 for v in shots)
        # The calibration table was made from single shots: only what goes beyond it is added.
        size = float(np.mean(np.concatenate(shots)))
        known = session_error(metric.name, value=size, compensated=pair.is_compensated(metric))
        shot_variance = max(0.0, pooled - known**2 - max(color)) * sum(1.0 / len(v) for v in values)
    return float(np.sqrt(within**2 + session**2 + sum(color) + light + shot_variance))


def _color_variances(pair: _Pair, metric: Metric, area: Area, values: list[list[float]]) -> list[float]:
    """What the colour correction leaves in each session's mean: shots of one room err alike, so they do not average."""
    unmatched = uncorrected("") if pair.conditions.rung == "none" else None
    variances = []
    for group, value in zip(pair.groups_for(metric), values, strict=True):
        at = float(np.mean(value))
        errors = [
            color_error(metric, unmatched or f.correction, value=at) * sensitivity(f, metric, area) for f in group
        ]
        variances.append(float(np.mean(np.square(errors))))
    return variances


def _change(pair: _Pair, metric: Metric, region: str, estimate: _Estimate, z: float) -> Change:
    # A difference without an interval is not published.
    difference = estimate.followup - estimate.baseline if np.isfinite(estimate.error) else float("nan")
    low, high = difference - z * estimate.error, difference + z * estimate.error
    untreated = metric.relative and _reference_is_untreated(metric, pair.plan)
    better: Better = ("lower" if untreated else None) if metric.relative else metric.better
    if Flag.LOW_COVERAGE in estimate.flags:
        # Where hair or shadow hides most of a region, its edges may be what changed: no direction is claimed.
        better = None
    from_session, to_session = pair.sessions
    groups = pair.groups_for(metric)
    status: CourseStatus = ""
    if course.is_recent(pair.plan, to_session):
        days = pair.plan.phases[to_session].days_after
        is_redness = metric.needs_color and metric.better == "lower" and pair.against == "baseline"
        status = course.redness_status(region, days, low, high) if is_redness else "cannot say"
    return Change(
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
        difference=difference,
        ci_low=low,
        ci_high=high,
        detectable_change=z * estimate.error,
        n_baseline=len(groups[0]),
        n_followup=len(groups[1]),
        color_reference=pair.conditions.rung,
        grade=pair.grade,
        verdict=decide_verdict(
            difference,
            low,
            high,
            metric=metric,
            better=better,
            rung=pair.conditions.rung,
            recent=pair.recent or pair.covered,
        ),
        course_status=status,
        n_common_px=estimate.n_px,
        flags=estimate.flags | _flags(pair, metric, region, untreated=untreated),
        light_standard_error=estimate.light_error,
    )


def _flags(pair: _Pair, metric: Metric, region: str, *, untreated: bool) -> Flag:
    """What of the pair bears on a metric in a region."""
    flags = pair.flags
    if pair.grade != "F":
        # Coverage, expression and registration are told of each region, sharpness only of what moves with it.
        flags &= ~Flag.LOW_COVERAGE
        if region != WHOLE_FACE:
            flags &= ~Flag.POOR_REGISTRATION
            if region not in pair.conditions.moved_regions:
                flags &= ~Flag.EXPRESSION_DIFFERS
        if not metric.needs_sharpness:
            flags &= ~Flag.SHARPNESS_DIFFERS
    if metric.relative and not untreated:
        flags |= Flag.REFERENCE_MAY_BE_TREATED
    if pair.recent:
        flags |= Flag.RECENT_TREATMENT
    if pair.covered:
        flags |= Flag.NOT_A_BASELINE
    for face in (*pair.baseline, *pair.followup):
        flags |= face.flags & _ON_THE_SKIN
        flags |= face.registration_flag(region)
    return flags


def _flag_disagreement(changes: list[Change]) -> list[Change]:
    """Flag changes that their cross-check contradicts: light, shine or another pigment may play a part."""
    found = {(c.metric, c.region): c for c in changes}
    out = []
    for change in changes:
        check = METRICS[change.metric].cross_check
        other = found.get((check.metric, change.region)) if check else None
        if check and other:
            gap = abs(change.difference - check.factor * other.difference)
            if gap > change.detectable_change + check.factor * other.detectable_change:
                change = replace(change, flags=change.flags | Flag.INDICES_DISAGREE)
        out.append(change)
    return out


def _light_left(changes: Sequence[Change]) -> float:
    """Median over the regions of the error of relative redness that the light leaves; NaN where none was taken out."""
    left = [c.light_standard_error for c in changes if METRICS[c.metric].relative]
    known = [size for size in left if np.isfinite(size)]
    return float(np.median(known)) if known else float("nan")


def _comparison(
    pair: _Pair, reasons: tuple[str, ...], remedies: tuple[str, ...], n_common_px: int, light_left: float
) -> Comparison:
    nan = float("nan")
    c = pair.conditions
    from_session, to_session = pair.sessions
    phases = [pair.plan.phases[s] for s in pair.sessions]
    days = [[f.ref.day for f in group if f.ref.day is not None] for group in pair.groups]
    after = [nan if p.days_after is None else p.days_after for p in phases]
    return Comparison(
        client=pair.plan.client,
        view=pair.baseline[0].view,
        against=pair.against,
        from_session=from_session,
        to_session=to_session,
        days_between=min(days[1]) - min(days[0]) if days[0] and days[1] else nan,
        from_phase=phases[0].name,
        to_phase=phases[1].name,
        from_days_after=after[0],
        to_days_after=after[1],
        grade=pair.grade,
        reasons=reasons,
        remedies=remedies,
        color_reference=c.rung,
        light_difference=c.light_difference,
        sharpness_ratio=c.sharpness_ratio,
        pose_difference_deg=c.pose_difference_deg,
        n_common_px=n_common_px,
        flags=pair.flags,
        light_color_difference=c.light_color_difference,
        expression_difference=c.expression_difference,
        exposure_difference=c.exposure_difference,
        light_angle_deg=c.light_angle_deg,
        light_removed=redness_removed(*pair.groups),
        light_uncertainty=light_left,
        misfit_percent_iod=c.misfit_percent_iod,
        matched_blur_px=pair.matched_blur_px,
    )
