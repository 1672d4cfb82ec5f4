"""Parts of pictures: scales, ticks and labels, as properties."""

from __future__ import annotations

import itertools
import math
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from replicant.view.svg import Scale, rows, steps, ticks

values = st.floats(-1e9, 1e9).filter(lambda value: value == 0 or abs(value) > 1e-9)


@given(st.lists(values, max_size=8))
def test_a_scale_holds_its_values_in_order(several: list[float]) -> None:
    scale = Scale.over(several, 10.0, 110.0)
    assert scale.low < scale.high
    places = [scale(value) for value in sorted(several)]
    assert places == sorted(places)
    assert all(10.0 < place < 110.0 for place in places)
    assert scale(scale.low - 1) == 10.0
    assert scale(scale.high + 1) == 110.0


@given(values, st.floats(1e-6, 1e6), st.integers(2, 8))
def test_ticks_are_round_even_and_as_many_as_wished(low: float, span: float, about: int) -> None:
    high = low + span
    assume(span > 1e-6 * max(abs(low), abs(high)))
    found = ticks(low, high, about)
    assert about / 1.6 - 1 <= len(found) <= about * 1.6 + 1
    places = [value for value, _ in found]
    assert all(low - span * 1e-6 <= value <= high + span * 1e-6 for value in places)
    gaps = [b - a for a, b in itertools.pairwise(places)]
    assert gaps == pytest.approx([gaps[0]] * len(gaps) if gaps else [], rel=1e-6)
    if gaps:
        leading = gaps[0] / 10 ** math.floor(math.log10(gaps[0]) + 1e-6)
        assert min(abs(leading - step) for step in (1, 2, 5)) < 1e-4


@given(st.integers(-50, 50), st.sampled_from([0.01, 0.1, 1.0, 10.0]))
def test_ticks_say_their_value(start: int, unit: float) -> None:
    for value, label in ticks(start * unit, (start + 7) * unit):
        assert float(label.replace(",", "")) == pytest.approx(value, abs=unit * 1e-6)


@given(st.lists(st.text("ab c_", max_size=80), min_size=1, max_size=9), st.floats(10, 60))
def test_rows_follow_one_another_and_hold_their_labels(labels: list[str], least: float) -> None:
    placed, end = rows(labels, 90.0, least)
    assert [row.top for row in placed] == pytest.approx([2.0, *(row.top + row.height for row in placed[:-1])])
    assert end == pytest.approx(placed[-1].top + placed[-1].height)
    for row in placed:
        assert row.height >= least
        tops = [float(y) for y in re.findall(r' y="([\d.]+)"', row.label)]
        assert all(row.top <= y <= row.top + row.height for y in tops)
        assert row.label.count("<tspan") in {0, len(tops) - row.label.count("<text x")}


def test_an_outline_is_drawn_bar_by_bar() -> None:
    assert steps([1.0, 2.5], [0.0, 10.0, 30.0], 20.0) == "M0 20V19H10V17.5H30V20"
