"""The two sessions that answer what a course has brought: its baseline and its outcome, and those of maintenance."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from skinprogress.comparison.course import (
    EARLY_DAYS,
    RECENT_PHASES,
    SETTLED_DAYS,
    in_maintenance,
    in_order,
    is_bare,
    is_covered,
)
from skinprogress.records import Against, ClientPlan, OutcomeKind, Phase, PhaseName, PhotoRef, Segment

# Visits are not to the hour: sessions so many days apart are equally settled.
_EQUALLY_SETTLED_DAYS = 2.0
_CALM: frozenset[PhaseName] = frozenset({"before", "settled"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """The pair of sessions that answers what a segment of treatments has brought."""

    from_session: str
    to_session: str
    against: Against
    kind: OutcomeKind
    segment: Segment


def find_baseline(
    sessions: Iterable[str], refs_of: Mapping[str, Iterable[PhotoRef]], phases: Mapping[str, Phase]
) -> str | None:
    """The first session that may be a baseline: bare skin, not just treated, and before treatment or settled.

    Falls back to one of unknown phase or one to three weeks after a treatment, and to the first with bare skin where
    all are recent.
    """
    bare = [s for s in sessions if all(is_bare(r) and r.stage != "directly after" for r in refs_of[s])]
    calm = [s for s in bare if phases[s].name not in RECENT_PHASES]
    # A settled session counts for more than one before it whose phase is unknown, unless it is the only result.
    sure = [s for s in calm[:-1] if phases[s].name in _CALM]
    return next(iter(sure or calm or bare), None)


def find_outcome(plan: ClientPlan) -> Outcome | None:
    """The pair of sessions that answers "what did the course do"; None where nothing follows the baseline.

    Returns
    -------
    Outcome or None
        `kind` tells how settled the later session is. ``settled``: the last session that is. ``most settled``: the
        treatments follow each other too closely for the skin to settle; of the sessions that are as settled as any, the
        last. ``early``: nothing later than 5 to 20 days after a treatment. ``too soon``: only sooner than that.
        ``unknown``: no treatment is recorded, or not on which side of one a session lies; dates alone decide.

    Notes
    -----
    The baseline is settled or lies before all treatments where there is such a session; where there is none, the
    comparison of the two sessions says so.
    """
    if plan.baseline is None:
        return None
    later = plan.sessions[plan.sessions.index(plan.baseline) + 1 :]
    sessions = [s for s in later if not in_maintenance(plan, s)]
    return _find_outcome(plan, plan.baseline, sessions, against="baseline", segment="course")


def find_outcomes(plan: ClientPlan) -> tuple[Outcome, ...]:
    """The outcome of the course, then that of maintenance, as far as there are photos for them."""
    found = [find_outcome(plan)]
    if (start := maintenance_baseline(plan)) is not None:
        sessions = [s for s in plan.sessions if in_maintenance(plan, s)]
        found.append(_find_outcome(plan, start, sessions, against="maintenance", segment="maintenance"))
    return tuple(outcome for outcome in found if outcome)


def outcome_session(plan: ClientPlan) -> str | None:
    """The session that shows what the course did; None where there is none, or all are too soon after a treatment."""
    outcome = find_outcome(plan)
    return None if outcome is None or outcome.kind == "too soon" else outcome.to_session


def _find_outcome(
    plan: ClientPlan, start: str, sessions: Sequence[str], *, against: Against, segment: Segment
) -> Outcome | None:
    # Nothing has been treated yet in a session "before".
    bare = [s for s in sessions if not is_covered(plan, s) and plan.phases[s].name != "before"]
    if not bare:
        return None
    chosen, kind = _most_settled(plan, bare, segment)
    if kind == "settled" and plan.phases[start].name == "unknown":
        kind = "unknown"
    return Outcome(start, chosen, against, kind, segment)


def _most_settled(plan: ClientPlan, sessions: Sequence[str], segment: Segment) -> tuple[str, OutcomeKind]:
    phases = [plan.phases[s] for s in sessions]
    settled = [phase.session for phase in phases if phase.name == "settled"]
    unknown = [phase.session for phase in phases if phase.name == "unknown"]
    if settled:
        return settled[-1], "settled"
    # Dates alone: the last says most. With treatments, a session of unknown phase may be one right after.
    if unknown and not plan.course.treatments:
        return unknown[-1], "unknown"
    never_settles = _never_settles(plan, segment)
    days = {
        phase.session: phase.days_after
        for phase in phases
        if phase.days_after is not None
        and (phase.days_after >= EARLY_DAYS or (never_settles and phase.name != "acute"))
    }
    if days:
        most = max(days.values())
        last = [s for s, after in days.items() if after >= most - _EQUALLY_SETTLED_DAYS][-1]
        return last, "most settled" if never_settles else "early"
    return (unknown[-1], "unknown") if unknown else (sessions[-1], "too soon")


def _never_settles(plan: ClientPlan, segment: Segment) -> bool:
    """Whether the next treatment of a segment always came before the skin could settle."""
    dates = [t.at for t in in_order(plan.course) if (t.setting == "maintenance") == (segment == "maintenance")]
    return len(dates) > 1 and all(b - a < timedelta(days=SETTLED_DAYS) for a, b in pairwise(dates))


def maintenance_baseline(plan: ClientPlan) -> str | None:
    """What maintenance is held against: the last settled session before its first treatment; None without maintenance.

    Where only maintenance is recorded, a session before it counts as settled: the course was given elsewhere.
    """
    first = next((i for i, s in enumerate(plan.sessions) if in_maintenance(plan, s)), None)
    if first is None:
        return None
    wanted = "settled" if any(t.setting != "maintenance" for t in plan.course.treatments) else "before"
    calm = [s for s in plan.sessions[:first] if plan.phases[s].name == wanted and not is_covered(plan, s)]
    return calm[-1] if calm else None
