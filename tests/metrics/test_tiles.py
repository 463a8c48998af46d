"""Tiles: how much detail of each size a photo shows, and how much of it another photo shows too."""

import numpy as np
import numpy.typing as npt
import pytest

from skinprogress.metrics.tiles import TILE_PX, find_tiles, tile_spectra

FloatMap = npt.NDArray[np.float32]
EDGES = np.linspace(0.05, 0.4, 8)


def _white(seed: int, n: int = 60) -> FloatMap:
    return np.random.default_rng(seed).normal(0.0, 1.0, (n, TILE_PX, TILE_PX)).astype(np.float32)


def test_white_noise_has_the_density_of_its_variance_at_all_frequencies() -> None:
    spectra, count, _ = tile_spectra(3.0 * _white(1), _white(1), np.ones(60), EDGES)
    assert np.all(count > 0.0)
    assert spectra[0] == pytest.approx(np.full(7, 9.0), rel=0.1)
    assert spectra[2] == pytest.approx(np.full(7, 3.0), rel=0.1)


def test_photos_with_nothing_in_common_have_no_cross_spectrum() -> None:
    spectra, _, _ = tile_spectra(_white(1), _white(2), np.ones(60), EDGES)
    assert np.all(np.abs(spectra[2]) < 0.1)


def test_frequencies_are_those_of_the_photo() -> None:
    wave = np.sin(2.0 * np.pi * 0.1 * np.arange(TILE_PX, dtype=np.float32))
    tiles = np.broadcast_to(wave, (20, TILE_PX, TILE_PX)).astype(np.float32) + 0.01 * _white(3, 20)
    for unit, u in ((1.0, 0.1), (0.5, 0.2)):
        spectra, _, _ = tile_spectra(tiles, tiles, np.full(20, unit), np.linspace(0.05, 0.4, 15))
        assert abs(0.0625 + 0.025 * int(np.argmax(spectra[0])) - u) <= 0.025


def test_a_few_strong_tiles_do_not_speak_for_the_face() -> None:
    tiles = _white(4)
    tiles[:3] *= 30.0
    spectra, _, weight = tile_spectra(tiles, tiles, np.ones(60), EDGES)
    assert np.all(weight[:3] < 0.01 * np.median(weight))
    assert np.all(spectra[0] < 2.0)


def test_tiles_lie_where_the_skin_is_usable_and_faces_the_eye() -> None:
    usable = np.zeros((512, 512), bool)
    usable[100:400, 100:400] = True
    facing = np.where(np.arange(512) < 300, 0.95, 0.5).astype(np.float32) * np.ones((512, 1), np.float32)
    corners = find_tiles(usable, 1.0, facing)
    assert len(corners) > 40
    assert corners.min() >= 100
    assert corners.max() + TILE_PX <= 400
    assert np.all(facing[tuple((corners + TILE_PX // 2).T)] > 0.9)
