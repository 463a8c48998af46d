"""Why a photo cannot be used, and what to do about it, in words."""

from skinprogress.errors import PhotoError
from skinprogress.photos.raw import RAW_REMEDY

MAX_MEGAPIXELS = 200
MIN_SIDE_PX = 64

_COPY_AGAIN = "copy it again from the camera or phone; if the original looks damaged too, take another photo"
_ERRORS = {
    "file_missing": (
        "{name} is not there",
        "check the name, and whether the drive or the cloud folder that holds it is connected",
    ),
    "changed": (
        "{name} changed while it was being worked on",
        "wait until it is copied or saved completely, then run again",
    ),
    "not_read": (
        "the drive could not read {name} ({why})",
        "check the drive and the connection to it, then run again",
    ),
    "permission_denied": (
        "{name} may not be read by this user account",
        "allow reading in the properties of the file, or copy it into a folder of your own",
    ),
    "empty_file": ("{name} is empty (0 bytes)", "copy it again from the camera or phone"),
    "not_an_image": ("{name} is not a picture ({why})", "take it out of the folder, or export it as JPEG, PNG or TIFF"),
    "truncated": ("the end of {name} is missing, so part of the picture is not there", _COPY_AGAIN),
    "unreadable": ("{name} cannot be decoded ({why})", _COPY_AGAIN),
    "unsupported": ("{name} cannot be used ({why})", "export it as JPEG, PNG or TIFF with 8 or 16 bits a channel"),
    "raw_not_supported": (
        "{name} is a camera RAW file, and the package that reads those is not installed",
        RAW_REMEDY,
    ),
    "too_large": (
        "{name} has {why} megapixels and the limit is " + str(MAX_MEGAPIXELS),
        "save a smaller copy of it and use that",
    ),
    "too_small": (
        "{name} is only {why} pixels and each side needs " + str(MIN_SIDE_PX),
        "use the original photo, not its thumbnail",
    ),
}


def photo_error(code: str, name: str, *, why: str = "") -> PhotoError:
    """The error about a photo called `name`: a row of the table above; `why` fills its gap."""
    reason, remedy = _ERRORS[code]
    return PhotoError(code, reason.format(name=name, why=why), remedy)


def short_words(error: Exception) -> str:
    """The libraries' own words, short."""
    words = printable_name(str(error))[:120] or type(error).__name__
    # "cannot identify image file <_io.BytesIO object at 0x7f…>" helps nobody and reads differently in every run.
    return "its header is damaged" if " object at 0x" in words else words


def printable_name(text: str) -> str:
    """Text for a line on screen or in a table: names may hold newlines, and bytes that are no characters."""
    return "".join(character if character.isprintable() else "?" for character in text)
