"""The photos of one view: each measured once, or remembered from an earlier run."""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import numpy.typing as npt
from numpy import float32

from skinprogress.comparison.bookkeeping import PhotoFigures, figures_of
from skinprogress.comparison.compensation import compensate_light
from skinprogress.comparison.conditions import estimate_conditions
from skinprogress.comparison.faces import MeasuredFace
from skinprogress.comparison.grading import grade_pair
from skinprogress.comparison.measuring import measure_face
from skinprogress.comparison.other_person import may_be_another_person
from skinprogress.comparison.pairing import find_softness, keep_for_comparing
from skinprogress.comparison.planning import replan_photo
from skinprogress.face.marks import as_read, mark_mask, share_on_skin
from skinprogress.face.refinement import register_face
from skinprogress.face.registration import Reference, place_face
from skinprogress.metrics.maps import sample_grid
from skinprogress.photos.reading import read_photo
from skinprogress.pipeline.inspecting import bare_ref, refer_to
from skinprogress.pipeline.measuring import find_mirrored, flipped_ref, measure_photo
from skinprogress.records import ClientPlan, Course, Flag, Inspection, MarkPlace, Measurement, PhotoRef, Treatment, View
from skinprogress.settings import Settings
from skinprogress.store import Store, digest

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhotoRecord:
    """What is remembered of a measured photo: no pixels, no names, no times.

    Attributes
    ----------
    mirror : Inspection or None
        Of the flipped photo, where that fits the reference photo and the photo as it is does not; all else is empty
        then.
    fits : bool
        See :attr:`~skinprogress.comparison.faces.MeasuredFace.fits`.
    marks : tuple of MarkPlace
        Of a reference photo: where the marks of the course file lie in its view.
    """

    mirror: Inspection | None = None
    inspection: Inspection | None = None
    fits: bool = True
    figures: PhotoFigures | None = None
    rows: tuple[Measurement, ...] = ()
    marks: tuple[MarkPlace, ...] = ()


class MeasuredPhoto:
    """One photo as measured. Its maps are made again where only its record was remembered and something needs them.

    Attributes
    ----------
    ref : PhotoRef
    key : str
        Hash of everything that its figures depend on.
    record : PhotoRecord
    flipped : ClientPlan or None
        The plan with the photo as its own mirror image; None where it was measured as it is.
    """

    def __init__(
        self, ref: PhotoRef, key: str, record: PhotoRecord, load: Callable[[], tuple[MeasuredFace, Reference]]
    ) -> None:
        self.ref, self.key, self.record, self._load = ref, key, record, load
        self.flipped: ClientPlan | None = None
        self._face: MeasuredFace | None = None
        self._place: Reference | None = None
        self._lock = threading.Lock()

    @property
    def inspection(self) -> Inspection:
        """The last look at it, of a reference photo with steadier landmarks."""
        assert self.record.inspection is not None
        return refer_to(self.record.inspection, self.ref)

    @property
    def figures(self) -> PhotoFigures:
        """What measuring it found out about the photo itself."""
        assert self.record.figures is not None
        return self.record.figures

    @property
    def looks_like_another(self) -> bool:
        """Whether it may show another person than the reference photo."""
        return Flag.MAY_BE_ANOTHER_PERSON in self.figures.flags

    @property
    def rows(self) -> list[Measurement]:
        """Its measurements."""
        ref = self.ref
        return [replace(r, client=ref.client, session=ref.session, photo=ref.file) for r in self.record.rows]

    @property
    def face(self) -> MeasuredFace:
        """Its maps, for comparing."""
        with self._lock:
            if self._face is None:
                self._face, self._place = self._load()
            return self._face

    @property
    def place(self) -> Reference:
        """What other photos are registered on."""
        with self._lock:
            if self._place is None:
                self._face, self._place = self._load()
            return self._place

    def take(self, face: MeasuredFace, place: Reference) -> None:
        """Keep what was just measured."""
        self._face, self._place = face, place

    def forget_place(self) -> None:
        """Keep only what comparing needs."""
        self._place = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ViewWork:
    """What measuring the photos of one view needs.

    Attributes
    ----------
    inspections : mapping of str to Inspection
    mm_per_px : (S, S) float32
        Of the view's canonical frame.
    reference : MeasuredPhoto or None
        None while the reference photo itself is measured.
    """

    view: View
    plan: ClientPlan
    inspections: Mapping[str, Inspection]
    mm_per_px: npt.NDArray[float32]
    settings: Settings
    store: Store | None
    reference: MeasuredPhoto | None = None

    def measure(self, file: str) -> MeasuredPhoto:
        """Measure a photo, or remember it; one that is a mirror image of the reference photo is flipped.

        Raises
        ------
        PhotoError
            It cannot be read or measured any more.
        """
        inspection = self.inspections[file]
        photo = self._measure(inspection, self.plan, may_flip=self.reference is not None)
        if photo.record.mirror is None:
            return photo
        flipped = refer_to(photo.record.mirror, flipped_ref(inspection.ref))
        plan = replan_photo(self.plan, {**self.inspections, file: flipped}, file, settings=self.settings)
        photo = self._measure(flipped, plan, may_flip=False)
        photo.flipped = plan
        return photo

    def _measure(self, inspection: Inspection, plan: ClientPlan, *, may_flip: bool) -> MeasuredPhoto:
        ref, store, settings = inspection.ref, self.store, self.settings
        narrow = narrowed(plan, [*self._reference_ref(), ref])
        made: list[tuple[MeasuredFace, Reference]] = []

        def measure_now() -> PhotoRecord:
            face, place = self._take(inspection, narrow)
            if self.reference is not None and may_flip and face.registration is not None:
                mirror = find_mirrored(
                    inspection, face.registration, plan, reference=self.reference.place, settings=settings
                )
                if mirror is not None:
                    return PhotoRecord(mirror=replace(mirror, ref=bare_ref(mirror.ref)))
            marks = () if self.reference else tuple(self._place_marks(place))
            face, rows, grade = self._complete(face, narrow, marks)
            made.append((face, place))
            return PhotoRecord(
                inspection=replace(face.inspection, ref=bare_ref(face.ref)),
                fits=face.fits,
                figures=figures_of(face, grade=grade),
                rows=tuple(replace(row, client="", session="", photo="") for row in rows),
                marks=marks,
            )

        def measure_again() -> tuple[MeasuredFace, Reference]:
            face, place = self._take(inspection, narrow)
            return self._complete(face, narrow, record.marks)[0], place

        if store is None or not ref.sha256:
            key, record = "", measure_now()
        else:
            parts = self._parts(inspection, plan, may_flip=may_flip)
            key, record = digest(parts), store.remember("photo", parts, measure_now)
        photo = MeasuredPhoto(ref, key, record, measure_again)
        if made:
            photo.take(*made[0])
        return photo

    def _take(self, inspection: Inspection, plan: ClientPlan) -> tuple[MeasuredFace, Reference]:
        """Measure a photo as it is."""

        def measure() -> tuple[MeasuredFace, Reference]:
            reference = self.reference
            return measure_photo(
                inspection,
                plan,
                mm_per_px=self.mm_per_px,
                reference=reference.place if reference else None,
                red_level=reference.face.layers.px.red_level if reference else None,
                settings=self.settings,
            )

        if self.store is None or not inspection.ref.sha256:
            return measure()
        if self.reference is not None:
            self.reference.place  # noqa: B018 - measured before this photo is in hand, not meanwhile
        with self.store.handling(inspection.ref.file, inspection.ref.sha256):
            return measure()

    def _complete(
        self, face: MeasuredFace, plan: ClientPlan, marks: Collection[MarkPlace]
    ) -> tuple[MeasuredFace, list[Measurement], str]:
        """What is told of a face against the reference photo: sharpness, light, grade; and its measurements."""
        settings, reference = self.settings, self.reference
        placed = marks if reference is None else reference.record.marks
        face = replace(face, marks={mark.name: mark.mask for mark in placed})
        rows = measure_face(face, plan=plan, settings=settings)
        if reference is None:
            return keep_for_comparing(face), rows, ""
        face = find_softness(face, reference.face)
        if may_be_another_person(face, reference.face):
            face = replace(face, flags=face.flags | Flag.MAY_BE_ANOTHER_PERSON)
        if settings.light == "compensated":
            face = compensate_light(face, reference.face)
            rows += measure_face(face, plan=plan, settings=settings) if face.light is not None else []
        phases = plan.phases[reference.ref.session], plan.phases[face.ref.session]
        grade = grade_pair(estimate_conditions([reference.face], [face], phases=phases))[0]
        return keep_for_comparing(face), rows, grade

    def _place_marks(self, reference: Reference) -> list[MarkPlace]:
        """Where the marks that were outlined in photos of the view lie, on the grid that statistics are taken on."""
        plan, side_px = self.plan, self.plan.canonical_px[self.view]
        places = []
        for mark in plan.course.marks:
            if plan.view_of.get(mark.photo) != self.view:
                continue
            inspection, face_map = self.inspections[mark.photo], reference.face_map
            if mark.photo != plan.reference_of[self.view]:
                placed = place_face(read_photo(inspection.ref), inspection.landmarks, side_px=side_px)
                registration = register_face(placed.detail, reference.detail)
                flipped = find_mirrored(inspection, registration, plan, reference=reference, settings=self.settings)
                if flipped is not None:
                    inspection = flipped
                    placed = place_face(read_photo(inspection.ref), inspection.landmarks, side_px=side_px)
                    registration = register_face(placed.detail, reference.detail)
                face_map = placed.face_map.refined(registration)
            outline = as_read(mark.polygon_xy, mirrored=inspection.ref.mirrored, width_px=inspection.width_px)
            mask = mark_mask(outline, face_map, side_px)
            on_skin = share_on_skin(outline, face_map, mask)
            places.append(MarkPlace(name=mark.name, view=self.view, mask=sample_grid(mask), on_skin=on_skin))
        return places

    def _reference_ref(self) -> list[PhotoRef]:
        return [] if self.reference is None else [self.reference.ref]

    def _parts(self, inspection: Inspection, plan: ClientPlan, *, may_flip: bool) -> tuple[object, ...]:
        """Everything that the figures of a photo depend on, without the names that people gave."""
        ref, view = inspection.ref, self.view
        sessions = [r.session for r in (*self._reference_ref(), ref)]
        marks = [m for m in plan.course.marks if plan.view_of.get(m.photo) == view] if self.reference is None else []
        return (
            _nameless(inspection),
            view,
            plan.canonical_px[view],
            plan.mm_per_px[ref.file],
            plan.mm_per_px[plan.reference_of[view]],
            plan.corrections[ref.file],
            plan.flags[ref.file],
            [replace(plan.phases[s], session="") for s in sessions],
            [s in plan.covered_sessions for s in sessions],
            treated_areas(plan.course),
            plan.course.reference_region,
            [(m.name, m.polygon_xy, _nameless(self.inspections[m.photo])) for m in marks],
            "" if self.reference is None else self.reference.key,
            may_flip,
            self.settings.hash,
        )


def narrowed(plan: ClientPlan, refs: Collection[PhotoRef]) -> ClientPlan:
    """A plan as far as it bears on some photos: nothing else in it can change what is found out with it.

    Of the course of treatments only which areas were ever treated; of the client nothing.
    """
    files, sessions = {r.file for r in refs}, {r.session for r in refs}
    treated = tuple(Treatment(at=datetime.min, areas=areas) for areas in treated_areas(plan.course))
    return replace(
        plan,
        client="",
        sessions=tuple(s for s in plan.sessions if s in sessions),
        view_of=_only(plan.view_of, files),
        reference_of={view: file for view, file in plan.reference_of.items() if file in files},
        mm_per_px=_only(plan.mm_per_px, files),
        corrections=_only(plan.corrections, files),
        baseline=plan.baseline if plan.baseline in sessions else None,
        phases=_only(plan.phases, sessions),
        course=Course(reference_region=plan.course.reference_region, treatments=treated),
        flags=_only(plan.flags, files),
        covered_sessions=tuple(s for s in plan.covered_sessions if s in sessions),
    )


def treated_areas(course: Course) -> list[tuple[str, ...]]:
    """The sets of areas that treatments of the course were on; empty: everywhere."""
    return sorted({t.areas for t in course.treatments})


def _only(table: Mapping[str, T], keys: Collection[str]) -> dict[str, T]:
    return {key: value for key, value in table.items() if key in keys}


def _nameless(inspection: Inspection) -> Inspection:
    return replace(inspection, ref=bare_ref(inspection.ref))
