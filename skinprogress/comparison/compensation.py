"""Faces as they would look under the light of the reference photo, and the error that this leaves."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from skinprogress.color.spaces import EI_PER_A_STAR
from skinprogress.comparison.areas import Area, light_error
from skinprogress.comparison.faces import MeasuredFace
from skinprogress.comparison.light import fit_light
from skinprogress.comparison.lightmodel import CELLS, CHROMA
from skinprogress.metrics.maps import compute_maps
from skinprogress.metrics.metric import Metric
from skinprogress.metrics.table import METRICS
from skinprogress.records import Against, LightDifference

FloatMap = npt.NDArray[np.float32]


def compensate_light(face: MeasuredFace, reference: MeasuredFace) -> MeasuredFace:
    """The face under the light of the reference photo of its view.

    Parameters
    ----------
    face, reference : MeasuredFace
        Registered on each other.

    Returns
    -------
    MeasuredFace
        With other maps where :attr:`~skinprogress.metrics.table.Metric.compensable`; unchanged where the two photos
        share too little skin.
    """
    fit = fit_light(reference.data.log_rgb, face.data.log_rgb, face.skin & reference.skin)
    if fit is None:
        return face
    light = np.exp(-fit.over(face.skin.shape[0]))
    px, grid = (replace(d, linear_rgb=d.linear_rgb * light) for d in (face.layers.px, face.layers.grid))
    wanted = [m for m in METRICS.values() if m.compensable and m.name in face.maps]
    relit = compute_maps(replace(face.layers, px=px, grid=grid), wanted)
    # The layers stay as photographed: conditions are judged by them.
    return replace(face, maps=face.maps | relit, light=fit)


def light_variance(
    groups: tuple[Sequence[MeasuredFace], Sequence[MeasuredFace]], metric: Metric, area: Area, *, value: float = 0.0
) -> float:
    """Variance that the lights of two sessions leave in the difference of a metric between them.

    Shots of one session err alike, so they do not average. Where both sessions have a light that is not the reference
    photo's, what is wrong with one is wrong with the other as far as the two lights are alike.
    """
    if not metric.compensable or metric.color_gradient is None:
        return 0.0
    variances = [float(np.mean([light_error(f, metric, area, value=value) for f in group])) ** 2 for group in groups]
    shared = 2.0 * likeness(*groups) * float(np.sqrt(variances[0] * variances[1]))
    return max(sum(variances) - shared, 0.0)


def mean_light(faces: Sequence[MeasuredFace]) -> FloatMap:
    """Mean log-ratio of a session's light to the reference photo's, (CELLS, CELLS, 3); 0 where it is the same."""
    nothing = np.zeros((CELLS, CELLS, 3), np.float32)
    return np.asarray(np.mean([nothing if f.light is None else f.light.log_ratio for f in faces], axis=0), np.float32)


def likeness(baseline: Sequence[MeasuredFace], followup: Sequence[MeasuredFace]) -> float:
    """How alike the colours of two sessions' lights are as seen from the reference photo's, 0..1."""
    one, two = (mean_light(group) @ CHROMA.T.astype(np.float32) for group in (baseline, followup))
    size = float((one**2).sum() + (two**2).sum())
    return 0.0 if size == 0.0 else float(np.clip(1.0 - ((one - two) ** 2).sum() / size, 0.0, 1.0))


def redness_removed(baseline: Sequence[MeasuredFace], followup: Sequence[MeasuredFace]) -> float:
    """Standard deviation over the face of the redness that the light alone would have faked, a*-equivalents."""
    light = mean_light(followup) - mean_light(baseline)
    shares = next((f.light.even_shares() for f in (*followup, *baseline) if f.light is not None), None)
    if shares is None:
        return float("nan")
    index = (light[..., 0] - light[..., 1]) / EI_PER_A_STAR
    mean = float((shares * index).sum())
    return float(np.sqrt((shares * (index - mean) ** 2).sum()))


def describe_pair_light(
    baseline: Sequence[MeasuredFace], followup: Sequence[MeasuredFace], *, against: Against
) -> LightDifference | None:
    """What of two sessions' difference was taken to be light, for those who draw it; None where nothing was."""
    if not is_compensated([*baseline, *followup]):
        return None
    return LightDifference(
        view=baseline[0].view,
        against=against,
        from_session=baseline[0].ref.session,
        to_session=followup[0].ref.session,
        log_ratio=mean_light(followup) - mean_light(baseline),
        standard_error=_joint_error(baseline, followup),
    )


def _joint_error(baseline: Sequence[MeasuredFace], followup: Sequence[MeasuredFace]) -> FloatMap:
    """What both sessions' lights leave in the redness index of each cell, a*-equivalents."""
    variance = np.zeros((CELLS, CELLS))
    for group in (baseline, followup):
        squares = [f.light.redness_error() ** 2 for f in group if f.light is not None]
        if squares:
            variance = variance + np.sum(squares, axis=0) / len(group)
    return np.asarray(np.sqrt(variance), np.float32)


def is_compensated(faces: Sequence[MeasuredFace]) -> bool:
    """Whether all these faces, one of them at least not the reference photo itself, lie under the reference's light."""
    return all(f.light is not None or f.registration is None for f in faces) and any(f.light is not None for f in faces)
