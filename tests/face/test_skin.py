"""The skin mask on a portrait: what is drawn on the skin is left out, and skin stays, red or spotted."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from skinprogress.color.spaces import srgb_to_linear
from skinprogress.face.canonical import canonical_map, resample
from skinprogress.face.landmarks import find_landmarks
from skinprogress.face.obstacles import find_obstacles
from skinprogress.face.regions import REGIONS, WHOLE_FACE, bare_face_mask, region_mask
from skinprogress.face.skin import estimate_visibility, find_skin, find_visible, measure_coverage
from skinprogress.photos.reading import read_photo, to_srgb8
from skinprogress.records import PhotoRef
from skinprogress.synthetic.skin_detail import draw_flakes

Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
SIDE = 512
BLOOD = np.array([0.23, 0.69, 0.68], np.float32)
MELANIN = np.array([0.24, 0.48, 0.85], np.float32)
HAIR = (0.03, 0.022, 0.018)
NOWHERE = np.zeros((SIDE, SIDE), bool)


@pytest.fixture(scope="module")
def visibility() -> npt.NDArray[np.float32]:
    return estimate_visibility((0.0, 0.0, 0.0), SIDE)


@pytest.fixture(scope="module")
def face(portrait: npt.NDArray[np.uint8]) -> Image:
    """The portrait in the canonical frame, linear."""
    xy = canonical_map(find_landmarks(portrait)[0].points_xy, SIDE)
    return np.asarray(resample(srgb_to_linear(portrait), xy), np.float32)


@pytest.fixture(scope="module")
def before(face: Image, visibility: npt.NDArray[np.float32]) -> Mask:
    return find_skin(face, NOWHERE, visibility)


def laid_on(face: Image, shape: npt.NDArray[np.uint8], color: tuple[float, float, float]) -> Image:
    """A face with something of one colour on it; its edge is as soft as a photo's."""
    weight = cv2.GaussianBlur(shape.astype(np.float32), (0, 0), 0.8)[..., None]
    return np.asarray(face * (1.0 - weight) + weight * np.array(color, np.float32), np.float32)


def overlap(a: Mask, b: Mask) -> float:
    return float((a & b).sum() / (a | b).sum())


def canvas() -> npt.NDArray[np.uint8]:
    return np.zeros((SIDE, SIDE), np.uint8)


def fringe() -> npt.NDArray[np.uint8]:
    return cv2.fillPoly(canvas(), [np.array([(170, 40), (350, 40), (330, 105), (250, 90), (200, 112)], np.int32)], 1)


def strands() -> npt.NDArray[np.uint8]:
    drawn = canvas()
    for x in range(185, 330, 9):
        cv2.line(drawn, (x, 50), (x + 12, 105), 1, 2)
    return drawn


def band() -> npt.NDArray[np.uint8]:
    return cv2.rectangle(canvas(), (60, 40), (450, 85), 1, -1)


def glasses() -> npt.NDArray[np.uint8]:
    drawn = canvas()
    for x in (176, 336):
        cv2.ellipse(drawn, (x, 197), (62, 45), 0, 0, 360, 1, 6)
    cv2.ellipse(drawn, (256, 186), (21, 8), 0, 180, 360, 1, 6)
    return drawn


def jewel() -> npt.NDArray[np.uint8]:
    return cv2.circle(canvas(), (150, 330), 5, 1, -1)


@pytest.mark.parametrize(
    ("shape", "color", "kind"),
    [
        (fringe, HAIR, "hair"),
        (strands, HAIR, "hair"),
        (band, (0.05, 0.10, 0.45), "covered"),  # a blue hairband or cap
        (glasses, (0.02, 0.02, 0.02), "glasses"),
        (jewel, (0.95, 0.95, 0.95), "shine"),
    ],
)
def test_what_lies_on_the_skin_is_left_out_and_named(
    face: Image,
    visibility: npt.NDArray[np.float32],
    before: Mask,
    shape: Callable[[], npt.NDArray[np.uint8]],
    color: tuple[float, float, float],
    kind: str,
) -> None:
    drawn = shape()
    changed = laid_on(face, drawn, color)
    skin = find_skin(changed, NOWHERE, visibility)
    assert skin[(drawn > 0) & before].mean() < 0.03
    found = find_obstacles(changed, find_visible(NOWHERE, visibility))
    assert found[kind][(drawn > 0) & before].mean() > 0.8
    # What is far from it stays as it was; what passes for shine depends on its surroundings a little.
    far = cv2.dilate(drawn, np.ones((61, 61), np.uint8)) == 0
    for name in ("periorbital_left", "periorbital_right"):
        far &= ~region_mask(name, SIDE)
    assert overlap(skin & far, before & far) > 0.95


def test_the_forehead_between_a_fair_fringe_and_the_brows_is_skin_and_the_fringe_is_not(
    face: Image, visibility: npt.NDArray[np.float32], before: Mask
) -> None:
    # The portrait has such a fringe: fair where its light falls on it, dark at the client's left.
    fringe = [(130, 78), (150, 92), (172, 102), (205, 102), (270, 98), (302, 102), (318, 113), (345, 119), (390, 129)]
    seen = find_visible(NOWHERE, visibility)
    above = cv2.fillPoly(canvas(), [np.array([(118, 0), *fringe, (512, 129), (512, 0)], np.int32)], 1) > 0
    forehead = cv2.fillPoly(canvas(), [np.array([(120, 110), (210, 116), (300, 116), (340, 132), (120, 132)])], 1) > 0
    found = find_obstacles(face, seen)
    assert before[above & seen].mean() < 0.15
    assert found["hair"][above & seen].mean() > 0.8
    assert before[forehead & seen].mean() > 0.95


def test_fair_strands_on_plain_skin_are_hair(visibility: npt.NDArray[np.float32]) -> None:
    rng = np.random.default_rng(4)
    plain = np.full((SIDE, SIDE, 3), (0.45, 0.25, 0.18), np.float32)
    plain *= np.exp(rng.normal(0.0, 0.02, (SIDE, SIDE, 1))).astype(np.float32)
    # Combed upright: it varies from side to side, hardly from top to bottom.
    combed = cv2.GaussianBlur(rng.normal(0.0, 1.0, (SIDE, SIDE)).astype(np.float32), (0, 0), sigmaX=1.2, sigmaY=12.0)
    light = np.exp(0.25 * combed / combed.std())[..., None]
    hair = np.array((0.30, 0.17, 0.095), np.float32) * light  # a third darker than the skin
    weight = cv2.GaussianBlur(fringe().astype(np.float32), (0, 0), 0.8)[..., None]
    skin = find_skin((plain * (1 - weight) + weight * hair).astype(np.float32), NOWHERE, visibility)
    seen = find_visible(NOWHERE, visibility)
    within = cv2.erode(fringe(), np.ones((5, 5), np.uint8)) > 0  # its edge is half skin
    assert skin[within & seen].mean() < 0.25
    far = cv2.dilate(fringe(), np.ones((41, 41), np.uint8)) == 0
    assert skin[far & seen].mean() > 0.99


def test_light_that_falls_brighter_on_a_cheek_is_no_shine_but_a_glint_is(
    face: Image, visibility: npt.NDArray[np.float32], before: Mask
) -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    square = (x - 150.0) ** 2 + (y - 290.0) ** 2
    broad = np.exp(0.5 * np.exp(-square / (2 * 30.0**2)))[..., None]
    assert overlap(find_skin((face * broad).astype(np.float32), NOWHERE, visibility), before) > 0.98
    glint = 0.35 * np.exp(-square / (2 * 5.0**2))[..., None]
    found = find_obstacles((0.6 * face + glint).astype(np.float32), find_visible(NOWHERE, visibility))
    assert found["shine"][square < 4.0**2].all()
    assert not found["shine"][(square > 20.0**2) & (square < 50.0**2)].any()


def test_glasses_take_the_skin_behind_the_lenses_with_them(
    face: Image, visibility: npt.NDArray[np.float32], before: Mask
) -> None:
    skin = find_skin(laid_on(face, glasses(), (0.02, 0.02, 0.02)), NOWHERE, visibility)
    for name in ("periorbital_left", "periorbital_right"):
        assert before[region_mask(name, SIDE)].any()
        assert not skin[region_mask(name, SIDE)].any()
    assert not find_obstacles(face, find_visible(NOWHERE, visibility))["glasses"].any()


def test_what_shows_between_strands_is_left_out_too(visibility: npt.NDArray[np.float32]) -> None:
    plain = np.full((SIDE, SIDE, 3), (0.45, 0.25, 0.18), np.float32)
    between = cv2.morphologyEx(strands(), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)) > 0
    between &= find_visible(NOWHERE, visibility)
    assert find_skin(plain, NOWHERE, visibility)[between].all()
    assert find_skin(laid_on(plain, strands(), HAIR), NOWHERE, visibility)[between].mean() < 0.1


def test_stubble_is_left_out_where_beards_grow_and_nowhere_else(
    face: Image, visibility: npt.NDArray[np.float32], before: Mask
) -> None:
    rng = np.random.default_rng(3)
    dots = canvas()
    for x, y in rng.uniform(0, SIDE, (26000, 2)):
        cv2.line(dots, (int(x), int(y)), (int(x), int(y) + 3), 1, 1)
    bearded = region_mask("chin", SIDE) | region_mask("jaw_left", SIDE) | region_mask("jaw_right", SIDE)
    changed = laid_on(face, dots * bearded, HAIR)
    found = find_obstacles(changed, find_visible(NOWHERE, visibility))
    assert found["beard"][bearded & before].mean() > 0.85
    assert found["hair"][region_mask("forehead", SIDE) & before].mean() < 0.02
    cheeks = region_mask("cheek_left", SIDE) | region_mask("cheek_right", SIDE)
    assert found["beard"][cheeks & before].mean() < 0.1


@pytest.mark.parametrize("amount", [-0.25, 0.25, 0.5])
def test_blood_does_not_change_the_mask(
    face: Image, visibility: npt.NDArray[np.float32], before: Mask, amount: float
) -> None:
    everywhere = np.full((SIDE, SIDE), amount, np.float32)
    in_patches = cv2.GaussianBlur(np.random.default_rng(5).normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), 14.0)
    in_patches = amount * (in_patches > 0).astype(np.float32)
    for where in (everywhere, in_patches):
        redder = face * np.exp(-where[..., None] * BLOOD)
        assert overlap(find_skin(redder, NOWHERE, visibility), before) > 0.98


def test_peeling_does_not_change_the_mask(face: Image, visibility: npt.NDArray[np.float32], before: Mask) -> None:
    flaking = face * np.exp(1.5 * draw_flakes(3, side_px=SIDE))[..., None]
    assert overlap(find_skin(flaking.astype(np.float32), NOWHERE, visibility), before) > 0.98


def test_freckles_and_a_mole_stay(face: Image, visibility: npt.NDArray[np.float32], before: Mask) -> None:
    spots = np.zeros((SIDE, SIDE), np.float32)
    for x, y in np.random.default_rng(8).uniform((110, 240), (400, 400), (300, 2)):
        cv2.circle(spots, (int(x), int(y)), 1, 0.5, -1)  # freckles of a millimetre
    mole = cv2.circle(canvas(), (150, 300), 4, 1, -1)  # three millimetres across
    spots = cv2.GaussianBlur(np.maximum(spots, 1.5 * mole), (0, 0), 0.7)
    skin = find_skin(face * np.exp(-spots[..., None] * MELANIN), NOWHERE, visibility)
    assert before[mole > 0].all()
    assert skin[mole > 0].all()
    assert overlap(skin, before) > 0.98


@pytest.mark.parametrize("gains", [(1.1, 1.0, 0.9), (0.9, 1.0, 1.1), (0.6, 0.6, 0.6), (1.6, 1.6, 1.6)])
def test_white_balance_and_exposure_do_not_change_the_mask(
    face: Image, visibility: npt.NDArray[np.float32], before: Mask, gains: tuple[float, float, float]
) -> None:
    assert overlap(find_skin(face * np.array(gains, np.float32), NOWHERE, visibility), before) > 0.98


def test_coverage_adds_up(face: Image, visibility: npt.NDArray[np.float32]) -> None:
    clipped = NOWHERE.copy()
    clipped[:, : SIDE // 3] = True
    obstacles = find_obstacles(face, find_visible(clipped, visibility))
    skin = find_skin(face, clipped, visibility, obstacles=obstacles)
    np.testing.assert_array_equal(skin, find_skin(face, clipped, visibility))
    assert sum(mask.astype(int) for mask in obstacles.values()).max() <= 1
    assert not skin[~bare_face_mask(SIDE)].any()
    coverage = measure_coverage(skin, obstacles)
    assert set(coverage) == set(REGIONS)
    for region in coverage.values():
        assert 0.0 <= region.skin + sum(region.left_out.values()) <= 1.0 + 1e-9
    assert coverage["cheek_right"].skin < 0.5 < coverage["cheek_left"].skin
    assert 0.3 < coverage[WHOLE_FACE].skin < 0.8


def test_nothing_to_be_seen_is_no_skin(face: Image, visibility: npt.NDArray[np.float32]) -> None:
    nowhere = find_skin(face, ~NOWHERE, visibility)
    assert not nowhere.any()
    assert measure_coverage(nowhere, {})["face"].left_out == {}


def test_coverage_of_real_faces_agrees_between_expressions(real_photos: Path) -> None:
    shares = {}
    for name in ("070_neutral", "070_smiling", "112_neutral", "112_smiling"):
        path = real_photos / "london" / f"{name}.jpg"
        rgb = to_srgb8(read_photo(PhotoRef(path=path, file=path.name, client="x", session="s")))
        landmarks = find_landmarks(rgb)[0]
        seen = estimate_visibility(landmarks.pose_deg, SIDE)
        face = resample(srgb_to_linear(rgb), canonical_map(landmarks.points_xy, SIDE))
        obstacles = find_obstacles(face, find_visible(NOWHERE, seen))
        shares[name] = measure_coverage(find_skin(face, NOWHERE, seen, obstacles=obstacles), obstacles)
    for region in ("forehead", "cheek_left", "cheek_right", "chin", "upper_lip"):
        for person in ("070", "112"):
            neutral, smiling = (shares[f"{person}_{kind}"][region].skin for kind in ("neutral", "smiling"))
            assert abs(neutral - smiling) < 0.15, (person, region)
    assert shares["070_neutral"]["chin"].left_out["beard"] > 0.8
    assert "beard" not in shares["112_neutral"]["chin"].left_out
