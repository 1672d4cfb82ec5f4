"""The suite for methods notices every kind of mistake, and says which."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from replicant import methods
from replicant.errors import ReplicantError, SpecError
from replicant.methods import Predictors, Response, registry
from replicant.testing import check_method
from replicant.testing.checks import CHECKS
from replicant.testing.inputs import Rows, Target, given
from replicant.testing.population import sample_rows
from replicant.testing.trial import generator


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing registered here outlives a test."""
    monkeypatch.setattr(registry, "_registered", {})


@dataclass(frozen=True)
class Line:
    """Least squares with normal errors; `fault` is what it does wrong."""

    kinds: ClassVar[tuple[str, ...]] = ("continuous",)
    works_on: ClassVar[str] = "design"
    parametric: ClassVar[bool] = True
    fit_is_random: ClassVar[bool] = False

    fault: str = ""

    def fit(self, y: Response, x: Any, weights: Any, rng: Any) -> LineModel:
        assert y.numbers is not None
        w = np.ones(len(x)) if weights is None or self.fault == "weights" else weights.astype(float)
        if self.fault == "changes x":
            x[0, 0] = 2
        if self.fault == "warns":
            warnings.warn("well", stacklevel=2)
        scale = np.abs(x).max(axis=0)
        scale[scale == 0] = 1
        root = np.sqrt(w)[:, None]
        shift = y.numbers[0]
        beta = np.linalg.lstsq(x / scale * root, (y.numbers - shift) * root[:, 0], rcond=1e-9)[0] / scale
        residual = y.numbers - shift - x @ beta
        sigma = float(np.sqrt((w * residual**2).sum() / max(1, w.sum() - np.linalg.matrix_rank(x))))
        return (
            LineModel(beta, shift, sigma, self.fault, lambda: 0)
            if self.fault == "pickles"
            else LineModel(beta, shift, sigma, self.fault)
        )


@dataclass
class LineModel:
    beta: Any
    shift: float
    sigma: float
    fault: str
    extra: Any = None
    notes: tuple[str, ...] = ()

    def draw(self, x: Any, rng: np.random.Generator) -> Any:
        if self.fault == "own randomness":
            rng = np.random.default_rng()
        beta, sigma = self.beta, self.sigma
        if self.fault == "no association":
            beta = beta * np.eye(len(beta))[0]
        drawn = x @ beta + self.shift + sigma * (0.5 if self.fault == "narrow" else 1) * rng.normal(size=len(x))
        if self.fault == "shape":
            return drawn[:, None]
        if self.fault == "type":
            return drawn.astype(np.float32)
        if self.fault == "raises on few" and len(x) < 10:
            raise ValueError("few")
        if self.fault == "not a number":
            drawn[0] = np.nan
        return drawn


def test_a_method_that_keeps_its_promises() -> None:
    table = check_method(Line())
    assert list(table.columns) == ["method", "variant", "check", "outcome"]
    assert set(table["check"]) == {*CHECKS, "recovery"}
    assert set(table["variant"]) == {"numbers"}
    assert set(table["method"]) == {"Line"}
    outcomes = dict(zip(table["check"], table["outcome"], strict=True))
    assert outcomes["recovery"] == "kept"
    assert outcomes["clusters"] == outcomes["known_cells"] == "not claimed"


@pytest.mark.parametrize(
    ("fault", "check", "words"),
    [
        ("weights", "weights", "not drawn from as repeated rows"),
        ("changes x", "shapes", "changed what it was given"),
        ("warns", "shapes", "warned (UserWarning: well)"),
        ("pickles", "pickled", "raised"),
        ("own randomness", "seeds", "equal seeds give different draws"),
        ("no association", "recovery", "the correlation with a number is off"),
        ("narrow", "recovery", "the standard deviation is off"),
        ("shape", "shapes", "not an array of (80,)"),
        ("type", "shapes", "float32"),
        ("raises on few", "shapes", "raised ValueError: few"),
        ("not a number", "shapes", "not finite"),
    ],
)
def test_a_fault_is_noticed(fault: str, check: str, words: str) -> None:
    with pytest.raises(ReplicantError) as caught:
        check_method(Line(fault), "mine")
    lines = [line for line in str(caught.value).splitlines() if line.startswith(f"  {check} (numbers)")]
    assert len(lines) == 1
    assert words in lines[0]
    assert "the method 'mine' breaks" in str(caught.value)


def test_what_is_not_claimed_is_not_asked_for() -> None:
    table = check_method(Line("narrow"), claims=["mean", "levels"])
    assert set(table["outcome"]) == {"kept", "not claimed"}
    with pytest.raises(SpecError, match="unknown"):
        check_method(Line(), claims=["median"])


class MostFrequent:
    """Whatever the predictors, the first row's class."""

    uses_predictors = False
    fit_is_random = False

    def fit(self, y: Response, x: Predictors, weights: Any, rng: Any) -> FirstModel:
        return FirstModel(int(y.codes[0]))


@dataclass
class FirstModel:
    code: int

    def draw(self, x: Predictors, rng: Any) -> Any:
        return np.full(x.size, self.code, dtype=np.int32)


def test_a_method_that_looks_at_no_weight_is_noticed_on_codes() -> None:
    with pytest.raises(ReplicantError, match="a row of weight 0"):
        check_method(MostFrequent(), claims=[])


def test_names_and_objects_that_are_no_methods() -> None:
    with pytest.raises(SpecError, match="no method 'crat', did you mean 'cart'"):
        check_method("crat")
    for name in ("keep", "passive"):
        with pytest.raises(SpecError, match="fits no model"):
            check_method(name)
    with pytest.raises(SpecError, match="fits no model"):
        check_method(object())  # type: ignore[arg-type]
    methods.register("mine", Line())
    assert set(check_method("mine")["method"]) == {"mine"}


def test_the_design_is_that_of_the_protocol() -> None:
    rows = Rows.of([[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]], [[0, 2, -1]], [3])
    np.testing.assert_array_equal(
        rows.design(rows),
        [[1, 1, 0, 4, 0, 0, 0], [1, 0, 1, 5, 0, 1, 0], [1, 3, 0, 6, 0, 0, 1]],
    )
    whole = Rows.of([[1.0, 2.0]], [[0, 1]], [2])
    assert whole.design(rows.take(np.array([0]))).shape == (2, 3)


def test_predictors_are_those_of_the_engine() -> None:
    """Codes of new rows mean what those of the table do, and the frame shows the same rows."""
    _, rows = sample_rows(["numbers"], 30, generator(1))
    some = rows.take(np.array([4, 9, 9]))
    by_codes, by_rows = given("codes", some, rows), given("codes", some, rows, at=np.array([4, 9, 9]))
    np.testing.assert_array_equal(by_codes.table_codes(), by_rows.table_codes())
    frame = by_codes.to_frame()
    np.testing.assert_array_equal(frame["x0"], rows.numbers[[4, 9, 9], 0])
    assert frame["g0"].tolist() == [f"l{level}" for level in rows.levels[[4, 9, 9], 0]]


def test_a_population_has_the_association_that_it_says() -> None:
    y, x = sample_rows(["numbers"], 20_000, generator(2))
    design = np.column_stack([np.ones(20_000), x.numbers, x.levels == 1])
    beta = np.linalg.lstsq(design, y[0].values, rcond=None)[0]
    np.testing.assert_allclose(beta, [2, 0.8, -0.5, 0.7], atol=4 * 2 / np.sqrt(20_000))


def test_a_target_gives_codes_that_mean_its_numbers() -> None:
    target = Target.numbers([3.0, 1.0, np.nan, 3.0])
    response = target.response()
    assert response.codes.tolist() == [1, 0, -1, 1]
    np.testing.assert_array_equal(target.support, [1.0, 3.0])
