"""All words of the page stand in the catalogue, every one of them is used, and none is left in a template."""

import re
from importlib import resources
from pathlib import Path

import pytest

from skinprogress.outputs.catalogue import has_text, strings, text

OUTPUTS = Path(str(resources.files("skinprogress.outputs")))
TEMPLATES = sorted((OUTPUTS / "templates").rglob("*.jinja"))
SOURCES = [path for path in sorted(OUTPUTS.rglob("*.py")) if path.name != "catalogue.py"]
SPOKEN = ("alt", "aria-label", "title", "placeholder", "aria-description")


def _keys_asked_for() -> tuple[set[str], set[str]]:
    """Keys that templates and modules name whole, and beginnings of keys that they complete."""
    whole: set[str] = set()
    begun: set[str] = set()
    for path in (*TEMPLATES, *SOURCES):
        code = path.read_text("utf-8")
        if path.suffix == ".jinja":
            code = " ".join(re.findall(r"\{[{%].*?[%}]\}", code, re.DOTALL))
        quoted = re.findall(r"""["']([a-z_]+(?:\.[A-Za-z_]+)*\.?)(\{)?""", code)
        whole |= {key for key, gap in quoted if "." in key and not key.endswith(".") and not gap}
        begun |= {key for key, _ in quoted if key.endswith(".")}
    return whole, begun


def test_every_key_that_is_asked_for_is_there() -> None:
    tables = {key.split(".")[0] for key in strings()}
    called = set()
    for path in (*TEMPLATES, *SOURCES):
        called |= set(
            re.findall(r"""\b(?:t|text)\(\s*["']([a-z_]+\.[A-Za-z_.]*[A-Za-z_])["']\s*[,)]""", path.read_text("utf-8"))
        )
    assert len(called) > 100
    assert {key for key in called if key.split(".")[0] in tables} == called
    assert {key for key in called if not has_text(key)} == set()


def test_every_string_is_used() -> None:
    whole, begun = _keys_asked_for()
    unused = {key for key in strings() if key not in whole and not any(key.startswith(b) for b in begun)}
    assert unused == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_no_words_are_left_in_a_template(path: Path) -> None:
    code = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    spoken = re.findall(rf'\b(?:{"|".join(SPOKEN)})="([^"]*)"', code)
    seen = re.sub(r"<!doctype html>|<(script|style).*?</\1>|<[^>]*>", " ", code, flags=re.DOTALL)
    assert [words for words in (*spoken, seen) if re.search("[A-Za-z]", words.replace(" v", ""))] == []


def test_a_missing_string_or_value_is_an_error() -> None:
    for key, values in (
        ("photos.no_such_key", {}),
        ("page.view", {}),
        ("page.view", {"view": "front", "mood": "good"}),
        ("top.sessions", {}),
        ("lead.short", {"n": 3}),
    ):
        with pytest.raises(KeyError):
            text(key, **values)


def test_forms_follow_the_number() -> None:
    assert [text("photos.hidden", n=n).split()[-1] for n in (0, 1, 2)] == ["photos", "photo", "photos"]
