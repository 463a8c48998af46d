"""Animations: what is shown when, in which colours, and the same bytes every time."""

import io
import subprocess
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms

from skinprogress.color.spaces import encode_srgb8
from skinprogress.errors import OutputError
from skinprogress.outputs.composing.animations import FADE_SECONDS, render_flicker, render_timelapse

Rgb = npt.NDArray[np.uint8]

SKIN = np.array(
    [
        [(250, 210, 190), (224, 172, 150), (200, 150, 130), (120, 70, 50)],
        [(230, 90, 80), (60, 30, 25), (255, 255, 255), (0, 0, 0)],
        [(180, 60, 60), (34, 48, 60), (128, 128, 128), (107, 119, 128)],
    ],
    np.uint8,
)
PATCH = 32


def _patches(values: Rgb = SKIN) -> Rgb:
    return np.kron(values, np.ones((PATCH, PATCH, 1), np.uint8)).astype(np.uint8)


def _flat(level: int, *, height: int = 64, width: int = 96) -> Rgb:
    return np.full((height, width, 3), level, np.uint8)


def _middles(picture: Rgb) -> npt.NDArray[np.int64]:
    return picture[PATCH // 2 :: PATCH, PATCH // 2 :: PATCH].astype(int)


def _play(film: bytes, folder: Path) -> list[tuple[float, Rgb]]:
    """Time in seconds and pixels of every frame."""
    path = folder / "film.mp4"
    path.write_bytes(film)
    player = cv2.VideoCapture(str(path))
    frames = []
    while (read := player.read())[0]:
        frames.append((player.get(cv2.CAP_PROP_POS_MSEC) / 1000, np.asarray(read[1][..., ::-1], np.uint8)))
    player.release()
    return frames


@pytest.mark.parametrize("format", ["gif", "webp"])
def test_a_flicker_loops_for_ever_and_shows_each_picture_as_long(format: Literal["gif", "webp"]) -> None:
    pictures = [_patches(), _patches(SKIN[::-1]), _patches(SKIN[:, ::-1])]
    data = render_flicker(pictures, format=format, seconds=0.7)
    assert data == render_flicker(pictures, format=format, seconds=0.7)
    image: Any = Image.open(io.BytesIO(data))
    assert (image.n_frames, image.info["loop"]) == (3, 0)
    for k, picture in enumerate(pictures):
        image.seek(k)
        image.load()
        assert image.info["duration"] == 700
        shown = np.asarray(image.convert("RGB"))
        assert np.abs(_middles(shown) - _middles(picture)).mean() <= 2
    assert b"Exif" not in data and b"XMP" not in data


def test_a_webp_says_that_it_is_srgb() -> None:
    image = Image.open(
        io.BytesIO(render_flicker([_patches(), _flat(0, height=96, width=128)], format="webp", seconds=1))
    )
    profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


def test_what_is_alike_in_two_pictures_stays_alike_in_a_gif() -> None:
    gradient = np.linspace((235, 190, 170), (120, 80, 60), 128 * 96).reshape(96, 128, 3).astype(np.uint8)
    other = gradient.copy()
    other[:, 64:] = (40, 60, 200)  # with a palette of its own the left half would be drawn in other colours
    image: Any = Image.open(io.BytesIO(render_flicker([gradient, other], format="gif", seconds=1)))
    shown = []
    for k in range(2):
        image.seek(k)
        shown.append(np.asarray(image.convert("RGB"))[:, :56].astype(int))
    np.testing.assert_allclose(shown[0].mean(axis=(0, 1)), gradient[:, :56].mean(axis=(0, 1)), atol=1.0)
    np.testing.assert_allclose(shown[0].mean(axis=(0, 1)), shown[1].mean(axis=(0, 1)), atol=0.5)


def test_a_film_shows_the_colours_of_its_pictures(tmp_path: Path) -> None:
    pictures = [_patches(), _patches(SKIN[::-1, ::-1])]
    frames = _play(render_timelapse(pictures, seconds=0.4), tmp_path)
    for picture, (_, shown) in zip(pictures, (frames[0], frames[-1]), strict=True):
        assert np.abs(_middles(shown) - _middles(picture)).mean() <= 2


def test_a_film_holds_each_picture_and_fades_in_linear_light(tmp_path: Path) -> None:
    frames = _play(render_timelapse([_flat(0), _flat(255), _flat(0)], seconds=1.0), tmp_path)
    times, levels = np.array([t for t, _ in frames]), np.array([f.mean() for _, f in frames])
    assert levels[times < 0.99].max() <= 1
    second = (times > 1.01 + FADE_SECONDS) & (times < 1.99 + FADE_SECONDS)
    assert second.any() and levels[second].min() >= 254
    assert times[-1] == pytest.approx(3.0 + 2 * FADE_SECONDS, abs=0.3)
    fade = levels[(times > 0.99) & (times < 0.99 + FADE_SECONDS)]
    light = np.arange(1, len(fade) + 1) / (len(fade) + 1)
    # Half of the light of white is 188 of sRGB; half of its number would look far too dark.
    np.testing.assert_allclose(fade, encode_srgb8(light), atol=4)


def test_letters_change_at_once_half_way_while_the_photo_fades(tmp_path: Path) -> None:
    frames = _play(render_timelapse([_flat(40), _flat(220)], seconds=0.4, fading=(0, 0, 96, 32)), tmp_path)
    photo, letters = (
        np.array([frame[rows, :].mean() for _, frame in frames]) for rows in (slice(0, 28), slice(36, 64))
    )
    assert ((photo > 60) & (photo < 200)).sum() > 5
    assert not ((letters > 60) & (letters < 200)).any()
    assert abs(int(np.argmax(photo > encode_srgb8([0.37])[0])) - int(np.argmax(letters > 130))) <= 1


def test_a_film_of_odd_size_loses_a_row_and_a_column_and_is_not_scaled(tmp_path: Path) -> None:
    picture = np.repeat(np.repeat(np.random.default_rng(1).integers(60, 200, (17, 25, 1), np.uint8), 5, 0), 5, 1)
    picture = np.repeat(picture, 3, axis=2)
    assert picture.shape == (85, 125, 3)
    shown = _play(render_timelapse([picture], seconds=0.2), tmp_path)[0][1]
    assert shown.shape == (84, 124, 3)
    grey = picture[:84, :124].mean(axis=2)
    assert np.abs(shown.mean(axis=2) - grey).mean() < 4


def test_a_film_is_the_same_every_time_and_tells_nothing_of_its_making() -> None:
    pictures = [_patches(), _patches(SKIN[::-1])]
    film = render_timelapse(pictures, seconds=0.3)
    assert film == render_timelapse(pictures, seconds=0.3)
    assert film.index(b"moov") < film.index(b"mdat")  # plays before it is there to its end
    for trace in (b"Lavf", b"Lavc", b"x264", b"\xa9too"):
        assert trace not in film
    header = film.index(b"mvhd")
    assert film[header + 8 : header + 16] == bytes(8)  # neither made nor changed at any time
    colors = film.index(b"colrnclx")
    assert [int.from_bytes(film[colors + k : colors + k + 2]) for k in (8, 10, 12)] == [1, 13, 1]


def test_pictures_of_two_sizes_are_no_animation() -> None:
    for render in (lambda p: render_timelapse(p, seconds=1), lambda p: render_flicker(p, format="gif", seconds=1)):
        with pytest.raises(ValueError, match="one size"):
            render([_flat(0), _flat(0, width=98)])


def test_a_missing_ffmpeg_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    import imageio_ffmpeg

    def missing() -> str:
        raise RuntimeError("no ffmpeg exe could be found")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", missing)
    with pytest.raises(OutputError, match=r"ffmpeg is missing.*pip install"):
        render_timelapse([_flat(0)], seconds=1)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: "/nowhere/ffmpeg")
    with pytest.raises(OutputError, match=r"does not start.*pip install"):
        render_timelapse([_flat(0)], seconds=1)


def test_an_ffmpeg_that_fails_is_told_with_its_last_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import imageio_ffmpeg

    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho first >&2\necho 'Unknown encoder libx264' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(program))
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started.append(start(*a, **k)) or started[-1])
    big = _flat(0, height=600, width=800)  # more than a pipe holds: writing fails while it runs
    with pytest.raises(OutputError, match="Unknown encoder libx264"):
        render_timelapse([big, big], seconds=1)
    assert started[0].returncode == 3
