"""From what is known of a client to the recipe of a composite. No pixel is read."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from importlib.metadata import version

import numpy as np

from skinprogress.errors import UsageError
from skinprogress.face.canonical import apply_affine
from skinprogress.outputs.alignment import HeadFrame, head_frame, photo_to_frame, scale_of
from skinprogress.outputs.chosen import comparison_of
from skinprogress.outputs.composing.captions import label_lines
from skinprogress.outputs.composing.choosing import check_options, choose_photos
from skinprogress.outputs.composing.consent import rule_on_consent
from skinprogress.outputs.composing.encoding import default_format
from skinprogress.outputs.composing.fitting import Fitted, fit_frames
from skinprogress.outputs.composing.hiding import find_hidden
from skinprogress.outputs.composing.placing import Place, place_heads, place_regions
from skinprogress.outputs.composing.recipe import ColorMap, CompositeOptions, FrameRecipe, Recipe
from skinprogress.outputs.composing.warnings import short_warnings
from skinprogress.outputs.pairs import share_colors
from skinprogress.records import ClientResult, ColorCorrection, Flag, Inspection, View

_DRAWING = ("skinprogress", "numpy", "opencv-python", "pillow", "matplotlib")
_FILMING = {"timelapse": ("imageio-ffmpeg",)}


def plan_composite(
    result: ClientResult,
    *,
    view: View,
    sessions: Sequence[str] = (),
    options: CompositeOptions,
    photos: str = "",
    today: date | None = None,
) -> Recipe:
    """Decide everything about a composite.

    Parameters
    ----------
    result : ClientResult
    view : View
    sessions : sequence of str
        Empty: the baseline and the last session; for strips and animations also some comparable ones between them.
    options : CompositeOptions
    photos : str
        Way from the recipe's folder to the folder of the photos, with ``/``.
    today : date, optional
        For the consent.

    Returns
    -------
    Recipe

    Raises
    ------
    UsageError
        The client does not consent; a session or region cannot be shown; an option is out of its range.

    Notes
    -----
    All photos are shown in one crop and one scale, which is never larger than that of the coarsest photo.
    """
    check_options(options)
    ruling = rule_on_consent(result.plan.course.consent, today=today or date.today())
    if not ruling.allowed:
        raise UsageError(f"No composite is made: {ruling.text}", ruling.remedy)
    chosen = choose_photos(result, view, sessions, options.layout)
    frame = head_frame(result, view)
    if options.layout == "regions":
        places = place_regions(result, chosen, frame, options, view)
    else:
        places = [place_heads(chosen, frame, options, view)]
    shared = share_colors(result, *chosen)
    colors = [None if c is None else _color_map(c, shared.brightness) for c in shared.corrections]
    draft = Recipe(
        view=view,
        options=replace(options, format=options.format or default_format(options.layout)),
        frames=_unfitted_frames(result, view, chosen, [place.title for place in places], colors, options),
        columns=len(chosen),
        color_reference=shared.rung,
        edited=_flagged(result, chosen, Flag.FILTER_DECLARED | Flag.FILTER_SUSPECTED),
        suspected=_flagged(result, chosen, Flag.SMOOTHING_SUSPECTED),
        grade=_worst_grade(result, view, chosen),
        consent=ruling.text,
        versions={name: version(name) for name in (*_DRAWING, *_FILMING.get(options.layout, ()))},
        photos=photos,
    )
    finest = min(1 / scale_of(m) for place in places for m in place.maps)
    return _lay(fit_frames(draft, [place.cut for place in places], finest), result, chosen, places, frame)


def _unfitted_frames(
    result: ClientResult,
    view: View,
    chosen: list[Inspection],
    titles: list[str],
    colors: list[ColorMap | None],
    options: CompositeOptions,
) -> tuple[FrameRecipe, ...]:
    """The frames with all that is known before their size."""
    first, labels = chosen[0].ref.session, label_lines(result, chosen, options.labels)
    return tuple(
        FrameRecipe(
            file=photo.ref.file,
            sha256=photo.ref.sha256,
            session=photo.ref.session,
            mirrored=photo.ref.mirrored,
            matrix=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
            width_px=1,
            height_px=1,
            color=colors[k],
            title=title,
            label=labels[k],
            warnings=() if k == 0 else short_warnings(result, view, first, photo.ref.session),
        )
        for title in titles
        for k, photo in enumerate(chosen)
    )


def _lay(
    fitted: Fitted, result: ClientResult, chosen: list[Inspection], places: list[Place], frame: HeadFrame
) -> Recipe:
    """Put the way of each photo into its frame, what is hidden, and the scale, into a recipe of fitted frames."""
    recipe, px_per_unit = fitted.recipe, fitted.px_per_unit
    options, laid = recipe.options, iter(recipe.frames)
    mm_per_unit = _mm_per_unit(result, recipe.view, frame)
    frames = []
    for place, box in zip(places, fitted.boxes, strict=True):
        for photo, to_frame in zip(chosen, place.maps, strict=True):
            matrix = px_per_unit * to_frame
            matrix[:, 2] -= px_per_unit * np.array(box[:2])
            (a, b, x), (c, d, y) = matrix.tolist()
            hidden = find_hidden(photo, hide=options.hide, regions=options.regions, view=recipe.view)
            frames.append(
                replace(
                    next(laid),
                    matrix=((a, b, x), (c, d, y)),
                    hidden=tuple(
                        tuple((round(p, 2), round(q, 2)) for p, q in apply_affine(matrix, np.array(outline)))
                        for outline in hidden
                    ),
                    mm_per_px=mm_per_unit / px_per_unit if options.layout == "regions" else None,
                )
            )
    return replace(recipe, frames=tuple(frames))


def _mm_per_unit(result: ClientResult, view: View, frame: HeadFrame) -> float:
    file = result.plan.reference_of.get(view, "")
    reference = result.inspections.get(file)
    if reference is None:
        return float("nan")
    return result.plan.mm_per_px[file] / scale_of(photo_to_frame(reference, frame))


def _color_map(correction: ColorCorrection, brightness: float) -> ColorMap:
    tone = None if correction.tone is None else tuple((float(a), float(b)) for a, b in correction.tone)
    return ColorMap(
        gains=tuple(map(float, correction.gains)),
        tone=tone,
        matrix=tuple(tuple(map(float, row)) for row in correction.matrix),
        brightness=brightness,
    )


def _flagged(result: ClientResult, chosen: list[Inspection], wanted: Flag) -> tuple[str, ...]:
    """Files of the photos that one of some flags is set for, wherever it was found."""
    measured = {report.file: report.flags for report in result.photos}
    none = Flag.NONE
    return tuple(
        i.ref.file
        for i in chosen
        if wanted & (i.flags | i.ref.flags | result.plan.flags.get(i.ref.file, none) | measured.get(i.ref.file, none))
    )


def _worst_grade(result: ClientResult, view: View, chosen: list[Inspection]) -> str:
    first = chosen[0].ref.session
    found = [comparison_of(result, first, photo.ref.session, view) for photo in chosen[1:]]
    return max((c.grade for c in found if c is not None), default="")
