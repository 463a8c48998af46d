"""Figures of a validation of the verdicts: false changes, power, coverage, refusals, grades, recovery curves, time."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from skinprogress.comparison.verdicts import HEADLINE_P
from skinprogress.metrics.table import METRICS
from skinprogress.validation.color_scores import NewFigure, grouped, share_figures
from skinprogress.validation.scenes import METRICS as REDNESS
from skinprogress.validation.table import Figure, wilson_interval
from skinprogress.validation.verdicts_outcomes import Family, VerdictPair
from skinprogress.validation.verdicts_recovery import PERMITTED_ERROR, RecoveryTrial

KIND = "verdicts"
ANY = "any"
EVERY = "all metrics"
HEADLINE = "headline"
SHOTS = {1: "1 shot", 2: "2 shots"}

Part = tuple[str, str, Sequence[VerdictPair]]
"""Rung, subject, and their pairs."""


def verdict_figures(
    pairs: Sequence[VerdictPair], trials: Sequence[RecoveryTrial], *, wall_minutes: float
) -> list[Figure]:
    """All figures.

    Parameters
    ----------
    pairs : sequence of VerdictPair
    trials : sequence of RecoveryTrial
    wall_minutes : float
        That all of it took.

    Returns
    -------
    list of Figure
        By tier and test, for all pairs, each rung (``method``), each skin tone and each number of shots (``subject``).
        The size of a change stands in the test: ``local_1.5``; ``local`` is all sizes.
    """
    found: list[Figure] = []
    for tier, of_tier in grouped(pairs, lambda p: p.tier):
        for test, members in _tests(of_tier):
            for rung, subject, some in _parts(members):
                new = partial(Figure, kind=KIND, tier=tier, test=test, method=rung, subject=subject)
                found += _part_figures(new, test, some, every_metric=(rung, subject) == (ANY, "all"))
        found += _grades(partial(Figure, kind=KIND, tier=tier, test="grades", subject="all"), of_tier)
    return [*found, *recovery_figures(trials), *_cost(pairs, wall_minutes)]


def _tests(pairs: Sequence[VerdictPair]) -> Iterator[tuple[str, list[VerdictPair]]]:
    """Pairs by what was changed, and by how much."""
    for test, members in grouped(pairs, lambda p: p.setup.test):
        yield test, members
        for amount, some in sorted(grouped(members, lambda p: p.setup.amount)):
            if amount:
                yield f"{test}_{amount:g}", some


def _parts(pairs: Sequence[VerdictPair]) -> Iterator[Part]:
    subjects: list[tuple[str, Callable[[VerdictPair], bool]]] = [("all", lambda _: True)]
    subjects += [(name, lambda p, n=shots: p.setup.shots == n) for shots, name in SHOTS.items()]  # type: ignore[misc]
    tones = dict.fromkeys(p.tone for p in pairs if p.tone)
    subjects += [(tone, lambda p, t=tone: p.tone == t) for tone in tones]  # type: ignore[misc]
    for rung in (ANY, *sorted({p.rung for p in pairs if p.rung})):
        for subject, belongs in subjects:
            some = [p for p in pairs if rung in (ANY, p.rung) and belongs(p)]
            if some:
                yield rung, subject, some


def _part_figures(new: NewFigure, test: str, pairs: Sequence[VerdictPair], *, every_metric: bool) -> Iterator[Figure]:
    sized = "_" in test.removeprefix("whole_face")
    if not sized:
        yield from _rate(partial(new, metric="pairs"), "not_compared_share", [not p.families for p in pairs])
        yield from _false_changes(new, pairs, every_metric=every_metric) if test in ("unchanged", "retake") else ()
        for metric in REDNESS:
            yield from _coverage(partial(new, metric=metric), _families(pairs, metric))
    for metric in REDNESS:
        hits = [t for p in pairs for t in p.targets if t.metric == metric]
        if hits:
            # A pair of which nothing could be compared has not found the change either.
            missed = [False] * sum(not p.targets for p in pairs)
            yield from _rate(partial(new, metric=metric), "power", [*(t.found for t in hits), *missed])
            refused = [t.verdict == "not comparable" for t in hits]
            yield from _rate(partial(new, metric=metric), "not_comparable_share", refused)
            unchanged = [t.verdict == "unchanged" for t in hits if abs(t.true) > METRICS[metric].equivalence]
            yield from _rate(partial(new, metric=metric), "called_unchanged_rate", unchanged)


def _families(pairs: Sequence[VerdictPair], metric: str) -> list[Family]:
    return [f for p in pairs for f in p.families if f.metric == metric and f.tests]


def _false_changes(new: NewFigure, pairs: Sequence[VerdictPair], *, every_metric: bool) -> Iterator[Figure]:
    """How often change is claimed where there was none: of regions, of families, and in the headline."""
    everything = [f for p in pairs for f in p.families if f.tests]
    chosen = {EVERY: everything}
    chosen |= {name: _families(pairs, name) for name in (METRICS if every_metric else REDNESS)}
    for metric, families in chosen.items():
        rate = partial(new, metric=metric)
        tests, said = sum(f.tests for f in families), sum(f.said for f in families)
        if tests:
            # Regions of one photo stand or fall together: the interval of the tests is too narrow.
            low, high = wilson_interval(said / tests, tests)
            for ending, value in (("", said / tests), ("_low", low), ("_high", high)):
                yield rate(figure="false_change_rate" + ending, value=value, unit="share", n=tests)
            yield from _rate(rate, "false_family_rate", [f.said > 0 for f in families])
    headlines = [p.p_headline <= HEADLINE_P for p in pairs if np.isfinite(p.p_headline)]
    yield from _rate(partial(new, metric=HEADLINE), "false_change_rate", headlines)
    for metric in () if not every_metric else METRICS.keys() - set(REDNESS):
        yield from _coverage(partial(new, metric=metric), chosen[metric])


def _coverage(new: NewFigure, families: Sequence[Family]) -> Iterator[Figure]:
    """How often the interval of one region holds the truth, and the published ones of all regions together."""
    tests = sum(f.tests for f in families)
    if not tests:
        return
    share = 1.0 - sum(f.missed for f in families) / tests
    # As many trials as there are pairs: regions of one pair share its light, so that the tests are too many.
    low, high = wilson_interval(share, len(families))
    for name, value in (("coverage", share), ("coverage_low", low), ("coverage_high", high)):
        yield new(figure=name, value=value, unit="share", n=len(families))
    yield new(figure="coverage_tests", value=share, unit="share", n=tests)
    yield from _rate(new, "coverage_jointly", [not f.missed_jointly for f in families])
    errors = [f.error for f in families if np.isfinite(f.error)]
    unit = METRICS[families[0].metric].unit
    yield new(figure="standard_error_median", value=float(np.median(errors)), unit=unit, n=len(errors))
    squares = [(f.tests, f.spread**2) for f in families if np.isfinite(f.spread)]
    if squares:
        # 1 where the standard errors are right, less where they are too large.
        size = float(np.sqrt(np.average([s for _, s in squares], weights=[n for n, _ in squares])))
        yield new(figure="error_in_standard_errors", value=size, unit="RMS", n=len(squares))
    large = sum(f.large for f in families)
    if large:
        wrong = sum(f.large_unchanged for f in families)
        low, high = wilson_interval(wrong / large, large)
        for ending, value in (("", wrong / large), ("_low", low), ("_high", high)):
            yield new(figure="large_called_unchanged_rate" + ending, value=value, unit="share", n=large)


def _rate(new: NewFigure, figure: str, trials: Sequence[bool]) -> list[Figure]:
    return share_figures(new, figure, [float(trial) for trial in trials]) if trials else []


def _grades(new: NewFigure, pairs: Sequence[VerdictPair]) -> Iterator[Figure]:
    for rung in (ANY, *sorted({p.rung for p in pairs if p.rung})):
        some = [p for p in pairs if p.grade and rung in (ANY, p.rung)]
        for grade in "ABCDEF":
            share = sum(p.grade == grade for p in some) / max(len(some), 1)
            if share:
                yield new(method=rung, metric="pairs", figure=f"grade_{grade}_share", value=share, unit="share",
                          n=len(some))  # fmt: skip


def recovery_figures(trials: Sequence[RecoveryTrial]) -> list[Figure]:
    """Error of τ where a curve can be told, and how often one is refused.

    Parameters
    ----------
    trials : sequence of RecoveryTrial
    """
    found: list[Figure] = []
    for test, some in grouped(trials, lambda t: t.test):
        new = partial(Figure, kind=KIND, tier="T0", test="recovery", method=test, subject="all", metric="tau")
        refused = [t.reason != "" for t in some]
        found += _rate(new, "refused_share", refused)
        told = [t for t in some if not t.reason]
        if some[0].refuse or not told:
            continue
        errors = np.array([abs(t.found_h / t.true_h - 1.0) for t in told])
        for figure, percent in (("error_median", 50.0), ("error_p95", 95.0)):
            value = float(np.percentile(errors, percent))
            found.append(new(figure=figure, value=value, unit="share", n=len(errors)))
        found += _rate(new, "within_share", [bool(e <= PERMITTED_ERROR) for e in errors])
        found += _rate(new, "coverage", [t.low_h <= t.true_h <= t.high_h for t in told])
    return found


def _cost(pairs: Sequence[VerdictPair], wall_minutes: float) -> Iterator[Figure]:
    new = partial(Figure, kind=KIND, tier="all", test="cost", subject="all")
    timed = [p for p in pairs if np.isfinite(p.cpu_s)]
    for (every, shots), some in grouped(timed, lambda p: (p.setup.every_metric, p.setup.shots)):
        metric = f"{EVERY if every else 'redness'}, {SHOTS[shots]}"
        value = float(np.median([p.cpu_s for p in some]))
        yield new(method=ANY, metric=metric, figure="cpu_time", value=value, unit="s", n=len(some))
    if timed:
        value = float(np.mean([p.cpu_s for p in timed]))
        yield new(method=ANY, metric="a pair", figure="cpu_time_mean", value=value, unit="s", n=len(timed))
    yield new(method=ANY, metric="everything", figure="wall_time", value=wall_minutes, unit="min", n=len(pairs))
