"""Photos whose true skin colour is stated beside them: each against its reference photo."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.errors import UsageError
from skinprogress.face.regions import WHOLE_FACE, bare_face_mask, region_mask
from skinprogress.face.skin import estimate_visibility, find_skin
from skinprogress.photos.reading import read_photo, to_linear
from skinprogress.photos.scan import one_line
from skinprogress.pipeline import find_client_face
from skinprogress.records import ClientResult, PhotoRef
from skinprogress.settings import Settings
from skinprogress.validation.color_cards import CardOutcome, score_card
from skinprogress.validation.color_outcomes import PairScore, compare_refs, difference, published
from skinprogress.validation.faces import truth_path
from skinprogress.validation.scenes import SIDE_PX, FloatMap, Values, draw_face
from skinprogress.validation.scores import part_names

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
    index : dict of region to float
        Redness index, a*-equivalents.
    has_card : bool
    """

    lab: dict[str, FloatMap]
    index: dict[str, float]
    has_card: bool


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
        index = {name: float(np.log(rgb[0] / rgb[1]) / EI_PER_A_STAR) for name, rgb in light.items()}
        return TrueColors(lab=lab, index=index, has_card=bool(stated.get("card")))
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
        Absolute figures for the stated areas; relative redness against what the areas' changes amount to in the rest
        of the face, which holds to first order.
    """
    stated = [read_true_colors(r) for r in (base, ref)]
    before, after = (colors for colors in stated if colors is not None)
    true = _true_changes(before, after)
    changed = [name for (metric, name), value in true.items() if metric == "redness_index" and abs(value) > _UNCHANGED]
    score = PairScore(
        pair=f"{ref.file} on {base.file}", photo=ref.file, group=f"{ref.path.parent.name}/*", kind=TEST, test=TEST,
        tier=TIER, unchanged=not changed,
    )  # fmt: skip
    sessions = [replace(r, client="scene", session=side) for r, side in ((base, "before"), (ref, "after"))]
    compared = compare_refs(sessions, settings=settings)
    if isinstance(compared, str):
        return replace(score, reason=compared)
    changes, result = compared
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


def _true_changes(before: TrueColors, after: TrueColors) -> Values:
    """Changes of a*, of the redness index, and of the latter against the rest of the face."""
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
    photo = read_photo(ref)
    inspection = result.inspections.get(ref.file)
    landmarks = inspection.landmarks if inspection else find_client_face(photo, settings=Settings())[0]
    face = draw_face(to_linear(photo), landmarks.points_xy)
    filled = np.nan_to_num(face)
    clipped = ~np.isfinite(face).all(axis=2) | (filled.max(axis=2) > 0.95)
    seen = find_skin(filled, clipped, estimate_visibility(landmarks.pose_deg, SIDE_PX))
    return score_card(
        face, seen, true.lab, card=inspection.card if inspection else None,
        correction=result.plan.corrections.get(ref.file), photo=ref.file, group=score.group, tier=TIER,
    )  # fmt: skip
