"""Each mark of the course file as a strip of crops over the sessions, with what was measured on it."""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skinprogress.comparison.course import is_covered
from skinprogress.errors import PhotoError
from skinprogress.face.canonical import apply_affine, estimate_similarity
from skinprogress.face.mapping import map_landmarks
from skinprogress.metrics.table import Metric
from skinprogress.outputs.alignment import (
    Affine,
    Box,
    Rgb,
    head_frame,
    photo_to_frame,
    render_aligned,
    scale_of,
)
from skinprogress.outputs.chosen import changes_since_baseline
from skinprogress.outputs.groups import by_group, sized
from skinprogress.outputs.lettering import font
from skinprogress.outputs.mark_outlines import mark_outlines_xy
from skinprogress.outputs.pairs import photo_name, photos_of, read_rgb, share_colors
from skinprogress.outputs.pictures import Embed
from skinprogress.outputs.rows import interval_of, word_of
from skinprogress.outputs.style import INK, PAPER, number_text
from skinprogress.outputs.wording import MATCHED, phase_text, sentence
from skinprogress.records import RUNGS, Change, ClientResult, Inspection, MarkPlace, Rung

MARK_TEXT = (
    "Each photo is rotated, scaled and shifted so that the skin around the mark lies in the same place, and enlarged; "
    "nothing is warped. The dashed line on the first one is what was outlined and measured."
)
CROP_PX = 270
"""Side of a crop."""
_LEAST_MM = 22.0
"""Side of the smallest crop: what a mark is judged by is the skin around it."""
_AROUND = 2.4  # side of a crop, times the longer side of the mark
_BAR_MM = 5.0
_ENOUGH_SKIN = 0.8
_QUALITY = 90


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkCrop:
    """A mark in one session.

    Attributes
    ----------
    name : str
        Date of the session, or its photo.
    when : str
        Where in the course it stands; empty where that is not known.
    figures : tuple of str
        What changed since the baseline, with intervals; for the baseline itself, that.
    rgb : (s, s, 3) uint8
    """

    name: str
    when: str
    figures: tuple[str, ...]
    rgb: Rgb


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkStrip:
    """A mark over the sessions, in order of time; ``lead`` are sentences."""

    place: MarkPlace
    lead: tuple[str, ...]
    crops: tuple[MarkCrop, ...]


def describe_marks(result: ClientResult) -> Iterator[MarkStrip]:
    """The marks of the client; those of which no photo can be read are left out.

    Parameters
    ----------
    result : ClientResult

    Yields
    ------
    MarkStrip
    """
    for place in result.marks:
        if not mark_outlines_xy(result, place):
            continue  # it lies off the face
        changes = [c for c in changes_since_baseline(result, view=place.view) if c.region == place.name]
        chosen = _chosen_metrics(changes)
        look = _place_crop(result, place)
        crops: list[MarkCrop] = []
        rungs: set[Rung] = set()
        for session in result.sessions:
            photos = photos_of(result, place.view, session)
            if not photos:
                continue
            best = max(photos, key=lambda i: i.quality)
            with contextlib.suppress(PhotoError):  # a photo that is gone leaves a gap
                rgb, rung = _crop(result, look, best)
                rungs.add(rung)
                crops.append(
                    MarkCrop(
                        name=photo_name(best),
                        when=phase_text(result.plan.phases.get(session)),
                        figures=tuple(_figures(result, session, changes, chosen)),
                        rgb=_with_outline(rgb, look) if not crops else rgb,
                    )
                )
        if crops:
            yield MarkStrip(place=place, lead=tuple(_lead(place, rungs)), crops=tuple(crops))


def _chosen_metrics(changes: list[Change]) -> list[Metric]:
    """Of every group the first metric that was compared on the mark in any session, or else its first."""
    known = {c.metric for c in changes if math.isfinite(c.difference)}
    groups = by_group(c.metric for c in changes).values()
    return [next((m for m in group if m.name in known), group[0]) for group in groups]


def _figures(result: ClientResult, session: str, changes: list[Change], metrics: list[Metric]) -> Iterator[str]:
    if session == result.plan.baseline:
        yield "baseline"
        return
    if is_covered(result.plan, session):
        yield "cream on the skin: not compared"
        return
    every = [c for c in changes if c.to_session == session]
    # In the days after a treatment redness alone is judged.
    mine = {c.metric: c for c in every if c.course_status != "cannot say"}
    if not mine:
        yield "too soon to judge" if every else "not compared"
    for metric in metrics:
        if (change := mine.get(metric.name)) is None:
            continue
        if not math.isfinite(change.difference):
            yield f"{metric.title}: not comparable"
            continue
        size = sized(number_text(change.difference, metric.decimals, sign=True), metric)
        yield f"{metric.title} {size} ({interval_of(change, metric)}): {word_of(change)}"


def _lead(place: MarkPlace, rungs: set[Rung]) -> Iterator[str]:
    yield MARK_TEXT
    worst = max(rungs, key=RUNGS.index)
    yield f"{sentence(MATCHED[worst])} Figures: change since the baseline, with its interval."
    if place.on_skin < _ENOUGH_SKIN:
        yield f"Only {100 * place.on_skin:.0f} % of what was outlined is bare skin of the face in this view."


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """Where the crops of a mark are cut: in the head frame of its view.

    Attributes
    ----------
    uv : (n, 2) float64
        Canonical places in and around the mark.
    target_xy : (n, 2) float64
        Where they are to lie in the frame.
    outlines_xy : list of (n, 2) float64
        Of the mark, px of a crop.
    """

    reference: Inspection
    uv: npt.NDArray[np.float64]
    target_xy: npt.NDArray[np.float64]
    box: Box
    mm_per_px: float
    outlines_xy: list[npt.NDArray[np.float64]]


def _place_crop(result: ClientResult, place: MarkPlace) -> _Look:
    """A square around the mark, level as the face is, with places of the skin in it to lay the photos over."""
    reference = result.inspections[result.plan.reference_of[place.view]]
    frame = head_frame(result, place.view)
    to_frame = photo_to_frame(reference, frame)
    outlines = [apply_affine(to_frame, points) for points in mark_outlines_xy(result, place)]
    corners = np.concatenate(outlines)
    mm_per_unit = result.plan.mm_per_px[reference.ref.file] / scale_of(to_frame)
    side = max(_AROUND * float(np.ptp(corners, axis=0).max()), _LEAST_MM / mm_per_unit)
    low = (corners.min(axis=0) + corners.max(axis=0) - side) / 2
    box = (float(low[0]), float(low[1]), float(low[0] + side), float(low[1] + side))
    places = np.stack(np.meshgrid(*[np.linspace(0.02, 0.98, 97)] * 2), axis=-1).reshape(-1, 2)
    there = apply_affine(to_frame, map_landmarks(reference.landmarks).at(places))
    inside = ((there > low) & (there < low + side)).all(axis=1)
    return _Look(
        reference=reference,
        uv=places[inside],
        target_xy=there[inside],
        box=box,
        mm_per_px=side * mm_per_unit / CROP_PX,
        outlines_xy=[(o - low) / side * CROP_PX for o in outlines],
    )


def _crop(result: ClientResult, look: _Look, inspection: Inspection) -> tuple[Rgb, Rung]:
    """One photo, laid over the reference photo at the mark, in its colours where they were matched."""
    face_map = map_landmarks(inspection.landmarks).refined(result.registrations.get(inspection.ref.file))
    to_frame: Affine = estimate_similarity(face_map.at(look.uv), look.target_xy)
    colors = share_colors(result, look.reference, inspection)
    rgb = render_aligned(
        read_rgb(inspection),
        to_frame,
        look.box,
        px_per_unit=CROP_PX / (look.box[2] - look.box[0]),
        correction=colors.corrections[1],
        brightness=colors.brightness,
    )
    return rgb, colors.rung


def _with_outline(rgb: Rgb, look: _Look) -> Rgb:
    """What was outlined, dashed in white on dark, and a bar of five millimetres."""
    from PIL import Image, ImageDraw

    fine = 3
    large = Image.fromarray(rgb).resize((fine * rgb.shape[1], fine * rgb.shape[0]), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(large)
    for outline in look.outlines_xy:
        closed = np.concatenate([outline, outline[:1]]) * fine
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
        n = max(6, round(along[-1] / (fine * 12)))
        for k in range(n):
            ends = np.linspace((k + 0.0) / n, (k + 0.55) / n, 6) * along[-1]
            dash = [(float(np.interp(a, along, closed[:, 0])), float(np.interp(a, along, closed[:, 1]))) for a in ends]
            draw.line(dash, fill=INK, width=3 * fine)
            draw.line(dash, fill=PAPER, width=round(1.4 * fine))
    small = large.resize((rgb.shape[1], rgb.shape[0]), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(small)
    length, x, y = _BAR_MM / look.mm_per_px, 10, rgb.shape[0] - 12
    draw.rectangle((x - 2, y - 3, x + length + 2, y + 3), fill=INK)
    draw.rectangle((x, y - 1, x + length, y + 1), fill=PAPER)
    label = font(13, bold=True)
    draw.text((x, y - 6), f"{_BAR_MM:.0f} mm", font=label, fill=PAPER, stroke_width=2, stroke_fill=INK, anchor="ls")
    return np.asarray(small, np.uint8)


def marks_for_report(result: ClientResult, embed: Embed) -> Iterator[dict[str, Any]]:
    """The same as data for the page: ``strip`` and ``crops``, each with its picture and its side."""
    for strip in describe_marks(result):
        crops = [{"crop": c, "uri": embed(c.rgb, quality=_QUALITY), "side": CROP_PX} for c in strip.crops]
        yield {"strip": strip, "crops": crops}
