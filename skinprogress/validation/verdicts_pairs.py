"""Small faces photographed before and after a known change, or none, and what the program's verdicts make of them."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.face.regions import FACE_OVAL
from skinprogress.metrics.table import METRICS
from skinprogress.records import Landmarks, Photo, PhotoRef
from skinprogress.settings import Settings
from skinprogress.synthetic.cards import LIGHT, draw_card_corners, paste_card
from skinprogress.synthetic.rephotograph import Tier, draw_rephotograph, rephotograph
from skinprogress.validation import scenes
from skinprogress.validation.color_outcomes import difference
from skinprogress.validation.color_pairs import Kind, draw_region
from skinprogress.validation.scenes import FloatMap, Scene, Values, apply_change, draw_change, draw_face, measure
from skinprogress.validation.verdicts_outcomes import Setup, Test, VerdictPair, judge_pair

FRAME_PX = 384
"""Side of the canonical frame: about as fine as a photo with such a face."""

IOD_PX = 140.0
"""Faces are shrunk to this distance between the irises. Below it the misfit of two faces, in % of the distance, grows
and widens the intervals: of relative redness by a third at 100 px."""

_KINDS: dict[Test, Kind] = {"unchanged": "no_change", "local": "local", "whole_face": "whole_face"}
_CARD_WIDTHS = (0.2, 0.35)
# What two shots of one visit share: the room, the camera and its settings. Hand, blur, noise and file are each shot's.
_OF_THE_VISIT = ("gains", "exposure", "shading", "mixed_light", "gamma", "saturation", "veil")


def small_scene(photo: Photo, landmarks: Landmarks) -> Scene:
    """Take a photo for a scene, shrunk so that the irises are at most :data:`IOD_PX` apart."""
    scale = min(1.0, IOD_PX / landmarks.iod_px)
    if scale < 1.0:
        height, width = (max(1, round(n * scale)) for n in photo.pixels.shape[:2])
        factors = np.array([width / photo.pixels.shape[1], height / photo.pixels.shape[0]])
        pixels = cv2.resize(photo.pixels, (width, height), interpolation=cv2.INTER_AREA)
        # OpenCV keeps the depth of the file, 8 or 16 bit.
        photo = replace(photo, pixels=cast("npt.NDArray[np.uint8]", pixels))
        landmarks = replace(landmarks, points_xy=landmarks.points_xy * factors, depth=landmarks.depth * scale)
    return scenes.make_scene(photo, landmarks)


def score_pair(
    scene: Scene, setup: Setup, *, tier: Tier, photo: str, tone: str, number: int, seed: Sequence[int],
    settings: Settings,
) -> VerdictPair:  # fmt: skip
    """Photograph a scene before and after, let the program compare, and count where its verdicts are wrong.

    Parameters
    ----------
    scene : Scene
    setup : Setup
    tier : {'T0', 'T1'}
    photo, tone : str
        What the scene was made from, and its skin tone.
    number : int
        Of the pair.
    seed : sequence of int
        The same seed, tier and number give the same pair.
    settings : Settings

    Returns
    -------
    VerdictPair
    """
    started = time.process_time()
    rng = np.random.default_rng([*seed, int(tier[1:]), number])
    region = draw_region(rng, scene, _KINDS[setup.test])
    amount = setup.amount * float(rng.choice((-1.0, 1.0)))
    changed = apply_change(scene, draw_change(rng, region, amount))
    sides = {"before": scene.linear_rgb, "after": changed}
    settings = replace(
        settings, canonical_px=FRAME_PX, canonical_px_max=FRAME_PX, min_iod_px=min(settings.min_iod_px, 0.4 * IOD_PX),
        color_reference="none" if setup.reference == "none" else settings.color_reference,
    )  # fmt: skip
    pair = VerdictPair(pair=f"{photo} {tier} #{number}", photo=photo, tier=tier, setup=setup, tone=tone)
    with tempfile.TemporaryDirectory(prefix="skinprogress-") as name, only_metrics(setup):
        refs = []
        for side, rgb in sides.items():
            for shot, taken in enumerate(photograph_visit(rgb, scene, setup, tier=tier, rng=rng)):
                path = Path(name) / f"{side}_{shot}.png"
                _write_photo(path, taken, tier)
                refs.append(PhotoRef(path=path, file=path.name, client="scene", session=side))
        true: Values | None = None
        if region is not None:
            # After a card colours are reflectances, and the card is drawn under a light that is not quite 1.
            light = np.float32(LIGHT if setup.reference == "card" else 1.0)
            faces = (draw_face(rgb / light, scene.landmarks.points_xy) for rgb in sides.values())
            before, after = (measure(face, scene.seen) for face in faces)
            true = difference(before, after)
        told = judge_pair(pair, refs, true=true, region=region, settings=settings)
    return replace(told, cpu_s=time.process_time() - started)


def photograph_visit(
    linear_rgb: FloatMap, scene: Scene, setup: Setup, *, tier: Tier, rng: np.random.Generator
) -> Iterator[npt.NDArray[np.uint8]]:
    """Take the photos of one visit: shots share the light and the camera, not the hand, the noise and the file.

    Parameters
    ----------
    linear_rgb : (H, W, 3) float32
        The scene, as it is or changed.
    scene : Scene
        Where the face is.
    setup : Setup
    tier : {'T0', 'T1'}
    rng : numpy Generator

    Yields
    ------
    (H, W, 3) uint8
        sRGB.
    """
    if setup.reference == "card":
        size, width = (linear_rgb.shape[0], linear_rgb.shape[1]), float(rng.uniform(*_CARD_WIDTHS))
        outline_xy = scene.landmarks.points_xy[list(FACE_OVAL)]
        corners = draw_card_corners(rng, size, width_share=width, avoid_xy=outline_xy)
        linear_rgb = paste_card(linear_rgb, corners_xy=corners)
    visit = draw_rephotograph(rng, tier=tier)
    for _ in range(setup.shots):
        shot = draw_rephotograph(rng, tier=tier)
        shot = replace(shot, **{name: getattr(visit, name) for name in _OF_THE_VISIT})
        yield rephotograph(linear_rgb, shot, rng=rng)[0]


def _write_photo(path: Path, rgb: npt.NDArray[np.uint8], tier: Tier) -> None:
    """Write a photo without loss; where both visits render colours alike, the file names the camera, as originals do.

    Another tone curve or saturation is another camera, or a copy that has lost its name.
    """
    from PIL import Image

    exif = Image.Exif()
    if tier == "T0":
        exif.update({0x010F: "simulated", 0x0110: "simulated"})  # make and model
    Image.fromarray(rgb).save(path, compress_level=1, exif=exif)


@contextmanager
def only_metrics(setup: Setup) -> Iterator[None]:
    """Where only redness has a known truth, the program compares nothing else: half the time.

    Families are judged one by one, so that the verdicts on redness stay the same; `p_headline` does not.
    """
    every = dict(METRICS)
    try:
        if not setup.every_metric:
            for name in every.keys() - set(scenes.METRICS):
                del METRICS[name]
        yield
    finally:
        METRICS.clear()
        METRICS.update(every)
