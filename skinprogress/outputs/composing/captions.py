"""What is written in a composite: labels of the photos, and a footer that follows from the recipe's facts alone."""

import math
from collections.abc import Sequence
from pathlib import Path

from skinprogress.comparison.course import may_be_recent
from skinprogress.comparison.sentences import date_text, duration_text, session_text
from skinprogress.outputs.composing.recipe import HideWith, Labels, Recipe
from skinprogress.outputs.wording import listed
from skinprogress.records import ClientResult, Flag, Inspection, Rung

# Factors nearer to 1 than this (natural log) cannot be seen.
_SEEN = 0.02
_MATCHED: dict[Rung, str] = {
    "card": "Aligned and colour-matched on a colour card, no retouching by skinprogress.",
    "patch": "Aligned and colour-matched on a grey patch, no retouching by skinprogress.",
    "background": "Aligned and colour-matched on the background, no retouching by skinprogress.",
    "none": "Aligned, no retouching by skinprogress. Colour not matched: it may differ by light and camera.",
}
_COVERED: dict[HideWith, str] = {"bar": "covered", "blur": "blurred", "crop": "cut away"}


def label_lines(result: ClientResult, photos: Sequence[Inspection], labels: Labels) -> list[tuple[str, ...]]:
    """What stands beside each photo.

    Parameters
    ----------
    result : ClientResult
    photos : sequence of Inspection
        In order of time.
    labels : Labels

    Returns
    -------
    list of tuple of str
        Lines, the most important first.
    """
    days = [_day(photo) for photo in photos]
    lines = []
    for k, photo in enumerate(photos):
        stage, when = _stage(result, photos, k), days[k]
        if when and days.count(when) > 1:
            when = session_text(photo.ref.session)
        told = {"date": (when or stage,), "before-after": (stage or when,), "course": (stage, when), "none": ()}[labels]
        lines.append(tuple(dict.fromkeys(filter(None, told))))
    return lines


def _day(photo: Inspection) -> str:
    """The day of a photo, or the name of its session; empty where that says no more than "before".

    The name of the file is not shown in its place: it may be the client's, and the picture is made to be shown.
    """
    session, taken_at = photo.ref.session, photo.ref.taken_at
    if taken_at is not None and Flag.DATE_UNKNOWN not in photo.ref.flags:
        return date_text(taken_at)
    if session.strip().lower() in ("before", "after"):
        return ""
    return session_text(Path(session).stem if session == photo.ref.file else session)


def _stage(result: ClientResult, photos: Sequence[Inspection], k: int) -> str:
    """``Before``, ``After 3 treatments, 6 weeks``; empty where nothing is known of a photo between others."""
    phase = result.plan.phases.get(photos[k].ref.session)
    if phase is not None and phase.days_after is not None and math.isfinite(phase.days_after):
        n = phase.treatment_number
        many = "treatment" if n is None else "1 treatment" if n == 1 else f"{n} treatments"
        return f"After {many}, {duration_text(phase.days_after)}"
    if phase is not None and may_be_recent(result.plan, phase.session) and _day(photos[k]):
        return ""  # on which side of a treatment it lies is not known: its day is all that is true
    if k == 0 or (phase is not None and phase.name == "before"):
        return "Before"
    return "After" if len(photos) == 2 else ""


def footer_lines(recipe: Recipe) -> list[str]:
    """What is true of a composite and must stand in it, one sentence each; nothing but the recipe's facts decides."""
    lines = []
    if recipe.grade == "F":
        lines.append("Not comparable (grade F).")
    elif recipe.grade > "B":
        lines.append(f"Compare with care (grade {recipe.grade}).")
    lines.append(_MATCHED[recipe.color_reference])
    if (factor := _brightness(recipe)) is not None:
        lines.append(f"All made {'brighter' if factor > 1 else 'darker'} by the same factor.")
    if recipe.edited:
        lines.append(f"Source edited or beauty-filtered{_which(recipe, recipe.edited)}.")
    if recipe.suspected:
        lines.append(f"Source looks smoothed by a filter{_which(recipe, recipe.suspected)}.")
    if mirrored := tuple(frame.file for frame in recipe.frames if frame.mirrored):
        lines.append(f"Mirror image, flipped back{_which(recipe, mirrored)}.")
    if recipe.options.hide == "all-but-regions":
        lines.append("Only chosen regions are shown.")
    elif recipe.options.hide != "nothing":
        what = "Eyes" if recipe.options.hide == "eyes" else "Upper face"
        lines.append(f"{what} {_COVERED[recipe.options.hide_with]}.")
    if recipe.consent.startswith("consent not recorded"):
        lines.append("Consent not recorded.")
    return lines


def _brightness(recipe: Recipe) -> float | None:
    factors = [frame.color.brightness for frame in recipe.frames if frame.color is not None]
    return factors[0] if factors and abs(math.log(factors[0])) > _SEEN else None


def _which(recipe: Recipe, files: Sequence[str]) -> str:
    """Which photos a sentence speaks of, where it does not speak of all."""
    shown = list(dict.fromkeys(frame.file for frame in recipe.frames))
    places = [k for k, file in enumerate(shown) if file in files]
    if len(places) in (0, len(shown)):
        return ""
    return f" (photo{'s' if len(places) > 1 else ''} {listed(str(k + 1) for k in places)})"
