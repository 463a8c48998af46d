"""What lies on the skin, or hides it, in a face of the canonical frame: hair, beard, glasses, covers, shine, shadow."""

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.appearance import SIDE_PX as _SIDE
from skinprogress.face.appearance import Appearance, Mask, estimate_appearance
from skinprogress.face.regions import region_mask

Obstacle = Literal["glasses", "covered", "hair", "beard", "shadow", "shine"]

_GRID = 1092.0
# Beard: this much more fine dark detail than on the upper face, natural log, helped by darkness.
_BRISTLE_CERTAIN = 1.2
_BRISTLE_LIKELY = 0.7
# Strands: depth of dark lines in units of the usual detail.
_STRAND_CERTAIN = 4.0
_STRAND_LIKELY = 2.6
# Hair at the edge of the face: this much darker than the light on the face explains.
_HAIR_DARK = 0.75
_HAIR_DARK_LIKELY = 0.62
# Frames of glasses: this much darker than the skin above and below.
_FRAME = 0.6
# Cloth: ln G − ln B this far from what the light explains.
_TINT_CERTAIN = 0.5
_TINT_LIKELY = 0.3
# Deep shadow and dark things that are not hair: darker than the light on the face explains.
_SHADOW = 0.85
# Shine: this much brighter than around, and this much less yellow.
_SHINE_BRIGHTER = 0.28
_SHINE_PALER = 0.06
_GLINT_PALER = 0.25


def find_obstacles(linear_rgb: npt.NDArray[np.float32], visible: npt.NDArray[np.bool_]) -> dict[Obstacle, Mask]:
    """Find what is not bare skin, by kind.

    Parameters
    ----------
    linear_rgb : (S, S, 3) float32
        Face in the canonical frame.
    visible : (S, S) bool
        Where skin may be: the face without eyes, brows, lips and nostrils, seen well enough and not clipped.

    Returns
    -------
    dict of str to (S, S) bool
        True where it lies; no px is of two kinds. ``glasses``: frames, and the skin behind lenses; ``covered``: cloth,
        bands, caps; ``hair``: of the head; ``beard``: beard and stubble; ``shadow``: deep shadow and dark things;
        ``shine``: reflected light.

    Notes
    -----
    Redness never decides: the two planes that are looked at, a shade and ln G − ln B, do not change with blood, and
    the shade does not change with melanin either, so freckles and moles stay. White balance and exposure shift both
    planes as a whole, which changes nothing.

    Not found: rimless glasses and frames as bright as the skin, hands and other skin in front of the face, make-up.
    """
    side = linear_rgb.shape[0]
    look = estimate_appearance(linear_rgb, visible)
    if look is None:
        return {kind: np.zeros((side, side), bool) for kind in _FINDERS}
    taken = np.zeros((side, side), bool)
    found: dict[Obstacle, Mask] = {}
    for kind, find in _FINDERS.items():
        mask = _enlarge(find(look), side)
        mask &= visible & ~taken
        taken |= mask
        found[kind] = mask
    return found


def _zone(*corners: tuple[float, float]) -> Mask:
    """Fill an outline given on the client's right half (1/1092 of the frame), and its mirror image."""
    points = np.round(np.array(corners) * (_SIDE / _GRID)).astype(np.int32)
    mask = np.zeros((_SIDE, _SIDE), np.uint8)
    cv2.fillPoly(mask, [points], 1)
    return np.asarray((mask | mask[:, ::-1]) > 0)


@lru_cache(maxsize=1)
def _beard_zone() -> Mask:
    """Where beards grow: sideburns, jaw, lower cheek, upper lip, chin."""
    return _zone(
        (546, 648), (470, 648), (420, 690), (390, 705), (300, 725), (225, 700), (196, 560), (190, 430), (0, 430),
        (0, 1092), (546, 1092),
    )  # fmt: skip


@lru_cache(maxsize=1)
def _fringe_zone() -> Mask:
    """Where hair hangs into the face: forehead and temples."""
    return _zone((546, 0), (546, 300), (210, 330), (190, 470), (0, 470), (0, 0))


def _grow(seed: Mask, within: Mask, *, least_px: int) -> Mask:
    """Connected parts of ``within`` that hold a seed and are large enough."""
    if not (seed & within).any():
        return np.zeros_like(within)
    n_labels, labels, stats, _ = cv2.connectedComponentsWithStats(within.astype(np.uint8), connectivity=8)
    kept = np.zeros(n_labels, bool)
    kept[np.unique(labels[seed & within])] = True
    kept &= stats[:, cv2.CC_STAT_AREA] >= least_px
    kept[0] = False
    return np.asarray(kept[labels])


def _close(mask: Mask, size: int) -> Mask:
    if not mask.any():
        return mask
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0)


def _find_hair(look: Appearance) -> Mask:
    """Hair of the head: dark patches that come in over the edge of the face, and dark strands."""
    zone = look.inside & _fringe_zone()
    strand = (look.strands > _STRAND_CERTAIN) & (look.darkness > 0.36)
    certain = zone & (strand | (look.rim & (look.darkness > _HAIR_DARK)))
    likely = (look.darkness > _HAIR_DARK_LIKELY) | ((look.strands > _STRAND_LIKELY) & (look.darkness > 0.15))
    # What shows between strands of hair is not skin worth measuring.
    return _close(_grow(certain, zone & likely, least_px=150), 17) & look.inside


def _find_beard(look: Appearance) -> Mask:
    """Beard and stubble: dense fine dark detail where beards grow."""
    zone = look.inside & _beard_zone()
    likely = zone & (look.bristle > _BRISTLE_LIKELY)
    return _close(_grow(look.bristle > _BRISTLE_CERTAIN, likely, least_px=700), 17) & zone


def _find_shadow(look: Appearance) -> Mask:
    dark = look.inside & (look.darkness > _SHADOW)
    return _grow(dark, dark, least_px=60)


def _find_covers(look: Appearance) -> Mask:
    """Cloth, bands, caps: a patch of a colour, blind to blood, that no light on skin has, reaching in over the edge."""
    strange = np.abs(look.tint)
    likely = look.inside & (strange > _TINT_LIKELY)
    return _close(_grow(look.rim & (strange > _TINT_CERTAIN), likely, least_px=1500), 17) & look.inside


def _find_glasses(look: Appearance) -> Mask:
    """A dark bar across the bridge of the nose, the frame that hangs on it, and the skin behind the lenses."""
    rows, half = slice(round(0.32 * _SIDE), round(0.48 * _SIDE)), _SIDE // 2
    bars = []
    for centre, bend in ((half - 12, 13), (half, 1), (half + 12, 13)):  # the ridge and both flanks of the nose
        profile = np.median(look.shade[:, centre - 6 : centre + 6], axis=1).astype(np.float32)[:, None]
        depth = cv2.morphologyEx(profile, cv2.MORPH_CLOSE, np.ones((45, 1), np.uint8)) - profile
        # A bridge is bent: on the flanks it may lie a few mm higher or lower.
        bars.append(cv2.dilate(depth, np.ones((bend, 1), np.uint8))[rows, 0])
    is_bar = np.min(bars, axis=0) > _FRAME
    if np.count_nonzero(is_bar) < 3:
        return np.zeros_like(look.inside)
    bridge = np.zeros(look.inside.shape, bool)
    bridge[rows, half - 6 : half + 6] = is_bar[:, None]
    depth = cv2.morphologyEx(look.shade, cv2.MORPH_CLOSE, np.ones((45, 45), np.uint8)) - look.shade
    dark = depth > _FRAME
    dark[: round(0.22 * _SIDE)] = dark[round(0.6 * _SIDE) :] = False
    frame = _close(_grow(bridge, dark | bridge, least_px=0), 9)
    contours, _ = cv2.findContours(frame.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    with_lenses = cv2.drawContours(np.zeros(frame.shape, np.uint8), contours, -1, 1, thickness=cv2.FILLED) > 0
    for name in ("periorbital_left", "periorbital_right"):
        with_lenses |= region_mask(name, _SIDE)
    return np.asarray(with_lenses & look.inside)


def _find_shine(look: Appearance) -> Mask:
    """Reflected light: brighter and paler than the skin within a centimetre."""
    shine = look.inside & (look.brighter > _SHINE_BRIGHTER) & (look.paler > _SHINE_PALER)
    # A glint, of jewellery or wet skin, spills over its edge.
    glint = (shine & (look.paler > _GLINT_PALER)).astype(np.uint8)
    shine |= look.inside & (cv2.dilate(glint, np.ones((5, 5), np.uint8)) > 0)
    return _grow(shine, shine, least_px=12)


def _enlarge(mask: Mask, side: int) -> Mask:
    """To the frame's own size, with half a millimetre around."""
    if not mask.any():
        return np.zeros((side, side), bool)
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(cv2.resize(grown.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR) > 0.25)


# In order: where two see something, the first names it.
_FINDERS: dict[Obstacle, Callable[[Appearance], Mask]] = {
    "glasses": _find_glasses,
    "covered": _find_covers,
    "hair": _find_hair,
    "beard": _find_beard,
    "shadow": _find_shadow,
    "shine": _find_shine,
}
