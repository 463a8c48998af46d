"""What was found out about photos, kept on disk under the hash of everything that it depends on."""

import dataclasses
import enum
import hashlib
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePath
from typing import TypeVar

import numpy as np

from skinprogress.entries import read_entry, write_entry
from skinprogress.errors import PhotoError

T = TypeVar("T")

_FACTS = "files.bin"
_SUFFIX = ".bin"
_LIBRARIES = ("numpy", "scipy", "opencv-python", "scikit-image", "mediapipe", "pillow", "pillow-heif", "rawpy")
# Clocks of file systems: FAT tells mtimes in steps of 2 s. What is younger may change without looking changed.
_CLOCK_NS = 2_000_000_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What a file's content says, found out without decoding it.

    Attributes
    ----------
    sha256 : str
    head : bytes
        Its first 32 bytes.
    taken_at : datetime or None
        By the camera's clock.
    """

    sha256: str
    head: bytes
    taken_at: datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Facts about a file, and what it looked like from outside when they were found out."""

    size: int
    mtime_ns: int
    ctime_ns: int
    facts: FileFacts


class Store:
    """A folder of results, each under the hash of what it was made from.

    Every entry carries its own checksum: one that was cut off, by a full disk or a power loss, counts as missing.
    Nothing in it is needed: without it, everything is found out again. File names are hashes and entries name no file.

    Parameters
    ----------
    folder : Path
        Made when first written to, readable by its owner alone.
    watch : callable
        Told ``(file, sha256, begins)`` before a photo is worked on, and after.
    photo_limit_s : float
        How long a photo may take in this run, seconds.
    """

    def __init__(
        self,
        folder: Path,
        *,
        watch: Callable[[str, str, bool], None] = lambda *_: None,
        photo_limit_s: float = math.inf,
    ) -> None:
        self.folder = folder
        self._watch = watch
        self._photo_limit_s = photo_limit_s
        self._used: set[str] = {_FACTS}
        self._facts: dict[str, _Known] | None = None
        self._lock = threading.Lock()

    def remember(self, kind: str, parts: object, compute: Callable[[], T]) -> T:
        """The value that was made from the same parts before, or a new one, which is kept from now on.

        Parameters
        ----------
        kind : str
            What it is; begins the name of its file.
        parts : object
            Everything that the value depends on, for :func:`digest`. The versions of the program and of the libraries
            under it count always.
        compute : callable
            Makes the value: frozen records, arrays, numbers, texts, and containers of them. What it raises is not kept.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        name = f"{kind}-{digest(made_with(), parts)[:40]}{_SUFFIX}"
        self._used.add(name)
        try:
            found: T = read_entry(self.folder / name)
        except (OSError, ValueError):
            found = compute()
            write_entry(self.folder / name, found)
        return found

    def facts(self, path: Path, compute: Callable[[], FileFacts]) -> FileFacts:
        """What is known of a file whose size and times are still what they were, or what ``compute()`` finds out.

        Raises
        ------
        OSError
            Of ``compute``, or where the file cannot be looked at.
        """
        with self._lock:
            known = self._read_facts()
        key, before = digest(os.fsencode(os.path.abspath(path)))[:32], path.stat()  # noqa: PTH100 - links stay
        found = known.get(key)
        if found and (found.size, found.mtime_ns, found.ctime_ns) == _outside(before):
            return found.facts
        looked_ns = time.time_ns()
        facts = compute()
        known.pop(key, None)
        if _outside(before) == _outside(path.stat()) and max(_outside(before)[1:]) < looked_ns - _CLOCK_NS:
            size, mtime_ns, ctime_ns = _outside(before)
            known[key] = _Known(size=size, mtime_ns=mtime_ns, ctime_ns=ctime_ns, facts=facts)
        return facts

    def keep_facts(self) -> None:
        """Write down what is known of files by now."""
        if self._facts is not None:
            write_entry(self.folder / _FACTS, (made_with(), self._facts))

    @contextmanager
    def handling(self, file: str, sha256: str) -> Iterator[None]:
        """Tell the watcher that a photo is worked on.

        Raises
        ------
        PhotoError
            The photo has ended a process before; see :meth:`blame`.
        """
        name = _blame_name(sha256)
        if (self.folder / name).exists():
            self._used.add(name)
            try:
                code, reason, remedy, limit_s = read_entry(self.folder / name)
            except (OSError, ValueError):
                pass  # written half: it is tried once more
            else:
                if not self._photo_limit_s > limit_s:
                    raise PhotoError(code, reason, remedy)
        self._watch(file, sha256, True)
        try:
            yield
        finally:
            self._watch(file, sha256, False)

    def blame(self, sha256: str, error: PhotoError, *, limit_s: float = math.inf) -> None:
        """Note that a photo ended the process that worked on it: it is not tried again with the same versions.

        Parameters
        ----------
        sha256 : str
        error : PhotoError
            What to say of it.
        limit_s : float
            A run that gives photos longer than this tries again.
        """
        self._used.add(name := _blame_name(sha256))
        write_entry(self.folder / name, (error.code, error.reason, error.remedy, limit_s))

    def sweep(self) -> None:
        """Remove entries that were neither used nor made since the store was opened, and what was left half-written."""
        for path in self.folder.glob("*"):
            if path.suffix in (_SUFFIX, ".tmp") and path.name not in self._used:
                path.unlink(missing_ok=True)

    def _read_facts(self) -> dict[str, _Known]:
        if self._facts is None:
            try:
                made, facts = read_entry(self.folder / _FACTS)
                self._facts = facts if made == made_with() else {}
            except (OSError, ValueError):
                self._facts = {}
        return self._facts


@lru_cache(maxsize=1)
def made_with() -> str:
    """Hash of the program's own code and of the versions of the libraries that its numbers depend on."""
    package = Path(__file__).parent
    code = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.suffix in (".py", ".toml", ".task", ".npz", ".json"):
            code.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    for name in _LIBRARIES:
        try:
            code.update(f"{name} {version(name)}\n".encode())
        except PackageNotFoundError:
            code.update(f"{name} is not there\n".encode())
    return code.hexdigest()


def digest(*parts: object) -> str:
    """SHA-256, hexadecimal, of values, arrays, records and containers of them: the same in every process.

    Raises
    ------
    TypeError
        Of a value whose content it does not know how to read.
    """
    total = hashlib.sha256()
    _feed(total.update, parts)
    return total.hexdigest()


def _feed(update: Callable[[bytes], None], value: object) -> None:
    """Hand a value on, bit by bit, so that different values never give the same bytes."""
    if isinstance(value, enum.Enum):
        value = (type(value).__name__, value.value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        update(f"<{type(value).__qualname__}".encode())
        for field in dataclasses.fields(value):
            update(f".{field.name}".encode())
            _feed(update, getattr(value, field.name))
        update(b">")
    elif isinstance(value, np.ndarray):
        update(f"array {value.dtype.str} {value.shape};".encode())
        update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, dict):
        update(f"dict {len(value)};".encode())
        for key in sorted(value, key=str):
            _feed(update, key)
            _feed(update, value[key])
    elif isinstance(value, tuple | list):
        update(f"list {len(value)};".encode())
        for part in value:
            _feed(update, part)
    elif isinstance(value, set | frozenset):
        _feed(update, sorted(value, key=str))
    elif isinstance(value, bytes | str | PurePath):
        raw = value if isinstance(value, bytes) else os.fsencode(value)
        update(f"{'bytes' if isinstance(value, bytes) else 'text'} {len(raw)};".encode() + raw)
    elif value is None or isinstance(value, bool | int | float | datetime | date | np.generic):
        update(f"{type(value).__name__} {value!r};".encode())
    else:
        raise TypeError(f"no digest of a {type(value).__name__}")


def _outside(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _blame_name(sha256: str) -> str:
    return f"blame-{digest(made_with(), sha256)[:40]}{_SUFFIX}"
