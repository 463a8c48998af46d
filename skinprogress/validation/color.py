"""Can the colour be trusted on these photos? They are photographed again, with and without a known change."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skinprogress.color.card_fit import CardFit, fit_card
from skinprogress.color.cards import read_card
from skinprogress.color.correcting import apply_correction
from skinprogress.color.spaces import encode_srgb8
from skinprogress.comparison.bookkeeping import rejection_of
from skinprogress.errors import NothingMeasuredError, PhotoError, SkinprogressError
from skinprogress.photos.reading import read_photo
from skinprogress.photos.scan import one_line
from skinprogress.pipeline.inspecting import find_client_face
from skinprogress.records import ColorCorrection, PhotoRef, Rejection
from skinprogress.settings import Settings
from skinprogress.validation.color_cards import CardOutcome
from skinprogress.validation.color_copies import compare_copies
from skinprogress.validation.color_outcomes import PairScore
from skinprogress.validation.color_pairs import SETUPS, score_pair
from skinprogress.validation.color_renders import pair_renders, read_true_colors, score_render_pair
from skinprogress.validation.color_scores import card_figures, copy_figures, pair_figures, seen_card_figures
from skinprogress.validation.faces import list_faces
from skinprogress.validation.scenes import Values, make_scene, skin_tone
from skinprogress.validation.table import Figure
from skinprogress.validation.workers import run_jobs

if TYPE_CHECKING:
    from skinprogress.pipeline.comparing import Progress

PAIRS_IN_ALL = 280
"""About so many pairs are made by default: five minutes on two cores."""

_LEAST_PAIRS, _MOST_PAIRS = 4, 4 * len(SETUPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoScore:
    """What one photo has yielded.

    Attributes
    ----------
    file : str
    pairs : tuple of PairScore
    card : str or None
        What is said of a card in the photo as it is: empty where none is seen; None where it was not looked for.
    copies : dict
        Copy to differences from the original.
    rejected : Rejection or None
        Why it could not be used.
    """

    file: str
    pairs: tuple[PairScore, ...] = ()
    card: str | None = None
    copies: Mapping[str, Values] = field(default_factory=dict)
    rejected: Rejection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorValidation:
    """What a validation found out.

    Attributes
    ----------
    figures : tuple of Figure
    pairs : tuple of PairScore
        What the figures were made from.
    rejected : tuple of Rejection
        Photos that could not be used.
    n_photos : int
        Photos that were.
    """

    figures: tuple[Figure, ...]
    pairs: tuple[PairScore, ...]
    rejected: tuple[Rejection, ...]
    n_photos: int


def validate_color(
    folder: str | Path,
    *,
    pairs_per_photo: int | None = None,
    settings: Settings | None = None,
    progress: "Progress | None" = None,
    workers: int = 2,
) -> ColorValidation:
    """Test the colour correction and the redness figures on the photos of a folder.

    Parameters
    ----------
    folder : path
        A client's folder, or flat photos; true colours in ``*.truth.json`` beside photos are used.
    pairs_per_photo : int, optional
        How often each photo is photographed again; by default so that about :data:`PAIRS_IN_ALL` pairs are made.
    settings : Settings, optional
    progress : callable, optional
        Called with what is being done, photos done, photos in all.
    workers : int
        Processes; the figures do not depend on it.

    Returns
    -------
    ColorValidation

    Raises
    ------
    UsageError
        No such folder, or a damaged truth file.
    NothingMeasuredError
        No photo that could be used.

    Notes
    -----
    Tier T0 changes white balance, exposure, shading, sharpness and place; T1 also mixes two lights, bends the tone
    curve and adds a veil. Neither moves the light or changes the camera: both flatter. A photo's own colours are taken
    for the true ones, so that there is no error of the scene in the truth.
    """
    settings, report = settings or Settings(), progress or (lambda *_: None)
    listing, refs = list_faces(Path(folder), settings=settings)
    plain = [ref for ref in refs if read_true_colors(ref) is None]
    wanted = pairs_per_photo or min(max(round(PAIRS_IN_ALL / max(len(plain), 1)), _LEAST_PAIRS), _MOST_PAIRS)
    jobs: list[Callable[[], PhotoScore]] = []
    for index, ref in enumerate(plain):
        # Setups in turn over the whole folder; each pair's draws hang on the photo's content alone.
        turns = [(index * wanted + k) % len(SETUPS) + k // len(SETUPS) * len(SETUPS) for k in range(wanted)]
        jobs.append(partial(score_photo, ref, turns, settings=settings))
    jobs += [partial(_score_render, base, ref, settings=settings) for base, ref in pair_renders(refs)]
    jobs += [partial(_score_copies, ref, settings=settings) for ref in refs[:1]]
    report("comparing", 0, len(jobs))
    scores: list[PhotoScore] = []
    for score in run_jobs(jobs, workers=workers):
        scores.append(score)
        report("comparing", len(scores), len(jobs))
    rejected = [*listing.rejected, *(score.rejected for score in scores if score.rejected)]
    used = [score for score in scores if score.pairs]
    if not used:
        why = f": {rejected[0].file}: {rejected[0].reason}" if rejected else ""
        raise NothingMeasuredError(f"no photo in {one_line(str(folder))} can be used{why}", "see `skinprogress check`")
    pairs = [pair for score in used for pair in score.pairs]
    # A reference photo stands in many pairs.
    cards: dict[str, CardOutcome] = {card.photo: card for pair in pairs for card in pair.cards}
    figures = [
        *pair_figures(pairs),
        *card_figures(list(cards.values())),
        *seen_card_figures({score.file: score.card for score in used if score.card is not None}),
        *(figure for score in scores for figure in copy_figures(score.file, score.copies)),
    ]
    return ColorValidation(
        figures=tuple(figures), pairs=tuple(pairs), rejected=tuple(rejected), n_photos=len({s.file for s in used})
    )


def score_photo(ref: PhotoRef, turns: Sequence[int], *, settings: Settings) -> PhotoScore:
    """Make the pairs of one photo and compare them.

    Parameters
    ----------
    ref : PhotoRef
    turns : sequence of int
        Number of each pair; it chooses the setup.
    settings : Settings

    Returns
    -------
    PhotoScore
    """
    try:
        photo = read_photo(ref)
        landmarks, _ = find_client_face(photo, settings=settings)
    except PhotoError as error:
        return PhotoScore(file=ref.file, rejected=rejection_of(ref, error))
    card = read_card(photo)
    scene = make_scene(photo, landmarks)
    fit = None if card is None else card.problem or fit_card(card, edition=settings.card_edition)
    has_card = isinstance(fit, CardFit)
    if isinstance(fit, CardFit):
        # What a photo with a card comes to in the program is true colours: so is the scene, or the two would differ.
        correction = ColorCorrection(rung="card", matrix=fit.matrix, tone=fit.tone)
        true_rgb = np.clip(apply_correction(scene.linear_rgb, correction), 0.0, 1.0)
        scene = replace(scene, linear_rgb=np.asarray(true_rgb, np.float32))
    tone = skin_tone(scene)
    seed = (settings.seed, int(ref.sha256[:12] or "0", 16))
    make = partial(score_pair, scene, photo=ref.file, tone=tone, seed=seed, settings=settings)
    setups = [SETUPS[turn % len(SETUPS)] for turn in turns]
    if has_card:  # its own is enough
        setups = [replace(setup, view="in_view") if setup.view == "card" else setup for setup in setups]
    pairs = [make(setup, number=turn) for setup, turn in zip(setups, turns, strict=True)]
    said = "" if card is None else card.problem or "a card"
    return PhotoScore(file=ref.file, pairs=tuple(pairs), card=said)


def _score_render(base: PhotoRef, ref: PhotoRef, *, settings: Settings) -> PhotoScore:
    return PhotoScore(file=ref.file, pairs=(score_render_pair(base, ref, settings=settings),))


def _score_copies(ref: PhotoRef, *, settings: Settings) -> PhotoScore:
    """Save a photo in other ways and measure the copies."""
    try:
        photo = read_photo(ref)
        rgb = encode_srgb8(make_scene(photo, find_client_face(photo, settings=settings)[0]).linear_rgb)
        with tempfile.TemporaryDirectory(prefix="skinprogress-") as folder:
            return PhotoScore(file=ref.file, copies=compare_copies(rgb, Path(folder), settings=settings))
    except SkinprogressError:
        return PhotoScore(file=ref.file)  # why it cannot be used is told of it as a scene
