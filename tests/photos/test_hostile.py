"""Files made to use up memory or time, and folders that change while they are read: the reader is not taken in."""

import io
import os
import struct
import subprocess
import sys
import zlib
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinprogress.errors import PhotoError
from skinprogress.photos.folder import list_folder
from skinprogress.photos.ordinary import open_ordinary
from skinprogress.photos.profiles import ProfileError, encoding_from_icc
from skinprogress.photos.reading import read_header, read_photo
from skinprogress.records import PhotoRef
from skinprogress.settings import Settings


def ref(path: Path) -> PhotoRef:
    return PhotoRef(path=path, file=path.name, client="c", session="s")


def code_of(path: Path) -> str:
    with pytest.raises(PhotoError) as caught:
        read_photo(ref(path))
    assert path.name in caught.value.reason and caught.value.remedy
    return caught.value.code


def chunk(kind: bytes, body: bytes, *, claimed: int | None = None) -> bytes:
    size = len(body) if claimed is None else claimed
    return struct.pack(">I", size) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes, bits: int = 8) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, bits, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks)


def pixels(bits: int = 8) -> bytes:
    return chunk(b"IDAT", zlib.compress((b"\0" + bytes(64 * 3 * bits // 8)) * 64))


def tiff(*entries: tuple[int, int, int, int], tail: bytes = b"") -> bytes:
    table = [(256, 4, 1, 64), (257, 4, 1, 64), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1), *entries]
    body = b"".join(struct.pack("<HHII", *entry) for entry in sorted(table))
    return b"II*\0" + struct.pack("<IH", 8, len(table)) + body + bytes(4) + tail


def progressive(passes: int) -> bytes:
    """A grey JPEG whose last pass over the picture stands there again and again."""
    stream = io.BytesIO()
    Image.new("L", (640, 640), 128).save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    last = data.rindex(b"\xff\xc4", 0, data.rindex(b"\xff\xda"))
    return data[:-2] + data[last:-2] * passes + b"\xff\xd9"


def profile(*, size: int, tags: list[tuple[bytes, int, int]]) -> bytes:
    icc = bytearray(size)
    icc[16:24], icc[36:40] = b"RGB XYZ ", b"acsp"
    table = b"".join(struct.pack(">4sII", *tag) for tag in tags)
    icc[128 : 132 + len(table)] = struct.pack(">I", len(tags)) + table
    return bytes(icc)


def test_a_jpeg_of_thousands_of_passes_is_refused_and_one_of_some_is_not(tmp_path: Path) -> None:
    (tmp_path / "bomb.jpg").write_bytes(progressive(65500))
    assert code_of(tmp_path / "bomb.jpg") == "unsupported"
    (tmp_path / "thorough.jpg").write_bytes(progressive(40))
    assert read_photo(ref(tmp_path / "thorough.jpg")).pixels.shape == (640, 640, 3)


@pytest.mark.parametrize("tags", [(324, 325), (273, 279)])
@pytest.mark.parametrize("claimed", [600_000, 1_000_000_000])
def test_a_tiff_of_a_billion_pieces_is_refused_unread(tmp_path: Path, tags: tuple[int, int], claimed: int) -> None:
    lists = [(tag, 4, claimed, 200) for tag in tags]
    (tmp_path / "a.tif").write_bytes(tiff(*lists, tail=bytes(2_500_000)))
    assert code_of(tmp_path / "a.tif") == "unsupported"


def small_files_that_claim_much() -> dict[str, bytes]:
    packed, end = zlib.compress(bytes(150_000_000), 1), chunk(b"IEND", b"")
    icc = profile(size=8_000_000, tags=[(b"t%03d" % n, 200, 7_999_000) for n in range(200)])
    places = (273, 4, 1, 200), (278, 4, 1, 64), (279, 4, 1, 4096)
    return {
        # Pictures of 16 bits a channel are read by another library than those of 8.
        "length of 2 GB.png": png(chunk(b"IDAT", bytes(99), claimed=2**31 + 99), end, bits=16),
        "2 GB behind the end.png": png(end, chunk(b"IDAT", bytes(99), claimed=2**32 - 99), bits=16),
        "end of 2 GB.png": png(chunk(b"IEND", b"", claimed=2**31), bits=16),
        "no pixels.png": png(end, bits=16),
        "text of 150 MB.png": png(chunk(b"zTXt", b"a\0\0" + packed), pixels(), end),
        "profile of 150 MB.png": png(chunk(b"iCCP", b"a\0\0" + packed), pixels(), end),
        "pixels of 150 MB.png": png(chunk(b"IDAT", packed), end),
        "one profile 200 times.tif": tiff(*places, (34675, 7, len(icc), 4300), tail=bytes(4300 - 134) + icc),
        "directory in a circle.tif": tiff((273, 4, 1, 8), (34665, 4, 1, 8), (34853, 4, 1, 8), (330, 4, 1, 8)),
    }


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from Linux")
def test_small_files_that_claim_much_take_little_memory(tmp_path: Path) -> None:
    for name, data in small_files_that_claim_much().items():
        (tmp_path / name).write_bytes(data)
    script = f"""
import resource, sys
from pathlib import Path
from skinprogress.errors import PhotoError
from skinprogress.records import PhotoRef
from skinprogress.photos.reading import read_header, read_photo
before = None
for path in [Path({str(tmp_path / "no pixels.png")!r}), *sorted(Path({str(tmp_path)!r}).iterdir())]:
    for read in (read_header, lambda p: read_photo(PhotoRef(path=p, file=p.name, client="c", session="s"))):
        try:
            read(path)
        except PhotoError:
            pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if before is not None and peak - before > 60:
        sys.exit(f"{{path.name}}: {{peak - before}} MB")
    before = peak
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


def test_a_tone_curve_of_millions_of_points_is_no_profile() -> None:
    at, points = 132 + 72, 1_000_000
    icc = bytearray(
        profile(
            size=at + 60 + 12 + 2 * points,
            tags=[(name, at + 20 * n, 20) for n, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))]
            + [(name, at + 60, 12 + 2 * points) for name in (b"rTRC", b"gTRC", b"bTRC")],
        )
    )
    for n in range(3):
        icc[at + 20 * n : at + 20 * n + 4] = b"XYZ "
    icc[at + 60 : at + 72] = b"curv\0\0\0\0" + struct.pack(">I", points)
    with pytest.raises(ProfileError, match="points"):
        encoding_from_icc(bytes(icc), levels=256)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
@pytest.mark.parametrize("becomes", ["gone", "folder", "pipe", "empty", "shorter", "longer", "other kind"])
def test_a_photo_that_changes_after_it_was_listed(tmp_path: Path, becomes: str) -> None:
    rng = np.random.default_rng(1)
    path = tmp_path / "2026-03-14.jpg"
    Image.fromarray(rng.integers(0, 255, (80, 80, 3), np.uint8)).save(path)
    (listed,) = list_folder(tmp_path, settings=Settings()).photos
    data = path.read_bytes()
    path.unlink()
    if becomes == "folder":
        path.mkdir()
    elif becomes == "pipe":
        os.mkfifo(path)
    elif becomes != "gone":
        written = {"empty": b"", "shorter": data[:-900], "longer": data + bytes(10**6), "other kind": b"a letter"}
        path.write_bytes(written[becomes])
    for read in (read_header, lambda _: read_photo(listed)):
        try:
            read(path)
        except PhotoError as error:
            assert error.remedy and error.code in (
                "file_missing", "not_an_image", "empty_file", "truncated", "changed", "file_changed"
            )  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_what_is_no_ordinary_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", Path(os.devnull)):
        with pytest.raises(OSError, match="no ordinary file"):
            open_ordinary(path)


def test_a_thousand_sessions_in_one_folder(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (64, 64)).save(stream, "JPEG")
    for n in range(1000):
        day = date(2020, 1, 1) + timedelta(days=n)
        (tmp_path / f"{day}.jpg").write_bytes(stream.getvalue() + str(n).encode())
    found = list_folder(tmp_path, settings=Settings())
    assert len(found.photos) == len({photo.session for photo in found.photos}) == 1000


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes, sockets and devices")
def test_what_is_no_file_is_left_aside_and_never_opened(tmp_path: Path) -> None:
    import socket

    Image.new("RGB", (64, 64)).save(tmp_path / "2026-03-14.jpg")
    (tmp_path / "null.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.jpg"))
        os.mkfifo(os.fsencode(tmp_path) + b"/\xff\xfe.jpg")
        for n in range(3):
            (tmp_path / f"loop {n}").mkdir()
            (tmp_path / f"loop {n}" / "in").symlink_to(tmp_path / f"loop {(n + 1) % 3}")
        found = list_folder(tmp_path, settings=Settings())
    assert [photo.file for photo in found.photos] == ["2026-03-14.jpg"] and not found.rejected
    skipped = dict(found.skipped)
    assert {name for name in skipped if name.endswith(".jpg")} == {"null.jpg", "socket.jpg", "\\udcff\\udcfe.jpg"}


def test_a_thousand_folders_of_sessions_are_not_looked_through_a_thousand_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (64, 64)).save(stream, "JPEG")
    for n in range(300):
        folder = tmp_path / str(date(2020, 1, 1) + timedelta(days=n))
        folder.mkdir()
        (folder / "a.jpg").write_bytes(stream.getvalue() + str(n).encode())
    listed: list[Path] = []
    names = os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: listed.append(Path(folder)) or names(folder))
    assert len(list_folder(tmp_path, settings=Settings()).photos) == 300
    assert listed.count(tmp_path) < 10
