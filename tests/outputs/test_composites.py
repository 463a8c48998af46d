"""Composites turn, scale and shift, and do nothing else; what they say below the picture is true."""

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from skinprogress.color.spaces import srgb_to_linear
from skinprogress.face.canonical import apply_affine, estimate_similarity
from skinprogress.outputs import composites
from skinprogress.outputs.alignment import (
    common_box,
    head_frame,
    photo_to_frame,
    render_aligned,
    scale_of,
)
from skinprogress.outputs.composites import (
    aligned_names,
    encode_jpeg,
    render_before_after,
    write_aligned,
    write_composites,
)
from skinprogress.outputs.pairs import photos_of, render_pair, sessions_to_show
from skinprogress.outputs.registration_view import lay_over
from skinprogress.outputs.wording import phase_text, safe_name
from skinprogress.records import ClientResult, ColorCorrection, Phase, Rung

Fake = Callable[..., ClientResult]


def _rephotograph(result: ClientResult, session: str, *, angle_deg: float, scale: float, size: tuple[int, int]) -> None:
    """Turn, scale and shift the photos of a session and their landmarks: the same head, held otherwise."""
    for file, inspection in list(result.inspections.items()):
        if inspection.ref.session != session:
            continue
        pixels = cv2.imread(str(inspection.ref.path))
        matrix = cv2.getRotationMatrix2D((700, 500), angle_deg, scale)
        matrix[:, 2] += (40, 90)
        place = matrix.copy()
        place[:, 2] += place[:, :2] @ [0.5, 0.5] - 0.5
        cv2.imwrite(str(inspection.ref.path), cv2.warpAffine(pixels, place, size, flags=cv2.INTER_AREA))
        marks = dataclasses.replace(
            inspection.landmarks, points_xy=apply_affine(matrix, inspection.landmarks.points_xy)
        )
        result.inspections[file] = dataclasses.replace(inspection, landmarks=marks, width_px=size[0], height_px=size[1])


@pytest.fixture
def client(fake_result: Fake, tmp_path: Path) -> ClientResult:
    """Two sessions; the second from a smaller, turned photo that is not square."""
    result = fake_result(2, folder=tmp_path / "photos", metrics=("redness",), regions=("face",), photos_per_session=1)
    _rephotograph(result, result.sessions[-1], angle_deg=12, scale=0.8, size=(1300, 1500))
    return result


def _correct(result: ClientResult, session: str, **values: Any) -> None:
    for file, inspection in result.inspections.items():
        if inspection.ref.session == session:
            result.plan.corrections[file] = dataclasses.replace(result.plan.corrections[file], **values)


def test_similarity_is_recovered_and_never_mirrors() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(10, 2))
    truth = np.array([[0.6, -0.8, 3.0], [0.8, 0.6, -1.0]]) * 2.5
    np.testing.assert_allclose(estimate_similarity(points, apply_affine(truth, points)), truth, atol=1e-12)
    mirrored = estimate_similarity(points, points * [-1, 1])
    assert np.linalg.det(mirrored[:, :2]) > 0


def test_a_turned_photo_comes_to_lie_on_the_first(client: ClientResult) -> None:
    pair = render_pair(client, view="front")
    assert pair.before.shape == pair.after.shape
    middle = tuple(slice(n // 4, 3 * n // 4) for n in pair.before.shape[:2])
    difference = np.abs(pair.before[middle].astype(float) - pair.after[middle])
    assert difference.mean() < 4
    # A shift of two px would do far worse: the agreement is one of position.
    shifted = np.abs(pair.before[middle].astype(float) - np.roll(pair.after[middle], 2, axis=(0, 1)))
    assert shifted.mean() > 1.7 * difference.mean()


def test_nothing_is_enlarged_and_no_background_is_made_up(client: ClientResult) -> None:
    photos = photos_of(client, "front")
    frame = head_frame(client, "front")
    maps = [photo_to_frame(i, frame) for i in photos]
    box = common_box(photos, frame)
    pair = render_pair(client, view="front")
    assert pair.before.shape[0] / (box[3] - box[1]) <= min(1 / scale_of(m) for m in maps) + 1
    for inspection, matrix in zip(photos, maps, strict=True):
        black = np.zeros((inspection.height_px, inspection.width_px, 3), np.uint8)
        shown = render_aligned(black, matrix, box, px_per_unit=100.0)
        assert shown.max() == 0  # outside a photo it would be light grey


def test_the_crop_shrinks_to_what_both_photos_cover(client: ClientResult) -> None:
    frame = head_frame(client, "front")
    before, after = photos_of(client, "front")
    whole = common_box([before], frame)
    points = before.landmarks.points_xy
    close = dataclasses.replace(before, width_px=int(points[454, 0]))  # cut through the client's left ear
    cut = common_box([close, after], frame)
    assert cut[2] < whole[2] - 0.2
    assert cut[2] <= apply_affine(photo_to_frame(close, frame), np.array([[close.width_px, points[454, 1]]]))[0, 0]


def test_color_is_one_map_in_linear_light(client: ClientResult) -> None:
    plain = render_pair(client, view="front").after.astype(float)
    _correct(client, client.sessions[-1], matrix=np.diag([0.5, 1.0, 1.0]).astype(np.float32))
    halved = render_pair(client, view="front").after.astype(float)

    def linear(values: np.ndarray) -> np.ndarray:
        v = values / 255
        return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)

    bright = plain[..., 0] > 60
    ratio = linear(halved[..., 0])[bright] / linear(plain[..., 0])[bright]
    assert abs(np.median(ratio) - 0.5) < 0.01
    assert np.array_equal(halved[..., 1], plain[..., 1])


def test_one_unmatched_photo_leaves_both_as_they_are(client: ClientResult) -> None:
    plain = render_pair(client, view="front").after
    _correct(client, client.sessions[-1], matrix=np.diag([0.5, 1.0, 1.0]).astype(np.float32))
    _correct(client, client.sessions[0], rung="none", anchor="")
    pair = render_pair(client, view="front")
    assert pair.color_reference == "none"
    assert np.array_equal(pair.after, plain)
    assert "colour not matched" in pair.footer


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
def test_colours_are_matched_where_both_are_expressed_in_the_same(
    client: ClientResult, rungs: tuple[Rung, Rung], anchors: tuple[str, str], shared: Rung
) -> None:
    taken = render_pair(client, view="front")
    blue = np.array([0.8, 0.8, 1.2], np.float32)
    for session, rung, anchor in zip(client.sessions, rungs, anchors, strict=True):
        _correct(client, session, rung=rung, anchor=anchor, gains=blue)
    pair = render_pair(client, view="front")
    assert pair.color_reference == shared
    assert np.array_equal(pair.before, taken.before) == np.array_equal(pair.after, taken.after) == (shared == "none")
    assert (pair.brightness == 1.0) == (shared == "none")


def test_a_pair_is_as_bright_as_its_first_photo_was_taken_by_one_factor(client: ClientResult) -> None:
    taken = render_pair(client, view="front")
    assert "as bright as" not in taken.footer
    tone = np.array([[0.01, 0.005], [0.5, 0.25], [1.0, 0.5]], np.float32)
    _correct(client, client.sessions[0], rung="card", anchor="card", tone=tone)
    _correct(client, client.sessions[1], rung="card", anchor="card", tone=tone, gains=np.full(3, 0.5, np.float32))
    pair = render_pair(client, view="front")
    assert pair.brightness == pytest.approx(2.0, rel=1e-3)
    middle = tuple(slice(int(0.45 * n), int(0.55 * n)) for n in pair.before.shape[:2])
    assert np.abs(pair.before[middle].astype(float) - taken.before[middle]).mean() < 1.5
    light = [srgb_to_linear(p.after[middle]).mean() for p in (pair, taken)]
    assert light[0] / light[1] == pytest.approx(0.5, rel=0.03)  # the second stays as much darker as the card says
    assert "The first is as bright as it was taken, the second in true proportion to it." in pair.footer


def test_root_polynomials_reach_every_picture(client: ClientResult, tmp_path: Path) -> None:
    def pictures() -> list[np.ndarray]:
        return [render_pair(client, view="front").after, np.asarray(Image.open(write_aligned(client, tmp_path)[1]))]

    plain = pictures()
    roots = np.column_stack([np.diag([0.4, 1.0, 1.0]), np.zeros((3, 3))]).astype(np.float32)
    _correct(client, client.sessions[1], matrix=roots)
    for before, after in zip(plain, pictures(), strict=True):
        assert before[..., 0].mean() > after[..., 0].mean() + 15
        assert abs(before[..., 1].mean() - after[..., 1].mean()) < 2
    laid = lay_over(client, photos_of(client, "front")[1])
    assert laid.reference[laid.face][:, 0].mean() > laid.aligned[laid.face][:, 0].mean() + 15


def test_footer_says_what_differs_and_what_was_matched(client: ClientResult) -> None:
    assert render_pair(_graded(client, "A"), view="front").footer == (
        "Aligned by rotation, scale and shift; colour matched on the background."
    )
    odd = _graded(client, "B", "the light comes from elsewhere")
    fair = render_pair(odd, view="front")
    assert fair.footer.endswith("Small differences: the light comes from elsewhere.")
    assert fair.warning == ""


def _graded(result: ClientResult, grade: str, *reasons: str) -> ClientResult:
    rows = tuple(dataclasses.replace(c, grade=grade, reasons=reasons) for c in result.comparisons)
    return dataclasses.replace(result, comparisons=rows)


@pytest.mark.parametrize(
    ("grade", "words"),
    [
        ("A", ""),
        ("C", "Compare with care (grade C): the face is small."),
        ("F", "Not comparable (grade F): the face is small."),
    ],
)
def test_an_unfair_pair_carries_its_warning_into_the_picture(client: ClientResult, grade: str, words: str) -> None:
    plain = render_before_after(_graded(client, "A"), view="front")
    graded = _graded(client, grade, "the face is small")
    assert render_pair(graded, view="front").warning == words
    if words:  # one more line below the pictures
        assert render_before_after(graded, view="front").shape[0] > plain.shape[0]


def test_a_session_called_before_is_named_by_its_file(client: ClientResult) -> None:
    first, last = client.sessions
    pair = render_pair(client, view="front")
    assert pair.names == ("10 March 2026", "25 April 2026")
    for file, inspection in list(client.inspections.items()):
        label = {first: "before", last: "after"}[inspection.ref.session]
        client.inspections[file] = dataclasses.replace(
            inspection, ref=dataclasses.replace(inspection.ref, session=label)
        )
    renamed = dataclasses.replace(
        client, sessions=("before", "after"), plan=dataclasses.replace(client.plan, baseline="before")
    )
    assert set(render_pair(renamed, view="front").names) == set(client.inspections)


def test_caption_warns_within_days_of_a_treatment(client: ClientResult, monkeypatch: pytest.MonkeyPatch) -> None:
    last = client.sessions[-1]
    client.plan.phases[last] = Phase(session=last, days_after=2 / 24, treatment_number=1, name="acute")
    seen: list[Any] = []
    draw = composites._compose
    monkeypatch.setattr(composites, "_compose", lambda pair, captions: seen.extend(captions) or draw(pair, captions))
    render_before_after(client, view="front")
    assert seen[0] == ("Before", "10 March 2026", "before the first treatment")
    assert seen[1][2] == "2 hours after treatment 1: too soon to judge the outcome"


def test_numbing_is_neither_before_nor_after(fake_result: Fake) -> None:
    result = fake_result(6, metrics=("redness",), regions=("face",))
    pair = sessions_to_show(result, "front")
    assert pair == (result.plan.baseline, result.sessions[-1])
    assert not set(pair or ()) & set(result.plan.covered_sessions)


def test_one_session_has_no_composite(fake_result: Fake, tmp_path: Path) -> None:
    result = fake_result(1, folder=tmp_path / "photos", metrics=("redness",), regions=("face",))
    assert write_composites(result, tmp_path / "out") == []
    with pytest.raises(ValueError, match="needs two"):
        render_pair(result, view="front")


def test_file_is_tagged_srgb_and_carries_nothing_else(client: ClientResult, tmp_path: Path) -> None:
    for inspection in client.inspections.values():
        with Image.open(inspection.ref.path) as picture:
            exif = picture.getexif()
            exif[0x010F] = "SecretCam"
            exif.get_ifd(0x8825)[1] = "N"
            picture.save(inspection.ref.path, exif=exif, quality=92)
    originals = {i.ref.path: i.ref.path.read_bytes() for i in client.inspections.values()}
    paths = [*write_composites(client, tmp_path / "out"), *write_aligned(client, tmp_path / "out")]
    assert paths[0].name == "before_after_front.jpg"
    assert len(paths) == 3
    for path in paths:
        with Image.open(path) as picture:
            assert picture.format == "JPEG"
            assert not picture.getexif()
            profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
            assert "sRGB" in ImageCms.getProfileDescription(profile)
        assert b"SecretCam" not in path.read_bytes()
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


def test_odd_session_names_are_drawn(client: ClientResult) -> None:
    pair = dataclasses.replace(render_pair(client, view="front"), remarks=("größer 😀\nthan before",))
    picture = composites._compose(pair, [("Before", "Größe ß 😀\n<b>", ""), ("After", "x" * 400, "y " * 300)])
    assert picture.shape[2] == 3
    assert picture.shape[0] > pair.before.shape[0]


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


def test_corrections_are_optional(client: ClientResult) -> None:
    empty: dict[str, ColorCorrection] = {}
    bare = dataclasses.replace(client, plan=dataclasses.replace(client.plan, corrections=empty))
    assert render_pair(bare, view="front").color_reference == "none"
