"""Cards drawn into photos have the right colours at the right place."""

import cv2
import numpy as np
import pytest

from skinprogress.color.card_values import reference_linear_rgb
from skinprogress.synthetic.cards import LIGHT, draw_card_corners, paste_card

CORNERS = np.array([[100.0, 80.0], [400.0, 80.0], [400.0, 280.0], [100.0, 280.0]])


def scene() -> np.ndarray:
    return np.full((360, 520, 3), 0.5, np.float32)


def centers() -> np.ndarray:
    return np.array([(125 + 50 * c, 105 + 50 * r) for r in range(4) for c in range(6)])


def test_patches_have_their_reflectance_times_the_light() -> None:
    x, y = centers().T
    for edition in ("2014", "classic"):
        drawn = paste_card(scene(), corners_xy=CORNERS, edition=edition)
        np.testing.assert_allclose(drawn[y, x], reference_linear_rgb(edition) * LIGHT, atol=1e-5)
    assert 0.8 < paste_card(scene(), corners_xy=CORNERS)[255, 125, 1] < 0.88


def test_the_scene_is_kept_outside_and_not_written_to() -> None:
    photo = scene()
    photo.setflags(write=False)
    drawn = paste_card(photo, corners_xy=CORNERS)
    outside = np.ones(photo.shape[:2], bool)
    outside[55:305, 75:425] = False
    assert np.array_equal(drawn[outside], photo[outside])
    assert drawn[70, 250, 1] < 0.05  # the frame


def test_edges_are_soft_and_in_place() -> None:
    # A corner at a quarter px: the column of px that the edge of a patch crosses is a mixture.
    drawn = paste_card(scene(), corners_xy=CORNERS + 0.25)
    row = drawn[255, :, 1]
    edge = 100.25 + 25 - 0.43 * 50
    white, frame = row[125], row[int(edge) - 2]
    share = (row[int(edge)] - frame) / (white - frame)
    assert share == pytest.approx(1 - edge % 1, abs=0.12)


def test_a_tilted_card_lands_on_its_corners() -> None:
    corners = np.array([[120.0, 60.0], [400.0, 110.0], [380.0, 300.0], [90.0, 270.0]])
    drawn = paste_card(scene(), corners_xy=corners)
    field = np.array([[0, 0], [6, 0], [6, 4], [0, 4]], np.float32)
    carry = cv2.getPerspectiveTransform(field, corners.astype(np.float32))
    at = cv2.perspectiveTransform(np.array([[[0.5, 0.5], [5.5, 3.5], [2.5, 2.5]]]), carry)[0].astype(int)
    np.testing.assert_allclose(drawn[at[:, 1], at[:, 0]], reference_linear_rgb("2014")[[0, 23, 14]] * LIGHT, atol=2e-3)


def test_a_shadow_covers_the_share_that_was_asked_for() -> None:
    plain = paste_card(scene(), corners_xy=CORNERS)
    shaded = paste_card(scene(), corners_xy=CORNERS, shade=(0.5, 0.6))
    x, y = centers().T
    ratio = shaded[y, x, 1] / plain[y, x, 1]
    assert ratio[18] == pytest.approx(1.0, abs=0.01) and ratio[5] == pytest.approx(0.6, abs=0.01)
    assert 8 <= int((ratio < 0.8).sum()) <= 16


def test_a_card_half_outside_is_cut_off() -> None:
    drawn = paste_card(scene(), corners_xy=CORNERS - [250.0, 0.0])
    assert np.isfinite(drawn).all() and drawn.shape == (360, 520, 3)
    np.testing.assert_array_equal(paste_card(scene(), corners_xy=CORNERS + 2000.0), scene())


def test_drawn_places_lie_in_the_photo_and_off_the_face() -> None:
    face = np.array([[350, 250], [650, 250], [650, 700], [350, 700]])
    for seed in range(40):
        corners = draw_card_corners(np.random.default_rng(seed), (900, 1000), width_share=0.2, avoid_xy=face)
        assert (corners > 0).all() and (corners < [1000, 900]).all()
        hulls = [cv2.convexHull(xy.astype(np.float32)) for xy in (corners, face)]
        assert cv2.intersectConvexConvex(*hulls)[0] == 0.0
        length = np.hypot(*(corners[1] - corners[0]))
        assert 0.2 * 1000 * np.cos(np.radians(30)) * 0.8 < length < 0.2 * 1000 * 1.25
        angle = np.degrees(np.arctan2(*(corners[1] - corners[0])[::-1]))
        assert abs(angle) < 50
    again = draw_card_corners(np.random.default_rng(39), (900, 1000), width_share=0.2, avoid_xy=face)
    np.testing.assert_array_equal(corners, again)


def test_a_card_that_cannot_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit into 1000 × 90 px"):
        draw_card_corners(np.random.default_rng(0), (90, 1000), width_share=0.5)
