"""What of the taking of two sessions' photos differs, and by how much."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from skinprogress.color.references import shared_rung
from skinprogress.comparison.circumstances import Circumstance, find_circumstances
from skinprogress.comparison.compensation import is_compensated
from skinprogress.comparison.faces import MeasuredFace, common_skin
from skinprogress.comparison.light import estimate_light_difference
from skinprogress.comparison.photolight import describe_light_difference, light_angle_deg
from skinprogress.comparison.retaking import (
    Words,
    describe_exposure,
    describe_expression,
    describe_nearness,
    describe_pose,
    describe_sharpness,
)
from skinprogress.face.expression import MOVEMENTS, measure_movement
from skinprogress.face.regions import bare_face_mask
from skinprogress.metrics.inputs import FloatMap
from skinprogress.metrics.maps import sample_grid
from skinprogress.metrics.pigmentation import log_shading, melanin_index
from skinprogress.records import RUNGS, Inspection, Phase, Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class PairConditions:
    """How comparable two sessions of one view are.

    Attributes
    ----------
    light_difference : float
        Natural log; see :func:`skinprogress.comparison.light.estimate_light_difference`.
    light_color_difference : float
        The same for the yellow-blue part of colour (the melanin axis, to which blood is invisible): large where lamp
        and window light different sides of the face.
    exposure_difference : float
        How much brighter or darker the face is, natural log, after matching; cameras render dark skin tones and dark
        exposures along another part of their tone curve.
    sharpness_ratio : float
        Follow-up over baseline.
    pose_difference_deg : float
        Largest of yaw and pitch.
    expression_difference : float
        Largest difference of the blendshapes of mouth, brows and eyelids, 0..1.
    moved_regions : frozenset of str
        Regions whose skin the expression stretches or folds in one of the sessions.
    nearness_difference : float
        Difference of inverse camera distances, 1/cm; NaN for views other than the front.
    misfit_percent_iod : float
        Of the face that lies worst over the reference photo.
    coverage : float
        Share of the bare face that is usable in all photos of both sessions.
    iod_px : float
        Of the smallest face.
    rung : Rung
        Best colour reference that a photo of each session has.
    light_angle_deg : float
        Between the main directions of the two lights; NaN where one of them has none.
    light_words : (str, str)
        What differs between the two lights, and the remedy, in words; empty where they look alike.
    compensated : bool
        Whether the difference of light was taken out of what can be compared without it.
    one_camera : bool
        All files name the same camera, which renders alike; others may have another tone curve and saturation.
    words : dict of str to (str, str)
        What else differs, and the remedy, by condition; those that are not there are told in general words.
    circumstances : tuple of Circumstance
        What hides skin in one session, make-up, and days since a treatment.
    """

    light_difference: float
    light_color_difference: float
    exposure_difference: float
    sharpness_ratio: float
    pose_difference_deg: float
    expression_difference: float
    moved_regions: frozenset[str]
    nearness_difference: float
    misfit_percent_iod: float
    coverage: float
    iod_px: float
    rung: Rung
    light_angle_deg: float = float("nan")
    light_words: tuple[str, str] = ("", "")
    compensated: bool = False
    one_camera: bool = True
    words: Mapping[str, Words] = field(default_factory=dict)
    circumstances: tuple[Circumstance, ...] = ()


def estimate_conditions(
    baseline: Sequence[MeasuredFace],
    followup: Sequence[MeasuredFace],
    *,
    phases: tuple[Phase, Phase] | None = None,
) -> PairConditions:
    """How comparable two sessions are, from all their photos; their metrics are not looked at.

    Parameters
    ----------
    baseline, followup : sequence of MeasuredFace
        Of one view.
    phases : (Phase, Phase) or None
        Where the two sessions stand in the course of treatments; None where that is not known.

    Returns
    -------
    PairConditions
    """
    faces = [*baseline, *followup]
    skin = common_skin(faces)
    bare = sample_grid(bare_face_mask(faces[0].side_px))

    def step(get: str) -> float:
        before, after = (np.mean([_figure(f, get) for f in group]) for group in (baseline, followup))
        return float(after - before)

    shading, pigment = ([[of(f.data) for f in g] for g in (baseline, followup)] for of in (log_shading, melanin_index))
    mean_log = [np.mean(planes, axis=0) for planes in shading]
    exposure = float(np.median((mean_log[1] - mean_log[0])[skin])) if skin.any() else float("nan")
    lights = [(a.photo_light, b.photo_light) for a in baseline for b in followup]
    farthest = max(lights, key=lambda pair: float(np.nan_to_num(light_angle_deg(*pair))))
    shapes = [_mean_blendshapes(group) for group in (baseline, followup)]
    moved = {m: measure_movement(shapes[0], shapes[1], m) for m in MOVEMENTS}
    sharp = [np.mean([f.inspection.sharpness for f in group]) for group in (baseline, followup)]
    sharpness_ratio = float(sharp[1] / sharp[0]) if np.isfinite(sharp).all() else 1.0
    nearness = step("nearness") if faces[0].view == "front" else float("nan")
    return PairConditions(
        light_difference=_largest_light_difference(shading, skin),
        light_color_difference=_largest_light_difference(pigment, skin),
        exposure_difference=abs(exposure),
        sharpness_ratio=sharpness_ratio,
        pose_difference_deg=max(abs(step("yaw")), abs(step("pitch"))),
        expression_difference=max(moved.values()),
        moved_regions=frozenset(r for m, size in moved.items() if size >= MOVED for r in m.regions),
        nearness_difference=abs(nearness),
        misfit_percent_iod=max(f.misfit_percent_iod for f in faces),
        coverage=float(skin.sum() / max(bare.sum(), 1)),
        iod_px=min(f.inspection.landmarks.iod_px for f in faces),
        light_angle_deg=light_angle_deg(*farthest),
        light_words=describe_light_difference(*farthest),
        compensated=is_compensated(faces),
        one_camera=is_one_camera(f.inspection for f in faces),
        words={
            "pose": describe_pose(step("yaw"), step("pitch")),
            "exposure": describe_exposure(exposure),
            "sharpness": describe_sharpness(sharpness_ratio),
            "nearness": describe_nearness(nearness),
            "expression": describe_expression([m.name for m, size in moved.items() if size >= MOVED]),
        },
        circumstances=find_circumstances(baseline, followup, phases=phases),
        rung=min((shared_rung(a.correction, b.correction) for a in baseline for b in followup), key=RUNGS.index),
    )


def is_one_camera(inspections: Iterable[Inspection]) -> bool:
    """Whether all files name the same camera."""
    names = {tuple(i.metadata.get(key, "") for key in ("make", "model")) for i in inspections}
    return len(names) == 1 and any(names.pop())


def _mean_blendshapes(faces: Sequence[MeasuredFace]) -> dict[str, float]:
    every = [f.inspection.landmarks.blendshapes for f in faces]
    return {name: float(np.mean([b.get(name, 0.0) for b in every])) for name in every[0]}


def _largest_light_difference(planes: Sequence[Sequence[FloatMap]], skin: npt.NDArray[np.bool_]) -> float:
    """Of any shot of one session to any of the other: two opposite lamps within a session do not make an even light."""
    baseline, followup = planes
    return max(estimate_light_difference(b, a, skin) for a in baseline for b in followup)


def _figure(face: MeasuredFace, name: str) -> float:
    if name == "nearness":
        return 1.0 / face.inspection.camera_distance_cm
    return face.inspection.landmarks.pose_deg[("yaw", "pitch", "roll").index(name)]


MOVED = 0.25
"""Difference of a blendshape, 0..1, from which on skin counts as moved by the expression."""
