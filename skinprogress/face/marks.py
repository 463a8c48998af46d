"""Marks: places of the skin that the user outlined in one photo, carried to the canonical frame of all photos.

What a person points at is counted in the upright photo as any viewer shows it. Pixels are read upright too, but those
of a mirrored photo are flipped back: :func:`as_read` takes points along.
"""

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import raster
from skinprogress.face.mapping import FaceMap
from skinprogress.face.regions import bare_face_mask

Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float64]

# The outline is drawn finer than photo and frame, so that its edges fall between their px: longer side of the drawing,
# px, and its px per photo px at most.
_DRAWN_PX = 2000
_MAX_ZOOM = 16.0


def as_read(points_xy: npt.ArrayLike, *, mirrored: bool, width_px: int) -> Points:
    """Where points of a photo as viewers show it lie in its pixels as they are read.

    Parameters
    ----------
    points_xy : (n, 2) array_like
        Photo px, edges at integers: (0, 0) is the top left corner of the upright photo.
    mirrored : bool
        ``PhotoRef.mirrored`` of the reference that the photo is read with: declared, or found out since.
    width_px : int
        Width of the upright photo.

    Returns
    -------
    (n, 2) float64

    Notes
    -----
    Viewers turn photos upright by the same tag that is followed here, so rotation needs nothing more. Camera RAW is the
    exception: some viewers show the small preview inside the file, with px of its own.

    Examples
    --------
    >>> as_read([[10, 20]], mirrored=True, width_px=100)
    array([[90., 20.]])
    """
    points = np.array(points_xy, np.float64).reshape(-1, 2)
    if mirrored:
        points[:, 0] = width_px - points[:, 0]
    return points


def mark_mask(polygon_xy: npt.ArrayLike, face_map: FaceMap, side_px: int) -> Mask:
    """Carry an outline from one photo to the canonical frame, where it serves for every photo of the view.

    Parameters
    ----------
    polygon_xy : (n, 2) array_like
        Corners, px of the photo as it is read (see :func:`as_read`), edges at integers.
    face_map : FaceMap
        Of the photo that was outlined, refined where it was registered.
    side_px : int
        Side S of the canonical frame.

    Returns
    -------
    (S, S) bool
        Px whose middle lies inside the outline, skin or not; none off the face. Empty where the outline does not touch
        the face.

    Notes
    -----
    As exact as the map: within about half a millimetre for photos registered on the skin's own detail, one to two for
    landmarks alone, so that a mark of 3 mm may miss by half its width where the registration was refused.
    """
    corners = np.array(polygon_xy, np.float64).reshape(-1, 2)
    mask = np.zeros((side_px, side_px), bool)
    xy = face_map.over_frame(side_px)
    room = 2.0 * max(float(np.abs(np.diff(xy, axis=axis)).max()) for axis in (0, 1))
    near = cv2.inRange(xy, tuple(corners.min(axis=0) - room), tuple(corners.max(axis=0) + room))
    x, y, width, height = cv2.boundingRect(near)
    if not width:
        return mask
    box = slice(y, y + height), slice(x, x + width)
    drawing, low, zoom = _draw_outline(corners)
    at = np.asarray((xy[box] - low) * zoom - 0.5, np.float32)  # OpenCV's px have their centres at integers
    drawn = cv2.remap(drawing, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)  # type: ignore[call-overload]
    # What is seen from behind lies folded over what is seen.
    scale = face_map.px_per_px(side_px)[box]
    mask[box] = _largest((drawn >= 128) & (scale > 0), scale)
    return mask & raster(side_px).inside


def share_on_skin(polygon_xy: npt.ArrayLike, face_map: FaceMap, mask: Mask) -> float:
    """How much of an outline lies on bare skin of the face, 0..1.

    Parameters
    ----------
    polygon_xy, face_map
        As for :func:`mark_mask`.
    mask : (S, S) bool
        What it returned.

    Returns
    -------
    float
        Share of the outlined area of the photo. What is missing lies off the face, or on eyes, brows, lips and
        nostrils with a few millimetres around them. Within about 2 %, on the tip of the nose within 6 %.
    """
    drawing, _, zoom = _draw_outline(np.array(polygon_xy, np.float64).reshape(-1, 2))
    area = float(np.count_nonzero(drawing)) / zoom**2
    side_px = mask.shape[0]
    on_skin = face_map.px_per_px(side_px)[mask & bare_face_mask(side_px)]
    return min(1.0, float((on_skin.astype(np.float64) ** 2).sum()) / area) if area else 0.0


def _draw_outline(corners: Points) -> tuple[npt.NDArray[np.uint8], Points, float]:
    """The outline filled with 255 on a fine drawing; where in the photo that begins, and its px per photo px."""
    low = np.floor(corners.min(axis=0)) - 1.0
    extent = np.ceil(corners.max(axis=0)) + 1.0 - low
    zoom = min(_MAX_ZOOM, _DRAWN_PX / float(extent.max()))
    width, height = np.ceil(extent * zoom).astype(int)
    drawing = np.zeros((height, width), np.uint8)
    # Sixteenths of a px; OpenCV's px have their centres at integers.
    cv2.fillPoly(drawing, [np.round(((corners - low) * zoom - 0.5) * 16).astype(np.int32)], 255, shift=4)
    return drawing, low, zoom


def _largest(mask: Mask, px_per_px: npt.NDArray[np.float32]) -> Mask:
    """The connected part that is largest in the photo: of a turned head, places behind it show through beside it."""
    n_labels, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    if n_labels <= 2:
        return mask
    areas = np.bincount(labels.ravel(), (px_per_px**2).ravel(), minlength=n_labels)
    return np.asarray(labels == 1 + np.argmax(areas[1:]))
