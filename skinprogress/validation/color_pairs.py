"""Pairs with a known change of redness: a scene photographed twice, compared by the program itself and naively."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import linear_rgb_to_lab, srgb_to_linear
from skinprogress.face.canonical import apply_affine
from skinprogress.face.regions import FACE_OVAL, WHOLE_FACE, region_mask
from skinprogress.records import Change, ClientResult, PhotoRef
from skinprogress.settings import Settings
from skinprogress.synthetic.cards import LIGHT, draw_card_corners, paste_card
from skinprogress.synthetic.rephotograph import Tier, draw_rephotograph, rephotograph
from skinprogress.validation.color_cards import CardOutcome, score_card
from skinprogress.validation.color_outcomes import Outcome, PairScore, compare_refs, difference, published
from skinprogress.validation.scenes import (
    SIDE_PX,
    FloatMap,
    Points,
    Scene,
    Values,
    apply_change,
    draw_change,
    draw_face,
    measure,
    region_colors,
)
from skinprogress.validation.scores import part_names

View = Literal["in_view", "cropped", "without", "card"]
"""The photo as it is; cut so that the face fills it; as it is, but nothing may be used; a card held into it."""
Kind = Literal["whole_face", "local", "no_change"]
Side = Literal["before", "after"]

NAIVE = ("as_taken", "grey_world", "equal_mean_face")
FACE_FILLS = 0.7
"""Of the height and the width of a cropped photo."""

_AMOUNTS = (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0)
_CARD_WIDTHS = (0.2, 0.35)
_MIN_REGION_PX = 400
_ROOM = 1.25  # more than the crop is photographed, so that a moved frame shows no mirrored edge


@dataclass(frozen=True, slots=True)
class Setup:
    """How a pair is made."""

    kind: Kind
    view: View
    tier: Tier

    @property
    def test(self) -> str:
        """Its name in the figures."""
        return self.kind if self.view == "in_view" else f"{self.kind}_{self.view}"


SETUPS: tuple[Setup, ...] = (
    Setup("whole_face", "in_view", "T0"),
    Setup("whole_face", "cropped", "T0"),
    Setup("local", "in_view", "T0"),
    Setup("whole_face", "card", "T1"),
    Setup("no_change", "in_view", "T0"),
    Setup("whole_face", "without", "T0"),
    Setup("whole_face", "in_view", "T1"),
    Setup("local", "in_view", "T1"),
    Setup("whole_face", "card", "T0"),
    Setup("no_change", "without", "T1"),
    Setup("whole_face", "in_view", "T0"),
    Setup("whole_face", "cropped", "T1"),
    Setup("local", "card", "T0"),
    Setup("no_change", "in_view", "T1"),
    Setup("whole_face", "without", "T1"),
    Setup("local", "cropped", "T0"),
    Setup("no_change", "card", "T1"),
    Setup("local", "without", "T1"),
)
"""In turn for the pairs of a folder."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One photo of a scene.

    Attributes
    ----------
    rgb : (h, w, 3) uint8
        sRGB, as the JPEG has it.
    points_xy : (478, 2) float64
        Where the landmarks of the scene truly are, px of the shot.
    """

    rgb: npt.NDArray[np.uint8]
    points_xy: Points


def score_pair(
    scene: Scene, setup: Setup, *, photo: str, tone: str, number: int, seed: Sequence[int], settings: Settings
) -> PairScore:
    """Photograph a scene before and after a change, compare, and hold what is found against what was done.

    Parameters
    ----------
    scene : Scene
    setup : Setup
    photo, tone : str
        What it was made from, and the skin tone.
    number : int
        Of the pair.
    seed : sequence of int
        The same seed and number give the same pair.
    settings : Settings

    Returns
    -------
    PairScore
    """
    rng = np.random.default_rng([*seed, number])
    region = draw_region(rng, scene, setup.kind)
    change = draw_change(rng, region, float(rng.choice(_AMOUNTS)))
    scenes: dict[Side, FloatMap] = {"before": scene.linear_rgb, "after": apply_change(scene, change)}
    shots = {side: photograph(rgb, scene, setup, rng=rng) for side, rgb in scenes.items()}
    score = PairScore(
        pair=f"{photo} #{number}",
        photo=photo,
        group=tone,
        kind=setup.kind,
        test=setup.test,
        tier=setup.tier,
        unchanged=region is None,
    )
    if setup.view == "without":
        settings = replace(settings, color_reference="none")
    compared = compare_shots(shots, settings=settings)
    if isinstance(compared, str):
        return replace(score, reason=compared)
    changes, result = compared
    rung = changes[0].color_reference
    # After a card colours are reflectances, and a card held into the scene is drawn under a light that is not quite 1.
    light = np.float32(LIGHT if rung == "card" and setup.view == "card" else 1.0)
    before, after = (measure(draw_face(rgb / light, scene.landmarks.points_xy), scene.seen) for rgb in scenes.values())
    true = difference(before, after)
    carded: tuple[Side, ...] = ("before", "after") if setup.view == "card" else ()
    return replace(
        score,
        rung=rung,
        reason=next((p.color_reason for p in result.photos if p.session == "after"), ""),
        outcomes=(*published(changes, true, region, settings=settings), *_naive(shots, scene, true, region)),
        cards=tuple(_score_card(side, shots[side], scenes[side], scene, score, result) for side in carded),
    )


def draw_region(rng: np.random.Generator, scene: Scene, kind: Kind) -> str | None:
    """What is changed; a region only if enough of it is skin."""
    size = {name: np.count_nonzero(scene.seen & region_mask(name, SIDE_PX)) for name in part_names()}
    names = [name for name, n in size.items() if n >= _MIN_REGION_PX]
    drawn = names[rng.integers(len(names))] if names else WHOLE_FACE
    return {"whole_face": WHOLE_FACE, "local": drawn, "no_change": None}[kind]


def photograph(linear_rgb: FloatMap, scene: Scene, setup: Setup, *, rng: np.random.Generator) -> Shot:
    """Take one photo of a scene, as it is or changed.

    Parameters
    ----------
    linear_rgb : (H, W, 3) float32
    scene : Scene
        What it was before a change: where the face is.
    setup : Setup
    rng : numpy Generator

    Returns
    -------
    Shot
    """
    points_xy = scene.landmarks.points_xy
    params = draw_rephotograph(rng, tier=setup.tier)
    size = (linear_rgb.shape[0], linear_rgb.shape[1])
    if setup.view == "card":
        width = float(rng.uniform(*_CARD_WIDTHS))
        corners = draw_card_corners(rng, size, width_share=width, avoid_xy=points_xy[list(FACE_OVAL)])
        linear_rgb = paste_card(linear_rgb, corners_xy=corners)
    low = np.zeros(2, int)
    if setup.view == "cropped":
        outline = points_xy[list(FACE_OVAL)]
        middle, wanted = (outline.max(axis=0) + outline.min(axis=0)) / 2, np.ptp(outline, axis=0) / FACE_FILLS
        low = np.clip(np.floor(middle - wanted * _ROOM / 2).astype(int), 0, None)
        high = np.minimum(np.ceil(middle + wanted * _ROOM / 2).astype(int), size[::-1])
        linear_rgb = linear_rgb[low[1] : high[1], low[0] : high[0]]
        width_px, height_px = np.minimum(np.round(wanted).astype(int), high - low)
        size = (int(height_px), int(width_px))
    rgb, matrix = rephotograph(linear_rgb, params, rng=rng, out_hw=size)
    return Shot(rgb, apply_affine(matrix, points_xy - low))


def compare_shots(shots: Mapping[Side, Shot], *, settings: Settings) -> tuple[list[Change], ClientResult] | str:
    """Let the program compare two shots, from lossless files; returns as :func:`compare_refs`."""
    with tempfile.TemporaryDirectory(prefix="skinprogress-") as name:
        folder = Path(name)
        refs = []
        for side, shot in shots.items():
            path = folder / f"{side}.png"
            cv2.imwrite(str(path), np.ascontiguousarray(shot.rgb[..., ::-1]))
            refs.append(PhotoRef(path=path, file=path.name, client="scene", session=side))
        return compare_refs(refs, settings=settings)


def _naive(shots: Mapping[Side, Shot], scene: Scene, true: Values, region: str | None) -> list[Outcome]:
    """What simpler methods would say, on places that are exactly the same in both photos."""
    linear = {side: srgb_to_linear(shot.rgb) for side, shot in shots.items()}
    faces = {side: draw_face(linear[side], shots[side].points_xy) for side in shots}
    seen = scene.seen & np.logical_and.reduce([np.isfinite(face).all(axis=2) for face in faces.values()])
    gains = {
        "as_taken": np.ones(3, np.float32),
        "grey_world": linear["before"].mean(axis=(0, 1)) / linear["after"].mean(axis=(0, 1)),
        "equal_mean_face": faces["before"][seen].mean(axis=0) / faces["after"][seen].mean(axis=0),
    }
    before = measure(faces["before"], seen)
    found = []
    for method, factors in gains.items():
        differences = difference(before, measure(faces["after"] * factors, seen))
        found += [
            Outcome(
                method=method, metric=metric, region=name, changed=region in (name, WHOLE_FACE),
                true=true[metric, name], found=value,
            )
            for (metric, name), value in differences.items()
            if (metric, name) in true and (name == WHOLE_FACE or metric == "relative_redness")
        ]  # fmt: skip
    return found


def _score_card(
    side: Side, shot: Shot, scene_rgb: FloatMap, scene: Scene, score: PairScore, result: ClientResult
) -> CardOutcome:
    """Skin of a shot after correction by its card, against the scene."""
    true = region_colors(draw_face(scene_rgb / np.float32(LIGHT), scene.landmarks.points_xy), scene.seen)
    file = f"{side}.png"
    return score_card(
        draw_face(srgb_to_linear(shot.rgb), shot.points_xy),
        scene.seen,
        {name: linear_rgb_to_lab(color) for name, color in true.items()},
        card=result.inspections[file].card if file in result.inspections else None,
        correction=result.plan.corrections.get(file),
        photo=f"{score.pair} {side}",
        group=score.group,
        tier=score.tier,
    )
