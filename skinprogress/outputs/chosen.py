"""Which changes are shown, and the pair of sessions that the headline and the face map speak of."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from skinprogress.comparison.outcome import outcome_session
from skinprogress.comparison.verdicts import Better
from skinprogress.metrics.table import METRICS
from skinprogress.records import Against, Change, ClientResult, Comparison, Measurement, View

_Row = TypeVar("_Row", Change, Measurement)


def changes_since_baseline(
    result: ClientResult,
    metric: str | None = None,
    view: View | None = None,
    *,
    charted: bool = True,
    against: Against = "baseline",
) -> list[Change]:
    """Changes against the baseline: of one metric, or of all that are charted (or not), and one view or all.

    With `against` those since maintenance began, or since the session before.

    Returns
    -------
    list of Change
        One per view, region, metric and session: the compensated one where both methods are there.
    """
    wanted = {m.name for m in METRICS.values() if m.name == metric or (metric is None and m.charted == charted)}
    return list(
        best_of(c for c in result.changes if c.against == against and c.metric in wanted and view in (None, c.view))
    )


def best_of(changes: Iterable[Change]) -> Iterable[Change]:
    """One change per view, region, metric and pair of sessions: the compensated one comes before the raw one."""
    return _compensated_first(changes, lambda c: (c.view, c.region, c.metric, c.from_session, c.to_session))


def better_of(result: ClientResult, metric: str) -> Better:
    """Which way of a metric is better: of a relative one none, unless its verdicts say so, against untreated skin."""
    spec = METRICS[metric]
    judged = spec.relative and any(c.metric == metric and c.verdict in ("improved", "worsened") for c in result.changes)
    return "lower" if judged else spec.better


def best_measurements(
    result: ClientResult, metric: str | None = None, view: View | None = None
) -> Iterable[Measurement]:
    """One measurement per photo, region and metric, as the changes go by: compensated where it is there, else raw."""
    wanted = (m for m in result.measurements if metric in (None, m.metric) and view in (None, m.view))
    return _compensated_first(wanted, lambda m: (m.photo, m.region, m.metric))


def _compensated_first(rows: Iterable[_Row], key: Callable[[_Row], tuple[str, ...]]) -> Iterable[_Row]:
    """One row per key, in order of the keys' first rows: the compensated one where it is there."""
    chosen: dict[tuple[str, ...], _Row] = {}
    for row in rows:
        at = key(row)
        if at not in chosen or row.method == "compensated":
            chosen[at] = row
    return chosen.values()


def headline_session(result: ClientResult, changes: Iterable[Change]) -> str | None:
    """The outcome where it was compared, or else the last session that was: the skin may not have settled yet.

    Sessions that could not be compared come last: one bad photo must not hide what the others show.
    """
    every = list(changes)
    compared = {c.to_session for c in every if c.grade != "F"} or {c.to_session for c in every}
    outcome = outcome_session(result.plan)
    if outcome in compared:
        return outcome
    return next((s for s in reversed(result.sessions) if s in compared), None)


def comparison_of(
    result: ClientResult, from_session: str, to_session: str, view: View | None = None
) -> Comparison | None:
    """How comparable two sessions are; of several views the least comparable."""
    found = [
        c
        for c in result.comparisons
        if (c.from_session, c.to_session) == (from_session, to_session) and view in (None, c.view)
    ]
    return max(found, key=lambda c: c.grade, default=None)
