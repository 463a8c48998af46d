"""From drafts to changes: repeated shots, course status, and what a headline may pick from."""

from dataclasses import replace
from datetime import datetime

import pytest

from skinprogress.comparison.estimating import Draft, PairDraft
from skinprogress.comparison.pairs import adjust_headline, finish_pair, pool_shots
from skinprogress.records import Treatment
from skinprogress.settings import Settings

BEFORE, DAY_1, DAY_4 = "2026-03-01", "2026-03-03", "2026-03-06"
GIVEN = (Treatment(at=datetime(2026, 3, 2)),)


@pytest.fixture
def drafted(make_change):
    """``drafted(to, difference, from_session=, shots=, **fields)``: one region, its standard error 0.2."""

    def make(to_session, difference, *, from_session=BEFORE, shots=((), ()), **fields):
        change = make_change(to_session, difference, from_session=from_session, **fields)
        draft = Draft(change=change, better="lower", variance=0.04, known=0.04, shots=shots, is_mark=False)
        return PairDraft(comparison=None, drafts=(draft,))

    return make


@pytest.fixture
def status(drafted, make_course):
    def find(pair, **course):
        plan = make_course(BEFORE, DAY_1, DAY_4, treatments=GIVEN, **course)
        (change,) = finish_pair(pair, pool_shots([pair]), plan=plan, settings=Settings())
        return change.course_status

    return find


def test_shots_that_one_pair_could_not_compare_count_where_another_could(drafted) -> None:
    unseen = drafted("two", float("nan"), from_session="one")
    seen = drafted("three", 1.0, from_session="one", shots=((1.0, 3.0), (2.0,)))
    (scatter,) = pool_shots([unseen, seen]).values()
    assert (scatter.squares, scatter.n_free) == (2.0, 1)


def test_redness_is_held_against_what_is_quoted(drafted, status) -> None:
    assert status(drafted(DAY_4, 3.0)) == "longer than quoted"
    assert status(drafted(DAY_4, -3.0)) == "within quoted range"
    assert status(drafted(DAY_1, 3.0)) == "within quoted range"


def test_of_skin_under_cream_nothing_is_said(drafted, status) -> None:
    assert status(drafted(DAY_4, 3.0), covered=(DAY_4,)) == "cannot say"


def test_a_baseline_that_was_red_itself_reassures_nobody(drafted, status) -> None:
    assert status(drafted(DAY_4, -3.0, from_session=DAY_1)) == "cannot say"
    # Redder than red skin is redder than calm skin.
    assert status(drafted(DAY_4, 3.0, from_session=DAY_1)) == "longer than quoted"


def test_a_headline_picks_from_all_that_was_looked_at(make_change) -> None:
    large = make_change("two", 1.0, from_session="one", error=0.25)  # p 6e-5
    rows = [large, *(make_change("two", 0.1, from_session="one", region=r) for r in ("chin", "nose", "forehead"))]
    matched = adjust_headline(rows)[0].p_headline
    assert matched == pytest.approx(4 * 6.33e-5, rel=0.01)
    # Without a colour reference, what is not certain is called not comparable; that does not make the rest surer.
    blind = [
        replace(c, color_reference="none", verdict="not comparable" if c is not large else "changed") for c in rows
    ]
    assert adjust_headline(blind)[0].p_headline == matched
    # What nothing is said of in any case is no part of it.
    texture = replace(rows[1], metric="fine_texture", color_reference="none", verdict="not comparable")
    assert adjust_headline([*rows, texture])[0].p_headline == matched
