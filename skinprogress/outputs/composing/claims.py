"""What a recipe claims, held against itself and against what the photos say: what no composite of this program does."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from skinprogress.comparison.sentences import date_text, session_text
from skinprogress.errors import SkinprogressError
from skinprogress.face.regions import REGIONS
from skinprogress.outputs.composing.recipe import ColorMap, FrameRecipe, Recipe
from skinprogress.photos.reading import read_header
from skinprogress.photos.scan import one_line

_DURATION = r"\d+ (minute|hour|day|week|month|year)s?"
_STAGE = re.compile(rf"Before|After|After (treatment|1 treatment|\d+ treatments), {_DURATION}")
_DAY = re.compile(r"\d{1,2} [A-Z][a-z]+ \d{4}")
_EVEN = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
# Corners of the first outline, by what is hidden.
_CORNERS = {"eyes": 4, "upper-face": 6, "all-but-regions": 5}


def find_color_problem(recipe: Recipe) -> str:
    """What no matching of colours does, as a sentence; empty where there is nothing of it."""
    colors = [frame.color for frame in recipe.frames]
    if recipe.color_reference == "none":
        if any(color is not None for color in colors):
            return "Colours were changed although the recipe names nothing that they were matched on."
    elif any(color is None for color in colors):
        return "Colours of some photos were matched and of others not, which makes a difference of its own."
    maps = [color for color in colors if color is not None]
    if len({color.brightness for color in maps}) > 1:
        return "The photos were made brighter or darker by different factors."
    if len({(frame.sha256, repr(frame.color)) for frame in recipe.frames}) > len({f.sha256 for f in recipe.frames}):
        return "One photo is shown in different colours in different places."
    # Only a colour card gives more than three gains, and then the photo that it is in passes that on to all others.
    kinds = {color.tone is None and color.matrix == _EVEN for color in maps}
    if len(kinds) > 1:
        return "A tone curve or a mixing of colours was applied to some photos and not to others."
    if recipe.color_reference == "card" and True in kinds:
        return "The recipe names a colour card, and its maps of colours are not of the kind that a card gives."
    return ""


def is_color_map(color: ColorMap) -> bool:
    """Whether numbers are a map of colours at all: gains above zero, a curve that rises."""
    if color.tone is not None:
        befores, afters = zip(*color.tone, strict=True) if color.tone else ((), ())
        rises = all(a < b for a, b in pairwise(befores)) and all(a <= b for a, b in pairwise(afters))
        if not (2 <= len(befores) <= 4096 and befores[0] > 0 and rises):
            return False
    shapes = {len(row) for row in color.matrix}
    factors = (*color.gains, color.brightness)
    return (
        len(color.gains) == len(color.matrix) == 3 and shapes in ({3}, {6}) and all(1e-3 <= v <= 1e3 for v in factors)
    )


def find_word_problem(recipe: Recipe) -> str:
    """Words that this program never writes into a picture; empty where there are none."""
    for frame in recipe.frames:
        name = one_line(frame.file)
        if frame.label and recipe.options.labels == "none":
            return f"{name} has a label, although no labels were asked for."
        if strange := [line for line in frame.label if not _is_label(line, frame)]:
            return f"The label “{one_line(strange[0])}” of {name} is not one that this program writes for its session."
        if frame.title and frame.title not in {region.title for region in REGIONS.values()}:
            return f"“{one_line(frame.title)}” is no region that this program knows."
    warned = any(text.startswith("not comparable") for frame in recipe.frames for text in frame.warnings)
    if warned != (recipe.grade == "F"):
        return "Grade and warnings contradict each other: photos of grade F, and only those, are “not comparable”."
    if recipe.consent and not recipe.consent.startswith(("consent recorded", "consent not recorded")):
        return "What the recipe says of consent is not one of the ways in which this program says it."
    return ""


def _is_label(line: str, frame: FrameRecipe) -> bool:
    if _STAGE.fullmatch(line) or line == session_text(frame.session):
        return True
    if (at := _date_of(frame.session)) is not None:
        return line in (date_text(at), date_text(at + timedelta(days=1)))  # a visit may last beyond midnight
    # A visit with a name of its own may still be dated.
    return bool(_DAY.fullmatch(line)) or line == session_text(Path(frame.session).stem)


def _date_of(session: str) -> datetime | None:
    try:
        # More photos of a visit are told apart by a number in brackets.
        return datetime.fromisoformat(session.partition(" (")[0])
    except ValueError:
        return None


def find_date_problem(recipe: Recipe, sources: Mapping[str, Path | None]) -> str:
    """Where the photos are not in the order of their dates; empty where they are, or nothing is known."""
    days = [(frame, _date_of(frame.session), _day_in(sources[frame.sha256])) for frame in _one_each(recipe)]
    taken = [(frame, day) for frame, _, day in days if day is not None]
    for (one, before), (other, after) in pairwise(taken):
        if after < before:
            return (
                f"{one_line(other.file)} was taken before {one_line(one.file)}, by the dates in both files: "
                "before and after are exchanged, unless the camera's clock was wrong."
            )
    sessions = [session for _, session, _ in days if session is not None]
    return "The photos are not in the order of their sessions." if sessions != sorted(sessions) else ""


def find_other_days(recipe: Recipe, sources: Mapping[str, Path | None]) -> list[str]:
    """Photos whose files say another day than the picture, which a wrong clock may explain, with that day."""
    days = [(frame, _date_of(frame.session), _day_in(sources[frame.sha256])) for frame in _one_each(recipe)]
    return [
        f"{one_line(frame.file)} on {session_text(taken.isoformat())}"
        for frame, session, taken in days
        if session and taken and session.date() != taken
    ]


def _one_each(recipe: Recipe) -> Iterable[FrameRecipe]:
    """A frame of each photo, in order."""
    return {frame.sha256: frame for frame in recipe.frames}.values()


def _day_in(source: Path | None) -> date | None:
    try:
        taken_at = None if source is None else read_header(source).taken_at
    except SkinprogressError:
        return None
    return None if taken_at is None else taken_at.date()


def find_hiding_problem(recipe: Recipe) -> str:
    """Where not all photos are covered in the way that the picture says; empty where they are."""
    wanted = _CORNERS.get(recipe.options.hide, 0)
    outlines = [frame.hidden for frame in recipe.frames]
    if any((len(hidden[0]) if hidden else 0) != wanted for hidden in outlines):
        return "Something is covered in some photos and not in others, or not as the picture says."
    if any(len(hidden) > 1 for hidden in outlines) and recipe.options.hide != "all-but-regions":
        return "More is covered than the picture says."
    return ""
