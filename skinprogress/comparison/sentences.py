"""How sessions, times, regions and figures are said in sentences."""

import math
from collections.abc import Sequence
from datetime import datetime

from skinprogress.face.regions import REGIONS
from skinprogress.metrics.table import METRICS
from skinprogress.records import Change, ClientPlan, Finding

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
    """A session's label for people: ``14 March 2026, 16:30``, or the label itself where it does not begin with a date.

    Examples
    --------
    >>> session_text("2026-03-14T16:30"), session_text("2026-03-14 before"), session_text("Session 2")
    ('14 March 2026, 16:30', '14 March 2026 (before)', 'Session 2')
    """
    day, _, words = " ".join(session.split()).partition(" ")
    try:
        at = datetime.fromisoformat(day)
    except ValueError:
        return " ".join(session.split())
    if words:
        return f"{session_text(day)} ({words})"
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


def after_text(plan: ClientPlan, session: str) -> str:
    """When a session took place: ``2 hours after treatment 1``, or its date where no treatment is known."""
    phase = plan.phases[session]
    if phase.days_after is None:
        return f"on {session_text(session)}"
    number = "the treatment" if phase.treatment_number is None else f"treatment {phase.treatment_number}"
    return f"{duration_text(phase.days_after)} after {number}"


def region_title(name: str) -> str:
    """A region as people call it; a mark by the name that the user gave it."""
    return REGIONS[name].title if name in REGIONS else name


def view_text(view: str) -> str:
    """`` (left oblique view)``; empty for the front, which goes without saying."""
    return "" if view in ("", "front") else f" ({view.replace('_', ' ')} view)"


def signed_text(value: float, decimals: int) -> str:
    """A change with its sign, and a true minus.

    Examples
    --------
    >>> signed_text(-1.25, 1), signed_text(0.04, 2)
    ('−1.2', '+0.04')
    """
    # Nothing is less than zero that is shown as zero.
    return f"{round(value, decimals) + 0.0:+.{decimals}f}".replace("-", "−")


def interval_text(values: tuple[float, float, float], unit: str, decimals: int) -> str:
    """A change and its interval: ``+4.9 a*-eq (+3.1 to +6.6)``."""
    size, low, high = (signed_text(value, decimals) for value in values)
    return f"{size} {unit} ({low} to {high})"


def change_text(change: Change) -> str:
    """The size of a change with its interval, in the decimals of its metric."""
    values = (change.difference, change.ci_low, change.ci_high)
    return interval_text(values, change.unit, METRICS[change.metric].decimals)


def change_finding(kind: str, change: Change, text: str, *, source: str = "") -> Finding:
    """A finding whose figure is that of one change."""
    return Finding(
        kind=kind,
        region=change.region,
        metric=change.metric,
        figure=change.difference,
        ci_low=change.ci_low,
        ci_high=change.ci_high,
        text=text,
        view=change.view,
        unit=change.unit,
        from_session=change.from_session,
        to_session=change.to_session,
        source=source,
    )


def by_region(changes: Sequence[Change]) -> str:
    """Sizes of the changes of several regions: ``left cheek +1.3 a*-eq (+0.4 to +2.2), chin …``."""
    return ", ".join(f"{region_title(c.region)} {change_text(c)}" for c in changes)


def surest(changes: Sequence[Change]) -> Change:
    """The change that is largest for its error, to stand for the others in a table."""
    return max(changes, key=lambda c: abs(c.difference) / max(c.ci_high - c.ci_low, math.ulp(1.0)))
