"""The doctor finds what is wrong, by trying, and believes no run that asked for a network."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skinprogress.checking import doctor
from skinprogress.checking.doctor import Check, check_format, check_network, check_opencv, check_writing, judge_network
from skinprogress.checking.offline import OfflineRun, run_offline
from skinprogress.cli.main import app

WATCHED = """
import socket
from skinprogress.checking.offline import watch_sockets
seen = watch_sockets()
socket.socket(socket.AF_UNIX).close()
socket.gethostname()
print(len(seen), end=" ")
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.connect(("127.0.0.1", 9))
print(*(line.split()[0] for line in seen))
"""


@pytest.mark.parametrize("kind", list(doctor._TINY))
def test_every_kind_of_photo_is_tried(tmp_path: Path, kind: str) -> None:
    assert check_format(kind, tmp_path).status == "good"


def test_a_kind_that_cannot_be_read_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: Path) -> Path:
        (folder / "tiny.jpg").write_bytes(b"\xff\xd8\xff")
        return folder / "tiny.jpg"

    monkeypatch.setitem(doctor._TINY, "JPEG", broken)
    assert check_format("JPEG", tmp_path).status == "wrong"


def test_two_opencvs_over_each_other_are_wrong() -> None:
    assert check_opencv(["numpy", "opencv-python"]).status == "good"
    assert check_opencv(["opencv-contrib-python", "opencv-python"]).status == "wrong"
    assert check_opencv(["opencv-python-headless"]).status == "wrong"


def test_a_folder_that_cannot_be_written_is_wrong(tmp_path: Path) -> None:
    assert check_writing("results", tmp_path / "not" / "there").status == "good"
    assert not (tmp_path / "not").exists()
    (tmp_path / "file").touch()
    assert check_writing("results", tmp_path / "file" / "below").status == "wrong"


@pytest.mark.parametrize(
    ("run", "status", "words"),
    [
        (OfflineRun(finished=True, filtered=True), "good", "seccomp) would have ended"),
        (OfflineRun(finished=True, filtered=False), "good", "not to be had here"),
        (OfflineRun(finished=True, filtered=True, sockets=("socket.connect ('1.2.3.4', 80)",)), "wrong", "1.2.3.4"),
        (OfflineRun(finished=False, filtered=True), "wrong", "was ended"),
        (OfflineRun(finished=False, filtered=False, said="no memory"), "wrong", "nothing is proven"),
    ],
)
def test_what_a_run_proves(run: OfflineRun, status: str, words: str) -> None:
    network = list(judge_network(run))[-1]
    assert network.status == status and words in network.text


def test_the_run_gets_two_photos_of_the_sample_client(tmp_path: Path) -> None:
    seen = []

    def run(folder: Path, out: Path) -> OfflineRun:
        seen.extend(folder.iterdir())
        return OfflineRun(finished=True, filtered=True)

    assert [check.status for check in check_network(tmp_path, run=run)] == ["good", "good"]
    assert len(seen) == 2


def test_a_run_that_fails_says_why(tmp_path: Path) -> None:
    done = run_offline(tmp_path, tmp_path / "out")
    assert not done.finished and "holds no photo" in done.said


@pytest.mark.skipif(sys.platform == "win32", reason="no AF_UNIX")
def test_the_watch_sees_sockets_that_lead_out_of_the_computer() -> None:
    told = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True, check=True).stdout.split()
    assert told == ["0", "socket.__new__", "socket.connect"]


@pytest.mark.parametrize(("status", "code"), [("good", 0), ("missing", 0), ("wrong", 1)])
def test_the_exit_code_tells(monkeypatch: pytest.MonkeyPatch, status: doctor.Status, code: int) -> None:
    monkeypatch.setattr(doctor, "examine", lambda out: [Check(name="JPEG", status=status, text="so it is")])
    ended = CliRunner().invoke(app, ["doctor"])
    assert ended.exit_code == code and status in ended.output and "so it is" in ended.output
