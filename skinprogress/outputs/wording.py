"""How sessions, phases and file names are put into words that a client reads."""

import math
import unicodedata
from collections.abc import Iterable

from skinprogress.comparison.course import RECENT_PHASES
from skinprogress.comparison.sentences import duration_text
from skinprogress.records import Flag, Phase, PhotoReport, Rung

VIEW_TITLES = {
    "front": "front",
    "left_oblique": "left side, half turned",
    "right_oblique": "right side, half turned",
    "left_profile": "left side",
    "right_profile": "right side",
}

RUNG_TITLES: dict[Rung, str] = {
    "card": "colour card",
    "patch": "grey patch",
    "background": "same background",
    "none": "nothing matched",
}
"""Colour references in a word or two."""

MATCHED: dict[Rung, str] = {
    "card": "colour matched on a colour card",
    "patch": "colour matched on a grey patch",
    "background": "colour matched on the background",
    "none": "colour not matched, so a difference of colour may be one of light or camera",
}
"""What the colour of two photos was matched on."""


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
    return phase is not None and phase.name in RECENT_PHASES


TOO_SOON = "too soon to judge the outcome"
EARLY_RESULT = "an early result: what lasts shows from three weeks on"


def caution_text(phase: Phase | None) -> str:
    """What must be said beside a photo of these days after a treatment; empty for settled skin."""
    if is_early(phase):
        return TOO_SOON
    return EARLY_RESULT if phase is not None and phase.name == "settling" else ""


FLAG_REMEDY = {
    Flag.CAMERA_TOO_NEAR: "step back to an arm's length and a half and zoom in",
    Flag.MIRRORED_FOUND: "switch off the mirroring of selfies in the camera",
    Flag.NO_COLOR: "take and send it in colour",
    Flag.FILTER_SUSPECTED: "take it without beauty or portrait mode, and send the camera's own file",
    Flag.CARD_UNUSABLE: "hold the whole card beside the face, flat to the lens, without shine, shadow or fingers on it",
}
"""What helps next time, for flags of a photo that its own taking can mend."""


def flag_texts(flags: Flag, among: Iterable[Flag] | None = None, *, with_remedy: bool = False) -> list[str]:
    """The sentences of the flags that are set, in the order of the flags; with what helps next time if wanted."""
    from skinprogress.records import FLAG_TEXT

    wanted = None if among is None else set(among)
    texts = [(f, FLAG_TEXT[f]) for f in flags if f in FLAG_TEXT and (wanted is None or f in wanted)]
    return [f"{text}: {FLAG_REMEDY[f]}" if with_remedy and f in FLAG_REMEDY else text for f, text in texts]


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


def share_text(n: int, of: int) -> str:
    """How many of the regions: ``all 12 regions``, ``3 of 12 regions``."""
    if n == of:
        return f"all {of} regions" if of > 1 else "the only region"
    return f"{n} of {of} regions"


def sentence(text: str) -> str:
    """Give a text a capital letter and a full stop; a file's name keeps its letters.

    Examples
    --------
    >>> sentence("nose: redder"), sentence("img_1.jpg: blurred")
    ('Nose: redder.', 'img_1.jpg: blurred.')
    """
    if not text:
        return ""
    is_file = "." in text.split()[0].rstrip(".:,;")
    return f"{text[0] if is_file else text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def taking_text(photo: PhotoReport) -> str:
    """How a photo was taken, as far as the file says: camera, exposure, flash, white balance, software.

    Examples
    --------
    >>> from skinprogress.records import PhotoReport
    >>> taking_text(
    ...     PhotoReport(
    ...         file="a.jpg", sha256="", session="", taken_at=None, stage="", hours_after=None, view=None,
    ...         status="used", camera="Pixel 8", exposure="1/60 s, f/1.7", flash="not fired", white_balance="auto",
    ...     )
    ... )
    'Pixel 8, 1/60 s, f/1.7, flash not fired, white balance auto'
    """
    flash = photo.flash and f"flash {photo.flash}"
    balance = photo.white_balance and f"white balance {photo.white_balance}"
    software = photo.software and f"software {photo.software}"
    return ", ".join(filter(None, [photo.camera, photo.exposure, flash, balance, software]))
