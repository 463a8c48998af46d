"""Photos with points set by hand come to lie on the first of them, and the picture says how well."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from skinprogress.face.canonical import apply_affine
from skinprogress.outputs import points_composite
from skinprogress.outputs.points_composite import _place, render_points_composite, write_points_composites
from skinprogress.records import PhotoRef

MOLES = np.array([[420.0, 300.0], [830.0, 340.0], [610.0, 700.0], [470.0, 560.0]])
Take = Callable[..., PhotoRef]


def skin(width: int = 1200, height: int = 1000) -> npt.NDArray[np.uint8]:
    """A gradient of skin colour with four moles."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    rgb = np.stack([215 - 40 * x, 160 - 30 * x - 15 * y, 130 - 30 * x], axis=-1)
    for mole in MOLES:
        cv2.circle(rgb, (int(mole[0]), int(mole[1])), 10, (60.0, 35.0, 30.0), -1, cv2.LINE_AA)
    return rgb.astype(np.uint8)


@pytest.fixture
def take(tmp_path: Path) -> Take:
    """Photograph the skin turned, scaled and shifted; returns the reference with the moles as points."""

    def shoot(
        name: str,
        *,
        angle_deg: float = 0.0,
        scale: float = 1.0,
        shift: tuple[float, float] = (0, 0),
        mirrored: bool = False,
        orientation: int = 1,
        moved: float = 0.0,
        n_points: int = 4,
    ) -> PhotoRef:
        size = (1000, 840)
        matrix = cv2.getRotationMatrix2D((600, 500), angle_deg, scale)
        matrix[:, 2] += np.array([size[0] / 2 - 600, size[1] / 2 - 500]) + shift
        points = apply_affine(matrix, MOLES) + moved * np.random.default_rng(1).normal(size=MOLES.shape)
        place = matrix.copy()
        place[:, 2] += place[:, :2] @ [0.5, 0.5] - 0.5
        rgb = cv2.warpAffine(skin(), place, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
        if mirrored:
            rgb, points = np.ascontiguousarray(rgb[:, ::-1]), points * [-1, 1] + [size[0], 0]
        image = Image.fromarray(rgb)
        exif = image.getexif()
        if orientation == 6:  # stored lying on its side: viewers turn it upright
            image = image.transpose(Image.Transpose.ROTATE_90)
            exif[0x112] = 6
        path = tmp_path / name
        image.save(path, exif=exif)
        told = tuple((float(x), float(y)) for x, y in points[:n_points])
        return PhotoRef(path=path, file=name, client="x", session="2026-03-14", mirrored=mirrored, points_xy=told)

    return shoot


def panels(picture: npt.NDArray[np.uint8], n: int) -> list[npt.NDArray[np.uint8]]:
    """Cut the pictures out of one row of them: what is neither white paper nor lettering between it."""
    plain = (picture.astype(int).max(axis=2) - picture.astype(int).min(axis=2)) > 40
    rows = np.flatnonzero(plain.mean(axis=1) > 0.5)
    cols = np.flatnonzero(plain[rows[len(rows) // 2]] | plain[rows[len(rows) // 3]])
    runs = np.split(cols, np.flatnonzero(np.diff(cols) > 3) + 1)
    found = [picture[rows[0] : rows[-1] + 1, run[0] : run[-1] + 1] for run in runs if len(run) > 100]
    assert len(found) == n
    return found


def moles_in(panel: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    _, _, _, middles = cv2.connectedComponentsWithStats((panel[..., 0] < 110).astype(np.uint8))
    return np.asarray(middles[1:][np.argsort(middles[1:, 1])])


@pytest.mark.parametrize(
    "how",
    [
        {"angle_deg": 9.0, "scale": 0.8, "shift": (40, -20)},
        {"angle_deg": -14.0, "scale": 1.1, "mirrored": True},
        {"scale": 0.9, "shift": (-60, 30), "orientation": 6},
    ],
)
def test_the_same_skin_lies_at_the_same_place(take: Take, how: dict[str, object]) -> None:
    picture = render_points_composite([take("a.jpg"), take("b.jpg", **how)])
    assert picture is not None
    first, second = panels(picture, 2)
    assert first.shape == second.shape
    assert len(moles_in(first)) == 4
    np.testing.assert_allclose(moles_in(second), moles_in(first), atol=0.7)


def test_nothing_is_made_up_around_the_photos(take: Take) -> None:
    """The window is what all photos show: the flat grey of what lies outside stays out of it."""
    picture = render_points_composite([take("a.jpg"), take("b.jpg", angle_deg=20.0, shift=(150, 90))])
    assert picture is not None
    for panel in panels(picture, 2):
        assert panel.min(axis=2).max() < 180  # skin is 130 in blue, and what lies outside 234


def test_a_bad_fit_is_told_in_percent_of_the_spread(take: Take) -> None:
    good, bad = take("b.jpg", angle_deg=5.0), take("c.jpg", moved=25.0)
    placed = _place([take("a.jpg"), good, bad])
    assert placed[1].misfit_percent < 0.5
    # 25 px in x and y on a spread of some 240 px, less what four points let a similarity take up.
    assert 4.0 < placed[2].misfit_percent < 16.0
    captions = [points_composite._caption(p, size=20, column=600, is_first=False) for p in placed]
    told = [" ".join(text for text, _, _ in lines) for lines in captions]
    assert "%" not in told[1]
    assert f"{placed[2].misfit_percent:.0f} % of their spread" in told[2]


def test_two_points_say_that_they_prove_nothing(take: Take) -> None:
    two, four = (_place([take("a.jpg", n_points=n), take("b.jpg", n_points=n)]) for n in (2, 4))
    assert "two points always fit" in points_composite._footer(two).lower()
    assert "4 points" in points_composite._footer(four)
    assert "two points" not in points_composite._footer(four).lower()


def test_what_there_is_to_write(take: Take, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first, second = take("a.jpg"), take("b.jpg")
    plain = PhotoRef(path=first.path, file="plain.jpg", client="x", session="s")
    assert write_points_composites([first, plain], out) == []
    assert not out.exists()
    written = write_points_composites([first, plain, second], out)
    assert [path.relative_to(out).as_posix() for path in written] == ["composites/points.jpg"]
    with Image.open(written[0]) as picture:
        assert picture.format == "JPEG"
        assert "exif" not in picture.info
    second.path.unlink()
    assert write_points_composites([first, second], tmp_path / "other") == []


def test_photos_without_a_common_place_give_no_picture(take: Take) -> None:
    assert render_points_composite([take("a.jpg"), take("b.jpg", shift=(2000, 0))]) is None


@pytest.mark.parametrize(("n", "rows"), [(2, 1), (3, 1), (4, 2), (7, 3)])
def test_rows_are_even(take: Take, n: int, rows: int) -> None:
    picture = render_points_composite([take(f"{k}.jpg", angle_deg=k) for k in range(n)])
    assert picture is not None
    one = render_points_composite([take("a.jpg"), take("b.jpg", angle_deg=float(n - 1))])
    assert one is not None
    assert picture.shape[0] == pytest.approx(rows * one.shape[0], rel=0.3)
