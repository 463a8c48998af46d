"""A report with its pictures beside it, on paper, and what a reader finds their way by."""

import dataclasses
import json
import re
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinprogress.outputs import pdf
from skinprogress.outputs.change_keys import draw_color_bar
from skinprogress.outputs.chart_files import save_chart
from skinprogress.outputs.files import write_whole
from skinprogress.outputs.once import drawing_once, once
from skinprogress.outputs.pictures import Pictures
from skinprogress.outputs.report import render_report, write_report
from skinprogress.outputs.sheet import Sheet
from skinprogress.outputs.style import change_colormap
from skinprogress.outputs.table import OUTPUTS, write_outputs
from skinprogress.records import ClientResult
from skinprogress.settings import OutputOptions

Fake = Callable[..., ClientResult]
FEW = {"metrics": ("redness",), "regions": ("forehead", "face")}
ASSETS = OutputOptions(assets=True)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No charts, which take seconds."""
    monkeypatch.setitem(OUTPUTS, "charts", dataclasses.replace(OUTPUTS["charts"], write=lambda result, out: []))


def _sources(html: str) -> set[str]:
    return set(re.findall(r'<img[^>]* src="([^"]*)"', html))


def test_pictures_lie_beside_the_report_under_safe_names(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, folder=tmp_path / "photos", client='<b>"../evil', **FEW)
    report, *files = write_report(result, tmp_path, options=ASSETS)
    html = report.read_text("utf-8")
    assert _sources(html) <= {f"report_files/{p.name}" for p in files} and len(files) > 5
    assert all(p.is_file() and re.fullmatch(r"[0-9a-f]{16}\.(webp|png)", p.name) for p in files)
    assert len({p.name for p in files}) == len(files)
    assert "data:image" not in html
    policy = re.search(r'Security-Policy" content="([^"]*)"', html)
    assert policy is not None and "img-src &#39;self&#39;;" in policy[1] and "file:" not in policy[1]
    # The same pictures have the same names.
    assert write_report(result, tmp_path, options=ASSETS)[1:] == files


def test_the_next_run_clears_pictures_of_ours_and_leaves_those_of_others(
    fake_result: Fake, tmp_path: Path, quick: None
) -> None:
    out, result = tmp_path / "out", fake_result(2, folder=tmp_path / "photos", **FEW)
    write_outputs(result, out, options=ASSETS)
    folder = out / "report_files"
    listed = set(json.loads((out / "run.json").read_text("utf-8"))["files"])
    assert {f"report_files/{p.name}" for p in folder.iterdir()} <= listed
    mine = write_whole(folder / "holiday.webp", b"x")
    write_outputs(result, out)
    assert list(folder.iterdir()) == [mine]
    assert _sources((out / "report.html").read_text("utf-8"))


def test_without_a_browser_only_the_pdf_is_missing(
    fake_result: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "find_browser", lambda: None)
    with pytest.warns(UserWarning, match="no Chromium, Chrome or Edge was found"):
        written = write_report(fake_result(1, **FEW), tmp_path, options=OutputOptions(pdf=True))
    assert [p.name for p in written] == ["report.html"]


def _browser(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="a shell stands for the browser")
@pytest.mark.parametrize("script", ["exit 0", "(sleep 0.7; touch late) & wait", None])
def test_a_browser_that_fails_leaves_no_pdf_and_no_process_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None
) -> None:
    monkeypatch.setattr(pdf, "_TIMEOUT_S", 0.2)
    monkeypatch.chdir(tmp_path)
    browser = tmp_path / "chrome" if script is None else _browser(tmp_path / "chrome", script)
    page = write_whole(tmp_path / "report.html", "<p>")
    assert "chrome could not print the page" in pdf.print_pdf(page, tmp_path / "report.pdf", browser=browser)
    assert not (tmp_path / "report.pdf").exists()
    if script is not None and "late" in script:
        time.sleep(0.8)  # what a process that was left behind would need
        assert not (tmp_path / "late").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a shell stands for the browser")
def test_the_browser_is_kept_from_network_and_profile(tmp_path: Path) -> None:
    save = 'case "$a" in --print-to-pdf=*) printf "%%PDF-1.4 made" > "${a#*=}";; esac'
    browser = _browser(tmp_path / "chromium", f'for a; do echo "$a" >> "$0.seen"; {save}; done')
    page = write_whole(tmp_path / "a folder" / "report.html", "<p>")
    assert pdf.print_pdf(page, tmp_path / "report.pdf", browser=browser) == ""
    assert (tmp_path / "report.pdf").read_bytes() == b"%PDF-1.4 made"
    seen = (tmp_path / "chromium.seen").read_text().splitlines()
    profile = next(c.split("=", 1)[1] for c in seen if c.startswith("--user-data-dir="))
    assert not Path(profile).exists() and str(Path.home()) not in profile
    assert "--host-resolver-rules=MAP * ~NOTFOUND" in seen and seen[-1].startswith("file:///")


def test_sections_have_names_that_the_contents_lead_to(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(3, folder=tmp_path / "photos", **FEW)
    for audience in ("clinician", "client"):
        html = render_report(result, tmp_path, options=OutputOptions(audience=audience))
        nav = re.search(r"<nav.*?</nav>", html, re.DOTALL)
        assert nav is not None
        led_to = re.findall(r'href="#([^"]+)"', nav[0])
        sections = re.findall(r'<section id="([^"]+)"[^>]* aria-labelledby="([^"]+)"', html)
        assert led_to == [name for name, _ in sections] and len(led_to) == len(set(led_to)) > 3
        ids = re.findall(r'\bid="([^"]+)"', html)
        assert len(ids) == len(set(ids)) and {label for _, label in sections} <= set(ids)
        assert html.index('class="skip" href="#main"') < html.index("<nav") < html.index('<main id="main"')
        levels = [int(level) for level in re.findall(r"<h([1-6])", html)]
        assert levels.count(1) == 1 and all(b <= a + 1 for a, b in pairwise(levels))


def test_rejected_photos_are_shown_where_they_can_be(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, folder=tmp_path, **FEW)
    row = next(p for p in result.photos if p.status == "rejected")

    def rejected() -> str:
        return render_report(result, tmp_path).split('class="rejected"')[1].split("</table>")[0]

    assert "<img" not in rejected()
    (tmp_path / row.file).parent.mkdir(exist_ok=True)
    Image.fromarray(np.full((300, 400, 3), 120, np.uint8)).save(tmp_path / row.file)
    assert "No face was found in the photo." in rejected() and rejected().count("<img") == 1
    (tmp_path / row.file).write_bytes((tmp_path / row.file).read_bytes()[:200])
    assert "<img" not in rejected()


def test_what_users_write_is_never_taken_for_a_picture(tmp_path: Path) -> None:
    with Pictures(tmp_path) as pictures:
        held = pictures.embed(np.zeros((4, 4, 3), np.uint8))
        page = pictures.fill(f'picture-0- picture-00-0- <img src="{held}">')
    assert page.startswith('picture-0- picture-00-0- <img src="data:image/webp;base64,')


def test_drawings_stay_sharp_and_keep_the_colours_of_their_key(tmp_path: Path) -> None:
    sheet = Sheet(400.0, 200.0, title="A chart", about="whose bar of colours covers few px")
    draw_color_bar(sheet, 300.0, sheet.bottom + 10.0, 150.0, better="lower", limit=1.0, decimals=1)
    for k in range(600):  # many colours of larger areas
        sheet.box(20 + k % 30 * 8, sheet.bottom + k // 30 * 8, 8, 8, fill=(k % 30 / 60, k // 30 / 40, 0.3))
    save_chart(sheet.finish(), tmp_path / "chart")
    with Pictures(tmp_path, assets=True) as pictures:
        pictures.fill(pictures.embed(tmp_path / "chart.png", max_side=300))
        with Image.open(pictures.files[0]) as kept:
            assert kept.format == "PNG"
            shown = np.unique(np.asarray(kept.convert("RGB")).reshape(-1, 3), axis=0).astype(float)
    for end in (-1.0, 1.0):
        wanted = 255 * np.array(change_colormap("lower")(0.5 + 0.48 * end)[:3])
        assert np.linalg.norm(shown - wanted, axis=1).min() < 16


def test_what_several_outputs_show_is_drawn_once() -> None:
    calls: list[int] = []

    @once
    def draw(number: int) -> list[int]:
        calls.append(number)
        return [number]

    assert draw(1) is not draw(1)
    with drawing_once():
        assert draw(2) is draw(2) and draw(3) == [3]
    draw(2)
    assert calls == [1, 1, 2, 3, 2]
