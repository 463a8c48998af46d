"""Visits: which photos belong to one session, what it is called, and the order of the sessions."""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from skinprogress.photos.clues import Clues, find_clues, plain_words
from skinprogress.photos.course import Moment
from skinprogress.photos.dates import natural_key, remove_dates
from skinprogress.photos.dating import Shot
from skinprogress.photos.scan import one_line

_AFTERWARDS_HOURS = 0.05  # a bare "after" stands before "2h after"
_VIEW_WORDS = frozenset(
    {"front", "frontal", "left", "right", "profile", "oblique", "side", "vorne", "links", "rechts", "profil", "seite"}
)
Rank = tuple[int, int, float, float, tuple[tuple[int, int, str], ...]]


@dataclass(frozen=True, slots=True)
class Session:
    """One visit.

    Attributes
    ----------
    rank : tuple
        Place among the client's sessions; comparable.
    """

    label: str
    shots: tuple[Shot, ...]
    rank: Rank


def group_sessions(shots: Iterable[Shot], *, treatments: Iterable[Moment], gap_minutes: float) -> list[Session]:
    """Group photos into visits, in order of time.

    Parameters
    ----------
    shots : iterable of Shot
    treatments : iterable of Moment
        A treatment whose time is known parts the photos before it from those after.
    gap_minutes : float
        A longer gap between two photos of a day starts a new session.

    Returns
    -------
    list of Session
        Labels are unique. Photos whose session a person named keep that name and stay together; undated "before"
        photos come first, other undated ones last.

    Notes
    -----
    Words such as "before" and "2h after" part photos too, with or without times: a session holds replicates, and skin
    under numbing cream is no replicate of bare skin. On the day of a treatment a photo without time and words could be
    from before or after it, so it stands alone, or with photos whose names tell another view.
    """
    by_day: defaultdict[date, list[Shot]] = defaultdict(list)
    undated, named = [], defaultdict(list)
    for shot in shots:
        if shot.entry.session:
            named[shot.entry.session].append(shot)
        elif shot.day:
            by_day[shot.day].append(shot)
        else:
            undated.append(shot)
    moments = list(treatments)
    times = [moment.at for moment in moments if moment.time_known]
    treated = {moment.at.date() for moment in moments}
    sessions = []
    for day, of_day in by_day.items():
        runs = _split_day(of_day, times, timedelta(minutes=gap_minutes), treated=day in treated)
        sessions += _label_day(day, runs, treated=day in treated)
    sessions += _group_undated(undated)
    sessions = _make_unique(sorted(sessions, key=lambda session: session.rank))
    for label, together in named.items():
        sessions = _add_named(sessions, label, together)
    in_order = [replace(s, shots=tuple(sorted(s.shots, key=_shot_key))) for s in sessions]
    return sorted(in_order, key=lambda session: session.rank)


def _shot_key(shot: Shot) -> tuple[datetime, tuple[tuple[tuple[int, int, str], ...], ...]]:
    return shot.taken_at or datetime.max, shot.found.order


def _key(shot: Shot) -> Hashable:
    """What photos of one session have in common besides the time."""
    clues = shot.clues
    return clues.stage, clues.after, clues.hours_after, clues.day, clues.visit, shot.entry.cream


def tells_side(clues: Clues) -> bool:
    """Whether words say if a photo was taken before or after the treatment of its day."""
    return bool(clues.stage) or clues.after or clues.hours_after is not None


def _split_day(shots: list[Shot], treatments: list[datetime], gap: timedelta, *, treated: bool) -> list[list[Shot]]:
    """Photos of one day, parted into visits."""
    runs: list[list[Shot]] = []
    last: datetime | None = None
    for shot in sorted((shot for shot in shots if shot.at), key=_shot_key):
        now = shot.taken_at
        assert now is not None
        crossed = last is not None and any(last < treatment <= now for treatment in treatments)
        if last is None or now - last > gap or crossed or _key(shot) != _key(runs[-1][0]):
            runs.append([])
        runs[-1].append(shot)
        last = now
    untimed: defaultdict[tuple[Hashable, float | None], list[Shot]] = defaultdict(list)
    for shot in shots:
        if not shot.at:
            untimed[_key(shot), shot.clues.part_of_day].append(shot)
    timed = list(runs)
    for (key, _), together in untimed.items():
        if treated and not tells_side(together[0].clues):
            runs += _part_by_view(together)
            continue
        fitting = [run for run in timed if _key(run[0]) == key]
        # A photo without time and words joins the day's visit only where there is no choice.
        if len(fitting) == 1 and (len(timed) == 1 or key != _key_of_nothing()):
            fitting[0].extend(together)
        else:
            runs.append(together)
    return runs


def _part_by_view(shots: list[Shot]) -> list[list[Shot]]:
    """Photos of which none is a replicate of another: each alone, but those of different views together."""
    runs: list[dict[Hashable, Shot]] = []
    for shot in shots:
        words = plain_words(" ".join((*shot.found.folders, shot.found.stem))).split()
        view = shot.entry.view or frozenset(words) & _VIEW_WORDS
        run = next((run for run in runs if view and view not in run and frozenset() not in run), None)
        if run is None:
            runs.append({view: shot})
        else:
            run[view] = shot
    return [list(run.values()) for run in runs]


def _key_of_nothing() -> Hashable:
    return "", False, None, None, None, False


def _label_day(day: date, runs: list[list[Shot]], *, treated: bool) -> list[Session]:
    sessions = []
    for run in runs:
        first = min(run, key=lambda shot: (shot.at is None, _shot_key(shot)))
        clues = first.clues
        if len(runs) == 1:
            label = day.isoformat()
        elif first.at:
            label = f"{day.isoformat()}T{first.at:%H:%M}"
        else:
            # Photos that stand alone are told apart by their names.
            alone = treated and len(run) == 1 and not tells_side(clues)
            name = one_line(remove_dates(first.found.stem)).strip(" _-.") if alone else ""
            label = f"{day.isoformat()} {clues.words or name}".strip()
        rank = (1, day.toordinal(), 0.0, _hour_of_day(first), natural_key(label))
        if not any(shot.at for run in runs for shot in run):
            rank = (1, day.toordinal(), float(clues.visit or 0), rank[3], rank[4])
        sessions.append(Session(label, tuple(run), rank))
    return sessions


def _hour_of_day(shot: Shot) -> float:
    """Place within a day; words come before or after all clock times."""
    if shot.at:
        return shot.at.hour + shot.at.minute / 60.0 + shot.at.second / 3600.0
    offset = _afterwards(shot.clues)
    if offset is not None:
        return offset if offset < 0 else 24.0 + offset
    return shot.clues.part_of_day if shot.clues.part_of_day is not None else -0.25


def _afterwards(clues: Clues) -> float | None:
    return _AFTERWARDS_HOURS if clues.offset == math.inf else clues.offset


def _group_undated(shots: list[Shot]) -> list[Session]:
    """Sessions of photos whose day is not known: by folder, else by words, else each photo its own."""
    common = _common_folders([shot.found.folders for shot in shots])
    groups: defaultdict[tuple[str, Hashable], list[Shot]] = defaultdict(list)
    for shot in shots:
        folder = _session_folder(shot.found.folders[common:])
        alone = not folder and not shot.clues.words
        groups[folder, shot.found.file if alone else (_key(shot), shot.clues.part_of_day)].append(shot)
    groups_of_folder = Counter(folder for folder, _ in groups)
    within_hours = any(shot.clues.offset is not None and 0 <= shot.clues.offset < 24 for shot in shots)
    sessions = []
    for (folder, _), together in groups.items():
        first = together[0]
        words = first.own_clues.words if groups_of_folder[folder] > 1 else ""
        label = f"{one_line(folder)} {words}".strip() if folder else first.clues.words or one_line(first.found.stem)
        sessions.append(Session(label, tuple(together), _undated_rank(first.clues, label, within_hours=within_hours)))
    return sessions


def _undated_rank(clues: Clues, label: str, *, within_hours: bool) -> Rank:
    offset = _afterwards(clues) if within_hours else clues.offset
    is_first = offset is not None and offset < 0
    without_number = 0.0 if offset is None else -1.0 if is_first else math.inf
    visit = without_number if clues.visit is None else float(clues.visit)
    if offset is None:
        offset = -0.75 if clues.part_of_day is None else clues.part_of_day
    return (0 if is_first and clues.visit is None else 2), 0, visit, offset, natural_key(label)


def _common_folders(paths: list[tuple[str, ...]]) -> int:
    """How many leading folders, such as ``photos/``, say nothing because every photo lies in them.

    The last folder of a path is kept: a single folder of photos is one session.
    """
    if not paths:
        return 0
    depth = 0
    while all(len(path) > depth + 1 and path[depth] == paths[0][depth] for path in paths):
        depth += 1
    return depth


def _session_folder(folders: tuple[str, ...]) -> str:
    """The folder that makes a session: the innermost that says when, else the outermost ("left", "right" inside)."""
    telling = [depth for depth, name in enumerate(folders, start=1) if find_clues(name).words]
    return "/".join(folders[: telling[-1]] if telling else folders[:1])


def _make_unique(sessions: list[Session]) -> list[Session]:
    """Different sessions get different labels: by their words, by the file name, by a number."""
    count = Counter(session.label for session in sessions)
    taken: set[str] = set()
    result = []
    for session in sessions:
        label = session.label
        if count[label] > 1:
            words = session.shots[0].clues.words
            label = f"{label} {words}" if words and words not in label else label
        base, number = label, 2
        while label in taken:
            label, number = f"{base} ({number})", number + 1
        taken.add(label)
        result.append(replace(session, label=label))
    return result


def _add_named(sessions: list[Session], label: str, shots: list[Shot]) -> list[Session]:
    """Put photos into the session that a person named, a new one unless it is there already."""
    for index, session in enumerate(sessions):
        if session.label == label:
            joined = replace(session, shots=(*session.shots, *shots))
            return [*sessions[:index], joined, *sessions[index + 1 :]]
    first = min(shots, key=_shot_key)
    if first.day:
        rank: Rank = (1, first.day.toordinal(), 0.0, _hour_of_day(first), natural_key(label))
    else:
        rank = _undated_rank(first.clues, label, within_hours=False)
    return [*sessions, Session(label, tuple(shots), rank)]


def find_mixed(sessions: Iterable[Session], *, treatments: Iterable[Moment]) -> list[tuple[Shot, str]]:
    """Photos that a person has put into one session though they are no replicates of each other, and why.

    Returns
    -------
    list of (Shot, reason)
        One for each such session: a photo whose session a person named.
    """
    moments = list(treatments)
    mixed = []
    for session in sessions:
        named = next((shot for shot in session.shots if shot.entry.session), None)
        if named and (reason := _why_mixed(session.shots, moments)):
            mixed.append((named, f"{session.label!r} holds {reason}"))
    return mixed


def _why_mixed(shots: tuple[Shot, ...], treatments: list[Moment]) -> str:
    covered = {
        shot.entry.cream or shot.clues.stage in ("numbing", "after cream"): one_line(shot.found.file) for shot in shots
    }
    if len(covered) == 2:
        return f"{covered[True]!r} with cream on the skin and {covered[False]!r} without"
    for moment in treatments:
        sides = {_side(shot, moment): one_line(shot.found.file) for shot in shots}
        if {"before", "after"} <= sides.keys():
            at = moment.at.strftime("%Y-%m-%d %H:%M" if moment.time_known else "%Y-%m-%d")
            return f"{sides['before']!r} from before and {sides['after']!r} from after the treatment of {at}"
    return ""


def _side(shot: Shot, moment: Moment) -> str:
    """Side of a treatment on which a photo was taken; empty where that is not known."""
    if shot.day is None or shot.taken_at is None:
        return ""
    if shot.day != moment.at.date():
        return "before" if shot.day < moment.at.date() else "after"
    if shot.clues.stage in ("pre", "numbing"):
        return "before"
    if tells_side(shot.clues):
        return "after"
    if shot.at and moment.time_known:
        return "before" if shot.taken_at < moment.at else "after"
    return ""
