"""The page of all clients, and the table that says the same to a program."""

import base64
import hashlib
import shlex
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from skinprogress import __version__
from skinprogress.batch.records import ClientStatus, ClientSummary
from skinprogress.batch.same_pictures import SamePicture, find_same_pictures
from skinprogress.comparison.sentences import session_text
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.tables import render_csv
from skinprogress.outputs.wording import listed, sentence
from skinprogress.photos.dates import natural_key
from skinprogress.photos.scan import one_line

if TYPE_CHECKING:
    from jinja2 import Environment

_UNFOLDED = 12
"""A list of no more than this is not folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _TableRow:
    """What ``batch.csv`` holds of a client: the figures and texts of :class:`ClientSummary`, in the same words."""

    client: str
    status: ClientStatus
    report: str
    headline: str
    grade: str
    n_photos: int
    n_used: int
    n_rejected: int
    n_sessions: int
    first_session: str
    last_session: str
    reason: str
    remedy: str
    consent: str
    rejected_for: tuple[str, ...]
    other_person: tuple[str, ...]
    notes: tuple[str, ...]


def write_batch_table(out: Path, summaries: Sequence[ClientSummary]) -> Path:
    """Write ``batch.csv``: a row a client.

    Parameters
    ----------
    out : Path
        Output folder of the batch.
    summaries : sequence of ClientSummary

    Returns
    -------
    Path
        Columns are the fields of :class:`ClientSummary` that are figures or text; ``rejected_for`` holds the codes of
        the rejected photos, each with its count: ``blurred 2; no_face 1``.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    rows = []
    for s in _sorted(summaries):
        counts = Counter(r.code for r in s.rejected)
        same = {f.name: getattr(s, f.name) for f in fields(_TableRow) if f.name != "rejected_for"}
        rows.append(_TableRow(**same, rejected_for=tuple(f"{code} {counts[code]}" for code in sorted(counts))))
    return write_whole(out / "batch.csv", render_csv(_TableRow, rows))


def write_index(
    out: Path,
    summaries: Sequence[ClientSummary],
    *,
    notes: Sequence[str] = (),
    strays: Sequence[str] = (),
    gone: Collection[str] = (),
) -> Path:
    """Write ``index.html``: every client, and what needs attention.

    Parameters
    ----------
    out : Path
        Output folder of the batch.
    summaries : sequence of ClientSummary
        In any order.
    notes : sequence of str
        Sentences about the clients' folder.
    strays : sequence of str
        Photos that lie in no client's folder.
    gone : collection of str
        Labels of clients whose folder is not there any more.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    return write_whole(out / "index.html", render_index(summaries, notes=notes, strays=strays, gone=gone))


def render_index(
    summaries: Sequence[ClientSummary],
    *,
    notes: Sequence[str] = (),
    strays: Sequence[str] = (),
    gone: Collection[str] = (),
) -> str:
    """The page of all clients as HTML: styles and script inside, pictures and reports linked; no connection is allowed.

    Parameters
    ----------
    summaries, notes, strays, gone
        As for :func:`write_index`.

    Returns
    -------
    str
        The same for the same input: it holds no time of making.
    """
    from markupsafe import Markup

    clients = _sorted(summaries)
    same = find_same_pictures(clients)
    shared = _shared_with(same)
    rows = [_row(s, [*_attention(s, gone), *shared.get(s.client, ())]) for s in clients]
    # The report's own look, and what only this page has. Markup: our own text, the only one that is not escaped.
    style = Markup(_asset("skinprogress.outputs", "report.css") + _asset("skinprogress.batch", "index.css"))
    script = Markup(_asset("skinprogress.batch", "index.js"))
    page = _environment().get_template("index.html.jinja")
    return page.render(
        style=style,
        script=script,
        style_hash=_policy_hash(style),
        script_hash=_policy_hash(script),
        version=__version__,
        rows=rows,
        links={row["name"]: row["link"] for row in rows},
        counts=_counts(clients),
        failed=[s for s in clients if s.status == "failed"],
        stuck=[(s.client, stuck) for s in clients if (stuck := _stuck(s))],
        others=[s for s in clients if s.other_person],
        same=same,
        gone=[(name, forget_command(name)) for name in sorted(gone, key=natural_key)],
        strays=strays,
        notes=notes,
        unfolded=_UNFOLDED,
    )


def forget_command(client: str) -> str:
    """What to type to have a client forgotten; OUT stands for the output folder.

    Examples
    --------
    >>> forget_command("2026/Anna"), forget_command("-x $HOME")
    ('skinprogress forget 2026/Anna -o OUT', "skinprogress forget -o OUT -- '-x $HOME'")
    """
    name = shlex.quote(client)
    return f"skinprogress forget -o OUT -- {name}" if client.startswith("-") else f"skinprogress forget {name} -o OUT"


def _sorted(summaries: Iterable[ClientSummary]) -> list[ClientSummary]:
    return sorted(summaries, key=lambda s: (natural_key(s.client), s.client))


def _attention(summary: ClientSummary, gone: Collection[str]) -> list[str]:
    """Why somebody should look at a client, but for pictures that another client has too."""
    n = len(summary.other_person)
    return [
        *([summary.reason or "The comparison failed"] if summary.status == "failed" else ()),
        *([f"{_number(n, 'photo')} may show another person"] if n else ()),
        *([stuck] if (stuck := _stuck(summary)) else ()),
        *(["The folder is gone"] if summary.client in gone else ()),
    ]


def _stuck(summary: ClientSummary) -> str:
    """Why photos that went through tell nothing so far; empty where they do."""
    if summary.grade == "F" and not summary.other_person:  # which is reason enough
        return "The last photos cannot be compared with the first: the report says why"
    if summary.status == "one session" and summary.n_rejected:
        return f"One session is left, since {_number(summary.n_rejected, 'photo')} had to be rejected"
    return ""


def _shared_with(same: Iterable[SamePicture]) -> dict[str, list[str]]:
    """By client: with whom it shares how many pictures."""
    shared: dict[str, list[str]] = {}
    for client, pictures in _by_client(same).items():
        others = sorted({one_line(c) for p in pictures for c, _ in p.photos if c != client}, key=natural_key)
        named = listed(others) if len(others) <= 3 else f"{len(others)} other clients"
        shared[client] = [f"{_number(len(pictures), 'picture')} also with {named}"]
    return shared


def _by_client(same: Iterable[SamePicture]) -> dict[str, list[SamePicture]]:
    found: dict[str, list[SamePicture]] = defaultdict(list)
    for picture in same:
        for client in {client for client, _ in picture.photos}:
            found[client].append(picture)
    return found


def _row(summary: ClientSummary, attention: list[str]) -> dict[str, Any]:
    """A client as the page's template takes it."""
    sessions = dict.fromkeys(filter(None, (summary.first_session, summary.last_session)))
    return {
        "name": summary.client,
        "link": _link(summary.report),
        "thumbnails": [
            (_link(path), "first session" if k == 0 else "last session") for k, path in enumerate(summary.thumbnails)
        ],
        "period": " to ".join(map(session_text, sessions)),
        "attention": [sentence(text) for text in attention],
        # What failed is sorted before whatever else needs a look.
        "weight": len(attention) + 10 * (summary.status == "failed"),
        "summary": summary,
    }


def _counts(clients: Sequence[ClientSummary]) -> list[str]:
    """All clients in a few words each."""
    by_status = Counter(s.status for s in clients)
    n_rejected = sum(s.n_rejected for s in clients)
    told = {
        f"{by_status['compared']} compared": by_status["compared"],
        f"{by_status['one session']} with one session so far": by_status["one session"],
        f"{by_status['failed']} failed": by_status["failed"],
        f"{_number(sum(s.n_used for s in clients), 'photo')} measured": 1,
        f"{n_rejected} rejected": n_rejected,
    }
    return [words for words, n in told.items() if n]


def _number(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _link(path: str) -> str:
    """A path as a relative link, whatever its names hold."""
    return quote(path, safe="/", errors="surrogateescape")


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("skinprogress.batch"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(sentence=sentence, number=_number, one_line=one_line)
    return environment


def _asset(package: str, name: str) -> str:
    return resources.files(package).joinpath("templates", name).read_text("utf-8")


def _policy_hash(code: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
