"""Figures of a validation of the metrics: bias with nothing changed, recovered changes, spots, useful pairs, cost."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from skinprogress.metrics.metric import Metric
from skinprogress.metrics.table import METRICS
from skinprogress.validation.color_scores import NewFigure, grouped, share_figures
from skinprogress.validation.metrics_faces import FaceScore, face_figures
from skinprogress.validation.metrics_pairs import MetricPair, Reading, is_said
from skinprogress.validation.table import Figure, wilson_interval

KIND = "metrics"
UNCHANGED = ("disturbed", "unchanged", "retake", "rendered_unchanged")
"""Tests in which nothing was changed."""

WITHIN_SHARE, WITHIN_A_STAR = 0.1, 0.2
"""A recovered redness is good within this share of the true change, or within so many a*."""

_SLOPE_SHARE = 0.01  # of the value: without truth of that size there is no slope


def in_percent(metric: Metric) -> bool:
    """Whether a bias is told as a share of the value: of contrasts, but not of colours, counts and areas."""
    return metric.statistic == "spread" or (metric.needs_light and metric.needs_sharpness)


def bias_of(reading: Reading) -> float:
    """Difference in the metric's unit, or in % of the value before; NaN without a value.

    Where the value is smaller than what counts as equal, the percentage is of that: of nothing there is none.
    """
    return _scaled(reading, reading.difference)


def error_of(reading: Reading) -> float:
    """Found minus true, in the metric's unit, or in points of % of the value before."""
    return _scaled(reading, reading.difference - reading.true)


def _scaled(reading: Reading, value: float) -> float:
    metric = METRICS[reading.metric]
    return 100.0 * value / max(reading.before, metric.equivalence) if in_percent(metric) else value


def metric_figures(pairs: Sequence[MetricPair], faces: Sequence[FaceScore]) -> list[Figure]:
    """All figures.

    Parameters
    ----------
    pairs : sequence of MetricPair
    faces : sequence of FaceScore

    Returns
    -------
    list of Figure
        By test and tier for all pairs, and for each skin tone and pattern of photos; of disturbances also for each
        (``method``).
    """
    found: list[Figure] = []
    for (test, tier), members in grouped(pairs, lambda p: (p.test, p.tier)):
        groups = [(name, some) for name, some in grouped(members, lambda p: p.group) if name]
        ways = [(name, some) for name, some in grouped(members, lambda p: p.method) if name]
        parts = [("", "all", members), *(("", *g) for g in groups), *((way, "all", some) for way, some in ways)]
        for method, subject, some in parts:
            new = partial(Figure, kind=KIND, tier=tier, test=test, method=method or "any", subject=subject)
            found += _pair_shares(partial(new, metric="pairs"), some)
            for name in METRICS:
                told = [(p, r) for p in some for r in p.readings if r.metric == name]
                if told and test in UNCHANGED:
                    found += _unchanged_figures(partial(new, metric=name), told)
                known = [r for _, r in told if np.isfinite(r.true)]
                if known and test != "unchanged":
                    found += _recovery_figures(new, known)
    everything = partial(Figure, kind=KIND, tier="all", test="all", method="any", subject="all", metric="pairs")
    return [*found, *_pair_shares(everything, pairs), *face_figures(KIND, faces)]


def _pair_shares(new: NewFigure, pairs: Sequence[MetricPair]) -> list[Figure]:
    return [
        *share_figures(new, "useful_share", [float(p.useful) for p in pairs]),
        *share_figures(new, "not_compared_share", [float(bool(p.reason)) for p in pairs]),
    ]


def _unchanged_figures(new: NewFigure, told: Sequence[tuple[MetricPair, Reading]]) -> Iterator[Figure]:
    """What one metric does where nothing was changed: biases, what is refused, intervals that miss zero."""
    readings = [r for _, r in told]
    unit = "%" if in_percent(METRICS[readings[0].metric]) else METRICS[readings[0].metric].unit
    shown = [r for r in readings if r.published]
    for prefix, some in (("", shown), ("measured_", readings)):
        bias = _finite(bias_of(r) for r in some)
        if bias.size:
            values = {"bias_median": np.median(bias), "bias_p95": np.percentile(np.abs(bias), 95.0)}
            for name, value in values.items():
                yield new(figure=prefix + name, value=float(value), unit=unit, n=bias.size)
    refused = [r for r in readings if not r.published]
    yield new(figure="refused_share", value=len(refused) / len(readings), unit="share", n=len(readings))
    unexplained = sum(not r.flagged for r in refused) / len(readings)
    yield new(figure="refused_without_flag_share", value=unexplained, unit="share", n=len(readings))
    if not shown:
        return
    for figure, misses in (
        ("published_misses_zero", [abs(r.difference) > r.half for r in shown]),
        ("misses_zero", [abs(r.difference) > r.half_alone for r in shown]),
    ):
        share = float(np.mean(misses))
        low, high = wilson_interval(share, len(misses))
        # Regions of one photo stand or fall together: this interval is too narrow, that of the pairs too wide.
        for ending, value in (("", share), ("_low", low), ("_high", high)):
            yield new(figure=figure + ending, value=value, unit="share", n=len(misses))
    by_pair = [[r for _, r in some] for _, some in grouped(told, lambda pr: pr[0].pair)]
    claims = [float(any(is_said(r) for r in some)) for some in by_pair if any(r.published for r in some)]
    yield from share_figures(new, "false_change_rate", claims)


def _recovery_figures(new_for: NewFigure, known: Sequence[Reading]) -> Iterator[Figure]:
    """How well known changes of one metric are found again: where something was changed, and elsewhere."""
    metric = METRICS[known[0].metric]
    unit = "points" if in_percent(metric) else metric.unit
    for name, asked in (("", [r for r in known if r.changed]), (" elsewhere", [r for r in known if not r.changed])):
        if not asked:
            continue
        new = partial(new_for, metric=metric.name + name)
        shown = [r for r in asked if r.published]
        yield new(figure="refused_share", value=1.0 - len(shown) / len(asked), unit="share", n=len(asked))
        for prefix, some in (("", shown), ("measured_", asked)):
            errors = np.abs(_finite(error_of(r) for r in some))
            if errors.size:
                for figure, percent in (("error_median", 50.0), ("error_p95", 95.0)):
                    value = float(np.percentile(errors, percent))
                    yield new(figure=prefix + figure, value=value, unit=unit, n=errors.size)
            slope = float("nan") if name else _slope(some)
            if np.isfinite(slope):
                yield new(figure=prefix + "slope", value=slope, unit="found/true", n=errors.size)
        if shown:
            holds = [float(abs(r.difference - r.true) <= r.half_alone) for r in shown]
            yield from share_figures(new, "coverage", holds)
            if not name and metric.unit.startswith("a*"):
                good = [
                    float(abs(r.difference - r.true) <= max(WITHIN_A_STAR, WITHIN_SHARE * abs(r.true))) for r in shown
                ]
                yield from share_figures(new, "within_share", good)


def _slope(readings: Sequence[Reading]) -> float:
    """Found per true by least squares through the origin; NaN where hardly anything was changed."""
    some = [r for r in readings if np.isfinite([r.difference, r.true]).all()]
    scale = [r.before if in_percent(METRICS[r.metric]) else 1.0 for r in some]
    true, found = (
        np.array([getattr(r, name) / s for r, s in zip(some, scale, strict=True) if s > 0.0])
        for name in ("true", "difference")
    )
    if not true.size or np.abs(true).max() < _SLOPE_SHARE:
        return float("nan")
    return float(true @ found / (true @ true))


def _finite(values: Iterable[float]) -> npt.NDArray[np.float64]:
    return np.array([value for value in values if np.isfinite(value)], np.float64)
