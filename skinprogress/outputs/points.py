"""By how much: one sentence a measure and verdict, with its largest changes and their intervals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skinprogress.comparison.findings import REAL
from skinprogress.outputs.catalogue import text
from skinprogress.outputs.groups import story_of
from skinprogress.outputs.rows import MetricGroup
from skinprogress.outputs.wording import listed, share_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one metric did, in one sentence.

    Attributes
    ----------
    metric, text : str
    sure : bool
        A headline may name it.
    again : bool
        A metric before it says the same in another unit.
    """

    metric: str
    text: str
    sure: bool = True
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
            # Counted as in the headline: what is sure, and then what is less so.
            sure = sum(row.sure for row in rows)
            share = share_text(sure or len(rows), len(group.shown) + len(group.unshown))
            largest = sorted(rows, key=lambda row: -abs(row.middle or 0.0))[:2]
            sizes = listed(f"{row.region} {row.difference} ({row.interval})" for row in largest)
            told_as = {
                "measure": f"{group.metric.title}{where}",
                "word": word,
                "share": share,
                "sizes": text("points.largest", sizes=sizes) if len(rows) > 2 else sizes,
            }
            if 0 < sure < len(rows):
                told_as["more"] = str(len(rows) - sure)
            kind = "sure" if "more" in told_as else "all" if sure else "unsure"
            story = (story_of(group.metric.name), group.view, word)
            told_text = text(f"points.{kind}", **told_as)
            yield Point(metric=group.metric.name, text=told_text, sure=sure > 0, again=story in told)
            told.add(story)
