"""Decisions that need all of a client's photos at once: views, reference photos, millimetres, colour, frame size."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from skinprogress.color.references import ColorEvidence, match_color, uncorrected
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
from skinprogress.records import ClientPlan, ColorCorrection, Flag, Inspection, Landmarks, Rejection, View
from skinprogress.settings import Settings

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


def estimate_scale(used: Sequence[Inspection]) -> tuple[dict[str, float], float, bool]:
    """Millimetres per photo px, from one constant for the client: mm per centimetre of the canonical mesh.

    The irises of all photos are pooled; from photo to photo the inner landmarks carry the scale, which repeats better.
    """
    px_per_cm = {i.ref.file: estimate_face_size(i.landmarks)[0] for i in used}
    readings = [
        IRIS_MM * IRIS_READS_LARGE / i.iris_px * px_per_cm[i.ref.file]
        for i in used
        if i.eyes_open and i.iris_px >= MIN_IRIS_PX and abs(i.landmarks.pose_deg[0]) < 20.0
    ]
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
        background=inspection.background,
        head_xy=_head_similarity(inspection.landmarks),
        size_px=(inspection.height_px, inspection.width_px),
    )


def choose_corrections(
    used: Sequence[Inspection], view_of: Mapping[str, View], reference_of: Mapping[View, str]
) -> dict[str, ColorCorrection]:
    """Correction of each photo toward the reference photo of its view.

    The reference photo stays as it is, under the rung of the first of its view that could be matched to it.
    """
    evidence = {i.ref.file: _evidence(i) for i in used}
    corrections = {}
    for view, reference in reference_of.items():
        others = [file for file in evidence if view_of[file] == view and file != reference]
        found = {file: match_color(evidence[file], evidence[reference]) for file in others}
        rung = next((c.rung for c in found.values() if c.rung != "none"), None)
        if rung is None:
            own = uncorrected("nothing in the other photos matches the background of the reference photo")
        else:
            own = uncorrected("the reference photo: the others are matched to it", rung=rung)
        corrections.update({reference: own, **found})
    return corrections


def replan_photo(plan: ClientPlan, inspection: Inspection, reference: Inspection) -> ClientPlan:
    """The plan with one photo seen anew (flipped): its scale, colour and flags; its view stays."""
    file, reference_file = inspection.ref.file, reference.ref.file
    view = plan.view_of[file]
    corrections = choose_corrections(
        [reference, inspection], {file: view, reference_file: view}, {view: reference_file}
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
