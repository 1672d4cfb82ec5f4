"""Traces of chains: what partitions have together is what the whole would have; records; events."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.fcs import Trace, by_imputation, convergence_of, trace_events


def trace_of(
    values: dict[str, np.ndarray], imputation: int = 0, notes: dict[tuple[int, str, str], int] | None = None
) -> Trace:
    """Of imputed cells, (iterations, cells) by column."""
    means = np.stack([cells.mean(axis=1) for cells in values.values()], axis=1)
    sds = np.stack([cells.std(axis=1, ddof=min(1, cells.shape[1] - 1)) for cells in values.values()], axis=1)
    sizes = np.array([cells.shape[1] for cells in values.values()], dtype=float)
    return Trace(imputation, tuple(values), sizes, means, sds, notes or {})


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6))
def test_two_partitions_together_are_the_whole(seed: int, first: int, second: int) -> None:
    rng = np.random.default_rng(seed)
    one, two = rng.normal(3, 2, (4, first)), rng.normal(3, 2, (4, second))
    only = rng.normal(size=(4, 3))
    merged = trace_of({"x": one}).merge(trace_of({"z": only, "x": two}))
    whole = trace_of({"x": np.hstack([one, two]), "z": only})
    assert merged.columns == whole.columns
    np.testing.assert_allclose(merged.means, whole.means)
    np.testing.assert_allclose(merged.sds, whole.sds)
    np.testing.assert_array_equal(merged.cells, whole.cells)


def test_a_record_gives_the_same_trace_back() -> None:
    one = trace_of({"x": np.arange(12.0).reshape(3, 4)}, 2, {(1, "x", "ridge"): 3})
    again = Trace.of(json.loads(json.dumps(one.as_dict())))
    assert again.notes == one.notes
    assert (again.imputation, again.columns, again.fits) == (2, ("x",), 1)
    np.testing.assert_array_equal(again.means, one.means)


def test_chains_are_put_together_by_their_number() -> None:
    cells = np.arange(8.0).reshape(2, 4)
    found = by_imputation([trace_of({"x": cells}, 1), trace_of({"x": cells}, 0), trace_of({"x": cells}, 1)])
    assert [(one.imputation, one.cells.tolist(), one.fits) for one in found] == [(0, [4.0], 1), (1, [8.0], 2)]


def test_events_say_what_was_done_and_how_often_and_what_does_not_converge() -> None:
    rng = np.random.default_rng(1)
    still = [trace_of({"x": rng.normal(size=(20, 30)), "y": rng.normal(size=(20, 30))}, i) for i in range(4)]
    assert trace_events(still) == []
    noted = [Trace(**{**vars_of(one), "notes": {(3, "x", "ridge"): 1, (5, "x", "ridge"): 1}}) for one in still]
    [event] = trace_events(noted)
    assert (event.code, event.column) == ("ridge", "x")
    assert "8 of 80 fits, first in iteration 3" in str(event)
    apart = [trace_of({"x": rng.normal(size=(20, 30)) + 3 * i, "y": rng.normal(size=(20, 30))}, i) for i in range(4)]
    [event] = trace_events(apart)
    assert (event.code, event.column) == ("poor_convergence", "x")
    assert convergence_of(apart).poor() == ("x",)


def vars_of(trace: Trace) -> dict[str, object]:
    return {name: getattr(trace, name) for name in ("imputation", "columns", "cells", "means", "sds", "notes", "fits")}


def test_notes_of_synthetic_sets_are_counted_apart_from_those_of_chains() -> None:
    first, second = Trace.of_set(0, {(0, "g", "ridge"): 1}), Trace.of_set(0, {(0, "g", "ridge"): 1})
    [both] = by_imputation([first, second])
    assert both.notes == {(0, "g", "ridge"): 2}
    assert Trace.of(json.loads(json.dumps(both.as_dict()))).notes == both.notes
    [event] = trace_events([both, Trace.of_set(1, {(0, "g", "ridge"): 1})])
    assert str(event).endswith("(3 fits)")
    chain = trace_of({"x": np.arange(40.0).reshape(10, 4)}, 0, {(0, "x", "ridge"): 1, (2, "x", "ridge"): 1})
    assert [str(event).rpartition("(")[2] for event in trace_events([chain])] == [
        "1 fit)",
        "1 of 10 fits, first in iteration 2)",
    ]


def test_one_chain_is_not_compared_with_others() -> None:
    assert trace_events([trace_of({"x": np.arange(40.0).reshape(10, 4)})]) == []


def test_iterations_come_one_after_the_other() -> None:
    cells = np.arange(12.0).reshape(3, 4)
    whole, first, rest = trace_of({"x": cells}), trace_of({"x": cells[:1]}), trace_of({"x": cells[1:]})
    np.testing.assert_array_equal(rest.after(first).means, whole.means)
    assert rest.after(None) is rest
    assert rest.after(first).iterations == pytest.approx(3)
