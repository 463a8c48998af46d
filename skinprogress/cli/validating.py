"""The commands that test the program on photos of one's own: validate, calibrate."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from skinprogress.cli.console import default_out, make_console, show_progress, shown, why
from skinprogress.cli.options import DateOrder, Out, make_settings


def validate(
    kind: Annotated[
        Literal["alignment", "color", "light", "metrics", "verdicts"],
        typer.Argument(
            help="alignment: does the same skin come to lie on the same skin? color: how far are redness figures off? "
            "light: and where the light differs? metrics: does each move with the skin and with nothing else? "
            "verdicts: how often are they wrong, and how small a change do they find (takes an hour)?",
            show_default=False,
        ),
    ],
    photo_folder: Annotated[
        Path,
        typer.Argument(
            help="A client folder, or photos named PERSON_anything.jpg.", show_default=False, readable=False
        ),
    ],
    out: Out = None,
    date_order: DateOrder = None,
    pairs: Annotated[
        int | None,
        typer.Option(
            "--pairs",
            min=1,
            help="color, light, metrics, verdicts: how often each photo is photographed again; by default about 280, "
            "56, 280 and 4000 times in all.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Test the program on your own photos: can its alignment, colour, light, metrics, verdicts be trusted on them?"""
    from skinprogress.outputs.files import reserved_output
    from skinprogress.validation.table import write_figures

    console = make_console()
    target = out or default_out(photo_folder, prefix="skinprogress-validate")
    settings = make_settings(date_order)
    with reserved_output(target, photos_folder=photo_folder):
        with show_progress(console) as report:
            if kind == "alignment":
                from skinprogress.validation.alignment import validate_alignment
                from skinprogress.validation.summary import alignment_remarks, render_alignment_table

                alignment = validate_alignment(photo_folder, settings=settings, progress=report)
                figures, rejected = alignment.figures, alignment.rejected
                tables, remarks = [render_alignment_table(alignment)], alignment_remarks(alignment)
            elif kind == "color":
                from skinprogress.validation.color import validate_color
                from skinprogress.validation.color_summary import color_remarks
                from skinprogress.validation.color_tables import render_color_tables

                color = validate_color(photo_folder, pairs_per_photo=pairs, settings=settings, progress=report)
                figures, rejected = color.figures, color.rejected
                tables, remarks = render_color_tables(color.figures), color_remarks(color)
            elif kind == "metrics":
                from skinprogress.validation.metrics import validate_metrics
                from skinprogress.validation.metrics_summary import metrics_remarks
                from skinprogress.validation.metrics_tables import render_metrics_tables

                tried = validate_metrics(photo_folder, pairs_per_photo=pairs, settings=settings, progress=report)
                figures, rejected = tried.figures, tried.rejected
                tables, remarks = render_metrics_tables(tried.figures), metrics_remarks(tried)
            elif kind == "verdicts":
                from skinprogress.validation.verdicts import validate_verdicts
                from skinprogress.validation.verdicts_summary import verdicts_remarks
                from skinprogress.validation.verdicts_tables import render_verdicts_tables

                verdicts = validate_verdicts(photo_folder, pairs_per_photo=pairs, settings=settings, progress=report)
                figures, rejected = verdicts.figures, verdicts.rejected
                tables, remarks = render_verdicts_tables(verdicts.figures), verdicts_remarks(verdicts)
            else:
                from skinprogress.validation.light import validate_light
                from skinprogress.validation.light_tables import light_remarks, render_light_tables

                light = validate_light(photo_folder, pairs_per_photo=pairs, settings=settings, progress=report)
                figures, rejected = light.figures, light.rejected
                tables, remarks = render_light_tables(light.figures), light_remarks(light)
        path = write_figures(figures, target)
    for table in tables:
        console.print(table)
    for rejection in rejected:
        console.print(f"left out  {why(rejection)}", markup=False)
    for line in remarks:
        console.print(line, markup=False)
    console.print(f"figures   {shown(str(path.resolve()))}", style="bold", markup=False, soft_wrap=True)


def calibrate(
    retake_folder: Annotated[
        Path,
        typer.Argument(
            help="Photos in which nothing changed: a subfolder per person and visit, or PERSON_anything.jpg.",
            show_default=False,
            readable=False,
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The calibration file.", readable=False)] = Path(
        "calibration.toml"
    ),
) -> None:
    """Measure how far your own photos of unchanged skin differ, for the intervals of `run --calibration`."""
    from skinprogress.validation.calibrate import calibrate as measure
    from skinprogress.validation.calibrate import check_target, write_calibration
    from skinprogress.validation.calibrate_table import calibration_remarks, render_calibration_table

    console = make_console()
    check_target(out)
    with show_progress(console) as report:
        found = measure(retake_folder, progress=report)
    path = write_calibration(found.calibration, out)
    console.print(render_calibration_table(found))
    for rejection in found.rejected:
        console.print(f"left out  {why(rejection)}", markup=False)
    for line in calibration_remarks(found):
        console.print(shown(line), markup=False)
    console.print(f"made from {shown(found.calibration.made_from)}", markup=False)
    console.print(f"file      {shown(str(path.resolve()))}", style="bold", markup=False, soft_wrap=True)
