"""From a photo to the canonical frame: what is known to lie there lies there, whatever colour the light has."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from skinprogress.color.spaces import encode_srgb8, srgb_to_linear
from skinprogress.face import registration as drawing
from skinprogress.face.canonical import N_VERTICES, mesh, raster
from skinprogress.face.landmarks import find_landmarks
from skinprogress.face.mapping import FaceMap, map_landmarks
from skinprogress.face.refinement import IOD_SHARE, register_face
from skinprogress.face.regions import REGIONS, WHOLE_FACE, bare_face_mask, region_mask
from skinprogress.face.registration import (
    PlacedFace,
    cut_face,
    draw_face,
    estimate_relative_scale,
    place_face,
    surface_scale,
)
from skinprogress.photos.profiles import srgb_encoding
from skinprogress.photos.reading import read_photo, to_srgb8
from skinprogress.records import Landmarks, Photo, PhotoRef, Registration
from skinprogress.synthetic.warps import Warp, apply_warp, draw_warp

SIDE = 512
PARTS = tuple(name for name in REGIONS if name != WHOLE_FACE)
BLOOD = np.array([0.23, 0.69, 0.68], np.float32)


def photo_of(rgb: np.ndarray) -> Photo:
    encoding = srgb_encoding(256 if rgb.dtype == np.uint8 else 65536)
    ref = PhotoRef(path=Path("x.png"), file="x.png", client="c", session="s")
    return Photo(ref=ref, pixels=rgb, curve=encoding.curve, matrix=encoding.matrix, metadata={})


def flat_landmarks(width: float, height: float, *, at: tuple[float, float] = (0.0, 0.0)) -> Landmarks:
    """A face that lies exactly like the canonical frame, in a part of a photo."""
    points = np.zeros((478, 2))
    points[:N_VERTICES] = mesh().uv.astype(float) * [width, height] + at
    return Landmarks(points_xy=points, depth=np.zeros(478), pose_deg=(0, 0, 0), blendshapes={}, view="front")


def places_on_skin() -> np.ndarray:
    rows, cols = np.nonzero(bare_face_mask(128))
    return (np.stack([cols, rows], axis=1) + 0.5) / 128


PLACES = places_on_skin()


def in_regions(names: tuple[str, ...]) -> np.ndarray:
    inside = np.zeros((128, 128), bool)
    for name in names:
        inside |= region_mask(name, 128)
    return inside[bare_face_mask(128)]


@pytest.fixture(scope="module")
def pores(astronaut) -> np.ndarray:
    """The portrait with a grain as fine as pores: it has lost its own in a photo of 43 px between the eyes."""
    large = cv2.resize(astronaut[0:330, 60:340], None, fx=4.0, fy=4.0, interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(7).normal(0.0, 1.0, large.shape[:2]).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 1.3) * 26.0
    return np.clip(large + grain[..., None], 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def landmarks(pores) -> Landmarks:
    return find_landmarks(pores)[0]


@pytest.fixture(scope="module")
def reference(pores, landmarks) -> PlacedFace:
    return place_face(photo_of(pores), landmarks, side_px=SIDE)


@pytest.fixture(scope="module")
def warp(landmarks) -> Warp:
    """Displaces the skin by 1.5 % of the IOD, smoothly, under landmarks that notice nothing."""
    drawn = draw_warp(
        np.random.default_rng(1), landmarks.points_xy[:N_VERTICES], iod_px=landmarks.iod_px,
        max_rotation_deg=0.0, scale_range=(1.0, 1.0),
    )  # fmt: skip
    return replace(drawn, matrix=np.eye(2, 3))


@pytest.fixture(scope="module")
def warped(pores, warp) -> np.ndarray:
    return apply_warp(srgb_to_linear(pores), warp)


@pytest.fixture(scope="module")
def registration(warped, landmarks, reference) -> Registration:
    placed = place_face(photo_of(encode_srgb8(warped)), landmarks, side_px=SIDE)
    return register_face(placed.detail, reference.detail)


def test_a_known_displacement_is_recovered(reference, registration, warp, landmarks):
    true_xy = warp.at(reference.face_map.at(PLACES))

    def off(face_map: FaceMap) -> np.ndarray:
        return np.hypot(*(face_map.at(PLACES) - true_xy).T) / landmarks.iod_px * 100.0

    assert np.median(off(reference.face_map)) > 0.9  # what landmarks alone leave
    error = off(reference.face_map.refined(registration))
    assert registration.accepted == PARTS
    assert np.median(error) <= 0.1
    assert np.percentile(error[in_regions(PARTS)], 95) <= 0.3


@pytest.mark.parametrize(
    "kind", ["red all over", "one red cheek", "white balance", "underexposed", "shaded", "bluish lamp from the left"]
)
def test_colour_and_light_do_not_drive_it(warped, landmarks, reference, registration, warp, kind):
    """Skin that turned red must not be pulled to where it was red before."""
    across = np.linspace(-1.0, 1.0, warped.shape[1], dtype=np.float32)[None, :, None]
    down = np.linspace(-1.0, 1.0, warped.shape[0], dtype=np.float32)[:, None, None]
    cheek = np.zeros(warped.shape[:2], np.float32)
    inside = reference.face_map.at((np.argwhere(region_mask("cheek_left", 128))[:, ::-1] + 0.5) / 128)
    cv2.fillConvexPoly(cheek, cv2.convexHull(np.round(warp.at(inside)).astype(np.int32)), 1.0)
    change = {
        "red all over": np.exp(-0.9 * BLOOD),  # ten a*-equivalents
        "one red cheek": np.exp(-0.9 * cheek[..., None] * BLOOD),  # with a sharp edge
        "white balance": np.array([1.1, 1.0, 0.9], np.float32),
        "underexposed": np.float32(0.6),
        "shaded": np.exp(0.3 * across - 0.2 * down**2 + 0.2 * across * down),
        "bluish lamp from the left": 1.0 + 0.3 * across * np.array([-1.0, 0.0, 1.0], np.float32),
    }[kind]
    other = register_face(
        place_face(photo_of(encode_srgb8(warped * change)), landmarks, side_px=SIDE).detail, reference.detail
    )
    moved = np.hypot(*np.moveaxis(other.shift - registration.shift, 2, 0))[bare_face_mask(128)] / IOD_SHARE * 100.0
    assert other.accepted == registration.accepted
    assert np.median(moved) < 0.05


def test_a_mirror_image_and_another_person_are_not_believed(pores, reference):
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    hopper = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    for rgb in (np.ascontiguousarray(pores[:, ::-1]), hopper):
        placed = place_face(photo_of(rgb), find_landmarks(rgb)[0], side_px=SIDE)
        for found in (
            register_face(placed.detail, reference.detail),
            register_face(reference.detail, placed.detail),
        ):
            assert found.accepted == ()
            assert not found.shift.any()


def test_refined_faces_lie_on_each_other(pores, warped, landmarks, reference, registration):
    """Their pores do, not only the maps; as far as a grain of two px survives being drawn twice."""
    base = draw_face(reference.crop, reference.face_map, side_px=SIDE).linear_rgb
    crop = place_face(photo_of(encode_srgb8(warped)), landmarks, side_px=SIDE).crop
    inner = region_mask("cheek_left", SIDE) | region_mask("forehead", SIDE)

    def likeness(face_map: FaceMap) -> float:
        drawn = draw_face(crop, face_map, side_px=SIDE).linear_rgb
        fine = [g - cv2.GaussianBlur(g, (0, 0), 3.0) for g in (drawn[..., 1], base[..., 1])]
        return float(np.corrcoef(fine[0][inner], fine[1][inner])[0, 1])

    assert likeness(reference.face_map) < 0.7
    assert likeness(reference.face_map.refined(registration)) > 0.9


@pytest.mark.parametrize(("width", "height"), [(SIDE, SIDE), (300, 460), (1400, 1100)])
def test_a_photo_of_positions_lands_where_it_should(width: int, height: int) -> None:
    """Coarser than the frame, as fine, finer and averaged down: each px shows its own place."""
    at = 57.0, 23.0
    xs = (np.arange(width + 120) + 0.5 - at[0]) / width
    ys = (np.arange(height + 80) + 0.5 - at[1]) / height
    linear = np.stack([*np.meshgrid(0.1 + 0.5 * xs, 0.1 + 0.5 * ys), np.full((len(ys), len(xs)), 0.3)], axis=-1)
    rgb = np.round(np.clip(linear, 0.0, 1.0) * 65535).astype(np.uint16)
    straight = np.tile(np.linspace(0.0, 1.0, 65536, dtype=np.float32), (3, 1))
    photo = replace(photo_of(rgb), curve=straight)
    face = flat_landmarks(width, height, at=at)
    face_map = map_landmarks(face)
    aligned = draw_face(cut_face(photo, face_map, side_px=SIDE), face_map, side_px=SIDE)
    inside = raster(SIDE).inside & ~aligned.clipped
    ticks = (np.arange(SIDE) + 0.5) / SIDE
    true = 0.1 + 0.5 * np.stack(np.meshgrid(ticks, ticks), axis=-1)
    assert inside.sum() > 0.97 * raster(SIDE).inside.sum()
    # 0.001 of the frame is 0.3 % of the IOD: far coarser than what is asked of one fifth of a px.
    np.testing.assert_allclose(aligned.linear_rgb[inside][:, :2], true[inside], atol=0.5 * 0.2 / SIDE)
    np.testing.assert_allclose(aligned.photo_px_per_px[raster(SIDE).inside], np.sqrt(width * height) / SIDE, rtol=1e-3)
    assert np.isnan(aligned.photo_px_per_px[~raster(SIDE).inside]).all()


def test_a_finer_photo_is_averaged_and_does_not_alias():
    """Noise of four px by four becomes one px: its mean stays, and a quarter of its spread is left."""
    size = 4 * SIDE
    noise = np.random.default_rng(2).integers(40, 200, (size, size, 1), np.uint8).repeat(3, axis=2)
    face_map = map_landmarks(flat_landmarks(size, size))
    crop = cut_face(photo_of(noise), face_map, side_px=SIDE)
    assert crop.linear_rgb.shape[0] < 1.2 * SIDE
    inner = cv2.erode(raster(SIDE).inside.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    drawn = draw_face(crop, face_map, side_px=SIDE).linear_rgb[inner][:, 0]
    linear = srgb_to_linear(noise)[..., 0]
    assert drawn.std() < 0.3 * linear.std()
    assert drawn.mean() == pytest.approx(linear.mean(), rel=0.01)


def test_a_large_photo_is_averaged_in_bands_as_it_would_be_as_a_whole(monkeypatch):
    photo = photo_of(np.random.default_rng(2).integers(0, 256, (1300, 1300, 3)).astype(np.uint8))
    face_map = map_landmarks(flat_landmarks(1200, 1200, at=(50.0, 50.0)))
    in_bands, sizes = [], []
    to_linear = drawing.to_linear
    monkeypatch.setattr(drawing, "to_linear", lambda *a, **k: sizes.append(k["rows"]) or to_linear(*a, **k))
    for blocks in (10, 10_000):
        monkeypatch.setattr(drawing, "_BAND_BLOCKS", blocks)
        in_bands.append(cut_face(photo, face_map, side_px=256).linear_rgb)
    assert len(sizes) > 20
    np.testing.assert_array_equal(*in_bands)


def test_what_the_photo_does_not_reach_and_what_is_clipped_is_told():
    rgb = np.full((SIDE, SIDE, 3), 128, np.uint8)
    rgb[200:260, 100:180] = 255
    face_map = map_landmarks(flat_landmarks(SIDE, SIDE, at=(-150.0, 0.0)))
    aligned = draw_face(cut_face(photo_of(rgb), face_map, side_px=SIDE), face_map, side_px=SIDE)
    inside = raster(SIDE).inside
    assert aligned.clipped[:, :148][inside[:, :148]].all()
    assert aligned.clipped[210:250, 260:320][inside[210:250, 260:320]].all()
    assert not aligned.clipped[300:400, 200:300][inside[300:400, 200:300]].any()


def test_relative_scale_of_a_smaller_photo_is_exact():
    large, small = (map_landmarks(flat_landmarks(size, 1.3 * size)) for size in (900.0, 720.0))
    assert estimate_relative_scale(small, large) == pytest.approx(0.8, rel=1e-5)
    assert estimate_relative_scale(large, small) == pytest.approx(1.25, rel=1e-5)


def test_relative_scale_follows_the_refinement_and_not_the_landmarks(pores, reference, landmarks):
    """Landmarks that say 3 % too large are put right by the skin."""
    middle = landmarks.points_xy[:N_VERTICES].mean(axis=0)
    wrong = replace(landmarks, points_xy=(landmarks.points_xy - middle) * 1.03 + middle)
    placed = place_face(photo_of(pores), wrong, side_px=SIDE)
    found = register_face(placed.detail, reference.detail)
    assert estimate_relative_scale(placed.face_map, reference.face_map) == pytest.approx(1.03, abs=1e-3)
    assert estimate_relative_scale(placed.face_map.refined(found), reference.face_map) == pytest.approx(1.0, abs=2e-3)


def test_surface_scale_is_the_same_skin_in_a_photo_of_any_size():
    points = np.zeros((478, 2))
    points[:N_VERTICES] = mesh().vertices_cm[:, :2] * [1.0, -1.0]
    depth = np.zeros(478)
    depth[:N_VERTICES] = -mesh().vertices_cm[:, 2]
    face = Landmarks(points_xy=points, depth=depth, pose_deg=(0, 0, 0), blendshapes={}, view="front")
    by_cm = surface_scale(face, mm_per_photo_px=10.0, side_px=128)
    large = replace(face, points_xy=60.0 * points + 400.0, depth=60.0 * depth)
    np.testing.assert_allclose(surface_scale(large, mm_per_photo_px=10.0 / 60.0, side_px=128), by_cm, rtol=1e-4)
    finer = surface_scale(face, mm_per_photo_px=10.0, side_px=256)
    assert np.nanmedian(finer) == pytest.approx(np.nanmedian(by_cm) / 2, rel=0.01)
    # Every canonical px stands for its share of the skin.
    corners = mesh().vertices_cm[mesh().triangles]
    double = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area_mm2 = 0.5 * np.linalg.norm(double, axis=1).sum() * 100.0
    assert np.nansum(by_cm**2) == pytest.approx(area_mm2, rel=0.03)
    # Depth counts: without it the sides of the face would look narrower than they are.
    flat = surface_scale(replace(face, depth=np.zeros(478)), mm_per_photo_px=10.0, side_px=128)
    jaw, nose = (region_mask(name, 128) for name in ("jaw_left", "forehead"))
    assert np.nanmedian(by_cm[jaw] / flat[jaw]) > np.nanmedian(by_cm[nose] / flat[nose])


def place_file(path: Path) -> tuple[PlacedFace, Landmarks]:
    photo = read_photo(PhotoRef(path=path, file=path.name, client="c", session="s"))
    small = to_srgb8(photo, max_side=1280)
    found = find_landmarks(small, scale=photo.pixels.shape[1] / small.shape[1])[0]
    return place_face(photo, found, side_px=1024), found


def test_real_smiles_leave_forehead_and_nose_where_they_are(real_photos):
    for person in ("005", "044", "068"):
        neutral, smiling = (
            place_file(real_photos / "london" / f"{person}_{kind}.jpg")[0] for kind in ("neutral", "smiling")
        )
        found = register_face(smiling.detail, neutral.detail)
        assert {"forehead", "nose"} <= set(found.accepted)
        assert found.misfit_percent_iod["nose"] < 0.5


def test_real_other_people_are_never_believed(real_photos):
    faces = [place_file(real_photos / "london" / f"{p}_neutral.jpg")[0] for p in ("005", "044", "068", "094")]
    for one, other in zip(faces, faces[1:] + faces[:1], strict=True):
        found = register_face(one.detail, other.detail)
        assert found.accepted == ()
        assert not found.shift.any()


def test_real_render_puts_true_points_where_they_are(real_photos):
    """The exact places of surface points in two path-traced photos of one head, slightly turned."""
    folder = real_photos / "renders/retake"
    truth = {n: json.loads((folder / f"{n}.truth.json").read_text()) for n in ("base", "easy_0")}
    (base, _), (photo, _) = (place_file(folder / f"{name}.jpg") for name in ("base", "easy_0"))
    found = register_face(photo.detail, base.detail)
    true_xy = {n: np.array(t["vertex_xy"]) for n, t in truth.items()}
    uv = base.face_map.places(true_xy["base"])
    seen = np.logical_and.reduce([np.array(t["vertex_visible"], bool) for t in truth.values()])
    with np.errstate(invalid="ignore"):
        seen &= ((uv > 0) & (uv < 1)).all(axis=1)
    accepted = np.logical_or.reduce([region_mask(name, SIDE) for name in found.accepted]) & bare_face_mask(SIDE)
    at = (uv[seen] * SIDE).astype(int)
    chosen = np.flatnonzero(seen)[accepted[at[:, 1], at[:, 0]]]
    off = photo.face_map.refined(found).at(uv[chosen]) - true_xy["easy_0"][chosen]
    error = np.hypot(*off.T) / truth["easy_0"]["iod_px"] * 100.0
    assert len(chosen) > 80 and len(found.accepted) > 9
    assert np.median(error) <= 0.15
    assert np.percentile(error, 95) <= 0.5
