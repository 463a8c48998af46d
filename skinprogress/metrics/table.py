"""The table of metrics. To add one: a function of :class:`MetricInput` and a row here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.metrics import pigmentation, redness, texture, tone
from skinprogress.metrics.inputs import FloatMap, MetricInput
from skinprogress.records import A_STAR_GRADIENT

Gradient = tuple[float, float, float]

_EI: Gradient = (1.0, -1.0, 0.0)
_EI_IN_A_STAR: Gradient = (1.0 / EI_PER_A_STAR, -1.0 / EI_PER_A_STAR, 0.0)


def _pigment(row: int) -> Gradient:
    red, green, blue = (-float(x) for x in pigmentation.unmixing_matrix()[row])
    return red, green, blue


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
        From a prepared face to a map, (S, S) float32.
    statistic : {'trimmed_mean', 'spread'}
        What is taken of the map over a region: the mean without the lowest and highest fifth, or half the distance
        between the 16th and 84th percentile (a standard deviation for a normal distribution).
    local : bool
        Each px of the map depends on that px alone.
    relative : bool
        The statistic of the region minus that of the reference region.
    color_gradient : (float, float, float) or None
        What the map moves by per unit of ln R, ln G and ln B of the whole photo; None where exposure and the colour of
        the light do not matter.
    needs_light : bool
        Changes with the direction of the light.
    needs_sharpness : bool
        Changes with the sharpness of the photo.
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
    """

    name: str
    title: str
    version: int
    unit: str
    better: Literal["lower", "higher"] | None
    statistic: Literal["trimmed_mean", "spread"]
    compute: Callable[[MetricInput], FloatMap]
    equivalence: float
    decimals: int
    meaning: str
    formula: str
    value_range: str
    caveat: str
    source: str
    local: bool = True
    relative: bool = False
    color_gradient: Gradient | None = None
    needs_light: bool = False
    needs_sharpness: bool = False
    cross_check: CrossCheck | None = None
    compensable: bool = False
    charted: bool = True

    @property
    def needs_color(self) -> bool:
        """Whether the colour of the light changes it: it needs a colour reference to be compared."""
        return self.color_gradient is not None and not self.relative


_ROWS = (
    Metric(
        name="redness",
        title="Redness",
        version=2,
        unit="a*",
        better="lower",
        statistic="trimmed_mean",
        compute=redness.redness,
        equivalence=1.0,
        decimals=1,
        meaning="How red the skin is, on the scale that colour meters use. About 2.5 is a difference that people see.",
        formula="20 % trimmed mean of CIELAB a*",
        value_range="5 to 35 on skin",
        caveat="Moves with exposure and white balance; shows less of the same blood on dark skin.",
        source="CIE 15:2004; visible threshold: COLIPA",
        color_gradient=A_STAR_GRADIENT,
        compensable=True,
    ),
    Metric(
        name="redness_index",
        title="Redness index",
        version=2,
        unit="a*-eq",
        better="lower",
        statistic="trimmed_mean",
        compute=redness.redness_index,
        equivalence=1.0,
        decimals=1,
        meaning="Redness as the ratio of red to green light: free of shading, and the same for all skin tones.",
        formula="20 % trimmed mean of (ln R − ln G) / 0.0405 in linear light",
        value_range="5 to 35 on skin",
        caveat="Moves with the colour of the light; melanin raises it too.",
        source="Diffey, Oliver, Farr 1984",
        # One unit of haemoglobin is 0.69 − 0.23 = 0.46 of ln R − ln G.
        cross_check=CrossCheck("haemoglobin_index", 0.46 / EI_PER_A_STAR),
        color_gradient=_EI_IN_A_STAR,
        compensable=True,
    ),
    Metric(
        name="relative_redness",
        title="Relative redness",
        version=2,
        unit="a*-eq",
        better=None,
        statistic="trimmed_mean",
        compute=redness.redness_index,
        equivalence=1.0,
        decimals=1,
        meaning="How much redder a region is than the reference region of the same photo (by default the rest of the "
        "face).",
        formula="redness index of the region minus that of the reference region",
        value_range="−10 to 15",
        caveat="Says where the redness is, not how much there is in all: if the rest of the face gets better, "
        "an unchanged region looks worse. Light of two colours shifts it.",
        source="Diffey, Oliver, Farr 1984",
        color_gradient=_EI_IN_A_STAR,
        compensable=True,
        relative=True,
        needs_light=True,
    ),
    Metric(
        name="haemoglobin_index",
        title="Haemoglobin index",
        version=2,
        unit="OD",
        better="lower",
        statistic="trimmed_mean",
        compute=pigmentation.haemoglobin_index,
        equivalence=0.09,
        decimals=2,
        meaning="Amount of blood colour, separated from melanin and shading: a cross-check of the redness index.",
        formula="20 % trimmed mean of (−2.1, 3.5, −1.4) · (−ln R, −ln G, −ln B); 1 % of blood adds about 0.26",
        value_range="only differences mean something",
        caveat="Noisier than the redness index; shine and the blue channel disturb it.",
        source="Tsumura, Haneishi, Miyake 1999; fixed axes",
        color_gradient=_pigment(0),
        compensable=True,
    ),
    Metric(
        name="melanin_index",
        title="Melanin index",
        version=2,
        unit="OD",
        better=None,
        statistic="trimmed_mean",
        compute=pigmentation.melanin_index,
        equivalence=0.09,
        decimals=2,
        meaning="Amount of brown pigment, separated from blood and shading.",
        formula="20 % trimmed mean of the melanin amount of the same separation",
        value_range="only differences mean something",
        caveat="Rests on the blue channel: yellow light looks like melanin.",
        source="Tsumura, Haneishi, Miyake 1999; fixed axes",
        color_gradient=_pigment(1),
        compensable=True,
    ),
    Metric(
        name="tone_uniformity",
        title="Tone unevenness",
        version=1,
        unit="%",
        better="lower",
        statistic="spread",
        compute=tone.tone_uniformity,
        equivalence=0.5,
        decimals=2,
        meaning="How unevenly light and dark the skin is over 4 to 16 mm. Lower is more even.",
        formula="spread of ln luminance between 4 and 16 mm, × 100",
        value_range="0.5 to 8",
        caveat="The shape of the face under another light shows in it too.",
        source="Matts et al. 2007 (why it matters)",
        local=False,
        needs_light=True,
        compensable=True,
    ),
    Metric(
        name="texture_uniformity",
        title="Texture unevenness",
        version=1,
        unit="%",
        better="lower",
        statistic="spread",
        compute=texture.texture_uniformity,
        equivalence=0.3,
        decimals=2,
        meaning="Contrast of pores and fine lines, 1 to 4 mm. Lower is smoother.",
        formula="spread of ln luminance between 1 and 4 mm, × 100",
        value_range="0.5 to 6",
        caveat="Blur hides texture, noise and grazing light add to it.",
        source="band chosen by trial: least disturbed by blur and noise that phones produce",
        local=False,
        needs_light=True,
        needs_sharpness=True,
    ),
    Metric(
        name="log_redness_index",
        title="Redness index (log)",
        version=2,
        unit="ln",
        better="lower",
        statistic="trimmed_mean",
        compute=redness.log_redness_index,
        equivalence=0.0405,
        decimals=3,
        meaning="The redness index before it is divided into a*-equivalents.",
        formula="20 % trimmed mean of ln R − ln G in linear light",
        value_range="0.2 to 1.4 on skin",
        caveat="As the redness index.",
        source="Diffey, Oliver, Farr 1984",
        color_gradient=_EI,
        compensable=True,
        charted=False,
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ROWS}
