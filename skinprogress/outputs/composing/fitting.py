"""How large the photos of a composite are, and how they are spread over rows, so that they fill its shape."""

import math
from dataclasses import dataclass, replace

from skinprogress.errors import UsageError
from skinprogress.outputs.alignment import Box
from skinprogress.outputs.composing.arranging import arrange
from skinprogress.outputs.composing.cropping import Cut, common_size
from skinprogress.outputs.composing.plates import ONE_PANEL, RATIOS, Plate, canvas_size
from skinprogress.outputs.composing.recipe import Recipe

_ROUNDS = 12
_STEADY = 2e-3
# A picture in which the photos have so much of their own resolution is large enough.
_NEARLY = 0.9
_SMALLEST_PX = 32
_DEFAULT_WIDTH, _DEFAULT_WIDE = 1080, 1920
# A single row holds so many photos where no shape asks for another.
_MOST_IN_A_ROW = 5


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A recipe whose frames have their size.

    Attributes
    ----------
    boxes : list of (left, top, right, bottom)
        What each place of the recipe shows, in the frame that the photos are laid over each other in.
    px_per_unit : float
    """

    recipe: Recipe
    boxes: list[Box]
    px_per_unit: float


def fit_frames(draft: Recipe, cuts: list[Cut], finest: float) -> Fitted:
    """Choose rows, crop and size.

    Parameters
    ----------
    draft : Recipe
        Its frames have no size yet; ``columns`` is how many photos belong together.
    cuts : list of Cut
        One a region, or one.
    finest : float
        Px per unit of the coarsest photo: nothing is shown larger.

    Raises
    ------
    UsageError
        Nothing could be seen on so small photos.
    """
    if draft.options.shape == "original":
        fitted = _fit_original(replace(draft, columns=_usual_columns(draft)), cuts, finest)
    else:
        fitted = max((_fit_shape(replace(draft, columns=n), cuts, finest) for n in _columns(draft)), key=_use)
    frame = fitted.recipe.frames[0]
    if min(frame.width_px, frame.height_px) < _SMALLEST_PX:
        raise UsageError(
            f"The photos would be {frame.width_px} px wide and {frame.height_px} px high in this picture",
            "choose a larger size, another shape, or fewer sessions or regions",
        )
    return fitted


def _columns(draft: Recipe) -> list[int]:
    """Numbers of photos a row that may be tried."""
    if draft.options.layout in ONE_PANEL:
        return [1]
    n = len(draft.frames)
    if draft.options.layout == "regions":
        # The sessions of a region stay beside each other.
        return list(range(draft.columns, n + 1, draft.columns))
    return list(range(1, n + 1))


def _usual_columns(draft: Recipe) -> int:
    if draft.options.layout in ONE_PANEL:
        return 1
    n = draft.columns
    return n if n <= _MOST_IN_A_ROW or draft.options.layout == "regions" else math.ceil(n / 2)


def _use(fitted: Fitted) -> float:
    """How well a shape is used: by how large the face is and, less, by how much of it is photo."""
    recipe = fitted.recipe
    width, height = canvas_size(recipe.options)
    frame = recipe.frames[0]
    panels = 1 if recipe.options.layout in ONE_PANEL else len(recipe.frames)
    filled = panels * frame.width_px * frame.height_px / (width * height)
    # Relative to the picture: one that the photos' resolution keeps small is no worse for it.
    return fitted.px_per_unit / math.sqrt(width * height) * math.sqrt(filled)


def _sized(recipe: Recipe, width: float, height: float) -> Recipe:
    w, h = max(1, math.floor(width)), max(1, math.floor(height))
    return replace(recipe, frames=tuple(replace(frame, width_px=w, height_px=h) for frame in recipe.frames))


def _fit_shape(draft: Recipe, cuts: list[Cut], finest: float) -> Fitted:
    """Fill a picture of a shape, made smaller where the photos have too few px for it."""
    across, down = RATIOS[draft.options.shape]
    size_px = draft.options.size_px or (
        _DEFAULT_WIDE if across > down else round(_DEFAULT_WIDTH * max(across, down) / across)
    )
    fitted, spare = _fill(draft, cuts, finest, size_px)
    too_small = 0
    for _ in range(_ROUNDS):
        smaller = max(math.ceil(size_px / spare), too_small + 1)
        if too_small:
            smaller = (too_small + size_px) // 2
        if spare <= 1.001 or smaller >= size_px or smaller <= too_small:
            break
        other, left = _fill(draft, cuts, finest, smaller)
        # Letters have a least size: a smaller picture may leave much less to the photos than its share.
        if other.px_per_unit < _NEARLY * finest:
            too_small = smaller
        else:
            fitted, spare, size_px = other, left, smaller
    return fitted


def _fill(draft: Recipe, cuts: list[Cut], finest: float, size_px: int) -> tuple[Fitted, float]:
    """The largest photos that fit into a picture with the words around them, and how much larger there is room for."""
    recipe = replace(draft, options=replace(draft.options, size_px=size_px))
    width, height = canvas_size(recipe.options)
    columns = recipe.columns
    rows = 1 if recipe.options.layout in ONE_PANEL else -(-len(recipe.frames) // columns)
    w, h = width / columns, height / rows
    for _ in range(_ROUNDS):
        around = _around(_sized(recipe, w, h))
        before = w, h
        w, h = max(8.0, (width - around[0]) / columns), max(8.0, (height - around[1]) / rows)
        if max(abs(w / before[0] - 1), abs(h / before[1] - 1)) < _STEADY:
            break
    boxes, across, down = common_size(cuts, w / h)
    scale = min(w / across, h / down)
    for _ in range(_ROUNDS):
        # Words around photos that do not fill their place take less room: that room is theirs.
        around = _around(_sized(recipe, scale * across, scale * down))
        room = (width - around[0]) / (columns * across), (height - around[1]) / (rows * down)
        before_scale, scale = scale, max(min(room), 8.0 / max(across, down))
        if abs(scale / before_scale - 1) < _STEADY:
            break
    spare, scale = scale / finest, min(scale, finest)
    while _over(_sized(recipe, scale * across, scale * down), width, height):
        scale *= 0.997
    return Fitted(_sized(recipe, scale * across, scale * down), boxes, scale), spare


def _over(recipe: Recipe, width: int, height: int) -> bool:
    across, down = arrange(recipe).content
    frame = recipe.frames[0]
    return (across > width or down > height) and min(frame.width_px, frame.height_px) > _SMALLEST_PX


def _around(recipe: Recipe) -> tuple[int, int]:
    """What words, gaps and margins take of width and height."""
    plate, frame = arrange(recipe), recipe.frames[0]
    one = recipe.options.layout in ONE_PANEL
    rows = 1 if one else -(-len(recipe.frames) // recipe.columns)
    return plate.content[0] - recipe.columns * frame.width_px, plate.content[1] - rows * frame.height_px


def _fit_original(draft: Recipe, cuts: list[Cut], finest: float) -> Fitted:
    """Show what the photos show, in their own resolution or within a limit."""
    left, top, right, bottom = cuts[0].core
    boxes, across, down = common_size(cuts, (right - left) / (bottom - top))
    scale, limit = finest, draft.options.size_px
    plate: Plate = arrange(_sized(draft, scale * across, scale * down))
    for _ in range(_ROUNDS):
        if limit is None or max(plate.size) <= limit:
            break
        scale *= min(0.999, limit / max(plate.size))
        plate = arrange(_sized(draft, scale * across, scale * down))
    return Fitted(_sized(draft, scale * across, scale * down), boxes, scale)
