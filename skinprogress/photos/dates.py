"""Days and times that stand in names, and how names are put in order."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, time

from skinprogress.settings import DateOrder

_MONTH_WORDS = (
    ("january", "jan", "januar", "jänner", "jaenner"),
    ("february", "feb", "februar"),
    ("march", "mar", "märz", "maerz", "mrz"),
    ("april", "apr"),
    ("may", "mai"),
    ("june", "jun", "juni"),
    ("july", "jul", "juli"),
    ("august", "aug"),
    ("september", "sept", "sep"),
    ("october", "oct", "oktober", "okt"),
    ("november", "nov"),
    ("december", "dec", "dezember", "dez"),
)
_MONTHS = {word: number for number, words in enumerate(_MONTH_WORDS, start=1) for word in words}
_MONTH_PATTERN = "|".join(sorted(_MONTHS, key=len, reverse=True))

# A year before 2000 in a name is more likely a birth date or a counter than the day of a photo.
_YEAR_FIRST = re.compile(r"(?<!\d)(20\d\d)([-_. /]?)(\d\d)\2(\d\d)(?!\d)")
_COMPACT_WITH_TIME = re.compile(r"(?<!\d)(20\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\d{3})?(?!\d)")
_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})([-_. /])(\d{1,2})\2(20\d\d)(?!\d)")
# Two digits for the year are read only between dots: 14-03-26 could as well be 2014.
_SHORT_YEAR = re.compile(r"(?<![\d.])(\d{1,2})\.(\d{1,2})\.(\d\d)(?![\d.]*\d)")
_DAY_MONTH_NAME = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|\.)?[ _-]*({_MONTH_PATTERN})[., _-]*(20\d\d)(?!\d)", re.IGNORECASE
)
_MONTH_NAME_DAY = re.compile(
    rf"(?<![^\W\d_])({_MONTH_PATTERN})[. _-]*(\d{{1,2}})(?:st|nd|rd|th)?[., _-]+(20\d\d)(?!\d)", re.IGNORECASE
)

_JOIN = r"(?:\s+at\s+|\s+um\s+|[T_,\s-]+)"
_TIME_PARTED = re.compile(
    _JOIN + r"(\d{1,2})([.:h-])(\d\d)(?:[.:-](\d\d)(?!\d))?(?!\d)(?:\s?([AaPp])\.?[Mm](?![A-Za-z]))?", re.IGNORECASE
)
_TIME_COMPACT = re.compile(_JOIN + r"(\d\d)(\d\d)(?:(\d\d)(?:\d{3})?)?(?!\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NameDate:
    """The day and time of day that a name states.

    Attributes
    ----------
    day : date or None
    at : time or None
        None where the name gives only the day.
    other_day : date or None
        The month-first reading where the name could be read both ways; `day` is then the day-first one.
    """

    day: date | None = None
    at: time | None = None
    other_day: date | None = None


def find_date(name: str, *, date_order: DateOrder | None = None) -> NameDate:
    """Find a day, and a time of day behind it, in the name of a file or folder.

    Parameters
    ----------
    name : str
        Without the extension.
    date_order : {'dmy', 'mdy'} or None
        How to read ``03.04.2026``; None leaves both readings in the result.

    Returns
    -------
    NameDate
        Years 2000 to 2099; all None where the name holds no possible date.

    Examples
    --------
    >>> find_date("WhatsApp Image 2026-03-14 at 16.30.12")
    NameDate(day=datetime.date(2026, 3, 14), at=datetime.time(16, 30, 12), other_day=None)
    >>> find_date("IMG-20260314-WA0001").at is None
    True
    >>> find_date("14.03.2026").day
    datetime.date(2026, 3, 14)
    """
    name = unicodedata.normalize("NFC", name)
    for match in _COMPACT_WITH_TIME.finditer(name):
        year, month, day, hour, minute, second = map(int, match.groups())
        if (found := _date(year, month, day)) and (at := _time(hour, minute, second)):
            return NameDate(found, at)
    for match in _YEAR_FIRST.finditer(name):
        if found := _date(int(match[1]), int(match[3]), int(match[4])):
            return NameDate(found, _time_behind(name, match.end()))
    for pattern, day_group, month_group in ((_DAY_MONTH_NAME, 1, 2), (_MONTH_NAME_DAY, 2, 1)):
        for match in pattern.finditer(name):
            if found := _date(int(match[3]), _MONTHS[match[month_group].lower()], int(match[day_group])):
                return NameDate(found, _time_behind(name, match.end()))
    for match in _YEAR_LAST.finditer(name):
        if read := _either_order(int(match[4]), int(match[1]), int(match[3]), date_order):
            return NameDate(read[0], _time_behind(name, match.end()), read[1])
    for match in _SHORT_YEAR.finditer(name):
        if read := _either_order(2000 + int(match[3]), int(match[1]), int(match[2]), date_order):
            return NameDate(read[0], _time_behind(name, match.end()), read[1])
    return NameDate()


def remove_dates(name: str) -> str:
    """Return `name` without its dates and the times behind them, so that their digits are not read as anything else."""
    name = unicodedata.normalize("NFC", name)
    patterns = (_COMPACT_WITH_TIME, _YEAR_FIRST, _DAY_MONTH_NAME, _MONTH_NAME_DAY, _YEAR_LAST, _SHORT_YEAR)
    for pattern in patterns:
        if match := pattern.search(name):
            end = match.end()
            for clock in (_TIME_PARTED, _TIME_COMPACT):
                if (behind := clock.match(name, end)) and _time_behind(name, end):
                    end = behind.end()
                    break
            name = f"{name[: match.start()]} {name[end:]}"
    return name


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key under which "Session 2" comes before "Session 10", whatever the case and the Unicode form.

    >>> sorted(["Session 10", "session 2", "Session 1"], key=natural_key)
    ['Session 1', 'session 2', 'Session 10']
    """
    folded = unicodedata.normalize("NFC", text).casefold()
    parts = re.findall(r"[0-9]+|[^0-9]+", folded)
    return tuple((0, int(part), part) if part[0] in "0123456789" else (1, 0, part) for part in parts)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _time(hour: int, minute: int, second: int) -> time | None:
    try:
        return time(hour, minute, second)
    except ValueError:
        return None


def _either_order(year: int, first: int, second: int, order: DateOrder | None) -> tuple[date, date | None] | None:
    """The possible readings of day and month; both where neither the figures nor `order` decide."""
    day_first, month_first = _date(year, second, first), _date(year, first, second)
    if day_first is None or month_first is None:
        only = day_first or month_first
        return (only, None) if only else None
    if day_first == month_first or order == "dmy":
        return day_first, None
    return (month_first, None) if order == "mdy" else (day_first, month_first)


def _time_behind(name: str, start: int) -> time | None:
    if match := _TIME_PARTED.match(name, start):
        hour, minute, second = int(match[1]), int(match[3]), int(match[4] or 0)
        half = (match[5] or "").lower()
        if (half and not 1 <= hour <= 12) or (match[2] == "-" and len(match[1]) == 1):
            return None
        if half:
            hour = hour % 12 + (12 if half == "p" else 0)
        return _time(hour, minute, second)
    if match := _TIME_COMPACT.match(name, start):
        # 2026-03-14_0012 is the twelfth photo rather than one taken at 00:12.
        if match[3] is None and int(match[1]) < 5:
            return None
        return _time(int(match[1]), int(match[2]), int(match[3] or 0))
    return None
