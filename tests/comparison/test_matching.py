"""Matching: what the camera did to texture is undone, what the treatment did is left."""

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinprogress.comparison.matching import RelativeBlur, blur_luminance, estimate_relative_blur
from skinprogress.face.regions import bare_face_mask
from skinprogress.metrics.inputs import MetricInput, band_mm
from skinprogress.metrics.noise import NoiseDensity, frontal_or, looks_smoothed, noise_free_spread, seen_px_per_mm

FloatMap = npt.NDArray[np.float32]

SIDE, PX_PER_FRAME_PX, MM_PER_PX = 768, 0.7, 0.2
PHOTO_SIDE = round(SIDE * PX_PER_FRAME_PX)
PX_PER_MM = PX_PER_FRAME_PX / MM_PER_PX


@lru_cache(maxsize=2)
def _texture(px: int) -> tuple[FloatMap, FloatMap]:
    """Ln luminance of the face in the photo: its skin, and brows, eyes and lips with their edges; px by px as given."""
    rng = np.random.default_rng(px)
    frequency = np.hypot(np.fft.fftfreq(PHOTO_SIDE)[:, None], np.fft.rfftfreq(PHOTO_SIDE)[None])
    waves = np.fft.rfft2(rng.normal(size=(2, PHOTO_SIDE, PHOTO_SIDE)))
    skin, hairs = np.fft.irfft2(waves / np.maximum(frequency, 0.01) ** 1.4, s=(PHOTO_SIDE, PHOTO_SIDE))
    bare = cv2.resize(bare_face_mask(SIDE).astype(np.float32), (PHOTO_SIDE, PHOTO_SIDE), interpolation=cv2.INTER_AREA)
    edges = np.sign(hairs) * 0.3 + 0.1 * hairs / hairs.std()
    return (0.06 * skin / skin.std() * bare).astype(np.float32), (edges * (1.0 - bare)).astype(np.float32)


def _photo(
    *, contrast: float = 1.0, blur_px: float = 0.0, noise: float = 0.0, exposure: float = 1.0, px: int = 11
) -> MetricInput:
    """A face of that texture in the frame; noise is that of ln luminance, per photo px."""
    skin, features = _texture(px)
    luminance = np.float32(0.3 * exposure) * np.exp(contrast * skin + features)
    if blur_px:
        luminance = cv2.GaussianBlur(luminance, (0, 0), blur_px)
    grain = np.random.default_rng(round(1000 * noise) + 5).normal(0.0, 1.0, luminance.shape)
    luminance = luminance * np.exp(noise * grain).astype(np.float32)
    drawn = cv2.resize(luminance.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    facing = np.clip(np.nan_to_num(frontal_or(None, SIDE)), 0.4, 1.0)
    return MetricInput(
        linear_rgb=np.repeat(drawn[..., None], 3, axis=2),
        skin=_skin(),
        mm_per_px=np.full((SIDE, SIDE), MM_PER_PX, np.float32),
        photo_px_per_mm=np.asarray(PX_PER_MM / np.sqrt(facing), np.float32),
    )


def _skin() -> npt.NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray(bare_face_mask(SIDE) & (frontal_or(None, SIDE) > 0.4))


class Matched(NamedTuple):
    a: MetricInput
    b: MetricInput
    noise_a: NoiseDensity
    noise_b: NoiseDensity
    relative: RelativeBlur

    def resolves(self, low_mm: float) -> bool:
        return not self.relative.reason and low_mm >= self.relative.finest_mm


def match_pair(a: MetricInput, b: MetricInput, skin: npt.NDArray[np.bool_]) -> Matched:
    """The sharper one blurred by what was found."""
    found = estimate_relative_blur(a, b, skin)
    a, b = replace(a, skin=skin), replace(b, skin=skin)
    noise_a, noise_b = found.noise_a, found.noise_b
    coarser = np.fmin(seen_px_per_mm(a), seen_px_per_mm(b))
    if not found.reason:
        sigma = found.sigma_px / (coarser * a.mm_per_px)
        own = [found.sigma_px * float(np.median((seen_px_per_mm(data) / coarser)[skin])) for data in (a, b)]
        if found.sharper == "a":
            a, noise_a = blur_luminance(a, sigma), noise_a.blurred(own[0])
        else:
            b, noise_b = blur_luminance(b, sigma), noise_b.blurred(own[1])
    return Matched(a, b, noise_a, noise_b, found)


def _ratio(matched: Matched, *, low_mm: float, high_mm: float) -> float:
    """Spread of a band in b over that in a."""
    spreads = []
    for data, noise in ((matched.a, matched.noise_a), (matched.b, matched.noise_b)):
        band = band_mm(data, data.log_luminance, low_mm=low_mm, high_mm=high_mm)
        variance = noise.band_variance(data, low_mm=low_mm, high_mm=high_mm)
        spreads.append(noise_free_spread(band[data.skin], variance[data.skin])[0])
    return spreads[1] / spreads[0]


BANDS = [(1.0, 2.0), (2.0, 4.0)]


@pytest.mark.parametrize("blur_px", [0.6, 1.0, 1.4])
def test_blur_is_found_on_either_side(blur_px: float) -> None:
    sharp, soft = _photo(), _photo(blur_px=blur_px)
    one, other = estimate_relative_blur(sharp, soft, _skin()), estimate_relative_blur(soft, sharp, _skin())
    assert (one.sharper, other.sharper) == ("a", "b")
    assert one.sigma_px == pytest.approx(blur_px, rel=0.08)
    assert other.sigma_px == pytest.approx(one.sigma_px, rel=0.05)
    assert one.sigma_mm == pytest.approx(one.sigma_px / PX_PER_MM, rel=0.02)
    assert not one.reason


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize(
    "disturbed",
    [{"blur_px": 0.6}, {"blur_px": 1.0}, {"blur_px": 1.4}, {"noise": 0.005}, {"noise": 0.01}, {"exposure": 0.6}],
    ids=str,
)
def test_the_camera_changes_no_band(disturbed: dict[str, float], band: tuple[float, float]) -> None:
    matched = match_pair(_photo(), _photo(**disturbed), _skin())
    assert matched.resolves(band[0])
    assert _ratio(matched, low_mm=band[0], high_mm=band[1]) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("camera", [{}, {"blur_px": 1.0}, {"noise": 0.015}], ids=str)
@pytest.mark.parametrize("contrast", [0.6, 0.8, 1.2, 1.4])
def test_a_change_of_texture_stays(contrast: float, camera: dict[str, float], band: tuple[float, float]) -> None:
    matched = match_pair(_photo(), _photo(contrast=contrast, **camera), _skin())
    assert matched.relative.contrast == pytest.approx(contrast, abs=0.06)
    assert _ratio(matched, low_mm=band[0], high_mm=band[1]) == pytest.approx(contrast, abs=0.05)


def test_a_change_of_texture_alone_is_no_blur() -> None:
    found = estimate_relative_blur(_photo(), _photo(contrast=0.8), _skin())
    assert found.sigma_px < 0.2


@pytest.mark.parametrize("contrast", [0.8, 1.0, 1.2])
@pytest.mark.parametrize("camera", [{}, {"blur_px": 0.7}, {"noise": 0.03}], ids=str)
def test_photos_need_not_show_the_same_detail(camera: dict[str, float], contrast: float) -> None:
    matched = match_pair(_photo(), _photo(px=12, contrast=contrast, **camera), _skin())
    assert matched.relative.shared < 0.1
    assert not matched.relative.reason
    # Less exact than for photos that show the same px; unmatched, the blur takes a quarter and the noise adds half.
    assert _ratio(matched, low_mm=1.0, high_mm=2.0) == pytest.approx(contrast, abs=0.1)
    assert _ratio(matched, low_mm=2.0, high_mm=4.0) == pytest.approx(contrast, abs=0.06)


def test_what_both_photos_show_is_no_noise() -> None:
    # Twice the contrast at the finest frequencies alone looks like noise, but for lying px on px.
    sharp = _photo()
    fine = np.log(sharp.linear_rgb) - cv2.GaussianBlur(np.log(sharp.linear_rgb), (0, 0), 1.0)
    crisp = replace(sharp, linear_rgb=sharp.linear_rgb * np.exp(fine))
    found = estimate_relative_blur(sharp, crisp, _skin())
    added = float(np.median(found.noise_b.band_variance(crisp, low_mm=1.0, high_mm=2.0)[_skin()]))
    assert added < 0.1 * float(np.var(band_mm(crisp, crisp.log_luminance, low_mm=1.0, high_mm=2.0)[_skin()]))


@settings(max_examples=4, deadline=None)
@given(contrast=st.floats(0.7, 1.4), blur_px=st.floats(0.0, 1.2), noise=st.floats(0.0, 0.02))
def test_it_does_not_matter_which_photo_comes_first(contrast: float, blur_px: float, noise: float) -> None:
    one, other = _photo(), _photo(contrast=contrast, blur_px=blur_px, noise=noise)
    there, back = estimate_relative_blur(one, other, _skin()), estimate_relative_blur(other, one, _skin())
    assert back.contrast == pytest.approx(1.0 / there.contrast, rel=0.02)
    assert back.sigma_px == pytest.approx(there.sigma_px, abs=0.05)
    assert back.noise_a.density == pytest.approx(there.noise_b.density, rel=0.05, abs=1e-5)


def test_the_error_of_the_contrast_grows_with_what_is_not_known() -> None:
    clean, noisy = (estimate_relative_blur(_photo(), _photo(noise=noise), _skin()) for noise in (0.0, 0.06))
    assert 0.0 < clean.contrast_error < 0.05 < noisy.contrast_error


def test_noise_is_found_where_it_is() -> None:
    found = estimate_relative_blur(_photo(), _photo(noise=0.03), _skin())
    assert found.noise_b.density == pytest.approx(0.03**2, rel=0.2)
    assert found.noise_a.density < 0.1 * found.noise_b.density


@settings(max_examples=4, deadline=None)
@given(exposure=st.floats(0.3, 2.0))
def test_exposure_is_neither_blur_nor_contrast(exposure: float) -> None:
    found = estimate_relative_blur(_photo(), _photo(exposure=exposure), _skin())
    assert found.sigma_px < 0.15
    assert found.contrast == pytest.approx(1.0, abs=0.02)


def test_copies_are_left_alone() -> None:
    data = _photo()
    before = data.linear_rgb.copy()
    matched = match_pair(data, replace(data), _skin())
    assert _ratio(matched, low_mm=1.0, high_mm=2.0) == pytest.approx(1.0, abs=0.02)
    np.testing.assert_array_equal(data.linear_rgb, before)


def test_matching_blurs_luminance_and_no_color() -> None:
    sharp = _photo()
    sharp = replace(sharp, linear_rgb=sharp.linear_rgb * np.array([1.2, 1.0, 0.7], np.float32))
    matched = match_pair(sharp, _photo(blur_px=1.2), _skin())
    skin = _skin()
    np.testing.assert_allclose(
        matched.a.linear_rgb[skin][:, 0] / matched.a.linear_rgb[skin][:, 2], 1.2 / 0.7, rtol=1e-4
    )
    assert matched.a.linear_rgb[skin].std() < sharp.linear_rgb[skin].std()


def test_a_photo_that_is_too_blurred_is_refused() -> None:
    sharp = _photo()
    matched = match_pair(sharp, _photo(blur_px=2.5), _skin())
    assert "more blurred" in matched.relative.reason
    assert not matched.resolves(2.0)
    np.testing.assert_array_equal(matched.a.linear_rgb, sharp.linear_rgb)


def test_a_band_that_noise_hides_is_refused() -> None:
    matched = match_pair(_photo(), _photo(noise=0.15), _skin())
    assert not matched.resolves(1.0)


def test_a_coarse_photo_shows_no_fine_band() -> None:
    data = _photo()
    coarse = replace(data, photo_px_per_mm=data.photo_px_per_mm * np.float32(0.4))
    assert not match_pair(coarse, replace(coarse), _skin()).resolves(1.0)


def test_too_little_skin_is_said() -> None:
    skin = np.zeros((SIDE, SIDE), bool)
    skin[300:360, 300:360] = True
    found = estimate_relative_blur(_photo(), _photo(), skin)
    assert "too little" in found.reason
    assert np.isnan(found.sigma_px)


def test_a_filter_on_skin_is_suspected() -> None:
    plain = _photo(contrast=5.0)  # as in photographs: detail of skin a third as strong as that of brows
    log = np.log(plain.linear_rgb[..., 0])
    smooth = np.exp(cv2.bilateralFilter(log, 15, 0.4, 6.0))
    filtered = replace(plain, linear_rgb=np.repeat(smooth[..., None], 3, axis=2))
    assert looks_smoothed(filtered)
    assert not looks_smoothed(plain)
