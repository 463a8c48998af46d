"""How the light of two sessions differs, what of the difference of redness it would have faked, and what is left."""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from skinprogress.comparison.photolight import describe_light, describe_light_difference
from skinprogress.comparison.sentences import session_text
from skinprogress.errors import PhotoError
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.alignment import Rgb, head_frame, photo_to_frame, render_aligned, scale_of
from skinprogress.outputs.chosen import changes_since_baseline, comparison_of, headline_session
from skinprogress.outputs.light_pictures import (
    DOUBTFUL,
    LightMaps,
    read_light_maps,
    render_ball,
    render_map,
    render_scale,
)
from skinprogress.outputs.once import once
from skinprogress.outputs.pairs import photo_name, photos_of, read_rgb, share_colors, used_views
from skinprogress.outputs.pictures import Embed, place_picture
from skinprogress.outputs.registration_view import face_box
from skinprogress.outputs.style import number_text
from skinprogress.outputs.wording import VIEW_TITLES, listed, sentence
from skinprogress.records import ClientResult, Comparison, Flag, Inspection, LightDifference, PhotoLight, View

HARDLY = 0.35
"""Standard deviation of the redness taken out, a*-equivalents, below which it is not worth a look."""
MAP_TITLES = (
    "Difference of redness as photographed",
    "After the light was taken out",
    "What the light alone would have faked",
)
_SHINES = 0.01
_BALL_PX, _FACE_PX = 240, 380
_MAP_QUALITY = 88


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LitPhoto:
    """One photo, and the light that fell on the face.

    Attributes
    ----------
    words : str
        A sentence.
    face : (h, w, 3) uint8 or None
        Cropped like the maps; None where the photo is gone.
    ball : (s, s, 3) uint8
        A grey ball in that light.
    """

    name: str
    words: str
    face: Rgb | None
    ball: Rgb


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairLight:
    """The light of two sessions of one view.

    Attributes
    ----------
    short : str
        The most important figure, for a line of its own.
    lead : tuple of str
        What differs, what it would have faked, what is left open, and what could not be compared; sentences.
    small : bool
        Hardly anything was taken out.
    several : bool
        One of the sessions has more photos than the one that is shown.
    photos : tuple of LitPhoto
        The best photo of each of the two sessions.
    maps : LightMaps or None
        None where a photo is gone.
    """

    view: View
    short: str
    lead: tuple[str, ...]
    small: bool
    several: bool
    photos: tuple[LitPhoto, ...]
    maps: LightMaps | None

    @property
    def names(self) -> str:
        """``14 Mar 2026 and 26 Apr 2026``."""
        return " and ".join(p.name for p in self.photos)


@once
def describe_lights(result: ClientResult) -> tuple[PairLight, ...]:
    """How the light differs between the baseline and the session that the report speaks of, view by view.

    Parameters
    ----------
    result : ClientResult

    Returns
    -------
    tuple of PairLight
        Of views whose light was compared; the photos are read again.
    """
    return tuple(_describe_lights(result))


def _describe_lights(result: ClientResult) -> Iterator[PairLight]:
    for view in used_views(result):
        if (difference := _chosen_difference(result, view)) is None:
            continue
        sessions = difference.from_session, difference.to_session
        best = [max(photos_of(result, view, s), key=lambda i: i.quality) for s in sessions]
        lights = [result.lights.get(i.ref.file, PhotoLight()) for i in best]
        comparison = comparison_of(result, *sessions, view)
        maps: LightMaps | None = None
        faces: list[Rgb | None] = [None, None]
        with contextlib.suppress(PhotoError):  # the photos are gone; what is known of their light is told without them
            maps, faces = read_light_maps(result, difference), _read_faces(result, view, best)
        removed = math.nan if comparison is None else comparison.light_removed
        yield PairLight(
            view=view,
            short="hardly anything taken out" if removed < HARDLY else _figure(removed, "{} a*-eq taken out", 1),
            lead=tuple(_tell(result, difference, comparison, lights, maps)),
            small=removed < HARDLY,
            several=any(len(photos_of(result, view, s)) > 1 for s in sessions),
            photos=tuple(_lit(i, light, face) for i, light, face in zip(best, lights, faces, strict=True)),
            maps=maps,
        )


def _chosen_difference(result: ClientResult, view: View) -> LightDifference | None:
    """The difference between the baseline and the session of the headline, or else the last one that is known."""
    found = {d.to_session: d for d in result.light_differences if d.view == view and d.against == "baseline"}
    headline = headline_session(result, changes_since_baseline(result, view=view))
    known = [s for s in result.sessions if s in found]
    return found.get(headline or "") or (found[known[-1]] if known else None)


def _lit(inspection: Inspection, light: PhotoLight, face: Rgb | None) -> LitPhoto:
    words = describe_light(light) or "too little skin to tell the light"
    if light.shine_share >= _SHINES:
        words += f"; {100 * light.shine_share:.0f} % of the face shines"
    ball = render_ball(light, pose_deg=inspection.landmarks.pose_deg, side_px=_BALL_PX)
    return LitPhoto(name=photo_name(inspection), words=sentence(words), face=face, ball=ball)


def _read_faces(result: ClientResult, view: View, photos: list[Inspection]) -> list[Rgb | None]:
    """Both faces, rotated, scaled and shifted, in the colours in which they can be compared."""
    frame = head_frame(result, view)
    box = face_box(frame)
    colors = share_colors(result, photos[0], photos[1])
    to_frame = [photo_to_frame(photo, frame) for photo in photos]
    px_per_unit = min(*(1 / scale_of(m) for m in to_frame), _FACE_PX / (box[3] - box[1]))
    return [
        render_aligned(
            read_rgb(photo), m, box, px_per_unit=px_per_unit, correction=correction, brightness=colors.brightness
        )
        for photo, m, correction in zip(photos, to_frame, colors.corrections, strict=True)
    ]


def _tell(
    result: ClientResult,
    difference: LightDifference,
    comparison: Comparison | None,
    lights: list[PhotoLight],
    maps: LightMaps | None,
) -> Iterator[str]:
    differs, remedy = describe_light_difference(lights[0], lights[1])
    if differs:
        yield sentence(differs) + f" Next time, {remedy}."
    if comparison is None:
        return
    if math.isfinite(comparison.light_removed):
        size = number_text(comparison.light_removed, 1)
        if comparison.light_removed < HARDLY:
            small = number_text(comparison.light_removed, 2)
            yield f"The light hardly plays a part: {small} a*-eq of redness (standard deviation) were taken out."
        else:
            yield (
                f"The light alone would have faked differences of redness of {size} a*-eq over the face (standard "
                "deviation; about 2.5 can be seen). They were taken out."
            )
    if math.isfinite(comparison.light_uncertainty):
        left = number_text(1.96 * comparison.light_uncertainty, 1)
        yield f"The light alone leaves ± {left} a*-eq open in a typical region against the rest of the face (95 %)."
    if maps is not None and maps.doubtful.any():
        yield (f"Hatched: the light leaves more than ± {DOUBTFUL:.0f} a*-eq open there; a change may be light.")
    if comparison.grade == "F":
        yield f"These sessions are not compared (grade F): {'; '.join(comparison.reasons)}."
    elif blind := _blind_metrics(result, difference):
        verb = "was" if len(blind) == 1 else "were"
        yield sentence(
            f"{listed(blind)} {verb} not compared: the two lights throw different shadows of pores and lines"
        )


def _blind_metrics(result: ClientResult, difference: LightDifference) -> list[str]:
    """Titles of what shows pores and lines and was not compared because the lights differ too much."""
    pair = (difference.view, difference.against, difference.from_session, difference.to_session)
    mine = [c for c in result.changes if (c.view, c.against, c.from_session, c.to_session) == pair]
    blind = {c.metric for c in mine if Flag.LIGHT_DIFFERS in c.flags and not math.isfinite(c.difference)}
    return [m.title.lower() for m in METRICS.values() if m.needs_sharpness and m.name in blind]


@once
def draw_maps(maps: LightMaps) -> list[Rgb]:
    """The three maps in one scale, in the order of :data:`MAP_TITLES`."""
    return [render_map(maps, plane, limit=maps.limit) for plane in (maps.raw, maps.compensated, maps.removed)]


def lights_for_report(result: ClientResult, embed: Embed) -> Iterator[dict[str, Any]]:
    """The same as data for the page, pictures with the size that they have there.

    Yields
    ------
    dict
        ``pair``; ``photos`` with face and ball, ``maps`` and ``scale``, empty where the photos are gone.
    """
    place = partial(place_picture, embed=embed, quality=_MAP_QUALITY)
    for pair in describe_lights(result):
        found: dict[str, Any] = {"pair": pair, "photos": [], "maps": [], "scale": None}
        for photo in pair.photos:
            face = None if photo.face is None else place(photo.face, share=2)
            found["photos"].append({"photo": photo, "face": face, "ball": place(photo.ball, share=2)})
        if pair.maps is not None:
            pictures = zip(MAP_TITLES, draw_maps(pair.maps), strict=True)
            found["maps"] = [(title, place(rgb, share=1.6)) for title, rgb in pictures]
            found["scale"] = place(render_scale(pair.maps.limit, width_px=420), share=2)
        yield found


def list_lights(result: ClientResult) -> list[tuple[str, ...]]:
    """The light of every used photo in figures: file, words, direction, directionality, colour mix, shine.

    Returns
    -------
    list of tuple of str
        Empty where the light was left alone.
    """
    if not result.light_differences:
        return []
    rows: list[tuple[str, ...]] = []
    for file in result.inspections:
        if (light := result.lights.get(file)) is not None:
            direction = "–"
            if math.isfinite(light.azimuth_deg):
                side = f"{abs(light.azimuth_deg):.0f}° {'left' if light.azimuth_deg >= 0 else 'right'}"
                height = f"{abs(light.elevation_deg):.0f}° {'up' if light.elevation_deg >= 0 else 'down'}"
                direction = f"{side}, {height}".replace("° ", "°\u00a0")
            share = "–" if math.isnan(light.shine_share) else f"{100 * light.shine_share:.1f} %"
            mix, directed = (_figure(x) for x in (light.color_mix, light.directionality))
            rows.append((file, sentence(describe_light(light)) or "–", direction, directed, mix, share))
    return rows


def list_light_pairs(result: ClientResult) -> list[tuple[str, ...]]:
    """The light of each session against the baseline's: sessions (and view), angle, taken out, left open, texture."""
    many_views = len(used_views(result)) > 1
    rows: list[tuple[str, ...]] = []
    for d in result.light_differences:
        c = comparison_of(result, d.from_session, d.to_session, d.view)
        if d.against != "baseline" or c is None:
            continue
        left = _figure(1.96 * c.light_uncertainty, "± {} a*-eq", 1)
        angle = _figure(c.light_angle_deg, "{}°", 0)
        texture = "not compared" if c.grade == "F" or _blind_metrics(result, d) else "compared"
        taken = _figure(c.light_removed, "{} a*-eq", 1)
        where = f", {VIEW_TITLES.get(d.view, d.view)}" if many_views else ""
        sessions = f"{session_text(d.from_session)} → {session_text(d.to_session)}{where}"
        rows.append((sessions, angle, taken, left, texture))
    return rows


def _figure(value: float, form: str = "{}", decimals: int = 2) -> str:
    return form.format(number_text(value, decimals)) if math.isfinite(value) else "–"
