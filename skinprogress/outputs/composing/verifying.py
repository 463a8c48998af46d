"""Is a composite what it claims to be? It is made again from its recipe and the photos, and compared."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path

import numpy as np

from skinprogress.errors import SkinprogressError, UsageError
from skinprogress.outputs.alignment import invert_affine, scale_of
from skinprogress.outputs.composing.claims import (
    find_color_problem,
    find_date_problem,
    find_hiding_problem,
    find_other_days,
    find_word_problem,
)
from skinprogress.outputs.composing.comparing import compare_pictures
from skinprogress.outputs.composing.recipe import FrameRecipe, Recipe, recipe_digest
from skinprogress.outputs.composing.target import recipe_path
from skinprogress.outputs.composing.trusting import read_recipe
from skinprogress.outputs.files import is_ordinary
from skinprogress.outputs.wording import listed
from skinprogress.photos.reading import read_header
from skinprogress.photos.retouching import is_suspect
from skinprogress.photos.scan import one_line

_MAX_COMPOSITE_BYTES = 500_000_000
_MAX_PHOTO_BYTES = 2_000_000_000
_MAX_SEARCHED = 20_000
_TOLERANCE = 1e-6
_RIM_PX = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
        ``recipe``, ``picture``, ``photos``, ``geometry``, ``colours``, ``hidden``, ``words``, ``dates``, ``edited``,
        ``made again``, or ``planned anew`` (:func:`skinprogress.checking.planned_anew.verify_anew`).
    ok : bool
        False also where it could not be found out.
    text : str
        What was found, one or two sentences.
    """

    name: str
    ok: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found out about a composite.

    Attributes
    ----------
    composite : Path
    recipe : Recipe
    sources : dict of str to Path or None
        SHA-256 of each photo to where it was found.
    checks : tuple of Check
    """

    composite: Path
    recipe: Recipe
    sources: dict[str, Path | None]
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every check came out well: the picture is what its recipe makes of these photos."""
        return all(check.ok for check in self.checks)


def verify_composite(path: Path, *, photos: Path | None = None) -> Verification:
    """Check a composite against its recipe and the photos that it was made from.

    Parameters
    ----------
    path : Path
        The picture; its recipe lies beside it under the same name, ending in ``.recipe.json``.
    photos : Path or None
        Where to look for the photos that are not where the recipe says.

    Returns
    -------
    Verification

    Raises
    ------
    UsageError
        There is no picture or no recipe, or the recipe is none that this program can carry out.

    Notes
    -----
    A composite that passes shows these photos with nothing done to them but what the recipe says, and nothing that no
    composite of this program has. A recipe is not signed: whether its words, places and colours are those that this
    program would choose is found out by planning anew (:func:`skinprogress.checking.planned_anew.verify_anew`). Who is
    in the photos, when they were taken, and whether they were retouched before can be known from no file.
    """
    if not is_ordinary(path):
        raise UsageError(f"{one_line(str(path))} is not there, or no file", "name a picture that skinprogress made")
    if path.stat().st_size > _MAX_COMPOSITE_BYTES:
        raise UsageError(f"{one_line(path.name)} is too large for a composite", "name a picture that skinprogress made")
    if photos is not None and not photos.is_dir():
        raise UsageError(f"{one_line(str(photos))} is no folder", "name the folder of the photos with --photos")
    recipe, content = read_recipe(recipe_path(path))
    data = path.read_bytes()
    found = _Photos((path.parent / recipe.photos).resolve(), photos)
    sources = {frame.sha256: found.find(frame) for frame in recipe.frames}
    untouched = hashlib.sha256(data).hexdigest() == content["composite_sha256"]
    checks = [
        _check_recipe(content),
        _check_picture(untouched),
        _check_photos(recipe, sources),
        _check_geometry(recipe, sources),
        _check_colors(recipe),
        _check_hidden(recipe),
        _check_words(recipe),
        _check_dates(recipe, sources),
        _check_edited(recipe, sources),
        _check_made_again(recipe, sources, data, untouched=untouched),
    ]
    return Verification(composite=path, recipe=recipe, sources=sources, checks=tuple(checks))


class _Photos:
    """Finds photos by what is in them; a name alone proves nothing."""

    def __init__(self, recorded: Path, given: Path | None) -> None:
        self.folders = [recorded] if given is None else [recorded, given]
        self.given = given

    def find(self, frame: FrameRecipe) -> Path | None:
        for folder in self.folders:
            if _digest(folder / frame.file) == frame.sha256:
                return folder / frame.file
        return self._by_digest.get(frame.sha256)

    @cached_property
    def _by_digest(self) -> dict[str, Path]:
        """Every file in the folder that the user named: photos may have other names by now."""
        # Only there: a recipe of somebody else could name the whole disk.
        files = () if self.given is None else islice(self.given.rglob("*"), _MAX_SEARCHED)
        return {digest: path for path in files if (digest := _digest(path))}


def _digest(path: Path) -> str:
    """SHA-256 of a file; empty where there is none that can be read."""
    try:
        if not is_ordinary(path) or path.stat().st_size > _MAX_PHOTO_BYTES:
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _check_recipe(content: dict[str, object]) -> Check:
    ok = recipe_digest(content) == content["recipe_sha256"]
    changed = "The recipe was changed after it was written: its fingerprint (SHA-256) does not fit."
    return Check(name="recipe", ok=ok, text="The recipe is as it was written." if ok else changed)


def _check_picture(untouched: bool) -> Check:
    changed = (
        "The picture is not the one that was made with this recipe: its fingerprint does not fit. It was edited or "
        "saved again by another program or a web site, or the recipe belongs to another picture."
    )
    return Check(
        name="picture", ok=untouched, text="The picture is as it was written, byte for byte." if untouched else changed
    )


def _check_photos(recipe: Recipe, sources: dict[str, Path | None]) -> Check:
    missing = dict.fromkeys(one_line(f.file) for f in recipe.frames if sources[f.sha256] is None)
    if missing:
        text = (
            f"Missing, or changed since: {listed(missing)}. No file in reach is, byte for byte, "
            f"{'the photo' if len(missing) == 1 else 'one of the photos'} that the picture was made from; where photos "
            "were moved, name their folder with --photos."
        )
        return Check(name="photos", ok=False, text=text)
    n = len(sources)
    if {n} != {len({f.session for f in recipe.frames}), len({(f.sha256, f.session) for f in recipe.frames})}:
        text = "A photo stands for more than one session, or a session is shown by more than one photo."
        return Check(name="photos", ok=False, text=text)
    return Check(
        name="photos", ok=True, text=f"{'The photo was' if n == 1 else f'All {n} photos were'} found, unchanged."
    )


def _check_geometry(recipe: Recipe, sources: dict[str, Path | None]) -> Check:
    for frame in recipe.frames:
        if problem := _geometry_problem(frame, sources[frame.sha256]):
            return Check(name="geometry", ok=False, text=f"{one_line(frame.file)} {problem}.")
    text = "The photos are only turned, scaled down and shifted, never warped or enlarged, and cut to one size."
    return Check(name="geometry", ok=True, text=text)


def _geometry_problem(frame: FrameRecipe, source: Path | None) -> str:
    matrix = np.array(frame.matrix, np.float64)
    (a, b), (c, d) = matrix[:, :2].tolist()
    scale = scale_of(matrix)
    if a * d - b * c <= 0 or scale < 1e-4 or max(abs(a - d), abs(b + c)) > _TOLERANCE * scale:
        return "is warped, stretched or mirrored by its matrix, or shrunk to nothing"
    if scale > 1 + _TOLERANCE:
        return f"is enlarged {scale:.3g} times, which makes up detail"
    size = _size_of(source)
    if size is None:
        return ""
    width, height = frame.width_px, frame.height_px
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    back = invert_affine(matrix)
    placed = corners @ back[:, :2].T + back[:, 2]
    if (placed < -_RIM_PX).any() or (placed > np.array(size) + _RIM_PX).any():
        return "is shown beyond its edges, where it has no pixels"
    return ""


def _size_of(source: Path | None) -> tuple[int, int] | None:
    try:
        header = None if source is None else read_header(source)
    except SkinprogressError:
        return None  # told where it is made again
    return None if header is None else (header.width_px, header.height_px)


def _check_colors(recipe: Recipe) -> Check:
    told = "The colours are those of the files: nothing was matched."
    if recipe.color_reference != "none":
        told = "Each photo has one map of colours for all its pixels, and all share one factor of brightness."
    return _claim("colours", find_color_problem(recipe), told)


def _check_hidden(recipe: Recipe) -> Check:
    wanted = recipe.options.hide != "nothing"
    told = "What the picture says is hidden is covered in every photo." if wanted else "Nothing is hidden."
    return _claim("hidden", find_hiding_problem(recipe), told)


def _check_words(recipe: Recipe) -> Check:
    told = "Labels and warnings are of the kinds that this program writes; whether they hold, --client FOLDER tells."
    return _claim("words", find_word_problem(recipe), told)


def _check_dates(recipe: Recipe, sources: dict[str, Path | None]) -> Check:
    told = "No dates in the files speak against the order of the photos."
    if others := find_other_days(recipe, sources):
        told = f"By their own dates, photos were taken on other days than the picture says: {listed(others)}."
    return _claim("dates", find_date_problem(recipe, sources), told)


def _claim(name: str, problem: str, told: str) -> Check:
    return Check(name=name, ok=not problem, text=problem or told)


def _check_edited(recipe: Recipe, sources: dict[str, Path | None]) -> Check:
    untold = dict.fromkeys(
        one_line(frame.file)
        for frame in recipe.frames
        if frame.file not in recipe.edited and _looks_edited(sources[frame.sha256])
    )
    if untold:
        text = f"The picture does not say that {listed(untold)} went through a program or mode that may change skin."
        return Check(name="edited", ok=False, text=text)
    text = "No file names an editing program or beauty mode that the picture keeps quiet about."
    return Check(name="edited", ok=True, text=text)


def _looks_edited(source: Path | None) -> bool:
    try:
        return source is not None and is_suspect(read_header(source).metadata)
    except SkinprogressError:
        return False


def _check_made_again(recipe: Recipe, sources: dict[str, Path | None], data: bytes, *, untouched: bool) -> Check:
    name = "made again"
    if None in sources.values():
        return Check(name=name, ok=False, text="The picture could not be made again: photos are missing.")
    paths = {digest: path for digest, path in sources.items() if path is not None}
    again = _make(recipe, lambda frame: paths[frame.sha256])
    if isinstance(again, str):
        return Check(name=name, ok=False, text=f"The picture could not be made again: {again}")
    if again == data:
        return Check(name=name, ok=True, text="Made again from the photos, the picture is the same, byte for byte.")
    found = compare_pictures(data, again)
    other = _other_versions(recipe)
    if other and untouched and found.is_close:
        text = f"Made again with other versions ({other}), the picture is the same but for rounding: {found.text}."
        return Check(name=name, ok=True, text=text)
    why = f" Other versions draw here ({other}), which may explain it in part." if other else ""
    return Check(name=name, ok=False, text=f"Made again from the photos, the picture is another: {found.text}.{why}")


def _make(recipe: Recipe, find_photo: Callable[[FrameRecipe], Path]) -> bytes | str:
    """The picture, or why it cannot be made."""
    from skinprogress.outputs.composing.writing import make_composite

    try:
        return make_composite(recipe, find_photo)
    except SkinprogressError as error:
        return f"{error}."
    except Exception as error:
        # A recipe from elsewhere may hold numbers that some library stumbles over; that is an answer too.
        return f"its recipe cannot be carried out ({type(error).__name__})."


def _other_versions(recipe: Recipe) -> str:
    """What has another version here than when the picture was made: ``pillow 11.3.0 then, 13.0.0 now``."""
    told = []
    for package, then in sorted(recipe.versions.items()):
        try:
            now = version(package)
        except (PackageNotFoundError, ValueError):
            now = "not installed"
        if now != then:
            told.append(f"{one_line(package)} {one_line(then)} then, {now} now")
    return listed(told)
