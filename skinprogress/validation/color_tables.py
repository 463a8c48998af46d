"""The tables of a colour validation for the terminal."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from skinprogress.outputs.style import number_text
from skinprogress.photos.scan import one_line
from skinprogress.validation.color_pairs import NAIVE
from skinprogress.validation.color_scores import ANY, ELSEWHERE
from skinprogress.validation.scenes import DARKEST, ITA_BINS
from skinprogress.validation.table import Figure

if TYPE_CHECKING:
    from rich.table import Table

RUNGS = ("card", "patch", "background", "none")
TIERS = ("T0", "T1", "T3")

_PLAIN = {"as_taken": "as taken", "grey_world": "grey world", "equal_mean_face": "equal face"}
# Rows: words, background, test, metric, and which naive methods stand beside. Narrow: a terminal has 80 columns.
_ROWS: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    ("whole face", "in view", "whole_face", "redness", NAIVE),
    ("", "cropped", "whole_face_cropped", "redness", NAIVE),
    ("", "card", "whole_face_card", "redness", ()),
    ("", "unused", "whole_face_without", "redness", ()),
    ("region, rel.", "any", "local" + ANY, "relative_redness", NAIVE[:1]),
    ("others, rel.", "any", "local" + ANY + ELSEWHERE, "relative_redness", ()),
    ("nothing", "any", "no_change" + ANY, "redness", ()),
    ("nothing, rel.", "any", "no_change" + ANY, "relative_redness", ()),
    ("areas", "", "true_redness", "redness", ()),
    ("areas, rel.", "", "true_redness", "relative_redness", ()),
)


class Figures:
    """The figures of a validation, to be looked up."""

    def __init__(self, figures: Sequence[Figure]) -> None:
        self._found = {(f.tier, f.test, f.method, f.subject, f.metric, f.figure): f for f in figures}
        self.all = tuple(figures)

    def get(
        self, tier: str, test: str, method: str, metric: str, figure: str, *, subject: str = "all"
    ) -> Figure | None:
        return self._found.get((tier, test, method, subject, metric, figure))

    def value(self, tier: str, test: str, method: str, metric: str, figure: str, *, subject: str = "all") -> float:
        found = self.get(tier, test, method, metric, figure, subject=subject)
        return found.value if found else math.nan

    def tiers(self, test: str) -> list[str]:
        return [tier for tier in TIERS if any(f.test == test and f.tier == tier for f in self.all)]

    def subjects(self, test: str) -> list[str]:
        return list(dict.fromkeys(f.subject for f in self.all if f.test == test))


def render_color_tables(all_figures: Sequence[Figure]) -> "list[Table]":
    """Errors by test, by skin tone and folder, and skin after correction by a card.

    Parameters
    ----------
    all_figures : sequence of Figure

    Returns
    -------
    list of rich.table.Table
        Without those that would be empty.
    """
    figures = Figures(all_figures)
    errors = ("n", "RMS", "p95", "slope", "95 %\nholds", "±", "false")
    tables = (
        render_table(("changed", "scene", "tier", "reference"), ("share", *errors), _error_rows(figures)),
        render_table(("skin, photos", "tier", "reference"), errors, _group_rows(figures)),
        render_table(
            ("card", "tier", "corrected by"),
            ("photos", "found", "used", "ΔE00\nmedian", "p95", "colour only\nmedian", "p95"),
            _card_rows(figures),
        ),
    )
    return [table for table in tables if table.row_count]


def render_table(words: Sequence[str], numbers: Sequence[str], rows: Iterator[list[str]]) -> "Table":
    """A plain table: columns of words, then of numbers."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for title in words:
        table.add_column(title, overflow="fold")  # rather than that numbers are cut short
    for title in numbers:
        table.add_column(title, no_wrap=True, justify="right")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    return table


def _error_rows(figures: Figures) -> Iterator[list[str]]:
    changed = ""
    for words, scene, test, metric, naive in _ROWS:
        changed = words or changed
        for tier in figures.tiers(test):
            title = tier
            for method in (*RUNGS, *naive):
                numbers = _numbers(figures, tier, test, method, metric)
                if numbers:
                    share = figures.value(tier, test, method, "pairs", "rung_share")
                    told = percent(share) if math.isfinite(share) else ""
                    yield [changed, scene if title else "", title, _PLAIN.get(method, method), told, *numbers]
                    changed = title = ""


def _numbers(figures: Figures, tier: str, test: str, method: str, metric: str, *, subject: str = "all") -> list[str]:
    """Cells of one method; empty where it has no figures."""
    rms = figures.get(tier, test, method, metric, "error_rms", subject=subject)
    if rms is None:
        return []
    cells = [
        number(figures.value(tier, test, method, metric, name, subject=subject))
        for name in ("error_rms", "error_p95", "slope")
    ]
    holds = figures.value(tier, test, method, metric, "coverage_judged", subject=subject)
    half = figures.value(tier, test, method, metric, "half_interval_median", subject=subject)
    false = figures.value(tier, test, method, metric, "false_change_rate", subject=subject)
    told = [percent(holds), f"{half:.1f}", percent(false)]
    return [
        str(rms.n),
        *cells,
        *(text if math.isfinite(v) else "" for text, v in zip(told, (holds, half, false), strict=True)),
    ]


def _group_rows(figures: Figures) -> Iterator[list[str]]:
    tones = [name for name, _ in ITA_BINS] + [DARKEST]
    folders = sorted(s for s in figures.subjects("true_redness") if s.endswith("*"))
    for test, metric, ending, subjects in (
        ("whole_face" + ANY, "redness", "", tones),
        ("true_redness", "redness", "", folders),
        ("true_redness", "relative_redness", " rel.", folders),
    ):
        for subject in subjects:
            title = subject + ending
            for tier in figures.tiers(test):
                for method in RUNGS:
                    numbers = _numbers(figures, tier, test, method, metric, subject=subject)
                    if numbers:
                        yield [title, tier, method, *numbers]
                        title = ""


def _card_rows(figures: Figures) -> Iterator[list[str]]:
    for tier in figures.tiers("card"):
        for method, metric in (("card", "skin"), ("white_balance", "skin")):
            found = figures.get(tier, "card", "card", "cards", "found_share")
            if found is None:
                continue
            photos = [str(found.n)] + [
                percent(figures.value(tier, "card", "card", "cards", name)) for name in ("found_share", "used_share")
            ]
            cells = [
                number(figures.value(tier, "card", method, name, figure))
                for name in (metric, f"{metric}, same lightness")
                for figure in ("delta_e_median", "delta_e_p95")
            ]
            title = "rendered" if tier == "T3" else "held in"
            if method == "card":
                yield [title, tier, "the card", *photos, *cells]
            else:
                yield ["", tier, "its greys", "", "", "", *(cell if cell != "–" else "" for cell in cells)]


def number(value: float) -> str:
    """Two decimals; a dash for what is not known."""
    return number_text(value, 2) if math.isfinite(value) else "–"


def percent(share: float) -> str:
    """A share in per cent; a dash for what is not known."""
    return f"{100.0 * share:.0f} %" if math.isfinite(share) else "–"
