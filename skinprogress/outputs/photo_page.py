"""Sessions and photos as the report lists them: used ones laid over the reference, rejected ones as they are."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from typing import Any

from skinprogress.comparison.course import is_covered
from skinprogress.errors import PhotoError
from skinprogress.outputs.alignment import Rgb
from skinprogress.outputs.catalogue import text
from skinprogress.outputs.composites import aligned_names
from skinprogress.outputs.fit import describe_photo_fit
from skinprogress.outputs.pictures import Embed, size_of
from skinprogress.outputs.rows import shared_flags
from skinprogress.outputs.summary import Summary
from skinprogress.outputs.wording import flag_texts, is_early, phase_text, taking_text
from skinprogress.photos.reading import read_photo, to_srgb8
from skinprogress.records import ClientResult, PhotoRef, PhotoReport

_THUMB_PX, _THREADS = 220, 4
_MOST_REJECTED = 24
"""As many rejected photos are shown; all are named."""


def used_photos(result: ClientResult) -> list[PhotoReport]:
    """The photos that were measured."""
    return [p for p in result.photos if p.status == "used"]


def shared_remarks(result: ClientResult) -> list[str]:
    """What holds for every photo that was measured, several of them: said once."""
    used = used_photos(result)
    takings = {taking_text(p) for p in used} if len(used) > 1 else set()
    return [*filter(None, takings if len(takings) == 1 else ()), *flag_texts(shared_flags(used), with_remedy=True)]


def list_sessions(result: ClientResult, summary: Summary, out: Path, embed: Embed) -> Iterable[dict[str, Any]]:
    """Every session with its place in the course, its role and its photos.

    Parameters
    ----------
    result : ClientResult
    summary : Summary
    out : Path
        Folder with ``aligned``; a photo that is missing there is named without a picture.
    embed : Embed

    Yields
    ------
    dict
        ``label``, ``when``, ``early``, ``role`` and ``photos``: each with ``row``, ``thumb``, ``taken``, ``remarks``.
    """
    names = aligned_names(result)
    shared, said = shared_flags(used_photos(result)), shared_remarks(result)
    for session in result.sessions:
        photos = []
        for p in (p for p in used_photos(result) if p.session == session and p.file in names):
            path = out / "aligned" / names[p.file]
            photos.append(
                {
                    "row": p,
                    "thumb": embed(path, max_side=_THUMB_PX, quality=78) if size_of(path) else "",
                    "taken": "" if taking_text(p) in said else taking_text(p),
                    "remarks": [
                        *flag_texts(p.flags & ~shared, with_remedy=True),
                        *filter(None, [describe_photo_fit(p)]),
                    ],
                }
            )
        phase = result.plan.phases.get(session)
        yield {
            "label": session,
            "when": phase_text(phase),
            "early": is_early(phase),
            "role": _role(result, summary, session),
            "photos": photos,
        }


def _role(result: ClientResult, summary: Summary, session: str) -> str:
    if session == result.plan.baseline:
        return text("photos.role.baseline")
    if is_covered(result.plan, session):
        return text("photos.role.covered")
    if summary.pair is None or session != summary.pair[1]:
        return ""
    if summary.early:
        return text("photos.role.latest")
    kinds: dict[str | None, str] = {"early": "early", "most settled": "most_settled"}
    return text(f"photos.role.{kinds.get(summary.kind, 'outcome')}")


def list_rejected(result: ClientResult, embed: Embed) -> Iterable[dict[str, Any]]:
    """Every photo that could not be used: ``row``, and ``thumb``, empty where the file cannot be decoded."""
    rows = [p for p in result.photos if p.status == "rejected"]
    with ThreadPoolExecutor(_THREADS) as pool:
        thumbs = list(pool.map(_read_thumb, [result.folder / p.file for p in rows[:_MOST_REJECTED]]))
    for row, rgb in zip_longest(rows, thumbs):
        yield {"row": row, "thumb": "" if rgb is None else embed(rgb, max_side=_THUMB_PX, quality=75)}


def _read_thumb(path: Path) -> Rgb | None:
    try:
        return to_srgb8(read_photo(PhotoRef(path=path, file=path.name, client="", session="")), max_side=_THUMB_PX)
    except (PhotoError, OSError, ValueError):  # ValueError: a name that no file system takes
        return None
