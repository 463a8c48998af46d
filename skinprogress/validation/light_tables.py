"""The tables of a validation of the light for the terminal, and what they say in words."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from skinprogress.outputs.wording import listed
from skinprogress.photos.scan import one_line
from skinprogress.validation.color_scores import grouped
from skinprogress.validation.color_tables import Figures, number, percent, render_table
from skinprogress.validation.light_scores import STEADY, TEXTURE, LightScore, is_refused
from skinprogress.validation.table import Figure

if TYPE_CHECKING:
    from rich.table import Table

    from skinprogress.validation.light import LightValidation

# Test, tier, photos where they have no pattern of their own, and what was changed.
_TESTS = (
    ("rendered_unchanged", "T3", "rendered", "same"),
    ("rendered_local", "T3", "rendered", "local"),
    ("rendered_everywhere", "T3", "rendered", "all"),
    ("relit_unchanged", "T1", "lit anew", "same"),
    ("relit_local", "T1", "lit anew", "local"),
    ("retake_unchanged", "T4", "same person", "same"),
)
_PROMISED = 0.95
_SLOPES = (0.9, 1.15)
# What people see is 2.5: an error of half of it would be taken for the start of one.
_LARGE = 1.25
_MUCH_REFUSED = 0.5


def render_light_tables(all_figures: Sequence[Figure]) -> "list[Table]":
    """Errors of relative redness and of the redness index by test, and photos of the same skin.

    Parameters
    ----------
    all_figures : sequence of Figure

    Returns
    -------
    list of rich.table.Table
        Without those that would be empty.
    """
    figures = Figures(all_figures)
    errors = ("n", "raw\nmed.", "\np95", "comp.\nmed.", "\np95", "\nRMS", "\nslope", "95 %\nholds", "re-\nfused")
    tables = (
        render_table(
            ("relative\nredness of", "skin"), (*errors, "tex-\nture"), _error_rows(figures, "relative_redness")
        ),
        render_table(("redness\nindex of", "skin"), errors, _error_rows(figures, "redness_index")),
        render_table(
            ("same skin, relative redness",),
            ("pairs", "raw\nmean", "\nSD", "comp.\nmean", "\nSD"),
            _retake_rows(figures),
        ),
    )
    return [table for table in tables if table.row_count]


def _subjects(figures: Figures, test: str) -> list[str]:
    """Patterns of photos, or all of them."""
    return [s for s in figures.subjects(test) if s.endswith("*")] or ["all"]


def _error_rows(figures: Figures, metric: str) -> Iterator[list[str]]:
    for test, tier, words, skin in _TESTS:
        for subject in _subjects(figures, test):

            def value(name: str, method: str = "compensated", *, of: str = metric, at: str = subject) -> float:
                return figures.value(tier, test, method, of, name, subject=at)  # noqa: B023 - called in this turn

            refused = figures.get(tier, test, "compensated", metric, "refused_share", subject=subject)
            if refused is None:
                continue
            slope = value("slope_changed") if skin == "local" else value("slope")
            row = [
                words if subject == "all" else subject, skin, str(refused.n),
                *(number(value(name, "raw")) for name in ("measured_error_median", "measured_error_p95")),
                *(number(value(name)) for name in ("error_median", "error_p95", "error_rms")),
                number(slope) if math.isfinite(slope) else "",
                _coverage(*(value(name) for name in ("coverage", "coverage_low", "coverage_high"))),
                percent(refused.value),
            ]  # fmt: skip
            if metric == "relative_redness":
                row.append(percent(value("refused_share", of=TEXTURE)))
            yield row


def _coverage(share: float, low: float, high: float) -> str:
    return f"{100 * share:.0f} ({100 * low:.0f}–{100 * high:.0f})" if math.isfinite(share) else "–"


def _retake_rows(figures: Figures) -> Iterator[list[str]]:
    for name in (*STEADY, "cheeks and forehead"):
        metric = f"relative_redness {name}"
        raw = figures.get("T4", "retake_unchanged", "raw", metric, "difference_sd")
        if raw is None:
            continue
        cells = [
            figures.value("T4", "retake_unchanged", method, metric, figure)
            for method in ("raw", "compensated")
            for figure in ("difference_mean", "difference_sd")
        ]
        yield [name.replace("_", " "), str(raw.n), *(number(v) if math.isfinite(v) else "" for v in cells)]


def light_remarks(validation: "LightValidation") -> list[str]:
    """Lines to stand below the tables; the last says in one sentence whether the figures can be trusted."""
    compensated = [score for score in validation.scores if score.method == "compensated"]
    lines = [
        "Errors in a*-eq, found minus true; people see about 2.5. skin: the same, changed in some areas (local; slope "
        "there), in all. n: regions asked for. raw: light left in, of all that is measured. comp.: light taken out, of "
        "what is published. p95: 95 % are smaller. slope: found per true. 95 % holds: % of the intervals for one "
        "region alone, in brackets the binomial interval for so many regions; those of one photo hang together. "
        "refused: regions without a difference, or not comparable; texture: the same of texture.",
        "rendered (T3): lamps, head and camera settings differ; one scanned head, one camera. lit anew (T1): photos "
        "under a smooth change of light without cast shadows, which flatters. same person (T4): photos as they are.",
        _worst(compensated),
        _behind_refusals(compensated),
        _reasons(compensated),
        _false_changes(Figures(validation.figures)),
    ]
    return [*filter(None, lines), judge_light(validation)]


def _worst(scores: Sequence[LightScore]) -> str:
    """The published relative redness that is farthest off."""
    off = [
        (abs(o.error), score, o)
        for score in scores
        for o in score.outcomes
        if o.metric == "relative_redness" and not is_refused(o)
    ]
    if not off:
        return ""
    _, score, outcome = max(off, key=lambda item: item[0])
    by_region = {
        region: float(np.sqrt(np.mean([e**2 for e, _, _ in some])))
        for region, some in grouped(off, lambda item: item[2].region)
    }
    region = max(by_region, key=lambda name: by_region[name])
    return (
        f"Farthest off: {outcome.region.replace('_', ' ')} of {one_line(score.pair)}: {number(outcome.found)} found, "
        f"{number(outcome.true)} true, interval ± {number(outcome.half_alone)}. Worst region over all pairs: "
        f"{region.replace('_', ' ')}, RMS {number(by_region[region])}."
    )


def _behind_refusals(scores: Sequence[LightScore]) -> str:
    """What would have been said of what is refused: a refusal of good figures is a loss too."""
    off = [
        abs(o.error)
        for score in scores
        for o in score.outcomes
        if o.metric == "relative_redness" and is_refused(o) and math.isfinite(o.found)
    ]
    if not off:
        return ""
    return (
        f"Refused though measured: {len(off)} regions, whose relative redness would have been off by "
        f"{number(float(np.median(off)))} (median) and {number(float(np.percentile(off, 95.0)))} (p95)."
    )


def _reasons(scores: Sequence[LightScore]) -> str:
    """Why whole pairs were refused, by how often."""
    refused = [s.reason.split("; ") for s in scores if s.reason]
    counts = grouped((reason for reasons in refused for reason in reasons), lambda reason: reason)
    top = sorted(counts, key=lambda item: -len(item[1]))[:4]
    told = "; ".join(f"{one_line(reason)} ({len(some)})" for reason, some in top)
    return f"{len(refused)} of {len(scores)} pairs refused: {told}." if refused else ""


def _false_changes(figures: Figures) -> str:
    """Pairs of unchanged skin in which a change of relative redness is claimed."""
    told = []
    for test, tier, words, _ in _TESTS:
        raw, ours = (
            figures.get(tier, test, m, "relative_redness", "false_change_rate") for m in ("raw", "compensated")
        )
        if raw and ours:
            told.append(f"{words} {round(raw.value * raw.n)} raw, {round(ours.value * ours.n)} comp. of {ours.n}")
    return f"Pairs of unchanged skin in which a change is claimed somewhere: {'; '.join(told)}." if told else ""


def judge_light(validation: "LightValidation") -> str:
    """Say in one sentence whether relative redness can be trusted on these photos when the light differs.

    Parameters
    ----------
    validation : LightValidation

    Returns
    -------
    str
    """
    figures = Figures(validation.figures)
    told, doubts = [], []
    for test, tier, words, skin in _TESTS:
        for subject in _subjects(figures, test):
            name = f"{one_line(words if subject == 'all' else subject)} ({skin})"

            def value(figure: str, method: str = "compensated", *, at: str = subject) -> float:
                return figures.value(tier, test, method, "relative_redness", figure, subject=at)  # noqa: B023

            ours, raw = value("error_p95"), value("measured_error_p95", "raw")
            if value("refused_share") > _MUCH_REFUSED:
                doubts.append(f"{name}: {percent(value('refused_share'))} refused")
            if not math.isfinite(ours):
                continue
            told.append((ours, f"{number(ours)} (raw {number(raw)}, {name})"))
            if ours > _LARGE:
                doubts.append(f"{name}: 1 error in 20 is above {number(ours)}")
            if value("coverage_by_pair_high") < _PROMISED:
                doubts.append(f"{name}: intervals too narrow, {percent(value('coverage'))} hold")
            slope = value("slope_changed")
            if math.isfinite(slope) and not _SLOPES[0] <= slope <= _SLOPES[1]:
                doubts.append(f"{name}: {number(slope)} found of each unit of change")
    if not told:
        return "Whether redness can be trusted in other light cannot be said: no pair could be compared."
    size = f"in 95 of 100 cases relative redness is off by less than {max(told)[1]} at worst"
    if not doubts:
        return f"The light can be trusted to have been taken out: {size}, and the stated 95 % intervals hold."
    more = f" and {len(doubts) - 4} more" if len(doubts) > 4 else ""
    return f"Do not trust it everywhere: {size}; {listed(doubts[:4])}{more}."
