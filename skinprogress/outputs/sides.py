"""Left against right: the client's own two sides over the sessions, a panel a pair of regions."""

from typing import TYPE_CHECKING

from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.chosen import better_of
from skinprogress.outputs.series import (
    OWN_SKIN,
    TITLE_PT,
    Course,
    Grid,
    SessionLabels,
    draw_frame,
    draw_series,
    session_values,
    value_limits,
)
from skinprogress.outputs.sheet import Dash, Entry, Panel, Sheet
from skinprogress.records import ClientResult, View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Dark and light, round and square, solid and dashed: they differ in grey as well.
_COLORS = {"left": "#123f66", "right": "#c98b2b"}
_MARKERS = {"left": "o", "right": "s"}
_DASHES: dict[str, Dash] = {"left": (), "right": (4.0, 2.0)}
_ASIDE_PT = {"left": -2.6, "right": 2.6}
_HEIGHT = 150.0
_LIGHT = (
    "Light from one side makes that side look different on skin that is the same: compare how the two sides move "
    "rather than how far they lie apart."
)


def paired_regions(result: ClientResult, metric: str, view: View) -> list[str]:
    """Regions with a left and a right half that were both measured, without the side's name: ``cheek``, ``jaw``."""
    found = session_values(result, metric, view)
    stems = (name.removesuffix("_left") for name in style.ordered_regions(found) if name.endswith("_left"))
    return [stem for stem in stems if f"{stem}_right" in found and _title(stem)]


def _title(stem: str) -> str:
    """What left and right half have in common in their names: ``cheek``, ``around the eye``."""
    left, right = (style.region_title(f"{stem}_{side}").split() for side in ("left", "right"))
    return " ".join(word for word in left if word in right)


def plot_sides(result: ClientResult, *, metric: str, view: View) -> "Figure":
    """Draw the client's left and right side over the sessions, with 95 % intervals, a panel a pair of regions.

    Parameters
    ----------
    result : ClientResult
    metric : str
        Name in the METRICS table.
    view : View

    Returns
    -------
    Figure
        All panels share one scale. Left and right are the client's own.

    Raises
    ------
    ValueError
        No region was measured on both sides.
    """
    spec = METRICS[metric]
    pairs = paired_regions(result, metric, view)
    if not pairs:
        raise ValueError(f"no region was measured on both sides for {metric} in the {view} view")
    values = session_values(result, metric, view)
    course = Course.of(result, view)
    of_sides = [values[f"{stem}_{side}"] for stem in pairs for side in _COLORS]
    limits = value_limits((p for sessions in of_sides for p in sessions.values()), metric)
    grid = Grid.of(len(pairs), ticks=30.0)
    labels = SessionLabels.fitting(course.line, grid.panel_width)
    key = [
        Entry(
            mark=_MARKERS[side],
            face=color,
            edge=color,
            line=(color, 1.2, _DASHES[side]),
            label=f"the client's own {side}, 95 % interval",
        )
        for side, color in _COLORS.items()
    ]
    head = 28.0
    with style.chart_style():
        sheet = Sheet(
            grid.width, grid.rows * (_HEIGHT + head) + labels.height + 6.0, title=f"{spec.title}: left and right",
            about=style.about_text(spec.unit, view, better_of(result, metric)), key=[*key, *course.entries()],
            notes=[_LIGHT, OWN_SKIN, course.line.note],
        )  # fmt: skip
        for i, stem in enumerate(pairs):
            row, column = divmod(i, grid.columns)
            panel = Panel(
                left=grid.left(column), bottom=sheet.top - (row + 1) * (_HEIGHT + head), width=grid.panel_width,
                height=_HEIGHT, xlim=course.line.span, ylim=limits,
            )  # fmt: skip
            lowest = i + grid.columns >= len(pairs)
            draw_frame(sheet, panel, course, ticks=column == 0, labels=labels if lowest else None, numbers=row == 0)
            sheet.text(panel.left, panel.bottom + _HEIGHT + 14.0, _title(stem), size=TITLE_PT)
            for side, color in _COLORS.items():
                draw_series(
                    sheet, panel, course, values[f"{stem}_{side}"], color=color, marker=_MARKERS[side],
                    dash=_DASHES[side], aside_pt=_ASIDE_PT[side],
                )  # fmt: skip
        return sheet.finish()
