"""Metrics and spots drawn on the client's own face: one colour scale for both sessions, and what lies between them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import LINEAR_SRGB_TO_XYZ, encode_srgb8, lab_to_linear_rgb
from skinprogress.face.canonical import apply_affine
from skinprogress.face.mapping import map_landmarks, read_grid
from skinprogress.metrics.maps import grid_step
from skinprogress.metrics.table import Metric
from skinprogress.outputs.alignment import Rgb, invert_affine, scale_of
from skinprogress.outputs.groups import group_of
from skinprogress.outputs.lettering import font, line_px
from skinprogress.outputs.pairs import read_rgb
from skinprogress.outputs.registration_view import (
    coarse_places,
    draw_photo,
    finer_values,
    picture_frame,
    px_middles,
)
from skinprogress.outputs.style import INK, MUTED, PAPER, change_colormap, number_text
from skinprogress.records import ClientResult, SkinMap, View

Plane = npt.NDArray[np.float32]
Colors = Callable[[Plane], Plane]
"""From shares of a scale, 0..1, to sRGB, 0..1."""

DETAIL_MM = 1.5
"""Width at half height of what a map of one session is smoothed with: noise goes, vessels and spots stay."""
CHANGE_MM = 3.0
"""The same of a difference: pores and a shift of half a millimetre do not show."""
CONTRAST_MM = 5.0
"""The same of what local contrast is averaged with."""

# Straight lines through CIELAB, from nearly white to dark: equal steps of the figure look equally large, in grey and
# for colour-blind eyes as well.
_ENDS = {
    "Redness": ((96.0, 2.0, 4.0), (27.0, 43.0, 22.0)),
    "Tone and pigment": ((96.0, 1.0, 8.0), (22.0, 17.0, 24.0)),
}
_OTHER_ENDS = ((96.0, -2.0, 0.0), (26.0, 2.0, -34.0))
# Of a normal distribution the mean distance from zero, times this, is the standard deviation.
_FROM_MEAN_DISTANCE = 1.2533
_HOLE_MM = 1.5
_LEAST_SPAN, _LEAST_CHANGE = 8.0, 4.0  # of a scale, in margins within which two values count as equal
KEY_TEXT = 0.046
"""Size of letters, share of the width of a key."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceCanvas:
    """The reference photo of a view, level, and what of the canonical frame each of its px shows.

    Attributes
    ----------
    linear_rgb : (h, w, 3) float32
        The photo.
    places : (h, w, 2) float32
        Canonical places, shares of the frame; far outside where there is no face.
    px_per_mm : float
    find_xy : callable
        From canonical places (n, 2) to px of the picture (n, 2).
    """

    linear_rgb: Plane
    places: Plane
    px_per_mm: float
    find_xy: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]

    @property
    def grey(self) -> Plane:
        """Brightness for finding one's way, 0..1, (h, w): stretched, so that dim photos show a face as well."""
        plane = encode_srgb8(self.linear_rgb @ LINEAR_SRGB_TO_XYZ[1].astype(np.float32)).astype(np.float32)
        dark, bright = np.percentile(plane, (2, 98))
        return np.asarray(np.clip((plane - dark) / max(float(bright - dark), 1.0), 0.0, 1.0), np.float32)


def read_canvas(result: ClientResult, view: View) -> FaceCanvas:
    """Read the reference photo of a view again.

    Raises
    ------
    PhotoError
        It can no longer be read.
    """
    reference = result.inspections[result.plan.reference_of[view]]
    to_photo, size = picture_frame(result, reference, view)
    face_map, back = map_landmarks(reference.landmarks), invert_affine(to_photo)
    places = finer_values(coarse_places(face_map, to_photo, size).astype(np.float32), size)
    own_xy = apply_affine(to_photo, px_middles(size, step=1).reshape(-1, 2)).reshape(*size, 2).astype(np.float32)
    return FaceCanvas(
        linear_rgb=draw_photo(read_rgb(reference), own_xy, None),
        places=np.nan_to_num(places, nan=-1.0),
        px_per_mm=1.0 / (result.plan.mm_per_px[reference.ref.file] * scale_of(to_photo)),
        find_xy=lambda uv: apply_affine(back, face_map.at(uv)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class DrawnMaps:
    """One metric in one or two sessions, in the geometry of the canvas.

    Attributes
    ----------
    planes : tuple of (h, w) float32
        By session; NaN off the skin. Local contrast where the metric is the spread of its map.
    low, high : float
        Ends of the scale that all sessions share.
    difference : (h, w) float32 or None
        Later minus earlier session.
    limit : float
        Difference at which the colours are full.
    """

    metric: Metric
    planes: tuple[Plane, ...]
    low: float
    high: float
    difference: Plane | None
    limit: float


def draw_maps(
    canvas: FaceCanvas,
    metric: Metric,
    maps: Iterable[SkinMap],
    *,
    side_px: int,
    centred: bool,
    compared: bool,
    least_change: float = 0.0,
) -> DrawnMaps:
    """Lay maps of one metric over the face.

    Parameters
    ----------
    canvas : FaceCanvas
    metric : Metric
    maps : iterable of SkinMap
        Of one or two sessions.
    side_px : int
        Side of the canonical frame that they were taken from.
    centred : bool
        Draw each against the median of its own face: their colours were not matched.
    compared : bool
        Whether to draw the difference.
    least_change : float
        The colours of the difference are full at this or more: what the photos cannot show stays pale.

    Returns
    -------
    DrawnMaps
    """
    raw = [m.values.astype(np.float32) for m in maps]
    uneven = metric.statistic == "spread"
    if centred:
        both = np.logical_and.reduce([np.isfinite(p) for p in raw])
        raw = [p - np.float32(np.median(p[both]) if both.any() else 0.0) for p in raw]
    if uneven:
        raw = [np.abs(p) * np.float32(_FROM_MEAN_DISTANCE) for p in raw]
    drawn = [_lay(canvas, plane, side_px) for plane in raw]
    planes = tuple(_smoothed(canvas, p, CONTRAST_MM if uneven else DETAIL_MM) for p in drawn)
    known = np.concatenate([p[np.isfinite(p)] for p in planes])
    low, high = (float(x) for x in np.percentile(known, (2, 99))) if known.size else (0.0, 1.0)
    low = 0.0 if uneven else low
    room = max(_LEAST_SPAN * metric.equivalence - (high - low), 0.0)
    low, high = (low, high + room) if uneven else (low - room / 2, high + room / 2)
    difference, limit = None, max(_LEAST_CHANGE * metric.equivalence, least_change)
    if compared and len(drawn) == 2:
        difference = planes[1] - planes[0] if uneven else _smoothed(canvas, drawn[1] - drawn[0], CHANGE_MM)
        sizes = np.abs(difference[np.isfinite(difference)])
        limit = max(limit, float(np.percentile(sizes, 98)) if sizes.size else 0.0)
    return DrawnMaps(metric=metric, planes=planes, low=low, high=high, difference=difference, limit=limit)


def _lay(canvas: FaceCanvas, plane: Plane, side_px: int) -> Plane:
    """A map of the statistics grid on the picture, NaN off the skin."""
    known = np.isfinite(plane)
    stack = np.dstack([np.where(known, plane, np.float32(0.0)), known.astype(np.float32)])
    # The grid holds every so many px of the frame, from the first on; a rim without skin for places off the frame.
    at = (canvas.places * np.float32(side_px) - np.float32(0.5)) / np.float32(grid_step(side_px))
    read = read_grid(np.pad(stack, ((1, 1), (1, 1), (0, 0))), at + np.float32(1.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(read[..., 1] > 0.5, read[..., 0] / read[..., 1], np.float32(np.nan))


def _smoothed(canvas: FaceCanvas, plane: Plane, width_mm: float) -> Plane:
    """Gaussian mean over skin; holes as small as single hairs and glints are filled."""
    known = np.isfinite(plane).astype(np.float32)
    sigma = width_mm / 2.355 * canvas.px_per_mm
    total, weight = (cv2.GaussianBlur(p, (0, 0), sigma) for p in (np.where(known > 0, plane, np.float32(0.0)), known))
    size = 2 * round(_HOLE_MM / 2 * canvas.px_per_mm) + 1
    shown = cv2.morphologyEx(known, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))) > 0
    return np.where(shown, total / np.maximum(weight, np.float32(1e-3)), np.float32(np.nan)).astype(np.float32)


def scale_colors(metric: Metric) -> Colors:
    """The colours of a metric's own scale: the more, the darker."""
    low, high = (np.array(end, np.float32) for end in _ENDS.get(group_of(metric.name), _OTHER_ENDS))

    def colors(share: Plane) -> Plane:
        lab = low + (high - low) * np.clip(np.nan_to_num(share), 0.0, 1.0)[..., None]
        return encode_srgb8(lab_to_linear_rgb(lab.astype(np.float32))).astype(np.float32) / np.float32(255.0)

    return colors


def change_colors(metric: Metric) -> Colors:
    """The colours of a difference, as in the charts: from less to more."""
    return lambda share: np.asarray(change_colormap(metric.better)(np.clip(np.nan_to_num(share), 0.0, 1.0)))[..., :3]


def render_values(canvas: FaceCanvas, plane: Plane, colors: Colors, *, low: float, high: float) -> Rgb:
    """A map on the pale face.

    Parameters
    ----------
    canvas : FaceCanvas
    plane : (h, w) float32
        NaN where nothing is known.
    colors : callable
    low, high : float
        Ends of the scale.

    Returns
    -------
    (h, w, 3) uint8
        sRGB.
    """
    grey = canvas.grey
    pale = np.repeat((0.62 + 0.34 * grey)[..., None], 3, axis=2)
    known = np.isfinite(plane)
    # The face stays to be seen in the colours, and too faintly to be taken for a difference.
    shown = colors((plane - np.float32(low)) / np.float32(high - low)) * (0.9 + 0.1 * grey)[..., None]
    share = cv2.GaussianBlur(known.astype(np.float32), (0, 0), 1.0)[..., None] * known[..., None]
    return np.asarray(np.round(255 * (share * shown + (1 - share) * pale)), np.uint8)


def render_scale(colors: Colors, low: float, high: float, *, words: tuple[str, str], width_px: int) -> Rgb:
    """The key of a map: its colours with figures, (h, width_px, 3) uint8; `words` stand above the two ends."""
    from matplotlib.ticker import MaxNLocator
    from PIL import Image, ImageDraw

    face = font(max(11, round(width_px * KEY_TEXT)))
    bar, line, inset = round(1.1 * face.size), line_px(face), 1.6 * face.size
    canvas = Image.new("RGB", (width_px, 2 * line + bar + 4), PAPER)
    draw = ImageDraw.Draw(canvas)
    length = round(width_px - 2 * inset)
    strip = np.round(255 * colors(((np.arange(length) + 0.5) / length).astype(np.float32))).astype(np.uint8)
    canvas.paste(Image.fromarray(np.repeat(strip[None], bar, axis=0)), (round(inset), line))
    for text, at, anchor in ((words[0], inset, "la"), (words[1], width_px - inset, "ra")):
        draw.text((at, 0), text, font=face, fill=MUTED, anchor=anchor)
    ticks = np.asarray(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]).tick_values(low, high))
    step = float(ticks[1] - ticks[0])
    decimals = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    for tick in ticks[(ticks >= low) & (ticks <= high)]:
        at = inset + (tick - low) / (high - low) * length
        draw.line((at, line + bar, at, line + bar + 4), fill=MUTED)
        draw.text((at, line + bar + 5), number_text(float(tick), decimals), font=face, fill=INK, anchor="ma")
    return np.asarray(canvas, np.uint8)
