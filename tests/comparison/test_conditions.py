"""The grade says what differs and what to do, before any number; F blocks the numbers, and what differs widens them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from skinprogress.comparison import estimating
from skinprogress.comparison.conditions import PairConditions, estimate_conditions
from skinprogress.comparison.faces import MeasuredFace, common_skin
from skinprogress.comparison.grading import grade_pair, judge_conditions
from skinprogress.comparison.pairing import align_maps
from skinprogress.comparison.pairs import compare_pair
from skinprogress.comparison.retaking import describe_expression, describe_nearness, describe_pose, describe_sharpness
from skinprogress.face.regions import REGIONS
from skinprogress.face.skin import Coverage
from skinprogress.metrics.table import METRICS
from skinprogress.records import Change, ClientPlan, Flag, Phase
from skinprogress.settings import Calibration, Repeatability, Settings

GOOD = PairConditions(
    light_difference=0.03, light_color_difference=0.02, exposure_difference=0.05, sharpness_ratio=1.02,
    pose_difference_deg=2.0, expression_difference=0.1, moved_regions=frozenset(), nearness_difference=0.001,
    misfit_percent_iod=0.2, coverage=0.75, iod_px=250.0, rung="background",
)  # fmt: skip
EVERY = Repeatability(
    session=0.2, per_light=2, per_light_color=2, per_exposure=2, per_expression=2, per_blur=2, per_misfit=2
)
SETTINGS = Settings(
    calibration=Calibration(name="test", made_from="", raw=dict.fromkeys(METRICS, EVERY), compensated={})
)
Make = Callable[..., MeasuredFace]


@pytest.fixture(scope="module")
def faces(make_face: Make) -> tuple[MeasuredFace, MeasuredFace]:
    return make_face("one"), make_face("two", change=0.01)


def phase(name: str, days: float | None = None) -> Phase:
    return Phase(session=name, days_after=days, treatment_number=1, name=name)


def hiding(face: MeasuredFace, **shares: dict[str, float]) -> MeasuredFace:
    """The face with parts of regions hidden: ``forehead={"hair": 0.5}``."""
    found = {name: Coverage(1.0 - sum(of.values()), of) for name, of in shares.items()}
    return replace(face, coverage={**dict.fromkeys(REGIONS, Coverage(1.0, {})), **found})


def told(*pair: MeasuredFace, **more: object) -> tuple[str, tuple[str, ...], tuple[str, ...], Flag]:
    """Grade of two faces in so far as it comes from anything beside their taking."""
    conditions = estimate_conditions([pair[0]], [pair[1]], **more)
    return grade_pair(replace(GOOD, circumstances=conditions.circumstances))


@pytest.mark.parametrize(
    ("kind", "share", "grade", "word", "remedy"),
    [
        ("hair", 0.4, "B", "hair", "tie the hair back"),
        ("hair", 0.9, "C", "hair", "tie the hair back"),
        ("glasses", 0.3, "B", "glasses", "take the glasses off"),
        ("beard", 0.8, "C", "beard", "beard at the same length"),
        ("shine", 0.4, "B", "shine", "blot"),
    ],
)
def test_what_hides_skin_in_one_session_is_named_with_its_remedy(
    faces: tuple[MeasuredFace, MeasuredFace], kind: str, share: float, grade: str, word: str, remedy: str
) -> None:
    bare, other = faces
    hidden = hiding(other, forehead={kind: share})
    found = told(hiding(bare), hidden)
    assert found[0] == grade and found[3] == Flag.LOW_COVERAGE
    assert len(found[1]) == len(found[2]) == 1
    assert word in found[1][0] and "forehead" in found[1][0] and "later session only" in found[1][0]
    assert remedy in found[2][0] and "as in the later one" not in found[2][0]
    # What is past cannot be mended.
    back = told(hidden, hiding(bare))
    assert "earlier session only" in back[1][0] and "as in the later one" in back[2][0]
    # Hidden in both, it makes no difference; nor does what repeated photos of one face scatter.
    assert told(hidden, hiding(bare, forehead={kind: share + 0.1}))[:2] == ("A", ())
    assert told(hiding(bare), hiding(other, forehead={kind: 0.15}))[:2] == ("A", ())


def test_at_most_three_regions_are_named(faces: tuple[MeasuredFace, MeasuredFace]) -> None:
    parts = {"forehead": 0.9, "cheek_left": 0.8, "cheek_right": 0.7, "nose": 0.6}
    hidden = hiding(faces[1], **{region: {"hair": share} for region, share in parts.items()})
    (reason,) = told(hiding(faces[0]), hidden)[1]
    assert "(forehead, left cheek, right cheek, and more)" in reason


@pytest.mark.parametrize(
    ("flag", "alone", "word", "remedy"),
    [
        (Flag.MAKEUP_DECLARED, "C", "make-up was worn", "take the make-up off"),
        (Flag.MAKEUP_SUSPECTED, "B", "seems to wear make-up", "take the make-up off"),
        (Flag.CREAM_DECLARED, "C", "cream was on the skin", "before any cream"),
        (Flag.FILTER_DECLARED, "C", "filter was on", "switch off filters"),
        (Flag.SMOOTHING_SUSPECTED, "B", "looks smoothed", "switch off filters"),
    ],
)
def test_what_is_known_to_lie_on_the_skin_in_one_session_is_worse_than_in_both(
    faces: tuple[MeasuredFace, MeasuredFace], flag: Flag, alone: str, word: str, remedy: str
) -> None:
    one, two = faces
    worn = replace(two, flags=two.flags | flag)
    grade, reasons, remedies, flags = told(one, worn)
    assert (grade, flags) == (alone, flag)
    assert word in reasons[0] and "later session only" in reasons[0] and remedy in remedies[0]
    assert told(replace(one, flags=flag), two)[0] == alone
    both = told(replace(one, flags=flag), worn)
    assert both[0] == "B" and "both sessions" in both[1][0]
    assert told(one, two) == ("A", (), (), Flag.NONE)


def test_numbing_cream_counts_as_cream_without_a_flag(faces: tuple[MeasuredFace, MeasuredFace]) -> None:
    one, two = faces
    numbed = replace(two, ref=replace(two.ref, stage="numbing"))
    assert told(one, numbed)[0] == "C"
    assert "cream" in told(one, numbed)[1][0]


def test_make_up_that_was_not_looked_for_is_no_difference(faces: tuple[MeasuredFace, MeasuredFace]) -> None:
    one, two = faces
    worn = replace(one, flags=Flag.MAKEUP_SUSPECTED)
    reasons = told(worn, two, phases=(phase("before"), phase("acute", 1.0)))[1]
    assert not any("make-up" in reason for reason in reasons)
    declared = told(replace(one, flags=Flag.MAKEUP_DECLARED), two, phases=(phase("before"), phase("acute", 1.0)))[1]
    assert any("make-up" in reason for reason in declared)


@pytest.mark.parametrize(
    ("before", "after", "grade", "word"),
    [
        ("before", "settled", "A", ""),
        ("unknown", "settled", "A", ""),
        ("before", "acute", "C", "first days after a treatment"),
        ("acute", "settled", "C", "the earlier session"),
        ("acute", "acute", "C", "both sessions"),
        ("before", "peeling", "B", "still peels"),
        ("acute", "peeling", "C", "still peels"),
        ("before", "settling", "B", "less than three weeks"),
        ("settling", "settling", "A", ""),
    ],
)
def test_days_since_a_treatment_are_told_and_never_block(
    faces: tuple[MeasuredFace, MeasuredFace], before: str, after: str, grade: str, word: str
) -> None:
    found, reasons, remedies, _ = told(*faces, phases=(phase(before), phase(after)))
    assert found == grade
    assert bool(reasons) == (grade != "A") and word in "; ".join(reasons)
    assert remedies == (() if grade == "A" else (
        "wait until three weeks after the treatment for photos that show the result",
    ))  # fmt: skip


def test_without_a_course_nothing_is_said_of_days(faces: tuple[MeasuredFace, MeasuredFace]) -> None:
    assert told(*faces) == told(*faces, phases=(phase("unknown"), phase("unknown"))) == ("A", (), (), Flag.NONE)


def test_a_remedy_that_several_reasons_share_is_told_once() -> None:
    words = {"pose": ("the chin is lower", "take it again"), "exposure": ("the face is darker", "take it again")}
    bad = replace(GOOD, pose_difference_deg=12.0, exposure_difference=0.6, words=words)
    _, reasons, remedies, _ = grade_pair(bad)
    assert reasons == ("the face is darker", "the chin is lower")
    assert remedies == ("take it again",)


def test_what_is_fine_is_told_too() -> None:
    titles = {j.title for j in judge_conditions(GOOD) if not j.level and j.title}
    assert {"light", "pose", "expression", "distance", "sharpness", "resolution", "colour reference"} <= titles
    turned = judge_conditions(replace(GOOD, pose_difference_deg=12.0))
    assert "pose" not in {j.title for j in turned if not j.level}
    # What cannot be told is not called fine.
    unknown = judge_conditions(replace(GOOD, nearness_difference=float("nan")))
    assert "distance" not in {j.title for j in unknown}


def test_remedies_say_which_way_to_move() -> None:
    reason, remedy = describe_pose(12.0, -6.0)
    assert "to the client's left" in reason and "chin is lower" in reason
    assert "12° to the client's right" in remedy and "raise the chin by about 6°" in remedy
    assert describe_pose(1.0, -1.0) == ("", "")
    assert "step back" in describe_nearness(0.01)[1] and "come as close" in describe_nearness(-0.01)[1]
    assert "focus" in describe_sharpness(0.6)[1] and "focus" not in describe_sharpness(1.6)[1]
    assert "(brows and left eye)" in describe_expression(["brows", "left eye"])[0]


def test_the_grade_is_given_before_any_number_is_looked_at(faces: tuple[MeasuredFace, MeasuredFace]) -> None:
    one, two = faces
    blank = [replace(f, maps={name: np.full_like(m, np.nan) for name, m in f.maps.items()}) for f in faces]
    assert grade_pair(estimate_conditions([one], [two])) == grade_pair(estimate_conditions(blank[:1], blank[1:]))


def compared(
    monkeypatch: pytest.MonkeyPatch,
    faces: tuple[MeasuredFace, MeasuredFace],
    plan: ClientPlan,
    conditions: PairConditions,
) -> dict[tuple[str, str], Change]:
    monkeypatch.setattr(estimating, "estimate_conditions", lambda *_, **__: conditions)
    # A few are as good as all, and quicker.
    monkeypatch.setattr(estimating, "METRICS", {name: METRICS[name] for name in ("redness_index", "fine_texture")})
    changes, comparison = compare_pair(faces[:1], faces[1:], against="baseline", plan=plan, settings=SETTINGS)
    assert comparison.grade == grade_pair(conditions)[0]
    return {(c.metric, c.region): c for c in changes}


def test_f_blocks_every_number_and_what_differs_widens_every_interval(
    monkeypatch: pytest.MonkeyPatch, faces: tuple[MeasuredFace, MeasuredFace], make_plan: Callable[..., ClientPlan]
) -> None:
    plan = make_plan()
    aligned = align_maps(list(faces), common_skin(faces))
    monkeypatch.setattr(estimating, "align_maps", lambda *_: aligned)
    good = compared(monkeypatch, faces, plan, GOOD)
    told = {key for key, c in good.items() if np.isfinite(c.detectable_change)}
    assert ("redness_index", "cheek_left") in told
    worse = {
        "light_difference": 0.15, "light_color_difference": 0.3, "exposure_difference": 0.6,
        "expression_difference": 0.6, "sharpness_ratio": 0.7, "misfit_percent_iod": 1.0,
    }  # fmt: skip
    for name, value in worse.items():
        conditions = replace(GOOD, **{name: value})
        assert "A" < grade_pair(conditions)[0] < "F"
        found = compared(monkeypatch, faces, plan, conditions)
        for key in told:
            assert found[key].detectable_change > good[key].detectable_change, (name, key)
            assert found[key].difference == good[key].difference
    for name, value in {"pose_difference_deg": 31.0, "light_difference": 1.5, "coverage": 0.05}.items():
        blocked = compared(monkeypatch, faces, plan, replace(GOOD, **{name: value}))
        for change in blocked.values():
            assert change.grade == "F" and change.verdict == "not comparable"
            assert np.isnan([change.difference, change.ci_low, change.ci_high, change.detectable_change]).all()
