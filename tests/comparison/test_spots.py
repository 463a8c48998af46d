"""Spots that come, go and stay are told apart, and none of them flickers."""

from collections import Counter
from typing import Any

import cv2
import numpy as np
import pytest

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.comparison.spots import FollowedSpot, follow_spots
from skinprogress.metrics.inputs import MetricInput
from skinprogress.records import SpotKind
from skinprogress.synthetic.changes import inject_pigment, redness_per_unit

SIDE, MM_PER_PX = 400, 0.2
KINDS: tuple[SpotKind, ...] = ("red", "brown")
PLACES = [(80 + 60 * i, 80 + 60 * j) for i in range(5) for j in range(5)]


def mask() -> np.ndarray:
    skin = np.zeros((SIDE, SIDE), bool)
    skin[20:-20, 20:-20] = True
    return skin


def face(
    kind: SpotKind, contrasts: list[float], *, seed: int, shift: tuple[float, float] = (0.0, 0.0), blur: float = 0.0
) -> MetricInput:
    """Skin with a spot of 1.2 to 3.6 mm at each place, and camera noise of its own."""
    rows, cols = np.indices((SIDE, SIDE))
    amount = np.zeros((SIDE, SIDE))
    for k, ((row, col), contrast) in enumerate(zip(PLACES, contrasts, strict=True)):
        radius = (0.6 + 0.05 * k) / MM_PER_PX
        away = np.hypot(rows - row - shift[0], cols - col - shift[1])
        amount += contrast / (1.0 + np.exp(np.clip((away - radius) / 0.5, -50.0, 50.0)))
    pigment: Any = "haemoglobin" if kind == "red" else "melanin"
    if kind == "red":
        amount *= EI_PER_A_STAR / redness_per_unit(pigment)
    relief = cv2.GaussianBlur(np.random.default_rng(0).normal(0.0, 1.0, (SIDE, SIDE)), (0, 0), 2.5) * 0.12
    bare = np.array([0.4, 0.25, 0.19]) * np.exp(relief)[..., None]
    image = inject_pigment(bare, amount, direction=pigment)
    if blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), blur), np.float32)
    image = image * np.exp(np.random.default_rng(seed).normal(0.0, 0.015, image.shape))
    scale = np.full((SIDE, SIDE), MM_PER_PX, np.float32)
    return MetricInput(image.astype(np.float32), mask(), scale, np.full((SIDE, SIDE), 6.0, np.float32))


def strong(kind: SpotKind) -> float:
    return 8.0 if kind == "red" else 0.6


def status_of(followed: tuple[FollowedSpot, ...]) -> dict[tuple[int, int], str]:
    out = {}
    for spot in followed:
        row, col = spot.row * SIDE - 0.5, spot.col * SIDE - 0.5
        place = min(PLACES, key=lambda p: np.hypot(p[0] - row, p[1] - col))
        assert np.hypot(place[0] - row, place[1] - col) < 6.0
        out[place] = spot.status
    return out


@pytest.mark.parametrize("kind", KINDS)
def test_new_gone_and_persistent(kind: SpotKind) -> None:
    high = strong(kind)
    before = [high if k % 5 != 1 else 0.0 for k in range(25)]
    after = [high if k % 5 != 3 else 0.0 for k in range(25)]
    followed = follow_spots(face(kind, before, seed=1), face(kind, after, seed=2), skin=mask(), kind=kind)
    expected = {p: {1: "new", 3: "gone"}.get(k % 5, "persistent") for k, p in enumerate(PLACES)}
    assert status_of(followed) == expected
    for spot in followed:
        assert spot.kind == kind
        assert (spot.area_before_mm2 == 0.0) == (spot.status == "new")
        assert (spot.area_after_mm2 == 0.0) == (spot.status == "gone")
        absent = spot.contrast_before if spot.status == "new" else spot.contrast_after
        assert (abs(absent) < 0.3 * high) == (spot.status != "persistent")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("disturbance", [{}, {"shift": (0.7, -0.7)}, {"blur": 1.0}], ids=["noise", "shift", "blur"])
def test_spots_near_the_threshold_do_not_flicker(kind: SpotKind, disturbance: dict[str, Any]) -> None:
    contrasts = list(strong(kind) * np.linspace(0.3, 0.7, 25))
    one = face(kind, contrasts, seed=1)
    other = face(kind, contrasts, seed=2, **disturbance)
    followed = Counter(spot.status for spot in follow_spots(one, other, skin=mask(), kind=kind))
    assert followed["persistent"] >= 15
    assert set(followed) == {"persistent"}


@pytest.mark.parametrize("kind", KINDS)
def test_fading_is_not_vanishing(kind: SpotKind) -> None:
    high = strong(kind)
    followed = follow_spots(
        face(kind, [high] * 25, seed=1), face(kind, [0.6 * high] * 25, seed=2), skin=mask(), kind=kind
    )
    assert {spot.status for spot in followed} == {"persistent"}
    ratio = np.median([spot.contrast_after / spot.contrast_before for spot in followed])
    assert ratio == pytest.approx(0.6, abs=0.06)


def test_swapping_the_photos_swaps_the_statuses() -> None:
    one, two = face("red", [8.0, 0.0] * 12 + [8.0], seed=1), face("red", [8.0] * 25, seed=2)
    there = status_of(follow_spots(one, two, skin=mask(), kind="red"))
    back = status_of(follow_spots(two, one, skin=mask(), kind="red"))
    swapped = {"new": "gone", "gone": "new", "persistent": "persistent"}
    assert back == {place: swapped[status] for place, status in there.items()}
    assert set(there.values()) == {"new", "persistent"}


def test_only_common_skin_and_what_both_photos_resolve_counts() -> None:
    one, two = face("red", [8.0] * 25, seed=1), face("red", [8.0] * 25, seed=2)
    half = mask()
    half[:, 200:] = False
    assert max(spot.col for spot in follow_spots(one, two, skin=half, kind="red")) < 0.5
    coarse = MetricInput(two.linear_rgb, two.skin, two.mm_per_px, np.full((SIDE, SIDE), 1.3, np.float32))
    seen = follow_spots(one, coarse, skin=mask(), kind="red")
    assert 0 < len(seen) < 25
    assert {spot.status for spot in seen} == {"persistent"}


def test_another_frame_is_refused() -> None:
    one = face("red", [8.0] * 25, seed=1)
    with pytest.raises(ValueError, match="one frame"):
        follow_spots(one, one, skin=mask()[:-1], kind="red")


def test_no_spots_no_rows() -> None:
    one, two = face("brown", [0.0] * 25, seed=1), face("brown", [0.0] * 25, seed=2)
    assert follow_spots(one, two, skin=mask(), kind="brown") == ()
