"""The physics of a face lit anew."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from skinprogress.face.canonical import canonical_map, mesh, resample, vertex_normals
from skinprogress.face.regions import bare_face_mask
from skinprogress.synthetic.relighting import N_TERMS, Relight, draw_relight, relight
from skinprogress.synthetic.surface import photo_to_canonical

SIDE = 256


@pytest.fixture(scope="module")
def face(portrait):
    """The sample portrait, small: the light on it is smooth."""
    scale = 0.3
    rgb = cv2.resize(portrait.linear_rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    points = portrait.landmarks.points_xy * np.array(rgb.shape[1::-1]) / portrait.linear_rgb.shape[1::-1]
    return SimpleNamespace(rgb=rgb, points_xy=points)


def weights(**named):
    terms = ("x", "y", "xz", "yz", "xy", "xx")
    return tuple(named.get(term, 0.0) for term in terms)


def log_factor(face, light):
    """How the light changes, natural log, in the photo and in the canonical frame."""
    grey = np.full_like(face.rgb, 0.2)
    factor = np.log(relight(grey, face.points_xy, light) / grey)
    return factor, resample(factor, canonical_map(face.points_xy, SIDE))


def test_nothing_is_nothing(face):
    same = relight(face.rgb, face.points_xy, Relight())
    np.testing.assert_array_equal(same, face.rgb)


@pytest.mark.parametrize("seed", range(4))
def test_what_looks_straight_ahead_keeps_its_exposure_and_colour(face, seed):
    light = draw_relight(np.random.default_rng(seed), most_sheen=0.0)
    ahead = vertex_normals(mesh().vertices_cm)[:, 2] > 0.99
    x, y = face.points_xy[:468][ahead].astype(int).T
    photo, canonical = log_factor(face, light)
    there = np.median(np.abs(photo[y, x]), axis=0)
    assert (there < 0.3 * np.median(np.abs(canonical[bare_face_mask(SIDE)]), axis=0)).all()


def test_a_grey_light_keeps_chromaticity(face):
    light = Relight(grey=weights(x=0.5, yz=-0.4, xx=0.3))
    scene = np.maximum(face.rgb, 0.01)
    lit = relight(scene, face.points_xy, light)
    sums = lit.sum(axis=2, keepdims=True), scene.sum(axis=2, keepdims=True)
    np.testing.assert_allclose(lit / sums[0], scene / sums[1], atol=1e-5)
    assert np.ptp(np.log(sums[0] / sums[1])) > 0.5


def test_a_lamp_on_the_clients_left_lights_the_left_half_and_one_above_the_forehead(face):
    _, side = log_factor(face, Relight(grey=weights(x=0.6)))
    skin = bare_face_mask(SIDE)
    right, left = np.zeros_like(skin), np.zeros_like(skin)
    right[:, : SIDE * 2 // 5], left[:, SIDE * 3 // 5 :] = True, True  # the client's own: the frame is seen from ahead
    assert np.median(side[skin & left]) > 0.2 and np.median(side[skin & right]) < -0.2
    _, above = log_factor(face, Relight(grey=weights(y=0.6)))
    top, bottom = np.zeros_like(skin), np.zeros_like(skin)
    top[: SIDE // 5], bottom[SIDE * 4 // 5 :] = True, True
    assert np.median(above[skin & top]) > np.median(above[skin & bottom]) + 0.2


def test_a_warm_side_is_redder_than_blue_by_what_was_asked_and_as_bright(face):
    _, log = log_factor(face, Relight(warm=weights(x=0.2)))
    cheek = log[150, 190]
    assert cheek[0] > cheek[1] > cheek[2]
    normal = (cheek[0] - cheek[2]) / 0.2
    assert 0.3 < normal < 1.0  # x of the normal there
    assert abs(np.exp(cheek) @ [0.2126, 0.7152, 0.0722] - 1.0) < 0.005
    _, log = log_factor(face, Relight(magenta=weights(x=0.2)))
    assert (log[150, 190][[0, 2]].mean() - log[150, 190][1]) / 0.2 == pytest.approx(normal, abs=0.02)


def test_the_light_goes_on_off_the_face_without_a_step_and_fades(face):
    photo, _ = log_factor(face, Relight(grey=weights(x=0.5, y=0.4)))
    log = photo[..., 1]
    on_face = np.isfinite(photo_to_canonical(face.points_xy, log.shape)[..., 0])
    edge = on_face[:, 1:] != on_face[:, :-1]
    steps = np.abs(np.diff(log, axis=1))
    assert np.quantile(steps[edge], 0.95) < 0.03
    iod_px = np.hypot(*(face.points_xy[468] - face.points_xy[473]))
    x, y = face.points_xy[454]  # the edge beside the client's left ear
    near, far = (abs(log[int(y), min(int(x + d * iod_px), log.shape[1] - 1)]) for d in (0.02, 1.0))
    assert near > 0.3 and far < 0.75 * near


def test_sheen_adds_white_light_where_it_was_put_and_nowhere_else(face):
    dark = np.full_like(face.rgb, 0.1)
    lit = relight(dark, face.points_xy, Relight(sheen=0.04, sheen_xy=(0.0, 0.0)))
    added = lit - dark
    assert added.max() == pytest.approx(0.04, rel=0.05)
    assert np.ptp(added, axis=2).max() < 1e-6
    canonical = resample(added, canonical_map(face.points_xy, SIDE))[..., 0]
    assert canonical[150, 205] < 0.01 < canonical[45, 128]  # the far side of the left cheek; the forehead
    assert added[5, 5].max() == pytest.approx(0.0, abs=1e-3)


def test_draws_spread_over_the_face_as_asked_and_repeat(face):
    skin = bare_face_mask(SIDE)
    for seed in range(4):
        light = draw_relight(np.random.default_rng(seed), grey_sd=(0.3, 0.3), warm_sd=(0.1, 0.1), magenta_sd=(0, 0))
        again = draw_relight(np.random.default_rng(seed), grey_sd=(0.3, 0.3), warm_sd=(0.1, 0.1), magenta_sd=(0, 0))
        assert light == again and len(light.grey) == N_TERMS and 0.0 <= light.sheen <= 0.04
        _, grey = log_factor(face, Relight(grey=light.grey))
        assert grey[skin & (grey[..., 0] != 0.0)].std() == pytest.approx(0.3, rel=0.15)
        _, warm = log_factor(face, Relight(warm=light.warm))
        assert (warm[..., 0] - warm[..., 2])[skin].std() == pytest.approx(0.1, rel=0.15)


def test_the_photo_is_never_written_to(face):
    photo = face.rgb.copy()
    photo.setflags(write=False)
    relight(photo, face.points_xy, draw_relight(np.random.default_rng(1)))
