"""Photos disturbed in one way each."""

import cv2
import numpy as np
import pytest

from skinprogress.color.spaces import encode_srgb8, srgb_to_linear
from skinprogress.synthetic.disturbances import DISTURBANCES, disturb

FACE_PX = 120.0


@pytest.fixture(scope="module")
def photo():
    rng = np.random.default_rng(5)
    texture = cv2.GaussianBlur(rng.standard_normal((180, 240)).astype(np.float32), (0, 0), 1.0) * 0.3
    return encode_srgb8(np.array([0.42, 0.25, 0.18], np.float32) * np.exp(texture)[..., None])


def disturbed(photo, name, seed=0):
    return disturb(photo, DISTURBANCES[name], face_width_px=FACE_PX, rng=np.random.default_rng(seed))


def linear_green(rgb):
    return srgb_to_linear(rgb)[..., 1]


def test_a_copy_is_a_copy_and_every_other_disturbance_is_none(photo):
    for name in DISTURBANCES:
        again = disturbed(photo, name)
        assert again.dtype == np.uint8
        assert np.array_equal(again, photo) == (name == "copy"), name


def test_blur_takes_detail_the_more_the_wider(photo):
    detail = [np.std(linear_green(disturbed(photo, n))) for n in ("copy", "blur_0.5", "blur_1", "blur_1.5")]
    assert np.all(np.diff(detail) < 0.0)
    # Gaussian detail of sigma 1 under a Gaussian of sigma 1 keeps the variance share 1 / (1 + 1).
    assert detail[2] / detail[0] == pytest.approx(np.sqrt(0.5), abs=0.04)


@pytest.mark.parametrize("steps", [2.0, 5.0])
def test_noise_has_the_stated_deviation_in_8_bit_steps_and_hangs_on_the_seed(steps):
    flat = np.full((200, 300, 3), 140, np.uint8)
    name = f"noise_{steps:g}"
    noisy = disturbed(flat, name)
    assert noisy.astype(float).std(axis=(0, 1)) == pytest.approx([steps] * 3, rel=0.05)
    assert np.array_equal(noisy, disturbed(flat, name)) and not np.array_equal(noisy, disturbed(flat, name, seed=1))
    neighbours = np.corrcoef(noisy[:, :-1, 1].ravel(), noisy[:, 1:, 1].ravel())[0, 1]
    assert 0.3 < neighbours < 0.7


def test_light_is_scaled_in_linear_light_and_clipped_as_a_camera_does(photo):
    ratio = linear_green(disturbed(photo, "exposure_0.6")) / linear_green(photo)
    assert np.median(ratio) == pytest.approx(0.6, rel=0.02)
    bright = np.full((20, 20, 3), 245, np.uint8)
    assert disturbed(bright, "exposure_1.4").min() == 255
    balanced = srgb_to_linear(disturbed(photo, "white_balance")) / srgb_to_linear(photo)
    assert np.median(balanced, axis=(0, 1)) == pytest.approx([1.05, 1.0, 0.95], rel=0.02)


def test_shading_spans_the_face_and_leaves_the_middle():
    flat = np.full((100, 240, 3), 130, np.uint8)
    light = linear_green(disturbed(flat, "shading_30"))[50] / linear_green(flat)[50]
    assert light[119:121].mean() == pytest.approx(1.0, abs=0.01)
    assert light[120 + 60] / light[120 - 60] == pytest.approx(1.3, rel=0.02)


def test_a_smaller_photo_shows_the_same_field_with_averaged_detail(photo):
    half = disturbed(photo, "size_0.5")
    assert half.shape == (90, 120, 3)
    mean = linear_green(photo).reshape(90, 2, 120, 2).mean(axis=(1, 3))
    assert np.abs(linear_green(half) - mean).max() < 0.01


def test_compression_hurts_more_the_stronger_it_is(photo):
    harm = [np.abs(disturbed(photo, f"jpeg_{q}").astype(int) - photo).mean() for q in (90, 75, 50)]
    assert harm[0] < harm[1] < harm[2]


def test_a_turned_photo_keeps_its_middle(photo):
    marked = photo.copy()
    marked[85:95, 115:125] = 255
    turned = disturbed(marked, "rotation_8")
    assert turned[88:92, 118:122].min() > 240
    assert turned.shape == photo.shape
