"""What a composite shows is decided by what is known of the photos: one scale, one crop, one map of colours."""

import dataclasses
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from skinprogress.errors import UsageError
from skinprogress.face.canonical import apply_affine
from skinprogress.outputs.alignment import scale_of
from skinprogress.outputs.composing.arranging import arrange
from skinprogress.outputs.composing.hiding import hidden_mask
from skinprogress.outputs.composing.planning import plan_composite
from skinprogress.outputs.composing.plates import canvas_size
from skinprogress.outputs.composing.recipe import CompositeOptions, Recipe, Shape
from skinprogress.records import ClientResult, Consent, Flag, Rung

Fake = Callable[..., ClientResult]
SHAPES: tuple[Shape, ...] = ("original", "1:1", "4:5", "9:16", "16:9")


def plan(result: ClientResult, *sessions: str, **options: object) -> Recipe:
    return plan_composite(result, view="front", sessions=sessions, options=CompositeOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", ["original", "1:1", "9:16"])
@pytest.mark.parametrize(
    ("layout", "crop"),
    [*(("side-by-side", crop) for crop in ("tight", "balanced", "full")), ("split", "full"), ("regions", "balanced")],
)
def test_every_frame_lies_within_its_photo_and_is_not_enlarged(
    client: ClientResult, shape: Shape, layout: str, crop: str
) -> None:
    recipe = plan(client, layout=layout, shape=shape, crop=crop)
    assert len({(f.width_px, f.height_px) for f in recipe.frames}) == 1
    for frame in recipe.frames:
        matrix = np.array(frame.matrix)
        (a, b), (c, d) = matrix[:, :2]
        assert (a, b) == pytest.approx((d, -c))  # a rotation and one scale
        assert scale_of(matrix) <= 1 + 1e-9
        w, h = frame.width_px, frame.height_px
        back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
        corners = apply_affine(back, np.array([[0.0, 0], [w, 0], [w, h], [0, h]]))
        inspection = client.inspections[frame.file]
        assert (corners >= 0).all()
        assert (corners <= (inspection.width_px, inspection.height_px)).all()


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_a_shape_is_kept_and_well_used(client: ClientResult, shape: Shape) -> None:
    recipe = plan(client, shape=shape)
    plate = arrange(recipe)
    across, down = map(int, shape.split(":"))
    assert plate.size == canvas_size(recipe.options)
    assert plate.size[0] / plate.size[1] == pytest.approx(across / down, abs=0.01)
    assert plate.content[0] <= plate.size[0] and plate.content[1] <= plate.size[1]
    # One of both sides is used up.
    assert max(plate.content[0] / plate.size[0], plate.content[1] / plate.size[1]) > 0.97
    assert recipe.columns == (1 if shape == "9:16" else 2)


def test_sizes_are_limits_and_small_photos_stay_small(client: ClientResult) -> None:
    for size_px in (400, 700):
        for shape in ("original", "1:1"):
            size = arrange(plan(client, shape=shape, size_px=size_px)).size
            assert 0.95 * size_px < max(size) <= size_px
    whole = arrange(plan(client)).size
    assert arrange(plan(client, size_px=9000)).size == whole
    assert max(arrange(plan(client, shape="1:1", size_px=9000)).size) < 1300  # heads of 300 px


def test_the_same_place_of_the_face_lies_at_the_same_px(client: ClientResult) -> None:
    for layout in ("side-by-side", "regions"):
        recipe = plan(client, layout=layout)
        for first, second in zip(recipe.frames[::2], recipe.frames[1::2], strict=True):
            there = [
                apply_affine(np.array(f.matrix), client.inspections[f.file].landmarks.points_xy)
                for f in (first, second)
            ]
            assert np.abs(there[0] - there[1]).max() < 0.5


def test_tighter_crops_show_less(client: ClientResult) -> None:
    shown = []
    for crop in ("tight", "balanced", "full"):
        frame = plan(client, crop=crop).frames[0]
        scale = scale_of(np.array(frame.matrix))
        shown.append((frame.width_px / scale, frame.height_px / scale))
    assert shown[0][0] < shown[1][0] <= shown[2][0] and shown[0][1] < shown[1][1] <= shown[2][1]


def test_split_runs_down_the_middle_of_the_face(client: ClientResult) -> None:
    frame = plan(client, layout="split").frames[0]
    nose = apply_affine(np.array(frame.matrix), client.inspections[frame.file].landmarks.points_xy[[168, 6, 197]])
    assert np.abs(nose[:, 0] - frame.width_px / 2).max() < 0.06 * frame.width_px


def test_regions_are_in_one_scale_of_millimetres(client: ClientResult) -> None:
    recipe = plan(client, layout="regions", regions=("cheek_left", "chin"))
    assert [f.title for f in recipe.frames] == ["left cheek", "left cheek", "chin", "chin"]
    assert recipe.columns == 2
    reference = client.plan.reference_of["front"]
    for frame in recipe.frames:
        if frame.file == reference:
            mm_per_px = client.plan.mm_per_px[reference] / scale_of(np.array(frame.matrix))
            assert frame.mm_per_px == pytest.approx(mm_per_px, rel=1e-3)
    assert len({f.mm_per_px for f in recipe.frames}) == 1


@pytest.mark.parametrize(
    ("rungs", "anchors", "shared"),
    [
        (("card", "card"), ("card", "card"), "card"),
        (("card", "background"), ("card", "card"), "background"),
        (("background", "card"), ("card", "card"), "background"),
        (("card", "patch"), ("card", "patch"), "none"),
        (("background", "background"), ("a.jpg", "b.jpg"), "none"),
        (("none", "none"), ("", ""), "none"),
    ],
)
def test_all_colours_are_matched_or_none(
    client: ClientResult, correct: Callable[..., None], rungs: tuple[Rung, ...], anchors: tuple[str, ...], shared: Rung
) -> None:
    for session, rung, anchor in zip(client.sessions, rungs, anchors, strict=True):
        correct(session, rung=rung, anchor=anchor)
    recipe = plan(client)
    assert recipe.color_reference == shared
    assert [f.color is None for f in recipe.frames] == [shared == "none"] * 2


def test_without_corrections_colours_stay(client: ClientResult) -> None:
    client.plan.corrections.clear()
    assert plan(client).color_reference == "none"


def test_brightness_is_one_factor_that_keeps_the_first_as_it_was_taken(
    client: ClientResult, correct: Callable[..., None]
) -> None:
    tone = np.array([[0.01, 0.005], [0.5, 0.25], [1.0, 0.5]], np.float32)
    correct(client.sessions[0], rung="card", anchor="card", tone=tone)
    correct(client.sessions[1], rung="card", anchor="card", tone=tone, gains=np.full(3, 0.5, np.float32))
    factors = [f.color.brightness for f in plan(client).frames if f.color]
    assert factors == pytest.approx([2.0, 2.0], rel=1e-3)


def test_sessions_are_shown_in_order_of_time_and_spread_evenly(fake_result: Fake) -> None:
    result = fake_result(12, metrics=("redness",), regions=("face",))
    rows = tuple(dataclasses.replace(c, grade="A") for c in result.comparisons)
    result = dataclasses.replace(result, comparisons=rows)
    shown = [f.session for f in plan(result, layout="strip").frames]
    assert len(shown) == 6
    assert shown == sorted(shown, key=result.sessions.index)
    assert (shown[0], shown[-1]) == (result.plan.baseline, result.sessions[-1])
    assert not set(shown) & set(result.plan.covered_sessions)
    reversed_order = plan(result, result.sessions[-1], shown[0])
    assert [f.session for f in reversed_order.frames] == [shown[0], result.sessions[-1]]


def test_sessions_that_cannot_be_compared_are_not_put_between(fake_result: Fake) -> None:
    result = fake_result(6, metrics=("redness",), regions=("face",))
    rows = tuple(
        dataclasses.replace(c, grade="F" if c.to_session != result.sessions[3] else "A") for c in result.comparisons
    )
    recipe = plan(dataclasses.replace(result, comparisons=rows), layout="timelapse")
    assert [f.session for f in recipe.frames] == [result.plan.baseline, result.sessions[3], result.sessions[-1]]
    assert recipe.grade == "F"


def test_edited_and_suspected_sources_are_told(client: ClientResult) -> None:
    first, last = client.inspections.values()
    client.inspections[last.ref.file] = dataclasses.replace(last, flags=last.flags | Flag.FILTER_SUSPECTED)
    reports = tuple(
        dataclasses.replace(p, flags=p.flags | Flag.SMOOTHING_SUSPECTED) if p.file == first.ref.file else p
        for p in client.photos
    )
    recipe = plan(dataclasses.replace(client, photos=reports))
    assert recipe.edited == (last.ref.file,)
    assert recipe.suspected == (first.ref.file,)


def test_what_is_hidden_moves_with_the_face(client: ClientResult) -> None:
    recipe = plan(client, hide="eyes", shape="1:1")
    for frame in recipe.frames:
        eyes = apply_affine(np.array(frame.matrix), client.inspections[frame.file].landmarks.points_xy[[468, 473]])
        outline = np.array(frame.hidden[0])
        assert (outline.min(axis=0) < eyes.min(axis=0)).all() and (outline.max(axis=0) > eyes.max(axis=0)).all()
    cut = plan(client, hide="eyes", hide_with="crop", shape="1:1")
    assert all(np.array(frame.hidden[0])[:, 1].max() <= 1 for frame in cut.frames)


@pytest.mark.parametrize(
    ("sessions", "options", "words"),
    [
        (("1999-01-01",), {}, "1999-01-01 has no usable photo .* sessions that have"),
        ((), {"format": "gif"}, "side-by-side composite cannot be kept as gif: choose jpg"),
        ((), {"layout": "timelapse", "format": "jpg"}, "choose mp4"),
        ((), {"slant_deg": 60.0}, "leans by 60 degrees: choose -40 to 40"),
        ((), {"label_scale": 9.0}, "9 times the usual"),
        ((), {"size_px": 3}, "3 px"),
        ((), {"font": Path("/nowhere/a.ttf")}, "cannot be read as a font"),
        ((), {"layout": "regions", "regions": ("ear",)}, "'ear' is no region"),
    ],
)
def test_what_cannot_be_made_is_told_with_a_remedy(
    client: ClientResult, sessions: tuple[str, ...], options: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        plan(client, *sessions, **options)
    assert caught.value.remedy


def test_number_of_sessions_is_checked(fake_result: Fake) -> None:
    result = fake_result(4, metrics=("redness",), regions=("face",))
    with pytest.raises(UsageError, match="shows 2 sessions, not 3: choose the layout strip"):
        plan(result, *result.sessions[:3])
    with pytest.raises(UsageError, match="needs two"):
        plan(fake_result(1, metrics=("redness",), regions=("face",)))


def test_shown_regions_fill_most_of_a_picture_of_any_shape(client: ClientResult) -> None:
    for shape in ("original", "9:16", "16:9"):
        recipe = plan(client, hide="all-but-regions", regions=("cheek_left",), shape=shape)
        for frame in recipe.frames:
            size = {"width_px": frame.width_px, "height_px": frame.height_px}
            assert (~hidden_mask(frame.hidden, **size)).mean() > 0.2


def test_a_sheet_over_the_upper_face_does_not_cover_a_head_of_air(client: ClientResult) -> None:
    for frame in plan(client, hide="upper-face", shape="4:5").frames:
        assert hidden_mask(frame.hidden, width_px=frame.width_px, height_px=frame.height_px).mean() < 0.5


def test_consent_is_enforced(client: ClientResult) -> None:
    consent = Consent(publish=True, until=date(2027, 3, 1))
    course = dataclasses.replace(client.plan.course, consent=consent)
    result = dataclasses.replace(client, plan=dataclasses.replace(client.plan, course=course))
    options = CompositeOptions()
    assert plan_composite(result, view="front", options=options, today=date(2027, 3, 1)).consent
    with pytest.raises(UsageError, match="ended on 1 March 2027"):
        plan_composite(result, view="front", options=options, today=date(2027, 3, 2))
