"""The sessions of one view, held against each other: each pair estimated once, or remembered from an earlier run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from skinprogress.comparison.compensation import describe_pair_light
from skinprogress.comparison.course import in_maintenance
from skinprogress.comparison.estimating import PairDraft, estimate_pair
from skinprogress.comparison.measuring import keep_maps
from skinprogress.comparison.outcome import maintenance_baseline
from skinprogress.comparison.pairs import finish_pair, pool_shots
from skinprogress.comparison.spots import follow_session_spots
from skinprogress.pipeline.measured import MeasuredPhoto, narrowed
from skinprogress.records import Against, Change, ClientPlan, LightDifference, SkinMap, Spot
from skinprogress.settings import Settings
from skinprogress.store import Store


@dataclass(frozen=True, slots=True)
class PairFound:
    """What two sessions say beside each other, but for the intervals; no pixels."""

    draft: PairDraft
    spots: tuple[Spot, ...]
    light: LightDifference | None

    def of_client(self, client: str) -> "PairFound":
        """The same with the client's name in it."""
        drafts = tuple(replace(d, change=replace(d.change, client=client)) for d in self.draft.drafts)
        comparison = replace(self.draft.comparison, client=client)
        return PairFound(
            PairDraft(comparison, drafts), tuple(replace(s, client=client) for s in self.spots), self.light
        )


@dataclass(frozen=True, slots=True)
class SessionDrafts:
    """What a pair of sessions says, and what it is filed under: the session before may be the baseline itself."""

    found: PairFound
    filed: tuple[Against, ...]


def compare_session(
    photos: Sequence[MeasuredPhoto],
    held: Mapping[str, Sequence[MeasuredPhoto]],
    sessions: Sequence[str],
    *,
    plan: ClientPlan,
    settings: Settings,
    store: Store | None,
) -> list[SessionDrafts]:
    """Compare one session with those before it that it is held against.

    Parameters
    ----------
    photos : sequence of MeasuredPhoto
        Of the session.
    held : mapping of str to sequence of MeasuredPhoto
        Sessions that were measured and are still at hand, the one that all are held against first.
    sessions : sequence of str
        All of the view, in order of time.
    plan, settings
    store : Store or None

    Returns
    -------
    list of SessionDrafts
    """
    session = photos[0].ref.session
    wanted: dict[str, list[Against]] = {}
    before = [s for s in sessions[: sessions.index(session)] if s in held]
    for earlier, against in held_against(plan, session, before, first=next(iter(held))):
        wanted.setdefault(earlier, []).append(against)
    drafts = []
    for earlier, filed in wanted.items():
        found = _remember_pair(held[earlier], photos, against=filed[0], plan=plan, settings=settings, store=store)
        drafts.append(SessionDrafts(found, tuple(filed)))
    return drafts


def held_against(plan: ClientPlan, session: str, before: Sequence[str], *, first: str) -> Iterable[tuple[str, Against]]:
    """Those of the measured sessions before one, in order of time, that it is compared with."""
    if first in before:
        yield first, "baseline"
    if before:
        yield before[-1], "previous"
    start = maintenance_baseline(plan)
    if start is not None and start in before and in_maintenance(plan, session):
        yield start, "maintenance"


def held_sessions(plan: ClientPlan, *, first: str, session: str) -> set[str | None]:
    """Sessions that later ones will be compared with, once a session has been measured."""
    return {first, session, maintenance_baseline(plan)}


def finish_view(
    drafts: Sequence[SessionDrafts], *, plan: ClientPlan, settings: Settings, changes: list[Change]
) -> dict[tuple[str, str], float]:
    """File the changes of a view, now that all repeated shots are known.

    Parameters
    ----------
    drafts : sequence of SessionDrafts
    plan, settings
    changes : list of Change
        Is added to.

    Returns
    -------
    dict of (metric, region) to float
        Variance that the scatter of repeated shots adds to a single measurement.
    """
    scatter = pool_shots(one.found.draft for one in drafts)
    known: dict[tuple[str, str], float] = {}
    for one in drafts:
        finished = finish_pair(one.found.draft, scatter, plan=plan, settings=settings)
        for against in one.filed:
            changes += [replace(c, against=against) for c in finished]
        for d in one.found.draft.drafts:
            if np.isfinite(d.known):
                known.setdefault((d.change.metric, d.change.region), d.known)
    return {key: scatter[key].excess(variance) for key, variance in known.items()}


def remember_maps(photos: Sequence[MeasuredPhoto], store: Store | None) -> list[SkinMap]:
    """The maps of a session that are drawn, from its best photo."""
    best = max(photos, key=lambda photo: photo.inspection.quality)
    if store is None or not best.key:
        return keep_maps([best.face])
    maps = store.remember("maps", best.key, lambda: [replace(m, session="", photo="") for m in keep_maps([best.face])])
    return [replace(m, session=best.ref.session, photo=best.ref.file) for m in maps]


def _remember_pair(
    baseline: Sequence[MeasuredPhoto],
    followup: Sequence[MeasuredPhoto],
    *,
    against: Against,
    plan: ClientPlan,
    settings: Settings,
    store: Store | None,
) -> PairFound:
    photos = [*baseline, *followup]
    narrow = narrowed(plan, [photo.ref for photo in photos])

    def estimate() -> PairFound:
        before, after = ([photo.face for photo in group] for group in (baseline, followup))
        draft = estimate_pair(before, after, against=against, plan=narrow, settings=settings)
        spots = follow_session_spots(before, after, against=against) if draft.comparison.grade != "F" else []
        nameless = tuple(replace(spot, client="") for spot in spots)
        return PairFound(draft, nameless, describe_pair_light(before, after, against=against))

    if store is None or not all(photo.key for photo in photos):
        found = estimate()
    else:
        times = [(r.session, r.day, r.taken_at, r.stage, r.hours_after) for r in (p.ref for p in photos)]
        keys = [[photo.key for photo in group] for group in (baseline, followup)]
        found = store.remember("pair", (keys, times, narrow, against, settings.hash), estimate)
    return found.of_client(plan.client)
