"""`skinprogress validate color` from folder to table, and the sentence at its end."""

import csv
import os
from functools import partial

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from skinprogress.cli.main import app
from skinprogress.color.spaces import encode_srgb8, srgb_to_linear
from skinprogress.errors import NothingMeasuredError, UsageError
from skinprogress.records import PhotoRef
from skinprogress.settings import Settings
from skinprogress.synthetic.cards import paste_card
from skinprogress.validation import color
from skinprogress.validation.color import ColorValidation, PhotoScore, score_photo, validate_color
from skinprogress.validation.color_outcomes import Outcome, PairScore
from skinprogress.validation.color_pairs import SETUPS
from skinprogress.validation.color_scores import card_figures, copy_figures, pair_figures, seen_card_figures
from skinprogress.validation.color_summary import color_remarks, judge_color
from skinprogress.validation.color_tables import render_color_tables
from skinprogress.validation.scenes import METRICS
from skinprogress.validation.workers import run_jobs


@pytest.fixture
def graded(only_metrics):
    """The program measures what is graded here and nothing else."""
    only_metrics(*METRICS)


@pytest.fixture
def folder(portrait, tmp_path):
    small = cv2.resize(portrait, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    path = tmp_path / "photos"
    path.mkdir()
    cv2.imwrite(str(path / "ann_1.png"), np.ascontiguousarray(small[..., ::-1]))
    (path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    return path


def test_the_command_writes_the_figures_and_prints_tables_and_a_sentence(folder, graded, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)  # no further processes: copies are told off below
    monkeypatch.setattr(color, "compare_copies", lambda *_, **__: {"HEIC": {("redness", "nose"): 0.1}})
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["validate", "color", str(folder), "-o", str(out), "--pairs", "2"])
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader((out / "validation.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["kind"] for row in rows} == {"color"}
    tests = {row["test"] for row in rows}
    assert tests >= {"whole_face", "whole_face_cropped", "whole_face_any", "copies", "card"}
    assert any(row["subject"] == "ann_1.png" and row["figure"] == "coverage" for row in rows)
    assert (
        sum(float(row["value"]) for row in rows if row["figure"] == "rung_share" and row["test"] == "whole_face") == 1.0
    )
    assert "left out" in result.output and "broken.jpg" in result.output
    assert "In 95 of 100 cases" in " ".join(result.output.split())


def test_the_same_photo_gives_the_same_pairs_again(folder, graded, monkeypatch):
    monkeypatch.setattr(color, "compare_copies", lambda *_, **__: {})
    runs = [validate_color(folder, pairs_per_photo=1, workers=1) for _ in range(2)]
    assert runs[0].pairs == runs[1].pairs
    assert runs[0].figures == runs[1].figures


def test_a_photo_with_its_own_card_is_graded_in_true_colours(portrait, graded, tmp_path):
    """Of a photo that is too dark and too red the truth is that of a good photo."""
    rgb = srgb_to_linear(cv2.resize(portrait, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA))
    height, width = rgb.shape[:2]
    corners = np.array([[0.62, 0.78], [0.98, 0.78], [0.98, 0.97], [0.62, 0.97]]) * [width, height]
    turn = next(k for k, setup in enumerate(SETUPS) if (setup.kind, setup.view) == ("whole_face", "card"))
    faces = []
    for name, cast in (("true", (0.95, 0.95, 0.95)), ("cast", (0.8, 0.6, 0.5))):
        path = tmp_path / f"{name}.png"
        taken = encode_srgb8(paste_card(rgb, corners_xy=corners, light=1.0) * np.array(cast, np.float32))
        cv2.imwrite(str(path), np.ascontiguousarray(taken[..., ::-1]))
        score = score_photo(PhotoRef(path=path, file=path.name, client="", session=""), [turn], settings=Settings())
        assert score.card == "a card"
        (pair,) = score.pairs
        assert (pair.test, pair.rung) == ("whole_face", "card")
        faces.append({o.region: o for o in pair.outcomes if o.method == "card" and o.metric == "redness"}["face"])
    true, cast = faces
    assert cast.true == pytest.approx(true.true, rel=0.1)  # as the photo shows it, a seventh less
    assert all(abs(outcome.error) < outcome.half_alone for outcome in faces)


def test_several_processes_yield_the_same_in_the_same_order():
    jobs = [partial(PhotoScore, file=f"{k}.jpg") for k in range(4)]
    assert list(run_jobs(jobs, workers=2)) == list(run_jobs(jobs, workers=1))


def test_a_folder_without_a_usable_photo_or_without_being_one_is_refused(folder, tmp_path):
    (folder / "ann_1.png").unlink()
    with pytest.raises(NothingMeasuredError, match="broken"):
        validate_color(folder, workers=1)
    with pytest.raises(UsageError):
        validate_color(tmp_path / "nowhere", workers=1)


def made_up(error=0.2, half=1.0, *, rung="background", n=30, reason=""):
    """Whole-face pairs that are all off by the same."""
    pairs = []
    for k in range(n):
        told = Outcome(
            method=rung, metric="redness", region="face", changed=True, true=k % 5 - 2.0, found=k % 5 - 2.0 + error,
            half=1.4 * half, half_alone=half,
        )  # fmt: skip
        pairs.append(
            PairScore(
                pair=f"a\x1b.jpg #{k}", photo="a\x1b.jpg", group="tan", kind="whole_face", test="whole_face", tier="T0",
                rung=rung, reason=reason, outcomes=(told,),
            )
        )  # fmt: skip
    return pairs


def validation(pairs, *more):
    figures = (*pair_figures(pairs), *more)
    return ColorValidation(figures=figures, pairs=tuple(pairs), rejected=(), n_photos=1)


def test_the_sentence_names_the_error_and_that_intervals_hold():
    text = judge_color(validation(made_up()))
    assert "the background, whole-face redness is within 0.20 a* under T0" in text
    assert text.endswith("the stated 95 % intervals hold.")


def test_intervals_that_are_too_narrow_are_named():
    text = judge_color(validation(made_up(error=2.0)))
    assert "stated intervals are too narrow for redness (whole face, T0, background) 0 %" in text


def test_too_few_misses_for_a_verdict_are_no_accusation():
    assert "hold" in judge_color(validation(made_up(error=2.0, n=1) + made_up(n=20)))


def test_nothing_compared_is_said_so():
    empty = validation([PairScore(pair="a #1", photo="a", group="tan", kind="local", test="local", tier="T0")])
    assert "cannot be said" in judge_color(empty)
    assert "hold" not in judge_color(empty)


def test_remarks_tell_of_the_worst_pair_refusals_cards_and_copies_in_one_line_each():
    pairs = made_up(n=3) + made_up(rung="none", half=20.0, n=2, reason="the scene\nchanged")
    more = (
        *seen_card_figures({"a": "", "b": "a card"}),
        *copy_figures("a.jpg", {"HEIC": {("redness", "nose"): 0.25}, "AVIF": {}}),
    )
    lines = color_remarks(validation(pairs, *more))
    text = "\n".join(lines)
    assert all(line.isprintable() for line in lines)
    assert "2 pairs got no colour reference" in text
    assert "card is seen in 1 of the 2 photos" in text
    assert "within 0.25 a* of the original (HEIC is farthest off); not measured: AVIF" in text
    assert "Farthest off with a colour reference" in text


def test_tables_leave_out_what_was_not_tested():
    tables = render_color_tables(validation(made_up()).figures)
    assert [table.columns[0].header for table in tables] == ["changed", "skin, photos"]
    assert not render_color_tables(card_figures([]))
