"""The map from the canonical frame into a photo: exact where it can be, and with a way back."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.face import mapping
from skinprogress.face.canonical import mesh
from skinprogress.face.mapping import FaceMap, map_landmarks, read_grid
from skinprogress.face.regions import FACE_OVAL
from skinprogress.records import Landmarks, Registration

PLACES = np.random.default_rng(0).uniform(0.02, 0.98, (300, 2))
UV = mesh().uv.astype(np.float64)


def landmarks_at(points_xy: np.ndarray) -> Landmarks:
    points = np.zeros((478, 2))
    points[:468] = points_xy
    return Landmarks(points_xy=points, depth=np.zeros(478), pose_deg=(0, 0, 0), blendshapes={}, view="front")


@pytest.fixture(scope="module")
def uneven() -> FaceMap:
    """A face that no affine map describes, off the middle of a photo that is not square."""
    rng = np.random.default_rng(1)
    bent = UV * [900.0, 1200.0] + 40.0 * np.sin(5.0 * UV[:, ::-1]) + [3000.5, 1700.25]
    return map_landmarks(landmarks_at(bent + rng.normal(0.0, 3.0, UV.shape)))


def wavy_shift(side: int = 128) -> np.ndarray:
    """A smooth displacement of 3 % of the IOD."""
    ticks = np.linspace(0.0, 6.0, side)
    x, y = np.meshgrid(ticks, ticks)
    return (0.01 * np.stack([np.sin(y), np.cos(x + 1.0)], axis=-1)).astype(np.float32)


@pytest.mark.parametrize("is_refined", [False, True])
def test_places_are_the_way_back(uneven, is_refined):
    face_map = replace(uneven, shift=wavy_shift()) if is_refined else uneven
    np.testing.assert_allclose(face_map.places(face_map.at(PLACES)), PLACES, atol=1e-5)


def test_a_shift_is_added_before_the_photo_is_looked_up(uneven):
    """What the reference shows at u, this photo's landmark map shows at u + shift."""
    moved = PLACES * 0.9 + 0.05
    step = np.array([0.02, -0.01])
    constant = np.broadcast_to(step.astype(np.float32), (16, 16, 2))
    found = replace(uneven, shift=constant).at(moved)
    np.testing.assert_allclose(found, uneven.at(moved + step), atol=1e-3)


def test_a_registration_refines_and_none_does_not(uneven):
    registration = Registration(
        shift=wavy_shift(), trusted=np.ones((128, 128), bool), misfit_percent_iod={}, accepted=(), refused=()
    )
    assert uneven.refined(None) is uneven
    np.testing.assert_array_equal(uneven.refined(registration).shift, registration.shift)
    still = replace(registration, shift=np.zeros_like(registration.shift))
    np.testing.assert_array_equal(uneven.refined(still).at(PLACES), uneven.at(PLACES))


@given(
    a=st.floats(-500, 500), b=st.floats(-500, 500), scale=st.floats(150, 6000), skew=st.floats(-0.4, 0.4),
    x=st.floats(-200, 9000), y=st.floats(-200, 9000),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_affine_landmarks_are_met_exactly(a: float, b: float, scale: float, skew: float, x: float, y: float) -> None:
    """The spline smooths what bends; a photo that is only turned, scaled, stretched or shifted bends nothing."""
    matrix = np.array([[scale, a * 0.3], [b * 0.3, scale * (1.0 + skew)]])
    face_map = map_landmarks(landmarks_at(UV @ matrix.T + [x, y]))
    np.testing.assert_allclose(face_map.at(PLACES), PLACES @ matrix.T + [x, y], atol=2e-6 * scale)


def test_the_whole_frame_agrees_with_single_places(uneven):
    side = 48
    ticks = (np.arange(side) + 0.5) / side
    uv = np.stack(np.meshgrid(ticks, ticks), axis=-1)
    for face_map in (uneven, replace(uneven, shift=wavy_shift())):
        expected = face_map.at(uv.reshape(-1, 2)).reshape(side, side, 2)
        np.testing.assert_allclose(face_map.over_frame(side), expected, atol=2e-3)


def test_landmark_noise_is_averaged():
    true = UV * 1000.0
    noise = np.random.default_rng(2).normal(0.0, 4.0, UV.shape)
    left = map_landmarks(landmarks_at(true + noise)).at(UV) - true
    inner = np.setdiff1d(np.arange(468), FACE_OVAL)
    assert left[inner].std() < 0.6 * noise[inner].std()


def test_outline_points_pull_less(monkeypatch):
    """The same outline pulled outward moves the face less than if its points were as certain as the others."""
    pulled = UV * 1000.0
    pulled[list(FACE_OVAL)] += [20.0, 0.0]
    nearby = UV[list(FACE_OVAL)] * 0.9 + 0.05

    def pull() -> float:
        mapping._spline.cache_clear()
        return float((map_landmarks(landmarks_at(pulled)).at(nearby) - nearby * 1000.0)[:, 0].mean())

    try:
        as_it_is = pull()
        monkeypatch.setattr(mapping, "_OUTLINE_VARIANCE", 1.0)
        as_the_others = pull()
    finally:
        monkeypatch.undo()
        mapping._spline.cache_clear()
    assert 0.0 < as_it_is < 0.9 * as_the_others


@pytest.mark.parametrize("side", [96, 256])
def test_scale_is_photo_px_per_canonical_px(side: int) -> None:
    known = map_landmarks(landmarks_at(UV * [1.7 * side, 1.3 * side] + 50.0))
    np.testing.assert_allclose(known.px_per_px(side), np.sqrt(1.7 * 1.3), rtol=1e-5)
    angle = np.radians(25.0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = map_landmarks(landmarks_at(UV @ turn.T * 0.6 * side))
    np.testing.assert_allclose(turned.px_per_px(side), 0.6, rtol=1e-5)


def test_scale_is_negative_where_the_face_is_seen_from_behind():
    mirrored = map_landmarks(landmarks_at(UV * [-170.0, 170.0] + [170.0, 0.0]))
    np.testing.assert_allclose(mirrored.px_per_px(100), -1.7, rtol=1e-5)


def test_places_far_off_the_face_are_unknown(uneven):
    far = np.array([[0.0, 0.0], [-5000.0, 2000.0], [9000.0, 9000.0]])
    assert np.isnan(uneven.places(far)).all()
    np.testing.assert_allclose(uneven.places(np.vstack([far, uneven.at(PLACES[:3])]))[3:], PLACES[:3], atol=1e-5)


def test_a_map_that_stands_still_beyond_its_grid_is_not_divided_by():
    turned = map_landmarks(landmarks_at(UV @ np.array([[900.0, 60.0], [-80.0, 1100.0]]) + 3000.0))
    assert np.isnan(turned.places(np.array([[0.0, 0.0], [-5000.0, 2000.0], [9000.0, 3000.0]]))).all()


def test_a_map_into_a_part_of_the_photo(uneven):
    low, factor = np.array([2900.0, 1500.0]), np.array([0.5, 0.4])
    part = replace(uneven, shift=wavy_shift()).moved(low, factor)
    expected = (replace(uneven, shift=wavy_shift()).at(PLACES) - low) * factor
    np.testing.assert_allclose(part.at(PLACES), expected, atol=1e-3)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_grid_is_read_exactly(channels: int) -> None:
    """Not rounded to 1/32 of a step, which OpenCV 5 does where there are two channels."""
    rng = np.random.default_rng(4)
    grid = rng.normal(0.0, 1.0, (37, 50, channels)).astype(np.float32)
    grid = grid[..., 0] if channels == 1 else grid
    at = np.stack([rng.uniform(0, 49, (20, 30)), rng.uniform(0, 36, (20, 30))], axis=-1).astype(np.float32)
    col, row = np.floor(at).astype(int).transpose(2, 0, 1)
    col, row = np.minimum(col, 48), np.minimum(row, 35)
    fx, fy = (at - np.stack([col, row], axis=-1)).transpose(2, 0, 1)
    if channels > 1:
        fx, fy = fx[..., None], fy[..., None]
    expected = (1 - fy) * ((1 - fx) * grid[row, col] + fx * grid[row, col + 1])
    expected += fy * ((1 - fx) * grid[row + 1, col] + fx * grid[row + 1, col + 1])
    found = read_grid(grid, at)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_a_grid_ends_with_its_edge():
    grid = np.arange(12, dtype=np.float32).reshape(3, 4)
    at = np.array([[[-5.0, 0.0], [9.0, 2.0]]], np.float32)
    np.testing.assert_array_equal(read_grid(grid, at), [[0.0, 11.0]])


def test_one_resampling_of_the_map_keeps_a_straight_line_straight():
    """A cubic kernel would bend it: the map itself would ripple."""
    ramp = np.tile(np.arange(40, dtype=np.float32), (40, 1))
    at = np.stack(np.meshgrid(np.linspace(1, 38, 333), np.linspace(1, 38, 7)), axis=-1).astype(np.float32)
    np.testing.assert_allclose(read_grid(cv2.merge([ramp, ramp]), at)[..., 0], at[..., 0], atol=1e-5)
