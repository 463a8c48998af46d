"""Blood is found, and no flush is taken for it."""

import cv2
import numpy as np
import pytest

from skinprogress.color.spaces import EI_PER_A_STAR, encode_srgb8, srgb_to_linear
from skinprogress.metrics.blood import blood, find_blood
from skinprogress.metrics.inputs import MetricInput
from skinprogress.metrics.spot_finding import find_spots
from skinprogress.synthetic.changes import inject_pigment, redness_per_unit
from skinprogress.synthetic.spots import Shape, paint_blood

SIDE, MM_PER_PX = 400, 0.2
LIGHT, DARK = (0.52, 0.36, 0.30), (0.08, 0.046, 0.036)
TONES = pytest.mark.parametrize("colour", [LIGHT, DARK], ids=["light", "dark"])
SCALE = np.full((SIDE, SIDE), MM_PER_PX, np.float32)


def inside() -> np.ndarray:
    skin = np.zeros((SIDE, SIDE), bool)
    skin[20:-20, 20:-20] = True
    return skin


def make_input(linear_rgb: np.ndarray, photo_px: float = 6.0) -> MetricInput:
    return MetricInput(linear_rgb.astype(np.float32), inside(), SCALE, np.full((SIDE, SIDE), photo_px, np.float32))


def plain_skin(colour: tuple[float, float, float]) -> np.ndarray:
    rng = np.random.default_rng(2)
    tone = cv2.GaussianBlur(rng.normal(0.0, 1.0, (SIDE, SIDE)).astype(np.float32), (0, 0), 12.0) * 4.0
    grain = rng.normal(0.0, 0.012, (SIDE, SIDE, 3))
    return inject_pigment(np.array(colour) * np.exp(grain), 0.1 * tone, direction="haemoglobin")


@TONES
@pytest.mark.parametrize("dried", [False, True], ids=["wet", "dried"])
@pytest.mark.parametrize("shape", ["point", "drop", "smear"])
def test_blood_is_found(colour: tuple[float, float, float], dried: bool, shape: Shape) -> None:
    thickness = (100.0, 200.0) if dried else (60.0, 200.0)
    size = (0.8, 2.0) if shape == "point" else None
    skin = inside()
    image, film = paint_blood(
        plain_skin(colour),
        skin,
        SCALE,
        shape=shape,
        n_marks=6,
        seed=5,
        thickness_um=thickness,
        size_mm=size,
        dried=dried,
    )
    found = find_blood(make_input(srgb_to_linear(encode_srgb8(image))))
    n_marks, labels = cv2.connectedComponents((film > 5.0).astype(np.uint8))
    assert sum((found & (labels == i)).any() for i in range(1, n_marks)) >= 0.8 * (n_marks - 1)
    assert (found & (film > 50.0)).sum() > 0.7 * (film > 50.0).sum()
    near = cv2.dilate(film, np.ones((9, 9), np.uint8)) > 0.5
    assert not (found & ~near).any()


@TONES
def test_the_strongest_flush_is_no_blood(colour: tuple[float, float, float]) -> None:
    amount = 12.0 * EI_PER_A_STAR / redness_per_unit("haemoglobin")
    blotches = np.zeros((SIDE, SIDE), np.float32)
    for k, radius in enumerate((3, 6, 12, 25, 40)):
        cv2.circle(blotches, (60 + 70 * k, 150 + 20 * k), radius, 1.0, -1, cv2.LINE_AA)
    for where in (blotches, np.ones_like(blotches)):
        image = inject_pigment(plain_skin(colour), amount * where, direction="haemoglobin")
        assert not find_blood(make_input(srgb_to_linear(encode_srgb8(image)))).any()


@TONES
def test_moles_are_no_blood(colour: tuple[float, float, float]) -> None:
    amount = np.zeros((SIDE, SIDE), np.float32)
    cv2.circle(amount, (200, 200), 12, 1.5, -1, cv2.LINE_AA)
    assert not find_blood(make_input(inject_pigment(plain_skin(colour), amount, direction="melanin"))).any()


def test_the_map_totals_the_area() -> None:
    image, film = paint_blood(
        plain_skin(LIGHT), inside(), SCALE, shape="point", n_marks=5, seed=1, thickness_um=(120.0, 200.0),
        size_mm=(1.5, 3.0),
    )  # fmt: skip
    data = make_input(image)
    plane = blood(data)
    assert plane.dtype == np.float32
    assert np.isnan(plane[~data.skin]).all()
    assert np.nansum(plane) * MM_PER_PX**2 == pytest.approx((film > 20.0).sum() * MM_PER_PX**2, rel=0.15)
    assert not find_blood(make_input(plain_skin(LIGHT))).any()


def test_more_blood_more_area() -> None:
    areas = []
    for n_marks in (2, 6, 12):
        image, _ = paint_blood(
            plain_skin(LIGHT), inside(), SCALE, shape="drop", n_marks=n_marks, seed=9, thickness_um=(100.0, 150.0)
        )
        areas.append(np.nansum(blood(make_input(image))))
    assert areas[0] < areas[1] < areas[2]


def test_blood_is_no_red_spot() -> None:
    image, _ = paint_blood(
        plain_skin(LIGHT), inside(), SCALE, shape="point", n_marks=8, seed=3, thickness_um=(100.0, 200.0),
        size_mm=(1.0, 2.0),
    )  # fmt: skip
    data = make_input(image)
    assert find_blood(data).any()
    assert find_spots(data, "red").spots == ()


def test_a_face_without_skin_has_no_blood() -> None:
    data = make_input(plain_skin(LIGHT))
    bare = MetricInput(data.linear_rgb, np.zeros_like(data.skin), data.mm_per_px, data.photo_px_per_mm)
    assert not find_blood(bare).any()
