"""From estimates to changes: what repeated shots add, intervals that hold together, verdicts."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from skinprogress.comparison import course
from skinprogress.comparison.estimating import Draft, PairDraft, estimate_pair
from skinprogress.comparison.faces import MeasuredFace
from skinprogress.comparison.uncertainty import ShotScatter, holm_adjusted, simultaneous_z, two_sided_p
from skinprogress.comparison.verdicts import decide_verdict, redness_is_judged
from skinprogress.face.regions import NECK, REGIONS
from skinprogress.metrics.table import METRICS
from skinprogress.records import Against, Change, ClientPlan, Comparison, CourseStatus, Flag
from skinprogress.settings import Settings


def compare_pair(
    baseline: Sequence[MeasuredFace],
    followup: Sequence[MeasuredFace],
    *,
    against: Against,
    plan: ClientPlan,
    settings: Settings,
) -> tuple[list[Change], Comparison]:
    """Compare two sessions of one view by themselves, region by region and metric by metric.

    Parameters
    ----------
    baseline, followup : sequence of MeasuredFace
        Replicates of each session, one view.
    against : {'baseline', 'previous', 'maintenance'}
    plan : ClientPlan
    settings : Settings

    Returns
    -------
    changes : list of Change
    comparison : Comparison
    """
    draft = estimate_pair(baseline, followup, against=against, plan=plan, settings=settings)
    changes = finish_pair(draft, pool_shots([draft]), plan=plan, settings=settings)
    return adjust_headline(changes), draft.comparison


def pool_shots(drafts: Iterable[PairDraft]) -> dict[tuple[str, str], ShotScatter]:
    """How far shots of one session scatter, pooled over the sessions of a client's view.

    Parameters
    ----------
    drafts : iterable of PairDraft
        Of one view.

    Returns
    -------
    dict of (metric, region) to ShotScatter
        Each session counts once.
    """
    of_session: dict[tuple[str, str], dict[str, tuple[float, ...]]] = {}
    for draft in (d for pair in drafts for d in pair.drafts):
        change = draft.change
        seen = of_session.setdefault((change.metric, change.region), {})
        for session, values in zip((change.from_session, change.to_session), draft.shots, strict=True):
            if values:  # what one pair could not compare, another may
                seen.setdefault(session, values)
    return {key: ShotScatter.of(sessions.values()) for key, sessions in of_session.items()}


def finish_pair(
    pair: PairDraft, scatter: dict[tuple[str, str], ShotScatter], *, plan: ClientPlan, settings: Settings
) -> list[Change]:
    """Give the drafts of a pair their intervals and verdicts.

    Parameters
    ----------
    pair : PairDraft
    scatter : dict of (metric, region) to ShotScatter
        From :func:`pool_shots`.
    plan : ClientPlan
    settings : Settings

    Returns
    -------
    list of Change
        The intervals of the regions of one metric hold together; marks are a family of their own.
    """
    families: dict[tuple[str, bool], list[tuple[Draft, float]]] = {}
    for draft in pair.drafts:
        key = draft.change.metric, draft.change.region
        n = [len(values) for values in draft.shots]
        more = scatter[key].excess(draft.known) * sum(1.0 / k for k in n) if all(n) else 0.0
        error = float(np.sqrt(draft.variance + more))
        families.setdefault((draft.change.metric, draft.is_mark), []).append((draft, error))
    changes = []
    for family in families.values():
        z = simultaneous_z(settings.confidence_level, sum(np.isfinite(error) for _, error in family))
        changes += [_finish(draft, error, z, plan) for draft, error in family]
    return _flag_disagreement(changes)


def _finish(draft: Draft, error: float, z: float, plan: ClientPlan) -> Change:
    change, metric = draft.change, METRICS[draft.change.metric]
    # A difference without an interval is not published.
    difference = change.followup - change.baseline if np.isfinite(error) else float("nan")
    low, high = difference - z * error, difference + z * error
    sessions = change.from_session, change.to_session
    recent = any(course.is_recent(plan, s) for s in sessions)
    covered = any(course.is_covered(plan, s) for s in sessions)
    status: CourseStatus = ""
    if course.is_recent(plan, change.to_session):
        is_redness = metric.needs_color and redness_is_judged(metric) and change.against == "baseline"
        phase = plan.phases[change.to_session]
        treated = course.last_treatment(plan, change.to_session)
        status = "cannot say"
        if is_redness and not covered:
            status = course.redness_status(phase, change.region, low, high, treatment=treated)
        if status == "within quoted range" and course.is_recent(plan, change.from_session):
            status = "cannot say"  # a baseline that was red itself does not tell how red the skin is
    return replace(
        change,
        difference=difference,
        ci_low=low,
        ci_high=high,
        detectable_change=z * error,
        standard_error=error,
        verdict=decide_verdict(
            difference,
            low,
            high,
            metric=metric,
            # Better and worse are not said of skin that may have been treated an hour ago.
            better=None if course.may_be_recent(plan, change.to_session) else draft.better,
            rung=change.color_reference,
            recent=recent,
            covered=covered,
        ),
        course_status=status,
    )


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


def adjust_headline(changes: Sequence[Change]) -> list[Change]:
    """Fill :attr:`~skinprogress.records.Change.p_headline`: a headline picks the largest of many changes.

    Parameters
    ----------
    changes : sequence of Change
        Of all pairs of sessions and all views.

    Returns
    -------
    list of Change
        In the same order. The family is everything that is charted and could be judged between two sessions, in all
        views; marks are a family of their own.
    """
    families: dict[tuple[str, str, str, bool], list[int]] = {}
    for k, change in enumerate(changes):
        if _can_lead(change):
            is_mark = change.region not in (*REGIONS, NECK)
            families.setdefault((change.against, change.from_session, change.to_session, is_mark), []).append(k)
    adjusted = dict[int, float]()
    for members in families.values():
        p = two_sided_p(np.array([changes[k].difference / changes[k].standard_error for k in members]))
        adjusted.update(zip(members, map(float, holm_adjusted(p)), strict=True))
    return [replace(c, p_headline=adjusted[k]) if k in adjusted else c for k, c in enumerate(changes)]


def _can_lead(change: Change) -> bool:
    """Whether a headline would name the change if it were large enough."""
    metric = METRICS[change.metric]
    # Without a colour reference, what is small is called not comparable: it was looked at all the same.
    judged = change.verdict != "not comparable" or (metric.needs_color and change.color_reference == "none")
    # The same picture twice has no error where nothing else adds one.
    return metric.charted and judged and 0.0 < change.standard_error < np.inf
