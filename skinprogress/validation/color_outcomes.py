"""What came out of a pair with a known change: what the program says of it beside what is true."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from skinprogress.comparison.uncertainty import simultaneous_z
from skinprogress.errors import SkinprogressError
from skinprogress.face.regions import WHOLE_FACE
from skinprogress.pipeline.comparing import compare_client
from skinprogress.records import Change, ClientResult, Course, PhotoRef, Verdict
from skinprogress.settings import Settings
from skinprogress.validation.color_cards import CardOutcome
from skinprogress.validation.scenes import METRICS, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one method found of one figure in one region of a pair, and what was true.

    Attributes
    ----------
    method : str
        Rung that the program chose, or a naive method.
    changed : bool
        The region is (part of) what was changed.
    half, half_alone : float
        Half the published interval, and of one that would hold for this region alone; NaN without.
    """

    method: str
    metric: str
    region: str
    changed: bool
    true: float
    found: float
    half: float = float("nan")
    half_alone: float = float("nan")
    verdict: Verdict | Literal[""] = ""

    @property
    def error(self) -> float:
        """Found minus true."""
        return self.found - self.true


@dataclass(frozen=True, slots=True, kw_only=True)
class PairScore:
    """Everything about one pair.

    Attributes
    ----------
    pair : str
        Photo and number of the pair, or both photos.
    photo : str
    group : str
        Skin tone, or the folder of rendered photos.
    kind, test, tier : str
        What was changed; the same with the background's name; how hard it is.
    rung : str
        Colour reference that the program used; empty where it did not compare.
    reason : str
        Why that one, or why there is no comparison.
    unchanged : bool
        Nothing was changed.
    """

    pair: str
    photo: str
    group: str
    kind: str
    test: str
    tier: str
    rung: str = ""
    reason: str = ""
    unchanged: bool = False
    outcomes: tuple[Outcome, ...] = ()
    cards: tuple[CardOutcome, ...] = ()


def compare_refs(refs: Sequence[PhotoRef], *, settings: Settings) -> tuple[list[Change], ClientResult] | str:
    """Let the program compare two photos, each its own session.

    Returns
    -------
    changes : list of Change
        Those that are graded.
    result : ClientResult
        In place of both: why there is no comparison.
    """
    folder = refs[0].path.parent
    try:
        result = compare_client(refs, client="scene", folder=folder, course=Course(), settings=settings)
    except SkinprogressError as error:
        return str(error)
    changes = [c for c in result.changes if c.against == "baseline" and c.metric in METRICS]
    if not changes:
        return "; ".join(r.reason for r in result.rejected) or "nothing could be compared"
    return changes, result


def difference(before: Values, after: Values) -> Values:
    """After minus before, where both are known."""
    return {key: after[key] - before[key] for key in before if key in after}


def published(
    changes: Sequence[Change], true: Values, region: str | None, *, settings: Settings, with_refused: bool = False
) -> list[Outcome]:
    """What the program says, where it says anything and the truth is known.

    Parameters
    ----------
    changes : sequence of Change
    true : dict
    region : str or None
        What was changed.
    settings : Settings
    with_refused : bool
        Also what is measured in both photos and not published as a difference; without an interval.

    Returns
    -------
    list of Outcome
    """
    found, alone = [], simultaneous_z(settings.confidence_level, 1)
    for metric in METRICS:
        measured = [c for c in changes if c.metric == metric]
        told = [c for c in measured if np.isfinite(c.difference)]
        for c in measured if with_refused else told:
            if (metric, c.region) in true:
                half = (c.ci_high - c.ci_low) / 2.0
                outcome = Outcome(
                    method=c.color_reference, metric=metric, region=c.region, changed=region in (c.region, WHOLE_FACE),
                    true=true[metric, c.region], found=c.followup - c.baseline, half=half,
                    half_alone=alone * c.standard_error, verdict=c.verdict,
                )  # fmt: skip
                found.append(outcome)
    return found
