"""Why two photos must not be taken at face value, in words short enough to stand in a picture."""

from skinprogress.comparison.course import is_covered, is_recent, may_be_recent
from skinprogress.comparison.sentences import duration_text
from skinprogress.outputs.chosen import comparison_of
from skinprogress.records import ClientResult, Comparison, Flag, PhotoRef, View

# Named at most: with more, nobody reads any.
_MOST = 3
# In the order in which they are named.
_WORDS = (
    (Flag.LIGHT_DIFFERS, "different light"),
    (Flag.FILTER_DECLARED, "camera filter"),
    (Flag.SMOOTHING_SUSPECTED, "skin looks smoothed"),
    (Flag.MAKEUP_DECLARED, "make-up"),
    (Flag.MAKEUP_SUSPECTED, "seems to wear make-up"),
    (Flag.CREAM_DECLARED, "cream on the skin"),
    (Flag.EXPOSURE_DIFFERS, "different exposure"),
    (Flag.PERSPECTIVE_DIFFERS, "other distance"),
    (Flag.EXPRESSION_DIFFERS, "other expression"),
    (Flag.POSE_DIFFERS, "face turned"),
    (Flag.LOW_COVERAGE, "other parts hidden"),
    (Flag.LOW_RESOLUTION, "low resolution"),
    (Flag.POOR_REGISTRATION, "details do not line up"),
)


def short_warnings(result: ClientResult, view: View, from_session: str, to_session: str) -> tuple[str, ...]:
    """What must stand in a picture that shows a session beside an earlier one.

    Parameters
    ----------
    result : ClientResult
    view : View
    from_session, to_session : str
        The first session in the picture, and the one that is warned of.

    Returns
    -------
    tuple of str
        Such as ``2 days after a treatment``, ``different light`` or ``not comparable: other expression``; empty where
        skin had calmed down in both and the grade is A or B. What is true of the earlier photo begins with ``before:``.
    """
    of_earlier = [] if from_session == to_session else [f"before: {t}" for t in _of_session(result, from_session)]
    told = [*_of_session(result, to_session), *of_earlier]
    if (comparison := comparison_of(result, from_session, to_session, view)) is not None:
        told += _of_grade(comparison, covered=any(is_covered(result.plan, s) for s in (from_session, to_session)))
    return tuple(told)


def _of_session(result: ClientResult, session: str) -> list[str]:
    """What holds for a session by itself: days since a treatment, and cream."""
    plan, told = result.plan, []
    phase = plan.phases.get(session)
    if phase is not None and is_recent(plan, session):
        days = phase.days_after
        told.append("days after a treatment" if days is None else f"{duration_text(days)} after a treatment")
    if may_be_recent(plan, session):
        given = {treatment.at.date() for treatment in plan.course.treatments}
        same_day = any(ref.taken_at.date() in given for ref in _dated(result, session) if ref.taken_at)
        told.append("day of a treatment, time unknown" if same_day else "time since a treatment unknown")
    if is_covered(plan, session):
        told.append("cream on the skin")
    return told


def _dated(result: ClientResult, session: str) -> list[PhotoRef]:
    refs = (i.ref for i in result.inspections.values() if i.ref.session == session)
    return [ref for ref in refs if Flag.DATE_UNKNOWN not in ref.flags]


def _of_grade(comparison: Comparison, *, covered: bool) -> list[str]:
    """What lowers the grade of two sessions below B, the gravest as one warning."""
    decisive = comparison.decisive & ~(Flag.CREAM_DECLARED if covered else Flag.NONE)
    words = [text for flag, text in _WORDS if flag & decisive]
    if Flag.SHARPNESS_DIFFERS & decisive:
        words.insert(1, "sharper" if comparison.sharpness_ratio > 1 else "less sharp")
    if Flag.COLOR_NOT_MATCHED & decisive and not words:
        words = ["colour not matched"]  # else it stands in the footer alone
    words = words[:_MOST]
    if comparison.grade == "F":
        return [f"not comparable: {', '.join(words)}" if words else "not comparable"]
    return words
