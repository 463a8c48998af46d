"""The commands that make pictures to show and check them, as people meet them."""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import cv2
import numpy as np
import pytest

from skinprogress.checking import planned_anew
from skinprogress.checking.planned_anew import find_differences
from skinprogress.outputs.composing.recipe import recipe_digest
from skinprogress.outputs.composing.trusting import read_recipe
from skinprogress.outputs.composing.verifying import verify_composite
from skinprogress.outputs.composing.writing import make_composite

Result = tuple[int, str, str]
Run = Callable[..., Result]


@pytest.fixture
def skinprogress(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run a command within this process: exit code, what it prints, and what it says of errors."""
    from skinprogress.cli import main

    monkeypatch.setattr(main, "prepare_process", lambda: None)
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["skinprogress", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main.main()
        return ended.value.code, *capsys.readouterr()  # type: ignore[return-value]

    return run


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail as soon as a photo is looked at: what is refused is refused before."""
    from skinprogress.checking import looking

    def look(*_: object, **__: object) -> None:
        raise AssertionError("a photo was looked at")

    monkeypatch.setattr(looking, "inspect_photo", look)


@pytest.fixture
def client(tmp_path, small_portrait, write_photo, redden) -> Path:
    """Two visits in six weeks, without a course file."""
    folder = tmp_path / "Größe 'A' client"
    for k in range(2):
        taken = datetime(2026, 3, 14, 9) + timedelta(days=42 * k)
        photo = redden(small_portrait, 2.0 * k)
        write_photo(folder / f"{taken:%Y-%m-%d}" / f"IMG_{k}.jpg", photo, taken_at=taken)
    return folder


def _photos(client: Path) -> list[Path]:
    return sorted(client.rglob("*.jpg"))


def _files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_picture_of_two_photos_can_be_verified_and_gives_nothing_away(client, tmp_path, skinprogress):
    from PIL import Image

    code, out, err = skinprogress("composite", *_photos(client), "--shape", "4:5", "--hide", "eyes")
    assert (code, err) == (0, "")
    assert "consent   not recorded: ask before you show this picture" in out
    assert "not anonymity" in out
    (picture,) = tmp_path.glob("*.jpg")
    assert str(picture) in out and picture.name == "IMG_0-and-IMG_1-side-by-side.jpg"
    with Image.open(picture) as image:
        assert not image.getexif() and abs(image.width / image.height - 0.8) < 0.01
    recipe = json.loads(picture.with_suffix(".recipe.json").read_text("utf-8"))
    assert recipe["composite_sha256"] == hashlib.sha256(picture.read_bytes()).hexdigest()
    assert [f["label"][-1] for f in recipe["frames"]] == ["14 March 2026", "25 April 2026"]
    code, out, _ = skinprogress("verify", picture)
    assert code == 0 and "failed" not in out, out
    picture.write_bytes(picture.read_bytes() + b"x")
    code, out, _ = skinprogress("verify", picture, tmp_path / "missing.jpg")
    assert code == 2 and "failed" in out and "missing.jpg cannot be checked" in out
    code, _, err = skinprogress("composite", *_photos(client))  # it is no longer the picture of its recipe
    assert code == 2 and "unchanged" in err


@pytest.mark.parametrize(
    ("consent", "arguments", "says"),
    [
        ("publish = false", [], "publish = false"),
        (f"publish = true\nuntil = {date(2026, 1, 1)}", [], "ended on 1 January 2026"),
        (f"publish = true\ngiven = {date.today() + timedelta(days=2)}", [], "is given from"),
        ('publish = true\nscope = ["print"]', ["--for", "web"], "for print, not for web"),
    ],
)
@pytest.mark.usefixtures("untouched")
def test_consent_is_enforced_by_whatever_way_photos_are_named(client, tmp_path, skinprogress, consent, arguments, says):
    (client / "course.toml").write_text(f"[consent]\n{consent}\n", encoding="utf-8")
    links = [tmp_path / name for name in ("a.jpg", "b.jpg")]
    for link, photo in zip(links, _photos(client), strict=True):
        link.symlink_to(photo)
    before = _files(tmp_path)
    for photos in ([client], _photos(client), links, [client.parent]):
        code, out, err = skinprogress("composite", *photos, *arguments)
        assert (code, out) == (2, "") and says in err and "course.toml" in err
    assert _files(tmp_path) == before


def test_consent_with_a_scope_and_days_after_a_treatment_are_told(client, tmp_path, skinprogress):
    (client / "course.toml").write_text(
        '[consent]\npublish = true\nscope = ["web", "print"]\n\n[[treatments]]\nat = 2026-04-23T15:00\n',
        encoding="utf-8",
    )
    out_folder = tmp_path / "shown" / "deep"
    code, out, err = skinprogress("composite", client, "-o", f"{out_folder}/")
    assert (code, err) == (0, "")
    assert "consent   recorded for web and print only" in out
    assert "warning   in the picture, 25 April 2026: 42 hours after a treatment" in out
    assert _files(out_folder) == ["Größe-A-client-side-by-side.jpg", "Größe-A-client-side-by-side.recipe.json"]
    code, out, _ = skinprogress("composite", client, "-o", out_folder, "--for", "Web", "--layout", "split")
    assert code == 0 and "consent   recorded for Web\n" in out


@pytest.mark.usefixtures("untouched")
def test_wrong_use_is_one_clear_line_and_leaves_nothing(client, tmp_path, skinprogress):
    one, two = _photos(client)
    (tmp_path / "twin.jpg").write_bytes(one.read_bytes())
    (tmp_path / "mine.png").write_bytes(b"holiday")
    other = shutil.copytree(client, tmp_path / "other")
    (other / "course.toml").write_text("")
    before = _files(tmp_path)
    cases: list[tuple[list[str | Path], str]] = [
        ([one], "needs two"),
        ([one, one], "the same picture"),
        ([one, tmp_path / "twin.jpg"], "the same picture"),
        ([one, "missing.jpg"], "missing.jpg"),
        (["missing"], "missing"),
        ([one, client], "is a folder"),
        ([two, one], "was taken before"),
        ([one, other / two.relative_to(client)], "does not lie in the same"),
        ([client, "--layout", "collage"], "collage"),
        ([client, "--slant", "70"], "slant"),
        ([client, "--size", "3"], "size"),
        ([client, "--layout", "flicker", "--format", "jpg"], "flicker"),
        ([client, "--font", one], "font"),
        ([client, "-o", "x.bmp"], "x.bmp"),
        ([client, "-o", "x.jpg", "--format", "png"], "x.jpg"),
        ([client, "-o", client / "x.jpg"], "client's folder"),
        ([one, two, "-o", one], "one of the photos"),
        ([one, two, "-o", "mine.png"], "mine.png"),
        ([one, two, "-o", "mine.png/deeper.jpg"], "mine.png"),
        ([client, "--session", "2031"], "2026-03-14"),
        ([client, "--session", "2026"], "several sessions"),
    ]
    for arguments, says in cases:
        code, out, err = skinprogress("composite", *arguments)
        assert (code, out) == (2, ""), arguments
        assert says in err and "Traceback" not in err, (arguments, err)
    assert _files(tmp_path) == before


def _forged(composite: Path, edit: Callable[[dict[str, Any]], object], folder: Path) -> None:
    """Change a recipe, and make the picture that it then describes, with every digest as it should be."""
    beside = composite.with_suffix(".recipe.json")
    content = json.loads(beside.read_text("utf-8"))
    edit(content)
    beside.write_text(json.dumps(content), "utf-8")
    data = make_composite(read_recipe(beside)[0], lambda frame: folder / frame.file)
    composite.write_bytes(data)
    content["composite_sha256"] = hashlib.sha256(data).hexdigest()
    content["recipe_sha256"] = recipe_digest(content)
    beside.write_text(json.dumps(content), "utf-8")


def test_planned_anew_from_the_clients_folder_a_made_up_recipe_is_found_out(
    client, tmp_path, skinprogress, monkeypatch
):
    """Every one of these passes as what its recipe says; only the client's folder tells."""

    def shift(c: dict[str, Any]) -> None:
        c["frames"][1]["matrix"][0][2] += 0.03 * c["frames"][1]["width_px"]

    def cover(c: dict[str, Any]) -> None:
        c["frames"][1]["hidden"][0] = [[x, y + 60] for x, y in c["frames"][1]["hidden"][0]]

    def pale(c: dict[str, Any]) -> None:
        c["color_reference"] = "background"
        for frame, red in zip(c["frames"], (1.0, 0.9), strict=True):
            even = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
            frame["color"] = {"gains": [red, 1.0, 1.0], "tone": None, "matrix": even, "brightness": 1.0}

    picture = tmp_path / "show.png"
    options = ("--hide", "eyes", "--size", "500", "-o", picture)
    (client / "course.toml").write_text("[[treatments]]\nat = 2026-04-22\n", encoding="utf-8")
    assert skinprogress("composite", client, *options)[0] == 0
    code, out, _ = skinprogress("verify", picture, "--client", client)
    assert code == 0 and "says and shows the same of every photo" in out, out
    planned = verify_composite(picture).recipe
    honest = {path: path.read_bytes() for path in (picture, picture.with_suffix(".recipe.json"))}
    for edit, says in (
        (lambda c: c["frames"][1].update(label=["After 3 treatments, 6 weeks"]), "would have the label “After "),
        (lambda c: c["frames"][1].update(warnings=[]), "would have the warning “3 days after a treatment"),
        (lambda c: c.update(consent="consent recorded"), "Consent not recorded."),
        (shift, "turned, scaled, shifted"),
        (cover, "covered elsewhere"),
        (pale, "another map of colours"),
    ):
        for path, data in honest.items():
            path.write_bytes(data)
        _forged(picture, edit, client)
        found = verify_composite(picture)
        assert found.ok, (says, found.checks)
        assert says in str(find_differences(found.recipe, planned))
    monkeypatch.setattr(planned_anew, "compose", lambda *_, **__: SimpleNamespace(recipe=planned))
    code, out, _ = skinprogress("verify", picture, "--client", client)
    assert code == 1 and out.count("failed") == 1 and says in out, out


def test_a_photo_that_cannot_be_used_is_named_and_the_others_go_on(client, tmp_path, skinprogress):
    one, two = _photos(client)
    (tmp_path / "wall.jpg").write_bytes(b"junk")
    code, out, err = skinprogress("composite", one, tmp_path / "wall.jpg")
    assert (code, out) == (1, "") and "wall.jpg" in err and "export it" in err
    code, out, err = skinprogress("composite", one, tmp_path / "wall.jpg", two, "-o", "three.webp")
    assert (code, err) == (0, "") and "left out  wall.jpg" in out
    assert (tmp_path / "three.webp").is_file()


def test_a_folder_that_may_not_be_written_is_told(client, tmp_path, skinprogress, monkeypatch):
    def locked(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", locked)
    code, out, err = skinprogress("composite", *_photos(client), "-o", "locked/x.jpg")
    assert (code, out) == (2, "") and "Permission denied" in err and "x.jpg" in err


def test_several_photos_of_one_visit_are_shown_beside_each_other(client, tmp_path, write_photo, small_portrait):
    from skinprogress import api

    (client / "course.toml").write_text("")
    one = _photos(client)[0]
    second = write_photo(
        one.with_name("IMG_9.jpg"), np.ascontiguousarray(small_portrait[4:]), taken_at=datetime(2026, 3, 14, 9, 1)
    )
    made = api.compose([one, second])
    assert [f.file for f in made.recipe.frames] == ["2026-03-14/IMG_0.jpg", "2026-03-14/IMG_9.jpg"]
    assert not any("IMG" in line for frame in made.recipe.frames for line in frame.label)
    picture = made.render()
    assert picture.dtype == np.uint8 and picture.ndim == 3
    path = made.write(tmp_path / "visit.png")
    assert (cv2.imread(str(path))[..., ::-1] == picture).all()
    assert api.verify(path).ok


def test_photos_are_graded_as_a_check_grades_them_mirror_images_among_them(client):
    from skinprogress import api
    from skinprogress.checking.looking import grade_shown, look_at_client
    from skinprogress.records import Flag
    from skinprogress.settings import Settings

    later = _photos(client)[1]
    cv2.imwrite(str(later), cv2.imread(str(later))[:, ::-1])  # a selfie
    listing, course = api.list_client(client)
    looked = look_at_client(listing.photos, client="c", folder=client, course=course, settings=Settings())
    assert not looked.comparisons and looked.sessions == ("2026-03-14", "2026-04-25")
    graded = grade_shown(looked, [p.file for p in listing.photos])
    (one,), (check,) = graded.comparisons, api.check_against([later], client)
    assert one.grade == check.grade
    assert one.reasons == tuple(j.reason for j in check.judged if j.level)
    assert Flag.MIRRORED_FOUND in graded.inspections[listing.photos[1].file].flags
    assert [p.status for p in graded.photos] == ["used", "used"]
    assert not graded.measurements and not graded.changes


def test_options_on_the_command_line_are_those_of_a_recipe() -> None:
    from inspect import signature

    from skinprogress.cli.pictures import composite
    from skinprogress.outputs.composing import recipe
    from skinprogress.records import View

    names = {
        "layout": recipe.Layout, "shape": recipe.Shape, "crop": recipe.Crop, "file_format": recipe.Format,
        "labels": recipe.Labels, "label_place": recipe.Place, "footer_place": recipe.Place, "hide": recipe.Hide,
        "hide_with": recipe.HideWith, "view": View,
    }  # fmt: skip
    for name, known in names.items():
        offered = get_args(signature(composite).parameters[name].annotation)[0]
        values = get_args(offered) if type(None) not in get_args(offered) else get_args(get_args(offered)[0])
        assert set(values) == set(get_args(known)), name
