"""`skinprogress calibrate`: folders as people have them, what is refused, what is written, what is said."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from skinprogress.cli.main import app
from skinprogress.comparison.calibration import change_error
from skinprogress.comparison.calibration_file import format_calibration, read_calibration
from skinprogress.comparison.calibration_table import COMPENSATED, REPEATABILITY
from skinprogress.errors import NothingMeasuredError, OutputError, UsageError
from skinprogress.metrics.table import METRICS
from skinprogress.records import Flag
from skinprogress.settings import Calibration
from skinprogress.validation import calibrate as module
from skinprogress.validation.calibrate import CalibratedMetric, CalibrationRun, calibrate, check_target
from skinprogress.validation.calibrate_table import calibration_remarks, render_calibration_table
from skinprogress.validation.repeatability_fit import Differences
from skinprogress.validation.retakes import Retake, weigh

ALIKE = {"light": 0.02, "light_color": 0.02, "exposure": 0.05, "expression": 0.1, "blur": 0.05, "misfit": 0.2}


@pytest.fixture(scope="module")
def shots(portrait):
    """Four photos of the same skin; a grey level in a corner makes them different files."""
    small = cv2.resize(portrait, None, fx=0.45, fy=0.45, interpolation=cv2.INTER_AREA)
    found = [small.copy() for _ in range(4)]
    for k, rgb in enumerate(found):
        rgb[0, 0] = k
    return found


@pytest.fixture
def visits(tmp_path, shots):
    """Two visits of four photos, three independent pairs each; one photo shows no face, one is a copy, one is none."""
    folder = tmp_path / "Praxis 1"
    for number, visit in enumerate(("anna", "bea")):
        (folder / visit).mkdir(parents=True)
        for k, rgb in enumerate(shots):
            rgb = rgb.copy()
            rgb[0, 1] = number
            cv2.imwrite(str(folder / visit / f"IMG_{k}.png"), np.ascontiguousarray(rgb[..., ::-1]))
    cv2.imwrite(str(folder / "anna" / "wall.png"), np.full((300, 300, 3), 128, np.uint8))
    (folder / "bea" / "again.png").write_bytes((folder / "bea" / "IMG_0.png").read_bytes())
    (folder / "bea" / "broken.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture
def compared(fake_result, monkeypatch):
    """Stands in for the comparisons, each of which takes seconds: differences as large as the program expects."""
    result = fake_result()
    comparison = replace(
        result.comparisons[0], grade="B", light_difference=ALIKE["light"], light_color_difference=ALIKE["light_color"],
        exposure_difference=ALIKE["exposure"], expression_difference=ALIKE["expression"],
        sharpness_ratio=float(np.exp(ALIKE["blur"])), misfit_percent_iod=ALIKE["misfit"],
    )  # fmt: skip

    def compare(pairs, *, settings, progress):
        rng = np.random.default_rng(5)
        retakes = []
        for number, pair in enumerate(pairs):
            progress("comparing", number, len(pairs))
            if pair.after.stem == "too_dark":
                continue
            changes = []
            for metric in REPEATABILITY:
                is_relit = settings.light == "compensated" and METRICS[metric].compensable
                expected = change_error(metric, value=2.0, **ALIKE, compensated=is_relit)
                for region in ("forehead", "nose", "cheek_left", "cheek_right", "chin"):
                    d = 0.6**0.5 * expected * rng.standard_normal()
                    method = "compensated" if is_relit else "raw"
                    changes.append(
                        replace(
                            result.changes[0],
                            metric=metric,
                            region=region,
                            method=method,
                            baseline=2.0 - d / 2,
                            followup=2.0 + d / 2,
                            difference=d,
                            standard_error=1e-4 * expected,
                            flags=Flag.NONE,
                        )
                    )
            retakes.append(Retake(pair, comparison, tuple(changes)))
        weighed = weigh([retake.pair for retake in retakes])
        return [replace(retake, pair=pair) for retake, pair in zip(retakes, weighed, strict=True)]

    monkeypatch.setattr(module, "compare_retakes", compare)


def test_a_small_clinic_gets_the_programs_figures_scaled(visits, compared, tmp_path, monkeypatch):
    (visits / "anna" / "IMG_3.png").rename(visits / "anna" / "too_dark.png")
    (visits / "cleo").mkdir()
    for k in (0, 1):
        picture = cv2.imread(str(visits / "bea" / f"IMG_{k}.png"))
        picture[0, 2] = 9
        cv2.imwrite(str(visits / "cleo" / f"{k}.png"), picture)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["calibrate", str(visits), "-o", "own.toml"], env={"COLUMNS": "120"})
    assert done.exit_code == 0, done.output
    own = read_calibration(tmp_path / "own.toml")
    # Of anna's six pairs three have the dark photo in them.
    assert own.name == "Praxis 1" and own.made_from == "10 pairs of photos of 3 people or visits"
    for light, shipped in (("raw", REPEATABILITY), ("compensated", COMPENSATED)):
        assert set(shipped) <= set(getattr(own, light)) if light == "compensated" else True
        for metric, row in getattr(own, light).items():
            known_as = shipped.get(metric, REPEATABILITY[metric])
            factor = row.session / known_as.session
            assert 0.75 < factor < 1.3, metric
            assert row.per_light == pytest.approx(factor * known_as.per_light, rel=1e-2)
            assert row.scale == known_as.scale
    said = " ".join(done.output.split())
    assert "wall.png" in said and "no face" in said and "broken.jpg" in said and "again.png" in said
    assert "independent pairs" in said and "too_dark.png" in said
    assert "own.toml" in said
    # What stands there may be made again.
    check_target(tmp_path / "own.toml")


def test_too_few_say_how_many_are_needed_and_how_to_take_them(tmp_path, shots):
    folder = tmp_path / "few"
    (folder / "anna").mkdir(parents=True)
    cv2.imwrite(str(folder / "anna" / "1.png"), np.ascontiguousarray(shots[0][..., ::-1]))
    cv2.imwrite(str(folder / "anna" / "2.png"), np.ascontiguousarray(shots[1][..., ::-1]))
    cv2.imwrite(str(folder / "anna" / "3.png"), np.full((300, 300, 3), 128, np.uint8))
    with pytest.raises(NothingMeasuredError) as error:
        calibrate(folder)
    assert "1 independent pairs" in str(error.value) and "needs 6" in str(error.value)
    assert "anna/3.png was left out (no face" in str(error.value)
    assert "6 people twice, or 3 three times" in error.value.remedy


def test_names_that_a_camera_gave_do_not_tell_people_apart(tmp_path):
    for k in range(3):
        cv2.imwrite(str(tmp_path / f"IMG_{k}.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(UsageError, match=r"IMG_… does not say whose photos.*subfolder"):
        calibrate(tmp_path)
    with pytest.raises(UsageError, match="there is no folder"):
        calibrate(tmp_path / "none")


def test_nothing_but_a_calibration_is_ever_overwritten(tmp_path):
    mine = tmp_path / "own.toml"
    check_target(mine)
    mine.write_text(format_calibration(Calibration(name="a", made_from="b", raw=REPEATABILITY, compensated={})))
    check_target(mine)
    course = tmp_path / "course.toml"
    course.write_text("[client]\n")
    for path in (course, tmp_path / "photo.jpg", tmp_path):
        with pytest.raises(OutputError):
            check_target(path)


def test_with_many_pairs_each_figure_is_fitted_and_stays_where_nothing_differs():
    shipped = replace(REPEATABILITY["relative_redness"], per_light=4.0)
    rng = np.random.default_rng(0)
    pair = np.repeat(np.arange(40), 12)
    squares = np.zeros((480, 7))
    squares[:, 0] = 1.0
    found = Differences(
        0.5 * 2.0**0.5 * rng.standard_normal(480), squares, np.full(480, 1e-4), pair, np.full(480, 1.0 / 12.0),
        np.full(480, ""), np.full(480, np.nan),
    )  # fmt: skip
    row = module._fit_row(found, "relative_redness", shipped)
    assert row.session == pytest.approx(0.5, rel=0.3)
    assert row.per_light == pytest.approx(4.0, rel=0.5)


def test_the_table_and_the_remarks_say_what_counts():
    def row(metric, session, **more):
        figures = {"method": "raw", "shipped": 0.1, "coverage": 0.96, "n_pairs": 7.0, "scale": "unit"}
        return CalibratedMetric(metric=metric, session=session, **{**figures, **more})

    run = CalibrationRun(
        calibration=Calibration(name="a", made_from="b", raw={}, compensated={}),
        rows=(row("redness_index", 0.5), row("tone_uniformity", 0.02, scale="value")),
        rejected=(), not_compared=("a.jpg and b.jpg",), n_pairs=7.0,
    )  # fmt: skip
    table = render_calibration_table(run)
    assert table.row_count == 2
    cells = [cell for column in table.columns for cell in column.cells]
    assert "0.5 a*-eq" in cells and "2 % of it" in cells and "96%" in cells and "7" in cells
    remarks = " ".join(calibration_remarks(run))
    assert "scaled" in remarks and "a.jpg and b.jpg" in remarks
    assert f"twice the program's own: {METRICS['redness_index'].title}" in remarks
    assert METRICS["brown_spots"].title in remarks
