"""The way from the photo to the canonical frame is the inverse of the way there."""

import numpy as np

from skinprogress.face.canonical import canonical_map, resample
from skinprogress.synthetic.surface import from_canonical, photo_to_canonical


def test_there_and_back(portrait):
    points = portrait.landmarks.points_xy
    uv = photo_to_canonical(points, portrait.linear_rgb.shape[:2])
    back = resample(np.nan_to_num(uv), canonical_map(points, 256))
    rows, cols = np.mgrid[90:170:5, 80:180:5]
    expected = np.stack([(cols + 0.5) / 256, (rows + 0.5) / 256], axis=-1)
    # The sides of the nose cover a little of the skin behind them.
    assert np.quantile(np.abs(back[rows, cols] - expected), 0.98) < 0.001


def test_a_plane_appears_where_the_face_is_and_nowhere_else(portrait):
    drawn = from_canonical(np.ones((64, 64), np.float32), portrait.uv)
    assert set(np.unique(drawn)) == {0.0, 1.0}
    x, y = portrait.landmarks.points_xy[1].astype(int)
    assert drawn[y, x] == 1.0
    assert drawn[5, 5] == 0.0


def test_what_is_seen_from_behind_is_not_drawn(portrait):
    points = portrait.landmarks.points_xy.copy()
    points[:, 0] = -points[:, 0] + 2 * points[:, 0].mean()
    assert np.isnan(photo_to_canonical(points, portrait.linear_rgb.shape[:2])).mean() > 0.99
