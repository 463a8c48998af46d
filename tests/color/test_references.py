"""The ladder: which reference is taken for which photo, and who can be compared with whom."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from skinprogress.color.correcting import apply_correction
from skinprogress.color.references import ColorEvidence, correct_colors, shared_rung, uncorrected
from skinprogress.color.spaces import linear_rgb_to_lab, linear_to_srgb, srgb_to_linear
from skinprogress.color.surroundings import Surroundings, sample_background
from skinprogress.records import CardReading, Flag, PatchReading, Photo, PhotoRef

HEIGHT, WIDTH = 480, 360
HEAD = np.array([[10.0, 0.0, 180.0], [0.0, 10.0, 200.0]])
SKIN = np.array([0.45, 0.25, 0.18])


def room(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    wall = np.full((HEIGHT, WIDTH, 3), (0.42, 0.42, 0.40))
    for _ in range(14):
        y, x = rng.integers(0, HEIGHT - 90), rng.integers(0, WIDTH - 90)
        wall[y : y + 90, x : x + 90] = rng.uniform(0.08, 0.75, 3)
    cv2.ellipse(wall, (180, 200), (60, 80), 0, 0, 360, SKIN.tolist(), -1)
    return wall


def surroundings(linear: np.ndarray) -> Surroundings:
    noise = np.random.default_rng(11).normal(0, 1.5, linear.shape)
    photo = Photo(
        ref=PhotoRef(path=None, file="x", client="c", session="s"),  # type: ignore[arg-type]
        pixels=np.clip(linear_to_srgb(linear) * 255 + 0.5 + noise, 0, 255).astype(np.uint8),
        curve=np.tile(srgb_to_linear(np.arange(256, dtype=np.float32) / 255), (3, 1)).astype(np.float32),
        matrix=np.eye(3, dtype=np.float32),
        metadata={},
    )
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    outline = np.stack([180 + 60 * np.cos(angle), 200 + 80 * np.sin(angle)], axis=1)
    return Surroundings(sample=sample_background(photo, outline), head_xy=HEAD, size_px=(HEIGHT, WIDTH))


def card(cast: np.ndarray) -> CardReading:
    """A card as a camera with a cast would read it, patches on a grid."""
    from skinprogress.color.card_values import reference_linear_rgb

    true = reference_linear_rgb("2014")
    columns, rows = np.meshgrid(np.arange(6), np.arange(4))
    xy = np.stack([50.0 + 40.0 * columns.ravel(), 60.0 + 40.0 * rows.ravel()], axis=1)
    return CardReading(
        corners_xy=np.array([[30.0, 40], [270, 40], [270, 200], [30, 200]]),
        patches_xy=xy,
        linear_rgb=(true * cast).astype(np.float32),
        scatter=np.full(24, 0.01, np.float32),
        usable=np.ones(24, bool),
        width_px=240.0,
    )


def patch(cast: np.ndarray, reflectance: float = 0.5, problem: str = "") -> PatchReading:
    return PatchReading(
        linear_rgb=np.asarray(reflectance * cast, np.float32), scatter=0.01, reflectance=reflectance, problem=problem
    )


CAST = np.array([1.1, 1.0, 0.9])
ROOM, OTHER = room(0), room(5)


def photo(cast=(1.0, 1.0, 1.0), *, where=ROOM, **found) -> ColorEvidence:
    return ColorEvidence(surroundings=surroundings(where * np.asarray(cast)), **found)


def of_camera(evidence: ColorEvidence, camera: str) -> ColorEvidence:
    return replace(evidence, surroundings=replace(evidence.surroundings, camera=camera))


def skin_lab(evidence_cast, correction) -> np.ndarray:
    return linear_rgb_to_lab(apply_correction((SKIN * evidence_cast)[None], correction))[0]


def test_without_anything_true_all_are_carried_to_the_reference_photo() -> None:
    found = correct_colors({"a": photo(), "b": photo(CAST)}, reference="a")
    assert [found[f].rung for f in "ab"] == ["background"] * 2
    assert found["a"].anchor == found["b"].anchor == "a"
    assert shared_rung(found["a"], found["b"]) == "background"
    np.testing.assert_allclose(found["b"].gains * CAST, 1.0, atol=0.01)
    assert found["a"].a_star_se == 0.0 < found["b"].a_star_se < 3.0
    # One camera renders alike; files that name none may come from two.
    named = {name: of_camera(e, "X") for name, e in {"a": photo(), "b": photo(CAST)}.items()}
    assert correct_colors(named, reference="a")["b"].a_star_se < 2.0 < found["b"].a_star_se


def test_a_card_makes_colours_true_and_carries_the_others_on() -> None:
    evidence = {"a": photo(CAST), "b": photo(card=card(np.ones(3))), "c": photo(1 / CAST, where=OTHER)}
    found = correct_colors(evidence, reference="a")
    assert [found[f].rung for f in "abc"] == ["background", "card", "none"]
    assert found["a"].anchor == found["b"].anchor == "card"
    assert shared_rung(found["a"], found["b"]) == "background"
    assert shared_rung(found["b"], found["c"]) == "none"
    np.testing.assert_allclose(skin_lab(CAST, found["a"]), skin_lab(np.ones(3), found["b"]), atol=0.5)
    assert found["a"].a_star_se > found["b"].a_star_se


def test_one_photo_without_a_card_does_not_demote_the_others() -> None:
    evidence = {"a": photo(card=card(np.ones(3))), "b": photo(CAST, card=card(CAST)), "c": photo()}
    found = correct_colors(evidence, reference="a")
    assert shared_rung(found["a"], found["b"]) == "card"
    assert shared_rung(found["a"], found["c"]) == "background"
    np.testing.assert_allclose(
        skin_lab(np.ones(3), found["a"]), linear_rgb_to_lab(SKIN[None].astype(np.float32))[0], atol=0.3
    )


def test_a_patch_gives_white_balance_and_exposure() -> None:
    evidence = {"a": photo(patch=patch(np.ones(3))), "b": photo(CAST * 0.8, where=OTHER, patch=patch(CAST * 0.8))}
    found = correct_colors(evidence, reference="a")
    assert [c.rung for c in found.values()] == ["patch", "patch"]
    assert shared_rung(found["a"], found["b"]) == "patch"
    np.testing.assert_allclose(skin_lab(CAST * 0.8, found["b"]), skin_lab(np.ones(3), found["a"]), atol=0.01)


def test_a_patch_is_matched_to_the_greys_of_a_card() -> None:
    evidence = {"a": photo(card=card(np.ones(3))), "b": photo(CAST, where=OTHER, patch=patch(CAST))}
    found = correct_colors(evidence, reference="a")
    assert found["b"].rung == "patch" and found["b"].anchor == "card"
    np.testing.assert_allclose(skin_lab(CAST, found["b"]), skin_lab(np.ones(3), found["a"]), atol=0.6)


def test_a_bad_patch_is_no_reference() -> None:
    found = correct_colors(
        {"a": photo(patch=patch(np.ones(3), problem="the patch is over-exposed")), "b": photo(where=OTHER)},
        reference="a",
    )
    assert {c.rung for c in found.values()} == {"none"}
    assert "over-exposed" in found["a"].reason


def test_photos_of_another_room_can_be_compared_with_each_other() -> None:
    evidence = {"a": photo(), "b": photo(where=OTHER), "c": photo(CAST, where=OTHER)}
    found = correct_colors(evidence, reference="a")
    assert shared_rung(found["b"], found["c"]) == "background"
    assert shared_rung(found["a"], found["b"]) == "none"
    assert found["a"].rung == "none" and Flag.COLOR_NOT_MATCHED in found["a"].flags


@pytest.mark.parametrize("choice", ["background", "none"])
def test_the_choice_is_the_users(choice) -> None:
    evidence = {"a": photo(card=card(np.ones(3))), "b": photo(CAST, card=card(CAST))}
    found = correct_colors(evidence, reference="a", choice=choice)
    assert {c.rung for c in found.values()} == {choice}
    assert shared_rung(found["a"], found["b"]) == choice


def test_an_unusable_card_is_told_and_the_next_rung_taken() -> None:
    bad = replace(card(np.ones(3)), problem="it is cut off at the edge of the photo", remedy="show all of it")
    found = correct_colors({"a": photo(), "b": photo(CAST, card=bad)}, reference="a")
    assert found["b"].rung == "background"
    assert "cut off" in found["b"].reason
    assert Flag.CARD_UNUSABLE in found["b"].flags


def test_a_black_and_white_photo_is_matched_to_nothing() -> None:
    found = correct_colors({"a": photo(), "b": replace(photo(), colorless=True)}, reference="a")
    assert found["b"].rung == "none" and "black and white" in found["b"].reason


def test_uncorrected_is_wide() -> None:
    found = uncorrected("because")
    assert found.reason == "because"
    assert found.a_star_se > 3.0
    np.testing.assert_array_equal(apply_correction(SKIN[None], found)[0], SKIN.astype(np.float32))


def test_a_card_in_other_light_than_the_face_is_contradicted_by_the_wall() -> None:
    tinted = np.array([0.72, 1.0, 1.15])
    evidence = {"a": photo(card=card(np.ones(3))), "b": photo(card=card(np.ones(3))), "c": photo(card=card(tinted))}
    found = correct_colors(evidence, reference="a")
    assert Flag.CARD_DISAGREES in found["c"].flags and Flag.CARD_DISAGREES not in found["b"].flags
    assert "light of the face" in found["c"].reason
    wrong = skin_lab(np.ones(3), found["c"])[1] - skin_lab(np.ones(3), found["a"])[1]
    assert wrong < 2.0 * found["c"].a_star_se
    assert found["c"].a_star_se > 3.0 * found["b"].a_star_se


def test_a_card_half_in_shadow_is_left_for_the_wall() -> None:
    shaded = card(np.ones(3))
    shaded.linear_rgb[np.tile(np.arange(6) > 2, 4)] *= 0.35
    found = correct_colors({"a": photo(), "b": photo(CAST, card=shaded)}, reference="a")
    assert found["b"].rung == "background" and Flag.CARD_UNUSABLE in found["b"].flags
