"""Can redness be trusted when the light differs? Photos of known truth, photos lit anew, and photos of one visit."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skinprogress.comparison.bookkeeping import rejection_of
from skinprogress.errors import NothingMeasuredError, PhotoError
from skinprogress.photos.folder import FolderListing
from skinprogress.photos.reading import read_photo
from skinprogress.photos.scan import one_line
from skinprogress.pipeline.inspecting import find_client_face
from skinprogress.records import Change, ClientResult, Method, PhotoRef, Rejection
from skinprogress.settings import Settings
from skinprogress.synthetic.relighting import draw_relight, relight
from skinprogress.validation.color_outcomes import Outcome, compare_refs, difference, published
from skinprogress.validation.color_pairs import Kind, Setup, Side, compare_shots, draw_region, photograph
from skinprogress.validation.color_renders import changed_areas, pair_renders, read_true_colors, state_of, true_changes
from skinprogress.validation.faces import list_faces, name_people
from skinprogress.validation.light_scores import TEXTURE, LightScore, light_figures
from skinprogress.validation.scenes import (
    FloatMap,
    Scene,
    Values,
    apply_change,
    draw_change,
    draw_face,
    make_scene,
    measure,
)
from skinprogress.validation.scores import part_names
from skinprogress.validation.table import Figure
from skinprogress.validation.workers import run_jobs

if TYPE_CHECKING:
    from skinprogress.pipeline.comparing import Progress

PAIRS_IN_ALL = 56
"""About so many photos are lit anew by default: with as many photos four minutes on two cores."""

METHODS: tuple[Method, ...] = ("raw", "compensated")

_AMOUNTS = (-3.0, -2.0, 2.0, 3.0, 4.0)
# easy_0, retake-12: a word and nothing but a number.
_NUMBERED = re.compile(r"([^\W\d_]+)[\W_]*\d+")

Compared = tuple[list[Change], ClientResult] | str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Yield:
    """What one job has yielded."""

    scores: tuple[LightScore, ...] = ()
    rejected: Rejection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LightValidation:
    """What a validation found out.

    Attributes
    ----------
    figures : tuple of Figure
    scores : tuple of LightScore
        What the figures were made from.
    rejected : tuple of Rejection
        Photos that could not be used.
    """

    figures: tuple[Figure, ...]
    scores: tuple[LightScore, ...] = ()
    rejected: tuple[Rejection, ...] = field(default=())


def validate_light(
    folder: str | Path,
    *,
    pairs_per_photo: int | None = None,
    settings: Settings | None = None,
    progress: "Progress | None" = None,
    workers: int = 2,
) -> LightValidation:
    """Test the redness figures on photos whose light differs, with and without the difference taken out.

    Parameters
    ----------
    folder : path
        A client's folder, or flat photos ``PERSON_anything.jpg``; photos with ``*.truth.json`` are compared with their
        reference photo, the others are lit anew, and photos of one person that show the same skin are compared.
    pairs_per_photo : int, optional
        How often each photo is lit anew; by default so that about :data:`PAIRS_IN_ALL` pairs are made.
    settings : Settings, optional
    progress : callable, optional
        Called with what is being done, jobs done, jobs in all.
    workers : int
        Processes; the figures do not depend on it.

    Returns
    -------
    LightValidation

    Raises
    ------
    UsageError
        No such folder, or a damaged truth file.
    NothingMeasuredError
        No photo that could be used.

    Notes
    -----
    Tier T3 is rendered: lamps, head and camera truly differ, on one scanned head. Tier T1 lights real photos anew by a
    smooth function of the surface normal: no cast shadow, and just what a fit of such functions is good at, so it
    flatters. Tier T4 are real photos in whose time nothing can have changed but expression and pose.
    """
    settings, report = settings or Settings(), progress or (lambda *_: None)
    listing, refs = list_faces(Path(folder), settings=settings)
    plain = [ref for ref in refs if read_true_colors(ref) is None]
    wanted = pairs_per_photo or max(round(PAIRS_IN_ALL / max(len(plain), 1)), 1)
    jobs: list[Callable[[], _Yield]] = [
        *(partial(_score_render, base, ref, settings=settings) for base, ref in pair_renders(refs)),
        *(partial(_score_retake, one, two, settings=settings) for one, two in pair_retakes(plain, listing)),
        # Pairs without and with a change in turn over the whole folder.
        *(
            partial(_score_relit, ref, range(k * wanted, (k + 1) * wanted), settings=settings)
            for k, ref in enumerate(plain)
        ),
    ]
    report("comparing", 0, len(jobs))
    yields: list[_Yield] = []
    for found in run_jobs(jobs, workers=workers):
        yields.append(found)
        report("comparing", len(yields), len(jobs))
    rejected = [*listing.rejected, *(found.rejected for found in yields if found.rejected)]
    scores = [score for found in yields for score in found.scores]
    if not any(np.isfinite(o.found) for score in scores for o in score.outcomes):
        reason = next((s.reason for s in scores if s.reason), "")
        why = f": {rejected[0].file}: {rejected[0].reason}" if rejected else f": {reason}" if reason else ""
        raise NothingMeasuredError(
            f"nothing in {one_line(str(folder))} can be compared{one_line(why)}", "see `skinprogress check`"
        )
    return LightValidation(figures=tuple(light_figures(scores)), scores=tuple(scores), rejected=tuple(rejected))


def pair_retakes(refs: Sequence[PhotoRef], listing: FolderListing) -> list[tuple[PhotoRef, PhotoRef]]:
    """Photos of the same skin: the first of each person, or of each visit of a client, with the others of its view."""
    person_of = name_people(refs, listing)
    groups: dict[tuple[str, ...], list[PhotoRef]] = defaultdict(list)
    for ref in refs:
        person = person_of(ref)
        # Between the visits of one client skin changes.
        visit = () if person != listing.client else (ref.session, ref.stage)
        groups[(person, ref.view or "", *visit)].append(ref)
    return [(first, other) for first, *others in groups.values() for other in others]


def _score_render(base: PhotoRef, ref: PhotoRef, *, settings: Settings) -> _Yield:
    """Compare two photos of stated colour."""
    before, after = (colors for r in (base, ref) if (colors := read_true_colors(r)) is not None)
    true, changed = true_changes(base, ref), changed_areas(before, after)
    folder, word = ref.path.parent.name, _NUMBERED.fullmatch(ref.path.stem)
    score = LightScore(
        pair=f"{ref.file} on {base.file}", photo=ref.file, group=f"{folder}/{word[1] if word else ''}*", tier="T3",
        test=f"rendered_{state_of(before, after)}",
    )  # fmt: skip
    return _Yield(scores=tuple(_compare(score, true, changed, _two(base, ref), settings=settings)))


def _score_retake(one: PhotoRef, two: PhotoRef, *, settings: Settings) -> _Yield:
    """Compare two photos of the same skin."""
    metrics = ("redness_index", "relative_redness")
    true: Values = {(metric, region): 0.0 for metric in metrics for region in part_names()}
    score = LightScore(
        pair=f"{two.file} on {one.file}", photo=two.file, group="", tier="T4", test="retake_unchanged"
    )  # fmt: skip
    return _Yield(scores=tuple(_compare(score, true, (), _two(one, two), settings=settings)))


def _two(before: PhotoRef, after: PhotoRef) -> Callable[[Settings], Compared]:
    pair = [replace(r, client="scene", session=side) for r, side in ((before, "before"), (after, "after"))]
    return lambda settings: compare_refs(pair, settings=settings)


def _score_relit(ref: PhotoRef, turns: Sequence[int], *, settings: Settings) -> _Yield:
    """Light a photo anew, so often, and compare it with itself."""
    try:
        photo = read_photo(ref)
        landmarks, _ = find_client_face(photo, settings=settings)
    except PhotoError as error:
        return _Yield(rejected=rejection_of(ref, error))
    scene = make_scene(photo, landmarks)
    seed = (settings.seed, int(ref.sha256[:12] or "0", 16))
    found: list[LightScore] = []
    for turn in turns:
        found += score_relit_pair(scene, turn, photo=ref.file, seed=seed, settings=settings)
    return _Yield(scores=tuple(found))


def score_relit_pair(
    scene: Scene, number: int, *, photo: str, seed: Sequence[int], settings: Settings
) -> Iterator[LightScore]:
    """Photograph a scene in its own and in other light, with a change of one region in every other pair, and compare.

    Parameters
    ----------
    scene : Scene
    number : int
        Of the pair; odd ones have a change.
    photo : str
        What the scene was made from.
    seed : sequence of int
        The same seed and number give the same pair.
    settings : Settings

    Yields
    ------
    LightScore
        Raw and compensated.
    """
    rng = np.random.default_rng([*seed, number])
    kind: Kind = "local" if number % 2 else "no_change"
    region = draw_region(rng, scene, kind)
    changed = apply_change(scene, draw_change(rng, region, float(rng.choice(_AMOUNTS))))
    points_xy, setup = scene.landmarks.points_xy, Setup(kind, "in_view", "T1")
    relit = relight(changed, points_xy, draw_relight(rng))
    skin = scene.client_skin > 0.5
    # A camera meters: the face comes out as bright as before.
    relit *= changed[skin].mean(dtype=np.float64) / relit[skin].mean(dtype=np.float64)
    scenes: Mapping[Side, FloatMap] = {"before": scene.linear_rgb, "after": relit}
    shots = {side: photograph(rgb, scene, setup, rng=rng) for side, rgb in scenes.items()}
    before, after = (measure(draw_face(rgb, points_xy), scene.seen) for rgb in (scene.linear_rgb, changed))
    score = LightScore(
        pair=f"{photo} #{number}", photo=photo, group="", tier="T1",
        test="relit_unchanged" if region is None else "relit_local",
    )  # fmt: skip
    regions = () if region is None else (region,)
    yield from _compare(
        score, difference(before, after), regions, lambda s: compare_shots(shots, settings=s), settings=settings
    )


def _compare(
    score: LightScore,
    true: Values,
    changed: Sequence[str],
    compare: Callable[[Settings], Compared],
    *,
    settings: Settings,
) -> Iterator[LightScore]:
    """What the program says of a pair, raw and compensated, beside the truth; what it refuses has no interval."""
    true = {key: value for key, value in true.items() if key[0] != "redness"}
    for method in METHODS:
        compared = compare(replace(settings, light=method))
        if isinstance(compared, str):
            nothing = [
                Outcome(method=method, metric=metric, region=region, changed=region in changed, true=value,
                        found=float("nan"), verdict="not comparable")
                for (metric, region), value in true.items()
            ]  # fmt: skip
            yield replace(score, method=method, outcomes=tuple(nothing), reason=compared)
            continue
        changes, result = compared
        told = published(changes, true, None, settings=settings, with_refused=True)
        texture = [c for c in result.changes if c.metric == TEXTURE and c.against == "baseline"]
        yield replace(
            score,
            method=method,
            outcomes=tuple(replace(o, method=method, changed=o.region in changed) for o in told),
            texture=tuple(bool(np.isfinite(c.difference)) for c in texture),
            reason="; ".join(reason for c in result.comparisons[:1] if c.grade == "F" for reason in c.reasons),
        )
