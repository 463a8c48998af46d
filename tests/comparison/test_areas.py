"""What a metric is in an area, with what error, and how far light, colour and noise move it."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skinprogress.comparison.areas import (
    applies_to,
    cut_area,
    estimate_area,
    light_error,
    neck_is_treated,
    reference_regions,
    sensitivity,
    untreated_regions,
    within_error,
)
from skinprogress.comparison.measuring import cut_areas, measure_face
from skinprogress.comparison.uncertainty import block_error, region_statistic
from skinprogress.face.regions import NECK, REGIONS, WHOLE_FACE
from skinprogress.metrics.maps import compute_maps, sample_grid
from skinprogress.metrics.noise import NoiseDensity, reference_brightness
from skinprogress.metrics.table import METRICS
from skinprogress.records import Course, Flag, Treatment
from skinprogress.settings import Settings

SETTINGS = Settings()
RAMPS = [m for m in METRICS.values() if m.ramp is not None]
NOISY = [m for m in METRICS.values() if m.power_gain is not None]


def ids(metric):
    return metric.name


def treated(*areas: tuple[str, ...]) -> Course:
    return Course(treatments=tuple(Treatment(at=datetime(2026, 3, 14), areas=a) for a in areas))


@pytest.fixture(scope="module")
def face(make_face):
    return make_face()


@pytest.fixture(scope="module")
def area_of(make_plan):
    def cut(face, region, *, course=None):
        return cut_area(region, face.skin, face, plan=make_plan(course=course), settings=SETTINGS)

    return cut


def test_an_area_holds_the_skin_of_its_region_and_its_reference_none_of_it(face, area_of, region):
    area = area_of(face, "cheek_left")
    inside = sample_grid(region("cheek_left"))
    assert set(area.blocks.where) == set(np.flatnonzero(inside & face.skin))
    assert area.n_px == area.blocks.where.size
    assert not set(area.rest.where) & set(np.flatnonzero(inside))
    assert face.skin.ravel()[area.rest.where].all()
    assert area.flags == Flag.NONE


@pytest.mark.parametrize(
    ("course", "reference", "untreated"),
    [
        (Course(), (), ()),
        (treated(()), (), ()),  # nobody says where
        (treated((WHOLE_FACE,)), (), ()),
        (treated(("forehead",), ()), (), ()),
        (treated(("cheek_left", "cheek_right"), ("chin",)), None, None),
        (replace(treated(("cheek_left",)), reference_region="forehead"), ("forehead",), None),
        (replace(Course(), reference_region=WHOLE_FACE), (), ()),
        (replace(Course(), reference_region="neck"), (), ()),
    ],
)
def test_untreated_skin_is_what_relative_metrics_refer_to(make_plan, course, reference, untreated):
    plan = make_plan(course=course)
    areas = {a for t in course.treatments for a in t.areas}
    everything_else = tuple(r for r in REGIONS if r not in areas and r != WHOLE_FACE)
    assert untreated_regions(plan) == (everything_else if untreated is None else untreated)
    assert reference_regions(plan) == (everything_else if reference is None else reference)


def test_the_reference_lies_in_the_regions_that_were_chosen(face, area_of, region):
    course = replace(Course(), reference_region="forehead")
    area = area_of(face, "cheek_left", course=course)
    assert set(area.rest.where) <= set(np.flatnonzero(sample_grid(region("forehead"))))
    assert area_of(face, "forehead", course=course).rest is None
    metric = METRICS["relative_redness"]
    assert np.isnan(estimate_area(face, metric, area_of(face, "forehead", course=course)).value)
    own, forehead = (region_statistic(face.maps[metric.name].ravel()[b.where], "trimmed_mean") for b in
                     (area.blocks, area.rest))  # fmt: skip
    assert estimate_area(face, metric, area).value == pytest.approx(own - forehead, abs=1e-5)


def test_neck_treated(make_plan):
    assert neck_is_treated(make_plan(course=treated(("face",), ("neck",))))
    assert not neck_is_treated(make_plan(course=treated(("face",))))


def test_where_metrics_are_measured():
    for metric in METRICS.values():
        assert applies_to(metric, NECK) == (metric.local and not metric.relative)
        assert applies_to(metric, WHOLE_FACE) == (metric.reference != "rest" and not metric.regions)
        assert applies_to(metric, "forehead")
        assert applies_to(metric, "cheek_left") == (not metric.regions)
        assert applies_to(metric, "scar on chin") == (not metric.regions)


def test_too_little_skin_is_no_area_but_may_be_a_mark(face, make_plan, region):
    skin = np.zeros_like(face.skin)
    rows, cols = np.argwhere(sample_grid(region("chin")))[0] + (20, 0)
    skin[rows : rows + 12, cols : cols + 12] = True  # about 20 mm²
    skin &= face.skin
    with_mark = replace(face, marks={"scar": skin})
    assert cut_area("chin", skin, face, plan=make_plan(), settings=SETTINGS) is None
    mark = cut_area("scar", face.skin, with_mark, plan=make_plan(), settings=SETTINGS)
    assert mark.n_px == skin.sum()
    assert cut_area("scar", face.skin, with_mark, plan=make_plan(), settings=replace(SETTINGS, min_mark_mm2=90)) is None


@pytest.mark.parametrize("metric", METRICS.values(), ids=ids)
def test_an_estimate_is_the_statistic_of_the_map(face, area_of, metric):
    name = "forehead"
    area = area_of(face, name)
    values = face.maps[metric.name].ravel()[area.blocks.where]
    expected = region_statistic(values[np.isfinite(values)], metric.statistic)
    if metric.reference == "rest":
        expected -= region_statistic(face.maps[metric.name].ravel()[area.rest.where], metric.statistic)
    found = estimate_area(face, metric, area)
    if metric.reference == "neck":
        assert np.isnan(found.value)
        return
    assert found.value == pytest.approx(expected, rel=1e-5)
    n_rest = area.rest.n_blocks if metric.relative else 0
    assert found.influence.shape == (area.blocks.n_blocks + n_rest,)
    assert within_error([found]) == pytest.approx(block_error(found.influence))
    # The same photo twice: what differs from place to place is the same in both.
    assert within_error([found], [found]) == 0.0


def test_shots_of_one_session_average_their_influence(make_face, area_of):
    faces = [make_face(s, noise=0.0025) for s in ("one", "two", "three")]
    area, metric = area_of(faces[0], "nose"), METRICS["redness_index"]
    found = [estimate_area(f, metric, area_of(f, "nose")) for f in faces]
    assert area.n_px > 100
    mean = np.mean([e.influence for e in found[1:]], axis=0)
    assert within_error(found[1:]) == pytest.approx(block_error(mean))
    assert within_error(found[:1], found[1:]) == pytest.approx(block_error(mean - found[0].influence))


def test_what_is_not_resolved_is_no_number(face, area_of):
    metric = METRICS["fine_texture"]
    area = area_of(face, "nose")
    for hidden, seen in ((0.25, True), (0.35, False)):
        plane = face.maps[metric.name].copy()
        plane.ravel()[area.blocks.where[: int(hidden * area.n_px)]] = np.nan
        some = replace(face, maps={**face.maps, metric.name: plane})
        assert np.isfinite(estimate_area(some, metric, area_of(some, "nose")).value) == seen
    contrast = METRICS["red_spots_contrast"]
    shown = face.maps[contrast.name].ravel()[area_of(face, "forehead").blocks.where]
    assert np.isfinite(shown).mean() < 0.3  # measured on what was found only
    assert np.isfinite(estimate_area(face, contrast, area_of(face, "forehead")).value)


@pytest.mark.parametrize("metric", RAMPS, ids=ids)
@given(above=st.floats(-1.5, 1.5), name=st.sampled_from(["cheek_left", "forehead", WHOLE_FACE]))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sensitivity_is_what_a_small_shift_of_colour_does(face, area_of, metric, above, name):
    """The gradient of the colour times the sensitivity is the change of the value itself."""
    area, step = area_of(face, name), 0.02
    layers = face.layers.with_red_level(16.0 + above)
    at = []
    for shift in (-step, 0.0, step):
        # Red up, green down, by so many a*-equivalents.
        gains = np.exp(0.5 * 0.0405 * shift * np.array([1.0, -1.0, 0.0])).astype(np.float32)
        grid = replace(layers.grid, linear_rgb=layers.grid.linear_rgb * gains)
        maps = compute_maps(replace(layers, grid=grid), [metric])
        at.append(replace(face, maps={**face.maps, **maps}))
    low, middle, high = (estimate_area(f, metric, area_of(f, name)).value for f in at)
    gradient = np.dot(metric.gradient_at(middle), [0.5 * 0.0405, -0.5 * 0.0405, 0.0])
    assert gradient == pytest.approx(1.0)
    moved = sensitivity(at[1], metric, area) * gradient
    assert moved == pytest.approx((high - low) / (2.0 * step), rel=0.06, abs=0.002 * metric.equivalence)


def test_all_other_metrics_move_as_their_px_do(face, area_of):
    area = area_of(face, "nose")
    assert {sensitivity(face, m, area) for m in METRICS.values() if m.ramp is None} == {1.0}


def with_noise_known(face, density):
    """The face, as it is after matching: its noise told to those who measure it."""
    log_luminance = face.data.log_luminance[face.skin]
    brightness = reference_brightness(log_luminance, np.ones_like(log_luminance))
    return replace(face, matched_noise=((NoiseDensity(density=density, softness=0.0, log_luminance=brightness), 1.0),))


@pytest.mark.parametrize("metric", NOISY, ids=ids)
@pytest.mark.parametrize("plain", [True, False])
def test_noise_of_known_density_is_taken_out(make_face, area_of, metric, plain):
    # One percent on each px. A band as fine as pores, filtered in a coarse frame, passes more than is reckoned with.
    density, mm = (2e-5, 0.12) if metric.name == "pores" else (1e-4, 0.19)
    clean, noisy = (with_noise_known(make_face(plain=plain, mm_per_px=mm, noise=n), n) for n in (0.0, density))
    unaware = with_noise_known(noisy, 0.0)
    true, raw, left = (estimate_area(f, metric, area_of(f, WHOLE_FACE)) for f in (clean, unaware, noisy))
    assert raw.value > 1.005 * true.value
    assert left.value == pytest.approx(true.value, rel=0.03)
    assert abs(left.value - true.value) < 0.2 * abs(raw.value - true.value)
    # What is left is less certain for it.
    if metric.statistic == "spread":
        assert within_error([left]) == pytest.approx(within_error([raw]) * raw.value / left.value, rel=1e-6)


@pytest.mark.parametrize("metric", NOISY, ids=ids)
def test_where_hardly_anything_but_noise_is_seen_there_is_no_number(face, area_of, metric):
    clean = estimate_area(with_noise_known(face, 0.0), metric, area_of(face, "nose")).value
    gain = NoiseDensity(density=1.0, softness=0.0).variance_through(metric.power_gain, px_per_mm=1.0 / 0.19)
    whole = clean**2 if metric.statistic == "spread" else clean
    values = np.array([
        estimate_area(with_noise_known(face, share * whole / gain), metric, area_of(face, "nose")).value
        for share in np.linspace(0.0, 1.0, 21)
    ])  # fmt: skip
    seen = np.isfinite(values)
    # More noise is told of than is there: of heavy tails less is left than of a normal distribution, and from half of
    # it on nothing is said.
    assert not np.any(np.diff(seen.astype(int)) > 0)
    assert (np.diff(values[seen]) < 0.0).all()
    assert 3 <= seen.sum() <= 14


def test_noise_is_left_alone_before_photos_are_matched(make_face, area_of):
    noisy = make_face(plain=True, noise=4e-4)
    metric = METRICS["texture_uniformity"]
    area = area_of(noisy, "nose")
    values = noisy.maps[metric.name].ravel()[area.blocks.where]
    assert noisy.matched_noise is None
    assert estimate_area(noisy, metric, area).value == pytest.approx(region_statistic(values, "spread"), rel=1e-6)


def test_a_photo_without_colour_or_skin_says_why(make_face, make_plan, make_neck):
    face = make_face(flags=Flag.NO_COLOR)
    rows = {(m.region, m.metric): m for m in measure_face(face, plan=make_plan(), settings=SETTINGS)}
    assert np.isnan(rows["nose", "redness"].value) and Flag.NO_COLOR in rows["nose", "redness"].flags
    assert np.isfinite(rows["nose", "texture_uniformity"].value)
    with_neck = measure_face(replace(face, flags=Flag.NONE, neck=make_neck()), plan=make_plan(), settings=SETTINGS)
    of_neck = {m.metric for m in with_neck if m.region == NECK}
    assert of_neck == {m.name for m in METRICS.values() if applies_to(m, NECK)}
    assert all(np.isfinite(m.value) for m in with_neck if m.region == NECK)


def test_light_that_was_left_alone_leaves_no_error(face, area_of):
    for metric in METRICS.values():
        assert light_error(face, metric, area_of(face, "nose")) == 0.0


def test_every_place_is_cut_with_and_without_blood(make_face, make_plan, make_neck, region):
    drop = np.zeros((1024, 1024), bool)
    rows, cols = np.argwhere(region("cheek_left")).mean(axis=0).astype(int)
    drop[rows - 20 : rows + 20, cols - 20 : cols + 20] = True
    bloody = make_face(blood=drop, neck=make_neck())
    with_blood = bloody.skin | bloody.blood
    areas = cut_areas(bloody, bloody.skin, with_blood, plan=make_plan(), settings=SETTINGS)
    assert {r for r, _ in areas} == {*REGIONS, NECK}
    for name in REGIONS:
        more = areas[name, True].n_px - areas[name, False].n_px
        assert more == (20 * 20 if name in ("cheek_left", WHOLE_FACE) else 0)
    assert areas[NECK, True] is areas[NECK, False]
    assert areas[NECK, False].blocks is None and areas[NECK, False].n_px == 3600
