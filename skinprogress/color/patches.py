"""The colour reference for those without a card: a grey or white object of known reflectance."""

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import apply_curve
from skinprogress.color.surroundings import FROM_OPPONENT
from skinprogress.records import ColorCorrection, FloatArray, PatchReading, Photo

_MIN_PX = 64
_MAX_SCATTER = 0.15
# A piece of paper or cloth is not quite neutral and not lit quite as the face, and the camera's tone curve and
# saturation between grey and skin are not known: natural log of green, red over green, blue over green.
_SD = np.array([0.08, 0.030, 0.035])
# No white balance is so far off; skin is, by 0.5 to 0.9 in red over green.
_MOST_COLOR = 0.45


def read_patch(photo: Photo, outline_xy: npt.NDArray[np.float64]) -> PatchReading | None:
    """Read the grey or white object that the user pointed at.

    Parameters
    ----------
    photo : Photo
        With ``ref.patch``, (x, y, width, height) in px of the upright photo.
    outline_xy : (n, 2) float64
        Outline of the face, photo px: what is measured must not be what colours are matched on.

    Returns
    -------
    PatchReading or None
        None where the user pointed at nothing.
    """
    if photo.ref.patch is None:
        return None
    x, y, width, height = photo.ref.patch
    rows, cols = photo.pixels.shape[:2]
    if photo.ref.mirrored:
        # The user measured on the file as it is shown, the photo is flipped back.
        x = cols - x - width
    inside = x >= 0 and y >= 0 and x + width <= cols and y + height <= rows
    stored = photo.pixels[max(y, 0) : y + height, max(x, 0) : x + width].reshape(-1, 3)
    if len(stored) < _MIN_PX or not inside:
        where = "lies outside the photo" if not inside else "is too small"
        return _reading(photo, np.full(3, np.nan), np.nan, f"the patch at {photo.ref.patch} {where}")
    linear = apply_curve(stored, photo.curve)
    corners = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)
    on_face, _ = cv2.intersectConvexConvex(corners, cv2.convexHull(outline_xy.astype(np.float32)))
    clipped = (linear > 0.93).any(axis=1).mean()
    median = np.median(linear, axis=0)
    scatter = 1.4826 * float(np.median(np.abs(linear[:, 1] - median[1]))) / max(float(median[1]), 1e-3)
    value = photo.matrix @ median
    problem = ""
    if on_face > 0.02 * width * height:
        problem = "the patch lies on the face"
    elif clipped > 0.05:
        problem = "the patch is over-exposed"
    elif median.min() < 0.01:
        problem = "the patch is too dark"
    elif scatter > _MAX_SCATTER:
        problem = "the patch is not of one colour: other things or a shadow are within its frame"
    elif np.abs(np.log(value / value[1])).max() > _MOST_COLOR:
        problem = "the patch is coloured (skin?): it must lie on something white or grey"
    return _reading(photo, value, scatter, problem)


def _reading(photo: Photo, value: FloatArray, scatter: float, problem: str) -> PatchReading:
    return PatchReading(
        linear_rgb=np.asarray(value, np.float32),
        scatter=scatter,
        reflectance=photo.ref.patch_reflectance,
        problem=problem,
    )


def fit_patch(reading: PatchReading) -> ColorCorrection | str:
    """Exposure and white balance that give the object its reflectance.

    Parameters
    ----------
    reading : PatchReading

    Returns
    -------
    ColorCorrection or str
        Toward true colours as far as gains can take them; or why the object cannot be used.
    """
    if reading.problem:
        return reading.problem
    return ColorCorrection(
        rung="patch",
        anchor="patch",
        matrix=np.eye(3, dtype=np.float32),
        gains=np.asarray(reading.reflectance / reading.linear_rgb, np.float32),
        residual_delta_e=0.0,
        log_gain_covariance=FROM_OPPONENT @ np.diag(_SD**2) @ FROM_OPPONENT.T,
        relative_redness_se=0.003,
        reason=f"white-balanced on the patch, {reading.reflectance:.0%} reflectance",
    )
