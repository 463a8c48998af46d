"""Where in the course of treatments a session stands, and what clinics quote for that time."""

from collections.abc import Iterable, Mapping

from skinprogress.records import ClientPlan, Course, CourseStatus, Phase, PhaseName, PhotoRef

ACUTE_DAYS = 3.0
PEELING_DAYS = 7.0
SETTLED_DAYS = 21.0
# Redness after needling as clinics quote it: 12–24 h, 3–48 h, 24–72 h, 1–3 days; marks on bony areas 3–5 days.
QUOTED_REDNESS_DAYS = 3.0
QUOTED_BONY_DAYS = 5.0
BONY_AREAS = frozenset({"forehead", "glabella", "nose", "upper_lip", "chin", "jaw_left", "jaw_right"})
NEVER_BASELINE = frozenset({"numbing", "after cream"})
RECENT_PHASES = frozenset({"acute", "peeling"})


def phase_of(session: str, refs: Iterable[PhotoRef], course: Course) -> Phase:
    """Phase of one session from its photos' hours since the last treatment.

    Parameters
    ----------
    session : str
    refs : iterable of PhotoRef
        The session's photos.
    course : Course

    Returns
    -------
    Phase
        ``unknown`` where neither treatments nor names tell.
    """
    refs = list(refs)
    hours = [r.hours_after for r in refs if r.hours_after is not None]
    taken = [r.taken_at for r in refs if r.taken_at is not None]
    dates = sorted(t.at for t in course.treatments)
    given = [t for t in dates if taken and t <= min(taken)]
    number = len(given) or None
    if hours:
        days = min(hours) / 24.0
        return Phase(session=session, days_after=days, treatment_number=number, name=_phase_name(days))
    before = bool(taken and dates and max(taken) < dates[0]) or any(r.stage in ("pre", "numbing") for r in refs)
    return Phase(session=session, days_after=None, treatment_number=None, name="before" if before else "unknown")


def _phase_name(days: float) -> PhaseName:
    if days <= ACUTE_DAYS:
        return "acute"
    if days <= PEELING_DAYS:
        return "peeling"
    return "settling" if days < SETTLED_DAYS else "settled"


def find_baseline(
    sessions: Iterable[str], refs_of: Mapping[str, Iterable[PhotoRef]], phases: Mapping[str, Phase]
) -> str | None:
    """The first session that may be a baseline: no numbing or cream on the skin, and not days after a treatment.

    Falls back to the first without numbing or cream where all are recent.
    """
    clean = [
        s for s in sessions if not any(r.stage in NEVER_BASELINE or r.stage == "directly after" for r in refs_of[s])
    ]
    calm = [s for s in clean if phases[s].name not in RECENT_PHASES]
    return next(iter(calm or clean), None)


def outcome_session(plan: ClientPlan) -> str | None:
    """The session that answers "what did the course do": the last that is neither acute nor peeling, after baseline."""
    if plan.baseline is None:
        return None
    later = plan.sessions[plan.sessions.index(plan.baseline) + 1 :]
    candidates = [s for s in later if not is_recent(plan, s) and not is_covered(plan, s)]
    return candidates[-1] if candidates else None


def is_recent(plan: ClientPlan, session: str) -> bool:
    """Whether the session lies within a week after a treatment."""
    return plan.phases[session].name in RECENT_PHASES


def is_covered(plan: ClientPlan, session: str) -> bool:
    """Whether numbing or other cream was on the skin in the session."""
    return session in plan.covered_sessions


def redness_status(region: str, days_after: float | None, ci_low: float, ci_high: float) -> CourseStatus:
    """How a change of redness against baseline stands to what clinics quote for that day.

    Parameters
    ----------
    region : str
    days_after : float or None
        Since the last treatment.
    ci_low, ci_high : float
        Interval of the change; above zero is redder.
    """
    if days_after is None or not (ci_low == ci_low and ci_high == ci_high):
        return "cannot say"
    limit = QUOTED_BONY_DAYS if region in BONY_AREAS else QUOTED_REDNESS_DAYS
    if days_after <= limit or ci_high <= 0:
        return "within quoted range"
    return "longer than quoted" if ci_low > 0 else "cannot say"
