"""One photo saved in other colour spaces, orientations and kinds of file: its measurements must stay what they are."""

import struct
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import LINEAR_SRGB_TO_XYZ, XYZ_D65, apply_matrix, linear_to_srgb, srgb_to_linear
from skinprogress.errors import SkinprogressError
from skinprogress.pipeline.comparing import compare_client
from skinprogress.records import Course, PhotoRef
from skinprogress.settings import Settings
from skinprogress.validation.scenes import Values

MEASURED = ("redness", "redness_index")
_XYZ_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D65_XY, _D50_XY = (0.3127, 0.3290), (0.3457, 0.3585)
# Primaries, white, and exponent of the tone curve; None is the curve of sRGB.
_SPACES: Mapping[str, tuple[tuple[tuple[float, float], ...], tuple[float, float], float | None]] = {
    "Display P3": (((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), _D65_XY, None),
    "Adobe RGB": (((0.640, 0.330), (0.210, 0.710), (0.150, 0.060)), _D65_XY, 563 / 256),
    "ProPhoto RGB": (((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), _D50_XY, 461 / 256),
}
# Exif 2.32, tag 274: which sides of the upright photo the first row and the first column lie on.
_ORIENTATIONS = (
    ("top", "left"), ("top", "right"), ("bottom", "right"), ("bottom", "left"),
    ("left", "top"), ("right", "top"), ("right", "bottom"), ("left", "bottom"),
)  # fmt: skip
_PNG_HEAD = 33  # bytes: signature and first chunk
_TABLE = 1024  # entries of a tone curve given as a table
_QUALITY = 100


def compare_copies(rgb: npt.NDArray[np.uint8], folder: Path, *, settings: Settings) -> dict[str, Values]:
    """Save a photo in many ways and measure each copy as the program would.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        sRGB, with a sensor's grain: the medians of smooth skin in 8 bits snap to its few colours.
    folder : Path
        Where the copies go.
    settings : Settings

    Returns
    -------
    dict of str to dict
        Copy to differences from the lossless original, by (metric, region); empty where it could not be measured.

    Raises
    ------
    SkinprogressError
        The original cannot be measured.
    """
    original = folder / "original.png"
    _save(original, rgb)
    true = _measure(original, settings=settings)
    found: dict[str, Values] = {}
    for name, (suffix, write) in _copies(rgb).items():
        path = folder / f"copy{suffix}"
        try:
            write(path)
            copied = _measure(path, settings=settings)
        except SkinprogressError:
            copied = {}
        found[name] = {key: copied[key] - value for key, value in true.items() if key in copied}
        path.unlink(missing_ok=True)
    return found


def _copies(rgb: npt.NDArray[np.uint8]) -> dict[str, tuple[str, Callable[[Path], None]]]:
    """Name of each copy to its suffix and what writes it."""
    deep = np.round(linear_to_srgb(srgb_to_linear(rgb)) * 65535.0).astype(np.uint16)
    best: dict[str, Any] = {"quality": _QUALITY, "subsampling": 0}
    copies: dict[str, tuple[str, Callable[[Path], None]]] = {
        # As phones write it, and as photographers keep the wider spaces: their steps are coarse in 8 bits.
        "JPEG, Display P3": (
            ".jpg",
            partial(_save, rgb=_to_8_bits(encode_space(rgb, "Display P3")), icc=make_icc("Display P3"), **best),
        ),
    }
    for name in ("Adobe RGB", "ProPhoto RGB"):
        wide = np.round(encode_space(rgb, name) * 65535.0).astype(np.uint16)
        copies[f"16-bit PNG, {name}"] = (".png", partial(_save_deep, rgb=wide, icc=make_icc(name)))
    copies |= {
        f"orientation {k}": (".jpg", partial(_save, rgb=_turned(rgb, k), orientation=k, **best)) for k in range(1, 9)
    }
    copies |= {f"16-bit {kind}": (suffix, partial(_save_deep, rgb=deep))
               for kind, suffix in (("PNG", ".png"), ("TIFF", ".tif"))}  # fmt: skip
    copies["HEIC"] = (".heic", partial(_save_heic, rgb=rgb))
    copies["AVIF"] = (".avif", partial(_save_avif, rgb=rgb))
    copies["WebP"] = (".webp", partial(_save, rgb=rgb, lossless=True))
    return copies


def _measure(path: Path, *, settings: Settings) -> Values:
    ref = PhotoRef(path=path, file=path.name, client="copy", session="copy")
    result = compare_client([ref], client="copy", folder=path.parent, course=Course(), settings=settings)
    return {(m.metric, m.region): m.value for m in result.measurements if m.metric in MEASURED and np.isfinite(m.value)}


def _save(
    path: Path, rgb: npt.NDArray[np.uint8], icc: bytes | None = None, orientation: int = 1, **options: Any
) -> None:
    from PIL import Image

    image = Image.fromarray(rgb)
    exif = Image.Exif()
    exif[0x0112] = orientation
    if icc:
        options["icc_profile"] = icc
    image.save(path, exif=exif, **options)


def _save_deep(path: Path, rgb: npt.NDArray[np.uint16], icc: bytes | None = None) -> None:
    _, encoded = cv2.imencode(path.suffix, np.ascontiguousarray(rgb[..., ::-1]))
    data = encoded.tobytes()
    if icc:
        chunk = b"iCCPprofile\0\0" + zlib.compress(icc)
        whole = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        data = data[:_PNG_HEAD] + whole + data[_PNG_HEAD:]
    path.write_bytes(data)


def _save_avif(path: Path, rgb: npt.NDArray[np.uint8]) -> None:
    # Not by Pillow: what writes there rounds chroma down, 0.5 a* on skin. This way, at full quality, it is lossless.
    cv2.imwrite(str(path), np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_AVIF_QUALITY, _QUALITY])


def _save_heic(path: Path, rgb: npt.NDArray[np.uint8]) -> None:
    import pillow_heif
    from PIL import Image

    pillow_heif.from_pillow(Image.fromarray(rgb)).save(path, quality=_QUALITY, chroma=444)


def _turned(rgb: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """Px as a camera held so stores them."""
    sides = _ORIENTATIONS[orientation - 1]
    stored = rgb[:: -1 if "bottom" in sides else 1, :: -1 if "right" in sides else 1]
    return np.ascontiguousarray(stored if sides[0] in ("top", "bottom") else np.swapaxes(stored, 0, 1))


def _to_8_bits(encoded: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Rounded up or down by chance: the few colours of a smooth photo would all be rounded the same way."""
    chance = np.random.default_rng(0).random(encoded.shape, np.float32)
    return np.asarray(np.clip(np.floor(encoded * np.float32(255.0) + chance), 0.0, 255.0), np.uint8)


def encode_space(rgb: npt.NDArray[np.uint8], name: str) -> npt.NDArray[np.float32]:
    """The same colours in the numbers of another colour space.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        sRGB.
    name : str
        ``Display P3``, ``Adobe RGB`` or ``ProPhoto RGB``; all hold the whole of sRGB.

    Returns
    -------
    (H, W, 3) float32
        0..1.
    """
    exponent = _SPACES[name][2]
    to_space = np.linalg.inv(_colorants(name)) @ _adapt_to_d50(XYZ_D65) @ LINEAR_SRGB_TO_XYZ
    linear = np.clip(apply_matrix(srgb_to_linear(rgb), to_space), 0.0, 1.0)
    return linear_to_srgb(linear) if exponent is None else np.power(linear, np.float32(1.0 / exponent))


def make_icc(name: str) -> bytes:
    """An ICC profile (version 2, matrix and curves) made from the primaries of a colour space.

    References
    ----------
    ICC.1:2001-04, "File format for color profiles".
    """
    exponent = _SPACES[name][2]
    levels = srgb_to_linear(np.arange(_TABLE, dtype=np.float32) / (_TABLE - 1))
    curve = (
        struct.pack(f">4s4xI{_TABLE}H", b"curv", _TABLE, *np.round(levels * 65535.0).astype(int).tolist())
        if exponent is None
        else struct.pack(">4s4xIH", b"curv", 1, round(exponent * 256))
    )
    words = name.encode("ascii") + b"\0"
    tags = {
        b"desc": struct.pack(">4s4xI", b"desc", len(words)) + words + bytes(78),
        b"cprt": b"text" + bytes(4) + b"no copyright\0",
        b"wtpt": _xyz_tag(_XYZ_D50),
        **{key: _xyz_tag(column) for key, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), _colorants(name).T, strict=True)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, body, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for key, data in tags.items():
        table += struct.pack(">4sII", key, at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = at + len(body)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02100000, b"mntr", b"RGB ", b"XYZ ") + bytes(12) + b"acsp"
    head = head.ljust(68, b"\0") + _fixed(_XYZ_D50)
    return head.ljust(128, b"\0") + table + body


def _colorants(name: str) -> npt.NDArray[np.float64]:
    """XYZ of the primaries in columns, adapted to D50."""
    primaries, white, _ = _SPACES[name]
    xyz = np.array([[x / y, 1.0, (1.0 - x - y) / y] for x, y in (*primaries, white)]).T
    return np.asarray(_adapt_to_d50(xyz[:, 3]) @ (xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])))


def _adapt_to_d50(white_xyz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    ratio = (_BRADFORD @ _XYZ_D50) / (_BRADFORD @ white_xyz)
    return np.asarray(np.linalg.inv(_BRADFORD) @ (ratio[:, None] * _BRADFORD))


def _xyz_tag(xyz: npt.NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(xyz)


def _fixed(xyz: npt.NDArray[np.float64]) -> bytes:
    return struct.pack(">3i", *np.round(xyz * 65536.0).astype(int).tolist())
