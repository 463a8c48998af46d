"""Before and after pictures, and every photo laid over the reference: rotated, scaled and shifted, never warped."""

import io
import struct
from functools import lru_cache
from pathlib import Path

import numpy as np

from skinprogress.errors import PhotoError
from skinprogress.outputs.alignment import Rgb, head_frame, photo_to_frame, render_aligned, scale_of
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.lettering import font, line_px, wrap
from skinprogress.outputs.pairs import (
    MAX_HEIGHT_PX,
    AlignedPair,
    photos_of,
    read_rgb,
    render_pair,
    sessions_to_show,
    share_colors,
    used_views,
)
from skinprogress.outputs.style import INK, MUTED, PAPER
from skinprogress.outputs.wording import TOO_SOON, caution_text, is_early, phase_text, safe_name
from skinprogress.records import ClientResult, View

_JPEG_QUALITY = 92


def render_before_after(
    result: ClientResult, *, view: View, from_session: str | None = None, to_session: str | None = None
) -> Rgb:
    """A before | after picture with dates and a true footer.

    Parameters
    ----------
    result : ClientResult
    view : View
    from_session, to_session : str or None
        None: the baseline and the last session that have the view.

    Returns
    -------
    (h, w, 3) uint8
        sRGB.

    Raises
    ------
    ValueError
        A session has no photo of the view, or the view has a single session.
    PhotoError
        A photo can no longer be read.
    """
    pair = render_pair(result, view=view, from_session=from_session, to_session=to_session)
    captions = []
    for title, session, name in zip(("Before", "After"), (pair.from_session, pair.to_session), pair.names, strict=True):
        phase = result.plan.phases.get(session)
        where = phase_text(phase)
        caution = caution_text(phase)
        if where and caution and (title == "After" or is_early(phase)):
            where += f": {caution}"
        captions.append((title, name, where))
    return _compose(pair, captions)


def write_composites(result: ClientResult, out: Path) -> list[Path]:
    """Write ``composites/before_after_{view}.jpg`` for every view that has two sessions.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Output folder.

    Returns
    -------
    list of Path
        A view whose photos can no longer be read is left out.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    written = []
    for view in used_views(result):
        if sessions_to_show(result, view) is None:
            continue
        try:
            picture = render_before_after(result, view=view)
        except PhotoError:
            continue  # photos moved away since they were measured: the numbers stay true
        written.append(write_whole(out / "composites" / f"before_after_{view}.jpg", encode_jpeg(picture)))
    return written


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


def encode_jpeg(rgb: Rgb, *, quality: int = _JPEG_QUALITY) -> bytes:
    """Encode a picture as JPEG that says it is sRGB and carries nothing else of where it came from."""
    from PIL import Image

    buffer = io.BytesIO()
    # Full colour resolution: halved chroma smears exactly the redness that people look for.
    Image.fromarray(rgb).save(
        buffer, "JPEG", quality=quality, subsampling=0, optimize=True, icc_profile=_srgb_profile()
    )
    return buffer.getvalue()


@lru_cache(maxsize=1)
def _srgb_profile() -> bytes:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # The time at which the profile was made (bytes 24 to 35 of its header) would make every file different.
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]


def _compose(pair: AlignedPair, captions: list[tuple[str, str, str]]) -> Rgb:
    """Both pictures side by side on white, captions above, the footer below."""
    from PIL import Image, ImageDraw

    height, width = pair.before.shape[:2]
    size = int(np.clip(width / 26, 13, 34))
    margin, gap = round(1.2 * size), max(4, round(0.35 * size))
    total = max(2 * width + gap, 34 * size) + 2 * margin
    left = (total - 2 * width - gap) // 2
    # Too soon to judge is no small print.
    place, warned = font(round(0.85 * size)), font(round(0.85 * size), bold=True)
    column = max(width, (total - 2 * margin - gap) // 2)
    blocks = [
        [
            *((line, font(round(1.15 * size), bold=True), INK) for line in (title,)),
            *((line, font(size), INK) for line in wrap(date, font(size), column)),
            *(
                (line, warned if where.endswith(TOO_SOON) else place, INK if where.endswith(TOO_SOON) else MUTED)
                for line in wrap(where, warned, column)
            ),
        ]
        for title, date, where in captions
    ]
    small = font(max(11, round(0.72 * size)))
    strong = font(max(11, round(0.72 * size)), bold=True)
    # The warning stands first and in bold: this picture travels without the report.
    lines = [(line, strong, INK) for line in wrap(pair.warning, strong, total - 2 * margin)]
    lines += [(line, small, MUTED) for line in wrap(pair.footer, small, total - 2 * margin)]
    head = margin + max(sum(line_px(f) for _, f, _ in block) for block in blocks) + round(0.6 * size)
    foot = round(0.7 * size) + len(lines) * line_px(small) + round(0.8 * margin)
    canvas = Image.new("RGB", (total, head + height + foot), PAPER)
    draw = ImageDraw.Draw(canvas)
    for k, (block, picture) in enumerate(zip(blocks, (pair.before, pair.after), strict=True)):
        x, y = left + k * (width + gap), margin
        text_x = x if column == width else margin + k * (column + gap)
        for line, face, color in block:
            draw.text((text_x, y), line, font=face, fill=color)
            y += line_px(face)
        canvas.paste(Image.fromarray(picture), (x, head))
    y = head + height + round(0.7 * size)
    for line, face, color in lines:
        draw.text((margin, y), line, font=face, fill=color)
        y += line_px(small)
    return np.asarray(canvas, np.uint8)
