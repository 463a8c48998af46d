"""What the course of treatments adds to the words of a report: maintenance, trends, and what it leaves open."""

from collections.abc import Iterable

from skinprogress.comparison.course import in_order, is_recent, may_be_recent
from skinprogress.comparison.findings import REAL
from skinprogress.comparison.outcome import find_outcomes
from skinprogress.comparison.sentences import region_title, session_text, view_text
from skinprogress.comparison.verdicts import redness_is_judged
from skinprogress.face.regions import REGIONS, WHOLE_FACE
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.chosen import changes_since_baseline
from skinprogress.outputs.groups import in_text, story_of
from skinprogress.outputs.healing import status_text
from skinprogress.outputs.pairs import used_views
from skinprogress.outputs.points import list_points
from skinprogress.outputs.rows import describe_change, group_changes
from skinprogress.outputs.style import ordered_regions
from skinprogress.outputs.trends import slope_text
from skinprogress.outputs.wording import listed, phase_text, sentence
from skinprogress.records import Change, ClientResult, OutcomeKind, Phase, Trend

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
    if session and result.plan.course.treatments:
        if result.plan.phases[session].name == "before":
            first = session_text(in_order(result.plan.course)[0].at.date().isoformat())
            yield f"What a treatment brought: no photo after one could be compared; the first recorded is of {first}."
        if may_be_recent(result.plan, session):
            yield (
                f"Better or worse: nothing says whether the photo of {session_text(session)} was taken before or after "
                "a treatment; write its time or stage into course.toml."
            )
        yield from _late_start(result.plan.phases.get(result.plan.baseline or ""))
    yield from (sentence(f.text.replace("`", "")) for f in result.findings if f.kind == "no_course")


def _late_start(baseline: Phase | None) -> Iterable[str]:
    """What is missing where the first photo to compare with is not known to lie before all treatments."""
    if baseline is None or baseline.name == "before":
        return
    if when := phase_text(baseline):
        yield (
            f"What the treatments before that brought: the comparison starts {when}, because no photo that could be "
            "used is known to be from before the first."
        )
    else:
        yield (
            f"What the first treatment brought: nothing says whether the photo of {session_text(baseline.session)} was "
            "taken before or after one; write its time or stage into course.toml."
        )


def untreated_changes(result: ClientResult, outcome: Iterable[Change]) -> Iterable[str]:
    """That regions changed too which no treatment is recorded for: something else may have moved the others as well."""
    areas = [treatment.areas for treatment in result.plan.course.treatments]
    treated = {region for regions in areas for region in regions}
    if not treated or not all(areas) or WHOLE_FACE in treated:
        return
    changed = {c.region for c in outcome if c.verdict in REAL and c.region in REGIONS}
    if regions := ordered_regions(changed - treated - {WHOLE_FACE}):
        where = listed(map(region_title, regions))
        yield f"What the treatment did: {where} changed too, and no treatment is recorded there."


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
        known = all(result.plan.phases[s].name != "unknown" for s in next(iter(first.values())).sessions)
        yield f"Over {n} {'calm ' if known else ''}sessions{where}, whole face{view_text(view)}: {listed(told)}."


def redness_so_far(changes: Iterable[Change], level: float) -> Iterable[str]:
    """The redness of the whole face in the days after a treatment: its figure, interval and course status."""
    for change in changes:
        metric = METRICS[change.metric]
        if change.region == WHOLE_FACE and metric.better and redness_is_judged(metric) and change.course_status:
            yield sentence(describe_change(change, metric, confidence_level=level))
            return


def describe_maintenance(result: ClientResult, *, besides: tuple[str, str] | None) -> Iterable[str]:
    """What changed since maintenance began: from the last settled session before it, unless the headline says it."""
    for outcome in (o for o in find_outcomes(result.plan) if o.against == "maintenance"):
        changes = [
            c
            for c in changes_since_baseline(result, against="maintenance")
            if (c.from_session, c.to_session) == (outcome.from_session, outcome.to_session)
        ]
        if not changes or (outcome.from_session, outcome.to_session) == besides:
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
