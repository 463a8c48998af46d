"""The schema of ``course.toml``: what a person may write, field by field."""

import math
import re
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from skinprogress.photos.suggestions import did_you_mean
from skinprogress.records import WHITE_REFLECTANCE, Stage, View
from skinprogress.settings import CardEdition, ColorChoice

REGION_NAMES = (
    "forehead",
    "glabella",
    "nose",
    "cheek_left",
    "cheek_right",
    "periorbital_left",
    "periorbital_right",
    "upper_lip",
    "chin",
    "jaw_left",
    "jaw_right",
    "face",
    "neck",
)
"""Regions that a course file may name; ``face`` is all of it."""

_GROUPS = {"cheeks": "cheek", "jaw": "jaw", "periorbital": "periorbital"}
_DATE_EXAMPLE = "write it as 2026-03-14T15:30, or 2026-03-14 where the time is not known"
_MAX_DEPTH_MM = 5.0
_CIRCLE_CORNERS = 48
_MAX_POINTS = 20


def _wrong(reason: str, remedy: str) -> PydanticCustomError:
    # The texts go through the context, because a template would choke on braces in what a person wrote.
    return PydanticCustomError("course", "{reason}", {"reason": reason, "remedy": remedy})


def expand_regions(names: Iterable[str], *, regions: Iterable[str] = REGION_NAMES) -> tuple[str, ...]:
    """Regions by their names, with ``cheeks``, ``jaw`` and ``periorbital`` as left and right.

    >>> expand_regions(["cheeks", "nose"])
    ('cheek_left', 'cheek_right', 'nose')
    """
    known = tuple(regions)
    found: list[str] = []
    for name in names:
        sides = [f"{_GROUPS[name]}_left", f"{_GROUPS[name]}_right"] if name in _GROUPS else [name]
        for side in sides:
            if side not in known:
                remedy = f"{did_you_mean(name, (*known, *_GROUPS))}the regions are {', '.join(known)}"
                raise _wrong(f"{name!r} is no region", remedy)
            found.append(side)
    return tuple(dict.fromkeys(found))


def _known(info: ValidationInfo) -> tuple[str, ...]:
    return tuple((info.context or {}).get("regions", REGION_NAMES))


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _no_blank(value: str) -> str:
    if not value.strip():
        raise _wrong("is empty", "write a name, or take the line out")
    return value.strip()


def _yes_no(value: Any) -> Any:
    words = {"yes": True, "no": False, "true": True, "false": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    raise _wrong(f"{value!r} is neither yes nor no", 'write true or false (or "yes", "no" in quotes)')


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(f"{value!r} is no number", "write a number with a point, such as 1.5, and no quotes")
    return float(value)


def _moment(value: Any) -> datetime | date:
    """A day, or a naive local time: an offset from UTC is dropped, since what counts is the clock on the wall."""
    if isinstance(value, str):
        text = value.strip()
        try:
            value = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else datetime.fromisoformat(text)
        except ValueError:
            raise _wrong(f"{value!r} is no date that can be read", _DATE_EXAMPLE) from None
    if isinstance(value, time):
        raise _wrong(f"{value} is a time without a day", _DATE_EXAMPLE)
    if not isinstance(value, date):
        raise _wrong(f"{value!r} is no date", _DATE_EXAMPLE)
    if not 1990 <= value.year <= 2100:
        raise _wrong(f"the year {value.year} cannot be right", _DATE_EXAMPLE)
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def _day(value: Any) -> date:
    moment = _moment(value)
    return moment.date() if isinstance(moment, datetime) else moment


def _areas(value: Any, info: ValidationInfo) -> tuple[str, ...]:
    names = _listed(value)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _wrong(f"{value!r} is no list of regions", 'write for example ["forehead", "cheeks"]')
    return expand_regions(names, regions=_known(info))


def _depth(value: Any, info: ValidationInfo) -> dict[str, float]:
    """Depth by region; one figure for the whole face stands under ``face``, a region's own beats its group's."""
    parts = value if isinstance(value, dict) else {"face": value}
    depths: dict[str, float] = {}
    for name in sorted(parts, key=lambda name: name not in _GROUPS):
        depth = _number(parts[name])
        if not 0 < depth <= _MAX_DEPTH_MM:
            remedy = f"needles are more than 0 and at most {_MAX_DEPTH_MM:g} mm long: write millimetres, such as 1.5"
            raise _wrong(f"a depth of {depth:g} mm cannot be right", remedy)
        depths |= dict.fromkeys(expand_regions([name], regions=_known(info)), depth)
    return depths


def _one_region(value: Any, info: ValidationInfo) -> str:
    known = tuple(name for name in _known(info) if name != "face")
    if value not in known:
        remedy = f"{did_you_mean(str(value), known)}name one untreated region: {', '.join(known)}"
        raise _wrong(f"{value!r} is no region to compare with", remedy)
    return str(value)


def _patch(value: Any) -> tuple[int, int, int, int]:
    example = "write [x, y, width, height] in whole pixels of the photo, such as [40, 1200, 180, 160]"
    if not isinstance(value, list) or len(value) != 4:
        raise _wrong(f"{value!r} is no rectangle", example)
    x, y, width, height = (round(_number(part)) for part in value)
    if x < 0 or y < 0 or width <= 0 or height <= 0:
        raise _wrong(f"{value!r} is no rectangle inside a photo", example)
    return x, y, width, height


def _reflectance(value: Any) -> float:
    share = _number(value)
    if not 0.02 <= share <= 1.0:
        raise _wrong(
            f"a reflectance of {share:g} cannot be right",
            "write a share of the light, 0.02 to 1: white paper or tiles about 0.9, a photographer's grey card 0.18",
        )
    return share


def _polygon(value: Any) -> tuple[tuple[float, float], ...]:
    example = "write at least three corners, such as [[310, 900], [360, 905], [340, 960]]"
    if not isinstance(value, list) or not all(isinstance(point, list) and len(point) == 2 for point in value):
        raise _wrong(f"{value!r} is no list of corners", example)
    points = tuple((_number(x), _number(y)) for x, y in value)
    pairs = zip(points, points[1:] + points[:1], strict=True)
    if len(points) < 3 or abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) < 2.0:
        raise _wrong(f"a shape of {len(points)} corners that encloses nothing", example)
    if min(min(point) for point in points) < 0:
        raise _wrong("a corner lies outside the photo", "pixels count from 0 at the top left: take the minus away")
    return points


def _circle(value: Any) -> tuple[float, float, float]:
    if not isinstance(value, list) or len(value) != 3:
        raise _wrong(f"{value!r} is no circle", "write [x, y, radius] in pixels of the photo, such as [330, 930, 40]")
    x, y, radius = (_number(part) for part in value)
    if x < 0 or y < 0 or radius < 1:
        raise _wrong(f"{value!r} is no circle inside a photo", "write [x, y, radius], with a radius of 1 px or more")
    return x, y, radius


def _points(value: Any) -> tuple[tuple[float, float], ...]:
    example = "write 2 to 20 points, such as [[310, 900], [1260, 905]], the same places in the same order in each photo"
    if not isinstance(value, list) or not all(isinstance(point, list) and len(point) == 2 for point in value):
        raise _wrong(f"{value!r} is no list of points", example)
    points = tuple((_number(x), _number(y)) for x, y in value)
    if not 2 <= len(points) <= _MAX_POINTS:
        count = "1 point is" if len(points) == 1 else f"{len(points)} points are"
        raise _wrong(f"{count} too {'few' if len(points) < 2 else 'many'} to lay photos over each other", example)
    if min(min(point) for point in points) < 0:
        raise _wrong("a point lies outside the photo", "pixels count from 0 at the top left: take the minus away")
    if len(set(points)) < len(points):
        raise _wrong("two points lie on the same place", example)
    return points


def _mark_name(value: Any, info: ValidationInfo) -> str:
    name = _no_blank(_text(value))
    # "Cheek left" in a table would pass for the region.
    if "_".join(name.casefold().split()) in {*_known(info), *_GROUPS}:
        raise _wrong(f"{name!r} is the name of a region", 'call the mark something else, such as "scar on left cheek"')
    return name


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
YesNo = Annotated[bool, BeforeValidator(_yes_no)]
Moment = Annotated[datetime | date, PlainValidator(_moment)]
Day = Annotated[date, PlainValidator(_day)]
Name = Annotated[str, PlainValidator(lambda value: _no_blank(_text(value)))]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(f"{value!r} is no text", "put it in quotes")
    return value


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClientEntry(_Table):
    """``[client]``."""

    label: Name | None = None


class CourseEntry(_Table):
    """``[course]``."""

    planned: Annotated[int, Field(ge=1, le=100, strict=True)] | None = None
    aim: Texts = ()
    reference_region: Annotated[str, PlainValidator(_one_region)] | None = None
    color_reference: ColorChoice = "auto"
    card_edition: CardEdition = "auto"


class TreatmentEntry(_Table):
    """One ``[[treatments]]``."""

    at: Moment
    kind: Name = "microneedling"
    setting: Literal["clinic", "home", "maintenance"] = "clinic"
    number: Annotated[int, Field(ge=1, le=1000, strict=True)] | None = None
    device: str = ""
    depth_mm: Annotated[dict[str, float], PlainValidator(_depth)] = Field(default_factory=dict)
    areas: Annotated[tuple[str, ...], PlainValidator(_areas)] = ()
    products: Texts = ()

    @property
    def time_known(self) -> bool:
        """False where only the day was written."""
        return isinstance(self.at, datetime)


class ConsentEntry(_Table):
    """``[consent]``."""

    publish: YesNo | None = None
    scope: Texts = ()
    given: Day | None = None
    until: Day | None = None


class PhotoEntry(_Table):
    """One ``[photos."name"]``: what a person says about one photo, which beats what the program found."""

    at: Moment | None = None
    session: Name | None = None
    view: View | None = None
    stage: Stage | None = None
    mirrored: YesNo = False
    exclude: YesNo = False
    face: Annotated[int, Field(ge=1, le=50, strict=True)] | None = None
    makeup: YesNo = False
    cream: YesNo = False
    filter: YesNo = False
    patch: Annotated[tuple[int, int, int, int], PlainValidator(_patch)] | None = None
    patch_reflectance: Annotated[float, PlainValidator(_reflectance)] = WHITE_REFLECTANCE
    points: Annotated[tuple[tuple[float, float], ...], PlainValidator(_points)] = ()


class MarkEntry(_Table):
    """One ``[[marks]]``: a polygon or a circle, in px of the upright photo as any viewer shows it."""

    name: Annotated[str, PlainValidator(_mark_name)]
    photo: Name
    polygon: Annotated[tuple[tuple[float, float], ...], PlainValidator(_polygon)] | None = None
    circle: Annotated[tuple[float, float, float], PlainValidator(_circle)] | None = None

    @model_validator(mode="after")
    def _one_shape(self) -> "MarkEntry":
        if (self.polygon is None) == (self.circle is None):
            found = "neither a polygon nor a circle" if self.polygon is None else "both a polygon and a circle"
            raise _wrong(f"has {found}", "give it polygon = [[x, y], …] or circle = [x, y, radius], one of them")
        return self

    @property
    def polygon_xy(self) -> tuple[tuple[float, float], ...]:
        """The outline in photo px; a circle as 48 corners."""
        if self.polygon is not None:
            return self.polygon
        assert self.circle is not None
        x, y, radius = self.circle
        turns = (2.0 * math.pi * corner / _CIRCLE_CORNERS for corner in range(_CIRCLE_CORNERS))
        return tuple((x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns)
