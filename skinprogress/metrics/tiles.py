"""Small tiles of the canonical frame, and how much detail of each size there is in them: their spectra."""

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.metrics.inputs import FloatMap, MetricInput

Values = npt.NDArray[np.floating]

TILE_PX = 64
MIN_TILES = 12
_RINGS = TILE_PX // 2 - 1
_MIN_FRONTAL = 0.8
_ENOUGH_TILES = 40
_FLAT_MM = 2.5
_MAX_TILE_WEIGHT = 3.0


@lru_cache(maxsize=1)
def _window() -> FloatMap:
    ramp = np.hanning(TILE_PX + 1)[:TILE_PX].astype(np.float32)
    return np.outer(ramp, ramp)


@lru_cache(maxsize=1)
def _rings() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Matrix that averages a tile's spectrum over rings of one step of frequency, and px in each ring."""
    along, half = np.fft.fftfreq(TILE_PX) * TILE_PX, np.fft.rfftfreq(TILE_PX) * TILE_PX
    ring = np.rint(np.hypot(along[:, None], half[None])).astype(np.int64).ravel() - 1
    count = np.bincount(ring[(ring >= 0) & (ring < _RINGS)], minlength=_RINGS)
    matrix = (ring[:, None] == np.arange(_RINGS)).astype(np.float32) / count.astype(np.float32)
    return matrix, count


def find_tiles(
    usable: npt.NDArray[np.bool_], share: float, visibility: FloatMap, *, wanted: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.int64]:
    """Upper left corners (n, 2) of overlapping tiles that are usable, hold a fifth of what is wanted, and face the eye.

    Where the surface is foreshortened, blur in millimetres differs by direction and no one width describes it.
    """
    hop = usable.shape[0] // 32

    def covered(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        total = cv2.integral(mask.astype(np.uint8))
        a = np.arange(0, mask.shape[0] - TILE_PX + 1, hop)
        b = a + TILE_PX
        inside = total[np.ix_(b, b)] - total[np.ix_(a, b)] - total[np.ix_(b, a)] + total[np.ix_(a, a)]
        return np.asarray(inside / TILE_PX**2)

    hit = covered(usable) >= share
    if wanted is not None:
        hit &= covered(wanted) >= 0.2
    corners = np.asarray(np.argwhere(hit) * hop, np.int64)
    facing = visibility[tuple((corners + TILE_PX // 2).T)]
    if facing.size <= _ENOUGH_TILES:
        return corners
    return np.asarray(corners[facing >= min(_MIN_FRONTAL, float(np.sort(facing)[-_ENOUGH_TILES]))])


def cut_tiles(plane: FloatMap, corners: npt.NDArray[np.int64]) -> FloatMap:
    """Tiles (n, TILE_PX, TILE_PX) of a plane; copies."""
    views = np.lib.stride_tricks.sliding_window_view(plane, (TILE_PX, TILE_PX))
    return np.asarray(views[corners[:, 0], corners[:, 1]])


def flat_tiles(data: MetricInput, skin: npt.NDArray[np.bool_], corners: npt.NDArray[np.int64]) -> FloatMap:
    """Tiles of ln luminance without shading, 0 off the skin and made up for what is missing there."""
    inside = skin.astype(np.float32)
    value = np.where(skin, data.log_luminance, np.float32(0.0))
    size = skin.shape[1] // 4, skin.shape[0] // 4
    both = cv2.resize(np.asarray(cv2.merge([value, inside])), size, interpolation=cv2.INTER_AREA)
    sigma_px = _FLAT_MM / float(np.median(data.mm_per_px[::4, ::4][skin[::4, ::4]])) / 4.0
    both = np.asarray(cv2.GaussianBlur(both, (0, 0), sigma_px, borderType=cv2.BORDER_CONSTANT))
    slow = np.asarray(
        cv2.resize(both[..., 0] / np.maximum(both[..., 1], np.float32(1e-3)), skin.shape[::-1]), np.float32
    )
    tiles = cut_tiles((value - slow) * inside, corners)
    weight = _window() ** 2
    share = np.tensordot(cut_tiles(inside, corners), weight, 2) / weight.sum()
    return np.asarray(tiles / np.sqrt(share)[:, None, None], np.float32)


def tile_spectra(
    one: FloatMap, other: FloatMap, unit_px: Values, edges: Values
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Power spectra of two photos and their cross-spectrum, averaged over directions and over tiles.

    Parameters
    ----------
    one, other : (n, TILE_PX, TILE_PX) float32
        The same places in both.
    unit_px : (n,) float
        Photo px per canonical px of each tile.
    edges : (k + 1,) float
        Borders of the bins, cycles per photo px.

    Returns
    -------
    spectra : (3, k) float64
        Of one, of the other, and the real part between them, unit² × photo px². Tiles count by the inverse of their
        strength, so that a hair or a mole does not speak for the face. 0 in bins that no tile reaches.
    count : (k,) float64
        Independent values in each bin, about.
    weight : (n,) float64
        Of each tile.
    """
    from scipy.fft import rfft2

    window = _window()
    matrix, in_ring = _rings()
    waves = []
    for tiles in (one, other):
        mean = np.tensordot(tiles, window, 2) / window.sum()
        waves.append(rfft2((tiles - mean[:, None, None]) * window).reshape(len(tiles), -1))
    a, b = waves
    products = (a.real**2 + a.imag**2, b.real**2 + b.imag**2, a.real * b.real + a.imag * b.imag)
    power = np.stack([p @ matrix for p in products]).astype(np.float64)
    power *= (np.asarray(unit_px, np.float64) ** 2 / float((window**2).sum()))[:, None]
    own = np.arange(1, _RINGS + 1) / TILE_PX
    u = own / np.asarray(unit_px, np.float64)[:, None]
    used = (u > 2.0 * edges[0]) & (u < edges[-1]) & (own < 0.46)
    strength = 0.5 * (np.log(power[0] * power[1] + 1e-30) * used).sum(axis=1) / used.sum(axis=1)
    weight = np.minimum(np.exp(np.median(strength) - strength), _MAX_TILE_WEIGHT)
    where = np.where(own < 0.46, np.digitize(u, edges), 0).ravel()

    def gather(values: Values) -> npt.NDArray[np.float64]:
        return np.asarray(np.bincount(where, values.ravel(), minlength=edges.size + 1)[1:-1], np.float64)

    shared = weight[:, None] * in_ring
    spectra = np.stack([gather(shared * p) for p in power]) / np.maximum(gather(shared), 1e-30)
    # Tiles overlap by half, and half of a real spectrum repeats the other half.
    return spectra, gather(np.broadcast_to(in_ring, u.shape)) / 8.0, weight
