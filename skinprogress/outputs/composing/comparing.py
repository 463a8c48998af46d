"""How far two encoded pictures or films lie apart, px by px."""

import io
import math
import tempfile
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Rgb = npt.NDArray[np.uint8]

_CLOSE_LEVELS, _CLOSE_MEAN = 8, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Between two pictures.

    Attributes
    ----------
    largest : float
        Of any channel of any px, 0..255; NaN where they cannot be compared.
    mean : float
        Over all channels and px.
    text : str
        In words, without a full stop.
    """

    largest: float
    mean: float
    text: str

    @property
    def is_close(self) -> bool:
        """Whether other rounding in other versions of a library may explain it; false where nobody can say."""
        return self.largest <= _CLOSE_LEVELS and self.mean <= _CLOSE_MEAN


def compare_pictures(given: bytes, made: bytes) -> Difference:
    """Compare a picture that may come from anywhere with one that was just made.

    Parameters
    ----------
    given, made : bytes
        JPEG, PNG, WebP, GIF or MP4.

    Returns
    -------
    Difference

    Notes
    -----
    The size of the one that was made bounds what is decoded of the other.
    """
    try:
        with closing(_pictures(made)) as own:
            first = next(own)
            with closing(_pictures(given, size=(first.shape[1], first.shape[0]))) as other:
                return _compare(other, chain([first], own))
    except Exception:
        # Decoders meet damaged files with any exception there is.
        return _cannot("it is damaged, or of another size or kind")


def _cannot(why: str) -> Difference:
    return Difference(largest=math.nan, mean=math.nan, text=why)


def _pictures(data: bytes, *, size: tuple[int, int] | None = None) -> Generator[Rgb, None, None]:
    """All pictures of a file, one by one; ValueError before anything is decoded where they are not of a size."""
    from PIL import Image, ImageSequence

    if data[4:8] == b"ftyp":
        yield from _film(data, size=size)
        return
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP", "GIF")) as image:
        if size not in (None, image.size):
            raise ValueError(image.size)
        for picture in ImageSequence.Iterator(image):
            yield np.asarray(picture.convert("RGB"), np.uint8)


def _film(data: bytes, *, size: tuple[int, int] | None) -> Generator[Rgb, None, None]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        path.write_bytes(data)
        film = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        try:
            found = round(film.get(cv2.CAP_PROP_FRAME_WIDTH)), round(film.get(cv2.CAP_PROP_FRAME_HEIGHT))
            if size not in (None, found):
                raise ValueError(found)
            while (read := film.read())[0]:
                yield np.asarray(read[1], np.uint8)
        finally:
            film.release()


def _compare(given: Iterable[Rgb], made: Iterable[Rgb]) -> Difference:
    largest, means = 0, []
    for a, b in zip_longest(given, made):
        if a is None or b is None:
            return _cannot("it has more or fewer pictures, one after the other")
        apart = cv2.absdiff(a, b)
        largest = max(largest, int(apart.max()))
        means.append(float(apart.mean()))
    mean = float(np.mean(means))
    if largest == 0:
        return Difference(largest=0, mean=0, text="every px is the same, and only the packing of the file differs")
    text = f"the largest difference of a px is {largest} of 255, the mean {mean:.2g}"
    return Difference(largest=largest, mean=mean, text=text)
