"""Two photos of one face made equally sharp, and the noise in each: so that texture can be compared.

Sharpness and noise are read from the spectra of the two photos: on skin, and on brows, eyes and lips, which no
treatment of texture changes. What changes all frequencies of skin alike is texture, or contrast; a loss that grows with
frequency is blur; what is added to the finest frequencies is noise.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.comparison.spectra import Array, PairSpectra, measure_spectra, some_of
from skinprogress.metrics.inputs import LUMINANCE, FloatMap, MetricInput
from skinprogress.metrics.noise import (
    BRIGHTNESS_POWER,
    MAX_SOFTNESS,
    NoiseDensity,
    band_gain,
    frontal_or,
    resampling_power,
    soft_tail,
)

Which = Literal["a", "b"]

MAX_SIGMA_PX = 1.5
"""Photo px; a sharp photo blurred further has lost what it should be compared by."""
MAX_NOISE_SHARE = 0.35
NOT_WORTH_BLURRING_PX = 0.05
_WAVELENGTHS_MM = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
_BLUR_LEVELS = 5
# What the model may miss in ln of the ratio of powers: of features and of skin, as share of that ln, and where the
# photos show different detail for another reason than noise.
_MODEL_ERROR, _RATIO_ERROR, _OTHER_DETAIL = (0.03, 0.08), 0.1, 0.5
# Blur, gain of features, gain of skin, root of the noise, softness of the noise.
_PRIOR = np.array([0.0, 0.0, 0.0, 0.0, 5.0])
_PRIOR_SD = np.array([3.0, 0.5, 0.5, 1.0, 5.0])
_STARTS = np.array([[0.0, 0.0, 0.0, 0.3, 5.0], [25.0, 0.0, 0.0, 0.3, 5.0]])
_BOUNDS = ([-200.0, -3.0, -3.0, 0.0, 0.0], [200.0, 3.0, 3.0, 10.0, MAX_SOFTNESS])
_NOISE = 3
_UNSEEN_NOISE_SD = 0.15  # of its root, where a third and more of the detail differs anyway
_NOT_NOISE_ERROR = 0.1  # of a share of power
_FINEST_BINS = 4


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
    contrast_error : float
        Standard error of ln contrast: what is not known of blur and noise, not what light does to relief.
    misfit : float
        How badly blur, noise and a change of contrast explain the spectra, in errors of the model; large where one
        photo was compressed, sharpened or smoothed.
    shared : float
        Correlation of the two photos between 1 and 4 mm, blur and noise included: 1 for copies.
    noise_a, noise_b : NoiseDensity
        Before matching, above what both photos have: that of the quieter photo is 0.
    finest_mm : float
        Shortest wavelength that both photos show without much more noise in one; infinite where none is.
    reason : str
        Why the photos cannot be matched, in plain English; empty where they can.
    """

    sharper: Which
    sigma_px: float
    sigma_mm: float
    standard_error_px: float
    contrast: float
    contrast_error: float
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
    low, high = (float(p) for p in np.percentile(some_of(sigma_px, data.skin), [1.0, 99.0]))
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


def estimate_relative_blur(
    a: MetricInput, b: MetricInput, skin: npt.NDArray[np.bool_], *, visibility: FloatMap | None = None
) -> RelativeBlur:
    """Find which of two registered photos is sharper, by how much, and how much more noise one of them has.

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
    With P the power of the quieter photo, that of the noisier one is g² P exp(−k u²) + N: gain g (a change of texture,
    of contrast) is free for features and for skin, blur k and noise N are common, and the likelier of the two photos is
    the noisier. No blur and no noise are expected unless the spectra show them. The photos need not show the same px:
    where they do, what they show alike is known to be no noise, and what only one shows is likely to be noise; where
    they do not, the model may miss more, and noise is found only where it is strong.

    Noise that both photos have fakes no change, but makes a real one look smaller by its share of the variance. Blur of
    another shape than a Gaussian (sharpening, compression) cannot be told from a change of one band of texture, which
    is what is looked for: nothing is refused for it. It leaves up to a tenth between 2 and 4 mm. Noise that was
    smoothed to look like skin would be taken for skin.
    """
    spectra = measure_spectra(a, b, skin, frontal_or(visibility, skin.shape[0]))
    none = NoiseDensity(density=0.0)
    if spectra is None:
        nan = float("nan")
        return RelativeBlur(
            sharper="a", sigma_px=nan, sigma_mm=nan, standard_error_px=nan, contrast=nan, contrast_error=nan,
            misfit=nan, shared=nan, noise_a=none, noise_b=none, finest_mm=float("inf"),
            reason="too little of the face is seen in both photos",
        )  # fmt: skip
    found = min((_fit(spectra, noisier) for noisier in (1, 0)), key=lambda fit: fit.cost)
    sigma = float(np.sqrt(abs(found.blur))) / (2.0 * np.pi)
    shared = spectra.shared()
    finest = _finest_mm(spectra, found)
    return RelativeBlur(
        sharper="a" if found.blur >= 0.0 else "b",
        sigma_px=sigma,
        sigma_mm=sigma / spectra.px_per_mm,
        # Near zero the error of the square says nothing about the root.
        standard_error_px=min(
            found.blur_error / (8.0 * np.pi**2 * max(sigma, 1e-6)), float(np.sqrt(found.blur_error)) / (2.0 * np.pi)
        ),
        contrast=float(np.exp(found.gain)),
        contrast_error=found.gain_error,
        misfit=found.misfit,
        shared=shared,
        noise_a=none if found.noisier == 1 else found.noise,
        noise_b=found.noise if found.noisier == 1 else none,
        finest_mm=finest,
        reason=_reason_against(sigma, finest),
    )


def _reason_against(sigma_px: float, finest_mm: float) -> str:
    if sigma_px > MAX_SIGMA_PX:
        return f"one photo is much more blurred (sigma {sigma_px:.1f} px, at most {MAX_SIGMA_PX:g} can be matched)"
    if not np.isfinite(finest_mm):
        return "noise hides the texture in one of the photos"
    return ""


class _Fit(NamedTuple):
    """The model of :func:`estimate_relative_blur` with one of the photos (0, 1) as the noisier; blur and gain of b."""

    noisier: int
    cost: float
    misfit: float
    blur: float
    blur_error: float
    gain: float
    gain_error: float
    noise: NoiseDensity


def _fit(spectra: PairSpectra, noisier: int) -> _Fit:
    from scipy.optimize import least_squares

    model = _Model(spectra, noisier)
    tries = [
        least_squares(model.residuals, start, bounds=_BOUNDS, loss="soft_l1", max_nfev=40, ftol=1e-3, xtol=1e-3)
        for start in _STARTS
    ]
    best = min(tries, key=lambda tried: float(tried.cost))
    blur, _, gain, root, softness = (float(value) for value in best.x)
    jacobian = np.asarray(best.jac, np.float64)
    errors = np.sqrt(np.diag(np.linalg.pinv(jacobian.T @ jacobian)))
    sign = 1.0 if noisier == 1 else -1.0
    return _Fit(
        noisier=noisier,
        cost=float(best.cost),
        misfit=model.misfit(best.x),
        blur=sign * blur,
        blur_error=float(errors[0]),
        gain=sign * gain,
        gain_error=float(errors[2]),
        noise=model.noise(root, softness),
    )


class _Model:
    """Ln of the power of the noisier photo over that of the quieter one, of features and then of skin."""

    def __init__(self, spectra: PairSpectra, noisier: int) -> None:
        self.square = np.tile(spectra.u**2, 2)
        self.quiet = np.concatenate([power[1 - noisier] for power in spectra.power])
        self.ratio = np.log(np.concatenate([power[noisier] for power in spectra.power]) / self.quiet)
        error, unexplained = (np.concatenate(parts) for parts in zip(*_allowed(spectra), strict=True))
        self.scale = 1.0 / error
        self.most_noise = np.concatenate([1.0 - coherence**2 for coherence in spectra.coherence()])
        different = min(1.0, 3.0 * float(unexplained[spectra.u.size :].mean()))
        self.prior_sd = _PRIOR_SD.copy()
        self.prior_sd[_NOISE] += different * (_UNSEEN_NOISE_SD - 1.0)
        self.own, self.brightness = spectra.own[noisier], spectra.brightness[noisier]
        self.own_u = spectra.u * self.own
        self.white = resampling_power(self.own_u)
        self.level = float(np.exp(np.log(spectra.power[1][noisier, -_FINEST_BINS:]).mean()))
        # Of the root of luminance, which features are in, over that of ln luminance: even over brightness, about.
        self.on_features = 0.25 * float(np.exp(-BRIGHTNESS_POWER * self.brightness))

    def _density(self, root: float, softness: float) -> tuple[float, Array]:
        """Density of the noise toward low frequencies, and at all."""
        shape = self.white * soft_tail(self.own_u, softness)
        low = root**2 * self.level / float(shape[-_FINEST_BINS:].mean())
        return low, low * shape

    def noise(self, root: float, softness: float) -> NoiseDensity:
        """The noise in px of its photo."""
        density = self._density(root, softness)[0] / self.own**2
        return NoiseDensity(density=density, softness=softness, log_luminance=self.brightness)

    def misfit(self, t: Array) -> float:
        """Root mean square of what the model misses of the data, in errors."""
        n = self.ratio.size
        squares = np.delete(self.residuals(t), np.s_[n : n + t.size]) ** 2
        return float(np.sqrt(squares.sum() / n))

    def residuals(self, t: Array) -> Array:
        """What the model misses, in errors, and what is unlikely before one looks."""
        blur, of_features, of_skin, root, softness = t
        noise = self._density(root, softness)[1]
        grain = np.concatenate([self.on_features * noise, noise]) / self.quiet
        signal = np.repeat([2.0 * of_features, 2.0 * of_skin], self.square.size // 2) - blur * self.square
        power = np.logaddexp(signal, np.log(grain + 1e-12))
        too_much = np.maximum(1.0 - np.exp(signal - power) - self.most_noise - _NOT_NOISE_ERROR, 0.0)
        away = (t - _PRIOR) / self.prior_sd
        # No blur is likelier than a little, but a strong one is not to be made smaller: a prior with heavy tails.
        away[0] = np.sign(away[0]) * np.sqrt(np.log1p(away[0] ** 2))
        return np.concatenate([(power - self.ratio) * self.scale, away, too_much / _NOT_NOISE_ERROR])


def _allowed(spectra: PairSpectra) -> Iterator[tuple[Array, Array]]:
    """Of features, then of skin: what ln of the ratio of powers may miss, and the share that noise does not explain."""
    kinds = zip(spectra.power, spectra.coherence(), spectra.n, _MODEL_ERROR, strict=True)
    for power, coherence, count, error in kinds:
        ratio = np.abs(np.log(power[1] / power[0]))
        # Noise in one photo raises its power as it lowers the coherence: what is missing beyond that is other detail.
        unexplained = np.clip(1.0 - coherence * np.exp(0.5 * ratio), 0.0, 1.0)
        known = error**2 + 1.0 / np.maximum(count, 1.0)
        yield np.sqrt(known + (_RATIO_ERROR * ratio) ** 2 + (_OTHER_DETAIL * unexplained) ** 2), unexplained


def _finest_mm(spectra: PairSpectra, found: _Fit) -> float:
    own = spectra.own[found.noisier]
    noise = found.noise.spectrum(spectra.u * own) * own**2
    for low_mm in _WAVELENGTHS_MM:
        gain = band_gain(spectra.u * spectra.px_per_mm, low_mm, 2.0 * low_mm) * spectra.u
        share = float((gain * noise).sum() / (gain * spectra.power[1][found.noisier]).sum())
        if low_mm >= spectra.finest_mm and share <= MAX_NOISE_SHARE:
            return low_mm
    return float("inf")
