"""Small red and brown spots as metrics: how many, how large, and how much they stand out."""

import numpy as np
import numpy.typing as npt

from skinprogress.metrics.inputs import FloatMap, MetricInput
from skinprogress.metrics.spot_finding import Spots, find_spots
from skinprogress.records import SpotKind


def _shown(found: Spots, by_label: npt.NDArray[np.float64]) -> FloatMap:
    """One figure on the px of each spot, another on other skin."""
    plane = np.where(found.measured, np.float32(by_label[0]), np.float32(np.nan))
    # Few px belong to spots.
    on_spot = (found.labels > 0) & found.measured
    plane[on_spot] = by_label[found.labels[on_spot]]
    return plane


def _count(data: MetricInput, kind: SpotKind) -> FloatMap:
    found = find_spots(data, kind)
    on_spot = found.labels > 0
    # What a region's total adds up, so that a spot is 1 whatever becomes of the outline on the px grid.
    area = np.bincount(found.labels[on_spot], weights=np.square(data.mm_per_px[on_spot], dtype=np.float64), minlength=2)
    return _shown(found, np.concatenate([[0.0], 1.0 / np.maximum(area[1:], 1e-9)]))


def _area(data: MetricInput, kind: SpotKind) -> FloatMap:
    found = find_spots(data, kind)
    return _shown(found, np.concatenate([[0.0], np.ones(max(1, len(found.spots)))]))


def _contrast(data: MetricInput, kind: SpotKind) -> FloatMap:
    found = find_spots(data, kind)
    return _shown(found, np.array([np.nan, *(spot.contrast for spot in found.spots)]))


def red_spots(data: MetricInput) -> FloatMap:
    """Red spots of 0.5 to 4 mm, number per mm²; the total over a region is how many there are.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        1 / area on the px of a spot, 0 on other skin; NaN off the skin and where not even 2 mm is resolved.

    Notes
    -----
    A spot stands out from the ring around it by 2.5 a*-equivalents and by four times the scatter of skin of that
    coarseness. Faint spots come and go with sharpness and light: for what becomes of each spot use
    :func:`~skinprogress.comparison.spots.follow_spots`. Counts of photos with another resolution do not compare.

    References
    ----------
    Lindeberg 1998, Int J Comput Vis 30. Visible threshold of about 2.5: COLIPA guideline on erythema.
    """
    return _count(data, "red")


def red_spots_area(data: MetricInput) -> FloatMap:
    """Red spots of 0.5 to 4 mm, share of the skin; the total over a region is their area in mm².

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        1 on the px of a spot, 0 on other skin; NaN off the skin and where not even 2 mm is resolved.

    Notes
    -----
    As :func:`red_spots`. A spot ends where half of its contrast is left, which blur hardly moves while it is smaller
    than the spot.
    """
    return _area(data, "red")


def red_spots_contrast(data: MetricInput) -> FloatMap:
    """How much redder red spots are than the skin around them, a*-equivalents, 1 to 40.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        On the px of each spot its mean erythema index minus that of the ring around it; NaN elsewhere.

    Notes
    -----
    As :func:`red_spots`. Blur and JPEG take contrast from spots of 1 mm.
    """
    return _contrast(data, "red")


def brown_spots(data: MetricInput) -> FloatMap:
    """Brown spots of 0.5 to 4 mm, number per mm²; the total over a region is how many there are.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        1 / area on the px of a spot, 0 on other skin; NaN off the skin and where not even 2 mm is resolved.

    Notes
    -----
    As :func:`red_spots`, with the melanin index. Where a phone has wiped the colour out of small things, dark dots with
    a trace of brown count too: stubble that the skin mask has not left out, and deep pores.
    """
    return _count(data, "brown")


def brown_spots_area(data: MetricInput) -> FloatMap:
    """Brown spots of 0.5 to 4 mm, share of the skin; the total over a region is their area in mm².

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        1 on the px of a spot, 0 on other skin; NaN off the skin and where not even 2 mm is resolved.

    Notes
    -----
    As :func:`brown_spots` and :func:`red_spots_area`.
    """
    return _area(data, "brown")


def brown_spots_contrast(data: MetricInput) -> FloatMap:
    """How much more melanin brown spots show than the skin around them, optical density, 0 to 2.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    (S, S) float32
        On the px of each spot its mean melanin index minus that of the ring around it; NaN elsewhere.

    Notes
    -----
    As :func:`brown_spots`. Rests on the blue channel, where phones blur most: compare photos of one camera.
    """
    return _contrast(data, "brown")
