"""Recovery curves fitted to made-up rises of redness, with the errors that the pairs of a validation have."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from skinprogress.comparison.course import phase_of
from skinprogress.comparison.recovery import RECOVERY_METRIC, find_recoveries
from skinprogress.records import Change, ClientPlan, Course, PhotoRef, Treatment
from skinprogress.settings import Settings

RISE = 6.0
"""Redness right after a treatment, a*-equivalents."""

PERMITTED_ERROR = 0.2
"""Share by which τ may be off."""

_TRIALS = 200
_TREATED = datetime(2026, 3, 14, 10)
_TAUS_H = (12.0, 48.0)
_JITTER = 0.15
_SLOW_H = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryTrial:
    """One made-up course of redness, and the curve that was told.

    Attributes
    ----------
    test : str
        What was photographed when, and with which colour reference.
    refuse : bool
        No curve should be told.
    true_h, found_h, low_h, high_h : float
        τ, hours, and what is told of it; NaN where nothing is.
    reason : str
        Why no curve is told; empty where one is.
    """

    test: str
    refuse: bool
    true_h: float
    found_h: float
    low_h: float
    high_h: float
    reason: str


@dataclass(frozen=True, slots=True)
class _Case:
    """Hours of the photos, size of the rise in a*-equivalents, τ (None: drawn), and whether a curve must be refused."""

    hours: tuple[float, ...]
    rise: float = RISE
    tau_h: float | None = None
    refuse: bool = True


CASES: Mapping[str, _Case] = {
    "5 photos": _Case((2.0, 10.0, 24.0, 52.0, 140.0), refuse=False),
    "3 photos": _Case((2.0, 24.0, 72.0)),
    "5 photos, 3 within a week": _Case((2.0, 24.0, 72.0, 200.0, 400.0)),
    "5 photos at 2 times": _Case((2.0, 2.1, 2.2, 24.0, 24.1)),
    "no rise": _Case((2.0, 10.0, 24.0, 52.0, 140.0), rise=0.0),
    "within 4 hours": _Case((0.5, 1.5, 2.5, 3.3, 4.0), tau_h=_SLOW_H),
    "after 5 days": _Case((120.0, 130.0, 140.0, 150.0, 160.0), tau_h=12.0),
    "never falls": _Case((2.0, 10.0, 24.0, 52.0, 140.0), tau_h=1e6),
}
"""What photos of a week after a treatment may look like."""


def try_recoveries(errors: Mapping[str, float], *, settings: Settings) -> list[RecoveryTrial]:
    """Fit made-up courses of redness with known τ, and such as bear no curve.

    Parameters
    ----------
    errors : mapping of str to float
        Standard error of a difference of the redness index, a*-equivalents, by colour reference.
    settings : Settings
        Its seed.

    Returns
    -------
    list of RecoveryTrial

    Notes
    -----
    Half of the variance of each difference is the baseline's and shared by all of a course. Errors are normal and as
    large as stated: the photos of a real course may err alike, or by more.
    """
    trials: list[RecoveryTrial] = []
    for reference, error in errors.items():
        rng = np.random.default_rng([settings.seed, 7])
        for name, case in CASES.items():
            trials += [_try(f"{name}, {reference}", case, error, rng) for _ in range(_TRIALS)]
    return trials


def _try(test: str, case: _Case, error: float, rng: np.random.Generator) -> RecoveryTrial:
    tau = float(np.exp(rng.uniform(*np.log(_TAUS_H)))) if case.tau_h is None else case.tau_h
    hours = np.array(case.hours)
    if not case.refuse:
        hours = hours * (1.0 + _JITTER * rng.uniform(-1.0, 1.0, hours.size))
    noise = rng.normal(0.0, error / np.sqrt(2.0), hours.size + 1)
    rises = case.rise * np.exp(-hours / tau) + noise[1:] - noise[0]
    plan = make_plan(tuple(hours))
    found = find_recoveries(plan, list(_changes(plan, rises, error)))
    nan = float("nan")
    if not found:
        return RecoveryTrial(
            test=test, refuse=case.refuse, true_h=tau, found_h=nan, low_h=nan, high_h=nan, reason="nothing to tell"
        )
    curve = found[0]
    return RecoveryTrial(
        test=test, refuse=case.refuse, true_h=tau, found_h=curve.tau_h, low_h=curve.tau_low_h,
        high_h=curve.tau_high_h, reason=curve.reason,
    )  # fmt: skip


def make_plan(hours: Sequence[float]) -> ClientPlan:
    """The plan of a made-up client: a photo before one treatment, and photos so many hours after it."""
    course = Course(treatments=(Treatment(at=_TREATED, depth_mm={"face": 1.5}),))
    refs = {"before": PhotoRef(path=None, file="before", client="made up", session="before", stage="pre")}  # type: ignore[arg-type]
    for hour in hours:
        name = f"{hour:08.3f} h"
        at = _TREATED + timedelta(hours=float(hour))
        refs[name] = replace(refs["before"], file=name, session=name, stage="", hours_after=float(hour), taken_at=at)
    return ClientPlan(
        client="made up", sessions=tuple(refs), view_of={}, reference_of={"front": "before"}, mm_per_px={},
        scale_relative_se=0.0, corrections={}, canonical_px={}, baseline="before",
        phases={name: phase_of(name, [ref], course) for name, ref in refs.items()},
        course=course, settings_hash="", flags={},
    )  # fmt: skip


def _changes(plan: ClientPlan, rises: Sequence[float], error: float) -> Iterator[Change]:
    for session, rise in zip(plan.sessions[1:], rises, strict=True):
        half = 1.96 * error
        yield Change(
            client=plan.client, view="front", region="cheek_left", metric=RECOVERY_METRIC, metric_version=1,
            unit="a*-eq", method="compensated", against="baseline", from_session="before", to_session=session,
            baseline=10.0, followup=10.0 + rise, difference=rise, ci_low=rise - half, ci_high=rise + half,
            detectable_change=half, n_baseline=1, n_followup=1, color_reference="card", grade="A", verdict="changed",
            course_status="", n_common_px=10_000, standard_error=error,
        )  # fmt: skip
