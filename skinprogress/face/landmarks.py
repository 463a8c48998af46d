"""Find the face and its 478 landmarks: the only place that imports mediapipe."""

import os
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.errors import PhotoError
from skinprogress.records import Landmarks, View

MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
MAX_FACES = 5
# A second face this large beside the first means that nobody can say which one is meant.
DOMINANT_RATIO = 1.3
_JITTERED = 8
_JITTER_SEED = 7
_STDERR_LOCK = threading.Lock()
# One model a process, and one photo at a time in it.
_MODEL_LOCK = threading.Lock()


def model_path() -> Path:
    """Path of the landmark model that ships with the package."""
    return Path(str(files("skinprogress.face") / "model" / "face_landmarker.task"))


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Silence what the model's C++ runtime prints while it starts; Python's own stderr is kept by a lock.

    What was printed is passed on when the block fails, since it may say why.
    """
    with _STDERR_LOCK, tempfile.TemporaryFile() as sink:
        saved = os.dup(2)
        os.dup2(sink.fileno(), 2)
        try:
            yield
        except BaseException:
            sink.seek(0)
            os.write(saved, sink.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


@lru_cache(maxsize=1)
def _detector() -> Any:
    """The landmark model, loaded once per process and closed at exit."""
    with _quiet_stderr(), ThreadPoolExecutor(1) as aside:
        # Where no sound library is installed mediapipe keeps that error, and with it all frames that were running when
        # it was imported: in a thread of its own the first photo is in none of them.
        aside.submit(import_module, "mediapipe.tasks.python.vision").result()
        from mediapipe.tasks.python import BaseOptions
        from mediapipe.tasks.python.vision import FaceLandmarker, FaceLandmarkerOptions

        options = FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=model_path().read_bytes()),
            num_faces=MAX_FACES,
            min_face_detection_confidence=0.5,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        detector = FaceLandmarker.create_from_options(options)
        blank = np.zeros((64, 64, 3), np.uint8)
        _detect(detector, blank)  # the first call is the noisy one
    # The model closes through a thread pool, which is gone by the time that atexit runs.
    threading._register_atexit(detector.close)  # type: ignore[attr-defined]
    return detector


def _detect(detector: Any, rgb: npt.NDArray[np.uint8]) -> Any:
    from mediapipe import Image, ImageFormat

    return detector.detect(Image(image_format=ImageFormat.SRGB, data=np.ascontiguousarray(rgb)))


def pose_from_matrix(matrix: npt.NDArray[Any]) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees from the model's face-to-camera matrix.

    Parameters
    ----------
    matrix : (4, 4) array
        Face to camera; x to the right of the photo, y up, z toward the camera.

    Returns
    -------
    yaw, pitch, roll : float
        Yaw positive: the client turns to their own left (the nose points to the right of the photo). Pitch positive:
        chin up. Roll positive: clockwise in the photo.

    Examples
    --------
    >>> pose_from_matrix(np.eye(4))
    (0.0, 0.0, 0.0)
    """
    r = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    forward, right = r[:, 2], r[:, 0]  # where the nose points; where the client's left ear points
    yaw = np.degrees(np.arctan2(forward[0], forward[2]))
    pitch = np.degrees(np.arcsin(np.clip(forward[1], -1.0, 1.0)))
    roll = np.degrees(np.arctan2(-right[1], right[0]))
    return float(yaw) + 0.0, float(pitch) + 0.0, float(roll) + 0.0


def view_from_yaw(yaw_deg: float) -> View:
    """Name the view by the yaw: front to 25°, oblique to 60°, profile beyond.

    Examples
    --------
    >>> view_from_yaw(3.0), view_from_yaw(45.0), view_from_yaw(-80.0)
    ('front', 'left_oblique', 'right_profile')
    """
    size = abs(yaw_deg)
    if size <= 25.0:
        return "front"
    # A client who turns to their own left shows the right cheek; the view is named by the way the face points.
    if yaw_deg > 0:
        return "left_oblique" if size <= 60.0 else "left_profile"
    return "right_oblique" if size <= 60.0 else "right_profile"


def find_faces(rgb: npt.NDArray[np.uint8], *, scale: float = 1.0) -> list[Landmarks]:
    """Find all faces, the largest first.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        sRGB, upright.
    scale : float
        Factor from px of ``rgb`` to px of the photo in which the points are returned.

    Returns
    -------
    list of Landmarks

    References
    ----------
    Grishchenko et al. 2020, "Attention Mesh: High-fidelity Face Mesh Prediction in Real-time"; model card
    "MediaPipe Face Mesh V2": mean error 2.6 % of the interocular distance, as large as between human annotators.
    """
    with _MODEL_LOCK:
        result = _detect(_detector(), rgb)
    height, width = rgb.shape[:2]
    found = []
    for points, shapes, matrix in zip(
        result.face_landmarks, result.face_blendshapes, result.facial_transformation_matrixes, strict=True
    ):
        xyz = np.array([(p.x * width, p.y * height, p.z * width) for p in points], np.float64) * scale
        pose = pose_from_matrix(np.asarray(matrix, np.float64))
        found.append(
            Landmarks(
                points_xy=xyz[:, :2].copy(),
                depth=xyz[:, 2].copy(),
                pose_deg=pose,
                blendshapes={s.category_name: float(s.score) for s in shapes if s.category_name != "_neutral"},
                view=view_from_yaw(pose[0]),
            )
        )
    return sorted(found, key=_size, reverse=True)


def _size(face: Landmarks) -> float:
    """Geometric size of a face, px; unlike the IOD it does not shrink when the head turns."""
    return float(np.sqrt(np.prod(np.ptp(face.points_xy, axis=0))))


def find_landmarks(
    rgb: npt.NDArray[np.uint8], *, scale: float = 1.0, face_index: int | None = None
) -> tuple[Landmarks, int]:
    """Find the landmarks of the one face that is meant.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        sRGB, upright; about 1280 px on the longer side is enough, the model looks at 256 px of the face.
    scale : float
        Factor from px of ``rgb`` to px of the returned points.
    face_index : int or None
        Which face, counted from the largest (0); None takes the largest if it clearly dominates.

    Returns
    -------
    landmarks : Landmarks
    n_faces : int

    Raises
    ------
    PhotoError
        ``no_face`` or ``several_faces``.
    """
    faces = find_faces(rgb, scale=scale)
    if not faces:
        faces = _find_with_margin(rgb, scale=scale)
    if not faces:
        raise PhotoError(
            "no_face",
            "no face was found in the photo",
            "photograph the whole face, upright and from the front, in even light, with nothing in front of it",
        )
    if face_index is not None:
        if face_index >= len(faces):
            raise PhotoError(
                "no_such_face",
                f"the course file asks for face {face_index + 1}, and the photo shows {len(faces)}",
                "count the faces from the largest, starting at 1",
            )
        return faces[face_index], len(faces)
    if len(faces) > 1 and _size(faces[0]) < DOMINANT_RATIO * _size(faces[1]):
        raise PhotoError(
            "several_faces",
            f"{len(faces)} faces of about the same size are in the photo",
            "crop the photo to the client, or name the one that is meant with `face = 1` (the largest) in course.toml",
        )
    return faces[0], len(faces)


def steady_landmarks(
    rgb: npt.NDArray[np.uint8], landmarks: Landmarks, *, scale: float = 1.0
) -> tuple[Landmarks, float]:
    """Average the landmarks over eight more detections, each in a slightly turned, scaled and shifted copy.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        As given to :func:`find_landmarks`.
    landmarks : Landmarks
        What it found there.
    scale : float

    Returns
    -------
    landmarks : Landmarks
        With averaged points, depth and all else as found.
    scatter : float
        How far the detections lie from their mean, median over the points, % of the IOD: 0.3–0.8 on good photos.
        Infinite where the face was found again in less than half of the copies.
    """
    rng = np.random.default_rng(_JITTER_SEED)
    height, width = rgb.shape[:2]
    middle = landmarks.points_xy.mean(axis=0) / scale
    reach = 0.1 * landmarks.iod_px / scale
    points = [landmarks.points_xy]
    for _ in range(_JITTERED):
        centre = float(middle[0]), float(middle[1])
        turn = np.asarray(cv2.getRotationMatrix2D(centre, rng.uniform(-6, 6), rng.uniform(0.85, 1.0)), np.float64)
        turn[:, 2] += rng.uniform(-reach, reach, 2)
        copy = cv2.warpAffine(rgb, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        back = np.asarray(cv2.invertAffineTransform(turn))
        # Ours have px edges at integers, OpenCV's px centres.
        found = [(f.points_xy - 0.5) @ back[:, :2].T + back[:, 2] + 0.5 for f in find_faces(np.asarray(copy, np.uint8))]
        near = [p for p in found if np.hypot(*(p.mean(axis=0) - middle)) < reach]
        points += [p * scale for p in near[:1]]
    mean = np.mean(points, axis=0)
    if len(points) <= _JITTERED // 2:
        return landmarks, float("inf")
    away = np.sqrt(((np.array(points) - mean) ** 2).sum(axis=2).mean(axis=0))
    return replace(landmarks, points_xy=mean), float(np.median(away)) / landmarks.iod_px * 100.0


def _find_with_margin(rgb: npt.NDArray[np.uint8], *, scale: float) -> list[Landmarks]:
    """Look once more with a border around the photo: a face that fills the frame is missed without one."""
    pad = max(rgb.shape[:2]) // 3
    padded = cv2.copyMakeBorder(rgb, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=(127, 127, 127))
    faces = find_faces(np.asarray(padded, np.uint8), scale=scale)
    shifted = []
    for face in faces:
        shifted.append(
            Landmarks(
                points_xy=face.points_xy - pad * scale,
                depth=face.depth,
                pose_deg=face.pose_deg,
                blendshapes=face.blendshapes,
                view=face.view,
            )
        )
    return shifted
