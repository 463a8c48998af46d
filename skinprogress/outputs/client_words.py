"""What a report says to the client: the same findings in plain words, with hardly a number."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skinprogress.comparison.findings import REAL, VISIBLE_REDNESS
from skinprogress.face.regions import WHOLE_FACE
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.catalogue import has_text, text
from skinprogress.outputs.chosen import changes_since_baseline, comparison_of
from skinprogress.outputs.fit import places_text
from skinprogress.outputs.groups import in_text, story_of
from skinprogress.outputs.headline import leading_changes
from skinprogress.outputs.rows import is_tested, is_within_unseen, word_of
from skinprogress.outputs.style import ordered_regions
from skinprogress.outputs.summary import Summary
from skinprogress.outputs.wording import listed, phase_text, sentence
from skinprogress.records import RUNGS, Change, ClientResult, Comparison

_NAMED = 2
"""As many parts of the face are named; more are counted."""
_MOST = 0.6
"""Share of the parts of the face that is "most"."""
_HEADLINE = 2
_NOTHING = "no detectable change"
_SHARES = {0.1: "tenth", 0.2: "fifth", 0.25: "quarter", 0.33: "third", 0.5: "half", 0.75: "three_quarters", 1.0: "all"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientItem:
    """One finding, and in a word or two how sure it is; empty where nothing is claimed."""

    text: str
    sure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientWords:
    """The words of the client's report; every field but the headline may be empty.

    Attributes
    ----------
    when : str
        Which photos are compared.
    undetected : tuple of str
        Measures without a change to be seen, each with how large one would have to be.
    how_sure : str
        What the words for how sure something is mean.
    advice : tuple of str
        What to do for the next photos.
    how : tuple of str
        How it was made, three sentences.
    """

    headline: str
    when: str
    changed: tuple[ClientItem, ...]
    unchanged: tuple[ClientItem, ...]
    unsaid: tuple[ClientItem, ...]
    undetected: tuple[str, ...]
    how_sure: str
    advice: tuple[str, ...]
    how: tuple[str, ...]


def describe_for_client(result: ClientResult, summary: Summary, names: dict[str, str]) -> ClientWords:
    """Say a result in plain words.

    Parameters
    ----------
    result : ClientResult
    summary : Summary
        Of the same result: the same pair of sessions is spoken of.
    names : dict of str to str
        Session to what it is called.

    Returns
    -------
    ClientWords
    """
    pair = summary.pair
    outcome = [c for c in changes_since_baseline(result) if pair == (c.from_session, c.to_session)]
    comparison = comparison_of(result, *pair) if pair else None
    changed = () if summary.early else tuple(_changed(outcome))
    phase = phase_text(result.plan.phases.get(pair[1])) if pair else ""
    when = ""
    if pair:
        dates = {"before": names[pair[0]], "after": names[pair[1]]}
        when = text("client.when_after", **dates, phase=phase) if phase else text("client.when", **dates)
    return ClientWords(
        headline=_headline(result, summary, outcome, phase or text("client.soon_after")),
        when=when,
        changed=changed,
        unchanged=() if summary.early else tuple(_unchanged(outcome)),
        unsaid=tuple(ClientItem(text=t) for t in _unsaid(outcome, comparison, summary)),
        undetected=() if summary.early else tuple(_undetected(outcome)),
        how_sure=text("client.how_sure") if any(item.sure for item in changed) and is_tested(outcome) else "",
        advice=tuple(_advice(result, comparison)),
        how=tuple(_how(outcome)),
    )


def _headline(result: ClientResult, summary: Summary, outcome: Sequence[Change], when: str) -> str:
    if not outcome:
        return text("client.headline_one" if len(result.sessions) < 2 else "client.headline_not_comparable")
    if summary.early:
        return text("client.headline_early", when=when)
    if all(word_of(c) == "not comparable" for c in outcome):
        return text("client.headline_not_comparable")
    # As in the clinician's: what is better and what is worse, and where.
    by_place: dict[str, list[str]] = {}
    for what, where, sure in list(_directed(outcome))[:_HEADLINE]:
        if sure:
            by_place.setdefault(where, []).append(what)
    if by_place:
        told = listed(f"{listed(whats)} {where}" for where, whats in by_place.items())
        headline = text("client.headline_changed", what=told)
    else:
        some = any(word_of(c) in REAL for c in outcome)
        headline = text("client.headline_less_sure" if some else "client.headline_no_change")
    if summary.kind in ("early", "most settled"):
        return text("client.early_label", when=when, what=headline)
    return headline


def _directed(outcome: Sequence[Change]) -> Iterable[tuple[str, str, bool]]:
    """What got better and what got worse: predicate, where, and whether it is sure; the surest first, one a story."""
    leading = set(map(id, leading_changes(outcome)))
    told: set[tuple[str, bool]] = set()
    found = []
    for metric in METRICS:
        mine = [c for c in outcome if c.metric == metric]
        for rises in (False, True):
            rows = [c for c in mine if word_of(c) in ("improved", "worsened") and (c.difference > 0) == rises]
            story = (story_of(metric), rises)
            if not rows or story in told:
                continue
            told.add(story)
            sure = [c for c in rows if id(c) in leading]
            where = _where([c.region for c in sure or rows], len({c.region for c in mine}))
            found.append((_predicate(metric, rises=rises), where, bool(sure), len(sure)))
    found.sort(key=lambda row: -row[3])
    yield from ((what, where, sure) for what, where, sure, _ in found)


def _changed(outcome: Sequence[Change]) -> Iterable[ClientItem]:
    tested = is_tested(outcome)
    for what, where, sure in _directed(outcome):
        told = text("client.change", what=what, where=where)
        yield ClientItem(text=told, sure=text("client.sure" if sure else "client.less_sure") if tested else "")
    for metric in METRICS:
        mine = [c for c in outcome if c.metric == metric]
        rows = [c.region for c in mine if word_of(c) == "changed"]
        if rows:
            where = _where(rows, len({c.region for c in mine}))
            yield ClientItem(text=text("client.difference", measure=plain_title(metric), where=where))


def _unchanged(outcome: Sequence[Change]) -> Iterable[ClientItem]:
    if _steady_redness(outcome):
        yield ClientItem(text=text("client.steady_redness"))
    for metric in METRICS:
        mine = [c for c in outcome if c.metric == metric]
        rows = [c.region for c in mine if word_of(c) == "unchanged"]
        if rows:
            where = _where(rows, len({c.region for c in mine}))
            yield ClientItem(text=text("client.steady", measure=plain_title(metric), where=where))


def _steady_redness(outcome: Sequence[Change]) -> list[Change]:
    """The whole face's redness, where it changed by less than people see whatever the direction."""
    whole = [c for c in outcome if c.region == WHOLE_FACE and c.metric == "redness_index"]
    return [c for c in whole if max(abs(c.ci_low), abs(c.ci_high)) <= VISIBLE_REDNESS]


def _unsaid(outcome: Sequence[Change], comparison: Comparison | None, summary: Summary) -> Iterable[str]:
    if summary.early:
        yield text("client.early_limits")
        yield from _redness_so_far(outcome)
        return
    if summary.kind == "early":
        yield text("client.early_lasts")
    reasons = listed(comparison.reasons) if comparison is not None else ""
    if outcome and all(word_of(c) == "not comparable" for c in outcome):
        if reasons:
            yield sentence(text("client.blind_why", reasons=reasons))
        return
    if comparison is not None and comparison.grade > "B" and reasons:
        yield text("client.unlike", reasons=reasons)
    blind = [m for m in METRICS if {word_of(c) for c in outcome if c.metric == m} == {"not comparable"}]
    told = {plain_title(c.metric) for c in outcome if word_of(c) != "not comparable"}
    if names := [name for name in dict.fromkeys(map(plain_title, blind)) if name not in told]:
        yield text("client.blind", measures=listed([names[0], *(n[:1].lower() + n[1:] for n in names[1:])]))


def _undetected(outcome: Sequence[Change]) -> Iterable[str]:
    """Measures that show no change anywhere, one a story, each with how large one would have to be."""
    told = {story_of(c.metric) for c in _steady_redness(outcome)}
    for metric in METRICS:
        mine = [c for c in outcome if c.metric == metric]
        words = {word_of(c) for c in mine}
        if _NOTHING in words and words <= {_NOTHING, "not comparable"} and story_of(metric) not in told:
            told.add(story_of(metric))
            known = [c for c in mine if math.isfinite(c.detectable_change)]
            whole = next((c for c in known if c.region == WHOLE_FACE), None)
            chosen = whole or max(known, key=lambda c: c.detectable_change, default=None)
            size = text("client.size_unknown") if chosen is None else _size(chosen)
            yield text("client.undetected_item", measure=plain_title(metric), size=size)


def _redness_so_far(outcome: Sequence[Change]) -> Iterable[str]:
    """How redness stands to what clinics describe for the day."""
    found = {c.course_status for c in outcome if c.course_status}
    if "longer than quoted" in found:
        yield text("client.redness_longer")
    elif any(c.course_status == "within quoted range" and not is_within_unseen(c) for c in outcome):
        yield text("client.redness_within")
    elif found:
        yield text("client.redness_open")


def _size(change: Change) -> str:
    """The least change that shows, in words: beside what people see, as a count, or as a share of what there is."""
    metric, least = METRICS[change.metric], change.detectable_change
    if metric.unit in ("a*", "a*-eq"):
        times = least / VISIBLE_REDNESS
        if times <= 1.5:
            return text("client.size_visible" if times > 0.75 else "client.size_less_visible")
        return text("client.size_beyond_visible", n=f"{times:.0f}" if times >= 2 else "1½")
    if metric.unit == "spots":
        return text("client.size_count", n=max(1, round(least)))
    share = least / change.baseline if change.baseline > 0 else math.inf
    if not share <= 1.25:
        return text("client.size_unknown")
    nearest = min(_SHARES, key=lambda s: abs(math.log(s / max(share, 1e-6))))
    return text("client.size_share", share=text(f"client.share.{_SHARES[nearest]}"))


def _where(regions: Sequence[str], of: int) -> str:
    found = ordered_regions(regions)
    parts = [r for r in found if r != WHOLE_FACE]
    if len(found) >= of > 1:
        return text("client.whole")
    if len(found) >= _MOST * of:
        return text("client.most")
    if not parts or len(parts) <= _NAMED:
        return places_text(parts or found)
    return text("client.some", n=str(len(found)), of=str(of))


def plain_title(metric: str) -> str:
    """What a layman calls a metric."""
    key = f"client.measure.{metric}"
    return text(key) if has_text(key) else METRICS[metric].title


def _predicate(metric: str, *, rises: bool) -> str:
    key = f"client.more.{metric}" if rises else f"client.less.{metric}"
    if has_text(key):
        return text(key)
    return text("client.rises" if rises else "client.falls", measure=in_text(METRICS[metric]))


def _advice(result: ClientResult, comparison: Comparison | None) -> Iterable[str]:
    yield text("client.advice_always")
    if comparison is not None:
        yield from dict.fromkeys(map(sentence, comparison.remedies))
    elif any(c.rung == "none" for c in result.plan.corrections.values()):
        yield text("client.advice_color")
    yield text("client.advice_two")


def _how(outcome: Sequence[Change]) -> Iterable[str]:
    yield text("client.how_aligned")
    rungs = {c.color_reference for c in outcome}
    worst = max(rungs, key=RUNGS.index, default="none")
    yield (
        text("client.how_no_color")
        if worst == "none"
        else text("client.how_color", reference=text(f"client.reference.{worst}"))
    )
    yield text("client.how_measured")
