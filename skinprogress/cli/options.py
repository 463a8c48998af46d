"""Options that several commands take, and what they make of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from skinprogress.settings import OutputOptions, Settings

DateOrder = Annotated[
    Literal["dmy", "mdy"] | None,
    typer.Option("--date-order", help="How to read 03.04.2026 in a name: dmy is 3 April, mdy is 4 March."),
]
Color = Annotated[
    Literal["auto", "card", "patch", "background", "none"],
    typer.Option("--color", help="The one thing to match colours on; auto takes the best that the photos offer."),
]
CardEdition = Annotated[
    Literal["auto", "2014", "classic"],
    typer.Option("--card-edition", help="24-patch colour card: made since November 2014, or before (classic)."),
]
Light = Annotated[
    Literal["compensated", "raw"],
    typer.Option("--light", help="Whether to take the difference of light between sessions out of what is compared."),
]
# readable=False: whether a file may be read is said by whoever reads it, and one locked photo must not stop the others.
Out = Annotated[
    Path | None, typer.Option("-o", "--out", help="Folder for the results.", show_default=False, readable=False)
]
OwnCalibration = Annotated[
    Path | None,
    typer.Option(
        "--calibration",
        help="Your own figures of how far photos of unchanged skin differ, made by `skinprogress calibrate`.",
        show_default=False,
        readable=False,
    ),
]
ForAudience = Annotated[
    Literal["clinician", "client"],
    typer.Option("--audience", help="Whom the report speaks to; the client's has fewer figures and plainer words."),
]
Assets = Annotated[
    bool,
    typer.Option("--assets", help="Keep the report's pictures in a folder beside it, instead of inside the one file."),
]
Pdf = Annotated[
    bool, typer.Option("--pdf", help="Print the report to report.pdf too (needs Chromium or Chrome on this computer).")
]


def make_settings(
    date_order: Literal["dmy", "mdy"] | None = None,
    color: Literal["auto", "card", "patch", "background", "none"] = "auto",
    card_edition: Literal["auto", "2014", "classic"] = "auto",
    light: Literal["compensated", "raw"] = "compensated",
    calibration: Path | None = None,
) -> "Settings":
    """Settings from the options of a command."""
    from skinprogress.settings import Settings

    own = None
    if calibration is not None:
        from skinprogress.comparison.calibration_file import read_calibration

        own = read_calibration(calibration)
    return Settings(
        date_order=date_order,
        color_reference=color,
        card_edition=card_edition,
        light=light,
        calibration=own,
    )


def make_output_options(audience: Literal["clinician", "client"], assets: bool, pdf: bool) -> "OutputOptions":
    """How the report shall look, from the options of a command."""
    from skinprogress.settings import OutputOptions

    return OutputOptions(audience=audience, assets=assets, pdf=pdf)
