"""Colour spaces against colour-science, published pairs and physics."""

import warnings
from typing import Any

import numpy as np
import pytest

from skinprogress.color import spaces


@pytest.fixture(scope="module")
def colour() -> Any:
    """The package colour-science, which on import warns of what it could do besides and changes how arrays print."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with np.printoptions():
            return pytest.importorskip("colour", reason="needs colour-science, part of the extra test")


@pytest.fixture(scope="module")
def rgb() -> np.ndarray:
    """Colours all over the sRGB cube, its corners and greys among them, in a shape that is not square."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 18)] * 3, indexing="ij"), axis=-1)
    return grid.reshape(-1, 18, 3).astype(np.float32)


def test_srgb_decodes_like_colour_science_and_comes_back(rgb: np.ndarray, colour: Any) -> None:
    linear = spaces.srgb_to_linear(rgb)
    assert linear.dtype == np.float32 and linear.shape == rgb.shape
    np.testing.assert_allclose(linear, colour.cctf_decoding(rgb.astype(float), function="sRGB"), atol=1e-6)
    np.testing.assert_allclose(spaces.linear_to_srgb(linear), colour.cctf_encoding(linear, function="sRGB"), atol=1e-6)
    np.testing.assert_allclose(spaces.linear_to_srgb(linear), rgb, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_whole_numbers_decode_like_their_fraction(dtype: type) -> None:
    top = np.iinfo(dtype).max
    stored = np.array([[0, 1, top // 3], [top // 2, top - 1, top]], dtype=dtype)
    np.testing.assert_allclose(spaces.srgb_to_linear(stored), spaces.srgb_to_linear(stored / top), atol=1e-7)


def test_every_8_bit_value_survives_linear_light() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(spaces.encode_srgb8(spaces.srgb_to_linear(levels)), levels)


def test_values_outside_the_gamut_are_carried_through() -> None:
    wide = np.array([[1.3, 0.4, -0.08], [-0.01, 1.1, 0.2]], dtype=np.float32)
    np.testing.assert_allclose(spaces.srgb_to_linear(spaces.linear_to_srgb(wide)), wide, atol=1e-6)
    lab = spaces.linear_rgb_to_lab(wide)
    assert np.isfinite(lab).all()
    np.testing.assert_allclose(spaces.lab_to_linear_rgb(lab), wide, atol=1e-5)
    # More saturated than the nearest colour inside: nothing was clipped.
    assert lab[0, 1] > spaces.linear_rgb_to_lab(np.clip(wide[0], 0, 1))[1] + 5


def test_encode_clips_and_takes_nan_as_black() -> None:
    assert spaces.encode_srgb8([-1.0, np.nan, 2.0, np.inf]).tolist() == [0, 0, 255, 255]


def test_xyz_and_lab_agree_with_colour_science(rgb: np.ndarray, colour: Any) -> None:
    linear = spaces.srgb_to_linear(rgb)
    srgb = colour.RGB_COLOURSPACES["sRGB"].copy()
    # From the primaries and the white of the standard; its printed matrix is rounded to four digits.
    srgb.use_derived_matrix_RGB_to_XYZ = True
    xyz = colour.RGB_to_XYZ(linear.astype(float), srgb)
    np.testing.assert_allclose(spaces.linear_rgb_to_xyz(linear), xyz, atol=1e-6)
    np.testing.assert_allclose(spaces.xyz_to_linear_rgb(xyz), linear, atol=3e-6)
    lab = colour.XYZ_to_Lab(xyz, srgb.whitepoint)
    np.testing.assert_allclose(spaces.linear_rgb_to_lab(linear), lab, atol=1e-3)
    np.testing.assert_allclose(spaces.lab_to_linear_rgb(lab), linear, atol=1e-5)


def test_typology_angle_and_density_agree_with_colour_science(rgb: np.ndarray, colour: Any) -> None:
    linear = spaces.srgb_to_linear(rgb)
    lab = spaces.linear_rgb_to_lab(linear).astype(float)
    hue = colour.models.Lab_to_LCHab(np.stack([lab[..., 0], lab[..., 2], lab[..., 0] - 50], axis=-1))[..., 2]
    ita = spaces.individual_typology_angle(lab)
    # The same angle counted on from 0 to 360; where b* is all but 0 it hangs on the last digit.
    far = np.hypot(lab[..., 2], lab[..., 0] - 50) > 0.1
    np.testing.assert_allclose((ita % 360)[far], hue[far] % 360, atol=1e-3)
    within = linear > 1e-3
    density = -np.log(colour.cctf_decoding(rgb.astype(float), function="sRGB")[within])
    np.testing.assert_allclose(spaces.optical_density(linear)[within], density, atol=1e-3)


def test_greys_have_no_colour() -> None:
    greys = np.repeat(np.linspace(0, 1, 50)[:, None], 3, axis=1)
    lab = spaces.linear_rgb_to_lab(greys)
    assert np.abs(lab[:, 1:]).max() < 1e-3
    assert lab[0, 0] == pytest.approx(0, abs=1e-4) and lab[-1, 0] == pytest.approx(100, abs=1e-4)


@pytest.mark.parametrize("shape", [(3,), (0, 3), (5, 3), (2, 3, 4, 3)])
def test_any_shape_of_triples(shape: tuple[int, ...]) -> None:
    values = np.full(shape, 0.2, dtype=np.float32)
    assert spaces.linear_rgb_to_lab(values).shape == shape
    assert spaces.erythema_index(values).shape == shape[:-1]
    assert spaces.encode_srgb8(values).shape == shape


def test_part_of_an_array_is_as_good_as_a_copy(rgb: np.ndarray) -> None:
    part = rgb[3:40:2, 1:7]
    np.testing.assert_array_equal(spaces.linear_rgb_to_lab(part), spaces.linear_rgb_to_lab(part.copy()))


SHARMA = [
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, 3.1571, -77.2803), (50.0, 0.0, -82.7485), 2.8615),
    ((50.0, 2.8361, -74.0200), (50.0, 0.0, -82.7485), 3.4412),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0000),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.4900, -0.0010), (50.0, -2.4900, 0.0009), 7.1792),
    ((50.0, 2.4900, -0.0010), (50.0, -2.4900, 0.0011), 7.2195),
    ((50.0, -0.0010, 2.4900), (50.0, 0.0009, -2.4900), 4.8045),
    ((50.0, -0.0010, 2.4900), (50.0, 0.0011, -2.4900), 4.7461),
    ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (61.0, -5.0, 29.0), 22.8977),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("lab_a", "lab_b", "expected"), SHARMA)
def test_delta_e_2000_gives_the_published_pairs(lab_a: tuple, lab_b: tuple, expected: float) -> None:
    assert float(spaces.delta_e_2000(lab_a, lab_b)) == pytest.approx(expected, abs=5e-5)
    assert float(spaces.delta_e_2000(lab_b, lab_a)) == pytest.approx(expected, abs=5e-5)


def test_differences_agree_with_colour_science(rgb: np.ndarray, colour: Any) -> None:
    """Over the gamut, each colour against any other and against its neighbours."""
    a = spaces.linear_rgb_to_lab(spaces.srgb_to_linear(rgb)).reshape(-1, 3).astype(float)
    rng = np.random.default_rng(5)
    for b in (rng.permutation(a), a + rng.normal(0, 1.5, a.shape)):
        np.testing.assert_allclose(spaces.delta_e_2000(a, b), colour.delta_E(a, b, method="CIE 2000"), atol=1e-3)
        np.testing.assert_allclose(spaces.delta_e_76(a, b), colour.delta_E(a, b, method="CIE 1976"), atol=1e-3)


def test_delta_e_76_broadcasts() -> None:
    assert spaces.delta_e_76(np.zeros((4, 7, 3)), [0.0, 3.0, 4.0]).tolist() == [[5.0] * 7] * 4


def test_darker_skin_has_a_smaller_typology_angle() -> None:
    ita = spaces.individual_typology_angle([[75, 10, 15], [60, 14, 18], [35, 12, 16]])
    assert ita[0] > ita[1] > 0 > ita[2]
    assert spaces.individual_typology_angle([65.0, 9.0, 0.0]) == pytest.approx(90)


def test_density_adds_and_stops_at_the_floor() -> None:
    one, other = np.array([0.5, 0.3, 0.9]), np.array([0.2, 0.8, 0.7])
    both = spaces.optical_density(one * other)
    np.testing.assert_allclose(both, spaces.optical_density(one) + spaces.optical_density(other), rtol=1e-5)
    assert spaces.optical_density([0.0, -3.0]).tolist() == pytest.approx([-np.log(1e-4)] * 2)


def test_erythema_index_is_blind_to_shading_and_sees_blood() -> None:
    skin = np.array([0.45, 0.27, 0.2])
    assert spaces.erythema_index(skin * 0.4) == pytest.approx(spaces.erythema_index(skin), abs=1e-6)
    blood = np.exp(-np.array([0.07, 0.195, 0.20]))
    rise = spaces.erythema_index(skin * blood) - spaces.erythema_index(skin)
    assert rise == pytest.approx(0.125, abs=1e-5)
    a_star = [spaces.linear_rgb_to_lab(colour)[1] for colour in (skin, skin * blood)]
    assert rise / spaces.EI_PER_A_STAR == pytest.approx(a_star[1] - a_star[0], rel=0.2)


def test_inputs_are_not_written_to(rgb: np.ndarray) -> None:
    frozen = rgb.copy()
    frozen.setflags(write=False)
    for name in (
        *("srgb_to_linear", "linear_to_srgb", "encode_srgb8", "linear_rgb_to_lab", "lab_to_linear_rgb"),
        *("linear_rgb_to_xyz", "xyz_to_linear_rgb"),
    ):
        result = getattr(spaces, name)(frozen)
        assert not np.shares_memory(result, frozen), name
    for name in ("optical_density", "erythema_index", "individual_typology_angle"):
        getattr(spaces, name)(frozen)
    spaces.delta_e_76(frozen, frozen)
    spaces.delta_e_2000(frozen, frozen)
    np.testing.assert_array_equal(frozen, rgb)
