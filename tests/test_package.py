"""What holds for the package as a whole."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skinprogress.face.canonical import raster
from skinprogress.face.regions import REGIONS, Region
from skinprogress.metrics.table import METRICS
from skinprogress.photos.course_schema import REGION_NAMES
from skinprogress.pipeline.comparing import compare_client
from skinprogress.records import FLAG_TEXT, Course, Flag, PhotoRef
from skinprogress.settings import Calibration, Settings


def test_every_flag_has_a_sentence() -> None:
    assert set(FLAG_TEXT) == set(Flag)


def test_course_files_know_the_regions() -> None:
    assert set(REGIONS) <= set(REGION_NAMES)


def test_import_is_light_and_the_root_is_lazy() -> None:
    code = (
        "import sys, skinprogress; "
        "assert not {'numpy', 'cv2', 'mediapipe'} & set(sys.modules), sorted(sys.modules); "
        "skinprogress.compare_client; assert 'mediapipe' not in sys.modules; assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_settings_hash_changes_with_every_setting() -> None:
    changed = {
        "canonical_px": 512, "canonical_px_max": 600, "min_iod_px": 61.0, "max_yaw_deg": 30.0, "visit_gap_minutes": 5.0,
        "block_mm": 9.0, "confidence_level": 0.9, "min_region_mm2": 70.0, "min_mark_mm2": 9.0, "seed": 1,
        "date_order": "dmy", "color_reference": "none", "card_edition": "2014", "light": "raw",
        "calibration": Calibration(name="own", made_from="", raw={}, compensated={}),
    }  # fmt: skip
    hashes = {Settings(**{name: value}).hash for name, value in changed.items()} | {Settings().hash}
    assert len(hashes) == len(changed) + 1
    assert set(changed) == set(Settings.__dataclass_fields__)


@pytest.fixture
def dummy_rows(monkeypatch, only_metrics):
    """A metric, a region and an output that nobody has heard of; beside it one metric of each kind, to be quick."""
    from skinprogress.comparison.calibration import REPEATABILITY
    from skinprogress.outputs.files import write_whole
    from skinprogress.outputs.table import OUTPUTS, Output

    only_metrics("redness_index", "relative_redness", "lightness", "texture_uniformity", "red_spots")
    metric = replace(
        METRICS["redness_index"], name="dummy_metric", title="Dummy metric", meaning="It means nothing at all."
    )
    region = Region(
        "dummy_region", "dummy region", tuple((0.5 + u, 0.5 + v) for u, v in ((-0.3, 0), (0, 0.1), (0.3, 0)))
    )
    output = Output(
        name="dummy", title="dummy output", write=lambda result, out: [write_whole(out / "dummy.txt", result.client)]
    )
    monkeypatch.setitem(METRICS, metric.name, metric)
    monkeypatch.setitem(REPEATABILITY, metric.name, REPEATABILITY["redness_index"])
    monkeypatch.setitem(REGIONS, region.name, region)
    monkeypatch.setitem(OUTPUTS, output.name, output)
    yield
    raster.cache_clear()


def test_a_new_row_in_a_table_is_all_it_takes(dummy_rows, small_portrait, tmp_path, write_photo, capsys):
    from skinprogress.api import save
    from skinprogress.cli.checking import metrics

    refs = []
    for k in range(2):
        path = write_photo(tmp_path / "photos" / f"{k}.png", small_portrait)
        refs.append(PhotoRef(path=path, file=path.name, client="client", session=f"s{k}"))
    result = compare_client(refs, client="client", folder=tmp_path / "photos", course=Course(), settings=Settings())
    report = save(result, tmp_path / "out").read_text(encoding="utf-8")
    table = (tmp_path / "out" / "changes.csv").read_text(encoding="utf-8")
    assert "dummy_metric" in table and "dummy_region" in table
    assert "Dummy metric" in report and "dummy region" in report.lower() and "It means nothing at all." in report
    assert list((tmp_path / "out" / "charts").glob("*dummy_metric*.png"))
    assert (tmp_path / "out" / "dummy.txt").read_text() == "client"
    metrics()
    assert "dummy_metric" in capsys.readouterr().out
    dummy = [c for c in result.changes if c.metric == "dummy_metric" and c.region == "dummy_region"]
    assert dummy and np.isfinite(dummy[0].difference)


def test_a_new_colour_reference_is_used_first(small_portrait, tmp_path, write_photo, monkeypatch, only_metrics):
    from skinprogress.color import references

    def find(photo, edition):
        return replace(references.uncorrected("dummy reference"), rung="card", anchor="dummy", flags=Flag.NONE)

    only_metrics("redness", "relative_redness")
    row = references.ColorReference(absolute=find)
    monkeypatch.setattr(references, "REFERENCES", {**references.REFERENCES, "card": row})
    refs = []
    for k in range(2):
        path = write_photo(tmp_path / f"{k}.png", small_portrait)
        refs.append(PhotoRef(path=path, file=path.name, client="c", session=f"s{k}"))
    result = compare_client(refs, client="c", folder=tmp_path, course=Course(), settings=Settings())
    assert {c.color_reference for c in result.changes} == {"card"}
    assert result.plan.corrections["1.png"].reason == "dummy reference"


def test_the_model_and_the_sample_are_in_the_wheel() -> None:
    import tomllib

    root = Path(__file__).parents[1]
    config = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = config["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["sample_data"] == "skinprogress/sample_data"
    assert sum(p.stat().st_size for p in (root / "sample_data").rglob("*") if p.is_file()) < 6e6
