"""Looking at one photo: landmarks, view, pose, quality, found references of colour; small, no pixels kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skinprogress.color.cards import read_card
from skinprogress.color.patches import read_patch
from skinprogress.color.surroundings import is_colorless, sample_background
from skinprogress.errors import PhotoError
from skinprogress.face.landmarks import find_landmarks
from skinprogress.face.quality import (
    MIN_CAMERA_DISTANCE_CM,
    estimate_face_size,
    eyes_are_open,
    measure_iris_px,
    measure_sharpness,
)
from skinprogress.face.regions import FACE_OVAL
from skinprogress.photos.picture_print import picture_print
from skinprogress.photos.reading import read_photo, to_srgb8
from skinprogress.records import Flag, Inspection, Landmarks, Photo, PhotoRef
from skinprogress.settings import Settings
from skinprogress.store import Store

_DETECTION_SIDE = 1280
_PRINT_SIDE = 256


def inspect_photo(ref: PhotoRef, *, settings: Settings, store: Store | None = None) -> Inspection:
    """Look at one photo: face, pose, quality, background.

    Parameters
    ----------
    ref : PhotoRef
    settings : Settings
    store : Store, optional
        Remembers what was seen in a photo of the same content.

    Returns
    -------
    Inspection

    Raises
    ------
    PhotoError
        The photo cannot be read, shows no face that could be measured, or the wrong number of them.
    """
    if store is None or not ref.sha256:
        return _inspect(ref, settings)
    bare = bare_ref(ref)

    def look() -> Inspection:
        with store.handling(ref.file, ref.sha256):
            return replace(_inspect(replace(bare, path=ref.path, file=ref.file), settings), ref=bare)

    parts = (bare, ref.path.suffix.lower(), settings.hash)
    return refer_to(store.remember("look", parts, look), ref)


def bare_ref(ref: PhotoRef) -> PhotoRef:
    """What of a reference to a photo bears on its pixels: content and how it is to be read, no names, no times."""
    return PhotoRef(
        path=Path(),
        file="",
        client="",
        session="",
        sha256=ref.sha256,
        mirrored=ref.mirrored,
        patch=ref.patch,
        patch_reflectance=ref.patch_reflectance,
        face_index=ref.face_index,
        flags=ref.flags & Flag.MIRRORED_FOUND,
    )


def refer_to(found: Inspection, ref: PhotoRef) -> Inspection:
    """What was seen in a photo, as seen in the photo that a reference names."""
    return replace(found, ref=ref, flags=found.flags | ref.flags)


def _inspect(ref: PhotoRef, settings: Settings) -> Inspection:
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
        picture_print=picture_print(to_srgb8(photo, max_side=_PRINT_SIDE)),
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
    small, scale = detection_picture(photo)
    landmarks, n_faces = find_landmarks(small, scale=scale, face_index=photo.ref.face_index)
    if landmarks.iod_px < settings.min_iod_px:
        raise PhotoError(
            "face_too_small",
            f"the eyes are {landmarks.iod_px:.0f} px apart and need {settings.min_iod_px:.0f}",
            "move closer or send the photo in its original size, not a preview",
        )
    return landmarks, n_faces


def detection_picture(photo: Photo) -> tuple[npt.NDArray[np.uint8], float]:
    """What the landmark model looks at, and photo px per px of it."""
    small = to_srgb8(photo, max_side=_DETECTION_SIDE)
    return small, photo.pixels.shape[1] / small.shape[1]
