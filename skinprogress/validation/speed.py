"""Time and memory of one photo, as multiples of merely decoding it.

    python -m skinprogress.validation.speed PHOTO

Inspects and measures the photo as a run does, on one core, and prints each stage as a multiple of ``cv2.imread`` of the
same file in the same process (so that a busy machine slows both), the conversion to CIELAB as a multiple of OpenCV's,
and the peak memory of the process.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from skinprogress.color.spaces import linear_rgb_to_lab
from skinprogress.comparison.measuring import measure_face
from skinprogress.face.refinement import register_face
from skinprogress.photos.reading import read_photo
from skinprogress.pipeline.inspecting import inspect_photo
from skinprogress.pipeline.measuring import measure_photo
from skinprogress.pipeline.planning import plan_client, reference_scale
from skinprogress.records import Course, PhotoRef
from skinprogress.settings import Settings
from skinprogress.validation.faces import look

REPEATS = 7


def _median_s(call: Callable[[], object]) -> float:
    call()  # warm caches and the landmark model
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, MB; NaN where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def lab_ratio() -> float:
    """Time of linear sRGB to CIELAB over that of ``cv2.cvtColor`` (``COLOR_RGB2Lab``, float32), for 3 megapixels."""
    pixels = np.random.default_rng(0).uniform(0, 1, (1500, 2000, 3)).astype(np.float32)
    by_opencv = _median_s(lambda: cv2.cvtColor(pixels, cv2.COLOR_RGB2Lab))
    return _median_s(lambda: linear_rgb_to_lab(pixels)) / by_opencv


def main(path: Path) -> None:
    """Print the table for one photo."""
    cv2.setNumThreads(1)
    settings = Settings()
    ref = PhotoRef(path=path, file=path.name, client="speed", session="0")
    decode = _median_s(lambda: cv2.imread(str(path)))
    inspect = _median_s(lambda: inspect_photo(ref, settings=settings))
    inspection = inspect_photo(ref, settings=settings)
    plan, _ = plan_client([inspection], client="speed", sessions=["0"], course=Course(), settings=settings)
    (view,) = plan.reference_of
    mm_per_px = reference_scale(plan, view, {ref.file: inspection})
    # Registered on itself: as much work as on another photo.
    _, place = measure_photo(inspection, plan, mm_per_px=mm_per_px, reference=None, settings=settings)
    measure = _median_s(
        lambda: measure_face(
            measure_photo(inspection, plan, mm_per_px=mm_per_px, reference=place, settings=settings)[0],
            plan=plan,
            settings=settings,
        )
    )
    photo = read_photo(ref)
    side_px = plan.canonical_px[view]
    align = _median_s(lambda: register_face(look(photo, settings=settings, side_px=side_px)[1].detail, place.detail))
    rows = [
        ("cv2.imread", decode),
        ("inspect", inspect),
        ("measure", measure),
        ("both", inspect + measure),
        ("of it aligning", align),
    ]
    sys.stdout.write(f"{inspection.width_px} x {inspection.height_px} px, frame {plan.canonical_px[view]} px\n")
    for name, seconds in rows:
        sys.stdout.write(f"{name:<14} {1000 * seconds:7.0f} ms   {seconds / decode:5.1f} x\n")
    sys.stdout.write(f"to CIELAB                     {lab_ratio():5.1f} x cv2.cvtColor\n")
    sys.stdout.write(f"peak memory    {peak_memory_mb():7.0f} MB\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
