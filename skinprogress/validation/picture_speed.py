"""How long it takes to make what people see, and how large it gets.

    python -m skinprogress.validation.picture_speed [CLIENT_FOLDER] [BEFORE AFTER]

Measures the client (by default the sample client), then writes every kind of output, and all
charts of one measure as if the client had 20 sessions; and makes composites of two photos (by default two of the
client's, enlarged to 12 megapixels). Prints the time of each beside that of decoding one 12-megapixel JPEG in the same
process, which slows with the machine, and the size of what was written. Each is the least of a few.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import get_args

import cv2
import numpy as np

from skinprogress.checking.showing import compose
from skinprogress.metrics.table import METRICS
from skinprogress.outputs.chart_files import save_chart
from skinprogress.outputs.charts import list_charts
from skinprogress.outputs.composing.planning import plan_composite
from skinprogress.outputs.composing.recipe import CompositeOptions, Layout
from skinprogress.outputs.composing.writing import make_composite
from skinprogress.outputs.once import drawing_once
from skinprogress.outputs.table import OUTPUTS
from skinprogress.photos.folder import list_folder
from skinprogress.pipeline.comparing import compare_client
from skinprogress.records import ClientResult
from skinprogress.settings import OutputOptions, Settings
from skinprogress.synthetic.sample_client import sample_folder

LAYOUTS: tuple[Layout, ...] = get_args(Layout)
REPEATS = 3
_SESSIONS = 20
_METRIC = "redness_index"


def _least_s(call: Callable[[], object], repeats: int = REPEATS) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def lengthen(result: ClientResult, n_sessions: int) -> ClientResult:
    """A result as if the client had come more often: the sessions of the real one over and over, four weeks apart.

    Parameters
    ----------
    result : ClientResult
    n_sessions : int

    Returns
    -------
    ClientResult
        For measuring time only: its figures mean nothing.
    """
    first = date(2025, 1, 13)
    of = {
        (first + timedelta(weeks=4 * k)).isoformat(): result.sessions[k % len(result.sessions)]
        for k in range(n_sessions)
    }
    labels = list(of)
    inspections, views, corrections, mm = {}, {}, {}, {}
    plan = result.plan
    for label, session in of.items():
        for file, inspection in result.inspections.items():
            if inspection.ref.session == session:
                name = f"{label}/{file}"
                inspections[name] = replace(inspection, ref=replace(inspection.ref, file=name, session=label))
                views[name] = plan.view_of[file]
                mm[name] = plan.mm_per_px[file]
                if file in plan.corrections:
                    corrections[name] = plan.corrections[file]
    own = replace(
        plan,
        sessions=tuple(labels),
        baseline=labels[0],
        covered_sessions=(),
        phases={label: plan.phases[session] for label, session in of.items() if session in plan.phases},
        view_of=views,
        corrections=corrections,
        mm_per_px=mm,
        reference_of={v: next(f for f, view in views.items() if view == v) for v in plan.reference_of},
    )
    return replace(
        result,
        sessions=tuple(labels),
        plan=own,
        inspections=inspections,
        measurements=tuple(
            replace(m, session=label, photo=f"{label}/{m.photo}")
            for label, session in of.items()
            for m in result.measurements
            if m.session == session
        ),
        changes=tuple(
            replace(c, from_session=labels[0], to_session=label)
            for label, session in of.items()
            for c in result.changes
            if c.to_session == session and c.against == "baseline"
        ),
        trends=(),
        recoveries=(),
    )


def measure(folder: Path) -> ClientResult:
    """Everything about the client in a folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    ClientResult
    """
    settings = Settings()
    listing = list_folder(folder, settings=settings)
    return compare_client(
        listing.photos, client=listing.client, folder=folder, course=listing.course, settings=settings
    )


def _enlarged(result: ClientResult, folder: Path) -> list[Path]:
    """The first and the last photo of the baseline's view, enlarged to 12 megapixels."""
    files = list(result.inspections)
    paths = []
    for name, file in (("before", files[0]), ("after", files[-1])):
        photo = cv2.imread(str(result.inspections[file].ref.path))
        assert photo is not None
        scale = float(np.sqrt(12e6 / (photo.shape[0] * photo.shape[1])))
        path = folder / f"{name}.jpg"
        cv2.imwrite(str(path), cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC))
        paths.append(path)
    return paths


def main(folder: Path, photos: list[Path]) -> None:
    """Print the tables."""
    result = measure(folder)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        photos = photos or _enlarged(result, work)
        unit_s = _least_s(partial(cv2.imread, str(photos[0])), 7)
        _say(f"decoding {photos[0].name}: {1e3 * unit_s:.0f} ms")
        _time_outputs(result, work / "out", unit_s)
        _time_charts(result, work / "charts", unit_s)
        _time_composites(photos, unit_s)


def _time_outputs(result: ClientResult, out: Path, unit_s: float) -> None:
    _say(f"outputs of a client with {len(result.sessions)} sessions, one after the other as in a run")
    outputs = sorted(OUTPUTS.values(), key=lambda o: o.last)
    least = {output.name: float("inf") for output in outputs}
    for _ in range(2):
        with drawing_once():
            for output in outputs:
                chosen = {"options": OutputOptions()} if output.takes_options else {}
                seconds = _least_s(partial(output.write, result, out, **chosen), 1)
                least[output.name] = min(least[output.name], seconds)
    size = (out / "report.html").stat().st_size
    for name, seconds in least.items():
        _tell(name, seconds, unit_s, f"{size / 1e6:.2f} MB" if name == "report" else "")


def _time_charts(result: ClientResult, out: Path, unit_s: float) -> None:
    long = lengthen(result, _SESSIONS)
    n_regions = len({m.region for m in result.measurements if m.metric == _METRIC})
    _say(f"charts of one measure, {_SESSIONS} sessions x {n_regions} regions, PNG at 300 dpi and SVG")
    whole = 0.0
    for stem, plot in list_charts(long):
        # Those of all measures together count once too.
        if _METRIC in stem or not any(metric in stem for metric in METRICS):
            seconds = _least_s(lambda stem=stem, plot=plot: save_chart(plot(), out / stem))  # type: ignore[misc]
            whole += seconds
            _tell(stem, seconds, unit_s)
    _tell("together", whole, unit_s)


def _time_composites(photos: list[Path], unit_s: float) -> None:
    composition = compose(photos)
    _say(f"composites of {photos[0].name} and {photos[1].name} in their own resolution: drawn and encoded")
    for layout in LAYOUTS:
        recipe = plan_composite(composition.result, view="front", options=CompositeOptions(layout=layout))
        _tell(layout, _least_s(partial(make_composite, recipe, composition.find_photo)), unit_s)
    _tell("finding, planning and grading before that", _least_s(partial(compose, photos)), unit_s)


def _tell(what: str, seconds: float, unit_s: float, remark: str = "") -> None:
    _say(f"  {what:44s} {seconds:7.2f} s {seconds / unit_s:8.1f} x decoding  {remark}".rstrip())


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    main(given[0] if len(given) % 2 else sample_folder() / "client", given[-2:] if len(given) > 1 else [])
