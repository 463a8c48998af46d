"""Maps of the skin lie where the skin is, share one scale, and say what light and sharpness do to them."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from skinprogress.color.spaces import linear_rgb_to_lab, srgb_to_linear
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.report import render_report
from skinprogress.outputs.skin_page import SkinRow, ViewSkin, describe_skin
from skinprogress.outputs.skin_pictures import (
    DrawnMaps,
    FaceCanvas,
    draw_maps,
    read_canvas,
    render_values,
    scale_colors,
)
from skinprogress.outputs.skin_sheet import render_skin_sheet, write_skin_sheets
from skinprogress.outputs.spot_pictures import render_spots
from skinprogress.records import ClientResult, Flag, SkinMap

Fake = Callable[..., ClientResult]
MAPPED = ("redness_index", "melanin_index", "texture_uniformity")
ONE = {"metrics": (*MAPPED, "red_spots"), "regions": ("face", "cheek_left"), "photos_per_session": 1, "maps": True}
EVIL = "<img src=x onerror=alert(1)>"
LEFT_CHEEK, RIGHT_CHEEK = 425, 205


@pytest.fixture
def client(fake_result: Fake, tmp_path: Path) -> ClientResult:
    """Two sessions; the later one has 3 a*-eq more everywhere, and a third less texture."""
    return _judged(fake_result(2, folder=tmp_path / "photos", **ONE))


@pytest.fixture
def canvas(client: ClientResult) -> FaceCanvas:
    return read_canvas(client, "front")


def _judged(result: ClientResult) -> ClientResult:
    changes = (
        dataclasses.replace(
            c, verdict="no detectable change", difference=0.5, ci_low=-0.5, ci_high=1.5, flags=Flag.NONE
        )
        for c in result.changes
    )
    return dataclasses.replace(result, changes=tuple(changes))


def _graded(result: ClientResult, **values: object) -> ClientResult:
    rows = tuple(dataclasses.replace(c, **values) for c in result.comparisons)  # type: ignore[arg-type]
    return dataclasses.replace(result, comparisons=rows)


def _only(result: ClientResult) -> ViewSkin:
    (skin,) = describe_skin(result)
    return skin


def _row(result: ClientResult, title: str) -> SkinRow:
    return next(r for r in _only(result).rows if r.title.startswith(title))


def _drawn(client: ClientResult, canvas: FaceCanvas, metric: str, **how: bool) -> DrawnMaps:
    maps = [m for m in client.maps if m.metric == metric]
    return draw_maps(canvas, METRICS[metric], maps, side_px=1024, **{"centred": False, "compared": True, **how})


def _at(plane: npt.NDArray[np.float32], canvas: FaceCanvas, landmark: int) -> tuple[float, float]:
    """Value of a plane of the picture at a landmark, and where that lies in the canonical frame, across."""
    from skinprogress.face.canonical import mesh

    uv = mesh().uv[landmark].astype(float)
    x, y = canvas.find_xy(uv[None])[0]
    return float(plane[int(y), int(x)]), float(uv[0])


def test_values_stand_on_the_face_where_they_were_measured(client: ClientResult, canvas: FaceCanvas) -> None:
    before, after = _drawn(client, canvas, "redness_index").planes
    for landmark in (LEFT_CHEEK, RIGHT_CHEEK):
        here, u = _at(before, canvas, landmark)
        assert here == pytest.approx(10.0 + 10.0 * u, abs=0.06)
        assert _at(after, canvas, landmark)[0] == pytest.approx(here + 3.0, abs=0.02)
    # The client's left is at the right of the picture; around the face there is nothing.
    assert np.nanmean(before[:, -200:]) > np.nanmean(before[:, :200]) + 2
    assert np.isnan(before[:8]).all() and np.isnan(before[:, :8]).all()


def test_both_sessions_share_one_scale_that_holds_them(client: ClientResult, canvas: FaceCanvas) -> None:
    drawn = _drawn(client, canvas, "redness_index")
    known = np.concatenate([p[np.isfinite(p)] for p in drawn.planes])
    assert np.mean((known >= drawn.low) & (known <= drawn.high)) > 0.96
    assert drawn.high - drawn.low >= 8.0  # noise is not blown up to the whole scale
    flat = dataclasses.replace(client, maps=tuple(dataclasses.replace(m, values=0 * m.values) for m in client.maps))
    calm = _drawn(flat, canvas, "redness_index")
    assert (calm.low, calm.high) == pytest.approx((-4.0, 4.0)) and calm.limit == pytest.approx(4.0)


def test_the_difference_is_later_minus_earlier(client: ClientResult, canvas: FaceCanvas) -> None:
    difference = _drawn(client, canvas, "redness_index").difference
    assert difference is not None
    assert np.nanpercentile(difference, (1, 99)) == pytest.approx([3.0, 3.0], abs=0.05)
    assert _drawn(client, canvas, "redness_index", compared=False).difference is None


def test_without_matched_colours_each_face_is_its_own_measure(client: ClientResult, canvas: FaceCanvas) -> None:
    drawn = _drawn(client, canvas, "redness_index", centred=True)
    assert drawn.difference is not None
    assert np.nanmax(np.abs(drawn.difference)) < 0.05
    np.testing.assert_allclose(drawn.planes[0], drawn.planes[1], atol=0.05)
    lead = " ".join(_row(_graded(client, color_reference="none"), "Redness").lead)
    assert "could not be matched" in lead and "median of its own face" in lead
    assert "could not be matched" not in " ".join(_row(client, "Redness").lead)


def test_texture_is_drawn_as_local_contrast(client: ClientResult, canvas: FaceCanvas) -> None:
    drawn = _drawn(client, canvas, "texture_uniformity")
    # The maps are noise of standard deviation 3, and 2 later.
    assert [np.nanmedian(p) for p in drawn.planes] == pytest.approx([3.0, 2.0], rel=0.06)
    assert drawn.low == 0.0 and all(np.nanmin(p) > 0 for p in drawn.planes)
    assert drawn.difference is not None and np.nanmedian(drawn.difference) == pytest.approx(-1.0, abs=0.15)


@pytest.mark.parametrize("metric", MAPPED)
def test_equal_steps_look_equally_large_and_darker(metric: str) -> None:
    colors = scale_colors(METRICS[metric])(np.linspace(0, 1, 21, dtype=np.float32))
    lab = linear_rgb_to_lab(srgb_to_linear(np.round(255 * colors).astype(np.uint8)))
    steps = np.linalg.norm(np.diff(lab[::4], axis=0), axis=1)
    assert steps.min() > 0.9 * steps.max()
    assert (np.diff(lab[:, 0]) < -2).all()  # lightness alone tells them apart: for any kind of colour blindness
    assert lab[0, 0] > 90 and lab[-1, 0] < 35


def test_the_pale_face_has_no_colour_and_the_skin_has(client: ClientResult, canvas: FaceCanvas) -> None:
    drawn = _drawn(client, canvas, "redness_index")
    colors = scale_colors(drawn.metric)
    before, after = (render_values(canvas, p, colors, low=drawn.low, high=drawn.high).astype(int) for p in drawn.planes)
    skin = np.isfinite(drawn.planes[0])
    away = ~(skin | np.roll(skin, 6, 0) | np.roll(skin, -6, 0) | np.roll(skin, 6, 1) | np.roll(skin, -6, 1))
    assert (np.ptp(before[away], axis=-1) == 0).all()
    # The later face is redder: darker, in the colours that both share.
    assert after[skin].mean() < before[skin].mean() - 10
    assert (before[skin][:, 0] >= before[skin][:, 2]).all()


def test_rows_say_what_is_seen_and_what_misleads(client: ClientResult) -> None:
    skin = _only(client)
    assert [r.title for r in skin.rows] == [
        "Redness index",
        "Melanin index",
        "Texture unevenness, local contrast",
        "Spots",
    ]
    for row in skin.rows[:3]:
        assert len(row.pictures) == 3 and row.pictures[2].title == "Difference"
        assert [p.key is not None for p in row.pictures] == [True, False, True]
        assert "95 % interval −0.5" in row.lead[1] and "no detectable change" in row.lead[1]
    redness, _, texture, spots = (" ".join(r.lead) for r in skin.rows)
    assert "The light was left as it was" in redness and METRICS["redness_index"].caveat in redness
    assert "a softer photo looks smoother" in texture and "by 0.8 px" not in texture
    assert "Whole face red spots 0 (95 % interval −0.5 to +1.5): no detectable change" in spots
    compensated = _graded(client, light_removed=1.2, matched_blur_px=0.8)
    assert "light of the two photos was taken out" in " ".join(_row(compensated, "Redness").lead)
    assert "by 0.8 px); the maps were not" in " ".join(_row(compensated, "Texture").lead)


def test_a_change_that_the_photos_cannot_show_stays_pale(client: ClientResult) -> None:
    changes = tuple(dataclasses.replace(c, detectable_change=20.0) for c in client.changes)
    keys = [_row(r, "Redness").pictures[2].key_text for r in (client, dataclasses.replace(client, changes=changes))]
    assert keys == ["by 4.0 a*-eq less to as much more than before", "by 24.0 a*-eq less to as much more than before"]


def test_no_difference_is_drawn_that_sharpness_or_light_would_make(client: ClientResult) -> None:
    blunt = _graded(client, flags=Flag.SHARPNESS_DIFFERS)
    assert [len(r.pictures) for r in _only(blunt).rows[:3]] == [3, 3, 2]
    assert "light or sharpness alone would make one" in " ".join(_row(blunt, "Texture").lead)
    changes = (dataclasses.replace(c, difference=math.nan) if "texture" in c.metric else c for c in client.changes)
    assert len(_row(dataclasses.replace(client, changes=tuple(changes)), "Texture").pictures) == 2


def test_sessions_that_are_not_compared_get_no_difference(client: ClientResult, tmp_path: Path) -> None:
    refused = _graded(client, grade="F", reasons=("another person",))
    skin = _only(refused)
    assert skin.note == "These sessions are not compared (grade F): another person."
    assert [len(r.pictures) for r in skin.rows] == [2, 2, 2]
    assert skin.note in render_report(refused, tmp_path)
    assert _only(_graded(client, grade="D", reasons=("the light",))).note == "Compare with care (grade D): the light."
    assert _only(client).note == ""


def test_spots_are_ringed_in_three_ways_and_counted(client: ClientResult, canvas: FaceCanvas) -> None:
    row = _row(client, "Spots")
    assert [p.title for p in row.pictures] == ["Red spots: 3", "Brown spots: 1"]
    assert [p.key_text for p in row.pictures] == ["1 new, 1 gone, 1 persistent", "1 new, 0 gone, 0 persistent"]
    red = [s for s in client.spots if s.kind == "red" and s.against == "baseline"]
    plain, ringed = (render_spots(canvas, spots).astype(int) for spots in ([], red))
    marked = np.abs(ringed - plain).max(axis=2) > 25
    ink = {}
    for spot in red:
        x, y = canvas.find_xy(np.array([[spot.u, spot.v]]))[0]
        near = np.hypot(*(np.indices(marked.shape) - np.array([y, x])[:, None, None])) < 16
        assert not marked[int(y), int(x)]  # the spot itself stays to be seen
        where = marked & near
        ink[spot.status] = where.sum()
        red_to_blue = (ringed - plain)[where][:, [0, 2]].mean(axis=0)
        if spot.status == "new":
            assert red_to_blue[0] > red_to_blue[1] + 40
        elif spot.status == "gone":
            assert red_to_blue[1] > red_to_blue[0] + 40
        marked &= ~near
    assert not marked.any()
    assert ink["new"] > 1.3 * ink["persistent"]


def test_a_single_session_is_shown_alone(fake_result: Fake, tmp_path: Path) -> None:
    skin = _only(fake_result(1, folder=tmp_path, **ONE))
    assert len(skin.names) == 1 and [len(r.pictures) for r in skin.rows] == [1, 1, 1]


def test_the_pair_is_that_of_the_headline_or_the_last_with_maps(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(6, folder=tmp_path, **ONE)
    assert _only(result).names == ("10 March 2026", "25 April 2026")
    fewer = tuple(m for m in result.maps if m.session != result.sessions[-1])
    assert _only(dataclasses.replace(result, maps=fewer)).names[1].startswith("21 March 2026")


def test_one_sheet_a_view(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, folder=tmp_path / "photos", views=("front", "left_oblique"), **ONE)
    paths = write_skin_sheets(result, tmp_path)
    assert [p.name for p in paths] == ["skin_front.jpg", "skin_left_oblique.jpg"]
    with Image.open(paths[0]) as picture:
        assert picture.width == 1500
        assert np.asarray(picture)[:, -25:].min() > 245  # nothing runs into the right edge


def test_photos_that_are_gone_leave_no_maps_and_no_error(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, **ONE)
    assert list(describe_skin(result)) == [] == write_skin_sheets(result, tmp_path)
    assert '<section id="skin"' not in render_report(result, tmp_path)


def test_without_maps_there_is_no_section(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, folder=tmp_path / "photos", **{**ONE, "maps": False})
    assert list(describe_skin(result)) == []
    assert '<section id="skin"' not in render_report(result, tmp_path)


def test_the_page_holds_every_picture_and_names_are_never_markup(client: ClientResult, tmp_path: Path) -> None:
    sessions = ("before", *client.sessions[1:])

    def named(session: str) -> str:
        return "before" if session == client.sessions[0] else session

    maps = tuple(dataclasses.replace(m, session=named(m.session), photo=EVIL) for m in client.maps)
    photo = next(iter(client.inspections.values()))
    evil = dataclasses.replace(photo, ref=dataclasses.replace(photo.ref, file=EVIL, session="before"))
    phases = {named(s): dataclasses.replace(p, session=named(s)) for s, p in client.plan.phases.items()}
    plan = dataclasses.replace(client.plan, baseline="before", sessions=sessions, phases=phases)
    result = dataclasses.replace(
        client, sessions=sessions, maps=maps, plan=plan, inspections={**client.inspections, EVIL: evil}, photos=(),
        changes=tuple(dataclasses.replace(c, from_session="before") for c in client.changes),
    )  # fmt: skip
    section = render_report(result, tmp_path).split('<section id="skin"')[1].split("</section>")[0]
    assert section.count("<img") == 3 * (2 + 1)  # the comparison and the spots belong to another pair
    assert EVIL not in section and "&lt;img src=x" in section
    whole = render_report(client, tmp_path).split('<section id="skin"')[1].split("</section>")[0]
    assert whole.count("<img") == 3 * (3 + 2) + 2 * 2
    assert 'src="http' not in whole and "style=" not in whole


def test_the_sheet_can_be_drawn_of_every_number_of_pictures(client: ClientResult) -> None:
    full, blunt = (render_skin_sheet(_only(r)) for r in (client, _graded(client, grade="F", reasons=("x",))))
    assert full.shape[1] == blunt.shape[1] == 1500
    assert full.shape[0] > blunt.shape[0]  # no spots


def test_maps_that_hold_nothing_are_drawn_all_the_same(client: ClientResult, canvas: FaceCanvas) -> None:
    empty = tuple(dataclasses.replace(m, values=np.full_like(m.values, np.nan)) for m in client.maps)
    result = dataclasses.replace(client, maps=empty)
    assert isinstance(empty[0], SkinMap)
    assert np.isnan(_drawn(result, canvas, "redness_index").planes[0]).all()
    assert _only(result).rows[0].pictures[0].rgb.shape == (*canvas.places.shape[:2], 3)
