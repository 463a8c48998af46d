"""Soft shine: a painted veil is found where it lies, and redness, light and shading are not taken for it."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.face.gloss import GlossReading, find_gloss
from skinprogress.face.regions import bare_face_mask
from skinprogress.synthetic.changes import canonical_weight, inject_pigment
from skinprogress.synthetic.makeup import paint_veil, shine_weight

Image = npt.NDArray[np.float32]
SIDE = 512
SKIN = bare_face_mask(SIDE)
TONES = {"light": (0.50, 0.30, 0.20), "medium": (0.25, 0.14, 0.09), "dark": (0.10, 0.05, 0.03)}
PLACES = {"forehead": ["forehead"], "nose": ["nose"], "cheeks": ["cheek_left", "cheek_right"]}


def matt(tone: str) -> Image:
    """A face of one colour under soft light from the side, with grain."""
    grain = np.random.default_rng(5).standard_normal((SIDE, SIDE, 1)).astype(np.float32)
    light = np.linspace(-0.4, 0.4, SIDE, dtype=np.float32)[None, :, None]
    return np.asarray(np.array(TONES[tone], np.float32) * np.exp(0.03 * grain + light), np.float32)


def veiled(tone: str, place: str, share: float, width_mm: float = 20.0) -> GlossReading:
    return find_gloss(paint_veil(matt(tone), shine_weight(SIDE, place, width_mm=width_mm), share=share), SKIN)


@pytest.mark.parametrize("tone", TONES)
def test_matt_skin_does_not_shine(tone):
    reading = find_gloss(matt(tone), SKIN)
    assert not reading.shiny
    assert np.abs(list(reading.bump.values())).max() < 0.2
    assert not reading.redness_lost


@pytest.mark.parametrize(("tone", "share"), [("light", 0.12), ("medium", 0.08), ("dark", 0.04)])
@pytest.mark.parametrize("place", PLACES)
def test_a_veil_is_found_where_it_lies(tone, place, share):
    reading = veiled(tone, place, share) if place == "forehead" else veiled(tone, place, 2.0 * share)
    assert sorted(reading.places) == sorted(PLACES[place])
    assert reading.shiny
    assert set(reading.redness_lost) == set(PLACES[place])


@pytest.mark.parametrize("tone", TONES)
def test_more_veil_is_a_higher_bump(tone):
    bumps = [veiled(tone, "forehead", share).bump["forehead"] for share in (0.0, 0.02, 0.05, 0.1, 0.2)]
    assert (np.diff(bumps) > 0.05).all()


def test_the_same_veil_shows_more_on_darker_skin():
    bumps = [veiled(tone, "nose", 0.03).bump["nose"] for tone in TONES]
    assert bumps == sorted(bumps)


def test_lost_redness_is_about_what_the_veil_takes():
    share = 0.06
    skin = np.array(TONES["medium"])
    veil = skin + share * (1.0 - skin)
    lost = np.log(skin[0] / skin[1]) - np.log(veil[0] / veil[1])
    assert veiled("medium", "forehead", share).redness_lost["forehead"] == pytest.approx(lost / 0.0405, rel=0.5)


@pytest.mark.parametrize("direction", ["haemoglobin", "haemoglobin_tsumura"])
@pytest.mark.parametrize("amount", [-0.4, 0.4])
def test_redness_does_not_decide(amount, direction):
    for tone in TONES:
        plain = matt(tone)
        blood = amount * canonical_weight({"forehead": 1.0}, feather_mm=6.0, side_px=SIDE)
        change = find_gloss(inject_pigment(plain, blood, direction=direction), SKIN).bump["forehead"]
        assert abs(change - find_gloss(plain, SKIN).bump["forehead"]) < (0.1 if direction == "haemoglobin" else 0.6)


@settings(max_examples=8, deadline=None)
@given(gains=st.tuples(*[st.floats(0.6, 1.4)] * 3))
def test_exposure_and_white_balance_change_nothing(gains):
    image = paint_veil(matt("medium"), shine_weight(SIDE, "forehead"), share=0.06)
    one, other = find_gloss(image, SKIN), find_gloss(image * np.array(gains, np.float32), SKIN)
    for name, bump in one.bump.items():
        assert other.bump[name] == pytest.approx(bump, abs=0.02)


def test_mirroring_swaps_the_cheeks():
    weight = shine_weight(SIDE, "cheeks")
    weight[:, SIDE // 2 :] = 0.0  # the client's right one stays
    image = paint_veil(matt("medium"), weight, share=0.12)
    one, other = find_gloss(image, SKIN), find_gloss(image[:, ::-1].copy(), SKIN[:, ::-1].copy())
    assert one.places == ("cheek_right",)
    assert other.places == ("cheek_left",)
    assert other.bump["cheek_left"] == pytest.approx(one.bump["cheek_right"], abs=0.05)


def test_what_was_left_out_as_a_bright_spot_still_counts():
    weight = shine_weight(SIDE, "forehead")
    image = paint_veil(matt("dark"), weight, share=0.1)
    spot = (weight > 0.3) & SKIN
    assert np.isnan(find_gloss(image, SKIN & ~spot).bump["forehead"])
    assert find_gloss(image, SKIN & ~spot, shine=spot).bump["forehead"] > 1.0


def test_nothing_is_said_of_hidden_skin_and_lights_of_two_colours():
    assert not find_gloss(matt("light"), np.zeros_like(SKIN)).shiny
    across = np.linspace(-0.3, 0.3, SIDE, dtype=np.float32)[None, :, None] * np.array([0.0, 0.0, 1.0], np.float32)
    two = paint_veil(matt("dark"), shine_weight(SIDE, "nose"), share=0.2) * np.exp(across)
    for reading in (find_gloss(matt("light"), np.zeros_like(SKIN)), find_gloss(np.asarray(two, np.float32), SKIN)):
        assert np.isnan(list(reading.bump.values())).all()
        assert not reading.redness_lost


def test_the_frame_may_have_any_size_and_is_not_written_to():
    image = paint_veil(matt("medium"), shine_weight(SIDE, "forehead"), share=0.08)
    large = cv2.resize(image, (1536, 1536), interpolation=cv2.INTER_LINEAR)
    skin = cv2.resize(SKIN.astype(np.uint8), (1536, 1536), interpolation=cv2.INTER_NEAREST) > 0
    large.setflags(write=False)
    skin.setflags(write=False)
    bumps = find_gloss(large, skin).bump
    for name, bump in find_gloss(image, SKIN).bump.items():
        assert bumps[name] == pytest.approx(bump, abs=0.1)
