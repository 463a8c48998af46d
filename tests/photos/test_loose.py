"""Single photos: dates, order, and the client's folder that they lie in."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from skinprogress import api
from skinprogress.errors import CourseFileError, PhotoError, UsageError
from skinprogress.photos.consents import strictest
from skinprogress.photos.course import read_course
from skinprogress.photos.files import keep_photos
from skinprogress.photos.folder import list_photos
from skinprogress.photos.loose import dated_refs, find_client_folder, find_consents, loose_refs
from skinprogress.photos.reading import read_photo
from skinprogress.records import Consent
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


def test_where_the_camera_wrote_no_date_the_name_of_the_file_gives_it(tmp_path, write_photo):
    def sessions(*names: str) -> list[str]:
        paths = [write_photo(tmp_path / f"{name}.jpg", GREY + k) for k, name in enumerate(names)]
        return [ref.session for ref in dated_refs(loose_refs(paths))]

    assert sessions("IMG_20260314_090000", "me 2026-04-01") == ["2026-03-14", "2026-04-01"]
    assert sessions("a 2026-03-14", "b 2026-03-14") == ["before", "Photo 2"]  # no time is made up
    assert sessions("a 2026-03-14", "03.04.2026") == ["before", "after"]  # April or March
    with pytest.raises(UsageError, match="was taken before"):
        sessions("me 2026-04-01", "IMG_20260314_090000")


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


@pytest.mark.parametrize("name", ["course.toml", "Course.TOML"])
def test_consent_holds_for_a_part_of_the_clients_folder_and_for_what_lies_above_it(tmp_path, write_photo, name):
    client = tmp_path / "client"
    for day in (14, 15):
        write_photo(client / "2026" / f"2026-03-{day}.png", GREY + day)
    (client / name).write_text("[consent]\npublish = false\n")
    for folder in (tmp_path, client, client / "2026"):
        course = read_course(folder)
        assert list_photos(folder, settings=Settings(), course=course).course.consent.publish is False, folder
    assert [c.publish for c in find_consents(client.rglob("*.png"))] == [False]
    assert find_consents([tmp_path / "elsewhere.png"]) == []
    (client / name).write_text("[consent]\npublish = ")
    with pytest.raises(CourseFileError, match=name):
        list_photos(tmp_path, settings=Settings())


def test_two_photos_compared_by_name_have_the_consent_of_their_client(tmp_path, write_photo, monkeypatch):
    photos = [write_photo(tmp_path / "client" / f"{k}.png", GREY + k) for k in range(2)]
    (tmp_path / "client" / "course.toml").write_text("[consent]\npublish = false\n")
    monkeypatch.setattr(api, "_compare_client", lambda refs, *, course, **_: course.consent.publish)
    assert api.compare_photos(*photos) is False


def test_kept_photos_are_decoded_once_until_they_change(tmp_path, write_photo):
    path = write_photo(tmp_path / "a.png", GREY)
    (ref,) = loose_refs([path])
    with keep_photos():
        first = read_photo(ref)
        assert read_photo(ref).pixels is first.pixels
        write_photo(path, np.full((70, 90, 3), 7, np.uint8))
        with pytest.raises(PhotoError) as caught:
            read_photo(ref)
        assert caught.value.code == "changed"
        (ref,) = loose_refs([path])
        assert read_photo(ref).pixels.shape == (70, 90, 3)
    assert read_photo(ref).pixels is not read_photo(ref).pixels


def test_a_composite_with_its_recipe_is_no_photo_of_the_client(tmp_path, write_photo):
    write_photo(tmp_path / "2026-03-14.png", GREY)
    write_photo(tmp_path / "show.png", GREY + 1)
    (tmp_path / "show.recipe.json").write_text("{}")
    listing = list_photos(tmp_path, settings=Settings())
    assert [p.file for p in listing.photos] == ["2026-03-14.png"]
    assert dict(listing.skipped)["show.png"].startswith("a picture that this program made")


def test_of_several_records_of_consent_the_strictest_of_each_counts() -> None:
    web, press = Consent(publish=True, scope=("web",), until=date(2027, 1, 1)), Consent(publish=True, scope=("press",))
    later = Consent(publish=True, given=date(2030, 1, 1))
    assert strictest([]) == Consent()
    assert strictest([web, later]) == Consent(
        publish=True, scope=("web",), given=date(2030, 1, 1), until=date(2027, 1, 1)
    )
    # What is recorded in one place is not recorded in the other, however long it holds.
    assert strictest([web, Consent()]).publish is None
    assert strictest([later, Consent(publish=False), web]).publish is False
    assert strictest([web, press]).publish is False
