"""What a clinician should hear of: observations with their figures and whose figures they are, never a diagnosis."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from skinprogress.comparison.course import (
    SETTLED_DAYS,
    SHALLOW_MM,
    in_order,
    is_calm,
    is_covered,
    last_treatment,
    quoted_redness_days,
    redness_status,
)
from skinprogress.comparison.outcome import find_outcome
from skinprogress.comparison.quoted import QUOTES, Quote, quote_text, usual_sessions
from skinprogress.comparison.recovery import RECOVERY_METRIC
from skinprogress.comparison.sentences import (
    after_text,
    by_region,
    change_finding,
    date_text,
    duration_text,
    interval_text,
    session_text,
    surest,
    view_text,
)
from skinprogress.comparison.uncertainty import simultaneous_z
from skinprogress.comparison.verdicts import redness_is_judged
from skinprogress.face.regions import REGIONS, WHOLE_FACE
from skinprogress.metrics.metric import Metric
from skinprogress.metrics.table import METRICS
from skinprogress.records import Change, ClientPlan, Finding, Treatment

ASK = "ask the clinician"
_PATCHES = {"dark_patches": "darker", "pale_patches": "lighter"}
_SIDED = ("cheek", "jaw", "periorbital")


def find_care_notes(plan: ClientPlan, changes: Sequence[Change], *, confidence_level: float = 0.95) -> list[Finding]:
    """Observations that the course itself asks for.

    Parameters
    ----------
    plan : ClientPlan
    changes : sequence of Change
    confidence_level : float
        Of what is compared here: left with right.

    Returns
    -------
    list of Finding
        Kinds ``longer_than_quoted``, ``pigment_shift``, ``sides``, ``spacing`` and ``sessions_planned``. One that
        speaks of several regions carries the figure of the region that is surest.
    """
    rows = [c for c in changes if c.against == "baseline" and math.isfinite(c.difference)]
    return [
        *_longer_than_quoted(plan, rows),
        *_pigment_shift(plan, rows),
        *_sides(plan, rows, confidence_level),
        *_spacing(plan),
        *_sessions_planned(plan),
    ]


def _longer_than_quoted(plan: ClientPlan, changes: Sequence[Change]) -> Iterable[Finding]:
    """Regions still redder than at baseline beyond what is quoted for them, before the skin counts as settled."""

    def is_longer(c: Change) -> bool:
        if c.metric != RECOVERY_METRIC:
            return False
        phase, given = plan.phases[c.to_session], last_treatment(plan, c.to_session)
        if phase.days_after is None or phase.days_after >= SETTLED_DAYS or is_covered(plan, c.to_session):
            return False
        return redness_status(phase, c.region, c.ci_low, c.ci_high, treatment=given) == "longer than quoted"

    for rows in _last_of_each_treatment(plan, [c for c in changes if is_longer(c)]):
        given = last_treatment(plan, rows[0].to_session)
        limits = [quoted_redness_days(given, c.region) for c in rows]
        if len(set(limits)) == 1:
            told = f"{by_region(rows)}; quoted are up to {duration_text(limits[0])} there"
        else:
            told = "; ".join(
                f"{by_region([c for c, own in zip(rows, limits, strict=True) if own == limit])}, quoted up to "
                f"{duration_text(limit)}"
                for limit in sorted(set(limits))
            )
        topics = ["redness", "redness_bony"]
        if given is not None and given.setting != "clinic":
            topics.append("redness_home")
        yield change_finding(
            "longer_than_quoted",
            surest(rows),
            f"redness still raised {after_text(plan, rows[0].to_session)}{view_text(rows[0].view)}: {told}; {ASK}",
            source=quote_text(quote for topic in topics for quote in QUOTES[topic]),
        )


def _pigment_shift(plan: ClientPlan, changes: Sequence[Change]) -> Iterable[Finding]:
    """New darker or lighter patches in the weeks in which they are known to come."""
    quote = QUOTES["pigment"][0]

    def is_due(c: Change) -> bool:
        days = plan.phases[c.to_session].days_after
        return days is not None and quote.low <= days <= quote.high and is_calm(plan, c.to_session)

    for metric, word in _PATCHES.items():
        new = [c for c in changes if c.metric == metric and c.ci_low > 0 and is_due(c)]
        for rows in _last_of_each_treatment(plan, new):
            yield change_finding(
                "pigment_shift",
                surest(rows),
                f"more {word} patches than at the baseline {after_text(plan, rows[0].to_session)}"
                f"{view_text(rows[0].view)}: {by_region(rows)}; {quote.name} are known {quote.text} after a treatment; "
                f"{ASK}",
                source=quote_text([quote]),
            )


def _last_of_each_treatment(plan: ClientPlan, changes: Sequence[Change]) -> Iterable[list[Change]]:
    """Changes of the last session after each treatment that has any, one list a view; the whole face only by itself."""
    last = {(c.view, plan.phases[c.to_session].treatment_number): c.to_session for c in _by_time(plan, changes)}
    for (view, _), session in last.items():
        rows = [c for c in changes if (c.view, c.to_session) == (view, session)]
        yield [c for c in rows if c.region != WHOLE_FACE] or rows


def _by_time(plan: ClientPlan, changes: Sequence[Change]) -> list[Change]:
    return sorted(changes, key=lambda c: plan.sessions.index(c.to_session))


def _sides(plan: ClientPlan, changes: Sequence[Change], confidence_level: float) -> Iterable[Finding]:
    """Left and right that changed differently, jointly over all pairs and metrics that are looked at."""
    outcome = find_outcome(plan)
    if outcome is None or outcome.kind in ("early", "too soon") or not is_calm(plan, outcome.to_session):
        return
    of = {(c.view, c.metric, c.region): c for c in changes if c.to_session == outcome.to_session}
    pairs = [
        (left, of[view, metric, f"{side}_right"])
        for (view, metric, region), left in of.items()
        for side in _SIDED
        if region == f"{side}_left" and (view, metric, f"{side}_right") in of and _tells_sides(METRICS[metric])
    ]
    z = simultaneous_z(confidence_level, len(pairs))
    for view, name in dict.fromkeys((left.view, left.metric) for left, _ in pairs):
        told = []
        for left, right in (p for p in pairs if (p[0].view, p[0].metric) == (view, name)):
            gap = left.difference - right.difference
            error = math.hypot(left.standard_error, right.standard_error)
            if abs(gap) > z * error:
                told.append((left, (gap, gap - z * error, gap + z * error)))
        if told:
            yield _side_finding(told)


def _tells_sides(metric: Metric) -> bool:
    """Redness once, and not against the rest of the face, which holds the other side."""
    return metric.charted and not metric.relative and (not redness_is_judged(metric) or metric.name == RECOVERY_METRIC)


def _side_finding(told: Sequence[tuple[Change, tuple[float, float, float]]]) -> Finding:
    first, (gap, low, high) = max(told, key=lambda side: abs(side[1][0]) / (side[1][2] - side[1][1]))
    metric = METRICS[first.metric]
    sizes = ", ".join(
        f"{REGIONS[c.region].title.replace('left ', '')} {interval_text(values, c.unit, metric.decimals)}"
        for c, values in told
    )
    return Finding(
        kind="sides",
        region=first.region,
        metric=first.metric,
        figure=gap,
        ci_low=low,
        ci_high=high,
        text=f"left and right changed differently{view_text(first.view)}: {metric.title.lower()}, change on the left "
        f"minus that on the right, {sizes}, from {session_text(first.from_session)} to "
        f"{session_text(first.to_session)}; {ASK}",
        view=first.view,
        unit=first.unit,
        from_session=first.from_session,
        to_session=first.to_session,
    )


def _spacing(plan: ClientPlan) -> Iterable[Finding]:
    """Treatments of the same skin closer to each other than clinics say; rolling with short needles is not meant."""
    for a, b in pairwise(t for t in in_order(plan.course) if _is_session(t)):
        days = (b.at.date() - a.at.date()).days
        if days >= SETTLED_DAYS or (a.areas and b.areas and not set(a.areas) & set(b.areas)):
            continue
        text = (
            f"{_count(days, 'day')} between the treatments of {date_text(a.at)} and {date_text(b.at)}: clinics leave "
            f"at least {duration_text(SETTLED_DAYS)}; {ASK}"
        )
        yield _of_course("spacing", float(days), text, "days", QUOTES["spacing"])


def _is_session(treatment: Treatment) -> bool:
    """Whether the figures for needling sessions hold: not for other treatments, nor for rolling with short needles."""
    short = max(treatment.depth_mm.values(), default=math.inf) <= SHALLOW_MM
    needling = math.isfinite(quoted_redness_days(treatment, WHOLE_FACE))
    return needling and not (treatment.setting == "home" and short)


def _sessions_planned(plan: ClientPlan) -> Iterable[Finding]:
    """Fewer treatments than planned, or than its aim usually takes, as far as they are recorded."""
    given = plan.course.treatments
    if not given or any(t.setting == "maintenance" for t in given):
        return
    count = sum(map(_is_session, given)) or len(given)
    planned, kind, unit = plan.course.planned, "sessions_planned", "treatments"
    if planned is not None and count < planned:
        yield _of_course(kind, float(count), f"{count} of {planned} planned treatments are recorded; {ASK}", unit, ())
        return
    for aim in plan.course.aim:
        quotes = usual_sessions(aim)
        # Fewer than any of the sources allows for.
        if quotes and count < min(quote.high for quote in quotes):
            usual = ", ".join(dict.fromkeys(quote.text for quote in quotes))
            recorded = f"{_count(count, 'treatment')} {'is' if count == 1 else 'are'} recorded"
            text = f"{recorded}; for the aim “{aim}” sources speak of {usual}; {ASK}"
            yield _of_course(kind, float(count), text, unit, quotes)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _of_course(kind: str, figure: float, text: str, unit: str, quotes: Sequence[Quote]) -> Finding:
    nan = float("nan")
    return Finding(
        kind=kind, region=WHOLE_FACE, metric="", figure=figure, ci_low=nan, ci_high=nan, text=text, unit=unit,
        source=quote_text(quotes),
    )  # fmt: skip
