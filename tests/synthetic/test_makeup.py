"""Painted make-up and shine: as strong as said, where it should be, and gone at strength 0."""

import numpy as np
import pytest

from skinprogress.face.regions import bare_face_mask, region_mask
from skinprogress.synthetic.changes import ONE_PERCENT_BLOOD, canonical_weight, inject_pigment
from skinprogress.synthetic.makeup import (
    blush_weight,
    lid_weight,
    lip_weight,
    paint_color,
    paint_foundation,
    paint_veil,
    shine_weight,
)

SIDE = 256
SKIN = bare_face_mask(SIDE)
CORE = region_mask("cheek_left", SIDE) | region_mask("forehead", SIDE) | region_mask("chin", SIDE)


@pytest.fixture(scope="module")
def face():
    """Skin with a red nose and cheek under light from above."""
    light = np.exp(np.linspace(0.3, -0.3, SIDE, dtype=np.float32))[:, None, None]
    grain = np.exp(0.05 * np.random.default_rng(2).standard_normal((SIDE, SIDE, 1)).astype(np.float32))
    plain = np.array([0.5, 0.3, 0.2], np.float32) * light * grain
    weight = canonical_weight({"nose": 1.0, "cheek_left": 1.0}, feather_mm=5.0, side_px=SIDE)
    return inject_pigment(plain, ONE_PERCENT_BLOOD * weight, direction="haemoglobin")


def redness(image):
    return np.log(image[..., 0] / image[..., 1])


def test_nothing_is_nothing(face):
    weight = shine_weight(SIDE, "nose")
    for same in (
        paint_foundation(face, SKIN, opacity=0.0),
        paint_color(face, weight, color=(0.1, 0.2, 0.3), opacity=0.0),
        paint_veil(face, weight, share=0.0),
    ):
        np.testing.assert_allclose(same, face, rtol=1e-6)
        assert same is not face


@pytest.mark.parametrize("opacity", [0.4, 0.8])
def test_foundation_takes_its_share_of_the_redness_and_leaves_the_shading(face, opacity):
    painted = paint_foundation(face, SKIN, opacity=opacity)
    assert np.ptp(redness(painted)[CORE]) == pytest.approx((1 - opacity) * np.ptp(redness(face)[CORE]), rel=0.05)
    falls = [
        np.log(np.median(image[region_mask("forehead", SIDE), 0]) / np.median(image[region_mask("chin", SIDE), 0]))
        for image in (face, painted)
    ]
    assert falls[0] > 0.3
    assert falls[1] == pytest.approx(falls[0], abs=0.02)


def test_foundation_fills_relief_as_far_as_told_and_leaves_the_lips(face):
    def grain(image):
        return np.std(np.diff(np.log(image[..., 0]), axis=1)[CORE[:, 1:]])

    sharp, filled = (paint_foundation(face, SKIN, opacity=0.8, relief_hidden=hidden) for hidden in (0.0, 1.0))
    assert grain(sharp) > 0.9 * grain(face)
    assert grain(filled) < 0.5 * grain(face)
    lips = lip_weight(SIDE) > 0.99
    np.testing.assert_allclose(filled[lips], face[lips], rtol=1e-3)  # the edge of the layer is soft


def test_an_opaque_film_has_its_own_colour_and_the_shading_of_what_it_covers(face):
    weight = np.ones((SIDE, SIDE), np.float32)
    painted = paint_color(face, weight, color=(0.4, 0.1, 0.1), opacity=1.0)
    np.testing.assert_allclose(redness(painted), np.log(4.0), rtol=1e-4)
    luminance = [image @ np.array([0.2126, 0.7152, 0.0722]) for image in (face, painted)]
    np.testing.assert_allclose(luminance[1] / luminance[0], np.median(luminance[1] / luminance[0]), rtol=1e-4)


def test_a_veil_adds_its_share_of_white(face):
    weight = shine_weight(SIDE, "forehead")
    added = paint_veil(face, weight, share=0.1) - face
    middle = np.unravel_index(np.argmax(weight), weight.shape)
    np.testing.assert_allclose(added[middle], 0.1 * (1.0 - face[middle]), rtol=0.02)
    assert (added >= 0.0).all()


def test_weights_are_symmetric_and_lie_where_they_should():
    lids, lips, blush = lid_weight(SIDE), lip_weight(SIDE), blush_weight(SIDE)
    for weight in (lids, lips, blush, *(shine_weight(SIDE, place) for place in ("forehead", "nose", "cheeks"))):
        assert weight.shape == (SIDE, SIDE)
        assert weight.dtype == np.float32
        assert 0.0 <= weight.min() <= weight.max() <= 1.001
        assert np.abs(weight - weight[:, ::-1]).mean() < 0.02 * weight.max()
    cheeks = region_mask("cheek_left", SIDE) | region_mask("cheek_right", SIDE)
    assert blush[cheeks].mean() > 5 * blush[region_mask("chin", SIDE)].mean()
    assert shine_weight(SIDE, "nose")[region_mask("nose", SIDE)].max() > 0.95
    assert lids[region_mask("chin", SIDE)].max() == 0.0
    assert lips[region_mask("forehead", SIDE)].max() == 0.0


def test_width_is_that_at_half_height():
    weight = shine_weight(1024, "forehead", width_mm=20.0)
    row = weight[np.unravel_index(np.argmax(weight), weight.shape)[0]]
    assert np.count_nonzero(row > 0.5) / 4.4 == pytest.approx(20.0, rel=0.03)
