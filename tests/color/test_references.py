"""Colour is matched on what is not the face, or refused."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.color.references import ColorEvidence, match_color, sample_background, uncorrected
from skinprogress.color.spaces import linear_to_srgb, srgb_to_linear
from skinprogress.records import Flag, Photo, PhotoRef

HEIGHT, WIDTH = 480, 360
HEAD = np.array([[10.0, 0.0, 180.0], [0.0, 10.0, 200.0]])


def outline(shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.stack([180 + shift[0] + 60 * np.cos(angle), 200 + shift[1] + 80 * np.sin(angle)], axis=1)


def scene(
    seed: int = 0, *, plain: bool = False, face=(0.45, 0.25, 0.18), shift: tuple[int, int] = (0, 0)
) -> np.ndarray:
    """A wall with things on it (moved along with the head) and a face; linear RGB."""
    rng = np.random.default_rng(seed)
    wall = np.full((HEIGHT, WIDTH, 3), (0.42, 0.42, 0.40))
    if not plain:
        for _ in range(14):
            y, x = rng.integers(0, HEIGHT - 90), rng.integers(0, WIDTH - 90)
            wall[y : y + 90, x : x + 90] = rng.uniform(0.08, 0.75, 3)
    wall = np.roll(wall, (shift[1], shift[0]), axis=(0, 1))
    cv2.ellipse(wall, (180 + shift[0], 200 + shift[1]), (60, 80), 0, 0, 360, face, -1)
    return wall


def evidence(linear: np.ndarray, shift: tuple[float, float] = (0.0, 0.0)) -> ColorEvidence:
    noise = np.random.default_rng(11).normal(0, 1.5, linear.shape)  # no camera writes flat patches
    pixels = np.clip(linear_to_srgb(linear) * 255 + 0.5 + noise, 0, 255).astype(np.uint8)
    photo = Photo(
        ref=PhotoRef(path=None, file="x", client="c", session="s"),  # type: ignore[arg-type]
        pixels=pixels,
        curve=np.tile(srgb_to_linear(np.arange(256, dtype=np.float32) / 255), (3, 1)).astype(np.float32),
        matrix=np.eye(3, dtype=np.float32),
        metadata={},
    )
    head = HEAD.copy()
    head[:, 2] += shift
    return ColorEvidence(background=sample_background(photo, outline(shift)), head_xy=head, size_px=(HEIGHT, WIDTH))


@given(red=st.floats(0.85, 1.15), blue=st.floats(0.85, 1.15), exposure=st.floats(0.75, 1.1))
@settings(max_examples=15, deadline=None)
def test_a_known_cast_is_undone(red: float, blue: float, exposure: float) -> None:
    gain = np.array([red, 1.0, blue]) * exposure
    found = match_color(evidence(scene() * gain), evidence(scene()))
    assert found.rung == "background"
    np.testing.assert_allclose(np.diag(found.matrix) * gain, 1.0, atol=0.01)
    assert found.residual_delta_e < 1.0


def test_the_background_is_followed_when_the_camera_moves() -> None:
    gain = np.array([1.1, 1.0, 0.92])
    found = match_color(evidence(scene(shift=(24, -16)) * gain, shift=(24.0, -16.0)), evidence(scene()))
    assert found.rung == "background"
    np.testing.assert_allclose(np.diag(found.matrix) * gain, 1.0, atol=0.02)


def test_the_face_never_drives_the_correction() -> None:
    red_face = (0.45, 0.16, 0.12)
    found = match_color(evidence(scene(face=red_face)), evidence(scene()))
    np.testing.assert_allclose(np.diag(found.matrix), 1.0, atol=0.005)


def test_another_scene_is_refused() -> None:
    found = match_color(evidence(scene(seed=5)), evidence(scene(seed=0)))
    assert found.rung == "none"
    assert Flag.COLOR_NOT_MATCHED in found.flags
    assert found.reason
    np.testing.assert_array_equal(found.matrix, np.eye(3))
    assert found.a_star_se > 2.0


def test_a_plain_wall_is_used_with_a_flag_and_less_trust() -> None:
    busy = match_color(evidence(scene()), evidence(scene()))
    plain = match_color(evidence(scene(plain=True)), evidence(scene(plain=True)))
    assert plain.rung == "background"
    assert Flag.BACKGROUND_PLAIN in plain.flags
    assert Flag.BACKGROUND_PLAIN not in busy.flags
    assert plain.redness_index_se > busy.redness_index_se * 0.99


def test_a_wall_of_another_colour_is_refused() -> None:
    assert match_color(evidence(scene(plain=True) * [1.7, 1.0, 0.5]), evidence(scene(plain=True))).rung == "none"


def test_a_clipped_background_is_refused() -> None:
    assert match_color(evidence(np.clip(scene(plain=True) * 3.0, 0, 1)), evidence(scene(plain=True))).rung == "none"


@pytest.mark.parametrize(("rung", "wide"), [("none", True), ("background", False)])
def test_uncorrected(rung: str, wide: bool) -> None:
    found = uncorrected("because", rung=rung)
    assert found.reason == "because"
    assert (found.a_star_se > 2) is wide
