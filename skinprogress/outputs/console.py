"""What the terminal shows in eighty columns: a photo check and the end of a run."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from skinprogress.comparison.course import is_covered, is_recent
from skinprogress.comparison.findings import REAL
from skinprogress.comparison.sentences import region_title
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.chosen import changes_since_baseline
from skinprogress.outputs.groups import by_group, in_text, sized, story_of
from skinprogress.outputs.healing import status_text
from skinprogress.outputs.style import number_text
from skinprogress.outputs.wording import listed, phase_text
from skinprogress.photos.scan import one_line
from skinprogress.records import (
    FLAG_TEXT,
    RUNGS,
    CardReading,
    Change,
    ClientResult,
    Flag,
    Inspection,
    PhotoRef,
)

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_SHOWN = 2


class CheckedPhoto(Protocol):
    """What the quality gate saw in one photo; without inspection it is refused."""

    @property
    def ref(self) -> PhotoRef: ...
    @property
    def inspection(self) -> Inspection | None: ...
    @property
    def reasons(self) -> tuple[str, ...]: ...
    @property
    def remedy(self) -> str: ...


def render_check_table(checks: Sequence[CheckedPhoto], *, width: int = 80) -> "Table":
    """One short line a photo; advice and remarks come from :func:`check_remarks`.

    Parameters
    ----------
    checks : sequence of CheckedPhoto
    width : int
        Columns of the terminal: where the lines would be longer, names are broken behind their folder.
    """
    stages = any(c.ref.stage for c in checks)
    cards = any(c.inspection is not None and c.inspection.card is not None for c in checks)
    more = ["card"] if cards else []
    titles = ["photo", "visit", *(["stage"] if stages else []), "view", "eyes", "turned", *more, "verdict"]
    rows = []
    for c in checks:
        seen = ["", "", "", *("" for _ in more), "refused"]
        if c.inspection is not None:
            face = c.inspection.landmarks
            view = (c.ref.view or face.view).replace("_", " ")
            turned = round(face.pose_deg[0])
            seen = [
                view,
                f"{face.iod_px:.0f} px",
                f"{turned:+d}°" if turned else "0°",
                *(_card_word(c.inspection.card) for _ in more),
                "usable" if c.remedy else "good",
            ]
        rows.append([c.ref.file, c.ref.session, *([c.ref.stage] if stages else []), *seen])
    needed = sum(max(len(cell) + 1 for cell in column) for column in zip(titles, *rows, strict=True))
    table = _table(titles)
    for file, *others in rows:
        folder, slash, name = file.rpartition("/")
        _add_row(table, [f"{folder}/\n{name}" if slash and needed > width else file, *others])
    return table


def check_remarks(checks: Sequence[CheckedPhoto]) -> list[str]:
    """Advice and remarks, each once with the photos that it is for; why photos were refused."""
    advice: dict[str, list[str]] = {}
    remarks: dict[str, list[str]] = {}
    refused = []
    for c in checks:
        if c.inspection is None:
            why = "; ".join(c.reasons)
            refused.append(f"refused  {why if c.ref.file in why else f'{c.ref.file}: {why}'}; {c.remedy}")
            continue
        card = c.inspection.card
        remedies, reasons = [*c.remedy.split("; ")], list(c.reasons)
        if card is not None and card.problem:
            # What is wrong with the card instead of the bare fact.
            fact = FLAG_TEXT[Flag.CARD_UNUSABLE]
            reasons = [*(r for r in reasons if r != fact), f"{fact}: {card.problem}"]
            remedies.append(card.remedy and f"colour card: {card.remedy}")
        for text in dict.fromkeys(filter(None, remedies)):
            advice.setdefault(text, []).append(c.ref.file)
        for text in reasons:
            remarks.setdefault(text, []).append(c.ref.file)
    n = sum(c.inspection is not None for c in checks)
    return [
        *(f"better   {text}: {_files(files, n)}" for text, files in advice.items()),
        *(f"note     {text}: {_files(files, n)}" for text, files in remarks.items()),
        *refused,
    ]


def _files(files: list[str], n: int) -> str:
    return f"all {n} photos" if len(files) == n > 1 else listed(files)


def render_summary_table(result: ClientResult) -> "Table":
    """One line a session: photos, grade, and what is really different from the baseline."""
    table = _table(["session", "photos", "colour", "grade", "against the baseline"])
    grades = {c.to_session: c.grade for c in result.comparisons if c.against == "baseline"}
    since = changes_since_baseline(result)
    for session in result.sessions:
        used = sum(p.session == session and p.status == "used" for p in result.photos)
        changes = [c for c in since if c.to_session == session]
        told = describe_session(result, session, changes)
        _add_row(table, [session, str(used), _color_words(result, session), grades.get(session, ""), told])
    for session in dict.fromkeys(p.session for p in result.photos if p.session not in ("", *result.sessions)):
        _add_row(table, [session, "0", "", "", "no photo that could be used"])
    return table


def _card_word(card: CardReading | None) -> str:
    return "" if card is None else "unusable" if card.problem else "seen"


def _color_words(result: ClientResult, session: str) -> str:
    """What the colours of a session's photos were matched on, best first; whether a card could not be used."""
    photos = [p for p in result.photos if p.session == session and p.status == "used"]
    words = [rung for rung in RUNGS if any(p.color_reference == rung for p in photos)]
    unusable = any(Flag.CARD_UNUSABLE in p.flags for p in photos)
    return "\n".join([*words, *(["(card", "unusable)"] if unusable else [])])


def describe_session(result: ClientResult, session: str, changes: Sequence[Change]) -> str:
    """What a session shows against the baseline, in a line or two."""
    if session == result.plan.baseline:
        return "this is the baseline"
    if is_covered(result.plan, session):
        return "cream on the skin: not judged"
    if not changes:
        sessions, baseline = result.sessions, result.plan.baseline
        earlier = baseline in sessions and sessions.index(session) < sessions.index(baseline)
        return "not compared: earlier than the baseline" if earlier else "not compared"
    if all(c.verdict == "not comparable" for c in changes):
        return "NOT COMPARABLE: see the report for why"
    if is_recent(result.plan, session):
        return "\n".join(filter(None, ["too soon to judge", status_text(changes)]))
    phase = result.plan.phases.get(session)
    label = [f"early result, {phase_text(phase)}"] if phase is not None and phase.name == "settling" else []
    parts = list(_real_changes(changes))
    blind = [in_text(m) for m in METRICS.values() if _is_blind(m.name, changes)]
    if not parts:
        parts = ["no change that these photos could have shown"]
    if blind:
        parts.append(f"not comparable: {_first(blind)}")
    return "\n".join([*label, *parts])


def _is_blind(metric: str, changes: Sequence[Change]) -> bool:
    return {c.verdict for c in changes if c.metric == metric} == {"not comparable"}


def _first(titles: Sequence[str]) -> str:
    more = len(titles) - _SHOWN
    return listed(titles) if more <= 1 else listed([*titles[:_SHOWN], f"{more} more"])


def _real_changes(changes: Sequence[Change]) -> Iterable[str]:
    """Per verdict the metrics that moved most, one a story, each with its largest change; how many more there are."""
    for word in REAL:
        found: list[tuple[float, str]] = []
        stories: set[str] = set()
        for metric in METRICS.values():
            rows = [c for c in changes if c.metric == metric.name and c.verdict == word]
            if not rows or story_of(metric.name) in stories:
                continue
            stories.add(story_of(metric.name))
            strength = max(abs(c.difference) / max(c.detectable_change, 1e-9) for c in rows)
            top = max(rows, key=lambda c: abs(c.difference))
            size = sized(number_text(top.difference, metric.decimals, sign=True), metric)
            others = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
            found.append((strength, f"{in_text(metric)} {size} ({region_title(top.region)}{others})"))
        if found:
            found.sort(key=lambda pair: -pair[0])
            more = len(found) - _SHOWN
            told = [text for _, text in found[:_SHOWN]]
            told += [f"{more} more measure{'s' if more > 1 else ''}"] if more > 0 else []
            yield f"{word}: {', '.join(told)}"


def render_catalogue(*, width: int = 80) -> "Iterable[Text]":
    """The catalogue of metrics by group: name, title, unit, direction, meaning, caveat, formula and source.

    Parameters
    ----------
    width : int
        Columns of the terminal; long lines are folded below their beginning.
    """
    import textwrap

    from rich.text import Text

    for theme, metrics in by_group(METRICS).items():
        yield Text(f"{theme.upper()}\n", style="bold")
        for metric in metrics:
            better = f"{metric.better} is better" if metric.better else "neither direction is better"
            about = ", ".join(filter(None, [metric.title, metric.unit, better]))
            lines = (
                metric.meaning,
                f"Caveat: {metric.caveat}",
                f"Formula: {metric.formula}. Usual range: {metric.value_range}.",
                f"Source: {metric.source}. Version {metric.version}.",
            )
            folded = (
                textwrap.fill(line, max(width, 40), initial_indent="    ", subsequent_indent="      ") for line in lines
            )
            yield Text.assemble((metric.name, "bold"), f"  {about}\n", "\n".join(folded), "\n")


def _table(titles: Sequence[str]) -> "Table":
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for title in titles:
        # Names and sentences may be folded, short columns never.
        folded = title in ("photo", "visit", "session", "against the baseline")
        table.add_column(title, overflow="fold", no_wrap=not folded)
    return table


def _add_row(table: "Table", cells: Sequence[str]) -> None:
    from rich.text import Text

    # Names and labels come from files: nothing in them may steer the terminal. Line breaks between lines are ours.
    table.add_row(*(Text("\n".join(one_line(line) for line in cell.split("\n"))) for cell in cells))
