"""The command line as people meet it: exit codes, one clear line for every mistake, nothing half-written."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

PROGRAM = [sys.executable, "-m", "skinprogress.cli"]


def skinprogress(
    *arguments: str | Path, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "400", "NO_COLOR": "1", "TERM": "dumb", **environment}
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        capture_output=True, text=True, cwd=cwd, env=environment, check=False, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def in_this_process(monkeypatch, capsys):
    """As ``skinprogress()`` does it, without a process of its own, which takes a second to start."""
    from skinprogress.cli import main

    monkeypatch.setattr(main, "prepare_process", lambda: None)
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)

    def run(*arguments: str | Path, cwd: Path | None = None, columns: int = 400) -> subprocess.CompletedProcess[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.chdir(cwd or Path.cwd())
        monkeypatch.setattr(sys, "argv", ["skinprogress", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main.main()
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, ended.value.code, said.out, said.err)

    return run


@pytest.fixture
def client(tmp_path, small_portrait, write_photo) -> Path:
    folder = tmp_path / "client"
    for k in range(2):
        taken = datetime(2026, 3, 14, 9) + timedelta(days=42 * k)
        write_photo(folder / f"{taken:%Y-%m-%d}" / "IMG_1.jpg", small_portrait, taken_at=taken)
    return folder


def test_run_writes_the_contract(client, tmp_path):
    out = tmp_path / "out"
    done = skinprogress("run", client, "-o", out)
    assert done.returncode == 0, done.stderr
    assert str(out / "report.html") in done.stdout
    assert "2026-03-14" in done.stdout and "baseline" in done.stdout
    for name in (
        "report.html", "photos.csv", "measurements.csv", "measurements.parquet", "changes.csv", "changes.parquet",
        "comparisons.csv", "findings.csv", "run.json",
    ):  # fmt: skip
        assert (out / name).is_file(), name
    for pattern in ("charts/*.png", "charts/*.svg", "composites/*.jpg", "aligned/*.jpg"):
        assert list(out.glob(pattern)), pattern
    assert not list(out.rglob("*.tmp"))
    with (out / "photos.csv").open(newline="", encoding="utf-8") as handle:
        assert [row["status"] for row in csv.DictReader(handle)] == ["used", "used"]


def test_compare_two_photos_beside_each_other(small_portrait, tmp_path, write_photo, only_metrics, monkeypatch):
    from skinprogress.cli.main import app

    before = write_photo(tmp_path / "a.jpg", small_portrait)
    after = write_photo(tmp_path / "-b 'ü' <script>.jpg", small_portrait)
    # In this process: with some of the metrics it takes half as long.
    only_metrics("redness_index", "relative_redness", "lightness", "texture_uniformity")
    monkeypatch.chdir(tmp_path)
    assert not app(["compare", str(before), str(after)], standalone_mode=False)
    (report,) = tmp_path.glob("skinprogress-*/report.html")
    assert "<script>.jpg" not in report.read_text(encoding="utf-8")


def test_how_the_report_shall_look_reaches_whoever_writes_it(client, tmp_path, monkeypatch):
    from skinprogress import api
    from skinprogress.cli.main import app
    from skinprogress.settings import OutputOptions

    seen = []
    monkeypatch.setattr(api, "compare_client", lambda *_, **__: None)
    monkeypatch.setattr(api, "compare_photos", lambda *_, **__: None)

    def save(_result: None, _out: Path, *, options: OutputOptions) -> None:
        seen.append(options)
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "save", save)
    photos = sorted(client.rglob("*.jpg"))
    for command in (["run", client], ["compare", *photos], ["demo"]):
        chosen = ["-o", tmp_path / "out", "--audience", "client", "--assets", "--pdf"]
        assert app(list(map(str, [*command, *chosen])), standalone_mode=False) == 130
    assert seen == [OutputOptions(audience="client", assets=True, pdf=True)] * 3


def test_one_session_is_measured_and_says_that_two_are_needed(client, tmp_path, in_this_process):
    shutil.rmtree(client / "2026-04-25")
    done = in_this_process("run", client, "-o", tmp_path / "out")
    assert done.returncode == 0
    assert "needs two" in done.stdout
    assert (tmp_path / "out" / "report.html").is_file()


def test_bad_photos_are_rejected_and_the_run_goes_on(
    client, tmp_path, astronaut, write_photo, small_portrait, in_this_process
):
    shutil.rmtree(client / "2026-03-14")  # one session is enough, and quicker
    day = client / "2026-04-25"
    (day / "zero.jpg").write_bytes(b"")
    (day / "text.jpg").write_text("not a photo")
    whole = (day / "IMG_1.jpg").read_bytes()
    (day / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    write_photo(day / "tiny.png", astronaut)
    write_photo(day / "nobody.png", np.full((300, 400, 3), 120, np.uint8))
    write_photo(day / "twins.jpg", np.hstack([small_portrait, small_portrait]))
    done = in_this_process("run", client, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "out" / "photos.csv").open(newline="", encoding="utf-8") as handle:
        rows = {Path(r["file"]).name: r for r in csv.DictReader(handle)}
    codes = {name: row["code"] for name, row in rows.items() if row["status"] == "rejected"}
    assert codes == {
        "zero.jpg": "empty_file", "text.jpg": "not_an_image", "cut.jpg": "truncated", "tiny.png": "face_too_small",
        "nobody.png": "no_face", "twins.jpg": "several_faces",
    }  # fmt: skip
    for name in codes:
        assert rows[name]["reason"] and rows[name]["remedy"]
        assert name in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["run", "missing"], 2, "missing"),
        (["run", "empty"], 1, "empty"),
        (["run", "useless"], 1, "no photo"),
        (["run", "file.txt"], 2, "file.txt"),
        (["compare", "missing.jpg", "other.jpg"], 2, "missing.jpg"),
        (["check", "missing.jpg"], 2, "missing.jpg"),
        (["nonsense"], 2, "nonsense"),
        (["run"], 2, "CLIENT_FOLDER"),
    ],
)
def test_wrong_use_is_one_clear_line(tmp_path, in_this_process, arguments: list[str], code: int, says: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "useless").mkdir()
    (tmp_path / "useless" / "notes.txt").write_text("x")
    (tmp_path / "file.txt").write_text("x")
    before = sorted(p.name for p in tmp_path.iterdir())
    done = in_this_process(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert says.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_nothing_usable_leaves_no_report(client, tmp_path, in_this_process):
    for photo in client.rglob("*.jpg"):
        photo.write_bytes(b"broken")
    done = in_this_process("run", client, "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "IMG_1.jpg" in done.stderr
    assert not list((tmp_path / "out").rglob("*")) if (tmp_path / "out").exists() else True


def test_output_inside_a_file_is_refused(client, tmp_path, in_this_process):
    (tmp_path / "taken").write_text("a file")
    for out in (tmp_path / "taken", tmp_path / "taken" / "deeper"):
        done = in_this_process("run", client, "-o", out)
        assert done.returncode == 2
        assert "taken" in done.stderr and "Traceback" not in done.stderr
    assert (tmp_path / "taken").read_text() == "a file"


def test_ambiguous_dates_stop_with_the_question(client, tmp_path, in_this_process):
    (client / "2026-03-14").rename(client / "03.04.2026")
    (client / "2026-04-25").rename(client / "05.06.2026")
    for photo in client.rglob("*.jpg"):  # no dates inside either
        cv2.imwrite(str(photo), cv2.imread(str(photo)))
    done = in_this_process("run", client, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "--date-order" in done.stderr
    answered = in_this_process("check", client, "--date-order", "dmy")
    assert answered.returncode == 0
    assert "2026-04-03" in answered.stdout


def test_check_tells_visits_stages_and_how_to_do_better(client, tmp_path, small_portrait, write_photo, in_this_process):
    done = in_this_process("check", client)
    assert done.returncode == 0
    assert "2026-03-14/IMG_1.jpg" in done.stdout and "front" in done.stdout
    assert "relax the face" in done.stdout  # she smiles
    single = in_this_process("check", write_photo(tmp_path / "one.png", small_portrait), tmp_path / "client")
    assert single.returncode in (0, 2)


def test_init_drafts_once_and_never_overwrites(client, in_this_process):
    assert in_this_process("init", client).returncode == 0
    course = client / "course.toml"
    assert "[[treatments]]" in course.read_text(encoding="utf-8")
    course.write_text('[client]\nlabel = "mine"\n', encoding="utf-8")
    again = in_this_process("init", client)
    assert again.returncode == 0
    assert "left as it is" in again.stdout
    assert course.read_text(encoding="utf-8") == '[client]\nlabel = "mine"\n'


def test_a_wrong_course_file_names_the_key(client, tmp_path, in_this_process):
    (client / "course.toml").write_text("[course]\nplaned = 3\n", encoding="utf-8")
    done = in_this_process("run", client, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "planed" in done.stderr and "planned" in done.stderr
    assert not (tmp_path / "out").exists()


def test_metrics_prints_the_whole_catalogue() -> None:
    from skinprogress.metrics.table import METRICS

    done = skinprogress("metrics")
    assert done.returncode == 0
    for metric in METRICS.values():
        assert metric.name in done.stdout and metric.caveat in done.stdout


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from skinprogress.cli.main import app; "
        "heavy = 'cv2 numpy mediapipe matplotlib pandas scipy pydantic'; "
        "print([m for m in heavy.split() if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    assert "run" in skinprogress("--help").stdout


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent another way there")
def test_ctrl_c_stops_without_partial_files(client, tmp_path):
    for n in range(2, 12):
        (client / "2026-04-25" / f"IMG_{n}.jpg").write_bytes(
            (client / "2026-04-25" / "IMG_1.jpg").read_bytes() + bytes(n)
        )
    out = tmp_path / "out"
    began = time.monotonic()
    skinprogress("--help")
    # Before the interpreter is up, nobody can catch the signal: on a busy machine that takes longer.
    wait = 2.0 + 3.0 * (time.monotonic() - began)
    process = subprocess.Popen(
        [*PROGRAM, "run", str(client), "-o", str(out)],
        stderr=subprocess.PIPE,
        text=True,
        # Shells start background jobs with the signal ignored, and all that these start inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    time.sleep(wait)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (0, 130)  # 0: it was through before the signal came
    assert "Traceback" not in errors
    assert not list(out.rglob("*.tmp"))
    if process.returncode == 130:
        assert "stopped" in errors
        assert not (out / "report.html").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_among_the_photos_does_not_block(tmp_path, small_portrait, write_photo):
    os.mkfifo(tmp_path / "pipe.jpg")
    done = skinprogress("check", tmp_path / "pipe.jpg", write_photo(tmp_path / "one.png", small_portrait))
    assert done.returncode == 0, done.stderr
    assert "pipe.jpg is not a picture" in done.stdout


def test_nothing_measured_leaves_no_folder(tmp_path, in_this_process):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"broken")
    done = in_this_process("compare", "a.jpg", "b.jpg", "-o", "new/out", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.jpg", "b.jpg"]


def test_a_foreign_report_is_not_overwritten(client, tmp_path, in_this_process):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.html").write_text("mine")
    done = in_this_process("run", client, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "report.html" in done.stderr
    assert (tmp_path / "out" / "report.html").read_text() == "mine"


def test_paths_too_long_are_wrong_use(tmp_path, in_this_process):
    for arguments in (["run", "x" * 300], ["check", "x" * 300], ["init", "x" * 300], ["compare", "x" * 300, "b.jpg"]):
        done = in_this_process(*arguments, cwd=tmp_path)
        assert done.returncode == 2, arguments
        assert "Traceback" not in done.stderr and "x" * 300 in done.stderr


def test_signs_that_the_terminal_cannot_show_end_no_run() -> None:
    done = skinprogress("metrics", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert "ln R" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break another way there")
def test_a_reader_that_leaves_early_is_no_failure() -> None:
    process = subprocess.Popen([*PROGRAM, "metrics"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 0


def test_libraries_do_not_talk_on_stderr() -> None:
    code = (
        "from skinprogress.cli.main import prepare_process; import logging; prepare_process(); "
        "[logging.getLogger(name).warning('noise') for name in ('matplotlib', 'matplotlib.font_manager')]"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr == ""


def test_a_second_ctrl_c_does_not_cut_into_the_clearing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from skinprogress.cli import main

    now = 100.0
    monkeypatch.setattr(main.time, "monotonic", lambda: now)
    handle = main.interrupt_once()
    with pytest.raises(KeyboardInterrupt):
        handle(signal.SIGINT, None)
    now += 0.3
    handle(signal.SIGINT, None)
    now += 5.0  # the first did not help: this one counts again
    with pytest.raises(KeyboardInterrupt):
        handle(signal.SIGINT, None)


def test_names_in_messages_are_harmless_and_stand_once() -> None:
    from skinprogress.cli.console import shortened, why
    from skinprogress.records import Rejection

    evil = "\x1b[31m\n:smile:.jpg"
    said = why(Rejection(file=evil, session="", code="x", reason="it is broken", remedy="mend it"))
    assert said.isprintable() and ":smile:.jpg: it is broken; mend it" in said
    named = Rejection(file="d/a.jpg", session="", code="x", reason="d/a.jpg is empty", remedy="copy it")
    assert why(named) == "d/a.jpg is empty; copy it"
    assert shortened("ü" * 150) == "ü" * 100
    assert shortened("short") == "short"


def test_loose_photos_stand_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from skinprogress import api
    from skinprogress.photos import ordinary

    for name in ("one/a.jpg", "two/a.jpg", "two/b.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    paths = [tmp_path / name for name in ("one/a.jpg", "two/a.jpg", "two/b.jpg")]
    assert [ref.file for ref in api.loose_refs(paths)] == ["one/a.jpg", "two/a.jpg", "b.jpg"]

    def locked(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", locked)
    monkeypatch.setattr(ordinary, "open", locked, raising=False)
    refs = api.loose_refs(paths)  # a locked photo is told when it is read, and stops no other
    assert [check.code for check in api.check_photos(refs)] == ["permission_denied"] * 3


def test_comparing_a_photo_with_itself_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from skinprogress import api
    from skinprogress.records import Flag

    (tmp_path / "a.jpg").write_bytes(b"same")
    (tmp_path / "b.jpg").write_bytes(b"same")
    seen = {}
    monkeypatch.setattr(api, "_compare_client", lambda refs, **more: seen.update(refs=refs, **more))
    api.compare_photos(tmp_path / "a.jpg", tmp_path / "b.jpg")
    assert all(Flag.SAME_PICTURE_TWICE in ref.flags for ref in seen["refs"])
    assert "same picture" in seen["notes"][0]


def test_check_against_a_client_grades_the_photo_and_tells_by_the_exit_code(
    client, tmp_path, small_portrait, write_photo, in_this_process
):
    like = write_photo(tmp_path / "like.jpg", small_portrait, quality=94)
    done = in_this_process("check", like, "--against", client, columns=80)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("grade ") and "2026-03-14/IMG_1.jpg" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    wall = write_photo(tmp_path / "wall.jpg", np.full((800, 800, 3), 128, np.uint8))
    done = in_this_process("check", like, wall, "--against", client)
    assert done.returncode == 1 and "refused" in done.stdout and "grade " in done.stdout
    empty = tmp_path / "empty"
    empty.mkdir()
    done = in_this_process("check", like, "--against", empty)
    assert done.returncode == 1 and "no photo" in done.stderr and "Traceback" not in done.stderr
    assert "D or F" in " ".join(in_this_process("check", "--help").stdout.replace("│", " ").split())


def test_a_run_takes_a_calibration_of_ones_own_and_tells_a_wrong_one(client, tmp_path, in_this_process):
    from skinprogress.comparison.calibration_file import format_calibration
    from skinprogress.comparison.calibration_table import COMPENSATED, REPEATABILITY
    from skinprogress.settings import Calibration

    text = format_calibration(
        Calibration(name="Praxis am Markt", made_from="8 pairs", raw=REPEATABILITY, compensated=COMPENSATED)
    )
    own = tmp_path / "own.toml"
    own.write_text(text.replace("\nsession", "\nsesion", 1), encoding="utf-8")
    out = tmp_path / "out"
    done = in_this_process("run", client, "-o", out, "--calibration", own)
    assert done.returncode == 2 and not out.exists()
    assert "own.toml" in done.stderr and "did you mean 'session'" in done.stderr
    own.write_text(text, encoding="utf-8")
    shutil.rmtree(client / "2026-04-25")  # one session is enough, and quicker
    done = in_this_process("run", client, "-o", out, "--calibration", own)
    assert done.returncode == 0, done.stderr
    assert "Praxis am Markt" in (out / "run.json").read_text(encoding="utf-8")


def test_too_few_retakes_are_told_and_nothing_is_written(client, tmp_path, in_this_process):
    done = in_this_process("calibrate", client, "-o", tmp_path / "own.toml")
    assert done.returncode == 1 and not (tmp_path / "own.toml").exists()
    assert "needs 6" in done.stderr and "get up in between" in done.stderr
    done = in_this_process("calibrate", client, "-o", tmp_path / "own.jpg")
    assert done.returncode == 2 and "ends in .toml" in done.stderr
