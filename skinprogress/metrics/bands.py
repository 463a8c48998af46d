"""Work on a coarser grid of the frame, and the way back."""

import numpy as np
import numpy.typing as npt

from skinprogress.metrics.inputs import FloatMap, MetricInput

Box = tuple[slice, slice]

GRID_MM = 0.45


def coarse_step(data: MetricInput) -> int:
    """How many px of the frame make about 0.45 mm: 2 in a frame of 1024 px, 3 in one of 1536 px.

    Parameters
    ----------
    data : MetricInput

    Returns
    -------
    int
        At least 1.
    """
    scale = data.mm_per_px[data.skin]
    return max(1, round(GRID_MM / float(np.median(scale[::101])))) if scale.size else 1


def box_around(mask: npt.NDArray[np.bool_]) -> Box:
    """Rows and columns that hold any True; all of them where none does."""
    if not mask.any():
        return slice(0, mask.shape[0]), slice(0, mask.shape[1])
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def repeat_px(plane: FloatMap, known: npt.NDArray[np.bool_], *, step: int) -> FloatMap:
    """Give each px the value of the coarse px that covers it.

    Parameters
    ----------
    plane : (h, w) float32
        One value for each `step` × `step` px, from the upper left corner on.
    known : (H, W) bool
        Where the result has values.
    step : int

    Returns
    -------
    (H, W) float32
        NaN where not known.
    """
    full = plane.repeat(step, axis=0).repeat(step, axis=1)[: known.shape[0], : known.shape[1]]
    return np.where(known, full, np.float32(np.nan))
