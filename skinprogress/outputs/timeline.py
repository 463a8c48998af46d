"""The axis of time: hours after a treatment and weeks between treatments in one chart."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from skinprogress.comparison.course import in_order
from skinprogress.comparison.sentences import date_text, duration_text
from skinprogress.outputs.style import aside_sessions, printable
from skinprogress.records import ClientResult, Flag, Treatment


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Where the sessions stand on the axis of time and what they are called.

    Attributes
    ----------
    x : dict of str to float
        Session to position; steps grow with the logarithm of the time between, so that hours and weeks both show.
    heads : dict of str to (str, str)
        Session to its date and to how long after a treatment it was (or ``before``, ``numbing`` …).
    treatments : tuple of (float, str)
        Position and number of each treatment.
    note : str
        One sentence on the axis for the foot of a chart.
    """

    x: dict[str, float]
    heads: dict[str, tuple[str, str]]
    treatments: tuple[tuple[float, str], ...]
    note: str

    @property
    def span(self) -> tuple[float, float]:
        """First and last position, with a margin."""
        at = [*self.x.values(), *(x for x, _ in self.treatments)]
        margin = 0.04 * (max(at) - min(at)) + 0.35
        return min(at) - margin, max(at) + margin


def lay_out_sessions(result: ClientResult) -> Timeline:
    """Lay out the sessions of a result on the axis of time."""
    heads = _heads(result)
    hours = _session_hours(result)
    if hours is None:
        x = {s: float(i) for i, s in enumerate(result.sessions)}
        return Timeline(x, heads, (), "Not all dates are known: the sessions stand in order, at equal distances.")
    origin = _taken_at(result).get(result.sessions[0])
    treatments = [
        ((t.at - origin).total_seconds() / 3600, str(t.number or i + 1))
        for i, t in enumerate(in_order(result.plan.course))
        if origin is not None and _is_shown(t, i, result, origin, hours)
    ]
    # Each treatment gets room of its own unless there are so many (a roller at home) that they would fill the axis.
    roomy = len(treatments) <= max(3, len(result.sessions))
    events = np.unique(np.concatenate([hours, [h for h, _ in treatments] if roomy else []]))
    at = _compressed(events, strength=float(np.clip(24 / len(events), 1.0, 3.0)))
    # Two sessions without a time of day fall on one moment: they still stand side by side.
    x, previous = {}, -math.inf
    for session, h in zip(result.sessions, hours, strict=True):
        previous = max(float(np.interp(h, events, at)), previous + 0.8)
        x[session] = previous
    marks = tuple((float(np.interp(h, events, at)), n if roomy else "") for h, n in treatments)
    note = "Time is compressed: a long gap takes less room than it would to scale." if len(events) > 2 else ""
    return Timeline(x, heads, marks, note)


def _compressed(hours: npt.NDArray[np.float64], *, strength: float) -> npt.NDArray[np.float64]:
    """Return positions whose steps are 1 plus `strength` times the logarithm of the gap (relative to the longest)."""
    gaps = np.log1p(np.diff(hours) / 2.0)
    longest = gaps.max() if gaps.size else 1.0
    return np.concatenate([[0.0], np.cumsum(1.0 + strength * gaps / max(longest, 1e-9))])


def _is_shown(
    treatment: Treatment, index: int, result: ClientResult, origin: datetime, hours: npt.NDArray[np.float64]
) -> bool:
    """Tell if a treatment lies between the sessions, or before them and still explains the first."""
    h = (treatment.at - origin).total_seconds() / 3600
    if h < hours[0]:
        return result.plan.phases[result.sessions[0]].treatment_number == index + 1
    return bool(h <= hours[-1])


def _taken_at(result: ClientResult) -> dict[str, datetime]:
    """Return when each session began; the distance to the treatment is trusted over a date without a time of day."""
    times: dict[str, datetime] = {}
    for photo in result.photos:
        if photo.taken_at is not None and Flag.DATE_UNKNOWN not in photo.flags and photo.session in result.sessions:
            times[photo.session] = min(photo.taken_at, times.get(photo.session, photo.taken_at))
    # Phases count the recorded treatments in order of time, whatever number the user gave them.
    treated = dict(enumerate((t.at for t in in_order(result.plan.course)), start=1))
    for session, phase in result.plan.phases.items():
        if session in times and phase.days_after is not None and phase.treatment_number in treated:
            times[session] = treated[phase.treatment_number] + timedelta(days=phase.days_after)
    return times


def _session_hours(result: ClientResult) -> npt.NDArray[np.float64] | None:
    """Return hours since the first session, never falling; None where a session's time is not known."""
    times = _taken_at(result)
    if all(s in times for s in result.sessions):
        first = times[result.sessions[0]]
        hours = [(times[s] - first).total_seconds() / 3600 for s in result.sessions]
    else:
        days = {i.ref.session: i.ref.day for i in result.inspections.values() if i.ref.day is not None}
        if not all(s in days for s in result.sessions):
            return None
        hours = [24.0 * (days[s] - days[result.sessions[0]]) for s in result.sessions]
    return np.maximum.accumulate(np.array(hours, dtype=np.float64))


def _heads(result: ClientResult) -> dict[str, tuple[str, str]]:
    """Return the date line of each session and the line below it."""
    heads = {}
    times = _taken_at(result)
    aside = aside_sessions(result)
    years = {t.year for t in times.values()}
    days = [f"{t:%Y-%m-%d}" for t in times.values()]
    for session in result.sessions:
        phase = result.plan.phases.get(session)
        at = times.get(session)
        year = f" {at:%y}" if at is not None and len(years) > 1 else ""
        date = _short(session) if at is None else f"{date_text(at, short=True)}{year}"
        if session in aside:
            below = aside[session]
        elif phase is not None and phase.days_after is not None:
            below = f"+{duration_text(phase.days_after, short=True)}"
        elif phase is not None and phase.name == "before":
            below = "before"
        else:
            below = f"{at:%H:%M}" if at is not None and days.count(f"{at:%Y-%m-%d}") > 1 else ""
        heads[session] = date, below
    return heads


def _short(session: str) -> str:
    """A name for an axis: of long ones the beginning and the end, since names of one client often begin alike."""
    name = printable(session, max_chars=200)
    return name if len(name) <= 14 else f"{name[:6].rstrip()}…{name[-7:].lstrip()}"


def session_title(result: ClientResult, session: str) -> str:
    """Return a session in one line with its year where it is dated, for titles."""
    at = _taken_at(result).get(session)
    _, below = _heads(result)[session]
    full = f"“{printable(session)}”" if at is None else f"{date_text(at, short=True)} {at.year}"
    return f"{full} ({below})" if below else full
