"""The file that a validation leaves, and the interval of its rates."""

import csv
import math

import pytest

from skinprogress.validation.table import Figure, wilson_interval, write_figures


@pytest.mark.parametrize(
    ("share", "n", "low", "high"),
    [  # computed with statsmodels' proportion_confint(method="wilson")
        (0.9, 10, 0.5958, 0.9821),
        (0.0, 28, 0.0, 0.1206),
        (1.0, 28, 0.8794, 1.0),
        (0.5, 1000, 0.4691, 0.5309),
    ],
)
def test_wilson_interval(share, n, low, high):
    assert wilson_interval(share, n) == pytest.approx((low, high), abs=2e-4)


def test_without_trials_the_rate_may_be_anything():
    assert wilson_interval(math.nan, 0) == (0.0, 1.0)


def test_the_columns_are_the_contract(tmp_path):
    figure = Figure(
        kind="alignment", tier="T0", test="known_warp", method="refined", subject="=cmd.jpg", metric="skin",
        figure="error_p95", value=math.nan, unit="% IOD", n=0,
    )  # fmt: skip
    path = write_figures([figure], tmp_path / "new")
    assert path.name == "validation.csv"
    with path.open(newline="", encoding="utf-8") as handle:
        header, row = csv.reader(handle)
    assert header == ["kind", "tier", "test", "method", "subject", "metric", "figure", "value", "unit", "n"]
    assert row == ["alignment", "T0", "known_warp", "refined", "'=cmd.jpg", "skin", "error_p95", "", "% IOD", "0"]
    assert [p.name for p in path.parent.iterdir()] == ["validation.csv"]
