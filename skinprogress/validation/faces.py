"""What a validation works on: the faces of a folder, whose each is, and the true points where files state them."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skinprogress.errors import UsageError
from skinprogress.face.mapping import FaceMap
from skinprogress.face.refinement import Detail
from skinprogress.face.registration import PlacedFace, place_face
from skinprogress.photos.clues import find_clues
from skinprogress.photos.dates import find_date
from skinprogress.photos.folder import FolderListing, list_folder
from skinprogress.photos.reading import read_photo
from skinprogress.photos.scan import one_line
from skinprogress.pipeline.inspecting import find_client_face
from skinprogress.records import Landmarks, Photo, PhotoRef
from skinprogress.settings import Settings

Points = npt.NDArray[np.float64]

SIDE_PX = 1024
"""Side of the canonical frame in which faces are placed."""

_TRUTH = ".truth.json"
# What stands before the first "_" of these is no person: cameras number so, and views and visits are named so.
_NO_PERSON = re.compile(
    r"(img|dsc[a-z]*|dcim|pxl|mvimg|p\d{7}|photo|image|picture|selfie|screenshot|whatsapp|front|left|right|oblique|"
    r"profile|session|visit|base|baseline|retake)\W*\d*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Where points of the surface are seen in a photo, exactly.

    Attributes
    ----------
    vertex_xy : (n, 2) float64
        Photo px, edges at integers; row k is the same point in all photos of a folder.
    visible : (n,) bool
    iod_px : float
    """

    vertex_xy: Points
    visible: npt.NDArray[np.bool_]
    iod_px: float


@dataclass(frozen=True, slots=True, eq=False)
class SeenFace:
    """One photo's face, without its pixels."""

    ref: PhotoRef
    landmarks: Landmarks
    face_map: FaceMap
    detail: Detail
    n_px: int


def list_faces(folder: Path, *, settings: Settings) -> tuple[FolderListing, list[PhotoRef]]:
    """List the photos to validate on.

    Parameters
    ----------
    folder : Path
        A client's folder, or flat photos.
    settings : Settings

    Returns
    -------
    listing : FolderListing
    refs : list of PhotoRef
        Where ``*.truth.json`` files lie beside photos, only those that have one: the others belong to the truth.

    Raises
    ------
    UsageError
        No such folder.
    NothingMeasuredError
        No photo in it.
    """
    listing = list_folder(folder, settings=settings)
    true_folders = {ref.path.parent for ref in listing.photos if truth_path(ref).is_file()}
    refs = [ref for ref in listing.photos if ref.path.parent not in true_folders or truth_path(ref).is_file()]
    return listing, refs


def truth_path(ref: PhotoRef) -> Path:
    """The file that would state the true points of a photo."""
    return ref.path.with_name(ref.path.stem + _TRUTH)


def read_truth(ref: PhotoRef) -> Truth:
    """Read the true points of a photo.

    Raises
    ------
    UsageError
        The file is damaged, or lacks something.
    """
    path = truth_path(ref)
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        xy = np.array(stated["vertex_xy"], np.float64).reshape(-1, 2)
        visible = np.array(stated["vertex_visible"], bool)
        if len(visible) != len(xy) or not stated["iod_px"] > 0:
            raise ValueError("its lists differ in length, or iod_px is not above 0")
        return Truth(vertex_xy=xy, visible=visible, iod_px=float(stated["iod_px"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{one_line(path.name)} does not state true points ({one_line(str(error))})",
            "give vertex_xy, vertex_visible and iod_px, or take the file out",
        ) from error


def look(photo: Photo, *, settings: Settings, side_px: int = SIDE_PX) -> tuple[Landmarks, PlacedFace]:
    """Find the face of a photo and lay it into the canonical frame.

    Raises
    ------
    PhotoError
        No face, several, or too small a one.
    """
    landmarks, _ = find_client_face(photo, settings=settings)
    return landmarks, place_face(photo, landmarks, side_px=side_px)


def see_face(ref: PhotoRef, *, settings: Settings) -> tuple[SeenFace, Photo, PlacedFace]:
    """Read a photo and look at its face.

    Raises
    ------
    PhotoError
        The photo cannot be read, or shows no face that could be measured.
    """
    photo = read_photo(ref)
    landmarks, placed = look(photo, settings=settings)
    n_px = photo.pixels.shape[0] * photo.pixels.shape[1]
    return SeenFace(ref, landmarks, placed.face_map, placed.detail, n_px), photo, placed


def name_people(refs: Sequence[PhotoRef], listing: FolderListing) -> Callable[[PhotoRef], str]:
    """Tell whose photo each is: of the person before the first ``_`` of a flat name, else all of one client.

    Parameters
    ----------
    refs : sequence of PhotoRef
    listing : FolderListing

    Returns
    -------
    callable
        From photo to person.

    Notes
    -----
    The names count only if all have that form and none of their beginnings is a date, a word of the course, a view or
    a camera's prefix: a client's own photos must not be taken for different people.
    """
    stems = [ref.path.stem for ref in refs]
    beginnings = {stem.partition("_")[0] for stem in stems}
    by_name = (
        len(beginnings) >= 2
        and not any("/" in ref.file for ref in refs)
        and all(stem.partition("_")[2] for stem in stems)
        and not any(names_no_person(beginning) for beginning in beginnings)
    )
    return (lambda ref: ref.path.stem.partition("_")[0]) if by_name else (lambda _: listing.client)


def names_no_person(beginning: str) -> bool:
    """Whether the beginning of a name is a date, a word of the course, a view or a camera's prefix."""
    clues = find_clues(beginning)
    return bool(
        not beginning
        or _NO_PERSON.fullmatch(beginning)
        or find_date(beginning).day
        or clues.offset is not None
        or clues.visit is not None
    )


def group_true(faces: Sequence[SeenFace]) -> list[tuple[SeenFace, list[SeenFace]]]:
    """Photos with true points, folder by folder: the reference (``base…``, else the first), and the others."""
    folders: dict[Path, list[SeenFace]] = defaultdict(list)
    for face in faces:
        if truth_path(face.ref).is_file():
            folders[face.ref.path.parent].append(face)
    groups = []
    for members in folders.values():
        reference = next((f for f in members if f.ref.path.stem.startswith("base")), members[0])
        groups.append((reference, [f for f in members if f is not reference]))
    return groups


def group_people(
    faces: Sequence[SeenFace], person_of: Callable[[PhotoRef], str]
) -> dict[str, list[tuple[SeenFace, list[SeenFace]]]]:
    """Photos without true points, by person and there by view: the first, and the others."""
    people: dict[str, dict[str, list[SeenFace]]] = defaultdict(lambda: defaultdict(list))
    for face in faces:
        if not truth_path(face.ref).is_file():
            people[person_of(face.ref)][face.ref.view or face.landmarks.view].append(face)
    return {person: [(m[0], m[1:]) for m in views.values()] for person, views in people.items()}
