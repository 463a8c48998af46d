"""Reading one photo: upright, with the way from its numbers to linear sRGB light, or an error that says what to do."""

import math
import stat
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import apply_matrix, encode_srgb8
from skinprogress.photos.completeness import is_incomplete
from skinprogress.photos.decoding import Pixels, as_pixels, decode_by_pillow, decode_upright, load_pillow, turn_upright
from skinprogress.photos.exif import find_jpeg_quality, read_metadata, read_taken_at
from skinprogress.photos.formats import (
    SUFFIXES,
    IncompleteError,
    Opened,
    RawNotReadError,
    UnsupportedError,
    find_kind,
)
from skinprogress.photos.opening import open_picture
from skinprogress.photos.profiles import (
    Encoding,
    ProfileError,
    choose_encoding,
    convert_to_srgb8,
    srgb_encoding,
)
from skinprogress.photos.reading_errors import (
    MAX_MEGAPIXELS,
    MIN_SIDE_PX,
    photo_error,
    printable_name,
    short_words,
)
from skinprogress.photos.retouching import is_suspect
from skinprogress.records import Flag, Photo, PhotoRef

_HEAD_BYTES = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What can be told about a photo without decoding it.

    Attributes
    ----------
    kind : str
        ``JPEG``, ``PNG``, ``TIFF``, ``WEBP``, ``HEIC``, ``AVIF``, ``GIF``, ``BMP`` or ``RAW``, by content.
    height_px, width_px : int
        Upright.
    taken_at : datetime or None
        Naive local time by the camera's clock.
    metadata : dict
        See :func:`skinprogress.photos.exif.read_metadata`.
    """

    kind: str
    height_px: int
    width_px: int
    taken_at: datetime | None
    metadata: dict[str, str]


def read_header(path: Path) -> Header:
    """Size, time and camera of a photo, without decoding its pixels.

    Raises
    ------
    PhotoError
        As :func:`read_photo`, but damage behind the header is not noticed.
    """
    name = printable_name(path.name)
    with _open_file(path, name) as file:
        head = file.read(_HEAD_BYTES)
        kind = _kind_of(head, path, name)
        file.seek(0)
        opened = _open(file, kind, head, name, whole=head if len(head) < _HEAD_BYTES else None)
        return Header(
            kind=opened.kind,
            height_px=opened.height_px,
            width_px=opened.width_px,
            taken_at=read_taken_at(opened.exif),
            metadata=_metadata(opened),
        )


def read_photo(ref: PhotoRef) -> Photo:
    """Decode a photo, upright, with the way from its numbers to linear sRGB.

    Parameters
    ----------
    ref : PhotoRef
        With ``mirrored``, the photo is flipped back from left to right.

    Returns
    -------
    Photo
        ``pixels`` are read-only: RGB in the file's own colour space, so wide-gamut colours are not clipped and 16 bit
        stay 16 bit. Exceptions are CMYK and profiles made of tables, which LittleCMS converts to 8-bit sRGB. Camera
        RAW comes in the camera's own colours, without a tone curve and with the camera's white balance. Grey is
        repeated three times; transparent pixels are laid over mid grey. Of several frames or pages: the first.

    Raises
    ------
    PhotoError
        With code ``file_missing``, ``permission_denied``, ``empty_file``, ``not_an_image``, ``truncated``,
        ``unreadable``, ``unsupported``, ``raw_not_supported`` (the package rawpy is missing), ``too_large`` (over 200
        megapixels) or ``too_small`` (a side under 64 px).

    Notes
    -----
    The content decides the kind of file, not its name. A photo without a profile is taken as sRGB and flagged; where
    that is wrong, a* is off by 3.5 to 5 on a phone's Display P3 photo.
    """
    name = printable_name(ref.file)
    with _open_file(ref.path, name) as file:
        head = file.read(_HEAD_BYTES)
        kind = _kind_of(head, ref.path, name)
        try:
            data = head + file.read()
        except (OSError, MemoryError) as error:
            raise photo_error("unreadable", name, why=short_words(error)) from error
    opened = _open(BytesIO(data), kind, data[:_HEAD_BYTES], name, whole=data)
    try:
        pixels, encoding, flags = _decode(opened, data)
    except IncompleteError as error:
        raise photo_error("truncated", name) from error
    except UnsupportedError as error:
        raise photo_error("unsupported", name, why=str(error)) from error
    except Exception as error:
        # Decoders meet damaged files with any exception there is; one photo must not stop the run.
        raise photo_error("unreadable", name, why=short_words(error)) from error
    flags |= ref.flags
    if ref.mirrored:
        pixels = turn_upright(pixels, 2)
        flags |= Flag.NONE if Flag.MIRRORED_FOUND in ref.flags else Flag.MIRRORED
    if ref.path.suffix.lower() not in SUFFIXES[opened.kind]:
        flags |= Flag.WRONG_EXTENSION
    metadata = _metadata(opened)
    if is_suspect(metadata):
        flags |= Flag.FILTER_SUSPECTED
    pixels.setflags(write=False)
    return Photo(
        ref=ref,
        pixels=pixels,
        curve=encoding.curve,
        matrix=encoding.matrix,
        metadata=metadata,
        flags=flags,
    )


def to_linear(photo: Photo, *, rows: slice = slice(None), cols: slice = slice(None)) -> npt.NDArray[np.float32]:
    """Linear sRGB of a photo or a part of it.

    Parameters
    ----------
    photo : Photo
    rows, cols : slice
        The part wanted, photo px.

    Returns
    -------
    (h, w, 3) float32
        1 is white; values outside 0..1 are colours outside the sRGB gamut and are kept.
    """
    return _linear(photo.pixels[rows, cols], photo)


def to_srgb8(photo: Photo, *, max_side: int | None = None) -> npt.NDArray[np.uint8]:
    """The photo as 8-bit sRGB, for finding landmarks and for showing. Not for measuring: colours are clipped.

    Parameters
    ----------
    photo : Photo
    max_side : int or None
        Scale down so that the longer side has at most this many px; never scales up.

    Returns
    -------
    (h, w, 3) uint8, a copy

    Notes
    -----
    For speed, scaling averages the stored numbers, not light.
    """
    pixels = photo.pixels
    longer = max(pixels.shape[:2])
    if max_side is not None and longer > max_side:
        height, width = (max(1, round(side * max_side / longer)) for side in pixels.shape[:2])
        pixels = as_pixels(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))
    if pixels.dtype == np.uint8 and _is_identity(photo.matrix):
        # Within 0.0002 of light no 8-bit value comes out different by more than rounding.
        if np.allclose(photo.curve, srgb_encoding(256).curve, atol=2e-4):
            return np.array(pixels, dtype=np.uint8)
        table = encode_srgb8(photo.curve.T).reshape(1, 256, 3)
        return np.asarray(cv2.LUT(pixels, table), dtype=np.uint8)
    return encode_srgb8(_linear(pixels, photo))


def _linear(pixels: Pixels, photo: Photo) -> npt.NDArray[np.float32]:
    if pixels.size == 0:
        return np.zeros(pixels.shape, dtype=np.float32)
    if pixels.dtype == np.uint8:
        table = np.ascontiguousarray(photo.curve.T).reshape(1, 256, 3)
        linear = np.asarray(cv2.LUT(pixels, table), dtype=np.float32)
    else:
        linear = np.empty(pixels.shape, dtype=np.float32)
        for channel in range(3):
            np.take(photo.curve[channel], pixels[..., channel], out=linear[..., channel], mode="clip")
    return linear if _is_identity(photo.matrix) else apply_matrix(linear, photo.matrix)


def _is_identity(matrix: npt.NDArray[np.float32]) -> bool:
    return bool((matrix == np.eye(3)).all())


def _open_file(path: Path, name: str) -> BinaryIO:
    try:
        status = path.stat()
        # A pipe or a device would wait for ever.
        if not stat.S_ISREG(status.st_mode):
            what = "it is a folder" if stat.S_ISDIR(status.st_mode) else "it is not an ordinary file"
            raise photo_error("not_an_image", name, why=what)
        if status.st_size == 0:
            raise photo_error("empty_file", name)
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise photo_error("file_missing", name) from error
    except PermissionError as error:
        raise photo_error("permission_denied", name) from error
    except (OSError, ValueError) as error:
        raise photo_error("unreadable", name, why=short_words(error)) from error


def _metadata(opened: Opened) -> dict[str, str]:
    metadata = read_metadata(opened.exif, opened.xmp)
    if opened.kind == "RAW":
        metadata["rendering"] = "linear"
    if opened.kind == "JPEG" and (tables := opened.handle.quantization):
        metadata["jpeg_quality"] = f"{find_jpeg_quality(tables[min(tables)]):.0f}"
    return metadata


def _kind_of(head: bytes, path: Path, name: str) -> str:
    kind = find_kind(head[:32], suffix=path.suffix.lower())
    if not kind:
        why = "its content is of no picture format that is read here"
        if head.startswith(b"%PDF"):
            why = "it is a PDF document"
        elif head[4:8] == b"ftyp":
            why = "it is a video"
        raise photo_error("not_an_image", name, why=why)
    return kind


def _open(stream: BinaryIO, kind: str, head: bytes, name: str, *, whole: bytes | None) -> Opened:
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
