"""A new photo is graded against the client's reference photo while the client is still there."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from skinprogress import api
from skinprogress.checking import comparability
from skinprogress.errors import NothingMeasuredError, UsageError
from skinprogress.outputs.console_grade import render_comparability

BASELINE = datetime(2026, 3, 14, 9)


@pytest.fixture
def client(tmp_path, small_portrait, write_photo) -> Path:
    folder = tmp_path / "client"
    write_photo(folder / "2026-03-14" / "IMG_1.jpg", small_portrait, taken_at=BASELINE)
    write_photo(folder / "2026-04-25" / "IMG_2.jpg", small_portrait, taken_at=datetime(2026, 4, 25, 9))
    return folder


def shown(check: comparability.ComparabilityCheck) -> str:
    return "\n".join(text.plain for text in render_comparability(check))


def test_a_photo_taken_alike_gets_an_a_from_the_baseline_session_alone(
    client, tmp_path, small_portrait, write_photo, monkeypatch
):
    looked = []
    real = comparability.inspect_photo
    monkeypatch.setattr(
        comparability, "inspect_photo", lambda ref, **more: looked.append(ref.file) or real(ref, **more)
    )
    (check,) = api.check_against([write_photo(tmp_path / "new.jpg", small_portrait, quality=94)], client)
    assert looked == ["new.jpg", "2026-03-14/IMG_1.jpg"]
    assert check.passes and check.reference.file == "2026-03-14/IMG_1.jpg" and check.view == "front"
    # The portrait wears make-up in both photos, and is small.
    told = [j for j in check.judged if j.level]
    assert check.grade in "ABC" and not any(word in j.reason for j in told for word in ("turned", "light", "darker"))
    assert {"light", "pose", "expression", "exposure"} <= {j.title for j in check.judged if not j.level}
    text = shown(check)
    assert text.startswith(f"grade {check.grade}") and "new.jpg" in text and "2026-03-14/IMG_1.jpg" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_grade_is_the_one_that_a_run_gives(client, tmp_path, small_portrait, write_photo):
    new = write_photo(tmp_path / "new.jpg", cv2.GaussianBlur(small_portrait, (0, 0), 2.0))
    (check,) = api.check_against([new], client)
    run = api.compare_photos(client / "2026-03-14" / "IMG_1.jpg", new)
    (comparison,) = (c for c in run.comparisons if c.against == "baseline")
    assert check.grade == comparison.grade > "A"
    assert {j.reason for j in check.judged if j.level} == set(comparison.reasons)
    assert any("softer" in reason for reason in comparison.reasons)
    text = shown(check)
    assert (
        "this photo is softer than the reference photo" in text.replace("\n           ", " ")
        and "→" in text
        and "session" not in text.split("against")[0]
    )
    # The run says the same of the photo itself.
    assert [p.grade for p in run.photos] == ["", check.grade]


def test_photos_of_the_folder_are_known_again(client, tmp_path):
    import shutil

    reference, other = client / "2026-03-14" / "IMG_1.jpg", client / "2026-04-25" / "IMG_2.jpg"
    copied = Path(shutil.copy(other, tmp_path / "copy.jpg"))
    itself, listed, copy = api.check_against([reference, other, copied], client)
    assert itself.passes and itself.grade == "" and "reference photo itself" in shown(itself)
    assert listed.ref.file == copy.ref.file == "2026-04-25/IMG_2.jpg"
    assert listed.grade == copy.grade and listed.passes


def test_another_photo_of_the_same_name_is_not_taken_for_the_one_in_the_folder(tmp_path, small_portrait, write_photo):
    write_photo(tmp_path / "client" / "IMG_1.jpg", small_portrait, taken_at=BASELINE)
    new = write_photo(tmp_path / "IMG_1.jpg", small_portrait, quality=90)
    (check,) = api.check_against([new], tmp_path / "client")
    assert check.ref.file == "IMG_1.jpg (new)" and check.reference.file == "IMG_1.jpg"


def test_a_mirrored_selfie_is_flipped_and_said_to_be(client, tmp_path, small_portrait, write_photo):
    selfie = write_photo(tmp_path / "selfie.png", np.ascontiguousarray(small_portrait[:, ::-1]))
    (check,) = api.check_against([selfie], client)
    assert check.passes and any("mirror image" in note for note in check.notes)


def test_days_since_the_treatment_count(client, tmp_path, small_portrait, write_photo):
    (client / "course.toml").write_text("[[treatments]]\nat = 2026-03-14T10:00:00\n", encoding="utf-8")
    new = write_photo(tmp_path / "new.jpg", small_portrait, taken_at=datetime(2026, 3, 15, 10), quality=94)
    (check,) = api.check_against([new], client)
    assert "wait until three weeks after the treatment" in shown(check).replace("\n           ", " ")
    # Where nothing else is wrong, taking it again would not help.
    waiting = [j for j in check.judged if "wait until" in j.remedy]
    alone, with_others = shown(replace(check, grade="C", judged=waiting)), shown(replace(check, grade="C"))
    assert "too soon after a treatment" in alone and "taken again" not in alone
    assert "taken\n           again" in with_others
    assert check.passes


def test_what_cannot_be_graded_is_told_in_words(client, tmp_path, small_portrait, write_photo):
    wall = write_photo(tmp_path / "wall.jpg", np.full((800, 800, 3), 128, np.uint8))
    good = write_photo(tmp_path / "new.jpg", small_portrait)
    refused, graded = api.check_against([wall, good], client)
    assert refused.rejection.code == "no_face" and not refused.passes
    assert shown(refused).startswith("refused    wall.jpg")
    assert graded.passes
    with pytest.raises(UsageError, match="does not exist"):
        api.check_against([good], tmp_path / "nobody")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingMeasuredError, match="no photo"):
        api.check_against([good], tmp_path / "empty")
    write_photo(tmp_path / "walls" / "2026-03-14" / "wall.jpg", np.full((800, 800, 3), 128, np.uint8))
    with pytest.raises(NothingMeasuredError, match="can serve as the reference"):
        api.check_against([good], tmp_path / "walls")


def test_a_view_that_the_client_has_no_photo_of(client, tmp_path, small_portrait, write_photo):
    lines = [f'[photos."{f}"]\nview = "left_profile"\n' for f in ("2026-03-14/IMG_1.jpg", "2026-04-25/IMG_2.jpg")]
    (client / "course.toml").write_text("".join(lines), encoding="utf-8")
    (check,) = api.check_against([write_photo(tmp_path / "new.jpg", small_portrait)], client)
    assert check.rejection.code == "no_reference" and not check.passes
    assert "'front'" in check.rejection.reason and "left profile" in check.rejection.remedy


def test_the_first_session_that_has_the_view_gives_the_reference(client, tmp_path, small_portrait, write_photo):
    (client / "course.toml").write_text('[photos."2026-03-14/IMG_1.jpg"]\nview = "left_profile"\n', encoding="utf-8")
    (check,) = api.check_against([write_photo(tmp_path / "new.jpg", small_portrait)], client)
    assert check.reference.file == "2026-04-25/IMG_2.jpg"
