"""The regions and the skin mask."""

import numpy as np
import pytest

from skinprogress.face.canonical import raster
from skinprogress.face.landmarks import find_landmarks
from skinprogress.face.regions import (
    REGIONS,
    WHOLE_FACE,
    bare_face_mask,
    nearest_region,
    region_mask,
    region_polygons_xy,
)
from skinprogress.face.skin import estimate_visibility, find_skin

SIDE = 256
WANTED = {
    "forehead", "glabella", "nose", "cheek_left", "cheek_right", "periorbital_left", "periorbital_right", "upper_lip",
    "chin", "jaw_left", "jaw_right", "face",
}  # fmt: skip


def test_all_regions_are_there_and_hold_skin() -> None:
    assert set(REGIONS) == WANTED
    for name in REGIONS:
        skin = region_mask(name, SIDE) & bare_face_mask(SIDE)
        assert skin.sum() > 0.5 * region_mask(name, SIDE).sum() > 0


def test_regions_do_not_overlap() -> None:
    total = sum(region_mask(name, SIDE).astype(int) for name in REGIONS if name != WHOLE_FACE)
    assert (total > 1).mean() < 1e-4


@pytest.mark.parametrize("name", ["cheek", "periorbital", "jaw"])
def test_left_is_the_mirror_image_of_right_and_lies_on_the_clients_left(name: str) -> None:
    left, right = region_mask(f"{name}_left", SIDE), region_mask(f"{name}_right", SIDE)
    assert (left ^ right[:, ::-1]).sum() < 0.03 * left.sum()
    # The client faces the camera: their left is on the right of the picture.
    assert np.nonzero(left)[1].mean() > SIDE / 2 > np.nonzero(right)[1].mean()


def test_every_px_has_a_nearest_region_which_is_its_own_where_it_has_one() -> None:
    names = [name for name in REGIONS if name != WHOLE_FACE]
    nearest = nearest_region(SIDE)
    assert nearest.shape == (SIDE, SIDE) and not nearest.flags.writeable
    for index, name in enumerate(names):
        inside = region_mask(name, SIDE)
        assert (nearest[inside] == index).mean() > 0.999  # neighbours may share a px of their border
        # No px of it lies nearer to another region's px.
        rows, cols = np.nonzero(nearest == index)
        own = np.argwhere(inside)
        for row, col in zip(rows[::997], cols[::997], strict=True):
            away = np.hypot(*(own - [row, col]).T).min()
            others = np.argwhere(np.logical_or.reduce([region_mask(n, SIDE) for n in names if n != name]))
            assert away <= np.hypot(*(others - [row, col]).T).min() + 1.5
    left, right = names.index("cheek_left"), names.index("cheek_right")
    assert ((nearest == left) ^ (nearest[:, ::-1] == right)).mean() < 0.01


def test_polygons_lie_on_the_face_in_a_photo_that_is_not_square(portrait):
    landmarks = find_landmarks(portrait)[0]
    outlines = region_polygons_xy(landmarks.points_xy)
    low, high = landmarks.points_xy.min(axis=0) - 1, landmarks.points_xy.max(axis=0) + 1
    assert set(outlines) == WANTED
    for polygons in outlines.values():
        for polygon in polygons:
            assert (polygon >= low).all() and (polygon <= high).all()
    nose, chin, forehead = (outlines[n][0].mean(axis=0) for n in ("nose", "chin", "forehead"))
    assert forehead[1] < nose[1] < chin[1]
    assert outlines["cheek_right"][0][:, 0].mean() < nose[0] < outlines["cheek_left"][0][:, 0].mean()


def plain_face(value=(0.45, 0.25, 0.18)) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), value, np.float32)


def everywhere() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((SIDE, SIDE), bool), estimate_visibility((0.0, 0.0, 0.0), SIDE)


def test_plain_skin_is_all_kept() -> None:
    clipped, visibility = everywhere()
    skin = find_skin(plain_face(), clipped, visibility)
    with np.errstate(invalid="ignore"):
        expected = bare_face_mask(SIDE) & (visibility >= 0.4)
    assert skin.sum() > 0.99 * expected.sum()
    assert not (skin & ~raster(SIDE).inside).any()


def test_redness_is_never_masked_and_hair_shine_and_clipping_are() -> None:
    clipped, visibility = everywhere()
    patch = (slice(120, 150), slice(60, 85))  # on the right cheek
    before = find_skin(plain_face(), clipped, visibility)[patch].mean()
    assert before == 1.0
    for color, kept in (
        ((0.45, 0.16, 0.12), True),  # deep redness: far less green, no less red
        ((0.03, 0.02, 0.02), False),  # hair
        ((0.85, 0.80, 0.78), False),  # shine
    ):
        face = plain_face()
        face[patch] = color
        middle = find_skin(face, clipped, visibility)[125:145, 65:80]
        assert middle.mean() == pytest.approx(1.0 if kept else 0.0), color
    clipped[patch] = True
    assert not find_skin(plain_face(), clipped, visibility)[125:145, 65:80].any()


def test_edge_on_skin_is_left_out() -> None:
    clipped, _ = everywhere()
    straight, turned = (
        find_skin(plain_face(), clipped, estimate_visibility((yaw, 0.0, 0.0), SIDE)) for yaw in (0.0, 45.0)
    )
    left = region_mask("jaw_left", SIDE)
    assert (turned & left).sum() < 0.7 * (straight & left).sum()
