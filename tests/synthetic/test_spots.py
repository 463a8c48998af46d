"""What is painted is what the truth says."""

import numpy as np
import pytest

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.metrics.pigmentation import unmixing_matrix
from skinprogress.synthetic.spots import paint_blood, paint_spots

SHAPE, MM_PER_PX = (240, 320), 0.1  # not square
SCALE = np.full(SHAPE, MM_PER_PX, np.float32)
BARE = np.broadcast_to(np.array([0.5, 0.34, 0.28], np.float32), (*SHAPE, 3))


def skin() -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[15:-15, 15:-15] = True
    return mask


@pytest.mark.parametrize("kind", ["red", "brown"])
def test_size_and_contrast_are_those_of_the_truth(kind: str) -> None:
    image, spots = paint_spots(BARE, skin(), SCALE, kind=kind, n_spots=8, seed=1)  # type: ignore[arg-type]
    ratio = -np.log(image / BARE)
    plane = (ratio[..., 1] - ratio[..., 0]) / EI_PER_A_STAR if kind == "red" else ratio @ unmixing_matrix()[1]
    assert len(spots) >= 5
    rows, cols = np.indices(SHAPE)
    for spot in spots:
        near = np.hypot(rows - spot.row, cols - spot.col) * MM_PER_PX < spot.diameter_mm / 2 + 0.6
        assert plane[near].max() == pytest.approx(spot.contrast, rel=0.03)
        half = near & (plane > spot.contrast / 2)
        assert half.sum() * MM_PER_PX**2 == pytest.approx(spot.area_mm2, rel=0.05)
        assert rows[half].mean() == pytest.approx(spot.row, abs=0.3)
        assert cols[half].mean() == pytest.approx(spot.col, abs=0.3)
    assert plane[~skin()].max() < 0.01


def test_spots_keep_their_distance_and_the_seed_decides() -> None:
    image, spots = paint_spots(BARE, skin(), SCALE, kind="red", n_spots=200, seed=2, gap_mm=0.8)
    assert 5 < len(spots) < 200
    for i, a in enumerate(spots):
        for b in spots[:i]:
            apart = np.hypot(a.row - b.row, a.col - b.col) * MM_PER_PX
            assert apart >= (a.diameter_mm + b.diameter_mm) / 2 + 0.8 - 1e-6
    again, same = paint_spots(BARE, skin(), SCALE, kind="red", n_spots=200, seed=2, gap_mm=0.8)
    assert same == spots
    assert (again == image).all()
    assert paint_spots(BARE, skin(), SCALE, kind="red", n_spots=200, seed=3, gap_mm=0.8)[1] != spots


def test_thicker_blood_is_darker_and_dried_blood_browner() -> None:
    images = []
    for thickness, dried in ((40.0, False), (120.0, False), (120.0, True)):
        image, film = paint_blood(
            BARE, skin(), SCALE, shape="point", n_marks=4, seed=1, thickness_um=(thickness, thickness), dried=dried,
            size_mm=(1.0, 2.0),
        )  # fmt: skip
        assert film.max() == pytest.approx(thickness, rel=0.02)
        assert (film[~skin()] == 0).all()
        assert np.allclose(image[film == 0], BARE[film == 0])
        images.append(image[film > 0.9 * thickness].mean(axis=0))
    thin, thick, dried_film = images
    assert (thick < thin).all()
    assert dried_film[0] < 0.6 * thick[0]  # less red comes through
    # 40 µm of whole blood: three quarters of the green light is gone, most of the red still there.
    assert 0.15 < thin[1] / BARE[0, 0, 1] < 0.35
    assert thin[0] / BARE[0, 0, 0] > 0.75


def test_nothing_is_written_to() -> None:
    bare, mask = BARE.copy(), skin()
    paint_spots(bare, mask, SCALE, kind="brown", n_spots=3, seed=1)
    paint_blood(bare, mask, SCALE, shape="smear", n_marks=2, seed=1)
    assert (bare == BARE).all()
    assert (mask == skin()).all()
