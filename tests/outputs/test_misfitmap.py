"""The alignment picture shows both photos as they are measured, and says where that can be trusted."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from skinprogress.face.mapping import map_landmarks
from skinprogress.outputs.fit import describe_fit, describe_photo_fit, list_hidden, places_text, scale_text
from skinprogress.outputs.misfitmap import (
    alignments_for_report,
    explain,
    plot_alignment,
    write_alignments,
)
from skinprogress.outputs.pictures import Pictures
from skinprogress.outputs.registration_view import TILE_IOD, lay_over, photo_to_check
from skinprogress.outputs.report import render_report
from skinprogress.outputs.rows import group_changes
from skinprogress.records import ClientResult, Flag, Inspection

Fake = Callable[..., ClientResult]
ONE = {"metrics": ("redness",), "photos_per_session": 1}
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def client(fake_result: Fake, tmp_path: Path) -> ClientResult:
    """Two sessions with the same photo."""
    return fake_result(2, folder=tmp_path / "photos", **ONE)


def _checked(result: ClientResult) -> Inspection:
    photo = photo_to_check(result, "front")
    assert photo is not None
    return photo


def _repaint(client: ClientResult, photo: Inspection, change: Callable[[np.ndarray], np.ndarray]) -> Inspection:
    """Change the pixels of a photo; the result knows nothing of what stood in the file before."""
    cv2.imwrite(str(photo.ref.path), change(cv2.imread(str(photo.ref.path))), [cv2.IMWRITE_JPEG_QUALITY, 95])
    anew = dataclasses.replace(photo, ref=dataclasses.replace(photo.ref, sha256=""))
    client.inspections[photo.ref.file] = anew
    return anew


def _texts(figure: Any) -> str:
    from matplotlib.text import Text

    figure.draw_without_rendering()  # the words of a scale are there only then
    return " | ".join(" ".join(t.get_text().split()) for t in figure.findobj(Text) if t.get_text())


def _off(laid: Any) -> float:
    """Mean difference of the two pictures within the face, 0..255."""
    return float(np.abs(laid.reference.astype(float) - laid.aligned)[laid.face].mean())


def test_squares_of_both_photos_alternate(client: ClientResult) -> None:
    photo = _checked(client)
    photo = _repaint(client, photo, lambda bgr: np.ascontiguousarray(bgr[..., ::-1]))
    laid = lay_over(client, photo)
    assert _off(laid) > 20
    height, width = laid.face.shape
    tile = TILE_IOD * laid.iod_px
    seen = set()
    for row in range(int(height // tile)):
        for column in range(int(width // tile)):
            at = np.s_[
                int(row * tile) + 2 : int((row + 1) * tile) - 2, int(column * tile) + 2 : int((column + 1) * tile) - 2
            ]
            if laid.face[at].all():
                shown = laid.aligned if (row + column) % 2 else laid.reference
                np.testing.assert_array_equal(laid.checkerboard[at], shown[at])
                seen.add((row + column) % 2)
    assert seen == {0, 1}


def test_around_the_face_both_are_the_pale_reference_photo(client: ClientResult) -> None:
    photo = _checked(client)
    photo = _repaint(client, photo, lambda bgr: 255 - bgr)
    laid = lay_over(client, photo)
    away = cv2.dilate(laid.face.astype(np.uint8), np.ones((13, 13), np.uint8)) == 0
    assert away.mean() > 0.1
    np.testing.assert_array_equal(laid.reference[away], laid.aligned[away])
    assert laid.reference[away].mean() > 150


def test_landmarks_and_refinement_together_say_where_the_skin_lies(client: ClientResult) -> None:
    photo = _checked(client)
    assert _off(lay_over(client, photo)) < 1.0
    # Landmarks that are 6 px off; the shift of the registration undoes it.
    marks = photo.landmarks
    wrong = dataclasses.replace(marks, points_xy=marks.points_xy + np.array([6.0, 0.0]))
    client.inspections[photo.ref.file] = moved = dataclasses.replace(photo, landmarks=wrong)
    off = _off(lay_over(client, moved))
    side = 32
    ticks = (np.arange(side) + 0.5) / side
    places = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    face_map = map_landmarks(marks)
    shift = np.nan_to_num(face_map.places(face_map.at(places) - [6.0, 0.0]) - places).reshape(side, side, 2)
    known = client.registrations[photo.ref.file]
    client.registrations[photo.ref.file] = dataclasses.replace(known, shift=shift.astype(np.float32))
    assert _off(lay_over(client, moved)) < 0.25 * off


def test_a_turned_photo_is_drawn_in_the_geometry_of_the_reference_photo(client: ClientResult) -> None:
    photo = _checked(client)
    matrix = cv2.getRotationMatrix2D((700, 500), 12, 0.8)
    place = matrix.copy()
    place[:, 2] += place[:, :2] @ [0.5, 0.5] - 0.5
    photo = _repaint(client, photo, lambda bgr: cv2.warpAffine(bgr, place, (1300, 1500), flags=cv2.INTER_AREA))
    points = photo.landmarks.points_xy @ matrix[:, :2].T + matrix[:, 2]
    turned = dataclasses.replace(
        photo, width_px=1300, height_px=1500, landmarks=dataclasses.replace(photo.landmarks, points_xy=points)
    )
    client.inspections[photo.ref.file] = turned
    assert _off(lay_over(client, turned)) < 4.0


def test_another_exposure_is_evened_out_for_the_eye_and_told(client: ClientResult) -> None:
    photo = _checked(client)
    assert lay_over(client, photo).brightness == 1.0
    photo = _repaint(client, photo, lambda bgr: (bgr * 0.7).astype(np.uint8))
    laid = lay_over(client, photo)
    assert 1.7 < laid.brightness < 2.6  # 0.7 of the stored value is less than half of the light
    assert _off(laid) < 6
    told = " ".join(explain(laid))
    assert (
        "times as bright, to look like the reference photo" in told and "nothing was measured from this picture" in told
    )


def test_the_picture_says_what_it_is(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, folder=tmp_path / "photos", refused=("chin", "jaw_left", "jaw_right"), **ONE)
    (path,) = write_alignments(result, tmp_path / "out")
    assert path.relative_to(tmp_path / "out").as_posix() == "composites/alignment_front.jpg"
    assert path.stat().st_size < 150_000
    with Image.open(path) as picture:
        assert picture.width > picture.height > 400
    text = _texts(plot_alignment(lay_over(result, _checked(result))))
    said = "Warped for measurement, not for publication."
    for words in (said, "forehead", "0.10 %", "8 of 11 regions", "0.5 %", "0.2 mm", "on the chin and"):
        assert words in text
    assert text.count("landmarks only") == 3


def test_nothing_found_again_is_said_so(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, folder=tmp_path / "photos", refused=("all",), **ONE)
    text = _texts(plot_alignment(lay_over(result, _checked(result))))
    assert text.count("landmarks only") == 11
    assert "Pores and spots were not found again anywhere" in text.replace(" | ", " ")
    page = render_report(result, tmp_path)
    assert "not found again anywhere: the landmarks alone say where the skin lies (about 1.4 % of" in page
    assert "pores and spots not found again" in page


def test_one_session_or_no_registration_has_no_picture(fake_result: Fake, tmp_path: Path) -> None:
    single = fake_result(1, folder=tmp_path / "photos", **ONE)
    before = dataclasses.replace(fake_result(2, folder=tmp_path / "photos", **ONE), registrations={})
    for result in (single, before):
        assert photo_to_check(result, "front") is None
        assert write_alignments(result, tmp_path / "out") == []
        assert list(alignments_for_report(result, Pictures(tmp_path).embed)) == []
        assert "How well the photos lie" not in render_report(result, tmp_path)
    assert not (tmp_path / "out").exists()


def test_photos_that_are_gone_leave_the_words(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, **ONE)
    assert write_alignments(result, tmp_path) == []
    (section,) = alignments_for_report(result, Pictures(tmp_path).embed)
    assert section["looks"] == () and section["fit"].startswith("All 11 regions were found again")
    assert section["fit"] in render_report(result, tmp_path)


def test_every_view_has_its_own(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, folder=tmp_path / "photos", views=("front", "left_oblique"), **ONE)
    names = {p.name for p in write_alignments(result, tmp_path / "out")}
    assert names == {"alignment_front.jpg", "alignment_left_oblique.jpg"}


def test_looks_work_by_keyboard_and_blink_only_where_motion_is_welcome(client: ClientResult, tmp_path: Path) -> None:
    page = render_report(client, tmp_path)
    radios = re.findall(r'<input type="radio" name="(\S+)" id="(\S+)"[^>]*><label for="(\S+)">([^<]+)<', page)
    assert [name for *_, name in radios] == ["Squares", "Reference", "Laid over it", "Blink"]
    assert len({group for group, *_ in radios}) == 1
    assert all(own == of for _, own, of, _ in radios)
    assert page.count(" checked>") == 1
    still = page.split("prefers-reduced-motion: reduce")[1].split("}\n")[0]
    assert "animation: none" in still and ".look-blink" in still
    stack = page.split('<div class="stack">')[1].split("</div>")[0]
    assert len(re.findall(r'src="data:image/', stack)) == 3
    assert sum(map(len, re.findall(r'src="(data:[^"]+)', page.split('class="check"')[1]))) < 200_000


def test_names_are_never_markup(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, dates=False, folder=tmp_path / "photos", **ONE)
    photo = _checked(result)
    ref = dataclasses.replace(photo.ref, session=EVIL)
    result.inspections[ref.file] = dataclasses.replace(photo, ref=ref)
    changes = tuple(dataclasses.replace(c, to_session=EVIL) for c in result.changes)
    sessions = (result.sessions[0], EVIL)
    phases = {**result.plan.phases, EVIL: dataclasses.replace(result.plan.phases[result.sessions[1]], session=EVIL)}
    plan = dataclasses.replace(result.plan, sessions=sessions, phases=phases)
    odd = dataclasses.replace(result, sessions=sessions, plan=plan, changes=changes)
    page = render_report(odd, tmp_path)
    section = page.split("How well the photos lie over each other")[1]
    assert EVIL not in page and section.count("&lt;img src=x onerror=alert(1)&gt;") >= 3


def test_fit_in_words(client: ClientResult) -> None:
    known = client.registrations[_checked(client).ref.file]
    assert describe_fit(known, 63.0) == (
        "All 11 regions were found again by pores and spots, to about 0.15 % of the distance between the eyes, 0.09 mm."
    )
    hidden = {**known.misfit_percent_iod, "cheek_left": float("nan"), "chin": 1.4}
    partly = dataclasses.replace(
        known,
        misfit_percent_iod=hidden,
        accepted=tuple(r for r in known.accepted if r not in ("cheek_left", "chin")),
        refused=("cheek_left", "chin"),
    )
    text = describe_fit(partly, 63.0)
    assert text.startswith("9 of 11 regions were found again")
    assert "not found again on the chin: there the landmarks alone say where the skin lies (about 1.4 %" in text
    assert text.endswith("Too little skin can be seen in both photos on the left cheek.")


def test_left_and_right_of_one_kind_are_named_together() -> None:
    assert places_text(("jaw_left", "jaw_right", "periorbital_left", "periorbital_right")) == (
        "around both eyes and on both jaws"
    )
    assert places_text(("jaw_right", "glabella")) == "between the brows and on the right jaw"


def test_a_photo_tells_of_its_fit_only_where_something_is_missing(fake_result: Fake) -> None:
    told = [describe_photo_fit(p) for p in fake_result(2, refused=("chin",), **ONE).photos]
    assert told == ["", "pores and spots found again in 10 of 11 regions", ""]


def _covered(result: ClientResult, region: str, coverage: float, hidden_by: str) -> ClientResult:
    rows = (
        dataclasses.replace(m, coverage=coverage, hidden_by=hidden_by)
        if m.region == region
        else dataclasses.replace(m, coverage=0.97, hidden_by="")
        for m in result.measurements
    )
    return dataclasses.replace(result, measurements=tuple(rows))


def test_hidden_skin_is_listed_with_what_hides_it_and_nothing_where_all_is_fine(
    fake_result: Fake, tmp_path: Path
) -> None:
    result = _covered(fake_result(2, **ONE), "cheek_left", 0.62, "hair 0.21; beard 0.10; shine 0.01")
    page = render_report(result, tmp_path)
    assert "Skin that could not be used in 2 photos" in page
    assert "left cheek 62 % (hair 21 %, beard 10 %, seen edge-on or badly exposed 6 %)" in page
    assert "could not be used in" not in render_report(_covered(result, "cheek_left", 0.85, "hair 0.1"), tmp_path)
    # The sides of the nose face away in every photo: no news.
    assert list_hidden(_covered(result, "nose", 0.75, "shine 0.02")) == {}


def test_low_coverage_says_what_hides_the_skin(fake_result: Fake) -> None:
    result = _covered(fake_result(2, **ONE), "chin", 0.3, "beard 0.60")
    changes = [
        dataclasses.replace(c, course_status="", flags=Flag.LOW_COVERAGE if c.region in ("chin", "nose") else Flag.NONE)
        for c in result.changes
        if c.against == "baseline"
    ]
    rows = {row.region: row.remarks for g in group_changes(result, changes) for row in (*g.shown, *g.unshown)}
    low = "less than half of the region's skin could be used"
    assert rows["chin"] == (f"{low} (beard 60 %, seen edge-on or badly exposed 10 %)",)
    assert rows["nose"] == (low,)


def test_flags_of_the_taking_say_what_helps(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, **ONE)
    first, second, *rest = result.photos
    odd = (
        dataclasses.replace(first, flags=first.flags | Flag.CAMERA_TOO_NEAR),
        dataclasses.replace(second, flags=second.flags | Flag.MIRRORED_FOUND),
    )
    page = render_report(dataclasses.replace(result, photos=(*odd, *rest)), tmp_path)
    assert "narrows the cheeks: step back to an arm&#39;s length and a half and zoom in" in page
    assert "mirror image of the reference photo and was flipped to match it: switch off" in page


def test_the_scale_says_how_well_it_is_known(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(1, **ONE)
    assert "± 6 % (95 %), from the irises" in scale_text(result.plan)  # the made-up result has 3 %
    guessed = {file: flags | Flag.SCALE_FROM_LANDMARKS for file, flags in result.plan.flags.items()}
    plan = dataclasses.replace(result.plan, scale_relative_se=0.08, flags=guessed)
    assert "± 16 % (95 %), from the proportions of an average adult face" in scale_text(plan)
    assert "Millimetres are known to ± 6 %" in render_report(result, tmp_path)
