"""The client's report: plain words, hardly a number, never a reassurance, and nothing claimed that was not shown."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from skinprogress.outputs.catalogue import strings
from skinprogress.outputs.client_words import ClientWords, describe_for_client
from skinprogress.outputs.report import render_report
from skinprogress.outputs.summary import summarize
from skinprogress.records import Change, ClientResult, Flag
from skinprogress.settings import OutputOptions

Fake = Callable[..., ClientResult]
FEW = {"metrics": ("redness", "texture_uniformity"), "regions": ("forehead", "cheek_left", "face")}
CLIENT = OutputOptions(audience="client")
NAN = float("nan")


def _words(result: ClientResult) -> ClientWords:
    return describe_for_client(result, summarize(result), {s: s for s in result.sessions})


def _with_changes(result: ClientResult, change: Callable[[Change], Change]) -> ClientResult:
    return dataclasses.replace(result, changes=tuple(map(change, result.changes)))


def _said(result: ClientResult, **values: object) -> ClientResult:
    return _with_changes(result, lambda c: dataclasses.replace(c, course_status="", **values))


def _visible(html: str) -> str:
    text = re.sub(r"<(script|style|nav|select).*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL)
    return " ".join(text.split())


@pytest.fixture
def smoother(fake_result: Fake) -> ClientResult:
    """Texture is surely better everywhere, redness not to be told."""
    result = fake_result(2, not_comparable=False, **FEW)

    def change(c: Change) -> Change:
        if c.metric == "redness":
            return dataclasses.replace(c, verdict="no detectable change", course_status="", detectable_change=1.9)
        return dataclasses.replace(
            c, verdict="improved", course_status="", difference=-2.0, ci_low=-3.0, ci_high=-1.0, p_headline=0.001
        )

    return _with_changes(result, change)


def test_the_headline_says_what_changed_and_where(smoother: ClientResult) -> None:
    words = _words(smoother)
    assert words.headline == (
        "In these photos, your skin is smoother on your whole face, as far as it could be compared."
    )
    (item,) = words.changed
    assert item.sure == "sure" and "smoother" in item.text
    assert "fewer than 1 time in 100" in words.how_sure


def test_what_is_less_sure_is_called_so_and_is_no_headline(smoother: ClientResult) -> None:
    words = _words(_with_changes(smoother, lambda c: dataclasses.replace(c, p_headline=0.2)))
    assert "none that we are sure of" in words.headline
    assert [item.sure for item in words.changed] == ["less sure"]


def test_nothing_seen_is_never_called_no_change(smoother: ClientResult) -> None:
    words = _words(_said(smoother, verdict="no detectable change", detectable_change=1.9))
    assert words.headline.endswith("That is not proof that nothing changed.")
    assert words.changed == words.unchanged == ()
    assert words.undetected[0] == "Redness: by as much as people can just see"


@pytest.mark.parametrize(
    ("least", "told"),
    [(0.9, "less than people can just see"), (2.5, "as much as people can just see"),
     (7.4, "3 times what people can just see")],
)  # fmt: skip
def test_how_large_a_change_must_be_is_told_in_words(smoother: ClientResult, least: float, told: str) -> None:
    words = _words(_said(smoother, verdict="no detectable change", detectable_change=least))
    assert f"Redness: by {told}" in words.undetected


def test_shares_of_what_there_is(smoother: ClientResult) -> None:
    for least, baseline, told in ((0.9, 4.0, "a quarter"), (4.1, 4.0, "as much as there is")):
        result = _said(smoother, verdict="no detectable change", detectable_change=least, baseline=baseline)
        assert f"Smoothness of your skin: by {told}" in _words(result).undetected
    lost = _said(smoother, verdict="no detectable change", detectable_change=9.0, baseline=4.0)
    assert "Smoothness of your skin: not known" in _words(lost).undetected


def test_photos_that_cannot_be_compared_say_why(smoother: ClientResult) -> None:
    result = _said(smoother, verdict="not comparable", difference=NAN, detectable_change=NAN, flags=Flag.LIGHT_DIFFERS)
    rows = tuple(
        dataclasses.replace(c, grade="F", reasons=("the head is turned",), remedies=("look straight",))
        for c in result.comparisons
    )
    words = _words(dataclasses.replace(result, comparisons=rows))
    assert "cannot be compared" in words.headline
    assert [item.text for item in words.unsaid] == ["Why: the head is turned."]
    assert "Look straight." in words.advice


@pytest.mark.parametrize("status", ["within quoted range", "longer than quoted", "cannot say"])
def test_days_after_a_treatment_nothing_is_better_worse_or_well(fake_result: Fake, tmp_path: Path, status: str) -> None:
    result = fake_result(2, not_comparable=False, **FEW)
    last = result.sessions[-1]
    phase = dataclasses.replace(result.plan.phases[last], days_after=1.0, treatment_number=1, name="acute")
    plan = dataclasses.replace(result.plan, phases={**result.plan.phases, last: phase})
    result = _with_changes(
        dataclasses.replace(result, plan=plan), lambda c: dataclasses.replace(c, course_status=status)
    )
    words = _words(result)
    assert (
        words.headline == "It is too soon to say what changed: your last photos were taken 24 hours after treatment 1."
    )
    assert not words.changed and not words.unchanged and not words.undetected
    said = _visible(render_report(result, tmp_path, options=CLIENT))
    assert "improved" not in said and "worsened" not in said
    if status == "longer than quoted":
        assert "Please show this to your clinic." in said


def test_one_session_asks_for_a_second(fake_result: Fake) -> None:
    words = _words(fake_result(1, **FEW))
    assert "we need a second one" in words.headline and not words.when


def test_the_page_has_no_method_colour_or_light_pages_and_few_figures(
    fake_result: Fake, smoother: ClientResult, tmp_path: Path
) -> None:
    html = render_report(smoother, tmp_path, options=CLIENT)
    assert re.findall(r'<section id="([a-z-]+)"', html) == ["result", "photos", "next", "method"]
    said = _visible(html)
    for words in ("Not a medical device", "fever or cold sores", "nothing in this report says that they are absent"):
        assert words in said
    for words in ("a*", "95 %", "interval", "grade", "±", "MELANIN", "settings hash"):
        assert words not in said
    assert len(re.findall(r"\(.*?\)", said.split("Your photos")[0])) <= 1


def test_no_string_for_clients_reassures_or_uses_words_of_the_trade() -> None:
    forms = [told for key, told in strings().items() if key.startswith("client.")]
    mine = [told for form in forms for told in ([form] if isinstance(form, str) else form.values())]
    assert len(mine) > 60
    for told in mine:
        words = set(re.findall("[a-z]+", told.lower()))
        assert not words & {"normal", "healthy", "harmless", "worry", "safe", "cured", "healed", "good", "great"}, told
        assert not words & {"interval", "standard", "baseline", "metric", "significant", "erythema", "region"}, told


def test_notes_for_the_course_file_are_not_the_clients(smoother: ClientResult, tmp_path: Path) -> None:
    notes = ("every change here is simulated", "write dates into course.toml")
    html = render_report(dataclasses.replace(smoother, notes=notes), tmp_path, options=CLIENT)
    assert "Every change here is simulated." in html and "course.toml" not in html
