"""Two photos of one view laid over each other, and what must be said beside them."""

from dataclasses import dataclass

import numpy as np

from skinprogress.color.correcting import apply_correction
from skinprogress.color.references import shared_rung
from skinprogress.color.spaces import LINEAR_SRGB_TO_XYZ
from skinprogress.comparison.course import is_covered
from skinprogress.comparison.sentences import session_text
from skinprogress.errors import PhotoError
from skinprogress.outputs.alignment import (
    Rgb,
    common_box,
    head_frame,
    photo_to_frame,
    render_aligned,
    scale_of,
)
from skinprogress.outputs.chosen import comparison_of
from skinprogress.outputs.wording import MATCHED, flag_texts
from skinprogress.photos.reading import read_photo, to_srgb8
from skinprogress.records import ClientResult, ColorCorrection, Comparison, Flag, Inspection, Rung, View

MAX_HEIGHT_PX = 1400
"""Tallest picture; more than a screen shows and a fifth of the file size of the photo."""
# Factors nearer to 1 than this (natural log) cannot be seen.
_SEEN = 0.02
_DECLARED = (
    Flag.MAKEUP_DECLARED,
    Flag.CREAM_DECLARED,
    Flag.FILTER_DECLARED,
    Flag.NOT_A_BASELINE,
    Flag.MIRRORED,
    Flag.MIRRORED_FOUND,
)


@dataclass(frozen=True, slots=True, eq=False)
class AlignedPair:
    """Two photos of one view in the same crop, and what must be said beside them.

    Attributes
    ----------
    before, after : (h, w, 3) uint8
        sRGB, the same size.
    names : (str, str)
        What both are called beside the picture: the date, or the file where the session says no more than "before".
    color_reference : Rung
        What the colour of both was matched on.
    brightness : float
        What both were multiplied by, in linear light, so that the first is as bright as it was taken.
    grade : str
        How comparable the two sessions are, A to F; empty where nobody said.
    warning : str
        Why the pair must not be taken at face value: grade C or worse, with what differs; empty for a fair pair.
    remarks : tuple of str
        Differences between the photos that can pass for a change of the skin.
    """

    view: View
    from_session: str
    to_session: str
    names: tuple[str, str]
    before: Rgb
    after: Rgb
    color_reference: Rung
    brightness: float
    grade: str
    warning: str
    remarks: tuple[str, ...]

    @property
    def footer(self) -> str:
        """One true line on how the pair was made."""
        lines = ["Aligned by rotation, scale and shift; " + MATCHED[self.color_reference] + "."]
        if abs(np.log(self.brightness)) > _SEEN:
            lines.append("the first is as bright as it was taken, the second in true proportion to it")
        lines += self.remarks
        return " ".join(line if line.endswith(".") else f"{line[0].upper()}{line[1:]}." for line in lines)


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


def render_pair(
    result: ClientResult, *, view: View, from_session: str | None = None, to_session: str | None = None
) -> AlignedPair:
    """Lay the best photo of one session over the best of another.

    Parameters
    ----------
    result : ClientResult
    view : View
    from_session, to_session : str or None
        None: the baseline and the last session that have the view.

    Returns
    -------
    AlignedPair
        Cropped to what both photos cover, and no larger than the coarser of them.

    Raises
    ------
    ValueError
        A session has no photo of the view, or the view has a single session.
    PhotoError
        A photo can no longer be read.
    """
    default = sessions_to_show(result, view)
    if default is None and (from_session is None or to_session is None):
        raise ValueError(f"view {view} has photos of one session only: a comparison needs two")
    sessions = from_session or (default or ("",))[0], to_session or (default or ("",))[-1]
    best = []
    for session in sessions:
        if not (photos := photos_of(result, view, session)):
            raise ValueError(f"session {session} has no used photo of view {view}")
        best.append(max(photos, key=lambda i: i.quality))
    frame = head_frame(result, view)
    maps = [photo_to_frame(i, frame) for i in best]
    box = common_box(best, frame)
    px_per_unit = min(*(1 / scale_of(m) for m in maps), MAX_HEIGHT_PX / (box[3] - box[1]))
    colors = share_colors(result, *best)
    comparison = comparison_of(result, *sessions, view)
    before, after = (
        render_aligned(
            read_rgb(i), m, box, px_per_unit=px_per_unit, correction=correction, brightness=colors.brightness
        )
        for i, m, correction in zip(best, maps, colors.corrections, strict=True)
    )
    return AlignedPair(
        view=view,
        from_session=sessions[0],
        to_session=sessions[1],
        names=(photo_name(best[0]), photo_name(best[1])),
        before=before,
        after=after,
        color_reference=colors.rung,
        brightness=colors.brightness,
        grade=comparison.grade if comparison is not None else "",
        warning=_warning(comparison),
        remarks=tuple(_remarks(comparison, best)),
    )


def photo_name(inspection: Inspection) -> str:
    """What a photo is called in a comparison: its date, or its file where the session says only "before"."""
    session = inspection.ref.session
    # "Before: before" tells nobody which photo it is.
    return inspection.ref.file if session.strip().lower() in ("before", "after") else session_text(session)


def _warning(comparison: Comparison | None) -> str:
    if comparison is None or comparison.grade <= "B":
        return ""
    differs = "; ".join(comparison.reasons)
    if comparison.grade == "F":
        return f"Not comparable (grade F): {differs}."
    return f"Compare with care (grade {comparison.grade}): {differs}."


def read_rgb(inspection: Inspection) -> Rgb:
    """Decode the photo of an inspection as 8-bit sRGB; a photo that has gone is a PhotoError too."""
    try:
        return to_srgb8(read_photo(inspection.ref))
    except OSError as error:
        raise PhotoError("unreadable", f"{inspection.ref.file} cannot be read", "check that it still exists") from error


@dataclass(frozen=True, slots=True, eq=False)
class SharedColors:
    """The colours in which two photos may be shown side by side.

    Attributes
    ----------
    rung : Rung
        What they were matched on: the worse of both; ``none`` where their colours are not expressed in the same.
    corrections : (ColorCorrection or None, ColorCorrection or None)
        None for both where nothing was matched: correcting one of two would make a difference of its own.
    brightness : float
        Factor on linear light, the same for both: it makes the first as bright as it was taken.
    """

    rung: Rung
    corrections: tuple[ColorCorrection | None, ColorCorrection | None]
    brightness: float


def share_colors(result: ClientResult, first: Inspection, second: Inspection) -> SharedColors:
    """Find the colours in which two photos may be shown side by side."""
    a, b = (result.plan.corrections.get(i.ref.file) for i in (first, second))
    rung = shared_rung(a, b) if a is not None and b is not None else "none"
    if a is None or b is None or rung == "none":
        return SharedColors("none", (None, None), 1.0)
    return SharedColors(rung, (a, b), _undone_brightness(first, a))


def _undone_brightness(inspection: Inspection, correction: ColorCorrection) -> float:
    """Factor that takes the corrected face back to the brightness that it was taken with.

    A card tells how much light the skin sends back, which may look darker or brighter than a good picture of it.
    """
    skin = inspection.background.skin_rgb
    before, after = (float(x @ LINEAR_SRGB_TO_XYZ[1]) for x in (skin, apply_correction(skin, correction)))
    return before / after if before > 0 and after > 0 else 1.0


def _remarks(comparison: Comparison | None, photos: list[Inspection]) -> list[str]:
    """What differs in a fair pair, and what was declared of each photo."""
    texts = []
    if comparison is not None and comparison.reasons and not _warning(comparison):
        texts.append("small differences: " + "; ".join(comparison.reasons))
    for word, inspection in zip(("before", "after"), photos, strict=True):
        texts += [f"{word}: {t}" for t in flag_texts(inspection.flags | inspection.ref.flags, _DECLARED)]
    return texts
