"""The sheet of all clients: what people's spreadsheet programs write, and what goes wrong in it."""

import os
import sys
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skinprogress.errors import CourseFileError
from skinprogress.photos.course import CourseFile
from skinprogress.photos.sheet import course_for, read_sheet
from skinprogress.records import Consent, Treatment

CSV = (
    "client,Label,planned,AIM,Reference Region,publish,scope,given,until,at,kind,setting,number"
    ",device,Depth mm,areas,products\n"
    "2026/Anna,A-0042,3,texture; acne scars,neck,yes,web;print,2026-03-01,2027-03-01,2026-03-14"
    ' 15:30,,Clinic,1,Dermapen,1.5,"cheeks, nose",hyaluronic acid; arnica\n'
    '2026/Anna,,3,,,,,,,2026-04-25,microneedling,clinic,2,,forehead = 1.0; cheeks = 1.5,"forehe'
    'ad;cheeks",\n'
    "Bea,,,,,no,,,,,,,,,,,\n"
    "Carl,,,,,,,,,,,,,,,,\n"
)


def write_csv(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def write_xlsx(path: Path, *rows: list[Any]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def mistakes_in(path: Path) -> str:
    with pytest.raises(CourseFileError) as error:
        read_sheet(path)
    assert str(path) in str(error.value)
    assert error.value.exit_code == 2
    return str(error.value)


def check_the_clinic(courses: dict[str, CourseFile]) -> None:
    assert list(courses) == ["2026/Anna", "Bea", "Carl"]
    anna = courses["2026/Anna"].to_course()
    assert (anna.label, anna.planned, anna.aim) == ("A-0042", 3, ("texture", "acne scars"))
    assert anna.reference_region == "neck"
    assert anna.consent == Consent(publish=True, scope=("web", "print"), given=date(2026, 3, 1), until=date(2027, 3, 1))
    assert anna.treatments == (
        Treatment(
            at=datetime(2026, 3, 14, 15, 30), kind="microneedling", setting="clinic", number=1, device="Dermapen",
            depth_mm={"face": 1.5}, areas=("cheek_left", "cheek_right", "nose"),
            products=("hyaluronic acid", "arnica"),
        ),
        Treatment(
            at=datetime(2026, 4, 25), kind="microneedling", setting="clinic", number=2, device="",
            depth_mm={"forehead": 1.0, "cheek_left": 1.5, "cheek_right": 1.5},
            areas=("forehead", "cheek_left", "cheek_right"), products=(),
        ),
    )  # fmt: skip
    assert [moment.time_known for moment in courses["2026/Anna"].treatment_times()] == [True, False]
    assert courses["Bea"].consent.publish is False
    assert courses["Carl"].consent.publish is None


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CSV, "utf-8"),
        (CSV, "utf-8-sig"),
        (CSV.replace("\n", "\r\n"), "utf-8"),
        (CSV.replace("Bea,", "\n\n,,,,,,,,\nBea,"), "utf-8"),
        (CSV.replace("2026/Anna", "2026\\Anna\\").replace("yes", "TRUE"), "utf-8"),
        (CSV.replace("2026-03-14 15:30", "14.03.2026 15:30").replace("2026-04-25", "4/25/2026"), "utf-8"),
    ],
)
def test_csv(tmp_path: Path, text: str, encoding: str) -> None:
    check_the_clinic(read_sheet(write_csv(tmp_path / "c.csv", text, encoding)))


@pytest.mark.parametrize(("delimiter", "encoding"), [(";", "utf-8"), ("\t", "utf-8"), ("\t", "utf-16")])
def test_other_delimiters(tmp_path: Path, delimiter: str, encoding: str) -> None:
    text = 'client,depth mm,at\nZoë,"1,5",2026-03-14\n'.replace(",", delimiter).replace(f"1{delimiter}5", "1,5")
    (course,) = read_sheet(write_csv(tmp_path / "c.csv", text, encoding)).items()
    assert course[0] == "Zoë" and course[1].treatments[0].depth_mm == {"face": 1.5}
    sep = read_sheet(write_csv(tmp_path / "d.csv", f"sep={delimiter}\r\n{text}", encoding))
    assert sep[course[0]].treatments == course[1].treatments


def test_xlsx_with_the_types_of_excel(tmp_path: Path) -> None:
    rows = [line.split(",") for line in CSV.replace('"cheeks, nose"', "cheeks; nose").replace('"', "").splitlines()]
    cells: list[list[Any]] = [[cell or None for cell in row] for row in rows]
    cells[1][2], cells[2][2] = 3, 3.0
    cells[1][5] = True
    cells[1][7], cells[1][8] = datetime(2026, 3, 1), date(2027, 3, 1)
    cells[1][9], cells[2][9] = datetime(2026, 3, 14, 15, 30, 0, 400), date(2026, 4, 25)
    cells[1][12], cells[1][14] = 1, 1.5
    check_the_clinic(read_sheet(write_xlsx(tmp_path / "c.xlsx", *cells)))


def test_numbers_as_names(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "c.xlsx", ["client", "label"], [42, 7.0], [date(2026, 3, 14), "x"])
    assert {name: course.client.label for name, course in read_sheet(path).items()} == {"42": "7", "2026-03-14": "x"}


def test_numbers_as_excel_shows_them(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(
        write_xlsx(tmp_path / "c.xlsx", ["client", "planned", "at"], [42, 3, date(2026, 3, 14)])
    )
    for cell in ("A2", "B2"):
        book.worksheets[0][cell].number_format = "0000"
    book.save(tmp_path / "c.xlsx")
    assert {name: course.course.planned for name, course in read_sheet(tmp_path / "c.xlsx").items()} == {"0042": 3}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("klient\nA", ["row 1", "no column 'klient'", "did you mean 'client'?"]),
        ("client,Dept mm\nA,1", ["did you mean 'depth_mm'?"]),
        ("client,at,AT\nA,,", ["row 1, column at", "stands twice"]),
        ("label\nA", ["no column is called client"]),
        ("client,planned\nA,many", ["row 2, column planned", "'many' is no number"]),
        ("client,planned\nA,2.5", ["'2.5' is no whole number"]),
        ("client,planned\nA,0", ["row 2, column planned", "at least 1"]),
        ("client,planned\nA,3\nB,\nA,4", ["row 4, column planned", "'4' is not what row 2 says", "'3'"]),
        ("client,publish\nA,maybe", ["'maybe' is neither yes nor no", "write yes or no"]),
        ("client,at\nA,03.04.2026", ["2026-04-03 or 2026-03-04", "--date-order"]),
        ("client,at\nA,yesterday", ["row 2, column at", "'yesterday' is no date"]),
        ("client,at\nA,2026-02-30", ["'2026-02-30' is no date"]),
        ("client,at\nA,14.03.2026 25:10", ["is no date"]),
        ("client,at\nA,46095", ["'46095' is no date"]),
        ("client,kind\nA,peel", ["row 2, column at", "describes a treatment"]),
        ("client,label\n,x", ["row 2, column client", "is empty"]),
        ("client,label\n../x,x", ["row 2, column client", "'../x' is no folder"]),
        ("client,areas,at\nA,left cheek,2026-03-14", ["column areas", "did you mean 'cheek_left'?"]),
        ("client,depth_mm,at\nA,15,2026-03-14", ["column depth_mm", "15 mm cannot be right"]),
        ("client,depth_mm,at\nA,nose = deep,2026-03-14", ["column depth_mm", "'deep' is no number"]),
        ("client,depth_mm,at\nA,nose = 1 = 2,2026-03-14", ["column depth_mm", "'1 = 2' is no number"]),
        ("client,setting,at\nA,hospital,2026-03-14", ['write "clinic", "home" or "maintenance"']),
        ("client,given,until\nA,2026-03-01,2025-03-01", ["column until", "put the dates in order"]),
        ("client,at,number\nA,2026-03-14,1\nB,,\nA,2026-04-14,1", ["row 4, column number", "also that of row 2"]),
        ("client,\nA,what", ["'what' stands in a column without a name"]),
        ('client\n"A', ["is not understood"]),
    ],
)
def test_mistakes_name_row_column_value_and_fix(tmp_path: Path, text: str, words: list[str]) -> None:
    told = mistakes_in(write_csv(tmp_path / "c.csv", text))
    assert all(word in told for word in words), told
    assert "\n" not in told


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "c.csv", "client,planned,publish\nA,x,perhaps\nB,1000,yes\n")
    told = mistakes_in(path)
    assert "has 3 mistakes" in told
    assert (
        told.index("row 2, column planned") < told.index("row 2, column publish") < told.index("row 3, column planned")
    )
    many = mistakes_in(write_csv(path, "client,planned\n" + "A,x\n" * 200))
    assert many.endswith("and 150 more") and many.count("\n") == 51


def test_formulas_and_errors_of_excel_are_told(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "c.xlsx", ["client", "planned", "at"], ["A", "=1+2", "#REF!"])
    told = mistakes_in(path)
    assert "row 2, column planned: the cell holds a formula whose value was never worked out" in told
    assert "row 2, column at: the cell shows the error #REF!" in told


def test_only_the_first_of_several_sheets_counts(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Courses"
    book.active.append(["client", "planned"])
    book.active.append(["A", 0])
    book.create_sheet("Notes").append(["anything"])
    book.save(tmp_path / "c.xlsx")
    assert "c.xlsx (sheet Courses), row 2" in mistakes_in(tmp_path / "c.xlsx")


def test_date_order(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "c.csv", "client,at\nA,03.04.2026 9:05\n")
    assert read_sheet(path, date_order="dmy")["A"].treatments[0].at == datetime(2026, 4, 3, 9, 5)
    assert read_sheet(path, date_order="mdy")["A"].treatments[0].at == datetime(2026, 3, 4, 9, 5)


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(60_000_000))


def _many_rows(path: Path) -> None:
    path.write_text("client\n" + "A\n" * 60_000)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_bomb, "too large"),
        (_many_rows, "too large"),
        (lambda path: path.write_bytes(bytes(20_000_001)), "too large"),
        (lambda path: path.write_bytes(b"client," + b"x," * 200 + b"\nA"), "too large"),
        (lambda path: path.write_text(""), "is empty"),
        (lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(100)), "password"),
        (lambda path: path.write_bytes("client\nZoë".encode("cp1252")), "line 2: the file is not in the encoding"),
        (lambda path: zipfile.ZipFile(path, "w").writestr("a", "b"), "cannot be read as an XLSX"),
        (lambda path: path.write_text("client\n" + "x" * 200_000), "is not understood"),
        (lambda path: path.mkdir(), "not an ordinary file"),
        (lambda path: path.symlink_to("nowhere"), "cannot be read"),
        pytest.param(
            lambda path: os.mkfifo(path), "not an ordinary file",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="no pipes"),
        ),
        pytest.param(
            lambda path: path.symlink_to("/dev/zero"), "not an ordinary file",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="no devices"),
        ),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_is_no_sheet_is_told(tmp_path: Path, make, words: str) -> None:
    make(tmp_path / "c.xlsx")
    assert words in mistakes_in(tmp_path / "c.xlsx")


def test_a_row_number_beyond_every_sheet_is_not_counted_up_to(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "c.xlsx", ["client"], ["A"])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b'r="2"', b'r="99999999999"').replace(b'r="A2"', b'r="A99999999999"')
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    assert read_sheet(path) == {}


def test_the_folder_speaks_before_the_sheet_and_consent_is_the_stricter() -> None:
    def course(**tables: Any) -> CourseFile:
        return CourseFile.model_validate(tables)

    nothing, planned = course(), course(course={"planned": 3})
    assert course_for(None, planned) == (planned, ())
    assert course_for(nothing, None) == (nothing, ())
    assert course_for(planned, nothing) == (planned, ())
    counted, notes = course_for(nothing, planned)
    assert counted == nothing and len(notes) == 1 and "consent" not in notes[0]
    yes = course(consent={"publish": True, "scope": ["Web", "print"], "until": date(2027, 1, 1)})
    no = course(consent={"publish": False})
    shorter = course(consent={"publish": True, "scope": ["web"], "until": date(2026, 6, 1), "given": date(2026, 1, 1)})
    books = course(consent={"publish": True, "scope": ["books"]})
    for one, other in ((yes, no), (no, yes), (yes, books)):
        counted, notes = course_for(one, other)
        assert counted is not None and counted.consent.publish is False and "consent" in notes[0]
    for one, other in ((yes, shorter), (shorter, yes)):
        counted, _ = course_for(one, other)
        assert counted is not None
        assert [scope.lower() for scope in counted.consent.scope] == ["web"]
        assert (counted.consent.until, counted.consent.given) == (date(2026, 6, 1), date(2026, 1, 1))
    counted, _ = course_for(planned, yes)
    assert counted is not None and counted.consent == yes.consent and counted.course.planned == 3


CELLS = st.one_of(
    st.none(), st.text(max_size=12), st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["2026-03-14", "3", "1.5", "yes", "nose", "cheeks=1", "03.04.2026", "=1+1", ";", "a/b"]),
)  # fmt: skip
HEADERS = ["client", "label", "planned", "publish", "at", "depth_mm", "areas", "until", "number", "scope"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELLS, min_size=len(HEADERS), max_size=len(HEADERS)), max_size=4))
def test_any_cells_give_courses_or_a_sentence(tmp_path: Path, rows: list[list[Any]]) -> None:
    import csv

    path = tmp_path / "c.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADERS, *rows])
    try:
        courses = read_sheet(path)
    except CourseFileError as error:
        assert "row" in str(error) or "not understood" in str(error)
        return
    assert all(isinstance(course.to_course().aim, tuple) for course in courses.values())
