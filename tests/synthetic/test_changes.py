"""Injected changes do what they say, where they say it, and nothing else."""

import cv2
import numpy as np
import pytest

from skinprogress.color.spaces import erythema_index
from skinprogress.face.regions import region_polygons_xy
from skinprogress.metrics.pigmentation import unmixing_matrix
from skinprogress.synthetic.changes import (
    DIRECTIONS,
    ONE_PERCENT_BLOOD,
    inject_pigment,
    inject_texture,
    redness_per_unit,
    region_weight,
)
from skinprogress.synthetic.portrait import Portrait

HALF = np.sqrt(np.log(2.0) / 2.0) / np.pi  # sigma per wavelength that passes half of the amplitude


def band_spread(linear_rgb, low_px, high_px, inside):
    log = np.log(linear_rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32))
    band = cv2.GaussianBlur(log, (0, 0), HALF * low_px) - cv2.GaussianBlur(log, (0, 0), HALF * high_px)
    low, high = np.percentile(band[inside], [16, 84])
    return (high - low) / 2


@pytest.mark.parametrize("direction", ["haemoglobin", "haemoglobin_tsumura", "melanin"])
@pytest.mark.parametrize("amount", [0.1, -0.1])
def test_pigment_moves_the_erythema_index_by_the_stated_amount(skin_patch, direction, amount):
    changed = inject_pigment(skin_patch, amount, direction=direction)
    rise = erythema_index(changed) - erythema_index(skin_patch)
    np.testing.assert_allclose(rise, amount * redness_per_unit(direction), atol=1e-5)
    assert np.sign(rise.mean()) == np.sign(amount)


def test_one_percent_of_blood_is_what_the_literature_says(skin_patch):
    density = -np.log(inject_pigment(skin_patch, ONE_PERCENT_BLOOD, direction="haemoglobin") / skin_patch)
    np.testing.assert_allclose(density[0, 0], (0.07, 0.195, 0.20), atol=0.006)


def test_blood_reddens_light_and_dark_skin_alike_in_the_log_index():
    light, dark = (np.full((1, 1, 3), c, np.float32) for c in ((0.6, 0.4, 0.3), (0.12, 0.05, 0.03)))
    rises = [
        float((erythema_index(inject_pigment(s, 0.3, direction="haemoglobin")) - erythema_index(s)).item())
        for s in (light, dark)
    ]
    assert rises[0] == pytest.approx(rises[1], abs=1e-5)


@pytest.mark.parametrize(("direction", "row"), [("haemoglobin", 0), ("melanin", 1)])
def test_a_pigment_leaves_the_axis_of_the_other_alone(skin_patch, direction, row):
    density = -np.log(inject_pigment(skin_patch, 0.2, direction=direction) / skin_patch)
    amounts = density @ unmixing_matrix().T
    np.testing.assert_allclose(amounts[..., row], 0.2, atol=1e-4)
    np.testing.assert_allclose(np.delete(amounts, row, axis=-1), 0.0, atol=1e-4)


def test_the_map_says_where(skin_patch):
    amount = np.zeros(skin_patch.shape[:2], np.float32)
    amount[:, :100] = 0.2
    changed = inject_pigment(skin_patch, amount, direction="haemoglobin")
    assert np.array_equal(changed[:, 100:], skin_patch[:, 100:])
    assert (changed[:, :100] < skin_patch[:, :100]).all()


@pytest.mark.parametrize("gain", [0.5, 0.7, 1.4])
def test_texture_changes_by_the_gain_in_its_band_and_colour_stays(skin_patch, gain):
    smooth = cv2.GaussianBlur(skin_patch, (0, 0), 0.8)
    inside = np.zeros(skin_patch.shape[:2], bool)
    inside[30:-30, 30:-30] = True
    changed = inject_texture(smooth, np.ones(inside.shape, np.float32), gain=gain, mm_per_px=0.25, band_mm=(1.0, 4.0))
    ratio = band_spread(changed, 4, 16, inside) / band_spread(smooth, 4, 16, inside)
    assert ratio == pytest.approx(gain, rel=0.04)
    np.testing.assert_allclose(erythema_index(changed), erythema_index(smooth), atol=1e-5)


def test_texture_leaves_wider_waves_alone(skin_patch):
    rows = np.arange(skin_patch.shape[1]) * 2 * np.pi / 80
    waves = skin_patch.mean(axis=(0, 1)) * np.exp(0.05 * np.sin(rows))[None, :, None] * np.ones((180, 1, 1))
    waves = waves.astype(np.float32)
    changed = inject_texture(waves, np.ones((180, 240), np.float32), gain=0.0, mm_per_px=0.25, band_mm=(1.0, 4.0))
    assert np.log(changed[:, 20:-20, 0]).std() > 0.9 * np.log(waves[:, 20:-20, 0]).std()


def test_no_change_is_identity(skin_patch):
    weight = np.ones(skin_patch.shape[:2], np.float32)
    assert np.array_equal(inject_pigment(skin_patch, 0.0, direction="melanin"), skin_patch)
    assert np.array_equal(inject_texture(skin_patch, weight, gain=1.0, mm_per_px=0.25), skin_patch)
    nowhere = inject_texture(skin_patch, 0 * weight, gain=0.2, mm_per_px=0.25)
    assert np.array_equal(nowhere, skin_patch)
    assert nowhere is not skin_patch


def test_inputs_are_never_written_to(skin_patch):
    weight = np.full(skin_patch.shape[:2], 0.5, np.float32)
    for array in (skin_patch, weight):
        array.setflags(write=False)
    inject_pigment(skin_patch, weight, direction="haemoglobin")
    inject_texture(skin_patch, weight, gain=0.5, mm_per_px=0.25)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda im: inject_pigment(im, 0.1, direction="carotene"), "unknown direction 'carotene'"),
        (lambda im: inject_pigment(im, np.zeros((3, 4)), direction="melanin"), "one value a px"),
        (lambda im: inject_texture(im, np.ones((180, 240)), gain=-1.0, mm_per_px=0.2), "gain -1.0"),
        (lambda im: inject_texture(im, np.ones((180, 240)), gain=0.5, mm_per_px=0.2, band_mm=(4, 1)), "band"),
        (lambda im: inject_texture(im, np.ones((3, 4)), gain=0.5, mm_per_px=0.2), "one value a px"),
    ],
)
def test_wrong_use_is_told(skin_patch, call, words):
    with pytest.raises(ValueError, match=words):
        call(skin_patch)


def test_all_directions_absorb_and_have_about_unit_length():
    for name, vector in DIRECTIONS.items():
        assert min(vector) > 0, name
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=0.015), name


class TestRegionWeight:
    def weight(self, portrait: Portrait, *args, **kwargs):
        shape = portrait.linear_rgb.shape[:2]
        return region_weight(portrait.landmarks.points_xy, shape, *args, **kwargs)

    def test_it_lies_within_the_region_on_the_clients_own_side(self, portrait):
        weight = self.weight(portrait, ["cheek_left"])
        assert weight.max() == pytest.approx(1.0, abs=1e-3)
        assert weight.min() == 0.0
        outline = region_polygons_xy(portrait.landmarks.points_xy)["cheek_left"][0]
        inside = cv2.fillPoly(np.zeros(weight.shape, np.uint8), [np.round(outline).astype(np.int32)], 1)
        inside = cv2.dilate(inside, np.ones((5, 5), np.uint8)) > 0
        assert weight[~inside].max() == 0.0
        # The client's left is on the right of the photo.
        assert np.average(np.nonzero(weight)[1]) > portrait.landmarks.points_xy[1, 0]

    def test_eyes_brows_and_lips_are_left_out(self, portrait):
        weight = self.weight(portrait)
        for landmark in (468, 473, 105, 334, 0, 17):
            x, y = portrait.landmarks.points_xy[landmark].astype(int)
            assert weight[y, x] == 0.0, landmark
        assert weight[0].max() == 0.0

    def test_exclude_and_levels(self, portrait):
        levels = self.weight(portrait, {"cheek_left": 1.0, "cheek_right": 0.4})
        left, right = (self.weight(portrait, [n]) > 0.999 for n in ("cheek_left", "cheek_right"))
        assert np.median(levels[left]) == pytest.approx(1.0, abs=0.01)
        assert np.median(levels[right]) == pytest.approx(0.4, abs=0.01)
        without = self.weight(portrait, exclude=["cheek_left"])
        assert without[left].max() == 0.0
        assert without[right].min() > 0.9

    def test_an_unknown_region_is_told(self, portrait):
        with pytest.raises(KeyError, match="no region named beard"):
            self.weight(portrait, ["beard"])
