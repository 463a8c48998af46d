"""What the camera wrote down beside the picture. Only a fixed list is taken: a location never leaves the file."""

from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from skinprogress.photos.quiet import borrowed_pillow
from skinprogress.photos.retouching import find_creator_tool, find_mode, may_retouch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Exif

_EXIF_IFD, _INTEROP_IFD = 0x8769, 0xA005
_ORIENTATION, _COLOR_SPACE = 0x0112, 0xA001

_TEXTS = {"make": 0x010F, "model": 0x0110, "software": 0x0131}
_EXIF_TEXTS = {"lens": 0xA434}
_EXIF_NUMBERS = {
    "focal_length_mm": 0x920A,
    "focal_length_35mm": 0xA405,
    "f_number": 0x829D,
    "iso": 0x8827,
    "exposure_bias_ev": 0x9204,
    "digital_zoom": 0xA404,
}
_EXPOSURE_TIME, _FLASH, _WHITE_BALANCE = 0x829A, 0x9209, 0xA403
_CUSTOM_RENDERED, _SCENE, _COMMENT = 0xA401, 0xA406, 0x9286
_DATES = (0x9003, 0x9004)
"""DateTimeOriginal, DateTimeDigitized. The plain DateTime is when a program last saved the file: not used."""

_LONGEST_TEXT = 80


def find_jpeg_quality(table: "Sequence[int]") -> float:
    """Quality of a JPEG from the steps of its brightness, 1 to 100, as the common encoder (libjpeg) counts it.

    Parameters
    ----------
    table : sequence of 64 int
        Quantisation table of the brightness.

    Examples
    --------
    >>> find_jpeg_quality([2 * step for step in range(0, 128, 2)]) < 30
    True
    """
    # Of the table that the JPEG standard suggests, which libjpeg calls quality 50.
    percent = 100.0 * sum(table) / len(table) / 57.625
    return max(1.0, 100.0 - percent / 2.0 if percent <= 100.0 else 5000.0 / percent)


def read_metadata(exif: "Exif", xmp: bytes = b"") -> dict[str, str]:
    """Camera, exposure and software, as far as recorded and readable.

    Parameters
    ----------
    exif : Exif
    xmp : bytes
        Adobe's metadata.

    Returns
    -------
    dict of str to str
        Any of ``make``, ``model``, ``lens``, ``software``, ``focal_length_mm``, ``focal_length_35mm``,
        ``exposure_time_s`` (a fraction such as ``1/60`` where below 0.3), ``f_number``, ``iso``,
        ``exposure_bias_ev``, ``digital_zoom``, ``flash`` (``fired``, ``not fired``), ``white_balance`` (``auto``,
        ``manual``), ``mode`` (``portrait``, ``beauty``, ``filter``), ``taken_at`` (ISO 8601). Never a location, an
        owner, a serial number or a comment.
    """
    details = _directory(exif, _EXIF_IFD)
    found = {name: _text(_entry(exif, tag)) for name, tag in _TEXTS.items()}
    found |= {name: _text(details.get(tag)) for name, tag in _EXIF_TEXTS.items()}
    found |= {name: _decimal(details.get(tag)) for name, tag in _EXIF_NUMBERS.items()}
    found["exposure_time_s"] = _exposure_time(details.get(_EXPOSURE_TIME))
    flash, white_balance = (_number(details.get(tag)) for tag in (_FLASH, _WHITE_BALANCE))
    if flash is not None:
        found["flash"] = "fired" if int(flash) & 1 else "not fired"
    if white_balance in (0, 1):
        found["white_balance"] = "auto" if white_balance == 0 else "manual"
    tool = _text(find_creator_tool(xmp))
    if not found["software"] or (may_retouch(tool) and not may_retouch(found["software"])):
        found["software"] = tool
    comment = details.get(_COMMENT)
    found["mode"] = find_mode(
        custom_rendered=_number(details.get(_CUSTOM_RENDERED)),
        scene=_number(details.get(_SCENE)),
        notes=(comment.replace(b"\0", b"") if isinstance(comment, bytes) else b"") + b"\n" + xmp,
    )
    taken_at = read_taken_at(exif)
    found["taken_at"] = taken_at.isoformat() if taken_at else ""
    return {name: value for name, value in found.items() if value}


def read_taken_at(exif: "Exif") -> datetime | None:
    """Local time at which the photo was taken, or None where the camera did not write it or wrote nonsense."""
    details = _directory(exif, _EXIF_IFD)
    for tag in _DATES:
        try:
            taken_at = datetime.strptime(_text(details.get(tag))[:19], "%Y:%m:%d %H:%M:%S")
        except ValueError:
            continue
        # Cameras whose clock was never set start at their epoch; some programs write 9999 for "unknown".
        if 1990 < taken_at.year < 2100:
            return taken_at
    return None


def read_orientation(exif: "Exif") -> int:
    """EXIF orientation 1..8; 1 where it is missing or nonsense."""
    value = _number(_entry(exif, _ORIENTATION))
    return int(value) if value is not None and value in range(1, 9) else 1


def read_declared_space(exif: "Exif") -> str:
    """Colour space that the camera declared without a profile: ``sRGB``, ``Adobe RGB`` or nothing."""
    value = _number(_directory(exif, _EXIF_IFD).get(_COLOR_SPACE))
    if value == 1:
        return "sRGB"
    # Cameras set to Adobe RGB often write no profile: "uncalibrated", and R03 in the interoperability directory (DCF).
    if value == 2 or (value == 65535 and _text(_directory(exif, _INTEROP_IFD).get(1)) == "R03"):
        return "Adobe RGB"
    return ""


def _directory(exif: "Exif", tag: int) -> dict[int, Any]:
    # Pillow decodes entries when they are asked for, and warns of odd ones only then.
    with borrowed_pillow():
        try:
            # A damaged directory raises whatever its numbers lead to; it costs the figures, not the photo.
            return dict(exif.get_ifd(tag))
        except Exception:
            return {}


def _entry(exif: "Exif", tag: int) -> Any:
    with borrowed_pillow():
        try:
            return exif.get(tag)
        except Exception:
            return None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    kept = "".join(character for character in value.split("\0")[0] if character.isprintable())
    return kept.strip()[:_LONGEST_TEXT]


def _number(value: Any) -> float | None:
    if isinstance(value, tuple) and value:
        value = value[0]
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if abs(number) < 1e9 else None


def _decimal(value: Any) -> str:
    number = _number(value)
    return "" if number is None else f"{number:.6g}"


def _exposure_time(value: Any) -> str:
    seconds = _number(value)
    if seconds is None or seconds <= 0:
        return ""
    return str(Fraction(1, round(1 / seconds))) if seconds < 0.3 else f"{seconds:.3g}"
