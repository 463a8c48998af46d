"""The tables of a validation of the verdicts for the terminal: 80 columns wide."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from skinprogress.metrics.table import METRICS
from skinprogress.photos.scan import one_line
from skinprogress.validation.color_scores import grouped
from skinprogress.validation.color_tables import RUNGS, Figures, number, percent, render_table
from skinprogress.validation.scenes import METRICS as REDNESS
from skinprogress.validation.table import Figure
from skinprogress.validation.verdicts_outcomes import AMOUNTS
from skinprogress.validation.verdicts_scores import ANY, EVERY, HEADLINE, SHOTS

if TYPE_CHECKING:
    from rich.table import Table

TIERS = ("T0", "T1", "T4")
STILL = {"T0": "unchanged", "T1": "unchanged", "T4": "retake"}
_PLACED = {"local": ("relative_redness", "redness_index"), "whole_face": ("redness_index", "redness")}
_GRADES = "ABCDEF"
# A terminal has 80 columns.
_SHORT = {"redness": "a*", "redness_index": "index", "relative_redness": "relative"}
WHERE = {"unchanged": "nothing", "local": "region", "whole_face": "face"}


def render_verdicts_tables(all_figures: Sequence[Figure]) -> "list[Table]":
    """False changes, power, coverage, recovery curves, grades.

    Parameters
    ----------
    all_figures : sequence of Figure

    Returns
    -------
    list of rich.table.Table
        Without those that would be empty.
    """
    figures = Figures(all_figures)
    tables = (
        render_table(
            ("nothing changed:\nchange is claimed", "tier"), ("in headlines", "in families", "in tests"),
            _false_rows(figures),
        ),
        render_table(
            ("nothing changed:\nfamilies with a claim",), [f"{tier}\nclaimed\nn" for tier in TIERS],
            _family_rows(figures),
        ),
        render_table(
            ("found, %,\nby size", "tier", "reference", "shots"), [f"{amount:g}\n" for amount in AMOUNTS],
            _power_rows(figures),
        ),
        render_table(
            ("95 % holds", "tier", "pairs"), ("n", "one region", "all\njointly", "SE", "off,\nin SE", "wrong"),
            _coverage_rows(figures),
        ),
        render_table(
            ("redness falls", "reference"), ("n", "refused", "τ off\nmed.", "\np95", "within\n20 %", "95 %\nholds"),
            _recovery_rows(figures),
        ),
        render_table(("grades", "reference"), ("n", *_GRADES), _grade_rows(figures)),
    )  # fmt: skip
    return [table for table in tables if table.row_count]


def share(
    figures: Figures, tier: str, test: str, method: str, metric: str, figure: str, *, subject: str = "all"
) -> str:
    """A share in per cent with its interval and n; a dash where it is not known."""
    found = figures.get(tier, test, method, metric, figure, subject=subject)
    if found is None:
        return "–"
    low, high = (
        100.0 * figures.value(tier, test, method, metric, f"{figure}_{end}", subject=subject) for end in ("low", "high")
    )
    return f"{100.0 * found.value:.1f} ({low:.1f}–{high:.1f}) {found.n}"


def groups_of(figures: Figures, tier: str, test: str) -> list[tuple[str, str, str]]:
    """Words, rung and subject of the groups that a test is told of."""
    some = [f for f in figures.all if (f.tier, f.test) == (tier, test)]
    rungs = dict.fromkeys(f.method for f in some if f.method != ANY)
    subjects = dict.fromkeys(f.subject for f in some if f.subject != "all")
    return [("all", ANY, "all"), *((r, r, "all") for r in rungs), *((one_line(s), ANY, s) for s in subjects)]


def _false_rows(figures: Figures) -> Iterator[list[str]]:
    for tier, test in STILL.items():
        for words, rung, subject in groups_of(figures, tier, test):
            cells = [
                share(figures, tier, test, rung, metric, figure, subject=subject)
                for metric, figure in (
                    (HEADLINE, "false_change_rate"), (EVERY, "false_family_rate"), (EVERY, "false_change_rate")
                )
            ]  # fmt: skip
            if any(cell != "–" for cell in cells):
                yield [words, tier, *cells]


def _family_rows(figures: Figures) -> Iterator[list[str]]:
    for name in METRICS:
        cells = [share(figures, tier, test, ANY, name, "false_family_rate") for tier, test in STILL.items()]
        if any(cell != "–" for cell in cells):
            yield [name.replace("_", " "), *cells]


def _power_rows(figures: Figures) -> Iterator[list[str]]:
    parts = [(ANY, "all"), *((ANY, shots) for shots in SHOTS.values()), *((rung, "all") for rung in RUNGS)]
    for test, metrics in _PLACED.items():
        for metric in metrics:
            for tier in TIERS:
                for rung, subject in parts:
                    found = [
                        figures.get(tier, f"{test}_{amount:g}", rung, metric, "power", subject=subject)
                        for amount in AMOUNTS
                    ]
                    if any(found):
                        cells = [f"{100.0 * f.value:.0f} ({f.n})" if f else "–" for f in found]
                        yield [f"{_SHORT[metric]}, {WHERE[test]}", tier, rung, subject.removesuffix("all"), *cells]


def _coverage_rows(figures: Figures) -> Iterator[list[str]]:
    for metric in REDNESS:
        for test in WHERE:
            for tier in TIERS:
                for words, rung, subject in groups_of(figures, tier, test):
                    if subject != "all" and (metric != "relative_redness" or test == "whole_face"):
                        continue
                    found = figures.get(tier, test, rung, metric, "coverage", subject=subject)
                    if found is None:
                        continue
                    low, high, jointly, error, off, wrong = (
                        figures.value(tier, test, rung, metric, figure, subject=subject)
                        for figure in (
                            "coverage_low", "coverage_high", "coverage_jointly", "standard_error_median",
                            "error_in_standard_errors", "large_called_unchanged_rate",
                        )
                    )  # fmt: skip
                    yield [
                        f"{_SHORT[metric]}, {WHERE[test]}", tier, words, str(found.n),
                        f"{100.0 * found.value:.1f} ({100.0 * low:.0f}–{100.0 * high:.0f})", percent(jointly),
                        number(error), number(off), percent(wrong) if math.isfinite(wrong) else "",
                    ]  # fmt: skip


def _recovery_rows(figures: Figures) -> Iterator[list[str]]:
    for test in dict.fromkeys(f.method for f in figures.all if f.test == "recovery"):
        refused = figures.get("T0", "recovery", test, "tau", "refused_share")
        name, _, reference = test.rpartition(", ")
        off = [
            figures.value("T0", "recovery", test, "tau", figure)
            for figure in ("error_median", "error_p95", "within_share", "coverage")
        ]
        cells = [percent(value) if math.isfinite(value) else "" for value in off]
        yield [
            name,
            reference,
            str(refused.n if refused else 0),
            percent(refused.value if refused else math.nan),
            *cells,
        ]


def _grade_rows(figures: Figures) -> Iterator[list[str]]:
    some = [f for f in figures.all if f.test == "grades"]
    for (tier, rung), of_rung in grouped(some, lambda f: (f.tier, f.method)):
        shares = {f.figure: f.value for f in of_rung}
        cells = [percent(shares[name]) if (name := f"grade_{g}_share") in shares else "" for g in _GRADES]
        yield [tier, rung, str(of_rung[0].n), *cells]
