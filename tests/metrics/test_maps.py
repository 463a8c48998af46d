"""Maps come to the grid that statistics are taken on: sampled, averaged or summed, each from where it was computed."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.metrics.inputs import MetricInput
from skinprogress.metrics.maps import compute_maps, grid_step, make_layers, sample_grid
from skinprogress.metrics.metric import Metric
from skinprogress.metrics.spot_finding import list_spots
from skinprogress.metrics.table import METRICS

SIDE, MM = 64, 0.2


def make_input(*, skin=None, seed=0, side=SIDE) -> MetricInput:
    shape = (side, side)
    return MetricInput(
        linear_rgb=np.random.default_rng(seed).uniform(0.1, 0.6, (*shape, 3)).astype(np.float32),
        skin=np.ones(shape, bool) if skin is None else skin,
        mm_per_px=np.full(shape, MM, np.float32),
        photo_px_per_mm=np.full(shape, 6.0, np.float32),
        red_level=15.0,
    )


def row(name="made_up", **changes) -> Metric:
    return replace(METRICS["redness_index"], name=name, **changes)


def red(data: MetricInput) -> np.ndarray:
    return data.linear_rgb[..., 0]


@pytest.mark.parametrize(("side", "step"), [(400, 1), (512, 1), (1024, 2), (1536, 3)])
def test_the_grid_has_about_512_px(side, step):
    assert grid_step(side) == step
    assert sample_grid(np.zeros((side, side))).shape[0] in (400, 512)


def test_a_stored_face_holds_the_small_finds_and_none_of_the_planes():
    full = make_input(side=1024)
    layers = make_layers(full, bare=full, step=2)
    compute_maps(layers, METRICS.values())
    stored, spots = layers.stored(), list_spots(full, "red")
    held = pickle.dumps(stored.full)
    assert len(held) < 1.3 * sum(a.nbytes for a in (stored.full.linear_rgb, full.skin, full.mm_per_px, full.mm_per_px))
    assert list_spots(stored.restored(), "red") is spots
    plane = np.zeros((1024, 1024), np.float32)
    assert not np.shares_memory(sample_grid(plane), plane)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_where_each_frame_is_computed_and_how_it_comes_to_the_grid(step):
    full = make_input()
    layers = make_layers(full, bare=full, step=step)
    seen = []

    def spy(data):
        seen.append(data.skin.shape[0])
        return red(data)

    maps = compute_maps(layers, [row(frame, frame=frame, compute=lambda d, f=frame: spy(d)) for frame in _FRAMES])
    small = -(-SIDE // step)
    assert seen == [small, small, SIDE]
    np.testing.assert_array_equal(maps["px"], full.linear_rgb[::step, ::step, 0])
    np.testing.assert_array_equal(maps["full"], full.linear_rgb[::step, ::step, 0])
    np.testing.assert_allclose(maps["grid"], layers.grid.linear_rgb[..., 0])
    if step > 1:
        assert maps["grid"].std() < 0.7 * maps["px"].std()


_FRAMES = ("px", "grid", "full")


@pytest.mark.parametrize("step", [1, 2, 4])
@pytest.mark.parametrize("frame", ["grid", "full"])
def test_totals_of_a_density_do_not_depend_on_the_grid(frame, step):
    """One on every px is an area in mm², whatever grid it is summed on."""
    skin = np.ones((SIDE, SIDE), bool)
    skin[:16] = False
    full = make_input(skin=skin)
    area = row(frame=frame, statistic="total", compute=lambda data: np.ones(data.skin.shape, np.float32))
    (plane,) = compute_maps(make_layers(full, bare=full, step=step), [area]).values()
    assert np.nansum(plane) == pytest.approx(skin.sum() * MM**2, rel=1e-4)


@given(places=st.lists(st.tuples(st.integers(0, SIDE - 1), st.integers(0, SIDE - 1)), max_size=9, unique=True))
@settings(deadline=None)
def test_no_single_px_is_lost_on_the_way_to_the_grid(places):
    def dots(data):
        plane = np.zeros(data.skin.shape, np.float32)
        for place in places:
            plane[place] = 1.0 / MM**2
        return plane

    full = make_input()
    (plane,) = compute_maps(
        make_layers(full, bare=full, step=2), [row(frame="full", statistic="total", compute=dots)]
    ).values()
    assert plane.sum() == pytest.approx(len(places), abs=1e-4)


def test_one_map_is_computed_once_for_all_statistics_of_it():
    full, asked = make_input(), []

    def count(data):
        asked.append(1)
        return red(data)

    layers = make_layers(full, bare=full, step=2)
    maps = compute_maps(layers, [row("a", compute=count), row("b", compute=count, statistic="spread")])
    assert maps["a"] is maps["b"] and len(asked) == 1
    # A sum is another map: an amount for each px.
    maps = compute_maps(layers, [row("a", compute=count), row("b", compute=count, statistic="total")])
    assert maps["a"] is not maps["b"]


def test_blood_is_looked_for_where_everything_else_looks_away():
    skin = np.ones((SIDE, SIDE), bool)
    skin[:, : SIDE // 2] = False
    bare = make_input()
    layers = make_layers(replace(bare, skin=skin), bare=bare, step=2)
    rows = [row(f"{f} {on}", frame=f, on_blood=on, compute=lambda d, w=(f, on): red(d)) for f, on in _WHERE]
    maps = compute_maps(layers, rows)
    for (frame, on), plane in zip(_WHERE, maps.values(), strict=True):
        assert np.isfinite(plane[:, SIDE // 4 :]).all(), frame
        assert np.isfinite(plane[:, : SIDE // 4 - 1]).any() == on


_WHERE = (("px", False), ("grid", False), ("full", False), ("full", True))


def test_every_layer_gets_the_red_level():
    full = make_input()
    layers = make_layers(full, bare=full, step=2).with_red_level(17.0)
    assert {d.red_level for d in (layers.px, layers.grid, layers.full, layers.bare)} == {17.0}
    assert full.red_level == 15.0


def test_what_is_stored_is_half_as_large_and_computes_the_same():
    full = make_input()
    layers = make_layers(full, bare=full, step=2)
    stored = layers.stored()
    assert stored.full.linear_rgb.dtype == np.float16
    assert stored.full.linear_rgb.nbytes == full.linear_rgb.nbytes // 2
    rows = [row(frame, frame=frame, compute=red) for frame in _FRAMES]
    before, after = compute_maps(layers, rows), compute_maps(stored, rows)
    np.testing.assert_array_equal(before["px"], after["px"])
    np.testing.assert_array_equal(before["grid"], after["grid"])
    np.testing.assert_allclose(before["full"], after["full"], rtol=1e-3)
