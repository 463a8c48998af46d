"""The report on paper: A4, with what is folded on the screen; a browser that is missing is told."""

import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from skinprogress.outputs import pdf as pdf_module
from skinprogress.outputs.pdf import find_browser, print_pdf

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
A4_POINTS = (595, 842)


class _Paper:
    """A PDF of Chromium: its pages' sizes, and the words on each."""

    def __init__(self, data: bytes) -> None:
        self._objects = {int(n): body for n, body in re.findall(rb"\n(\d+) 0 obj\b(.*?)\bendobj", data, re.DOTALL)}
        self._letters = {
            number: dict(self._letters_of(self._stream(int(found[1]))))
            for number, body in self._objects.items()
            if (found := re.search(rb"/ToUnicode (\d+) 0 R", body))
        }
        pages = [body for body in self._objects.values() if re.search(rb"/Type\s*/Page\b", body)]
        boxes = [re.search(rb"/MediaBox\s*\[([^\]]*)\]", body) for body in pages]
        self.sizes = {tuple(round(float(x)) for x in box[1].split()[2:]) for box in boxes if box}
        self.pages = [" ".join("".join(self._words(body)).split()) for body in pages]
        # Letters that are drawn as one: "ﬁ" is "fi".
        self.text = " ".join(self.pages).replace("ﬁ", "fi").replace("ﬂ", "fl").replace("ﬀ", "ff")

    def _stream(self, number: int) -> bytes:
        found = re.search(rb"stream\r?\n(.*)\r?\nendstream", self._objects[number], re.DOTALL)
        assert found is not None
        return zlib.decompress(found[1]) if b"FlateDecode" in self._objects[number] else found[1]

    @staticmethod
    def _letters_of(table: bytes) -> Iterator[tuple[int, str]]:
        """Number of a shape of a font to its letters."""
        for block in re.findall(rb"beginbfchar(.*?)endbfchar", table, re.DOTALL):
            for code, text in re.findall(rb"<(\w+)>\s*<(\w+)>", block):
                yield int(code, 16), bytes.fromhex(text.decode()).decode("utf-16-be")
        for block in re.findall(rb"beginbfrange(.*?)endbfrange", table, re.DOTALL):
            for low, high, first in re.findall(rb"<(\w+)>\s*<(\w+)>\s*<(\w+)>", block):
                for k in range(int(low, 16), int(high, 16) + 1):
                    yield k, chr(int(first, 16) + k - int(low, 16))

    def _words(self, page: bytes) -> Iterator[str]:
        fonts = {name: int(number) for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", page)}
        contents = re.search(rb"/Contents\s*(\[[^\]]*\]|\d+ 0 R)", page)
        assert contents is not None
        letters: dict[int, str] = {}
        for number in re.findall(rb"(\d+) 0 R", contents[1]):
            drawn = re.findall(rb"/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)>|\b(ET)\b", self._stream(int(number)))
            for font, codes, end in drawn:
                if font:
                    letters = self._letters.get(fonts[font], {})
                elif end:
                    yield " "
                yield from (letters.get(int(codes[k : k + 4], 16), "?") for k in range(0, len(codes), 4))


def _letters_only(text: str) -> str:
    """Lines break anywhere on paper."""
    return "".join(text.split())


def test_prints_to_clean_pages(open_page: "Callable[..., Page]", reports: Any, tmp_path: Path) -> None:
    page = open_page(reports["clinician"])
    folded = page.locator("details:not([open])").count()
    headline = page.locator("h1").text_content() or ""
    paper = _Paper(page.pdf(prefer_css_page_size=True))
    assert paper.sizes == {A4_POINTS}
    assert len(paper.pages) > 1
    assert _letters_only(headline) in _letters_only(paper.pages[0])
    assert "Not a medical device" in paper.text
    # The screen is as it was before.
    assert page.locator("details:not([open])").count() == folded > 0


def test_the_program_prints_with_the_chromium_that_is_there(chromium: str, reports: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    # With its pictures in files beside it: they are on paper too.
    assert print_pdf(reports["assets"], path, browser=Path(chromium)) == ""
    paper = _Paper(path.read_bytes())
    assert paper.sizes == {A4_POINTS}
    assert "Not a medical device" in paper.text
    assert "file://" not in paper.text
    assert path.read_bytes().count(b"/Subtype /Image") > 5
    assert [p.name for p in tmp_path.iterdir()] == ["report.pdf"]


def test_a_missing_browser_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(pdf_module.sys, "platform", "linux")
    assert find_browser() is None
    said = print_pdf(tmp_path / "report.html", tmp_path / "report.pdf")
    assert "Chromium" in said and "install" in said.lower()
    assert list(tmp_path.iterdir()) == []


def test_a_browser_that_fails_leaves_no_pdf(tmp_path: Path) -> None:
    broken = tmp_path / "browser"
    broken.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    broken.chmod(0o755)
    pdf = tmp_path / "report.pdf"
    assert "browser" in print_pdf(tmp_path / "report.html", pdf, browser=broken)
    assert not pdf.exists()
