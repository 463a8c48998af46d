"""A composite can be made again bit for bit from its recipe and the photos; both files are there or none."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from skinprogress.errors import OutputError, PhotoError
from skinprogress.outputs.composing import writing
from skinprogress.outputs.composing.encoding import encode
from skinprogress.outputs.composing.planning import plan_composite
from skinprogress.outputs.composing.recipe import CompositeOptions
from skinprogress.outputs.composing.trusting import read_recipe
from skinprogress.outputs.composing.writing import make_composite, write_composite
from skinprogress.records import ClientResult


@pytest.mark.parametrize(
    "options",
    [
        CompositeOptions(shape="1:1", size_px=500, hide="eyes"),
        CompositeOptions(layout="split", slant_deg=12, format="png", size_px=500),
        CompositeOptions(layout="regions", format="webp", hide_with="blur", hide="eyes"),
        CompositeOptions(layout="flicker", size_px=400),
    ],
)
def test_a_picture_is_made_again_bit_for_bit(client: ClientResult, tmp_path: Path, options: CompositeOptions) -> None:
    recipe = plan_composite(client, view="front", options=options)
    picture, beside = write_composite(client, recipe, tmp_path / f"a.{recipe.options.format}")
    content = json.loads(beside.read_text("utf-8"))
    assert content["composite_sha256"] == hashlib.sha256(picture.read_bytes()).hexdigest()
    read, _ = read_recipe(beside)
    assert read == recipe
    folder = client.folder
    assert make_composite(read, lambda frame: folder / frame.file) == picture.read_bytes()


def test_a_photo_that_was_changed_since_is_not_shown(client: ClientResult, tmp_path: Path) -> None:
    recipe = plan_composite(client, view="front", options=CompositeOptions())
    path = client.inspections[recipe.frames[1].file].ref.path
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(PhotoError, match="changed"):
        write_composite(client, recipe, tmp_path / "a.jpg")
    assert list(tmp_path.glob("a.*")) == []


def test_picture_and_recipe_are_there_together_or_not_at_all(
    client: ClientResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = writing.write_whole

    def fail_on_recipes(path: Path, data: bytes | str) -> Path:
        if path.suffix == ".json":
            raise OutputError("full", "make room")
        return write(path, data)

    monkeypatch.setattr(writing, "write_whole", fail_on_recipes)
    recipe = plan_composite(client, view="front", options=CompositeOptions(size_px=300))
    with pytest.raises(OutputError):
        write_composite(client, recipe, tmp_path / "a.jpg")
    assert list(tmp_path.glob("a.*")) == []


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_files_are_tagged_srgb_and_the_same_every_time(kind: str) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    data = encode(rgb, kind)  # type: ignore[arg-type]
    assert data == encode(rgb, kind)  # type: ignore[arg-type]
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (60, 40)
        assert not picture.getexif()
        profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)
        if kind == "png":
            assert np.array_equal(np.asarray(picture), rgb)


def test_jpeg_keeps_the_colour_of_every_px() -> None:
    red = np.full((32, 32, 3), (200, 120, 110), np.uint8)
    red[:, ::2] = (150, 120, 110)
    with Image.open(io.BytesIO(encode(red, "jpg"))) as picture:
        chroma = np.asarray(picture.convert("YCbCr"))[..., 2].astype(float)
    assert abs(chroma[:, 1::2].mean() - chroma[:, ::2].mean()) > 15  # halved chroma would leave nothing


def test_a_film_is_no_picture() -> None:
    with pytest.raises(ValueError, match="mp4"):
        encode(np.zeros((8, 8, 3), np.uint8), "mp4")
