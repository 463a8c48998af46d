"""Damage that knows how files are built: parts are cut, doubled, enlarged, exchanged, and told a wrong length."""

import io
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hypothesis import strategies as st

_MAX_BYTES = 200_000
_PNG = b"\x89PNG\r\n\x1a\n"
_BOXES_WITHIN = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"moov": 0, b"trak": 0, b"dinf": 0, b"iinf": 6}
# Numbers at which lengths, counts and signs turn over.
_EDGES = (0, 1, 2, 3, 7, 8, 16, 63, 64, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)


class _Part(NamedTuple):
    """A marker, chunk, box or entry: all of it, and where its length stands (width 0: it has none)."""

    start: int
    end: int
    length_at: int
    width: int
    order: str


def damaged(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of the sound files after up to eight blows; what fails is shrunk to the fewest."""
    blows = st.lists(st.integers(0, 2**40), min_size=1, max_size=8)

    def strike(seed: bytes, blows: list[int], sound: bool) -> bytes:
        data = seed
        for number in blows:
            data = _BLOWS[number % len(_BLOWS)](data, random.Random(number), seeds)[:_MAX_BYTES]
        # Checksums would keep nearly all damage from being looked at.
        return _with_checksums(data) if sound else data

    return st.builds(strike, st.sampled_from(seeds), blows, st.booleans())


def _flip(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 40))):
        if changed:
            # Most of what matters stands in the first few hundred bytes.
            at = rng.randrange(min(len(changed), rng.choice((64, 600, len(changed)))) or 1)
            changed[at] = rng.choice((changed[at] ^ 1 << rng.randrange(8), rng.randrange(256), 0, 255))
    return bytes(changed)


def _overwrite(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    width, order = rng.choice("BHIQ"), rng.choice("<>")
    number = struct.pack(order + width, rng.choice(_EDGES) & (1 << 8 * struct.calcsize(width)) - 1)
    at = rng.randrange(min(len(data), rng.choice((64, 600, len(data) or 1))) or 1)
    return data[:at] + number + data[at + len(number) :]


def _truncate(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _splice(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    other = rng.choice(seeds)
    parts = find_parts(other)
    if parts and rng.random() < 0.7:
        part = rng.choice(parts)
        piece = other[part.start : part.end]
    else:
        start = rng.randrange(len(other))
        piece = other[start : start + rng.choice((4, 40, 400, 4000))]
    places = [p.start for p in find_parts(data)] or [0]
    at = rng.choice((rng.choice(places), rng.randrange(len(data) + 1)))
    return data[:at] + piece + data[at + rng.choice((0, len(piece))) :]


def _drop(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    part = _any_part(data, rng)
    return data[: part.start] + data[part.end :]


def _repeat(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    part = _any_part(data, rng)
    times = min(rng.choice((1, 1, 2, 20, 200)), 1 + _MAX_BYTES // (part.end - part.start + 1))
    return data[: part.end] + data[part.start : part.end] * times + data[part.end :]


def _exchange(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    one, other = sorted((_any_part(data, rng), _any_part(data, rng)))
    if one.end > other.start:
        return data
    pieces = data[: one.start], data[other.start : other.end], data[one.end : other.start], data[one.start : one.end]
    return b"".join(pieces) + data[other.end :]


def _enlarge(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """More content in a part, its length told rightly or not."""
    part = _any_part(data, rng)
    more = rng.choice((bytes, lambda n: b"\xff" * n, lambda n: (data[part.start : part.end][:40] or b"a") * n))
    added = more(rng.choice((1, 8, 100, 5000)))[:60000]
    data = data[: part.end] + added + data[part.end :]
    return _with_length(data, part, len(added)) if rng.random() < 0.8 else data


def _lie(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    part = _any_part(data, rng)
    return _with_length(data, part, rng.choice((-8, -4, -1, 1, 4, 1000, *_EDGES)))


_Blow = Callable[[bytes, random.Random, Sequence[bytes]], bytes]
_BLOWS: tuple[_Blow, ...] = (
    *(_flip, _flip, _overwrite, _overwrite, _lie),
    *(_splice, _drop, _repeat, _exchange, _enlarge, _truncate),
)


def _with_length(data: bytes, part: _Part, more: int) -> bytes:
    if not part.width:
        return data
    old = int.from_bytes(data[part.length_at : part.length_at + part.width], part.order)
    new = (old + more) % (1 << 8 * part.width)
    return data[: part.length_at] + new.to_bytes(part.width, part.order) + data[part.length_at + part.width :]


def _any_part(data: bytes, rng: random.Random) -> _Part:
    if parts := find_parts(data):
        return rng.choice(parts)
    start, end = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    return _Part(start, end, start, 0, "big")


def find_parts(data: bytes) -> list[_Part]:
    """What a file is built of, as far as it can be followed."""
    if data.startswith(b"\xff\xd8"):
        return _segments(data)
    if data.startswith(_PNG):
        return _chunks(data)
    if data.startswith(b"RIFF"):
        return _riff(data)
    if data[4:8] == b"ftyp":
        return _boxes(data, 0, len(data))
    if data[:2] in (b"II", b"MM"):
        return _entries(data, 0)
    return []


def _segments(data: bytes) -> list[_Part]:
    parts, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        parts.append(_Part(at, min(end, len(data)), at + 2, 2, "big"))
        if data[at + 4 : at + 10] == b"Exif\0\0":
            parts += [p for p in _entries(data, at + 10) if p.end <= end]
        if data[at + 1] == 0xDA:
            # The scan runs to the next marker that is none of its own.
            end = next((m.start() for m in re.finditer(rb"\xff[^\0\xd0-\xd7]", data) if m.start() >= end), len(data))
        at = end
    return parts


def _chunks(data: bytes) -> list[_Part]:
    parts, at = [], 8
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        parts.append(_Part(at, min(end, len(data)), at, 4, "big"))
        at = end
    return parts


def _riff(data: bytes) -> list[_Part]:
    parts, at = [_Part(0, len(data), 4, 4, "little")], 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + size + size % 2
        parts.append(_Part(at, min(end, len(data)), at + 4, 4, "little"))
        at = end
    return parts


def _boxes(data: bytes, at: int, stop: int) -> list[_Part]:
    parts = []
    while at + 8 <= stop:
        end = at + max(8, int.from_bytes(data[at : at + 4], "big"))
        parts.append(_Part(at, min(end, stop), at, 4, "big"))
        if (skip := _BOXES_WITHIN.get(data[at + 4 : at + 8])) is not None:
            parts += _boxes(data, at + 8 + skip, min(end, stop))
        at = end
    return parts


def _entries(data: bytes, start: int) -> list[_Part]:
    """Entries of TIFF directories; the "length" of each is its count or its offset."""
    order = "<" if data[start : start + 2] == b"II" else ">"
    parts: list[_Part] = []
    places, seen = [start + 4], set()
    while places and len(seen) < 20:
        at = places.pop()
        if at in seen or at + 4 > len(data):
            continue
        seen.add(at)
        table = start + struct.unpack_from(order + "I", data, at)[0]
        if table + 2 > len(data):
            continue
        (count,) = struct.unpack_from(order + "H", data, table)
        for n in range(min(count, 60)):
            entry = table + 2 + 12 * n
            if entry + 12 > len(data):
                break
            field = entry + (4 if n % 2 else 8)
            parts.append(_Part(entry, entry + 12, field, 4, "little" if order == "<" else "big"))
            if struct.unpack_from(order + "H", data, entry)[0] in (0x8769, 0x8825, 0xA005, 330):
                places.append(entry + 8)
        places.append(table + 2 + 12 * count)
    return parts


def _with_checksums(data: bytes) -> bytes:
    """PNG chunks with checksums that are right again; everything else as it is."""
    if not data.startswith(_PNG):
        return data
    fixed = bytearray(data)
    for part in _chunks(data):
        if part.end - part.start >= 12:
            fixed[part.end - 4 : part.end] = struct.pack(">I", zlib.crc32(data[part.start + 4 : part.end - 4]))
    return bytes(fixed)


def sheets(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Damaged sheets; workbooks also with a damaged part in a sound package, which would be refused by its checksum."""
    (workbook,) = (seed for seed in seeds if seed.startswith(b"PK"))
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    bodies = [body for name, body in parts.items() if "sheet" in name or "style" in name]

    def pack(name: str, body: bytes) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for part, content in parts.items():
                archive.writestr(part, body if part == name else content)
        return stream.getvalue()

    packed = st.sampled_from(sorted(parts)).flatmap(
        lambda name: damaged([parts[name], *bodies]).map(lambda body: pack(name, body))
    )
    cells = st.lists(st.lists(_TEXT | _NUMBERS | st.sampled_from(_MOMENTS), max_size=6).map(";".join), max_size=5)
    written = cells.map(lambda rows: "\n".join(["client;at;depth_mm;areas;publish;until", *rows]))
    return st.one_of(damaged(seeds), packed, written.map(lambda text: text.encode("utf-8", "surrogatepass")))


_KEYS = ("label", "planned", "aim", "at", "kind", "number", "depth_mm", "areas", "products", "publish", "scope",
         "given", "until", "view", "stage", "mirrored", "exclude", "face", "patch", "points", "name", "photo", "circle",
         "polygon", "session", "device", "setting", "reference_region", "zzz", "\u00e9", "a b")  # fmt: skip
_WORDS = ("microneedling", "cheeks", "face", "left_oblique", "front", "pre", "directly after", "clinic", "website", "",
          "2026-03-14", "a.jpg", "../../x", "\0", "\ud7ff", "\U0001f600" * 3, "x" * 3000)  # fmt: skip
_MOMENTS = ("2026-03-14", "2026-03-14T15:30", "2026-03-14 15:30:05+02:00", "0001-01-01", "9999-12-31T23:59:60", "15:30",
            "2026-02-30", "2026-03-14T24:00")  # fmt: skip
_TABLES = ("[client]", "[course]", "[[treatments]]", "[consent]", '[photos."a.jpg"]', "[[marks]]", "[photos]", "[x.y]",
           "[treatments]", "[[client]]", "[[[x]]]")  # fmt: skip
_TEXT = st.sampled_from(_WORDS) | st.text(max_size=12)
_QUOTED = _TEXT.map(lambda text: '"' + "".join(_escaped(c) for c in text) + '"')
_NUMBERS = (
    st.integers(-(2**70), 2**70).map(str) | st.floats().map(str) | st.sampled_from(("1", "3", "1.5", "0x10", "1e400"))
)
_LEAVES = st.one_of(_QUOTED, _NUMBERS, st.sampled_from(_MOMENTS), st.sampled_from(("true", "false", "nan", "-inf")))
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda v: "[" + ", ".join(v) + "]")
        | st.dictionaries(st.sampled_from(("face", "forehead", "cheeks", "x")), inner, max_size=3).map(
            lambda d: "{" + ", ".join(f"{k} = {v}" for k, v in d.items()) + "}"
        )
    ),
    max_leaves=8,
)
_LINES = st.one_of(
    st.builds("{} = {}".format, st.sampled_from(_KEYS), _VALUES),
    st.sampled_from(_TABLES),
    st.sampled_from(("# a note", "", '"""', "'''", "[" * 2000, "a." * 1500 + "b = 1", "x = " + "[" * 1200, "\t", "\\")),
)


def _escaped(character: str) -> str:
    plain = character.isprintable() and character not in '"\\'
    return character if plain else f"\\U{ord(character):08x}"


def course_texts(sound: str) -> st.SearchStrategy[bytes]:
    """Course files by their grammar, with right and wrong keys and values; and a sound one with lines changed."""
    written = st.lists(_LINES, max_size=12).map("\n".join)
    changes = st.lists(st.tuples(st.integers(0, sound.count("\n")), _LINES, st.booleans()), min_size=1, max_size=4)

    def change(changes: list[tuple[int, str, bool]]) -> str:
        lines = sound.splitlines()
        for at, line, insert in changes:
            lines[at : at + (not insert)] = [line]
        return "\n".join(lines)

    def set_value(at: int, value: str) -> str:
        lines = sound.splitlines()
        key, equals, _ = lines[at % len(lines)].partition(" = ")
        lines[at % len(lines)] = f"{key}{equals}{value}" if equals else lines[at % len(lines)]
        return "\n".join(lines)

    texts = st.one_of(written, changes.map(change), st.builds(set_value, st.integers(0, 60), _VALUES))
    return texts.map(lambda text: text.encode("utf-8", "surrogatepass")) | damaged([sound.encode()])
