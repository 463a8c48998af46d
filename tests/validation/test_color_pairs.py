"""Pairs with a known change, and the figures that are made of them."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from skinprogress.photos.profiles import srgb_encoding
from skinprogress.pipeline.inspecting import find_client_face
from skinprogress.records import Photo, PhotoRef
from skinprogress.settings import Settings
from skinprogress.validation.color_cards import CardOutcome
from skinprogress.validation.color_outcomes import Outcome, PairScore
from skinprogress.validation.color_pairs import SETUPS, Setup, score_pair
from skinprogress.validation.color_scores import card_figures, copy_figures, pair_figures, seen_card_figures
from skinprogress.validation.scenes import METRICS, make_scene


@pytest.fixture(scope="module")
def scene(portrait):
    rgb = cv2.resize(portrait, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    photo = Photo(
        ref=PhotoRef(path=None, file="a.png", client="", session=""), pixels=rgb, curve=srgb_encoding(256).curve,
        matrix=np.eye(3, dtype=np.float32), metadata={},
    )  # fmt: skip
    return make_scene(photo, find_client_face(photo, settings=Settings())[0])


def test_the_program_itself_is_graded_and_equal_mean_face_loses_the_signal(scene, only_metrics):
    only_metrics(*METRICS)
    setup = Setup("whole_face", "without", "T0")
    score = score_pair(scene, setup, photo="a.png", tone="light", number=1, seed=[1], settings=Settings())
    assert (score.test, score.rung, score.unchanged) == ("whole_face_without", "none", False)
    told = {(o.method, o.metric, o.region): o for o in score.outcomes}
    face = told["none", "redness_index", "face"]
    assert abs(face.true) > 0.8
    assert 0.0 < face.half_alone < face.half
    assert abs(face.error) < face.half
    flattened = told["equal_mean_face", "redness_index", "face"]
    assert flattened.true == face.true and abs(flattened.found) < 0.3
    assert {o.region for o in score.outcomes if o.metric == "redness" and o.method == "none"} >= {"cheek_left", "face"}


def test_all_kinds_tiers_and_backgrounds_take_turns():
    assert len(set(SETUPS)) >= 16
    assert {s.kind for s in SETUPS} == {"whole_face", "local", "no_change"}
    assert {(s.view, s.tier) for s in SETUPS if s.kind == "whole_face"} == {
        (view, tier) for view in ("in_view", "cropped", "without", "card") for tier in ("T0", "T1")
    }


def outcome(true, found, *, half=1.0, region="face", metric="redness", method="background", changed=True, verdict=""):
    return Outcome(
        method=method, metric=metric, region=region, changed=changed, true=true, found=found, half=half,
        half_alone=0.7 * half, verdict=verdict,
    )  # fmt: skip


def pair(number, outcomes, *, kind="whole_face", rung="background", unchanged=False, test=None):
    return PairScore(
        pair=f"a.jpg #{number}", photo="a.jpg", group="light", kind=kind, test=test or kind, tier="T0", rung=rung,
        unchanged=unchanged, outcomes=tuple(outcomes),
    )  # fmt: skip


def look_up(figures):
    return {(f.test, f.method, f.subject, f.metric, f.figure): f for f in figures}


def test_errors_slope_and_coverage_are_those_of_the_pairs():
    pairs = [
        pair(0, [outcome(-2.0, -1.0), outcome(-2.0, -2.0, region="nose")]),
        pair(1, [outcome(0.0, 0.5), outcome(0.0, 0.8, region="nose")]),
        pair(2, [outcome(4.0, 5.5), outcome(4.0, 4.0, region="nose")]),
    ]
    found = look_up(pair_figures(pairs))

    def value(figure):
        return found["whole_face", "background", "all", "redness", figure].value

    assert value("error_rms") == pytest.approx(np.sqrt((1.0 + 0.25 + 2.25) / 3))  # of the whole face alone
    assert value("error_median") == pytest.approx(1.0)
    assert value("slope") == pytest.approx(np.polyfit([-2, 0, 4], [-1, 0.5, 5.5], 1)[0])
    assert value("coverage") == pytest.approx(2 / 3)  # the third pair's face lies outside of ± 1
    assert value("coverage_pointwise") == pytest.approx((0.5 + 0.5 + 0.5) / 3)
    assert value("coverage_judged") == pytest.approx(1 / 3)
    assert value("coverage_low") < 2 / 3 < value("coverage_high")
    assert found["whole_face_any", "background", "light", "redness", "error_rms"].n == 3
    assert found["whole_face_any", "background", "a.jpg", "redness", "error_rms"].n == 3


def test_false_changes_are_counted_by_pair_and_only_where_nothing_changed():
    still = [
        pair(0, [outcome(0, 0, verdict="no detectable change"), outcome(0, 2, region="nose", verdict="worsened")],
             kind="no_change", unchanged=True),
        pair(1, [outcome(0, 0, verdict="not comparable")], kind="no_change", unchanged=True),
    ]  # fmt: skip
    found = look_up(pair_figures([*still, pair(2, [outcome(2, 2, verdict="worsened")])]))
    assert found["no_change", "background", "all", "redness", "false_change_rate"].value == 0.5
    assert ("whole_face", "background", "all", "redness", "false_change_rate") not in found


def test_a_local_change_is_judged_where_it_is_and_elsewhere_apart():
    outcomes = [
        outcome(3.0, 2.5, metric="relative_redness", region="nose"),
        outcome(-0.1, 0.0, metric="relative_redness", region="chin", changed=False),
    ]
    found = look_up(pair_figures([pair(0, outcomes, kind="local")]))
    assert found["local", "background", "all", "relative_redness", "error_rms"].value == pytest.approx(0.5)
    assert found["local_elsewhere", "background", "all", "relative_redness", "error_rms"].value == pytest.approx(0.1)


def test_pairs_that_were_not_compared_are_counted_too():
    pairs = [pair(0, [outcome(1, 1)]), pair(1, [], rung=""), pair(2, [outcome(1, 1, method="none")], rung="none")]
    found = look_up(pair_figures(pairs))
    shares = {key[1]: f.value for key, f in found.items() if key[4] == "rung_share"}
    assert shares == pytest.approx({"background": 1 / 3, "none": 1 / 3, "not compared": 1 / 3})


def test_rungs_are_pooled_over_backgrounds_for_tones_and_photos():
    pairs = [pair(0, [outcome(1, 1)]), pair(1, [outcome(1, 2)], test="whole_face_cropped")]
    found = look_up(pair_figures(pairs))
    assert found["whole_face_any", "background", "light", "redness", "error_rms"].n == 2
    assert found["whole_face_cropped", "background", "all", "redness", "error_rms"].n == 1


def test_cards_that_were_not_used_count_as_found_or_not():
    used = CardOutcome(
        photo="a", group="light", tier="T0", problem="", delta_e={"nose": 1.0, "chin": 3.0},
        delta_e_same_lightness={"nose": 0.5}, delta_e_white_balance={"nose": 4.0},
    )  # fmt: skip
    cards = [
        used,
        replace(used, photo="b", problem="cut off", delta_e={}),
        replace(used, problem="not found", delta_e={}),
    ]
    found = look_up(card_figures(cards))
    assert found["card", "card", "all", "cards", "found_share"].value == pytest.approx(2 / 3)
    assert found["card", "card", "all", "cards", "used_share"].value == pytest.approx(1 / 3)
    assert found["card", "card", "all", "skin", "delta_e_median"].value == pytest.approx(2.0)
    seen = look_up(seen_card_figures({"a": "", "b": "a card"}))
    assert seen["card", "card", "all", "photos as they are", "found_share"].value == 0.5


def test_a_copy_that_could_not_be_measured_is_nan_and_not_forgotten():
    figures = copy_figures("a.jpg", {"HEIC": {("redness", "nose"): -0.2, ("redness", "chin"): 0.1}, "AVIF": {}})
    found = {(f.method, f.metric): f.value for f in figures}
    assert found["HEIC", "redness"] == pytest.approx(0.2)
    assert np.isnan(found["AVIF", "redness"])
