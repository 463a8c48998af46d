"""The light page shows what of a difference of redness was light, where, and what that leaves open."""

import csv
import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest
from PIL import Image

from skinprogress.color.spaces import srgb_to_linear
from skinprogress.outputs.chosen import best_measurements
from skinprogress.outputs.light_page import MAP_TITLES, describe_lights, list_light_pairs, list_lights
from skinprogress.outputs.light_pictures import read_light_maps, render_ball, render_map, render_scale
from skinprogress.outputs.light_sheet import render_light_sheet, write_light_sheets
from skinprogress.outputs.registration_view import picture_frame
from skinprogress.outputs.report import render_report
from skinprogress.outputs.series import session_values
from skinprogress.outputs.tables import measurements_frame, render_csv, render_parquet
from skinprogress.records import Change, ClientResult, Comparison, Flag, PhotoLight, PhotoReport

Fake = Callable[..., ClientResult]
Redden = Callable[..., npt.NDArray[np.uint8]]
ONE = {"metrics": ("redness", "texture_uniformity"), "regions": ("face", "nose"), "photos_per_session": 1}
EVIL = "<img src=x onerror=alert(1)>"
AHEAD = (0.0, 0.0, 0.0)
LEFT_CHEEK = 425
RIGHT_CHEEK = 205


@pytest.fixture
def client(fake_result: Fake, tmp_path: Path) -> ClientResult:
    """Two sessions with the same photo, and a light of 2 a*-eq that was found all the same."""
    return fake_result(2, folder=tmp_path / "photos", light_removed=2.0, **ONE)


def _section(result: ClientResult, out: Path) -> str:
    html = render_report(result, out)
    return html.split('<section id="lights"')[1].split("</section>")[0]


def _ball(light: PhotoLight, pose_deg: tuple[float, float, float] = AHEAD) -> npt.NDArray[np.float32]:
    rgb = render_ball(light, pose_deg=pose_deg, side_px=100)
    assert (rgb[0, 0] == 255).all()
    return srgb_to_linear(rgb)


def test_the_ball_is_lit_from_where_the_light_comes() -> None:
    left, right = ((slice(45, 55), slice(a, b)) for a, b in ((80, 88), (12, 20)))
    top, foot, middle = ((slice(a, b), slice(45, 55)) for a, b in ((12, 20), (80, 88), (45, 55)))
    aside = _ball(PhotoLight(azimuth_deg=60.0, elevation_deg=0.0, directionality=0.8, color_mix=0.0))
    # The client's left is at the right of the picture, as on the face.
    assert aside[left].mean() > 3 * aside[right].mean()
    assert aside[top].mean() == pytest.approx(aside[foot].mean(), rel=0.02)
    above = _ball(PhotoLight(azimuth_deg=0.0, elevation_deg=60.0, directionality=0.8, color_mix=0.0))
    assert above[top].mean() > 3 * above[foot].mean()
    ahead = PhotoLight(azimuth_deg=0.0, elevation_deg=0.0, directionality=0.8, color_mix=0.0)
    assert _ball(ahead)[middle].mean() > 1.2 * _ball(ahead)[left].mean()
    # A head that is turned to its left takes the light that falls on it straight along.
    turned = _ball(ahead, (30.0, 0.0, 0.0))
    assert turned[left].mean() > 1.3 * turned[right].mean()


def test_softer_light_leaves_softer_shadows_and_none_without_a_direction() -> None:
    def contrast(directionality: float) -> float:
        ball = _ball(PhotoLight(azimuth_deg=90.0, elevation_deg=0.0, directionality=directionality, color_mix=0.0))
        return float(ball[50, 15].mean() / ball[50, 90].mean())

    # Even light from all around sends a quarter of its sum on a surface, a lamp all of it, by the cosine to it.
    cosine = 0.905 * 2.06 - 1.03
    assert contrast(0.5) == pytest.approx(0.125 / (0.125 + 0.5 * cosine), rel=0.03)
    assert contrast(0.9) < 0.1 < contrast(0.5) < contrast(0.2)
    even = _ball(PhotoLight(directionality=0.05, color_mix=0.0))[20:80, 20:80]
    assert np.ptp(even) < 0.01
    unknown = _ball(PhotoLight())[20:80, 20:80]
    assert np.ptp(unknown) < 0.01


def test_the_ball_is_yellower_on_the_warm_side_and_nowhere_else() -> None:
    light = PhotoLight(
        azimuth_deg=0.0, elevation_deg=0.0, directionality=0.3, color_mix=0.3, warm_azimuth_deg=90.0, shine_share=0.0
    )
    red_to_blue = np.log(_ball(light)[50, :, 0] / _ball(light)[50, :, 2])
    assert red_to_blue[85] == pytest.approx(-red_to_blue[14], abs=0.05)
    assert red_to_blue[85] > 0.2
    plain = _ball(dataclasses.replace(light, warm_azimuth_deg=math.nan))
    np.testing.assert_array_equal(plain[..., 0], plain[..., 2])


def test_maps_show_a_change_where_it_is_and_in_its_size(
    client: ClientResult, redden: Redden, known_anew: Callable[[ClientResult], None]
) -> None:
    reference, later = client.inspections.values()
    center = later.landmarks.points_xy[LEFT_CHEEK]
    rgb = cv2.imread(str(later.ref.path))[..., ::-1]
    spot = np.zeros(rgb.shape[:2], np.uint8)
    cv2.circle(spot, tuple(np.round(center).astype(int)), 36, 1, -1)
    cv2.imwrite(str(later.ref.path), redden(rgb, 5.0, mask=spot > 0)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 97])
    known_anew(client)
    maps = read_light_maps(client, client.light_differences[0])

    to_photo, size = picture_frame(client, reference, "front")
    assert maps.raw.shape == size
    to_picture = np.linalg.inv(np.vstack([to_photo, [0, 0, 1]]))
    places = reference.landmarks.points_xy[[LEFT_CHEEK, RIGHT_CHEEK]]
    (x, y), (x_other, y_other) = (np.column_stack([places, [1, 1]]) @ to_picture.T)[:, :2].astype(int)
    assert x > x_other  # the client's left cheek is at the right
    here, there = maps.raw[y, x], maps.raw[y_other, x_other]
    assert here - there == pytest.approx(5.0, rel=0.1)
    away = np.isfinite(maps.raw)
    cv2.circle(spot := away.astype(np.uint8), (int(x), int(y)), 60, 0, -1)
    # The second JPEG of the same picture is not quite the first.
    assert np.ptp(np.percentile(maps.raw[spot > 0], (1, 99))) < 0.4
    # What was called light is taken out, and nothing else.
    np.testing.assert_allclose(maps.compensated, maps.raw - maps.removed, atol=1e-4)
    assert maps.removed[y, x] - maps.removed[y_other, x_other] > 1.0
    assert np.nanmean(maps.removed) == pytest.approx(0.0, abs=0.4)


def test_the_light_is_laid_over_the_face_as_the_fit_does(client: ClientResult) -> None:
    difference = client.light_differences[0]
    maps = read_light_maps(client, difference)
    # The same photo twice: whatever was taken out stands with the other sign in what is left.
    assert np.nanmax(np.abs(maps.raw)) < 0.1
    np.testing.assert_allclose(maps.compensated, -maps.removed, atol=0.1)
    # The frame's whole width is 2 √3 standard deviations, of which the face fills most.
    assert 1.2 * 2.0 * math.sqrt(3) < np.ptp(maps.removed[np.isfinite(maps.removed)]) < 2 * 2.0 * math.sqrt(3)
    rows = np.flatnonzero(maps.doubtful.any(axis=1))
    known = np.flatnonzero(np.isfinite(maps.raw).any(axis=1))
    assert rows[0] == known[0] and rows[-1] < np.mean(known)  # the forehead alone, where the error is 1.5


def test_colours_say_which_way_and_the_pale_face_says_nothing(client: ClientResult) -> None:
    maps = read_light_maps(client, client.light_differences[0])
    rgb = render_map(maps, maps.removed, limit=maps.limit).astype(int)
    assert maps.limit == 4.0
    clear = ~maps.doubtful
    redder, less = ((sign * maps.removed > 1.5) & clear for sign in (1, -1))
    assert (rgb[redder][:, 0] > rgb[redder][:, 2] + 20).mean() > 0.98
    assert (rgb[less][:, 2] > rgb[less][:, 0] + 20).mean() > 0.98
    around = cv2.dilate(np.isfinite(maps.raw).astype(np.uint8), np.ones((9, 9))) == 0
    assert (np.ptp(rgb[around], axis=1) == 0).all()
    hatched = rgb[maps.doubtful].mean(axis=1)
    assert (hatched < 170).mean() == pytest.approx(2 / 9, abs=0.06)
    scale = render_scale(4.0, width_px=400).astype(int)
    row = scale[np.argmax((scale.min(axis=2) < 100).sum(axis=1))]
    assert row[60, 2] > row[60, 0] + 40 and row[340, 0] > row[340, 2] + 40


def test_words_of_a_light_that_would_have_lied(client: ClientResult) -> None:
    changes = [
        dataclasses.replace(c, flags=Flag.LIGHT_DIFFERS, difference=math.nan) if "texture" in c.metric else c
        for c in client.changes
    ]
    client = dataclasses.replace(client, changes=tuple(changes))
    (pair,) = describe_lights(client)
    assert (pair.short, pair.small) == ("2.0 a*-eq taken out", False)
    before, after = pair.photos
    assert before.words == "From the right and above, strongly directed."
    assert after.words == "From above, soft; yellower light from the left; 4 % of the face shines."
    assert pair.lead[0].startswith("The light comes from the right and above in the earlier session and from above")
    assert "Next time, turn the chair" in pair.lead[0]
    assert pair.lead[1].startswith("The light alone would have faked differences of redness of 2.0 a*-eq")
    assert pair.lead[2].startswith("The light alone leaves ± 1.0 a*-eq open")  # 1.96 × 0.5
    assert pair.lead[3].startswith("Hatched: the light leaves more than ± 2 a*-eq open")
    assert pair.lead[4].startswith("Texture unevenness was not compared: the two lights")
    assert list_light_pairs(client)[0][1:] == ("48°", "2.0 a*-eq", "± 1.0 a*-eq", "not compared")
    assert [row[2] for row in list_lights(client)] == ["40°\u00a0right, 35°\u00a0up", "10°\u00a0left, 40°\u00a0up"]


def test_hardly_any_light_keeps_the_section_small(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, folder=tmp_path / "photos", light_removed=0.04, **ONE)
    (pair,) = describe_lights(result)
    assert pair.small and pair.short == "hardly anything taken out"
    assert "The light hardly plays a part: 0.04 a*-eq of redness" in pair.lead[1]
    section = _section(result, tmp_path)
    assert "<details" in section and "open>" not in section.replace("leaves open", "")


def test_grade_f_is_said(client: ClientResult) -> None:
    refused = tuple(
        dataclasses.replace(c, grade="F", reasons=("the light comes from elsewhere",)) for c in client.comparisons
    )
    (pair,) = describe_lights(dataclasses.replace(client, comparisons=refused))
    assert pair.lead[-1] == "These sessions are not compared (grade F): the light comes from elsewhere."


def test_the_pair_is_that_of_the_headline_or_the_last_one_known(fake_result: Fake) -> None:
    result = fake_result(6, light_removed=2.0, **ONE)
    (pair,) = describe_lights(result)
    assert pair.photos[1].name.startswith("25 April 2026")
    known = tuple(d for d in result.light_differences if d.to_session != result.sessions[-1])
    (pair,) = describe_lights(dataclasses.replace(result, light_differences=known))
    assert pair.photos[1].name.startswith("21 March 2026")


def test_light_left_alone_leaves_no_section(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(3, **ONE)
    assert result.settings.light == "raw"
    assert list(describe_lights(result)) == list_lights(result) == list_light_pairs(result) == []
    assert write_light_sheets(result, tmp_path) == []
    assert '<section id="lights"' not in render_report(result, tmp_path)


def test_the_page_holds_pictures_words_and_figures(client: ClientResult, tmp_path: Path) -> None:
    section = _section(client, tmp_path)
    assert section.count("<img") == 2 * 2 + 3 + 1  # faces with balls, maps, their scale
    assert all(title in section for title in MAP_TITLES)
    assert section.count("<tr>") == 2 + 2 + 1
    assert 'src="http' not in section and "style=" not in section


def test_photos_that_are_gone_leave_the_words(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, light_removed=2.0, **ONE)
    (pair,) = describe_lights(result)
    assert pair.maps is None and pair.photos[0].face is None
    assert "The light alone would have faked" in pair.lead[1]
    assert _section(result, tmp_path).count("<img") == 2  # the balls need no photo
    assert write_light_sheets(result, tmp_path) == []
    with pytest.raises(ValueError, match="gone"):
        render_light_sheet(pair)


def test_names_are_never_markup(client: ClientResult, tmp_path: Path) -> None:
    (file, light), *rest = client.lights.items()
    inspections = dict(client.inspections)
    photo = inspections.pop(file)
    inspections[EVIL] = dataclasses.replace(photo, ref=dataclasses.replace(photo.ref, file=EVIL))
    for of in (client.plan.view_of, client.plan.corrections, client.plan.mm_per_px):
        of[EVIL] = of[file]
    client.plan.reference_of["front"] = EVIL
    result = dataclasses.replace(client, lights={EVIL: light, **dict(rest)}, inspections=inspections, photos=())
    section = _section(result, tmp_path)
    assert "<img src=x" not in section and "&lt;img src=x" in section


def test_one_sheet_a_view(fake_result: Fake, tmp_path: Path) -> None:
    views = ("front", "left_oblique")
    result = fake_result(2, folder=tmp_path / "photos", light_removed=2.0, views=views, **ONE)
    paths = write_light_sheets(result, tmp_path)
    assert [p.name for p in paths] == ["light_front.jpg", "light_left_oblique.jpg"]
    with Image.open(paths[0]) as picture:
        assert picture.width == 1500 and 1000 < picture.height < 1500
        assert np.asarray(picture)[:, -25:].min() > 245  # nothing runs into the right edge
    assert {row[0].split(", ", 1)[1] for row in list_light_pairs(result)} == {"front", "left side, half turned"}


def _compensated(result: ClientResult, session: str, by: float) -> ClientResult:
    more = [
        dataclasses.replace(m, method="compensated", value=m.value + by)
        for m in result.measurements
        if m.session == session and m.metric == "redness"
    ]
    return dataclasses.replace(result, measurements=(*result.measurements, *more))


def test_a_trend_goes_by_compensated_values_where_they_are(fake_result: Fake) -> None:
    raw = fake_result(3, **ONE)
    result = _compensated(raw, raw.sessions[-1], -2.5)
    n = len(raw.measurements)
    assert len(list(best_measurements(result))) == n < len(result.measurements)
    assert len(measurements_frame(result)) == len(result.measurements)

    def points(one: ClientResult) -> set[float]:
        sessions = session_values(one, "redness", "front").values()
        return {round(value, 4) for found in sessions for value, _ in found.values()}

    expected = {round(m.value, 4) for m in best_measurements(result, "redness") if math.isfinite(m.value)}
    assert points(result) == expected != points(raw)


def test_light_stands_in_the_tables_and_what_is_unknown_is_empty(client: ClientResult) -> None:
    def first(record: type, rows: Sequence[Any]) -> dict[str, str]:
        return next(csv.DictReader(render_csv(record, rows).splitlines()))

    row = first(Comparison, client.comparisons)
    assert (row["light_removed"], row["light_uncertainty"], row["light_angle_deg"]) == ("2.0", "0.5", "48.0")
    unknown = dataclasses.replace(client.comparisons[0], light_removed=math.nan, light_angle_deg=math.nan)
    row = first(Comparison, [unknown])
    assert (row["light_removed"], row["light_uncertainty"], row["light_angle_deg"]) == ("", "0.5", "")
    row = first(PhotoReport, client.photos)
    assert (row["light"], row["light_azimuth_deg"], row["shine_share"]) == ("made up", "-40.0", "0.002")
    assert row["warm_azimuth_deg"] == row["light_color_mix"] == ""


def test_parquet_holds_the_error_that_the_light_leaves(client: ClientResult, tmp_path: Path) -> None:
    known = dataclasses.replace(client.changes[0], light_standard_error=0.4)
    (tmp_path / "c.parquet").write_bytes(render_parquet(Change, [known, client.changes[1]]))
    column = pq.read_table(tmp_path / "c.parquet")["light_standard_error"].to_pylist()
    assert column[0] == 0.4 and math.isnan(column[1])
