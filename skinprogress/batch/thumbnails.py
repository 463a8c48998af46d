"""Small pictures of a client's first and last session, for the page of all clients."""

from pathlib import Path

from skinprogress.errors import PhotoError
from skinprogress.outputs.alignment import Rgb, common_box, head_frame, photo_to_frame, render_aligned
from skinprogress.outputs.composites import encode_jpeg
from skinprogress.outputs.files import THUMBNAILS, write_whole
from skinprogress.outputs.pairs import photos_of, read_rgb, sessions_to_show, share_colors, used_views
from skinprogress.records import ClientResult, Inspection, View

HEIGHT_PX = 160
_QUALITY = 85


def write_thumbnails(result: ClientResult, folder: Path) -> list[Path]:
    """Write what the page of all clients shows of one: two heads laid over each other, in one cut and shared colours.

    Parameters
    ----------
    result : ClientResult
    folder : Path
        The client's folder of results.

    Returns
    -------
    list of Path
        ``thumbnails/first.jpg`` and ``thumbnails/last.jpg``, sRGB, 160 px high, with nothing in them of where they come
        from: the sessions that composites show, of the front if that has two. ``first.jpg`` alone where there is one
        session; nothing where a photo cannot be read any more.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    view, photos = _choose(result)
    if view is None:
        return []
    try:
        pictures = _render(result, view, photos)
    except PhotoError:
        return []
    places = [folder / THUMBNAILS / name for name in ("first.jpg", "last.jpg")[: len(pictures)]]
    return [
        write_whole(place, encode_jpeg(picture, quality=_QUALITY))
        for place, picture in zip(places, pictures, strict=True)
    ]


def _choose(result: ClientResult) -> tuple[View | None, list[Inspection]]:
    """The best photo of the first and last session of a view; of its only session where no view has two."""
    views = sorted(used_views(result), key=lambda view: view != "front")
    with_ends = next((view for view in views if sessions_to_show(result, view)), None)
    view = with_ends or next(iter(views), None)
    if view is None:
        return None, []
    sessions = sessions_to_show(result, view) or (photos_of(result, view)[0].ref.session,)
    return view, [max(photos_of(result, view, session), key=lambda i: i.quality) for session in sessions]


def _render(result: ClientResult, view: View, photos: list[Inspection]) -> list[Rgb]:
    frame = head_frame(result, view)
    box = common_box(photos, frame)
    colors = share_colors(result, *photos)
    return [
        render_aligned(
            read_rgb(photo),
            photo_to_frame(photo, frame),
            box,
            px_per_unit=HEIGHT_PX / (box[3] - box[1]),
            correction=correction,
            brightness=colors.brightness,
        )
        for photo, correction in zip(photos, colors.corrections, strict=True)
    ]
