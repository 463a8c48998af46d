"""The commands that measure and write a folder of results: run, compare, demo."""

import warnings
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skinprogress.cli.console import default_out, make_console, shortened, show_progress, shown, why
from skinprogress.cli.options import (
    Assets,
    CardEdition,
    Color,
    DateOrder,
    ForAudience,
    Light,
    Out,
    OwnCalibration,
    Pdf,
    make_output_options,
    make_settings,
)

if TYPE_CHECKING:
    from rich.console import Console

    from skinprogress.records import ClientResult
    from skinprogress.settings import OutputOptions


def run(
    client_folder: Annotated[
        Path, typer.Argument(help="A folder per session, or dated photos.", show_default=False, readable=False)
    ],
    out: Out = None,
    date_order: DateOrder = None,
    color: Color = "auto",
    card_edition: CardEdition = "auto",
    light: Light = "compensated",
    calibration: OwnCalibration = None,
    audience: ForAudience = "clinician",
    assets: Assets = False,
    pdf: Pdf = False,
) -> None:
    """Compare all sessions of one client and write the report, tables, charts and composites."""
    from skinprogress import api
    from skinprogress.errors import NothingMeasuredError
    from skinprogress.outputs.composing.consent import rule_on_consent
    from skinprogress.outputs.files import reserved_output
    from skinprogress.outputs.points_composite import write_points_composites

    console = make_console()
    target = out or default_out(client_folder)
    settings = make_settings(date_order, color, card_edition, light, calibration)
    listing, _ = api.list_client(client_folder, settings=settings)  # wrong use is told before a folder is made
    with reserved_output(target, photos_folder=client_folder):
        with show_progress(console) as report:
            try:
                result = api.compare_client(client_folder, settings=settings, listing=listing, progress=report)
            except NothingMeasuredError as error:
                allowed = rule_on_consent(listing.course.consent, today=date.today()).allowed
                made = write_points_composites(listing.photos, target) if allowed else []
                if not made:
                    raise
                console.print(
                    f"{shown(str(error))}\n{shown(str(made[0]))} shows the photos laid over each other by their points",
                    markup=False,
                    soft_wrap=True,
                )
                return
        _finish(result, target, console, make_output_options(audience, assets, pdf))


def compare(
    before: Annotated[Path, typer.Argument(help="The earlier photo.", show_default=False, readable=False)],
    after: Annotated[Path, typer.Argument(help="The later photo.", show_default=False, readable=False)],
    out: Out = None,
    color: Color = "auto",
    card_edition: CardEdition = "auto",
    light: Light = "compensated",
    calibration: OwnCalibration = None,
    audience: ForAudience = "clinician",
    assets: Assets = False,
    pdf: Pdf = False,
) -> None:
    """Compare two photos."""
    from skinprogress import api
    from skinprogress.outputs.files import reserved_output

    console = make_console()
    target = out or Path(shortened(f"skinprogress-{shortened(before.stem, 100)}-{after.stem}"))
    api.loose_refs([before, after])
    settings = make_settings(None, color, card_edition, light, calibration)
    with reserved_output(target):
        with show_progress(console) as report:
            result = api.compare_photos(before, after, settings=settings, progress=report)
        _finish(result, target, console, make_output_options(audience, assets, pdf))


def demo(out: Out = None, audience: ForAudience = "clinician", assets: Assets = False, pdf: Pdf = False) -> None:
    """Run the main job on the sample client that comes with the program: every change in it is simulated."""
    from skinprogress import api
    from skinprogress.outputs.files import reserved_output
    from skinprogress.synthetic.sample_client import DEMO_NOTE, sample_folder

    console = make_console()
    target = out or Path("skinprogress-demo")
    with reserved_output(target):
        with show_progress(console) as report:
            result = api.compare_client(sample_folder() / "client", notes=[DEMO_NOTE], progress=report)
        _finish(result, target, console, make_output_options(audience, assets, pdf))


def _finish(result: "ClientResult", out: Path, console: "Console", options: "OutputOptions") -> None:
    """Write the files and print the short table."""
    from skinprogress import api
    from skinprogress.outputs.console import render_summary_table

    with console.status("writing report, charts and composites"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        report = api.save(result, out, options=options)
    console.print(render_summary_table(result))
    for rejection in result.rejected:
        console.print(f"rejected  {why(rejection)}", markup=False)
    if result.skipped:
        console.print(f"skipped   {len(result.skipped)} files that are no photos or repeat one (listed in the report)")
    for note in (*result.notes, *(str(w.message) for w in caught if w.category is UserWarning)):
        console.print(f"note      {note}", style="italic", markup=False)
    if len(result.sessions) < 2:
        console.print("One session was measured; a comparison needs two.")
    console.print(f"report    {shown(str(report.resolve()))}", style="bold", markup=False, soft_wrap=True)
