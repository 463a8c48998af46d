"""Figures that say how well a photo suits: sharpness, eyes, iris size, face size, camera distance."""

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import STABLE_POINTS, mesh
from skinprogress.face.regions import BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, LIPS
from skinprogress.records import Landmarks

IRIS_MM = 11.7
"""Visible horizontal iris diameter, mm; standard deviation 0.42 mm between people (Rüfer, Schröder, Erb 2005)."""
IRIS_READS_LARGE = 1.06
"""The landmark ring is 4–8 % larger than the iris (measured); the middle is taken out."""
IRIS_RELATIVE_SE = float(np.hypot(0.42 / 11.7, 0.02))
MIN_IRIS_PX = 20.0
MESH_MM_PER_CM = 9.85
"""Millimetres per centimetre of the canonical mesh of an average adult: used only where no iris can be measured."""
MESH_RELATIVE_SE = 0.08
MIN_CAMERA_DISTANCE_CM = 36.0
"""Nearer cameras are told of; the estimate reads 32 at a true 15 cm and 38 at 30 cm."""
_SHARPNESS_IOD_PX = 240.0


def rotation_from_pose(pose_deg: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    """Rotation (3, 3) of the canonical mesh for yaw, pitch and roll; x right, y up, z toward the camera."""
    yaw, pitch, roll = np.radians(pose_deg)
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


def estimate_face_size(landmarks: Landmarks) -> tuple[float, float]:
    """Photo px per canonical centimetre, and the camera distance in canonical centimetres.

    Parameters
    ----------
    landmarks : Landmarks

    Returns
    -------
    px_per_cm : float
        At the mean depth of the stable landmarks.
    distance_cm : float
        Distance of the camera, from how much nearer parts are enlarged; infinite where they are not. The landmark
        model smooths this away in part: good for telling 15 cm from 60 cm, not 40 from 50.

    Notes
    -----
    Linear least squares of a weak-perspective camera with one more term for depth, on landmarks that expression moves
    least and the outline landmarks.
    """
    rigid = mesh().vertices_cm.astype(np.float64) @ rotation_from_pose(landmarks.pose_deg).T
    stable = list(STABLE_POINTS)
    centre = rigid[stable].mean(axis=0)
    model = (rigid - centre) * np.array([1.0, -1.0, 1.0])  # photo y grows downward
    px_per_cm = _fit_scale(model[stable], landmarks.points_xy[stable])[0]
    near_and_far = [*stable, 127, 356, 234, 454, 93, 323, 132, 361, 10, 152]
    scale, slope = _fit_scale(model[near_and_far], landmarks.points_xy[near_and_far])
    return px_per_cm, float(scale / slope) if slope > 1e-6 * scale else float("inf")


def _fit_scale(model: npt.NDArray[np.float64], points_xy: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Scale s and its growth with depth k in xy = s·XY + k·Z·XY + shift + Z·drift."""
    n = len(model)
    design = np.zeros((2 * n, 6))
    for axis in range(2):
        rows = slice(axis * n, (axis + 1) * n)
        design[rows, 0] = model[:, axis]
        design[rows, 1] = model[:, axis] * model[:, 2]
        design[rows, 2 + axis] = 1.0
        design[rows, 4 + axis] = model[:, 2]
    solution = np.linalg.lstsq(design, points_xy.T.ravel(), rcond=None)[0]
    return float(solution[0]), float(solution[1])


def measure_iris_px(landmarks: Landmarks) -> float:
    """Mean horizontal diameter of the two irises, photo px."""
    p = landmarks.points_xy
    return float((np.hypot(*(p[469] - p[471])) + np.hypot(*(p[474] - p[476]))) / 2.0)


def eyes_are_open(landmarks: Landmarks) -> bool:
    """Whether both irises can be seen well enough to be measured."""
    p = landmarks.points_xy
    openings = [np.hypot(*(p[159] - p[145])), np.hypot(*(p[386] - p[374]))]
    blink = max(landmarks.blendshapes.get("eyeBlinkLeft", 0.0), landmarks.blendshapes.get("eyeBlinkRight", 0.0))
    return bool(min(openings) > 0.35 * measure_iris_px(landmarks) and blink < 0.6)


def measure_sharpness(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], landmarks: Landmarks) -> float:
    """How crisp the edges of eyes, brows and lips are, dimensionless; about 1 (very soft) to 3 (crisp).

    Parameters
    ----------
    pixels : (H, W, 3) uint8 or uint16
        RGB as stored.
    landmarks : Landmarks

    Returns
    -------
    float
        95th percentile of the gradient of log-lightness at 0.4 % IOD, over the same at 1.7 % IOD.

    Notes
    -----
    Taken on eyes, brows and lips and not on skin: a treatment changes skin texture, and must not look like a change of
    focus.
    """
    p = landmarks.points_xy
    low = np.maximum(np.floor(p.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(p.max(axis=0)).astype(int), [pixels.shape[1], pixels.shape[0]])
    if (high - low < 16).any():
        return float("nan")
    green = np.ascontiguousarray(pixels[low[1] : high[1], low[0] : high[0], 1])
    grey = np.asarray(green if green.dtype == np.uint8 else green // 256, np.uint8)
    zoom = _SHARPNESS_IOD_PX / landmarks.iod_px
    size = max(16, round(grey.shape[1] * zoom)), max(16, round(grey.shape[0] * zoom))
    sized = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC)
    log = np.log(np.asarray(sized, np.float32) + 8.0)
    where = _feature_mask(p - low, zoom, log.shape)
    if not where.any():
        return float("nan")
    fine, coarse = (_gradient(log, sigma)[where] for sigma in (1.0, 4.0))
    return float(np.percentile(fine, 95)) / max(float(np.percentile(coarse, 95)), 1e-6)


def _gradient(image: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    smooth = cv2.GaussianBlur(image, (0, 0), sigma)
    return np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8))


def _feature_mask(p: npt.NDArray[np.float64], zoom: float, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    mask = np.zeros(shape, np.uint8)
    for indices in (EYE_RIGHT, EYE_LEFT, BROW_RIGHT, BROW_LEFT, LIPS):
        hull = cv2.convexHull(np.round(p[list(indices)] * zoom).astype(np.int32))
        cv2.fillConvexPoly(mask, hull, 1)
    return np.asarray(cv2.dilate(mask, np.ones((9, 9), np.uint8)) > 0)
