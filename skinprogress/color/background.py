"""The colour reference that is nearly always there: walls, clothes and furniture that two photos share."""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import delta_e_76, linear_rgb_to_lab
from skinprogress.color.surroundings import DARKEST, FROM_OPPONENT, TO_OPPONENT, Surroundings
from skinprogress.records import BackgroundSample, BoolArray, ColorCorrection, Flag, FloatArray

# Natural log: green, red over green, blue over green. How far a px may lie from the consensus, and how much of that
# the light may drift over the frame (per half the longer side: linear, quadratic).
_TOLERANCE = np.array([0.25, 0.06, 0.06])
_LINEAR_SD = np.array([0.15, 0.02, 0.03])
_QUADRATIC_SD = np.array([0.05, 0.005, 0.008])
# Tone curve and saturation of the two photos differ by such a share of the distance from skin's own colour (less where
# one and the same camera is known to have taken both), and stray light in the lens by so much of white.
_TONE_SD = np.array([0.06, 0.06, 0.06])
_SAME_CAMERA_TONE_SD = np.array([0.03, 0.025, 0.025])
_VEIL_SD = 0.004
# Px that differ by less than this count as one object, and how far the light on two objects lies apart.
_SAME_COLOR = np.array([0.3, 0.1, 0.1])
_OBJECT_SD = np.array([0.015, 0.006, 0.008])
# Colours that recur: how much of the background one must fill, how near two must come to count as the same, how much
# of both backgrounds they must explain, and how far apart two of them must lie to prove anything.
_MAIN_SHARE = 0.04
_SAME_OBJECT = np.array([0.35, 0.06, 0.08])
_MIN_RECURRING = 0.55
_DISTINCT = 0.25
_MIN_SHARE_OF_PHOTO = 0.03
_MIN_CONSENSUS = 0.5
# White balance and exposure differ between photos of one phone by no more than this; beyond, the object is another one.
_MAX_CHROMA_GAIN = 0.40
# Light whose colour the camera had to balance more leaves more of it on skin, whose spectrum is no wall's.
_SPECTRUM_SHARE = 0.2
# So much of what both photos show, if it looks as before, refutes a change of light.
_OBJECTING_SHARE = 0.04
_MAX_EXPOSURE_GAIN = 1.5
# Below this spread of its colours a background has no structure that could prove that it is the same.
_PLAIN_SPREAD = 0.12
_MIN_CORRELATION = 0.7
# Neighbouring px repeat each other: about one independent sample in so many thumbnail px.
_PX_PER_SAMPLE = 60.0
# More px than this do not place the light any better.
_MOST_PX = 3000
# The light on the wall is not quite the light on the face, and the camera's tone curve is not quite known where the
# wall is lighter or darker than skin: what remains although the wall matches perfectly (same three axes).
_WALL_TO_FACE_SD = np.array([0.04, 0.010, 0.015])
# Another wall that looks alike: how far white and grey paints lie apart.
_PAINT_SD = np.array([0.04, 0.010, 0.015])
_RELATIVE_SE, _SAME_CAMERA_RELATIVE_SE = 0.012, 0.006
# Another tone curve and saturation scale how far skin lies from the wall, in log light: its brightness and its colour.
_RENDERING_SD = np.array([0.10, 0.13, 0.13])
# Two cameras that agree on a wall do not agree on skin: about one a*, as under lights of other spectra.
_OTHER_CAMERA_SD = np.array([0.05, 0.035, 0.05])
_OTHER_CAMERA_RELATIVE_SE = 0.01


def match_background(photo: Surroundings, reference: Surroundings) -> ColorCorrection | str:
    """Match exposure and white balance on a background that two photos share.

    The background is looked for at the same place of the frame (fixed camera), moved along with the head (hand-held
    camera, person before a wall), and, where neither is found, by the colours that recur in both. Gains are what the px
    that agree say of the place of the face: the light may drift a little over the frame.

    Parameters
    ----------
    photo, reference : Surroundings

    Returns
    -------
    ColorCorrection or str
        The gains from ``photo`` to ``reference``, or the reason why there are none.
    """
    reasons: list[str] = []
    best: ColorCorrection | None = None
    for carry in (_same_frame(photo, reference), _same_head(photo, reference)):
        found = _match_places(photo, reference, carry)
        if isinstance(found, str):
            reasons.append(found)
        elif best is None or found.redness_index_se < best.redness_index_se:
            best = found
    if best is None and not isinstance(found := _match_colors(photo.sample, reference.sample), str):
        best = found
    if best is None:
        return reasons[-1]
    # Not before the choice: it would favour the smaller correction.
    balance = (TO_OPPONENT @ np.log(best.gains.astype(np.float64))) * [0.0, 1.0, 1.0]
    spectrum = FROM_OPPONENT @ np.diag((_SPECTRUM_SHARE * balance) ** 2) @ FROM_OPPONENT.T
    best = replace(best, log_gain_covariance=best.log_gain_covariance + spectrum)
    known = bool(photo.camera and reference.camera)
    if known and photo.camera == reference.camera:
        return replace(best, relative_redness_se=_SAME_CAMERA_RELATIVE_SE)
    rendering = FROM_OPPONENT @ (_RENDERING_SD * _skin_from_wall(reference.sample))
    best = replace(best, log_gain_covariance=best.log_gain_covariance + np.outer(rendering, rendering))
    if not known:
        return replace(best, reason=f"{best.reason}; the files do not name their camera, so it is trusted less")
    more = FROM_OPPONENT @ np.diag(_OTHER_CAMERA_SD**2) @ FROM_OPPONENT.T
    return replace(
        best,
        log_gain_covariance=best.log_gain_covariance + more,
        relative_redness_se=float(np.hypot(best.relative_redness_se, _OTHER_CAMERA_RELATIVE_SE)),
        reason=f"{best.reason}; with another camera, so skin may still differ",
    )


def _skin_from_wall(sample: BackgroundSample) -> npt.NDArray[np.float64]:
    """How far skin lies from what surrounds it, in log light, along the opponent axes, (3,)."""
    wall = np.median(sample.linear_rgb[sample.usable].astype(np.float64), axis=0)
    log = np.log(np.maximum([sample.skin_rgb.astype(np.float64), wall], 1e-3))
    return np.asarray(TO_OPPONENT @ (log[0] - log[1]))


def _same_frame(photo: Surroundings, reference: Surroundings) -> npt.NDArray[np.float64]:
    sy, sx = (p / r for p, r in zip(photo.size_px, reference.size_px, strict=True))
    return np.array([[sx, 0.0, 0.0], [0.0, sy, 0.0]])


def _same_head(photo: Surroundings, reference: Surroundings) -> npt.NDArray[np.float64]:
    to_photo, to_reference = (np.vstack([e.head_xy, [0.0, 0.0, 1.0]]) for e in (photo, reference))
    return np.asarray((to_photo @ np.linalg.inv(to_reference))[:2])


def _match_places(
    photo: Surroundings, reference: Surroundings, carry: npt.NDArray[np.float64]
) -> ColorCorrection | str:
    """Gains on which the px that both photos show agree; ``carry`` maps reference px to photo px."""
    ours, theirs = reference.sample, photo.sample
    shape = ours.usable.shape
    thumb = carry.copy()
    thumb[:, :2] *= ours.px_per_thumb / theirs.px_per_thumb
    thumb[:, 2] /= theirs.px_per_thumb
    warp = (shape[1], shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = np.asarray(cv2.warpAffine(theirs.linear_rgb.astype(np.float32), thumb, warp, flags=flags), np.float32)
    seen = cv2.warpAffine(theirs.usable.astype(np.float32), thumb, warp, flags=flags) > 0.99
    own = ours.linear_rgb.astype(np.float32)
    both = seen & ours.usable & _is_flat(own) & _is_flat(moved)
    both &= (moved > 1e-3).all(axis=2) & (own > 1e-3).all(axis=2) & (own[..., 1] > DARKEST) & (moved[..., 1] > DARKEST)
    if both.sum() < _MIN_SHARE_OF_PHOTO * both.size:
        return "too little of the background can be seen in both photos"
    log_own, log_moved = np.log(own[both]) @ TO_OPPONENT.T, np.log(moved[both]) @ TO_OPPONENT.T
    ratio = log_own - log_moved
    head = reference.head_xy @ [0.0, 0.0, 1.0] / ours.px_per_thumb
    terms = _drift_terms(np.argwhere(both)[:, ::-1] + 0.5 - head, max(shape) / 2.0)
    same_camera = bool(photo.camera) and photo.camera == reference.camera
    tone_sd = _SAME_CAMERA_TONE_SD if same_camera else _TONE_SD
    found = _fit_drift(ratio, terms, *_rendering_terms(log_own, log_moved, ours, theirs), tone_sd=tone_sd)
    if found is None:
        return "the background is another one, or its light changed"
    gain, agree, error = found
    if _objection(ratio[~agree], gain, both.sum()):
        return "things in the background disagree: some look as before, others changed colour"
    share = float(agree.mean())
    if share >= _MIN_CONSENSUS and agree.sum() < _MIN_SHARE_OF_PHOTO * both.size:
        return "too little of the background can be seen in both photos"
    if share < _MIN_CONSENSUS:
        return f"only {share:.0%} of the background agrees on one change of light: the scene changed"
    if np.abs(gain[1:]).max() > _MAX_CHROMA_GAIN or abs(gain[0]) > _MAX_EXPOSURE_GAIN:
        return "the background would need a larger correction than one camera's settings explain"
    plain = float(log_own[agree].std(axis=0).max()) < _PLAIN_SPREAD
    if not plain and np.corrcoef(log_own[:, 0], log_moved[:, 0])[0, 1] < _MIN_CORRELATION:
        return "the background shows other things in the two photos"
    used = np.zeros(shape, bool)
    used[both] = agree
    back = cv2.warpAffine(used.astype(np.float32), thumb, theirs.usable.shape[::-1], flags=cv2.INTER_LINEAR)
    return _correction(gain, error, own[both][agree], moved[both][agree], plain=plain, used=np.asarray(back > 0.5))


def _match_colors(photo: BackgroundSample, reference: BackgroundSample) -> ColorCorrection | str:
    """Gains under which the main colours of two backgrounds are the same, wherever they stand: the same room, moved."""
    ours, our_share, _ = _main_colors(reference)
    theirs, their_share, label = _main_colors(photo)
    if not len(ours) or not len(theirs):
        return "too little of the background can be seen"
    tried = []
    for step in (ours[:, None] - theirs[None]).reshape(-1, 3):
        same = np.asarray(np.abs(ours[:, None] - theirs[None] - step) < _SAME_OBJECT).all(axis=2)
        explained = our_share @ np.any(same, axis=1), their_share @ np.any(same, axis=0)
        tried.append((float(min(explained)), step, same))
    score, gain, same = max(tried, key=lambda row: row[0])
    others = [row[0] for row in tried if np.max(np.abs(row[1] - gain)[1:] - 2.0 * _SAME_OBJECT[1:]) > 0.0]
    one, other = np.nonzero(same)
    if score < _MIN_RECURRING or max(others, default=0.0) > 0.8 * score:
        return "the same colours are not found in both"
    if np.ptp(ours[one], axis=0)[1:].max() < _DISTINCT:
        return "one colour alone recurs, which proves nothing"
    weight = np.minimum(our_share[one], their_share[other])
    steps = ours[one] - theirs[other]
    gain = weight @ steps / weight.sum()
    if np.abs(gain[1:]).max() > _MAX_CHROMA_GAIN or abs(gain[0]) > _MAX_EXPOSURE_GAIN:
        return "the background would need a larger correction than one camera's settings explain"
    scatter = np.sqrt(weight @ (steps - gain) ** 2 / weight.sum())
    own, moved = (np.exp(colors @ FROM_OPPONENT.T).astype(np.float32) for colors in (ours[one], theirs[other]))
    # Objects that only look alike err like paints do.
    return _correction(gain, np.hypot(scatter, _PAINT_SD), own, moved, plain=False, used=np.isin(label, other))


def _main_colors(sample: BackgroundSample) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """Colours that fill much of the background, (n, 3), their shares of it, and which px have which (-1: none)."""
    linear = sample.linear_rgb.astype(np.float64)
    lit = sample.usable & (linear.min(axis=2) > 1e-3) & (linear[..., 1] > DARKEST)
    label = np.full(lit.shape, -1)
    if lit.sum() < _MIN_SHARE_OF_PHOTO * lit.size:
        return np.zeros((0, 3)), np.zeros(0), label
    colors = np.log(linear[lit]) @ TO_OPPONENT.T
    own = np.full(len(colors), -1)
    medians: list[FloatArray] = []
    while (own < 0).any():
        left = np.flatnonzero(own < 0)
        bins = np.round(colors[left] / _SAME_OBJECT)
        _, which, count = np.unique(bins, axis=0, return_inverse=True, return_counts=True)
        middle = np.median(colors[left[which.ravel() == count.argmax()]], axis=0)
        members = left[(np.abs(colors[left] - middle) < _SAME_OBJECT).all(axis=1)]
        if len(members) < _MAIN_SHARE * len(colors):
            break
        own[members] = len(medians)
        medians.append(np.median(colors[members], axis=0))
    label[lit] = own
    share = np.bincount(own[own >= 0], minlength=len(medians)) / len(colors)
    return np.array(medians).reshape(-1, 3), share, label


def _objection(ratio: FloatArray, gain: FloatArray, n_px: int) -> bool:
    """Whether a good part of what does not agree has hardly changed colour at all: then a wall was painted.

    Parameters
    ----------
    ratio : (n, 3) float
        Of the px that do not agree.
    gain : (3,) float
        What the others agree on.
    n_px : int
        All px that both photos show.
    """
    clearly = np.abs(gain[1:]) > 2.0 * _TOLERANCE[1:]
    unchanged = (np.abs(ratio) < _TOLERANCE).all(axis=1)
    return bool(clearly.any() and unchanged.sum() > max(_OBJECTING_SHARE * n_px, 60.0))


def _drift_terms(from_face_px: FloatArray, half_side_px: float) -> FloatArray:
    """Low-order terms of the place, zero at the face, (n, 5)."""
    x, y = (from_face_px / half_side_px).T
    return np.stack([x, y, x * x, x * y, y * y], axis=1)


def _rendering_terms(
    log_own: FloatArray, log_moved: FloatArray, ours: BackgroundSample, theirs: BackgroundSample
) -> tuple[FloatArray, FloatArray]:
    """How far each px lies from skin's colour, and what a unit of stray light adds to it more than to skin, (n, 3)."""
    # The mean of both photos: its noise is not that of their difference.
    mean = (log_own + log_moved) / 2.0
    skin = sum(np.log(np.maximum(s.skin_rgb, 1e-3)) for s in (ours, theirs)) @ TO_OPPONENT.T / 2.0
    veil = np.exp(-mean @ FROM_OPPONENT.T) - np.exp(-skin @ FROM_OPPONENT.T)
    return mean - skin, veil @ TO_OPPONENT.T


def _fit_drift(
    ratio: FloatArray, terms: FloatArray, from_skin: FloatArray, veil: FloatArray, *, tone_sd: FloatArray
) -> tuple[FloatArray, BoolArray, FloatArray] | None:
    """Robust fit of a constant and a small drift of the light; the constant, who agrees, and its standard error.

    Tone curve and stray light are not fitted, a wall cannot tell them from the light: they only lend less weight to
    what is far from skin's colour, and widen the error.
    """
    every = np.s_[:: 1 + len(ratio) // _MOST_PX]
    whole, y, x = ratio, ratio[every], np.concatenate([np.ones((len(terms), 1)), terms], axis=1)
    design, tones, flares = x[every], tone_sd * from_skin[every], _VEIL_SD * veil[every]
    # What has one colour errs together: JPEG, for one, rounds the colour of a smooth wall as a whole.
    bins = np.round(from_skin[every] / _SAME_COLOR).astype(np.int64)
    _, which, count = np.unique(bins, axis=0, return_inverse=True, return_counts=True)
    share = 1.0 / count[which.ravel()]
    px_per_sample = max(1.0, _PX_PER_SAMPLE * len(y) / len(whole))
    light = np.zeros((3, design.shape[1]))
    light[:, 0], error = np.median(y, axis=0), np.zeros(3)
    for _ in range(6):
        residual = y - design @ light.T
        agree = (np.abs(residual) < _TOLERANCE).all(axis=1)
        if agree.sum() < 20:
            return None
        for axis in range(3):
            scatter = max(1.4826 * _mad(residual[agree, axis]), 0.003)
            tone, flare = tones[agree, axis], flares[agree, axis]
            variance = _OBJECT_SD[axis] ** 2 + tone**2 + flare**2 + share[agree] * scatter**2 * px_per_sample
            weighted = design[agree].T * (share[agree] / variance)
            # Prior: no drift, within what light does over one wall; the constant is free.
            precision = np.r_[0.0, [_LINEAR_SD[axis] ** -2] * 2, [_QUADRATIC_SD[axis] ** -2] * 3]
            inverse = np.linalg.inv(weighted @ design[agree] + np.diag(precision))
            row = inverse[0] @ weighted
            light[axis] = inverse @ (weighted @ y[agree, axis])
            error[axis] = np.sqrt(inverse[0, 0] + (row @ tone) ** 2 + (row @ flare) ** 2)
    return light[:, 0], np.asarray((np.abs(whole - x @ light.T) < _TOLERANCE).all(axis=1)), error


def _is_flat(linear_rgb: npt.NDArray[np.float32]) -> BoolArray:
    """Away from edges, where a small shift would compare different things."""
    log = np.log(np.maximum(linear_rgb[..., 1], 1e-3))
    step = np.hypot(cv2.Sobel(log, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(log, cv2.CV_32F, 0, 1, scale=1 / 8))
    return np.asarray(cv2.dilate((step > 0.12).astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)


def _correction(
    gain: FloatArray, error: FloatArray, own: FloatArray, moved: FloatArray, *, plain: bool, used: BoolArray
) -> ColorCorrection:
    variance = error**2 + _WALL_TO_FACE_SD**2 + (_PAINT_SD**2 if plain else 0.0)
    gains = np.exp(FROM_OPPONENT @ gain).astype(np.float32)
    distance = delta_e_76(linear_rgb_to_lab(moved * gains), linear_rgb_to_lab(own))
    return ColorCorrection(
        rung="background",
        matrix=np.eye(3, dtype=np.float32),
        gains=gains,
        residual_delta_e=float(np.mean(distance)),
        log_gain_covariance=FROM_OPPONENT @ np.diag(variance) @ FROM_OPPONENT.T,
        relative_redness_se=_RELATIVE_SE,
        reason="matched on the background" + (", a plain one that is assumed to be the same" if plain else ""),
        used=used,
        flags=Flag.BACKGROUND_PLAIN if plain else Flag.NONE,
    )


def _mad(values: FloatArray) -> float:
    return float(np.median(np.abs(values - np.median(values))))
