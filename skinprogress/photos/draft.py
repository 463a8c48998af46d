"""Drafting ``course.toml`` for a person to fill in."""

import contextlib
import os
import secrets
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from skinprogress.errors import OutputError
from skinprogress.photos.scan import COURSE_FILE, find_course_file, one_line
from skinprogress.records import Flag, PhotoRef

if TYPE_CHECKING:
    from skinprogress.photos.folder import FolderListing

_HEAD = """\
# What the photos cannot tell about this course of treatments. Everything is optional.
# Lines that begin with # do nothing: take the # away and correct what stands there.
# This file beats what the program finds by itself, and the program never changes it.

[client]
label = {label}

# [course]
# planned = 3                          # how many treatments are planned
# aim = ["texture", "acne scars"]      # in your own words
# reference_region = "neck"            # a region that is not treated, to compare redness with
# color_reference = "auto"             # or card, patch, background, none: the one thing to match colours on
# card_edition = "auto"                # of a 24-patch colour card: "2014" (made since November 2014) or "classic"

# One block for each treatment. With the time of day, photos before and after it are told apart.
# Times are those of the clock on the wall: 2026-03-14T15:30, or 2026-03-14 where only the day is known.
# [[treatments]]
# at = {example}
# kind = "microneedling"
# setting = "clinic"                   # clinic, home or maintenance
# number = 1
# device = ""
# depth_mm = 1.5                       # or by region: {{forehead = 1.0, cheeks = 1.5}}
# areas = ["forehead", "cheeks"]       # leave out for the whole face
# products = []

# Without this block, consent counts as "not recorded", never as yes.
# [consent]
# publish = false
# scope = ["web"]
# given = 2026-03-01
# until = 2027-03-01

# A place to be followed, outlined in one photo, in its pixels from the top left.
# [[marks]]
# name = "scar on chin"
# photo = {photo}
# circle = [1510, 2240, 60]            # x, y, radius; or polygon = [[x, y], [x, y], [x, y]]

# The photos, as the program understands them now. Below each name you can write any of
#   at = 2026-03-14T16:30        when it was taken
#   session = "2026-03-14"       photos with the same session are one visit
#   stage = "pre"                pre, numbing, directly after, after cream
#   view = "front"               front, left_oblique, right_oblique, left_profile, right_profile: client's own side
#   mirrored = true              a selfie that shows the client as in a mirror
#   makeup = true                the same for cream and filter (a beauty filter of the camera)
#   patch = [40, 1200, 180, 160] a grey or white card in the photo: x, y, width, height in pixels
#   patch_reflectance = 0.18     of that card; white paper sends back 0.9, which is what stands here if you say nothing
#   points = [[310, 900], [1260, 905]]  skin off the face: the same places in each photo, to lay them over each other
#   face = 2                     the second largest face is the client's
#   exclude = true               leave the photo out
"""


def draft_course(listing: "FolderListing") -> str:
    """Draft a course file from what a folder holds.

    Parameters
    ----------
    listing : FolderListing

    Returns
    -------
    str
        Valid TOML that says nothing but the client's label, which is that of the listing: as it stands it changes
        nothing. What a person would fill in is there as comments.
    """
    first = listing.photos[0] if listing.photos else None
    day = next((ref.taken_at.date().isoformat() for ref in listing.photos if ref.taken_at), "2026-03-14")
    photo = _quoted(first.file if first else "IMG_0003.jpg")
    parts = [_HEAD.format(label=_quoted(listing.client), example=f"{day}T15:30", photo=photo)]
    for session, refs in groupby(listing.photos, key=lambda ref: ref.session):
        parts.append(f"# ---- session {one_line(session)} ----")
        parts += [_draft_photo(ref) for ref in refs]
    if listing.rejected:
        parts.append("# ---- not used ----")
        parts += [f"# {one_line(item.file)}: {one_line(item.reason)}" for item in listing.rejected]
    return "\n".join(parts).rstrip("\n") + "\n"


def write_draft(folder: Path, text: str) -> tuple[Path, bool]:
    """Write a drafted course file, unless there is one.

    Parameters
    ----------
    folder : Path
        The client's folder.
    text : str

    Returns
    -------
    path : Path
        Of the course file.
    written : bool
        False where a course file was there already; it is left as it is.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    if (there := find_course_file(folder)) is not None:
        return there, False
    path = folder / COURSE_FILE
    beside = folder / f".{secrets.token_hex(6)}.tmp"
    try:
        # open() rather than tempfile: the file gets the permissions that the user's umask asks for.
        with beside.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        return path, _rename_new(beside, path)
    except OSError as error:
        raise OutputError(
            f"{one_line(str(path))} cannot be written ({error.strerror or error})",
            "allow writing in the folder, or copy the photos into a folder of your own",
        ) from error
    finally:
        # Ctrl-C too: nothing half-written stays behind.
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def _rename_new(beside: Path, path: Path) -> bool:
    """Give a file its name unless another program has just made one of that name."""
    try:
        os.link(beside, path)
    except FileExistsError:
        return False
    except OSError:
        # File systems without hard links (exFAT sticks): the moment between look and rename stays open.
        if os.path.lexists(path):
            return False
        beside.replace(path)
    return True


def _draft_photo(ref: PhotoRef) -> str:
    doubts = []
    at = "2026-03-01T16:30"
    if ref.taken_at is None:
        doubts.append("an example: the date is not known")
    else:
        at = ref.taken_at.isoformat(timespec="seconds")
        if Flag.DATE_FROM_NAME in ref.flags:
            doubts.append("read from the name")
        if Flag.TIME_UNKNOWN in ref.flags:
            at = at[:10]
            doubts.append("the time of day is not known")
    stage, doubt = (ref.stage, "from the name") if ref.stage else ("pre", "an example: the stage is not known")
    lines = [
        f"[photos.{_quoted(ref.file)}]",
        f"{f'# at = {at}':<38} # {'; '.join(doubts) or 'from the camera or from you'}",
        f"{f'# stage = {_quoted(stage)}':<38} # {doubt}",
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string; control characters escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else _escape(c) for c in escaped) + '"'


def _escape(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"
