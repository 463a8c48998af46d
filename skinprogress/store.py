"""What was found out about photos, kept on disk under the hash of everything that it depends on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from skinprogress.errors import PhotoError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
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


class Store:
    """A folder of results, each under the hash of what it was made from.

    Every entry carries its own checksum: one that was cut off, by a full disk or a power loss, counts as missing.
    Nothing
    in it is needed: without it, everything is found out again.

    Parameters
    ----------
    folder : Path
        Made when first written to, readable by its owner alone.
    watch : callable
        Told ``(file, sha256, begins)`` before a photo is worked on, and after.
    """

    def __init__(self, folder: Path, *, watch: Callable[[str, str, bool], None] = lambda *_: None) -> None:
        self.folder = folder
        self._watch = watch

    def remember(self, kind: str, parts: object, compute: Callable[[], T]) -> T:
        """The value that was made from `parts` before, or ``compute()``, which is kept from now on."""
        raise NotImplementedError

    def facts(self, path: Path, compute: Callable[[], FileFacts]) -> FileFacts:
        """What is known of a file whose size and times are still what they were, or ``compute()``."""
        raise NotImplementedError

    @contextmanager
    def handling(self, file: str, sha256: str) -> Iterator[None]:
        """Tell the watcher that a photo is worked on.

        Raises
        ------
        PhotoError
            The photo has ended a worker before; see :meth:`blame`.
        """
        yield

    def blame(self, sha256: str, error: PhotoError) -> None:
        """Note that a photo ended the process that worked on it: it is not tried again with the same versions."""
        raise NotImplementedError

    def sweep(self) -> None:
        """Remove the entries that were neither used nor made since the store was opened."""
        raise NotImplementedError


def digest(*parts: Any) -> str:
    """SHA-256 of values, arrays and records, the same in every process."""
    raise NotImplementedError
