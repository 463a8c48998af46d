"""What a validation of the colour says in words, and in one sentence how far to trust it."""

import math

from skinprogress.outputs.wording import listed
from skinprogress.photos.scan import one_line
from skinprogress.validation.color import ColorValidation
from skinprogress.validation.color_scores import ANY
from skinprogress.validation.color_tables import RUNGS, Figures, number, percent

_PROMISED = 0.95


def color_remarks(validation: ColorValidation) -> list[str]:
    """Lines to stand below the tables; the last says in one sentence how far the colour can be trusted."""
    figures = Figures(validation.figures)
    lines = [
        "changed: where redness was changed, in a* (rel.: against the rest of the face, in a*-eq; others: regions left "
        "alone; areas: of rendered photos). scene: background in view, cropped so that the face fills it, a card held "
        "in, nothing used. share: of the pairs. RMS and p95 (95 % are smaller) of found minus true; slope: found per "
        "true; 95 % holds: how often the 95 % interval of this figure alone covers the truth; ±: half of it; false: "
        "pairs without a change in which one is claimed.",
        "T0: other white balance, exposure, shading, sharpness, place. T1: also two lights, tone curve, veil. Both "
        "flatter: light comes from the same side, and it is one camera. T3: rendered, light moves.",
        _spectra(figures),
        _worst(validation),
        _refusals(validation),
        _seen_cards(figures),
        _copies(figures),
    ]
    return [*filter(None, lines), judge_color(validation)]


def _spectra(figures: Figures) -> str:
    """What other lights would do, which cannot be simulated from a photo."""
    absolute = figures.value("T0", "whole_face" + ANY, "none", "redness", "error_rms")
    relative = figures.value("T0", "local" + ANY, "background", "relative_redness", "error_rms")
    ours = ""
    if math.isfinite(absolute) and math.isfinite(relative):
        ours = f" (here under T0: {number(absolute)} with nothing used, relative {number(relative)})"
    return (
        "For scale, unchanged skin under other lights, 100 measured skin spectra × 5 cameras: a* with perfect white "
        "balance scatters by 1.1 in daylights, 3.6 over LED and fluorescent lamps; with a 24-patch card 0.4 and 0.9; "
        f"relative redness 0.2 and 0.5{ours}."
    )


def _worst(validation: ColorValidation) -> str:
    """The pair with a colour reference whose whole-face redness is farthest off."""
    off = [
        (abs(o.error), o, pair)
        for pair in validation.pairs
        for o in pair.outcomes
        if o.method in RUNGS[:3] and o.metric == "redness" and o.region == "face"
    ]
    if not off:
        return ""
    _, outcome, pair = max(off, key=lambda found: found[0])
    return (
        f"Farthest off with a colour reference: {one_line(pair.pair)} ({pair.test.replace('_', ' ')}, {pair.tier}, "
        f"{outcome.method}): {number(outcome.found)} found, {number(outcome.true)} true a*, "
        f"interval ± {number(outcome.half_alone)}."
    )


def _refusals(validation: ColorValidation) -> str:
    """Why pairs in which something could have matched got no reference, by how often."""
    reasons: dict[str, int] = {}
    for pair in validation.pairs:
        if pair.rung in ("", "none") and not pair.test.endswith("_without"):
            reasons[pair.reason or "no reason given"] = reasons.get(pair.reason or "no reason given", 0) + 1
    if not reasons:
        return ""
    top = sorted(reasons.items(), key=lambda item: -item[1])[:3]
    told = "; ".join(f"{one_line(reason)} ({count})" for reason, count in top)
    return f"{sum(reasons.values())} pairs got no colour reference: {told}."


def _seen_cards(figures: Figures) -> str:
    found = figures.get("T4", "card", "card", "photos as they are", "found_share")
    if found is None or not found.value:
        return ""
    return (
        f"A colour card is seen in {round(found.value * found.n)} of the {found.n} photos as they are; where there is "
        "none, that is a false find."
    )


def _copies(figures: Figures) -> str:
    off = [(f.value, f.method, f.unit) for f in figures.all if f.test == "copies"]
    if not off:
        return ""
    unread = sorted({method for value, method, _ in off if not math.isfinite(value)})
    read = [found for found in off if math.isfinite(found[0])]
    text = f"Copies of one photo in {len({m for _, m, _ in off})} kinds (colour spaces, turned, 16-bit, HEIC …): "
    if read:
        value, method, unit = max(read)
        text += f"measurements within {number(value)} {unit} of the original ({method} is farthest off)"
    if unread:
        text += f"{'; ' if read else ''}not measured: {listed(unread)}"
    return f"{text}."


def judge_color(validation: ColorValidation) -> str:
    """Say in one sentence how far redness can be trusted on these photos.

    Parameters
    ----------
    validation : ColorValidation

    Returns
    -------
    str
    """
    figures = Figures(validation.figures)
    parts = []
    for rung, words in (("card", "a card"), ("patch", "a grey patch"), ("background", "the background")):
        errors = [figures.value(t, "whole_face" + ANY, rung, "redness", "error_p95") for t in ("T0", "T1")]
        told = [f"{number(e)} a* under {t}" for e, t in zip(errors, ("T0", "T1"), strict=True) if math.isfinite(e)]
        if told:
            parts.append(f"matched by {words}, whole-face redness is within {' and '.join(told)}")
    rungs = ("card", "background", "none")
    local = [figures.value("T0", "local" + ANY, rung, "relative_redness", "error_p95") for rung in rungs]
    worst = max((e for e in local if math.isfinite(e)), default=math.nan)
    if math.isfinite(worst):
        parts.append(f"redness of one region against the rest of the face within {number(worst)} a*-eq (T0)")
    for folder in sorted(s for s in figures.subjects("true_redness") if s.endswith("*")):
        errors = [figures.value("T3", "true_redness", r, "redness", "error_p95", subject=folder) for r in RUNGS[:3]]
        worst = max((e for e in errors if math.isfinite(e)), default=math.nan)
        if math.isfinite(worst):
            parts.append(f"redness of an area of known colour in {one_line(folder[:-2])} within {number(worst)} a*")
    if not parts:
        return "How far the colour can be trusted cannot be said: no pair with a known change could be compared."
    return f"In 95 of 100 cases: {'; '.join(parts)}; {_doubts(figures)}."


def _doubts(figures: Figures) -> str:
    """Which stated uncertainties are too small, beyond chance; and where change is claimed that is none."""
    narrow = []
    for test in ("whole_face" + ANY, "local" + ANY, "no_change" + ANY, "true_redness"):
        for tier in figures.tiers(test):
            for rung in RUNGS:
                for metric in ("redness", "redness_index", "relative_redness"):
                    high = figures.value(tier, test, rung, metric, "coverage_judged_high")
                    share = figures.value(tier, test, rung, metric, "coverage_judged")
                    if high < _PROMISED:
                        what = (
                            f"{metric.replace('_', ' ')} ({test.removesuffix(ANY).replace('_', ' ')}, {tier}, {rung})"
                        )
                        narrow.append((share, what))
    if not narrow:
        return "the stated 95 % intervals hold"
    narrow.sort()
    told = listed([f"{what} {percent(share)}" for share, what in narrow[:3]])
    more = f" and {len(narrow) - 3} more" if len(narrow) > 3 else ""
    return f"stated intervals are too narrow for {told}{more}"
