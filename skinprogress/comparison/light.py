"""How differently two photos are lit, from the shading of the registered faces."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from skinprogress.face.canonical import mesh, paint, vertex_normals

# Natural-log units of shading that vary over the face. Beyond the first the intervals widen and the pair says so;
# beyond the second texture and relief are not compared; beyond the third nothing is.
LIGHT_NOTICED = 0.10
LIGHT_TEXTURE_LIMIT = 0.30
LIGHT_LIMIT = 0.75


@lru_cache(maxsize=3)
def shading_basis(side_px: int) -> npt.NDArray[np.float32]:
    """Second-order polynomials of the surface normal, (S, S, 8) float32, NaN off the face: what soft light can do.

    References
    ----------
    Basri, Jacobs 2003, "Lambertian reflectance and linear subspaces", IEEE TPAMI 25: nine harmonics hold 99 % of the
    shading of a convex matte body; the constant is left out here.
    """
    x, y, z = vertex_normals(mesh().vertices_cm).T
    terms = np.stack([x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], axis=1)
    return paint(terms, side_px)


def estimate_light_difference(
    log_plane: npt.NDArray[np.float32], reference: npt.NDArray[np.float32], skin: npt.NDArray[np.bool_]
) -> float:
    """Standard deviation over the face of the smooth part of the difference between two photos' planes.

    Parameters
    ----------
    log_plane, reference : (S, S) float32
        Natural log of the shading (for the light) or of a pigment (for its colour), canonical frame.
    skin : (S, S) bool
        Usable in both.

    Returns
    -------
    float
        0 for the same light; about 0.1 for a lamp moved a little, 0.5 for a window on the other side. NaN with too
        little skin. Exposure does not count.
    """
    rows, cols = np.nonzero(skin)
    if rows.size < 200:
        return float("nan")
    step = max(1, rows.size // 20000)
    at = rows[::step], cols[::step]
    basis = shading_basis(skin.shape[0])[at].astype(np.float64)
    ratio = (log_plane[at] - reference[at]).astype(np.float64)
    good = np.isfinite(basis).all(axis=1) & np.isfinite(ratio)
    basis, ratio = basis[good] - basis[good].mean(axis=0), ratio[good] - np.median(ratio[good])
    weight = np.ones_like(ratio)
    fitted = np.zeros_like(ratio)
    for _ in range(4):  # Huber weights: moles, shine and shadow edges are not the light's smooth part
        root = np.sqrt(weight)
        gram = (basis * root[:, None]).T @ (basis * root[:, None]) + 1e-3 * len(ratio) * np.eye(basis.shape[1])
        fitted = basis @ np.linalg.solve(gram, basis.T @ (weight * ratio))
        residual = np.abs(ratio - fitted)
        weight = 1.0 / np.maximum(1.0, residual / (2.0 * np.median(residual) + 1e-6))
    return float(np.std(fitted))
