"""What stands beside two pictures of the viewer: when they were taken, how comparable they are, how they were made."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from skinprogress.comparison.course import is_covered
from skinprogress.comparison.sentences import session_text
from skinprogress.outputs.catalogue import text
from skinprogress.outputs.chosen import comparison_of
from skinprogress.outputs.pairs import SharedColors, photo_name, share_colors
from skinprogress.outputs.summary import grade_text
from skinprogress.outputs.wording import MATCHED, caution_text, flag_texts, is_early, phase_text, sentence
from skinprogress.records import ClientResult, Comparison, Flag, Inspection, View

# Factors nearer to 1 than this (natural log) cannot be seen.
_SEEN = 0.02
_OF_PHOTO = (
    Flag.MAKEUP_DECLARED,
    Flag.CREAM_DECLARED,
    Flag.FILTER_DECLARED,
    Flag.FILTER_SUSPECTED,
    Flag.NOT_A_BASELINE,
    Flag.MIRRORED,
    Flag.MIRRORED_FOUND,
    Flag.NO_COLOR,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionWords:
    """One session in words.

    Attributes
    ----------
    name : str
        Its date, or its file.
    when : str
        Place in the course, with what must be thought of: "2 hours after treatment 1: too soon to judge the outcome".
    remarks : str
        What was declared or suspected of the photo; sentences.
    banner : str
        What must stand in the picture; empty for bare, calm skin.
    """

    name: str
    when: str
    remarks: str
    banner: str

    @property
    def full(self) -> str:
        """Name and place in the course."""
        return f"{self.name}, {self.when}" if self.when else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class PairWords:
    """Two sessions in words.

    Attributes
    ----------
    grade : str
        A to D or F; empty where nobody compared them.
    lead : str
        How comparable they are and what differs.
    banner : str
        What must stand in the picture of both; empty for a fair pair.
    footer : str
        How the pictures were made.
    """

    grade: str
    lead: str
    banner: str
    footer: str


def describe_session(result: ClientResult, photo: Inspection) -> SessionWords:
    """One session in words, from the photo that is shown of it."""
    session = photo.ref.session
    phase = result.plan.phases.get(session)
    place, caution = phase_text(phase), caution_text(phase)
    banner = ""
    if is_covered(result.plan, session):
        banner = text("viewer.covered")
    elif is_early(phase):
        banner = ": ".join(filter(None, [place, text("viewer.too_soon")]))
    remarks = flag_texts(photo.flags | photo.ref.flags, _OF_PHOTO)
    return SessionWords(
        name=photo_name(photo),
        when=": ".join(filter(None, [place, caution])),
        remarks=" ".join(map(sentence, remarks)),
        banner=banner,
    )


def describe_pair(
    result: ClientResult,
    view: View,
    earlier: Inspection,
    later: Inspection,
    colors: Mapping[str, SharedColors],
    *,
    plain: bool = False,
) -> PairWords:
    """Two sessions in words.

    Parameters
    ----------
    result : ClientResult
    view : View
    earlier, later : Inspection
        The photos that are shown of them.
    colors : dict
        File to the colours in which it is drawn.
    plain : bool
        For laymen: without the letters of grades.
    """
    sessions = earlier.ref.session, later.ref.session
    comparison = comparison_of(result, *sessions, view)
    return PairWords(
        grade=comparison.grade if comparison is not None else "",
        lead=grade_text(comparison, plain=plain)
        if comparison is not None
        else _not_compared(result, view, sessions, plain=plain),
        banner=_banner(result, comparison, sessions, plain=plain),
        footer=" ".join(_footer(result, (earlier, later), colors)),
    )


def _banner(result: ClientResult, comparison: Comparison | None, sessions: tuple[str, str], *, plain: bool) -> str:
    if comparison is None or comparison.grade <= "B":
        return ""
    if comparison.grade == "F":
        return text("viewer.not_comparable")
    # What lowers the grade most often stands in the picture of the session already.
    phases = [result.plan.phases.get(s) for s in sessions]
    told = any(map(is_early, phases)) or any(is_covered(result.plan, s) for s in sessions)
    if told:
        return ""
    return text("viewer.with_care_plain") if plain else text("viewer.with_care", grade=comparison.grade)


def _not_compared(result: ClientResult, view: View, sessions: tuple[str, str], *, plain: bool) -> str:
    """Nobody compared the two: how each of them compares with the baseline, as far as it was."""
    baseline = result.plan.baseline
    told = [text("viewer.not_compared")]
    against = [(s, comparison_of(result, baseline, s, view)) for s in sessions] if baseline else []
    graded = [text("viewer.graded", name=session_text(s), grade=c.grade) for s, c in against if c is not None]
    if baseline and graded and not plain:
        told.append(text("viewer.against", baseline=session_text(baseline), graded=", ".join(graded)))
    return " ".join(told)


def _footer(
    result: ClientResult, pair: tuple[Inspection, Inspection], colors: Mapping[str, SharedColors]
) -> Iterator[str]:
    shared = share_colors(result, *pair)
    yield text("viewer.made", matched=MATCHED[shared.rung])
    drawn = [colors[i.ref.file] for i in pair]
    if shared.rung == "none":
        # One of the two may have been matched to others of the view.
        names = [photo_name(i) for i, c in zip(pair, drawn, strict=True) if c.rung != "none"]
        if names:
            yield text("viewer.matched_elsewhere", names=" · ".join(names))
    elif any(abs(math.log(c.brightness)) > _SEEN for c in drawn):
        yield text("viewer.brightness")
