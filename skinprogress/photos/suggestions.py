"""The nearest known word to one that is not known."""

import difflib
import re
from collections.abc import Iterable


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice most like `word`, whatever the case and the order of its parts, or None.

    >>> nearest("left_cheek", ["cheek_left", "chin"])
    'cheek_left'
    """
    by_form: dict[str, str] = {}
    for choice in choices:
        by_form.setdefault(choice.casefold(), choice)
        by_form.setdefault(_sorted_parts(choice), choice)
    if same_parts := by_form.get(_sorted_parts(word)):
        return same_parts
    for form in (word.casefold(), _sorted_parts(word)):
        if found := difflib.get_close_matches(form, by_form, n=1, cutoff=0.6):
            return by_form[found[0]]
    return None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """``did you mean 'x'? `` with a space behind it, or nothing."""
    found = nearest(word, choices)
    return f"did you mean {found!r}? " if found else ""


def _sorted_parts(word: str) -> str:
    return " ".join(sorted(re.findall(r"[^\W_]+", word.casefold())))
