"""The measurements of one face: every metric of every region, with its standard error."""

from collections.abc import Mapping, Sequence

import numpy as np

from skinprogress.color.correcting import apply_correction
from skinprogress.comparison.areas import (
    Area,
    applies_to,
    cut_area,
    estimate_area,
    light_error,
    sensitivity,
    within_error,
)
from skinprogress.comparison.calibration import color_error, session_error
from skinprogress.comparison.faces import MeasuredFace, MeasuredNeck
from skinprogress.comparison.uncertainty import cut_blocks
from skinprogress.face.neck import NeckPatch
from skinprogress.face.regions import NECK
from skinprogress.metrics.inputs import MetricInput
from skinprogress.metrics.metric import Metric
from skinprogress.metrics.table import METRICS
from skinprogress.records import BoolArray, ClientPlan, ColorCorrection, Flag, Measurement, SkinMap
from skinprogress.settings import Settings


def measure_neck(patch: NeckPatch, correction: ColorCorrection, *, settings: Settings) -> MeasuredNeck:
    """Colour-correct the neck and compute what can be told px by px.

    Parameters
    ----------
    patch : NeckPatch
    correction : ColorCorrection
        Of the photo.
    settings : Settings

    Returns
    -------
    MeasuredNeck
    """
    shape = patch.skin.shape
    data = MetricInput(
        linear_rgb=apply_correction(patch.linear_rgb, correction),
        skin=patch.skin,
        mm_per_px=np.full(shape, patch.mm_per_px, np.float32),
        photo_px_per_mm=np.full(shape, patch.photo_px_per_mm, np.float32),
    )
    maps = {m.name: np.where(data.skin, m.compute(data), np.float32(np.nan)) for m in METRICS.values() if m.local}
    return MeasuredNeck(maps=maps, blocks=cut_blocks(data.skin, data.mm_per_px, block_mm=settings.block_mm))


def cut_areas(
    face: MeasuredFace, skin: BoolArray, with_blood: BoolArray, *, plan: ClientPlan, settings: Settings
) -> Mapping[tuple[str, bool], Area | None]:
    """Every place that is measured, on skin without and with what blood lies on.

    Returns
    -------
    dict of (region, with_blood) to Area or None
    """
    areas: dict[tuple[str, bool], Area | None] = {}
    for region in face.places:
        clean = cut_area(region, skin, face, plan=plan, settings=settings)
        areas[region, False] = areas[region, True] = clean
        if region != NECK and with_blood is not skin:
            areas[region, True] = cut_area(region, with_blood, face, plan=plan, settings=settings)
    return areas


def why_nothing(face: MeasuredFace, metric: Metric, area: Area) -> Flag:
    """Why a metric has no value in an area of a face that has skin enough."""
    if area.part(face, metric) is None:
        return Flag.NECK_NOT_SEEN
    if metric.relative and area.reference(face, metric) is None:
        return Flag.NECK_NOT_SEEN if metric.reference == "neck" else Flag.TOO_FEW_PIXELS
    return Flag.NOTHING_FOUND if metric.sparse else Flag.BAND_NOT_RESOLVED


def measure_face(face: MeasuredFace, *, plan: ClientPlan, settings: Settings) -> list[Measurement]:
    """Every metric of every region of one face, with its standard error.

    Of a face whose light was compensated, only what this changes: the metrics that are compensable.

    Parameters
    ----------
    face : MeasuredFace
    plan : ClientPlan
    settings : Settings

    Returns
    -------
    list of Measurement
        NaN, with a flag, where a region holds too little skin or the photo is not fine enough.
    """
    rows = []
    with_blood = face.skin | face.blood if face.blood.any() else face.skin
    areas = cut_areas(face, face.skin, with_blood, plan=plan, settings=settings)
    for region in face.places:
        for metric in METRICS.values():
            skip = face.light is not None and (not metric.compensable or region == NECK)
            if skip or not applies_to(metric, region):
                continue
            area = areas[region, metric.on_blood]
            value, error, flags = _measure(face, metric, area, settings)
            coverage = face.coverage.get(region)
            rows.append(
                Measurement(
                    client=face.ref.client,
                    session=face.ref.session,
                    photo=face.ref.file,
                    view=face.view,
                    region=region,
                    metric=metric.name,
                    metric_version=metric.version,
                    method="raw" if face.light is None else "compensated",
                    value=value,
                    standard_error=error,
                    unit=metric.unit,
                    n_px=area.n_px if area else 0,
                    color_reference=face.correction.rung,
                    flags=face.flags | face.registration_flag(region) | flags,
                    coverage=coverage.skin if coverage else float("nan"),
                    hidden_by=str(coverage or ""),
                )
            )
    return rows


def _measure(face: MeasuredFace, metric: Metric, area: Area | None, settings: Settings) -> tuple[float, float, Flag]:
    """Value, standard error and flags of one metric in one area."""
    nan = float("nan")
    if metric.color_gradient is not None and Flag.NO_COLOR in face.flags:
        return nan, nan, Flag.NONE
    if area is None:
        return nan, nan, Flag.TOO_FEW_PIXELS
    found = estimate_area(face, metric, area)
    value = found.value
    if not np.isfinite(value):
        return nan, nan, area.flags | why_nothing(face, metric, area)
    within = within_error([found])
    session = session_error(
        metric.name,
        value=value,
        area_mm2=area.area_mm2,
        compensated=face.light is not None,
        calibration=settings.calibration,
    )
    color = color_error(metric, face.correction, value=value) * sensitivity(face, metric, area)
    light = light_error(face, metric, area, value=value)
    error = float(np.sqrt(within**2 + session**2 + color**2 + light**2))
    flags = area.flags | (Flag.NONE if np.isfinite(error) else Flag.NOT_CALIBRATED)
    return value, error, flags


def keep_maps(faces: Sequence[MeasuredFace]) -> list[SkinMap]:
    """The maps of a session that are drawn, from its best photo."""
    face = max(faces, key=lambda f: f.inspection.quality)
    return [
        SkinMap(
            view=face.view,
            session=face.ref.session,
            photo=face.ref.file,
            metric=metric.name,
            values=face.maps[metric.name].astype(np.float16),
        )
        for metric in METRICS.values()
        if metric.mapped
    ]
