"""Photos looked at, planned and graded, but not measured: all that a picture to show needs to know."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from skinprogress.comparison.bookkeeping import (
    explain_nothing,
    figures_of,
    find_versions,
    rejection_of,
    report_photos,
)
from skinprogress.comparison.compensation import compensate_light
from skinprogress.comparison.conditions import estimate_conditions
from skinprogress.comparison.faces import MeasuredFace, common_skin
from skinprogress.comparison.grading import grade_pair
from skinprogress.comparison.session_pair import SessionPair, comparison_of
from skinprogress.errors import NothingMeasuredError, PhotoError
from skinprogress.pipeline.inspecting import inspect_photo
from skinprogress.pipeline.measuring import measure_either_way
from skinprogress.pipeline.planning import plan_client, reference_scale
from skinprogress.records import ClientPlan, ClientResult, Comparison, Course, Inspection, PhotoRef, Rejection, View
from skinprogress.settings import Settings


def look_at_client(
    refs: Sequence[PhotoRef],
    *,
    client: str,
    folder: Path,
    course: Course,
    settings: Settings,
    sessions: Sequence[str] = (),
    view: View | None = None,
    rejected: Sequence[Rejection] = (),
    notes: Sequence[str] = (),
) -> ClientResult:
    """Look at photos and plan how they lie over each other; measure and grade nothing.

    Parameters
    ----------
    refs : sequence of PhotoRef
        In order of time.
    client, folder, course, settings
    sessions : sequence of str
        Those that will be shown, where that is known: no photo of another one is opened. Empty: all.
    view : View or None
        Where it is known, photos that are declared to show another one are not opened.
    rejected, notes : sequences
        What listing the folder has already found.

    Returns
    -------
    ClientResult
        Without measurements, changes and comparisons; see :func:`grade_shown`.

    Raises
    ------
    NothingMeasuredError
        No photo can be used.
    """
    wanted = [r for r in refs if (not sessions or r.session in sessions) and view in (None, r.view or view)]
    inspections: dict[str, Inspection] = {}
    refused = list(rejected)
    for ref in wanted:
        try:
            inspections[ref.file] = inspect_photo(ref, settings=settings)
        except PhotoError as error:
            refused.append(rejection_of(ref, error))
    plan, turned = plan_client(
        list(inspections.values()),
        client=client,
        sessions=list(dict.fromkeys(r.session for r in wanted)),
        course=course,
        settings=settings,
    )
    refused += turned
    if not plan.view_of:
        raise NothingMeasuredError(explain_nothing(folder, refused), "see `skinprogress check` for each photo")
    return ClientResult(
        client=client,
        folder=folder,
        sessions=plan.sessions,
        plan=plan,
        inspections={file: i for file, i in inspections.items() if file in plan.view_of},
        photos=tuple(report_photos([], refused, plan, inspections, {})),
        rejected=tuple(refused),
        skipped=(),
        measurements=(),
        changes=(),
        comparisons=(),
        findings=(),
        settings=settings,
        versions=find_versions(),
        timings_s={},
        notes=tuple(notes),
    )


def grade_shown(result: ClientResult, files: Sequence[str]) -> ClientResult:
    """Grade photos of one view against the first of them, without measuring anything.

    Parameters
    ----------
    result : ClientResult
        From :func:`look_at_client`.
    files : sequence of str
        Photos of one view that will be shown, one a session.

    Returns
    -------
    ClientResult
        With a comparison for each but the first, and what was seen of the skin in ``photos``. A photo that is the
        mirror image of the reference photo is flipped; one that can no longer be read is left out and rejected.

    Raises
    ------
    NothingMeasuredError
        The reference photo of the view, or the first of the photos, can no longer be read.
    """
    # The finer frame shows no other grade, only later.
    settings: Settings = replace(result.settings, canonical_px_max=result.settings.canonical_px)
    view = result.plan.view_of[files[0]]
    plan = replace(result.plan, canonical_px={**result.plan.canonical_px, view: settings.canonical_px})
    inspections, lost, faces, plan = _place_faces(result.inspections, plan, view, files, settings)
    first = next((faces[f] for f in files if f in faces), None)
    if first is None:
        raise NothingMeasuredError(explain_nothing(result.folder, lost), "see `skinprogress check` for each photo")
    graded = [_grade(first, faces[f], plan, settings) for f in files if f in faces and faces[f] is not first]
    known = {(c.view, c.from_session, c.to_session): c for c in (*result.comparisons, *graded)}
    grades = {c.to_session: c.grade for c in graded}
    figures = {file: figures_of(face, grade=grades.get(face.ref.session, "")) for file, face in faces.items()}
    refused = [*result.rejected, *lost]
    refs = [inspections[file].ref for file in faces]
    rows = {p.file: p for p in (*result.photos, *report_photos(refs, refused, plan, inspections, figures))}
    return replace(
        result,
        plan=replace(plan, canonical_px=result.plan.canonical_px),
        inspections={file: i for file, i in inspections.items() if file not in {r.file for r in lost}},
        comparisons=tuple(known.values()),
        photos=tuple(rows.values()),
        rejected=tuple(refused),
        registrations={
            **result.registrations,
            **{file: face.registration for file, face in faces.items() if face.registration is not None},
        },
    )


def _place_faces(
    inspections: Mapping[str, Inspection], plan: ClientPlan, view: View, files: Sequence[str], settings: Settings
) -> tuple[dict[str, Inspection], list[Rejection], dict[str, MeasuredFace], ClientPlan]:
    """Lay the photos over the reference photo of their view, that one first; without metrics."""
    seen, lost, faces = dict(inspections), list[Rejection](), dict[str, MeasuredFace]()
    reference = None
    mm_per_px = reference_scale(plan, view, seen)
    for file in dict.fromkeys([plan.reference_of[view], *files]):
        try:
            face, place, flipped = measure_either_way(
                file, seen, plan, mm_per_px=mm_per_px, reference=reference, settings=settings, for_grade=True
            )
        except PhotoError as error:  # the file changed or vanished since it was looked at
            lost.append(rejection_of(seen[file].ref, error))
            if reference is None:
                raise NothingMeasuredError(lost[0].reason, lost[0].remedy) from error
            continue
        if flipped is not None:
            seen[file], plan = flipped
        if reference is None:
            reference, reference_face = place, face
        elif settings.light == "compensated":
            face = compensate_light(face, reference_face)
        faces[file] = face
    return seen, lost, faces, plan


def _grade(first: MeasuredFace, other: MeasuredFace, plan: ClientPlan, settings: Settings) -> Comparison:
    phases = plan.phases[first.ref.session], plan.phases[other.ref.session]
    conditions = estimate_conditions([first], [other], phases=phases)
    grade, reasons, remedies, flags = grade_pair(conditions)
    nan = float("nan")
    pair = SessionPair([first], [other], "baseline", plan, settings, conditions, grade, flags, nan, nan)
    return comparison_of(pair, reasons, remedies, int(common_skin([first, other]).sum()), nan)
