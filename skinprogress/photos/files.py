"""Files of photos: opened, checked for what would not end well, and decoded."""

import hashlib
import math
import os
import stat
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np

from skinprogress.photos.completeness import count_jpeg_scans, is_incomplete
from skinprogress.photos.decoding import Pixels, decode_by_pillow, decode_upright, load_pillow, turn_upright
from skinprogress.photos.exif import find_jpeg_quality, read_metadata
from skinprogress.photos.formats import IncompleteError, Opened, RawNotReadError, UnsupportedError, find_kind
from skinprogress.photos.opening import open_picture
from skinprogress.photos.ordinary import open_ordinary
from skinprogress.photos.profiles import Encoding, ProfileError, choose_encoding, convert_to_srgb8, srgb_encoding
from skinprogress.photos.reading_errors import MAX_MEGAPIXELS, MIN_SIDE_PX, photo_error, short_words
from skinprogress.records import Flag

HEAD_BYTES = 65536
# Cameras need 1, programs about 10, those that try everything some dozens.
_MOST_SCANS = 100
# Six photos of a phone.
_KEPT_BYTES = 300_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A decoded file, whatever is declared of it."""

    kind: str
    pixels: Pixels
    encoding: Encoding
    metadata: dict[str, str]
    flags: Flag


_kept: ContextVar[OrderedDict[tuple[Path, int, int], Decoded] | None] = ContextVar("_kept", default=None)


@contextmanager
def keep_photos() -> Iterator[None]:
    """Decode a photo that is read several times within the block only once, as long as all of them take little memory.

    For work on a few photos, which is quick but for the decoding; whole courses are read photo by photo. Within another
    such block nothing changes.
    """
    if _kept.get() is not None:
        yield
        return
    token = _kept.set(OrderedDict())
    try:
        yield
    finally:
        _kept.reset(token)


def read_decoded(path: Path, name: str, *, sha256: str = "") -> Decoded:
    """Open, check and decode a photo that is called `name` in messages, of a content that is known, or any.

    Raises
    ------
    PhotoError
        As :func:`skinprogress.photos.reading.read_photo`.
    """
    with open_file(path, name) as file:
        kept, status = _kept.get(), os.fstat(file.fileno())
        key = path, status.st_mtime_ns, status.st_size
        if kept is not None and key in kept:
            kept.move_to_end(key)
            return kept[key]
        decoded = _decode_file(file, path, name, sha256)
    if kept is not None:
        kept[key] = decoded
        decoded.pixels.setflags(write=False)
        while len(kept) > 1 and sum(d.pixels.nbytes for d in kept.values()) > _KEPT_BYTES:
            kept.popitem(last=False)
    return decoded


def _decode_file(file: BinaryIO, path: Path, name: str, sha256: str) -> Decoded:
    head = file.read(HEAD_BYTES)
    kind = kind_of(head, path, name)
    try:
        data = head + file.read()
    except OSError as error:
        raise photo_error("not_read", name, why=error.strerror or short_words(error)) from error
    except MemoryError as error:
        raise photo_error("unreadable", name, why=short_words(error)) from error
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise photo_error("changed", name)
    opened = open_checked(BytesIO(data), kind, data[:HEAD_BYTES], name, whole=data)
    try:
        pixels, encoding, flags = _decode(opened, data)
    except IncompleteError as error:
        raise photo_error("truncated", name) from error
    except UnsupportedError as error:
        raise photo_error("unsupported", name, why=str(error)) from error
    except Exception as error:
        # Decoders meet damaged files with any exception there is; one photo must not stop the run.
        raise photo_error("unreadable", name, why=short_words(error)) from error
    return Decoded(opened.kind, pixels, encoding, metadata_of(opened), flags)


def open_file(path: Path, name: str) -> BinaryIO:
    """Open a file that is no pipe and not empty."""
    try:
        status = path.stat()
        # A pipe or a device would wait for ever.
        if not stat.S_ISREG(status.st_mode):
            what = "it is a folder" if stat.S_ISDIR(status.st_mode) else "it is not an ordinary file"
            raise photo_error("not_an_image", name, why=what)
        if status.st_size == 0:
            raise photo_error("empty_file", name)
        return open_ordinary(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise photo_error("file_missing", name) from error
    except PermissionError as error:
        raise photo_error("permission_denied", name) from error
    except (OSError, ValueError) as error:
        raise photo_error("unreadable", name, why=short_words(error)) from error


def metadata_of(opened: Opened) -> dict[str, str]:
    """What a file says of its camera, its exposure and its own compression."""
    metadata = read_metadata(opened.exif, opened.xmp)
    if opened.kind == "RAW":
        metadata["rendering"] = "linear"
    if opened.kind == "JPEG" and (tables := opened.handle.quantization):
        metadata["jpeg_quality"] = f"{find_jpeg_quality(tables[min(tables)]):.0f}"
    return metadata


def kind_of(head: bytes, path: Path, name: str) -> str:
    """Kind of a file from its first bytes, as in :data:`skinprogress.photos.formats.SUFFIXES`."""
    kind = find_kind(head[:32], suffix=path.suffix.lower())
    if not kind:
        why = "its content is of no picture format that is read here"
        if head.startswith(b"%PDF"):
            why = "it is a PDF document"
        elif head[4:8] == b"ftyp":
            why = "it is a video"
        raise photo_error("not_an_image", name, why=why)
    return kind


def open_checked(stream: BinaryIO, kind: str, head: bytes, name: str, *, whole: bytes | None) -> Opened:
    """Read the header and check the size that it tells, and that the file (``whole``, where known) is all there."""
    try:
        opened = open_picture(stream, kind, head)
    except RawNotReadError as error:
        raise photo_error("raw_not_supported", name) from error
    except Exception as error:
        if whole is not None and is_incomplete(kind, whole, None):
            raise photo_error("truncated", name) from error
        code = "unsupported" if isinstance(error, UnsupportedError) else "unreadable"
        raise photo_error(code, name, why=short_words(error)) from error
    if opened.width_px * opened.height_px > MAX_MEGAPIXELS * 1e6:
        raise photo_error("too_large", name, why=str(math.ceil(opened.width_px * opened.height_px / 1e6)))
    if min(opened.width_px, opened.height_px) < MIN_SIDE_PX:
        raise photo_error("too_small", name, why=f"{opened.width_px} × {opened.height_px}")
    if whole is not None and is_incomplete(opened.kind, whole, opened):
        raise photo_error("truncated", name)
    if opened.kind == "JPEG" and whole is not None and (scans := count_jpeg_scans(whole)) > _MOST_SCANS:
        raise photo_error("unsupported", name, why=f"it is put together in {scans} passes, far more than any camera's")
    return opened


def _decode(opened: Opened, data: bytes) -> tuple[Pixels, Encoding, Flag]:
    """Pixels upright, how they are encoded, and what had to be assumed."""
    if opened.mode == "CMYK":
        return _decode_cmyk(opened)
    pixels = decode_upright(opened, data)
    encoding, flags = choose_encoding(opened, levels=np.iinfo(pixels.dtype).max + 1)
    if encoding is not None:
        return pixels, encoding, flags
    from PIL import Image

    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    try:
        pixels = np.array(convert_to_srgb8(Image.fromarray(pixels), opened.icc or b""))
    except ProfileError:
        flags |= Flag.PROFILE_UNREADABLE
    return pixels, srgb_encoding(256), flags


def _decode_cmyk(opened: Opened) -> tuple[Pixels, Encoding, Flag]:
    pixels: Pixels
    flags = Flag.NONE
    if opened.icc is None:
        pixels, flags = decode_by_pillow(opened), Flag.PROFILE_MISSING
    else:
        try:
            pixels = np.array(convert_to_srgb8(load_pillow(opened), opened.icc))
        except ProfileError:
            pixels, flags = decode_by_pillow(opened), Flag.PROFILE_UNREADABLE
    return turn_upright(pixels, opened.orientation), srgb_encoding(256), flags
