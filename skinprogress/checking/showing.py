"""Pictures to show: which photos they are made from, whether they may be shown, and how comparable they are."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from skinprogress.checking.looking import grade_shown, look_at_client
from skinprogress.checking.naming import list_shown
from skinprogress.comparison.bookkeeping import rejection_text
from skinprogress.errors import NothingMeasuredError, UsageError
from skinprogress.outputs.alignment import Rgb
from skinprogress.outputs.composing.choosing import check_options, usual_layout
from skinprogress.outputs.composing.consent import ConsentRuling, rule_on_consent
from skinprogress.outputs.composing.frames import render_frames
from skinprogress.outputs.composing.layouts import compose as lay_out
from skinprogress.outputs.composing.planning import plan_composite
from skinprogress.outputs.composing.recipe import CompositeOptions, FrameRecipe, Recipe
from skinprogress.outputs.composing.target import check_target, find_format
from skinprogress.outputs.composing.writing import write_composite
from skinprogress.outputs.pairs import photos_of, used_views
from skinprogress.outputs.wording import listed
from skinprogress.photos.scan import one_line
from skinprogress.records import ClientResult, PhotoRef, View
from skinprogress.settings import Settings

_ANIMATED = ("flicker", "timelapse")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Composition:
    """A picture to show, planned; nothing of it is drawn yet.

    Attributes
    ----------
    result : ClientResult
        The photos as they were looked at.
    recipe : Recipe
    consent : ConsentRuling
    client_folder : Path or None
        None for loose photos.
    """

    result: ClientResult
    recipe: Recipe
    consent: ConsentRuling
    client_folder: Path | None

    def render(self) -> Rgb:
        """The picture, (H, W, 3) uint8 sRGB; of ``flicker`` and ``timelapse`` their photos beside each other."""
        recipe = self.recipe
        if recipe.options.layout in _ANIMATED:
            recipe = replace(recipe, options=replace(recipe.options, layout="strip"), columns=len(recipe.frames))
        return lay_out(recipe, render_frames(recipe, self.find_photo))

    def write(self, path: str | Path) -> Path:
        """Write the picture in the format that the name ends in, and its recipe beside it.

        Raises
        ------
        UsageError
            The layout cannot be kept in that format.
        OutputError
            It cannot be written there, or would take the place of something else.
        """
        path = Path(path)
        check_target(path, photos=map(self.find_photo, self.recipe.frames), client_folder=self.client_folder)
        options = replace(self.recipe.options, format=find_format(path, None) or self.recipe.options.format)
        check_options(options)
        recipe = replace(self.recipe, options=options, photos=_way(path.absolute().parent, self.result.folder))
        return write_composite(self.result, recipe, path)[0]

    def find_photo(self, frame: FrameRecipe) -> Path:
        """The file of a frame."""
        return self.result.inspections[frame.file].ref.path


def compose(
    photos: Sequence[Path],
    *,
    options: CompositeOptions | None = None,
    view: View | None = None,
    sessions: Sequence[str] = (),
    purpose: str = "",
    settings: Settings | None = None,
    out: Path | None = None,
    today: date | None = None,
) -> Composition:
    """Plan a picture to show from photos, or from a client's folder.

    Parameters
    ----------
    photos : sequence of Path
        One folder, or the earlier photo and the later ones. Photos in a client's folder (one with ``course.toml``)
        keep what is recorded there: dates, treatments, consent.
    options : CompositeOptions, optional
        By default ``side-by-side``, or ``strip`` where more than two photos are named.
    view : View, optional
        By default the front, or the first view that two sessions have.
    sessions : sequence of str
        Labels, or how they begin; by default the named photos, or those that show the course best.
    purpose : str
        What the picture is for, held against the scope of the consent.
    settings : Settings, optional
    out : Path, optional
        File that it will be written to, if that is known: whether it may be is said before any photo is looked at.
    today : date, optional

    Returns
    -------
    Composition

    Raises
    ------
    UsageError
        The consent forbids it, or what was asked for cannot be made of these photos.
    OutputError
        It must not be written to `out`.
    NothingMeasuredError
        Fewer than two sessions can be used.
    """
    settings = settings or Settings()
    listing, client_folder, folder = list_shown(photos, settings)
    ruling = rule_on_consent(listing.course.consent, purpose=purpose, today=today or date.today())
    if not ruling.allowed:
        raise UsageError(f"no picture is made: {ruling.text}", ruling.remedy)
    if out is not None:
        check_target(out, photos=[ref.path for ref in listing.photos], client_folder=client_folder)
    named = client_folder is None or len(photos) > 1 or not os.path.isdir(photos[0])  # noqa: PTH112 - no exceptions
    if named and not sessions:
        sessions = [ref.session for ref in listing.photos]
    sessions = _known_sessions(sessions, listing.photos)
    options = options or CompositeOptions(layout=usual_layout(len(sessions)))
    check_options(options)  # before anything is looked at
    result = look_at_client(
        listing.photos,
        client=listing.client,
        folder=folder,
        course=listing.course,
        settings=settings,
        sessions=sessions,
        view=view,
        rejected=listing.rejected,
        notes=listing.notes,
    )
    view = view or _best_view(result)
    _check_enough(result, view)
    # What could not be used is told; the picture is made of the others.
    sessions = [s for s in sessions if photos_of(result, view, s)]
    while True:
        recipe = plan_composite(result, view=view, sessions=sessions, options=options, today=today)
        shown = list(dict.fromkeys(frame.session for frame in recipe.frames))
        graded = {c.to_session for c in result.comparisons if c.from_session == shown[0]}
        if set(shown[1:]) <= graded:
            break
        result = grade_shown(result, list(dict.fromkeys(frame.file for frame in recipe.frames)))
    return Composition(
        result=result,
        recipe=replace(recipe, consent=ruling.text),
        consent=ruling,
        client_folder=client_folder,
    )


def _known_sessions(wanted: Sequence[str], photos: Sequence[PhotoRef]) -> list[str]:
    """Labels of sessions from how they begin, in order of time."""
    labels = list(dict.fromkeys(ref.session for ref in photos))
    chosen = set()
    for name in wanted:
        like = [label for label in labels if label == name] or [label for label in labels if label.startswith(name)]
        if len(like) != 1:
            known = listed(one_line(label) for label in (like or labels))
            what = f"several sessions begin with {one_line(name)}" if like else f"there is no session {one_line(name)}"
            raise UsageError(what, f"choose one of {known}")
        chosen.add(like[0])
    return [label for label in labels if label in chosen]


def _best_view(result: ClientResult) -> View:
    """The view that most sessions have, the front before others."""
    return max(used_views(result), key=lambda v: (min(_n_sessions(result, v), 2), v == "front", _n_sessions(result, v)))


def _n_sessions(result: ClientResult, view: View) -> int:
    return len({i.ref.session for i in photos_of(result, view)})


def _check_enough(result: ClientResult, view: View) -> None:
    if _n_sessions(result, view) >= 2:
        return
    if result.rejected:
        first = result.rejected[0]
        raise NothingMeasuredError(f"fewer than two sessions can be used: {rejection_text(first)}", first.remedy)
    found = listed(f"{v.replace('_', ' ')} in {_n_sessions(result, v)}" for v in used_views(result))
    raise UsageError(
        f"a composite needs two sessions that show the face from the same side ({found} of the sessions)",
        "name photos of two visits, or choose another --view",
    )


def _way(start: Path, folder: Path) -> str:
    """From one folder to another, with ``/``; empty where none leads there (other drive)."""
    try:
        return Path(os.path.relpath(folder, start)).as_posix()
    except ValueError:
        return ""
