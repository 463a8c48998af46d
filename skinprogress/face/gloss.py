"""Broad soft shine: a veil of white light over part of the face, which fakes paler skin."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.regions import OUTLINE_UNIT, region_mask

Mask = npt.NDArray[np.bool_]
Plane = npt.NDArray[np.float32]

# Side of the shrunk face: about 1.8 mm a px; what is sought is a centimetre wide and more.
_SIDE = 128
_PX_PER_MM = 4.4 / 1024 * _SIDE
# From −ln of linear R, G, B: amounts along the axes of haemoglobin (0.23, 0.69, 0.68), melanin (0.24, 0.48, 0.85) and
# shading. A veil of white light looks like less melanin and hardly touches the other two: not more than a sixth as
# much on light skin, a half on dark. Brightness does not tell it from shading, so only the pallor is looked at.
_PALLOR = np.array([[-0.06, -2.61, 2.67]], np.float32)
_DARKEST = 0.002
# The pallor of a spot is that over 2 mm against that over 20 mm around: a bump.
_FINE_MM, _COARSE_MM = 2.0, 20.0
_CORE_MM = 16.0
# Where the face bulges toward the camera and its lamp: middle (on the client's right half, 1/1092 of the frame), and
# the bump beyond which shine is said to be there. Faces that look matt reach 0.10, 0.20 and 0.24 there.
_PLACES: dict[str, tuple[float, float, float]] = {
    "forehead": (546.0, 195.0, 0.125),
    "nose": (546.0, 500.0, 0.25),
    "cheek_right": (320.0, 560.0, 0.27),
    "cheek_left": (OUTLINE_UNIT - 320.0, 560.0, 0.27),
}
# a*-equivalents of redness that a bump of 1 costs: 12 to 25 by painted veils 15 to 20 mm wide on medium and dark skin;
# five foreheads that really shine lose 15 to 27. On light skin more, but little of it is found there.
_LOST = 17.0
# Two cheeks differ by more in pallor only under lights of two colours.
_ONE_SIDED = 0.3
_MIN_PX = 12


@dataclass(frozen=True, slots=True)
class GlossReading:
    """Broad shine in one photo, by place: ``forehead``, ``nose``, ``cheek_left``, ``cheek_right``.

    Attributes
    ----------
    bump : dict of str to float
        How much paler than the skin around, 1 = the least that counts as shine; NaN where it cannot be judged.
    redness_lost : dict of str to float
        By how much the veil lowers the redness in the middle of each place that shines, a*-equivalents.
    """

    bump: Mapping[str, float]
    redness_lost: Mapping[str, float]

    @property
    def places(self) -> tuple[str, ...]:
        """Where it shines."""
        return tuple(name for name, strength in self.bump.items() if strength >= 1.0)

    @property
    def shiny(self) -> bool:
        """True where some place shines."""
        return bool(self.places)


def find_gloss(linear_rgb: npt.NDArray[np.float32], skin: Mask, *, shine: Mask | None = None) -> GlossReading:
    """Look for soft shine a centimetre or more wide on forehead, nose and cheeks.

    Parameters
    ----------
    linear_rgb : (S, S, 3) float32
        Face in the canonical frame, linear sRGB; white balance and exposure do not matter.
    skin : (S, S) bool
        Usable skin.
    shine : (S, S) bool, optional
        Small bright spots that were left out of it: the shine around them is part of the same.

    Returns
    -------
    GlossReading

    Notes
    -----
    Redness never decides: the plane that is looked at is blind to blood and to shading. In one photo a soft white veil
    cannot be told from skin with less melanin, except that it stands where the face is curved toward the light: pale
    patches of skin in just these places are taken for it, and a veil over the whole face is not seen.

    Of painted veils 15 to 30 mm wide on medium and dark skin nearly all are found from 5 % on on the forehead; on nose
    and cheeks most from 20 % on, and some at 10 %. On light skin, brightly exposed, hardly any is found: 10 % there
    lowers the redness by 1 to 3 a*-equivalents unseen. No shine found is no proof that there is none.

    References
    ----------
    Shafer 1985, "Using color to separate reflection components", Color Research and Application 10.
    """
    # Every second or third px of a large frame says the same in a fraction of the time.
    grid = (slice(None, None, max(linear_rgb.shape[0] // (4 * _SIDE), 1)),) * 2
    size = (_SIDE, _SIDE)
    usable = skin[grid] if shine is None else skin[grid] | shine[grid]
    small = np.asarray(cv2.resize(np.ascontiguousarray(linear_rgb[grid]), size, interpolation=cv2.INTER_AREA))
    bare = np.asarray(cv2.resize(usable.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)) > 230
    density = -np.asarray(cv2.log(np.maximum(small, _DARKEST)), np.float32)
    melanin = np.asarray(cv2.transform(density, _PALLOR), np.float32)
    unknown = dict.fromkeys(_PLACES, float("nan"))
    cheeks = [melanin[bare & region_mask(name, _SIDE)] for name in ("cheek_left", "cheek_right")]
    one_sided = min(map(len, cheeks)) >= _MIN_PX and abs(np.median(cheeks[0]) - np.median(cheeks[1])) > _ONE_SIDED
    if one_sided or np.count_nonzero(bare) < 10 * _MIN_PX:
        return GlossReading(unknown, {})
    bump = _blur(melanin, bare, _COARSE_MM) - _blur(melanin, bare, _FINE_MM)
    paler = {name: _median(bump, core & bare) for name, core in _cores().items()}
    strength = {name: value / _PLACES[name][2] for name, value in paler.items()}
    lost = {name: _LOST * value for name, value in paler.items() if strength[name] >= 1.0}
    return GlossReading(strength, lost)


def _median(plane: Plane, where: Mask) -> float:
    values = plane[where]
    return float(np.median(values)) if values.size >= _MIN_PX else float("nan")


def _blur(plane: Plane, known: Mask, sigma_mm: float) -> Plane:
    """Gaussian mean over the known px."""
    total = cv2.GaussianBlur(np.where(known, plane, np.float32(0.0)), (0, 0), sigma_mm * _PX_PER_MM)
    reach = cv2.GaussianBlur(known.astype(np.float32), (0, 0), sigma_mm * _PX_PER_MM)
    return np.asarray(total / np.maximum(reach, 0.02), np.float32)


@lru_cache(maxsize=1)
def _cores() -> dict[str, Mask]:
    """Discs in which the bump is taken, by place."""
    rows, columns = np.mgrid[:_SIDE, :_SIDE] + 0.5
    radius = _CORE_MM / 2.0 * _PX_PER_MM
    scale = _SIDE / OUTLINE_UNIT
    return {
        name: (columns - x * scale) ** 2 + (rows - y * scale) ** 2 < radius**2 for name, (x, y, _) in _PLACES.items()
    }
