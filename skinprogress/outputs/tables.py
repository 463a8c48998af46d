"""The tables of a run: CSV and Parquet files whose columns are the fields of the records, and ``run.json``."""

import csv
import dataclasses
import enum
import io
import json
import math
import types
import typing
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skinprogress.face.regions import REGIONS, WHOLE_FACE
from skinprogress.outputs.files import RECORD, write_whole
from skinprogress.records import Change, ClientResult, Comparison, Finding, Measurement, PhotoReport, Spot

if TYPE_CHECKING:
    import pandas as pd

_BY_REGION = "_by_region"
"""How the name of a field ends that holds one figure a region: ``misfit_by_region`` gives ``misfit_forehead`` …"""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_tables(result: ClientResult, out: Path) -> list[Path]:
    """Write every table of a result and ``run.json``.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Output folder.

    Returns
    -------
    list of Path
        The files, in the order in which they were written.

    Raises
    ------
    OutputError
        A file cannot be written.

    Notes
    -----
    ``run.json`` comes first: whatever stops a run, the next one knows whose files these are.
    """
    tables: tuple[tuple[str, type, Sequence[Any], bool], ...] = (
        ("photos", PhotoReport, result.photos, False),
        ("measurements", Measurement, result.measurements, True),
        ("changes", Change, result.changes, True),
        ("comparisons", Comparison, result.comparisons, False),
        ("findings", Finding, result.findings, False),
        ("spots", Spot, result.spots, False),
    )
    files = [f"{name}.{kind}" for name, *_, both in tables for kind in (("csv", "parquet") if both else ("csv",))]
    written = [write_run(result, out, files=[*files, RECORD], complete=False)]
    for name, record, rows, also_parquet in tables:
        written.append(write_whole(out / f"{name}.csv", render_csv(record, rows)))
        if also_parquet:
            written.append(write_whole(out / f"{name}.parquet", render_parquet(record, rows)))
    return written


def render_csv(record: type, rows: Iterable[Any]) -> str:
    """Records as CSV text: one column a field, in the order of the fields; a figure by region is a column a region.

    Parameters
    ----------
    record : type
        The record's dataclass; gives the header even without rows.
    rows : iterable of that dataclass

    Returns
    -------
    str
        Numbers stay numbers, NaN and None are empty, flags are joined with ``;``, other series with ``; ``.

    Notes
    -----
    A text that a spreadsheet would run as a formula gets a leading apostrophe. The Parquet files hold it unchanged.
    """
    buffer = io.StringIO()
    plain = csv.writer(buffer, lineterminator="\n")
    quoting = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    names = list(_column_kinds(record))
    plain.writerow(names)
    for row in rows:
        cells = [_csv_cell(_value(row, name)) for name in names]
        # A lone carriage return is a line end for many readers, but the plain writer does not quote it.
        risky = any(isinstance(cell, str) and "\r" in cell for cell in cells)
        (quoting if risky else plain).writerow(cells)
    return buffer.getvalue()


def render_parquet(record: type, rows: Sequence[Any], *, without: Collection[str] = ()) -> bytes:
    """Records as a Parquet file with the same columns as the CSV, typed even without rows.

    Parameters
    ----------
    record : type
        The record's dataclass.
    rows : sequence of that dataclass
    without : collection of str
        Columns to leave out.

    Returns
    -------
    bytes
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = {"float": pa.float64(), "int": pa.int64(), "time": pa.timestamp("us"), "text": pa.string()}
    kinds = {name: kind for name, kind in _column_kinds(record).items() if name not in without}
    schema = pa.schema([(name, arrow[kind]) for name, kind in kinds.items()])
    columns = {name: [_typed(_value(row, name), kind) for row in rows] for name, kind in kinds.items()}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns, schema=schema), sink)
    return sink.getvalue()


def measurements_frame(result: ClientResult) -> "pd.DataFrame":
    """All measurements of a result as a tidy DataFrame: one row a region, metric and photo.

    Parameters
    ----------
    result : ClientResult

    Returns
    -------
    pandas.DataFrame
        Columns are the fields of :class:`~skinprogress.records.Measurement`; flags as text.
    """
    return _frame(Measurement, result.measurements)


def changes_frame(result: ClientResult) -> "pd.DataFrame":
    """All changes of a result as a tidy DataFrame: one row a region, metric and pair of sessions.

    Parameters
    ----------
    result : ClientResult

    Returns
    -------
    pandas.DataFrame
        Columns are the fields of :class:`~skinprogress.records.Change`; flags as text.
    """
    return _frame(Change, result.changes)


def write_run(result: ClientResult, out: Path, *, files: Sequence[str], complete: bool) -> Path:
    """Write ``run.json``: what is needed to reproduce a run, and which files it left.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Output folder.
    files : sequence of str
        Paths relative to `out` of the files that the run made; a later run clears these away and no others.
    complete : bool
        Whether every output has been written.

    Returns
    -------
    Path
    """
    record = {"complete": complete, **describe_run(result), "files": list(files)}
    return write_whole(out / RECORD, json.dumps(_plain(record), indent=2, ensure_ascii=False, allow_nan=False))


def describe_run(result: ClientResult) -> dict[str, Any]:
    """Settings, versions, inputs and the essentials of the plan; no location, no landmarks, no paths of the machine.

    Parameters
    ----------
    result : ClientResult

    Returns
    -------
    dict
        Plain values, but NaN and dates still as they are.
    """
    plan = result.plan
    # All but the px that were used, which would fill pages; the colour page shows them.
    colors = {
        file: {f.name: getattr(c, f.name) for f in dataclasses.fields(c) if f.name != "used"}
        for file, c in plan.corrections.items()
    }
    return {
        "client": result.client,
        "sessions": result.sessions,
        "settings": dataclasses.asdict(result.settings),
        "settings_hash": plan.settings_hash,
        "versions": result.versions,
        "inputs": [
            {"file": p.file, "sha256": p.sha256, "session": p.session, "status": p.status, "code": p.code}
            for p in result.photos
        ],
        "skipped": [{"file": file, "reason": reason} for file, reason in result.skipped],
        "plan": {
            "baseline": plan.baseline,
            "reference_of": plan.reference_of,
            "view_of": plan.view_of,
            "mm_per_px": plan.mm_per_px,
            "scale_relative_se": plan.scale_relative_se,
            "canonical_px": plan.canonical_px,
            "color": colors,
            "phases": {s: {"name": p.name, "days_after": p.days_after} for s, p in plan.phases.items()},
            "treatments": [dataclasses.asdict(t) for t in plan.course.treatments],
        },
        "notes": result.notes,
        "timings_s": result.timings_s,
    }


def _frame(record: type, rows: Sequence[Any]) -> "pd.DataFrame":
    import pandas as pd

    dtypes: dict[str, Any] = {"float": "float64", "int": "int64", "time": "datetime64[us]", "text": str}
    columns = {
        # Missing text is empty, not the word "None".
        name: pd.Series([_typed(_value(row, name), kind) for row in rows], dtype=dtypes[kind])
        for name, kind in _column_kinds(record).items()
    }
    return pd.DataFrame(columns)


def _column_kinds(record: type) -> dict[str, str]:
    """Column to ``float``, ``int``, ``time`` or ``text``, from the annotations of the record."""
    hints = typing.get_type_hints(record)
    kinds: dict[str, str] = {}
    for field in dataclasses.fields(record):
        if field.name.endswith(_BY_REGION):
            # The whole face has a column of its own.
            prefix = field.name.removesuffix(_BY_REGION)
            kinds |= {f"{prefix}_{region}": "float" for region in REGIONS if region != WHOLE_FACE}
        else:
            kinds[field.name] = _kind(hints[field.name])
    return kinds


def _value(row: Any, column: str) -> Any:
    """What stands in a column of a row; NaN for a region of which nothing is known."""
    if hasattr(row, column):
        return getattr(row, column)
    prefix, _, region = column.partition("_")
    return getattr(row, prefix + _BY_REGION).get(region, math.nan)


def _kind(hint: Any) -> str:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    if hint is float:
        return "float"
    if hint is int:
        return "int"
    return "time" if hint is datetime else "text"


def _typed(value: Any, kind: str) -> Any:
    if kind == "float":
        return math.nan if value is None else float(value)
    if kind == "int":
        return int(value)
    return value if kind == "time" else _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, enum.Flag):
        return str(value)
    if isinstance(value, tuple | list):
        return "; ".join(_text(part) for part in value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    # Undecodable bytes of a file name reach Python as lone surrogates, which no UTF-8 file can hold.
    return str(value).encode("utf-8", "backslashreplace").decode()


def _csv_cell(value: Any) -> str | int | float:
    if isinstance(value, float | np.floating):
        return "" if math.isnan(value) else float(value)
    if isinstance(value, int | np.integer) and not isinstance(value, bool | enum.Flag):
        return int(value)
    text = _text(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _plain(value: Any) -> Any:
    """`value` in what JSON knows: NaN and infinities become null, dates ISO text, flags their names."""
    if isinstance(value, dict):
        return {_text(key): _plain(part) for key, part in value.items()}
    if isinstance(value, enum.Flag):
        return _text(value)
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | np.integer):
        return value if not isinstance(value, np.integer) else int(value)
    return _text(value)
