"""Each metric moves with what it should, and with nothing else."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.comparison.uncertainty import region_statistic
from skinprogress.face.canonical import raster
from skinprogress.face.regions import bare_face_mask
from skinprogress.metrics.inputs import MetricInput, band_mm, blur_mm, prepare_input
from skinprogress.metrics.pigmentation import HAEMOGLOBIN, MELANIN, unmixing_matrix
from skinprogress.metrics.table import METRICS
from skinprogress.records import ColorCorrection, Face, PhotoRef

SIDE = 512
MM_PER_PX = 0.25
# Values on the synthetic face below. The colour metrics follow by hand from its colour (0.45, 0.25, 0.18):
# ln(0.45 / 0.25) = 0.588, over 0.0405 = 14.5; the amounts from the unmixing matrix; a* from the CIE formulas.
GOLDEN = {
    "redness": 13.242,
    "redness_index": 14.51,
    "relative_redness": 14.51,
    "haemoglobin_index": 0.803,
    "melanin_index": 0.9096,
    "tone_uniformity": 0.7256,
    "texture_uniformity": 0.6139,
    "log_redness_index": 0.5878,
}


def make_face(linear_rgb: np.ndarray, *, photo_px_per_mm: float = 6.0, mm_per_px: float = MM_PER_PX) -> Face:
    inside = raster(SIDE).inside
    scale = np.where(inside, np.float32(mm_per_px), np.float32(np.nan))
    return Face(
        ref=PhotoRef(path=None, file="x", client="c", session="s"),  # type: ignore[arg-type]
        view="front",
        linear_rgb=linear_rgb.astype(np.float32),
        skin=bare_face_mask(SIDE).copy(),
        mm_per_px=scale,
        photo_px_per_px=scale * np.float32(photo_px_per_mm),
        visibility=np.where(inside, np.float32(1.0), np.float32(np.nan)),
        registration=None,
        correction=ColorCorrection(rung="none", matrix=np.eye(3, dtype=np.float32)),
    )


def skin_picture(seed: int = 3) -> np.ndarray:
    """Even skin with relief of every scale: a random field of log-lightness, and a slow patch of colour."""
    rng = np.random.default_rng(seed)
    field = sum(
        cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), s) * s for s in (1.0, 3.0, 8.0)
    )
    return np.array([0.45, 0.25, 0.18], np.float32) * np.exp(0.03 * field)[..., None]


def value_of(name: str, linear_rgb: np.ndarray, **kwargs: float) -> float:
    face = make_face(linear_rgb, **kwargs)
    plane = METRICS[name].compute(prepare_input(face))[face.skin]
    return region_statistic(plane[np.isfinite(plane)], METRICS[name].statistic)


def test_every_metric_has_a_golden_value() -> None:
    assert set(GOLDEN) == set(METRICS)


@pytest.mark.parametrize("name", list(METRICS))
def test_golden_value(name: str) -> None:
    assert value_of(name, skin_picture()) == pytest.approx(GOLDEN[name], rel=2e-3)


@pytest.mark.parametrize("name", list(METRICS))
def test_metrics_never_write_to_their_input(name: str) -> None:
    face = make_face(skin_picture())
    data = prepare_input(face)
    planes = (data.lab, data.log_rgb, data.log_luminance, data.linear_rgb, data.skin, data.mm_per_px)
    copies = [p.copy() for p in planes]
    METRICS[name].compute(data)
    for before, after in zip(copies, planes, strict=True):
        np.testing.assert_array_equal(before, after)


def test_blood_raises_redness_by_the_stated_amount() -> None:
    """1 % of blood is (0.07, 0.195, 0.20) in −ln linear sRGB: 0.125 of the log index, 3.1 a*-equivalents."""
    bloody = skin_picture() * np.exp(-np.array([0.07, 0.195, 0.20], np.float32))
    before, after = skin_picture(), bloody
    assert value_of("log_redness_index", after) - value_of("log_redness_index", before) == pytest.approx(
        0.125, abs=1e-3
    )
    assert value_of("redness_index", after) - value_of("redness_index", before) == pytest.approx(3.09, abs=0.02)
    assert value_of("redness", after) - value_of("redness", before) == pytest.approx(3.2, abs=0.4)
    assert value_of("haemoglobin_index", after) > value_of("haemoglobin_index", before) + 0.2


def test_haemoglobin_and_melanin_do_not_see_each_other() -> None:
    skin = skin_picture()
    more_melanin = skin * np.exp(-0.2 * MELANIN).astype(np.float32)
    more_blood = skin * np.exp(-0.2 * HAEMOGLOBIN).astype(np.float32)
    for name, own, other in (
        ("haemoglobin_index", more_blood, more_melanin),
        ("melanin_index", more_melanin, more_blood),
    ):
        assert value_of(name, own) - value_of(name, skin) == pytest.approx(0.2, abs=2e-3)
        assert value_of(name, other) - value_of(name, skin) == pytest.approx(0.0, abs=2e-3)
    np.testing.assert_allclose(unmixing_matrix() @ HAEMOGLOBIN, [1, 0, 0], atol=1e-12)


@given(exposure=st.floats(0.3, 1.9))
@settings(max_examples=10, deadline=None)
def test_log_metrics_do_not_see_exposure(exposure: float) -> None:
    skin = skin_picture()
    for name in ("redness_index", "haemoglobin_index", "melanin_index", "tone_uniformity", "texture_uniformity"):
        assert value_of(name, skin * np.float32(exposure)) == pytest.approx(value_of(name, skin), abs=2e-3, rel=2e-3)


def test_redness_on_the_a_star_scale_does_see_exposure() -> None:
    """Half the light takes about three a* away: that is why exposure is part of the colour correction."""
    change = value_of("redness", skin_picture() * np.float32(0.5)) - value_of("redness", skin_picture())
    assert -5.0 < change < -2.0


def test_shading_leaves_redness_index_and_texture_alone() -> None:
    skin = skin_picture()
    slope = np.linspace(0.75, 1.3, SIDE, dtype=np.float32)[None, :, None]
    for name, limit in (("redness_index", 0.01), ("haemoglobin_index", 0.01), ("texture_uniformity", 0.03)):
        assert value_of(name, skin * slope) == pytest.approx(value_of(name, skin), rel=limit)


def wave(wavelength_mm: float, amplitude: float, *, mm_per_px: float = MM_PER_PX) -> np.ndarray:
    x = np.arange(SIDE) * mm_per_px
    return (
        np.array([0.45, 0.25, 0.18])
        * np.exp(amplitude * np.sin(2 * np.pi * x / wavelength_mm))[None, :, None]
        * np.ones((SIDE, 1, 1))
    )


@pytest.mark.parametrize(
    ("name", "inside_mm", "outside_mm"), [("texture_uniformity", 2.0, 16.0), ("tone_uniformity", 8.0, 1.5)]
)
def test_bands_hear_their_own_wavelengths(name: str, inside_mm: float, outside_mm: float) -> None:
    assert value_of(name, wave(inside_mm, 0.05)) > 6 * value_of(name, wave(outside_mm, 0.05))


@pytest.mark.parametrize("name", ["texture_uniformity", "tone_uniformity"])
def test_contrast_is_linear_in_the_amplitude(name: str) -> None:
    assert value_of(name, wave(3.0, 0.06)) == pytest.approx(2 * value_of(name, wave(3.0, 0.03)), rel=0.01)


def test_bands_are_in_millimetres_not_px() -> None:
    """The same skin at another scale of the frame gives the same number."""
    coarse = value_of("texture_uniformity", wave(3.0, 0.05, mm_per_px=0.36), mm_per_px=0.36)
    assert coarse == pytest.approx(value_of("texture_uniformity", wave(3.0, 0.05)), rel=0.05)


def test_a_photo_that_does_not_resolve_the_band_gives_no_number() -> None:
    assert np.isfinite(value_of("texture_uniformity", skin_picture(), photo_px_per_mm=2.6))
    assert np.isnan(value_of("texture_uniformity", skin_picture(), photo_px_per_mm=2.4))
    assert np.isfinite(value_of("tone_uniformity", skin_picture(), photo_px_per_mm=2.4))


def test_blur_counts_only_skin() -> None:
    face = make_face(skin_picture())
    plane = np.full((SIDE, SIDE), 5.0, np.float32)
    plane[~face.skin] = 1e6
    blurred = blur_mm(plane, face.skin, face.mm_per_px, sigma_mm=3.0)
    np.testing.assert_allclose(blurred[face.skin], 5.0, rtol=1e-4)


def test_band_of_a_constant_is_zero_up_to_the_edge_of_the_skin() -> None:
    data: MetricInput = prepare_input(make_face(np.full((SIDE, SIDE, 3), 0.3, np.float32)))
    band = band_mm(data, data.log_luminance, low_mm=1.0, high_mm=4.0)
    assert np.nanmax(np.abs(band)) < 1e-4
    assert np.isnan(band[~data.skin]).all()


@pytest.mark.parametrize("name", [m.name for m in METRICS.values() if m.local])
def test_local_metrics_need_no_neighbours(name: str) -> None:
    data = prepare_input(make_face(skin_picture()))
    whole, grid = METRICS[name].compute(data), METRICS[name].compute(data.every(3))
    np.testing.assert_allclose(whole[::3, ::3], grid, atol=1e-4)


def test_catalogue_is_complete() -> None:
    for metric in METRICS.values():
        assert metric.meaning and metric.formula and metric.caveat and metric.source and metric.value_range
        doc = metric.compute.__doc__ or ""
        assert "Parameters" in doc and "Returns" in doc and "Notes" in doc
