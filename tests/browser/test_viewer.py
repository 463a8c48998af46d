"""The before/after viewer by mouse, touch and keyboard: both pictures move as one, and the words follow."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Open = Callable[..., "Page"]
pytestmark = pytest.mark.browser
HERE = Path(__file__).parent

# Where everything is, as shares of the pane where that is wanted; asked for in one go.
LOOK = """(figure) => {
  const stage = figure.querySelector("[data-stage]"), box = stage.getBoundingClientRect();
  const panes = [...figure.querySelectorAll("[data-pane]")].map((pane) => pane.getBoundingClientRect());
  const scenes = [...figure.querySelectorAll("[data-scene]")].map((scene) => {
    const { a, d, e, f } = new DOMMatrix(getComputedStyle(scene).transform);
    return { scale: [a, d], shift: [e, f] };
  });
  const pictures = [...figure.querySelectorAll("[data-scene] > img:first-child")].map((image) => {
    const { left, top, right, bottom } = image.getBoundingClientRect();
    return [left, top, right, bottom];
  });
  const divider = figure.querySelector("[data-divider]").getBoundingClientRect();
  return {
    box: [box.left, box.top, box.width, box.height], width: panes[0].width, pictures, scenes,
    pane: panes.map((pane) => [pane.left, pane.top, pane.right, pane.bottom]),
    cut: (panes[1].left - panes[0].left) / panes[0].width,
    divider: (divider.left + divider.width / 2 - box.left) / panes[0].width,
    range: Number(figure.querySelector("[data-range] input").value),
  };
}"""


class Viewer:
    """One viewer of a page, and what it shows now."""

    def __init__(self, page: "Page") -> None:
        self.page = page
        self.figure = page.locator("#viewer-front")
        self.stage = self.figure.locator("[data-stage]")
        self.stage.scroll_into_view_if_needed()

    def find(self, selector: str) -> "Locator":
        return self.figure.locator(selector)

    def look(self) -> Any:
        # Two frames, for what was asked for in this one is painted in the next.
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return self.figure.evaluate(LOOK)

    def point(self, across: float, down: float = 0.3) -> tuple[float, float]:
        """A place in the window, by its share of the stage."""
        left, top, width, height = self.look()["box"]
        return left + across * width, top + down * height

    def mode(self, name: str) -> None:
        # As people do: by the label, for the radio button itself cannot be seen.
        self.find(f"label:has(input[value={name}])").click()

    def choose(self, side: str, number: int) -> None:
        self.find(f"[data-choose={side}]").select_option(str(number))

    def overlay(self, name: str) -> None:
        self.find("[data-choose-overlay]").select_option(name)

    def comes(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        until = time.monotonic() + 4
        while not is_so():
            assert time.monotonic() < until, what
            self.page.wait_for_timeout(30)

    def hears(self, *words: str) -> None:
        """Wait until a screen reader was told all of the words, in this order."""
        said = self.find("[data-status]")
        pattern = re.compile(".*".join(map(re.escape, words)), re.DOTALL)
        self.comes(lambda: bool(pattern.search(said.text_content() or "")), " … ".join(words))


@pytest.fixture
def viewer(open_page: Open, reports: Any) -> Viewer:
    """The viewer at a desk, with a mouse and a keyboard."""
    return Viewer(open_page(reports["clinician"], width=1280, height=900))


@pytest.fixture
def phone(open_page: Open, reports: Any) -> Iterator[tuple[Viewer, Callable[..., None]]]:
    """The viewer on a phone, and what fingers do: ``touch("touchStart", (x, y), …)``."""
    page = open_page(reports["clinician"], width=390, height=844, has_touch=True, is_mobile=True)
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        fingers = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    yield Viewer(page), touch


def _same_place(seen: Any, *, beside: bool = False) -> None:
    """Both pictures stand and are enlarged alike."""
    first, second = seen["scenes"]
    assert first["scale"] == pytest.approx(second["scale"])
    assert first["scale"][0] == pytest.approx(first["scale"][1])
    aside = seen["pane"][1][0] - seen["pane"][0][0] if beside else 0
    a, b = seen["pictures"]
    assert [b[0] - aside, b[1], b[2] - aside, b[3]] == pytest.approx(a, abs=1.0)


def _covers(seen: Any) -> None:
    """No gap opens beside a picture."""
    left, top, right, bottom = seen["pictures"][0]
    pane = seen["pane"][0]
    assert left <= pane[0] + 1 and top <= pane[1] + 1 and right >= pane[2] - 1 and bottom >= pane[3] - 1


def _cut_at(viewer: Viewer, share: float, *, within: float = 0.02) -> None:
    seen = viewer.look()
    assert seen["cut"] == pytest.approx(share, abs=within)
    assert seen["divider"] == pytest.approx(share, abs=within)
    _same_place(seen)


def test_the_slider_follows_the_mouse(viewer: Viewer) -> None:
    _cut_at(viewer, 0.5)
    mouse = viewer.page.mouse
    mouse.move(*viewer.point(0.5))
    mouse.down()
    for share in (0.4, 0.25):
        mouse.move(*viewer.point(share))
        _cut_at(viewer, share)
    mouse.move(*viewer.point(-0.4))
    _cut_at(viewer, 0)
    mouse.move(*viewer.point(0.8))
    mouse.up()
    mouse.move(*viewer.point(0.1))
    _cut_at(viewer, 0.8)
    viewer.comes(lambda: viewer.look()["range"] == 80, "the range input follows")


def test_the_slider_obeys_keys(viewer: Viewer) -> None:
    slider = viewer.find("[data-range] input")
    slider.focus()
    for key, share in (("ArrowRight", 0.51), ("Home", 0), ("End", 1), ("ArrowLeft", 0.99)):
        viewer.page.keyboard.press(key)
        _cut_at(viewer, share, within=0.002)
    viewer.comes(lambda: "99" in (slider.get_attribute("aria-valuetext") or ""), "the value is told")
    assert "2026" in (slider.get_attribute("aria-valuetext") or "")
    viewer.stage.focus()
    for key, is_left in (("Home", True), ("ArrowRight", False)):
        viewer.page.keyboard.press(key)
        assert (viewer.look()["cut"] == pytest.approx(0, abs=0.001)) is is_left


def test_the_slider_follows_a_finger(phone: Any) -> None:
    viewer, touch = phone
    touch("touchStart", viewer.point(0.3))
    touch("touchEnd")
    _cut_at(viewer, 0.3)
    touch("touchStart", viewer.point(0.3, 0.5))
    for share in (0.35, 0.45, 0.6, 0.7):
        touch("touchMove", viewer.point(share, 0.5))
    _cut_at(viewer, 0.7)
    touch("touchEnd")


def test_a_finger_on_the_picture_still_scrolls_the_page(phone: Any) -> None:
    viewer, touch = phone
    before = viewer.page.evaluate("scrollY")
    x, y = viewer.point(0.8, 0.7)
    touch("touchStart", (x, y))
    for step in range(1, 9):
        touch("touchMove", (x, y - 20 * step))
    touch("touchEnd")
    viewer.comes(lambda: viewer.page.evaluate("scrollY") > before + 50, "the page scrolls")
    _cut_at(viewer, 0.5)


@pytest.mark.parametrize("mode", ["slider", "side", "blink"])
def test_both_pictures_zoom_and_move_as_one(viewer: Viewer, mode: str) -> None:
    def scale(least: float, most: float) -> None:
        seen = viewer.look()
        _same_place(seen, beside=mode == "side")
        _covers(seen)
        assert least <= seen["scenes"][0]["scale"][0] <= most, seen["scenes"]

    viewer.mode(mode)
    viewer.stage.focus()
    scale(1, 1)
    viewer.page.keyboard.press("+")
    scale(1.2, 1.3)
    viewer.page.mouse.move(*viewer.point(0.2))
    under = viewer.look()["pictures"][0]
    viewer.page.mouse.wheel(0, -400)
    scale(1.5, 6)
    # What lay under the pointer lies there still.
    x, _ = viewer.point(0.2)
    now = viewer.look()["pictures"][0]
    assert (x - now[0]) / (now[2] - now[0]) == pytest.approx((x - under[0]) / (under[2] - under[0]), abs=0.01)
    viewer.page.mouse.down()
    viewer.page.mouse.move(*viewer.point(0.15, 0.35))
    viewer.page.mouse.up()
    moved = viewer.look()
    assert moved["pictures"][0][:2] != pytest.approx(now[:2], abs=2)
    scale(1.5, 6)
    viewer.page.keyboard.press("ArrowRight")
    assert viewer.look()["pictures"][0][0] < moved["pictures"][0][0] - 5
    scale(1.5, 6)
    for _ in range(12):
        viewer.page.keyboard.press("+")
    scale(7.9, 8.1)
    viewer.comes(lambda: viewer.find("output").text_content() == "800 %", "the zoom is told")
    assert viewer.find("[data-zoom=in]").is_disabled()
    viewer.page.keyboard.press("0")
    scale(1, 1)


def test_the_buttons_zoom(viewer: Viewer) -> None:
    viewer.find("[data-zoom=in]").click()
    assert viewer.look()["scenes"][1]["scale"][0] == pytest.approx(1.25)
    viewer.find("[data-zoom=in]").click()
    viewer.find("[data-zoom=out]").click()
    assert viewer.look()["scenes"][0]["scale"][0] == pytest.approx(1.25)
    viewer.find("[data-zoom=whole]").click()
    seen = viewer.look()
    assert seen["scenes"][0]["scale"][0] == 1
    _same_place(seen)


def test_the_wheel_scrolls_the_page_until_the_pictures_are_chosen(viewer: Viewer) -> None:
    viewer.page.mouse.move(*viewer.point(0.4))
    before = viewer.page.evaluate("scrollY")
    viewer.page.mouse.wheel(0, 200)
    viewer.comes(lambda: viewer.page.evaluate("scrollY") > before, "the page scrolls")
    assert viewer.look()["scenes"][0]["scale"][0] == 1


def test_two_fingers_zoom_both(phone: Any) -> None:
    viewer, touch = phone
    viewer.find("[data-zoom=in]").tap()
    touch("touchStart", viewer.point(0.4), viewer.point(0.6))
    for spread in (0.15, 0.2, 0.3):
        touch("touchMove", viewer.point(0.5 - spread), viewer.point(0.5 + spread))
    touch("touchEnd")
    seen = viewer.look()
    assert seen["scenes"][0]["scale"][0] == pytest.approx(1.25 * 3, rel=0.05)
    _same_place(seen)
    _covers(seen)


def test_other_sessions_bring_their_pictures_words_and_warnings(viewer: Viewer) -> None:
    def shown() -> tuple[list[Any], list[str], list[str]]:
        images = viewer.find("[data-scene] > img:first-child")
        sources = [images.nth(k).get_attribute("src") for k in range(2)]
        return (
            sources,
            viewer.find("[data-name]").all_text_contents(),
            [images.nth(k).get_attribute("alt") for k in (0, 1)],
        )

    first = shown()
    assert first[1] == ["10 March 2026", "25 April 2026"]
    viewer.choose("right", 1)
    second = shown()
    assert second[0][0] == first[0][0] and second[0][1] != first[0][1]
    assert second[1] == ["10 March 2026", "14 March 2026"]
    assert "14 March 2026" in second[2][1]
    banner = viewer.find("[data-banner]:visible")
    assert "2 hours after" in " ".join(banner.all_text_contents())
    assert "2 hours after" in (viewer.find("[data-when]").nth(1).text_content() or "")
    viewer.hears("slider", "10 March 2026", "14 March 2026", "2 hours after")
    # The session of the other picture: the two change places, and it is said that time runs backwards.
    viewer.choose("right", 0)
    assert shown()[1] == ["14 March 2026", "10 March 2026"]
    assert viewer.find("[data-role]").all_text_contents() == ["After", "Before"]
    assert "later photo is on the left" in (viewer.find("[data-lead]").text_content() or "")
    viewer.hears("slider", "14 March 2026", "10 March 2026")
    viewer.find("[data-swap]").click()
    assert shown() == second
    loaded = "(image) => image.decode().then(() => image.naturalWidth)"
    assert all(viewer.find("[data-scene] > img").nth(k).evaluate(loaded) > 100 for k in range(2))


def test_what_is_drawn_on_the_face_comes_and_goes(viewer: Viewer) -> None:
    drawn = viewer.find("[data-scene] :is(svg, .viewer-map)")
    key = viewer.find("[data-key]")
    choices = viewer.find("[data-choose-overlay] option").evaluate_all("(options) => options.map((o) => o.value)")
    assert choices[:2] == ["none", "map"] and len(choices) > 2
    assert drawn.count() == 0 and key.is_hidden()
    viewer.overlay("map")
    assert drawn.count() == 2 and key.is_visible()
    assert viewer.find(".viewer-map").first.evaluate("(i) => i.decode().then(() => i.naturalWidth)") > 10
    viewer.overlay("redness")
    assert viewer.find(".viewer-map").count() == 0
    assert drawn.count() == 2 and viewer.find("svg path[d]").count() > 4
    text = key.inner_text()
    assert "Redness" in text and "improved" in text.lower()
    viewer.hears("Redness", "improved")
    # It moves with the picture.
    viewer.stage.focus()
    viewer.page.keyboard.press("+")
    viewer.look()
    box, picture = drawn.first.bounding_box(), viewer.find("[data-scene] > img").first.bounding_box()
    assert [box[k] for k in box] == pytest.approx([picture[k] for k in box], abs=1)
    viewer.overlay("none")
    assert drawn.count() == 0 and key.is_hidden()


def _front(viewer: Viewer) -> str:
    hidden = [viewer.find("[data-pane]").nth(k).evaluate("(p) => getComputedStyle(p).visibility") for k in range(2)]
    return "both" if hidden[0] == hidden[1] else "first" if hidden[1] == "hidden" else "second"


def test_blinks_until_stopped(viewer: Viewer) -> None:
    viewer.mode("blink")
    for name in ("first", "second"):
        viewer.comes(lambda name=name: _front(viewer) == name, f"the {name} picture comes by itself")
    play = viewer.find("[data-play]")
    assert "Stop" in (play.text_content() or "")
    play.click()
    still = _front(viewer)
    viewer.page.wait_for_timeout(1000)
    assert _front(viewer) == still
    viewer.find("[data-step]").click()
    assert _front(viewer) != still
    viewer.hears("2026")
    viewer.mode("side")
    assert _front(viewer) == "both"


def test_does_not_blink_by_itself_for_those_who_asked_for_less_motion(open_page: Open, reports: Any) -> None:
    viewer = Viewer(open_page(reports["client"], width=1280, reduced_motion="reduce"))
    viewer.mode("blink")
    before = _front(viewer)
    viewer.page.wait_for_timeout(1000)
    assert _front(viewer) == before != "both"
    viewer.stage.focus()
    viewer.page.keyboard.press("Space")
    assert _front(viewer) != before


def test_modes_are_chosen_by_keyboard(viewer: Viewer) -> None:
    viewer.find("input[value=slider]").focus()
    for name in ("side", "blink", "slider"):
        viewer.page.keyboard.press("ArrowRight")
        assert viewer.figure.get_attribute("data-mode") == name
    viewer.page.keyboard.press("ArrowRight")
    left, right = viewer.look()["pane"]
    assert right[0] >= left[2]


@pytest.mark.parametrize("audience", ["clinician", "client"])
def test_everybody_can_use_every_way_of_looking(open_page: Open, reports: Any, audience: str) -> None:
    viewer = Viewer(open_page(reports[audience], width=360))
    check, width = ((HERE / name).read_text("utf-8") for name in ("accessibility.js", "width.js"))
    faults = {}
    for mode, overlay, scheme in (("slider", "map", "light"), ("side", "redness", "dark"), ("blink", "none", "light")):
        viewer.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        viewer.mode(mode)
        viewer.overlay(overlay)
        # A pair with something to warn of, and its words on the pictures.
        viewer.choose("right", 1)
        for px in (360, 1280):
            viewer.page.set_viewport_size({"width": px, "height": 800})
            faults[mode, px] = [*viewer.page.evaluate(check).items(), *viewer.page.evaluate(width)]
    assert not any(faults.values()), faults


def test_on_paper_it_is_the_pair_of_the_headline_side_by_side(viewer: Viewer) -> None:
    viewer.choose("left", 2)
    viewer.stage.focus()
    viewer.page.keyboard.press("+")
    on_paper = """() => {
      const figure = document.getElementById("viewer-front");
      const box = (element) => element.getBoundingClientRect();
      const [a, b] = [...figure.querySelectorAll("[data-pane]")].map(box);
      const [i, j] = [...figure.querySelectorAll("[data-scene] > img")].map(box);
      window.paper = {
        beside: b.left >= a.right - 1, whole: Math.abs(i.width - a.width) < 2 && Math.abs(j.width - b.width) < 2,
        names: [...figure.querySelectorAll("[data-name]")].map((e) => e.textContent),
        controls: [...figure.querySelectorAll("button, select, input")].filter((e) => e.checkVisibility()).length,
      };
    }"""
    # After the page's own listener.
    viewer.page.evaluate(f"() => window.addEventListener('beforeprint', () => requestAnimationFrame({on_paper}))")
    viewer.page.emulate_media(media="print")
    viewer.page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    viewer.look()
    assert viewer.page.evaluate("window.paper") == {
        "beside": True,
        "whole": True,
        "names": ["10 March 2026", "25 April 2026"],
        "controls": 0,
    }
    viewer.page.emulate_media(media="screen")
    viewer.page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    assert viewer.find("[data-name]").first.text_content() == "21 March 2026"
    assert viewer.look()["scenes"][0]["scale"][0] == pytest.approx(1.25)
