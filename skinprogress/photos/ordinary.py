"""Files that can be read to their end."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_ordinary(path: Path) -> BinaryIO:
    """Open a file for reading, but no pipe or device, which would wait or go on for ever.

    Raises
    ------
    OSError
        It cannot be opened, or is no ordinary file by now, whatever it was when its folder was listed.
    """
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - handed on
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(errno.EINVAL, "it is no ordinary file", os.fspath(path))


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
