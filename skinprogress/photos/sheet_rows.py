"""Rows of a CSV or XLSX file, as a person sees them, without being taken in by what no person would make."""

import csv
import io
import re
import stat
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skinprogress.errors import CourseFileError
from skinprogress.photos.scan import one_line

_MAX_BYTES = 20_000_000
_MAX_UNPACKED_BYTES = 50_000_000
_MAX_PARTS = 2_000
_MAX_ROWS = 50_000
_MAX_COLUMNS = 100
_LAST_ROW = 1_048_576  # of any sheet; a made-up row number beyond would be counted up to
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_SAVE_AGAIN = "save it again from Excel or LibreOffice as XLSX, or as CSV UTF-8"


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell that shows no value that could be read."""

    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Rows:
    """What stands in a sheet.

    Attributes
    ----------
    name : str
        Of the file, and of the sheet in it where there are several.
    cells : list of (int, list)
        Number of the row as the program shows it, and its cells; empty cells are None, rows without any are left out.
    """

    name: str
    cells: list[tuple[int, list[Any]]]


def read_rows(path: Path) -> Rows:
    """Read a CSV file, or the first sheet of an XLSX file.

    Raises
    ------
    CourseFileError
        It is no such file, is too large, or cannot be read.
    """
    name = one_line(str(path))
    try:
        status = path.stat()
        # A pipe would wait for ever; a device would never end.
        if not stat.S_ISREG(status.st_mode):
            raise CourseFileError(f"{name} is not an ordinary file", "give a CSV or XLSX file")
        if status.st_size > _MAX_BYTES:
            raise _too_large(name)
        data = path.read_bytes()
    except OSError as error:
        raise CourseFileError(
            f"the sheet {name} cannot be read ({error.strerror or error})", "check its name, and whether it may be read"
        ) from error
    if data[:4] == _OLD_EXCEL:
        reason = f"{name} is in Excel's format from before 2007, or locked with a password"
        raise CourseFileError(reason, "save it as XLSX without a password")
    if zipfile.is_zipfile(io.BytesIO(data)):
        return _read_workbook(name, data)
    cells = list(_number_rows(name, enumerate(_read_csv(name, data), start=1)))
    return Rows(name, cells)


def _number_rows(name: str, rows: Iterator[tuple[int, list[Any]]]) -> Iterator[tuple[int, list[Any]]]:
    kept = 0
    for number, row in rows:
        cells = [(cell.strip() or None) if isinstance(cell, str) else cell for cell in row]
        if all(cell is None for cell in cells):
            continue
        kept += 1
        if kept > _MAX_ROWS or len(cells) > _MAX_COLUMNS:
            raise _too_large(name)
        yield number, cells


def _read_csv(name: str, data: bytes) -> Iterator[list[str]]:
    # Excel's "Unicode text" is UTF-16 with its mark.
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        reason = f"{name}, line {line}: the file is not in the encoding UTF-8"
        raise CourseFileError(reason, "save it again as “CSV UTF-8”, or as XLSX") from error
    first = text.partition("\n")[0]
    named = re.fullmatch(r"sep=(.)\r?", first)  # Excel's own way to say it
    delimiter = named[1] if named else max(",;\t", key=first.count)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        yield from ([] if named and number == 0 else row for number, row in enumerate(rows))
    except csv.Error as error:
        raise CourseFileError(
            f"{name}, line {rows.line_num} is not understood ({one_line(str(error))})", _SAVE_AGAIN
        ) from error


def _read_workbook(name: str, data: bytes) -> Rows:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
        # What is packed never unpacks to more than is said here: zipfile stops there.
        if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > _MAX_UNPACKED_BYTES:
            raise _too_large(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of parts that are no cells, such as drop-down lists
            return _read_first_sheet(name, data)
    except CourseFileError:
        raise
    except Exception as error:  # a broken file fails in whichever line of the library meets it
        raise CourseFileError(f"{name} cannot be read as an XLSX file ({type(error).__name__})", _SAVE_AGAIN) from error


def _read_first_sheet(name: str, data: bytes) -> Rows:
    import openpyxl

    values, formulas = (
        openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=data_only, keep_links=False)
        for data_only in (True, False)
    )
    if len(values.worksheets) > 1:
        name = f"{name} (sheet {one_line(values.worksheets[0].title)})"

    def rows() -> Iterator[tuple[int, list[Any]]]:
        both = (
            # The size that is written in the file may be wrong.
            book.worksheets[0].iter_rows(max_row=_LAST_ROW, max_col=_MAX_COLUMNS + 1)
            for book in (values, formulas)
        )
        before = None
        for number, pair in enumerate(zip(*both, strict=True), start=1):
            if pair[0] is before:  # the library fills gaps with one and the same row, and there may be a million
                continue
            before = pair[0]
            cells = [_cell(value, formula) for value, formula in zip(*pair, strict=True)]
            while cells and cells[-1] is None:
                cells.pop()
            yield number, cells

    return Rows(name, list(_number_rows(name, rows())))


def _cell(value: Any, formula: Any) -> Any:
    if value.data_type == "e":
        return BadCell(f"the cell shows the error {value.value}", "correct its formula, or write the value itself")
    if value.value is None and formula.data_type == "f":
        reason = "the cell holds a formula whose value was never worked out"
        return BadCell(reason, "open the sheet in Excel or LibreOffice and save it, or write the value itself")
    if isinstance(value.value, int) and re.fullmatch("0{2,}", value.number_format):
        return f"{value.value:0{len(value.number_format)}}"  # a client called 0042 is the number 42, shown with zeros
    return value.value


def _too_large(name: str) -> CourseFileError:
    return CourseFileError(
        f"{name} is too large for a sheet of courses (at most {_MAX_BYTES // 10**6} MB, {_MAX_ROWS} rows and "
        f"{_MAX_COLUMNS} columns)",
        "take everything else out of it, or save the rows that matter as CSV",
    )
