"""Pictures one after the other: a flicker that loops, and a video in which each picture fades into the next."""

import io
import math
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise, repeat
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import encode_srgb8, srgb_to_linear
from skinprogress.errors import OutputError
from skinprogress.outputs.composing.encoding import srgb_profile

Rgb = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]

FRAMES_PER_SECOND = 25
FADE_SECONDS = 0.4
_FADE_FRAMES = round(FADE_SECONDS * FRAMES_PER_SECOND)
# While nothing moves, five frames a second are enough, and there is a quarter to encode.
_HOLD_STEP = 5
_WEBP_QUALITY = 95
_PALETTE_SAMPLE_PX = 80_000
_FFMPEG_SECONDS = 300
# Light as 16-bit numbers: fine enough for one step of 8-bit sRGB even where that is smallest, next to black.
_LEVELS = 65535
# R, G and B of 0..255 to Y of 16..235, and Cb and Cr of 16..240, with the offsets in the last column.
_YUV_BT709 = np.array(
    [
        [0.182586, 0.614231, 0.062007, 16.0],
        [-0.100644, -0.338572, 0.439216, 128.0],
        [0.439216, -0.398942, -0.040274, 128.0],
    ]
)
_MISSING = "install it again with: pip install --force-reinstall imageio-ffmpeg; or choose the flicker"


def render_flicker(pictures: Sequence[Rgb], *, format: Literal["gif", "webp"], seconds: float) -> bytes:
    """Pictures that take turns for ever, without any fade: what differs jumps to the eye.

    Parameters
    ----------
    pictures : sequence of (h, w, 3) uint8
        sRGB, at least one, all of one size.
    format : {'gif', 'webp'}
        A GIF has 256 colours, the same ones for all pictures, and cannot say that they are sRGB.
    seconds : float
        How long each picture stands.

    Returns
    -------
    bytes
        The same pictures give the same bytes.
    """
    from PIL import Image

    _check_sizes(pictures)
    images = [Image.fromarray(picture) for picture in pictures]
    settings: dict[str, Any] = {"quality": _WEBP_QUALITY, "method": 2, "icc_profile": srgb_profile()}
    if format == "gif":
        palette = _shared_palette(pictures)
        images = [image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG) for image in images]
        settings = {"optimize": False}
    buffer = io.BytesIO()
    # A GIF counts hundredths of a second, and most programs that show it take less than two for a mistake.
    settings |= {"duration": max(20, 10 * round(seconds * 100)), "loop": 0, "append_images": images[1:]}
    images[0].save(buffer, format.upper(), save_all=True, **settings)
    return buffer.getvalue()


def _shared_palette(pictures: Sequence[Rgb]) -> Any:
    """One palette for all pictures: with palettes of their own, all skin would seem to change a little."""
    from PIL import Image

    height, width = pictures[0].shape[:2]
    step = max(1, math.isqrt(len(pictures) * height * width // _PALETTE_SAMPLE_PX))
    sample = np.concatenate([picture[::step, ::step].reshape(1, -1, 3) for picture in pictures], axis=1)
    return Image.fromarray(sample).quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=3)


def render_timelapse(pictures: Sequence[Rgb], *, seconds: float, fading: Box | None = None) -> bytes:
    """A video that shows each picture for a while and fades into the next, as light does.

    Parameters
    ----------
    pictures : sequence of (h, w, 3) uint8
        sRGB, at least one, all of one size. Of an odd width or height, the last column or row is left out.
    seconds : float
        How long each picture stands between two fades.
    fading : (left, top, right, bottom) or None
        The part that fades, px; all else changes at once, half way: two lines of text in one place cannot be read.
        None: all of it.

    Returns
    -------
    bytes
        MP4: H.264, 4:2:0, up to 25 frames a second, tagged as sRGB. It tells no time and no place, and
        the same pictures give the same bytes with the same version of ffmpeg.

    Raises
    ------
    OutputError
        ffmpeg is missing or fails.
    """
    _check_sizes(pictures)
    height, width = (side - side % 2 for side in pictures[0].shape[:2])
    if not height or not width:
        raise OutputError("A video cannot be made of a picture that is one px wide or high", "choose a larger size")
    program = _find_ffmpeg()
    hold = max(1, round(seconds * FRAMES_PER_SECOND / _HOLD_STEP))
    left, top, right, bottom = fading or (0, 0, width, height)
    place = slice(top, min(bottom, height)), slice(left, min(right, width))
    frames = _frames([picture[:height, :width] for picture in pictures], hold=hold, place=place)
    # In a file: the index can stand at the front of the video only when its end is known.
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as said:
        path = Path(folder) / "timelapse.mp4"
        try:
            process = subprocess.Popen(
                _command(program, path, width=width, height=height, hold=hold),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
        except OSError as error:
            raise OutputError(
                f"The video cannot be made: ffmpeg does not start ({error.strerror})", _MISSING
            ) from error
        failed = _feed(process, frames)
        if failed or not path.exists():
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()
            why = lines[-1] if lines else f"it ended with {process.returncode}"
            raise OutputError(f"The video cannot be made: ffmpeg stopped ({why})", "choose a smaller size")
        return path.read_bytes()


def _feed(process: "subprocess.Popen[bytes]", frames: Iterator[bytes]) -> bool:
    """Give all frames to ffmpeg and wait for it; true where it failed. It never outlives this function."""
    assert process.stdin is not None
    try:
        with process.stdin as pipe:
            for frame in frames:
                pipe.write(frame)
        return process.wait(timeout=_FFMPEG_SECONDS) != 0
    except (BrokenPipeError, subprocess.TimeoutExpired):
        return True
    finally:
        process.kill()
        process.wait()


def _frames(pictures: Sequence[Rgb], *, hold: int, place: tuple[slice, slice]) -> Iterator[bytes]:
    """Every frame of the video, one by one: all of them at once would take hundreds of megabytes."""
    to_light = np.round(srgb_to_linear(np.arange(256) / 255) * _LEVELS).astype(np.uint16)
    to_srgb = encode_srgb8(np.arange(_LEVELS + 1) / _LEVELS)
    for picture, following in pairwise(pictures):
        yield from repeat(_to_yuv420(picture), hold)
        light, next_light = cv2.LUT(picture[place], to_light), cv2.LUT(following[place], to_light)
        for step in range(_FADE_FRAMES):
            share = (step + 1) / (_FADE_FRAMES + 1)
            frame = (picture if share < 0.5 else following).copy()
            frame[place] = cv2.LUT(cv2.addWeighted(light, 1 - share, next_light, share, 0.0), to_srgb)
            yield _to_yuv420(frame)
    yield from repeat(_to_yuv420(pictures[-1]), hold)


def _to_yuv420(rgb: Rgb) -> bytes:
    """A frame as H.264 wants it. Left to themselves, programs take the matrix of old television, and skin turns red."""
    planes = cv2.split(cv2.transform(rgb, _YUV_BT709))
    half = rgb.shape[1] // 2, rgb.shape[0] // 2
    small = (cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in planes[1:])
    return b"".join(plane.tobytes() for plane in (planes[0], *small))


def _find_ffmpeg() -> str:
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise OutputError("The video cannot be made: ffmpeg is missing", _MISSING) from error


def _command(program: str, path: Path, *, width: int, height: int, hold: int) -> list[str]:
    # Frame n of the stream: ``hold`` slow ones and then those of a fade, again and again.
    each, place = hold + _FADE_FRAMES, f"mod(N,{hold + _FADE_FRAMES})"
    within = f"min({place},{hold})*{_HOLD_STEP}+max({place}-{hold},0)"
    when = f"(floor(N/{each})*{hold * _HOLD_STEP + _FADE_FRAMES}+{within})/({FRAMES_PER_SECOND}*TB)"
    return [
        program, "-hide_banner", "-nostdin", "-loglevel", "error",
        "-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", f"{width}x{height}",
        "-framerate", str(FRAMES_PER_SECOND), "-i", "pipe:0",
        "-vf", f"setpts='{when}',setparams=range=tv:color_primaries=bt709:color_trc=iec61966-2-1:colorspace=bt709",
        "-fps_mode", "vfr",
        # One thread and no report of the encoder: the same pictures give the same bytes, and nothing else is in them.
        "-c:v", "libx264", "-preset", "superfast", "-crf", "20", "-threads", "1",
        "-bsf:v", "filter_units=remove_types=6",
        "-map_metadata", "-1", "-metadata:s:v", "encoder=", "-fflags", "+bitexact", "-flags:v", "+bitexact",
        "-movflags", "+faststart", "-f", "mp4", str(path),
    ]  # fmt: skip


def _check_sizes(pictures: Sequence[Rgb]) -> None:
    if len({picture.shape for picture in pictures}) != 1:
        raise ValueError("an animation needs pictures of one size")
