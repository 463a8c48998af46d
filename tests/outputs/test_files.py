"""What is written is for its owner alone; what was there before keeps its rights."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from skinprogress.outputs.files import make_folder, prepare_output, write_whole
from skinprogress.photos.course import write_draft

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_files_and_folders_are_for_their_owner_alone(tmp_path: Path, umask: int) -> None:
    path = write_whole(tmp_path / "clients" / "Anna" / "charts" / "a.png", b"x")
    assert mode(path) == 0o600
    assert {mode(tmp_path / "clients" / name) for name in ("", "Anna", "Anna/charts")} == {0o700}
    prepare_output(tmp_path / "more" / "results")
    assert mode(tmp_path / "more") == mode(tmp_path / "more" / "results") == 0o700


def test_a_folder_that_was_there_keeps_its_rights_and_a_file_gets_ours(tmp_path: Path, umask: int) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "a.csv").touch()
    (folder / "a.csv").chmod(0o644)
    make_folder(folder)
    write_whole(folder / "a.csv", "new")
    assert mode(folder) == 0o755 and mode(folder / "a.csv") == 0o600


def test_a_drafted_course_file_lies_among_the_photos_with_the_rights_of_any_file(tmp_path: Path, umask: int) -> None:
    write_draft(tmp_path, "# a draft\n")
    assert mode(tmp_path / "course.toml") == 0o666 & ~umask


def test_a_file_in_the_way_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(OSError, match="a"):
        make_folder(tmp_path / "a" / "b")
