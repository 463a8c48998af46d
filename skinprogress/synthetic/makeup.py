"""Make-up and shine of known strength, painted on a face in the canonical frame."""

from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import DENSITY_FLOOR
from skinprogress.face.makeup import lid_masks, lip_masks
from skinprogress.face.regions import OUTLINE_UNIT, bare_face_mask
from skinprogress.synthetic.changes import DIRECTIONS
from skinprogress.synthetic.surface import CANONICAL_PX_PER_MM

FloatMap = npt.NDArray[np.float32]
ShinePlace = Literal["forehead", "nose", "cheeks"]

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
# Haemoglobin, melanin and shading in −ln linear R, G, B.
_AXES = np.array([DIRECTIONS["haemoglobin"], DIRECTIONS["melanin"], (1.0, 1.0, 1.0)])
# Shading finer than this is relief: pores and lines, which foundation fills.
_RELIEF_MM = 1.5
_EDGE_MM = 1.0
# Middles in units of 1/1092 of the frame, on the client's right half.
_APPLE = (268.0, 610.0)
_SHINE: dict[ShinePlace, tuple[float, float]] = {
    "forehead": (546.0, 195.0),
    "nose": (546.0, 500.0),
    "cheeks": (320.0, 560.0),
}


def paint_foundation(
    linear_rgb: npt.NDArray[np.floating], skin: npt.NDArray[np.bool_], *, opacity: float, relief_hidden: float = 0.5
) -> FloatMap:
    """Even out the pigment of the skin under a layer of its own median colour.

    Parameters
    ----------
    linear_rgb : (S, S, 3) float
        Face in the canonical frame, linear sRGB.
    skin : (S, S) bool
        Whose median the layer takes.
    opacity : float
        0..1: the share by which haemoglobin and melanin come nearer to their medians.
    relief_hidden : float
        The share of the opacity by which shading finer than 1.5 mm is damped; all other shading stays.

    Returns
    -------
    (S, S, 3) float32
        A new array; eyes, brows, lips and nostrils are left as they are, but for an edge 1 mm soft.

    Notes
    -----
    Light that the surface mirrors is evened out with the rest, as by a matt powder.
    """
    image = np.asarray(linear_rgb, np.float32)
    side = image.shape[0]
    density = -np.log(np.maximum(image, np.float32(DENSITY_FLOOR)))
    amounts = density @ np.linalg.inv(_AXES).astype(np.float32)
    even = amounts.copy()
    even[..., :2] += np.float32(opacity) * (np.median(amounts[skin][:, :2], axis=0) - amounts[..., :2])
    sigma = _RELIEF_MM / 2.0 * CANONICAL_PX_PER_MM * side
    weight = bare_face_mask(side).astype(np.float32)
    reach = np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3)
    smooth = cv2.GaussianBlur(amounts[..., 2] * weight, (0, 0), sigma) / reach
    even[..., 2] += np.float32(opacity * relief_hidden) * (smooth - amounts[..., 2])
    covered = _soft(weight, _EDGE_MM)[..., None]
    return np.asarray(image * np.exp(-covered * ((even - amounts) @ _AXES.astype(np.float32))), np.float32)


def paint_color(
    linear_rgb: npt.NDArray[np.floating],
    weight: npt.NDArray[np.floating],
    *,
    color: tuple[float, float, float],
    opacity: float,
) -> FloatMap:
    """Lay a coloured film over part of a face; its shading stays.

    Parameters
    ----------
    linear_rgb : (S, S, 3) float
    weight : (S, S) float
        Where, 0..1: :func:`lid_weight`, :func:`lip_weight`, :func:`blush_weight`.
    color : (float, float, float)
        Linear sRGB of the opaque film in the mean light on the weighted px.
    opacity : float
        0..1.

    Returns
    -------
    (S, S, 3) float32
        A new array.
    """
    image = np.asarray(linear_rgb, np.float32)
    weight = np.asarray(weight, np.float32)
    luminance = image @ _LUMINANCE
    mean = float((luminance * weight).sum() / max(float(weight.sum()), 1e-6))
    film = (luminance / max(mean, 1e-6))[..., None] * np.array(color, np.float32)
    share = np.float32(opacity) * weight[..., None]
    return np.asarray(image + share * (film - image), np.float32)


def paint_veil(linear_rgb: npt.NDArray[np.floating], weight: npt.NDArray[np.floating], *, share: float) -> FloatMap:
    """Mix white light into part of a face, as soft shine does.

    Parameters
    ----------
    linear_rgb : (S, S, 3) float
    weight : (S, S) float
        Where, 0..1: :func:`shine_weight`.
    share : float
        0..1: share of white (1, 1, 1) where the weight is 1.

    Returns
    -------
    (S, S, 3) float32
        A new array.
    """
    image = np.asarray(linear_rgb, np.float32)
    return image + np.float32(share) * np.asarray(weight, np.float32)[..., None] * (1.0 - image)


def lid_weight(side_px: int) -> FloatMap:
    """Both upper lids up to the rim of the socket, with soft edges, (S, S) float32."""
    right, left = lid_masks(side_px)
    return _soft((right | left).astype(np.float32), _EDGE_MM)


def lip_weight(side_px: int) -> FloatMap:
    """Both lips, (S, S) float32, with an edge as sharp as that of a lipstick."""
    upper, lower = (mask.astype(np.uint8) for mask in lip_masks(side_px))
    # Out to the edge of the lips again, and over the line between them.
    size = 2 * round(0.008 * side_px) + 1
    return _soft(cv2.dilate(upper | lower, np.ones((size, size), np.uint8)).astype(np.float32), 0.5)


def blush_weight(side_px: int, *, width_mm: float = 28.0) -> FloatMap:
    """Both cheeks, a round patch each that fades to half at ``width_mm`` / 2 from its middle, (S, S) float32."""
    return _blobs(_APPLE, width_mm, side_px)


def shine_weight(side_px: int, place: ShinePlace, *, width_mm: float = 20.0) -> FloatMap:
    """Forehead, nose or both cheeks, where a lamp near the camera is mirrored, (S, S) float32; width as for blush."""
    return _blobs(_SHINE[place], width_mm, side_px)


def _blobs(middle: tuple[float, float], width_mm: float, side_px: int) -> FloatMap:
    sigma = width_mm / 2.355 * CANONICAL_PX_PER_MM * side_px
    x, y = (value / OUTLINE_UNIT * side_px for value in middle)
    along = np.arange(side_px, dtype=np.float32) + 0.5
    down = np.exp(-((along - y) ** 2) / (2 * sigma**2))
    across = np.exp(-((along - x) ** 2) / (2 * sigma**2))
    return np.asarray(down[:, None] * np.maximum(across, across[::-1])[None], np.float32)


def _soft(weight: FloatMap, edge_mm: float) -> FloatMap:
    sigma = edge_mm / 2.0 * CANONICAL_PX_PER_MM * weight.shape[0]
    return np.asarray(cv2.GaussianBlur(weight, (0, 0), max(sigma, 0.3)), np.float32)
