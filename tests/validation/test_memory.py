"""How much memory a client takes: what is looked up, and the clients made for it."""

import sys

import cv2
import numpy as np
import pytest

from skinprogress.validation.memory import Watch, make_client, measure_apart, render_table, resident_mb

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not tell")


def test_each_stage_has_its_own_peak():
    watch = Watch()
    with watch.watching():
        watch.stage = "little"
        watch.look()
        watch.stage = "much"
        block = np.ones(60_000_000, np.uint8)
        watch.look()
        del block
    assert list(watch.peaks_mb)[-2:] == ["little", "much"]
    assert watch.peaks_mb["much"] - watch.peaks_mb["little"] > 50
    assert resident_mb("VmHWM") >= watch.peaks_mb["much"] - 1


def test_the_client_has_the_photos_asked_for(tmp_path):
    folder = make_client(tmp_path / "client", 3.0, sessions=2, shots=2)
    photos = sorted(folder.glob("*/*.jpg"))
    assert [p.parent.name for p in photos] == ["2025-01-15"] * 2 + ["2025-02-15"] * 2
    sizes = [np.asarray(cv2.imread(str(p))).size / 3e6 for p in photos]
    assert sizes == pytest.approx([3.0] * 4, rel=0.01)


def test_a_stage_that_only_one_client_went_through_is_in_the_table():
    table = render_table({"a": {"list": 1.0, "at most": 9.0}, "b": {"list": 2.0, "charts": 3.0, "at most": 8.0}})
    assert [line.split() for line in table.splitlines()] == [
        ["MB", "a", "b"],
        ["list", "1", "2"],
        ["charts", "nan", "3"],
        ["at", "most", "9", "8"],
    ]


def test_a_client_that_cannot_be_done_is_an_error(tmp_path, capfd):
    with pytest.raises(Exception, match="returned non-zero"):
        measure_apart(tmp_path)
    assert "NothingMeasuredError" in capfd.readouterr().err
