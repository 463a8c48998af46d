"""Figures of the course and their sources."""

import math

import pytest

from skinprogress.comparison import course, quoted
from skinprogress.comparison.quoted import ABLON, CLINICS, QUOTES, USUAL_SESSIONS, Quote, usual_sessions


def every_quote() -> list[Quote]:
    return [quote for quotes in (*QUOTES.values(), *USUAL_SESSIONS.values()) for quote in quotes]


def test_every_figure_has_a_source_and_a_range() -> None:
    for quote in every_quote():
        assert quote.name and quote.text and quote.source
        assert math.isfinite(quote.low) and math.isfinite(quote.high) and 0.0 <= quote.low <= quote.high


@pytest.mark.parametrize("topic", QUOTES)
def test_a_topic_has_one_unit(topic: str) -> None:
    assert len({quote.unit for quote in QUOTES[topic]}) == 1


def test_sources_other_than_clinics_can_be_looked_up() -> None:
    named = {quote.source for quote in every_quote()} - {CLINICS, quoted.ASSUMED}
    assert len(named) >= 8
    assert all(any(year in source for year in map(str, range(2005, 2027))) for source in named)


@pytest.mark.parametrize(
    ("limit", "topic"),
    [
        (course.QUOTED_REDNESS_DAYS, "redness"),
        (course.QUOTED_BONY_DAYS, "redness_bony"),
        (course.QUOTED_HOME_DAYS, "redness_home"),
        (course.PEELING_DAYS, "peeling"),
        (course.LIGHT_PEELING_DAYS, "peeling_light"),
        (course.SETTLED_DAYS, "settled"),
        (course.FULL_EFFECT_DAYS, "full_effect"),
        (course.SHALLOW_MM, "depth_home"),
    ],
)
def test_limits_are_figures_that_clinics_quote(limit: float, topic: str) -> None:
    assert limit in {end for quote in QUOTES[topic] if quote.source == CLINICS for end in (quote.low, quote.high)}


def test_disagreeing_sources_stand_side_by_side() -> None:
    """A trial with longer or shorter times is quoted and moves no limit."""
    for topic in ("redness", "redness_home", "full_effect", "spacing"):
        assert len({quote.source for quote in QUOTES[topic]}) > 1
    assert max(q.high for q in QUOTES["redness_home"]) > course.QUOTED_HOME_DAYS
    assert min(q.low for q in QUOTES["spacing"]) < course.SETTLED_DAYS


@pytest.mark.parametrize("aim", ["acne scars", "Fine lines", "wrinkles", "firmness", "skin texture"])
def test_aims_in_a_persons_own_words(aim: str) -> None:
    quotes = usual_sessions(aim)
    assert quotes
    assert all(quote.unit == "sessions" for quote in quotes)


def test_aims_that_no_source_speaks_of_have_no_figure() -> None:
    assert usual_sessions("pores") == usual_sessions("even tone") == usual_sessions("") == ()


def test_an_aim_that_matches_twice_names_each_source_once() -> None:
    sources = [quote.source for quote in usual_sessions("fine lines, wrinkles, texture")]
    assert sources.count(ABLON) == 1
