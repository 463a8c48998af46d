"""The report as people open it: from disk, offline, at every width, light and dark, without a script, on paper."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from skinprogress.outputs.summary import summarize
from skinprogress.records import ClientResult

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]
pytestmark = pytest.mark.browser
HERE = Path(__file__).parent
AUDIENCES = ("clinician", "client")
UNFOLD = "() => document.querySelectorAll('details').forEach((part) => { part.open = true; })"
NAMED_ROLES = {
    "button", "checkbox", "combobox", "DisclosureTriangle", "image", "link", "listbox", "menuitem", "radio",
    "radiogroup", "region", "slider", "spinbutton", "switch", "tab", "tabpanel", "textbox", "toolbar", "dialog",
}  # fmt: skip


def _script(name: str) -> str:
    return (HERE / name).read_text("utf-8")


def _accessibility_tree(page: "Page") -> list[dict[str, Any]]:
    """What Chromium tells a screen reader."""
    session = page.context.new_cdp_session(page)
    nodes: list[dict[str, Any]] = session.send("Accessibility.getFullAXTree")["nodes"]
    return [node for node in nodes if not node["ignored"]]


def _value(node: dict[str, Any], key: str) -> str:
    return str(node.get(key, {}).get("value", ""))


@pytest.mark.parametrize("name", ["clinician", "client", "assets"])
def test_opens_from_disk_and_shows_every_picture(open_page: Open, reports: Any, name: str) -> None:
    page = open_page(reports[name])
    page.evaluate(UNFOLD)
    page.evaluate("() => document.querySelectorAll('img').forEach((image) => { image.loading = 'eager'; })")
    broken = page.evaluate(
        "() => Promise.all([...document.images].map((image) => image.decode().then(() => '', () => image.alt)))"
    )
    assert len(broken) > 4
    assert [text for text in broken if text] == []


@pytest.mark.parametrize("audience", AUDIENCES)
def test_nothing_stands_out_to_the_side(open_page: Open, reports: Any, audience: str) -> None:
    page = open_page(reports[audience])
    found = {}
    for width in (320, 360, 768, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        folded = page.evaluate(_script("width.js"))
        page.evaluate(UNFOLD)
        found[width] = folded + page.evaluate(_script("width.js"))
    assert not any(found.values()), found


@pytest.mark.parametrize("audience", AUDIENCES)
def test_everybody_can_use_it(open_page: Open, reports: Any, audience: str) -> None:
    page = open_page(reports[audience], width=360, reduced_motion="reduce")
    page.keyboard.press("Tab")
    page.evaluate(UNFOLD)
    check = _script("accessibility.js")
    assert page.evaluate(check) == {}
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(check) == {}


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_screen_reader_hears_a_name_of_everything(open_page: Open, reports: Any, audience: str) -> None:
    page = open_page(reports[audience])
    page.evaluate(UNFOLD)
    nodes = _accessibility_tree(page)
    roles = [_value(node, "role") for node in nodes]
    assert [roles.count(landmark) for landmark in ("banner", "main", "contentinfo")] == [1, 1, 1]
    nameless = [_value(n, "role") for n in nodes if _value(n, "role") in NAMED_ROLES and not _value(n, "name").strip()]
    assert nameless == []
    # Of two controls with one name nobody can tell which is which; radio buttons belong to a group with a name.
    told_apart = NAMED_ROLES - {"image", "radio"}
    names = [(_value(n, "role"), _value(n, "name")) for n in nodes if _value(n, "role") in told_apart]
    assert {name for name in names if names.count(name) > 1} == set()
    # What takes the keyboard says what it is.
    plain = {"generic", "figure", "paragraph", "image", "StaticText", "section", "none", ""}
    focusable = [n for n in nodes if any(p["name"] == "focusable" for p in n.get("properties", []))]
    assert [(_value(n, "role"), _value(n, "name")[:60]) for n in focusable if _value(n, "role") in plain] == []


@pytest.mark.parametrize("audience", AUDIENCES)
def test_the_keyboard_reaches_everything_in_order(open_page: Open, reports: Any, audience: str) -> None:
    page = open_page(reports[audience])
    page.evaluate(UNFOLD)
    expected = page.evaluate("""() => {
      const stops = "a[href], button:enabled, input:enabled, select:enabled, summary, [tabindex='0']";
      const all = [...document.querySelectorAll(stops)].filter((e) => e.checkVisibility({ visibilityProperty: true }));
      const once = all.filter((e) => e.type !== "radio" || e.checked).filter((e) => e.tabIndex >= 0);
      once.forEach((e, i) => { e.dataset.stop = i; });
      return once.length;
    }""")
    reached = []
    for _ in range(expected):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.dataset.stop ?? document.activeElement.outerHTML"))
    assert expected > 10
    assert reached == [str(k) for k in range(expected)]


def test_folded_parts_open_by_keyboard(open_page: Open, reports: Any) -> None:
    page = open_page(reports["clinician"])
    summary = page.locator("details:not([open]) > summary").first
    part = summary.locator("xpath=..").element_handle()
    summary.focus()
    for key, is_open in (("Enter", True), ("Space", False), ("Space", True)):
        page.keyboard.press(key)
        assert part.evaluate("(part) => part.open") is is_open


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_chart_is_seen_in_its_own_size_by_tap_and_key(open_page: Open, reports: Any, audience: str) -> None:
    page = open_page(reports[audience], width=360, has_touch=True)
    chart = page.locator("[data-chart]:visible").first
    picture = chart.locator("img")

    def is_large() -> bool:
        box = picture.bounding_box()
        assert box is not None
        assert page.evaluate(_script("width.js")) == []
        assert chart.get_attribute("aria-pressed") == str(box["width"] > 360).lower()
        return box["width"] > 360

    assert not is_large()
    chart.focus()
    for press, large in (("Enter", True), ("Enter", False), ("Space", True)):
        page.keyboard.press(press)
        assert is_large() is large
    chart.tap()
    assert not is_large()


@pytest.mark.parametrize("audience", AUDIENCES)
def test_without_a_script_all_is_said(open_page: Open, reports: Any, made_up: ClientResult, audience: str) -> None:
    def said(page: "Page") -> set[str]:
        # What is folded counts: it opens without a script.
        texts = page.locator("main p, main li, main th, main td, main dd, main h1, main h2, main figcaption")
        return {" ".join(text.split()) for text in texts.all_text_contents()}

    plain = open_page(reports[audience], java_script_enabled=False)
    scripted = open_page(reports[audience])
    headline = summarize(made_up).headline
    assert plain.locator("h1").is_visible()
    assert plain.locator("h1").text_content().strip() == scripted.locator("h1").text_content().strip()
    if audience == "clinician":
        assert headline in plain.locator("h1").text_content()
    assert said(scripted) - said(plain) == set()
    pictures = plain.locator("img[alt*='10 March 2026'], img[alt*='25 April 2026']")
    shown = [box for k in range(pictures.count()) if (box := pictures.nth(k).bounding_box()) and box["width"] > 100]
    assert len(shown) >= 2


def test_light_and_dark_differ(open_page: Open, reports: Any) -> None:
    page = open_page(reports["clinician"])
    ground = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        r, g, b = re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))[:3]
        ground[scheme] = int(r) + int(g) + int(b)
    assert ground["light"] > 3 * 200 and ground["dark"] < 3 * 60


def test_nothing_moves_for_those_who_asked_for_no_motion(open_page: Open, reports: Any) -> None:
    page = open_page(reports["clinician"], reduced_motion="reduce")
    page.evaluate(UNFOLD)
    running = "() => document.getAnimations().filter((a) => a.playState === 'running').length"
    assert page.evaluate(running) == 0
