"""Faces of two sessions, brought to the same skin and the same sharpness before they are compared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import numpy.typing as npt

from skinprogress.comparison.faces import MeasuredFace, Softness
from skinprogress.comparison.matching import MAX_SIGMA_PX, NOT_WORTH_BLURRING_PX, blur_luminance, estimate_relative_blur
from skinprogress.face.skin import estimate_visibility
from skinprogress.metrics.inputs import FloatMap, MetricInput
from skinprogress.metrics.maps import compute_maps, make_layers
from skinprogress.metrics.metric import Metric
from skinprogress.metrics.noise import NoiseDensity, seen_px_per_mm
from skinprogress.metrics.table import METRICS

# JPEG quality from which on compression leaves 1 mm alone, and difference that does not matter: of quality 75 beside an
# original, texture from 1 to 2 mm is off by −10 to +40 %; both alike, they err alike.
_WEAK_COMPRESSION, _SAME_COMPRESSION = 85.0, 8.0
Noise = tuple[tuple[NoiseDensity, float], ...]


def find_softness(face: MeasuredFace, reference: MeasuredFace) -> MeasuredFace:
    """The face, with how sharp and noisy its photo is beside the reference photo of its view.

    Parameters
    ----------
    face, reference : MeasuredFace
        Registered on each other.

    Returns
    -------
    MeasuredFace
    """
    a, b = reference.layers.restored(), face.layers.restored()
    found = estimate_relative_blur(a, b, a.skin & b.skin, visibility=_visibility(reference))
    variance = found.sigma_mm**2 * (1.0 if found.sharper == "a" else -1.0)
    softness = Softness(
        variance_mm2=variance if np.isfinite(variance) else 0.0,
        noise=found.noise_b,
        reference_noise=found.noise_a,
        finest_mm=found.finest_mm,
        reason=found.reason or _compressed_otherwise(face, reference),
    )
    return replace(face, softness=softness)


def _compressed_otherwise(face: MeasuredFace, reference: MeasuredFace) -> str:
    """Why the texture of two JPEGs cannot be compared; empty where it can, or where a file does not say."""
    worse, better = sorted(float(f.inspection.metadata.get("jpeg_quality", "95")) for f in (face, reference))
    if worse >= _WEAK_COMPRESSION or better - worse <= _SAME_COMPRESSION:
        return ""
    return f"one photo was compressed more strongly (JPEG of quality {worse:.0f} and {better:.0f})"


def _visibility(face: MeasuredFace) -> FloatMap | None:
    """That of a frontal photo hardly depends on the pose: None stands for it."""
    return None if face.view == "front" else estimate_visibility(face.inspection.landmarks.pose_deg, face.side_px)


@dataclass(frozen=True, slots=True, eq=False)
class AlikeFaces:
    """Faces that can be compared px by px.

    Attributes
    ----------
    faces : tuple of MeasuredFace
        In the order given.
    blur_px : float
        Standard deviation of the largest blur that was needed, px of the coarsest photo; NaN where they could not be
        matched: then they are as they were photographed.
    finest_mm : float
        Shortest wavelength that all of them show.
    """

    faces: tuple[MeasuredFace, ...]
    blur_px: float
    finest_mm: float


def align_maps(faces: Sequence[MeasuredFace], skin: npt.NDArray[np.bool_]) -> AlikeFaces:
    """Compute what looks at a px's neighbours anew, on the skin that all faces share and equally sharp.

    Without this, hair over half of the forehead in one photo would change what is measured beside it, and a softer
    photo would look like smoother skin.

    Parameters
    ----------
    faces : sequence of MeasuredFace
        Of two sessions, one view.
    skin : (s, s) bool
        From :func:`skinprogress.comparison.faces.common_skin`.

    Returns
    -------
    AlikeFaces
    """
    step = faces[0].layers.step
    shared = np.logical_and.reduce([f.layers.full.skin for f in faces])
    side = shared.shape[0]
    shared = shared & np.repeat(np.repeat(skin, step, axis=0), step, axis=1)[:side, :side]
    sigmas_mm = _blurs_needed(faces)
    coarsest = np.fmin.reduce([f.seen_px_per_mm for f in faces])
    px_per_mm = float(np.median(coarsest[skin])) if skin.any() else float("nan")
    blur_px = max(sigmas_mm) * px_per_mm
    matched = blur_px <= MAX_SIGMA_PX and not any(f.softness.reason for f in faces)
    # A lens blurs by px of the photo, which are larger on skin that turns away.
    per_px = _seen_by_all(faces) if matched and blur_px > NOT_WORTH_BLURRING_PX else None
    alike = []
    for face, sigma_mm in zip(faces, sigmas_mm, strict=True):
        data = replace(face.layers.restored(), skin=shared)
        noise: Noise | None = None
        if matched:
            noise = _noise_beyond_common(face, faces)
            if per_px is not None and sigma_mm * px_per_mm > NOT_WORTH_BLURRING_PX:
                data = blur_luminance(data, sigma_mm * px_per_mm / per_px)
                own_px = sigma_mm * float(np.median(face.seen_px_per_mm[skin]))
                noise = tuple((part.blurred(own_px), weight) for part, weight in noise)
        alike.append(_measured_anew(face, data, noise))
    finest_mm = max(f.softness.finest_mm for f in faces)
    return AlikeFaces(tuple(alike), blur_px if matched else float("nan"), finest_mm)


def _seen_by_all(faces: Sequence[MeasuredFace]) -> FloatMap:
    """Photo px per frame px of the coarsest photo, place by place."""
    seen = reduce(np.fmin, (seen_px_per_mm(face.layers.full, _visibility(face)) for face in faces))
    return np.asarray(seen * faces[0].layers.full.mm_per_px, np.float32)


def _blurs_needed(faces: Sequence[MeasuredFace]) -> list[float]:
    """What makes each photo as soft as the softest, mm."""
    softest = max(f.softness.variance_mm2 for f in faces)
    return [float(np.sqrt(softest - f.softness.variance_mm2)) for f in faces]


def _noise_beyond_common(face: MeasuredFace, faces: Sequence[MeasuredFace]) -> Noise:
    """Noise of one photo beyond what all of them have.

    Each was held against the reference photo, and the quieter of two has none to speak of: what the reference photo has
    beyond some photos is common to the others.
    """
    beyond = [f.softness.reference_noise for f in faces if f.softness.reference_noise is not None]
    own = [] if face.softness.noise is None else [(face.softness.noise, 1.0)]
    if beyond:
        own.append((max(beyond, key=lambda noise: noise.density), 1.0))
    if face.softness.reference_noise is not None:
        own.append((face.softness.reference_noise, -1.0))
    return tuple(own)


def keep_for_comparing(face: MeasuredFace) -> MeasuredFace:
    """The face without the maps that :func:`align_maps` makes anew, but for those that are drawn."""
    kept = {m.name for m in METRICS.values() if m.mapped or not _looks_around(m)}
    return replace(face, maps={name: plane for name, plane in face.maps.items() if name in kept})


def _looks_around(metric: Metric) -> bool:
    """Whether each px of its map depends on its neighbours, which may be skin in one photo and hair in the other."""
    return metric.frame != "px" and not metric.on_blood


def _measured_anew(face: MeasuredFace, data: MetricInput, noise: Noise | None) -> MeasuredFace:
    """The face with maps of what looks at neighbours from other px, under the light that its own maps are under."""
    layers = make_layers(data, bare=data, step=face.layers.step)
    if face.light is not None:
        grid = layers.grid
        relit = grid.linear_rgb * np.exp(-face.light.over(grid.skin.shape[0]))
        layers = replace(layers, grid=replace(grid, linear_rgb=relit))
    maps = compute_maps(layers, filter(_looks_around, METRICS.values()))
    return replace(face, maps=face.maps | maps, matched_noise=noise)
