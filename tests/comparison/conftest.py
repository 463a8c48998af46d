"""Made-up faces as they are kept for comparisons, and the plan of their client."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from skinprogress.comparison import calibration
from skinprogress.comparison.course import in_order, phase_of
from skinprogress.comparison.faces import MeasuredFace, MeasuredNeck
from skinprogress.comparison.measuring import measure_neck
from skinprogress.face.canonical import raster
from skinprogress.face.neck import NeckPatch
from skinprogress.face.regions import REGIONS, bare_face_mask, region_mask
from skinprogress.face.skin import Coverage
from skinprogress.metrics.inputs import MetricInput
from skinprogress.metrics.maps import compute_maps, grid_step, make_layers, sample_grid
from skinprogress.metrics.noise import noise_shape
from skinprogress.metrics.pigmentation import HAEMOGLOBIN, MELANIN
from skinprogress.metrics.table import METRICS
from skinprogress.records import (
    BackgroundSample,
    Change,
    ClientPlan,
    ColorCorrection,
    Course,
    Flag,
    Inspection,
    Landmarks,
    Phase,
    PhotoRef,
)
from skinprogress.settings import Repeatability, Settings

SIDE, MM = 1024, 0.19
COLOR = np.array([0.45, 0.25, 0.18])
RED_LEVEL = 16.0


@lru_cache(maxsize=8)
def density_of_skin(seed: int, *, plain: bool = False) -> np.ndarray:
    """−ln linear RGB over that of even skin: relief, uneven blood and melanin, spots of both, lines of both."""
    rng = np.random.default_rng(seed)

    def field(*sigmas_px: float) -> np.ndarray:
        noise = (cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)), (0, 0), s) * s for s in sigmas_px)
        return sum(noise)[..., None]

    relief = -0.03 * field(1, 3, 8, 20) * np.ones(3)
    if plain:
        return relief
    density = relief + 0.03 * field(12, 30) * HAEMOGLOBIN + 0.04 * field(12, 30) * MELANIN
    spots = np.zeros((2, SIDE, SIDE), np.float32)
    for k, (x, y) in enumerate(rng.uniform(0.1, 0.9, (260, 2)) * SIDE * 16):
        cv2.circle(spots[k % 2], (int(x), int(y)), 4 * 16, 1.0, -1, cv2.LINE_AA, 4)
    lines = np.zeros((2, SIDE, SIDE), np.float32)
    for k, (x, y) in enumerate(rng.uniform(0.1, 0.9, (60, 2)) * SIDE):
        cv2.line(lines[k % 2], (int(x), int(y)), (int(x) + 90, int(y) + 12 * (k % 3)), 1.0, 3, cv2.LINE_AA)
    spots, lines = (np.stack([cv2.GaussianBlur(p, (0, 0), 0.8) for p in planes]) for planes in (spots, lines))
    density += 0.5 * spots[0][..., None] * HAEMOGLOBIN + 0.7 * spots[1][..., None] * MELANIN
    density += 0.4 * lines[0][..., None] * HAEMOGLOBIN + 0.2 * lines[1][..., None]
    density.setflags(write=False)
    return density


def inspected(session: str) -> Inspection:
    points = np.zeros((478, 2))
    points[473, 0] = 300.0
    return Inspection(
        ref=PhotoRef(path=Path(f"{session}.jpg"), file=f"{session}.jpg", client="c", session=session),
        landmarks=Landmarks(
            points_xy=points, depth=np.zeros(478), pose_deg=(0.0, 0.0, 0.0), blendshapes={}, view="front"
        ),
        height_px=2000, width_px=2000, iris_px=70.0, eyes_open=True, sharpness=2.0, camera_distance_cm=60.0,
        background=BackgroundSample(
            linear_rgb=np.ones((4, 4, 3), np.float16), usable=np.ones((4, 4), bool), px_per_thumb=50.0,
            skin_rgb=np.array([0.5, 0.25, 0.2], np.float32),
        ),
        metadata={}, flags=Flag.NONE,
    )  # fmt: skip


CORRECTION = ColorCorrection(
    rung="background", anchor="a", matrix=np.eye(3, dtype=np.float32), log_gain_covariance=1e-4 * np.eye(3),
    relative_redness_se=0.002,
)  # fmt: skip


def measured(
    session: str = "one",
    *,
    seed: int = 0,
    change: np.ndarray | float = 0.0,
    hidden: np.ndarray | None = None,
    blood: np.ndarray | None = None,
    noise: float = 0.0,
    plain: bool = False,
    mm_per_px: float = MM,
    **more: object,
) -> MeasuredFace:
    """A face; ``change`` is added to the density of its skin, ``hidden`` and ``blood`` are (1024, 1024) bool.

    A px of the photo is one of the frame. Its noise is of all channels alike, ln² × px² toward low frequencies, and
    falls toward high ones as bicubic resampling lets it; plain skin has relief and nothing else.
    """
    grain = 0.0
    if noise:
        white = np.random.default_rng(sum(session.encode())).normal(0.0, np.sqrt(noise), (SIDE, SIDE))
        u = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
        grain = np.fft.irfft2(np.fft.rfft2(white) * np.sqrt(noise_shape(u, 0.0)), white.shape)[..., None]
    inside = raster(SIDE).inside
    skin = bare_face_mask(SIDE) if hidden is None else bare_face_mask(SIDE) & ~hidden
    rgb = (COLOR * np.exp(-density_of_skin(seed, plain=plain) - change + grain)).astype(np.float32)
    if hidden is not None:
        rgb[hidden] = 0.02
    bare = MetricInput(
        linear_rgb=rgb, skin=skin, mm_per_px=np.where(inside, np.float32(mm_per_px), np.float32(np.nan)),
        photo_px_per_mm=np.where(inside, np.float32(1.0 / mm_per_px), np.float32(np.nan)), red_level=RED_LEVEL,
    )  # fmt: skip
    bloody = np.zeros_like(skin) if blood is None else skin & blood
    layers = make_layers(replace(bare, skin=skin & ~bloody), bare=bare, step=grid_step(SIDE))
    inspection = inspected(session)
    face = MeasuredFace(
        ref=inspection.ref, view="front", inspection=inspection, maps=compute_maps(layers, METRICS.values()),
        skin=layers.px.skin, blood=sample_grid(bloody), mm_per_px=layers.px.mm_per_px, layers=layers.stored(),
        side_px=SIDE, visibility=np.ones_like(layers.px.mm_per_px),
        coverage={name: Coverage(1.0, {}) for name in REGIONS}, registration=None, mm_per_photo_px=0.17,
        clipped_share=0.0, correction=CORRECTION, flags=Flag.NONE,
    )  # fmt: skip
    return replace(face, **more)


def necked(blood: float = 0.0, *, seed: int = 5, side: int = 60) -> MeasuredNeck:
    """A neck of 30 × 30 mm with so much more blood in it, optical density."""
    rng = np.random.default_rng(seed)
    field = cv2.GaussianBlur(rng.normal(0, 1, (side, side)), (0, 0), 3.0)[..., None] * HAEMOGLOBIN
    patch = NeckPatch(
        linear_rgb=(COLOR * np.exp(-field - blood * HAEMOGLOBIN)).astype(np.float32),
        skin=np.ones((side, side), bool), mm_per_px=0.5, photo_px_per_mm=6.0, to_patch=np.eye(2, 3),
    )  # fmt: skip
    return measure_neck(patch, CORRECTION, settings=Settings())


def planned(*sessions: str, course: Course | None = None) -> ClientPlan:
    sessions = sessions or ("one", "two")
    files = [f"{s}.jpg" for s in sessions]
    return ClientPlan(
        client="c", sessions=sessions, view_of=dict.fromkeys(files, "front"), reference_of={"front": files[0]},
        mm_per_px=dict.fromkeys(files, 0.17), scale_relative_se=0.0, corrections=dict.fromkeys(files, CORRECTION),
        canonical_px={"front": SIDE}, baseline=sessions[0],
        phases={s: Phase(session=s, days_after=None, treatment_number=None, name="unknown") for s in sessions},
        course=course or Course(), settings_hash="x", flags=dict.fromkeys(files, Flag.NONE),
    )  # fmt: skip


def on_course(*sessions: str, covered: tuple[str, ...] = (), **course: object) -> ClientPlan:
    """Sessions labelled by date and time; where a label is none, nothing is known of when it was."""
    made = Course(**course)
    phases = {}
    for session in sessions:
        try:
            at = datetime.fromisoformat(session)
        except ValueError:
            at = None
        given = [t.at for t in in_order(made) if at is not None and t.at <= at]
        hours = (at - given[-1]).total_seconds() / 3600.0 if at is not None and given else None
        ref = PhotoRef(path=Path("a"), file="a", client="c", session=session, taken_at=at, hours_after=hours)
        phases[session] = phase_of(session, [ref], made)
    return replace(planned(*sessions, course=made), phases=phases, covered_sessions=covered)


def changed(
    to_session: str, difference: float, *, error: float = 0.2, z: float = 2.9, from_session: str, **more: object
) -> Change:
    """Of the redness index of the whole face against baseline, unless more is said."""
    metric = METRICS[str(more.get("metric", "redness_index"))]
    change = Change(
        client="c", view="front", region="face", metric=metric.name, metric_version=1, unit=metric.unit, method="raw",
        against="baseline", from_session=from_session, to_session=to_session, baseline=15.0,
        followup=15.0 + difference, difference=difference, ci_low=difference - z * error,
        ci_high=difference + z * error, detectable_change=z * error, n_baseline=1, n_followup=1,
        color_reference="background", grade="A", verdict="changed" if abs(difference) > z * error else "unchanged",
        course_status="", n_common_px=1000, standard_error=error,
    )  # fmt: skip
    return replace(change, **more)


@pytest.fixture(scope="session")
def make_course() -> Callable[..., ClientPlan]:
    """``make_course(*sessions, covered=, treatments=, planned=, aim=, marks=)``: the plan with its phases."""
    return on_course


@pytest.fixture(scope="session")
def make_change() -> Callable[..., Change]:
    """``make_change(to_session, difference, error=, z=, from_session=, **fields)``."""
    return changed


@pytest.fixture(scope="session")
def make_face() -> Callable[..., MeasuredFace]:
    """``make_face(session, seed=, change=, hidden=, blood=, noise=, **fields)``."""
    return measured


@pytest.fixture(scope="session")
def make_neck() -> Callable[..., MeasuredNeck]:
    """``make_neck(blood, seed=)``."""
    return necked


@pytest.fixture(scope="session")
def make_plan() -> Callable[..., ClientPlan]:
    """``make_plan(*sessions, course=)``."""
    return planned


@pytest.fixture
def calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every metric repeats equally well: what is tested must not hang on the figures of the calibration."""
    for name in METRICS:
        monkeypatch.setitem(calibration.REPEATABILITY, name, Repeatability(session=0.2))


@pytest.fixture(scope="session")
def region() -> Callable[..., np.ndarray]:
    """A region of the frame that the made-up faces are drawn in, (1024, 1024) bool."""
    return lambda name: region_mask(name, SIDE)
