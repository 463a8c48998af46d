"""Faces as they would look under the reference photo's light: which maps change, how well, and with what error."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from skinprogress.comparison.areas import Area, cut_area, estimate_area, light_error
from skinprogress.comparison.compensation import (
    compensate_light,
    describe_pair_light,
    light_variance,
    likeness,
    mean_light,
    redness_removed,
)
from skinprogress.comparison.conditions import estimate_conditions
from skinprogress.comparison.faces import MeasuredFace
from skinprogress.comparison.lightmodel import CELLS, WARMTH
from skinprogress.comparison.pairing import align_maps
from skinprogress.face.canonical import mesh, paint, vertex_normals
from skinprogress.face.regions import REGIONS, WHOLE_FACE, bare_face_mask, region_mask
from skinprogress.face.skin import Coverage
from skinprogress.metrics.inputs import MetricInput
from skinprogress.metrics.maps import compute_maps, make_layers
from skinprogress.metrics.pigmentation import HAEMOGLOBIN
from skinprogress.metrics.table import METRICS
from skinprogress.records import (
    BackgroundSample,
    ClientPlan,
    ColorCorrection,
    Course,
    Flag,
    Inspection,
    Landmarks,
    PhotoRef,
)
from skinprogress.settings import Settings

Plane = npt.NDArray[np.float64]

SIDE = 512
SKIN = bare_face_mask(SIDE)
PARTS = tuple(name for name in REGIONS if name != WHOLE_FACE)
NORMALS = np.nan_to_num(paint(vertex_normals(mesh().vertices_cm), SIDE))
COMPENSABLE = [m for m in METRICS.values() if m.compensable]
RED_LEVEL = 17.0
"""About a tenth of the reference photo's skin is redder."""


def light_from(azimuth: float, *, warmth: float = 0.0) -> Plane:
    """Log of the light of one lamp, and of light from everywhere."""
    a, e = np.radians([azimuth, 20.0])
    toward = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
    return np.asarray(np.log(0.5 + np.maximum(NORMALS @ toward, 0.0)[..., None] * np.exp(warmth * WARMTH)))


FRONT = light_from(0.0)
LEFT_AND_WARM = light_from(50.0, warmth=0.15)


def albedo(blood_on_cheek: float = 0.0) -> Plane:
    rng = np.random.default_rng(0)
    blotches = cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)), (0, 0), 25.0) * 3.0
    spots = cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)), (0, 0), 3.0) * 0.4
    cheek = cv2.GaussianBlur(region_mask("cheek_left", SIDE).astype(float), (0, 0), 3.0)
    blood = blotches + spots + blood_on_cheek * cheek
    return np.log([0.35, 0.19, 0.14]) - blood[..., None] * HAEMOGLOBIN + spots[..., None]


def inspected(file: str) -> Inspection:
    return Inspection(
        ref=PhotoRef(path=Path(file), file=file, client="c", session=file),
        landmarks=Landmarks(
            points_xy=np.zeros((478, 2)), depth=np.zeros(478), pose_deg=(0.0, 0.0, 0.0), blendshapes={}, view="front"
        ),
        height_px=2000, width_px=2000, iris_px=70.0, eyes_open=True, sharpness=2.0, camera_distance_cm=60.0,
        background=BackgroundSample(
            linear_rgb=np.ones((4, 4, 3), np.float16), usable=np.ones((4, 4), bool), px_per_thumb=50.0,
            skin_rgb=np.array([0.5, 0.25, 0.2], np.float32),
        ),
        metadata={}, flags=Flag.NONE,
    )  # fmt: skip


def photograph(
    light: Plane, *, file: str = "b.jpg", blood: float = 0.0, seed: int = 2, skin: npt.NDArray[np.bool_] = SKIN
) -> MeasuredFace:
    """A face with all its maps, as they are kept for comparisons."""
    noise = np.random.default_rng(seed).normal(0.0, 0.01, (SIDE, SIDE, 3))
    scale = np.full((SIDE, SIDE), 0.36, np.float32)
    data = MetricInput(
        linear_rgb=np.exp(albedo(blood) + light + noise).astype(np.float32),
        skin=skin, mm_per_px=scale, photo_px_per_mm=np.full_like(scale, 5.0),
    )  # fmt: skip
    layers = make_layers(data, bare=data, step=1).with_red_level(RED_LEVEL)
    return MeasuredFace(
        ref=PhotoRef(path=Path(file), file=file, client="c", session=file), view="front", inspection=inspected(file),
        maps=compute_maps(layers, METRICS.values()), skin=skin, blood=np.zeros_like(skin), mm_per_px=scale,
        layers=layers, side_px=SIDE, visibility=np.ones_like(scale),
        coverage={name: Coverage(1.0, {}) for name in REGIONS},
        registration=None, mm_per_photo_px=0.2, clipped_share=0.0, flags=Flag.NONE,
        correction=ColorCorrection(rung="background", anchor="a", matrix=np.eye(3, dtype=np.float32)),
    )  # fmt: skip


REFERENCE = photograph(FRONT, file="a.jpg", seed=1)


@pytest.fixture(scope="module")
def elsewhere() -> MeasuredFace:
    """The same skin but for a redder cheek, under another light."""
    return photograph(LEFT_AND_WARM, blood=0.2)


@pytest.fixture(scope="module")
def compensated(elsewhere: MeasuredFace) -> MeasuredFace:
    return compensate_light(elsewhere, REFERENCE)


PLAN = ClientPlan(
    client="c", sessions=("a.jpg", "b.jpg"), view_of={}, reference_of={}, mm_per_px={}, scale_relative_se=0.0,
    corrections={}, canonical_px={}, baseline="a.jpg", phases={}, course=Course(), settings_hash="", flags={},
)  # fmt: skip


def area_of(region: str, face: MeasuredFace = REFERENCE) -> Area:
    area = cut_area(region, face.skin, face, plan=PLAN, settings=Settings())
    assert area is not None
    return area


AREAS = {region: area_of(region) for region in PARTS}


def changes(after: MeasuredFace, metric: str, before: MeasuredFace = REFERENCE) -> Plane:
    areas = [area_of(region) for region in PARTS]
    both = [[estimate_area(face, METRICS[metric], area).value for area in areas] for face in (before, after)]
    return np.subtract(*reversed(both))


def test_what_light_cannot_be_taken_out_of_stays_the_very_same(
    elsewhere: MeasuredFace, compensated: MeasuredFace
) -> None:
    kept = [m.name for m in METRICS.values() if not m.compensable]
    assert kept
    for name in kept:
        assert compensated.maps[name] is elsewhere.maps[name]
    assert set(compensated.maps) == set(METRICS)
    assert compensated.data is elsewhere.data
    assert compensated.skin is elsewhere.skin


@pytest.mark.parametrize("metric", [m for m in COMPENSABLE if m.local], ids=lambda m: m.name)
def test_every_local_metric_is_what_the_face_would_give_under_the_other_light(
    metric, elsewhere: MeasuredFace, compensated: MeasuredFace
) -> None:
    assert compensated.light is not None
    relit = MetricInput(
        linear_rgb=elsewhere.data.linear_rgb * np.exp(-compensated.light.over(SIDE)),
        skin=SKIN, mm_per_px=elsewhere.mm_per_px, photo_px_per_mm=elsewhere.data.photo_px_per_mm,
    )  # fmt: skip
    plane = compensated.maps[metric.name]
    np.testing.assert_array_equal(np.isfinite(plane), SKIN)
    np.testing.assert_array_equal(plane[SKIN], metric.compute(relit)[SKIN])
    assert np.abs(plane - elsewhere.maps[metric.name])[SKIN].mean() > 0.01 * metric.equivalence


@pytest.mark.parametrize("metric", [m for m in COMPENSABLE if not m.local], ids=lambda m: m.name)
def test_what_looks_at_neighbours_is_computed_anew_under_the_other_light(
    metric, elsewhere: MeasuredFace, compensated: MeasuredFace
) -> None:
    assert metric.frame == "grid"
    assert compensated.light is not None
    light = np.exp(-compensated.light.over(SIDE))
    relit = replace(elsewhere.layers.grid, linear_rgb=elsewhere.layers.grid.linear_rgb * light)
    plane = metric.compute(relit) * (0.36**2 if metric.statistic == "total" else 1.0)
    np.testing.assert_allclose(compensated.maps[metric.name], np.where(SKIN, plane, np.nan), rtol=1e-5, atol=1e-6)
    assert compensated.layers is elsewhere.layers
    # Pairs are compared on skin of their own, still under the reference's light.
    again, _ = align_maps([compensated, REFERENCE], SKIN).faces
    np.testing.assert_allclose(again.maps[metric.name], compensated.maps[metric.name], rtol=1e-5, atol=1e-6)
    assert again.light is compensated.light


def test_metrics_of_one_map_still_share_it(compensated: MeasuredFace) -> None:
    # Resampling is done once for each map.
    assert compensated.maps["redness_index"] is compensated.maps["relative_redness"]
    assert compensated.maps["redness_index"] is not compensated.maps["log_redness_index"]


@pytest.mark.parametrize("metric", ["redness", "redness_index", "melanin_index", "relative_redness"])
def test_the_change_is_nearer_to_the_true_one(metric: str, elsewhere: MeasuredFace, compensated: MeasuredFace) -> None:
    truth = changes(photograph(FRONT, blood=0.2), metric)
    # What the whole face shares (brightness, colour) is left to the colour reference.
    raw, relit = (changes(face, metric) - truth for face in (elsewhere, compensated))
    raw, relit = raw - raw.mean(), relit - relit.mean()
    assert np.abs(relit).max() < 0.3 * np.abs(raw).max()
    errors = np.array([light_error(compensated, METRICS[metric], area) for area in AREAS.values()])
    assert (np.abs(relit) < 2.5 * errors).all()


def test_relit_skin_has_the_redness_that_it_has_under_the_reference_light() -> None:
    truth = photograph(FRONT, blood=0.2)
    # So bright a lamp that a* itself, which moves with brightness, is far off.
    lit = light_from(60.0) + 0.2
    lit += (FRONT - lit)[SKIN].mean()
    found = compensate_light(photograph(lit, blood=0.2), REFERENCE)
    raw = photograph(lit, blood=0.2).maps["redness"]
    wrong = np.abs(cv2.blur(np.nan_to_num(found.maps["redness"] - truth.maps["redness"]), (15, 15)))[SKIN]
    raw_wrong = np.abs(cv2.blur(np.nan_to_num(raw - truth.maps["redness"]), (15, 15)))[SKIN]
    assert np.median(wrong) < 0.3
    assert np.median(wrong) < 0.2 * np.median(raw_wrong)


def test_taking_out_no_light_costs_little() -> None:
    face = photograph(FRONT, blood=0.2)
    found = compensate_light(face, REFERENCE)
    assert np.abs(changes(found, "relative_redness") - changes(face, "relative_redness")).max() < 0.15
    assert np.abs(changes(found, "redness") - changes(face, "redness")).max() < 0.3
    tone = METRICS["tone_uniformity"]
    assert np.abs(changes(found, tone.name, face)).max() < 0.1 * tone.equivalence


def test_the_shape_of_the_face_goes_out_of_the_tone() -> None:
    face = photograph(light_from(60.0))
    found = compensate_light(face, REFERENCE)
    # Where the normals turn the most, a lamp from the side adds to what is measured over 4 to 16 mm.
    assert np.abs(changes(found, "tone_uniformity")).max() < np.abs(changes(face, "tone_uniformity")).max()
    assert np.array_equal(np.isfinite(found.maps["tone_uniformity"]), np.isfinite(face.maps["tone_uniformity"]))


def test_faces_are_left_as_they_were(elsewhere: MeasuredFace) -> None:
    faces = (elsewhere, REFERENCE)
    before = [[f.data.linear_rgb.copy(), f.data.log_rgb.copy(), *(m.copy() for m in f.maps.values())] for f in faces]
    maps = [dict(f.maps) for f in faces]
    one, two = compensate_light(*faces), compensate_light(*faces)
    for face, arrays, held in zip(faces, before, maps, strict=True):
        assert face.light is None
        assert all(face.maps[name] is plane for name, plane in held.items())
        for kept, now in zip(arrays, [face.data.linear_rgb, face.data.log_rgb, *face.maps.values()], strict=True):
            np.testing.assert_array_equal(now, kept)
    for name in METRICS:
        assert one.maps[name].tobytes() == two.maps[name].tobytes()


def test_with_too_little_common_skin_the_face_stays_as_it_is() -> None:
    face = photograph(LEFT_AND_WARM, skin=SKIN & region_mask("nose", SIDE))
    assert compensate_light(face, REFERENCE) is face
    assert compensate_light(REFERENCE, face) is REFERENCE


def test_the_other_way_round_it_is_the_negative(elsewhere: MeasuredFace, compensated: MeasuredFace) -> None:
    back = compensate_light(REFERENCE, elsewhere)
    there = changes(compensated, "relative_redness")
    # Up to what trimming leaves out of one map and not of the other.
    np.testing.assert_allclose(changes(back, "relative_redness", elsewhere), -there, atol=0.1)


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda m: m.name)
def test_only_what_was_relit_has_an_error_of_light(metric, compensated: MeasuredFace) -> None:
    for area in AREAS.values():
        assert light_error(REFERENCE, metric, area) == 0.0
        assert light_variance(([REFERENCE], [REFERENCE]), metric, area) == 0.0
        variance = light_variance(([REFERENCE], [compensated]), metric, area)
        if metric.compensable and metric.color_gradient is not None:
            assert variance == pytest.approx(light_error(compensated, metric, area) ** 2)
            assert 0.0 < variance < np.inf
        else:
            assert variance == 0.0


def test_shots_under_one_light_err_alike(compensated: MeasuredFace) -> None:
    metric, area = METRICS["relative_redness"], AREAS["cheek_left"]
    again = compensate_light(photograph(LEFT_AND_WARM, blood=0.2, seed=5), REFERENCE)
    other = compensate_light(photograph(light_from(-50.0, warmth=0.15)), REFERENCE)
    single = light_error(compensated, metric, area) ** 2
    # More shots of a session do not average it out.
    assert light_variance(([REFERENCE], [compensated, again]), metric, area) == pytest.approx(single, rel=0.1)
    # Between two sessions it cancels as far as their lights are alike.
    alike = light_variance(([compensated], [again]), metric, area)
    unlike = light_variance(([compensated], [other]), metric, area)
    assert alike < 0.2 * single
    assert unlike > 1.5 * single
    assert light_variance(([again], [compensated]), metric, area) == pytest.approx(alike)
    assert likeness([compensated], [again]) > 0.9
    assert likeness([compensated], [other]) < 0.2
    assert likeness([REFERENCE], [compensated]) == likeness([REFERENCE], [REFERENCE]) == 0.0


def test_the_light_of_a_session_is_the_mean_of_its_shots(compensated: MeasuredFace) -> None:
    assert compensated.light is not None
    np.testing.assert_array_equal(mean_light([REFERENCE]), np.zeros((CELLS, CELLS, 3), np.float32))
    np.testing.assert_array_equal(mean_light([compensated]), compensated.light.log_ratio)
    np.testing.assert_allclose(mean_light([compensated, REFERENCE]), compensated.light.log_ratio / 2.0, atol=1e-6)


def groups_of(face: MeasuredFace) -> tuple[Sequence[MeasuredFace], Sequence[MeasuredFace]]:
    return [REFERENCE], [face]


def test_what_the_light_alone_would_have_faked(compensated: MeasuredFace) -> None:
    assert np.isnan(redness_removed(*groups_of(REFERENCE)))
    faked = (LEFT_AND_WARM - FRONT) @ np.array(METRICS["redness_index"].color_gradient)
    assert redness_removed(*groups_of(compensated)) == pytest.approx(faked[SKIN].std(), rel=0.25)
    assert redness_removed([compensated], [REFERENCE]) == pytest.approx(redness_removed(*groups_of(compensated)))
    same = compensate_light(photograph(FRONT), REFERENCE)
    assert redness_removed(*groups_of(same)) < 0.15


def test_the_light_of_a_pair_is_handed_on_to_those_who_draw_it(compensated: MeasuredFace) -> None:
    assert describe_pair_light([REFERENCE], [REFERENCE], against="baseline") is None
    there = describe_pair_light([REFERENCE], [compensated], against="previous")
    back = describe_pair_light([compensated], [REFERENCE], against="previous")
    assert there is not None and back is not None
    assert (there.from_session, there.to_session, there.against) == ("a.jpg", "b.jpg", "previous")
    assert there.log_ratio.shape == (CELLS, CELLS, 3) and there.standard_error.shape == (CELLS, CELLS)
    np.testing.assert_array_equal(back.log_ratio, -there.log_ratio)
    np.testing.assert_array_equal(back.standard_error, there.standard_error)
    # Light from the client's left falls on the right of the picture, and is warm there.
    assert there.log_ratio[10:22, 20:26].mean() > 0.1 > -0.1 > there.log_ratio[10:22, 6:12].mean()
    assert (there.log_ratio[10:22, 20:26] @ WARMTH).mean() > (there.log_ratio[10:22, 6:12] @ WARMTH).mean()


def test_conditions_tell_whether_light_was_taken_out(elsewhere: MeasuredFace, compensated: MeasuredFace) -> None:
    raw, relit = estimate_conditions([REFERENCE], [elsewhere]), estimate_conditions([REFERENCE], [compensated])
    assert (raw.compensated, relit.compensated) == (False, True)
    # The lights themselves differ as before: that is told of the photos, not of the numbers.
    assert relit.light_difference == raw.light_difference > 0.2
    assert replace(relit, compensated=False, light_angle_deg=0.0) == replace(raw, light_angle_deg=0.0)
