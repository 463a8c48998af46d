"""Redness, pigment, texture and spots drawn on the face, with what each picture shows and what may mislead in it."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from skinprogress.comparison.sentences import session_text
from skinprogress.errors import PhotoError
from skinprogress.face.regions import WHOLE_FACE
from skinprogress.metrics.table import METRICS, Metric
from skinprogress.outputs.alignment import Rgb
from skinprogress.outputs.chosen import best_of, changes_since_baseline, comparison_of, headline_session
from skinprogress.outputs.groups import sized
from skinprogress.outputs.once import once
from skinprogress.outputs.pairs import photo_name, used_views
from skinprogress.outputs.pictures import Embed, place_picture
from skinprogress.outputs.rows import describe_change
from skinprogress.outputs.skin_pictures import (
    DrawnMaps,
    FaceCanvas,
    change_colors,
    draw_maps,
    read_canvas,
    render_scale,
    render_values,
    scale_colors,
)
from skinprogress.outputs.spot_pictures import STATUS_COLORS, render_spot_key, render_spots
from skinprogress.outputs.style import color_limit, number_text
from skinprogress.outputs.wording import sentence
from skinprogress.records import Change, ClientResult, Comparison, Flag, SkinMap, Spot, SpotKind, View

_SCALE_PX, _QUALITY = 420, 88
_SEEN_BLUR_PX = 0.15
_SPOT_TITLES: dict[SpotKind, str] = {"red": "Red spots", "brown": "Brown spots"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SkinPicture:
    """One picture of the face, and the key to it, drawn and in words, where it has one of its own."""

    title: str
    rgb: Rgb
    key: Rgb | None = None
    key_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SkinRow:
    """One metric, or the spots, in pictures.

    Attributes
    ----------
    lead : tuple of str
        What is drawn, what changed, and what may mislead; sentences.
    pictures : tuple of SkinPicture
        Two or three of one size; one where there is a single session.
    """

    title: str
    lead: tuple[str, ...]
    pictures: tuple[SkinPicture, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ViewSkin:
    """The maps of one view: of the baseline, and of the session that the report speaks of.

    ``note`` warns of pairs that are hard to compare.
    """

    view: View
    names: tuple[str, ...]
    note: str
    rows: tuple[SkinRow, ...]

    @property
    def title(self) -> str:
        """``14 Mar 2026 and 26 Apr 2026``."""
        return " and ".join(self.names)


@once
def describe_skin(result: ClientResult) -> tuple[ViewSkin, ...]:
    """The maps of every view; views whose reference photo is gone are left out.

    Parameters
    ----------
    result : ClientResult

    Returns
    -------
    tuple of ViewSkin
    """
    return tuple(_describe_skin(result))


def _describe_skin(result: ClientResult) -> Iterator[ViewSkin]:
    for view in used_views(result):
        if not (sessions := _chosen_sessions(result, view)):
            continue
        try:
            canvas = read_canvas(result, view)
        except PhotoError:
            continue
        comparison = comparison_of(result, sessions[0], sessions[-1], view) if len(sessions) > 1 else None
        names = []
        for session in sessions:
            file = next(m.photo for m in result.maps if m.view == view and m.session == session)
            names.append(photo_name(result.inspections[file]) if file in result.inspections else session_text(session))
        yield ViewSkin(
            view=view,
            names=tuple(names),
            note=_warn(comparison),
            rows=tuple(_rows(result, view, sessions, tuple(names), canvas, comparison)),
        )


def _warn(comparison: Comparison | None) -> str:
    """Why the pictures must not be taken at face value; empty for a fair pair."""
    if comparison is None or comparison.grade <= "B":
        return ""
    what = "These sessions are not compared" if comparison.grade == "F" else "Compare with care"
    return f"{what} (grade {comparison.grade}): {'; '.join(comparison.reasons)}."


def _chosen_sessions(result: ClientResult, view: View) -> tuple[str, ...]:
    """The baseline and the session of the headline, or else the first and the last that have maps."""
    known = {m.session for m in result.maps if m.view == view}
    ordered = [s for s in result.sessions if s in known]
    if not ordered:
        return ()
    first = result.plan.baseline if result.plan.baseline in known else ordered[0]
    headline = headline_session(result, changes_since_baseline(result, view=view))
    later = headline if headline in known else ordered[-1]
    return (first,) if later in (None, first) else (first, later)


def _rows(
    result: ClientResult,
    view: View,
    sessions: tuple[str, ...],
    names: tuple[str, ...],
    canvas: FaceCanvas,
    comparison: Comparison | None,
) -> Iterator[SkinRow]:
    pair = sessions if len(sessions) > 1 else ("", "")
    changes = {
        (c.metric, c.region): c
        for c in best_of(c for c in result.changes if c.view == view and (c.from_session, c.to_session) == pair)
    }
    for metric in METRICS.values():
        found = {m.session: m for m in result.maps if m.view == view and m.metric == metric.name}
        maps = [found[s] for s in sessions if s in found]
        if len(maps) == len(sessions):
            yield _map_row(result, metric, maps, names, canvas, comparison, changes)
    spots = [
        s for s in result.spots if s.view == view and s.against == "baseline" and (s.from_session, s.to_session) == pair
    ]
    if spots and comparison is not None and comparison.grade != "F":
        yield _spot_row(result, spots, canvas, changes)


def _map_row(
    result: ClientResult,
    metric: Metric,
    maps: list[SkinMap],
    names: tuple[str, ...],
    canvas: FaceCanvas,
    comparison: Comparison | None,
    changes: dict[tuple[str, str], Change],
) -> SkinRow:
    centred = comparison is not None and comparison.color_reference == "none" and metric.needs_color
    compared = _is_comparable(metric, comparison, changes.values())
    side_px = result.plan.canonical_px[maps[0].view]
    # As in the charts of the same change.
    least = color_limit([c for c in changes.values() if c.metric == metric.name], frozenset())
    drawn = draw_maps(canvas, metric, maps, side_px=side_px, centred=centred, compared=compared, least_change=least)
    whole = changes.get((metric.name, WHOLE_FACE))
    lead = [f"{metric.meaning} The darker, the more."]
    if whole is not None and math.isfinite(whole.difference):
        lead.append(sentence(describe_change(whole, metric, confidence_level=result.settings.confidence_level)))
    lead += _what_misleads(result, metric, comparison, centred=centred, compared=compared)
    title = f"{metric.title}, local contrast" if metric.statistic == "spread" else metric.title
    return SkinRow(title=title, lead=tuple(lead), pictures=tuple(_render(canvas, drawn, names)))


def _is_comparable(metric: Metric, comparison: Comparison | None, changes: Iterable[Change]) -> bool:
    """Whether a difference px by px is worth drawing: not where sharpness or shadows alone would make one."""
    if comparison is None or comparison.grade == "F":
        return False
    if not (metric.needs_light or metric.needs_sharpness):
        return True
    told = any(c.metric == metric.name and math.isfinite(c.difference) for c in changes)
    # The maps are drawn as photographed, the figures after one photo was blurred: they would contradict each other.
    alike = not (metric.needs_sharpness and comparison.matched_blur_px > _SEEN_BLUR_PX)
    return told and alike and Flag.SHARPNESS_DIFFERS not in comparison.flags


def _render(canvas: FaceCanvas, drawn: DrawnMaps, names: tuple[str, ...]) -> Iterator[SkinPicture]:
    colors, unit = scale_colors(drawn.metric), drawn.metric.unit
    words = ("less", f"more, {unit}" if unit else "more")
    key = render_scale(colors, drawn.low, drawn.high, words=words, width_px=_SCALE_PX)
    text = f"from pale, {_value(drawn.low, drawn.metric)}, to dark, {_value(drawn.high, drawn.metric)}"
    for k, (name, plane) in enumerate(zip(names, drawn.planes, strict=True)):
        rgb = render_values(canvas, plane, colors, low=drawn.low, high=drawn.high)
        yield SkinPicture(title=name, rgb=rgb, key=None if k else key, key_text=text)
    if drawn.difference is not None:
        colors, limit = change_colors(drawn.metric), drawn.limit
        words = ("less than before", words[1])
        yield SkinPicture(
            title="Difference",
            rgb=render_values(canvas, drawn.difference, colors, low=-limit, high=limit),
            key=render_scale(colors, -limit, limit, words=words, width_px=_SCALE_PX),
            key_text=f"by {_value(limit, drawn.metric)} less to as much more than before",
        )


def _value(value: float, metric: Metric) -> str:
    return sized(number_text(value, metric.decimals), metric)


def _what_misleads(
    result: ClientResult, metric: Metric, comparison: Comparison | None, *, centred: bool, compared: bool
) -> Iterator[str]:
    """What light, colour and sharpness do to a map."""
    if centred:
        yield (
            "The colours of the two photos could not be matched: each map is drawn against the median of its own face, "
            "and shows where there is more, not how much there is in all."
        )
    if metric.needs_sharpness:
        yield "Drawn as photographed: a softer photo looks smoother; noise, and light from the side, look like texture."
        blur = math.nan if comparison is None else comparison.matched_blur_px
        if blur > _SEEN_BLUR_PX:
            size = number_text(blur, 1)
            yield (
                f"The figures were taken after the sharper photo had been made as soft as the other (by {size} px); "
                "the maps were not."
            )
        if comparison is not None and not compared and comparison.grade != "F":
            yield "No difference is drawn, because light or sharpness alone would make one."
        return
    if comparison is not None and math.isfinite(comparison.light_removed) and metric.compensable:
        yield "What differs in the light of the two photos was taken out."
    elif comparison is not None:
        yield "The light was left as it was: another lamp or a shadow looks like another skin."
    yield metric.caveat


def _spot_row(
    result: ClientResult, spots: list[Spot], canvas: FaceCanvas, changes: dict[tuple[str, str], Change]
) -> SkinRow:
    """Both kinds of spots beside each other, each with its key and count."""
    lead = ["Spots of 0.5 to 4 mm on skin that both photos show, followed from one to the other."]
    pictures = []
    for kind, title in _SPOT_TITLES.items():
        mine = [s for s in spots if s.kind == kind]
        counts = {status: sum(s.status == status for s in mine) for status in STATUS_COLORS}
        key = render_spot_key(counts, width_px=_SCALE_PX)
        text = ", ".join(f"{n} {status}" for status, n in counts.items())
        title = f"{title}: {len(mine)}"
        pictures.append(SkinPicture(title=title, rgb=render_spots(canvas, mine), key=key, key_text=text))
        metric, whole = METRICS.get(f"{kind}_spots"), changes.get((f"{kind}_spots", WHOLE_FACE))
        if metric is not None and whole is not None and math.isfinite(whole.difference):
            lead.append(sentence(describe_change(whole, metric, confidence_level=result.settings.confidence_level)))
    lead.append(
        "Bold orange: new. Dashed blue: gone. Thin grey: there in both. A spot that one photo shows clearly counts as "
        "there in both where the other shows it faintly, so that fewer come or go here than the figures differ by."
    )
    return SkinRow(title="Spots", lead=tuple(lead), pictures=tuple(pictures))


def skin_for_report(result: ClientResult, embed: Embed) -> Iterator[dict[str, Any]]:
    """The same as data for the page, pictures with the size that they have there.

    Yields
    ------
    dict
        ``skin`` and ``rows``: each with ``row`` and ``pictures``.
    """
    for skin in describe_skin(result):
        rows = []
        for row in skin.rows:
            pictures = [
                {
                    "title": p.title,
                    "face": place_picture(p.rgb, embed, quality=_QUALITY),
                    "key": None if p.key is None else place_picture(p.key, embed, quality=_QUALITY),
                    "key_text": p.key_text,
                }
                for p in row.pictures
            ]
            rows.append({"row": row, "pictures": pictures})
        yield {"skin": skin, "rows": rows}
