"""Photos that fail to fit in the way of another person's, and those that fail in another way."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace as Made
from typing import Any

import pytest

from skinprogress.comparison.other_person import CODE, may_be_another_person, misfit_error
from skinprogress.comparison.pairing import find_softness
from skinprogress.errors import PhotoError
from skinprogress.records import FLAG_TEXT, Course, Flag, PhotoRef
from skinprogress.settings import Settings


def face(
    *, accepted: tuple[str, ...] = (), features: float = 0.1, iod_px: float = 200.0, sharpness: float = 2.1,
    finest_mm: float = 1.0, yaw_deg: float = 0.0, view: str = "front", flags: Flag = Flag.NONE,
) -> Any:  # fmt: skip
    landmarks = Made(iod_px=iod_px, pose_deg=(yaw_deg, 0.0, 0.0))
    return Made(
        registration=Made(accepted=accepted, features=features),
        inspection=Made(landmarks=landmarks, sharpness=sharpness),
        softness=Made(finest_mm=finest_mm),
        view=view,
        flags=flags,
    )


def test_sharp_photos_of_which_nothing_repeats_may_be_of_two_people() -> None:
    assert may_be_another_person(face(), face())


@pytest.mark.parametrize(
    "other",
    [
        {"accepted": ("cheek_left",)},
        {"features": 0.4},
        {"features": float("nan")},
        {"iod_px": 90.0},
        {"sharpness": 1.5},
        {"sharpness": float("nan")},
        {"finest_mm": 2.0},
        {"finest_mm": float("inf")},
        {"finest_mm": 0.0},
        {"yaw_deg": 15.0},
        {"view": "left_oblique"},
        {"flags": Flag.SMOOTHING_SUSPECTED},
    ],
)
def test_where_something_repeats_or_something_else_may_be_the_reason_nothing_is_said(other: dict[str, Any]) -> None:
    assert not may_be_another_person(face(**other), face())


@pytest.mark.parametrize("other", [{"iod_px": 90.0}, {"sharpness": 1.5}, {"flags": Flag.SMOOTHING_SUSPECTED}])
def test_the_reference_photo_must_be_good_too(other: dict[str, Any]) -> None:
    assert not may_be_another_person(face(), face(**other))


def test_the_reference_photo_itself_is_not_judged() -> None:
    itself = face()
    itself.registration = None
    assert not may_be_another_person(itself, itself)


@pytest.mark.parametrize("is_reference", [True, False])
def test_words_say_what_was_seen_and_not_who_it_is(is_reference: bool) -> None:
    told = misfit_error(other_person=True, is_reference=is_reference)
    assert isinstance(told, PhotoError) and told.code == CODE == "may_be_another_person"
    assert "pores" in told.reason and "may be another person" in told.reason and told.remedy
    untold = misfit_error(other_person=False, is_reference=is_reference)
    assert untold.code == ("fits_no_other" if is_reference else "does_not_fit") and "blur" in untold.reason
    assert "may" in FLAG_TEXT[Flag.MAY_BE_ANOTHER_PERSON]


def test_real_photos(real_photos: Path) -> None:
    from skinprogress.pipeline.inspecting import inspect_photo
    from skinprogress.pipeline.measuring import measure_photo
    from skinprogress.pipeline.planning import plan_client, reference_scale

    settings = Settings()
    names = ("005_neutral", "005_smiling", "070_neutral")
    refs = [
        PhotoRef(path=real_photos / "london" / f"{name}.jpg", file=name, client="c", session=name) for name in names
    ]
    looks = {ref.file: inspect_photo(ref, settings=settings) for ref in refs}
    plan, _ = plan_client([*looks.values()], client="c", sessions=list(names), course=Course(), settings=settings)
    plan = replace(plan, reference_of={"front": names[0]})
    scale = reference_scale(plan, "front", looks)
    options = {"mm_per_px": scale, "settings": settings, "for_grade": True}
    first, place = measure_photo(looks[names[0]], plan, reference=None, **options)
    told = []
    for name in names[1:]:
        other, _ = measure_photo(looks[name], plan, reference=place, red_level=None, **options)
        told.append(may_be_another_person(find_softness(other, first), first))
    assert told == [False, True]
