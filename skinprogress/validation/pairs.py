"""Pairs of real photos without known truth: what is accepted between photos of one person, and of different people."""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from skinprogress.face.refinement import register_face
from skinprogress.face.regions import region_mask
from skinprogress.records import Registration
from skinprogress.validation.faces import SeenFace
from skinprogress.validation.scores import KIND, LOOK_PX, part_names, places_on, share_figures
from skinprogress.validation.table import Figure

People = Mapping[str, Sequence[tuple[SeenFace, Sequence[SeenFace]]]]
"""Person to the first photo and the others, for each view."""

MOVED_PERCENT_IOD = 1.5
"""As far as landmarks may be off: a refinement that moves more between two people has followed a mere likeness."""

_NEXT_PEOPLE = 2


def same_person_figures(people: People) -> list[Figure]:
    """Other photos of the same person: no truth, but which regions are accepted and what misfit is expected."""
    new = partial(Figure, kind=KIND, tier="T4", test="same_person", method="refined")
    figures: list[Figure] = []
    accepted: dict[str, list[float]] = defaultdict(list)
    misfits: dict[str, list[float]] = defaultdict(list)
    for reference, face in ((r, f) for views in people.values() for r, others in views for f in others):
        registration = register_face(face.detail, reference.detail)
        for name in part_names():
            accepted[name].append(float(name in registration.accepted))
            misfits[name].append(registration.misfit_percent_iod.get(name, float("nan")))
        subject = face.ref.file
        share = float(np.mean([values[-1] for values in accepted.values()]))
        n = len(accepted)
        figures.append(new(subject=subject, metric="regions", figure="accepted_share", value=share, unit="share", n=n))
        misfit = _median([values[-1] for values in misfits.values()])
        figures.append(new(subject=subject, metric="regions", figure="misfit_median", value=misfit, unit="% IOD", n=n))
    if not figures:
        return []
    pooled = {"regions": [float(np.mean(pair)) for pair in zip(*accepted.values(), strict=True)], **accepted}
    everything = {"regions": [m for values in misfits.values() for m in values], **misfits}
    for name, shares in pooled.items():
        figures += share_figures(partial(new, subject="all"), name, shares)
        misfit, n = _median(everything[name]), int(np.isfinite(everything[name]).sum())
        figures.append(new(subject="all", metric=name, figure="misfit_median", value=misfit, unit="% IOD", n=n))
    return figures


def other_person_figures(people: People) -> list[Figure]:
    """Different people laid over each other: nothing should be accepted."""
    new = partial(Figure, kind=KIND, tier="T4", test="other_person", method="refined", metric="regions")
    firsts = [views[0][0] for views in people.values()]
    figures: list[Figure] = []
    shares, moved = [], 0
    for k, face in enumerate(firsts):
        # Each with the next ones round the table: with two people one pair each way, never anyone with themselves.
        for step in range(1, min(_NEXT_PEOPLE, len(firsts) - 1) + 1):
            reference = firsts[(k + step) % len(firsts)]
            registration = register_face(face.detail, reference.detail)
            names = [name for name in part_names() if name in registration.accepted]
            moved += sum(_moved_percent(face, registration, name) > MOVED_PERCENT_IOD for name in names)
            shares.append(len(names) / len(part_names()))
            subject, n = f"{face.ref.file} on {reference.ref.file}", len(part_names())
            figures.append(
                new(subject=subject, figure="accepted_regions", value=float(len(names)), unit="regions", n=n)
            )
    if not shares:
        return []
    n = len(shares) * len(part_names())
    total = round(sum(shares) * len(part_names()))
    figures.append(new(subject="all", figure="accepted_regions", value=float(total), unit="regions", n=n))
    figures += share_figures(partial(new, subject="all"), "regions", shares)
    share = moved / total if total else 0.0
    figures.append(new(subject="all", figure="moved_share", value=share, unit="share of accepted", n=total))
    return figures


def _moved_percent(face: SeenFace, registration: Registration, region: str) -> float:
    """How far the refinement moves a region from where the landmarks put it, median, % of the IOD."""
    uv = places_on(region_mask(region, LOOK_PX))
    step = face.face_map.refined(registration).at(uv) - face.face_map.at(uv)
    return float(np.median(np.hypot(*step.T))) / face.landmarks.iod_px * 100.0


def _median(values: Sequence[float]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return statistics.median(finite) if finite else float("nan")
