"""`skinprogress validate light`: pairs, truth, figures, tables and the sentence at the end."""

import csv
import json
import os
from dataclasses import replace

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from skinprogress.cli.main import app
from skinprogress.color.spaces import encode_srgb8, linear_rgb_to_lab, srgb_to_linear
from skinprogress.errors import NothingMeasuredError, UsageError
from skinprogress.face.regions import region_mask
from skinprogress.photos.folder import list_photos
from skinprogress.photos.profiles import srgb_encoding
from skinprogress.pipeline.inspecting import find_client_face
from skinprogress.records import Photo, PhotoRef
from skinprogress.settings import Settings
from skinprogress.synthetic.surface import from_canonical, photo_to_canonical
from skinprogress.validation.color_outcomes import Outcome
from skinprogress.validation.color_renders import read_true_colors, state_of, true_changes
from skinprogress.validation.light import LightValidation, pair_retakes, score_relit_pair, validate_light
from skinprogress.validation.light_scores import TEXTURE, LightScore, light_figures
from skinprogress.validation.light_tables import judge_light, light_remarks, render_light_tables
from skinprogress.validation.scenes import METRICS, SIDE_PX, make_scene

AREAS = ("left_cheek", "right_cheek")
SKIN = np.array([0.60, 0.33, 0.28])


def save(path, rgb):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(rgb[..., ::-1]))


def as_photo(rgb):
    ref = PhotoRef(path=None, file="a.png", client="", session="")
    return Photo(
        ref=ref, pixels=rgb, curve=srgb_encoding(256).curve, matrix=np.eye(3, dtype=np.float32), metadata={}
    )  # fmt: skip


@pytest.fixture(scope="module")
def small(portrait):
    return cv2.resize(portrait, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


@pytest.fixture
def graded(only_metrics):
    """The program measures what is graded here and nothing else."""
    only_metrics(*METRICS, TEXTURE)


@pytest.fixture(scope="module")
def points_xy(small):
    return find_client_face(as_photo(small), settings=Settings())[0].points_xy


@pytest.fixture(scope="module")
def states(small, points_xy, tmp_path_factory):
    """Photos with true colours, among them one whose left cheek has lost a tenth of its green and blue light."""
    folder = tmp_path_factory.mktemp("renders")
    uv = photo_to_canonical(points_xy, small.shape[:2])
    cheeks = [
        from_canonical(region_mask(n, SIDE_PX).astype(np.float32), uv) > 0.5 for n in ("cheek_left", "cheek_right")
    ]
    numbers = cheeks[0] * np.uint8(1) + cheeks[1] * np.uint8(2)
    for name, changed in (("base", ()), ("easy_0", ()), ("red", AREAS[:1]), ("redder", AREAS)):
        linear = srgb_to_linear(small) * np.float32(1.0 if name == "base" else 0.97)
        areas = {}
        for area, mask in zip(AREAS, cheeks, strict=True):
            gain = np.array([1.0, 0.9, 0.9] if area in changed else [1.0] * 3)
            linear[mask] *= gain.astype(np.float32)
            areas[area] = {"lin": (SKIN * gain).tolist(), "lab": linear_rgb_to_lab(np.float32(SKIN * gain)).tolist()}
        save(folder / "made" / f"{name}.png", encode_srgb8(linear))
        truth = {"areas_texture": areas, "area_order": AREAS}
        (folder / "made" / f"{name}.truth.json").write_text(json.dumps(truth))
        cv2.imwrite(str(folder / "made" / f"{name}.areas.png"), numbers)
    return folder


def ref(folder, name):
    return PhotoRef(path=folder / f"{name}.png", file=f"{folder.name}/{name}.png", client="", session="")


def test_truth_is_painted_where_the_areas_are_and_measured_as_the_program_does(states):
    base, red = ref(states / "made", "base"), ref(states / "made", "red")
    true = true_changes(base, red)
    step = -np.log(0.9) / 0.0405
    assert true["redness_index", "cheek_left"] == pytest.approx(step, abs=0.15)
    assert abs(true["redness_index", "cheek_right"]) < 1e-3
    # Regions that are not stated have a truth as well, and the rest of the face counts the cheek.
    assert -0.25 * step < true["relative_redness", "periorbital_right"] < -0.01 * step
    assert 0.0 < true["redness_index", "face"] < 0.3 * step
    assert ("redness", "cheek_left") in true and ("redness", "nose") not in true


def test_without_a_picture_of_the_areas_only_they_have_a_truth_and_a_bad_one_is_told(states, tmp_path):
    for path in (states / "made").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "base.areas.png").unlink()
    true = true_changes(ref(tmp_path, "base"), ref(tmp_path, "red"))
    assert {region for _, region in true} == {"cheek_left", "cheek_right"}
    cv2.imwrite(str(tmp_path / "base.areas.png"), np.zeros((40, 40, 3), np.uint8))
    with pytest.raises(UsageError, match=r"base\.areas\.png"):
        true_changes(ref(tmp_path, "base"), ref(tmp_path, "red"))


def test_what_was_changed_is_read_off_the_truth(states):
    base, *others = (read_true_colors(ref(states / "made", n)) for n in ("base", "easy_0", "red", "redder"))
    assert [state_of(base, other) for other in others] == ["unchanged", "local", "everywhere"]


def test_the_command_on_renders(states, graded, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["validate", "light", str(states), "-o", str(out)])
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader((out / "validation.csv").read_text(encoding="utf-8").splitlines()))
    assert {(row["kind"], row["tier"]) for row in rows} == {("light", "T3")}
    assert {row["test"] for row in rows} == {"rendered_unchanged", "rendered_local", "rendered_everywhere"}
    assert {"made/easy*", "made/*", "made/red.png", "all"} <= {row["subject"] for row in rows}
    found = {(row["test"], row["method"], row["subject"], row["metric"], row["figure"]): row["value"] for row in rows}
    for method in ("raw", "compensated"):
        key = ("rendered_local", method, "all", "relative_redness")
        assert float(found[*key, "measured_error_p95"]) < 0.7
        assert 0.0 <= float(found[*key, "refused_share"]) < 1.0
    assert 0.8 < float(found["rendered_local", "raw", "all", "relative_redness", "slope_changed"]) < 1.2
    assert float(found["rendered_unchanged", "raw", "all", "relative_redness", "measured_error_median"]) < 0.1
    assert "made/easy*" in result.output and "trust" in result.output


def test_a_relit_pair_differs_in_its_light_and_in_its_skin_only_where_changed(small, graded):
    photo = as_photo(small)
    scene = make_scene(photo, find_client_face(photo, settings=Settings())[0])
    raw, compensated = score_relit_pair(scene, 1, photo="a.png", seed=[5], settings=Settings())
    assert (raw.method, compensated.method) == ("raw", "compensated")
    assert raw.test == "relit_local" and raw.tier == "T1"
    assert [o.true for o in raw.outcomes] == [o.true for o in compensated.outcomes]
    index = {o.region: o for o in raw.outcomes if o.metric == "redness_index"}
    (changed,) = (o for o in index.values() if o.changed)
    assert abs(changed.true) > 1.0
    assert sum(abs(o.true) < 0.05 for o in index.values()) >= len(index) // 2
    assert max(abs(o.error) for o in raw.outcomes if o.metric == "relative_redness") > 0.2
    assert len(raw.texture) >= 11


def test_the_same_photos_give_the_same_figures_again(small, graded, tmp_path):
    save(tmp_path / "ann_1.png", small)
    runs = [validate_light(tmp_path, pairs_per_photo=1, workers=1) for _ in range(2)]
    assert runs[0].figures == runs[1].figures
    assert {s.test for s in runs[0].scores} == {"relit_unchanged"}


def test_retakes_are_photos_of_one_person_or_of_one_visit(small, tmp_path):
    tiny = small[::8, ::8]

    def pairs(folder, *names):
        for name in names:
            save(tmp_path / folder / name, tiny + np.uint8(len(name) % 7))
        listing = list_photos(tmp_path / folder, settings=Settings())
        return [(one.file, two.file) for one, two in pair_retakes(listing.photos, listing)]

    assert pairs("people", "ann_calm.png", "ann_laughing.png", "bob_1.png") == [("ann_calm.png", "ann_laughing.png")]
    visits = pairs("client", "2026-01-05/a.png", "2026-01-05/bb.png", "2026-02-05/ccc.png")
    assert visits == [("2026-01-05/a.png", "2026-01-05/bb.png")]


def test_a_folder_without_a_usable_photo_is_refused_with_the_reason(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    with pytest.raises(NothingMeasuredError, match="broken"):
        validate_light(tmp_path, workers=1)


def outcome(true, found, *, half=1.0, region="nose", changed=False, verdict="no detectable change", metric=None):
    return Outcome(
        method="", metric=metric or "relative_redness", region=region, changed=changed, true=true, found=found,
        half=half, half_alone=0.7 * half, verdict=verdict,
    )  # fmt: skip


def score(*outcomes, test="rendered_unchanged", tier="T3", method="compensated", group="", number=0, **more):
    return LightScore(
        pair=f"a\x1b.jpg #{number}", photo="a\x1b.jpg", group=group, test=test, tier=tier, method=method,
        outcomes=outcomes, **more,
    )  # fmt: skip


def look_up(figures):
    return {(f.test, f.method, f.subject, f.metric, f.figure): f for f in figures}


def test_what_is_refused_counts_as_such_and_not_as_an_error():
    nan = float("nan")
    told = [
        outcome(0.0, 0.3),
        outcome(0.0, -0.9, region="chin"),
        outcome(0.0, 5.0, region="forehead", half=nan, verdict="not comparable"),
        outcome(0.0, nan, region="jaw_left", half=nan, verdict="not comparable"),
    ]
    found = look_up(light_figures([score(*told, texture=(True, False))]))

    def value(figure, metric="relative_redness"):
        return found["rendered_unchanged", "compensated", "all", metric, figure].value

    assert value("refused_share") == 0.5
    assert value("refused_share", "texture_uniformity") == 0.5
    assert value("error_median") == pytest.approx(0.6)
    assert value("error_rms") == pytest.approx(np.sqrt((0.09 + 0.81) / 2))
    assert value("measured_error_p95") > 4.0
    assert value("coverage") == 0.5  # 0.9 lies outside of 0.7
    assert value("coverage_low") < 0.5 < value("coverage_high")
    assert found["rendered_unchanged", "compensated", "all", "relative_redness", "coverage"].n == 2
    assert found["rendered_unchanged", "compensated", "all", "relative_redness", "coverage_by_pair"].n == 1
    assert ("rendered_unchanged", "compensated", "all", "relative_redness", "slope") not in found


def test_slopes_go_through_the_origin_over_all_and_over_the_changed():
    told = [outcome(2.0, 2.2, changed=True), outcome(-0.4, -0.8, region="chin")]
    found = look_up(light_figures([score(*told, test="rendered_local")]))
    key = ("rendered_local", "compensated", "all", "relative_redness")
    assert found[*key, "slope_changed"].value == pytest.approx(1.1)
    assert found[*key, "slope"].value == pytest.approx((4.4 + 0.32) / 4.16)
    assert (*key, "false_change_rate") not in found


def test_false_changes_are_counted_by_pair():
    pairs = [score(outcome(0, 2, verdict="changed"), outcome(0, 0, region="chin")), score(outcome(0, 0), number=1)]
    found = look_up(light_figures(pairs))
    rate = found["rendered_unchanged", "compensated", "all", "relative_redness", "false_change_rate"]
    assert (rate.value, rate.n) == (0.5, 2)


def test_photos_of_the_same_skin_scatter_around_their_own_mean():
    values = {"cheek_left": (0.5, 1.5, 1.0), "forehead": (0.0, 0.2, -0.2)}
    pairs = [
        score(*(outcome(0, v[k], region=r) for r, v in values.items()), test="retake_unchanged", tier="T4", number=k)
        for k in range(3)
    ]
    found = look_up(light_figures(pairs))
    key = ("retake_unchanged", "compensated", "all")
    assert found[*key, "relative_redness cheek_left", "difference_mean"].value == pytest.approx(1.0)
    assert found[*key, "relative_redness cheek_left", "difference_sd"].value == pytest.approx(0.5)
    pooled = found[*key, "relative_redness cheeks and forehead", "difference_sd"]
    assert pooled.value == pytest.approx(np.sqrt((0.25 + 0.04) / 2)) and pooled.n == 6


def made_up(error=0.2, *, half=1.0, n=20, verdict="no detectable change", raw_error=2.0, found_per_true=1.0):
    scores = []
    for k in range(n):
        told = [
            outcome(0.0, error, half=half, verdict=verdict),
            outcome(2.0, 2.0 * found_per_true, half=half, region="chin", changed=True, verdict=verdict),
        ]
        scores.append(score(*told, test="rendered_local", group="made/*", number=k))
        raw = tuple(replace(o, found=o.true + raw_error) for o in told)
        scores.append(score(*raw, test="rendered_local", group="made/*", number=k, method="raw"))
    return LightValidation(figures=tuple(light_figures(scores)), scores=tuple(scores))


def test_the_sentence_says_what_is_left_and_that_it_can_be_trusted():
    text = judge_light(made_up())
    assert "off by less than 0.20 (raw 2.00, made/* (local))" in text
    assert "can be trusted" in text and "intervals hold" in text


@pytest.mark.parametrize(
    ("validation", "words"),
    [
        (made_up(error=1.1, half=0.5), "intervals too narrow, 50 % hold"),
        (made_up(error=2.0, half=9.0), "1 error in 20 is above 2.00"),
        (made_up(found_per_true=0.6), "0.60 found of each unit"),
        (made_up(verdict="not comparable"), "100 % refused"),
    ],
)
def test_the_sentence_names_what_cannot_be_trusted(validation, words):
    text = judge_light(validation)
    if "refused" in words:
        assert "cannot be said" in text
    else:
        assert text.startswith("Do not trust it everywhere") and words in text


def test_remarks_name_the_worst_region_and_photo_the_refused_and_why_in_one_line_each():
    nan = float("nan")
    validation = made_up()
    refused = score(
        outcome(0.0, 3.0, half=nan, verdict="not comparable"), test="rendered_local", reason="the light\nis another"
    )
    scores = (*validation.scores, score(outcome(0.0, 1.5, region="jaw_left"), test="rendered_local"), refused)
    lines = light_remarks(LightValidation(figures=validation.figures, scores=scores))
    text = "\n".join(lines)
    assert all(line.isprintable() for line in lines)
    assert "Farthest off: jaw left of" in text and "1.50 found, 0.00 true, interval ± 0.70" in text
    assert "Refused though measured: 1 regions" in text and "off by 3.00" in text
    assert "1 of 22 pairs refused" in text


def test_tables_show_the_groups_and_leave_out_what_was_not_tested():
    tables = render_light_tables(made_up().figures)
    assert len(tables) == 1 and tables[0].row_count == 1
    cells = [next(iter(column.cells)).plain for column in tables[0].columns]
    assert cells[:3] == ["made/*", "local", "40"]
    assert cells[3:5] == ["2.00", "2.00"] and cells[8] == "1.00"
    assert not render_light_tables([])
