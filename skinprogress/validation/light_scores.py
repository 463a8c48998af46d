"""Figures of a validation of the light: errors, slopes, coverage, what is refused, false changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from skinprogress.records import Method
from skinprogress.validation.color_outcomes import Outcome
from skinprogress.validation.color_scores import UNITS, NewFigure, grouped, share_figures
from skinprogress.validation.table import Figure, wilson_interval

KIND = "light"
METRICS = ("relative_redness", "redness_index")
TEXTURE = "texture_uniformity"
STEADY = ("cheek_left", "cheek_right", "forehead")
"""Where a smile moves little: regions in which photos of the same skin are compared."""

_SAID = ("improved", "worsened", "changed")
_LEAST_SQUARES = 0.25  # a*-eq: without truth of that size there is no slope


@dataclass(frozen=True, slots=True, kw_only=True)
class LightScore:
    """Everything about one pair by one method.

    Attributes
    ----------
    pair, photo : str
        Photo and number of the pair, or both photos; the photo that is not the reference.
    group : str
        Pattern of photos that are summed up together; empty for none.
    test, tier : str
        Where the light comes from and what was changed; how hard it is.
    method : {'raw', 'compensated'}
    outcomes : tuple of Outcome
        Also of what is refused: that has no interval, and is NaN where nothing was measured.
    texture : tuple of bool
        For each region whether texture was compared.
    reason : str
        Why nothing was compared; empty where something was.
    """

    pair: str
    photo: str
    group: str
    test: str
    tier: str
    method: Method = "raw"
    outcomes: tuple[Outcome, ...] = ()
    texture: tuple[bool, ...] = ()
    reason: str = ""


def is_refused(outcome: Outcome) -> bool:
    """The program gives no difference with an interval, or says that it must not be compared."""
    return not np.isfinite(outcome.half) or outcome.verdict == "not comparable"


def light_figures(scores: Sequence[LightScore]) -> list[Figure]:
    """All figures: by test, tier and method for all pairs, for each group and each photo.

    Parameters
    ----------
    scores : sequence of LightScore

    Returns
    -------
    list of Figure
        ``error_*`` and ``slope*`` rest on what is published, ``measured_error_*`` also on what is refused.
    """
    found: list[Figure] = []
    for (test, tier, method), members in grouped(scores, lambda s: (s.test, s.tier, s.method)):
        groups = [(name, some) for name, some in grouped(members, lambda s: s.group) if name]
        for subject, some in (("all", members), *groups, *grouped(members, lambda s: s.photo)):
            new = partial(Figure, kind=KIND, tier=tier, test=test, method=method, subject=subject)
            for metric in METRICS:
                found += _figures(partial(new, metric=metric), some, metric)
            compared = [shown for score in some for shown in score.texture]
            if compared:
                found.append(_refused(partial(new, metric=TEXTURE), [not shown for shown in compared]))
        if tier == "T4":
            found += _retake_figures(
                partial(Figure, kind=KIND, tier=tier, test=test, method=method, subject="all"), members
            )
    return found


def _figures(new: NewFigure, scores: Sequence[LightScore], metric: str) -> list[Figure]:
    """Figures of one metric on some pairs."""
    asked = [o for score in scores for o in score.outcomes if o.metric == metric]
    if not asked:
        return []
    shown = [o for o in asked if not is_refused(o)]
    measured = [o for o in asked if np.isfinite(o.found)]
    found = [_refused(new, [is_refused(o) for o in asked])]
    unit = UNITS[metric]
    for prefix, some in (("", shown), ("measured_", measured)):
        found += [new(figure=prefix + n, value=v, unit=unit, n=len(some)) for n, v in _errors(some).items()]
    for name, some in (("slope", shown), ("slope_changed", [o for o in shown if o.changed])):
        slope = _slope(some)
        if np.isfinite(slope):
            found.append(new(figure=name, value=slope, unit="found/true", n=len(some)))
    if shown:
        found += _coverage(new, scores, metric)
        half = float(np.median([o.half_alone for o in shown]))
        found.append(new(figure="half_interval_median", value=half, unit=unit, n=len(shown)))
    if scores[0].test.endswith("unchanged"):
        claims = [[o.verdict in _SAID for o in s.outcomes if o.metric == metric] for s in scores]
        found += share_figures(new, "false_change_rate", [float(any(some)) for some in claims])
    return found


def _refused(new: NewFigure, refused: Sequence[bool]) -> Figure:
    return new(figure="refused_share", value=float(np.mean(refused)), unit="share", n=len(refused))


def _errors(outcomes: Sequence[Outcome]) -> dict[str, float]:
    if not outcomes:
        return {}
    size = np.abs([o.error for o in outcomes])
    return {
        "error_median": float(np.median(size)),
        "error_p95": float(np.percentile(size, 95.0)),
        "error_rms": float(np.sqrt(np.mean(size**2))),
    }


def _slope(outcomes: Sequence[Outcome]) -> float:
    """Found per true by least squares through the origin: no change must be found as none; NaN without changes."""
    true, found = (np.array([getattr(o, name) for o in outcomes], float) for name in ("true", "found"))
    if not true.size or np.abs(true).max() < _LEAST_SQUARES:
        return float("nan")
    return float(true @ found / (true @ true))


def _coverage(new: NewFigure, scores: Sequence[LightScore], metric: str) -> list[Figure]:
    """How often the interval of one region alone covers the truth; of regions, and with one trial a pair."""
    by_pair = [[o for o in s.outcomes if o.metric == metric and not is_refused(o)] for s in scores]
    holds = [[float(abs(o.error) <= o.half_alone) for o in some] for some in by_pair if some]
    each = [held for some in holds for held in some]
    share = float(np.mean(each))
    # Regions of one photo stand or fall together: the interval of so many trials is too narrow, that by pairs too wide.
    low, high = wilson_interval(share, len(each))
    values = {"coverage": share, "coverage_low": low, "coverage_high": high}
    found = [new(figure=name, value=value, unit="share", n=len(each)) for name, value in values.items()]
    return found + share_figures(new, "coverage_by_pair", [float(np.mean(some)) for some in holds])


def _retake_figures(new: NewFigure, scores: Sequence[LightScore]) -> list[Figure]:
    """Mean and scatter of relative redness between photos of the same skin: of each steady region, and of all three."""
    found: list[Figure] = []
    variances: list[float] = []
    n_all = 0
    for region in STEADY:
        values = [
            o.found
            for s in scores
            for o in s.outcomes
            if (o.metric, o.region) == ("relative_redness", region)
            and (np.isfinite(o.found) if s.method == "raw" else not is_refused(o))
        ]
        if len(values) < 2:
            continue
        n_all += len(values)
        variances.append(float(np.var(values, ddof=1)))
        named = {"difference_mean": float(np.mean(values)), "difference_sd": variances[-1] ** 0.5}
        metric = f"relative_redness {region}"
        found += [new(metric=metric, figure=k, value=v, unit="a*-eq", n=len(values)) for k, v in named.items()]
    if variances:
        sd = float(np.sqrt(np.mean(variances)))
        found.append(
            new(metric="relative_redness cheeks and forehead", figure="difference_sd", value=sd, unit="a*-eq", n=n_all)
        )
    return found
