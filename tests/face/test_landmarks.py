"""The landmark model: the right file, the right face, quiet."""

import hashlib
import subprocess
import sys
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest

from skinprogress.errors import PhotoError
from skinprogress.face.landmarks import (
    MODEL_SHA256,
    find_faces,
    find_landmarks,
    model_path,
    pose_from_matrix,
    steady_landmarks,
)


def test_model_is_the_one_we_know() -> None:
    assert hashlib.sha256(model_path().read_bytes()).hexdigest() == MODEL_SHA256
    assert "Apache" in (model_path().parent / "NOTICE").read_text()
    assert "Version 2.0" in (model_path().parent / "LICENSE-APACHE-2.0").read_text()


def test_finds_the_astronaut(astronaut):
    landmarks, n_faces = find_landmarks(astronaut)
    assert n_faces == 1
    assert landmarks.points_xy.shape == (478, 2)
    assert landmarks.iod_px == pytest.approx(43, abs=2)
    assert landmarks.view == "front"
    assert landmarks.blendshapes["mouthSmileLeft"] > 0.5


def test_finds_grace_hopper() -> None:
    path = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    rgb = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    landmarks, _ = find_landmarks(rgb)
    assert landmarks.iod_px == pytest.approx(84, abs=4)


def test_scale_returns_points_in_photo_px(astronaut):
    small, large = find_landmarks(astronaut)[0], find_landmarks(astronaut, scale=3.0)[0]
    np.testing.assert_allclose(large.points_xy, 3.0 * small.points_xy, rtol=1e-9)


def test_mirroring_swaps_yaw_and_sides(portrait):
    straight, mirrored = find_landmarks(portrait)[0], find_landmarks(np.ascontiguousarray(portrait[:, ::-1]))[0]
    assert mirrored.pose_deg[0] == pytest.approx(-straight.pose_deg[0], abs=3)
    # The client's right eye (468) lies left of the left eye in a photo that is not mirrored.
    for face in (straight, mirrored):
        assert face.points_xy[468, 0] < face.points_xy[473, 0]


def test_no_face_says_what_to_do() -> None:
    with pytest.raises(PhotoError) as caught:
        find_landmarks(np.full((300, 200, 3), 128, np.uint8))
    assert caught.value.code == "no_face"
    assert caught.value.remedy


def test_two_equal_faces_are_refused_and_one_can_be_named(portrait):
    half = cv2.resize(portrait, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    both = np.hstack([half, half])
    with pytest.raises(PhotoError) as caught:
        find_landmarks(both)
    assert caught.value.code == "several_faces"
    assert find_landmarks(both, face_index=1)[1] == 2


def test_a_much_larger_face_is_taken(portrait):
    large = cv2.resize(portrait, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    small = cv2.resize(portrait, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    canvas = np.full((large.shape[0], large.shape[1] + small.shape[1], 3), 90, np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small
    canvas[:, small.shape[1] :] = large
    landmarks, n_faces = find_landmarks(canvas)
    assert n_faces == 2
    assert landmarks.iod_px == pytest.approx(max(f.iod_px for f in find_faces(canvas)))


def test_a_face_that_fills_the_frame_is_found(portrait):
    points = find_landmarks(portrait)[0].points_xy
    low, high = points.min(axis=0).astype(int), points.max(axis=0).astype(int)
    tight = np.ascontiguousarray(portrait[low[1] : high[1], low[0] : high[0]])
    found = find_landmarks(tight)[0]
    np.testing.assert_allclose(found.points_xy + low, points, atol=0.06 * found.iod_px)


def test_pose_of_known_rotations() -> None:
    for yaw, pitch in ((20.0, 0.0), (-35.0, 5.0), (0.0, -12.0)):
        a, b = np.radians([yaw, pitch])
        about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
        matrix = np.eye(4)
        matrix[:3, :3] = about_y @ about_x * 1.7
        assert pose_from_matrix(matrix)[:2] == pytest.approx((yaw, pitch))


def retaken(rgb: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The photo with other noise and from a little elsewhere, and the matrix that brought it there."""
    height, width = rgb.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-7, 7), rng.uniform(0.8, 1.0))
    turn[:, 2] += rng.uniform(-25, 25, 2)
    copy = cv2.warpAffine(rgb, turn, (width, height), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    return np.clip(copy + rng.normal(0, 3, copy.shape), 0, 255).astype(np.uint8), turn


@pytest.fixture(scope="module")
def small(portrait):
    return cv2.resize(portrait, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def test_steady_landmarks_repeat_better_than_single_ones(small):
    """What one skin point is called in retakes of a photo scatters less."""
    rng = np.random.default_rng(5)
    single, steady = [], []
    for _ in range(6):
        copy, turn = retaken(small, rng)
        found = find_landmarks(copy)[0]
        back = cv2.invertAffineTransform(turn)
        for places, landmarks in ((single, found), (steady, steady_landmarks(copy, found)[0])):
            places.append((landmarks.points_xy - 0.5) @ back[:, :2].T + back[:, 2])
    scatter = [np.std(places, axis=0)[:468].mean() for places in (single, steady)]
    assert scatter[1] < 0.8 * scatter[0]


def test_steady_landmarks_are_nearer_to_the_mean_of_many_detections(small):
    rng = np.random.default_rng(9)
    many = []
    for _ in range(24):
        copy, turn = retaken(small, rng)
        back = cv2.invertAffineTransform(turn)
        many.append((find_landmarks(copy)[0].points_xy - 0.5) @ back[:, :2].T + back[:, 2] + 0.5)
    mean = np.mean(many, axis=0)
    found = find_landmarks(small)[0]
    steady, scatter = steady_landmarks(small, found)
    off = [np.hypot(*(places.points_xy - mean).T).mean() for places in (found, steady)]
    assert off[1] < off[0]
    assert 0.1 < scatter < 0.9  # % of the IOD, on a good photo
    # Points alone are averaged.
    assert steady.pose_deg == found.pose_deg and steady.blendshapes == found.blendshapes
    np.testing.assert_array_equal(steady.depth, found.depth)


def test_steady_landmarks_are_the_same_each_time_and_scale_with_the_photo(small):
    found, large = find_landmarks(small)[0], find_landmarks(small, scale=3.0)[0]
    first, scatter = steady_landmarks(small, found)
    second, again = steady_landmarks(small, large, scale=3.0)
    np.testing.assert_allclose(second.points_xy, 3.0 * first.points_xy, rtol=1e-9)
    assert scatter == pytest.approx(again)


@pytest.mark.parametrize("index", [0, 1])
def test_steady_landmarks_stay_with_their_own_face(portrait, index):
    """Another face stands beside the client, larger or smaller: it must not be averaged in."""
    one, two = (cv2.resize(portrait, None, fx=f, fy=f, interpolation=cv2.INTER_AREA) for f in (0.45, 0.36))
    both = np.full((one.shape[0], one.shape[1] + two.shape[1], 3), 110, np.uint8)
    both[:, : one.shape[1]] = one
    both[-two.shape[0] :, one.shape[1] :] = two
    found = find_faces(both)[index]
    steady, scatter = steady_landmarks(both, found)
    assert np.hypot(*(steady.points_xy - found.points_xy).T).max() < 0.06 * found.iod_px
    assert steady.iod_px == pytest.approx(found.iod_px, rel=0.03)
    assert scatter < 2.0


def test_landmarks_that_nobody_finds_again_are_called_unsteady(small):
    """A face was found where there is none: the copies do not confirm it, and the points stay as they were."""
    found = find_landmarks(small)[0]
    steady, scatter = steady_landmarks(np.full_like(small, 127), found)
    assert scatter == float("inf")
    np.testing.assert_array_equal(steady.points_xy, found.points_xy)


def test_nothing_is_printed_by_the_model() -> None:
    code = (
        "import numpy as np; from skinprogress.face.landmarks import find_faces; "
        "find_faces(np.zeros((99, 80, 3), np.uint8))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert done.stderr == ""
