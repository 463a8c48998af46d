"""What a run leaves in its folder of composites, and every photo laid over the reference."""

import dataclasses
import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from skinprogress.face.canonical import apply_affine, estimate_similarity
from skinprogress.outputs.alignment import common_box, head_frame, photo_to_frame, render_aligned, scale_of
from skinprogress.outputs.composites import aligned_names, encode_jpeg, write_aligned, write_composites
from skinprogress.outputs.pairs import photo_name, photos_of, sessions_to_show
from skinprogress.outputs.points_composite import write_points
from skinprogress.outputs.registration_view import lay_over
from skinprogress.outputs.wording import phase_text, safe_name
from skinprogress.records import ClientResult, Consent, Phase
from skinprogress.settings import OutputOptions

Fake = Callable[..., ClientResult]


def test_similarity_is_recovered_and_never_mirrors() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(10, 2))
    truth = np.array([[0.6, -0.8, 3.0], [0.8, 0.6, -1.0]]) * 2.5
    np.testing.assert_allclose(estimate_similarity(points, apply_affine(truth, points)), truth, atol=1e-12)
    mirrored = estimate_similarity(points, points * [-1, 1])
    assert np.linalg.det(mirrored[:, :2]) > 0


def test_a_run_leaves_every_kind_of_composite_with_its_recipe(fake_result: Fake, tmp_path: Path) -> None:
    result = _small(fake_result(4, folder=tmp_path / "photos", metrics=("redness",), photos_per_session=1))
    paths = write_composites(result, tmp_path / "out")
    names = [p.name for p in paths]
    assert names[::2] == [
        "before_after_front.jpg", "split_front.jpg", "regions_front.jpg", "strip_front.jpg", "flicker_front.webp",
        "timelapse_front.mp4",
    ]  # fmt: skip
    assert names[1::2] == [f"{name.split('.')[0]}.recipe.json" for name in names[::2]]
    recipe = json.loads(paths[1].read_text("utf-8"))
    assert (paths[1].parent / recipe["photos"]).resolve() == result.folder.resolve()
    assert max(frame["width_px"] for frame in recipe["frames"]) <= 1400


def _small(result: ClientResult) -> ClientResult:
    """The same with photos of a third of the size."""
    for file, i in list(result.inspections.items()):
        pixels = cv2.imread(str(i.ref.path))
        cv2.imwrite(str(i.ref.path), cv2.resize(pixels, None, fx=1 / 3, fy=1 / 3, interpolation=cv2.INTER_AREA))
        marks = dataclasses.replace(i.landmarks, points_xy=i.landmarks.points_xy / 3)
        result.inspections[file] = dataclasses.replace(
            i, landmarks=marks, ref=dataclasses.replace(i.ref, sha256=""), width_px=i.width_px // 3,
            height_px=i.height_px // 3,
        )  # fmt: skip
    return result


@pytest.mark.parametrize("consent", [Consent(publish=False), Consent(publish=True, until=date(2020, 1, 1))])
def test_without_consent_no_composite_is_made(client: ClientResult, tmp_path: Path, consent: Consent) -> None:
    course = dataclasses.replace(client.plan.course, consent=consent)
    plan = dataclasses.replace(client.plan, course=course)
    assert write_composites(dataclasses.replace(client, plan=plan), tmp_path / "out") == []
    assert not (tmp_path / "out").exists()


def test_where_consent_is_needed_it_must_be_recorded(client: ClientResult, tmp_path: Path) -> None:
    course = dataclasses.replace(client.plan.course, consent=Consent())
    unasked = dataclasses.replace(client, plan=dataclasses.replace(client.plan, course=course))
    options = OutputOptions(need_consent=True)
    assert write_composites(unasked, tmp_path / "out", options=options) == []
    assert write_points(unasked, tmp_path / "out", options=options) == []
    assert not (tmp_path / "out").exists()


def test_the_crop_shrinks_to_what_both_photos_cover(client: ClientResult) -> None:
    frame = head_frame(client, "front")
    before, after = photos_of(client, "front")
    whole = common_box([before], frame)
    points = before.landmarks.points_xy
    close = dataclasses.replace(before, width_px=int(points[454, 0]))  # cut through the client's left ear
    cut = common_box([close, after], frame)
    assert cut[2] < whole[2] - 0.2
    assert cut[2] <= apply_affine(photo_to_frame(close, frame), np.array([[close.width_px, points[454, 1]]]))[0, 0]


def test_no_background_is_made_up(client: ClientResult) -> None:
    photos = photos_of(client, "front")
    frame = head_frame(client, "front")
    box = common_box(photos, frame)
    for inspection in photos:
        black = np.zeros((inspection.height_px, inspection.width_px, 3), np.uint8)
        shown = render_aligned(black, photo_to_frame(inspection, frame), box, px_per_unit=100.0)
        assert shown.max() == 0  # outside a photo it would be light grey


def test_pictures_have_the_size_and_depth_of_their_box() -> None:
    rgb = np.full((200, 300, 3), (10, 120, 250), np.uint8)
    to_frame = np.array([[0.01, 0.0, 0.0], [0.0, 0.01, 0.0]])
    shown = render_aligned(rgb, to_frame, (0.5, 0.5, 2.5, 1.5), px_per_unit=50.0)
    assert shown.shape == (50, 100, 3)
    assert (shown == rgb[0, 0]).all()  # 16 bits of light lose no number of sRGB
    assert scale_of(to_frame) == pytest.approx(0.01)


def test_root_polynomials_reach_every_picture(
    client: ClientResult, correct: Callable[..., None], tmp_path: Path
) -> None:
    def aligned() -> np.ndarray:
        return np.asarray(Image.open(write_aligned(client, tmp_path)[1]))

    plain = aligned()
    roots = np.column_stack([np.diag([0.4, 1.0, 1.0]), np.zeros((3, 3))]).astype(np.float32)
    correct(client.sessions[1], matrix=roots)
    after = aligned()
    assert plain[..., 0].mean() > after[..., 0].mean() + 15
    assert abs(plain[..., 1].mean() - after[..., 1].mean()) < 2
    laid = lay_over(client, photos_of(client, "front")[1])
    assert laid.reference[laid.face][:, 0].mean() > laid.aligned[laid.face][:, 0].mean() + 15


def test_a_session_called_before_is_named_by_its_file(client: ClientResult) -> None:
    first = photos_of(client, "front")[0]
    assert photo_name(first) == "10 March 2026"
    renamed = dataclasses.replace(first, ref=dataclasses.replace(first.ref, session="before"))
    assert photo_name(renamed) == first.ref.file


def test_numbing_is_neither_before_nor_after(fake_result: Fake) -> None:
    result = fake_result(6, metrics=("redness",), regions=("face",))
    pair = sessions_to_show(result, "front")
    assert pair == (result.plan.baseline, result.sessions[-1])
    assert not set(pair or ()) & set(result.plan.covered_sessions)


def test_small_faces_cost_no_run(client: ClientResult, tmp_path: Path) -> None:
    for file, i in list(client.inspections.items()):
        pixels = cv2.resize(cv2.imread(str(i.ref.path)), None, fx=0.1, fy=0.1, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(i.ref.path), pixels)
        marks = dataclasses.replace(i.landmarks, points_xy=i.landmarks.points_xy / 10)
        client.inspections[file] = dataclasses.replace(
            i, landmarks=marks, ref=dataclasses.replace(i.ref, sha256=""), width_px=pixels.shape[1],
            height_px=pixels.shape[0],
        )  # fmt: skip
    assert [p.name for p in write_composites(client, tmp_path / "out")][::2] == [
        "before_after_front.jpg",
        "split_front.jpg",
    ]


def test_one_session_has_no_composite(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(1, folder=tmp_path / "photos", metrics=("redness",), regions=("face",))
    assert write_composites(result, tmp_path / "out") == []


def test_file_is_tagged_srgb_and_carries_nothing_else(client: ClientResult, tmp_path: Path) -> None:
    for inspection in list(client.inspections.values()):
        with Image.open(inspection.ref.path) as picture:
            exif = picture.getexif()
            exif[0x010F] = "SecretCam"
            exif.get_ifd(0x8825)[1] = "N"
            picture.save(inspection.ref.path, exif=exif, quality=92)
        ref = dataclasses.replace(inspection.ref, sha256="")
        client.inspections[inspection.ref.file] = dataclasses.replace(inspection, ref=ref)
    originals = {i.ref.path: i.ref.path.read_bytes() for i in client.inspections.values()}
    paths = [*write_composites(client, tmp_path / "out"), *write_aligned(client, tmp_path / "out")]
    assert len(paths) == 8
    for path in paths:
        assert b"SecretCam" not in path.read_bytes()
        if path.suffix == ".json":
            continue
        with Image.open(path) as picture:
            assert picture.format == "JPEG"
            assert not picture.getexif()
            profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
            assert "sRGB" in ImageCms.getProfileDescription(profile)
    assert {p: p.read_bytes() for p in originals} == originals


def test_aligned_photos_show_the_same_places(client: ClientResult, tmp_path: Path) -> None:
    first, second = (np.asarray(Image.open(p)) for p in write_aligned(client, tmp_path))
    assert first.shape[0] / first.shape[1] == pytest.approx(second.shape[0] / second.shape[1], rel=0.01)
    same = cv2.resize(first, second.shape[1::-1], interpolation=cv2.INTER_AREA)
    middle = tuple(slice(n // 3, 2 * n // 3) for n in second.shape[:2])
    assert np.abs(same[middle].astype(float) - second[middle]).mean() < 5


def test_names_are_safe_and_differ(fake_result: Fake) -> None:
    result = fake_result(2, metrics=("redness",), regions=("face",))
    labels = {result.sessions[0]: "2026-03-14T16:30", result.sessions[1]: "2026-03-14T1630"}
    for file, inspection in list(result.inspections.items()):
        ref = dataclasses.replace(inspection.ref, session=labels[inspection.ref.session])
        result.inspections[file] = dataclasses.replace(inspection, ref=ref)
    names = list(aligned_names(result).values())
    assert len(set(names)) == len(names) == 4
    assert names[0] == "2026-03-14T1630_1_front.jpg"


@pytest.mark.parametrize("label", ["a/b\\c", "..", "<script>", "CON", "x" * 300, "日" * 300, "a\nb", "😀", '"*?|'])
def test_any_label_becomes_a_file_name(label: str, tmp_path: Path) -> None:
    name = f"{safe_name(label)}_1_front.jpg"
    assert not set(name) & set('<>:"/\\|?*\n')
    assert not name.startswith((".", "-"))
    (tmp_path / name).write_bytes(b"")
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_photos_that_have_gone_are_left_out(client: ClientResult, tmp_path: Path) -> None:
    for inspection in photos_of(client, "front", client.sessions[-1]):
        inspection.ref.path.unlink()
    assert write_composites(client, tmp_path / "out") == []
    assert len(write_aligned(client, tmp_path / "out")) == 1


def test_profile_of_an_encoded_picture_is_srgb() -> None:
    data = encode_jpeg(np.full((8, 12, 3), 128, np.uint8))
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (12, 8)
        assert "icc_profile" in picture.info


def test_phase_words() -> None:
    assert phase_text(None) == ""
    assert phase_text(Phase(session="a", days_after=None, treatment_number=None, name="unknown")) == ""
    assert phase_text(Phase(session="a", days_after=9.0, treatment_number=None, name="settling")) == (
        "9 days after treatment"
    )
