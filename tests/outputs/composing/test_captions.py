"""The footer follows from the recipe's facts, and labels say where in the course a photo was taken."""

import dataclasses
from collections.abc import Callable

import pytest

from skinprogress.comparison.sentences import date_text
from skinprogress.outputs.composing.captions import footer_lines, label_lines
from skinprogress.outputs.composing.recipe import ColorMap, CompositeOptions, FrameRecipe, Labels, Recipe
from skinprogress.outputs.pairs import photos_of
from skinprogress.records import ClientResult, Inspection, Phase

Fake = Callable[..., ClientResult]


def recipe_of(*files: str, mirrored: bool = False, brightness: float = 1.0, **facts: object) -> Recipe:
    color = ColorMap(gains=(1, 1, 1), tone=None, matrix=((1, 0, 0), (0, 1, 0), (0, 0, 1)), brightness=brightness)
    frames = tuple(
        FrameRecipe(
            file=file,
            sha256="",
            session="",
            matrix=((1, 0, 0), (0, 1, 0)),
            width_px=9,
            height_px=9,
            color=color,
            mirrored=mirrored and file == files[-1],
        )
        for file in files
    )
    options = facts.pop("options", CompositeOptions())
    return Recipe(view="front", options=options, frames=frames, columns=2, versions={}, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "Colour not matched"),
        ({"color_reference": "card"}, "colour-matched on a colour card, no retouching by skinprogress."),
        ({"edited": ("b.jpg",)}, "Source edited or beauty-filtered (photo 2)."),
        ({"edited": ("a.jpg", "b.jpg")}, "Source edited or beauty-filtered."),
        ({"suspected": ("a.jpg",)}, "Source looks smoothed by a filter (photo 1)."),
        ({"options": CompositeOptions(hide="eyes")}, "Eyes covered."),
        ({"options": CompositeOptions(hide="upper-face", hide_with="blur")}, "Upper face blurred."),
        ({"grade": "F"}, "Not comparable (grade F)."),
        ({"grade": "C"}, "Compare with care (grade C)."),
        ({"consent": "consent not recorded: ask"}, "Consent not recorded."),
        ({"mirrored": True}, "Mirror image, flipped back (photo 2)."),
        ({"brightness": 1.3}, "All made brighter by the same factor."),
    ],
)
def test_every_fact_is_told(facts: dict[str, object], words: str) -> None:
    assert words in " ".join(footer_lines(recipe_of("a.jpg", "b.jpg", **facts)))  # type: ignore[arg-type]


def test_a_fair_composite_says_one_thing() -> None:
    told = footer_lines(
        recipe_of("a.jpg", "b.jpg", color_reference="background", grade="B", consent="consent recorded")
    )
    assert told == ["Aligned and colour-matched on the background, no retouching by skinprogress."]


def photos(result: ClientResult) -> list[Inspection]:
    return [photos_of(result, "front", s)[0] for s in result.sessions]


@pytest.mark.parametrize(
    ("labels", "first", "last"),
    [
        ("course", ("Before", "10 March 2026"), ("After 1 treatment, 6 weeks", "25 April 2026")),
        ("date", ("10 March 2026",), ("25 April 2026",)),
        ("before-after", ("Before",), ("After 1 treatment, 6 weeks",)),
        ("none", (), ()),
    ],
)
def test_labels(fake_result: Fake, labels: Labels, first: tuple[str, ...], last: tuple[str, ...]) -> None:
    result = fake_result(2, metrics=("redness",), regions=("face",))
    assert label_lines(result, photos(result), labels) == [first, last]


def test_a_photo_after_a_treatment_is_never_called_before(fake_result: Fake) -> None:
    result = fake_result(2, metrics=("redness",), regions=("face",))
    first, last = result.sessions
    result.plan.phases[first] = Phase(session=first, days_after=1.0, treatment_number=2, name="acute")
    result.plan.phases[last] = Phase(session=last, days_after=None, treatment_number=None, name="unknown")
    told = label_lines(result, photos(result), "before-after")
    # On which side of a treatment the last one lies is not known: its day is all that is said.
    assert told == [("After 2 treatments, 24 hours",), (date_text(photos(result)[1].ref.taken_at),)]


def test_names_of_files_are_not_shown_and_two_photos_of_a_day_tell_their_time(fake_result: Fake) -> None:
    result = fake_result(2, metrics=("redness",), regions=("face",), dates=False)
    shown = [
        dataclasses.replace(i, ref=dataclasses.replace(i.ref, session=name, taken_at=None))
        for i, name in zip(photos(result), ("before", "after"), strict=True)
    ]
    assert label_lines(result, shown, "course") == [("Before",), ("After",)]
    dated = fake_result(2, metrics=("redness",), regions=("face",))
    day = [
        dataclasses.replace(i, ref=dataclasses.replace(i.ref, session=name, taken_at=photos(dated)[0].ref.taken_at))
        for i, name in zip(photos(dated), ("2026-03-10T09:00", "2026-03-10T16:30"), strict=True)
    ]
    assert [lines[-1] for lines in label_lines(dated, day, "date")] == [
        "10 March 2026, 09:00",
        "10 March 2026, 16:30",
    ]
