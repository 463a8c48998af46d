"""Photos whose true skin colour is stated beside them: each against its reference photo."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.errors import PhotoError, UsageError
from skinprogress.face.canonical import canonical_map
from skinprogress.face.regions import WHOLE_FACE, bare_face_mask, region_mask
from skinprogress.face.skin import estimate_visibility, find_skin
from skinprogress.photos.reading import read_photo, to_linear
from skinprogress.photos.scan import one_line
from skinprogress.pipeline.inspecting import find_client_face
from skinprogress.records import ClientResult, Landmarks, PhotoRef
from skinprogress.settings import Settings
from skinprogress.validation.color_cards import CardOutcome, score_card
from skinprogress.validation.color_outcomes import PairScore, compare_refs, difference, published
from skinprogress.validation.faces import truth_path
from skinprogress.validation.scenes import SIDE_PX, FloatMap, Values, draw_face, measure
from skinprogress.validation.scores import part_names

State = Literal["unchanged", "local", "everywhere"]

TEST, TIER = "true_redness", "T3"
# Below this change of the redness index, a*-equivalents, an area counts as unchanged.
_UNCHANGED = 0.05
# Where all areas change by at least this share of the largest change, what lies between them does too.
_ALIKE = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class TrueColors:
    """What is stated of one photo.

    Attributes
    ----------
    lab : dict of region to (3,) float32
        CIELAB of the skin, D65.
    linear_rgb : dict of region to (3,) float64
        The same in linear sRGB.
    drawn : tuple of str
        Areas as they are numbered, from 1, in the picture ``*.areas.png`` beside the photo; empty without.
    has_card : bool
    """

    lab: dict[str, FloatMap]
    linear_rgb: dict[str, npt.NDArray[np.float64]]
    drawn: tuple[str, ...]
    has_card: bool

    @property
    def index(self) -> dict[str, float]:
        """Redness index of each area, a*-equivalents."""
        return {name: float(np.log(rgb[0] / rgb[1]) / EI_PER_A_STAR) for name, rgb in self.linear_rgb.items()}


def read_true_colors(ref: PhotoRef) -> TrueColors | None:
    """Read the true colours of a photo; None where none are stated.

    Raises
    ------
    UsageError
        The file is damaged.
    """
    path = truth_path(ref)
    if not path.is_file():
        return None
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        areas = stated.get("areas_texture")
        if areas is None:
            return None
        lab = {_region(name): np.array(area["lab"], np.float32).reshape(3) for name, area in areas.items()}
        light = {_region(name): np.array(area["lin"], np.float64).reshape(3) for name, area in areas.items()}
        if any((rgb <= 0.0).any() for rgb in light.values()):
            raise ValueError("lin must be above 0")
        drawn = tuple(_region(str(name)) for name in stated.get("area_order", ()))
        return TrueColors(lab=lab, linear_rgb=light, drawn=drawn, has_card=bool(stated.get("card")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{one_line(path.name)} does not state true colours ({one_line(str(error))})",
            "give lab and lin of every area in areas_texture, or take areas_texture out",
        ) from error


def _region(area: str) -> str:
    side, _, name = area.partition("_")
    return f"{name}_{side}" if side in ("left", "right") else area


def pair_renders(refs: Sequence[PhotoRef]) -> list[tuple[PhotoRef, PhotoRef]]:
    """Each photo of stated colour with its reference photo.

    The reference is ``base…`` of the same folder; else of another folder that shows a card just if this one does; else
    the first photo of the folder.

    Parameters
    ----------
    refs : sequence of PhotoRef

    Returns
    -------
    list of (reference, photo)
    """
    stated = {ref: colors for ref in refs if (colors := read_true_colors(ref)) is not None}
    bases = [ref for ref in stated if ref.path.stem.startswith("base")]
    pairs = []
    for ref, colors in stated.items():
        family = [r for r in stated if r.path.parent == ref.path.parent]
        base = next((r for r in bases if r in family), None)
        base = base or next((r for r in bases if stated[r].has_card == colors.has_card), family[0])
        if base is not ref:
            pairs.append((base, ref))
    return pairs


def score_render_pair(base: PhotoRef, ref: PhotoRef, *, settings: Settings) -> PairScore:
    """Compare two photos of stated colour, and hold what is found against what is stated.

    Parameters
    ----------
    base, ref : PhotoRef
    settings : Settings

    Returns
    -------
    PairScore
    """
    stated = [read_true_colors(r) for r in (base, ref)]
    before, after = (colors for colors in stated if colors is not None)
    changed = changed_areas(before, after)
    score = PairScore(
        pair=f"{ref.file} on {base.file}", photo=ref.file, group=f"{ref.path.parent.name}/*", kind=TEST, test=TEST,
        tier=TIER, unchanged=not changed,
    )  # fmt: skip
    sessions = [replace(r, client="scene", session=side) for r, side in ((base, "before"), (ref, "after"))]
    compared = compare_refs(sessions, settings=settings)
    if isinstance(compared, str):
        return replace(score, reason=compared)
    changes, result = compared
    true = true_changes(base, ref)
    outcomes = [replace(o, changed=o.region in changed) for o in published(changes, true, None, settings=settings)]
    sides = ((base, before), (ref, after))
    cards = [_score_card(r, colors, score, result) for r, colors in sides if colors.has_card]
    return replace(
        score,
        rung=changes[0].color_reference,
        reason=next((p.color_reason for p in result.photos if p.session == "after"), ""),
        outcomes=tuple(outcomes),
        cards=tuple(cards),
    )


def changed_areas(before: TrueColors, after: TrueColors) -> list[str]:
    """Stated areas whose redness index differs."""
    index = after.index
    return [n for n, value in before.index.items() if n in index and abs(index[n] - value) > _UNCHANGED]


def state_of(before: TrueColors, after: TrueColors) -> State:
    """Whether nothing, something or every stated area was changed."""
    n = len(changed_areas(before, after))
    return "unchanged" if not n else "everywhere" if n == len(before.lab) else "local"


def true_changes(base: PhotoRef, ref: PhotoRef) -> Values:
    """True changes from one photo of stated colour to another.

    Parameters
    ----------
    base, ref : PhotoRef

    Returns
    -------
    dict of (metric, region) to float
        Redness (a*) of the stated areas, as stated. The redness index, absolute and relative, of every region: the
        stated changes are painted over the reference photo's skin where its ``*.areas.png`` shows the areas, nothing
        changes elsewhere, and the painted face is measured as any other is, on the skin that both photos show. (The
        trimmed mean of the changes alone would be another figure: it cuts off what fills less than a fifth of the
        rest of the face.) Without ``*.areas.png`` the stated areas alone have a truth, and it holds to first order.

    Raises
    ------
    UsageError
        A damaged statement or picture of areas.
    """
    stated = [read_true_colors(r) for r in (base, ref)]
    before, after = (colors for colors in stated if colors is not None)
    true = _true_changes(before, after)
    try:
        landmarks, face, seen = _see(base)
        areas = _draw_areas(base, landmarks)
        if areas is None or not before.drawn:
            return true
        seen = seen & _see(ref)[2]
    except PhotoError:
        return true
    gains = np.ones((256, 3), np.float32)
    for number, name in enumerate(before.drawn, start=1):
        if name in before.linear_rgb and name in after.linear_rgb:
            gains[number] = after.linear_rgb[name] / before.linear_rgb[name]
    painted = difference(measure(face, seen), measure(face * gains[areas], seen))
    stated_alone = {key: value for key, value in true.items() if key[0] == "redness"}
    return stated_alone | {key: value for key, value in painted.items() if key[0] != "redness"}


@lru_cache(maxsize=2)
def _see(ref: PhotoRef) -> tuple[Landmarks, FloatMap, npt.NDArray[np.bool_]]:
    """Landmarks of a photo, its face in the canonical frame and which of it is usable skin; kept for its next pair."""
    photo = read_photo(ref)
    landmarks = find_client_face(photo, settings=Settings())[0]
    face = draw_face(to_linear(photo), landmarks.points_xy)
    filled = np.nan_to_num(face)
    clipped = ~np.isfinite(face).all(axis=2) | (filled.max(axis=2) > 0.95)
    return landmarks, face, find_skin(filled, clipped, estimate_visibility(landmarks.pose_deg, SIDE_PX))


def _draw_areas(ref: PhotoRef, landmarks: Landmarks) -> npt.NDArray[np.uint8] | None:
    """Number of the area that each px of the canonical frame belongs to, (S, S); None where no file shows the areas."""
    path = ref.path.with_name(ref.path.stem + ".areas.png")
    if not path.is_file():
        return None
    numbers = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED) if path.stat().st_size else None
    if numbers is None or numbers.ndim != 2 or numbers.dtype != np.uint8:
        raise UsageError(
            f"{one_line(path.name)} is no picture with one 8-bit number per px",
            "write the number of the area there, 0 for none, or take the file away",
        )
    at = np.nan_to_num(canonical_map(landmarks.points_xy, SIDE_PX) - np.float32(0.5), nan=-1e4)
    drawn = cv2.remap(numbers, at[..., 0], at[..., 1], cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(drawn, np.uint8)


def _true_changes(before: TrueColors, after: TrueColors) -> Values:
    """Changes of a*, of the redness index, and of the latter against the rest of the face, of the stated areas."""
    true: Values = {
        ("redness", name): float(after.lab[name][1] - lab[1]) for name, lab in before.lab.items() if name in after.lab
    }
    index = difference({("redness_index", n): v for n, v in before.index.items()},
                       {("redness_index", n): v for n, v in after.index.items()})  # fmt: skip
    of_area = {name: value for (_, name), value in index.items()}
    skin = bare_face_mask(SIDE_PX)
    size = {name: int(np.count_nonzero(region_mask(name, SIDE_PX) & skin)) for name in part_names()}
    total = int(np.count_nonzero(region_mask(WHOLE_FACE, SIDE_PX) & skin))
    # Between the areas, and where none is stated, nothing changed; unless everything did.
    sizes = np.abs(list(of_area.values()))
    elsewhere = float(np.mean(list(of_area.values()))) if sizes.size and sizes.min() > _ALIKE * sizes.max() else 0.0
    true |= index
    for name, value in of_area.items():
        others = {n: v for n, v in of_area.items() if n != name and n in size}
        named = sum(size[n] for n in others)
        rest = sum(size[n] * v for n, v in others.items()) + (total - named - size[name]) * elsewhere
        true["relative_redness", name] = value - rest / (total - size[name])
    return true


def _score_card(ref: PhotoRef, true: TrueColors, score: PairScore, result: ClientResult) -> CardOutcome:
    """Skin of a photo after correction by its card, against the stated colours of the areas."""
    _, face, seen = _see(ref)
    inspection = result.inspections.get(ref.file)
    return score_card(
        face, seen, true.lab, card=inspection.card if inspection else None,
        correction=result.plan.corrections.get(ref.file), photo=ref.file, group=score.group, tier=TIER,
    )  # fmt: skip
