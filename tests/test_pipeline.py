"""The stages together, on a real portrait with known changes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from skinprogress.errors import NothingMeasuredError, PhotoError
from skinprogress.face.landmarks import find_landmarks
from skinprogress.face.regions import NECK, REGIONS, region_polygons_xy
from skinprogress.metrics.table import METRICS
from skinprogress.pipeline.comparing import compare_client
from skinprogress.pipeline.inspecting import inspect_photo
from skinprogress.pipeline.measuring import align_and_correct
from skinprogress.pipeline.planning import plan_client, reference_scale
from skinprogress.records import Change, ClientResult, Course, Flag, Mark, PhotoRef
from skinprogress.settings import Settings

SETTINGS = Settings()
# Metrics are judged one by one: what is said of these does not depend on whether the others are measured too.
REDNESS = ("redness", "redness_index", "relative_redness", "haemoglobin_index")


@pytest.fixture(scope="module")
def face(portrait) -> np.ndarray:
    """The portrait, smaller: large enough for everything but fine texture, and quicker."""
    return np.asarray(cv2.resize(portrait, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="module")
def points_xy(face) -> np.ndarray:
    """The landmarks of that face."""
    return find_landmarks(face)[0].points_xy


@pytest.fixture(scope="module")
def cheek_left(face, points_xy) -> np.ndarray:
    """The client's left cheek, (H, W) bool."""
    mask = np.zeros(face.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(region_polygons_xy(points_xy)["cheek_left"][0]).astype(np.int32)], 1)
    return cv2.dilate(mask, np.ones((15, 15), np.uint8)) > 0


@pytest.fixture(scope="module")
def whole_face(face, points_xy) -> np.ndarray:
    """The outline of the face, (H, W) bool."""
    hull = cv2.convexHull(np.round(points_xy).astype(np.int32))
    return cv2.dilate(cv2.fillConvexPoly(np.zeros(face.shape[:2], np.uint8), hull, 1), np.ones((5, 5))) > 0


@pytest.fixture
def compare(
    tmp_path: Path, write_photo: Callable[..., Path], only_metrics: Callable[..., None]
) -> Callable[..., ClientResult]:
    """Write pictures as sessions ``0``, ``1``, … and compare them; a list is a session with replicates."""

    def run(
        *sessions, course: Course | None = None, settings: Settings = SETTINGS, metrics: Sequence[str] = REDNESS
    ) -> ClientResult:
        only_metrics(*metrics)
        found = []
        for k, pictures in enumerate(sessions):
            for n, rgb in enumerate(pictures if isinstance(pictures, list) else [pictures]):
                path = write_photo(tmp_path / f"{k}_{n}.png", rgb)
                found.append(PhotoRef(path=path, file=path.name, client="c", session=str(k)))
        return compare_client(found, client="c", folder=tmp_path, course=course or Course(), settings=settings)

    return run


def pick(result: ClientResult, metric: str, region: str, *, to: str = "1") -> Change:
    (row,) = [
        c for c in result.changes if (c.metric, c.region, c.to_session, c.against) == (metric, region, to, "baseline")
    ]
    return row


def test_local_redness_is_found_where_it_is_and_nowhere_else(face, redden, cheek_left, compare):
    result = compare(face, redden(face, 4.0, mask=cheek_left))
    hit = pick(result, "redness_index", "cheek_left")
    assert hit.difference == pytest.approx(4.0, abs=0.3)
    assert hit.verdict == "worsened"
    assert hit.ci_low > 0
    for region in ("forehead", "cheek_right", "nose", "chin", "jaw_right"):
        assert abs(pick(result, "redness_index", region).difference) < 0.25
        assert pick(result, "redness_index", region).verdict in ("unchanged", "no detectable change")
    relative = pick(result, "relative_redness", "cheek_left")
    assert relative.difference == pytest.approx(4.0, abs=0.4)
    assert relative.verdict == "changed"  # the rest of the face may have been treated too
    assert Flag.REFERENCE_MAY_BE_TREATED in relative.flags
    assert pick(result, "haemoglobin_index", "cheek_left").verdict == "worsened"


def test_swapping_the_pair_flips_the_sign(face, redden, cheek_left, compare):
    there = pick(compare(face, redden(face, 4.0, mask=cheek_left)), "redness_index", "cheek_left")
    back = pick(compare(redden(face, 4.0, mask=cheek_left), face), "redness_index", "cheek_left")
    assert back.difference == pytest.approx(-there.difference, abs=0.15)
    assert back.verdict == "improved"


def test_nothing_changed_nothing_claimed(portrait, compare):
    """The same skin photographed again: turned, smaller, brighter, warmer, noisier."""
    matrix = cv2.getRotationMatrix2D((portrait.shape[1] / 2, portrait.shape[0] / 2), 4.0, 0.93)
    again = cv2.warpAffine(portrait, matrix, (portrait.shape[1], portrait.shape[0]), flags=cv2.INTER_AREA,
                           borderMode=cv2.BORDER_REPLICATE).astype(np.float32)  # fmt: skip
    again = again * [1.04, 1.0, 0.97] * 0.95 + np.random.default_rng(0).normal(0, 1.0, again.shape)
    result = compare(portrait, np.clip(again, 0, 255).astype(np.uint8), metrics=METRICS)
    real = [c for c in result.changes if c.verdict in ("improved", "worsened", "changed")]
    assert [(c.metric, c.region, c.difference) for c in real] == []
    assert result.plan.corrections["1_0.png"].rung == "background"


def test_mirroring_the_client_swaps_left_and_right(face, redden, cheek_left, compare):
    red = redden(face, 4.0, mask=cheek_left)
    result = compare(mirrored(face), mirrored(red))
    assert pick(result, "redness_index", "cheek_right").difference == pytest.approx(4.0, abs=0.3)
    assert abs(pick(result, "redness_index", "cheek_left").difference) < 0.25


def mirrored(rgb: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rgb[:, ::-1])


def test_a_mirrored_selfie_in_a_series_is_found_flipped_and_told(face, redden, cheek_left, compare):
    result = compare(face, mirrored(redden(face, 4.0, mask=cheek_left)), metrics=METRICS)
    told = {p.file: Flag.MIRRORED_FOUND in p.flags for p in result.photos}
    assert told == {"0_0.png": False, "1_0.png": True}
    assert {p.not_registered for p in result.photos} == {()}
    assert all(Flag.MIRRORED_FOUND in m.flags for m in result.measurements if m.photo == "1_0.png")
    assert result.inspections["1_0.png"].ref.mirrored
    # Left and right are the client's own again.
    assert pick(result, "redness_index", "cheek_left").difference == pytest.approx(4.0, abs=0.3)
    assert abs(pick(result, "redness_index", "cheek_right").difference) < 0.25


def test_a_photo_that_was_declared_mirrored_and_is_not_is_found_too(face, tmp_path, write_photo, only_metrics):
    only_metrics(*REDNESS)
    refs = []
    for k in range(2):
        path = write_photo(tmp_path / f"{k}.png", face)
        refs.append(PhotoRef(path=path, file=path.name, client="c", session=str(k), mirrored=k == 1))
    result = compare_client(refs, client="c", folder=tmp_path, course=Course(), settings=SETTINGS)
    assert [Flag.MIRRORED_FOUND in p.flags for p in result.photos] == [False, True]
    assert not result.inspections["1.png"].ref.mirrored


def test_a_series_that_is_mirrored_throughout_is_left_as_it_is(face, compare):
    """Nobody can tell which side is whose; nothing is flipped in silence."""
    result = compare(mirrored(face), mirrored(face))
    assert not any(Flag.MIRRORED_FOUND in p.flags for p in result.photos)


@pytest.fixture(scope="module")
def hopper() -> np.ndarray:
    """Another person: the portrait of Grace Hopper that comes with matplotlib (public domain)."""
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    return np.asarray(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB))


def test_a_reference_photo_of_somebody_else_is_left_out_and_the_others_are_compared(face, hopper, compare):
    large = cv2.resize(hopper, None, fx=2.0, fy=2.0, interpolation=cv2.INTER_CUBIC)
    result = compare(large, face, np.clip(face * 0.95, 0, 255).astype(np.uint8))
    assert [(r.file, r.code) for r in result.rejected] == [("0_0.png", "fits_no_other")]
    assert {(c.from_session, c.to_session) for c in result.comparisons} == {("1", "2")}
    assert all(c.grade in "AB" for c in result.comparisons)


def test_somebody_else_in_one_session_does_not_spoil_it(face, hopper, compare):
    large = cv2.resize(hopper, None, fx=2.0, fy=2.0, interpolation=cv2.INTER_CUBIC)
    result = compare(face, [face, large])
    assert [(r.file, r.code) for r in result.rejected] == [("1_1.png", "does_not_fit")]
    assert result.photos[2].reason and result.photos[2].remedy
    assert {m.photo for m in result.measurements} == {"0_0.png", "1_0.png"}
    assert all(c.grade in "AB" for c in result.comparisons)


def test_nothing_is_said_of_two_different_people(portrait, hopper, compare):
    large = cv2.resize(hopper, None, fx=2.0, fy=2.0, interpolation=cv2.INTER_CUBIC)
    result = compare(portrait, large, metrics=METRICS)
    assert {c.grade for c in result.comparisons} == {"F"}
    assert {c.verdict for c in result.changes} == {"not comparable"}


def test_another_person_is_flagged_and_not_flipped(portrait, hopper, compare):
    result = compare(portrait, hopper, metrics=METRICS)
    assert not any(Flag.MIRRORED_FOUND in p.flags for p in result.photos)
    (comparison, _) = result.comparisons
    assert comparison.grade in ("D", "F")
    assert Flag.POOR_REGISTRATION in comparison.flags
    assert any("another person" in reason for reason in comparison.reasons)
    assert result.photos[1].misfit_percent_iod > 1.3 > result.photos[0].misfit_percent_iod == 0.0
    # A part of the face too small to be judged may fit by chance; nothing large does.
    refused = set(result.photos[1].not_registered)
    assert {"forehead", "nose", "cheek_left", "cheek_right", "chin", "jaw_left", "jaw_right"} <= refused
    for change in result.changes:
        assert (Flag.POOR_REGISTRATION in change.flags) == (change.region in refused | {"face"})


def test_the_reference_photo_has_no_registration_and_the_others_have(face, compare):
    result = compare(face, [face, face])
    assert set(result.registrations) == {"1_0.png", "1_1.png"}
    for photo in result.photos:
        assert photo.not_registered == ()
        assert photo.misfit_percent_iod < 0.1
    assert result.photos[0].misfit_by_region == {}
    assert set(result.photos[1].misfit_by_region) == set(REGIONS)


@pytest.mark.parametrize("scale", [0.8, 0.6])
def test_millimetres_follow_the_scale_of_the_skin(face, compare, scale):
    smaller = cv2.resize(face, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    result = compare(face, smaller)
    first, second = (p.mm_per_px for p in result.photos)
    assert second == pytest.approx(first / scale, rel=0.01)


def test_millimetres_follow_the_registration_and_not_the_landmarks(face, compare, monkeypatch):
    """Landmarks of the second photo that are 4 % too far apart do not change its millimetres."""
    from skinprogress.pipeline import inspecting

    real, seen = inspecting.find_landmarks, []

    def stretched(rgb, **options):
        landmarks, n = real(rgb, **options)
        seen.append(1)
        if len(seen) == 2:
            middle = landmarks.points_xy.mean(axis=0)
            landmarks = replace(landmarks, points_xy=(landmarks.points_xy - middle) * 1.04 + middle)
        return landmarks, n

    monkeypatch.setattr(inspecting, "find_landmarks", stretched)
    result = compare(face, face)
    first, second = (p.mm_per_px for p in result.photos)
    assert result.plan.mm_per_px["1_0.png"] < 0.98 * result.plan.mm_per_px["0_0.png"]
    assert second == pytest.approx(first, rel=0.01)


@pytest.fixture
def unsteady(monkeypatch) -> Callable[[float], None]:
    """Make the repeated detections of every photo that is steadied scatter by so much, % of the IOD."""
    from skinprogress.pipeline import measuring

    def scatter_by(percent_iod: float) -> None:
        monkeypatch.setattr(measuring, "steady_landmarks", lambda _, landmarks, **__: (landmarks, percent_iod))

    return scatter_by


def test_landmarks_that_scatter_are_flagged(face, compare, unsteady):
    unsteady(1.5)
    result = compare(face, face)
    # The second photo fits: nobody asked for more detections of it.
    assert [Flag.LANDMARKS_UNSTEADY in p.flags for p in result.photos] == [True, False]


def test_landmarks_that_are_somewhere_else_each_time_are_refused(face, tmp_path, write_photo, unsteady):
    path = write_photo(tmp_path / "a.png", face)
    inspection = inspect_photo(PhotoRef(path=path, file="a.png", client="c", session="0"), settings=SETTINGS)
    plan, _ = plan_client([inspection], client="c", sessions=["0"], course=Course(), settings=SETTINGS)
    scale = reference_scale(plan, "front", {"a.png": inspection})
    unsteady(9.0)
    with pytest.raises(PhotoError) as caught:
        align_and_correct(inspection, plan, mm_per_px=scale, reference=None)
    assert caught.value.code == "unsteady_landmarks"
    assert caught.value.reason and caught.value.remedy


def test_when_all_photos_are_lost_while_measuring_it_is_told(face, compare, unsteady):
    unsteady(9.0)
    with pytest.raises(NothingMeasuredError):
        compare(face)


def test_a_client_is_not_lost_with_the_reference_photo(face, tmp_path, write_photo, only_metrics):
    """It vanishes between looking and measuring: the others are still worth a comparison."""
    only_metrics(*REDNESS)
    refs = []
    for k in range(3):
        path = write_photo(tmp_path / f"{k}.png", face)
        refs.append(PhotoRef(path=path, file=path.name, client="c", session=str(k)))

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "measuring" and done == 3:
            refs[0].path.unlink(missing_ok=True)

    result = compare_client(refs, client="c", folder=tmp_path, course=Course(), settings=SETTINGS, progress=progress)
    assert {p.file: p.status for p in result.photos} == {"0.png": "rejected", "1.png": "used", "2.png": "used"}
    assert {(c.from_session, c.to_session) for c in result.comparisons} == {("1", "2")}


def test_an_expression_is_told_of_the_regions_that_it_moves(portrait, compare, monkeypatch):
    from skinprogress.pipeline import inspecting

    real, seen = inspecting.find_landmarks, []

    def smiling(rgb, **options):
        landmarks, n = real(rgb, **options)
        seen.append(1)
        smile = dict.fromkeys(("mouthSmileLeft", "mouthSmileRight"), 0.1 if len(seen) == 1 else 0.7)
        return replace(landmarks, blendshapes={**landmarks.blendshapes, **smile}), n

    monkeypatch.setattr(inspecting, "find_landmarks", smiling)
    result = compare(portrait, portrait, metrics=METRICS)
    told = {c.region for c in result.changes if Flag.EXPRESSION_DIFFERS in c.flags}
    assert told == {"upper_lip", "chin", "jaw_left", "jaw_right", "face"}
    assert {c.metric for c in result.changes if Flag.EXPRESSION_DIFFERS in c.flags} == set(METRICS)
    assert all(Flag.EXPRESSION_DIFFERS in c.flags for c in result.comparisons)
    assert result.comparisons[0].expression_difference == pytest.approx(0.6)


def test_hiding_half_a_cheek_in_one_photo_changes_nothing(face, points_xy, compare):
    """A strand of hair: what is hidden in one photo is left out of both, however uneven the skin is."""
    strand = face.copy()
    left, right = sorted((int(points_xy[345, 0]), int(points_xy[280, 0])))
    strand[int(points_xy[345, 1]) : int(points_xy[435, 1]), (left + right) // 2 : right] //= 9
    change = pick(compare(face, strand), "redness_index", "face")
    whole = pick(compare(face, face), "redness_index", "face")
    assert change.n_common_px < whole.n_common_px - 500
    assert change.difference == pytest.approx(0.0, abs=0.25)
    assert change.verdict in ("unchanged", "no detectable change")


def test_a_region_that_is_mostly_hidden_gets_no_direction(face, redden, cheek_left, compare):
    """Hair over most of a cheek: what is left of it may change, but is not called better or worse."""
    rows = np.flatnonzero(cheek_left.any(axis=1))
    hidden, red = face.copy(), redden(face, 6.0, mask=cheek_left)
    top = rows[0] + 6 * len(rows) // 10
    for photo in (hidden, red):
        photo[rows[0] : top][cheek_left[rows[0] : top]] //= 9
    change = pick(compare(hidden, red), "redness_index", "cheek_left")
    assert Flag.LOW_COVERAGE in change.flags
    assert change.ci_low > 0
    assert change.verdict == "changed"


def test_records_are_complete_and_consistent(portrait, redden, compare):
    result = compare([portrait, portrait], redden(portrait, 1.0), redden(portrait, 2.0), metrics=METRICS)
    assert {m.region for m in result.measurements} == {*REGIONS, NECK}
    assert {m.metric for m in result.measurements} == set(METRICS)
    # Of the neck there are the colours px by px alone: it is no part of the frame that the others are computed in.
    assert {m.metric for m in result.measurements if m.region == NECK} == {
        m.name for m in METRICS.values() if m.local and not m.relative
    }
    for m in result.measurements:
        # What nobody has calibrated has a value all the same.
        known = np.isfinite(m.value) and Flag.NOT_CALIBRATED not in m.flags
        assert known == np.isfinite(m.standard_error)
        assert np.isfinite(m.value) or m.flags
    for c in result.changes:
        if np.isfinite(c.difference):
            assert c.difference == pytest.approx(c.followup - c.baseline)
            assert c.ci_low < c.difference < c.ci_high
            assert c.detectable_change == pytest.approx((c.ci_high - c.ci_low) / 2)
        else:
            assert c.verdict == "not comparable"
            assert c.flags
    pairs = {(c.against, c.from_session, c.to_session) for c in result.comparisons}
    assert pairs == {("baseline", "0", "1"), ("baseline", "0", "2"), ("previous", "0", "1"), ("previous", "1", "2")}
    assert pick(result, "redness", "nose").n_baseline == 2
    assert {p.status for p in result.photos} == {"used"}
    assert result.plan.mm_per_px["0_0.png"] * find_landmarks(portrait)[0].iod_px == pytest.approx(63, abs=6)


def values_of(result: ClientResult, metric: str, region: str) -> list[float]:
    """As photographed, in the order of the photos."""
    return [m.value for m in result.measurements if (m.metric, m.region, m.method) == (metric, region, "raw")]


def test_red_is_what_a_tenth_of_the_reference_photo_is(face, redden, whole_face, compare):
    result = compare(face, redden(face, 2.0, mask=whole_face), face, metrics=("red_area", "red_area_mm2"))
    share, area = (values_of(result, name, "face") for name in ("red_area", "red_area_mm2"))
    assert share[0] == pytest.approx(10.0, abs=1.5)
    assert share[1] > share[0] + 5.0 and share[2] == pytest.approx(share[0], abs=0.5)
    assert area[1] / area[0] == pytest.approx(share[1] / share[0], rel=0.02)
    assert area[0] < 0.2 * 30000.0  # mm² of a face


def test_blood_is_measured_and_left_out_of_all_else(face, redden, cheek_left, compare):
    rows, cols = np.argwhere(cheek_left).mean(axis=0).astype(int)
    drop = cv2.circle(np.zeros(cheek_left.shape, np.uint8), (int(cols), int(rows)), 8, 1, -1) > 0
    result = compare(face, redden(face, 60.0, mask=drop), metrics=("blood", "redness_index"))
    mm2 = drop.sum() * result.photos[0].mm_per_px ** 2
    assert mm2 > 10.0
    assert [Flag.BLOOD in p.flags for p in result.photos] == [False, True]
    assert values_of(result, "blood", "face") == pytest.approx([0.0, mm2], rel=0.3)
    clean, stained = values_of(result, "redness_index", "cheek_left")
    assert stained == pytest.approx(clean, abs=0.1)
    assert abs(pick(result, "redness_index", "cheek_left").difference) < 0.2
    assert pick(result, "blood", "cheek_left").followup == pytest.approx(mm2, rel=0.3)


def test_what_the_user_outlined_is_measured_like_a_region(face, redden, cheek_left, compare):
    rows, cols = (int(x) for x in np.argwhere(cheek_left).mean(axis=0))
    square = ((-24, -24), (24, -24), (24, 24), (-24, 24))
    outline = tuple((float(cols + x), float(rows + y)) for x, y in square)
    corner = tuple((x / 24.0 + 5.0, y / 24.0 + 5.0) for x, y in square)
    marks = (
        Mark(name="scar", photo="0_0.png", polygon_xy=outline),
        Mark(name="off the face", photo="1_0.png", polygon_xy=corner),
        Mark(name="lost", photo="gone.jpg", polygon_xy=outline),
    )
    spot = np.zeros_like(cheek_left)
    spot[rows - 36 : rows + 36, cols - 36 : cols + 36] = True
    result = compare(face, redden(face, 4.0, mask=spot), course=Course(marks=marks))
    change = pick(result, "redness_index", "scar")
    assert change.difference == pytest.approx(4.0, abs=0.3)
    assert change.verdict == "worsened"
    assert abs(pick(result, "redness_index", "cheek_right").difference) < 0.25
    place = next(m for m in result.marks if m.name == "scar")
    assert place.on_skin == pytest.approx(1.0, abs=0.02)
    assert place.mask.sum() == pytest.approx(change.n_common_px, rel=0.02)
    assert len(values_of(result, "redness_index", "scar")) == 2
    notes = "\n".join(result.notes)
    assert "'off the face'" in notes and "'lost'" in notes and "gone.jpg" in notes and "'scar'" not in notes


def test_the_neck_tells_what_the_whole_face_shares(face, points_xy, redden, whole_face, compare):
    """The face redder, the neck not: all of it. Both: nothing."""
    below = np.zeros_like(whole_face)
    below[int(points_xy[4, 1]) :, whole_face.any(axis=0)] = True  # from the tip of the nose
    for mask, expected in ((whole_face, 4.0), (whole_face | below, 0.0)):
        result = compare(face, redden(face, 4.0, mask=mask), metrics=("redness_over_neck",))
        before, after = values_of(result, "redness_over_neck", "forehead")
        assert after - before == pytest.approx(expected, abs=0.6)
        assert pick(result, "redness_over_neck", "forehead").followup == pytest.approx(after, abs=0.3)


def test_maps_are_kept_of_every_session(portrait, compare):
    result = compare(portrait, [portrait, portrait], metrics=METRICS)
    drawn = [m.name for m in METRICS.values() if m.mapped]
    assert sorted((m.session, m.metric) for m in result.maps) == sorted((s, name) for s in "01" for name in drawn)
    for kept in result.maps:
        (value, *_) = values_of(result, kept.metric, "nose")
        assert kept.values.dtype == np.float16 and kept.values.shape == (512, 512)
        assert np.isfinite(kept.values).mean() > 0.3 and np.isfinite(value)


def test_the_same_input_gives_the_same_result(face, redden, compare):
    first, second = (compare(face, redden(face, 2.0), metrics=METRICS) for _ in range(2))
    assert repr(first.changes) == repr(second.changes)
    assert repr(first.measurements) == repr(second.measurements)


def test_without_a_common_background_absolute_redness_is_not_comparable(face, points_xy, compare):
    low, high = points_xy.min(axis=0).astype(int) - 5, points_xy.max(axis=0).astype(int) + 5
    tight = np.ascontiguousarray(face[low[1] : high[1], low[0] : high[0]])
    result = compare(tight, np.clip(tight * [1.03, 1.0, 1.0], 0, 255).astype(np.uint8))
    assert {c.color_reference for c in result.changes} == {"none"}
    assert pick(result, "redness", "face").verdict == "not comparable"
    assert pick(result, "relative_redness", "nose").verdict in ("unchanged", "no detectable change")
    assert Flag.COLOR_NOT_MATCHED in pick(result, "redness", "face").flags


def test_small_faces_are_refused_with_the_remedy(astronaut, tmp_path, write_photo):
    path = write_photo(tmp_path / "small.png", astronaut)
    ref = PhotoRef(path=path, file="small.png", client="c", session="0")
    with pytest.raises(PhotoError) as caught:
        inspect_photo(ref, settings=SETTINGS)
    assert caught.value.code == "face_too_small"
    assert "43 px" in caught.value.reason
    assert caught.value.remedy


def test_one_bad_photo_never_stops_a_run(face, tmp_path, write_photo):
    good = write_photo(tmp_path / "a.png", face)
    bad = tmp_path / "b.jpg"
    bad.write_bytes(b"\xff\xd8\xff\xe0 no photo")
    blank = write_photo(tmp_path / "c.png", np.full((400, 300, 3), 99, np.uint8))
    refs = [PhotoRef(path=p, file=p.name, client="c", session=str(k)) for k, p in enumerate((good, bad, blank))] + [
        PhotoRef(path=tmp_path / "gone.png", file="gone.png", client="c", session="3")
    ]
    result = compare_client(refs, client="c", folder=tmp_path, course=Course(), settings=SETTINGS)
    assert {p.file: p.status for p in result.photos} == {
        "a.png": "used", "b.jpg": "rejected", "c.png": "rejected", "gone.png": "rejected",
    }  # fmt: skip
    assert all(r.code and r.reason and r.remedy for r in result.rejected)
    assert result.changes == ()
    with pytest.raises(NothingMeasuredError, match=r"b\.jpg"):
        compare_client(refs[1:], client="c", folder=tmp_path, course=Course(), settings=SETTINGS)


def test_a_photo_that_vanishes_between_looking_and_measuring_is_reported(face, tmp_path, write_photo, only_metrics):
    only_metrics(*REDNESS)
    refs = []
    for k in range(2):
        path = write_photo(tmp_path / f"{k}.png", face)
        refs.append(PhotoRef(path=path, file=path.name, client="c", session=str(k)))

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "measuring" and done == 3:
            refs[1].path.unlink()

    result = compare_client(refs, client="c", folder=tmp_path, course=Course(), settings=SETTINGS, progress=progress)
    assert [r.file for r in result.rejected] == ["1.png"]
    assert {p.file: p.status for p in result.photos} == {"0.png": "used", "1.png": "rejected"}


def test_a_head_turned_far_is_refused_in_a_frontal_set(face, compare, monkeypatch):
    """The pose is what the landmark model says; here it says so of the second photo."""
    from skinprogress.pipeline import inspecting

    real = inspecting.find_landmarks
    seen = []

    def turned(rgb, **options):
        landmarks, n = real(rgb, **options)
        seen.append(1)
        if len(seen) == 2:
            landmarks = replace(landmarks, pose_deg=(41.0, 0.0, 0.0), view="left_oblique")
        return landmarks, n

    monkeypatch.setattr(inspecting, "find_landmarks", turned)
    result = compare(face, face, face)
    (rejection,) = result.rejected
    assert rejection.code == "extreme_pose"
    assert "41°" in rejection.reason
    assert result.sessions == ("0", "2")


def test_numbing_photos_are_never_a_baseline(face, tmp_path, write_photo, only_metrics):
    only_metrics(*REDNESS)
    refs = []
    for k, stage in enumerate(("numbing", "pre", "")):
        path = write_photo(tmp_path / f"{k}.png", face)
        refs.append(PhotoRef(path=path, file=path.name, client="c", session=str(k), stage=stage))
    result = compare_client(refs, client="c", folder=tmp_path, course=Course(), settings=SETTINGS)
    assert result.plan.baseline == "1"
    assert result.plan.covered_sessions == ("0",)
    assert {(c.from_session, c.to_session) for c in result.comparisons if c.against == "baseline"} == {("1", "2")}


def with_camera(path: Path, folder: Path) -> Path:
    """A copy of a JPEG that names its camera, px untouched: photos of one camera are trusted more."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker", "Model"
    words = exif.tobytes()
    segment = b"\xff\xe1" + (len(words) + 2).to_bytes(2, "big") + words
    data = path.read_bytes()
    copy = folder / path.name
    copy.write_bytes(data[:2] + segment + data[2:])
    return copy


def test_real_renders_recover_known_redness(real_photos, tmp_path):
    """Path-traced photos of one head, imaging unchanged, blood added to or taken from both cheeks and nowhere else."""
    base, folder = real_photos / "renders/retake/base.jpg", real_photos / "renders/red_same"
    for name, true in (("hb_-0.12", -2.6), ("hb_+0.12", 2.6), ("hb_+0.25", 5.4)):
        refs = [
            PhotoRef(path=with_camera(p, tmp_path), file=p.name, client="c", session=str(k))
            for k, p in enumerate((base, folder / f"{name}.jpg"))
        ]
        result = compare_client(refs, client="c", folder=folder, course=Course(), settings=SETTINGS)
        for region in ("cheek_left", "cheek_right"):
            change = pick(result, "redness_index", region)
            assert change.ci_low < true < change.ci_high
            # The region is a little larger than the painted area.
            assert 0.6 < change.difference / true < 1.1
            assert true < 5 or change.verdict == "worsened"
        for region in ("forehead", "nose", "chin", "jaw_left", "jaw_right"):
            assert abs(pick(result, "redness_index", region).difference) < 0.2


def test_real_retakes_show_no_change(real_photos):
    """Neutral and smiling photos of one studio session: few region changes may be called real."""
    real = total = 0
    for neutral in sorted((real_photos / "london").glob("*_neutral.jpg"))[:5]:
        refs = [
            PhotoRef(path=p, file=p.name, client="c", session=str(k))
            for k, p in enumerate((neutral, neutral.with_name(neutral.name.replace("neutral", "smiling"))))
        ]
        result = compare_client(refs, client="c", folder=neutral.parent, course=Course(), settings=SETTINGS)
        rows = [c for c in result.changes if c.against == "baseline"]
        total += len(rows)
        real += sum(c.verdict in ("improved", "worsened", "changed") for c in rows)
    assert real <= 0.05 * total


def test_real_mirrored_photo_is_found_and_its_cheeks_are_put_back(real_photos, tmp_path, write_photo, redden):
    """One cheek of a flipped smiling photo reddened: it comes out on the client's own side."""
    refs = []
    for k, kind in enumerate(("neutral", "smiling")):
        rgb = cv2.cvtColor(cv2.imread(str(real_photos / f"london/005_{kind}.jpg")), cv2.COLOR_BGR2RGB)
        if k:
            cheek = region_polygons_xy(find_landmarks(rgb)[0].points_xy)["cheek_left"][0]
            mask = np.zeros(rgb.shape[:2], np.uint8)
            cv2.fillPoly(mask, [np.round(cheek).astype(np.int32)], 1)
            rgb = mirrored(redden(rgb, 5.0, mask=mask > 0))
        path = write_photo(tmp_path / f"{kind}.png", rgb)
        refs.append(PhotoRef(path=path, file=path.name, client="c", session=str(k)))
    result = compare_client(refs, client="c", folder=tmp_path, course=Course(), settings=SETTINGS)
    assert [Flag.MIRRORED_FOUND in p.flags for p in result.photos] == [False, True]
    left, right = (pick(result, "redness_index", f"cheek_{side}").difference for side in ("left", "right"))
    assert left - right == pytest.approx(5.0, abs=1.0)
    assert {"forehead", "nose"}.isdisjoint(result.photos[1].not_registered)


def test_a_metric_that_nobody_calibrated_gets_no_verdict(face, compare, monkeypatch):
    from skinprogress.comparison.calibration import COMPENSATED, REPEATABILITY

    monkeypatch.delitem(REPEATABILITY, "melanin_index")
    monkeypatch.delitem(COMPENSATED, "melanin_index")
    change = pick(compare(face, face, metrics=("melanin_index",)), "melanin_index", "nose")
    assert change.verdict == "not comparable"
    assert np.isnan(change.difference)
    assert Flag.NOT_CALIBRATED in change.flags


def test_redness_that_the_cross_check_contradicts_is_flagged(face, compare, cheek_left):
    """Less green and proportionally less blue is brown, not blood: ln R − ln G rises, haemoglobin does not."""
    from skinprogress.color.spaces import encode_srgb8, srgb_to_linear

    brown = np.exp(-0.9 * np.array([0.24, 0.48, 0.85], np.float32) * cheek_left[..., None])
    tanned = encode_srgb8(srgb_to_linear(face) * brown)
    # Once the light is taken out, what a warm lamp might have done is in the interval, and explains the gap.
    assert pick(compare(face, tanned), "redness_index", "cheek_left").difference > 3.0
    as_photographed = compare(face, tanned, settings=replace(SETTINGS, light="raw"))
    change = pick(as_photographed, "redness_index", "cheek_left")
    assert change.difference > 3.0
    assert Flag.INDICES_DISAGREE in change.flags


def test_blood_is_not_contradicted(face, redden, cheek_left, compare):
    change = pick(compare(face, redden(face, 5.0, mask=cheek_left)), "redness_index", "cheek_left")
    assert Flag.INDICES_DISAGREE not in change.flags


def test_photos_that_cannot_be_compared_get_no_numbers(portrait, compare):
    """A lamp from one side only: the pair is refused before any number."""
    across = (np.arange(portrait.shape[1]) - find_landmarks(portrait)[0].points_xy[4, 0]) / 250.0
    lamp = 0.05 + 0.95 / (1.0 + np.exp(-4.0 * across))
    result = compare(portrait, (portrait * lamp[None, :, None]).astype(np.uint8), metrics=METRICS)
    (grade,) = {c.grade for c in result.comparisons}
    assert grade == "F"
    assert {c.verdict for c in result.changes} == {"not comparable"}
    assert not any(np.isfinite(c.difference) for c in result.changes)
    assert all(c.flags for c in result.changes)


def test_a_session_is_compared_with_the_last_one_that_was_measured() -> None:
    from skinprogress.pipeline.pairing import held_against
    from skinprogress.validation.verdicts_recovery import make_plan

    plan = make_plan((2.0, 24.0, 48.0))
    baseline, first, second, third = plan.sessions
    # Whatever became of the session between them.
    assert list(held_against(plan, third, [baseline, first], first=baseline)) == [
        (baseline, "baseline"),
        (first, "previous"),
    ]
    # A session before the one that all are held against has no baseline.
    assert list(held_against(plan, second, [baseline], first=third)) == [(baseline, "previous")]
