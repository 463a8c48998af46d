"""How the figures of a report came about: what one session adds to each, and which settings were used."""

from collections.abc import Iterable
from dataclasses import asdict

from skinprogress.comparison.calibration_table import REPEATABILITY
from skinprogress.metrics.metric import Metric
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.catalogue import text
from skinprogress.outputs.groups import by_group
from skinprogress.outputs.style import number_text
from skinprogress.outputs.wording import VIEW_TITLES
from skinprogress.records import ClientResult
from skinprogress.settings import Calibration


def describe_calibration(calibration: Calibration | None) -> str:
    """Whose figures of how well photos of unchanged skin agree the intervals rest on, in one sentence."""
    if calibration is None:
        return text("method.own_table")
    made_from = f" ({calibration.made_from})" if calibration.made_from else ""
    told = text("method.calibrated", name=f"{calibration.name}{made_from}")
    missing = sum(name not in calibration.raw for name in REPEATABILITY)
    return f"{told} {text('method.calibrated_partly', n=missing)}" if missing else told


def list_repeatability(calibration: Calibration | None) -> dict[str, list[tuple[Metric, str]]]:
    """Every metric by group with what one session adds to it, from the table that the run used."""
    return {title: [(m, _repeatability(m, calibration)) for m in found] for title, found in by_group(METRICS).items()}


def _repeatability(metric: Metric, calibration: Calibration | None) -> str:
    own = calibration.raw.get(metric.name) if calibration is not None else None
    row = own or REPEATABILITY.get(metric.name)
    if row is None:
        return text("method.not_calibrated")
    if row.scale == "root":
        return f"{number_text(row.session, 1)} × √value {metric.unit}"
    if row.scale == "value":
        return text("method.share_of_value", percent=f"{100 * row.session:.0f}")
    return f"{number_text(row.session, metric.decimals)} {metric.unit}"


def list_facts(result: ClientResult) -> Iterable[tuple[str, object]]:
    """What is needed to make a report again: versions, settings, reference photos, treatments; and how long it took."""
    yield from result.versions.items()
    values: dict[str, object] = asdict(result.settings)
    own = result.settings.calibration
    values["calibration"] = own.name if own is not None else text("method.own_calibration")
    yield from ((name, "–" if value is None else value) for name, value in values.items())
    yield text("method.settings_hash"), result.plan.settings_hash
    for view, file in result.plan.reference_of.items():
        yield text("method.reference_photo", view=VIEW_TITLES.get(view, view)), file
    for treatment in result.plan.course.treatments:
        number = "" if treatment.number is None else str(treatment.number)
        depths = [f"{area.replace('_', ' ')} {depth} mm" for area, depth in treatment.depth_mm.items()]
        what = (treatment.at.isoformat(" ", "minutes"), treatment.kind, treatment.device, *depths)
        yield text("method.treatment", number=number).strip(), ", ".join(filter(None, what))
    for name, seconds in result.timings_s.items():
        yield text("method.time", what=name), text("method.seconds", seconds=number_text(seconds, 1))
