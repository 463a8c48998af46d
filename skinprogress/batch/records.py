"""What a batch is told, hands to its workers, and hears back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skinprogress.records import Rejection
from skinprogress.settings import OutputOptions, Settings

if TYPE_CHECKING:
    from skinprogress.photos.course import CourseFile

STORE = ".store"
"""Folder in the output folder that remembers what was found out; see :mod:`skinprogress.store`."""

CLIENTS = "clients"
"""Folder in the output folder with a folder of results for each client."""

COHORT = "cohort"
"""Folder in the output folder with the tables of all clients, partitioned by client."""

ClientStatus = Literal["compared", "one session", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClientFolder:
    """One client's folder.

    Attributes
    ----------
    id : str
        Path relative to the clients' folder with ``/``, printable: what people call the client by.
    path : Path
    course : CourseFile or None
        What the sheet of all clients says of this one; a ``course.toml`` in the folder speaks first.
    """

    id: str
    path: Path
    course: "CourseFile | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """How a batch is run.

    Attributes
    ----------
    jobs : int
        Worker processes at most.
    max_memory_mb : float or None
        All workers together, megabytes; None: as much as they need.
    photo_limit_s : float
        A photo that takes longer to be looked at or measured is rejected, seconds.
    fail_fast : bool
        Stop at the first client that fails.
    pseudonyms : bool
        Call clients and photos by names made up for this output folder, everywhere.
    thumbnails : bool
        Show faces on the index page.
    """

    settings: Settings = field(default_factory=Settings)
    output: OutputOptions = field(default_factory=OutputOptions)
    jobs: int = 1
    max_memory_mb: float | None = None
    photo_limit_s: float = 120.0
    fail_fast: bool = False
    pseudonyms: bool = False
    thumbnails: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClientTask:
    """One client's work, as a worker gets it.

    Attributes
    ----------
    out : Path
        Output folder of the batch.
    label : str
        What the client is called in everything that is written: the id, or a made-up name.
    threads : int
        Photos worked on at the same time.
    """

    client: ClientFolder
    out: Path
    label: str
    options: BatchOptions
    threads: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSummary:
    """What became of one client: a row of ``batch.csv`` and of the index page.

    Attributes
    ----------
    client : str
        Label.
    report : str
        ``report.html`` relative to the output folder, with ``/``; empty where there is none.
    headline : str
        The report's own.
    grade : str
        Of the last comparison with the baseline, A to D and F; empty without one.
    reason, remedy : str
        Of a client that failed.
    consent : str
        In words.
    rejected : tuple of Rejection
    other_person : tuple of str
        Photos that may show another person.
    thumbnails : tuple of str
        First and last session, JPEG files relative to the output folder; empty where hidden.
    pictures : dict of str to str
        File to SHA-256, of every photo.
    prints : dict of str to str
        File to a fingerprint of the whole picture (not of the face), for finding it again after it was saved anew.
    notes : tuple of str
    """

    client: str
    status: ClientStatus
    report: str = ""
    headline: str = ""
    grade: str = ""
    n_photos: int = 0
    n_used: int = 0
    n_rejected: int = 0
    n_sessions: int = 0
    first_session: str = ""
    last_session: str = ""
    reason: str = ""
    remedy: str = ""
    consent: str = ""
    rejected: tuple[Rejection, ...] = ()
    other_person: tuple[str, ...] = ()
    thumbnails: tuple[str, ...] = ()
    pictures: dict[str, str] = field(default_factory=dict)
    prints: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


EventKind = Literal["begin", "photo begins", "photo ends", "stage", "done", "unchanged", "failed", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEvent:
    """Something that a person or a log may want to know while a batch runs.

    Attributes
    ----------
    client : str
        Label.
    file : str
        Photo, where it is about one.
    sha256 : str
        Of that photo.
    text : str
        Stage, reason, or a sentence.
    done, total : int
        Photos of this client that are through, and all of them, each counted for looking and for measuring.
    seconds : float
        What the client took, once it is done.
    """

    kind: EventKind
    client: str
    file: str = ""
    sha256: str = ""
    text: str = ""
    done: int = 0
    total: int = 0
    seconds: float = 0.0
    summary: ClientSummary | None = None


Report = Callable[[BatchEvent], None]
