"""Dense refinement: from where the landmarks put the details of a face to where they lie in the reference photo.

Optical flow always finds something, also between two people. So the flow only proposes; what is believed is decided
afterwards, by whether pores, freckles and lines repeat, and whether the way there and the way back cancel.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import raster
from skinprogress.face.mapping import read_grid
from skinprogress.face.regions import REGIONS, WHOLE_FACE, bare_face_mask, nearest_region, region_mask
from skinprogress.records import Registration

FloatPlane = npt.NDArray[np.float32]

DETAIL_SIDE = 512
IOD_SHARE = 0.31
"""Distance of the iris centres, shares of the canonical frame."""
GRID_SIDE = 128
_GRID_IOD = IOD_SHARE * GRID_SIDE

# Detail repeats where its local correlation is high and the flow closes, and a region is believed where more of it does
# than in photos of two different people.
_MIN_CORRELATION = 0.4
_MAX_GAP_PERCENT = 0.3
_MIN_TRUSTED_SHARE = 0.2
_MIN_TRUSTED_PX = 12
# Within an accepted region too the shift is dropped where hardly anything near repeats: behind a hand, or a strand.
_MIN_TRUSTED_NEARBY = 0.25
LANDMARK_MISFIT_PERCENT = 1.4
"""How far details lie off where the landmarks alone decide, median, % of the IOD (measured by known warps)."""


NOTHING_FOUND_PERCENT = 0.93 * LANDMARK_MISFIT_PERCENT
"""Misfit of a whole face, % of the IOD, from which on next to nothing was found again; a small region may be chance."""
SHOWS_PORES_IOD_PX = 100.0
"""With the irises this far apart a photo shows enough detail: of the same person three regions or more are found again,
even through a smile, of another person none."""


class _Pass(NamedTuple):
    """One pass of the flow: side of the pictures, px; band of the detail, as two Gaussian sigmas in px of 512; width of
    the smoothing, shares of the IOD; finest level of the search's pyramid, 0 for the pictures themselves."""

    side: int
    fine: float
    coarse: float
    smoothing: float
    finest_scale: int


# The first pass sees lines and folds and catches shifts of 6 % of the IOD; the others see pores and freckles, which
# stay the same under another light while folds do not.
_PASSES = (_Pass(256, 3.0, 6.0, 0.10, 0), _Pass(512, 1.0, 2.5, 0.05, 1), _Pass(512, 0.7, 1.8, 0.04, 0))
# Whether detail repeats is judged on a band of its own, which noise reaches less.
_JUDGED_BAND = 1.0, 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Detail:
    """What of a face the refinement looks at.

    Attributes
    ----------
    bands : tuple of (s, s) float32
        Band-passed, locally normalised log-luminance for each pass: no colour, no exposure, no shading.
    judged : (512, 512) float32
        The same in the band on which the result is judged.
    seen : (128, 128) float32
        1 where the surface faces the camera well enough.
    """

    bands: tuple[FloatPlane, ...]
    judged: FloatPlane
    seen: FloatPlane


def prepare_detail(luminance: FloatPlane, visible: npt.NDArray[np.bool_]) -> Detail:
    """Prepare one face for the refinement.

    Parameters
    ----------
    luminance : (512, 512) float32
        Linear luminance in the canonical frame, also around the face.
    visible : (512, 512) bool
        Where the surface faces the camera well enough.

    Returns
    -------
    Detail
    """
    log = np.log(np.maximum(luminance, np.float32(1e-3)))
    bands = tuple(
        _band(_resized(log, p.side), p.fine * p.side / DETAIL_SIDE, p.coarse * p.side / DETAIL_SIDE) for p in _PASSES
    )
    return Detail(bands=bands, judged=_band(log, *_JUDGED_BAND), seen=_resized(visible.astype(np.float32), GRID_SIDE))


def _band(log: FloatPlane, fine: float, coarse: float) -> FloatPlane:
    band = cv2.GaussianBlur(log, (0, 0), fine) - cv2.GaussianBlur(log, (0, 0), coarse)
    # Divided by its own local strength: a grazing light makes the same pores deeper.
    spread = np.sqrt(cv2.GaussianBlur(band * band, (0, 0), 4.0 * coarse)) + np.float32(0.01)
    return np.asarray(band / spread, np.float32)


def register_face(photo: Detail, reference: Detail) -> Registration:
    """Second stage: find where the details of the reference photo lie in this one, and where that can be believed.

    Parameters
    ----------
    photo, reference : Detail

    Returns
    -------
    Registration

    Notes
    -----
    Three passes of dense inverse search from coarse to fine, each smoothed with weights that say how well the detail
    repeats and how well the way there and back closes; outliers count less. A region is accepted where a fifth or more
    of its visible skin repeats (of two different people at most 15 % does, in 2,618 regions that were tried), with such
    skin near half of it; the rest follows its believed neighbours, and the landmarks where it has none.

    References
    ----------
    Kroeger, Timofte, Dai, Van Gool 2016, "Fast optical flow using dense inverse search", ECCV.
    """
    shift, gap = _find_shift(photo, reference)
    zoom = np.float32(DETAIL_SIDE / GRID_SIDE)
    correlation = _correlation(_moved(photo.judged, _resized(shift * zoom, DETAIL_SIDE)), reference.judged)
    trusted = (correlation > _MIN_CORRELATION) & (gap < _MAX_GAP_PERCENT)
    seen = (photo.seen * reference.seen > 0.9) & raster(GRID_SIDE).inside
    # Brows and lips repeat between any two people: skin is judged at a distance from them.
    skin = seen & (cv2.erode(bare_face_mask(GRID_SIDE).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    judged = {name: region_mask(name, GRID_SIDE) & skin for name in REGIONS if name != WHOLE_FACE}
    features = seen & ~bare_face_mask(GRID_SIDE)
    repeats = _share_nearby(trusted & skin, skin) >= _MIN_TRUSTED_NEARBY
    accepted = tuple(
        name
        for name, mask in judged.items()
        if trusted[mask].sum() >= max(_MIN_TRUSTED_PX, _MIN_TRUSTED_SHARE * mask.sum()) and repeats[mask].mean() >= 0.5
    )
    kept = repeats & np.isin(nearest_region(GRID_SIDE), [list(judged).index(name) for name in accepted])
    shift = _fall_back(shift, kept, trusted & seen & kept)
    # Median error of true surface points on path-traced retakes, as it goes with the correlation.
    expected = np.where(kept, 0.03 + 0.4 * (1.0 - correlation), LANDMARK_MISFIT_PERCENT)
    regions = {name: region_mask(name, GRID_SIDE) & seen for name in REGIONS}
    misfit = {name: float(expected[m].mean()) if m.any() else float("nan") for name, m in regions.items()}
    return Registration(
        shift=shift / np.float32(GRID_SIDE),
        trusted=kept & seen,
        misfit_percent_iod=misfit,
        accepted=accepted,
        refused=tuple(name for name in judged if name not in accepted),
        features=float(trusted[features].mean()) if features.any() else float("nan"),
    )


def _share_nearby(trusted: npt.NDArray[np.bool_], skin: npt.NDArray[np.bool_]) -> FloatPlane:
    """Share of the skin within about a tenth of the IOD that is trusted; where there is no skin near, of all of it."""
    both = cv2.merge([trusted.astype(np.float32), skin.astype(np.float32)])
    total = cv2.GaussianBlur(both, (0, 0), 0.1 * _GRID_IOD)
    everywhere = float(trusted.sum() / max(skin.sum(), 1))
    return np.asarray((total[..., 0] + 1e-3 * everywhere) / (total[..., 1] + 1e-3), np.float32)


def _fall_back(shift: FloatPlane, kept: npt.NDArray[np.bool_], trusted: npt.NDArray[np.bool_]) -> FloatPlane:
    """The shift where it is kept; elsewhere what trusted neighbours say, fading to none where there are none."""
    weight = trusted.astype(np.float32)
    total = cv2.GaussianBlur(cv2.merge([*cv2.split(shift * weight[..., None]), weight]), (0, 0), 0.15 * _GRID_IOD)
    neighbours = total[..., :2] / (total[..., 2:] + 0.1)
    own = np.clip(2.0 * cv2.GaussianBlur(kept.astype(np.float32), (0, 0), 0.03 * _GRID_IOD) - 0.5, 0.0, 1.0)[..., None]
    return np.asarray(own * shift + (1.0 - own) * neighbours, np.float32)


def _find_shift(photo: Detail, reference: Detail) -> tuple[FloatPlane, FloatPlane]:
    """Shift in px of the grid, (128, 128, 2), and the closing error of the last flow, (128, 128), % of the IOD."""
    mask = photo.seen * reference.seen
    shift = np.zeros((GRID_SIDE, GRID_SIDE, 2), np.float32)
    gap = np.zeros((GRID_SIDE, GRID_SIDE), np.float32)
    for number, (p, source, target) in enumerate(zip(_PASSES, photo.bands, reference.bands, strict=True)):
        zoom = p.side / GRID_SIDE
        moved = _moved(source, _resized(shift * np.float32(zoom), p.side))
        last = number == len(_PASSES) - 1
        flow, back = _flow(moved, target, finest_scale=p.finest_scale, both_ways=last)
        weight = np.clip(_correlation(_moved(moved, flow), target), 0.0, 1.0) ** 2
        if back is not None:
            closing = np.hypot(*np.moveaxis(flow + _moved(back, flow), 2, 0)) / (IOD_SHARE * p.side) * 100.0
            gap = _resized(np.asarray(closing, np.float32), GRID_SIDE)
            weight = weight * np.exp(-((gap / 0.5) ** 2))
        weight = np.asarray((weight + 1e-5) * mask, np.float32)
        step = _smooth(_resized(flow, GRID_SIDE) / np.float32(zoom), weight, sigma=p.smoothing * _GRID_IOD)
        shift = step + _moved(shift, step)
    return shift, gap


def _flow(
    moved: FloatPlane, target: FloatPlane, *, finest_scale: int, both_ways: bool
) -> tuple[FloatPlane, FloatPlane | None]:
    """Where each px of the target lies in the moved picture, and the other way round."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    search.setPatchSize(8)
    search.setPatchStride(4)
    search.setFinestScale(finest_scale)
    a, b = (np.clip(127.5 + 40.0 * p, 0, 255).astype(np.uint8) for p in (moved, target))
    # A start is given, since without one the search would begin from memory that nobody has set.
    start = np.zeros((*a.shape, 2), np.float32)
    there = np.asarray(search.calc(b, a, start.copy()), np.float32)
    if not both_ways:
        return there, None
    # The way back only says where the way there can be believed: half the resolution does.
    search.setFinestScale(1)
    return there, np.asarray(search.calc(a, b, start), np.float32)


def _smooth(flow: FloatPlane, weight: FloatPlane, *, sigma: float) -> FloatPlane:
    """Weighted Gaussian mean of a flow; what leaves its neighbourhood by 0.6 % of the IOD counts half.

    A robust quadratic over the whole face is taken out first and put back, so that a trend goes on where nothing near
    is believed: at the hairline and the temples.
    """
    design = _quadratic()
    kept, smooth = weight, flow
    for _ in range(3):
        w = kept.reshape(-1, 1)
        normal = design.T @ (design * w) + np.float32(1e-4) * np.eye(6, dtype=np.float32)
        trend = (design @ np.linalg.solve(normal, design.T @ (flow.reshape(-1, 2) * w))).reshape(flow.shape)
        weighted = cv2.merge([*cv2.split(((flow - trend) * kept[..., None]).astype(np.float32)), kept])
        total = cv2.GaussianBlur(weighted, (0, 0), sigma) + 0.02 * cv2.GaussianBlur(weighted, (0, 0), 3.0 * sigma)
        smooth = np.asarray(trend + total[..., :2] / (total[..., 2:] + np.float32(1e-3)), np.float32)
        off = np.hypot(*np.moveaxis(flow - smooth, 2, 0)) / _GRID_IOD * 100.0
        kept = np.asarray(weight / (1.0 + (off / 0.6) ** 2), np.float32)
    return smooth


@lru_cache(maxsize=1)
def _quadratic() -> FloatPlane:
    """Terms of a quadratic over the grid, (128 · 128, 6)."""
    ticks = np.linspace(-1.0, 1.0, GRID_SIDE, dtype=np.float32)
    x, y = (p.ravel() for p in np.meshgrid(ticks, ticks))
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def _correlation(a: FloatPlane, b: FloatPlane) -> FloatPlane:
    """Local correlation coefficient of two planes in a Gaussian window of 5 % of the IOD, on the grid (128, 128)."""

    def mean(plane: FloatPlane) -> FloatPlane:
        return np.asarray(cv2.GaussianBlur(_resized(plane, GRID_SIDE), (0, 0), 2.0), np.float32)

    mean_a, mean_b = mean(a), mean(b)
    covariance = mean(a * b) - mean_a * mean_b
    variances = (mean(a * a) - mean_a**2) * (mean(b * b) - mean_b**2)
    return np.asarray(covariance / np.sqrt(np.maximum(variances, 1e-6)), np.float32)


def _moved(plane: FloatPlane, shift: FloatPlane) -> FloatPlane:
    """The plane (or planes) as seen through a shift in its own px."""
    ticks = np.arange(plane.shape[0], dtype=np.float32)
    return read_grid(plane, np.stack(np.meshgrid(ticks, ticks), axis=-1) + shift)


def _resized(plane: FloatPlane, side: int) -> FloatPlane:
    how = cv2.INTER_AREA if side < plane.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(plane, (side, side), interpolation=how), np.float32)
