"""The before/after viewer of the report: the best photo of every session in one crop, and what is said of each pair."""

import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from skinprogress.errors import PhotoError
from skinprogress.face.mapping import map_landmarks
from skinprogress.outputs.alignment import (
    Affine,
    Box,
    Rgb,
    common_box,
    head_frame,
    photo_to_frame,
    render_aligned,
    scale_of,
)
from skinprogress.outputs.catalogue import strings, text
from skinprogress.outputs.chosen import changes_since_baseline, headline_session
from skinprogress.outputs.pairs import (
    SharedColors,
    photo_name,
    photos_of,
    read_rgb,
    sessions_to_show,
    share_colors,
    used_views,
)
from skinprogress.outputs.pictures import Embed
from skinprogress.outputs.registration_view import face_box
from skinprogress.outputs.viewer_maps import RednessMaps, draw_redness, plan_redness
from skinprogress.outputs.viewer_regions import Outlines, describe_changes, outline_regions
from skinprogress.outputs.viewer_words import PairWords, SessionWords, describe_pair, describe_session
from skinprogress.outputs.wording import VIEW_TITLES
from skinprogress.records import ClientResult, Inspection, View

HEIGHT_PX = 1000
"""Of the pictures, at most: more than most screens show."""
_LEAST_HEIGHT_PX = 520
# With so many pictures in all the page stays light at full height.
_MANY_PICTURES = 30
_QUALITY, _MAP_QUALITY = 80, 70
_THREADS = 4
_NOT_MATCHED = SharedColors("none", (None, None), 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ViewerSession:
    """One session of a view.

    Attributes
    ----------
    picture, redness : str
        What the ``src`` of its picture and of its map of redness is; empty where there is no map.
    alt : str
    outlines : Outlines
        Of the regions, in the view's px.
    """

    words: SessionWords
    picture: str
    alt: str
    redness: str
    outlines: Outlines


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ViewerData:
    """Everything that the viewer of one view shows.

    Attributes
    ----------
    width, height : int
        Of the largest pictures, px; smaller ones have the same shape.
    sessions : tuple of ViewerSession
        In order of time.
    chosen : (int, int)
        The pair that is shown first, places in `sessions`.
    pairs : dict
        Words on each pair, the earlier session first.
    missing : tuple of str
        Sessions whose photo can no longer be read.
    overlays : dict
        Measures, changes and the key of the map of redness, for the script.
    """

    view: View
    title: str
    width: int
    height: int
    sessions: tuple[ViewerSession, ...]
    chosen: tuple[int, int]
    pairs: Mapping[tuple[int, int], PairWords]
    missing: tuple[str, ...]
    overlays: Mapping[str, Any]

    @property
    def shown(self) -> tuple[ViewerSession, ViewerSession]:
        """The pair that is shown first."""
        return self.sessions[self.chosen[0]], self.sessions[self.chosen[1]]

    @property
    def pair(self) -> PairWords:
        """What is said of that pair."""
        return self.pairs[self.chosen]

    @property
    def script(self) -> dict[str, Any]:
        """What the script needs, for ``tojson``; the pictures of the pair shown first are in the page already."""
        return {
            "view": self.view,
            "title": self.title,
            "width": self.width,
            "height": self.height,
            "chosen": self.chosen,
            "sessions": [
                {
                    **asdict(s.words),
                    "alt": s.alt,
                    "picture": "" if k in self.chosen else s.picture,
                    "redness": s.redness,
                    "outlines": s.outlines.paths,
                    "middles": s.outlines.middles,
                }
                for k, s in enumerate(self.sessions)
            ],
            "pairs": {f"{a}-{b}": asdict(words) for (a, b), words in self.pairs.items()},
            **self.overlays,
            "words": {k.removeprefix("viewer.js."): v for k, v in strings().items() if k.startswith("viewer.js.")},
        }


def viewer_for_report(result: ClientResult, embed: Embed, *, plain: bool = False) -> list[ViewerData]:
    """The viewer of every view that two sessions or more have photos of.

    Parameters
    ----------
    result : ClientResult
    embed : Embed
        Takes a picture for the page and gives what its ``src`` is to be.
    plain : bool
        For laymen: without the letters of grades.

    Returns
    -------
    list of ViewerData
        Photos that can no longer be read are named in it; views that are left with one photo are left out.
    """
    views = [view for view in used_views(result) if sessions_to_show(result, view) is not None]
    best = {view: best_photos(result, view) for view in views}
    height_px = height_for(sum(map(len, best.values())))
    found = [_view_data(result, view, best[view], embed, height_px=height_px, plain=plain) for view in views]
    return [data for data in found if data is not None]


def height_for(n_pictures: int) -> int:
    """Height at most of each of so many pictures, px: many are made smaller, so that the page can be sent by mail.

    Examples
    --------
    >>> height_for(10), height_for(100)
    (1000, 548)
    """
    return max(_LEAST_HEIGHT_PX, min(HEIGHT_PX, round(HEIGHT_PX * math.sqrt(_MANY_PICTURES / max(n_pictures, 1)))))


def best_photos(result: ClientResult, view: View) -> list[Inspection]:
    """The best photo of every session that has the view, in order of time."""
    sessions = dict.fromkeys(i.ref.session for i in photos_of(result, view))
    return [max(photos_of(result, view, session), key=lambda i: i.quality) for session in sessions]


def shared_box(photos: Sequence[Inspection], result: ClientResult, view: View) -> Box:
    """One crop for all photos of a view: what most of them cover, and never less than the face.

    One photo that was taken from near must not cut the others down; what it does not show stays flat grey.

    Returns
    -------
    (left, top, right, bottom)
        In the frame of the view.
    """
    frame = head_frame(result, view)
    left, top, right, bottom = np.array([common_box([i], frame) for i in photos]).T
    face = face_box(frame)
    # The side that seven photos of ten still cover: of two photos both, of three all but one.
    inner = [float(np.quantile(side, 0.7, method="nearest")) for side in (left, top, -right, -bottom)]
    return (
        min(inner[0], face[0]),
        min(inner[1], face[1]),
        max(-inner[2], face[2]),
        max(-inner[3], face[3]),
    )


def colors_of(result: ClientResult, photos: Sequence[Inspection]) -> dict[str, SharedColors]:
    """The colours in which each photo may be set beside any other that shares its reference.

    Returns
    -------
    dict
        File to what it is drawn with: :attr:`SharedColors.corrections` holds those of the earliest photo with the same
        reference, and its own. A photo that shares its reference with no other stays as it was taken.
    """
    found = {}
    for photo in photos:
        partners = [p for p in photos if share_colors(result, p, photo).rung != "none"]
        found[photo.ref.file] = share_colors(result, partners[0], photo) if len(partners) > 1 else _NOT_MATCHED
    return found


def _view_data(
    result: ClientResult, view: View, photos: list[Inspection], embed: Embed, *, height_px: int, plain: bool
) -> ViewerData | None:
    frame, box = head_frame(result, view), shared_box(photos, result, view)
    colors, maps = colors_of(result, photos), plan_redness(result, view, photos)
    to_frame = [photo_to_frame(i, frame) for i in photos]
    px_per_unit = min(max(1 / scale_of(m) for m in to_frame), height_px / (box[3] - box[1]))
    size = round((box[2] - box[0]) * px_per_unit), round((box[3] - box[1]) * px_per_unit)
    draw = partial(_draw, result, box=box, px_per_unit=px_per_unit, colors=colors, maps=maps)
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
        drawn = list(pool.map(draw, photos, to_frame))
    kept = [(i, d) for i, d in zip(photos, drawn, strict=True) if d is not None]
    if len(kept) < 2:
        return None
    shown = [i for i, _ in kept]
    words = [describe_session(result, i) for i in shown]
    sessions = tuple(
        ViewerSession(
            words=w,
            picture=embed(picture, quality=_QUALITY),
            alt=text("viewer.alt", view=VIEW_TITLES[view], what=w.full),
            redness="" if redness is None else embed(redness, quality=_MAP_QUALITY),
            outlines=outlines,
        )
        for w, (_, (picture, redness, outlines)) in zip(words, kept, strict=True)
    )
    numbers = [(a, b) for b in range(len(shown)) for a in range(b)]
    return ViewerData(
        view=view,
        title=VIEW_TITLES[view],
        width=size[0],
        height=size[1],
        sessions=sessions,
        chosen=_chosen(result, view, [i.ref.session for i in shown]),
        pairs={(a, b): describe_pair(result, view, shown[a], shown[b], colors, plain=plain) for a, b in numbers},
        missing=tuple(photo_name(i) for i, d in zip(photos, drawn, strict=True) if d is None),
        overlays={**describe_changes(result, view, [i.ref.session for i in shown]), "map": maps.key if maps else None},
    )


def _draw(
    result: ClientResult,
    photo: Inspection,
    to_frame: Affine,
    *,
    box: Box,
    px_per_unit: float,
    colors: Mapping[str, SharedColors],
    maps: RednessMaps | None,
) -> tuple[Rgb, Rgb | None, Outlines] | None:
    """Picture, map of redness and outlines of one photo; None where it can no longer be read."""
    to_picture = px_per_unit * to_frame
    to_picture[:, 2] -= px_per_unit * np.array(box[:2])
    shared = colors[photo.ref.file]
    try:
        picture = render_aligned(
            read_rgb(photo),
            to_frame,
            box,
            # Not finer than the photo itself: nothing is invented.
            px_per_unit=min(px_per_unit, 1 / scale_of(to_frame)),
            correction=shared.corrections[1],
            brightness=shared.brightness,
        )
    except PhotoError:
        return None
    size = round((box[2] - box[0]) * px_per_unit), round((box[3] - box[1]) * px_per_unit)
    face_map = map_landmarks(photo.landmarks).refined(result.registrations.get(photo.ref.file))
    redness = draw_redness(maps, photo.ref.session, face_map, to_picture, size) if maps is not None else None
    return picture, redness, outline_regions(result, result.plan.view_of[photo.ref.file], face_map, to_picture)


def _chosen(result: ClientResult, view: View, sessions: list[str]) -> tuple[int, int]:
    """The pair of the headline, or else that of the view, or else the first and the last session shown."""
    since = changes_since_baseline(result)
    for changes in (since, [c for c in since if c.view == view]):
        session = headline_session(result, changes)
        pair = next(((c.from_session, c.to_session) for c in changes if c.to_session == session), None)
        if pair is not None and set(pair) <= set(sessions):
            return sessions.index(pair[0]), sessions.index(pair[1])
    pair = sessions_to_show(result, view)
    if pair is not None and set(pair) <= set(sessions):
        return sessions.index(pair[0]), sessions.index(pair[1])
    return 0, len(sessions) - 1
