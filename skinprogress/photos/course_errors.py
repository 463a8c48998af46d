"""Errors of ``course.toml`` in words: which line, which key, what is wrong, how to put it right."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, get_args

from pydantic import BaseModel, ValidationError

from skinprogress.errors import CourseFileError
from skinprogress.photos.scan import one_line
from skinprogress.photos.suggestions import did_you_mean

_HEADER = re.compile(r"^\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_EXAMPLES = {"at": "at = 2026-03-14T15:30", "name": 'name = "scar on chin"', "photo": 'photo = "IMG_0003.jpg"'}
_ARRAYS = ("treatments", "marks")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake; ``key`` is its path in the file, with indices counted from 0."""

    key: tuple[str | int, ...]
    reason: str
    remedy: str


def raise_problems(path: Path, text: str, problems: list[Problem]) -> NoReturn:
    """Tell all mistakes at once, one a line.

    Raises
    ------
    CourseFileError
        Always.
    """
    name = one_line(str(path))
    told = [(f"{_line_of(problem.key, text)}{_key_path(problem.key)}", problem) for problem in problems]
    if len(told) == 1:
        where, problem = told[0]
        raise CourseFileError(f"{name}, {where}: {problem.reason}", problem.remedy)
    lines = [f"  {where}: {problem.reason}: {problem.remedy}" for where, problem in told]
    raise CourseFileError("\n".join([f"{name} has {len(told)} mistakes", *lines]))


def from_toml_error(path: Path, text: str, error: tomllib.TOMLDecodeError) -> CourseFileError:
    """A mistake in the writing of the file itself, with its line and what it most likely is."""
    lines = text.split("\n")
    match = re.search(r"at line (\d+)", str(error))
    # "at end of document": the last line that holds anything.
    number = int(match[1]) if match else max((i for i, line in enumerate(lines, 1) if line.strip()), default=1)
    line = lines[min(number, len(lines)) - 1].strip()
    what = re.sub(r" \(at .*\)$", "", str(error))
    reason = f"{one_line(str(path))}, line {number}: {one_line(line)!r} is not understood ({what})"
    return CourseFileError(reason, _toml_remedy(line, what))


def from_validation_error(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """The mistakes that pydantic found, in plain words."""
    problems = []
    for found in error.errors():
        # Names of union branches and validators are no keys of the file.
        key = _real_key(found["loc"])
        problems.append(_to_problem(key, dict(found), _fields_of(model, key[:-1])))
    return problems


def _to_problem(key: tuple[str | int, ...], found: dict[str, Any], fields: list[str]) -> Problem:
    kind, value, context = found["type"], found["input"], found.get("ctx", {})
    last = str(key[-1]) if key else ""
    if kind == "course":
        return Problem(key, context["reason"], context["remedy"])
    if kind == "extra_forbidden":
        suggestion = did_you_mean(last, fields)
        listed = "the only key is" if len(fields) == 1 else "the keys are"
        return Problem(key, f"there is no key {last!r} here", f"{suggestion}{listed} {', '.join(fields)}")
    if kind == "missing":
        return Problem(key, f"{last!r} is missing", f"add a line {_EXAMPLES.get(last, last + ' = …')}")
    if kind == "literal_error":
        choices = [word for word in re.findall(r"'([^']*)'", context["expected"]) if word]
        remedy = f"{did_you_mean(str(value), choices)}write {_either(choices)}"
        return Problem(key, f"{value!r} is not possible", remedy)
    if kind in ("tuple_type", "list_type") and key and key[-1] in _ARRAYS:
        return Problem(key, f"{last} must be a list", f"write its header with two brackets, [[{last}]]")
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return Problem(key, f"{last} must be a table", _header_remedy(key))
    if kind == "string_type":
        return Problem(key, f"{value!r} is no text", "put it in quotes")
    if kind in ("tuple_type", "list_type"):
        return Problem(key, f"{value!r} is no list", 'write a list of texts, such as ["one", "two"]')
    if kind.startswith("int"):
        return Problem(key, f"{value!r} is no whole number", "write a whole number without quotes")
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
        return Problem(key, f"{value!r} is out of range", f"write a whole number of {bound}")
    return Problem(key, f"{value!r} is wrong ({found['msg']})", "correct it, or take the line out")


def _real_key(loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    depth = {"treatments": 3, "marks": 3, "photos": 3}.get(str(loc[0]) if loc else "", 2)
    kept = list(loc[:depth])
    # Inside a list of texts the position helps: aim[2].
    if len(loc) > depth and isinstance(loc[depth], int):
        kept.append(loc[depth])
    return tuple(kept)


def _fields_of(model: type[BaseModel], key: tuple[str | int, ...]) -> list[str]:
    """Names of the keys that may stand in the table at `key`."""
    if not key:
        return list(model.model_fields)
    field = model.model_fields.get(str(key[0]))
    candidates = [] if field is None else [field.annotation, *get_args(field.annotation)]
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return list(candidate.model_fields)
    return []


def _key_path(key: tuple[str | int, ...]) -> str:
    """``treatments[2].at``, counted from 1 as people do; quotes around names of photos."""
    path = ""
    for part in key:
        if isinstance(part, int):
            path += f"[{part + 1}]"
        else:
            shown = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{one_line(part)}"'
            path += f".{shown}" if path else shown
    return path


def _line_of(key: tuple[str | int, ...], text: str) -> str:
    """``line 12, `` for a key, found by reading headers and keys line by line; nothing where it is not found."""
    header, count, best = "", dict.fromkeys(_ARRAYS, -1), 0
    table, index = (str(key[0]) if key else ""), (key[1] if len(key) > 1 and isinstance(key[1], int) else None)
    name = str(key[-1]) if key and not isinstance(key[-1], int) else str(key[-2]) if len(key) > 1 else ""
    for number, line in enumerate(text.split("\n"), start=1):
        if match := _HEADER.match(line):
            header = match[2]
            if header in count:
                count[header] += 1
            inside = _is_header_of(header, key) and (index is None or count.get(header) == index)
            if inside and not best:
                best = number
            continue
        inside = _is_header_of(header, key) and (index is None or count.get(header) == index)
        if (inside or (not header and len(key) == 1)) and re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*[=.]", line):
            return f"line {number}, "
        if not best and re.match(rf"\s*{re.escape(table)}\s*[=.]", line):
            best = number
    return f"line {best}, " if best else ""


def _is_header_of(header: str, key: tuple[str | int, ...]) -> bool:
    if not key:
        return False
    if key[0] == "photos" and len(key) > 1:
        parts = header.partition(".")
        try:
            read = tomllib.loads(f"k = {parts[2]}" if parts[2][:1] in "\"'" else f'k = "{parts[2]}"')["k"]
        except tomllib.TOMLDecodeError:
            return False
        return parts[0].strip() == "photos" and read == key[1]
    return header == key[0]


def _header_remedy(key: tuple[str | int, ...]) -> str:
    if len(key) == 1:
        return f"write [{key[0]}] on a line of its own, with one bracket, and its keys below"
    return f'write [{key[0]}."IMG_0003.jpg"] on a line of its own and its keys below'


def _either(choices: list[str]) -> str:
    quoted = [f'"{choice}"' for choice in choices]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _toml_remedy(line: str, what: str) -> str:
    value = line.partition("=")[2].strip()
    if re.search(r"[“”„‘’]", line):
        return 'use straight quotes (") instead of curly ones'
    if value.lower() in ("yes", "no", "true", "false"):
        return "write true or false in lower case"
    if re.match(r"\d+,\d+", value):
        return "write decimals with a point, such as 1.5"
    if re.match(r"\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}[-./]\d", value):
        return "write dates as 2026-03-14, with a time as 2026-03-14T15:30"
    if "escape" in what or "\\" in value:
        return "write / instead of \\ in paths"
    if "Cannot overwrite" in what or "Cannot declare" in what:
        return "a key or header stands twice: keep one of them ([[treatments]] and [[marks]] may repeat)"
    if re.match(r"[A-Za-z]", value):
        return "put text in quotes"
    if line and "=" not in line and not line.startswith("["):
        return "write key = value, or put # before it to make it a comment"
    return 'check quotes, brackets and commas in this line; texts stand in "quotes"'
