"""Measure how far comparisons differ when nothing changed, and fit the calibration table.

    python -m skinprogress.validation.repeatability FOLDER [FOLDER…]

A folder holds photos in which nothing changed: either files named ``PERSON_anything.jpg``, several a person, all pairs
of which are compared, or ``base.jpg`` and its retakes, with which it is compared. Prints the rows of
``comparison/calibration.py`` and how well they cover the very data that they were fitted to.
"""

import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import get_args

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from skinprogress.color.references import uncorrected
from skinprogress.comparison.calibration import REPEATABILITY, color_error
from skinprogress.comparison.planning import choose_corrections
from skinprogress.comparison.uncertainty import simultaneous_z
from skinprogress.errors import SkinprogressError
from skinprogress.face.regions import WHOLE_FACE
from skinprogress.metrics.metric import Metric
from skinprogress.metrics.table import METRICS
from skinprogress.pipeline import compare_client, inspect_photo
from skinprogress.records import Change, ClientResult, Comparison, Course, Flag, PhotoRef, Rung
from skinprogress.settings import LightChoice, Repeatability, Settings

COVARIATES = ("per_light", "per_light_color", "per_exposure", "per_expression", "per_blur", "per_misfit")


@dataclass(frozen=True, slots=True)
class Retake:
    """One pair of photos in which nothing changed.

    Attributes
    ----------
    color_variance : dict of str to float
        By metric: what the colour corrections of the two photos are known to leave in the difference.
    """

    name: str
    comparison: Comparison
    changes: tuple[Change, ...]
    color_variance: dict[str, float]


def find_pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Pairs of photos to compare: ``base.jpg`` with every other, else all pairs of each person."""
    photos = sorted(p for p in folder.iterdir() if re.search(r"\.(jpe?g|png|heic)$", p.name, re.IGNORECASE))
    base = [p for p in photos if p.stem == "base"]
    if base:
        return [(base[0], p) for p in photos if p != base[0]]
    people = defaultdict(list)
    for p in photos:
        people[p.stem.split("_")[0]].append(p)
    return [pair for group in people.values() for pair in combinations(group, 2)]


def compare_retakes(pairs: list[tuple[Path, Path]], *, settings: Settings | None = None) -> list[Retake]:
    """Compare every pair; pairs that cannot be compared are left out."""
    retakes = []
    for before, after in pairs:
        refs = [
            PhotoRef(path=path, file=path.name, client=before.stem, session=session)
            for session, path in (("before", before), ("after", after))
        ]
        try:
            result = compare_client(
                refs, client=before.stem, folder=before.parent, course=Course(), settings=settings or Settings()
            )
        except SkinprogressError:
            continue
        for comparison in result.comparisons:
            if comparison.against == "baseline" and comparison.grade != "F":
                changes = tuple(c for c in result.changes if c.against == "baseline")
                variance = color_variances(result, comparison.color_reference)
                retakes.append(Retake(f"{before.stem}-{after.stem}", comparison, changes, variance))
    return retakes


def color_variances(result: ClientResult, rung: Rung) -> dict[str, float]:
    """What is known of the error that two photos' colour corrections leave in their difference, by metric.

    Retakes are of one camera, whether or not their files say so: what another might add is not in the differences.
    """
    plan = result.plan
    seen = [replace(i, metadata={**i.metadata, "model": "the same"}) for i in result.inspections.values()]
    of_one_camera = choose_corrections(
        seen, plan.view_of, plan.reference_of, course=plan.course, settings=result.settings
    )
    both = [uncorrected("") if rung == "none" else correction for correction in of_one_camera.values()]
    at = {m.metric: m.value for m in result.measurements if m.region == WHOLE_FACE}
    return {
        # How far an error of colour moves an area depends on how much skin is about to count: left to the fit.
        m.name: 0.0
        if m.ramp
        else float(sum(color_error(m, correction, value=at.get(m.name, 0.0)) ** 2 for correction in both))
        for m in METRICS.values()
    }


def fit_metric(
    retakes: list[Retake], metric: str, *, at_least: Mapping[str, float] = MappingProxyType({})
) -> tuple[dict[str, float], dict[str, float]]:
    """Fit the session error of one metric by maximum likelihood: one variance, and one for each way to differ.

    Parameters
    ----------
    retakes : list of Retake
    metric : str
    at_least : mapping
        Covariate to the smallest figure that it may get.

    Returns
    -------
    row : dict
        Figures of :class:`skinprogress.comparison.calibration.Repeatability`.
    fit : dict
        Share of the differences that the 95 % interval covers, share of the pairs with no region outside of the
        simultaneous interval, number of pairs.
    """
    known_as = REPEATABILITY.get(metric, Repeatability(session=1.0))
    difference, design, owner, light = _differences(retakes, metric, size=known_as.size)
    known = np.array([retakes[k].color_variance[metric] for k in owner]) + light

    def loss(log_size: npt.NDArray[np.float64]) -> float:
        variance = design @ np.exp(log_size) + known + 1e-12
        return float(np.mean(np.log(variance) + difference**2 / variance))

    start = np.log(np.var(difference) * np.full(design.shape[1], 0.3) / (design.mean(axis=0) + 1e-9) + 1e-9)
    # Something always differs: the part that nothing explains is at least half the scatter of the most alike pairs.
    alike = (design[:, 1] <= np.median(design[:, 1])) & (known <= np.median(known))
    least = np.log(0.25 * np.mean(difference[alike] ** 2))
    bounds = [(least, 8.0), *[(-16.0, 8.0)] * len(COVARIATES)]
    for name, size in at_least.items():
        low = max(-16.0, 2.0 * np.log(max(size, 1e-9)))
        bounds[1 + COVARIATES.index(name)] = (low, max(8.0, low + 2.0))
    starts = [np.clip(start + shift, *np.transpose(bounds)) for shift in np.diag(np.full(len(start), 2.0))]
    best = min((minimize(loss, s, method="L-BFGS-B", bounds=bounds) for s in starts), key=lambda found: found.fun)
    sizes = np.exp(best.x)
    # Errors are more peaked and longer-tailed than a normal distribution: stretch until the wide interval covers.
    z = simultaneous_z(0.95, 12)
    for _ in range(20):
        score = np.abs(difference) / np.sqrt(design @ sizes + known)
        worst = np.array([score[owner == k].max() for k in np.unique(owner)])
        far = float(np.quantile(worst, 0.95, method="higher")) / z
        stretch = max(float(np.quantile(score, 0.95)) / 1.96, far)
        if not stretch > 1.001:
            break
        # Colour's part is known and stays; the session's part is stretched until both together cover.
        sizes = sizes * stretch**2
    error = np.sqrt(sizes * (design.max(axis=0) > 0))
    row = {"session": error[0] / np.sqrt(2.0)}
    row.update(zip(COVARIATES, error[1:], strict=True))
    fit = {
        "coverage": float(np.mean(score <= 1.96)),
        "pairs_without_false_change": float(np.mean(worst <= z)),
        "n_pairs": float(len(worst)),
    }
    return row, fit


def compare_blurred(photos: list[Path]) -> list[Retake]:
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
            pairs.append((path, blurred))
        return compare_retakes(pairs)


def blur_error(blurred: list[Retake], metric: str) -> float:
    """Error that a little blur leaves in a metric, per unit of log sharpness, as a standard error.

    Parameters
    ----------
    blurred : list of Retake
        From :func:`compare_blurred`.
    metric : str

    Returns
    -------
    float
        Such that what blur takes away lies within 1.96 times it; in units of what the metric's errors grow with.
    """
    size = REPEATABILITY.get(metric, Repeatability(session=1.0)).size
    slopes = [
        abs(_difference(c))
        / max(size((abs(c.baseline) + abs(c.followup)) / 2.0), 1e-9)
        / abs(float(np.log(retake.comparison.sharpness_ratio)))
        for retake in blurred
        for c in retake.changes
        if c.metric == metric and np.isfinite(_difference(c))
    ]
    return float(np.median(slopes)) / 1.96 if slopes else 0.0


def _differences(
    retakes: list[Retake], metric: str, *, size: Callable[[float], float]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Differences, squared covariates (with a leading 1), the pair of each, and what is known of its light's error."""
    difference, design, owner, light = [], [], [], []
    for k, retake in enumerate(retakes):
        c = retake.comparison
        # The colour of the light is read off the melanin index: as photographed, it cannot explain its error too.
        is_itself = metric == "melanin_index" and np.isnan(c.light_removed)
        color = 0.0 if is_itself else c.light_color_difference
        blur = np.log(c.sharpness_ratio) if METRICS[metric].needs_sharpness else 0.0
        squares = [1.0, c.light_difference**2, color**2, c.exposure_difference**2]
        squares += [c.expression_difference**2, blur**2, c.misfit_percent_iod**2]
        for change in retake.changes:
            found = _difference(change)
            if change.metric == metric and np.isfinite(found):
                scale = max(size((abs(change.baseline) + abs(change.followup)) / 2.0), 1e-9)
                difference.append(found / scale)
                design.append(squares)
                owner.append(k)
                light.append((np.nan_to_num(change.light_standard_error) / scale) ** 2)
    return np.array(difference), np.nan_to_num(np.array(design)), np.array(owner), np.array(light)


def _difference(change: Change) -> float:
    """The difference, also of a metric that has no published interval yet; NaN where it must not be compared."""
    if Flag.NOT_CALIBRATED in change.flags:
        return change.followup - change.baseline
    return change.difference


def main(folders: list[str]) -> None:
    """Print the calibration tables for the given folders."""
    pairs = [pair for folder in folders for pair in find_pairs(Path(folder))]
    blurred = compare_blurred(sorted({before for before, _ in pairs}))
    for light in get_args(LightChoice)[::-1]:
        retakes = compare_retakes(pairs, settings=Settings(light=light))
        sys.stdout.write(f"light {light}: {len(retakes)} of {len(pairs)} pairs compared\n")
        for metric in METRICS.values():
            if light == "raw" or metric.compensable:
                _print_row(retakes, blurred, metric)


def _print_row(retakes: list[Retake], blurred: list[Retake], metric: Metric) -> None:
    at_least = {}
    if metric.needs_sharpness:
        at_least["per_blur"] = blur_error(blurred, metric.name)
    raw = REPEATABILITY.get(metric.name)
    if raw and metric.needs_color and retakes[0].comparison.light_removed >= 0.0:
        # Taking out the light leaves what the whole face shares: there all else counts as it does as photographed.
        at_least = {"per_exposure": raw.per_exposure, "per_misfit": raw.per_misfit}
    row, fit = fit_metric(retakes, metric.name, at_least=at_least)
    figures = ", ".join(f"{name}={size:.3g}" for name, size in row.items() if size >= 5e-4)
    sys.stdout.write(f'"{metric.name}": Repeatability({figures})\n')
    sys.stdout.write("    " + ", ".join(f"{name} {value:.3g}" for name, value in fit.items()) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
