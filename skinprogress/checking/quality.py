"""Whether photos can be used at all, and what would make them better."""

from collections.abc import Sequence
from dataclasses import dataclass

from skinprogress.comparison.bookkeeping import rejection_of
from skinprogress.errors import PhotoError
from skinprogress.pipeline.inspecting import inspect_photo
from skinprogress.records import FLAG_TEXT, Inspection, PhotoRef
from skinprogress.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class PhotoCheck:
    """What the quality gate sees in one photo; ``inspection`` is None where the photo is refused."""

    ref: PhotoRef
    inspection: Inspection | None
    code: str
    reasons: tuple[str, ...]
    remedy: str


def check_photos(refs: Sequence[PhotoRef], *, settings: Settings | None = None) -> list[PhotoCheck]:
    """Look at photos without measuring them: can each be used, and what would make it better?

    Parameters
    ----------
    refs : sequence of PhotoRef
        From :func:`skinprogress.api.list_client`, or :func:`skinprogress.api.loose_refs`.
    settings : Settings, optional

    Returns
    -------
    list of PhotoCheck
    """
    checks = []
    for ref in refs:
        try:
            inspection = inspect_photo(ref, settings=settings or Settings())
        except PhotoError as error:
            rejection = rejection_of(ref, error)
            checks.append(PhotoCheck(ref, None, rejection.code, (rejection.reason,), rejection.remedy))
            continue
        reasons = tuple(FLAG_TEXT[flag] for flag in inspection.flags)
        checks.append(PhotoCheck(ref, inspection, "", reasons, _advice(inspection)))
    return checks


def _advice(inspection: Inspection) -> str:
    """How to retake a photo that could be better; empty where nothing stands out."""
    yaw, pitch, roll = inspection.landmarks.pose_deg
    advice = []
    if inspection.landmarks.view == "front" and abs(yaw) > 8:
        advice.append(f"turn the head {abs(yaw):.0f}° to the {'right' if yaw > 0 else 'left'}, to face the lens")
    if abs(pitch) > 12:
        advice.append("lower the chin" if pitch > 0 else "raise the chin")
    if abs(roll) > 15:
        advice.append("hold the camera level")
    if inspection.landmarks.iod_px < 150:
        advice.append("move closer or use the camera's full resolution")
    if inspection.camera_distance_cm < 40:
        advice.append(
            "step back to an arm's length and a half and zoom in: close up, the nose grows and the cheeks shrink"
        )
    if inspection.sharpness < 1.5 and inspection.eyes_open:
        advice.append("clean the lens, tap the face to focus and hold still")
    if not inspection.eyes_open:
        advice.append("open the eyes: the irises give the scale")
    expression = inspection.landmarks.blendshapes
    if any(expression.get(k, 0.0) > 0.4 for k in ("mouthSmileLeft", "mouthSmileRight", "jawOpen")):
        advice.append("relax the face, mouth closed")
    return "; ".join(advice)
