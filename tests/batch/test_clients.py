"""Which folders are clients: by names, course files and the sheet, whatever the disk throws in."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skinprogress.batch.clients import ClientSearch, find_clients
from skinprogress.errors import UsageError
from skinprogress.photos.course import CourseFile

NAMED = CourseFile()
_DOWN = "d" * 60


def make(root: Path, *files: str) -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def ids(search: ClientSearch) -> list[str]:
    return [client.id for client in search.clients]


@pytest.mark.parametrize(
    ("files", "clients", "strays"),
    [
        (["Anna/1.jpg", "Bea/1.HEIC", "10/x.png", "9/x.tif"], ["9", "10", "Anna", "Bea"], []),
        (["Anna/2026-03-14/1.jpg", "Anna/2026-05-01/1.jpg"], ["Anna"], []),
        (["Anna/before/1.jpg", "Anna/day 7/1.jpg", "Anna/Session 2/left/1.jpg", "Anna/week 6/1.jpg"], ["Anna"], []),
        (["2026/Bea/2026-03-14/1.jpg", "2025/old/Carl/1.jpg"], ["2025/old/Carl", "2026/Bea"], []),
        (["Anna/Session 1/2026-03-14/1.jpg", "Anna/Session 1/2026-03-21/1.jpg", "Anna/Session 2/1.jpg"], ["Anna"], []),
        (["Anna/course.toml", "Anna/first/1.jpg", "Anna/second/1.jpg"], ["Anna"], []),
        (["Anna/COURSE.toml", "Bea/1.jpg"], ["Anna", "Bea"], []),
        # Folders of clients may be called by a week; a photo beside clients is nobody's.
        (["Week 12/Anna/course.toml", "Week 13/Bea/course.toml"], ["Week 12/Anna", "Week 13/Bea"], []),
        (["2026/x.jpg", "2026/Anna/course.toml"], ["2026/Anna"], ["2026/x.jpg"]),
        (["logo.png", "Anna/2026-03-14/1.jpg", "Anna/2026-05-01/1.jpg"], ["Anna"], ["logo.png"]),
        (["Anna/2026-03-14/before/1.jpg", "Anna/2026-03-14/after/1.jpg", "Anna/cover.jpg"], ["Anna"], []),
        (["Anna/1.jpg", "Anna/left/2.jpg"], ["Anna"], []),
        (["14.03.2026 Anna/2026-03-14/1.jpg", "14.03.2026 Anna/2026-05-01/1.jpg"], ["14.03.2026 Anna"], []),
        # Not photos: hidden, of the system, notes, results of this program.
        (["Anna/1.jpg", ".trash/1.jpg", "@eaDir/1.jpg", "docs/a.pdf", "._x.jpg"], ["Anna"], []),
        (["Anna/1.jpg", "results/run.json", "results/report.html", "results/aligned/1.jpg"], ["Anna"], []),
        (["Anna/1.jpg", "all/.store/salt", "all/clients/Anna/aligned/1.jpg"], ["Anna"], []),
        (["Anna/1.jpg", "shown/both.jpg", "shown/both.recipe.json"], ["Anna"], []),
    ],
)  # fmt: skip
def test_what_is_a_client(tmp_path: Path, files: list[str], clients: list[str], strays: list[str]) -> None:
    found = find_clients(make(tmp_path, *files))
    assert ids(found) == clients
    assert list(found.strays) == strays
    assert [client.path for client in found.clients] == [tmp_path / id_ for id_ in clients]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["course.toml", "Anna/1.jpg"], "a course.toml lies in it"),
        (["1.jpg"], "photos lie directly in it, such as 1.jpg"),
        (["1.jpg", "Anna/1.jpg"], "photos lie directly in it"),
        (["before/1.jpg", "day 7/1.jpg"], "it holds visits (before and day 7)"),
        (["2026-03-14/1.jpg"], "it holds visits (2026-03-14)"),
    ],
)
def test_the_clients_folder_is_no_client(tmp_path: Path, files: list[str], words: str) -> None:
    with pytest.raises(UsageError, match="`skinprogress run`") as error:
        find_clients(make(tmp_path, *files))
    assert words in error.value.reason


def test_folders_without_a_client_are_told(tmp_path: Path) -> None:
    make(tmp_path, "Anna/notes.txt", "out/.store/salt", "photo.jpg")
    for folder, words in (
        ("Anna", "holds no client"),
        ("out", "holds results"),
        ("none", "does not exist"),
        ("photo.jpg", "is a file"),
    ):
        with pytest.raises(UsageError, match=words):
            find_clients(tmp_path / folder)


def test_the_sheet_names_clients(tmp_path: Path) -> None:
    make(tmp_path, "2026/Anna/first/1.jpg", "2026/Anna/second/1.jpg", "Zoë/x/1.jpg", "Bea/1.jpg")
    course = CourseFile.model_validate({"client": {"label": "A-1"}})
    sheet = {"2026/Anna": course, "Zoe\u0308": NAMED, "Bae": NAMED, "2026/Anna/first": NAMED}
    found = find_clients(tmp_path, sheet=sheet)
    assert ids(found) == ["2026/Anna", "Bea", "Zoë"]
    assert [client.course is not None for client in found.clients] == [True, False, True]
    assert found.clients[0].course is course
    assert any("'Bae', and there is no such folder: did you mean 'Bea'?" in note for note in found.notes)
    assert any("'2026/Anna/first', which lies in the folder of another client" in note for note in found.notes)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["2026/first/1.jpg", "2026/second/1.jpg"], ["2026/first and 2026/second", "course.toml in it"]),
        (["first/1.jpg", "second/1.jpg"], ["first and second", "skinprogress run"]),
        (["Anna/2026-03-14/1.jpg", "Anna/older/1.jpg"], ["in Anna, Anna/2026-03-14 could be a visit"]),
        (["Anna/2025/2025-01-01/1.jpg", "Anna/2025/2025-02-02/1.jpg"], ["Anna/2025 could be a visit"]),
        (["G/1.jpg", "G/Anna/1.jpg", "G/Bea/1.jpg"], ["photos lie directly in G", "G/Anna and G/Bea"]),
        (["A/1.jpg", *(f"B{k}/x.txt" for k in range(5))], ["no photo lies in B0, B1, B2 and 2 more"]),
    ],
)
def test_what_could_be_meant_otherwise_is_told(tmp_path: Path, files: list[str], words: list[str]) -> None:
    notes = find_clients(make(tmp_path, *files)).notes
    assert len(notes) == 1
    assert all(word in notes[0] for word in words), notes


def test_ordinary_folders_give_no_note(tmp_path: Path) -> None:
    make(tmp_path, "Anna/2026-03-14.jpg", "Anna/2026-05-01.jpg", "Bea/2026-03-14/1.jpg", "Bea/2026-05-01/1.jpg")
    make(tmp_path, "2026/Carl/before.jpg", "2026/Carl/day 7.jpg", "2026/Dora/1.jpg")
    found = find_clients(tmp_path)
    assert found.notes == () and found.strays == ()


def test_links_count_once_and_never_in_a_circle(tmp_path: Path) -> None:
    root = make(tmp_path / "all", "Anna/2026-03-14/1.jpg", "Anna/2026-05-01/1.jpg", "Bea/1.jpg")
    make(tmp_path, "elsewhere/Carl/1.jpg", "private/1.jpg")
    for name, target in {
        "AA": root / "Anna", "Anna/loop": root, "up": tmp_path, "Carl": tmp_path / "elsewhere" / "Carl",
        "itself": root / "itself", "nowhere": root / "none", "Carla": tmp_path / "elsewhere" / "Carl",
    }.items():  # fmt: skip
        (root / name).symlink_to(target)
    found = find_clients(root)
    assert ids(found) == ["Anna", "Bea", "Carl"]
    assert any(note.startswith("AA leads to a folder that is read at another place") for note in found.notes)
    assert not any("loop" in note for note in found.notes), "what lies in a client's folder is not told here"
    for name in ("itself", "nowhere"):
        assert any(note.startswith(f"{name} cannot be opened (") for note in found.notes)


@pytest.mark.skipif(sys.platform == "win32", reason="no such files")
def test_pipes_and_names_that_are_no_text(tmp_path: Path) -> None:
    make(tmp_path, "Anna/1.jpg")
    (tmp_path / "Pipe").mkdir()
    os.mkfifo(tmp_path / "Pipe" / "1.jpg")
    os.mkfifo(tmp_path / "Anna" / "run.json")  # whose first bytes tell whether it is a folder of results
    strange = os.fsencode(tmp_path) + b"/B\xff"
    Path(os.fsdecode(strange)).mkdir()
    (Path(os.fsdecode(strange)) / "1.jpg").touch()
    make(tmp_path, "B\\udcff/1.jpg", "two\nlines/1.jpg")
    found = find_clients(tmp_path)
    assert ids(found) == ["Anna", "B\\udcff", "two\nlines"]
    assert any("stands for two folders" in note for note in found.notes)
    assert all(note.isprintable() for note in found.notes)


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "Anna/1.jpg", "Bea/1.jpg")
    real: Callable[..., object] = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "Bea":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = find_clients(tmp_path)
    assert ids(found) == ["Anna"]
    assert found.notes == ("Bea cannot be opened (Permission denied), and was left out",)


@pytest.mark.skipif(sys.platform == "win32", reason="no such folders")
def test_many_files_and_deep_folders(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(10_000):
        os.close(os.open(f"{folder}/{number}.jpg", os.O_CREAT | os.O_WRONLY))
    at = tmp_path / "deep"
    at.mkdir()
    here = os.open(at, os.O_RDONLY)
    try:  # deeper than a path can be long
        for _ in range(100):
            os.mkdir(_DOWN, dir_fd=here)
            inner = os.open(_DOWN, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = inner
    finally:
        os.close(here)
    try:
        found = find_clients(tmp_path)
        assert ids(found) == ["many"]
        assert any("File name too long" in note for note in found.notes)
    finally:
        _remove_deep(at)


def _remove_deep(folder: Path) -> None:
    """Lift what is too deep for a path out of it, level by level."""
    while (inner := folder / _DOWN).exists():
        lifted = folder.with_name(f"{folder.name}_")
        inner.rename(lifted)
        folder.rmdir()
        folder = lifted.rename(folder)
    folder.rmdir()


NAMES = st.sampled_from(["Anna", "Bea", "2026", "2026-03-14", "before", "day 7", "left", "Session 2", "Session 3"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    paths=st.lists(
        st.tuples(st.lists(NAMES, min_size=1, max_size=4), st.sampled_from(["1.jpg", "2.jpg", "course.toml"])),
        min_size=1,
        max_size=8,
    ),
    number=st.uuids(),
)
def test_every_photo_is_in_one_client_or_astray(tmp_path: Path, paths, number) -> None:
    root = tmp_path / number.hex
    files = {"/".join((*folders, name)) for folders, name in paths}
    make(root, *files)
    try:
        found = find_clients(root)
    except UsageError as error:
        assert "run" in str(error) or "holds no client" in str(error)
        return
    clients = ids(found)
    assert not any(a != b and b.startswith(f"{a}/") for a in clients for b in clients), "a client within a client"
    for file in files:
        if file.endswith(".jpg"):
            homes = [client for client in clients if file.startswith(f"{client}/")]
            assert len(homes) + (file in found.strays) == 1
        else:
            folder = file.rpartition("/")[0]
            assert any(folder == client or folder.startswith(f"{client}/") for client in clients)
