"""What is remembered comes back as it was, or not at all."""

import os
import pickle
import zlib
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from skinprogress import entries
from skinprogress import store as module
from skinprogress.errors import OutputError, PhotoError
from skinprogress.records import Flag, Rejection, Treatment
from skinprogress.store import FileFacts, Store, digest

REJECTION = Rejection(file="a.jpg", session="1", code="no_face", reason="none", remedy="take another")


def never() -> None:
    raise AssertionError("it was there")


@pytest.fixture
def entry(tmp_path) -> Path:
    Store(tmp_path / "s").remember("look", ("a", 1), lambda: REJECTION)
    (path,) = (tmp_path / "s").iterdir()
    return path


@pytest.mark.parametrize(
    "value",
    [
        REJECTION,
        (1, 2.5, float("inf"), None, "ü", b"\0", Flag.MIRRORED | Flag.SHINE),
        {"a": [Treatment(at=datetime(2026, 3, 14, 15, 30), areas=("nose",))]},
        np.arange(12, dtype=np.float16).reshape(3, 4),
        np.arange(12, dtype=">i2").reshape(3, 4).T,
        np.zeros((0, 3), bool),
        np.array(2.5),
        np.float32(2.5),
        np.bool_(True),
        Path("a/b"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_values_come_back_as_they_were(tmp_path, value):
    Store(tmp_path).remember("x", "key", lambda: value)
    again = Store(tmp_path).remember("x", "key", never)
    assert digest(again) == digest(value)
    assert type(again) is type(value)


def test_what_depends_on_something_else_is_made_anew(tmp_path):
    store = Store(tmp_path)
    made = [store.remember("x", parts, lambda parts=parts: str(parts)) for parts in (("a", 1), ("a", 2), ("a1",))]
    assert len(set(made)) == 3
    assert store.remember("y", ("a", 1), lambda: "other") == "other"


def test_another_version_remembers_nothing(tmp_path, monkeypatch):
    Store(tmp_path).remember("x", 1, lambda: "old")
    monkeypatch.setattr(module, "made_with", lambda: "another version")
    assert Store(tmp_path).remember("x", 1, lambda: "new") == "new"


@pytest.mark.parametrize(
    "damage", [lambda d: d[:-1], lambda d: d[: len(d) // 2], lambda d: b"", lambda d: d[:60] + bytes(len(d) - 60)]
)
def test_an_entry_that_is_not_whole_counts_as_missing(entry, damage):
    entry.write_bytes(damage(entry.read_bytes()))
    assert Store(entry.parent).remember("look", ("a", 1), lambda: "again") == "again"
    assert Store(entry.parent).remember("look", ("a", 1), never) == "again"


class Evil:
    def __reduce__(self):
        return os.mkdir, ("was_run",)


@dataclass
class NoRecordOfOurs:
    x: int = 1


class MadeUpObjects:
    """An array of objects that lie where bytes of the attacker's say."""

    def __reduce__(self):
        return np.ndarray, ((1,), np.dtype("O"), bytes(8))


class MadeUpRecords:
    def __reduce__(self):
        return entries._array_from, ("O", (1,), "C", bytes(8))


@pytest.mark.parametrize(
    "planted",
    [Evil(), NoRecordOfOurs(), Path.home, os.system, MadeUpObjects(), MadeUpRecords()],
    ids=lambda value: type(value).__name__,
)
def test_an_entry_that_was_planted_runs_nothing(entry, planted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    payload = zlib.compress(pickle.dumps(planted))
    entry.write_bytes(entries._MARK + sha256(payload).digest() + payload)
    assert Store(entry.parent).remember("look", ("a", 1), lambda: "again") == "again"
    assert not Path("was_run").exists()


def test_only_the_owner_may_read_what_is_remembered_and_no_name_stands_in_file_names(entry):
    assert "a.jpg" not in entry.name
    if os.name == "posix":
        assert entry.stat().st_mode & 0o777 == 0o600
        assert entry.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        Store(tmp_path / "file" / "s").remember("x", 1, lambda: 2)


def test_what_was_not_used_is_swept_away(entry):
    store = Store(entry.parent)
    store.remember("x", 1, lambda: 2)
    store.blame("f" * 64, PhotoError("decoder_crashed", "it ended", "convert it"))
    (entry.parent / ".left.tmp").write_text("half")
    (entry.parent / "done.json").write_text("not ours")
    store.sweep()
    assert not entry.exists()
    assert {p.name.split("-")[0] for p in entry.parent.iterdir()} == {"x", "blame", "done.json"}


def test_a_blamed_photo_is_not_tried_again(tmp_path):
    seen = []
    store = Store(tmp_path, watch=lambda *event: seen.append(event))
    with store.handling("a.jpg", "1" * 64):
        pass
    store.blame("2" * 64, PhotoError("decoder_crashed", "it ended", "convert it"))
    with pytest.raises(PhotoError) as caught, Store(tmp_path).handling("b.jpg", "2" * 64):
        never()
    assert (caught.value.code, caught.value.remedy) == ("decoder_crashed", "convert it")
    Store(tmp_path).blame("3" * 64, PhotoError("decoder_hung", "too long", "convert it"), limit_s=10)
    with pytest.raises(PhotoError), Store(tmp_path, photo_limit_s=10).handling("c.jpg", "3" * 64):
        never()
    with Store(tmp_path, photo_limit_s=20).handling("c.jpg", "3" * 64):
        pass
    assert seen == [("a.jpg", "1" * 64, True), ("a.jpg", "1" * 64, False)]


class TestFacts:
    @pytest.fixture
    def photo(self, tmp_path) -> Path:
        path = tmp_path / "a.jpg"
        path.write_bytes(b"abc")
        return path

    @pytest.fixture(autouse=True)
    def later(self, monkeypatch):
        """A clock that is far ahead of every file."""
        now = module.time.time_ns()
        monkeypatch.setattr(module.time, "time_ns", lambda: now + 10**11)

    def test_of_a_file_that_looks_the_same_nothing_is_read(self, photo, tmp_path):
        facts = FileFacts(sha256="1", head=b"abc", taken_at=datetime(2026, 3, 14))
        store = Store(tmp_path / "s")
        assert store.facts(photo, lambda: facts) == facts
        store.keep_facts()
        assert Store(tmp_path / "s").facts(photo, never) == facts

    @pytest.mark.parametrize(
        "change",
        [
            lambda p: p.write_bytes(b"abcd"),
            lambda p: os.utime(p, (1, 1)),
            lambda p: p.chmod(0o640),  # whoever sets the time back cannot set back when that was done
        ],
    )
    def test_a_file_that_looks_different_is_read_again(self, photo, tmp_path, change):
        store = Store(tmp_path / "s")
        store.facts(photo, lambda: FileFacts(sha256="1", head=b""))
        change(photo)
        assert store.facts(photo, lambda: FileFacts(sha256="2", head=b"")).sha256 == "2"

    def test_a_file_that_was_just_written_may_still_change(self, photo, tmp_path, monkeypatch):
        monkeypatch.undo()
        store = Store(tmp_path / "s")
        store.facts(photo, lambda: FileFacts(sha256="1", head=b""))
        assert store.facts(photo, lambda: FileFacts(sha256="2", head=b"")).sha256 == "2"

    def test_a_file_that_changes_while_it_is_read_is_not_remembered(self, photo, tmp_path):
        store = Store(tmp_path / "s")

        def read() -> FileFacts:
            photo.write_bytes(b"something else")
            return FileFacts(sha256="1", head=b"")

        store.facts(photo, read)
        assert store.facts(photo, lambda: FileFacts(sha256="2", head=b"")).sha256 == "2"


def test_digests_tell_values_apart_and_know_what_is_the_same():
    different = [
        None, False, 0, 0.0, "", b"", (), {}, "0", ("a", "b"), ("ab",), (("a",), "b"), {"a": 1}, {"a": "1"},
        np.zeros(2), np.zeros(2, np.float32), np.zeros((2, 1)), Flag.NONE, Flag.SHINE, REJECTION,
        replace(REJECTION, code="x"), datetime(2026, 1, 1),
    ]  # fmt: skip
    assert len({digest(value) for value in different}) == len(different)
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest(np.arange(9)[::2]) == digest(np.array([0, 2, 4, 6, 8]))
    with pytest.raises(TypeError):
        digest(object())
