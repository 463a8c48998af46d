"""Known warps: the truth that they state is where things really are."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from skinprogress.color.spaces import srgb_to_linear
from skinprogress.face.canonical import apply_affine
from skinprogress.face.landmarks import find_landmarks
from skinprogress.synthetic.warps import Warp, apply_warp, draw_warp, retake_warped

SHAPE = 300, 380
IOD = 90.0
FACE = np.stack(np.meshgrid(np.linspace(100, 280, 19), np.linspace(60, 240, 19)), axis=-1).reshape(-1, 2)


def rng(seed=3):
    return np.random.default_rng(seed)


def own_coordinates():
    """A picture in which every px holds its own position, and something in the third channel."""
    x, y = np.meshgrid(np.arange(SHAPE[1]) + 0.5, np.arange(SHAPE[0]) + 0.5)
    return np.stack([x, y, np.ones(SHAPE)], axis=-1).astype(np.float32)


def read_at(plane, points_xy):
    return map_coordinates(plane.astype(np.float64), [points_xy[:, 1] - 0.5, points_xy[:, 0] - 0.5], order=1)


def test_what_the_warped_photo_shows_is_what_the_warp_says():
    warp = draw_warp(rng(), FACE, iod_px=IOD)
    drawn = apply_warp(own_coordinates(), warp)
    seen_at = warp.at(FACE)
    found = np.stack([read_at(drawn[..., 0], seen_at), read_at(drawn[..., 1], seen_at)], axis=1)
    np.testing.assert_allclose(found, FACE, atol=0.01)  # 0.01 px is 0.01 % of this IOD
    assert np.hypot(*(seen_at - FACE).T).max() > 5.0


def test_there_and_back_again():
    warp = draw_warp(rng(), FACE, iod_px=IOD)
    np.testing.assert_allclose(warp.sources(warp.at(FACE)), FACE, atol=1e-8)
    x, y = np.array([3.5, 200.25]), np.array([1.0, 77.75, 299.5])
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    np.testing.assert_allclose(
        warp.sources_on_grid(x, y), warp.sources(grid.reshape(-1, 2)).reshape(grid.shape), atol=1e-4
    )


def test_no_warp_moves_nothing():
    still = Warp(
        matrix=np.eye(2, 3), wave_vectors=np.zeros((1, 2)), phases=np.zeros(1), amplitudes=np.zeros((1, 2))
    )  # fmt: skip
    np.testing.assert_array_equal(still.at(FACE), FACE)
    picture = own_coordinates()
    np.testing.assert_allclose(apply_warp(picture, still)[2:-2, 2:-2], picture[2:-2, 2:-2], atol=1e-3)


def test_fine_stripes_keep_their_place():
    """A resampling that rounds positions, or leans to one side, shifts a pattern of a few px."""
    warp = draw_warp(rng(), FACE, iod_px=IOD)
    stripe = 2.0 * np.pi / 4.0
    drawn = apply_warp(np.cos(stripe * own_coordinates()[..., 0]), warp)
    truth = warp.sources(own_coordinates()[..., :2].reshape(-1, 2).astype(np.float64))[:, 0].reshape(SHAPE)
    wave = drawn * np.exp(-1j * stripe * truth)
    wave = gaussian_filter(wave.real, 6.0) + 1j * gaussian_filter(wave.imag, 6.0)
    off_px = np.angle(wave[80:-80, 100:-100]) / stripe
    assert np.sqrt((off_px**2).mean()) < 0.002


def test_shrinking_does_not_alias():
    """Stripes that the smaller photo cannot hold turn grey, and not into moiré."""
    warp = draw_warp(rng(), FACE, iod_px=IOD, scale_range=(0.5, 0.5), displacement_percent_iod=1e-9)
    drawn = apply_warp(np.cos(np.pi * own_coordinates()[..., 0]) + np.float32(1.0), warp)
    assert drawn[100:200, 150:250].std() < 0.15


@pytest.mark.parametrize("seed", range(8))
def test_draws_are_what_is_promised(seed):
    warp = draw_warp(rng(seed), FACE, iod_px=IOD)
    linear = warp.matrix[:, :2]
    scale = np.sqrt(np.linalg.det(linear))
    assert 0.75 <= scale <= 1.0
    assert abs(np.degrees(np.arctan2(linear[1, 0], linear[0, 0]))) <= 8.0
    straight = apply_affine(warp.matrix, FACE)
    displaced = np.hypot(*(warp.sources(straight) - FACE).T)
    assert np.sqrt((displaced**2).mean()) == pytest.approx(0.015 * IOD, rel=1e-6)
    lengths = 2.0 * np.pi / np.hypot(*warp.wave_vectors.T) / (scale * IOD)
    assert lengths.min() >= 0.5 and lengths.max() <= 1.0
    again = draw_warp(rng(seed), FACE, iod_px=IOD)
    np.testing.assert_array_equal(again.amplitudes, warp.amplitudes)


def test_a_displacement_that_folds_is_refused():
    with pytest.raises(ValueError, match="too steep"):
        draw_warp(rng(), FACE, iod_px=IOD, displacement_percent_iod=60.0).at(FACE)


def test_a_retake_differs_in_light_and_redness_and_leaves_the_scene_alone(astronaut):

    small = cv2.resize(astronaut[0:330, 60:340], None, fx=2.0, fy=2.0, interpolation=cv2.INTER_CUBIC)
    landmarks, _ = find_landmarks(small)
    scene = srgb_to_linear(small)
    scene.setflags(write=False)
    face_xy = landmarks.points_xy[:468]
    rgb, warp = retake_warped(scene, landmarks.points_xy, face_xy, rng=rng())
    again, _ = retake_warped(scene, landmarks.points_xy, face_xy, rng=rng())
    assert rgb.shape == small.shape and rgb.dtype == np.uint8
    np.testing.assert_array_equal(rgb, again)
    # Put back to where it came from, what is left is light: smooth, tilted by about 30 % over the face, tinted.
    where = warp.at(face_xy)
    taken = srgb_to_linear(rgb)
    ratio = np.stack(
        [np.log(read_at(cv2.blur(taken, (9, 9))[..., c], where) / read_at(cv2.blur(scene, (9, 9))[..., c], face_xy))
         for c in range(3)], axis=1
    )  # fmt: skip
    design = np.column_stack([np.ones(len(face_xy)), (face_xy - face_xy.mean(axis=0)) / np.ptp(face_xy, axis=0).max()])
    slope = np.hypot(*np.linalg.lstsq(design, ratio[:, 1], rcond=None)[0][1:])
    assert 0.2 < slope < 0.45
    assert (ratio[:, 0] - ratio[:, 1]).max() > np.median(ratio[:, 0] - ratio[:, 1]) + 0.15  # redness in one region
