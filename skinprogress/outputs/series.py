"""Values over the sessions: what is drawn of them, and the panels that they are drawn in."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skinprogress.metrics.table import METRICS
from skinprogress.outputs import style
from skinprogress.outputs.chosen import best_measurements
from skinprogress.outputs.sheet import MARGIN, Color, Entry, Panel, Sheet, width_of
from skinprogress.outputs.timeline import Timeline, lay_out_sessions
from skinprogress.outputs.trends import find_divider
from skinprogress.records import ClientResult, Measurement, View

Point = tuple[float, float]
"""Value and half of its 95 % interval."""
DASHED = (3.0, 2.0)
TICK_PT, LABEL_PT, TITLE_PT, NUMBER_PT = 6.8, 6.6, 8.5, 6.2
_LABEL_STEP, _GAP_X = 8.5, 14.0
OWN_SKIN = (
    "Each point is measured on all the skin that its photos show. Changes are measured on the skin that both photos "
    "show, and may differ a little from the distance between two points."
)
"""What must be said wherever values of single sessions are drawn."""


def session_values(result: ClientResult, metric: str, view: View) -> dict[str, dict[str, Point]]:
    """Value and half-interval by region and session."""
    groups: dict[str, dict[str, list[Measurement]]] = {}
    for m in best_measurements(result, metric, view):
        if math.isfinite(m.value):
            groups.setdefault(m.region, {}).setdefault(m.session, []).append(m)
    return {
        region: {
            session: (
                float(np.mean([m.value for m in rows])),
                # Most of the error is the session's and the same for all its photos: more shots do not shrink it.
                style.Z95 * float(np.mean([m.standard_error for m in rows])),
            )
            for session, rows in sessions.items()
        }
        for region, sessions in groups.items()
    }


def value_limits(points: Iterable[Point], metric: str) -> tuple[float, float]:
    """Range of an axis of values: one huge interval does not flatten the rest, and nothing impossible is shown."""
    every = np.array(list(points), np.float64).reshape(-1, 2)
    if not every.size:
        return 0.0, 1.0
    known = every[np.isfinite(every[:, 1]), 1]
    half = np.nan_to_num(np.minimum(every[:, 1], 4 * np.median(known) if known.size else 0.0))
    least, most = METRICS[metric].possible
    low, high = max(float(np.min(every[:, 0] - half)), least), min(float(np.max(every[:, 0] + half)), most)
    room = max(high - low, 1e-9 * max(abs(high), 1.0), 0.2 * 10.0 ** -METRICS[metric].decimals)
    return max(low - 0.06 * room, least - 0.02 * room), min(high + 0.06 * room, most + 0.02 * room)


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What all panels over the sessions of one view share.

    Attributes
    ----------
    early, aside, apart : sets of str
        Sessions within days of a treatment, those that show no bare skin, and those that cannot be compared.
    divider : (float, str), optional
        Where on the axis maintenance begins, and its name.
    """

    line: Timeline
    early: frozenset[str]
    aside: dict[str, str]
    apart: frozenset[str]
    divider: tuple[float, str] | None

    @classmethod
    def of(cls, result: ClientResult, view: View) -> "Course":
        line = lay_out_sessions(result)
        return cls(
            line, style.early_sessions(result), style.aside_sessions(result),
            style.incomparable_sessions(result, view), find_divider(result, line.x),
        )  # fmt: skip

    def joined(self, sessions: Iterable[str]) -> list[str]:
        """Those of some sessions that a line joins, in order of time."""
        found = set(sessions)
        return [s for s in self.line.x if s in found and s not in self.aside and s not in self.apart]

    def entries(self) -> list[Entry]:
        """Entries of the key on sessions and treatments, of what occurs only."""
        rows = []
        if self.early:
            rows.append(Entry(mark="o", face=style.PAPER, label="hollow: within days of a treatment"))
        if self.aside:
            words = " or ".join(sorted({style.printable(word) for word in self.aside.values()}))
            rows.append(Entry(mark="x", edge=style.ASIDE, label=f"not bare skin ({words})"))
        if self.apart:
            rows.append(Entry(mark="x", edge=style.ASIDE, label="cannot be compared with the baseline"))
        if self.line.treatments:
            rows.append(Entry(line=(style.TREATMENT, 0.9, DASHED), label="treatment"))
        if self.divider:
            rows.append(Entry(line=(style.MUTED, 0.8, ()), label=self.divider[1]))
        return rows


def draw_frame(
    sheet: Sheet, panel: Panel, course: Course, *, ticks: bool, labels: "SessionLabels | None", numbers: bool
) -> None:
    """Draw grid, treatments and, at the rim of a group of panels, the figures and names along the axes."""
    draw_scale(sheet, panel, ticks=ticks)
    span = panel.bottom, panel.bottom + panel.height
    for x, _ in course.line.treatments:
        sheet.line(panel.x((x, x)), span, color=style.TREATMENT, width=0.8, dash=DASHED, z=1.2)
    if numbers:
        _number_treatments(sheet, panel, course.line)
    if course.divider:
        sheet.line(panel.x((course.divider[0],) * 2), span, color=style.MUTED, width=0.8, z=1.2)
    if labels is not None:
        labels.draw(sheet, panel, course.line)


def draw_scale(sheet: Sheet, panel: Panel, *, ticks: bool) -> None:
    """Draw grid and lower edge of a panel, and at its left the figures."""
    heights = tick_values(panel.ylim, panel.height)
    ends = panel.left, panel.left + panel.width
    for value, text in zip(heights, tick_texts(heights), strict=True):
        y = float(panel.y(value))
        sheet.line(ends, (y, y), color=style.GRID, width=0.6, z=0.5)
        if ticks:
            sheet.text(panel.left - 4.0, y, text, size=TICK_PT, color=style.MUTED, ha="right", va="center_baseline")
    sheet.line(ends, (panel.bottom, panel.bottom), color=style.MUTED, width=0.6, z=1.4)


def tick_values(limits: tuple[float, float], length: float) -> list[float]:
    """Round figures along an axis of some length, points."""
    from matplotlib.ticker import MaxNLocator

    low, high = sorted(limits)
    steps = MaxNLocator(nbins=int(np.clip(length / 18, 3, 7)), steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(v) for v in steps if low <= v <= high]


def tick_texts(values: Sequence[float]) -> list[str]:
    """Figures along an axis, all with as many decimals as the step between them needs."""
    step = abs(values[1] - values[0]) if len(values) > 1 else 1.0
    decimals = next((d for d in range(7) if abs(round(step, d) - step) < 1e-3 * step), 7)
    return [style.number_text(v, decimals) for v in values]


def draw_series(
    sheet: Sheet,
    panel: Panel,
    course: Course,
    points: Mapping[str, Point],
    *,
    color: Color = style.LINE,
    marker: str = "o",
    aside_pt: float = 0.0,
    joint: float = 0.8,
    dash: tuple[float, ...] = (),
) -> None:
    """Draw points with intervals, joined by a thin line; what cannot be held against the others stands unjoined.

    Sessions within days of a treatment are hollow; numbing photos and those that cannot be compared are grey crosses.
    """
    joined = course.joined(points)
    at = {s: float(panel.x(course.line.x[s])) + aside_pt for s in course.line.x if s in points}
    y = {s: float(panel.y(points[s][0])) for s in at}
    sheet.line([at[s] for s in joined], [y[s] for s in joined], color=color, width=joint, dash=dash, z=2.0)
    for s, x in at.items():
        own = color if s in joined else style.ASIDE
        value, half = points[s]
        if math.isfinite(half):
            sheet.line((x, x), panel.y((value - half, value + half)), color=own, width=1.2, z=3.0)
        if s in joined:
            sheet.mark(x, y[s], marker=marker, face=style.PAPER if s in course.early else color, edge=color)
        else:
            sheet.mark(x, y[s], marker="x", face=own, edge=own)


def _number_treatments(sheet: Sheet, panel: Panel, line: Timeline) -> None:
    """Number the treatments above a panel; where they stand close, those that have room."""
    previous = -math.inf
    for x, number in line.treatments:
        at = float(panel.x(x))
        room = max(width_of(number, NUMBER_PT) + 3.0, 9.0)
        if number and at - previous >= room + 1.0:
            previous = at
            y = panel.bottom + panel.height
            sheet.mark(at, y, size=9.0, face=style.TREATMENT, edge=style.TREATMENT, width=0.0, z=5.0)
            sheet.text(at, y, number, size=NUMBER_PT, color=style.PAPER, ha="center", va="center_baseline")


@dataclass(frozen=True, slots=True)
class Grid:
    """Panels of one width, up to three in a row, with room for figures at the left of each row; points."""

    columns: int
    rows: int
    width: float
    panel_width: float
    ticks: float

    @classmethod
    def of(cls, n_panels: int, *, ticks: float) -> "Grid":
        columns = min(n_panels, 3) or 1
        width = {1: 460.0, 2: 620.0}.get(columns, 760.0)
        panel_width = (width - 2 * MARGIN - ticks - _GAP_X * (columns - 1)) / columns
        return cls(columns, max(1, math.ceil(n_panels / columns)), width, panel_width, ticks)

    def left(self, column: int) -> float:
        """Left edge of the panels of a column."""
        return MARGIN + self.ticks + column * (self.panel_width + _GAP_X)


@dataclass(frozen=True, slots=True)
class SessionLabels:
    """The names under the axis of time: upright where they would meet, and left out where even so they would."""

    turned: bool
    height: float

    @classmethod
    def fitting(cls, line: Timeline, width: float) -> "SessionLabels":
        """Choose how names are set under panels of some width, points."""
        at = sorted(line.x.values())
        step = width * min(np.diff(at), default=math.inf) / (line.span[1] - line.span[0])
        longest = max((width_of(part, LABEL_PT) for head in line.heads.values() for part in head), default=0.0)
        if longest + 4.0 <= step and longest < 0.9 * width:
            return cls(False, 22.0)
        return cls(True, max(width_of("  ".join(filter(None, h)), LABEL_PT) for h in line.heads.values()) + 8.0)

    def draw(self, sheet: Sheet, panel: Panel, line: Timeline) -> None:
        last = max(line.x, key=lambda s: line.x[s], default="")
        end, previous = float(panel.x(line.x[last])) if last else 0.0, -math.inf
        y = panel.bottom - 4.0
        for session, head in line.heads.items():
            x = float(panel.x(line.x[session]))
            sheet.line((x, x), (panel.bottom, panel.bottom - 2.5), color=style.MUTED, width=0.6, z=1.4)
            if not self.turned:
                for k, part in enumerate(filter(None, head)):
                    color = style.MUTED if k else style.INK
                    sheet.text(x, y - 8.6 * k, part, size=LABEL_PT, color=color, ha="center", va="top")
            elif x - previous >= _LABEL_STEP and (session == last or end - x >= _LABEL_STEP):
                previous = x
                words = "  ".join(filter(None, head))
                sheet.text(x, y, words, size=LABEL_PT, ha="center", va="top", rotation=90)
