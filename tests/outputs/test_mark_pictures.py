"""A mark is seen in every session at the same place and scale, with what was measured on it."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.text import Text

from skinprogress.outputs.charts import plot_trend
from skinprogress.outputs.facemap import plot_face_map, read_face_crop
from skinprogress.outputs.mark_outlines import mark_outlines_xy
from skinprogress.outputs.mark_pictures import CROP_PX, MarkStrip, describe_marks
from skinprogress.outputs.mark_sheet import render_mark_sheet, write_mark_sheets
from skinprogress.outputs.report import render_report
from skinprogress.outputs.style import ordered_regions
from skinprogress.outputs.summary import summarize
from skinprogress.records import ClientResult, Verdict

Fake = Callable[..., ClientResult]
NAME = "scar_1 <left>"
ONE = {"metrics": ("redness", "texture_uniformity"), "regions": ("face", "cheek_left"), "photos_per_session": 1}


def _client(fake_result: Fake, folder: Path, n_sessions: int = 2, **more: object) -> ClientResult:
    return fake_result(n_sessions, folder=folder, not_comparable=False, marks=(NAME,), **{**ONE, **more})


def _only(result: ClientResult) -> MarkStrip:
    (strip,) = describe_marks(result)
    return strip


def _turned(result: ClientResult, by_deg: float, scale: float) -> ClientResult:
    """The same client, the last photo taken with a tilted and nearer camera."""
    *_, last = result.inspections.values()
    rgb = cv2.imread(str(last.ref.path))
    matrix = cv2.getRotationMatrix2D((rgb.shape[1] / 2, rgb.shape[0] / 2), by_deg, scale)
    cv2.imwrite(str(last.ref.path), cv2.warpAffine(rgb, matrix, rgb.shape[1::-1]), [cv2.IMWRITE_JPEG_QUALITY, 97])
    points = last.landmarks.points_xy @ matrix[:, :2].T + matrix[:, 2]
    ref = dataclasses.replace(last.ref, sha256="")  # whatever stands in the file now
    turned = dataclasses.replace(last, ref=ref, landmarks=dataclasses.replace(last.landmarks, points_xy=points))
    return dataclasses.replace(result, inspections={**result.inspections, last.ref.file: turned})


def _difference(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> float:
    return float(np.abs(cv2.GaussianBlur(a, (0, 0), 2).astype(float) - cv2.GaussianBlur(b, (0, 0), 2)).mean())


def test_the_mark_keeps_its_place_when_the_camera_does_not(fake_result: Fake, tmp_path: Path) -> None:
    result = _turned(_client(fake_result, tmp_path, 3), 17.0, 1.15)
    _, second, turned = (c.rgb for c in _only(result).crops)
    assert turned.shape == (CROP_PX, CROP_PX, 3)
    # Two px to the side are seen: a third of a millimetre.
    aside = _difference(np.roll(second, 2, axis=1)[:, 8:-8], second[:, 8:-8])
    assert _difference(second, turned) < aside


def test_the_first_crop_alone_shows_what_was_outlined(fake_result: Fake, tmp_path: Path) -> None:
    first, second = (c.rgb.astype(int) for c in _only(_client(fake_result, tmp_path)).crops)
    drawn = np.abs(first - second).max(axis=2) > 60
    inside = drawn[40:-40, 40:-40]
    rows, cols = np.nonzero(inside)
    assert len(rows) > 100
    # Round the middle, and nothing on the mark itself.
    assert (rows.min() + rows.max()) / 2 == pytest.approx(CROP_PX / 2 - 40, abs=3)
    assert (cols.min() + cols.max()) / 2 == pytest.approx(CROP_PX / 2 - 40, abs=3)
    assert not drawn[CROP_PX // 2 - 8 : CROP_PX // 2 + 8, CROP_PX // 2 - 8 : CROP_PX // 2 + 8].any()


def test_figures_stand_beneath_each_session(fake_result: Fake, tmp_path: Path) -> None:
    result = _client(fake_result, tmp_path, 6)
    changes = tuple(
        dataclasses.replace(c, verdict="improved", difference=-2.0, ci_low=-3.04, ci_high=-1.0)
        if c.to_session == result.sessions[-1]
        else c
        for c in result.changes
    )
    crops = _only(dataclasses.replace(result, changes=changes)).crops
    assert [c.name for c in crops][::5] == ["10 March 2026", "25 April 2026"]
    assert crops[0].figures == ("baseline",)
    assert crops[1].figures == ("cream on the skin: not compared",)
    assert crops[2].when == "2 hours after treatment 1"
    assert all("within quoted range" in text for text in crops[2].figures)
    assert crops[-1].figures == (
        "Redness −2.0 a* (−3.0 to −1.0): improved",
        "Texture unevenness −2.00 % (−3.04 to −1.00): improved",
    )


def test_what_cannot_be_said_is_said(fake_result: Fake, tmp_path: Path) -> None:
    result = _client(fake_result, tmp_path)
    blind: Verdict = "not comparable"
    changes = tuple(
        dataclasses.replace(c, verdict=blind, difference=math.nan) if c.metric == "redness" else c
        for c in result.changes
    )
    (place,) = result.marks
    result = dataclasses.replace(result, changes=changes, marks=(dataclasses.replace(place, on_skin=0.4),))
    strip = _only(result)
    assert strip.crops[-1].figures[0] == "Redness: not comparable"
    assert strip.lead[-1] == "Only 40 % of what was outlined is bare skin of the face in this view."
    early = tuple(dataclasses.replace(c, course_status="cannot say") for c in changes)
    assert _only(dataclasses.replace(result, changes=early)).crops[-1].figures == ("too soon to judge",)
    assert _only(dataclasses.replace(result, changes=())).crops[-1].figures == ("not compared",)


def test_file_names_are_safe_and_differ(fake_result: Fake, tmp_path: Path) -> None:
    names = ("../x: y", "..\\X? Y", "€")
    result = fake_result(2, folder=tmp_path / "photos", marks=names, **ONE)
    paths = write_mark_sheets(result, tmp_path / "out")
    assert all(p.parent == tmp_path / "out" / "composites" for p in paths)
    assert len({p.name.lower() for p in paths}) == 3
    assert all(p.name.startswith("mark_") for p in paths)


def test_a_sheet_wraps_after_five(fake_result: Fake, tmp_path: Path) -> None:
    few, many = (_only(_client(fake_result, tmp_path / str(n), n)) for n in (5, 6))
    assert len(few.crops) == 5 and len(many.crops) == 6
    assert render_mark_sheet(many).shape[0] > render_mark_sheet(few).shape[0] + CROP_PX
    assert render_mark_sheet(many)[:, -25:].min() > 245


def test_marks_off_the_face_and_photos_that_are_gone_are_left_out(fake_result: Fake, tmp_path: Path) -> None:
    result = _client(fake_result, tmp_path / "photos")
    (place,) = result.marks
    off = dataclasses.replace(place, mask=np.zeros_like(place.mask))
    assert list(describe_marks(dataclasses.replace(result, marks=(off,)))) == []
    *_, last = result.inspections.values()
    last.ref.path.unlink()
    assert len(_only(result).crops) == 1
    gone = fake_result(2, marks=(NAME,), **ONE)
    assert list(describe_marks(gone)) == [] == write_mark_sheets(gone, tmp_path)
    assert '<section id="marks"' not in render_report(gone, tmp_path)


def test_the_report_shows_marks_first_and_by_their_own_names(fake_result: Fake, tmp_path: Path) -> None:
    result = _client(fake_result, tmp_path / "photos")
    html = render_report(result, tmp_path)
    section = html.split('<section id="marks"')[1].split("</section>")[0]
    assert section.count("<img") == 2
    assert "scar_1 &lt;left&gt;" in section and "<left>" not in html
    assert ordered_regions(["neck", "face", "nose", NAME, "forehead"]) == [NAME, "forehead", "nose", "face", "neck"]
    changes = tuple(dataclasses.replace(c, verdict="no detectable change") for c in result.changes)
    group = summarize(dataclasses.replace(result, changes=changes)).groups[0]
    assert [row.region for row in group.unshown] == [NAME, "left cheek", "whole face"]


def test_a_mark_lies_on_the_face_map_and_the_neck_is_named_at_its_foot(fake_result: Fake, tmp_path: Path) -> None:
    regions = ("face", "cheek_left", "nose", "neck")
    result = _client(fake_result, tmp_path, regions=regions, metrics=("redness",))
    crop = read_face_crop(result, view="front")
    (outline,) = crop.outlines_xy[NAME]
    (cheek,) = crop.outlines_xy["cheek_left"]
    middle = outline.mean(axis=0).astype(np.float32)
    assert cv2.pointPolygonTest(cheek.astype(np.float32), (float(middle[0]), float(middle[1])), measureDist=False) > 0
    start, end = result.sessions
    figure = plot_face_map(result, metric="redness", view="front", from_session=start, to_session=end, crop=crop)
    texts = [text.get_text() for text in (*figure.axes[0].texts, *figure.findobj(Text))]
    assert NAME in texts and "neck" not in texts
    (foot,) = {text for text in texts if text.startswith("whole face ")}
    assert " neck " in foot
    # The mark is drawn after the cheek that it lies on.
    regions = next(p for p in figure.artists if isinstance(p, PolyCollection) and p.get_zorder() == 3.0)
    assert [len(path) - 1 for path in regions.get_paths()][-2:] == [len(cheek), len(outline)]
    trend = plot_trend(result, metric="redness", view="front")
    assert any(text.get_text() == NAME for text in trend.findobj(Text))


def test_outlines_follow_the_face(fake_result: Fake, tmp_path: Path) -> None:
    result = _client(fake_result, tmp_path, 3)
    (outline,) = mark_outlines_xy(result, result.marks[0])
    reference = result.inspections[result.plan.reference_of["front"]]
    # The left cheek, the client's own, lies at the right of the photo, between eye and chin.
    eye, chin = reference.landmarks.points_xy[[263, 152]]
    x, y = outline.mean(axis=0)
    assert x > reference.landmarks.points_xy[:, 0].mean() and eye[1] < y < chin[1]
