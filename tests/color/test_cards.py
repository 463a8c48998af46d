"""Cards are found however they lie, read right, and refused with a reason; what is no card is not taken for one."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from skinprogress.color.card_values import reference_linear_rgb
from skinprogress.color.cards import read_card
from skinprogress.color.spaces import LINEAR_SRGB_TO_XYZ, encode_srgb8, linear_to_srgb, srgb_to_linear
from skinprogress.records import CardReading, Photo, PhotoRef
from skinprogress.synthetic.cards import LIGHT, draw_card_corners, paste_card
from skinprogress.synthetic.rephotograph import Rephotograph, draw_rephotograph, rephotograph

Rgb = npt.NDArray[np.uint8]
FLAT = np.array([[150.0, 120.0], [450.0, 120.0], [450.0, 320.0], [150.0, 320.0]])


def as_photo(
    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
    *,
    curve: npt.NDArray[np.float32] | None = None,
    matrix: npt.NDArray[np.floating] | None = None,
) -> Photo:
    levels = np.iinfo(pixels.dtype).max + 1
    pixels = np.ascontiguousarray(pixels)
    pixels.setflags(write=False)
    return Photo(
        ref=PhotoRef(path=Path("a.jpg"), file="a.jpg", client="c", session="s"),
        pixels=pixels,
        curve=np.tile(srgb_to_linear(np.arange(levels) / (levels - 1)), (3, 1)) if curve is None else curve,
        matrix=(np.eye(3) if matrix is None else matrix).astype(np.float32),
        metadata={},
    )


def scene(shape_hw: tuple[int, int] = (480, 640)) -> npt.NDArray[np.float32]:
    """A wall in slanting light with a skin-coloured oval before it, and grain."""
    height, width = shape_hw
    y, x = np.mgrid[:height, :width].astype(np.float32)
    wall = (0.35 + 0.25 * x / width)[..., None] * np.array([1.0, 0.97, 0.9], np.float32)
    oval = ((x / width - 0.75) / 0.2) ** 2 + ((y / height - 0.5) / 0.4) ** 2 < 1
    wall[oval] = np.array([0.45, 0.25, 0.18], np.float32)
    grain = np.random.default_rng(0).normal(1.0, 0.02, (height, width, 1)).astype(np.float32)
    return np.asarray(wall * grain, np.float32)


def with_card(corners: npt.NDArray[np.float64] = FLAT, *, shape_hw: tuple[int, int] = (480, 640)) -> Rgb:
    return encode_srgb8(paste_card(scene(shape_hw), corners_xy=corners))


def found(reading: CardReading | None) -> CardReading:
    assert reading is not None, "the card was not seen"
    return reading


def used(reading: CardReading | None) -> CardReading:
    assert found(reading).problem == "" and found(reading).remedy == ""
    return found(reading)


def off_by_patches(reading: CardReading, corners: npt.NDArray[np.floating]) -> float:
    return float(np.hypot(*(reading.corners_xy - corners).T).max() / (reading.width_px / 6))


def test_a_card_is_read_where_it_is_and_as_it_is() -> None:
    reading = used(read_card(as_photo(with_card())))
    assert off_by_patches(reading, FLAT) < 0.03
    assert reading.width_px == pytest.approx(300, abs=2)
    np.testing.assert_allclose(reading.patches_xy[0], [175, 145], atol=1)
    np.testing.assert_allclose(reading.patches_xy[23], [425, 295], atol=1)
    # Cyan has no red that sRGB could hold, so its red is clipped.
    assert np.flatnonzero(~reading.usable).tolist() == [17]
    truth = reference_linear_rgb("2014") * LIGHT
    np.testing.assert_allclose(reading.linear_rgb[reading.usable], truth[reading.usable], rtol=0.03, atol=0.002)
    assert reading.scatter.max() < 0.02


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_all_ways_to_hold_it(turns: int, mirrored: bool) -> None:
    rgb = with_card()
    mark = np.zeros(rgb.shape[:2], np.uint8)
    mark[140:150, 170:180] = 1  # dark skin
    if mirrored:
        rgb, mark = rgb[:, ::-1], mark[:, ::-1]
    reading = used(read_card(as_photo(np.rot90(rgb, turns))))
    row, col = np.argwhere(np.rot90(mark, turns)).mean(axis=0) + 0.5
    np.testing.assert_allclose(reading.patches_xy[0], [col, row], atol=1)
    assert reading.usable.sum() == 23


def test_hand_held_cards_in_every_kind_of_photo() -> None:
    missed = []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        corners = draw_card_corners(rng, (640, 800), width_share=float(rng.uniform(0.14, 0.35)))
        taken = draw_rephotograph(rng, tier="T1")
        corners_seen = corners @ (matrix := taken.matrix((640, 800)))[:, :2].T + matrix[:, 2]
        rgb, _ = rephotograph(paste_card(scene((640, 800)), corners_xy=corners), taken, rng=rng)
        reading = read_card(as_photo(rgb))
        if reading is None or off_by_patches(reading, corners_seen) > 0.1:
            missed.append(seed)
    assert missed == []


@pytest.mark.parametrize("gains", [(1.6, 1.0, 0.45), (0.6, 1.0, 1.5), (0.2, 0.2, 0.2)])
def test_the_light_may_have_any_colour(gains: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(1)
    photo = Rephotograph(gains=gains, noise=1.0)
    rgb, _ = rephotograph(paste_card(scene(), corners_xy=FLAT), photo, rng=rng)
    assert off_by_patches(found(read_card(as_photo(rgb))), FLAT) < 0.05


def test_wide_gamut_and_sixteen_bit_read_the_same() -> None:
    plain = used(read_card(as_photo(with_card())))
    p3_to_xyz = np.array(
        [[0.4865709, 0.2656677, 0.1982173], [0.2289746, 0.6917385, 0.0792869], [0, 0.0451134, 1.0439444]]
    )
    p3_to_srgb = np.linalg.inv(LINEAR_SRGB_TO_XYZ) @ p3_to_xyz
    linear = paste_card(scene(), corners_xy=FLAT)
    stored = encode_srgb8(linear @ np.linalg.inv(p3_to_srgb).T)
    wide = used(read_card(as_photo(stored, matrix=p3_to_srgb)))
    assert wide.usable.all()  # cyan fits into P3
    assert wide.linear_rgb[17, 0] < -0.01
    # As a raw file is developed: straight numbers.
    straight = np.linspace(0, 1, 65536, dtype=np.float32)
    raw = used(read_card(as_photo((linear.clip(0, 1) * 65535).astype(np.uint16), curve=np.tile(straight, (3, 1)))))
    for reading in (wide, raw):
        both = plain.usable & reading.usable
        np.testing.assert_allclose(reading.linear_rgb[both], plain.linear_rgb[both], rtol=0.03, atol=0.003)
        np.testing.assert_allclose(reading.corners_xy, plain.corners_xy, atol=1)


def test_a_large_photo_is_read_in_full() -> None:
    corners = np.array([[1500.0, 900.0], [2100.0, 1000.0], [2050.0, 1420.0], [1440.0, 1310.0]])
    rgb = encode_srgb8(paste_card(np.full((1800, 2700, 3), 0.4, np.float32), corners_xy=corners))
    reading = used(read_card(as_photo(rgb)))
    assert off_by_patches(reading, corners) < 0.03


def chart(colors: npt.NDArray[np.floating]) -> Rgb:
    rgb = encode_srgb8(scene())
    cv2.rectangle(rgb, (130, 100), (470, 340), (20, 20, 20), -1)
    for k, color in enumerate(colors):
        row, col = divmod(k, 6)
        x, y = 154 + 50 * col, 124 + 50 * row
        cv2.rectangle(rgb, (x, y), (x + 42, y + 42), tuple(int(c) for c in color), -1)
    return rgb


def test_other_grids_are_no_cards(astronaut: Rgb, portrait: Rgb) -> None:
    chess = np.where((np.add.outer(np.arange(24) // 6, np.arange(24) % 6) % 2).ravel()[:24, None], 230, 90)
    greys = np.linspace(40, 240, 24)[:, None]
    for picture in (chart(np.tile(chess, (1, 3))), chart(np.tile(greys, (1, 3))), astronaut, portrait):
        assert read_card(as_photo(picture)) is None
    assert read_card(as_photo(np.full((64, 64, 3), 128, np.uint8))) is None


def test_another_colour_chart_is_named_as_such() -> None:
    rng = np.random.default_rng(3)
    hsv = np.stack([rng.permutation(24) * 7.5, rng.uniform(120, 255, 24), rng.uniform(90, 250, 24)], axis=1)
    colors = cv2.cvtColor(hsv[None].astype(np.uint8), cv2.COLOR_HSV2RGB)[0]
    reading = found(read_card(as_photo(chart(colors))))
    assert "not a 24-patch ColorChecker" in reading.problem and reading.remedy
    assert not reading.usable.any()


def cover(rgb: Rgb, x0: int, x1: int) -> Rgb:
    rgb = rgb.copy()
    rgb[90:350, x0:x1] = (188, 140, 120)
    return rgb


def glare(rgb: Rgb) -> Rgb:
    y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
    shine = 0.6 * np.exp(-((np.hypot(x - 300, y - 220) / 110) ** 2))
    return encode_srgb8(srgb_to_linear(rgb) + shine[..., None])


UNUSABLE: dict[str, tuple[Callable[[Rgb], Rgb], str]] = {
    "cut off": (lambda rgb: rgb[:, :330], "12 of the 24 patches of the colour card are cut off"),
    "covered": (lambda rgb: cover(rgb, 320, 480), "covered"),
    "glare": (glare, "in glare|of glare"),
    "blurred": (lambda rgb: cv2.GaussianBlur(rgb, (0, 0), 6.0), "blurred"),
    "overexposed": (lambda rgb: encode_srgb8(2.6 * srgb_to_linear(rgb)), "over- or underexposed"),
    "too small": (
        lambda rgb: cv2.resize(rgb, None, fx=0.22, fy=0.22, interpolation=cv2.INTER_AREA),
        "too small: 66 px",
    ),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_card_that_cannot_be_used_says_why_and_what_to_do(kind: str) -> None:
    spoil, words = UNUSABLE[kind]
    reading = found(read_card(as_photo(spoil(with_card()))))
    assert re.search(words, reading.problem), reading.problem
    assert len(reading.remedy) > 15


def test_a_finger_costs_only_the_patches_under_it() -> None:
    rgb = with_card()
    cv2.ellipse(rgb, (150, 330), (70, 40), -30, 0, 360, (196, 146, 124), -1)
    reading = used(read_card(as_photo(rgb)))
    assert not reading.usable[18] and reading.usable[[0, 1, 2, 3, 8, 9, 20, 21, 22]].all()


def test_the_edge_of_a_shadow_costs_the_patches_that_it_crosses() -> None:
    shaded = encode_srgb8(paste_card(scene(), corners_xy=FLAT, shade=(0.5, 0.5)))
    reading = used(read_card(as_photo(shaded)))
    lost = np.flatnonzero(~reading.usable)
    assert 3 <= len(lost) <= 7 and set(lost % 6) <= {2, 3, 5}


def test_a_card_in_grey_is_none() -> None:
    grey = linear_to_srgb(srgb_to_linear(with_card()).mean(axis=2))
    assert read_card(as_photo(np.repeat((grey * 255).astype(np.uint8)[..., None], 3, axis=2))) is None


def test_no_card_in_photos_without_one(real_photos: Path) -> None:
    files = [f for f in sorted(real_photos.rglob("*.jpg")) if f.parent.name != "card"]
    assert len(files) > 20
    seen = [f.name for f in files if read_card(as_photo(cv2.imread(str(f))[..., ::-1])) is not None]
    assert seen == []


def test_cards_of_renders_are_found_where_the_truth_says(real_photos: Path) -> None:
    files = sorted((real_photos / "renders" / "card").glob("*.jpg"))
    assert files
    for file in files:
        truth = json.loads(file.with_name(f"{file.stem}.truth.json").read_text())["card"]
        reading = used(read_card(as_photo(cv2.imread(str(file))[..., ::-1])))
        assert np.hypot(*(reading.patches_xy - np.array(truth["patch_centres_xy"])).T).max() < 1.5
