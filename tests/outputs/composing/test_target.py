"""Where composites may be written."""

import hashlib
import json
from pathlib import Path

import pytest

from skinprogress.errors import OutputError, UsageError
from skinprogress.outputs.composing.recipe import recipe_digest
from skinprogress.outputs.composing.target import check_target, find_format, recipe_path


def _composite(path: Path) -> Path:
    """What passes for a composite with its recipe."""
    path.write_bytes(b"picture")
    content = {"composite_sha256": hashlib.sha256(b"picture").hexdigest()}
    recipe_path(path).write_text(json.dumps({**content, "recipe_sha256": recipe_digest(content)}))
    return path


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    def refused(path: Path, *, photos: tuple[Path, ...] = (), client_folder: Path | None = None) -> str:
        with pytest.raises(OutputError) as caught:
            check_target(path, photos=photos, client_folder=client_folder)
        return str(caught.value)

    ours = _composite(tmp_path / "ours.jpg")
    check_target(ours, photos=(), client_folder=None)
    check_target(tmp_path / "not" / "there" / "yet.jpg", photos=(), client_folder=None)
    ours.write_bytes(b"edited")
    assert "unchanged" in refused(ours)
    ours.unlink()
    check_target(ours, photos=(), client_folder=None)  # a recipe of ours without its picture
    (tmp_path / "foreign.jpg").write_bytes(b"holiday")
    assert "foreign.jpg" in refused(tmp_path / "foreign.jpg")
    assert "foreign.jpg" in refused(tmp_path / "foreign.jpg" / "deeper" / "x.jpg")
    (tmp_path / "y.recipe.json").write_text("{}")
    assert "y.recipe.json" in refused(tmp_path / "y.jpg")
    assert "one of the photos" in refused(tmp_path / "foreign.jpg", photos=(tmp_path / "foreign.jpg",))
    assert "client's folder" in refused(tmp_path / "client" / ".." / "x.jpg", client_folder=tmp_path)
    (tmp_path / "loop.jpg").symlink_to("nowhere.jpg")
    assert "loop.jpg" in refused(tmp_path / "loop.jpg")
    assert "x" * 50 in refused(tmp_path / "foreign.jpg" / ("x" * 300))


def test_the_name_says_the_format(tmp_path: Path) -> None:
    assert find_format(Path("a.JPEG"), None) == find_format(Path("a.jpg"), "jpg") == "jpg"
    assert find_format(tmp_path, "png") == "png" and find_format(Path("new/folder"), None) is None
    for out, wanted in (("a.bmp", None), ("a.png", "jpg")):
        with pytest.raises(UsageError, match=out):
            find_format(Path(out), wanted)  # type: ignore[arg-type]
