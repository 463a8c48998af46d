"""What happens to photos between a camera and a clinic, one thing at a time: the skin stays what it was."""

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import encode_srgb8, srgb_to_linear
from skinprogress.synthetic.rephotograph import Rephotograph, rephotograph

Family = Literal["copy", "blur", "noise", "JPEG", "size", "exposure", "colour", "shading", "turn"]

_GRAIN_PX = 0.6
_NOTHING = Rephotograph(jpeg_quality=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """One way to disturb a photo.

    Attributes
    ----------
    name : str
    family : str
        Disturbances of one kind in different strengths.
    strength : str
        As it stands in tables.
    params : Rephotograph
        What is done in linear light; by default nothing, not even JPEG.
    size : float
        Factor on width and height; detail is averaged, as programs do that send photos.
    noise : float
        Standard deviation, 8-bit sRGB steps, of each channel.
    shading : float
        How much brighter one side of the face is lit than the other: 0.3 is 30 %.
    """

    name: str
    family: Family
    strength: str
    params: Rephotograph = _NOTHING
    size: float = 1.0
    noise: float = 0.0
    shading: float = 0.0


DISTURBANCES: dict[str, Disturbance] = {
    row.name: row
    for row in (
        Disturbance(name="copy", family="copy", strength=""),
        Disturbance(name="blur_0.5", family="blur", strength="0.5", params=replace(_NOTHING, blur_px=0.5)),
        Disturbance(name="blur_1", family="blur", strength="1", params=replace(_NOTHING, blur_px=1.0)),
        Disturbance(name="blur_1.5", family="blur", strength="1.5", params=replace(_NOTHING, blur_px=1.5)),
        Disturbance(name="noise_2", family="noise", strength="2", noise=2.0),
        Disturbance(name="noise_5", family="noise", strength="5", noise=5.0),
        Disturbance(name="jpeg_90", family="JPEG", strength="90", params=replace(_NOTHING, jpeg_quality=90)),
        Disturbance(name="jpeg_75", family="JPEG", strength="75", params=replace(_NOTHING, jpeg_quality=75)),
        Disturbance(name="jpeg_50", family="JPEG", strength="50", params=replace(_NOTHING, jpeg_quality=50)),
        Disturbance(name="size_0.75", family="size", strength="0.75", size=0.75),
        Disturbance(name="size_0.5", family="size", strength="0.5", size=0.5),
        Disturbance(name="exposure_0.6", family="exposure", strength="0.6", params=replace(_NOTHING, exposure=0.6)),
        Disturbance(name="exposure_1.4", family="exposure", strength="1.4", params=replace(_NOTHING, exposure=1.4)),
        Disturbance(
            name="white_balance", family="colour", strength="±5%", params=replace(_NOTHING, gains=(1.05, 1.0, 0.95))
        ),
        Disturbance(name="shading_30", family="shading", strength="30%", shading=0.3),
        Disturbance(name="rotation_8", family="turn", strength="8°", params=replace(_NOTHING, rotation_deg=8.0)),
    )
}
"""The grid of ``validate metrics``; ``copy`` changes nothing. Blur is in photo px, quality as OpenCV counts it."""


def disturb(
    rgb: npt.NDArray[np.uint8], disturbance: Disturbance, *, face_width_px: float, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Disturb a photo in one way.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        sRGB.
    disturbance : Disturbance
    face_width_px : float
        Width of the face, which the shading spans; the middle of the photo keeps its brightness.
    rng : numpy Generator
        For the noise.

    Returns
    -------
    (h, w, 3) uint8
        sRGB. Light that exceeds what sRGB can hold is clipped, as a camera does it.

    Notes
    -----
    Noise is added to the encoded values of each channel by itself, about half a px wide as after demosaicing: so it
    weighs more in bands of some px than noise that differs from px to px. Everything else happens in linear light.

    Examples
    --------
    >>> grey = np.full((40, 40, 3), 120, np.uint8)
    >>> disturb(grey, DISTURBANCES["exposure_0.6"], face_width_px=20.0, rng=np.random.default_rng(0))[0, 0, 0]
    np.uint8(94)
    """
    if disturbance.noise:
        return _add_noise(rgb, disturbance.noise, rng)
    linear = srgb_to_linear(rgb)
    if disturbance.size != 1.0:
        width, height = (max(1, round(side * disturbance.size)) for side in (rgb.shape[1], rgb.shape[0]))
        return encode_srgb8(np.asarray(cv2.resize(linear, (width, height), interpolation=cv2.INTER_AREA), np.float32))
    if disturbance.shading:
        span = 2.0 * face_width_px / rgb.shape[1]  # of the photo's −1..1
        across = np.linspace(-1.0, 1.0, rgb.shape[1], dtype=np.float32) / np.float32(span)
        linear = linear * np.exp(np.float32(np.log1p(disturbance.shading)) * across)[None, :, None]
    return rephotograph(linear, disturbance.params, rng=rng)[0]


def _add_noise(rgb: npt.NDArray[np.uint8], noise: float, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    grain = np.asarray(cv2.GaussianBlur(rng.standard_normal(rgb.shape, np.float32), (0, 0), _GRAIN_PX), np.float32)
    grain *= np.float32(noise / float(grain.std()))
    return np.asarray(np.clip(np.rint(rgb + grain), 0.0, 255.0), np.uint8)
