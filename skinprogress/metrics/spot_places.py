"""Extent and contrast of what lies at given places of the skin, along rays from each."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.metrics.inputs import FloatMap, MetricInput
from skinprogress.metrics.spot_planes import KINDS, NOISE_FACTOR, Scene, blur_log_rgb, spot_scene
from skinprogress.records import SpotKind

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_N_RAYS, _N_STEPS = 24, 24
# A spot is measured out to this many of its radii, and its surroundings from the second number on.
_REACH, _RING = 2.2, 1.5
# Outlines follow this share of the contrast: blur draws the contour of one half inwards where an edge is as curved as
# that of a spot.
_LEVEL = 0.45
_FINE_MM = 0.12  # blur of the plane that extents are taken from
_MAX_ELONGATION = 2.0
_MARGIN_MM = 0.4


@dataclass(frozen=True, eq=False)
class Places:
    """What is seen at given places, one row a place.

    Attributes
    ----------
    row_col : (n, 2) float64
        Centres, px of the frame.
    radii_px : (n, rays) float64
        How far half of the contrast reaches in each direction.
    closed : (n,) float64
        Share of the directions in which it ends within reach.
    diameter_mm, area_mm2 : (n,) float64
    contrast : (n,) float64
        Mean index within the extent minus the median of the ring.
    strength : (n,) float64
        The same of the mean of index and darkness, which is what spots are looked for in.
    agreed : (n,) bool
        The other planes show enough of it too.
    noise : (n,) float64
        Scatter of the ring: standard deviation of its px.
    room_px : (n,) float64
        Distance of the centre from the border of the skin.
    mm_per_px : (n,) float64
    """

    row_col: Floats
    radii_px: Floats
    closed: Floats
    diameter_mm: Floats
    area_mm2: Floats
    contrast: Floats
    strength: Floats
    agreed: Mask
    noise: Floats
    room_px: Floats
    mm_per_px: Floats

    def outline_xy(self, i: int, *, grown_px: float = 0.0) -> Floats:
        """Corners of the extent of place ``i``, (rays, 2), px of the frame, moved outwards by ``grown_px``."""
        radii = np.maximum(self.radii_px[i] + grown_px, 0.0)
        return np.stack([self.row_col[i, 1] + radii * _COS, self.row_col[i, 0] + radii * _SIN], axis=1)

    def elongation(self) -> Floats:
        """Length over width of each extent, from its second moments, (n,) float64."""
        r4 = self.radii_px**4
        xx, yy, xy = (r4 * w for w in (_COS**2, _SIN**2, _COS * _SIN))
        a, b, c = xx.mean(1), yy.mean(1), xy.mean(1)
        spread = np.sqrt(((a - b) / 2) ** 2 + c**2)
        mean = (a + b) / 2
        return np.asarray(np.sqrt((mean + spread) / np.maximum(mean - spread, 1e-9 + 0.01 * mean)), np.float64)

    def is_spot(self, visible: float) -> Mask:
        """Which places hold a spot of at least this contrast: round, closed, and away from the border of the skin."""
        room = self.room_px * self.mm_per_px >= self.diameter_mm / 2.0 + _MARGIN_MM
        return np.asarray(
            (self.strength >= visible)
            & self.agreed
            & (self.strength >= NOISE_FACTOR / 2 * self.noise)
            & (self.closed >= 0.85)
            & (self.elongation() <= _MAX_ELONGATION)
            & room
        )


_ANGLES = 2.0 * np.pi * np.arange(_N_RAYS) / _N_RAYS
_COS, _SIN = np.cos(_ANGLES), np.sin(_ANGLES)
_STEPS = (np.arange(_N_STEPS) + 0.5) / _N_STEPS


def measure_places(
    data: MetricInput, kind: SpotKind, row_col: Floats, radius_mm: Floats, *, n_rounds: int = 2
) -> Places:
    """Extent and contrast of what lies at given places, whether it is a spot or not.

    Parameters
    ----------
    data : MetricInput
    kind : {'red', 'brown'}
    row_col : (n, 2) float64
        Centres, px of the frame.
    radius_mm : (n,) float64
        First guess of the radius.
    n_rounds : int
        How often centre and radius are refined; 0 measures a disc of exactly this place and size.

    Returns
    -------
    Places
    """
    scene = spot_scene(data)
    fine = data.kept("spots:fine", lambda _: _finely_blurred(scene))
    what = KINDS[kind]
    room = data.kept("spots:room", lambda _: _room(scene.skin))
    origin = np.array([scene.top, scene.left], np.float64)
    centre = np.asarray(row_col, np.float64).reshape(-1, 2) - origin
    at = np.clip(np.round(centre).astype(int), 0, np.array(scene.skin.shape) - 1)
    scale = data.mm_per_px[at[:, 0] + scene.top, at[:, 1] + scene.left].astype(np.float64)
    size = np.asarray(radius_mm, np.float64) / scale
    radii = np.repeat(size[:, None], _N_RAYS, axis=1)
    closed = np.ones(len(size))
    for _ in range(n_rounds):
        radii, closed = _half_contrast(_sample(fine, centre, size) @ what.weights[0], size)
        # Outlines are star-shaped about the centre, which therefore moves to the middle of them.
        area = np.maximum((radii**2).mean(axis=1), 1e-6)
        shift = np.stack([(radii**3 * _SIN).mean(1), (radii**3 * _COS).mean(1)], axis=1) / (1.5 * area[:, None])
        centre = centre + np.clip(shift, -size[:, None] / 2, size[:, None] / 2)
        size = np.clip(np.sqrt(area), 0.6 * size, 1.6 * size)
    if n_rounds:
        radii, closed = _half_contrast(_sample(fine, centre, size) @ what.weights[0], size)
    area_px = np.pi * (radii**2).mean(axis=1)
    contrasts, noise = _contrasts(_sample(fine, centre, size) @ what.weights.T, size, radii)
    at = np.clip(np.round(centre).astype(int), 0, np.array(scene.skin.shape) - 1)
    return Places(
        row_col=centre + origin,
        radii_px=radii,
        closed=closed,
        diameter_mm=2.0 * scale * np.sqrt(area_px / np.pi),
        area_mm2=scale**2 * area_px,
        contrast=contrasts[:, 1],
        strength=contrasts[:, 0],
        agreed=np.asarray((contrasts[:, 1:] >= what.shares * contrasts[:, :1]).all(axis=1)),
        noise=noise,
        room_px=room[at[:, 0], at[:, 1]].astype(np.float64),
        mm_per_px=scale,
    )


def _room(skin: Mask) -> FloatMap:
    framed = np.pad(skin.astype(np.uint8), 1)
    return np.asarray(cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1], np.float32)


def _finely_blurred(scene: Scene) -> FloatMap:
    return blur_log_rgb(scene.log_rgb, max(_FINE_MM / scene.mm_per_px, 0.4))


def _sample(image: FloatMap, centre: Floats, size: Floats) -> FloatMap:
    """What an (h, w, 3) image shows along rays from each centre to ``_REACH`` sizes, (n, rays, steps, 3) float32."""
    radius = size[:, None, None] * (_REACH * _STEPS)
    x = (centre[:, 1, None, None] + radius * _COS[:, None]).astype(np.float32)
    y = (centre[:, 0, None, None] + radius * _SIN[:, None]).astype(np.float32)
    drawn = np.empty((*x.shape, 3), np.float32)
    for start in range(0, len(size), 1000):  # remap draws fewer than 32768 rows
        part = slice(start, start + 1000)
        flat_x, flat_y = (a[part].reshape(-1, _N_STEPS) for a in (x, y))
        seen = cv2.remap(image, flat_x, flat_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        drawn[part] = np.asarray(seen).reshape(drawn[part].shape)
    return drawn


def _half_contrast(profile: FloatMap, size: Floats) -> tuple[Floats, Floats]:
    """Where each ray first falls to half of the contrast, (n, rays) px; share of rays that do, (n,)."""
    reach = _REACH * _STEPS
    ring = np.median(profile[:, :, reach >= _RING].reshape(len(profile), -1), axis=1)
    middle = profile[:, :, reach <= 0.4].mean(axis=(1, 2))
    half = (ring + np.float32(_LEVEL) * (middle - ring))[:, None]
    # Neighbouring rays look at the same edge: their mean is less ragged.
    smooth = (np.roll(profile, 1, axis=1) + 2.0 * profile + np.roll(profile, -1, axis=1)) / 4.0
    below = smooth < half[..., None]
    below[:, :, 0] = False
    ends = below.any(axis=2)
    first = np.where(ends, below.argmax(axis=2), _N_STEPS - 1)
    inner, outer = (np.take_along_axis(smooth, (first - k)[..., None], axis=2)[..., 0] for k in (1, 0))
    part = np.clip((inner - half) / np.maximum(inner - outer, 1e-6), 0.0, 1.0)
    radii = (first - 0.5 + part) * (_REACH / _N_STEPS) * size[:, None]
    return np.asarray(radii, np.float64), np.asarray(ends.mean(axis=1), np.float64)


def _contrasts(drawn: FloatMap, size: Floats, radii: Floats) -> tuple[Floats, Floats]:
    """Contrast of each plane, (n, planes), and the scatter of the first in the ring, (n,)."""
    reach = _REACH * _STEPS
    outside = drawn[:, :, reach >= _RING].reshape(len(drawn), -1, drawn.shape[3])
    ring = np.median(outside, axis=1)
    # A step of a ray stands for a piece of the disc that grows with its distance.
    weight = np.where(reach * size[:, None, None] <= radii[..., None], reach, 0.0)[..., None]
    mean = (drawn * weight).sum(axis=(1, 2)) / np.maximum(weight.sum(axis=(1, 2)), 1e-9)
    contrast = np.asarray(mean - ring, np.float64)
    low, high = np.percentile(outside[..., 0], [16.0, 84.0], axis=1) if len(drawn) else (np.empty(0), np.empty(0))
    return contrast, np.asarray((high - low) / 2.0, np.float64)
