"""How far two sessions differ when nothing changed: the session part of every interval.

The table is made by

    python -m skinprogress.validation.repeatability PHOTO_FOLDER

from photos in which nothing changed. The figures below come from 39 pairs: 14 people of the Face Research Lab London
Set (DeBruine and Jones, CC-BY 4.0, doi 10.6084/m9.figshare.5047666; neutral against smiling in one studio), 16
path-traced retakes of one scanned head under other lights (scan: Lee Perry-Smith, CC-BY 3.0), and 9 pairs of selfies
of two people from 15 to 60 cm; what blur does comes from blurred copies of 21 of these photos. Few people and few
rooms: a clinic's own retakes are better.
"""

from dataclasses import dataclass

import numpy as np

from skinprogress.metrics.table import Metric
from skinprogress.records import ColorCorrection


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatability:
    """Session error of one metric, in its own unit, or in shares of the value where ``proportional``.

    Attributes
    ----------
    session : float
        Standard error of one session; what the colour correction leaves comes on top, see :func:`color_error`.
    per_light, per_light_color, per_exposure, per_expression, per_blur : float
        Standard error of a difference per unit of the difference in light, in its colour over the face, in log
        exposure, in expression, and in log sharpness.
    """

    session: float
    per_light: float = 0.0
    per_light_color: float = 0.0
    per_exposure: float = 0.0
    per_expression: float = 0.0
    per_blur: float = 0.0
    proportional: bool = False


REPEATABILITY: dict[str, Repeatability] = {
    "redness": Repeatability(session=0.25, per_light_color=3.2, per_exposure=4.6),
    "redness_index": Repeatability(session=0.25, per_light=4.0, per_light_color=7.4, per_exposure=3.5),
    "relative_redness": Repeatability(session=0.35, per_light=3.6, per_light_color=9.0, per_exposure=1.3),
    "haemoglobin_index": Repeatability(
        session=0.029, per_light=0.22, per_light_color=0.44, per_exposure=0.39, per_expression=0.035
    ),
    "melanin_index": Repeatability(session=0.025, per_light=1.5, per_exposure=0.006),
    "tone_uniformity": Repeatability(
        session=0.089, per_light=1.24, per_light_color=0.78, per_expression=0.28, proportional=True
    ),
    "texture_uniformity": Repeatability(
        session=0.079, per_light=0.56, per_expression=0.17, per_blur=2.2, proportional=True
    ),
    "log_redness_index": Repeatability(session=0.010, per_light=0.16, per_light_color=0.30, per_exposure=0.14),
}


def session_error(metric: str, *, value: float = 1.0) -> float:
    """Standard error that one session adds to a value; NaN for a metric that has not been calibrated."""
    row = REPEATABILITY.get(metric)
    if row is None:
        return float("nan")
    return row.session * abs(value) if row.proportional else row.session


def color_error(metric: Metric, correction: ColorCorrection) -> float:
    """Standard error that a photo's colour correction leaves in a metric, in the metric's unit.

    Parameters
    ----------
    metric : Metric
    correction : ColorCorrection

    Returns
    -------
    float
        0 for metrics that do not look at colour.
    """
    if metric.color_gradient is None:
        return 0.0
    if metric.relative:
        # What the whole face shares is gone; ln R counts as EI does.
        return correction.relative_redness_se * metric.color_gradient[0]
    return correction.standard_error(metric.color_gradient)


def change_error(
    metric: str,
    *,
    value: float,
    light: float,
    light_color: float,
    exposure: float,
    expression: float,
    blur: float,
) -> float:
    """Standard error that the sessions add to a difference, colour aside; NaN for a metric not yet calibrated.

    Parameters
    ----------
    metric : str
    value : float
        Size of the values compared, for metrics whose error grows with them.
    light, light_color, exposure, expression, blur : float
        How much the sessions differ; see :class:`skinprogress.comparison.conditions.PairConditions`. NaN counts as a
        difference that is just tolerable.
    """
    row = REPEATABILITY.get(metric)
    if row is None:
        return float("nan")
    widening = np.linalg.norm(
        [
            row.per_light * np.nan_to_num(light, nan=0.5),
            row.per_light_color * np.nan_to_num(light_color, nan=0.2),
            row.per_exposure * np.nan_to_num(exposure, nan=0.3),
            row.per_expression * np.nan_to_num(expression, nan=0.5),
            row.per_blur * np.nan_to_num(blur, nan=0.3),
        ]
    )
    scale = abs(value) if row.proportional else 1.0
    return float(np.hypot(np.sqrt(2.0) * session_error(metric, value=value), widening * scale))
