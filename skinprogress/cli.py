"""The command line: parses, calls, prints. No logic of its own, and nothing heavy imported before it is needed."""

import io
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from rich.console import Console

    from skinprogress.pipeline import Progress
    from skinprogress.records import ClientResult, Rejection
    from skinprogress.settings import Settings

app = typer.Typer(
    name="skinprogress",
    help="Compare skin-treatment photos: aligned, colour-checked, measured per facial region, each change with its "
    "uncertainty. Nothing leaves this computer. Not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

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
_STOPPED = "stopped; no file was left half-written"
_SECOND_CTRL_C_S = 2.0


def main() -> None:
    """Entry point: one clear line for every error that a person can mend, and the exit code of the contract."""
    from skinprogress.errors import SkinprogressError

    _prepare_process()
    try:
        code = app(standalone_mode=False)
    except KeyboardInterrupt:
        _fail(_STOPPED, 130)
    except SkinprogressError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        _fail(f"{_shown(str(error.filename or 'the output'))}: {error.strerror or error}", 1)
    except Exception as error:
        # click's own errors (unknown option, missing argument) know how to show themselves.
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            error.show()
            sys.exit(error.exit_code)
        if type(error).__name__ == "Abort":
            _fail(_STOPPED, 130)
        raise
    if code == 130:  # typer's word for Ctrl-C
        _fail(_STOPPED, 130)
    sys.exit(code if isinstance(code, int) else 0)


def _prepare_process() -> None:
    """Make sure that no terminal, pipe, library or impatient finger can spoil what a run says and leaves."""
    import logging

    # Of matrices as small as ours, threads make more work than they save, and on a busy machine much more. Read by
    # numpy when it is first imported, which no line has done yet.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        # A name or a sign that the terminal's encoding does not have must not end the run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Where the home folder cannot be written it tells at length what it did about its font cache.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt_once())


def _interrupt_once() -> "Callable[[int, FrameType | None], None]":
    """Ctrl-C as always, but a second one does not cut into the clearing up after the first."""
    last = -_SECOND_CTRL_C_S

    def handle(_number: int, _frame: "FrameType | None") -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECOND_CTRL_C_S:
            last = now
            raise KeyboardInterrupt

    return handle


def _fail(message: str, code: int) -> NoReturn:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True).print(Text.assemble(("error: ", "bold"), message), soft_wrap=True)
    sys.exit(code)


def _console() -> "Console":
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            # The reader (`| head -1`) has enough: the run goes on silently, and its exit code says how it went.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return Terminal(emoji=False)


def _shown(text: str) -> str:
    """A name as a line of its own may show it: no line breaks, no control sequences for the terminal."""
    from skinprogress.photos.scan import one_line

    return one_line(text)


def _why(rejection: "Rejection") -> str:
    """File, reason and remedy; most reasons name the file already."""
    name = _shown(rejection.file)
    reason = _shown(rejection.reason)
    return f"{reason if name in reason else f'{name}: {reason}'}; {rejection.remedy}"


def _settings(
    date_order: Literal["dmy", "mdy"] | None = None,
    color: Literal["auto", "card", "patch", "background", "none"] = "auto",
    card_edition: Literal["auto", "2014", "classic"] = "auto",
    light: Literal["compensated", "raw"] = "compensated",
    calibration: Path | None = None,
) -> "Settings":
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


@contextmanager
def _progress(console: "Console") -> "Iterator[Progress]":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=None)

        def report(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        yield report


def _default_out(client_folder: Path, *, prefix: str = "skinprogress") -> Path:
    """``PREFIX-NAME`` in the current folder; beside the photos where the current folder is among them."""
    folder = client_folder.resolve()
    name = _short(f"{prefix}-{folder.name}")
    return folder.parent / name if Path.cwd().resolve().is_relative_to(folder) else Path(name)


def _short(name: str, most: int = 200) -> str:
    """A name that every file system takes: at most so many bytes of it."""
    encoded = os.fsencode(name)
    return name if len(encoded) <= most else encoded[:most].decode("utf-8", "ignore")


@app.command()
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
) -> None:
    """Compare all sessions of one client and write the report, tables, charts and composites."""
    from skinprogress import api
    from skinprogress.errors import NothingMeasuredError
    from skinprogress.outputs.files import reserved_output
    from skinprogress.outputs.points_composite import write_points_composites

    console = _console()
    target = out or _default_out(client_folder)
    settings = _settings(date_order, color, card_edition, light, calibration)
    listing, _ = api.list_client(client_folder, settings=settings)  # wrong use is told before a folder is made
    with reserved_output(target, photos_folder=client_folder):
        with _progress(console) as report:
            try:
                result = api.compare_client(client_folder, settings=settings, listing=listing, progress=report)
            except NothingMeasuredError as error:
                made = write_points_composites(listing.photos, target)
                if not made:
                    raise
                console.print(
                    f"{_shown(str(error))}\n{_shown(str(made[0]))} shows the photos laid over each other by "
                    "their points",
                    markup=False,
                    soft_wrap=True,
                )
                return
        _finish(result, target, console)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="The earlier photo.", show_default=False, readable=False)],
    after: Annotated[Path, typer.Argument(help="The later photo.", show_default=False, readable=False)],
    out: Out = None,
    color: Color = "auto",
    card_edition: CardEdition = "auto",
    light: Light = "compensated",
    calibration: OwnCalibration = None,
) -> None:
    """Compare two photos."""
    from skinprogress import api
    from skinprogress.outputs.files import reserved_output

    console = _console()
    target = out or Path(_short(f"skinprogress-{_short(before.stem, 100)}-{after.stem}"))
    api.loose_refs([before, after])
    settings = _settings(None, color, card_edition, light, calibration)
    with reserved_output(target):
        with _progress(console) as report:
            result = api.compare_photos(before, after, settings=settings, progress=report)
        _finish(result, target, console)


@app.command()
def demo(out: Out = None) -> None:
    """Run the main job on the sample client that comes with the program: every change in it is simulated."""
    from skinprogress import api
    from skinprogress.outputs.files import reserved_output
    from skinprogress.synthetic.sample_client import DEMO_NOTE, sample_folder

    console = _console()
    target = out or Path("skinprogress-demo")
    with reserved_output(target):
        with _progress(console) as report:
            result = api.compare_client(sample_folder() / "client", notes=[DEMO_NOTE], progress=report)
        _finish(result, target, console)


@app.command()
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

    console = _console()
    if against is not None:
        from skinprogress.outputs.console_grade import render_comparability

        graded = api.check_against(photos, against, settings=_settings(date_order, light=light))
        for check in graded:
            for text in render_comparability(check, width=console.width):
                console.print(text, soft_wrap=True)
        if not all(check.passes for check in graded):
            raise typer.Exit(1)
        return
    from skinprogress.outputs.console import check_remarks, render_check_table

    if len(photos) == 1 and os.path.isdir(photos[0]):  # noqa: PTH112 - no exception for a path that is too long
        listing, _ = api.list_client(photos[0], settings=_settings(date_order))
        refs = list(listing.photos)
        rejected = listing.rejected
        for note in listing.notes:
            console.print(note, style="italic", markup=False)
    else:
        refs, rejected = api.loose_refs(photos), ()
    checks = api.check_photos(refs)
    console.print(render_check_table(checks, width=console.width))
    for line in check_remarks(checks):
        console.print(_shown(line), markup=False)
    for rejection in rejected:
        console.print(f"refused  {_why(rejection)}", markup=False)
    if not any(c.inspection for c in checks):
        raise typer.Exit(1)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A client folder.", show_default=False, readable=False)],
    date_order: DateOrder = None,
) -> None:
    """Draft course.toml from what is in the folder; a course.toml that is there is never touched."""
    from skinprogress import api
    from skinprogress.photos.course import draft_course, write_draft

    console = _console()
    listing, _ = api.list_client(folder, settings=_settings(date_order))
    path, written = write_draft(folder, draft_course(listing))
    if written:
        console.print(f"wrote {_shown(str(path))}: open it, fill in the treatments, run again", markup=False)
    else:
        console.print(f"{_shown(str(path))} is there already and was left as it is", markup=False)


@app.command()
def metrics() -> None:
    """Print the catalogue of metrics: what each means, and when not to trust it."""
    from skinprogress.outputs.console import render_catalogue

    console = _console()
    for block in render_catalogue(width=console.width):
        console.print(block)


@app.command()
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

    console = _console()
    target = out or _default_out(photo_folder, prefix="skinprogress-validate")
    settings = _settings(date_order)
    with reserved_output(target, photos_folder=photo_folder):
        with _progress(console) as report:
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
        console.print(f"left out  {_why(rejection)}", markup=False)
    for line in remarks:
        console.print(line, markup=False)
    console.print(f"figures   {_shown(str(path.resolve()))}", style="bold", markup=False, soft_wrap=True)


@app.command()
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

    console = _console()
    check_target(out)
    with _progress(console) as report:
        found = measure(retake_folder, progress=report)
    path = write_calibration(found.calibration, out)
    console.print(render_calibration_table(found))
    for rejection in found.rejected:
        console.print(f"left out  {_why(rejection)}", markup=False)
    for line in calibration_remarks(found):
        console.print(_shown(line), markup=False)
    console.print(f"made from {_shown(found.calibration.made_from)}", markup=False)
    console.print(f"file      {_shown(str(path.resolve()))}", style="bold", markup=False, soft_wrap=True)


def _finish(result: "ClientResult", out: Path, console: "Console") -> None:
    """Write the files and print the short table."""
    from skinprogress import api
    from skinprogress.outputs.console import render_summary_table

    with console.status("writing report, charts and composites"):
        report = api.save(result, out)
    console.print(render_summary_table(result))
    for rejection in result.rejected:
        console.print(f"rejected  {_why(rejection)}", markup=False)
    if result.skipped:
        console.print(f"skipped   {len(result.skipped)} files that are no photos or repeat one (listed in the report)")
    for note in result.notes:
        console.print(f"note      {note}", style="italic", markup=False)
    if len(result.sessions) < 2:
        console.print("One session was measured; a comparison needs two.")
    console.print(f"report    {_shown(str(report.resolve()))}", style="bold", markup=False, soft_wrap=True)


if __name__ == "__main__":
    main()
