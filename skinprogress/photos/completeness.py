"""Whether all of a picture file is there, by what its own structure says."""

import struct

from skinprogress.photos.formats import Opened


def is_incomplete(kind: str, data: bytes, opened: Opened | None) -> bool:
    """True where the file ends before its own structure says that it should; ``opened`` None: the header failed."""
    if kind == "JPEG":
        return find_jpeg_end(data) < 0
    if kind == "PNG":
        return find_png_end(data) < 0
    if kind == "WEBP":
        return len(data) < 12 or struct.unpack_from("<I", data, 4)[0] + 8 > len(data)
    if kind in ("HEIC", "AVIF") or (kind == "RAW" and data[4:8] == b"ftyp"):
        return _boxes_overrun(data)
    if kind == "RAW":
        # LibRaw tells by itself where pixels are missing, but takes a file without its directory for a stranger.
        return data[:4] in (b"II*\0", b"MM\0*") and _tiff_directory_overruns(data)
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


def count_jpeg_scans(data: bytes) -> int:
    """How many passes the main picture is made of; a thumbnail's are counted too.

    Each pass goes over the whole picture, however little it holds: a small file of thousands keeps a computer busy for
    hours.
    """
    return data.count(b"\xff\xda", 0, max(find_jpeg_end(data), 0))


def find_png_end(data: bytes) -> int:
    """Where a PNG's end chunk ends, or -1 where the file ends within a chunk or without it.

    Decoders set memory aside for whatever length a chunk claims, also of chunks behind the end.
    """
    at = 8
    while at + 12 <= len(data):
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        if kind == b"IEND":
            return end if end <= len(data) else -1
        at = end
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
