"""Kinds of picture: which one a file is, and what its header says."""

from dataclasses import dataclass
from typing import Any

SUFFIXES: dict[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "HEIC": (".heic", ".heif", ".hif"),
    "AVIF": (".avif",),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "RAW": (
        *(".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".srf", ".srw", ".raf", ".orf", ".rw2"),
        *(
            ".rwl",
            ".raw",
            ".pef",
            ".3fr",
            ".fff",
            ".iiq",
            ".mos",
            ".mef",
            ".mrw",
            ".erf",
            ".kdc",
            ".dcr",
            ".gpr",
            ".x3f",
        ),
    ),
}
"""Kinds of picture that can be read, with the endings that their names have; ``RAW`` with the package rawpy."""

_RAW_STARTS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"\0MRM", b"FOVb", b"II\x1a\0\0\0HEAPCCDR")


class DamagedError(ValueError):
    """The picture's data are wrong."""


class IncompleteError(DamagedError):
    """Part of the picture's data is missing."""


class UnsupportedError(ValueError):
    """A sound file of a sort that is not read; the message says which."""


class RawNotReadError(UnsupportedError):
    """A camera RAW file, and the package that reads those is not installed."""


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A picture whose header has been read and whose pixels have not.

    Attributes
    ----------
    kind : str
        One of :data:`SUFFIXES`.
    height_px, width_px : int
        Upright.
    orientation : int
        EXIF orientation that decoding does not undo by itself.
    bits : int
        8 or 16 per channel, as decoded.
    mode : str
        Pillow's mode.
    icc : bytes or None
    cicp : (int, int) or None
        Code points of primaries and transfer.
    says_srgb : bool
        The format's own mark for sRGB is there.
    handle : object
        Pillow image, HEIF file or LibRaw's reader.
    xmp : bytes
        Adobe's metadata, as written.
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
    xmp: bytes = b""


def find_kind(head: bytes, *, suffix: str = "") -> str:
    """Kind of picture by its first 32 bytes, one of :data:`SUFFIXES`, or an empty string.

    Parameters
    ----------
    head : bytes
    suffix : str
        Of the name, in lower case with its dot. It matters for camera RAW alone: many begin like a TIFF, whose first
        page is then a thumbnail, and some like nothing else.

    Examples
    --------
    >>> find_kind(bytes.fromhex("ffd8ffe0"))
    'JPEG'
    >>> find_kind(b"II*\\0", suffix=".nef")
    'RAW'
    """
    kind = _kind_by_content(head)
    return "RAW" if kind in ("", "TIFF") and suffix in SUFFIXES["RAW"] else kind


def _kind_by_content(head: bytes) -> str:
    for kind, magic in (("JPEG", b"\xff\xd8\xff"), ("PNG", b"\x89PNG\r\n\x1a\n"), ("GIF", b"GIF8")):
        if head.startswith(magic):
            return kind
    if head.startswith(_RAW_STARTS) or head[4:12] == b"ftypcrx ":
        return "RAW"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "RAW" if head[8:10] == b"CR" else "TIFF"
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
