"""What the colour of each photo was matched on, and how far it can be trusted, in words and pictures."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skinprogress.color.card_fit import CardFit, fit_card
from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.comparison.planning import card_edition
from skinprogress.outputs.alignment import Rgb
from skinprogress.outputs.color_pictures import CARD_PX, card_distances, render_card, render_patch, render_thumb
from skinprogress.outputs.once import once
from skinprogress.outputs.pictures import Embed
from skinprogress.outputs.style import number_text
from skinprogress.outputs.wording import RUNG_TITLES, flag_texts, listed, sentence
from skinprogress.records import RUNGS, ClientResult, ColorCorrection, Flag, Inspection, View

REMEDY = "keep a colour card, or the same wall or white T-shirt, in every photo, and the lamps as they are"
"""What helps where nothing could be matched."""
_NAMED = 3
_SAID_BY_REASON = Flag.COLOR_NOT_MATCHED | Flag.BACKGROUND_PLAIN | Flag.CARD_UNUSABLE
_OF_COLOR = (
    _SAID_BY_REASON
    | Flag.NO_COLOR
    | Flag.FILTER_SUSPECTED
    | Flag.FILTER_DECLARED
    | Flag.PROFILE_MISSING
    | Flag.PROFILE_UNREADABLE
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColorPicture:
    """One picture of a row, with the words below it; `wide` ones show a whole card."""

    rgb: Rgb
    caption: str
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhotoColor:
    """The colour of one photo.

    Attributes
    ----------
    title : str
        What it was matched on, in a word or two.
    short : str
        The most important figure, for a line of its own.
    reason : str
        Why this reference.
    figures : tuple of (what, value)
        What uncertainty is left (± 95 %), and what is left on the reference.
    remarks : tuple of str
        What to bear in mind, and what helps next time; sentences.
    """

    file: str
    view: View
    title: str
    short: str
    reason: str
    figures: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...]
    pictures: tuple[ColorPicture, ...]


def describe_colors(result: ClientResult, view: View | None = None) -> Iterator[PhotoColor]:
    """What the colour of each used photo was matched on; of one view, or of all.

    Parameters
    ----------
    result : ClientResult
    view : View or None

    Yields
    ------
    PhotoColor
        In the order of the photos; made from what their inspections keep, no photo is read again.
    """
    for file in result.inspections:
        if file in result.plan.corrections and view in (None, result.plan.view_of.get(file)):
            yield _describe_color(result, file)


@once
def _describe_color(result: ClientResult, file: str) -> PhotoColor:
    inspection, correction = result.inspections[file], result.plan.corrections[file]
    card = inspection.card
    edition = card_edition(result.plan.course, result.settings)
    fit = None if card is None or card.problem else fit_card(card, edition=edition)
    remarks = [*_card_remarks(inspection, correction, fit)]
    remarks += flag_texts((correction.flags | inspection.flags) & _OF_COLOR & ~_SAID_BY_REASON, with_remedy=True)
    return PhotoColor(
        file=file,
        view=result.plan.view_of[file],
        title="reference photo" if _is_measure(correction) else RUNG_TITLES[correction.rung],
        short=_short(correction),
        reason=correction.reason,
        figures=tuple(_figures(correction)),
        remarks=tuple(map(sentence, remarks)),
        pictures=tuple(_pictures(result, inspection, correction, fit)),
    )


def colors_for_report(result: ClientResult, embed: Embed) -> Iterator[dict[str, Any]]:
    """The same as data for the page; pictures with the size that they have there, half their px."""
    for photo in describe_colors(result):
        pictures = [
            {
                "uri": embed(p.rgb, max_side=CARD_PX, quality=80),
                "caption": p.caption,
                "wide": p.wide,
                "width": p.rgb.shape[1] // 2,
                "height": p.rgb.shape[0] // 2,
            }
            for p in photo.pictures
        ]
        yield {"photo": photo, "pictures": pictures}


def explain_colors(result: ClientResult, view: View | None = None) -> list[str]:
    """Which photos can be compared in colour with each other, and which with none; one sentence each."""
    files = [f for f in result.inspections if f in result.plan.corrections]
    files = [f for f in files if view in (None, result.plan.view_of[f])]
    groups: dict[str, list[str]] = {}
    for file in files:
        groups.setdefault(result.plan.corrections[file].anchor, []).append(file)
    # A photo that others were to be carried to, and none was.
    alone = [f for anchor, group in groups.items() for f in group if not anchor or group == [anchor]]
    told = []
    for anchor, group in groups.items():
        if anchor and group != [anchor]:
            told.append(_compared(result, anchor, group, everyone=len(group) == len(files)))
    if alone:
        told.append(
            f"Nothing was matched in {'any photo' if len(alone) == len(files) else _names(alone)}: how red the whole "
            f"face is cannot be compared there, only one part of the face with another. Next time, {REMEDY}."
        )
    return told


def _compared(result: ClientResult, anchor: str, files: list[str], *, everyone: bool) -> str:
    toward = _TOWARD.get(anchor, f"the colours of {anchor}")
    if len(files) == 1:
        return f"{files[0]} alone is carried to {toward}: its colour can be compared with no other photo."
    counts = Counter(result.plan.corrections[f].rung for f in files if f != anchor)
    ways = [rung for rung in RUNGS if counts[rung]]
    how = f" by {_BY[ways[0]]}" if len(ways) == 1 else f", {listed(f'{counts[w]} by {_BY[w]}' for w in ways)}"
    n = len(files)
    who = f"{n} photos" if not everyone else "Both photos" if n == 2 else f"All {n} photos"
    return f"{who} can be compared in colour: they are carried to {toward}{how}."


_TOWARD = {"card": "the true colours of the card in daylight (D65)", "patch": "neutral light"}
_BY = {"card": "a colour card", "patch": "a grey patch", "background": "the background", "none": "nothing"}


def _names(files: list[str]) -> str:
    if len(files) <= _NAMED + 1:
        return listed(files)
    return listed([*files[:_NAMED], f"{len(files) - _NAMED} more photos"])


def _card_remarks(inspection: Inspection, correction: ColorCorrection, fit: CardFit | str | None) -> Iterator[str]:
    """Why a card that is in the photo was not used, where the reason does not say it, and what to do."""
    card = inspection.card
    if card is None or correction.rung == "card":
        return
    problem = card.problem or (fit if isinstance(fit, str) else "")
    if not problem:
        yield "a colour card is in the photo; it was not used here"
    elif problem not in correction.reason:
        yield f"a colour card is in the photo and could not be used: {problem}"
    if card.problem and card.remedy:
        yield f"colour card: {card.remedy}"


def _short(correction: ColorCorrection) -> str:
    if _is_measure(correction):
        return "the measure for the others"
    return f"whole face a* ± {number_text(1.96 * correction.a_star_se, 1)}"


def _is_measure(correction: ColorCorrection) -> bool:
    """The photo that others are carried to: as it is, and without an uncertainty of its own against itself."""
    return correction.rung != "none" and not correction.log_gain_covariance.any()


def _figures(correction: ColorCorrection) -> Iterator[tuple[str, str]]:
    def range_text(standard_error: float) -> str:
        return f"± {number_text(1.96 * standard_error, 1)}"

    if not _is_measure(correction):
        index = range_text(correction.redness_index_se / EI_PER_A_STAR)
        yield "Whole face, a*", range_text(correction.a_star_se)
        yield "Whole face, L*", range_text(correction.lightness_se)
        yield "Whole face, redness index", f"{index} a*-eq"
        relative = range_text(correction.relative_redness_se / EI_PER_A_STAR)
        yield "A region against the rest of the face", f"{relative} a*-eq"
    if correction.rung in ("patch", "background") and not _is_measure(correction):
        # By construction the corrected wall looks right: how much it took is what tells a wall that was painted.
        red, green, blue = (number_text(float(gain), 2) for gain in correction.gains)
        yield "Correction", f"red × {red}, green × {green}, blue × {blue}"
    if math.isfinite(correction.residual_delta_e):
        left = number_text(correction.residual_delta_e, 1)
        if correction.rung == "card":
            yield "Left on the patches", f"ΔE00 {left} (median)"
        elif correction.rung == "background" and not _is_measure(correction):
            yield "Left on the background", f"ΔE {left} (mean)"
    if math.isfinite(correction.leave_one_out_delta_e):
        left = number_text(correction.leave_one_out_delta_e, 1)
        yield "Left on patches that the fit had not seen", f"ΔE00 {left} (median)"


def _pictures(
    result: ClientResult, inspection: Inspection, correction: ColorCorrection, fit: CardFit | str | None
) -> Iterator[ColorPicture]:
    card, patch = inspection.card, inspection.patch
    if _is_measure(correction):
        shown = render_thumb(inspection, bright=inspection.background.usable)
        yield ColorPicture(rgb=shown, caption="as photographed; bright: what others can be matched on")
    elif correction.rung == "card" and card is not None and isinstance(fit, CardFit):
        yield ColorPicture(rgb=render_thumb(inspection, outline_xy=card.corners_xy), caption="the card in the photo")
        yield ColorPicture(
            rgb=render_card(card, fit),
            caption=_card_caption(*card_distances(card, fit), used=fit.used),
            wide=True,
        )
    elif correction.rung == "patch" and patch is not None:
        yield ColorPicture(rgb=render_thumb(inspection, outline_xy=_patch_corners(inspection)), caption="the patch")
        yield ColorPicture(
            rgb=render_patch(patch, correction),
            caption=f"as photographed | corrected | grey of {100 * patch.reflectance:.0f} %",
        )
    elif correction.rung == "background" and correction.used is not None:
        used, toward = correction.used, _anchor_photo(result, inspection, correction)
        yield ColorPicture(rgb=render_thumb(inspection, bright=used), caption="as photographed; bright: what was used")
        yield ColorPicture(rgb=render_thumb(inspection, correction=correction, bright=used), caption="corrected")
        if toward is not None:
            own = result.plan.corrections.get(toward.ref.file)
            shown = render_thumb(toward, correction=own, bright=toward.background.usable)
            yield ColorPicture(rgb=shown, caption=f"what it is carried to: {toward.ref.file}")
    else:
        outline = None if card is None else card.corners_xy
        caption = "as photographed" if card is None else "the card in the photo"
        yield ColorPicture(rgb=render_thumb(inspection, outline_xy=outline), caption=caption)


def _card_caption(
    before: npt.NDArray[np.float64], after: npt.NDArray[np.float64], *, used: npt.NDArray[np.bool_]
) -> str:
    medians = [number_text(float(np.median(x[used])), 1) for x in (before, after)]
    return (
        "each patch: as photographed | corrected | true; below it the distance to the true colour, ΔE00, before and "
        f"after (median {medians[0]} and {medians[1]})"
    )


def _patch_corners(inspection: Inspection) -> npt.NDArray[np.float64] | None:
    if inspection.ref.patch is None:
        return None
    x, y, width, height = inspection.ref.patch
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], np.float64)


def _anchor_photo(result: ClientResult, inspection: Inspection, correction: ColorCorrection) -> Inspection | None:
    """A photo whose colours those of another are carried to: the anchor itself, or one with a card or a patch."""
    if correction.anchor in result.inspections:
        return None if correction.anchor == inspection.ref.file else result.inspections[correction.anchor]
    view = result.plan.view_of[inspection.ref.file]
    files = [f for f in (result.plan.reference_of.get(view, ""), *result.inspections) if f in result.inspections]
    own = {f: result.plan.corrections[f] for f in files if result.plan.view_of.get(f) == view}
    return next(
        (result.inspections[f] for f, c in own.items() if c.anchor == correction.anchor and c.rung == c.anchor), None
    )
