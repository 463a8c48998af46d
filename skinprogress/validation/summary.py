"""What a validation of the alignment says: a table for the terminal, and in one sentence whether to trust it."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from skinprogress.outputs.style import number_text, region_title
from skinprogress.outputs.wording import listed
from skinprogress.photos.scan import one_line
from skinprogress.validation.alignment import AlignmentValidation
from skinprogress.validation.scores import METHODS, part_names
from skinprogress.validation.table import Figure

if TYPE_CHECKING:
    from rich.table import Table

MOST_ERROR_PERCENT_IOD = 0.5
"""About 0.3 mm: the finest texture that is measured is 0.5 mm wide."""

LEAST_ACCEPTED = 0.8
"""A photo without any change but the known ones should be accepted nearly everywhere."""

LEAST_ACCEPTED_OF_PAIR = 0.5
"""Between real photos a smile or a shadow may cost regions, but most should be left to compare."""

_MM_PER_PERCENT_IOD = 0.63  # the irises of adults are about 63 mm apart
_NAMED = 3
_TITLES = {
    "known_warp": "known warp",
    "true_points": "true points",
    "same_person": "same person",
    "other_person": "other person",
}


class _Figures:
    """The figures of a validation, to be looked up."""

    def __init__(self, figures: Sequence[Figure]) -> None:
        self._found = {(f.test, f.method, f.subject, f.metric, f.figure): f for f in figures}

    def value(self, test: str, subject: str, metric: str, figure: str, *, method: str = "refined") -> float:
        found = self._found.get((test, method, subject, metric, figure))
        return found.value if found else math.nan

    def n(self, test: str, subject: str, metric: str, figure: str) -> int:
        found = self._found.get((test, "refined", subject, metric, figure))
        return found.n if found else 0

    def subjects(self, test: str) -> list[str]:
        return list(dict.fromkeys(key[2] for key in self._found if key[0] == test))

    def worst(self, test: str) -> tuple[str, float]:
        """The photo with the largest error in its accepted regions; of several alike the first."""
        errors = [(self.value(test, s, "accepted", "error_p95"), s) for s in self.subjects(test) if _is_photo(s)]
        errors = [(error, photo) for error, photo in errors if math.isfinite(error)]
        return max(errors, key=lambda pair: pair[0])[::-1] if errors else ("", math.nan)


def render_alignment_table(validation: AlignmentValidation) -> "Table":
    """One line a test and method; errors in % of the distance between the irises.

    Parameters
    ----------
    validation : AlignmentValidation

    Returns
    -------
    rich.table.Table
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for title in ("test", "method"):
        table.add_column(title, no_wrap=True)
    for title in ("all skin\nmedian", "\np95", "accepted\nmedian", "\np95", "share\naccepted", "\nn"):
        table.add_column(title, no_wrap=True, justify="right")
    figures = _Figures(validation.figures)
    for test in _TITLES:
        for subject in sorted((s for s in figures.subjects(test) if not _is_photo(s)), key=lambda s: s != "all"):
            for row in _rows(figures, test, subject):
                table.add_row(*(Text(one_line(cell)) for cell in row))
    return table


def _rows(figures: _Figures, test: str, subject: str) -> Iterator[list[str]]:
    share = figures.value(test, subject, "regions", "accepted_share")
    n = figures.n(test, subject, "regions", "accepted_share")
    title = _TITLES[test] if subject == "all" else f"  {subject}"
    if test not in ("known_warp", "true_points"):
        yield [title, "refined", "", "", "", "", _percent(share), str(n)]
        return
    for method in METHODS:
        cells = [title if method == METHODS[0] else "", method]
        for metric in ("skin", "accepted"):
            for figure in ("error_median", "error_p95"):
                cells.append(_number(figures.value(test, subject, metric, figure, method=method)))
        yield cells + ([_percent(share), str(n)] if method == METHODS[-1] else ["", ""])


def alignment_remarks(validation: AlignmentValidation) -> list[str]:
    """Lines to stand below the table: what the pairs of real photos say, the speed, and last whether to trust it."""
    figures = _Figures(validation.figures)
    lines = [
        "Errors in % of the distance between the irises (1 % is about 0.6 mm); p95: 95 % of the places lie nearer.",
        _farthest(figures),
    ]
    lines += [_same_person(figures), _other_person(figures, validation), _speed(figures)]
    return [*filter(None, lines), judge_alignment(validation)]


def _farthest(figures: _Figures) -> str:
    worst = {title: figures.worst(test) for test, title in _TITLES.items()}
    told = [f"{title} {one_line(photo)} {_number(error)} %" for title, (photo, error) in worst.items() if photo]
    return f"Farthest off where accepted (p95): {', '.join(told)}." if told else ""


def _same_person(figures: _Figures) -> str:
    pairs = figures.n("same_person", "all", "regions", "accepted_share")
    if not pairs:
        return ""
    shares = {name: figures.value("same_person", "all", name, "accepted_share") for name in part_names()}
    doubtful = sorted((name for name in shares if shares[name] < LEAST_ACCEPTED), key=lambda name: shares[name])
    misfit = figures.value("same_person", "all", "regions", "misfit_median")
    expected = f", expected misfit {_number(misfit)} %" if math.isfinite(misfit) else ""
    text = f"every region accepted in at least {_percent(LEAST_ACCEPTED)} of them"
    if doubtful:
        told = _first([f"{region_title(name)} {_percent(shares[name])}" for name in doubtful], "regions")
        text = f"accepted least: {told}" if any(shares.values()) else "no region was accepted in any"
    return f"Same person, {_count(pairs, 'pair')}{expected}: {text}."


def _other_person(figures: _Figures, validation: AlignmentValidation) -> str:
    pairs = figures.n("other_person", "all", "regions", "accepted_share")
    if not pairs:
        return ""
    accepted = figures.value("other_person", "all", "regions", "accepted_regions")
    n = figures.n("other_person", "all", "regions", "accepted_regions")
    moved = figures.value("other_person", "all", "regions", "moved_share")
    more = f", {_percent(moved)} of them moved by more than landmarks err" if accepted else ""
    return (
        f"Different people ({validation.n_people}, by the name before the first _), {_count(pairs, 'pair')}: "
        f"{accepted:.0f} of {n} regions accepted{more}; 0 is right."
    )


def _speed(figures: _Figures) -> str:
    for photo in figures.subjects("speed"):
        metric = "landmarks and registration"
        spent = figures.value("speed", photo, metric, "milliseconds")
        ratio = figures.value("speed", photo, metric, "ratio")
        decoding = f" (decoding: {spent / ratio:.0f} ms)" if math.isfinite(ratio) else ""
        return f"Landmarks and registration of {one_line(photo)} on one core: {spent:.0f} ms{decoding}."
    return ""


def judge_alignment(validation: AlignmentValidation) -> str:
    """Say in one sentence whether the alignment can be trusted on these photos, and where not, why.

    Parameters
    ----------
    validation : AlignmentValidation

    Returns
    -------
    str
    """
    figures = _Figures(validation.figures)
    judged = [photo for photo in figures.subjects("known_warp") if _is_photo(photo)]
    if not judged:
        return "Whether the alignment can be trusted cannot be said: no face was found again after a known warp."
    bad = {photo: why for photo in judged if (why := _fault(figures, photo))}
    told = _first([f"{one_line(photo)} ({why})" for photo, why in bad.items()], "photos")
    # A reference photo alone proves nothing where there are others to be laid over it.
    compared = [p for p in judged if any(p in figures.subjects(test) for test in ("true_points", "same_person"))]
    if all(photo in bad for photo in compared or judged):
        text = f"Alignment cannot be trusted on these photos: {told}"
    else:
        errors = [figures.value(test, p, "accepted", "error_p95") for test in _TITLES for p in judged if p not in bad]
        worst = max(error for error in errors if math.isfinite(error))
        which = "these photos" if not bad else f"{len(judged) - len(bad)} of {len(judged)} photos"
        text = (
            f"Alignment can be trusted on {which}: in each, 95 % of the accepted skin comes to lie within "
            f"{_number(worst)} % of the distance between the irises ({worst * _MM_PER_PERCENT_IOD:.1f} mm) of its place"
        )
        text += f"; not on {told}" if bad else ""
    accepted = figures.value("other_person", "all", "regions", "accepted_regions")
    if accepted > 0:
        text += f"; and it does not tell all people apart: {accepted:.0f} regions of different people were accepted"
    return f"{text}."


def _fault(figures: _Figures, photo: str) -> str:
    """Why a photo fails; empty where it does not."""
    for test, least, where in (
        ("true_points", LEAST_ACCEPTED, ""),
        ("same_person", LEAST_ACCEPTED_OF_PAIR, " over the first photo of the same person"),
        ("known_warp", LEAST_ACCEPTED, " after a known warp"),
    ):
        if figures.value(test, photo, "accepted", "error_p95") > MOST_ERROR_PERCENT_IOD:
            error = _number(figures.value(test, photo, "accepted", "error_p95"))
            return f"5 % of its accepted skin lies more than {error} % off{where}"
        share = figures.value(test, photo, "regions", "accepted_share")
        if share < least:
            much = f"only {_percent(share)}" if share else "none"
            return f"{much} of its skin is accepted{where}"
    return ""


def _first(texts: Sequence[str], what: str) -> str:
    """The first few of many, and how many more there are."""
    more = len(texts) - _NAMED
    return listed(texts) if more <= 1 else listed([*texts[:_NAMED], f"{more} more {what}"])


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _is_photo(subject: str) -> bool:
    return subject != "all" and not subject.endswith("*")


def _number(value: float) -> str:
    return number_text(value, 2) if math.isfinite(value) else "–"


def _percent(share: float) -> str:
    return f"{100.0 * share:.0f} %" if math.isfinite(share) else "–"
