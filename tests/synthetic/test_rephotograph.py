"""Simulated photos of a photo."""

from dataclasses import fields, replace

import cv2
import numpy as np
import pytest

from skinprogress.color.spaces import encode_srgb8, srgb_to_linear
from skinprogress.face.canonical import apply_affine
from skinprogress.synthetic.rephotograph import Rephotograph, draw_rephotograph, rephotograph


@pytest.fixture
def scene(skin_patch):
    smooth = cv2.GaussianBlur(skin_patch, (0, 0), 2.0)
    smooth[60:64, 150:154] = 0.9
    return smooth


def rng():
    return np.random.default_rng(8)


def test_the_identity_is_the_identity_but_for_jpeg(scene):
    rgb, matrix = rephotograph(scene, Rephotograph(jpeg_quality=None), rng=rng())
    assert np.array_equal(rgb, encode_srgb8(scene))
    np.testing.assert_array_equal(matrix, [[1, 0, 0], [0, 1, 0]])
    rgb, _ = rephotograph(scene, Rephotograph(), rng=rng())
    difference = np.abs(rgb.astype(int) - encode_srgb8(scene))
    assert difference.mean() < 1.0
    assert difference.max() < 40


def test_points_can_be_carried_over(scene):
    params = Rephotograph(rotation_deg=9.0, scale=1.15, shift=(0.03, -0.05), jpeg_quality=None)
    rgb, matrix = rephotograph(scene, params, rng=rng(), out_hw=(200, 220))
    assert rgb.shape == (200, 220, 3)
    weight = np.clip(rgb[..., 2].astype(float) - 170.0, 0.0, None)  # the bright spot
    rows, cols = np.indices(weight.shape)
    found = np.average(cols + 0.5, weights=weight), np.average(rows + 0.5, weights=weight)
    np.testing.assert_allclose(apply_affine(matrix, np.array([[152.0, 62.0]]))[0], found, atol=0.3)


def test_gains_exposure_and_veil_are_what_they_say(scene):
    params = Rephotograph(gains=(1.04, 1.0, 0.97), exposure=0.8, jpeg_quality=None)
    rgb, _ = rephotograph(scene, params, rng=rng())
    ratio = srgb_to_linear(rgb).mean(axis=(0, 1)) / scene.mean(axis=(0, 1))
    np.testing.assert_allclose(ratio, 0.8 * np.array([1.04, 1.0, 0.97]), rtol=0.01)
    rgb, _ = rephotograph(scene, Rephotograph(veil=0.02, jpeg_quality=None), rng=rng())
    np.testing.assert_allclose(srgb_to_linear(rgb).mean(), 0.98 * scene.mean() + 0.02, rtol=0.01)


def test_shading_keeps_colour_and_mixed_light_does_not(scene):
    def log_ratio(params):
        linear = srgb_to_linear(rephotograph(scene, params, rng=rng())[0])
        columns = np.log((linear / scene).mean(axis=0))
        return columns[:, 0] - columns[:, 2]

    base = Rephotograph(jpeg_quality=None)
    assert np.ptp(cv2.blur(log_ratio(replace(base, shading=(0.3, 0, 0, 0, 0)))[None], (31, 1))) < 0.02
    tilted = log_ratio(replace(base, mixed_light=(0.3, 0.0)))
    assert tilted[-20:].mean() - tilted[:20].mean() == pytest.approx(0.3 * 0.92, abs=0.03)


def test_saturation_keeps_luminance(scene):
    rgb, _ = rephotograph(scene, Rephotograph(saturation=1.1, jpeg_quality=None), rng=rng())
    weights = np.array([0.2126, 0.7152, 0.0722])
    linear = srgb_to_linear(rgb)
    assert (linear @ weights).mean() == pytest.approx((scene @ weights).mean(), rel=0.005)
    assert np.ptp(linear.mean(axis=(0, 1))) > 1.05 * np.ptp(scene.mean(axis=(0, 1)))


def test_blur_takes_detail_and_noise_adds_it(skin_patch):
    def roughness(params):
        return float(np.diff(rephotograph(skin_patch, params, rng=rng())[0][..., 1].astype(float)).std())

    base = Rephotograph(jpeg_quality=None)
    assert roughness(replace(base, blur_px=1.0)) < 0.6 * roughness(base)
    assert roughness(replace(base, noise=6.0)) > 1.05 * roughness(base)


def test_seeds_reproduce_and_differ(scene):
    one, again, other = (draw_rephotograph(np.random.default_rng(s), tier="T1") for s in (4, 4, 5))
    assert one == again != other
    pictures = [rephotograph(scene, one, rng=np.random.default_rng(s))[0] for s in (1, 1, 2)]
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


def test_draws_stay_within_their_tier():
    for seed in range(60):
        t0, t1 = (draw_rephotograph(np.random.default_rng(seed), tier=t) for t in ("T0", "T1"))
        assert abs(t0.rotation_deg) <= 3 and 1 / 1.051 <= t0.scale <= 1.051 and 1 / 1.16 <= t0.exposure <= 1.16
        assert t0.gamma == t0.saturation == 1.0 and t0.veil == 0.0 and t0.mixed_light == (0.0, 0.0)
        assert 0.88 <= t1.gamma <= 1.13 and 0.89 <= t1.saturation <= 1.13 and 0.0 <= t1.veil <= 0.02
        changed = {f.name for f in fields(Rephotograph) if getattr(t0, f.name) != getattr(t1, f.name)}
        assert changed <= {"gamma", "saturation", "veil", "mixed_light"}


def test_strength_zero_changes_nothing():
    drawn = draw_rephotograph(rng(), tier="T1", strength=0.0)
    assert replace(drawn, jpeg_quality=95) == Rephotograph()


def test_an_unknown_tier_is_told():
    with pytest.raises(ValueError, match="unknown tier 'T9'"):
        draw_rephotograph(rng(), tier="T9")


def test_the_scene_is_never_written_to(scene):
    scene.setflags(write=False)
    rephotograph(scene, draw_rephotograph(rng(), tier="T1"), rng=rng())
