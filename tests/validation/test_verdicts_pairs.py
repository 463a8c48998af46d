"""Pairs of small faces, with and without a change, and what is counted of the program's verdicts on them."""

from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest

from skinprogress.comparison.uncertainty import simultaneous_z
from skinprogress.metrics.table import METRICS
from skinprogress.photos.profiles import srgb_encoding
from skinprogress.pipeline.inspecting import find_client_face
from skinprogress.records import Change, ClientResult, Comparison, Photo, PhotoRef
from skinprogress.settings import Settings
from skinprogress.validation import scenes, verdicts_outcomes, verdicts_pairs
from skinprogress.validation.verdicts_outcomes import AMOUNTS, SETUPS, Setup, VerdictPair, judge_pair
from skinprogress.validation.verdicts_pairs import IOD_PX, only_metrics, photograph_visit, score_pair, small_scene

NAN = float("nan")
# Standard errors in half of an interval that holds for three regions jointly.
JOINT_Z = simultaneous_z(0.95, 3)


@pytest.fixture(scope="module")
def photo(portrait):
    return Photo(
        ref=PhotoRef(path=None, file="a.png", client="", session=""), pixels=portrait, curve=srgb_encoding(256).curve,
        matrix=np.eye(3, dtype=np.float32), metadata={},
    )  # fmt: skip


@pytest.fixture(scope="module")
def scene(photo):
    return small_scene(photo, find_client_face(photo, settings=Settings())[0])


def make(scene, setup, **more):
    plain = {"tier": "T0", "photo": "a.png", "tone": "light", "number": 3, "seed": [1], "settings": Settings()}
    return score_pair(scene, setup, **{**plain, **more})


def test_the_face_of_a_scene_is_small_and_a_small_one_stays_as_it_is(photo, scene):
    height, width = scene.linear_rgb.shape[:2]
    found = find_client_face(photo, settings=Settings())[0]
    assert scene.landmarks.iod_px == pytest.approx(IOD_PX, abs=1.0)
    assert width / height == pytest.approx(photo.pixels.shape[1] / photo.pixels.shape[0], abs=0.01)
    little = replace(photo, pixels=cv2.resize(photo.pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    halved = replace(found, points_xy=found.points_xy / 2)
    assert small_scene(little, halved).linear_rgb.shape == little.pixels.shape


def test_two_shots_of_a_visit_share_the_light_and_not_the_hand(scene, monkeypatch):
    taken = []

    def record(rgb, params, *, rng):
        taken.append(params)
        return rgb, None

    monkeypatch.setattr(verdicts_pairs, "rephotograph", record)
    rng = np.random.default_rng(4)
    for _ in range(2):
        list(photograph_visit(scene.linear_rgb, scene, Setup("unchanged", shots=2), tier="T1", rng=rng))
    one, two, other, _ = taken
    for name in ("gains", "exposure", "shading", "mixed_light", "gamma", "saturation", "veil"):
        assert getattr(one, name) == getattr(two, name) != getattr(other, name)
    for name in ("rotation_deg", "scale", "shift", "blur_px", "noise"):
        assert getattr(one, name) != getattr(two, name)


def test_a_large_change_is_found_where_it_is_and_nothing_is_claimed_without_one(scene):
    found = make(scene, Setup("local", amount=6.0))
    target = next(t for t in found.targets if t.metric == "relative_redness")
    assert abs(target.true) > 3.0 and target.found
    assert {f.metric for f in found.families} == set(scenes.METRICS)
    assert all(f.large >= 1 and f.large_unchanged == 0 for f in found.families)
    still = make(scene, Setup("unchanged"))
    assert not still.targets and len(still.families) > len(scenes.METRICS)
    redness = [f for f in still.families if f.metric in scenes.METRICS]
    assert all(f.tests > 5 and f.said == f.large == 0 and f.error > 0.0 for f in redness)
    assert still.grade in "ABCD" and still.rung == "background" and still.cpu_s > 0.0
    assert 0.0 < still.p_headline <= 1.0


def test_comparing_redness_alone_changes_nothing_of_its_verdicts(scene, monkeypatch):
    alone = make(scene, Setup("local", amount=2.0))
    monkeypatch.setattr(Setup, "every_metric", True)
    every = make(scene, Setup("local", amount=2.0))
    assert alone.families == tuple(f for f in every.families if f.metric in scenes.METRICS)
    assert np.isnan(alone.p_headline)


def test_the_table_of_metrics_is_put_back_in_order_after_an_error():
    before = list(METRICS)
    with pytest.raises(RuntimeError), only_metrics(Setup("local")):
        assert set(METRICS) == set(scenes.METRICS)
        raise RuntimeError
    assert list(METRICS) == before


def test_whole_faces_without_a_reference_are_not_comparable(scene):
    pair = make(scene, Setup("whole_face", "none", amount=2.0), tier="T1")
    assert pair.rung == "none"
    assert [t.verdict for t in pair.targets] == ["not comparable"] * 2
    assert {t.region for t in pair.targets} == {"face"}


def test_the_same_seed_and_number_give_the_same_pair_and_a_card_is_used(scene):
    runs = [make(scene, Setup("local", "card", 1, 1.5)) for _ in range(2)]
    assert runs[0].families == runs[1].families and runs[0].targets == runs[1].targets
    assert runs[0].rung == "card"


def test_every_kind_size_reference_and_number_of_shots_takes_its_turn():
    kinds = Counter(s.test for s in SETUPS)
    assert set(kinds) == {"unchanged", "local", "whole_face"} and min(kinds.values()) >= 0.25 * len(SETUPS)
    local = {(s.amount, s.shots) for s in SETUPS if s.test == "local"}
    assert local == {(amount, shots) for amount in AMOUNTS for shots in (1, 2)}
    assert all({s.reference for s in SETUPS if s.test == kind} >= {"background", "card"} for kind in kinds)
    # A handful of pairs has all kinds already.
    assert {s.test for s in SETUPS[:4]} == set(kinds)


def change(region, difference, *, half=1.0, verdict="no detectable change", metric="relative_redness", p=NAN):
    return Change(
        client="a", view="front", region=region, metric=metric, metric_version=1, unit="a*-eq", method="raw",
        against="baseline", from_session="before", to_session="after", baseline=10.0, followup=10.0 + difference,
        difference=difference, ci_low=difference - half, ci_high=difference + half, detectable_change=half,
        standard_error=half / JOINT_Z, n_baseline=1, n_followup=1, color_reference="card", grade="B", verdict=verdict,
        course_status="", n_common_px=100, p_headline=p,
    )  # fmt: skip


def judge(monkeypatch, changes, **more):
    comparison = Comparison(
        client="a", view="front", against="baseline", from_session="before", to_session="after", days_between=NAN,
        from_phase="", to_phase="", from_days_after=NAN, to_days_after=NAN, grade="B", reasons=("dim",), remedies=(),
        color_reference="card", light_difference=0.0, sharpness_ratio=1.0, pose_difference_deg=0.0, n_common_px=1,
    )  # fmt: skip
    blank = dict.fromkeys(ClientResult.__dataclass_fields__)
    result = ClientResult(**{**blank, "changes": tuple(changes), "comparisons": (comparison,)})
    monkeypatch.setattr(verdicts_outcomes, "compare_refs", lambda refs, settings: (list(changes), result))
    setup = more.pop("setup", Setup("unchanged"))
    pair = VerdictPair(pair="a #0", photo="a", tier="T0", setup=setup)
    return judge_pair(pair, [], **{"true": None, "region": None, "settings": Settings(), **more})


def test_claims_misses_and_refusals_are_counted_by_family(monkeypatch):
    found = judge(monkeypatch, [
        change("nose", 1.2, verdict="changed", p=0.004), change("chin", 0.9, p=0.3), change("forehead", 0.1, p=1.0),
        change("glabella", NAN, half=NAN, verdict="not comparable"),
    ])  # fmt: skip
    (family,) = found.families
    assert (family.rows, family.tests, family.not_comparable, family.said) == (4, 3, 1, 1)
    assert family.missed == 2 and family.missed_jointly
    assert family.error == pytest.approx(1.0 / JOINT_Z)
    assert family.spread == pytest.approx(np.sqrt((1.2**2 + 0.9**2 + 0.1**2) / 3) / family.error)
    assert found.p_headline == 0.004 and found.reason == ""


def test_a_change_counts_as_found_in_the_right_direction_only(monkeypatch):
    true = {("relative_redness", "nose"): -2.0, ("relative_redness", "chin"): 0.1}
    rows = [change("nose", 1.5, verdict="changed"), change("chin", 0.2, verdict="unchanged"), change("forehead", 0.0)]
    found = judge(monkeypatch, rows, true=true, region="nose", setup=Setup("local", amount=2.0))
    assert [(t.region, t.true, t.found) for t in found.targets] == [("nose", -2.0, False)]
    # The forehead has no known truth.
    assert found.families[0].rows == 2 and found.families[0].large == 1 and found.families[0].large_unchanged == 0
    rows[0] = change("nose", -0.4, verdict="unchanged")
    again = judge(monkeypatch, rows, true=true, region="nose", setup=Setup("local", amount=2.0))
    assert again.families[0].large_unchanged == 1 and not again.targets[0].found


def test_a_pair_that_could_not_be_compared_says_why(monkeypatch):
    monkeypatch.setattr(verdicts_outcomes, "compare_refs", lambda refs, settings: "no face")
    pair = VerdictPair(pair="a #0", photo="a", tier="T0", setup=Setup("unchanged"))
    assert judge_pair(pair, [], true=None, region=None, settings=Settings()).reason == "no face"
