"""The commands for many clients: batch, forget."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skinprogress.cli.console import make_console, shown
from skinprogress.cli.options import (
    Assets,
    CardEdition,
    Color,
    DateOrder,
    ForAudience,
    Light,
    OwnCalibration,
    Pdf,
    make_output_options,
    make_settings,
)

if TYPE_CHECKING:
    from rich.console import Console

    from skinprogress.batch.records import BatchEvent
    from skinprogress.batch.running import BatchResult

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(MB|MiB|M|GB|GiB|G)?", re.IGNORECASE)
_MEGABYTES = {"m": 1.0, "g": 1000.0, "mib": 1.048576, "gib": 1073.741824}
_NAMED_AT_MOST = 3
_PLAIN: dict[str, Any] = {"markup": False, "highlight": False, "soft_wrap": True}


def read_megabytes(text: str) -> float:
    """Megabytes from ``2GB`` or ``1500MB``; a bare number is megabytes.

    >>> read_megabytes("1.5 GB")
    1500.0
    """
    match = _SIZE.fullmatch(text.strip())
    unit = (match[2] or "m").lower() if match else ""
    size = float(match[1]) * (_MEGABYTES.get(unit) or _MEGABYTES[unit[0]]) if match else 0.0
    if size < 1.0:
        raise typer.BadParameter(f"{text!r} is no amount of memory: write it as 2GB or 1500MB")
    return size


def count_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


OutFolder = Annotated[
    Path,
    typer.Option(
        "-o", "--out", help="Folder for everything that the batch makes and remembers.", show_default=False,
        readable=False,
    ),
]  # fmt: skip


def batch(
    clients_folder: Annotated[
        Path, typer.Argument(help="A folder per client, nested deeper too.", show_default=False, readable=False)
    ],
    out: OutFolder,
    courses: Annotated[
        Path | None,
        typer.Option(
            "--courses", help="CSV or XLSX sheet with every client's course and consent.", show_default=False,
            readable=False,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Do these clients alone: a name, or a pattern such as '2026/*'. May be repeated."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("-j", "--jobs", min=1, help="Clients worked on at the same time.", show_default="all cores"),
    ] = None,
    max_memory: Annotated[
        float | None,
        typer.Option(
            "--max-memory", parser=read_megabytes, metavar="SIZE", show_default=False,
            help="For all workers together, such as 2GB or 1500MB: fewer work at the same time.",
        ),
    ] = None,
    photo_limit: Annotated[
        float, typer.Option("--photo-limit", min=1.0, help="A photo that takes longer is rejected, seconds.")
    ] = 120.0,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first client that fails.")] = False,
    pseudonym: Annotated[
        bool,
        typer.Option("--pseudonym", help="Call clients and photos by made-up names in everything that is written."),
    ] = False,
    thumbnails: Annotated[
        bool | None,
        typer.Option(
            "--thumbnails/--no-thumbnails", help="Show faces on the index page.", show_default="but with --pseudonym"
        ),
    ] = None,
    outputs: Annotated[
        str,
        typer.Option("--outputs", help="Write only these, such as tables,report.", metavar="NAMES", show_default="all"),
    ] = "",
    date_order: DateOrder = None,
    color: Color = "auto",
    card_edition: CardEdition = "auto",
    light: Light = "compensated",
    calibration: OwnCalibration = None,
    audience: ForAudience = "clinician",
    assets: Assets = False,
    pdf: Pdf = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show errors only, for scheduled runs.")] = False,
    log: Annotated[
        Path | None,
        typer.Option(
            "--log", help="Add what happens to this file, one JSON object a line; - is standard error.",
            show_default=False, readable=False,
        ),
    ] = None,
) -> None:  # fmt: skip
    """Compare every client in a folder of clients' folders; what is done is not done again."""
    from dataclasses import replace

    from skinprogress import api
    from skinprogress.batch.records import BatchOptions
    from skinprogress.cli.batch_display import Display, Log

    console = make_console()
    options = BatchOptions(
        settings=make_settings(date_order, color, card_edition, light, calibration),
        output=replace(make_output_options(audience, assets, pdf), kinds=_read_kinds(outputs)),
        jobs=jobs or count_cores(),
        max_memory_mb=max_memory,
        photo_limit_s=photo_limit,
        fail_fast=fail_fast,
        pseudonyms=pseudonym,
        thumbnails=not pseudonym if thumbnails is None else thumbnails,
    )
    lines = Log(log)
    display = Display(console, make_console(stderr=True), quiet=quiet)

    def report(event: "BatchEvent") -> None:
        lines.hear(event)
        display.hear(event)

    with lines.whole_run(
        named=not pseudonym, clients_folder=str(clients_folder), out=str(out), jobs=options.jobs
    ) as end:
        try:
            with display.showing():
                result = api.run_batch(
                    clients_folder, out, options=options, only=only or (), sheet=courses, report=report
                )
        except KeyboardInterrupt:
            if not quiet:
                console.print("note      what is done is kept: the same command goes on from there", **_PLAIN)
            raise
        end |= {"done": result.n_done, "unchanged": result.n_unchanged, "failed": result.n_failed}
    if not quiet:
        _sum_up(result, console)
    if result.n_failed:
        raise typer.Exit(1)


def forget(
    client: Annotated[
        str, typer.Argument(help="As the index page calls the client, or the client's folder.", show_default=False)
    ],
    out: OutFolder,
) -> None:
    """Remove everything that a batch made and remembers of one client: results, tables, row of the index, store."""
    from skinprogress.batch.forgetting import forget_client

    console = make_console()
    forgotten = forget_client(out, client)
    name = shown(forgotten.client)
    console.print(f"forgot    {name}: {forgotten.n_files} files, {forgotten.n_bytes / 1e6:.1f} MB", **_PLAIN)
    for part in forgotten.removed:
        console.print(f"removed   {part.what}: {len(part.files)} files, {part.n_bytes / 1e6:.1f} MB", **_PLAIN)
    for file in forgotten.left:
        console.print(f"left      {shown(file)}, which this program did not make", **_PLAIN)
    for note in forgotten.notes:
        console.print(f"note      {shown(note)}", **_PLAIN)


def names(
    clients_folder: Annotated[
        Path, typer.Argument(help="The folder that the batch was made of.", show_default=False, readable=False)
    ],
    out: OutFolder,
) -> None:
    """Say which client stands behind each name that a batch made up (--pseudonym)."""
    from skinprogress.batch.clients import find_clients
    from skinprogress.batch.pseudonyms import label_of, salt_is_there
    from skinprogress.errors import UsageError

    if not salt_is_there(out):
        raise UsageError(f"In {out} no names were made up", "name the output folder of a batch with --pseudonym")
    console = make_console()
    for label, client in sorted(
        (label_of(out, client.id), client.id) for client in find_clients(clients_folder).clients
    ):
        console.print(f"{label}  {shown(client)}", **_PLAIN)


def _read_kinds(names: str) -> tuple[str, ...]:
    """Names of outputs, in the order of their table."""
    wanted = {name.strip().lower() for name in names.split(",")} - {""}
    if not wanted:
        return ()
    from skinprogress.outputs.table import OUTPUTS
    from skinprogress.photos.suggestions import did_you_mean

    for name in sorted(wanted - OUTPUTS.keys()):
        hint = did_you_mean(name, OUTPUTS)
        raise typer.BadParameter(f"--outputs: there is no output {name!r}: {hint}they are {', '.join(OUTPUTS)}")
    return tuple(name for name in OUTPUTS if name in wanted)


def _sum_up(result: "BatchResult", console: "Console") -> None:
    """A few lines at the end: what was done, what a person should look at, where to look."""
    from skinprogress.batch.same_pictures import find_same_pictures

    lines = [("clients", f"{result.n_done} done, {result.n_unchanged} unchanged, {result.n_failed} failed")]
    rejected = sum(len(summary.rejected) for summary in result.summaries)
    if rejected:
        lines.append(("photos", f"{rejected} rejected, with the reasons on the index page"))
    others = [f"{summary.client}/{file}" for summary in result.summaries for file in summary.other_person]
    if others:
        lines.append(("look at", f"{_count(others, 'photo')} that may show another person: {_first(others)}"))
    same = [" = ".join(map("/".join, picture.photos)) for picture in find_same_pictures(result.summaries)]
    if same:
        lines.append(("look at", f"{_count(same, 'picture')} in the folders of several clients: {_first(same)}"))
    for what, text in lines:
        console.print(f"{what:<9} {shown(text)}", **_PLAIN)
    console.print(f"index     {shown(str(result.index.resolve()))}", style="bold", **_PLAIN)


def _count(things: list[str], name: str) -> str:
    return f"1 {name}" if len(things) == 1 else f"{len(things)} {name}s"


def _first(texts: list[str]) -> str:
    more = f" and {len(texts) - _NAMED_AT_MOST} more" if len(texts) > _NAMED_AT_MOST else ""
    return ", ".join(texts[:_NAMED_AT_MOST]) + more
