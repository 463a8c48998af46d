"""Does a composite say of its photos what this program says of them? It is planned anew, and the facts are compared."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skinprogress.checking.showing import compose
from skinprogress.errors import SkinprogressError
from skinprogress.face.canonical import apply_affine
from skinprogress.outputs.alignment import invert_affine
from skinprogress.outputs.composing.captions import footer_lines
from skinprogress.outputs.composing.hiding import hidden_mask
from skinprogress.outputs.composing.recipe import ColorMap, FrameRecipe, Recipe
from skinprogress.outputs.composing.verifying import Check, Verification, verify_composite
from skinprogress.outputs.wording import listed
from skinprogress.photos.files import keep_photos
from skinprogress.photos.scan import one_line

# What other versions of the landmark model and of libraries may move: shares of the frame, and of a factor of colour.
_MOVED, _COVERED, _COLORED = 0.01, 0.01, 0.01


def verify_anew(path: Path, *, client_folder: Path) -> Verification:
    """Check a composite, and whether the client's folder leads to the same words, places, colours and covers.

    Parameters
    ----------
    path : Path
        The picture; its recipe lies beside it.
    client_folder : Path
        With the photos, and ``course.toml`` where there is one. It must come from somebody whom one trusts: whoever
        has both can change both.

    Returns
    -------
    Verification
        With one more check, ``planned anew``. Where it comes out well, dates in files that speak against the picture
        are no matter: the course file has corrected them.

    Raises
    ------
    UsageError
        As :func:`~skinprogress.outputs.composing.verifying.verify_composite`.
    """
    found = verify_composite(path, photos=client_folder)
    check = _check_anew(found, client_folder)
    kept = (each for each in found.checks if not (check.ok and each.name == "dates"))
    return replace(found, checks=(*kept, check))


def _check_anew(found: Verification, folder: Path) -> Check:
    name, problems = "planned anew", list[list[str]]()
    try:
        for planned in _plans(found, folder):
            problems.append(find_differences(found.recipe, planned))
            if not problems[-1]:
                text = "Planned anew from the client's folder, it says and shows the same of every photo."
                return Check(name=name, ok=True, text=text)
    except SkinprogressError as error:
        if not problems:
            return Check(name=name, ok=False, text=f"It cannot be planned anew: {error}.")
    least = min(problems, key=len)
    text = f"Planned anew from the client's folder, it is another picture: {listed(least)}."
    return Check(name=name, ok=False, text=text)


def _plans(found: Verification, folder: Path) -> Iterator[Recipe]:
    """The ways in which the composite may have been asked for: of chosen visits, of all, or of single photos."""
    recipe = found.recipe
    sessions = list(dict.fromkeys(frame.session for frame in recipe.frames))
    files = list(dict.fromkeys(found.sources[frame.sha256] for frame in recipe.frames))
    ways: list[tuple[Sequence[Path | None], Sequence[str]]] = [([folder], sessions), ([folder], ()), (files, ())]
    refused: SkinprogressError | None = None
    planned = 0
    with keep_photos():
        for photos, shown in ways:
            try:
                known = [photo for photo in photos if photo is not None]
                yield compose(known, options=recipe.options, view=recipe.view, sessions=shown).recipe
                planned += 1
            except SkinprogressError as error:
                refused = refused or error
    if refused is not None and not planned:
        raise refused


def find_differences(claimed: Recipe, planned: Recipe) -> list[str]:
    """What two recipes tell differently of the photos, in words; empty where they agree.

    Size and versions are no matter, nor is what other versions of a library move.
    """
    if [f.sha256 for f in claimed.frames] != [f.sha256 for f in planned.frames]:
        return ["it would show other photos, or in another order"]
    told = []
    if claimed.color_reference != planned.color_reference:
        told.append(f"colours are matched on “{planned.color_reference}”, not on “{claimed.color_reference}”")
    if footer_lines(claimed) != footer_lines(planned):
        told.append(f"the line at its foot would be “{' '.join(footer_lines(planned))}”")
    for one, other in zip(claimed.frames, planned.frames, strict=True):
        told += [f"{one_line(one.file)} {what}" for what in _frame_differences(one, other)]
    return list(dict.fromkeys(told))


def _frame_differences(one: FrameRecipe, other: FrameRecipe) -> Iterator[str]:
    if one.title != other.title:
        yield f"shows {other.title or 'no region'}"
    if one.label != other.label:
        yield f"would have the label “{', '.join(other.label)}”"
    if one.warnings != other.warnings:
        yield f"would have the warning “{', '.join(other.warnings) or 'none'}”"
    if one.mirrored != other.mirrored:
        yield "is flipped" if other.mirrored else "is not flipped"
    corners, places = _corners(one), _corners(other)
    if np.abs(corners - places).max() > _MOVED * np.linalg.norm(places[2] - places[0]):
        yield "would be turned, scaled, shifted or cut otherwise"
    elif _covered_apart(one, other) > _COVERED:
        yield "would be covered elsewhere"
    if not _alike(one.color, other.color):
        yield "would have another map of colours"
    if (one.mm_per_px is None) != (other.mm_per_px is None) or not _same_scale(one, other):
        yield "would have another scale in millimetres"


def _corners(frame: FrameRecipe) -> npt.NDArray[np.float64]:
    """Corners of a frame in px of the photo."""
    w, h = frame.width_px, frame.height_px
    return apply_affine(invert_affine(np.array(frame.matrix)), np.array([[0.0, 0.0], [w, 0], [w, h], [0, h]]))


def _covered_apart(one: FrameRecipe, other: FrameRecipe) -> float:
    """Share of a frame that is covered in one recipe alone."""
    size, to = {"width_px": one.width_px, "height_px": one.height_px}, one.width_px / other.width_px
    scaled = tuple(tuple((to * x, to * y) for x, y in outline) for outline in other.hidden)
    return float((hidden_mask(one.hidden, **size) != hidden_mask(scaled, **size)).mean())


def _alike(one: ColorMap | None, other: ColorMap | None) -> bool:
    if one is None or other is None:
        return one is other
    pairs = [(one.gains, other.gains), (one.matrix, other.matrix), (one.tone or (), other.tone or ())]
    pairs.append(((one.brightness,), (other.brightness,)))
    arrays = [(np.array(a, float), np.array(b, float)) for a, b in pairs]
    return all(a.shape == b.shape and np.allclose(a, b, rtol=_COLORED, atol=_COLORED / 10) for a, b in arrays)


def _same_scale(one: FrameRecipe, other: FrameRecipe) -> bool:
    if one.mm_per_px is None or other.mm_per_px is None:
        return True
    return abs(one.mm_per_px * one.width_px / (other.mm_per_px * other.width_px) - 1) < 2 * _MOVED
