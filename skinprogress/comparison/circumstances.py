"""What bears on a comparison beside the taking of the photos: hair and glasses, make-up, and days since a treatment."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skinprogress.comparison.course import NEVER_BASELINE, RECENT_PHASES
from skinprogress.comparison.faces import MeasuredFace
from skinprogress.comparison.retaking import WAIT
from skinprogress.face.obstacles import Obstacle
from skinprogress.face.regions import REGIONS, WHOLE_FACE
from skinprogress.records import Flag, Phase, PhaseName

# Share of a region that is hidden in one session and not in the other: from here on B, and C.
_HIDDEN_STEPS = (0.25, 0.6)
_NAMED_REGIONS = 3
_HIDDEN: dict[Obstacle, tuple[str, str]] = {
    "hair": ("hair hides", "tie the hair back"),
    "glasses": ("glasses hide", "take the glasses off"),
    "covered": ("cloth, a band or a cap hides", "take off bands, caps and masks, and open the collar"),
    "beard": ("a beard, stubble or shade hides", "have a beard at the same length, and light the chin from the front"),
    "shadow": ("deep shadow hides", "turn the face to the light, and let nothing cast a shadow on it"),
    "shine": ("shine hides", "blot the skin with a tissue, and move the lamp further away"),
}


@dataclass(frozen=True, slots=True)
class _Worn:
    """Something on the skin, or done to the photo: flags, what they say, and the remedy."""

    declared: Flag
    suspected: Flag
    declared_words: str
    suspected_words: str
    remedy: str


_WORN = (
    _Worn(Flag.MAKEUP_DECLARED, Flag.MAKEUP_SUSPECTED, "make-up was worn", "the face seems to wear make-up",
          "take the make-up off gently and wait a quarter of an hour until the skin is calm"),
    _Worn(Flag.CREAM_DECLARED, Flag.NONE, "numbing or other cream was on the skin", "",
          "photograph before any cream is put on, or once it is wiped off and the skin is calm"),
    _Worn(Flag.FILTER_DECLARED, Flag.SMOOTHING_SUSPECTED, "a camera filter was on",
          "the skin looks smoothed by a filter or the camera",
          "switch off filters, beauty and portrait mode, and use the rear camera"),
)  # fmt: skip
_PHASE_LEVEL: dict[PhaseName, int] = {"acute": 2, "peeling": 1, "settling": 1}
_PHASE_WORDS: dict[PhaseName, str] = {
    "acute": "was taken in the first days after a treatment, when redness and swelling are part of healing",
    "peeling": "was taken while the skin still peels after a treatment",
    "settling": "was taken less than three weeks after a treatment",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstance:
    """Something that makes two sessions less comparable, though both may be well photographed.

    Attributes
    ----------
    level : int
        1: at best grade B; 2: at best C.
    reason, remedy : str
    flag : Flag
    """

    level: int
    reason: str
    remedy: str
    flag: Flag


def find_circumstances(
    baseline: Sequence[MeasuredFace],
    followup: Sequence[MeasuredFace],
    *,
    phases: tuple[Phase, Phase] | None = None,
) -> tuple[Circumstance, ...]:
    """What hides skin in one of two sessions, what lies on it, and how long ago the last treatment was.

    Parameters
    ----------
    baseline, followup : sequence of MeasuredFace
        Of one view.
    phases : (Phase, Phase) or None
        Of the two sessions; None where nothing is known.

    Returns
    -------
    tuple of Circumstance
    """
    return (
        *_find_hidden(baseline, followup),
        *_find_worn(baseline, followup, phases),
        *(_judge_phases(*phases) if phases is not None else ()),
    )


def _find_hidden(baseline: Sequence[MeasuredFace], followup: Sequence[MeasuredFace]) -> list[Circumstance]:
    found = []
    for kind, (hides, remedy) in _HIDDEN.items():
        more = {
            region: _left_out(followup, region, kind) - _left_out(baseline, region, kind)
            for region in REGIONS
            if region != WHOLE_FACE
        }
        for session, sign in (("earlier", -1.0), ("later", 1.0)):
            shares = {region: sign * share for region, share in more.items() if sign * share >= _HIDDEN_STEPS[0]}
            if not shares:
                continue
            level = int(np.searchsorted(_HIDDEN_STEPS, max(shares.values()), side="right"))
            titles = [REGIONS[region].title for region in sorted(shares, key=lambda region: -shares[region])]
            told = ", ".join([*titles[:_NAMED_REGIONS], *(["and more"] if len(titles) > _NAMED_REGIONS else [])])
            reason = f"{hides} part of the face in the {session} session only ({told})"
            found.append(
                Circumstance(level=level, reason=reason, remedy=_remedy(remedy, [session]), flag=Flag.LOW_COVERAGE)
            )
    return found


def _left_out(faces: Sequence[MeasuredFace], region: str, kind: Obstacle) -> float:
    return float(np.mean([f.coverage[region].left_out.get(kind, 0.0) for f in faces]))


def _remedy(remedy: str, sessions: list[str]) -> str:
    """What is past cannot be mended: there the later session is what the next ones should be like."""
    return f"{remedy} in every session, as in the later one" if sessions == ["earlier"] else remedy


def _find_worn(
    baseline: Sequence[MeasuredFace], followup: Sequence[MeasuredFace], phases: tuple[Phase, Phase] | None
) -> list[Circumstance]:
    seen = {"earlier": _worn(baseline), "later": _worn(followup)}
    if phases is not None and any(phase.name in RECENT_PHASES for phase in phases):
        # Skin as evenly red as after a treatment is not looked at for make-up.
        seen = {name: flags & ~Flag.MAKEUP_SUSPECTED for name, flags in seen.items()}
    found = []
    for worn in _WORN:
        sessions = [name for name, flags in seen.items() if flags & (worn.declared | worn.suspected)]
        if not sessions:
            continue
        flag = (seen["earlier"] | seen["later"]) & (worn.declared | worn.suspected)
        words = worn.declared_words if flag & worn.declared else worn.suspected_words
        # A suspicion may be wrong in one of two photos of the same face (2 of 14 studio pairs).
        level = 3 - len(sessions) if flag & worn.declared else 1
        where = "both sessions" if len(sessions) == 2 else f"the {sessions[0]} session only"
        found.append(
            Circumstance(
                level=level,
                reason=f"{words} in {where}",
                remedy=_remedy(worn.remedy, sessions),
                flag=flag,
            )
        )
    return found


def _worn(faces: Sequence[MeasuredFace]) -> Flag:
    flags = Flag.NONE
    for face in faces:
        flags |= face.flags | (Flag.CREAM_DECLARED if face.ref.stage in NEVER_BASELINE else Flag.NONE)
    return flags


def _judge_phases(before: Phase, after: Phase) -> list[Circumstance]:
    """The px are no less comparable for it, but what differs is healing, not the result."""
    names = (before.name, after.name)
    level = max(_PHASE_LEVEL.get(name, 0) for name in names)
    # Two sessions at the same time after their treatments are as far as each other.
    if level == 0 or names == ("settling", "settling"):
        return []
    told = [
        f"the {session} session {_PHASE_WORDS[name]}"
        for session, name in zip(("earlier", "later"), names, strict=True)
        if name in _PHASE_WORDS
    ]
    if len(told) == 2 and before.name == after.name:
        told = [told[1].replace("the later session was", "both sessions were")]
    flag = Flag.RECENT_TREATMENT if RECENT_PHASES & set(names) else Flag.NONE
    return [Circumstance(level=level, reason="; ".join(told), remedy=WAIT, flag=flag)]
