"""The colour page shows what each photo was matched on, what is left, and what to do where nothing was matched."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinprogress.color.card_fit import CardFit, fit_card
from skinprogress.color.correcting import apply_correction
from skinprogress.color.spaces import encode_srgb8
from skinprogress.outputs.catalogue import strings
from skinprogress.outputs.color_page import describe_colors, explain_colors
from skinprogress.outputs.color_pictures import CARD_PX, card_distances, render_card, render_patch, render_thumb
from skinprogress.outputs.color_sheet import write_color_sheets
from skinprogress.outputs.report import render_report
from skinprogress.records import ClientResult, Flag, Inspection, Rung

Fake = Callable[..., ClientResult]
ONE = {"metrics": ("redness",), "regions": ("face",), "photos_per_session": 1}
EVIL = "<img src=x onerror=alert(1)>"


def _first(result: ClientResult) -> Inspection:
    return next(iter(result.inspections.values()))


def test_each_patch_shows_photo_correction_and_truth(fake_result: Fake) -> None:
    result = fake_result(1, rungs=("card",), **ONE)
    photo = _first(result)
    assert photo.card is not None
    fit = fit_card(photo.card)
    assert isinstance(fit, CardFit)
    rgb = render_card(photo.card, fit)
    assert rgb.shape[1] == CARD_PX
    pitch = (CARD_PX - 10) / 6
    seen, corrected, true = (encode_srgb8(x) for x in (photo.card.linear_rgb, fit.predicted, fit.reference))
    step = (rgb.shape[0] - 20) / 4
    for k in range(24):
        row, column = divmod(k, 6)
        y, left = round(10 + row * step + 12), 10 + column * pitch
        if fit.used[k]:
            for share, color in ((1 / 6, seen[k]), (0.5, corrected[k]), (5 / 6, true[k])):
                np.testing.assert_array_equal(rgb[y, round(left + share * (pitch - 10))], color)
    assert not fit.used[17]  # unusable in the photo
    before, after = card_distances(photo.card, fit)
    assert np.median(before[fit.used]) > 4
    assert np.median(after[fit.used]) == pytest.approx(fit.residual_delta_e, abs=0.05)
    assert np.median(after[fit.used]) < 1


def test_words_of_a_card(fake_result: Fake) -> None:
    (row,) = describe_colors(fake_result(1, rungs=("card",), **ONE))
    assert row.title == "colour card"
    figures = dict(row.figures)
    assert set(figures) == {
        "Whole face, a*", "Whole face, L*", "Whole face, redness index", "A region against the rest of the face",
        "Left on the patches", "Left on patches that the fit had not seen",
    }  # fmt: skip
    assert figures["Left on the patches"] == "ΔE00 0.6 (median)"
    assert figures["A region against the rest of the face"] == "± 0.2 a*-eq"  # 1.96 × 0.004 / 0.0405
    assert figures["Whole face, redness index"] == "± 0.5 a*-eq"  # 1.96 × 0.008 × √2 / 0.0405
    assert [p.wide for p in row.pictures] == [False, True]


def test_px_that_were_used_are_bright_and_the_rest_is_grey(fake_result: Fake) -> None:
    result = fake_result(2, rungs=("background",), **ONE)
    photo = list(result.inspections.values())[1]
    used = result.plan.corrections[photo.ref.file].used
    assert used is not None and used.any() and not used.all()
    gains = np.array([0.7, 1.0, 1.2], np.float32)
    correction = dataclasses.replace(result.plan.corrections[photo.ref.file], gains=gains)
    shown = render_thumb(photo, correction=correction, bright=used)
    rows, columns = ((np.arange(n) + 0.5) * used.shape[0] / n for n in shown.shape[:2])
    here = np.ix_(rows.astype(int), columns.astype(int))
    colors = encode_srgb8(apply_correction(photo.background.linear_rgb.astype(np.float32), correction))[here]
    bright = used[here]
    np.testing.assert_array_equal(shown[bright], colors[bright])
    dark = shown[~bright]
    assert (dark.max(axis=1) == dark.min(axis=1)).all()
    assert dark.max() <= 92 < np.median(colors[bright])


def test_a_background_stands_beside_what_it_is_carried_to(fake_result: Fake) -> None:
    result = fake_result(3, rungs=("background",), **ONE)
    reference, *others = describe_colors(result)
    assert (reference.title, reference.short) == ("reference photo", "the measure for the others")
    assert not reference.figures  # no ± 0 for a photo against itself
    for row in others:
        assert [p.caption.split(";")[0] for p in row.pictures] == [
            "as photographed", "corrected", f"what it is carried to: {reference.file}",
        ]  # fmt: skip
    # Carried on to the true colours of a card: beside it stands the photo that has the card.
    files = list(result.inspections)
    card = fake_result(3, rungs=("card",), **ONE)
    result.plan.corrections[files[0]] = card.plan.corrections[files[0]]
    result.plan.corrections[files[2]] = dataclasses.replace(result.plan.corrections[files[2]], anchor="card")
    assert list(describe_colors(result))[2].pictures[2].caption.endswith(files[0])


def test_a_grey_patch_becomes_grey(fake_result: Fake) -> None:
    result = fake_result(1, rungs=("patch",), **ONE)
    photo = _first(result)
    assert photo.patch is not None
    rgb = render_patch(photo.patch, result.plan.corrections[photo.ref.file])
    seen, corrected, true = (rgb[rgb.shape[0] // 2, round(x * rgb.shape[1])].astype(int) for x in (0.2, 0.5, 0.8))
    assert np.ptp(seen) > 20 and np.ptp(true) == 0
    assert np.abs(corrected - true).max() <= 1
    (row,) = describe_colors(result)
    assert row.pictures[1].caption.endswith("grey of 90 %")


def test_nothing_matched_is_said_with_its_remedy(fake_result: Fake) -> None:
    result = fake_result(2, rungs=("none",), **ONE)
    (text,) = explain_colors(result)
    assert text.startswith("Nothing was matched in any photo: how red the whole face is cannot be compared")
    assert "Next time, keep a colour card, or the same wall" in text
    row = next(describe_colors(result))
    assert row.title == "nothing matched"
    assert float(dict(row.figures)["Whole face, a*"].removeprefix("± ")) > 5


def test_an_unusable_card_says_why_and_what_to_do(fake_result: Fake) -> None:
    result = fake_result(2, rungs=("none",), card_problem="a corner of it is cut off", **ONE)
    row = next(describe_colors(result))
    assert row.remarks == (
        "A colour card is in the photo and could not be used: a corner of it is cut off.",
        "Colour card: hold the card a hand's breadth further down.",
    )
    assert row.pictures[0].caption == "the card in the photo"
    file = row.file
    told = dataclasses.replace(result.plan.corrections[file], reason="a corner of it is cut off; the scene changed")
    result.plan.corrections[file] = told
    assert [r for r in next(describe_colors(result)).remarks if "cut off" in r] == []  # said once


def test_a_card_that_cannot_be_trusted_says_why(fake_result: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    result = fake_result(2, rungs=("card",), **ONE)
    file = _first(result).ref.file
    other = fake_result(2, rungs=("none",), **ONE)
    result.plan.corrections[file] = other.plan.corrections[file]
    monkeypatch.setattr("skinprogress.outputs.color_page.fit_card", lambda *_, **__: "its colours have faded")
    row = next(describe_colors(result))
    assert row.remarks == ("A colour card is in the photo and could not be used: its colours have faded.",)


@pytest.mark.parametrize(
    ("rungs", "expected"),
    [
        (("background",), ["All 4 photos can be compared in colour: they are carried to the colours of {0} by the "]),
        (("card", "none"), ["2 photos can be compared in colour: they are carried to the true colours of the card "]),
        (
            ("card", "patch", "none", "none"),
            ["{0} alone is carried to the true", "{1} alone is carried to neutral light"],
        ),
        (("background", "none", "none", "none"), []),
    ],
)
def test_who_can_be_compared_with_whom(fake_result: Fake, rungs: tuple[Rung, ...], expected: list[str]) -> None:
    result = fake_result(4, rungs=rungs, **ONE)
    files = list(result.inspections)
    told = explain_colors(result)
    assert len(told) == len(expected) + ("none" in rungs)
    for text, start in zip(told, expected, strict=False):
        assert text.startswith(start.format(*files))
    if rungs[0] == "background" and "none" in rungs:
        assert "in any photo" in told[0]  # a reference photo that no other could be carried to


def test_ways_of_matching_are_counted(fake_result: Fake) -> None:
    result = fake_result(4, rungs=("card", "background"), **ONE)
    for file, c in result.plan.corrections.items():
        result.plan.corrections[file] = dataclasses.replace(c, anchor="card")
    assert explain_colors(result) == [
        "All 4 photos can be compared in colour: they are carried to the true colours of the card in daylight (D65), "
        "2 by a colour card and 2 by the background."
    ]


def test_a_filter_is_remarked_with_what_helps(fake_result: Fake) -> None:
    result = fake_result(1, **ONE)
    file, photo = _first(result).ref.file, _first(result)
    result.inspections[file] = dataclasses.replace(photo, flags=Flag.FILTER_SUSPECTED | Flag.EYES_CLOSED)
    (remark,) = next(describe_colors(result)).remarks
    assert "smooth or recolour skin" in remark and "without beauty or portrait mode" in remark


def test_many_photos_are_folded_but_the_first(fake_result: Fake, tmp_path: Path) -> None:
    html = render_report(fake_result(12, metrics=("redness",), regions=("face",)), tmp_path)
    section = html.split('<section id="colors"')[1].split("</section>")[0]
    assert section.count("<details") == 24
    assert section.count('<details class="group" open') == 3
    assert strings()["colors.room"] in section
    assert "Pixel 8, 1/60 s, f/1.7, ISO 120, flash not fired" in html


def test_names_and_reasons_are_never_markup(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(1, rungs=("none",), card_problem=f"{EVIL}?", **ONE)
    file, photo = _first(result).ref.file, _first(result)
    correction = dataclasses.replace(result.plan.corrections.pop(file), reason=EVIL)
    del result.inspections[file]
    name = f"{EVIL}.jpg"
    result.inspections[name] = dataclasses.replace(photo, ref=dataclasses.replace(photo.ref, file=name))
    result.plan.corrections[name] = correction
    result.plan.view_of[name] = "front"
    html = render_report(dataclasses.replace(result, photos=()), tmp_path)
    section = html.split('<section id="colors"')[1].split("</section>")[0]
    assert "<img src=x" not in html
    assert section.count("&lt;img src=x onerror=alert(1)&gt;") >= 4


def test_the_page_is_a_file_of_its_own(fake_result: Fake, tmp_path: Path) -> None:
    views = ("front", "left_profile")
    result = fake_result(4, rungs=("card", "patch", "background", "none"), views=views, metrics=("redness",))
    paths = write_color_sheets(result, tmp_path)
    assert [p.relative_to(tmp_path).as_posix() for p in paths] == [
        "composites/color_front.jpg", "composites/color_left_profile.jpg",
    ]  # fmt: skip
    for path in paths:
        with Image.open(path) as picture:
            assert picture.width == 1500
            assert 8 * 230 < picture.height < 8 * 450
            # Nothing runs into the right edge.
            assert np.asarray(picture)[:, -25:].min() > 245


def test_a_photo_without_a_correction_is_left_out(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(2, **ONE)
    result.plan.corrections.clear()
    assert list(describe_colors(result)) == explain_colors(result) == write_color_sheets(result, tmp_path) == []
    assert "Colour: what was matched" not in render_report(result, tmp_path)
