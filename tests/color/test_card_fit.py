"""Corrections fitted to a card undo what a camera did, refuse what is no card, and know how far off they are."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from skinprogress.color.card_fit import CardFit, fit_card, tone_curve
from skinprogress.color.card_values import Edition, reference_lab, reference_linear_rgb
from skinprogress.color.correcting import apply_correction
from skinprogress.color.spaces import (
    LINEAR_SRGB_TO_XYZ,
    delta_e_2000,
    linear_rgb_to_lab,
    linear_to_srgb,
    srgb_to_linear,
)
from skinprogress.records import CardReading, ColorCorrection

SKIN = np.array([[0.67, 0.37, 0.31], [0.45, 0.25, 0.18], [0.30, 0.16, 0.11], [0.13, 0.07, 0.05]])
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
INDEX = np.array([1.0, -1.0, 0.0])


class Camera:
    """Gains, saturation, stray light and gamma, in the order of a phone; noise on the patches alone."""

    def __init__(
        self,
        gains: tuple[float, float, float] = (1.0, 1.0, 1.0),
        *,
        saturation: float = 1.0,
        veil: float = 0.0,
        gamma: float = 1.0,
    ) -> None:
        self.gains, self.veil, self.gamma = np.array(gains), veil, gamma
        self.mix = saturation * np.eye(3) + (1 - saturation) * np.tile(LUMINANCE, (3, 1))

    def take(self, light: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        seen = (light * self.gains * (1 - self.veil) + self.veil) @ self.mix.T
        return np.asarray(srgb_to_linear(linear_to_srgb(np.clip(seen, 0, 1)) ** self.gamma), np.float64)


def read_by(
    camera: Camera,
    *,
    edition: Edition = "2014",
    light: npt.NDArray[np.floating] | float = 0.9,
    noise: float = 0.0,
    seed: int = 0,
) -> CardReading:
    lit = reference_linear_rgb(edition) * np.broadcast_to(np.asarray(light), 24)[:, None]
    seen = camera.take(lit)
    usable = ((seen > 0.001) & (seen < 0.995)).all(axis=1)
    seen = seen * np.random.default_rng(seed).normal(1.0, noise, (24, 3)) if noise else seen
    return CardReading(
        corners_xy=np.zeros((4, 2)),
        patches_xy=np.zeros((24, 2)),
        linear_rgb=seen.astype(np.float32),
        scatter=np.full(24, noise, np.float32),
        usable=usable,
        width_px=300.0,
    )


def fitted(found: CardFit | str) -> CardFit:
    assert isinstance(found, CardFit), found
    return found


def correct(fit: CardFit, seen: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    return apply_correction(seen, ColorCorrection(rung="card", matrix=fit.matrix, tone=fit.tone))


def skin_error(fit: CardFit, camera: Camera, *, light: float = 0.9) -> npt.NDArray[np.float64]:
    """CIEDE2000 of corrected skin."""
    return delta_e_2000(linear_rgb_to_lab(correct(fit, camera.take(SKIN * light))), linear_rgb_to_lab(SKIN))


CAMERAS = {
    "nothing": Camera(),
    "dark": Camera((0.3, 0.3, 0.3)),
    "tungsten": Camera((1.05, 0.8, 0.4)),
    "gamma": Camera((0.9, 1.0, 1.05), gamma=1.12),
    "bright curve": Camera(gamma=0.88),
    "vivid": Camera((1.02, 0.95, 0.9), saturation=1.12),
    "stray light": Camera(veil=0.02),
    "everything": Camera((1.04, 0.95, 0.9), saturation=1.1, veil=0.015, gamma=1.08),
}


@pytest.mark.parametrize("name", CAMERAS)
def test_what_a_camera_did_is_undone(name: str) -> None:
    camera = CAMERAS[name]
    fit = fitted(fit_card(read_by(camera)))
    assert skin_error(fit, camera).max() < 0.7
    assert fit.residual_delta_e < 0.3 and fit.leave_one_out_delta_e < 0.5
    assert fit.edition == "2014" and fit.matrix.shape == (3, 3)
    np.testing.assert_allclose(fit.predicted[fit.used], fit.reference[fit.used], atol=0.015)


def test_a_straight_line_is_left_straight() -> None:
    assert fitted(fit_card(read_by(Camera((0.9, 0.8, 0.7))))).tone is None
    bent = fitted(fit_card(read_by(Camera(gamma=1.1))))
    assert bent.tone is not None and bent.tone.dtype == np.float32
    assert (np.diff(bent.tone, axis=0) > 0).all()
    assert "tone curve" in bent.reason


@pytest.mark.parametrize("shape", [(1.0, 0.0, 0.0), (2.0, 0.9, 0.03), (0.5, -0.9, 0.06), (2.0, -0.9, 0.0)])
def test_tone_curves_rise_and_stay_positive(shape: tuple[float, float, float]) -> None:
    light = np.linspace(1e-4, 1.2, 400)
    curve = tone_curve(light, np.array(shape))
    assert (curve > 0).all() and (np.diff(curve) > 0).all()
    if shape == (1.0, 0.0, 0.0):
        np.testing.assert_allclose(curve, light, rtol=1e-4)


@pytest.mark.parametrize("edition", ["2014", "classic"])
def test_the_edition_is_told_by_the_colours(edition: Edition) -> None:
    camera = CAMERAS["everything"]
    reading = read_by(camera, edition=edition, noise=0.005)
    fit = fitted(fit_card(reading))
    assert fit.edition == edition and edition in fit.reason
    other: Edition = "classic" if edition == "2014" else "2014"
    assert fitted(fit_card(reading, edition=other)).edition == other


def test_where_the_editions_fit_alike_the_newer_is_taken() -> None:
    half = (reference_linear_rgb("2014") + reference_linear_rgb("classic")) / 2
    reading = replace(read_by(Camera()), linear_rgb=(0.9 * half).astype(np.float32))
    assert fitted(fit_card(reading)).edition == "2014"


def test_light_that_falls_off_over_the_card_does_no_harm() -> None:
    column, row = np.tile(np.arange(6), 4), np.repeat(np.arange(4), 6)
    falling = 0.8 * np.exp(0.05 * (column - 2.5) - 0.04 * (row - 1.5))
    even = fitted(fit_card(read_by(Camera(), light=0.8)))
    fit = fitted(fit_card(read_by(Camera(), light=falling)))
    assert skin_error(fit, Camera(), light=0.8).max() < 0.8
    # Which of the light the face has is less clear.
    assert fit.log_covariance[1, 1] > 1.2 * even.log_covariance[1, 1]


def test_patches_in_the_shade_or_under_a_finger_are_left_out() -> None:
    light = np.where(np.tile(np.arange(6), 4) >= 5, 0.45, 0.9)
    reading = read_by(CAMERAS["vivid"], light=light, noise=0.004)
    spoiled = reading.linear_rgb.copy()
    spoiled[8] = (0.5, 0.3, 0.22)
    fit = fitted(fit_card(replace(reading, linear_rgb=spoiled)))
    assert not fit.used[8] and not fit.used[[5, 11]].any() and fit.used[:5].all()
    assert skin_error(fit, CAMERAS["vivid"]).max() < 1.0


def test_what_is_no_card_or_a_bad_one_is_refused() -> None:
    good = read_by(Camera())
    few = good.usable.copy()
    few[:12] = False
    assert "only 11 patches" in str(fit_card(replace(good, usable=few)))
    assert fit_card(replace(good, problem="the colour card is too blurred")) == "the colour card is too blurred"
    mixed = good.linear_rgb[np.random.default_rng(0).permutation(24)]
    assert "ColorChecker" in str(fit_card(replace(good, linear_rgb=mixed)))


def test_a_faded_card_is_trusted_less_and_then_refused() -> None:
    good = read_by(Camera())
    grey = good.linear_rgb.mean(axis=1, keepdims=True)
    # Pigments that fade do not do so alike.
    fading = np.random.default_rng(2).uniform(0.0, 1.0, (24, 1)).astype(np.float32)

    def faded(amount: float) -> CardFit | str:
        rgb = good.linear_rgb + amount * fading * (grey - good.linear_rgb)
        return fit_card(replace(good, linear_rgb=rgb.astype(np.float32)))

    fits = [fitted(faded(amount)) for amount in (0.0, 0.15, 0.4)]
    error = [np.sqrt(INDEX @ fit.log_covariance @ INDEX) for fit in fits]
    assert error[0] < error[1] < error[2]
    assert "faded" in str(faded(0.9))


def test_a_root_polynomial_is_taken_where_left_out_patches_ask_for_it() -> None:
    from scipy.optimize import root

    from skinprogress.color.correcting import root_polynomial

    matrix = np.array(
        [[0.8, -0.2, 0.1, 0.5, -0.1, -0.1], [0.1, 0.9, -0.1, -0.3, 0.5, -0.1], [-0.1, 0.1, 0.8, 0.1, -0.3, 0.4]]
    )
    wanted = np.clip(reference_linear_rgb("2014") * 0.9, 0.02, None)
    seen = np.array([root(lambda m, t=t: root_polynomial(np.abs(m)) @ matrix.T - t, t, tol=1e-6).x for t in wanted])
    reading = replace(read_by(Camera()), linear_rgb=np.abs(seen).astype(np.float32))
    fit = fitted(fit_card(reading, edition="2014"))
    assert fit.matrix.shape == (3, 6) and "root-polynomial" in fit.reason
    assert fit.leave_one_out_delta_e < 1.0
    np.testing.assert_allclose(
        correct(fit, reading.linear_rgb)[fit.used], fit.predicted[fit.used], rtol=0.05, atol=0.01
    )


def test_exposure_is_inside_the_matrix() -> None:
    bright, dark = (fitted(fit_card(read_by(Camera((g, g, g))))) for g in (1.0, 0.5))
    np.testing.assert_allclose(dark.matrix, 2 * bright.matrix, atol=0.03)


def test_the_uncertainty_grows_with_what_is_left_and_is_honest() -> None:
    rng = np.random.default_rng(5)
    scores, medians = [], []
    for noise in (0.004, 0.03):
        errors = []
        for seed in range(25):
            camera = Camera(
                tuple(np.exp(rng.uniform(-0.06, 0.0, 3))),
                saturation=rng.uniform(0.9, 1.12),
                veil=rng.uniform(0, 0.02),
                gamma=rng.uniform(0.9, 1.1),
            )
            fit = fitted(fit_card(read_by(camera, noise=noise, seed=seed), edition="2014"))
            assert np.linalg.eigvalsh(fit.log_covariance).min() > 0
            off = np.log(correct(fit, camera.take(SKIN[:3] * 0.9)) / SKIN[:3]) @ INDEX
            errors.append((off.mean(), np.sqrt(INDEX @ fit.log_covariance @ INDEX), fit.relative_redness_se))
        off, error, _ = np.array(errors).T
        scores.append(off / error)
        medians.append(np.median(errors, axis=0))
    assert (np.abs(np.concatenate(scores)) < 1.96).mean() >= 0.92
    # Not by being wide: the typical error is no tenth of what is claimed.
    assert np.sqrt(np.mean(np.square(scores[1]))) > 0.25
    assert medians[1][1] > 1.5 * medians[0][1] and medians[1][2] > 1.2 * medians[0][2]
    assert medians[0][2] < medians[0][1]


def test_reference_values_are_the_published_ones() -> None:
    with np.printoptions():  # it changes how arrays print
        colour = pytest.importorskip("colour", reason="needs colour-science", exc_type=ImportError)
    white = colour.CCS_ILLUMINANTS["CIE 1931 2 Degree Standard Observer"]["ICC D50"]
    observer = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"]
    grid = colour.SpectralShape(380, 780, 1)
    spectra = colour.SDS_COLOURCHECKERS["BabelColor Average"].values()
    reflectance = np.array(
        [s.copy().extrapolate(colour.SpectralShape(380, 780, 10)).align(grid).values for s in spectra]
    )
    matching = observer.copy().align(grid).values

    def lab_under(name: str) -> npt.NDArray[np.float64]:
        power = colour.SDS_ILLUMINANTS[name].copy().align(grid).values
        ratio = (reflectance * power) @ matching / (power @ matching)
        f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
        return f @ np.array([[0, 500, 0], [116, -500, 200], [0, 0, -200]]) - [16, 0, 0]

    shift = lab_under("D65") - lab_under("D50")
    for edition, title in (("2014", "After"), ("classic", "Before")):
        card = colour.CCS_COLOURCHECKERS[f"ColorChecker24 - {title} November 2014"]
        published = colour.XYZ_to_Lab(colour.xyY_to_XYZ(np.array(list(card.data.values()))), white)
        np.testing.assert_allclose(reference_lab(edition), published + shift, atol=0.02)


def test_reference_greys_are_neutral_and_cyan_is_out_of_gamut() -> None:
    for edition in ("2014", "classic"):
        lab = reference_lab(edition)
        assert lab.shape == (24, 3) and (np.diff(lab[18:, 0]) < -10).all()
        assert np.abs(lab[19:, 1:]).max() < 1.6
        rgb = reference_linear_rgb(edition)
        assert np.flatnonzero((rgb < 0).any(axis=1)).tolist() == [17]
        np.testing.assert_allclose(rgb @ LINEAR_SRGB_TO_XYZ[1], ((lab[:, 0] + 16) / 116) ** 3, rtol=1e-3)
