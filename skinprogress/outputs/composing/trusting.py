"""Reading a recipe that anybody may have written: nothing is done with it before all in it is known to be sane."""

import json
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from skinprogress.errors import UsageError
from skinprogress.outputs.composing.choosing import check_options, is_font
from skinprogress.outputs.composing.claims import is_color_map
from skinprogress.outputs.composing.plates import canvas_size
from skinprogress.outputs.composing.recipe import RECIPE_VERSION, FrameRecipe, Recipe
from skinprogress.outputs.files import is_ordinary
from skinprogress.photos.scan import one_line

_MAX_RECIPE_BYTES = 5_000_000
_MAX_FRAMES = 96
_MAX_MEGAPIXELS = 200.0
_MAX_SIDE_PX = 20_000
_MAX_PLACE_PX = 1e6
_MAX_CORNERS = 50_000
_MAX_TEXTS, _MAX_LETTERS = 12, 400


class _Content(BaseModel):
    """What a recipe file holds: the recipe and two digests."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    recipe: Recipe
    composite_sha256: str
    recipe_sha256: str


def read_recipe(path: Path) -> tuple[Recipe, dict[str, Any]]:
    """Read a recipe and make sure that it can be carried out safely.

    Parameters
    ----------
    path : Path
        Of the recipe.

    Returns
    -------
    recipe : Recipe
    content : dict
        All of the file, with the digests.

    Raises
    ------
    UsageError
        There is none, or it is no recipe, or it asks for what no composite of this program is.
    """
    if not is_ordinary(path):
        raise UsageError(
            f"{one_line(str(path))} is missing, and without its recipe nobody can tell how the picture was made",
            "put the recipe back beside the picture, under the picture's name",
        )
    content = _read_json(path)
    version = content.get("recipe_version")
    if version != RECIPE_VERSION:
        raise UsageError(
            f"{one_line(path.name)} has the recipe version {one_line(str(version))[:20]}, and this program knows "
            f"{RECIPE_VERSION}",
            "use the version of skinprogress that made it",
        )
    digests = {key: content.get(key) for key in ("composite_sha256", "recipe_sha256")}
    rest = {key: value for key, value in content.items() if key not in digests}
    try:
        recipe = _Content.model_validate_json(json.dumps({"recipe": rest, **digests})).recipe
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "recipe")
        raise _refused(path, f"{one_line(place)[:80]}: {one_line(first['msg'])}") from error
    if problem := _find_problem(recipe):
        raise _refused(path, problem)
    return recipe, content


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_RECIPE_BYTES:
            raise _refused(path, f"it is larger than {_MAX_RECIPE_BYTES // 1_000_000} MB")
        content = json.loads(path.read_bytes(), parse_constant=_refuse_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise _refused(path, f"it cannot be read as JSON ({type(error).__name__})") from error
    if not isinstance(content, dict):
        raise _refused(path, "it is a list or a single value")
    return content


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _refused(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{one_line(path.name)} is not a recipe that skinprogress wrote ({why})",
        "get picture and recipe again from whoever made them",
    )


def _find_problem(recipe: Recipe) -> str:
    """The first thing that no recipe of this program has; empty where there is none."""
    frames, options = recipe.frames, recipe.options
    try:
        check_options(replace(options, font=None))
    except UsageError as error:
        return error.reason
    if options.font is not None and not is_font(options.font):
        return f"the font {one_line(options.font.name)} is not there, or is no .ttf or .otf file"
    if not 1 <= len(frames) <= _MAX_FRAMES:
        return f"it has {len(frames)} photos; 1 to {_MAX_FRAMES} are possible"
    if not 1 <= recipe.columns <= len(frames):
        return f"its {len(frames)} photos are laid in rows of {recipe.columns}"
    if options.layout == "split" and len(frames) != 2:
        return "a split picture needs two photos"
    if len({(frame.width_px, frame.height_px) for frame in frames}) > 1:
        return "its photos are not shown in one size"
    across, down = (0, 0) if options.shape == "original" else canvas_size(options)
    megapixels = max(sum(frame.width_px * frame.height_px for frame in frames), across * down) / 1e6
    if megapixels > _MAX_MEGAPIXELS:
        return f"it asks for {megapixels:.0f} megapixels; up to {_MAX_MEGAPIXELS:.0f} are possible"
    if recipe.grade not in ("", *"ABCDF"):
        return f"it has the grade {one_line(recipe.grade)[:20]}"
    if strangers := {*recipe.edited, *recipe.suspected} - {frame.file for frame in frames}:
        return f"it speaks of {one_line(min(strangers))[:80]}, which it does not show"
    if not _is_way(recipe.photos):
        return "it names the folder of the photos by an absolute path"
    texts = (*recipe.edited, *recipe.suspected, recipe.consent, recipe.grade)
    if too_long := _find_long((*texts, *recipe.versions, *recipe.versions.values()), most=10 * _MAX_FRAMES):
        return too_long
    return next(filter(None, map(_find_frame_problem, frames)), "")


def _find_frame_problem(frame: FrameRecipe) -> str:
    where = f"the photo {one_line(frame.file)[:80]}"
    if not frame.file or not _is_way(frame.file) or ".." in PurePosixPath(frame.file.replace("\\", "/")).parts:
        return f"{where} would lie outside of the folder of the photos"
    if not (len(frame.sha256) == 64 and set(frame.sha256) <= set("0123456789abcdef")):
        return f"{where} has no SHA-256 that it could be known by"
    if not all(1 <= side <= _MAX_SIDE_PX for side in (frame.width_px, frame.height_px)):
        return f"{where} is shown {frame.width_px} × {frame.height_px} px large"
    corners = [corner for outline in frame.hidden for corner in outline]
    if len(corners) > _MAX_CORNERS or any(len(outline) < 3 for outline in frame.hidden):
        return f"{where} is covered by outlines that cannot be drawn"
    if any(abs(v) > _MAX_PLACE_PX for pair in (*corners, *frame.matrix) for v in pair):
        return f"{where} is laid more than {_MAX_PLACE_PX:.0f} px away"
    if frame.mm_per_px is not None and not 1e-4 <= frame.mm_per_px <= 100:
        return f"{where} has a scale of {frame.mm_per_px:g} mm a px"
    if frame.color is not None and not is_color_map(frame.color):
        return f"{where} has a map of colours that cannot be applied"
    return _find_long((*frame.label, *frame.warnings, frame.title, frame.session), most=_MAX_TEXTS)


def _find_long(texts: tuple[str, ...], *, most: int) -> str:
    if len(texts) > most:
        return f"it has {len(texts)} texts where up to {most} are possible"
    longest = max(map(len, texts), default=0)
    return f"it has a text of {longest} letters" if longest > _MAX_LETTERS else ""


def _is_way(path: str) -> bool:
    """Whether a path leads on from some folder; no drive, no root, nothing that no file system has."""
    return "\0" not in path and not PurePosixPath(path).is_absolute() and not PureWindowsPath(path).anchor
