"""Small sound files of every kind that is read, for the fuzzer to damage."""

import io
import struct
import zlib
from collections.abc import Iterator
from datetime import datetime

import cv2
import numpy as np
import pillow_heif
from PIL import Image, ImageCms

COURSE = """# a clinic's note
[client]
label = "A-0042"
[course]
planned = 3
aim = ["texture", "acne scars"]
[[treatments]]
at = 2026-03-14T15:30
kind = "microneedling"
number = 2
depth_mm = {forehead = 1.0, cheeks = 1.5}
areas = ["cheeks"]
products = ["vitamin C"]
[consent]
publish = true
scope = ["website"]
given = 2026-03-01
until = 2028-03-01
[photos."IMG_0412.jpg"]
at = 2026-03-14 15:45
view = "left_oblique"
stage = "directly after"
mirrored = true
patch = [10, 20, 40, 40]
points = [[310, 900], [1260, 905]]
[[marks]]
name = "scar"
photo = "IMG_0412.jpg"
circle = [500, 600, 40]
"""
"""A course file that uses nearly everything."""


SHEET = '''client;label;planned;aim;at;kind;number;depth_mm;areas;products;publish;scope;given;until
2026/Anna;A-0042;3;texture, scars;2026-03-14 15:30;;1;forehead 1.0, cheeks 1.5;cheeks;;yes;website;2026-03-01;
2026/Anna;;;;14.04.2026;microneedling;2;1,5;;vitamin C;;;;
Béa;"B ""2""";;;2026-03-14;dermaroller;;0.5;;;no;;;
'''
"""Courses of two clients."""


def build_sheets() -> list[bytes]:
    """The same courses as text and as a workbook."""
    import openpyxl

    book, stream = openpyxl.Workbook(), io.BytesIO()
    for line in SHEET.splitlines():
        book.active.append([float(cell) if cell.isdigit() else cell or None for cell in line.split(";")])
    book.active["E2"] = datetime(2026, 3, 14, 15, 30)
    book.active["C4"] = "=1+2"
    book.save(stream)
    return [SHEET.encode(), ("\ufeff" + SHEET.replace(";", "\t")).encode("utf-16"), stream.getvalue()]


def build_pictures() -> dict[str, list[bytes]]:
    """Sound pictures by the suffix of their name, 64 to 80 px wide."""
    seeds: dict[str, list[bytes]] = {}
    for suffix, data in (*_jpegs(), *_pngs(), *_tiffs(), *_others()):
        seeds.setdefault(suffix, []).append(data)
    return seeds


def _picture(channels: int = 3, levels: int = 256) -> np.ndarray:
    y, x = np.mgrid[0:64, 0:72]
    planes = [(x + y * (c + 1)) % 97 / 97 for c in range(channels)]
    return (np.stack(planes, axis=2) * (levels - 1)).astype(np.uint8 if levels == 256 else np.uint16)


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Maker", "Camera 7", 6
    details = exif.get_ifd(0x8769)
    details[0x9003], details[0x829A], details[0x9286] = "2026:03:14 15:30:05", (1, 60), b"ASCII\0\0\0a comment"
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 1.0)
    return exif.tobytes()


def _profile() -> bytes:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Without the time at which it was made, so that a seed gives the same inputs again.
    return icc[:24] + bytes(12) + icc[36:]


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _jpegs() -> Iterator[tuple[str, bytes]]:
    image, icc = Image.fromarray(_picture()), _profile()
    yield ".jpg", _saved(image, "JPEG", quality=60, exif=_exif(), icc_profile=icc, xmp=b"<x:xmpmeta/>")
    yield ".jpg", _saved(image, "JPEG", quality=40, progressive=True)
    yield ".jpg", _saved(image, "JPEG", quality=40, restart_marker_rows=1)
    yield ".jpg", _saved(image.convert("L"), "JPEG", quality=40)
    yield ".jpg", _saved(image.convert("CMYK"), "JPEG", quality=40)
    yield ".jpg", _saved(image, "MPO", quality=30, save_all=True, append_images=[image])


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _pngs() -> Iterator[tuple[str, bytes]]:
    image, icc = Image.fromarray(_picture()), _profile()
    plain = _saved(image, "PNG", exif=_exif(), icc_profile=icc)
    yield ".png", plain
    yield ".png", plain[:33] + _chunk(b"cICP", bytes((12, 13, 0, 1))) + plain[33:]
    yield ".png", plain[:33] + _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"word " * 99)) + plain[33:]
    yield ".png", _saved(image.quantize(16), "PNG", transparency=3)
    yield ".png", _saved(Image.fromarray(_picture(4)), "PNG")
    yield ".png", _saved(image, "PNG", save_all=True, append_images=[image.rotate(90, expand=False)])
    yield ".png", cv2.imencode(".png", _picture(3, 65536))[1].tobytes()
    yield ".png", cv2.imencode(".png", _picture(1, 65536)[..., 0])[1].tobytes()
    # Interlaced, which neither library writes: all seven passes, every row with its filter byte.
    rows = b""
    for x, y, dx, dy in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        rows += b"".join(b"\0" + row.tobytes() for row in _picture()[y::dy, x::dx])
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", 72, 64, 8, 2, 0, 0, 1))
    yield ".png", b"\x89PNG\r\n\x1a\n" + head + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _tiffs() -> Iterator[tuple[str, bytes]]:
    image = Image.fromarray(_picture())
    yield ".tif", _saved(image, "TIFF", exif=_exif())
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "zstd"):
        yield ".tif", _saved(image, "TIFF", compression=compression)
    yield ".tif", _saved(image.convert("1"), "TIFF", compression="group4")
    yield ".tif", _saved(image, "TIFF", big_tiff=True)
    yield ".tif", _saved(image.convert("CMYK"), "TIFF", save_all=True, append_images=[image])
    yield ".tif", cv2.imencode(".tif", _picture(3, 65536))[1].tobytes()
    yield ".tif", _tiled()


def _tiled() -> bytes:
    """A big-endian TIFF of 16 tiles of 32 × 16 px, the directory first."""
    tile = _picture()[:16, :32].tobytes()
    entries = [
        (256, 4, 64),
        (257, 4, 128),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 2),
        (277, 3, 3),
        (322, 4, 32),
        (323, 4, 16),
    ]
    at = 8 + 2 + 12 * 10 + 4
    table = b"".join(
        struct.pack(">HHI", tag, kind, 1) + (struct.pack(">HH", value, 0) if kind == 3 else struct.pack(">I", value))
        for tag, kind, value in entries
    )
    table += struct.pack(">HHII", 324, 4, 16, at) + struct.pack(">HHII", 325, 4, 16, at + 64)
    offsets = struct.pack(">16I", *(at + 128 + n * len(tile) for n in range(16)))
    sizes = struct.pack(">16I", *[len(tile)] * 16)
    return b"MM\0*" + struct.pack(">IH", 8, 10) + table + bytes(4) + offsets + sizes + tile * 16


def _others() -> Iterator[tuple[str, bytes]]:
    image, clear = Image.fromarray(_picture()), Image.fromarray(_picture(4))
    icc = _profile()
    yield ".webp", _saved(image, "WEBP", quality=30, exif=_exif(), icc_profile=icc)
    yield ".webp", _saved(clear, "WEBP", lossless=True)
    yield ".webp", _saved(image, "WEBP", save_all=True, append_images=[image.rotate(180)], quality=10)
    yield ".gif", _saved(image.quantize(16), "GIF")
    yield ".gif", _saved(image.quantize(8), "GIF", save_all=True, append_images=[image.rotate(180).quantize(8)])
    yield ".bmp", _saved(image, "BMP")
    yield ".bmp", _saved(image.quantize(16), "BMP")
    yield ".avif", _saved(image, "AVIF", quality=20, speed=10, exif=_exif(), icc_profile=icc)
    yield ".avif", _saved(clear, "AVIF", quality=10, speed=10)
    heif = pillow_heif.from_pillow(image)
    for options in ({"exif": _exif(), "icc_profile": icc}, {"xmp": b"<x:xmpmeta/>", "chroma": 444}):
        stream = io.BytesIO()
        heif.save(stream, quality=20, **options)
        yield ".heic", stream.getvalue()
    deep = pillow_heif.from_bytes(mode="RGB;16", size=(72, 64), data=_picture(3, 65536).tobytes())
    stream = io.BytesIO()
    deep.save(stream, quality=20)
    yield ".heic", stream.getvalue()
    yield ".dng", _dng(grid=True)
    yield ".dng", _dng(grid=False)


def _dng(*, grid: bool) -> bytes:
    """What a sensor behind a grid of colours counts, or a program that has taken the grid away."""
    channels = 1 if grid else 3
    counts = (_picture(channels, 65536) // 4).astype("<u2")
    ones = [1, 0, 0, 0, 1, 0, 0, 0, 1]
    entries = [
        (254, 4, [0]), (256, 4, [72]), (257, 4, [64]), (258, 3, [16] * channels), (259, 3, [1]),
        (262, 3, [32803 if grid else 34892]), (273, 4, [0]), (274, 3, [1]), (277, 3, [channels]), (278, 4, [64]),
        (279, 4, [counts.nbytes]), *([(33421, 3, [2, 2]), (33422, 1, [0, 1, 1, 2])] if grid else []),
        (50706, 1, [1, 4, 0, 0]), (50717, 4, [16383] * channels), (50721, 10, ones), (50728, 5, [1, 1, 1]),
        (50778, 3, [21]),
    ]  # fmt: skip
    codes = {1: "B", 3: "H", 4: "I"}
    behind = 8 + 2 + 12 * len(entries) + 4

    def laid_out(pixels_at: int) -> bytes:
        table, body = b"", b""
        for tag, kind, values in entries:
            values = [pixels_at] if tag == 273 else values
            if kind in codes:
                raw = struct.pack(f"<{len(values)}{codes[kind]}", *values)
            else:
                raw = b"".join(struct.pack("<iI", value * 10**6, 10**6) for value in values)
            place = raw.ljust(4, b"\0")
            if len(raw) > 4:
                place = struct.pack("<I", behind + len(body))
                body += raw
            table += struct.pack("<HHI", tag, kind, len(values)) + place
        return b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + bytes(4) + body

    return laid_out(len(laid_out(0))) + counts.tobytes()
