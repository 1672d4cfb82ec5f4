"""A user's own method, end to end: a normal linear model (Rubin 1987, example 5.1 without drawn parameters)."""

from __future__ import annotations

import pickle
from typing import Any

import formulaic
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import replicant as rp
from replicant import fcs
from replicant.errors import ReplicantError
from replicant.methods import Predictors, Response, registry
from replicant.spec.load import validate_synthesis
from replicant.table import encode_table


def design(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    if not len(frame.columns):  # the column visited first
        return np.ones((len(frame), 1))
    frame = frame.copy()
    for name in frame.select_dtypes("datetime"):
        frame[name] = (frame[name] - pd.Timestamp("2020-01-01")) / pd.Timedelta(days=1)
    numbers = pd.get_dummies(frame, drop_first=True, dtype=float).to_numpy(dtype=np.float64)
    return np.column_stack([np.ones(len(frame)), np.nan_to_num(numbers)])


class NormalModel:
    def __init__(self, beta: npt.NDArray[np.float64], sigma: float) -> None:
        self.beta, self.sigma = beta, sigma

    def draw(self, x: Predictors, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        fitted: npt.NDArray[np.float64] = design(x.to_frame()) @ self.beta
        assert len(fitted) == x.size
        return fitted + self.sigma * rng.normal(size=x.size)


class Normal:
    """Least squares."""

    parametric = True

    def fit(self, y: Response, x: Predictors, weights: Any, rng: np.random.Generator) -> NormalModel:
        assert y.numbers is not None
        w = np.ones(x.size) if weights is None else weights.astype(float)
        root = np.sqrt(w)[:, None]
        a = design(x.to_frame())
        beta = np.linalg.lstsq(a * root, y.numbers * root[:, 0], rcond=None)[0]
        residual = y.numbers - a @ beta
        return NormalModel(beta, float(np.sqrt((w * residual**2).sum() / (w.sum() - a.shape[1]))))


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    rp.register_method("normal", Normal())


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    n = 3000
    x = rng.normal(50, 10, n).round(1)
    group = rng.choice(["a", "b", "c"], n)
    y = (20 + 0.5 * x + 4.0 * (group == "b") + rng.normal(0, 3, n)).round(2)
    return pd.DataFrame({"x": x, "group": group, "y": y})


def coefficients(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    a = np.column_stack([np.ones(len(frame)), frame["x"], frame["group"] == "b", frame["group"] == "c"]).astype(float)
    return np.asarray(np.linalg.lstsq(a, frame["y"].to_numpy(dtype=float), rcond=None)[0])


@pytest.mark.parametrize("conditioning", ["synthetic", "observed"])
def test_a_linear_model_reproduces_its_coefficients(frame: pd.DataFrame, conditioning: Any) -> None:
    """Each within four standard errors of the difference of two samples, from least squares' own formula.

    Given observed predictors only where these stay: drawn themselves, they would not be those the cell was drawn for.
    """
    others = {} if conditioning == "synthetic" else {"x": "keep", "group": "keep"}
    order = ["group", "x", "y"] if conditioning == "synthetic" else "random"
    syn = rp.synthesize(
        frame, m=2, seed=5, method={"y": "normal", **others}, conditioning=conditioning, visit_sequence=order
    )
    error = 3 * np.sqrt(2 / len(frame)) * np.array([5.2, 0.1, 2.5, 2.5])
    for one in syn:
        assert (np.abs(coefficients(one) - coefficients(frame)) < 4 * error).all()
        assert not set(one["y"]) <= set(frame["y"])  # values of its own, not donors'
        np.testing.assert_array_equal(one["y"], one["y"].round(2))  # of the column's decimals
        assert one.dtypes.to_dict() == frame.dtypes.to_dict()


def test_whole_numbers_stay_whole_and_dates_stay_dates(frame: pd.DataFrame) -> None:
    frame["count"] = np.maximum(0, frame["x"].round()).astype("int64")
    frame["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(frame["count"] * 3, unit="D")
    one = rp.synthesize(frame, m=1, seed=6, method={"count": "normal", "day": "normal"})[0]
    assert one["count"].dtype == "int64"
    assert one["day"].dtype == frame["day"].dtype
    assert abs(one["count"].mean() - frame["count"].mean()) < 4 * frame["count"].std() * np.sqrt(2 / len(frame))
    assert abs(one["day"].mean() - frame["day"].mean()) < pd.Timedelta(days=4 * 30 * np.sqrt(2 / 3000))
    assert (one["day"] == one["day"].dt.normalize()).all()


def test_missing_values_and_spikes_are_drawn_beside_it(frame: pd.DataFrame) -> None:
    """The method sees and draws the ordinary values only."""
    rng = np.random.default_rng(7)
    frame.loc[rng.random(len(frame)) < 0.2, "y"] = np.nan
    frame.loc[rng.random(len(frame)) < 0.1, "y"] = 0.0
    frame.loc[rng.random(len(frame)) < 0.1, "y"] = -8.0
    one = rp.synthesize(
        frame, m=1, seed=8, method={"y": "normal"}, columns={"y": {"missing_codes": [-8], "spike": [0]}}
    )[0]
    error = 4 * np.sqrt(2 * 0.25 / len(frame))
    for share in (lambda y: y.isna(), lambda y: y == 0, lambda y: y == -8):
        assert share(one["y"]).mean() == pytest.approx(share(frame["y"]).mean(), abs=error)
    ordinary = one["y"][one["y"].notna() & ~one["y"].isin([0, -8])]
    assert ordinary.min() > 15
    assert ordinary.mean() == pytest.approx(frame["y"][frame["y"] > 15].mean(), abs=1.0)


def test_only_the_cells_asked_for_are_drawn(frame: pd.DataFrame) -> None:
    syn = rp.synthesize(frame, m=1, seed=9, method={"y": "normal"}, where={"y": "x > p80"}, shuffle=False)
    kept = frame["x"] <= frame["x"].quantile(0.8) - 1
    pd.testing.assert_series_equal(syn[0]["y"][kept], frame["y"][kept])
    assert (syn[0]["y"] != frame["y"]).mean() > 0.15


def parametric(frame: pd.DataFrame, **settings: Any) -> dict[str, bool]:
    syn = rp.synthesize(frame, seed=1, **{"m": 2} | settings)
    said = {column["name"]: column["parametric"] for column in syn.manifest["columns"]}
    assert said == {column.name: column.parametric for column in syn.plan.columns}
    return said


def test_the_manifest_says_which_columns_are_drawn_by_a_parametric_method(frame: pd.DataFrame) -> None:
    """And the rule of pooling goes by it."""
    normal = {"x": "normal", "y": "normal", "group": "sample"}
    assert parametric(frame, method=normal) == {"x": True, "group": True, "y": True}
    assert parametric(frame, method={**normal, "x": "cart"}) == {"x": False, "group": True, "y": True}
    told = {"x": False, "group": True, "y": True}
    assert parametric(frame, method={"group": "keep"}, passive={"y": "x * 2"}) == told
    fits = rp.synthesize(frame, m=3, seed=1, method=normal).analyse("ols", "y ~ x")
    assert fits.pool().rule == "raab2016_simple"
    assert rp.synthesize(frame, m=3, seed=1, method={"y": "normal"}).analyse("ols", "y ~ x").pool().rule == "reiter2003"
    # Which cells are missing, or a spike, is drawn by a tree.
    holes = frame.assign(y=frame["y"].mask(np.arange(len(frame)) % 7 == 0))
    assert parametric(holes, method=normal) == {"x": True, "group": True, "y": False}
    spikes = frame.assign(y=frame["y"].where(np.arange(len(frame)) % 7 > 0, 0.0))
    assert not parametric(spikes, method=normal, columns={"y": {"spike": [0]}})["y"]


def test_what_follows_from_its_draws_has_values_of_its_own(frame: pd.DataFrame) -> None:
    """A second unit is not given the numbers of the first, and no number that is none of its own."""
    two = frame[["y"]].assign(inch=frame["y"] / 2.54, again=frame["y"])
    drawn = rp.synthesize(two, m=1, seed=1, method="normal")
    assert [drawn.plan.column(name).method for name in ("inch", "again")] == ["copy", "copy"]
    assert drawn[0]["again"].tolist() == drawn[0]["y"].tolist()
    assert set(drawn[0]["inch"]) <= set(two["inch"])
    assert drawn[0]["inch"].corr(drawn[0]["y"]) > 0.99


class OnDesign(Normal):
    """The same, on the engine's own design matrix."""

    works_on = "design"
    kinds = ("continuous", "count", "date")

    def fit(self, y: Response, x: Any, weights: Any, rng: np.random.Generator) -> OnDesignModel:
        assert y.numbers is not None
        rows = np.repeat(np.arange(len(x)), 1 if weights is None else weights)
        beta = np.linalg.lstsq(x[rows], y.numbers[rows], rcond=None)[0]
        return OnDesignModel(beta, float(np.std(y.numbers[rows] - x[rows] @ beta, ddof=x.shape[1])))


class OnDesignModel(NormalModel):
    def draw(self, x: Any, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        return x @ self.beta + self.sigma * rng.normal(size=len(x))


@pytest.mark.parametrize("conditioning", ["synthetic", "observed"])
def test_a_method_on_a_design_matrix_draws_what_one_on_a_frame_draws(frame: pd.DataFrame, conditioning: Any) -> None:
    rp.register_method("on_design", OnDesign())
    for holes in (frame, frame.assign(y=frame["y"].mask(np.arange(len(frame)) % 7 == 0))):
        settings: dict[str, Any] = {"m": 1, "seed": 5, "conditioning": conditioning, "visit_sequence": "table"}
        by_frame, by_design = (
            rp.synthesize(holes, method={"y": method}, where={"y": "x > p20"}, shuffle=False, **settings)[0]
            for method in ("normal", "on_design")
        )
        np.testing.assert_allclose(by_design["y"], by_frame["y"], atol=0.011)  # a rounding to two decimals
        pd.testing.assert_frame_equal(by_design[["x", "group"]], by_frame[["x", "group"]])


def test_a_design_matrix_is_that_of_formulaic() -> None:
    """Beside it, a missing cell is a 1 in a column of its own, and adds nothing elsewhere."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=60).round(2), "y": rng.normal(size=60)})
    frame["g"] = pd.Categorical(rng.choice(["a", "c"], 60), ["a", "b", "c"])
    frame["h"] = rng.choice(["no", "yes"], 60)
    table = encode_table(frame)
    prepared = fcs.prepare(table, rp.build_plan(validate_synthesis(seed=1, m=1), table))
    expected = formulaic.model_matrix("x + g + h", frame).to_numpy(dtype=float)
    np.testing.assert_array_equal(prepared.design(("x", "g", "h")), expected)
    rows = np.array([5, 5, 7])
    np.testing.assert_array_equal(prepared.design(("x", "g", "h"), rows), expected[rows])
    holes = frame.assign(x=frame["x"].mask(np.arange(60) < 9), h=frame["h"].mask(np.arange(60) > 50))
    table = encode_table(holes)
    design = fcs.prepare(table, rp.build_plan(validate_synthesis(seed=1, m=1), table)).design(("x", "h"))
    np.testing.assert_array_equal(design[:, 1], holes["x"].fillna(0.0))
    np.testing.assert_array_equal(design[:, 2], holes["x"].isna())
    np.testing.assert_array_equal(design[:, 3], holes["h"] == "yes")
    np.testing.assert_array_equal(design[:, 4], holes["h"].isna())
    assert prepared.design(()).tolist() == [[1.0]] * 60


def test_its_models_pickle(frame: pd.DataFrame) -> None:
    """Models go from the worker that fits to the one that draws."""
    table = encode_table(frame)
    plan = rp.build_plan(validate_synthesis(seed=1, m=1, method={"y": "normal"}), table, methods=registry.registered())
    prepared = fcs.prepare(table, plan)
    models = fcs.fit_columns(prepared, plan, plan.names)
    again = pickle.loads(pickle.dumps(models))
    one, two = (fcs.draw_imputation(prepared, plan, made, 0) for made in (models, again))
    np.testing.assert_array_equal(one.codes, two.codes)
    np.testing.assert_array_equal(one.exact["y"], two.exact["y"])


class Wrong:
    """A method whose model answers with what it was made with."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def fit(self, y: Response, x: Predictors, weights: Any, rng: np.random.Generator) -> Wrong:
        return self

    def draw(self, x: Predictors, rng: np.random.Generator) -> Any:
        return self.answer(x.size)


@pytest.mark.parametrize(
    ("column", "answer"),
    [
        ("y", lambda k: np.zeros(k - 1, dtype=np.int32)),  # too few
        ("y", lambda k: np.full(k, 10**6, dtype=np.int32)),  # no such code
        ("y", lambda k: np.full(k, np.inf)),  # not a number one can release
        ("group", np.zeros),  # numbers for levels
        ("group", lambda k: np.full(k, -2, dtype=np.int32)),  # a coded missing value that the column has not
        ("y", lambda k: ["a"] * k),
    ],
)
def test_a_wrong_answer_is_an_error_and_not_a_wrong_release(frame: pd.DataFrame, column: str, answer: Any) -> None:
    rp.register_method("wrong", Wrong(answer))
    with pytest.raises(ReplicantError, match=column):
        rp.synthesize(frame, m=1, seed=1, method={column: "wrong"})[0]
