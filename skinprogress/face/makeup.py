"""Signs of fresh make-up, as far as one photo shows them: even skin, and coloured lids, lips and cheeks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import mesh
from skinprogress.face.regions import LIPS, OUTLINE_UNIT, region_mask

Mask = npt.NDArray[np.bool_]
Plane = npt.NDArray[np.float32]

# Side of the shrunk face: about 0.9 mm a px. All signs are larger than that, so blur and denoising cannot make them.
_SIDE = 256
# From −ln of linear R, G, B: the amount along the axis of haemoglobin (0.23, 0.69, 0.68), blind to melanin and to
# shading; redness, in which both pigments count; and yellowness, which blood hardly changes.
_BLOOD = np.array([-2.13, 3.49, -1.37], np.float32)
_RED = np.array([-1.0, 1.0, 0.0], np.float32)
_YELLOW = np.array([0.0, -1.0, 1.0], np.float32)
_DARKEST = 0.004

# Landmarks over the client's right eye: the fold of the lid, and the rim of the socket under the brow.
_FOLD = (130, 247, 30, 29, 27, 28, 56, 190, 243)
_SOCKET = (226, 113, 225, 224, 223, 222, 221, 189, 244)
_MOUTH_LINE = (78, 13, 308)
# The outer half of the cheek, where blush is put (client's right, units of 1/1092 of the frame).
_OUTER_CHEEK = ((212, 505), (300, 520), (310, 720), (268, 755), (212, 728), (194, 650))

# Amounts of blood (−ln units; 1 % of blood is 0.26) and log ratios. Measured on ten bare faces, one of them scanned:
# noses are 0.16 to 0.38 redder than the rest of the upper face, ...
_NOSE_USUAL, _NOSE_EVEN = 0.22, 0.08
# ... and skin without make-up is uneven in between: only together with this is a pale nose a sign.
_UNEVEN = 0.15
# Make-up brings the nose down to the rest; where it is paler than that, the rest has reddened, as after a treatment.
_NOSE_PALE = -0.03
# Lids differ by −0.13 to 0.16 in redness and −0.17 to 0.1 in yellowness.
_LID_RED = (-0.15, 0.27)
_LID_YELLOW = (-0.25, 0.2)
# Both lips are at most 0.63 redder than the skin around, and 0.08 to 0.5 less yellow.
_LIP_RED = 0.8
_LIP_YELLOW = (-0.65, 0.05)
# Outer cheeks are less red than the nose; at most 0.03 redder on the scan.
_CHEEK_OVER_NOSE = 0.08
_NOSE_OVER_FOREHEAD = 0.12
# Below this many px of 0.8 mm² nothing is said.
_MIN_PX = 60
# Blood in the left and the right cheek differs by more only where lights of two colours meet.
_ONE_SIDED = 0.2
# Lower lips are redder than the skin by 0.14 at least: a picture in which they are not has lost its colour.
_LEAST_LIP_RED = 0.06

_REASONS = {
    "even": "the redness of the skin is unusually even: the nose is hardly redder than the rest of the face",
    "lids": "both upper lids have a colour that bare skin does not have",
    "lips": "the lips have a colour that bare lips do not have",
    "cheeks": "both outer cheeks are redder than nose and forehead, as with blush",
}


@dataclass(frozen=True, slots=True)
class MakeupReading:
    """What speaks for make-up in one photo.

    Attributes
    ----------
    signs : dict of str to float
        Strength of each sign, 0..2: ``even``, ``lids``, ``lips``, ``cheeks``. From 1 on it lies beyond all bare faces
        that were looked at; NaN where it cannot be judged.
    """

    signs: Mapping[str, float]

    @property
    def suspected(self) -> bool:
        """True where one sign is clear. Most make-up is not: False says nothing."""
        return bool(self.reasons)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The clear signs in words."""
        return tuple(_REASONS[name] for name, strength in self.signs.items() if strength >= 1.0)


def find_makeup(linear_rgb: npt.NDArray[np.float32], skin: Mask) -> MakeupReading:
    """Look for fresh make-up: skin of unnaturally even redness, coloured lids, lips or cheeks.

    Parameters
    ----------
    linear_rgb : (S, S, 3) float32
        Face in the canonical frame, linear sRGB; white balance and exposure do not matter.
    skin : (S, S) bool
        Usable skin.

    Returns
    -------
    MakeupReading

    Notes
    -----
    A hint for people, never a reason to change a number. All signs compare parts of one face over several mm:
    blur, denoising and low resolution make skin smooth, but do not take the redness from a nose. Fine evenness is
    not used at all: phones denoise bare skin to the smoothness of foundation.

    Most make-up is not seen: of foundation painted on bare faces a quarter at 40 % opacity, half at 60 %, all at 80 %;
    strong red lips and clearly blue, green, purple or golden lids, but no brown or rosy shades, no mascara, and no
    blush on a face whose nose is still bare. Mistaken for make-up: a nose that is by nature no redder than the face;
    skin treated all over but on the nose, for some of its red days; a nose that shines all over. The limits come from
    ten bare faces, two of them women.
    """
    # Every second or third px of a large frame says the same in a fraction of the time.
    grid = (slice(None, None, max(linear_rgb.shape[0] // (2 * _SIDE), 1)),) * 2
    size = (_SIDE, _SIDE)
    small = np.asarray(cv2.resize(np.ascontiguousarray(linear_rgb[grid]), size, interpolation=cv2.INTER_AREA))
    bare = np.asarray(cv2.resize(skin[grid].astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)) > 252
    density = -np.asarray(cv2.log(np.maximum(small, _DARKEST)), np.float32)
    blood, red, yellow = (np.asarray(cv2.transform(density, row[None]), np.float32) for row in (_BLOOD, _RED, _YELLOW))
    # Px that are clipped to black or were not in the photo have no colour.
    shown = cv2.inRange(small, (_DARKEST,) * 3, (np.inf,) * 3) > 0
    nothing = MakeupReading(dict.fromkeys(_REASONS, float("nan")))
    if not _is_lit_alike(blood, bare) or not _is_colorful(red, bare, shown):
        return nothing
    signs = {
        "even": _judge_evenness(blood, bare),
        "lids": _judge_lids(red, yellow, bare, shown),
        "lips": _judge_lips(red, yellow, bare, shown),
        "cheeks": _judge_cheeks(blood, bare),
    }
    return MakeupReading({name: float(np.clip(strength, 0.0, 2.0)) for name, strength in signs.items()})


def _judge_evenness(blood: Plane, bare: Mask) -> float:
    nose = _median(blood, bare & region_mask("nose", _SIDE)) - _median(blood, bare & _upper())
    reach = cv2.GaussianBlur(bare.astype(np.float32), (0, 0), 2.0)
    smooth = cv2.GaussianBlur(np.where(bare, blood, np.float32(0.0)), (0, 0), 2.0) / np.maximum(reach, 0.05)
    middle = bare & _middle()
    if np.count_nonzero(middle) < 4 * _MIN_PX:
        return float("nan")
    low, high = np.percentile(smooth[middle], [16.0, 84.0])
    if (high - low) / 2.0 > _UNEVEN or nose < _NOSE_PALE:
        return 0.0
    return (_NOSE_USUAL - nose) / (_NOSE_USUAL - _NOSE_EVEN)


def _judge_lids(red: Plane, yellow: Plane, bare: Mask, shown: Mask) -> float:
    found = []
    for lid in lid_masks(_SIDE):
        half = np.zeros_like(lid)
        columns = slice(0, _SIDE // 2) if lid[:, : _SIDE // 2].any() else slice(_SIDE // 2, None)
        half[:, columns] = True
        # The skin beside must be in view, or the lid is seen edge-on.
        if np.count_nonzero(half & bare & _upper()) < 20 * _MIN_PX:
            return float("nan")
        found.append([_median(p, lid & shown) - _median(p, bare & _upper()) for p in (red, yellow)])
    reds, yellows = zip(*found, strict=True)
    return max(_beyond(reds, *_LID_RED), _beyond(yellows, *_LID_YELLOW))


def _judge_lips(red: Plane, yellow: Plane, bare: Mask, shown: Mask) -> float:
    beside = bare & _around_mouth()
    if np.count_nonzero(beside) < 2 * _MIN_PX:
        beside = bare & _upper()
    reds, yellows = ([_median(p, lip & shown) - _median(p, beside) for lip in lip_masks(_SIDE)] for p in (red, yellow))
    return max(_beyond(reds, -np.inf, _LIP_RED), _beyond(yellows, *_LIP_YELLOW))


def _judge_cheeks(blood: Plane, bare: Mask) -> float:
    nose, forehead = (_median(blood, bare & region_mask(name, _SIDE)) for name in ("nose", "forehead"))
    if np.isfinite(nose - forehead) and not _NOSE_PALE <= nose - forehead <= _NOSE_OVER_FOREHEAD:
        return 0.0
    over = [_median(blood, bare & cheek) - nose for cheek in _outer_cheeks()]
    return _beyond(over, -np.inf, _CHEEK_OVER_NOSE)


def _beyond(both: Sequence[float], low: float, high: float) -> float:
    """How far both lie on the same side of what is usual: 1 where the nearer of them reaches a limit."""
    if not np.isfinite(both).all():
        return float("nan")
    return max(min(both) / high, max(both) / low, 0.0)


def _is_lit_alike(blood: Plane, bare: Mask) -> bool:
    cheeks = [_median(blood, bare & region_mask(name, _SIDE)) for name in ("cheek_left", "cheek_right")]
    # In an oblique view one cheek is hidden, and nothing can be said of the light.
    return abs(cheeks[0] - cheeks[1]) <= _ONE_SIDED


def _is_colorful(red: Plane, bare: Mask, shown: Mask) -> bool:
    beside = bare & _around_mouth()
    if np.count_nonzero(beside) < 2 * _MIN_PX:
        beside = bare & _upper()
    return _median(red, lip_masks(_SIDE)[1] & shown) - _median(red, beside) > _LEAST_LIP_RED


def _median(plane: Plane, where: Mask) -> float:
    values = plane[where]
    return float(np.median(values)) if values.size >= _MIN_PX else float("nan")


def _fill(side_px: int, *polygons: npt.NDArray[np.floating]) -> Mask:
    mask = np.zeros((side_px, side_px), np.uint8)
    for corners in polygons:
        cv2.fillPoly(mask, [np.round(corners * side_px * 16 - 8).astype(np.int32)], 1, shift=4)
    return np.asarray(mask > 0)


def _mirrored(corners: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    return np.asarray(corners * [-1.0, 1.0] + [1.0, 0.0])


@lru_cache(maxsize=4)
def lid_masks(side_px: int) -> tuple[Mask, Mask]:
    """Upper lids from the fold to the rim of the socket, the client's right and left; (S, S) bool, read-only."""
    corners = mesh().uv[[*_FOLD, *_SOCKET[::-1]]]
    return _frozen(_fill(side_px, corners)), _frozen(_fill(side_px, _mirrored(corners)))


@lru_cache(maxsize=4)
def lip_masks(side_px: int) -> tuple[Mask, Mask]:
    """Upper and lower lip without their edges, (S, S) bool, read-only."""
    uv = mesh().uv
    edge = round(0.005 * side_px)
    lips = cv2.erode(_fill(side_px, uv[list(LIPS)]).astype(np.uint8), np.ones((2 * edge + 1, 2 * edge + 1), np.uint8))
    line = np.round(uv[list(_MOUTH_LINE)] * side_px).astype(np.int32)
    cv2.polylines(lips, [line], isClosed=False, color=0, thickness=max(round(0.016 * side_px), 1))
    upper = lips > 0
    upper[int(uv[_MOUTH_LINE[1], 1] * side_px) :] = False
    return _frozen(upper), _frozen((lips > 0) & ~upper)


@lru_cache(maxsize=1)
def _outer_cheeks() -> tuple[Mask, Mask]:
    corners = np.array(_OUTER_CHEEK) / OUTLINE_UNIT
    return _frozen(_fill(_SIDE, corners)), _frozen(_fill(_SIDE, _mirrored(corners)))


@lru_cache(maxsize=1)
def _upper() -> Mask:
    """Down to the upper lip, so that beards count for nothing."""
    return _frozen(np.repeat(np.arange(_SIDE)[:, None] < 0.62 * _SIDE, _SIDE, axis=1))


@lru_cache(maxsize=1)
def _middle() -> Mask:
    """Nose, inner cheeks, between the brows, middle of the forehead: what is reddest, and what is palest."""
    cheeks = region_mask("cheek_left", _SIDE) | region_mask("cheek_right", _SIDE)
    for outer in _outer_cheeks():
        cheeks &= ~outer
    forehead = region_mask("forehead", _SIDE).copy()
    forehead[:, : round(0.3 * _SIDE)] = forehead[:, round(0.7 * _SIDE) :] = False
    return _frozen(cheeks | forehead | region_mask("nose", _SIDE) | region_mask("glabella", _SIDE))


@lru_cache(maxsize=1)
def _around_mouth() -> Mask:
    lips = _fill(_SIDE, mesh().uv[list(LIPS)]).astype(np.uint8)
    near, far = (cv2.dilate(lips, np.ones((size, size), np.uint8)) > 0 for size in (7, 21))
    return _frozen(np.asarray(far & ~near))


def _frozen(mask: Mask) -> Mask:
    mask.setflags(write=False)
    return mask
