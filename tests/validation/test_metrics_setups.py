"""Photos taken again for the validation of the metrics, and spots painted on a face."""

import cv2
import numpy as np
import pytest

from skinprogress.metrics.inputs import MetricInput
from skinprogress.photos.profiles import srgb_encoding
from skinprogress.pipeline.inspecting import find_client_face
from skinprogress.records import Photo, PhotoRef
from skinprogress.settings import Settings
from skinprogress.synthetic.disturbances import DISTURBANCES
from skinprogress.validation.metrics_faces import score_spots, time_maps
from skinprogress.validation.metrics_setups import BANDS_MM, SETUPS, Setup, Subject, score_setup


@pytest.fixture(scope="module")
def subject(portrait):
    rgb = cv2.resize(portrait, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    photo = Photo(
        ref=PhotoRef(path=None, file="a.png", client="", session=""), pixels=rgb, curve=srgb_encoding(256).curve,
        matrix=np.eye(3, dtype=np.float32), metadata={},
    )  # fmt: skip
    return Subject("a.png", photo, find_client_face(photo, settings=Settings())[0], [3])


def test_every_disturbance_and_change_has_its_turn_in_every_photo():
    assert {s.disturbance for s in SETUPS if s.kind == "disturbed"} == set(DISTURBANCES)
    assert {(s.kind, s.tier) for s in SETUPS} >= {
        ("blood", "T0"), ("blood", "T1"), ("unchanged", "T1"), ("texture", "T0"), ("texture_face", "T1")
    }  # fmt: skip
    assert all(len(SETUPS) % k for k in range(2, len(SETUPS)))
    assert len({s.kind for s in SETUPS[:5]}) > 2


def test_a_copy_gives_the_same_numbers(subject):
    pair = score_setup(subject, Setup("disturbed", "T0", "copy"), number=0, settings=Settings())
    assert not pair.reason
    known = [r for r in pair.readings if r.published and r.metric in ("redness", "relative_redness")]
    assert len(known) > 15
    assert all(r.difference == pytest.approx(0.0, abs=0.01) for r in known)
    assert all(r.flagged for r in pair.readings if not r.published)


def test_injected_blood_has_a_truth_where_it_was_put_and_is_found_there(subject, only_metrics):
    only_metrics("redness", "redness_index", "relative_redness")
    pair = score_setup(subject, Setup("blood", "T0"), number=4, settings=Settings())
    (changed,) = (r for r in pair.readings if r.changed and r.metric == "redness_index")
    assert 0.5 < abs(changed.true) < 8.0
    assert changed.difference / changed.true == pytest.approx(1.0, abs=0.35)
    assert pair.group.startswith("ITA")
    assert 0.0 < changed.half_alone < changed.half


def test_scaled_texture_has_a_truth_in_its_band_alone(subject):
    pair = score_setup(subject, Setup("texture", "T0"), number=1, settings=Settings())
    told = [r for r in pair.readings if np.isfinite(r.true)]
    (metric,) = {r.metric for r in told}
    assert metric in BANDS_MM
    shares = [r.true / r.before for r in told if r.changed]
    assert len(shares) >= 2 and np.ptp(np.sign(shares)) == 0
    assert 0.05 < np.abs(shares).max() <= 0.4 + 1e-6
    still = [r.true / r.before for r in told if not r.changed and r.region != "face"]
    assert np.abs(still).min() < 0.01


@pytest.fixture(scope="module")
def skin():
    side = 512
    rng = np.random.default_rng(2)
    grain = cv2.GaussianBlur(rng.standard_normal((side, side)).astype(np.float32), (0, 0), 3.0) * 0.1
    mask = np.zeros((side, side), bool)
    mask[40:-40, 40:-40] = True
    return MetricInput(
        linear_rgb=np.array([0.45, 0.27, 0.2], np.float32) * np.exp(grain)[..., None], skin=mask,
        mm_per_px=np.full((side, side), 0.2, np.float32), photo_px_per_mm=np.full((side, side), 5.0, np.float32),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["red", "brown"])
def test_painted_spots_are_found_and_counted(skin, kind):
    score = score_spots(skin, kind, seed=1)
    assert score.n_painted >= 10
    assert score.n_found >= 0.9 * score.n_painted
    assert score.n_false <= 1
    assert len(score.area_ratios) == score.n_found
    assert np.median(score.area_ratios) == pytest.approx(1.0, abs=0.15)


def test_spots_are_not_asked_of_a_photo_that_cannot_show_them(skin):
    from dataclasses import replace

    coarse = replace(skin, photo_px_per_mm=np.full_like(skin.photo_px_per_mm, 1.0))
    assert score_spots(coarse, "red", seed=1).n_painted == 0


def test_every_metric_is_timed(skin):
    from skinprogress.metrics.table import METRICS

    spent = time_maps(skin, step=1)
    assert list(spent) == ["preparing", *METRICS]
    assert all(ms >= 0.0 for ms in spent.values())
