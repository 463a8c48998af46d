"""What decoding has to borrow from the whole process for a moment, and give back as it was."""

import os
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LOCK = threading.RLock()
"""Held while file descriptor 2, Pillow's size limit or the warning filters are not as the rest of the program wants."""

_LIBRARY_LINE = re.compile(
    r"Corrupt JPEG|Premature end|Inconsistent prog|Invalid|Unsupported|libpng|\[ ?[A-Z]+:|tempfile\.tif|.*TIFF|"
    r"\w+Decode\w*: |JPEGLib: |"  # LibTIFF's parts
    r"unknown file: ",  # LibRaw, which is given no name
    re.ASCII,
)


@contextmanager
def borrowed_pillow() -> Iterator[Any]:
    """Pillow's Image module without its size limit (ours is checked before decoding) and without its warnings."""
    from PIL import Image

    with LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield Image
        finally:
            Image.MAX_IMAGE_PIXELS = limit


@contextmanager
def captured_stderr() -> Iterator[list[str]]:
    """Collect what C libraries write to file descriptor 2: the only place where libjpeg says that data are corrupt.

    Lines that are not theirs (another thread's) are passed on afterwards.
    """
    lines: list[str] = []
    with LOCK:
        try:
            saved, file = os.dup(2), tempfile.TemporaryFile()  # noqa: SIM115 - closed below
        except OSError:
            yield lines
            return
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            with file:
                file.seek(0)
                written = file.read().decode("utf-8", "replace").splitlines(keepends=True)
            lines += [line.strip() for line in written if _LIBRARY_LINE.match(line)]
            others = "".join(line for line in written if not _LIBRARY_LINE.match(line))
            if others.strip() and sys.stderr is not None:
                sys.stderr.write(others)
