"""The course file: read, checked, drafted."""

import os
import tomllib
from datetime import date, datetime
from pathlib import Path

import pytest
from PIL import Image

from skinprogress.errors import CourseFileError, OutputError
from skinprogress.photos.course import CourseFile, check_places, draft_course, read_course, write_draft
from skinprogress.photos.course_schema import REGION_NAMES
from skinprogress.photos.folder import FolderListing
from skinprogress.records import Course, Flag, PhotoRef, Rejection

WHOLE = """
[client]
label = "A-0042"
[course]
planned = 3
aim = ["texture", "acne scars"]
reference_region = "neck"
[[treatments]]
at = 2026-04-25
kind = "microneedling"
setting = "home"
number = 2
depth_mm = {forehead = 1.0, cheeks = 1.5, cheek_left = 1.2}
areas = ["forehead", "cheeks", "jaw"]
[[treatments]]
at = 2026-03-14T15:30   # no seconds
number = 1
device = "pen at = 2026-01-01T10:00"
depth_mm = 1.5
products = ["hyaluronic acid"]
[consent]
publish = "yes"
scope = "web"
given = 2026-03-01
until = 2027-03-01
[photos."IMG_0003.jpg"]
at = 2026-03-14T16:30:00+01:00
session = "evening"
view = "front"
stage = "after cream"
mirrored = true
exclude = "no"
face = 2
makeup = "no"
cream = true
filter = false
patch = [10, 20, 30, 40]
points = [[10, 20], [300.5, 25]]
[[marks]]
name = "scar on chin"
photo = "IMG_0003.jpg"
polygon = [[1, 2], [10, 2], [5, 9.5]]
[[marks]]
name = "spot"
photo = "IMG_0003.jpg"
circle = [50, 60, 10]
"""
TREATMENT = "[[treatments]]\nat = 2026-03-14T15:30\n"


def read(folder: Path, text: str | bytes) -> CourseFile:
    (folder / "course.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    course = read_course(folder)
    assert course is not None
    return course


def error(folder: Path, text: str | bytes) -> str:
    with pytest.raises(CourseFileError) as caught:
        read(folder, text)
    assert caught.value.exit_code == 2
    message = str(caught.value)
    assert "course.toml" in message
    return message


def test_no_course_file(tmp_path: Path) -> None:
    assert read_course(tmp_path) is None
    assert read_course(tmp_path / "missing") is None


def test_empty_course_file_says_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "").to_course() == Course()
    assert Course().consent.publish is None


def test_whole_schema(tmp_path: Path) -> None:
    course = read(tmp_path, WHOLE)
    record = course.to_course()
    assert (record.label, record.planned, record.aim) == ("A-0042", 3, ("texture", "acne scars"))
    assert record.reference_region == "neck"
    first, second = record.treatments
    assert first.at == datetime(2026, 3, 14, 15, 30)
    assert first.depth_mm == {"face": 1.5}
    assert first.device == "pen at = 2026-01-01T10:00"
    assert second.at == datetime(2026, 4, 25)
    assert second.depth_mm == {"forehead": 1.0, "cheek_left": 1.2, "cheek_right": 1.5}
    assert second.areas == ("forehead", "cheek_left", "cheek_right", "jaw_left", "jaw_right")
    assert [moment.time_known for moment in course.treatment_times()] == [True, False]
    assert record.consent.publish is True
    assert (record.consent.scope, record.consent.until) == (("web",), date(2027, 3, 1))
    photo = course.photos["IMG_0003.jpg"]
    assert photo.points == ((10, 20), (300.5, 25))
    assert photo.at == datetime(2026, 3, 14, 16, 30)
    assert (photo.face, photo.patch, photo.exclude, photo.cream) == (2, (10, 20, 30, 40), False, True)
    polygon, circle = record.marks
    assert polygon.polygon_xy == ((1, 2), (10, 2), (5, 9.5))
    assert all(abs((x - 50) ** 2 + (y - 60) ** 2 - 100) < 1e-9 for x, y in circle.polygon_xy)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[client]\nlabel = “A”", ["line 2", "straight quotes"]),
        ("[client]\nlabel = A-0042", ["line 2", "quotes"]),
        ("[client]\n\nlable = 'A'", ["line 3", "client.lable", "'label'"]),
        ("[clients]\nlabel = 'A'", ["line 1", "clients", "'client'"]),
        ("[client]\nlabel = ' '", ["client.label", "empty"]),
        (TREATMENT + "depth_mm = 1,5", ["line 3", "decimals with a point"]),
        (TREATMENT + "depth_mm = 15", ["treatments[1].depth_mm", "15 mm", "5 mm"]),
        (TREATMENT + "depth_mm = nan", ["treatments[1].depth_mm", "nan"]),
        (TREATMENT + "depth_mm = true", ["treatments[1].depth_mm", "True"]),
        (TREATMENT + "depth_mm = {cheekz = 1}", ["treatments[1].depth_mm", "cheekz", "'cheeks'"]),
        (TREATMENT + "areas = ['left_cheek']", ["treatments[1].areas", "'cheek_left'"]),
        (TREATMENT + "setting = 'klinic'", ["line 3", "treatments[1].setting", "'clinic'", "maintenance"]),
        (
            TREATMENT + "[[treatments]]\nat = 'yesterday'",
            ["line 4", "treatments[2].at", "yesterday", "2026-03-14T15:30"],
        ),
        (TREATMENT + "[[treatments]]\nat = 14.03.2026", ["line 4", "14.03.2026", "2026-03-14"]),
        ("[[treatments]]\nat = 15:30:00", ["treatments[1].at", "without a day"]),
        ("[[treatments]]\nat = 0226-03-14", ["treatments[1].at", "year 226"]),
        ("[[treatments]]\nkind = 'peel'", ["treatments[1].at", "missing"]),
        ("[treatments]\nat = 2026-03-14", ["treatments", "[[treatments]]"]),
        ("[course]\nplanned = '3'", ["course.planned", "'3'", "whole number"]),
        ("[course]\nplanned = 0", ["course.planned", "at least 1"]),
        ("[course]\naim = ['a', 3]", ["course.aim[2]", "3"]),
        ("[course]\nreference_region = 'cheeks'", ["course.reference_region", "cheeks", "neck"]),
        ("[consent]\npublish = yes", ["line 2", "true or false"]),
        ("[consent]\npublish = 'maybe'", ["consent.publish", "maybe", "true or false"]),
        ("[photos.'a.jpg']\nstaeg = 'pre'", ["line 2", 'photos."a.jpg".staeg', "'stage'"]),
        ("[photos.'a.jpg']\nview = 'left'", ["line 2", "left_oblique"]),
        ("[photos.'a.jpg']\npatch = [1, 2, 0, 4]", ['photos."a.jpg".patch', "[1, 2, 0, 4]", "width"]),
        ("[photos.'a.jpg']\npoints = [[1, 2]]", ["line 2", 'photos."a.jpg".points', "1 point is too few", "2 to 20"]),
        ("[photos.'a.jpg']\npoints = []", ["0 points are too few"]),
        (f"[photos.'a.jpg']\npoints = {[[k, k] for k in range(21)]}", ["21 points are too many"]),
        ("[photos.'a.jpg']\npoints = [[1, 2], [3]]", ["no list of points", "same order"]),
        ("[photos.'a.jpg']\npoints = [[1, 2], [3, 'x']]", ["'x'", "no number"]),
        ("[photos.'a.jpg']\npoints = [[1, 2], [-3, 4]]", ["outside the photo", "minus"]),
        ("[photos.'a.jpg']\npoints = [[1, 2], [3, 4], [1, 2]]", ["same place"]),
        ("[photos.'a.jpg']\nface = 0", ['photos."a.jpg".face', "at least 1"]),
        ("[photos]\nat = 3", ["photos.at", "IMG_0003.jpg"]),
        ("[[marks]]\nname = 'x'\nphoto = 'a.jpg'", ["marks[1]", "neither", "circle"]),
        ("[[marks]]\nname = '  '\nphoto = 'a.jpg'\ncircle = [9, 9, 2]", ["marks[1].name", "empty"]),
        ("[[marks]]\nname = 'chin'\nphoto = 'a.jpg'\ncircle = [9, 9, 2]", ["marks[1].name", "'chin'", "region"]),
        ("[[marks]]\nname = 'Cheek Left'\nphoto = 'a.jpg'\ncircle = [9, 9, 2]", ["'Cheek Left'", "something else"]),
        ("[[marks]]\nname = 'jaw'\nphoto = 'a.jpg'\ncircle = [9, 9, 2]", ["'jaw'", "name of a region"]),
        ("[[marks]]\nname = 3\nphoto = 'a.jpg'\ncircle = [9, 9, 2]", ["marks[1].name", "quotes"]),
        ("[[marks]]\nname = 'x'\nphoto = 'a.jpg'\npolygon = [[1, 1], [2, 2], [3, 3]]", ["marks[1].polygon", "nothing"]),
        ("[[marks]]\nname = 'x'\nphoto = 'a.jpg'\ncircle = [1, 1]", ["marks[1].circle", "radius"]),
        ("[client]\nlabel = 'A'\n[client]\nlabel = 'B'", ["line 3", "twice"]),
        ('[client]\nlabel = "C:\\Users\\x"', ["line 2", "/ instead"]),
        (b"[client]\nlabel = 'M\xfcller'", ["line 2", "UTF-8"]),
    ],
)
def test_errors_name_place_value_and_fix(tmp_path: Path, text: str | bytes, words: list[str]) -> None:
    message = error(tmp_path, text)
    assert [word for word in words if word not in message] == []
    assert "pydantic" not in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TREATMENT + TREATMENT, ["treatments[2].at", "2026-03-14 15:30", "treatments[1]"]),
        (TREATMENT + "[[treatments]]\nat = 2026-03-14", ["treatments[2].at", "give both a time"]),
        (TREATMENT + "number = 2\n[[treatments]]\nat = 2026-04-25\nnumber = 2", ["treatments[2].number", "number 2"]),
        (
            TREATMENT + "number = 2\n[[treatments]]\nat = 2026-04-25\nnumber = 1",
            ["treatments[2].number", "order of time"],
        ),
        ("[consent]\ngiven = 2026-03-01\nuntil = 2025-03-01", ["consent.until", "2025-03-01"]),
        (TREATMENT + "[photos.'a.jpg']\nat = 2026-03-14T17:00\nstage = 'pre'", ["stage", "17:00", "15:30"]),
        (TREATMENT + "[photos.'a.jpg']\nat = 2026-03-14T12:00\nstage = 'directly after'", ["stage", "12:00"]),
        ("[course]\nreference_region = 'nose'\n" + TREATMENT + "areas = ['nose']", ["treatments[1].areas", "'nose'"]),
        (
            TREATMENT + "[photos.'a.jpg']\nat = 2026-03-20\nstage = 'directly after'",
            ["stage", "2026-03-20", "24 hours"],
        ),
        (
            TREATMENT + "[[treatments]]\nat = 2026-01-14\nsetting = 'maintenance'",
            ["line 5", "treatments[2].setting", "2026-01-14", "2026-03-14 15:30", "clinic"],
        ),
        (
            TREATMENT + "areas = ['cheeks']\ndepth_mm = {cheeks = 1.5, nose = 1.0}",
            ["line 4", "treatments[1].depth_mm", "'nose'", "add it to areas"],
        ),
        (
            "[course]\nreference_region = 'forehead'\n" + TREATMENT,
            ["line 2", "course.reference_region", "'forehead'", "whole face", "treatments[1]", "neck"],
        ),
        ("[course]\nreference_region = 'forehead'\n" + TREATMENT + "areas = ['face']", ["course.reference_region"]),
        (
            "[course]\nreference_region = 'neck'\n" + TREATMENT + "depth_mm = {face = 1.5, neck = 0.5}",
            ["treatments[1].depth_mm", "'neck' was treated"],
        ),
        (
            "[photos.'a.jpg']\nexclude = true\n[[marks]]\nname = 'x'\nphoto = 'a.jpg'\ncircle = [5, 5, 2]",
            ["line 5", "marks[1].photo", "'a.jpg'", "left out"],
        ),
        ("[[marks]]\nname = 'x'\nphoto = 'a'\ncircle = [5, 5, 2]\n" * 2, ["marks[2].name", "twice"]),
        (
            "[[marks]]\nname = 'x'\nphoto = 'a'\ncircle = [5, 5, 2]\n"
            "[[marks]]\nname = 'X'\nphoto = 'b'\ncircle = [5, 5, 2]",
            ["line 6", "marks[2].name", "'a' and 'b'", "in one photo"],
        ),
        (
            "[photos.a]\npoints = [[1, 2], [3, 4]]\n[photos.b]\npoints = [[1, 2], [3, 4], [5, 9]]",
            ["photos.b.points", "3 points", "'a' has 2", "same order", "folder of their own"],
        ),
    ],
)
def test_contradictions(tmp_path: Path, text: str, words: list[str]) -> None:
    message = error(tmp_path, text)
    assert [word for word in words if word not in message] == []


def test_points_of_a_photo_left_out_do_not_count(tmp_path: Path) -> None:
    text = "[photos.a]\nexclude = true\npoints = [[1, 2], [3, 4]]\n[photos.b]\npoints = [[1, 2], [3, 4], [5, 9]]"
    assert len(read(tmp_path, text).photos["b"].points) == 3


PLACES = """
[photos."a.jpg"]
points = [[10, 20], [{x}, 60]]
[[marks]]
name = "scar"
photo = "a.jpg"
circle = [{x}, 40, 30]
[[marks]]
name = "spot"
photo = "./a.jpg"
polygon = [[1, 1], [40, 1], [40, {y}]]
"""


@pytest.mark.parametrize("orientation", [1, 6])
def test_places_lie_inside_the_upright_photo(tmp_path: Path, orientation: int) -> None:
    size = (100, 80) if orientation == 1 else (80, 100)
    image = Image.new("RGB", size)
    exif = image.getexif()
    exif[0x112] = orientation
    image.save(tmp_path / "a.jpg", exif=exif)

    def check(**values: int) -> None:
        course = read(tmp_path, PLACES.format(**values))
        entries = {"a.jpg": course.photos["a.jpg"]}
        check_places(course, entries=entries, marks={"a.jpg": "a.jpg", "./a.jpg": "a.jpg"}, folder=tmp_path)

    check(x=99, y=79)  # the circle reaches out, its middle does not
    with pytest.raises(CourseFileError) as caught:
        check(x=105, y=85)
    message = str(caught.value)
    for words in ('photos."a.jpg".points', "marks[1].circle", "marks[2].polygon", "(105, 60)", "100 × 80"):
        assert words in message


def test_places_in_photos_that_cannot_be_read_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    course = read(tmp_path, PLACES.format(x=9999, y=9999))
    entries = {"a.jpg": course.photos["a.jpg"]}
    check_places(course, entries=entries, marks={"a.jpg": "a.jpg", "./a.jpg": "gone.jpg"}, folder=tmp_path)


def test_before_the_next_treatment_is_no_contradiction(tmp_path: Path) -> None:
    text = TREATMENT + "[[treatments]]\nat = 2026-04-25T15:30\n[photos.'a.jpg']\nat = 2026-04-25T15:00\nstage = 'pre'"
    assert read(tmp_path, text).photos["a.jpg"].stage == "pre"


@pytest.mark.parametrize(
    "text",
    [
        "[course]\nreference_region = 'neck'\n" + TREATMENT,
        "[course]\nreference_region = 'forehead'\n" + TREATMENT + "areas = ['cheeks']\ndepth_mm = {face = 1.5}",
        TREATMENT + "areas = ['face']\ndepth_mm = {forehead = 1.0}",
        TREATMENT + "depth_mm = {neck = 0.5}",
        "[[treatments]]\nat = 2026-03-14\nsetting = 'maintenance'",  # the course was given elsewhere
        "[[treatments]]\nat = 2026-03-14\n[photos.a]\nat = 2026-03-15T10:00\nstage = 'directly after'",
        TREATMENT + "[photos.a]\nat = 2026-03-14\nstage = 'directly after'",
    ],
)
def test_what_can_be_true_is_no_contradiction(tmp_path: Path, text: str) -> None:
    assert len(read(tmp_path, text).treatments) == 1


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    message = error(tmp_path, "[client]\nlable = 'A'\n[course]\nplanned = 0\n[consent]\npublish = 3")
    assert "3 mistakes" in message
    assert all(key in message for key in ("client.lable", "course.planned", "consent.publish"))


def test_windows_files(tmp_path: Path) -> None:
    course = read(tmp_path, "\ufeff[client]\r\nlabel = 'A'\r\n".encode())
    assert course.client.label == "A"


def test_regions_can_be_passed_in(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text(TREATMENT + "areas = ['d\u00e9collet\u00e9']", encoding="utf-8")
    course = read_course(tmp_path, regions=[*REGION_NAMES, "d\u00e9collet\u00e9"])
    assert course is not None
    assert course.treatments[0].areas == ("d\u00e9collet\u00e9",)


def test_course_file_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "course.toml").mkdir()
    with pytest.raises(CourseFileError, match="cannot be read"):
        read_course(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="devices are files only on POSIX")
def test_a_course_file_that_is_no_ordinary_file_is_never_read(tmp_path: Path) -> None:
    # /dev/null ends at once; from a pipe or /dev/zero, reading would never come back.
    (tmp_path / "course.toml").symlink_to(os.devnull)
    with pytest.raises(CourseFileError, match="cannot be read"):
        read_course(tmp_path)


def test_a_course_file_that_is_a_link_to_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "course.toml").symlink_to("gone.toml")
    with pytest.raises(CourseFileError, match="leads nowhere"):
        read_course(tmp_path)


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000])
def test_what_chokes_the_parser_is_a_mistake_in_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "course.toml").write_text(text)
    with pytest.raises(CourseFileError, match="not understood"):
        read_course(tmp_path)


def ref(folder: Path, file: str, **more: object) -> PhotoRef:
    return PhotoRef(path=folder / file, file=file, client="x", session="s", **more)  # type: ignore[arg-type]


def test_draft_is_valid_and_says_nothing_but_the_label(tmp_path: Path) -> None:
    names = ["a.jpg", 'q"uo\\te.jpg', "line\nbreak \x7f.jpg", "\U0001f600 ü <script>.jpg", "\\udcff.jpg"]
    listing = FolderListing(
        client='Müller "A"\n[x]',
        photos=tuple(ref(tmp_path, name, stage="pre", taken_at=datetime(2026, 3, 14)) for name in names),
        rejected=(Rejection(file="b\nc.jpg", session="", code="x", reason="is\nempty", remedy=""),),
    )
    text = draft_course(listing)
    course = read(tmp_path, text)
    assert course.client.label == 'Müller "A"\n[x]'
    assert list(course.photos) == names
    assert all(entry.model_fields_set == set() for entry in course.photos.values())
    assert course.to_course() == Course(label='Müller "A"\n[x]')


def test_every_commented_line_of_the_draft_is_right(tmp_path: Path) -> None:
    listing = FolderListing(
        client="A",
        photos=(
            ref(tmp_path, "a.jpg", taken_at=datetime(2026, 3, 14, 15, 0, 7)),
            ref(tmp_path, "b.jpg", stage="numbing", taken_at=datetime(2026, 3, 14), flags=Flag.TIME_UNKNOWN),
            ref(tmp_path, "c.jpg"),
        ),
    )
    lines = draft_course(listing).splitlines()
    active = [
        line[2:] if line.startswith("# [") or (line.startswith("# ") and " = " in line and line[2] != " ") else line
        for line in lines
    ]
    course = read(tmp_path, "\n".join(active))
    assert course.photos["a.jpg"].at == datetime(2026, 3, 14, 15, 0, 7)
    assert course.photos["b.jpg"].at == date(2026, 3, 14)
    assert course.photos["b.jpg"].stage == "numbing"
    assert course.to_course().marks[0].photo == "a.jpg"
    assert course.consent.publish is False


def test_draft_is_written_once(tmp_path: Path) -> None:
    path, written = write_draft(tmp_path, "[client]\nlabel = 'ü'\n")
    assert (path, written) == (tmp_path / "course.toml", True)
    assert tomllib.loads(path.read_text(encoding="utf-8")) == {"client": {"label": "ü"}}
    assert write_draft(tmp_path, "other") == (path, False)
    assert path.read_text(encoding="utf-8") == "[client]\nlabel = 'ü'\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["course.toml"]


def test_draft_never_replaces_a_file_made_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "course.toml").write_text("mine")
    monkeypatch.setattr(os.path, "lexists", lambda path: False)
    assert write_draft(tmp_path, "drafted")[1] is False
    assert (tmp_path / "course.toml").read_text() == "mine"


def test_draft_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert write_draft(tmp_path, "text")[1] is True
    assert (tmp_path / "course.toml").read_text() == "text"


def test_draft_into_a_closed_folder_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match="Permission denied"):
        write_draft(tmp_path, "text")
    assert list(tmp_path.iterdir()) == []
