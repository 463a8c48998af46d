"""The terminal says in eighty columns what matters, each thing once."""

import dataclasses
import io
from collections.abc import Callable

from rich.console import Console

from skinprogress.api import PhotoCheck
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.console import (
    check_remarks,
    describe_session,
    render_catalogue,
    render_check_table,
    render_summary_table,
)
from skinprogress.outputs.groups import GROUPS
from skinprogress.records import FLAG_TEXT, ClientResult, Flag, PhotoReport

Fake = Callable[..., ClientResult]
FEW = {"metrics": ("redness", "relative_redness"), "regions": ("forehead", "cheek_left", "face")}


def _printed(table: object) -> list[str]:
    buffer = io.StringIO()
    Console(file=buffer, width=80, emoji=False).print(table)
    return buffer.getvalue().splitlines()


def _checks(result: ClientResult) -> list[PhotoCheck]:
    return [
        PhotoCheck(
            i.ref, i, "", ("the date is not known", *(("the face is small",) if k == 0 else ())), "relax; step back"
        )
        for k, i in enumerate(result.inspections.values())
    ]


def test_a_photo_takes_one_line_of_eighty_columns(fake_result: Fake) -> None:
    checks = _checks(fake_result(2, **FEW))
    lines = _printed(render_check_table(checks))
    assert len(lines) == 1 + len(checks)
    for line, check in zip(lines[1:], checks, strict=True):
        assert check.ref.file in line and check.ref.session in line and "usable" in line


def test_long_names_are_broken_behind_their_folder_and_nowhere_else(fake_result: Fake) -> None:
    checks = _checks(fake_result(6, **FEW))
    assert any("T" in c.ref.session for c in checks) and any(c.ref.stage for c in checks)
    lines = _printed(render_check_table(checks))
    words = {word for line in lines for word in line.split()}
    for check in checks:
        folder, name = check.ref.file.rsplit("/", 1)
        assert {f"{folder}/", name, check.ref.session} <= words


def test_what_photos_share_is_said_once(fake_result: Fake) -> None:
    checks = _checks(fake_result(2, **FEW))
    first = checks[0].ref.file
    assert check_remarks(checks) == [
        "better   relax: all 4 photos", "better   step back: all 4 photos",
        "note     the date is not known: all 4 photos", f"note     the face is small: {first}",
    ]  # fmt: skip


def test_refused_photos_say_why_and_name_the_file_once(fake_result: Fake) -> None:
    ref = next(iter(fake_result(1, **FEW).inspections.values())).ref
    named = PhotoCheck(ref, None, "x", (f"{ref.file} is no picture",), "send another")
    assert check_remarks([named]) == [f"refused  {ref.file} is no picture; send another"]
    plain = dataclasses.replace(named, reasons=("no face was found",))
    assert check_remarks([plain]) == [f"refused  {ref.file}: no face was found; send another"]


def test_the_end_of_a_run_fits_and_tells_the_largest_change(fake_result: Fake) -> None:
    result = fake_result(2, **FEW)
    sizes = {"forehead": -1.0, "cheek_left": -3.0, "face": -2.0}
    changes = tuple(
        dataclasses.replace(
            c, course_status="", verdict="improved" if c.metric == "redness" else "no detectable change",
            difference=sizes[c.region],
        )
        for c in result.changes
    )  # fmt: skip
    lines = _printed(render_summary_table(dataclasses.replace(result, changes=changes)))
    text = " ".join(" ".join(lines).split())
    assert "improved: redness −3.0 a* (left cheek and 2 more)" in text
    assert "this is the baseline" in text
    assert max(map(len, lines)) <= 80


def test_what_cannot_be_compared_is_never_called_no_change(fake_result: Fake) -> None:
    result = fake_result(2, **FEW)
    session = result.sessions[-1]
    blocked = [dataclasses.replace(c, verdict="not comparable") for c in result.changes if c.against == "baseline"]
    assert describe_session(result, session, blocked).startswith("NOT COMPARABLE")
    half = [
        dataclasses.replace(c, verdict="not comparable" if c.metric == "redness" else "no detectable change")
        for c in blocked
    ]
    assert describe_session(result, session, half).endswith("not comparable: redness")


def test_numbing_and_the_days_after_are_not_judged(fake_result: Fake) -> None:
    result = fake_result(6, **FEW)
    covered = result.plan.covered_sessions[0]
    acute = next(
        s for s, p in result.plan.phases.items() if p.name == "acute" and s not in result.plan.covered_sessions
    )
    of = {s: [c for c in result.changes if c.to_session == s] for s in result.sessions}
    assert describe_session(result, covered, of[covered]) == "cream on the skin: not judged"
    assert describe_session(result, acute, of[acute]).startswith("too soon to judge")


def test_a_session_without_a_usable_photo_is_told_of(fake_result: Fake) -> None:
    result = fake_result(n_sessions=3)
    lost = dataclasses.replace(result.photos[0], file="x.jpg", session="2030-01-01", status="rejected", code="no_face")
    (line,) = [row for row in _printed(render_summary_table(_with(result, lost))) if "2030-01-01" in row]
    assert "no photo that could be used" in line


def test_a_card_is_named_where_there_is_one(fake_result: Fake) -> None:
    result = fake_result(2, rungs=("card", "none"), card_problem="a corner of it is cut off", **FEW)
    checks = _checks(result)
    lines = _printed(render_check_table(checks))
    assert "card" in lines[0]
    assert [("seen" in line, "unusable" in line) for line in lines[1:]] == [(True, False), (False, True)] * 2
    assert all(len(line) <= 80 for line in lines)
    assert "card" not in _printed(render_check_table(_checks(fake_result(2, **FEW))))[0]


def test_an_unusable_card_says_why_and_what_helps_once(fake_result: Fake) -> None:
    result = fake_result(2, rungs=("none",), card_problem="a corner of it is cut off", **FEW)
    fact = FLAG_TEXT[Flag.CARD_UNUSABLE]
    checks = [PhotoCheck(i.ref, i, "", (fact,), "") for i in result.inspections.values()]
    assert check_remarks(checks) == [
        "better   colour card: hold the card a hand's breadth further down: all 4 photos",
        f"note     {fact}: a corner of it is cut off: all 4 photos",
    ]


def test_the_end_of_a_run_says_what_colour_was_matched_on(fake_result: Fake) -> None:
    result = fake_result(2, rungs=("card", "none", "background"), card_problem="a corner of it is cut off", **FEW)
    lines = _printed(render_summary_table(result))
    assert "colour" in lines[0]
    assert all(len(line) <= 80 for line in lines)
    words = " ".join(" ".join(lines).split())
    for word in ("card", "background", "none", "unusable)"):
        assert word in words
    plain = " ".join(_printed(render_summary_table(fake_result(2, **FEW))))
    assert "background" in plain and "card" not in plain


def test_figures_of_one_thing_take_one_place_of_the_line(fake_result: Fake) -> None:
    result = fake_result(2, regions=("forehead", "face"), not_comparable=False)
    session = result.sessions[-1]
    changes = [
        dataclasses.replace(c, course_status="", verdict="improved", difference=-2.0, detectable_change=1.0)
        for c in result.changes
        if c.against == "baseline" and METRICS[c.metric].charted
    ]
    told = describe_session(result, session, changes)
    assert told.startswith("improved: redness −2.0 a* (forehead and 1 more), ")
    assert "haemoglobin" not in told and told.endswith("more measures")


def test_the_catalogue_folds_at_any_width_and_keeps_the_groups(width: int = 100) -> None:
    lines = "\n".join(block.plain for block in render_catalogue(width=width)).split("\n")
    assert max(map(len, lines)) <= width
    assert [line for line in lines if line.isupper()] == [title.upper() for title in GROUPS]
    text = " ".join(" ".join(lines).split())
    for metric in METRICS.values():
        assert metric.name in text and metric.meaning in text and f"Caveat: {metric.caveat}" in text
    (plain,) = [line for line in lines if line.startswith("glcm_homogeneity ")]
    assert plain == "glcm_homogeneity  GLCM homogeneity, higher is better"


def _with(result: ClientResult, photo: PhotoReport) -> ClientResult:
    return dataclasses.replace(result, photos=(*result.photos, photo))
