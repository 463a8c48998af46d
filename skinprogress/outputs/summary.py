"""What a report says in words: which changes are real, which could not be shown, and what nobody can say yet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skinprogress.comparison.course import is_recent
from skinprogress.comparison.findings import REAL, region_title, session_text
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.chosen import changes_since_baseline, comparison_of, headline_session
from skinprogress.outputs.groups import group_of, in_text, story_of
from skinprogress.outputs.healing import Healing, describe_healing
from skinprogress.outputs.pairs import used_views
from skinprogress.outputs.rows import SAID_ONCE, MetricGroup, group_changes, shared_flags, word_of
from skinprogress.outputs.style import ordered_regions
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
_STORIES = 3
"""As many measures a verdict as a headline can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one metric did, in one sentence; ``again`` where a metric before it says the same in another unit."""

    metric: str
    text: str
    again: bool = False


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
        What can be said at least, or at most, where no verdict says it.
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
    groups, rest : tuple of MetricGroup
        Of the metrics that are charted, and of those that only stand in tables.
    healing : tuple of (session, when, rows)
    """

    headline: str
    points: tuple[Point, ...]
    bounds: tuple[str, ...]
    sure: tuple[str, ...]
    unsaid: tuple[str, ...]
    remedies: tuple[str, ...]
    course: tuple[str, ...]
    pair: tuple[str, str] | None
    grade: str
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
    words = [word_of(c) for c in outcome]
    compared = any(word != "not comparable" for word in words)
    return Summary(
        headline=_headline(result, outcome, early=early),
        points=() if early else tuple(_points(groups, many_views=len(used_views(result)) > 1)),
        bounds=() if early else tuple(dict.fromkeys(_bounds(result, outcome))),
        sure=tuple(_sure(outcome, comparison, result.settings.confidence_level)) if compared else (),
        unsaid=tuple(_unsaid(outcome, comparison, groups, early=early)),
        remedies=comparison.remedies if comparison is not None and comparison.grade == "F" else (),
        # What stands under "cannot be said" for the pair of the headline is not said again.
        course=tuple(
            sentence(f.text)
            for f in result.findings
            if f.kind not in ("outcome", "bound")
            and not (f.kind == "not_comparable" and comparison is not None and not compared)
        ),
        pair=pair,
        grade=comparison.grade if comparison is not None else "",
        early=early,
        counts=tuple((word, words.count(word)) for word in dict.fromkeys(_by_weight(words))),
        groups=groups,
        rest=tuple(group_changes(result, [c for c in _untold(result) if c.to_session == session])),
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
    real = {word: _stories([c for c in outcome if word_of(c) == word]) for word in REAL}
    if not any(real.values()):
        if all(word_of(c) == "not comparable" for c in outcome):
            return "These photos cannot be compared."
        by_color = {word_of(c) for c in outcome if METRICS[c.metric].needs_color}
        blind = by_color == {"not comparable"}
        return "No change could be shown" + ("; how red the skin is could not be compared." if blind else ".")
    # What is neither better nor worse is told below, where anything is.
    words = [word for word in ("improved", "worsened") if real[word]] or ["changed"]
    text = "; ".join(clause for word in words for clause in _clauses(word, real[word], outcome))
    return f"{text[0].upper()}{text[1:]}."


def _stories(changed: Sequence[Change]) -> list[str]:
    """Metrics among some changes, in the order of the table, one a story."""
    names = {c.metric for c in changed}
    first = {story_of(name): name for name in reversed(METRICS) if name in names}
    return [name for name in METRICS if name in first.values()]


def _clauses(word: str, metrics: Sequence[str], outcome: Sequence[Change]) -> Iterable[str]:
    """What got one verdict, and where: of every group the first metric, then others, as many as can be taken in."""
    leading = {group_of(name): name for name in reversed(metrics)}.values()
    chosen = sorted(metrics, key=lambda name: name not in leading)[:_STORIES]
    places: dict[str, list[str]] = {}
    for name in (name for name in metrics if name in chosen):
        mine = [c for c in outcome if c.metric == name]
        changed = [c for c in mine if word_of(c) == word]
        regions = ordered_regions(c.region for c in changed)
        few = len(regions) <= 2 and len(changed) < len(mine)
        where = listed(map(region_title, regions)) if few else _share(len(changed), len(mine))
        places.setdefault(where, []).append(in_text(METRICS[name]))
    yield from (f"{listed(titles)} {word} ({where})" for where, titles in places.items())
    if more := len(metrics) - len(chosen):
        yield f"{more} more measure{'' if more == 1 else 's'} {word}"


def _share(n: int, of: int) -> str:
    if n == of:
        return f"all {of} regions" if of > 1 else "the only region"
    return f"{n} of {of} regions"


def _points(groups: Sequence[MetricGroup], *, many_views: bool) -> Iterable[Point]:
    """One line a metric and verdict: how many regions, and the largest changes with their intervals."""
    told: set[tuple[str, str, str]] = set()
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
            story = (story_of(group.metric.name), group.view, word)
            text = f"{group.metric.title}{where} {word} in {share}: {most}{listed(sizes)}."
            yield Point(metric=group.metric.name, text=text, again=story in told)
            told.add(story)


def _bounds(result: ClientResult, outcome: Sequence[Change]) -> Iterable[str]:
    """What can be said of the pair at least, or at most; without what a verdict says better."""
    known = {(c.region, c.metric, c.difference, c.ci_low, c.ci_high): c for c in outcome}
    for f in result.findings:
        change = known.get((f.region, f.metric, f.figure, f.ci_low, f.ci_high)) if f.kind == "bound" else None
        if change is not None and word_of(change) not in ("improved", "worsened"):
            when = f", from {session_text(change.from_session)} to {session_text(change.to_session)}"
            yield sentence(f.text.removesuffix(when))


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
    unmatched = any(c.color_reference == "none" for c in outcome)
    without = [g for g in groups if unmatched and g.metric.needs_color and g.blind]
    if without:
        titles = listed(dict.fromkeys(in_text(g.metric) for g in without))
        yield (
            "How red the skin is as a whole could not be compared, because nothing in the photos (a colour card, a "
            "grey patch or the same wall behind) showed how their colours differ: another lamp would look like another "
            f"skin. That goes for {titles}. Next time, keep a colour card or the same wall in every photo."
        )
    # Several measures mostly cannot be compared for one and the same reason.
    blind: dict[str, list[str]] = {}
    for group in groups:
        if group not in without and group.blind:
            why = f": {'; '.join(group.remarks)}" if group.remarks else ", for what differs between the photos"
            blind.setdefault(why, []).append(in_text(group.metric))
    for why, names in blind.items():
        yield sentence(f"{listed(dict.fromkeys(names))} could not be compared{why}")
    if nothing := words.count("no detectable change"):
        hidden = [g for g in groups if g.largest and any(row.word == "no detectable change" for row in g.unshown)]
        # Those with a good direction are what a client asks for; the others stand further below.
        asked = [g for g in hidden if g.metric.better] or hidden
        first = {(story_of(g.metric.name), g.view): g for g in reversed(asked)}
        sizes = ", ".join(dict.fromkeys(f"{in_text(g.metric)} {g.largest}" for g in asked if g in first.values()))
        least = f". It takes up to this much to show in every region: {sizes}" if sizes else ""
        yield f"{nothing} of {len(words)} comparisons show no change that these photos could have detected{least}."


def grade_text(comparison: Comparison) -> str:
    """The grade of a comparison and what differs, in one sentence."""
    what = f"Grade {comparison.grade}: {GRADES.get(comparison.grade, 'compared')}"
    return f"{what}: {'; '.join(comparison.reasons)}." if comparison.reasons else f"{what.split(';')[0]}."


def _by_weight(words: Iterable[str]) -> list[str]:
    order = (*REAL, "within quoted range", "longer than quoted", "cannot say", "unchanged", "no detectable change")
    return sorted(words, key=lambda w: order.index(w) if w in order else len(order))
