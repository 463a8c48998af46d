"""The light of a photo as a ball that it falls on, and what of a difference of redness was light, drawn on the face."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.correcting import apply_correction
from skinprogress.color.spaces import EI_PER_A_STAR, LINEAR_SRGB_TO_XYZ, encode_srgb8
from skinprogress.comparison.lightmodel import spread
from skinprogress.face.canonical import apply_affine
from skinprogress.face.mapping import map_landmarks, read_grid
from skinprogress.face.quality import rotation_from_pose
from skinprogress.face.skin import estimate_visibility, find_skin
from skinprogress.metrics.inputs import LOG_FLOOR
from skinprogress.outputs.alignment import Rgb, scale_of
from skinprogress.outputs.lettering import font
from skinprogress.outputs.pairs import photos_of, read_rgb
from skinprogress.outputs.registration_view import (
    coarse_places,
    draw_photo,
    eye_distance_mm,
    finer_values,
    picture_frame,
    px_middles,
)
from skinprogress.outputs.style import INK, MUTED, PAPER, change_colormap, number_text
from skinprogress.records import ClientResult, Inspection, LightDifference, PhotoLight

SMOOTHED_MM = 3.0
"""Width at half height of what the maps are smoothed with: pores and a shift of half a millimetre do not show."""
LEAST_FULL = 4.0
"""Difference at which the colours of a map are full, or more: about 2.5 is seen by people, and noise stays pale."""
DOUBTFUL = 2.0
"""Where the light leaves more than ± this open (95 %, a*-equivalents), a map is hatched."""

Plane = npt.NDArray[np.float32]

_SIDE = 512
_CLIPPED_LINEAR = 0.95
# Standard deviation over a face of how far its surface is turned to the side: what a colour mix is told in.
_SIDEWAYS_SD = 0.6
_BALL_LINEAR = 0.75
_HATCH_PX = 9


@dataclass(frozen=True, slots=True, eq=False)
class LightMaps:
    """Differences of redness between two sessions, in the geometry of the reference photo.

    Attributes
    ----------
    raw, compensated, removed : (h, w) float32
        Redness index, a*-equivalents, follow-up minus baseline, relative to the mean over the face: as photographed,
        after the light was taken out, and the light itself. NaN where both sessions show no usable skin.
    doubtful : (h, w) bool
        Where the light leaves more than :data:`DOUBTFUL` open.
    backdrop : (h, w) float32
        Luminance of the reference photo, encoded, 0..1.
    """

    raw: Plane
    compensated: Plane
    removed: Plane
    doubtful: npt.NDArray[np.bool_]
    backdrop: Plane

    @property
    def limit(self) -> float:
        """Difference at which the colours of all three maps are full, whole a*-equivalents."""
        sizes = np.abs(np.stack([self.raw, self.compensated]))
        top = float(np.nanpercentile(sizes, 98)) if np.isfinite(sizes).any() else 0.0
        return max(LEAST_FULL, float(np.ceil(top)))


def read_light_maps(result: ClientResult, difference: LightDifference) -> LightMaps:
    """Read the photos of two sessions again and lay them over each other as they were measured.

    Parameters
    ----------
    result : ClientResult
    difference : LightDifference

    Returns
    -------
    LightMaps

    Raises
    ------
    PhotoError
        A photo can no longer be read.
    """
    view = difference.view
    reference = result.inspections[result.plan.reference_of[view]]
    sessions = [photos_of(result, view, s) for s in (difference.from_session, difference.to_session)]
    faces = [[_read_redness(result, photo) for photo in photos] for photos in sessions]
    skin = np.logical_and.reduce([mask for session in faces for _, mask in session])
    before, after = (np.mean([plane for plane, _ in session], axis=0) for session in faces)
    ratio = spread(difference.log_ratio, _SIDE)
    removed = (ratio[..., 0] - ratio[..., 1]) / EI_PER_A_STAR
    error = spread(np.nan_to_num(difference.standard_error), _SIDE)
    planes = [np.where(skin, p - (p[skin].mean() if skin.any() else 0.0), 0.0) for p in (after - before, removed)]

    to_photo, size = picture_frame(result, reference, view)
    places = finer_values(coarse_places(map_landmarks(reference.landmarks), to_photo, size).astype(np.float32), size)
    at = np.nan_to_num(places * _SIDE - 0.5, nan=-2.0).astype(np.float32)
    stack = np.dstack([*planes, np.where(skin, error, 0.0), skin]).astype(np.float32)
    # A rim without skin: positions off the frame read it.
    drawn = read_grid(np.pad(stack, ((1, 1), (1, 1), (0, 0))), at + np.float32(1.0))
    px_per_mm = reference.landmarks.iod_px / scale_of(to_photo) / eye_distance_mm(result, reference)
    blurred = cv2.GaussianBlur(drawn, (0, 0), SMOOTHED_MM / 2.355 * px_per_mm)
    shown = drawn[..., 3] > 0.5
    raw, light, doubt = (np.where(shown, blurred[..., k] / blurred[..., 3].clip(1e-3), np.nan) for k in range(3))
    own_xy = apply_affine(to_photo, px_middles(size, step=1).reshape(-1, 2)).reshape(*size, 2).astype(np.float32)
    grey = draw_photo(read_rgb(reference), own_xy, None) @ LINEAR_SRGB_TO_XYZ[1].astype(np.float32)
    return LightMaps(
        raw=raw.astype(np.float32),
        compensated=(raw - light).astype(np.float32),
        removed=light.astype(np.float32),
        doubtful=shown & (1.96 * doubt > DOUBTFUL),
        backdrop=encode_srgb8(grey).astype(np.float32) / np.float32(255.0),
    )


def _read_redness(result: ClientResult, inspection: Inspection) -> tuple[Plane, npt.NDArray[np.bool_]]:
    """Redness index of one photo in the canonical frame, a*-equivalents, and its usable skin."""
    file = inspection.ref.file
    xy = map_landmarks(inspection.landmarks).refined(result.registrations.get(file)).over_frame(_SIDE)
    linear = np.maximum(draw_photo(read_rgb(inspection), xy, None), np.float32(0.0))
    beyond = (xy < 0).any(axis=2) | (xy[..., 0] > inspection.width_px) | (xy[..., 1] > inspection.height_px)
    visibility = estimate_visibility(inspection.landmarks.pose_deg, _SIDE)
    skin = find_skin(linear, beyond | (linear > _CLIPPED_LINEAR).any(axis=2), visibility)
    log = np.log(np.maximum(apply_correction(linear, result.plan.corrections[file]), np.float32(LOG_FLOOR)))
    return np.asarray((log[..., 0] - log[..., 1]) / np.float32(EI_PER_A_STAR)), skin


def render_map(maps: LightMaps, plane: Plane, *, limit: float) -> Rgb:
    """One of the maps on the pale face: brown is redder than before, blue is less red, against the mean of the face.

    Parameters
    ----------
    maps : LightMaps
    plane : (h, w) float32
        NaN where nothing is known.
    limit : float
        Difference at which the colours are full.

    Returns
    -------
    (h, w, 3) uint8
        sRGB; hatched where the light leaves much open.
    """
    dark, bright = np.percentile(maps.backdrop, (2, 98))
    grey = np.clip((maps.backdrop - dark) / max(float(bright - dark), 1e-3), 0.0, 1.0)
    pale = np.repeat((0.55 + 0.4 * grey)[..., None], 3, axis=2)
    known = np.isfinite(plane)
    colors = change_colormap("lower")(0.5 + 0.5 * np.clip(np.nan_to_num(plane) / limit, -1.0, 1.0))[..., :3]
    # The face stays to be seen in the colours, and too faintly to be taken for a difference.
    colors = colors * (0.86 + 0.14 * grey)[..., None]
    rows, columns = np.indices(plane.shape)
    lines = maps.doubtful & ((rows + columns) % _HATCH_PX < 2)
    colors[lines] = 0.55 * colors[lines] + 0.45 * 0.25
    share = cv2.GaussianBlur(known.astype(np.float32), (0, 0), 1.0)[..., None] * known[..., None]
    return np.asarray(np.round(255 * (share * colors + (1 - share) * pale)), np.uint8)


def render_scale(limit: float, *, width_px: int) -> Rgb:
    """The key of the maps: colours from −limit to +limit with figures, (h, width_px, 3) uint8."""
    from PIL import Image, ImageDraw

    face = font(round(width_px / 19))
    bar, line = round(width_px / 17), round(1.4 * face.size)
    canvas = Image.new("RGB", (width_px, 2 * line + bar + 4), PAPER)
    draw = ImageDraw.Draw(canvas)
    inset = 1.6 * face.size
    x = np.clip((np.arange(width_px) + 0.5 - inset) / (width_px - 2 * inset), 0.0, 1.0)
    strip = np.round(255 * change_colormap("lower")(x)[:, :3]).astype(np.uint8)
    strip[[*range(round(inset)), *range(width_px - round(inset), width_px)]] = 255
    canvas.paste(Image.fromarray(np.repeat(strip[None], bar, axis=0)), (0, line))
    for text, at, anchor in (("less red", inset, "la"), ("redder, a*-eq", width_px - inset, "ra")):
        draw.text((at, 0), text, font=face, fill=MUTED, anchor=anchor)
    for share in (-1.0, -0.5, 0.0, 0.5, 1.0):
        at = inset + (share + 1) / 2 * (width_px - 2 * inset)
        draw.line((at, line + bar, at, line + bar + 4), fill=MUTED)
        text = number_text(share * limit, 1, sign=True) if share else "0"
        draw.text((at, line + bar + 5), text, font=face, fill=INK, anchor="ma")
    return np.asarray(canvas, np.uint8)


def render_ball(light: PhotoLight, *, pose_deg: tuple[float, float, float], side_px: int) -> Rgb:
    """A grey ball in the light of a photo, as it would look beside the face.

    Parameters
    ----------
    light : PhotoLight
    pose_deg : (float, float, float)
        Yaw, pitch and roll of the head, to which the light is told; the roll is left out, as pictures are level.
    side_px : int

    Returns
    -------
    (side_px, side_px, 3) uint8
        sRGB, white around the ball. Light from everywhere leaves it evenly grey.

    Notes
    -----
    One lamp and even light as :func:`~skinprogress.comparison.photolight.estimate_photo_light` reads them: the
    directionality is the lamp's share of all light that passes by. Yellower and bluer light is drawn from side to
    side, in the size of the colour mix on the face.
    """
    fine = 2 * side_px
    x, y = np.meshgrid(*[(np.arange(fine) + 0.5) / fine * 2.06 - 1.03] * 2)
    squared = x**2 + y**2
    in_camera = np.stack([x, -y, np.sqrt(np.clip(1.0 - squared, 0.0, None))], axis=-1)
    normal = in_camera @ rotation_from_pose((*pose_deg[:2], 0.0))
    azimuth, elevation = np.radians([light.azimuth_deg, light.elevation_deg])
    toward = np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    share = light.directionality if np.isfinite(toward).all() else 0.0
    shade = share * np.clip(normal @ np.nan_to_num(toward), 0.0, None) + (1.0 - share) / 4.0
    shade *= _BALL_LINEAR / shade[squared < 1.0].max()
    tint = np.zeros(3)
    if np.isfinite(light.warm_azimuth_deg):
        slope = float(np.sign(light.warm_azimuth_deg)) * light.color_mix / _SIDEWAYS_SD
        tint = np.array([0.5, 0.0, -0.5]) * slope
    linear = shade[..., None] * np.exp(normal[..., :1] * tint)
    linear = np.where((squared < 1.0)[..., None], linear, 1.0).astype(np.float32)
    small = cv2.resize(linear, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return encode_srgb8(np.asarray(small, np.float32))
