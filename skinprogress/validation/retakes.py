"""Retakes: photos in which nothing changed, found in folders or simulated, and compared with each other."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import cv2
import numpy as np

from skinprogress.comparison.calibration import color_error
from skinprogress.comparison.conditions import is_one_camera
from skinprogress.comparison.planning import choose_corrections
from skinprogress.errors import SkinprogressError
from skinprogress.face.canonical import canonical_map
from skinprogress.face.regions import WHOLE_FACE, bare_face_mask, region_mask
from skinprogress.metrics.table import METRICS
from skinprogress.photos.reading import read_photo
from skinprogress.photos.scan import Found
from skinprogress.pipeline.comparing import compare_client
from skinprogress.pipeline.inspecting import find_client_face, inspect_photo
from skinprogress.records import Change, ClientResult, Comparison, Course, Inspection, Mark, PhotoRef, Rung
from skinprogress.settings import Calibration, Repeatability, Settings
from skinprogress.synthetic.rephotograph import Tier, draw_rephotograph, rephotograph
from skinprogress.validation.scenes import make_scene

if TYPE_CHECKING:
    from skinprogress.pipeline.comparing import Progress

NOTHING_ADDED = Calibration(
    name="", made_from="", raw={metric: Repeatability(session=1e-6) for metric in METRICS}, compensated={}
)
"""What sessions add is what is looked for: as good as left out, standard errors say what is known without it."""

MARK_RADII_MM = (2.2, 2.6, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0)
"""Of the marks that :func:`draw_marks` puts on a face."""

# Of more photos of one skin, each is compared with the next alone: the pairs are no longer worth their time.
_ALL_PAIRS = 5
_MARKS_EACH = 3
_BASE = "base"
_MARK = re.compile(r"mark \d+")


@dataclass(frozen=True, slots=True)
class RetakePair:
    """Two photos of the same skin.

    Attributes
    ----------
    group : str
        Whose skin.
    weight : float
        How many independent pairs it counts for: five photos make ten pairs, and no more than four of them tell
        anything of their own.
    tier : str
        Of simulated photos; empty for true ones.
    """

    before: Path
    after: Path
    group: str
    weight: float = 1.0
    tier: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Retake:
    """A pair that was compared with :data:`NOTHING_ADDED`.

    Attributes
    ----------
    overstated : dict of str to float
        By metric: how much less variance the colour corrections leave than the changes' standard errors say, since
        both photos are of one camera.
    is_unnamed : bool
        The files do not name that camera: standard errors hold what another tone curve might add, too.
    """

    pair: RetakePair
    comparison: Comparison
    changes: tuple[Change, ...]
    overstated: Mapping[str, float] = field(default_factory=dict)
    is_unnamed: bool = False


def pair_photos(photos: Sequence[Found]) -> list[RetakePair]:
    """Pair photos in which nothing changed.

    Parameters
    ----------
    photos : sequence of Found
        Those that lie in a subfolder show the same skin; of others, those with the same name up to the first ``_``.
        Where one is named ``base``, the others of its folder are its retakes.

    Returns
    -------
    list of RetakePair
    """
    folders: dict[tuple[str, ...], list[Found]] = defaultdict(list)
    for photo in photos:
        folders[photo.folders].append(photo)
    groups: dict[str, list[Found]] = defaultdict(list)
    for parents, inside in folders.items():
        together = bool(parents) or any(photo.stem == _BASE for photo in inside)
        for photo in inside:
            groups["/".join(parents) if together else photo.stem.partition("_")[0]].append(photo)
    return weigh([pair for name, group in groups.items() for pair in _pair_group(name, [p.path for p in group])])


def _pair_group(name: str, paths: Sequence[Path]) -> list[RetakePair]:
    base = [path for path in paths if path.stem == _BASE]
    if base:
        pairs = [(base[0], path) for path in paths if path != base[0]]
    elif len(paths) <= _ALL_PAIRS:
        pairs = list(combinations(paths, 2))
    else:
        pairs = list(zip(paths, (*paths[1:], paths[0]), strict=True))
    return [RetakePair(before, after, name) for before, after in pairs]


def weigh(pairs: Sequence[RetakePair]) -> list[RetakePair]:
    """Give pairs their weights: those of n photos of one skin count for n − 1 together."""
    of = {pair.group: [p for p in pairs if p.group == pair.group] for pair in pairs}
    n_photos = {group: len({path for p in found for path in (p.before, p.after)}) for group, found in of.items()}
    return [replace(pair, weight=(n_photos[pair.group] - 1) / len(of[pair.group])) for pair in pairs]


def simulate_retakes(photos: Sequence[Path], folder: Path, *, settings: Settings | None = None) -> list[RetakePair]:
    """Photograph photos again, twice in each tier: other light, hand and file, and just the same skin and expression.

    Parameters
    ----------
    photos : sequence of Path
        With one face each.
    folder : Path
        Where the simulated photos are written to.
    settings : Settings, optional

    Returns
    -------
    list of RetakePair

    Raises
    ------
    PhotoError
        A photo shows no face that could be measured.
    """
    settings = settings or Settings()
    pairs = []
    for number, path in enumerate(photos):
        photo = read_photo(PhotoRef(path=path, file=path.name, client="", session=""))
        scene = make_scene(photo, find_client_face(photo, settings=settings)[0])
        for turn, tier in enumerate(get_args(Tier)):
            taken = []
            for shot in (1, 2):
                rng = np.random.default_rng([settings.seed, number, turn, shot])
                rgb, _ = rephotograph(scene.linear_rgb, draw_rephotograph(rng, tier=tier), rng=rng)
                taken.append(folder / f"{number:03d}-{tier}_{shot}.png")
                cv2.imwrite(str(taken[-1]), np.ascontiguousarray(rgb[..., ::-1]))
            pairs.append(RetakePair(taken[0], taken[1], f"{path.stem} {tier}", tier=tier))
    return pairs


def compare_retakes(
    pairs: Sequence[RetakePair],
    *,
    settings: Settings | None = None,
    with_marks: bool = False,
    progress: "Progress | None" = None,
) -> list[Retake]:
    """Compare every pair; pairs that cannot be compared are left out.

    Parameters
    ----------
    pairs : sequence of RetakePair
    settings : Settings, optional
    with_marks : bool
        Put marks of all sizes on the face, see :func:`draw_marks`.
    progress : callable, optional
        Called with what is being done, pairs done, pairs in all.

    Returns
    -------
    list of Retake
    """
    settings = replace(settings or Settings(), calibration=NOTHING_ADDED)
    retakes = []
    for number, pair in enumerate(pairs):
        if progress:
            progress("comparing", number, len(pairs))
        refs = [
            PhotoRef(path=path, file=f"{session}/{path.name}", client=pair.group, session=session)
            for session, path in (("before", pair.before), ("after", pair.after))
        ]
        try:
            course = Course()
            if with_marks:
                rng = np.random.default_rng([settings.seed, number])
                course = Course(marks=draw_marks(inspect_photo(refs[0], settings=settings), rng))
            result = compare_client(refs, client="", folder=pair.before.parent, course=course, settings=settings)
        except SkinprogressError:
            continue
        for comparison in result.comparisons:
            if comparison.against == "baseline" and comparison.grade != "F":
                changes = tuple(c for c in result.changes if c.against == "baseline")
                overstated = {} if pair.tier else _overstated(result, comparison.color_reference)
                # T1 draws another tone curve for each photo; all else is of one camera, named or not.
                is_unnamed = pair.tier != "T1" and not is_one_camera(result.inspections.values())
                retakes.append(Retake(pair, comparison, changes, overstated, is_unnamed))
    weighed = weigh([retake.pair for retake in retakes])
    return [replace(retake, pair=pair) for retake, pair in zip(retakes, weighed, strict=True)]


def draw_marks(inspection: Inspection, rng: np.random.Generator) -> tuple[Mark, ...]:
    """Marks of all sizes anywhere on the face: what is measured there tells how small areas do.

    Parameters
    ----------
    inspection : Inspection
        Of the photo that they are drawn in.
    rng : numpy Generator

    Returns
    -------
    tuple of Mark
    """
    landmarks = inspection.landmarks
    xy = canonical_map(landmarks.points_xy, 512)
    places = np.argwhere(bare_face_mask(512) & region_mask(WHOLE_FACE, 512) & np.isfinite(xy).all(axis=2))
    angle = np.linspace(0.0, 2.0 * np.pi, 33)[:-1]
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1) * landmarks.iod_px / 63.0  # of most adults, mm
    marks: list[Mark] = []
    for radius_mm in np.repeat(MARK_RADII_MM, _MARKS_EACH):
        row, column = places[rng.integers(len(places))]
        outline = tuple((float(x), float(y)) for x, y in xy[row, column] + radius_mm * circle)
        marks.append(Mark(name=f"mark {len(marks)}", photo=inspection.ref.file, polygon_xy=outline))
    return tuple(marks)


def is_mark(region: str) -> bool:
    """Whether a region is one of :func:`draw_marks`."""
    return _MARK.fullmatch(region) is not None


def mark_area_mm2(region: str) -> float:
    """Area of one of :func:`draw_marks`, as it was drawn, mm²."""
    return float(np.pi * MARK_RADII_MM[int(region.rpartition(" ")[2]) // _MARKS_EACH] ** 2)


def _overstated(result: ClientResult, rung: Rung) -> dict[str, float]:
    """How much of the error of two photos' colour corrections another camera might add, by metric, as a variance.

    Retakes are of one camera, whether or not their files say so: what another might add is not in the differences.
    """
    if rung == "none":
        return {}
    plan = result.plan
    at = {m.metric: m.value for m in result.measurements if m.region == WHOLE_FACE}
    same = [replace(i, metadata={**i.metadata, "model": "the same"}) for i in result.inspections.values()]
    of_one = choose_corrections(same, plan.view_of, plan.reference_of, course=plan.course, settings=result.settings)

    def variance(metric: str) -> float:
        # How far an error of colour moves an area depends on how much skin is about to count.
        if METRICS[metric].ramp:
            return 0.0
        value = float(np.nan_to_num(at.get(metric, 0.0)))
        both = ([c[file] for file in of_one] for c in (plan.corrections, of_one))
        as_said, as_is = (sum(color_error(METRICS[metric], c, value=value) ** 2 for c in found) for found in both)
        return as_said - as_is

    return {metric: variance(metric) for metric in METRICS}
