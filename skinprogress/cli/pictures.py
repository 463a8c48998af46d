"""The commands that make pictures to show, and check them: composite, verify."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from skinprogress.cli.console import make_console, shown, why
from skinprogress.cli.options import Color, DateOrder, make_settings

if TYPE_CHECKING:
    from rich.console import Console

    from skinprogress.checking.showing import Composition


def composite(
    photos: Annotated[
        list[Path],
        typer.Argument(
            metavar="BEFORE AFTER... | CLIENT_FOLDER",
            help="The earlier photo and the later ones, or the client's folder. Photos that lie in a client's folder "
            "keep what its course.toml says of dates, treatments and consent.",
            show_default=False,
            readable=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="File or folder for the picture; by default a file here. Its recipe is written beside it.",
            show_default=False,
            readable=False,
        ),
    ] = None,
    layout: Annotated[
        Literal["side-by-side", "split", "strip", "regions", "flicker", "timelapse"] | None,
        typer.Option(
            "--layout",
            help="flicker is a WebP or GIF that switches between the photos, timelapse an MP4 that fades. By default "
            "side-by-side, and strip for more than two photos.",
            show_default=False,
        ),
    ] = None,
    shape: Annotated[
        Literal["original", "1:1", "4:5", "9:16", "16:9"], typer.Option("--shape", help="Width to height.")
    ] = "original",
    crop: Annotated[
        Literal["tight", "balanced", "full"],
        typer.Option("--crop", help="The face; the whole head with a little air; all that every photo shows."),
    ] = "balanced",
    file_format: Annotated[
        Literal["jpg", "png", "webp", "gif", "mp4"] | None,
        typer.Option("--format", help="By default what the name of --out ends in, or what suits.", show_default=False),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            "--size",
            min=200,
            max=12000,
            help="Longer side at most, in pixels; never more than the photos have. By default 1080 pixels wide for a "
            "shape (1920 for 16:9), else what the photos have.",
            show_default=False,
        ),
    ] = None,
    slant: Annotated[
        float, typer.Option("--slant", min=-40, max=40, help="Of the line of --layout split, degrees from upright.")
    ] = 0.0,
    labels: Annotated[
        Literal["date", "before-after", "course", "none"],
        typer.Option("--labels", help="Dates; before and after so many treatments and weeks; or both (course)."),
    ] = "course",
    label_place: Annotated[
        Literal["top", "bottom"], typer.Option("--label-place", help="Above or below the photos.")
    ] = "top",
    label_scale: Annotated[
        float, typer.Option("--label-scale", min=0.6, max=2.0, help="Size of the letters against the usual.")
    ] = 1.0,
    font: Annotated[
        Path | None,
        typer.Option("--font", help="A TrueType or OpenType file, for the labels.", show_default=False, readable=False),
    ] = None,
    footer_place: Annotated[
        Literal["top", "bottom"],
        typer.Option("--footer-place", help="Of the small line that says how the picture was made."),
    ] = "bottom",
    hide: Annotated[
        Literal["nothing", "eyes", "upper-face", "all-but-regions"],
        typer.Option("--hide", help="What to cover in every photo. A bar over the eyes is not anonymity."),
    ] = "nothing",
    hide_with: Annotated[
        Literal["bar", "blur", "crop"],
        typer.Option("--hide-with", help="A plain bar, a blur that cannot be undone, or leave it out of the picture."),
    ] = "bar",
    region: Annotated[
        list[str] | None,
        typer.Option(
            "--region",
            help="For --layout regions and --hide all-but-regions, such as cheek_left (the client's own left); "
            "give it several times for several.",
            show_default=False,
        ),
    ] = None,
    session: Annotated[
        list[str] | None,
        typer.Option(
            "--session",
            help="A session to show, such as 2026-03-14; give it several times. By default those that show the "
            "course best.",
            show_default=False,
        ),
    ] = None,
    view: Annotated[
        Literal["front", "left_oblique", "right_oblique", "left_profile", "right_profile"] | None,
        typer.Option("--view", help="Side of the face; by default the front.", show_default=False),
    ] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.2, max=10.0, help="How long each photo stands in a moving picture.")
    ] = 1.0,
    purpose: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="PURPOSE",
            help="What the picture is for, such as web: held against the scope of the consent in course.toml.",
            show_default=False,
        ),
    ] = "",
    date_order: DateOrder = None,
    color: Color = "auto",
) -> None:
    """Make a before-and-after picture to show: aligned, colours matched, never retouched, consent checked."""
    from skinprogress.checking.showing import compose
    from skinprogress.outputs.composing.choosing import usual_layout
    from skinprogress.outputs.composing.recipe import CompositeOptions
    from skinprogress.outputs.composing.target import find_format
    from skinprogress.photos.files import keep_photos

    console = make_console()
    options = CompositeOptions(
        layout=layout or usual_layout(len(session or photos)),
        shape=shape,
        crop=crop,
        format=find_format(out, file_format) if out else file_format,
        size_px=size,
        slant_deg=slant,
        labels=labels,
        label_place=label_place,
        footer_place=footer_place,
        label_scale=label_scale,
        font=font,
        hide=hide,
        hide_with=hide_with,
        regions=tuple(region or ()),
        seconds=seconds,
    )
    with keep_photos(), console.status("looking at the photos"):
        made = compose(
            photos,
            options=options,
            view=view,
            sessions=session or (),
            purpose=purpose,
            settings=make_settings(date_order, color),
            out=out if out and _names_file(out) else None,
        )
        path = made.write(_target(out, made))
    _tell(made, path, console)


def verify(
    composites: Annotated[
        list[Path],
        typer.Argument(
            help="Pictures made by `skinprogress composite` or a run, with their recipes beside them.",
            show_default=False,
            readable=False,
        ),
    ],
    photos: Annotated[
        Path | None,
        typer.Option(
            "--photos",
            help="Folder of the photos that they were made from; by default where they were.",
            show_default=False,
            readable=False,
        ),
    ] = None,
    client: Annotated[
        Path | None,
        typer.Option(
            "--client",
            help="The client's folder, as you have it: plan the pictures anew from it, and compare labels, warnings, "
            "places, colours and what is covered. Without it, a recipe that somebody made up may pass.",
            show_default=False,
            readable=False,
        ),
    ] = None,
) -> None:
    """Make composites again from recipe and photos: are they what they claim to be? Exit code 0 only if they are."""
    from skinprogress import api
    from skinprogress.errors import SkinprogressError

    console = make_console()
    code = 0
    for path in composites:
        try:
            found = api.verify(path, photos=photos, client=client)
        except SkinprogressError as error:
            console.print(f"{shown(str(path))} cannot be checked", style="bold", markup=False, soft_wrap=True)
            console.print(f"  error   {shown(str(error))}", markup=False, soft_wrap=True)
            code = max(code, error.exit_code)
            continue
        verdict = "is what its recipe says" if found.ok else "could not be confirmed"
        console.print(f"{shown(str(path))} {verdict}", style="bold", markup=False, soft_wrap=True)
        for each in found.checks:
            console.print(f"  {'ok    ' if each.ok else 'failed'}  {shown(each.text)}", markup=False, soft_wrap=True)
        code = max(code, 0 if found.ok else 1)
    if code:
        raise typer.Exit(code)


def _target(out: Path | None, made: "Composition") -> Path:
    """The file that was named, or a telling name in the folder that was, or here."""
    if out is not None and _names_file(out):
        return out
    from skinprogress.outputs.wording import safe_name

    recipe, folder = made.recipe, made.client_folder
    whose = folder.resolve().name if folder else made.result.client
    view = "" if recipe.view == "front" else f"-{recipe.view}"
    name = f"{safe_name(whose)}-{recipe.options.layout}{view}.{recipe.options.format}"
    here = out or Path()
    if out is None and folder is not None and Path.cwd().resolve().is_relative_to(folder.resolve()):
        here = folder.resolve().parent  # not among the client's photos
    return here / name


def _names_file(out: Path) -> bool:
    return bool(out.suffix) and not os.path.isdir(out)  # noqa: PTH112 - no exception for a path that is too long


def _tell(made: "Composition", path: Path, console: "Console") -> None:
    """What the one who shows the picture must know."""
    from skinprogress.comparison.sentences import session_text
    from skinprogress.outputs.composing.hiding import hiding_note
    from skinprogress.outputs.composing.target import recipe_path

    def say(title: str, text: str) -> None:
        console.print(f"{title:<9} {shown(text)}", markup=False, soft_wrap=True)

    for rejection in made.result.rejected:
        console.print(f"left out  {why(rejection)}", markup=False, soft_wrap=True)
    for note in made.result.notes:
        console.print(f"note      {note}", style="italic", markup=False, soft_wrap=True)
    for frame in {f.session: f for f in made.recipe.frames}.values():
        if frame.warnings:
            say("warning", f"in the picture, {session_text(frame.session)}: {'; '.join(frame.warnings)}")
    if note := hiding_note(made.recipe.options.hide):
        say("hidden", note)
    say("consent", made.consent.text.removeprefix("consent "))
    say("recipe", str(recipe_path(path).resolve()))
    console.print(f"picture   {shown(str(path.resolve()))}", style="bold", markup=False, soft_wrap=True)
