"""What a cell of a sheet says, in the types of the course file."""

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from skinprogress.photos.dates import find_date
from skinprogress.settings import DateOrder

_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d.*)?")
_WRITTEN_DATE = re.compile(
    r"\d{1,4}[./-]\d{1,2}[./-]\d{2,4}(?:,?\s+\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:\s?[AaPp]\.?[Mm]\.?)?)?"
)
_YES_NO = dict.fromkeys(("yes", "true", "1", "ja", "wahr"), True)
_YES_NO |= dict.fromkeys(("no", "false", "0", "nein", "falsch"), False)
_DATE_EXAMPLE = "write it as 2026-03-14, or with the time as 2026-03-14 15:30"


class CellError(ValueError):
    """A cell that does not say what its column asks for.

    Parameters
    ----------
    reason, remedy : str
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the sheet.

    Attributes
    ----------
    table : str
        Of the course file: ``client``, ``course``, ``consent`` or ``treatments``; empty for the client's folder.
    convert : callable
        From a cell, and how to read dates that can be read in two ways, to what the course file takes.
    """

    table: str
    convert: Callable[[Any, DateOrder | None], Any]


def to_folder(value: Any, _order: DateOrder | None) -> str:
    """The client's folder, with ``/`` whichever way the strokes lean."""
    text = unicodedata.normalize("NFC", to_text(value, None)).replace("\\", "/")
    folder = "/".join(part for part in text.split("/") if part not in ("", "."))
    if not folder or ".." in folder.split("/"):
        raise CellError(f"{value!r} is no folder", "write the client's folder as seen from the clients' folder")
    return folder


def to_text(value: Any, _order: DateOrder | None) -> str:
    """Text as it is shown: a number without the ``.0`` that sheets keep."""
    if isinstance(value, datetime | date):
        return _day_or_time(value).isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def to_choice(value: Any, _order: DateOrder | None) -> str:
    """A word of a fixed list, or the name of a region: neither case nor spaces matter."""
    return "_".join(to_text(value, None).casefold().split())


def to_texts(value: Any, _order: DateOrder | None) -> list[str]:
    """Several texts, parted by ``;`` or line breaks."""
    return [text.strip() for text in re.split(r"[;\n]", to_text(value, None)) if text.strip()]


def to_regions(value: Any, _order: DateOrder | None) -> list[str]:
    """Several regions; no name of one holds a comma."""
    return [to_choice(text, None) for text in to_texts(to_text(value, None).replace(",", ";"), None)]


def to_yes_no(value: Any, _order: DateOrder | None) -> bool:
    """Yes or no, in a few ways to say it."""
    word = to_text(value, None).casefold()
    if word not in _YES_NO:
        raise CellError(
            f"{value!r} is neither yes nor no", "write yes or no, or leave the cell empty where nobody asked"
        )
    return _YES_NO[word]


def to_number(value: Any, _order: DateOrder | None) -> float:
    """A number; in text with a point or a comma."""
    try:
        if isinstance(value, bool | datetime | date | time | timedelta):
            raise ValueError
        number = float(str(value).replace(",", "."))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CellError(f"{_shown(value)} is no number", "write a number such as 1.5, and format the cell as a number")
    return number


def to_whole_number(value: Any, _order: DateOrder | None) -> int:
    """A whole number."""
    number = to_number(value, None)
    if not number.is_integer():
        raise CellError(f"{value!r} is no whole number", "write a whole number such as 3")
    return int(number)


def to_depth(value: Any, _order: DateOrder | None) -> float | dict[str, float]:
    """Millimetres, for the whole face or as ``forehead = 1.0; cheeks = 1.5``."""
    if not isinstance(value, str) or not re.search("[=:]", value):
        return _to_millimetres(value)
    depths = {}
    for part in to_texts(value, None):
        region, _, depth = part.replace(":", "=").partition("=")
        if not region.strip() or to_choice(region, None) in depths:
            raise CellError(f"{part!r} is no depth of a region", "write it as forehead = 1.0; cheeks = 1.5")
        depths[to_choice(region, None)] = _to_millimetres(depth.strip())
    return depths


def _to_millimetres(value: Any) -> float:
    return to_number(re.sub(r"\s*mm$", "", value) if isinstance(value, str) else value, None)


def to_moment(value: Any, order: DateOrder | None) -> date | datetime:
    """A day, or a day and time; midnight is what sheets make of a day."""
    if isinstance(value, date):
        return _day_or_time(value)
    text = value.strip() if isinstance(value, str) else ""
    if _ISO.fullmatch(text):
        try:
            return _day_or_time(datetime.fromisoformat(text).replace(tzinfo=None))
        except ValueError:
            raise CellError(f"{value!r} is no date that can be", _DATE_EXAMPLE) from None
    read = find_date(text, date_order=order) if _WRITTEN_DATE.fullmatch(text) else None
    if read is None or read.day is None or (":" in text and read.at is None):
        raise CellError(f"{_shown(value)} is no date that can be read", _DATE_EXAMPLE)
    if read.other_day:
        raise CellError(
            f"{value!r} could be {read.day} or {read.other_day}",
            f"{_DATE_EXAMPLE}, or say which with --date-order dmy or mdy",
        )
    return datetime.combine(read.day, read.at) if read.at else read.day


def to_day(value: Any, order: DateOrder | None) -> date:
    """A day."""
    moment = to_moment(value, order)
    return moment.date() if isinstance(moment, datetime) else moment


def _day_or_time(value: date) -> date | datetime:
    if not isinstance(value, datetime):
        return value
    whole = (value + timedelta(milliseconds=500)).replace(microsecond=0)  # sheets keep days as fractions
    return whole.date() if whole.time() == time(0) else whole


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float) else str(value)


COLUMNS = {
    "client": Column("", to_folder),
    "label": Column("client", to_text),
    "planned": Column("course", to_whole_number),
    "aim": Column("course", to_texts),
    "reference_region": Column("course", to_choice),
    "color_reference": Column("course", to_choice),
    "card_edition": Column("course", to_choice),
    "publish": Column("consent", to_yes_no),
    "scope": Column("consent", to_texts),
    "given": Column("consent", to_day),
    "until": Column("consent", to_day),
    "at": Column("treatments", to_moment),
    "kind": Column("treatments", to_text),
    "setting": Column("treatments", to_choice),
    "number": Column("treatments", to_whole_number),
    "device": Column("treatments", to_text),
    "depth_mm": Column("treatments", to_depth),
    "areas": Column("treatments", to_regions),
    "products": Column("treatments", to_texts),
}
"""Columns that a sheet may have: those of ``treatments`` make a treatment of each row, the others are the client's."""
