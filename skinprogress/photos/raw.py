"""Camera RAW: what the sensor counted, in the camera's own colours, read by LibRaw (package rawpy, extra ``raw``).

Nothing of what a camera does to its JPEGs is done here: no tone curve, no automatic brightness, no smoothing. The
camera's white balance is applied, and highlights are clipped where the sensor was full, so that they can be told.
"""

from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import LINEAR_SRGB_TO_XYZ, linear_to_srgb
from skinprogress.photos.formats import DamagedError, IncompleteError, Opened, RawNotReadError, UnsupportedError
from skinprogress.photos.quiet import captured_stderr

if TYPE_CHECKING:
    from PIL.Image import Exif

RAW_REMEDY = (
    'install it with pip install "skinprogress[raw]", or export the photo as JPEG or 16-bit TIFF with all automatic '
    "corrections off and put that beside it"
)
_LEVELS = 65536


def raw_is_readable() -> bool:
    """True where the package that reads camera RAW is installed."""
    return find_spec("rawpy") is not None


def open_raw(stream: BinaryIO) -> Opened:
    """Read the header of a camera RAW file.

    Raises
    ------
    RawNotReadError
        The package rawpy is not installed.
    UnsupportedError
        LibRaw does not know the file.
    """
    try:
        import rawpy
    except ImportError as error:
        raise RawNotReadError("it is a camera RAW file") from error
    data = stream.read()
    with captured_stderr():
        try:
            raw = rawpy.imread(BytesIO(data))
        except rawpy.LibRawIOError as error:
            raise IncompleteError("the file ends early") from error
        except rawpy.LibRawFileUnsupportedError as error:
            raise UnsupportedError("it is damaged, or of a kind of camera RAW that LibRaw does not know") from error
    sizes = raw.sizes
    height, width = sizes.height, sizes.width
    return Opened(
        kind="RAW",
        # Bit 4 of LibRaw's turn swaps the sides; decoding turns the picture upright by itself.
        height_px=width if sizes.flip & 4 else height,
        width_px=height if sizes.flip & 4 else width,
        orientation=1,
        bits=16,
        mode="RGB",
        exif=_read_exif(data),
        icc=None,
        cicp=None,
        says_srgb=False,
        handle=raw,
    )


def decode_raw(opened: Opened) -> npt.NDArray[np.uint16]:
    """Demosaic to (H, W, 3) uint16, upright: white-balanced camera colours under sRGB's tone curve; (H, W, 1) if grey.

    Raises
    ------
    IncompleteError, DamagedError, UnsupportedError

    Notes
    -----
    LibRaw's brightening by the brightest pixel (``adjust_maximum_thr``) is off: exposure must not hang on what else is
    in the picture. LibRaw's own conversion to sRGB is not used because it clips what sRGB cannot hold, and hides which
    channel of the sensor was full. The curve is only a way to write numbers: what looks at stored values (for clipping,
    for faces) finds them spread as in any other photo.
    """
    import rawpy

    with captured_stderr() as complaints:
        try:
            linear = opened.handle.postprocess(
                use_camera_wb=True,
                no_auto_bright=True,
                adjust_maximum_thr=0.0,
                highlight_mode=rawpy.HighlightMode.Clip,
                output_color=rawpy.ColorSpace.raw,
                gamma=(1, 1),
                output_bps=16,
            )
        except rawpy.LibRawIOError as error:
            raise IncompleteError("the file ends early") from error
        except (rawpy.LibRawFileUnsupportedError, rawpy.LibRawNotImplementedError) as error:
            raise UnsupportedError("its pixels are packed in a way that LibRaw does not know") from error
    if complaints:
        raise DamagedError(complaints[0])
    if linear.shape[2] not in (1, 3):
        raise UnsupportedError(f"its sensor has {linear.shape[2]} colours")
    encode = np.rint(linear_to_srgb(np.linspace(0, 1, _LEVELS)) * (_LEVELS - 1)).astype(np.uint16)
    return np.asarray(encode[linear], np.uint16)


def find_camera_matrix(opened: Opened) -> npt.NDArray[np.float64] | None:
    """White-balanced camera colours to linear sRGB, (3, 3); None where neither the file nor LibRaw knows the camera.

    Notes
    -----
    As LibRaw and dcraw build it: a matrix in the file, else the one known for the model (XYZ under D65 to camera), its
    rows scaled so that white stays white, inverted.
    """
    raw = opened.handle
    if raw.num_colors == 1:
        return np.eye(3)
    in_file = np.asarray(raw.color_matrix, np.float64)[:, :3]
    if in_file[0, 0] > 0.125:
        return in_file
    to_camera = np.asarray(raw.rgb_xyz_matrix, np.float64)[:3] @ LINEAR_SRGB_TO_XYZ
    rows = to_camera.sum(axis=1, keepdims=True)
    if not (rows > 0).all() or abs(np.linalg.det(to_camera / rows)) < 1e-3:
        return None
    return np.asarray(np.linalg.inv(to_camera / rows))


def _read_exif(data: bytes) -> "Exif":
    """EXIF of a RAW file: most are TIFFs inside; Fuji's hold a JPEG, Canon's CR3 the directories in boxes."""
    from PIL.Image import Exif

    exif = Exif()
    try:
        if data[:2] in (b"II", b"MM"):
            # Olympus and Panasonic write letters of their own where a TIFF has its 42.
            exif.load(data[:2] + (b"*\0" if data[:2] == b"II" else b"\0*") + data[4:])
        elif data.startswith(b"FUJIFILM"):
            exif.load(data[data.index(b"Exif\0\0", 0, 1 << 20) :][: 1 << 16])
        elif data[4:8] == b"ftyp":
            exif.load(_box(data, b"CMT1"))
            details = Exif()
            details.load(_box(data, b"CMT2"))
            exif.get_ifd(0x8769).update(dict(details))
    except Exception:
        # Damage here costs the figures, not the photo.
        return Exif()
    return exif


def _box(data: bytes, name: bytes) -> bytes:
    at = data.index(name, 0, 1 << 20)
    return data[at + 4 : at - 4 + int.from_bytes(data[at - 4 : at], "big")]
