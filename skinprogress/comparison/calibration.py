"""What sessions, colour and little skin add to the error of a value and of a difference."""

import numpy as np

from skinprogress.comparison.calibration_table import COMPENSATED, REPEATABILITY, SMALL_MM2, SMALLNESS_POWER
from skinprogress.metrics.metric import Metric
from skinprogress.metrics.table import METRICS
from skinprogress.records import ColorCorrection, Rung
from skinprogress.settings import Calibration, Repeatability


def _row(metric: str, *, compensated: bool, calibration: Calibration | None) -> Repeatability | None:
    if calibration is not None:
        # What a clinic's own photos say nothing of is as it is elsewhere.
        own = calibration.compensated.get(metric, calibration.raw.get(metric)) if compensated else None
        if found := own or calibration.raw.get(metric):
            return found
    return COMPENSATED.get(metric, REPEATABILITY.get(metric)) if compensated else REPEATABILITY.get(metric)


def smallness(metric: str, area_mm2: float) -> float:
    """Factor on the session error of skin smaller than the regions that the table was made from, such as marks.

    Parameters
    ----------
    metric : str
    area_mm2 : float
        Of the skin that it is read from, mm².

    Returns
    -------
    float
        1 from :data:`SMALL_MM2` on, where the smallest regions begin; below, the variance grows as the area shrinks.
        1 for sums over the area as well, whose errors shrink with it.

    Notes
    -----
    A mark that is misplaced by half a millimetre swaps more of its skin than a region does, and a spread hangs on few
    px. Of marks of 15 to 300 mm² on true retakes, intervals without this factor cover 94 % on the average of the
    metrics of level, 85 % of the uniformities, 91 % of texture; with it 98, 96 and 99 %.
    :func:`skinprogress.validation.repeatability_fit.needed_power` finds what power of the area each metric needs.
    """
    if not area_mm2 < SMALL_MM2 or METRICS[metric].statistic == "total":
        return 1.0
    return float((SMALL_MM2 / max(area_mm2, 1.0)) ** SMALLNESS_POWER)


# Contrasts between two cameras, or two apps of one: gamma 0.88–1.12, saturation 0.9–1.12 on either side.
_RENDERING_SD = {"card": 0.03, "none": 0.12}


def session_error(
    metric: str,
    *,
    value: float = 1.0,
    area_mm2: float = float("inf"),
    compensated: bool = False,
    calibration: Calibration | None = None,
) -> float:
    """Standard error that one session adds to a value; NaN for a metric that has not been calibrated.

    Parameters
    ----------
    metric : str
    value : float
        For metrics whose error grows with it.
    area_mm2 : float
        Of the skin that it is read from, mm².
    compensated : bool
        Whether the difference of light was taken out.
    calibration : Calibration or None
        A clinic's own; None: the one that comes with the program.
    """
    row = _row(metric, compensated=compensated, calibration=calibration)
    if row is None:
        return float("nan")
    return row.session * row.size(value) * smallness(metric, area_mm2)


def color_error(metric: Metric, correction: ColorCorrection, *, value: float = 0.0) -> float:
    """Standard error that a photo's colour correction leaves in a metric, in the metric's unit.

    Parameters
    ----------
    metric : Metric
    correction : ColorCorrection
    value : float
        The metric's own, for metrics whose colour gradient depends on it.

    Returns
    -------
    float
        0 for metrics that do not look at colour.
    """
    if metric.color_gradient is None:
        return 0.0
    if metric.relative:
        # What the whole face shares is gone; ln R counts as EI does.
        return correction.relative_redness_se * metric.gradient_at(value)[0]
    return correction.standard_error(metric.gradient_at(value))


def rendering_error(metric: Metric, *, value: float, one_camera: bool, rung: Rung) -> float:
    """Standard error that an unknown difference of tone curve and saturation leaves in a difference.

    Parameters
    ----------
    metric : Metric
    value : float
        The metric's own: contrasts are scaled, so the error grows with them.
    one_camera : bool
        All files name the same camera.
    rung : Rung
        A card tells the tone curve.

    Returns
    -------
    float
        0 for metrics of colour, relative to the rest of the face or not: there it is part of the colour correction's
        error. The neck is further off than that speaks of.
    """
    if one_camera or metric.needs_color or metric.reference == "rest":
        return 0.0
    share = _RENDERING_SD["card" if rung == "card" else "none"]
    # What counts or adds up what stands out gains places as well as contrast.
    return share * abs(value) * (2.0 if metric.statistic == "total" else 1.0)


def change_error(
    metric: str,
    *,
    value: float,
    light: float,
    light_color: float,
    exposure: float,
    expression: float,
    blur: float,
    misfit: float,
    area_mm2: float = float("inf"),
    compensated: bool = False,
    calibration: Calibration | None = None,
) -> float:
    """Standard error that the sessions add to a difference, colour aside; NaN for a metric not yet calibrated.

    Parameters
    ----------
    metric : str
    value : float
        Size of the values compared, for metrics whose error grows with them.
    light, light_color, exposure, expression, blur, misfit : float
        How much the sessions differ; see :class:`skinprogress.comparison.conditions.PairConditions`. NaN counts as a
        difference that is just tolerable.
    area_mm2 : float
        Of the skin that they are read from, mm².
    compensated : bool
        Whether the difference of light was taken out; what that leaves comes on top.
    calibration : Calibration or None
        A clinic's own; None: the one that comes with the program.
    """
    row = _row(metric, compensated=compensated, calibration=calibration)
    if row is None:
        return float("nan")
    widening = np.linalg.norm(
        [
            row.per_light * np.nan_to_num(light, nan=0.5),
            row.per_light_color * np.nan_to_num(light_color, nan=0.2),
            row.per_exposure * np.nan_to_num(exposure, nan=0.3),
            row.per_expression * np.nan_to_num(expression, nan=0.5),
            row.per_blur * np.nan_to_num(blur, nan=0.3),
            row.per_misfit * np.nan_to_num(misfit, nan=1.0),
        ]
    )
    return float(np.hypot(np.sqrt(2.0) * row.session, widening) * row.size(value) * smallness(metric, area_mm2))
