"""Where in the course of treatments a session stands, and what clinics quote for it."""

import math
import re
from collections.abc import Iterable, Sequence
from datetime import time, timedelta

from skinprogress.comparison.quoted import longest_by_clinics
from skinprogress.face.regions import NECK, REGIONS, WHOLE_FACE
from skinprogress.records import (
    ClientPlan,
    Course,
    CourseStatus,
    Flag,
    Phase,
    PhaseName,
    PhotoRef,
    Treatment,
)

# Every limit is a figure of comparison/quoted.py, where its source stands.
QUOTED_REDNESS_DAYS = longest_by_clinics("redness")
QUOTED_BONY_DAYS = longest_by_clinics("redness_bony")
QUOTED_HOME_DAYS = longest_by_clinics("redness_home")
ACUTE_DAYS = QUOTED_REDNESS_DAYS
PEELING_DAYS = longest_by_clinics("peeling")
# Short needles end above the layer that bleeds, so the lighter of the two figures for peeling holds for them.
LIGHT_PEELING_DAYS = longest_by_clinics("peeling_light")
EARLY_DAYS = LIGHT_PEELING_DAYS
# "Never under 3 weeks"; the 40 days that new cells may take are covered by the flag for the full effect.
SETTLED_DAYS = 21.0
FULL_EFFECT_DAYS = longest_by_clinics("full_effect")
SHALLOW_MM = longest_by_clinics("depth_home")
BONY_AREAS = frozenset({"forehead", "glabella", "nose", "upper_lip", "chin", "jaw_left", "jaw_right"})
NEVER_BASELINE = frozenset({"numbing", "after cream"})
RECENT_PHASES = frozenset({"acute", "peeling"})
# What is quoted is quoted for needling; radio waves, lasers and peels heal in their own time.
_NEEDLING = re.compile(r"needl|nadel|roll|stamp|\bpen\b|dermapen|skinpen|\bcit\b|collagen induction", re.IGNORECASE)
_OTHER_KINDS = re.compile(r"\brf\b|radio|laser|\bpeel", re.IGNORECASE)


def phase_of(session: str, refs: Iterable[PhotoRef], course: Course) -> Phase:
    """Phase of one session from its photos' hours since the last treatment.

    Parameters
    ----------
    session : str
    refs : iterable of PhotoRef
        The session's photos. Where their hours differ the fewest count.
    course : Course

    Returns
    -------
    Phase
        ``unknown`` where neither treatments nor names tell, and on the day of a treatment where the photo's time or
        that of the treatment is not known: whether it was before or after is never guessed.
    """
    refs = list(refs)
    treatments = in_order(course)
    known = [ref for ref in refs if ref.hours_after is not None]
    if known:
        soonest = min(known, key=lambda ref: ref.hours_after or 0.0)
        return _phase_after(session, (soonest.hours_after or 0.0) / 24.0, _given(soonest, treatments))
    is_before = any(ref.stage in ("pre", "numbing") for ref in refs) or (
        bool(treatments) and all(_surely_before(ref, treatments[0]) for ref in refs)
    )
    return Phase(session=session, days_after=None, treatment_number=None, name="before" if is_before else "unknown")


def photo_phase(ref: PhotoRef, phase: Phase | None, course: Course) -> PhaseName:
    """Phase of one photo: by its own hours where they are known, else that of its session, if that has one."""
    if phase is None or ref.hours_after is not None:
        return phase_of(ref.session, [ref], course).name
    return phase.name


def in_order(course: Course) -> list[Treatment]:
    """The treatments in order of time, as a phase's ``treatment_number`` counts them from 1."""
    return sorted(course.treatments, key=lambda treatment: treatment.at)


def last_treatment(plan: ClientPlan, session: str) -> Treatment | None:
    """The treatment that a session comes after; None where none is recorded, or not known which."""
    number = plan.phases[session].treatment_number
    return None if number is None else in_order(plan.course)[number - 1]


def _given(ref: PhotoRef, treatments: Sequence[Treatment]) -> Sequence[Treatment]:
    """The treatments up to the one that a photo's hours count from."""
    if ref.taken_at is None or ref.hours_after is None:
        return ()
    if Flag.TIME_UNKNOWN not in ref.flags:
        return [treatment for treatment in treatments if treatment.at <= ref.taken_at]
    # Midnight stands for an unknown time: "2h after" counts from the treatment of that day, "day 7" from one before.
    day = ref.taken_at.date() - timedelta(days=0 if ref.hours_after < 24.0 else 1)
    return [treatment for treatment in treatments if treatment.at.date() <= day]


def _surely_before(ref: PhotoRef, first: Treatment) -> bool:
    if ref.taken_at is None:
        return False
    if Flag.TIME_UNKNOWN in ref.flags or first.at.time() == time(0):
        return ref.taken_at.date() < first.at.date()
    return ref.taken_at < first.at


def _phase_after(session: str, days: float, given: Sequence[Treatment]) -> Phase:
    last = given[-1] if given else None
    redness = quoted_redness_days(last, WHOLE_FACE)
    bony = QUOTED_BONY_DAYS if redness == QUOTED_REDNESS_DAYS else redness
    shallow = redness == QUOTED_HOME_DAYS
    name: PhaseName = "settled"
    if days <= (QUOTED_HOME_DAYS if shallow else ACUTE_DAYS):
        name = "acute"
    elif days <= (LIGHT_PEELING_DAYS if shallow else PEELING_DAYS):
        name = "peeling"
    elif days < SETTLED_DAYS:
        name = "settling"
    return Phase(
        session=session,
        days_after=days,
        treatment_number=len(given) or None,
        name=name,
        redness_days=redness,
        bony_days=bony,
        segment="maintenance" if last is not None and last.setting == "maintenance" else "course",
        # To the day: six weeks after an afternoon's treatment may be a morning.
        full_effect=round(days) >= FULL_EFFECT_DAYS,
    )


def _is_treated(treatment: Treatment, region: str) -> bool:
    """Whether a treatment touched a region; the whole face where it touched most of it."""
    areas = {*treatment.areas}
    if not areas or WHOLE_FACE in areas:
        return True
    return 2 * len(areas & {*REGIONS}) >= len(REGIONS) - 1 if region == WHOLE_FACE else region in areas


def quoted_redness_days(treatment: Treatment | None, region: str) -> float:
    """Longest time that clinics quote for redness in a region after a treatment, days.

    Parameters
    ----------
    treatment : Treatment or None
        None where only names tell of it; the figures for needling in the clinic then hold.
    region : str
        ``face`` for all of it: the deepest that was recorded. A name that is no region is a mark of the user's.

    Returns
    -------
    float
        NaN where nothing is quoted: the treatment was no needling, or the region was not treated.

    Notes
    -----
    Needles of home length count as such only outside of the clinic and where the depth is recorded. One trial saw skin
    take up to 72 hours after needles that short; see ``QUOTES["redness_home"]``.
    """
    if region == NECK and (treatment is None or NECK not in treatment.areas):
        # "All" is all of the face.
        return math.nan
    in_clinic = QUOTED_BONY_DAYS if region in BONY_AREAS else QUOTED_REDNESS_DAYS
    if treatment is None:
        return in_clinic
    if not _NEEDLING.search(treatment.kind) or _OTHER_KINDS.search(treatment.kind):
        return math.nan
    if region in REGIONS and region != WHOLE_FACE and not _is_treated(treatment, region):
        return math.nan
    depths = treatment.depth_mm
    if region == WHOLE_FACE or region not in REGIONS:
        depth = max(depths.values(), default=math.nan)
    else:
        depth = depths.get(region, depths.get(WHOLE_FACE, math.nan))
    return QUOTED_HOME_DAYS if treatment.setting != "clinic" and depth <= SHALLOW_MM else in_clinic


def is_bare(ref: PhotoRef) -> bool:
    """Whether neither numbing nor other cream was on the skin, as far as is recorded."""
    return ref.stage not in NEVER_BASELINE and Flag.NOT_A_BASELINE not in ref.flags


def in_maintenance(plan: ClientPlan, session: str) -> bool:
    """Whether the last treatment before the session was one of maintenance."""
    return plan.phases[session].segment == "maintenance"


def is_recent(plan: ClientPlan, session: str) -> bool:
    """Whether the skin may still be red or peeling from a treatment: within a week after needling in the clinic."""
    return plan.phases[session].name in RECENT_PHASES


def may_be_recent(plan: ClientPlan, session: str) -> bool:
    """Whether treatments are recorded and nothing says on which side of one the session lies."""
    return plan.phases[session].name == "unknown" and bool(plan.course.treatments)


def is_covered(plan: ClientPlan, session: str) -> bool:
    """Whether numbing or other cream was on the skin in the session."""
    return session in plan.covered_sessions


def is_calm(plan: ClientPlan, session: str) -> bool:
    """Whether a session surely shows the skin as it is between treatments, with nothing on it."""
    return not (is_recent(plan, session) or may_be_recent(plan, session) or is_covered(plan, session))


def redness_status(
    phase: Phase, region: str, ci_low: float, ci_high: float, *, treatment: Treatment | None = None
) -> CourseStatus:
    """How a change of redness against baseline stands to what clinics quote for that day.

    Parameters
    ----------
    phase : Phase
        Of the later session.
    region : str
    ci_low, ci_high : float
        Interval of the change; above zero is redder.
    treatment : Treatment or None
        That it comes after, for the depth in this region and whether it was treated; None takes the phase's own
        figures, which hold for the deepest.
    """
    if treatment is not None:
        treated = region != WHOLE_FACE or _is_treated(treatment, WHOLE_FACE)
        limit = quoted_redness_days(treatment, region) if treated else math.nan
    else:
        limit = phase.bony_days if region in BONY_AREAS else phase.redness_days
    if phase.days_after is None or not math.isfinite(limit) or not (math.isfinite(ci_low) and math.isfinite(ci_high)):
        return "cannot say"
    if phase.days_after <= limit or ci_high <= 0:
        return "within quoted range"
    return "longer than quoted" if ci_low > 0 else "cannot say"
