"""What a validation of the metrics says in words, and which goals it finds missed."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from skinprogress.metrics.table import METRICS
from skinprogress.outputs.wording import listed
from skinprogress.photos.scan import one_line
from skinprogress.synthetic.disturbances import DISTURBANCES
from skinprogress.validation.color_scores import grouped
from skinprogress.validation.color_tables import Figures, number, percent
from skinprogress.validation.metrics_pairs import MetricPair
from skinprogress.validation.metrics_scores import in_percent
from skinprogress.validation.metrics_setups import BANDS_MM
from skinprogress.validation.metrics_tables import short, unchanged_columns

if TYPE_CHECKING:
    from skinprogress.validation.metrics import MetricsValidation

REDNESS_P95 = {"T0": 0.20, "T1": 0.45}
SLOPES = (0.97, 1.03)
UNCHANGED_P95 = 0.45
MISSES_ZERO = (0.03, 0.07)
BAND_BIAS, BAND_POINTS = 5.0, 5.0
RECALL, PRECISION, AREA = 0.95, 0.90, 0.15
ALL_MS, PEAK_MB = 150.0, 300.0
"""What is aimed at."""

_NAMED = 5
_LEAST_N = 10
# A copy is registered like any other photo, which moves it by a hundredth of a px: more than so much is a fault.
_COPY_SHARE = 0.2


def metrics_remarks(validation: "MetricsValidation") -> list[str]:
    """Lines to stand below the tables; the last says which goals are missed."""
    figures = Figures(validation.figures)
    lines = [
        "nothing changed, p95 of the bias: of a photo against a copy disturbed in one way, 95 % of the differences are "
        "smaller; contrasts in % of the value, all else in its unit, which is in brackets if none is published. "
        "misses 0: % of the 95 % intervals for one region alone that miss zero, in brackets the binomial interval for "
        "so many regions (5 is right); refused: regions without a difference; said: pairs in which change is claimed.",
        "found by … elsewhere: in regions that were left alone. 10 % or 0.2: within 10 % or 0.2 a* of the true change. "
        "Of rendered texture the change of colour is stated; shadows of the relief stay, so that less is found.",
        "T0, T1: made from one photo, the light and the head do not move, which flatters. T3: rendered, one head. "
        "T4: photos as they are.",
        _sizes(validation.pairs),
        _worst(figures),
        _copies(figures),
        _useful(figures),
        _reasons(validation.pairs),
        _cost(figures),
    ]
    return [*filter(None, lines), judge_metrics(validation)]


def _sizes(pairs: Sequence[MetricPair]) -> str:
    """How many pairs each test rests on."""
    told = [
        f"{test.replace('_', ' ')} {tier} {len(some)} of {len({p.photo for p in some})} photos"
        for (test, tier), some in grouped(pairs, lambda p: (p.test, p.tier))
    ]
    return f"Pairs: {'; '.join(told)}."


def _worst(figures: Figures) -> str:
    """Biases that are largest beside what is aimed at, or beside the margin within which values count as equal."""
    off = []
    for name, metric in METRICS.items():
        limit = BAND_BIAS if in_percent(metric) else metric.equivalence
        found = [(way, figures.get("T0", "disturbed", way, name, "bias_p95")) for way in DISTURBANCES]
        biases = [(bias.value, way, bias.unit) for way, bias in found if bias is not None]
        if biases:
            value, way, unit = max(biases)
            off.append((value / limit, f"{_plain(name)} under {_plain(way)} {short(value)} {unit}"))
    off.sort(reverse=True)
    return f"Farthest off with nothing changed (p95): {listed([text for _, text in off[:_NAMED]])}." if off else ""


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _copies(figures: Figures) -> str:
    """Copies that nothing was done to must give the same numbers."""
    off = [
        f"{_plain(name)} {short(bias.value)} {bias.unit}"
        for name, metric in METRICS.items()
        if (bias := figures.get("T0", "disturbed", "copy", name, "measured_bias_p95")) is not None
        and bias.value > _COPY_SHARE * (BAND_BIAS if in_percent(metric) else metric.equivalence)
    ]
    return f"A mere copy differs in {listed(off[:_NAMED])}: that must not be." if off else ""


def _useful(figures: Figures) -> str:
    share = figures.get("all", "all", "any", "pairs", "useful_share")
    if share is None:
        return ""
    real = figures.get("T4", "retake", "any", "pairs", "useful_share")
    told = f"; of {real.n} pairs of real retakes in {percent(real.value)}" if real else ""
    return f"At least one useful statement (a verdict, or a bound) in {percent(share.value)} of {share.n} pairs{told}."


def _reasons(pairs: Sequence[MetricPair]) -> str:
    """Why whole pairs were refused, by how often."""
    reasons = [reason for pair in pairs if pair.reason for reason in pair.reason.split("; ")]
    top = sorted(grouped(reasons, lambda reason: reason), key=lambda item: -len(item[1]))[:3]
    told = "; ".join(f"{one_line(reason)} ({len(some)})" for reason, some in top)
    return f"{sum(bool(p.reason) for p in pairs)} of {len(pairs)} pairs refused: {told}." if top else ""


def _cost(figures: Figures) -> str:
    every = [f for f in figures.all if f.test == "cost" and f.figure == "milliseconds"]
    if not every:
        return ""
    maps = sorted((f for f in every if f.metric not in ("all maps", "everything")), key=lambda f: -f.value)
    of = {f.metric: f.value for f in every}
    peak = figures.value("T4", "cost", "any", "all maps", "peak_memory")
    slow = listed([f"{_plain(f.metric)} {f.value:.0f}" for f in maps[:4]])
    return (
        f"Measuring one aligned face takes {of['everything']:.0f} ms, the maps alone {of['all maps']:.0f} ms (most: "
        f"{slow}) and {peak:.0f} MB at most, on one core (median of {every[0].n} faces)."
    )


def judge_metrics(validation: "MetricsValidation") -> str:
    """Say in one sentence which goals are missed.

    Parameters
    ----------
    validation : MetricsValidation

    Returns
    -------
    str
    """
    figures = Figures(validation.figures)
    tried = [*_redness_goals(figures), *_zero_goals(figures), *_texture_goals(figures), *_other_goals(figures)]
    missed = [words for good, words in tried if not good]
    if not tried:
        return "Whether the metrics can be trusted cannot be said: nothing that has a goal could be tried."
    if not missed:
        return f"The metrics can be trusted on these photos: all {len(tried)} goals that could be tried are met."
    more = f"; and {len(missed) - 12} more" if len(missed) > 12 else ""
    return (
        f"Do not trust them everywhere: {len(missed)} of {len(tried)} goals are missed: {'; '.join(missed[:12])}{more}."
    )


Goal = tuple[bool, str]


def _redness_goals(figures: Figures) -> Iterator[Goal]:
    for tier, limit in REDNESS_P95.items():
        for subject in figures.subjects("blood"):
            for figure, words in (("error_p95", "p95 error"), ("slope", "slope")):
                found = figures.get(tier, "blood", "any", "relative_redness", figure, subject=subject)
                if found is None or found.n < _LEAST_N:
                    continue
                good = found.value <= limit if figure == "error_p95" else SLOPES[0] <= found.value <= SLOPES[1]
                where = "" if subject == "all" else f", {subject}"
                yield good, f"injected redness ({tier}{where}, n {found.n}): {words} {number(found.value)}"
    for subject in figures.subjects("unchanged"):
        found = figures.get("T1", "unchanged", "any", "relative_redness", "bias_p95", subject=subject)
        if found and found.n >= _LEAST_N:
            yield (
                found.value <= UNCHANGED_P95,
                f"relative redness of unchanged skin (T1, {subject}): {number(found.value)}",
            )
    for subject in (s for s in figures.subjects("rendered_redness") if s.endswith("*")):
        for metric in ("redness", "relative_redness"):
            found = figures.get("T3", "rendered_redness", "any", metric, "within_share", subject=subject)
            if found:
                words = (
                    f"{_plain(metric)} in {one_line(subject)}: {percent(found.value)} of {found.n} within 10 % or 0.2"
                )
                yield found.value >= RECALL, words


def _zero_goals(figures: Figures) -> Iterator[Goal]:
    """Intervals that are too narrow beyond chance; too wide is no fault of this kind."""
    for tier, test, subject in unchanged_columns(figures):
        if tier != "T3":
            continue
        for name in METRICS:
            low, share = (
                figures.value(tier, test, "any", name, figure, subject=subject)
                for figure in ("misses_zero_low", "misses_zero")
            )
            if math.isfinite(share):
                words = f"{_plain(name)} in {one_line(subject)}: {percent(share)} of the intervals miss zero"
                yield low <= MISSES_ZERO[1], words


def _texture_goals(figures: Figures) -> Iterator[Goal]:
    for name in BANDS_MM:
        off = [
            (abs(f.value), way, f.value)
            for way in DISTURBANCES
            if (f := figures.get("T0", "disturbed", way, name, "bias_median")) is not None
        ]
        if off:
            size, way, value = max(off)
            yield size <= BAND_BIAS, f"{_plain(name)}: bias {value:+.0f} % under {_plain(way)}"
        for test in ("texture", "texture_face"):
            for tier in REDNESS_P95:
                found = figures.get(tier, test, "any", name, "error_median")
                if found and found.n >= _LEAST_N:
                    words = f"{_plain(name)} scaled ({tier}, n {found.n}): off by {number(found.value)} points (median)"
                    yield found.value <= BAND_POINTS, words


def _other_goals(figures: Figures) -> Iterator[Goal]:
    for metric in dict.fromkeys(f.metric for f in figures.all if f.test == "spots"):
        for figure, limit, words in (
            ("recall", RECALL, "found"),
            ("precision", PRECISION, "true"),
            ("area_error_median", -AREA, "off in area (median)"),  # at most, not at least
        ):
            value = figures.value("T0", "spots", "any", metric, figure)
            if math.isfinite(value):
                yield math.copysign(value, limit) >= limit, f"{metric}: {percent(value)} {words}"
    spent, peak = (
        figures.value("T4", "cost", "any", metric, figure)
        for metric, figure in (("everything", "milliseconds"), ("all maps", "peak_memory"))
    )
    if math.isfinite(spent):
        yield spent <= ALL_MS, f"one face takes {spent:.0f} ms"
        yield peak <= PEAK_MB, f"one face takes {peak:.0f} MB"
