"""How comparable two sessions are, before any number is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skinprogress.color.references import shared_rung
from skinprogress.comparison.compensation import is_compensated
from skinprogress.comparison.faces import MeasuredFace, common_skin
from skinprogress.comparison.light import LIGHT_LIMIT, LIGHT_NOTICED, LIGHT_TEXTURE_LIMIT, estimate_light_difference
from skinprogress.comparison.photolight import describe_light_difference, light_angle_deg
from skinprogress.face.expression import MOVEMENTS, measure_movement
from skinprogress.face.refinement import NOTHING_FOUND_PERCENT, SHOWS_PORES_IOD_PX
from skinprogress.face.regions import bare_face_mask
from skinprogress.metrics.inputs import FloatMap
from skinprogress.metrics.maps import sample_grid
from skinprogress.metrics.pigmentation import log_shading, melanin_index
from skinprogress.records import RUNGS, Flag, Rung


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


def estimate_conditions(baseline: Sequence[MeasuredFace], followup: Sequence[MeasuredFace]) -> PairConditions:
    """How comparable two sessions are, from all their photos."""
    faces = [*baseline, *followup]
    skin = common_skin(faces)
    bare = sample_grid(bare_face_mask(faces[0].side_px))

    def spread(get: str) -> float:
        a, b = (np.mean([_figure(f, get) for f in group]) for group in (baseline, followup))
        return float(abs(a - b))

    shading, pigment = ([[of(f.data) for f in g] for g in (baseline, followup)] for of in (log_shading, melanin_index))
    mean_log = [np.mean(planes, axis=0) for planes in shading]
    lights = [(a.photo_light, b.photo_light) for a in baseline for b in followup]
    farthest = max(lights, key=lambda pair: float(np.nan_to_num(light_angle_deg(*pair))))
    shapes = [_mean_blendshapes(group) for group in (baseline, followup)]
    moved = {m: measure_movement(shapes[0], shapes[1], m) for m in MOVEMENTS}
    sharp = [np.mean([f.inspection.sharpness for f in group]) for group in (baseline, followup)]
    return PairConditions(
        light_difference=_largest_light_difference(shading, skin),
        light_color_difference=_largest_light_difference(pigment, skin),
        exposure_difference=abs(float(np.median((mean_log[1] - mean_log[0])[skin]))) if skin.any() else float("nan"),
        sharpness_ratio=float(sharp[1] / sharp[0]) if np.isfinite(sharp).all() else 1.0,
        pose_difference_deg=max(spread("yaw"), spread("pitch")),
        expression_difference=max(moved.values()),
        moved_regions=frozenset(r for m, size in moved.items() if size >= MOVED for r in m.regions),
        nearness_difference=spread("nearness") if faces[0].view == "front" else float("nan"),
        misfit_percent_iod=max(f.misfit_percent_iod for f in faces),
        coverage=float(skin.sum() / max(bare.sum(), 1)),
        iod_px=min(f.inspection.landmarks.iod_px for f in faces),
        light_angle_deg=light_angle_deg(*farthest),
        light_words=describe_light_difference(*farthest),
        compensated=is_compensated(faces),
        rung=min((shared_rung(a.correction, b.correction) for a in baseline for b in followup), key=RUNGS.index),
    )


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

# So many differences, each of them small, are no small difference.
_MANY = 4
# Of light and of its colour, once their difference was taken out of the numbers: what is left grows with it.
_COMPENSATED_STEPS = {"light": (0.15, 0.45, 0.8, 1.3), "light_color": (0.15, 0.4, 0.7, 1.5)}
# For each condition: the steps to B, C, D and F, the flag, what is said and the remedy.
_STEPS: tuple[tuple[str, tuple[float, float, float, float], Flag, str, str], ...] = (
    ("light", (LIGHT_NOTICED, 0.2, LIGHT_TEXTURE_LIMIT, LIGHT_LIMIT), Flag.LIGHT_DIFFERS,
     "the light comes from elsewhere", "use the same lamp or window, and seat the client the same way"),
    ("light_color", (0.1, 0.2, 0.4, 1.0), Flag.LIGHT_DIFFERS,
     "light of another colour falls on parts of the face", "use one lamp or one window, not both"),
    ("exposure", (0.25, 0.5, 0.9, np.inf), Flag.EXPOSURE_DIFFERS,
     "the face is darker or brighter", "tap the face to set the exposure, or use the same light"),
    ("sharpness", (0.12, 0.25, 0.45, np.inf), Flag.SHARPNESS_DIFFERS,
     "one photo is sharper than the other", "clean the lens, tap the face to focus, hold still"),
    ("pose", (5.0, 10.0, 15.0, 30.0), Flag.POSE_DIFFERS,
     "the head is turned differently", "look straight into the lens, chin level"),
    ("expression", (MOVED, 0.5, 0.75, np.inf), Flag.EXPRESSION_DIFFERS,
     "the expression differs", "keep a relaxed face, mouth closed"),
    ("nearness", (0.0025, 0.006, 0.012, np.inf), Flag.PERSPECTIVE_DIFFERS,
     "the camera was much closer or further away", "step back to an arm's length and a half and zoom in"),
    # Landmarks alone leave 1.4: a third, two thirds, all of the face.
    ("misfit", (0.5, 0.9, 1.3, np.inf), Flag.POOR_REGISTRATION,
     "in parts of the face pores and spots were not found again (another expression, other light, blur or make-up)",
     "same lamp, sharp photo, clean skin, relaxed face"),
    # 1 for photos fine enough to show pores, a half for others, where next to none is found again.
    ("nothing_found", (0.25, 0.25, 0.25, 0.75), Flag.POOR_REGISTRATION,
     "no pores or spots of the reference photo were found again: blur, a filter, make-up, or another person",
     "take sharp photos without make-up and filters, and check that all show the same client"),
    ("uncovered", (0.45, 0.55, 0.7, 0.9), Flag.LOW_COVERAGE,
     "part of the face is hidden, dark or over-exposed", "tie the hair back, take glasses off, use soft light"),
    ("smallness", (1 / 150, 1 / 110, 1 / 80, np.inf), Flag.LOW_RESOLUTION,
     "the face is small in the photo", "move closer or use the full resolution of the camera"),
    ("color", (0.5, 1.5, 3.0, np.inf), Flag.COLOR_NOT_MATCHED,
     "nothing in the photos could be used to match their colour", "have a colour card or the same wall in every photo"),
)  # fmt: skip


def grade_pair(conditions: PairConditions) -> tuple[str, tuple[str, ...], tuple[str, ...], Flag]:
    """Grade the comparability of two sessions before any number is looked at.

    Parameters
    ----------
    conditions : PairConditions

    Returns
    -------
    grade : str
        A (alike) to D; F blocks the numbers.
    reasons, remedies : tuple of str
    flags : Flag
    """
    c = conditions
    nothing_found = c.misfit_percent_iod >= NOTHING_FOUND_PERCENT
    shows_pores = c.iod_px >= SHOWS_PORES_IOD_PX
    sizes = {
        "light": c.light_difference,
        "light_color": c.light_color_difference,
        "exposure": c.exposure_difference,
        "sharpness": abs(np.log(c.sharpness_ratio)),
        "pose": c.pose_difference_deg,
        "expression": c.expression_difference,
        "nearness": c.nearness_difference,
        "misfit": 0.0 if nothing_found else c.misfit_percent_iod,
        "nothing_found": nothing_found * (1.0 if shows_pores else 0.5),
        "uncovered": 1.0 - c.coverage,
        "smallness": 1.0 / c.iod_px,
        "color": {"card": 0.0, "patch": 0.0, "background": 0.0, "none": 2.0}[c.rung],
    }
    worst, reasons, remedies, flags = 0, [], [], Flag.NONE
    for name, usual_steps, flag, usual_reason, usual_remedy in _STEPS:
        steps = _COMPENSATED_STEPS.get(name, usual_steps) if c.compensated else usual_steps
        told = c.light_words if name == "light" and c.light_words[0] else (usual_reason, usual_remedy)
        level = int(np.searchsorted(steps, sizes[name], side="right")) if np.isfinite(sizes[name]) else 0
        if level:
            worst = max(worst, level)
            reasons.append(told[0])
            remedies.append(told[1])
            flags |= flag
    if len(reasons) >= _MANY:
        worst = max(worst, 2)
    return "ABCDF"[worst], tuple(reasons), tuple(remedies), flags
