"""Two photos of one face made equally sharp, and the noise in each: so that texture can be compared.

Sharpness and noise are read from spectra of small tiles of the two registered photos: on skin, and on brows, eyes and
lips, which no treatment of texture changes. What both photos show alike is skin, whatever its contrast; a loss that
grows with frequency is blur; what only one of them shows at the finest frequencies is its noise.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import raster
from skinprogress.face.regions import bare_face_mask
from skinprogress.metrics.inputs import LUMINANCE, FloatMap, MetricInput
from skinprogress.metrics.noise import (
    MAX_SOFTNESS,
    MIN_TILES,
    TILE_PX,
    NoiseDensity,
    band_gain,
    cut_tiles,
    find_tiles,
    flat_tiles,
    frontal_or,
    noise_shape,
    reference_brightness,
    seen_px_per_mm,
    tile_spectra,
)

Array = npt.NDArray[np.float64]
Which = Literal["a", "b"]

MAX_SIGMA_PX = 1.5
"""Photo px; a sharp photo blurred further has lost what it should be compared by."""
MAX_NOISE_SHARE = 0.35
MAX_MISFIT = 0.5
"""Measured: blur, noise and size leave up to 0.3, JPEG of quality 75 and below 0.5–1.2."""
_SAME_PICTURE = 0.98
_WAVELENGTHS_MM = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
_MIN_PX = 2.5
_N_BINS = 16
_FREQUENCIES = (0.05, 0.45)  # cycles per px
# What the model may miss: of features and skin, as ln of power, and as share of ln of the ratio of powers.
_MODEL_ERROR = (0.03, 0.08)
_RATIO_ERROR = 0.1
NOT_WORTH_BLURRING_PX = 0.05
_BLUR_LEVELS = 5
# Places of the parameters; of two, the first is that of features and the second of skin.
_BLUR, _GAIN, _DECAY, _SHARED, _NOISE_A, _NOISE_B, _SOFT_A, _SOFT_B = 0, (1, 2), (3, 4), (5, 6), (7, 8), (9, 10), 11, 12
_N_PARAMETERS = 13
_PRIOR_SD = np.array([3.0, 0.5, 0.5, 2.0, 4.0, 1.0, 1.0, 2.5, 2.5, 2.5, 2.5, 8.0, 8.0])
_SAME_NOISE_SD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeBlur:
    """How two photos of one face differ in sharpness and noise.

    Attributes
    ----------
    sharper : {'a', 'b'}
    sigma_px : float
        Sigma of the Gaussian that makes the sharper one like the other, px of the coarser photo as the camera saw it; 0
        where they are alike.
    sigma_mm : float
        The same on skin, mm, in the middle of the face.
    standard_error_px : float
    contrast : float
        Contrast of skin in b over that in a once blur and noise are taken out; not blur, so left as it is.
    misfit : float
        How badly blur, noise and a change of contrast explain the spectra, in errors of the model; large where one
        photo was compressed, sharpened or smoothed.
    shared : float
        Correlation of the two photos between 1 and 4 mm, blur and noise included: 1 for copies.
    noise_a, noise_b : NoiseDensity
        Before matching.
    finest_mm : float
        Shortest wavelength that both photos show with no more noise than skin; infinite where none is.
    reason : str
        Why the photos cannot be matched, in plain English; empty where they can.
    """

    sharper: Which
    sigma_px: float
    sigma_mm: float
    standard_error_px: float
    contrast: float
    misfit: float
    shared: float
    noise_a: NoiseDensity
    noise_b: NoiseDensity
    finest_mm: float
    reason: str = ""


def blur_luminance(data: MetricInput, sigma_px: FloatMap) -> MetricInput:
    """Blur the luminance of a photo by a Gaussian whose width changes over the face; colours stay.

    Parameters
    ----------
    data : MetricInput
        In the full frame.
    sigma_px : (S, S) float32
        Px of the frame; NaN where there is no face.

    Returns
    -------
    MetricInput
    """
    low, high = (float(p) for p in np.percentile(_some(sigma_px, data.skin), [1.0, 99.0]))
    levels = np.linspace(low, max(high, 1.02 * low), _BLUR_LEVELS)
    luminance = np.asarray(cv2.transform(data.linear_rgb, LUMINANCE[None]), np.float32)
    # Between two levels the blur is mixed by its variance, which is exact for long waves.
    inside = np.isfinite(sigma_px)
    variance = np.where(inside, sigma_px, np.float32(low)) ** 2
    finer = np.asarray(cv2.GaussianBlur(luminance, (0, 0), levels[0]), np.float32)
    blurred = finer.copy()
    for one, next_one in pairwise(levels):
        coarser = np.asarray(cv2.GaussianBlur(luminance, (0, 0), next_one), np.float32)
        share = (variance - np.float32(one**2)) / np.float32(next_one**2 - one**2)
        blurred += np.clip(share, 0.0, 1.0, out=share) * (coarser - finer)
        finer = coarser
    factor = blurred / np.maximum(luminance, np.float32(1e-6))
    factor[~inside | (luminance <= 0.0)] = 1.0
    return replace(data, linear_rgb=np.asarray(data.linear_rgb * factor[..., None], np.float32))


def _some(plane: npt.NDArray[np.floating], skin: npt.NDArray[np.bool_]) -> npt.NDArray[np.floating]:
    """Every fourth px of skin in both directions: enough for a median."""
    return plane[::4, ::4][skin[::4, ::4]]


class _Spectra(NamedTuple):
    """Auto- and cross-spectra (3, k) of features and skin at frequencies u, cycles per px of the coarser photo."""

    u: Array
    power: tuple[Array, Array]
    n: tuple[Array, Array]
    own: tuple[float, float]  # size of that px in own px of a and b: own frequency = u × own
    brightness: tuple[float, float]
    px_per_mm: float


def estimate_relative_blur(
    a: MetricInput, b: MetricInput, skin: npt.NDArray[np.bool_], *, visibility: FloatMap | None = None
) -> RelativeBlur:
    """Find which of two registered photos is sharper, by how much, and how much noise each has.

    Parameters
    ----------
    a, b : MetricInput
        In one canonical frame, full size.
    skin : (S, S) bool
        Usable in both.
    visibility : (S, S) float32, optional
        Cosine of the angle between surface and line of sight; that of a frontal photo where not given. Wanted for
        oblique views: without the foreshortening, bands from 1 to 2 mm miss by a tenth after a blur of one px.

    Returns
    -------
    RelativeBlur

    Notes
    -----
    With S the spectrum of the face in a, power in a is S + N_a, in b g² S exp(−k u²) + N_b, and between them
    c g S exp(−k u²/2 − m u²): S is free at each frequency; gain g (a change of texture, of contrast), shared part c and
    its decay m (misfit) are free for features and for skin; the blur k and the noise N of each photo are common.
    Sharpening or compression of one photo is no Gaussian blur and shows as misfit. Noise that was smoothed to look like
    skin would be taken for skin.
    """
    spectra = _measure_spectra(a, b, skin, frontal_or(visibility, skin.shape[0]))
    if spectra is None:
        none = NoiseDensity(density=0.0)
        nan = float("nan")
        return RelativeBlur(
            sharper="a", sigma_px=nan, sigma_mm=nan, standard_error_px=nan, contrast=nan, misfit=nan, shared=nan,
            noise_a=none, noise_b=none, finest_mm=float("inf"), reason="too little of the face is seen in both photos",
        )  # fmt: skip
    found, error, misfit = _PairFit(spectra).solve()
    k = float(found[_BLUR])
    sigma = float(np.sqrt(abs(k))) / (2.0 * np.pi)
    noise = [_noise_of(found, spectra, photo) for photo in (0, 1)]
    finest = _finest_mm(spectra, noise, a, b, skin)
    shared = _shared(spectra)
    return RelativeBlur(
        sharper="a" if k >= 0.0 else "b",
        sigma_px=sigma,
        sigma_mm=sigma / spectra.px_per_mm,
        # Near zero the error of the square says nothing about the root.
        standard_error_px=min(error / (8.0 * np.pi**2 * max(sigma, 1e-6)), float(np.sqrt(error)) / (2.0 * np.pi)),
        contrast=float(np.exp(found[_GAIN[1]])),
        misfit=misfit,
        shared=shared,
        noise_a=noise[0],
        noise_b=noise[1],
        finest_mm=finest,
        reason=_reason_against(sigma, misfit, shared, finest),
    )


def _reason_against(sigma_px: float, misfit: float, shared: float, finest_mm: float) -> str:
    if sigma_px > MAX_SIGMA_PX:
        return f"one photo is much more blurred (sigma {sigma_px:.1f} px, at most {MAX_SIGMA_PX:g} can be matched)"
    # A change of one band alone misfits too, but all that is seen is seen in both photos.
    if misfit > MAX_MISFIT and shared < _SAME_PICTURE:
        return "one photo was compressed, sharpened or smoothed otherwise than the other, which cannot be undone"
    if not np.isfinite(finest_mm):
        return "noise hides the texture in one of the photos"
    return ""


def _measure_spectra(
    a: MetricInput, b: MetricInput, skin: npt.NDArray[np.bool_], visibility: FloatMap
) -> _Spectra | None:
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
    middle = float(np.median(_some(unit, skin)))
    edges = np.linspace(_FREQUENCIES[0], _FREQUENCIES[1] / max(1.0, middle), _N_BINS + 1)
    centres = [tuple((corners + TILE_PX // 2).T) for corners in places]
    tiles = ([_feature_tiles(d, places[0]) for d in (a, b)], [flat_tiles(d, skin, places[1]) for d in (a, b)])
    found = [tile_spectra(one, other, unit[at], edges) for (one, other), at in zip(tiles, centres, strict=True)]
    shown = [data.log_luminance[centres[1]] for data in (a, b)]
    # The spectrum of a tile of a coarse photo has fewer steps than there are bins.
    kept = (found[0][1] > 0.0) & (found[1][1] > 0.0)
    return _Spectra(
        u=(0.5 * (edges[1:] + edges[:-1]))[kept],
        power=(found[0][0][:, kept], found[1][0][:, kept]),
        n=(found[0][1][kept], found[1][1][kept]),
        own=(float(np.median(_some(unit / own[0], skin))), float(np.median(_some(unit / own[1], skin)))),
        brightness=(reference_brightness(shown[0], found[1][2]), reference_brightness(shown[1], found[1][2])),
        px_per_mm=float(np.median(_some(unit / a.mm_per_px, skin))),
    )


def _feature_tiles(data: MetricInput, corners: npt.NDArray[np.int64]) -> FloatMap:
    """Tiles of the root of luminance: near what photos are stored in, where noise is even, and 0 harmless."""
    luminance = np.asarray(cv2.transform(data.linear_rgb, LUMINANCE[None]), np.float32)
    return cut_tiles(np.sqrt(np.maximum(luminance, np.float32(0.0))), corners)


class _PairFit:
    """Least squares of the model in :func:`estimate_relative_blur` on the logs of power and on the cross-spectra."""

    def __init__(self, spectra: _Spectra) -> None:
        self.spectra = spectra
        self.square = spectra.u**2
        self.own = [(spectra.u * own) ** 2 for own in spectra.own]
        shapes = [noise_shape(spectra.u * own, 0.0) for own in spectra.own]
        self.white = [shape / shape[-1] for shape in shapes]
        self.scale, finest = [], []
        for power, count, error in zip(spectra.power, spectra.n, _MODEL_ERROR, strict=True):
            model = error + _RATIO_ERROR * np.abs(np.log(power[1] / power[0]))
            self.scale.append(1.0 / np.hypot(model, 1.0 / np.sqrt(np.maximum(count, 1.0))))
            finest.append(np.log(power[:2, -2:].min(axis=1)) - 2.0)
        self.prior = np.zeros(_N_PARAMETERS)
        self.prior[[*_NOISE_A, *_NOISE_B]] = [finest[0][0], finest[1][0], finest[0][1], finest[1][1]]
        self.prior[[_SOFT_A, _SOFT_B]] = 5.0

    def solve(self) -> tuple[Array, float, float]:
        """Parameters, then ln S of features and skin; the standard error of the blur parameter; the misfit."""
        from scipy.optimize import least_squares

        power = self.spectra.power
        start = np.concatenate([self.prior, np.log(0.7 * power[0][0]), np.log(0.7 * power[1][0])])
        start[list(_DECAY)] = 0.1
        start[list(_SHARED)] = -0.05
        low, high = np.full(start.size, -np.inf), np.full(start.size, np.inf)
        low[list(_DECAY)], high[list(_SHARED)] = 0.0, 0.0
        low[[_SOFT_A, _SOFT_B]], high[[_SOFT_A, _SOFT_B]] = -3.0, MAX_SOFTNESS
        start[_BLUR] = self._first_guess()
        best = least_squares(
            self.residuals, start, jac=self.jacobian, bounds=(low, high), loss="soft_l1",
            max_nfev=60, ftol=1e-4, xtol=1e-4,
        )  # fmt: skip
        jacobian = self.jacobian(best.x)
        variance = np.linalg.pinv(jacobian.T @ jacobian)[_BLUR, _BLUR]
        n = self.square.size
        squares = self.residuals(best.x)[: 6 * n].reshape(6, n) ** 2
        return np.asarray(best.x), float(np.sqrt(variance)), float(np.sqrt(squares.mean(axis=1).max()))

    def _first_guess(self) -> float:
        """The weakest blur that features allow: noise and misfit too make what each shows of the other fall."""
        one, other, both = self.spectra.power[0][:, :8]
        both = np.maximum(both, 0.05 * np.sqrt(one * other))
        in_a, in_b = (float(np.polyfit(self.square[:8], np.log(both / p), 1)[0]) for p in (one, other))
        return float(np.clip(0.0, min(2.0 * in_b, -2.0 * in_a), max(2.0 * in_b, -2.0 * in_a)))

    def residuals(self, t: Array) -> Array:
        return self._evaluate(t)[0]

    def jacobian(self, t: Array) -> Array:
        return self._evaluate(t)[1]

    def _noise(self, t: Array, photo: int) -> tuple[Array, Array]:
        """Shape of a photo's noise, 1 at the last frequency, and the derivative of its log by softness."""
        softness, own = t[(_SOFT_A, _SOFT_B)[photo]], self.own[photo]
        shape = 1.0 + softness * own / 6.0
        return self.white[photo] * (shape / shape[-1]) ** -6.0, own[-1] / shape[-1] - own / shape

    def _evaluate(self, t: Array) -> tuple[Array, Array]:
        n = self.square.size
        rows: list[Array] = []
        jacobian = np.zeros((6 * n + _N_PARAMETERS + 1, t.size))
        noise = [self._noise(t, photo) for photo in (0, 1)]
        for kind in (0, 1):
            power, scale = self.spectra.power[kind], self.scale[kind]
            at = np.arange(_N_PARAMETERS + kind * n, _N_PARAMETERS + (kind + 1) * n)
            skin = np.exp(t[at])
            in_b = skin * np.exp(2.0 * t[_GAIN[kind]] - t[_BLUR] * self.square)
            loss = 0.5 * t[_BLUR] + t[_DECAY[kind]]
            shared = skin * np.exp(t[_GAIN[kind]] + t[_SHARED[kind]] - loss * self.square)
            for photo, signal in enumerate((skin, in_b)):
                place = (_NOISE_A, _NOISE_B)[photo][kind]
                shape, by_softness = noise[photo]
                grain = np.exp(t[place]) * shape
                row = 3 * n * kind + n * photo + np.arange(n)
                weight = scale / (signal + grain)
                rows.append(np.log((signal + grain) / power[photo]) * scale)
                jacobian[row, at] = signal * weight
                jacobian[row, place] = grain * weight
                jacobian[row, (_SOFT_A, _SOFT_B)[photo]] = grain * by_softness * weight
                if photo == 1:
                    jacobian[row, _GAIN[kind]] = 2.0 * signal * weight
                    jacobian[row, _BLUR] = -self.square * signal * weight
            row = 3 * n * kind + 2 * n + np.arange(n)
            weight = scale / np.sqrt(power[0] * power[1])
            rows.append((shared - power[2]) * weight)
            jacobian[row, at] = jacobian[row, _GAIN[kind]] = jacobian[row, _SHARED[kind]] = shared * weight
            jacobian[row, _DECAY[kind]] = -self.square * shared * weight
            jacobian[row, _BLUR] = -0.5 * self.square * shared * weight
        rows.append(self._priors(t, jacobian[6 * n :]))
        return np.concatenate(rows), jacobian

    def _priors(self, t: Array, jacobian: Array) -> Array:
        away = (t[:_N_PARAMETERS] - self.prior) / _PRIOR_SD
        jacobian[np.arange(_N_PARAMETERS), np.arange(_N_PARAMETERS)] = 1.0 / _PRIOR_SD
        # No blur is likelier than a little, but a strong one is not to be made smaller: a prior with heavy tails.
        x = away[_BLUR]
        root = float(np.sqrt(np.log1p(x * x)))
        if root > 1e-4:
            away[_BLUR] = np.sign(x) * root
            jacobian[_BLUR, _BLUR] = abs(x) / (1.0 + x * x) / root / _PRIOR_SD[_BLUR]
        # The noisier photo is noisier on features too.
        signs = ((_NOISE_B[0], 1.0), (_NOISE_A[0], -1.0), (_NOISE_B[1], -1.0), (_NOISE_A[1], 1.0))
        for place, sign in signs:
            jacobian[-1, place] = sign / _SAME_NOISE_SD
        return np.append(away, sum(sign * t[place] for place, sign in signs) / _SAME_NOISE_SD)


def _noise_of(found: Array, spectra: _Spectra, photo: int) -> NoiseDensity:
    softness = float(found[(_SOFT_A, _SOFT_B)[photo]])
    own = spectra.own[photo]
    last = noise_shape(spectra.u[-1:] * own, softness)[0]
    level = float(np.exp(found[(_NOISE_A, _NOISE_B)[photo][1]]))
    return NoiseDensity(
        density=level / float(last) / own**2, softness=softness, log_luminance=spectra.brightness[photo]
    )


def _on_skin(noise: NoiseDensity, spectra: _Spectra, photo: int) -> Array:
    return noise.spectrum(spectra.u * spectra.own[photo]) * spectra.own[photo] ** 2


def _shared(spectra: _Spectra) -> float:
    gain = band_gain(spectra.u * spectra.px_per_mm, 1.0, 4.0) * spectra.u
    one, other, both = spectra.power[1]
    return float((gain * both).sum() / (gain * np.sqrt(one * other)).sum())


def _finest_mm(
    spectra: _Spectra, noise: list[NoiseDensity], a: MetricInput, b: MetricInput, skin: npt.NDArray[np.bool_]
) -> float:
    per_mm = spectra.u * spectra.px_per_mm
    px_per_mm = min(float(np.median(_some(d.photo_px_per_mm, skin))) for d in (a, b))
    px_per_mm = min(px_per_mm, 1.0 / float(np.median(_some(a.mm_per_px, skin))))
    for low_mm in _WAVELENGTHS_MM:
        gain = band_gain(per_mm, low_mm, 2.0 * low_mm) * spectra.u
        shares = [
            float((gain * _on_skin(noise[p], spectra, p)).sum() / (gain * spectra.power[1][p]).sum()) for p in (0, 1)
        ]
        if low_mm * px_per_mm >= _MIN_PX and max(shares) <= MAX_NOISE_SHARE:
            return low_mm
    return float("inf")
