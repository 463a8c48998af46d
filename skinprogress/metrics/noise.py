"""What the camera adds to the fine detail of skin: its noise, what it leaves in a band, and how it is taken out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import mesh_normals, paint, raster
from skinprogress.face.regions import bare_face_mask
from skinprogress.face.skin import MIN_VISIBILITY
from skinprogress.metrics.inputs import HALF_AMPLITUDE_SIGMA, FloatMap, MetricInput
from skinprogress.metrics.tiles import MIN_TILES, TILE_PX, cut_tiles, find_tiles, flat_tiles, tile_spectra

Values = npt.NDArray[np.floating]

MAX_SOFTNESS = 15.0
"""Noise that was averaged over 0.6 px, as demosaicing does, has 14; more would look like skin."""
_TAIL = 6.0
# Variance of ln luminance goes with this power of luminance: shot noise −1, noise of even size in sRGB −0.8.
BRIGHTNESS_POWER = -0.9
_HIGHEST_PER_PX = 0.8  # of frequencies, cycles per photo px; no photo shows more
_CUBIC = -0.75  # of OpenCV's bicubic kernel
_SPREAD_STEPS = 5
# Of the variance: with less skin than that the characteristic function would be read where noise left nothing of it.
_LEAST_SHARE = 0.35
_LEAST_POWER = 1e-6  # of a characteristic function: nothing but noise is left below
# Power of ln luminance, cycles per px: where filters leave their mark, and where even they leave skin alone.
_FINEST, _MIDDLE = (0.38, 0.45), (0.1, 0.2)
# Of skin over that of brows, eyes and lips. Untouched photos: -1.4 to 0.1, and -0.3 to 1.2.
_SMOOTHED_LEVEL, _SMOOTHED_RISE = -1.6, 1.7


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseDensity:
    """Noise of ln luminance in one photo, as it lies in the canonical frame.

    Attributes
    ----------
    density : float
        Spectral density toward low frequencies, ln² × photo px², at the brightness `log_luminance`.
    softness : float
        How fast it falls with frequency u (cycles per photo px): as (1 + softness u²/6)⁻⁶; 0 is white.
    log_luminance : float
        Brightness at which `density` holds.
    blur_px : float
        Sigma of a Gaussian blur that the photo was given since, photo px.
    """

    density: float
    softness: float = 5.0
    log_luminance: float = 0.0
    blur_px: float = 0.0

    def spectrum(self, u: Values) -> npt.NDArray[np.float64]:
        """Density at frequencies in cycles per photo px, at the brightness `log_luminance`."""
        blurred = np.exp(-((2.0 * np.pi * self.blur_px * u) ** 2))
        return np.asarray(self.density * noise_shape(u, self.softness) * blurred, np.float64)

    def blurred(self, sigma_px: float) -> "NoiseDensity":
        """The noise after one more Gaussian blur."""
        return replace(self, blur_px=float(np.hypot(self.blur_px, sigma_px)))

    def band_variance(
        self, data: MetricInput, *, low_mm: float, high_mm: float, visibility: FloatMap | None = None
    ) -> FloatMap:
        """Variance that the noise leaves in :func:`~skinprogress.metrics.inputs.band_mm`, place by place.

        Parameters
        ----------
        data : MetricInput
            The photo, on any grid.
        low_mm, high_mm : float
            The band's wavelengths, mm.
        visibility : (S, S) float32, optional
            Cosine of the angle between surface and line of sight; that of a frontal photo where not given.

        Returns
        -------
        (S, S) float32
            ln²; NaN off the face. To be given to :func:`noise_free_spread`.
        """
        px_per_mm = seen_px_per_mm(data, visibility)
        inside = px_per_mm[data.skin & np.isfinite(px_per_mm)]
        if inside.size == 0:
            return np.full(data.skin.shape, np.nan, np.float32)
        low, high = (float(p) for p in np.percentile(inside[:: 1 + inside.size // 20000], [1.0, 99.0]))
        scales = np.linspace(low, high, 6)
        table = [self.variance_at(low_mm, high_mm, px_per_mm=float(scale)) for scale in scales]
        out = np.interp(px_per_mm, scales, table)
        out *= np.exp(BRIGHTNESS_POWER * (data.log_luminance - self.log_luminance))
        return np.asarray(out, np.float32)

    def variance_at(self, low_mm: float, high_mm: float, *, px_per_mm: float) -> float:
        """Variance in a band, ln², at one scale (photo px per mm as seen) and the brightness `log_luminance`."""
        return self.variance_through(lambda per_mm: band_gain(per_mm, low_mm, high_mm), px_per_mm=px_per_mm)

    def variance_through(self, power_gain: Callable[[Values], Values], *, px_per_mm: float) -> float:
        """Variance behind a filter of the given power gain (of cycles per mm), at the brightness `log_luminance`."""
        per_mm = np.linspace(0.01, _HIGHEST_PER_PX * px_per_mm, 200)
        density = self.spectrum(per_mm / px_per_mm) / px_per_mm**2
        return float(np.trapezoid(density * power_gain(per_mm) * 2.0 * np.pi * per_mm, per_mm))

    def brightness_factor(self, log_luminance: Values) -> float:
        """How much more noise than at `log_luminance` there is, on average, at other brightnesses."""
        return float(np.mean(np.exp(BRIGHTNESS_POWER * (log_luminance - self.log_luminance))))


def band_gain(per_mm: Values, low_mm: float, high_mm: float) -> npt.NDArray[np.float64]:
    """Power gain of :func:`~skinprogress.metrics.inputs.band_mm` at frequencies in cycles per mm."""
    fine, coarse = (np.exp(-2.0 * (np.pi * HALF_AMPLITUDE_SIGMA * w * per_mm) ** 2) for w in (low_mm, high_mm))
    return np.asarray((fine - coarse) ** 2, np.float64)


def noise_shape(u: Values, softness: float) -> npt.NDArray[np.float64]:
    """Power of noise at u cycles per photo px, 1 toward 0: demosaicing, then bicubic resampling into the frame."""
    return resampling_power(u) * soft_tail(u, softness)


def soft_tail(u: Values, softness: float) -> npt.NDArray[np.float64]:
    """Power that demosaicing leaves of noise at u cycles per photo px, 1 toward 0."""
    return np.asarray((1.0 + softness * np.asarray(u) ** 2 / _TAIL) ** -_TAIL, np.float64)


def resampling_power(u: Values) -> npt.NDArray[np.float64]:
    """Power that bicubic resampling leaves of frequencies in cycles per photo px, averaged over directions.

    References
    ----------
    Keys 1981, "Cubic convolution interpolation for digital image processing".
    """
    angles = (np.arange(8) + 0.5) / 8 * np.pi / 4

    def along(f: Values) -> Values:
        f = np.maximum(f, 1e-3)
        one, two, four = np.sinc(f), np.sinc(2.0 * f), np.sinc(4.0 * f)
        part = 3.0 * (one**2 - two) + 2.0 * _CUBIC * (3.0 * two**2 - 2.0 * two - four)
        return np.asarray((part / (np.pi * f) ** 2) ** 2)

    u = np.asarray(u, np.float64)[..., None]
    power = (along(u * np.cos(angles)) * along(u * np.sin(angles))).mean(axis=-1)
    return np.asarray(np.maximum(power, 0.01), np.float64)


@lru_cache(maxsize=4)
def _frontal(side_px: int) -> FloatMap:
    """Cosine of the angle between surface and line of sight of a frontal photo."""
    visibility = paint(mesh_normals()[:, 2], side_px)
    visibility.setflags(write=False)
    return visibility


def frontal_or(visibility: FloatMap | None, side_px: int) -> FloatMap:
    """The given visibility (S, S), or that of a frontal photo."""
    return _frontal(side_px) if visibility is None else visibility


def seen_px_per_mm(data: MetricInput, visibility: FloatMap | None = None) -> FloatMap:
    """Photo px per mm of skin as the camera saw it, (S, S) float32: foreshortened, mean of both directions."""
    return np.asarray(data.photo_px_per_mm * _shortening(frontal_or(visibility, data.skin.shape[0])), np.float32)


def _shortening(visibility: FloatMap) -> FloatMap:
    # NaN where only the outermost px of another grid reaches: seen as edge-on.
    return np.asarray(np.sqrt(np.clip(np.nan_to_num(visibility), MIN_VISIBILITY, 1.0)), np.float32)


def looks_smoothed(data: MetricInput, *, visibility: FloatMap | None = None) -> bool:
    """Whether skin looks filtered: its finest detail and noise are gone while brows and lashes are still crisp.

    Parameters
    ----------
    data : MetricInput
        In the full frame.
    visibility : (S, S) float32, optional
        As in :meth:`NoiseDensity.band_variance`.

    Returns
    -------
    bool
        False also where too little of the face is seen to tell.

    Notes
    -----
    A hint, not a proof. Of 54 untouched photos (16 people, one rendered head) none was taken for filtered; of 14 photos
    each, 6 after a mild bilateral filter, 8 after a stronger one, 11 after one that paints, 1 where that was mixed with
    the original, none after blur or JPEG, which take both kinds of detail. Very smooth skin comes close.
    """
    side = data.skin.shape[0]
    facing = frontal_or(visibility, side)
    unit = seen_px_per_mm(data, visibility) * data.mm_per_px
    seen = raster(side).inside & np.isfinite(unit) & (data.linear_rgb[..., 1] > 0.0)
    skin, features = find_tiles(data.skin, 0.9, facing), find_tiles(seen, 1.0, facing, wanted=~bare_face_mask(side))
    if min(len(skin), len(features)) < MIN_TILES:
        return False
    shrink = max(1.0, float(np.median(unit[::4, ::4][data.skin[::4, ::4]])))
    edges = np.array([*_MIDDLE, *_FINEST]) / shrink
    finest, middle = [], []
    for corners, tiles in (
        (skin, flat_tiles(data, data.skin, skin)),
        (features, cut_tiles(data.log_luminance, features)),
    ):
        power = np.log(tile_spectra(tiles, tiles, unit[tuple((corners + TILE_PX // 2).T)], edges)[0][0])
        middle.append(power[0])
        finest.append(power[2])
    level = finest[0] - finest[1]
    return bool(level < _SMOOTHED_LEVEL or level - (middle[0] - middle[1]) > _SMOOTHED_RISE)


def reference_brightness(log_luminance: Values, weight: Values) -> float:
    """Brightness at which the density of noise found on weighted tiles holds."""
    mean = np.average(np.exp(BRIGHTNESS_POWER * log_luminance), weights=weight)
    return float(np.log(mean) / BRIGHTNESS_POWER)


def noise_free_spread(values: Values, noise_variance: Values | float) -> tuple[float, float]:
    """Spread of a band as it is without the noise that lies on it.

    Parameters
    ----------
    values : (n,) float
        Of one region; NaN is left out.
    noise_variance : (n,) float or float
        From :meth:`NoiseDensity.band_variance`, in the square of the unit of `values`.

    Returns
    -------
    spread : float
        Standard deviation of a normal distribution, robust against few large values; 0 where all is noise.
    noise_share : float
        Share of the variance that was noise, 0..1 and above where more was taken off than there is. Above 0.5 the
        spread is uncertain: 1 % of error in the noise makes half a percent and more.

    Notes
    -----
    Percentiles do not add up: skin has few strong and many weak places, noise is normal, and the square of the
    half-distance of percentiles of the sum is up to 10 % above the sum of the squares. The logarithm of the
    characteristic function adds exactly whatever the distribution is, and is bounded for outliers as percentiles are.

    References
    ----------
    Markatou, Horowitz, Lenth 1995, "Robust scale estimation based on the empirical characteristic function", Stat
    Probab Lett 25: such a scale without noise.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> skin, noise = rng.laplace(0.0, 1.0, 100_000), rng.normal(0.0, 1.0, 100_000)
    >>> round(noise_free_spread(skin + noise, 1.0)[0] / noise_free_spread(skin, 0.0)[0], 1)
    1.0
    """
    known = np.isfinite(values) & np.isfinite(noise_variance)
    if not known.any():
        return float("nan"), float("nan")
    grain = np.broadcast_to(np.asarray(noise_variance, np.float64), known.shape)[known]
    return _spread_without(values[known], lambda t2: float(np.mean(np.exp(-0.5 * t2 * grain))) ** 2)


def _spread_without(values: Values, noise_power: Callable[[float], float]) -> tuple[float, float]:
    """Scale of values by their characteristic function, and the share of the variance that was noise.

    `noise_power` gives the squared modulus of that of the noise at a squared frequency.
    """
    centred = np.asarray(values - np.median(values), np.float64)
    start = float(np.subtract(*np.quantile(centred, [0.84, 0.16]))) / 2.0
    if start <= 0.0:
        return 0.0, 0.0
    variance, total, noise = start**2, start**2, 0.0
    path = [variance]
    for step in range(1, 1 + _SPREAD_STEPS):
        # The frequency goes with the result, so that twice the contrast has twice the spread.
        t2 = 1.0 / max(variance, _LEAST_SHARE * total)
        total, noise = (-float(np.log(max(p, _LEAST_POWER))) / t2 for p in (_power(centred, t2), noise_power(t2)))
        variance = total - noise
        path.append(variance)
        bend = path[-1] - 2.0 * path[-2] + path[-3] if step % 2 == 0 else 0.0
        if step < _SPREAD_STEPS and abs(bend) > 1e-3 * total:
            # Steps grow shorter by a constant factor: where they lead to is taken at once (Aitken).
            leap = variance - (path[-1] - path[-2]) ** 2 / bend
            variance = path[-1] = leap if 0.3 * variance < leap < 3.0 * variance else variance
    return float(np.sqrt(max(variance, 0.0))), noise / total


def _power(values: npt.NDArray[np.float64], t2: float) -> float:
    """Squared modulus of the empirical characteristic function at a squared frequency."""
    phase = np.sqrt(t2) * values
    return float(np.cos(phase).mean() ** 2 + np.sin(phase).mean() ** 2)


def shared_spread(one: Values, other: Values) -> float:
    """Spread of what two shots of one session have in common; their noise differs and drops out.

    Parameters
    ----------
    one, other : (n,) float
        The same places of a band in both shots, NaN where not measured.

    Returns
    -------
    float
        As :func:`noise_free_spread`, with the noise of the mean of both taken from half their difference; 0 where
        nothing is shared.

    Notes
    -----
    Only for shots that lie exactly on each other: skin that is misplaced counts as noise. Measured, 5 % of the spread
    is lost at a misfit of 0.2 mm for the band of 1–4 mm and of 0.15 mm for 1–2 mm, and it grows with the square: two
    sessions, and faces that moved, never fit that well.
    """
    both = np.isfinite(one) & np.isfinite(other)
    if not both.any():
        return float("nan")
    mean, apart = (one[both] + other[both]) / 2.0, np.asarray((one[both] - other[both]) / 2.0, np.float64)
    return _spread_without(mean, lambda t2: _power(apart, t2))[0]
