"""The groups in which measures are shown, and which of them tell the same story."""

from collections.abc import Iterable

from skinprogress.metrics.rows_color import REDNESS, TONE
from skinprogress.metrics.rows_texture import TEXTURE
from skinprogress.metrics.table import METRICS, Metric

GROUPS: dict[str, frozenset[str]] = {
    "Redness": frozenset(m.name for m in REDNESS),
    "Tone and pigment": frozenset(m.name for m in TONE),
    "Texture and lines": frozenset(m.name for m in TEXTURE),
}
"""Title to the names of its metrics, in the order in which they are shown."""
OTHERS = "Other measures"


def group_of(metric: str) -> str:
    """Title of the group that a metric is shown in."""
    return next((title for title, names in GROUPS.items() if metric in names), OTHERS)


def by_group(metrics: Iterable[str]) -> dict[str, list[Metric]]:
    """Metrics by title of their group, both in the order of their tables; groups without any are left out.

    Parameters
    ----------
    metrics : iterable of str

    Returns
    -------
    dict of str to list of Metric
    """
    wanted = frozenset(metrics)
    found = {title: [m for m in METRICS.values() if m.name in wanted and group_of(m.name) == title] for title in _ORDER}
    return {title: rows for title, rows in found.items() if rows}


_ORDER = (*GROUPS, OTHERS)


def story_of(metric: str) -> str:
    """What a metric is about: metrics of one story say the same in other units, and one of them is enough for a lead.

    All means of a group are one story (how red the skin is), everything else is a story of its own (how evenly, how
    many spots).

    Examples
    --------
    >>> story_of("redness") == story_of("haemoglobin_index"), story_of("redness") == story_of("red_spots")
    (True, False)
    """
    return group_of(metric) if METRICS[metric].statistic == "trimmed_mean" else metric


def in_text(metric: Metric) -> str:
    """Title of a metric within a sentence.

    Examples
    --------
    >>> in_text(METRICS["red_spots"]), in_text(METRICS["glcm_contrast"])
    ('red spots', 'GLCM contrast')
    """
    title = metric.title
    return title if title[:2].isupper() else f"{title[:1].lower()}{title[1:]}"


def sized(number: str, metric: Metric) -> str:
    """A number with the unit of a metric, where it has one that its title does not say."""
    return number if metric.title.lower().endswith(metric.unit) else f"{number} {metric.unit}"
