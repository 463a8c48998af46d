"""`skinprogress validate verdicts`: figures, tables, sentences, recovery curves, and the command."""

import csv
import io
import os
from dataclasses import replace

import cv2
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from skinprogress.cli.main import app
from skinprogress.errors import NothingMeasuredError
from skinprogress.settings import Settings
from skinprogress.validation import scenes
from skinprogress.validation.verdicts import VerdictsValidation, redness_errors, validate_verdicts
from skinprogress.validation.verdicts_outcomes import Family, Setup, Target, VerdictPair
from skinprogress.validation.verdicts_recovery import CASES, RecoveryTrial, try_recoveries
from skinprogress.validation.verdicts_scores import verdict_figures
from skinprogress.validation.verdicts_summary import judge_verdicts, verdicts_remarks
from skinprogress.validation.verdicts_tables import render_verdicts_tables

NAN = float("nan")


def family(metric="relative_redness", **more):
    plain = {"rows": 11, "tests": 10, "not_comparable": 1, "said": 0, "missed": 0, "missed_jointly": False}
    return Family(metric=metric, **{**plain, "large": 0, "large_unchanged": 0, "error": 0.4, "spread": 0.5, **more})


def pair(setup, *families, number=0, tier="T0", **more):
    plain = {"photo": "a.jpg", "tone": "tan", "rung": "background", "grade": "B", "cpu_s": 2.0}
    return VerdictPair(
        pair=f"a.jpg {tier} #{number}", tier=tier, setup=setup, families=families, **{**plain, **more}
    )  # fmt: skip


def target(found, *, verdict="changed", true=1.5, metric="relative_redness"):
    return Target(metric=metric, region="nose", true=true, verdict=verdict, found=found)


def look_up(pairs, trials=()):
    figures = verdict_figures(pairs, trials, wall_minutes=3.0)
    return {(f.tier, f.test, f.method, f.subject, f.metric, f.figure): f for f in figures}


STILL = Setup("unchanged")


def test_false_changes_are_counted_by_test_by_family_and_in_the_headline():
    found = look_up([
        pair(STILL, family(said=2, missed=3, missed_jointly=True), family("lightness"), p_headline=0.02),
        pair(STILL, family(), family("lightness", tests=0, rows=3), p_headline=0.008, rung="card", tone="light"),
        pair(STILL, family(), rung="none"),
    ])  # fmt: skip

    def value(metric, figure, method="any", subject="all"):
        f = found["T0", "unchanged", method, subject, metric, figure]
        return f.value, f.n

    assert value("relative_redness", "false_change_rate") == (pytest.approx(2 / 30), 30)
    assert value("relative_redness", "false_family_rate") == (pytest.approx(1 / 3), 3)
    # A metric of which nothing is published is no family.
    assert value("all metrics", "false_family_rate") == (pytest.approx(1 / 4), 4)
    assert value("headline", "false_change_rate") == (0.5, 2)
    assert value("relative_redness", "false_family_rate", method="card") == (0.0, 1)
    assert value("relative_redness", "false_family_rate", subject="tan") == (0.5, 2)
    assert value("relative_redness", "coverage") == (pytest.approx(0.9), 3)
    assert value("relative_redness", "coverage_jointly") == (pytest.approx(2 / 3), 3)
    assert value("relative_redness", "error_in_standard_errors") == (pytest.approx(0.5), 3)
    low, high = (value("headline", f"false_change_rate_{end}")[0] for end in ("low", "high"))
    assert low < 0.5 < high
    assert found["T0", "grades", "any", "all", "pairs", "grade_B_share"].value == 1.0
    assert found["all", "cost", "any", "all", "a pair", "cpu_time_mean"].value == 2.0


def test_power_is_told_by_size_shots_and_reference_and_refused_pairs_found_nothing():
    once, twice = Setup("local", amount=1.5), Setup("local", "card", 2, 1.5)
    pairs = [
        pair(once, family(large=1), targets=(target(True),)),
        pair(once, family(large=1, large_unchanged=1), targets=(target(False, verdict="unchanged"),)),
        pair(once, rung="", grade="", reason="no face"),
        pair(twice, family(), targets=(target(True),), rung="card"),
        pair(Setup("local", amount=0.8), family(), targets=(target(False, true=0.8, verdict="unchanged"),)),
    ]
    found = look_up(pairs)
    power = {key[2:4]: f for key, f in found.items() if key[1] == "local_1.5" and key[-1] == "power"}
    assert power["any", "all"].value == 0.5 and power["any", "all"].n == 4
    assert power["any", "2 shots"].value == power["card", "all"].value == 1.0
    assert power["any", "1 shot"].value == pytest.approx(1 / 3)
    assert found["T0", "local_1.5", "any", "all", "relative_redness", "called_unchanged_rate"].value == pytest.approx(
        1 / 3
    )
    # Less than the margin may be called unchanged.
    assert ("T0", "local_0.8", "any", "all", "relative_redness", "called_unchanged_rate") not in found
    assert found["T0", "local", "any", "all", "relative_redness", "large_called_unchanged_rate"].value == 0.5
    assert found["T0", "local", "any", "all", "pairs", "not_compared_share"].value == pytest.approx(0.2)


def test_curves_are_found_where_the_photos_bear_them_and_refused_elsewhere(monkeypatch):
    monkeypatch.setattr("skinprogress.validation.verdicts_recovery._TRIALS", 25)
    trials = try_recoveries({"card": 0.3}, settings=Settings())
    assert {t.test for t in trials} == {f"{name}, card" for name in CASES}
    found = look_up([pair(STILL, family())], trials)

    def value(name, figure):
        return found["T0", "recovery", f"{name}, card", "all", "tau", figure].value

    assert value("5 photos", "error_median") < 0.2
    assert value("5 photos", "refused_share") < 0.2
    assert value("5 photos", "coverage") > 0.8
    assert all(value(name, "refused_share") == 1.0 for name, case in CASES.items() if case.refuse)


def test_errors_for_the_curves_are_those_of_redness_by_reference():
    pairs = [
        pair(STILL, family("redness_index", error=1.0), family(error=9.0)),
        pair(STILL, family("redness_index", error=2.0)),
        pair(STILL, family("redness_index", error=NAN), rung="card"),
        pair(STILL, family("redness_index", error=7.0), rung="none"),
        pair(STILL, family("redness_index", error=7.0), tier="T1"),
    ]
    assert redness_errors(pairs) == {"background": pytest.approx(1.5)}


def trial(test, found_h=NAN, *, reason="", **more):
    plain = {"true_h": 20.0, "low_h": 9.0, "high_h": 40.0}
    return RecoveryTrial(test=test, found_h=found_h, reason=reason, refuse=bool(reason), **{**plain, **more})


def made_up(n=40):
    curves = [trial("5 photos, card", 22.0), trial("3 photos, card", reason="few")]
    good = [pair(STILL, family(missed=k % 2), p_headline=0.5, number=k) for k in range(n)]
    good += [pair(Setup("local", "card", 2, 1.5), family(missed=k % 2), targets=(target(True),)) for k in range(n)]
    return good, curves * 20


def test_the_last_sentence_names_what_is_missed():
    good, curves = made_up()
    assert "can be trusted" in judge_verdicts(verdict_figures(good, curves, wall_minutes=1.0))
    bad = [pair(STILL, family(said=1, missed=5), p_headline=0.001, tone="tan\x1b") for _ in range(10)]
    lost = [pair(Setup("local", "card", 2, 1.5), family(), targets=(target(False),)) for _ in range(10)]
    told = replace(trial("3 photos, card", 9.0), refuse=True)
    missed = judge_verdicts(verdict_figures([*good, *bad, *lost], [*curves, told], wall_minutes=1.0))
    assert "change claimed in 20 % of headlines (T0, all, n 50)" in missed
    assert "80 % of 50 local changes of 1.5 found" in missed
    assert "3 photos" in missed and "\x1b" not in missed
    assert "cannot be said" in judge_verdicts([])


def test_tables_are_narrow_and_hold_every_part():
    good, curves = made_up()
    refused = target(False, verdict="not comparable", metric="redness_index")
    good.append(pair(Setup("whole_face", "none", 1, 2.0), rung="none", reason="too dark", targets=(refused,)))
    good.append(pair(Setup("retake"), family(), tier="T4"))
    figures = verdict_figures(good, curves, wall_minutes=1.0)
    out = io.StringIO()
    console = Console(file=out, width=80)
    for table in render_verdicts_tables(figures):
        console.print(table)
    text = out.getvalue()
    assert max(len(line) for line in text.splitlines()) <= 80
    for words in ("in headlines", "relative, region", "100 (40)", "index, face", "5 photos", "grades", "T4"):
        assert words in text
    remarks = verdicts_remarks(VerdictsValidation(figures=tuple(figures), pairs=tuple(good)))
    assert any("not comparable, %: T0 100.0" in line for line in remarks)
    assert any("1 of 82 pairs refused: too dark (1)" in line for line in remarks)


def save(path, rgb):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(rgb[..., ::-1]))


def test_the_command(portrait, tmp_path, monkeypatch, only_metrics):
    only_metrics(*scenes.METRICS, "haemoglobin_index", "red_area", "red_spots", "lightness", "ita", "melanin_index",
                 "tone_uniformity", "brown_spots", "texture_uniformity")  # fmt: skip
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr("skinprogress.validation.verdicts_recovery._TRIALS", 10)
    small = cv2.resize(portrait, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    for name, rgb in (("ann_1", small), ("ann_2", small[2:]), ("zoe_1", np.full((300, 300, 3), 128, np.uint8))):
        save(tmp_path / "photos" / f"{name}.png", rgb)
    out = tmp_path / "out"
    result = CliRunner().invoke(
        app, ["validate", "verdicts", str(tmp_path / "photos"), "-o", str(out), "--pairs", "2"], env={"COLUMNS": "100"}
    )
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader((out / "validation.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["kind"] for row in rows} == {"verdicts"}
    tests = {(row["test"], row["tier"]) for row in rows}
    assert {("unchanged", "T0"), ("local", "T1"), ("retake", "T4"), ("recovery", "T0"), ("cost", "all")} <= tests
    (retakes,) = (r for r in rows if (r["test"], r["metric"], r["figure"], r["method"], r["subject"]) == (
        "retake", "all metrics", "false_change_rate", "any", "all"))  # fmt: skip
    assert float(retakes["value"]) < 0.05 and int(retakes["n"]) > 100
    assert result.output.count("zoe_1.png") == 1 and "left out" in result.output
    assert "goals" in result.output and "minutes" in result.output


def test_a_folder_without_a_usable_photo_is_refused_with_the_reason(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    with pytest.raises(NothingMeasuredError, match="broken"):
        validate_verdicts(tmp_path, workers=1)
