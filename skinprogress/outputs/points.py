"""By how much: one sentence a measure and verdict, with its largest changes and their intervals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skinprogress.comparison.findings import REAL
from skinprogress.outputs.groups import story_of
from skinprogress.outputs.rows import MetricGroup
from skinprogress.outputs.wording import listed, share_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one metric did, in one sentence; ``again`` where a metric before it says the same in another unit."""

    metric: str
    text: str
    again: bool = False


def list_points(groups: Sequence[MetricGroup], *, many_views: bool) -> Iterable[Point]:
    """One line a metric and verdict: how many regions, and the largest changes with their intervals."""
    told: set[tuple[str, str, str]] = set()
    for group in groups:
        for word in REAL:
            rows = [row for row in group.shown if row.word == word]
            if not rows:
                continue
            where = f" ({group.view} view)" if many_views else ""
            share = share_text(len(rows), len(group.shown) + len(group.unshown))
            largest = sorted(rows, key=lambda row: -abs(row.middle or 0.0))[:2]
            sizes = [f"{row.region} {row.difference} ({row.interval})" for row in largest]
            most = "largest " if len(rows) > 2 else ""
            story = (story_of(group.metric.name), group.view, word)
            text = f"{group.metric.title}{where} {word} in {share}: {most}{listed(sizes)}."
            yield Point(metric=group.metric.name, text=text, again=story in told)
            told.add(story)
