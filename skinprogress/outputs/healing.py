"""The days after a treatment in words: never better or worse, but set beside what clinics quote for that time."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from skinprogress.comparison.course import is_covered
from skinprogress.comparison.sentences import session_text
from skinprogress.comparison.verdicts import redness_is_judged
from skinprogress.face.regions import NECK
from skinprogress.metrics.metric import Metric
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.catalogue import text
from skinprogress.outputs.groups import in_text
from skinprogress.outputs.rows import is_within_unseen
from skinprogress.outputs.style import number_text, ordered_regions, region_title
from skinprogress.outputs.wording import listed, phase_text, share_text
from skinprogress.records import Change, ClientResult, CourseStatus, Phase

_STATUSES: tuple[CourseStatus, ...] = ("within quoted range", "longer than quoted", "cannot say")


@dataclass(frozen=True, slots=True, kw_only=True)
class Healing:
    """What happened to one metric in the days after a treatment: status, regions and the size of the change."""

    title: str
    word: str
    text: str


def describe_healing(result: ClientResult, since: list[Change]) -> Iterable[tuple[str, str, tuple[Healing, ...]]]:
    """Sessions in the days after a treatment, with what clinics quote for that time; and those with cream on.

    Parameters
    ----------
    result : ClientResult
    since : list of Change
        Against the baseline, one a view, region, metric and session.

    Yields
    ------
    session, when, rows : str, str, tuple of Healing
    """
    for session in result.sessions:
        changes = [c for c in since if c.to_session == session]
        covered = is_covered(result.plan, session)
        if not changes or not (covered or any(c.course_status for c in changes)):
            continue
        when = phase_text(result.plan.phases.get(session))
        rows = list(_quoted(changes))
        silent = [
            m for m in METRICS.values() if {c.course_status for c in changes if c.metric == m.name} == {"cannot say"}
        ]
        if covered:
            when = text("healing.covered")
            rows = [Healing(title=text("healing.all_measures"), word="cannot say", text=text("healing.bare_only"))]
        else:
            rows += _silent(silent, result.plan.phases.get(session))
        yield session_text(session), when, tuple(rows)


def _silent(metrics: list[Metric], phase: Phase | None) -> Iterable[Healing]:
    """What is not judged in these days, and why: redness is looked at, everything else not yet."""
    redness = [m.title.lower() for m in metrics if m.needs_color and redness_is_judged(m)]
    others = [m.title.lower() for m in metrics if not (m.needs_color and redness_is_judged(m))]
    if redness:
        is_quoted = phase is not None and math.isfinite(phase.redness_days)
        told = text("healing.cannot_tell" if is_quoted else "healing.nothing_quoted", measures=listed(redness))
        yield Healing(title=text("healing.not_judged"), word="cannot say", text=told)
    if others:
        told = text("healing.too_soon", measures=listed(others))
        yield Healing(title=text("healing.not_judged"), word="cannot say", text=told)


def status_text(changes: Iterable[Change]) -> str:
    """How redness stands to what clinics quote for the day, in one clause; empty where nothing can be said.

    ``redness: within quoted range (10 of 12 regions), longer than quoted (nose and chin)``
    """
    every = [c for c in changes if c.course_status and c.region != NECK]
    for metric in METRICS.values():
        mine = [c for c in every if c.metric == metric.name]
        found = {word: [c.region for c in mine if c.course_status == word] for word in _STATUSES}
        if not (found["within quoted range"] or found["longer than quoted"]):
            continue
        if all(is_within_unseen(c) for c in mine if c.course_status != "cannot say"):
            return text("healing.unseen", measure=in_text(metric))
        parts = []
        for word, names in ((word, names) for word, names in found.items() if names):
            few = len(names) <= 2 and len(names) < len(mine)
            where = listed(map(region_title, ordered_regions(names))) if few else share_text(len(names), len(mine))
            parts.append(f"{word} ({where})")
        return f"{in_text(metric)}: {', '.join(parts)}"
    return ""


def _quoted(changes: list[Change]) -> Iterable[Healing]:
    """Per metric: the regions within what is usually quoted for the day, and those beyond it."""
    for metric in METRICS.values():
        every = [c for c in changes if c.metric == metric.name]
        for word in ("longer than quoted", "within quoted range"):
            mine = [c for c in every if c.course_status == word]
            if not mine:
                continue
            sizes = sorted(c.difference for c in mine if math.isfinite(c.difference))
            ends = dict.fromkeys(number_text(v, metric.decimals, sign=True) for v in (*sizes[:1], *sizes[-1:]))
            regions = listed(region_title(r) for r in ordered_regions(c.region for c in mine))
            where = f"all {len(mine)} regions" if len(mine) == len(every) > 1 else regions
            size = f" ({' to '.join(ends)} {metric.unit})" if ends else ""
            yield Healing(title=metric.title, word=word, text=f"{where}{size}")
