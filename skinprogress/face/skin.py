"""Which canonical px are skin that can be measured."""

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import mesh, paint, vertex_normals
from skinprogress.face.quality import rotation_from_pose
from skinprogress.face.regions import bare_face_mask

# Surface seen at more than about 66° from the normal is foreshortened beyond use.
MIN_VISIBILITY = 0.4
CLIPPED_HIGH = 0.956  # linear value of 250 in 8-bit sRGB
CLIPPED_LOW = 0.0012  # linear value of 4
# Hair, beard shadow edges and deep creases: this much darker than the skin around, natural-log units.
DARKER_THAN_SKIN = 0.65
# Shine: this much brighter than the skin around (ratio), and paler at the same time.
SHINE_BRIGHTER = 1.25
SHINE_PALER = 0.88


def estimate_visibility(pose_deg: tuple[float, float, float], side_px: int) -> npt.NDArray[np.float32]:
    """Cosine between the surface normal and the line to the camera, (S, S) float32, NaN off the face.

    From the canonical mesh turned by the pose: smoother than the landmarks' own depth, and the same for all photos.
    """
    normals = vertex_normals(mesh().vertices_cm)
    toward_camera = normals @ rotation_from_pose(pose_deg).T[:, 2]
    return paint(toward_camera, side_px)


def find_skin(
    linear_rgb: npt.NDArray[np.float32], clipped: npt.NDArray[np.bool_], visibility: npt.NDArray[np.float32]
) -> npt.NDArray[np.bool_]:
    """Usable skin: not eyes, brows, lips, nostrils; not clipped, shining, edge-on, or far darker than the skin around.

    Parameters
    ----------
    linear_rgb : (S, S, 3) float32
        Face in the canonical frame.
    clipped : (S, S) bool
        True where the photo was clipped or does not reach.
    visibility : (S, S) float32

    Returns
    -------
    (S, S) bool

    Notes
    -----
    Only darkness and shine decide, never redness: a mask that leaves out red skin would hide what is measured.
    """
    side = linear_rgb.shape[0]
    with np.errstate(invalid="ignore"):
        candidate = bare_face_mask(side) & (visibility >= MIN_VISIBILITY)
    skin = candidate & ~clipped
    if not skin.any():
        return skin
    # The two decisions are about patches of millimetres: a quarter of the resolution is enough.
    small = side // 4
    shrunk = np.asarray(cv2.resize(linear_rgb, (small, small), interpolation=cv2.INTER_AREA), np.float32)
    inside = cv2.resize(skin.astype(np.float32), (small, small), interpolation=cv2.INTER_AREA) > 0.99
    keep = ~_is_dark(shrunk, inside) & ~_is_shiny(shrunk, inside)
    kept = cv2.resize(keep.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR) > 0.75
    return np.asarray(skin & kept)


def _masked_blur(plane: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_], sigma: float) -> npt.NDArray[np.float32]:
    weight = mask.astype(np.float32)
    total = cv2.GaussianBlur(plane * weight, (0, 0), sigma)
    return np.asarray(total / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3), np.float32)


def _is_dark(linear_rgb: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    log = np.log(np.maximum(linear_rgb[..., 1], 1e-3)).astype(np.float32)
    side = log.shape[0]
    kept = inside & (log > np.median(log[inside]) - 2.0) if inside.any() else inside
    dark = np.zeros_like(inside)
    for _ in range(3):  # hair pulls the mean down at first; without it more of it is found
        dark = inside & (log < _masked_blur(log, kept, side / 12) - DARKER_THAN_SKIN)
        kept = inside & ~dark
    grown = cv2.dilate(dark.astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(grown > 0)


def _is_shiny(linear_rgb: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    luminance = linear_rgb[..., 1].astype(np.float32)
    high = linear_rgb.max(axis=2)
    saturation = (1.0 - linear_rgb.min(axis=2) / np.maximum(high, 1e-3)).astype(np.float32)
    sigma = luminance.shape[0] / 25
    brighter = luminance > SHINE_BRIGHTER * _masked_blur(luminance, inside, sigma)
    paler = saturation < SHINE_PALER * _masked_blur(saturation, inside, sigma)
    grown = cv2.dilate((brighter & paler & inside).astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(grown > 0)
