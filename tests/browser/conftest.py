"""The report in a real browser: one Chromium a worker, each report made once, and pages whose misdeeds are logged."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from skinprogress.outputs.files import prepare_output
from skinprogress.outputs.report import write_report
from skinprogress.outputs.table import OUTPUTS
from skinprogress.records import ClientResult
from skinprogress.settings import OutputOptions

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REPORTS = {
    "clinician": OutputOptions(),
    "client": OutputOptions(audience="client"),
    "assets": OutputOptions(assets=True),
}
_LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => violations.push(`${e.violatedDirective} ${e.blockedURI}`));
"""


def _cannot_run(what: str, remedy: str) -> None:
    reason = f"needs {what}: {remedy}"
    # .ci/run installs both; a skip there would hide that nothing was tested.
    if os.environ.get("CI") and sys.platform == "linux":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the Chromium that is installed."""
    found = shutil.which("chromium")
    if found is None:
        _cannot_run("Chromium", "on Debian, apt-get install chromium")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> "Iterator[Browser]":
    """Chromium without a window."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _cannot_run("Playwright", "pip install playwright")
    with sync_playwright() as playwright:
        # As root it starts without its sandbox only.
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def made_up(
    fake_result: Callable[..., ClientResult],
    known_anew: Callable[[ClientResult], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> ClientResult:
    """A small course with one of everything that the report can show, and photos that differ."""
    folder = tmp_path_factory.mktemp("client") / "photos"
    result = fake_result(
        4,
        folder=folder,
        metrics=("redness",),
        regions=("forehead", "cheek_left", "face"),
        photos_per_session=1,
        rungs=("card", "background"),
        light_removed=1.2,
        maps=True,
        marks=("mole",),
        recoveries=(1,),
        trends=True,
    )
    for k, path in enumerate(sorted(folder.rglob("*.jpg"))):
        photo = cv2.imread(str(path))
        cv2.imwrite(str(path), photo - np.uint8(8 * k) * (photo > 8 * k))
    known_anew(result)
    return result


class Reports:
    """The pages of a result, ``reports["client"]`` and the others of ``REPORTS``, each made when it is asked for."""

    def __init__(self, result: ClientResult, folder: Path) -> None:
        self._result, self._folder = result, folder
        prepare_output(folder)
        for name in ("charts", "aligned"):
            OUTPUTS[name].write(result, folder)

    def __getitem__(self, name: str) -> Path:
        page = self._folder.parent / name / "report.html"
        if not page.exists():
            shutil.copytree(self._folder, page.parent)
            write_report(self._result, page.parent, options=REPORTS[name])
        return page


@pytest.fixture(scope="session")
def reports(made_up: ClientResult, tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """The pages of the made-up course."""
    return Reports(made_up, tmp_path_factory.mktemp("reports") / "pictures")


class Watched:
    """A page that was opened, and what it did meanwhile.

    Attributes
    ----------
    page : Page
    requests : list of str
        Addresses asked for, in order; of pictures inside the page the kind only.
    complaints : list of str
        Errors and warnings of the console, and uncaught exceptions.
    """

    def __init__(self, page: "Page", path: Path) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._path = path
        page.add_init_script(_LISTEN)
        page.on("request", lambda request: self.requests.append(request.url.split(",")[0]))
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url[:99]}"))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on(
            "console",
            lambda said: said.type in ("error", "warning") and self.complaints.append(f"{said.type}: {said.text}"),
        )
        page.goto(path.as_uri())

    def misdeeds(self) -> list[str]:
        """Requests to elsewhere, complaints, and breaches of the page's own policy."""
        home = self._path.parent.as_uri() + "/"
        elsewhere = [url for url in self.requests if not url.startswith(("data:", "blob:", home))]
        return elsewhere + self.complaints + list(self.page.evaluate("window.violations ?? []"))


@pytest.fixture(scope="session")
def watch() -> type[Watched]:
    """The class that opens a page and logs."""
    return Watched


@pytest.fixture
def open_page(browser: "Browser") -> Iterator[Callable[..., "Page"]]:
    """Open a page: ``open_page(path, width=1024, …options of Playwright's new_context)``; misdeeds fail the test."""
    opened: list[Watched] = []

    def open_(path: Path, *, width: int = 1024, height: int = 800, **options: Any) -> "Page":
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True, **options)
        context.set_default_timeout(5000)
        opened.append(Watched(context.new_page(), path))
        return opened[-1].page

    yield open_
    found = [text for each in opened for text in each.misdeeds()]
    for each in opened:
        each.page.context.close()
    assert found == []
