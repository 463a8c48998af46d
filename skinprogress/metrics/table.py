"""The table of metrics. To add one: a function of :class:`MetricInput` and a row."""

from skinprogress.metrics.metric import CrossCheck, Metric
from skinprogress.metrics.rows_color import REDNESS, TONE
from skinprogress.metrics.rows_texture import TEXTURE

__all__ = ["METRICS", "CrossCheck", "Metric"]

METRICS: dict[str, Metric] = {metric.name: metric for metric in (*REDNESS, *TONE, *TEXTURE)}
"""By name, in the order in which they are shown."""
