"""Kinds of picture: which one a file is, what its header says, and whether all of the file is there."""

import struct
import warnings
from dataclasses import dataclass
from importlib import import_module
from typing import Any, BinaryIO

from skinprogress.photos.exif import read_orientation
from skinprogress.photos.quiet import LOCK, borrowed_pillow

SUFFIXES: dict[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "HEIC": (".heic", ".heif", ".hif"),
    "AVIF": (".avif",),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
}
"""Kinds of picture that can be read, with the endings that their names have."""

_PLUGINS = {"JPEG": "JpegImagePlugin", "PNG": "PngImagePlugin", "TIFF": "TiffImagePlugin", "WEBP": "WebPImagePlugin"}
_PLUGINS |= {"AVIF": "AvifImagePlugin", "GIF": "GifImagePlugin", "BMP": "BmpImagePlugin"}


class DamagedError(ValueError):
    """The picture's data are wrong."""


class IncompleteError(DamagedError):
    """Part of the picture's data is missing."""


class UnsupportedError(ValueError):
    """A sound file of a sort that is not read; the message says which."""


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A picture whose header has been read and whose pixels have not.

    Attributes
    ----------
    height_px, width_px : int
        Upright.
    orientation : int
        EXIF orientation that decoding does not undo by itself.
    bits : int
        8 or 16 per channel.
    mode : str
        Pillow's mode.
    icc : bytes or None
    cicp : (int, int) or None
        Code points of primaries and transfer.
    says_srgb : bool
        The format's own mark for sRGB is there.
    handle : object
        Pillow image or HEIF file.
    """

    kind: str
    height_px: int
    width_px: int
    orientation: int
    bits: int
    mode: str
    exif: Any
    icc: bytes | None
    cicp: tuple[int, int] | None
    says_srgb: bool
    handle: Any


def find_kind(head: bytes) -> str:
    """Kind of picture by its first 32 bytes, one of :data:`SUFFIXES`, or an empty string.

    Examples
    --------
    >>> find_kind(bytes.fromhex("ffd8ffe0"))
    'JPEG'
    """
    for kind, magic in (("JPEG", b"\xff\xd8\xff"), ("PNG", b"\x89PNG\r\n\x1a\n"), ("GIF", b"GIF8")):
        if head.startswith(magic):
            return kind
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        brands = {head[8:12], *(head[i : i + 4] for i in range(16, 32, 4))}
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        return "HEIC" if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"} else ""
    if head[:2] == b"BM" and len(head) >= 18 and head[14] in (12, 40, 52, 56, 64, 108, 124):
        return "BMP"
    return ""


def open_picture(stream: BinaryIO, kind: str, head: bytes) -> Opened:
    """Read the header of a picture, not its pixels.

    Parameters
    ----------
    stream : binary file
        Stays in use until the pixels have been decoded.
    kind : str
        From :func:`find_kind`.
    head : bytes
        The first 64 kB of the file or more.
    """
    if kind == "HEIC":
        return _open_heic(stream)
    with borrowed_pillow() as pillow:
        import_module(f"PIL.{_PLUGINS[kind]}")
        after_pixels = _find_png_exif(stream) if kind == "PNG" else None
        image = pillow.open(stream, formats=(kind,))
        if after_pixels is not None:
            image.info.setdefault("exif", after_pixels)
        # Not image.getexif(): a PNG's own version decodes the pixels, before their number has been checked.
        exif = pillow.Image.getexif(image)
    # Pillow and OpenCV both turn a TIFF upright by themselves, and its size is told upright.
    orientation = 1 if kind == "TIFF" else read_orientation(exif)
    width, height = image.size if orientation < 5 else image.size[::-1]
    bits = 8
    if kind == "PNG":
        bits = 16 if head[24] == 16 else 8
    elif kind == "TIFF":
        _refuse_raw(image, head)
        bits = 16 if set(image.tag_v2.get(258, (1,))) == {16} else 8
        if set(image.tag_v2.get(339, (1,))) != {1}:
            raise UnsupportedError("its numbers are not whole numbers")
    mark = {"PNG": b"cICP", "AVIF": b"colrnclx"}.get(kind)
    return Opened(
        kind=kind,
        height_px=height,
        width_px=width,
        orientation=orientation,
        bits=bits,
        mode=image.mode,
        exif=exif,
        icc=image.info.get("icc_profile") or None,
        cicp=_code_points(head, mark, wide=kind == "AVIF") if mark else None,
        says_srgb=kind == "PNG" and "srgb" in image.info,
        handle=image,
    )


def _open_heic(stream: BinaryIO) -> Opened:
    import pillow_heif
    from PIL import Image

    with LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        heif = pillow_heif.open_heif(stream)
        exif = Image.Exif()
        if heif.info.get("exif"):
            exif.load(heif.info["exif"])
    nclx = heif.info.get("nclx_profile")
    return Opened(
        kind="HEIC",
        height_px=heif.size[1],
        width_px=heif.size[0],
        # libheif turns the picture by the file's own transform; EXIF only repeats it and would turn it twice.
        orientation=1,
        bits=8,
        mode=heif.mode,
        exif=exif,
        icc=heif.info.get("icc_profile") or None,
        cicp=(int(nclx["color_primaries"]), int(nclx["transfer_characteristics"])) if nclx else None,
        says_srgb=False,
        handle=heif,
    )


def _find_png_exif(stream: BinaryIO) -> bytes | None:
    """EXIF of a PNG, which may stand before or after the pixels; the stream is left at its start."""
    found = None
    stream.seek(8)
    while len(head := stream.read(8)) == 8:
        size = int.from_bytes(head[:4], "big")
        if head[4:] == b"eXIf":
            found = stream.read(size)
            break
        stream.seek(size + 4, 1)
    stream.seek(0)
    return found


def _refuse_raw(image: Any, head: bytes) -> None:
    """Camera RAW files are TIFFs whose first page is often a thumbnail: never to be taken for the photo."""
    tags = image.tag_v2
    is_preview = bool(tags.get(254, 0) & 1) and 330 in tags
    if 50706 in tags or tags.get(262) in (32803, 34892) or is_preview or head[8:10] == b"CR":
        raise UnsupportedError("it is a camera RAW file")


def _code_points(head: bytes, mark: bytes, *, wide: bool) -> tuple[int, int] | None:
    at = head.find(mark) + len(mark)
    if at < len(mark) or at + 4 > len(head):
        return None
    primaries, transfer = struct.unpack_from(">HH" if wide else ">BB", head, at)
    return primaries, transfer


def is_incomplete(kind: str, data: bytes, opened: Opened | None) -> bool:
    """True where the file ends before its own structure says that it should; ``opened`` None: the header failed."""
    if kind == "JPEG":
        return find_jpeg_end(data) < 0
    if kind == "PNG":
        return b"IEND" not in data[-65536:] and b"IEND" not in data
    if kind == "WEBP":
        return len(data) < 12 or struct.unpack_from("<I", data, 4)[0] + 8 > len(data)
    if kind in ("HEIC", "AVIF"):
        return _boxes_overrun(data)
    if kind == "TIFF":
        return _tiff_directory_overruns(data) or (opened is not None and _tiff_strips_overrun(opened, data))
    return False


def find_jpeg_end(data: bytes) -> int:
    """Where the end marker of the main picture stands, or -1.

    The segments before the scan are skipped by their lengths, because a thumbnail in EXIF has an end marker too; what
    follows the end marker (a second picture, a maker's trailer) does not matter.
    """
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            # Junk between segments: leave the judgement to the decoder.
            return data.find(b"\xff\xd9", at)
        marker = data[at + 1]
        if marker == 0xDA:
            return data.find(b"\xff\xd9", at)
        if marker == 0xFF:
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return -1


def _boxes_overrun(data: bytes) -> bool:
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size == 0:
            return False
        at += max(size, 8)
    return at > len(data)


def _tiff_directory_overruns(data: bytes) -> bool:
    order = "<" if data[:2] == b"II" else ">"
    if len(data) < 8:
        return True
    if data[2:4] in (b"+\0", b"\0+"):
        return len(data) < 16 or struct.unpack_from(order + "Q", data, 8)[0] + 8 > len(data)
    (at,) = struct.unpack_from(order + "I", data, 4)
    if at + 2 > len(data):
        return True
    (entries,) = struct.unpack_from(order + "H", data, at)
    return bool(at + 2 + 12 * entries > len(data))


def _tiff_strips_overrun(opened: Opened, data: bytes) -> bool:
    tags = opened.handle.tag_v2
    for offsets, counts in ((273, 279), (324, 325)):
        ends = [at + size for at, size in zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False)]
        if ends and max(ends) > len(data):
            return True
    return False
