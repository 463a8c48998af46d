"""Fit a colour correction to the 24 patches of a card, and say how far skin can be trusted after it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from skinprogress.color.card_values import Edition, reference_lab
from skinprogress.color.card_values import reference_linear_rgb as reference_linear_rgb
from skinprogress.color.correcting import root_polynomial
from skinprogress.color.spaces import Array, delta_e_2000, lab_to_linear_rgb, linear_rgb_to_lab, linear_to_srgb
from skinprogress.records import BoolArray, CardReading
from skinprogress.settings import CardEdition

Vector = npt.NDArray[np.float64]

# Parameters: tone curve (power, bend, black level), slopes of the light across and down the card, matrix.
_N_CURVE = 3
_STRAIGHT = np.array([1.0, 0.0, 0.0])
# What is expected before anything is seen: phones' curves, light over a hand-held card, a camera's colour matrix.
_CURVE_SD = np.array([0.12, 0.15, 0.012])
_CURVE_BOUNDS = np.array([[0.5, -0.9, 0.0], [2.0, 0.9, 0.06]])
_SLOPE_SD = 0.15
_CROSS_SD = 0.5
# The two skin patches count most, the greys, whose spectra no camera misjudges, more than the colours.
_WEIGHTS = np.array([10.0, 10.0] + [1.0] * 16 + [3.0] * 6)
_PATCH_SD = 0.7  # CIEDE2000 by which a good patch misses
_TURNS = 10
_MIN_OUTLIER = 5.0
_MIN_SCALE = 0.1
_CLEARLY = 0.75  # share of the left-out error that a richer model or the older edition must come down to
_MIN_GAIN = 0.25
_MIN_PATCHES = 16
# With sound cards the worst lamps and cameras, simulated from measured spectra, leave 3.0 and 3.6.
_MAX_RESIDUAL, _MAX_LEFT_OUT = 3.5, 4.5
# From -1 to 1 over the length of the card.
_ACROSS = np.tile(np.arange(6) - 2.5, 4) / 2.5
_DOWN = np.repeat(np.arange(4) - 1.5, 6) / 2.5
_SKIN = np.array([[0.62, 0.33, 0.26], [0.40, 0.22, 0.16], [0.20, 0.10, 0.07]])  # light, middle, dark; linear sRGB
# Error on skin as share of that on patches left out: by simulation with measured spectra (two cameras and shifted
# copies of them, 22 lights, skin of 20 people) and by cards drawn into photos.
_SKIN_MISFIT = 0.4
_MISFIT_FLOOR = 0.006
_RELATIVE_SHARE, _RELATIVE_FLOOR = 0.15, 0.004
# The light on the face is not that on the card: natural log of its strength, and of R and B against G.
_LIGHT_ON_FACE_SD = 0.1
_TINT_ON_FACE_SD = 0.008


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CardFit:
    """A correction fitted to one card.

    Attributes
    ----------
    edition : {'2014', 'classic'}
    tone : (n, 2) float32 or None
        Knots of the curve that takes the photo's linear values to light; None: a straight line.
    matrix : (3, 3) or (3, 6) float32
        To linear sRGB under D65, exposure inside: a perfect white in the light of the card's middle becomes 1.
    residual_delta_e, leave_one_out_delta_e : float
        Median CIEDE2000 over the used patches, and when each is left out of the fit.
    log_covariance : (3, 3) float64
        Covariance of the error that is left in ln R, ln G and ln B of skin.
    relative_redness_se : float
        Standard uncertainty left in ln R - ln G between two places of the skin, log units.
    predicted, reference : (24, 3) float32
        The patches after correction and as they should be, linear sRGB.
    used : (24,) bool
        Patches that the fit rests on.
    reason : str
        One sentence for the report.
    """

    edition: Edition
    tone: npt.NDArray[np.float32] | None
    matrix: npt.NDArray[np.float32]
    residual_delta_e: float
    leave_one_out_delta_e: float
    log_covariance: Vector
    relative_redness_se: float
    predicted: Array
    reference: Array
    used: BoolArray
    reason: str


@lru_cache(maxsize=256)
def fit_card(reading: CardReading, *, edition: CardEdition = "auto") -> CardFit | str:
    """Fit tone curve and matrix to a card that was read.

    Parameters
    ----------
    reading : CardReading
    edition : {'auto', '2014', 'classic'}
        Pigments since November 2014 or before it; ``auto``: the older ones only where they fit clearly better.

    Returns
    -------
    CardFit or str
        Or why the card cannot be trusted, in a sentence for the user.

    Notes
    -----
    A tenth of a second, so kept for each reading: a client is planned more than once, and the report draws the fit.

    One robust least-squares fit of CIELAB differences over all used patches: a rising tone curve of three parameters,
    held toward a straight line; an even slope of the light over the card; and a 3×3 matrix in linear light. Curve and
    slope are fitted together, as the greys alone cannot tell them apart. A root-polynomial matrix is taken instead
    where patches left out of the fit clearly prefer it.

    Brightness after it is that of the card's place: where face and card stand in different light, L* and with it a*
    are off. The covariance allows for 10 % of that, and for more where the light varies over the card.

    References
    ----------
    Finlayson, Mackiewicz, Hurlbert 2015, IEEE Trans Image Process 24(5), 1460–1470 (root-polynomials).
    """
    if reading.problem:
        return reading.problem
    count = int(reading.usable.sum())
    if not reading.usable[18:].any():
        return "none of the grey patches of the colour card can be used"
    if count < _MIN_PATCHES:
        return f"only {count} patches of the colour card can be used and {_MIN_PATCHES} are needed"
    if edition != "auto":
        return _report(_fit(reading, edition))
    new, old = _fit(reading, "2014"), _fit(reading, "classic")
    return _report(old if old.left_out < _CLEARLY * new.left_out else new)


def tone_curve(linear: npt.NDArray[np.floating], shape: Vector) -> Vector:
    """Undo a camera's tone curve.

    Parameters
    ----------
    linear : (...) float
        Linear light as decoded by sRGB; under 1e-5 it is raised to that.
    shape : (3,) float64
        Power (0.5 to 2), bend (-0.9 to 0.9) and black level (0 to 0.06); (1, 0, 0) is a straight line. Power and
        bend act on encoded values, ``e ** (power * (1 + bend * (e - 0.5)))``, as cameras' curves do; the black level
        is stray light that is taken away.

    Returns
    -------
    (...) float64
        Positive, and rising for all shapes within these bounds.
    """
    power, bend, black = shape
    encoded = linear_to_srgb(np.clip(linear, 1e-5, None)).astype(np.float64)
    bent = encoded ** (power * (1.0 + bend * (np.minimum(encoded, 1.0) - 0.5)))
    light = np.where(bent <= 0.04045, bent / 12.92, ((bent + 0.055) / 1.055) ** 2.4)
    # Below twice the black level a parabola goes on to zero, so that the curve stays rising and positive.
    dark = light * light / max(4.0 * black, 1e-9)
    return np.asarray(np.where(light < 2.0 * black, dark, light - black) / (1.0 - black))


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """What the parameters make of the patches."""

    measured: Vector
    gains: Vector
    lab: Vector
    n_columns: int

    def start(self) -> Vector:
        return np.concatenate([_STRAIGHT, [0.0, 0.0], np.eye(3, self.n_columns).ravel()])

    def matrix(self, parameters: Vector) -> Vector:
        return parameters[_N_CURVE + 2 :].reshape(3, self.n_columns)

    def correct(self, parameters: Vector, measured: Vector) -> Vector:
        values = tone_curve(measured, parameters[:_N_CURVE]) * self.gains
        terms = values if self.n_columns == 3 else root_polynomial(values).astype(np.float64)
        return np.asarray(terms @ self.matrix(parameters).T)

    def patches(self, parameters: Vector) -> Vector:
        """Corrected patches, as in the light of the middle of the card."""
        slope_x, slope_y = parameters[_N_CURVE : _N_CURVE + 2]
        return np.asarray(
            self.correct(parameters, self.measured) / np.exp(slope_x * _ACROSS + slope_y * _DOWN)[:, None]
        )

    def misfit(self, parameters: Vector) -> Vector:
        """CIELAB differences of the patches in units of about one CIEDE2000, (24, 3)."""
        return np.asarray((_lab(self.patches(parameters)) - self.lab) / _unit(self.lab))

    def prior(self, parameters: Vector) -> Vector:
        cross = (self.matrix(parameters) - np.eye(3, self.n_columns))[~np.eye(3, self.n_columns, dtype=bool)]
        curve, slopes = parameters[:_N_CURVE] - _STRAIGHT, parameters[_N_CURVE : _N_CURVE + 2]
        return np.concatenate([curve / _CURVE_SD, slopes / _SLOPE_SD, cross / _CROSS_SD])


def _lab(linear_rgb: npt.NDArray[np.floating]) -> Vector:
    return linear_rgb_to_lab(linear_rgb).astype(np.float64)


def _unit(lab: Vector) -> Vector:
    """CIELAB differences that look alike: in strong colours chroma matters less (as in CIEDE2000)."""
    chroma = 1.0 + 0.045 * np.hypot(lab[:, 1], lab[:, 2])
    return np.stack([np.ones(len(lab)), chroma, chroma], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Solution:
    edition: Edition
    model: _Model
    parameters: Vector
    covariance: Vector
    used: BoolArray
    left_out_lab: Vector

    @property
    def left_out_delta_e(self) -> Vector:
        """CIEDE2000 of the used patches, each by a fit that had not seen it."""
        return delta_e_2000(self.left_out_lab, self.model.lab)[self.used]

    @property
    def left_out(self) -> float:
        """Their mean, skin counting most."""
        return float(np.average(self.left_out_delta_e, weights=_WEIGHTS[self.used]))


def _fit(reading: CardReading, edition: Edition) -> _Solution:
    straight, bent = (_solve(reading, edition, n) for n in (3, 6))
    better = min(_CLEARLY * straight.left_out, straight.left_out - _MIN_GAIN)
    # Nor may it do better by dropping what does not suit it.
    return bent if bent.left_out < better and bent.used.sum() >= straight.used.sum() else straight


def _solve(reading: CardReading, edition: Edition, n_columns: int) -> _Solution:
    """Gauss-Newton on the used patches; patches that no light and camera explain are dropped on the way."""
    reference = reference_lab(edition).astype(np.float64)
    measured = reading.linear_rgb.astype(np.float64)
    # Greys say the colour of the light; the fit does the rest.
    greys = 18 + np.flatnonzero(reading.usable[18:])
    gains = np.median(lab_to_linear_rgb(reference)[greys] / np.maximum(measured[greys], 1e-3), axis=0)
    model = _Model(measured, gains.astype(np.float64), reference, n_columns)
    parameters, used = model.start(), reading.usable.copy()
    for turn in range(_TURNS):
        misfit = model.misfit(parameters)
        size = np.sqrt((misfit**2).sum(axis=1))
        typical = max(float(np.median(size[used])), _PATCH_SD)
        robust = np.minimum(1.0, 2.0 * typical / np.maximum(size, 1e-9))
        if turn >= _TURNS // 2:
            used = reading.usable & (size < max(5.0 * typical, _MIN_OUTLIER))
            robust = np.ones(24)
        root = np.sqrt(_WEIGHTS * robust * used)[:, None] / _PATCH_SD

        def residuals(p: Vector, root: Vector = root) -> Vector:
            return np.concatenate([(model.misfit(p) * root).ravel(), model.prior(p)])

        jacobian = _slopes(residuals, parameters)
        step = np.linalg.lstsq(jacobian, -residuals(parameters), rcond=None)[0]
        parameters = _within_bounds(parameters + step * min(1.0, 0.3 / float(np.abs(step).max() + 1e-9)))
    jacobian, now = _slopes(residuals, parameters), residuals(parameters)
    normal = np.linalg.inv(jacobian.T @ jacobian)
    patches = slice(0, 72)
    free = 3.0 * float(used.sum()) - float(np.trace(jacobian[patches] @ normal @ jacobian[patches].T))
    scale = max(float((now[patches] ** 2).sum()) / max(free, 6.0), _MIN_SCALE)
    unseen = model.misfit(parameters)
    for k in np.flatnonzero(used):
        # What the residual would be had the fit not seen the patch: exact for linear least squares.
        rows = slice(3 * k, 3 * k + 3)
        unseen[k] = np.linalg.solve(np.eye(3) - jacobian[rows] @ normal @ jacobian[rows].T, now[rows]) / root[k]
    left_out = reference + unseen * _unit(reference)
    return _Solution(edition, model, parameters, np.asarray(normal * scale, np.float64), used, left_out)


def _within_bounds(parameters: Vector) -> Vector:
    return np.concatenate([np.clip(parameters[:_N_CURVE], *_CURVE_BOUNDS), parameters[_N_CURVE:]])


def _slopes(function: Callable[[Vector], Vector], at: Vector) -> Vector:
    """Numerical Jacobian, (values, parameters): central differences; all parameters are of the order of one."""
    steps = 1e-3 * np.eye(len(at))
    return np.stack([(function(at + h) - function(at - h)).ravel() / 2e-3 for h in steps], axis=1)


def _report(found: _Solution) -> CardFit | str:
    parameters, model, used = found.parameters, found.model, found.used
    if int(used.sum()) < _MIN_PATCHES:
        return f"{24 - int(used.sum())} of the 24 patches do not have the colours of a ColorChecker in any one light"
    predicted = model.patches(parameters).astype(np.float32)
    residual = float(np.median(delta_e_2000(_lab(predicted), model.lab)[used]))
    left_out = float(np.median(found.left_out_delta_e))
    if residual > _MAX_RESIDUAL or left_out > _MAX_LEFT_OUT:
        return (
            f"after the best correction the patches of the colour card are still off by ΔE00 {residual:.1f} "
            f"({left_out:.1f} where left out): a shadow lies on it, it is faded or soiled, or it is not a ColorChecker"
        )
    covariance, relative = _uncertainty(found)
    knots = np.linspace(0.04, 1.1, 48) ** 2
    tone = np.stack([knots, tone_curve(knots, parameters[:_N_CURVE])], axis=1)
    straight = bool((np.abs(tone[4:, 1] / tone[4:, 0] - 1.0) < 0.005).all())
    kind = ("" if straight else "tone curve and ") + ("3×3 matrix" if model.n_columns == 3 else "root-polynomial")
    return CardFit(
        edition=found.edition,
        tone=None if straight else tone.astype(np.float32),
        matrix=_with_gains(model, parameters),
        residual_delta_e=residual,
        leave_one_out_delta_e=left_out,
        log_covariance=covariance,
        relative_redness_se=relative,
        predicted=predicted,
        reference=lab_to_linear_rgb(model.lab),
        used=used,
        reason=f"{int(used.sum())} patches of the card (edition {found.edition}), {kind}; "
        f"ΔE00 {residual:.1f} on the card, {left_out:.1f} on patches left out",
    )


def _with_gains(model: _Model, parameters: Vector) -> npt.NDArray[np.float32]:
    """Exposure and white balance taken into the matrix; a root term scales with the roots of both gains."""
    r, g, b = model.gains
    columns = np.array([r, g, b, np.sqrt(r * g), np.sqrt(g * b), np.sqrt(b * r)])[: model.n_columns]
    return np.asarray(model.matrix(parameters) * columns, np.float32)


def _uncertainty(found: _Solution) -> tuple[Vector, float]:
    """Covariance of what is left in ln R, G, B of skin, and the standard error of relative redness."""
    model, parameters = found.model, found.parameters
    # Skin as this camera sees it, roughly: by the inverse of the fit without its curve.
    seen = np.clip(_SKIN @ np.linalg.pinv(model.matrix(parameters)[:, :3]).T / model.gains, 0.01, 1.0)

    def log_skin(p: Vector) -> Vector:
        return np.asarray(np.log(np.maximum(model.correct(p, seen), 1e-4)))

    slopes = _slopes(log_skin, parameters).reshape(len(_SKIN), 3, -1)
    by_parameters = np.mean([j @ found.covariance @ j.T for j in slopes], axis=0)
    # What the model misses on patches that it has not seen, as that difference would be in the middle skin colour.
    missed = ((found.left_out_lab - model.lab) / _unit(model.lab))[found.used]
    to_lab = _slopes(lambda log: _lab(np.exp(log)[None])[0], np.log(_SKIN[1])) / _unit(_lab(_SKIN[1:2]))[0][:, None]
    in_log = missed @ np.linalg.inv(to_lab).T
    misfit = _SKIN_MISFIT**2 * in_log.T @ in_log / len(in_log) + _MISFIT_FLOOR**2 * np.eye(3)
    # Where the light varies over the card, it is less clear which of it the face has.
    varies = 0.5 * float((parameters[_N_CURVE : _N_CURVE + 2] ** 2).sum())
    light = (_LIGHT_ON_FACE_SD**2 + varies) * np.ones((3, 3)) + _TINT_ON_FACE_SD**2 * np.diag([1.0, 0.0, 1.0])
    index = np.array([1.0, -1.0, 0.0])
    # Two places of one skin differ about half as much as light and middle skin do.
    slope = 0.5 * index @ (slopes[0] - slopes[1])
    within = slope @ found.covariance @ slope + _RELATIVE_SHARE**2 * (index @ misfit @ index) + _RELATIVE_FLOOR**2
    return np.asarray(by_parameters + misfit + light), float(np.sqrt(within))
