"""A made-up but realistic :class:`ClientResult`: a course of microneedling, for tests of what is drawn and written."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np

from skinprogress.color.card_values import reference_linear_rgb
from skinprogress.records import (
    BackgroundSample,
    CardReading,
    Change,
    ClientPlan,
    ClientResult,
    ColorCorrection,
    Comparison,
    Consent,
    Course,
    Finding,
    Flag,
    Inspection,
    Landmarks,
    LightDifference,
    MarkPlace,
    Measurement,
    PatchReading,
    Phase,
    PhotoLight,
    PhotoRef,
    PhotoReport,
    Recovery,
    Registration,
    Rejection,
    Rung,
    SkinMap,
    Spot,
    Treatment,
    Trend,
    View,
)
from skinprogress.settings import Settings

NAN = float("nan")
FIRST_TREATMENT = datetime(2026, 3, 14, 15, 30)
WEEKS_6 = timedelta(weeks=6)

REGIONS = (
    "forehead", "glabella", "nose", "cheek_left", "cheek_right", "periorbital_left", "periorbital_right",
    "upper_lip", "chin", "jaw_left", "jaw_right", "face",
)  # fmt: skip
"""Used where the real table cannot be imported."""

SCALES = {  # unit, better, baseline, step at treatment, lasting change, standard error, spread of regions
    "redness": ("a*", "lower", 13.0, 6.0, -1.3, 0.35, 2.0),
    "redness_index": ("a*-eq", "lower", 14.0, 7.0, -1.5, 0.40, 2.2),
    "relative_redness": ("a*-eq", None, 0.4, 1.4, -0.3, 0.30, 1.2),
    "haemoglobin_index": ("OD", None, 0.62, 0.12, -0.03, 0.010, 0.05),
    "melanin_index": ("OD", None, 0.95, 0.02, 0.01, 0.012, 0.06),
    "tone_uniformity": ("%", "lower", 4.2, 1.6, -0.5, 0.18, 0.5),
    "texture_uniformity": ("%", "lower", 3.4, 1.1, -0.6, 0.12, 0.4),
}
"""Plausible sizes; a metric that is not here gets the middle of the road."""
ANY_SCALE = ("unit", "lower", 10.0, 2.0, -0.8, 0.3, 1.0)


@dataclass(frozen=True)
class _Visit:
    label: str
    at: datetime
    stage: str
    hours_after: float | None
    treatment: int | None
    phase: str


def fake_result(
    n_sessions: int = 6,
    seed: int = 0,
    *,
    folder: Path | None = None,
    views: tuple[View, ...] = ("front",),
    metrics: tuple[str, ...] | None = None,
    regions: tuple[str, ...] | None = None,
    photos_per_session: int = 2,
    dates: bool = True,
    client: str = "A-0042",
    not_comparable: bool = True,
    refused: tuple[str, ...] = (),
    rungs: tuple[Rung, ...] = ("background",),
    card_problem: str = "",
    light_removed: float = NAN,
    maps: bool = False,
    marks: tuple[str, ...] = (),
    recoveries: tuple[int, ...] = (),
    trends: bool = False,
) -> ClientResult:
    """Make up the result of a course: treatments six weeks apart, redness peaks and falls, texture gains.

    Parameters
    ----------
    n_sessions : int
        1 … 20 or more; with 2 a baseline and an outcome, with 3 and more also hours and days after a treatment, with
        6 and more also a numbing photo.
    folder : Path, optional
        Write the photos there (an enlarged ``skimage.data.astronaut()``, landmarks to match); by default no file
        exists.
    metrics, regions : tuple of str, optional
        By default the rows of the real tables, where those can be imported.
    dates : bool
        False: the sessions are named "Session 1" …, nothing is known of their times.
    not_comparable : bool
        False: every change can be judged.
    refused : tuple of str
        Regions whose details were not found again in any photo; ``("all",)`` for every one.
    rungs : tuple of Rung
        What the colours of the photos were matched on, in turn.
    card_problem : str
        Why the card that lies in every photo without a reference could not be used; empty: there is none.
    light_removed : float
        Redness that the light was found to fake between the baseline and each other session, a*-eq: it rises evenly
        from the client's right to the left. NaN: the light was left alone.
    maps : bool
        With maps of the mapped metrics in every session, see :func:`skin_map`, and three red spots and a brown one
        between the baseline and each other session.
    marks : tuple of str
        Names of marks on the left cheek, measured like the regions.
    recoveries : tuple of int
        Treatments with a recovery of every region: a curve after the first, two points after the others.
    trends : bool
        With a slope of the first metric in every region over the sessions that are not within days of a treatment.
    """
    rng = np.random.default_rng(seed)
    visits = _visits(n_sessions, dates=dates)
    settings = Settings(light="raw" if light_removed != light_removed else "compensated")
    names, units, better = _metric_columns(metrics)
    region_names = (*(regions or _region_names()), *marks)
    refs = _refs(visits, client, folder or Path("/nowhere") / client, views, photos_per_session, dates=dates)
    if folder is not None:
        refs = _write_photos(refs)
    measurements = _measurements(rng, visits, refs, names, units, region_names, client)
    baseline = next((v.label for v in visits if v.stage not in ("numbing", "after cream")), None)
    changes = _changes(
        rng, visits, measurements, names, units, better, region_names, views, client, baseline, not_comparable
    )
    reference_of = {view: next(ref.file for ref, v in refs if v == view) for view in views}
    rung_of = {ref.file: rungs[k % len(rungs)] for k, (ref, _) in enumerate(refs)}
    inspections = {ref.file: _inspection(ref, rung_of[ref.file], card_problem) for ref, _ in refs}
    plan = ClientPlan(
        client=client,
        sessions=tuple(v.label for v in visits),
        view_of={ref.file: view for ref, view in refs},
        reference_of=reference_of,
        mm_per_px={ref.file: 0.365 for ref, _ in refs},
        scale_relative_se=0.03,
        corrections={ref.file: _correction(rung_of[ref.file], ref.file, reference_of[view]) for ref, view in refs},
        canonical_px=dict.fromkeys(views, 1024),
        baseline=baseline,
        phases={
            v.label: Phase(
                session=v.label,
                days_after=None if v.hours_after is None else v.hours_after / 24,
                treatment_number=v.treatment,
                name=v.phase,  # type: ignore[arg-type]
            )
            for v in visits
        },
        course=_course(visits, client, dates=dates),
        settings_hash=settings.hash,
        flags={ref.file: ref.flags for ref, _ in refs},
        covered_sessions=tuple(v.label for v in visits if v.stage == "numbing"),
    )
    parts = tuple(name for name in region_names if name not in ("face", *marks))
    registrations = {
        ref.file: _registration(parts, parts if refused == ("all",) else refused)
        for ref, view in refs
        if plan.reference_of[view] != ref.file
    }
    comparisons = tuple(
        replace(c, light_removed=light_removed, light_uncertainty=0.5, light_angle_deg=48.0)
        for c in _comparisons(visits, views, client, baseline, changes)
    )
    lights = {ref.file: LIGHTS[ref.session != baseline] for ref, _ in refs}
    rejected = (
        Rejection(
            file=f"{visits[-1].label}/IMG_0099.jpg",
            session=visits[-1].label,
            code="no_face",
            reason="no face was found in the photo",
            remedy="take it again with the whole face in the picture",
            sha256=hashlib.sha256(b"rejected").hexdigest(),
        ),
    )
    return ClientResult(
        client=client,
        folder=folder or Path("/nowhere") / client,
        sessions=plan.sessions,
        plan=plan,
        inspections=inspections,
        photos=_photo_rows(refs, inspections, rejected, registrations, plan.corrections, lights),
        rejected=rejected,
        skipped=(
            ("Thumbs.db", "not a photo"),
            (f"{visits[0].label}/IMG_0001.CR2", "the JPEG of the same shot was used"),
        ),
        measurements=measurements,
        changes=changes,
        comparisons=comparisons,
        findings=_findings(changes),
        settings=settings,
        versions={"skinprogress": "0.1.0", "numpy": np.__version__, "python": "3.11"},
        timings_s={"inspect": 1.2, "measure": 3.4},
        notes=("The numbers in this result are made up.",),
        registrations=registrations,
        lights=lights,
        light_differences=tuple(_light_difference(c) for c in comparisons if light_removed == light_removed),
        spots=tuple(_spots(comparisons)) if maps else (),
        maps=tuple(_maps(refs, visits)) if maps else (),
        marks=tuple(
            MarkPlace(name=name, view=view, mask=_mark_mask(), on_skin=0.97) for name in marks for view in views
        ),
        recoveries=tuple(_recovery(n, r, view) for view in views for r in region_names for n in recoveries),
        trends=tuple(_trend(plan, names[0], r, view) for view in views for r in region_names if trends),
    )


def _recovery(treatment: int, region: str, view: View) -> Recovery:
    hours = (2.0, 18.0, 42.0, 72.0, 167.0) if treatment == 1 else (2.0, 72.0)
    curve = {
        "level": 0.1, "amplitude": 6.0, "tau_h": 30.0, "half_life_h": 20.8, "half_life_low_h": 15.2,
        "half_life_high_h": 30.7,
    }  # fmt: skip
    few = {"reason": "2 photos within a week, and a curve needs 4"}
    return Recovery(
        client="A-0042", view=view, region=region, metric="redness_index", unit="a*-eq", treatment=treatment,
        before="2026-03-10", sessions=tuple(f"{h:g}" for h in hours), hours=hours,
        rise=tuple(0.1 + 6.0 / treatment * float(np.exp(-h / 30.0)) for h in hours),
        standard_error=(0.5,) * len(hours), quoted_days=5.0 if region in ("nose", "chin") else 3.0,
        **(curve if treatment == 1 else few),
    )  # type: ignore[arg-type]  # fmt: skip


def _trend(plan: ClientPlan, metric: str, region: str, view: View) -> Trend:
    calm = [s for s in plan.sessions if plan.phases[s].name in ("before", "settled") and s not in plan.covered_sessions]
    days = [(datetime.fromisoformat(s) - datetime.fromisoformat(calm[0])).total_seconds() / 86400 for s in calm]
    return Trend(
        client="A-0042", view=view, region=region, metric=metric, unit="a*", segment="course", sessions=tuple(calm),
        days=tuple(days), per_month=-0.41, per_month_low=-0.72, per_month_high=-0.1, per_session=-0.57,
        per_session_low=-1.0, per_session_high=-0.14, difference=-1.8, ci_low=-2.9, ci_high=-0.7,
    )  # fmt: skip


LEFT_CHEEK_UV = (0.695, 0.595)
MARK_RADIUS = 8


def skin_map(metric: str, *, later: bool) -> np.ndarray:
    """Return a map on the grid of 512²: a slope from the client's right to the left, more in the later session.

    Bands of texture are noise of standard deviation 3, later 2.
    """
    from skinprogress.face.regions import bare_face_mask

    if "texture" in metric:
        values = np.random.default_rng(later).normal(0, 2.0 if later else 3.0, (512, 512))
    else:
        unit = 0.1 if "melanin" in metric else 1.0
        values = unit * (10.0 + 10.0 * (np.arange(512) * 2 + 0.5)[None] / 1024 + 3.0 * later + np.zeros((512, 1)))
    return np.where(bare_face_mask(1024)[::2, ::2], values, np.nan).astype(np.float16)


def _maps(refs: list[tuple[PhotoRef, View]], visits: list[_Visit]) -> list[SkinMap]:
    from skinprogress.metrics.table import METRICS

    first: dict[tuple[View, str], str] = {}
    for ref, view in refs:
        first.setdefault((view, ref.session), ref.file)
    return [
        SkinMap(
            view=view, session=session, photo=file, metric=name, values=skin_map(name, later=session != visits[0].label)
        )
        for (view, session), file in first.items()
        for name, metric in METRICS.items()
        if metric.mapped
    ]  # fmt: skip


def _spots(comparisons: tuple[Comparison, ...]) -> list[Spot]:
    """Return a new, a gone and a persistent red spot on the left cheek, and a new brown one of unknown size."""
    rows = (("red", "new", 0.66, NAN), ("red", "gone", 0.695, 2.0), ("red", "persistent", 0.73, 2.0),
            ("brown", "new", 0.66, NAN))  # fmt: skip
    return [
        Spot(
            client=c.client, view=c.view, kind=kind, region="cheek_left", against=c.against,
            from_session=c.from_session, to_session=c.to_session, u=u, v=LEFT_CHEEK_UV[1], status=status,
            area_before_mm2=area, area_after_mm2=area, contrast_before=3.0, contrast_after=3.0,
        )
        for c in comparisons
        for kind, status, u, area in rows
    ]  # type: ignore[arg-type]  # fmt: skip


def _mark_mask() -> np.ndarray:
    rows, columns = np.indices((512, 512)) / 512
    u, v = LEFT_CHEEK_UV
    return (columns - u) ** 2 + (rows - v) ** 2 < (MARK_RADIUS / 512) ** 2


LIGHTS = (
    PhotoLight(azimuth_deg=-40.0, elevation_deg=35.0, directionality=0.6, color_mix=0.01, shine_share=0.002),
    PhotoLight(
        azimuth_deg=10.0, elevation_deg=40.0, directionality=0.4, color_mix=0.2, warm_azimuth_deg=90.0, shine_share=0.04
    ),
)
"""Of the baseline, and of every other session."""


def _light_difference(comparison: Comparison) -> LightDifference:
    """Return a light that reddens the client's left, with a doubtful corner at the top of the forehead."""
    across = np.sqrt(3.0) * np.linspace(-1, 1, 32, dtype=np.float32)[None] * np.ones((32, 1), np.float32)
    index = 0.0405 * comparison.light_removed * across
    error = np.full((32, 32), 0.5, np.float32)
    error[:8] = 1.5
    return LightDifference(
        view=comparison.view,
        against=comparison.against,
        from_session=comparison.from_session,
        to_session=comparison.to_session,
        log_ratio=np.stack([index / 2, -index / 2, -index], axis=2),
        standard_error=error,
    )


def _visits(n_sessions: int, *, dates: bool) -> list[_Visit]:
    """Return the visits in order: a baseline, then hours, days and weeks after each treatment."""
    hours = {2: (1007,), 3: (2, 1007), 4: (2, 168, 1007), 5: (2, 18, 168, 1007)}
    hours_1 = hours.get(n_sessions, (-0.7, 2, 18, 168, 1007))
    found = [(FIRST_TREATMENT - timedelta(days=4, hours=5), "pre", None, None, "before")]
    number = 0
    while len(found) < n_sessions:
        number += 1
        treated_at = FIRST_TREATMENT + (number - 1) * WEEKS_6
        for h in hours_1 if number == 1 else (2, 72, 1007):
            days = h / 24
            phase = "acute" if days < 3 else "peeling" if days < 7 else "settling" if days < 21 else "settled"
            if h < 0:
                found.append((treated_at + timedelta(hours=h), "numbing", None, None, "before"))
            else:
                stage = "directly after" if h < 6 else ""
                found.append((treated_at + timedelta(hours=h), stage, float(h), number, phase))
    found = sorted(found[:n_sessions], key=lambda row: row[0])
    per_day: dict[str, int] = {}
    for at, *_ in found:
        per_day[f"{at:%Y-%m-%d}"] = per_day.get(f"{at:%Y-%m-%d}", 0) + 1
    labels = [f"{at:%Y-%m-%d}" if per_day[f"{at:%Y-%m-%d}"] == 1 else f"{at:%Y-%m-%dT%H:%M}" for at, *_ in found]
    if not dates:
        return [_Visit(f"Session {i + 1}", row[0], row[1], None, None, "unknown") for i, row in enumerate(found)]
    return [_Visit(label, *row) for label, row in zip(labels, found, strict=True)]


def _metric_columns(metrics: tuple[str, ...] | None) -> tuple[tuple[str, ...], dict[str, str], dict[str, str | None]]:
    try:
        from skinprogress.metrics.table import METRICS
    except ImportError:
        names = metrics or tuple(SCALES)
        return names, {n: SCALES.get(n, ANY_SCALE)[0] for n in names}, {n: SCALES.get(n, ANY_SCALE)[1] for n in names}
    names = metrics or tuple(METRICS)
    return names, {n: METRICS[n].unit for n in names}, {n: METRICS[n].better for n in names}


def _region_names() -> tuple[str, ...]:
    try:
        from skinprogress.face.regions import REGIONS as table
    except ImportError:
        return REGIONS
    return tuple(table)


def _refs(
    visits: list[_Visit], client: str, folder: Path, views: tuple[View, ...], per_session: int, *, dates: bool
) -> list[tuple[PhotoRef, View]]:
    refs: list[tuple[PhotoRef, View]] = []
    for visit in visits:
        for view in views:
            for _ in range(per_session):
                i = len(refs) + 1
                name = f"{visit.label.replace(':', '')}/IMG_{i:04d}.jpg"
                flags = Flag.NOT_A_BASELINE if visit.stage == "numbing" else Flag.NONE
                ref = PhotoRef(
                    path=folder / name,
                    file=name,
                    client=client,
                    session=visit.label,
                    taken_at=visit.at + timedelta(seconds=20 * i) if dates else None,
                    stage=visit.stage,  # type: ignore[arg-type]
                    hours_after=visit.hours_after,
                    day=(visit.at - visits[0].at).total_seconds() / 86400 if dates else None,
                    sha256=hashlib.sha256(name.encode()).hexdigest(),
                    flags=flags if dates else flags | Flag.DATE_UNKNOWN,
                )
                refs.append((ref, view))
    return refs


ENLARGED = 3
"""The astronaut is enlarged to an IOD of about 130 px."""


@lru_cache(maxsize=1)
def _points_xy() -> np.ndarray:
    return ENLARGED * np.loadtxt(Path(__file__).parent / "astronaut_landmarks.csv", delimiter=",")


def _write_photos(refs: list[tuple[PhotoRef, View]]) -> list[tuple[PhotoRef, View]]:
    """The same pixels for all, each file with a comment of its own; the references with the files' SHA-256."""
    import cv2
    import skimage.data

    rgb = cv2.resize(skimage.data.astronaut(), None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    jpeg = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    written = []
    for ref, view in refs:
        comment = ref.file.encode()
        data = jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]
        ref.path.parent.mkdir(parents=True, exist_ok=True)
        ref.path.write_bytes(data)
        written.append((replace(ref, sha256=hashlib.sha256(data).hexdigest()), view))
    return written


THUMB = 192


@lru_cache(maxsize=1)
def _thumb() -> np.ndarray:
    import cv2
    import skimage.data

    from skinprogress.color.spaces import srgb_to_linear

    rgb = cv2.resize(skimage.data.astronaut(), (THUMB, THUMB), interpolation=cv2.INTER_AREA)
    return srgb_to_linear(rgb).astype(np.float16)


def _around() -> np.ndarray:
    """Return what surrounds the person, (192, 192) bool: the two upper corners."""
    around = np.zeros((THUMB, THUMB), bool)
    around[:80, :50] = around[:80, 130:] = True
    return around


def _inspection(ref: PhotoRef, rung: Rung, card_problem: str) -> Inspection:
    points_xy = _points_xy().copy()
    card = _card() if rung == "card" else None
    if rung == "none" and card_problem:
        card = replace(_card(), problem=card_problem, remedy="hold the card a hand's breadth further down")
    grey = PatchReading(linear_rgb=np.array([0.8, 0.7, 0.6], np.float32), scatter=0.02, reflectance=0.9)
    return Inspection(
        ref=replace(ref, patch=(1000, 200, 90, 60)) if rung == "patch" else ref,
        landmarks=Landmarks(
            points_xy=points_xy,
            depth=np.zeros(478),
            pose_deg=(3.0, 4.0, 1.0),
            blendshapes={"mouthSmileLeft": 0.7, "mouthSmileRight": 0.7, "jawOpen": 0.1},
            view="front",
        ),
        height_px=512 * ENLARGED,
        width_px=512 * ENLARGED,
        iris_px=24.0,
        eyes_open=True,
        sharpness=0.6,
        camera_distance_cm=55.0,
        background=BackgroundSample(
            linear_rgb=_thumb().copy(),
            usable=_around(),
            skin_rgb=_thumb()[50:70, 82:100].reshape(-1, 3).mean(axis=0).astype(np.float32),
            px_per_thumb=512 * ENLARGED / THUMB,
        ),
        metadata={"camera": "Pixel 8"},
        card=card,
        patch=grey if rung == "patch" else None,
        flags=ref.flags | (Flag.CARD_UNUSABLE if card is not None and card.problem else Flag.NONE),
    )


CARD_MATRIX = np.array([[1.1, -0.1, 0.0], [-0.02, 0.85, 0.01], [0.0, -0.08, 0.95]], np.float32)
CARD_TONE = np.stack([np.linspace(0.01, 1.0, 12), np.linspace(0.01, 1.0, 12) ** 1.15], axis=1).astype(np.float32)


def _card() -> CardReading:
    """Return a card as a warm lamp shows it; `CARD_TONE` and `CARD_MATRIX` put its colours right."""
    seen = reference_linear_rgb("2014") @ np.linalg.inv(CARD_MATRIX).T
    x, y = np.meshgrid(np.arange(6), np.arange(4))
    usable = np.ones(24, bool)
    usable[17] = False
    return CardReading(
        corners_xy=np.array([(1080.0, 1090.0), (1480, 1050), (1500, 1320), (1100, 1360)]),
        patches_xy=np.stack([1120 + 68 * x, 1120 + 68 * y], axis=-1).reshape(-1, 2).astype(float),
        linear_rgb=np.interp(seen, CARD_TONE[:, 1], CARD_TONE[:, 0]).astype(np.float32),
        scatter=np.full(24, 0.01, np.float32),
        usable=usable,
        width_px=400.0,
    )


def _correction(rung: Rung, file: str, reference: str) -> ColorCorrection:
    if rung == "card":
        return ColorCorrection(
            rung="card", anchor="card", matrix=CARD_MATRIX, tone=CARD_TONE, residual_delta_e=0.6,
            leave_one_out_delta_e=0.9, log_gain_covariance=_covariance(0.008), relative_redness_se=0.004,
            reason="24 patches of the card (edition 2014), tone curve and 3×3",
        )  # fmt: skip
    if rung == "patch":
        gains = np.array([0.9 / 0.8, 0.9 / 0.7, 0.9 / 0.6], np.float32)
        return ColorCorrection(
            rung="patch", anchor="patch", matrix=np.eye(3, dtype=np.float32), gains=gains,
            log_gain_covariance=_covariance(0.015), relative_redness_se=0.008, reason="white-balanced on a grey patch",
        )  # fmt: skip
    if rung == "background":
        return ColorCorrection(
            rung="background", anchor=reference, matrix=np.eye(3, dtype=np.float32), residual_delta_e=1.4,
            log_gain_covariance=_covariance(0.0 if file == reference else 0.015), relative_redness_se=0.012,
            reason="a wall that all photos share",
            used=None if file == reference else _around() & (np.arange(THUMB) < THUMB // 2),
        )  # fmt: skip
    return ColorCorrection(
        rung="none", matrix=np.eye(3, dtype=np.float32), log_gain_covariance=_covariance(0.11),
        relative_redness_se=0.025, reason="the background is another one", flags=Flag.COLOR_NOT_MATCHED,
    )  # fmt: skip


def _covariance(standard_error: float) -> np.ndarray:
    """Return the covariance of ln R, ln G, ln B where each is off by so much on its own, and all by twice that."""
    return standard_error**2 * (np.eye(3) + 4 * np.ones((3, 3)))


def _registration(parts: tuple[str, ...], refused: tuple[str, ...]) -> Registration:
    """Return a registration that changes nothing: all photos show the same head in the same place."""
    misfit = {name: 1.4 if name in refused else 0.1 + 0.01 * k for k, name in enumerate(parts)}
    return Registration(
        shift=np.zeros((32, 32, 2), np.float32),
        trusted=np.ones((32, 32), bool),
        misfit_percent_iod={**misfit, "face": float(np.mean(list(misfit.values()))) if misfit else NAN},
        accepted=tuple(name for name in parts if name not in refused),
        refused=tuple(name for name in parts if name in refused),
    )


def _effect(visit: _Visit, metric: str, response: float) -> float:
    """Return the true change since the baseline: a peak that fades within days plus a gain that builds over weeks."""
    _, _, _, step, gain, _, _ = SCALES.get(metric, ANY_SCALE)
    if visit.stage == "numbing":
        return 0.35 * step
    if visit.treatment is None or visit.hours_after is None:
        return 0.0
    built = (visit.treatment - 1 + min(visit.hours_after / 1008, 1.0)) ** 0.7
    return response * (step * float(np.exp(-visit.hours_after / 36)) + gain * built)


def _measurements(
    rng: np.random.Generator,
    visits: list[_Visit],
    refs: list[tuple[PhotoRef, View]],
    names: tuple[str, ...],
    units: dict[str, str],
    regions: tuple[str, ...],
    client: str,
) -> tuple[Measurement, ...]:
    by_label = {v.label: v for v in visits}
    base = {(m, r): rng.normal(*_at(SCALES.get(m, ANY_SCALE), 2, 6)) for m in names for r in regions}
    response = {r: float(rng.uniform(0.4, 1.2)) for r in regions}
    rows = []
    for ref, view in refs:
        for metric in names:
            se = SCALES.get(metric, ANY_SCALE)[5]
            for region in regions:
                true = base[metric, region] + _effect(by_label[ref.session], metric, response[region])
                hidden = rng.random() < 0.02  # a fringe, a hand, a reflection
                rows.append(
                    Measurement(
                        client=client,
                        session=ref.session,
                        photo=ref.file,
                        view=view,
                        region=region,
                        metric=metric,
                        metric_version=1,
                        method="raw",
                        value=NAN if hidden else float(true + rng.normal(0, 0.6 * se)),
                        standard_error=NAN if hidden else float(se * rng.uniform(0.8, 1.3)),
                        unit=units[metric],
                        n_px=83 if hidden else int(rng.integers(4_000, 60_000)),
                        color_reference="background",
                        flags=Flag.TOO_FEW_PIXELS if hidden else ref.flags,
                        coverage=0.02 if hidden else 0.97,
                        hidden_by="hair 0.98" if hidden else "shine 0.02",
                    )
                )
    return tuple(rows)


def _at(row: tuple[str, str | None, float, float, float, float, float], *indices: int) -> list[float]:
    return [float(row[i]) for i in indices]  # type: ignore[arg-type]


def _changes(
    rng: np.random.Generator,
    visits: list[_Visit],
    measurements: tuple[Measurement, ...],
    names: tuple[str, ...],
    units: dict[str, str],
    better: dict[str, str | None],
    regions: tuple[str, ...],
    views: tuple[View, ...],
    client: str,
    baseline: str | None,
    not_comparable: bool,
) -> tuple[Change, ...]:
    if baseline is None:
        return ()
    values: dict[tuple[str, str, str, str], list[Measurement]] = {}
    for m in measurements:
        values.setdefault((m.view, m.metric, m.region, m.session), []).append(m)
    rows: list[Change] = []
    for k, visit in enumerate(visits):
        for against, source in (("baseline", baseline), ("previous", visits[k - 1].label if k else None)):
            if source is None or source == visit.label:
                continue
            broken = not_comparable and k == 3 and len(visits) > 4  # that day's light spoils the texture
            for view in views:
                for metric in names:
                    for region in regions:
                        before = values[view, metric, region, source]
                        after = values[view, metric, region, visit.label]
                        spoilt = (broken and "texture" in metric) or (not_comparable and rng.random() < 0.015)
                        rows.append(
                            _change(before, after, visit, against, better[metric], units[metric], client, spoilt=spoilt)
                        )
    return tuple(rows)


def _change(
    before: list[Measurement],
    after: list[Measurement],
    visit: _Visit,
    against: str,
    better: str | None,
    unit: str,
    client: str,
    *,
    spoilt: bool,
) -> Change:
    first = before[0]
    b, f = (np.array([m.value for m in rows]) for rows in (before, after))
    b, f = b[np.isfinite(b)], f[np.isfinite(f)]
    spoilt = spoilt or b.size == 0 or f.size == 0
    base = NAN if spoilt else float(b.mean())
    follow = NAN if spoilt else float(f.mean())
    se = SCALES.get(first.metric, ANY_SCALE)[5]
    half = NAN if spoilt else 2.9 * se * float(np.sqrt(1 / b.size + 1 / f.size)) / 1.4
    difference = follow - base
    early = visit.phase in ("acute", "peeling")
    if spoilt:
        verdict, status = "not comparable", ""
    elif early or visit.stage == "numbing":
        verdict, status = "no detectable change", "within quoted range" if early else "cannot say"
    elif abs(difference) <= half:
        verdict, status = "unchanged" if abs(difference) < 0.12 * half else "no detectable change", ""
    elif better is None:
        verdict, status = "changed", ""
    else:
        verdict, status = ("improved" if (difference < 0) == (better == "lower") else "worsened"), ""
    flags = Flag.LIGHT_DIFFERS if spoilt else Flag.RECENT_TREATMENT if early else Flag.NONE
    return Change(
        client=client,
        view=first.view,
        region=first.region,
        metric=first.metric,
        metric_version=1,
        unit=unit,
        method="raw",
        against=against,  # type: ignore[arg-type]
        from_session=first.session,
        to_session=visit.label,
        baseline=base,
        followup=follow,
        difference=difference,
        ci_low=difference - half,
        ci_high=difference + half,
        detectable_change=1.96 * 2**0.5 * se,
        n_baseline=int(b.size),
        n_followup=int(f.size),
        color_reference="background",
        grade="C" if spoilt else "B",
        verdict=verdict,  # type: ignore[arg-type]
        course_status=status,  # type: ignore[arg-type]
        n_common_px=0 if spoilt else 21_000,
        flags=flags | (Flag.NOT_A_BASELINE if visit.stage == "numbing" else Flag.NONE),
    )


def _course(visits: list[_Visit], client: str, *, dates: bool) -> Course:
    last = max(v.at for v in visits)
    treated = [FIRST_TREATMENT + i * WEEKS_6 for i in range(40) if FIRST_TREATMENT + i * WEEKS_6 < last]
    return Course(
        label=client,
        planned=3,
        aim=("texture", "acne scars"),
        treatments=tuple(
            Treatment(at=at, number=i + 1, depth_mm={"forehead": 1.0, "cheek_left": 1.5, "cheek_right": 1.5})
            for i, at in enumerate(treated)
        )
        if dates
        else (),
        consent=Consent(publish=None),
    )


def _photo_rows(
    refs: list[tuple[PhotoRef, View]],
    inspections: dict[str, Inspection],
    rejected: tuple[Rejection, ...],
    registrations: dict[str, Registration],
    corrections: dict[str, ColorCorrection],
    lights: dict[str, PhotoLight],
) -> tuple[PhotoReport, ...]:
    used = [
        PhotoReport(
            file=ref.file,
            sha256=ref.sha256,
            session=ref.session,
            taken_at=ref.taken_at,
            stage=ref.stage,
            hours_after=ref.hours_after,
            view=view,
            status="used",
            yaw_deg=3.0,
            pitch_deg=4.0,
            roll_deg=1.0,
            iod_px=inspections[ref.file].landmarks.iod_px,
            mm_per_px=0.365,
            sharpness=0.6,
            misfit_percent_iod=registrations[ref.file].misfit_percent_iod["face"] if ref.file in registrations else 0.0,
            color_reference=corrections[ref.file].rung,
            residual_delta_e=corrections[ref.file].residual_delta_e,
            flags=inspections[ref.file].flags,
            not_registered=registrations[ref.file].refused if ref.file in registrations else (),
            misfit_by_region=dict(registrations[ref.file].misfit_percent_iod) if ref.file in registrations else {},
            color_anchor=corrections[ref.file].anchor,
            color_reason=corrections[ref.file].reason,
            leave_one_out_delta_e=corrections[ref.file].leave_one_out_delta_e,
            a_star_se=corrections[ref.file].a_star_se,
            camera="Pixel 8",
            exposure="1/60 s, f/1.7, ISO 120",
            flash="not fired",
            light="made up",
            light_azimuth_deg=lights[ref.file].azimuth_deg,
            warm_azimuth_deg=lights[ref.file].warm_azimuth_deg,
            shine_share=lights[ref.file].shine_share,
        )
        for ref, view in refs
    ]
    lost = [
        PhotoReport(
            file=r.file,
            sha256=r.sha256,
            session=r.session,
            taken_at=None,
            stage="",
            hours_after=None,
            view=None,
            status="rejected",
            code=r.code,
            reason=r.reason,
            remedy=r.remedy,
        )
        for r in rejected
    ]
    return (*used, *lost)


def _comparisons(
    visits: list[_Visit], views: tuple[View, ...], client: str, baseline: str | None, changes: tuple[Change, ...]
) -> tuple[Comparison, ...]:
    by_label = {v.label: v for v in visits}
    pairs = dict.fromkeys((c.view, c.against, c.from_session, c.to_session) for c in changes)
    spoilt = {(c.view, c.against, c.to_session) for c in changes if "texture" in c.metric and c.grade == "C"}
    rows = []
    for view, against, source, target in pairs:
        a, b = by_label[source], by_label[target]
        bad = (view, against, target) in spoilt
        rows.append(
            Comparison(
                client=client,
                view=view,
                against=against,
                from_session=source,
                to_session=target,
                days_between=(b.at - a.at).total_seconds() / 86400 if a.phase != "unknown" else NAN,
                from_phase=a.phase,
                to_phase=b.phase,
                from_days_after=NAN if a.hours_after is None else a.hours_after / 24,
                to_days_after=NAN if b.hours_after is None else b.hours_after / 24,
                grade="C" if bad else "B",
                reasons=("the light comes from elsewhere",) if bad else ("no colour card",),
                remedies=("face the same window",) if bad else ("put a colour card in the picture",),
                color_reference="background",
                light_difference=0.4 if bad else 0.08,
                sharpness_ratio=0.95,
                pose_difference_deg=2.5,
                n_common_px=180_000,
                flags=Flag.LIGHT_DIFFERS if bad else Flag.NONE,
            )
        )
    return tuple(rows)


def _findings(changes: tuple[Change, ...]) -> tuple[Finding, ...]:
    real = [c for c in changes if c.verdict in ("improved", "worsened") and c.against == "baseline"][-3:]
    return tuple(
        Finding(
            kind="trend",
            region=c.region,
            metric=c.metric,
            figure=c.difference,
            ci_low=c.ci_low,
            ci_high=c.ci_high,
            text=f"{c.metric.replace('_', ' ')} of {c.region.replace('_', ' ')} {c.verdict} since {c.from_session}.",
        )
        for c in real
    )
