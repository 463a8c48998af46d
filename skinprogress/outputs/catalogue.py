"""The words of the report: one catalogue of strings, looked up by key."""

import string
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

_FORMS = {"one", "other"}


class _Strict(string.Formatter):
    """Fills in values; one that no gap asks for is as wrong as one that is missing."""

    def check_unused_args(self, used_args: set[int | str], args: Any, kwargs: Mapping[str, Any]) -> None:
        if extra := sorted(set(kwargs) - {str(name) for name in used_args}):
            raise KeyError(f"no gap for {', '.join(extra)}")


def text(key: str, /, **values: object) -> str:
    """A string of the report, with its gaps filled.

    Parameters
    ----------
    key : str
        Table and name in ``templates/strings.en.toml``: ``photos.title``.
    **values
        What fills the gaps ``{name}`` of the string. A string with the forms ``one`` and ``other`` takes its number
        as ``n``.

    Returns
    -------
    str

    Raises
    ------
    KeyError
        There is no such string, or its gaps and the values do not match.

    Examples
    --------
    >>> text("top.sessions", n=1), text("top.sessions", n=3)
    ('1 session', '3 sessions')
    """
    form = strings()[key]
    if isinstance(form, str):
        return _Strict().vformat(form, (), values)
    chosen = form["one" if values["n"] == 1 else "other"]
    # One of the forms may do without its number.
    return _Strict().vformat(chosen, (), {k: v for k, v in values.items() if k != "n" or "{n}" in chosen})


def has_text(key: str) -> bool:
    """Tell whether the catalogue knows a string."""
    return key in strings()


@lru_cache(maxsize=1)
def strings() -> dict[str, str | dict[str, str]]:
    """Every string of the catalogue by its whole key; those that follow a number as its two forms."""
    raw = resources.files("skinprogress.outputs").joinpath("templates", "strings.en.toml").read_text("utf-8")
    return dict(_flat(tomllib.loads(raw), ""))


def _flat(table: Mapping[str, Any], prefix: str) -> Any:
    for name, value in table.items():
        if isinstance(value, dict) and set(value) != _FORMS:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
