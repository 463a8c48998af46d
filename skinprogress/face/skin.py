"""Which canonical px are skin that can be measured."""

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import mesh, paint, vertex_normals
from skinprogress.face.quality import rotation_from_pose
from skinprogress.face.regions import bare_face_mask

# Surface seen at more than about 66° from the normal is foreshortened beyond use.
MIN_VISIBILITY = 0.4
# Hair, beard shadow edges and deep creases: this much darker than the skin around, natural-log units.
DARKER_THAN_SKIN = 0.65
DARKER_IN_RED = 0.3
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
    # The two decisions are about patches of millimetres: a coarse picture is enough.
    small = min(256, side)
    shrunk = np.asarray(cv2.resize(linear_rgb, (small, small), interpolation=cv2.INTER_AREA), np.float32)
    inside = cv2.resize(skin.astype(np.float32), (small, small), interpolation=cv2.INTER_AREA) > 0.99
    keep = ~_is_dark(shrunk, inside) & ~_is_shiny(shrunk, inside)
    keep &= _without_islands(keep & inside) | ~inside
    kept = cv2.resize(keep.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR) > 0.75
    return np.asarray(skin & kept)


def _without_islands(skin: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Drop patches that are cut off and smaller than a hundredth of the face: skin seen through hair."""
    n_labels, labels, stats, _ = cv2.connectedComponentsWithStats(skin.astype(np.uint8), connectivity=4)
    large = stats[:, cv2.CC_STAT_AREA] >= 0.01 * skin.sum()
    large[0] = False
    return np.asarray(large[labels]) if n_labels > 1 else skin


def _masked_blur(plane: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_], sigma: float) -> npt.NDArray[np.float32]:
    weight = mask.astype(np.float32)
    total = cv2.GaussianBlur(plane * weight, (0, 0), sigma)
    return np.asarray(total / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3), np.float32)


def _is_dark(linear_rgb: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    red, log = (np.log(np.maximum(linear_rgb[..., c], 1e-3)).astype(np.float32) for c in (0, 1))
    side = log.shape[0]
    kept = inside & (log > np.median(log[inside]) - 2.0) if inside.any() else inside
    dark = np.zeros_like(inside)
    for _ in range(3):  # hair pulls the mean down at first; without it more of it is found
        dark = inside & (log < _masked_blur(log, kept, side / 12) - DARKER_THAN_SKIN)
        # Blood takes green away and hardly any red: what is dark in green alone is red skin, and stays.
        dark &= red < _masked_blur(red, kept, side / 12) - DARKER_IN_RED
        kept = inside & ~dark
    grown = cv2.dilate(dark.astype(np.uint8), np.ones((3, 3), np.uint8))
    # What shows between strands of hair is not skin worth measuring.
    gap = 2 * round(side / 40) + 1
    closed = cv2.morphologyEx(grown, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (gap, gap)))
    return np.asarray(closed > 0)


def _is_shiny(linear_rgb: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    # The red channel: blood hardly darkens it, so pale skin beside red skin does not pass for shine.
    luminance = np.ascontiguousarray(linear_rgb[..., 0], np.float32)
    red, green, blue = cv2.split(linear_rgb)
    lowest, highest = cv2.min(cv2.min(red, green), blue), cv2.max(cv2.max(red, green), blue)
    saturation = (1.0 - np.asarray(lowest) / np.maximum(highest, 1e-3)).astype(np.float32)
    sigma = luminance.shape[0] / 25
    brighter = luminance > SHINE_BRIGHTER * _masked_blur(luminance, inside, sigma)
    paler = saturation < SHINE_PALER * _masked_blur(saturation, inside, sigma)
    grown = cv2.dilate((brighter & paler & inside).astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(grown > 0)
