"""The composites of a run, and every photo laid over the reference: rotated, scaled and shifted, never warped."""

import contextlib
import os
from pathlib import Path

from skinprogress.errors import PhotoError, UsageError
from skinprogress.outputs.alignment import Rgb, head_frame, photo_to_frame, render_aligned, scale_of
from skinprogress.outputs.composing.consent import rule_for_outputs
from skinprogress.outputs.composing.encoding import QUALITY, encode
from skinprogress.outputs.composing.planning import plan_composite
from skinprogress.outputs.composing.recipe import CompositeOptions, Layout
from skinprogress.outputs.composing.writing import write_composite
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.pairs import (
    MAX_HEIGHT_PX,
    photos_of,
    read_rgb,
    sessions_to_show,
    share_colors,
    used_views,
)
from skinprogress.outputs.wording import safe_name
from skinprogress.photos.files import keep_photos
from skinprogress.records import ClientResult, View
from skinprogress.settings import OutputOptions

# Layout, name of the file, longer side at most, and whether it needs three sessions.
_COMPOSITES: tuple[tuple[Layout, str, int, bool], ...] = (
    ("side-by-side", "before_after", 2240, False),
    ("split", "split", 1600, False),
    ("regions", "regions", 2240, False),
    ("strip", "strip", 2800, True),
    ("flicker", "flicker", 1080, True),
    ("timelapse", "timelapse", 1080, True),
)


@keep_photos()
def write_composites(result: ClientResult, out: Path, *, options: OutputOptions | None = None) -> list[Path]:
    """Write the composites of a run, each with its recipe beside it, for every view that has two sessions.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Output folder.
    options : OutputOptions, optional
        ``need_consent`` and ``home`` are used.

    Returns
    -------
    list of Path
        ``composites/before_after_{view}.jpg``, ``split_{view}.jpg`` and ``regions_{view}.jpg``; from three sessions on
        ``strip_{view}.jpg``, ``flicker_{view}.webp`` and ``timelapse_{view}.mp4`` too. What cannot be made any more,
        because a photo has gone or is another one by now, or that would show next to nothing, because the faces are
        small, is left out; all of it where the client does not consent, or has to and it is not recorded.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    if not rule_for_outputs(result.plan.course.consent, options).allowed:
        return []
    written = []
    folder = out / "composites"
    home = out if options is None or options.home is None else options.home
    photos = _way_to_photos(result, home / "composites")
    for view in used_views(result):
        ends = sessions_to_show(result, view)
        if ends is None:
            continue
        shown = {i.ref.session for i in photos_of(result, view)}
        for layout, name, size_px, many in _COMPOSITES:
            if many and len(shown) < 3:
                continue
            design = CompositeOptions(layout=layout, size_px=size_px)
            sessions = () if many and layout != "flicker" else ends
            try:
                recipe = plan_composite(result, view=view, sessions=sessions, options=design, photos=photos)
            except UsageError:
                continue  # the faces are too small in the photos for this one
            path = folder / f"{name}_{view}.{recipe.options.format}"
            # Photos may have moved away since they were measured: the numbers stay true.
            with contextlib.suppress(PhotoError):
                written += write_composite(result, recipe, path)
    return written


def _way_to_photos(result: ClientResult, folder: Path) -> str:
    """From the folder of the composites to that of the photos; empty where it lies on another drive, or is not told."""
    if not result.folder.is_dir():
        return ""
    try:
        return Path(os.path.relpath(result.folder, folder)).as_posix()
    except ValueError:
        return ""


def aligned_names(result: ClientResult) -> dict[str, str]:
    """File of a used photo to the name of its aligned picture, ``{session}_{n}_{view}.jpg``."""
    names: dict[str, str] = {}
    counts: dict[tuple[str, View], int] = {}
    for view in used_views(result):
        for inspection in photos_of(result, view):
            label = safe_name(inspection.ref.session)
            # Counted by the safe label in lower case: two sessions may differ only in what a file name cannot hold.
            key = (label.lower(), view)
            counts[key] = counts.get(key, 0) + 1
            names[inspection.ref.file] = f"{label}_{counts[key]}_{view}.jpg"
    return names


def write_aligned(result: ClientResult, out: Path) -> list[Path]:
    """Write every used photo in the frame of its view's reference photo to ``aligned/``.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Output folder.

    Returns
    -------
    list of Path
        A photo that can no longer be read is left out.

    Raises
    ------
    OutputError
        A file cannot be written.

    Notes
    -----
    All pictures of a view show the same frame, each in its own resolution: a small photo is not blown up, and it does
    not cost the others their detail. Places outside a photo are flat grey. Photos whose colours are matched with those
    of the reference photo are shown so; others as they were taken.
    """
    names = aligned_names(result)
    written = []
    for view in used_views(result):
        frame = head_frame(result, view)
        photos = photos_of(result, view)
        reference = result.inspections.get(result.plan.reference_of.get(view, ""), photos[0])
        limit = MAX_HEIGHT_PX / (frame.box[3] - frame.box[1])
        for inspection in photos:
            to_frame = photo_to_frame(inspection, frame)
            try:
                rgb = read_rgb(inspection)
            except PhotoError:
                continue
            colors = share_colors(result, reference, inspection)
            picture = render_aligned(
                rgb,
                to_frame,
                frame.box,
                px_per_unit=min(limit, 1 / scale_of(to_frame)),
                correction=colors.corrections[1],
                brightness=colors.brightness,
            )
            written.append(write_whole(out / "aligned" / names[inspection.ref.file], encode_jpeg(picture)))
    return written


def encode_jpeg(rgb: Rgb, *, quality: int = QUALITY) -> bytes:
    """Encode a picture as JPEG that says it is sRGB and carries nothing else of where it came from."""
    return encode(rgb, "jpg", quality=quality)
