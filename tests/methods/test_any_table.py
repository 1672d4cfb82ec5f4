"""The methods on a design matrix draw something of every table, however few its rows and whatever its predictors."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.methods import Response, registered
from replicant.methods.notes import NOTES

from .designs import COLUMNS, unusual

NUMBERS = (
    "cubertnorm",
    "lognorm",
    "mean",
    "midastouch",
    "norm",
    "norm.boot",
    "norm.nob",
    "normrank",
    "pmm",
    "quadratic",
)
LEVELS = ("lda", "logreg", "polr", "polyreg")
NUMBERS = (*NUMBERS, "sqrtnorm")


def model_of(name: str, y: Response, x: Any, weights: Any, seed: int, proper: bool) -> Any:
    return registered()[name].made_proper(proper).method.fit(y, x, weights, np.random.default_rng(seed))


@given(
    n=st.integers(1, 12),
    columns=COLUMNS,
    level=st.sampled_from([0.0, 1.0, 1e-90, 1e90]),
    weighted=st.booleans(),
    proper=st.booleans(),
    seed=st.integers(0, 99),
)
@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.filterwarnings("error")
def test_numbers(name: str, n: int, columns: list[str], level: float, weighted: bool, proper: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = unusual(n, columns, rng)
    values, codes = np.unique(level * np.round(rng.normal(size=n), 1), return_inverse=True)
    y = Response(codes.astype(np.int32), numbers=values[codes])
    weights = rng.integers(1, 5, n).astype(np.int32) if weighted else None
    model = model_of(name, y, x, weights, seed, proper)
    assert set(getattr(model, "notes", ())) <= NOTES.keys()
    drawn = pickle.loads(pickle.dumps(model)).draw(x, np.random.default_rng(seed))
    assert drawn.shape == (n,)
    np.testing.assert_array_equal(drawn, model.draw(x, np.random.default_rng(seed)))
    if drawn.dtype.kind == "f":
        assert np.isfinite(drawn).all()
    else:
        assert drawn.dtype == np.int32
        assert set(drawn.tolist()) <= set(codes.tolist())


@given(
    n=st.integers(1, 14),
    columns=COLUMNS,
    levels=st.integers(1, 5),
    weighted=st.booleans(),
    proper=st.booleans(),
    seed=st.integers(0, 99),
)
@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.filterwarnings("error")
def test_levels(name: str, n: int, columns: list[str], levels: int, weighted: bool, proper: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = unusual(n, columns, rng)
    classes = rng.integers(0, levels, n).astype(np.int32)
    weights = rng.integers(1, 5, n).astype(np.int32) if weighted else None
    model = model_of(name, Response(classes, classes=classes, n_classes=levels), x, weights, seed, proper)
    assert set(model.notes) <= NOTES.keys() - {"not_converged", "not_ordered"}
    assert ("one_class" in model.notes) == (len(set(classes)) == 1)
    drawn = pickle.loads(pickle.dumps(model)).draw(x, np.random.default_rng(seed))
    assert drawn.shape == (n,)
    assert drawn.dtype == np.int32
    np.testing.assert_array_equal(drawn, model.draw(x, np.random.default_rng(seed)))
    assert set(drawn.tolist()) <= set(classes.tolist())


@pytest.mark.parametrize("name", [*NUMBERS, *LEVELS])
def test_what_a_method_says_of_itself(name: str) -> None:
    """Draws parameters or says that it cannot; takes design matrices; tells seconds of arrays of columns."""
    declared = registered()[name]
    assert declared.works_on == "design"
    assert not declared.missing_class
    assert declared.parametric == (name not in {"mean", "midastouch", "pmm", "quadratic"})
    assert hasattr(declared.method, "proper") == (name not in {"mean", "norm.nob"})
    seconds = declared.seconds(np.array([10, 1000]), np.array([2, 3]), np.array([0, 4]))
    assert (np.asarray(seconds) > 0).all()
