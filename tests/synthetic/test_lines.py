"""Painted lines have the length, width and depth that they say."""

import numpy as np
import pytest

from skinprogress.color.spaces import EI_PER_A_STAR, erythema_index
from skinprogress.synthetic.lines import draw_lines, paint_red_tracks, paint_wrinkles

MM_PER_PX = 0.2


@pytest.fixture
def skin():
    inside = np.zeros((300, 420), bool)
    inside[20:280, 30:400] = True
    return inside


@pytest.fixture
def scale(skin):
    return np.where(skin, np.float32(MM_PER_PX), np.float32(np.nan))


@pytest.mark.parametrize("radius_mm", [np.inf, 12.0])
def test_lines_have_their_length_and_width(skin, scale, radius_mm):
    drawn = draw_lines(skin, scale, n_lines=6, length_mm=10.0, width_mm=0.8, seed=1, radius_mm=radius_mm)
    lengths = [np.linalg.norm(np.diff(path, axis=0), axis=1).sum() * MM_PER_PX for path in drawn.paths_xy]
    np.testing.assert_allclose(lengths, 10.0, rtol=1e-6)
    assert drawn.length_mm == pytest.approx(60.0)
    # The area under a Gaussian is 1.064 × its full width at half maximum, and each line has two round ends.
    area = drawn.plane.sum() * MM_PER_PX**2
    assert area == pytest.approx(60.0 * 0.8 * 1.064 + 6 * 1.133 * 0.8**2, rel=0.03)
    assert drawn.plane.max() == pytest.approx(1.0, abs=0.02)


def test_lines_stay_on_skin_and_apart(skin, scale):
    drawn = draw_lines(skin, scale, n_lines=8, length_mm=8.0, width_mm=0.5, seed=2, spacing_mm=5.0)
    assert drawn.plane[~skin].max() == 0.0
    for number, path in enumerate(drawn.paths_xy):
        for other in drawn.paths_xy[:number]:
            gaps = np.linalg.norm(path[:, None, :] - other[None, :, :], axis=2)
            assert gaps.min() * MM_PER_PX >= 5.0


def test_dots_follow_at_their_pitch(skin, scale):
    from scipy.ndimage import label

    drawn = draw_lines(skin, scale, n_lines=3, length_mm=12.0, width_mm=0.5, seed=3, dot_pitch_mm=1.5)
    assert label(drawn.plane > 0.5)[1] == 3 * 9  # both ends of 12 mm, and every 1.5 mm between


def test_the_seed_decides_where(skin, scale):
    first, again, other = (
        draw_lines(skin, scale, n_lines=4, length_mm=8.0, width_mm=0.5, seed=s).plane for s in (4, 4, 5)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_wrinkles_darken_all_channels_and_tracks_only_redden(skin, scale):
    face = np.full((*skin.shape, 3), (0.45, 0.25, 0.18), np.float32)
    face.setflags(write=False)
    drawn = draw_lines(skin, scale, n_lines=4, length_mm=8.0, width_mm=1.0, seed=6)
    dark = np.log(face / paint_wrinkles(face, drawn, depth=0.15))
    np.testing.assert_allclose(dark, np.repeat(0.15 * drawn.plane[..., None], 3, axis=2), atol=1e-5)
    rise = (erythema_index(paint_red_tracks(face, drawn, height_a_star=4.0)) - erythema_index(face)) / EI_PER_A_STAR
    np.testing.assert_allclose(rise, 4.0 * drawn.plane, atol=1e-3)


def test_what_finds_no_room_is_told(skin, scale):
    with pytest.raises(ValueError, match="of 3 lines of 120"):
        draw_lines(skin, scale, n_lines=3, length_mm=120.0, width_mm=0.5, seed=1)
    with pytest.raises(ValueError, match="only 0 of 1"):
        draw_lines(np.zeros_like(skin), scale, n_lines=1, length_mm=5.0, width_mm=0.5, seed=1)


def test_no_lines_change_nothing(skin, scale):
    drawn = draw_lines(skin, scale, n_lines=0, length_mm=5.0, width_mm=0.5, seed=1)
    assert not drawn.plane.any()
    assert drawn.length_mm == 0.0
