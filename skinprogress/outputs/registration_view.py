"""Two photos as the measurement lays them over each other: warped, for checking, never for publication."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import LINEAR_SRGB_TO_XYZ, encode_srgb8, srgb_to_linear
from skinprogress.face.canonical import apply_affine, mesh, resample
from skinprogress.face.mapping import FaceMap, map_landmarks, read_grid
from skinprogress.face.quality import estimate_face_size
from skinprogress.face.regions import region_polygons_xy
from skinprogress.face.skin import MIN_VISIBILITY, estimate_visibility
from skinprogress.outputs.alignment import (
    Affine,
    Box,
    HeadFrame,
    Rgb,
    correct_for_show,
    head_frame,
    invert_affine,
    photo_to_frame,
    scale_of,
)
from skinprogress.outputs.facelabels import Outlines
from skinprogress.outputs.pairs import photo_name, photos_of, read_rgb, sessions_to_show, share_colors
from skinprogress.outputs.wording import MATCHED, sentence
from skinprogress.records import ClientResult, ColorCorrection, Inspection, Registration, View

TILE_IOD = 0.25
"""Side of a square of the checkerboard, shares of the IOD."""
_HEIGHT_PX = 560
# Maps are read at every fifth px and interpolated: off by 0.02 px in the median, 0.15 px where the map bends most.
_STEP_PX = 5
_MESH = slice(0, 468)
_EYE_RIGHT, _EYE_LEFT = (33, 133), (263, 362)
_VISIBILITY_SIDE = 128
# Exposures that differ by less than this look alike.
_SAME_BRIGHTNESS = 0.05
_AROUND = 0.45
_PALE_LINEAR = 0.83
_ODD_AROUND = 0.94


@dataclass(frozen=True, slots=True, eq=False)
class LaidOver:
    """A photo laid over the reference photo of its view the way it is measured.

    Attributes
    ----------
    names : (str, str)
        What the reference photo and the other are called: the date or the file.
    reference, aligned : (h, w, 3) uint8
        sRGB, in the geometry of the reference photo, level; both the pale reference photo outside `face`.
    face : (h, w) bool
        Where both photos show the face well enough to be measured, eyes, lips and hair included.
    outlines_xy : dict of str to list of (n, 2) float64
        Regions in px of the pictures.
    registration : Registration
    iod_px : float
        Distance between the eyes in the pictures.
    iod_mm : float
    color_text : str
        What the colour of both was matched on, a sentence.
    brightness : float
        What the aligned photo was multiplied by, in linear light and besides what both were, to look as bright as the
        reference photo; 1 where that was not needed.
    """

    view: View
    names: tuple[str, str]
    reference: Rgb
    aligned: Rgb
    face: npt.NDArray[np.bool_]
    outlines_xy: Outlines
    registration: Registration
    iod_px: float
    iod_mm: float
    color_text: str
    brightness: float

    @property
    def checkerboard(self) -> Rgb:
        """Squares of both photos in turn, (h, w, 3) uint8: lines that run on across their edges lie where they should.

        Squares are a quarter of the IOD wide.
        """
        height, width = self.face.shape
        tile = TILE_IOD * self.iod_px
        rows, columns = np.arange(height) // tile, np.arange(width) // tile
        odd = (rows[:, None] + columns[None]) % 2 == 1
        shown = np.where(odd[..., None], self.aligned, self.reference)
        # Where the photos lie well nothing is seen of the squares on the face: around it they are.
        shown[odd & ~self.face] = (_ODD_AROUND * shown[odd & ~self.face]).astype(np.uint8)
        return shown


def photo_to_check(result: ClientResult, view: View) -> Inspection | None:
    """The photo that stands as "after" in the report, where it was registered on another; else None."""
    sessions = sessions_to_show(result, view)
    if sessions is None:
        return None
    best = max(photos_of(result, view, sessions[1]), key=lambda i: i.quality)
    known = result.plan.reference_of.get(view) in result.inspections
    return best if known and best.ref.file in result.registrations else None


def eye_distance_mm(result: ClientResult, inspection: Inspection) -> float:
    """Distance between the client's eyes, mm, as it is and not as a turned head shows it."""
    corners = mesh().vertices_cm
    centimetres = float(np.linalg.norm(corners[list(_EYE_RIGHT)].mean(axis=0) - corners[list(_EYE_LEFT)].mean(axis=0)))
    return centimetres * estimate_face_size(inspection.landmarks)[0] * result.plan.mm_per_px[inspection.ref.file]


def lay_over(result: ClientResult, inspection: Inspection) -> LaidOver:
    """Draw a photo and the reference photo of its view as they are measured.

    Parameters
    ----------
    result : ClientResult
    inspection : Inspection
        Of a photo with a registration.

    Returns
    -------
    LaidOver

    Raises
    ------
    PhotoError
        A photo can no longer be read.

    Notes
    -----
    Every px of the picture is looked up in the reference photo, there in the canonical frame, and from there, through
    landmarks and refinement, in the other photo: one bilinear resampling in linear light.
    """
    file = inspection.ref.file
    view = result.plan.view_of[file]
    reference = result.inspections[result.plan.reference_of[view]]
    registration = result.registrations[file]
    to_photo, size = picture_frame(result, reference, view)
    iod_px = reference.landmarks.iod_px / scale_of(to_photo)
    reference_map = map_landmarks(reference.landmarks)
    places = coarse_places(reference_map, to_photo, size)
    seen = np.minimum(*(_seen(i, places) for i in (reference, inspection)))
    xy = finer_values(_at(map_landmarks(inspection.landmarks).refined(registration), places), size)
    own_xy = apply_affine(to_photo, px_middles(size, step=1).reshape(-1, 2)).reshape(*size, 2).astype(np.float32)

    colors = share_colors(result, reference, inspection)
    base, other = (
        draw_photo(read_rgb(i), at, correction, colors.brightness)
        for i, at, correction in zip((reference, inspection), (own_xy, xy), colors.corrections, strict=True)
    )
    with np.errstate(invalid="ignore"):
        inside = (xy > 0).all(axis=2) & (xy[..., 0] < inspection.width_px) & (xy[..., 1] < inspection.height_px)
    face = _without_holes((finer_values(seen, size) >= MIN_VISIBILITY) & inside)
    brightness = _brightness(base, other, face)
    pale = _AROUND * base + (1 - _AROUND) * _PALE_LINEAR
    share = cv2.GaussianBlur(face.astype(np.float32), (0, 0), 1.5)[..., None]
    outlines = region_polygons_xy(reference.landmarks.points_xy)
    back = invert_affine(to_photo)
    return LaidOver(
        view=view,
        names=(photo_name(reference), photo_name(inspection)),
        reference=encode_srgb8(share * base + (1 - share) * pale),
        aligned=encode_srgb8(share * brightness * other + (1 - share) * pale),
        face=face,
        outlines_xy={name: [apply_affine(back, p) for p in polygons] for name, polygons in outlines.items()},
        registration=registration,
        iod_px=iod_px,
        iod_mm=eye_distance_mm(result, reference),
        color_text=sentence(MATCHED[colors.rung]),
        brightness=brightness,
    )


def picture_frame(result: ClientResult, reference: Inspection, view: View) -> tuple[Affine, tuple[int, int]]:
    """Px of the picture to px of the reference photo, (2, 3), and height and width of the picture: the face, level."""
    frame = head_frame(result, view)
    to_frame = photo_to_frame(reference, frame)
    low, high = np.reshape(face_box(frame), (2, 2))
    # At most one px per photo px: nothing is enlarged.
    px_per_unit = min(1 / scale_of(to_frame), _HEIGHT_PX / float(high[1] - low[1]))
    width, height = np.ceil((high - low) * px_per_unit).astype(int)
    to_photo = invert_affine(to_frame)
    to_photo[:, 2] += to_photo[:, :2] @ low
    to_photo[:, :2] /= px_per_unit
    return to_photo, (int(height), int(width))


def face_box(frame: HeadFrame) -> Box:
    """The face with a little air, in its frame: left, top, right, bottom."""
    points = frame.points_xy[_MESH]
    air = 0.07 * float(np.ptp(points[:, 1]))
    (left, top), (right, bottom) = points.min(axis=0) - air, points.max(axis=0) + air
    return float(left), float(top), float(right), float(bottom)


def px_middles(size: tuple[int, int], *, step: int) -> npt.NDArray[np.float64]:
    """Middles of every `step`-th px, (rows, columns, 2), one step beyond the far sides."""
    ys, xs = (np.arange(0, n + step - 1, step) + 0.5 for n in size)
    return np.stack(np.meshgrid(xs, ys), axis=-1)


def coarse_places(face_map: FaceMap, to_photo: Affine, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Canonical places of every fifth px of the picture, (rows, columns, 2); NaN off the face."""
    grid = px_middles(size, step=_STEP_PX)
    return face_map.places(apply_affine(to_photo, grid.reshape(-1, 2))).reshape(grid.shape)


def _at(face_map: FaceMap, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    return face_map.at(places.reshape(-1, 2)).reshape(places.shape).astype(np.float32)


def finer_values(coarse: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Values at every fifth px to values at every px."""
    at = ((px_middles(size, step=1)[: size[0], : size[1]] - 0.5) / _STEP_PX).astype(np.float32)
    return read_grid(coarse, at)


def _seen(inspection: Inspection, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Cosine at which the camera sees each place, 0 off the face."""
    plane = np.nan_to_num(estimate_visibility(inspection.landmarks.pose_deg, _VISIBILITY_SIDE))
    at = np.nan_to_num(places, nan=-1.0) * _VISIBILITY_SIDE - 0.5
    return read_grid(plane, at.astype(np.float32))


def _without_holes(face: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The sides of the nose and the corners of the mouth filled in, the outline smoothed: it is coarsely known."""
    smooth = cv2.GaussianBlur(face.astype(np.float32), (0, 0), 4.0) > 0.5
    outlines, _ = cv2.findContours(smooth.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(face.shape, np.uint8)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    return np.asarray(filled > 0)


def draw_photo(
    rgb: Rgb, xy: npt.NDArray[np.float32], correction: ColorCorrection | None, brightness: float = 1.0
) -> npt.NDArray[np.float32]:
    """A photo at the given positions, linear sRGB; averaged down first where it is finer than the picture.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        sRGB.
    xy : (h, w, 2) float32
        Photo px, edges at integers; NaN where nothing is to be drawn.
    correction : ColorCorrection or None
    brightness : float
        Factor on linear light.

    Returns
    -------
    (h, w, 3) float32
    """
    low = np.clip(np.floor(np.nanmin(xy, axis=(0, 1))) - 8, 0, None).astype(int)
    high = np.ceil(np.nanmax(xy, axis=(0, 1))).astype(int) + 8
    linear = correct_for_show(srgb_to_linear(rgb[low[1] : high[1], low[0] : high[0]]), correction, brightness)
    finer = float(np.nanmedian(np.hypot(*np.moveaxis(np.diff(xy, axis=1), 2, 0))))
    factor = np.ones(2)
    if finer > 1:
        height, width = linear.shape[:2]
        small = max(1, round(width / finer)), max(1, round(height / finer))
        factor = np.array(small) / (width, height)
        linear = np.asarray(cv2.resize(linear, small, interpolation=cv2.INTER_AREA), np.float32)
    drawn = resample(linear, ((xy - low) * factor).astype(np.float32), outside=_PALE_LINEAR)
    return np.asarray(drawn, np.float32)


def _brightness(base: npt.NDArray[np.float32], other: npt.NDArray[np.float32], face: npt.NDArray[np.bool_]) -> float:
    """Factor that gives the other photo the reference photo's median luminance; 1 where they look alike.

    Less where the brightest twentieth of the face would be clipped.
    """
    if not face.any():
        return 1.0
    here, there = (p[face] @ LINEAR_SRGB_TO_XYZ[1].astype(np.float32) for p in (base, other))
    factor = float(np.median(here) / max(np.median(there), 1e-6))
    factor = min(factor, max(1.0, 1.0 / max(float(np.quantile(there, 0.95)), 1e-6)))
    return factor if abs(np.log(factor)) > _SAME_BRIGHTNESS else 1.0
