"""What holds for every row of the table: its golden value, and what no metric may do."""

from dataclasses import replace
from functools import cache
from typing import get_args

import cv2
import numpy as np
import pytest

from skinprogress.comparison.uncertainty import Statistic, region_statistic
from skinprogress.face.canonical import raster
from skinprogress.face.regions import REGIONS, bare_face_mask, region_mask
from skinprogress.metrics.blood import find_blood
from skinprogress.metrics.inputs import MetricInput
from skinprogress.metrics.maps import Layers, compute_maps, grid_step, make_layers, sample_grid
from skinprogress.metrics.pigmentation import HAEMOGLOBIN, MELANIN
from skinprogress.metrics.table import METRICS

FRAME_MM = 200.0
SHADE = np.ones(3)
# Of the face below: where each metric has something to measure, and what it finds there. Plain colours follow by hand
# from the skin's (0.45, 0.25, 0.18): ln(0.45 / 0.25) = 0.588, over 0.0405 = 14.5; a*, L* and ITA from the formulas of
# the CIE; areas from the discs that were painted (4 mm: 50 mm²; 1.5 mm: 7.1 mm²); lengths and numbers from what was.
GOLDEN: dict[str, tuple[str, float]] = {
    "redness": ("nose", 13.29),
    "redness_index": ("nose", 14.56),
    "relative_redness": ("nose", 14.56),
    "redness_over_neck": ("nose", 14.56),
    "haemoglobin_index": ("nose", 0.8074),
    "redness_uniformity": ("cheek_left", 1.262),
    "red_area": ("cheek_left", 42.97),
    "red_area_mm2": ("cheek_left", 648.2),
    "red_spots": ("forehead", 3),
    "red_spots_area": ("forehead", 5.951),
    "red_spots_contrast": ("forehead", 4.761),
    "red_tracks": ("jaw_left", 0.03783),
    "red_tracks_length": ("jaw_left", 21.09),
    "blood": ("chin", 7.324),
    "log_redness_index": ("nose", 0.5895),
    "lightness": ("nose", 60.48),
    "ita": ("nose", 32.38),
    "melanin_index": ("nose", 0.9085),
    "tone_uniformity": ("cheek_left", 1.401),
    "haemoglobin_uniformity": ("cheek_left", 0.0175),
    "melanin_uniformity": ("cheek_right", 0.009738),
    "brown_spots": ("cheek_right", 4),
    "brown_spots_area": ("cheek_right", 6.142),
    "brown_spots_contrast": ("cheek_right", 0.6538),
    "dark_patches": ("cheek_right", 48.31),
    "pale_patches": ("jaw_right", 45.64),
    "texture_uniformity": ("face", 0.6744),
    "pores": ("cheek_left", 0.2571),
    "fine_texture": ("cheek_left", 0.3618),
    "coarse_texture": ("cheek_left", 0.438),
    "relief_contrast": ("cheek_left", 0.7015),
    "wrinkle_index": ("forehead", 0.3002),
    "glcm_contrast": ("cheek_left", 4.795),
    "glcm_homogeneity": ("cheek_left", 0.5459),
}


@cache
def made_up_face(side: int = 1024) -> MetricInput:
    """A face with relief of every scale, uneven blood and melanin, and one of everything that is looked for.

    A red patch (left cheek), three red and four brown spots (forehead, right cheek), a dark and a pale patch (right
    cheek, right jaw), a red track (left jaw), two wrinkles (forehead), a drop of blood (chin).
    """
    mm = FRAME_MM / side
    rng = np.random.default_rng(3)
    rows, cols = np.indices((1024, 1024)) * (side / 1024)  # drawn once, in mm, whatever the frame

    def field(*sigmas_px: float) -> np.ndarray:
        noise = (cv2.GaussianBlur(rng.normal(0, 1, (1024, 1024)), (0, 0), s) * s for s in sigmas_px)
        return sum(noise)[..., None]

    def place(region: str, right_mm: float, down_mm: float) -> tuple[np.ndarray, np.ndarray]:
        inside = np.argwhere(region_mask(region, side)).mean(axis=0)
        return (cols - inside[1]) * mm - right_mm, (rows - inside[0]) * mm - down_mm

    def disc(region: str, radius_mm: float, right_mm: float = 0.0, down_mm: float = 0.0) -> np.ndarray:
        away = np.hypot(*place(region, right_mm, down_mm))
        return np.clip((radius_mm - away) / 0.2 + 0.5, 0, 1)[..., None]

    def line(region: str, length_mm: float, down_mm: float = 0.0) -> np.ndarray:
        right, down = np.abs(place(region, 0.0, down_mm))
        return (np.clip((0.3 - down) / 0.2 + 0.5, 0, 1) * (right < length_mm / 2))[..., None]

    density = -0.03 * field(1, 3, 8, 20) * SHADE + 0.02 * field(10, 30) * HAEMOGLOBIN + 0.015 * field(10, 30) * MELANIN
    density += 0.3 * disc("cheek_left", 9.0) * HAEMOGLOBIN
    density += 0.5 * sum(disc("forehead", 0.8, x, -4) for x in (-18, 0, 18)) * HAEMOGLOBIN
    density += 0.8 * sum(disc("cheek_right", 0.7, x, -6) for x in (-9, -3, 3, 9)) * MELANIN
    density += 0.5 * (disc("cheek_right", 4.0, 0, 5) - disc("jaw_right", 4.0)) * MELANIN
    density += 0.5 * line("jaw_left", 20.0) * HAEMOGLOBIN
    density += 0.25 * (line("forehead", 30.0, -1) + line("forehead", 30.0, 5)) * SHADE
    density += 3.0 * disc("chin", 1.5) * HAEMOGLOBIN
    drawn = np.array([0.45, 0.25, 0.18]) * np.exp(-density)
    inside = raster(side).inside
    return MetricInput(
        linear_rgb=cv2.resize(drawn, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32),
        skin=bare_face_mask(side).copy(),
        mm_per_px=np.where(inside, np.float32(mm), np.float32(np.nan)),
        photo_px_per_mm=np.where(inside, np.float32(6.0), np.float32(np.nan)),
    )


def layers_of(bare: MetricInput) -> Layers:
    side = bare.skin.shape[0]
    return make_layers(replace(bare, skin=bare.skin & ~find_blood(bare)), bare=bare, step=grid_step(side))


@cache
def made_up_maps(side: int = 1024) -> dict[str, np.ndarray]:
    return compute_maps(layers_of(made_up_face(side)), METRICS.values())


def value_in(maps: dict[str, np.ndarray], name: str, region: str, *, mirrored: bool = False, side: int = 1024) -> float:
    """The statistic of a map in a region; what relative metrics are referred to is subtracted elsewhere."""
    mask = sample_grid(region_mask(region, side))
    values = maps[name][mask[:, ::-1] if mirrored else mask]
    return region_statistic(values[np.isfinite(values)], METRICS[name].statistic)


def test_every_metric_has_a_golden_value() -> None:
    assert set(GOLDEN) == set(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_golden_value(name: str) -> None:
    region, value = GOLDEN[name]
    assert value_in(made_up_maps(), name, region) == pytest.approx(value, rel=1e-3)
    assert value != 0.0


@pytest.mark.parametrize("name", METRICS)
def test_maps_are_float32_on_the_grid_and_nan_off_the_skin(name: str) -> None:
    plane, metric, layers = made_up_maps()[name], METRICS[name], layers_of(made_up_face())
    assert plane.shape == (512, 512) and plane.dtype == np.float32
    # What is averaged down lies on the px that are skin for the most part, at the borders other ones than the sampled.
    skin = layers.grid.skin if metric.frame == "grid" else layers.px.skin
    if metric.on_blood:
        skin = sample_grid(made_up_face().skin)
    assert np.isnan(plane[~skin]).all()
    if not metric.sparse:
        assert np.isfinite(plane[skin]).all()


@pytest.mark.parametrize("name", METRICS)
def test_metrics_never_write_to_their_input(name: str) -> None:
    data = replace(made_up_face(512))
    planes = (data.lab, data.log_rgb, data.log_luminance, data.linear_rgb, data.skin, data.mm_per_px)
    copies = [p.copy() for p in planes]
    METRICS[name].compute(data)
    for before, after in zip(copies, planes, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", METRICS)
def test_what_was_computed_before_changes_nothing(name: str) -> None:
    """Metrics share what they find out about a face: in whatever order they come."""
    shared = replace(made_up_face(512))
    for metric in reversed(METRICS.values()):
        metric.compute(shared)
    alone = METRICS[name].compute(replace(made_up_face(512)))
    np.testing.assert_array_equal(METRICS[name].compute(shared), alone)


@pytest.mark.parametrize("name", [m.name for m in METRICS.values() if m.local])
def test_local_metrics_need_no_neighbours(name: str) -> None:
    data = made_up_face(512)
    whole, grid = METRICS[name].compute(data), METRICS[name].compute(data.every(3))
    np.testing.assert_allclose(whole[::3, ::3], grid, atol=1e-4)


@pytest.mark.parametrize("name", METRICS)
def test_a_mirrored_face_has_its_left_on_the_right(name: str) -> None:
    bare = made_up_face()
    planes = (bare.linear_rgb, bare.skin, bare.mm_per_px, bare.photo_px_per_mm)
    flipped = layers_of(MetricInput(*(np.ascontiguousarray(plane[:, ::-1]) for plane in planes)))
    maps = compute_maps(flipped, [METRICS[name]])
    for region in {GOLDEN[name][0], "cheek_left", "cheek_right"}:
        here, there = value_in(made_up_maps(), name, region), value_in(maps, name, region, mirrored=True)
        # Every second px is sampled: other ones, once mirrored.
        assert there == pytest.approx(here, rel=0.03, abs=0.05 * METRICS[name].equivalence, nan_ok=True)


def test_catalogue_is_complete() -> None:
    for metric in METRICS.values():
        assert metric.meaning and metric.formula and metric.caveat and metric.source and metric.value_range
        doc = metric.compute.__doc__ or ""
        assert "Parameters" in doc and "Returns" in doc
        assert metric.statistic in get_args(Statistic)
        assert set(metric.regions) <= set(REGIONS)
