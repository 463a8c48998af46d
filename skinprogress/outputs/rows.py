"""The changes of a pair of sessions, ready to be printed: one row each, grouped by metric and view."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_

from skinprogress.comparison.findings import REAL
from skinprogress.comparison.sentences import region_title
from skinprogress.comparison.verdicts import HEADLINE_P
from skinprogress.face.regions import WHOLE_FACE
from skinprogress.metrics.metric import Metric
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.fit import HiddenSkin, list_hidden
from skinprogress.outputs.groups import group_of, in_text, sized
from skinprogress.outputs.style import number_text, ordered_regions
from skinprogress.outputs.wording import VIEW_TITLES, flag_texts
from skinprogress.records import Change, ClientResult, Flag, PhotoReport

SAID_ONCE = Flag.RECENT_TREATMENT | Flag.COLOR_NOT_MATCHED | Flag.NOT_A_BASELINE
"""Said once for the pair of sessions and not again beside every number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One change, ready to be printed.

    Attributes
    ----------
    word : str
        Verdict, or the course status in the days after a treatment.
    sure : bool
        A headline may name it: chance hardly ever shows as much, or nobody tested that.
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
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricGroup:
    """The changes of one metric in one view between the baseline and one session; remarks hold for all its rows.

    ``smallest`` is the range of what each region could have shown, ``largest`` its upper end.
    """

    metric: Metric
    view: str
    remarks: tuple[str, ...]
    shown: tuple[ChangeRow, ...]
    unshown: tuple[ChangeRow, ...]
    smallest: str
    largest: str

    @property
    def blind(self) -> bool:
        """Nothing could be compared in any region."""
        return not self.shown and all(row.word == "not comparable" for row in self.unshown)

    @property
    def theme(self) -> str:
        """Title of the group that the metric is shown in."""
        return group_of(self.metric.name)

    @property
    def whole(self) -> "ChangeRow | None":
        """The change of the whole face, where the metric has one."""
        return next((r for r in (*self.shown, *self.unshown) if r.region == region_title(WHOLE_FACE)), None)

    @property
    def in_brief(self) -> tuple[str, ...]:
        """All regions but the whole face, one line a verdict: each with its figure where something changed."""
        rows = [row for row in (*self.shown, *self.unshown) if row is not self.whole]
        lines = []
        for word in dict.fromkeys(row.word for row in rows):
            mine = [row for row in rows if row.word == word]
            told = [f"{row.region} {row.difference} ({row.interval})" for row in mine]
            n = f"{len(mine)} region{'' if len(mine) == 1 else 's'}"
            lines.append(f"{word}: {', '.join(told) if word in REAL else n}")
        return tuple(lines)


def word_of(change: Change) -> str:
    """The word for a change: the verdict, but the course status in the days after a treatment."""
    return change.course_status or change.verdict


def is_within_unseen(change: Change) -> bool:
    """Whether redness would be within what is quoted for the day, while these photos show no rise of it at all."""
    return change.course_status == "within quoted range" and not change.ci_low > 0


def is_tested(outcome: Iterable[Change]) -> bool:
    """Whether it is known how likely chance alone shows such changes."""
    return any(math.isfinite(c.p_headline) for c in outcome)


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
    what = f"{region_title(change.region)} {in_text(metric)}"
    if not math.isfinite(change.difference):
        return f"{what}: {word_of(change)}"
    text = f"{what} {sized(number_text(change.difference, metric.decimals, sign=True), metric)}"
    if interval := interval_of(change, metric):
        text += f" ({100 * confidence_level:g} % interval {interval})"
    text += f": {'no rise shown' if is_within_unseen(change) else word_of(change)}"
    if word_of(change) == "no detectable change" and math.isfinite(change.detectable_change):
        if change.detectable_change > metric.most:
            return f"{text}; no change, however large, could be seen"
        least = sized(number_text(change.detectable_change, metric.decimals), metric)
        text += f"; a change under {least} cannot be seen"
    return text


def group_changes(result: ClientResult, outcome: list[Change]) -> Iterable[MetricGroup]:
    """Changes of one pair of sessions by metric and view, those that are real apart from those that are not."""
    level, hidden, tested = float(result.settings.confidence_level), list_hidden(result), is_tested(outcome)
    for metric in METRICS.values():
        for view in dict.fromkeys(c.view for c in outcome):
            mine = {c.region: c for c in outcome if c.metric == metric.name and c.view == view}
            if not mine:
                continue
            changes = [mine[r] for r in ordered_regions(mine)]
            ends = [abs(x) for c in changes for x in (c.ci_low, c.ci_high, c.difference) if math.isfinite(x)]
            reach = max(ends, default=1.0) or 1.0
            shared = shared_flags(changes)
            aside = SAID_ONCE | shared
            rows = [
                (c, _row(c, metric, reach=reach, level=level, aside=aside, why=_why_hidden(result, c, hidden)))
                for c in changes
            ]
            rows = [(c, replace(row, sure=not tested or c.p_headline <= HEADLINE_P)) for c, row in rows]
            limits = sorted(c.detectable_change for c in changes if math.isfinite(c.detectable_change))
            yield MetricGroup(
                metric=metric,
                view=VIEW_TITLES.get(view, view),
                remarks=tuple(flag_texts(shared & ~SAID_ONCE & ~shared_flags(outcome))),
                shown=tuple(row for c, row in rows if word_of(c) in REAL),
                unshown=tuple(row for c, row in rows if word_of(c) not in REAL),
                smallest=_range(limits, metric),
                largest=_range(limits[-1:], metric),
            )


def shared_flags(rows: Sequence[Change] | Sequence[PhotoReport]) -> Flag:
    """Flags that all changes or photos carry: said once, and not again beside each."""
    return reduce(and_, (row.flags for row in rows)) if rows else Flag.NONE


def _why_hidden(result: ClientResult, change: Change, hidden: Mapping[str, Sequence[HiddenSkin]]) -> str:
    """What hides most of a region in one of the two sessions; empty where enough of it could be used."""
    if Flag.LOW_COVERAGE not in change.flags:
        return ""
    sessions = (change.from_session, change.to_session)
    found = [
        skin
        for file, regions in hidden.items()
        if result.inspections[file].ref.session in sessions and result.plan.view_of[file] == change.view
        for skin in regions
        if skin.region == change.region
    ]
    return min(found, key=lambda skin: skin.usable).why if found else ""


def _row(change: Change, metric: Metric, *, reach: float, level: float, aside: Flag, why: str) -> ChangeRow:
    def share(value: float) -> float | None:
        return value / reach if math.isfinite(value) else None

    has_number = math.isfinite(change.difference)
    limit = change.detectable_change
    remarks = {f: text for f in change.flags & ~aside for text in flag_texts(f)}
    if why and Flag.LOW_COVERAGE in remarks:
        remarks[Flag.LOW_COVERAGE] += f" ({why})"
    return ChangeRow(
        region=region_title(change.region),
        word=word_of(change),
        sentence=describe_change(change, metric, confidence_level=level),
        difference=sized(number_text(change.difference, metric.decimals, sign=True), metric) if has_number else "",
        interval=interval_of(change, metric),
        values=f"{_number(change.baseline, metric)} → {_number(change.followup, metric)}" if has_number else "",
        detectable=sized(number_text(limit, metric.decimals), metric) if math.isfinite(limit) else "",
        remarks=tuple(remarks.values()),
        low=share(change.ci_low),
        middle=share(change.difference),
        high=share(change.ci_high),
    )


def interval_of(change: Change, metric: Metric) -> str:
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
    """Smallest to largest of sorted values with the unit: ``1.2 to 1.9 a*``; of shares none above all there is."""
    if not values:
        return ""
    ends = dict.fromkeys(
        number_text(v, metric.decimals) if v <= metric.most else f"more than {metric.most:g}"
        for v in (values[0], values[-1])
    )
    return sized(" to ".join(ends), metric)
