"""Reading photos: every file here is made by the test that reads it."""

import io
import os
import pickle
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from skinprogress.color.spaces import linear_rgb_to_lab, srgb_to_linear
from skinprogress.errors import PhotoError
from skinprogress.photos import ordinary
from skinprogress.photos.profiles import ProfileError, encoding_from_icc, srgb_encoding
from skinprogress.photos.reading import read_header, read_photo, to_linear, to_srgb8
from skinprogress.records import Flag, PhotoRef

Curve = Callable[[np.ndarray], np.ndarray]
SKIN_CHART = np.array(
    [
        [[224, 186, 164], [206, 150, 125], [182, 120, 98], [141, 85, 62]],
        [[98, 58, 44], [214, 120, 110], [190, 90, 90], [128, 128, 128]],
        [[240, 240, 240], [60, 60, 60], [120, 150, 190], [110, 140, 80]],
    ],
    dtype=np.uint8,
)
D50, D65 = (0.9642, 1.0, 0.8249), (0.95047, 1.0, 1.08883)
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
PROPHOTO = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))
SRGB_PARAMETERS = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def ref(path: Path, **fields: object) -> PhotoRef:
    return PhotoRef(path=path, file=path.name, client="c", session="s", **fields)  # type: ignore[arg-type]


def chart(cell: int = 40) -> np.ndarray:
    """Patches of skin and other colours, 3 × 4, so not square."""
    return SKIN_CHART.repeat(cell, axis=0).repeat(cell, axis=1)


def patch_means(linear: np.ndarray, cell: int = 40) -> np.ndarray:
    inner = linear.reshape(3, cell, 4, cell, 3)[:, 8:-8, :, 8:-8]
    return inner.mean(axis=(1, 3))


# --- colour profiles built by hand -------------------------------------------------------------------------------


def adapt(white_from: tuple, white_to: tuple) -> np.ndarray:
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    return np.linalg.solve(bradford, np.diag(bradford @ white_to / (bradford @ white_from)) @ bradford)


def rgb_to_xyz(primaries: tuple, white: tuple) -> np.ndarray:
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    return columns * np.linalg.solve(columns, white)


def curv(values: list[int]) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(f">I{len(values)}H", len(values), *values)


def para(kind: int, parameters: tuple) -> bytes:
    fixed = [round(p * 65536) for p in parameters]
    return b"para\0\0\0\0" + struct.pack(f">HH{len(fixed)}i", kind, 0, *fixed)


def assemble(tags: dict[bytes, bytes], *, space: bytes = b"RGB ", pcs: bytes = b"XYZ ") -> bytes:
    tags = {b"desc": b"desc\0\0\0\0\0\0\0\x05test\0" + bytes(78), **tags}
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, element in tags.items():
        element += bytes(-len(element) % 4)
        table += struct.pack(">4sII", name, at + len(body), len(element))
        body += element
    whole = struct.pack(">I", len(tags)) + table + body
    head = struct.pack(
        ">I4sI4s4s4s12s4s", 128 + len(whole), b"test", 0x02400000, b"mntr", space, pcs, bytes(12), b"acsp"
    )
    return head + bytes(28) + struct.pack(">3i", *(round(v * 65536) for v in D50)) + bytes(48) + whole


def matrix_profile(primaries: tuple, curve: bytes, *, white: tuple = D65) -> bytes:
    colorants = adapt(white, D50) @ rgb_to_xyz(primaries, white)
    tags = {b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in D50))}
    for i, channel in enumerate((b"r", b"g", b"b")):
        tags[channel + b"XYZ"] = b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in colorants[:, i]))
        tags[channel + b"TRC"] = curve
    return assemble(tags)


def in_space(linear_srgb: np.ndarray, primaries: tuple, white: tuple, encode: Curve) -> np.ndarray:
    """The same colours as numbers 0..1 of another colour space."""
    to_space = np.linalg.inv(rgb_to_xyz(primaries, white)) @ adapt(D65, white) @ rgb_to_xyz(SRGB, D65)
    return encode(np.clip(linear_srgb @ to_space.T, 0, 1))


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def write_png(path: Path, stored: np.ndarray, icc: bytes | None = None, extra: bytes = b"") -> Path:
    """PNG of uint8 or uint16 RGB, grey or RGBA, with a profile or other chunks right after the header."""
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}.get(stored.shape[2] if stored.ndim == 3 else 1)
    data = cv2.imencode(".png", stored if order is None else cv2.cvtColor(stored, order))[1].tobytes()
    if icc is not None:
        extra += png_chunk(b"iCCP", b"test\0\0" + zlib.compress(icc))
    path.write_bytes(data[:33] + extra + data[33:])
    return path


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


SPACES = {
    "srgb": (SRGB, D65, para(3, SRGB_PARAMETERS), encode_srgb),
    "display p3": (DISPLAY_P3, D65, para(3, SRGB_PARAMETERS), encode_srgb),
    "adobe rgb": (ADOBE_RGB, D65, curv([563]), lambda v: v ** (256 / 563)),
    "prophoto": (PROPHOTO, (0.96422, 1.0, 0.82521), curv([round(1.8 * 256)]), lambda v: v ** (1 / (461 / 256))),
    "linear p3": (DISPLAY_P3, D65, curv([]), lambda v: v),
}


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("depth", [8, 16])
def test_a_chart_has_the_same_colours_in_every_colour_space(tmp_path: Path, space: str, depth: int) -> None:
    primaries, white, curve, encode = SPACES[space]
    truth = srgb_to_linear(SKIN_CHART)
    top = 2**depth - 1
    values = in_space(srgb_to_linear(chart()), primaries, white, encode) * top
    # Dithered, as noise does in a photo, so that the mean of a patch is not bound to whole numbers.
    values = np.floor(values + np.random.default_rng(1).random(values.shape)).clip(0, top)
    stored = values.astype(f"uint{depth}")
    photo = read_photo(ref(write_png(tmp_path / "a.png", stored, matrix_profile(primaries, curve, white=white))))
    assert photo.pixels.dtype == stored.dtype and photo.flags == Flag.NONE
    assert photo.curve.shape == (3, top + 1) and photo.curve.dtype == photo.matrix.dtype == np.float32
    difference = linear_rgb_to_lab(patch_means(to_linear(photo))) - linear_rgb_to_lab(truth)
    assert np.abs(difference).max() < 0.3
    assert np.abs(to_srgb8(photo).astype(int) - chart()).max() <= (7 if depth == 8 else 1)


def test_a_phone_jpeg_in_display_p3_keeps_its_redness(tmp_path: Path) -> None:
    stored = in_space(srgb_to_linear(chart()), DISPLAY_P3, D65, encode_srgb)
    image = Image.fromarray(np.round(stored * 255).astype(np.uint8))
    image.save(tmp_path / "p3.jpg", quality=97, subsampling=0, icc_profile=matrix_profile(*SPACES["display p3"][::2]))
    image.save(tmp_path / "stripped.jpg", quality=97, subsampling=0)
    truth = linear_rgb_to_lab(srgb_to_linear(SKIN_CHART))[:2, :, 1]
    tagged, stripped = (read_photo(ref(tmp_path / name)) for name in ("p3.jpg", "stripped.jpg"))
    a_star = [linear_rgb_to_lab(patch_means(to_linear(photo)))[:2, :, 1] for photo in (tagged, stripped)]
    assert np.abs(a_star[0] - truth).max() < 0.6
    assert (truth - a_star[1])[0].min() > 2, "without its profile the same file must read less red"
    assert tagged.flags == Flag.NONE and stripped.flags == Flag.PROFILE_MISSING


def test_colours_outside_srgb_are_not_clipped(tmp_path: Path) -> None:
    stored = np.zeros((70, 90, 3), dtype=np.uint8)
    stored[..., 0] = 255
    photo = read_photo(ref(write_png(tmp_path / "red.png", stored, matrix_profile(*SPACES["display p3"][::2]))))
    red = to_linear(photo)[0, 0]
    assert red[0] == pytest.approx(1.2249, abs=0.002) and red[1] == pytest.approx(-0.0420, abs=0.002)
    assert to_srgb8(photo)[0, 0].tolist() == [255, 0, 0]


def test_srgb_profile_of_littlecms_is_the_identity(tmp_path: Path) -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(chart()).save(tmp_path / "a.jpg", icc_profile=icc)
    photo = read_photo(ref(tmp_path / "a.jpg"))
    np.testing.assert_array_equal(photo.matrix, np.eye(3))
    np.testing.assert_allclose(photo.curve, srgb_encoding(256).curve, atol=1e-4)
    np.testing.assert_array_equal(to_srgb8(photo), photo.pixels)


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (curv([]), lambda x: x),
        (curv([round(2.2 * 256)]), lambda x: x ** (563 / 256)),
        (curv([0, 16384, 65535]), lambda x: np.interp(x, [0, 0.5, 1], [0, 16384 / 65535, 1])),
        (para(0, (1.8,)), lambda x: x**1.8),
        (para(1, (2.0, 1.25, -0.25)), lambda x: np.where(x >= 0.2, (1.25 * x - 0.25).clip(0) ** 2, 0)),
        (para(2, (2.0, 1.0, -0.2, 0.1)), lambda x: np.where(x >= 0.2, (x - 0.2).clip(0) ** 2, 0) + 0.1),
        (para(3, SRGB_PARAMETERS), srgb_to_linear),
        (
            para(4, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0.02, 0.01)),
            lambda x: srgb_to_linear(x) + np.where(x >= 0.04045, 0.02, 0.01),
        ),
    ],
)
def test_every_kind_of_tone_curve(element: bytes, expected: Curve) -> None:
    encoding = encoding_from_icc(matrix_profile(SRGB, element), levels=256)
    assert encoding is not None
    np.testing.assert_allclose(encoding.curve[1], expected(np.linspace(0, 1, 256)), atol=1e-4)


BROKEN_PROFILES = {
    "noise": bytes(range(256)) * 2,
    "cut": matrix_profile(SRGB, curv([563]))[:300],
    "no primaries": assemble({b"rTRC": curv([563])}),
    "falling curve": matrix_profile(SRGB, curv([65535, 0])),
    "unknown curve": matrix_profile(SRGB, b"what" + bytes(20)),
    "one primary three times": assemble(
        {name: bytes.fromhex("58595a2000000000000050000000500000005000") for name in (b"rXYZ", b"gXYZ", b"bXYZ")}
        | {name: curv([563]) for name in (b"rTRC", b"gTRC", b"bTRC")}
    ),
    "cmyk profile": assemble({b"A2B0": bytes(40)}, space=b"CMYK", pcs=b"Lab "),
    "grey profile": assemble({b"kTRC": curv([563])}, space=b"GRAY"),
    "broken table": assemble({b"A2B0": b"mft2" + bytes(60)}, pcs=b"Lab "),
}


@pytest.mark.parametrize("which", BROKEN_PROFILES)
def test_a_broken_profile_is_flagged_and_srgb_assumed(tmp_path: Path, which: str) -> None:
    Image.fromarray(chart()).save(tmp_path / "a.jpg", icc_profile=BROKEN_PROFILES[which])
    photo = read_photo(ref(tmp_path / "a.jpg"))
    assert photo.flags == Flag.PROFILE_UNREADABLE
    np.testing.assert_array_equal(photo.curve, srgb_encoding(256).curve)
    np.testing.assert_array_equal(photo.matrix, np.eye(3))


def test_random_bytes_never_raise_anything_but_profile_errors() -> None:
    rng = np.random.default_rng(3)
    good = np.frombuffer(matrix_profile(DISPLAY_P3, para(3, SRGB_PARAMETERS)), dtype=np.uint8)
    for _ in range(300):
        bad = good.copy()
        bad[rng.integers(0, len(bad), 6)] = rng.integers(0, 256, 6)
        try:
            encoding = encoding_from_icc(bad.tobytes(), levels=256)
        except ProfileError:
            continue
        assert encoding is None or np.isfinite(encoding.curve).all()


def test_a_profile_made_of_tables_goes_through_littlecms(tmp_path: Path) -> None:
    # An 8-bit table that reads RGB as Lab: L from red, a* from green, b* from blue.
    table = struct.pack(">4s4x4B9i", b"mft1", 3, 3, 2, 0, *(65536 if i % 4 == 0 else 0 for i in range(9)))
    ramp = bytes(range(256)) * 3
    grid = bytes(255 if on else 0 for r in (0, 1) for g in (0, 1) for b in (0, 1) for on in (r, g, b))
    icc = assemble({b"A2B0": table + ramp + grid + ramp}, pcs=b"Lab ")
    stored = np.full((70, 80, 3), (128, 148, 138), dtype=np.uint8)
    photo = read_photo(ref(write_png(tmp_path / "a.png", stored, icc)))
    lab = linear_rgb_to_lab(to_linear(photo))[35, 40]
    assert photo.flags == Flag.NONE and photo.pixels.dtype == np.uint8
    np.testing.assert_allclose(lab, [50.2, 20, 10], atol=1.0)


def test_adobe_rgb_that_the_camera_only_hinted_at(tmp_path: Path) -> None:
    stored = in_space(srgb_to_linear(chart()), ADOBE_RGB, D65, lambda v: v ** (256 / 563))
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 65535
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    Image.fromarray(np.round(stored * 255).astype(np.uint8)).save(tmp_path / "_a.jpg", quality=97, exif=exif)
    photo = read_photo(ref(tmp_path / "_a.jpg"))
    assert photo.flags == Flag.NONE
    difference = linear_rgb_to_lab(patch_means(to_linear(photo))) - linear_rgb_to_lab(srgb_to_linear(SKIN_CHART))
    assert np.abs(difference).max() < 1.0


def test_what_counts_as_declared_srgb(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 1
    Image.fromarray(chart()).save(tmp_path / "exif.jpg", exif=exif)
    write_png(tmp_path / "chunk.png", chart(), extra=png_chunk(b"sRGB", b"\0"))
    write_png(tmp_path / "nothing.png", chart())
    flags = [read_photo(ref(tmp_path / name)).flags for name in ("exif.jpg", "chunk.png", "nothing.png")]
    assert flags == [Flag.NONE, Flag.NONE, Flag.PROFILE_MISSING]


@pytest.mark.parametrize(
    ("points", "expected"),
    [(b"\x0c\x0d", Flag.NONE), (b"\x09\x10", Flag.PROFILE_UNREADABLE), (b"\2\2", Flag.PROFILE_MISSING)],
)
def test_code_points_in_a_png(tmp_path: Path, points: bytes, expected: Flag) -> None:
    stored = in_space(srgb_to_linear(chart()), DISPLAY_P3, D65, encode_srgb)
    stored = np.round(stored * 65535).astype(np.uint16)
    photo = read_photo(ref(write_png(tmp_path / "a.png", stored, extra=png_chunk(b"cICP", points + b"\0\1"))))
    assert photo.flags == expected
    if expected == Flag.NONE:
        difference = linear_rgb_to_lab(to_linear(photo)) - linear_rgb_to_lab(srgb_to_linear(chart()))
        assert np.abs(difference).max() < 0.05


# --- orientation -------------------------------------------------------------------------------------------------

STORED_AS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[::-1],
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: a.transpose(1, 0, 2)[:, ::-1],
}
WRITERS = {
    "a.jpg": {"quality": 95, "subsampling": 0},
    "a.png": {},
    "a.tif": {},
    "lzw.tif": {"compression": "tiff_lzw"},
    "a.webp": {"lossless": True},
    "a.avif": {"quality": 95, "subsampling": "4:4:4"},
}


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("orientation", STORED_AS)
def test_all_orientations_come_out_upright(tmp_path: Path, name: str, orientation: int) -> None:
    stored = np.ascontiguousarray(STORED_AS[orientation](chart()))
    Image.fromarray(stored).save(tmp_path / name, exif=oriented(orientation).tobytes(), **WRITERS[name])
    photo = read_photo(ref(tmp_path / name))
    assert photo.pixels.shape == (120, 160, 3)
    assert np.abs(patch_means(photo.pixels.astype(float)) - SKIN_CHART).max() < 3
    header = read_header(tmp_path / name)
    assert (header.height_px, header.width_px) == (120, 160)


def test_png_orientation_behind_the_pixels(tmp_path: Path) -> None:
    path = write_png(tmp_path / "a.png", np.ascontiguousarray(STORED_AS[6](chart())))
    data = path.read_bytes()
    path.write_bytes(data[:-12] + png_chunk(b"eXIf", oriented(6).tobytes()[6:]) + data[-12:])
    np.testing.assert_array_equal(read_photo(ref(path)).pixels, chart())
    assert read_header(path).width_px == 160


@pytest.mark.parametrize("orientation", STORED_AS)
def test_16_bit_tiff_comes_out_upright(tmp_path: Path, orientation: int) -> None:
    stored = np.ascontiguousarray(STORED_AS[orientation](chart().astype(np.uint16) * 257))
    write_tiff16(tmp_path / "a.tif", stored, orientation)
    photo = read_photo(ref(tmp_path / "a.tif"))
    assert photo.pixels.dtype == np.uint16
    np.testing.assert_array_equal(photo.pixels, chart().astype(np.uint16) * 257)


def write_tiff16(path: Path, stored: np.ndarray, orientation: int, icc: bytes = b"") -> None:
    """Plain little-endian RGB TIFF of one strip, with a profile where one is given."""
    height, width = stored.shape[:2]
    body = stored.astype("<u2").tobytes()
    bits_at, strip_at = 8, 16
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, bits_at), (259, 3, 1, 1), (262, 3, 1, 2),
        (273, 4, 1, strip_at), (274, 3, 1, orientation), (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, len(body)),
    ]  # fmt: skip
    if icc:
        entries.append((34675, 7, len(icc), strip_at + len(body)))
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<I", strip_at + len(body) + len(icc)) + struct.pack("<4H", 16, 16, 16, 0)
    path.write_bytes(head + body + icc + directory + bytes(4))


@pytest.mark.parametrize("exif_too", [False, True])
@pytest.mark.parametrize("orientation", STORED_AS)
def test_heic_is_turned_exactly_once(tmp_path: Path, orientation: int, exif_too: bool) -> None:
    """Phones write HEIF's own transform and the same in EXIF: the pit that turns a photo twice."""
    stored = Image.fromarray(np.ascontiguousarray(STORED_AS[orientation](chart())))
    data = io.BytesIO()
    pillow_heif.from_pillow(stored).save(data, quality=95, chroma=444, exif=oriented(orientation).tobytes())
    written = data.getvalue()
    entry = bytes.fromhex("011200030000000100")
    at = written.index(entry) + len(entry)
    if exif_too:
        written = written[:at] + bytes([orientation]) + written[at + 1 :]
    (tmp_path / "a.heic").write_bytes(written)
    photo = read_photo(ref(tmp_path / "a.heic"))
    assert photo.pixels.shape == (120, 160, 3)
    assert np.abs(patch_means(photo.pixels.astype(float)) - SKIN_CHART).max() < 4


def test_heic_keeps_its_display_p3_profile(tmp_path: Path) -> None:
    stored = np.round(in_space(srgb_to_linear(chart()), DISPLAY_P3, D65, encode_srgb) * 255).astype(np.uint8)
    image = Image.fromarray(stored)
    image.info["icc_profile"] = matrix_profile(*SPACES["display p3"][::2])
    pillow_heif.from_pillow(image).save(tmp_path / "a.heic", quality=98, chroma=444)
    photo = read_photo(ref(tmp_path / "a.heic"))
    difference = linear_rgb_to_lab(patch_means(to_linear(photo))) - linear_rgb_to_lab(srgb_to_linear(SKIN_CHART))
    assert photo.flags == Flag.NONE and np.abs(difference).max() < 1.2


def test_a_mirrored_photo_is_flipped_back(tmp_path: Path) -> None:
    write_png(tmp_path / "selfie.png", np.ascontiguousarray(chart()[:, ::-1]))
    photo = read_photo(ref(tmp_path / "selfie.png", mirrored=True, flags=Flag.TIME_UNKNOWN))
    np.testing.assert_array_equal(photo.pixels, chart())
    assert photo.flags == Flag.MIRRORED | Flag.PROFILE_MISSING | Flag.TIME_UNKNOWN


# --- kinds of pixels ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["grey.jpg", "grey.png", "grey.tif", "grey.webp"])
def test_grey_becomes_three_channels(tmp_path: Path, name: str) -> None:
    grey = cv2.cvtColor(chart(), cv2.COLOR_RGB2GRAY)
    Image.fromarray(grey).save(tmp_path / name, **({"lossless": True} if "webp" in name else {}))
    pixels = read_photo(ref(tmp_path / name)).pixels
    assert pixels.shape == (120, 160, 3) and (pixels == pixels[..., :1]).all()
    assert np.abs(patch_means(pixels.astype(float))[..., 0] - patch_means(np.dstack([grey] * 3))[..., 0]).max() < 2


def test_grey_with_a_grey_profile(tmp_path: Path) -> None:
    icc = assemble({b"kTRC": curv([round(1.8 * 256)])}, space=b"GRAY")
    Image.fromarray(np.full((80, 100), 128, np.uint8)).save(tmp_path / "a.jpg", icc_profile=icc)
    photo = read_photo(ref(tmp_path / "a.jpg"))
    assert photo.flags == Flag.NONE
    np.testing.assert_allclose(to_linear(photo)[40, 50], [(128 / 255) ** 1.8] * 3, atol=2e-3)


@pytest.mark.parametrize("shape", [(90, 130), (90, 130, 3), (90, 130, 4)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_is_kept(tmp_path: Path, shape: tuple, suffix: str) -> None:
    stored = np.random.default_rng(2).integers(0, 65536, shape).astype(np.uint16)
    if len(shape) == 3 and shape[2] == 4:
        stored[..., 3] = 65535
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}.get(shape[2] if len(shape) == 3 else 1)
    (tmp_path / "a").write_bytes(
        cv2.imencode(suffix, stored if order is None else cv2.cvtColor(stored, order))[1].tobytes()
    )
    path = (tmp_path / "a").rename(tmp_path / f"a{suffix}")
    photo = read_photo(ref(path))
    assert photo.pixels.dtype == np.uint16
    expected = np.dstack([stored] * 3) if stored.ndim == 2 else stored[..., :3]
    np.testing.assert_array_equal(photo.pixels, expected)
    np.testing.assert_allclose(to_linear(photo), srgb_to_linear(expected), atol=1e-6)


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_cmyk(tmp_path: Path, name: str) -> None:
    """Pillow writes CMYK JPEGs inverted with Adobe's mark, as Photoshop does."""
    stored = np.zeros((80, 110, 4), dtype=np.uint8)
    stored[..., 1], stored[..., 2] = 128, 128
    Image.fromarray(stored, mode="CMYK").save(tmp_path / name)
    photo = read_photo(ref(tmp_path / name))
    assert photo.flags == Flag.PROFILE_MISSING
    assert np.abs(photo.pixels[40, 50].astype(int) - (255, 127, 127)).max() <= 3


def test_transparency_is_dropped_where_opaque_and_laid_over_grey_where_not(tmp_path: Path) -> None:
    opaque = np.dstack([chart(), np.full((120, 160), 255, np.uint8)])
    np.testing.assert_array_equal(read_photo(ref(write_png(tmp_path / "a.png", opaque))).pixels, chart())
    half = opaque.copy()
    half[:, :80, 3], half[:, 80:100, 3] = 0, 127
    pixels = read_photo(ref(write_png(tmp_path / "b.png", half))).pixels
    assert (pixels[:, :80] == 128).all()
    mixed = chart()[:, 80:100] * (127 / 255) + 128 * (128 / 255)
    assert np.abs(pixels[:, 80:100] - mixed).max() <= 1
    np.testing.assert_array_equal(pixels[:, 100:], chart()[:, 100:])
    deep = read_photo(ref(write_png(tmp_path / "c.png", half.astype(np.uint16) * 257))).pixels
    assert deep.dtype == np.uint16 and (deep[:, :80] == 128 * 257).all()


def test_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    image = Image.fromarray(chart()).quantize(16)
    image.save(tmp_path / "a.png", transparency=image.getpixel((0, 0)))
    pixels = read_photo(ref(tmp_path / "a.png")).pixels
    assert pixels[0, 0].tolist() == [128, 128, 128]
    assert np.abs(pixels[10, 150].astype(int) - SKIN_CHART[0, 3]).max() < 4


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif", "a.jpg"])
def test_the_first_of_several_frames_is_read(tmp_path: Path, name: str) -> None:
    frames = [Image.fromarray(np.full((80, 100, 3), value, np.uint8)) for value in (60, 140, 220)]
    kind = {"format": "MPO"} if name == "a.jpg" else {}
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **kind)
    pixels = read_photo(ref(tmp_path / name)).pixels
    assert pixels.shape == (80, 100, 3) and np.abs(pixels.astype(int) - 60).max() < 3


# --- one picture in every kind of file ---------------------------------------------------------------------------


def field() -> np.ndarray:
    """The chart with a little fixed grain, linear sRGB float64: grain keeps rounding from adding up within a patch."""
    grain = np.random.default_rng(9).normal(0, 0.02, (120, 160, 3))
    return srgb_to_linear(np.clip(chart() / 255 + grain, 0.02, 0.98)).astype(np.float64)


def cmyk_profile() -> bytes:
    """A press whose paper shows 1 − cyan, 1 − magenta, 1 − yellow as sRGB: a 16-bit table of Lab over 17⁴ inks."""
    inks = np.stack(np.meshgrid(*[np.linspace(0, 1, 17)] * 4, indexing="ij"), axis=-1)
    linear = srgb_to_linear((1 - inks[..., :3]) * (1 - inks[..., 3:]))
    ratio = linear @ (adapt(D65, D50) @ rgb_to_xyz(SRGB, D65)).T / D50
    x, y, z = np.moveaxis(np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116), -1, 0)
    lab = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
    coded = np.round((lab + np.array([0, 128, 128])) * (652.8, 256, 256)).clip(0, 65535).astype(">u2")
    ramp = struct.pack(">2H", 0, 65535)
    head = struct.pack(">4s4x4B9i2H", b"mft2", 4, 3, 17, 0, *(65536 * (i % 4 == 0) for i in range(9)), 2, 2)
    return assemble({b"A2B0": head + ramp * 4 + coded.tobytes() + ramp * 3}, space=b"CMYK", pcs=b"Lab ")


def write_copies(folder: Path) -> None:
    """The field as every kind of file and colour space that a course may hold."""
    for space, (primaries, white, curve, encode) in SPACES.items():
        icc = matrix_profile(primaries, curve, white=white)
        values = in_space(field(), primaries, white, encode)
        deep, flat = np.round(values * 65535).astype(np.uint16), np.round(values * 255).astype(np.uint8)
        image = Image.fromarray(flat)
        write_png(folder / f"{space} 8.png", flat, icc)
        write_png(folder / f"{space} 16.png", deep, icc)
        image.save(folder / f"{space}.tif", icc_profile=icc)
        image.save(folder / f"{space} lzw.tif", compression="tiff_lzw", icc_profile=icc)
        write_tiff16(folder / f"{space} 16.tif", deep, 1, icc)
        image.save(folder / f"{space}.webp", lossless=True, icc_profile=icc)
        if space == "linear p3":  # nobody compresses linear numbers of 8 bit
            continue
        image.save(folder / f"{space}.jpg", quality=99, subsampling=0, icc_profile=icc)
        # The encoder in Pillow cuts chroma off where it should round: half a level of it is given back beforehand.
        whole = np.round(values * 255 + (0.70, -0.53, 0.89)).clip(0, 255).astype(np.uint8)
        Image.fromarray(whole).save(folder / f"{space}.avif", quality=100, subsampling="4:4:4", icc_profile=icc)
        pillow_heif.from_pillow(image).save(folder / f"{space}.heic", quality=97, chroma=444, icc_profile=icc)
        ten_bit = pillow_heif.from_bytes(mode="RGB;16", size=(160, 120), data=deep.tobytes())
        ten_bit.save(folder / f"{space} 10.heif", quality=97, chroma=444, icc_profile=icc)
    p3 = np.round(in_space(field(), DISPLAY_P3, D65, encode_srgb) * 255).astype(np.uint8)
    icc = matrix_profile(*SPACES["display p3"][::2])
    for orientation, store in STORED_AS.items():
        stored, exif = Image.fromarray(np.ascontiguousarray(store(p3))), oriented(orientation).tobytes()
        stored.save(folder / f"turned {orientation}.jpg", quality=99, subsampling=0, icc_profile=icc, exif=exif)
        heif = pillow_heif.from_pillow(stored)
        heif.save(folder / f"turned {orientation}.heic", quality=97, chroma=444, icc_profile=icc, exif=exif)
    srgb = np.round(encode_srgb(field()) * 255).astype(np.uint8)
    inks = Image.fromarray(np.dstack([255 - srgb, np.zeros((120, 160), np.uint8)]), mode="CMYK")
    inks.save(folder / "cmyk.tif", icc_profile=cmyk_profile())
    order = cv2.cvtColor(np.round(encode_srgb(field()) * 65535).astype(np.uint16), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(folder / "untagged 16 lzw.tif"), order, [cv2.IMWRITE_TIFF_COMPRESSION, 5])


def test_copies_of_one_picture_measure_alike(tmp_path: Path) -> None:
    write_copies(tmp_path)
    truth = patch_means(field())
    lab = linear_rgb_to_lab(truth)
    off = {}
    for path in sorted(tmp_path.iterdir()):
        photo = read_photo(ref(path))
        means = patch_means(to_linear(photo))
        assert photo.flags in (Flag.NONE, Flag.PROFILE_MISSING), path.name
        assert photo.pixels.dtype == (np.uint16 if " 1" in path.stem and "turned" not in path.stem else np.uint8)
        off[path.name] = np.abs(linear_rgb_to_lab(means)[..., 1] - lab[..., 1]).max()
        np.testing.assert_allclose(means, truth, rtol=0.02, atol=0.002, err_msg=path.name)
    assert len(off) == 64
    assert {name: round(float(value), 2) for name, value in off.items() if value > 0.3} == {}


# --- names, metadata, parts --------------------------------------------------------------------------------------


def test_reasons_hold_no_object_addresses(tmp_path: Path) -> None:
    path = write_png(tmp_path / "x.png", np.zeros((80, 80, 3), np.uint8))
    data = bytearray(path.read_bytes())
    data[16:24] = bytes(8)  # a size of 0 × 0
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    path.write_bytes(bytes(data))
    with pytest.raises(PhotoError) as caught:
        read_photo(ref(path))
    assert caught.value.code == "unreadable"
    assert " at 0x" not in caught.value.reason


def test_the_content_decides_and_a_wrong_name_is_flagged(tmp_path: Path) -> None:
    Image.fromarray(chart()).save(tmp_path / "really_jpeg.png", format="JPEG")
    pillow_heif.from_pillow(Image.fromarray(chart())).save(tmp_path / "really_heic.JPG")
    for name in ("really_jpeg.png", "really_heic.JPG"):
        photo = read_photo(ref(tmp_path / name))
        assert Flag.WRONG_EXTENSION in photo.flags and photo.pixels.shape == (120, 160, 3)
    Image.fromarray(chart()).save(tmp_path / "GOOD.JPEG")
    assert Flag.WRONG_EXTENSION not in read_photo(ref(tmp_path / "GOOD.JPEG")).flags


@pytest.mark.parametrize("name", ["mit Ümläut 😀.jpg", "-o.jpg", "a'b\"c.jpg", "two\nlines.jpg", "{0}%s<script>.jpg"])
def test_odd_names(tmp_path: Path, name: str) -> None:
    Image.fromarray(chart()).save(tmp_path / name)
    assert read_photo(ref(tmp_path / name)).pixels.shape == (120, 160, 3)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(PhotoError) as caught:
        read_photo(ref(tmp_path / name))
    assert caught.value.code == "empty_file" and "\n" not in str(caught.value)
    assert name.replace("\n", "?") in caught.value.reason


def test_metadata_has_the_camera_and_never_the_place(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0131] = "Maker\0rest", " Model 5\x07 ", "App 1.2"
    exif[0x010E], exif[0x013B], exif[0x9286] = "in the Rue Cler", "Jane Roe", b"secret"
    details = exif.get_ifd(0x8769)
    details.update({0x9003: "2026:03:14 15:30:05", 0x829A: 1 / 60, 0x829D: 1.8, 0x8827: 320, 0x9209: 25, 0xA403: 1})
    details.update({0x920A: 5.7, 0xA405: 26, 0xA431: "SERIAL-1", 0xA430: "Jane Roe"})
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 24.0), 29: "2026:03:14"})
    Image.fromarray(chart()).save(tmp_path / "a.jpg", exif=exif)
    metadata = read_photo(ref(tmp_path / "a.jpg")).metadata
    assert metadata == {
        "jpeg_quality": "75",
        "make": "Maker", "model": "Model 5", "software": "App 1.2", "taken_at": "2026-03-14T15:30:05",
        "exposure_time_s": "1/60", "f_number": "1.8", "iso": "320", "flash": "fired", "white_balance": "manual",
        "focal_length_mm": "5.7", "focal_length_35mm": "26",
    }  # fmt: skip
    header = read_header(tmp_path / "a.jpg")
    assert header.taken_at == datetime(2026, 3, 14, 15, 30, 5) and header.metadata == metadata and header.kind == "JPEG"


@pytest.mark.parametrize(
    "written", ["0000:00:00 00:00:00", "nonsense", "", "1980:01:01 00:00:00", "2026:13:40 25:61:00"]
)
def test_a_camera_without_a_clock_has_no_date(tmp_path: Path, written: str) -> None:
    exif = Image.Exif()
    exif[0x0132] = "2026:03:14 15:30:05"
    exif.get_ifd(0x8769)[0x9003] = written
    Image.fromarray(chart()).save(tmp_path / "a.jpg", exif=exif)
    assert read_header(tmp_path / "a.jpg").taken_at is None


def test_damaged_exif_costs_the_metadata_and_not_the_photo(tmp_path: Path) -> None:
    Image.fromarray(chart()).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\x00" + bytes(range(200)))
    photo = read_photo(ref(tmp_path / "a.jpg"))
    assert photo.pixels.shape == (120, 160, 3)


def test_a_region_is_the_same_part_of_the_whole(tmp_path: Path) -> None:
    for suffix, factor, dtype in (("8", 1, np.uint8), ("16", 257, np.uint16)):
        stored = chart().astype(dtype) * dtype(factor)
        photo = read_photo(
            ref(write_png(tmp_path / f"{suffix}.png", stored, matrix_profile(*SPACES["adobe rgb"][::2])))
        )
        part = to_linear(photo, rows=slice(17, 83), cols=slice(30, 161))
        assert part.shape == (66, 130, 3) and part.dtype == np.float32
        # OpenCV multiplies the last few px of a row otherwise than the rest: the last bit may differ.
        np.testing.assert_allclose(part, to_linear(photo)[17:83, 30:], rtol=1e-6, atol=1e-8)
        assert to_linear(photo, rows=slice(5, 5)).shape == (0, 160, 3)
        with pytest.raises(ValueError, match="read-only"):
            photo.pixels[0, 0] = 0


def test_a_small_copy_for_showing(tmp_path: Path) -> None:
    photo = read_photo(ref(write_png(tmp_path / "a.png", chart())))
    small = to_srgb8(photo, max_side=80)
    assert small.shape == (60, 80, 3) and small.dtype == np.uint8
    assert np.abs(patch_means(small.repeat(2, 0).repeat(2, 1).astype(float)) - SKIN_CHART).max() <= 1
    same = to_srgb8(photo, max_side=4000)
    assert same.shape == (120, 160, 3)
    same[:] = 0
    np.testing.assert_array_equal(photo.pixels, chart())


# --- what cannot be read -----------------------------------------------------------------------------------------


def code_of(path: Path) -> str:
    with pytest.raises(PhotoError) as caught:
        read_photo(ref(path))
    assert path.name in caught.value.reason and caught.value.remedy
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.code, again.reason) == (caught.value.code, caught.value.reason)
    return caught.value.code


def photo_like(height: int = 300, width: int = 400) -> np.ndarray:
    rng = np.random.default_rng(4)
    smooth = cv2.resize(
        rng.integers(40, 220, (9, 12, 3)).astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
    )
    return np.clip(smooth + rng.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)


def encoded(kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    if kind == "HEIC":
        pillow_heif.from_pillow(Image.fromarray(photo_like())).save(stream, quality=80)
    else:
        Image.fromarray(photo_like()).save(stream, kind, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def test_files_that_are_no_photos(tmp_path: Path) -> None:
    contents = {
        "text.jpg": b"Dear client,\n" * 50,
        "page.jpg": b"<html><script>alert(1)</script></html>",
        "doc.png": b"%PDF-1.7\n" + bytes(300),
        "film.jpg": b"\0\0\0\x20ftypmp42\0\0\0\0mp42isom" + bytes(300),
        "zeros.jpg": bytes(5000),
        "one.jpg": b"\xff",
        "bm.jpg": b"BMW is a car maker, not a bitmap",
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
        assert code_of(tmp_path / name) == "not_an_image", name
    (tmp_path / "folder.jpg").mkdir()
    assert code_of(tmp_path / "folder.jpg") == "not_an_image"


def test_missing_and_empty(tmp_path: Path) -> None:
    assert code_of(tmp_path / "gone.jpg") == "file_missing"
    (tmp_path / "file").write_bytes(b"x")
    assert code_of(tmp_path / "file" / "below.jpg") == "file_missing"
    (tmp_path / "empty.jpg").touch()
    assert code_of(tmp_path / "empty.jpg") == "empty_file"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert code_of(tmp_path / "pipe.jpg") == "not_an_image"


def test_closed_permissions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused by a stand-in, because the administrator may read everything."""
    Image.fromarray(chart()).save(tmp_path / "a.jpg")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ordinary, "open", refuse, raising=False)
    assert code_of(tmp_path / "a.jpg") == "permission_denied"


WHOLE = {
    "a.jpg": ("JPEG", {"quality": 90}),
    "progressive.jpg": ("JPEG", {"quality": 90, "progressive": True}),
    "a.png": ("PNG", {}),
    "a.tif": ("TIFF", {}),
    "lzw.tif": ("TIFF", {"compression": "tiff_lzw"}),
    "a.webp": ("WEBP", {}),
    "a.avif": ("AVIF", {}),
    "a.heic": ("HEIC", {}),
}


@pytest.mark.parametrize("name", WHOLE)
def test_truncated_files(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    kind, options = WHOLE[name]
    data = encoded(kind, **options)
    (tmp_path / name).write_bytes(data)
    assert read_photo(ref(tmp_path / name)).pixels.shape == (300, 400, 3)
    for share in (0.02, 0.3, 0.6, 0.95):
        (tmp_path / name).write_bytes(data[: int(len(data) * share)])
        assert code_of(tmp_path / name) == "truncated", share
    assert capfd.readouterr() == ("", "")


def test_16_bit_truncated(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    stored = photo_like().astype(np.uint16) * 257
    for suffix in (".png", ".tif"):
        data = cv2.imencode(suffix, stored)[1].tobytes()
        for share in (0.3, 0.9):
            (tmp_path / f"a{suffix}").write_bytes(data[: int(len(data) * share)])
            assert code_of(tmp_path / f"a{suffix}") == "truncated"
    assert capfd.readouterr() == ("", "")


def test_a_thumbnail_does_not_hide_that_the_photo_is_cut(tmp_path: Path) -> None:
    thumbnail = io.BytesIO()
    Image.fromarray(photo_like(60, 80)).save(thumbnail, "JPEG")
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    block = exif.tobytes() + thumbnail.getvalue()
    data = encoded("JPEG", exif=block)
    assert data.count(b"\xff\xd9") >= 2
    (tmp_path / "a.jpg").write_bytes(data)
    assert read_photo(ref(tmp_path / "a.jpg")).pixels.shape == (300, 400, 3)
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2])
    assert code_of(tmp_path / "a.jpg") == "truncated"


@pytest.mark.parametrize("trailer", [bytes(4096), b"SEFT" * 64, b"\xff\xd8\xff\xe1\0\x10half a second picture"])
def test_what_follows_the_end_marker_does_not_matter(tmp_path: Path, trailer: bytes) -> None:
    data = encoded("JPEG")
    (tmp_path / "a.jpg").write_bytes(data)
    (tmp_path / "b.jpg").write_bytes(data + trailer)
    np.testing.assert_array_equal(
        read_photo(ref(tmp_path / "b.jpg")).pixels, read_photo(ref(tmp_path / "a.jpg")).pixels
    )


def test_padding_before_the_end_marker_is_harmless(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = encoded("JPEG")
    (tmp_path / "a.jpg").write_bytes(data[:-2] + bytes(40) + data[-2:])
    assert read_photo(ref(tmp_path / "a.jpg")).pixels.shape == (300, 400, 3)
    assert capfd.readouterr() == ("", "")


def test_corrupt_jpegs_are_refused_and_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = encoded("JPEG", quality=92)
    middle = len(data) // 2
    cases = {
        "piece missing": data[:middle] + data[middle + 4096 :],
        "end pasted on": data[:middle] + b"\xff\xd9",
        "zeros": data[:middle] + bytes(4096) + data[middle + 4096 :],
        "noise": data[:middle]
        + np.random.default_rng(6).integers(0, 255, 4096, dtype=np.uint8).tobytes()
        + data[middle + 4096 :],
    }
    for case, bad in cases.items():
        (tmp_path / "a.jpg").write_bytes(bad)
        assert code_of(tmp_path / "a.jpg") in ("truncated", "unreadable"), case
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", WHOLE)
def test_damage_anywhere_gives_a_photo_or_a_photo_error(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    kind, options = WHOLE[name]
    data = np.frombuffer(encoded(kind, **options), dtype=np.uint8)
    rng = np.random.default_rng(7)
    for _ in range(25):
        bad = data.copy()
        at = rng.integers(0, min(len(bad), rng.choice([200, len(bad)])), 12)
        bad[at] = rng.integers(0, 256, 12)
        (tmp_path / name).write_bytes(bad.tobytes())
        try:
            photo = read_photo(ref(tmp_path / name))
        except PhotoError as error:
            assert error.remedy
        else:
            assert photo.pixels.ndim == 3 and np.isfinite(to_linear(photo)).all()
    assert capfd.readouterr().err == ""


def test_other_peoples_words_on_stderr_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(chart()).save(tmp_path / "a.jpg")
    decode = cv2.imdecode

    def decode_beside_a_thread(*arguments: object) -> object:
        os.write(2, b"a word from another thread\n")
        return decode(*arguments)  # type: ignore[call-overload]

    heard = io.StringIO()
    monkeypatch.setattr(sys, "stderr", heard)
    monkeypatch.setattr(cv2, "imdecode", decode_beside_a_thread)
    read_photo(ref(tmp_path / "a.jpg"))
    assert heard.getvalue() == "a word from another thread\n"


def bomb(kind: str) -> bytes:
    """A small file that claims 20001 × 10001 pixels."""
    width, height = 20001, 10001
    if kind == "PNG":
        head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        return b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"IDAT", zlib.compress(bytes(10**6))) + png_chunk(b"IEND", b"")
    if kind == "GIF":
        return (
            b"GIF89a"
            + struct.pack("<HHBBB", width, height, 0, 0, 0)
            + b","
            + bytes(4)
            + struct.pack("<HHB", width, height, 0)
            + b"\2\2D\1\0;"
        )
    if kind == "BMP":
        return b"BM" + struct.pack("<IHHIIiiHH", 54, 0, 0, 54, 40, width, height, 1, 24) + bytes(24)
    if kind == "TIFF":
        entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
                   (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, 16)]  # fmt: skip
        return b"II*\0" + struct.pack("<IH", 8, 9) + b"".join(struct.pack("<HHII", *e) for e in entries) + bytes(4)
    if kind == "WEBP":
        data = encoded("WEBP")
        at = data.index(b"\x9d\x01\x2a") + 3
        return data[:at] + struct.pack("<HH", 16383, 16383) + data[at + 4 :]
    data = encoded("JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP"])
def test_bombs_are_refused_by_their_header(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"bomb.{kind.lower()}"
    path.write_bytes(bomb(kind))

    def explode(*_: object, **__: object) -> None:
        raise AssertionError("the bomb was decoded")

    monkeypatch.setattr("skinprogress.photos.files.decode_upright", explode)
    limit = Image.MAX_IMAGE_PIXELS
    assert code_of(path) == "too_large"
    assert limit == Image.MAX_IMAGE_PIXELS


def test_just_under_the_limit_is_opened_without_pillows_warning(tmp_path: Path) -> None:
    data = encoded("JPEG")
    at = data.index(b"\xff\xc0") + 5
    (tmp_path / "a.jpg").write_bytes(data[:at] + struct.pack(">HH", 10000, 19999) + data[at + 4 :])
    assert read_header(tmp_path / "a.jpg").width_px == 19999


def test_too_small(tmp_path: Path) -> None:
    Image.fromarray(chart()[:63]).save(tmp_path / "thumb.jpg")
    assert code_of(tmp_path / "thumb.jpg") == "too_small"
    Image.fromarray(chart()[:64, :64]).save(tmp_path / "enough.jpg")
    assert read_photo(ref(tmp_path / "enough.jpg")).pixels.shape == (64, 64, 3)


def test_raw_and_float_files_are_not_taken_for_photos(tmp_path: Path) -> None:
    image = Image.fromarray(chart())
    image.save(tmp_path / "a.dng", format="TIFF", tiffinfo={50706: b"\1\4\0\0"})
    Image.fromarray(np.ones((80, 90), np.float32)).save(tmp_path / "float.tif")
    assert code_of(tmp_path / "a.dng") == code_of(tmp_path / "float.tif") == "unsupported"


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from Linux")
def test_a_12_megapixel_jpeg_takes_little_memory(tmp_path: Path) -> None:
    Image.fromarray(photo_like(4000, 3000)).save(tmp_path / "a.jpg", quality=85, exif=oriented(6).tobytes())
    Image.fromarray(photo_like()).save(tmp_path / "warm.jpg")
    script = f"""
import resource
from pathlib import Path
from skinprogress.records import PhotoRef
from skinprogress.photos.reading import read_photo
def read(name):
    return read_photo(PhotoRef(path=Path({str(tmp_path)!r}) / name, file=name, client="c", session="s"))
read("warm.jpg")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
photo = read("a.jpg")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / photo.pixels.nbytes)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    # The pixels, their turned copy for a moment, and the file itself.
    assert float(run.stdout) < 2.8


@pytest.mark.skipif("SKINPROGRESS_PHOTOS" not in os.environ, reason="SKINPROGRESS_PHOTOS names no folder of photos")
def test_real_photos() -> None:
    paths = sorted(Path(os.environ["SKINPROGRESS_PHOTOS"]).rglob("*.jpg"))[:20]
    assert paths
    for path in paths:
        photo = read_photo(ref(path))
        header = read_header(path)
        assert photo.pixels.shape == (header.height_px, header.width_px, 3)


def test_a_big_tiff_is_read(tmp_path: Path) -> None:
    Image.fromarray(chart()).save(tmp_path / "a.tif", big_tiff=True)
    np.testing.assert_array_equal(read_photo(ref(tmp_path / "a.tif")).pixels, chart())


@pytest.mark.parametrize("quality", [30, 50, 75, 95])
def test_the_quality_of_a_jpeg_is_what_it_was_written_with(tmp_path: Path, quality: int) -> None:
    Image.fromarray(chart()).save(tmp_path / "a.jpg", quality=quality)
    Image.fromarray(chart()).save(tmp_path / "a.png")
    assert float(read_photo(ref(tmp_path / "a.jpg")).metadata["jpeg_quality"]) == pytest.approx(quality, abs=1.0)
    assert "jpeg_quality" not in read_photo(ref(tmp_path / "a.png")).metadata
