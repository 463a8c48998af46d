"""What metrics are computed from: coarser copies of a face, blurs over skin, and what is worked out once."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from skinprogress.face.canonical import raster
from skinprogress.metrics.inputs import MetricInput, average_px, band_mm, blur_mm, prepare_input
from skinprogress.records import ColorCorrection, Face, PhotoRef

SIDE = 256


def make_input(linear_rgb, *, skin=None, mm_per_px=0.3, photo_px_per_mm=6.0, red_level=None) -> MetricInput:
    shape = linear_rgb.shape[:2]
    return MetricInput(
        linear_rgb=linear_rgb.astype(np.float32),
        skin=np.ones(shape, bool) if skin is None else skin,
        mm_per_px=np.full(shape, mm_per_px, np.float32),
        photo_px_per_mm=np.full(shape, photo_px_per_mm, np.float32),
        red_level=red_level,
    )


def speckled(side=SIDE, seed=0):
    return np.random.default_rng(seed).uniform(0.1, 0.6, (side, side, 3)).astype(np.float32)


@pytest.mark.parametrize(("side", "step"), [(12, 3), (13, 3), (14, 3), (16, 2), (15, 2), (8, 1)])
def test_averages_of_px_are_the_means_of_their_blocks(side, step):
    image = speckled(side)
    found = average_px(image, step)
    assert found.shape == (-(-side // step), -(-side // step), 3)
    for i in range(side // step):
        block = image[i * step : (i + 1) * step, :step]
        np.testing.assert_allclose(found[i, 0], block.mean(axis=(0, 1)), rtol=1e-5)
    # Blocks that hang over the edge are filled with the last px: as many as the grid of every step-th px has.
    assert average_px(image[..., 0], step).shape == image[::step, ::step, 0].shape


def test_a_face_is_averaged_over_its_skin_alone():
    rgb, skin = speckled(), np.ones((SIDE, SIDE), bool)
    skin[:, 1::4] = False
    data = make_input(np.where(skin[..., None], rgb, 9.0), skin=skin, red_level=17.5)
    coarse = data.averaged(2)
    assert coarse.skin.all()  # half a block is enough
    np.testing.assert_allclose(coarse.linear_rgb[0, 0], rgb[:2, 0].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(coarse.linear_rgb[0, 1], rgb[:2, 2:4].mean(axis=(0, 1)), rtol=1e-5)
    assert np.all(coarse.mm_per_px == np.float32(0.6))
    assert np.all(coarse.photo_px_per_mm == 6.0)
    assert coarse.red_level == 17.5
    skin[:, 0::2] = False  # a quarter is not
    assert not make_input(rgb, skin=skin).averaged(2).skin[:, 0].any()


def test_averaging_down_does_not_alias():
    """Stripes two px wide together: every second px shows one of them, the average neither."""
    stripes = np.where(np.arange(SIDE) % 2 == 0, 0.2, 0.4)[None, :, None] * np.ones((SIDE, 1, 3))
    data = make_input(stripes)
    np.testing.assert_allclose(data.averaged(2).linear_rgb, 0.3, rtol=1e-5)
    np.testing.assert_allclose(data.every(2).linear_rgb, 0.2, rtol=1e-5)
    noise = make_input(0.3 + 0.01 * np.random.default_rng(1).normal(size=(SIDE, SIDE, 3)))
    assert noise.averaged(2).linear_rgb.std() == pytest.approx(0.005, rel=0.03)
    assert noise.every(2).linear_rgb.std() == pytest.approx(0.01, rel=0.03)


@pytest.mark.parametrize("coarser", ["every", "averaged"])
def test_coarser_grids_lie_on_the_same_places(coarser):
    ramp = np.linspace(0.1, 0.6, SIDE)[None, :, None] * np.ones((SIDE, 1, 3))
    data = make_input(ramp)
    for step in (1, 2, 3):
        coarse = getattr(data, coarser)(step)
        assert coarse.skin.shape == data.skin[::step, ::step].shape
        np.testing.assert_allclose(coarse.linear_rgb, data.linear_rgb[::step, ::step], atol=0.5 * step / SIDE)
    assert data.averaged(1) is data


def test_skin_of_unknown_scale_is_no_skin_of_the_average():
    data = make_input(speckled())
    data.mm_per_px[:10] = np.nan
    assert not data.averaged(2).skin[:5].any()
    assert data.averaged(2).skin[5:].all()


def test_what_is_worked_out_is_worked_out_once_and_for_this_face_alone():
    data, asked = make_input(speckled()), []

    def count(face):
        asked.append(face)
        return face.skin.sum()

    assert data.kept("n", count) == data.kept("n", count) == SIDE**2
    assert len(asked) == 1 and asked[0] is data
    # The same face on other skin is another one: nothing of what was worked out is handed on.
    skin = data.skin.copy()
    skin[: SIDE // 2] = False
    assert replace(data, skin=skin).kept("n", count) == SIDE**2 // 2
    assert data.every(2).kept("n", count) == SIDE**2 // 4
    plane = data.log_luminance
    blurred = data.blurred(plane, sigma_mm=1.0)
    assert data.blurred(plane, sigma_mm=1.0) is blurred
    assert data.blurred(plane, sigma_mm=1.1) is not blurred
    assert np.isnan(replace(data, skin=skin).blurred(plane, sigma_mm=1.0)[0]).all()


def test_planes_are_what_their_names_say():
    data = make_input(speckled())
    np.testing.assert_allclose(np.exp(data.log_rgb), data.linear_rgb, rtol=1e-5)
    np.testing.assert_allclose(np.exp(data.log_luminance), data.linear_rgb @ [0.2126, 0.7152, 0.0722], rtol=1e-5)
    white = make_input(np.ones((4, 4, 3)))
    np.testing.assert_allclose(white.lab[0, 0], [100.0, 0.0, 0.0], atol=0.02)
    assert np.isfinite(make_input(np.zeros((4, 4, 3))).log_rgb).all()


def make_face(linear_rgb) -> Face:
    inside = raster(SIDE).inside
    scale = np.where(inside, np.float32(0.25), np.float32(np.nan))
    return Face(
        ref=PhotoRef(path=None, file="x", client="c", session="s"), view="front", linear_rgb=linear_rgb,
        skin=inside.copy(), mm_per_px=scale, photo_px_per_px=np.full_like(scale, 2.0),
        visibility=np.where(inside, np.float32(0.64), np.float32(np.nan)), registration=None,
        correction=ColorCorrection(rung="none", matrix=np.eye(3, dtype=np.float32)),
    )  # fmt: skip


def test_a_face_is_handed_over_with_the_detail_that_the_photo_shows_of_its_skin():
    data = prepare_input(make_face(speckled()))
    # Two px of the photo for a quarter of a millimetre, seen at an angle that takes a fifth of it away.
    assert data.photo_px_per_mm[data.skin] == pytest.approx(2.0 / 0.25 / 0.8)
    assert data.red_level is None


def test_blur_counts_only_skin():
    inside = raster(SIDE).inside
    scale = np.where(inside, np.float32(0.25), np.float32(np.nan))
    plane = np.where(inside, np.float32(5.0), np.float32(1e6))
    blurred = blur_mm(plane, inside, scale, sigma_mm=3.0)
    np.testing.assert_allclose(blurred[inside], 5.0, rtol=1e-4)


@given(sigma_mm=st.floats(0.5, 4.0), mm_per_px=st.floats(0.15, 0.5))
def test_a_blur_is_as_wide_as_it_says(sigma_mm, mm_per_px):
    """An edge becomes the integral of the normal distribution."""
    edge = np.broadcast_to(np.where(np.arange(SIDE) < SIDE // 2, 0.0, 1.0).astype(np.float32), (64, SIDE))
    skin, scale = np.ones(edge.shape, bool), np.full(edge.shape, mm_per_px, np.float32)
    found = blur_mm(edge, skin, scale, sigma_mm=sigma_mm)[32]
    away_mm = (np.arange(SIDE) - SIDE / 2 + 0.5) * mm_per_px
    np.testing.assert_allclose(found, ndtr(away_mm / sigma_mm), atol=0.015)


def test_a_blur_follows_a_scale_that_varies():
    side, sigma_mm = 384, 2.0
    scale = np.broadcast_to(np.linspace(0.2, 0.4, side, dtype=np.float32)[:, None], (side, side))
    edge = np.broadcast_to(np.where(np.arange(side) < side // 2, 0.0, 1.0).astype(np.float32), (side, side))
    found = blur_mm(edge, np.ones(edge.shape, bool), scale, sigma_mm=sigma_mm)
    for row in (80, side // 2, side - 80):
        at = side / 2 - 0.5 + sigma_mm / scale[row, 0]
        assert np.interp(at, np.arange(side), found[row]) == pytest.approx(0.8413, abs=0.02)


def test_band_of_a_constant_is_zero_up_to_the_edge_of_the_skin():
    data = prepare_input(make_face(np.full((SIDE, SIDE, 3), 0.3, np.float32)))
    band = band_mm(data, data.log_luminance, low_mm=1.0, high_mm=4.0)
    assert np.nanmax(np.abs(band)) < 1e-4
    assert np.isnan(band[~data.skin]).all()


@pytest.mark.parametrize(("low_mm", "high_mm"), [(1.0, 4.0), (4.0, 16.0)])
def test_half_of_the_amplitude_passes_at_both_ends_of_a_band(low_mm, high_mm):
    for wavelength in (low_mm, high_mm):
        wave = 0.1 * np.sin(2 * np.pi * np.arange(SIDE * 2) * 0.25 / wavelength)
        data = make_input(0.3 * np.exp(np.broadcast_to(wave, (96, SIDE * 2)))[..., None].repeat(3, 2), mm_per_px=0.25)
        band = band_mm(data, data.log_luminance, low_mm=low_mm, high_mm=high_mm)[48, 64:-64]
        # The far end of the band takes a little more.
        assert np.abs(band).max() == pytest.approx(0.05, rel=0.1)


def test_a_band_that_photo_or_frame_do_not_resolve_is_nan():
    for scales, seen in (
        ({"photo_px_per_mm": 2.6}, True),
        ({"photo_px_per_mm": 2.4}, False),
        ({"mm_per_px": 0.39}, True),
        ({"mm_per_px": 0.41}, False),
    ):
        data = make_input(speckled(), **scales)
        assert np.isfinite(band_mm(data, data.log_luminance, low_mm=1.0, high_mm=4.0)).all() == seen
