"""`skinprogress validate metrics` from folder to table."""

import csv
import json
import os

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from skinprogress.cli.main import app
from skinprogress.color.spaces import linear_rgb_to_lab
from skinprogress.errors import NothingMeasuredError, UsageError
from skinprogress.validation.metrics import validate_metrics

SKIN = np.array([0.60, 0.33, 0.28])


def save(path, rgb):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(rgb[..., ::-1]))


@pytest.fixture(scope="module")
def small(portrait):
    return cv2.resize(portrait, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def test_the_command(small, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr("skinprogress.validation.metrics._TIMED", 1)
    monkeypatch.setattr("skinprogress.validation.metrics_faces._REPEATS", 1)
    for name in ("ann_1", "ann_2"):
        save(tmp_path / "photos" / f"{name}.png", small if name == "ann_1" else small[2:])
    save(tmp_path / "photos" / "zoe_1.png", np.full((300, 300, 3), 128, np.uint8))
    out = tmp_path / "out"
    result = CliRunner().invoke(
        app, ["validate", "metrics", str(tmp_path / "photos"), "-o", str(out), "--pairs", "1"], env={"COLUMNS": "100"}
    )
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader((out / "validation.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["kind"] for row in rows} == {"metrics"}
    tests = {(row["test"], row["tier"]) for row in rows}
    assert {("disturbed", "T0"), ("blood", "T0"), ("retake", "T4"), ("cost", "T4")} <= tests
    found = {
        (r["test"], r["method"], r["metric"], r["figure"]): float(r["value"]) for r in rows if r["subject"] == "all"
    }
    assert found["disturbed", "copy", "redness_index", "bias_p95"] < 0.03
    assert found["disturbed", "copy", "redness_index", "misses_zero"] == 0.0
    assert found["cost", "any", "everything", "milliseconds"] > 0.0
    assert ("blood", "any", "relative_redness", "measured_error_p95") in found
    assert int(next(r["n"] for r in rows if r["test"] == "all" and r["figure"] == "useful_share")) == 3
    assert "nothing changed" in result.output and "left out" in result.output and "zoe_1.png" in result.output
    assert "trust" in result.output


@pytest.fixture
def renders(small, tmp_path):
    """Photos with stated truth: the same skin, and skin of half the contrast."""
    blurred = cv2.GaussianBlur(small, (0, 0), 1.5)
    for name, rgb, contrast in (("base", small, 2.0), ("f_0.50", blurred, 1.0), ("easy_0", small[2:], 2.0)):
        save(tmp_path / "made" / f"{name}.png", rgb)
        lab = linear_rgb_to_lab(np.float32(SKIN)).tolist()
        areas = {"left_cheek": {"lin": SKIN.tolist(), "lab": lab, "L_highpass_rms": contrast}}
        (tmp_path / "made" / f"{name}.truth.json").write_text(json.dumps({"areas_texture": areas}))
    return tmp_path


def test_rendered_texture_has_the_stated_truth_and_the_same_skin_none(renders, only_metrics):
    only_metrics("redness_index", "texture_uniformity", "coarse_texture")
    found = validate_metrics(renders, workers=1)
    tests = {pair.photo: pair.test for pair in found.pairs}
    assert tests == {"made/f_0.50.png": "rendered_texture", "made/easy_0.png": "rendered_unchanged"}
    known = {r.region: r for p in found.pairs for r in p.readings if r.metric == "coarse_texture" and r.true == r.true}
    assert set(known) == {"cheek_left"}
    assert known["cheek_left"].true == pytest.approx(-0.5 * known["cheek_left"].before)
    assert known["cheek_left"].changed
    assert {p.group for p in found.pairs} == {"made/*", "made/easy*"}


def test_a_damaged_statement_of_texture_is_told(renders):
    path = renders / "made" / "easy_0.truth.json"
    path.write_text(path.read_text().replace("2.0", '"rough"'))
    with pytest.raises(UsageError, match=r"easy_0\.truth\.json"):
        validate_metrics(renders, workers=1)


def test_a_folder_without_a_usable_photo_is_refused_with_the_reason(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    with pytest.raises(NothingMeasuredError, match="broken"):
        validate_metrics(tmp_path, workers=1)
