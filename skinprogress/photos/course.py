"""The course file: ``course.toml`` beside the photos, read, checked, and drafted for a person to fill in."""

import re
import stat
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from skinprogress.errors import CourseFileError, PhotoError
from skinprogress.photos.course_checks import find_contradictions
from skinprogress.photos.course_errors import (
    Problem,
    from_toml_error,
    from_validation_error,
    raise_problems,
)
from skinprogress.photos.course_schema import (
    REGION_NAMES,
    ClientEntry,
    ConsentEntry,
    CourseEntry,
    MarkEntry,
    PhotoEntry,
    TreatmentEntry,
)
from skinprogress.photos.draft import draft_course, write_draft
from skinprogress.photos.moments import Moment, as_moment
from skinprogress.photos.scan import COURSE_FILE, find_course_file, one_line
from skinprogress.records import Consent, Course, Mark, Treatment

__all__ = ["REGION_NAMES", "CourseFile", "Moment", "PhotoEntry", "draft_course", "read_course", "write_draft"]

# TOML 1.0 wants seconds; people write 15:30. Strings and comments are matched first, so that nothing in them changes.
_SHORT_TIME = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*'
    r"|(?<![\w:.-])(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d)(?![\d:])",
    re.DOTALL,
)
_MAX_BYTES = 5_000_000


class CourseFile(BaseModel):
    """A valid ``course.toml``.

    Attributes
    ----------
    photos : dict of str to PhotoEntry
        By the name that the person wrote: relative to the folder, or the bare file name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    client: ClientEntry = Field(default_factory=ClientEntry)
    course: CourseEntry = Field(default_factory=CourseEntry)
    treatments: tuple[TreatmentEntry, ...] = ()
    consent: ConsentEntry = Field(default_factory=ConsentEntry)
    photos: dict[str, PhotoEntry] = Field(default_factory=dict)
    marks: tuple[MarkEntry, ...] = ()

    _path: Path = PrivateAttr(default=Path(COURSE_FILE))
    _text: str = PrivateAttr(default="")

    def to_course(self) -> Course:
        """The record of the course; treatments in order of time, a circle as a polygon."""
        treatments = sorted(self.treatments, key=lambda entry: as_moment(entry.at).at)
        return Course(
            label=self.client.label or "",
            planned=self.course.planned,
            aim=self.course.aim,
            reference_region=self.course.reference_region,
            color_reference=self.course.color_reference,
            card_edition=self.course.card_edition,
            treatments=tuple(_to_treatment(entry) for entry in treatments),
            consent=Consent(**self.consent.model_dump()),
            marks=tuple(Mark(name=mark.name, photo=mark.photo, polygon_xy=mark.polygon_xy) for mark in self.marks),
        )

    def treatment_times(self) -> tuple[Moment, ...]:
        """When the treatments were, in order, and whether their time of day is known."""
        return tuple(sorted((as_moment(entry.at) for entry in self.treatments), key=lambda moment: moment.at))

    def error(self, *problems: tuple[tuple[str | int, ...], str, str]) -> CourseFileError:
        """An error about keys of this file, each given as its path, the reason and the remedy."""
        try:
            raise_problems(self._path, self._text, [Problem(*problem) for problem in problems])
        except CourseFileError as error:
            return error


def read_course(folder: Path, *, regions: Iterable[str] = REGION_NAMES) -> CourseFile | None:
    """Read and check ``course.toml`` in a client's folder.

    Parameters
    ----------
    folder : Path
        The client's folder.
    regions : iterable of str
        Names that areas and depths may use.

    Returns
    -------
    CourseFile or None
        None where there is no such file.

    Raises
    ------
    CourseFileError
        The file is no TOML, has a wrong value or an unknown key, or contradicts itself; the message names file, line
        and key, the value, and the fix. All mistakes are told at once.

    Notes
    -----
    Whether the photos that it names exist is checked where the folder is listed.
    """
    path = find_course_file(folder) or folder / COURSE_FILE
    try:
        status = path.stat()
        # A pipe would wait for ever; a link to a device would never end.
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
            what = "it is too large for a course file" if stat.S_ISREG(status.st_mode) else "it is not an ordinary file"
            raise CourseFileError(f"{one_line(str(path))} cannot be read ({what})", "rename it to go on without it")
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise CourseFileError(
                f"{one_line(str(path))} is a link that leads nowhere", "put the file itself there, or remove the link"
            ) from None
        return None
    except OSError as error:
        raise CourseFileError(
            f"{one_line(str(path))} cannot be read ({error.strerror or error})",
            "make it a readable text file, or rename it to go on without it",
        ) from error
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise CourseFileError(
            f"{one_line(str(path))}, line {line}: the file is not in the encoding UTF-8",
            "save it again and choose UTF-8 as its encoding",
        ) from error
    return _parse(path, text, tuple(regions))


def check_places(
    course: CourseFile, *, entries: Mapping[str, PhotoEntry], marks: Mapping[str, str], folder: Path
) -> None:
    """Check that points and marks lie inside the photos in which they were set.

    Parameters
    ----------
    course : CourseFile
    entries : mapping of str to PhotoEntry
        By the file's path relative to the folder, as :func:`~skinprogress.photos.course_names.match_names` finds them.
    marks : mapping of str to str
        Photo name as written in a mark to the file's path.
    folder : Path

    Raises
    ------
    CourseFileError
        One lies outside. Photos that cannot be read are left to whoever reads them.
    """
    files = {id(entry): file for file, entry in entries.items()}
    problems = [
        _outside(("photos", name, "points"), folder / files[id(photo)], photo.points)
        for name, photo in course.photos.items()
        if photo.points and id(photo) in files
    ]
    for index, mark in enumerate(course.marks):
        # A circle may reach out of the photo; its middle may not.
        shape, points = ("circle", (mark.circle[:2],)) if mark.circle else ("polygon", mark.polygon_xy)
        problems.append(_outside(("marks", index, shape), folder / marks[mark.photo], points))
    if found := [problem for problem in problems if problem]:
        raise_problems(course._path, course._text, found)


def _outside(key: tuple[str | int, ...], path: Path, points: tuple[tuple[float, float], ...]) -> Problem | None:
    from skinprogress.photos.reading import read_header

    try:
        header = read_header(path)
    except PhotoError:
        return None
    width, height = header.width_px, header.height_px
    for x, y in points:
        if x > width or y > height:
            reason = f"({x:g}, {y:g}) lies outside {one_line(path.name)}, which is {width} × {height} pixels upright"
            remedy = "read the pixels off the original file, turned upright, not off a smaller copy"
            return Problem(key, reason, remedy)
    return None


def _parse(path: Path, text: str, regions: tuple[str, ...]) -> CourseFile:
    complete = _SHORT_TIME.sub(lambda match: f"{match[1]}:00" if match[1] else match[0], text)
    try:
        data: dict[str, Any] = tomllib.loads(complete)
    except tomllib.TOMLDecodeError as error:
        raise from_toml_error(path, text, error) from error
    except (RecursionError, ValueError) as error:
        raise CourseFileError(
            f"{one_line(str(path))} is not understood (brackets nested too deep, or a number of thousands of digits)",
            "take out what no person would write",
        ) from error
    try:
        course = CourseFile.model_validate(data, context={"regions": regions})
    except ValidationError as error:
        raise_problems(path, text, from_validation_error(error, CourseFile))
    course._path, course._text = path, text
    if problems := find_contradictions(course):
        raise_problems(path, text, problems)
    return course


def _to_treatment(entry: TreatmentEntry) -> Treatment:
    return Treatment(
        at=as_moment(entry.at).at,
        kind=entry.kind,
        setting=entry.setting,
        number=entry.number,
        device=entry.device,
        depth_mm=dict(entry.depth_mm),
        areas=entry.areas,
        products=entry.products,
    )
