"""Measure how far comparisons differ when nothing changed: makes the calibration table that comes with the program.

    python -m skinprogress.validation.repeatability FOLDER [FOLDER…] [--rendered FOLDER [FOLDER…]]

A folder holds photos in which nothing changed; see :func:`skinprogress.validation.retakes.pair_photos`. The first photo
of each person is also photographed again by simulation. Prints the rows of ``comparison/calibration_table.py``, how
well they cover the true retakes that they were fitted to, and the power of the area that marks need. Takes a quarter
of an hour for eighty pairs.
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from skinprogress.comparison.calibration_table import REPEATABILITY
from skinprogress.metrics.table import METRICS
from skinprogress.photos.scan import scan_folder
from skinprogress.pipeline.inspecting import inspect_photo
from skinprogress.records import Change, Method, PhotoRef
from skinprogress.settings import LightChoice, Repeatability, Settings
from skinprogress.validation.repeatability_fit import (
    COVARIATES,
    collect_differences,
    fit_metric,
    needed_power,
    variances,
)
from skinprogress.validation.retakes import Retake, RetakePair, compare_retakes, pair_photos, simulate_retakes

# What adds less than this share of the session's constant part is left out.
_NEGLIGIBLE = 0.1
_FEWEST = 20
_LIGHTS: tuple[LightChoice, ...] = ("raw", "compensated")


def compare_blurred(photos: Iterable[Path]) -> list[Retake]:
    """Compare photos with copies of themselves, out of focus by 0.4 % of the distance between the irises.

    Few retakes differ in sharpness alone, and a fit to them cannot tell blur from the rest.
    """
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        for path in photos:
            ref = PhotoRef(path=path, file=path.name, client="", session="")
            iod_px = inspect_photo(ref, settings=Settings()).landmarks.iod_px
            soft = cv2.GaussianBlur(np.asarray(cv2.imread(str(path))), (0, 0), 0.004 * iod_px)
            blurred = Path(folder) / f"{path.stem}_soft.png"
            cv2.imwrite(str(blurred), soft)
            pairs.append(RetakePair(path, blurred, path.stem))
        return compare_retakes(pairs)


def blur_error(blurred: Sequence[Retake], metric: str, *, size: Callable[[float], float]) -> float:
    """Error that a little blur leaves in a metric, per unit of log sharpness, as a standard error.

    Parameters
    ----------
    blurred : sequence of Retake
        From :func:`compare_blurred`.
    metric : str
    size : callable
        As for :func:`collect_differences`.

    Returns
    -------
    float
        Such that what blur takes away lies within 1.96 times it; in units of what the metric's errors grow with.
    """

    def slope(retake: Retake, c: Change) -> float:
        scale = max(size((abs(c.baseline) + abs(c.followup)) / 2.0), 1e-9)
        return abs(c.difference) / scale / abs(float(np.log(retake.comparison.sharpness_ratio)))

    slopes = [slope(r, c) for r in blurred for c in r.changes if c.metric == metric and np.isfinite(c.difference)]
    return float(np.median(slopes)) / 1.96 if slopes else 0.0


def fit_row(
    retakes: Sequence[Retake], blurred: Sequence[Retake], metric: str, *, method: Method, raw: Repeatability | None
) -> tuple[Repeatability | None, str]:
    """Fit a row of the table, rounded up.

    Parameters
    ----------
    retakes : sequence of Retake
    blurred : sequence of Retake
        From :func:`compare_blurred`.
    metric : str
    method : {'raw', 'compensated'}
    raw : Repeatability or None
        Of the compensated table: the metric's row in the other one.

    Returns
    -------
    row : Repeatability or None
        None where the metric was found in too few pairs.
    told : str
        How well it does.
    """
    known_as = REPEATABILITY.get(metric, Repeatability(session=1.0))
    found = collect_differences(retakes, metric, method=method, size=known_as.size)
    if len(found.difference) < _FEWEST or not found.difference.any():
        return None, f"{len(found.difference)} differences are too few"
    at_least = {}
    if METRICS[metric].needs_sharpness:
        at_least["per_blur"] = blur_error(blurred, metric, size=known_as.size)
    if raw and METRICS[metric].needs_color:
        # Taking out the light leaves what the whole face shares: there all else counts as it does as photographed.
        at_least |= {"per_exposure": raw.per_exposure, "per_misfit": raw.per_misfit}
    figures, fit = fit_metric(found, metric, at_least=at_least)
    least = _NEGLIGIBLE * figures["session"]
    rounded = {name: _round_up(size) for name, size in figures.items() if size >= least}
    row = Repeatability(**rounded, scale=known_as.scale)
    marks = collect_differences(retakes, metric, method=method, size=known_as.size, marks=True)
    told = ", ".join(f"{name} {value:.3g}" for name, value in fit.items())
    return row, f"{told}, power of small areas {needed_power(marks, variances(row)):.2g}"


def _round_up(size: float) -> float:
    """To two digits; down, a pair would fall out of the interval that was stretched over it."""
    step = 10.0 ** (math.floor(math.log10(size)) - 1)
    return float(f"{math.ceil(size / step - 1e-9) * step:.2g}")


def _written(metric: str, row: Repeatability) -> str:
    figures = [f"{name}={getattr(row, name):g}" for name in ("session", *COVARIATES) if getattr(row, name)]
    return f'    "{metric}": Repeatability({", ".join(figures + [f"scale={row.scale!r}"] * (row.scale != "unit"))}),'


def main(arguments: Sequence[str]) -> None:
    """Print the calibration tables for the given folders."""
    parser = argparse.ArgumentParser(prog="python -m skinprogress.validation.repeatability")
    parser.add_argument("folders", nargs="+", type=Path, help="photos of unchanged skin")
    parser.add_argument("--rendered", nargs="+", type=Path, default=[], help="path-traced ones")
    given = parser.parse_args(arguments)
    pairs = [pair for folder in given.folders for pair in pair_photos(scan_folder(folder).photos)]
    pairs += [replace(p, tier="T3") for folder in given.rendered for p in pair_photos(scan_folder(folder).photos)]
    first = {pair.group: pair.before for pair in reversed(pairs)}
    blurred = compare_blurred(sorted({pair.before for pair in pairs}))
    with tempfile.TemporaryDirectory() as folder:
        pairs += simulate_retakes(list(first.values()), Path(folder))
        tables: dict[LightChoice, dict[str, Repeatability]] = {}
        for light in _LIGHTS:
            retakes = compare_retakes(pairs, settings=Settings(light=light), with_marks=True)
            sys.stdout.write(f"# {light}: {len(retakes)} of {len(pairs)} pairs compared\n")
            rows = tables[light] = {}
            for metric in (m.name for m in METRICS.values() if light == "raw" or m.compensable):
                row, told = fit_row(retakes, blurred, metric, method=light, raw=tables["raw"].get(metric))
                sys.stdout.write(f"# {metric}: {told}\n")
                if row:
                    rows[metric] = row
    share_rows(tables["raw"], tables["compensated"])
    for light, rows in tables.items():
        sys.stdout.write("\n".join([f"# {light}", *(_written(metric, row) for metric, row in rows.items()), ""]))


def share_rows(raw: dict[str, Repeatability], compensated: dict[str, Repeatability]) -> None:
    """Where taking out the light makes nothing surer, the larger figures of both rows serve for both: in place."""
    for metric in [m for m, row in compensated.items() if m in raw and not _spread(row) < _spread(raw[m])]:
        one, two = raw[metric], compensated.pop(metric)
        raw[metric] = replace(one, **{n: max(getattr(one, n), getattr(two, n)) for n in ("session", *COVARIATES)})


def _spread(row: Repeatability) -> float:
    """Variance of a difference between two photos in clearly different light."""
    return float(np.dot(variances(row), np.square([1.0, 0.5, 0.3, 0.1, 0.05, 0.0, 0.2])))


if __name__ == "__main__":
    main(sys.argv[1:])
