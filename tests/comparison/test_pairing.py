"""Two sessions are compared on the skin that all their photos show, and on nothing else."""

from dataclasses import replace
from datetime import datetime
from unittest.mock import patch

import numpy as np
import pytest

from skinprogress.comparison.estimating import estimate_pair
from skinprogress.comparison.faces import MeasuredFace, common_skin
from skinprogress.comparison.pairing import align_maps, keep_for_comparing
from skinprogress.comparison.pairs import compare_pair, finish_pair, pool_shots
from skinprogress.comparison.uncertainty import region_statistic, two_sided_p
from skinprogress.face.regions import NECK, REGIONS, WHOLE_FACE
from skinprogress.metrics.maps import sample_grid
from skinprogress.metrics.pigmentation import HAEMOGLOBIN
from skinprogress.metrics.table import METRICS
from skinprogress.records import Change, Course, Flag, Treatment
from skinprogress.settings import Repeatability, Settings

SETTINGS = Settings()
pytestmark = pytest.mark.usefixtures("calibrated")
# One a*-equivalent of redness, optical density of haemoglobin.
UNIT = 0.0405 / 0.46


@pytest.fixture(scope="module")
def half_forehead(region):
    """The half of the forehead on the right of the picture; no px of the grid is cut in two."""
    hidden = region("forehead").copy()
    hidden[:, :512] = False
    grown = np.zeros_like(hidden)
    grown[::2, ::2] = hidden[::2, ::2]
    for dy, dx in ((1, 0), (0, 1), (1, 1)):
        grown[dy::2, dx::2] = hidden[::2, ::2]
    return grown


@pytest.fixture(scope="module")
def change(region):
    """A redder forehead and cheek, with more relief."""
    rng = np.random.default_rng(9)
    rough = 0.05 * rng.normal(size=(1024, 1024, 1))
    where = (region("forehead") | region("cheek_left"))[..., None]
    return where * (4.0 * UNIT * HAEMOGLOBIN + rough)


@pytest.fixture
def px_metrics():
    """Without what looks at neighbours, which takes its time."""
    # Not monkeypatch.delitem: what that puts back comes last in the table.
    with patch.dict(METRICS, {name: m for name, m in METRICS.items() if m.local}, clear=True):
        yield


def rows_of(before, after, plan, **options):
    changes, comparison = compare_pair(before, after, against="baseline", plan=plan, settings=SETTINGS, **options)
    return {(c.region, c.metric): c for c in changes}, comparison


@pytest.fixture(scope="module")
def halves(make_face, make_plan, change, half_forehead):
    """Changes with half of the forehead hidden in both photos, in the follow-up, and in the baseline."""
    open_, hidden = ({s: make_face(s, change=c, hidden=h) for s, c in (("one", 0.0), ("two", change))}
                     for h in (None, half_forehead))  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        from skinprogress.comparison import calibration

        for name in METRICS:
            patch.setitem(calibration.REPEATABILITY, name, Repeatability(session=0.2))
        pairs = [(hidden["one"], hidden["two"]), (open_["one"], hidden["two"]), (hidden["one"], open_["two"])]
        return [rows_of([a], [b], make_plan()) for a, b in pairs]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("which", [1, 2], ids=["in the follow-up", "in the baseline"])
def test_what_is_hidden_in_one_photo_is_left_out_of_both(halves, metric, which):
    (expected, _), (found, _) = halves[0], halves[which]
    for region in REGIONS:
        if (region, metric) not in expected:
            continue
        true, row = expected[region, metric], found[region, metric]
        assert row.n_common_px == true.n_common_px
        for name in ("baseline", "followup", "difference", "ci_low", "ci_high"):
            # The frame is kept in half precision.
            assert getattr(row, name) == pytest.approx(getattr(true, name), rel=1e-5, abs=1e-6, nan_ok=True)
    measured = [c for (r, m), c in expected.items() if m == metric and np.isfinite(c.difference)]
    assert measured or METRICS[metric].reference == "neck" or METRICS[metric].on_blood


def test_all_that_is_left_of_the_forehead_counts(halves, half_forehead, region):
    whole = np.count_nonzero(sample_grid(region("forehead")))
    left = halves[0][0]["forehead", "redness_index"].n_common_px
    assert 0.3 * whole < left < 0.6 * whole
    assert halves[1][1].n_common_px == halves[0][1].n_common_px
    assert halves[1][0]["forehead", "redness_index"].difference == pytest.approx(4.0, abs=0.2)


def test_a_face_kept_for_comparing_is_compared_as_the_whole_one(make_face, change):
    few = {name: METRICS[name] for name in ("redness_index", "blood", "tone_uniformity", "texture_uniformity")}
    with patch.dict(METRICS, few, clear=True):
        faces = [make_face("one"), make_face("two", change=change)]
        kept = [keep_for_comparing(face) for face in faces]
        skin = common_skin(faces)
        alike, alike_kept = align_maps(faces, skin).faces, align_maps(kept, skin).faces
    assert [set(few) - set(face.maps) for face in kept] == [{"tone_uniformity"}] * 2
    for whole, small in zip(alike, alike_kept, strict=True):
        for name in few:
            np.testing.assert_array_equal(whole.maps[name], small.maps[name])


def test_without_it_the_hidden_part_would_have_told(make_face, make_plan, change, half_forehead):
    """The test above can fail: bands, spots and lines of the photos as they were measured do differ."""
    one, two = make_face("one"), make_face("two", change=change, hidden=half_forehead)
    skin = common_skin([one, two])
    alike = align_maps([one, two], skin).faces
    moved = [
        m.name
        for m in METRICS.values()
        if not np.array_equal(one.maps[m.name][skin], alike[0].maps[m.name][skin], equal_nan=True)
    ]
    assert {"texture_uniformity", "tone_uniformity", "redness_uniformity"} <= set(moved)
    assert not {m.name for m in METRICS.values() if m.local} & set(moved)


def test_where_both_show_all_of_it_nothing_moves(make_face, region):
    face = make_face()
    (again,) = align_maps([face], face.skin).faces
    for name, metric in METRICS.items():
        # But for the half precision that the frame is kept in, and for px of the grid that are skin by half.
        for inside in (face.skin, face.skin & sample_grid(region("forehead"))):
            before, after = (m.maps[name][inside] for m in (face, again))
            values = [region_statistic(plane[np.isfinite(plane)], metric.statistic) for plane in (before, after)]
            assert values[1] == pytest.approx(values[0], rel=5e-3, abs=0.02 * metric.equivalence, nan_ok=True), name
        assert not metric.local or again.maps[name] is face.maps[name]


def test_a_hidden_part_that_cuts_px_of_the_grid_changes_next_to_nothing(make_face, make_plan, change, region):
    hidden = region("forehead").copy()
    hidden[:, :513] = False
    hidden[:150] = False
    faces = {s: [make_face(s, change=c, hidden=h) for h in (None, hidden)] for s, c in (("one", 0.0), ("two", change))}
    expected, _ = rows_of([faces["one"][1]], [faces["two"][1]], make_plan())
    found, _ = rows_of([faces["one"][0]], [faces["two"][1]], make_plan())
    for (name, metric), row in found.items():
        true = expected[name, metric]
        allowed = max(0.05 * METRICS[metric].equivalence, 0.01 * abs(true.difference))
        assert row.difference == pytest.approx(true.difference, abs=allowed, nan_ok=True), (name, metric)


@pytest.fixture(scope="module")
def drop(region):
    rows, cols = np.argwhere(region("cheek_left")).mean(axis=0).astype(int) // 2 * 2
    mask = np.zeros((1024, 1024), bool)
    mask[rows - 40 : rows + 40, cols - 40 : cols + 40] = True
    return mask


def test_blood_in_one_photo_is_left_out_in_both_and_its_area_told(make_face, make_plan, change, drop):
    stain = change + drop[..., None] * 3.0 * HAEMOGLOBIN
    clean, bloody = make_face("one"), make_face("two", change=stain, blood=drop)
    hidden = [make_face(s, change=c, hidden=drop) for s, c in (("one", 0.0), ("two", change))]
    found, _ = rows_of([clean], [bloody], make_plan())
    expected, _ = rows_of(hidden[:1], hidden[1:], make_plan())
    for (region, name), row in expected.items():
        if METRICS[name].on_blood:
            continue
        assert found[region, name].n_common_px == row.n_common_px
        assert found[region, name].difference == pytest.approx(row.difference, rel=1e-5, abs=1e-6, nan_ok=True)
    blood = found["cheek_left", "blood"]
    assert blood.n_common_px > found["cheek_left", "redness_index"].n_common_px
    assert blood.baseline == 0.0
    # As the metric sees it, which need not be all of what was painted.
    assert blood.followup == pytest.approx(drop.sum() * 0.19**2, rel=0.1)
    assert found["forehead", "blood"].followup == 0.0


def test_a_mark_makes_no_region_less_certain(make_face, make_plan, change, region):
    one, two = make_face("one"), make_face("two", change=change)
    rows, cols = np.argwhere(sample_grid(region("cheek_left"))).mean(axis=0).astype(int)
    scar = np.zeros_like(one.skin)
    scar[rows - 12 : rows + 12, cols - 12 : cols + 12] = True
    marks = {"scar": scar, "beside it": np.roll(scar, 26, axis=0)}
    plain, _ = rows_of([one], [two], make_plan())
    marked, _ = rows_of(*([replace(f, marks=marks)] for f in (one, two)), make_plan())
    assert {key: repr(row) for key, row in marked.items() if key[0] not in marks} == {
        key: repr(row) for key, row in plain.items()
    }
    row, cheek = marked["scar", "redness_index"], marked["cheek_left", "redness_index"]
    assert row.difference == pytest.approx(4.0, abs=0.1)
    assert row.n_common_px == scar.sum()
    # Two questions, not twelve: the quantile is smaller, though so little skin is less certain.
    assert row.standard_error > cheek.standard_error
    assert row.detectable_change / row.standard_error < cheek.detectable_change / cheek.standard_error - 0.5
    # Metrics that have their own regions have no marks.
    assert ("scar", "wrinkle_index") not in marked
    assert {m for r, m in marked if r == "scar"} == {m.name for m in METRICS.values() if not m.regions}
    alone, _ = rows_of(*([replace(f, marks={"scar": scar})] for f in (one, two)), make_plan())
    assert alone["scar", "redness_index"].detectable_change < row.detectable_change


@pytest.mark.parametrize(("face_blood", "neck_blood", "expected"), [(5.0, 0.0, 5.0), (5.0, 5.0, 0.0), (0.0, -3.0, 3.0)])
def test_the_neck_shows_what_the_whole_face_shares(
    px_metrics, make_face, make_plan, make_neck, face_blood, neck_blood, expected
):
    one = make_face("one", neck=make_neck())
    two = make_face("two", change=face_blood * UNIT * HAEMOGLOBIN, neck=make_neck(neck_blood * UNIT))
    found, _ = rows_of([one], [two], make_plan())
    for region in REGIONS:
        row = found[region, "redness_over_neck"]
        assert row.difference == pytest.approx(expected, abs=0.02)
        if (region, "relative_redness") in found:  # blind to it
            assert found[region, "relative_redness"].difference == pytest.approx(0.0, abs=0.02)
    assert found["nose", "redness_over_neck"].verdict == ("unchanged" if expected == 0.0 else "worsened")
    neck = found[NECK, "redness_index"]
    assert neck.difference == pytest.approx(neck_blood, abs=0.02)
    assert neck.n_common_px == one.neck.blocks.where.size
    assert {m for r, m in found if r == NECK} == {m.name for m in METRICS.values() if m.local and not m.relative}


def test_the_neck_has_a_direction_only_where_it_was_not_treated(px_metrics, make_face, make_plan, make_neck):
    one = make_face("one", neck=make_neck())
    two = make_face("two", change=-5.0 * UNIT * HAEMOGLOBIN, neck=make_neck())
    at = datetime(2026, 3, 14)
    for areas, verdict, flagged in (((WHOLE_FACE,), "improved", False), ((WHOLE_FACE, NECK), "changed", True)):
        plan = make_plan(course=Course(treatments=(Treatment(at=at, areas=areas),)))
        settled = replace(plan.phases["two"], days_after=42.0, treatment_number=1, name="settled")
        plan = replace(plan, phases={**plan.phases, "two": settled})
        row = rows_of([one], [two], plan)[0]["nose", "redness_over_neck"]
        assert row.verdict == verdict
        assert (Flag.REFERENCE_MAY_BE_TREATED in row.flags) == flagged


@pytest.mark.parametrize("seen_in", [(), ("one",), ("two",)])
def test_without_a_neck_in_both_photos_there_is_nothing_to_refer_to(
    px_metrics, make_face, make_plan, make_neck, seen_in
):
    faces = [make_face(s, neck=make_neck() if s in seen_in else None) for s in ("one", "two")]
    found, _ = rows_of(faces[:1], faces[1:], make_plan())
    for region in REGIONS:
        row = found[region, "redness_over_neck"]
        assert np.isnan([row.difference, row.ci_low, row.ci_high]).all()
        assert Flag.NECK_NOT_SEEN in row.flags
        assert row.verdict == "not comparable"
        assert Flag.NECK_NOT_SEEN not in found[region, "redness_index"].flags
    neck = found.get((NECK, "redness_index"))
    assert neck is None or (np.isnan(neck.difference) and Flag.NECK_NOT_SEEN in neck.flags)


def test_the_error_of_the_neck_is_in_what_is_referred_to_it(px_metrics, make_face, make_plan, make_neck):
    faces = [make_face(s) for s in ("one", "two")]
    necks = [make_neck(seed=5), make_neck(seed=5), make_neck(seed=6)]
    even, patchy = ([replace(f, neck=n) for f, n in zip(faces, both, strict=True)] for both in (necks[:2], necks[1:]))
    widths = [rows_of(p[:1], p[1:], make_plan())[0]["nose", "redness_over_neck"] for p in (even, patchy)]
    # Each photo has blocks of its own there: nothing cancels, alike or not.
    assert widths[0].detectable_change == pytest.approx(widths[1].detectable_change, rel=0.2)
    assert widths[0].detectable_change > 0.0


def test_a_photo_compared_with_itself_has_not_changed(make_face, make_plan, make_neck):
    one = make_face("one", neck=make_neck())
    two = replace(one, ref=make_face("two").ref)
    found, comparison = rows_of([one], [two], make_plan())
    assert comparison.grade == "A"
    for row in found.values():
        assert row.baseline == row.followup or np.isnan([row.baseline, row.followup]).all()
        assert row.verdict in ("unchanged", "no detectable change", "not comparable")
        if row.verdict == "not comparable":
            assert row.flags & (Flag.NOTHING_FOUND | Flag.BAND_NOT_RESOLVED)


def test_what_cannot_be_found_has_no_number_and_says_so(make_face, make_plan):
    found, _ = rows_of([make_face("one", plain=True)], [make_face("two", plain=True)], make_plan())
    for name in ("red_spots", "brown_spots"):
        assert found["nose", name].baseline == found["nose", name].followup == 0.0
        contrast = found["nose", f"{name}_contrast"]
        assert np.isnan(contrast.difference) and Flag.NOTHING_FOUND in contrast.flags


def test_shots_that_scatter_widen_the_intervals_of_every_session(px_metrics, make_face, make_plan):
    """Repeated shots of one session tell how far single shots of the others can be trusted."""
    plan = make_plan("one", "two", "three")
    one, three = make_face("one"), make_face("three")
    calm, wild = make_face("two"), make_face("two", change=12.0 * UNIT * HAEMOGLOBIN)

    def interval(*shots: MeasuredFace) -> Change:
        pairs = [
            estimate_pair([one], list(shots), against="baseline", plan=plan, settings=SETTINGS),
            estimate_pair([one], [three], against="baseline", plan=plan, settings=SETTINGS),
        ]
        changes = finish_pair(pairs[1], pool_shots(pairs), plan=plan, settings=SETTINGS)
        return next(c for c in changes if (c.region, c.metric) == ("cheek_left", "redness_index"))

    single, steady, unsteady = interval(calm), interval(calm, calm), interval(calm, wild)
    assert steady.standard_error == pytest.approx(single.standard_error)
    # Twelve apart: a variance of 72 of one free shot, beside six that are as the calibration has them.
    known = 0.2**2
    expected = single.standard_error**2 + 2.0 * ((72.0 + 6 * known) / 7.0 - known)
    assert unsteady.standard_error**2 == pytest.approx(expected, rel=0.1)
    assert unsteady.difference == single.difference


def test_a_headline_names_nothing_that_any_of_so_many_changes_may_do_by_chance(
    px_metrics, make_face, make_plan, region
):
    where = region("cheek_left")[..., None]
    changed = make_face("two", change=where * 3.0 * UNIT * HAEMOGLOBIN)
    rows, _ = rows_of([make_face("one")], [changed], make_plan())
    charted = [c for c in rows.values() if np.isfinite(c.p_headline)]
    assert {c.metric for c in charted} <= {m.name for m in METRICS.values() if m.charted}
    assert rows["cheek_left", "relative_redness"].p_headline < 1e-6
    assert rows["chin", "redness_index"].p_headline == 1.0
    alone = two_sided_p(np.array([c.difference / c.standard_error for c in charted]))
    assert all(c.p_headline >= p for c, p in zip(charted, alone, strict=True))


def test_neither_better_nor_worse_is_said_of_skin_that_may_just_have_been_treated(
    px_metrics, make_face, make_plan, region
):
    """Nothing says whether a photo of the day of a treatment was taken before it or an hour after."""
    changed = make_face("two", change=region("cheek_left")[..., None] * 4.0 * UNIT * HAEMOGLOBIN)
    course = Course(treatments=(Treatment(at=datetime(2026, 3, 14, 15)),))
    verdicts = [
        rows_of([make_face("one")], [changed], plan)[0]["cheek_left", "redness_index"].verdict
        for plan in (make_plan(), make_plan(course=course))
    ]
    assert verdicts == ["worsened", "changed"]
