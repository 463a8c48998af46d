"""Colour profiles: how the numbers in a file become linear sRGB light.

A profile made of three tone curves and three primaries (sRGB, Display P3, Adobe RGB, ProPhoto, what phones and cameras
write) becomes a :class:`Encoding`, which clips nothing and keeps 16 bit. Profiles that are tables (printers, scanners)
are converted to 8-bit sRGB by LittleCMS.
"""

import struct
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import LINEAR_SRGB_TO_XYZ, XYZ_D65, srgb_to_linear
from skinprogress.photos.exif import read_declared_space
from skinprogress.photos.formats import Opened
from skinprogress.photos.raw import find_camera_matrix
from skinprogress.records import Flag

if TYPE_CHECKING:
    from PIL.Image import Image

Array64 = npt.NDArray[np.float64]

_XYZ_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_XYZ_TO_LINEAR_SRGB = np.linalg.inv(LINEAR_SRGB_TO_XYZ)
_IDENTITY_TOLERANCE = 0.002
"""Profiles round their primaries to 1/65536 and writers of sRGB differ by about 0.001; nearer than this is sRGB."""

_SRGB_PRIMARIES = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
_ADOBE_PRIMARIES = ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060))
_CICP_PRIMARIES = {
    1: _SRGB_PRIMARIES,
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_CICP_SRGB_LIKE = (1, 6, 13, 14, 15)
"""Transfers shown as sRGB by every viewer: a still marked BT.709 is not meant to be darker than one marked sRGB."""

_CICP_UNSPECIFIED = 2

_GREY_MODES = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N")
_MOST_CURVE_POINTS = 65536
_PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}


class ProfileError(ValueError):
    """The profile is damaged or of a kind that cannot be used."""


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """How stored numbers become linear sRGB: a curve for each channel, then a matrix.

    Attributes
    ----------
    curve : (3, levels) float32
        Linear light of the file's own colour space, 0..1.
    matrix : (3, 3) float32
        Linear RGB of the file to linear sRGB (D65).
    """

    curve: npt.NDArray[np.float32]
    matrix: npt.NDArray[np.float32]


def choose_encoding(opened: Opened, *, levels: int) -> tuple[Encoding | None, Flag]:
    """Encoding that a file declares: by profile, code points, EXIF, or camera (RAW); sRGB with a flag where by nothing.

    Returns
    -------
    Encoding or None
        None where the profile needs :func:`convert_to_srgb8`.
    Flag
        ``PROFILE_MISSING``, ``PROFILE_UNREADABLE`` or none.
    """
    if opened.kind == "RAW":
        matrix = find_camera_matrix(opened)
        curve = srgb_encoding(levels).curve
        if matrix is None:
            return Encoding(curve, np.eye(3, dtype=np.float32)), Flag.PROFILE_UNREADABLE
        return Encoding(curve, matrix.astype(np.float32)), Flag.NONE
    declared = read_declared_space(opened.exif)
    try:
        if opened.icc is not None:
            if opened.icc[16:20] == b"GRAY" and opened.mode not in _GREY_MODES:
                raise ProfileError("a grey profile in a colour picture")
            return encoding_from_icc(opened.icc, levels=levels), Flag.NONE
        if opened.cicp is not None and _CICP_UNSPECIFIED not in opened.cicp:
            return encoding_from_cicp(*opened.cicp, levels=levels), Flag.NONE
    except ProfileError:
        return srgb_encoding(levels), Flag.PROFILE_UNREADABLE
    if declared == "Adobe RGB":
        return adobe_rgb_encoding(levels), Flag.NONE
    is_declared = opened.says_srgb or declared == "sRGB"
    return srgb_encoding(levels), Flag.NONE if is_declared else Flag.PROFILE_MISSING


def srgb_encoding(levels: int) -> Encoding:
    """sRGB itself, for 256 or 65536 levels.

    Examples
    --------
    >>> srgb_encoding(256).curve.shape
    (3, 256)
    """
    return _encoding([srgb_to_linear(np.linspace(0, 1, levels)).astype(np.float64)] * 3, np.eye(3))


def adobe_rgb_encoding(levels: int) -> Encoding:
    """Adobe RGB (1998), which cameras may only hint at in EXIF instead of writing a profile."""
    curve = np.linspace(0, 1, levels) ** (563 / 256)
    return _encoding([curve] * 3, _XYZ_TO_LINEAR_SRGB @ _primaries_to_xyz(_ADOBE_PRIMARIES))


def encoding_from_cicp(primaries: int, transfer: int, *, levels: int) -> Encoding:
    """Encoding of a picture marked by code points, as HEIC, AVIF and PNG may be (ITU-T H.273).

    Raises
    ------
    ProfileError
        For code points outside sRGB, Display P3 and BT.2020 primaries, or with an HDR transfer.
    """
    if primaries not in _CICP_PRIMARIES:
        raise ProfileError(f"color primaries {primaries}")
    x = np.linspace(0, 1, levels)
    if transfer in _CICP_SRGB_LIKE:
        curve = srgb_to_linear(x).astype(np.float64)
    elif transfer in (4, 5, 8):
        curve = x ** {4: 2.2, 5: 2.8, 8: 1.0}[transfer]
    else:
        raise ProfileError(f"transfer characteristic {transfer}")
    return _encoding([curve] * 3, _XYZ_TO_LINEAR_SRGB @ _primaries_to_xyz(_CICP_PRIMARIES[primaries]))


def encoding_from_icc(icc: bytes, *, levels: int) -> Encoding | None:
    """Encoding of an ICC profile made of curves and primaries, or of a grey curve.

    Parameters
    ----------
    icc : bytes
        The profile as it stands in the file.
    levels : int
        256 or 65536: values that a channel can have.

    Returns
    -------
    Encoding or None
        None where the profile is made of tables and needs :func:`convert_to_srgb8`.

    Raises
    ------
    ProfileError
        If the profile is damaged.

    Notes
    -----
    Colours in a profile are relative to D50; they are adapted to D65 by Bradford, as sRGB's own profile was made.

    References
    ----------
    ICC.1:2022, sections 7.2, 9.2, 10.6 (curv), 10.18 (para), F.3 (three-component matrix-based profiles).
    """
    try:
        tags = _tags(icc)
        if icc[16:20] == b"GRAY":
            return _encoding([_tone_curve(tags[b"kTRC"], levels)] * 3, np.eye(3))
        names = (b"rTRC", b"gTRC", b"bTRC", b"rXYZ", b"gXYZ", b"bXYZ")
        if icc[16:20] != b"RGB " or icc[20:24] != b"XYZ " or not all(name in tags for name in names):
            if icc[16:20] == b"RGB " and b"A2B0" not in tags:
                raise ProfileError("neither primaries nor a table")
            return None
        curves = [_tone_curve(tags[name], levels) for name in names[:3]]
        to_d50 = np.column_stack([_xyz(tags[name]) for name in names[3:]])
    except (KeyError, IndexError, struct.error) as error:
        raise ProfileError(f"the profile is incomplete: {error}") from error
    return _encoding(curves, _XYZ_TO_LINEAR_SRGB @ _d50_to_d65() @ to_d50)


def convert_to_srgb8(image: "Image", icc: bytes) -> "Image":
    """Convert to 8-bit sRGB by a profile made of tables (relative colorimetric).

    Raises
    ------
    ProfileError
        If the profile is damaged or does not fit the picture's mode.
    """
    from PIL import ImageCms

    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(BytesIO(icc)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        raise ProfileError(str(error)) from error
    if converted is None:
        raise ProfileError("the profile gave no picture")
    return converted


def _encoding(curves: list[Array64], matrix: Array64) -> Encoding:
    curve = np.stack(curves)
    # A profile that is formally whole can still be nonsense; it must not turn a photo into noise unnoticed.
    white = matrix @ curve[:, -1]
    if not (np.isfinite(curve).all() and np.isfinite(matrix).all() and (np.diff(curve) >= -1e-6).all()):
        raise ProfileError("the tone curves do not rise")
    if curve.min() < -0.1 or curve.max() > 2:
        raise ProfileError("the tone curves leave the range of light")
    if abs(np.linalg.det(matrix)) < 1e-3 or not ((white > 0.5) & (white < 2)).all():
        raise ProfileError("the primaries make no white")
    if np.abs(matrix - np.eye(3)).max() < _IDENTITY_TOLERANCE:
        matrix = np.eye(3)
    return Encoding(curve.astype(np.float32), matrix.astype(np.float32))


def _tags(icc: bytes) -> dict[bytes, memoryview]:
    """The tagged elements of a profile by their signature; not copied, since all may be one and the same large one."""
    if len(icc) < 132 or icc[36:40] != b"acsp":
        raise ProfileError("not an ICC profile")
    (count,) = struct.unpack_from(">I", icc, 128)
    tags = {}
    for i in range(min(count, 200)):
        name, offset, size = struct.unpack_from(">4sII", icc, 132 + 12 * i)
        if offset + size > len(icc):
            raise ProfileError(f"tag {name!r} lies outside the profile")
        tags[name] = memoryview(icc)[offset : offset + size]
    return tags


def _xyz(element: memoryview) -> Array64:
    if bytes(element[:4]) != b"XYZ ":
        raise ProfileError("a primary is not an XYZ value")
    return np.array(struct.unpack_from(">3i", element, 8)) / 65536


def _tone_curve(element: memoryview, levels: int) -> Array64:
    """Linear light for every level, from a ``curv`` or ``para`` element."""
    x = np.linspace(0, 1, levels)
    if bytes(element[:4]) == b"curv":
        (count,) = struct.unpack_from(">I", element, 8)
        if count == 0:
            return x
        if count == 1:
            return np.asarray(x ** _gamma(struct.unpack_from(">H", element, 12)[0] / 256))
        if count > _MOST_CURVE_POINTS:
            raise ProfileError(f"a tone curve of {count} points")
        table = np.array(struct.unpack_from(f">{count}H", element, 12)) / 65535
        return np.interp(x, np.linspace(0, 1, count), table)
    if bytes(element[:4]) == b"para":
        return _parametric_curve(element, x)
    raise ProfileError("a tone curve is of an unknown kind")


def _parametric_curve(element: memoryview, x: Array64) -> Array64:
    (kind,) = struct.unpack_from(">H", element, 8)
    if kind not in _PARAMETERS:
        raise ProfileError(f"parametric curve of unknown type {kind}")
    g, *rest = (value / 65536 for value in struct.unpack_from(f">{_PARAMETERS[kind]}i", element, 12))
    a, b, c, d, e, f = 1.0, 0.0, 0.0, -1.0, 0.0, 0.0
    if kind in (1, 2):
        a, b = rest[:2]
        if a == 0:
            raise ProfileError("a tone curve is flat")
        # Below the knee types 1 and 2 are constant: 0, or the offset that the upper branch has too.
        e = f = rest[2] if kind == 2 else 0.0
        c, d = 0.0, -b / a
    elif kind == 3:
        a, b, c, d = rest
    elif kind == 4:
        a, b, c, d, e, f = rest
    upper = np.power(np.maximum(a * x + b, 0), _gamma(g)) + e
    return np.asarray(np.where(x >= d, upper, c * x + f))


def _gamma(exponent: float) -> float:
    if not 0.1 < exponent < 10:
        raise ProfileError(f"a tone curve with exponent {exponent:g}")
    return exponent


def _primaries_to_xyz(primaries: tuple[tuple[float, float], ...]) -> Array64:
    """Linear RGB to XYZ for primaries given as chromaticities x, y and the white of sRGB."""
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    return np.asarray(columns * np.linalg.solve(columns, XYZ_D65))


def _d50_to_d65() -> Array64:
    gains = (_BRADFORD @ XYZ_D65) / (_BRADFORD @ _XYZ_D50)
    return np.asarray(np.linalg.inv(_BRADFORD) @ (gains[:, None] * _BRADFORD))
