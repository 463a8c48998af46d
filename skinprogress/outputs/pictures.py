"""Pictures of a report: made small, encoded beside each other, and put into the page or into a folder beside it."""

import base64
import hashlib
import io
import re
import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from skinprogress.outputs.alignment import Rgb
from skinprogress.outputs.chart_files import page_picture
from skinprogress.outputs.files import ASSETS, write_whole

if TYPE_CHECKING:
    from PIL.Image import Image

_THREADS = 4
_FULL_PX = 1 << 14
# A quarter of the time of the default and a quarter more room.
_WEBP_METHOD = 0


class Embed(Protocol):
    """Takes a picture for the page, (H, W, 3) uint8 sRGB or a file, and gives what its ``src`` is to be."""

    def __call__(self, picture: Rgb | Path, *, max_side: int = ..., quality: int = ...) -> str: ...


class Pictures(AbstractContextManager["Pictures"]):
    """The pictures of one page: each is encoded in a thread of its own while the next is drawn.

    What :meth:`embed` gives is a place holder: any text without markup. :meth:`fill` puts the pictures in.

    Parameters
    ----------
    out : Path
        Folder of the report.
    assets : bool
        Whether the pictures go into files of their own, ``report_files/DIGEST.webp`` beside the report: the name says
        the content, so that it is safe, the same in every run, and one picture is one file. Otherwise into the page.
    """

    def __init__(self, out: Path, *, assets: bool = False) -> None:
        self._out, self._assets = out, assets
        self._mark = f"picture-{secrets.token_hex(8)}-"
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="pictures")
        self._encoded: list[Future[tuple[str, bytes]]] = []
        self.files: list[Path] = []

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def embed(self, picture: Rgb | Path, *, max_side: int = _FULL_PX, quality: int = 85) -> str:
        """Take a picture, no side longer than `max_side` px on the page, and give its place holder.

        Raises
        ------
        OSError
            From :meth:`fill`, where a file is no picture: ask :func:`size_of` before.
        """
        self._encoded.append(self._pool.submit(_encode, picture, max_side=max_side, quality=quality))
        return f"{self._mark}{len(self._encoded) - 1}-"

    def fill(self, page: str) -> str:
        """Put every picture that the page names in place of its place holder.

        Raises
        ------
        OutputError
            A picture cannot be written into the folder.
        """
        return re.sub(f"{self._mark}(\\d+)-", lambda found: self._source(int(found[1])), page)

    def _source(self, number: int) -> str:
        kind, data = self._encoded[number].result()
        if not self._assets:
            return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
        path = self._out / ASSETS / f"{hashlib.sha256(data).hexdigest()[:16]}.{kind}"
        if path not in self.files:
            self.files.append(write_whole(path, data))
        return f"{ASSETS}/{path.name}"


def place_picture(rgb: Rgb, embed: Embed, *, quality: int, share: float = 1.0) -> dict[str, Any]:
    """Embed a picture and say how large it stands on the page.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        sRGB.
    embed : Embed
    quality : int
    share : float
        As many of its px to one of the page's, for screens with fine px.

    Returns
    -------
    dict
        ``uri``, and ``width`` and ``height`` on the page, px.
    """
    height, width = rgb.shape[:2]
    return {"uri": embed(rgb, quality=quality), "width": round(width / share), "height": round(height / share)}


def size_of(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture file, px; None where it cannot be read."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return picture.size
    except OSError:
        return None


def _encode(picture: Rgb | Path, *, max_side: int, quality: int) -> tuple[str, bytes]:
    """Kind and bytes of a picture made small."""
    from PIL import Image

    if not isinstance(picture, Path):
        return _as_webp(Image.fromarray(np.ascontiguousarray(picture)), max_side, quality)
    if (ready := page_picture(picture)) is not None:
        return "png" if ready.startswith(b"\x89PNG") else "webp", ready
    with Image.open(picture) as opened:
        # A JPEG is decoded at the next size that is large enough.
        opened.draft("RGB", (max_side, max_side))
        return _as_webp(opened.convert("RGB"), max_side, quality)


def _as_webp(picture: "Image", max_side: int, quality: int) -> tuple[str, bytes]:
    from PIL import Image, features

    picture.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    kind = "webp" if features.check("webp") else "jpeg"
    buffer = io.BytesIO()
    picture.save(buffer, kind, quality=quality, **({"method": _WEBP_METHOD} if kind == "webp" else {}))
    return kind, buffer.getvalue()
