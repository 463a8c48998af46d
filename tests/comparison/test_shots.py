"""What two shots of one session tell that one does not."""

from dataclasses import replace

import numpy as np
import pytest

from skinprogress.comparison.areas import cut_area, estimate_area, estimate_shared
from skinprogress.face.regions import REGIONS
from skinprogress.metrics.table import METRICS
from skinprogress.records import Registration
from skinprogress.settings import Settings

FINE = METRICS["fine_texture"]


def registered(misfit_percent_iod: float) -> Registration:
    return Registration(
        shift=np.zeros((128, 128, 2), np.float32), trusted=np.ones((128, 128), bool),
        misfit_percent_iod=dict.fromkeys(REGIONS, misfit_percent_iod), accepted=tuple(REGIONS), refused=(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def area(make_face, make_plan):
    return cut_area("cheek_left", (face := make_face("one")).skin, face, plan=make_plan("one"), settings=Settings())


@pytest.fixture(scope="module")
def clean(make_face, area):
    # As matched faces are: percentiles and this scale differ by the shape of the distribution.
    return estimate_area(replace(make_face("one"), matched_noise=()), FINE, area).value


@pytest.fixture(scope="module")
def shots(make_face):
    """Two shots of the same skin, each with noise of its own."""
    return [make_face(session, noise=4e-4) for session in ("shot a", "shot b")]


def test_noise_drops_out_of_what_two_shots_share(shots, area, clean) -> None:
    raw = [estimate_area(replace(s, matched_noise=()), FINE, area).value for s in shots]
    assert min(raw) > 1.15 * clean
    shared = estimate_shared(shots, FINE, area)
    assert shared is not None
    assert shared.value == pytest.approx(clean, rel=0.04)
    assert shared.influence.shape == estimate_area(shots[0], FINE, area).influence.shape


def test_a_single_shot_shares_nothing(shots, area) -> None:
    assert estimate_shared(shots[:1], FINE, area) is None


def test_shots_that_lie_off_each_other_are_not_used(shots, area) -> None:
    # 0.1 % of the IOD, 51 mm here, is 0.05 mm; 0.4 % would count a tenth of the fine texture as noise.
    near, far = ([shots[0], replace(shots[1], registration=registered(percent))] for percent in (0.1, 0.4))
    assert estimate_shared(near, FINE, area) is not None
    assert estimate_shared(far, FINE, area) is None


@pytest.mark.parametrize("name", ["redness_index", "tone_uniformity", "glcm_contrast", "red_spots"])
def test_only_for_what_noise_is_taken_out_of(name: str, shots, area) -> None:
    assert estimate_shared(shots, METRICS[name], area) is None
