"""The maps of all metrics of one face, on the grid that region statistics are taken on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from skinprogress.metrics.inputs import FloatMap, MetricInput, average_px
from skinprogress.metrics.metric import Metric

STATISTICS_SIDE = 512
"""Region statistics are taken on a grid of about this side: neighbouring px repeat each other."""
_FINDS = ("spots:red", "spots:brown", "blood")


def grid_step(side_px: int) -> int:
    """Canonical px from one px of the statistics grid to the next."""
    return max(1, side_px // STATISTICS_SIDE)


def sample_grid(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The px of a canonical plane that region statistics are taken on; not a view, which would keep the whole plane."""
    step = grid_step(plane.shape[0])
    return np.ascontiguousarray(plane[::step, ::step])


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """One face at the resolutions that metrics are computed at.

    Attributes
    ----------
    px : MetricInput
        On the grid that statistics are taken on: every ``step``-th px.
    grid : MetricInput
        On the same grid, averaged.
    full : MetricInput
        The canonical frame itself.
    bare : MetricInput
        The canonical frame, with the skin that blood lies on.
    step : int
        Canonical px from one px of the grid to the next.
    """

    px: MetricInput
    grid: MetricInput
    full: MetricInput
    bare: MetricInput
    step: int

    def with_red_level(self, level: float) -> "Layers":
        """The same face, with the level from which its skin counts as red."""
        px, grid, full, bare = (replace(d, red_level=level) for d in (self.px, self.grid, self.full, self.bare))
        return Layers(px=px, grid=grid, full=full, bare=bare, step=self.step)

    def stored(self) -> "Layers":
        """The same face without what was computed on the way, and the frame in half precision.

        Faces are kept until they have been compared; :meth:`restored` gives the frame back.
        """
        full = replace(self.full, linear_rgb=self.full.linear_rgb.astype(np.float16)).with_finds(self.full, _FINDS)
        return Layers(px=replace(self.px), grid=replace(self.grid), full=full, bare=full, step=self.step)

    def restored(self) -> MetricInput:
        """The canonical frame of a stored face."""
        return replace(self.full, linear_rgb=self.full.linear_rgb.astype(np.float32)).with_finds(self.full, _FINDS)


def make_layers(full: MetricInput, *, bare: MetricInput, step: int) -> Layers:
    """A face at all the resolutions that metrics are computed at."""
    return Layers(px=full.every(step), grid=full.averaged(step), full=full, bare=bare, step=step)


def compute_maps(layers: Layers, metrics: Iterable[Metric]) -> dict[str, FloatMap]:
    """Compute metrics, each where it needs to be computed, and bring their maps to the grid.

    Parameters
    ----------
    layers : Layers
    metrics : iterable of Metric

    Returns
    -------
    dict of str to (s, s) float32
        NaN off the skin. Densities per mm² become the amount that lies on each px of the grid.
    """
    maps: dict[str, FloatMap] = {}
    computed: dict[tuple[Callable[..., FloatMap], str, bool, bool], FloatMap] = {}
    # The metrics of one module share planes that are as large as the face; the next ones need others.
    for _, related in groupby(sorted(metrics, key=_module), _module):
        for metric in related:
            # Several metrics are statistics of one and the same map.
            key = (metric.compute, metric.frame, metric.statistic == "total", metric.on_blood)
            if key not in computed:
                computed[key] = _on_grid(layers, metric)
            maps[metric.name] = computed[key]
        for data in (layers.full, layers.bare):
            data.forget(but=_FINDS)
    return maps


def _module(metric: Metric) -> str:
    return metric.compute.__module__


def _on_grid(layers: Layers, metric: Metric) -> FloatMap:
    small = layers.px if metric.frame == "px" else layers.grid
    data = small if metric.frame != "full" else layers.bare if metric.on_blood else layers.full
    plane = metric.compute(data)
    skin = data.skin if data is small else data.skin[:: layers.step, :: layers.step]
    if metric.statistic == "total":
        known = np.where(data.skin, plane, np.float32(0.0))
        plane = known if data is small else average_px(known, layers.step)
        plane = plane * small.mm_per_px**2
    elif data is not small:
        plane = plane[:: layers.step, :: layers.step]
    return np.where(skin, plane, np.float32(np.nan))
