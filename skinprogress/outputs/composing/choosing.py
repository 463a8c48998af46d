"""Which sessions and photos a composite shows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skinprogress.comparison.course import is_covered
from skinprogress.errors import UsageError
from skinprogress.outputs.chosen import comparison_of
from skinprogress.outputs.composing.encoding import FORMATS
from skinprogress.outputs.composing.recipe import CompositeOptions, Layout
from skinprogress.outputs.files import is_ordinary
from skinprogress.outputs.pairs import photos_of, sessions_to_show
from skinprogress.outputs.wording import VIEW_TITLES, listed
from skinprogress.photos.scan import one_line
from skinprogress.records import ClientResult, Inspection, View

# How many sessions a layout can show: at least, at most.
COUNTS: dict[Layout, tuple[int, int]] = {
    "side-by-side": (2, 2),
    "split": (2, 2),
    "strip": (2, 6),
    "regions": (2, 6),
    "flicker": (2, 6),
    "timelapse": (2, 60),
}

MOST_BY_ITSELF = 6

_FONTS, _MAX_FONT_BYTES = (".ttf", ".otf", ".ttc"), 50_000_000


def usual_layout(n_named: int) -> Layout:
    """The layout where nobody chose one, from how many photos or sessions were named."""
    return "strip" if n_named > 2 else "side-by-side"


def check_options(options: CompositeOptions) -> None:
    """Say what cannot be done.

    Raises
    ------
    UsageError
    """
    if options.format is not None and options.format not in FORMATS[options.layout]:
        raise UsageError(
            f"a {options.layout} composite cannot be kept as {options.format}",
            f"choose {' or '.join(FORMATS[options.layout])}",
        )
    limits = (
        ("the dividing line leans by", options.slant_deg, -40.0, 40.0, "degrees"),
        ("the size of the letters is", options.label_scale, 0.6, 2.0, "times the usual"),
        ("each photo stands for", options.seconds, 0.2, 10.0, "seconds"),
        ("the longer side has", 1080 if options.size_px is None else options.size_px, 200, 12000, "px"),
    )
    for what, value, low, high, unit in limits:
        if not low <= value <= high:
            raise UsageError(f"{what} {value:g} {unit}", f"choose {low:g} to {high:g}")
    if options.font is not None:
        from skinprogress.outputs.lettering import font

        refused = UsageError(f"{one_line(str(options.font))} cannot be read as a font", "name a .ttf or .otf file")
        if not is_font(options.font):
            raise refused
        try:
            font(12, file=options.font)
        except OSError as error:
            raise refused from error


def is_font(path: Path) -> bool:
    """Whether a file may be a font, by its name and kind: anything else, such as a pipe, is not even opened."""
    return path.suffix.lower() in _FONTS and is_ordinary(path) and path.stat().st_size <= _MAX_FONT_BYTES


def choose_photos(result: ClientResult, view: View, sessions: Sequence[str], layout: Layout) -> list[Inspection]:
    """The best photo of every session that is shown, in order of time.

    Parameters
    ----------
    result : ClientResult
    view : View
    sessions : sequence of str
        Empty: the baseline and the last session; for strips and animations also some comparable ones between them.
    layout : Layout

    Raises
    ------
    UsageError
        A session is unknown or has no photo of the view; there are too few or too many.
    """
    known = list(dict.fromkeys(i.ref.session for i in photos_of(result, view)))
    wanted = list(dict.fromkeys(sessions)) or default_sessions(result, view, layout)
    least, most = COUNTS[layout]
    of_view = f"the view {VIEW_TITLES[view]}"
    if not wanted:
        raise UsageError(
            f"{of_view} has photos of {len(known)} session{'' if len(known) == 1 else 's'}, and a composite needs two",
            "add a photo of another day, or choose another view",
        )
    if missing := [session for session in wanted if session not in known]:
        raise UsageError(
            f"session {missing[0]} has no usable photo of {of_view}", f"sessions that have: {listed(known)}"
        )
    if not least <= len(wanted) <= most:
        count = f"{least}" if least == most else f"{least} to {most}"
        remedy = "choose the layout strip, or other sessions" if len(wanted) > most == 2 else "choose other sessions"
        raise UsageError(f"a {layout} composite shows {count} sessions, not {len(wanted)}", remedy)
    best = {s: max(photos_of(result, view, s), key=lambda i: i.quality) for s in wanted}
    # A later photo is never shown as the earlier one.
    return [best[session] for session in known if session in best]


def default_sessions(result: ClientResult, view: View, layout: Layout) -> list[str]:
    """What is shown where nobody chose; empty where the view has a single session."""
    ends = sessions_to_show(result, view)
    if ends is None:
        return []
    if COUNTS[layout][1] == 2 or layout == "regions":
        return list(ends)
    every = list(dict.fromkeys(i.ref.session for i in photos_of(result, view)))
    between = [s for s in every[every.index(ends[0]) + 1 : every.index(ends[1])] if not is_covered(result.plan, s)]
    grades = {s: found.grade if (found := comparison_of(result, ends[0], s, view)) else "" for s in between}
    # Where some compare well, those that must be taken with care stay out.
    fair = [s for s in between if grades[s] <= "B"] or [s for s in between if grades[s] < "F"]
    kept = np.linspace(0, len(fair) - 1, min(len(fair), MOST_BY_ITSELF - 2)).round().astype(int)
    return [ends[0], *(fair[k] for k in dict.fromkeys(kept.tolist())), ends[1]]
