"""Reading the header of a picture, not its pixels."""

import struct
import warnings
from importlib import import_module
from typing import BinaryIO

from skinprogress.photos.exif import read_orientation
from skinprogress.photos.formats import Opened, UnsupportedError
from skinprogress.photos.quiet import LOCK, borrowed_pillow
from skinprogress.photos.raw import open_raw

_PLUGINS = {"JPEG": "JpegImagePlugin", "PNG": "PngImagePlugin", "TIFF": "TiffImagePlugin", "WEBP": "WebPImagePlugin"}
# Nobody cuts 200 megapixels into smaller tiles than 20 × 20.
_MOST_PIECES = 500_000
_PLUGINS |= {"AVIF": "AvifImagePlugin", "GIF": "GifImagePlugin", "BMP": "BmpImagePlugin"}


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

    Returns
    -------
    Opened
        Its kind is RAW where what looked like a TIFF is one.
    """
    if kind == "HEIC":
        return _open_heic(stream)
    if kind == "TIFF" and (pieces := _longest_list(stream)) > _MOST_PIECES:
        raise UnsupportedError(f"it is cut into {pieces} pieces")
    if kind == "RAW" or (kind == "TIFF" and _is_raw(stream)):
        return open_raw(stream)
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
        xmp=_as_bytes(image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")),
    )


def _open_heic(stream: BinaryIO) -> Opened:
    import pillow_heif
    from PIL import Image

    with LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        heif = pillow_heif.open_heif(stream, convert_hdr_to_8bit=False)
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
        # 10 and 12 bit come as 16.
        bits=16 if heif.mode.endswith(";16") else 8,
        mode=heif.mode,
        exif=exif,
        icc=heif.info.get("icc_profile") or None,
        cicp=(int(nclx["color_primaries"]), int(nclx["transfer_characteristics"])) if nclx else None,
        says_srgb=False,
        handle=heif,
        xmp=_as_bytes(heif.info.get("xmp")),
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


def _longest_list(stream: BinaryIO) -> int:
    """How many strips or tiles a TIFF's first directory lists, before anything reads them; the stream is rewound."""
    start = stream.read(16).ljust(16, b"\0")
    order, is_big = "<" if start[:2] == b"II" else ">", b"+" in start[2:4]
    place, number, form = ("Q", "Q", "HHQQ") if is_big else ("I", "H", "HHII")
    stream.seek(min(struct.unpack_from(order + place, start, 8 if is_big else 4)[0], 1 << 62))
    entries = int.from_bytes(stream.read(struct.calcsize(number)), "little" if order == "<" else "big")
    size = struct.calcsize(order + form)
    table = stream.read(size * min(entries, 65535))
    stream.seek(0)
    rows = struct.iter_unpack(order + form, table[: len(table) // size * size])
    return max((count for tag, _, count, _ in rows if tag in (273, 279, 324, 325)), default=0)


def _is_raw(stream: BinaryIO) -> bool:
    """True for a camera RAW file under a TIFF's name: its first page is often a thumbnail, never to be measured."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    with borrowed_pillow():
        start = stream.read(8)
        is_big = b"+" in start[2:4]
        tags = ImageFileDirectory_v2(start + (stream.read(8) if is_big else b""))
        stream.seek(tags.next)
        tags.load(stream)
        stream.seek(0)
    is_preview = bool(tags.get(254, 0) & 1) and 330 in tags
    return 50706 in tags or tags.get(262) in (32803, 34892) or is_preview


def _as_bytes(text: str | bytes | None) -> bytes:
    return text.encode("utf-8", "replace") if isinstance(text, str) else text or b""


def _code_points(head: bytes, mark: bytes, *, wide: bool) -> tuple[int, int] | None:
    at = head.find(mark) + len(mark)
    if at < len(mark) or at + 4 > len(head):
        return None
    primaries, transfer = struct.unpack_from(">HH" if wide else ">BB", head, at)
    return primaries, transfer
