"""What is cut out of the photos of a composite, and how each photo is laid there."""

import math
from dataclasses import dataclass, replace

import numpy as np

from skinprogress.errors import UsageError
from skinprogress.face.canonical import apply_affine, estimate_similarity
from skinprogress.face.mapping import map_landmarks
from skinprogress.face.regions import REGIONS, WHOLE_FACE
from skinprogress.outputs.alignment import Affine, Box, HeadFrame, common_box, photo_to_frame
from skinprogress.outputs.composing.cropping import Cut, Reach, find_reach
from skinprogress.outputs.composing.hiding import crop_box, find_hidden
from skinprogress.outputs.composing.recipe import CompositeOptions
from skinprogress.records import ClientResult, Inspection, View

_MESH = slice(0, 468)
_MIDLINE = [10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 2, 164, 152]
# Air around the face and around the head, shares of the height of the face: above, below, beside.
_AIR_TIGHT = (0.14, 0.10, 0.06)
_AIR_HEAD = (0.61, 0.3, 0.27)
# What is hidden by a sheet is seen so much beside what is not, at most: a picture of it is none of skin.
_AIR_SHEET = 0.12
_DEFAULT_REGIONS = {
    "front": ("forehead", "cheek_right", "cheek_left", "chin"),
    "left": ("cheek_left", "periorbital_left", "jaw_left"),
    "right": ("cheek_right", "periorbital_right", "jaw_right"),
}
_AROUND_REGION = 1.12
_AIR_REGION = 0.25
# Wider regions than so many times the middle one are shown by their middle: all are in one scale.
_WIDEST = 1.35
# Side of the small frame in which is found what remains: a px of it is more than one of any picture.
_TRIAL_PX = 640


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One row of photos: what is cut out of each, and how each is laid there."""

    cut: Cut
    maps: list[Affine]
    title: str = ""


def place_heads(chosen: list[Inspection], frame: HeadFrame, options: CompositeOptions, view: View) -> Place:
    """The head or the face, as far as all photos cover it."""
    maps = [photo_to_frame(photo, frame) for photo in chosen]
    reach = find_reach(chosen, maps)
    wanted = _wanted_box(chosen[0], maps[0], frame, options)
    if options.hide == "all-but-regions" or (options.hide != "nothing" and options.hide_with == "crop"):
        wanted, reach = _without_hidden(chosen, maps, wanted, reach, options, view)
    elif options.hide == "upper-face" and options.hide_with == "bar":
        top = float(frame.points_xy[_MESH, 1].min())
        wanted, reach = (wanted[0], top, *wanted[2:]), reach.within((-math.inf, top, math.inf, math.inf))
    left, top, right, bottom = common_box(chosen, replace(frame, box=wanted))
    if options.layout == "split" and view == "front":
        # The line between both halves runs down the middle of the face.
        middle = float(frame.points_xy[_MIDLINE, 0].mean())
        half = min(middle - left, right - middle)
        left, right = middle - half, middle + half
    return Place(Cut((left, top, right, bottom), reach, centered=options.layout == "split"), maps)


def _wanted_box(first: Inspection, to_frame: Affine, frame: HeadFrame, options: CompositeOptions) -> Box:
    """What a crop mode asks for, whether the photos show it or not."""
    if options.crop == "full":
        corners = np.array([[0, 0], [first.width_px, 0], [first.width_px, first.height_px], [0, first.height_px]])
        left, top = apply_affine(to_frame, corners.astype(np.float64)).min(axis=0).tolist()
        right, bottom = apply_affine(to_frame, corners.astype(np.float64)).max(axis=0).tolist()
        return left, top, right, bottom
    points = frame.points_xy[_MESH]
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    height = bottom - top
    if options.crop == "balanced":
        if options.shape == "original":
            return frame.box
        # No wider than the head: a shape decides what is seen beside it.
        left, right = max(left, frame.box[0]), min(right, frame.box[2])
    above, below, beside = (share * height for share in (_AIR_HEAD if options.crop == "balanced" else _AIR_TIGHT))
    return left - beside, top - above, right + beside, bottom + below


def _without_hidden(
    chosen: list[Inspection],
    maps: list[Affine],
    box: Box,
    reach: Reach,
    options: CompositeOptions,
    view: View,
) -> tuple[Box, Reach]:
    """The part of a box that remains when what is hidden is cut away, and the reach without it."""
    left, top, right, bottom = box
    scale = _TRIAL_PX / (right - left)
    outlines = [
        [
            tuple(map(tuple, (scale * (apply_affine(to_frame, np.array(outline)) - (left, top))).tolist()))
            for outline in find_hidden(photo, hide=options.hide, regions=options.regions, view=view)
        ]
        for photo, to_frame in zip(chosen, maps, strict=True)
    ]
    part = crop_box(outlines, hide=options.hide, width_px=_TRIAL_PX, height_px=round(scale * (bottom - top)))
    x0, y0, x1, y1 = (v / scale for v in part)
    kept = left + x0, top + y0, left + x1, top + y1
    if options.hide != "all-but-regions":
        return kept, reach.within((-math.inf, kept[1], math.inf, math.inf))
    air = 0.0 if options.hide_with == "crop" else _AIR_SHEET * max(x1 - x0, y1 - y0)
    return kept, reach.within((kept[0] - air, kept[1] - air, kept[2] + air, kept[3] + air))


def place_regions(
    result: ClientResult, chosen: list[Inspection], frame: HeadFrame, options: CompositeOptions, view: View
) -> list[Place]:
    """One place a region; each photo is laid there by the skin of the region, so that skin lies on itself."""
    names = options.regions or _DEFAULT_REGIONS[view.split("_")[0]]
    if unknown := [name for name in names if name not in REGIONS or name == WHOLE_FACE]:
        known = ", ".join(name for name in REGIONS if name != WHOLE_FACE)
        raise UsageError(f"{unknown[0]!r} is no region that can be shown by itself", f"the regions are {known}")
    reference = result.inspections.get(result.plan.reference_of.get(view, ""), chosen[0])
    to_frame = photo_to_frame(reference, frame)
    skin = map_landmarks(reference.landmarks)
    parts = [apply_affine(to_frame, skin.at(np.array(REGIONS[name].polygon_uv))) for name in names]
    sizes = np.array([np.ptp(part, axis=0) for part in parts])
    width, height = (_AROUND_REGION * np.minimum(sizes.max(axis=0), _WIDEST * np.median(sizes, axis=0))).tolist()
    places = []
    for name, part in zip(names, parts, strict=True):
        maps = [_lay_region(result, photo, reference, to_frame, name) for photo in chosen]
        x, y = ((part.min(axis=0) + part.max(axis=0)) / 2).tolist()
        reach = find_reach(chosen, maps)
        core = reach.fitted((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
        # A shape that asks for more gets white: slices of the whole head are no regions.
        air = _AIR_REGION * max(core[2] - core[0], core[3] - core[1])
        near = reach.within((core[0] - air, core[1] - air, core[2] + air, core[3] + air))
        places.append(Place(Cut(core, near), maps, title=REGIONS[name].title))
    return places


def _lay_region(result: ClientResult, photo: Inspection, reference: Inspection, to_frame: Affine, name: str) -> Affine:
    """Rotation, scale and shift that lay the skin of a region in a photo over that in the reference photo."""
    corners = np.array(REGIONS[name].polygon_uv)
    places = np.concatenate([corners + share * (corners.mean(axis=0) - corners) for share in (0.0, 0.35, 0.7)])
    there = apply_affine(to_frame, map_landmarks(reference.landmarks).at(places))
    own = map_landmarks(photo.landmarks).refined(result.registrations.get(photo.ref.file))
    return estimate_similarity(own.at(places), there)
