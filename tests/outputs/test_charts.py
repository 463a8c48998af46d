"""Charts say what the result says, leave nothing overlapping, and come out the same every time."""

import dataclasses
import io
import math
import subprocess
import sys
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.text import Text
from PIL import Image

from skinprogress import api
from skinprogress.api import ChartKind
from skinprogress.comparison.sentences import duration_text
from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.changemap import plot_change_map
from skinprogress.outputs.chart_files import page_picture
from skinprogress.outputs.charts import plot_trend, write_charts
from skinprogress.outputs.facelabels import spread
from skinprogress.outputs.facemap import plot_face_map, plot_outline_map, read_face_crop
from skinprogress.outputs.forest import plot_forest
from skinprogress.outputs.neutral_face import neutral_face
from skinprogress.outputs.overview import plot_overview
from skinprogress.outputs.recovery import describe_recovery, plot_recovery
from skinprogress.outputs.rows import group_changes
from skinprogress.outputs.series import OWN_SKIN, Course, draw_series, session_values, value_limits
from skinprogress.outputs.sheet import Panel, Sheet
from skinprogress.outputs.sides import paired_regions, plot_sides
from skinprogress.outputs.timeline import lay_out_sessions
from skinprogress.records import Change, ClientResult, View

Fake = Callable[..., ClientResult]
ONE = ("redness",)
FEW = ("forehead", "nose", "face")


def _texts(figure: Figure) -> list[Text]:
    """Texts that are drawn, with letters."""
    with style.chart_style():
        figure.draw_without_rendering()
    hidden = {t for ax in figure.axes if not ax.axison for t in (*ax.xaxis.findobj(Text), *ax.yaxis.findobj(Text))}
    return [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible() and t not in hidden]


def _words(figure: Figure) -> list[str]:
    return [t.get_text() for t in _texts(figure)]


def _marks(figure: Figure) -> dict[tuple[float, float], Line2D]:
    """Points of a figure, in points of its sheet, each with the artist that draws it."""
    drawn = [d for d in figure.findobj(Line2D) if d.get_linestyle() == "None" and d.axes is None]
    return {(float(x), float(y)): d for d in drawn for x, y in zip(*d.get_data(), strict=True)}


def _assert_apart(texts: Iterable[Text], figure: Figure) -> None:
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes = [(t.get_text(), t.get_window_extent(renderer).padded(-1.0)) for t in texts]
    assert boxes
    for (a, box_a), (b, box_b) in combinations(boxes, 2):
        assert not box_a.overlaps(box_b), f"{a!r} lies over {b!r}"
    for text, box in boxes:
        assert box.x0 >= -1 and box.x1 <= figure.bbox.x1 + 1, f"{text!r} runs off the side"
        assert box.y0 >= -1 and box.y1 <= figure.bbox.y1 + 1, f"{text!r} runs off the top or the foot"


def _with_changes(result: ClientResult, **changed: object) -> ClientResult:
    return dataclasses.replace(result, changes=tuple(dataclasses.replace(c, **changed) for c in result.changes))  # type: ignore[arg-type]


LONG = "a scar with a rather long name, 40 letters"


@pytest.mark.parametrize(
    ("n_sessions", "dates", "marks"),
    [(2, True, ()), (2, False, (LONG,)), (6, True, ()), (10, True, (LONG, "Größe links", "שלוש")), (20, True, (LONG,))],
)
def test_no_two_labels_of_any_chart_overlap_or_leave_the_paper(
    fake_result: Fake, n_sessions: int, dates: bool, marks: tuple[str, ...]
) -> None:
    result = fake_result(
        n_sessions, metrics=("redness", "haemoglobin_index"), trends=dates, dates=dates, marks=marks,
        photos_per_session=1,
    )  # fmt: skip
    if not dates:
        result = _renamed(result, [f"Sitzung mit sehr langem Namen, Nummer {k}" for k in range(n_sessions)])
    pair = {"from_session": result.plan.baseline, "to_session": result.changes[-1].to_session}
    for figure in (
        plot_trend(result, metric="redness", view="front"),
        plot_change_map(result, metric="redness", view="front"),
        plot_forest(result, metric="redness", view="front", **pair),
        plot_outline_map(result, metric="redness", view="front", **pair),
        plot_sides(result, metric="redness", view="front"),
        plot_overview(result, view="front"),
    ):
        _assert_apart(_texts(figure), figure)


def test_uneven_intervals_and_many_decimals_fit_their_cells(fake_result: Fake) -> None:
    result = fake_result(12, metrics=("haemoglobin_index",))
    uneven = [dataclasses.replace(c, ci_low=c.difference - 1.2345, ci_high=c.difference + 0.3) for c in result.changes]
    figure = plot_change_map(
        dataclasses.replace(result, changes=tuple(uneven)), metric="haemoglobin_index", view="front"
    )
    _assert_apart(_texts(figure), figure)
    assert any("…" in t.get_text() for t in _texts(figure))


def test_face_map_labels_stand_apart_and_on_the_clients_own_side(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, folder=tmp_path, metrics=ONE)
    start, end = result.sessions
    figure = plot_face_map(result, metric="redness", view="front", from_session=start, to_session=end)
    texts = _texts(figure)
    _assert_apart(texts, figure)
    x = {t.get_text(): t.get_window_extent().x0 for t in texts}
    assert x["left cheek"] > x["right cheek"]  # seen from the front, the client's left is on our right
    assert x["left jaw"] > x["right jaw"]


def test_leader_lines_keep_off_other_regions(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, folder=tmp_path, metrics=ONE)
    start, end = result.sessions
    figure = plot_face_map(result, metric="redness", view="front", from_session=start, to_session=end)
    crop = read_face_crop(result, view="front")
    height, width = crop.rgb.shape[:2]
    regions = {}
    for name, polygons in crop.outlines_xy.items():
        regions[name] = np.zeros((height, width), np.uint8)
        cv2.fillPoly(regions[name], [np.round(p).astype(np.int32) for p in polygons], 1)
    del regions["face"]
    lines = [drawn for drawn in figure.axes[0].lines if len(drawn.get_xdata()) > 1]
    assert len(lines) == len(regions)
    for drawn in lines:
        path = np.asarray(drawn.get_xydata())
        drawing = np.zeros((height, width), np.uint8)
        cv2.polylines(drawing, [np.round(path).astype(np.int32)], isClosed=False, color=1)
        x, y = path[0].astype(int)
        own = [name for name, mask in regions.items() if mask[y, x]]
        crossed = sum(int((drawing & mask).sum()) for name, mask in regions.items() if name not in own)
        assert crossed < 0.06 * width, f"the line of {own} crosses {crossed} px of other regions"


def test_a_session_of_grade_f_stands_aside_unjoined(fake_result: Fake) -> None:
    result = fake_result(2, metrics=ONE, regions=("nose",))
    worst = tuple(dataclasses.replace(c, grade="F") for c in result.comparisons)
    apart = dataclasses.replace(result, comparisons=worst)
    assert Course.of(apart, "front").joined(result.sessions) == [result.sessions[0]]
    figure = plot_trend(apart, metric="redness", view="front")
    assert any(d.get_marker() == "x" for d in _marks(figure).values())
    assert "cannot be compared with the baseline" in _words(figure)


def test_a_face_map_of_a_pair_that_was_never_compared_is_refused(fake_result: Fake) -> None:
    with pytest.raises(ValueError, match="no change of redness"):
        plot_face_map(fake_result(2), metric="redness", view="front", from_session="a", to_session="b")


def test_face_map_crop_holds_the_face_and_is_grey_and_pale(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, folder=tmp_path, metrics=ONE)
    crop = read_face_crop(result, view="front")
    h, w = crop.rgb.shape[:2]
    assert np.ptp(crop.rgb.astype(int), axis=2).max() == 0
    assert crop.rgb.min() > 100
    points = np.concatenate([p for polygons in crop.outlines_xy.values() for p in polygons])
    assert (points >= 0).all() and (points <= (w, h)).all()
    assert np.ptp(points[:, 1]) > 0.6 * h


def test_what_cannot_be_compared_is_hatched_and_has_no_number(fake_result: Fake, tmp_path: Path) -> None:
    result = _with_changes(
        fake_result(2, folder=tmp_path, metrics=ONE, regions=FEW), verdict="not comparable", difference=3.3
    )
    start, end = result.sessions
    for figure in (
        plot_change_map(result, metric="redness", view="front"),
        plot_face_map(result, metric="redness", view="front", from_session=start, to_session=end),
        plot_outline_map(result, metric="redness", view="front", from_session=start, to_session=end),
        plot_forest(result, metric="redness", view="front", from_session=start, to_session=end),
    ):
        assert not any("3.3" in word for word in _words(figure))
        assert any(getattr(p, "get_hatch", lambda: None)() for p in figure.artists)


def test_each_cell_shows_number_interval_and_sign(fake_result: Fake) -> None:
    result = _with_changes(
        fake_result(2, metrics=ONE, regions=("nose",), not_comparable=False),
        difference=-1.24,
        ci_low=-1.94,
        ci_high=-0.54,
        verdict="improved",
        course_status="",
    )
    words = [t.get_text() for t in _texts(plot_change_map(result, metric="redness", view="front"))]
    assert "−1.2 ✓" in words
    assert "±0.7" in words


def _change(result: ClientResult, **changed: object) -> Change:
    plain = {"difference": -1.0, "ci_low": -1.5, "ci_high": -0.5, "verdict": "improved", "course_status": ""}
    return dataclasses.replace(result.changes[0], **{**plain, **changed})  # type: ignore[arg-type]


def test_blue_is_better_whichever_way_that_is(fake_result: Fake) -> None:
    result = fake_result(2, metrics=ONE, regions=("nose",))
    less, more = _change(result), _change(result, difference=1.0)
    for change, better in ((less, "lower"), (more, "higher")):
        red, _, blue = style.change_fill(change, better, 1.0) or (1, 1, 1)
        assert blue > red + 0.3
    for change, better in ((more, "lower"), (less, "higher")):
        red, _, blue = style.change_fill(change, better, 1.0) or (0, 0, 0)
        assert red > blue + 0.3
    neutral = style.change_fill(less, None, 1.0)
    assert neutral not in (style.change_fill(less, "lower", 1.0), style.change_fill(less, "higher", 1.0))


def test_noise_is_paler_than_a_lasting_change_and_the_days_after_a_treatment_have_a_colour_of_their_own(
    fake_result: Fake,
) -> None:
    result = fake_result(2, metrics=ONE, regions=("nose",))

    def chroma(change: Change) -> float:
        return float(np.ptp(style.change_fill(change, "lower", 1.0)))

    real, early = _change(result), _change(result, course_status="within quoted range")
    noise = _change(result, verdict="no detectable change")
    assert chroma(real) > 2 * max(chroma(early), chroma(noise))
    assert style.symbol_of(early) != style.symbol_of(real)
    assert style.symbol_of(_change(result, course_status="longer than quoted")) != style.symbol_of(early)
    # Redness two hours after needling is neither alarm red nor the brown of "worse": blue is not its weakest part.
    red, green, blue = style.change_fill(dataclasses.replace(early, difference=9.0), "lower", 1.0) or (1, 0, 0)
    assert blue >= red and red - green < 0.08


def test_what_is_called_neither_better_nor_worse_has_the_colour_of_neither(fake_result: Fake) -> None:
    c = next(c for c in fake_result(2, metrics=ONE).changes if math.isfinite(c.difference))
    better = dataclasses.replace(c, verdict="improved", course_status="", difference=-2.0)
    blue, neither = (
        style.change_fill(x, "lower", 2.0) for x in (better, dataclasses.replace(better, verdict="changed"))
    )
    assert blue and neither and blue[2] - blue[0] > 0.3 > 0.1 > abs(neither[2] - neither[0])
    # Without a good direction violet and olive say no more than "changed".
    plain = [style.change_fill(dataclasses.replace(better, verdict=v), None, 2.0) for v in ("changed", "improved")]
    assert plain[0] == plain[1]


def test_numbing_does_not_set_the_scale_of_the_colours(fake_result: Fake) -> None:
    result = fake_result(7, metrics=ONE)
    assert result.plan.covered_sessions
    assert {*result.plan.covered_sessions} <= style.unsettled_sessions(result)


def test_full_colour_is_set_by_lasting_changes_and_never_by_noise(fake_result: Fake) -> None:
    result = fake_result(2, metrics=ONE, regions=("nose",))
    lasting = _change(result, difference=-2.0, detectable_change=0.5, to_session="later")
    peak = _change(result, difference=9.0, detectable_change=0.5, to_session="next day")
    assert style.color_limit([lasting, peak], frozenset({"next day"})) == pytest.approx(2.0)
    assert style.color_limit([peak], frozenset({"next day"})) == pytest.approx(9.0)
    noise = _change(result, difference=0.01, detectable_change=1.0)
    assert style.color_limit([noise], frozenset()) > 1.0


def test_text_on_every_colour_can_be_read() -> None:
    def luminance(rgb: tuple[float, float, float]) -> float:
        return float(np.dot(((np.array(rgb) + 0.055) / 1.055) ** 2.4, (0.2126, 0.7152, 0.0722)))

    for better in ("lower", None):
        for share in np.linspace(0, 1, 41):
            fill = style.change_colormap(better)(float(share))[:3]
            a, b = sorted((luminance(fill), luminance(to_rgb(style.ink_on(fill)))))
            assert (b + 0.05) / (a + 0.05) > 3.6


def test_a_sessions_value_is_the_mean_over_its_photos_with_its_interval(fake_result: Fake) -> None:
    result = fake_result(2, metrics=ONE, regions=("nose",), photos_per_session=4)
    told = tuple(
        dataclasses.replace(m, value=10.0 + i % 4, standard_error=0.5) for i, m in enumerate(result.measurements)
    )
    result = dataclasses.replace(result, measurements=told)
    values = session_values(result, "redness", "front")
    assert [*values["nose"].values()] == [pytest.approx((11.5, 1.96 * 0.5), rel=1e-3)] * 2
    figure = plot_trend(result, metric="redness", view="front")
    sessions = sorted(at for at, d in _marks(figure).items() if d.get_markersize() == 4.2)
    assert len(sessions) == 2 and sessions[0][1] == sessions[1][1]
    assert OWN_SKIN.split(".")[0] in " ".join(_words(figure))


def test_days_after_treatment_are_hollow_and_numbing_is_a_grey_cross(fake_result: Fake) -> None:
    result = fake_result(6, metrics=ONE, regions=("nose",))
    course = Course.of(result, "front")
    sheet = Sheet(400.0, 200.0, title="", about="")
    panel = Panel(left=0.0, bottom=0.0, width=400.0, height=200.0, xlim=course.line.span, ylim=(0.0, 30.0))
    draw_series(sheet, panel, course, session_values(result, "redness", "front")["nose"])
    looks = {x: (str(d.get_markerfacecolor()), d.get_marker()) for (x, _), d in _marks(sheet.finish()).items()}
    assert {s: looks[float(panel.x(course.line.x[s]))] for s in result.sessions} == {
        "2026-03-10": (style.LINE, "o"),
        "2026-03-14T14:48": (style.ASIDE, "x"),
        "2026-03-14T17:30": (style.PAPER, "o"),
        "2026-03-15": (style.PAPER, "o"),
        "2026-03-21": (style.LINE, "o"),
        "2026-04-25": (style.LINE, "o"),
    }


@pytest.mark.parametrize("n_sessions", [2, 6, 20])
def test_time_runs_forward_and_hours_keep_room_beside_weeks(fake_result: Fake, n_sessions: int) -> None:
    result = fake_result(n_sessions, metrics=ONE, regions=("nose",))
    line = lay_out_sessions(result)
    steps = np.diff([line.x[s] for s in result.sessions])
    assert (steps > 0).all()
    assert steps.max() <= 8 * steps.min()
    assert list(line.treatments) == sorted(line.treatments)
    for x, _ in line.treatments:
        assert all(abs(x - at) > 0.1 for at in line.x.values())


def test_a_treatment_stands_between_the_sessions_around_it(fake_result: Fake) -> None:
    result = fake_result(6, metrics=ONE, regions=("nose",))
    line = lay_out_sessions(result)
    assert [number for _, number in line.treatments] == ["1"]
    assert line.x["2026-03-14T14:48"] < line.treatments[0][0] < line.x["2026-03-14T17:30"]
    assert line.heads["2026-03-14T17:30"] == ("14 Mar", "+2 h")
    assert line.heads["2026-04-25"] == ("25 Apr", "+6 wk")


def test_unknown_dates_are_spaced_evenly_and_the_chart_says_so(fake_result: Fake) -> None:
    result = fake_result(5, metrics=ONE, regions=("nose",), dates=False)
    line = lay_out_sessions(result)
    assert np.allclose(np.diff(list(line.x.values())), 1.0)
    figure = plot_trend(result, metric="redness", view="front")
    assert any("dates" in word and "equal distances" in word for word in _words(figure))


def test_years_are_written_where_the_course_spans_two(fake_result: Fake) -> None:
    result = fake_result(2, metrics=ONE, regions=("nose",))
    late = result.sessions[1]
    photos = tuple(
        dataclasses.replace(p, taken_at=p.taken_at.replace(year=2027)) if p.session == late and p.taken_at else p
        for p in result.photos
    )
    phases = {s: dataclasses.replace(p, treatment_number=None) for s, p in result.plan.phases.items()}
    moved = dataclasses.replace(result, photos=photos, plan=dataclasses.replace(result.plan, phases=phases))
    assert [head[0] for head in lay_out_sessions(moved).heads.values()] == ["10 Mar 26", "25 Apr 27"]


@pytest.mark.parametrize(
    ("days", "text"), [(0.02, "29 min"), (2 / 24, "2 h"), (0.75, "18 h"), (7, "7 d"), (42, "6 wk"), (250, "8 mo")]
)
def test_times_since_a_treatment_read_as_spoken(days: float, text: str) -> None:
    assert duration_text(days, short=True) == text


def _renamed(result: ClientResult, names: list[str]) -> ClientResult:
    new = dict(zip(result.sessions, names, strict=True))
    plan = dataclasses.replace(
        result.plan,
        sessions=tuple(names),
        baseline=new[result.plan.baseline or ""],
        phases={new[s]: p for s, p in result.plan.phases.items()},
        covered_sessions=(),
    )

    def of_pair(row: object) -> object:
        return dataclasses.replace(row, from_session=new[row.from_session], to_session=new[row.to_session])  # type: ignore[type-var, attr-defined]

    return dataclasses.replace(
        result,
        sessions=tuple(names),
        plan=plan,
        measurements=tuple(dataclasses.replace(m, session=new[m.session]) for m in result.measurements),
        changes=tuple(map(of_pair, result.changes)),  # type: ignore[arg-type]
        comparisons=tuple(map(of_pair, result.comparisons)),  # type: ignore[arg-type]
    )


def test_names_with_dollars_emoji_and_newlines_are_drawn_as_they_are(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(3, metrics=ONE, regions=FEW, dates=False)
    renamed = _renamed(result, ["a $x^2$ b", "<b>🧴\nday", "visit " * 20])
    figure = plot_trend(renamed, metric="redness", view="front")
    figure.savefig(tmp_path / "drawn.png")
    words = _words(figure)
    assert "a $x^2$ b" in words
    assert any(word.startswith("<b>□ day") for word in words)
    assert any(word.startswith("visit") and "…" in word for word in words)
    plot_change_map(renamed, metric="redness", view="front").savefig(tmp_path / "map.svg")


OF_A_METRIC = ("trend", "change_map", "forest", "face_map", "outline_map", "sides")


def test_files_are_whole_small_and_the_same_each_time(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(3, folder=tmp_path / "photos", metrics=ONE, regions=("cheek_left", "cheek_right", "face"))
    paths = write_charts(result, tmp_path / "one")
    again = write_charts(result, tmp_path / "two")
    stems = ["overview_front", *(f"{kind}_redness_front" for kind in OF_A_METRIC)]
    assert [p.name for p in paths] == [f"{stem}.{suffix}" for stem in stems for suffix in ("png", "svg")]
    assert sorted(p.name for p in (tmp_path / "one" / "charts").iterdir()) == sorted(p.name for p in paths)
    assert [p.read_bytes() for p in paths] == [p.read_bytes() for p in again]
    for png, svg in zip(paths[::2], paths[1::2], strict=True):
        drawing = svg.read_text(encoding="utf-8")
        assert "<dc:date>" not in drawing
        assert ">left cheek<" in drawing or ">cheek<" in drawing or "whole face" in drawing  # text is text
        # A photo is kept in all its colours: in a palette it would show steps.
        assert png.stat().st_size < (1_500_000 if "face_map" in png.name else 500_000)
        with Image.open(png) as printed, Image.open(io.BytesIO(page_picture(png) or b"")) as small:
            assert printed.info["dpi"] == pytest.approx((300, 300), abs=0.1)
            assert small.size == pytest.approx([side / 2 for side in printed.size], abs=1)
            # One and the same picture, but for the colours that the palettes leave out.
            whole, page = (np.asarray(p.convert("RGB").resize((200, 150), Image.Resampling.BOX), float)
                           for p in (printed, small))  # fmt: skip
            assert np.abs(whole - page).mean() < 2.5
    assert page_picture(paths[1]) is None and page_picture(tmp_path / "none.png") is None


def test_the_outline_map_shows_nobody(fake_result: Fake) -> None:
    result = fake_result(3, metrics=ONE, client="Erika Mustermann")
    start, end = result.sessions[0], result.sessions[-1]
    figure = plot_outline_map(result, metric="redness", view="front", from_session=start, to_session=end)
    told = " ".join(_words(figure))
    assert "change from before the first treatment to 6 weeks after treatment 1" in told
    assert not any(word in told for word in ("2026", "Mar", "Apr", "Erika", "A-0042"))
    assert not any(artist.get_gid() == style.PHOTO_ID for artist in figure.artists) and not figure.images


@pytest.mark.parametrize("view", ["left_oblique", "right_profile"])
def test_a_turned_neutral_face_shows_its_own_side(fake_result: Fake, view: View) -> None:
    face = neutral_face(view)
    near, far = ("cheek_left", "cheek_right") if view.startswith("left") else ("cheek_right", "cheek_left")
    assert near in face.outlines_xy and far not in face.outlines_xy
    result = fake_result(2, metrics=ONE, views=(view,))
    start, end = result.sessions
    figure = plot_outline_map(result, metric="redness", view=view, from_session=start, to_session=end)
    _assert_apart(_texts(figure), figure)
    assert any(style.region_title(far) in word and "±" in word for word in _words(figure))


def test_left_and_right_are_told_apart_in_grey_and_by_shape(fake_result: Fake) -> None:
    result = fake_result(6, metrics=ONE)
    assert paired_regions(result, "redness", "front") == ["cheek", "periorbital", "jaw"]
    figure = plot_sides(result, metric="redness", view="front")
    assert {"cheek", "around the eye", "jaw"} <= set(_words(figure))
    looks = {d.get_marker(): str(d.get_markeredgecolor()) for d in _marks(figure).values() if d.get_marker() in "os"}
    grey = [np.dot(to_rgb(color), (0.2126, 0.7152, 0.0722)) for color in looks.values()]
    assert len(looks) == 2 and abs(grey[0] - grey[1]) > 0.25
    with pytest.raises(ValueError, match="both sides"):
        plot_sides(fake_result(2, metrics=ONE, regions=FEW), metric="redness", view="front")


# Viénot, Brettel and Mollon 1999: what the two common kinds of colour blindness leave of linear R, G and B.
_BLINDNESS = {
    "protan": ((0.112, 0.888, 0.0), (0.112, 0.888, 0.0), (0.004, -0.004, 1.0)),
    "deutan": ((0.292, 0.708, 0.0), (0.292, 0.708, 0.0), (-0.022, 0.022, 1.0)),
    "grey": ((0.2126, 0.7152, 0.0722),) * 3,
}


@pytest.mark.parametrize("blindness", _BLINDNESS)
def test_verdicts_of_a_forest_differ_in_shape_or_lightness_for_everybody(fake_result: Fake, blindness: str) -> None:
    result = fake_result(2, metrics=ONE, not_comparable=False)
    start, end = result.sessions
    verdicts = ("improved", "worsened", "no detectable change", "changed")
    changes = tuple(
        dataclasses.replace(c, verdict=verdicts[k % 4], course_status="") for k, c in enumerate(result.changes)
    )
    figure = plot_forest(
        dataclasses.replace(result, changes=changes), metric="redness", view="front", from_session=start, to_session=end
    )

    def seen(color: object) -> np.ndarray:
        linear = ((np.array(to_rgb(color)) + 0.055) / 1.055) ** 2.4  # type: ignore[arg-type]
        return np.clip(np.array(_BLINDNESS[blindness]) @ linear, 0, 1) ** (1 / 2.4)

    looks = {(d.get_marker(), str(d.get_markerfacecolor())) for d in _marks(figure).values()}
    assert len(looks) == 4
    for (sign_a, a), (sign_b, b) in combinations(looks, 2):
        assert sign_a != sign_b or np.linalg.norm(seen(a) - seen(b)) > 0.3


def test_a_forest_point_inside_its_band_could_not_have_been_shown(fake_result: Fake) -> None:
    result = _with_changes(
        fake_result(2, metrics=ONE, regions=("nose",), not_comparable=False), difference=-1.24, ci_low=-1.94,
        ci_high=-0.54, detectable_change=0.9, verdict="improved", course_status="",
    )  # fmt: skip
    start, end = result.sessions
    pair = {"metric": "redness", "view": "front", "from_session": start, "to_session": end}
    words = _words(plot_forest(result, **pair))  # type: ignore[arg-type]
    assert {"−1.2 (−1.9 to −0.5)", "✓  improved", "too small for these photos to show", "← better"} <= set(words)
    with pytest.raises(ValueError, match="no change of redness"):
        plot_forest(result, metric="redness", view="front", from_session="a", to_session="b")


def test_shares_end_at_all_there_is(fake_result: Fake) -> None:
    assert value_limits([(40.0, 85.0), (99.0, 30.0)], "red_area") == pytest.approx((0.0, 100.0), abs=3)
    low, high = value_limits([(40.0, 85.0), (99.0, 30.0)], "redness")
    assert low < -40 and high > 120
    result = _with_changes(
        fake_result(2, metrics=("red_area",), regions=("nose",), not_comparable=False), metric="red_area",
        difference=-8.0, ci_low=-128.9, ci_high=112.9, detectable_change=120.9,
    )  # fmt: skip
    assert style.change_text(result.changes[0], 1) == "−8.0 (−100.0 to +100.0)"
    (group,) = group_changes(_with_changes(result, verdict="no detectable change"), list(result.changes))
    assert group.largest == "more than 100 %"


def test_the_overview_has_a_panel_a_measure_with_its_change(fake_result: Fake) -> None:
    result = fake_result(6, metrics=("redness", "melanin_index", "texture_uniformity"))
    words = _words(plot_overview(result, view="front"))
    titles = [word for word in words if word in ("Redness, a*", "Melanin index, OD", "Texture unevenness, %")]
    assert len(titles) == 3
    assert sum(" to " in word and "(" in word and "," in word for word in words) >= 3
    with pytest.raises(ValueError, match="whole face"):
        plot_overview(fake_result(2, metrics=ONE, regions=("nose",)), view="front")


def test_one_session_or_nothing_comparable_leaves_no_empty_chart(fake_result: Fake, tmp_path: Path) -> None:
    assert write_charts(fake_result(1), tmp_path) == []
    nothing = _with_changes(
        fake_result(2, metrics=ONE, regions=FEW),
        difference=math.nan,
        ci_low=math.nan,
        ci_high=math.nan,
        verdict="not comparable",
    )
    assert {p.stem for p in write_charts(nothing, tmp_path)} == {"trend_redness_front", "overview_front"}


def test_a_new_row_of_the_metrics_table_is_charted(
    fake_result: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = dataclasses.replace(next(iter(METRICS.values())), name="dummy", title="Dummy of all", charted=True)
    monkeypatch.setitem(METRICS, "dummy", row)
    result = fake_result(2, folder=tmp_path / "photos", metrics=("dummy",), regions=FEW)
    paths = write_charts(result, tmp_path)
    kinds = ("trend", "change_map", "face_map", "outline_map", "forest")
    assert {p.stem for p in paths} == {"overview_front", *(f"{kind}_dummy_front" for kind in kinds)}
    assert "Dummy of all" in (tmp_path / "charts" / "trend_dummy_front.svg").read_text(encoding="utf-8")
    monkeypatch.setitem(METRICS, "dummy", dataclasses.replace(row, charted=False))
    assert write_charts(result, tmp_path / "other") == []


def test_marks_get_panels_of_their_own_names_and_the_neck_comes_last(fake_result: Fake) -> None:
    result = fake_result(2, metrics=ONE, regions=("neck", "face", "scar_1", "forehead"))
    names = ("scar_1", "forehead", "whole face", "neck")
    found = [t for t in _texts(plot_trend(result, metric="redness", view="front")) if t.get_text() in names]
    found.sort(key=lambda t: (-t.get_position()[1], t.get_position()[0]))
    assert tuple(t.get_text() for t in found) == names


def test_the_users_matplotlib_settings_neither_matter_nor_change(fake_result: Fake, tmp_path: Path) -> None:
    import matplotlib

    result = fake_result(2, metrics=ONE, regions=("nose",))
    plain = plot_trend(result, metric="redness", view="front")
    plain.savefig(tmp_path / "plain.png")
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30.0, "lines.linewidth": 9.0}):
        odd = plot_trend(result, metric="redness", view="front")
        assert matplotlib.rcParams["font.size"] == 30.0
    odd.savefig(tmp_path / "odd.png")
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "odd.png").read_bytes()


@pytest.mark.parametrize("kind", get_args(ChartKind))
def test_a_notebook_draws_every_kind(fake_result: Fake, tmp_path: Path, kind: ChartKind) -> None:
    few = {"metrics": ("redness_index",), "regions": ("cheek_left", "cheek_right", "face"), "recoveries": (1,)}
    result = fake_result(2, folder=tmp_path, **few)
    assert len(_words(api.figure(result, kind))) > 5


def test_importing_the_charts_loads_no_matplotlib() -> None:
    code = "import sys, skinprogress.outputs.charts; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_labels_move_apart_as_little_as_possible() -> None:
    assert spread([1.0, 5.0, 9.0], 0, 10, gap=2) == [1.0, 5.0, 9.0]
    assert spread([9.5, 9.6, 9.7], 0, 10, gap=2) == [6.0, 8.0, 10.0]
    many = spread([5.0] * 30, 0, 10, gap=2)
    assert many[0] >= 0 and many[-1] <= 10 and (np.diff(many) > 0).all()


@pytest.mark.parametrize(("treatments", "regions"), [((1,), ("face",)), ((1, 2), None), (tuple(range(1, 9)), None)])
def test_recoveries_of_all_treatments_share_a_panel_and_no_labels_overlap(
    fake_result: Fake, treatments: tuple[int, ...], regions: tuple[str, ...] | None
) -> None:
    result = fake_result(10, metrics=("redness_index",), regions=regions, recoveries=treatments)
    figure = plot_recovery(result, view="front")
    _assert_apart(_texts(figure), figure)
    titles = [t for t in _texts(figure) if t.get_text() in ("whole face", "forehead")]
    assert min(titles, key=lambda t: (-t.get_position()[1], t.get_position()[0])).get_text() == "whole face"
    signs = {d.get_marker() for d in _marks(figure).values()}
    assert len(signs) == min(len(treatments), 6)


def test_a_curve_is_drawn_over_its_photos_only_and_says_its_half_life(fake_result: Fake) -> None:
    result = fake_result(10, metrics=("redness_index",), regions=("face", "nose"), recoveries=(1, 2))
    figure = plot_recovery(result, view="front")
    curve = max((p.get_path() for p in figure.artists if isinstance(p, PathPatch)), key=lambda path: len(path))
    panel = [x for (x, _), d in _marks(figure).items() if d.get_markeredgecolor() == style.PAPER]
    # Of two panels: from two hours to seven days in the left one, or in the right.
    assert any(abs(curve.vertices[0, 0] - x) < 0.01 for x in panel)
    assert any(abs(curve.vertices[-1, 0] - x) < 0.01 for x in panel)
    texts = _words(figure)
    assert texts.count("treatment 1: half gone after 21 h (15 to 31)") == 2
    assert {"quoted: up to 3 days", "quoted: up to 5 days"} <= set(texts)
    assert any(text.startswith("No curve after treatment 2: 2 photos within a week") for text in texts)
    assert any("clinics' advice" in text for text in texts)
    caption, alt = describe_recovery(result, "front")
    assert alt.startswith(caption) and "Treatment 1, whole face: +5.7 a*-eq 2 hours after it" in alt


def test_two_hours_and_seven_days_both_have_room(fake_result: Fake) -> None:
    result = fake_result(10, metrics=("redness_index",), regions=("face",), recoveries=(1,))
    hours = ("2 h", "6 h", "12 h", "1 d", "2 d", "3 d", "5 d", "7 d")
    found = {t.get_text(): t.get_position()[0] for t in _texts(plot_recovery(result, view="front"))}
    x = [found[hour] for hour in hours]
    assert min(np.diff(x)) > 0.05 * (x[-1] - x[0])


def test_slopes_run_over_calm_sessions_only_and_stand_above_the_panel(fake_result: Fake) -> None:
    result = fake_result(12, metrics=ONE, trends=True, marks=(LONG,))
    figure = plot_trend(result, metric="redness", view="front")
    regions = session_values(result, "redness", "front")
    assert _words(figure).count("−0.4 a* per month (−0.7 to −0.1)") == len(regions)
    (drawn,) = [
        p for p in figure.artists
        if isinstance(p, PathPatch) and p.get_edgecolor()[:3] == to_rgb(style.SLOPE) and p.get_zorder() == 2.5
    ]  # fmt: skip
    # One line a region, through the calm sessions only, and falling.
    path = drawn.get_path()
    starts = np.flatnonzero(path.codes == path.MOVETO)
    assert len(starts) == len(regions)
    first = path.vertices[: starts[1]]
    assert len(first) == len(result.trends[0].sessions)
    assert first[-1, 1] < first[0, 1]
    assert len(_words(plot_trend(fake_result(12, metrics=ONE), metric="redness", view="front"))) < len(_words(figure))


def test_maintenance_is_set_apart_by_a_line_with_its_date(fake_result: Fake) -> None:
    result = fake_result(9, metrics=ONE, regions=FEW)
    kept_up = result.sessions[-3:]
    phases = {s: dataclasses.replace(p, segment="maintenance" if s in kept_up else "course")
              for s, p in result.plan.phases.items()}  # fmt: skip
    treatments = [dataclasses.replace(t, setting="maintenance" if k == 1 else "clinic")
                  for k, t in enumerate(result.plan.course.treatments)]  # fmt: skip
    course = dataclasses.replace(result.plan.course, treatments=tuple(treatments))
    plan = dataclasses.replace(result.plan, phases=phases, course=course)
    figure = plot_trend(dataclasses.replace(result, plan=plan), metric="redness", view="front")
    assert any(t.get_text() == "maintenance from 25 April 2026" for t in _texts(figure))
    assert not any("maintenance" in t.get_text() for t in _texts(plot_trend(result, metric="redness", view="front")))


def test_recovery_charts_are_written_only_where_there_are_recoveries(fake_result: Fake, tmp_path: Path) -> None:
    few = {"metrics": ("redness_index",), "regions": ("face",)}
    assert not [p for p in write_charts(fake_result(1, **few), tmp_path) if "recovery" in p.name]
    written = write_charts(fake_result(1, recoveries=(1,), **few), tmp_path)
    assert [p.name for p in written] == ["recovery_front.png", "recovery_front.svg"]
