"""The checks of this folder see what they are for: a page with every fault is found out."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
HERE = Path(__file__).parent

BAD = """<!doctype html><html><head><meta name="viewport" content="width=device-width, user-scalable=no">
<style>
  .pale { color: #999; background: #fff } .over { position: absolute; color: #888 } button:focus { outline: 0 }
  .scrolls { overflow-x: auto; width: 50px; white-space: nowrap } .small { width: 10px; height: 10px; padding: 0 }
  .said::before { content: "pale"; color: #ccc }
  @media (prefers-color-scheme: dark) { body { background: #111; color: #333 } }
</style></head><body>
<p>outside of everything</p>
<main><h2></h2><h4 id="a">left out</h4><p id="a" class="pale">too pale</p><p class="said"></p>
<p><img src="data:,"></p><p><img alt="" src="data:,"></p><p><img alt="IMG_1.jpg" src="data:,"></p>
<p role="button" tabindex="0" aria-label="larger"><img alt="redness fell" src="data:,"></p>
<div style="position: relative"><img alt="x" src="data:,"><span class="over">on a picture</span></div>
<label for="nowhere">of nothing</label><button class="small" tabindex="3"></button>
<div class="scrolls">a long line that cannot be seen whole</div>
<div aria-hidden="true"><button>silent</button></div>
<ul><div><li>lost</li></div></ul><table><tr><td>1</td></tr></table><fieldset>?</fieldset>
<details><summary><button>twice</button></summary></details>
<div style="width: 3000px">wide</div>
</main></body></html>"""

EVERY_RULE = {
    "lang", "title", "zoom forbidden", "id twice", "names an id that is not there", "one h1", "empty heading",
    "heading level left out", "landmark", "no alt", "empty alt", "alt is a file name", "alt is not heard",
    "li outside a list", "table without headers", "fieldset without legend", "positive tabindex",
    "focus inside aria-hidden", "control inside a control", "scrolls, but not by keyboard", "target below 24 px",
    "focus cannot be seen", "contrast", "text outside the landmarks",
}  # fmt: skip


def test_every_fault_is_found(browser: Any) -> None:
    page = browser.new_page(viewport={"width": 400, "height": 600})
    page.set_content(BAD)
    faults = page.evaluate((HERE / "accessibility.js").read_text("utf-8"))
    wide = page.evaluate((HERE / "width.js").read_text("utf-8"))
    page.close()
    assert set(faults) == EVERY_RULE
    assert len(faults["contrast"]) >= 3, faults["contrast"]
    assert len(wide) >= 2 and "wide" in wide[1]


@pytest.mark.parametrize(
    ("does", "named"),
    [
        ("new Image().src = 'https://example.org/pixel.png'", "https://example.org/pixel.png"),
        ("console.error('oh')", "error: oh"),
        ("setTimeout(() => { throw new Error('thrown') })", "error: thrown"),
        ("document.body.setAttribute('style', 'color: red')", "style-src-attr inline"),
        ("new WebSocket('wss://example.org/')", "wss://example.org/"),
    ],
)
def test_every_misdeed_is_found(browser: Any, tmp_path: Path, watch: Any, does: str, named: str) -> None:
    policy = '<meta http-equiv="Content-Security-Policy" content="style-src \'none\'">'
    path = tmp_path / "bad.html"
    path.write_text(f"<!doctype html>{policy}<body><script>{does}</script>", "utf-8")
    page = browser.new_page(offline=True)
    watched = watch(page, path)
    page.wait_for_timeout(50)
    found = watched.misdeeds()
    page.close()
    assert any(named in text for text in found), found
