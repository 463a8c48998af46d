"""Keys of charts of changes: the bar of colours, and what the signs of the verdicts mean."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from skinprogress.outputs import style
from skinprogress.outputs.sheet import Entry, Sheet
from skinprogress.records import Change

BAR_ROOM = 62.0
"""Room that the bar of colours takes with its figures, points."""
HATCHED: dict[str, Any] = {"fill": style.NOT_COMPARABLE, "edge": style.HATCH, "hatch": style.HATCHING}
"""The look of what cannot be compared."""
NOT_COMPARABLE = Entry(fill=style.NOT_COMPARABLE, hatch=style.HATCHING, label="not comparable")


def symbol_entries(changes: Iterable[Change], better: str | None) -> list[Entry]:
    """The signs that occur and what each means."""
    every = list(changes)
    # What is hatched shows no sign.
    rows = [c for c in every if not style.is_incomparable(c)]
    used = {style.symbol_of(c) for c in rows}
    entries = [Entry(sign=sign, label=verdict) for verdict, sign in style.SYMBOLS.items() if sign in used]
    entries += [Entry(sign=sign, label=text) for sign, text in style.EARLY_SYMBOLS.values() if sign in used]
    if any(style.is_unjudged(c, better) for c in rows):
        entries.append(Entry(fill=style.UNJUDGED, label="neither better nor worse"))
    if len(rows) < len(every):
        entries.append(NOT_COMPARABLE)
    return entries


def interval_note(confidence_level: float) -> str:
    return f"The interval beside each number covers {100 * confidence_level:g} %, adjusted for all regions of the pair."


def draw_color_bar(
    sheet: Sheet, left: float, bottom: float, height: float, *, better: str | None, limit: float, decimals: int | None
) -> None:
    """Draw an upright bar of colours from -limit to +limit with its figures at its right; without decimals none."""
    from matplotlib.ticker import MaxNLocator

    n = 48
    colors = style.change_colormap(better)((np.arange(n) + 0.5) / n)[:, :3]
    step = height / n
    for k, color in enumerate(colors):
        # A hair of overlap: no white lines between the steps.
        sheet.box(left, bottom + k * step, 9.0, step + (0.3 if k < n - 1 else 0.0), fill=tuple(map(float, color)))
    # On a low bar fewer figures.
    ticks = MaxNLocator(nbins=int(np.clip(height / 22, 2, 6)), symmetric=True).tick_values(-limit, limit)
    for value in (float(v) for v in ticks if abs(v) <= limit * (1 + 1e-9)):
        if decimals is None:
            break
        y = bottom + height * (0.5 + 0.5 * value / limit)
        sheet.line((left + 9.0, left + 11.5), (y, y), color=style.MUTED, width=0.5)
        text = style.number_text(value, decimals, sign=True)
        sheet.text(left + 13.0, y, text, size=6.5, color=style.MUTED, va="center_baseline")
    low, high = style.ENDS[better]
    sheet.text(left + 4.5, bottom + height + 3.5, high, size=6.5, color=style.MUTED, ha="center")
    sheet.text(left + 4.5, bottom - 3.5, low, size=6.5, color=style.MUTED, ha="center", va="top")
