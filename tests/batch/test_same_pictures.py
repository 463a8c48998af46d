"""The same picture under two clients."""

import numpy as np
import pytest

from skinprogress.batch.records import ClientSummary
from skinprogress.batch.same_pictures import MAX_BITS, find_same_pictures

RNG = np.random.default_rng(4)


def _client(name: str, pictures: dict[str, str] | None = None, prints: dict[str, str] | None = None) -> ClientSummary:
    return ClientSummary(client=name, status="compared", pictures=pictures or {}, prints=prints or {})


def _print() -> str:
    return RNG.bytes(32).hex()


def _flip(code: str, n: int) -> str:
    """The fingerprint with n of its bits turned."""
    bits = int(code, 16)
    for place in RNG.choice(256, n, replace=False):
        bits ^= 1 << int(place)
    return f"{bits:064x}"


def test_a_copied_file_is_found_and_a_client_s_own_copies_are_not() -> None:
    found = find_same_pictures(
        [
            _client("Bea", {"1.jpg": "aa", "copy of 1.jpg": "aa", "2.jpg": "bb"}),
            _client("Anna", {"10.jpg": "aa", "9.jpg": "cc"}),
            _client("Cleo", {"a.jpg": "dd", "b.jpg": "dd", "c.jpg": ""}),
            _client("Dora", {"x.jpg": ""}),
        ]
    )
    assert [(same.photos, same.exact) for same in found] == [
        ((("Anna", "10.jpg"), ("Bea", "1.jpg"), ("Bea", "copy of 1.jpg")), True)
    ]


@pytest.mark.parametrize("n", [0, 1, MAX_BITS, MAX_BITS + 1])
def test_a_picture_that_was_saved_anew_is_found_by_its_print(n: int) -> None:
    code = _print()
    found = find_same_pictures(
        [
            _client("Anna", {"1.jpg": "aa", "2.jpg": "bb"}, {"1.jpg": code, "2.jpg": _print()}),
            _client(
                "Bea", {"small.jpg": "cc", "copy.jpg": "cc"}, dict.fromkeys(("small.jpg", "copy.jpg"), _flip(code, n))
            ),
        ]
    )
    wanted = [((("Anna", "1.jpg"), ("Bea", "copy.jpg"), ("Bea", "small.jpg")), False)] if n <= MAX_BITS else []
    assert [(same.photos, same.exact) for same in found] == wanted


def test_look_alikes_of_one_client_link_nothing_to_another() -> None:
    code = _print()
    between = _flip(code, MAX_BITS)
    burst = {"1.jpg": code, "2.jpg": between}
    far = _flip(between, MAX_BITS)
    found = find_same_pictures([_client("Anna", prints=burst), _client("Bea", prints={"3.jpg": far})])
    assert [same.photos for same in found] == [(("Anna", "2.jpg"), ("Bea", "3.jpg"))]


def test_every_pair_among_many_photos_is_found() -> None:
    codes = [_print() for _ in range(1200)]
    for k in range(0, 100, 2):
        codes[1199 - k] = _flip(codes[k], 6)
    clients = [_client(f"{k}", prints={"a.jpg": code}) for k, code in enumerate(codes)]
    found = {tuple(client for client, _ in same.photos) for same in find_same_pictures(clients)}
    assert found == {(str(k), str(1199 - k)) for k in range(0, 100, 2)}


def test_nothing_is_made_of_nothing_and_of_other_versions_prints() -> None:
    assert find_same_pictures([]) == []
    assert find_same_pictures([_client("Anna", {}, {"a": "ff"}), _client("Bea", {}, {"a": "ff", "b": _print()})]) == []
