"""What names a client is nowhere in what a run with made-up names leaves, and neither is where a photo was taken."""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from skinprogress.batch.hiding import Hider, hider_of
from skinprogress.batch.pseudonyms import hide_names, label_of, salt_of
from skinprogress.errors import OutputError
from skinprogress.outputs.pdf import find_browser, print_pdf
from skinprogress.photos.folder import FolderListing
from skinprogress.records import Consent, Course, Mark, PhotoRef, Rejection, Treatment
from skinprogress.synthetic.sample_client import sample_folder

SCRIPT = Path(__file__).with_name("run_hidden.py")
NAMES = ("Ottilie", "Quastenbrunn")
POSIX = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


@dataclass(frozen=True)
class Run:
    folder: Path
    out: Path
    ended: subprocess.CompletedProcess[str]
    in_namespace: bool

    @property
    def files(self) -> list[Path]:
        return [path for path in sorted(self.out.rglob("*")) if path.is_file()]


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A client whose folder, sessions, files, marks and metadata all bear a name, run without a network."""
    top = tmp_path_factory.mktemp("praxis Quastenbrunn")
    folder = top / "Kunden" / "Ottilie Quastenbrunn"
    photos = sorted(sample_folder().joinpath("client").rglob("*.jpg"))
    sessions = ("2026-01-05 Ottilie", "2026-02-10 Quastenbrunn", "2026-03-14")
    for number, session in enumerate(sessions):
        path = folder / session / f"ottilie quastenbrunn {number}.jpg"
        path.parent.mkdir(parents=True)
        _write_named(photos[(0, 5, -1)[number]], path)
    (folder / sessions[0] / "Ottilie broken.jpg").write_bytes(b"no picture")
    (folder / "Quastenbrunn.txt").write_text("notes", "utf-8")
    (folder / "course.toml").write_text(
        f"""
        client.label = "Ottilie Q."
        course.aim = ["Ottilie's cheeks"]
        [[treatments]]
        at = 2026-01-05T15:30
        device = "Quastenbrunn pen"
        [[marks]]
        name = "Ottilies mole"
        photo = "{sessions[0]}/ottilie quastenbrunn 0.jpg"
        polygon = [[190, 300], [215, 300], [215, 325], [190, 325]]
        """,
        "utf-8",
    )
    out = top / "results"
    alone = ["unshare", "-rn"] if _may_unshare() else []
    command = [*alone, sys.executable, str(SCRIPT), str(folder), str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    return Run(folder, out, ended, bool(alone))


def _may_unshare() -> bool:
    return (
        bool(shutil.which("unshare"))
        and subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0
    )


def _write_named(source: Path, path: Path) -> None:
    """A small copy of a photo whose metadata name a person and a place wherever they can."""
    with Image.open(source) as image:
        small = image.resize((480, round(image.height * 480 / image.width)))
    exif = Image.Exif()
    exif.update({0x010E: "Ottilie", 0x010F: "Acme", 0x0110: "Quastenbrunn One", 0x0131: "Ottilie's phone"})
    exif.update({0x013B: "Ottilie Q", 0x8298: "(c) Quastenbrunn", 0x9C9D: "Ottilie".encode("utf-16-le")})
    details, place = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
    details |= {0xA430: "Ottilie Quastenbrunn", 0xA431: "SN Quastenbrunn", 0x9286: b"ASCII\0\0\0Ottilie"}
    place |= {1: "N", 2: (47.0, 33.0, 12.34), 3: "E", 4: (7.0, 35.0, 43.21)}
    small.save(path, exif=exif, quality=90, comment=b"Ottilie Quastenbrunn")


def _parts(path: Path) -> Iterator[tuple[str, bytes]]:
    """A file, and what is packed in it."""
    data = path.read_bytes()
    yield "bytes", data
    for number, match in enumerate(re.finditer(rb"data:image/\w+;base64,([A-Za-z0-9+/=\s]+)", data)):
        yield f"picture {number}", base64.b64decode(match[1])
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        yield "table", repr((table.to_pydict(), table.schema)).encode()
    if path.suffix == ".pdf":
        for match in re.finditer(rb"stream\r?\n", data):
            try:
                yield "stream", zlib.decompressobj().decompress(data[match.end() :])
            except zlib.error:
                continue


def test_no_file_names_the_client_or_a_path(hidden: Run) -> None:
    browser = find_browser()
    if browser is not None:
        report = next(path for path in hidden.files if path.name == "report.html")
        assert print_pdf(report, report.with_suffix(".pdf"), browser=browser) == ""
    suffixes = {path.suffix for path in hidden.files}
    assert {".html", ".csv", ".parquet", ".json", ".svg", ".png", ".jpg", ".mp4"} <= suffixes
    words = [*NAMES, str(hidden.folder), "Kunden", str(hidden.out.parent)]
    wanted = [text.lower().encode(code) for text in words for code in ("utf-8", "utf-16-le", "utf-16-be")]
    found = [
        (path.name, kind, word)
        for path in hidden.files
        for kind, data in _parts(path)
        for word in wanted
        if word in data.lower()
    ]
    assert not found
    assert not [
        path
        for path in hidden.files
        if any(name.lower() in str(path.relative_to(hidden.out)).lower() for name in NAMES)
    ]
    assert not [name for name in NAMES if name.lower() in (hidden.ended.stdout + hidden.ended.stderr).lower()]


def test_the_made_up_names_are_there(hidden: Run) -> None:
    label = label_of(hidden.out, "2026/Ottilie Quastenbrunn")
    record = json.loads((hidden.out / "clients" / label / "run.json").read_text("utf-8"))
    assert record["client"] == label and record["sessions"] == ["2026-01-05", "2026-02-10", "2026-03-14"]
    assert [photo["file"] for photo in record["inputs"]] == [
        "2026-01-05/photo-1.jpg", "2026-02-10/photo-1.jpg", "2026-03-14/photo-1.jpg", "2026-01-05/photo-2.jpg",
    ]  # fmt: skip
    assert f"{label} mole" in (hidden.out / "clients" / label / "measurements.csv").read_text("utf-8")


def test_no_file_says_where_a_photo_was_taken(hidden: Run) -> None:
    pictures = 0
    for path in hidden.files:
        for kind, data in _parts(path):
            if kind == "table" or path.suffix in (".csv", ".json"):
                assert b"GPS" not in data and b"Latitude" not in data and b"47.55" not in data
            if kind.startswith("picture") or path.suffix in (".jpg", ".png", ".webp"):
                with Image.open(io.BytesIO(data)) as image:
                    # Of each picture only what it needs to be shown: no EXIF, no XMP, no comment.
                    assert not image.getexif() and not {"exif", "xmp", "comment", "photoshop"} & set(image.info)
                pictures += 1
            assert b"http://ns.adobe.com" not in data and b"udta\xa9xyz" not in data
    assert pictures > 20


@POSIX
def test_everything_is_for_its_owner_alone_whatever_the_umask(hidden: Run) -> None:
    modes = {path: path.stat().st_mode & 0o777 for path in (hidden.out, *hidden.out.rglob("*"))}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}


def test_a_run_finishes_where_there_is_no_network(hidden: Run) -> None:
    seen = json.loads(hidden.ended.stdout.splitlines()[-1])
    assert seen["sockets"] == []
    if not hidden.in_namespace:
        pytest.skip("this user may make no network namespace (unshare -rn)")


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_a_network_socket_ends_the_process_and_one_within_the_machine_does_not() -> None:
    ends = [
        subprocess.run([sys.executable, str(SCRIPT), "x", "y", family], capture_output=True, text=True, timeout=60)
        for family in ("network", "machine")
    ]
    assert [ended.returncode for ended in ends] == [-31, 0]
    assert json.loads(ends[1].stdout) == {"filtered": True, "sockets": []}


def test_labels_are_the_same_in_one_folder_and_others_in_the_next(tmp_path: Path) -> None:
    here, there = tmp_path / "a", tmp_path / "b"
    assert re.fullmatch(r"client-[0-9a-f]{8}", label_of(here, "2026/Anna"))
    assert label_of(here, "2026/Anna") == label_of(here, "2026/Anna") != label_of(here, "2026/Ben")
    assert label_of(there, "2026/Anna") != label_of(here, "2026/Anna")
    assert label_of(here, "undecodable \udcff").startswith("client-")
    (here / ".store" / "salt").write_bytes(b"short")
    with pytest.raises(OutputError, match="damaged"):
        salt_of(here)


def hider(*names: str, folder: str = "/home/praxis/Kunden/Anna Becker", id: str = "2026/Anna Becker") -> Hider:
    return Hider(
        {name: f"photo-{k}.jpg" for k, name in enumerate(names, 1)}, label="X", folder=Path(folder), called=(id,)
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/praxis/Kunden/Anna Becker/a b.jpg is empty", "X/photo-1.jpg is empty"),
        ("A B.JPG is a copy of a b 2.jpg", "photo-1.jpg is a copy of photo-2.jpg"),
        ("anna_becker, ANNA, Beckers", "X_X, X, X"),
        ("the annals of Hannah", "the annals of Hannah"),
        ("taken 2026-03-14 and 2026", "taken 2026-03-14 and 2026"),
        ("/home/praxis/results is full", "…/results is full"),
    ],
)
def test_names_are_hidden_and_other_words_left(text: str, shown: str) -> None:
    assert hider("a b.jpg", "a b 2.jpg").hide(text) == shown


@pytest.mark.parametrize("name", ["An", "Red", "Will"])
def test_a_name_that_is_a_word_is_known_by_its_capital(name: str) -> None:
    found = hider(folder=f"/x/{name}", id=name)
    text = f"{name} looked away; {name.lower()} edited version of it"
    assert found.hide(text) == f"X looked away; {name.lower()} edited version of it"


@pytest.mark.parametrize("name", ["Zoë Łuć", "王小明", "कविता", "O'Brien", "Δημήτρης"])
def test_names_of_all_scripts_and_both_unicode_forms(name: str) -> None:
    found = hider(folder=f"/x/{name}", id=name)
    last = name.split(" ")[-1]
    for form in ("NFC", "NFD"):
        told = unicodedata.normalize(form, last)
        assert told not in found.hide(f"the photo of {told}, seen") and found.hide(told) != told


def test_undecodable_bytes_are_hidden_as_they_are_shown() -> None:
    found = hider("Ann\udcffe.jpg", "line\nbreak.jpg")
    assert (
        found.hide("Ann\\udcffe.jpg and line\\nbreak.jpg cannot be read")
        == "photo-1.jpg and photo-2.jpg cannot be read"
    )


def test_ten_thousand_names_take_no_time_to_speak_of() -> None:
    found = Hider({f"Anna {k}.jpg": f"photo-{k}.jpg" for k in range(10_000)}, label="X", folder=Path("/x/Anna"))
    assert found.hide("Anna 77.jpg is a copy of Anna 777.jpg") == "photo-77.jpg is a copy of photo-777.jpg"


def test_a_folder_that_cannot_be_listed_is_hidden_too(tmp_path: Path) -> None:
    folder = tmp_path / "Anna"
    folder.mkdir()
    (folder / "Maria Huber.jpg").touch()
    text = f"there is no file 'Maria' in {folder}: did you mean 'Maria Huber.jpg'?"
    shown = hider_of(folder, label="X").hide(text)
    assert "Maria" not in shown and "Anna" not in shown and str(tmp_path) not in shown


def test_sessions_keep_their_dates_and_words_and_nothing_else(tmp_path: Path) -> None:
    labels = ("2026-03-14", "2026-03-14T16:30", "2026-03-15 Anna", "before", "Anna day 7", "Anna", "Lake", "Lake (2)")
    listing = _listing(tmp_path, *labels)
    told, _ = hide_names(listing, label="X", folder=tmp_path / "Anna")
    sessions = [photo.session for photo in told.photos]
    assert sessions == [
        "2026-03-14", "2026-03-14T16:30", "2026-03-15 session-1", "before", "day 7", "session-2", "session-3",
        "session-4",
    ]  # fmt: skip
    assert len({photo.file for photo in told.photos}) == len(labels)
    assert [photo.path for photo in told.photos] == [photo.path for photo in listing.photos]


def test_the_whole_listing_is_hidden(tmp_path: Path) -> None:
    listing = replace(
        _listing(tmp_path, "Anna"),
        rejected=(
            Rejection(file="Anna/Anna x.anna", session="Anna", code="c", reason="Anna x.anna is bad", remedy="Anna!"),
        ),
        skipped=(("Anna.mov", "a copy of Anna.jpg"), ("Anna 2.jpg", "left out")),
        excluded=("Anna 2.jpg",),
        notes=("Anna/0.jpg has no date",),
        course=Course(
            label="Anna",
            aim=("Anna's chin",),
            treatments=(Treatment(at=datetime(2026, 1, 1), device="Anna pen", products=("Anna gel",)),),
            consent=Consent(publish=True, scope=("Anna's page",)),
            marks=(
                Mark(name="Anna mole", photo="Anna/0.jpg", polygon_xy=()),
                Mark(name="scar", photo="0", polygon_xy=()),
            ),
        ),
    )
    told, _ = hide_names(listing, label="X", folder=tmp_path / "Anna")
    shown = repr(replace(told, photos=tuple(replace(photo, path=Path("p")) for photo in told.photos)))
    assert "anna" not in shown.lower()
    assert [mark.name for mark in told.course.marks] == ["X mole", "scar"]
    assert told.course.marks[0].photo == told.photos[0].file == "session-1/photo-1.jpg"
    assert told.rejected[0].file == "session-1/photo-2" and told.excluded[0] == told.skipped[1][0]
    assert told.notes == ("session-1/photo-1.jpg has no date",)


def _listing(folder: Path, *sessions: str) -> FolderListing:
    photos = [
        PhotoRef(path=folder / f"{k}.jpg", file=f"{session}/{k}.jpg", client="Anna", session=session)
        for k, session in enumerate(sessions)
    ]
    return FolderListing(client="Anna", photos=tuple(photos))
