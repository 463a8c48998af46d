"""A second run asks for nothing that is known, and finds out the same as a first one."""

import os
from dataclasses import replace
from datetime import datetime

import cv2
import numpy as np
import pytest

from skinprogress.metrics.table import METRICS
from skinprogress.photos import reading
from skinprogress.photos.loose import loose_refs
from skinprogress.pipeline.comparing import compare_client, in_order
from skinprogress.records import Consent, Course, Mark, PhotoRef, Treatment
from skinprogress.settings import Settings
from skinprogress.store import Store, digest

SETTINGS = Settings(canonical_px=512, canonical_px_max=512)
COURSE = Course(treatments=(Treatment(at=datetime(2026, 1, 10)),))


@pytest.fixture(scope="module", autouse=True)
def few_metrics():
    """Some metrics of each kind: values, areas, lengths, counts with spots to follow, and maps; quicker than all."""
    every = dict(METRICS)
    kept = ("redness_index", "relative_redness", "redness_over_neck", "red_area_mm2", "red_spots", "blood",
            "lightness", "brown_spots", "texture_uniformity", "wrinkle_index")  # fmt: skip
    for name in every.keys() - set(kept):
        del METRICS[name]
    yield
    METRICS.clear()
    METRICS.update(every)


@pytest.fixture(scope="module")
def refs(small_portrait, tmp_path_factory) -> list[PhotoRef]:
    folder = tmp_path_factory.mktemp("client")
    found = []
    for k in range(4):
        path = folder / f"{k}.png"
        cv2.imwrite(str(path), cv2.cvtColor(small_portrait, cv2.COLOR_RGB2BGR) // 8 * 8 + np.uint8(k))
        (ref,) = loose_refs([path])
        found.append(replace(ref, client="c", session=f"2026-0{k + 1}-01", day=30.0 * k))
    return found


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """Names of the photos that were decoded."""
    names: list[str] = []
    real = reading.read_decoded
    monkeypatch.setattr(
        reading, "read_decoded", lambda path, *a, **k: (names.append(path.name), real(path, *a, **k))[1]
    )
    return names


def run(refs, folder, *, course=COURSE, threads=1, client="c"):
    return compare_client(
        [replace(r, client=client) for r in refs], client=client, folder=folder, course=course, settings=SETTINGS,
        store=None if folder is None else Store(folder), threads=threads,
    )  # fmt: skip


def found(result) -> str:
    """Everything that a run found out, but for how long it took."""
    parts = (
        result.photos, result.measurements, result.changes, result.comparisons, result.findings, result.spots,
        result.maps, result.lights, result.light_differences, result.marks, result.notes, result.rejected,
    )  # fmt: skip
    return digest(parts)


@pytest.fixture(scope="module")
def remembered(refs, tmp_path_factory):
    """A store after a run over three sessions, and what that run found out."""
    folder = tmp_path_factory.mktemp("store")
    return folder, run(refs[:3], folder)


@pytest.fixture
def store(remembered, tmp_path):
    """A store of one's own, as that run left it."""
    import shutil

    shutil.copytree(remembered[0], tmp_path / "s")
    return tmp_path / "s"


def test_with_nothing_new_no_photo_is_read(refs, remembered, store, read):
    again = run(refs[:3], store)
    assert read == []
    assert found(again) == found(remembered[1])


def test_a_new_session_costs_itself_and_what_it_is_compared_with(refs, store, read):
    result = run(refs, store)
    # Looked at and measured; the baseline and the session before are there to be compared with.
    assert sorted(read) == ["0.png", "2.png", "3.png", "3.png"]
    # As without a store, also of what was remembered.
    assert found(result) == found(run(refs, None, threads=2))


def test_names_and_consent_change_no_number_and_cost_nothing(refs, store, read):
    course = replace(COURSE, label="B", consent=Consent(publish=True), planned=5)
    result = run(refs[:3], store, client="B", course=course)
    assert read == []
    assert {m.client for m in result.measurements} == {c.client for c in result.changes} == {"B"}


def test_a_later_treatment_touches_nothing_before_it(refs, store, read):
    later = replace(COURSE, treatments=(*COURSE.treatments, Treatment(at=datetime(2026, 6, 1))))
    run(refs[:3], store, course=later)
    assert read == []


def test_a_mark_is_measured_in_every_photo(refs, store, read):
    mark = Mark(name="scar", photo=refs[0].file, polygon_xy=((300, 400), (360, 400), (360, 450), (300, 450)))
    result = run(refs[:3], store, course=replace(COURSE, marks=(mark,)))
    assert set(read) == {"0.png", "1.png", "2.png"}
    assert found(result) == found(run(refs[:3], None, course=replace(COURSE, marks=(mark,))))


def test_an_entry_that_is_damaged_is_found_out_again(refs, remembered, store):
    for path in list(store.iterdir())[::2]:
        os.truncate(path, path.stat().st_size // 2)
    assert found(run(refs[:3], store)) == found(remembered[1])


def test_a_photo_that_ended_a_process_is_rejected_and_the_others_are_compared(refs, store):
    from skinprogress.errors import PhotoError

    bad = refs[1]
    for path in store.iterdir():
        path.unlink()
    Store(store).blame(bad.sha256, PhotoError("decoder_crashed", "its decoder crashed", "convert it"))
    result = run(refs[:3], store)
    assert [(r.file, r.code) for r in result.rejected] == [(bad.file, "decoder_crashed")]
    assert len(result.sessions) == 2


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_order_and_an_error_where_it_belongs(threads):
    assert list(in_order(lambda x: x * x, range(9), threads=threads)) == [x * x for x in range(9)]
    results = in_order(lambda x: 6 // x, [3, 2, 0, 1], threads=threads)
    assert [next(results), next(results)] == [2, 3]
    with pytest.raises(ZeroDivisionError):
        next(results)
