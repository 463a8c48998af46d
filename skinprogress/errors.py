"""What cannot go on. Every error says what, which file, why, and what to do about it."""

from collections.abc import Sequence
from typing import Any


class SkinprogressError(Exception):
    """Base of all errors that are meant for the person who uses the program.

    Parameters
    ----------
    reason : str
        What is wrong, naming the value and the limit.
    remedy : str
        What the person can do about it.
    """

    exit_code = 1

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason if not remedy else f"{reason}: {remedy}")
        self.reason = reason
        self.remedy = remedy


class PhotoError(SkinprogressError):
    """One photo cannot be used. The run goes on without it.

    Parameters
    ----------
    code : str
        Short stable identifier, for example ``no_face``; it stands in ``photos.csv``.
    """

    def __init__(self, code: str, reason: str, remedy: str) -> None:
        super().__init__(reason, remedy)
        self.code = code

    def __reduce__(self) -> tuple[type["PhotoError"], tuple[str, str, str]]:
        return type(self), (self.code, self.reason, self.remedy)


class NothingMeasuredError(SkinprogressError):
    """The folder holds no photo that could be measured.

    Parameters
    ----------
    rejected : sequence of Rejection
        Why, photo by photo; see :class:`skinprogress.records.Rejection`.
    """

    def __init__(self, reason: str, remedy: str = "", *, rejected: Sequence[Any] = ()) -> None:
        super().__init__(reason, remedy)
        self.rejected = tuple(rejected)


class UsageError(SkinprogressError):
    """The program was asked for something that it cannot do (exit code 2)."""

    exit_code = 2


class CourseFileError(UsageError):
    """``course.toml`` is wrong; the message names file, line or key, and the fix."""


class AmbiguousDateError(UsageError):
    """Dates in names could be day first or month first."""


class OutputError(UsageError):
    """The output folder cannot be written."""
