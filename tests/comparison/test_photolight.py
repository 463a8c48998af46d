"""The light read off one face: faces of known light made here, and real photos where they are at hand."""

import numpy as np
import numpy.typing as npt
import pytest

from skinprogress.comparison.photolight import (
    LIGHT_ANGLE_LIMIT_DEG,
    MIXED_COLORS,
    describe_light,
    describe_light_difference,
    estimate_photo_light,
    light_angle_deg,
)
from skinprogress.face.canonical import mesh, paint, vertex_normals
from skinprogress.face.regions import bare_face_mask
from skinprogress.metrics.pigmentation import HAEMOGLOBIN
from skinprogress.records import PhotoLight

SIDE = 256
ALBEDO = np.array([0.65, 0.40, 0.32])
SKIN = bare_face_mask(SIDE)
NORMALS = np.nan_to_num(paint(vertex_normals(mesh().vertices_cm), SIDE))
NORMALS /= np.maximum(np.linalg.norm(NORMALS, axis=2, keepdims=True), 1e-6)
WHITE = (1.0, 1.0, 1.0)

Lamp = tuple[float, float, float, tuple[float, float, float]]  # azimuth, elevation, strength, colour


def face_under(*lamps: Lamp, even: float = 0.2, seed: int = 1) -> npt.NDArray[np.float32]:
    """Skin with pores, a red nose and dark spots, under small lamps and light from everywhere."""
    light = np.full((SIDE, SIDE, 3), even)
    for azimuth, elevation, strength, color in lamps:
        a, e = np.radians([azimuth, elevation])
        toward = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
        light += strength * np.maximum(NORMALS @ toward, 0.0)[..., None] * np.asarray(color)
    rng = np.random.default_rng(seed)
    pores = np.exp(0.05 * rng.normal(size=(SIDE, SIDE, 1)))
    face = 0.5 * ALBEDO * light * pores
    rows, cols = np.mgrid[:SIDE, :SIDE] / SIDE
    redness = np.exp(-((cols - 0.5) ** 2 + (rows - 0.5) ** 2) / 0.01)
    face *= np.exp(-0.15 * redness[..., None] * HAEMOGLOBIN)
    face[rng.random((SIDE, SIDE)) < 0.02] *= 0.5
    return np.asarray(face, np.float32)


def read(face: npt.NDArray[np.float32]) -> PhotoLight:
    return estimate_photo_light(face, skin=SKIN, visible=SKIN)


def angle_to(light: PhotoLight, azimuth: float, elevation: float) -> float:
    return light_angle_deg(light, PhotoLight(azimuth_deg=azimuth, elevation_deg=elevation, directionality=1.0))


@pytest.mark.parametrize(
    ("azimuth", "elevation"), [(0.0, 0.0), (35.0, 30.0), (-35.0, 30.0), (60.0, 10.0), (-20.0, -25.0), (0.0, 55.0)]
)
def test_the_direction_of_a_lamp_is_found(azimuth: float, elevation: float) -> None:
    light = read(face_under((azimuth, elevation, 1.0, WHITE)))
    assert light.directionality > 0.3  # else the angle below would be scaled down
    assert angle_to(light, azimuth, elevation) < 8.0
    assert light.color_mix < 0.02
    assert np.isnan(light.warm_azimuth_deg)


def test_a_mirrored_face_has_a_mirrored_light() -> None:
    face = face_under((40.0, 20.0, 1.0, WHITE))
    light = read(face)
    mirrored = estimate_photo_light(face[:, ::-1], skin=SKIN[:, ::-1], visible=SKIN)
    assert mirrored.azimuth_deg == pytest.approx(-light.azimuth_deg, abs=1.5)
    assert mirrored.elevation_deg == pytest.approx(light.elevation_deg, abs=1.5)
    assert mirrored.directionality == pytest.approx(light.directionality, abs=0.02)


def test_even_light_has_no_direction() -> None:
    light = read(face_under(even=1.0))
    assert light.directionality < 0.1
    assert np.isnan(light.azimuth_deg)
    assert np.isnan(light.elevation_deg)
    assert describe_light(light) == "from everywhere"
    assert np.isnan(light_angle_deg(light, read(face_under((30.0, 0.0, 1.0, WHITE)))))


def test_the_more_light_comes_from_everywhere_the_less_directed_it_is() -> None:
    found = [read(face_under((30.0, 20.0, 1.0, WHITE), even=even)).directionality for even in (0.0, 0.3, 1.0, 4.0)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.6
    assert found[-1] < 0.2
    assert max(found) <= 1.0


def test_exposure_and_white_balance_leave_the_light_alone() -> None:
    face = face_under((-30.0, 25.0, 1.0, WHITE))
    light = read(face)
    other = read(np.asarray(face * np.array([0.5, 0.3, 0.2], np.float32)))
    assert light_angle_deg(light, other) < 0.5
    assert other.directionality == pytest.approx(light.directionality, abs=0.01)
    assert other.color_mix == pytest.approx(light.color_mix, abs=0.002)


def test_redder_cheeks_move_neither_direction_nor_colour() -> None:
    face = face_under((30.0, 25.0, 1.0, WHITE))
    rows, cols = np.mgrid[:SIDE, :SIDE] / SIDE
    cheek = np.exp(-((cols - 0.7) ** 2 + (rows - 0.5) ** 2) / 0.008)
    red = (face * np.exp(-0.3 * cheek[..., None] * HAEMOGLOBIN)).astype(np.float32)
    assert light_angle_deg(read(face), read(red)) < 5.0
    assert read(red).color_mix < 0.02


@pytest.mark.parametrize(("warm_side", "name"), [(1.0, "left"), (-1.0, "right")])
def test_lamp_and_window_are_told_apart(warm_side: float, name: str) -> None:
    lamp = (60.0 * warm_side, 25.0, 0.6, (1.3, 1.0, 0.6))
    window = (-60.0 * warm_side, 20.0, 0.8, (0.85, 1.0, 1.15))
    light = read(face_under(lamp, window))
    assert light.color_mix > 2.0 * MIXED_COLORS
    assert np.sign(light.warm_azimuth_deg) == warm_side
    assert describe_light(light).endswith(f"yellower light from the {name}")
    # The tint of the whole photo is no mix.
    assert read(face_under((30.0, 20.0, 1.0, (1.3, 1.0, 0.6)), even=0.0)).color_mix < 0.02


def test_too_little_skin_gives_no_light() -> None:
    few = np.zeros_like(SKIN)
    few[100:120, 100:120] = True
    light = estimate_photo_light(face_under((0.0, 0.0, 1.0, WHITE)), skin=few, visible=SKIN, shine=few)
    assert np.isnan(light.azimuth_deg)
    assert np.isnan(light.directionality)
    assert np.isnan(light.color_mix)
    assert light.shine_share == pytest.approx((few & SKIN).sum() / SKIN.sum())
    assert describe_light(light) == ""
    assert describe_light_difference(light, light) == ("", "")


def test_half_a_face_is_enough_to_tell_the_side() -> None:
    half = SKIN.copy()
    half[:, : SIDE // 2] = False  # as in a view from the client's left
    light = estimate_photo_light(face_under((50.0, 15.0, 1.0, WHITE)), skin=half, visible=half)
    assert angle_to(light, 50.0, 15.0) < 15.0


def test_the_share_of_shine() -> None:
    shine = np.zeros_like(SKIN)
    shine[: SIDE // 3] = True
    light = estimate_photo_light(face_under((0.0, 0.0, 1.0, WHITE)), skin=SKIN & ~shine, visible=SKIN, shine=shine)
    assert light.shine_share == pytest.approx(SKIN[: SIDE // 3].sum() / SKIN.sum())
    assert np.isnan(read(face_under((0.0, 0.0, 1.0, WHITE))).shine_share)


def lit_from(azimuth: float, elevation: float, directionality: float = 0.5, **rest: float) -> PhotoLight:
    return PhotoLight(azimuth_deg=azimuth, elevation_deg=elevation, directionality=directionality, **rest)


@pytest.mark.parametrize(
    ("light", "words"),
    [
        (lit_from(40.0, 40.0, 0.4), "from the left and above, soft"),
        (lit_from(-60.0, 5.0, 0.6), "from the right, strongly directed"),
        (lit_from(3.0, 5.0, 0.2), "from the front, nearly even"),
        (lit_from(70.0, 80.0, 0.4), "from above, soft"),  # so steep that the side hardly counts
        (lit_from(0.0, -30.0, 0.4), "from below, soft"),
    ],
)
def test_words_for_one_light(light: PhotoLight, words: str) -> None:
    assert describe_light(light) == words


def test_angles_between_lights() -> None:
    left, right = lit_from(45.0, 0.0), lit_from(-45.0, 0.0)
    assert light_angle_deg(left, right) == pytest.approx(90.0)
    assert light_angle_deg(right, left) == pytest.approx(90.0)
    assert light_angle_deg(left, left) == pytest.approx(0.0, abs=1e-4)
    # Of nearly even light the direction says little.
    assert light_angle_deg(left, lit_from(-45.0, 0.0, 0.15)) == pytest.approx(45.0)
    assert np.isnan(light_angle_deg(left, PhotoLight()))


def test_words_for_a_light_on_the_other_side() -> None:
    told, remedy = describe_light_difference(lit_from(50.0, 10.0), lit_from(-50.0, 10.0))
    assert told == "the light comes from the left in the earlier session and from the right in the later one"
    assert "turn the chair" in remedy
    told, remedy = describe_light_difference(lit_from(0.0, 0.0), lit_from(0.0, 60.0))
    assert "from the front in the earlier session and from above in the later" in told
    assert "turn" not in remedy
    told, _ = describe_light_difference(lit_from(30.0, 0.0), lit_from(80.0, 0.0))
    assert "from the left in both sessions" in told
    assert "50°" in told


def test_words_for_softer_and_for_mixed_light() -> None:
    told, _ = describe_light_difference(lit_from(40.0, 10.0, 0.6), lit_from(35.0, 10.0, 0.2))
    assert told == "the light is much more even in the later session and comes mostly from the left in the earlier one"
    told, _ = describe_light_difference(PhotoLight(directionality=0.05), lit_from(40.0, 10.0, 0.6))
    assert told == "the light is much more even in the earlier session and comes mostly from the left in the later one"
    mixed = lit_from(0.0, 0.0, color_mix=0.3, warm_azimuth_deg=-90.0)
    told, remedy = describe_light_difference(lit_from(0.0, 0.0, color_mix=0.01), mixed)
    assert told == "yellower light comes from the right in the later session"
    assert "one kind of light" in remedy


@pytest.mark.parametrize("light", [lit_from(40.0, 20.0), PhotoLight(directionality=0.05, color_mix=0.01)])
def test_equal_lights_differ_in_nothing(light: PhotoLight) -> None:
    assert describe_light_difference(light, light) == ("", "")


def test_two_photos_under_one_light_are_within_the_limit() -> None:
    a, b = (read(face_under((35.0, 30.0, 1.0, WHITE), even=even, seed=seed)) for even, seed in ((0.3, 1), (0.4, 2)))
    assert light_angle_deg(a, b) < 0.25 * LIGHT_ANGLE_LIMIT_DEG
    assert describe_light_difference(a, b) == ("", "")
