"""Marks: an outline in one photo becomes the same place of the skin in the frame of all."""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.face.canonical import mesh
from skinprogress.face.mapping import FaceMap, map_landmarks
from skinprogress.face.marks import as_read, mark_mask, share_on_skin
from skinprogress.face.quality import rotation_from_pose
from skinprogress.face.regions import EYE_LEFT, LIPS, REGIONS, bare_face_mask, region_mask
from skinprogress.records import Landmarks

Points = npt.NDArray[np.float64]
SIDE = 512
PX_PER_CM = 90.0


def face_map(*, yaw_deg: float = 0.0, px_per_cm: float = PX_PER_CM) -> FaceMap:
    """The mesh of an average face, seen from far away."""
    seen = mesh().vertices_cm.astype(np.float64) @ rotation_from_pose((yaw_deg, 0.0, 0.0)).T
    points = np.zeros((478, 2))
    points[:468] = seen[:, :2] * [px_per_cm, -px_per_cm] + [1000.0, 1200.0]
    return map_landmarks(
        Landmarks(points_xy=points, depth=np.zeros(478), pose_deg=(yaw_deg, 0, 0), blendshapes={}, view="front")
    )


FRONT = face_map()


def circle(middle: npt.ArrayLike, diameter: float, corners: int = 48) -> Points:
    turn = np.linspace(0.0, 2.0 * np.pi, corners, endpoint=False)
    return np.asarray(middle) + diameter / 2.0 * np.stack([np.cos(turn), np.sin(turn)], axis=1)


def area_in_photo(mask: npt.NDArray[np.bool_], found: FaceMap) -> float:
    return float((found.px_per_px(mask.shape[0])[mask].astype(float) ** 2).sum())


def middle_of(mask: npt.NDArray[np.bool_]) -> Points:
    rows, cols = np.nonzero(mask)
    return (np.array([cols.mean(), rows.mean()]) + 0.5) / mask.shape[0]


@pytest.mark.parametrize("diameter_mm", [3.0, 8.0, 30.0])
def test_a_mark_keeps_its_place_and_area(diameter_mm: float) -> None:
    middle = FRONT.at(np.array([[0.27, 0.57]]))[0]  # the right cheek
    diameter = diameter_mm * PX_PER_CM / 10.0
    outline = circle(middle, diameter)
    mask = mark_mask(outline, FRONT, 1024)
    rel = 0.06 if diameter_mm < 5 else 0.02
    assert area_in_photo(mask, FRONT) == pytest.approx(np.pi / 4.0 * diameter**2, rel=rel)
    # The frame stretches the rim of the face: its px are weighed by what they are in the photo.
    weight = FRONT.px_per_px(1024)[mask].astype(float) ** 2
    found = (FRONT.over_frame(1024)[mask].astype(float) * weight[:, None]).sum(axis=0) / weight.sum()
    np.testing.assert_allclose(found, middle, atol=0.02 * diameter)
    assert share_on_skin(outline, FRONT, mask) > 0.95


@settings(max_examples=20, deadline=None)
@given(x=st.floats(-0.5, 0.5), y=st.floats(-0.5, 0.5))
def test_edges_fall_between_px(x: float, y: float) -> None:
    """Moved by parts of a canonical px, a mark of 3 mm keeps its area, and its middle moves along."""
    side = 1024
    place = np.array([[0.3, 0.55], [0.3 + x / side, 0.55 + y / side]])
    masks = [mark_mask(circle(middle, 0.3 * PX_PER_CM), FRONT, side) for middle in FRONT.at(place)]
    counts = [np.count_nonzero(mask) for mask in masks]
    # The px whose middles a circle of 14 px holds: 154 with a standard deviation of 1.8.
    assert abs(counts[1] - counts[0]) <= 0.08 * counts[0]
    np.testing.assert_allclose(middle_of(masks[1]) - middle_of(masks[0]), [x / side, y / side], atol=0.3 / side)


def test_frame_size_does_not_matter() -> None:
    outline = FRONT.at(np.array([[0.2, 0.5], [0.35, 0.52], [0.33, 0.65], [0.24, 0.66]]))
    small, large = (mark_mask(outline, FRONT, side) for side in (512, 1024))
    assert np.count_nonzero(large) == pytest.approx(4 * np.count_nonzero(small), rel=0.01)
    np.testing.assert_allclose(middle_of(small), middle_of(large), atol=5e-4)


def test_a_polygon_of_canonical_corners_comes_back_as_drawn() -> None:
    """The outline of a region, carried into the photo and back, is the region."""
    corners = np.array(REGIONS["cheek_left"].polygon_uv)
    ends = np.roll(corners, -1, axis=0)
    dense = np.concatenate([np.linspace(a, b, 20, endpoint=False) for a, b in zip(corners, ends, strict=True)])
    mask, region = mark_mask(FRONT.at(dense), FRONT, SIDE), region_mask("cheek_left", SIDE)
    assert np.count_nonzero(mask ^ region) < 0.02 * np.count_nonzero(region)


def test_the_refinement_is_followed() -> None:
    step = np.array([0.02, -0.01])
    shifted = replace(FRONT, shift=np.broadcast_to(step.astype(np.float32), (16, 16, 2)))
    outline = circle(FRONT.at(np.array([[0.7, 0.55]]))[0], PX_PER_CM)
    moved = middle_of(mark_mask(outline, shifted, SIDE)) - middle_of(mark_mask(outline, FRONT, SIDE))
    np.testing.assert_allclose(moved, -step, atol=1e-3)


@pytest.mark.parametrize("indices", [LIPS, EYE_LEFT])
def test_eyes_and_lips_are_no_skin(indices: tuple[int, ...]) -> None:
    outline = circle(FRONT.at(mesh().uv[list(indices)].astype(float)).mean(axis=0), 0.6 * PX_PER_CM)
    mask = mark_mask(outline, FRONT, SIDE)
    assert mask.any()
    assert share_on_skin(outline, FRONT, mask) < 0.05


def test_a_mark_over_the_rim_says_so() -> None:
    chin = FRONT.at(mesh().uv[[152]].astype(float))[0]
    outline = circle(chin, 2.0 * PX_PER_CM)
    mask = mark_mask(outline, FRONT, SIDE)
    assert 0.3 < share_on_skin(outline, FRONT, mask) < 0.7


def test_a_mark_beside_the_face_is_empty() -> None:
    outline = circle([60.0, 60.0], 40.0)
    mask = mark_mask(outline, FRONT, SIDE)
    assert not mask.any()
    assert share_on_skin(outline, FRONT, mask) == 0.0


def test_of_a_turned_head_only_the_side_that_is_seen() -> None:
    turned = face_map(yaw_deg=45.0)  # to the client's left: the right cheek is seen
    outline = circle(turned.at(np.array([[0.3, 0.57]]))[0], 1.2 * PX_PER_CM)
    mask = mark_mask(outline, turned, SIDE)
    assert np.flatnonzero(mask.any(axis=0)).max() < SIDE / 2
    np.testing.assert_allclose(middle_of(mask), [0.3, 0.57], atol=0.01)


@pytest.mark.parametrize(("yaw_deg", "place"), [(45.0, (0.5, 0.42)), (60.0, (0.46, 0.5))])
def test_what_lies_folded_behind_is_no_second_part(yaw_deg: float, place: tuple[float, float]) -> None:
    """Beside the outline of a turned head, places that are hidden behind it have the same position in the photo."""
    turned = face_map(yaw_deg=yaw_deg)
    mask = mark_mask(circle(turned.at(np.array([place]))[0], 0.6 * PX_PER_CM), turned, SIDE)
    assert cv2.connectedComponents(mask.astype(np.uint8))[0] == 2  # the ground and one mark
    assert mask[round(place[1] * SIDE), round(place[0] * SIDE)]


def test_a_thin_outline_gives_no_more_than_it_holds() -> None:
    """A line 0.1 mm wide is no row of whole px."""
    a, b = FRONT.at(np.array([[0.3, 0.5], [0.3, 0.6]]))
    right = np.array([1.0, 0.0])
    sliver = np.array([a, b, b + right, a + right])
    assert np.count_nonzero(mark_mask(sliver, FRONT, SIDE)) < 30


def test_points_of_a_mirrored_photo_are_flipped_back() -> None:
    points = np.array([[0.0, 5.0], [30.0, 7.0]])
    np.testing.assert_array_equal(as_read(points, mirrored=True, width_px=100), [[100.0, 5.0], [70.0, 7.0]])
    np.testing.assert_array_equal(as_read(points, mirrored=False, width_px=100), points)
    np.testing.assert_array_equal(points, [[0.0, 5.0], [30.0, 7.0]])  # the input is left as it was
    assert as_read((), mirrored=True, width_px=10).shape == (0, 2)


def test_bare_skin_and_mark_share_a_frame() -> None:
    outline = circle(FRONT.at(np.array([[0.5, 0.2]]))[0], 2.0 * PX_PER_CM)
    mask = mark_mask(outline, FRONT, SIDE)
    assert (mask & bare_face_mask(SIDE)).sum() == mask.sum()
