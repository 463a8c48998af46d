"""Decisions that need all of a client's photos at once: views, reference photos, millimetres, colour, frame size."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from skinprogress.color.references import ColorEvidence, correct_colors
from skinprogress.color.surroundings import Surroundings
from skinprogress.face.canonical import STABLE_POINTS, estimate_similarity, mesh, triangle_scale
from skinprogress.face.quality import (
    IRIS_MM,
    IRIS_READS_LARGE,
    IRIS_RELATIVE_SE,
    MESH_MM_PER_CM,
    MESH_RELATIVE_SE,
    MIN_IRIS_PX,
    estimate_face_size,
    rotation_from_pose,
)
from skinprogress.records import ClientPlan, ColorCorrection, Course, Flag, Inspection, Landmarks, Rejection, View
from skinprogress.settings import CardEdition, Settings

# A photo carries more detail than the frame of 1024 px where its px are this much smaller than the frame's.
_FINER = 1.25


def assign_views(
    inspections: Sequence[Inspection], settings: Settings
) -> tuple[dict[str, View], dict[str, Flag], list[Rejection]]:
    """View of each photo; a lone turned photo counts as frontal up to the limit and is rejected beyond."""
    seen: dict[View, set[str]] = defaultdict(set)
    for i in inspections:
        seen[i.ref.view or i.landmarks.view].add(i.ref.session)
    only_front = len(seen.get("front", ())) > 0
    view_of: dict[str, View] = {}
    flags: dict[str, Flag] = {}
    rejected = []
    for i in inspections:
        view: View = i.ref.view or i.landmarks.view
        yaw = abs(i.landmarks.pose_deg[0])
        flags[i.ref.file] = i.flags
        if i.ref.view is None and view != "front" and only_front and len(seen[view]) < 2:
            if yaw > settings.max_yaw_deg:
                rejected.append(
                    Rejection(
                        file=i.ref.file,
                        session=i.ref.session,
                        code="extreme_pose",
                        reason=f"the head is turned by {yaw:.0f}°, the limit for a frontal photo is "
                        f"{settings.max_yaw_deg:.0f}°, and no other session has this view",
                        remedy="look straight into the lens, or take the same side view in every session",
                        sha256=i.ref.sha256,
                    )
                )
                continue
            view = "front"
            flags[i.ref.file] |= Flag.VIEW_ASSUMED
        view_of[i.ref.file] = view
    return view_of, flags, rejected


def choose_references(
    used: Sequence[Inspection], view_of: Mapping[str, View], order: Sequence[str], baseline: str | None
) -> dict[View, str]:
    """Best photo of the baseline session for each view; of the first session with that view where it has none."""
    references: dict[View, str] = {}
    for view in dict.fromkeys(view_of.values()):
        candidates = [i for i in used if view_of[i.ref.file] == view]
        first = min(candidates, key=lambda i: (i.ref.session != baseline, order.index(i.ref.session))).ref.session
        best = max((i for i in candidates if i.ref.session == first), key=lambda i: i.quality)
        references[view] = best.ref.file
    return references


def estimate_scale(used: Sequence[Inspection], sessions: Sequence[str]) -> tuple[dict[str, float], float, bool]:
    """Millimetres per photo px, from one constant for the client: mm per centimetre of the canonical mesh.

    The irises of the first of the sessions in which they can be read are pooled, so that a later photo changes no
    number of those before it; from photo to photo the inner landmarks carry the scale, which repeats better.
    """
    px_per_cm = {i.ref.file: estimate_face_size(i.landmarks)[0] for i in used}
    by_session: dict[str, list[float]] = defaultdict(list)
    for i in used:
        if i.eyes_open and i.iris_px >= MIN_IRIS_PX and abs(i.landmarks.pose_deg[0]) < 20.0:
            by_session[i.ref.session].append(IRIS_MM * IRIS_READS_LARGE / i.iris_px * px_per_cm[i.ref.file])
    readings = next((by_session[s] for s in sessions if s in by_session), [])
    mm_per_cm = float(np.median(readings)) if readings else MESH_MM_PER_CM
    error = IRIS_RELATIVE_SE if readings else MESH_RELATIVE_SE
    return {file: mm_per_cm / size for file, size in px_per_cm.items()}, error, bool(readings)


def _head_similarity(landmarks: Landmarks) -> npt.NDArray[np.float64]:
    """Similarity from centimetres of the turned canonical head to photo px."""
    stable = list(STABLE_POINTS)
    model = mesh().vertices_cm[stable].astype(np.float64) @ rotation_from_pose((*landmarks.pose_deg[:2], 0.0)).T
    return estimate_similarity(model[:, :2] * np.array([1.0, -1.0]), landmarks.points_xy[stable])


def _evidence(inspection: Inspection) -> ColorEvidence:
    return ColorEvidence(
        surroundings=Surroundings(
            sample=inspection.background,
            head_xy=_head_similarity(inspection.landmarks),
            size_px=(inspection.height_px, inspection.width_px),
            camera=" ".join(inspection.metadata.get(key, "") for key in ("make", "model")).strip(),
        ),
        card=inspection.card,
        patch=inspection.patch,
        colorless=Flag.NO_COLOR in inspection.flags,
    )


def card_edition(course: Course, settings: Settings) -> CardEdition:
    """Edition of the colour card: what the run is told beats what the course file says."""
    return course.card_edition if settings.card_edition == "auto" else settings.card_edition


def choose_corrections(
    used: Sequence[Inspection],
    view_of: Mapping[str, View],
    reference_of: Mapping[View, str],
    *,
    course: Course,
    settings: Settings,
) -> dict[str, ColorCorrection]:
    """Colour correction of each photo, view by view; see :func:`skinprogress.color.references.correct_colors`.

    What the run is told beats what the course file says.
    """
    choice = course.color_reference if settings.color_reference == "auto" else settings.color_reference
    edition = card_edition(course, settings)
    corrections: dict[str, ColorCorrection] = {}
    for view, reference in reference_of.items():
        evidence = {i.ref.file: _evidence(i) for i in used if view_of[i.ref.file] == view}
        corrections |= correct_colors(evidence, reference=reference, choice=choice, edition=edition)
    return corrections


def replan_photo(
    plan: ClientPlan, inspections: Mapping[str, Inspection], file: str, *, settings: Settings
) -> ClientPlan:
    """The plan with one photo seen anew (flipped): its scale, colour and flags; its view stays.

    Parameters
    ----------
    plan : ClientPlan
    inspections : dict of str to Inspection
        With the new look at the photo.
    file : str
        The photo.
    settings : Settings
    """
    view = plan.view_of[file]
    reference_file = plan.reference_of[view]
    inspection, reference = inspections[file], inspections[reference_file]
    in_view = [i for f, i in inspections.items() if plan.view_of.get(f) == view]
    corrections = choose_corrections(
        in_view, plan.view_of, {view: reference_file}, course=plan.course, settings=settings
    )
    size, reference_size = (estimate_face_size(i.landmarks)[0] for i in (inspection, reference))
    return replace(
        plan,
        mm_per_px={**plan.mm_per_px, file: plan.mm_per_px[reference_file] * reference_size / size},
        corrections={**plan.corrections, file: corrections[file]},
        flags={**plan.flags, file: inspection.flags | (plan.flags[file] & Flag.SCALE_FROM_LANDMARKS)},
    )


def choose_frame_side(photos: Sequence[Inspection], settings: Settings) -> int:
    """The larger frame only where every photo of the view is finer than the smaller one."""
    side = settings.canonical_px
    finest = min(float(np.median(triangle_scale(i.landmarks.points_xy, side))) for i in photos)
    return settings.canonical_px_max if finest >= _FINER else side
