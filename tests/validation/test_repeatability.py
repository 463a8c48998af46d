"""How far comparisons differ when nothing changed: retakes, fits and the rows of the table."""

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from skinprogress.photos.scan import Found
from skinprogress.settings import Repeatability, Settings
from skinprogress.validation.repeatability import fit_row, share_rows
from skinprogress.validation.repeatability_fit import (
    COVARIATES,
    Differences,
    collect_differences,
    fit_metric,
    fit_scale,
    needed_power,
    scaled,
    variances,
)
from skinprogress.validation.retakes import MARK_RADII_MM, compare_retakes, is_mark, pair_photos, simulate_retakes

ROW = Repeatability(session=0.2, per_expression=1.0, per_misfit=0.5)


def draw(row, *, n_pairs=60, tier="", seed=0, known=0.01, n_regions=12, alike=False, area_mm2=math.nan, power=0.0):
    """Differences that follow a row of the table exactly."""
    rng = np.random.default_rng(seed)
    n = n_pairs * n_regions
    pair = np.repeat(np.arange(n_pairs), n_regions)
    squares = np.ones((n, 7))
    squares[:, 1:] = rng.uniform(0.0, 0.0 if alike else 1.0, (n_pairs, 6))[pair] ** 2
    factor = (300.0 / area_mm2) ** (2 * power) if np.isfinite(area_mm2) else 1.0
    sd = np.sqrt(squares @ variances(row) * factor + known)
    return Differences(
        sd * rng.standard_normal(n), squares, np.full(n, known), pair, np.full(n, 1.0 / n_regions),
        np.full(n, tier), np.full(n, area_mm2),
    )  # fmt: skip


def join(*parts):
    first = parts[0]
    pairs = np.cumsum([0, *(p.pair.max() + 1 for p in parts[:-1])])
    columns = {name: np.concatenate([getattr(p, name) for p in parts]) for name in first.__slots__}
    columns["pair"] = np.concatenate([p.pair + start for p, start in zip(parts, pairs, strict=True)])
    return Differences(**columns)


def found(*files):
    return [Found(path=Path(f), file=f, folders=tuple(f.split("/")[:-1])) for f in files]


def pairs_of(*files):
    return {(p.before.stem, p.after.stem): p for p in pair_photos(found(*files))}


def test_photos_are_paired_by_folder_by_name_and_with_their_base():
    assert set(pairs_of("anna_1.jpg", "anna_2.jpg", "bea_1.jpg", "bea_2.jpg", "lonely_1.jpg")) == {
        ("anna_1", "anna_2"), ("bea_1", "bea_2"),
    }  # fmt: skip
    assert set(pairs_of("a/IMG_1.jpg", "a/IMG_2.jpg", "b/IMG_1.jpg", "b/x.jpg")) == {("IMG_1", "IMG_2"), ("IMG_1", "x")}
    assert set(pairs_of("base.jpg", "easy_1.jpg", "hard_1.jpg")) == {("base", "easy_1"), ("base", "hard_1")}


@pytest.mark.parametrize("n", [2, 3, 5, 9])
def test_n_photos_of_one_skin_count_for_one_pair_less(n):
    pairs = pair_photos(found(*(f"a/{k}.jpg" for k in range(n))))
    assert sum(p.weight for p in pairs) == pytest.approx(n - 1)
    assert len(pairs) <= 10
    assert {p for pair in pairs for p in (pair.before, pair.after)} == {Path(f"a/{k}.jpg") for k in range(n)}


def test_a_fit_finds_what_the_differences_were_drawn_from():
    row, fit = fit_metric(draw(ROW, n_pairs=300), "relative_redness")
    assert row["session"] == pytest.approx(0.2, rel=0.4)
    assert row["per_expression"] == pytest.approx(1.0, rel=0.25)
    assert row["per_misfit"] == pytest.approx(0.5, rel=0.5)
    assert row["per_light"] < 0.3
    assert 0.94 <= fit["coverage"] <= 0.98 and fit["pairs_without_false_change"] >= 0.95
    assert fit["n_pairs"] == pytest.approx(300)


def test_what_is_known_already_is_not_put_on_the_sessions_too():
    lots = draw(Repeatability(session=0.1), n_pairs=200, known=1.0, alike=True)
    with_known, _ = fit_metric(lots, "relative_redness")
    without, _ = fit_metric(replace(lots, known=np.zeros_like(lots.known)), "relative_redness")
    assert with_known["session"] < 0.5 * without["session"]


def test_simulated_retakes_bear_on_the_fit_but_true_ones_are_covered_first():
    true = draw(ROW, n_pairs=30)
    flattering = draw(Repeatability(session=0.02), n_pairs=600, tier="T0", known=0.0, alike=True, seed=1)
    alone, _ = fit_metric(true, "relative_redness")
    together, fit = fit_metric(join(true, flattering), "relative_redness")
    assert together["session"] < alone["session"]
    assert fit["coverage"] >= 0.95 and fit["pairs_without_false_change"] >= 0.95
    assert fit["n_pairs"] == pytest.approx(30)
    share = join(true, flattering).share
    assert share[-600 * 12 :].sum() == pytest.approx(0.5 / 1.5)


def test_long_tails_are_covered():
    tailed = draw(ROW, n_pairs=60)
    tailed.difference[::97] *= 5.0
    _, fit = fit_metric(tailed, "relative_redness")
    assert fit["coverage"] >= 0.95 and fit["pairs_without_false_change"] >= 0.95


def test_photos_that_differ_in_nothing_leave_the_figures_that_are_believed():
    shipped = replace(ROW, per_light=3.0)
    row, _ = fit_metric(draw(ROW, n_pairs=40, alike=True), "relative_redness", prior=shipped)
    for name in COVARIATES:
        assert row[name] == pytest.approx(getattr(shipped, name), rel=0.35, abs=1e-3)
    blurred, _ = fit_metric(draw(ROW, n_pairs=40, alike=True), "relative_redness", at_least={"per_blur": 0.7})
    assert blurred["per_blur"] >= 0.7 - 1e-9


def test_few_pairs_move_the_programs_figures_little_and_many_all_the_way():
    # Squared scores of true retakes are 0.6 on the average: these are drawn four times as far apart.
    wide = scaled(ROW, 4.0 * 0.6)
    few, many = (fit_scale(draw(wide, n_pairs=n, known=0.0, seed=3), ROW) for n in (6, 400))
    assert 1.3 < few < 3.0
    assert many == pytest.approx(4.0, rel=0.15)
    usual = fit_scale(draw(scaled(ROW, 0.6), n_pairs=8, known=0.0, seed=4), ROW)
    assert usual == pytest.approx(1.0, abs=0.25)
    assert scaled(ROW, 4.0) == replace(ROW, session=0.4, per_expression=2.0, per_misfit=1.0)


def test_the_power_that_marks_need_is_found():
    sizes = variances(ROW)
    assert needed_power(draw(ROW, area_mm2=75.0, n_pairs=400), sizes) <= 0.05
    assert needed_power(draw(ROW, area_mm2=75.0, n_pairs=400, power=0.5), sizes) == pytest.approx(0.5, abs=0.1)
    assert math.isnan(needed_power(draw(ROW, n_pairs=2), sizes))


def test_where_light_taken_out_helps_nothing_both_tables_share_the_larger_figures():
    raw = {"a": ROW, "b": replace(ROW, per_light=2.0)}
    compensated = {"a": replace(ROW, session=0.1, per_light=1.0), "b": ROW}
    share_rows(raw, compensated)
    assert raw["a"] == replace(ROW, per_light=1.0) and set(compensated) == {"b"}


@pytest.fixture(scope="module")
def retakes(portrait, tmp_path_factory):
    folder = tmp_path_factory.mktemp("retakes")
    path = folder / "anna_1.png"
    small = cv2.resize(portrait, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), np.ascontiguousarray(small[..., ::-1]))
    pairs = simulate_retakes([path], folder)
    assert [p.tier for p in pairs] == ["T0", "T1"]
    seen = []
    found = compare_retakes(pairs[:1], settings=Settings(), with_marks=True, progress=lambda *a: seen.append(a))
    assert seen == [("comparing", 0, 1)]
    return found


def test_simulated_retakes_are_compared_with_nothing_added(retakes):
    (retake,) = retakes
    regions = collect_differences(retakes, "redness_index", method="compensated", size=lambda _: 1.0)
    marks = collect_differences(retakes, "redness_index", method="compensated", size=lambda _: 1.0, marks=True)
    assert len(regions.difference) >= 8 and len(marks.difference) >= 8
    assert regions.n_pairs == pytest.approx(1.0) and marks.n_pairs == pytest.approx(1.0)
    assert np.isnan(regions.area_mm2).all()
    assert set(np.round(np.sqrt(marks.area_mm2 / np.pi), 3)) <= set(MARK_RADII_MM)
    assert (regions.known > 0.0).all() and set(regions.tier) == {"T0"}
    # Without the calibration a spread has the error of the skin's patches alone, and a pair of other light no more.
    tone = [c for c in retake.changes if c.metric == "tone_uniformity" and not is_mark(c.region)]
    assert all(c.standard_error < 0.2 * c.baseline for c in tone if np.isfinite(c.standard_error))


def test_a_row_needs_enough_differences(retakes):
    row, told = fit_row(retakes, [], "brown_spots_contrast", method="raw", raw=None)
    assert row is None and "too few" in told


def test_a_camera_that_the_files_do_not_name_is_one_camera_all_the_same(retakes):
    (retake,) = retakes
    assert retake.is_unnamed
    as_said, as_is = (
        collect_differences([replace(retake, is_unnamed=flag)], "tone_uniformity", method="raw", size=abs)
        for flag in (False, True)
    )
    # In shares of the value: what another tone curve may add, without a card.
    assert as_said.known - as_is.known == pytest.approx(0.12**2)
