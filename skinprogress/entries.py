"""Entries of the store: values in files that are whole or count as missing, and that run nothing when they are read."""

import copyreg
import dataclasses
import enum
import errno
import hashlib
import importlib
import io
import os
import pickle
import secrets
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np

from skinprogress.errors import OutputError

_MARK = b"skinprogress 1\n"
_PLAIN_PARTS = {
    ("datetime", "datetime"), ("datetime", "date"), ("datetime", "timedelta"),
    ("pathlib", "PosixPath"), ("pathlib", "WindowsPath"),
    ("pathlib._local", "PosixPath"), ("pathlib._local", "WindowsPath"),
    (__name__, "_array_from"), (__name__, "_number_from"),
}  # fmt: skip
_NUMBERS = "?bhilqBHILQefd"
"""Types of numbers, in numpy's letters. Its own way of reading arrays back trusts what it reads, so it is not used."""
_TAKEN_APART: tuple[type, ...] = (np.ndarray, *(np.dtype(letter).type for letter in _NUMBERS))


def write_entry(path: Path, value: object) -> None:
    """Write a value, readable by its owner alone, with a checksum.

    Parameters
    ----------
    path : Path
        Its folder is made where it is missing.
    value : object
        Records of this package, arrays, numbers, texts, dates, and containers of them.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    payload = zlib.compress(_pickled(value), 1)
    beside = path.with_name(f".{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(beside, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(_MARK + hashlib.sha256(payload).digest() + payload)
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        what = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        raise OutputError(
            f"{path.parent} cannot be written ({what})", "make room or allow writing, then run again"
        ) from error
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _pickled(value: object) -> bytes:
    file = io.BytesIO()
    pickler = pickle.Pickler(file, protocol=5)
    pickler.dispatch_table = copyreg.dispatch_table | dict.fromkeys(_TAKEN_APART, _take_apart)
    pickler.dump(value)
    return file.getvalue()


def _take_apart(value: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """An array or number as plain parts; sums depend on the order in memory, so that is kept."""
    if not isinstance(value, np.ndarray):
        return _number_from, (value.dtype.str, value.tobytes())
    order: Literal["C", "F"] = "F" if value.flags.fnc else "C"
    return _array_from, (value.dtype.str, value.shape, order, value.tobytes(order))


def _array_from(kind: str, shape: tuple[int, ...], order: Literal["C", "F"], data: bytes) -> Any:
    return np.frombuffer(data, _number_type(kind)).reshape(shape, order=order).copy(order)


def _number_from(kind: str, data: bytes) -> Any:
    return np.frombuffer(data, _number_type(kind), count=1)[0]


def _number_type(kind: str) -> np.dtype[Any]:
    if not isinstance(kind, str) or (found := np.dtype(kind)).char not in _NUMBERS:
        raise pickle.UnpicklingError(f"{kind} is no type of numbers")
    return found


def read_entry(path: Path) -> Any:
    """Read back what :func:`write_entry` wrote.

    Raises
    ------
    OSError, ValueError
        It is not there, or not whole.
    """
    data = path.read_bytes()
    start = len(_MARK) + 32
    if not data.startswith(_MARK) or hashlib.sha256(data[start:]).digest() != data[len(_MARK) : start]:
        raise ValueError("not a whole entry")
    try:
        return _RecordReader(io.BytesIO(zlib.decompress(data[start:]))).load()
    except Exception as error:  # whatever a damaged or foreign entry brings about: it counts as missing
        raise ValueError("not an entry of this version") from error


class _RecordReader(pickle.Unpickler):
    """Reads records, arrays and dates, and nothing that could run: the folder may lie where others can write."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _PLAIN_PARTS:
            return super().find_class(module, name)
        if module.startswith("skinprogress.") and name.isidentifier():
            found = getattr(importlib.import_module(module), name)
            is_record = dataclasses.is_dataclass(found) or (isinstance(found, type) and issubclass(found, enum.Enum))
            if isinstance(found, type) and is_record and found.__module__ == module:
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no record")
