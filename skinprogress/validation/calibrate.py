"""Measure a clinic's own session errors on photos in which nothing changed."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from skinprogress.comparison.bookkeeping import rejection_of
from skinprogress.comparison.calibration_file import format_calibration, read_calibration
from skinprogress.comparison.calibration_table import COMPENSATED, REPEATABILITY
from skinprogress.errors import NothingMeasuredError, OutputError, PhotoError, UsageError
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.files import write_whole
from skinprogress.photos.scan import Found, one_line, scan_folder
from skinprogress.pipeline.inspecting import inspect_photo
from skinprogress.records import Method, PhotoRef, Rejection
from skinprogress.settings import Calibration, LightChoice, Repeatability, Settings
from skinprogress.validation.faces import names_no_person
from skinprogress.validation.repeatability_fit import (
    COVARIATES,
    Differences,
    collect_differences,
    fit_metric,
    fit_scale,
    scaled,
    variances,
)
from skinprogress.validation.retakes import Retake, RetakePair, compare_retakes, pair_photos, weigh

if TYPE_CHECKING:
    from skinprogress.pipeline.comparing import Progress

FEWEST_PAIRS = 6
"""Independent pairs below which no calibration is made: the program's own is then better."""

ENOUGH_PAIRS = 30
"""Independent pairs from which on each way to differ is fitted; below, the program's own figures are scaled."""

_LIGHTS: tuple[LightChoice, ...] = ("raw", "compensated")
_HOW = (
    "photograph people twice within minutes, who get up in between, with nothing changed on the skin: all photos of "
    "one person and visit in a subfolder, or named PERSON_anything.jpg"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedMetric:
    """How a calibration does for one metric.

    Attributes
    ----------
    metric : str
    method : {'raw', 'compensated'}
    session, shipped : float
        Standard error of one session: found here, and the program's own.
    coverage : float
        Share of the differences that it was fitted to within its 95 % intervals.
    n_pairs : float
        Independent pairs.
    scale : {'unit', 'value', 'root'}
        What the errors grow with; see :class:`skinprogress.settings.Repeatability`.
    """

    metric: str
    method: Method
    session: float
    shipped: float
    coverage: float
    n_pairs: float
    scale: Literal["unit", "value", "root"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRun:
    """What :func:`calibrate` found.

    Attributes
    ----------
    calibration : Calibration
    rows : tuple of CalibratedMetric
    rejected : tuple of Rejection
        Photos that could not be used.
    not_compared : tuple of str
        Pairs of photos too different to be compared.
    n_pairs : float
        Independent pairs that were compared.
    """

    calibration: Calibration
    rows: tuple[CalibratedMetric, ...]
    rejected: tuple[Rejection, ...]
    not_compared: tuple[str, ...]
    n_pairs: float


def calibrate(
    folder: str | Path, *, settings: Settings | None = None, progress: "Progress | None" = None
) -> CalibrationRun:
    """Measure how far comparisons differ when nothing changed, on photos of one's own.

    Parameters
    ----------
    folder : path
        Photos in which nothing changed: a subfolder for each person and visit, files ``PERSON_anything.jpg``, or
        ``base.jpg`` and its retakes.
    settings : Settings, optional
    progress : callable, optional
        Called with what is being done, how much of it is through and how much there is.

    Returns
    -------
    CalibrationRun

    Raises
    ------
    UsageError
        No such folder, or names that do not tell whose photos they are.
    NothingMeasuredError
        Fewer independent pairs than :data:`FEWEST_PAIRS`.

    Notes
    -----
    Below :data:`ENOUGH_PAIRS` independent pairs (n photos of one skin make n − 1) seven figures cannot be told apart:
    one factor on the program's own is fitted, held towards 1 as by ten pairs that say so (scaled inverse chi-squared).
    From there on each figure is fitted, held to the program's own give or take a factor of 1.6 as by one pair: photos
    in one light say nothing of another. Photos too coarse for texture say nothing of it: it keeps the program's own.

    If something did change between the photos, intervals come out too wide; if the photos are of one burst, too
    narrow: the person must get up in between, and the light be set anew, as between two visits.

    References
    ----------
    Gelman et al. 2013, "Bayesian data analysis", 3rd ed., section 2.6: scaled inverse chi-squared prior of a variance.
    """
    settings, report = settings or Settings(), progress or (lambda *_: None)
    photos, rejected = _find_photos(Path(folder), settings, report)
    pairs = pair_photos(photos)
    _check_enough(pairs, rejected, Path(folder))
    retakes: dict[LightChoice, list[Retake]] = {}
    for turn, light in enumerate(_LIGHTS):

        def told(stage: str, done: int, total: int, before: int = turn * len(pairs)) -> None:
            report(stage, before + done, 2 * total)

        retakes[light] = compare_retakes(pairs, settings=replace(settings, light=light), progress=told)
    done = {(r.pair.before, r.pair.after) for found in retakes.values() for r in found}
    compared = weigh([p for p in pairs if (p.before, p.after) in done])
    lost = tuple(f"{p.before.name} and {p.after.name}" for p in pairs if (p.before, p.after) not in done)
    _check_enough(compared, rejected, Path(folder), lost=lost)
    tables: dict[str, dict[str, Repeatability]] = {}
    rows: list[CalibratedMetric] = []
    for light, found in retakes.items():
        fitted = [fit for metric in METRICS if (fit := _fit(found, metric, light))]
        tables[light] = {told.metric: row for row, told in fitted}
        rows += [told for _, told in fitted]
    people = len({p.group for p in compared})
    whose = "one person" if people == 1 else f"{people} people or visits"
    calibration = Calibration(
        name=one_line(Path(folder).resolve().name),
        made_from=f"{len(compared)} pairs of photos of {whose}",
        **tables,
    )
    return CalibrationRun(
        calibration=calibration,
        rows=tuple(rows),
        rejected=tuple(rejected),
        not_compared=lost,
        n_pairs=sum(p.weight for p in compared),
    )


def check_target(path: Path) -> None:
    """Make sure that a calibration may be written there, before any time is spent on it.

    Raises
    ------
    OutputError
        Not a name ending in ``.toml``, or something else would be overwritten.
    """
    name = one_line(str(path))
    if path.suffix.lower() != ".toml":
        raise OutputError(f"{name} would be no calibration file", "give a name that ends in .toml with -o")
    if not os.path.lexists(path):
        return
    try:
        read_calibration(path)
    except UsageError as error:
        raise OutputError(
            f"{name} is there already and is no calibration file that this program can read, and would be overwritten",
            "choose another name with -o, or take it away",
        ) from error


def write_calibration(calibration: Calibration, path: Path) -> Path:
    """Write a calibration file, whole or not at all; see :mod:`skinprogress.comparison.calibration_file`.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    return write_whole(path, format_calibration(calibration))


def _find_photos(folder: Path, settings: Settings, report: "Progress") -> tuple[list[Found], list[Rejection]]:
    """Photos with a face, and what is wrong with the others."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {one_line(str(folder))}", "give the folder that holds the photos")
    scan = scan_folder(folder)
    _check_names([photo for photo in scan.photos if not photo.folders])
    photos, rejected = [], list(scan.rejected)
    for number, photo in enumerate(scan.photos):
        report("looking", number, len(scan.photos))
        ref = PhotoRef(path=photo.path, file=photo.file, client="", session="")
        try:
            inspect_photo(ref, settings=settings)
        except PhotoError as error:
            rejected.append(rejection_of(ref, error))
            continue
        photos.append(photo)
    # A photo that was copied is no retake: it would say that nothing ever differs.
    first: dict[str, Found] = {}
    for photo in photos:
        if photo.sha256 in first:
            rejected.append(_copy(photo, first[photo.sha256]))
        first.setdefault(photo.sha256, photo)
    return list(first.values()), rejected


def _copy(photo: Found, original: Found) -> Rejection:
    return Rejection(
        file=photo.file,
        session="",
        code="same_file",
        reason=f"{one_line(photo.file)} is the same file as {one_line(original.file)}",
        remedy="take another photo: a copy differs in nothing",
    )


def _check_names(flat: Sequence[Found]) -> None:
    """Two people named alike by their camera would count as one whose skin changed."""
    has_base = any(photo.stem == "base" for photo in flat)
    for name in {photo.stem.partition("_")[0] for photo in flat if "_" in photo.stem}:
        if names_no_person(name) and not has_base:
            raise UsageError(
                f"{one_line(name)}_… does not say whose photos they are",
                "put the photos of each person and visit into a subfolder, or name them PERSON_anything.jpg",
            )


def _check_enough(
    pairs: Sequence[RetakePair], rejected: Sequence[Rejection], folder: Path, *, lost: Sequence[str] = ()
) -> None:
    n_pairs = sum(pair.weight for pair in pairs)
    if n_pairs > FEWEST_PAIRS - 1e-6:
        return
    left_out = [f"{one_line(r.file)} was left out ({one_line(r.reason)})" for r in rejected[:3]]
    left_out += [f"{one_line(two)} are too different to be compared" for two in lost[:3]]
    groups = Counter(pair.group for pair in pairs)
    why = f"; {'; '.join(left_out)}" if left_out else ""
    raise NothingMeasuredError(
        f"{one_line(str(folder))} has photos of {len(groups)} people or visits that show the same skin, which make "
        f"{n_pairs:.0f} independent pairs, and a calibration needs {FEWEST_PAIRS}{why}",
        f"{_HOW}; {FEWEST_PAIRS} people twice, or {FEWEST_PAIRS // 2} three times",
    )


def _fit(retakes: Sequence[Retake], metric: str, light: LightChoice) -> tuple[Repeatability, CalibratedMetric] | None:
    """The row of one metric; None where the photos say nothing of it, or the program has no figures of its own."""
    if light == "compensated" and not METRICS[metric].compensable:
        return None
    shipped = (
        COMPENSATED.get(metric, REPEATABILITY.get(metric)) if light == "compensated" else REPEATABILITY.get(metric)
    )
    if shipped is None:
        return None
    found = collect_differences(retakes, metric, method=light, size=shipped.size)
    if found.n_pairs < FEWEST_PAIRS - 1e-6 or not found.difference.any():
        return None
    row = _fit_row(found, metric, shipped)
    told = CalibratedMetric(
        metric=metric,
        method=light,
        session=row.session,
        shipped=shipped.session,
        coverage=float(np.mean(found.score(variances(row)) <= 1.96)),
        n_pairs=found.n_pairs,
        scale=row.scale,
    )
    return row, told


def _fit_row(found: Differences, metric: str, shipped: Repeatability) -> Repeatability:
    if found.n_pairs < ENOUGH_PAIRS:
        return scaled(shipped, fit_scale(found, shipped))
    # What blur does is the metric's own, whoever takes the photos.
    at_least = {"per_blur": shipped.per_blur} if shipped.per_blur else {}
    figures, _ = fit_metric(found, metric, at_least=at_least, prior=shipped)
    return Repeatability(**{name: figures[name] for name in ("session", *COVARIATES)}, scale=shipped.scale)
