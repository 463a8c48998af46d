"""Copies of a photo: what is written is read back as the same colours, upright."""

import numpy as np
import pytest

from skinprogress.photos.reading import read_photo, to_linear, to_srgb8
from skinprogress.records import Flag, PhotoRef
from skinprogress.validation.color_copies import _copies, encode_space, make_icc


@pytest.fixture(scope="module")
def rgb():
    """Not square, no two corners alike, skin colours and bright ones."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(20, 236, (6, 5, 3))
    return np.kron(coarse, np.ones((16, 16, 1), int)).astype(np.uint8)


def read(path):
    return read_photo(PhotoRef(path=path, file=path.name, client="", session=""))


COPIES = (
    "JPEG, Display P3", "16-bit PNG, Adobe RGB", "16-bit PNG, ProPhoto RGB", *(f"orientation {k}" for k in range(1, 9)),
    "16-bit PNG", "16-bit TIFF", "HEIC", "AVIF", "WebP",
)  # fmt: skip


@pytest.mark.parametrize("name", COPIES)
def test_every_copy_is_read_as_the_original(rgb, name, tmp_path):
    suffix, write = _copies(rgb)[name]
    write(tmp_path / f"copy{suffix}")
    photo = read(tmp_path / f"copy{suffix}")
    assert photo.pixels.dtype == (np.uint16 if "16-bit" in name else np.uint8)
    assert photo.pixels.shape == rgb.shape
    inside = np.s_[4:-4:16, 4:-4:16]  # away from the edges that a JPEG softens
    off = to_srgb8(photo)[inside].astype(int) - rgb[inside]
    assert np.abs(off).max() <= (1 if "16-bit" in name else 5)
    assert np.abs(off.mean(axis=(0, 1))).max() < 0.6


def test_all_copies_are_tried(rgb):
    assert set(_copies(rgb)) == set(COPIES)


@pytest.mark.parametrize("name", ["Display P3", "Adobe RGB", "ProPhoto RGB"])
def test_numbers_of_a_wide_space_differ_and_its_profile_brings_the_colours_back(rgb, name, tmp_path):
    from PIL import Image

    encoded = np.round(encode_space(rgb, name) * 255.0).astype(np.uint8)
    red = encode_space(np.array([[[200, 40, 40]]], np.uint8), name)[0, 0]
    assert red[0] - red[1] < (200 - 40) / 255.0  # less saturated in numbers
    Image.fromarray(encoded).save(tmp_path / "a.png", icc_profile=make_icc(name))
    photo = read(tmp_path / "a.png")
    assert not photo.flags & Flag.PROFILE_UNREADABLE
    assert np.abs(to_srgb8(photo).astype(int) - rgb).max() <= 4
    grey = encode_space(np.full((2, 2, 3), 128, np.uint8), name)
    assert np.ptp(grey) < 2e-3


def test_colours_agree_with_littlecms(rgb, tmp_path):
    """Another reader of profiles sees the same."""
    from io import BytesIO

    from PIL import Image, ImageCms

    for name in ("Display P3", "Adobe RGB", "ProPhoto RGB"):
        encoded = Image.fromarray(np.round(encode_space(rgb, name) * 255.0).astype(np.uint8))
        profile = ImageCms.ImageCmsProfile(BytesIO(make_icc(name)))
        back = ImageCms.profileToProfile(encoded, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
        assert np.abs(np.asarray(back).astype(int) - rgb).max() <= 4


def test_linear_light_of_a_16_bit_copy_is_exact(rgb, tmp_path):
    suffix, write = _copies(rgb)["16-bit PNG, ProPhoto RGB"]
    write(tmp_path / f"a{suffix}")
    write_plain = _copies(rgb)["16-bit PNG"][1]
    write_plain(tmp_path / "b.png")
    wide, plain = (to_linear(read(tmp_path / name)) for name in (f"a{suffix}", "b.png"))
    assert np.abs(wide - plain).max() < 1e-3
