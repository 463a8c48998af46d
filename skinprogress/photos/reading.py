"""Reading one photo: upright, with the way from its numbers to linear sRGB light, or an error that says what to do."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import apply_matrix, encode_srgb8
from skinprogress.photos.decoding import Pixels, as_pixels, turn_upright
from skinprogress.photos.exif import read_taken_at
from skinprogress.photos.files import HEAD_BYTES, kind_of, metadata_of, open_checked, open_file, read_decoded
from skinprogress.photos.formats import SUFFIXES
from skinprogress.photos.profiles import srgb_encoding
from skinprogress.photos.reading_errors import printable_name
from skinprogress.photos.retouching import is_suspect
from skinprogress.records import Flag, Photo, PhotoRef


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
    with open_file(path, name) as file:
        head = file.read(HEAD_BYTES)
        kind = kind_of(head, path, name)
        file.seek(0)
        opened = open_checked(file, kind, head, name, whole=head if len(head) < HEAD_BYTES else None)
        return Header(
            kind=opened.kind,
            height_px=opened.height_px,
            width_px=opened.width_px,
            taken_at=read_taken_at(opened.exif),
            metadata=metadata_of(opened),
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
        With code ``file_missing``, ``changed`` (its content is not ``ref.sha256``), ``permission_denied``,
        ``empty_file``, ``not_an_image``, ``truncated``, ``unreadable``, ``unsupported``, ``raw_not_supported`` (the
        package rawpy is missing), ``too_large`` (over 200 megapixels) or ``too_small`` (a side under 64 px).

    Notes
    -----
    The content decides the kind of file, not its name. A photo without a profile is taken as sRGB and flagged; where
    that is wrong, a* is off by 3.5 to 5 on a phone's Display P3 photo.
    """
    decoded = read_decoded(ref.path, printable_name(ref.file), sha256=ref.sha256)
    pixels, flags = decoded.pixels, decoded.flags | ref.flags
    if ref.mirrored:
        pixels = turn_upright(pixels, 2)
        flags |= Flag.NONE if Flag.MIRRORED_FOUND in ref.flags else Flag.MIRRORED
    if ref.path.suffix.lower() not in SUFFIXES[decoded.kind]:
        flags |= Flag.WRONG_EXTENSION
    if is_suspect(decoded.metadata):
        flags |= Flag.FILTER_SUSPECTED
    pixels.setflags(write=False)
    return Photo(
        ref=ref,
        pixels=pixels,
        curve=decoded.encoding.curve,
        matrix=decoded.encoding.matrix,
        metadata=dict(decoded.metadata),
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
