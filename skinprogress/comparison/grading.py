"""How comparable two sessions are: the grade that is given before any number is looked at."""

from dataclasses import dataclass
from functools import reduce
from operator import or_

import numpy as np

from skinprogress.comparison.conditions import MOVED, PairConditions
from skinprogress.comparison.light import LIGHT_LIMIT, LIGHT_NOTICED, LIGHT_TEXTURE_LIMIT
from skinprogress.comparison.retaking import Judgement
from skinprogress.face.refinement import NOTHING_FOUND_PERCENT, SHOWS_PORES_IOD_PX
from skinprogress.records import Flag

# So many differences, each of them small, are no small difference.
_MANY = 4
# Of light and of its colour, once their difference was taken out of the numbers: what is left grows with it.
_COMPENSATED_STEPS = {"light": (0.15, 0.45, 0.8, 1.3), "light_color": (0.15, 0.4, 0.7, 1.5)}


@dataclass(frozen=True, slots=True)
class _Condition:
    """One thing that may differ: steps to B, C, D and F, flag, and words for it, for its remedy and for its being fine.

    What takes its words from :attr:`PairConditions.words` has others here for where nothing better is known.
    """

    name: str
    steps: tuple[float, float, float, float]
    flag: Flag
    reason: str
    remedy: str
    title: str


_CONDITIONS: tuple[_Condition, ...] = (
    _Condition("light", (LIGHT_NOTICED, 0.2, LIGHT_TEXTURE_LIMIT, LIGHT_LIMIT), Flag.LIGHT_DIFFERS,
     "the light comes from elsewhere", "use the same lamp or window, and seat the client the same way", "light"),
    _Condition("light_color", (0.1, 0.2, 0.4, 1.0), Flag.LIGHT_DIFFERS,
     "light of another colour falls on parts of the face", "use one lamp or one window, not both", "its colour"),
    _Condition("exposure", (0.25, 0.5, 0.9, np.inf), Flag.EXPOSURE_DIFFERS,
     "the face is darker or brighter", "tap the face to set the exposure, or use the same light", "exposure"),
    _Condition("sharpness", (0.12, 0.25, 0.45, np.inf), Flag.SHARPNESS_DIFFERS,
     "one photo is sharper than the other", "clean the lens, tap the face to focus, hold still", "sharpness"),
    _Condition("pose", (5.0, 10.0, 15.0, 30.0), Flag.POSE_DIFFERS,
     "the head is turned differently", "look straight into the lens, chin level", "pose"),
    _Condition("expression", (MOVED, 0.5, 0.75, np.inf), Flag.EXPRESSION_DIFFERS,
     "the expression differs", "keep a relaxed face, mouth closed", "expression"),
    _Condition("nearness", (0.0025, 0.006, 0.012, np.inf), Flag.PERSPECTIVE_DIFFERS,
     "the camera was much closer or further away", "step back to an arm's length and a half and zoom in", "distance"),
    # Landmarks alone leave 1.4: a third, two thirds, all of the face.
    _Condition("misfit", (0.5, 0.9, 1.3, np.inf), Flag.POOR_REGISTRATION,
     "in parts of the face pores and spots were not found again (another expression, other light, blur or make-up)",
     "use the same lamp, clean the skin, focus on the face, and relax it", "pores and spots found again"),
    # 1 for photos fine enough to show pores, a half for others, where next to none is found again.
    _Condition("nothing_found", (0.25, 0.25, 0.25, 0.75), Flag.POOR_REGISTRATION,
     "no pores or spots of the reference photo were found again: blur, a filter, make-up, or another person",
     "take sharp photos without make-up and filters, and check that all show the same client", ""),
    _Condition("uncovered", (0.45, 0.55, 0.7, 0.9), Flag.LOW_COVERAGE,
     "part of the face is hidden, dark or over-exposed", "tie the hair back, take glasses off, use soft light",
     "skin that shows"),
    _Condition("smallness", (1 / 150, 1 / 110, 1 / 80, np.inf), Flag.LOW_RESOLUTION,
     "the face is small in the photo", "move closer or use the full resolution of the camera", "resolution"),
    _Condition("color", (0.5, 1.5, 3.0, np.inf), Flag.COLOR_NOT_MATCHED,
     "nothing in the photos could be used to match their colour", "have a colour card or the same wall in every photo",
     "colour reference"),
)  # fmt: skip


def judge_conditions(conditions: PairConditions) -> tuple[Judgement, ...]:
    """Judge everything by which two sessions may differ, one by one.

    Parameters
    ----------
    conditions : PairConditions

    Returns
    -------
    tuple of Judgement
        What is fine is among them.
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
    told = {**c.words, "light": c.light_words}
    judged = []
    for condition in _CONDITIONS:
        name = condition.name
        steps = _COMPENSATED_STEPS.get(name, condition.steps) if c.compensated else condition.steps
        level = int(np.searchsorted(steps, sizes[name], side="right")) if np.isfinite(sizes[name]) else 0
        if not level:
            known = np.isfinite(sizes[name]) and not (name == "misfit" and nothing_found)
            judged.append(Judgement(title=condition.title if known else "", level=0))
            continue
        reason, remedy = told.get(name, ("", ""))
        if not reason:
            reason, remedy = condition.reason, condition.remedy
        judged.append(Judgement(title=condition.title, level=level, reason=reason, remedy=remedy, flag=condition.flag))
    judged += [
        Judgement(title="", level=o.level, reason=o.reason, remedy=o.remedy, flag=o.flag) for o in c.circumstances
    ]
    return tuple(judged)


def grade_pair(conditions: PairConditions) -> tuple[str, tuple[str, ...], tuple[str, ...], Flag]:
    """Grade the comparability of two sessions before any number is looked at.

    Parameters
    ----------
    conditions : PairConditions

    Returns
    -------
    grade : str
        A (alike) to D; F blocks the numbers.
    reasons : tuple of str
        What differs.
    remedies : tuple of str
        What to do about it, each said once.
    flags : Flag
    """
    differing = [j for j in judge_conditions(conditions) if j.level]
    worst = max((j.level for j in differing), default=0)
    if len(differing) - len(conditions.circumstances) >= _MANY:
        worst = max(worst, 2)
    return (
        "ABCDF"[worst],
        tuple(j.reason for j in differing),
        tuple(dict.fromkeys(j.remedy for j in differing)),
        reduce(or_, (j.flag for j in differing), Flag.NONE),
    )


def find_decisive(conditions: PairConditions) -> Flag:
    """What lowers the grade of two sessions below B: each difference that does so alone, else all of them together.

    Parameters
    ----------
    conditions : PairConditions

    Returns
    -------
    Flag
        None where the grade is A or B.
    """
    if grade_pair(conditions)[0] <= "B":
        return Flag.NONE
    differing = [j for j in judge_conditions(conditions) if j.level]
    alone = [j for j in differing if j.level > 1]
    return reduce(or_, (j.flag for j in alone or differing), Flag.NONE)
