"""A correction is gains, a tone curve and a matrix, in this order; two in a row are one."""

import numpy as np
import pytest

from skinprogress.color.correcting import apply_correction, apply_tone, chain, root_polynomial
from skinprogress.records import ColorCorrection

RGB = np.random.default_rng(3).uniform(0.02, 1.3, (40, 3)).astype(np.float32)
TONE = np.stack([np.linspace(0.01, 1.0, 30), np.linspace(0.01, 1.0, 30) ** 1.2], axis=1).astype(np.float32)


def correction(**parts) -> ColorCorrection:
    return ColorCorrection(rung="card", anchor="card", matrix=parts.pop("matrix", np.eye(3, dtype=np.float32)), **parts)


def test_the_order_is_gains_tone_matrix() -> None:
    gains = np.array([1.1, 1.0, 0.8], np.float32)
    matrix = np.array([[1.2, -0.1, 0.0], [0.0, 0.9, 0.1], [0.1, 0.0, 1.0]], np.float32)
    found = apply_correction(RGB, correction(gains=gains, tone=TONE, matrix=matrix))
    np.testing.assert_allclose(found, apply_tone(RGB * gains, TONE) @ matrix.T, rtol=1e-5)


def test_a_tone_curve_is_followed_between_its_knots_and_keeps_its_ratio_beyond() -> None:
    inside = np.linspace(0.012, 0.99, 500, dtype=np.float32)
    np.testing.assert_allclose(apply_tone(inside, TONE), np.interp(inside, *TONE.T), rtol=2e-3)
    np.testing.assert_allclose(
        apply_tone(np.array([1.5, 0.004], np.float32), TONE), [1.5, 0.004 * 0.01**0.2], rtol=1e-3
    )


def test_root_polynomial_scales_with_exposure() -> None:
    np.testing.assert_allclose(root_polynomial(RGB * 0.3), root_polynomial(RGB) * 0.3, rtol=1e-5)
    np.testing.assert_allclose(root_polynomial([[0.25, 0.16, 0.04]]), [[0.25, 0.16, 0.04, 0.2, 0.08, 0.1]], rtol=1e-6)


@pytest.mark.parametrize("columns", [3, 6])
def test_a_chain_does_both(columns: int) -> None:
    matrix = np.random.default_rng(1).normal(0, 0.1, (3, columns)).astype(np.float32)
    matrix[:, :3] += np.eye(3, dtype=np.float32)
    first = ColorCorrection(
        rung="background", matrix=np.eye(3, dtype=np.float32), gains=np.array([1.2, 0.9, 1.0], np.float32),
        log_gain_covariance=np.eye(3) * 0.02**2, relative_redness_se=0.003,
    )  # fmt: skip
    then = correction(tone=TONE, matrix=matrix, log_gain_covariance=np.eye(3) * 0.01**2, relative_redness_se=0.004)
    whole = chain(first, then)
    assert (whole.rung, whole.anchor) == ("background", "card")
    np.testing.assert_allclose(
        apply_correction(RGB, whole), apply_correction(apply_correction(RGB, first), then), rtol=1e-4
    )
    assert whole.redness_index_se == pytest.approx(np.sqrt(2 * (0.02**2 + 0.01**2)))
    assert whole.relative_redness_se == pytest.approx(0.005)
