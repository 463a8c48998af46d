"""Nothing overlaps, nothing is cut off, and what must be said is said in the picture."""

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from skinprogress.errors import UsageError
from skinprogress.outputs.composing import planning
from skinprogress.outputs.composing.arranging import arrange
from skinprogress.outputs.composing.layouts import compose, compose_frame
from skinprogress.outputs.composing.planning import plan_composite
from skinprogress.outputs.composing.plates import Plate, face_of
from skinprogress.outputs.composing.recipe import CompositeOptions, Recipe
from skinprogress.outputs.lettering import font, line_px, wrap
from skinprogress.records import ClientResult

Fake = Callable[..., ClientResult]
WHITE, SKIN, OTHER = (255, 255, 255), (180, 120, 100), (60, 140, 90)
LONG = "Müller_Größenvergleich_IMG_20250113_140233_Porträt_endgültig_v2(1).jpg"


def plan(result: ClientResult, **options: object) -> Recipe:
    return plan_composite(result, view="front", options=CompositeOptions(**options))  # type: ignore[arg-type]


def flat(recipe: Recipe) -> list[np.ndarray]:
    return [np.full((f.height_px, f.width_px, 3), (SKIN, OTHER)[k % 2], np.uint8) for k, f in enumerate(recipe.frames)]


def boxes(recipe: Recipe, plate: Plate) -> list[tuple[int, int, int, int]]:
    """Everything in a picture: photos, lines of text, warnings; of animations what stands with the first photo."""
    frame = recipe.frames[0]
    found = [(x, y, x + frame.width_px, y + frame.height_px) for x, y in plate.panels]
    one = recipe.options.layout in ("flicker", "timelapse")
    for line in plate.lines:
        if one and line.frame not in (None, 0):
            continue
        face = face_of(recipe.options, plate.letter_px, line.kind, bold=line.bold)
        width = int(face.getlength(line.text))
        x = line.xy[0] - width if line.from_right else line.xy[0]
        found.append((x, line.xy[1], x + width, line.xy[1] + line_px(face)))
    found += [s.box for s in plate.strips if not one or s.frame == 0]
    return found


@pytest.mark.parametrize("layout", ["side-by-side", "split", "strip", "regions", "flicker", "timelapse"])
@pytest.mark.parametrize("shape", ["original", "1:1", "9:16", "16:9"])
@pytest.mark.parametrize(("place", "size_px"), [("top", None), ("bottom", 640)])
def test_nothing_overlaps_and_nothing_is_cut(
    fake_result: Fake, layout: str, shape: str, place: str, size_px: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("2 days after a treatment", "not comparable: different light, other expression", "face turned")
    monkeypatch.setattr(planning, "short_warnings", lambda *_: words)
    label = ("After 3 treatments, 6 weeks", LONG)
    monkeypatch.setattr(planning, "label_lines", lambda _, photos, __: [label] * len(photos))
    result = fake_result(4, metrics=("redness",), regions=("face",))
    other = "bottom" if place == "top" else "top"
    options = {"layout": layout, "shape": shape, "label_place": place, "footer_place": other, "size_px": size_px}
    recipe = plan(result, **options)
    plate = arrange(recipe)
    width, height = plate.size
    for left, top, right, bottom in boxes(recipe, plate):
        assert left >= 0 and top >= 0 and right <= width and bottom <= height
    for a, b in itertools.combinations(boxes(recipe, plate), 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)


def test_photos_stand_in_the_picture_as_they_are(client: ClientResult) -> None:
    recipe = plan(client)
    frames = flat(recipe)
    picture = compose(recipe, frames)
    for (x, y), frame in zip(arrange(recipe).panels, frames, strict=True):
        assert np.array_equal(picture[y : y + frame.shape[0], x : x + frame.shape[1]], frame)
    assert (picture[0] == WHITE).all()


def test_warnings_stand_in_the_picture_and_hide_no_skin(client: ClientResult) -> None:
    recipe = plan(client)
    first, second = recipe.frames
    warned = dataclasses.replace(recipe, frames=(first, dataclasses.replace(second, warnings=("different light",))))
    strip = arrange(warned).strips[0]
    assert strip.lines == ("Different light",)
    picture = compose(warned, flat(warned))
    left, top, right, bottom = strip.box
    assert (picture[top:bottom, left:right] == (34, 48, 60)).all(axis=2).mean() > 0.7
    assert (picture == OTHER).all(axis=2).sum() == second.width_px * second.height_px


@pytest.mark.parametrize("slant_deg", [-30.0, 0.0, 12.0])
def test_split_shows_each_photo_on_its_side_of_the_line(client: ClientResult, slant_deg: float) -> None:
    recipe = plan(client, layout="split", slant_deg=slant_deg)
    picture = compose(recipe, flat(recipe))
    (x, y), frame = arrange(recipe).panels[0], recipe.frames[0]
    panel = picture[y : y + frame.height_px, x : x + frame.width_px].astype(int)
    for row in (0.1, 0.5, 0.9):
        line = panel[int(row * frame.height_px)]
        middle = frame.width_px / 2 - (row - 0.5) * frame.height_px * np.tan(np.radians(slant_deg))
        near = round(0.012 * frame.width_px) + 3
        assert (line[: int(middle) - near] == SKIN).all()
        assert (line[int(middle) + near :] == OTHER).all()
        assert line[int(middle) - 1 : int(middle) + 2].max(axis=0).min() > 230  # the white line


def test_pictures_of_an_animation_are_of_one_size_and_say_their_own(client: ClientResult) -> None:
    recipe = plan(client, layout="flicker")
    first, second = recipe.frames
    recipe = dataclasses.replace(recipe, frames=(first, dataclasses.replace(second, warnings=("face turned",))))
    pictures = [compose_frame(recipe, frame, k) for k, frame in enumerate(flat(recipe))]
    assert pictures[0].shape == pictures[1].shape
    _, top, _, bottom = arrange(recipe).strips[0].box
    assert (pictures[0][top:bottom] == 255).all()
    assert not (pictures[1][top:bottom] == 255).all()


def test_the_scale_bar_is_ten_millimetres_and_lies_beside_the_photos(client: ClientResult) -> None:
    recipe = plan(client, layout="regions")
    picture = compose(recipe, flat(recipe))
    bare = compose(
        dataclasses.replace(recipe, frames=tuple(dataclasses.replace(f, mm_per_px=None) for f in recipe.frames)),
        flat(recipe),
    )
    changed = (picture != bare).any(axis=2)
    assert changed[(bare == SKIN).all(axis=2) | (bare == OTHER).all(axis=2)].sum() == 0
    bar = (picture == (34, 48, 60)).all(axis=2) & changed
    assert bar.any(axis=0).sum() == pytest.approx(10 / recipe.frames[0].mm_per_px, abs=1)


def test_photos_too_small_to_see_are_refused(client: ClientResult) -> None:
    with pytest.raises(UsageError, match=r"photos would be \d+ px wide"):
        plan(client, layout="regions", shape="9:16", size_px=200)


def test_footers_can_be_moved_and_not_left_out(client: ClientResult) -> None:
    for place in ("top", "bottom"):
        recipe = plan(client, labels="none", footer_place=place)
        lines = arrange(recipe).lines
        assert {line.kind for line in lines} == {"footer"}
        panel_y = arrange(recipe).panels[0][1]
        assert all((line.xy[1] < panel_y) == (place == "top") for line in lines)


def test_letters_grow_with_the_picture_and_with_the_option(client: ClientResult) -> None:
    sizes = [arrange(plan(client, size_px=px)).letter_px for px in (300, 800, 1600)]
    assert sizes == sorted(sizes) and sizes[0] >= 13
    usual, larger = (arrange(plan(client, size_px=1600, label_scale=k)).letter_px for k in (1.0, 1.6))
    assert larger == pytest.approx(1.6 * usual, rel=0.12)


def test_the_weeks_since_a_treatment_are_never_left_out(fake_result: Fake) -> None:
    result = fake_result(12, metrics=("redness",), regions=("face",))
    for shape in ("original", "1:1", "9:16"):
        recipe = plan(result, layout="strip", shape=shape, size_px=700)
        told = {k: " ".join(x.text for x in arrange(recipe).lines if x.frame == k) for k in range(len(recipe.frames))}
        assert [told[k] for k in told] == [" ".join(f.label) for f in recipe.frames]


def test_long_words_are_broken_and_long_texts_end_in_dots() -> None:
    face = font(20)
    lines = wrap(LONG, face, 150)
    assert "".join(lines) == LONG
    assert max(map(face.getlength, lines)) <= 150
    short = wrap("eins zwei drei vier fünf sechs sieben acht neun", face, 150, max_lines=2)
    assert len(short) == 2 and short[1].endswith("…")
    assert max(map(face.getlength, short)) <= 150


def test_photos_too_narrow_for_their_warnings_have_them_listed_over_the_whole_width(client: ClientResult) -> None:
    words = ("not comparable: different light, other expression, details do not line up",)
    recipe = plan(client, layout="regions", size_px=420)
    recipe = dataclasses.replace(
        recipe,
        frames=tuple(dataclasses.replace(f, warnings=words if k % 2 else ()) for k, f in enumerate(recipe.frames)),
    )
    plate = arrange(recipe)
    (strip,) = plate.strips
    assert " ".join(strip.lines).endswith(words[0])
    assert strip.lines[0].startswith(recipe.frames[1].label[0])
    assert strip.box[1] >= max(y for _, y in plate.panels) + recipe.frames[0].height_px


def test_no_word_of_a_label_is_broken_by_a_narrow_photo(fake_result: Fake) -> None:
    recipe = plan(fake_result(12, metrics=("redness",), regions=("face",)), layout="regions", size_px=420)
    assert recipe.frames[0].width_px < 100
    words = {
        word for frame in recipe.frames for text in (*frame.label, frame.title.capitalize()) for word in text.split()
    }
    drawn = {word for line in arrange(recipe).lines if line.kind != "footer" for word in line.text.split()}
    assert drawn <= words | {word.capitalize() for word in words}


def test_what_must_be_read_is_never_set_in_the_users_font_whose_letters_may_be_blank() -> None:
    own = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSerif.ttf"
    families = {k: face_of(CompositeOptions(font=own), 20, k).getname()[0] for k in ("title", "warning", "footer")}
    assert families == {"title": "DejaVu Serif", "warning": "DejaVu Sans", "footer": "DejaVu Sans"}


def test_what_must_be_read_does_not_shrink_with_the_labels(client: ClientResult) -> None:
    sizes = {}
    for scale in (0.6, 1.0):
        recipe = plan(client, size_px=1600, label_scale=scale)
        letter_px = arrange(recipe).letter_px
        sizes[scale] = [face_of(recipe.options, letter_px, kind).size for kind in ("title", "warning", "footer")]
    (title, *told), (usual_title, *usual) = sizes[0.6], sizes[1.0]
    assert title < 0.7 * usual_title
    assert all(size >= usual_size for size, usual_size in zip(told, usual, strict=True))
