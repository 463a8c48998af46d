"""How sessions, phases and file names are put into words that a client reads."""

import math
import unicodedata
from collections.abc import Iterable
from datetime import datetime

from skinprogress.records import Flag, Phase

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
EARLY = ("acute", "peeling")
"""Phases in which the skin still answers to the treatment: no change in them is called better or worse."""

VIEW_TITLES = {
    "front": "front",
    "left_oblique": "left side, half turned",
    "right_oblique": "right side, half turned",
    "left_profile": "left side",
    "right_profile": "right side",
}


def session_text(session: str) -> str:
    """A session's label for people: ``14 March 2026, 16:30``, or the label itself where it is no date.

    Examples
    --------
    >>> session_text("2026-03-14T16:30"), session_text("Session 2")
    ('14 March 2026, 16:30', 'Session 2')
    """
    try:
        at = datetime.fromisoformat(session)
    except ValueError:
        return " ".join(session.split())
    day = f"{at.day} {_MONTHS[at.month - 1]} {at.year}"
    return f"{day}, {at:%H:%M}" if "T" in session else day


def duration_text(days: float) -> str:
    """A number of days as people say it.

    Examples
    --------
    >>> [duration_text(d) for d in (0.02, 0.0834, 1.2, 9.6, 42, 400)]
    ['29 minutes', '2 hours', '29 hours', '10 days', '6 weeks', '13 months']
    """
    steps = ((1 / 24, 1 / 1440, "minute"), (2, 1 / 24, "hour"), (21, 1, "day"), (183, 7, "week"))
    size, unit = next(((size, unit) for limit, size, unit in steps if days < limit), (30.44, "month"))
    count = round(days / size)
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def phase_text(phase: Phase | None) -> str:
    """Where in the course a session stands: ``2 hours after treatment 1``; empty where nothing is known."""
    if phase is None or phase.name == "unknown":
        return ""
    if phase.days_after is None or not math.isfinite(phase.days_after):
        return "before the first treatment" if phase.name == "before" else ""
    number = "" if phase.treatment_number is None else f" {phase.treatment_number}"
    return f"{duration_text(phase.days_after)} after treatment{number}"


def is_early(phase: Phase | None) -> bool:
    """Tell whether the session lies within days of a treatment."""
    return phase is not None and phase.name in EARLY


def flag_texts(flags: Flag, among: Iterable[Flag] | None = None) -> list[str]:
    """The sentences of the flags that are set, in the order of the flags."""
    from skinprogress.records import FLAG_TEXT

    wanted = None if among is None else set(among)
    return [FLAG_TEXT[f] for f in flags if f in FLAG_TEXT and (wanted is None or f in wanted)]


def safe_name(label: str) -> str:
    """A part of a file name that every file system takes, from any text.

    Examples
    --------
    >>> safe_name("2026-03-14T16:30"), safe_name("../<b>Größe"), safe_name("?")
    ('2026-03-14T1630', 'b-Größe', 'session')
    """
    text = unicodedata.normalize("NFC", label).replace(":", "")
    text = "".join(c if c.isalnum() or c in "-_." else "-" for c in text)
    while "--" in text or ".." in text:
        text = text.replace("--", "-").replace("..", ".")
    # 40 characters of four bytes and the rest of the name stay under the 255 bytes that file systems allow.
    return text.strip("-_.")[:40].rstrip("-_.") or "session"


def listed(words: Iterable[str]) -> str:
    """Words as a list in a sentence.

    Examples
    --------
    >>> listed(["nose"]), listed(["nose", "chin", "forehead"])
    ('nose', 'nose, chin and forehead')
    """
    found = list(words)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}" if found else ""
