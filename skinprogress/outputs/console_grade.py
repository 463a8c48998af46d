"""What the terminal shows of a photo that is held against the client's reference photo."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from skinprogress.comparison.retaking import WAIT, Judgement
from skinprogress.photos.scan import one_line
from skinprogress.records import PhotoRef, Rejection, View

if TYPE_CHECKING:
    from rich.text import Text


class GradedPhoto(Protocol):
    """How comparable one photo is with the reference photo of its view."""

    @property
    def ref(self) -> PhotoRef: ...
    @property
    def grade(self) -> str: ...
    @property
    def reference(self) -> PhotoRef | None: ...
    @property
    def view(self) -> View | None: ...
    @property
    def judged(self) -> Sequence[Judgement]: ...
    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def rejection(self) -> Rejection | None: ...


_GRADE_WORDS = {
    "A": "taken like the reference photo; keep it",
    "B": "nearly like the reference photo; keep it, and mend what you can",
    "C": "differs from the reference photo; usable with care, better taken again",
    "D": "differs much; only a large change could be believed: take it again",
    "F": "too different to be compared: take it again",
}
_TOO_SOON = "taken well, but too soon after a treatment to show the result; keep it as a photo of the healing"


def render_comparability(check: GradedPhoto, *, width: int = 80) -> "Iterable[Text]":
    """Grade of a photo against the reference photo, each thing that differs with its remedy, and what is fine.

    Parameters
    ----------
    check : GradedPhoto
    width : int
        Columns of the terminal; long lines are folded below their beginning.
    """
    from rich.text import Text

    name = one_line(check.ref.file)
    if check.rejection is not None:
        yield Text(f"refused    {name}", style="bold")
        yield from _folded("why", check.rejection.reason, width)
        yield from _folded("remedy", check.rejection.remedy, width)
        return
    if check.reference is None or check.reference == check.ref:
        yield Text(f"reference  {name}", style="bold")
        yield from _folded("", "is the client's reference photo itself: the others are compared with it", width)
        return
    yield Text(f"grade {check.grade}    {name}", style="bold")
    retaken = max((j.level for j in check.judged if j.remedy != WAIT), default=0)
    too_soon = any(j.level > retaken for j in check.judged)
    yield from _folded("", _TOO_SOON if too_soon and retaken <= 1 else _GRADE_WORDS[check.grade], width)
    by_remedy: dict[str, list[Judgement]] = {}
    for judgement in sorted((j for j in check.judged if j.level), key=lambda j: -j.level):
        by_remedy.setdefault(judgement.remedy, []).append(judgement)
    for remedy, judgements in by_remedy.items():
        reasons = "; ".join(dict.fromkeys(j.reason for j in judgements))
        yield from _folded("ABCDF"[judgements[0].level], f"{_of_photos(reasons)} → {_of_photos(remedy)}", width)
    fine = [j.title for j in check.judged if j.title and not j.level]
    if fine:
        yield from _folded("fine", ", ".join(fine), width)
    for note in check.notes:
        yield from _folded("note", note, width)
    view = (check.view or "").replace("_", " ")
    yield from _folded("against", f"{check.reference.file} ({view}, session {check.reference.session})", width)


def _of_photos(text: str) -> str:
    """What is said of two sessions, said of a photo that is held against the reference photo."""
    for ours, theirs in (
        ("both sessions were", "this photo and the reference photo were"),
        ("both sessions", "both photos"),
        ("the earlier session", "the reference photo"),
        ("the later session", "this photo"),
        ("the later one", "this photo"),
        ("the earlier one", "the reference photo"),
        ("the other session", "the reference photo"),
        ("every session", "every photo"),
    ):
        text = text.replace(ours, theirs)
    return text


def _folded(label: str, text: str, width: int) -> "Iterable[Text]":
    from rich.text import Text

    indent = 11
    lines = textwrap.wrap(one_line(text), max(width, 40) - indent - 1)
    yield Text("\n".join(f"{label if n == 0 else '':<{indent}}{line}" for n, line in enumerate(lines)))
