"""What is worth a sentence: the outcome, the trends, the course of redness, what could not be said."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from skinprogress.comparison.care import find_care_notes
from skinprogress.comparison.course import is_covered, is_recent
from skinprogress.comparison.outcome import Outcome, find_outcomes
from skinprogress.comparison.recovery import RECOVERY_METRIC, compare_recoveries
from skinprogress.comparison.sentences import (
    after_text,
    change_finding,
    change_text,
    interval_text,
    region_title,
    session_text,
    view_text,
)
from skinprogress.comparison.verdicts import redness_is_judged
from skinprogress.face.regions import WHOLE_FACE
from skinprogress.metrics.table import METRICS
from skinprogress.records import Change, ClientPlan, Comparison, Finding, Flag, Recovery, Trend

REAL = ("improved", "worsened", "changed")
"""Verdicts that say that something is different, in the order in which they are told."""
VISIBLE_REDNESS = 2.5
"""Difference of redness that people see, a*-equivalents: COLIPA guideline on erythema."""
_VISIBLE_SOURCE = "COLIPA guideline on erythema"
_LEAST_TOLD = 0.1


def find_findings(
    plan: ClientPlan,
    changes: Sequence[Change],
    comparisons: Sequence[Comparison],
    *,
    trends: Sequence[Trend] = (),
    recoveries: Sequence[Recovery] = (),
    confidence_level: float = 0.95,
) -> list[Finding]:
    """Sentences with their figures, most important first.

    Parameters
    ----------
    plan : ClientPlan
    changes : sequence of Change
    comparisons : sequence of Comparison
    trends : sequence of Trend
    recoveries : sequence of Recovery
    confidence_level : float
        Of what is compared here: the recoveries, and left with right.

    Returns
    -------
    list of Finding
        Kinds: ``outcome`` (``early_result`` within three weeks of a treatment), ``maintenance``, ``trend``,
        ``recovery``, ``recovery_compared``, ``redness_peak``, ``redness_fall``, the care notes of
        :func:`~skinprogress.comparison.care.find_care_notes`, ``not_comparable``, ``bound``, ``no_course``.
    """
    return [
        *(finding for outcome in find_outcomes(plan) for finding in _outcome(plan, outcome, changes)),
        *_trends(trends),
        *_redness_course(plan, changes),
        *_recoveries(recoveries),
        *compare_recoveries(recoveries, confidence_level=confidence_level),
        *find_care_notes(plan, changes, confidence_level=confidence_level),
        *_not_comparable(comparisons),
        *_bounds(plan, changes),
        *_no_course(plan),
    ]


def _sentence(change: Change, verb: str) -> str:
    return f"{_where(change)}: {METRICS[change.metric].title.lower()} {verb}, {change_text(change)}"


def _where(found: Change | Trend | Recovery) -> str:
    return f"{region_title(found.region)}{view_text(found.view)}"


def _outcome(plan: ClientPlan, outcome: Outcome, changes: Sequence[Change]) -> list[Finding]:
    """Every real change over one segment of treatments, up to the session that answers what it has brought."""
    if outcome.kind == "too soon":
        return []
    rows = [
        c
        for c in changes
        if c.against == outcome.against
        and c.to_session == outcome.to_session
        and c.verdict in REAL
        and METRICS[c.metric].charted
        # Peeling skin may be judged as an early result, but by its redness alone.
        and (redness_is_judged(METRICS[c.metric]) or not is_recent(plan, c.to_session))
    ]
    rows.sort(key=lambda c: (c.verdict == "changed", -abs(c.difference) / max(c.detectable_change, 1e-9)))
    kind = "early_result" if outcome.kind == "early" else "outcome"
    label = {
        "early": f"; early result, {after_text(plan, outcome.to_session)}",
        "most settled": f"; the skin had not settled: {after_text(plan, outcome.to_session)}",
    }.get(outcome.kind, "")
    return [
        change_finding(
            "maintenance" if outcome.segment == "maintenance" else kind,
            c,
            f"{_sentence(c, c.verdict)}, from {session_text(c.from_session)} to {session_text(c.to_session)}{label}",
        )
        for c in rows
    ]


def _trends(trends: Sequence[Trend]) -> Iterable[Finding]:
    """Of each metric the trend of the whole face, and in one sentence those regions whose trend is no chance."""
    for key in dict.fromkeys((t.view, t.segment, t.metric) for t in trends):
        rows = [t for t in trends if (t.view, t.segment, t.metric) == key]
        yield from (_trend(t) for t in rows if t.region == WHOLE_FACE)
        moved = [t for t in rows if t.region != WHOLE_FACE and not t.per_month_low <= 0 <= t.per_month_high]
        if moved:
            moved.sort(key=lambda t: -abs(t.per_month) / (t.per_month_high - t.per_month_low))
            sizes = ", ".join(f"{region_title(t.region)} {_slope_text(t)}" for t in moved)
            yield _trend_finding(
                moved[0], f"{METRICS[moved[0].metric].title.lower()} by region: {sizes}, {_over(moved[0])}"
            )


def _trend(t: Trend) -> Finding:
    metric = METRICS[t.metric]
    if t.per_month_low <= 0 <= t.per_month_high:
        said = f"no steady trend of {metric.title.lower()} that these photos could show"
    else:
        said = f"{metric.title.lower()} {'rose' if t.per_month > 0 else 'fell'}"
    last = interval_text((t.difference, t.ci_low, t.ci_high), t.unit, metric.decimals)
    text = f"{region_title(t.region)}: {said}, {_slope_text(t)}, {_over(t)}; {last} at the last against the first"
    return _trend_finding(t, text)


def _slope_text(t: Trend) -> str:
    # A month's share of a change needs a decimal more than the change.
    decimals = METRICS[t.metric].decimals + 1
    return interval_text((t.per_month, t.per_month_low, t.per_month_high), f"{t.unit} per month", decimals)


def _over(t: Trend) -> str:
    segment = "of maintenance " if t.segment == "maintenance" else ""
    return (
        f"over {len(t.sessions)} sessions {segment}from {session_text(t.sessions[0])} to "
        f"{session_text(t.sessions[-1])}{view_text(t.view)}"
    )


def _trend_finding(t: Trend, text: str) -> Finding:
    return Finding(
        kind="trend",
        region=t.region,
        metric=t.metric,
        figure=t.per_month,
        ci_low=t.per_month_low,
        ci_high=t.per_month_high,
        text=text,
        view=t.view,
        unit=f"{t.unit} per month",
        from_session=t.sessions[0],
        to_session=t.sessions[-1],
    )


def _recoveries(recoveries: Sequence[Recovery]) -> Iterable[Finding]:
    """How quickly the redness of the whole face faded after each treatment, or why that cannot be told."""
    for r in (r for r in recoveries if r.region == WHOLE_FACE):
        if r.reason:
            text = f"{_where(r)}: how quickly redness faded after treatment {r.treatment} cannot be told: {r.reason}"
        else:
            half, low, high = (f"{h:.0f}" for h in (r.half_life_h, r.half_life_low_h, r.half_life_high_h))
            rise = interval_text((r.amplitude, r.amplitude_low, r.amplitude_high), r.unit, METRICS[r.metric].decimals)
            text = (
                f"{_where(r)}: redness rose by {rise} after treatment {r.treatment}, and half of that was gone after "
                f"{half} hours ({low} to {high})"
            )
        yield Finding(
            kind="recovery",
            region=r.region,
            metric=r.metric,
            figure=r.half_life_h,
            ci_low=r.half_life_low_h,
            ci_high=r.half_life_high_h,
            text=text,
            view=r.view,
            unit="hours",
            from_session=r.before,
            to_session=r.sessions[-1],
        )


def _redness_course(plan: ClientPlan, changes: Sequence[Change]) -> list[Finding]:
    """The highest redness after a treatment, and how far it had come down by the next sessions."""
    rows = [
        c
        for c in changes
        if c.metric == RECOVERY_METRIC
        and c.region == WHOLE_FACE
        and c.against == "baseline"
        and np.isfinite(c.ci_low)
        and not is_covered(plan, c.to_session)
    ]
    recent = [c for c in rows if is_recent(plan, c.to_session)]
    if not recent:
        return []
    peak = max(recent, key=lambda c: c.difference)
    if not peak.ci_low > 0:
        return []
    when = after_text(plan, peak.to_session)
    found = [change_finding("redness_peak", peak, f"{_sentence(peak, 'rose')} {when}")]
    at = plan.sessions.index(peak.to_session)
    later = [c for c in rows if plan.sessions.index(c.to_session) > at and c.view == peak.view]
    for change in later:
        if change.ci_high < peak.ci_low:
            left = change.difference / peak.difference
            if change.ci_low <= 0 <= change.ci_high:
                how = "back at the baseline, as far as these photos can tell,"
            else:
                how = f"down to {max(left, 0.0):.0%} of that rise"
            when = after_text(plan, change.to_session)
            text = f"{_where(change)}: {METRICS[change.metric].title.lower()} was {how} {when}"
            found.append(change_finding("redness_fall", change, text))
            break
    return found


def _not_comparable(comparisons: Sequence[Comparison]) -> list[Finding]:
    nan = float("nan")
    return [
        Finding(
            kind="not_comparable",
            region=WHOLE_FACE,
            metric="",
            figure=nan,
            ci_low=nan,
            ci_high=nan,
            text=f"{session_text(c.from_session)} and {session_text(c.to_session)}{view_text(c.view)} cannot be "
            f"compared: {'; '.join(c.reasons)}",
            view=c.view,
            from_session=c.from_session,
            to_session=c.to_session,
        )
        # Where maintenance is held against the baseline, the same pair is filed under both.
        for c in {
            (c.view, c.from_session, c.to_session): c
            for c in comparisons
            if c.grade == "F" and c.against in ("baseline", "maintenance")
        }.values()
    ]


def _bounds(plan: ClientPlan, changes: Sequence[Change]) -> list[Finding]:
    """What can be said though the whole face was treated and its colours are not certain: at least, and at most.

    If the rest of the face did not become paler, a region that is redder relative to it is redder by as much at least.
    """
    found = []
    bare = [c for c in changes if c.against == "baseline" and not is_covered(plan, c.to_session)]
    for pair in dict.fromkeys((c.view, c.to_session) for c in bare):
        rows = [c for c in bare if (c.view, c.to_session) == pair]
        relative = [c for c in rows if c.metric == "relative_redness" and Flag.REFERENCE_MAY_BE_TREATED in c.flags]
        whole = next((c for c in rows if c.metric == RECOVERY_METRIC and c.region == WHOLE_FACE), None)
        redder = max((c for c in relative if c.ci_low >= _LEAST_TOLD), key=lambda c: c.ci_low, default=None)
        paler = min((c for c in relative if c.ci_high <= -_LEAST_TOLD), key=lambda c: c.ci_high, default=None)
        # "Unless" is no condition where the face as a whole is known to have moved that way.
        if redder and not (whole and whole.ci_high < 0):
            text = f"at least {_least(redder.ci_low)} a*-eq redder, unless the rest of the face became less red"
            found.append(_bound(redder, text))
        if paler and not (whole and whole.ci_low > 0):
            text = f"at least {_least(-paler.ci_high)} a*-eq less red, unless the rest of the face became redder"
            found.append(_bound(paler, text))
        if whole and max(abs(whole.ci_low), abs(whole.ci_high)) <= VISIBLE_REDNESS:
            text = f"redness changed by no more than people see ({VISIBLE_REDNESS} a*-eq), whatever the direction"
            found.append(_bound(whole, text, source=_VISIBLE_SOURCE))
        elif whole and max(whole.ci_low, -whole.ci_high) >= _LEAST_TOLD:
            least, word = (whole.ci_low, "redder") if whole.ci_low > 0 else (-whole.ci_high, "less red")
            found.append(_bound(whole, f"at least {_least(least)} a*-eq {word}"))
    return found


def _least(size: float) -> str:
    """A bound with one decimal, never more than it is."""
    return f"{math.floor(size * 10.0) / 10.0:.1f}"


def _bound(change: Change, text: str, *, source: str = "") -> Finding:
    when = f"from {session_text(change.from_session)} to {session_text(change.to_session)}"
    return change_finding("bound", change, f"{_where(change)}: {text}, {when}", source=source)


def _no_course(plan: ClientPlan) -> list[Finding]:
    if plan.course.treatments or any(phase.days_after is not None for phase in plan.phases.values()):
        return []
    nan = float("nan")
    text = (
        "no treatments are recorded: the days after a treatment cannot be told from the others; `skinprogress init "
        "FOLDER` drafts a course.toml to write them into"
    )
    return [Finding(kind="no_course", region=WHOLE_FACE, metric="", figure=nan, ci_low=nan, ci_high=nan, text=text)]
