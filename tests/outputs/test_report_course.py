"""What the course of treatments puts into the report: outcome, early result, maintenance, care notes, slopes."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from skinprogress.comparison.quoted import QUOTES
from skinprogress.outputs.care import CARE_KINDS
from skinprogress.outputs.client_words import describe_for_client
from skinprogress.outputs.console import describe_session
from skinprogress.outputs.report import render_report
from skinprogress.outputs.style import symbol_of
from skinprogress.outputs.summary import summarize
from skinprogress.records import Change, ClientResult, Finding, Phase
from skinprogress.settings import Calibration, Repeatability, Settings

Fake = Callable[..., ClientResult]
FEW = {"metrics": ("redness", "texture_uniformity"), "regions": ("forehead", "cheek_left", "face")}
NAN = float("nan")


def _text(result: ClientResult, out: Path) -> str:
    html = render_report(result, out)
    visible = re.sub(r"<(script|style|nav).*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL)
    return " ".join(visible.replace("&#39;", "'").split())


def _with_changes(result: ClientResult, change: Callable[[Change], Change]) -> ClientResult:
    return dataclasses.replace(result, changes=tuple(map(change, result.changes)))


def _improved(fake_result: Fake, p_of: Callable[[Change], float]) -> ClientResult:
    return _with_changes(
        fake_result(2, **FEW, not_comparable=False),
        lambda c: dataclasses.replace(
            c, verdict="improved", course_status="", difference=-2.0, ci_low=-3.0, ci_high=-1.0, p_headline=p_of(c)
        ),
    )


def _in_phase(result: ClientResult, days: float, name: str) -> ClientResult:
    """The last session so long after treatment 1."""
    last = result.sessions[-1]
    phase = dataclasses.replace(result.plan.phases[last], days_after=days, treatment_number=1, name=name)
    plan = dataclasses.replace(result.plan, phases={**result.plan.phases, last: phase})
    return dataclasses.replace(result, plan=plan)


def _finding(
    kind: str, text: str, *, source: str = "", region: str = "face", ci_low: float = 0.5, metric: str = "redness_index"
) -> Finding:
    return Finding(
        kind=kind, region=region, metric=metric, figure=1.0, ci_low=ci_low, ci_high=1.5, text=text,
        source=source,
    )  # fmt: skip


def test_a_headline_names_only_what_chance_does_not_show(fake_result: Fake) -> None:
    sure = _improved(fake_result, lambda c: 0.004 if c.metric == "redness" else 0.03)
    summary = summarize(sure)
    assert summary.headline == "Redness improved (all 3 regions); 3 more changes below, less sure."
    assert any("fewer than 1 in 100" in text for text in summary.sure)
    assert any(p.metric == "texture_uniformity" for p in summary.points)


def test_without_a_sure_change_the_headline_only_counts(fake_result: Fake) -> None:
    summary = summarize(_improved(fake_result, lambda c: 0.2))
    assert summary.headline == "No change is sure enough for a headline; 6 changes below, less sure."


def test_one_untested_row_is_no_reason_to_name_it_but_untested_pairs_are_told(fake_result: Fake) -> None:
    mixed = _improved(fake_result, lambda c: 0.001 if c.region == "face" else NAN)
    assert summarize(mixed).headline.startswith("Redness and texture unevenness improved (whole face); 4 more")
    untested = summarize(_improved(fake_result, lambda c: NAN))
    assert untested.headline == "Redness and texture unevenness improved (all 3 regions)."
    assert not any("in 100 such" in text for text in untested.sure)


def test_an_early_result_is_labelled_in_words_on_page_and_picture(fake_result: Fake, tmp_path: Path) -> None:
    few = _in_phase(fake_result(2, folder=tmp_path / "photos", not_comparable=False, **FEW), 10.0, "settling")
    result = _with_changes(few, lambda c: dataclasses.replace(c, verdict="improved", course_status="", ci_high=-0.1))
    summary = summarize(result)
    assert summary.kind == "early" and not summary.early
    assert summary.headline == (
        "Early result, 10 days after treatment 1: redness and texture unevenness improved (all 3 regions)."
    )
    text = _text(result, tmp_path)
    assert "an early result may still fade or build up" in text
    assert "early result: what lasts shows from three weeks on" in text
    assert "25 April 2026 early result 10 days after treatment 1" in text


@pytest.mark.parametrize(
    ("days", "name", "start"),
    [(0.1, "acute", "Too soon to judge: the last photos were taken 2 hours after treatment 1. Redness: "),
     (6.8, "peeling", "Early result, 7 days after treatment 1: redness: ")],
)  # fmt: skip
def test_in_the_days_after_a_treatment_the_course_status_stands_for_the_verdict(
    fake_result: Fake, tmp_path: Path, days: float, name: str, start: str
) -> None:
    def judge(c: Change) -> Change:
        if c.metric == "redness":
            status = "longer than quoted" if c.region == "forehead" else "within quoted range"
            redder = {"difference": 3.0, "ci_low": 2.0, "ci_high": 4.0, "p_headline": 0.001}
            return dataclasses.replace(c, verdict="changed", course_status=status, **redder)
        return dataclasses.replace(c, verdict="not comparable", course_status="cannot say")

    made_up = dataclasses.replace(fake_result(2, **FEW, not_comparable=False), findings=())
    result = _with_changes(_in_phase(made_up, days, name), judge)
    status = "within quoted range (left cheek and whole face), longer than quoted (forehead)"
    summary = summarize(result)
    assert summary.headline == f"{start}{status}."
    assert len(summary.bounds) == 1
    assert re.match(r"Whole face redness .+ a\* \(95 % interval .+\): within quoted range\.", summary.bounds[0])
    text = _text(result, tmp_path).split("Sessions and photos")[0]
    assert "improved" not in text and "worsened" not in text
    assert "too soon for texture unevenness" in text
    told = describe_session(result, result.sessions[-1], [c for c in result.changes if c.against == "baseline"])
    assert told == f"too soon to judge\nredness: {status}"
    assert {symbol_of(c) for c in result.changes} == {"◷", "»", "?"}


def test_redness_that_no_photo_shows_is_not_said_to_be_within_what_is_quoted(fake_result: Fake) -> None:
    def judge(c: Change) -> Change:
        status = "within quoted range" if c.metric == "redness" else "cannot say"
        return dataclasses.replace(c, course_status=status, difference=-0.1, ci_low=-7.8, ci_high=7.6)

    result = _with_changes(_in_phase(fake_result(2, **FEW, not_comparable=False), 0.1, "acute"), judge)
    summary = summarize(result)
    assert summary.headline.endswith("2 hours after treatment 1. No rise of redness could be shown.")
    assert summary.bounds == ("Whole face redness −0.1 a* (95 % interval −7.8 to +7.6): no rise shown.",)
    names = dict.fromkeys(result.sessions, "")
    told = " ".join(item.text for item in describe_for_client(result, summary, names).unsaid)
    assert "Whether your skin is redder than before the treatment cannot be told" in told
    assert "Your skin is redder" not in told


def test_a_course_that_never_settles_says_so(fake_result: Fake) -> None:
    result = _in_phase(fake_result(2, **FEW), 13.0, "settling")
    first = result.plan.course.treatments[0]
    often = tuple(
        dataclasses.replace(first, at=first.at.replace(day=day, month=month)) for day, month in ((14, 3), (28, 3))
    )
    plan = dataclasses.replace(result.plan, course=dataclasses.replace(result.plan.course, treatments=often))
    summary = summarize(dataclasses.replace(result, plan=plan))
    assert summary.kind == "most settled"
    assert summary.headline.startswith("Not settled, 13 days after treatment ")
    told = describe_session(result, result.sessions[-1], [c for c in result.changes if c.against == "baseline"])
    assert told.startswith("early result, 13 days after treatment 1\n")
    assert any("closest to settled skin" in text and "never settled" in text for text in summary.unsaid)


def _with_maintenance(result: ClientResult) -> ClientResult:
    """A third session, six weeks after a first maintenance treatment, worse than the second."""
    first, second, last = result.sessions
    phases = {
        first: Phase(session=first, days_after=None, treatment_number=None, name="before"),
        second: Phase(session=second, days_after=42.0, treatment_number=1, name="settled"),
        last: Phase(session=last, days_after=42.0, treatment_number=2, name="settled", segment="maintenance"),
    }
    rows = [
        dataclasses.replace(
            c, against="maintenance", from_session=second, verdict="worsened", course_status="", difference=1.5,
            ci_low=0.5, ci_high=2.5,
        )
        for c in result.changes
        if c.to_session == last and c.against == "previous"
    ]  # fmt: skip
    plan = dataclasses.replace(result.plan, phases=phases, covered_sessions=())
    return dataclasses.replace(result, plan=plan, changes=(*result.changes, *rows))


def test_maintenance_is_told_by_itself(fake_result: Fake, tmp_path: Path) -> None:
    result = _with_maintenance(fake_result(3, **FEW, not_comparable=False))
    summary = summarize(result)
    assert summary.pair == result.sessions[:2]
    assert len(summary.maintenance) == 1
    assert "Redness worsened in all 3 regions" in summary.maintenance[0]
    assert "worsened" not in summary.headline
    assert "Maintenance" in _text(result, tmp_path)
    assert not summarize(fake_result(3, **FEW)).maintenance


def test_without_an_outcome_of_the_course_maintenance_is_not_taken_for_it(fake_result: Fake) -> None:
    made = _with_maintenance(fake_result(3, **FEW, not_comparable=False))
    first, second, last = made.sessions
    for start, words in ((second, "Since maintenance began: "), (first, "Course and maintenance together: ")):
        rows = [dataclasses.replace(c, against="baseline", from_session=start) for c in made.changes]
        phases = made.plan.phases
        if start == first:
            phases = {**phases, second: dataclasses.replace(phases[second], days_after=None, name="before")}
        plan = dataclasses.replace(made.plan, baseline=start, phases=phases)
        result = dataclasses.replace(made, plan=plan, changes=tuple(c for c in rows if c.to_session == last))
        summary = summarize(result)
        assert summary.headline.startswith(words)
        # What the headline says is not said again as maintenance.
        assert not summary.maintenance


def test_what_lies_before_a_late_or_unplaced_baseline_is_not_in_the_figures(fake_result: Fake) -> None:
    result = fake_result(2, **FEW)
    first = result.plan.baseline

    def unsaid(**changes: object) -> str:
        phase = dataclasses.replace(result.plan.phases[first], **changes)
        plan = dataclasses.replace(result.plan, phases={**result.plan.phases, first: phase})
        return " ".join(summarize(dataclasses.replace(result, plan=plan)).unsaid)

    assert "the comparison starts" not in unsaid(name="before") and "before or after" not in unsaid(name="before")
    late = unsaid(name="settled", days_after=42.0, treatment_number=1)
    assert "the comparison starts 6 weeks after treatment 1" in late
    assert "was taken before or after one" in unsaid(name="unknown")


def test_what_changed_before_any_treatment_is_no_result_of_one(fake_result: Fake) -> None:
    summary = summarize(_in_phase(_improved(fake_result, lambda c: 0.001), NAN, "before"))
    assert summary.headline.startswith("Before the first treatment: redness and texture unevenness improved")
    assert any(text.startswith("What a treatment brought: no photo after one") for text in summary.unsaid)


def test_that_a_session_may_lie_right_after_a_treatment_is_said(fake_result: Fake) -> None:
    result = _in_phase(fake_result(2, **FEW), NAN, "unknown")
    assert any(text.startswith("Better or worse: nothing says") for text in summarize(result).unsaid)
    nothing = dataclasses.replace(result.plan, course=dataclasses.replace(result.plan.course, treatments=()))
    without = summarize(dataclasses.replace(result, plan=nothing))
    assert not any("Better or worse" in text for text in without.unsaid)


def test_regions_that_changed_without_a_treatment_are_named(fake_result: Fake) -> None:
    result = _improved(fake_result, lambda c: 0.001)

    def unsaid(*areas: str) -> str:
        treatment = dataclasses.replace(result.plan.course.treatments[0], areas=areas)
        course = dataclasses.replace(result.plan.course, treatments=(treatment,))
        plan = dataclasses.replace(result.plan, course=course)
        return " ".join(summarize(dataclasses.replace(result, plan=plan)).unsaid)

    assert "What the treatment did: forehead changed too, and no treatment is recorded there." in unsaid("cheek_left")
    assert not any("changed too" in unsaid(*areas) for areas in ((), ("face",), ("forehead", "cheek_left")))


@pytest.mark.parametrize(
    ("quoted", "told"), [(3.0, "cannot tell if it is still raised"), (NAN, "nothing is quoted for this treatment")]
)
def test_why_redness_is_not_set_beside_what_is_quoted(fake_result: Fake, quoted: float, told: str) -> None:
    result = _in_phase(fake_result(2, **FEW, not_comparable=False), 6.8, "peeling")
    last = result.sessions[-1]
    phases = {**result.plan.phases, last: dataclasses.replace(result.plan.phases[last], redness_days=quoted)}
    result = dataclasses.replace(result, plan=dataclasses.replace(result.plan, phases=phases))
    result = _with_changes(result, lambda c: dataclasses.replace(c, course_status="cannot say"))
    summary = summarize(result)
    assert summary.headline == (
        "Early result, 7 days after treatment 1: whether redness is still raised cannot be told."
    )
    (redness, others) = [row.text for row in summary.healing[-1][2]]
    assert redness.startswith("redness: ") and told in redness
    assert others == "too soon for texture unevenness"


def test_a_session_before_the_baseline_is_told_apart(fake_result: Fake) -> None:
    result = fake_result(3, **FEW)
    late = dataclasses.replace(result, plan=dataclasses.replace(result.plan, baseline=result.sessions[1]))
    assert describe_session(late, result.sessions[0], []) == "not compared: earlier than the baseline"
    assert describe_session(late, result.sessions[2], []) == "not compared"


def test_care_notes_stand_apart_with_their_sources_and_none_is_lost(fake_result: Fake, tmp_path: Path) -> None:
    notes = [_finding(kind, f"{kind} {n}; ask the clinician", source="a leaflet") for kind in CARE_KINDS for n in "ab"]
    result = dataclasses.replace(fake_result(2, **FEW), findings=tuple(notes))
    text = _text(result, tmp_path)
    care = text[text.index("Care notes") : text.index("Not a medical device")]
    for note in notes:
        assert care.count(f"{note.text[0].upper()}{note.text[1:]}. Source: a leaflet.") == 1
    assert text.index("Not a medical device") > text.index("Care notes")
    assert not summarize(result).course
    assert "Care notes" not in _text(dataclasses.replace(result, findings=()), tmp_path)


def test_no_course_file_is_said_once_under_what_cannot_be_said(fake_result: Fake, tmp_path: Path) -> None:
    said = "the phases of healing are not known: skinprogress init FOLDER drafts a course file"
    result = dataclasses.replace(fake_result(2, **FEW), findings=(_finding("no_course", said),))
    assert sum("drafts a course file" in text for text in summarize(result).unsaid) == 1
    assert _text(result, tmp_path).count("drafts a course file") == 1


def test_sure_trends_of_the_whole_face_are_told_once_a_story_and_all_stand_in_a_table(
    fake_result: Fake, tmp_path: Path
) -> None:
    result = fake_result(9, trends=True, **FEW)
    slope = next(t for t in result.trends if t.region == "face")
    others = (
        dataclasses.replace(slope, metric="haemoglobin_index"),  # the same story
        dataclasses.replace(slope, metric="tone_uniformity", per_month_high=0.2),  # may be none
        dataclasses.replace(slope, metric="texture_uniformity", per_month=-0.3),
    )
    result = dataclasses.replace(result, trends=(*result.trends, *others), findings=())
    assert summarize(result).course == (
        "Over 3 calm sessions, whole face: redness −0.4 a* per month (−0.7 to −0.1) and texture unevenness −0.30 % "
        "per month (−0.72 to −0.10).",
    )
    unknown = {s: dataclasses.replace(p, name="unknown") for s, p in result.plan.phases.items()}
    undated = dataclasses.replace(result, plan=dataclasses.replace(result.plan, phases=unknown))
    assert summarize(undated).course[0].startswith("Over 3 sessions, whole face: ")
    table = _text(result, tmp_path).split("Over all sessions")[1].split("The days after")[0]
    assert "−0.4 a* (−0.7 to −0.1)" in table and "−1.8 a* (−2.9 to −0.7)" in table
    assert "Tone unevenness" in table and "+0.20" in table


def test_recoveries_are_compared_in_the_section_of_the_days_after(fake_result: Fake, tmp_path: Path) -> None:
    found = (_finding("recovery", "half gone"), _finding("recovery_compared", "calmed down quicker"))
    result = dataclasses.replace(fake_result(9, recoveries=(1, 2), **FEW), findings=found)
    assert summarize(result).recoveries == ("Calmed down quicker.", "Half gone.")
    section = _text(result, tmp_path).split("The days after a treatment")[1].split("Sessions and photos")[0]
    assert "Calmed down quicker. Half gone." in section
    assert QUOTES["redness"][0].text in section


def test_the_method_says_whose_calibration_was_used_and_shows_its_figures(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, **FEW)
    assert "the program's own table" in _text(result, tmp_path)
    own = Calibration(
        name="Clinic by the lake", made_from="30 pairs of photos of 12 people",
        raw={"redness": Repeatability(session=0.87)}, compensated={},
    )  # fmt: skip
    text = _text(dataclasses.replace(result, settings=Settings(calibration=own)), tmp_path)
    assert "was measured by Clinic by the lake (30 pairs of photos of 12 people)" in text
    assert "0.9 a*" in text and "per_light" not in text


def test_what_is_quoted_stands_with_its_sources(fake_result: Fake, tmp_path: Path) -> None:
    text = _text(fake_result(2, **FEW), tmp_path)
    listed = text.split("What clinics and trials quote")[1]
    for quotes in QUOTES.values():
        for quote in quotes:
            assert " ".join(quote.text.split()) in listed and quote.source in listed
