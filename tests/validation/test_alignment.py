"""`skinprogress validate alignment` on small folders whose truth is known."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from skinprogress.cli.main import app
from skinprogress.errors import NothingMeasuredError, UsageError
from skinprogress.face.refinement import register_face
from skinprogress.records import PhotoRef
from skinprogress.settings import Settings
from skinprogress.validation.alignment import validate_alignment
from skinprogress.validation.faces import see_face
from skinprogress.validation.pairs import other_person_figures, same_person_figures
from skinprogress.validation.scores import METHODS, places_on, score_figures, score_places

SHIFT = np.array([14.0, 9.0])


@pytest.fixture(scope="module")
def small(portrait):
    return cv2.resize(portrait, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def save(path: Path, rgb: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(rgb[..., ::-1]))
    return path


@pytest.fixture(scope="module")
def shifted(small, tmp_path_factory) -> Path:
    """The same face in two photos, cut from one picture at another corner, with the truth beside them."""
    folder = tmp_path_factory.mktemp("shifted")
    x, y = SHIFT.astype(int)
    points = np.stack(np.meshgrid(np.linspace(200, 600, 21), np.linspace(200, 640, 21)), axis=-1).reshape(-1, 2)
    for name, rgb, offset in (("base", small, 0.0 * SHIFT), ("a_1", small[y:, x:], SHIFT)):
        save(folder / f"{name}.png", rgb)
        truth = {
            "vertex_xy": (points - offset).tolist(), "vertex_visible": [1] * len(points), "iod_px": 107.0,
        }  # fmt: skip
        (folder / f"{name}.truth.json").write_text(json.dumps(truth))
    save(folder / "a_1.areas.png", small)  # belongs to the truth, and is no photo of its own
    return folder


@pytest.fixture(scope="module")
def validated(shifted):
    return validate_alignment(shifted)


def value(figures, test, subject, metric, figure, method="refined"):
    (found,) = [
        f.value for f in figures
        if (f.test, f.method, f.subject, f.metric, f.figure) == (test, method, subject, metric, figure)
    ]  # fmt: skip
    return found


@pytest.fixture(scope="module")
def face(shifted):
    ref = PhotoRef(path=shifted / "base.png", file="base.png", client="c", session="s")
    return see_face(ref, settings=Settings())[0]


def test_true_points_come_back_where_they_are(validated):
    figures = validated.figures
    assert validated.n_photos == 2
    assert value(figures, "true_points", "a_1.png", "accepted", "error_p95") < 0.5
    median = {m: value(figures, "true_points", "all", "skin", "error_median", m) for m in METHODS}
    # The landmarks see another crop, and say something else; no method can be right by chance.
    assert median["refined"] < 0.15 < median["landmarks"]
    assert value(figures, "true_points", "all", "regions", "accepted_share") > 0.9


def test_known_warps_are_found_again(validated):
    figures = validated.figures
    for photo in ("base.png", "a_1.png"):
        for method in ("similarity", "landmarks"):
            # The displacement of 1.5 % RMS is what no similarity and no landmark can follow.
            assert 1.0 < value(figures, "known_warp", photo, "skin", "error_median", method) < 3.0
        assert value(figures, "known_warp", photo, "skin", "error_median") < 0.5
    low, high = (value(figures, "known_warp", "all", "regions", f"accepted_share_{end}") for end in ("low", "high"))
    assert low <= value(figures, "known_warp", "all", "regions", "accepted_share") <= high


def test_every_figure_has_its_place(validated):
    assert {f.kind for f in validated.figures} == {"alignment"}
    assert {f.tier for f in validated.figures if f.test == "known_warp"} == {"T0"}
    assert {f.tier for f in validated.figures if f.test == "true_points"} == {"T3"}
    assert {f.test for f in validated.figures} == {"known_warp", "true_points", "speed"}
    keys = [(f.test, f.method, f.subject, f.metric, f.figure) for f in validated.figures]
    assert len(set(keys)) == len(keys)


def test_places_that_lie_right_have_no_error(face):
    uv = places_on(np.ones((64, 64), bool))
    xy = face.face_map.at(uv)
    nothing = replace(
        register_face(face.detail, face.detail), shift=np.zeros((16, 16, 2), np.float32), accepted=("nose", "face")
    )
    score = score_places(uv, xy, face=face, reference=face, reference_xy=xy, registration=nothing, iod_px=100.0)
    for method in METHODS:
        assert np.abs(score.errors[method]).max() < 1e-3
    assert 0.0 < score.accepted_share < 0.2  # the nose alone: the whole face does not count
    off = score_places(
        uv, xy + np.array([3.0, 4.0]), face=face, reference=face, reference_xy=xy, registration=nothing, iod_px=100.0
    )
    np.testing.assert_allclose(off.errors["refined"], 5.0, atol=1e-3)
    assert value(score_figures("t", "T0", [off]), "t", "all", "accepted", "error_median") == pytest.approx(
        5.0, abs=1e-3
    )


def test_the_same_face_under_two_names_is_caught(face):
    """Not different people at all: what is accepted there must show, in the figures and in the last sentence."""
    figures = other_person_figures({"anna": [(face, [])], "ben": [(face, [])]})
    accepted = value(figures, "other_person", "all", "regions", "accepted_regions")
    assert accepted > 11
    assert value(figures, "other_person", "all", "regions", "moved_share") == 0.0
    assert other_person_figures({"anna": [(face, [])]}) == []


def test_another_photo_of_the_same_person(face):
    figures = same_person_figures({"anna": [(face, [face])]})
    assert value(figures, "same_person", "all", "regions", "accepted_share") > 0.9
    assert value(figures, "same_person", "all", "nose", "accepted_share") == 1.0
    assert same_person_figures({"anna": [(face, [])]}) == []


def test_the_command_writes_and_says_it(shifted, tmp_path):
    done = CliRunner().invoke(app, ["validate", "alignment", str(shifted), "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    for word in ("known warp", "true points", "similarity", "refined", "validation.csv", "Alignment can"):
        assert word in done.output
    assert "areas" not in done.output
    with (tmp_path / "out" / "validation.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["method"] for row in rows} == set(METHODS)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["validation.csv"]


def test_folders_without_a_face_are_told(tmp_path, small):
    with pytest.raises(UsageError, match="does not exist"):
        validate_alignment(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingMeasuredError, match="holds no photo"):
        validate_alignment(tmp_path / "empty")
    save(tmp_path / "wall" / "wall.png", np.full((200, 300, 3), 120, np.uint8))
    with pytest.raises(NothingMeasuredError, match=r"wall\.png: no face"):
        validate_alignment(tmp_path / "wall")


def test_truths_that_do_not_fit_together_are_told(shifted, tmp_path):
    for path in shifted.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    short = {"vertex_xy": [[300, 300]], "vertex_visible": [1], "iod_px": 100}
    (tmp_path / "a_1.truth.json").write_text(json.dumps(short))
    with pytest.raises(UsageError, match=r"a_1\.png has 1 true points and the reference photo base\.png has 441"):
        validate_alignment(tmp_path)
