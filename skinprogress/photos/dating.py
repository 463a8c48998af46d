"""When each photo was taken: by the course file, the dated folder, the camera, the file's name, or not at all."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from skinprogress.errors import AmbiguousDateError
from skinprogress.photos.clues import Clues, find_clues, merge_clues, plain_words
from skinprogress.photos.course import PhotoEntry
from skinprogress.photos.dates import NameDate, find_date
from skinprogress.photos.scan import Found, one_line
from skinprogress.records import Flag
from skinprogress.settings import DateOrder

_SAME_TIME = timedelta(minutes=15)  # people round


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A photo with what is known about its time.

    Attributes
    ----------
    day, at : date, time or None
        `at` is None where only the day is known.
    clues : Clues
        From the folders, the file name and the course file.
    own_clues : Clues
        From the file name alone.
    """

    found: Found
    entry: PhotoEntry
    clues: Clues
    own_clues: Clues
    day: date | None = None
    at: time | None = None
    flags: Flag = Flag.NONE

    @property
    def taken_at(self) -> datetime | None:
        """Local time, midnight where only the day is known."""
        return None if self.day is None else datetime.combine(self.day, self.at or time(0))


def date_shots(
    photos: Iterable[Found], *, entries: Mapping[str, PhotoEntry], date_order: DateOrder | None
) -> tuple[list[Shot], list[str]]:
    """Find out when each photo was taken.

    Parameters
    ----------
    photos : iterable of Found
    entries : mapping
        What the course file says, by :attr:`Found.file`.
    date_order : {'dmy', 'mdy'} or None

    Returns
    -------
    shots : list of Shot
    notes : list of str
        Sentences for the report where two sources disagree.

    Raises
    ------
    AmbiguousDateError
        A date that matters could be day first or month first.

    Notes
    -----
    A dated folder says the day, because a person sorted the photos into it; the camera adds the time of day if its
    clock agrees on the day. Cameras with a wrong clock, and copies whose date is that of the export, are common.
    """
    found_photos = list(photos)
    cameras = {found.file: found.taken_at for found in found_photos}
    names = {found.file: find_date(found.stem, date_order=date_order) for found in found_photos}
    folder_dates = _date_folders(found_photos, cameras, names, entries, date_order)
    sides = any("left" in plain_words(text).split() for f in found_photos for text in (*f.folders, f.stem))
    shots, disagreeing = [], []
    for found in found_photos:
        entry = entries.get(found.file, PhotoEntry())
        folder_date, camera, name = folder_dates[found.folders], cameras[found.file], names[found.file]
        if name.other_day and not (entry.at or folder_date.day or camera):
            raise _ambiguous(f"the file name {one_line(found.file)!r}", name)
        day, at, flags = _choose(entry, folder_date, camera, name)
        shot = _undated(found, entry, right_is_a_side=sides)
        shot = replace(shot, day=day, at=at, flags=found.flags | flags)
        shots.append(shot)
        if camera and entry.at and (apart := _apart(entry.at, camera)):
            disagreeing.append((found, f"course.toml puts it {apart} than the camera; course.toml was followed"))
        other = camera.date() if camera else None
        if not entry.at and other and shot.day and other != shot.day:
            disagreeing.append((found, f"the camera says {other}, the folder {shot.day}; the folder was followed"))
        elif not entry.at and camera and name.day and not name.other_day and other != name.day and not folder_date.day:
            disagreeing.append((found, f"its name says {name.day}, the camera {other}; the camera was followed"))
    shots, inherited = _inherit_day(shots)
    return shots, [*_notes(disagreeing), *inherited]


def _undated(found: Found, entry: PhotoEntry, *, right_is_a_side: bool) -> Shot:
    own = find_clues(found.stem, right_is_a_side=right_is_a_side)
    clues = Clues()
    for folder in found.folders:
        clues = merge_clues(clues, find_clues(folder, right_is_a_side=right_is_a_side))
    clues = merge_clues(clues, own)
    if entry.stage is not None:
        hours = clues.hours_after if entry.stage not in ("pre", "numbing") else None
        clues = replace(clues, stage=entry.stage, after=False, hours_after=hours)
    return Shot(found=found, entry=entry, clues=clues, own_clues=own)


def _choose(
    entry: PhotoEntry, folder: NameDate, camera: datetime | None, name: NameDate
) -> tuple[date | None, time | None, Flag]:
    """Day, time of day, and what is doubtful about them, from the best source."""
    flags = Flag.NONE
    # Scanners and some programs write midnight where they know only the day.
    clock = camera.time() if camera and camera.time() != time(0) else None
    day: date | None
    if entry.at is not None:
        day, at = (entry.at.date(), entry.at.time()) if isinstance(entry.at, datetime) else (entry.at, None)
    elif camera and folder.day in (None, camera.date()):
        day, at = camera.date(), clock
    elif folder.day:
        day, at = folder.day, (name.at if name.day == folder.day and name.at else folder.at)
        flags = Flag.DATE_FROM_NAME
    elif name.day:
        day, at, flags = name.day, name.at, Flag.DATE_FROM_NAME
    else:
        return None, None, Flag.DATE_UNKNOWN
    return day, at, flags if at else flags | Flag.TIME_UNKNOWN


def _apart(told: datetime | date, camera: datetime) -> str:
    """How far what a person wrote lies from the camera's clock, in words; empty where they agree."""
    if isinstance(told, datetime) and camera.time() != time(0):
        gap = told - camera
    else:
        gap = date(told.year, told.month, told.day) - camera.date()
    if abs(gap) <= _SAME_TIME:
        return ""
    hours = abs(gap) / timedelta(hours=1)
    size = f"{hours:.1f} h" if hours < 48.0 else f"{hours / 24.0:.0f} days"
    return f"{size} {'later' if gap > timedelta(0) else 'earlier'}"


def _date_folders(
    photos: list[Found],
    cameras: Mapping[str, datetime | None],
    names: Mapping[str, NameDate],
    entries: Mapping[str, PhotoEntry],
    order: DateOrder | None,
) -> dict[tuple[str, ...], NameDate]:
    """The date of each folder by its own name or that of the nearest one around it."""
    evidence: defaultdict[tuple[str, ...], set[date]] = defaultdict(set)
    needed: Counter[tuple[str, ...]] = Counter()
    for found in photos:
        camera, name = cameras[found.file], names[found.file]
        days = {camera.date()} if camera else {name.day} if name.day and not name.other_day else set()
        entry = entries.get(found.file)
        for depth in range(len(found.folders) + 1):
            evidence[found.folders[:depth]] |= days
            needed[found.folders[:depth]] += entry is None or entry.at is None
    dated = {}
    for folders in {found.folders for found in photos}:
        dated[folders] = NameDate()
        for depth in range(len(folders), 0, -1):
            read = find_date(folders[depth - 1], date_order=order)
            # 2026/03/14: one folder a year, a month, a day.
            read = read if read.day else find_date("/".join(folders[:depth]), date_order=order)
            if read.day:
                dated[folders] = _settle(read, folders[:depth], evidence, needed)
                break
    return dated


def _settle(
    read: NameDate,
    folders: tuple[str, ...],
    evidence: Mapping[tuple[str, ...], set[date]],
    needed: Mapping[tuple[str, ...], int],
) -> NameDate:
    """Decide between two readings of a folder's date by the dates of the photos in it, or ask."""
    if read.other_day is None or not needed[folders]:
        return replace(read, other_day=None)
    possible = {read.day, read.other_day} & evidence[folders]
    if len(possible) == 1:
        return NameDate(possible.pop(), read.at)
    raise _ambiguous(f"the folder name {one_line('/'.join(folders))!r}", read)


def _ambiguous(what: str, read: NameDate) -> AmbiguousDateError:
    assert read.day is not None and read.other_day is not None
    return AmbiguousDateError(
        f"{what} could mean {_long(read.day)} or {_long(read.other_day)}",
        "say which with --date-order dmy (day first) or --date-order mdy (month first)",
    )


def _long(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"


def _inherit_day(shots: list[Shot]) -> tuple[list[Shot], list[str]]:
    """Give an undated photo in a folder the one day that all the dated photos beside it share."""
    days: defaultdict[tuple[str, ...], set[date]] = defaultdict(set)
    for shot in shots:
        if shot.day and shot.found.folders:
            days[shot.found.folders].add(shot.day)
    result, notes = [], []
    for shot in shots:
        beside = days[shot.found.folders]
        if shot.day is None and len(beside) == 1:
            (day,) = beside
            flags = shot.flags & ~Flag.DATE_UNKNOWN | Flag.TIME_UNKNOWN
            shot = replace(shot, day=day, flags=flags)
            notes.append(f"{one_line(shot.found.file)} has no date: the day of the photos beside it ({day}) was taken")
        result.append(shot)
    return result, notes


def _notes(disagreeing: list[tuple[Found, str]]) -> list[str]:
    """One sentence a folder and kind of disagreement, with the first file as the example."""
    grouped: defaultdict[tuple[tuple[str, ...], str], list[str]] = defaultdict(list)
    for found, text in disagreeing:
        grouped[found.folders, text].append(one_line(found.file))
    return [
        f"{files[0]}{f' and {len(files) - 1} more beside it' if len(files) > 1 else ''}: {text}"
        for (_, text), files in grouped.items()
    ]
