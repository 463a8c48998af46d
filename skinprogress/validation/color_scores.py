"""Figures of a colour validation: errors, slopes, coverage, false verdicts, skin after correction by a card."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import numpy as np

from skinprogress.face.regions import WHOLE_FACE
from skinprogress.validation.color_cards import CardOutcome
from skinprogress.validation.color_outcomes import Outcome, PairScore
from skinprogress.validation.scenes import Values
from skinprogress.validation.table import Figure, wilson_interval

KIND = "color"
UNITS: Mapping[str, str] = {"redness": "a*", "redness_index": "a*-eq", "relative_redness": "a*-eq"}
ANY = "_any"
"""Ending of a test over all backgrounds: by rung."""
ELSEWHERE = "_elsewhere"
"""Ending of the test that looks at what a local change left alone."""

_SAID = ("improved", "worsened", "changed")
_LEAST_PAIRS = 3  # for a slope

NewFigure = Callable[..., Figure]
Item = TypeVar("Item")
Key = TypeVar("Key")


def pair_figures(pairs: Sequence[PairScore]) -> list[Figure]:
    """All figures of pairs with a known change.

    Parameters
    ----------
    pairs : sequence of PairScore

    Returns
    -------
    list of Figure
        By test and tier the share of pairs that each rung got, and by rung and naive method errors, slope, coverage
        and false verdicts; over all backgrounds also of each group (skin tone, folder) and of each photo.
    """
    found: list[Figure] = []
    for (test, tier), members in grouped(pairs, lambda p: (p.test, p.tier)):
        found += _rung_shares(test, tier, members)
        found += _method_figures(test, tier, "all", members)
    for (kind, tier), members in grouped(pairs, lambda p: (p.kind, p.tier)):
        test = kind if tier == "T3" else kind + ANY  # of rendered photos there is but one test
        if test != kind:
            found += _method_figures(test, tier, "all", members)
        for subject, some in (*grouped(members, lambda p: p.group), *grouped(members, lambda p: p.photo)):
            found += _method_figures(test, tier, subject, some)
    return found


def _method_figures(test: str, tier: str, subject: str, pairs: Sequence[PairScore]) -> list[Figure]:
    """Figures of each method and metric on some pairs."""
    found: list[Figure] = []
    for (method, metric), told in _by_method(pairs):
        new = partial(Figure, kind=KIND, tier=tier, subject=subject, method=method, metric=metric)
        found += _figures(partial(new, test=test), told, _judged)
        if test.startswith("local") and metric == "relative_redness":
            found += _figures(partial(new, test=test + ELSEWHERE), told, lambda _, o: not o.changed)
    return found


_Told = list[tuple[PairScore, Outcome]]


def _by_method(pairs: Sequence[PairScore]) -> Iterable[tuple[tuple[str, str], _Told]]:
    told = [(pair, outcome) for pair in pairs for outcome in pair.outcomes]
    return grouped(told, lambda po: (po[1].method, po[1].metric))


def _rung_shares(test: str, tier: str, pairs: Sequence[PairScore]) -> list[Figure]:
    new = partial(Figure, kind=KIND, tier=tier, test=test, subject="all", metric="pairs", unit="share", n=len(pairs))
    counts = {rung: sum(p.rung == rung for p in pairs) for rung in sorted({p.rung for p in pairs})}
    return [
        new(method=rung or "not compared", figure="rung_share", value=count / len(pairs))
        for rung, count in counts.items()
    ]


def _judged(pair: PairScore, outcome: Outcome) -> bool:
    """Which regions a test is about: the whole face, what was changed, or all of them."""
    if pair.test.startswith("local"):
        return outcome.changed
    return outcome.metric == "relative_redness" or outcome.region == WHOLE_FACE or pair.tier == "T3"


def _figures(new: NewFigure, told: _Told, judged: Callable[[PairScore, Outcome], bool]) -> list[Figure]:
    """Errors and slope where judged; coverage and false verdicts over all regions."""
    chosen = [outcome for pair, outcome in told if judged(pair, outcome)]
    found: list[Figure] = []
    if chosen:
        metric = chosen[0].metric
        errors = np.array([o.error for o in chosen])
        values = {
            "error_rms": np.sqrt(np.mean(errors**2)),
            "error_median": np.median(np.abs(errors)),
            "error_p95": np.percentile(np.abs(errors), 95.0),
            "error_mean": errors.mean(),
        }
        found += [new(figure=name, value=float(v), unit=UNITS[metric], n=len(chosen)) for name, v in values.items()]
        true = np.array([o.true for o in chosen])
        if len(chosen) >= _LEAST_PAIRS and true.std() > 0.2:
            slope = float(np.polyfit(true, [o.found for o in chosen], 1)[0])
            found.append(new(figure="slope", value=slope, unit="found/true", n=len(chosen)))
    if any(np.isfinite(o.half) for _, o in told):
        found += _coverage(new, told, chosen)
    return found


def _coverage(new: NewFigure, told: _Told, chosen: Sequence[Outcome]) -> list[Figure]:
    """How often intervals hold what they promise, and how often a change is seen that is none."""
    by_pair = [[outcome for _, outcome in some] for _, some in grouped(told, lambda po: po[0].pair)]
    shares = {
        # Jointly, as published; for each region with an interval of its own; as published where the test looks.
        "coverage": [float(all(abs(o.error) <= o.half for o in some)) for some in by_pair],
        "coverage_pointwise": [float(np.mean([abs(o.error) <= o.half_alone for o in some])) for some in by_pair],
        "coverage_published": [float(abs(o.error) <= o.half) for o in chosen],
        "coverage_judged": [float(abs(o.error) <= o.half_alone) for o in chosen],
    }
    still = [[o for _, o in some] for _, some in grouped([t for t in told if t[0].unchanged], lambda po: po[0].pair)]
    shares["false_change_rate"] = [float(any(o.verdict in _SAID for o in some)) for some in still]
    half = [o.half_alone for o in chosen if np.isfinite(o.half_alone)]
    found = [f for name, each in shares.items() if each for f in share_figures(new, name, each)]
    if half:
        width = float(np.median(half))
        found.append(new(figure="half_interval_median", value=width, unit=UNITS[chosen[0].metric], n=len(half)))
    return found


def share_figures(new: NewFigure, figure: str, shares: Sequence[float]) -> list[Figure]:
    """A mean share with both ends of its interval; one trial a pair, since its regions stand or fall together."""
    n, mean = len(shares), float(np.mean(shares))
    low, high = wilson_interval(mean, n)
    named = {figure: mean, f"{figure}_low": low, f"{figure}_high": high}
    return [new(figure=name, value=value, unit="share", n=n) for name, value in named.items()]


def card_figures(cards: Sequence[CardOutcome]) -> list[Figure]:
    """Cards found and used, and skin after correction by them.

    Parameters
    ----------
    cards : sequence of CardOutcome

    Returns
    -------
    list of Figure
    """
    found: list[Figure] = []
    for tier, members in grouped(cards, lambda c: c.tier):
        groups = grouped(members, lambda c: c.group)
        for subject, some in (("all", members), *groups):
            new = partial(Figure, kind=KIND, tier=tier, test="card", subject=subject)
            card = partial(new, method="card", metric="cards")
            found += share_figures(card, "found_share", [float(c.problem != "not found") for c in some])
            found += share_figures(card, "used_share", [float(not c.problem) for c in some])
            for method, metric, each in (
                ("card", "skin", [c.delta_e for c in some]),
                ("card", "skin, same lightness", [c.delta_e_same_lightness for c in some]),
                ("white_balance", "skin", [c.delta_e_white_balance for c in some]),
            ):
                values = [v for regions in each for v in regions.values()]
                for name, percent in (("delta_e_median", 50.0), ("delta_e_p95", 95.0)):
                    if values:
                        value = float(np.percentile(values, percent))
                        found.append(
                            new(method=method, metric=metric, figure=name, value=value, unit="ΔE00", n=len(values))
                        )
    return found


def seen_card_figures(cards: Mapping[str, str]) -> list[Figure]:
    """Cards seen in the photos as they are, into which none was held.

    Parameters
    ----------
    cards : dict of str to str
        Photo to what the program says: empty where it sees no card.
    """
    if not cards:
        return []
    new = partial(Figure, kind=KIND, tier="T4", test="card", subject="all", method="card", metric="photos as they are")
    return share_figures(new, "found_share", [float(bool(said)) for said in cards.values()])


def copy_figures(photo: str, copies: Mapping[str, Values]) -> list[Figure]:
    """How far the measurements of each copy of one photo lie from the original's, at most over its regions."""
    found = []
    for copy, differences in copies.items():
        for metric in ("redness", "redness_index"):
            values = [abs(value) for (name, _), value in differences.items() if name == metric]
            value = max(values) if values else float("nan")
            found.append(
                Figure(
                    kind=KIND, tier="T0", test="copies", method=copy, subject=photo, metric=metric,
                    figure="max_difference", value=value, unit=UNITS[metric], n=len(values),
                )
            )  # fmt: skip
    return found


def grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> list[tuple[Key, list[Item]]]:
    """Items by key, in order of first appearance."""
    groups: dict[Key, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.items())
