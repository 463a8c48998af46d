"""The report on paper: printed to PDF by a Chromium, Chrome or Edge that is installed, without any network."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from skinprogress.outputs.catalogue import text
from skinprogress.outputs.files import write_whole

_NAMES = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge",
    "microsoft-edge-stable", "msedge",
)  # fmt: skip
_ON_MACOS = ("Google Chrome", "Chromium", "Microsoft Edge")
_ON_WINDOWS = ("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe")
_TIMEOUT_S = 90
# The page asks for nothing; these keep the browser itself from asking for anything.
_OFFLINE = (
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-extensions",
    "--disable-quic", "--disable-sync", "--metrics-recording-only", "--no-first-run", "--no-default-browser-check",
    "--no-pings", "--proxy-server=127.0.0.1:9", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip


def find_browser() -> Path | None:
    """A program on this computer that can print a page to PDF, or None."""
    for name in _NAMES:
        if found := shutil.which(name):
            return Path(found)
    if sys.platform == "darwin":
        usual = [Path(f"/Applications/{name}.app/Contents/MacOS/{name}") for name in _ON_MACOS]
    else:
        roots = [os.environ[k] for k in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA") if os.environ.get(k)]
        usual = [Path(root) / path for root in roots for path in _ON_WINDOWS]
    return next((path for path in usual if path.is_file()), None)


def print_pdf(page: Path, pdf: Path, *, browser: Path | None = None) -> str:
    """Print a page of this computer to a PDF.

    Parameters
    ----------
    page : Path
        HTML file.
    pdf : Path
        There whole or not at all.
    browser : Path or None
        None: the first that :func:`find_browser` finds.

    Returns
    -------
    str
        Empty where the PDF was written; otherwise why not, and how to get one: a sentence or two.

    Raises
    ------
    OutputError
        The PDF was made and cannot be written.
    """
    browser = browser or find_browser()
    if browser is None:
        return text("pdf.no_browser")
    # A profile of its own: nothing of the user's is read or changed, and a browser that runs is no obstacle.
    with tempfile.TemporaryDirectory(prefix="skinprogress-", ignore_cleanup_errors=True) as folder:
        made = Path(folder) / "report.pdf"
        command = [
            str(browser), "--headless", "--disable-gpu", "--disable-dev-shm-usage", *_OFFLINE,
            *(["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []),  # Chromium's own has none as root
            f"--user-data-dir={Path(folder) / 'profile'}", "--no-pdf-header-footer", f"--print-to-pdf={made}",
            page.resolve().as_uri(),
        ]  # fmt: skip
        try:
            _run(command)
            data = made.read_bytes()
        except (OSError, subprocess.TimeoutExpired):
            data = b""
    if not data.startswith(b"%PDF-"):
        return text("pdf.failed", browser=browser.name)
    write_whole(pdf, data)
    return ""


def _run(command: list[str]) -> None:
    """Run a browser, and leave none of its processes behind: where it hangs, its helpers do too."""
    nothing = subprocess.DEVNULL
    # A session of its own, so that helpers and wrappers can be ended with it.
    process = subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
    try:
        process.wait(_TIMEOUT_S)
    finally:
        if process.poll() is None:
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
