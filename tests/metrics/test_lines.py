"""Lines are found at their place, as high and long as they are; spots, texture, edges and masks are no lines."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.metrics.inputs import MetricInput
from skinprogress.metrics.lines import (
    CLEAR_TRACK,
    TRACK_FLOOR,
    WRINKLE_FLOOR,
    red_tracks,
    red_tracks_length,
    wrinkle_index,
)
from skinprogress.synthetic.lines import DrawnLines, draw_lines, paint_red_tracks, paint_wrinkles

SKIN = np.array([0.45, 0.25, 0.18], np.float32)
FIND = {"wrinkle_index": wrinkle_index, "red_tracks": red_tracks}


def make_input(linear_rgb, *, mm_per_px=0.22, photo_px_per_mm=6.0, skin=None) -> MetricInput:
    shape = linear_rgb.shape[:2]
    return MetricInput(
        linear_rgb=np.asarray(linear_rgb, np.float32),
        skin=np.ones(shape, bool) if skin is None else skin,
        mm_per_px=np.full(shape, mm_per_px, np.float32),
        photo_px_per_mm=np.full(shape, photo_px_per_mm, np.float32),
    )


def even(side=400):
    return np.full((side, side, 3), SKIN, np.float32)


def drawn_on(side=400, *, mm_per_px=0.22, n_lines=8, length_mm=15.0, width_mm=0.7, seed=1, **kwargs) -> DrawnLines:
    everywhere, scale = np.ones((side, side), bool), np.full((side, side), mm_per_px)
    everywhere[:20] = everywhere[-20:] = everywhere[:, :20] = everywhere[:, -20:] = False
    return draw_lines(
        everywhere, scale, n_lines=n_lines, length_mm=length_mm, width_mm=width_mm, seed=seed, spacing_mm=5.0, **kwargs
    )


def paint(name, lines, strength):
    """Wrinkles in percent, tracks in a*-equivalents."""
    if name == "wrinkle_index":
        return paint_wrinkles(even(lines.plane.shape[0]), lines, depth=strength / 100)
    return paint_red_tracks(even(lines.plane.shape[0]), lines, height_a_star=strength)


def rough(seed, *, sigma, amount, side=400):
    field = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, (side, side)).astype(np.float32), (0, 0), sigma)
    return np.exp(amount * field / field.std())[..., None]


def length_of(data):
    return float(np.nansum(red_tracks_length(data) * data.mm_per_px**2))


STRONG = {"wrinkle_index": 20.0, "red_tracks": 5.0}
FLOOR = {"wrinkle_index": WRINKLE_FLOOR, "red_tracks": TRACK_FLOOR}


@pytest.mark.parametrize("name", FIND)
def test_even_skin_has_no_lines(name):
    assert np.nanmax(FIND[name](make_input(even()))) == 0.0
    assert length_of(make_input(even())) == 0.0


@pytest.mark.parametrize("name", FIND)
def test_deeper_and_longer_lines_count_more(name):
    strength = STRONG[name]
    short, long = drawn_on(length_mm=10.0), drawn_on(length_mm=20.0)
    weak, strong, more = (
        np.nanmean(FIND[name](make_input(paint(name, lines, s))))
        for lines, s in ((short, strength / 2), (short, strength), (long, strength))
    )
    assert 0.0 < weak < 0.55 * strong
    assert more == pytest.approx(2 * strong, rel=0.25)


@pytest.mark.parametrize("name", FIND)
def test_a_line_is_found_where_it_is_in_any_direction(name):
    for angle in np.radians(np.arange(0, 180, 11)):
        reach = np.array([np.cos(angle), np.sin(angle)]) * 40.0
        path = np.array([200.0, 200.0]) + np.linspace(-1, 1, 400)[:, None] * reach
        rows, columns = np.indices((400, 400))
        along, across = (
            (columns - 200) * x + (rows - 200) * y for x, y in (reach / 40, (-reach[1] / 40, reach[0] / 40))
        )
        plane = np.exp(-0.5 * (across * 0.22 / 0.3) ** 2) * (np.abs(along) < 40)
        lines = DrawnLines(plane.astype(np.float32), (path,), 17.6)
        found = FIND[name](make_input(paint(name, lines, STRONG[name])))
        assert found[np.hypot(across, np.maximum(np.abs(along) - 40, 0)) * 0.22 > 1.5].max() < 0.02 * STRONG[name]
        # Averaging over the coarse px and along a direction up to 4° off leaves half of a line 0.7 mm wide, or more.
        middle = found[190:211, 190:211].max() + FLOOR[name]
        assert 0.5 * STRONG[name] < middle < STRONG[name]


@pytest.mark.parametrize(("width_mm", "least"), [(0.4, 0.2), (0.7, 0.4), (1.0, 0.5), (1.5, 0.4)])
def test_lines_of_every_width_are_seen(width_mm, least):
    found = red_tracks(make_input(paint("red_tracks", drawn_on(width_mm=width_mm), 5.0)))
    assert np.nanpercentile(found[found > 0], 90) > least * 5.0


@pytest.mark.parametrize("name", FIND)
def test_single_spots_are_no_lines(name):
    for width_mm in (0.5, 1.0, 2.0, 3.0):
        spots = drawn_on(n_lines=30, length_mm=0.05, width_mm=width_mm)
        assert np.nanmean(FIND[name](make_input(paint(name, spots, STRONG[name])))) < 1e-4 * STRONG[name]


def test_a_short_line_is_no_track():
    assert length_of(make_input(paint("red_tracks", drawn_on(length_mm=4.0), 5.0))) == 0.0


def test_edges_and_slopes_are_no_lines():
    edge = even()
    edge[:, 200:] *= 0.7
    slope = even() * np.linspace(0.7, 1.3, 400, dtype=np.float32)[None, :, None]
    redder = even()
    redder[:, 200:] *= np.exp(-0.3 * np.array([0.23, 0.69, 0.68], np.float32))
    for picture in (edge, slope, redder):
        for find in FIND.values():
            assert np.nanmax(find(make_input(picture))) < 0.02


@pytest.mark.parametrize("name", FIND)
def test_the_edge_of_the_skin_is_no_line(name):
    yy, xx = np.indices((400, 400))
    skin = ((xx - 200) / 150) ** 2 + ((yy - 200) / 180) ** 2 < 1
    vignette = even() * np.exp(-0.6 * (((xx - 200) / 150) ** 2 + ((yy - 200) / 180) ** 2) ** 4)[..., None]
    black = np.where(skin[..., None], vignette, np.float32(0.002))
    found = FIND[name](make_input(black, skin=skin))
    assert np.isnan(found[~skin]).all()
    assert np.nanmax(found) < 0.02 * STRONG[name]


@pytest.mark.parametrize("name", FIND)
def test_texture_without_direction_and_noise_add_little(name):
    """Less than a twentieth of what eight strong lines make."""
    lines = np.nanmean(FIND[name](make_input(paint(name, drawn_on(), STRONG[name]))))
    for texture in (rough(1, sigma=2.0, amount=0.03), rough(2, sigma=5.0, amount=0.03)):
        assert np.nanmean(FIND[name](make_input(even() * texture))) < 0.05 * lines
    noise = np.random.default_rng(3).normal(0, 0.02, (400, 400, 3)).astype(np.float32)
    assert np.nanmean(FIND[name](make_input(even() * np.exp(noise)))) < 0.05 * lines


@pytest.mark.parametrize("texture", [0.0, 0.02])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_length_of_clear_tracks(seed, texture):
    lines = drawn_on(seed=seed)
    picture = paint("red_tracks", lines, 5.0) * rough(seed, sigma=2.0, amount=texture)
    assert length_of(make_input(picture)) == pytest.approx(lines.length_mm, rel=0.12)


def test_rows_of_dots_are_tracks_and_dots_strewn_at_random_hardly():
    row = drawn_on(dot_pitch_mm=1.0, width_mm=0.7)
    rng = np.random.default_rng(4)
    strewn = np.zeros((400, 400), np.float32)
    places = rng.integers(20, 380, (8 * 16, 2))
    strewn[places[:, 0], places[:, 1]] = 1.0
    sigma = 0.7 / 2.3548 / 0.22
    strewn = np.minimum(cv2.GaussianBlur(strewn, (0, 0), sigma) * 2 * np.pi * sigma**2, 1.0)
    planes = (row, DrawnLines(strewn, (), 0.0))
    in_rows, at_random = (make_input(paint("red_tracks", p, 6.0)) for p in planes)
    assert length_of(in_rows) > 0.6 * row.length_mm
    assert np.nanmean(red_tracks(at_random)) < 0.05 * np.nanmean(red_tracks(in_rows))


def test_faint_tracks_have_no_length():
    assert length_of(make_input(paint("red_tracks", drawn_on(), 0.9 * CLEAR_TRACK))) == 0.0


def test_wrinkles_are_not_red_and_tracks_hardly_dark():
    lines = drawn_on()
    assert np.nanmax(red_tracks(make_input(paint("wrinkle_index", lines, 30.0)))) < 0.01
    dark = np.nanmean(wrinkle_index(make_input(paint("red_tracks", lines, 4.0))))
    assert dark < np.nanmean(wrinkle_index(make_input(paint("wrinkle_index", lines, 30.0))))


@given(exposure=st.floats(0.3, 1.9), mirror=st.booleans(), seed=st.integers(0, 50))
@settings(max_examples=8, deadline=None)
def test_exposure_and_mirroring_change_nothing(exposure, mirror, seed):
    relief = rough(seed, sigma=2.0, amount=0.02)
    for name, find in FIND.items():
        picture = paint(name, drawn_on(n_lines=4), STRONG[name]) * relief
        moved = np.ascontiguousarray(picture[:, :: -1 if mirror else 1]) * np.float32(exposure)
        assert np.nanmean(find(make_input(moved))) == pytest.approx(np.nanmean(find(make_input(picture))), rel=0.1)


@pytest.mark.parametrize("name", FIND)
def test_the_scale_of_the_frame_does_not_matter(name):
    lines = drawn_on(side=600, mm_per_px=0.147)
    fine = paint(name, lines, STRONG[name])
    coarse = cv2.resize(fine, (400, 400), interpolation=cv2.INTER_AREA)
    values = [np.nanmean(FIND[name](make_input(p, mm_per_px=s))) for p, s in ((fine, 0.147), (coarse, 0.2205))]
    assert values[0] == pytest.approx(values[1], rel=0.08)


@pytest.mark.parametrize("name", FIND)
def test_what_the_photo_does_not_resolve_is_no_number(name):
    assert np.isnan(FIND[name](make_input(even(100), photo_px_per_mm=2.4))).all()
    assert np.isnan(red_tracks_length(make_input(even(100), photo_px_per_mm=2.4))).all()
    nowhere = make_input(even(100), skin=np.zeros((100, 100), bool))
    assert np.isnan(FIND[name](nowhere)).all()


def test_golden_values():
    found = {}
    for name in FIND:
        picture = paint(name, drawn_on(seed=7), STRONG[name]) * rough(7, sigma=2.0, amount=0.02)
        found[name] = float(np.nanmean(FIND[name](make_input(picture))))
    found["red_tracks_length"] = length_of(make_input(picture))
    assert found == pytest.approx(
        {"wrinkle_index": 0.1215, "red_tracks": 0.03756, "red_tracks_length": 131.0}, rel=5e-3
    )


def test_inputs_are_never_written_to():
    picture = paint("red_tracks", drawn_on(), 5.0)
    data = make_input(picture.copy())
    for find in (wrinkle_index, red_tracks, red_tracks_length):
        find(data)
    np.testing.assert_array_equal(data.linear_rgb, picture)
    assert data.skin.all()
