"""What the 24 patches of the two editions of the ColorChecker truly look like."""

from typing import Literal

import numpy as np

from skinprogress.color.spaces import Array, lab_to_linear_rgb

Edition = Literal["2014", "classic"]
"""Pigments since November 2014, or before."""

COLUMNS, ROWS = 6, 4
"""Patches along the card and across it."""

# CIELAB under D50 as the maker publishes it (X-Rite 2016), patches row by row from dark skin to black.
_LAB_D50: dict[Edition, list[tuple[float, float, float]]] = {
    "2014": [
        (37.54, 14.37, 14.92), (64.66, 19.27, 17.50), (49.32, -3.82, -22.54),
        (43.46, -12.74, 22.72), (54.94, 9.61, -24.79), (70.48, -32.26, -0.37),
        (62.73, 35.83, 56.50), (39.43, 10.75, -45.17), (50.57, 48.64, 16.67),
        (30.10, 22.54, -20.87), (71.77, -24.13, 58.19), (71.51, 18.24, 67.37),
        (28.37, 15.42, -49.80), (54.38, -39.72, 32.27), (42.43, 51.05, 28.62),
        (81.80, 2.67, 80.41), (50.63, 51.28, -14.12), (49.57, -29.71, -28.32),
        (95.19, -1.03, 2.93), (81.29, -0.57, 0.44), (66.89, -0.75, -0.06),
        (50.76, -0.13, 0.14), (35.63, -0.46, -0.48), (20.64, 0.07, -0.46),
    ],
    "classic": [
        (37.986, 13.555, 14.059), (65.711, 18.130, 17.810), (49.927, -4.880, -21.905),
        (43.139, -13.095, 21.905), (55.112, 8.844, -25.399), (70.719, -33.397, -0.199),
        (62.661, 36.067, 57.096), (40.020, 10.410, -45.964), (51.124, 48.239, 16.248),
        (30.325, 22.976, -21.587), (72.532, -23.709, 57.255), (71.941, 19.363, 67.857),
        (28.778, 14.179, -50.297), (55.261, -38.342, 31.370), (42.101, 53.378, 28.190),
        (81.733, 4.039, 79.819), (51.935, 49.986, -14.574), (51.038, -28.631, -28.638),
        (96.539, -0.425, 1.186), (81.257, -0.638, -0.335), (66.766, -0.734, -0.504),
        (50.867, -0.153, -0.270), (35.656, -0.421, -1.231), (20.461, -0.079, -0.973),
    ],
}  # fmt: skip
# What the pigments' CIELAB gains from D50 to D65, by the mean spectra of 30 cards (BabelColor 2012). A chromatic
# adaptation (Bradford) would put light skin 1.8 a* too high: it knows no spectra.
_D50_TO_D65 = [
    (-0.45, -1.58, -0.73), (-0.52, -3.12, -0.38), (0.45, 3.03, 0.58), (-0.01, -1.54, 0.27), (0.22, 2.36, 0.13),
    (0.63, 0.62, 1.83), (-1.29, -3.21, -1.93), (0.66, 6.22, 0.82), (-1.26, -2.36, -2.35), (-0.16, 1.89, -1.04),
    (-0.09, -3.85, 1.30), (-1.03, -3.74, -1.27), (0.82, 7.21, 1.21), (0.37, -2.40, 1.90), (-1.57, -3.34, -2.72),
    (-0.75, -5.06, 0.21), (-0.94, -0.21, -2.36), (1.06, 3.89, 2.39), (-0.02, -0.43, 0.17), (0.01, -0.04, 0.09),
    (0.01, 0.04, 0.06), (0.01, 0.07, 0.05), (0.02, 0.11, 0.03), (0.00, 0.05, -0.02),
]  # fmt: skip


def reference_lab(edition: Edition) -> Array:
    """CIELAB of the patches under D65, without any adaptation model.

    Parameters
    ----------
    edition : {'2014', 'classic'}

    Returns
    -------
    (24, 3) float32
        Row by row from dark skin to black.

    References
    ----------
    X-Rite 2016, "New color specifications for ColorChecker SG and Classic charts" (both editions, D50).
    Pascale 2012, "The ColorChecker pages", BabelColor (mean spectra of 30 cards).

    Examples
    --------
    >>> reference_lab("2014")[1].round(2).tolist()
    [64.13999938964844, 16.149999618530273, 17.1200008392334]
    """
    return np.array(_LAB_D50[edition], np.float32) + np.array(_D50_TO_D65, np.float32)


def reference_linear_rgb(edition: Edition) -> Array:
    """Linear sRGB of the patches, (24, 3) float32; cyan lies outside the gamut."""
    return lab_to_linear_rgb(reference_lab(edition))
