"""What lies on the skin, or hides it, in a face of the canonical frame: hair, beard, glasses, covers, shine, shadow."""

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.appearance import SIDE_PX as _SIDE
from skinprogress.face.appearance import Appearance, Mask, estimate_appearance, medians_nearby
from skinprogress.face.regions import OUTLINE_UNIT, region_mask

Obstacle = Literal["glasses", "covered", "hair", "beard", "shadow", "shine"]

# Beard: this much more fine dark detail than on the upper face, natural log, helped by darkness.
_BRISTLE_CERTAIN = 1.2
_BRISTLE_LIKELY = 0.7
# Strands: depth of dark lines in units of the usual detail.
_STRAND_CERTAIN = 4.0
_STRAND_LIKELY = 2.6
# Hair at the edge of the face: this much darker than the light on the face explains.
_HAIR_DARK = 0.75
_HAIR_DARK_LIKELY = 0.62
# Fair hair: a little darker and streaky at least; and streaky, dark and of another colour taken together.
_FAIR_DARK = 0.2
_FAIR_STREAKY = 0.3
_FAIR_CERTAIN = 2.8
_FAIR_LIKELY = 1.8
# Blond and brown hair: a little darker and this much yellower than the light on the face explains.
_BLOND_DARK = 0.28
_BLOND_CERTAIN = 0.3
_BLOND_LIKELY = 0.1
# Frames of glasses: this much darker than the skin above and below.
_FRAME = 0.6
# Cloth: ln G − ln B this far from what the light explains.
_TINT_CERTAIN = 0.5
_TINT_LIKELY = 0.3
_COVER_STREAKS = 0.5
# Deep shadow and dark things that are not hair: darker than the light on the face explains.
_SHADOW = 0.85
# Shine: this much brighter than the skin within a centimetre, and this much less yellow: in all, and as a share of
# what it is brighter, because light on a ridge brightens skin without making it pale.
_SHINE_BRIGHTER = 0.22
_SHINE_PALER = 0.06
_SHINE_PALER_SHARE = 0.25
_SHINE_CERTAIN = 0.6  # brighter and paler taken together, somewhere in it
_GLINT_PALER = 0.25
# Pale patches: paler and brighter than the light on the face explains, with a hard edge on this share of the outline.
_PATCH_PALER = 0.2
_PATCH_BRIGHTER = 0.1
_PATCH_STEP = 0.2
_PATCH_HARD = 0.7


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
    Redness never decides: the planes that are looked at, a shade, a glare and ln G − ln B, do not change with blood,
    and the shade does not change with melanin either, so freckles and moles stay. White balance and exposure shift the
    planes as a whole, which changes nothing.

    Not found: rimless glasses and frames as bright as the skin, hands and other skin in front of the face, make-up.
    """
    side = linear_rgb.shape[0]
    look = estimate_appearance(linear_rgb, visible)
    if look is None:
        return {kind: np.zeros((side, side), bool) for kind in _FINDERS}
    free, left = look.inside, visible
    found: dict[Obstacle, Mask] = {}
    for kind, find in _FINDERS.items():
        small = find(look, free)
        found[kind] = _enlarge(small, side) & left
        free, left = free & ~small, left & ~found[kind]
    return found


def _zone(*corners: tuple[float, float]) -> Mask:
    """Fill an outline given on the client's right half (in units of 1/1092 of the frame), and its mirror image."""
    points = np.round(np.array(corners) * (_SIDE / OUTLINE_UNIT)).astype(np.int32)
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


def _grow(seed: Mask, within: Mask, *, least_px: int, least_seed_px: int = 1) -> Mask:
    """Connected parts of ``within`` that hold enough of a seed and are large enough."""
    if not (seed & within).any():
        return np.zeros_like(within)
    # Labels are slow: only where there is something.
    x, y, width, height = cv2.boundingRect(within.astype(np.uint8))
    box = (slice(y, y + height), slice(x, x + width))
    n_labels, labels, stats, _ = cv2.connectedComponentsWithStats(within[box].astype(np.uint8), connectivity=8)
    kept = np.bincount(labels[(seed & within)[box]], minlength=n_labels) >= least_seed_px
    kept &= stats[:, cv2.CC_STAT_AREA] >= least_px
    kept[0] = False
    grown = np.zeros_like(within)
    grown[box] = kept[labels]
    return grown


def _close(mask: Mask, size: int) -> Mask:
    if not mask.any():
        return mask
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0)


def _fill(mask: Mask) -> Mask:
    """The mask without holes."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros(mask.shape, np.uint8), contours, -1, 1, thickness=cv2.FILLED)
    return np.asarray(filled > 0)


def _with_cut_off(look: Appearance, hair: Mask) -> Mask:
    """Hair, and what lies beside it and cannot be reached from the nose but through it or a gap of 4 mm."""
    if not hair.any():
        return hair
    kernel = np.ones((11, 11), np.uint8)
    inner = cv2.erode((_fill(look.inside) & ~hair).astype(np.uint8), kernel, borderValue=0)
    n_labels, labels = cv2.connectedComponents(inner, connectivity=4)
    main = np.argmax(np.bincount(labels.ravel(), minlength=n_labels)[1:]) + 1 if n_labels > 1 else 0
    reached = cv2.dilate((labels == main).astype(np.uint8), kernel) > 0
    return _grow(hair, hair | (look.inside & _fringe_zone() & ~reached), least_px=0)


def _find_hair(look: Appearance, free: Mask) -> Mask:
    """Hair of the head: what comes in over the edge dark, or less dark but streaky or yellow; and dark strands."""
    zone = free & _fringe_zone()
    fair = 1.5 * look.streaks + 1.5 * look.darkness + 2.0 * np.abs(look.tint)
    fair[(look.darkness < _FAIR_DARK) | (look.streaks < _FAIR_STREAKY)] = 0.0
    strand = (look.strands > _STRAND_CERTAIN) & (look.darkness > 0.36)
    blond = np.where(look.darkness > _BLOND_DARK, look.tint, 0.0)
    at_rim = (fair > _FAIR_CERTAIN) | (blond > _BLOND_CERTAIN) | (look.darkness > _HAIR_DARK)
    certain = zone & (strand | (look.rim & at_rim))
    likely = (look.darkness > _HAIR_DARK_LIKELY) | ((look.strands > _STRAND_LIKELY) & (look.darkness > 0.15))
    likely |= (fair > _FAIR_LIKELY) | (blond > _BLOND_LIKELY)
    hair = _close(_grow(certain, zone & likely, least_px=150, least_seed_px=12), 17)
    # What shows between strands of hair, or is cut off by them, is not skin worth measuring.
    return _with_cut_off(look, hair) & free


def _find_beard(look: Appearance, free: Mask) -> Mask:
    """Beard and stubble: dense fine dark detail where beards grow."""
    zone = free & _beard_zone()
    likely = zone & (look.bristle > _BRISTLE_LIKELY)
    return _close(_grow(look.bristle > _BRISTLE_CERTAIN, likely, least_px=700), 17) & zone


def _find_shadow(look: Appearance, free: Mask) -> Mask:
    dark = free & (look.darkness > _SHADOW)
    return _grow(dark, dark, least_px=60)


def _find_covers(look: Appearance, free: Mask) -> Mask:
    """Cloth, bands, caps: a patch of a colour, blind to blood, that no light on skin has, reaching in over the edge."""
    strange = np.abs(look.tint)
    # Hair is of another colour than skin too, but streaky, or dark and yellow.
    hairy = (cv2.blur(look.streaks, (41, 41)) > _COVER_STREAKS) | ((look.tint > 0) & (look.darkness > _BLOND_DARK))
    likely = free & ~hairy & (strange > _TINT_LIKELY)
    return _close(_grow(look.rim & (strange > _TINT_CERTAIN), likely, least_px=1500), 17) & free


def _find_glasses(look: Appearance, free: Mask) -> Mask:
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
        return np.zeros_like(free)
    bridge = np.zeros(free.shape, bool)
    bridge[rows, half - 6 : half + 6] = is_bar[:, None]
    depth = cv2.morphologyEx(look.shade, cv2.MORPH_CLOSE, np.ones((45, 45), np.uint8)) - look.shade
    dark = depth > _FRAME
    dark[: round(0.22 * _SIDE)] = dark[round(0.6 * _SIDE) :] = False
    frame = _close(_grow(bridge, dark | bridge, least_px=0), 9)
    with_lenses = _fill(frame)
    for name in ("periorbital_left", "periorbital_right"):
        with_lenses |= region_mask(name, _SIDE)
    return np.asarray(with_lenses & free)


def _find_shine(look: Appearance, free: Mask) -> Mask:
    """Reflected light: small, and both brighter and paler than the bare skin within a centimetre."""
    # Next to hair and brows neither is that of skin.
    bare = cv2.erode(free.astype(np.uint8), np.ones((7, 7), np.uint8), borderValue=0) > 0
    usual_glare, usual_yellow = medians_nearby((look.glare, look.yellow), bare)
    brighter, paler = look.glare - usual_glare, usual_yellow - look.yellow
    shine = free & (brighter > _SHINE_BRIGHTER) & (paler > np.maximum(_SHINE_PALER, _SHINE_PALER_SHARE * brighter))
    # A glint, of jewellery or wet skin, spills over its edge.
    glint = (shine & (paler > _GLINT_PALER)).astype(np.uint8)
    shine |= free & (cv2.dilate(glint, np.ones((5, 5), np.uint8)) > 0)
    return _grow(brighter + paler > _SHINE_CERTAIN, shine, least_px=12) | _find_pale_patches(look, free)


def _find_pale_patches(look: Appearance, free: Mask) -> Mask:
    """Plasters, blobs of cream, wet patches: larger than shine, told from a change of light by their hard edge."""
    pale = (free & (look.tint < -_PATCH_PALER) & (look.darkness < -_PATCH_BRIGHTER)).astype(np.uint8)
    n_labels, labels = cv2.connectedComponents(pale)
    if n_labels == 1:
        return np.zeros_like(free)
    outline = (pale > 0) & (cv2.erode(pale, np.ones((3, 3), np.uint8)) == 0)
    step = cv2.morphologyEx(look.yellow, cv2.MORPH_GRADIENT, np.ones((9, 9), np.uint8))
    around, hard = (np.bincount(labels[at], minlength=n_labels) for at in (outline, outline & (step > _PATCH_STEP)))
    kept = hard > np.maximum(_PATCH_HARD * around, 30)
    kept[0] = False
    return np.asarray(cv2.dilate(kept[labels].astype(np.uint8), np.ones((5, 5), np.uint8)) > 0) & free


def _enlarge(mask: Mask, side: int) -> Mask:
    """To the frame's own size, with half a millimetre around."""
    if not mask.any():
        return np.zeros((side, side), bool)
    grown = cv2.dilate(mask.astype(np.uint8) * 255, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.resize(grown, (side, side), interpolation=cv2.INTER_LINEAR) > 63)


# In order: where two see something, the first names it.
_FINDERS: dict[Obstacle, Callable[[Appearance, Mask], Mask]] = {
    "glasses": _find_glasses,
    "covered": _find_covers,
    "hair": _find_hair,
    "beard": _find_beard,
    "shadow": _find_shadow,
    "shine": _find_shine,
}
