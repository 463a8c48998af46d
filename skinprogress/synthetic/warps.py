"""Known warps: a photo taken again with every point of it at a place that is known exactly."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import apply_affine
from skinprogress.face.regions import REGIONS, WHOLE_FACE
from skinprogress.synthetic.changes import ONE_PERCENT_BLOOD, inject_pigment, region_weight
from skinprogress.synthetic.rephotograph import Rephotograph, rephotograph

Points = npt.NDArray[np.float64]

_N_WAVES = 48
_BAND_ROWS = 256  # rows drawn at a time: the four-fold sampled picture of a large photo would not fit into memory
_CONVERGED_PX = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """A rotation, scale and shift, and on top of it a smooth displacement that is a sum of plane waves.

    It is written down from the warped photo to the original, as a photo is drawn, and evaluated without any grid: both
    ways are exact at every point.

    Attributes
    ----------
    matrix : (2, 3) float64
        Original to warped px, without the displacement; px edges at integers.
    wave_vectors : (n, 2) float64
        Radians per warped px.
    phases : (n,) float64
    amplitudes : (n, 2) float64
        Original px.
    """

    matrix: npt.NDArray[np.float64]
    wave_vectors: npt.NDArray[np.float64]
    phases: npt.NDArray[np.float64]
    amplitudes: npt.NDArray[np.float64]

    def sources(self, points_xy: Points) -> Points:
        """Points of the original (n, 2) that are seen at points (n, 2) of the warped photo."""
        angles = points_xy @ self.wave_vectors.T + self.phases
        return apply_affine(self._inverse(), points_xy) + np.cos(angles) @ self.amplitudes

    def at(self, points_xy: Points) -> Points:
        """Points of the warped photo (n, 2) at which points (n, 2) of the original are seen.

        Raises
        ------
        ValueError
            The displacement folds the photo over itself, so that there is no single answer.
        """
        linear = self.matrix[:, :2]
        found = apply_affine(self.matrix, points_xy)
        for _ in range(100):
            step = (points_xy - self.sources(found)) @ linear.T
            found = found + step
            if np.abs(step).max(initial=0.0) < _CONVERGED_PX:
                return np.asarray(found)
        raise ValueError("the displacement is too steep to be undone: longer waves or a smaller displacement")

    def sources_on_grid(self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """As :meth:`sources` on the grid of columns x (w,) and rows y (h,): (h, w, 2) float32."""
        inverse = self._inverse()
        # cos(a + b) = cos a cos b - sin a sin b: the sum of waves over a grid is one product of two thin matrices.
        across = np.outer(self.wave_vectors[:, 0], x)
        down = np.outer(y, self.wave_vectors[:, 1]) + self.phases
        rows, columns = np.hstack([np.cos(down), -np.sin(down)]), np.vstack([np.cos(across), np.sin(across)])
        planes = []
        for axis in (0, 1):
            waves = (rows * np.tile(self.amplitudes[:, axis], 2)) @ columns
            planes.append(waves + inverse[axis, 0] * x + inverse[axis, 1] * y[:, None] + inverse[axis, 2])
        return np.stack(planes, axis=-1).astype(np.float32)

    def _inverse(self) -> npt.NDArray[np.float64]:
        back = np.linalg.inv(self.matrix[:, :2])
        return np.concatenate([back, -(back @ self.matrix[:, 2])[:, None]], axis=1)


def draw_warp(
    rng: np.random.Generator,
    face_xy: Points,
    *,
    iod_px: float,
    max_rotation_deg: float = 8.0,
    scale_range: tuple[float, float] = (0.75, 1.0),
    displacement_percent_iod: float = 1.5,
    wavelengths_iod: tuple[float, float] = (0.5, 1.0),
) -> Warp:
    """Draw a warp of a face at random.

    Parameters
    ----------
    rng : numpy Generator
        Seed it: the same generator state gives the same warp.
    face_xy : (n, 2) float64
        Points of the face, px: it turns about their middle, and the displacement is stated over them.
    iod_px : float
        Distance between the irises, px.
    max_rotation_deg : float
        Rotation is drawn between minus and plus this.
    scale_range : (float, float)
        The warped face is this many times as large.
    displacement_percent_iod : float
        Root mean square length of the displacement over the face, % of the IOD.
    wavelengths_iod : (float, float)
        Shortest and longest wave, IOD: what no rotation and no scale can follow, and smooth as skin moves.

    Returns
    -------
    Warp
    """
    angle = np.radians(rng.uniform(-max_rotation_deg, max_rotation_deg))
    scale = float(rng.uniform(*scale_range))
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = face_xy.mean(axis=0)
    shift = rng.uniform(-0.1, 0.1, 2) * iod_px
    direction = rng.uniform(0.0, 2.0 * np.pi, _N_WAVES)
    length = rng.uniform(*wavelengths_iod, _N_WAVES) * iod_px * scale
    vectors = 2.0 * np.pi / length[:, None] * np.stack([np.cos(direction), np.sin(direction)], axis=1)
    matrix = np.concatenate([linear, (middle + shift - linear @ middle)[:, None]], axis=1)
    phases = rng.uniform(0.0, 2.0 * np.pi, _N_WAVES)
    amplitudes = rng.standard_normal((_N_WAVES, 2))
    moved = np.cos(apply_affine(matrix, face_xy) @ vectors.T + phases) @ amplitudes
    wanted = displacement_percent_iod / 100.0 * iod_px
    amplitudes *= wanted / np.sqrt((moved**2).sum(axis=1).mean())
    return Warp(matrix=matrix, wave_vectors=vectors, phases=phases, amplitudes=amplitudes)


def apply_warp(linear_rgb: npt.NDArray[np.float32], warp: Warp) -> npt.NDArray[np.float32]:
    """Draw the warped photo, of the same size as the original, by one resampling without aliasing.

    Parameters
    ----------
    linear_rgb : (H, W, 3) or (H, W) float32
        Linear light: averages of encoded values are wrong.
    warp : Warp

    Returns
    -------
    (H, W, 3) or (H, W) float32
        Beyond the edges the photo is mirrored.

    Notes
    -----
    Every new px is the mean of four places in it, as a sensor's px gathers light from all over its area. That also
    takes away most of what bilinear sampling does to fine detail, which depends on where between two px it falls.
    """
    # OpenCV 5 rounds positions to 1/32 px in pictures of two channels and is exact in those of one, three and four.
    height, width = linear_rgb.shape[:2]
    out = np.empty_like(linear_rgb)
    x = (np.arange(2 * width) + 0.5) / 2.0
    for top in range(0, height, _BAND_ROWS):
        rows = min(_BAND_ROWS, height - top)
        at = warp.sources_on_grid(x, (np.arange(2 * rows) + 0.5) / 2.0 + top) - np.float32(0.5)
        drawn = cv2.remap(  # type: ignore[call-overload]
            linear_rgb, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        out[top : top + rows] = cv2.resize(drawn, (width, rows), interpolation=cv2.INTER_AREA)
    return out


def retake_warped(
    linear_rgb: npt.NDArray[np.float32], landmarks_xy: Points, face_xy: Points, *, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], Warp]:
    """Take a photo of a face again: known warp, other light, one region redder, blur, noise, JPEG.

    Parameters
    ----------
    linear_rgb : (H, W, 3) float32
        The scene, linear sRGB.
    landmarks_xy : (478, 2) float64
        Px, edges at integers.
    face_xy : (n, 2) float64
        See :func:`draw_warp`.
    rng : numpy Generator

    Returns
    -------
    rgb : (H, W, 3) uint8
        sRGB. Light falls off by 30 % across the face, white balance is up to 10 % off in red and in blue, and one
        region has 2 % more blood in it (about 6 a* on light skin).
    warp : Warp
    """
    shape = linear_rgb.shape[0], linear_rgb.shape[1]
    iod = float(np.hypot(*(landmarks_xy[468] - landmarks_xy[473])))
    warp = draw_warp(rng, face_xy, iod_px=iod)
    region = str(rng.choice([name for name in REGIONS if name != WHOLE_FACE]))
    weight = region_weight(landmarks_xy, shape, (region,))
    scene = inject_pigment(linear_rgb, 2.0 * ONE_PERCENT_BLOOD * weight, direction="haemoglobin")
    direction = rng.uniform(0.0, 2.0 * np.pi)
    # Shading is stated from -1 to 1 over the photo, and wanted over the face.
    across = 0.15 * np.array([shape[1], shape[0]]) / np.ptp(face_xy, axis=0).max()
    tilt = across * np.array([np.cos(direction), np.sin(direction)])
    red, blue = np.exp(rng.uniform(-0.1, 0.1, 2))
    taken = Rephotograph(
        gains=(float(red), 1.0, float(blue)),
        exposure=0.85,  # or the brighter side would be clipped, which no photographer would let happen
        shading=(float(tilt[0]), float(tilt[1]), 0.0, 0.0, 0.0),
        blur_px=float(rng.uniform(0.0, 0.7)),  # this and noise as in tier T0 of the simulated photos
        noise=float(rng.uniform(0.6, 1.6)),
        jpeg_quality=82,
    )
    rgb, _ = rephotograph(apply_warp(scene, warp), taken, rng=rng)
    return rgb, warp
