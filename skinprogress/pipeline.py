"""The stages, chained: inspect, plan, measure, compare. The only place that does."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.references import sample_background
from skinprogress.comparison.bookkeeping import explain_nothing, find_versions, rejection_of, report_photos
from skinprogress.comparison.course import NEVER_BASELINE, find_baseline, phase_of
from skinprogress.comparison.faces import MeasuredFace, grid_step, measure_face, sample_grid
from skinprogress.comparison.findings import find_findings
from skinprogress.comparison.pairs import compare_pair
from skinprogress.comparison.planning import (
    assign_views,
    choose_corrections,
    choose_frame_side,
    choose_references,
    estimate_scale,
)
from skinprogress.errors import NothingMeasuredError, PhotoError
from skinprogress.face.landmarks import find_landmarks
from skinprogress.face.quality import (
    estimate_face_size,
    eyes_are_open,
    measure_iris_px,
    measure_sharpness,
)
from skinprogress.face.regions import FACE_OVAL
from skinprogress.face.registration import align_face, detail_picture, estimate_misfit, surface_scale
from skinprogress.face.skin import estimate_visibility, find_skin
from skinprogress.metrics.inputs import prepare_input
from skinprogress.metrics.pigmentation import log_shading
from skinprogress.metrics.table import METRICS
from skinprogress.photos.reading import read_photo, to_srgb8
from skinprogress.records import (
    Change,
    ClientPlan,
    ClientResult,
    Comparison,
    Course,
    Face,
    Flag,
    Inspection,
    Measurement,
    PhotoRef,
    Rejection,
    View,
)
from skinprogress.settings import Settings

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many photos are through and how many there are."""

_DETECTION_SIDE = 1280


def inspect_photo(ref: PhotoRef, *, settings: Settings) -> Inspection:
    """Look at one photo: face, pose, quality, background.

    Parameters
    ----------
    ref : PhotoRef
    settings : Settings

    Returns
    -------
    Inspection

    Raises
    ------
    PhotoError
        The photo cannot be read, shows no face that could be measured, or the wrong number of them.
    """
    photo = read_photo(ref)
    small = to_srgb8(photo, max_side=_DETECTION_SIDE)
    height, width = photo.pixels.shape[:2]
    landmarks, n_faces = find_landmarks(small, scale=width / small.shape[1], face_index=ref.face_index)
    if landmarks.iod_px < settings.min_iod_px:
        raise PhotoError(
            "face_too_small",
            f"the eyes are {landmarks.iod_px:.0f} px apart and need {settings.min_iod_px:.0f}",
            "move closer or send the photo in its original size, not a preview",
        )
    flags = ref.flags | photo.flags
    if n_faces > 1:
        flags |= Flag.OTHER_FACES
    is_open = eyes_are_open(landmarks)
    if not is_open:
        flags |= Flag.EYES_CLOSED
    if landmarks.iod_px < 2 * settings.min_iod_px:
        flags |= Flag.LOW_RESOLUTION
    return Inspection(
        ref=ref,
        landmarks=landmarks,
        height_px=height,
        width_px=width,
        iris_px=measure_iris_px(landmarks),
        eyes_open=is_open,
        sharpness=measure_sharpness(photo.pixels, landmarks),
        camera_distance_cm=estimate_face_size(landmarks)[1],
        background=sample_background(photo, landmarks.points_xy[list(FACE_OVAL)]),
        metadata=photo.metadata,
        flags=flags,
    )


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
    mm_per_px, relative_se, from_iris = estimate_scale(used)
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
        corrections=choose_corrections(used, view_of, reference_of),
        canonical_px={
            v: choose_frame_side([i for i in used if view_of[i.ref.file] == v], settings) for v in reference_of
        },
        baseline=baseline,
        covered_sessions=tuple(s for s in order if any(r.stage in NEVER_BASELINE for r in by_session[s])),
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


def align_and_correct(
    inspection: Inspection,
    plan: ClientPlan,
    *,
    mm_per_px: npt.NDArray[np.float32],
    reference: npt.NDArray[np.uint8] | None,
) -> tuple[Face, npt.NDArray[np.uint8]]:
    """Read a photo into the canonical frame and correct its colour.

    Parameters
    ----------
    inspection : Inspection
    plan : ClientPlan
    mm_per_px : (S, S) float32
    reference : (512, 512) uint8 or None
        Detail picture of the reference photo; None for the reference photo itself.

    Returns
    -------
    face : Face
    detail : (512, 512) uint8
        The face's detail picture.
    """
    file = inspection.ref.file
    view = plan.view_of[file]
    side = plan.canonical_px[view]
    aligned = align_face(read_photo(inspection.ref), inspection.landmarks, side_px=side)
    visibility = estimate_visibility(inspection.landmarks.pose_deg, side)
    skin = find_skin(aligned.linear_rgb, aligned.clipped, visibility)
    detail = detail_picture(aligned.linear_rgb)
    correction = plan.corrections[file]
    corrected = cv2.transform(aligned.linear_rgb, correction.matrix)
    flags = plan.flags[file] | correction.flags
    with np.errstate(invalid="ignore"):
        seen = visibility >= 0.4
    if (aligned.clipped & seen).mean() > 0.1 * seen.mean():
        flags |= Flag.CLIPPED_SKIN
    face = Face(
        ref=inspection.ref,
        view=view,
        linear_rgb=np.asarray(corrected, np.float32),
        skin=skin,
        mm_per_px=mm_per_px,
        photo_px_per_px=aligned.photo_px_per_px,
        visibility=visibility,
        misfit_percent_iod=0.0 if reference is None else estimate_misfit(detail, reference, skin),
        correction=correction,
        flags=flags,
    )
    return face, detail


def measure_photo(
    inspection: Inspection,
    plan: ClientPlan,
    *,
    mm_per_px: npt.NDArray[np.float32],
    reference: npt.NDArray[np.uint8] | None,
    settings: Settings,
) -> tuple[MeasuredFace, list[Measurement], npt.NDArray[np.uint8]]:
    """Align, correct and measure one photo.

    Returns
    -------
    measured : MeasuredFace
        Metric maps, for comparisons.
    measurements : list of Measurement
    detail : (512, 512) uint8
        What the other photos are held against when this is the reference photo.
    """
    face, detail = align_and_correct(inspection, plan, mm_per_px=mm_per_px, reference=reference)
    data = prepare_input(face)
    # Statistics are taken on a grid: what needs no neighbours is computed there alone.
    grid = data.every(grid_step(face.skin.shape[0]))
    maps: dict[str, npt.NDArray[np.float32]] = {}
    computed: dict[Callable[..., npt.NDArray[np.float32]], npt.NDArray[np.float32]] = {}
    for metric in METRICS.values():
        if metric.compute not in computed:
            plane = metric.compute(grid) if metric.local else sample_grid(metric.compute(data))
            computed[metric.compute] = np.where(grid.skin, plane, np.float32(np.nan))
        maps[metric.name] = computed[metric.compute]
    measured = MeasuredFace(
        ref=face.ref,
        view=face.view,
        inspection=inspection,
        maps=maps,
        skin=grid.skin,
        mm_per_px=grid.mm_per_px,
        log_shading=log_shading(grid),
        side_px=face.skin.shape[0],
        misfit_percent_iod=face.misfit_percent_iod,
        rung=face.correction.rung,
        flags=face.flags,
    )
    rows = measure_face(measured, plan=plan, settings=settings)
    return measured, rows, detail


def compare_client(
    refs: Sequence[PhotoRef],
    *,
    client: str,
    folder: Path,
    course: Course,
    settings: Settings,
    rejected: Iterable[Rejection] = (),
    skipped: Iterable[tuple[str, str]] = (),
    notes: Iterable[str] = (),
    progress: Progress | None = None,
) -> ClientResult:
    """Everything about one client, from photos on disk to findings.

    Parameters
    ----------
    refs : sequence of PhotoRef
        In order of time.
    client, folder, course, settings
    rejected, skipped, notes : iterables
        What listing the folder has already found.
    progress : callable or None

    Returns
    -------
    ClientResult

    Raises
    ------
    NothingMeasuredError
        No photo could be used.
    """
    report = progress or (lambda *_: None)
    started = time.perf_counter()
    inspections: dict[str, Inspection] = {}
    refused = list(rejected)
    for count, ref in enumerate(refs):
        report("looking", count, 2 * len(refs))
        try:
            inspections[ref.file] = inspect_photo(ref, settings=settings)
        except PhotoError as error:
            refused.append(rejection_of(ref, error))
    looked = time.perf_counter()
    plan, turned = plan_client(
        list(inspections.values()),
        client=client,
        sessions=list(dict.fromkeys(r.session for r in refs)),
        course=course,
        settings=settings,
    )
    refused += turned
    if not plan.view_of:
        raise NothingMeasuredError(explain_nothing(folder, refused), "see `skinprogress check` for each photo")
    planned = time.perf_counter()
    found = _measure_all(refs, plan, inspections, settings, report)
    refused += found.lost
    report("done", 2 * len(refs), 2 * len(refs))
    return ClientResult(
        client=client,
        folder=folder,
        sessions=plan.sessions,
        plan=plan,
        inspections={f: i for f, i in inspections.items() if f in found.misfits},
        photos=tuple(report_photos(refs, refused, plan, inspections, found.misfits)),
        rejected=tuple(refused),
        skipped=tuple(skipped),
        measurements=tuple(found.measurements),
        changes=tuple(found.changes),
        comparisons=tuple(found.comparisons),
        findings=tuple(find_findings(plan, found.changes, found.comparisons)),
        settings=settings,
        versions=find_versions(),
        timings_s={
            "inspect": looked - started,
            "plan": planned - looked,
            "measure_and_compare": time.perf_counter() - planned,
        },
        notes=tuple(notes),
    )


@dataclass(slots=True)
class _Gathered:
    """What measuring has brought together so far."""

    measurements: list[Measurement]
    changes: list[Change]
    comparisons: list[Comparison]
    misfits: dict[str, float]
    lost: list[Rejection]


def _measure_all(
    refs: Sequence[PhotoRef],
    plan: ClientPlan,
    inspections: Mapping[str, Inspection],
    settings: Settings,
    report: Progress,
) -> _Gathered:
    """Measure view by view, session by session; only the baseline and the session before stay in memory."""
    found = _Gathered([], [], [], {}, [])
    done = len(refs)
    for view, reference_file in plan.reference_of.items():
        mm_per_px = reference_scale(plan, view, inspections)
        first = inspections[reference_file].ref.session
        in_view = [r for r in refs if plan.view_of.get(r.file) == view]
        sessions = list(dict.fromkeys(r.session for r in in_view))
        reference: npt.NDArray[np.uint8] | None = None
        held: dict[str, list[MeasuredFace]] = {}
        for session in [first, *(s for s in sessions if s != first)]:
            faces = []
            # The reference photo comes first: the others are held against it.
            for ref in sorted((r for r in in_view if r.session == session), key=lambda r: r.file != reference_file):
                report("measuring", done, 2 * len(refs))
                done += 1
                try:
                    face, rows, detail = measure_photo(
                        inspections[ref.file], plan, mm_per_px=mm_per_px, reference=reference, settings=settings
                    )
                except PhotoError as error:  # the file changed or vanished since it was looked at
                    found.lost.append(rejection_of(ref, error))
                    continue
                reference = detail if reference is None else reference
                found.measurements += rows
                found.misfits[ref.file] = face.misfit_percent_iod
                faces.append(face)
            if not faces:
                continue
            _compare_session(faces, held, first, sessions, plan, settings, found)
            held = {first: held.get(first, faces), session: faces}
    order = {r.file: n for n, r in enumerate(refs)}
    found.measurements.sort(key=lambda m: order[m.photo])
    return found


def _compare_session(
    faces: Sequence[MeasuredFace],
    held: Mapping[str, Sequence[MeasuredFace]],
    first: str,
    sessions: Sequence[str],
    plan: ClientPlan,
    settings: Settings,
    found: _Gathered,
) -> None:
    """Compare one session with the baseline and with the session before it."""
    at = sessions.index(faces[0].ref.session)
    previous = sessions[at - 1] if at else None
    if at > sessions.index(first):
        changes, comparison = compare_pair(held[first], faces, against="baseline", plan=plan, settings=settings)
        found.changes += changes
        found.comparisons.append(comparison)
        if previous == first:
            # The session before is the baseline itself: the same figures, filed under both.
            found.changes += [replace(c, against="previous") for c in changes]
            found.comparisons.append(replace(comparison, against="previous"))
            return
    if previous is not None and previous in held:
        changes, comparison = compare_pair(held[previous], faces, against="previous", plan=plan, settings=settings)
        found.changes += changes
        found.comparisons.append(comparison)
