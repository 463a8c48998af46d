"""How sharp and noisy a photo is beside the reference photo, and when two photos are not compared for it."""

from dataclasses import replace

import numpy as np
import pytest

from skinprogress.comparison.faces import Softness
from skinprogress.comparison.pairing import align_maps, find_softness
from skinprogress.metrics.noise import NoiseDensity
from skinprogress.metrics.table import METRICS


def compressed(face, quality: int):
    return replace(face, inspection=replace(face.inspection, metadata={"jpeg_quality": str(quality)}))


@pytest.mark.parametrize(
    ("one", "other", "refused"), [(95, 75, True), (75, 95, True), (75, 76, False), (96, 88, False)]
)
def test_photos_that_were_compressed_otherwise_are_told_apart(make_face, one: int, other: int, refused: bool) -> None:
    found = find_softness(compressed(make_face("two"), other), compressed(make_face("one"), one)).softness
    assert ("compressed more strongly" in found.reason) == refused


def test_the_softer_photo_sets_the_sharpness_of_all(make_face) -> None:
    one, two = make_face("one"), make_face("two")
    soft = replace(two, softness=Softness(variance_mm2=0.2**2))
    sharp = replace(two, softness=Softness(variance_mm2=-(0.15**2)))
    texture = "texture_uniformity"
    for faces, blurred, sigma_mm in (((one, soft), 0, 0.2), ((one, sharp), 1, 0.15)):
        found = align_maps(faces, one.skin & two.skin)
        # A px of the photo is 0.19 mm here, as seen from the front.
        assert found.blur_px == pytest.approx(sigma_mm / 0.19, rel=0.1)
        spreads = [float(np.nanstd(face.maps[texture])) for face in found.faces]
        assert spreads[blurred] < 0.9 * spreads[1 - blurred]


def test_what_cannot_be_matched_is_left_as_it_was_photographed(make_face) -> None:
    one = make_face("one")
    for softness in (Softness(variance_mm2=0.4**2), Softness(reason="for some reason")):
        found = align_maps((one, replace(make_face("two"), softness=softness)), one.skin)
        assert np.isnan(found.blur_px)
        assert all(face.matched_noise is None for face in found.faces)
        # But for the edge of the common skin, and half precision.
        moved = np.abs(found.faces[0].maps["fine_texture"] - one.maps["fine_texture"])
        assert np.nanpercentile(moved, 90) < 0.01 * np.nanstd(one.maps["fine_texture"])


def test_noise_counts_as_far_as_it_goes_beyond_what_all_have(make_face) -> None:
    one = make_face("one")
    quiet, noisy = NoiseDensity(density=1e-5), NoiseDensity(density=4e-5)
    two = replace(make_face("two"), softness=Softness(noise=noisy, reference_noise=NoiseDensity(density=0.0)))
    three = replace(make_face("three"), softness=Softness(noise=NoiseDensity(density=0.0), reference_noise=quiet))

    def total(face) -> float:
        return sum(weight * noise.density for noise, weight in face.matched_noise)

    assert [total(f) for f in align_maps((one, two), one.skin).faces] == [0.0, 4e-5]
    # The reference photo has 1e-5 beyond the third, and the second 4e-5 beyond the reference.
    assert [total(f) for f in align_maps((one, two, three), one.skin).faces] == pytest.approx([1e-5, 5e-5, 0.0])


def test_only_what_looks_at_neighbours_is_computed_anew(make_face) -> None:
    one = make_face("one")
    (found,) = align_maps((one,), one.skin).faces
    for metric in METRICS.values():
        assert (found.maps[metric.name] is one.maps[metric.name]) == (metric.local or metric.on_blood)
