"""The canonical frame: geometry that can be checked to the px."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.face.canonical import (
    apply_affine,
    canonical_map,
    estimate_similarity,
    mesh,
    paint,
    raster,
    resample,
    triangle_scale,
    vertex_normals,
)
from skinprogress.face.landmarks import find_landmarks
from skinprogress.face.quality import estimate_face_size, rotation_from_pose
from skinprogress.face.skin import estimate_visibility
from skinprogress.records import Landmarks


def flat_points(width: float, height: float) -> np.ndarray:
    """Landmarks that lie exactly like the canonical frame, stretched to a photo of this size."""
    points = np.zeros((478, 2))
    points[:468] = mesh().uv.astype(float) * [width, height]
    return points


def test_mesh_is_the_one_of_the_model() -> None:
    m = mesh()
    assert m.vertices_cm.shape == (468, 3)
    assert m.uv.shape == (468, 2)
    assert m.triangles.shape == (898, 3)
    assert (m.uv >= 0).all() and (m.uv <= 1).all()
    assert m.triangles.min() == 0 and m.triangles.max() == 467
    # The nose tip is the nearest point; the client's left (263) has positive x.
    assert m.vertices_cm[4, 2] > np.percentile(m.vertices_cm[:, 2], 95)
    assert m.vertices_cm[263, 0] > 0 > m.vertices_cm[33, 0]
    assert vertex_normals(m.vertices_cm)[4, 2] > 0.8


def test_raster_weights_reproduce_the_uv() -> None:
    side = 200
    ys, xs = np.mgrid[0:side, 0:side]
    painted = paint(mesh().uv * side, side)
    inside = raster(side).inside
    np.testing.assert_allclose(painted[inside], np.stack([xs, ys], axis=2)[inside] + 0.5, atol=2e-3)
    assert np.isnan(painted[~inside]).all()


def test_a_photo_that_is_the_frame_comes_back_unchanged() -> None:
    side = 256
    rng = np.random.default_rng(1)
    photo = cv2.GaussianBlur(rng.random((side, side, 3), np.float32), (0, 0), 3.0)
    drawn = resample(photo, canonical_map(flat_points(side, side), side))
    inside = raster(side).inside
    np.testing.assert_allclose(drawn[inside], photo[inside], atol=1e-3)


def test_sampling_never_makes_up_values() -> None:
    side = 256
    photo = np.full((700, 300, 3), 0.25, np.float32)
    drawn = resample(photo, canonical_map(flat_points(300, 700), side), outside=9.0)
    inside = raster(side).inside
    assert np.isfinite(drawn).all()
    assert (drawn[~inside] == 9.0).all()
    np.testing.assert_allclose(drawn[2:-2, 2:-2][inside[2:-2, 2:-2]], 0.25, atol=1e-6)


def test_non_square_photo_keeps_x_and_y_apart() -> None:
    side = 128
    xy = canonical_map(flat_points(300, 700), side)
    inside = raster(side).inside
    assert np.nanmax(xy[..., 0]) <= 300 and np.nanmax(xy[..., 1]) <= 700
    assert np.nanmax(xy[..., 1][inside]) > 600
    assert np.median(triangle_scale(flat_points(300, 700), side)) == pytest.approx(np.sqrt(300 * 700) / side)


@given(angle=st.floats(-60, 60), scale=st.floats(0.2, 5), dx=st.floats(-500, 500), dy=st.floats(-500, 500))
@settings(max_examples=30, deadline=None)
def test_similarity_is_found_exactly(angle: float, scale: float, dx: float, dy: float) -> None:
    a = np.radians(angle)
    true = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0]]) * scale
    true[:, 2] = dx, dy
    points = np.random.default_rng(0).normal(0, 100, (12, 2))
    np.testing.assert_allclose(estimate_similarity(points, apply_affine(true, points)), true, atol=1e-6)


def test_the_same_skin_lands_on_the_same_px_after_rotation_and_scale(portrait):
    """A turned, smaller copy of a photo gives nearly the same canonical picture: landmark error only."""
    matrix = cv2.getRotationMatrix2D((portrait.shape[1] / 2, portrait.shape[0] / 2), 6.0, 0.85)
    turned = cv2.warpAffine(portrait, matrix, (portrait.shape[1], portrait.shape[0]), flags=cv2.INTER_AREA)
    first, second = (find_landmarks(p)[0] for p in (portrait, turned))
    expected = apply_affine(matrix, first.points_xy)
    inner = [33, 133, 362, 263, 1, 4, 5, 6, 168, 61, 291]
    error = np.hypot(*(second.points_xy - expected)[inner].T) / second.iod_px * 100
    assert np.median(error) < 2.0


def test_visibility_falls_on_the_side_that_turns_away() -> None:
    side = 200
    left, right = (slice(80, 120), slice(160, 180)), (slice(80, 120), slice(20, 40))
    turned = estimate_visibility((30.0, 0.0, 0.0), side)  # to the client's own left: the left cheek turns away
    assert np.nanmean(turned[left]) < np.nanmean(estimate_visibility((0.0, 0.0, 0.0), side)[left])
    assert np.nanmean(turned[right]) > np.nanmean(turned[left]) + 0.3
    mirrored = estimate_visibility((-30.0, 0.0, 0.0), side)[:, ::-1]
    both = np.isfinite(mirrored) & np.isfinite(turned)  # the outline itself may differ by a px
    assert both.sum() > 0.99 * np.isfinite(turned).sum()
    np.testing.assert_allclose(mirrored[both], turned[both], atol=0.12)


def test_face_size_of_a_rendered_head() -> None:
    """A pinhole picture of the canonical mesh itself: scale and distance are known."""
    pose, distance, focal = (8.0, -4.0, 3.0), 40.0, 2000.0
    xyz = mesh().vertices_cm.astype(float) @ rotation_from_pose(pose).T
    depth = distance - xyz[:, 2]
    points = np.zeros((478, 2))
    points[:468] = 1000 + focal * xyz[:, :2] * [1, -1] / depth[:, None]
    face = Landmarks(points_xy=points, depth=np.zeros(478), pose_deg=pose, blendshapes={}, view="front")
    px_per_cm, found = estimate_face_size(face)
    near = xyz[[33, 133, 362, 263, 6, 1, 116, 345], 2].mean()
    assert px_per_cm == pytest.approx(focal / (distance - near), rel=0.05)
    assert found == pytest.approx(distance, rel=0.25)
