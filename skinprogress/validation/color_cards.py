"""Skin corrected by a colour card, held against its true colours."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from skinprogress.color.card_fit import reference_linear_rgb
from skinprogress.color.correcting import apply_correction
from skinprogress.color.spaces import LINEAR_SRGB_TO_XYZ, delta_e_2000, lab_to_linear_rgb, linear_rgb_to_lab
from skinprogress.records import CardReading, ColorCorrection
from skinprogress.validation.scenes import FloatMap, region_colors

Colors = Mapping[str, FloatMap]
"""Region to three values."""

_GREYS = slice(19, 23)  # without white, which may be clipped, and black, which a veil lifts


@dataclass(frozen=True, slots=True, kw_only=True)
class CardOutcome:
    """What became of a card in one photo.

    Attributes
    ----------
    group : str
        Skin tone, or the folder of rendered photos.
    problem : str
        Why it could not be used; ``not found``; empty where it was used.
    delta_e, delta_e_same_lightness, delta_e_white_balance : dict of str to float
        Region to CIEDE2000 of the corrected skin against the true colour: as it is; with the lightness of the truth,
        since light on the face is not quite that on the card; and with nothing but white balance and exposure from
        the card's greys.
    """

    photo: str
    group: str
    tier: str
    problem: str
    delta_e: dict[str, float] = field(default_factory=dict)
    delta_e_same_lightness: dict[str, float] = field(default_factory=dict)
    delta_e_white_balance: dict[str, float] = field(default_factory=dict)


def score_card(
    face: FloatMap,
    seen: npt.NDArray[np.bool_],
    true_lab: Colors,
    *,
    card: CardReading | None,
    correction: ColorCorrection | None,
    photo: str,
    group: str,
    tier: str,
) -> CardOutcome:
    """Hold skin corrected by a card against its true colours.

    Parameters
    ----------
    face : (S, S, 3) float32
        In the canonical frame, in the photo's own rendering, linear sRGB.
    seen : (S, S) bool
        Usable skin.
    true_lab : dict of region to (3,) float32
        CIELAB, D65.
    card : CardReading or None
    correction : ColorCorrection or None
        That the program chose for the photo.
    photo, group, tier : str

    Returns
    -------
    CardOutcome
    """
    problem = "not found" if card is None else card.problem
    if card is None or correction is None or problem or correction.rung != "card":
        told = "not used" if correction is None else f"not used ({correction.reason})"
        return CardOutcome(photo=photo, group=group, tier=tier, problem=problem or told)
    colors = {name: value for name, value in region_colors(face, seen).items() if name in true_lab}
    corrected = {name: apply_correction(value, correction) for name, value in colors.items()}
    greys = reference_linear_rgb("2014")[_GREYS] / _positive(card.linear_rgb[_GREYS])
    gains = np.exp(np.median(np.log(_positive(greys)), axis=0)).astype(np.float32)
    return CardOutcome(
        photo=photo,
        group=group,
        tier=tier,
        problem="",
        delta_e=_delta_e(corrected, true_lab),
        delta_e_same_lightness=_delta_e(
            {name: _at_lightness(value, true_lab[name]) for name, value in corrected.items()}, true_lab
        ),
        delta_e_white_balance=_delta_e({name: value * gains for name, value in colors.items()}, true_lab),
    )


def _at_lightness(linear_rgb: FloatMap, lab: FloatMap) -> FloatMap:
    """A colour under as much light as gives it the lightness of another."""
    wanted, found = (float(rgb @ LINEAR_SRGB_TO_XYZ[1]) for rgb in (lab_to_linear_rgb(lab), linear_rgb))
    return np.asarray(linear_rgb * np.float32(wanted / max(found, 1e-4)), np.float32)


def _positive(values: npt.ArrayLike) -> FloatMap:
    return np.maximum(np.asarray(values, np.float32), np.float32(1e-4))


def _delta_e(colors: Colors, true_lab: Colors) -> dict[str, float]:
    return {name: float(delta_e_2000(linear_rgb_to_lab(value), true_lab[name])) for name, value in colors.items()}
