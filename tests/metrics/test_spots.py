"""Spots are found where they were painted, at their size, and nowhere else."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.metrics import spots as spots_module
from skinprogress.metrics.inputs import MetricInput
from skinprogress.metrics.spot_finding import find_spots, smallest_mm
from skinprogress.records import SpotKind
from skinprogress.synthetic.changes import inject_pigment
from skinprogress.synthetic.spots import PaintedSpot, paint_spots

SIDE, MM_PER_PX = 400, 0.2
LIGHT, DARK = (0.52, 0.36, 0.30), (0.08, 0.046, 0.036)
KINDS: tuple[SpotKind, ...] = ("red", "brown")


def disc() -> np.ndarray:
    y, x = np.indices((SIDE, SIDE))
    return np.hypot(x - SIDE / 2, y - SIDE / 2) < 0.47 * SIDE


def make_input(
    linear_rgb: np.ndarray, *, skin: np.ndarray | None = None, mm_per_px: float = MM_PER_PX, photo_px: float = 6.0
) -> MetricInput:
    shape = linear_rgb.shape[:2]
    return MetricInput(
        linear_rgb=linear_rgb.astype(np.float32),
        skin=disc() if skin is None else skin,
        mm_per_px=np.full(shape, mm_per_px, np.float32),
        photo_px_per_mm=np.full(shape, photo_px, np.float32),
    )


def plain_skin(colour: tuple[float, float, float] = LIGHT, seed: int = 1) -> np.ndarray:
    """Skin with slow shading, a little relief, and the grain of a camera."""
    rng = np.random.default_rng(seed)
    grain = rng.normal(0.0, 0.012, (SIDE, SIDE, 3)).astype(np.float32)
    relief = cv2.GaussianBlur(rng.normal(0.0, 1.0, (SIDE, SIDE)).astype(np.float32), (0, 0), 3.0) * 0.15
    shading = np.linspace(-0.3, 0.3, SIDE, dtype=np.float32)[None, :]
    return np.asarray(np.array(colour, np.float32) * np.exp(grain + (relief + shading)[..., None]), np.float32)


def painted(kind: SpotKind, *, colour: tuple[float, float, float] = LIGHT, n_spots: int = 25, **kwargs: object):
    skin = disc()
    scale = np.full(skin.shape, MM_PER_PX, np.float32)
    return paint_spots(plain_skin(colour), skin, scale, kind=kind, n_spots=n_spots, seed=4, **kwargs)


def hits(data: MetricInput, kind: SpotKind, truth: tuple[PaintedSpot, ...]) -> list[tuple[PaintedSpot, float, float]]:
    """Painted spots with area and contrast of the spot that was found there."""
    found = find_spots(data, kind).spots
    out = []
    for spot in truth:
        near = [s for s in found if np.hypot(s.row - spot.row, s.col - spot.col) * MM_PER_PX < spot.diameter_mm / 2]
        if near:
            out.append((spot, near[0].area_mm2, near[0].contrast))
    return out


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("colour", [LIGHT, DARK], ids=["light", "dark"])
def test_painted_spots_are_found_and_nothing_else(kind: SpotKind, colour: tuple[float, float, float]) -> None:
    image, truth = painted(kind, colour=colour)
    data = make_input(image)
    got = hits(data, kind, truth)
    assert len(truth) >= 20
    assert len(got) >= 0.95 * len(truth)
    assert len(find_spots(data, kind).spots) <= len(truth)
    errors = [abs(area / spot.area_mm2 - 1.0) for spot, area, _ in got]
    assert np.median(errors) < 0.10
    assert max(errors) < 0.35
    # Contrast is a mean over the spot with its soft edge.
    assert 0.7 < np.median([contrast / spot.contrast for spot, _, contrast in got]) < 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_bare_skin_has_no_spots(kind: SpotKind) -> None:
    assert find_spots(make_input(plain_skin()), kind).spots == ()


def test_a_mole_is_not_red_and_a_pimple_not_brown() -> None:
    image, truth = painted("brown")
    assert hits(make_input(image), "red", truth) == []
    image, truth = painted("red")
    assert hits(make_input(image), "brown", truth) == []


def test_colour_without_darkness_is_no_spot() -> None:
    """JPEG moves colour in blocks and leaves the luminance alone."""
    image = plain_skin()
    luminance = np.array([0.2126, 0.7152, 0.0722], np.float32)
    redder = inject_pigment(image, 0.6, direction="haemoglobin")
    redder *= ((image @ luminance) / (redder @ luminance))[..., None]
    image[200:214, 200:214] = redder[200:214, 200:214]
    assert find_spots(make_input(image), "red").spots == ()


def test_shadows_are_no_red_spots() -> None:
    image, truth = painted("red")
    bare = plain_skin()
    dark = bare * ((image @ np.ones(3)) / (bare @ np.ones(3)))[..., None]
    assert len(truth) > 0
    assert find_spots(make_input(dark), "red").spots == ()


@pytest.mark.parametrize("kind", KINDS)
def test_lines_are_no_spots(kind: SpotKind) -> None:
    amount = np.zeros((SIDE, SIDE), np.float32)
    for k in range(4):
        cv2.line(amount, (80, 90 + 60 * k), (320, 110 + 60 * k), 0.8, 4, cv2.LINE_AA)
    direction = "haemoglobin" if kind == "red" else "melanin"
    image = inject_pigment(plain_skin(), cv2.GaussianBlur(amount, (0, 0), 1.0), direction=direction)
    assert find_spots(make_input(image), kind).spots == ()


@pytest.mark.parametrize("kind", KINDS)
def test_what_touches_the_border_of_the_skin_is_left_out(kind: SpotKind) -> None:
    image = plain_skin()
    skin = disc()
    skin[150:170, 100:300] = False
    image[145:170, 100:300] *= np.array([0.5, 0.2, 0.15], np.float32)  # a brow that reaches beyond its mask
    assert find_spots(make_input(image, skin=skin), kind).spots == ()


def test_totals_are_count_area_and_contrast() -> None:
    for kind in KINDS:
        image, _ = painted(kind)
        data = make_input(image)
        found = find_spots(data, kind).spots
        count, area, contrast = (
            getattr(spots_module, f"{kind}_spots{end}")(data) for end in ("", "_area", "_contrast")
        )
        for plane in (count, area, contrast):
            assert plane.shape == (SIDE, SIDE)
            assert plane.dtype == np.float32
            assert not np.isfinite(plane[~data.skin]).any()
        mm2 = MM_PER_PX**2
        assert np.nansum(count) * mm2 == pytest.approx(len(found), rel=1e-3)
        assert np.nansum(area) * mm2 == pytest.approx(sum(s.area_mm2 for s in found), rel=0.04)
        shown = np.unique(contrast[np.isfinite(contrast)])
        assert np.allclose(shown, np.unique(np.float32([s.contrast for s in found])))
        assert (np.isfinite(contrast) == (area == 1)).all()


def test_no_spots_give_zero_and_not_nan() -> None:
    data = make_input(plain_skin())
    assert (spots_module.red_spots(data)[data.skin] == 0).all()
    assert (spots_module.red_spots_area(data)[data.skin] == 0).all()
    assert np.isnan(spots_module.red_spots_contrast(data)).all()


def test_small_spots_do_not_count_where_they_are_not_resolved() -> None:
    image, _ = painted("red", diameter_mm=(1.0, 3.5), n_spots=40)
    fine, coarse = make_input(image, photo_px=6.0), make_input(image, photo_px=1.6)
    limit = float(smallest_mm(coarse)[0, 0])
    assert limit == pytest.approx(2.5 / 1.6)
    assert min(s.diameter_mm for s in find_spots(fine, "red").spots) < 0.85 * limit
    assert 0 < len(find_spots(coarse, "red").spots) < len(find_spots(fine, "red").spots)
    assert min(s.diameter_mm for s in find_spots(coarse, "red").spots) >= 0.85 * limit
    assert np.isnan(spots_module.red_spots(make_input(image, photo_px=1.0))).all()


@given(exposure=st.floats(0.5, 1.5), mirrored=st.booleans())
@settings(max_examples=6, deadline=None)
def test_exposure_and_mirroring_change_nothing(exposure: float, mirrored: bool) -> None:
    image, _ = painted("brown", n_spots=12)
    changed = np.ascontiguousarray(image[:, ::-1] if mirrored else image) * np.float32(exposure)
    skin = disc()[:, ::-1] if mirrored else disc()
    one = find_spots(make_input(image), "brown").spots
    two = find_spots(make_input(changed, skin=np.ascontiguousarray(skin)), "brown").spots
    assert len(one) == len(two) > 8
    areas = [sorted(s.area_mm2 for s in found) for found in (one, two)]
    assert areas[0] == pytest.approx(areas[1], rel=0.08)


def test_size_of_the_frame_does_not_matter() -> None:
    image, _ = painted("red", diameter_mm=(1.5, 4.0))
    large = cv2.resize(image, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
    skin = cv2.resize(disc().astype(np.uint8), None, fx=1.5, fy=1.5, interpolation=cv2.INTER_NEAREST) > 0
    one = find_spots(make_input(image), "red").spots
    two = find_spots(make_input(large, skin=skin, mm_per_px=MM_PER_PX / 1.5), "red").spots
    assert abs(len(one) - len(two)) <= 1
    assert np.median([s.area_mm2 for s in two]) == pytest.approx(np.median([s.area_mm2 for s in one]), rel=0.08)


@pytest.mark.parametrize("kind", KINDS)
def test_blur_hardly_changes_areas(kind: SpotKind) -> None:
    image, truth = painted(kind, diameter_mm=(1.5, 4.0))
    sharp = hits(make_input(image), kind, truth)
    blurred = hits(make_input(cv2.GaussianBlur(image, (0, 0), 1.2)), kind, truth)
    assert len(blurred) >= 0.9 * len(sharp)
    assert np.median([a for _, a, _ in blurred]) == pytest.approx(np.median([a for _, a, _ in sharp]), rel=0.15)


def test_the_search_writes_to_nothing_and_a_face_without_skin_has_no_spots() -> None:
    image, _ = painted("red")
    data = make_input(image)
    before = data.linear_rgb.copy(), data.log_rgb.copy(), data.skin.copy()
    find_spots(data, "red")
    for a, b in zip(before, (data.linear_rgb, data.log_rgb, data.skin), strict=True):
        assert (a == b).all()
    empty = make_input(image, skin=np.zeros((SIDE, SIDE), bool))
    assert find_spots(empty, "brown").spots == ()
    assert np.isnan(spots_module.brown_spots(empty)).all()
