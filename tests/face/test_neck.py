"""The neck below a drawn face: its skin is found, and nothing that is not skin, whatever colour either has."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from skinprogress.color.spaces import encode_srgb8
from skinprogress.face.canonical import mesh
from skinprogress.face.landmarks import find_landmarks
from skinprogress.face.neck import NeckPatch, find_neck
from skinprogress.face.regions import FACE_OVAL
from skinprogress.photos.reading import read_photo, to_srgb8
from skinprogress.records import Landmarks, PhotoRef

Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
BLOOD = np.array([0.23, 0.69, 0.68], np.float32)
LIGHT_SKIN = (0.55, 0.36, 0.27)
SKINS = {"pale": (0.62, 0.46, 0.41), "light": LIGHT_SKIN, "brown": (0.25, 0.13, 0.075), "dark": (0.07, 0.038, 0.026)}
CLOTH = {"white": (0.8, 0.8, 0.82), "black": (0.02, 0.02, 0.022), "blue": (0.1, 0.13, 0.25), "red": (0.4, 0.03, 0.03)}
WALL = (0.6, 0.61, 0.6)
MM_PER_PX = 0.25
HEIGHT, WIDTH = 1000, 900
MIDDLE = np.array([450.0, 400.0])


def landmarks() -> Landmarks:
    points = np.zeros((478, 2))
    points[:468] = mesh().vertices_cm[:, :2] * np.array([1.0, -1.0]) * 10.0 / MM_PER_PX + MIDDLE
    return Landmarks(points_xy=points, depth=np.zeros(478), pose_deg=(0, 0, 0), blendshapes={}, view="front")


FACE = landmarks()
CHIN = FACE.points_xy[152]
JAW = FACE.points_xy[[172, 397], 0]


def fill(corners: npt.ArrayLike) -> Mask:
    return np.asarray(cv2.fillPoly(np.zeros((HEIGHT, WIDTH), np.uint8), [np.array(corners, np.int32)], 1) > 0)


def rows_from(y: float) -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[round(y) :] = True
    return mask


HEAD = fill(FACE.points_xy[list(FACE_OVAL)])
THROAT = fill([[JAW[0], MIDDLE[1]], [JAW[1], MIDDLE[1]], [JAW[1], HEIGHT], [JAW[0], HEIGHT]]) & ~HEAD
COLLAR = rows_from(CHIN[1] + 40.0 / MM_PER_PX)


def scene(
    *,
    skin: tuple[float, float, float] = LIGHT_SKIN,
    cloth: tuple[float, float, float] = CLOTH["white"],
    collar: Mask = COLLAR,
    blood: npt.NDArray[np.float32] | float = 0.0,
    exposure: float = 1.0,
) -> tuple[Image, Mask]:
    """Head, neck, collar and wall, linear, a little soft; and which px are the neck's skin."""
    rng = np.random.default_rng(3)
    rgb = np.empty((HEIGHT, WIDTH, 3), np.float32)
    rgb[:] = WALL
    rgb[HEAD | THROAT] = skin
    rgb *= np.exp(-np.multiply.outer(np.where(THROAT, blood, 0.0), BLOOD))
    # The chin shades the neck, and the neck turns away from the light at its sides.
    below = np.clip((np.arange(HEIGHT) - CHIN[1]) / 120.0, 0.0, 1.0)
    across = (np.arange(WIDTH) - MIDDLE[0]) / np.ptp(JAW)
    rgb[THROAT] *= (np.add.outer(0.75 + 0.25 * below, -0.8 * across**2))[THROAT][:, None].astype(np.float32)
    rgb[collar & ~HEAD] = cloth
    pores = cv2.GaussianBlur(rng.normal(0.0, 0.12, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.5)
    rgb *= np.exp(pores)[..., None]
    rgb = cv2.GaussianBlur(rgb, (0, 0), 1.0) * np.float32(exposure)
    return np.asarray(rgb, np.float32), THROAT & ~collar


@pytest.fixture
def find(tmp_path: Path) -> Callable[..., NeckPatch | None]:
    def run(linear: Image, face: Landmarks = FACE, *, mm_per_px: float = MM_PER_PX) -> NeckPatch | None:
        path = tmp_path / "photo.png"
        cv2.imwrite(str(path), encode_srgb8(np.clip(linear, 0, 1))[..., ::-1])
        photo = read_photo(PhotoRef(path=path, file=path.name, client="x", session="s"))
        return find_neck(photo, face, mm_per_px=mm_per_px)

    return run


def in_photo(patch: NeckPatch, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> Mask:
    matrix = patch.to_patch.copy()
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    back = cv2.warpAffine(
        patch.skin.astype(np.uint8), matrix, shape[::-1], flags=cv2.WARP_INVERSE_MAP | cv2.INTER_NEAREST
    )
    return np.asarray(back > 0)


def test_the_patch_is_what_a_metric_needs(find: Callable[..., NeckPatch | None]) -> None:
    rgb, _ = scene()
    patch = find(rgb)
    assert patch is not None
    assert patch.linear_rgb.dtype == np.float32
    assert patch.linear_rgb.shape == (*patch.skin.shape, 3)
    assert (patch.mm_per_px, patch.photo_px_per_mm) == (0.5, 4.0)
    assert patch.area_mm2 == pytest.approx(np.count_nonzero(in_photo(patch)) * MM_PER_PX**2, rel=0.02)
    # Linear light: the mean of the patch is that of the photo's light at the same place.
    there = rgb[in_photo(patch)].mean(axis=0)
    np.testing.assert_allclose(patch.linear_rgb[patch.skin].mean(axis=0), there, rtol=0.01)


@pytest.mark.parametrize("cloth", CLOTH)
@pytest.mark.parametrize("skin", SKINS)
def test_skin_is_found_and_cloth_and_wall_are_not(find: Callable[..., NeckPatch | None], skin: str, cloth: str) -> None:
    rgb, neck = scene(skin=SKINS[skin], cloth=CLOTH[cloth])
    patch = find(rgb)
    assert patch is not None
    found = in_photo(patch)
    assert np.count_nonzero(found & ~neck) == 0
    assert np.count_nonzero(found) > 0.4 * np.count_nonzero(neck & rows_from(CHIN[1]))


@pytest.mark.parametrize("blood", [0.3, 0.8])
def test_redness_never_decides(find: Callable[..., NeckPatch | None], blood: float) -> None:
    """A neck that is redder than the face by up to 9 a* is found as the pale one is."""
    pale, red = find(scene()[0]), find(scene(blood=blood)[0])
    assert pale is not None and red is not None
    both = np.count_nonzero(in_photo(pale) & in_photo(red))
    assert both > 0.97 * max(np.count_nonzero(in_photo(p)) for p in (pale, red))


def test_red_blotches_stay(find: Callable[..., NeckPatch | None]) -> None:
    """Soft-edged blotches of 4 a* keep their share of the mask: the mean redness of the neck is not cut short."""
    rng = np.random.default_rng(0)
    blotches = cv2.GaussianBlur(rng.normal(size=(HEIGHT, WIDTH)).astype(np.float32), (0, 0), 5.0 / MM_PER_PX)
    blotches = 0.35 * (blotches > np.quantile(blotches, 0.7)).astype(np.float32)
    blotches = cv2.GaussianBlur(blotches, (0, 0), 2.0 / MM_PER_PX)
    plain, blotchy = find(scene()[0]), find(scene(blood=blotches)[0])
    assert plain is not None and blotchy is not None
    wanted, kept = blotches[in_photo(plain)].mean(), blotches[in_photo(blotchy)].mean()
    assert kept == pytest.approx(wanted, rel=0.05)


@pytest.mark.parametrize("gain", [(0.5, 0.5, 0.5), (1.2, 1.2, 1.2), (0.9, 0.8, 0.55), (0.7, 0.85, 1.0)])
def test_light_and_white_balance_do_not_matter(
    find: Callable[..., NeckPatch | None], gain: tuple[float, float, float]
) -> None:
    rgb, _ = scene()
    plain, lit = find(rgb), find(rgb * np.array(gain, np.float32))
    assert plain is not None and lit is not None
    assert lit.area_mm2 == pytest.approx(plain.area_mm2, rel=0.02)


def test_size_of_the_photo_does_not_matter(find: Callable[..., NeckPatch | None]) -> None:
    rgb, _ = scene()
    half = cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    small = Landmarks(
        points_xy=FACE.points_xy / 2, depth=FACE.depth, pose_deg=FACE.pose_deg, blendshapes={}, view="front"
    )
    plain, shrunk = find(rgb), find(half, small, mm_per_px=2 * MM_PER_PX)
    assert plain is not None and shrunk is not None
    assert shrunk.area_mm2 == pytest.approx(plain.area_mm2, rel=0.05)
    for patch in (plain, shrunk):
        assert patch.mm_per_px == 0.5


def test_a_mirrored_photo_gives_the_mirrored_neck(find: Callable[..., NeckPatch | None]) -> None:
    rgb, _ = scene(collar=COLLAR | fill([[MIDDLE[0], CHIN[1] + 60], [WIDTH, CHIN[1]], [WIDTH, HEIGHT], [0, HEIGHT]]))
    flipped = Landmarks(
        points_xy=FACE.points_xy * [-1, 1] + [WIDTH, 0], depth=FACE.depth, pose_deg=(0, 0, 0), blendshapes={},
        view="front",
    )  # fmt: skip
    plain, mirrored = find(rgb), find(rgb[:, ::-1], flipped)
    assert plain is not None and mirrored is not None
    there = in_photo(mirrored)[:, ::-1]
    assert np.count_nonzero(in_photo(plain) & there) > 0.95 * np.count_nonzero(in_photo(plain) | there)


def test_what_lies_on_the_neck_is_left_out(find: Callable[..., NeckPatch | None]) -> None:
    rgb, neck = scene()
    hair = np.zeros((HEIGHT, WIDTH), np.uint8)
    for k in range(30):
        x = int(JAW[1] - 60 + 2 * k)
        cv2.line(hair, (x, round(CHIN[1]) - 40), (x + 8 * (k % 3), HEIGHT), 1, 3)
    rgb[hair > 0] = (0.02, 0.015, 0.012)
    y, x = (round(v) for v in (CHIN[1] + 90, MIDDLE[0] - 60))
    rgb[y - 20 : y + 20, x - 20 : x + 20] = 1.0  # a glare: clipped
    patch = find(rgb)
    assert patch is not None
    found = in_photo(patch)
    assert not found[hair > 0].any()
    assert not found[y - 20 : y + 20, x - 20 : x + 20].any()
    assert np.count_nonzero(found) > 0.2 * np.count_nonzero(neck & rows_from(CHIN[1]))


def test_stubble_is_left_out(find: Callable[..., NeckPatch | None]) -> None:
    rgb, neck = scene()
    rng = np.random.default_rng(5)
    bearded = neck & ~rows_from(CHIN[1] + 20.0 / MM_PER_PX)
    for y, x in rng.uniform([0, 0], [HEIGHT, WIDTH], (22_000, 2)).astype(int):
        if bearded[y, x]:
            rgb[y : y + 5, x : x + 2] *= 0.4
    assert np.log(rgb[bearded]).mean() - np.log(scene()[0][bearded]).mean() > -0.25  # hardly darker on the whole
    patch = find(rgb)
    assert patch is not None
    found = in_photo(patch)
    assert np.count_nonzero(found & bearded) < 0.1 * np.count_nonzero(found)


def test_a_deep_shadow_under_the_chin_is_left_out(find: Callable[..., NeckPatch | None]) -> None:
    rgb, _ = scene()
    shadow = THROAT & ~rows_from(CHIN[1] + 18.0 / MM_PER_PX)
    depth = cv2.GaussianBlur(shadow.astype(np.float32), (0, 0), 2.0 / MM_PER_PX)
    patch = find(rgb * np.exp(-1.6 * np.where(HEAD, 0.0, depth))[..., None].astype(np.float32))
    assert patch is not None
    assert not (in_photo(patch) & (depth > 0.7)).any()


@pytest.mark.parametrize("cloth", ["white", "black", "blue"])
def test_a_roll_neck_leaves_nothing(find: Callable[..., NeckPatch | None], cloth: str) -> None:
    rgb, _ = scene(cloth=CLOTH[cloth], collar=rows_from(MIDDLE[1] + 40) & ~HEAD)
    assert find(rgb) is None


def test_profiles_and_photos_that_end_at_the_chin_have_none(find: Callable[..., NeckPatch | None]) -> None:
    rgb, _ = scene()
    side = Landmarks(
        points_xy=FACE.points_xy, depth=FACE.depth, pose_deg=(80, 0, 0), blendshapes={}, view="left_profile"
    )
    assert find(rgb, side) is None
    assert find(np.ascontiguousarray(rgb[: round(CHIN[1]) + 5])) is None


def test_real_necks(real_photos: Path) -> None:
    """Every neck of the studio photos, men and women of all skin tones, some bearded, in white T-shirts."""
    areas = []
    for path in sorted((real_photos / "london").glob("*_neutral.jpg")):
        photo = read_photo(PhotoRef(path=path, file=path.name, client="x", session="s"))
        face = find_landmarks(to_srgb8(photo))[0]
        patch = find_neck(photo, face, mm_per_px=63.0 / face.iod_px)
        assert patch is not None, path.name
        areas.append(patch.area_mm2)
        log = np.log(np.maximum(patch.linear_rgb[patch.skin], 1e-3))
        # A white T-shirt has none of skin's colour, and would lie in a heap of its own.
        assert np.quantile(log[:, 0] - log[:, 1], 0.001) > 0.05, path.name
    assert min(areas) > 1500.0
