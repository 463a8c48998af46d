"""Signs of make-up: painted ones are found, and neither blur nor light nor red skin is taken for them."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.color.spaces import srgb_to_linear
from skinprogress.face.canonical import canonical_map, resample
from skinprogress.face.landmarks import find_landmarks
from skinprogress.face.makeup import find_makeup, lid_masks, lip_masks
from skinprogress.face.regions import bare_face_mask
from skinprogress.face.skin import estimate_visibility, find_skin
from skinprogress.photos.reading import read_photo, to_srgb8
from skinprogress.records import PhotoRef
from skinprogress.synthetic.changes import ONE_PERCENT_BLOOD, canonical_weight, inject_pigment
from skinprogress.synthetic.makeup import blush_weight, lid_weight, lip_weight, paint_color, paint_foundation

Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
SIDE = 512
NOWHERE = np.zeros((SIDE, SIDE), bool)
VISIBILITY = estimate_visibility((0.0, 0.0, 0.0), SIDE)


def redder(face: Image, percent: float, regions: tuple[str, ...], exclude: tuple[str, ...] = ()) -> Image:
    weight = canonical_weight(dict.fromkeys(regions, 1.0), exclude=exclude, feather_mm=4.0, side_px=SIDE)
    return inject_pigment(face, percent * ONE_PERCENT_BLOOD * weight, direction="haemoglobin")


@pytest.fixture(scope="module")
def made_up(portrait: npt.NDArray[np.uint8]) -> Image:
    """The portrait in the canonical frame: she wears make-up."""
    xy = canonical_map(find_landmarks(portrait)[0].points_xy, SIDE)
    return np.asarray(resample(srgb_to_linear(portrait), xy), np.float32)


@pytest.fixture(scope="module")
def skin(made_up: Image) -> Mask:
    return find_skin(made_up, NOWHERE, VISIBILITY)


@pytest.fixture(scope="module")
def bare(made_up: Image) -> Image:
    """The same face with a nose as red as noses are."""
    return redder(made_up, 1.0, ("nose",))


def test_make_up_is_seen_on_the_portrait_and_gone_with_a_red_nose(made_up, bare, skin):
    reading = find_makeup(made_up, skin)
    assert reading.suspected
    assert "even" in reading.reasons[0]
    assert find_makeup(bare, skin).signs["even"] < 0.5
    assert not find_makeup(bare, skin).suspected


def test_more_foundation_is_more_even(bare, skin):
    strength = [
        find_makeup(paint_foundation(bare, skin, opacity=opacity), skin).signs["even"]
        for opacity in (0.0, 0.4, 0.6, 0.9)
    ]
    assert (np.diff(strength) > 0.1).all()
    assert strength[-1] >= 1.0


@pytest.mark.parametrize("sigma", [2.0, 5.0])
def test_blur_is_no_make_up(bare, skin, sigma):
    before, after = find_makeup(bare, skin), find_makeup(cv2.GaussianBlur(bare, (0, 0), sigma), skin)
    assert not after.suspected
    for name, strength in before.signs.items():
        assert after.signs[name] == pytest.approx(strength, abs=0.2)


@settings(max_examples=8, deadline=None)
@given(gains=st.tuples(*[st.floats(0.6, 1.3)] * 3))
def test_the_colour_of_the_light_changes_nothing(bare, skin, gains):
    image = np.maximum(bare, 0.02)
    one, other = find_makeup(image, skin), find_makeup(image * np.array(gains, np.float32), skin)
    for name, strength in one.signs.items():
        assert other.signs[name] == pytest.approx(strength, abs=0.05)


def test_a_mirrored_face_reads_the_same(bare, skin):
    one = find_makeup(bare, skin)
    other = find_makeup(np.ascontiguousarray(bare[:, ::-1]), np.ascontiguousarray(skin[:, ::-1]))
    for name, strength in one.signs.items():
        assert other.signs[name] == pytest.approx(strength, abs=0.1)


@pytest.mark.parametrize("color", [(0.45, 0.8, 1.6), (0.5, 1.0, 0.9), (0.8, 0.6, 1.6)])
def test_coloured_lids_are_seen_when_both_are(bare, skin, color):
    film = tuple(np.median(bare[skin], axis=0) * color)
    weight = lid_weight(SIDE)
    both = find_makeup(paint_color(bare, weight, color=film, opacity=0.6), skin)
    assert both.signs["lids"] >= 1.0
    assert both.reasons == ("both upper lids have a colour that bare skin does not have",)
    weight[:, : SIDE // 2] = 0.0
    assert find_makeup(paint_color(bare, weight, color=film, opacity=0.6), skin).signs["lids"] < 1.0


def test_red_lips_are_seen_and_paler_ones_are_not(bare, skin):
    usual = np.median(bare[skin], axis=0)
    strengths = [
        find_makeup(paint_color(bare, lip_weight(SIDE), color=tuple(usual * tint), opacity=0.8), skin).signs["lips"]
        for tint in ((0.95, 0.75, 0.8), (1.1, 0.45, 0.6), (0.9, 0.1, 0.15))
    ]
    assert strengths == sorted(strengths)
    assert strengths[0] < 1.0 <= strengths[-1]


def test_blush_needs_both_cheeks_and_a_covered_nose(made_up, bare, skin):
    film = tuple(np.median(made_up[skin], axis=0) * (1.05, 0.5, 0.65))
    weight = blush_weight(SIDE)
    assert find_makeup(paint_color(made_up, weight, color=film, opacity=0.7), skin).signs["cheeks"] >= 1.0
    # What a rosy face looks like: cheeks and nose.
    assert find_makeup(paint_color(bare, weight, color=film, opacity=0.7), skin).signs["cheeks"] < 1.0
    weight[:, SIDE // 2 :] = 0.0
    assert not find_makeup(paint_color(made_up, weight, color=film, opacity=0.7), skin).signs["cheeks"] >= 1.0


@pytest.mark.parametrize("percent", [1.0, 2.0])
@pytest.mark.parametrize("regions", [("face",), ("cheek_left", "cheek_right"), ("forehead",), ("nose", "chin")])
def test_red_skin_is_no_make_up(bare, skin, regions, percent):
    assert not find_makeup(redder(bare, percent, regions), skin).suspected


def test_a_face_treated_around_the_nose_is_no_make_up(bare, skin):
    assert not find_makeup(redder(bare, 3.0, ("face",), exclude=("nose",)), skin).suspected


def test_nothing_is_said_of_grey_pictures_hidden_cheeks_and_lights_of_two_colours(made_up, skin):
    grey = np.repeat(made_up.mean(axis=2, keepdims=True), 3, axis=2)
    half = skin.copy()
    half[:, : SIDE // 2] = False
    across = np.linspace(-0.3, 0.3, SIDE, dtype=np.float32)[None, :, None] * np.array([0.0, 1.0, 0.0], np.float32)
    for image, mask in ((grey, skin), (made_up, half), (made_up, NOWHERE), (made_up * np.exp(across), skin)):
        reading = find_makeup(np.ascontiguousarray(image, np.float32), mask)
        assert np.isnan(list(reading.signs.values())).all()
        assert not reading.suspected


def test_the_frame_may_have_any_size_and_is_not_written_to(bare, skin):
    small = find_makeup(bare, skin)
    image = cv2.resize(bare, (1536, 1536), interpolation=cv2.INTER_LINEAR)
    mask = cv2.resize(skin.astype(np.uint8), (1536, 1536), interpolation=cv2.INTER_NEAREST) > 0
    image.setflags(write=False)
    mask.setflags(write=False)
    large = find_makeup(image, mask)
    for name, strength in small.signs.items():
        assert large.signs[name] == pytest.approx(strength, abs=0.1)


def test_lids_and_lips_lie_where_they_should():
    right, left = lid_masks(SIDE)
    upper, lower = lip_masks(SIDE)
    assert not right[:, SIDE // 2 :].any()
    assert not left[:, : SIDE // 2].any()
    assert right.sum() == pytest.approx(left.sum(), rel=0.05)
    assert not ((upper | lower) & bare_face_mask(SIDE)).any()
    assert np.nonzero(upper)[0].mean() < np.nonzero(lower)[0].mean()


@pytest.fixture
def canonical(real_photos: Path) -> Callable[[str], tuple[Image, Mask]]:
    def draw(file: str) -> tuple[Image, Mask]:
        photo = read_photo(PhotoRef(path=real_photos / file, file=file, client="x", session="0"))
        rgb = to_srgb8(photo)
        landmarks = find_landmarks(rgb)[0]
        image = np.asarray(resample(srgb_to_linear(rgb), canonical_map(landmarks.points_xy, SIDE)), np.float32)
        return image, find_skin(image, NOWHERE, estimate_visibility(landmarks.pose_deg, SIDE))

    return draw


@pytest.mark.parametrize("who", ["005", "022", "044", "068", "070", "082", "099", "125"])
def test_bare_faces_raise_no_alarm(canonical, who):
    assert not find_makeup(*canonical(f"london/{who}_neutral.jpg")).suspected


@pytest.mark.parametrize(("who", "sign"), [("064", "lids"), ("064", "cheeks"), ("112", "cheeks"), ("129", "even")])
def test_worn_make_up_is_seen(canonical, who, sign):
    assert find_makeup(*canonical(f"london/{who}_neutral.jpg")).signs[sign] >= 1.0
