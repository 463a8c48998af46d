"""Make the sample client: a simulated course of three treatments on a public-domain portrait, with exact truth.

Run as ``python -m skinprogress.synthetic.sample_client OUT``; writes ``OUT/client/`` and ``OUT/truth.csv``.
"""

import csv
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skinprogress.face.regions import REGIONS, WHOLE_FACE
from skinprogress.synthetic.healing import NOT_TREATED, SkinState, apply_state
from skinprogress.synthetic.portrait import Portrait, make_portrait
from skinprogress.synthetic.rephotograph import Rephotograph, draw_rephotograph, rephotograph

SEED = 20250113
PHOTO_HW = (1600, 1300)
JPEG_QUALITY = 92
TREATMENTS = (datetime(2025, 1, 13, 15, 10), datetime(2025, 2, 24, 15, 0), datetime(2025, 4, 7, 15, 0))
TRUTH_COLUMNS = ("file", "session", "region", "metric", "true_value", "true_change", "true_ratio", "unit")


DEMO_NOTE = (
    "Every change in this demo is simulated. The person (Eileen Collins, official NASA portrait, public domain) had no "
    "treatment and has nothing to do with this program."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One photo of the course.

    Attributes
    ----------
    file : str
        Path in the client folder.
    session : str
        Label of the visit.
    state : SkinState
        Without ``hours_after``, which follows from `taken_at`.
    camera : int
        Seed of how it is taken; see :func:`camera`.
    """

    file: str
    session: str
    taken_at: datetime
    state: SkinState
    camera: int
    stage: str = ""


def course() -> tuple[Shot, ...]:
    """The twelve photos in order of time; the first two are the baseline."""
    first, second, third = (
        SkinState(texture_gain=g, tone_gain=t, cheek_redness=r)
        for g, t, r in ((0.92, 0.93, -0.3), (0.83, 0.86, -0.55), (0.75, 0.78, -0.8))
    )
    week = SkinState(texture_gain=1.06, flaking=1.0)
    return (
        _shot(0, "2025-01-13/IMG_2041.jpg", "2025-01-13T14:02", "2025-01-13 14:02:11"),
        _shot(1, "2025-01-13/IMG_2042.jpg", "2025-01-13T14:02", "2025-01-13 14:03:05"),
        _shot(2, "2025-01-13/IMG_2043.jpg", "2025-01-13T14:48", "2025-01-13 14:48:30", SkinState(cream=1.0), "numbing"),
        _shot(3, "2025-01-13/IMG_2046.jpg", "2025-01-13T17:15", "2025-01-13 17:15:42"),
        _shot(4, "2025-01-14/IMG_2050.jpg", "2025-01-14", "2025-01-14 08:20:16"),
        _shot(10, "2025-01-15/IMG_2053.jpg", "2025-01-15", "2025-01-15 08:34:52"),
        _shot(5, "2025-01-20/IMG_2071.jpg", "2025-01-20", "2025-01-20 09:05:51", week),
        _shot(6, "2025-02-24/IMG_2168.jpg", "2025-02-24", "2025-02-24 14:21:37", first),
        _shot(11, "2025-02-25/IMG_2175.jpg", "2025-02-25", "2025-02-25 08:12:40", first),
        _shot(7, "2025-04-07/IMG_2254.jpg", "2025-04-07", "2025-04-07 14:17:20", second),
        _shot(8, "2025-05-19/IMG_2390.jpg", "2025-05-19", "2025-05-19 14:10:04", third),
        _shot(9, "2025-05-19/IMG_2391.jpg", "2025-05-19", "2025-05-19 14:10:49", third),
    )


def _shot(camera: int, file: str, session: str, at: str, state: SkinState | None = None, stage: str = "") -> Shot:
    taken = datetime.fromisoformat(at)
    before = [t for t in TREATMENTS if t <= taken]
    # To a tenth: two shots of one visit show the same skin.
    hours = round((taken - before[-1]).total_seconds() / 3600.0, 1) if before else None
    skin = replace(state or SkinState(), hours_after=hours)
    return Shot(file=file, session=session, taken_at=taken, state=skin, camera=camera, stage=stage)


def camera(index: int) -> Rephotograph:
    """How the photo of that :attr:`Shot.camera` was taken: hand-held, other light each time."""
    drawn = draw_rephotograph(np.random.default_rng([SEED, index]), tier="T0", strength=0.8)
    # The file itself is the JPEG; a phone's auto-exposure keeps the wall clear of white.
    return replace(drawn, jpeg_quality=None, exposure=0.88 * drawn.exposure)


def take_photo(portrait: Portrait, shot: Shot) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """One photo of the course.

    Returns
    -------
    rgb : (1600, 1300, 3) uint8
        sRGB, before JPEG.
    matrix : (2, 3) float64
        Carries points of the portrait to the photo.
    """
    scene = apply_state(portrait, shot.state, seed=SEED)
    rng = np.random.default_rng([SEED, shot.camera, 1])
    return rephotograph(scene, camera(shot.camera), rng=rng, out_hw=PHOTO_HW)


def encode_jpeg(rgb: npt.NDArray[np.uint8], shot: Shot) -> bytes:
    """The photo as a JPEG with its time in EXIF, sRGB declared, and "simulated" as camera."""
    from PIL import Image

    exif = Image.Exif()
    stamp = shot.taken_at.strftime("%Y:%m:%d %H:%M:%S")
    exif.update({0x010F: "simulated", 0x0110: "simulated", 0x0131: "skinprogress sample client", 0x0132: stamp})
    exif.get_ifd(0x8769).update({0x9003: stamp, 0x9004: stamp, 0xA001: 1})
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=JPEG_QUALITY, subsampling=2, optimize=True, exif=exif)
    return out.getvalue()


def true_rows(portrait: Portrait, shots: tuple[Shot, ...]) -> Iterator[dict[str, str]]:
    """Rows of ``truth.csv``: every metric of every region in every photo, and its change against the first photo."""
    from skinprogress.synthetic.truth import UNITS, Truth

    truth = Truth.of(portrait)
    known: dict[SkinState, dict[tuple[str, str], float]] = {}
    for shot in shots:
        key = shot.state
        if key not in known:
            known[key] = truth.measure(apply_state(portrait, shot.state, seed=SEED))
        baseline = known[shots[0].state]
        for (region, metric), value in known[key].items():
            start = baseline[region, metric]
            yield {
                "file": shot.file,
                "session": shot.session,
                "region": region,
                "metric": metric,
                "true_value": f"{value:.4f}",
                "true_change": f"{value - start + 0.0:.4f}",
                # A ratio says something only where zero does: for contrast.
                "true_ratio": f"{value / start:.4f}" if UNITS[metric] == "%" else "",
                "unit": UNITS[metric],
            }


def course_file(shots: tuple[Shot, ...]) -> str:
    """Text of ``course.toml``."""
    lines = [
        "# What the clinic wrote down. Everything here is made up: see ../README.md.",
        "[client]",
        'label = "Sample client (simulated)"',
        "",
        "[course]",
        "planned = 3",
        'aim = ["texture", "pores", "even tone"]',
        "",
    ]
    areas = ", ".join(f'"{name}"' for name in REGIONS if name not in (*NOT_TREATED, WHOLE_FACE))
    for number, at in enumerate(TREATMENTS, start=1):
        lines += [
            "[[treatments]]",
            f"at = {at.isoformat()}",
            'kind = "microneedling"',
            'setting = "clinic"',
            f"number = {number}",
            "depth_mm = { forehead = 1.0, cheek_left = 1.5, cheek_right = 1.5, chin = 1.0 }",
            f"areas = [{areas}]",
            "",
        ]
    lines += ["[consent]", "publish = true", 'scope = ["public domain portrait, simulated course"]', ""]
    for shot in shots:
        if shot.stage:
            lines += [f'[photos."{shot.file}"]', f'stage = "{shot.stage}"', ""]
    return "\n".join(lines)


def write_sample(out: Path) -> Path:
    """Write the sample client.

    Parameters
    ----------
    out : Path
        Folder; gets ``client/`` with photos and ``course.toml``, and ``truth.csv``. What is there is overwritten.

    Returns
    -------
    Path
        The client folder.
    """
    portrait, shots, client = make_portrait(SEED), course(), out / "client"
    for shot in shots:
        path = client / shot.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_jpeg(take_photo(portrait, shot)[0], shot))
    (client / "course.toml").write_text(course_file(shots), encoding="utf-8")
    with (out / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, TRUTH_COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(true_rows(portrait, shots))
    return client


def sample_folder() -> Path:
    """Folder of the sample data: inside the installed package, or beside it in a checkout.

    Raises
    ------
    FileNotFoundError
        Neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "sample_data", package.parent / "sample_data"):
        if (folder / "client").is_dir():
            return folder
    raise FileNotFoundError(
        f"no sample data in {package} nor beside it: install the package again, or make them with "
        "`python -m skinprogress.synthetic.sample_client FOLDER`"
    )


def main(arguments: list[str]) -> int:
    """Command line: the folder to write to."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write("usage: python -m skinprogress.synthetic.sample_client OUT\n")
        return 2
    sys.stdout.write(f"{write_sample(Path(arguments[0]))}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
