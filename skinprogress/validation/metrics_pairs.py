"""Pairs for the validation of the metrics: what the program says of them, and what is true where that is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from skinprogress.comparison.findings import REAL
from skinprogress.comparison.uncertainty import simultaneous_z
from skinprogress.metrics.table import METRICS
from skinprogress.records import Change, ClientResult, Flag, PhotoRef, Verdict
from skinprogress.settings import Settings
from skinprogress.validation.color_outcomes import compare_refs

USEFUL = (*REAL, "unchanged")
"""Verdicts that tell the reader something."""

Compared = tuple[list[Change], ClientResult] | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the program says of one metric in one region of a pair.

    Attributes
    ----------
    before, after : float
        Values of both photos as they are compared; NaN where one of them was not measured.
    half, half_alone : float
        Half the published interval, and of one that would hold for this region alone; NaN where no difference is given.
    true : float
        True difference, in the metric's unit; NaN where it is not known.
    changed : bool
        The region is (part of) what was changed.
    flagged : bool
        Any flag stands beside it.
    """

    metric: str
    region: str
    before: float
    after: float
    half: float
    half_alone: float
    verdict: Verdict
    true: float = float("nan")
    changed: bool = False
    flagged: bool = False

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.after - self.before

    @property
    def published(self) -> bool:
        """A difference is given, with an interval."""
        return bool(np.isfinite(self.half))


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPair:
    """Everything about one pair.

    Attributes
    ----------
    pair, photo : str
        Photo and number of the pair, or both photos; the photo that is not the reference.
    test, tier, method : str
        What was done; how hard it is; by which disturbance.
    group : str
        Photos that are summed up together: a skin tone, or a pattern of rendered photos; empty for none.
    readings : tuple of Reading
    useful : bool
        At least one verdict or bound tells the reader something.
    reason : str
        Why nothing was compared; empty where something was.
    """

    pair: str
    photo: str
    test: str
    tier: str
    method: str = ""
    group: str = ""
    readings: tuple[Reading, ...] = ()
    useful: bool = False
    reason: str = ""


def is_said(reading: Reading) -> bool:
    """A change is claimed."""
    return reading.verdict in REAL


def read_pair(
    pair: MetricPair,
    compared: Compared,
    *,
    true: Mapping[tuple[str, str], float] | None = None,
    shares: Mapping[tuple[str, str], float] | None = None,
    changed: Sequence[str] = (),
    settings: Settings,
) -> MetricPair:
    """Fill in what the program says of a pair.

    Parameters
    ----------
    pair : MetricPair
    compared
        As from :func:`~skinprogress.validation.color_outcomes.compare_refs`.
    true, shares : mapping of (metric, region) to float
        True differences, in the metric's unit or as shares of the value before; None: not known.
    changed : sequence of str
        Regions that were changed.
    settings : Settings

    Returns
    -------
    MetricPair
    """
    if isinstance(compared, str):
        return replace(pair, reason=compared)
    result = compared[1]
    rows = [c for c in result.changes if c.against == "baseline" and c.metric in METRICS]
    alone = simultaneous_z(settings.confidence_level, 1)
    readings = []
    for c in rows:
        key, half = (c.metric, c.region), (c.ci_high - c.ci_low) / 2.0
        known = (true or {}).get(key, float("nan"))
        if shares is not None and key in shares:
            known = shares[key] * c.baseline
        readings.append(
            Reading(
                metric=c.metric, region=c.region, before=c.baseline, after=c.followup, half=half,
                half_alone=alone * c.standard_error, verdict=c.verdict, true=known, changed=c.region in changed,
                flagged=c.flags != Flag.NONE,
            )
        )  # fmt: skip
    useful = any(c.verdict in USEFUL for c in rows) or any(f.kind == "bound" for f in result.findings)
    reason = "; ".join(reason for c in result.comparisons[:1] if c.grade == "F" for reason in c.reasons)
    return replace(pair, readings=tuple(readings), useful=useful, reason=reason)


def compare_two(before: PhotoRef, after: PhotoRef, *, settings: Settings) -> Compared:
    """Let the program compare two photos, each its own session."""
    refs = [replace(r, client="scene", session=side) for r, side in ((before, "before"), (after, "after"))]
    return compare_refs(refs, settings=settings)
