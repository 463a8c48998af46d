"""What a calibration found, for the terminal."""

from typing import TYPE_CHECKING

from skinprogress.metrics.table import METRICS
from skinprogress.validation.calibrate import ENOUGH_PAIRS, CalibratedMetric, CalibrationRun

if TYPE_CHECKING:
    from rich.table import Table

_TOLD_ODD = 2.0
_FEWEST_NAMED = 6


def render_calibration_table(run: CalibrationRun) -> "Table":
    """One row a charted metric: its session error here and as it comes with the program, coverage, pairs.

    Parameters
    ----------
    run : CalibrationRun

    Returns
    -------
    rich.table.Table
    """
    from rich.table import Table

    table = Table(title="Error that one session adds when nothing changed", title_justify="left")
    table.add_column("metric", no_wrap=True)
    for name in ("here", "program's own", "95 % holds", "pairs"):
        table.add_column(name, justify="right", no_wrap=True)
    # A later row of a metric is the one with the light taken out, as comparisons are by default.
    for row in {row.metric: row for row in run.rows if METRICS[row.metric].charted}.values():
        table.add_row(
            METRICS[row.metric].title,
            _size(row.session, row),
            _size(row.shipped, row),
            f"{row.coverage:.0%}",
            f"{row.n_pairs:.0f}",
        )
    return table


def _size(error: float, row: CalibratedMetric) -> str:
    if row.scale == "value":
        return f"{100.0 * error:.2g} % of it"
    unit = METRICS[row.metric].unit
    return f"{error:.2g} {unit}".strip() if row.scale == "unit" else f"{error:.2g} √({unit})"


def calibration_remarks(run: CalibrationRun) -> list[str]:
    """What the table does not say, in sentences.

    Parameters
    ----------
    run : CalibrationRun

    Returns
    -------
    list of str
    """
    remarks = []
    if run.n_pairs < ENOUGH_PAIRS:
        remarks.append(
            f"{run.n_pairs:.0f} independent pairs (n photos of the same skin make n - 1): the program's own figures "
            f"were scaled; with {ENOUGH_PAIRS} each is fitted to your photos"
        )
    if run.not_compared:
        shown = "; ".join(run.not_compared[:_FEWEST_NAMED])
        more = f" and {len(run.not_compared) - _FEWEST_NAMED} more" if len(run.not_compared) > _FEWEST_NAMED else ""
        remarks.append(f"too different to be compared: {shown}{more}")
    found = {row.metric for row in run.rows}
    if kept := [m.title for m in METRICS.values() if m.charted and m.name not in found]:
        remarks.append(f"your photos say nothing of {', '.join(kept)}: the program's own figures are used for those")
    odd = [METRICS[r.metric].title for r in run.rows if r.method == "raw" and r.session > _TOLD_ODD * r.shipped > 0.0]
    if odd:
        remarks.append(
            f"more than twice the program's own: {', '.join(odd)}: look whether something did change between the photos"
        )
    return remarks
