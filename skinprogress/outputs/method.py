"""How the figures of a report came about: what one session adds to each, and which settings were used."""

from dataclasses import asdict
from typing import Any

from skinprogress.comparison.calibration_table import REPEATABILITY
from skinprogress.metrics.metric import Metric
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.groups import by_group
from skinprogress.outputs.style import number_text
from skinprogress.settings import Calibration, Settings


def describe_calibration(calibration: Calibration | None) -> str:
    """Whose figures of how well photos of unchanged skin agree the intervals rest on, in one sentence."""
    if calibration is None:
        return (
            "How far photos of unchanged skin differ is taken from the program's own table: few people and few rooms. "
            "A clinic's own retakes are better: skinprogress calibrate RETAKE_FOLDER makes a table from them."
        )
    made_from = f" ({calibration.made_from})" if calibration.made_from else ""
    text = f"How far photos of unchanged skin differ was measured by {calibration.name}{made_from}."
    if missing := [name for name in REPEATABILITY if name not in calibration.raw]:
        text += f" The program's own table stands in for {len(missing)} measures that it has no figure for."
    return text


def list_repeatability(calibration: Calibration | None) -> dict[str, list[tuple[Metric, str]]]:
    """Every metric by group with what one session adds to it, from the table that the run used."""
    return {title: [(m, _repeatability(m, calibration)) for m in found] for title, found in by_group(METRICS).items()}


def _repeatability(metric: Metric, calibration: Calibration | None) -> str:
    own = calibration.raw.get(metric.name) if calibration is not None else None
    row = own or REPEATABILITY.get(metric.name)
    if row is None:
        return "not calibrated"
    if row.scale == "root":
        return f"{number_text(row.session, 1)} × √value {metric.unit}"
    if row.scale == "value":
        return f"{100 * row.session:.0f} % of the value"
    return f"{number_text(row.session, metric.decimals)} {metric.unit}"


def list_settings(settings: Settings) -> dict[str, Any]:
    """The settings of a run by name; of a calibration its name only."""
    values = asdict(settings)
    values["calibration"] = settings.calibration.name if settings.calibration is not None else "the program's own"
    return values
