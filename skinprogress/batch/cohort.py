"""The tables of all clients as one dataset: Parquet files in a folder per client.

``cohort/changes/client=Anna/part-0.parquet``: the layout of Hive, which pandas, pyarrow, DuckDB and Spark read as one
table with a column ``client``. The column is in the names of the folders only, so that a client can be taken out
whole.

All of them guess the type of such a column from the names: ``0042`` and ``12`` would become the numbers 42 and 12, and
``2026-03-14`` a date. So every table has one more folder, ``client=%2F`` with no row in it. It can be no client's, and
no guess but text fits it. Readers need no setting for that. In pandas the column is categorical: group it with
``observed=True``, or the empty folder counts as a group.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skinprogress.batch.records import COHORT
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.tables import render_parquet
from skinprogress.records import Change, ClientResult, Comparison, Finding, Measurement, PhotoReport

_TABLES: dict[str, type] = {
    "measurements": Measurement,
    "changes": Change,
    "photos": PhotoReport,
    "comparisons": Comparison,
    "findings": Finding,
}
_FILE = "part-0.parquet"
_NO_CLIENT = "/"
_MISSING = "__HIVE_DEFAULT_PARTITION__"
"""What Hive calls a missing value."""
_PARQUET = b"PAR1"
"""First and last bytes of a whole file."""
_MAX_BYTES = 240
"""Of a folder's name; file systems allow 255."""


def write_cohort(result: ClientResult, out: Path, *, label: str) -> list[Path]:
    """Write a client's tables into the dataset of all clients.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Output folder of the batch.
    label : str
        What the client is called.

    Returns
    -------
    list of Path
        ``cohort/{table}/client={label}/part-0.parquet`` for measurements, changes, photos, comparisons and findings;
        the same bytes for the same result. A table without rows has a file too.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    written = []
    for name, record in _TABLES.items():
        no_client = _file_of(out, name, _NO_CLIENT)
        if not no_client.exists():
            write_whole(no_client, _render(record, ()))
        written.append(write_whole(_file_of(out, name, label), _render(record, getattr(result, name))))
    return written


def mend_cohort(out: Path) -> None:
    """Write the tables without a client anew where they are lost or cut short: they are no single client's to mend.

    Parameters
    ----------
    out : Path
        Output folder of the batch.

    Raises
    ------
    OSError, OutputError
        A file cannot be read or written.
    """
    for name, record in _TABLES.items():
        no_client = _file_of(out, name, _NO_CLIENT)
        if not no_client.parent.parent.is_dir():
            continue
        data = no_client.read_bytes() if no_client.is_file() else b""
        if not (data.startswith(_PARQUET) and data.endswith(_PARQUET)):
            write_whole(no_client, _render(record, ()))


def remove_from_cohort(out: Path, label: str) -> list[Path]:
    """Take a client's tables out of the dataset of all clients.

    Parameters
    ----------
    out : Path
        Output folder of the batch.
    label : str

    Returns
    -------
    list of Path
        Files that were removed.

    Raises
    ------
    OSError
        A file cannot be removed.
    """
    removed = []
    for name in _TABLES:
        folder = _file_of(out, name, label).parent
        if folder.is_symlink():
            folder.unlink()
            removed.append(folder)
        # All of it: a file that was being written when the power failed too.
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            path.unlink()
            removed.append(path)
        if folder.is_dir():
            folder.rmdir()
    return removed


def _render(record: type, rows: Sequence[Any]) -> bytes:
    return render_parquet(record, rows, without=("client",))


def _file_of(out: Path, table: str, label: str) -> Path:
    return out / COHORT / table / f"client={_folder_name(label)}" / _FILE


def _folder_name(label: str) -> str:
    """A label as the name of a folder that readers turn back into the label.

    Examples
    --------
    >>> _folder_name("2026/Jörg, 50%")
    '2026%2FJörg%2C%2050%25'

    Notes
    -----
    A label too long for a folder's name is cut and told apart by eight digits of its hash.
    """
    # Letters stay as they are: Spark turns every %XX into a letter of its own, which would garble an ö of two bytes.
    # A full stop at the end would be lost on Windows.
    name = re.sub(r"[^\w.-]|\.\Z", lambda match: _percent(match[0]), label)
    if len(name.encode()) <= _MAX_BYTES and label != _MISSING:
        return name
    tail = "~" + hashlib.sha256(label.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    name = name.encode()[: _MAX_BYTES - len(tail)].decode("utf-8", "ignore")
    return re.sub(r"(%..)*%.?\Z|(%..)+\Z", "", name) + tail


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "backslashreplace"))
