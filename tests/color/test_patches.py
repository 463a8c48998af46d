"""A grey or white object that the user pointed at."""

from pathlib import Path

import numpy as np
import pytest

from skinprogress.color.patches import fit_patch, read_patch
from skinprogress.color.spaces import linear_to_srgb, srgb_to_linear
from skinprogress.records import Photo, PhotoRef

FACE = np.array([[100.0, 90.0], [160.0, 90.0], [160.0, 190.0], [100.0, 190.0]])
CAST = np.array([0.62, 0.55, 0.45])


def photo(patch=(20, 30, 40, 50), *, mirrored: bool = False, cast=CAST, uneven: float = 0.0) -> Photo:
    linear = np.full((200, 300, 3), (0.4, 0.2, 0.1))
    left = 300 - 20 - 40 if mirrored else 20
    linear[30:80, left : left + 40] = cast * (1.0 + uneven * np.linspace(-1, 1, 40)[None, :, None])
    noise = np.random.default_rng(0).normal(0, 1.0, linear.shape)
    return Photo(
        ref=PhotoRef(path=Path("a.png"), file="a.png", client="c", session="s", patch=patch, patch_reflectance=0.6,
                     mirrored=mirrored),
        pixels=np.clip(linear_to_srgb(linear) * 255 + 0.5 + noise, 0, 255).astype(np.uint8),
        curve=np.tile(srgb_to_linear(np.arange(256, dtype=np.float32) / 255), (3, 1)).astype(np.float32),
        matrix=np.eye(3, dtype=np.float32),
        metadata={},
    )  # fmt: skip


@pytest.mark.parametrize("mirrored", [False, True])
def test_it_becomes_grey_of_its_reflectance(mirrored: bool) -> None:
    reading = read_patch(photo(mirrored=mirrored), FACE)
    assert reading is not None and not reading.problem
    found = fit_patch(reading)
    assert not isinstance(found, str)
    np.testing.assert_allclose(found.gains * CAST, 0.6, rtol=0.01)
    assert found.anchor == found.rung == "patch"


def test_without_one_there_is_none() -> None:
    assert read_patch(photo(patch=None), FACE) is None


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"patch": (280, 30, 40, 50)}, "outside"),
        ({"patch": (20, 30, 3, 3)}, "too small"),
        ({"cast": CAST * 1.8}, "over-exposed"),
        ({"cast": CAST * 0.005}, "too dark"),
        ({"uneven": 0.6, "cast": CAST * 0.7}, "not of one colour"),
        ({"cast": np.array([0.6, 0.2, 0.1])}, "coloured"),
        ({"cast": np.array([0.45, 0.25, 0.18])}, "coloured"),
        ({"patch": (80, 85, 40, 50)}, "on the face"),
    ],
)
def test_a_patch_that_cannot_be_used_says_why(values: dict, why: str) -> None:
    reading = read_patch(photo(**values), FACE)
    assert reading is not None
    assert why in str(fit_patch(reading))
