"""The figures of a validation: one record a figure, as a file and as a table for the terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skinprogress.outputs.files import write_whole
from skinprogress.outputs.tables import render_csv

FILE = "validation.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a validation; one row of ``validation.csv``.

    Attributes
    ----------
    kind : str
        What was validated: ``alignment``, ``color``, ``light``, ``metrics`` or ``verdicts``.
    tier : str
        How hard the test is: ``T0`` and ``T1`` changes made in the computer, ``T3`` rendered truth, ``T4`` real photos.
    test, method : str
    subject : str
        A photo, a pair ``photo on reference``, a pattern of photos that ends in ``*``, or ``all``.
    metric : str
        What the figure is about, such as a region.
    figure, unit : str
    value : float
    n : int
        How many px, points, photos or pairs it rests on; of a rate, the number that its interval rests on.
    """

    kind: str
    tier: str
    test: str
    method: str
    subject: str
    metric: str
    figure: str
    value: float
    unit: str
    n: int


def wilson_interval(share: float, n: int, *, z: float = 1.96) -> tuple[float, float]:
    """Interval of a binomial share, by default for 95 % confidence.

    Parameters
    ----------
    share : float
        0..1; a mean of shares will do, the interval is then wider than it need be.
    n : int
        Independent trials.
    z : float

    Returns
    -------
    low, high : float
        0 and 1 where there was no trial.

    References
    ----------
    Wilson 1927, "Probable inference, the law of succession, and statistical inference".

    Examples
    --------
    >>> [round(end, 3) for end in wilson_interval(0.5, 10)]
    [0.237, 0.763]
    """
    if n == 0:
        return 0.0, 1.0
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def write_figures(figures: Sequence[Figure], out: Path) -> Path:
    """Write ``validation.csv`` into a folder, whole or not at all.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    return write_whole(out / FILE, render_csv(Figure, figures))
