"""How figures are written: no more digits than the error allows, no fewer than it needs."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from replicant.view.figures import duration, measured

sizes = st.floats(-1e12, 1e12).filter(lambda value: value == 0 or abs(value) > 1e-12)
errors = st.floats(1e-7, 1e6)


def back(text: str) -> float:
    return float(text.replace(",", ""))


@given(sizes, errors)
def test_rounding_moves_a_number_by_little_of_its_error(value: float, error: float) -> None:
    assume(error > 1e-12 * abs(value))  # a double holds no more digits
    written, around = measured(value, error)
    assert abs(back(written) - value) <= error / 6 * 1.0001
    assert abs(back(around) - error) <= error / 6 * 1.0001


@given(st.floats(-1e3, 1e3), st.floats(1e-6, 1e2))
def test_there_are_no_digits_that_the_error_drowns(value: float, error: float) -> None:
    """The last digit written is worth a thirtieth of the error or more."""
    written, around = measured(value, error)
    if "e" not in written:
        decimals = len(written.partition(".")[2])
        assert decimals == 0 or 10.0**-decimals >= error / 30 * 0.9999
        assert len(around.partition(".")[2]) == decimals


@pytest.mark.parametrize(
    ("value", "error", "written"),
    [
        (0.9263, 0.0067, ("0.926", "0.007")),
        (0.44981, 0.029177, ("0.450", "0.029")),
        (-0.00004, 0.0072, ("0.000", "0.007")),
        (7.17447, 0.0023, ("7.1745", "0.0023")),
        (117857.4, 340.0, ("117,857", "340")),
        (0.00003213, 0.0000041, ("3.2e-5", "0.4e-5")),
        (4.2e11, 3e9, ("4.20e11", "0.03e11")),
        (0.5, 1e-12, ("0.500", "")),
        (0.5, 0.0, ("0.500", "")),
        (0.0, None, ("0.00", "")),
        (1.0, float("inf"), ("1.00", "")),
    ],
)
def test_examples(value: float, error: float | None, written: tuple[str, str]) -> None:
    assert measured(value, error) == written


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.42, "0.4 s"), (9.97, "10 s"), (95.2, "95 s"), (150, "2 min"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said
