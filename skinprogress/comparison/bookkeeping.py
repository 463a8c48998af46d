"""What became of each photo, and what a result was made with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from skinprogress.comparison.course import photo_phase
from skinprogress.comparison.faces import MeasuredFace
from skinprogress.comparison.photolight import describe_light
from skinprogress.errors import PhotoError
from skinprogress.face.regions import WHOLE_FACE
from skinprogress.photos.scan import one_line
from skinprogress.records import (
    ClientPlan,
    Flag,
    Inspection,
    PhotoLight,
    PhotoRef,
    PhotoReport,
    Registration,
    Rejection,
)


@dataclass(frozen=True, slots=True)
class PhotoFigures:
    """What measuring a photo found out about the photo itself."""

    registration: Registration | None
    mm_per_photo_px: float
    clipped_share: float
    light: PhotoLight
    flags: Flag
    grade: str = ""


def figures_of(face: MeasuredFace, *, grade: str = "") -> PhotoFigures:
    """What measuring a photo found out about it, and how comparable it is with the reference photo."""
    return PhotoFigures(
        face.registration, face.mm_per_photo_px, face.clipped_share, face.photo_light, face.flags, grade
    )


def rejection_text(rejection: Rejection) -> str:
    """File and reason of a rejection in one line; most reasons name the file already."""
    name, reason = one_line(rejection.file), one_line(rejection.reason)
    return reason if name in reason else f"{name}: {reason}"


def rejection_of(ref: PhotoRef, error: PhotoError) -> Rejection:
    """Why a photo is not measured, and what to do; skin off the face can still be shown."""
    reason, remedy = error.reason, error.remedy
    if error.code == "no_face" and ref.points_xy:
        reason = "not measured: no face was found in the photo"
        remedy = "it is laid over the others by the points set by hand, in composites/points.jpg"
    elif error.code == "no_face":
        remedy += (
            "; of other skin than the face, set the same 2 to 20 places in each photo in course.toml, "
            '[photos."belly_1.jpg"] points = [[310, 900], [1260, 905]], to see the photos laid over each other'
        )
    return Rejection(
        file=ref.file, session=ref.session, code=error.code, reason=reason, remedy=remedy, sha256=ref.sha256
    )


def explain_nothing(folder: Path, refused: Sequence[Rejection]) -> str:
    if not refused:
        return f"no photo in {folder} could be measured"
    reason = rejection_text(refused[0])
    if len(refused) == 1:
        return f"the only photo could not be measured; {reason}"
    return f"none of the {len(refused)} photos could be measured; of the first: {reason}"


def report_photos(
    refs: Sequence[PhotoRef],
    refused: Sequence[Rejection],
    plan: ClientPlan,
    inspections: Mapping[str, Inspection],
    faces: Mapping[str, PhotoFigures],
) -> list[PhotoReport]:
    """One row for every photo that was found, used or not."""
    why = {r.file: r for r in refused}
    rows = []
    for ref in refs:
        inspection = inspections.get(ref.file)
        made = _camera(inspection.metadata if inspection else {})
        pose = inspection.landmarks.pose_deg if inspection else (float("nan"),) * 3
        row = PhotoReport(
            file=ref.file,
            sha256=ref.sha256,
            session=ref.session,
            taken_at=ref.taken_at,
            stage=ref.stage,
            hours_after=ref.hours_after,
            view=ref.view or (inspection.landmarks.view if inspection else None),
            status="rejected",
            yaw_deg=pose[0],
            pitch_deg=pose[1],
            roll_deg=pose[2],
            iod_px=inspection.landmarks.iod_px if inspection else float("nan"),
            sharpness=inspection.sharpness if inspection else float("nan"),
            flags=inspection.flags if inspection else ref.flags,
            camera=made["camera"],
            software=made["software"],
            exposure=made["exposure"],
            flash=made["flash"],
            white_balance=made["white_balance"],
            days_after=None if ref.hours_after is None else ref.hours_after / 24.0,
            phase=photo_phase(ref, plan.phases.get(ref.session), plan.course),
        )
        if ref.file in faces:
            face = faces[ref.file]
            registration = face.registration
            correction = plan.corrections[ref.file]
            row = replace(
                row,
                status="used",
                view=plan.view_of[ref.file],
                mm_per_px=face.mm_per_photo_px,
                misfit_percent_iod=registration.misfit_percent_iod[WHOLE_FACE] if registration else 0.0,
                color_reference=correction.rung,
                residual_delta_e=correction.residual_delta_e,
                color_anchor=correction.anchor,
                color_reason=correction.reason,
                leave_one_out_delta_e=correction.leave_one_out_delta_e,
                a_star_se=correction.a_star_se,
                lightness_se=correction.lightness_se,
                redness_index_se=correction.redness_index_se,
                relative_redness_se=correction.relative_redness_se,
                clipped_share=face.clipped_share,
                flags=face.flags,
                not_registered=registration.refused if registration else (),
                misfit_by_region=dict(registration.misfit_percent_iod) if registration else {},
                light=describe_light(face.light),
                light_azimuth_deg=face.light.azimuth_deg,
                light_elevation_deg=face.light.elevation_deg,
                light_directionality=face.light.directionality,
                light_color_mix=face.light.color_mix,
                warm_azimuth_deg=face.light.warm_azimuth_deg,
                shine_share=face.light.shine_share,
                grade=face.grade,
            )
        elif ref.file in why:
            row = replace(row, code=why[ref.file].code, reason=why[ref.file].reason, remedy=why[ref.file].remedy)
        rows.append(row)
    listed = {r.file for r in refs}
    rows += [
        PhotoReport(
            file=r.file, sha256=r.sha256, session=r.session, taken_at=None, stage="", hours_after=None, view=None,
            status="rejected", code=r.code, reason=r.reason, remedy=r.remedy,
        )
        for r in refused
        if r.file not in listed
    ]  # fmt: skip
    return rows


def _camera(metadata: Mapping[str, str]) -> dict[str, str]:
    """What the file says of its making, in the words of ``photos.csv``."""
    parts = [("{} s", "exposure_time_s"), ("f/{}", "f_number"), ("ISO {}", "iso"), ("{} mm", "focal_length_mm")]
    make, model = (metadata.get(key, "") for key in ("make", "model"))
    return {
        # Many models begin with the maker's name.
        "camera": model if model.lower().startswith(make.lower()) else f"{make} {model}".strip(),
        "software": metadata.get("software", ""),
        "exposure": ", ".join(form.format(metadata[key]) for form, key in parts if key in metadata),
        "flash": metadata.get("flash", ""),
        "white_balance": metadata.get("white_balance", ""),
    }


def find_versions() -> dict[str, str]:
    """Versions that the numbers depend on."""
    import platform
    from importlib.metadata import version
    from importlib.util import find_spec

    from skinprogress.face.landmarks import MODEL_SHA256

    names = ["skinprogress", "numpy", "scipy", "opencv-python", "mediapipe", "pillow"]
    if find_spec("rawpy"):  # its presence decides which of two files of one shot is used
        names.append("rawpy")
    return {**{n: version(n) for n in names}, "python": platform.python_version(), "face_landmarker": MODEL_SHA256[:16]}
