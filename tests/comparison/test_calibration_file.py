"""The calibration file: written and read back, and a clear word for every mistake in it."""

import json
from dataclasses import asdict

import pytest

from skinprogress.comparison.calibration import change_error, session_error, smallness
from skinprogress.comparison.calibration_file import format_calibration, read_calibration
from skinprogress.errors import UsageError
from skinprogress.metrics.table import METRICS
from skinprogress.settings import Calibration, Repeatability, Settings

OWN = Calibration(
    name='Dr. "Ä" \\ Söhne',
    made_from="8 pairs of photos of 8 people",
    raw={
        "redness_index": Repeatability(session=0.5, per_light=4.0, per_misfit=0.7),
        "brown_spots": Repeatability(session=1.5, per_blur=9.7, scale="root"),
    },
    compensated={"redness_index": Repeatability(session=0.0000412)},
)
ALIKE = {"light": 0.0, "light_color": 0.0, "exposure": 0.0, "expression": 0.0, "blur": 0.0, "misfit": 0.0}


def write(folder, text):
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_read_back(tmp_path):
    assert read_calibration(write(tmp_path, format_calibration(OWN))) == OWN


def test_a_run_with_it_has_another_hash_and_can_be_recorded(tmp_path):
    settings = Settings(calibration=OWN)
    assert settings.hash != Settings().hash
    assert settings.hash == Settings(calibration=read_calibration(write(tmp_path, format_calibration(OWN)))).hash
    assert json.loads(json.dumps(asdict(settings)))["calibration"]["raw"]["brown_spots"]["scale"] == "root"


def test_its_figures_are_used_and_the_programs_own_where_it_has_none():
    assert session_error("redness_index", calibration=OWN) == 0.5
    assert session_error("redness_index", compensated=True, calibration=OWN) == 0.0000412
    assert session_error("tone_uniformity", calibration=OWN) == session_error("tone_uniformity")
    wider = change_error("redness_index", value=10.0, **{**ALIKE, "misfit": 1.0}, calibration=OWN)
    assert wider == pytest.approx((2 * 0.5**2 + 0.7**2) ** 0.5)


@pytest.mark.parametrize(
    ("was", "becomes", "told", "remedy"),
    [
        ("format = 1\n", "format = 2\n", "format = 2", "make the file again"),
        ("format = 1\n", "", "no key 'format'", "make the file again"),
        ("made_from", "made_form", "no key 'made_form'", "did you mean 'made_from'"),
        ('name = "Dr', 'name = 3 # "', "name = 3 is no text", "add a line name"),
        ("raw.brown_spots", "raw.brown_spot", "no metric 'raw.brown_spot'", "did you mean 'brown_spots'"),
        ("session = 1.5", "session = -1.5", "raw.brown_spots.session = -1.5", "0 or more"),
        ("session = 1.5", "session = nan", "raw.brown_spots.session = nan", "0 or more"),
        ("session = 1.5", "session = true", "raw.brown_spots.session = True", "0 or more"),
        ("session = 1.5", f"session = {10**400}", "raw.brown_spots.session", "0 or more"),
        ("session = 1.5", "session = 0", "raw.brown_spots.session = 0", "write more"),
        ("session = 1.5\n", "", "raw.brown_spots.session is missing", "add a line session"),
        ("per_blur", "per_blurr", "no key 'raw.brown_spots.per_blurr'", "did you mean 'per_blur'"),
        ('scale = "root"', 'scale = "cube"', "raw.brown_spots.scale = 'cube'", "unit, value, root"),
        (
            "[raw.brown_spots]\nmetric_version = ",
            "[raw.brown_spots]\nmetric_version = 9",
            "metric_version = 9",
            "again",
        ),
        ("[raw.brown_spots]", "[raw.brown_spots", "is no calibration file", "make the file again"),
        ("format = 1\n", f"format = {'[' * 5000}", "is no calibration file", "make the file again"),
        ("[compensated.redness_index]", "[[compensated]]", "is no table", "[compensated.METRIC]"),
    ],
)
def test_every_mistake_is_told_with_file_key_value_and_fix(tmp_path, was, becomes, told, remedy):
    text = format_calibration(OWN)
    assert was in text
    path = write(tmp_path, text.replace(was, becomes, 1))
    with pytest.raises(UsageError) as error:
        read_calibration(path)
    assert str(path) in str(error.value) and told in error.value.reason and remedy in error.value.remedy
    assert "\n" not in str(error.value)


def test_a_missing_file_a_folder_and_no_text_are_told(tmp_path):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / "binary.toml"):
        with pytest.raises(UsageError, match=r"calibrate"):
            read_calibration(path)


def test_less_skin_is_less_certain_but_for_sums_and_never_where_regions_begin():
    for name, metric in METRICS.items():
        factors = [smallness(name, area) for area in (12.0, 28.0, 80.0, 200.0, 299.0, 300.0, 2000.0, float("inf"))]
        assert factors == sorted(factors, reverse=True) and factors[-3:] == [1.0, 1.0, 1.0]
        assert (factors[0] > 2.0) == (metric.statistic != "total")
    mark, region = (session_error("relative_redness", area_mm2=area) for area in (75.0, 1200.0))
    assert mark == pytest.approx(2.0 * region)
    few, many = (change_error("relative_redness", value=1.0, area_mm2=a, **ALIKE) for a in (75.0, 1200.0))
    assert few == pytest.approx(2.0 * many)
