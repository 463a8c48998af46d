"""Bytes to pixels, upright and as stored.

JPEG and 16-bit files go through OpenCV (fast, keeps 16 bit), HEIC through pillow-heif, camera RAW through LibRaw,
everything else through Pillow.
"""

import re
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.photos.completeness import find_jpeg_end, find_png_end
from skinprogress.photos.formats import DamagedError, IncompleteError, Opened, UnsupportedError
from skinprogress.photos.quiet import borrowed_pillow, captured_stderr
from skinprogress.photos.raw import decode_raw

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

MATTE = 128
"""8-bit grey that shows behind transparent pixels: neutral, and not mistaken for clipped or for skin."""

_EXTRANEOUS = re.compile(r"Corrupt JPEG data: (\d+) extraneous bytes before marker 0xd9")


def decode_upright(opened: Opened, data: bytes) -> Pixels:
    """Decode to (H, W, 3) RGB as stored, upright; grey is repeated, transparency laid over mid grey.

    Raises
    ------
    IncompleteError, DamagedError, UnsupportedError
    """
    if opened.kind == "JPEG" and opened.mode in ("RGB", "L"):
        pixels: Pixels = _decode_jpeg(data)
    elif opened.kind == "RAW":
        pixels = flatten(decode_raw(opened))
    elif opened.kind == "HEIC":
        pixels = _decode_heic(opened)
    elif opened.bits == 16 and opened.mode != "CMYK":
        pixels = _decode_16bit(data[: find_png_end(data)] if opened.kind == "PNG" else data)
    else:
        pixels = decode_by_pillow(opened)
    return turn_upright(pixels, opened.orientation)


def _decode_jpeg(data: bytes) -> npt.NDArray[np.uint8]:
    with captured_stderr() as complaints:
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    if pixels is None:
        raise DamagedError("the JPEG data cannot be decoded")
    for line in complaints:
        if "remature end" in line:
            raise IncompleteError(line)
        # A decoder that lost its place goes on with shifted or grey blocks: such pixels must not be measured.
        if "Corrupt JPEG" in line and not _only_padding(line, data):
            raise DamagedError(line)
    return np.asarray(pixels, dtype=np.uint8)


def _only_padding(line: str, data: bytes) -> bool:
    """True for the one complaint that is harmless: some cameras pad the data with zeros before the end marker."""
    match = _EXTRANEOUS.match(line)
    end = find_jpeg_end(data)
    return match is not None and set(data[max(end - int(match[1]), 0) : end]) <= {0x00, 0xFF}


def _decode_16bit(data: bytes) -> Pixels:
    with captured_stderr() as complaints:
        stored = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None:
        raise DamagedError("; ".join(complaints) or "the data cannot be decoded")
    if stored.dtype not in (np.uint8, np.uint16):
        raise UnsupportedError(f"its numbers are of type {stored.dtype}")
    if stored.ndim == 3 and stored.shape[2] in (3, 4):
        order = cv2.COLOR_BGR2RGB if stored.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
        stored = cv2.cvtColor(stored, order)
    return flatten(stored)


def _decode_heic(opened: Opened) -> Pixels:
    stored = np.asarray(opened.handle)
    if stored.dtype == np.uint16:
        # 10 or 12 bit stand in the upper bits: repeating them below makes white 65535 and not 65472.
        stored = stored | stored >> int(opened.handle.info["bit_depth"])
    return flatten(stored)


def decode_by_pillow(opened: Opened) -> npt.NDArray[np.uint8]:
    """Decode to (H, W, 3) uint8 as stored, not turned; CMYK without its profile."""
    image = load_pillow(opened)
    has_alpha = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    if image.mode in ("I", "F", "LAB") or image.mode.startswith("I;"):
        raise UnsupportedError(f"its pixels are of the sort {image.mode}")
    wanted = "RGBA" if has_alpha else "RGB"
    return np.asarray(flatten(np.asarray(image if image.mode == wanted else image.convert(wanted))), dtype=np.uint8)


def load_pillow(opened: Opened) -> Any:
    """Pillow's image of a picture (the first frame), decoded and not turned.

    Raises
    ------
    IncompleteError
        If the data end too early.
    """
    # Pillow complains in Python, but the libtiff and libwebp under it write to the terminal.
    with captured_stderr(), borrowed_pillow():
        try:
            opened.handle.load()
        except OSError as error:
            if "truncated" in str(error):
                raise IncompleteError(str(error)) from error
            raise DamagedError(str(error)) from error
    return opened.handle


def flatten(stored: npt.NDArray[Any]) -> Pixels:
    """uint8 or uint16 (H, W), (H, W, 1), (H, W, 3) or RGBA (H, W, 4) to RGB, transparent pixels over :data:`MATTE`."""
    if stored.ndim == 2 or stored.shape[2] == 1:
        return as_pixels(np.repeat(stored.reshape(*stored.shape[:2], 1), 3, axis=2))
    if stored.shape[2] not in (3, 4):
        raise UnsupportedError(f"it has {stored.shape[2]} channels")
    top = np.iinfo(stored.dtype).max
    if stored.shape[2] == 3 or (stored[..., 3] == top).all():
        return as_pixels(np.ascontiguousarray(stored[..., :3]))
    alpha = stored[..., 3:].astype(np.float32) / top
    mixed = stored[..., :3] * alpha + (MATTE / 255 * top) * (1 - alpha)
    return as_pixels((mixed + 0.5).astype(stored.dtype))


def as_pixels(array: npt.NDArray[Any]) -> Pixels:
    """The same array, uint8 or uint16."""
    return array if array.dtype == np.uint16 else np.asarray(array, dtype=np.uint8)


def turn_upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo one of the eight EXIF orientations."""
    turned = None
    if orientation in (5, 6, 7, 8):
        # The copy is flipped in place: a third one of a large photo would be.
        pixels = turned = as_pixels(cv2.transpose(pixels))
    # After the transposition 6 needs its columns reversed, 8 its rows, 7 both.
    axis = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return pixels if axis is None else as_pixels(cv2.flip(pixels, axis, turned))
