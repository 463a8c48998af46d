"""What is worth a sentence: the outcome, the course of redness, what could not be said."""

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np

from skinprogress.comparison.course import QUOTED_REDNESS_DAYS, is_recent, outcome_session
from skinprogress.face.regions import REGIONS, WHOLE_FACE
from skinprogress.metrics.table import METRICS
from skinprogress.records import Change, ClientPlan, Comparison, Finding, Flag

REAL = ("improved", "worsened", "changed")
"""Verdicts that say that something is different, in the order in which they are told."""
MIN_DAYS_BETWEEN_TREATMENTS = 21
VISIBLE_REDNESS = 2.5
"""Difference of redness that people see, a*-equivalents: COLIPA guideline on erythema."""
_LEAST_TOLD = 0.1
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
# Below so many days, times are told in units of so many days.
_UNITS = (
    (1.5 / 24, 1 / 1440, "minute", "min"),
    (2, 1 / 24, "hour", "h"),
    (14, 1, "day", "d"),
    (183, 7, "week", "wk"),
    (float("inf"), 30.44, "month", "mo"),
)


def session_text(session: str) -> str:
    """A session's label for people: ``14 March 2026, 16:30``, or the label itself where it is no date.

    Examples
    --------
    >>> session_text("2026-03-14T16:30"), session_text("Session 2")
    ('14 March 2026, 16:30', 'Session 2')
    """
    try:
        at = datetime.fromisoformat(session)
    except ValueError:
        return " ".join(session.split())
    return f"{date_text(at)}, {at:%H:%M}" if "T" in session else date_text(at)


def date_text(at: datetime, *, short: bool = False) -> str:
    """A day for people: ``14 March 2026``, or ``14 Mar`` for the axis of a chart."""
    month = _MONTHS[at.month - 1]
    return f"{at.day} {month[:3]}" if short else f"{at.day} {month} {at.year}"


def duration_text(days: float, *, short: bool = False) -> str:
    """A number of days as people say it, or in the few letters that a chart has room for.

    Examples
    --------
    >>> [duration_text(d) for d in (0.02, 1 / 24, 1.2, 9.6, 42, 400)]
    ['29 minutes', '60 minutes', '29 hours', '10 days', '6 weeks', '13 months']
    >>> duration_text(42, short=True)
    '6 wk'
    """
    size, word, letters = next((size, word, letters) for limit, size, word, letters in _UNITS if days < limit)
    count = round(days / size)
    if short:
        return f"{count} {letters}"
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def find_findings(plan: ClientPlan, changes: Sequence[Change], comparisons: Sequence[Comparison]) -> list[Finding]:
    """Sentences with their figures, most important first.

    Parameters
    ----------
    plan : ClientPlan
    changes : sequence of Change
    comparisons : sequence of Comparison

    Returns
    -------
    list of Finding
        Kinds: ``outcome``, ``redness_peak``, ``redness_fall``, ``not_comparable``, ``longer_than_quoted``, ``bound``,
        ``spacing``.
    """
    return [
        *_outcome(plan, changes),
        *_redness_course(plan, changes),
        *_longer_than_quoted(changes),
        *_not_comparable(comparisons),
        *_bounds(changes),
        *_spacing(plan),
    ]


def region_title(name: str) -> str:
    """A region as people call it; a mark by the name that the user gave it."""
    return REGIONS[name].title if name in REGIONS else name


def _sentence(change: Change, verb: str) -> str:
    metric = METRICS[change.metric]
    d = metric.decimals
    size, low, high = (f"{x:+.{d}f}".replace("-", "−") for x in (change.difference, change.ci_low, change.ci_high))
    return f"{region_title(change.region)}: {metric.title.lower()} {verb}, {size} {metric.unit} ({low} to {high})"


def _finding(kind: str, change: Change, text: str) -> Finding:
    return Finding(
        kind=kind,
        region=change.region,
        metric=change.metric,
        figure=change.difference,
        ci_low=change.ci_low,
        ci_high=change.ci_high,
        text=text,
    )


def _outcome(plan: ClientPlan, changes: Sequence[Change]) -> list[Finding]:
    """Every real change between the baseline and the last session that is neither acute nor peeling."""
    target = outcome_session(plan)
    rows = [
        c
        for c in changes
        if c.against == "baseline" and c.to_session == target and c.verdict in REAL and METRICS[c.metric].charted
    ]
    rows.sort(key=lambda c: (c.verdict == "changed", -abs(c.difference) / max(c.detectable_change, 1e-9)))
    return [
        _finding(
            "outcome",
            c,
            f"{_sentence(c, c.verdict)}, from {session_text(c.from_session)} to {session_text(c.to_session)}",
        )
        for c in rows
    ]


def _redness_course(plan: ClientPlan, changes: Sequence[Change]) -> list[Finding]:
    """The highest redness after a treatment, and how far it had come down by the next sessions."""
    rows = [
        c
        for c in changes
        if c.metric == "redness_index" and c.region == WHOLE_FACE and c.against == "baseline" and np.isfinite(c.ci_low)
    ]
    recent = [c for c in rows if is_recent(plan, c.to_session)]
    if not recent:
        return []
    peak = max(recent, key=lambda c: c.difference)
    if not peak.ci_low > 0:
        return []
    when = _after(plan, peak.to_session)
    found = [_finding("redness_peak", peak, f"{_sentence(peak, 'rose')} {when}")]
    at = plan.sessions.index(peak.to_session)
    later = [c for c in rows if plan.sessions.index(c.to_session) > at and c.view == peak.view]
    for change in later:
        if change.ci_high < peak.ci_low:
            left = change.difference / peak.difference
            if change.ci_low <= 0 <= change.ci_high:
                how = "back at the baseline, as far as these photos can tell,"
            else:
                how = f"down to {max(left, 0.0):.0%} of that rise"
            text = f"whole face: {METRICS[change.metric].title.lower()} was {how} {_after(plan, change.to_session)}"
            found.append(_finding("redness_fall", change, text))
            break
    return found


def _after(plan: ClientPlan, session: str) -> str:
    phase = plan.phases[session]
    if phase.days_after is None:
        return f"on {session_text(session)}"
    number = "the treatment" if phase.treatment_number is None else f"treatment {phase.treatment_number}"
    return f"{duration_text(phase.days_after)} after {number}"


def _longer_than_quoted(changes: Sequence[Change]) -> list[Finding]:
    rows = [c for c in changes if c.course_status == "longer than quoted" and c.metric == "redness_index"]
    return [
        _finding(
            "longer_than_quoted",
            c,
            f"{_sentence(c, 'still raised')} on {session_text(c.to_session)}: clinics quote up to "
            f"{QUOTED_REDNESS_DAYS:.0f} days (3–5 over bone); ask the clinician",
        )
        for c in rows
        if c.region != WHOLE_FACE
    ]


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
            text=f"{session_text(c.from_session)} and {session_text(c.to_session)} cannot be compared: "
            + "; ".join(c.reasons),
        )
        for c in comparisons
        if c.grade == "F" and c.against == "baseline"
    ]


def _bounds(changes: Sequence[Change]) -> list[Finding]:
    """What can be said though the whole face was treated and its colours are not certain: at least, and at most.

    If the rest of the face did not become paler, a region that is redder relative to it is redder by as much at least.
    """
    found = []
    for pair in dict.fromkeys((c.view, c.to_session) for c in changes if c.against == "baseline"):
        rows = [c for c in changes if (c.view, c.to_session) == pair and c.against == "baseline"]
        relative = [c for c in rows if c.metric == "relative_redness" and Flag.REFERENCE_MAY_BE_TREATED in c.flags]
        redder = max((c for c in relative if c.ci_low >= _LEAST_TOLD), key=lambda c: c.ci_low, default=None)
        paler = min((c for c in relative if c.ci_high <= -_LEAST_TOLD), key=lambda c: c.ci_high, default=None)
        if redder:
            text = f"at least {_least(redder.ci_low)} a*-eq redder, unless the rest of the face became less red"
            found.append(_bound(redder, text))
        if paler:
            text = f"at least {_least(-paler.ci_high)} a*-eq less red, unless the rest of the face became redder"
            found.append(_bound(paler, text))
        whole = next((c for c in rows if c.metric == "redness_index" and c.region == WHOLE_FACE), None)
        if whole and max(abs(whole.ci_low), abs(whole.ci_high)) <= VISIBLE_REDNESS:
            text = f"redness changed by no more than people see ({VISIBLE_REDNESS} a*-eq), whatever the direction"
            found.append(_bound(whole, text))
        elif whole and max(whole.ci_low, -whole.ci_high) >= _LEAST_TOLD:
            least, word = (whole.ci_low, "redder") if whole.ci_low > 0 else (-whole.ci_high, "less red")
            found.append(_bound(whole, f"at least {_least(least)} a*-eq {word}"))
    return found


def _least(size: float) -> str:
    """A bound with one decimal, never more than it is."""
    return f"{math.floor(size * 10.0) / 10.0:.1f}"


def _bound(change: Change, text: str) -> Finding:
    when = f"from {session_text(change.from_session)} to {session_text(change.to_session)}"
    return _finding("bound", change, f"{region_title(change.region)}: {text}, {when}")


def _spacing(plan: ClientPlan) -> list[Finding]:
    dates = sorted(t.at for t in plan.course.treatments)
    nan = float("nan")
    return [
        Finding(
            kind="spacing",
            region=WHOLE_FACE,
            metric="",
            figure=float((b - a).days),
            ci_low=nan,
            ci_high=nan,
            text=f"{(b - a).days} days between the treatments of {date_text(a)} and {date_text(b)}: clinics leave "
            "at least three weeks; ask the clinician",
        )
        for a, b in pairwise(dates)
        if (b - a).days < MIN_DAYS_BETWEEN_TREATMENTS
    ]
