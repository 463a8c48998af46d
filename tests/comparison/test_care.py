"""Care notes: what is observed, whose figures it is held against, and when nothing is said."""

from datetime import datetime, timedelta

import pytest

from skinprogress.comparison.care import find_care_notes
from skinprogress.records import Treatment

TREATED = datetime(2026, 3, 2, 15)


def day(k: float) -> str:
    return (TREATED + timedelta(days=k)).isoformat(timespec="minutes")


BEFORE = day(-1)


def treatments(*days, **more):
    return tuple(Treatment(at=TREATED + timedelta(days=d), **more) for d in days)


@pytest.fixture
def notes(make_course, make_change):
    """``notes(kind, rows, treatments=, **course)``: rows of (day, region, difference, fields of the change)."""

    def find(kind, *rows, given=treatments(0), covered=(), **course):  # noqa: B008
        sessions = [BEFORE, *dict.fromkeys(day(row[0]) for row in rows)]
        plan = make_course(*sessions, treatments=given, covered=tuple(map(day, covered)), **course)
        changes = [
            make_change(day(at), difference, from_session=BEFORE, region=region, **dict(*more))
            for at, region, difference, *more in rows
        ]
        return [f for f in find_care_notes(plan, changes) if f.kind == kind]

    return find


def test_redness_longer_than_quoted_is_one_sentence_with_each_regions_days(notes):
    (found,) = notes(
        "longer_than_quoted", (6, "cheek_left", 1.3), (6, "chin", 2.0), (6, "nose", 0.3), (6, "face", 1.5),
        (6, "forehead", 1.0),
    )  # fmt: skip
    assert found.text == (
        "redness still raised 6 days after treatment 1: left cheek +1.3 a*-eq (+0.7 to +1.9), quoted up to 3 days; "
        "chin +2.0 a*-eq (+1.4 to +2.6), forehead +1.0 a*-eq (+0.4 to +1.6), quoted up to 5 days; ask the clinician"
    )
    assert (found.region, found.figure, found.unit) == ("chin", 2.0, "a*-eq")
    assert (found.from_session, found.to_session, found.view) == (BEFORE, day(6), "front")
    assert "24–72 hours" in found.source and "clinics' advice" in found.source


def test_redness_within_what_is_quoted_or_weeks_later_is_no_care_note(notes):
    assert notes("longer_than_quoted", (2.5, "cheek_left", 3.0), (4.5, "chin", 3.0)) == []
    # Settled skin that is redder is an outcome.
    assert notes("longer_than_quoted", (30, "cheek_left", 3.0)) == []
    assert notes("longer_than_quoted", (6, "cheek_left", 3.0, {"metric": "red_area"})) == []
    assert notes("longer_than_quoted", (6, "cheek_left", 0.3)) == []


def test_the_last_session_in_which_it_is_so_is_told_for_each_treatment(notes):
    rows = [(5, "cheek_left", 2.0), (10, "cheek_left", 1.0), (36, "cheek_left", 1.5)]
    first, second = notes("longer_than_quoted", *rows, given=treatments(0, 30))
    assert (first.to_session, second.to_session) == (day(10), day(36))


def test_short_needles_at_home_are_held_against_their_own_days(notes):
    given = treatments(0, setting="home", depth_mm={"face": 0.25})
    (found,) = notes("longer_than_quoted", (2, "cheek_left", 1.3), given=given)
    assert "quoted are up to 24 hours there" in found.text
    assert "Han 2012" in found.source


@pytest.mark.parametrize(("metric", "word"), [("dark_patches", "darker"), ("pale_patches", "lighter")])
def test_patches_two_to_eight_weeks_after_a_treatment(notes, metric, word):
    patches = {"metric": metric, "error": 3.0}
    (found,) = notes("pigment_shift", (28, "cheek_left", 20.0, patches), (28, "chin", 5.0, patches))
    assert found.text.startswith(
        f"more {word} patches than at the baseline 4 weeks after treatment 1: left cheek +20 mm²"
    )
    assert "chin" not in found.text
    assert "2–8 weeks" in found.text and found.text.endswith("ask the clinician")
    assert (found.region, found.figure, found.metric) == ("cheek_left", 20.0, metric)
    assert found.source


@pytest.mark.parametrize("at", [1, 3, 6, 10, 70])
def test_patches_at_other_times_are_no_pigment_shift(notes, at):
    assert notes("pigment_shift", (at, "cheek_left", 20.0, {"metric": "dark_patches", "error": 3.0})) == []


def test_patches_under_cream_or_fewer_of_them_are_not_told(notes):
    patches = {"metric": "dark_patches", "error": 3.0}
    assert notes("pigment_shift", (28, "cheek_left", 20.0, patches), covered=(28,)) == []
    assert notes("pigment_shift", (28, "cheek_left", -20.0, patches)) == []


def test_treatments_closer_than_three_weeks(notes):
    (found,) = notes("spacing", given=treatments(0, 14, 42))
    assert found.text == (
        "14 days between the treatments of 2 March 2026 and 16 March 2026: clinics leave at least 3 weeks; ask the "
        "clinician"
    )
    assert (found.figure, found.unit) == (14.0, "days")
    # Sources that say otherwise stand there as well.
    assert "never under 3 weeks" in found.source and "2 weeks (Cheng 2022" in found.source


def test_spacing_is_not_said_of_short_needles_other_treatments_or_other_skin(notes):
    assert notes("spacing", given=treatments(0, 7, 14, setting="home", depth_mm={"face": 0.5})) == []
    assert len(notes("spacing", given=treatments(0, 7, setting="home", depth_mm={"face": 1.0}))) == 1
    assert notes("spacing", given=treatments(0, 7, kind="laser")) == []
    apart = (*treatments(0, areas=("forehead",)), *treatments(7, areas=("cheek_left",)))
    assert notes("spacing", given=apart) == []
    assert notes("spacing", given=treatments(0, 21)) == []


def test_fewer_treatments_than_planned(notes):
    (found,) = notes("sessions_planned", given=treatments(0, 42), planned=3)
    assert found.text == "2 of 3 planned treatments are recorded; ask the clinician"
    assert (found.figure, found.unit) == (2.0, "treatments")
    assert notes("sessions_planned", given=treatments(0, 42, 84), planned=3) == []
    assert notes("sessions_planned", given=(), planned=3) == []
    kept_up = (*treatments(0), *treatments(200, setting="maintenance"))
    assert notes("sessions_planned", given=kept_up, planned=3) == []


def test_fewer_treatments_than_the_aim_usually_takes(notes):
    (found,) = notes("sessions_planned", given=treatments(0), aim=("acne scars",))
    assert found.text.startswith("1 treatment is recorded; for the aim “acne scars” sources speak of ")
    assert "Minutilli 2024" in found.source and "Tirmizi 2021" in found.source
    assert notes("sessions_planned", given=treatments(0, 30, 60), aim=("acne scars",)) == []
    # Of which no source speaks.
    assert notes("sessions_planned", given=treatments(0), aim=("pores",)) == []


def test_left_and_right(notes):
    rows = [(42, "cheek_left", -2.0), (42, "cheek_right", -0.2), (42, "jaw_left", 0.1), (42, "jaw_right", 0.0)]
    (found,) = notes("sides", *rows)
    assert found.text.startswith(
        "left and right changed differently: redness index, change on the left minus that on the right, cheek −1.8 "
    )
    assert "jaw" not in found.text
    assert (found.region, found.metric) == ("cheek_left", "redness_index")
    # 0.2 of either side, jointly over two pairs.
    assert found.ci_high == pytest.approx(-1.8 + 2.236 * 0.2 * 2**0.5, abs=2e-3)
    assert (found.from_session, found.to_session) == (BEFORE, day(42))


def test_sides_are_not_told_of_days_after_a_treatment_nor_of_what_may_be_chance(notes):
    assert notes("sides", (6, "cheek_left", -2.0), (6, "cheek_right", -0.2)) == []
    assert notes("sides", (12, "cheek_left", -2.0), (12, "cheek_right", -0.2)) == []
    assert notes("sides", (42, "cheek_left", -0.5), (42, "cheek_right", 0.0)) == []
    # Redness is told once, and not by measures that are relative to the other side.
    more = {"metric": "relative_redness"}
    assert notes("sides", (42, "cheek_left", -2.0, more), (42, "cheek_right", -0.2, more)) == []


def test_nothing_is_called_a_diagnosis_and_nobody_is_reassured(notes):
    texts = [
        f.text
        for kind in ("longer_than_quoted", "pigment_shift", "spacing", "sessions_planned")
        for f in notes(
            kind,
            (6, "chin", 3.0),
            (28, "chin", 30.0, {"metric": "dark_patches"}),
            given=treatments(0, 14),
            planned=3,
        )
    ]
    assert len(texts) >= 3
    for text in texts:
        assert text.endswith("ask the clinician")
        assert not any(
            word in text for word in ("normal", "infection", "hyperpigmentation", "fine", "nothing to worry")
        )
