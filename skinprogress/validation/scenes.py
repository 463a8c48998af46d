"""Scenes to be photographed: a photo's light taken as the truth, its client's skin, and known changes of it."""

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
from scipy.stats import trim_mean

from skinprogress.color.spaces import (
    DENSITY_FLOOR,
    EI_PER_A_STAR,
    individual_typology_angle,
    linear_rgb_to_lab,
    linear_to_srgb,
    srgb_to_linear,
)
from skinprogress.face.canonical import canonical_map, resample
from skinprogress.face.regions import FACE_OVAL, REGIONS, WHOLE_FACE, bare_face_mask, region_mask
from skinprogress.face.skin import estimate_visibility, find_skin
from skinprogress.photos.reading import to_linear
from skinprogress.records import Landmarks, Photo
from skinprogress.synthetic.changes import DIRECTIONS, Direction, region_weight
from skinprogress.synthetic.surface import from_canonical, photo_to_canonical

FloatMap = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]
Values = dict[tuple[str, str], float]
"""(metric, region) to value."""

METRICS = ("redness", "redness_index", "relative_redness")
SIDE_PX = 512
"""Side of the canonical frame in which truth is measured: the grid on which the program takes its statistics."""

ITA_BINS = (("very light", 55.0), ("light", 41.0), ("intermediate", 28.0), ("tan", 10.0), ("brown", -30.0))
"""Skin tones from light to dark: name and the individual typology angle, degrees, above which each lies."""
DARKEST = "dark"

_MAX_SIDE_PX = 1600
_MIN_IOD_PX = 180.0
_CLIPPED = 0.95
_EDGE_MM = 1.0
# Of pigment directions: nobody's blood has exactly the published colour.
_DIRECTION_JITTER = 0.1
# Skin of ears and neck: as far from the face's median hue, in robust deviations, and as much lighter or darker (ln).
_HUE_REACH = 4.2
_LIGHTER, _DARKER = 1.0, 1.2


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What stands before the camera.

    Attributes
    ----------
    linear_rgb : (H, W, 3) float32
        Linear sRGB.
    landmarks : Landmarks
        In px of the scene.
    seen : (S, S) bool
        Usable skin in the canonical frame.
    client_skin : (H, W) float32
        0..1: skin of face, ears and neck.
    """

    linear_rgb: FloatMap
    landmarks: Landmarks
    seen: npt.NDArray[np.bool_]
    client_skin: FloatMap


@dataclass(frozen=True, slots=True)
class PigmentChange:
    """A known change of blood.

    Attributes
    ----------
    region : str or None
        ``face``: all skin of the client; a region: that alone; None: nothing changes.
    amount : float
        Rise of the redness index, a*-equivalents.
    density : (float, float, float)
        Absorption in −ln linear sRGB for each a*-equivalent.
    """

    region: str | None = None
    amount: float = 0.0
    density: tuple[float, float, float] = (0.0, 0.0, 0.0)


def scale_of_scene(shape_hw: tuple[int, int], iod_px: float) -> float:
    """How much a photo is shrunk to serve as a scene: colour needs no pores, and time grows with the px."""
    return min(1.0, max(_MAX_SIDE_PX / max(shape_hw), _MIN_IOD_PX / iod_px))


def make_scene(photo: Photo, landmarks: Landmarks) -> Scene:
    """Take a photo for a scene: its colours are then the true ones.

    Parameters
    ----------
    photo : Photo
    landmarks : Landmarks
        Found in it.

    Returns
    -------
    Scene
    """
    height, width = photo.pixels.shape[:2]
    scale = scale_of_scene((height, width), landmarks.iod_px)
    linear = to_linear(photo)
    if scale < 1.0:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        linear = np.asarray(cv2.resize(linear, size, interpolation=cv2.INTER_AREA), np.float32)
    to_scene = np.array([linear.shape[1] / width, linear.shape[0] / height])
    placed = replace(landmarks, points_xy=landmarks.points_xy * to_scene)
    linear = _smooth_steps(linear)
    face = draw_face(linear, placed.points_xy)
    clipped = ~np.isfinite(face).all(axis=2) | (np.nan_to_num(face).max(axis=2) > _CLIPPED)
    seen = find_skin(np.nan_to_num(face), clipped, estimate_visibility(placed.pose_deg, SIDE_PX))
    return Scene(linear, placed, seen, find_client_skin(linear, placed.points_xy))


def _smooth_steps(linear_rgb: FloatMap) -> FloatMap:
    """The light within what sRGB can show, with the steps of 8 bits filled in by noise of one step.

    On smooth skin medians snap to the steps, 0.3 a*-equivalents apart: that would be an error of the truth.
    """
    noise = np.random.default_rng(0).standard_normal(linear_rgb.shape, np.float32)
    encoded = linear_to_srgb(np.clip(linear_rgb, 0.0, 1.0)) + noise / np.float32(255.0)
    return srgb_to_linear(np.clip(encoded, 0.0, 1.0))


def find_client_skin(linear_rgb: FloatMap, points_xy: Points) -> FloatMap:
    """Soft mask of all the client's skin: the face without eyes, brows, lips and nostrils; ears and neck.

    Parameters
    ----------
    linear_rgb : (H, W, 3) float32
    points_xy : (478, 2) float64

    Returns
    -------
    (H, W) float32
        0..1.

    Notes
    -----
    Ears and neck are what has the hue of the face, is about as light, and hangs together with it. A fair fringe may
    pass for skin, a neck in deep shade may not: the truth is measured on the changed scene, whatever was changed.
    """
    shape = (linear_rgb.shape[0], linear_rgb.shape[1])
    uv = photo_to_canonical(points_xy, shape)
    bare = from_canonical(_soft_face(), uv)
    feather_px = 0.02 * float(np.hypot(*(points_xy[468] - points_xy[473])))
    soft = cv2.GaussianBlur(linear_rgb, (0, 0), feather_px)
    log = np.log(np.maximum(soft, np.float32(DENSITY_FLOOR)))
    hue = np.stack([log[..., 0] - log[..., 1], log[..., 1] - log[..., 2]], axis=2)
    inside = bare > 0.5
    middle = np.median(hue[inside], axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(hue[inside] - middle), axis=0), 0.03)
    lightness = log[..., 1] - np.median(log[..., 1][inside])
    alike = (np.hypot(*np.moveaxis((hue - middle) / spread, 2, 0)) < _HUE_REACH) & _near(points_xy, shape)
    alike &= (lightness < _LIGHTER) & (lightness > -_DARKER) & ~np.isfinite(uv[..., 0])
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(feather_px) + 1,) * 2)
    whole = (alike | np.isfinite(uv[..., 0])).astype(np.uint8)
    _, labels = cv2.connectedComponents(np.asarray(cv2.morphologyEx(whole, cv2.MORPH_OPEN, kernel), np.uint8))
    labels = np.asarray(labels)
    x, y = np.clip(points_xy[1], 0, [shape[1] - 1, shape[0] - 1]).astype(int)  # the tip of the nose
    rest = ((labels == labels[y, x]) & ~np.isfinite(uv[..., 0])).astype(np.float32)
    # Blurred together, so that no pale line is left along the edge of the face.
    out = cv2.GaussianBlur(np.maximum(rest, np.isfinite(uv[..., 0])), (0, 0), feather_px)
    return np.asarray(np.where(np.isfinite(uv[..., 0]), np.minimum(out, bare), np.minimum(out, 1.0)), np.float32)


@lru_cache(maxsize=1)
def _soft_face() -> FloatMap:
    """Skin of the canonical face, (S, S) float32: soft towards eyes, brows, lips and nostrils, full to its edge."""
    features = ~bare_face_mask(SIDE_PX) & region_mask(WHOLE_FACE, SIDE_PX)
    grown = cv2.GaussianBlur(cv2.dilate(features.astype(np.float32), np.ones((5, 5))), (0, 0), 3.0)
    soft = np.asarray(1.0 - grown, np.float32)
    soft.setflags(write=False)
    return soft


def _near(points_xy: Points, shape_hw: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Where ears and neck may be: a wide oval around the face and a column below it."""
    outline = points_xy[list(FACE_OVAL)].astype(np.float32)
    centre, (short, long), angle = cv2.fitEllipse(outline)
    mask = np.zeros(shape_hw, np.uint8)
    cv2.ellipse(mask, (centre, (1.45 * short, 1.15 * long), angle), 1, -1)
    left, right = (round(float(centre[0] + side * 0.8 * short)) for side in (-1.0, 1.0))
    mask[max(round(float(centre[1])), 0) :, max(left, 0) : max(right, 0)] = 1
    return mask > 0


def draw_face(linear_rgb: FloatMap, points_xy: Points) -> FloatMap:
    """The face in the canonical frame, (S, S, 3) float32; NaN off it and beyond the photo."""
    return resample(linear_rgb, canonical_map(points_xy, SIDE_PX))


def measure(face: FloatMap, seen: npt.NDArray[np.bool_]) -> Values:
    """The three figures of redness in every region, from perfect light.

    Parameters
    ----------
    face : (S, S, 3) float32
        From :func:`draw_face`.
    seen : (S, S) bool

    Returns
    -------
    dict of (metric, region) to float
        Regions without skin are left out.

    Notes
    -----
    Deliberately written without the metrics that are graded with it; the definitions are the same.
    """
    skin = seen & np.isfinite(face).all(axis=2)
    log = np.log(np.maximum(face[skin], np.float32(1e-3)))
    index = (log[:, 0] - log[:, 1]) / np.float32(EI_PER_A_STAR)
    a_star = linear_rgb_to_lab(face[skin])[:, 1]
    found: Values = {}
    for name in REGIONS:
        inside = region_mask(name, SIDE_PX)[skin]
        if not inside.any():
            continue
        found["redness", name] = float(trim_mean(a_star[inside], 0.2))
        found["redness_index", name] = float(trim_mean(index[inside], 0.2))
        if name != WHOLE_FACE and not inside.all():
            found["relative_redness", name] = found["redness_index", name] - float(trim_mean(index[~inside], 0.2))
    return found


def region_colors(face: FloatMap, seen: npt.NDArray[np.bool_]) -> dict[str, FloatMap]:
    """Median linear RGB of every region with skin, (3,) float32."""
    skin = seen & np.isfinite(face).all(axis=2)
    inside = {name: skin & region_mask(name, SIDE_PX) for name in REGIONS}
    return {name: np.median(face[mask], axis=0) for name, mask in inside.items() if mask.any()}


def skin_tone(scene: Scene) -> str:
    """Name of the :data:`ITA_BINS` that the cheeks lie in."""
    colors = region_colors(draw_face(scene.linear_rgb, scene.landmarks.points_xy), scene.seen)
    cheeks = [colors[name] for name in ("cheek_left", "cheek_right") if name in colors] or list(colors.values())
    lab = linear_rgb_to_lab(np.mean(cheeks, axis=0, dtype=np.float32))
    angle = float(individual_typology_angle(lab))
    return next((name for name, above in ITA_BINS if angle > above), DARKEST)


def draw_change(rng: np.random.Generator, region: str | None, amount: float) -> PigmentChange:
    """A change of blood along one of the two published directions, each channel of it off by up to a tenth.

    Parameters
    ----------
    rng : numpy Generator
    region : str or None
    amount : float
        a*-equivalents.
    """
    names: tuple[Direction, Direction] = ("haemoglobin", "haemoglobin_tsumura")
    direction = np.array(DIRECTIONS[names[rng.integers(2)]]) * rng.uniform(
        1.0 - _DIRECTION_JITTER, 1.0 + _DIRECTION_JITTER, 3
    )
    density = direction * EI_PER_A_STAR / (direction[1] - direction[0])
    return PigmentChange(region, amount, (float(density[0]), float(density[1]), float(density[2])))


def apply_change(scene: Scene, change: PigmentChange) -> FloatMap:
    """The scene after a change, (H, W, 3) float32."""
    if change.region is None:
        return scene.linear_rgb
    weight = scene.client_skin
    if change.region != WHOLE_FACE:
        shape = (scene.linear_rgb.shape[0], scene.linear_rgb.shape[1])
        # A sharp edge: what is true of a region must not hang on how far its mask reaches into a soft one.
        weight = region_weight(scene.landmarks.points_xy, shape, (change.region,), feather_mm=_EDGE_MM)
    density = np.float32(change.amount) * np.array(change.density, np.float32)
    return np.asarray(scene.linear_rgb * np.exp(-weight[..., None] * density), np.float32)
