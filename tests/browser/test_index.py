"""The page of all clients in a real browser: from disk, offline, by mouse and by keyboard."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from skinprogress.batch.index_page import write_index
from skinprogress.batch.records import ClientSummary
from skinprogress.records import Rejection

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]
pytestmark = pytest.mark.browser
HERE = Path(__file__).parent
UNFOLD = "() => document.querySelectorAll('details').forEach((part) => { part.open = true; })"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of five clients with one of everything."""
    out = tmp_path_factory.mktemp("batch")
    thumbnails = []
    for name in ("first", "last"):
        path = out / "clients" / "Jörg #1" / "thumbnails" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imencode(".jpg", np.full((160, 124, 3), 128, np.uint8))[1].tofile(path)
        thumbnails.append(path.relative_to(out).as_posix())
    (out / "clients" / "Jörg #1" / "report.html").write_text("<title>the report of Jörg</title>", "utf-8")
    common = {"report": "clients/x/report.html", "first_session": "2026-03-14", "n_sessions": 2}
    rejected = Rejection(file="a.jpg", session="", code="blurred", reason="a.jpg is blurred", remedy="hold still")
    clients = [
        ClientSummary(client="Client 10", status="compared", headline="Redder.", grade="C", n_used=12, n_rejected=1,
                      rejected=(rejected,), last_session="2026-06-01", pictures={"a": "1"}, **common),
        ClientSummary(client="Client 9", status="compared", headline="Smoother.", grade="A", n_used=9,
                      last_session="2026-09-01", pictures={"b": "1"}, other_person=("c.jpg",), **common),
        ClientSummary(client="Jörg #1", status="one session", headline="The first session.", n_used=100,
                      thumbnails=tuple(thumbnails), **(common | {"report": "clients/Jörg #1/report.html"})),
        ClientSummary(client="<b>Anna</b>", status="failed", reason="no photo can be used", remedy="take new ones"),
        ClientSummary(client="L" + "ong" * 66, status="compared", grade="F", n_used=2, **common),
    ]  # fmt: skip
    return write_index(out, clients, notes=["a link was not followed"], strays=["x.jpg"], gone=["Client 9"])


def _names(page: "Page") -> list[str]:
    """First letters of the clients that are shown, from the top."""
    return [name[:9].strip() for name in page.locator("tbody th:visible").all_inner_texts()]


def test_sorts_finds_and_filters(open_page: Open, index: Path) -> None:
    page = open_page(index, width=1400)
    assert _names(page) == ["<b>Anna</", "Client 9", "Client 10", "Jörg #1", "Longongon"]
    used = page.get_by_role("button", name="Photos used")
    used.focus()
    page.keyboard.press("Enter")
    assert _names(page) == ["<b>Anna</", "Longongon", "Client 9", "Client 10", "Jörg #1"]
    assert page.get_by_role("columnheader", name="Photos used").get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Space")
    assert _names(page)[0] == "Jörg #1"
    assert page.locator("[aria-sort]").count() == 1
    # Who has no grade comes last, both ways.
    page.get_by_role("button", name="Grade").click()
    assert _names(page)[:3] == ["Client 9", "Client 10", "Longongon"]
    page.get_by_role("button", name="Grade").click()
    assert _names(page)[:3] == ["Longongon", "Client 10", "Client 9"]

    page.get_by_label("Find a client").fill("jorg")
    assert _names(page) == ["Jörg #1"]
    assert page.get_by_role("status").inner_text() == "1 of 5 shown"
    page.get_by_label("Find a client").fill("BLURRED client")  # a reason of a rejected photo, which is folded away
    assert _names(page) == ["Client 10"] and page.locator("[data-of]:visible").count() == 1
    page.get_by_label("Find a client").fill("nobody")
    assert "No client fits" in page.get_by_role("status").inner_text()
    assert page.locator("[data-of]:visible").count() == 0
    page.get_by_label("Find a client").fill("")
    page.get_by_label("Failed").check(force=True)
    assert _names(page) == ["<b>Anna</"]
    page.keyboard.press("ArrowLeft")
    assert set(_names(page)) == {"<b>Anna</", "Client 9", "Client 10", "Longongon"}  # the last cannot be compared


def test_can_be_used_by_everybody_and_leads_to_the_reports(open_page: Open, index: Path) -> None:
    page = open_page(index, width=400, reduced_motion="reduce")
    page.keyboard.press("Tab")
    page.evaluate(UNFOLD)
    check = (HERE / "accessibility.js").read_text("utf-8")
    assert page.evaluate(check) == {}
    for width in (320, 768, 1400):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate((HERE / "width.js").read_text("utf-8")) == []
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(check) == {}
    page.evaluate("() => document.querySelectorAll('img').forEach((image) => { image.loading = 'eager'; })")
    heights = "() => Promise.all([...document.images].map((image) => image.decode().then(() => image.naturalHeight)))"
    assert page.evaluate(heights) == [160, 160]
    page.get_by_role("rowheader").get_by_role("link", name="Jörg #1").click()
    assert page.title() == "the report of Jörg"


def test_says_all_without_a_script_and_on_paper(open_page: Open, index: Path) -> None:
    page = open_page(index, width=700, java_script_enabled=False)
    assert page.get_by_label("Find a client").is_hidden() and page.locator("thead button").count() == 0
    assert len(_names(page)) == 5
    page.emulate_media(media="print")
    assert page.get_by_text("No photo can be used. Take new ones.").is_visible()
