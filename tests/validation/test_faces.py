"""Whose each photo is, and the true points beside it."""

import json

import pytest

from skinprogress.errors import UsageError
from skinprogress.photos.folder import FolderListing
from skinprogress.records import PhotoRef
from skinprogress.validation.faces import name_people, read_truth


def people(*files, tmp_path):
    refs = [PhotoRef(path=tmp_path / f, file=f, client="c", session="s") for f in files]
    person_of = name_people(refs, FolderListing(client="c", photos=tuple(refs)))
    return [person_of(ref) for ref in refs]


def test_people_are_told_by_their_names(tmp_path):
    assert people("005_neutral.jpg", "005_smiling.jpg", "anna_1.png", tmp_path=tmp_path) == ["005", "005", "anna"]


@pytest.mark.parametrize(
    "files",
    [
        ("IMG_0001.jpg", "DSC_0002.jpg"),
        ("2026-03-14_front.jpg", "2026-04-25_front.jpg"),
        ("before_1.jpg", "after_1.jpg"),
        ("day 3_a.jpg", "day 10_a.jpg"),
        ("front_1.jpg", "left_1.jpg"),
        ("session 1_a.jpg", "session 2_a.jpg"),
        ("anna_1.jpg", "anna_2.jpg"),
        ("anna_1.jpg", "ben.jpg"),
        ("2026-03-14/a_1.jpg", "2026-04-25/b_1.jpg"),
    ],
)
def test_the_photos_of_one_client_are_not_taken_for_different_people(files, tmp_path):
    assert set(people(*files, tmp_path=tmp_path)) == {"c"}


@pytest.mark.parametrize(
    "stated",
    [
        "no json",
        "[]",
        json.dumps({"vertex_xy": [[1, 2]], "vertex_visible": [1]}),
        json.dumps({"vertex_xy": [[1, 2]], "vertex_visible": [1, 1], "iod_px": 100}),
        json.dumps({"vertex_xy": [[1, 2]], "vertex_visible": [1], "iod_px": 0}),
    ],
)
def test_a_damaged_truth_file_is_named(stated, tmp_path):
    (tmp_path / "a.truth.json").write_text(stated)
    with pytest.raises(UsageError, match=r"a\.truth\.json"):
        read_truth(PhotoRef(path=tmp_path / "a.jpg", file="a.jpg", client="c", session="s"))
