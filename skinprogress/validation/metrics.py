"""Do the metrics move with the skin and with nothing else? Photos taken again, rendered truth, and retakes."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from skinprogress.comparison.bookkeeping import rejection_of
from skinprogress.errors import NothingMeasuredError, PhotoError, UsageError
from skinprogress.photos.reading import read_photo
from skinprogress.photos.scan import one_line
from skinprogress.pipeline.inspecting import find_client_face
from skinprogress.records import PhotoRef, Rejection
from skinprogress.settings import Settings
from skinprogress.validation.color_renders import changed_areas, pair_renders, read_true_colors, true_changes
from skinprogress.validation.faces import list_faces, truth_path
from skinprogress.validation.light import pair_retakes
from skinprogress.validation.metrics_faces import FaceScore, score_face
from skinprogress.validation.metrics_pairs import MetricPair, compare_two, read_pair
from skinprogress.validation.metrics_scores import metric_figures
from skinprogress.validation.metrics_setups import BANDS_MM, SETUPS, Subject, score_setup
from skinprogress.validation.table import Figure
from skinprogress.validation.workers import run_jobs

if TYPE_CHECKING:
    from skinprogress.pipeline.comparing import Progress

PAIRS_IN_ALL = 280
"""About so many pairs are made by default: ten minutes on two cores."""

_MOST_PAIRS = 4 * len(SETUPS)
_UNCHANGED_SHARE = 0.02
_TIMED = 3  # photos
# easy_0, retake-12: a word and nothing but a number.
_NUMBERED = re.compile(r"([^\W\d_]+)[\W_]*\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Yield:
    """What one job has yielded."""

    pairs: tuple[MetricPair, ...] = ()
    face: FaceScore | None = None
    rejected: Rejection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsValidation:
    """What a validation found out.

    Attributes
    ----------
    figures : tuple of Figure
    pairs : tuple of MetricPair
        What the figures were made from.
    rejected : tuple of Rejection
        Photos that could not be used.
    """

    figures: tuple[Figure, ...]
    pairs: tuple[MetricPair, ...] = ()
    rejected: tuple[Rejection, ...] = ()


def validate_metrics(
    folder: str | Path,
    *,
    pairs_per_photo: int | None = None,
    settings: Settings | None = None,
    progress: "Progress | None" = None,
    workers: int = 2,
) -> MetricsValidation:
    """Test every metric on the photos of a folder: what it does with nothing changed, and with known changes.

    Parameters
    ----------
    folder : path
        A client's folder, or flat photos ``PERSON_anything.jpg``; photos with ``*.truth.json`` are compared with their
        reference photo, the others are taken again, and photos of one person that show the same skin are compared.
    pairs_per_photo : int, optional
        How often each photo is taken again; by default so that about :data:`PAIRS_IN_ALL` pairs are made.
    settings : Settings, optional
    progress : callable, optional
        Called with what is being done, jobs done, jobs in all.
    workers : int
        Processes; the figures but those of time and memory do not depend on it.

    Returns
    -------
    MetricsValidation

    Raises
    ------
    UsageError
        No such folder, or a damaged truth file.
    NothingMeasuredError
        No photo that could be used.

    Notes
    -----
    Tiers T0 and T1 are made in the computer from one photo: the light does not move and the head does not turn, which
    flatters every method. Tier T3 is rendered, on one scanned head. Tier T4 are real photos in whose time nothing can
    have changed but expression and pose.
    """
    settings, report = settings or Settings(), progress or (lambda *_: None)
    listing, refs = list_faces(Path(folder), settings=settings)
    plain = [ref for ref in refs if read_true_colors(ref) is None]
    wanted = pairs_per_photo or min(max(round(PAIRS_IN_ALL / max(len(plain), 1)), 1), _MOST_PAIRS)
    jobs: list[Callable[[], _Yield]] = [
        *(partial(_score_render, base, ref, settings=settings) for base, ref in pair_renders(refs)),
        *(partial(_score_retake, one, two, settings=settings) for one, two in pair_retakes(plain, listing)),
        # Setups in turn over the whole folder; each pair's draws hang on the photo's content alone.
        *(
            partial(_score_photo, ref, range(k * wanted, (k + 1) * wanted), timed=k < _TIMED, settings=settings)
            for k, ref in enumerate(plain)
        ),
    ]
    report("comparing", 0, len(jobs))
    yields: list[_Yield] = []
    for found in run_jobs(jobs, workers=workers):
        yields.append(found)
        report("comparing", len(yields), len(jobs))
    rejected = [*listing.rejected, *(found.rejected for found in yields if found.rejected)]
    pairs = [pair for found in yields for pair in found.pairs]
    if not any(pair.readings for pair in pairs):
        reason = next((pair.reason for pair in pairs if pair.reason), "")
        why = f": {rejected[0].file}: {rejected[0].reason}" if rejected else f": {reason}" if reason else ""
        raise NothingMeasuredError(
            f"nothing in {one_line(str(folder))} can be compared{one_line(why)}", "see `skinprogress check`"
        )
    faces = [found.face for found in yields if found.face]
    return MetricsValidation(
        figures=tuple(metric_figures(pairs, faces)), pairs=tuple(pairs), rejected=tuple(rejected)
    )  # fmt: skip


def _score_photo(ref: PhotoRef, turns: Sequence[int], *, timed: bool, settings: Settings) -> _Yield:
    """Take a photo again, so often; paint spots on its face, and time its metrics."""
    try:
        photo = read_photo(ref)
        landmarks, _ = find_client_face(photo, settings=settings)
        seed = (settings.seed, int(ref.sha256[:12] or "0", 16))
        face = score_face(ref, seed=seed, timed=timed, settings=settings)
    except PhotoError as error:
        return _Yield(rejected=rejection_of(ref, error))
    subject = Subject(ref.file, photo, landmarks, seed)
    pairs = [score_setup(subject, SETUPS[turn % len(SETUPS)], number=turn, settings=settings) for turn in turns]
    return _Yield(pairs=tuple(pairs), face=face)


def _score_retake(one: PhotoRef, two: PhotoRef, *, settings: Settings) -> _Yield:
    """Compare two photos of the same skin."""
    pair = MetricPair(pair=f"{two.file} on {one.file}", photo=two.file, test="retake", tier="T4")
    return _Yield(pairs=(read_pair(pair, compare_two(one, two, settings=settings), settings=settings),))


def _score_render(base: PhotoRef, ref: PhotoRef, *, settings: Settings) -> _Yield:
    """Compare two photos of stated colour and texture."""
    before, after = (colors for r in (base, ref) if (colors := read_true_colors(r)) is not None)
    texture, areas = _texture_shares(base, ref), changed_areas(before, after)
    rough = [name for name, share in texture.items() if abs(share) > _UNCHANGED_SHARE]
    test = "rendered_redness" if areas else "rendered_texture" if rough else "rendered_unchanged"
    folder, word = ref.path.parent.name, _NUMBERED.fullmatch(ref.path.stem)
    pair = MetricPair(
        pair=f"{ref.file} on {base.file}", photo=ref.file, test=test, tier="T3",
        group=f"{folder}/{word[1] if word else ''}*",
    )  # fmt: skip
    shares = {(metric, area): share for metric in BANDS_MM for area, share in texture.items()}
    return _Yield(
        pairs=(
            read_pair(
                pair, compare_two(base, ref, settings=settings), settings=settings, changed=areas or rough,
                true=true_changes(base, ref) if areas else None, shares=shares if not areas and rough else None,
            ),
        )
    )  # fmt: skip


def _texture_shares(base: PhotoRef, ref: PhotoRef) -> dict[str, float]:
    """Stated change of the fine contrast of lightness of each area, as share of what it was; empty where not stated."""
    stated: list[dict[str, float]] = []
    for path in (truth_path(base), truth_path(ref)):
        try:
            areas = json.loads(path.read_text(encoding="utf-8")).get("areas_texture", {})
            sizes = {name: float(area["L_highpass_rms"]) for name, area in areas.items() if "L_highpass_rms" in area}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{one_line(path.name)} does not state texture ({one_line(str(error))})",
                "give L_highpass_rms of every area as a number, or take it out",
            ) from error
        stated.append({_region(name): size for name, size in sizes.items() if size > 0.0})
    before, after = stated
    return {name: after[name] / size - 1.0 for name, size in before.items() if name in after}


def _region(area: str) -> str:
    side, _, name = area.partition("_")
    return f"{name}_{side}" if side in ("left", "right") else area
