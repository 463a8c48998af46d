"""Light a photo's face anew: lamps moved, of other colours and with a moved sheen; the skin stays what it is."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import mesh_normals, paint
from skinprogress.face.regions import bare_face_mask
from skinprogress.synthetic.surface import from_canonical, photo_to_canonical

FloatMap = npt.NDArray[np.float32]
Weights = tuple[float, ...]

N_TERMS = 6
GREY = (1.0, 1.0, 1.0)
WARM = (0.342, -0.035, -0.658)
"""Change of ln R, ln G, ln B per unit of ln R − ln B along black bodies from 5500 to 4000 K, at the same luminance."""
MAGENTA = (0.7152, -0.2848, 0.7152)
"""The same across it, per unit of (ln R + ln B) / 2 − ln G."""

_SIDE_PX = 256
_NORMAL_BLUR_PX = 4.0  # of the frame of normals: the mesh's edges must not show
_SHEEN_WIDTH = 0.2  # of the normal's x and y
_REACH_IOD = 1.5  # off the face the change of light fades to 1/e over this, as that of lamps near it


@dataclass(frozen=True, slots=True, kw_only=True)
class Relight:
    """How the light on a face changes; the defaults change nothing.

    Attributes
    ----------
    grey, warm, magenta : six floats
        Natural log of the light's factor as a function of the surface normal (x to the client's left, y up, z ahead):
        weights of x, y, xz, yz, xy and x² − y². What looks straight ahead keeps its light. `warm` is in ln R − ln B,
        `magenta` in (ln R + ln B) / 2 − ln G.
    sheen : float
        White light added at the middle of a highlight, linear, 0..1.
    sheen_xy : (float, float)
        Where on the face it is: x and y of the normal there.
    """

    grey: Weights = (0.0,) * N_TERMS
    warm: Weights = (0.0,) * N_TERMS
    magenta: Weights = (0.0,) * N_TERMS
    sheen: float = 0.0
    sheen_xy: tuple[float, float] = (0.0, 0.0)


def draw_relight(
    rng: np.random.Generator,
    *,
    grey_sd: tuple[float, float] = (0.1, 0.4),
    warm_sd: tuple[float, float] = (0.02, 0.1),
    magenta_sd: tuple[float, float] = (0.0, 0.02),
    most_sheen: float = 0.04,
) -> Relight:
    """Draw a change of light.

    Parameters
    ----------
    rng : numpy Generator
    grey_sd, warm_sd, magenta_sd : (float, float)
        Least and largest standard deviation over the skin of the face, natural log.
    most_sheen : float
        Every other face gets a highlight of up to this.

    Returns
    -------
    Relight

    Notes
    -----
    Smooth functions of the normal: no cast shadow, no lamp so near that the nose stands in another light than the ears.
    """

    def weights(least: float, most: float) -> Weights:
        # What turns with the side of a lamp weighs more than what has two lobes, as in real rooms.
        drawn = rng.standard_normal(N_TERMS) * (1.0, 1.0, 0.5, 0.5, 0.5, 0.5)
        spread = float((_terms(_skin_normals()) @ drawn).std())
        return tuple((drawn * (rng.uniform(least, most) / spread)).tolist())

    grey, warm, magenta = weights(*grey_sd), weights(*warm_sd), weights(*magenta_sd)
    sheen = float(rng.uniform(0.0, most_sheen) * (rng.random() < 0.5))
    x, y = rng.uniform(-0.5, 0.5, 2).tolist()
    return Relight(grey=grey, warm=warm, magenta=magenta, sheen=sheen, sheen_xy=(x, y))


def relight(linear_rgb: FloatMap, points_xy: npt.NDArray[np.float64], light: Relight) -> FloatMap:
    """Show the same face in other light.

    Parameters
    ----------
    linear_rgb : (H, W, 3) float32
        Linear sRGB.
    points_xy : (478, 2) float64
        Landmarks of the face, photo px.
    light : Relight

    Returns
    -------
    (H, W, 3) float32
        May exceed 1 where the light does. Where the surface looks ahead, and far off the face, as it was.

    References
    ----------
    Ramamoorthi & Hanrahan 2001, "An efficient representation for irradiance environment maps", SIGGRAPH: of diffuse
    light, second-order functions of the normal hold about 99 %.
    """
    normals, near = _normals_of_photo(points_xy, (linear_rgb.shape[0], linear_rgb.shape[1]))
    terms = _terms(normals) * near[..., None]
    log = np.zeros_like(linear_rgb, np.float32)
    for color, weights in ((GREY, light.grey), (WARM, light.warm), (MAGENTA, light.magenta)):
        log += (terms @ np.array(weights, np.float32))[..., None] * np.array(color, np.float32)
    out = linear_rgb * np.exp(log)
    if light.sheen:
        off = normals[..., :2] - np.array(light.sheen_xy, np.float32)
        # Hair above the forehead does not shine as skin does: off the face it is gone within a tenth of the reach.
        lobe = near**10 * np.exp(-0.5 * (off**2).sum(axis=2) / np.float32(_SHEEN_WIDTH) ** 2)
        out += np.float32(light.sheen) * lobe[..., None]
    return np.asarray(out, np.float32)


def _terms(normals: FloatMap) -> FloatMap:
    """Second-order functions of normals (..., 3) that vanish straight ahead, (..., 6) float32."""
    x, y, z = np.moveaxis(normals, -1, 0)
    return np.asarray(np.stack([x, y, x * z, y * z, x * y, x * x - y * y], axis=-1), np.float32)


@lru_cache(maxsize=1)
def _canonical_normals() -> FloatMap:
    """Unit normals of the canonical face, (S, S, 3) float32, continued a little beyond its edge."""
    painted = paint(mesh_normals(), _SIDE_PX)
    on_face = np.isfinite(painted[..., 0]).astype(np.float32)
    total = cv2.GaussianBlur(np.nan_to_num(painted), (0, 0), _NORMAL_BLUR_PX)
    normals = total / np.maximum(np.linalg.norm(total, axis=2, keepdims=True), 1e-12)
    normals[cv2.GaussianBlur(on_face, (0, 0), _NORMAL_BLUR_PX) < 1e-3] = (0.0, 0.0, 1.0)
    normals.setflags(write=False)
    return np.asarray(normals, np.float32)


def _skin_normals() -> FloatMap:
    """Normals all over the skin of the face, (n, 3) float32."""
    return np.asarray(_canonical_normals()[bare_face_mask(_SIDE_PX)])


def _normals_of_photo(points_xy: npt.NDArray[np.float64], shape_hw: tuple[int, int]) -> tuple[FloatMap, FloatMap]:
    """Normal of every photo px, off the face that of its edge, (H, W, 3); and how much of the change it gets, (H, W).

    The edge's normals are carried outward from the nearest px and smoothed the more the farther off.
    """
    uv = photo_to_canonical(points_xy, shape_hw)
    on_face = np.isfinite(uv[..., 0])
    normals = from_canonical(_canonical_normals(), uv)
    off_px, nearest = cv2.distanceTransformWithLabels(
        (~on_face).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # Labels number the px of the face in an order of their own.
    by_label = np.zeros((int(nearest.max()) + 1, 3), np.float32)
    by_label[nearest[on_face]] = normals[on_face]
    carried = by_label[nearest]
    iod_px = float(np.hypot(*(points_xy[468] - points_xy[473])))
    smooth = cv2.GaussianBlur(carried, (0, 0), 0.15 * iod_px)
    weight = (1.0 - np.exp(-off_px / np.float32(0.3 * iod_px)))[..., None]
    blended = np.where(on_face[..., None], normals, carried + weight * (smooth - carried))
    near = np.exp(-off_px / np.float32(_REACH_IOD * iod_px))
    return np.asarray(blended, np.float32), np.asarray(near, np.float32)
