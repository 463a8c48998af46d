"""Which photos are shown beside each other, what they are called, and in which colours."""

from dataclasses import dataclass

from skinprogress.color.correcting import apply_correction
from skinprogress.color.references import shared_rung
from skinprogress.color.spaces import LINEAR_SRGB_TO_XYZ
from skinprogress.comparison.course import is_covered
from skinprogress.comparison.sentences import session_text
from skinprogress.errors import PhotoError
from skinprogress.outputs.alignment import Rgb
from skinprogress.photos.reading import read_photo, to_srgb8
from skinprogress.records import RUNGS, ClientResult, ColorCorrection, Inspection, Rung, View

MAX_HEIGHT_PX = 1400
"""Tallest picture; more than a screen shows and a fifth of the file size of the photo."""


def used_views(result: ClientResult) -> list[View]:
    """Views of the photos that were used, in the order of the photos."""
    return list(dict.fromkeys(result.plan.view_of[f] for f in result.inspections if f in result.plan.view_of))


def photos_of(result: ClientResult, view: View, session: str | None = None) -> list[Inspection]:
    """Used photos of a view (and session), in order of sessions and names."""
    order = {label: k for k, label in enumerate(result.sessions)}
    found = [
        i
        for file, i in result.inspections.items()
        if result.plan.view_of.get(file) == view and session in (None, i.ref.session)
    ]
    return sorted(found, key=lambda i: (order.get(i.ref.session, len(order)), i.ref.file))


def sessions_to_show(result: ClientResult, view: View) -> tuple[str, str] | None:
    """The first session that may be a baseline and the last one; None where a view has a single session.

    A session with numbing or another cream on the skin is shown only where there is nothing else.
    """
    every = list(dict.fromkeys(i.ref.session for i in photos_of(result, view)))
    bare = [session for session in every if not is_covered(result.plan, session)]
    sessions = bare if len(bare) > 1 else every
    if len(sessions) < 2:
        return None
    first = result.plan.baseline if result.plan.baseline in sessions[:-1] else sessions[0]
    return first, sessions[-1]


def photo_name(inspection: Inspection) -> str:
    """What a photo is called in a comparison: its date, or its file where the session says only "before"."""
    session = inspection.ref.session
    # "Before: before" tells nobody which photo it is.
    return inspection.ref.file if session.strip().lower() in ("before", "after") else session_text(session)


def read_rgb(inspection: Inspection) -> Rgb:
    """Decode the photo of an inspection as 8-bit sRGB; a photo that has gone is a PhotoError too."""
    try:
        return to_srgb8(read_photo(inspection.ref))
    except OSError as error:
        raise PhotoError("unreadable", f"{inspection.ref.file} cannot be read", "check that it still exists") from error


@dataclass(frozen=True, slots=True, eq=False)
class SharedColors:
    """The colours in which photos may be shown side by side.

    Attributes
    ----------
    rung : Rung
        What they were matched on: the worst of all; ``none`` where their colours are not expressed in the same.
    corrections : tuple of ColorCorrection or None
        None for all where nothing was matched: correcting some of them would make a difference of its own.
    brightness : float
        Factor on linear light, the same for both: it makes the first as bright as it was taken.
    """

    rung: Rung
    corrections: tuple[ColorCorrection | None, ...]
    brightness: float


def share_colors(result: ClientResult, *photos: Inspection) -> SharedColors:
    """Find the colours in which photos may be shown side by side."""
    corrections = [c for i in photos if (c := result.plan.corrections.get(i.ref.file)) is not None]
    rung: Rung = "none"
    if len(corrections) == len(photos):
        rung = max((shared_rung(corrections[0], c) for c in corrections), key=RUNGS.index)
    if rung == "none":
        return SharedColors("none", (None,) * len(photos), 1.0)
    return SharedColors(rung, tuple(corrections), _undone_brightness(photos[0], corrections[0]))


def _undone_brightness(inspection: Inspection, correction: ColorCorrection) -> float:
    """The factor that takes the corrected face back to the brightness that it was taken with.

    A card tells how much light the skin sends back, which may look darker or brighter than a good picture of it.
    """
    skin = inspection.background.skin_rgb
    before, after = (float(x @ LINEAR_SRGB_TO_XYZ[1]) for x in (skin, apply_correction(skin, correction)))
    return before / after if before > 0 and after > 0 else 1.0
