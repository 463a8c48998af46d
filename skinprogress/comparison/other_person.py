"""Whether a photo fails to fit the reference photo in the way of another person's.

Nobody is recognised here: no face is measured, described or looked up. What is asked is whether pores, spots and the
hairs of the brows, which repeat in sharp photos of the same skin, do not.
"""

from skinprogress.comparison.faces import MeasuredFace
from skinprogress.errors import PhotoError
from skinprogress.face.refinement import SHOWS_PORES_IOD_PX
from skinprogress.records import Flag

CODE = "may_be_another_person"
"""Of photos that are left out for this."""

# Of two people in one booth at most 0.19 repeats; of one person half or more, and less than this only in photos that
# are very blurred, noisy or soft.
_MAX_FEATURES = 0.2
# Below it lie soft and smoothed photos in which nothing of the same person is found again either.
_MIN_SHARPNESS = 1.8
# Both photos show skin as fine as this above their noise.
_MAX_FINEST_MM = 1.01
# Farther apart was not tried.
_MAX_TURN_DEG = 12.0


def may_be_another_person(face: MeasuredFace, reference: MeasuredFace) -> bool:
    """Whether nothing of the reference photo is found again in a photo, though both are good enough for it.

    Parameters
    ----------
    face : MeasuredFace
        With its :class:`~skinprogress.comparison.faces.Softness` beside the reference photo.
    reference : MeasuredFace
        The reference photo of the same view.

    Returns
    -------
    bool
        True where no region is accepted, under a fifth of brows, eyes and lips repeats, and both photos are frontal,
        fine, sharp, not smoothed, and quiet enough to show such detail. False wherever blur, a filter, strong
        compression, noise, a small face or a turned head may be the reason.

    Notes
    -----
    Measured on photos of 14 people in one booth, two of each, the limits set on the same photos. Of 364 pairs of two
    people 99.5 % are told; after moderate disturbances (1 px of blur, JPEG of quality 50, noise of 5 levels, other
    light, a turn of 8°) 93 %; of strongly spoilt photos, in which nobody could tell, 19 %. Of 657 pairs of one person
    (smiling, other light, retakes, blur, noise, filters) none. Another person in a soft photo is not told.
    """
    registration = face.registration
    if registration is None or registration.accepted or not registration.features < _MAX_FEATURES:
        return False
    if face.view != "front" or not 0.0 < face.softness.finest_mm <= _MAX_FINEST_MM:
        return False
    turns = zip(face.inspection.landmarks.pose_deg[:2], reference.inspection.landmarks.pose_deg[:2], strict=True)
    if any(abs(one - other) > _MAX_TURN_DEG for one, other in turns):
        return False
    return _shows_detail(face) and _shows_detail(reference)


def _shows_detail(face: MeasuredFace) -> bool:
    fine = face.inspection.landmarks.iod_px >= SHOWS_PORES_IOD_PX
    return fine and face.inspection.sharpness >= _MIN_SHARPNESS and Flag.SMOOTHING_SUSPECTED not in face.flags


def misfit_error(*, other_person: bool, is_reference: bool) -> PhotoError:
    """Why a photo that does not fit the client's others is left out.

    Parameters
    ----------
    other_person : bool
        From :func:`may_be_another_person`.
    is_reference : bool
        It is the reference photo, and the others fit each other; else others of its session fit the reference photo.
    """
    if is_reference:
        what = "are found in the client's other photos, which fit each other"
    else:
        what = "are found again in it, though the session has photos that fit"
    if other_person:
        whose = "it" if is_reference else "the reference photo"
        return PhotoError(
            CODE,
            f"neither pores and spots of {whose} nor the hairs of the brows {what}, and it is sharp enough to show "
            "them: it may be another person",
            "check that it shows the client; if it does, take it again from the front, in even light",
        )
    whose = "it" if is_reference else "the reference photo"
    return PhotoError(
        "fits_no_other" if is_reference else "does_not_fit",
        f"no pores or spots of {whose} {what}: blur, a filter, make-up, or another person",
        "check that it shows the client, or take it again",
    )
