"""Figures, tables and sentences of a validation of the metrics, from pairs whose outcome is made up."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from skinprogress.metrics.table import METRICS
from skinprogress.synthetic.disturbances import DISTURBANCES
from skinprogress.validation.metrics import MetricsValidation
from skinprogress.validation.metrics_faces import FaceScore, SpotScore
from skinprogress.validation.metrics_pairs import MetricPair, Reading
from skinprogress.validation.metrics_scores import bias_of, error_of, in_percent, metric_figures
from skinprogress.validation.metrics_summary import judge_metrics, metrics_remarks
from skinprogress.validation.metrics_tables import render_metrics_tables, short

NAN = float("nan")


def reading(metric="relative_redness", before=10.0, after=10.2, half=1.4, **more):
    plain = {"region": "nose", "half_alone": 0.7 * half, "verdict": "no detectable change", "flagged": True}
    return Reading(metric=metric, before=before, after=after, half=half, **{**plain, **more})


def pair(*readings, number=0, test="disturbed", tier="T0", **more):
    plain = {"method": "blur_1" if test == "disturbed" else "", "useful": False}
    return MetricPair(
        pair=f"a\x1b.jpg #{number}", photo="a\x1b.jpg", test=test, tier=tier, readings=readings, **{**plain, **more}
    )  # fmt: skip


def look_up(pairs, faces=()):
    return {(f.tier, f.test, f.method, f.subject, f.metric, f.figure): f for f in metric_figures(pairs, faces)}


def test_contrasts_are_told_in_percent_and_colours_and_counts_in_their_units():
    assert in_percent(METRICS["texture_uniformity"]) and in_percent(METRICS["tone_uniformity"])
    assert not in_percent(METRICS["redness"]) and not in_percent(METRICS["red_spots"])
    assert bias_of(reading("texture_uniformity", 2.0, 2.1)) == pytest.approx(5.0)
    assert bias_of(reading(before=10.0, after=10.2)) == pytest.approx(0.2)
    assert error_of(reading("texture_uniformity", 2.0, 2.1, true=0.4)) == pytest.approx(-15.0)
    # Of less than counts as equal no percentage is taken.
    assert bias_of(reading("texture_uniformity", 0.0, 0.1)) == pytest.approx(100.0 / 3.0)
    assert np.isnan(bias_of(reading("texture_uniformity", NAN, 0.1)))


def test_bias_rests_on_what_is_published_and_refusals_are_counted():
    told = [
        reading(after=10.1), reading(after=9.5, region="chin"),
        reading(after=19.0, half=NAN, region="forehead", verdict="not comparable"),
        reading(after=NAN, half=NAN, region="jaw_left", verdict="not comparable", flagged=False),
    ]  # fmt: skip
    found = look_up([pair(*told)])
    key = ("T0", "disturbed", "blur_1", "all", "relative_redness")
    assert found[*key, "bias_median"].value == pytest.approx(-0.2)
    assert found[*key, "bias_p95"].value == pytest.approx(0.48)
    assert found[*key, "bias_p95"].n == 2
    assert found[*key, "measured_bias_p95"].value > 8.0
    assert found[*key, "refused_share"].value == 0.5
    assert found[*key, "refused_without_flag_share"].value == 0.25
    # Of all disturbances together as well.
    assert ("T0", "disturbed", "any", "all", "relative_redness", "bias_p95") in found


def test_intervals_that_miss_zero_are_counted_for_a_region_alone_and_as_published():
    told = [reading(after=10.0 + d, region=r) for d, r in ((0.0, "chin"), (1.2, "nose"), (1.5, "forehead"))]
    found = look_up([pair(*told, test="unchanged", tier="T1", group="ITA > 41")])
    key = ("T1", "unchanged", "any", "all", "relative_redness")
    assert found[*key, "misses_zero"].value == pytest.approx(2 / 3)  # 1.2 and 1.5 lie outside of 0.98
    assert found[*key, "published_misses_zero"].value == pytest.approx(1 / 3)
    assert found[*key, "misses_zero_low"].value < 2 / 3 < found[*key, "misses_zero_high"].value
    assert ("T1", "unchanged", "any", "ITA > 41", "relative_redness", "bias_p95") in found


def test_false_changes_are_counted_by_pair_and_only_where_something_is_published():
    pairs = [
        pair(reading(verdict="changed"), reading(region="chin"), test="retake", tier="T4"),
        pair(reading(), number=1, test="retake", tier="T4"),
        pair(reading(half=NAN, verdict="not comparable"), number=2, test="retake", tier="T4"),
    ]
    found = look_up(pairs)
    rate = found["T4", "retake", "any", "all", "relative_redness", "false_change_rate"]
    assert (rate.value, rate.n) == (0.5, 2)


def test_recovered_changes_where_something_was_changed_and_elsewhere():
    told = [
        reading(after=12.2, true=2.0, changed=True), reading(after=9.0, true=-1.0, changed=True, region="chin"),
        reading(after=10.3, true=0.0, region="forehead"), reading("redness", after=12.0),
    ]  # fmt: skip
    found = look_up([pair(*told, test="rendered_redness", tier="T3", group="made/*")])
    key = ("T3", "rendered_redness", "any", "all", "relative_redness")
    assert found[*key, "slope"].value == pytest.approx((2.0 * 2.2 + 1.0) / 5.0)
    assert found[*key, "error_median"].value == pytest.approx(0.1)
    assert found[*key, "within_share"].value == 1.0
    assert found[*key, "coverage"].n == 2
    elsewhere = ("T3", "rendered_redness", "any", "made/*", "relative_redness elsewhere")
    assert found[*elsewhere, "error_p95"].value == pytest.approx(0.3)
    assert (*elsewhere, "slope") not in found
    assert ("T3", "rendered_redness", "any", "all", "redness", "error_p95") not in found


def test_the_slope_of_a_contrast_is_that_of_its_shares():
    told = [
        reading("fine_texture", 2.0, 2.36, true=0.4, changed=True),
        reading("fine_texture", 4.0, 3.28, true=-0.8, changed=True, region="chin"),
    ]
    found = look_up([pair(*told, test="texture", tier="T1")])
    key = ("T1", "texture", "any", "all", "fine_texture")
    assert found[*key, "slope"].value == pytest.approx(0.9)
    assert found[*key, "error_p95"].value == pytest.approx(2.0)
    assert found[*key, "error_p95"].unit == "points"


def test_pairs_with_something_useful_are_counted_over_all_tests():
    pairs = [pair(reading(), useful=True), pair(number=1, test="retake", tier="T4", reason="too dark")]
    found = look_up(pairs)
    share = found["all", "all", "any", "all", "pairs", "useful_share"]
    assert (share.value, share.n) == (0.5, 2)
    assert found["T4", "retake", "any", "all", "pairs", "not_compared_share"].value == 1.0


FACE = FaceScore(
    file="a.jpg",
    spots=(SpotScore(kind="red", n_painted=10, n_found=9, n_false=1, area_ratios=(1.2, 1.1, 0.8)),),
    map_ms={"preparing": 9.0, "redness": 4.0, "pores": 30.0}, all_ms=99.0, peak_mb=123.0,
)  # fmt: skip


def test_spots_and_cost():
    found = look_up([pair(reading())], [FACE, replace(FACE, spots=(replace(FACE.spots[0], n_found=10),), all_ms=199.0)])
    key = ("T0", "spots", "any", "all", "red spots of 1–4 mm")
    assert found[*key, "recall"].value == pytest.approx(19 / 20)
    assert found[*key, "precision"].value == pytest.approx(19 / 21)
    assert found[*key, "area_bias_median"].value == pytest.approx(0.1)
    cost = ("T4", "cost", "any", "all")
    assert found[*cost, "everything", "milliseconds"].value == pytest.approx(149.0)
    assert found[*cost, "all maps", "milliseconds"].value == pytest.approx(43.0)
    assert found[*cost, "all maps", "peak_memory"].value == 123.0


def everything(error=0.1, *, half=1.4, verdict="no detectable change", bias=0.0):
    """All tests with all metrics: n pairs of each."""
    pairs = []
    for n in range(12):
        same = [reading(m, 4.0, 4.0 + 0.04 * bias, half=half, verdict=verdict) for m in METRICS]
        pairs += [
            pair(*same, number=n, method=way, useful=True, reason="too\ndark" if n == 3 else "") for way in DISTURBANCES
        ]
        pairs.append(pair(*same, number=n, test="retake", tier="T4"))
        pairs.append(pair(*same, number=n, test="rendered_unchanged", tier="T3", group="made/hard*"))
        red = reading(after=12.0 + error, true=2.0, changed=True, half=half)
        pairs += [pair(red, number=n, test="blood", tier=t, group="ITA 28–41") for t in ("T0", "T1")]
        pairs.append(pair(*same, number=n, test="unchanged", tier="T1", group="ITA 28–41"))
    return MetricsValidation(figures=tuple(metric_figures(pairs, [FACE])), pairs=tuple(pairs))


def printed(tables):
    console = Console(width=100, file=io.StringIO(), legacy_windows=False)
    for table in tables:
        console.print(table)
    return console.file.getvalue()


def test_tables_hold_every_metric_and_fit_into_100_columns():
    tables = render_metrics_tables(everything().figures)
    text = printed(tables)
    assert len(tables) == 6
    assert "…" not in text and max(map(len, text.splitlines())) <= 100
    for name in METRICS:
        assert text.count(name.replace("_", " ")) >= 3, name
    assert "ITA 28–41" in text and "90 %" in text
    assert not render_metrics_tables([])


def test_what_is_measured_and_not_published_stands_in_brackets():
    refused = [pair(reading(half=NAN, verdict="not comparable"), method=way) for way in DISTURBANCES]
    table = render_metrics_tables(metric_figures(refused, []))[0]
    cells = [next(iter(column.cells)).plain for column in table.columns]
    assert cells[:2] == ["relative redness", "(a*-eq)"] and set(cells[2:]) == {"0.20"}


@pytest.mark.parametrize(
    ("value", "text"), [(0.123, "0.12"), (-4.26, "-4.3"), (0.999, "1.0"), (365.2, "365"), (NAN, "–")]
)
def test_numbers_are_short(value, text):
    assert short(value) == text


def test_remarks_are_one_line_each_and_name_what_is_worst():
    lines = metrics_remarks(everything(bias=3.0))
    text = "\n".join(lines)
    assert all(line.isprintable() for line in lines)
    assert "A mere copy differs in" in text
    assert "dark (16)" in text  # one for each disturbance
    assert "takes 99 ms" in text and "123 MB" in text
    assert "12 pairs of real retakes" in text


def test_the_sentence_says_that_the_goals_are_met_or_which_are_not():
    good = FaceScore(
        file="a.jpg", spots=(SpotScore(kind="red", n_painted=20, n_found=20, n_false=1, area_ratios=(1.05,)),)
    )
    pairs = everything(error=0.02).pairs
    text = judge_metrics(MetricsValidation(figures=tuple(metric_figures(pairs, [good])), pairs=pairs))
    assert text.startswith("The metrics can be trusted")
    bad = judge_metrics(everything(error=0.3, bias=9.0, half=0.3))
    assert bad.startswith("Do not trust them everywhere")
    for words in ("injected redness (T0, n 12): p95 error 0.30", "slope 1.15", "made/hard*", "bias +9 %"):
        assert words in bad or "more" in bad
    assert "injected redness (T0, n 12): p95 error 0.30" in bad
