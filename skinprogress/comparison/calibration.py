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

from skinprogress.records import Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatability:
    """Session error of one metric, in its own unit, or in shares of the value where ``proportional``.

    Attributes
    ----------
    matched : float
        Standard error of one session with the colour matched.
    unmatched : float
        The same with the camera's own white balance.
    per_light, per_light_color, per_exposure, per_expression, per_blur : float
        Standard error of a difference per unit of the difference in light, in its colour over the face, in log
        exposure, in expression, and in log sharpness.
    """

    matched: float
    unmatched: float
    per_light: float = 0.0
    per_light_color: float = 0.0
    per_exposure: float = 0.0
    per_expression: float = 0.0
    per_blur: float = 0.0
    proportional: bool = False


REPEATABILITY: dict[str, Repeatability] = {
    "redness": Repeatability(matched=0.45, unmatched=4.3, per_light_color=2.7, per_exposure=8.5),
    "redness_index": Repeatability(matched=0.53, unmatched=4.9, per_light=3.1, per_light_color=16.2, per_exposure=8.0),
    "relative_redness": Repeatability(
        matched=0.39, unmatched=0.53, per_light=3.6, per_light_color=9.1, per_exposure=1.0
    ),
    "haemoglobin_index": Repeatability(
        matched=0.035, unmatched=0.30, per_light=0.14, per_light_color=0.92, per_exposure=0.48
    ),
    "melanin_index": Repeatability(
        matched=0.037, unmatched=0.26, per_light=1.9, per_exposure=0.57, per_expression=0.07
    ),
    "tone_uniformity": Repeatability(
        matched=0.088, unmatched=0.088, per_light=1.24, per_light_color=0.79, per_expression=0.28, proportional=True
    ),
    "texture_uniformity": Repeatability(
        matched=0.066, unmatched=0.090, per_light=0.50, per_expression=0.16, per_blur=2.0, proportional=True
    ),
    "log_redness_index": Repeatability(
        matched=0.022, unmatched=0.20, per_light=0.13, per_light_color=0.66, per_exposure=0.33
    ),
}


def session_error(metric: str, rung: Rung, *, value: float = 1.0) -> float:
    """Standard error that one session adds to a value; NaN for a metric that has not been calibrated."""
    row = REPEATABILITY.get(metric)
    if row is None:
        return float("nan")
    size = row.unmatched if rung == "none" else row.matched
    return size * abs(value) if row.proportional else size


def change_error(
    metric: str,
    rung: Rung,
    *,
    value: float,
    light: float,
    light_color: float,
    exposure: float,
    expression: float,
    blur: float,
) -> float:
    """Standard error that the sessions add to a difference; NaN for a metric that has not been calibrated.

    Parameters
    ----------
    metric : str
    rung : Rung
        Best colour reference that both sessions have.
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
    return float(np.hypot(np.sqrt(2.0) * session_error(metric, rung, value=value), widening * scale))
