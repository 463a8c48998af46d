"""What is said about the days, weeks and sessions of a course: every figure that is used as a limit, with its source.

Sources disagree, and none is called wrong: all that are known stand here, and what is shown to a reader names them.
Where only the advice that clinics give their clients is known, the source says just that.
"""

from collections.abc import Iterable
from dataclasses import dataclass

CLINICS = "clinics' advice to clients"
"""What clinics for microneedling tell their clients, on their pages and leaflets; no trial stands behind it."""

ABLON = "Ablon 2018, J Clin Aesthet Dermatol 11(8):29–34"
CHENG = "Cheng 2022, Front Med 9:900784, doi 10.3389/fmed.2022.900784"
DODDABALLAPUR = "Doddaballapur 2009, J Cutan Aesthet Surg 2(2):110, doi 10.4103/0974-2077.58529"
FABBROCINI_EYES = "Fabbrocini 2009, Surg Cosmet Dermatol, www.surgicalcosmetic.org.br/details/24"
FABBROCINI_LIP = "Fabbrocini 2012, J Dermatolog Treat 23:144–152"
FACE_TRIAL = "trial of a device on wrinkles, J Cosmet Dermatol 2023, 22(1):206–213, doi 10.1111/jocd.14985"
FINE_LINES_TRIAL = "trial of four treatments on fine lines and wrinkles, 2021, PubMed 33656167"
HAN = "Han 2012, Dermatol Surg 38(11):1816–22, doi 10.1111/j.1524-4725.2012.02550.x"
HONG_KONG = "study of acne scars, Hong Kong J Dermatol Venereol 2018, 26(2):52–57"
MINUTILLI = "Minutilli 2024, J Drugs Dermatol 23(3):e79"
TIRMIZI = "Tirmizi 2021, Cureus, doi 10.7759/cureus.12578"
ASSUMED = "an assumption of this program: no table of redness against hours has been published"


@dataclass(frozen=True, slots=True)
class Quote:
    """One figure and who says it.

    Attributes
    ----------
    name : str
        What it is a figure of.
    low, high : float
        The range that is given; equal where one figure is.
    unit : str
        ``days``, ``hours``, ``mm``, ``sessions`` or ``a year``; the same for all quotes of a topic.
    text : str
        The figure in words, as it can be put into a sentence: "24–72 hours".
    source : str
    """

    name: str
    low: float
    high: float
    unit: str
    text: str
    source: str


QUOTES: dict[str, tuple[Quote, ...]] = {
    "redness": (
        Quote("redness after needling", 0.5, 1.0, "days", "12–24 hours", CLINICS),
        Quote("redness after needling", 0.125, 2.0, "days", "3–48 hours", CLINICS),
        Quote("redness after needling", 1.0, 3.0, "days", "24–72 hours", CLINICS),
        Quote("redness after needling", 1.0, 3.0, "days", "1–3 days", CLINICS),
        Quote("redness after rolling, 36 people", 0.125, 0.25, "days", "3–6 hours", HONG_KONG),
    ),
    "redness_bony": (Quote("bleeding marks over bone", 3.0, 5.0, "days", "3–5 days", CLINICS),),
    "redness_home": (
        Quote("redness after home rolling, 0.25–0.5 mm", 0.0, 1.0, "days", "within a day", CLINICS),
        # The trial looked at the skin barrier and the redness at 4, 8, 24, 48 and 72 hours.
        Quote("recovery from 0.15–0.25 mm needles", 0.0, 3.0, "days", "within 72 hours", HAN),
    ),
    "peeling": (
        Quote("peeling", 3.0, 7.0, "days", "days 3–7", CLINICS),
        Quote("tightening, browning and peeling", 2.0, 2.0, "days", "from day 2", CLINICS),
    ),
    "peeling_light": (Quote("light peeling", 2.0, 5.0, "days", "days 2–5", CLINICS),),
    "first_benefit": (Quote("first visible benefit", 7.0, 7.0, "days", "at the end of the first week", CLINICS),),
    "settled": (
        Quote("least time until the next session", 21.0, 21.0, "days", "never under 3 weeks", CLINICS),
        Quote("time that skin takes for new cells", 20.0, 40.0, "days", "20–40 days", CLINICS),
    ),
    "full_effect": (
        Quote("results build", 42.0, 42.0, "days", "over 6 weeks", CLINICS),
        Quote("signs of age, fourth session to result", 60.0, 60.0, "days", "60 days after the last", ABLON),
        Quote("acne scars, last session to result", 91.0, 365.0, "days", "after 3 months, better 6–12", MINUTILLI),
    ),
    "spacing": (
        Quote("between sessions", 42.0, 42.0, "days", "every 6 weeks", CLINICS),
        Quote("between sessions", 30.0, 30.0, "days", "a month", CLINICS),
        Quote("between sessions, at least", 21.0, 21.0, "days", "never under 3 weeks", CLINICS),
        Quote("between sessions", 30.0, 30.0, "days", "30 days", ABLON),
        Quote("between sessions, acne scars", 28.0, 28.0, "days", "4 weeks rather than 2", MINUTILLI),
        Quote("between sessions, wrinkles around the eyes", 14.0, 14.0, "days", "2 weeks", CHENG),
    ),
    "sessions": (
        Quote("sessions of a course", 3.0, 3.0, "sessions", "3", CLINICS),
        Quote("sessions of a course", 4.0, 6.0, "sessions", "4–6", CLINICS),
        Quote("sessions of a course", 3.0, 6.0, "sessions", "3–6", CLINICS),
        Quote("sessions of a course", 6.0, 10.0, "sessions", "usually 6–10", CLINICS),
    ),
    "maintenance": (Quote("maintenance", 2.0, 4.0, "a year", "2–4 a year", CLINICS),),
    "pigment": (Quote("darker or lighter patches", 14.0, 56.0, "days", "2–8 weeks", CLINICS),),
    "depth_clinic": (
        Quote("needles for the face in the clinic", 1.0, 1.5, "mm", "1–1.5 mm", CLINICS),
        Quote("needles of medical rollers", 0.5, 1.5, "mm", "0.5–1.5 mm", DODDABALLAPUR),
    ),
    "depth_home": (Quote("needles for use at home", 0.25, 0.5, "mm", "0.25–0.5 mm", CLINICS),),
    "tau": (Quote("time constant of fading redness", 6.0, 96.0, "hours", "most likely 24, 6–96", ASSUMED),),
}
"""By topic."""

_ACNE_SCARS = (
    Quote("sessions for acne scars", 1.0, 8.0, "sessions", "1–4 to 6–8, by kind and depth of the scars", MINUTILLI),
    Quote("sessions for acne scars, 50 people", 3.0, 3.0, "sessions", "3", TIRMIZI),
)
_WRINKLES = (
    Quote("sessions for signs of age, 48 people", 4.0, 4.0, "sessions", "4", ABLON),
    Quote("sessions for fine lines and wrinkles, 35 people", 4.0, 4.0, "sessions", "4", FINE_LINES_TRIAL),
    Quote("sessions for wrinkles, 35 people", 4.0, 4.0, "sessions", "4", FACE_TRIAL),
    Quote("sessions for upper lip wrinkles, 10 people", 2.0, 2.0, "sessions", "2", FABBROCINI_LIP),
    Quote("sessions for wrinkles around the eyes, 20 people", 2.0, 2.0, "sessions", "2", FABBROCINI_EYES),
    Quote("sessions for wrinkles around the eyes, 25 people", 5.0, 5.0, "sessions", "5", CHENG),
)
_SIGNS_OF_AGE = _WRINKLES[:1]

USUAL_SESSIONS: dict[str, tuple[Quote, ...]] = {
    "scar": _ACNE_SCARS,
    "wrinkle": _WRINKLES,
    "fine line": _WRINKLES,
    "texture": _SIGNS_OF_AGE,
    "lax": _SIGNS_OF_AGE,
    "sag": _SIGNS_OF_AGE,
    "firm": _SIGNS_OF_AGE,
    "tighten": _SIGNS_OF_AGE,
}
"""By a part of what people write as their aim. No source was found that speaks of pores or tone alone."""


def usual_sessions(aim: str) -> tuple[Quote, ...]:
    """How many sessions are said to be usual for an aim in a person's own words; empty where no source speaks of it.

    Examples
    --------
    >>> sorted({quote.text for quote in usual_sessions("Fine lines")})
    ['2', '4', '5']
    >>> usual_sessions("pores")
    ()
    """
    words = aim.casefold()
    found = (quote for part, quotes in USUAL_SESSIONS.items() if part in words for quote in quotes)
    return tuple(dict.fromkeys(found))


def longest_by_clinics(topic: str) -> float:
    """The upper end of what clinics quote for a topic, in its unit; trials stand beside it and do not move it."""
    return max(quote.high for quote in QUOTES[topic] if quote.source == CLINICS)


def quote_text(quotes: Iterable[Quote]) -> str:
    """All figures with their sources in one line, those of one source together.

    Examples
    --------
    >>> quote_text(QUOTES["redness_home"])  # doctest: +ELLIPSIS
    "within a day (clinics' advice to clients) · within 72 hours (Han 2012, ...)"
    """
    by_source: dict[str, list[str]] = {}
    for quote in quotes:
        by_source.setdefault(quote.source, []).append(quote.text)
    return " · ".join(f"{', '.join(dict.fromkeys(texts))} ({source})" for source, texts in by_source.items())
