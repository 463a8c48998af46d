"""How treated skin looks along a course of needling: redness that fades, peeling, smoother and calmer skin."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.synthetic.changes import canonical_weight, inject_pigment, inject_texture, redness_per_unit
from skinprogress.synthetic.portrait import SIDE_PX, Portrait
from skinprogress.synthetic.skin_detail import band_noise, draw_flakes, draw_needle_marks
from skinprogress.synthetic.surface import CANONICAL_PX_PER_MM

NOT_TREATED = ("periorbital_left", "periorbital_right")
PEAK_REDNESS: Mapping[str, float] = {
    "face": 5.5, "forehead": 7.0, "glabella": 6.5, "nose": 5.5, "cheek_left": 6.0, "cheek_right": 6.0, "upper_lip": 6.5,
    "chin": 6.0, "jaw_left": 6.0, "jaw_right": 6.0,
}  # fmt: skip
"""Redness right after a treatment, a*-equivalents above the untreated skin."""

DECAY_HOURS = 27.0
"""Redness falls as exp(−t / this); clinics quote a day to three until it is gone."""

_CREAM_WHITE = np.array([0.93, 0.94, 0.95], np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class SkinState:
    """What is different from the untreated skin.

    Attributes
    ----------
    hours_after : float or None
        Hours since the last treatment; None before the first.
    cheek_redness : float
        Lasting change of redness on the cheeks, a*-equivalents.
    texture_gain, tone_gain : float
        Factors on the contrast of luminance at 1–4 mm and at 4–16 mm.
    flaking : float
        0..1: how much the skin peels.
    cream : float
        0..1: numbing cream on the skin, whitish, with the skin below a little blanched.
    """

    hours_after: float | None = None
    cheek_redness: float = 0.0
    texture_gain: float = 1.0
    tone_gain: float = 1.0
    flaking: float = 0.0
    cream: float = 0.0


def remaining_redness(hours_after: float) -> float:
    """Share of the redness right after a treatment that is left, 0..1.

    Examples
    --------
    >>> [round(remaining_redness(h), 2) for h in (0, 24, 72, 168)]
    [1.0, 0.41, 0.07, 0.0]
    """
    return float(np.exp(-hours_after / DECAY_HOURS))


def apply_state(portrait: Portrait, state: SkinState, *, seed: int) -> npt.NDArray[np.float32]:
    """Change a portrait's skin.

    Parameters
    ----------
    portrait : Portrait
    state : SkinState
    seed : int
        Of blotches, dots and flakes; the same seed puts them at the same places.

    Returns
    -------
    (H, W, 3) float32
        Linear sRGB, a new array.
    """
    image = portrait.linear_rgb.copy()
    treated = portrait.draw(_weight({"face": 1.0}, exclude=NOT_TREATED, feather_mm=5.0))
    for gain, band_mm in ((state.tone_gain, (4.0, 16.0)), (state.texture_gain, (1.0, 4.0))):
        image = inject_texture(image, treated, gain=gain, mm_per_px=portrait.mm_per_px, band_mm=band_mm)
    if state.flaking:
        flakes = portrait.draw(state.flaking * draw_flakes(seed, side_px=SIDE_PX))
        image = image * np.exp(1.5 * flakes * treated)[..., None]
    image = inject_pigment(image, portrait.draw(_blood(state, seed)), direction="haemoglobin")
    return _spread_cream(image, portrait, treated, state.cream, seed) if state.cream else image


def _weight(
    levels: Mapping[str, float], *, exclude: tuple[str, ...] = (), feather_mm: float
) -> npt.NDArray[np.float32]:
    """Where on the face; what is no skin is left out when the plane is drawn on a portrait."""
    return canonical_weight(levels, exclude=exclude, feather_mm=feather_mm, side_px=SIDE_PX, leave_features=False)


def _per_a_star() -> float:
    """Haemoglobin that raises the redness index by one a*-equivalent."""
    return EI_PER_A_STAR / redness_per_unit("haemoglobin")


def _blood(state: SkinState, seed: int) -> npt.NDArray[np.float32]:
    """Haemoglobin added to the untreated skin, optical-density units, canonical frame."""
    amount = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    if state.hours_after is not None:
        left = remaining_redness(state.hours_after)
        peak = _weight(PEAK_REDNESS, exclude=NOT_TREATED, feather_mm=5.0)
        px = CANONICAL_PX_PER_MM * SIDE_PX
        blotches = band_noise(np.random.default_rng([seed, 21]), SIDE_PX, 5.0 * px, 20.0 * px)
        amount += np.float32(left * _per_a_star()) * peak * (1.0 + 0.16 * np.clip(blotches, -2.0, 2.0))
        # The dots close and fade faster than the flush.
        amount += np.float32(0.42 * left**1.5) * draw_needle_marks(seed, side_px=SIDE_PX)
    if state.cheek_redness:
        cheeks = _weight({"cheek_left": 1.0, "cheek_right": 1.0}, feather_mm=3.0)
        amount += np.float32(state.cheek_redness * _per_a_star()) * cheeks
    if state.cream:
        pale = _weight({"face": 1.0}, exclude=NOT_TREATED, feather_mm=6.0)
        amount -= np.float32(state.cream * 1.2 * _per_a_star()) * pale
    return amount


def _spread_cream(
    image: npt.NDArray[np.float32], portrait: Portrait, treated: npt.NDArray[np.float32], cream: float, seed: int
) -> npt.NDArray[np.float32]:
    """A whitish film, uneven as fingers leave it, that scatters light over the skin and glistens where it is thick."""
    px = CANONICAL_PX_PER_MM * SIDE_PX
    rng = np.random.default_rng([seed, 22])
    film = 0.85 + 0.2 * band_noise(rng, SIDE_PX, 6.0 * px, 25.0 * px)
    film += 0.12 * band_noise(rng, SIDE_PX, 2.0 * px, 6.0 * px)
    thickness = portrait.draw(np.clip(film, 0.1, 2.0).astype(np.float32)) * treated
    veil = np.float32(0.15 * cream) * thickness
    # The film is lit as the skin below it is: white paint in the shadow is grey.
    light = cv2.GaussianBlur(image.max(axis=2), (0, 0), 4.0 / portrait.mm_per_px)
    white = _CREAM_WHITE * np.minimum(1.5 * light, 1.0)[..., None]
    return np.asarray(image * (1.0 - veil[..., None]) + white * veil[..., None], np.float32)
