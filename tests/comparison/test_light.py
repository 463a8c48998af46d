"""Light told from skin: faces of known pigment under known light, made here, against what the joint fit finds."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.comparison.light import LightFit, fit_light
from skinprogress.comparison.lightmodel import CELLS, CHROMA, GREY, WARMTH, gather_cells
from skinprogress.face.canonical import mesh, paint, vertex_normals
from skinprogress.face.regions import REGIONS, WHOLE_FACE, bare_face_mask, region_mask
from skinprogress.metrics.maps import sample_grid
from skinprogress.metrics.pigmentation import HAEMOGLOBIN, MELANIN

Plane = npt.NDArray[np.float64]
Log = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Change = Callable[[Log], Log]

SIDE = 512
SKIN = sample_grid(bare_face_mask(SIDE))
PARTS = tuple(name for name in REGIONS if name != WHOLE_FACE)
INSIDE = {name: SKIN & region_mask(name, SIDE) for name in PARTS}
NORMALS = np.nan_to_num(paint(vertex_normals(mesh().vertices_cm), SIDE))
NORMALS /= np.maximum(np.linalg.norm(NORMALS, axis=2, keepdims=True), 1e-6)
REDNESS = (1.0 / EI_PER_A_STAR, -1.0 / EI_PER_A_STAR, 0.0)
# a*-equivalents of one unit of blood.
PER_BLOOD = (HAEMOGLOBIN[1] - HAEMOGLOBIN[0]) / EI_PER_A_STAR


def cloud(rng: np.random.Generator, sigma_px: float, spread: float) -> Plane:
    plane = cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)), (0, 0), sigma_px)
    return np.asarray(spread * plane / plane.std())


def make_skin() -> Plane:
    """Log albedo: a red nose, cheeks and chin, blotches, freckles and pores."""
    rng = np.random.default_rng(0)
    blood = cloud(rng, 30.0, 0.06) + cloud(rng, 2.5, 0.04)
    blood += 0.12 * sum(soft(name) for name in ("nose", "cheek_left", "cheek_right", "chin"))
    melanin = cloud(rng, 40.0, 0.04) + cloud(rng, 2.0, 0.03)
    return np.log([0.55, 0.30, 0.22]) - blood[..., None] * HAEMOGLOBIN - melanin[..., None] * MELANIN


def soft(region: str, sigma_px: float = 12.0) -> Plane:
    return np.asarray(cv2.GaussianBlur(region_mask(region, SIDE).astype(float), (0, 0), sigma_px))


def light_from(*lamps: tuple[float, float, float, float], even: float = 0.5) -> Plane:
    """Log of the light on each px: lamps of (azimuth, elevation, strength, warmth), and light from everywhere."""
    light = np.full((SIDE, SIDE, 3), even)
    for azimuth, elevation, strength, warmth in lamps:
        a, e = np.radians([azimuth, elevation])
        toward = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
        light += strength * np.maximum(NORMALS @ toward, 0.0)[..., None] * np.exp(warmth * WARMTH)
    return np.asarray(np.log(light))


def two_lamps(warmth: float) -> Plane:
    """A lamp and a window: warm from the client's left, cool from the right (for a negative warmth: exchanged)."""
    return light_from((60.0, 20.0, 0.7, warmth), (-60.0, 20.0, 0.7, -warmth))


ALBEDO = make_skin()
FRONT = light_from((0.0, 20.0, 1.0, 0.0))
LEFT = light_from((50.0, 20.0, 1.2, 0.0), even=0.4)
NOTHING = np.zeros((SIDE, SIDE))


def photograph(light: Plane, *, blood: Plane = NOTHING, melanin: Plane = NOTHING, seed: int = 2) -> Log:
    """Log planes of a photo of the face, with so much more blood and melanin; every photo has its own noise."""
    noise = np.random.default_rng(seed).normal(-0.8, 0.02, ALBEDO.shape)
    skin = ALBEDO - blood[..., None] * HAEMOGLOBIN - melanin[..., None] * MELANIN
    return (skin + light + noise).astype(np.float32)


BEFORE = photograph(FRONT, seed=1)


def fitted(before: Log, after: Log, skin: Mask = SKIN) -> LightFit:
    fit = fit_light(before, after, skin)
    assert fit is not None
    return fit


def redness(log_ratio: npt.NDArray[np.floating], skin: Mask = SKIN) -> Plane:
    """Change of redness over the mean of the face, a*-equivalents, region by region."""
    index = log_ratio @ np.array(REDNESS)
    return np.array([index[inside & skin].mean() for inside in INSIDE.values()]) - index[skin].mean()


def found(before: Log, after: Log, skin: Mask = SKIN) -> tuple[Plane, Plane]:
    """Compensated change of each region, and the standard error that the light leaves in it."""
    fit = fitted(before, after, skin)
    errors = [fit.standard_error(shares(inside & skin) - fit.even_shares(), REDNESS) for inside in INSIDE.values()]
    return redness(after - before - fit.over(SIDE), skin), np.array(errors)


def shares(mask: Mask) -> Plane:
    counts = mask.reshape(CELLS, SIDE // CELLS, CELLS, SIDE // CELLS).sum(axis=(1, 3))
    return np.asarray(counts / counts.sum())


def of_blood(blood: Plane) -> Plane:
    """What :func:`redness` must find for so much more blood."""
    return redness(-blood[..., None] * HAEMOGLOBIN)


def test_light_has_three_directions_of_colour() -> None:
    np.testing.assert_allclose(np.vstack([GREY, CHROMA]) @ np.vstack([GREY, CHROMA]).T, np.eye(3), atol=1e-12)


def test_cells_are_means_over_their_skin() -> None:
    skin = np.zeros_like(SKIN)
    skin[160:176, 160:172] = True  # three quarters of one cell
    skin[320, 320] = True  # too little of another
    before = np.full((SIDE, SIDE, 3), 9.0, np.float32)
    before[skin] = (1.0, 2.0, 3.0)
    cells = gather_cells(before, before + np.float32(0.5), skin)
    assert cells.where.sum() == 1 and cells.where[10, 10]
    np.testing.assert_allclose(cells.weight, [0.75])
    np.testing.assert_allclose(cells.before, [[1.0, 2.0, 3.0]], rtol=1e-5)
    np.testing.assert_allclose(cells.ratio, 0.5, atol=1e-5)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(exposure=st.floats(-0.5, 0.5), red=st.floats(-0.2, 0.2), blue=st.floats(-0.3, 0.3), later=st.booleans())
def test_exposure_and_white_balance_change_nothing(exposure: float, red: float, blue: float, later: bool) -> None:
    after = photograph(two_lamps(0.15), blood=0.2 * soft("cheek_left", 3.0))
    as_shot, _ = found(BEFORE, after)
    gains = np.array([red, 0.0, blue], np.float32) + np.float32(exposure)
    scaled, _ = found(BEFORE, after + gains) if later else found(BEFORE + gains, after)
    np.testing.assert_allclose(scaled, as_shot, atol=0.06)


@pytest.mark.parametrize(
    "light",
    [
        FRONT,
        LEFT,
        light_from((-50.0, 20.0, 1.2, 0.0), even=0.4),
        light_from((0.0, -50.0, 1.0, 0.0)),
        light_from((0.0, 70.0, 1.0, 0.0)),
        light_from((0.0, 0.0, 0.0, 0.0)),
    ],
    ids=["same", "left", "right", "below", "ceiling", "even"],
)
def test_white_light_from_elsewhere_is_no_change_and_is_found(light: Plane) -> None:
    after = photograph(light)
    change, errors = found(BEFORE, after)
    assert np.abs(change).max() < 0.15
    assert (np.abs(change) < 2.0 * errors).all()
    fit = fitted(BEFORE, after)
    truth = (light - FRONT)[SKIN] - (light - FRONT)[SKIN].mean()
    wrong = (fit.over(SIDE)[SKIN] - truth).std()
    assert wrong < 0.02 + 0.2 * truth.std()
    assert fit.shade_sd == pytest.approx(truth.std(), rel=0.1, abs=0.01)
    assert fit.warmth_sd < 0.005


@pytest.mark.parametrize(
    ("warmth", "shade"), [(0.05, 0.0), (0.1, 0.0), (-0.1, 0.0), (0.2, 0.0), (-0.2, 0.0), (0.1, 0.8), (-0.1, 0.8)]
)
def test_lamp_and_window_fake_redness_that_is_taken_out(warmth: float, shade: float) -> None:
    """A warm and a cool light from either side, alone and with a white lamp moved to the side."""
    after = photograph(two_lamps(warmth) + shade * (LEFT - FRONT))
    raw = redness(after - BEFORE)
    change, errors = found(BEFORE, after)
    assert np.ptp(raw) > 15.0 * abs(warmth)
    assert np.abs(change).max() < 0.3
    assert (np.abs(change) < 2.0 * errors).all()
    assert (fitted(BEFORE, after).over(SIDE) @ WARMTH)[INSIDE["jaw_left"]].mean() * warmth > 0.0


@pytest.mark.parametrize(("warmth", "shade"), [(0.35, 0.0), (-0.35, 0.0), (0.2, 0.8), (-0.2, 0.8)])
def test_of_very_different_lamps_little_is_left_and_the_error_says_how_much(warmth: float, shade: float) -> None:
    after = photograph(two_lamps(warmth) + shade * (LEFT - FRONT))
    change, errors = found(BEFORE, after)
    assert np.abs(change).max() < 0.25 * np.abs(redness(after - BEFORE)).max()
    assert (np.abs(change) < 2.5 * errors).all()


def gamma(exponent: float) -> Change:
    return lambda log: np.asarray(log * np.float32(exponent))


def s_curve(log: Log) -> Log:
    """More contrast around a mid-grey, less in lights and shadows."""
    return np.asarray(log + 0.15 * np.sin(1.2 * (log + 1.5)), np.float32)


@pytest.mark.parametrize("curve", [gamma(0.9), gamma(1.1), s_curve], ids=["soft", "hard", "s"])
@pytest.mark.parametrize("light", [FRONT, LEFT], ids=["same", "left"])
def test_a_tone_curve_of_one_photo_is_no_change(curve: Change, light: Plane) -> None:
    for before, after in ((BEFORE, curve(photograph(light))), (curve(BEFORE), photograph(light))):
        change, errors = found(before, after)
        assert np.abs(change).max() < 0.3
        assert (np.abs(change) < 2.0 * errors).all()


@pytest.mark.parametrize("region", PARTS)
def test_blood_of_one_region_is_found_whole_and_nowhere_else(region: str) -> None:
    at = PARTS.index(region)
    for light, slope_within in ((FRONT, 0.05), (LEFT, 0.1), (two_lamps(0.2), 0.1)):
        as_it_was, _ = found(BEFORE, photograph(light))
        for amount in (0.15, -0.3):
            blood = amount * soft(region, 3.0)
            change, errors = found(BEFORE, photograph(light, blood=blood))
            truth = of_blood(blood)
            gain = change - as_it_was
            assert gain[at] / truth[at] == pytest.approx(1.0, abs=slope_within)
            leaked = np.abs(gain - truth) / abs(truth[at])
            assert np.delete(leaked, at).max() < 0.1
            assert (np.abs(change - truth) < 2.5 * errors).all()


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    amounts=st.dictionaries(st.sampled_from(PARTS), st.floats(-0.25, 0.25), max_size=3),
    azimuth=st.floats(-60.0, 60.0),
    warmth=st.floats(-0.2, 0.2),
)
def test_changes_of_several_regions_lie_in_their_intervals(
    amounts: dict[str, float], azimuth: float, warmth: float
) -> None:
    blood = sum((a * soft(r, 3.0) for r, a in amounts.items()), start=NOTHING)
    light = light_from((azimuth, 20.0, 0.8, warmth), (-azimuth, 10.0, 0.4, -warmth))
    change, errors = found(BEFORE, photograph(light, blood=blood))
    assert (np.abs(change - of_blood(blood)) < 2.5 * np.hypot(errors, 0.03)).all()


@pytest.mark.parametrize("light", [FRONT, LEFT], ids=["same", "left"])
def test_a_tan_counts_as_melanin_counts(light: Plane) -> None:
    melanin = 0.15 * (soft("cheek_left", 3.0) + soft("cheek_right", 3.0))
    truth = redness(-melanin[..., None] * MELANIN)
    change, errors = found(BEFORE, photograph(light, melanin=melanin))
    assert (np.abs(change - truth) < 2.5 * errors).all()


def test_the_other_way_round_it_is_the_negative() -> None:
    blood = 0.2 * soft("cheek_left", 3.0)
    for light in (LEFT, two_lamps(0.2)):
        after = photograph(light, blood=blood)
        there, back = fitted(BEFORE, after), fitted(after, BEFORE)
        np.testing.assert_allclose(back.log_ratio, -there.log_ratio, atol=1e-3)
        np.testing.assert_allclose(back.redness_error(), there.redness_error(), rtol=1e-3)
        np.testing.assert_allclose(found(after, BEFORE)[0], -found(BEFORE, after)[0], atol=0.01)


def left_over_right() -> Plane:
    return shares(INSIDE["cheek_left"]) - shares(INSIDE["cheek_right"])


def within_a_cheek() -> Plane:
    """One cell of the cheek over the next one."""
    rows, cols = np.nonzero(shares(INSIDE["cheek_left"]) > 0)
    contrast = np.zeros((CELLS, CELLS))
    contrast[int(rows.mean()), int(cols.mean())], contrast[int(rows.mean()), int(cols.mean()) + 1] = 1.0, -1.0
    return contrast


@pytest.mark.parametrize(("light", "amount"), [(FRONT, 0.05), (LEFT, 0.05), (LEFT, 0.1)])
def test_a_change_shaped_like_light_is_neither_nothing_nor_certain(light: Plane, amount: float) -> None:
    blood = amount * NORMALS[..., 0]
    after = photograph(light, blood=blood)
    fit = fitted(BEFORE, after)
    error = fit.standard_error(left_over_right(), REDNESS)
    # The same light and the same contrast, but with an edge that light does not have.
    assert error > 3.0 * fit.standard_error(within_a_cheek(), REDNESS)
    change, truth = found(BEFORE, after)[0], of_blood(blood)
    left, right = PARTS.index("cheek_left"), PARTS.index("cheek_right")
    missing = (change[left] - change[right]) - (truth[left] - truth[right])
    assert abs(missing) < 2.5 * error


@pytest.mark.parametrize("light", [FRONT, LEFT], ids=["same", "left"])
def test_a_large_change_shaped_like_light_lies_in_its_interval(light: Plane) -> None:
    blood = 0.15 * NORMALS[..., 0]
    change, errors = found(BEFORE, photograph(light, blood=blood))
    assert (np.abs(change - of_blood(blood)) < 2.5 * errors).all()


def test_the_further_apart_the_lights_the_less_certain() -> None:
    lights = [FRONT] + [light_from((azimuth, 20.0, 1.0, 0.0)) for azimuth in (20.0, 40.0, 60.0, 80.0)]
    every = [found(BEFORE, photograph(light))[1] for light in lights]
    assert np.isfinite(every).all() and (np.array(every) > 0.0).all()
    assert (np.diff(every, axis=0) > 0.0).all()
    mixed = [found(BEFORE, photograph(two_lamps(w)))[1] for w in (0.0, 0.3)]
    assert (mixed[1] > mixed[0]).all()


def test_cell_by_cell_errors_are_those_of_single_cells() -> None:
    fit = fitted(BEFORE, photograph(LEFT))
    plane = fit.redness_error()
    where = np.argwhere(np.isfinite(plane))
    assert len(where) > 200
    assert not np.isfinite(plane[0]).any()
    assert fit.even_shares().sum() == pytest.approx(1.0)
    assert (fit.even_shares()[~np.isfinite(plane)] == 0.0).all()
    for row, col in where[::60]:
        one = np.zeros((CELLS, CELLS))
        one[row, col] = 1.0
        assert plane[row, col] == pytest.approx(fit.standard_error(one - fit.even_shares(), REDNESS), rel=1e-4)
    assert fit.standard_error(np.zeros((CELLS, CELLS)), REDNESS) == 0.0


def test_what_the_whole_face_shares_is_left_to_the_colour_reference() -> None:
    after = photograph(LEFT, blood=np.full((SIDE, SIDE), 0.2)) + np.array([0.3, 0.1, -0.2], np.float32)
    fit = fitted(BEFORE, after)
    mean = (fit.even_shares()[..., None] * fit.log_ratio).sum(axis=(0, 1))
    np.testing.assert_allclose(mean, 0.0, atol=1e-5)


def test_with_too_little_skin_nothing_is_claimed() -> None:
    after = photograph(LEFT)
    assert fit_light(BEFORE, after, np.zeros_like(SKIN)) is None
    assert fit_light(BEFORE, after, INSIDE["cheek_left"]) is None


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf])
def test_what_lies_off_the_skin_does_not_count(nothing: float) -> None:
    after = photograph(LEFT)
    before, hidden = BEFORE.copy(), after.copy()
    before[~SKIN] = hidden[~SKIN] = nothing
    fit = fitted(before, hidden)
    np.testing.assert_array_equal(fit.log_ratio, fitted(BEFORE, after).log_ratio)
    assert np.isfinite(fit.over(SIDE)).all()


def test_inputs_are_left_as_they_were_and_every_run_is_the_same() -> None:
    before, after, skin = BEFORE.copy(), photograph(two_lamps(0.2)), SKIN.copy()
    kept = after.copy()
    for array in (before, after, skin):
        array.setflags(write=False)
    one, two = fitted(before, after, skin), fitted(before, after, skin)
    np.testing.assert_array_equal(before, BEFORE)
    np.testing.assert_array_equal(after, kept)
    assert one.log_ratio.tobytes() == two.log_ratio.tobytes()
    assert one.redness_error().tobytes() == two.redness_error().tobytes()
    assert (one.shade_sd, one.warmth_sd) == (two.shade_sd, two.warmth_sd)


def quarter(side: str) -> Mask:
    """Skin without the quarter of it that lies furthest to one side."""
    rows, cols = np.nonzero(SKIN)
    skin = SKIN.copy()
    if side == "left":
        skin[:, int(np.quantile(cols, 0.75)) :] = False
    elif side == "right":
        skin[:, : int(np.quantile(cols, 0.25))] = False
    else:
        skin[int(np.quantile(rows, 0.75)) :] = False
    return skin


@pytest.mark.parametrize("side", ["left", "right", "chin"])
def test_a_quarter_of_the_face_may_be_hidden(side: str) -> None:
    skin = quarter(side)
    blood = 0.2 * soft("nose", 3.0)
    seen = [i for i, inside in enumerate(INSIDE.values()) if (inside & skin).sum() > 1000]
    assert len(seen) >= 8
    for light in (LEFT, two_lamps(0.15)):
        after = photograph(light, blood=blood)
        fit = fitted(BEFORE, after, skin)
        index = (after - BEFORE - fit.over(SIDE) + blood[..., None] * HAEMOGLOBIN) @ np.array(REDNESS)
        for i in seen:
            inside = INSIDE[PARTS[i]] & skin
            wrong = index[inside].mean() - index[skin].mean()
            assert abs(wrong) < 0.3
            assert abs(wrong) < 2.5 * fit.standard_error(shares(inside) - fit.even_shares(), REDNESS)


def patch(region: str) -> tuple[slice, slice]:
    """15 mm around the middle of a region."""
    rows, cols = np.nonzero(INSIDE[region])
    y, x = int(np.median(rows)), int(np.median(cols))
    return slice(y - 21, y + 21), slice(x - 21, x + 21)


def moved(after: Log, spoilt: Log, others: Sequence[str]) -> float:
    """How far the light of a spoilt photo, seen from the median of the regions, is off in other regions, a*-eq."""
    shift = (fitted(BEFORE, spoilt).over(SIDE) - fitted(BEFORE, after).over(SIDE)) @ np.array(REDNESS)
    every = {name: shift[inside].mean() for name, inside in INSIDE.items()}
    return max(abs(every[name] - float(np.median(list(every.values())))) for name in others)


@pytest.mark.parametrize("light", [FRONT, LEFT], ids=["same", "left"])
@pytest.mark.parametrize("region", ["cheek_left", "forehead", "chin"])
def test_a_patch_that_is_no_skin_moves_no_other_region(region: str, light: Plane) -> None:
    after = photograph(light)
    others = [name for name in PARTS if name != region]
    shadow, sheen = after.copy(), after.copy()
    shadow[patch(region)] -= np.float32(2.0)
    assert moved(after, shadow, others) < 0.05
    sheen[patch(region)] = np.log(np.exp(sheen[patch(region)]) + np.float32(0.05))
    faked = float(np.abs((sheen - after)[patch(region)] @ np.array(REDNESS)).mean())
    assert moved(after, sheen, others) < 0.1 * faked


@pytest.mark.parametrize("light", [FRONT, LEFT], ids=["same", "left"])
def test_a_black_lock_of_hair_moves_other_regions_less_than_their_error(light: Plane) -> None:
    after = photograph(light)
    spoilt = after.copy()
    spoilt[patch("cheek_left")] = np.log(0.02)
    others = [name for name in PARTS if name != "cheek_left"]
    assert moved(after, spoilt, others) < 1.5 * found(BEFORE, spoilt)[1].min()
