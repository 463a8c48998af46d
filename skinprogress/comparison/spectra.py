"""How much detail of each size two registered photos show, on skin and on what no treatment of texture changes."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import raster
from skinprogress.face.regions import bare_face_mask
from skinprogress.metrics.inputs import LUMINANCE, FloatMap, MetricInput
from skinprogress.metrics.noise import band_gain, reference_brightness, seen_px_per_mm
from skinprogress.metrics.tiles import MIN_TILES, TILE_PX, cut_tiles, find_tiles, flat_tiles, tile_spectra

Array = npt.NDArray[np.float64]

_N_BINS = 16
_FREQUENCIES = (0.05, 0.45)  # cycles per px
_MIN_PX = 2.5  # per wavelength


class PairSpectra(NamedTuple):
    """Spectra of two photos, of features (brows, eyes, lips) and of skin.

    Attributes
    ----------
    u : (k,) float64
        Frequencies, cycles per px of the coarser photo as the camera saw it.
    power : two (3, k) float64
        Of features (root of luminance) and of skin (ln luminance): of a, of b, and the real part between them.
    n : two (k,) float64
        Independent values in each.
    own : (float, float)
        Size of that px in own px of a and b: own frequency = u × own.
    brightness : (float, float)
        Ln luminance at which the noise of a and b on skin holds.
    px_per_mm : float
        Such px per mm of skin in the middle of the face.
    finest_mm : float
        Shortest wavelength that could be told apart, were there no blur and no noise.
    """

    u: Array
    power: tuple[Array, Array]
    n: tuple[Array, Array]
    own: tuple[float, float]
    brightness: tuple[float, float]
    px_per_mm: float
    finest_mm: float

    def coherence(self) -> tuple[Array, Array]:
        """Share of the amplitude that both photos show alike, 0..1, (k,) of features and of skin."""
        features, skin = (np.clip(both / np.sqrt(one * other), 0.0, 1.0) for one, other, both in self.power)
        return features, skin

    def shared(self) -> float:
        """Correlation of the two photos on skin between 1 and 4 mm, blur and noise included."""
        gain = band_gain(self.u * self.px_per_mm, 1.0, 4.0) * self.u
        one, other, both = self.power[1]
        return float((gain * both).sum() / (gain * np.sqrt(one * other)).sum())


def measure_spectra(
    a: MetricInput, b: MetricInput, skin: npt.NDArray[np.bool_], visibility: FloatMap
) -> PairSpectra | None:
    """Measure the spectra of two registered photos.

    Parameters
    ----------
    a, b : MetricInput
        In one canonical frame, full size.
    skin : (S, S) bool
        Usable in both.
    visibility : (S, S) float32
        Cosine of the angle between surface and line of sight.

    Returns
    -------
    PairSpectra or None
        None where too little of the face is seen.
    """
    side = skin.shape[0]
    own = [seen_px_per_mm(data, visibility) * a.mm_per_px for data in (a, b)]
    unit = np.fmin(*own)
    seen = raster(side).inside & np.isfinite(unit)
    for data in (a, b):
        seen &= data.linear_rgb[..., 1] > 0.0
    places = (
        find_tiles(seen, 1.0, visibility, wanted=~bare_face_mask(side)),
        find_tiles(skin, 0.9, visibility),
    )
    if min(map(len, places)) < MIN_TILES:
        return None
    edges = np.linspace(_FREQUENCIES[0], _FREQUENCIES[1] / max(1.0, median_of(unit, skin)), _N_BINS + 1)
    centres = [tuple((corners + TILE_PX // 2).T) for corners in places]
    tiles = ([_feature_tiles(d, places[0]) for d in (a, b)], [flat_tiles(d, skin, places[1]) for d in (a, b)])
    found = [tile_spectra(one, other, unit[at], edges) for (one, other), at in zip(tiles, centres, strict=True)]
    shown = [data.log_luminance[centres[1]] for data in (a, b)]
    # The spectrum of a tile of a coarse photo has fewer steps than there are bins.
    kept = (found[0][1] > 0.0) & (found[1][1] > 0.0)
    least_px_mm = 1.0 / min(median_of(d.photo_px_per_mm, skin) for d in (a, b))
    return PairSpectra(
        u=(0.5 * (edges[1:] + edges[:-1]))[kept],
        power=(found[0][0][:, kept], found[1][0][:, kept]),
        n=(found[0][1][kept], found[1][1][kept]),
        own=(median_of(unit / own[0], skin), median_of(unit / own[1], skin)),
        brightness=(reference_brightness(shown[0], found[1][2]), reference_brightness(shown[1], found[1][2])),
        px_per_mm=median_of(unit / a.mm_per_px, skin),
        finest_mm=_MIN_PX * max(least_px_mm, median_of(a.mm_per_px, skin)),
    )


def some_of(plane: npt.NDArray[np.floating], skin: npt.NDArray[np.bool_]) -> npt.NDArray[np.floating]:
    """Every fourth px of skin in both directions: enough for a median."""
    return plane[::4, ::4][skin[::4, ::4]]


def median_of(plane: npt.NDArray[np.floating], skin: npt.NDArray[np.bool_]) -> float:
    """Median of a plane on skin."""
    return float(np.median(some_of(plane, skin)))


def _feature_tiles(data: MetricInput, corners: npt.NDArray[np.int64]) -> FloatMap:
    """Tiles of the root of luminance: near what photos are stored in, where noise is even, and 0 harmless."""
    luminance = np.asarray(cv2.transform(data.linear_rgb, LUMINANCE[None]), np.float32)
    return cut_tiles(np.sqrt(np.maximum(luminance, np.float32(0.0))), corners)
