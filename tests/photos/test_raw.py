"""Camera RAW: minimal DNG files made here, and files that are not what they claim."""

import io
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinprogress.color.spaces import LINEAR_SRGB_TO_XYZ, linear_rgb_to_lab, srgb_to_linear
from skinprogress.errors import NothingMeasuredError, PhotoError
from skinprogress.photos.folder import list_photos
from skinprogress.photos.formats import find_kind
from skinprogress.photos.raw import raw_is_readable
from skinprogress.photos.reading import read_header, read_photo, to_linear, to_srgb8
from skinprogress.records import Flag, PhotoRef
from skinprogress.settings import Settings

needs_rawpy = pytest.mark.skipif(not raw_is_readable(), reason="needs rawpy, the extra raw")

# XYZ to a camera's own colours, as ColorMatrix1 of a DNG has it, and what the camera sees of white.
TO_CAMERA = np.array([[0.9, -0.3, -0.1], [-0.4, 1.3, 0.12], [-0.05, 0.2, 0.6]]) @ LINEAR_SRGB_TO_XYZ
WHITE = TO_CAMERA.sum(axis=1)
BLACK, FULL = 512, 16000
COLORS = np.array(
    [
        [[224, 186, 164], [206, 150, 125], [182, 120, 98], [141, 85, 62]],
        [[98, 58, 44], [214, 120, 110], [190, 90, 90], [128, 128, 128]],
        [[240, 240, 240], [60, 60, 60], [120, 150, 190], [110, 140, 80]],
    ],
    dtype=np.uint8,
)
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


def chart(colors: np.ndarray | None = None) -> np.ndarray:
    """Linear sRGB (120, 160, 3): the colours in squares of 40 px."""
    colors = srgb_to_linear(COLORS) if colors is None else colors
    return colors.astype(float).repeat(40, axis=0).repeat(40, axis=1)


def patch_means(linear: np.ndarray) -> np.ndarray:
    return linear.reshape(3, 40, 4, 40, 3)[:, 8:-8, :, 8:-8].mean(axis=(1, 3))


def ref(path: Path, **fields: object) -> PhotoRef:
    return PhotoRef(path=path, file=path.name, client="c", session="s", **fields)  # type: ignore[arg-type]


def dng(
    linear: np.ndarray, *, orientation: int = 1, exposure: float = 1.0, cfa: bool = True, matrix: bool = True
) -> bytes:
    """A DNG, directory first: what a sensor behind a red, green, blue, green grid counts of a scene in linear sRGB."""
    camera = exposure * linear @ TO_CAMERA.T / WHITE.max()
    black = BLACK if cfa else 0  # as programs write pictures that are no longer a grid
    counts = np.clip(np.round(black + camera * (FULL - black)), 0, FULL).astype("<u2")
    height, width = counts.shape[:2]
    if cfa:
        grid = np.where(
            (np.arange(height) % 2)[:, None] + np.arange(width) % 2 == 1, 1, np.arange(height)[:, None] % 2 * 2
        )
        counts = np.take_along_axis(counts, grid[..., None], axis=2)
    rationals = [round(v * 10**6) for v in (TO_CAMERA @ np.linalg.inv(LINEAR_SRGB_TO_XYZ)).ravel()]
    neutral = [round(v * 10**6) for v in WHITE / WHITE.max()]
    channels = counts.shape[2]
    entries = [
        (254, "I", [0]), (256, "I", [width]), (257, "I", [height]), (258, "H", [16] * channels), (259, "H", [1]),
        (262, "H", [32803 if cfa else 34892]), (271, "s", b"Maker\0"), (272, "s", b"Camera 7\0"), (273, "I", [0]),
        (274, "H", [orientation]), (277, "H", [channels]), (278, "I", [height]), (279, "I", [counts.nbytes]),
        (305, "s", b"Ver.1.10\0"), (34665, "I", [0]), (50706, "B", [1, 4, 0, 0]), (50708, "s", b"Maker Camera 7\0"),
        (50714, "H", [black] * (1 if cfa else 3)), (50717, "I", [FULL] * (1 if cfa else 3)),
        (50728, "R", neutral), (50778, "H", [21]),
    ]  # fmt: skip
    entries += [(33421, "H", [2, 2]), (33422, "B", [0, 1, 1, 2])] if cfa else []
    entries += [(50721, "r", rationals)] if matrix else []
    details = [(36867, "s", b"2026:03:14 15:30:05\0"), (33437, "R", [2_800_000]), (34855, "H", [200])]
    # Once to learn the length, once with the true places of EXIF and pixels.
    first = directory(entries, at=8)
    exif_at = 8 + len(first)
    pixels_at = exif_at + len(directory(details, at=exif_at))
    places = {34665: [exif_at], 273: [pixels_at]}
    entries = [(tag, kind, places.get(tag, values)) for tag, kind, values in entries]
    head = b"II*\0" + struct.pack("<I", 8) + directory(entries, at=8)
    return head + directory(details, at=exif_at) + counts.tobytes()


def directory(entries: list, *, at: int) -> bytes:
    """A TIFF directory with its values behind it."""
    table, body = b"", b""
    codes = {"B": 1, "s": 2, "H": 3, "I": 4, "R": 5, "r": 10}
    behind = at + 2 + 12 * len(entries) + 4
    for tag, kind, values in sorted(entries, key=lambda entry: entry[0]):
        if kind in "Rr":
            raw = b"".join(struct.pack("<" + ("I" if kind == "R" else "i") * 2, v, 10**6) for v in values)
        else:
            raw = values if kind == "s" else struct.pack(f"<{len(values)}{kind}", *values)
        place = raw.ljust(4, b"\0")
        if len(raw) > 4:
            place = struct.pack("<I", behind + len(body))
            body += raw + bytes(-len(raw) % 4)
        table += struct.pack("<HHI", tag, codes[kind], len(values)) + place
    return struct.pack("<H", len(entries)) + table + bytes(4) + body


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def code_of(path: Path) -> str:
    with pytest.raises(PhotoError) as caught:
        read_photo(ref(path))
    assert path.name in caught.value.reason and caught.value.remedy
    return caught.value.code


# --- pixels ------------------------------------------------------------------------------------------------------


@needs_rawpy
@pytest.mark.parametrize("cfa", [True, False])
def test_a_known_colour_comes_back(tmp_path: Path, cfa: bool) -> None:
    photo = read_photo(ref(write(tmp_path / "a.dng", dng(chart(), cfa=cfa))))
    assert photo.pixels.shape == (120, 160, 3) and photo.pixels.dtype == np.uint16
    assert photo.flags == Flag.NONE and photo.metadata["rendering"] == "linear"
    means, truth = patch_means(to_linear(photo)), srgb_to_linear(COLORS)
    np.testing.assert_allclose(means, truth, rtol=0.01)
    assert np.abs(linear_rgb_to_lab(means) - linear_rgb_to_lab(truth))[..., 1].max() < 0.3
    assert np.abs(to_srgb8(photo)[20::40, 20::40].astype(int) - COLORS).max() <= 1


@needs_rawpy
def test_the_matrix_is_that_of_libraw(tmp_path: Path) -> None:
    """LibRaw's own way to sRGB must give the same colours, as far as it does not clip them."""
    import rawpy

    path = write(tmp_path / "a.dng", dng(chart()))
    with rawpy.imread(str(path)) as raw:
        srgb = raw.postprocess(
            use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0, gamma=(1, 1), output_bps=16
        )
    np.testing.assert_allclose(np.clip(to_linear(read_photo(ref(path))), 0, 1), srgb / 65535, atol=3e-4)


@needs_rawpy
def test_brightness_does_not_hang_on_the_brightest_pixel(tmp_path: Path) -> None:
    scene = chart()
    lit = scene.copy()
    lit[:, 150:] = 0.9
    plain, with_lamp = (
        to_linear(read_photo(ref(write(tmp_path / f"{i}.dng", dng(s, exposure=0.7)))))
        for i, s in enumerate((scene, lit))
    )
    np.testing.assert_allclose(with_lamp[:100, :100], plain[:100, :100], rtol=1e-4)
    np.testing.assert_allclose(patch_means(plain), 0.7 * srgb_to_linear(COLORS), rtol=0.02)


@needs_rawpy
def test_where_the_sensor_is_full_the_stored_value_is(tmp_path: Path) -> None:
    photo = read_photo(ref(write(tmp_path / "a.dng", dng(chart(), exposure=2.5))))
    full = (2.5 * srgb_to_linear(COLORS) @ TO_CAMERA.T / WHITE) > 1.02
    stored = patch_means(photo.pixels.astype(float))
    assert full.any() and not full.all()
    assert (stored[full] > 65400).all(), "clipped highlights must be found, and not be filled in"
    assert (stored[~full] < 65000).all()


@needs_rawpy
def test_colours_outside_srgb_are_not_clipped(tmp_path: Path) -> None:
    colors = np.full((3, 4, 3), 0.2)
    colors[1, 1] = (-0.03, 0.25, 0.33)  # the cyan of a colour card
    photo = read_photo(ref(write(tmp_path / "a.dng", dng(chart(colors)))))
    np.testing.assert_allclose(patch_means(to_linear(photo))[1, 1], colors[1, 1], atol=2e-3)


@needs_rawpy
@pytest.mark.parametrize("orientation", STORED_AS)
def test_every_orientation_is_undone_once(tmp_path: Path, orientation: int) -> None:
    stored = np.ascontiguousarray(STORED_AS[orientation](chart()))
    path = write(tmp_path / "a.dng", dng(stored, orientation=orientation))
    photo, header = read_photo(ref(path)), read_header(path)
    assert photo.pixels.shape == (120, 160, 3) == (header.height_px, header.width_px, 3)
    np.testing.assert_allclose(patch_means(to_linear(photo)), srgb_to_linear(COLORS), rtol=0.01)


@needs_rawpy
def test_an_unknown_camera_is_flagged(tmp_path: Path) -> None:
    photo = read_photo(ref(write(tmp_path / "a.dng", dng(chart(), matrix=False))))
    assert photo.flags == Flag.PROFILE_UNREADABLE
    grey = patch_means(to_linear(photo))[1, 3]
    np.testing.assert_allclose(grey, srgb_to_linear(COLORS)[1, 3], rtol=0.01)


# --- what the file says ------------------------------------------------------------------------------------------


@needs_rawpy
def test_metadata(tmp_path: Path) -> None:
    header = read_header(write(tmp_path / "a.dng", dng(chart())))
    assert header.kind == "RAW"
    assert header.metadata == {
        "make": "Maker", "model": "Camera 7", "software": "Ver.1.10", "taken_at": "2026-03-14T15:30:05",
        "f_number": "2.8", "iso": "200", "rendering": "linear",
    }  # fmt: skip


def test_metadata_in_other_containers() -> None:
    from skinprogress.photos.exif import read_metadata
    from skinprogress.photos.raw import _read_exif

    maker, details = [(271, "s", b"Maker\0")], [(34855, "H", [200])]
    tiff = b"II*\0\x08\0\0\0"
    boxes = b"".join(
        struct.pack(">I", 8 + len(tiff) + len(body)) + name + tiff + body
        for name, body in ((b"CMT1", directory(maker, at=8)), (b"CMT2", directory(details, at=8)))
    )
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x8827] = 200
    files = {
        "cr3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(40) + boxes,
        "raf": b"FUJIFILMCCD-RAW 0201" + bytes(100) + exif.tobytes() + bytes(100),
        "orf": b"IIRO" + (tiff + directory([*maker, (34855, "H", [200])], at=8))[4:],
    }
    assert read_metadata(_read_exif(files["cr3"])) == read_metadata(_read_exif(files["raf"]))
    assert read_metadata(_read_exif(files["raf"])) == {"make": "Maker", "iso": "200"}
    assert read_metadata(_read_exif(files["orf"]))["make"] == "Maker"
    assert read_metadata(_read_exif(files["cr3"][:90])) == {}


# --- what is not right -------------------------------------------------------------------------------------------


@needs_rawpy
@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.999])
def test_truncated(tmp_path: Path, share: float, capfd: pytest.CaptureFixture[str]) -> None:
    data = dng(chart())
    assert code_of(write(tmp_path / "a.dng", data[: max(int(len(data) * share), 20)])) == "truncated"
    assert capfd.readouterr() == ("", "")


@needs_rawpy
def test_damage_gives_a_photo_or_a_photo_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = np.frombuffer(dng(chart()), dtype=np.uint8)
    rng = np.random.default_rng(7)
    for _ in range(60):
        bad = data.copy()
        bad[rng.integers(0, 900, 6)] = rng.integers(0, 256, 6)
        try:
            photo = read_photo(ref(write(tmp_path / "a.dng", bad.tobytes())))
        except PhotoError as error:
            assert error.remedy
        else:
            assert np.isfinite(to_linear(photo)).all()
    assert capfd.readouterr().err == ""


@needs_rawpy
def test_the_content_decides(tmp_path: Path) -> None:
    for name in ("a.tif", "a.jpg"):
        photo = read_photo(ref(write(tmp_path / name, dng(chart()))))
        assert photo.flags == Flag.WRONG_EXTENSION and photo.metadata["rendering"] == "linear", name
    stream = io.BytesIO()
    Image.fromarray(COLORS.repeat(40, 0).repeat(40, 1)).save(stream, "JPEG")
    assert Flag.WRONG_EXTENSION in read_photo(ref(write(tmp_path / "jpeg.dng", stream.getvalue()))).flags
    for name, data in {"text.cr2": b"Dear client,\n" * 50, "plain.nef": b"II*\0" + bytes(500)}.items():
        assert code_of(write(tmp_path / name, data)) in ("unsupported", "truncated"), name


@needs_rawpy
def test_size_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert code_of(write(tmp_path / "small.dng", dng(chart()[:60]))) == "too_small"
    monkeypatch.setattr("skinprogress.photos.files.MAX_MEGAPIXELS", 0.01)
    assert code_of(write(tmp_path / "large.dng", dng(chart()))) == "too_large"


def test_kinds_by_their_first_bytes() -> None:
    starts = {
        b"II*\0\x10\0\0\0CR\x02\0": "RAW", b"\0\0\0\x18ftypcrx \0\0\0\1": "RAW", b"FUJIFILMCCD-RAW 0201": "RAW",
        b"IIRO\x08\0\0\0": "RAW", b"IIU\0\x18\0\0\0": "RAW", b"II*\0\x08\0\0\0": "TIFF", b"\0\0\0\x20ftypmp42": "",
    }  # fmt: skip
    assert {head: find_kind(head.ljust(32, b"\0")) for head in starts} == starts
    assert find_kind(b"II*\0".ljust(32, b"\0"), suffix=".arw") == "RAW"
    assert find_kind(b"\xff\xd8\xff\xe0", suffix=".arw") == "JPEG"


def test_without_rawpy_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(PhotoError) as caught:
        read_photo(ref(write(tmp_path / "a.dng", dng(chart()))))
    assert caught.value.code == "raw_not_supported"
    assert "skinprogress[raw]" in caught.value.remedy and "TIFF" in caught.value.remedy


def test_rawpy_is_loaded_for_raw_files_alone(tmp_path: Path) -> None:
    Image.fromarray(COLORS.repeat(40, 0).repeat(40, 1)).save(tmp_path / "a.tif")
    script = f"""
import sys
from pathlib import Path
from skinprogress.photos.folder import list_photos
from skinprogress.photos.reading import read_photo
from skinprogress.settings import Settings
read_photo(list_photos(Path({str(tmp_path)!r}), settings=Settings()).photos[0])
assert "rawpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)


# --- a RAW beside the camera's JPEG ------------------------------------------------------------------------------


def fill(folder: Path, *names: str) -> None:
    for i, name in enumerate(names):
        if name.endswith(".dng"):
            write(folder / name, dng(chart() * (1 - 0.1 * i)))
        else:
            Image.fromarray(np.full((80, 100, 3), 40 + 20 * i, np.uint8)).save(folder / name)


def listed(folder: Path) -> tuple[set[str], dict[str, str], tuple[str, ...]]:
    found = list_photos(folder, settings=Settings())
    return {photo.file for photo in found.photos}, dict(found.skipped), found.notes


@needs_rawpy
def test_raws_are_used_where_every_photo_has_one(tmp_path: Path) -> None:
    fill(tmp_path, "a.dng", "a.jpg", "b.dng", "b.jpg", "b-edited.jpg", "c.dng")
    photos, skipped, notes = listed(tmp_path)
    assert photos == {"a.dng", "b.dng", "c.dng"}
    assert "finished picture of a.dng" in skipped["a.jpg"] and "edited" in skipped["b-edited.jpg"]
    assert not any("RAW" in note for note in notes)


@needs_rawpy
def test_one_photo_without_a_raw_keeps_all_to_the_finished_pictures(tmp_path: Path) -> None:
    fill(tmp_path, "a.dng", "a.jpg", "b.jpg")
    photos, skipped, notes = listed(tmp_path)
    assert photos == {"a.jpg", "b.jpg"} and "RAW of a.jpg" in skipped["a.dng"]
    assert not any("RAW" in note for note in notes)
    fill(tmp_path, "a.dng", "c.dng")
    photos, _, notes = listed(tmp_path)
    assert photos == {"a.jpg", "b.jpg", "c.dng"}
    assert any("1 of 3 photos are camera RAW" in note for note in notes)


def test_without_rawpy_the_jpeg_beside_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skinprogress.photos.scan.raw_is_readable", lambda: False)
    fill(tmp_path, "a.dng", "a.jpg", "b.dng")
    found = list_photos(tmp_path, settings=Settings())
    assert [photo.file for photo in found.photos] == ["a.jpg"]
    (rejection,) = found.rejected
    assert (rejection.file, rejection.code) == ("b.dng", "raw_not_supported") and "[raw]" in rejection.remedy
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(NothingMeasuredError, match="package that reads those"):
        list_photos(tmp_path, settings=Settings())
