"""Chains that are drawn for together get what they get one by one, to the byte, whatever tables they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicant.methods import Declaration, Response
from replicant.methods.logreg import Logreg
from replicant.methods.norm import Norm
from replicant.methods.pmm import Pmm

from .designs import COLUMNS, unusual

Floats = npt.NDArray[np.float64]

NUMBERS = (Pmm(proper=True), Pmm(donors=1), Norm(proper=True), Norm())
LEVELS = (Logreg(proper=True), Logreg())


def stacked(matrices: list[Floats]) -> Floats:
    """(c, n, q), each as a chain cuts it out of its design matrix."""
    return np.stack([matrix.T for matrix in matrices]).transpose(0, 2, 1)


def compare(method: Any, y: Response, x: Floats, rows: Floats) -> int:
    """How many of the chains were drawn for together."""
    found = method.draw_each(y, x, rows, [np.random.default_rng(chain) for chain in range(len(x))])
    for chain, one in enumerate(found):
        if one is None:
            continue
        rng = np.random.default_rng(chain)
        model = method.fit(y, x[chain], None, rng)
        alone = model.draw(rows[chain], rng)
        assert one[0].dtype == alone.dtype
        assert one[0].tobytes() == alone.tobytes()
        assert one[1] == model.notes
    return sum(one is not None for one in found)


def numbers(values: Floats) -> Response:
    return Response(np.unique(values, return_inverse=True)[1].astype(np.int32), numbers=values)


def levels(classes: npt.NDArray[np.bool_]) -> Response:
    codes = classes.astype(np.int32)
    return Response(codes, classes=codes, n_classes=2)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(2, 60),
    size=st.integers(1, 30),
    columns=st.lists(COLUMNS, min_size=1, max_size=6),
    decimals=st.integers(0, 3),
    seed=st.integers(0, 1000),
)
def test_any_tables(n: int, size: int, columns: list[list[str]], decimals: int, seed: int) -> None:
    """Chains whose predictors are usual, and beside them some whose are not."""
    rng = np.random.default_rng(seed)
    width = len(columns[0])
    kinds = [(one + ["normal"] * width)[:width] for one in columns]
    tables = [unusual(n + size, one, rng) for one in ([["normal"] * width, *kinds])]
    x, rows = stacked([table[:n] for table in tables]), stacked([table[n:] for table in tables])
    for method in NUMBERS:
        compare(method, numbers(rng.normal(size=n).round(decimals)), x, rows)
    for method in LEVELS:
        compare(method, levels(rng.random(n) < 0.4), x, rows)


@pytest.mark.parametrize("c", [1, 2, 10])
@pytest.mark.parametrize("n", [25, 750])
def test_usual_tables_are_drawn_for_together(c: int, n: int) -> None:
    rng = np.random.default_rng(n)
    tables = [np.column_stack([np.ones(n + 20), rng.normal(size=(n + 20, 3))]) for _ in range(c)]
    x, rows = stacked([table[:n] for table in tables]), stacked([table[n:] for table in tables])
    y = x[0].sum(axis=1)
    for method in NUMBERS:
        assert compare(method, numbers((y + rng.normal(size=n)).round(2)), x, rows) == c
    separated, mixed = y > 1, y + rng.normal(size=n) > 1
    for method in LEVELS:
        assert compare(method, levels(separated), x, rows) == c
        assert compare(method, levels(mixed), x, rows) == c


def test_donors_that_are_tied_are_drawn_among_in_their_own_chain() -> None:
    rng = np.random.default_rng(3)
    tables = [np.column_stack([np.ones(90), rng.integers(0, 3, 90)]).astype(float) for _ in range(3)]
    tables[1][:, 1] = rng.normal(size=90)  # no ties here, so no further random numbers
    x, rows = stacked([table[:60] for table in tables]), stacked([table[60:] for table in tables])
    assert compare(Pmm(proper=True), numbers(rng.normal(size=60)), x, rows) == 3


def test_what_needs_care_is_left_to_a_fit_of_its_own() -> None:
    rng = np.random.default_rng(4)
    n = 12
    usual = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    constant, collinear = usual.copy(), usual.copy()
    constant[:, 1] = 3.0
    collinear[:, 2] = 2 * collinear[:, 1] + 1
    x = stacked([constant, usual, collinear])
    y = numbers(rng.normal(size=n))
    streams = [np.random.default_rng(i) for i in range(3)]
    for method in NUMBERS:
        assert [one is not None for one in method.draw_each(y, x, x, streams)] == [False, True, False]
    assert compare(Norm(), numbers(usual.sum(axis=1)), x, x) == 1
    assert compare(Norm(), numbers(np.full(n, 2.0)), x, x) == 0  # no residual, and nothing explained
    assert compare(Pmm(donors=n + 1), y, x, x) == 0
    assert compare(Logreg(), levels(np.ones(n, dtype=bool)), x, x) == 0
    wide = rng.normal(size=(3, n, n))
    wide[:, :, 0] = 1.0
    for method in (*NUMBERS, Logreg()):
        assert compare(method, levels(rng.random(n) < 0.5), wide, wide) == 0


@dataclass(frozen=True, slots=True)
class _Derived(Pmm):
    """Fits in its own way, which `Pmm.draw_each` knows nothing of."""

    def fit(self, *said: Any) -> Any:
        return Pmm(donors=1).fit(*said)


def test_a_method_that_is_derived_from_another_is_asked_to_fit() -> None:
    assert Declaration.of("pmm", Pmm()).draws_each
    assert not Declaration.of("mine", _Derived()).draws_each
