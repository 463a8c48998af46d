"""What the course of treatments adds to the words of a report: maintenance, trends, and what it leaves open."""

from collections.abc import Iterable

from skinprogress.comparison.course import find_outcomes, is_recent
from skinprogress.comparison.sentences import session_text, view_text
from skinprogress.comparison.verdicts import redness_is_judged
from skinprogress.face.regions import WHOLE_FACE
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.chosen import changes_since_baseline
from skinprogress.outputs.groups import in_text, story_of
from skinprogress.outputs.healing import status_text
from skinprogress.outputs.pairs import used_views
from skinprogress.outputs.points import list_points
from skinprogress.outputs.rows import describe_change, group_changes
from skinprogress.outputs.trends import slope_text
from skinprogress.outputs.wording import listed, phase_text, sentence
from skinprogress.records import Change, ClientResult, OutcomeKind, Trend

_MOST_TRENDS = 2


def course_limits(result: ClientResult, session: str | None, kind: OutcomeKind | None) -> Iterable[str]:
    """What the course of treatments, or what is recorded of it, leaves open."""
    when = phase_text(result.plan.phases.get(session or ""))
    if kind == "most settled":
        yield (
            f"What lasts: these are the photos closest to settled skin{f' ({when})' if when else ''}; the course never "
            "settled."
        )
    elif kind == "early":
        yield "What lasts: an early result may still fade or build up; photograph again from three weeks on."
    yield from (sentence(f.text.replace("`", "")) for f in result.findings if f.kind == "no_course")


def describe_trends(result: ClientResult) -> Iterable[str]:
    """The slopes of the whole face that are no chance, one a story, in one sentence a view and segment."""
    sure = [t for t in result.trends if t.region == WHOLE_FACE and not t.per_month_low <= 0 <= t.per_month_high]
    for view, segment in dict.fromkeys((t.view, t.segment) for t in sure):
        first: dict[str, Trend] = {}
        for t in (t for t in sure if (t.view, t.segment) == (view, segment)):
            first.setdefault(story_of(t.metric), t)
        told = [f"{in_text(METRICS[t.metric])} {slope_text(t)}" for t in list(first.values())[:_MOST_TRENDS]]
        n = len(next(iter(first.values())).sessions)
        where = " of maintenance" if segment == "maintenance" else ""
        yield f"Over {n} calm sessions{where}, whole face{view_text(view)}: {listed(told)}."


def redness_so_far(changes: Iterable[Change], level: float) -> Iterable[str]:
    """The redness of the whole face in the days after a treatment: its figure, interval and course status."""
    for change in changes:
        metric = METRICS[change.metric]
        if change.region == WHOLE_FACE and metric.better and redness_is_judged(metric) and change.course_status:
            yield sentence(describe_change(change, metric, confidence_level=level))
            return


def describe_maintenance(result: ClientResult) -> Iterable[str]:
    """What changed since maintenance began: from the last settled session before it."""
    for outcome in (o for o in find_outcomes(result.plan) if o.against == "maintenance"):
        changes = [
            c
            for c in changes_since_baseline(result, against="maintenance")
            if (c.from_session, c.to_session) == (outcome.from_session, outcome.to_session)
        ]
        if not changes:
            continue
        since = f"{session_text(outcome.from_session)} to {session_text(outcome.to_session)}"
        if is_recent(result.plan, outcome.to_session):
            when = phase_text(result.plan.phases.get(outcome.to_session))
            yield sentence("; ".join(filter(None, [f"{since}: too soon to judge, {when}", status_text(changes)])))
            continue
        groups = tuple(group_changes(result, changes))
        told = [p.text for p in list_points(groups, many_views=len(used_views(result)) > 1) if not p.again]
        label = " (early result)" if outcome.kind == "early" else ""
        yield f"{since}{label}: {' '.join(told) or 'no change that these photos could have shown.'}"
