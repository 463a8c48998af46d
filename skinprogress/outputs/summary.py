"""What a report says in words: which changes are real, which could not be shown, and what nobody can say yet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skinprogress.comparison.course import is_recent
from skinprogress.comparison.findings import REAL
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.chosen import changes_since_baseline, comparison_of, headline_session
from skinprogress.outputs.healing import Healing, describe_healing
from skinprogress.outputs.pairs import used_views
from skinprogress.outputs.rows import SAID_ONCE, MetricGroup, group_changes, shared_flags, word_of
from skinprogress.outputs.style import ordered_regions, region_title
from skinprogress.outputs.wording import flag_texts, listed, phase_text, sentence
from skinprogress.records import Change, ClientResult, Comparison, Flag

GRADES = {
    "A": "the photos were taken alike",
    "B": "the photos were taken nearly alike; to a small degree",
    "C": "the photos were taken differently, and a small change may come from that",
    "D": "the photos are hard to compare, and only a large change is believable",
    "F": "the photos are too different to be compared",
}
"""Grade of a comparison in the words of the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one metric did, in one sentence."""

    metric: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The words of a report.

    Attributes
    ----------
    headline : str
        What changed and where; only improved and worsened where there is any.
    points : tuple of str
        By how much: one a metric and verdict, with its largest changes and their intervals.
    sure : tuple of str
        How alike the photos are, and what holds for every comparison of the pair.
    unsaid : tuple of str
        What these photos cannot say, and why.
    remedies : tuple of str
        What helps next time, where the photos cannot be compared.
    course : tuple of str
        What happened along the course besides the outcome.
    pair : (str, str) or None
        Baseline and the session that the headline speaks of.
    grade : str
        Of that pair; empty where it is not known.
    early : bool
        The session of the headline lies within days of a treatment.
    counts : tuple of (word, n)
        How many comparisons of the pair got which verdict.
    healing : tuple of (session, when, rows)
    """

    headline: str
    points: tuple[Point, ...]
    sure: tuple[str, ...]
    unsaid: tuple[str, ...]
    remedies: tuple[str, ...]
    course: tuple[str, ...]
    pair: tuple[str, str] | None
    grade: str
    early: bool
    counts: tuple[tuple[str, int], ...]
    groups: tuple[MetricGroup, ...]
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
    words = [word_of(c) for c in outcome]
    compared = any(word != "not comparable" for word in words)
    return Summary(
        headline=_headline(result, outcome, early=early),
        points=() if early else tuple(_points(groups, many_views=len(used_views(result)) > 1)),
        sure=tuple(_sure(outcome, comparison, result.settings.confidence_level)) if compared else (),
        unsaid=tuple(_unsaid(outcome, comparison, groups, early=early)),
        remedies=comparison.remedies if comparison is not None and comparison.grade == "F" else (),
        # What stands under "cannot be said" for the pair of the headline is not said again.
        course=tuple(
            sentence(f.text)
            for f in result.findings
            if f.kind != "outcome" and not (f.kind == "not_comparable" and comparison is not None and not compared)
        ),
        pair=pair,
        grade=comparison.grade if comparison is not None else "",
        early=early,
        counts=tuple((word, words.count(word)) for word in dict.fromkeys(_by_weight(words))),
        groups=groups,
        healing=tuple(describe_healing(result, since)),
    )


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
    for (word, where), titles in _same_story(outcome).items():
        found.setdefault(word, []).append(f"{listed(titles)} {word} ({where})")
    if not found:
        if all(word_of(c) == "not comparable" for c in outcome):
            return "These photos cannot be compared."
        by_color = {word_of(c) for c in outcome if METRICS[c.metric].needs_color}
        blind = by_color == {"not comparable"}
        return "No change could be shown" + ("; how red the skin is could not be compared." if blind else ".")
    # What is neither better nor worse is told below, where anything is.
    told = [text for word in ("improved", "worsened") for text in found.get(word, [])] or found["changed"]
    text = "; ".join(told)
    return f"{text[0].upper()}{text[1:]}."


def _same_story(outcome: list[Change]) -> dict[tuple[str, str], list[str]]:
    """Titles of the metrics that did the same in the same places, by verdict and place."""
    found: dict[tuple[str, str], list[str]] = {}
    for metric in METRICS.values():
        mine = [c for c in outcome if c.metric == metric.name]
        for word in REAL:
            changed = [c for c in mine if word_of(c) == word]
            if changed:
                regions = ordered_regions(c.region for c in changed)
                few = len(regions) <= 2 and len(changed) < len(mine)
                where = listed(map(region_title, regions)) if few else _share(len(changed), len(mine))
                found.setdefault((word, where), []).append(metric.title.lower())
    return found


def _share(n: int, of: int) -> str:
    if n == of:
        return f"all {of} regions" if of > 1 else "the only region"
    return f"{n} of {of} regions"


def _points(groups: Sequence[MetricGroup], *, many_views: bool) -> Iterable[Point]:
    """One line a metric and verdict: how many regions, and the largest changes with their intervals."""
    for group in groups:
        for word in REAL:
            rows = [row for row in group.shown if row.word == word]
            if not rows:
                continue
            where = f" ({group.view} view)" if many_views else ""
            share = _share(len(rows), len(group.shown) + len(group.unshown))
            largest = sorted(rows, key=lambda row: -abs(row.middle or 0.0))[:2]
            sizes = [f"{row.region} {row.difference} ({row.interval})" for row in largest]
            most = "largest " if len(rows) > 2 else ""
            yield Point(
                metric=group.metric.name, text=f"{group.metric.title}{where} {word} in {share}: {most}{listed(sizes)}."
            )


def _sure(outcome: list[Change], comparison: Comparison | None, level: float) -> Iterable[str]:
    """How alike the photos are, before any figure; then what holds for every number of the pair."""
    known = Flag.NONE
    if comparison is not None:
        known = comparison.flags
        yield grade_text(comparison)
    if any(word_of(c) in REAL for c in outcome):
        yield f"Each range in brackets covers {100 * level:g} % for all regions of a measure together."
    for text in flag_texts(shared_flags(outcome) & ~SAID_ONCE & ~known):
        yield sentence(text)


def _unsaid(
    outcome: list[Change], comparison: Comparison | None, groups: Sequence[MetricGroup], *, early: bool
) -> Iterable[str]:
    """What these photos cannot say, and why."""
    words = [word_of(c) for c in outcome]
    if early:
        yield "Skin is red and peels in the days after a treatment: no change is called better or worse yet."
        return
    if words and all(word == "not comparable" for word in words):
        known = comparison.flags if comparison is not None else Flag.NONE
        reasons = [*(comparison.reasons if comparison is not None else ())]
        reasons += flag_texts(shared_flags(outcome) & ~SAID_ONCE & ~known)
        yield f"No figure is given{': ' if reasons else ''}{'; '.join(reasons)}."
        return
    without = [g for g in groups if g.metric.needs_color and g.blind]
    if without and any(c.color_reference == "none" for c in outcome):
        yield (
            "How red the skin is as a whole could not be compared, because nothing in the photos (a colour card, a "
            "grey patch or the same wall behind) showed how their colours differ: another lamp would look like another "
            f"skin. That goes for {listed(g.metric.title.lower() for g in without)}. Next time, keep a colour card or "
            "the same wall in every photo."
        )
    for group in groups:
        if group not in without and group.blind:
            why = f": {'; '.join(group.remarks)}" if group.remarks else ", for what differs between the photos"
            yield f"{group.metric.title} could not be compared{why}."
    if nothing := words.count("no detectable change"):
        hidden = [g for g in groups if g.largest and any(row.word == "no detectable change" for row in g.unshown)]
        # Those with a good direction are what a client asks for; the others stand further below.
        asked = [g for g in hidden if g.metric.better] or hidden
        sizes = ", ".join(dict.fromkeys(f"{g.metric.title.lower()} {g.largest}" for g in asked))
        least = f". It takes up to this much to show in every region: {sizes}" if sizes else ""
        yield f"{nothing} of {len(words)} comparisons show no change that these photos could have detected{least}."


def grade_text(comparison: Comparison) -> str:
    """The grade of a comparison and what differs, in one sentence."""
    what = f"Grade {comparison.grade}: {GRADES.get(comparison.grade, 'compared')}"
    return f"{what}: {'; '.join(comparison.reasons)}." if comparison.reasons else f"{what.split(';')[0]}."


def _by_weight(words: Iterable[str]) -> list[str]:
    order = (*REAL, "within quoted range", "longer than quoted", "cannot say", "unchanged", "no detectable change")
    return sorted(words, key=lambda w: order.index(w) if w in order else len(order))
