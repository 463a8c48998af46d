"""The ladder of colour references: what is the same in two photos and is not the treated skin. Best available wins.

To add one: a function and a row in ``REFERENCES``, from best to worst. It either says what one photo's true colours are
(``absolute``), or carries one photo to another's rendering (``relative``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from skinprogress.color.background import match_background
from skinprogress.color.card_fit import CardFit, fit_card
from skinprogress.color.card_values import reference_linear_rgb
from skinprogress.color.correcting import apply_correction, chain
from skinprogress.color.patches import fit_patch
from skinprogress.color.surroundings import FROM_OPPONENT, Surroundings
from skinprogress.records import RUNGS, CardReading, ColorCorrection, Flag, PatchReading, Rung
from skinprogress.settings import CardEdition, ColorChoice

# A camera's own white balance and exposure, as measured on selfies: green, red over green, blue over green.
_CAMERA_SD = np.array([0.2, 0.14, 0.2])
_CAMERA_RELATIVE_SE = 0.012
# Natural log of the brightness that a card leaves open; beyond, a shadow lies over it. Even light leaves 0.1.
_MOST_UNEVEN = 0.22
# Standard errors by which card and background may differ.
_CONTRADICTED = 2.0
# Patches of a card that stand for a grey object, the lightest that is hardly ever over-exposed first.
_MIDDLE_GREYS = (19, 20, 21)
# So many photos of a frame are tried before a photo counts as one that matches nothing.
_TRIED = 4


@dataclass(frozen=True, slots=True, eq=False)
class ColorEvidence:
    """What one photo offers for matching colours.

    Attributes
    ----------
    surroundings : Surroundings
    card : CardReading or None
    patch : PatchReading or None
    colorless : bool
        The photo is black and white.
    """

    surroundings: Surroundings
    card: CardReading | None = None
    patch: PatchReading | None = None
    colorless: bool = False


Absolute = Callable[[ColorEvidence, CardEdition], ColorCorrection | str]
Relative = Callable[[ColorEvidence, ColorEvidence], ColorCorrection | str]


@dataclass(frozen=True, slots=True)
class ColorReference:
    """One rung of the ladder: how to correct a photo by itself, or toward another photo, or the one and the other."""

    absolute: Absolute | None = None
    relative: Relative | None = None


def _by_card(photo: ColorEvidence, edition: CardEdition) -> ColorCorrection | str:
    if photo.card is None:
        return "no colour card"
    fit = photo.card.problem or fit_card(photo.card, edition=edition)
    if isinstance(fit, CardFit) and fit.log_covariance[1, 1] > _MOST_UNEVEN**2:
        fit = "the light on it is too uneven: part of it lies in shadow"
    if isinstance(fit, str):
        return f"the colour card could not be used: {fit}"
    return ColorCorrection(
        rung="card",
        anchor="card",
        matrix=fit.matrix,
        tone=fit.tone,
        residual_delta_e=fit.residual_delta_e,
        leave_one_out_delta_e=fit.leave_one_out_delta_e,
        log_gain_covariance=fit.log_covariance,
        relative_redness_se=fit.relative_redness_se,
        reason=fit.reason,
    )


def _by_patch(photo: ColorEvidence, edition: CardEdition) -> ColorCorrection | str:
    return "no grey or white patch" if photo.patch is None else fit_patch(photo.patch)


def _to_patch(photo: ColorEvidence, reference: ColorEvidence) -> ColorCorrection | str:
    """Carry a photo with a patch to the rendering of one with a patch or a card: grey to grey."""
    if photo.patch is None:
        return "no grey or white patch"
    grey = _grey_of(reference)
    own, other = fit_patch(photo.patch), "the other photo has no patch" if grey is None else fit_patch(grey)
    if isinstance(own, str) or isinstance(other, str):
        return own if isinstance(own, str) else str(other)
    return replace(own, anchor="", gains=own.gains / other.gains, reason="matched on the patch")


def _grey_of(photo: ColorEvidence) -> PatchReading | None:
    """The patch of a photo, or a middle grey of its card."""
    if photo.patch is not None or photo.card is None or photo.card.problem:
        return photo.patch
    usable = [k for k in _MIDDLE_GREYS if photo.card.usable[k]]
    if not usable:
        return None
    return PatchReading(
        linear_rgb=photo.card.linear_rgb[usable[0]],
        scatter=float(photo.card.scatter[usable[0]]),
        reflectance=float(reference_linear_rgb("2014")[usable[0], 1]),
    )


def _by_background(photo: ColorEvidence, reference: ColorEvidence) -> ColorCorrection | str:
    return match_background(photo.surroundings, reference.surroundings)


REFERENCES: dict[Rung, ColorReference] = {
    "card": ColorReference(absolute=_by_card),
    "patch": ColorReference(absolute=_by_patch, relative=_to_patch),
    "background": ColorReference(relative=_by_background),
}
"""Colour references from best to worst; ``none`` is what remains when all refuse."""


def uncorrected(reason: str) -> ColorCorrection:
    """The correction that changes nothing, with the scatter of a camera's own white balance and exposure."""
    return ColorCorrection(
        rung="none",
        matrix=np.eye(3, dtype=np.float32),
        log_gain_covariance=FROM_OPPONENT @ np.diag(_CAMERA_SD**2) @ FROM_OPPONENT.T,
        relative_redness_se=_CAMERA_RELATIVE_SE,
        reason=reason,
        flags=Flag.COLOR_NOT_MATCHED,
    )


def shared_rung(one: ColorCorrection, other: ColorCorrection) -> Rung:
    """What the colours of two photos can be compared on: the worse of their references, if these lead to one frame."""
    if not one.anchor or one.anchor != other.anchor:
        return "none"
    return max(one.rung, other.rung, key=RUNGS.index)


def correct_colors(
    evidence: Mapping[str, ColorEvidence],
    *,
    reference: str,
    choice: ColorChoice = "auto",
    edition: CardEdition = "auto",
) -> dict[str, ColorCorrection]:
    """Choose the colour reference of every photo of a client's view and fit it.

    Photos with a card (or, where there is none, with a patch) are brought to true colours. Every other photo is
    carried to the rendering of one that is corrected already, by the best reference that both have, and on with that
    photo's correction. Where nothing is true, the reference photo's rendering is the frame. Photos that match none of
    these, but each other, have a frame of their own: they can be compared with each other and with no others.

    Parameters
    ----------
    evidence : dict of str to ColorEvidence
        By file, in order of time.
    reference : str
        The file of the reference photo.
    choice : {'auto', 'card', 'patch', 'background', 'none'}
        The one rung to use.
    edition : {'auto', '2014', 'classic'}
        Of the card.

    Returns
    -------
    dict of str to ColorCorrection
    """
    allowed = {rung: row for rung, row in REFERENCES.items() if choice in ("auto", rung)}
    found: dict[str, ColorCorrection] = {}
    why: dict[str, list[str]] = {file: [] for file in evidence}
    usable = {f: e for f, e in evidence.items() if not e.colorless}
    for file in evidence.keys() - usable.keys():
        found[file] = uncorrected("the photo is black and white")
    for row in allowed.values():
        if row.absolute is None or any(c.anchor for c in found.values()):
            continue  # one kind of true colours: photos with a patch are carried to those with a card
        for file, one in usable.items():
            correction = row.absolute(one, edition)
            if isinstance(correction, str):
                why[file].append(correction)
            else:
                found[file] = correction
    main = reference if reference in usable else next(iter(usable), reference)
    if "background" in allowed:
        _cross_check(found, usable, main)
    frame = [f for f in found if found[f].anchor]
    if not frame and main in usable:
        found[main], frame = _frame_of(main), [main]
    default = found[main] if main in frame else found[frame[0]] if frame else None
    while waiting := [f for f in usable if f not in found]:
        for file in waiting:
            near = sorted(frame, key=lambda f: (f != main, RUNGS.index(found[f].rung)))[:_TRIED]
            carried = _carry(usable[file], [(usable[f], found[f]) for f in near], allowed)
            if isinstance(carried, ColorCorrection):
                found[file] = carried
                frame.append(file)
            else:
                why[file] += carried
        left = [f for f in waiting if f not in found]
        if left:
            frame = [left[0]]
            found[left[0]] = _frame_of(left[0])
    finished = {file: _finished(file, found, why[file], default) for file in evidence}
    return {file: _with_trouble_told(c, evidence[file], why[file], choice) for file, c in finished.items()}


def _cross_check(found: dict[str, ColorCorrection], evidence: Mapping[str, ColorEvidence], main: str) -> None:
    """Widen what a card or patch says where a background that it shares with the reference photo's contradicts it."""
    for file in [f for f, c in found.items() if main in found and f != main and c.anchor == found[main].anchor != ""]:
        step = _by_background(evidence[file], evidence[main])
        if isinstance(step, str):
            continue
        own, other = found[file], found[main]
        skin = evidence[file].surroundings.sample.skin_rgb
        here, there = apply_correction(skin, own), apply_correction(skin * step.gains, other)
        gap = np.log(np.maximum(here, 1e-3) / np.maximum(there, 1e-3)).astype(np.float64)
        # Brightness may differ from place to place; the colour of the light must not.
        gap -= gap.mean()
        known = np.sqrt(sum(c.redness_index_se**2 for c in (own, other, step)))
        if abs(gap[0] - gap[1]) > _CONTRADICTED * known:
            found[file] = replace(
                own,
                log_gain_covariance=own.log_gain_covariance + np.outer(gap, gap),
                reason=f"{own.reason}; the background says otherwise: was the {own.rung} in the light of the face?",
                flags=own.flags | Flag.CARD_DISAGREES,
            )


def _frame_of(file: str) -> ColorCorrection:
    """A photo whose rendering others are carried to."""
    return ColorCorrection(
        rung="background",
        anchor=file,
        matrix=np.eye(3, dtype=np.float32),
        residual_delta_e=0.0,
        reason="other photos are matched to it",
    )


def _carry(
    photo: ColorEvidence,
    corrected: Sequence[tuple[ColorEvidence, ColorCorrection]],
    allowed: Mapping[Rung, ColorReference],
) -> ColorCorrection | list[str]:
    """Carry a photo to the best of several corrected ones, by the best reference; or why there is no way."""
    reasons = []
    for relative in (row.relative for row in allowed.values() if row.relative is not None):
        ways = []
        for other, correction in corrected:
            step = relative(photo, other)
            if isinstance(step, str):
                reasons.append(step)
            else:
                ways.append(chain(step, correction))
        if ways:
            return min(ways, key=lambda way: way.redness_index_se)
    return reasons


def _finished(
    file: str, found: Mapping[str, ColorCorrection], why: list[str], default: ColorCorrection | None
) -> ColorCorrection:
    """The correction of a photo; one alone in its frame has none, and is shown as the reference photo would be."""
    own = found[file]
    alone = own.anchor == file and not any(c.anchor == file for f, c in found.items() if f != file)
    if own.anchor and not alone:
        return own
    reason = own.reason if not own.anchor else "; ".join(dict.fromkeys(why)) or "nothing in the other photos matches it"
    plain = uncorrected(reason)
    if default is None or default.anchor == file:
        return plain
    return replace(plain, gains=default.gains, tone=default.tone, matrix=default.matrix)


def _with_trouble_told(
    correction: ColorCorrection, evidence: ColorEvidence, why: list[str], choice: ColorChoice
) -> ColorCorrection:
    """Say of a photo whose card or patch could not be used what was wrong with it, and what the user has forbidden."""
    told, flags = [correction.reason], correction.flags
    if correction.rung == "none" and choice not in ("auto", "none"):
        told.insert(0, f"nothing but the {choice} was allowed")
    if evidence.card is not None and correction.rung != "card" and choice in ("auto", "card"):
        told += [text for text in why if "colour card" in text and text not in correction.reason][:1]
        flags |= Flag.CARD_UNUSABLE
    if evidence.patch is not None and evidence.patch.problem and evidence.patch.problem not in correction.reason:
        told.append(evidence.patch.problem)
    return replace(correction, reason="; ".join(told), flags=flags)
