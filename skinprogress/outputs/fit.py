"""How well photos lie over each other, and how much of the skin could be used, in words."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from skinprogress.face.regions import REGIONS, WHOLE_FACE
from skinprogress.outputs.style import number_text, ordered_regions, region_title
from skinprogress.outputs.wording import listed
from skinprogress.records import ClientPlan, ClientResult, Flag, Measurement, PhotoReport, Registration

ENOUGH_SKIN = 0.8
"""Regions with less of their skin usable are told of."""
_OTHER = "seen edge-on or badly exposed"
_NAMED = 0.05
# The sides of nose and jaws face away in every frontal photo: that alone is no news while half of the skin is left.
_NEWS = 0.1
_PREPOSITIONS = ("around ", "between ", "above ", "below ")


def describe_fit(registration: Registration, iod_mm: float) -> str:
    """Which regions were found again and how well, where the landmarks alone decide, and what cannot be seen.

    Parameters
    ----------
    registration : Registration
    iod_mm : float
        Distance between the eyes.

    Returns
    -------
    str
        One to three sentences.
    """
    misfit = registration.misfit_percent_iod
    refused = [r for r in registration.refused if not math.isnan(misfit.get(r, math.nan))]
    unseen = [r for r in registration.refused if r not in refused]
    n, of = len(registration.accepted), len(registration.accepted) + len(registration.refused)
    told = []
    if n:
        share = f"All {of} regions" if n == of > 1 else f"{n} of {of} regions"
        size = _size(misfit, registration.accepted, iod_mm)
        were = "was" if share.startswith("1 ") else "were"
        told.append(f"{share} {were} found again by pores and spots, to about {size}.")
    if refused:
        where = f"{places_text(refused)}: there" if n or unseen else "anywhere:"
        size = _size(misfit, refused, iod_mm)
        told.append(
            f"Pores and spots were not found again {where} the landmarks alone say where the skin lies (about {size})."
        )
    if unseen:
        told.append(f"Too little skin can be seen in both photos {places_text(unseen)}.")
    return " ".join(told)


def _size(misfit: Mapping[str, float], regions: Iterable[str], iod_mm: float) -> str:
    """Typical misfit of regions: ``0.16 % of the distance between the eyes, 0.10 mm``."""
    percent = float(np.median([misfit[r] for r in regions]))
    mm = percent / 100 * iod_mm
    percents, mms = (number_text(x, 1 if x >= 0.995 else 2) for x in (percent, mm))
    return f"{percents} % of the distance between the eyes, {mms} mm"


def places_text(regions: Iterable[str]) -> str:
    """Where, in a sentence; left and right of one kind together.

    Examples
    --------
    >>> places_text(["cheek_right", "chin", "cheek_left", "periorbital_left"])
    'on both cheeks, around the left eye and on the chin'
    """
    found = ordered_regions(regions)
    phrases = []
    for name in found:
        title, other = region_title(name), name.replace("_right", "_left")
        if name.endswith("_left") and f"{name.removesuffix('_left')}_right" in found:
            title = title.replace("the left ", "both ").replace("left ", "both ") + "s"
        elif other != name and other in found:
            continue
        elif not title.startswith(_PREPOSITIONS):
            title = f"the {title}"
        phrases.append(title if title.startswith(_PREPOSITIONS) else f"on {title}")
    return listed(phrases)


def describe_photo_fit(photo: PhotoReport) -> str:
    """How much of one photo was found again in the reference photo; empty where all of it was, or where it is that."""
    of = sum(name in REGIONS and name != WHOLE_FACE for name in photo.misfit_by_region)
    n = of - len(photo.not_registered)
    if not photo.not_registered:
        return ""
    return f"pores and spots found again in {n} of {of} regions" if n else "pores and spots not found again"


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenSkin:
    """A region of one photo whose skin could be used in part only.

    Attributes
    ----------
    usable : float
        Share of its bare skin, 0..1.
    why : str
        ``hair 21 %, beard 10 %``; empty where it is not known.
    """

    region: str
    usable: float
    why: str

    @property
    def text(self) -> str:
        """``left cheek 62 % (hair 21 %, beard 10 %)``."""
        return f"{region_title(self.region)} {100 * self.usable:.0f} %" + (f" ({self.why})" if self.why else "")


def list_hidden(result: ClientResult, *, below: float = ENOUGH_SKIN) -> dict[str, list[HiddenSkin]]:
    """Regions of each photo of whose skin something hides a part, least usable first; photos without any left out.

    Parameters
    ----------
    result : ClientResult
    below : float
        Share of the skin that is usable, 0..1, below which a region is told of.
    """
    seen: dict[tuple[str, str], HiddenSkin] = {}
    for m in result.measurements:
        if m.region != WHOLE_FACE and m.coverage < below and _is_news(m):
            found = HiddenSkin(region=m.region, usable=m.coverage, why=why_hidden(m.coverage, m.hidden_by))
            seen.setdefault((m.photo, m.region), found)
    hidden: dict[str, list[HiddenSkin]] = {}
    for (photo, _), found in sorted(seen.items(), key=lambda item: item[1].usable):
        hidden.setdefault(photo, []).append(found)
    return {file: hidden[file] for file in result.inspections if file in hidden}


def why_hidden(coverage: float, hidden_by: str) -> str:
    """What takes a twentieth of a region or more, for people.

    Examples
    --------
    >>> why_hidden(0.62, "hair 0.21; beard 0.10; shine 0.01")
    'hair 21 %, beard 10 %, seen edge-on or badly exposed 6 %'
    """
    shares = _shares(hidden_by)
    rest = 1.0 - coverage - sum(share for _, share in shares)
    return ", ".join(f"{kind} {100 * share:.0f} %" for kind, share in [*shares, (_OTHER, rest)] if share >= _NAMED)


def _shares(hidden_by: str) -> list[tuple[str, float]]:
    """Kind and share, 0..1, of each obstacle: ``hair 0.21; shine 0.04`` taken apart."""
    parts = [part.rpartition(" ") for part in hidden_by.split("; ") if part]
    return [(kind, float(share)) for kind, _, share in parts]


def _is_news(m: Measurement) -> bool:
    return m.coverage < 0.5 or sum(share for _, share in _shares(m.hidden_by)) >= _NEWS


def scale_text(plan: ClientPlan) -> str:
    """How well millimetres are known, in two sentences."""
    share = f"± {100 * 1.96 * plan.scale_relative_se:.0f} %"
    guessed = any(Flag.SCALE_FROM_LANDMARKS in flags for flags in plan.flags.values())
    source = (
        "from the proportions of an average adult face, because no iris could be measured"
        if guessed
        else "from the irises in the first session, which are nearly of one size in all adults"
    )
    return (
        f"Millimetres are known to {share} (95 %), {source}. This is one figure for all photos of the client: it makes "
        "every length too long or too short alike, and changes nothing between sessions."
    )
