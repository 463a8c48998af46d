"""Listing a client's folder: which photos, which visit, when."""

import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from skinprogress.errors import AmbiguousDateError, CourseFileError, NothingMeasuredError, UsageError
from skinprogress.photos import ordinary
from skinprogress.photos.course import draft_course, read_course, write_draft
from skinprogress.photos.folder import FolderListing, list_photos
from skinprogress.records import Flag, PhotoRef
from skinprogress.settings import Settings

Make = Callable[..., Path]
TREATMENT = "[[treatments]]\nat = 2026-03-14T15:30\n"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """``make("a/b.jpg", "2026-03-14 16:30")``: a picture unlike all others, with a camera date or without."""
    count = 0

    def photo(file: str, taken: str = "", *, kind: str = "JPEG", same: int | None = None) -> Path:
        nonlocal count
        count += 1
        path = tmp_path / "client" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.new(
            "RGB", (80, 64), ((7 * count if same is None else same) % 256, count if same is None else 0, 90)
        )
        exif = Image.Exif()
        if taken:
            exif.get_ifd(0x8769)[0x9003] = datetime.fromisoformat(taken).strftime("%Y:%m:%d %H:%M:%S")
        if kind == "HEIF":
            import pillow_heif

            pillow_heif.from_pillow(image).save(path, exif=exif.tobytes())
        else:
            image.save(path, kind, exif=exif.tobytes())
        return path

    return photo


@pytest.fixture
def client(tmp_path: Path) -> Path:
    folder = tmp_path / "client"
    folder.mkdir()
    return folder


def listing(folder: Path, course: str = "", **settings: Any) -> FolderListing:
    if course:
        (folder / "course.toml").write_text(course, encoding="utf-8")
    return list_photos(folder, settings=Settings(**settings), course=read_course(folder))


def sessions(found: FolderListing) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for ref in found.photos:
        groups.setdefault(ref.session, []).append(ref.file)
    return groups


def one(found: FolderListing, file: str) -> PhotoRef:
    return next(ref for ref in found.photos if ref.file == file)


# ---- sessions -------------------------------------------------------------------------------------------------------


def test_a_folder_per_session(client: Path, make: Make) -> None:
    for file in ("2026-04-25 (third)/b.jpg", "2026-03-14/a.jpg", "2026-03-14/left/c.jpg", "14.02.2026/d.jpg"):
        make(file)
    found = listing(client)
    assert sessions(found) == {
        "2026-02-14": ["14.02.2026/d.jpg"],
        "2026-03-14": ["2026-03-14/a.jpg", "2026-03-14/left/c.jpg"],
        "2026-04-25": ["2026-04-25 (third)/b.jpg"],
    }
    assert found.client == "client"
    assert one(found, "2026-03-14/a.jpg").flags == Flag.DATE_FROM_NAME | Flag.TIME_UNKNOWN
    assert [ref.day for ref in found.photos] == [0.0, 28.0, 28.0, 70.0]
    assert all(len(ref.sha256) == 64 for ref in found.photos)


def test_flat_files_by_camera_then_by_name(client: Path, make: Make) -> None:
    make("z.jpg", "2026-03-14 16:30:12")
    make("y.jpg", "2026-03-14 16:55:00")
    make("IMG-20260321-WA0001.jpg")
    make("WhatsApp Image 2026-03-28 at 16.30.12.jpeg")
    found = listing(client)
    assert list(sessions(found)) == ["2026-03-14", "2026-03-21", "2026-03-28"]
    assert one(found, "z.jpg").taken_at == datetime(2026, 3, 14, 16, 30, 12)
    assert one(found, "z.jpg").flags == Flag.NONE
    whatsapp = found.photos[-1]
    assert whatsapp.taken_at == datetime(2026, 3, 28, 16, 30, 12)
    assert whatsapp.flags == Flag.DATE_FROM_NAME


@pytest.mark.parametrize(
    ("file", "kind"), [("a.heic", "HEIF"), ("a.png", "PNG"), ("a.webp", "WEBP"), ("a.tif", "TIFF"), ("a.avif", "AVIF")]
)
def test_camera_date_of_every_kind(client: Path, make: Make, file: str, kind: str) -> None:
    make(file, "2026-03-14 16:30", kind=kind)
    assert listing(client).photos[0].taken_at == datetime(2026, 3, 14, 16, 30)


def test_a_day_splits_at_long_gaps(client: Path, make: Make) -> None:
    for name, clock in {"a": "15:00", "b": "15:30", "c": "16:01", "d": "18:00"}.items():
        make(f"2026-03-14/{name}.jpg", f"2026-03-14 {clock}")
    groups = sessions(listing(client))
    assert list(groups) == ["2026-03-14T15:00", "2026-03-14T16:01", "2026-03-14T18:00"]
    assert groups["2026-03-14T15:00"] == ["2026-03-14/a.jpg", "2026-03-14/b.jpg"]
    assert list(sessions(listing(client, visit_gap_minutes=31))) == ["2026-03-14T15:00", "2026-03-14T18:00"]


def test_a_day_splits_at_the_treatment(client: Path, make: Make) -> None:
    make("a.jpg", "2026-03-14 15:20")
    make("b.jpg", "2026-03-14 15:40")
    assert list(sessions(listing(client))) == ["2026-03-14"]
    found = listing(client, TREATMENT)
    assert list(sessions(found)) == ["2026-03-14T15:20", "2026-03-14T15:40"]
    assert found.photos[0].hours_after is None
    assert found.photos[1].hours_after == pytest.approx(1 / 6)


@pytest.mark.parametrize("dated", ["2026-03-14/", "2026-03-14 ", ""])
def test_before_and_after_never_mix(client: Path, make: Make, dated: str) -> None:
    for name in ("2h after", "after", "before", "before 2"):
        make(f"{dated}{name}.jpg")
    found = listing(client)
    order = [ref.file.removeprefix(dated) for ref in found.photos]
    assert order == ["before.jpg", "before 2.jpg", "after.jpg", "2h after.jpg"]
    assert len(sessions(found)) == 3
    assert len({ref.session for ref in found.photos if "before" in ref.file}) == 1
    assert [ref.stage for ref in found.photos] == ["pre", "pre", "directly after", ""]
    assert [ref.hours_after for ref in found.photos] == [None, None, 0.0, 2.0]


def test_numbing_cream_is_a_session_of_its_own(client: Path, make: Make) -> None:
    make("before.jpg", "2026-03-14 15:00")
    make("numbing.jpg", "2026-03-14 15:00")
    found = listing(client)
    assert len(sessions(found)) == 2
    assert len(set(sessions(found))) == 2
    assert Flag.NOT_A_BASELINE in one(found, "numbing.jpg").flags
    assert Flag.NOT_A_BASELINE not in one(found, "before.jpg").flags


def test_undated_folders_are_in_natural_order(client: Path, make: Make) -> None:
    for folder in ("Session 10", "Session 2", "Session 1"):
        make(f"{folder}/x.jpg")
    make("Session 2/left/y.jpg")
    found = listing(client)
    assert list(sessions(found)) == ["Session 1", "Session 2", "Session 10"]
    assert sessions(found)["Session 2"] == ["Session 2/left/y.jpg", "Session 2/x.jpg"]
    assert all(ref.flags == Flag.DATE_UNKNOWN and ref.taken_at is None for ref in found.photos)
    assert any("no photo has a date" in note for note in found.notes)


def test_days_and_weeks_of_undated_folders(client: Path, make: Make) -> None:
    for folder in ("week 6", "day 10", "day 2", "before", "next morning"):
        make(f"photos/{folder}/x.jpg")
    found = listing(client)
    assert list(sessions(found)) == ["before", "next morning", "day 2", "day 10", "week 6"]
    assert [ref.day for ref in found.photos] == [0, 1, 2, 10, 42]
    assert [ref.hours_after for ref in found.photos] == [None, 18, 48, 240, 1008]


def test_day_1_without_a_start_is_no_hour_count(client: Path, make: Make) -> None:
    make("day 1/x.jpg")
    make("day 30/x.jpg")
    assert [ref.hours_after for ref in listing(client).photos] == [None, 720]
    make("baseline/x.jpg")
    assert [ref.hours_after for ref in listing(client).photos] == [None, 24, 720]


def test_flat_undated_photos_stand_alone_in_natural_order(client: Path, make: Make) -> None:
    for name in ("IMG_10", "IMG_9", "IMG_0011"):
        make(f"{name}.jpg")
    found = listing(client)
    assert sessions(found) == {"IMG_9": ["IMG_9.jpg"], "IMG_10": ["IMG_10.jpg"], "IMG_0011": ["IMG_0011.jpg"]}


def test_a_bare_after_weeks_later_has_no_stage(client: Path, make: Make) -> None:
    make("2026-03-14 before treatment.jpg")
    make("2026-06-14 after treatment.jpg")
    assert [ref.stage for ref in listing(client).photos] == ["pre", ""]


def test_right_after_is_a_side_where_there_is_a_left(client: Path, make: Make) -> None:
    for name in ("left before", "right before", "left after", "right after"):
        make(f"{name}.jpg")
    found = listing(client)
    assert {ref.file: ref.stage for ref in found.photos}["right after.jpg"] == ""
    assert list(sessions(found)) == ["before", "after"]


def test_the_folder_says_the_day_and_the_camera_the_time(client: Path, make: Make) -> None:
    make("2026-03-14/a.jpg", "2026-03-14 16:30")
    make("2026-03-14/b.jpg", "2025-01-01 16:30")
    found = listing(client)
    assert one(found, "2026-03-14/a.jpg").taken_at == datetime(2026, 3, 14, 16, 30)
    other = one(found, "2026-03-14/b.jpg")
    assert other.taken_at == datetime(2026, 3, 14)
    assert other.flags == Flag.DATE_FROM_NAME | Flag.TIME_UNKNOWN
    assert list(sessions(found)) == ["2026-03-14"]
    assert any("b.jpg" in note and "2025-01-01" in note for note in found.notes)


def test_an_undated_photo_takes_the_day_of_those_beside_it(client: Path, make: Make) -> None:
    make("Session 1/a.jpg", "2026-03-14 16:30")
    make("Session 1/b.png", kind="PNG")
    make("Session 2/c.jpg", "2026-04-25 16:30")
    found = listing(client)
    assert list(sessions(found)) == ["2026-03-14", "2026-04-25"]
    assert one(found, "Session 1/b.png").flags == Flag.TIME_UNKNOWN
    assert any("b.png" in note for note in found.notes)


def test_undated_before_comes_first_and_others_last(client: Path, make: Make) -> None:
    make("before.jpg")
    make("x.jpg", "2026-03-14 16:30")
    make("IMG_1.jpg")
    found = listing(client)
    assert [ref.file for ref in found.photos] == ["before.jpg", "x.jpg", "IMG_1.jpg"]
    assert any("2 photos have no date" in note for note in found.notes)


def test_photos_without_time_join_the_only_visit_of_the_day(client: Path, make: Make) -> None:
    make("2026-03-14/a.jpg", "2026-03-14 09:00")
    make("2026-03-14/b.jpg")
    assert list(sessions(listing(client))) == ["2026-03-14"]
    make("2026-03-14/c.jpg", "2026-03-14 18:00")
    assert sessions(listing(client)) == {
        "2026-03-14": ["2026-03-14/b.jpg"],
        "2026-03-14T09:00": ["2026-03-14/a.jpg"],
        "2026-03-14T18:00": ["2026-03-14/c.jpg"],
    }


# ---- before or after the treatment of the day ----------------------------------------------------------------------


def test_on_the_day_of_a_treatment_photos_without_times_stand_alone(client: Path, make: Make) -> None:
    for file in ("2026-03-14/IMG_1.jpg", "2026-03-14/IMG_2.jpg", "2026-03-21/IMG_3.jpg", "2026-03-21/IMG_4.jpg"):
        make(file)
    assert len(sessions(listing(client))) == 2  # without a treatment they are replicates
    found = listing(client, TREATMENT)
    assert sessions(found) == {
        "2026-03-14 IMG_1": ["2026-03-14/IMG_1.jpg"],
        "2026-03-14 IMG_2": ["2026-03-14/IMG_2.jpg"],
        "2026-03-21": ["2026-03-21/IMG_3.jpg", "2026-03-21/IMG_4.jpg"],
    }
    assert [ref.hours_after for ref in found.photos] == [None, None, 168.0, 168.0]
    (note,) = (note for note in found.notes if "before or after" in note)
    assert all(words in note for words in ("2026-03-14/IMG_1.jpg and 1 more", "at = 2026-03-14T15:00", 'stage = "pre"'))


def test_the_course_file_says_on_which_side_they_lie(client: Path, make: Make) -> None:
    for file in ("2026-03-14/1.jpg", "2026-03-14/2.jpg", "2026-03-14/3.jpg", "2026-03-14/4.jpg"):
        make(file)
    stages = "".join(f"[photos.'{n}.jpg']\nstage = 'pre'\n" for n in (1, 2))
    found = listing(client, TREATMENT + stages + "[photos.'3.jpg']\nat = 2026-03-14T18:00")
    assert sorted(map(len, sessions(found).values())) == [1, 1, 2]
    assert {one(found, f"2026-03-14/{n}.jpg").session for n in (1, 2)} == {"2026-03-14 before"}
    assert one(found, "2026-03-14/3.jpg").hours_after == 2.5
    # The last one does not join the only photo with a time.
    assert one(found, "2026-03-14/4.jpg").session == "2026-03-14 4"


def test_photos_of_different_views_are_no_replicates(client: Path, make: Make) -> None:
    for name in ("front 1", "front 2", "left 1", "left 2", "IMG_7"):
        make(f"2026-03-14/{name}.jpg")
    groups = sessions(listing(client, TREATMENT))
    names = [[file.removeprefix("2026-03-14/") for file in files] for files in groups.values()]
    assert sorted(names) == [["IMG_7.jpg"], ["front 1.jpg", "left 1.jpg"], ["front 2.jpg", "left 2.jpg"]]


def test_a_treatment_without_its_time_leaves_the_side_open(client: Path, make: Make) -> None:
    make("a.jpg", "2026-03-14 15:00")
    make("b.jpg", "2026-03-14 15:01")
    found = listing(client, "[[treatments]]\nat = 2026-03-14")
    assert len(sessions(found)) == 1  # shots a minute apart
    assert [ref.hours_after for ref in found.photos] == [None, None]
    assert any("a.jpg and 1 more" in note and "[[treatments]]" in note for note in found.notes)
    assert not any("before or after" in note for note in listing(client, TREATMENT).notes)


def test_declared_cream_is_a_session_of_its_own(client: Path, make: Make) -> None:
    make("a.jpg", "2026-03-14 15:00")
    make("b.jpg", "2026-03-14 15:01")
    found = listing(client, "[photos.'b.jpg']\ncream = true")
    assert [len(files) for files in sessions(found).values()] == [1, 1]
    assert Flag.NOT_A_BASELINE in one(found, "b.jpg").flags


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (TREATMENT, ["'a.jpg' from before", "'b.jpg' from after", "2026-03-14 15:30"]),
        ("[[treatments]]\nat = 2026-03-14\n[photos.'x.jpg']\nsession = 'one'", ["'x.jpg' from after", "2026-03-14"]),
        ("[photos.'y.jpg']\nsession = 'one'\nstage = 'numbing'", ["'y.jpg' with cream", "'a.jpg' without"]),
        ("[photos.'y.jpg']\nsession = 'one'\ncream = true", ["'y.jpg' with cream"]),
    ],
)
def test_a_named_session_holds_only_replicates(client: Path, make: Make, extra: str, words: list[str]) -> None:
    make("a.jpg", "2026-03-14 15:00")
    make("b.jpg", "2026-03-14 16:00")
    make("x.jpg", "2026-03-15 16:00")
    make("y.jpg", "2026-03-14 15:01")
    named = "[photos.'a.jpg']\nsession = 'one'\n"
    if "x.jpg" in extra:
        named = "[photos.'a.jpg']\nsession = 'one'\nstage = 'pre'\n"
    elif "y.jpg" not in extra:
        named += "[photos.'b.jpg']\nsession = 'one'\n"
    with pytest.raises(CourseFileError) as caught:
        listing(client, named + extra)
    message = str(caught.value)
    assert [word for word in ["session", "'one'", "different sessions", *words] if word not in message] == []


def test_stages_without_a_treatment_are_noted(client: Path, make: Make) -> None:
    make("numbing.jpg", "2026-03-20 15:00")
    make("directly after.jpg", "2026-03-20 17:00")
    notes = " ".join(listing(client, TREATMENT).notes)
    assert "numbing.jpg is called 'numbing', but no treatment is recorded on 2026-03-20" in notes
    assert "directly after.jpg is called 'directly after', but no treatment" in notes
    assert listing(client, TREATMENT + "[[treatments]]\nat = 2026-03-20T15:30").notes == ()


def test_a_time_that_the_camera_contradicts_is_noted(client: Path, make: Make) -> None:
    for name in "abc":
        make(f"{name}.jpg", "2026-03-14 16:30")
    found = listing(
        client,
        "[photos.'a.jpg']\nat = 2026-03-14T16:40\n"
        "[photos.'b.jpg']\nat = 2026-03-14T14:00\n"
        "[photos.'c.jpg']\nat = 2026-05-01",
    )
    assert found.notes == (
        "b.jpg: course.toml puts it 2.5 h earlier than the camera; course.toml was followed",
        "c.jpg: course.toml puts it 48 days later than the camera; course.toml was followed",
    )


def test_more_treatments_than_planned_are_noted(client: Path, make: Make) -> None:
    make("a.jpg", "2026-03-01 16:30")
    course = "[course]\nplanned = 1\n" + TREATMENT + "[[treatments]]\nat = 2026-09-25\nsetting = '{}'"
    assert "plans 1 treatments and records 2" in " ".join(listing(client, course.format("clinic")).notes)
    assert listing(client, course.format("maintenance")).notes == ()
    numbered = "[course]\nplanned = 3\n" + TREATMENT + "number = 9\n"
    assert "plans 3 treatments and records one with number = 9:" in " ".join(listing(client, numbered).notes)


def test_directly_after_before_the_treatment_is_noted(client: Path, make: Make) -> None:
    make("a.jpg", "2026-03-14 14:00")
    course = "[photos.'a.jpg']\nstage = 'directly after'\n[[treatments]]\nat = 2026-03-14{}"
    (note,) = listing(client, course.format("T15:30")).notes
    assert note == "a.jpg is called 'directly after', but by its clock was taken 1.5 h before the treatment"
    assert listing(client, course.format("")).notes == ()
    assert listing(client, course.format("T13:30")).notes == ()


# ---- dates that could be read two ways ------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["03.04.2026/a.jpg", "03.04.2026.jpg"])
def test_ambiguous_dates_stop_with_the_question(client: Path, make: Make, file: str) -> None:
    make(file)
    with pytest.raises(AmbiguousDateError) as caught:
        listing(client)
    message = str(caught.value)
    assert all(word in message for word in ("03.04.2026", "3 April 2026", "4 March 2026", "--date-order"))
    assert caught.value.exit_code == 2
    assert list(sessions(listing(client, date_order="dmy"))) == ["2026-04-03"]
    assert list(sessions(listing(client, date_order="mdy"))) == ["2026-03-04"]


def test_the_camera_or_the_course_file_settles_an_ambiguous_date(client: Path, make: Make) -> None:
    make("03.04.2026/a.jpg", "2026-03-04 10:00")
    make("03.04.2026/b.jpg")
    make("05.06.2026.jpg", "2026-06-05 10:00")
    make("07.08.2026.jpg")
    found = listing(client, "[photos.'07.08.2026.jpg']\nat = 2026-07-08")
    assert list(sessions(found)) == ["2026-03-04", "2026-06-05", "2026-07-08"]


# ---- what is left aside ---------------------------------------------------------------------------------------------


def test_everything_in_the_folder_is_accounted_for(client: Path, make: Make) -> None:
    make("a.jpg")
    make(".hidden.jpg")
    make(".hidden/x.jpg")
    make("out/aligned/a.jpg")
    for name in ("out/run.json", "out/report.html", "Thumbs.db", "a.xmp", "a.AAE", "a.json", "a.MOV", "notes.txt"):
        (client / name).write_text("x")
    (client / "a.jpg.crdownload").write_text("x")
    found = listing(client)
    assert [ref.file for ref in found.photos] == ["a.jpg"]
    reasons = dict(found.skipped)
    assert set(reasons) == {
        ".hidden.jpg", ".hidden", "out", "Thumbs.db",
        "a.xmp", "a.AAE", "a.json", "a.MOV", "notes.txt", "a.jpg.crdownload",
    }  # fmt: skip
    assert reasons["a.MOV"] == "a video"
    assert reasons["notes.txt"] == "not a photo"
    assert "results" in reasons["out"]
    assert found.rejected == ()


def test_results_written_into_the_client_folder_are_no_photos(client: Path, make: Make) -> None:
    make("a.jpg")
    make("composites/a.jpg")
    assert len(listing(client).photos) == 2
    for name in ("run.json", "report.html"):
        (client / name).write_text("{}")
    assert [ref.file for ref in listing(client).photos] == ["a.jpg"]


def test_results_of_a_stopped_run_are_no_photos(client: Path, make: Make) -> None:
    make("a.jpg")
    make("old/aligned/a.jpg")
    (client / "old" / "run.json").write_text('{"complete": false, "settings_hash": "0"}')
    make("other/b.jpg")
    (client / "other" / "run.json").write_text("{}")  # another program's
    found = listing(client)
    assert {ref.file for ref in found.photos} == {"a.jpg", "other/b.jpg"}
    assert "results" in dict(found.skipped)["old"]


def test_impossible_years_and_counters_are_no_times(client: Path, make: Make) -> None:
    make("a.jpg", "9999-12-31 23:59")
    make("day 99999999999999999999.jpg")
    make("99999999 h after.jpg")
    found = listing(client)
    assert all(ref.taken_at is None and ref.hours_after is None and ref.day is None for ref in found.photos)


def test_broken_files_are_rejected_with_a_remedy(client: Path, make: Make) -> None:
    make("2026-03-14/good.jpg")
    (client / "2026-03-14/empty.jpg").touch()
    (client / "2026-03-14/text.jpg").write_text("not a picture")
    found = listing(client)
    assert {(item.file, item.code, item.session) for item in found.rejected} == {
        ("2026-03-14/empty.jpg", "empty_file", "2026-03-14"),
        ("2026-03-14/text.jpg", "not_an_image", "2026-03-14"),
    }
    assert all(item.reason and item.remedy for item in found.rejected)
    assert len(found.photos) == 1


def test_wrong_and_missing_extensions(client: Path, make: Make) -> None:
    make("a.jpg", "2026-03-14 10:00", kind="HEIF")
    make("b.jpg", "2026-03-15 10:00", kind="PNG")
    make("no_extension", "2026-03-16 10:00")
    make("c.dat", "2026-03-17 10:00")
    make("d.JPG", "2026-03-18 10:00")
    found = listing(client)
    flagged = {ref.file: Flag.WRONG_EXTENSION in ref.flags for ref in found.photos}
    assert flagged == {"a.jpg": True, "b.jpg": True, "no_extension": True, "c.dat": True, "d.JPG": False}
    assert list(sessions(found)) == [f"2026-03-{day}" for day in range(14, 19)]


def test_closed_files_are_rejected(client: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    make("a.jpg")
    make("b.jpg")
    original = open

    def closed(path: Path, *args: Any, **kwargs: Any) -> Any:
        if path.name == "b.jpg":
            raise PermissionError(13, "Permission denied")
        return original(path, *args, **kwargs)

    monkeypatch.setattr(ordinary, "open", closed, raising=False)
    found = listing(client)
    assert [(item.file, item.code) for item in found.rejected] == [("b.jpg", "permission_denied")]
    assert [ref.file for ref in found.photos] == ["a.jpg"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_files_closed_by_their_permissions_are_rejected(client: Path, make: Make) -> None:
    make("a.jpg")
    make("b.jpg").chmod(0)
    make("closed/c.jpg").parent.chmod(0)
    try:
        found = listing(client)
    finally:
        (client / "closed").chmod(0o700)
    assert {(item.file, item.code) for item in found.rejected} == {
        ("b.jpg", "permission_denied"),
        ("closed", "permission_denied"),
    }


def test_closed_subfolders_are_rejected(client: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    make("a.jpg")
    make("closed/b.jpg")
    original = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return original(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert [(item.file, item.code) for item in listing(client).rejected] == [("closed", "permission_denied")]


def test_a_photo_that_vanishes_is_rejected(client: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    make("a.jpg")
    gone = make("b.jpg")
    original = open

    def vanish(path: Path, *args: Any, **kwargs: Any) -> Any:
        if path == gone:
            gone.unlink(missing_ok=True)
        return original(path, *args, **kwargs)

    monkeypatch.setattr(ordinary, "open", vanish, raising=False)
    assert [(item.file, item.code) for item in listing(client).rejected] == [("b.jpg", "file_missing")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_links_and_pipes_never_block(client: Path, make: Make, tmp_path: Path) -> None:
    make("2026-03-14/a.jpg")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(client / "2026-03-14/a.jpg", elsewhere / "b.jpg")
    Image.new("RGB", (80, 80)).save(elsewhere / "c.jpg")
    os.mkfifo(client / "pipe.jpg")
    (client / "loop.jpg").symlink_to("loop.jpg")
    (client / "nowhere.jpg").symlink_to("missing.jpg")
    (client / "2026-03-14/up").symlink_to(client)
    (client / "0 link").symlink_to(client / "2026-03-14")
    (client / "2026-04-25").symlink_to(elsewhere)
    (client / "file link.jpg").symlink_to(elsewhere / "c.jpg")
    found = listing(client)
    assert {ref.file for ref in found.photos} == {
        "2026-03-14/a.jpg", "2026-04-25/b.jpg", "2026-04-25/c.jpg", "file link.jpg"
    }  # fmt: skip
    assert set(dict(found.skipped)) == {"pipe.jpg", "loop.jpg", "nowhere.jpg", "2026-03-14/up", "0 link"}


# ---- one shot, one photo --------------------------------------------------------------------------------------------


def test_raw_edits_and_conversions_of_one_shot(client: Path, make: Make) -> None:
    for file in ("IMG_0001.JPG", "IMG_0003.jpg", "IMG_E0003.jpg", "b.jpg", "b-edited.jpg", "IMG_E0009.jpg", "c.jpg"):
        make(file)
    make("c.heic", kind="HEIF")
    (client / "img_0001.CR2").write_bytes(b"II*\0" + bytes(100))
    (client / "c.dng").write_bytes(b"II*\0" + bytes(100))
    found = listing(client)
    assert {ref.file for ref in found.photos} == {"IMG_0001.JPG", "IMG_0003.jpg", "b.jpg", "IMG_E0009.jpg", "c.heic"}
    reasons = dict(found.skipped)
    assert set(reasons) == {"img_0001.CR2", "IMG_E0003.jpg", "b-edited.jpg", "c.jpg", "c.dng"}
    assert "RAW of IMG_0001.JPG" in reasons["img_0001.CR2"]
    assert "edited version of IMG_0003.jpg" in reasons["IMG_E0003.jpg"]
    assert found.rejected == ()


@pytest.mark.parametrize("copy", ["x - Copy.jpg", "x (1).jpg", "x copy 2.jpg", "x - Kopie.jpg", "x(2).jpg"])
def test_copies_are_skipped_only_with_the_same_content(client: Path, make: Make, copy: str) -> None:
    make("x.jpg", same=1)
    make(copy, same=1)
    make("y (1).jpg")
    make("y.jpg")
    found = listing(client)
    assert {ref.file for ref in found.photos} == {"x.jpg", "y.jpg", "y (1).jpg"}
    assert dict(found.skipped) == {copy: "a copy of x.jpg"}


def test_the_same_picture_in_one_session_counts_once(client: Path, make: Make) -> None:
    make("2026-03-14/a.jpg", same=1)
    make("2026-03-14/b.jpg", same=1)
    found = listing(client)
    assert [ref.file for ref in found.photos] == ["2026-03-14/a.jpg"]
    assert dict(found.skipped) == {"2026-03-14/b.jpg": "the same picture as 2026-03-14/a.jpg"}


def test_the_same_picture_in_two_sessions_is_flagged(client: Path, make: Make) -> None:
    make("2026-03-14/a.jpg", same=1)
    make("2026-04-25/a - Copy.jpg", same=1)
    make("2026-04-25/b.jpg")
    found = listing(client)
    flagged = [ref.file for ref in found.photos if Flag.SAME_PICTURE_TWICE in ref.flags]
    assert flagged == ["2026-03-14/a.jpg", "2026-04-25/a - Copy.jpg"]
    assert any("2026-03-14/a.jpg and 2026-04-25/a - Copy.jpg" in note for note in found.notes)


# ---- the course file ------------------------------------------------------------------------------------------------


def test_hours_after_from_treatments(client: Path, make: Make) -> None:
    make("a.jpg", "2026-03-14 15:00")
    make("b.jpg", "2026-03-14 17:30")
    make("2026-03-14 photo.jpg")
    make("2026-03-14 2h after.jpg")
    make("IMG-20260321-WA0001.jpg")
    make("c.jpg", "2026-04-25 15:00")
    found = listing(client, TREATMENT + "[[treatments]]\nat = 2026-04-25")
    hours = {ref.file: ref.hours_after for ref in found.photos}
    assert hours == {
        "a.jpg": None,
        "b.jpg": 2.0,
        "2026-03-14 photo.jpg": None,
        "2026-03-14 2h after.jpg": 2.0,
        "IMG-20260321-WA0001.jpg": 168.0,
        "c.jpg": None,
    }


def test_before_the_second_treatment_counts_from_the_first(client: Path, make: Make) -> None:
    make("2026-04-25 before.jpg")
    found = listing(client, TREATMENT + "[[treatments]]\nat = 2026-04-25T10:00")
    assert found.photos[0].hours_after == 42 * 24


def test_a_name_that_the_clock_contradicts_is_noted(client: Path, make: Make) -> None:
    make("before.jpg", "2026-03-14 17:30")
    make("2h after.jpg", "2026-03-15 17:30")
    notes = " ".join(listing(client, TREATMENT).notes)
    assert "before.jpg is called 'before'" in notes
    assert "2h after.jpg says '2 h after'" in notes


def test_the_course_file_beats_everything(client: Path, make: Make) -> None:
    make("2026-03-14/a.jpg", "2026-03-14 10:00")
    make("2026-03-14/b.jpg", "2026-03-14 10:01")
    make("2026-03-14/c.jpg", "2026-03-14 10:02")
    make("2026-03-14/d.jpg", "2026-03-14 10:03")
    found = listing(
        client,
        """
        [client]
        label = "A-0042"
        [photos."2026-03-14/a.jpg"]
        at = 2026-05-01T12:00
        view = "left_oblique"
        stage = "after cream"
        mirrored = true
        makeup = true
        filter = "yes"
        patch = [1, 2, 3, 4]
        face = 2
        [photos."b.jpg"]
        exclude = true
        [photos."c.jpg"]
        session = "first"
        [[marks]]
        name = "scar"
        photo = "a.jpg"
        circle = [20, 20, 5]
        """,
    )
    assert found.client == "A-0042"
    assert sessions(found) == {
        "first": ["2026-03-14/c.jpg"],
        "2026-03-14": ["2026-03-14/d.jpg"],
        "2026-05-01": ["2026-03-14/a.jpg"],
    }
    ref = one(found, "2026-03-14/a.jpg")
    assert (ref.taken_at, ref.view, ref.stage) == (datetime(2026, 5, 1, 12), "left_oblique", "after cream")
    assert (ref.mirrored, ref.patch, ref.face_index, ref.client) == (True, (1, 2, 3, 4), 1, "A-0042")
    assert ref.flags == Flag.MIRRORED | Flag.MAKEUP_DECLARED | Flag.FILTER_DECLARED | Flag.NOT_A_BASELINE
    assert found.excluded == ("2026-03-14/b.jpg",)
    assert "course.toml" in dict(found.skipped)["2026-03-14/b.jpg"]
    assert found.course.marks[0].photo == "2026-03-14/a.jpg"


def test_a_session_named_like_a_found_one_joins_it(client: Path, make: Make) -> None:
    make("2026-03-14/a.jpg")
    make("late.jpg", "2026-03-15 00:10")
    found = listing(client, "[photos.'late.jpg']\nsession = '2026-03-14'")
    assert sessions(found) == {"2026-03-14": ["2026-03-14/a.jpg", "late.jpg"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[photos.'IMG_0004.jpg']", ["line 1", 'photos."IMG_0004.jpg"', "IMG_0003.jpg"]),
        ("\n[photos.'img_0003.JPG']", ["line 2", "1/IMG_0003.jpg"]),
        ("[photos.'same.jpg']", ["1/same.jpg", "2/same.jpg", "with its folder"]),
        ("[[marks]]\nname = 'x'\nphoto = 'IMG_3.jpg'\ncircle = [5, 5, 2]", ["line 3", "marks[1].photo", "IMG_3.jpg"]),
        ("[photos.'1/IMG_0003.jpg']\n[photos.'IMG_0003.jpg']", ["two tables"]),
    ],
)
def test_names_of_photos_that_are_not_there(client: Path, make: Make, text: str, words: list[str]) -> None:
    for file in ("1/IMG_0003.jpg", "1/same.jpg", "2/same.jpg"):
        make(file)
    with pytest.raises(CourseFileError) as caught:
        listing(client, text)
    assert [word for word in words if word not in str(caught.value)] == []


def test_an_entry_for_an_unused_file_is_noted(client: Path, make: Make) -> None:
    make("IMG_0003.jpg")
    make("IMG_E0003.jpg")
    found = listing(client, "[photos.'IMG_E0003.jpg']\nview = 'front'")
    assert any("IMG_E0003.jpg" in note for note in found.notes)


def test_the_draft_changes_nothing(client: Path, make: Make) -> None:
    make("before/a.jpg")
    make("2026-03-14/b.jpg", "2026-03-14 16:30")
    make("2026-04-25 numbing.jpg")
    make('q"uo\\te\n\U0001f600 ü.jpg')
    (client / "empty.jpg").touch()
    first = listing(client)
    assert write_draft(client, draft_course(first)) == (client / "course.toml", True)
    again = listing(client)
    assert again.photos == first.photos
    assert (again.client, again.rejected, again.skipped, again.notes) == (
        first.client,
        first.rejected,
        first.skipped,
        first.notes,
    )
    assert draft_course(again) == draft_course(first)


# ---- names ----------------------------------------------------------------------------------------------------------


def test_strange_names(client: Path, make: Make) -> None:
    names = [
        "a b.jpg",
        'it\'s "x".jpg',
        "Müller.jpg",
        "Mu\u0308ller 2.jpg",
        "\U0001f600.jpg",
        "new\nline.jpg",
        "-rf.jpg",
        "<script>.jpg",
        "=1+1.jpg",
    ]
    for name in names:
        make(name)
    make("2026-03-14 é/x.jpg")
    found = listing(client)
    assert {ref.file for ref in found.photos} == {*names, "2026-03-14 é/x.jpg"}
    assert all("\n" not in ref.session for ref in found.photos)
    assert len({ref.session for ref in found.photos}) == len(names) + 1


def test_unicode_forms_of_a_name_are_the_same(client: Path, make: Make) -> None:
    make("Mu\u0308ller.jpg")
    found = listing(client, "[photos.'M\u00fcller.jpg']\nview = 'front'")
    assert found.photos[0].view == "front"


@pytest.mark.skipif(os.name != "posix", reason="names are bytes only on POSIX")
def test_names_that_are_no_text(client: Path, make: Make) -> None:
    good = make("good.jpg")
    raw = os.fsencode(client) + b"/s\xff\xfe"
    Path(os.fsdecode(raw)).mkdir()
    shutil.copy(os.fsencode(good), raw + b"/M\xfcller.jpg")
    found = listing(client)
    ref = next(ref for ref in found.photos if ref.file != "good.jpg")
    assert ref.file == "s\\udcff\\udcfe/M\\udcfcller.jpg"
    ref.file.encode()
    ref.session.encode()
    assert ref.path.read_bytes() == good.read_bytes()
    write_draft(client, draft_course(found))
    assert listing(client).photos == found.photos


# ---- nothing to list ------------------------------------------------------------------------------------------------


def test_missing_folder_suggests_its_neighbour(client: Path) -> None:
    with pytest.raises(UsageError, match=r"does not exist.*did you mean .*client") as caught:
        listing(client.parent / "cliemt")
    assert caught.value.exit_code == 2


def test_a_file_is_no_folder(client: Path, make: Make) -> None:
    path = make("a.jpg")
    with pytest.raises(UsageError, match=r"a\.jpg is a file"):
        list_photos(path, settings=Settings())


def test_a_closed_folder(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", closed)
    with pytest.raises(UsageError, match="cannot be opened"):
        list_photos(client, settings=Settings())


def test_empty_folder(client: Path) -> None:
    with pytest.raises(NothingMeasuredError, match="holds no photo: it is empty") as caught:
        listing(client)
    assert caught.value.exit_code == 1


def test_no_photo_among_other_things(client: Path) -> None:
    (client / "notes.txt").write_text("x")
    with pytest.raises(NothingMeasuredError, match=r"notes\.txt: not a photo"):
        listing(client)
    (client / "a.jpg").touch()
    with pytest.raises(NothingMeasuredError, match=r"a\.jpg is empty"):
        listing(client)


def test_everything_excluded(client: Path, make: Make) -> None:
    make("a.jpg")
    with pytest.raises(NothingMeasuredError, match="leaves out every photo"):
        listing(client, "[photos.'a.jpg']\nexclude = true")


def test_the_current_folder_has_a_name(client: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    make("a.jpg")
    monkeypatch.chdir(client)
    assert list_photos(Path(), settings=Settings()).client == "client"


def test_real_photos_of_two_people() -> None:
    folder = os.environ.get("SKINPROGRESS_PHOTOS")
    if not folder or not (Path(folder) / "london").is_dir():
        pytest.skip("SKINPROGRESS_PHOTOS does not name the folder with london/")
    found = list_photos(Path(folder) / "london", settings=Settings())
    assert len(found.photos) == len(list((Path(folder) / "london").glob("*.jpg")))
    assert "people.csv" in dict(found.skipped)
