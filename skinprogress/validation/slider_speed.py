"""How smoothly the dividing line of a report's before/after viewer follows the pointer, with two large photos.

    python -m skinprogress.validation.slider_speed REPORT.html

Needs Playwright for Python and Chromium. The two photos of the viewer are replaced by noisy ones of 4 megapixels, and
the line is dragged by mouse. Prints the times between frames; at 16.7 ms none of 60 a second is left out.
Chromium draws without a graphics card here, which is the hard case.
"""

import math
import shutil
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

SECONDS = 3.0
_SIZE = 1800, 2250
_ENLARGE = """async ([width, height]) => {
  for (const [k, image] of document.querySelectorAll("[data-viewer] [data-scene] > img:first-child").entries()) {
    const canvas = new OffscreenCanvas(width, height), pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0, width, height);
    const picture = pen.getImageData(0, 0, width, height);
    for (let i = 0, seed = k + 1; i < picture.data.length; i++) {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      if (i % 4 < 3) picture.data[i] += (seed >> 16) % 13 - 6;
    }
    pen.putImageData(picture, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
    image.src = await new Promise((done) => {
      const reader = new FileReader();
      reader.onload = () => done(reader.result);
      reader.readAsDataURL(blob);
    });
    await image.decode();
  }
}"""
_WATCH = """() => {
  window.times = [];
  const tick = (now) => { times.push(now); requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
}"""


def drag(page: "Page") -> list[float]:
    """Drag the dividing line to and fro.

    Parameters
    ----------
    page : playwright.sync_api.Page
        With a report in it.

    Returns
    -------
    list of float
        Times between frames, ms.
    """
    stage = page.locator("[data-stage]").first
    stage.scroll_into_view_if_needed()
    page.evaluate(_ENLARGE, list(_SIZE))
    page.wait_for_timeout(500)
    box, line = stage.bounding_box(), page.locator("[data-divider]").first.bounding_box()
    if box is None or line is None:
        raise SystemExit("the report has no before/after viewer: it needs two sessions whose photos can be read")
    y = box["y"] + box["height"] / 2
    page.mouse.move(line["x"] + line["width"] / 2, y)
    page.mouse.down()
    page.wait_for_timeout(200)
    page.evaluate(_WATCH)
    start, step = time.monotonic(), 0
    while time.monotonic() - start < SECONDS:
        step += 1
        page.mouse.move(box["x"] + box["width"] * (0.5 + 0.45 * math.sin(step / 20)), y)
    page.mouse.up()
    times: list[float] = page.evaluate("times")
    return [later - earlier for earlier, later in pairwise(times)]


def main(report: Path) -> None:
    """Print the times between frames."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1920, "height": 1200})
        page.goto(report.resolve().as_uri())
        frames = sorted(drag(page))
        browser.close()
    sys.stdout.write(
        f"{len(frames)} frames in {SECONDS:g} s; between two: median {statistics.median(frames):.1f} ms, "
        f"95 % within {frames[int(0.95 * (len(frames) - 1))]:.1f} ms, longest {frames[-1]:.1f} ms\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
