"""All photos of a client, from the first look to findings: the stages, chained."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from skinprogress.comparison.bookkeeping import (
    PhotoFigures,
    explain_nothing,
    find_versions,
    rejection_of,
    report_photos,
)
from skinprogress.comparison.findings import find_findings
from skinprogress.comparison.other_person import misfit_error
from skinprogress.comparison.pairs import adjust_headline
from skinprogress.comparison.recovery import find_recoveries
from skinprogress.comparison.trend import find_trends
from skinprogress.errors import NothingMeasuredError, PhotoError
from skinprogress.face.refinement import register_face
from skinprogress.face.registration import Reference
from skinprogress.pipeline.inspecting import inspect_photo
from skinprogress.pipeline.measured import MeasuredPhoto, ViewWork
from skinprogress.pipeline.measuring import FEW_REGIONS
from skinprogress.pipeline.pairing import SessionDrafts, compare_session, finish_view, held_sessions, remember_maps
from skinprogress.pipeline.planning import plan_client, reference_scale
from skinprogress.records import (
    Change,
    ClientPlan,
    ClientResult,
    Comparison,
    Course,
    Inspection,
    LightDifference,
    MarkPlace,
    Measurement,
    PhotoRef,
    Rejection,
    SkinMap,
    Spot,
    View,
)
from skinprogress.settings import Settings
from skinprogress.store import Store

A = TypeVar("A")
B = TypeVar("B")

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many photos are through and how many there are."""

_MIN_MARK_ON_SKIN = 0.5


def compare_client(
    refs: Sequence[PhotoRef],
    *,
    client: str,
    folder: Path,
    course: Course,
    settings: Settings,
    rejected: Iterable[Rejection] = (),
    skipped: Iterable[tuple[str, str]] = (),
    notes: Iterable[str] = (),
    progress: Progress | None = None,
    store: Store | None = None,
    threads: int = 1,
) -> ClientResult:
    """Everything about one client, from photos on disk to findings.

    Parameters
    ----------
    refs : sequence of PhotoRef
        In order of time.
    client, folder, course, settings
    rejected, skipped, notes : iterables
        What listing the folder has already found.
    progress : callable or None
    store : Store, optional
        Remembers what was found out about the same photos under the same circumstances.
    threads : int
        Photos worked on at the same time. The result does not depend on it.

    Returns
    -------
    ClientResult

    Raises
    ------
    NothingMeasuredError
        No photo could be used.
    """
    report = progress or (lambda *_: None)
    started = time.perf_counter()
    inspections: dict[str, Inspection] = {}
    refused = list(rejected)

    def look(ref: PhotoRef) -> Inspection | PhotoError:
        try:
            return inspect_photo(ref, settings=settings, store=store)
        except PhotoError as error:
            return error

    looks = in_order(look, refs, threads=threads)
    for count, ref in enumerate(refs):
        report("looking", count, 2 * len(refs))
        seen = next(looks)
        if isinstance(seen, PhotoError):
            refused.append(rejection_of(ref, seen))
        else:
            inspections[ref.file] = seen
    looked = time.perf_counter()
    sessions = list(dict.fromkeys(r.session for r in refs))
    while True:
        plan, turned = plan_client(
            list(inspections.values()), client=client, sessions=sessions, course=course, settings=settings
        )
        if not plan.view_of:
            raise NothingMeasuredError(
                explain_nothing(folder, [*refused, *turned]),
                "see `skinprogress check` for each photo",
                rejected=[*refused, *turned],
            )
        planned = time.perf_counter()
        found = _Gathered(refs, plan, dict(inspections), settings, store, threads, report)
        try:
            for view in plan.reference_of:
                found.measure_view(view)
            break
        except _ReferenceLostError as lost:
            # Without the photo that all others of its view are laid over, everything is planned anew.
            refused.append(lost.rejection)
            del inspections[lost.rejection.file]
    refused += turned
    refused += found.lost
    changes = adjust_headline(found.changes)
    trends = find_trends(found.plan, changes, confidence_level=settings.confidence_level)
    recoveries = find_recoveries(found.plan, changes)
    report("done", 2 * len(refs), 2 * len(refs))
    order = {r.file: n for n, r in enumerate(refs)}
    return ClientResult(
        client=client,
        folder=folder,
        sessions=plan.sessions,
        plan=found.plan,
        inspections={f: i for f, i in found.inspections.items() if f in found.figures},
        photos=tuple(report_photos(refs, refused, found.plan, found.inspections, found.figures)),
        rejected=tuple(refused),
        skipped=tuple(skipped),
        measurements=tuple(sorted(found.measurements, key=lambda m: order[m.photo])),
        changes=tuple(changes),
        comparisons=tuple(found.comparisons),
        findings=tuple(
            find_findings(
                found.plan,
                changes,
                found.comparisons,
                trends=trends,
                recoveries=recoveries,
                confidence_level=settings.confidence_level,
            )
        ),
        trends=tuple(trends),
        recoveries=tuple(recoveries),
        settings=settings,
        versions=find_versions(),
        timings_s={
            "inspect": looked - started,
            "plan": planned - looked,
            "measure_and_compare": time.perf_counter() - planned,
        },
        notes=(*notes, *_unplaced_marks(found.plan), *found.notes),
        registrations={f: p.registration for f, p in found.figures.items() if p.registration is not None},
        lights={f: p.light for f, p in found.figures.items()},
        light_differences=tuple(found.lights),
        spots=tuple(found.spots),
        maps=tuple(found.maps),
        marks=tuple(found.marks),
        pointed=tuple(found.inspections[r.file].ref if r.file in found.inspections else r for r in refs if r.points_xy),
    )


def in_order(work: Callable[[A], B], items: Iterable[A], *, threads: int) -> Iterator[B]:
    """What a function makes of each item, in their order, some of them at the same time.

    No more than `threads` results wait to be taken: they may be large.
    """
    if threads <= 1:
        yield from map(work, items)
        return
    waiting: deque[Future[B]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


class _ReferenceLostError(Exception):
    """The reference photo of a view could be looked at, and then not be measured."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.reason)
        self.rejection = rejection


@dataclass(slots=True)
class _Gathered:
    """What measuring has brought together so far."""

    refs: Sequence[PhotoRef]
    plan: ClientPlan
    inspections: dict[str, Inspection]
    settings: Settings
    store: Store | None
    threads: int
    report: Progress
    measurements: list[Measurement] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    figures: dict[str, PhotoFigures] = field(default_factory=dict)
    lights: list[LightDifference] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)
    maps: list[SkinMap] = field(default_factory=list)
    marks: list[MarkPlace] = field(default_factory=list)
    lost: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    n_done: int = 0

    def measure_view(self, view: View) -> None:
        """Measure one view session by session; only the baseline and the session before stay in memory."""
        reference_file = self.plan.reference_of[view]
        in_view = [r for r in self.refs if self.plan.view_of.get(r.file) == view]
        sessions = list(dict.fromkeys(r.session for r in in_view))
        first = self.inspections[reference_file].ref.session
        order = [first, *(s for s in sessions if s != first)]
        # The reference photo comes first: the others are held against it.
        in_turn = sorted(in_view, key=lambda r: (order.index(r.session), r.file != reference_file))
        measured = self._measured(view, in_turn)
        held: dict[str, list[MeasuredPhoto]] = {}
        drafts: list[SessionDrafts] = []
        for session in order:
            taken = [next(measured) for r in in_turn if r.session == session]
            photos = self._keep_fitting([photo for photo in taken if photo is not None])
            del taken  # maps are large: those that are not held any more must go
            if not photos:
                continue
            self.maps += remember_maps(photos, self.store)
            drafts += compare_session(
                photos, held or {session: photos}, sessions, plan=self.plan, settings=self.settings, store=self.store
            )
            kept = held_sessions(self.plan, first=first, session=session)
            held = {s: group for s, group in {**held, session: photos}.items() if s in kept}
        self._finish(view, drafts)

    def _measured(self, view: View, refs: Sequence[PhotoRef]) -> Iterator[MeasuredPhoto | None]:
        """The photos of a view in the order given, the reference photo first; None for one that cannot be measured."""
        first, *others = refs
        work = ViewWork(
            view=view,
            plan=self.plan,
            inspections=dict(self.inspections),
            mm_per_px=reference_scale(self.plan, view, self.inspections),
            settings=self.settings,
            store=self.store,
        )
        self._tell()
        try:
            reference = work.measure(first.file)
        except PhotoError as error:  # the file changed or vanished since it was looked at
            raise _ReferenceLostError(rejection_of(first, error)) from error
        self._note_marks(reference.record.marks)
        yield reference
        seen = {**work.inspections, first.file: reference.inspection}
        work = replace(work, reference=reference, inspections=seen)

        def measure(ref: PhotoRef) -> MeasuredPhoto | PhotoError:
            try:
                return work.measure(ref.file)
            except PhotoError as error:
                return error

        # Photos that do not fit the reference photo; None as soon as one fits.
        odd: list[Reference] | None = []
        photos = in_order(measure, others, threads=self.threads)
        for ref in others:
            self._tell()
            photo = next(photos)
            if isinstance(photo, PhotoError):
                self.lost.append(rejection_of(ref, photo))
                yield None
                continue
            self._note_flip(photo, first.file)
            if photo.record.fits:
                odd = None
            elif odd is not None:
                if any(len(register_face(photo.place.detail, o.detail).accepted) >= FEW_REGIONS for o in odd):
                    why = misfit_error(other_person=photo.looks_like_another, is_reference=True)
                    raise _ReferenceLostError(rejection_of(reference.ref, why))
                odd.append(photo.place)
            photo.forget_place()
            yield photo

    def _tell(self) -> None:
        self.report("measuring", len(self.refs) + self.n_done, 2 * len(self.refs))
        self.n_done += 1

    def _note_marks(self, marks: Sequence[MarkPlace]) -> None:
        self.marks += marks
        photo_of = {mark.name: mark.photo for mark in self.plan.course.marks}
        self.notes += [
            f"the mark {mark.name!r} lies off the bare skin of the face in {photo_of[mark.name]} but for "
            f"{mark.on_skin:.0%} of it: outline it again, in pixels of the upright photo, from its top left corner"
            for mark in marks
            if mark.on_skin < _MIN_MARK_ON_SKIN
        ]

    def _note_flip(self, photo: MeasuredPhoto, reference_file: str) -> None:
        """File a photo that turned out to be a mirror image of the reference photo as such."""
        file, plan = photo.ref.file, photo.flipped
        if plan is None:
            return
        self.inspections[file] = photo.inspection
        self.plan = replace(
            self.plan,
            mm_per_px={**self.plan.mm_per_px, file: plan.mm_per_px[file]},
            corrections={**self.plan.corrections, file: plan.corrections[file]},
            flags={**self.plan.flags, file: plan.flags[file]},
        )
        self.notes.append(
            f"{file} is a mirror image of {reference_file} and was flipped to match it; if {reference_file} is the "
            "mirrored one, left and right are exchanged: write mirrored = true for it into course.toml"
        )

    def _keep_fitting(self, measured: Sequence[MeasuredPhoto]) -> list[MeasuredPhoto]:
        """File what was measured in one session; photos that do not fit are left out where others of it do."""
        one_fits = any(photo.record.fits for photo in measured)
        kept = []
        for photo in measured:
            file = photo.ref.file
            if one_fits and not photo.record.fits:
                why = misfit_error(other_person=photo.looks_like_another, is_reference=False)
                self.lost.append(rejection_of(photo.ref, why))
                continue
            self.measurements += photo.rows
            self.inspections[file] = photo.inspection
            self.figures[file] = photo.figures
            kept.append(photo)
        return kept

    def _finish(self, view: View, drafts: Sequence[SessionDrafts]) -> None:
        """File the changes of a view, and what its repeated shots add to the measurements."""
        more: Mapping[tuple[str, str], float] = finish_view(
            drafts, plan=self.plan, settings=self.settings, changes=self.changes
        )
        for draft in drafts:
            self.comparisons += [replace(draft.found.draft.comparison, against=a) for a in draft.filed]
            self.spots += [replace(s, against=against) for against in draft.filed for s in draft.found.spots]
            if draft.found.light is not None:
                self.lights.append(draft.found.light)
        self.measurements = [
            replace(m, standard_error=float(np.hypot(m.standard_error, np.sqrt(more.get((m.metric, m.region), 0.0)))))
            if m.view == view
            else m
            for m in self.measurements
        ]


def _unplaced_marks(plan: ClientPlan) -> list[str]:
    """What to say about marks in photos that are not used."""
    return [
        f"the mark {mark.name!r} was outlined in {mark.photo}, which is not among the photos used: outline it in "
        "another one"
        for mark in plan.course.marks
        if mark.photo not in plan.view_of
    ]
