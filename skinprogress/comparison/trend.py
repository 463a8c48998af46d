"""How a figure moved over all calm sessions of a course: a robust slope and how sure it is."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from skinprogress.comparison.course import in_maintenance, in_order, is_calm
from skinprogress.comparison.uncertainty import simultaneous_z
from skinprogress.metrics.table import METRICS
from skinprogress.records import Against, Change, ClientPlan, FloatArray, Segment, Trend

DAYS_PER_MONTH = 30.44
LEAST_SESSIONS = 3
_SEED = 20260314
_DRAWS = 512
_UPPER = 0.975
# Two sessions of one day say nothing about a month.
_LEAST_DAYS_APART = 1.0
_AGAINST: dict[Segment, Against] = {"course": "baseline", "maintenance": "maintenance"}

Floats = npt.NDArray[np.float64]


def find_trends(plan: ClientPlan, changes: Sequence[Change], *, confidence_level: float) -> list[Trend]:
    """Slopes of the charted metrics over the calm sessions of each view, for the course and for its maintenance.

    A session counts where its date is known, it lies more than a week after any treatment and nothing was on the skin.
    Its value is its difference from the session that the segment is held against, on the skin that both show.

    Parameters
    ----------
    plan : ClientPlan
    changes : sequence of Change
        Those against ``baseline`` make the trend of the course, those against ``maintenance`` that of maintenance.
    confidence_level : float
        Jointly over the regions of one metric, view and segment; marks are a family of their own.

    Returns
    -------
    list of Trend
        Of everything with at least three such sessions on different days.

    Notes
    -----
    Half of the variance of a difference is taken to be the later session's, half the first's; see :func:`fit_slopes`
    for the slope. A course that works at first and then no more is no straight line: its slope is the mean over the
    time, and the interval is widened by how far the sessions lie off the line.
    """
    found = []
    for segment, against in _AGAINST.items():
        series = _find_series(plan, [c for c in changes if c.against == against], segment)
        family = Counter(_family(plan, rows[0]) for rows in series)
        alike: dict[tuple[str, str, tuple[str, ...]], list[list[Change]]] = defaultdict(list)
        for rows in series:
            alike[rows[0].view, rows[0].from_session, tuple(c.to_session for c in rows)].append(rows)
        for group in alike.values():
            days = _days(plan, group[0])
            variances = np.square([[c.standard_error for c in rows] for rows in group]) / 2.0
            errors = np.sqrt(np.column_stack([variances.mean(axis=1), variances]))
            values = np.array([[0.0, *(c.difference for c in rows)] for rows in group])
            for rows, slope, error in zip(group, *fit_slopes(days, values, errors), strict=True):
                z = simultaneous_z(confidence_level, family[_family(plan, rows[0])])
                found.append(_trend(rows, segment, days, slope, z * error))
    return found


def fit_slopes(days: Floats, values: Floats, errors: Floats) -> tuple[Floats, Floats]:
    """Theil–Sen slopes of many series over the same sessions, with the standard error that their errors make.

    Parameters
    ----------
    days : (n,) float
        In order.
    values, errors : (m, n) float
        One series a row, and the standard error of each value.

    Returns
    -------
    slopes, standard_errors : (m,) float
        Per day.

    Notes
    -----
    The slope of noise alone has the distribution of the slope's error, whatever the true slope: it is drawn from the
    known errors of the sessions, and widened where the sessions lie further off the line than these errors say. Of
    three sessions one that is wrong cannot be told from a change: the interval then misses more often than it says.

    References
    ----------
    Theil 1950; Sen 1968, "Estimates of the regression coefficient based on Kendall's tau", JASA 63: median of the
    slopes of all pairs. Birge 1932, "The calculation of errors by the method of least squares", Phys Rev 40: the
    widening.
    """
    n = days.size
    first, second = np.triu_indices(n, 1)
    apart = days[second] - days[first] >= _LEAST_DAYS_APART
    first, second = first[apart], second[apart]
    pairs = np.arange(first.size)
    slope_of = np.zeros((n, first.size))
    slope_of[second, pairs] = 1.0 / (days[second] - days[first])
    slope_of[first, pairs] = -slope_of[second, pairs]
    slopes = _row_medians(values @ slope_of)
    draws = np.random.default_rng(_SEED).standard_normal((max(_DRAWS, 4 * n), n))
    # Made exactly uncorrelated and of variance 1, so that few of them do.
    draws = np.linalg.qr(draws - draws.mean(axis=0))[0] * np.sqrt(draws.shape[0])
    fast = slope_of.astype(np.float32)
    drawn = np.array([_row_medians((draws * error).astype(np.float32) @ fast).std() for error in errors])
    weights = errors**-2.0
    off = values - slopes[:, None] * days
    off -= np.sum(weights * off, axis=1, keepdims=True) / np.sum(weights, axis=1, keepdims=True)
    scatter = np.sqrt(np.sum(weights * off**2, axis=1) / (n - 2.0))
    # The scatter of few sessions is itself uncertain; two degrees of freedom stand for what is known of it before.
    return slopes, drawn * np.maximum(1.0, scatter * float(stdtrit(n, _UPPER) / ndtri(_UPPER)))


def _row_medians(rows: FloatArray) -> Floats:
    """Of each row, (m,); sorting is faster than what numpy does for medians."""
    ordered, size = np.sort(rows, axis=1), rows.shape[1]
    return ((ordered[:, (size - 1) // 2] + ordered[:, size // 2]) / 2.0).astype(np.float64)


def session_time(plan: ClientPlan, session: str) -> datetime | None:
    """When a session took place; None where neither its label nor the treatment before it tells.

    Parameters
    ----------
    plan : ClientPlan
    session : str
    """
    phase = plan.phases[session]
    treatments = in_order(plan.course)
    if phase.days_after is not None and phase.treatment_number is not None:
        return treatments[phase.treatment_number - 1].at + timedelta(days=phase.days_after)
    try:
        return datetime.fromisoformat(session)
    except ValueError:
        return None


def _find_series(plan: ClientPlan, changes: Iterable[Change], segment: Segment) -> list[list[Change]]:
    """Rows of each view, metric and region that can make a trend, in order of time."""

    def counts(session: str) -> bool:
        return is_calm(plan, session) and session_time(plan, session) is not None

    rows_of: dict[tuple[str, str, str], list[Change]] = defaultdict(list)
    for c in sorted(changes, key=lambda c: plan.sessions.index(c.to_session)):
        here = segment == "maintenance" or not in_maintenance(plan, c.to_session)
        metric = METRICS[c.metric]
        # Where nothing matched the colour, a slope of the whole photo's colour is one of cameras as much as of skin.
        told = metric.charted and not (metric.needs_color and c.color_reference == "none")
        if told and c.standard_error > 0 and here and counts(c.from_session):
            rows_of[c.view, c.metric, c.region] += [c] if counts(c.to_session) else []
    return [rows for rows in rows_of.values() if _n_days(plan, rows) >= LEAST_SESSIONS]


def _n_days(plan: ClientPlan, rows: list[Change]) -> int:
    """How many of the sessions lie a day or more after the one before."""
    return 1 + int(np.sum(np.diff(_days(plan, rows)) >= _LEAST_DAYS_APART)) if rows else 0


def _days(plan: ClientPlan, rows: list[Change]) -> Floats:
    """Of the sessions that make a trend, since the first of them, (n,)."""
    times = [session_time(plan, s) for s in (rows[0].from_session, *(c.to_session for c in rows))]
    return np.array([(t - times[0]).total_seconds() / 86400.0 for t in times if t is not None and times[0] is not None])


def _family(plan: ClientPlan, row: Change) -> tuple[str, str, bool]:
    return row.view, row.metric, row.region in {mark.name for mark in plan.course.marks}


def _trend(rows: list[Change], segment: Segment, days: Floats, slope: float, half_width: float) -> Trend:
    last = rows[-1]
    month = np.array([slope, slope - half_width, slope + half_width]) * DAYS_PER_MONTH
    spacing = float(days[-1]) / (days.size - 1) / DAYS_PER_MONTH
    per_month, low, high = (float(x) for x in month)
    return Trend(
        client=last.client,
        view=last.view,
        region=last.region,
        metric=last.metric,
        unit=last.unit,
        segment=segment,
        sessions=(last.from_session, *(c.to_session for c in rows)),
        days=tuple(float(d) for d in days),
        per_month=per_month,
        per_month_low=low,
        per_month_high=high,
        per_session=per_month * spacing,
        per_session_low=low * spacing,
        per_session_high=high * spacing,
        difference=last.difference,
        ci_low=last.ci_low,
        ci_high=last.ci_high,
    )
