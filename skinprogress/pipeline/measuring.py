"""Measuring one photo: read, aligned to the reference photo, corrected, every metric px by px."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from skinprogress.color.correcting import apply_correction
from skinprogress.comparison.course import is_recent
from skinprogress.comparison.faces import MeasuredFace
from skinprogress.comparison.measuring import measure_neck
from skinprogress.comparison.photolight import estimate_photo_light
from skinprogress.comparison.planning import replan_photo
from skinprogress.errors import PhotoError
from skinprogress.face.gloss import find_gloss
from skinprogress.face.landmarks import steady_landmarks
from skinprogress.face.makeup import find_makeup
from skinprogress.face.neck import NeckPatch, find_neck
from skinprogress.face.obstacles import find_obstacles
from skinprogress.face.refinement import register_face
from skinprogress.face.registration import Reference, draw_face, estimate_relative_scale, place_face
from skinprogress.face.skin import Coverage, estimate_visibility, find_skin, find_visible, measure_coverage
from skinprogress.metrics.blood import find_blood
from skinprogress.metrics.inputs import prepare_input
from skinprogress.metrics.maps import compute_maps, grid_step, make_layers, sample_grid
from skinprogress.metrics.noise import looks_smoothed
from skinprogress.metrics.redness import find_red_level
from skinprogress.metrics.table import METRICS
from skinprogress.photos.reading import read_photo
from skinprogress.pipeline.inspecting import detection_picture, inspect_photo
from skinprogress.records import ClientPlan, Face, Flag, Inspection, Photo, PhotoRef, Registration
from skinprogress.settings import Settings

# A photo of which fewer regions fit is tried as a mirror image too; by chance none fits.
FEW_REGIONS = 4
# Scatter of repeated detections, % of the IOD: 0.3–0.6 on good photos, 0.7–5 where half of the face is hidden.
_SCATTER_NOTICED_PERCENT = 0.9
_MAX_SCATTER_PERCENT = 4.0
# Share of the face; faces photographed after washing, in soft light, stay below it.
_SHINE_NOTICED = 0.03
_BLOOD_NOTICED_MM2 = 1.0


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
    if reference is not None and registration is not None and len(registration.accepted) < FEW_REGIONS:
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
    small, scale = detection_picture(photo)
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
    if len(registration.accepted) >= FEW_REGIONS:
        return None
    ref = flipped_ref(inspection.ref)
    try:
        flipped = inspect_photo(ref, settings=settings)
    except PhotoError:
        return None
    side = plan.canonical_px[plan.view_of[ref.file]]
    found = register_face(place_face(read_photo(ref), flipped.landmarks, side_px=side).detail, reference.detail)
    return flipped if len(found.accepted) >= FEW_REGIONS + len(registration.accepted) else None


def flipped_ref(ref: PhotoRef) -> PhotoRef:
    """A photo as its own mirror image."""
    return replace(ref, mirrored=not ref.mirrored, flags=ref.flags | Flag.MIRRORED_FOUND)


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
