"""The table of outputs. To add one: a function that writes it and a row here."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from skinprogress.outputs.charts import write_charts
from skinprogress.outputs.color_sheet import write_color_sheets
from skinprogress.outputs.composites import write_aligned, write_composites
from skinprogress.outputs.files import FOLDERS, prepare_output
from skinprogress.outputs.heap import give_back_memory
from skinprogress.outputs.light_sheet import write_light_sheets
from skinprogress.outputs.mark_sheet import write_mark_sheets
from skinprogress.outputs.misfitmap import write_alignments
from skinprogress.outputs.once import drawing_once
from skinprogress.outputs.points_composite import write_points
from skinprogress.outputs.report import write_report
from skinprogress.outputs.skin_sheet import write_skin_sheets
from skinprogress.outputs.tables import write_run, write_tables
from skinprogress.records import ClientResult
from skinprogress.settings import OutputOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One kind of file that a run leaves.

    Attributes
    ----------
    title : str
        What it is, for the report and the progress bar.
    write : callable
        From the result and the output folder to the files written.
    takes_options : bool
        Whether it takes ``options``, an :class:`OutputOptions`, too.
    last : bool
        Written after all others, because it shows them.
    """

    name: str
    title: str
    write: Callable[..., list[Path]]
    takes_options: bool = False
    last: bool = False


_ROWS = (
    Output(name="tables", title="tables (CSV and Parquet) and the record of the run", write=write_tables),
    Output(name="charts", title="charts per measure (PNG and SVG)", write=write_charts),
    Output(name="composites", title="before and after pictures (JPEG)", write=write_composites, takes_options=True),
    Output(
        name="points",
        title="photos laid over each other by points set by hand (JPEG)",
        write=write_points,
        takes_options=True,
    ),
    Output(name="skin", title="maps of redness, pigment, texture and spots (JPEG)", write=write_skin_sheets),
    Output(name="marks", title="every mark of the course file over the sessions (JPEG)", write=write_mark_sheets),
    Output(
        name="alignment",
        title="how the photos lie over each other when they are measured, to check (JPEG)",
        write=write_alignments,
    ),
    Output(
        name="colors",
        title="what the colour of the photos was matched on, and how far it can be trusted, to check (JPEG)",
        write=write_color_sheets,
    ),
    Output(
        name="lights",
        title="how the light on the face differs, and what of the difference of redness it would have faked (JPEG)",
        write=write_light_sheets,
    ),
    Output(name="aligned", title="every photo laid over the reference (JPEG)", write=write_aligned),
    Output(name="report", title="this report", write=write_report, takes_options=True, last=True),
)

OUTPUTS: dict[str, Output] = {output.name: output for output in _ROWS}


def write_outputs(
    result: ClientResult,
    out: Path,
    *,
    options: OutputOptions | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, list[Path]]:
    """Write everything that a run leaves.

    Parameters
    ----------
    result : ClientResult
    out : Path
        Output folder; made where it is missing. Files that an earlier run made there are cleared away first, so that
        a run that stops half-way leaves no report; other files stay.
    options : OutputOptions, optional
        Its ``kinds`` are the outputs to write; the record of the run is always written.
    progress : callable or None
        Called with the title of each output before it is written.

    Returns
    -------
    dict of str to list of Path
        Name of the output to its files.

    Raises
    ------
    OutputError
        The folder or a file cannot be written.
    """
    options = options or OutputOptions()
    prepare_output(out)
    _clear_earlier(out)
    pictures_before = _pictures(out)
    written: dict[str, list[Path]] = {}
    with drawing_once():
        for output in sorted(OUTPUTS.values(), key=lambda o: o.last):
            if options.kinds and output.name not in options.kinds:
                continue
            give_back_memory()
            if progress is not None:
                progress(output.title)
            try:
                chosen = {"options": options} if output.takes_options else {}
                written[output.name] = output.write(result, out, **chosen)
            except BaseException:
                # The next run must know what this one left, and clear it away.
                _record(result, out, written, _pictures(out) - pictures_before, complete=False)
                raise
            _record(result, out, written, set(), complete=False)
    _record(result, out, written, set(), complete=True)
    return written


def _record(
    result: ClientResult, out: Path, written: dict[str, list[Path]], more: set[Path], *, complete: bool
) -> None:
    files = [path for paths in written.values() for path in paths]
    names = dict.fromkeys(p.relative_to(out).as_posix() for p in (*files, *sorted(more)) if p.is_relative_to(out))
    write_run(result, out, files=list(names), complete=complete)


def _pictures(out: Path) -> set[Path]:
    return {path for folder in FOLDERS for path in (out / folder).glob("*")}


def _clear_earlier(out: Path) -> None:
    """Remove what an earlier run lists as its own, the report first; never anything outside the output folder."""
    try:
        record = json.loads((out / "run.json").read_text("utf-8"))
        listed = record["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # no earlier run, or not a record of ours: nothing is known to be ours
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    for name in sorted(names, key=lambda n: n != "report.html"):
        path = out / name
        parts = Path(name).parts
        # Files of ours lie in the folder itself or in one of our three: a changed list removes nothing else.
        ours = len(parts) == 1 or (len(parts) == 2 and parts[0] in FOLDERS)
        if ours and ".." not in parts and not Path(name).is_absolute() and path.is_file() and name != "run.json":
            path.unlink(missing_ok=True)
