"""How far places lie off where they should, by method of alignment, and which share of them is accepted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import STABLE_POINTS, apply_affine, estimate_similarity
from skinprogress.face.regions import REGIONS, WHOLE_FACE, region_mask
from skinprogress.records import Registration
from skinprogress.validation.faces import SeenFace
from skinprogress.validation.table import Figure, wilson_interval

Points = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NewFigure = Callable[..., Figure]

KIND = "alignment"
METHODS = ("similarity", "landmarks", "refined")
LOOK_PX = 512
"""Side of the canonical masks that say where a place lies."""


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """How far each place of one photo lies off, and which places lie in regions, and in accepted ones.

    Attributes
    ----------
    subject : str
        The photo.
    errors : dict of str to (n,) float64
        By method, % of the IOD.
    in_region, accepted : (n,) bool
    """

    subject: str
    errors: dict[str, npt.NDArray[np.float64]]
    in_region: Mask
    accepted: Mask

    @property
    def accepted_share(self) -> float:
        """Of the places that lie in regions, the share in accepted ones; NaN where none lies in any."""
        n = np.count_nonzero(self.in_region)
        return float(np.count_nonzero(self.accepted) / n) if n else float("nan")


def part_names() -> list[str]:
    """The regions that are judged one by one: all but the whole face."""
    return [name for name in REGIONS if name != WHOLE_FACE]


def lies_in(mask: Mask, uv: Points) -> Mask:
    """Which canonical places (n, 2) lie on a mask (S, S); places that are NaN or beyond the frame lie on none."""
    side = mask.shape[0]
    with np.errstate(invalid="ignore"):
        within: Mask = np.all((uv >= 0.0) & (uv < 1.0), axis=1)
    at = (np.where(within[:, None], uv, 0.0) * side).astype(int)
    return np.asarray(within & np.asarray(mask)[at[:, 1], at[:, 0]], bool)


def places_on(mask: Mask, *, step_px: int = 4) -> Points:
    """Canonical places (n, 2) of the px of a mask (S, S), of every so many in both directions."""
    rows, cols = np.nonzero(mask[::step_px, ::step_px])
    return np.asarray((np.stack([cols, rows], axis=1) * step_px + 0.5) / mask.shape[0])


def score_places(
    uv: Points,
    true_xy: Points,
    *,
    face: SeenFace,
    reference: SeenFace,
    reference_xy: Points,
    registration: Registration,
    iod_px: float,
) -> Score:
    """Compare where each method puts places with where they are.

    Parameters
    ----------
    uv : (n, 2) float64
        Canonical places in the reference photo's map.
    true_xy : (n, 2) float64
        Where they are in the other photo, px.
    face, reference : SeenFace
    reference_xy : (n, 2) float64
        Where they are in the reference photo, px.
    registration : Registration
        Of `face` on `reference`.
    iod_px : float
        Distance between the irises in the other photo.

    Returns
    -------
    Score
    """
    stable = list(STABLE_POINTS)
    similarity = estimate_similarity(reference.landmarks.points_xy[stable], face.landmarks.points_xy[stable])
    found = {
        "similarity": apply_affine(similarity, reference_xy),
        "landmarks": face.face_map.at(uv),
        "refined": face.face_map.refined(registration).at(uv),
    }
    inside = {name: lies_in(region_mask(name, LOOK_PX), uv) for name in part_names()}
    nowhere = np.zeros(len(uv), bool)
    accepted = [inside[name] for name in inside if name in registration.accepted]
    trusted = lies_in(registration.trusted, uv)
    return Score(
        subject=face.ref.file,
        errors={method: np.hypot(*(xy - true_xy).T) / iod_px * 100.0 for method, xy in found.items()},
        in_region=np.logical_or.reduce([nowhere, *inside.values()]),
        accepted=np.logical_or.reduce([nowhere, *accepted]) & trusted,
    )


def score_figures(test: str, tier: str, scores: Sequence[Score], *, patterns: Sequence[str] = ()) -> list[Figure]:
    """Figures of a test: for each photo, for the photos of each pattern, and for all.

    Parameters
    ----------
    test, tier : str
    scores : sequence of Score
    patterns : sequence of str
        Such as ``easy_*``: photos to be summed up apart.

    Returns
    -------
    list of Figure
        Metric ``skin`` is all skin or all points, ``accepted`` what lies in accepted regions. The share is that of
        places in regions, of several photos the mean, with the interval of as many trials as there are photos: places
        of one photo stand or fall together.
    """
    if not scores:
        return []
    groups = {pattern: [s for s in scores if s.subject.startswith(pattern[:-1])] for pattern in patterns}
    groups["all"] = list(scores)
    found = []
    for score in scores:
        new = partial(Figure, kind=KIND, tier=tier, test=test, subject=score.subject)
        found += _error_figures(new, [score])
        n = int(np.count_nonzero(score.in_region))
        share = score.accepted_share
        found.append(new(method="refined", metric="regions", figure="accepted_share", value=share, unit="share", n=n))
    for subject, members in groups.items():
        new = partial(Figure, kind=KIND, tier=tier, test=test, subject=subject)
        found += _error_figures(new, members)
        found += share_figures(new, "regions", [s.accepted_share for s in members if np.isfinite(s.accepted_share)])
    return found


def share_figures(new: NewFigure, metric: str, shares: Sequence[float]) -> list[Figure]:
    """Mean accepted share over photos or pairs, and both ends of its interval.

    Parameters
    ----------
    new : callable
        Makes a figure from what differs: method, metric, figure, value, unit, n.
    metric : str
    shares : sequence of float
    """
    n = len(shares)
    mean = float(np.mean(shares)) if shares else float("nan")
    low, high = wilson_interval(mean, n)
    values = {"accepted_share": mean, "accepted_share_low": low, "accepted_share_high": high}
    return [
        new(method="refined", metric=metric, figure=name, value=value, unit="share", n=n)
        for name, value in values.items()
    ]


def _error_figures(new: NewFigure, scores: Sequence[Score]) -> list[Figure]:
    found = []
    for method in METHODS:
        everywhere = np.concatenate([s.errors[method] for s in scores])
        chosen = {"skin": everywhere, "accepted": everywhere[np.concatenate([s.accepted for s in scores])]}
        for metric, off in chosen.items():
            for name, percent in (("error_median", 50.0), ("error_p95", 95.0)):
                value = float(np.percentile(off, percent)) if len(off) else float("nan")
                found.append(new(method=method, metric=metric, figure=name, value=value, unit="% IOD", n=len(off)))
    return found
