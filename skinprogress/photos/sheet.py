"""The sheet of all clients: one CSV or XLSX file that says of each what ``course.toml`` would say."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from skinprogress.errors import CourseFileError
from skinprogress.photos.consents import strictest
from skinprogress.photos.course import CourseFile
from skinprogress.photos.course_checks import find_contradictions
from skinprogress.photos.course_errors import Problem, from_validation_error
from skinprogress.photos.course_schema import ConsentEntry
from skinprogress.photos.sheet_cells import COLUMNS, CellError
from skinprogress.photos.sheet_rows import BadCell, read_rows
from skinprogress.photos.suggestions import did_you_mean
from skinprogress.records import Consent
from skinprogress.settings import DateOrder

_TOLD_AT_MOST = 50
_MAX_TREATMENTS = 1000


@dataclass(slots=True)
class _Client:
    """A client's rows: the tables of a course file, and the row that each key came from."""

    tables: dict[str, Any] = field(default_factory=lambda: {"treatments": []})
    first_row: int = 0
    rows: dict[tuple[str | int, ...], int] = field(default_factory=dict)


@dataclass(slots=True)
class _Mistakes:
    """What is wrong, in the order of rows."""

    found: list[tuple[int, str, str, str]] = field(default_factory=list)

    def add(self, row: int, column: str, reason: str, remedy: str) -> None:
        self.found.append((row, column, reason, remedy))

    def tell(self, name: str) -> None:
        if not self.found:
            return
        places = [
            (f"row {row}{f', column {column}' if column else ''}", *rest) for row, column, *rest in sorted(self.found)
        ]
        if len(places) == 1:
            where, reason, remedy = places[0]
            raise CourseFileError(f"{name}, {where}: {reason}", remedy)
        lines = [f"  {where}: {reason}: {remedy}" for where, reason, remedy in places[:_TOLD_AT_MOST]]
        more = [f"  and {len(places) - _TOLD_AT_MOST} more"] if len(places) > _TOLD_AT_MOST else []
        raise CourseFileError("\n".join([f"{name} has {len(places)} mistakes", *lines, *more]))


def read_sheet(path: Path, *, date_order: DateOrder | None = None) -> dict[str, CourseFile]:
    """Read the courses of all clients from one sheet.

    Parameters
    ----------
    path : Path
        CSV (UTF-8, parted by commas, semicolons or tabs) or XLSX (its first sheet). The first row names the columns:
        ``client``, the folder as seen from the clients' folder, and any of
        :data:`skinprogress.photos.sheet_cells.COLUMNS`. A client has as many rows as treatments; what is said of the
        client may stand in any of them.
    date_order : {'dmy', 'mdy'} or None
        How to read ``03.04.2026``.

    Returns
    -------
    dict of str to CourseFile
        By the client's folder, with ``/``.

    Raises
    ------
    CourseFileError
        The file cannot be read, or says what cannot be; the message names file, row and column, the value, and the
        fix. All mistakes are told at once.
    """
    rows = read_rows(path)
    mistakes = _Mistakes()
    if not rows.cells:
        raise CourseFileError(f"{rows.name} is empty", f"name the columns in its first row: {', '.join(COLUMNS)}")
    (header_row, header), *body = rows.cells
    columns = _find_columns(header_row, header, mistakes)
    mistakes.tell(rows.name)
    clients: dict[str, _Client] = {}
    for number, cells in body:
        _read_row(number, cells, columns, clients, mistakes, date_order)
    courses = {name: _to_course(client, path, mistakes) for name, client in clients.items()}
    mistakes.tell(rows.name)
    return {name: course for name, course in courses.items() if course is not None}


def course_for(folder: CourseFile | None, sheet: CourseFile | None) -> tuple[CourseFile | None, tuple[str, ...]]:
    """What counts for a client: the course file in the folder, else the sheet; of consent the stricter of both.

    Parameters
    ----------
    folder, sheet : CourseFile or None

    Returns
    -------
    course : CourseFile or None
    notes : tuple of str
        Where both speak: which counts.

    Notes
    -----
    Where one of them says nothing about consent, the other's counts.
    """
    if folder is None or sheet is None or not sheet.model_fields_set:
        return (sheet if folder is None else folder), ()
    course = folder.model_copy(update={"consent": _stricter(folder.consent, sheet.consent)})
    spoken = {name for name in sheet.model_fields_set if name != "consent"}
    told = "the client's folder has a course.toml, which counts; what the sheet of all clients says does not"
    but = ", but for consent: the stricter of both counts" if "consent" in sheet.model_fields_set else ""
    return course, (f"{told}{but}",) if spoken or but else ()


def _stricter(one: ConsentEntry, other: ConsentEntry) -> ConsentEntry:
    if ConsentEntry() in (one, other):
        return other if one == ConsentEntry() else one
    return ConsentEntry(**asdict(strictest(Consent(**entry.model_dump()) for entry in (one, other))))


def _find_columns(row: int, header: list[Any], mistakes: _Mistakes) -> dict[int, str]:
    """Place of each column to its name."""
    by_form = {_form(name): name for name in COLUMNS}
    columns: dict[int, str] = {}
    for place, cell in enumerate(header):
        if cell is None:
            continue
        name = by_form.get(_form(str(cell)))
        if name is None:
            hint = did_you_mean(str(cell), COLUMNS)
            mistakes.add(row, "", f"there is no column {str(cell)!r}", f"{hint}the columns are {', '.join(COLUMNS)}")
        elif name in columns.values():
            mistakes.add(row, name, "the column stands twice", "keep one of them")
        else:
            columns[place] = name
    if "client" not in columns.values() and not mistakes.found:
        what = "no column is called client"
        mistakes.add(row, "", what, "name the columns in the first row; client holds the name of the client's folder")
    return columns


def _read_row(
    number: int,
    cells: list[Any],
    columns: Mapping[int, str],
    clients: dict[str, _Client],
    mistakes: _Mistakes,
    date_order: DateOrder | None,
) -> None:
    """Put what a row says where it belongs."""
    said: dict[str, Any] = {}
    wrong: set[str] = set()
    for place, cell in enumerate(cells):
        if cell is None:
            continue
        column = columns.get(place)
        if column is None:
            mistakes.add(number, "", f"{str(cell)!r} stands in a column without a name", "name the column, or empty it")
            continue
        if isinstance(cell, BadCell):
            mistakes.add(number, column, cell.reason, cell.remedy)
            wrong.add(column)
            continue
        try:
            said[column] = COLUMNS[column].convert(cell, date_order)
        except CellError as error:
            mistakes.add(number, column, error.reason, error.remedy)
            wrong.add(column)
    name = said.pop("client", None)
    if name is None:
        if "client" not in wrong:
            mistakes.add(number, "client", "is empty", "write the name of the client's folder into every row")
        return
    client = clients.setdefault(name, _Client(first_row=number))
    treatment = {column: said.pop(column) for column in list(said) if COLUMNS[column].table == "treatments"}
    if treatment and "at" not in treatment and "at" not in wrong:
        reason = "is empty, and the row describes a treatment"
        mistakes.add(number, "at", reason, "write the day of the treatment, such as 2026-03-14")
    elif "at" in treatment:
        client.rows["treatments", len(client.tables["treatments"])] = number
        client.tables["treatments"].append(treatment)
    for column, value in said.items():
        _agree(client, column, value, number, mistakes)


def _agree(client: _Client, column: str, value: Any, number: int, mistakes: _Mistakes) -> None:
    """Note what is said of the client, unless an earlier row says otherwise."""
    table = COLUMNS[column].table
    key = (table, column)
    if key not in client.rows:
        client.rows[key] = number
        client.tables.setdefault(table, {})[column] = value
    elif (earlier := client.tables[table][column]) != value:
        reason = f"{_words(value)!r} is not what row {client.rows[key]} says of this client ({_words(earlier)!r})"
        mistakes.add(number, column, reason, "write the same into both rows, or leave one of them empty")


def _to_course(client: _Client, path: Path, mistakes: _Mistakes) -> CourseFile | None:
    tables = {name: table for name, table in client.tables.items() if table}
    problems: list[Problem] = []
    course = None
    if len(client.tables["treatments"]) > _MAX_TREATMENTS:  # each is held against each other
        reason = f"the client has {len(client.tables['treatments'])} treatments, and {_MAX_TREATMENTS} are the most"
        mistakes.add(client.first_row, "client", reason, "give every client a folder, and that one's rows, of its own")
        return None
    try:
        course = CourseFile.model_validate(tables)
    except ValidationError as error:
        problems = from_validation_error(error, CourseFile)
    else:
        course._path = path
        problems = find_contradictions(course)

    def row_of(key: tuple[str | int, ...]) -> int:
        return client.rows.get(key[:2], client.first_row)

    def in_rows(text: str) -> str:
        return re.sub(r"treatments\[(\d+)\]", lambda match: f"row {row_of(('treatments', int(match[1]) - 1))}", text)

    for problem in problems:
        column = next((str(part) for part in reversed(problem.key) if isinstance(part, str)), "")
        mistakes.add(row_of(problem.key), column, in_rows(problem.reason), in_rows(problem.remedy))
    return course


def _form(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _words(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)
