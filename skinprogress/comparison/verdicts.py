"""From a difference and its interval to a word."""

from typing import Literal

import numpy as np

from skinprogress.metrics.metric import Metric
from skinprogress.metrics.rows_color import REDNESS
from skinprogress.records import Rung, Verdict

Better = Literal["lower", "higher"] | None

HEADLINE_P = 0.01
"""Largest :attr:`~skinprogress.records.Change.p_headline` of what a headline may name."""


_REDNESS = frozenset(metric.name for metric in REDNESS)


def redness_is_judged(metric: Metric) -> bool:
    """Whether a metric says how red the skin is: all that is looked at in the days after a treatment.

    Swelling smooths lines, flakes roughen the skin, and its browning then is no shift of pigment.
    """
    return metric.name in _REDNESS


def decide_verdict(
    difference: float,
    ci_low: float,
    ci_high: float,
    *,
    metric: Metric,
    better: Better,
    rung: Rung,
    recent: bool,
    covered: bool = False,
) -> Verdict:
    """The word for a change.

    Parameters
    ----------
    difference, ci_low, ci_high : float
        The published (simultaneous) interval.
    metric : Metric
    better : {'lower', 'higher', None}
        Direction of improvement in this comparison.
    rung : Rung
        Colour reference that both photos have.
    recent : bool
        One of the sessions lies within days of a treatment: neither improved nor worsened is said of redness, and
        nothing of anything else.
    covered : bool
        Numbing or other cream was on the skin in one of them: neither improved nor worsened is said.

    Returns
    -------
    Verdict
        ``unchanged`` only where the whole interval lies within the metric's margin of equivalence. Where nothing
        matched the colour, a metric that needs it is ``not comparable`` unless the change exceeds even that
        uncertainty.
    """
    if not np.isfinite([difference, ci_low, ci_high]).all():
        return "not comparable"
    if recent and not redness_is_judged(metric):
        return "not comparable"
    if ci_low > 0 or ci_high < 0:
        if better is None or recent or covered:
            return "changed"
        return "improved" if (difference < 0) == (better == "lower") else "worsened"
    if metric.needs_color and rung == "none":
        return "not comparable"
    if max(abs(ci_low), abs(ci_high)) <= metric.equivalence:
        return "unchanged"
    return "no detectable change"
