"""What differs between the photos of two sessions, in words that say how the next photo is to be taken."""

from dataclasses import dataclass

import numpy as np

from skinprogress.records import Flag

Words = tuple[str, str]
"""What differs, and the remedy, which is always told for the later photo."""

WAIT = "wait until three weeks after the treatment for photos that show the result"
"""The one remedy that no other way of taking the photo can replace."""
_TURNED_DEG = 4.0
_STEADY = "clean the lens, tap the face to focus, hold still"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One thing that two sessions were judged by.

    Attributes
    ----------
    title : str
        What it is; empty for what is only spoken of where it differs.
    level : int
        0 where it is fine, 1 to 4 for B, C, D and F.
    reason, remedy : str
        Empty where it is fine.
    flag : Flag
    """

    title: str
    level: int
    reason: str = ""
    remedy: str = ""
    flag: Flag = Flag.NONE


def describe_pose(yaw_deg: float, pitch_deg: float) -> Words:
    """Words for a head that is turned otherwise; empty where that is little.

    Parameters
    ----------
    yaw_deg, pitch_deg : float
        Later less earlier: positive where the head is turned more to the client's left, and the chin is higher.
    """
    reasons, remedies = [], []
    if abs(yaw_deg) >= _TURNED_DEG:
        side, back = ("left", "right") if yaw_deg > 0 else ("right", "left")
        reasons.append(f"the head is turned more to the client's {side} in the later session")
        remedies.append(f"turn the head about {abs(yaw_deg):.0f}° to the client's {back}")
    if abs(pitch_deg) >= _TURNED_DEG:
        place, move = ("higher", "lower") if pitch_deg > 0 else ("lower", "raise")
        reasons.append(f"the chin is {place} in the later session")
        remedies.append(f"{move} the chin by about {abs(pitch_deg):.0f}°")
    return " and ".join(reasons), " and ".join(remedies)


def describe_exposure(step: float) -> Words:
    """Words for a face that is brighter (``step`` above 0, natural log) or darker in the later session."""
    if not np.isfinite(step):
        return "", ""
    bright = step > 0
    return (
        f"the face is {'brighter' if bright else 'darker'} in the later session",
        f"tap the face to set the exposure and slide it {'down' if bright else 'up'}, or use the same light",
    )


def describe_sharpness(ratio: float) -> Words:
    """Words for a later session that is sharper (``ratio`` above 1) or softer."""
    if ratio > 1:
        return "the later session is sharper than the earlier one", "use the same camera, at the same distance"
    return "the later session is softer than the earlier one", _STEADY


def describe_nearness(step_per_cm: float) -> Words:
    """Words for a camera that was closer (``step_per_cm``, of inverse distances, above 0) or further away later."""
    if step_per_cm > 0:
        return (
            "the camera was much closer in the later session",
            "step back to the distance of the earlier session, an arm's length and a half at least, and zoom in",
        )
    return (
        "the camera was much further away in the later session",
        "come as close as in the earlier session: the same distance, without zoom",
    )


def describe_expression(parts: list[str]) -> Words:
    """Words for parts of the face that are held otherwise, by the names of their movements."""
    held = " and ".join(parts)
    remedies = ["keep a relaxed face, mouth closed"]
    if any("eye" in part for part in parts):
        remedies.append("open the eyes without squinting")
    return (f"the expression differs ({held})" if held else ""), ", ".join(remedies)
