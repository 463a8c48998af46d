"""What the course itself asks for: observations with their figures and sources, for the clinician to weigh."""

from collections.abc import Iterable
from dataclasses import dataclass

from skinprogress.comparison.quoted import QUOTES, Quote, quote_text
from skinprogress.outputs.wording import sentence
from skinprogress.records import ClientResult, Finding

CARE_KINDS = ("longer_than_quoted", "pigment_shift", "sides", "spacing", "sessions_planned")
"""Kinds of findings that are care notes, in the order in which they are told."""
_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CareNote:
    """One observation: its sentence, and where the figure comes from that it is held against."""

    text: str
    source: str


def list_care(result: ClientResult) -> tuple[list[CareNote], list[CareNote]]:
    """The care notes of a result: those shown, then those folded away; every kind is among the first."""
    by_kind = {kind: [f for f in result.findings if f.kind == kind] for kind in CARE_KINDS}
    room = max(1, _SHOWN // max(sum(map(bool, by_kind.values())), 1))
    shown = [_note(f) for found in by_kind.values() for f in found[:room]]
    return shown, [_note(f) for found in by_kind.values() for f in found[room:]]


def _note(finding: Finding) -> CareNote:
    return CareNote(text=sentence(finding.text), source=finding.source if finding.source not in finding.text else "")


def list_quotes() -> Iterable[tuple[str, str]]:
    """What is quoted for every topic: what it is, and each figure with who says it."""
    for quotes in QUOTES.values():
        yield _topic(quotes), quote_text(quotes)


def _topic(quotes: tuple[Quote, ...]) -> str:
    name = quotes[0].name
    return name[:1].upper() + name[1:]
