"""Single photos: dates, order, and the client's folder that they lie in."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from skinprogress.errors import UsageError
from skinprogress.photos.files import keep_photos
from skinprogress.photos.folder import list_photos
from skinprogress.photos.loose import dated_refs, find_client_folder, loose_refs
from skinprogress.photos.reading import read_photo
from skinprogress.settings import Settings

GREY = np.full((80, 90, 3), 120, np.uint8)
AT = datetime(2026, 3, 14, 9)


def test_sessions_are_the_dates_and_never_the_names_of_files(tmp_path, write_photo):
    def sessions(*taken: datetime | None) -> list[str]:
        paths = [write_photo(tmp_path / f"maria {k}.jpg", GREY + k, taken_at=at) for k, at in enumerate(taken)]
        return [ref.session for ref in dated_refs(loose_refs(paths))]

    assert sessions(AT, AT + timedelta(days=2)) == ["2026-03-14", "2026-03-16"]
    assert sessions(AT, AT + timedelta(hours=2)) == ["2026-03-14T09:00", "2026-03-14T11:00"]
    assert sessions(AT, AT) == ["2026-03-14T09:00", "Photo 2"]
    assert sessions(None, AT) == ["before", "after"]
    assert sessions(None, AT, None) == ["before", "2026-03-14", "Photo 3"]
    with pytest.raises(UsageError, match=r"maria 1\.jpg was taken before maria 0\.jpg"):
        sessions(AT, AT - timedelta(days=1))


def test_days_count_from_the_first_dated_photo(tmp_path, write_photo):
    paths = [
        write_photo(tmp_path / f"{k}.jpg", GREY + k, taken_at=at)
        for k, at in enumerate((None, AT, AT + timedelta(days=1.5)))
    ]
    (tmp_path / "3.jpg").write_bytes(b"broken")
    assert [ref.day for ref in dated_refs(loose_refs([*paths, tmp_path / "3.jpg"]))] == [None, 0.0, 1.5, None]


def test_the_clients_folder_is_found_through_links_and_not_too_far_up(tmp_path):
    deep = tmp_path / "client" / "2026" / "front"
    deep.mkdir(parents=True)
    (deep / "a.jpg").write_bytes(b"x")
    assert find_client_folder(deep / "a.jpg") is None
    (tmp_path / "client" / "course.toml").write_text("")
    (tmp_path / "link.jpg").symlink_to(deep / "a.jpg")
    assert find_client_folder(deep / "a.jpg") == find_client_folder(tmp_path / "link.jpg") == tmp_path / "client"
    deeper = deep / "more"
    deeper.mkdir()
    assert find_client_folder(deeper / "b.jpg") is None


def test_kept_photos_are_decoded_once_until_they_change(tmp_path, write_photo):
    path = write_photo(tmp_path / "a.png", GREY)
    (ref,) = loose_refs([path])
    with keep_photos():
        first = read_photo(ref)
        assert read_photo(ref).pixels is first.pixels
        write_photo(path, np.full((70, 90, 3), 7, np.uint8))
        assert read_photo(ref).pixels.shape == (70, 90, 3)
    assert read_photo(ref).pixels is not read_photo(ref).pixels


def test_a_composite_with_its_recipe_is_no_photo_of_the_client(tmp_path, write_photo):
    write_photo(tmp_path / "2026-03-14.png", GREY)
    write_photo(tmp_path / "show.png", GREY + 1)
    (tmp_path / "show.recipe.json").write_text("{}")
    listing = list_photos(tmp_path, settings=Settings())
    assert [p.file for p in listing.photos] == ["2026-03-14.png"]
    assert dict(listing.skipped)["show.png"].startswith("a picture that this program made")
