"""One client's result as a row among those of all clients."""

from datetime import date

from skinprogress.batch.records import ClientSummary
from skinprogress.outputs.composing.consent import rule_on_consent
from skinprogress.outputs.summary import summarize
from skinprogress.records import ClientResult, Flag
from skinprogress.settings import OutputOptions

_OTHER_PERSON = "may_be_another_person"


def sum_up(result: ClientResult, options: OutputOptions, *, label: str, today: date) -> ClientSummary:
    """Sum up a result; without report, thumbnails and notes, which whoever writes them knows.

    Parameters
    ----------
    result : ClientResult
    options : OutputOptions
        ``need_consent`` is used.
    label : str
        What the client is called.
    today : date
        On which consent is judged.

    Returns
    -------
    ClientSummary
        Its headline and grade are those of the report.
    """
    summary = summarize(result)
    used = sum(photo.status == "used" for photo in result.photos)
    consent = rule_on_consent(result.plan.course.consent, today=today, need_consent=options.need_consent)
    another = [photo.file for photo in result.photos if Flag.MAY_BE_ANOTHER_PERSON in photo.flags]
    another += [rejection.file for rejection in result.rejected if rejection.code == _OTHER_PERSON]
    return ClientSummary(
        client=label,
        status="compared" if len(result.sessions) > 1 else "one session",
        headline=summary.headline,
        grade=summary.grade,
        n_photos=len(result.photos),
        n_used=used,
        n_rejected=len(result.photos) - used,
        n_sessions=len(result.sessions),
        first_session=result.sessions[0] if result.sessions else "",
        last_session=result.sessions[-1] if result.sessions else "",
        consent=consent.text,
        rejected=result.rejected,
        other_person=tuple(dict.fromkeys(another)),
        pictures={photo.file: photo.sha256 for photo in result.photos},
        prints={file: seen.picture_print for file, seen in result.inspections.items()},
    )
