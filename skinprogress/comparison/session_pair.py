"""Two sessions of one view, and what holds for all their regions and metrics."""

from collections.abc import Sequence
from dataclasses import dataclass

from skinprogress.color.references import shared_rung
from skinprogress.comparison import course
from skinprogress.comparison.areas import neck_is_treated, reference_regions
from skinprogress.comparison.compensation import redness_removed
from skinprogress.comparison.conditions import PairConditions
from skinprogress.comparison.faces import MeasuredFace
from skinprogress.comparison.grading import find_decisive
from skinprogress.comparison.light import LIGHT_TEXTURE_LIMIT
from skinprogress.comparison.photolight import LIGHT_ANGLE_LIMIT_DEG
from skinprogress.face.regions import WHOLE_FACE
from skinprogress.metrics.metric import Metric
from skinprogress.records import Against, ClientPlan, Comparison, Flag
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


@dataclass(frozen=True, slots=True, eq=False)
class SessionPair:
    """Two sessions of one view and everything that holds for all their regions and metrics."""

    baseline: Sequence[MeasuredFace]
    followup: Sequence[MeasuredFace]
    against: Against
    plan: ClientPlan
    settings: Settings
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


def flags_of(pair: SessionPair, metric: Metric, region: str, *, untreated: bool) -> Flag:
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


def reference_is_untreated(metric: Metric, plan: ClientPlan) -> bool:
    """Whether no treatment can have changed the skin that a relative metric is told against."""
    if metric.reference == "neck":
        return not neck_is_treated(plan)
    reference = set(reference_regions(plan))
    treated = [set(t.areas) for t in plan.course.treatments]
    return bool(reference and treated) and all(areas and not areas & {*reference, WHOLE_FACE} for areas in treated)


def comparison_of(
    pair: SessionPair, reasons: tuple[str, ...], remedies: tuple[str, ...], n_common_px: int, light_left: float
) -> Comparison:
    """The pair's row of ``comparisons.csv``; ``light_left`` is its ``light_uncertainty``."""
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
        decisive=find_decisive(c),
    )
