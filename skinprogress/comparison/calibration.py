"""How far two sessions differ when nothing changed: the session part of every interval.

The table is made by

    python -m skinprogress.validation.repeatability PHOTO_FOLDER

from photos in which nothing changed. The figures below come from 39 pairs (42 once the light is taken out, 19 to 26 for
texture; none shows pores finely enough, and none has blood on the skin): 14 people of the Face Research Lab London
Set (DeBruine and Jones, CC-BY 4.0, doi
10.6084/m9.figshare.5047666; neutral against smiling in one studio), 16 path-traced retakes of one scanned head under
other lights (scan: Lee Perry-Smith, CC-BY 3.0), and 9 pairs of selfies of two people from 15 to 60 cm; what blur does
comes from blurred copies of 21 of these photos. Few people and few rooms: a clinic's own retakes are better.
"""

import numpy as np

from skinprogress.metrics.metric import Metric
from skinprogress.records import ColorCorrection
from skinprogress.settings import Calibration, Repeatability

REPEATABILITY: dict[str, Repeatability] = {
    "redness": Repeatability(session=0.25, per_light=0.011, per_light_color=3.2, per_exposure=4.9),
    "redness_index": Repeatability(session=0.24, per_light=4.1, per_light_color=6.9, per_exposure=3, per_misfit=0.79),
    "relative_redness": Repeatability(
        session=0.34, per_light=3.6, per_light_color=7.2, per_exposure=0.94, per_misfit=0.53
    ),
    "redness_over_neck": Repeatability(session=0.43, per_light=4, per_light_color=18),
    "haemoglobin_index": Repeatability(
        session=0.029, per_light=0.23, per_light_color=0.49, per_exposure=0.38, per_expression=0.017, per_misfit=0.03
    ),
    "redness_uniformity": Repeatability(
        session=0.13,
        per_light=0.43,
        per_light_color=0.54,
        per_exposure=0.48,
        per_expression=0.16,
        per_misfit=0.14,
        scale="value",
    ),
    "red_area": Repeatability(session=11, per_light=6.6, per_light_color=23, per_exposure=76, per_misfit=38),
    "red_area_mm2": Repeatability(
        session=13, per_light=54, per_light_color=33, per_exposure=120, per_misfit=36, scale="root"
    ),
    "red_spots": Repeatability(session=0.55, per_light=4.3, per_blur=26, per_misfit=0.28, scale="root"),
    "red_spots_area": Repeatability(session=1.4, per_light=3.9, per_misfit=0.65, scale="root"),
    "red_spots_contrast": Repeatability(session=0.46, per_light=1.3, per_blur=2.7, per_misfit=0.66),
    "red_tracks": Repeatability(
        session=0.0039,
        per_light=0.048,
        per_light_color=0.00053,
        per_exposure=0.00053,
        per_expression=0.008,
        per_blur=0.085,
        per_misfit=0.00053,
    ),
    "red_tracks_length": Repeatability(session=1.4, per_light=16, per_expression=2.9, per_blur=52, scale="root"),
    "log_redness_index": Repeatability(
        session=0.0098, per_light=0.17, per_light_color=0.28, per_exposure=0.12, per_misfit=0.032
    ),
    "lightness": Repeatability(session=0.65, per_light=23, per_light_color=9.6, per_exposure=7.1, per_expression=0.64),
    "ita": Repeatability(session=3.3, per_light=87, per_light_color=87, per_expression=8),
    "melanin_index": Repeatability(session=0.034, per_light=0.09, per_exposure=1.2, per_misfit=0.37),
    "tone_uniformity": Repeatability(
        session=0.055, per_light=1, per_light_color=0.57, per_expression=0.24, per_misfit=0.069, scale="value"
    ),
    "haemoglobin_uniformity": Repeatability(
        session=0.11, per_light=0.33, per_expression=0.36, per_misfit=0.063, scale="value"
    ),
    "melanin_uniformity": Repeatability(
        session=0.18, per_light=0.54, per_light_color=0.48, per_exposure=0.49, per_expression=0.25, scale="value"
    ),
    "brown_spots": Repeatability(session=1.3, per_light=3.4, per_expression=1.7, per_blur=9.7, scale="root"),
    "brown_spots_area": Repeatability(
        session=1.5, per_light=2.1, per_light_color=1.1, per_expression=1.6, per_blur=10, per_misfit=0.98, scale="root"
    ),
    "brown_spots_contrast": Repeatability(session=0.037, per_light=0.47, per_blur=1.8, per_misfit=0.06),
    "dark_patches": Repeatability(session=5.1, per_light=21, per_light_color=37, per_expression=18, scale="root"),
    "pale_patches": Repeatability(session=4, per_light=27, per_light_color=43, per_expression=9.1, scale="root"),
    "texture_uniformity": Repeatability(
        session=0.037,
        per_light=0.0015,
        per_light_color=0.78,
        per_exposure=0.84,
        per_expression=0.061,
        per_blur=0.35,
        per_misfit=0.11,
        scale="value",
    ),
    "fine_texture": Repeatability(
        session=0.038,
        per_light_color=0.61,
        per_exposure=0.89,
        per_expression=0.061,
        per_blur=0.16,
        per_misfit=0.067,
        scale="value",
    ),
    "coarse_texture": Repeatability(
        session=0.038,
        per_light=1.1,
        per_light_color=0.0028,
        per_exposure=0.82,
        per_expression=0.068,
        per_blur=0.12,
        per_misfit=0.11,
        scale="value",
    ),
    "relief_contrast": Repeatability(
        session=0.056, per_light_color=1.8, per_expression=0.13, per_blur=0.95, scale="value"
    ),
    "wrinkle_index": Repeatability(session=0.051, per_expression=0.22, per_blur=0.0052),
    "glcm_contrast": Repeatability(
        session=0.066,
        per_light=1.3,
        per_light_color=0.0044,
        per_exposure=1.3,
        per_expression=0.081,
        per_blur=0.23,
        per_misfit=0.25,
        scale="value",
    ),
    "glcm_homogeneity": Repeatability(
        session=0.028,
        per_light=0.29,
        per_light_color=0.42,
        per_exposure=0.55,
        per_expression=0.068,
        per_blur=0.25,
        per_misfit=0.096,
        scale="value",
    ),
}

COMPENSATED: dict[str, Repeatability] = {
    "redness": Repeatability(
        session=0.27, per_light=0.03, per_light_color=0.082, per_exposure=4.9, per_expression=0.011, per_misfit=0.012
    ),
    "redness_index": Repeatability(
        session=0.24, per_light=0.93, per_light_color=0.077, per_exposure=3.1, per_misfit=0.83
    ),
    "relative_redness": Repeatability(session=0.17, per_light_color=0.69, per_misfit=0.66),
    "haemoglobin_index": Repeatability(
        session=0.02, per_light=0.00074, per_light_color=0.19, per_exposure=0.38, per_expression=0.0012, per_misfit=0.03
    ),
    "redness_uniformity": Repeatability(
        session=0.096, per_light_color=0.21, per_expression=0.25, per_misfit=0.24, scale="value"
    ),
    "red_area": Repeatability(session=10, per_light_color=0.45, per_exposure=76, per_misfit=38),
    "red_area_mm2": Repeatability(session=7.3, per_light_color=0.47, per_exposure=120, per_misfit=36, scale="root"),
    "log_redness_index": Repeatability(
        session=0.0097, per_light=0.038, per_light_color=0.00089, per_exposure=0.13, per_misfit=0.034
    ),
    "lightness": Repeatability(session=0.54, per_light=13, per_light_color=5.1, per_exposure=9.5),
    "ita": Repeatability(
        session=1.6, per_light=45, per_light_color=26, per_exposure=0.11, per_expression=1.3, per_misfit=0.067
    ),
    "melanin_index": Repeatability(
        session=0.019, per_light=0.002, per_light_color=0.0078, per_exposure=1.2, per_expression=0.0014, per_misfit=0.37
    ),
    "tone_uniformity": Repeatability(
        session=0.052, per_light=0.5, per_light_color=0.51, per_expression=0.15, per_misfit=0.099, scale="value"
    ),
    "haemoglobin_uniformity": Repeatability(
        session=0.12, per_light=0.21, per_expression=0.34, per_misfit=0.052, scale="value"
    ),
    "melanin_uniformity": Repeatability(
        session=0.15, per_light=0.37, per_light_color=0.31, per_exposure=0.28, per_expression=0.22, scale="value"
    ),
    "dark_patches": Repeatability(session=4.6, per_light=14, per_light_color=12, per_expression=15, scale="root"),
    "pale_patches": Repeatability(
        session=4.1, per_light=19, per_light_color=28, per_expression=7.1, per_misfit=0.57, scale="root"
    ),
}
"""The same once the difference of light was taken out, beside what the fit of the light says of its own error.

What the whole face shares is not touched by that: where the metric is absolute, exposure and faces that do not match
count as they do as photographed.
"""


def _row(metric: str, *, compensated: bool, calibration: Calibration | None) -> Repeatability | None:
    if calibration is not None:
        # What a clinic's own photos say nothing of is as it is elsewhere.
        own = calibration.compensated.get(metric, calibration.raw.get(metric)) if compensated else None
        if found := own or calibration.raw.get(metric):
            return found
    return COMPENSATED.get(metric, REPEATABILITY.get(metric)) if compensated else REPEATABILITY.get(metric)


def smallness(area_mm2: float) -> float:
    """Factor on the session error of skin smaller than the regions that the table was made from, such as marks."""
    return 1.0


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
    return row.session * row.size(value) * smallness(area_mm2)


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
    return float(np.hypot(np.sqrt(2.0) * row.session, widening) * row.size(value) * smallness(area_mm2))
