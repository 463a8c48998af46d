"""A composite is confirmed only if it is what its recipe makes of the photos; no recipe can do harm."""

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from skinprogress.errors import UsageError
from skinprogress.outputs.composing import verifying
from skinprogress.outputs.composing.planning import plan_composite
from skinprogress.outputs.composing.recipe import CompositeOptions, recipe_digest
from skinprogress.outputs.composing.target import recipe_path
from skinprogress.outputs.composing.trusting import read_recipe
from skinprogress.outputs.composing.verifying import Verification, verify_composite
from skinprogress.outputs.composing.writing import make_composite, write_composite
from skinprogress.records import ClientResult

Edit = Callable[[dict[str, Any]], object]
Made = Callable[..., Path]


@pytest.fixture(scope="module")
def original(fake_result: Callable[..., ClientResult], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``client``, ``out/pair.jpg`` and more composites, and their recipes."""
    folder = tmp_path_factory.mktemp("original")
    result = fake_result(2, folder=folder / "client", metrics=("redness",), regions=("face",), photos_per_session=1)
    for k, (file, inspection) in enumerate(result.inspections.items()):
        path = inspection.ref.path
        with Image.open(path) as image:
            image.load()
            image.save(path, quality=88 + k)
        ref = replace(inspection.ref, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        result.inspections[file] = replace(inspection, ref=ref)
    client = next(iter(result.inspections.values())).ref.path.parents[1]
    away = os.path.relpath(client, folder / "out").replace(os.sep, "/")
    for name, options in {
        "pair.jpg": CompositeOptions(size_px=600, hide="eyes"),
        "pair.png": CompositeOptions(size_px=600, format="png"),
        "flicker.webp": CompositeOptions(layout="flicker", size_px=480),
        "film.mp4": CompositeOptions(layout="timelapse", size_px=480, seconds=0.2),
    }.items():
        recipe = plan_composite(result, view="front", options=options, photos=away)
        write_composite(result, recipe, folder / "out" / name.replace("pair.png", "lossless.png"))
    return folder


@pytest.fixture
def pair(original: Path, tmp_path: Path) -> Path:
    """``out/pair.jpg`` in a copy of that folder that a test may spoil."""
    shutil.copytree(original, tmp_path / "here")
    return tmp_path / "here" / "out" / "pair.jpg"


def _rewrite(composite: Path, edit: Edit) -> None:
    """Change a recipe as a forger would who knows how its digest is made."""
    beside = recipe_path(composite)
    content = json.loads(beside.read_text())
    edit(content)
    content["recipe_sha256"] = recipe_digest(content)
    beside.write_text(json.dumps(content))


def _failed(found: Verification) -> dict[str, str]:
    return {check.name: check.text for check in found.checks if not check.ok}


@pytest.mark.parametrize("name", ["pair.jpg", "lossless.png", "flicker.webp", "film.mp4"])
def test_every_kind_of_composite_can_be_made_again_byte_for_byte(original: Path, name: str) -> None:
    found = verify_composite(original / "out" / name)
    assert found.ok and not _failed(found)
    assert "byte for byte" in {check.name: check.text for check in found.checks}["made again"]


def test_a_picture_saved_again_is_not_confirmed_and_told_how_far_it_is_off(pair: Path) -> None:
    with Image.open(pair) as image:
        image.load()
        image.save(pair, quality=70)
    failed = _failed(verify_composite(pair))
    assert set(failed) == {"picture", "made again"}
    assert "largest difference of a px is" in failed["made again"]


def test_a_retouched_picture_with_a_digest_to_match_is_not_confirmed(pair: Path) -> None:
    picture = pair.with_name("lossless.png")
    pixels = np.asarray(Image.open(picture)).copy()
    pixels[100:110, 100:110] = 255
    Image.fromarray(pixels).save(picture)
    _rewrite(picture, lambda c: c.update(composite_sha256=hashlib.sha256(picture.read_bytes()).hexdigest()))
    assert set(_failed(verify_composite(picture))) == {"made again"}


def test_another_picture_under_the_same_name_is_not_confirmed(pair: Path) -> None:
    Image.new("RGB", (30, 20)).save(pair)
    assert "another size" in _failed(verify_composite(pair))["made again"]
    pair.write_bytes(b"no picture at all")
    assert not verify_composite(pair).ok


def test_a_recipe_changed_by_hand_is_told(pair: Path) -> None:
    beside = recipe_path(pair)
    beside.write_text(beside.read_text().replace('"numpy": "', '"numpy": "0'))
    assert set(_failed(verify_composite(pair))) == {"recipe"}


def test_labels_and_warnings_are_drawn_from_the_recipe(pair: Path) -> None:
    _rewrite(pair, lambda c: c["frames"][1].update(label=["After 1 treatment, 1 week"]))
    assert set(_failed(verify_composite(pair))) == {"made again"}


def test_photos_are_found_by_their_content_where_the_user_says(pair: Path, tmp_path: Path) -> None:
    client = pair.parents[1] / "client"
    elsewhere = tmp_path / "archive" / "2026"
    elsewhere.mkdir(parents=True)
    for k, photo in enumerate(sorted(client.rglob("*.jpg"))):
        shutil.move(photo, elsewhere / f"renamed {k}.jpg")
    failed = _failed(verify_composite(pair))
    assert set(failed) == {"photos", "made again"} and "--photos" in failed["photos"]
    assert verify_composite(pair, photos=tmp_path / "archive").ok


def test_a_photo_that_was_changed_is_not_taken_for_the_one_that_was_used(pair: Path) -> None:
    photo = next((pair.parents[1] / "client").rglob("*.jpg"))
    photo.write_bytes(photo.read_bytes() + b"\0")
    assert "photos" in _failed(verify_composite(pair))


def _matrix(edit: Callable[[list[list[float]]], object]) -> Edit:
    return lambda c: edit(c["frames"][1]["matrix"])


def _stretch(m: list[list[float]]) -> None:
    m[0][0] *= 1.03


def _mirror(m: list[list[float]]) -> None:
    m[0][:2] = [-m[0][0], -m[0][1]]


def _enlarge(m: list[list[float]]) -> None:
    m[0][:2], m[1][:2] = [3.0, 0.0], [0.0, 3.0]


def _beyond(m: list[list[float]]) -> None:
    m[0][2] += 5000.0


@pytest.mark.parametrize(
    ("edit", "check", "text"),
    [
        (_matrix(_stretch), "geometry", "stretched"),
        (_matrix(_mirror), "geometry", "mirrored"),
        (_matrix(_enlarge), "geometry", "enlarged 3 times"),
        (_matrix(_beyond), "geometry", "beyond its edges"),
        (lambda c: c["frames"][1]["color"].update(brightness=1.2), "colours", "different factors"),
        (lambda c: c["frames"][1].update(color=None), "colours", "of others not"),
        (lambda c: c.update(color_reference="none"), "colours", "names nothing"),
        (lambda c: c["frames"][1].update(hidden=[]), "hidden", "covered in some photos"),
        (lambda c: c["options"].update(hide="nothing"), "hidden", "not as the picture says"),
    ],
)
def test_what_an_honest_composite_never_does_is_told(pair: Path, edit: Edit, check: str, text: str) -> None:
    _rewrite(pair, edit)
    failed = _failed(verify_composite(pair))
    assert text in failed[check]


def _forge(composite: Path, edit: Edit) -> None:
    """Change a recipe, and make the picture that it then describes, with every digest as it should be."""
    _rewrite(composite, edit)
    recipe, _ = read_recipe(recipe_path(composite))
    data = make_composite(recipe, lambda frame: (composite.parent / recipe.photos / frame.file).resolve())
    composite.write_bytes(data)
    _rewrite(composite, lambda c: c.update(composite_sha256=hashlib.sha256(data).hexdigest()))


def _swap(c: dict[str, Any]) -> None:
    c["frames"].reverse()


def _tone(c: dict[str, Any]) -> None:
    c["frames"][1]["color"]["tone"] = [[0.01, 0.02], [0.5, 0.5], [1.0, 1.0]]


def _less_red(c: dict[str, Any]) -> None:
    c["frames"][1]["color"]["matrix"] = [[0.9, 0.1, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


def _twice(c: dict[str, Any]) -> None:
    first, second = c["frames"]
    c["frames"][1] = {**first, "session": second["session"], "label": second["label"]}


def _cover_more(c: dict[str, Any]) -> None:
    for frame in c["frames"]:
        frame["hidden"].append([[200, 300], [240, 300], [240, 340], [200, 340]])


@pytest.mark.parametrize(
    ("edit", "check", "text"),
    [
        (_tone, "colours", "tone curve"),
        (_less_red, "colours", "mixing of colours"),
        (lambda c: c.update(color_reference="card"), "colours", "not of the kind that a card gives"),
        (_cover_more, "hidden", "More is covered"),
        (lambda c: c["frames"][1].update(label=["Healed for good"]), "words", "“Healed for good”"),
        (lambda c: c["frames"][1].update(label=["24 December 1999"]), "words", "is not one"),
        (lambda c: c["frames"][1].update(title="No scars"), "words", "no region"),
        (lambda c: c["frames"][1].update(warnings=["not comparable"]), "words", "contradict"),
        (lambda c: c.update(grade="F"), "words", "contradict"),
        (lambda c: c.update(consent="the client is delighted"), "words", "consent"),
        (_swap, "dates", "order"),
        (_twice, "photos", "more than one session"),
    ],
)
def test_a_picture_that_was_made_to_lie_is_told_by_what_no_honest_one_has(
    pair: Path, edit: Edit, check: str, text: str
) -> None:
    _forge(pair, edit)
    failed = _failed(verify_composite(pair))
    assert set(failed) == {check} and text in failed[check]


def test_dates_in_the_files_are_held_against_the_picture(pair: Path) -> None:
    exif = Image.Exif()
    for k, day in enumerate((20, 15)):
        frame = json.loads(recipe_path(pair).read_text())["frames"][k]
        photo = (pair.parent / json.loads(recipe_path(pair).read_text())["photos"] / frame["file"]).resolve()
        exif.get_ifd(0x8769)[0x9003] = f"2026:03:{day} 12:00:00"
        with Image.open(photo) as image:
            image.load()
            image.save(photo, quality=95, exif=exif)
        digest = hashlib.sha256(photo.read_bytes()).hexdigest()
        _rewrite(pair, lambda c, k=k, digest=digest: c["frames"][k].update(sha256=digest))  # type: ignore[misc]
    _forge(pair, lambda c: None)
    assert "was taken before" in _failed(verify_composite(pair))["dates"]


def test_rows_that_are_not_full_are_no_forgery(pair: Path) -> None:
    _rewrite(pair, lambda c: c.update(columns=2, frames=[*c["frames"], c["frames"][0]]))
    assert read_recipe(recipe_path(pair))[0].columns == 2


def test_an_edited_source_that_the_picture_keeps_quiet_about_is_told(
    pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "is_suspect", lambda metadata: True)
    assert "went through a program" in _failed(verify_composite(pair))["edited"]
    files = [frame["file"] for frame in json.loads(recipe_path(pair).read_text())["frames"]]
    _rewrite(pair, lambda c: c.update(edited=files))
    assert "edited" not in _failed(verify_composite(pair))


def test_other_versions_that_round_otherwise_are_told_apart_from_a_forgery(
    pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = pair.with_name("lossless.png")
    pixels = np.asarray(Image.open(picture)).copy()
    pixels[50, 60] ^= 1
    Image.fromarray(pixels).save(picture)
    digest = hashlib.sha256(picture.read_bytes()).hexdigest()
    _rewrite(picture, lambda c: c.update(composite_sha256=digest))
    assert not verify_composite(picture).ok
    _rewrite(picture, lambda c: c["versions"].update(pillow="9.0.0"))
    found = verify_composite(picture)
    text = next(check.text for check in found.checks if check.name == "made again")
    assert found.ok and "pillow 9.0.0 then" in text and "the largest difference of a px is 1 of 255" in text


NAN, HUGE = float("nan"), 10**6


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (lambda c: c.update(recipe_version=2), "recipe version 2"),
        (lambda c: c.update(recipe_version=None), "recipe version None"),
        (lambda c: c.pop("frames"), "frames"),
        (lambda c: c.update(frames=[]), "0 photos"),
        (lambda c: c.update(frames=c["frames"] * 60, columns=120), "120 photos"),
        (lambda c: c.update(columns=0), "rows of 0"),
        (lambda c: c.update(columns="2"), "columns"),
        (lambda c: c.update(surprise=1), "surprise"),
        (lambda c: c.update(photos="/etc"), "absolute path"),
        (lambda c: c.update(photos="C:\\photos"), "absolute path"),
        (lambda c: c.update(photos="a\0b"), "absolute path"),
        (lambda c: c.update(consent="x" * 10**5), "100000 letters"),
        (lambda c: c["frames"][0].update(file="../../etc/passwd"), "outside"),
        (lambda c: c["frames"][0].update(file="..\\secret.jpg"), "outside"),
        (lambda c: c["frames"][0].update(file="/etc/passwd"), "outside"),
        (lambda c: c["frames"][0].update(file=""), "outside"),
        (lambda c: c["frames"][0].update(sha256="*"), "SHA-256"),
        (lambda c: [f.update(width_px=HUGE, height_px=HUGE) for f in c["frames"]], "megapixels"),
        (lambda c: [f.update(width_px=19_999, height_px=19_999) for f in c["frames"]], "megapixels"),
        (lambda c: [f.update(width_px=-5) for f in c["frames"]], "px large"),
        (lambda c: [f.update(width_px=HUGE, height_px=1) for f in c["frames"]], "px large"),
        (lambda c: c["frames"][0].update(width_px=17), "one size"),
        (lambda c: c["options"].update(shape="1:1", size_px=20_000), "20000 px"),
        (lambda c: c["options"].update(size_px=HUGE), "1e\\+06 px"),
        (lambda c: c["options"].update(seconds=1e9), "seconds"),
        (lambda c: c["options"].update(layout="poster"), "options.layout"),
        (lambda c: c["options"].update(format="mp4"), "cannot be kept as mp4"),
        (lambda c: c["options"].update(font="/dev/zero"), "no .ttf"),
        (lambda c: c["options"].update(font="/dev/zero.ttf"), "no .ttf"),
        (lambda c: c["frames"][0]["matrix"][0].__setitem__(2, NAN), "as JSON"),
        (lambda c: c["frames"][0]["matrix"][0].__setitem__(2, 1e300), "px away"),
        (lambda c: c["frames"][0].update(matrix=[[1, 0, 0]]), "matrix"),
        (lambda c: c["frames"][0].update(hidden=[[[0, 0]]]), "outlines"),
        (lambda c: c["frames"][0].update(hidden=[[[0, 1e9], [0, 0], [1, 1]]]), "px away"),
        (lambda c: c["frames"][0].update(label=["x"] * 500), "50[0-9] texts"),
        (lambda c: c["frames"][0]["color"].update(gains=[1.0]), "map of colours"),
        (lambda c: c["frames"][0]["color"].update(tone=[[0, 0], [0, 0]]), "map of colours"),
        (lambda c: c["frames"][0]["color"].update(matrix=[[1.0] * 500] * 3), "map of colours"),
        (lambda c: c["frames"][0].update(mm_per_px=1e-300), "mm a px"),
        (lambda c: c["frames"][0]["color"].update(gains=[1.0, -1.0, 1.0]), "map of colours"),
        (lambda c: c["frames"][0]["color"].update(tone=[[0.1, 0.9], [0.9, 0.1]]), "map of colours"),
        (lambda c: c.update(grade="A+"), "the grade A\\+"),
        (lambda c: c.update(edited=["another.jpg"]), "does not show"),
    ],
)
def test_a_hostile_recipe_is_refused_in_words_before_anything_is_done_with_it(
    pair: Path, edit: Edit, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "_Photos", None)  # nothing is looked for
    _rewrite(pair, edit)
    with pytest.raises(UsageError, match=text) as caught:
        verify_composite(pair)
    assert caught.value.remedy and len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", "[" * 100_000, '{"recipe_version": 1}', '{"a": 1e999}', "\xff"]
)
def test_a_file_that_is_no_recipe_is_refused(pair: Path, text: str) -> None:
    recipe_path(pair).write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError):
        verify_composite(pair)


def test_a_recipe_of_many_megabytes_is_not_read(pair: Path) -> None:
    recipe_path(pair).write_bytes(b" " * 6_000_000)
    with pytest.raises(UsageError, match="larger than 5 MB"):
        verify_composite(pair)


def test_devices_and_pipes_in_the_place_of_a_photo_are_not_read(pair: Path) -> None:
    photos = sorted((pair.parents[1] / "client").rglob("*.jpg"))
    for photo, place in zip(photos, (lambda p: p.symlink_to("/dev/zero"), os.mkfifo), strict=True):
        photo.unlink()
        place(photo)
    assert stat.S_ISFIFO(photos[1].stat().st_mode)
    failed = _failed(verify_composite(pair, photos=pair.parents[1]))
    assert set(failed) == {"photos", "made again"}


def test_a_recipe_or_a_picture_that_is_missing_is_told(pair: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        verify_composite(pair, photos=pair)
    recipe_path(pair).unlink()
    with pytest.raises(UsageError, match=r"pair\.recipe\.json is missing"):
        verify_composite(pair)
    with pytest.raises(UsageError, match="not there"):
        verify_composite(pair.with_name("other.jpg"))
    with pytest.raises(UsageError, match="not there"):
        verify_composite(pair.parent)


def test_what_a_library_stumbles_over_is_an_outcome_too(pair: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from skinprogress.outputs.composing import writing

    def stumble(*_: object) -> bytes:
        raise RuntimeError("0x3f")

    monkeypatch.setattr(writing, "make_composite", stumble)
    assert "cannot be carried out (RuntimeError)" in _failed(verify_composite(pair))["made again"]
