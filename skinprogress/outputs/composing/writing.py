"""Composites as files: made from their recipe, which is kept beside them."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from skinprogress.errors import OutputError, PhotoError
from skinprogress.outputs.composing.arranging import arrange
from skinprogress.outputs.composing.encoding import default_format, encode
from skinprogress.outputs.composing.frames import render_frames
from skinprogress.outputs.composing.layouts import compose, compose_frame
from skinprogress.outputs.composing.recipe import FrameRecipe, Recipe, render_recipe
from skinprogress.outputs.composing.target import recipe_path
from skinprogress.outputs.files import write_whole
from skinprogress.records import ClientResult


def make_composite(recipe: Recipe, find_photo: Callable[[FrameRecipe], Path]) -> bytes:
    """Make a composite from its recipe: the same bytes from the same recipe and files.

    Parameters
    ----------
    recipe : Recipe
    find_photo : callable
        From a frame to its file.

    Returns
    -------
    bytes
        Of the picture or film in the recipe's format.

    Raises
    ------
    PhotoError
        A photo cannot be read.
    """
    frames = render_frames(recipe, find_photo)
    kind = recipe.options.format or default_format(recipe.options.layout)
    if recipe.options.layout not in ("flicker", "timelapse"):
        return encode(compose(recipe, frames), kind)
    from skinprogress.outputs.composing.animations import render_flicker, render_timelapse

    pictures = [compose_frame(recipe, frame, k) for k, frame in enumerate(frames)]
    if kind == "gif" or kind == "webp":
        return render_flicker(pictures, format=kind, seconds=recipe.options.seconds)
    left, top = arrange(recipe).panels[0]
    panel = left, top, left + recipe.frames[0].width_px, top + recipe.frames[0].height_px
    return render_timelapse(pictures, seconds=recipe.options.seconds, fading=panel)


def write_composite(result: ClientResult, recipe: Recipe, path: Path) -> list[Path]:
    """Make a composite and write it, and its recipe beside it: both or none.

    Parameters
    ----------
    result : ClientResult
        That the recipe was planned from.
    recipe : Recipe
    path : Path
        Of the picture.

    Returns
    -------
    list of Path
        Picture and recipe.

    Raises
    ------
    PhotoError
        A photo cannot be read, or is another one by now.
    OutputError
        A file cannot be written.
    """
    data = make_composite(recipe, lambda frame: _own_photo(result, frame))
    text = render_recipe(recipe, composite_sha256=hashlib.sha256(data).hexdigest())
    beside = recipe_path(path)
    written = [write_whole(path, data)]
    try:
        return [*written, write_whole(beside, text)]
    except OutputError:
        # A picture beside an older recipe would be taken for a forged one.
        path.unlink(missing_ok=True)
        raise


def _own_photo(result: ClientResult, frame: FrameRecipe) -> Path:
    """The file that was looked at when the recipe was planned."""
    path = result.inspections[frame.file].ref.path
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PhotoError("unreadable", f"{frame.file} cannot be read", "check that it still exists") from error
    if frame.sha256 and digest != frame.sha256:
        raise PhotoError("changed", f"{frame.file} has changed since it was measured", "run the comparison again")
    return path
