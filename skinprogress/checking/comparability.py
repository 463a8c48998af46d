"""How comparable a new photo is with the client's reference photo, told while the client is still in the chair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import TYPE_CHECKING

from skinprogress.comparison.bookkeeping import rejection_of
from skinprogress.comparison.compensation import compensate_light
from skinprogress.comparison.conditions import estimate_conditions
from skinprogress.comparison.course import phase_of
from skinprogress.comparison.faces import MeasuredFace
from skinprogress.comparison.grading import grade_pair, judge_conditions
from skinprogress.comparison.outcome import find_baseline
from skinprogress.comparison.planning import choose_corrections, choose_references
from skinprogress.comparison.retaking import Judgement
from skinprogress.errors import NothingMeasuredError, PhotoError
from skinprogress.photos.reading import read_header
from skinprogress.photos.scan import one_line
from skinprogress.pipeline.inspecting import inspect_photo
from skinprogress.pipeline.measuring import measure_either_way, measure_photo
from skinprogress.pipeline.planning import plan_client, reference_scale
from skinprogress.records import (
    FLAG_TEXT,
    ClientPlan,
    Course,
    Flag,
    Inspection,
    PhotoRef,
    Rejection,
    View,
)
from skinprogress.settings import Settings

if TYPE_CHECKING:
    from skinprogress.photos.folder import FolderListing

# Flags that a nurse can do something about, or must know of, beside what the grade speaks of.
_WORTH_SAYING = (
    Flag.EYES_CLOSED
    | Flag.OTHER_FACES
    | Flag.NO_COLOR
    | Flag.CAMERA_TOO_NEAR
    | Flag.CARD_UNUSABLE
    | Flag.PATCH_UNUSABLE
    | Flag.CLIPPED_SKIN
    | Flag.SHINE_BROAD
    | Flag.LANDMARKS_UNSTEADY
    | Flag.VIEW_ASSUMED
    | Flag.MIRRORED_FOUND
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparabilityCheck:
    """How comparable one photo is with the reference photo of its view.

    Attributes
    ----------
    ref : PhotoRef
    grade : str
        A to D, or F; empty where the photo is refused, or is the reference photo itself.
    reference : PhotoRef or None
        None where the photo is refused.
    view : View or None
    judged : tuple of Judgement
        Everything that was looked at, what is fine among it.
    notes : tuple of str
    rejection : Rejection or None
        Why the photo is refused, and what to do.
    """

    ref: PhotoRef
    grade: str = ""
    reference: PhotoRef | None = None
    view: View | None = None
    judged: tuple[Judgement, ...] = ()
    notes: tuple[str, ...] = ()
    rejection: Rejection | None = None

    @property
    def passes(self) -> bool:
        """Whether the photo need not be taken again: grades A to C, and the reference photo itself."""
        return self.rejection is None and self.grade in ("", "A", "B", "C")


def check_against(
    refs: Sequence[PhotoRef], listing: "FolderListing", *, settings: Settings | None = None
) -> list[ComparabilityCheck]:
    """Grade photos against the reference photo of a client, without measuring anything.

    Only the client's baseline session is looked at; where it has no photo of the view, the sessions from the first on,
    until one has.

    Parameters
    ----------
    refs : sequence of PhotoRef
        From :func:`skinprogress.api.loose_refs`. A photo that is in the client's folder is taken as it is listed there.
    listing : FolderListing
        Of the client.
    settings : Settings, optional

    Returns
    -------
    list of ComparabilityCheck
        In the order of `refs`.

    Raises
    ------
    NothingMeasuredError
        None of the client's photos can serve as a reference.
    """
    settings = settings or Settings()
    # The finer frame shows no other grade, only later.
    settings = replace(settings, canonical_px_max=settings.canonical_px)
    client = _Client(listing, settings)
    refs = [_as_listed(ref, listing) for ref in refs]
    looked: dict[str, Inspection] = {}
    checks: dict[str, ComparabilityCheck] = {}
    for ref in refs:
        try:
            looked[ref.file] = client.inspect(ref)
        except PhotoError as error:
            checks[ref.file] = ComparabilityCheck(ref=ref, rejection=_refused(ref, error))
    by_view: dict[View, list[Inspection]] = {}
    for inspection in looked.values():
        by_view.setdefault(inspection.ref.view or inspection.landmarks.view, []).append(inspection)
    for view, photos in by_view.items():
        checks |= _check_view(photos, client.session_with(view), listing.course, settings)
    return [checks[ref.file] for ref in refs]


class _Client:
    """The client's photos, looked at only as far as is needed."""

    def __init__(self, listing: "FolderListing", settings: Settings) -> None:
        self._settings = settings
        self._seen: dict[str, Inspection | PhotoError] = {}
        sessions: dict[str, list[PhotoRef]] = {}
        for ref in listing.photos:
            sessions.setdefault(ref.session, []).append(ref)
        phases = {s: phase_of(s, photos, listing.course) for s, photos in sessions.items()}
        baseline = find_baseline(sessions, sessions, phases)
        self._sessions = [sessions[s] for s in sorted(sessions, key=lambda s: s != baseline)]

    def inspect(self, ref: PhotoRef) -> Inspection:
        if ref.file not in self._seen:
            try:
                self._seen[ref.file] = inspect_photo(ref, settings=self._settings)
            except PhotoError as error:
                self._seen[ref.file] = error
        found = self._seen[ref.file]
        if isinstance(found, PhotoError):
            raise found
        return found

    def session_with(self, view: View) -> list[Inspection]:
        """The usable photos of the first session, from the baseline on, that has the view; else of the first at all."""
        usable: list[Inspection] = []
        refused: PhotoError | None = None
        for refs in self._sessions:
            photos = []
            for ref in refs:
                try:
                    photos.append(self.inspect(ref))
                except PhotoError as error:
                    refused = refused or error
            if any((p.ref.view or p.landmarks.view) == view for p in photos):
                return photos
            usable = usable or photos
        if not usable:
            why = f"; of the first: {refused.reason}" if refused else ""
            raise NothingMeasuredError(
                f"none of the client's photos can serve as the reference{why}", "see `skinprogress check FOLDER`"
            )
        return usable


def _refused(ref: PhotoRef, error: PhotoError) -> Rejection:
    # Whoever sits in front of the client has no course file to write points into.
    return replace(rejection_of(ref, error), remedy=error.remedy)


def _as_listed(ref: PhotoRef, listing: "FolderListing") -> PhotoRef:
    """A photo as it is listed, if it is in the client's folder; else with the hours since the last treatment."""
    for listed in listing.photos:
        if ref.sha256 and listed.sha256 == ref.sha256:
            return listed
    file = f"{ref.file} (new)" if any(p.file == ref.file for p in listing.photos) else ref.file
    try:
        taken_at = read_header(ref.path).taken_at
    except PhotoError:
        taken_at = None
    return replace(ref, file=file, session=file, taken_at=taken_at, hours_after=_hours_after(taken_at, listing.course))


def _hours_after(taken_at: datetime | None, course: Course) -> float | None:
    """Hours since the last treatment; None where they are not known."""
    if taken_at is None:
        return None
    past = [t.at for t in course.treatments if t.at <= taken_at]
    if not past or (max(past).time() == time(0) and max(past).date() == taken_at.date()):
        return None  # of a treatment without a time, on the same day, nobody knows which was first
    return (taken_at - max(past)).total_seconds() / 3600.0


def _check_view(
    photos: Sequence[Inspection], group: Sequence[Inspection], course: Course, settings: Settings
) -> dict[str, ComparabilityCheck]:
    """Grade photos of one view against the best photo of a session that has it."""
    every = {i.ref.file: i for i in [*group, *photos]}
    session = group[0].ref.session
    sessions = list(dict.fromkeys([session, *(i.ref.session for i in every.values())]))
    plan, turned = plan_client(list(every.values()), client="", sessions=sessions, course=course, settings=settings)
    refused = {r.file: r for r in turned}
    checks = {
        i.ref.file: ComparabilityCheck(ref=i.ref, rejection=refused[i.ref.file])
        for i in photos
        if i.ref.file in refused
    }
    usable = [i for i in group if i.ref.file in plan.view_of]
    views = {i.ref.file: plan.view_of[i.ref.file] for i in usable}
    references = choose_references(usable, views, [session], session)
    for view, file in references.items():
        new = [i for i in photos if plan.view_of.get(i.ref.file) == view]
        if not new:
            continue
        corrections = choose_corrections(
            [i for i in every.values() if plan.view_of.get(i.ref.file) == view],
            plan.view_of,
            {view: file},
            course=course,
            settings=settings,
        )
        own = replace(plan, reference_of={view: file}, corrections=corrections)
        checks |= _grade(new, every, own, view, settings)
    return {i.ref.file: checks.get(i.ref.file) or _of_no_known_view(i.ref, plan, references) for i in photos}


def _of_no_known_view(ref: PhotoRef, plan: ClientPlan, references: Mapping[View, str]) -> ComparabilityCheck:
    shown = plan.view_of[ref.file].replace("_", " ")
    known = " or ".join(view.replace("_", " ") for view in references)
    rejection = Rejection(
        file=ref.file,
        session=ref.session,
        code="no_reference",
        reason=f"it shows the face in the view {shown!r}, and none of the client's photos does",
        remedy=f"take the view that the client's photos show: {known}",
        sha256=ref.sha256,
    )
    return ComparabilityCheck(ref=ref, rejection=rejection)


def _grade(
    photos: Sequence[Inspection],
    every: Mapping[str, Inspection],
    plan: ClientPlan,
    view: View,
    settings: Settings,
) -> dict[str, ComparabilityCheck]:
    """Grade photos against the reference photo of a plan."""
    file = plan.reference_of[view]
    reference = every[file].ref
    checks: dict[str, ComparabilityCheck] = {}
    mm_per_px = reference_scale(plan, view, every)
    face: MeasuredFace | None = None
    for inspection in photos:
        ref = inspection.ref
        if ref.file == file:
            checks[file] = ComparabilityCheck(ref=ref, reference=ref, view=view)
            continue
        try:
            if face is None:
                face, place = measure_photo(
                    every[file], plan, mm_per_px=mm_per_px, reference=None, settings=settings, for_grade=True
                )
        except PhotoError as error:
            raise NothingMeasuredError(
                f"the reference photo {one_line(file)} cannot be used: {error.reason}",
                "leave it out with exclude = true in course.toml, and check again",
            ) from error
        try:
            new, _, _ = measure_either_way(
                ref.file, every, plan, mm_per_px=mm_per_px, reference=place, settings=settings, for_grade=True
            )
        except PhotoError as error:
            checks[ref.file] = ComparabilityCheck(ref=ref, rejection=_refused(ref, error))
            continue
        if settings.light == "compensated":
            new = compensate_light(new, face)
        phases = plan.phases[reference.session], plan.phases[ref.session]
        conditions = estimate_conditions([face], [new], phases=phases)
        checks[ref.file] = ComparabilityCheck(
            ref=ref,
            grade=grade_pair(conditions)[0],
            reference=reference,
            view=view,
            judged=judge_conditions(conditions),
            notes=tuple(FLAG_TEXT[flag] for flag in new.flags & _WORTH_SAYING),
        )
    return checks
