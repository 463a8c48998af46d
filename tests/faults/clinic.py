"""A small real clinic, the real command on it, and what an undisturbed run leaves."""

import hashlib
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass, field
from pathlib import Path

from skinprogress.batch.records import STORE
from skinprogress.outputs.files import make_folder
from skinprogress.synthetic.sample_client import sample_folder

HERE = Path(__file__).parent
PHOTOS = {
    "anna": ("2025-01-13/IMG_2041.jpg", "2025-05-19/IMG_2390.jpg"),
    "berta": ("2025-01-13/IMG_2042.jpg", "2025-05-19/IMG_2391.jpg"),
}
LATER = "2025-04-07/IMG_2254.jpg"
SCALE = 0.3
"""Of the sample's photos: the irises are then a little over 60 px apart."""
NOTES = {"note.txt": b"of my own\n", "my own/plan.txt": b"call in May\n", "charts/mine.txt": b"not a chart\n"}
OPTIONS = {"lean": ("--outputs", "tables"), "report": ("--outputs", "tables,report"), "full": ("--pseudonym",)}
LIMIT_S = 900.0


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    told: str
    seconds: float


@dataclass
class Clinic:
    """Clients' folders, and one output folder that every trial uses: results name the way from it to the photos.

    Attributes
    ----------
    folder : Path
    clients : tuple of str
    took_s : dict
        Of (options, start): what an undisturbed run took lately, seconds.
    steps : dict
        Of (options, start): what its processes changed in the output folder, as ``parent os.rename``.
    """

    folder: Path
    clients: tuple[str, ...] = tuple(PHOTOS)
    took_s: dict[tuple[str, str], float] = field(default_factory=dict)
    steps: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()
        self.photos, self.out = self.folder / "clients", self.folder / "out"
        hook = self.folder / "hook"
        hook.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / "step_hook.py", hook / "sitecustomize.py")
        shutil.rmtree(self.photos, ignore_errors=True)
        for client in self.clients:
            for name in PHOTOS[client]:
                _shrink(name, self.photos / client / name)
        _shrink(LATER, self.folder / "later.jpg")
        whole = (self.photos / "anna" / PHOTOS["anna"][0]).read_bytes()
        (self.photos / "anna" / "2025-05-19" / "broken.jpg").write_bytes(whole[:4000])
        if len(self.clients) < 2:  # cheap, and fails
            (self.photos / "clara").mkdir()
            (self.photos / "clara" / "broken.jpg").write_bytes(whole[:3000])

    def command(self, options: str, *, jobs: int = 2) -> list[str]:
        """The command as a person would give it."""
        words = [*OPTIONS[options], "-j", str(jobs), "-q"]
        return [sys.executable, _script(), "batch", str(self.photos), "-o", str(self.out), *words]

    def forget_command(self, options: str) -> list[str]:
        """The command that forgets the client with the broken photo."""
        return [sys.executable, _script(), "forget", self.results_of_anna(options).name, "-o", str(self.out)]

    def start_process(self, command: list[str], **surroundings: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own."""
        path = os.pathsep.join([str(self.folder / "hook"), *filter(None, [os.environ.get("PYTHONPATH")])])
        told = (self.folder / f"told-{time.monotonic_ns()}").open("w+", encoding="utf-8")
        process = subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": path, "FAULTS_OUT": str(self.out)} | surroundings,
            stdin=subprocess.DEVNULL, stdout=told, stderr=told, start_new_session=True, text=True,
        )  # fmt: skip
        process.told = told  # type: ignore[attr-defined]
        process.began = time.monotonic()  # type: ignore[attr-defined]
        return process

    def await_end(self, process: subprocess.Popen[str]) -> Ended:
        """Wait for the end of a command."""
        code = process.wait(timeout=LIMIT_S)
        seconds = time.monotonic() - process.began  # type: ignore[attr-defined]
        with process.told as told:  # type: ignore[attr-defined]
            told.seek(0)
            text = told.read()
        Path(told.name).unlink()
        return Ended(code, text, seconds)

    def run(self, options: str, *, jobs: int = 2, **surroundings: str) -> Ended:
        """Run the command to its end."""
        return self.await_end(self.start_process(self.command(options, jobs=jobs), **surroundings))

    def reference(self, options: str, *, later: bool = False) -> Path:
        """Folder with what an undisturbed run leaves, made when first asked for."""
        kept = self.folder / "reference" / f"{options}{'-later' if later else ''}"
        if not kept.exists():
            self.clear()
            if later:
                shutil.copytree(self.reference(options), self.out, dirs_exist_ok=True)
                for path in self.out.iterdir():
                    if path.name != STORE:
                        _remove(path)
                for done in self.out.glob(f"{STORE}/*/done.json"):
                    done.unlink()
            self.bring(later=later)
            (count := self.folder / "count").unlink(missing_ok=True)
            ended = self.run(options, FAULTS_COUNT=str(count))
            start = "changed" if later else "fresh"
            self.took_s[options, start], self.steps[options, start] = ended.seconds, count.read_text().splitlines()
            if ended.code != (len(self.clients) < 2):
                raise RuntimeError(f"the undisturbed run ended with {ended.code}: {ended.told}")
            shutil.copytree(self.out, kept)
        return kept

    def prepare(self, options: str, start: str) -> None:
        """Set the output folder to where a trial starts.

        ``fresh``: nothing but the salt. ``remembered``: photos are measured, nothing is written. ``redone``: all is
        written, and noted as done no longer. ``changed``: all is written, then a client got another photo.
        """
        source = self.reference(options)
        later = self.reference(options, later=True) if start == "changed" else source
        self.clear()
        self.bring(later=start == "changed")
        if start == "fresh":
            (self.out / STORE).mkdir(mode=0o700, parents=True)
            self.out.chmod(0o700)
            shutil.copy2(source / STORE / "salt", self.out / STORE / "salt")
            return
        shutil.copytree(source, self.out, dirs_exist_ok=True)
        for entry in later.glob(f"{STORE}/*/*.bin"):
            target = self.out / entry.relative_to(later)
            if not target.exists():
                shutil.copy2(entry, target)
        if start != "changed":
            for done in self.out.glob(f"{STORE}/*/done.json"):
                done.unlink()
        if start == "remembered":
            for path in self.out.iterdir():
                if path.name != STORE:
                    _remove(path)

    def measure(self, options: str, start: str) -> None:
        """Find out what an undisturbed run from a start takes and does, once."""
        if (options, start) not in self.took_s:
            self.prepare(options, start)
            count = self.folder / "count"
            count.unlink(missing_ok=True)
            ended = self.run(options, FAULTS_COUNT=str(count))
            self.took_s[options, start] = ended.seconds
            self.steps[options, start] = count.read_text().splitlines()
            if faults := self.compare(options, later=start == "changed", notes=False):
                raise RuntimeError(f"undisturbed runs differ: {faults}")

    def clear(self) -> None:
        """Empty the output folder; it may be a mounted one."""
        self.out.mkdir(mode=0o700, exist_ok=True)
        for path in self.out.iterdir():
            _remove(path)

    def bring(self, *, later: bool) -> None:
        """Add the photo that comes later, or take it away."""
        target = self.photos / "anna" / LATER
        if later and not target.exists():
            target.parent.mkdir()
            shutil.copy2(self.folder / "later.jpg", target)
            time.sleep(0.06)  # or the command waits until the clocks have moved on
        elif not later and target.exists():
            shutil.rmtree(target.parent)

    def results_of_anna(self, options: str) -> Path:
        """Folder of the results of one client."""
        reference = self.reference(options)
        for report in sorted((reference / "clients").iterdir()):
            rows = (report / "photos.csv").read_text(encoding="utf-8-sig") if (report / "photos.csv").exists() else ""
            if rows.count("truncated"):
                return self.out / "clients" / report.name
        raise RuntimeError("no results of the client with the broken photo")

    def add_notes(self, options: str) -> None:
        """Put files of the user's own among the results."""
        for name, data in NOTES.items():
            path = self.results_of_anna(options) / name
            make_folder(path.parent)
            path.write_bytes(data)

    def compare(self, options: str, *, later: bool, notes: bool) -> list[str]:
        """What is not as an undisturbed run leaves it, in words."""
        reference = self.reference(options, later=later)
        expected, found = read_tree(reference), read_tree(self.out)
        faults = []
        if notes:
            folder = self.results_of_anna(options)
            for name, data in NOTES.items():
                path = folder / name
                if not path.is_file() or path.read_bytes() != data:
                    faults.append(f"lost: {path.relative_to(self.out)}")
                for mine in (path, *path.parents):
                    if mine.is_relative_to(folder) and mine != folder:
                        key = mine.relative_to(self.out).as_posix()
                        if key not in expected:
                            found.pop(key, None)
        faults += [f"missing: {name}" for name in sorted(expected.keys() - found.keys())]
        faults += [f"too much: {name}" for name in sorted(found.keys() - expected.keys())]
        faults += [f"differs: {n}" for n in sorted(expected.keys() & found.keys()) if expected[n] != found[n]]
        return faults

    def photo_bytes(self) -> dict[str, tuple[str, int]]:
        """Content and mtime of everything in the clients' folders."""
        return {
            path.relative_to(self.photos).as_posix(): (_hash(path), path.stat().st_mtime_ns)
            for path in sorted(self.photos.rglob("*")) if path.is_file()
        }  # fmt: skip


def read_tree(out: Path) -> dict[str, tuple[str, str]]:
    """Mode and content of everything in an output folder; of what is remembered, what has to agree."""
    tree = {}
    for path in sorted(out.rglob("*")):
        name, status = path.relative_to(out).as_posix(), path.lstat()
        content = "folder" if stat.S_ISDIR(status.st_mode) else _hash(path)
        if name == f"{STORE}/lock":
            continue
        if name.startswith(STORE):
            if path.suffix == ".bin":  # results of measuring; which of them are kept is the store's own business
                continue
            if path.name == "done.json":
                content = _agreed(path)
        tree[name] = (oct(stat.S_IMODE(status.st_mode)), content)
    return tree


def _agreed(done: Path) -> str:
    """A note that a client is done, without times of files."""
    noted = json.loads(done.read_bytes())
    noted["fingerprint"] = len(noted["fingerprint"])
    noted["outputs"] = sorted((name, size) for name, (size, _) in noted["outputs"].items())
    return json.dumps(noted, sort_keys=True)


def damage(out: Path, rng: random.Random) -> list[str]:
    """Cut one to three files of an output folder short, or fill them with zeros, as a loss of power may leave them.

    The secret is left alone, and so are the user's own files: nobody can make them again. Of the two records that say
    which files are the program's own, which both are on the disk before anything relies on them, one at most is hit,
    and only while the other is there.
    """
    own = {Path(name).name for name in NOTES}
    done = list(out.glob(f"{STORE}/*/done.json"))
    files, told, records = [], [], 0
    for path in sorted(out.rglob("*")):
        if path.is_file() and path.name not in own | {"salt", "lock", "holder"} and path.stat().st_size:
            files.append(path)
    for path in rng.sample(files, min(len(files), rng.randint(1, 3))):
        if path.name in ("run.json", "done.json"):
            records += 1
            if records > 1 or len(done) < 2 or any(out.glob(f"{STORE}/*/old")):
                continue
        size = path.stat().st_size
        length = rng.choice((0, rng.randrange(size), size))
        with path.open("r+b") as file:
            if length == size:
                file.write(b"\0" * size)
            file.truncate(length)
        told.append(f"{path.relative_to(out)} {'zeros' if length == size else f'cut to {length}'}")
    return told


def _shrink(name: str, target: Path) -> None:
    from PIL import Image

    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(sample_folder() / "client" / name) as image:
        hw = (round(SCALE * image.width), round(SCALE * image.height))
        image.resize(hw, Image.Resampling.LANCZOS).save(target, quality=92, exif=image.getexif())
    past = time.time() - 86400.0
    os.utime(target, (past, past))


def _script() -> str:
    return str(Path(sysconfig.get_path("scripts")) / "skinprogress")


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
