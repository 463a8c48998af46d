"""The calibration file: a clinic's own session errors, written by ``skinprogress calibrate`` and read back."""

import json
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, get_args

from skinprogress.errors import UsageError
from skinprogress.metrics.table import METRICS
from skinprogress.photos.scan import one_line
from skinprogress.photos.suggestions import did_you_mean
from skinprogress.settings import Calibration, LightChoice, Repeatability

FORMAT = 1
"""Of the file; another one is not read."""

_AGAIN = "make the file again with `skinprogress calibrate`"
_MOST = 1e6
_SCALES = ("unit", "value", "root")
_ERRORS = tuple(field.name for field in fields(Repeatability) if field.name != "scale")
_HEAD = """\
# How far comparisons differ when nothing changed, measured on photos of one's own by `skinprogress calibrate`.
# Use it with `skinprogress run … --calibration FILE`. One table for each metric, first as photographed (raw), then with
# the difference of light taken out (compensated): the standard error of one session, and of a difference per unit of
# what two photos can differ in; in the metric's unit, or in shares of its value or of the root of it (scale).
"""


def format_calibration(calibration: Calibration) -> str:
    """The text of a calibration file, TOML.

    Parameters
    ----------
    calibration : Calibration

    Returns
    -------
    str
        :func:`read_calibration` gives the same calibration back, with figures of four digits.
    """
    lines = [
        _HEAD,
        f"format = {FORMAT}",
        # JSON's strings are TOML's, once nothing but ASCII is in them.
        f"name = {json.dumps(calibration.name)}",
        f"made_from = {json.dumps(calibration.made_from)}",
    ]
    for light in get_args(LightChoice)[::-1]:
        for metric, row in getattr(calibration, light).items():
            lines += ["", f"[{light}.{metric}]", f"metric_version = {METRICS[metric].version}"]
            figures = ((name, getattr(row, name)) for name in _ERRORS)
            lines += [f"{name} = {float(f'{size:.4g}')!r}" for name, size in figures if size or name == "session"]
            lines += [f'scale = "{row.scale}"'] * (row.scale != "unit")
    return "\n".join(lines) + "\n"


def read_calibration(path: Path) -> Calibration:
    """Read and check a calibration file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Calibration

    Raises
    ------
    UsageError
        The file is missing, is no TOML, was made by another version, or holds a wrong value; the message names file,
        key, value and the fix.
    """
    name = one_line(str(path))
    try:
        with path.open("rb") as file:
            found = tomllib.load(file)
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(
            f"the calibration file {name} cannot be read ({why})", f"check its name, or {_AGAIN}"
        ) from error
    except (ValueError, RecursionError) as error:  # of TOML, text that is no UTF-8, and brackets without end
        raise UsageError(f"{name} is no calibration file ({one_line(str(error))})", _AGAIN) from error
    return _Reader(name).calibration(found)


class _Reader:
    """Checks what stands in one file."""

    def __init__(self, file: str) -> None:
        self.file = file

    def calibration(self, found: dict[str, Any]) -> Calibration:
        if found.get("format") != FORMAT:
            told = f"format = {found['format']!r}" if "format" in found else "no key 'format'"
            self._fail(f"{told}, and this program reads format {FORMAT}", _AGAIN)
        keys = ("format", "name", "made_from", *get_args(LightChoice))
        self._known(found, keys, "")
        for key in ("name", "made_from"):
            if not isinstance(found.get(key), str):
                told = f"{key} = {found[key]!r} is no text" if key in found else f"{key!r} is missing"
                self._fail(told, f'add a line {key} = "…" above the first table')
        tables = {light: self._rows(found.get(light, {}), light) for light in get_args(LightChoice)}
        if not tables["raw"]:
            self._fail("there is no table [raw.METRIC]", _AGAIN)
        return Calibration(name=found["name"], made_from=found["made_from"], **tables)

    def _rows(self, found: object, light: str) -> dict[str, Repeatability]:
        if not isinstance(found, dict):
            self._fail(f"{light} = {found!r} is no table", f"write tables [{light}.METRIC]")
        self._known(found, tuple(METRICS), light)
        return {metric: self._row(row, metric, f"{light}.{metric}") for metric, row in found.items()}

    def _row(self, found: object, metric: str, where: str) -> Repeatability:
        if not isinstance(found, dict):
            self._fail(f"{where} = {found!r} is no table", f"write a table [{where}] with session = …")
        self._known(found, ("metric_version", *_ERRORS, "scale"), where)
        for key in ("metric_version", "session"):
            if key not in found:
                self._fail(f"{where}.{key} is missing", f"add a line {key} = … below [{where}], or {_AGAIN}")
        if found["metric_version"] != METRICS[metric].version:
            self._fail(
                f"{where}.metric_version = {found['metric_version']!r}, and this program measures version "
                f"{METRICS[metric].version}",
                _AGAIN,
            )
        sizes = {key: self._size(found[key], f"{where}.{key}") for key in _ERRORS if key in found}
        scale = found.get("scale", "unit")
        if scale not in _SCALES:
            self._fail(f"{where}.scale = {scale!r}", f"write one of {', '.join(_SCALES)}")
        return Repeatability(**sizes, scale=scale)

    def _size(self, value: object, where: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < _MOST:
            self._fail(f"{where} = {value!r} is no standard error", "write a number of 0 or more")
        if value == 0.0 and where.endswith(".session"):
            self._fail(f"{where} = {value!r}: two photos never agree to the last digit", f"write more, or {_AGAIN}")
        return float(value)

    def _known(self, found: dict[str, Any], keys: tuple[str, ...], where: str) -> None:
        for key in found:
            if key not in keys:
                what = "metric" if keys == tuple(METRICS) else "key"
                listed = "see `skinprogress metrics`" if what == "metric" else f"the keys are {', '.join(keys)}"
                place = f"{where}.{key}" if where else key
                self._fail(f"there is no {what} {place!r}", f"{did_you_mean(key, list(keys))}{listed}")

    def _fail(self, reason: str, remedy: str) -> NoReturn:
        raise UsageError(f"{self.file}: {one_line(reason)}", remedy)
