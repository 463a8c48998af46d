"""How far two sessions differ when nothing changed: the session part of every interval.

The table is made by

    python -m skinprogress.validation.repeatability PHOTO_FOLDER

from photos in which nothing changed. The figures below come from 39 pairs (42 once the light is taken out, 23 for
texture): 14 people of the Face Research Lab London Set (DeBruine and Jones, CC-BY 4.0, doi
10.6084/m9.figshare.5047666; neutral against smiling in one studio), 16 path-traced retakes of one scanned head under
other lights (scan: Lee Perry-Smith, CC-BY 3.0), and 9 pairs of selfies of two people from 15 to 60 cm; what blur does
comes from blurred copies of 21 of these photos. Few people and few rooms: a clinic's own retakes are better.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from skinprogress.metrics.metric import Metric
from skinprogress.records import ColorCorrection


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatability:
    """Session error of one metric, in its own unit, or in shares of what ``scale`` says.

    Attributes
    ----------
    session : float
        Standard error of one session; what the colour correction leaves comes on top, see :func:`color_error`.
    per_light, per_light_color, per_exposure, per_expression, per_blur, per_misfit : float
        Standard error of a difference per unit of the difference in light, in its colour over the face, in log
        exposure, in expression, and in log sharpness, and per percent of the IOD that the two faces miss each other.
    scale : {'unit', 'value', 'root'}
        What the errors grow with: nothing, the value, or its square root, as counts do; a count of one at least.
    """

    session: float
    per_light: float = 0.0
    per_light_color: float = 0.0
    per_exposure: float = 0.0
    per_expression: float = 0.0
    per_blur: float = 0.0
    per_misfit: float = 0.0
    scale: Literal["unit", "value", "root"] = "unit"

    def size(self, value: float) -> float:
        """What the errors of a value of this size are multiplied by."""
        if self.scale == "root":
            return float(np.sqrt(max(abs(value), 1.0)))
        return abs(value) if self.scale == "value" else 1.0


REPEATABILITY: dict[str, Repeatability] = {
    "redness": Repeatability(session=0.25, per_light_color=3.2, per_exposure=4.6),
    "redness_index": Repeatability(session=0.25, per_light=4.0, per_light_color=6.6, per_exposure=3.0, per_misfit=0.76),
    "relative_redness": Repeatability(
        session=0.34, per_light=3.6, per_light_color=7.2, per_exposure=0.94, per_misfit=0.53
    ),
    "haemoglobin_index": Repeatability(
        session=0.029, per_light=0.22, per_light_color=0.44, per_exposure=0.39, per_expression=0.034, per_misfit=0.010
    ),
    "melanin_index": Repeatability(session=0.025, per_exposure=0.92, per_misfit=0.24),
    "tone_uniformity": Repeatability(
        session=0.089, per_light=1.25, per_light_color=0.76, per_expression=0.28, per_misfit=0.07, scale="value"
    ),
    "texture_uniformity": Repeatability(
        session=0.069, per_light=1.22, per_expression=0.17, per_blur=2.2, scale="value"
    ),
    "log_redness_index": Repeatability(
        session=0.010, per_light=0.16, per_light_color=0.27, per_exposure=0.12, per_misfit=0.031
    ),
}

COMPENSATED: dict[str, Repeatability] = {
    "redness": Repeatability(session=0.27, per_light_color=0.06, per_exposure=4.6),
    "redness_index": Repeatability(session=0.23, per_light_color=0.05, per_exposure=3.0, per_misfit=0.76),
    "relative_redness": Repeatability(session=0.17, per_light_color=0.69, per_misfit=0.66),
    "haemoglobin_index": Repeatability(
        session=0.021, per_light_color=0.17, per_exposure=0.39, per_expression=0.022, per_misfit=0.010
    ),
    "melanin_index": Repeatability(session=0.019, per_light_color=0.009, per_exposure=0.92, per_misfit=0.24),
    "tone_uniformity": Repeatability(
        session=0.092, per_light=0.77, per_light_color=0.87, per_expression=0.18, per_misfit=0.10, scale="value"
    ),
    "log_redness_index": Repeatability(session=0.0094, per_light_color=0.003, per_exposure=0.12, per_misfit=0.031),
}
"""The same once the difference of light was taken out, beside what the fit of the light says of its own error.

What the whole face shares is not touched by that: where the metric is absolute, exposure and faces that do not match
count as they do as photographed.
"""


def _row(metric: str, *, compensated: bool) -> Repeatability | None:
    return COMPENSATED.get(metric, REPEATABILITY.get(metric)) if compensated else REPEATABILITY.get(metric)


def session_error(metric: str, *, value: float = 1.0, compensated: bool = False) -> float:
    """Standard error that one session adds to a value; NaN for a metric that has not been calibrated."""
    row = _row(metric, compensated=compensated)
    if row is None:
        return float("nan")
    return row.session * row.size(value)


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
    compensated: bool = False,
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
    compensated : bool
        Whether the difference of light was taken out; what that leaves comes on top.
    """
    row = _row(metric, compensated=compensated)
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
    return float(np.hypot(np.sqrt(2.0) * row.session, widening) * row.size(value))
