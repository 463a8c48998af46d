"""Scenes: whose skin is changed, by how much, and where the face truly is in a photo of it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from skinprogress.color.spaces import srgb_to_linear
from skinprogress.face.regions import FACE_OVAL
from skinprogress.photos.profiles import srgb_encoding
from skinprogress.pipeline.inspecting import find_client_face
from skinprogress.records import Photo, PhotoRef
from skinprogress.settings import Settings
from skinprogress.validation.color_pairs import FACE_FILLS, Setup, photograph
from skinprogress.validation.scenes import (
    PigmentChange,
    apply_change,
    draw_change,
    draw_face,
    make_scene,
    measure,
    skin_tone,
)


def as_photo(rgb: np.ndarray) -> Photo:
    ref = PhotoRef(path=None, file="a.png", client="", session="")
    return Photo(
        ref=ref, pixels=rgb, curve=srgb_encoding(256).curve, matrix=np.eye(3, dtype=np.float32), metadata={}
    )  # fmt: skip


@pytest.fixture(scope="module")
def scene(portrait):
    photo = as_photo(cv2.resize(portrait, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA))
    return make_scene(photo, find_client_face(photo, settings=Settings())[0])


def figures(scene, linear):
    return measure(draw_face(linear, scene.landmarks.points_xy), scene.seen)


def test_the_skin_of_the_face_is_marked_and_eyes_lips_wall_and_suit_are_not(scene):
    def at(index):
        x, y = scene.landmarks.points_xy[index].astype(int)
        return scene.client_skin[y, x]

    assert min(at(i) for i in (50, 280, 151, 199)) > 0.9  # cheeks, forehead, chin
    assert max(at(i) for i in (468, 473, 13)) < 0.3  # irises, lips
    height = scene.client_skin.shape[0]
    assert scene.client_skin[: height // 12].max() == 0.0
    assert scene.client_skin[-height // 12 :].max() == 0.0


@pytest.mark.parametrize("amount", [-3.0, 4.0])
def test_a_change_of_the_whole_face_moves_its_index_by_the_amount_and_leaves_the_rest(scene, amount):
    change = draw_change(np.random.default_rng(3), "face", amount)
    changed = apply_change(scene, change)
    before, after = figures(scene, scene.linear_rgb), figures(scene, changed)
    assert after["redness_index", "face"] - before["redness_index", "face"] == pytest.approx(amount, abs=0.25)
    assert np.sign(after["redness", "face"] - before["redness", "face"]) == np.sign(amount)
    relative = [after[key] - before[key] for key in before if key[0] == "relative_redness"]
    assert np.median(np.abs(relative)) < 0.3
    untouched = scene.client_skin == 0.0
    assert np.array_equal(changed[untouched], scene.linear_rgb[untouched])


def test_a_local_change_stays_local(scene):
    change = draw_change(np.random.default_rng(4), "cheek_left", 3.0)
    before, after = figures(scene, scene.linear_rgb), figures(scene, apply_change(scene, change))
    assert after["relative_redness", "cheek_left"] - before["relative_redness", "cheek_left"] > 2.0
    assert after["redness", "cheek_right"] == pytest.approx(before["redness", "cheek_right"], abs=1e-4)


def test_no_change_is_no_change(scene):
    assert apply_change(scene, PigmentChange()) is scene.linear_rgb


def test_directions_of_blood_differ_from_draw_to_draw_but_never_the_amount():
    drawn = [draw_change(np.random.default_rng(k), "face", 1.0).density for k in range(20)]
    assert len(set(drawn)) == 20
    assert np.allclose([green - red for red, green, _ in drawn], 0.0405)


def test_medians_do_not_snap_to_the_steps_of_8_bits(scene):
    """A little more exposure moves the redness index by nothing, also where skin has few colours."""
    flat = np.full((*scene.linear_rgb.shape[:2], 3), (180, 130, 110), np.uint8)
    smooth = make_scene(as_photo(flat), scene.landmarks)
    seen = replace(smooth, seen=np.ones_like(smooth.seen))
    before = figures(seen, smooth.linear_rgb)
    log = np.log(srgb_to_linear(np.array([180, 130, 110], np.uint8)))
    assert before["redness_index", "face"] == pytest.approx(float(log[0] - log[1]) / 0.0405, abs=0.03)


def test_darker_skin_falls_into_a_darker_bin(scene):
    tones = [skin_tone(replace(scene, linear_rgb=scene.linear_rgb * np.float32(f))) for f in (1.4, 1.0, 0.4, 0.12)]
    order = ["very light", "light", "intermediate", "tan", "brown", "dark"]
    assert [order.index(t) for t in tones] == sorted(order.index(t) for t in tones)
    assert tones[0] != tones[-1] == "dark"


def test_a_cropped_photo_shows_the_face_and_little_else(scene):
    for number in range(4):
        shot = photograph(
            scene.linear_rgb, scene, Setup("whole_face", "cropped", "T0"), rng=np.random.default_rng(number)
        )
        height, width = shot.rgb.shape[:2]
        share = np.ptp(shot.points_xy[list(FACE_OVAL)], axis=0) / [width, height]
        assert share == pytest.approx([FACE_FILLS, FACE_FILLS], abs=0.07)


@pytest.mark.parametrize("view", ["in_view", "cropped", "card"])
def test_the_face_lies_where_the_shot_says(scene, view):
    shot = photograph(scene.linear_rgb, scene, Setup("whole_face", view, "T1"), rng=np.random.default_rng(1))
    found, _ = find_client_face(as_photo(shot.rgb), settings=Settings())
    off = np.hypot(*(found.points_xy - shot.points_xy).T) / found.iod_px
    assert np.median(off) < 0.02
