"""The photos of a composite, drawn from its recipe and the files alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from skinprogress.outputs.alignment import Affine, Rgb, encode_shown, shown_part, stored_light, warp_light
from skinprogress.outputs.composing.hiding import cover
from skinprogress.outputs.composing.recipe import ColorMap, FrameRecipe, Recipe
from skinprogress.photos.files import keep_photos
from skinprogress.photos.reading import read_photo
from skinprogress.records import ColorCorrection, Photo, PhotoRef


def render_frames(recipe: Recipe, find_photo: Callable[[FrameRecipe], Path]) -> list[Rgb]:
    """Draw every photo of a composite: turned, scaled and shifted, its colours mapped, parts of it covered.

    Parameters
    ----------
    recipe : Recipe
    find_photo : callable
        From a frame to its file.

    Returns
    -------
    list of (height_px, width_px, 3) uint8
        sRGB.

    Raises
    ------
    PhotoError
        A photo cannot be read.

    Notes
    -----
    Scaling down averages areas in linear light; then the photo is turned at about one to one, by bicubic
    interpolation. Nothing is sharpened.
    """
    with keep_photos():  # regions are cut out of the same few photos
        return [_render(frame, _read(find_photo(frame), frame), recipe) for frame in recipe.frames]


def _read(path: Path, frame: FrameRecipe) -> Photo:
    return read_photo(PhotoRef(path=path, file=frame.file, client="", session=frame.session, mirrored=frame.mirrored))


def _render(frame: FrameRecipe, photo: Photo, recipe: Recipe) -> Rgb:
    place: Affine = np.array(frame.matrix, np.float64)
    size = frame.width_px, frame.height_px
    # Only the part that is shown leaves the numbers of the file.
    rows, columns = shown_part(place, size, photo.pixels.shape)
    place[:, 2] += place[:, :2] @ np.array([columns.start, rows.start], np.float64)
    light = warp_light(stored_light(photo, rows, columns), place, size)
    correction, brightness = (None, 1.0) if frame.color is None else _correction(frame.color)
    rgb = encode_shown(light, correction, brightness)
    return cover(rgb, frame.hidden, recipe.options.hide_with) if frame.hidden else rgb


def _correction(color: ColorMap) -> tuple[ColorCorrection, float]:
    correction = ColorCorrection(
        rung="none",  # of no matter here: the map is the same
        gains=np.array(color.gains, np.float32),
        tone=None if color.tone is None else np.array(color.tone, np.float32),
        matrix=np.array(color.matrix, np.float32),
    )
    return correction, color.brightness
