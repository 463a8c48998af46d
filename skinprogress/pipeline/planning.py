"""What needs the whole client before a photo can be measured."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from skinprogress.comparison.course import is_bare, phase_of
from skinprogress.comparison.outcome import find_baseline
from skinprogress.comparison.planning import (
    assign_views,
    choose_corrections,
    choose_frame_side,
    choose_references,
    estimate_scale,
)
from skinprogress.face.registration import surface_scale
from skinprogress.records import ClientPlan, Course, Flag, Inspection, PhotoRef, Rejection, View
from skinprogress.settings import Settings


def plan_client(
    inspections: Sequence[Inspection], *, client: str, sessions: Sequence[str], course: Course, settings: Settings
) -> tuple[ClientPlan, list[Rejection]]:
    """Decide what needs the whole client: views, reference photos, millimetres, colour, phases.

    Parameters
    ----------
    inspections : sequence of Inspection
    client : str
    sessions : sequence of str
        In order of time; those without a usable photo are left out of the plan.
    course : Course
    settings : Settings

    Returns
    -------
    plan : ClientPlan
    rejected : list of Rejection
        Photos turned too far in a set that is frontal.
    """
    view_of, flags, rejected = assign_views(inspections, settings)
    used = [i for i in inspections if i.ref.file in view_of]
    by_session: dict[str, list[PhotoRef]] = defaultdict(list)
    for inspection in used:
        by_session[inspection.ref.session].append(inspection.ref)
    order = [s for s in sessions if s in by_session]
    phases = {s: phase_of(s, by_session[s], course) for s in order}
    baseline = find_baseline(order, by_session, phases)
    reference_of = choose_references(used, view_of, order, baseline)
    mm_per_px, relative_se, from_iris = estimate_scale(used, [baseline, *order] if baseline else order)
    if not from_iris:
        for file in mm_per_px:
            flags[file] |= Flag.SCALE_FROM_LANDMARKS
    plan = ClientPlan(
        client=client,
        sessions=tuple(order),
        view_of=view_of,
        reference_of=reference_of,
        mm_per_px=mm_per_px,
        scale_relative_se=relative_se,
        corrections=choose_corrections(used, view_of, reference_of, course=course, settings=settings),
        canonical_px={
            v: choose_frame_side([i for i in used if view_of[i.ref.file] == v], settings) for v in reference_of
        },
        baseline=baseline,
        covered_sessions=tuple(s for s in order if not all(is_bare(r) for r in by_session[s])),
        phases=phases,
        course=course,
        settings_hash=settings.hash,
        flags=flags,
    )
    return plan, rejected


def reference_scale(plan: ClientPlan, view: View, inspections: Mapping[str, Inspection]) -> npt.NDArray[np.float32]:
    """Millimetres per canonical px of a view: one map for all photos, since the same px is the same skin."""
    file = plan.reference_of[view]
    return surface_scale(
        inspections[file].landmarks, mm_per_photo_px=plan.mm_per_px[file], side_px=plan.canonical_px[view]
    )
