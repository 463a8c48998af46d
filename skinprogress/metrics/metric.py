"""What a row of the table of metrics says."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from skinprogress.metrics.inputs import FloatMap, MetricInput
from skinprogress.records import FloatArray

Gradient = tuple[float, float, float]
"""What a figure moves by per unit of ln R, ln G and ln B of the whole photo."""

Statistic = Literal["trimmed_mean", "spread", "mean", "total"]


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """Another metric that should move along: its change times ``factor`` is this metric's."""

    metric: str
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One row of the catalogue.

    Attributes
    ----------
    compute : callable
        From a prepared face to a map, (S, S) float32; NaN where it cannot be measured.
    statistic : {'trimmed_mean', 'spread', 'mean', 'total'}
        What is taken of the map over a region: the mean without the lowest and highest fifth; half the distance
        between the 16th and 84th percentile (a standard deviation for a normal distribution); the mean; or the sum,
        where the map is a density per mm² of skin.
    frame : {'px', 'grid', 'full'}
        What the map is computed on: px by px, so that any sample of the px will do; on the grid that statistics are
        taken on, averaged down; or on the canonical frame itself.
    reference : {'', 'rest', 'neck'}
        What is subtracted: nothing, the figure of the reference region (the rest of the face unless the course file
        names one), or that of the neck in the same photo.
    color_gradient : (float, float, float), callable or None
        What the map moves by per unit of ln R, ln G and ln B of the whole photo, where that varies as a function of
        the value; None where exposure and the colour of the light do not matter.
    ramp : float or None
        Of maps that say whether a px counts: the width, in the unit of ``color_gradient``, over which it begins to.
    power_gain : callable or None
        How much of the power of ln luminance at so many cycles per mm comes through to the map, in squares of its
        unit: what noise adds is taken out of comparisons by it.
    finest_mm : float or None
        Shortest wavelength that is looked at, mm: not compared where one of the photos does not show it.
    needs_light : bool
        Not compared where the light throws the relief of the skin into other shadows.
    needs_sharpness : bool
        Changes with the sharpness of the photo: compared after the sharper photo was blurred.
    regions : tuple of str
        Where it is measured; empty: everywhere.
    on_blood : bool
        Blood counts, which is left out of all other metrics.
    sparse : bool
        Measured on what was found only; without a find there is no value.
    equivalence : float
        Margin within which two values count as equal, in the metric's unit.
    better : {'lower', 'higher', None}
        Direction of improvement; None where a change has no good direction.
    cross_check : CrossCheck or None
        Whose disagreement raises a flag.
    compensable : bool
        The difference of light between two photos can be taken out of it.
    charted : bool
        False for numbers that only stand in the tables.
    mapped : bool
        Its map is drawn on the face.
    most : float
        Of shares: what they cannot exceed, and neither can a change of them.
    """

    name: str
    title: str
    version: int
    unit: str
    better: Literal["lower", "higher"] | None
    statistic: Statistic
    compute: Callable[[MetricInput], FloatMap]
    equivalence: float
    decimals: int
    meaning: str
    formula: str
    value_range: str
    caveat: str
    source: str
    frame: Literal["px", "grid", "full"] = "px"
    reference: Literal["", "rest", "neck"] = ""
    color_gradient: Gradient | Callable[[float], Gradient] | None = None
    ramp: float | None = None
    power_gain: Callable[[FloatArray], FloatArray] | None = None
    finest_mm: float | None = None
    needs_light: bool = False
    needs_sharpness: bool = False
    regions: tuple[str, ...] = ()
    on_blood: bool = False
    sparse: bool = False
    cross_check: CrossCheck | None = None
    compensable: bool = False
    charted: bool = True
    mapped: bool = False
    most: float = math.inf

    @property
    def possible(self) -> tuple[float, float]:
        """Least and most that a value can be at all: counts, spreads and shares are not negative."""
        return (0.0 if self.statistic in ("spread", "total") or self.most < math.inf else -math.inf), self.most

    @property
    def local(self) -> bool:
        """Whether each px of the map depends on that px alone."""
        return self.frame == "px"

    @property
    def relative(self) -> bool:
        """Whether it is referred to other skin of the same photo."""
        return self.reference != ""

    @property
    def needs_color(self) -> bool:
        """Whether the colour of the light changes it: it needs a colour reference to be compared."""
        return self.color_gradient is not None and not self.relative

    def gradient_at(self, value: float) -> Gradient:
        """What the map moves by per unit of ln R, ln G and ln B around a value; zeros where colour does not matter."""
        if self.color_gradient is None:
            return (0.0, 0.0, 0.0)
        return self.color_gradient(value) if callable(self.color_gradient) else self.color_gradient


def interpolate_gradient(table: dict[float, Gradient]) -> Callable[[float], Gradient]:
    """A gradient that depends on the value, from a few values in rising order."""
    values, gradients = np.array(list(table)), np.array(list(table.values()))

    def at(value: float) -> Gradient:
        red, green, blue = (float(np.interp(value, values, gradients[:, k])) for k in range(3))
        return red, green, blue

    return at
