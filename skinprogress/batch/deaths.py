"""How worker processes end, and what is said about it."""

import signal
from dataclasses import dataclass
from typing import Literal

from skinprogress.errors import PhotoError

_SAVE_ANEW = "save it anew as JPEG or PNG with a photo program, or leave it out"
# What a machine or a person does to a process that did nothing wrong itself.
_FROM_OUTSIDE = {"SIGKILL", "SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """The end of a worker process that was not asked for.

    Attributes
    ----------
    kind : {'crashed', 'ended', 'hung', 'silent', 'garbled'}
        By itself; from outside; by us: a photo took too long, nothing was heard, nothing could be understood.
    detail : str
        Name of a signal, an exit code, or a limit with its unit.
    """

    kind: Literal["crashed", "ended", "hung", "silent", "garbled"]
    detail: str = ""

    @property
    def text(self) -> str:
        """What happened, to follow "the process that worked on it"."""
        return {
            "crashed": f"crashed ({self.detail})",
            "ended": f"was ended from outside ({self.detail})",
            "hung": f"was not through with a photo after {self.detail}",
            "silent": f"said nothing for {self.detail}",
            "garbled": "said something that cannot be understood",
        }[self.kind] + (", most often because memory ran out" if self.detail == "SIGKILL" else "")

    def of_photo(self) -> PhotoError:
        """Why a photo that ended its process is not used."""
        if self.kind == "hung":
            remedy = f"{_SAVE_ANEW}; if the computer was busy or asleep, run again with a longer --photo-limit"
            return PhotoError("decoder_hung", f"working on it took longer than {self.detail}", remedy)
        often = " twice" if self.kind == "ended" else ""
        return PhotoError("decoder_crashed", f"the process that worked on it {self.text}{often}", _SAVE_ANEW)

    def of_client(self) -> tuple[str, str]:
        """Reason and remedy for a client whose processes end without a photo to blame."""
        remedy = "run this client alone with skinprogress run, and report what it prints"
        if self.kind == "ended":
            remedy = "close other programs or use fewer --jobs, and run the same command again"
        return f"the process that worked on it {self.text}, more than once", remedy


def of_exit_code(code: int | None) -> Death:
    """Name the end of a process that was not ended by us.

    Parameters
    ----------
    code : int or None
        As multiprocessing has it: minus the number of a signal, or what the process returned.
    """
    if code is None:
        return Death(kind="garbled")
    try:
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        name = f"signal {-code}"
    return Death(kind="ended" if name in _FROM_OUTSIDE else "crashed", detail=name)
