"""The command that looks at the computer: doctor."""

from pathlib import Path

import typer

from skinprogress.cli.console import make_console, shown
from skinprogress.cli.options import Out


def doctor(out: Out = None) -> None:
    """Say whether this computer has what the program needs, and prove that a run reaches for no network (seconds)."""
    from skinprogress.checking.doctor import examine

    console = make_console()
    wrong = 0
    for check in examine(out or Path.cwd()):
        wrong += check.status == "wrong"
        line = f"{check.status:<8} {check.name:<16} {shown(check.text)}"
        console.print(
            line, markup=False, highlight=False, soft_wrap=True, style="bold" if check.status == "wrong" else None
        )
    if wrong:
        raise typer.Exit(1)
