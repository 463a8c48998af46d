"""Photos whose true colour is stated: pairing, truth, and damaged statements."""

import json
from pathlib import Path

import numpy as np
import pytest

from skinprogress.color.spaces import linear_rgb_to_lab
from skinprogress.errors import UsageError
from skinprogress.records import PhotoRef
from skinprogress.settings import Settings
from skinprogress.validation.color_renders import _true_changes, pair_renders, read_true_colors, score_render_pair

AREAS = ("right_cheek", "left_cheek", "right_jaw", "left_jaw", "forehead", "glabella", "nose", "upper_lip", "chin")


def ref(folder: Path, name: str) -> PhotoRef:
    return PhotoRef(path=folder / f"{name}.jpg", file=f"{folder.name}/{name}.jpg", client="", session="")


def state(folder: Path, name: str, changed: dict | None = None, *, card=None) -> PhotoRef:
    """Write a truth in which blood takes away that share of green light in some areas."""
    folder.mkdir(parents=True, exist_ok=True)
    areas = {}
    for area in AREAS:
        rgb = np.array([0.60, 0.33, 0.28])
        rgb[1:] *= 1.0 - (changed or {}).get(area, 0.0)
        areas[area] = {"lin": rgb.tolist(), "lab": linear_rgb_to_lab(rgb.astype(np.float32)).tolist()}
    (folder / f"{name}.truth.json").write_text(json.dumps({"areas_texture": areas, "card": card}))
    return ref(folder, name)


def test_left_and_right_are_the_clients_own_and_an_area_keeps_its_colour(tmp_path):
    colors = read_true_colors(state(tmp_path, "a", {"left_cheek": 0.1}))
    assert set(colors.lab) >= {"cheek_left", "cheek_right", "jaw_left", "upper_lip"}
    assert colors.index["cheek_left"] - colors.index["cheek_right"] == pytest.approx(-np.log(0.9) / 0.0405)
    assert not colors.has_card


def test_the_reference_is_the_base_of_the_folder_else_one_that_shows_a_card_just_if_the_photo_does(tmp_path):
    retake, card, red, alone = (tmp_path / name for name in ("retake", "card", "red", "alone"))
    with_card, base = state(card, "base", card={"edition": 1}), state(retake, "base")
    easy, red_1 = state(retake, "easy"), state(red, "hb_1")
    carded = state(card, "red", card={"edition": 1})
    unstated = ref(alone, "plain")
    assert pair_renders([with_card, carded, base, easy, red_1, unstated]) == [
        (with_card, carded), (base, easy), (base, red_1)
    ]  # fmt: skip
    assert pair_renders([red_1, state(red, "hb_2")])[0][0] == red_1


def test_relative_redness_counts_the_rest_of_the_face(tmp_path):
    before = read_true_colors(state(tmp_path, "base"))
    one = _true_changes(before, read_true_colors(state(tmp_path, "one", {"left_cheek": 0.1})))
    step = -np.log(0.9) / 0.0405
    assert one["redness_index", "cheek_left"] == pytest.approx(step)
    assert one["relative_redness", "cheek_left"] == pytest.approx(step)
    assert -0.4 * step < one["relative_redness", "nose"] < -0.02 * step
    assert one["redness", "cheek_left"] > 1.0 and one["redness", "nose"] == 0.0
    everywhere = _true_changes(before, read_true_colors(state(tmp_path, "all", dict.fromkeys(AREAS, 0.1))))
    assert everywhere["relative_redness", "cheek_left"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("text", ["{", "[]", '{"areas_texture": {"nose": {"lab": [1, 2]}}}', '{"areas_texture": 3}'])
def test_a_damaged_statement_names_its_file(tmp_path, text):
    (tmp_path / "a.truth.json").write_text(text)
    with pytest.raises(UsageError, match=r"a\.truth\.json"):
        read_true_colors(ref(tmp_path, "a"))


def test_a_truth_without_colours_makes_no_pair(tmp_path):
    (tmp_path / "a.truth.json").write_text('{"vertex_xy": []}')
    assert read_true_colors(ref(tmp_path, "a")) is None
    assert pair_renders([ref(tmp_path, "a")]) == []


def test_a_pair_that_cannot_be_read_is_told_and_not_lost(tmp_path):
    score = score_render_pair(state(tmp_path, "base"), state(tmp_path, "a"), settings=Settings())
    assert score.rung == "" and score.reason and score.unchanged and not score.outcomes


def test_rendered_redness_is_recovered(real_photos):
    folder = real_photos / "renders" / "red_same"
    pairs = pair_renders([ref(folder, "hb_+0.03"), ref(folder, "hb_+0.25")])
    score = score_render_pair(*pairs[0], settings=Settings())
    told = {(o.metric, o.region): o for o in score.outcomes}
    cheek = told["relative_redness", "cheek_left"]
    assert cheek.changed and cheek.true > 3.0
    assert cheek.found == pytest.approx(cheek.true, rel=0.3)
