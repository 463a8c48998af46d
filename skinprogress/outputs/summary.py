"""What a report says in words: which changes are real, which could not be shown, and what nobody can say yet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skinprogress.comparison.course import is_recent
from skinprogress.comparison.findings import REAL
from skinprogress.comparison.outcome import find_outcome
from skinprogress.comparison.sentences import session_text
from skinprogress.comparison.verdicts import HEADLINE_P
from skinprogress.outputs.care import CARE_KINDS
from skinprogress.outputs.catalogue import has_text, text
from skinprogress.outputs.chosen import changes_since_baseline, comparison_of, headline_session
from skinprogress.outputs.course_words import (
    course_limits,
    describe_maintenance,
    describe_trends,
    redness_so_far,
    untreated_changes,
)
from skinprogress.outputs.groups import in_text, story_of
from skinprogress.outputs.headline import write_headline
from skinprogress.outputs.healing import Healing, describe_healing
from skinprogress.outputs.pairs import used_views
from skinprogress.outputs.points import Point, list_points
from skinprogress.outputs.rows import SAID_ONCE, MetricGroup, group_changes, is_tested, shared_flags, word_of
from skinprogress.outputs.wording import flag_texts, listed, sentence, share_text
from skinprogress.records import Change, ClientResult, Comparison, Finding, Flag, OutcomeKind

_OF_THE_SKIN = Flag.RECENT_TREATMENT
"""What lowers a grade though the photos were taken alike."""
_NAMED = 2
_ELSEWHERE = frozenset(
    {
        "outcome",
        "early_result",
        "maintenance",
        "bound",
        "no_course",
        "recovery",
        "recovery_compared",
        "trend",
        *CARE_KINDS,
    }
)
"""Findings that are told in a place of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The words of a report.

    Attributes
    ----------
    headline : str
        What changed and where; only improved and worsened where there is any.
    points : tuple of Point
        By how much: one a metric and verdict, with its largest changes and their intervals.
    bounds : tuple of str
        What can be said at least where no verdict says it, and redness that lasts longer than is quoted.
    steady : tuple of str
        What did not change: shown to be unchanged, or at most so much.
    sure : tuple of str
        How alike the photos are, and what holds for every comparison of the pair.
    unsaid : tuple of str
        What these photos cannot say, and why.
    remedies : tuple of str
        What helps next time, where the photos cannot be compared.
    maintenance : tuple of str
        What changed since maintenance began, by itself.
    course : tuple of str
        What happened along the course besides the outcome.
    recoveries : tuple of str
        How fast redness fell after each treatment, and how that of several treatments compares.
    pair : (str, str) or None
        Baseline and the session that the headline speaks of.
    grade : str
        Of that pair; empty where it is not known.
    kind : OutcomeKind or None
        How settled the session of the headline is.
    early : bool
        The session of the headline lies within days of a treatment.
    counts : tuple of (word, n)
        How many comparisons of the pair got which verdict.
    groups, rest : tuple of MetricGroup
        Of the metrics that are charted, and of those that only stand in tables.
    healing : tuple of (session, when, rows)
    """

    headline: str
    points: tuple[Point, ...]
    bounds: tuple[str, ...]
    steady: tuple[str, ...]
    sure: tuple[str, ...]
    unsaid: tuple[str, ...]
    remedies: tuple[str, ...]
    maintenance: tuple[str, ...]
    course: tuple[str, ...]
    recoveries: tuple[str, ...]
    pair: tuple[str, str] | None
    grade: str
    kind: OutcomeKind | None
    early: bool
    counts: tuple[tuple[str, int], ...]
    groups: tuple[MetricGroup, ...]
    rest: tuple[MetricGroup, ...]
    healing: tuple[tuple[str, str, tuple[Healing, ...]], ...]


def summarize(result: ClientResult) -> Summary:
    """Put a result into words.

    Parameters
    ----------
    result : ClientResult

    Returns
    -------
    Summary
    """
    since = changes_since_baseline(result)
    session = headline_session(result, since)
    outcome = [c for c in since if c.to_session == session]
    early = session is not None and is_recent(result.plan, session)
    pair = (outcome[0].from_session, outcome[0].to_session) if outcome else None
    comparison = comparison_of(result, *pair) if pair else None
    groups = tuple(group_changes(result, outcome))
    course = find_outcome(result.plan)
    kind = course.kind if course is not None and course.to_session == session else None
    several = len(used_views(result)) > 1
    words = [word_of(c) for c in outcome]
    compared = any(word != "not comparable" for word in words)
    return Summary(
        headline=write_headline(result, outcome, kind=kind, early=early),
        # What is surer comes first, as in the headline.
        points=() if early else tuple(sorted(list_points(groups, many_views=several), key=lambda p: not p.sure)),
        bounds=tuple(
            redness_so_far(outcome, result.settings.confidence_level)
            if early
            else dict.fromkeys((*_bounds(result, outcome, steady=False), *_longer_than_quoted(result, outcome)))
        ),
        steady=() if early else (*_unchanged(groups), *dict.fromkeys(_bounds(result, outcome, steady=True))),
        sure=tuple(_sure(outcome, comparison, result.settings.confidence_level)) if compared else (),
        unsaid=(
            *_unsaid(outcome, comparison, groups, early=early),
            *course_limits(result, session, kind),
            *(() if early else untreated_changes(result, outcome)),
        ),
        remedies=comparison.remedies if comparison is not None and comparison.grade == "F" else (),
        maintenance=tuple(describe_maintenance(result, besides=pair)),
        # What stands under "cannot be said" for the pair of the headline is not said again.
        course=(
            *(
                sentence(f.text)
                for f in result.findings
                if f.kind not in _ELSEWHERE
                and not (f.kind == "not_comparable" and comparison is not None and not compared)
            ),
            *describe_trends(result),
        ),
        recoveries=tuple(
            sentence(f.text)
            for kind_of in ("recovery_compared", "recovery")
            for f in result.findings
            if f.kind == kind_of
        ),
        pair=pair,
        grade=comparison.grade if comparison is not None else "",
        kind=kind,
        early=early,
        counts=tuple((word, words.count(word)) for word in dict.fromkeys(_by_weight(words))),
        groups=groups,
        rest=tuple(group_changes(result, [c for c in _untold(result) if c.to_session == session])),
        healing=tuple(describe_healing(result, since)),
    )


def _found(result: ClientResult, outcome: Sequence[Change], kind: str) -> Iterable[tuple[Finding, Change]]:
    """Findings of one kind that speak of a change of the pair."""
    known = {(c.region, c.metric, c.difference, c.ci_low, c.ci_high): c for c in outcome}
    for f in result.findings:
        change = known.get((f.region, f.metric, f.figure, f.ci_low, f.ci_high)) if f.kind == kind else None
        if change is not None:
            yield f, change


def _bounds(result: ClientResult, outcome: Sequence[Change], *, steady: bool) -> Iterable[str]:
    """What can be said of the pair at least, or (`steady`) at most; without what a verdict says better."""
    for f, change in _found(result, outcome, "bound"):
        if word_of(change) not in ("improved", "worsened") and (f.ci_low <= 0 <= f.ci_high) == steady:
            when = f", from {session_text(change.from_session)} to {session_text(change.to_session)}"
            yield sentence(f.text.removesuffix(when))


def _longer_than_quoted(result: ClientResult, outcome: Sequence[Change]) -> Iterable[str]:
    """That redness which is called worse lasts longer than clinics quote: a care note, said here beside the verdict."""
    judged = [c for c in outcome if word_of(c) == "worsened"]
    yield from (sentence(f.text) for f, _ in _found(result, judged, "longer_than_quoted"))


def _unchanged(groups: Sequence[MetricGroup]) -> Iterable[str]:
    """Measures that were shown to be the same, with their regions."""
    told = []
    for group in groups:
        regions = [row.region for row in group.unshown if row.word == "unchanged"]
        if regions:
            of = len(group.shown) + len(group.unshown)
            where = listed(regions) if len(regions) <= _NAMED and len(regions) < of else share_text(len(regions), of)
            told.append(text("summary.steady_where", measure=in_text(group.metric), where=where))
    if told:
        yield text("summary.steady", measures=listed(dict.fromkeys(told)))


def _untold(result: ClientResult) -> list[Change]:
    """Changes of the metrics that only stand in tables."""
    return changes_since_baseline(result, charted=False)


def _sure(outcome: list[Change], comparison: Comparison | None, level: float) -> Iterable[str]:
    """How alike the photos are, before any figure; then what holds for every number of the pair."""
    known = Flag.NONE
    if comparison is not None:
        known = comparison.flags
        yield grade_text(comparison)
    if any(word_of(c) in REAL for c in outcome):
        if is_tested(outcome):
            yield text("summary.headline_rule", chance=f"{100 * HEADLINE_P:g}")
        yield text("summary.interval_rule", level=f"{100 * level:g}")
    yield from map(sentence, flag_texts(shared_flags(outcome) & ~SAID_ONCE & ~known))


def _unsaid(
    outcome: list[Change], comparison: Comparison | None, groups: Sequence[MetricGroup], *, early: bool
) -> Iterable[str]:
    """What these photos cannot say, and why."""
    words = [word_of(c) for c in outcome]
    if early:
        yield text("summary.recent")
        return
    if words and all(word == "not comparable" for word in words):
        known = comparison.flags if comparison is not None else Flag.NONE
        reasons = [*(comparison.reasons if comparison is not None else ())]
        reasons += flag_texts(shared_flags(outcome) & ~SAID_ONCE & ~known)
        yield text("summary.no_figure_because", reasons="; ".join(reasons)) if reasons else text("summary.no_figure")
        return
    unmatched = any(c.color_reference == "none" for c in outcome)
    without = [g for g in groups if unmatched and g.metric.needs_color and g.blind]
    if without:
        yield text("summary.no_color", measures=listed(dict.fromkeys(in_text(g.metric) for g in without)))
    # Several measures mostly cannot be compared for one and the same reason.
    blind: dict[str, list[str]] = {}
    for group in groups:
        if group not in without and group.blind:
            blind.setdefault("; ".join(group.remarks), []).append(in_text(group.metric))
    for why, names in blind.items():
        measures = listed(dict.fromkeys(names))
        unexplained = text("summary.blind_unexplained", measures=measures)
        yield sentence(text("summary.blind", measures=measures, reasons=why) if why else unexplained)
    if nothing := words.count("no detectable change"):
        hidden = [g for g in groups if g.largest and any(row.word == "no detectable change" for row in g.unshown)]
        # Those with a good direction are what a client asks for; the others stand further below.
        asked = [g for g in hidden if g.metric.better] or hidden
        first = {(story_of(g.metric.name), g.view): g for g in reversed(asked)}
        sizes = ", ".join(dict.fromkeys(f"{in_text(g.metric)} {g.largest}" for g in asked if g in first.values()))
        counts = {"n": str(nothing), "of": str(len(words))}
        sized_text = text("summary.undetected_sizes", **counts, sizes=sizes) if sizes else ""
        yield sized_text or text("summary.undetected", **counts)


def grade_text(comparison: Comparison, *, plain: bool = False) -> str:
    """The grade of a comparison and what differs, in one sentence; `plain` without the letter."""
    grade = comparison.grade
    words = text(f"grades.{grade}") if has_text(f"grades.{grade}") else text("grades.other")
    if "B" < grade < "F" and comparison.decisive and not comparison.decisive & ~_OF_THE_SKIN:
        words = text("grades.skin")
    reasons = "; ".join(comparison.reasons)
    words = words if reasons else words.split(";")[0]
    told = {"reasons": reasons} if reasons else {}
    if plain:
        return sentence(text("grades.ungraded" if reasons else "grades.ungraded_plain", words=words, **told))
    return text("grades.told" if reasons else "grades.plain", grade=grade, words=words, **told)


def _by_weight(words: Iterable[str]) -> list[str]:
    order = (*REAL, "within quoted range", "longer than quoted", "cannot say", "unchanged", "no detectable change")
    return sorted(words, key=lambda w: order.index(w) if w in order else len(order))
