"""The sample client: shipped as the script makes it, and true to its truth."""

import csv
import io
import tomllib
from datetime import datetime

import numpy as np
import pytest
from PIL import Image

from skinprogress.face.regions import REGIONS
from skinprogress.metrics.table import METRICS
from skinprogress.synthetic.healing import DECAY_HOURS, SkinState, apply_state, remaining_redness
from skinprogress.synthetic.sample_client import (
    SEED,
    TREATMENTS,
    TRUTH_COLUMNS,
    camera,
    course,
    course_file,
    encode_jpeg,
    main,
    sample_folder,
    take_photo,
    true_rows,
)
from skinprogress.synthetic.truth import UNITS, Truth

TREATED = [n for n in REGIONS if not n.startswith("periorbital") and n != "face"]


@pytest.fixture(scope="module")
def rows():
    with (sample_folder() / "truth.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def changes(rows):
    """(file without folder, region, metric) to the true change."""
    return {(r["file"][-12:-4], r["region"], r["metric"]): float(r["true_change"]) for r in rows}


@pytest.fixture(scope="module")
def ratios(rows):
    return {(r["file"][-12:-4], r["region"], r["metric"]): float(r["true_ratio"]) for r in rows if r["true_ratio"]}


def test_the_folder_holds_what_the_course_says():
    client = sample_folder() / "client"
    photos = sorted(p.relative_to(client).as_posix() for p in client.rglob("*.jpg"))
    assert photos == sorted(s.file for s in course())
    assert sum(p.stat().st_size for p in sample_folder().rglob("*") if "gallery" not in p.parts) < 5_000_000
    assert (client / "course.toml").read_text(encoding="utf-8") == course_file(course())
    assert "no treatment" in (sample_folder() / "README.md").read_text(encoding="utf-8")


def test_exif_says_when_and_that_it_is_simulated():
    for shot in course():
        with Image.open(sample_folder() / "client" / shot.file) as photo:
            exif = photo.getexif()
            inner = exif.get_ifd(0x8769)
            assert photo.size == (1300, 1600)
        assert datetime.strptime(inner[0x9003], "%Y:%m:%d %H:%M:%S") == shot.taken_at
        assert exif[0x010F] == exif[0x0110] == "simulated"
        assert inner[0xA001] == 1


def test_course_toml_is_sound():
    data = tomllib.loads(course_file(course()))
    assert data["course"]["planned"] == len(data["treatments"]) == 3
    assert [t["at"] for t in data["treatments"]] == list(TREATMENTS)
    assert set(data["treatments"][0]["areas"]) == set(TREATED)
    assert [v["stage"] for v in data["photos"].values()] == ["numbing"]


def test_the_shipped_photos_are_what_the_script_makes(portrait):
    shot = course()[3]
    rgb, _ = take_photo(portrait, shot)
    with (
        Image.open(io.BytesIO(encode_jpeg(rgb, shot))) as made,
        Image.open(sample_folder() / "client" / shot.file) as old,
    ):
        difference = np.abs(np.asarray(made, int) - np.asarray(old, int))
    # Other builds of the libraries round otherwise.
    assert difference.mean() < 0.5
    assert np.percentile(difference, 99.9) <= 8


def test_the_shipped_truth_is_what_the_script_measures(portrait, rows):
    shots = course()
    made = list(true_rows(portrait, (shots[0], shots[3], shots[10])))
    assert tuple(rows[0]) == TRUTH_COLUMNS
    old = {(r["file"], r["region"], r["metric"]): r for r in rows}
    assert len(rows) == len(shots) * len(REGIONS) * len(UNITS)
    for row in made:
        shipped = old[row["file"], row["region"], row["metric"]]
        assert shipped["session"] == row["session"] and shipped["unit"] == row["unit"]
        assert float(shipped["true_change"]) == pytest.approx(float(row["true_change"]), abs=0.03)


def test_names_and_units_are_those_of_the_catalogue():
    assert all(METRICS[name].unit == unit for name, unit in UNITS.items())


def test_redness_peaks_after_the_treatment_and_falls(changes):
    for region in TREATED:
        peak, morning, week = (changes[f, region, "redness_index"] for f in ("IMG_2046", "IMG_2050", "IMG_2071"))
        assert 4.5 < peak < 7.5, region
        hours = (course()[4].state.hours_after or 0) - (course()[3].state.hours_after or 0)
        # The red dots close faster than the flush fades.
        assert morning / peak == pytest.approx(np.exp(-hours / DECAY_HOURS), abs=0.06), region
        assert abs(week) < 0.1, region
    for side in ("left", "right"):
        assert abs(changes["IMG_2046", f"periorbital_{side}", "redness_index"]) < 0.3


def test_the_course_ends_smoother_more_even_and_calmer(changes, ratios):
    for region in TREATED:
        first, second, third = (ratios[f, region, "texture_uniformity"] for f in ("IMG_2168", "IMG_2254", "IMG_2390"))
        assert 1.0 > first > second > third, region
        assert third == pytest.approx(0.70, abs=0.06), region
        assert ratios["IMG_2390", region, "tone_uniformity"] == pytest.approx(0.75, abs=0.1), region
    for side in ("left", "right"):
        assert changes["IMG_2390", f"cheek_{side}", "redness"] == pytest.approx(-0.8, abs=0.25)
    assert ratios["IMG_2071", "chin", "texture_uniformity"] > 1.05


def test_melanin_never_changes_without_cream(changes):
    for (file, region, metric), change in changes.items():
        if metric == "melanin_index" and file != "IMG_2043":
            assert abs(change) < 0.01, (file, region)


def test_replicates_share_skin_but_not_the_camera():
    shots = course()
    assert shots[0].state == shots[1].state and shots[10].state == shots[11].state
    assert len({s.camera for s in shots}) == len(shots)
    assert camera(0) != camera(1)
    assert camera(8) == camera(8)


def test_no_state_is_no_change(portrait):
    before = portrait.linear_rgb.copy()
    untouched = apply_state(portrait, SkinState(), seed=SEED)
    np.testing.assert_array_equal(untouched, before)
    assert untouched is not portrait.linear_rgb
    truth = Truth.of(portrait)
    red = truth.measure(apply_state(portrait, SkinState(hours_after=1.0, cream=0.5, flaking=1.0), seed=SEED))
    np.testing.assert_array_equal(portrait.linear_rgb, before)
    assert red["cheek_left", "redness"] > truth.measure(before)["cheek_left", "redness"]


def test_redness_fades():
    assert remaining_redness(0.0) == 1.0
    assert remaining_redness(27.0) == pytest.approx(np.exp(-1))


def test_wrong_use_prints_the_usage(capsys):
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
