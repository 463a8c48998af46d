"""What the words in a name tell about the course: before, numbing, two hours after, day 7, session 2."""

import math
import re
import unicodedata
from dataclasses import dataclass, field

from skinprogress.photos.dates import remove_dates
from skinprogress.records import Stage

_BEFORE = "before|pre|pretreatment|baseline|vorher|vor"
_AFTER = "after|afterwards|later|post|posttreatment|nachher|nach|danach|spaeter|später"
_NUMBING = (
    "numbing|numb|numbed|anaesthetic|anesthetic|anaesthesia|anesthesia|emla|lidocaine|lidocain|"
    "betäubung|betaeubung|betäubungscreme|betaeubungscreme"
)
_CREAM = "cream|creme|crème|mask|maske|balm|moisturiser|moisturizer|salbe"
_PARTS_OF_DAY = {"morning": 8.0, "morgens": 8.0, "noon": 12.0, "mittags": 12.0, "afternoon": 15.0, "nachmittags": 15.0}
_PARTS_OF_DAY |= {"evening": 19.0, "abends": 19.0, "night": 22.0, "nachts": 22.0}

_NUMBER = r"(\d+(?:[.,]\d+)?)"
_HOURS = re.compile(rf"(?<![\w.]){_NUMBER} ?(?:h|hr|hrs|hours?|std|stunden?)\b")
_MINUTES = re.compile(rf"(?<![\w.]){_NUMBER} ?(?:min|mins|minutes?|minuten?)\b")
# A single letter counts only where it ends the name or "after" follows: IMG_7D_0003 is a camera, not a week.
_ENDS = rf"(?=$| (?:{_AFTER})\b)"


def _unit_of_days(names: str, letter: str) -> re.Pattern[str]:
    return re.compile(
        rf"\b(?:{names}) ?{_NUMBER}\b|(?<![\w.]){_NUMBER} ?(?:{names})\b"
        rf"|(?<![\w.]){_NUMBER} ?{letter}{_ENDS}|^{letter} ?{_NUMBER}$"
    )


_UNITS_OF_DAYS = (
    ("day", 1.0, _unit_of_days("days?|tage?n?", "d")),
    ("week", 7.0, _unit_of_days("weeks?|wks?|wochen?", "w")),
    ("month", 30.0, _unit_of_days("months?|monate?n?", "m")),
)
_NUMBER_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
_BEFORE_UNIT = r"(?= (?:minutes?|hours?|days?|weeks?|months?)\b)"
_NEXT_MORNING = re.compile(r"\b(?:(?:next|following) morning|morning after|(?:am )?nächsten morgen)\b")
_NEXT_DAY = re.compile(r"\b(?:(?:next|following) day|day after|(?:am )?nächsten tag|tag danach)\b")
_VISIT = re.compile(r"\b(?:session|visit|sitzung|termin|besuch|treatment|behandlung|appointment) ?(?:no )?(\d+)\b")
_DIRECTLY = re.compile(rf"\b(directly|immediately|straight|just|right|direkt|gleich|sofort) (?:{_AFTER})\b")

_MOST_DAYS = 36500.0  # a number beyond a century is a counter
_NEXT_MORNING_HOURS = 18.0  # a treatment in the afternoon, a photo after breakfast


@dataclass(frozen=True, slots=True)
class Clues:
    """What the words of a name say; everything may be absent.

    Attributes
    ----------
    stage : str
        Stage that the words state outright.
    after : bool
        A bare "after": right after the treatment or weeks later, which only the other photos can tell.
    hours_after : float or None
        Hours since the treatment, from "2h after", "next morning", "day 7", "week 6".
    day : float or None
        Days, from the same words.
    visit : int or None
        From "Session 2", "visit 3".
    part_of_day : float or None
        Hour for which "morning", "evening" … stand; it orders photos and is never shown as a time.
    said : str
        The time after treatment in the name's own unit, for labels.
    """

    stage: Stage = ""
    after: bool = False
    hours_after: float | None = None
    day: float | None = None
    visit: int | None = None
    part_of_day: float | None = None
    said: str = field(default="", compare=False)

    @property
    def offset(self) -> float | None:
        """Hours on the line before … after that orders photos without times; None where the words do not say."""
        if self.stage == "pre":
            return -1.0
        if self.stage == "numbing":
            return -0.5
        if self.hours_after is not None:
            return self.hours_after
        if self.day is not None:
            return self.day * 24.0
        if self.stage:
            return 0.0 if self.stage == "directly after" else 0.1
        return math.inf if self.after else None

    @property
    def words(self) -> str:
        """The clues in a few words, as part of a session's label; empty where there are none."""
        stage = {"pre": "before"}.get(self.stage, self.stage)
        main = stage or self.said or ("after" if self.after else "")
        visit = f"session {self.visit}" if self.visit is not None else ""
        part = next((word for word, hour in _PARTS_OF_DAY.items() if hour == self.part_of_day), "")
        return " ".join(word for word in (visit, main, part) if word)


def find_clues(name: str, *, right_is_a_side: bool = False) -> Clues:
    """Read the words of one name.

    Parameters
    ----------
    name : str
        Of a file without its extension, or of a folder.
    right_is_a_side : bool
        Other names of the client say "left", so that "right after" is the right side, afterwards.

    Returns
    -------
    Clues

    Examples
    --------
    >>> find_clues("2h after").hours_after
    2.0
    >>> find_clues("week 6").day
    42.0
    >>> find_clues("before numbing").stage
    'pre'
    """
    words = plain_words(name)
    visit = _VISIT.search(words)
    if visit:
        words = words.replace(visit[0], " treatment " if "treatment" in visit[0] else " ")
    hours, day, said = _find_offset(words)
    stage, after = _find_stage(words, right_is_a_side=right_is_a_side)
    if stage in ("pre", "numbing"):
        # "2h before" counts toward the treatment, not from it.
        hours, day, said = None, (day if said.startswith(("day", "week", "month")) else None), ""
    part = None
    if hours is None:
        part = next((hour for word, hour in _PARTS_OF_DAY.items() if re.search(rf"\b{word}\b", words)), None)
    return Clues(
        stage=stage,
        after=after and hours is None and not stage,
        hours_after=hours,
        day=day,
        visit=int(visit[1]) if visit else None,
        part_of_day=part,
        said=said,
    )


def merge_clues(outer: Clues, inner: Clues) -> Clues:
    """Clues of a folder and of what lies in it; where both say something, the inner name is the more precise."""
    inner_speaks = inner.offset is not None
    told = inner if inner_speaks else outer
    return Clues(
        stage=told.stage,
        after=told.after,
        hours_after=told.hours_after,
        day=told.day if told.day is not None else outer.day,
        visit=inner.visit if inner.visit is not None else outer.visit,
        part_of_day=inner.part_of_day if inner.part_of_day is not None else outer.part_of_day,
        said=told.said,
    )


def plain_words(name: str) -> str:
    """Lower-case words of a name, parted by single spaces; dates left out, ``beforeTreatment2`` in its three parts."""
    text = remove_dates(unicodedata.normalize("NFC", name))
    text = re.sub(r"(?<=[a-zäöüß])(?=[A-ZÄÖÜ])", " ", text).lower()
    text = re.sub(r"[^\w.,]|_", " ", text)
    text = re.sub(r"(?<!\d)[.,]|[.,](?!\d)", " ", text)
    # "before2" is before, photo 2; "day7" and "2h" stay readable because their patterns allow the space.
    text = re.sub(r"(?<=[a-zäöüß])(?=\d)", " ", text)
    text = re.sub(r"\s+", " ", text).strip()
    for number, word in enumerate(_NUMBER_WORDS):
        text = re.sub(rf"\b{word}{_BEFORE_UNIT}", str(number), text)
    return re.sub(rf"\ban?{_BEFORE_UNIT}", "1", text)


def _find_offset(words: str) -> tuple[float | None, float | None, str]:
    """Hours after the treatment and days, as far as the words say, and the same in words."""
    if _NEXT_MORNING.search(words):
        return _NEXT_MORNING_HOURS, 1.0, "next morning"
    if _NEXT_DAY.search(words):
        return 24.0, 1.0, "next day"
    if (match := _HOURS.search(words)) and (hours := _number(match[1])) <= _MOST_DAYS * 24.0:
        return hours, hours / 24.0, f"{hours:g} h after"
    if (match := _MINUTES.search(words)) and (minutes := _number(match[1])) <= _MOST_DAYS * 1440.0:
        return minutes / 60.0, minutes / 1440.0, f"{minutes:g} min after"
    for unit, days, pattern in _UNITS_OF_DAYS:
        if match := pattern.search(words):
            number = _number(next(group for group in match.groups() if group is not None))
            if number * days > _MOST_DAYS:
                continue
            # Day 0 is the day of the treatment, before or after it.
            return (number * days * 24.0 if number > 0 else None), number * days, f"{unit} {number:g}"
    return None, None, ""


def _find_stage(words: str, *, right_is_a_side: bool) -> tuple[Stage, bool]:
    """The stage that the words state, and whether they hold a bare "after"."""

    def has(pattern: str) -> bool:
        return re.search(rf"\b(?:{pattern})\b", words) is not None

    before, after = has(_BEFORE), has(_AFTER)
    if before and after and not has(_NUMBING):
        return "", False  # "before and after": a collage
    if has(_NUMBING):
        return ("pre", False) if has(rf"(?:{_BEFORE}) (?:the )?(?:{_NUMBING})") else ("numbing", False)
    if before:
        return "pre", False
    directly = _DIRECTLY.search(words)
    if has(_CREAM) and not has(rf"(?:no|without|ohne) (?:{_CREAM})"):
        return "after cream", False
    if directly and not (directly[1] == "right" and right_is_a_side):
        return "directly after", False
    return "", after


def _number(text: str) -> float:
    return float(text.replace(",", "."))
