"""The headline: what changed beyond what chance shows, and where; and how much else there is to read."""

from collections.abc import Iterable, Sequence

from skinprogress.comparison.course import in_maintenance
from skinprogress.comparison.findings import REAL
from skinprogress.comparison.outcome import maintenance_baseline
from skinprogress.comparison.sentences import region_title
from skinprogress.comparison.verdicts import HEADLINE_P
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.groups import group_of, in_text, story_of
from skinprogress.outputs.healing import status_text
from skinprogress.outputs.rows import is_tested, word_of
from skinprogress.outputs.style import ordered_regions
from skinprogress.outputs.wording import listed, phase_text, sentence, share_text
from skinprogress.records import Change, ClientResult, OutcomeKind

_STORIES = 3
"""As many measures a verdict as a headline can hold."""


def write_headline(result: ClientResult, outcome: Sequence[Change], *, kind: OutcomeKind | None, early: bool) -> str:
    """The one sentence that a report begins with.

    Parameters
    ----------
    result : ClientResult
    outcome : sequence of Change
        The pair of sessions that it speaks of.
    kind : OutcomeKind or None
        How settled the later session is; None where the course of treatments has no outcome yet.
    early : bool
        The later session lies within days of a treatment: nothing is better or worse.

    Returns
    -------
    str
        Only what chance would show in fewer than one in a hundred such comparisons is named, where that is known.
    """
    if not outcome:
        if len(result.sessions) < 2:
            return "One session so far: a comparison needs two."
        return "No two sessions could be compared."
    when = phase_text(result.plan.phases.get(outcome[0].to_session)) or "within days of a treatment"
    if early:
        status = status_text(outcome)
        if kind == "early":
            return f"Early result, {when}: {status or 'whether redness is still raised cannot be told'}."
        return " ".join([f"Too soon to judge: the last photos were taken {when}.", sentence(status)]).strip()
    text = _changed_text(outcome)
    if kind in ("early", "most settled"):
        return f"{'Early result' if kind == 'early' else 'Not settled'}, {when}: {text}"
    phase = result.plan.phases.get(outcome[0].to_session)
    if result.plan.course.treatments and phase is not None and phase.name == "before":
        return f"Before the first treatment: {text}"
    if kind is None and in_maintenance(result.plan, outcome[0].to_session):
        only = outcome[0].from_session == maintenance_baseline(result.plan)
        return f"{'Since maintenance began' if only else 'Course and maintenance together'}: {text}"
    return sentence(text)


def leading_changes(outcome: Sequence[Change]) -> list[Change]:
    """Real changes that a headline may name: all of them where nobody tested them for it."""
    tested = is_tested(outcome)
    return [c for c in outcome if word_of(c) in REAL and (not tested or c.p_headline <= HEADLINE_P)]


def _changed_text(outcome: Sequence[Change]) -> str:
    leading = leading_changes(outcome)
    more = sum(word_of(c) in REAL for c in outcome) - len(leading)
    less_sure = f"{more} more change{'' if more == 1 else 's'} below, less sure"
    if not leading:
        if more:
            return f"no change is sure enough for a headline; {less_sure.replace(' more', '')}."
        if all(word_of(c) == "not comparable" for c in outcome):
            return "these photos cannot be compared."
        blind = {word_of(c) for c in outcome if METRICS[c.metric].needs_color} == {"not comparable"}
        return "no change could be shown" + ("; how red the skin is could not be compared." if blind else ".")
    real = {word: _stories([c for c in leading if word_of(c) == word]) for word in REAL}
    # What is neither better nor worse is told below, where anything is.
    words = [word for word in ("improved", "worsened") if real[word]] or ["changed"]
    clauses = [clause for word in words for clause in _clauses(word, real[word], leading, outcome)]
    return "; ".join([*clauses, *([less_sure] if more else [])]) + "."


def _stories(changed: Sequence[Change]) -> list[str]:
    """Metrics among some changes, in the order of the table, one a story."""
    names = {c.metric for c in changed}
    first = {story_of(name): name for name in reversed(METRICS) if name in names}
    return [name for name in METRICS if name in first.values()]


def _clauses(word: str, metrics: Sequence[str], leading: Sequence[Change], outcome: Sequence[Change]) -> Iterable[str]:
    """What got one verdict, and where: of every group the first metric, then others, as many as can be taken in."""
    first = {group_of(name): name for name in reversed(metrics)}.values()
    chosen = sorted(metrics, key=lambda name: name not in first)[:_STORIES]
    places: dict[str, list[str]] = {}
    for name in (name for name in metrics if name in chosen):
        n = sum(c.metric == name for c in outcome)
        changed = [c for c in leading if c.metric == name and word_of(c) == word]
        regions = ordered_regions(c.region for c in changed)
        few = len(regions) <= 2 and len(changed) < n
        where = listed(map(region_title, regions)) if few else share_text(len(changed), n)
        places.setdefault(where, []).append(in_text(METRICS[name]))
    yield from (f"{listed(titles)} {word} ({where})" for where, titles in places.items())
    if more := len(metrics) - len(chosen):
        yield f"{more} more measure{'' if more == 1 else 's'} {word}"
