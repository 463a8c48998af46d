"""The report is one safe file that says what the result says; a run leaves all of its files or no report."""

import base64
import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from skinprogress.errors import OutputError
from skinprogress.face.regions import REGIONS
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.chart_pictures import list_charts
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.groups import GROUPS, story_of
from skinprogress.outputs.report import render_report
from skinprogress.outputs.rows import describe_change
from skinprogress.outputs.summary import grade_text, summarize
from skinprogress.outputs.table import OUTPUTS, Output, write_outputs
from skinprogress.records import Change, ClientResult, Consent, Finding, Flag
from skinprogress.settings import OutputOptions

Fake = Callable[..., ClientResult]
FEW = {"metrics": ("redness", "relative_redness"), "regions": ("forehead", "cheek_left", "face")}


class _Page(HTMLParser):
    """Tags with their attributes, and the text that a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        # What is no text of the page, or says it twice.
        self.inside: dict[str, list[str]] = {"script": [], "style": [], "nav": []}
        self._open = ""
        self._words: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))
        if tag in self.inside:
            self._open = tag
            self.inside[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.inside[self._open][-1] += data
        else:
            self._words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One small chart in place of all, which take seconds."""

    def write(result: ClientResult, out: Path) -> list[Path]:
        data = cv2.imencode(".png", np.full((9, 16, 3), 200, np.uint8))[1].tobytes()
        names = ("trend_redness_front", "face_map_relative_redness_front")
        return [write_whole(out / "charts" / f"{n}.png", data) for n in names[: len(result.sessions) - 1]]

    monkeypatch.setitem(OUTPUTS, "charts", dataclasses.replace(OUTPUTS["charts"], write=write))


def _page(result: ClientResult, out: Path) -> _Page:
    return _Page(render_report(result, out))


def _with_changes(result: ClientResult, **values: object) -> ClientResult:
    return dataclasses.replace(result, changes=tuple(dataclasses.replace(c, **values) for c in result.changes))


def test_one_file_that_asks_nothing_of_the_network(fake_result: Fake, tmp_path: Path, quick: None) -> None:
    result = fake_result(3, folder=tmp_path / "photos", **FEW)
    html = write_outputs(result, tmp_path / "out")["report"][0].read_text("utf-8")
    page = _Page(html)
    # The viewer is tested by itself.
    images = _Page(re.sub('<figure class="viewer".*?</figure>', "", html, flags=re.DOTALL)).all("img")
    folder = tmp_path / "out" / "composites"
    composites = [p for kind in ("before_after", "regions") for p in folder.glob(f"{kind}_*.jpg")]
    # thumbnails 6, charts of one story 1, alignment 4, colour 1 of the reference photo and 3 of each other
    assert len(images) == len(composites) + 6 + 1 + 4 + 1 + 5 * 3
    assert all(i["src"].startswith("data:image/") and i["alt"] for i in images)
    assert "picture-" not in html  # every place holder was filled
    for tag, attrs in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        assert "style" not in attrs and not any(name.startswith("on") for name in attrs)
        for name in ("href", "src", "action", "srcset"):
            assert attrs.get(name, "#").startswith(("#", "data:")), attrs
    assert "url(" not in page.inside["style"][0] and "@import" not in page.inside["style"][0]
    assert not re.search(r"fetch\(|XMLHttp|WebSocket|https?:", page.inside["script"][0])


def test_policy_allows_our_own_script_and_style_only(fake_result: Fake, tmp_path: Path) -> None:
    page = _page(fake_result(2, **FEW), tmp_path)
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:;")
    for kind in ("script", "style"):
        (text,) = page.inside[kind]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


EVIL = "<script>alert(1)</script>"


def test_what_users_name_is_never_markup(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, client=f"{EVIL}\"'&", **FEW)
    file = f"2026/{EVIL}.jpg"
    photos = tuple(dataclasses.replace(p, file=file, reason=EVIL, remedy=EVIL) for p in result.photos[-1:])
    findings = tuple(dataclasses.replace(f, text=EVIL, kind=EVIL) for f in result.findings)
    plan = dataclasses.replace(
        result.plan, reference_of={"front": file}, corrections={file: next(iter(result.plan.corrections.values()))}
    )
    odd = dataclasses.replace(
        result,
        photos=(*result.photos, *photos),
        skipped=((file, EVIL),),
        findings=findings,
        notes=(EVIL,),
        versions={EVIL: EVIL},
        plan=plan,
        comparisons=tuple(dataclasses.replace(c, reasons=(EVIL,), remedies=(EVIL,)) for c in result.comparisons),
    )
    html = render_report(odd, tmp_path)
    page = _Page(html)
    assert len(page.all("script")) == 1
    assert "alert" not in page.inside["script"][0]
    assert page.text.count(EVIL) >= 9  # shown as text


def test_session_names_are_never_markup(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, dates=False, **FEW)
    label = f"{EVIL}\nvisit"
    changes = tuple(dataclasses.replace(c, to_session=label) for c in result.changes)
    sessions = (result.sessions[0], label)
    phases = {**result.plan.phases, label: dataclasses.replace(result.plan.phases[result.sessions[1]], session=label)}
    plan = dataclasses.replace(result.plan, sessions=sessions, phases=phases)
    page = _page(dataclasses.replace(result, changes=changes, sessions=sessions, plan=plan), tmp_path)
    assert len(page.all("script")) == 1
    assert f"{EVIL} visit" in page.text


def test_undecodable_names_do_not_stop_the_report(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, **FEW)
    rows = (*result.photos, dataclasses.replace(result.photos[-1], file=os.fsdecode(b"caf\xe9.jpg")))
    path = write_whole(tmp_path / "r.html", render_report(dataclasses.replace(result, photos=rows), tmp_path))
    assert "caf" in path.read_text("utf-8")


def test_every_change_of_the_outcome_is_printed_with_its_interval(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(6, not_comparable=False, **FEW)
    page = _page(result, tmp_path)
    told = {attrs["title"] for attrs in page.all("li") if "title" in attrs}
    outcome = [c for c in result.changes if c.against == "baseline" and c.to_session == result.sessions[-1]]
    expected = {describe_change(c, METRICS[c.metric], confidence_level=0.95) for c in outcome}
    assert told == expected
    assert len(expected) == 6
    for change in outcome:
        assert f"{abs(change.difference):.1f} {change.unit}" in page.text


def test_a_change_in_the_words_of_a_clinician(fake_result: Fake) -> None:
    change = dataclasses.replace(
        fake_result(2, **FEW).changes[0], region="cheek_left", metric="redness", difference=-2.1, ci_low=-3.0,
        ci_high=-1.2, verdict="improved", course_status="",
    )  # fmt: skip
    text = describe_change(change, METRICS["redness"], confidence_level=0.95)
    assert text == "left cheek redness −2.1 a* (95 % interval −3.0 to −1.2): improved"


def test_rounding_never_puts_an_interval_on_zero(fake_result: Fake) -> None:
    change = dataclasses.replace(
        fake_result(2, **FEW).changes[0], difference=-0.9, ci_low=-1.7, ci_high=-0.02, verdict="improved",
        course_status="",
    )  # fmt: skip
    assert "interval −1.70 to −0.02)" in describe_change(change, METRICS["redness"], confidence_level=0.95)


def test_a_non_finding_stands_beside_what_could_have_been_found(fake_result: Fake, tmp_path: Path) -> None:
    result = _with_changes(
        fake_result(2, **FEW), verdict="no detectable change", course_status="", detectable_change=1.37
    )
    page = _page(result, tmp_path)
    assert page.all("h1") and "No change could be shown." in page.text
    assert page.text.count("detectable from 1.4 a*") >= 6
    assert "6 of 6 comparisons show no change that these photos could have detected" in page.text


@pytest.mark.parametrize("status", ["within quoted range", "longer than quoted", "cannot say"])
def test_days_after_a_treatment_nothing_is_better_or_worse(fake_result: Fake, tmp_path: Path, status: str) -> None:
    result = fake_result(5, **FEW)
    early = result.sessions[:3]
    assert [result.plan.phases[s].name for s in early] == ["before", "acute", "acute"]
    kept = tuple(dataclasses.replace(c, course_status=status) for c in result.changes if c.to_session in early)
    plan = dataclasses.replace(result.plan, sessions=early)
    page = _page(dataclasses.replace(result, sessions=early, plan=plan, changes=kept, findings=()), tmp_path)
    assert "Too soon to judge: the last photos were taken 18 hours after treatment 1." in page.text
    main = page.text.split("Sessions and photos")[0]
    assert "improved" not in main and "worsened" not in main
    assert status in main


def test_outcome_is_the_settled_session_and_not_the_last_red_one(fake_result: Fake) -> None:
    result = fake_result(7, **FEW)
    assert result.plan.phases[result.sessions[-1]].name == "acute"
    summary = summarize(result)
    assert summary.pair == (result.plan.baseline, result.sessions[-2])
    assert not summary.early


def test_headline_names_both_directions(fake_result: Fake) -> None:
    result = _with_changes(fake_result(2, **FEW), course_status="", verdict="unchanged")
    words = {("redness", "forehead"): "improved", ("redness", "cheek_left"): "worsened",
             ("relative_redness", "face"): "changed"}  # fmt: skip
    changes = [dataclasses.replace(c, verdict=words.get((c.metric, c.region), c.verdict)) for c in result.changes]
    summary = summarize(dataclasses.replace(result, changes=tuple(changes)))
    assert summary.headline == "Redness improved (forehead); redness worsened (left cheek)."
    told = {p.text.split(":")[0]: p for p in summary.points}
    assert set(told) == {
        "Redness improved in 1 of 3 regions", "Redness worsened in 1 of 3 regions",
        "Relative redness changed in 1 of 3 regions",
    }  # fmt: skip
    assert told["Relative redness changed in 1 of 3 regions"].metric == "relative_redness"


def test_compensated_figures_come_before_raw_ones(fake_result: Fake) -> None:
    result = fake_result(2, **FEW)
    better = [dataclasses.replace(c, method="compensated", difference=-9.0) for c in result.changes]
    for order in ((*better, *result.changes), (*result.changes, *better)):
        groups = summarize(dataclasses.replace(result, changes=order)).groups
        rows = [row for g in groups for row in (*g.shown, *g.unshown)]
        assert len(rows) == 6
        assert all(row.difference.startswith("−9.0") for row in rows)


def test_sessions_that_cannot_be_compared(fake_result: Fake, tmp_path: Path) -> None:
    nan = float("nan")
    result = _with_changes(
        fake_result(2, **FEW), verdict="not comparable", course_status="", difference=nan, ci_low=nan, ci_high=nan,
        baseline=nan, followup=nan, detectable_change=nan, flags=Flag.LIGHT_DIFFERS,
    )  # fmt: skip
    page = _page(result, tmp_path)
    assert "These photos cannot be compared." in page.text
    assert "Every figure" not in page.text  # there is nothing to unfold
    assert "the light comes from elsewhere" in page.text
    assert not re.search(r"\bnan\b", page.text.lower())


def _graded(result: ClientResult, grade: str, *reasons: str, **values: object) -> ClientResult:
    rows = (dataclasses.replace(c, grade=grade, reasons=reasons, **values) for c in result.comparisons)  # type: ignore[arg-type]
    return dataclasses.replace(result, comparisons=tuple(rows))


def test_points_carry_figure_and_interval_of_the_largest_changes(fake_result: Fake) -> None:
    result = _with_changes(fake_result(2, **FEW), course_status="", verdict="improved", ci_low=-3.04, ci_high=-1.0)
    sizes = {"forehead": -1.5, "cheek_left": -2.5, "face": -2.0}
    changes = tuple(dataclasses.replace(c, difference=sizes[c.region]) for c in result.changes)
    summary = summarize(dataclasses.replace(result, changes=changes))
    # Two figures of one thing are told once.
    assert summary.headline == "Redness improved (all 3 regions)."
    assert [p.again for p in summary.points] == [False, True]
    assert summary.points[0].text == (
        "Redness improved in all 3 regions: largest left cheek −2.5 a* (−3.0 to −1.0) and whole face −2.0 a* "
        "(−3.0 to −1.0)."
    )


def test_a_grade_without_anything_that_differs_has_a_sentence(fake_result: Fake) -> None:
    comparison = dataclasses.replace(fake_result(2, **FEW).comparisons[0], grade="A", reasons=())
    assert grade_text(comparison).startswith("Grade A: ")
    assert not grade_text(comparison, plain=True).startswith("Grade")


def test_how_sure_is_said_before_the_figures(fake_result: Fake, tmp_path: Path) -> None:
    result = _with_changes(fake_result(2, **FEW), course_status="", verdict="improved")
    page = _page(_graded(result, "D", "the light comes from elsewhere"), tmp_path)
    lead = page.text.split("Every figure")[0]
    assert "Grade D: the photos are hard to compare" in lead and "the light comes from elsewhere" in lead
    assert "covers 95 %" in lead


def test_grade_f_gives_no_figure_and_says_what_helps(fake_result: Fake, tmp_path: Path) -> None:
    result = _with_changes(fake_result(2, **FEW), course_status="", verdict="not comparable")
    page = _page(_graded(result, "F", "the head is turned differently", remedies=("look straight",)), tmp_path)
    lead = page.text.split("Sessions and photos")[0]
    assert "These photos cannot be compared." in lead
    assert "No figure is given: the head is turned differently." in lead
    assert "Look straight" in lead
    assert not page.all("li") or all("title" not in attrs for attrs in page.all("li"))


def test_a_fit_begins_a_sentence_of_its_own(fake_result: Fake, tmp_path: Path) -> None:
    page = _page(fake_result(2, folder=tmp_path / "photos", **FEW), tmp_path)
    assert "25 April 2026 laid over 10 March 2026. All 2 regions were found again" in page.text


def test_without_a_colour_reference_redness_as_a_whole_is_not_compared_and_the_page_says_why(
    fake_result: Fake, tmp_path: Path
) -> None:
    result = _with_changes(
        fake_result(2, **FEW), course_status="", verdict="no detectable change", color_reference="none"
    )
    blind = tuple(
        dataclasses.replace(c, verdict="not comparable") if METRICS[c.metric].needs_color else c for c in result.changes
    )
    page = _page(dataclasses.replace(result, changes=blind), tmp_path)
    assert "No change could be shown; how red the skin is could not be compared." in page.text
    assert "because nothing in the photos (a colour card, a grey patch or the same wall behind)" in page.text
    matched = _page(_with_changes(result, verdict="no detectable change"), tmp_path)
    assert "how red the skin is could not" not in matched.text
    assert "because nothing in the photos" not in matched.text


def test_what_all_photos_share_is_said_once(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(3, **FEW)
    photos = tuple(dataclasses.replace(p, flags=p.flags | Flag.PROFILE_MISSING) for p in result.photos)
    page = _page(dataclasses.replace(result, photos=photos), tmp_path)
    assert page.text.count("no colour profile in the file") == 1


def test_one_session_says_that_a_comparison_needs_two(fake_result: Fake, tmp_path: Path) -> None:
    page = _page(fake_result(1, **FEW), tmp_path)
    assert "One session so far: a comparison needs two." in page.text
    assert "Every figure" not in page.text and "What changed" not in page.text


def test_what_must_always_be_said(fake_result: Fake, tmp_path: Path) -> None:
    result = dataclasses.replace(fake_result(2, **FEW), notes=("Every change here is simulated.",))
    page = _page(result, tmp_path)
    assert page.text.index("Every change here is simulated.") < page.text.index("Not a medical device")
    for words in (
        "Not a medical device",
        "fever or cold sores",
        "nothing in this report says that they are absent",
        "No face was found in the photo.",
        "Take it again with the whole face in the picture.",
        result.plan.settings_hash,
    ):
        assert words in page.text
    for metric in METRICS.values():
        assert " ".join(metric.caveat.split()) in page.text


def _all_improved(fake_result: Fake) -> ClientResult:
    result = fake_result(2, regions=("forehead", "cheek_left", "face"), not_comparable=False)
    return _with_changes(result, course_status="", verdict="improved", difference=-2.0, ci_low=-3.0, ci_high=-1.0)


def test_the_lead_stays_short_when_everything_changes(fake_result: Fake, tmp_path: Path) -> None:
    result = _all_improved(fake_result)
    summary = summarize(result)
    told = [p for p in summary.points if not p.again]
    assert len(summary.points) == sum(m.charted for m in METRICS.values()) > len(told) + 3
    assert len(summary.headline) < 200
    page = _page(result, tmp_path)
    lead = page.text.split("Every figure")[0]
    assert all(p.text in lead for p in told)
    assert not any(p.text in lead for p in summary.points if p.again)


def test_a_headline_names_the_first_of_every_group_and_counts_the_rest(fake_result: Fake) -> None:
    result = _all_improved(fake_result)
    charted = [m.name for m in METRICS.values() if m.charted]
    places = {name: ("forehead", "cheek_left", "face")[k % 3] for k, name in enumerate(charted)}
    changes = tuple(
        dataclasses.replace(c, verdict="improved" if places.get(c.metric) == c.region else "unchanged")
        for c in result.changes
    )
    headline = summarize(dataclasses.replace(result, changes=changes)).headline
    leading = [next(m for m in METRICS.values() if m.charted and m.name in names).title for names in GROUPS.values()]
    assert all(title.lower() in headline.lower() for title in leading)
    stories = len({story_of(name) for name in charted})
    assert headline.endswith(f"; {stories - 3} more measures improved.")


def test_every_metric_stands_in_the_page_under_its_group(fake_result: Fake, tmp_path: Path) -> None:
    result = _all_improved(fake_result)
    text = _page(result, tmp_path).text
    rest = text.split("All other measures")[1].split("Sessions and photos")[0]
    for metric in METRICS.values():
        assert metric.title in text
        assert metric.charted or metric.title in rest
    places = [rest.index(title) for title in GROUPS]
    assert places == sorted(places)
    assert "Improved: forehead −2.0" in rest


def test_metrics_without_a_unit_leave_no_gap(fake_result: Fake, tmp_path: Path) -> None:
    name = next(m.name for m in METRICS.values() if not m.unit)
    result = _with_changes(
        fake_result(2, metrics=("redness", name), regions=FEW["regions"]), course_status="", verdict="improved"
    )
    html = render_report(result, tmp_path)
    row = next(r for r in re.findall(r"<tr>.*?</tr>", html, re.DOTALL) if METRICS[name].title in r)
    assert "· higher" not in row and "higher is better" in row
    assert re.search(r"<b>[−+0-9.]+</b>", row)


def test_what_cannot_be_compared_for_one_reason_is_told_once(fake_result: Fake) -> None:
    result = fake_result(2, metrics=("redness", "red_spots", "wrinkle_index"), regions=("forehead", "face"))
    blind = ("red_spots", "wrinkle_index")
    nan = float("nan")
    changes = tuple(
        dataclasses.replace(c, verdict="not comparable", difference=nan, flags=Flag.NOT_CALIBRATED)
        if c.metric in blind
        else dataclasses.replace(c, verdict="unchanged", course_status="", flags=Flag.NONE)
        for c in result.changes
    )
    unsaid = summarize(dataclasses.replace(result, changes=changes)).unsaid
    why = "nobody has measured how well this repeats, so it has no interval"
    assert unsaid == (f"Red spots and wrinkles could not be compared: {why}.",)


def _bound_to(change: Change, text: str) -> Finding:
    return Finding(
        kind="bound", region=change.region, metric=change.metric, figure=change.difference, ci_low=change.ci_low,
        ci_high=change.ci_high, text=f"{text}, from 10 March 2026 to 25 April 2026",
    )  # fmt: skip


def test_bounds_are_told_after_the_figures_and_only_where_no_verdict_says_more(
    fake_result: Fake, tmp_path: Path
) -> None:
    result = fake_result(6, metrics=("redness",), regions=("forehead", "cheek_left", "face"), not_comparable=False)
    words = {"forehead": "improved", "cheek_left": "no detectable change", "face": "no detectable change"}
    last = result.sessions[-1]
    changes = tuple(
        dataclasses.replace(c, verdict=words[c.region]) if c.to_session == last else c for c in result.changes
    )
    outcome = {c.region: c for c in changes if c.to_session == last and c.against == "baseline"}
    other = next(c for c in changes if c.to_session != last and c.against == "baseline")
    findings = (
        _bound_to(outcome["forehead"], "forehead: at least 0.4 a*-eq less red"),
        _bound_to(outcome["cheek_left"], "left cheek: no more than people see"),
        _bound_to(outcome["cheek_left"], "left cheek: no more than people see"),
        _bound_to(other, "another day: at least 3 a*-eq redder"),
    )
    result = dataclasses.replace(result, changes=changes, findings=findings)
    summary = summarize(result)
    assert (*summary.bounds, *summary.steady) == ("Left cheek: no more than people see.",)
    assert summary.course == ()
    text = _page(result, tmp_path).text
    assert text.count("no more than people see") == 1
    assert text.index("Redness improved in 1 of 3") < text.index("no more than people see") < text.index("How sure")


@pytest.mark.parametrize(
    ("consent", "told"),
    [
        (Consent(), "Consent not recorded: ask before you show"),
        (Consent(publish=True, scope=("web",)), "for web only."),
    ],
)
def test_what_is_known_of_the_consent_stands_below_the_pictures(
    fake_result: Fake, tmp_path: Path, consent: Consent, told: str
) -> None:
    result = _consenting(fake_result(2, folder=tmp_path / "photos", **FEW), consent)
    assert told in _page(result, tmp_path).text


def test_where_consent_is_refused_the_page_says_why_no_pictures_were_made(fake_result: Fake, tmp_path: Path) -> None:
    result = _consenting(fake_result(2, folder=tmp_path / "photos", **FEW), Consent(publish=False))
    text = _Page(render_report(result, tmp_path)).text
    assert "No pictures to publish were made: the client does not consent" in text
    # The client, who said so, is not told how to write it into a file.
    text = _Page(render_report(result, tmp_path, options=OutputOptions(audience="client"))).text
    assert "course.toml" not in text


def test_where_consent_is_needed_and_not_recorded_the_page_says_so(fake_result: Fake, tmp_path: Path) -> None:
    result = _consenting(fake_result(2, folder=tmp_path / "photos", **FEW), Consent())
    text = _Page(render_report(result, tmp_path, options=OutputOptions(need_consent=True))).text
    assert "No pictures to publish were made: the client's consent to publish is not recorded." in text


def _consenting(result: ClientResult, consent: Consent) -> ClientResult:
    course = dataclasses.replace(result.plan.course, consent=consent)
    return dataclasses.replace(result, plan=dataclasses.replace(result.plan, course=course))


def test_charts_find_their_metric(tmp_path: Path) -> None:
    names = ("trend_relative_redness_front", "change_map_redness_left_profile", "overview_front", "notes")
    for name in names:
        write_whole(tmp_path / "charts" / f"{name}.png", b"")
    found = {c.path.stem: (c.kind, c.metric, c.view) for c in list_charts(tmp_path)}
    assert found == {
        "trend_relative_redness_front": ("trend", "relative_redness", "front"),
        "change_map_redness_left_profile": ("change_map", "redness", "left_profile"),
        "overview_front": ("overview", "", "front"),
    }
    assert {c.caption for c in list_charts(tmp_path)} >= {"Relative redness over the sessions, front view"}


def test_new_rows_need_no_change_anywhere(
    fake_result: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    def write(result: ClientResult, out: Path) -> list[Path]:
        assert not (out / "report.html").exists()
        return [write_whole(out / "slides.txt", "x")]

    gloss = dataclasses.replace(
        METRICS["redness"], name="gloss", title="Glossiness", unit="GU", caveat="Wet skin shines."
    )
    monkeypatch.setitem(METRICS, "gloss", gloss)
    monkeypatch.setitem(REGIONS, "ear_left", dataclasses.replace(REGIONS["nose"], name="ear_left", title="left ear"))
    monkeypatch.setitem(OUTPUTS, "slides", Output(name="slides", title="slides for a talk", write=write))
    out = tmp_path / "out"
    written = write_outputs(fake_result(2, metrics=("gloss",), regions=("ear_left", "nose")), out)
    assert list(written)[-1] == "report"
    text = _Page((out / "report.html").read_text("utf-8")).text
    for words in ("Glossiness", "Wet skin shines.", "Left ear", "slides for a talk"):
        assert words.lower() in text.lower()
    table_text = (out / "changes.csv").read_text("utf-8")
    assert "gloss" in table_text and "ear_left" in table_text
    assert "slides.txt" in json.loads((out / "run.json").read_text("utf-8"))["files"]


def test_a_second_run_clears_its_own_files_and_no_others(fake_result: Fake, tmp_path: Path, quick: None) -> None:
    out = tmp_path / "out"
    write_outputs(fake_result(3, folder=tmp_path / "a", **FEW), out)
    first = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    mine = write_whole(out / "charts" / "my notes.png", b"x")
    write_outputs(fake_result(2, folder=tmp_path / "b", photos_per_session=1, **FEW), out)
    second = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    record = json.loads((out / "run.json").read_text("utf-8"))
    assert mine.exists()
    assert second - {"charts/my notes.png"} == set(record["files"])
    assert record["complete"] is True
    assert "charts/face_map_relative_redness_front.png" in first - second


def test_a_changed_record_deletes_nothing_elsewhere(fake_result: Fake, tmp_path: Path, quick: None) -> None:
    out = tmp_path / "out"
    outside = write_whole(tmp_path / "precious.txt", "x")
    inside = write_whole(out / "photos" / "notes.txt", "x")
    files = ["../precious.txt", str(outside), "charts/../../precious.txt", "photos/notes.txt", 3, "", ".", "charts"]
    write_whole(out / "run.json", json.dumps({"files": files}))
    write_outputs(fake_result(2, **FEW), out)
    assert outside.exists() and inside.exists()


@pytest.mark.parametrize("text", ["", "[]", '{"files": 3}', '{"files": null}', "\x00"])
def test_a_broken_record_is_no_obstacle(fake_result: Fake, tmp_path: Path, quick: None, text: str) -> None:
    write_whole(tmp_path / "out" / "run.json", text)
    write_outputs(fake_result(1, **FEW), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))["complete"] is True


def test_a_run_that_stops_half_way_leaves_no_report(
    fake_result: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    out = tmp_path / "out"
    result = fake_result(2, folder=tmp_path / "photos", **FEW)
    write_outputs(result, out)

    def stop(_: ClientResult, out: Path) -> list[Path]:
        write_whole(out / "aligned" / "half_1_front.jpg", b"x")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(OUTPUTS, "aligned", dataclasses.replace(OUTPUTS["aligned"], write=stop))
        with pytest.raises(KeyboardInterrupt):
            write_outputs(result, out)
    assert not (out / "report.html").exists()
    assert not list(out.rglob("*.tmp"))
    record = json.loads((out / "run.json").read_text("utf-8"))
    assert record["complete"] is False
    assert "aligned/half_1_front.jpg" in record["files"]
    write_outputs(result, out)
    assert (out / "report.html").exists()
    assert not (out / "aligned" / "half_1_front.jpg").exists()


def test_progress_names_every_output_in_order(fake_result: Fake, tmp_path: Path, quick: None) -> None:
    seen: list[str] = []
    written = write_outputs(fake_result(1, **FEW), tmp_path / "out", progress=seen.append)
    assert seen == [OUTPUTS[name].title for name in written]
    assert list(written) == [
        "tables", "charts", "composites", "points", "skin", "marks", "alignment", "colors", "lights", "aligned",
        "report",
    ]  # fmt: skip


def test_an_output_folder_that_is_a_file_stops_before_anything(fake_result: Fake, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(OutputError):
        write_outputs(fake_result(1, **FEW), tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_the_same_result_gives_the_same_report(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, folder=tmp_path / "photos", **FEW)
    assert render_report(result, tmp_path) == render_report(result, tmp_path)


def test_headline_and_points_count_alike(fake_result: Fake) -> None:
    result = _with_changes(fake_result(2, **FEW, not_comparable=False), course_status="", verdict="improved")
    p = {"forehead": 0.001, "cheek_left": 0.2, "face": 0.002}
    changes = tuple(dataclasses.replace(c, p_headline=p[c.region]) for c in result.changes if c.metric == "redness")
    summary = summarize(dataclasses.replace(result, changes=changes))
    assert summary.headline == "Redness improved (forehead and whole face); 1 more change below, less sure."
    (point,) = summary.points
    assert point.text.startswith("Redness improved in 2 of 3 regions, less surely in 1 more: largest ")
    unsure = tuple(dataclasses.replace(c, p_headline=0.2) for c in changes)
    (point,) = summarize(dataclasses.replace(result, changes=unsure)).points
    assert point.text.startswith("Redness improved, less surely, in all 3 regions: ")


def test_a_grade_for_the_days_since_a_treatment_does_not_blame_the_photos(fake_result: Fake) -> None:
    result = _with_changes(fake_result(2, **FEW), course_status="", verdict="improved")
    recent, light = Flag.RECENT_TREATMENT, Flag.LIGHT_DIFFERS
    for decisive, blamed in ((recent, False), (recent | light, True), (light, True)):
        told = summarize(_graded(result, "C", "taken on day 9", decisive=decisive)).sure[0]
        assert told.startswith("Grade C: ") and told.endswith(": taken on day 9.")
        assert ("the photos were taken differently" in told) == blamed


def test_redness_that_got_worse_and_lasts_longer_than_quoted_is_told_in_one_place(fake_result: Fake) -> None:
    result = _with_changes(fake_result(2, **FEW, not_comparable=False), course_status="", verdict="worsened")
    change = next(c for c in result.changes if c.metric == "redness" and c.region == "face")
    note = Finding(
        kind="longer_than_quoted", region="face", metric="redness", figure=change.difference, ci_low=change.ci_low,
        ci_high=change.ci_high, text="redness still raised 10 days after treatment 1",
    )  # fmt: skip
    summary = summarize(dataclasses.replace(result, findings=(note,)))
    assert summary.headline.startswith("Redness worsened")
    assert summary.bounds == ("Redness still raised 10 days after treatment 1.",)


def test_what_was_shown_to_be_the_same_stands_apart_from_what_could_not_be_seen(fake_result: Fake) -> None:
    result = _with_changes(fake_result(2, **FEW), course_status="", verdict="no detectable change")
    changes = tuple(
        dataclasses.replace(c, verdict="unchanged") if c.metric == "redness" and c.region != "face" else c
        for c in result.changes
    )
    summary = summarize(dataclasses.replace(result, changes=changes, findings=()))
    assert summary.steady == ("Unchanged, to within what could matter: redness (forehead and left cheek).",)
    assert summary.unsaid[0].startswith("4 of 6 comparisons show no change")
