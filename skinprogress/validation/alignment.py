"""Can the alignment be trusted on these photos? Known warps, true surface points, and pairs of real photos."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from skinprogress.comparison.bookkeeping import rejection_of
from skinprogress.errors import NothingMeasuredError, PhotoError, UsageError
from skinprogress.face.canonical import N_VERTICES
from skinprogress.face.refinement import register_face
from skinprogress.face.regions import bare_face_mask
from skinprogress.face.registration import PlacedFace, draw_face
from skinprogress.face.skin import estimate_visibility, find_skin
from skinprogress.photos.profiles import srgb_encoding
from skinprogress.photos.reading import read_photo, to_linear
from skinprogress.photos.scan import one_line
from skinprogress.records import Photo, Rejection
from skinprogress.settings import Settings
from skinprogress.synthetic.warps import retake_warped
from skinprogress.validation.faces import (
    Points,
    SeenFace,
    group_people,
    group_true,
    list_faces,
    look,
    name_people,
    read_truth,
    see_face,
)
from skinprogress.validation.pairs import other_person_figures, same_person_figures
from skinprogress.validation.scores import KIND, LOOK_PX, Score, lies_in, places_on, score_figures, score_places
from skinprogress.validation.table import Figure

if TYPE_CHECKING:
    from skinprogress.pipeline.comparing import Progress

_ROOM = 0.6  # of the face, on each side of it, is taken again with it
_REPEATS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentValidation:
    """What a validation found out.

    Attributes
    ----------
    figures : tuple of Figure
    rejected : tuple of Rejection
        Photos that could not be used.
    n_photos, n_people : int
        Photos with a face; how many people they were taken to show.
    """

    figures: tuple[Figure, ...]
    rejected: tuple[Rejection, ...]
    n_photos: int
    n_people: int


def validate_alignment(
    folder: str | Path, *, settings: Settings | None = None, progress: "Progress | None" = None
) -> AlignmentValidation:
    """Test the alignment on the photos of a folder.

    Parameters
    ----------
    folder : path
        A client's folder, or flat photos named ``PERSON_anything.jpg``; ``*.truth.json`` beside photos is used.
    settings : Settings, optional
    progress : callable, optional
        Called with what is being done, photos done, photos in all.

    Returns
    -------
    AlignmentValidation

    Raises
    ------
    UsageError
        No such folder, or a damaged truth file.
    NothingMeasuredError
        No photo with a face in it.

    Notes
    -----
    A known warp is kinder than life: light comes from the same side, and no head turns. Where it fails, real pairs fail
    too; where it succeeds, the pairs of real photos and the true points have the last word.
    """
    settings, report = settings or Settings(), progress or (lambda *_: None)
    listing, refs = list_faces(Path(folder), settings=settings)
    faces: list[SeenFace] = []
    warped: list[Score] = []
    rejected = list(listing.rejected)
    for done, ref in enumerate(refs):
        report("warping", done, len(refs))
        try:
            face, photo, placed = see_face(ref, settings=settings)
            faces.append(face)
            warped.append(score_known_warp(face, photo, placed, settings=settings))
        except PhotoError as error:
            rejected.append(rejection_of(ref, error))
    if not faces:
        why = f": {rejected[0].file}: {rejected[0].reason}" if rejected else ""
        raise NothingMeasuredError(f"no photo in {one_line(str(folder))} can be used{why}", "see `skinprogress check`")
    report("comparing", len(refs), len(refs))
    people = group_people(faces, name_people([face.ref for face in faces], listing))
    figures = [
        *score_figures("known_warp", "T0", warped),
        *_true_points(faces),
        *same_person_figures(people),
        *other_person_figures(people),
        *_speed(faces, settings=settings),
    ]
    return AlignmentValidation(
        figures=tuple(figures), rejected=tuple(rejected), n_photos=len(faces), n_people=len(people)
    )


def score_known_warp(face: SeenFace, photo: Photo, placed: PlacedFace, *, settings: Settings) -> Score:
    """Take a photo again by a known warp, find the face in it anew, and see how far each place of skin lies off.

    Raises
    ------
    PhotoError
        The face was not found again.
    """
    uv = _skin_places(face, placed)
    face_xy = face.face_map.at(uv)
    outline = face.landmarks.points_xy[:N_VERTICES]
    room = _ROOM * np.ptp(outline, axis=0)
    height, width = photo.pixels.shape[:2]
    low = np.clip(np.floor(outline.min(axis=0) - room).astype(int), 0, [width - 1, height - 1])
    high = np.clip(np.ceil(outline.max(axis=0) + room).astype(int), low + 1, [width, height])
    scene = to_linear(photo, rows=slice(low[1], high[1]), cols=slice(low[0], high[0]))
    # By content: the same photo is warped in the same way in every folder and under every name.
    rng = np.random.default_rng([settings.seed, int(face.ref.sha256[:12] or "0", 16)])
    rgb, warp = retake_warped(scene, face.landmarks.points_xy - low, face_xy - low, rng=rng)
    curve, matrix = srgb_encoding(256).curve, np.eye(3, dtype=np.float32)
    again = Photo(ref=replace(face.ref, face_index=0), pixels=rgb, curve=curve, matrix=matrix, metadata={})
    try:
        landmarks, placed_again = look(again, settings=settings)
    except PhotoError as error:
        raise PhotoError("not_found_again", f"after a known warp: {error.reason}", error.remedy) from error
    irises = warp.at(face.landmarks.points_xy[[468, 473]] - low)
    true_xy = warp.at(face_xy - low)
    seen = ((true_xy > 0.0) & (true_xy < [rgb.shape[1], rgb.shape[0]])).all(axis=1)
    return score_places(
        uv[seen],
        true_xy[seen],
        face=replace(face, landmarks=landmarks, face_map=placed_again.face_map, detail=placed_again.detail),
        reference=face,
        reference_xy=face_xy[seen],
        registration=register_face(placed_again.detail, face.detail),
        iod_px=float(np.hypot(*(irises[0] - irises[1]))),
    )


def _skin_places(face: SeenFace, placed: PlacedFace) -> Points:
    """Canonical places (n, 2) of usable skin, on a grid."""
    drawn = draw_face(placed.crop, placed.face_map, side_px=LOOK_PX)
    skin = find_skin(drawn.linear_rgb, drawn.clipped, estimate_visibility(face.landmarks.pose_deg, LOOK_PX))
    return places_on(skin)


def _true_points(faces: Sequence[SeenFace]) -> list[Figure]:
    """True surface points: where they lie in the reference photo's map, and where that puts them in the others."""
    scores, groups = [], group_true(faces)
    for reference, others in groups:
        truth = read_truth(reference.ref)
        uv = reference.face_map.places(truth.vertex_xy)
        usable = truth.visible & lies_in(bare_face_mask(LOOK_PX), uv)
        for face in others:
            there = read_truth(face.ref)
            if len(there.visible) != len(usable):
                raise UsageError(
                    f"{one_line(face.ref.file)} has {len(there.visible)} true points and the reference photo "
                    f"{one_line(reference.ref.file)} has {len(usable)}",
                    "keep photos with different points in different folders",
                )
            both = usable & there.visible
            scores.append(
                score_places(
                    uv[both],
                    there.vertex_xy[both],
                    face=face,
                    reference=reference,
                    reference_xy=truth.vertex_xy[both],
                    registration=register_face(face.detail, reference.detail),
                    iod_px=there.iod_px,
                )
            )
    return score_figures("true_points", "T3", scores, patterns=_patterns([s.subject for s in scores]))


def _patterns(subjects: Sequence[str]) -> list[str]:
    """What photos to sum up apart: those of each folder, in a single folder those with the same first word."""
    folders = {subject.rpartition("/")[0] for subject in subjects}
    found = {f"{folder}/*" for folder in folders}
    if len(folders) == 1:
        found = {f"{subject.partition('_')[0]}_*" for subject in subjects if "_" in subject}
    return sorted(found) if len(found) > 1 else []


def _speed(faces: Sequence[SeenFace], *, settings: Settings) -> list[Figure]:
    """Time to find the landmarks in the largest photo and to register it, decoded, on one core."""
    face = max(faces, key=lambda f: f.n_px)
    reference = next((f for f in faces if f is not face), face)
    photo = read_photo(face.ref)

    def align() -> None:
        register_face(look(photo, settings=settings)[1].detail, reference.detail)

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        # In turns, so that a busy machine slows both.
        times = [(_seconds(align), _seconds(lambda: cv2.imread(str(face.ref.path)))) for _ in range(_REPEATS)]
        decodes = cv2.imread(str(face.ref.path)) is not None  # not HEIC, for one
    finally:
        cv2.setNumThreads(threads)
    new = partial(
        Figure, kind=KIND, tier="T4", test="speed", method="refined", subject=face.ref.file,
        metric="landmarks and registration", n=_REPEATS,
    )  # fmt: skip
    spent, decoding = (statistics.median(column) for column in zip(*times, strict=True))
    figures = [new(figure="milliseconds", value=1000.0 * spent, unit="ms")]
    if decodes:
        figures.append(new(figure="ratio", value=spent / decoding, unit="× cv2.imread"))
    return figures


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
