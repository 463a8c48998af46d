"""The rows of the table agree with one another."""

import re
from itertools import combinations

import numpy as np
import pytest

from skinprogress.metrics.metric import interpolate_gradient
from skinprogress.metrics.table import METRICS

ROWS = pytest.mark.parametrize("metric", METRICS.values(), ids=lambda m: m.name)


@ROWS
def test_a_row_is_named_by_itself(metric):
    assert METRICS[metric.name] is metric
    assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.name)
    assert sum(m.title == metric.title for m in METRICS.values()) == 1
    assert metric.version >= 1 and metric.equivalence > 0.0
    # The margin of equivalence shows in the digits that are printed.
    assert round(metric.equivalence, metric.decimals) > 0.0


@ROWS
def test_numbers_of_things_and_areas_are_totals_and_nothing_else_is(metric):
    assert (metric.unit in ("spots", "mm", "mm²")) == (metric.statistic == "total")


@ROWS
def test_the_light_can_be_taken_out_only_where_a_map_is_computed_on_the_grid(metric):
    if metric.compensable:
        assert metric.frame in ("px", "grid")
        assert not metric.needs_light
    # Contrast, which the light makes, is not what a colour gradient describes.
    assert not (metric.needs_light and metric.color_gradient)


@ROWS
def test_noise_is_taken_out_of_what_answers_to_fine_detail(metric):
    if metric.power_gain is not None:
        gains = metric.power_gain(np.array([1e-3, 0.5, 20.0]))
        assert gains.shape == (3,) and (gains >= 0.0).all()
        assert metric.finest_mm is not None and metric.needs_sharpness
        assert metric.statistic in ("spread", "mean")


@ROWS
def test_what_looks_at_fine_detail_says_how_fine(metric):
    if metric.finest_mm is not None:
        assert metric.needs_light and metric.frame != "px"
        assert 0.5 <= metric.finest_mm <= 4.0


@ROWS
def test_metrics_that_count_px_move_with_colour_over_the_ramp_alone(metric):
    if metric.ramp is not None:
        assert metric.ramp > 0.0 and metric.color_gradient is not None
        assert metric.statistic in ("mean", "total")


@ROWS
def test_what_is_referred_to_other_skin_needs_no_colour_reference(metric):
    assert metric.relative == bool(metric.reference)
    assert metric.needs_color == (metric.color_gradient is not None and not metric.relative)
    if metric.relative:
        # How far each of the three channels is off drops out only where they count by their ratios.
        assert sum(metric.gradient_at(0.0)) == pytest.approx(0.0, abs=1e-6)


@ROWS
def test_cross_checks_are_of_other_metrics_in_the_other_ones_unit(metric):
    check = metric.cross_check
    if check is not None:
        assert check.metric in METRICS and check.metric != metric.name
        # What a little blood does to both.
        blood = -0.01 * np.array([0.23, 0.69, 0.68])
        own, other = (np.dot(METRICS[name].gradient_at(0.0), blood) for name in (metric.name, check.metric))
        assert own == pytest.approx(check.factor * other, rel=1e-3)


def test_metrics_of_one_map_have_it_computed_in_one_place():
    for one, other in combinations(METRICS.values(), 2):
        if one.compute is other.compute:
            assert (one.frame, one.on_blood, one.compensable or other.relative) == (
                other.frame, other.on_blood, other.compensable or other.relative,
            )  # fmt: skip


def test_sparse_metrics_have_a_count_beside_them():
    for metric in METRICS.values():
        if metric.sparse:
            assert metric.name.removesuffix("_contrast") in METRICS


def test_metrics_that_do_not_look_at_colour_have_no_gradient():
    assert METRICS["texture_uniformity"].gradient_at(3.0) == (0.0, 0.0, 0.0)
    assert METRICS["redness_index"].gradient_at(3.0) == METRICS["redness_index"].color_gradient


def test_a_gradient_is_interpolated_and_stays_at_its_ends():
    at = interpolate_gradient({0.0: (0.0, 10.0, -2.0), 10.0: (1.0, 20.0, 2.0)})
    assert at(5.0) == pytest.approx((0.5, 15.0, 0.0))
    assert at(-3.0) == (0.0, 10.0, -2.0) and at(99.0) == (1.0, 20.0, 2.0)
