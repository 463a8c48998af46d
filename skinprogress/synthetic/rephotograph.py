"""Take a simulated photo of a photo: other light, other hand, other lens, other file, same skin."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import apply_matrix, encode_srgb8, linear_to_srgb, srgb_to_linear

Tier = Literal["T0", "T1"]
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rephotograph:
    """How one photo is taken; the defaults change nothing.

    Attributes
    ----------
    rotation_deg, scale, shift : float, float, (float, float)
        Similarity about the middle of the photo; clockwise; shift as share of the width and the height.
    gains : (float, float, float)
        Factors on linear R, G and B: the colour of the light.
    exposure : float
        Factor on all three.
    shading : five floats
        Natural log of the light over the photo: terms x, y, x², xy, y², x and y from −1 to 1.
    mixed_light : (float, float)
        Second light of another colour: change of ln(R/B) from edge to edge, along x and along y.
    blur_px : float
        Sigma of a Gaussian blur.
    noise : float
        Standard deviation of the sensor's noise at middle grey, 8-bit sRGB steps; shot noise, so less in the dark.
    gamma, saturation : float
        Tone curve on encoded values, factor on the distance from grey in linear light.
    veil : float
        White light added over everything, 0..1.
    jpeg_quality : int or None
        None leaves the JPEG step out.
    """

    rotation_deg: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    exposure: float = 1.0
    shading: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    mixed_light: tuple[float, float] = (0.0, 0.0)
    blur_px: float = 0.0
    noise: float = 0.0
    gamma: float = 1.0
    saturation: float = 1.0
    veil: float = 0.0
    jpeg_quality: int | None = 95

    def matrix(self, shape_hw: tuple[int, int], out_hw: tuple[int, int] | None = None) -> npt.NDArray[np.float64]:
        """Where points of the original come to lie, px edges at integers.

        Parameters
        ----------
        shape_hw : (int, int)
            Height and width of the original.
        out_hw : (int, int) or None
            Height and width of the new photo, which shows the middle of the original; None: the same size.

        Returns
        -------
        (2, 3) float64
            Use with :func:`skinprogress.face.canonical.apply_affine`.
        """
        height, width = out_hw or shape_hw
        angle = np.radians(self.rotation_deg)
        linear = self.scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = np.array([shape_hw[1], shape_hw[0]]) / 2
        target = np.array([width * (0.5 + self.shift[0]), height * (0.5 + self.shift[1])])
        return np.concatenate([linear, (target - linear @ middle)[:, None]], axis=1)


def draw_rephotograph(rng: np.random.Generator, *, tier: Tier = "T0", strength: float = 1.0) -> Rephotograph:
    """Draw the circumstances of one photo.

    Parameters
    ----------
    rng : numpy Generator
        Seed it: the same generator state gives the same photo.
    tier : {'T0', 'T1'}
        T0: light colour ±4 %, exposure ±15 %, mild shading, rotation ±3°, scale ±5 %, shift ±2 %, blur, noise, JPEG.
        T1: also light of two colours, a tone curve (gamma 0.88–1.12), saturation 0.9–1.12 and a veil of 0–2 %.
    strength : float
        Factor on all deviations; 0 changes nothing but the JPEG step.

    Returns
    -------
    Rephotograph

    Notes
    -----
    Both tiers flatter every method: no change of light direction, no other camera spectrum, no turned head.
    """
    if tier not in ("T0", "T1"):
        raise ValueError(f"unknown tier {tier!r}: choose T0 or T1")

    def sway(width: float) -> float:
        return float(rng.uniform(-width, width) * strength)

    rotation, log_scale = sway(3.0), sway(np.log(1.05))
    shift = (sway(0.02), sway(0.02))
    gains = (float(np.exp(sway(0.04))), 1.0, float(np.exp(sway(0.04))))
    exposure = float(np.exp(sway(np.log(1.15))))
    s = [sway(w) for w in (0.06, 0.06, 0.04, 0.03, 0.04)]
    blur, noise = float(rng.uniform(0.0, 0.7)) * strength, float(rng.uniform(0.6, 1.6)) * strength
    quality = int(rng.integers(86, 96))
    # Drawn for both tiers, so that one seed gives the same hand and light in each.
    mixed = (sway(0.05), sway(0.05))
    gamma, saturation = float(np.exp(sway(np.log(1.12)))), float(1.0 + sway(0.11) + 0.01 * strength)
    veil = float(rng.uniform(0.0, 0.02)) * strength
    t1 = tier == "T1"
    return Rephotograph(
        rotation_deg=rotation,
        scale=float(np.exp(log_scale)),
        shift=shift,
        gains=gains,
        exposure=exposure,
        shading=(s[0], s[1], s[2], s[3], s[4]),
        blur_px=blur,
        noise=noise,
        jpeg_quality=quality,
        mixed_light=mixed if t1 else (0.0, 0.0),
        gamma=gamma if t1 else 1.0,
        saturation=saturation if t1 else 1.0,
        veil=veil if t1 else 0.0,
    )


def rephotograph(
    linear_rgb: npt.NDArray[np.floating],
    params: Rephotograph,
    *,
    rng: np.random.Generator,
    out_hw: tuple[int, int] | None = None,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """Take a photo of a scene that is given as a photo.

    Parameters
    ----------
    linear_rgb : (H, W, 3) float
        The scene, linear sRGB.
    params : Rephotograph
    rng : numpy Generator
        For the noise alone.
    out_hw : (int, int) or None
        Height and width of the new photo, which shows the middle of the scene; None: the same size.

    Returns
    -------
    rgb : (h, w, 3) uint8
        sRGB.
    matrix : (2, 3) float64
        Carries points of the scene to the new photo, px edges at integers.
    """
    matrix = params.matrix((linear_rgb.shape[0], linear_rgb.shape[1]), out_hw)
    image = _warp(np.asarray(linear_rgb, np.float32), matrix, out_hw or (linear_rgb.shape[0], linear_rgb.shape[1]))
    image = image * _light(params, (image.shape[0], image.shape[1]))
    if params.blur_px > 0.0:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), params.blur_px), np.float32)
    if params.veil:
        image = image * np.float32(1.0 - params.veil) + np.float32(params.veil)
    if params.saturation != 1.0:
        grey = np.tile(_LUMINANCE, (3, 1))
        image = apply_matrix(image, grey + params.saturation * (np.eye(3) - grey))
    if params.noise > 0.0:
        image = _add_noise(image, params.noise, rng)
    if params.gamma != 1.0:
        image = srgb_to_linear(np.power(linear_to_srgb(np.clip(image, 0.0, 1.0)), np.float32(params.gamma)))
    rgb = encode_srgb8(image)
    return (rgb if params.jpeg_quality is None else _through_jpeg(rgb, params.jpeg_quality)), matrix


def _warp(
    image: npt.NDArray[np.float32], matrix: npt.NDArray[np.float64], out_hw: tuple[int, int]
) -> npt.NDArray[np.float32]:
    if image.shape[:2] == out_hw and np.allclose(matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-9):
        return image
    # Ours have px edges at integers, OpenCV's px centres.
    to_centres = matrix.copy()
    to_centres[:, 2] += 0.5 * matrix[:, :2].sum(axis=1) - 0.5
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale < 0.7:  # average down first, or fine detail turns into moiré
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.4 / scale), np.float32)
    out = cv2.warpAffine(
        image, to_centres, (out_hw[1], out_hw[0]), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.maximum(np.asarray(out, np.float32), 0.0)


def _light(params: Rephotograph, shape_hw: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Factor of the light on every px and channel, (H, W, 3) or (1, 1, 3)."""
    gains = np.array(params.gains, np.float32) * np.float32(params.exposure)
    if not any(params.shading) and not any(params.mixed_light):
        return gains.reshape(1, 1, 3)
    x = np.linspace(-1.0, 1.0, shape_hw[1], dtype=np.float32)[None, :]
    y = np.linspace(-1.0, 1.0, shape_hw[0], dtype=np.float32)[:, None]
    a, b, c, d, e = params.shading
    log = a * x + b * y + c * x * x + d * x * y + e * y * y
    tint = (params.mixed_light[0] * x + params.mixed_light[1] * y) / 4  # half to red, half to blue, over two units
    return np.asarray(np.exp(np.stack([log + tint, log, log - tint], axis=2)) * gains, np.float32)


def _add_noise(image: npt.NDArray[np.float32], noise: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Shot noise: its variance grows with the light. Half a px wide, as after a camera's demosaicing."""
    grain = rng.standard_normal(image.shape, np.float32)
    grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), 0.6), np.float32)
    grain *= np.float32(1.0 / max(float(grain.std()), 1e-6))
    middle = 0.2140  # linear value of encoded 0.5, where one 8-bit step is 0.0065 of linear light
    deviation = np.float32(noise * 0.0065) * np.sqrt(np.clip(image, 0.0, None) / np.float32(middle))
    return np.asarray(image + deviation * grain, np.float32)


def _through_jpeg(rgb: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    ok, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise RuntimeError("OpenCV could not write the JPEG in memory")
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])
