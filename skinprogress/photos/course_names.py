"""Which files the names in ``course.toml`` mean."""

import unicodedata
from collections import defaultdict

from skinprogress.photos.course import CourseFile, PhotoEntry
from skinprogress.photos.scan import Scan, one_line
from skinprogress.photos.suggestions import nearest


def match_names(course: CourseFile | None, scan: Scan) -> tuple[dict[str, PhotoEntry], dict[str, str], list[str]]:
    """Find the files that a course file means.

    Parameters
    ----------
    course : CourseFile or None
    scan : Scan

    Returns
    -------
    entries : dict
        What it says about photos, by the file's path relative to the folder.
    marks : dict
        Photo name as written in a mark to the file's path.
    notes : list of str
        Entries that have no effect.

    Raises
    ------
    CourseFileError
        A name is that of no file, or of several.
    """
    if course is None:
        return {}, {}, []
    skipped = dict(scan.skipped)
    files = [*(found.file for found in scan.photos), *(rejection.file for rejection in scan.rejected), *skipped]
    by_name: defaultdict[str, list[str]] = defaultdict(list)
    for file in files:
        by_name[_same_name(file)].append(file)
        if "/" in file:
            by_name[_same_name(file.rpartition("/")[2])].append(file)
    entries: dict[str, PhotoEntry] = {}
    marks: dict[str, str] = {}
    problems: list[tuple[tuple[str | int, ...], str, str]] = []
    notes = []
    for key, name in [
        *((("photos", name), name) for name in course.photos),
        *((("marks", index, "photo"), mark.photo) for index, mark in enumerate(course.marks)),
    ]:
        matches = by_name.get(_same_name(name), [])
        exact = [file for file in matches if _same_name(file) == _same_name(name)] or matches
        if len(exact) != 1:
            problems.append((key, *_no_match(name, exact, files)))
        elif key[0] == "marks":
            marks[name] = exact[0]
        elif exact[0] in entries:
            problems.append((key, f"{exact[0]!r} has two tables", "put everything about a photo into one table"))
        else:
            entries[exact[0]] = course.photos[name]
            if exact[0] in skipped and not course.photos[name].exclude:
                notes.append(f"course.toml describes {one_line(exact[0])}, which is not used: {skipped[exact[0]]}")
    if problems:
        raise course.error(*problems)
    return entries, marks, notes


def _same_name(name: str) -> str:
    return unicodedata.normalize("NFC", name.removeprefix("./"))


def _no_match(name: str, matches: list[str], files: list[str]) -> tuple[str, str]:
    if matches:
        return f"{name!r} could be {' or '.join(map(repr, matches[:3]))}", "write it with its folder"
    near = nearest(name, files) or nearest(name.rpartition("/")[2], [file.rpartition("/")[2] for file in files])
    hint = f"did you mean {near!r}? " if near else ""
    return f"there is no file {name!r} in the folder", f"{hint}correct the name, or take this entry out"
