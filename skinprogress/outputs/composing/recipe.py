"""What a composite is made from: everything that is needed to make the same picture again, and nothing else."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from skinprogress.records import Rung, View

Layout = Literal["side-by-side", "split", "strip", "regions", "flicker", "timelapse"]
Shape = Literal["original", "1:1", "4:5", "9:16", "16:9"]
Crop = Literal["tight", "balanced", "full"]
Format = Literal["jpg", "png", "webp", "gif", "mp4"]
Labels = Literal["date", "before-after", "course", "none"]
Place = Literal["top", "bottom"]
Hide = Literal["nothing", "eyes", "upper-face", "all-but-regions"]
HideWith = Literal["bar", "blur", "crop"]

RECIPE_VERSION = 1
"""Of the fields below; a recipe of another version cannot be re-made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeOptions:
    """How a composite shall look; nothing in it can change what is true of the photos.

    Attributes
    ----------
    layout : Layout
    shape : Shape
        Width to height of the picture; ``original``: what the photos show.
    crop : Crop
        ``tight``: the face; ``balanced``: the whole head with a little air; ``full``: all that both photos show.
    format : Format or None
        None: what the layout is usually kept in.
    size_px : int or None
        The longer side at most; None: for a shape 1080 px wide (16:9: 1920), else what the photos have.
    slant_deg : float
        Of the dividing line of ``split`` from upright, −40..40.
    labels : Labels
        What stands beside each photo: its date, "before" and "after 3 treatments, 6 weeks", or both ("course").
    label_place, footer_place : Place
    label_scale : float
        Size of the letters against the usual, 0.6..2.
    font : Path or None
        A TrueType or OpenType file for labels and titles; None: the one that comes with the charts, in which warnings
        and footer are always set.
    hide : Hide
    hide_with : HideWith
    regions : tuple of str
        For the layout ``regions`` and for ``all-but-regions``; empty: those that the view shows best.
    seconds : float
        How long each photo stands in ``flicker`` and ``timelapse``.
    """

    layout: Layout = "side-by-side"
    shape: Shape = "original"
    crop: Crop = "balanced"
    format: Format | None = None
    size_px: int | None = None
    slant_deg: float = 0.0
    labels: Labels = "course"
    label_place: Place = "top"
    footer_place: Place = "bottom"
    label_scale: float = 1.0
    font: Path | None = None
    hide: Hide = "nothing"
    hide_with: HideWith = "bar"
    regions: tuple[str, ...] = ()
    seconds: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorMap:
    """One map of linear light for a whole photo: gains, tone curve, matrix, then a factor that all frames share."""

    gains: tuple[float, ...]
    tone: tuple[tuple[float, float], ...] | None
    matrix: tuple[tuple[float, ...], ...]
    brightness: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRecipe:
    """One photo in a composite.

    Attributes
    ----------
    file : str
        Its name in the client's folder, with ``/``.
    sha256 : str
        Of the file; the photo is found again by it.
    session : str
    mirrored : bool
        Whether the stored pixels are flipped from left to right first.
    matrix : ((a, b, x), (c, d, y))
        Px of the upright photo to px of the frame, both counted from the edge of the first px: a rotation, one scale
        and a shift.
    width_px, height_px : int
        Of the frame.
    color : ColorMap or None
        None: the colours of the file as they are.
    title : str
        Region in the layout ``regions``, else empty.
    label : tuple of str
        Lines beside the photo.
    warnings : tuple of str
        What must stand in the picture: "2 days after a treatment", "different light".
    hidden : tuple of polygons
        In px of the frame, (x, y) each: what an odd number of outlines goes around is covered, so an outline within
        another is a window in it. The first edge of the first one says how coarse a blur is
        (:func:`~skinprogress.outputs.composing.hiding.find_hidden`).
    mm_per_px : float or None
        Of the frame, where a scale bar is drawn.
    """

    file: str
    sha256: str
    session: str
    mirrored: bool = False
    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]
    width_px: int
    height_px: int
    color: ColorMap | None = None
    title: str = ""
    label: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    hidden: tuple[tuple[tuple[float, float], ...], ...] = ()
    mm_per_px: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that a composite is made from.

    Attributes
    ----------
    view : View
    options : CompositeOptions
    frames : tuple of FrameRecipe
        In the order in which they are seen; in the layout ``regions`` row by row.
    columns : int
        Frames a row.
    color_reference : Rung
        What the colours of all frames were matched on; ``none``: they were not.
    edited : tuple of str
        Files that were edited or beauty-filtered before they came here, as declared or as their metadata say.
    suspected : tuple of str
        Files that look so.
    grade : str
        The worst grade of comparability of a frame with the first; empty where nobody said.
    consent : str
        What was known of it when the picture was made.
    versions : dict of str to str
        Of what draws and encodes.
    photos : str
        Way from the recipe's folder to the folder of the photos, with ``/``; empty where there is none.
    """

    view: View
    options: CompositeOptions
    frames: tuple[FrameRecipe, ...]
    columns: int
    color_reference: Rung = "none"
    edited: tuple[str, ...] = ()
    suspected: tuple[str, ...] = ()
    grade: str = ""
    consent: str = ""
    versions: dict[str, str]
    photos: str = ""
    recipe_version: int = RECIPE_VERSION


def render_recipe(recipe: Recipe, *, composite_sha256: str) -> str:
    """The recipe as JSON, with the digest of the picture that was made from it, and a digest of the recipe itself."""
    content: dict[str, Any] = asdict(recipe)
    content["options"]["font"] = recipe.options.font.as_posix() if recipe.options.font else None
    content["composite_sha256"] = composite_sha256
    content["recipe_sha256"] = recipe_digest(content)
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def recipe_digest(content: dict[str, Any]) -> str:
    """SHA-256 over everything in a recipe but that digest."""
    rest = {key: value for key, value in content.items() if key != "recipe_sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
