"""Where photos stand in the course: stage, hours after the last treatment, days since the start."""

from datetime import time

from skinprogress.photos.course import Moment
from skinprogress.photos.dating import Shot
from skinprogress.photos.scan import one_line
from skinprogress.photos.sessions import Session, tells_side
from skinprogress.records import Stage

_BEFORE_STAGES = ("pre", "numbing")
_DIRECTLY_HOURS = 3.0
_SOON_AFTER_HOURS = 24.0


def find_stages(sessions: list[Session], *, treatments: tuple[Moment, ...]) -> dict[str, Stage]:
    """Stage of each photo, by file: what the course file or the words of its name say.

    A bare "after" is "directly after" only where a treatment, or a "before" photo, of the same day shows that it can
    mean nothing else; otherwise it may be the result weeks later and has no stage.
    """
    shots = [shot for session in sessions for shot in session.shots]
    begun = {shot.day for shot in shots if shot.day and shot.clues.stage in _BEFORE_STAGES}
    begun |= {moment.at.date() for moment in treatments}
    hourly = any(0 < (shot.clues.hours_after or 0) < 24 for shot in shots if not shot.day)
    stages: dict[str, Stage] = {}
    for shot in shots:
        stage = shot.clues.stage
        if not stage and shot.clues.after and (shot.day in begun if shot.day else hourly):
            hours = _hours_by_clock(shot, treatments)
            stage = "directly after" if hours is None or hours <= _DIRECTLY_HOURS else ""
        stages[shot.found.file] = stage
    return stages


def find_hours_after(shot: Shot, stage: Stage, *, treatments: tuple[Moment, ...], start_known: bool) -> float | None:
    """Hours between the last treatment and a photo, or None.

    Parameters
    ----------
    shot : Shot
    stage : str
    treatments : tuple of Moment
        In order.
    start_known : bool
        The client's names hold a "before" or a "day 0", so that "day 1" is the day after.

    Notes
    -----
    By the clock where both times are known. With only days, whole days; on the day of the treatment itself only a name
    can tell.
    """
    if treatments and shot.taken_at:
        by_clock = _hours_by_clock(shot, treatments)
        if by_clock is not None:
            return by_clock
        same_day = any(moment.at.date() == shot.day for moment in treatments)
        if not same_day or stage in _BEFORE_STAGES:
            return _hours_by_day(shot, treatments)
    if stage in _BEFORE_STAGES:
        return None
    if shot.clues.hours_after is not None:
        is_vague = shot.clues.said == "day 1" and not start_known
        return None if is_vague else shot.clues.hours_after
    return 0.0 if stage == "directly after" else None


def find_days(sessions: list[Session], *, stages: dict[str, Stage]) -> dict[str, float | None]:
    """Days since the client's first dated photo, by file; of undated photos what the names say, such as "day 7".

    Names count from a treatment, so with several numbered sessions they do not add up to one line and are left out.
    """
    shots = [shot for session in sessions for shot in session.shots]
    dated = [shot for shot in shots if shot.taken_at]
    first = min(dated, key=lambda shot: (shot.day, shot.at or time(0))) if dated else None
    visits = {shot.clues.visit for shot in shots} - {None}
    counted = first is None and len(visits) <= 1 and any(shot.clues.day is not None for shot in shots)
    days: dict[str, float | None] = {}
    for shot in shots:
        if first is not None:
            days[shot.found.file] = _days_between(first, shot)
        elif counted and shot.clues.day is None and stages[shot.found.file]:
            days[shot.found.file] = 0.0
        else:
            days[shot.found.file] = shot.clues.day if counted else None
    return days


def find_clock_contradictions(sessions: list[Session], *, treatments: tuple[Moment, ...]) -> list[str]:
    """Notes on photos whose time does not fit what their names or the course file say."""
    notes = []
    for shot in (shot for session in sessions for shot in session.shots):
        notes += _without_treatment(shot, treatments)
        hours = _hours_by_clock(shot, treatments)
        if hours is None or shot.taken_at is None:
            continue
        name, told = one_line(shot.found.file), shot.clues.hours_after
        today = [moment.at for moment in treatments if moment.at.date() == shot.day]
        if shot.clues.stage in _BEFORE_STAGES and today and max(today) <= shot.taken_at:
            word = "before" if shot.clues.stage == "pre" else "numbing"
            notes.append(f"{name} is called {word!r}, but by its clock was taken {hours:.1f} h after the treatment")
        if told is not None and abs(told - hours) > max(2.0, 0.5 * told):
            notes.append(f"{name} says {shot.clues.said!r}, its clock {hours:.1f} h: the clock was followed")
    return notes


def find_unplaced(sessions: list[Session], *, treatments: tuple[Moment, ...]) -> list[str]:
    """Notes on photos of the day of a treatment of which nothing says whether they were taken before or after it."""
    notes = []
    shots = [shot for session in sessions for shot in session.shots if not tells_side(shot.clues)]
    for moment in treatments:
        day = moment.at.date()
        open_ones = [shot for shot in shots if shot.day == day and not (shot.at and moment.time_known)]
        if not open_ones:
            continue
        more = f" and {len(open_ones) - 1} more" if len(open_ones) > 1 else ""
        if all(shot.at for shot in open_ones):
            why, fix = "the treatment has no time", f"write at = {day}T15:30 under [[treatments]]"
        else:
            why = "no time of day is known, so none counts as a second shot of another" if more else "it has no time"
            fix = f'write at = {day}T15:00, or stage = "pre" or "directly after", under the photo\'s name'
        notes.append(
            f"nothing says if {one_line(open_ones[0].found.file)}{more} {'were' if more else 'was'} taken before or "
            f"after the treatment of {day}: {why}; {fix} in course.toml"
        )
    return notes


def _without_treatment(shot: Shot, treatments: tuple[Moment, ...]) -> list[str]:
    """Stages that belong to a treatment, where treatments are recorded and none fits."""
    if not treatments or shot.day is None or shot.taken_at is None:
        return []
    name, stage = one_line(shot.found.file), shot.clues.stage
    days = [moment.at.date() for moment in treatments]
    if stage == "numbing" and shot.day not in days:
        return [f"{name} is called {stage!r}, but no treatment is recorded on {shot.day}: add it to course.toml"]
    hours = _hours_by_clock(shot, treatments)
    late = hours > _SOON_AFTER_HOURS if hours is not None else not any(0 <= (shot.day - day).days <= 1 for day in days)
    open_day = any(moment.at.date() == shot.day and not moment.time_known for moment in treatments)
    if stage == "directly after" and hours is None and shot.at and shot.day in days and not open_day:
        first = min(moment.at for moment in treatments if moment.at.date() == shot.day)
        early = (first - shot.taken_at).total_seconds() / 3600.0
        return [f"{name} is called {stage!r}, but by its clock was taken {early:.1f} h before the treatment"]
    if stage == "directly after" and late:
        return [f"{name} is called {stage!r}, but no treatment is recorded within the 24 hours before it"]
    return []


def _hours_by_clock(shot: Shot, treatments: tuple[Moment, ...]) -> float | None:
    """Hours since the last treatment where all the times that matter are known."""
    if shot.taken_at is None or shot.at is None:
        return None
    past = [moment for moment in treatments if moment.at <= shot.taken_at]
    # A treatment of the same day without a time could lie on either side of the photo.
    if not past or not past[-1].time_known:
        return None
    return (shot.taken_at - past[-1].at).total_seconds() / 3600.0


def _hours_by_day(shot: Shot, treatments: tuple[Moment, ...]) -> float | None:
    past = [moment.at.date() for moment in treatments if shot.day and moment.at.date() < shot.day]
    return (shot.day - past[-1]).days * 24.0 if shot.day and past else None


def _days_between(first: Shot, shot: Shot) -> float | None:
    if first.day is None or shot.day is None:
        return None
    days = float((shot.day - first.day).days)
    if first.at and shot.at and first.taken_at and shot.taken_at:
        return (shot.taken_at - first.taken_at).total_seconds() / 86400.0
    return days
