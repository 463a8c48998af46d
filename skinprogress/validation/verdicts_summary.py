"""What a validation of the verdicts says in words, and which goals it finds missed."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from skinprogress.metrics.table import METRICS
from skinprogress.photos.scan import one_line
from skinprogress.validation.color_scores import grouped
from skinprogress.validation.color_tables import Figures, percent
from skinprogress.validation.scenes import METRICS as REDNESS
from skinprogress.validation.table import Figure
from skinprogress.validation.verdicts_pairs import IOD_PX
from skinprogress.validation.verdicts_recovery import CASES, PERMITTED_ERROR, RISE
from skinprogress.validation.verdicts_scores import ANY, EVERY, HEADLINE, SHOTS
from skinprogress.validation.verdicts_tables import STILL, TIERS, WHERE, groups_of, share

if TYPE_CHECKING:
    from skinprogress.validation.verdicts import VerdictsValidation

HEADLINE_RATE, FAMILY_RATE, RETAKE_RATE = 0.01, 0.05, 0.05
COVERAGE = (0.93, 0.97)
POWER, POWER_AT = 0.95, {"T0": 1.5, "T1": 2.0}
"""What is aimed at; the power with two shots a session, of relative redness."""

_LEAST_N = 10
_LIMITS = (
    (HEADLINE, "false_change_rate", HEADLINE_RATE, "headlines"),
    (EVERY, "false_family_rate", FAMILY_RATE, "families"),
)
_RETAKE_LIMITS = ((EVERY, "false_change_rate", RETAKE_RATE, "tests of the same person"),)

Goal = tuple[bool, str]


def verdicts_remarks(validation: "VerdictsValidation") -> list[str]:
    """Lines to stand below the tables; the last says which goals are missed."""
    figures = Figures(validation.figures)
    reasons = [pair.reason for pair in validation.pairs if pair.reason]
    top = sorted(grouped(reasons, lambda reason: reason), key=lambda item: -len(item[1]))[:3]
    told = "; ".join(f"{one_line(reason)} ({len(some)})" for reason, some in top)
    lines = [
        "In brackets the binomial interval, after it n. headlines: pairs of which a headline could claim a change; "
        "families: all regions of one metric in one pair; tests: one metric in one region. Regions of a pair and pairs "
        "of a face stand or fall together: the intervals are too narrow.",
        "found: said to have changed, in the right direction, by size of the change in a*-equivalents, in brackets n; "
        "a*, index, relative: redness, redness index, relative redness; region, face: what was changed. 95 % holds: "
        "the interval of one region by itself, and the published ones of all regions jointly; n are pairs; SE: "
        "median standard error; off: root mean square of the error, 1 where the SE is right; wrong: called unchanged "
        "where the truth moved by more than the margin.",
        f"T0, T1: made from one photo of which the face was shrunk to {IOD_PX:.0f} px between the irises: the light "
        "and the head do not move, which flatters. T4: photos of one person, as they are.",
        f"redness falls: made-up rises of {RISE:g} a*-equivalents that fall with τ, with the median error of these "
        "pairs.",
        f"{len(reasons)} of {len(validation.pairs)} pairs refused: {told}." if reasons else "",
        _unmatched(figures),
        _cost(figures),
    ]
    return [*filter(None, lines), judge_verdicts(validation.figures)]


def _unmatched(figures: Figures) -> str:
    """What is said of whole faces where nothing matches the colour."""
    told = [
        f"{tier} {share(figures, tier, 'whole_face', 'none', 'redness_index', 'not_comparable_share')}"
        for tier in TIERS[:2]
        if figures.get(tier, "whole_face", "none", "redness_index", "not_comparable_share")
    ]
    return f"Whole-face changes without a colour reference called not comparable, %: {'; '.join(told)}." if told else ""


def _cost(figures: Figures) -> str:
    mean = figures.get("all", "cost", ANY, "a pair", "cpu_time_mean")
    wall = figures.value("all", "cost", ANY, "everything", "wall_time")
    each = f"a pair takes {mean.value:.1f} s of one core (mean of {mean.n}); " if mean else ""
    return f"Time: {each}everything took {wall:.1f} minutes."


def judge_verdicts(all_figures: Sequence[Figure]) -> str:
    """Say in one sentence which goals are missed.

    Parameters
    ----------
    all_figures : sequence of Figure

    Returns
    -------
    str
    """
    figures = Figures(all_figures)
    tried = [
        *_rate_goals(figures), *_power_goals(figures), *_coverage_goals(figures), *_recovery_goals(figures),
        *_group_goals(figures),
    ]  # fmt: skip
    missed = [words for good, words in tried if not good]
    if not tried:
        return "Whether the verdicts can be trusted cannot be said: nothing that has a goal could be tried."
    if not missed:
        return f"The verdicts can be trusted on these photos: all {len(tried)} goals that could be tried are met."
    more = f"; and {len(missed) - 12} more" if len(missed) > 12 else ""
    return f"{len(missed)} of {len(tried)} goals are missed: {'; '.join(missed[:12])}{more}."


def _rate_goals(figures: Figures) -> Iterator[Goal]:
    for tier, test in STILL.items():
        for metric, figure, limit, words in _LIMITS if test == "unchanged" else _RETAKE_LIMITS:
            found = figures.get(tier, test, ANY, metric, figure)
            if found and found.n >= _LEAST_N:
                claimed = f"change claimed in {percent(found.value)} of {words} ({tier}, all, n {found.n})"
                yield found.value <= limit, claimed


def _group_goals(figures: Figures) -> Iterator[Goal]:
    """Each reference, skin tone, number of shots and metric: one of many is missed where chance cannot explain it."""
    for tier, test in STILL.items():
        if test != "unchanged":
            continue
        parts = [(limit, group) for limit in _LIMITS for group in groups_of(figures, tier, test) if group[0] != "all"]
        parts += [
            ((name, "false_family_rate", FAMILY_RATE, f"families of {name.replace('_', ' ')}"), ("all", ANY, "all"))
            for name in METRICS
        ]
        for (metric, figure, limit, words), (name, rung, subject) in parts:
            found = figures.get(tier, test, rung, metric, figure, subject=subject)
            if found and found.n >= _LEAST_N:
                low = figures.value(tier, test, rung, metric, f"{figure}_low", subject=subject)
                yield low <= limit, f"change claimed in {percent(found.value)} of {words} ({tier}, {name}, n {found.n})"


def _power_goals(figures: Figures) -> Iterator[Goal]:
    for tier, amount in POWER_AT.items():
        for rung in (ANY, "card", "background"):
            found = figures.get(tier, f"local_{amount:g}", rung, "relative_redness", "power", subject=SHOTS[2])
            if found and found.n >= _LEAST_N:
                words = (
                    f"{percent(found.value)} of {found.n} local changes of {amount:g} found ({tier}, {rung}, 2 shots)"
                )
                yield found.value >= POWER, words


def _coverage_goals(figures: Figures) -> Iterator[Goal]:
    for metric in REDNESS:
        for tier in TIERS[:2]:
            for test, changed in WHERE.items():
                found = figures.get(tier, test, ANY, metric, "coverage")
                if found and found.n >= _LEAST_N:
                    words = f"{metric.replace('_', ' ')} ({tier}, {changed} changed, n {found.n})"
                    held = f"95 % intervals of {words} hold in {100.0 * found.value:.1f} %"
                    yield COVERAGE[0] <= found.value <= COVERAGE[1], held


def _recovery_goals(figures: Figures) -> Iterator[Goal]:
    for f in figures.all:
        if f.test != "recovery":
            continue
        case = CASES[f.method.rpartition(", ")[0]]
        if f.figure == "refused_share" and case.refuse:
            yield f.value == 1.0, f"{percent(1.0 - f.value)} of {f.n} curves told of {f.method}"
        if f.figure == "error_median" and f.n >= _LEAST_N:
            yield f.value <= PERMITTED_ERROR, f"τ from {f.method} off by {percent(f.value)} (median of {f.n})"
