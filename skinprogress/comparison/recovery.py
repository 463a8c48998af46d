"""Redness in the days after a treatment: how high it rose, how fast it fell, and whether sooner than the last time."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skinprogress.comparison.course import is_calm, is_covered, last_treatment, quoted_redness_days
from skinprogress.comparison.recovery_fit import fit_recovery
from skinprogress.comparison.sentences import interval_text, region_title, view_text
from skinprogress.comparison.uncertainty import simultaneous_z
from skinprogress.face.regions import WHOLE_FACE
from skinprogress.metrics.table import METRICS
from skinprogress.records import Change, ClientPlan, Finding, Recovery

RECOVERY_METRIC = "redness_index"
"""The metric that is followed through the days after a treatment."""
WEEK_H = 168.0
# Hours after two treatments match up to this factor.
_MATCHED = 1.5
_LEAST_H = 0.25
# Redness that decays exponentially falls by no more than A/e per unit of the logarithm of time, whatever τ is.
_STEEPEST = 1.0 / math.e
# From here on a difference is one of calming down, and not of how red the skin became.
_CALMING_H = 12.0


def find_recoveries(plan: ClientPlan, changes: Sequence[Change]) -> list[Recovery]:
    """Rise of redness after each treatment, by view and region, with a curve where the photos bear one.

    Parameters
    ----------
    plan : ClientPlan
    changes : sequence of Change
        Those of the redness index against ``baseline`` count.

    Returns
    -------
    list of Recovery
        In order of view, treatment and region; none where nothing before the treatment can be compared with.

    Notes
    -----
    Rises are told over the last calm session before the treatment. Half of the variance of a difference from the
    baseline is taken to be the baseline's: it is in both differences and cancels, so that the variance of the rise is
    the mean of the two; where the baseline itself is the session before, it is that of the one difference.
    """
    series: dict[tuple[str, str], dict[str, Change]] = {}
    for c in changes:
        if c.metric == RECOVERY_METRIC and c.against == "baseline" and c.standard_error > 0:
            series.setdefault((c.view, c.region), {})[c.to_session] = c
    week = _sessions_after(plan)
    found = []
    for view in dict.fromkeys(view for view, _ in series):
        for treatment, sessions in week.items():
            for change_of in (rows for (v, _), rows in series.items() if v == view):
                after = [s for s in sessions if s in change_of]
                before = _session_before(plan, change_of, sessions[0])
                if after and before is not None:
                    found.append(_find_recovery(plan, change_of, treatment, before, after))
    return found


def _sessions_after(plan: ClientPlan) -> dict[int, list[str]]:
    """Sessions with bare skin within a week after each treatment, in order of time."""
    week: dict[int, list[str]] = {}
    for s in plan.sessions:
        days, number = plan.phases[s].days_after, plan.phases[s].treatment_number
        if number is None and not plan.course.treatments:
            number = 1  # names such as "2h after" tell of one
        if number is not None and days is not None and 24.0 * days <= WEEK_H and not is_covered(plan, s):
            week.setdefault(number, []).append(s)
    return {n: group for n, group in sorted(week.items()) if _in_order([_hours(plan, s) for s in group])}


def _in_order(hours: Sequence[float]) -> bool:
    """Hours that begin anew tell of more treatments than are recorded."""
    return list(hours) == sorted(hours)


def _hours(plan: ClientPlan, session: str) -> float:
    return 24.0 * (plan.phases[session].days_after or 0.0)


def _session_before(plan: ClientPlan, change_of: Mapping[str, Change], first: str) -> str | None:
    """The last calm session before a treatment, whose first session is given, that can be compared with."""
    baseline = next(iter(change_of.values())).from_session
    earlier = [s for s in plan.sessions[: plan.sessions.index(first)] if s in change_of or s == baseline]
    return next((s for s in reversed(earlier) if is_calm(plan, s)), None)


def _find_recovery(
    plan: ClientPlan, change_of: Mapping[str, Change], treatment: int, before: str, after: Sequence[str]
) -> Recovery:
    rows, start = [change_of[s] for s in after], change_of.get(before)
    variances = np.square([c.standard_error for c in rows])
    own, of_before = np.sqrt(variances / 2.0), float(np.sqrt(variances.mean() / 2.0))
    if start is not None:
        variances = (variances + start.standard_error**2) / 2.0
        of_before = start.standard_error / float(np.sqrt(2.0))
    recovery = Recovery(
        client=rows[0].client,
        view=rows[0].view,
        region=rows[0].region,
        metric=RECOVERY_METRIC,
        unit=rows[0].unit,
        treatment=treatment,
        before=before,
        sessions=tuple(after),
        hours=tuple(_hours(plan, s) for s in after),
        rise=tuple(c.difference - (start.difference if start else 0.0) for c in rows),
        standard_error=tuple(float(e) for e in np.sqrt(variances)),
        quoted_days=quoted_redness_days(last_treatment(plan, after[0]), rows[0].region),
    )
    return fit_recovery(recovery, own=own, of_before=of_before)


def compare_recoveries(recoveries: Sequence[Recovery], *, confidence_level: float = 0.95) -> list[Finding]:
    """Redness after each later treatment held against that after the first, at matched hours.

    Parameters
    ----------
    recoveries : sequence of Recovery
    confidence_level : float
        Jointly over the regions of one view and treatment.

    Returns
    -------
    list of Finding
        For each view and later treatment one on the whole face and one on the regions that differ; none where no
        hours match.

    Notes
    -----
    Each photo is held against that photo after the first treatment whose hours are nearest, within a factor of 1.5, and
    the differences of the rises are averaged. Where the hours differ, the interval is widened by the most that redness
    can have fallen in between: A/e per unit of the logarithm of time for any τ, with the highest rise seen for A.
    """
    series: dict[tuple[str, int], dict[str, Recovery]] = defaultdict(dict)
    for r in recoveries:
        series[r.view, r.treatment][r.region] = r
    found = []
    for (view, treatment), later in series.items():
        first = series[view, min(n for v, n in series if v == view)]
        matches = [_match(first[region], later[region]) for region in later if region in first]
        known = [m for m in matches if m is not None]
        if treatment == min(n for v, n in series if v == view) or not known:
            continue
        z = simultaneous_z(confidence_level, len(known))
        found += [_compared([m], z) for m in known if m.region == WHOLE_FACE]
        differing = [m for m in known if m.region != WHOLE_FACE and m.is_real(z)]
        if differing:
            found.append(_compared(sorted(differing, key=lambda m: -abs(m.difference)), z))
    return found


@dataclass(frozen=True, slots=True)
class _Match:
    """Mean difference of redness after two treatments at the same hours; ``slack`` is what unequal hours can make."""

    first: Recovery
    later: Recovery
    hours: tuple[float, ...]
    sessions: tuple[str, str]
    difference: float
    error: float
    slack: float

    @property
    def region(self) -> str:
        return self.later.region

    def interval(self, z: float) -> tuple[float, float, float]:
        half = z * self.error + self.slack
        return self.difference, self.difference - half, self.difference + half

    def is_real(self, z: float) -> bool:
        return abs(self.difference) > z * self.error + self.slack


def _match(first: Recovery, later: Recovery) -> _Match | None:
    log_first, log_later = (np.log(np.maximum(r.hours, _LEAST_H)) for r in (first, later))
    free, pairs = set(range(log_first.size)), []
    for k, at in enumerate(log_later):
        nearest = min(free, key=lambda j: abs(log_first[j] - at), default=None)
        if nearest is not None and abs(log_first[nearest] - at) <= math.log(_MATCHED):
            free.remove(nearest)
            pairs.append((nearest, k))
    if not pairs:
        return None
    one, two = np.array(pairs).T
    rises = np.array(later.rise)[two] - np.array(first.rise)[one]
    variances = [np.square(first.standard_error)[one], np.square(later.standard_error)[two]]
    n = len(pairs)
    # Half of each variance is the photo's own, half that of the session before, which all photos share.
    variance = sum(float(v.sum()) / 2.0 / n**2 for v in variances)
    if first.before != later.before:
        variance += sum(float(v.mean()) / 2.0 for v in variances)
    highest = max(0.0, *first.rise, *later.rise)
    apart = float(np.mean(np.abs(log_first[one] - log_later[two])))
    return _Match(
        first=first,
        later=later,
        hours=tuple(later.hours[k] for k in two),
        sessions=(first.sessions[one[0]], later.sessions[two[0]]),
        difference=float(rises.mean()),
        error=math.sqrt(variance),
        slack=highest * _STEEPEST * apart,
    )


def _compared(matches: Sequence[_Match], z: float) -> Finding:
    """One sentence on one region, or on several that differ; its figure is that of the first of them."""
    m = matches[0]
    low, high = m.interval(z)[1:]
    one, two, d = m.first.treatment, m.later.treatment, METRICS[RECOVERY_METRIC].decimals
    hours = f"at {_hours_text(m.hours)} after each"
    sizes = ", ".join(
        (f"{region_title(o.region)} " if len(matches) > 1 else "") + interval_text(o.interval(z), o.later.unit, d)
        for o in matches
    )
    if not m.is_real(z):
        text = f"no difference in redness after treatments {one} and {two} that these photos could show"
    elif len({o.difference > 0 for o in matches}) > 1:
        text = f"redness after treatment {two} differed from that after treatment {one}"
    elif max(m.hours) < _CALMING_H:
        text = f"redness rose {'more' if m.difference > 0 else 'less'} after treatment {two} than after treatment {one}"
    else:
        quicker = "less quickly" if m.difference > 0 else "quicker"
        text = f"redness calmed down {quicker} after treatment {two} than after treatment {one}"
    where = region_title(m.region) if len(matches) == 1 else "regions"
    return Finding(
        kind="recovery_compared",
        region=m.region,
        metric=RECOVERY_METRIC,
        figure=m.difference,
        ci_low=low,
        ci_high=high,
        text=f"{where}{view_text(m.later.view)}: {text}, {sizes} {hours}",
        view=m.later.view,
        unit=m.later.unit,
        from_session=m.sessions[0],
        to_session=m.sessions[1],
    )


def _hours_text(hours: Sequence[float]) -> str:
    told = [f"{h:.0f}" if h >= 1.0 else f"{h:.1f}" for h in hours]
    return f"{', '.join(told[:-1])} and {told[-1]} hours" if len(told) > 1 else f"{told[0]} hours"
