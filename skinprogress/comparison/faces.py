"""Faces whose metrics are computed, and the skin that several of them show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from skinprogress.comparison.light import LightFit
from skinprogress.comparison.uncertainty import Blocks
from skinprogress.face.refinement import NOTHING_FOUND_PERCENT, SHOWS_PORES_IOD_PX
from skinprogress.face.regions import NECK, REGIONS, WHOLE_FACE
from skinprogress.face.skin import Coverage
from skinprogress.metrics.inputs import MetricInput
from skinprogress.metrics.maps import Layers
from skinprogress.metrics.noise import NoiseDensity, seen_px_per_mm
from skinprogress.records import (
    BoolArray,
    ColorCorrection,
    Flag,
    Inspection,
    PhotoLight,
    PhotoRef,
    Registration,
    View,
)

FloatMap = npt.NDArray[np.float32]

# A surface at 45° from the line of sight that turns away by 8°, at 38° by 12°.
_MIN_FORESHORTENING_RATIO = 0.85
_FORESHORTENED = 0.65


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredNeck:
    """The neck of one photo, in a frame of its own: its px are not those of another photo's neck.

    Attributes
    ----------
    maps : dict of str to (h, w) float32
        Of the metrics that are computed px by px; NaN off the skin.
    blocks : Blocks
        Its skin, cut into blocks.
    """

    maps: dict[str, FloatMap]
    blocks: Blocks


@dataclass(frozen=True, slots=True)
class Softness:
    """How sharp and noisy one photo is beside the reference photo of its view.

    Attributes
    ----------
    variance_mm2 : float
        Of the blur between them, mm² on skin in the middle of the face: positive where this photo is the softer one.
    noise, reference_noise : NoiseDensity or None
        Of this photo and of the reference photo, as far as it goes beyond what both have; None for the reference photo.
    finest_mm : float
        Shortest wavelength that both show with more skin than noise.
    reason : str
        Why the two cannot be matched; empty where they can.
    """

    variance_mm2: float = 0.0
    noise: NoiseDensity | None = None
    reference_noise: NoiseDensity | None = None
    finest_mm: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredFace:
    """What is kept of a face once its metrics are computed.

    Attributes
    ----------
    maps : dict of str to (s, s) float32
        Metric to map, on the statistics grid; NaN off the skin.
    skin : (s, s) bool
        Usable skin without blood.
    blood : (s, s) bool
        Skin that blood lies on.
    mm_per_px : (s, s) float32
        Millimetres per px of these maps.
    layers : Layers
        What the maps were computed from, as photographed; ``full`` in half precision.
    side_px : int
        Side of the canonical frame that the maps were taken from.
    visibility : (s, s) float32
        Cosine of the angle at which the camera sees the surface.
    coverage : dict of str to Coverage
        By region.
    registration : Registration or None
        None for the reference photo.
    photo_light : PhotoLight
    light : LightFit or None
        How its light differs from the reference photo's, once that was taken out of the maps.
    softness : Softness
        How sharp and noisy the photo is beside the reference photo.
    matched_noise : tuple of (NoiseDensity, float) or None
        Noise that is left in the maps once they were made as soft as those of another session, as parts that are added
        up with their weights; None before.
    marks : dict of str to (s, s) bool
        Where the marks of the course file lie; the same in all photos of a view.
    neck : MeasuredNeck or None
        None where too little of it can be seen.
    """

    ref: PhotoRef
    view: View
    inspection: Inspection
    maps: dict[str, FloatMap]
    skin: BoolArray
    blood: BoolArray
    mm_per_px: FloatMap
    layers: Layers
    side_px: int
    visibility: FloatMap
    coverage: dict[str, Coverage]
    registration: Registration | None
    mm_per_photo_px: float
    clipped_share: float
    correction: ColorCorrection
    flags: Flag
    photo_light: PhotoLight = field(default_factory=PhotoLight)
    light: LightFit | None = None
    softness: Softness = field(default_factory=Softness)
    matched_noise: tuple[tuple[NoiseDensity, float], ...] | None = None
    marks: Mapping[str, BoolArray] = field(default_factory=dict)
    neck: MeasuredNeck | None = None

    @property
    def data(self) -> MetricInput:
        """The face itself on the statistics grid, as photographed."""
        return self.layers.px

    @property
    def seen_px_per_mm(self) -> FloatMap:
        """Photo px per mm of skin as the camera saw it, on the statistics grid."""
        return self.data.kept("seen_px_per_mm", lambda data: seen_px_per_mm(data, self.visibility))

    @property
    def misfit_percent_iod(self) -> float:
        """How far details of the face are expected to lie from those of the reference photo, % of the IOD."""
        return 0.0 if self.registration is None else self.registration.misfit_percent_iod[WHOLE_FACE]

    def misfit_mm(self, region: str) -> float:
        """How far details of a region are expected to lie from those of the reference photo, mm."""
        if self.registration is None:
            return 0.0
        percent = self.registration.misfit_percent_iod.get(region, self.misfit_percent_iod)
        return percent / 100.0 * self.inspection.landmarks.iod_px * self.mm_per_photo_px

    @property
    def fits(self) -> bool:
        """False where hardly anything of the reference photo was found again though the photo is fine enough for it."""
        fine = self.inspection.landmarks.iod_px >= SHOWS_PORES_IOD_PX
        return not (fine and self.misfit_percent_iod >= NOTHING_FOUND_PERCENT)

    @property
    def places(self) -> tuple[str, ...]:
        """Everything that is measured: the regions, the client's marks, and the neck where it can be seen."""
        return (*REGIONS, *self.marks, *([NECK] if self.neck is not None else []))

    def registration_flag(self, region: str) -> Flag:
        """:attr:`Flag.POOR_REGISTRATION` where the region lies as the landmarks alone say."""
        registered = self.registration
        if registered is None or region == WHOLE_FACE or region not in REGIONS or region in registered.accepted:
            return Flag.NONE
        return Flag.POOR_REGISTRATION


def common_skin(faces: Sequence[MeasuredFace], *, with_blood: bool = False) -> npt.NDArray[np.bool_]:
    """Skin that all the photos show, and show from about the same side.

    Where the surface is foreshortened much more in one photo than in another (for heads turned by more than 8–10°
    against each other: the cheek that turns away) neither texture nor light can be compared.

    Parameters
    ----------
    faces : sequence of MeasuredFace
        Of one view.
    with_blood : bool
        Skin that blood lies on counts too.

    Returns
    -------
    (s, s) bool
    """
    skin = np.logical_and.reduce([f.skin | f.blood if with_blood else f.skin for f in faces])
    seen = np.stack([f.visibility for f in faces])
    with np.errstate(invalid="ignore"):
        alike = seen.min(axis=0) >= _MIN_FORESHORTENING_RATIO * seen.max(axis=0)
        return np.asarray(skin & (alike | (seen.min(axis=0) >= _FORESHORTENED)))
