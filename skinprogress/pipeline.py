"""The stages, chained: inspect, plan, measure, compare. The only place that does."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skinprogress.color.cards import read_card
from skinprogress.color.correcting import apply_correction
from skinprogress.color.patches import read_patch
from skinprogress.color.surroundings import is_colorless, sample_background
from skinprogress.comparison.bookkeeping import (
    PhotoFigures,
    explain_nothing,
    figures_of,
    find_versions,
    rejection_of,
    report_photos,
)
from skinprogress.comparison.compensation import compensate_light, describe_pair_light
from skinprogress.comparison.conditions import estimate_conditions
from skinprogress.comparison.course import in_maintenance, is_bare, is_recent, phase_of
from skinprogress.comparison.estimating import PairDraft, estimate_pair
from skinprogress.comparison.faces import MeasuredFace
from skinprogress.comparison.findings import find_findings
from skinprogress.comparison.grading import grade_pair
from skinprogress.comparison.measuring import keep_maps, measure_face, measure_neck
from skinprogress.comparison.outcome import find_baseline, maintenance_baseline
from skinprogress.comparison.pairing import find_softness
from skinprogress.comparison.pairs import adjust_headline, finish_pair, pool_shots
from skinprogress.comparison.photolight import estimate_photo_light
from skinprogress.comparison.planning import (
    assign_views,
    choose_corrections,
    choose_frame_side,
    choose_references,
    estimate_scale,
    replan_photo,
)
from skinprogress.comparison.recovery import find_recoveries
from skinprogress.comparison.spots import follow_session_spots
from skinprogress.comparison.trend import find_trends
from skinprogress.errors import NothingMeasuredError, PhotoError
from skinprogress.face.gloss import find_gloss
from skinprogress.face.landmarks import find_landmarks, steady_landmarks
from skinprogress.face.makeup import find_makeup
from skinprogress.face.marks import as_read, mark_mask, share_on_skin
from skinprogress.face.neck import NeckPatch, find_neck
from skinprogress.face.obstacles import find_obstacles
from skinprogress.face.quality import (
    MIN_CAMERA_DISTANCE_CM,
    estimate_face_size,
    eyes_are_open,
    measure_iris_px,
    measure_sharpness,
)
from skinprogress.face.refinement import register_face
from skinprogress.face.regions import FACE_OVAL
from skinprogress.face.registration import Reference, draw_face, estimate_relative_scale, place_face, surface_scale
from skinprogress.face.skin import Coverage, estimate_visibility, find_skin, find_visible, measure_coverage
from skinprogress.metrics.blood import find_blood
from skinprogress.metrics.inputs import prepare_input
from skinprogress.metrics.maps import compute_maps, grid_step, make_layers, sample_grid
from skinprogress.metrics.noise import looks_smoothed
from skinprogress.metrics.redness import find_red_level
from skinprogress.metrics.table import METRICS
from skinprogress.photos.reading import read_photo, to_srgb8
from skinprogress.records import (
    Against,
    Change,
    ClientPlan,
    ClientResult,
    Comparison,
    Course,
    Face,
    Flag,
    Inspection,
    Landmarks,
    LightDifference,
    MarkPlace,
    Measurement,
    Photo,
    PhotoRef,
    Registration,
    Rejection,
    SkinMap,
    Spot,
    View,
)
from skinprogress.settings import Settings

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many photos are through and how many there are."""

_DETECTION_SIDE = 1280
# A photo of which fewer regions fit is tried as a mirror image too; by chance none fits.
_FEW_REGIONS = 4
# Scatter of repeated detections, % of the IOD: 0.3–0.6 on good photos, 0.7–5 where half of the face is hidden.
_SCATTER_NOTICED_PERCENT = 0.9
_MAX_SCATTER_PERCENT = 4.0
# Share of the face; faces photographed after washing, in soft light, stay below it.
_SHINE_NOTICED = 0.03
_BLOOD_NOTICED_MM2 = 1.0
_MIN_MARK_ON_SKIN = 0.5


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
    height, width = photo.pixels.shape[:2]
    landmarks, n_faces = find_client_face(photo, settings=settings)
    flags = ref.flags | photo.flags
    if n_faces > 1:
        flags |= Flag.OTHER_FACES
    is_open = eyes_are_open(landmarks)
    if not is_open:
        flags |= Flag.EYES_CLOSED
    if landmarks.iod_px < 2 * settings.min_iod_px:
        flags |= Flag.LOW_RESOLUTION
    distance_cm = estimate_face_size(landmarks)[1]
    outline_xy = landmarks.points_xy[list(FACE_OVAL)]
    background, patch = sample_background(photo, outline_xy), read_patch(photo, outline_xy)
    if patch is not None and patch.problem:
        flags |= Flag.PATCH_UNUSABLE
    if is_colorless(background):
        flags |= Flag.NO_COLOR
    # Of a turned head the landmark model's depth is not good enough to tell.
    if landmarks.view == "front" and distance_cm < MIN_CAMERA_DISTANCE_CM:
        flags |= Flag.CAMERA_TOO_NEAR
    return Inspection(
        ref=ref,
        landmarks=landmarks,
        height_px=height,
        width_px=width,
        iris_px=measure_iris_px(landmarks),
        eyes_open=is_open,
        sharpness=measure_sharpness(photo.pixels, landmarks),
        camera_distance_cm=distance_cm,
        background=background,
        metadata=photo.metadata,
        card=read_card(photo),
        patch=patch,
        flags=flags,
    )


def find_client_face(photo: Photo, *, settings: Settings) -> tuple[Landmarks, int]:
    """Find the face that is meant in a decoded photo.

    Parameters
    ----------
    photo : Photo
    settings : Settings

    Returns
    -------
    landmarks : Landmarks
    n_faces : int

    Raises
    ------
    PhotoError
        No face, several, or too small a one.
    """
    small, scale = _detection_picture(photo)
    landmarks, n_faces = find_landmarks(small, scale=scale, face_index=photo.ref.face_index)
    if landmarks.iod_px < settings.min_iod_px:
        raise PhotoError(
            "face_too_small",
            f"the eyes are {landmarks.iod_px:.0f} px apart and need {settings.min_iod_px:.0f}",
            "move closer or send the photo in its original size, not a preview",
        )
    return landmarks, n_faces


def _detection_picture(photo: Photo) -> tuple[npt.NDArray[np.uint8], float]:
    """What the landmark model looks at, and photo px per px of it."""
    small = to_srgb8(photo, max_side=_DETECTION_SIDE)
    return small, photo.pixels.shape[1] / small.shape[1]


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


@dataclass(frozen=True, slots=True, eq=False)
class AlignedPhoto:
    """What aligning one photo has found.

    Attributes
    ----------
    face : Face
    inspection : Inspection
        With steadier landmarks for a reference photo.
    place : Reference
        What other photos are registered on when this is the reference photo.
    mm_per_photo_px : float
    clipped_share : float
        Share of the visible face that is over- or underexposed, 0..1; it is left out.
    coverage : dict of str to Coverage
        By region.
    visible, shine : (S, S) bool
        Where the photo shows the face well enough to be used, and where it shines.
    neck : NeckPatch or None
        None where too little of it can be seen.
    """

    face: Face
    inspection: Inspection
    place: Reference
    mm_per_photo_px: float
    clipped_share: float
    coverage: dict[str, Coverage]
    visible: npt.NDArray[np.bool_]
    shine: npt.NDArray[np.bool_]
    neck: NeckPatch | None


def align_and_correct(
    inspection: Inspection,
    plan: ClientPlan,
    *,
    mm_per_px: npt.NDArray[np.float32],
    reference: Reference | None,
    for_grade: bool = False,
) -> AlignedPhoto:
    """Read a photo into the canonical frame and correct its colour.

    Parameters
    ----------
    inspection : Inspection
    plan : ClientPlan
    mm_per_px : (S, S) float32
    reference : Reference or None
        None for the reference photo itself.
    for_grade : bool
        Leave out what the grade of comparability does not look at: the neck, and steadier landmarks for the reference.

    Returns
    -------
    AlignedPhoto
    """
    file = inspection.ref.file
    view = plan.view_of[file]
    side = plan.canonical_px[view]
    photo = read_photo(inspection.ref)
    if reference is None and not for_grade:
        # Every other photo is laid over this one: its regions must not hang on a single detection.
        inspection = _steadied(inspection, photo)
    placed = place_face(photo, inspection.landmarks, side_px=side)
    registration = None if reference is None else register_face(placed.detail, reference.detail)
    if reference is not None and registration is not None and len(registration.accepted) < _FEW_REGIONS:
        inspection = _steadied(inspection, photo)
        placed = place_face(photo, inspection.landmarks, side_px=side)
        registration = register_face(placed.detail, reference.detail)
    face_map = placed.face_map.refined(registration)
    aligned = draw_face(placed.crop, face_map, side_px=side)
    mm_per_photo_px = plan.mm_per_px[file]
    if reference is not None and registration is not None and registration.accepted:
        # The same skin in both photos carries the scale from one to the other better than two sets of landmarks.
        scale = estimate_relative_scale(face_map, reference.face_map)
        mm_per_photo_px = plan.mm_per_px[plan.reference_of[view]] / scale
    visibility = estimate_visibility(inspection.landmarks.pose_deg, side)
    visible = find_visible(aligned.clipped, visibility)
    obstacles = find_obstacles(aligned.linear_rgb, visible)
    skin = find_skin(aligned.linear_rgb, aligned.clipped, visibility, obstacles=obstacles)
    correction = plan.corrections[file]
    corrected = apply_correction(aligned.linear_rgb, correction)
    flags = plan.flags[file] | correction.flags | (inspection.flags & Flag.LANDMARKS_UNSTEADY)
    with np.errstate(invalid="ignore"):
        seen = visibility >= 0.4
    clipped_share = float((aligned.clipped & seen).sum() / max(seen.sum(), 1))
    if clipped_share > 0.1:
        flags |= Flag.CLIPPED_SKIN
    face = Face(
        ref=inspection.ref,
        view=view,
        linear_rgb=corrected,
        skin=skin,
        mm_per_px=mm_per_px,
        photo_px_per_px=aligned.photo_px_per_px,
        visibility=visibility,
        registration=registration,
        correction=correction,
        flags=flags,
    )
    return AlignedPhoto(
        face=face,
        inspection=inspection,
        place=Reference(face_map=placed.face_map, detail=placed.detail),
        mm_per_photo_px=mm_per_photo_px,
        clipped_share=clipped_share,
        coverage=measure_coverage(sample_grid(skin), {kind: sample_grid(mask) for kind, mask in obstacles.items()}),
        visible=visible,
        shine=obstacles.get("shine", np.zeros_like(visible)),
        neck=find_neck(photo, inspection.landmarks, mm_per_px=mm_per_photo_px) if not for_grade else None,
    )


def _steadied(inspection: Inspection, photo: Photo) -> Inspection:
    """The inspection with landmarks averaged over several detections, and flagged where these disagree.

    Raises
    ------
    PhotoError
        They disagree so much that nothing could be measured.
    """
    small, scale = _detection_picture(photo)
    landmarks, scatter = steady_landmarks(small, inspection.landmarks, scale=scale)
    if scatter > _MAX_SCATTER_PERCENT:
        raise PhotoError(
            "unsteady_landmarks",
            "the parts of the face are found somewhere else each time: it is hidden, dark or blurred",
            "photograph the whole face in even light, sharp, with nothing in front of it",
        )
    unsteady = Flag.LANDMARKS_UNSTEADY if scatter > _SCATTER_NOTICED_PERCENT else Flag.NONE
    return replace(inspection, landmarks=landmarks, flags=inspection.flags | unsteady)


def find_mirrored(
    inspection: Inspection, registration: Registration, plan: ClientPlan, *, reference: Reference, settings: Settings
) -> Inspection | None:
    """Look whether a photo that hardly fits the reference photo fits as its own mirror image.

    Returns
    -------
    Inspection or None
        Of the flipped photo; None where it fits no better.
    """
    if len(registration.accepted) >= _FEW_REGIONS:
        return None
    ref = replace(
        inspection.ref, mirrored=not inspection.ref.mirrored, flags=inspection.ref.flags | Flag.MIRRORED_FOUND
    )
    try:
        flipped = inspect_photo(ref, settings=settings)
    except PhotoError:
        return None
    side = plan.canonical_px[plan.view_of[ref.file]]
    found = register_face(place_face(read_photo(ref), flipped.landmarks, side_px=side).detail, reference.detail)
    return flipped if len(found.accepted) >= _FEW_REGIONS + len(registration.accepted) else None


def measure_photo(
    inspection: Inspection,
    plan: ClientPlan,
    *,
    mm_per_px: npt.NDArray[np.float32],
    reference: Reference | None,
    red_level: float | None = None,
    settings: Settings,
    for_grade: bool = False,
) -> tuple[MeasuredFace, Reference]:
    """Align and correct one photo, and compute the maps of all metrics.

    Parameters
    ----------
    inspection : Inspection
    plan : ClientPlan
    mm_per_px : (S, S) float32
    reference : Reference or None
        None for the reference photo itself.
    red_level : float or None
        Redness index from which skin counts as red, of the reference photo; None for that photo itself.
    settings : Settings
    for_grade : bool
        Leave out what the grade of comparability does not look at: the maps, blood and the neck.

    Returns
    -------
    measured : MeasuredFace
        Metric maps, for measurements and comparisons.
    place : Reference
        What the other photos are registered on when this is the reference photo.
    """
    aligned = align_and_correct(inspection, plan, mm_per_px=mm_per_px, reference=reference, for_grade=for_grade)
    face = aligned.face
    bare = replace(prepare_input(face), red_level=red_level)
    blood = np.zeros_like(face.skin) if for_grade else find_blood(bare)
    layers = make_layers(
        replace(bare, skin=bare.skin & ~blood) if blood.any() else bare, bare=bare, step=grid_step(face.skin.shape[0])
    )
    if red_level is None and not for_grade:
        layers = layers.with_red_level(find_red_level(layers.grid))
    maps = compute_maps(layers, () if for_grade else METRICS.values())
    light = estimate_photo_light(
        layers.px.linear_rgb,
        skin=layers.px.skin,
        visible=sample_grid(aligned.visible),
        shine=sample_grid(aligned.shine),
    )
    flags = face.flags | (Flag.SHINE if light.shine_share > _SHINE_NOTICED else Flag.NONE)
    flags |= _look_of_skin(aligned, plan)
    visibility = None if face.view == "front" else face.visibility
    if looks_smoothed(layers.full, visibility=visibility):
        flags |= Flag.SMOOTHING_SUSPECTED
    on_grid = sample_grid(blood)
    if float(np.sum(layers.px.mm_per_px[on_grid] ** 2)) >= _BLOOD_NOTICED_MM2:
        flags |= Flag.BLOOD
    measured = MeasuredFace(
        ref=face.ref,
        view=face.view,
        inspection=aligned.inspection,
        maps=maps,
        skin=layers.px.skin,
        blood=on_grid,
        mm_per_px=layers.px.mm_per_px,
        layers=layers.stored(),
        side_px=face.skin.shape[0],
        visibility=sample_grid(face.visibility),
        coverage=aligned.coverage,
        registration=face.registration,
        mm_per_photo_px=aligned.mm_per_photo_px,
        clipped_share=aligned.clipped_share,
        correction=face.correction,
        flags=flags,
        photo_light=light,
        neck=measure_neck(aligned.neck, face.correction, settings=settings) if aligned.neck else None,
    )
    return measured, aligned.place


def measure_either_way(
    file: str,
    inspections: Mapping[str, Inspection],
    plan: ClientPlan,
    *,
    mm_per_px: npt.NDArray[np.float32],
    reference: Reference | None,
    red_level: float | None = None,
    settings: Settings,
    for_grade: bool = False,
) -> tuple[MeasuredFace, Reference, tuple[Inspection, ClientPlan] | None]:
    """Measure a photo; where it turns out to be a mirror image of the reference photo, flipped.

    Parameters
    ----------
    file : str
    inspections : mapping of str to Inspection
        With that of the photo.
    plan, mm_per_px, reference, red_level, settings, for_grade
        See :func:`measure_photo`.

    Returns
    -------
    measured : MeasuredFace
    place : Reference
    flipped : (Inspection, ClientPlan) or None
        Of the flipped photo, and the plan with it; None where it was not flipped.
    """

    def measure(inspection: Inspection, plan: ClientPlan) -> tuple[MeasuredFace, Reference]:
        return measure_photo(
            inspection,
            plan,
            mm_per_px=mm_per_px,
            reference=reference,
            red_level=red_level,
            settings=settings,
            for_grade=for_grade,
        )

    face, place = measure(inspections[file], plan)
    if reference is None or face.registration is None:
        return face, place, None
    flipped = find_mirrored(inspections[file], face.registration, plan, reference=reference, settings=settings)
    if flipped is None:
        return face, place, None
    plan = replan_photo(plan, {**inspections, file: flipped}, file, settings=settings)
    return *measure(flipped, plan), (flipped, plan)


def _look_of_skin(aligned: AlignedPhoto, plan: ClientPlan) -> Flag:
    """What seems to lie on the skin: make-up, a soft shine."""
    face, flags = aligned.face, Flag.NONE
    # Treated skin is as evenly red as powdered skin.
    if not is_recent(plan, face.ref.session) and find_makeup(face.linear_rgb, face.skin).suspected:
        flags |= Flag.MAKEUP_SUSPECTED
    if find_gloss(face.linear_rgb, face.skin, shine=aligned.shine).shiny:
        flags |= Flag.SHINE_BROAD
    return flags


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
    sessions = list(dict.fromkeys(r.session for r in refs))
    while True:
        plan, turned = plan_client(
            list(inspections.values()), client=client, sessions=sessions, course=course, settings=settings
        )
        if not plan.view_of:
            raise NothingMeasuredError(
                explain_nothing(folder, [*refused, *turned]), "see `skinprogress check` for each photo"
            )
        planned = time.perf_counter()
        try:
            found = _measure_all(refs, plan, inspections, settings, report)
            break
        except _ReferenceLostError as lost:
            # Without the photo that all others of its view are laid over, everything is planned anew.
            refused.append(lost.rejection)
            del inspections[lost.rejection.file]
    refused += turned
    refused += found.lost
    changes = adjust_headline(found.changes)
    trends = find_trends(found.plan, changes, confidence_level=settings.confidence_level)
    recoveries = find_recoveries(found.plan, changes)
    report("done", 2 * len(refs), 2 * len(refs))
    return ClientResult(
        client=client,
        folder=folder,
        sessions=plan.sessions,
        plan=found.plan,
        inspections={f: i for f, i in found.inspections.items() if f in found.faces},
        photos=tuple(report_photos(refs, refused, found.plan, found.inspections, found.faces)),
        rejected=tuple(refused),
        skipped=tuple(skipped),
        measurements=tuple(found.measurements),
        changes=tuple(changes),
        comparisons=tuple(found.comparisons),
        findings=tuple(
            find_findings(
                found.plan,
                changes,
                found.comparisons,
                trends=trends,
                recoveries=recoveries,
                confidence_level=settings.confidence_level,
            )
        ),
        trends=tuple(trends),
        recoveries=tuple(recoveries),
        settings=settings,
        versions=find_versions(),
        timings_s={
            "inspect": looked - started,
            "plan": planned - looked,
            "measure_and_compare": time.perf_counter() - planned,
        },
        notes=(*notes, *_unplaced_marks(found.plan), *found.notes),
        registrations={f: p.registration for f, p in found.faces.items() if p.registration is not None},
        lights={f: p.light for f, p in found.faces.items()},
        light_differences=tuple(found.lights),
        spots=tuple(found.spots),
        maps=tuple(found.maps),
        marks=tuple(found.marks),
        pointed=tuple(found.inspections[r.file].ref if r.file in found.inspections else r for r in refs if r.points_xy),
    )


class _ReferenceLostError(Exception):
    """The reference photo of a view could be looked at, and then not be measured."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.reason)
        self.rejection = rejection


@dataclass(slots=True)
class _Gathered:
    """What measuring has brought together so far."""

    plan: ClientPlan
    inspections: dict[str, Inspection]
    measurements: list[Measurement] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    faces: dict[str, PhotoFigures] = field(default_factory=dict)
    lights: list[LightDifference] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)
    maps: list[SkinMap] = field(default_factory=list)
    marks: list[MarkPlace] = field(default_factory=list)
    grades: dict[str, str] = field(default_factory=dict)
    lost: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _measure_all(
    refs: Sequence[PhotoRef],
    plan: ClientPlan,
    inspections: Mapping[str, Inspection],
    settings: Settings,
    report: Progress,
) -> _Gathered:
    """Measure view by view, session by session; only the baseline and the session before stay in memory."""
    found = _Gathered(plan, dict(inspections))
    done = len(refs)
    for view, reference_file in plan.reference_of.items():
        mm_per_px = reference_scale(plan, view, inspections)
        first = inspections[reference_file].ref.session
        in_view = [r for r in refs if plan.view_of.get(r.file) == view]
        sessions = list(dict.fromkeys(r.session for r in in_view))
        reference: Reference | None = None
        reference_face: MeasuredFace | None = None
        red_level: float | None = None
        marks: dict[str, npt.NDArray[np.bool_]] = {}
        # Photos that do not fit the reference photo; None as soon as one fits.
        odd: list[Reference] | None = []
        held: dict[str, list[MeasuredFace]] = {}
        drafts: list[tuple[PairDraft, tuple[Against, ...]]] = []
        for session in [first, *(s for s in sessions if s != first)]:
            measured = []
            # The reference photo comes first: the others are held against it.
            for ref in sorted((r for r in in_view if r.session == session), key=lambda r: r.file != reference_file):
                report("measuring", done, 2 * len(refs))
                done += 1
                try:
                    face, place = _measure_either_way(
                        found,
                        ref.file,
                        mm_per_px=mm_per_px,
                        reference=reference,
                        red_level=red_level,
                        settings=settings,
                    )
                except PhotoError as error:  # the file changed or vanished since it was looked at
                    if ref.file == reference_file:
                        raise _ReferenceLostError(rejection_of(ref, error)) from error
                    found.lost.append(rejection_of(ref, error))
                    continue
                if reference is None:
                    reference, red_level = place, face.layers.px.red_level
                elif face.fits:
                    odd = None
                elif odd is not None:
                    if any(len(register_face(place.detail, o.detail).accepted) >= _FEW_REGIONS for o in odd):
                        raise _ReferenceLostError(_fits_none(inspections[reference_file].ref))
                    odd.append(place)
                if reference_face is None:
                    marks = _place_marks(found, view, reference, settings)
                face = replace(face, marks=marks)
                rows = measure_face(face, plan=plan, settings=settings)
                if reference_face is None:
                    reference_face = face
                else:
                    face = find_softness(face, reference_face)
                    if settings.light == "compensated":
                        face = compensate_light(face, reference_face)
                        rows += measure_face(face, plan=plan, settings=settings) if face.light is not None else []
                    phases = found.plan.phases[first], found.plan.phases[session]
                    found.grades[ref.file] = grade_pair(estimate_conditions([reference_face], [face], phases=phases))[0]
                measured.append((face, rows))
            faces = _keep_fitting(measured, found)
            if not faces:
                continue
            found.maps += keep_maps(faces)
            drafts += _compare_session(faces, held or {session: faces}, sessions, settings, found)
            kept = {first, session, maintenance_baseline(found.plan)}
            held = {s: group for s, group in {**held, session: faces}.items() if s in kept}
        _finish_view(drafts, view, found, settings)
    order = {r.file: n for n, r in enumerate(refs)}
    found.measurements.sort(key=lambda m: order[m.photo])
    return found


def _place_marks(
    found: _Gathered, view: View, reference: Reference, settings: Settings
) -> dict[str, npt.NDArray[np.bool_]]:
    """Where the marks that were outlined in photos of a view lie, on the grid that statistics are taken on."""
    plan, side_px = found.plan, found.plan.canonical_px[view]
    masks = {}
    for mark in plan.course.marks:
        if plan.view_of.get(mark.photo) != view:
            continue
        inspection, face_map = found.inspections[mark.photo], reference.face_map
        if mark.photo != plan.reference_of[view]:
            placed = place_face(read_photo(inspection.ref), inspection.landmarks, side_px=side_px)
            registration = register_face(placed.detail, reference.detail)
            flipped = find_mirrored(inspection, registration, plan, reference=reference, settings=settings)
            if flipped is not None:
                inspection = flipped
                placed = place_face(read_photo(inspection.ref), inspection.landmarks, side_px=side_px)
                registration = register_face(placed.detail, reference.detail)
            face_map = placed.face_map.refined(registration)
        outline = as_read(mark.polygon_xy, mirrored=inspection.ref.mirrored, width_px=inspection.width_px)
        mask = mark_mask(outline, face_map, side_px)
        on_skin = share_on_skin(outline, face_map, mask)
        masks[mark.name] = sample_grid(mask)
        found.marks.append(MarkPlace(name=mark.name, view=view, mask=masks[mark.name], on_skin=on_skin))
        if on_skin < _MIN_MARK_ON_SKIN:
            found.notes.append(
                f"the mark {mark.name!r} lies off the bare skin of the face in {mark.photo} but for {on_skin:.0%} of "
                "it: outline it again, in pixels of the upright photo, from its top left corner"
            )
    return masks


def _unplaced_marks(plan: ClientPlan) -> list[str]:
    """What to say about marks in photos that are not used."""
    return [
        f"the mark {mark.name!r} was outlined in {mark.photo}, which is not among the photos used: outline it in "
        "another one"
        for mark in plan.course.marks
        if mark.photo not in plan.view_of
    ]


def _fits_none(ref: PhotoRef) -> Rejection:
    """Why a reference photo that fits no other, while others fit each other, is left out."""
    error = PhotoError(
        "fits_no_other",
        "no pores or spots of it are found in the client's other photos, which fit each other: blur, a filter, "
        "make-up, or another person",
        "check that it shows the client, or take it again",
    )
    return rejection_of(ref, error)


def _keep_fitting(measured: Sequence[tuple[MeasuredFace, list[Measurement]]], found: _Gathered) -> list[MeasuredFace]:
    """File what was measured in one session; photos that do not fit are left out where others of the session do."""
    one_fits = any(face.fits for face, _ in measured)
    kept = []
    for face, rows in measured:
        if one_fits and not face.fits:
            error = PhotoError(
                "does_not_fit",
                "no pores or spots of the reference photo are found in it, though the session has photos that fit: "
                "blur, a filter, make-up, or another person",
                "check that it shows the client, or take it again",
            )
            found.lost.append(rejection_of(face.ref, error))
            continue
        found.measurements += rows
        found.inspections[face.ref.file] = face.inspection
        found.faces[face.ref.file] = figures_of(face, grade=found.grades.get(face.ref.file, ""))
        kept.append(face)
    return kept


def _measure_either_way(
    found: _Gathered,
    file: str,
    *,
    mm_per_px: npt.NDArray[np.float32],
    reference: Reference | None,
    red_level: float | None,
    settings: Settings,
) -> tuple[MeasuredFace, Reference]:
    """Measure a photo; what turns out to be a mirror image of the reference photo is filed as such."""
    face, place, flipped = measure_either_way(
        file,
        found.inspections,
        found.plan,
        mm_per_px=mm_per_px,
        reference=reference,
        red_level=red_level,
        settings=settings,
    )
    if flipped is not None:
        found.inspections[file], found.plan = flipped
        reference_file = found.plan.reference_of[face.view]
        found.notes.append(
            f"{file} is a mirror image of {reference_file} and was flipped to match it; if {reference_file} is the "
            "mirrored one, left and right are exchanged: write mirrored = true for it into course.toml"
        )
    return face, place


def _compare_session(
    faces: Sequence[MeasuredFace],
    held: Mapping[str, Sequence[MeasuredFace]],
    sessions: Sequence[str],
    settings: Settings,
    found: _Gathered,
) -> list[tuple[PairDraft, tuple[Against, ...]]]:
    """Compare one session with those before it that it is held against: drafts, and what each is filed under."""
    session, plan = faces[0].ref.session, found.plan
    wanted: dict[str, list[Against]] = {}
    before = [s for s in sessions[: sessions.index(session)] if s in held]
    for earlier, against in _held_against(plan, session, before, first=next(iter(held))):
        wanted.setdefault(earlier, []).append(against)
    drafts = []
    for earlier, filed in wanted.items():
        # The session before may be the baseline itself: the same figures, filed under both.
        draft = estimate_pair(held[earlier], faces, against=filed[0], plan=plan, settings=settings)
        drafts.append((draft, tuple(filed)))
        if draft.comparison.grade != "F":
            spots = follow_session_spots(held[earlier], faces, against=filed[0])
            found.spots += [replace(s, against=against) for against in filed for s in spots]
        if light := describe_pair_light(held[earlier], faces, against=filed[0]):
            found.lights.append(light)
    return drafts


def _held_against(
    plan: ClientPlan, session: str, before: Sequence[str], *, first: str
) -> Iterable[tuple[str, Against]]:
    """Those of the measured sessions before one, in order of time, that it is compared with."""
    if first in before:
        yield first, "baseline"
    if before:
        yield before[-1], "previous"
    start = maintenance_baseline(plan)
    if start is not None and start in before and in_maintenance(plan, session):
        yield start, "maintenance"


def _finish_view(
    drafts: Sequence[tuple[PairDraft, tuple[Against, ...]]], view: View, found: _Gathered, settings: Settings
) -> None:
    """File the changes of a view, now that all repeated shots are known; and what these add to the measurements."""
    scatter = pool_shots(draft for draft, _ in drafts)
    known: dict[tuple[str, str], float] = {}
    for draft, filed in drafts:
        changes = finish_pair(draft, scatter, plan=found.plan, settings=settings)
        for against in filed:
            found.changes += [replace(c, against=against) for c in changes]
            found.comparisons.append(replace(draft.comparison, against=against))
        for d in draft.drafts:
            if np.isfinite(d.known):
                known.setdefault((d.change.metric, d.change.region), d.known)
    more = {key: scatter[key].excess(variance) for key, variance in known.items()}
    found.measurements = [
        replace(m, standard_error=float(np.hypot(m.standard_error, np.sqrt(more.get((m.metric, m.region), 0.0)))))
        if m.view == view
        else m
        for m in found.measurements
    ]
