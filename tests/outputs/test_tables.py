"""Tables keep their columns and types, run nothing in a spreadsheet, and appear whole or not at all."""

import csv
import dataclasses
import io
import json
import math
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skinprogress.errors import OutputError
from skinprogress.face.regions import REGIONS
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.files import prepare_output, reserved_output, write_whole
from skinprogress.outputs.tables import (
    changes_frame,
    describe_run,
    measurements_frame,
    render_csv,
    render_parquet,
    write_tables,
)
from skinprogress.records import Change, ClientResult, Comparison, Finding, Flag, Measurement, PhotoReport

Fake = Callable[..., ClientResult]
RECORDS = {
    "photos": PhotoReport,
    "measurements": Measurement,
    "changes": Change,
    "comparisons": Comparison,
    "findings": Finding,
}


def _read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _photo(**values: object) -> PhotoReport:
    row: dict[str, object] = {
        "file": "a.jpg", "sha256": "ab", "session": "2026-03-14", "taken_at": None, "stage": "", "hours_after": None,
        "view": None, "status": "used",
    }  # fmt: skip
    return PhotoReport(**(row | values))  # type: ignore[arg-type]


def test_every_table_has_the_fields_of_its_record_in_their_order(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(3)
    written = write_tables(result, tmp_path)
    assert {p.name for p in written} == {p.name for p in tmp_path.iterdir()}
    for name, record in RECORDS.items():
        with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
            n_rows = sum(1 for _ in csv.reader(file))
        by_region = [f"misfit_{r}" for r in REGIONS if r != "face"]
        fields = [[f.name] if f.name != "misfit_by_region" else by_region for f in dataclasses.fields(record)]
        assert header == [name for names in fields for name in names]
        assert n_rows == len(getattr(result, name))


def test_numbers_stay_numbers_and_nothing_is_empty_by_another_name() -> None:
    row = _photo(
        yaw_deg=-3.25, hours_after=2.0, taken_at=datetime(2026, 3, 14, 16, 30), flags=Flag.MIRRORED | Flag.EYES_CLOSED
    )
    text = render_csv(PhotoReport, [row])
    cells = _read(text)[0]
    assert cells["yaw_deg"] == "-3.25"
    assert ",-3.25," in text  # bare: no quotes, no apostrophe
    assert cells["taken_at"] == "2026-03-14T16:30:00"
    assert cells["flags"] == "mirrored;eyes_closed"
    assert cells["misfit_percent_iod"] == cells["view"] == cells["color_reference"] == ""
    assert "nan" not in text.lower() and "None" not in text


def test_misfit_has_a_column_a_region(fake_result: Fake) -> None:
    result = fake_result(2, refused=("chin", "jaw_left"))
    rows = _read(render_csv(PhotoReport, result.photos))
    for photo, row in zip(result.photos, rows, strict=True):
        registration = result.registrations.get(photo.file)
        start = list(row).index("not_registered")
        assert list(row)[start + 1 :][:11] == [f"misfit_{r}" for r in REGIONS if r != "face"]
        assert row["not_registered"] == ("chin; jaw_left" if registration else "")
        for region in REGIONS:
            if region != "face":
                value = row[f"misfit_{region}"]
                assert value == (str(registration.misfit_percent_iod[region]) if registration else "")
    assert "misfit_face" not in rows[0] and "misfit_by_region" not in rows[0]


def test_what_is_known_of_colour_camera_and_light_stands_at_the_end(fake_result: Fake) -> None:
    result = fake_result(2, rungs=("card", "none"), photos_per_session=1)
    rows = _read(render_csv(PhotoReport, result.photos))
    columns = list(rows[0])
    last_region = [f"misfit_{r}" for r in REGIONS if r != "face"][-1]
    assert columns[columns.index(last_region) + 1 :] == [
        "color_anchor", "color_reason", "leave_one_out_delta_e", "a_star_se", "lightness_se", "redness_index_se",
        "relative_redness_se", "clipped_share", "camera", "software", "exposure", "flash", "white_balance",
        "light", "light_azimuth_deg", "light_elevation_deg", "light_directionality", "light_color_mix",
        "warm_azimuth_deg", "shine_share", "days_after", "phase", "grade",
    ]  # fmt: skip
    card, none, lost = rows
    assert (card["color_anchor"], card["leave_one_out_delta_e"], card["camera"]) == ("card", "0.9", "Pixel 8")
    assert float(none["a_star_se"]) > 4 > float(card["a_star_se"]) > 0
    assert none["color_anchor"] == none["leave_one_out_delta_e"] == lost["a_star_se"] == ""


def test_the_record_of_the_run_holds_all_of_a_colour_correction(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, rungs=("card", "patch"), photos_per_session=1)
    files = list(result.plan.corrections)
    write_tables(result, tmp_path)
    color = json.loads((tmp_path / "run.json").read_text("utf-8"))["plan"]["color"]
    for file in files:
        true, found = result.plan.corrections[file], color[file]
        assert found["anchor"] == found["rung"] == true.rung
        for name in ("gains", "matrix", "log_gain_covariance"):
            np.testing.assert_allclose(found[name], getattr(true, name), rtol=1e-6)
    np.testing.assert_allclose(color[files[0]]["tone"], result.plan.corrections[files[0]].tone, rtol=1e-6)
    assert color[files[1]]["tone"] is color[files[1]]["residual_delta_e"] is None
    assert "used" not in color[files[0]]


def test_coverage_is_a_number_and_what_hides_the_skin_is_text(fake_result: Fake) -> None:
    row = dataclasses.replace(fake_result(1).measurements[0], coverage=0.62, hidden_by="hair 0.21; beard 0.10")
    blank = dataclasses.replace(row, coverage=math.nan, hidden_by="")
    cells = _read(render_csv(Measurement, [row, blank]))
    assert (cells[0]["coverage"], cells[0]["hidden_by"]) == ("0.62", "hair 0.21; beard 0.10")
    assert cells[1]["coverage"] == cells[1]["hidden_by"] == ""
    read = pd.read_parquet(io.BytesIO(render_parquet(Measurement, [row, blank])))
    assert read["coverage"].dtype == np.float64 and np.isnan(read["coverage"][1])
    assert list(read["hidden_by"]) == ["hair 0.21; beard 0.10", ""]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_no_text_starts_a_formula(start: str) -> None:
    name = f"{start}cmd|' /C calc'!A0.jpg"
    cells = _read(render_csv(PhotoReport, [_photo(file=name)]))[0]
    assert cells["file"] == "'" + name


@pytest.mark.parametrize("name", ['a\nb".jpg', "a\rb.jpg", "a,b;c.jpg", "Größe 😀 <script>.jpg", " -.jpg"])
def test_odd_names_come_back_as_they_were(name: str) -> None:
    assert _read(render_csv(PhotoReport, [_photo(file=name), _photo()]))[0]["file"] == name


def test_undecodable_names_do_not_stop_a_table(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    path = write_whole(tmp_path / "t.csv", render_csv(PhotoReport, [_photo(file=name)]))
    assert "caf" in path.read_text("utf-8")
    render_parquet(PhotoReport, [_photo(file=name)])


def test_series_are_joined(fake_result: Fake) -> None:
    comparison = dataclasses.replace(fake_result(2).comparisons[0], reasons=("one", "two"), remedies=())
    cells = _read(render_csv(Comparison, [comparison]))[0]
    assert cells["reasons"] == "one; two"
    assert cells["remedies"] == ""


def test_parquet_agrees_with_the_frame_and_is_typed_without_rows(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(3)
    read = pd.read_parquet(io.BytesIO(render_parquet(Change, result.changes)))
    pd.testing.assert_frame_equal(read, changes_frame(result), check_dtype=False)
    empty = pd.read_parquet(io.BytesIO(render_parquet(Change, ())))
    assert list(empty.columns) == [f.name for f in dataclasses.fields(Change)]
    assert empty["difference"].dtype == np.float64
    assert empty["n_common_px"].dtype == np.int64
    assert empty["verdict"].dtype == read["verdict"].dtype


def test_frames_are_typed_without_rows(fake_result: Fake) -> None:
    result = dataclasses.replace(fake_result(1), measurements=(), changes=())
    frame = measurements_frame(result)
    assert len(frame) == 0
    assert frame["value"].dtype == np.float64
    assert frame["n_px"].dtype == np.int64
    assert list(changes_frame(result).columns) == [f.name for f in dataclasses.fields(Change)]


def test_parquet_holds_text_unchanged() -> None:
    read = pd.read_parquet(io.BytesIO(render_parquet(PhotoReport, [_photo(file="=1+1.jpg")])))
    assert read["file"][0] == "=1+1.jpg"


def test_run_record_is_strict_json_without_paths_or_places(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(3, folder=tmp_path / "secret place" / "client")
    result.timings_s["odd"] = math.nan
    for inspection in result.inspections.values():
        inspection.metadata["GPSLatitude"] = "52.5"
    out = tmp_path / "out"
    write_tables(result, out)
    text = (out / "run.json").read_text("utf-8")
    assert "secret place" not in text and "GPS" not in text and "52.5" not in text
    record = json.loads(text, parse_constant=lambda c: pytest.fail(f"{c} is not JSON"))
    assert record["timings_s"]["odd"] is None
    assert record["settings"]["seed"] == result.settings.seed
    assert record["settings_hash"] == result.plan.settings_hash
    assert {i["file"]: i["sha256"] for i in record["inputs"]} == {p.file: p.sha256 for p in result.photos}
    assert record["plan"]["baseline"] == result.plan.baseline
    assert record["plan"]["color"][result.photos[0].file]["rung"] == "background"
    assert [s["file"] for s in record["skipped"]] == [file for file, _ in result.skipped]
    assert sorted(record["files"]) == sorted(p.name for p in out.iterdir())
    assert record["complete"] is False  # the tables alone are not a run


def test_a_new_metric_needs_no_change_here(fake_result: Fake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(METRICS, "gloss", dataclasses.replace(METRICS["redness"], name="gloss", unit="GU"))
    write_tables(fake_result(2, metrics=("gloss",)), tmp_path)
    assert {r["metric"] for r in _read((tmp_path / "changes.csv").read_text("utf-8"))} == {"gloss"}


def test_describe_run_names_no_photo_folder(fake_result: Fake) -> None:
    assert "/nowhere" not in repr(describe_run(fake_result(2)))


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = write_whole(tmp_path / "a.csv", "old")

    def stop(*_: object) -> None:
        raise error

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises((KeyboardInterrupt, OutputError)):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_output_folder_that_is_or_lies_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x")
    with pytest.raises(OutputError, match="is a file"):
        prepare_output(file)
    with pytest.raises(OutputError, match="lies inside the file"):
        prepare_output(file / "out" / "deeper")
    assert file.read_text() == "x"


def test_output_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(OutputError, match="cannot be written") as caught:
        prepare_output(tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_results_never_mix_with_photos(tmp_path: Path) -> None:
    client = tmp_path / "client"
    (client / "2026-03-14").mkdir(parents=True)
    (client / "2026-03-14" / "IMG_1.JPG").write_bytes(b"x")
    for out in (client, client / "2026-03-14"):
        with pytest.raises(OutputError, match="mix"):
            prepare_output(out)
    with pytest.raises(OutputError, match="mix"):
        prepare_output(client / "results", photos_folder=client)
    assert not (client / "results").exists()


@pytest.mark.parametrize("name", ["report.html", "photos.csv"])
def test_files_of_another_origin_are_never_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('["not ours"]')
    with pytest.raises(OutputError, match=name):
        prepare_output(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_run_stopped_at_its_first_table_is_known_as_ours(
    fake_result: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("skinprogress.outputs.tables.render_parquet", stop)
    with pytest.raises(KeyboardInterrupt):
        write_tables(fake_result(n_sessions=2), tmp_path)
    assert (tmp_path / "photos.csv").exists()
    prepare_output(tmp_path)  # no "not known to come from this program"


def test_links_in_a_circle_and_names_too_long_are_refused(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "photos").mkdir()
    for out in (tmp_path / "circle", tmp_path / "circle" / "x", tmp_path / ("x" * 300), tmp_path / "new" / ("x" * 300)):
        with pytest.raises(OutputError), reserved_output(out, photos_folder=tmp_path / "photos"):
            pass
    assert sorted(p.name for p in tmp_path.iterdir()) == ["circle", "photos"]


def test_failed_work_leaves_no_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for out in (tmp_path / "a" / "b", tmp_path / "mine"):
        with pytest.raises(KeyboardInterrupt), reserved_output(out):
            assert out.is_dir()
            raise KeyboardInterrupt
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]
    with pytest.raises(KeyboardInterrupt), reserved_output(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "table.csv").touch()
        raise KeyboardInterrupt
    assert (tmp_path / "a" / "b" / "table.csv").exists()


def test_the_photo_folder_is_known_by_its_other_names(tmp_path: Path) -> None:
    (tmp_path / "client").mkdir()
    (tmp_path / "link").symlink_to("client")
    with pytest.raises(OutputError, match="mix"):
        prepare_output(tmp_path / "link" / "out", photos_folder=tmp_path / "client")


def test_a_folder_of_an_earlier_run_may_be_used_again(tmp_path: Path) -> None:
    for name in ("charts/trend.png", "composites/before_after_front.jpg", "aligned/a_1_front.jpg"):
        write_whole(tmp_path / name, b"x")
    write_whole(tmp_path / "run.json", "{}")
    prepare_output(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["aligned", "charts", "composites", "run.json"]
