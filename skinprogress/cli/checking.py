"""The commands that only look: check, init, metrics."""

import os
from pathlib import Path
from typing import Annotated

import typer

from skinprogress.cli.console import make_console, shown, why
from skinprogress.cli.options import DateOrder, Light, make_settings


def check(
    photos: Annotated[
        list[Path], typer.Argument(help="Photos, or one client folder.", show_default=False, readable=False)
    ],
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            help="A client folder: grade each photo A–F against the client's reference photo, with what differs and "
            "the remedy. Exit code 0 for A to C, 1 if a photo gets D or F or is refused.",
            show_default=False,
            readable=False,
        ),
    ] = None,
    date_order: DateOrder = None,
    light: Light = "compensated",
) -> None:
    """Say what the quality gate sees in each photo and how to retake it; for a folder, how its files are understood."""
    from skinprogress import api

    console = make_console()
    if against is not None:
        from skinprogress.outputs.console_grade import render_comparability

        graded = api.check_against(photos, against, settings=make_settings(date_order, light=light))
        for check in graded:
            for text in render_comparability(check, width=console.width):
                console.print(text, soft_wrap=True)
        if not all(check.passes for check in graded):
            raise typer.Exit(1)
        return
    from skinprogress.outputs.console import check_remarks, render_check_table

    if len(photos) == 1 and os.path.isdir(photos[0]):  # noqa: PTH112 - no exception for a path that is too long
        listing, _ = api.list_client(photos[0], settings=make_settings(date_order))
        refs = list(listing.photos)
        rejected = listing.rejected
        for note in listing.notes:
            console.print(note, style="italic", markup=False)
    else:
        refs, rejected = api.loose_refs(photos), ()
    checks = api.check_photos(refs)
    console.print(render_check_table(checks, width=console.width))
    for line in check_remarks(checks):
        console.print(shown(line), markup=False)
    for rejection in rejected:
        console.print(f"refused  {why(rejection)}", markup=False)
    if not any(c.inspection for c in checks):
        raise typer.Exit(1)


def init(
    folder: Annotated[Path, typer.Argument(help="A client folder.", show_default=False, readable=False)],
    date_order: DateOrder = None,
) -> None:
    """Draft course.toml from what is in the folder; a course.toml that is there is never touched."""
    from skinprogress import api
    from skinprogress.photos.course import draft_course, write_draft

    console = make_console()
    listing, _ = api.list_client(folder, settings=make_settings(date_order))
    path, written = write_draft(folder, draft_course(listing))
    if written:
        console.print(f"wrote {shown(str(path))}: open it, fill in the treatments, run again", markup=False)
    else:
        console.print(f"{shown(str(path))} is there already and was left as it is", markup=False)


def metrics() -> None:
    """Print the catalogue of metrics: what each means, and when not to trust it."""
    from skinprogress.outputs.console import render_catalogue

    console = make_console()
    for block in render_catalogue(width=console.width):
        console.print(block)
