"""What the program's verdicts make of a pair of sessions, held against what is true."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from skinprogress.comparison.findings import REAL
from skinprogress.comparison.uncertainty import simultaneous_z
from skinprogress.metrics.table import METRICS
from skinprogress.records import Change, PhotoRef, Verdict
from skinprogress.settings import Settings
from skinprogress.validation.color_outcomes import compare_refs
from skinprogress.validation.scenes import Values

Test = Literal["unchanged", "local", "whole_face", "retake"]
Reference = Literal["background", "card", "none"]
"""What colours can be matched on: what stands behind the client, a card held into the photo, nothing."""

AMOUNTS = (0.8, 1.5, 2.0, 2.5)
"""Sizes of the changes, a*-equivalents; blood is added or taken away."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How a pair is made; ``amount`` in a*-equivalents, ``shots`` of each session."""

    test: Test
    reference: Reference = "background"
    shots: int = 1
    amount: float = 0.0

    @property
    def every_metric(self) -> bool:
        """Whether all metrics are compared: only where nothing changed is the truth of all of them known."""
        return self.test in ("unchanged", "retake")


# Test, reference, shots of each session, sizes: the goals are about changes of 1.5 and 2.0 with two shots.
_MADE: tuple[tuple[Test, Reference, int, tuple[float, ...]], ...] = (
    ("unchanged", "background", 1, 7 * (0.0,)),
    ("unchanged", "card", 1, (0.0,)),
    ("unchanged", "background", 2, 2 * (0.0,)),
    ("unchanged", "none", 1, 2 * (0.0,)),
    ("unchanged", "card", 2, (0.0,)),
    ("local", "background", 2, (*AMOUNTS, 1.5, 2.0, 1.5)),
    ("local", "background", 1, AMOUNTS),
    ("local", "card", 2, (1.5, 2.0)),
    ("local", "card", 1, (0.8, 2.5)),
    ("whole_face", "background", 1, AMOUNTS),
    ("whole_face", "none", 1, AMOUNTS),
    ("whole_face", "card", 1, (1.5, 2.5)),
    ("whole_face", "background", 2, (1.5, 2.0)),
    ("whole_face", "card", 2, (2.0,)),
)


def _in_turn() -> tuple[Setup, ...]:
    """Half as many pairs without a change as with one, mixed so that few pairs try a bit of everything."""
    every = [Setup(test, reference, shots, amount) for test, reference, shots, amounts in _MADE for amount in amounts]
    placed: list[tuple[float, Setup]] = []
    for test in dict.fromkeys(setup.test for setup in every):
        some = [setup for setup in every if setup.test == test]
        # The golden section spreads what stands together in the list over the whole.
        placed += [((k * 0.618034) % 1.0, setup) for k, setup in enumerate(some)]
    return tuple(setup for _, setup in sorted(placed, key=lambda item: item[0]))


SETUPS: tuple[Setup, ...] = _in_turn()
"""In turn for the pairs of each tier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What the program says of all regions of one metric in a pair.

    Attributes
    ----------
    tests : int
        Regions of which a difference is published.
    not_comparable : int
        Regions measured, and called that.
    rows : int
        Regions measured.
    said : int
        Regions said to have changed.
    missed : int
        Regions whose true difference lies outside of an interval that would hold for this region alone.
    missed_jointly : bool
        The true difference of any lies outside of the published interval, which holds for all of them together.
    large, large_unchanged : int
        Regions that truly changed by more than the metric's margin, and those of them called unchanged.
    error : float
        Median standard error of a difference, in the metric's unit.
    spread : float
        Root mean square over the regions of how far differences are off, in standard errors: 1 where these are right.
    """

    metric: str
    rows: int
    tests: int
    not_comparable: int
    said: int
    missed: int
    missed_jointly: bool
    large: int
    large_unchanged: int
    error: float
    spread: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is said of the region that was changed; ``true`` in the metric's unit, ``found`` in the right direction."""

    metric: str
    region: str
    true: float
    verdict: Verdict
    found: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictPair:
    """Everything about one pair.

    Attributes
    ----------
    pair, photo : str
        Photo and number of the pair, or both photos; the photo it was made from.
    tone : str
        Skin tone of the client; empty where it was not looked at.
    tier : str
    setup : Setup
    rung, grade : str
        Colour reference and grade; empty where nothing was compared.
    reason : str
        Why nothing was compared.
    families : tuple of Family
    targets : tuple of Target
    p_headline : float
        The smallest of the pair; NaN where not all metrics were compared, or nothing was.
    cpu_s : float
        Time that photographing and comparing took.
    """

    pair: str
    photo: str
    tier: str
    setup: Setup
    tone: str = ""
    rung: str = ""
    grade: str = ""
    reason: str = ""
    families: tuple[Family, ...] = ()
    targets: tuple[Target, ...] = ()
    p_headline: float = float("nan")
    cpu_s: float = field(default=float("nan"), compare=False)


def judge_pair(
    pair: VerdictPair, refs: Sequence[PhotoRef], *, true: Values | None, region: str | None, settings: Settings
) -> VerdictPair:
    """Let the program compare two sessions, and hold what it says against what is true.

    Parameters
    ----------
    pair : VerdictPair
        Its names.
    refs : sequence of PhotoRef
        Photos of both sessions.
    true : dict of (metric, region) to float, or None
        True differences; None: nothing changed.
    region : str or None
        What was changed.
    settings : Settings

    Returns
    -------
    VerdictPair
    """
    compared = compare_refs(refs, settings=settings)
    if isinstance(compared, str):
        return replace(pair, reason=compared)
    result = compared[1]
    rows = [c for c in result.changes if c.against == "baseline" and c.metric in METRICS]
    comparison = result.comparisons[0]
    headline = [c.p_headline for c in rows if np.isfinite(c.p_headline)]
    targets = [] if region is None or true is None else [_target(c, true) for c in rows if c.region == region]
    return replace(
        pair,
        rung=comparison.color_reference,
        grade=comparison.grade,
        reason="; ".join(comparison.reasons) if comparison.grade == "F" else "",
        families=tuple(_families(rows, true, settings.confidence_level)),
        targets=tuple(target for target in targets if target is not None),
        p_headline=min(headline) if headline and pair.setup.every_metric else float("nan"),
    )


def _target(c: Change, true: Values) -> Target | None:
    if (c.metric, c.region) not in true:
        return None
    change = true[c.metric, c.region]
    found = c.verdict in REAL and (c.difference > 0.0) == (change > 0.0)
    return Target(metric=c.metric, region=c.region, true=change, verdict=c.verdict, found=found)


def _families(rows: Sequence[Change], true: Mapping[tuple[str, str], float] | None, level: float) -> Iterator[Family]:
    """Each metric's regions together, where the truth is known."""
    for name, metric in METRICS.items():
        known = [c for c in rows if c.metric == name and (true is None or (name, c.region) in true)]
        if not known:
            continue
        actual = np.array([0.0 if true is None else true[name, c.region] for c in known])
        off = np.abs(np.array([c.difference for c in known]) - actual)
        half = np.array([(c.ci_high - c.ci_low) / 2.0 for c in known])
        told = np.isfinite(half)
        errors = np.array([c.standard_error for c in known])[told]
        alone = simultaneous_z(level, 1) * errors
        large = np.abs(actual) > metric.equivalence
        unchanged = np.array([c.verdict == "unchanged" for c in known])
        yield Family(
            metric=name,
            rows=len(known),
            tests=int(told.sum()),
            not_comparable=sum(c.verdict == "not comparable" for c in known),
            said=sum(c.verdict in REAL for c in known),
            missed=int((off[told] > alone).sum()),
            missed_jointly=bool((off[told] > half[told]).any()),
            large=int(large.sum()),
            large_unchanged=int((large & unchanged).sum()),
            error=float(np.median(errors)) if errors.size else float("nan"),
            spread=float(np.sqrt(np.mean((off[told] / errors) ** 2))) if errors.size else float("nan"),
        )
