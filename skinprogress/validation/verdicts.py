"""How often are the verdicts wrong, and how large a change do they find? Faces photographed again by the thousand."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skinprogress.comparison.bookkeeping import rejection_of
from skinprogress.comparison.recovery import RECOVERY_METRIC
from skinprogress.errors import NothingMeasuredError, PhotoError
from skinprogress.photos.reading import read_photo
from skinprogress.photos.scan import one_line
from skinprogress.pipeline.inspecting import find_client_face
from skinprogress.records import PhotoRef, Rejection
from skinprogress.settings import Settings
from skinprogress.synthetic.rephotograph import Tier
from skinprogress.validation.color_renders import read_true_colors
from skinprogress.validation.faces import list_faces
from skinprogress.validation.light import pair_retakes
from skinprogress.validation.scenes import skin_tone
from skinprogress.validation.table import Figure
from skinprogress.validation.verdicts_outcomes import SETUPS, Setup, VerdictPair, judge_pair
from skinprogress.validation.verdicts_pairs import score_pair, small_scene
from skinprogress.validation.verdicts_recovery import try_recoveries
from skinprogress.validation.verdicts_scores import verdict_figures
from skinprogress.validation.workers import run_jobs

if TYPE_CHECKING:
    from skinprogress.pipeline.comparing import Progress

TIERS: tuple[Tier, ...] = ("T0", "T1")
PAIRS_IN_ALL = 4000
"""So many pairs are made by default, half of them of each tier: an hour on two cores."""

# A scene is made once for so many pairs: short jobs keep both cores busy and the bar moving.
_PAIRS_PER_JOB = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class _Yield:
    """What one job has yielded."""

    pairs: tuple[VerdictPair, ...] = ()
    rejected: Rejection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictsValidation:
    """What a validation found out.

    Attributes
    ----------
    figures : tuple of Figure
    pairs : tuple of VerdictPair
        What the figures were made from.
    rejected : tuple of Rejection
        Photos that could not be used.
    """

    figures: tuple[Figure, ...]
    pairs: tuple[VerdictPair, ...] = ()
    rejected: tuple[Rejection, ...] = ()


def validate_verdicts(
    folder: str | Path,
    *,
    pairs_per_photo: int | None = None,
    settings: Settings | None = None,
    progress: "Progress | None" = None,
    workers: int = 2,
) -> VerdictsValidation:
    """Count how often the program claims a change that is none, and how often it finds one that is.

    Parameters
    ----------
    folder : path
        A client's folder, or flat photos ``PERSON_anything.jpg``: photos of one person that show the same skin are
        also compared as they are.
    pairs_per_photo : int, optional
        How many pairs are made of each photo; by default so that there are :data:`PAIRS_IN_ALL` or a few more.
    settings : Settings, optional
    progress : callable, optional
        Called with what is being done, jobs done, jobs in all.
    workers : int
        Processes; the figures but those of time do not depend on it.

    Returns
    -------
    VerdictsValidation

    Raises
    ------
    UsageError
        No such folder.
    NothingMeasuredError
        No photo that could be used.

    Notes
    -----
    Tiers T0 and T1 are made in the computer from one photo: the light does not move and the head does not turn, which
    flatters. Tier T4 are real photos in whose time nothing can have changed but expression and pose. Many pairs are
    made of few people: what is peculiar to a face is in all of its pairs, which no binomial interval knows.
    """
    started = time.perf_counter()
    settings, report = settings or Settings(), progress or (lambda *_: None)
    listing, refs = list_faces(Path(folder), settings=settings)
    plain = [ref for ref in refs if read_true_colors(ref) is None]
    wanted = pairs_per_photo or len(TIERS) * int(np.ceil(PAIRS_IN_ALL / len(TIERS) / max(len(plain), 1)))
    # Setups in turn over the whole folder; each pair's draws hang on the photo's content and its own number.
    turns = [range(k * wanted, (k + 1) * wanted) for k in range(len(plain))]
    jobs: list[Callable[[], _Yield]] = [
        *(partial(_score_retake, one, two, settings=settings) for one, two in pair_retakes(plain, listing)),
        *(
            partial(_score_photo, ref, some[first : first + _PAIRS_PER_JOB], settings=settings)
            for first in range(0, wanted, _PAIRS_PER_JOB)
            for ref, some in zip(plain, turns, strict=True)
        ),
    ]
    report("comparing", 0, len(jobs))
    yields: list[_Yield] = []
    for found in run_jobs(jobs, workers=workers):
        yields.append(found)
        report("comparing", len(yields), len(jobs))
    # A photo that cannot be used is refused by each of its jobs.
    refused = {found.rejected.file: found.rejected for found in yields if found.rejected}
    rejected = (*listing.rejected, *refused.values())
    pairs = tuple(pair for found in yields for pair in found.pairs)
    if not any(pair.families for pair in pairs):
        reason = next((pair.reason for pair in pairs if pair.reason), "")
        why = f": {rejected[0].file}: {rejected[0].reason}" if rejected else f": {reason}" if reason else ""
        raise NothingMeasuredError(
            f"nothing in {one_line(str(folder))} can be compared{one_line(why)}", "see `skinprogress check`"
        )
    trials = try_recoveries(redness_errors(pairs), settings=settings)
    minutes = (time.perf_counter() - started) / 60.0
    return VerdictsValidation(
        figures=tuple(verdict_figures(pairs, trials, wall_minutes=minutes)), pairs=pairs, rejected=rejected
    )


def redness_errors(pairs: Sequence[VerdictPair]) -> dict[str, float]:
    """Median standard error of a difference of redness in pairs of tier T0, by colour reference."""
    errors: dict[str, list[float]] = {}
    for pair in pairs:
        if pair.tier == "T0" and pair.rung not in ("", "none"):
            errors.setdefault(pair.rung, []).extend(f.error for f in pair.families if f.metric == RECOVERY_METRIC)
    known = {rung: [e for e in some if np.isfinite(e)] for rung, some in sorted(errors.items())}
    return {rung: float(np.median(some)) for rung, some in known.items() if some}


def _score_photo(ref: PhotoRef, turns: Sequence[int], *, settings: Settings) -> _Yield:
    """Make some of the pairs of one photo."""
    try:
        photo = read_photo(ref)
        landmarks, _ = find_client_face(photo, settings=settings)
    except PhotoError as error:
        return _Yield(rejected=rejection_of(ref, error))
    scene = small_scene(photo, landmarks)
    seed, tone = (settings.seed, int(ref.sha256[:12] or "0", 16)), skin_tone(scene)
    pairs = [
        score_pair(
            scene, SETUPS[turn // len(TIERS) % len(SETUPS)], tier=TIERS[turn % len(TIERS)], photo=ref.file, tone=tone,
            number=turn, seed=seed, settings=settings,
        )
        for turn in turns
    ]  # fmt: skip
    return _Yield(pairs=tuple(pairs))


def _score_retake(one: PhotoRef, two: PhotoRef, *, settings: Settings) -> _Yield:
    """Compare two photos of the same skin as they are."""
    pair = VerdictPair(pair=f"{two.file} on {one.file}", photo=two.file, tier="T4", setup=Setup("retake"))
    refs = [replace(r, client="scene", session=side) for r, side in ((one, "before"), (two, "after"))]
    return _Yield(pairs=(judge_pair(pair, refs, true=None, region=None, settings=settings),))
