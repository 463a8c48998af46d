"""Texts without the names that stand in them."""

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from skinprogress.photos.clues import find_clues
from skinprogress.photos.course_schema import REGION_NAMES
from skinprogress.photos.dates import find_date
from skinprogress.photos.scan import one_line, printable
from skinprogress.records import FLAG_TEXT, ClientResult, Rejection

_MADE_UP = re.compile(r"(?:[\w:() -]+/)?(?:photo|file|session)-\d+(?:\.\w+)?")
# Names join their parts with these; everything else belongs to a word, the vowel signs of Indic scripts too.
_BETWEEN_WORDS = re.compile(r"[\s\d_.,;:'’()\[\]{}+&/\\-]+|(?<=[^\W\d_A-Z])(?=[A-Z])")
_ORDINARY = frozenset(
    word
    for text in (
        *FLAG_TEXT.values(),
        *REGION_NAMES,
        "client photo session file picture image img dsc scan folder visit treatment course copy edited raw left right "
        "front oblique profile side week month year january february march april may june july august september "
        "october november december will mark rose grace hope faith long brown young gray rich bill frank page light",
    )
    for word in re.split(r"[^a-z]+", text.casefold())
)
"""Words that the program's own sentences are made of; as a name they are known by their capital letter."""


class Hider:
    """Replaces names in texts by made-up ones.

    Parameters
    ----------
    names : mapping of str to str
        File, folder and session names as they are to what stands for them.
    label : str
        Of the client.
    folder : Path
        Of the client.
    called : iterable of str
        How the client is called, beside the folder's name: parts of the id, the label of the course file.
    """

    def __init__(self, names: Mapping[str, str], *, label: str, folder: Path, called: Iterable[str] = ()) -> None:
        own = {folder.name, *called, *(part for name in called for part in name.split("/"))} - {""}
        found: dict[str, _Secret] = {}

        def hide(text: str, instead: str, *, capital: bool = False) -> None:
            # A client called An or Red: only their capital tells them from the words of a sentence.
            capital |= text.isalpha() and (len(text) <= 3 or text.casefold() in _ORDINARY)
            for form in _forms(text):
                if not _MADE_UP.fullmatch(form):
                    found.setdefault(form, _Secret(form, form.casefold(), instead, _pattern(form, capital=capital)))

        for path in {folder, folder.absolute(), Path(os.path.realpath(folder))}:
            for text in {str(path), path.as_posix()}:
                if len(path.parts) > 1:
                    hide(text, label)
            for above in path.parents:
                if len(above.parts) > 2:
                    hide(str(above), "…")
        for name in own:
            if not is_ordinary(name):
                hide(name, label)
        for word in _words(own):
            hide(word, label)
        for name, instead in names.items():
            hide(name, instead)
        for word in _words(names):
            if word[0].isupper() and word.casefold() not in _ORDINARY:
                hide(word, "(hidden)", capital=True)
        self._secrets = sorted(found.values(), key=lambda secret: -len(secret.text))

    def hide(self, text: str) -> str:
        """The text with every name in it replaced, the longest first."""
        folded = text.casefold()
        # Only those that are there make up the pattern: a folder may hold ten thousand names.
        present = [secret for secret in self._secrets if secret.folded in folded]
        if not present:
            return text
        pattern = re.compile("|".join(f"({secret.pattern})" for secret in present))
        return pattern.sub(lambda match: present[(match.lastindex or 1) - 1].instead, text)

    def hide_rejection(self, rejection: Rejection) -> Rejection:
        """The rejection with its sentences hidden; its file and session are those of :func:`hide_names`."""
        return replace(rejection, reason=self.hide(rejection.reason), remedy=self.hide(rejection.remedy))

    def hide_result(self, result: ClientResult) -> ClientResult:
        """A result with every free text hidden that came from a photo's metadata or from what failed."""
        photos = (
            replace(
                p,
                reason=self.hide(p.reason),
                remedy=self.hide(p.remedy),
                camera=self.hide(p.camera),
                software=self.hide(p.software),
            )
            for p in result.photos
        )
        inspections = {
            file: replace(i, metadata={key: self.hide(value) for key, value in i.metadata.items()})
            for file, i in result.inspections.items()
        }
        return replace(
            result,
            photos=tuple(photos),
            inspections=inspections,
            rejected=tuple(map(self.hide_rejection, result.rejected)),
            notes=tuple(map(self.hide, result.notes)),
        )


def hider_of(folder: Path, *, label: str, called: Iterable[str] = ()) -> Hider:
    """A hider for a folder that could not be listed, from the names of what lies in it."""
    names: dict[str, str] = {}
    for root, folders, files in os.walk(folder):
        inner = Path(root).relative_to(folder).as_posix()
        for name in (*folders, *files):
            file = name if inner == "." else f"{inner}/{name}"
            names[file] = names[name] = "a file" if name in files else "a folder"
    return Hider(
        {name: word for name, word in names.items() if not is_ordinary(name)}, label=label, folder=folder, called=called
    )


@dataclass(frozen=True, slots=True)
class _Secret:
    text: str
    folded: str
    instead: str
    pattern: str


def _forms(name: str) -> set[str]:
    """A name in all the ways in which a text may show it."""
    forms = {name, printable(name), one_line(name), repr(name)[1:-1]}
    return {
        form for text in forms for kind in ("NFC", "NFD") for form in (text, unicodedata.normalize(kind, text)) if text
    }


def _pattern(text: str, *, capital: bool = False) -> str:
    """Pattern of a name that does not stand inside another word."""
    # Scripts without capitals have no spaces between words either, or join endings to them.
    before = r"(?<![^\W_])" if _is_cased(text[0]) or text[0] in "/\\" else ""
    after = r"(?![^\W_])" if _is_cased(text[-1]) else ""
    if capital:
        forms = {text, text.title(), text.upper()} - {text.lower()}
        inner = "|".join(map(re.escape, sorted(forms))) or re.escape(text.title())
        return f"{before}(?:{inner}){after}"
    genitive = "s?" if len(text) > 3 and text.isalpha() else ""
    return f"{before}(?i:{re.escape(text)}{genitive}){after}"


def _is_cased(character: str) -> bool:
    return character.isdigit() or character.lower() != character.upper()


def _words(names: Iterable[str]) -> list[str]:
    """Parts of names that may be somebody's name, of two letters at least."""
    parts = {part for name in names for part in _BETWEEN_WORDS.split(printable(name)) if len(part) > 1}
    return sorted(parts)


def is_ordinary(name: str) -> bool:
    """Whether a name says no more than dates, short numbers and the words of any sentence do."""
    if re.fullmatch(r"\d{5,}|0\d+", name):
        return find_date(name).day is not None  # else a client's number
    words = [part.casefold() for part in _BETWEEN_WORDS.split(name) if len(part) > 1]
    return all(word in _ORDINARY or find_clues(word).words for word in words)
