"""What a report says in words: which changes are real, which could not be shown, and what nobody can say yet."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

from skinprogress.comparison.course import is_recent, outcome_session
from skinprogress.metrics.table import METRICS, Metric
from skinprogress.outputs.healing import Healing, describe_healing
from skinprogress.outputs.pairs import used_views
from skinprogress.outputs.style import number_text, ordered_regions, region_title
from skinprogress.outputs.wording import VIEW_TITLES, flag_texts, listed, phase_text
from skinprogress.records import Change, ClientResult, Flag

REAL = ("improved", "worsened", "changed")
"""Verdicts that say that something is different."""
_ASIDE = Flag.RECENT_TREATMENT | Flag.COLOR_NOT_MATCHED | Flag.NOT_A_BASELINE
# Said once for the pair of sessions and not again beside every number.


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One change, ready to be printed.

    Attributes
    ----------
    word : str
        Verdict, or the course status in the days after a treatment.
    sentence : str
        ``left cheek redness −2.1 a* (95 % interval −3.0 to −1.2): improved``.
    low, middle, high : float or None
        Interval and difference as shares of the metric's widest, -1..1; None where there is no number.
    """

    region: str
    word: str
    sentence: str
    difference: str
    interval: str
    values: str
    detectable: str
    remarks: tuple[str, ...]
    low: float | None
    middle: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricGroup:
    """The changes of one metric in one view between the baseline and one session; remarks hold for all its rows."""

    metric: Metric
    view: str
    remarks: tuple[str, ...]
    shown: tuple[ChangeRow, ...]
    unshown: tuple[ChangeRow, ...]
    smallest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The words of a report.

    Attributes
    ----------
    pair : (str, str) or None
        Baseline and the session that the headline speaks of.
    counts : tuple of (word, n)
        How many comparisons of the pair got which verdict.
    remarks : tuple of str
        What holds for every comparison of the pair.
    course : tuple of str
        What happened along the course besides the outcome.
    early : bool
        The session of the headline lies within days of a treatment.
    healing : tuple of (session, when, rows)
    """

    headline: str
    points: tuple[str, ...]
    remarks: tuple[str, ...]
    course: tuple[str, ...]
    unsaid: str
    pair: tuple[str, str] | None
    early: bool
    counts: tuple[tuple[str, int], ...]
    groups: tuple[MetricGroup, ...]
    healing: tuple[tuple[str, str, tuple[Healing, ...]], ...]


def word_of(change: Change) -> str:
    """The word for a change: the verdict, but the course status in the days after a treatment."""
    return change.course_status or change.verdict


def summarize(result: ClientResult) -> Summary:
    """Put a result into words.

    Parameters
    ----------
    result : ClientResult

    Returns
    -------
    Summary
    """
    since = _since_baseline(result)
    session = _headline_session(result, since)
    outcome = [c for c in since if c.to_session == session]
    early = session is not None and is_recent(result.plan, session)
    pair = (outcome[0].from_session, outcome[0].to_session) if outcome else None
    groups = tuple(_groups(result, outcome))
    words = [word_of(c) for c in outcome]
    return Summary(
        headline=_headline(result, outcome, early=early),
        points=() if early else tuple(_points(groups, many_views=len(used_views(result)) > 1)),
        remarks=tuple(flag_texts(_shared_flags(outcome) & ~_ASIDE)),
        course=tuple(f"{f.text[:1].upper()}{f.text[1:]}." for f in result.findings if f.kind != "outcome"),
        unsaid=_unsaid(words, early=early),
        pair=pair,
        early=early,
        counts=tuple((word, words.count(word)) for word in dict.fromkeys(_by_weight(words))),
        groups=groups,
        healing=tuple(describe_healing(result, since)),
    )


def describe_change(change: Change, metric: Metric, *, confidence_level: float) -> str:
    """One change as a sentence for a clinician.

    Parameters
    ----------
    change : Change
    metric : Metric
    confidence_level : float
        0..1.

    Returns
    -------
    str
        ``left cheek redness −2.1 a* (95 % interval −3.0 to −1.2): improved``; with the detectable change where
        nothing was found.
    """
    what = f"{region_title(change.region)} {metric.title.lower()}"
    if not math.isfinite(change.difference):
        return f"{what}: {word_of(change)}"
    text = f"{what} {number_text(change.difference, metric.decimals, sign=True)} {metric.unit}"
    if interval := _interval(change, metric):
        text += f" ({100 * confidence_level:g} % interval {interval})"
    text += f": {word_of(change)}"
    if word_of(change) == "no detectable change" and math.isfinite(change.detectable_change):
        text += (
            f"; a change under {number_text(change.detectable_change, metric.decimals)} {metric.unit} cannot be seen"
        )
    return text


def _since_baseline(result: ClientResult) -> list[Change]:
    """Changes against the baseline of charted metrics; the compensated figure where a change has both."""
    best: dict[tuple[str, ...], Change] = {}
    for change in result.changes:
        metric = METRICS.get(change.metric)
        if change.against != "baseline" or metric is None or not metric.charted:
            continue
        key = (change.view, change.region, change.metric, change.from_session, change.to_session)
        if key not in best or change.method == "compensated":
            best[key] = change
    return list(best.values())


def _headline_session(result: ClientResult, since: list[Change]) -> str | None:
    """The outcome, or the last session that was compared where the skin has not settled yet."""
    compared = {c.to_session for c in since}
    outcome = outcome_session(result.plan)
    if outcome in compared:
        return outcome
    return next((s for s in reversed(result.sessions) if s in compared), None)


def _groups(result: ClientResult, outcome: list[Change]) -> Iterable[MetricGroup]:
    level = float(result.settings.confidence_level)
    for metric in METRICS.values():
        for view in dict.fromkeys(c.view for c in outcome):
            mine = {c.region: c for c in outcome if c.metric == metric.name and c.view == view}
            if not mine:
                continue
            changes = [mine[r] for r in ordered_regions(mine)]
            ends = [abs(x) for c in changes for x in (c.ci_low, c.ci_high, c.difference) if math.isfinite(x)]
            reach = max(ends, default=1.0) or 1.0
            shared = _shared_flags(changes)
            rows = [(c, _row(c, metric, reach=reach, level=level, aside=_ASIDE | shared)) for c in changes]
            limits = sorted(c.detectable_change for c in changes if math.isfinite(c.detectable_change))
            yield MetricGroup(
                metric=metric,
                view=VIEW_TITLES.get(view, view),
                remarks=tuple(flag_texts(shared & ~_ASIDE & ~_shared_flags(outcome))),
                shown=tuple(row for c, row in rows if word_of(c) in REAL),
                unshown=tuple(row for c, row in rows if word_of(c) not in REAL),
                smallest=_range(limits, metric),
            )


def _shared_flags(changes: Sequence[Change]) -> Flag:
    """Flags that all changes carry: said once, and not again in every row."""
    return reduce(and_, (c.flags for c in changes)) if changes else Flag.NONE


def _row(change: Change, metric: Metric, *, reach: float, level: float, aside: Flag) -> ChangeRow:
    def share(value: float) -> float | None:
        return value / reach if math.isfinite(value) else None

    has_number = math.isfinite(change.difference)
    limit = change.detectable_change
    return ChangeRow(
        region=region_title(change.region),
        word=word_of(change),
        sentence=describe_change(change, metric, confidence_level=level),
        difference=f"{number_text(change.difference, metric.decimals, sign=True)} {metric.unit}" if has_number else "",
        interval=_interval(change, metric),
        values=f"{_number(change.baseline, metric)} → {_number(change.followup, metric)}" if has_number else "",
        detectable=f"{number_text(limit, metric.decimals)} {metric.unit}" if math.isfinite(limit) else "",
        remarks=tuple(flag_texts(change.flags & ~aside)),
        low=share(change.ci_low),
        middle=share(change.difference),
        high=share(change.ci_high),
    )


def _interval(change: Change, metric: Metric) -> str:
    """Both ends; with more decimals where rounding would move an end onto zero, against the verdict."""
    ends = (change.ci_low, change.ci_high)
    if not all(math.isfinite(x) for x in ends):
        return ""
    decimals = metric.decimals
    while decimals < metric.decimals + 3 and any(x != 0 and round(x, decimals) == 0 for x in ends):
        decimals += 1
    return " to ".join(number_text(x, decimals, sign=x > 0) for x in ends)


def _number(value: float, metric: Metric) -> str:
    return number_text(value, metric.decimals) if math.isfinite(value) else "–"


def _range(values: Sequence[float], metric: Metric) -> str:
    """Smallest to largest of sorted values with the unit: ``1.2 to 1.9 a*``."""
    if not values:
        return ""
    ends = dict.fromkeys(number_text(v, metric.decimals) for v in (values[0], values[-1]))
    return f"{' to '.join(ends)} {metric.unit}"


def _headline(result: ClientResult, outcome: list[Change], *, early: bool) -> str:
    if not outcome:
        if len(result.sessions) < 2:
            return "One session so far: a comparison needs two."
        return "No two sessions could be compared."
    to_session = outcome[0].to_session
    if early:
        when = phase_text(result.plan.phases.get(to_session)) or "within days of a treatment"
        return f"Too soon to judge: the last photos were taken {when}."
    found: dict[str, list[str]] = {}
    for metric in METRICS.values():
        words = {word_of(c) for c in outcome if c.metric == metric.name} & set(REAL)
        if words:
            mixed = len(words) > 1
            how = "improved in some places and worsened in others" if mixed else words.pop()
            found.setdefault(how, []).append(metric.title.lower())
    if not found:
        judged = any(word_of(c) != "not comparable" for c in outcome)
        return "No change could be shown." if judged else "The sessions could not be compared."
    order = ("improved", "improved in some places and worsened in others", "worsened", "changed")
    text = "; ".join(f"{listed(found[how])} {how}" for how in order if how in found)
    return f"{text[0].upper()}{text[1:]}."


def _points(groups: Sequence[MetricGroup], *, many_views: bool) -> Iterable[str]:
    """One line a metric and verdict, with the regions."""
    for group in groups:
        for word in REAL:
            regions = [row.region for row in group.shown if row.word == word]
            if not regions:
                continue
            of = len(group.shown) + len(group.unshown)
            where = f" ({group.view} view)" if many_views else ""
            if len(regions) == of > 1:
                yield f"{group.metric.title}{where} {word} in all {of} regions."
            else:
                yield f"{group.metric.title}{where} {word} in {len(regions)} of {of} regions: {listed(regions)}."


def _unsaid(words: Sequence[str], *, early: bool) -> str:
    """What could not be said, in one sentence."""
    if not words:
        return ""
    if early:
        return "Skin is red and peels in the days after a treatment: no change is called better or worse yet."
    nothing, unfit = words.count("no detectable change"), words.count("not comparable")
    parts = []
    if nothing:
        parts.append(f"{nothing} of {len(words)} comparisons show no change that these photos could have detected")
    if unfit:
        parts.append(f"{unfit} of {len(words)} could not be compared")
    return f"{'; '.join(parts)}." if parts else ""


def _by_weight(words: Iterable[str]) -> list[str]:
    order = (*REAL, "within quoted range", "longer than quoted", "cannot say", "unchanged", "no detectable change")
    return sorted(words, key=lambda w: order.index(w) if w in order else len(order))
