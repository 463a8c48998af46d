"""Days, times and words that stand in names."""

import math
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skinprogress.photos.clues import find_clues, merge_clues
from skinprogress.photos.dates import find_date, natural_key, remove_dates

DAY = date(2026, 3, 14)


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("2026-03-14", None),
        ("Session 2, 2026-03-14 (clinic)", None),
        ("20260314", None),
        ("20260314_163012", time(16, 30, 12)),
        ("PXL_20260314_163012345", time(16, 30, 12)),
        ("20260314163012", time(16, 30, 12)),
        ("IMG-20260314-WA0001", None),
        ("2026-03-14_1630", time(16, 30)),
        ("2026-03-14T16:30", time(16, 30)),
        ("WhatsApp Image 2026-03-14 at 16.30.12", time(16, 30, 12)),
        ("WhatsApp Image 2026-03-14 at 4.30.12 PM (1)", time(16, 30, 12)),
        ("WhatsApp Image 2026-03-14 at 12.05.00 AM", time(0, 5)),
        ("photo_2026-03-14_16-30-12", time(16, 30, 12)),
        ("signal-2026-03-14-163012", time(16, 30, 12)),
        ("14.03.2026", None),
        ("14.3.26", None),
        ("03-14-2026", None),
        ("14 March 2026", None),
        ("14. März 2026", None),
        ("14. Ma\u0308rz 2026", None),
        ("March 14th, 2026", None),
        ("2026/03/14", None),
    ],
)
def test_dates_in_names(name: str, at: time | None) -> None:
    found = find_date(name)
    assert (found.day, found.at, found.other_day) == (DAY, at, None)


@pytest.mark.parametrize(
    "name",
    [
        "IMG_0003",
        "IMG_20261399",
        "2026-02-30",
        "19850312",
        "before",
        "v1.2.3.26",
        "99.99.2026",
        "",
        "DSC_2026",
        "1234567890",
    ],
)
def test_no_date(name: str) -> None:
    assert find_date(name).day is None


@pytest.mark.parametrize(
    "name", ["2026-03-14_0012", "2026-03-14_001", "2026-03-14-2", "2026-03-14 2h after", "2026-03-14 99.99"]
)
def test_a_number_behind_a_date_is_not_always_a_time(name: str) -> None:
    found = find_date(name)
    assert found.day == DAY
    assert found.at is None


def test_day_or_month_first() -> None:
    both = find_date("03.04.2026")
    assert (both.day, both.other_day) == (date(2026, 4, 3), date(2026, 3, 4))
    assert find_date("03.04.2026", date_order="dmy").day == date(2026, 4, 3)
    assert find_date("03.04.2026", date_order="mdy").day == date(2026, 3, 4)
    assert find_date("04.04.2026").other_day is None
    # An order that is impossible for this date gives way to the one that is possible.
    assert find_date("14.03.2026", date_order="mdy").day == DAY


def test_dates_are_cut_out_with_their_times() -> None:
    assert remove_dates("2026-03-14 16.30.12 2h after").split() == ["2h", "after"]
    assert find_clues("20260314_163012").words == ""


@given(st.text(max_size=40))
def test_any_text_can_be_a_name(text: str) -> None:
    find_date(text)
    find_clues(text)
    natural_key(text)


def test_natural_order() -> None:
    names = ["Session 10", "session 2", "day 2", "Day 10", "é", "e\u0301a", "IMG_9", "IMG_0010"]
    assert sorted(names, key=natural_key) == [
        "day 2",
        "Day 10",
        "IMG_9",
        "IMG_0010",
        "session 2",
        "Session 10",
        "é",
        "e\u0301a",
    ]


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("before", "pre"),
        ("Before_2", "pre"),
        ("beforeTreatment2", "pre"),
        ("pre-treatment", "pre"),
        ("baseline front", "pre"),
        ("vorher", "pre"),
        ("before numbing", "pre"),
        ("numbing cream", "numbing"),
        ("after EMLA", "numbing"),
        ("anaesthetic", "numbing"),
        ("directly after", "directly after"),
        ("right after", "directly after"),
        ("Immediately-After_3", "directly after"),
        ("after cream", "after cream"),
        ("mask after", "after cream"),
        ("no cream", ""),
        ("before and after", ""),
        ("after", ""),
        ("premium", ""),
        ("afternoon", ""),
        ("IMG_0003", ""),
    ],
)
def test_stage_words(name: str, stage: str) -> None:
    assert find_clues(name).stage == stage


def test_right_may_be_a_side() -> None:
    clues = find_clues("right after", right_is_a_side=True)
    assert (clues.stage, clues.after) == ("", True)
    assert find_clues("directly after", right_is_a_side=True).stage == "directly after"


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("2h after", 2.0),
        ("3 hours after", 3.0),
        ("two hours later", 2.0),
        ("30min after", 0.5),
        ("1,5 h after", 1.5),
        ("nach 2 Stunden", 2.0),
        ("next morning", 18.0),
        ("next day", 24.0),
        ("day 7", 168.0),
        ("Day07_front", 168.0),
        ("D7", 168.0),
        ("7d after", 168.0),
        ("week 6", 1008.0),
        ("6 weeks after session 2", 1008.0),
        ("a week later", 168.0),
        ("month 3", 2160.0),
        ("day 0", None),
        ("2h before", None),
        ("D75_1234", None),
        ("IMG_7D_0003", None),
        ("Session 2", None),
        ("f_0.50", None),
    ],
)
def test_hours_after(name: str, hours: float | None) -> None:
    assert find_clues(name).hours_after == hours


def test_order_of_words() -> None:
    names = ["week 6", "after", "2h after", "numbing", "day 2", "before", "directly after", "day 10"]
    in_order = sorted(
        names, key=lambda name: find_clues(name).offset if find_clues(name).offset is not None else math.nan
    )
    assert in_order == ["before", "numbing", "directly after", "2h after", "day 2", "day 10", "week 6", "after"]


def test_inner_names_are_more_precise() -> None:
    merged = merge_clues(find_clues("Session 2"), find_clues("2h after"))
    assert (merged.visit, merged.hours_after, merged.words) == (2, 2.0, "session 2 2 h after")
    assert merge_clues(find_clues("before"), find_clues("IMG_0003")).stage == "pre"
    assert merge_clues(find_clues("after"), find_clues("day 7")).hours_after == 168.0
