"""Which canonical px are skin that can be measured, and how much of each region that leaves."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import mesh_normals, paint
from skinprogress.face.obstacles import Obstacle, find_obstacles
from skinprogress.face.quality import rotation_from_pose
from skinprogress.face.regions import REGIONS, bare_face_mask, region_mask

# Surface seen at more than about 66° from the normal is foreshortened beyond use.
MIN_VISIBILITY = 0.4


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a region's skin can be used, and what takes the rest.

    Attributes
    ----------
    skin : float
        Share of the region, 0..1, without eyes, brows, lips and nostrils.
    left_out : dict of str to float
        Share by kind of obstacle, 0..1; kinds that are not there are left out. What is still missing to 1 is clipped
        or seen edge-on.
    """

    skin: float
    left_out: dict[Obstacle, float]

    def __str__(self) -> str:
        """What takes a hundredth of the region or more, largest first: ``hair 0.21; shine 0.04``."""
        found = sorted(self.left_out.items(), key=lambda item: -item[1])
        return "; ".join(f"{kind} {share:.2f}" for kind, share in found if share >= 0.01)


def estimate_visibility(pose_deg: tuple[float, float, float], side_px: int) -> npt.NDArray[np.float32]:
    """Cosine between the surface normal and the line to the camera, (S, S) float32, NaN off the face.

    From the canonical mesh turned by the pose: smoother than the landmarks' own depth, and the same for all photos.
    """
    normals = mesh_normals()
    toward_camera = normals @ rotation_from_pose(pose_deg).T[:, 2]
    return paint(toward_camera, side_px)


def find_visible(clipped: npt.NDArray[np.bool_], visibility: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Where skin may be, (S, S) bool: not eyes, brows, lips, nostrils; not clipped, not edge-on.

    Parameters
    ----------
    clipped : (S, S) bool
        True where the photo was clipped or does not reach.
    visibility : (S, S) float32
        From :func:`estimate_visibility`.
    """
    with np.errstate(invalid="ignore"):
        return np.asarray(bare_face_mask(clipped.shape[0]) & (visibility >= MIN_VISIBILITY) & ~clipped)


def find_skin(
    linear_rgb: npt.NDArray[np.float32],
    clipped: npt.NDArray[np.bool_],
    visibility: npt.NDArray[np.float32],
    *,
    obstacles: Mapping[Obstacle, npt.NDArray[np.bool_]] | None = None,
) -> npt.NDArray[np.bool_]:
    """Usable skin: not eyes, brows, lips, nostrils; not clipped, edge-on, or hidden by an obstacle.

    Parameters
    ----------
    linear_rgb : (S, S, 3) float32
        Face in the canonical frame.
    clipped : (S, S) bool
        True where the photo was clipped or does not reach.
    visibility : (S, S) float32
        From :func:`estimate_visibility`.
    obstacles : mapping of str to (S, S) bool, optional
        From :func:`~skinprogress.face.obstacles.find_obstacles` on :func:`find_visible`; found here where not given.

    Returns
    -------
    (S, S) bool

    Notes
    -----
    Redness never decides: a mask that leaves out red skin would hide what is measured.
    """
    skin = find_visible(clipped, visibility)
    for mask in (find_obstacles(linear_rgb, skin) if obstacles is None else obstacles).values():
        skin &= ~mask
    return skin


def measure_coverage(
    skin: npt.NDArray[np.bool_], obstacles: Mapping[Obstacle, npt.NDArray[np.bool_]]
) -> dict[str, Coverage]:
    """How much of each region can be used, and what takes the rest.

    Parameters
    ----------
    skin : (S, S) bool
        From :func:`find_skin`.
    obstacles : mapping of str to (S, S) bool

    Returns
    -------
    dict of str to Coverage
        By region.
    """
    side = skin.shape[0]
    coverage = {}
    for name in REGIONS:
        region = region_mask(name, side) & bare_face_mask(side)
        shares = {kind: float(mask[region].mean()) for kind, mask in obstacles.items()}
        coverage[name] = Coverage(float(skin[region].mean()), {kind: s for kind, s in shares.items() if s > 0})
    return coverage
