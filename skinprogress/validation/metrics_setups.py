"""A photo taken again: disturbed in one way, or with more blood or other texture in its skin."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Literal

import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import EI_PER_A_STAR, encode_srgb8
from skinprogress.face.quality import IRIS_MM, IRIS_READS_LARGE, measure_iris_px
from skinprogress.face.regions import FACE_OVAL, WHOLE_FACE, bare_face_mask, region_mask
from skinprogress.metrics.table import METRICS
from skinprogress.photos.reading import to_linear
from skinprogress.records import Landmarks, Photo
from skinprogress.settings import Settings
from skinprogress.synthetic.changes import (
    ONE_PERCENT_BLOOD,
    canonical_weight,
    inject_texture,
    redness_per_unit,
    region_weight,
)
from skinprogress.synthetic.disturbances import DISTURBANCES, disturb
from skinprogress.synthetic.rephotograph import Tier, draw_rephotograph, rephotograph
from skinprogress.validation import color_pairs
from skinprogress.validation.color_outcomes import difference
from skinprogress.validation.color_pairs import Shot, Side, compare_shots, draw_region, photograph
from skinprogress.validation.metrics_pairs import MetricPair, read_pair
from skinprogress.validation.scenes import (
    SIDE_PX,
    FloatMap,
    Scene,
    apply_change,
    draw_change,
    draw_face,
    make_scene,
    measure,
    skin_tone,
)
from skinprogress.validation.scores import part_names

Kind = Literal["disturbed", "blood", "unchanged", "texture", "texture_face"]

ITA_BINS = {
    "very light": "ITA > 41", "light": "ITA > 41", "intermediate": "ITA 28–41", "tan": "ITA 10–28", "brown": "ITA < 10",
    "dark": "ITA < 10",
}  # fmt: skip
"""Skin tones of the scenes, in the bins in which figures are told."""

BANDS_MM: dict[str, tuple[float, float]] = {
    "texture_uniformity": (1.0, 4.0), "pores": (0.5, 1.0), "fine_texture": (1.0, 2.0), "coarse_texture": (2.0, 4.0)
}  # fmt: skip
"""Shortest and longest wavelength of the metrics that measure a band."""

_BLOOD_PERCENT = (0.25, 0.5, 1.0, 2.0)
_GAINS = (0.6, 0.8, 0.9, 1.1, 1.2, 1.4)
_EDGE_MM = 1.0
_MIN_PX_PER_WAVELENGTH = 2.5


@dataclass(frozen=True, slots=True)
class Setup:
    """How a pair is made: what is done to the skin or to the photo, at which tier."""

    kind: Kind
    tier: Tier = "T0"
    disturbance: str = ""


def _alternate() -> tuple[Setup, ...]:
    """Disturbances and changes in turn, so that few pairs a photo try a bit of everything."""
    changes = (
        Setup("blood", "T0"), Setup("texture", "T0"), Setup("blood", "T1"), Setup("unchanged", "T1"),
        Setup("texture_face", "T0"), Setup("blood", "T0"), Setup("texture", "T1"), Setup("blood", "T1"),
        Setup("unchanged", "T1"), Setup("texture_face", "T1"), Setup("blood", "T0"), Setup("blood", "T1"),
        Setup("unchanged", "T1"),
    )  # fmt: skip
    grid = [Setup("disturbed", "T0", name) for name in DISTURBANCES]
    return tuple(setup for two in zip_longest(grid, changes) for setup in two if setup is not None)


SETUPS: tuple[Setup, ...] = _alternate()
"""In turn for the pairs of a folder; their number is prime, so that every photo comes to every setup."""


@dataclass(eq=False)
class Subject:
    """A photo that is taken again; what several pairs need is made once.

    Attributes
    ----------
    file : str
    photo : Photo
    landmarks : Landmarks
    seed : sequence of int
        The same seed and number give the same pair.
    """

    file: str
    photo: Photo
    landmarks: Landmarks
    seed: Sequence[int]

    @cached_property
    def linear_rgb(self) -> FloatMap:
        """All px of the photo, linear sRGB within what sRGB can show, (H, W, 3) float32."""
        return np.clip(to_linear(self.photo), 0.0, 1.0)

    @cached_property
    def rgb(self) -> npt.NDArray[np.uint8]:
        """The same as a file would hold it, (H, W, 3) uint8."""
        return encode_srgb8(self.linear_rgb)

    @cached_property
    def scene(self) -> Scene:
        """The photo as a scene for changes of colour."""
        return make_scene(self.photo, self.landmarks)

    @cached_property
    def tone(self) -> str:
        """Bin of its skin tone."""
        return ITA_BINS[skin_tone(self.scene)]

    @property
    def mm_per_px(self) -> float:
        """Millimetres of skin per photo px, by the irises."""
        return IRIS_MM * IRIS_READS_LARGE / measure_iris_px(self.landmarks)


def score_setup(subject: Subject, setup: Setup, *, number: int, settings: Settings) -> MetricPair:
    """Make a pair, let the program compare it, and put beside it what is true.

    Parameters
    ----------
    subject : Subject
    setup : Setup
    number : int
        Of the pair.
    settings : Settings

    Returns
    -------
    MetricPair
    """
    rng = np.random.default_rng([*subject.seed, number])
    pair = MetricPair(
        pair=f"{subject.file} #{number}", photo=subject.file, test=setup.kind, tier=setup.tier,
        method=setup.disturbance, group="" if setup.kind == "disturbed" else subject.tone,
    )  # fmt: skip
    if setup.kind == "disturbed":
        return _score_disturbed(subject, pair, rng, settings)
    if setup.kind in ("texture", "texture_face"):
        return _score_texture(subject, pair, setup, rng, settings)
    return _score_blood(subject.scene, pair, setup, rng, settings)


def _score_disturbed(subject: Subject, pair: MetricPair, rng: np.random.Generator, settings: Settings) -> MetricPair:
    """The photo against a disturbed copy; both are written alike, so that nothing else differs."""
    outline = subject.landmarks.points_xy[list(FACE_OVAL)]
    width_px = float(np.ptp(outline[:, 0]))
    copy = disturb(subject.rgb, DISTURBANCES[pair.method], face_width_px=width_px, rng=rng)
    shots: dict[Side, Shot] = {"before": Shot(subject.rgb, outline), "after": Shot(copy, outline)}
    return read_pair(pair, compare_shots(shots, settings=settings), settings=settings)


def _score_blood(
    scene: Scene, pair: MetricPair, setup: Setup, rng: np.random.Generator, settings: Settings
) -> MetricPair:
    """The scene photographed twice, with other blood in one region, or with nothing changed."""
    region = draw_region(rng, scene, "local" if setup.kind == "blood" else "no_change")
    percent = float(rng.choice(_BLOOD_PERCENT)) * float(rng.choice((-1.0, 1.0)))
    amount = percent * ONE_PERCENT_BLOOD * redness_per_unit("haemoglobin") / EI_PER_A_STAR
    scenes: dict[Side, FloatMap] = {
        "before": scene.linear_rgb, "after": apply_change(scene, draw_change(rng, region, amount))
    }  # fmt: skip
    view = color_pairs.Setup("local", "in_view", setup.tier)
    shots = {side: photograph(rgb, scene, view, rng=rng) for side, rgb in scenes.items()}
    before, after = (measure(draw_face(rgb, scene.landmarks.points_xy), scene.seen) for rgb in scenes.values())
    return read_pair(
        pair, compare_shots(shots, settings=settings), true=difference(before, after),
        changed=() if region is None else (region,), settings=settings,
    )  # fmt: skip


def _score_texture(
    subject: Subject, pair: MetricPair, setup: Setup, rng: np.random.Generator, settings: Settings
) -> MetricPair:
    """The photo with the contrast of one band scaled, in half of the regions or everywhere."""
    resolved = [
        name for name, (low, _) in BANDS_MM.items()
        if name in METRICS and low >= _MIN_PX_PER_WAVELENGTH * subject.mm_per_px
    ]  # fmt: skip
    if not resolved:
        resolved = ["texture_uniformity"]
    metric, gain = str(rng.choice(resolved)), float(rng.choice(_GAINS))
    names = part_names()
    chosen = sorted(rng.choice(names, len(names) // 2, replace=False)) if setup.kind == "texture" else [WHOLE_FACE]
    linear = subject.linear_rgb
    weight = region_weight(
        subject.landmarks.points_xy, (linear.shape[0], linear.shape[1]), chosen, feather_mm=_EDGE_MM
    )  # fmt: skip
    changed = inject_texture(linear, weight, gain=gain, mm_per_px=subject.mm_per_px, band_mm=BANDS_MM[metric])
    sides: dict[Side, FloatMap] = {"before": linear, "after": changed}
    shots = {
        side: Shot(rephotograph(rgb, draw_rephotograph(rng, tier=setup.tier), rng=rng)[0], subject.landmarks.points_xy)
        for side, rgb in sides.items()
    }
    reach = _reach(chosen)
    return read_pair(
        pair, compare_shots(shots, settings=settings),
        shares={(metric, name): (gain - 1.0) * share for name, share in reach.items()},
        changed=[name for name, share in reach.items() if share > 0.5], settings=settings,
    )  # fmt: skip


def _reach(chosen: Sequence[str]) -> dict[str, float]:
    """How much of a change of the chosen regions reaches each region: the mean weight over its bare skin."""
    weight = canonical_weight(dict.fromkeys(chosen, 1.0), feather_mm=_EDGE_MM, side_px=SIDE_PX)
    bare = bare_face_mask(SIDE_PX)
    return {name: float(weight[region_mask(name, SIDE_PX) & bare].mean()) for name in (*part_names(), WHOLE_FACE)}
