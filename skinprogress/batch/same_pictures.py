"""The same picture with two clients: one folder holds somebody else's photo, or somebody has two folders."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from skinprogress.batch.records import ClientSummary
from skinprogress.photos.dates import natural_key

MAX_BITS = 20
"""Fingerprints of 256 bits that differ in no more than this are of one picture."""
_DIGITS = 64
"""Hexadecimal, of a fingerprint; others are of another version of the program."""
_ROWS_AT_ONCE = 256

_Photo = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamePicture:
    """One picture that lies with two clients or more.

    Attributes
    ----------
    photos : tuple of (client, file)
        In natural order.
    exact : bool
        All are the same file, byte for byte; otherwise some were saved anew.
    """

    photos: tuple[_Photo, ...]
    exact: bool


def find_same_pictures(summaries: Sequence[ClientSummary]) -> list[SamePicture]:
    """Find pictures that lie with two clients or more.

    Parameters
    ----------
    summaries : sequence of ClientSummary
        Their ``pictures`` and ``prints`` are compared.

    Returns
    -------
    list of SamePicture
        In natural order of their first photo. What one client alone has twice is not listed.

    Notes
    -----
    The fingerprint is of the whole picture and knows nothing of faces: two photos of one person do not match.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    hashes = {(s.client, file): sha256 for s in summaries for file, sha256 in s.pictures.items() if sha256}
    prints = {(s.client, file): code for s in summaries for file, code in s.prints.items() if len(code) == _DIGITS}
    photos = sorted({*hashes, *prints}, key=lambda photo: tuple(map(natural_key, photo)))
    place = {photo: k for k, photo in enumerate(photos)}
    pairs = np.array([[place[a], place[b]] for a, b in (*_equal(hashes), *_alike(prints))]).reshape(-1, 2)
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(photos),) * 2)
    members: dict[int, list[_Photo]] = defaultdict(list)
    for photo, group in zip(photos, connected_components(links, directed=False)[1].tolist(), strict=True):
        members[group].append(photo)
    return [
        SamePicture(photos=tuple(group), exact=len({hashes.get(photo, photo) for photo in group}) == 1)
        for group in members.values()
        if len(group) > 1
    ]


def _equal(codes: dict[_Photo, str]) -> Iterator[tuple[_Photo, _Photo]]:
    """Photos with the same code, each with the next, where two clients or more have it."""
    for photos in _by_code(codes).values():
        if len({client for client, _ in photos}) > 1:
            yield from pairwise(photos)


def _alike(prints: dict[_Photo, str]) -> Iterator[tuple[_Photo, _Photo]]:
    """Photos of two clients whose fingerprints differ in few bits: enough pairs to link all of them."""
    yield from _equal(prints)
    by_code = _by_code(prints)
    codes = list(by_code)
    bits = np.frombuffer(bytes.fromhex("".join(codes)), np.uint64).reshape(-1, _DIGITS // 16)
    for k, m in _close(bits):
        one, other = by_code[codes[k]], by_code[codes[m]]
        # Photos of one client that look alike are no news, and must not link what lies further apart.
        if len({client for client, _ in (*one, *other)}) > 1:
            yield from pairwise((*one, *other))


def _close(bits: npt.NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Places of two fingerprints, the first before the second, that differ in no more than ``MAX_BITS`` bits."""
    for start in range(0, len(bits), _ROWS_AT_ONCE):
        rows = bits[start : start + _ROWS_AT_ONCE]
        differing = np.zeros((len(rows), len(bits) - start), np.uint16)
        for word in range(bits.shape[1]):
            differing += np.bitwise_count(rows[:, word, None] ^ bits[None, start:, word])
        for k, m in np.argwhere(differing <= MAX_BITS).tolist():
            if k < m:
                yield start + k, start + m


def _by_code(codes: dict[_Photo, str]) -> dict[str, list[_Photo]]:
    photos: dict[str, list[_Photo]] = defaultdict(list)
    for photo, code in codes.items():
        photos[code].append(photo)
    return photos
