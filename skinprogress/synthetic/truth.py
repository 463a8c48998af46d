"""What was truly changed: the figures of a clean scene, before any camera has seen it.

Deliberately written without the metrics that are checked against it; the definitions are the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import EI_PER_A_STAR, linear_rgb_to_lab
from skinprogress.face.canonical import canonical_map, resample
from skinprogress.face.regions import REGIONS, region_mask
from skinprogress.face.registration import surface_scale
from skinprogress.face.skin import estimate_visibility, find_skin
from skinprogress.synthetic.portrait import Portrait

SIDE_PX = 1024
UNITS: Mapping[str, str] = {
    "redness": "a*",
    "redness_index": "a*-eq",
    "log_redness_index": "ln",
    "haemoglobin_index": "OD",
    "melanin_index": "OD",
    "texture_uniformity": "%",
    "tone_uniformity": "%",
}
"""What is measured, named and with units as in the catalogue of metrics."""

_PIGMENTS = np.linalg.inv(np.array([[0.23, 0.24, 1.0], [0.69, 0.48, 1.0], [0.68, 0.85, 1.0]]))
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
_SIGMA_PER_WAVELENGTH = float(np.sqrt(np.log(2.0) / 2.0) / np.pi)  # half of the amplitude passes
_BANDS_MM = {"texture_uniformity": (1.0, 4.0), "tone_uniformity": (4.0, 16.0)}


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Measures scenes of one portrait on the same skin, found once on the unchanged one."""

    xy: npt.NDArray[np.float32]
    skin: npt.NDArray[np.bool_]
    px_per_mm: dict[str, float]

    @classmethod
    def of(cls, portrait: Portrait) -> "Truth":
        """Find the skin and the scale of each region."""
        xy = canonical_map(portrait.landmarks.points_xy, SIDE_PX)
        face = np.nan_to_num(resample(portrait.linear_rgb, xy))
        skin = find_skin(face, face.max(axis=2) > 0.95, estimate_visibility(portrait.landmarks.pose_deg, SIDE_PX))
        mm_per_px = surface_scale(portrait.landmarks, mm_per_photo_px=portrait.mm_per_px, side_px=SIDE_PX)
        # A fringe may pass for skin by its brightness; here it is known where the skin is.
        skin &= resample(portrait.skin, xy) > 0.5
        px_per_mm = {name: 1.0 / float(np.median(mm_per_px[skin & region_mask(name, SIDE_PX)])) for name in REGIONS}
        return cls(xy, skin, px_per_mm)

    def measure(self, linear_rgb: npt.NDArray[np.float32]) -> dict[tuple[str, str], float]:
        """Figures of every region and metric of :data:`UNITS`.

        Parameters
        ----------
        linear_rgb : (H, W, 3) float32
            The portrait with changes, linear sRGB.

        Returns
        -------
        dict of (region, metric) to float
        """
        face = np.nan_to_num(resample(linear_rgb, self.xy))
        log_rgb = np.log(np.maximum(face, 1e-3))
        index = log_rgb[..., 0] - log_rgb[..., 1]
        pigments = -log_rgb @ _PIGMENTS.T.astype(np.float32)
        planes: dict[str, npt.NDArray[np.float32]] = {
            "redness": linear_rgb_to_lab(face)[..., 1],
            "redness_index": (index / EI_PER_A_STAR).astype(np.float32),
            "log_redness_index": index,
            "haemoglobin_index": pigments[..., 0],
            "melanin_index": pigments[..., 1],
        }
        log = np.log(np.maximum(face @ _LUMINANCE, 1e-3)).astype(np.float32)
        figures = {}
        for region in REGIONS:
            chosen = self.skin & region_mask(region, SIDE_PX)
            for metric, plane in planes.items():
                figures[region, metric] = _trimmed_mean(plane[chosen])
            for metric, band_mm in _BANDS_MM.items():
                figures[region, metric] = 100.0 * self._spread(log, chosen, band_mm, self.px_per_mm[region])
        return figures

    def _spread(
        self,
        log: npt.NDArray[np.float32],
        chosen: npt.NDArray[np.bool_],
        band_mm: tuple[float, float],
        px_per_mm: float,
    ) -> float:
        """Half the distance between the 16th and 84th percentile of a band over the chosen px."""
        fine, coarse = (self._skin_mean(log, _SIGMA_PER_WAVELENGTH * mm * px_per_mm) for mm in band_mm)
        low, high = np.percentile((fine - coarse)[chosen], [16.0, 84.0])
        return float(high - low) / 2.0

    def _skin_mean(self, plane: npt.NDArray[np.float32], sigma_px: float) -> npt.NDArray[np.float32]:
        weight = self.skin.astype(np.float32)
        total = cv2.GaussianBlur(plane * weight, (0, 0), sigma_px, borderType=cv2.BORDER_CONSTANT)
        reach = cv2.GaussianBlur(weight, (0, 0), sigma_px, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(total / np.maximum(reach, 1e-3), np.float32)


def _trimmed_mean(values: npt.NDArray[np.float32]) -> float:
    """Mean without the lowest and the highest fifth, as the metrics take it."""
    cut = len(values) // 5
    return float(np.sort(values)[cut : len(values) - cut].mean(dtype=np.float64))
