"""Colour is matched on what is not the client, or refused."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.color.background import match_background
from skinprogress.color.spaces import linear_to_srgb, srgb_to_linear
from skinprogress.color.surroundings import Surroundings, is_colorless, sample_background
from skinprogress.records import Flag, Photo, PhotoRef

HEIGHT, WIDTH = 480, 360
HEAD = np.array([[10.0, 0.0, 180.0], [0.0, 10.0, 200.0]])
WALL, FACE = (0.42, 0.42, 0.40), (0.45, 0.25, 0.18)


def outline(shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.stack([180 + shift[0] + 60 * np.cos(angle), 200 + shift[1] + 80 * np.sin(angle)], axis=1)


def scene(
    seed: int = 0, *, plain: bool = False, face: tuple[float, ...] = FACE, shift: tuple[int, int] = (0, 0)
) -> np.ndarray:
    """A wall with things on it (moved along with the head) and a face; linear RGB."""
    rng = np.random.default_rng(seed)
    wall = np.full((HEIGHT, WIDTH, 3), WALL)
    if not plain:
        for _ in range(14):
            y, x = rng.integers(0, HEIGHT - 90), rng.integers(0, WIDTH - 90)
            wall[y : y + 90, x : x + 90] = rng.uniform(0.08, 0.75, 3)
    wall = np.roll(wall, (shift[1], shift[0]), axis=(0, 1))
    cv2.ellipse(wall, (180 + shift[0], 200 + shift[1]), (60, 80), 0, 0, 360, face, -1)
    return wall


def as_photo(linear: np.ndarray, noise: float = 1.5) -> Photo:
    grain = np.random.default_rng(11).normal(0, noise, linear.shape)  # no camera writes flat patches
    return Photo(
        ref=PhotoRef(path=None, file="x", client="c", session="s"),  # type: ignore[arg-type]
        pixels=np.clip(linear_to_srgb(linear) * 255 + 0.5 + grain, 0, 255).astype(np.uint8),
        curve=np.tile(srgb_to_linear(np.arange(256, dtype=np.float32) / 255), (3, 1)).astype(np.float32),
        matrix=np.eye(3, dtype=np.float32),
        metadata={},
    )


def seen(linear: np.ndarray, shift: tuple[float, float] = (0.0, 0.0)) -> Surroundings:
    head = HEAD.copy()
    head[:, 2] += shift
    sample = sample_background(as_photo(linear), outline(shift))
    return Surroundings(sample=sample, head_xy=head, size_px=(HEIGHT, WIDTH))


@given(red=st.floats(0.85, 1.15), blue=st.floats(0.85, 1.15), exposure=st.floats(0.75, 1.1))
@settings(max_examples=15, deadline=None)
def test_a_known_cast_is_undone(red: float, blue: float, exposure: float) -> None:
    gain = np.array([red, 1.0, blue]) * exposure
    found = match_background(seen(scene() * gain), seen(scene()))
    assert not isinstance(found, str) and found.rung == "background"
    np.testing.assert_allclose(found.gains * gain, 1.0, atol=0.01)
    assert found.residual_delta_e < 1.0


def test_the_background_is_followed_when_the_camera_moves() -> None:
    gain = np.array([1.1, 1.0, 0.92])
    found = match_background(seen(scene(shift=(24, -16)) * gain, shift=(24.0, -16.0)), seen(scene()))
    assert not isinstance(found, str)
    np.testing.assert_allclose(found.gains * gain, 1.0, atol=0.02)


def test_light_that_falls_off_over_the_wall_is_taken_at_the_face() -> None:
    x = np.linspace(-1, 1, WIDTH)[None, :, None]
    found = match_background(seen(scene() * np.exp(0.15 * x)), seen(scene()))
    assert not isinstance(found, str)
    # The face is in the middle, where nothing changed.
    np.testing.assert_allclose(found.gains, 1.0, atol=0.015)


def test_the_face_never_drives_the_correction() -> None:
    found = match_background(seen(scene(face=(0.45, 0.16, 0.12))), seen(scene()))
    assert not isinstance(found, str)
    np.testing.assert_allclose(found.gains, 1.0, atol=0.005)


def test_hands_do_not_drive_it_either() -> None:
    pale, red = scene(plain=True), scene(plain=True)
    pale[380:460, 20:110], red[380:460, 20:110] = FACE, np.array(FACE) * [1.0, 0.85, 0.85]
    surroundings = seen(pale)
    assert not surroundings.sample.usable[210:240, 14:52].any()
    found = match_background(seen(red), surroundings)
    assert not isinstance(found, str)
    np.testing.assert_allclose(found.gains, 1.0, atol=0.005)


def test_a_wall_of_skin_colour_is_still_a_wall() -> None:
    beige = scene(plain=True)
    beige[(beige == WALL).all(axis=2)] = np.array(FACE) * 1.1
    assert seen(beige).sample.usable.mean() > 0.3


def test_another_scene_is_refused() -> None:
    assert isinstance(match_background(seen(scene(seed=5)), seen(scene(seed=0))), str)


def test_a_room_whose_things_stand_elsewhere_is_known_by_its_colours() -> None:
    here, there = np.full((2, HEIGHT, WIDTH, 3), WALL)
    for picture, blocks in ((here, ((0, 0), (0, 280), (300, 0))), (there, ((150, 0), (0, 90), (320, 280)))):
        for (y, x), color in zip(blocks, ((0.1, 0.25, 0.5), (0.5, 0.45, 0.1), (0.12, 0.3, 0.15)), strict=True):
            picture[y : y + 150, x : x + 100] = color
        cv2.ellipse(picture, (180, 200), (60, 80), 0, 0, 360, FACE, -1)
    gain = np.array([1.1, 1.0, 0.9])
    found = match_background(seen(there * gain), seen(here))
    assert not isinstance(found, str)
    np.testing.assert_allclose(found.gains * gain, 1.0, atol=0.02)


def test_a_wall_that_was_painted_is_refuted_by_what_looks_as_before() -> None:
    shirt = (0.5, 0.52, 0.55)
    white, green = scene(plain=True), scene(plain=True)
    green[(green == WALL).all(axis=2)] *= [0.75, 1.0, 0.8]
    for picture in (white, green):
        picture[400:, :] = shirt
    assert "disagree" in str(match_background(seen(green), seen(white)))
    # A change of light changes both.
    assert not isinstance(match_background(seen(white * [0.75, 1.0, 0.8]), seen(white)), str)


def test_a_plain_wall_is_used_with_a_flag_and_less_trust() -> None:
    busy = match_background(seen(scene()), seen(scene()))
    plain = match_background(seen(scene(plain=True)), seen(scene(plain=True)))
    assert not isinstance(busy, str) and not isinstance(plain, str)
    assert Flag.BACKGROUND_PLAIN in plain.flags
    assert Flag.BACKGROUND_PLAIN not in busy.flags
    assert plain.redness_index_se > busy.redness_index_se


def test_a_dark_background_is_trusted_less() -> None:
    light, dark = seen(scene(plain=True)), scene(plain=True)
    dark[(dark == WALL).all(axis=2)] *= 0.1
    of_light, of_dark = match_background(light, light), match_background(seen(dark), seen(dark))
    assert not isinstance(of_light, str) and not isinstance(of_dark, str)
    assert of_dark.lightness_se > 1.5 * of_light.lightness_se


def test_one_camera_is_trusted_more_than_two_and_than_who_knows_what() -> None:
    one, other = seen(scene()), seen(scene() * [1.05, 1.0, 0.95])
    cameras = {"same": ("X", "X"), "unknown": ("", ""), "two": ("X", "Y")}
    found = {
        name: match_background(replace(other, camera=b), replace(one, camera=a)) for name, (a, b) in cameras.items()
    }
    errors = [c.redness_index_se for c in found.values() if not isinstance(c, str)]
    assert errors == sorted(errors) and len(set(errors)) == 3
    relative = [c.relative_redness_se for c in found.values() if not isinstance(c, str)]
    assert relative == sorted(relative) and len(set(relative)) == 3
    assert "another camera" in found["two"].reason and "another camera" not in found["same"].reason


@pytest.mark.parametrize("linear", [scene(plain=True) * [1.7, 1.0, 0.5], np.clip(scene(plain=True) * 3.0, 0, 1)])
def test_a_wall_of_another_colour_and_a_clipped_one_are_refused(linear: np.ndarray) -> None:
    assert isinstance(match_background(seen(linear), seen(scene(plain=True))), str)


def test_black_and_white_and_sepia_are_seen() -> None:
    grey = np.repeat(scene().mean(axis=2, keepdims=True), 3, axis=2)
    for linear, colorless in ((scene(), False), (scene(plain=True), False), (grey, True), (grey * [1.2, 1, 0.7], True)):
        sample = sample_background(as_photo(linear, noise=0.0), outline())
        assert is_colorless(sample) is colorless
