"""The tables of a validation of the metrics for the terminal: at most 100 columns wide."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from skinprogress.metrics.table import METRICS
from skinprogress.synthetic.disturbances import DISTURBANCES
from skinprogress.validation.color_tables import Figures, number, percent, render_table
from skinprogress.validation.metrics_scores import UNCHANGED
from skinprogress.validation.metrics_setups import BANDS_MM
from skinprogress.validation.table import Figure

if TYPE_CHECKING:
    from rich.table import Table

TIERS = ("T0", "T1", "T3", "T4")

# Strengths that are left to the file, so that a line holds the rest.
_LEFT_OUT = ("copy", "jpeg_90")
_HEADS = {"exposure": "exp.", "colour": "WB", "shading": "side"}
_TESTS_PER_TABLE = 3
_WAYS_PER_TABLE = 7
_TEST_HEADS = {"disturbed": "disturbed", "unchanged": "retaken", "retake": "same person"}
_WORDS = {
    "blood": "blood",
    "texture": "texture",
    "texture_face": "texture, face",
    "rendered_redness": "blood",
    "rendered_texture": "texture",
}


def render_metrics_tables(all_figures: Sequence[Figure]) -> "list[Table]":
    """Biases by disturbance, intervals that miss zero, recovered changes, painted spots.

    Parameters
    ----------
    all_figures : sequence of Figure

    Returns
    -------
    list of rich.table.Table
        Without those that would be empty.
    """
    figures = Figures(all_figures)
    columns = unchanged_columns(figures)
    parts = [columns[k : k + _TESTS_PER_TABLE] for k in range(0, len(columns), _TESTS_PER_TABLE)]
    tables = (
        *(
            render_table(("nothing changed,\np95 of the bias",), _disturbance_heads(ways), _bias_rows(figures, ways))
            for ways in _ways_by_table()
        ),
        *(render_table(("nothing changed,\nin %",), _zero_heads(part), _zero_rows(figures, part)) for part in parts),
        render_table(
            ("changed", "found by", "photos", "tier"),
            ("n", "error\nmed.", "\np95", "slope", "95 %\nholds", "re-\nfused", "10 %\nor 0.2"),
            _recovery_rows(figures),
        ),
        render_table(("painted",), ("n", "found", "true", "area\nbias", "error\nmed.", "\np95"), _spot_rows(figures)),
    )
    return [table for table in tables if table.row_count]


def unchanged_columns(figures: Figures) -> list[tuple[str, str, str]]:
    """Tier, test and photos of the tests in which nothing was changed; of rendered photos by pattern."""
    found = []
    for test in UNCHANGED:
        subjects = [s for s in figures.subjects(test) if s.endswith("*")] or ["all"]
        found += [
            (tier, test, subject)
            for tier in TIERS
            for subject in subjects
            if any((f.tier, f.test, f.subject) == (tier, test, subject) for f in figures.all)
        ]
    return found


def short(value: float) -> str:
    """A number in about four characters; a dash for what is not known."""
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    return f"{value:.2f}" if size < 0.995 else f"{value:.1f}" if size < 9.95 else f"{value:.0f}"


def _ways_by_table() -> list[list[str]]:
    """Disturbances by the table that they stand in: so many that a narrow window shows them."""
    ways = [way for way in DISTURBANCES if way not in _LEFT_OUT]
    return [ways[k : k + _WAYS_PER_TABLE] for k in range(0, len(ways), _WAYS_PER_TABLE)]


def _disturbance_heads(ways: Sequence[str]) -> list[str]:
    heads: list[str] = ["unit"]
    family = ""
    for row in (DISTURBANCES[way] for way in ways):
        first = _HEADS.get(row.family, row.family) if row.family != family else ""
        heads.append(f"{first}\n{row.strength}")
        family = row.family
    return heads


def _bias_rows(figures: Figures, ways: Sequence[str]) -> Iterator[list[str]]:
    for name in METRICS:
        # A metric of which nothing is published is still worth a look.
        for figure, form in (("bias_p95", "{}"), ("measured_bias_p95", "({})")):
            found = [figures.get("T0", "disturbed", way, name, figure) for way in ways]
            unit = next((bias.unit for bias in found if bias), None)
            if unit is not None:
                yield [name.replace("_", " "), form.format(unit), *(short(b.value) if b else "–" for b in found)]
                break


def _zero_heads(columns: Sequence[tuple[str, str, str]]) -> list[str]:
    heads = []
    for tier, test, subject in columns:
        heads += [f"{_TEST_HEADS.get(test, subject)}\n{tier} misses 0", "re-\nfused", "\nsaid"]
    return heads


def _zero_rows(figures: Figures, columns: Sequence[tuple[str, str, str]]) -> Iterator[list[str]]:
    for name in METRICS:
        cells: list[str] = []
        for tier, test, subject in columns:
            share, low, high, refused, said = (
                100.0 * figures.value(tier, test, "any", name, figure, subject=subject)
                for figure in (
                    "misses_zero", "misses_zero_low", "misses_zero_high", "refused_share", "false_change_rate"
                )
            )  # fmt: skip
            shown = f"{share:.0f} ({low:.0f}–{high:.0f})" if math.isfinite(share) else "–"
            cells += [shown, *(f"{v:.0f}" if math.isfinite(v) else "" for v in (refused, said))]
        if any(cell not in ("", "–") for cell in cells):
            yield [name.replace("_", " "), *cells]


def _recovery_rows(figures: Figures) -> Iterator[list[str]]:
    for test, words in _WORDS.items():
        # Of absolute redness, what lies elsewhere says more about the colour reference than about the metric.
        shown = {name: ("", " elsewhere") if METRICS[name].reference or name in BANDS_MM else ("",) for name in METRICS}
        for metric in (name + ending for name, endings in shown.items() for ending in endings):
            for tier in TIERS:
                for subject in recovery_subjects(figures, test, metric):

                    def value(name: str, *, t: str = tier, s: str = subject, m: str = metric) -> float:
                        return figures.value(t, test, "any", m, name, subject=s)  # noqa: B023 - called in this turn

                    asked = figures.get(tier, test, "any", metric, "refused_share", subject=subject)
                    if asked is None:
                        continue
                    prefix = "" if math.isfinite(value("error_p95")) else "measured_"
                    unit = figures.get(tier, test, "any", metric, f"{prefix}error_p95", subject=subject)
                    yield [
                        words, metric.replace("_", " "), "" if subject == "all" else subject, tier, str(asked.n),
                        *(short(value(f"{prefix}error_{figure}")) for figure in ("median", "p95")),
                        number(value(f"{prefix}slope")) if math.isfinite(value(f"{prefix}slope")) else "",
                        percent(value("coverage")), percent(value("refused_share")),
                        percent(value("within_share")) if unit and test == "rendered_redness" else "",
                    ]  # fmt: skip


def recovery_subjects(figures: Figures, test: str, metric: str) -> list[str]:
    """All photos, and where that is asked for, skin tones and patterns."""
    parts = [s for s in figures.subjects(test) if s != "all"]
    if test == "blood":
        return ["all", *sorted(parts)] if metric == "relative_redness" else ["all"]
    return sorted(parts) if test.startswith("rendered") else ["all"]


def _spot_rows(figures: Figures) -> Iterator[list[str]]:
    for metric in dict.fromkeys(f.metric for f in figures.all if f.test == "spots"):

        def value(name: str, *, m: str = metric) -> float:
            return figures.value("T0", "spots", "any", m, name)

        painted = figures.get("T0", "spots", "any", metric, "recall")
        areas = ("area_bias_median", "area_error_median", "area_error_p95")
        yield [
            metric, str(painted.n if painted else 0), percent(value("recall")), percent(value("precision")),
            *(percent(value(name)) for name in areas),
        ]  # fmt: skip
