"""Fingerprints of pictures: alike for copies, different for different pictures."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from skinprogress.batch.same_pictures import MAX_BITS
from skinprogress.photos.picture_print import picture_print


def bits(one: np.ndarray, other: np.ndarray) -> int:
    return (int(picture_print(one), 16) ^ int(picture_print(other), 16)).bit_count()


def jpeg(rgb: np.ndarray, quality: int) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


COPIES = {
    "JPEG 50": lambda a: jpeg(a, 50),
    "half size": lambda a: cv2.resize(a, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "small": lambda a: cv2.resize(a, (173, 171), interpolation=cv2.INTER_CUBIC),
    "sent on": lambda a: jpeg(cv2.resize(a, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA), 60),
    "1 % cut off": lambda a: a[len(a) // 200 : -len(a) // 200, len(a) // 200 : -len(a) // 200],
    "darker": lambda a: (a * 0.9).astype(np.uint8),
}


@pytest.mark.parametrize("way", COPIES)
def test_copies_saved_in_other_ways_are_the_same_picture(astronaut: np.ndarray, way: str) -> None:
    assert bits(astronaut, COPIES[way](astronaut)) <= MAX_BITS


def test_other_pictures_are_not(astronaut: np.ndarray) -> None:
    moved = np.roll(astronaut, 12, axis=1)  # the next shot
    for other in (moved, astronaut[:, ::-1], np.asarray(Image.fromarray(astronaut).rotate(5))):
        assert bits(astronaut, other) > 2 * MAX_BITS


def test_a_fingerprint_has_256_bits_half_of_them_set(astronaut: np.ndarray) -> None:
    written = picture_print(astronaut)
    assert len(written) == 64 and int(written, 16).bit_count() == 128
    assert picture_print(np.full((80, 60, 3), 128, np.uint8)) == "0" * 64
