"""Where a composite is written, and what it may take the place of."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from skinprogress.errors import OutputError, UsageError
from skinprogress.outputs.composing.recipe import Format, recipe_digest
from skinprogress.outputs.files import is_within
from skinprogress.photos.scan import RECIPE_SUFFIX, one_line

_FORMAT_OF: dict[str, Format] = {
    ".jpg": "jpg", ".jpeg": "jpg", ".png": "png", ".webp": "webp", ".gif": "gif", ".mp4": "mp4",
}  # fmt: skip


def recipe_path(composite: Path) -> Path:
    """The file beside a composite that says how it was made."""
    return composite.with_name(composite.stem + RECIPE_SUFFIX)


def find_format(out: Path, wanted: Format | None) -> Format | None:
    """Format that a file's name asks for; None for a folder, where `wanted` is not given either.

    Raises
    ------
    UsageError
        The name ends in something else than what was asked for, or in what no composite can be.
    """
    suffix = out.suffix.lower()
    if not suffix or os.path.isdir(out):  # noqa: PTH112 - no exception for a path that is too long
        return wanted
    if suffix not in _FORMAT_OF:
        known = ", ".join(s[1:] for s in _FORMAT_OF)
        raise UsageError(f"{one_line(out.name)} ends in {suffix}, which no composite can be", f"end it in {known}")
    if wanted not in (None, _FORMAT_OF[suffix]):
        raise UsageError(
            f"{one_line(out.name)} ends in {suffix}, and the format asked for is {wanted}", "leave one of them out"
        )
    return _FORMAT_OF[suffix]


def check_target(path: Path, *, photos: Iterable[Path], client_folder: Path | None) -> None:
    """Make sure that writing a composite destroys nothing and does not end up among the client's photos.

    Parameters
    ----------
    path : Path
        Of the composite; its recipe goes beside it.
    photos : iterable of Path
        That it is made from.
    client_folder : Path or None
        None for loose photos.

    Raises
    ------
    OutputError
        It lies in the client's folder or inside a file, is one of the photos, or is anything but a composite of this
        program, unchanged since, with its recipe beside it.
    """
    elsewhere = "choose another name or folder with -o"
    shown = one_line(str(path))
    # os.path: names that are too long and links in a circle are "not there" to it, no exceptions.
    folder = next(p for p in path.absolute().parents if os.path.lexists(p))
    if not os.path.isdir(folder):  # noqa: PTH112 - as above
        raise OutputError(f"{shown} lies inside the file {one_line(str(folder))}", elsewhere)
    if client_folder is not None and is_within(path.parent, client_folder):
        raise OutputError(
            f"{shown} lies in the client's folder, where pictures to show and photos to measure would mix", elsewhere
        )
    recipe = recipe_path(path)
    if any(os.path.lexists(p) and p.exists() and p.samefile(photo) for p in (path, recipe) for photo in photos):
        raise OutputError(f"{shown} is one of the photos", elsewhere)
    for file in (path, recipe):
        if os.path.lexists(file) and not _is_ours(path, recipe):
            raise OutputError(
                f"{one_line(str(file))} is there already and is not known to be an unchanged composite of this program",
                elsewhere,
            )


def _is_ours(path: Path, recipe: Path) -> bool:
    """Whether a recipe is whole, and what lies beside it, if anything does, is the picture that it speaks of."""
    try:
        content = json.loads(recipe.read_bytes())
        if content["recipe_sha256"] != recipe_digest(content):
            return False
        if not os.path.lexists(path):
            return True
        return bool(hashlib.sha256(path.read_bytes()).hexdigest() == content["composite_sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
