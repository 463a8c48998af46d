"""Pictures as files: tagged as sRGB, with nothing in them of where they came from, the same bytes every time."""

import io
import struct
from functools import lru_cache
from typing import Any

from skinprogress.outputs.alignment import Rgb
from skinprogress.outputs.composing.recipe import Format, Layout

QUALITY = 92

FORMATS: dict[Layout, tuple[Format, ...]] = {
    "side-by-side": ("jpg", "png", "webp"),
    "split": ("jpg", "png", "webp"),
    "strip": ("jpg", "png", "webp"),
    "regions": ("jpg", "png", "webp"),
    "flicker": ("webp", "gif"),
    "timelapse": ("mp4",),
}
"""Formats of each layout, the usual one first."""


def default_format(layout: Layout) -> Format:
    """What a layout is usually kept in."""
    return FORMATS[layout][0]


def encode(rgb: Rgb, format: Format, *, quality: int = QUALITY) -> bytes:
    """Encode one picture.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        sRGB.
    format : {'jpg', 'png', 'webp'}
    quality : int
        Of JPEG and WebP, 1..100.

    Returns
    -------
    bytes
        Without EXIF data, thumbnail, place or time.

    Raises
    ------
    ValueError
        The format is none of one picture.
    """
    from PIL import Image

    # Full colour resolution in JPEG: halved chroma smears exactly the redness that people look for. WebP knows no
    # other way, so it gets finer steps.
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "jpg": ("JPEG", {"quality": quality, "subsampling": 0}),
        "png": ("PNG", {"compress_level": 6}),
        "webp": ("WEBP", {"quality": min(quality + 4, 100), "method": 4}),
    }
    if format not in kinds:
        raise ValueError(f"{format} is no format of one picture")
    kind, more = kinds[format]
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, kind, icc_profile=srgb_profile(), **more)
    return buffer.getvalue()


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """The colour profile of sRGB, without the time at which it was made."""
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # The time (bytes 24 to 35 of the header) would make every file different.
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]
