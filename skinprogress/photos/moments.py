"""Times that a person wrote, with or without the time of day."""

from dataclasses import dataclass
from datetime import date, datetime, time


@dataclass(frozen=True, slots=True)
class Moment:
    """A time that a person wrote: naive and local, at midnight where only the day is known."""

    at: datetime
    time_known: bool

    def __str__(self) -> str:
        return self.at.strftime("%Y-%m-%d %H:%M" if self.time_known else "%Y-%m-%d")


def as_moment(value: datetime | date) -> Moment:
    """A day as its midnight with the time unknown; a datetime as it is."""
    if isinstance(value, datetime):
        return Moment(value, True)
    return Moment(datetime.combine(value, time(0)), False)
