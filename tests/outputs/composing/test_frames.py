"""Photos are turned, scaled and shifted, their colours sent through one map, and nothing else."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from skinprogress.color.spaces import srgb_to_linear
from skinprogress.errors import PhotoError
from skinprogress.outputs.composing.frames import render_frames
from skinprogress.outputs.composing.planning import plan_composite
from skinprogress.outputs.composing.recipe import ColorMap, CompositeOptions, FrameRecipe, Recipe
from skinprogress.records import ClientResult

Write = Callable[..., Path]


def draw(result: ClientResult, **options: object) -> list[np.ndarray]:
    recipe = plan_composite(result, view="front", options=CompositeOptions(**options))  # type: ignore[arg-type]
    return render_frames(recipe, lambda frame: result.inspections[frame.file].ref.path)


def middle(rgb: np.ndarray) -> np.ndarray:
    return rgb[tuple(slice(n // 4, 3 * n // 4) for n in rgb.shape[:2])].astype(float)


def one_frame(matrix: list[list[float]], size: tuple[int, int], **values: object) -> Recipe:
    frame = FrameRecipe(
        file="a.png",
        sha256="",
        session="",
        matrix=tuple(map(tuple, matrix)),
        width_px=size[0],
        height_px=size[1],
        **values,
    )
    return Recipe(view="front", options=CompositeOptions(), frames=(frame,), columns=1, versions={})


def test_a_turned_photo_comes_to_lie_on_the_first(client: ClientResult) -> None:
    before, after = draw(client)
    assert before.shape == after.shape
    difference = np.abs(middle(before) - middle(after))
    assert difference.mean() < 4
    # A shift of two px would do far worse: the agreement is one of position.
    shifted = np.abs(middle(before) - middle(np.roll(after, 2, axis=(0, 1))))
    assert shifted.mean() > 1.7 * difference.mean()


def test_the_same_crop_of_a_photo_is_its_own_pixels(tmp_path: Path, write_photo: Write) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    path = write_photo(tmp_path / "a.png", rgb)
    shown = render_frames(one_frame([[1, 0, -20], [0, 1, -10]], (64, 48)), lambda _: path)[0]
    assert np.array_equal(shown, rgb[10:58, 20:84])
    flipped = render_frames(one_frame([[1, 0, -20], [0, 1, -10]], (64, 48), mirrored=True), lambda _: path)[0]
    assert np.array_equal(flipped, rgb[:, ::-1][10:58, 20:84])


def test_smaller_pictures_average_light(tmp_path: Path, write_photo: Write) -> None:
    stripes = np.zeros((120, 120, 3), np.uint8)
    stripes[:, ::2] = 255
    path = write_photo(tmp_path / "a.png", stripes)
    shown = render_frames(one_frame([[0.25, 0, 0], [0, 0.25, 0]], (30, 30)), lambda _: path)[0]
    assert np.abs(middle(shown) - 188).max() <= 1  # half of the light, not half of the number


def test_a_wide_gamut_photo_keeps_its_colours(tmp_path: Path, write_photo: Write) -> None:
    rgb = np.full((80, 80, 3), 128, np.uint16) * 257
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), rgb)
    shown = render_frames(one_frame([[1, 0, 0], [0, 1, 0]], (64, 64)), lambda _: path)[0]
    assert (shown == 128).all()


def test_colour_is_one_map_in_linear_light(client: ClientResult, correct: Callable[..., None]) -> None:
    plain = draw(client)[1].astype(float)
    correct(client.sessions[-1], matrix=np.diag([0.5, 1.0, 1.0]).astype(np.float32))
    halved = draw(client)[1].astype(float)
    bright = plain[..., 0] > 60
    ratio = srgb_to_linear(halved[..., 0] / 255)[bright] / srgb_to_linear(plain[..., 0] / 255)[bright]
    assert abs(np.median(ratio) - 0.5) < 0.01
    assert np.array_equal(halved[..., 1], plain[..., 1])


def test_one_unmatched_photo_leaves_both_as_they_are(client: ClientResult, correct: Callable[..., None]) -> None:
    plain = draw(client)[1]
    correct(client.sessions[-1], matrix=np.diag([0.5, 1.0, 1.0]).astype(np.float32))
    correct(client.sessions[0], rung="none", anchor="")
    assert np.array_equal(draw(client)[1], plain)


@pytest.mark.parametrize(
    "color",
    [
        ColorMap(gains=(1.0, 1.0, 1.0), tone=((0.01, 0.005), (1.0, 0.5)), matrix=((1, 0, 0), (0, 1, 0), (0, 0, 1))),
        ColorMap(
            gains=(0.5, 0.5, 0.5),
            tone=None,
            matrix=((1, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0)),
        ),
        ColorMap(gains=(0.25, 0.25, 0.25), tone=None, matrix=((1, 0, 0), (0, 1, 0), (0, 0, 1)), brightness=2.0),
    ],
)
def test_every_form_of_colour_map_is_applied(tmp_path: Path, write_photo: Write, color: ColorMap) -> None:
    path = write_photo(tmp_path / "a.png", np.full((80, 80, 3), 200, np.uint8))
    recipe = one_frame([[1, 0, 0], [0, 1, 0]], (64, 64), color=color)
    shown = render_frames(recipe, lambda _: path)[0]
    assert srgb_to_linear(shown).mean() == pytest.approx(0.5 * srgb_to_linear(np.uint8(200)), rel=0.01)


def test_hidden_parts_are_covered_in_every_frame(client: ClientResult) -> None:
    for plain, covered in zip(draw(client), draw(client, hide="eyes"), strict=True):
        changed = (plain != covered).any(axis=2)
        rows = np.nonzero(changed.mean(axis=1) > 0.3)[0]
        assert 0.05 < len(rows) / len(plain) < 0.35


def test_a_photo_that_has_gone_is_an_error(client: ClientResult) -> None:
    recipe = plan_composite(client, view="front", options=CompositeOptions())
    with pytest.raises(PhotoError):
        render_frames(recipe, lambda frame: Path("/nowhere") / frame.file)
    photo = client.inspections[recipe.frames[0].file].ref.path
    size = photo.stat().st_size
    render_frames(dataclasses.replace(recipe, frames=recipe.frames[:1]), lambda _: photo)
    assert photo.stat().st_size == size
