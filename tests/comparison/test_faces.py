"""What of several photos can be compared, how comparable two sessions are, and a photo that is planned anew."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skinprogress.comparison.conditions import estimate_conditions
from skinprogress.comparison.faces import MeasuredFace, common_skin
from skinprogress.comparison.grading import grade_pair
from skinprogress.comparison.planning import choose_corrections, replan_photo
from skinprogress.face.canonical import N_VERTICES, mesh
from skinprogress.face.quality import rotation_from_pose
from skinprogress.face.regions import REGIONS, WHOLE_FACE, bare_face_mask, region_mask
from skinprogress.face.skin import MIN_VISIBILITY, Coverage, estimate_visibility
from skinprogress.metrics.inputs import MetricInput
from skinprogress.metrics.maps import make_layers
from skinprogress.records import (
    BackgroundSample,
    ClientPlan,
    ColorCorrection,
    Course,
    Flag,
    Inspection,
    Landmarks,
    Phase,
    PhotoRef,
    Registration,
)
from skinprogress.settings import Settings

SIDE = 512
PARTS = tuple(name for name in REGIONS if name != WHOLE_FACE)
Pose = tuple[float, float, float]
STRAIGHT: Pose = (0.0, 0.0, 0.0)


def inspected(
    file: str = "a.jpg",
    *,
    px_per_cm: float = 60.0,
    pose_deg: Pose = STRAIGHT,
    blendshapes: Mapping[str, float] | None = None,
    wall: tuple[float, float, float] = (0.5, 0.5, 0.5),
    flags: Flag = Flag.NONE,
) -> Inspection:
    """A head as a distant camera sees it, before a wall with a picture on it."""
    turned = mesh().vertices_cm.astype(float) @ rotation_from_pose(pose_deg).T
    points = np.zeros((478, 2))
    points[:N_VERTICES] = 1000.0 + px_per_cm * turned[:, :2] * [1.0, -1.0]
    points[468], points[473] = (np.array([1000.0 + x * px_per_cm, 800.0]) for x in (-3.15, 3.15))
    rng = np.random.default_rng(3)
    thumb = np.asarray(wall) * np.exp(0.1 * rng.normal(size=(40, 40, 1)))
    return Inspection(
        ref=PhotoRef(path=Path(file), file=file, client="c", session=file),
        landmarks=Landmarks(
            points_xy=points, depth=np.zeros(478), pose_deg=pose_deg, blendshapes=dict(blendshapes or {}), view="front"
        ),
        height_px=2000, width_px=2000, iris_px=1.2 * px_per_cm, eyes_open=True, sharpness=2.0, camera_distance_cm=60.0,
        background=BackgroundSample(
            linear_rgb=thumb.astype(np.float16), usable=np.ones((40, 40), bool), px_per_thumb=50.0,
            skin_rgb=np.array([0.5, 0.25, 0.2], np.float32),
        ),
        metadata={}, flags=flags,
    )  # fmt: skip


def measured(
    *, pose_deg: Pose = STRAIGHT, registration: Registration | None = None, inspection: Inspection | None = None
) -> MeasuredFace:
    visibility = estimate_visibility(pose_deg, SIDE)
    with np.errstate(invalid="ignore"):
        skin = bare_face_mask(SIDE) & (visibility >= MIN_VISIBILITY)
    inspection = inspection or inspected(pose_deg=pose_deg)
    scale = np.full((SIDE, SIDE), 0.36, np.float32)
    even = np.full((SIDE, SIDE, 3), (0.5, 0.25, 0.2), np.float32)
    data = MetricInput(linear_rgb=even, skin=skin, mm_per_px=scale, photo_px_per_mm=np.full_like(scale, 5.0))
    return MeasuredFace(
        ref=inspection.ref, view="front", inspection=inspection, maps={}, skin=skin, blood=np.zeros_like(skin),
        mm_per_px=scale, layers=make_layers(data, bare=data, step=1), side_px=SIDE, visibility=visibility,
        coverage={name: Coverage(1.0, {}) for name in REGIONS}, registration=registration, mm_per_photo_px=0.2,
        correction=ColorCorrection(rung="background", anchor="a", matrix=np.eye(3, dtype=np.float32)),
        clipped_share=0.0, flags=Flag.NONE,
    )  # fmt: skip


def registered(*refused: str, misfit: float = 0.2) -> Registration:
    return Registration(
        shift=np.zeros((128, 128, 2), np.float32), trusted=np.ones((128, 128), bool),
        misfit_percent_iod=dict.fromkeys(REGIONS, misfit),
        accepted=tuple(p for p in PARTS if p not in refused), refused=refused,
    )  # fmt: skip


def kept_share(region: str, first: MeasuredFace, second: MeasuredFace) -> float:
    """Share of a region's skin that both photos show, which they also show alike."""
    both = first.skin & second.skin & region_mask(region, SIDE)
    return float(common_skin([first, second])[both].mean())


@pytest.mark.parametrize(
    ("yaw", "far", "near"), [(1.0, "cheek_left", "cheek_right"), (-1.0, "cheek_right", "cheek_left")]
)
def test_the_cheek_that_turns_away_is_dropped_as_far_as_it_is_foreshortened(yaw: float, far: str, near: str) -> None:
    straight = measured()
    a_little, much, more = (measured(pose_deg=(yaw * angle, 0.0, 0.0)) for angle in (4.0, 12.0, 20.0))
    assert kept_share(far, straight, a_little) == kept_share(near, straight, a_little) == 1.0
    assert kept_share(far, straight, much) < 0.5 < 0.6 < kept_share(near, straight, much)
    assert kept_share(far, straight, more) < 0.4
    # What is dropped first is what faces away most.
    both = straight.skin & much.skin & region_mask(far, SIDE)
    dropped = both & ~common_skin([straight, much])
    assert much.visibility[dropped].mean() < much.visibility[both & ~dropped].mean() - 0.1


def test_it_is_the_difference_of_pose_that_counts():
    turned, alike = measured(pose_deg=(20.0, 0.0, 0.0)), measured(pose_deg=(23.0, 0.0, 0.0))
    for region in ("cheek_left", "cheek_right", "nose", "forehead"):
        assert kept_share(region, turned, alike) > 0.97
    assert not (common_skin([turned, alike]) & ~turned.skin).any()


def test_the_order_of_photos_does_not_matter_and_one_more_only_takes_away():
    faces = [measured(pose_deg=(yaw, 0.0, 0.0)) for yaw in (0.0, 9.0, -9.0)]
    np.testing.assert_array_equal(common_skin(faces), common_skin(faces[::-1]))
    assert not (common_skin(faces) & ~common_skin(faces[:2])).any()
    assert common_skin(faces).sum() < common_skin(faces[:2]).sum()
    np.testing.assert_array_equal(common_skin(faces[:1]), faces[0].skin)


def test_regions_that_lie_as_the_landmarks_say_carry_the_flag():
    face = measured(registration=registered("chin", "jaw_left"))
    for region in REGIONS:
        expected = Flag.POOR_REGISTRATION if region in ("chin", "jaw_left") else Flag.NONE
        assert face.registration_flag(region) == expected
    # The reference photo lies on itself.
    assert {measured().registration_flag(region) for region in REGIONS} == {Flag.NONE}


def test_misfit_of_a_pair_is_that_of_the_face_that_lies_worst():
    good, bad = measured(registration=registered()), measured(registration=registered(*PARTS, misfit=1.4))
    assert measured().misfit_percent_iod == 0.0
    assert estimate_conditions([measured()], [good]).misfit_percent_iod == pytest.approx(0.2)
    found = estimate_conditions([measured()], [good, bad])
    assert found.misfit_percent_iod == pytest.approx(1.4)
    grade, reasons, _, flags = grade_pair(found)
    assert grade == "F" and Flag.POOR_REGISTRATION in flags
    assert any("another person" in reason for reason in reasons)
    assert Flag.POOR_REGISTRATION not in grade_pair(estimate_conditions([measured()], [good]))[3]


@pytest.mark.parametrize(
    ("shapes", "regions"),
    [
        ({}, set()),
        ({"mouthSmileLeft": 0.2}, set()),
        ({"mouthSmileLeft": 0.4}, {"upper_lip", "chin", "jaw_left", "jaw_right"}),
        ({"browInnerUp": 0.5}, {"forehead", "glabella"}),
        ({"eyeSquintLeft": 0.5}, {"periorbital_left"}),
    ],
)  # fmt: skip
def test_an_expression_moves_its_regions(shapes: dict[str, float], regions: set[str]) -> None:
    calm = dict.fromkeys(("mouthSmileLeft", "browInnerUp", "eyeSquintLeft"), 0.0)
    one = measured(inspection=inspected(blendshapes=calm))
    other = measured(inspection=inspected(blendshapes={**calm, **shapes}))
    for pair in (([one], [other]), ([other], [one])):
        found = estimate_conditions(*pair)
        assert found.moved_regions == regions
        assert (Flag.EXPRESSION_DIFFERS in grade_pair(found)[3]) == bool(regions)
        assert found.expression_difference == pytest.approx(max(shapes.values(), default=0.0))


@pytest.fixture
def plan_of() -> Callable[..., ClientPlan]:
    def build(reference: Inspection, other: Inspection) -> ClientPlan:
        files = (reference.ref.file, other.ref.file)
        view_of = dict.fromkeys(files, "front")
        return ClientPlan(
            client="c", sessions=files, view_of=view_of, reference_of={"front": files[0]},
            mm_per_px={files[0]: 0.16, files[1]: 0.99}, scale_relative_se=0.04,
            corrections=choose_corrections(
                [reference, other], view_of, {"front": files[0]}, course=Course(), settings=Settings()
            ),
            canonical_px={"front": 1024}, baseline=files[0],
            phases={s: Phase(session=s, days_after=None, treatment_number=None, name="unknown") for s in files},
            course=Course(), settings_hash="x",
            flags={files[0]: Flag.NONE, files[1]: Flag.SCALE_FROM_LANDMARKS | Flag.PROFILE_MISSING},
        )  # fmt: skip

    return build


def test_a_photo_planned_anew_takes_scale_colour_and_flags_from_what_is_seen_now(plan_of):
    reference = inspected("a.jpg", px_per_cm=60.0)
    before = inspected("b.jpg", px_per_cm=45.0)
    plan = plan_of(reference, before)
    seen = inspected("b.jpg", px_per_cm=48.0, flags=Flag.MIRRORED_FOUND)
    found = replan_photo(plan, {"a.jpg": reference, "b.jpg": seen}, "b.jpg", settings=Settings())
    # The same head, 0.8 times as large.
    assert found.mm_per_px["b.jpg"] == pytest.approx(0.16 / 0.8, rel=1e-3)
    # What the pooled irises said holds on; what the first look at the photo said does not.
    assert found.flags["b.jpg"] == Flag.MIRRORED_FOUND | Flag.SCALE_FROM_LANDMARKS
    view = {"a.jpg": "front", "b.jpg": "front"}
    expected = choose_corrections([reference, seen], view, {"front": "a.jpg"}, course=Course(), settings=Settings())[
        "b.jpg"
    ]
    assert found.corrections["b.jpg"].rung == expected.rung
    np.testing.assert_array_equal(found.corrections["b.jpg"].gains, expected.gains)


def test_planning_one_photo_anew_leaves_all_else(plan_of):
    reference, other = inspected("a.jpg"), inspected("b.jpg")
    plan = plan_of(reference, other)
    seen = {"a.jpg": reference, "b.jpg": replace(other, flags=Flag.MIRRORED_FOUND)}
    found = replan_photo(plan, seen, "b.jpg", settings=Settings())
    assert found.mm_per_px["a.jpg"] == plan.mm_per_px["a.jpg"]
    assert found.corrections["a.jpg"] is plan.corrections["a.jpg"]
    assert found.flags["a.jpg"] == Flag.NONE
    assert (found.view_of, found.reference_of, found.baseline) == (plan.view_of, plan.reference_of, plan.baseline)
    assert plan.flags["b.jpg"] != found.flags["b.jpg"]  # the old plan is not written to
