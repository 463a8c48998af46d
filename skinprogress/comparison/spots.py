"""What becomes of each spot between two photos: new, gone, or still there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.comparison.faces import MeasuredFace
from skinprogress.face.regions import REGIONS, WHOLE_FACE, nearest_region
from skinprogress.metrics.blood import find_blood
from skinprogress.metrics.inputs import MetricInput
from skinprogress.metrics.spot_finding import Spot, list_spots, smallest_mm
from skinprogress.metrics.spot_places import measure_places
from skinprogress.metrics.spot_planes import VISIBLE
from skinprogress.records import Against, SpotKind, SpotStatus
from skinprogress.records import Spot as SpotRow

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

# A spot is absent from a photo that shows less than this share of what the other shows, and less than this share of a
# visible contrast: between that and visible it is faint, and stays what it was.
_ABSENT_SHARE = 0.35
_ABSENT_VISIBLE = 0.6
_TOLERANCE_MM = 0.5


@dataclass(frozen=True, slots=True)
class FollowedSpot:
    """One spot in two photos.

    Attributes
    ----------
    kind : {'red', 'brown'}
    row, col : float
        Centre as shares of the side of the frame, 0..1 (v and u).
    status : {'new', 'gone', 'persistent'}
        ``new`` and ``gone`` only where the other photo clearly shows nothing.
    area_before_mm2, area_after_mm2 : float
        0 where it is absent.
    contrast_before, contrast_after : float
        Index of the spot minus that of the ring around it, a*-equivalents (red) or optical density (brown); where it is
        absent, what its place shows, which scatters about 0.
    """

    kind: SpotKind
    row: float
    col: float
    status: SpotStatus
    area_before_mm2: float
    area_after_mm2: float
    contrast_before: float
    contrast_after: float


@dataclass(frozen=True, slots=True)
class _Seen:
    """A place in one photo."""

    area_mm2: float
    contrast: float
    absent: bool


def follow_spots(
    baseline: MetricInput, followup: MetricInput, *, skin: Mask, kind: SpotKind, tolerance_mm: float = _TOLERANCE_MM
) -> tuple[FollowedSpot, ...]:
    """Follow the spots of one kind from one photo to another.

    Parameters
    ----------
    baseline, followup : MetricInput
        In one registered frame.
    skin : (S, S) bool
        Skin that is usable in both photos.
    kind : {'red', 'brown'}
    tolerance_mm : float
        How far the same spot may lie apart in the two photos.

    Returns
    -------
    tuple of FollowedSpot
        Those of the baseline first, then those that only the follow-up shows; the clearest first.

    Raises
    ------
    ValueError
        The photos or the mask differ in size.

    Notes
    -----
    Each spot found in either photo is measured in both at its place, so that one near the threshold does not come and
    go. Spots smaller than what both photos resolve, near the border of the common skin, or where blood lies in one
    photo are left out. A blurred photo shows small spots fainter: the statuses hold, the contrasts do not compare.
    """
    if not baseline.skin.shape == followup.skin.shape == skin.shape:
        raise ValueError(
            f"the baseline is {baseline.skin.shape}, the follow-up {followup.skin.shape} and the mask {skin.shape} px: "
            "draw both photos in one frame"
        )
    usable = skin & ~find_blood(baseline) & ~find_blood(followup)
    padded = np.pad(usable.astype(np.uint8), 1)
    room = np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1], np.float32)
    smallest = np.asarray(np.maximum(smallest_mm(baseline), smallest_mm(followup)), np.float32)
    before, after = (
        [spot for spot in list_spots(photo, kind) if _counts(spot, room, smallest, photo)]
        for photo in (baseline, followup)
    )
    pairs = _match(before, after, baseline.mm_per_px, tolerance_mm)
    lost = [i for i in range(len(before)) if i not in pairs]
    fresh = sorted(set(range(len(after))) - set(pairs.values()))
    lost_seen = dict(zip(lost, _look(followup, baseline, kind, [before[i] for i in lost], tolerance_mm), strict=True))
    fresh_seen = _look(baseline, followup, kind, [after[i] for i in fresh], tolerance_mm)
    side = len(skin)
    followed = [
        _followed(kind, spot, side, _found(spot), _found(after[pairs[i]]) if i in pairs else lost_seen[i])
        for i, spot in enumerate(before)
    ]
    followed += [
        _followed(kind, after[i], side, seen, _found(after[i])) for i, seen in zip(fresh, fresh_seen, strict=True)
    ]
    return tuple(followed)


def _counts(spot: Spot, room: npt.NDArray[np.floating], smallest: npt.NDArray[np.floating], photo: MetricInput) -> bool:
    """Whether both photos could show this spot."""
    at = round(spot.row), round(spot.col)
    fits = room[at] * photo.mm_per_px[at] >= spot.diameter_mm / 2.0
    return bool(fits and spot.diameter_mm >= 0.9 * smallest[at])


def _match(
    before: list[Spot], after: list[Spot], mm_per_px: npt.NDArray[np.floating], tolerance_mm: float
) -> dict[int, int]:
    """Pairs of spots at one place, nearest first; each spot is used once."""
    near = []
    for i, a in enumerate(before):
        scale = float(mm_per_px[round(a.row), round(a.col)])
        for j, b in enumerate(after):
            apart = float(np.hypot(a.row - b.row, a.col - b.col)) * scale
            # The middle of a large spot is less certain than that of a small one.
            if apart <= tolerance_mm + max(a.diameter_mm, b.diameter_mm) / 4.0:
                near.append((apart, i, j))
    pairs: dict[int, int] = {}
    for _, i, j in sorted(near):
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    return pairs


def _look(
    photo: MetricInput, other: MetricInput, kind: SpotKind, spots: list[Spot], tolerance_mm: float
) -> list[_Seen]:
    """What a photo shows where only the other has spots: the most that is there within the tolerance."""
    if not spots:
        return []
    row_col = np.array([(spot.row, spot.col) for spot in spots])
    radius = np.array([spot.diameter_mm / 2.0 for spot in spots])
    there = measure_places(other, kind, row_col, radius, n_rounds=0).strength
    scale = photo.mm_per_px[tuple(np.round(row_col).astype(int).T)]
    reach = (np.minimum(tolerance_mm, radius) / scale)[:, None]
    shifts = [(0.0, 0.0), *((np.sin(a), np.cos(a)) for a in np.arange(8) * np.pi / 4.0)]
    looks = [measure_places(photo, kind, row_col + reach * shift, radius, n_rounds=0) for shift in shifts]
    best = np.argmax([look.strength for look in looks], axis=0)
    extents = measure_places(photo, kind, row_col + reach * np.array(shifts)[best], radius)
    seen = []
    for i, spot in enumerate(spots):
        here = looks[best[i]]
        absent = here.strength[i] < min(_ABSENT_SHARE * there[i], _ABSENT_VISIBLE * VISIBLE[kind])
        # The outline of something faint may leak away into the skin: then it had the size that the other photo shows.
        sure = extents.closed[i] >= 0.85 and 0.5 <= extents.diameter_mm[i] / spot.diameter_mm <= 1.5
        area = 0.0 if absent else float(extents.area_mm2[i]) if sure else spot.area_mm2
        seen.append(_Seen(area, float(here.contrast[i]), bool(absent)))
    return seen


def _found(spot: Spot) -> _Seen:
    return _Seen(spot.area_mm2, spot.contrast, absent=False)


def _followed(kind: SpotKind, spot: Spot, side_px: int, before: _Seen, after: _Seen) -> FollowedSpot:
    return FollowedSpot(
        kind=kind,
        row=(spot.row + 0.5) / side_px,
        col=(spot.col + 0.5) / side_px,
        status="new" if before.absent else "gone" if after.absent else "persistent",
        area_before_mm2=before.area_mm2,
        area_after_mm2=after.area_mm2,
        contrast_before=before.contrast,
        contrast_after=after.contrast,
    )


def follow_session_spots(
    baseline: Sequence[MeasuredFace], followup: Sequence[MeasuredFace], *, against: Against
) -> list[SpotRow]:
    """Follow all spots from one session to another, on the best photo of each.

    Parameters
    ----------
    baseline, followup : sequence of MeasuredFace
        Of one view.
    against : {'baseline', 'previous', 'maintenance'}

    Returns
    -------
    list of skinprogress.records.Spot
    """
    before, after = (max(faces, key=lambda f: f.inspection.quality) for faces in (baseline, followup))
    photos = [face.layers.restored() for face in (before, after)]
    skin = photos[0].skin & photos[1].skin
    tolerance_mm = max(_TOLERANCE_MM, 2.0 * after.misfit_mm(WHOLE_FACE))
    names = [name for name in REGIONS if name != WHOLE_FACE]
    nearest = nearest_region(len(skin))
    return [
        SpotRow(
            client=before.ref.client,
            view=before.view,
            kind=kind,
            region=names[nearest[int(spot.row * len(skin)), int(spot.col * len(skin))]],
            against=against,
            from_session=before.ref.session,
            to_session=after.ref.session,
            u=spot.col,
            v=spot.row,
            status=spot.status,
            area_before_mm2=spot.area_before_mm2,
            area_after_mm2=spot.area_after_mm2,
            contrast_before=spot.contrast_before,
            contrast_after=spot.contrast_after,
        )
        for kind in get_args(SpotKind)
        for spot in follow_spots(*photos, skin=skin, kind=kind, tolerance_mm=tolerance_mm)
    ]
